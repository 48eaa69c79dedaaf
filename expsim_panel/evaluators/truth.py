"""The perfect evaluator: true quality, at no cost and at once."""

from __future__ import annotations

import numpy as np

from expsim_panel.evaluation import Evaluator, Measurement, evaluators


@evaluators.register("truth")
class Truth(Evaluator):
    """True quality observed without error: the yardstick, not a choice one has."""

    kind = "truth"
    summary = "True quality, without error and free: the yardstick"

    def measure(self, means: np.ndarray, sds: np.ndarray, family: str) -> Measurement:
        """Return the truth itself."""
        return Measurement(means, sds)
