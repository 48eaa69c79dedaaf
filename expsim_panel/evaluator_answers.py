"""LLM judge, people or both: every planning answer for one scenario at once, as curves in closed form.

Numbers only; `plots/` draws them, a page and `expsim evaluators --json` show them. `evaluation_simulation` plays the
same comparisons.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from expsim_panel.economics import ledger
from expsim_panel.errors import InputError
from expsim_panel.evaluation_budget import (
    KINDS,
    Need,
    Option,
    Setting,
    mean_difference,
    need,
    option,
    rows_for,
    setting,
    target_error,
)
from expsim_panel.evaluation_laws import chosen_variant, measurers
from expsim_panel.evaluators.human import Human
from expsim_panel.evaluators.judge import Judge
from expsim_panel.measurement_design import (
    break_even_n,
    cheapest_replication,
    labels_to_detect_drift,
)
from expsim_panel.preference_law import repeated
from expsim_panel.scenario import Scenario
from expsim_panel.split import Split, optimal_split
from expsim_panel.value_of_information import Belief

Floats = npt.NDArray[np.float64]
MOST_REPEATS = 12


@dataclass(frozen=True)
class Frontier:
    """Error by budget: dollars (b,) and root mean squared error by kind, nan where the budget buys too little."""

    budget: Floats
    error: dict[str, Floats]


@dataclass(frozen=True)
class Floor:
    """Judge-only error by rows per variant.

    Attributes
    ----------
    rows, noise : ndarray
        Rows per variant, standard error of the difference there.
    suspected, true : float
        SD of the bias that such judges are suspected of; size of this judge's bias in the scenario.
    break_even : float
        Rows at which noise and suspected bias are equal; inf without any.
    """

    rows: Floats
    noise: Floats
    suspected: float
    true: float
    break_even: float


@dataclass(frozen=True)
class Worth:
    """Value of n rows (labels for people and both) per variant before any data, dollars over the horizon.

    Attributes
    ----------
    rows : ndarray
        n.
    evsi, enbs : dict of ndarray
        By kind.
    evpi : float
        Value of perfect information.
    best : dict
        By kind: n with the largest ENBS and that ENBS.
    reason : str
        Why there is nothing: no prior, or nothing at stake.
    """

    rows: Floats
    evsi: dict[str, Floats]
    enbs: dict[str, Floats]
    evpi: float
    best: dict[str, tuple[float, float]]
    reason: str = ""


@dataclass(frozen=True)
class Repeats:
    """Variance for the money by repeats 1 to 12, relative to the best, and the best number, by what is repeated."""

    loss: dict[str, Floats]
    best: dict[str, int]


@dataclass(frozen=True)
class Answers:
    """All answers for one scenario and budget."""

    what: Setting
    family: str
    budget: float
    target: float
    options: tuple[Option, ...]
    needs: tuple[Need, ...]
    frontier: Frontier
    floor: Floor
    split: Split
    worth: Worth
    repeats: Repeats
    drift: tuple[Floats, Floats]

    @property
    def advised(self) -> Option:
        """The option with the smallest expected error at this budget, by what a team can know."""
        return min(self.options, key=lambda one: one.expected_error)

    @property
    def samples(self) -> int:
        """Samples of a contrast: 2 variants' rows, or 1 of comparisons; what both variants take is so many times n."""
        return self.what.law.samples

    @property
    def each(self) -> str:
        """What n counts, to put behind labels and scores on an axis."""
        return "of comparisons" if self.what.law.pairs else "per variant"

    @property
    def rho(self) -> float:
        """Correlation of a label and a judge score of one response or comparison."""
        return math.sqrt(self.what.law.rho_squared)


def answers(scenario: Scenario, budget: float | None = None, power: float = 0.8) -> Answers:
    """Return every closed-form answer; `budget` as in `evaluation_simulation.compare`.

    Raises
    ------
    InputError
        No judge or no people in the scenario, or a budget that buys next to nothing.
    """
    what = setting(scenario, concurrency=measurers(scenario)[0].concurrency)
    spent = what.plan_cost if budget is None else budget
    if not (math.isfinite(spent) and spent >= what.least):
        raise InputError("evaluators", "budget", f"{spent:g} dollars", what.least_words)
    target = target_error(what, power)
    judge, human = measurers(scenario)
    return Answers(
        what,
        scenario.shown_as,
        spent,
        target,
        tuple(option(what, kind, rows_for(what, kind, spent)) for kind in KINDS),
        tuple(need(what, kind, target) for kind in KINDS),
        _frontier(what, spent),
        _floor(what, spent),
        optimal_split(math.sqrt(what.law.rho_squared), what.cost_human, what.cost_judge, spent / what.law.samples),
        worth(scenario, what),
        repeats(scenario, judge, human),
        _drift(what),
    )


def _frontier(what: Setting, budget: float) -> Frontier:
    budgets = budget * 2.0 ** np.linspace(-5, 5, 61)
    error = {}
    for kind in KINDS:
        found = [option(what, kind, rows_for(what, kind, float(b))).rmse for b in budgets]
        error[kind] = np.where(np.isfinite(found), found, np.nan)
    return Frontier(budgets, error)


def _floor(what: Setting, budget: float) -> Floor:
    variance = what.law.alone_variance
    even = break_even_n(variance, what.bias_sd)
    most = max(budget / what.law.samples / what.cost_judge, 10 * even if math.isfinite(even) else 0.0, 100.0)
    if math.isfinite(even):
        most = min(most, 300 * max(even, 30.0))
    rows = np.geomspace(4, min(most, 1e7), 80)
    true = abs(mean_difference(what, what.law, "judge") - what.effect)
    return Floor(rows, np.sqrt(variance / rows), what.bias_sd, true, even)


def scores_per_label(what: Setting) -> float:
    """Return how many judge scores the best split has for each label, at most 1,000."""
    split = optimal_split(math.sqrt(what.law.rho_squared), what.cost_human, what.cost_judge, 1e5 * what.cost_human)
    return float(min(split.judged_per_label, 1000.0))


def worth(scenario: Scenario, what: Setting) -> Worth:
    """Return EVSI and ENBS against n, before any data: the prior is the scenario's, the bias that of such judges."""
    money, prior = ledger(scenario), scenario.prior
    arm = chosen_variant(scenario, None)
    nothing = Worth(np.empty(0), {}, {}, 0.0, {}, "the scenario has no prior, or nothing is at stake")
    if not prior.sd or money.value_per_point <= 0:
        return nothing
    weight = money.value_per_point
    belief = Belief(weight * prior.mean, weight * prior.sd, float(money.handicap[arm]))
    rows = np.unique(np.round(np.geomspace(4, max(money.horizon / 4, 8), 160)))
    ratio = scores_per_label(what)
    label, score = float((what.law.label_sd**2).sum()), what.law.alone_variance
    square = what.law.rho_squared
    evsi, enbs, best = {}, {}, {}
    for kind in KINDS:
        if kind == "judge":
            variance, price = score / rows + what.bias_sd**2, what.cost_judge
        else:
            tuned = 1.0 if kind == "human" else (1 - square) + square / ratio
            variance = label * tuned / rows + what.law.severity_variance
            price = what.cost_human + (ratio * what.cost_judge if kind == "hybrid" else 0.0)
        dollars = weight**2 * variance
        evsi[kind] = money.horizon * np.array([belief.evsi(float(v)) for v in dollars])
        served = 1.0 if kind != "hybrid" else max(ratio, 1.0)
        enbs[kind] = belief.enbs(rows, dollars, money.horizon, what.law.samples * rows * price, served)
        at = int(enbs[kind].argmax())
        best[kind] = (float(rows[at]), float(enbs[kind][at]))
    return Worth(rows, evsi, enbs, belief.evpi() * money.horizon, best)


def repeats(scenario: Scenario, judge: Judge, human: Human) -> Repeats:
    """Return variance times dollars by number of repeats, for judge calls, raters and samples per prompt.

    Offline on a fixed prompt set, the same prompts in both variants. Quality varies half between output samples of
    a prompt and half between prompts and variants (assumed where no calibration tells). Side by side calls and raters
    only, of a comparison of one answer each.
    """
    spread = float(np.mean(scenario.sds**2))
    interaction = sample = spread / 2
    generation = float(np.mean(ledger(scenario).generation))
    call, label = judge.usd_per_row() / judge.repeats, human.usd_per_label()
    if scenario.side_by_side:
        return _repeated_comparisons(scenario, judge, human, 2 * generation)
    square = judge.scale**2
    if scenario.family == "binary":
        # A vote flips the truth; what repeats remove of that is not known, so that calls are taken as independent.
        rates = scenario.means
        seen = judge.measure(rates, scenario.sds, "binary").means
        flip = max(float(np.mean(seen * (1 - seen))) - square * spread, 0.0)
        own, again = 0.0, flip
        rater = float(np.mean(human.sensitivity * (1 - human.sensitivity)))
    else:
        own, again, rater = judge.item_variant_sd**2, judge.repeat_sd**2, human.noise_sd**2
    cases = {
        "judge calls": (generation, call, square * spread + own, again),
        "raters": (generation, label, spread, rater),
        "samples": (generation, generation + call, square * interaction + own, square * sample + again),
    }
    counts = np.arange(1.0, MOST_REPEATS + 1)
    loss, best = {}, {}
    for name, (fixed, unit, between, within) in cases.items():
        if unit <= 0:
            continue
        cost = (between + within / counts) * (fixed + counts * unit)
        best[name] = cheapest_replication(fixed, unit, between, within, MOST_REPEATS)
        loss[name] = cost / cost.min()
    return Repeats(loss, best)


def _repeated_comparisons(scenario: Scenario, judge: Judge, human: Human, generation: float) -> Repeats:
    counts = np.arange(1, MOST_REPEATS + 1)
    loss, best = {}, {}
    prices = {"judge calls": (judge, judge.usd_per_row() / judge.repeats), "raters": (human, human.usd_per_label())}
    for name, (one, unit) in prices.items():
        if unit > 0:
            cost = repeated(scenario, one, counts) * (generation + counts * unit)
            loss[name], best[name] = cost / cost.min(), int(counts[cost.argmin()])
    return Repeats(loss, best)


def _drift(what: Setting) -> tuple[Floats, Floats]:
    """Return drifts (points) and the labels that notice each with 80 % power at 5 %."""
    law = what.law
    variance = law.label_sd**2 + law.score_sd**2 - 2 * law.rho * law.label_sd * law.score_sd
    residual = math.sqrt(max(float(variance.mean()), 1e-12))
    points = residual * np.geomspace(0.05, 1.0, 60)
    return points, np.array([float(labels_to_detect_drift(float(one), residual) or np.nan) for one in points])


def with_evaluators(scenario: Scenario, judge: dict[str, object], human: dict[str, object]) -> Scenario:
    """Return a copy whose judge and people have these fields.

    Raises
    ------
    InputError
        A field out of range.
    """
    tree = scenario.to_tree()
    tables = {"judge": dict(judge), "human": dict(human)}
    kind = tree["evaluator"]["kind"]
    if kind in tables:
        tree["evaluator"] = {"kind": kind, **tables[kind]}
    elif kind == "hybrid":
        tree["evaluator"] |= tables
    tree["evaluators"] = {**tree.get("evaluators", {}), **tables}
    return Scenario.from_tree(tree, scenario.scenario.name)


def split_error(what: Setting, budget: float, labels: npt.ArrayLike) -> Floats:
    """Return the standard error of the hybrid that spends a budget with so many labels per variant, the rest on scores.

    nan where the money does not pay a score for every label.
    """
    n = np.asarray(labels, dtype=np.float64)
    judged = (budget / what.law.samples - n * what.cost_human) / what.cost_judge
    label, square = float((what.law.label_sd**2).sum()), what.law.rho_squared
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = label * ((1 - square) / n + square / judged) + what.law.severity_variance
    return np.where((judged >= n) & (n >= 1), np.sqrt(np.maximum(variance, 0.0)), np.nan)
