"""Sample size, power and smallest detectable effect of fixed tests, solved exactly from one description.

Every test is described once (`Question`); its power at an effect and a size is computed by its own law, and
sample size and MDE are the roots of that same power. Variance is inflated by a design effect and deflated by
CUPED through one factor: n exposures count as ``n / factor`` independent ones.

Conventions, named in every answer: `directions` says whether the power of a two-sided test counts the effect's
own direction only (``effect``, as rpact and most formulas) or both (``both``, as statsmodels).

References
----------
.. [1] Chow, Shao, Wang (2008), "Sample Size Calculations in Clinical Research", ch. 3 and 4.
.. [2] Farrington, Manning (1990), "Test statistics and sample size formulae for comparative binomial trials
   with null hypothesis of non-zero risk difference", Statistics in Medicine 9, 1447-1454.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from expsim_panel.checked import check_error_rate, check_finite, check_positive, check_power
from expsim_panel.errors import InputError, did_you_mean, shown
from expsim_panel.fixed_sample import power_proportions_exact
from expsim_panel.kernels.special import norm_cdf, norm_ppf
from expsim_panel.proportions import restricted_rates

WHERE = "exact sample-size"
MEANS = {
    "z": "known standard deviation, normal law",
    "t": "Student's t, equal variances, noncentral t law (exact)",
    "welch": "Welch's t, unequal variances (noncentral t at the Welch-Satterthwaite degrees of freedom)",
    "lift": "relative difference, delta method, normal law",
}
PROPORTIONS = {
    "pooled": "z test with the pooled variance",
    "unpooled": "z test with separate variances (Wald)",
    "score": "z test with the variance restricted to the null (Farrington-Manning); pooled without a margin",
    "arcsine": "z test of Cohen's h",
    "control-variance": "z test with the control's variance for both arms, as a popular calculator does",
    "exact": "the Wald z test, by enumeration of both binomial laws",
    "lift": "relative difference, delta method, normal law",
}
_SOLVED_BOTH = ("t", "welch", "arcsine", "exact")
_WINDOW = 25
"""The exact size is the first from which on the next 25 sizes all have the power (it is not monotone in n)."""


@dataclass(frozen=True)
class Question:
    """One fixed test of treatment against control.

    Attributes
    ----------
    family : str
        ``means`` (also ratio metrics, by their linearised standard deviation) or ``proportions``.
    test : str
        A key of `MEANS` or of `PROPORTIONS`.
    base : float or None
        Control's mean or rate; needed for proportions and for ``lift``.
    sd, sd_treatment : float or None
        Standard deviation of an exposure; the treatment's where it differs (means).
    alpha, sides
        Level, over 1 or 2 sides.
    control, treatment : float
        Shares of the two arms, summing to 1.
    margin : float
        Non-inferiority margin, 0 for superiority: the test is of ``effect > -margin``. On the scale of the
        test (lift: relative).
    factor : float
        Variance over that of independent exposures without CUPED.
    directions : str
        ``effect`` or ``both``.
    sign : float
        1 where more is better, -1 where less is: a one-sided test rejects for the better. Effects, rates and
        means keep their own sign.
    """

    family: str = "means"
    test: str = "z"
    base: float | None = None
    sd: float | None = None
    sd_treatment: float | None = None
    alpha: float = 0.05
    sides: int = 2
    control: float = 0.5
    treatment: float = 0.5
    margin: float = 0.0
    factor: float = 1.0
    directions: str = "effect"
    sign: float = 1.0

    def __post_init__(self) -> None:
        tests = {"means": MEANS, "proportions": PROPORTIONS}
        if self.family not in tests:
            raise InputError(
                WHERE, "--family", f"unknown family {shown(self.family)}", did_you_mean(self.family, tests)
            )
        if self.test not in tests[self.family]:
            remedy = did_you_mean(str(self.test), tests[self.family])
            raise InputError(WHERE, "--test", f"{shown(self.test)} is no test of {self.family}", remedy)
        check_error_rate(self.alpha, self.sides, WHERE)
        check_positive("variance-factor", self.factor, WHERE)
        check_finite("margin", self.margin, WHERE)
        if self.margin < 0.0:
            raise InputError(
                WHERE, "--margin", f"margin is {shown(self.margin)}", "give how much worse is still fine, 0 or more"
            )
        if self.margin > 0.0 and (self.sides == 2 or self.test in ("pooled", "arcsine", "control-variance", "exact")):
            remedy = "use --sides 1 with z, t, welch, unpooled, score or lift"
            raise InputError(WHERE, "--margin", f"{self.sides}-sided {self.test} test with a margin", remedy)
        if self.family == "proportions" or self.test == "lift":
            self._check_base()
        if self.family == "means":
            if self.sd is None:
                raise InputError(WHERE, "--sd", "sd is missing", "give the standard deviation of one exposure")
            check_positive("sd", self.sd, WHERE)
            if self.sd_treatment is not None:
                check_positive("sd-treatment", self.sd_treatment, WHERE)
        if self.directions not in ("effect", "both"):
            raise InputError(WHERE, "--directions", f"unknown {shown(self.directions)}", "choose effect or both")

    def _check_base(self) -> None:
        if self.base is None:
            raise InputError(WHERE, "--base", "base is missing", "give the control's rate or mean")
        check_finite("base", self.base, WHERE)
        if self.family == "proportions" and not 0.0 < self.base < 1.0:
            raise InputError(WHERE, "--base", f"base is {shown(self.base)}", "give a rate within 0 and 1")
        if self.test == "lift" and self.base <= 0.0:
            raise InputError(WHERE, "--base", f"base is {shown(self.base)}", "a lift needs a control above 0")

    @property
    def critical(self) -> float:
        """Normal critical value of one side."""
        return -norm_ppf(self.alpha / self.sides)


def question(**settings: object) -> Question:
    """Return a `Question` whose `directions` follow the test unless they are given: ``both`` where it is solved."""
    if settings.get("directions") is None:
        settings["directions"] = "both" if settings.get("test", "z") in _SOLVED_BOTH else "effect"
    return Question(**settings)  # type: ignore[arg-type]


def _rates(q: Question, effect: float) -> tuple[float, float]:
    assert q.base is not None
    p1 = q.base + effect
    if not -1e-12 <= p1 <= 1.0 + 1e-12:
        raise InputError(
            WHERE, "--effect", f"the treatment's rate would be {p1:g}", "keep base plus effect within 0 and 1"
        )
    return q.base, min(max(p1, 0.0), 1.0)


def _scaled(q: Question, effect: float) -> tuple[float, float, float]:
    """Return shift, test spread and true spread for one exposure in all; spreads fall as 1 / sqrt(n)."""
    c, t = q.control, q.treatment
    if q.family == "means":
        assert q.sd is not None
        v0, v1 = q.sd**2, (q.sd if q.sd_treatment is None else q.sd_treatment) ** 2
        if q.test == "lift":
            return _lift(q, effect, v0, v1)
        own = math.sqrt(v0 / c + v1 / t)
        return q.sign * effect + q.margin, own, own
    p0, p1 = _rates(q, effect)
    v0, v1 = p0 * (1 - p0), p1 * (1 - p1)
    if q.test == "lift":
        return _lift(q, effect, v0, v1)
    own = math.sqrt(v0 / c + v1 / t)
    if q.test == "arcsine":
        spread = math.sqrt(1 / c + 1 / t)
        return q.sign * 2.0 * (math.asin(math.sqrt(p1)) - math.asin(math.sqrt(p0))), spread, spread
    tested = own
    if q.test == "control-variance":
        tested = math.sqrt(v0 / c + v0 / t)
    elif q.test == "pooled" or (q.test == "score" and q.margin == 0.0):
        mean = c * p0 + t * p1
        tested = math.sqrt(mean * (1 - mean) / (c * t))
    elif q.test == "score":
        low, high = restricted_rates(p0, p1, c, t, -q.sign * q.margin)
        tested = math.sqrt(low * (1 - low) / c + high * (1 - high) / t)
    return q.sign * effect + q.margin, tested, own


def _lift(q: Question, effect: float, v0: float, v1: float) -> tuple[float, float, float]:
    assert q.base is not None
    ratio = (q.base + effect) / q.base
    spread = math.sqrt(v1 / q.treatment + ratio * ratio * v0 / q.control) / q.base
    return q.sign * effect / q.base + q.margin, spread, spread


def power_at(q: Question, effect: float, exposures: float) -> float:
    """Return the power of the test at a true effect (metric units) with `exposures` over both arms.

    With ``directions="both"`` a two-sided test counts rejections on either side.
    """
    check_finite("effect", effect, WHERE)
    check_positive("units", exposures, WHERE)
    n = exposures / q.factor
    both = q.sides == 2 and q.directions == "both"
    if q.test == "exact":
        return _enumerated(q, effect, n, both)
    shift, tested, own = _scaled(q, effect)
    if q.test in ("t", "welch"):
        return _student(q, shift, n, both)
    if own == 0.0:
        return float(shift > 0.0 or (both and shift != 0.0)) if tested > 0.0 else 0.0
    root = math.sqrt(n)
    high = norm_cdf((shift * root - q.critical * tested) / own)
    return high + (norm_cdf((-shift * root - q.critical * tested) / own) if both else 0.0)


def _student(q: Question, shift: float, n: float, both: bool) -> float:
    from scipy.stats import nct, t

    assert q.sd is not None
    n0, n1 = n * q.control, n * q.treatment
    if q.test == "t":
        if q.sd_treatment not in (None, q.sd):
            raise InputError(WHERE, "--sd-treatment", "Student's t takes one variance", "use --test welch")
        spread, df = q.sd * math.sqrt(1 / n0 + 1 / n1), n0 + n1 - 2.0
    else:
        other = q.sd if q.sd_treatment is None else q.sd_treatment
        a, b = q.sd**2 / n0, other**2 / n1
        spread = math.sqrt(a + b)
        df = (a + b) ** 2 / (a * a / (n0 - 1) + b * b / (n1 - 1)) if min(n0, n1) > 1.0 else 0.0
    if not df > 0.0:
        raise InputError(WHERE, "--units", f"{n:g} independent exposures", "give more: no variance to estimate")
    critical = float(t.isf(q.alpha / q.sides, df))
    high = float(nct.sf(critical, df, shift / spread))
    return high + (float(nct.sf(critical, df, -shift / spread)) if both else 0.0)


def _enumerated(q: Question, effect: float, n: float, both: bool) -> float:
    p0, p1 = _rates(q, effect)
    if q.sign < 0.0:
        # One-sided tests look upwards: a rate of bad events is looked at as one of good ones.
        p0, p1 = 1.0 - p0, 1.0 - p1
    n0, n1 = max(1, math.ceil(n * q.control - 1e-9)), max(1, math.ceil(n * q.treatment - 1e-9))
    if both:
        return power_proportions_exact(p0, p1, n0, n1, q.alpha, 2)
    return power_proportions_exact(p0, p1, n0, n1, q.alpha / q.sides, 1)


def exposures_for(q: Question, effect: float, power: float) -> float:
    """Return the exposures over both arms, not rounded, at which the test has its power.

    A closed form where spreads fall as ``1 / sqrt(n)`` and one direction counts; root finding elsewhere.
    ``exact``: a whole number for each arm, the first from which on the power stays at its target.

    Raises
    ------
    InputError
        The effect is 0 (or no better than the margin), or the power is not within alpha and 1.
    """
    check_power(power, q.alpha, WHERE)
    check_finite("effect", effect, WHERE)
    if q.test == "exact":
        return _enumerated_size(q, effect, power)
    shift, tested, own = _scaled(q, effect)
    if not shift > 0.0:
        raise InputError(
            WHERE, "--effect", f"effect is {effect:g}", "no size gives power: give one that is truly better"
        )
    root = (q.critical * tested + norm_ppf(power) * own) / shift
    closed = root * root * q.factor
    if q.test not in ("t", "welch") and (q.sides == 1 or q.directions == "effect"):
        if root <= 0.0:
            raise InputError(WHERE, "--power", f"power is {power:g}", "any size has more than that")
        return closed
    return _solve(q, effect, power, closed)


def _solve(q: Question, effect: float, power: float, start: float) -> float:
    from scipy.optimize import brentq

    # Each arm needs an observation beyond those that estimate its mean.
    least = q.factor * (1.0 + 1e-9) * max(2.0, 1.0 / q.control, 1.0 / q.treatment) if q.test in ("t", "welch") else 1e-9

    def short(log_n: float) -> float:
        return power_at(q, effect, math.exp(log_n)) - power

    low, high = math.log(max(least, 0.5 * start)), math.log(max(2.0 * least, start))
    while short(high) < 0.0:
        high += 0.7
    while short(low) > 0.0:
        if low <= math.log(least) + 1e-12:
            return math.exp(low)
        low = max(math.log(least), low - 0.7)
    return float(math.exp(brentq(short, low, high, xtol=1e-14, rtol=1e-14)))


def _enumerated_size(q: Question, effect: float, power: float) -> float:
    rough = exposures_for(replace(q, test="unpooled"), effect, power) / q.factor
    smaller = min(q.control, q.treatment)

    def reaches(k: int) -> bool:
        return power_at(q, effect, k / smaller * q.factor) >= power

    low, high = 0, max(2, math.ceil(rough * smaller))
    while not reaches(high):
        low, high = high, high + max(1, high // 10)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if reaches(middle) else (middle, high)
    top = high + _WINDOW
    while top >= 1 and reaches(top):
        top -= 1
        if top < high - _WINDOW:
            break
    return (top + 1) / smaller * q.factor


def smallest_effect(q: Question, power: float, exposures: float) -> float:
    """Return the smallest detectable effect, metric units: where the power reaches its target.

    Raises
    ------
    InputError
        No effect (for rates: none up to a rate of 1) has that power at this size.
    """
    from scipy.optimize import brentq

    check_power(power, q.alpha, WHERE)
    check_positive("units", exposures, WHERE)

    def excess(size: float) -> float:
        return power_at(q, q.sign * size, exposures) - power

    # Measured in the better direction, from the margin on, where the power is alpha at most.
    scale = q.margin * (q.base or 1.0) if q.test == "lift" else q.margin
    low = -scale
    if q.family == "proportions":
        assert q.base is not None
        room, back = (1.0 - q.base, q.base) if q.sign > 0.0 else (q.base, 1.0 - q.base)
        # Just inside: at a rate of 0 or 1 the treatment has no variance to test with.
        low, high = max(low, -back), room * (1.0 - 1e-9)
        if excess(high) < 0.0:
            problem = f"not even a rate of {q.base + q.sign * room:g} has power {power:g} with {exposures:g} exposures"
            raise InputError(WHERE, "--units", problem, "give more units or ask for less power")
    else:
        assert q.sd is not None
        high = low + q.sd * math.sqrt(q.factor / exposures)
        while excess(high) < 0.0:
            high = -scale + 2.0 * (high + scale)
    return q.sign * float(brentq(excess, low, high, xtol=1e-14, rtol=1e-13))


def drift_at(q: Question, effect: float, exposures: float) -> float:
    """Return the drift of a sequential test of the same statistic: mean of its last z.

    So that one look has the fixed test's power for the effect's direction: ``z_power + z_alpha``.
    """
    if q.test in ("t", "welch", "exact"):
        fixed = power_at(replace(q, directions="effect"), effect, exposures)
        return norm_ppf(min(max(fixed, 1e-16), 1.0 - 1e-16)) + q.critical
    check_finite("effect", effect, WHERE)
    check_positive("units", exposures, WHERE)
    shift, tested, own = _scaled(q, effect)
    if own == 0.0:
        raise InputError(WHERE, "--effect", "the outcome does not vary", "keep both rates off 0 and 1")
    return (shift * math.sqrt(exposures / q.factor) - q.critical * tested) / own + q.critical
