"""Sample-ratio mismatch: did as many units arrive in every variant as were sent there?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from expsim_panel import plan
from expsim_panel.results import Trace
from expsim_panel.scenario import Scenario
from expsim_panel.srm import sample_ratio_check
from expsim_panel.strategy import Strategy

ALPHA = 0.001
"""Level of the check: it is run on every experiment, so false alarms must be rare."""


@dataclass(frozen=True)
class SampleRatio:
    """The check of one experiment.

    Attributes
    ----------
    observed, expected : tuple of float
        Units in the analysis by variant, and how many there should be of as many in all.
    statistic : float
        Chi-square, with one degree of freedom less than there are variants.
    p_value : float
        Of the counts as observed.
    alarm : bool
        Whether it is below `ALPHA`.
    p_alarm : float
        Chance that an experiment with this expected mismatch raises the alarm: `ALPHA` where there is none.
    """

    observed: tuple[float, ...]
    expected: tuple[float, ...]
    statistic: float
    p_value: float
    alarm: bool
    p_alarm: float

    def to_json(self) -> dict[str, object]:
        """Return a JSON object."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in self.__dict__.items()}

    def warning(self) -> str:
        """Say in one sentence what is wrong; empty if nothing is."""
        if not self.alarm:
            return ""
        p = "below 0.0001" if self.p_value < 1e-4 else f"{self.p_value:.4f}"
        return (
            f"Sample ratio mismatch: {self.observed[1]:,.0f} units of the first variant where "
            f"{self.expected[1]:,.0f} should be (p {p}); find out who is missing before you believe any difference."
        )


def check(observed: np.ndarray, shares: np.ndarray) -> SampleRatio:
    """Compare counts with the shares that they should have: Pearson's chi-square.

    Parameters
    ----------
    observed : ndarray, shape (arms,)
        Units by variant.
    shares : ndarray, shape (arms,)
        Their expected shares, positive; any scale.

    References
    ----------
    A. Fabijan et al. (2019), Diagnosing sample ratio mismatch in online controlled experiments, KDD.
    """
    from scipy.stats import chi2, ncx2

    counts = tuple(float(n) for n in observed)
    if sum(counts) <= 0:
        return SampleRatio(counts, tuple(0.0 for _ in counts), 0.0, 1.0, False, ALPHA)
    found = sample_ratio_check(counts, [float(share) for share in shares], ALPHA)
    bound = float(chi2.isf(ALPHA, found.df))
    caught = float(ncx2.sf(bound, found.df, found.chi_square)) if found.chi_square > 0 else ALPHA
    return SampleRatio(counts, found.expected, found.chi_square, found.p_value, found.mismatch, caught)


def of_trace(scenario: Scenario, one: Strategy, shown: Trace) -> SampleRatio | None:
    """Return the check of the experiment on screen; None where the policy itself moves the shares.

    Simulated traffic is dealt out by quota, so that without a mismatch the counts are as expected.
    """
    if one.policy.adaptive or scenario.traffic.switchback is not None:
        return None
    planned = plan.schedule(scenario.without_losses())
    stop = shown.day - scenario.delay_days - 1
    expected = planned.scored[stop].astype(float)
    if expected.min() <= 0:
        return None
    per_unit = plan.clusters(scenario).rows_per_unit
    return check(shown.state[-1, 1] / per_unit, expected)
