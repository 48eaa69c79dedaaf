"""Kim-DeMets alpha spending: a power of the information."""

from __future__ import annotations

import numpy as np

from expsim_panel.design import designs
from expsim_panel.designs._spending import Spending
from expsim_panel.quantities import Factor
from expsim_panel.spending import kim_demets


@designs.register("kim-demets")
class KimDeMets(Spending):
    """Spends ``alpha t^gamma``.

    References
    ----------
    K. Kim and D. L. DeMets (1987), Biometrika 74, 149-154.
    """

    kind = "kim-demets"
    summary = "Looks at any time; alpha spent as a power of the traffic"
    error_claim = "exact"
    parameter_key = "gamma"
    gamma = Factor(
        3.0,
        bounds=(0.05, 50.0),
        softbounds=(1.0, 4.0),
        step=0.5,
        label="Gamma",
        doc="1: alpha is spent evenly. 3: near O'Brien-Fleming, little early.",
    )

    def spending(self, information: np.ndarray, alpha: float) -> np.ndarray:
        """Return the cumulative part of `alpha`."""
        return kim_demets(information, alpha, float(self.gamma))
