"""LLM judge, people, or both: what each gives for the same money, and costs for the same accuracy.

Closed forms; `evaluation_simulation` plays the same comparisons. Offline costs only: scoring, not serving.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from expsim_panel.errors import InputError, shown
from expsim_panel.evaluation_laws import Pace, PairLaw, chosen_variant, measurers, pace, pair_law
from expsim_panel.judge_laws import asked
from expsim_panel.preference_law import suspected
from expsim_panel.scenario import Scenario
from expsim_panel.split import optimal_split

KINDS = ("judge", "human", "hybrid")
LEVEL = 0.05


@dataclass(frozen=True)
class Rows:
    """Rows per variant, or comparisons: n with a label, T with a judge score (labelled ones among them in a hybrid)."""

    labelled: int
    judged: int


@dataclass(frozen=True)
class Option:
    """One way to compare the variants.

    Attributes
    ----------
    name : str
        ``judge``, ``human`` or ``hybrid``.
    rows : Rows
        Rows per variant.
    cost, days, rater_hours : float
        Dollars, days until the last score, hours of people's work.
    se, bias, rmse : float
        Standard error of the difference, its bias in this scenario, root mean squared error; metric units.
    expected_error : float
        ``sqrt(SE^2 + SD(bias)^2)`` with the bias that such judges are suspected of: what a team can know.
    power, false_rejection : float
        P(a two-sided 5 % z test rejects), with the scenario's effect and without any.
    p_correct : float
        P(the test finds the truly better variant), or finds nothing where the difference does not matter.
    """

    name: str
    rows: Rows
    cost: float
    days: float
    rater_hours: float
    se: float
    bias: float
    rmse: float
    expected_error: float
    power: float
    false_rejection: float
    p_correct: float

    @property
    def cost_per_correct(self) -> float | None:
        """Dollars per correct decision."""
        return self.cost / self.p_correct if self.p_correct > 0 else None


@dataclass(frozen=True)
class Setting:
    """A scenario's comparison, priced.

    Attributes
    ----------
    law, null : PairLaw
        With the scenario's effect, and without any.
    effect, indifference : float
        True effect and smallest difference that matters, positive is better.
    sign : float
        +1 where more is better, else -1.
    cost_human, cost_judge : float
        Dollars per label and per response that the judge is asked about.
    bias_sd : float
        SD of the judge's suspected differential bias.
    pace : Pace
        How fast rows come and are scored.
    """

    law: PairLaw
    null: PairLaw
    effect: float
    indifference: float
    sign: float
    cost_human: float
    cost_judge: float
    bias_sd: float
    pace: Pace

    @property
    def plan_cost(self) -> float:
        """Dollars of labelling a tenth of the planned rows: the budget unless one is given."""
        samples = self.law.samples
        return max(0.1 * samples * self.pace.cap * self.cost_human, samples * (self.cost_human + self.cost_judge))

    @property
    def least(self) -> float:
        """Dollars of two labels and scores in each sample: no budget below that."""
        return 2 * self.law.samples * (self.cost_human + self.cost_judge)

    @property
    def least_words(self) -> str:
        """Say what `least` pays."""
        return f"give at least {self.least:g}: two labels and scores{'' if self.law.pairs else ' in each variant'}"


def setting(scenario: Scenario, variant: str | None = None, concurrency: int = 10) -> Setting:
    """Return a scenario's comparison of the control with one variant (by default the truly best)."""
    arm = chosen_variant(scenario, variant)
    if concurrency < 1:
        raise InputError("evaluators", "--concurrency", f"{shown(concurrency)}", "give 1 or more calls at a time")
    judge, human = measurers(scenario)
    # Per response that the judge is asked about: refused ones are paid too, and a hybrid uses their rows.
    prices = human.usd_per_row(), judge.usd_per_row() / asked(judge.refusals)
    for kind, one in zip(("human", "judge"), prices, strict=True):
        if one <= 0:
            problem = f"the {kind}'s price is {shown(one)}"
            raise InputError(scenario.scenario.name, f"evaluators.{kind}", problem, "give a price to compare budgets")
    return Setting(
        pair_law(scenario, arm),
        pair_law(scenario, arm, null=True),
        float(scenario.effects[arm]),
        float(scenario.scenario.indifference),
        scenario.sign,
        *prices,
        suspected(scenario, judge) if scenario.side_by_side else judge.bias_sd(),
        pace(scenario, arm, concurrency),
    )


def rows_for(what: Setting, kind: str, budget: float) -> Rows:
    """Return the rows per variant that a budget buys, never more than the traffic has.

    A hybrid takes the optimal split; where that asks for more scores than there is traffic, all of it is judged and
    the rest of the money buys labels.
    """
    half, cap = budget / what.law.samples, what.pace.cap
    if kind == "judge":
        return Rows(0, min(cap, math.floor(half / what.cost_judge * (1 + 1e-9))))
    if kind == "human":
        return Rows(min(cap, math.floor(half / what.cost_human * (1 + 1e-9))), 0)
    if half < what.cost_human + what.cost_judge:
        return Rows(0, 0)
    found = optimal_split(math.sqrt(what.law.rho_squared), what.cost_human, what.cost_judge, half)
    if found.judged <= cap:
        return Rows(found.labelled, found.judged)
    left = math.floor((half - cap * what.cost_judge) / what.cost_human * (1 + 1e-9))
    return Rows(max(min(left, cap), 0), cap)


def variance_of_difference(law: PairLaw, kind: str, rows: Rows) -> float:
    """Return the variance of the estimated difference (MODEL section 3.2); inf without enough rows."""
    if min(rows.labelled if kind != "judge" else 2, rows.judged if kind != "human" else 2) < 2:
        return math.inf
    label = law.label_sd**2
    if kind == "judge":
        return law.alone_variance / rows.judged
    if kind == "human":
        return float(label.sum() / rows.labelled) + law.severity_variance
    square = law.rho**2
    return float((label * ((1 - square) / rows.labelled + square / rows.judged)).sum()) + law.severity_variance


def mean_difference(what: Setting, law: PairLaw, kind: str) -> float:
    """Return what the estimator aims at, positive is better: the judge's difference, or the labels'."""
    seen = law.alone if kind == "judge" else law.label
    return what.sign * law.contrast(seen)


def rejections(shift: float, se: float, alpha: float = LEVEL) -> tuple[float, float]:
    """Return P(reject upwards) and P(reject downwards) of a two-sided z test."""
    from scipy.special import ndtr, ndtri

    if se == 0 or not math.isfinite(se):
        return (float(shift > 0 and se == 0), float(shift < 0 and se == 0))
    z, at = float(ndtri(1 - alpha / 2)), shift / se
    return float(ndtr(at - z)), float(ndtr(-at - z))


def option(what: Setting, kind: str, rows: Rows) -> Option:
    """Return the closed-form figures of one way to compare."""
    se, null_se = (math.sqrt(variance_of_difference(law, kind, rows)) for law in (what.law, what.null))
    centre, null_centre = (mean_difference(what, law, kind) for law in (what.law, what.null))
    bias = centre - what.effect
    up, down = rejections(centre, se)
    labelled, judged = what.law.samples * rows.labelled, what.law.samples * rows.judged
    return Option(
        kind,
        rows,
        labelled * what.cost_human + judged * what.cost_judge,
        what.pace.duration(labelled, judged),
        labelled * what.pace.seconds_per_label / 3600,
        se,
        bias,
        math.hypot(se, bias),
        math.hypot(se, what.bias_sd if kind == "judge" else 0.0),
        up + down,
        sum(rejections(null_centre, null_se)),
        correct(what, up, down),
    )


def correct(what: Setting, up: float, down: float) -> float:
    """Return P(correct) from P(found better) and P(found worse)."""
    if abs(what.effect) <= what.indifference or what.effect == 0:
        return 1 - up - down
    return up if what.effect > 0 else down


@dataclass(frozen=True)
class Need:
    """What one way needs to reach a standard error (bias counted in).

    Attributes
    ----------
    name : str
        ``judge``, ``human`` or ``hybrid``.
    budget, labelled, judged, days : float or None
        Dollars and rows over both variants, unlimited by traffic; None where nothing reaches it.
    reason : str
        Why not.
    """

    name: str
    budget: float | None
    labelled: float | None
    judged: float | None
    days: float | None
    reason: str = ""


def need(what: Setting, kind: str, target: float) -> Need:
    """Return the smallest budget at which the root mean squared error is `target`, by the closed forms."""
    if not (math.isfinite(target) and target > 0):
        raise InputError("evaluators", "target", f"{shown(target)}", "give an error above 0")
    law = what.law
    bias = mean_difference(what, law, kind) - what.effect
    # Suspected or true, whichever is larger: a lucky judge is not a good plan.
    floor = max(abs(bias), what.bias_sd) if kind == "judge" else abs(bias)
    room = target**2 - floor**2 - (0.0 if kind == "judge" else law.severity_variance)
    if room <= 0:
        whose = "the judge's bias" if kind == "judge" else "the raters' error"
        return Need(kind, None, None, None, None, f"{whose} alone is larger: no number of rows reaches it")
    label = float((law.label_sd**2).sum())
    if kind == "judge":
        n, t = 0.0, law.alone_variance / room
    elif kind == "human":
        n, t = label / room, 0.0
    else:
        square = law.rho_squared
        found = optimal_split(math.sqrt(square), what.cost_human, what.cost_judge, 1e4 * what.cost_human)
        ratio = found.judged_per_label
        if math.isfinite(ratio):
            n = label * ((1 - square) + square / ratio) / room
            t = n * ratio
        else:
            n, t = 1.0, label / room
    n, t = law.samples * n, law.samples * t
    return Need(kind, n * what.cost_human + t * what.cost_judge, n, t, what.pace.duration(n, t))


def target_error(what: Setting, power: float = 0.8) -> float:
    """Return the standard error with which a two-sided 5 % test finds the scenario's effect with this power.

    Where there is no effect, the smallest difference that matters takes its place.
    """
    from scipy.special import ndtri

    size = abs(what.effect) or what.indifference
    if size <= 0:
        raise InputError("evaluators", "scenario.indifference", "no effect and no difference that matters", "set one")
    if not LEVEL < power < 1:
        raise InputError("evaluators", "--power", f"{shown(power)}", f"give a number between {LEVEL} and 1")
    return float(size / (ndtri(1 - LEVEL / 2) + ndtri(power)))
