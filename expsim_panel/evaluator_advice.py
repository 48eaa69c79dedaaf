"""What follows from the planning answers: what to collect and what it takes, when a judge alone may decide, and
splits of the budget played.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.special import ndtr

from expsim_panel.evaluation_budget import Rows, Setting, mean_difference
from expsim_panel.evaluation_simulation import estimates
from expsim_panel.evaluator_answers import Answers, scores_per_label, split_error
from expsim_panel.value_of_information import judge_only_launch

SHARES = (0.1, 0.2, 0.3, 0.45, 0.6, 0.75, 0.9)  # of the budget that buys labels
FEWEST_LABELS, MOST_SCORES = 5, 2_000_000


@dataclass(frozen=True)
class Collect:
    """The evidence with the largest expected net benefit (ENBS) that one way of measuring offers.

    Attributes
    ----------
    name : str
        ``judge``, ``human`` or ``hybrid``.
    labelled, judged : int
        Over both variants, or comparisons; not limited by the planned traffic.
    cost, days : float
        Dollars of scoring, and days until the last score.
    enbs : float
        Dollars over the horizon, scoring and exposure of the test paid.
    pays : bool
        It is above 0: collect rather than decide now.
    """

    name: str
    labelled: int
    judged: int
    cost: float
    days: float
    enbs: float

    @property
    def pays(self) -> bool:
        """Whether collecting is worth more than deciding now."""
        return self.enbs > 0


def to_collect(found: Answers) -> tuple[Collect, ...]:
    """Return for each way how much to collect, the best way first; empty where nothing is at stake."""
    what, made = found.what, []
    for kind, (n, net) in found.worth.best.items():
        labelled = found.samples * int(n) if kind != "judge" else 0
        each = {"judge": 1.0, "human": 0.0, "hybrid": scores_per_label(what)}[kind]
        judged = found.samples * math.ceil(n * each)
        cost = labelled * what.cost_human + judged * what.cost_judge
        made.append(Collect(kind, labelled, judged, cost, what.pace.duration(labelled, judged), net))
    return tuple(sorted(made, key=lambda one: -one.enbs))


@dataclass(frozen=True)
class Bar:
    """When a judge alone may decide: its difference must exceed ``2 sqrt(SE^2 + SD(bias)^2)``.

    Attributes
    ----------
    se, bias_sd : float
        At this budget, and as suspected; metric units.
    bar, floor : float
        What the difference must exceed; the part of it that no number of scores removes.
    labels_bar : float
        What the difference of labels corrected by the judge must exceed at the same budget; inf if it buys too little.
    launches, launches_null : float
        P(the judge's difference is above the bar) with the scenario's effect, and without any.
    """

    se: float
    bias_sd: float
    bar: float
    floor: float
    labels_bar: float
    launches: float
    launches_null: float


def launch_bar(found: Answers) -> Bar:
    """Return the launch rule for judge-only evidence at the budget of the answers (MODEL section 6)."""
    what = found.what
    by = {one.name: one for one in found.options}
    se = by["judge"].se
    if not math.isfinite(se):
        return Bar(se, what.bias_sd, se, 2 * what.bias_sd, 2 * by["hybrid"].se, 0.0, 0.0)
    rule = judge_only_launch(0.0, se, what.bias_sd)
    null_se = math.sqrt(what.null.alone_variance / by["judge"].rows.judged)
    shares = [
        float(ndtr((centre - rule.bar) / error)) if error > 0 else float(centre > rule.bar)
        for centre, error in (
            (mean_difference(what, what.law, "judge"), se),
            (mean_difference(what, what.null, "judge"), null_se),
        )
    ]
    return Bar(se, what.bias_sd, rule.bar, rule.floor, 2 * by["hybrid"].se, *shares)


@dataclass(frozen=True)
class PlayedSplit:
    """One split of the budget: labels and scores per variant, the error by the closed form and simulated (± error)."""

    labelled: int
    judged: int
    se: float
    simulated: float
    simulated_se: float


def played_splits(what: Setting, budget: float, replicates: int, seed: int = 1) -> tuple[PlayedSplit, ...]:
    """Play seven splits of a budget beside the closed form, whose minimum is the optimal split."""
    half, made = budget / what.law.samples, []
    for share in SHARES:
        n = math.floor(share * half / what.cost_human)
        judged = math.floor((half - n * what.cost_human) / what.cost_judge)
        if n < FEWEST_LABELS or judged <= n or judged > MOST_SCORES:
            continue
        values, _ = estimates(what.law, "hybrid", Rows(n, judged), replicates, seed, 3)
        closed = float(split_error(what, budget, [n])[0])
        sd = float(values.std(ddof=1))
        made.append(PlayedSplit(n, judged, closed, sd, sd / math.sqrt(2 * replicates)))
    return tuple(made)
