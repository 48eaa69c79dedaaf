"""Response times of a scenario's variants: exact mean and quantiles, and those of drawn answers beside them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from expsim_panel.kernels.streams import TRUTH, generator
from expsim_panel.results import Figure
from expsim_panel.scenario import Scenario

QUANTILES = (0.05, 0.5, 0.95)
DRAWN = 20_000
_BLOCK = 999_983
"""A block of the streams that no replicate has: draws here change no experiment."""


@dataclass(frozen=True)
class Wait:
    """One variant's response time.

    Attributes
    ----------
    variant : str
        Its name.
    figure : Figure
        Mean milliseconds of `DRAWN` answers, its exact value, and quantiles of those answers.
    exact : dict of float
        The exact quantiles.
    """

    variant: str
    figure: Figure
    exact: dict[str, float]

    def to_json(self) -> dict[str, object]:
        """Return a JSON object."""
        return {"variant": self.variant, "milliseconds": self.figure.to_json(), "exact_quantiles": dict(self.exact)}


def waits(scenario: Scenario, seed: int) -> tuple[Wait, ...]:
    """Return the response time of every variant that the file gives one, milliseconds.

    The same seed gives the same draws, whatever else the study does.
    """
    found = []
    for place, variant in enumerate(scenario.variants):
        law = variant.response_time()
        if law is None:
            continue
        drawn = 1000 * law.draw(generator(seed, TRUTH, _BLOCK, place), DRAWN)
        seen = {f"{p:g}": float(value) for p, value in zip(QUANTILES, np.quantile(drawn, QUANTILES), strict=True)}
        told = {f"{p:g}": 1000 * law.quantile(p) for p in QUANTILES}
        error = float(drawn.std(ddof=1) / np.sqrt(DRAWN))
        found.append(Wait(variant.name, Figure(float(drawn.mean()), error, 1000 * law.mean, seen), told))
    return tuple(found)
