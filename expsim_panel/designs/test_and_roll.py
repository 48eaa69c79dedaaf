"""Test & Roll: a test no larger than its profit, then roll out whatever looks better."""

from __future__ import annotations

import math

import numpy as np

from expsim_panel.design import Bounds, Design, Remembered, Setting, designs
from expsim_panel.quantities import Spread, Units

_TIE = 1e-300
"""Above every z of a tie, below any other."""


def test_and_roll_units(population: float, sd: float, mean_sd: float) -> float:
    """Return the size per arm that maximises expected profit, not rounded.

    ``sqrt(E/4 (s/sig)^2 + (3/4 (s/sig)^2)^2) - 3/4 (s/sig)^2``.

    Parameters
    ----------
    population : float
        Units that will be served in all, the test's own included (E).
    sd : float
        Standard deviation of one outcome (s).
    mean_sd : float
        Standard deviation of the arms' true means around their common mean (sig).

    References
    ----------
    .. [1] Feit, Berman (2019), "Test & Roll: Profit-Maximizing A/B Tests", Marketing Science 38, 1038-1058.
    """
    ratio = (sd / mean_sd) ** 2
    # Written without the difference of two nearly equal numbers when the arms hardly differ.
    first, second = population / 4 * ratio, (0.75 * ratio) ** 2
    return first / (math.sqrt(first + second) + 0.75 * ratio)


@designs.register("test-and-roll")
class TestAndRoll(Design):
    """Decide for the larger mean once each arm has the profit-maximising number of responses.

    It promises profit, not a false alarm rate: without a difference it launches half of the time, which costs
    nothing then.
    """

    __test__ = False
    kind = "test-and-roll"
    summary = "A small test for profit, then the better-looking one for everybody"
    error_claim = "none"
    bounds_follow_spread = True
    population = Units(
        100_000,
        bounds=(2, None),
        softbounds=(1000, 10_000_000),
        label="Population",
        doc="Units that will be served in all, the test's own included.",
    )
    mean_sd = Spread(
        None,
        allow_None=True,
        bounds=(0, None),
        inclusive_bounds=(False, True),
        label="Spread of true means",
        doc="How far the variants' true means usually lie apart, as a standard deviation; "
        "unset: a tenth of the planned spread of a response.",
    )

    def units_per_arm(self, setting: Setting) -> float:
        """Return the responses per arm after which to decide."""
        sd = float(setting.sds[0])
        return test_and_roll_units(float(self.population), sd, sd / 10 if self.mean_sd is None else float(self.mean_sd))

    def bounds(self, setting: Setting) -> Bounds:
        """Return one look, at the first day with enough responses, at which any z decides; a tie keeps control.

        Two rates of equally many responses differ by whole events: the bound lies half an event above a tie,
        which is where the normal law has to be cut to give the probabilities of the counts.
        """
        enough = np.flatnonzero(setting.rows.min(axis=1) >= self.units_per_arm(setting))
        day = int(enough[0]) + 1 if enough.size else setting.days
        rows = setting.rows[day - 1]
        edge = _TIE
        if setting.binary and rows.min() == rows.max() > 0:
            spread = math.sqrt(float(setting.sds[0] ** 2 + setting.sds[-1] ** 2) / rows[0])
            edge = max(0.5 / rows[0] / spread, _TIE) if spread > 0 else _TIE
        return Bounds(np.array([day]), np.array([edge]), np.array([edge]))

    def remembers(self, setting: Setting, day: int) -> Remembered | None:
        """Return its one look, once it is past: later data are no part of the test."""
        look = int(self.bounds(setting).days[0])
        return Remembered(look, "its one look {when} decides") if day > look else None
