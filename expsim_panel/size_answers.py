"""Sample size, power and smallest detectable effect of any design: fixed, or group sequential through its inflation.

The three functions take the same description (see `sample_size`) and solve for one of size, power and effect.
Sequential designs are exact through the recursion: their maximum size is the fixed test's times the inflation
factor (as rpact has it), their power the crossing probability at the drift of the fixed test. For the z test
with one spread the two are inverse to the last digit; where the test's own spread is another one (pooled rates,
t) they differ by up to 0.002 in the power.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from expsim_panel import sizes
from expsim_panel.checked import check_allocation, check_finite, check_positive, check_power
from expsim_panel.closed_forms import check_closed
from expsim_panel.cuped import cuped_variance_ratio
from expsim_panel.design_effect import design_effect
from expsim_panel.errors import InputError, asked_by, shown
from expsim_panel.ratio_metrics import ratio_variance
from expsim_panel.sequential_drift import Sequential

WHERE = "exact sample-size"
QUARTER = 91
"""Days of a quarter: thirteen weeks."""


@dataclass(frozen=True)
class SizeAnswer:
    """What a design of this size does. Units are randomised ones over both arms, exposures what is analysed.

    Attributes
    ----------
    effect, lift : float
        True effect in metric units, and relative to the base (None without one).
    power : float
        Conventional: the effect's direction, or both where `directions` says so.
    units, exposures : int, float
        Rounded up for each arm; at most, for a sequential design.
    units_unrounded, exposures_unrounded : float
        As solved.
    per_arm, per_arm_unrounded : tuple
        Units of control and treatment.
    design_effect, variance_ratio, variance_factor : float
        Clusters, CUPED, and their product.
    inflation_factor, expected_units, expected_units_null : float or None
        Of a sequential design: maximum over fixed size; expected units under the effect and without one.
    critical_values : tuple of float or None
        z bounds of its looks.
    days, expected_days : float or None
        With a daily number of units: whole days at most; expected ones.
    experiments_per_quarter : float or None
        Experiments of this (expected) length, one after the other, in 91 days.
    """

    family: str
    test: str
    kind: str
    alpha: float
    sides: int
    margin: float
    directions: str
    effect: float
    lift: float | None
    power: float
    units: int
    units_unrounded: float
    exposures: float
    exposures_unrounded: float
    per_arm: tuple[int, int]
    per_arm_unrounded: tuple[float, float]
    design_effect: float
    variance_ratio: float
    variance_factor: float
    inflation_factor: float | None
    critical_values: tuple[float, ...] | None
    expected_units: float | None
    expected_units_null: float | None
    days: int | None
    expected_days: float | None
    experiments_per_quarter: float | None


@dataclass(frozen=True)
class Setup:
    """A description, checked."""

    question: sizes.Question
    family: str
    effect: float | None
    sequential: Sequential | None
    cluster_size: float
    deff: float
    ratio: float
    units_per_day: float | None
    gap_days: float

    def check_looks(self, units: float) -> None:
        """Raise `InputError` where there are more looks than units to see at them."""
        looks = 0 if self.sequential is None else self.sequential.upper.size
        if units < 2 * looks:
            problem = f"{looks} looks at {units:g} units"
            raise InputError(WHERE, "--units", problem, "give at least one unit of each arm for every look")

    def answer(self, effect: float, power: float, exposures: float) -> SizeAnswer:
        """Return the answer at a solved effect, power and number of exposures."""
        q = self.question
        units = exposures / self.cluster_size
        arms = (units * q.control, units * q.treatment)
        rounded = tuple(max(1, math.ceil(n * (1 - 1e-12) - 1e-9)) for n in arms)
        total = sum(rounded)
        design = self.sequential
        inflation = bounds = expected = null = days = expected_days = speed = None
        if design is not None:
            inflation = design.inflation(power) if q.alpha < power < 1.0 else None
            bounds = tuple(float(z) for z in design.upper)
            drift = sizes.drift_at(q, effect, exposures)
            expected, null = (units * design.operating(d)[1] for d in (drift, 0.0))
        if self.units_per_day is not None:
            days = math.ceil(total / self.units_per_day - 1e-9)
            expected_days = None if expected is None else expected / self.units_per_day
            speed = QUARTER / ((days if expected_days is None else expected_days) + self.gap_days)
        return SizeAnswer(
            self.family, q.test, "fixed-horizon" if design is None else design.kind, q.alpha, q.sides, q.margin,
            q.directions, effect, effect / q.base if q.base else None, power, total, units,
            total * self.cluster_size, exposures, (rounded[0], rounded[1]), arms, self.deff, self.ratio, q.factor,
            inflation, bounds, expected, null, days, expected_days, speed,
        )  # fmt: skip


def setup(
    *,
    family: str = "means",
    test: str | None = None,
    effect: float | None = None,
    lift: float | None = None,
    base: float | None = None,
    sd: float | None = None,
    sd_treatment: float | None = None,
    numerator_mean: float | None = None,
    denominator_mean: float | None = None,
    numerator_sd: float | None = None,
    denominator_sd: float | None = None,
    correlation: float = 0.0,
    alpha: float = 0.05,
    sides: int | None = None,
    allocation: Sequence[float] = (1, 1),
    margin: float = 0.0,
    direction: str | None = None,
    directions: str | None = None,
    cluster_size: float = 1.0,
    icc: float = 0.0,
    cluster_cv: float = 0.0,
    cuped_correlation: float = 0.0,
    kind: str = "fixed-horizon",
    looks: int | None = None,
    information: Sequence[float] | None = None,
    parameter: float | None = None,
    futility: Sequence[Any] | None = None,
    binding: bool = False,
    units_per_day: float | None = None,
    gap_days: float = 0.0,
    needs_effect: bool = True,
) -> Setup:
    """Return a checked description; arguments as in `sample_size`."""
    control, treatment = check_allocation(allocation, WHERE)
    if family == "ratio":
        base, sd = _ratio(numerator_mean, denominator_mean, numerator_sd, denominator_sd, correlation)
    check_finite("base", 0.0 if base is None else base, WHERE)
    true = _effect(effect, lift, base, needs_effect)
    if sides is None:
        sides = 1 if margin else 2
    check_positive("units-per-day", 1.0 if units_per_day is None else units_per_day, WHERE)
    check_finite("gap-days", gap_days, WHERE)
    if gap_days < 0:
        raise InputError(WHERE, "--gap-days", f"gap-days is {shown(gap_days)}", "give 0 or more")
    deff = design_effect(cluster_size, icc, cluster_cv)
    ratio = cuped_variance_ratio(cuped_correlation)
    if ratio == 0.0:
        problem = f"correlation is {shown(cuped_correlation)}"
        raise InputError(WHERE, "--cuped-correlation", problem, "give less than 1: nothing would be left to measure")
    own = "proportions" if family == "proportions" else family if family != "ratio" else "means"
    if directions is None and kind != "fixed-horizon":
        directions = "effect"
    # Farrington and Manning's score test is the pooled one where there is no margin.
    usual = "z" if own != "proportions" else "score" if margin else "pooled"
    asked = sizes.question(
        family=own, test=test or usual, base=base, sd=sd,
        sd_treatment=sd_treatment, alpha=alpha, sides=sides, control=control, treatment=treatment, margin=margin,
        factor=deff * ratio, directions=directions, sign=_sign(direction, true, margin),
    )  # fmt: skip
    sequential = None
    if kind != "fixed-horizon" or looks not in (None, 1):
        sequential = Sequential.planned(
            kind, looks, alpha, sides, information, parameter, futility, binding
        )  # fmt: skip
    return Setup(asked, family, true, sequential, float(cluster_size), deff, ratio, units_per_day, float(gap_days))


def _sign(direction: str | None, effect: float | None, margin: float) -> float:
    """Return 1 where more is better: as told, else as the effect goes, else (with a margin) 1."""
    if direction is None:
        return -1.0 if effect is not None and effect < 0.0 and margin == 0.0 else 1.0
    if direction not in ("increase", "decrease"):
        raise InputError(WHERE, "--direction", f"unknown direction {shown(direction)}", "choose increase or decrease")
    return 1.0 if direction == "increase" else -1.0


def _effect(effect: float | None, lift: float | None, base: float | None, needed: bool) -> float | None:
    if effect is not None and lift is not None:
        raise InputError(WHERE, "--lift", "an effect and a lift", "give one of them")
    if lift is not None:
        if base is None:
            raise InputError(WHERE, "--base", "base is missing", "a lift needs the control's mean or rate")
        check_finite("lift", lift, WHERE)
        effect = lift * base
    if effect is None and needed:
        raise InputError(WHERE, "--effect", "effect is missing", "give --effect, or --lift with --base")
    if effect is not None:
        check_finite("effect", effect, WHERE)
    return effect


def _ratio(
    numerator_mean: float | None, denominator_mean: float | None, numerator_sd: float | None,
    denominator_sd: float | None, correlation: float,
) -> tuple[float, float]:  # fmt: skip
    """Return a ratio metric's value and the standard deviation of its linearised unit."""
    given = {
        "numerator-mean": numerator_mean,
        "denominator-mean": denominator_mean,
        "numerator-sd": numerator_sd,
        "denominator-sd": denominator_sd,
    }
    for key, value in given.items():
        if value is None:
            raise InputError(WHERE, f"--{key}", f"{key} is missing", "a ratio metric needs means and sds of both parts")
        check_finite(key, value, WHERE)
        if key.endswith("sd") and value < 0.0:
            raise InputError(WHERE, f"--{key}", f"{key} is {shown(value)}", "give 0 or more")
    if not -1.0 <= correlation <= 1.0:
        problem = f"correlation is {shown(correlation)}"
        raise InputError(WHERE, "--correlation", problem, "give a number from -1 to 1")
    top, low, top_sd, low_sd = (float(value) for value in given.values() if value is not None)
    variance = ratio_variance(top, low, top_sd**2, low_sd**2, correlation * top_sd * low_sd)
    if variance <= 0.0:
        raise InputError(WHERE, "--numerator-sd", "the ratio does not vary", "give standard deviations above 0")
    return top / low, math.sqrt(variance)


@asked_by("exact sample-size")
def sample_size(power: float = 0.8, **description: Any) -> SizeAnswer:
    """Return the size at which a test has its power: unrounded, and rounded up for each arm.

    Parameters
    ----------
    power : float
        Target, in (alpha, 1).
    family : str
        ``means``, ``proportions`` or ``ratio`` (its linearised units by the delta method).
    test : str
        means: ``z``, ``t``, ``welch``, ``lift``; proportions: ``pooled``, ``unpooled``, ``score``, ``arcsine``,
        ``control-variance``, ``exact``, ``lift``; ratio: ``z``, ``t``, ``lift``. See `sizes`.
    effect, lift, base : float
        True effect in metric units, or relative to the control's mean or rate `base` (rates need it).
    sd, sd_treatment : float
        Standard deviation of an exposure; of the treatment's where it differs.
    numerator_mean, denominator_mean, numerator_sd, denominator_sd, correlation
        A ratio metric's parts over units.
    alpha, sides
        Level; 2 sides unless there is a margin.
    allocation : (float, float)
        control:treatment.
    margin : float
        Non-inferiority margin, positive: reject "worse by the margin". For ``lift`` relative.
    direction : str, optional
        ``increase`` or ``decrease`` is better; by the sign of the effect unless given.
    directions : str, optional
        Whether two-sided power counts the ``effect``'s direction or ``both``; ``both`` for t, welch, arcsine and
        exact, ``effect`` for the others and for sequential designs.
    cluster_size, icc, cluster_cv : float
        Exposures per randomised unit, their intraclass correlation, variation of the sizes: a design effect.
    cuped_correlation : float
        Of the metric with its pre-period covariate.
    kind, looks, information, parameter, futility, binding
        A group-sequential design, as in `sequential.sequential_design`. Any other kind, and several variants, have
        no closed form: ask `units_needed(simple_study(kind, ...), kind, power)` (`power_reached`, `effect_needed`).
    units_per_day, gap_days : float
        Traffic, and days between two experiments.

    Raises
    ------
    InputError
        Something is missing, out of range or contradictory; or it has no closed form, with the call that answers it.
    """
    made = setup(**check_closed("units", (power,), description, setup))
    assert made.effect is not None
    check_power(power, made.question.alpha, WHERE)
    exposures = sizes.exposures_for(made.question, made.effect, power)
    if made.sequential is not None:
        exposures *= made.sequential.inflation(power)
    return made.answer(made.effect, power, exposures)


@asked_by("exact power")
def power(units: float, **description: Any) -> SizeAnswer:
    """Return the power of a test with `units` randomised units over both arms (at most, if sequential).

    Other arguments as in `sample_size`; two-sided power counts both directions unless `directions` says
    otherwise. Units stay as given: fractions of a unit count.
    """
    if description.get("directions") is None:
        description["directions"] = "both"
    made = setup(**check_closed("power", (units,), description, setup))
    assert made.effect is not None
    check_positive("units", units, WHERE)
    made.check_looks(units)
    exposures = units * made.cluster_size
    if made.sequential is None:
        found = sizes.power_at(made.question, made.effect, exposures)
    else:
        drift = sizes.drift_at(made.question, made.effect, exposures)
        found = made.sequential.power(drift, made.question.directions == "both")
    return made.answer(made.effect, found, exposures)


@asked_by("exact mde")
def mde(units: float, power: float = 0.8, **description: Any) -> SizeAnswer:
    """Return the smallest effect that a test of `units` randomised units detects with its power.

    Other arguments as in `sample_size`, without an effect; `direction` says which way (increase unless given).
    """
    made = setup(needs_effect=False, **check_closed("effect", (units, power), description, setup))
    if made.effect is not None:
        raise InputError(WHERE, "--effect", "the effect is what is asked for", "leave --effect and --lift out")
    check_positive("units", units, WHERE)
    made.check_looks(units)
    check_power(power, made.question.alpha, WHERE)
    exposures = units * made.cluster_size
    inflation = 1.0 if made.sequential is None else made.sequential.inflation(power)
    found = sizes.smallest_effect(made.question, power, exposures / inflation)
    return made.answer(found, power, exposures)
