"""What evidence is worth before it is bought: EVPI, EVSI, ENBS, the judge-only launch rule.

All values are dollars per exposure unless they say dollars; the effect D of a variant, already in dollars per
exposure, has prior Normal(mean, sd^2), and launching it costs `launch_cost` per exposure. Formulas: MODEL section 6.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from expsim_panel.economics import expected_net_benefit, unit_loss
from expsim_panel.errors import InputError, shown

_WHERE = "value of information"


@dataclass(frozen=True)
class Belief:
    """What is known of a variant's worth before the data.

    Attributes
    ----------
    mean, sd : float
        Prior of the effect, dollars per exposure; sd above 0.
    launch_cost : float
        One-off cost spread over the horizon, dollars per exposure.
    """

    mean: float
    sd: float
    launch_cost: float = 0.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.sd) and self.sd > 0):
            raise InputError(_WHERE, "sd", f"{shown(self.sd)}", "give a spread above 0")
        for name in ("mean", "launch_cost"):
            if not math.isfinite(getattr(self, name)):
                raise InputError(_WHERE, name, f"{shown(getattr(self, name))}", "give a finite number")

    @property
    def gain(self) -> float:
        """Expected net gain of launching now."""
        return self.mean - self.launch_cost

    def evpi(self) -> float:
        """Expected value of perfect information: ``sd [phi(z) - z Phi(-z)]``, ``z = |gain| / sd``."""
        return float(self.sd * unit_loss(np.array(abs(self.gain) / self.sd)))

    def preposterior_sd(self, variance: float) -> float:
        """SD that the posterior mean will have: ``sd^2 / sqrt(sd^2 + v)`` for an estimator of variance v."""
        if not variance >= 0:
            raise InputError(_WHERE, "variance", f"{shown(variance)}", "give 0 or more")
        return self.sd**2 / math.sqrt(self.sd**2 + variance)

    def evsi(self, variance: float) -> float:
        """Expected value of an estimate with this variance, by the Bayes decision.

        Parameters
        ----------
        variance : float
            Of the estimate, dollars squared; sampling variance plus the variance of a suspected bias, which
            does not shrink with n. inf gives 0.
        """
        if variance == math.inf:
            return 0.0
        s = self.preposterior_sd(variance)
        return float(s * unit_loss(np.array(abs(self.gain) / s)))

    def realised(self, variance: float, threshold: float) -> float:
        """Return the value of a rule that launches when the estimate exceeds `threshold`, over deciding now.

        EVSI assumes the best decision; a rule such as "p < 0.05" (threshold 1.96 standard errors) gets
        ``gain Phi(-a) + s phi(a) - max(gain, 0)``, ``a = (threshold - mean) / sqrt(sd^2 + v)``: less, and
        possibly less than nothing.
        """
        from scipy.special import ndtr

        spread = math.sqrt(self.sd**2 + variance)
        a = (threshold - self.mean) / spread
        density = math.exp(-a * a / 2) / math.sqrt(2 * math.pi)
        launched = self.gain * float(ndtr(-a)) + self.sd**2 / spread * density
        return launched - max(self.gain, 0.0)

    def enbs(
        self, n: np.ndarray, variance: np.ndarray, horizon: float, cost: np.ndarray, exposures_per_row: float = 1.0
    ) -> np.ndarray:
        """Return the expected net benefit of a test with n scored rows per arm, dollars.

        ``(E - 2 n x) EVSI1(v(n)) + n x gain - 2 n x max(gain, 0) - cost(n)`` with x exposures per scored row: half of
        the exposures of the test get the variant, then all of the rest what the evidence says.

        Parameters
        ----------
        n, variance, cost : ndarray
            Rows per arm, variance of the estimated difference at that n, dollars of everything that n costs.
        horizon : float
            Exposures that the decision is about, E.
        """
        before = np.array(self.sd**2)
        after = before * variance / (before + variance)
        exposed = np.asarray(n * exposures_per_row)
        return expected_net_benefit(exposed, np.array(self.gain), before, after, np.array(float(horizon)), cost)


def expected_loss(mean: float, sd: float) -> tuple[float, float]:
    """Return the expected loss of choosing the arm that looks better, and of the other one.

    The first is ``sd [phi(z) - z Phi(-z)]``, ``z = |mean| / sd`` (equal to the EVPI); the second adds |mean|.
    """
    better = Belief(mean, sd).evpi()
    return better, better + abs(mean)


def best_test_size(horizon: float, outcome_sd: float, mean_sd: float) -> float:
    """Return the best test size per arm without prior difference or costs.

    ``n* = sqrt(E/4 (s/sig)^2 + (3/4 (s/sig)^2)^2) - 3/4 (s/sig)^2``;
    2,284 for E = 100,000, a rate of 0.68 and sig 0.03 (Test & Roll).

    Parameters
    ----------
    horizon : float
        Customers in all, E.
    outcome_sd, mean_sd : float
        s of one outcome; sig of each arm's mean in the prior (the difference has variance 2 sig^2).

    References
    ----------
    Feit, Berman (2019), Test & Roll, Marketing Science 38, 1038-1058, equation 10.
    """
    for key, value in (("horizon", horizon), ("outcome_sd", outcome_sd), ("mean_sd", mean_sd)):
        if not (math.isfinite(value) and value > 0):
            raise InputError("test & roll", key, f"{shown(value)}", "give a number above 0")
    square = (outcome_sd / mean_sd) ** 2
    return math.sqrt(horizon / 4 * square + (0.75 * square) ** 2) - 0.75 * square


@dataclass(frozen=True)
class JudgeOnly:
    """Whether a judge alone is evidence enough.

    Attributes
    ----------
    launch : bool
        The estimate is positive and beyond the bar.
    bar : float
        ``factor sqrt(SE^2 + SD(bias)^2)``.
    floor : float
        The part of the bar that no number of rows removes, ``factor SD(bias)``.
    sentence : str
        Why, in words.
    """

    launch: bool
    bar: float
    floor: float
    sentence: str


def judge_only_launch(estimate: float, se: float, bias_sd: float, factor: float = 2.0) -> JudgeOnly:
    """Apply the launch rule for judge-only evidence: ``|estimate| > 2 sqrt(SE^2 + SD(beta_B - beta_A)^2)``.

    Parameters
    ----------
    estimate, se : float
        Judge's difference, positive is better, and its standard error; metric units.
    bias_sd : float
        SD of such judges' differential bias, from calibration or published spreads.
    """
    if not (se >= 0 and bias_sd >= 0 and factor > 0):
        raise InputError("judge-only launch", "se", "a spread is negative", "give 0 or more")
    bar, floor = factor * math.hypot(se, bias_sd), factor * bias_sd
    if abs(estimate) > bar:
        side = "better" if estimate > 0 else "worse"
        said = (
            f"The judge finds it {side} by {abs(estimate):.3g}, more than its noise and its likely partiality explain"
        )
        return JudgeOnly(estimate > 0, bar, floor, f"{said} ({bar:.3g}).")
    if abs(estimate) > factor * se:
        said = (
            f"The difference of {estimate:.3g} is beyond the noise, but judges like this favour one variant by such "
            f"amounts (SD {bias_sd:.3g})"
        )
        remedy = "more judge scores cannot tell the two apart, labels in both variants can"
        return JudgeOnly(False, bar, floor, f"{said}: {remedy}.")
    return JudgeOnly(
        False, bar, floor, f"The difference of {estimate:.3g} is within the noise (two errors: {2 * se:.3g})."
    )


def largest_rate_without_events(n: float, level: float = 0.95) -> float:
    """Return the rate that n observations without one event still allow, about 3 / n at 95 %.

    Exact ``1 - (1 - level)^(1/n)``: for a rare harm "none seen" is not "none there".
    """
    if not n > 0 or not 0 < level < 1:
        raise InputError("rare events", "n", f"{shown(n)} observations at {shown(level)}", "give more than 0")
    return -math.expm1(math.log1p(-level) / n)
