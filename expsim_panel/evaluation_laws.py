"""What a scenario's judge and people see of two variants: the joint law of a label and a judge score.

Side by side one sample of comparisons stands in place of a sample from each variant.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from expsim_panel.errors import InputError, did_you_mean
from expsim_panel.evaluation import Evaluator, evaluators
from expsim_panel.evaluators.human import Human
from expsim_panel.evaluators.hybrid import Hybrid
from expsim_panel.evaluators.judge import Judge
from expsim_panel.isotonic_law import explained
from expsim_panel.judge_laws import answered, asked
from expsim_panel.label_laws import joint
from expsim_panel.preference_law import Comparisons, check_readers, comparisons
from expsim_panel.scenario import Scenario


@dataclass(frozen=True)
class PairLaw:
    """Law of (label, judge score) of one response in the control and in one variant, or of one comparison of both.

    Attributes
    ----------
    binary : bool
        Whether both are 0 or 1.
    truth : ndarray, shape (samples,)
        True means; two samples, or one of comparisons.
    label, score, label_sd, score_sd, rho : ndarray, shape (samples,)
        Means, standard deviations and correlation; severity of raters excluded, which cancels between variants
        where the same raters score both evenly. A refusal of the judge counts as the mean score, or as no. Where a
        hybrid calibrates by an isotonic map, the correlation is that of label and mapped score.
    severity_variance : float
        Variance that raters of one's own in each variant add to the difference, whatever the rows.
    alone, alone_sd, usable : ndarray, shape (samples,)
        Mean and standard deviation of the scores that there are, and the share of responses that get one: what a
        judge without labels has. Refusals are not at random.
    pairs : Comparisons or None
        Side by side, the chances behind these moments.
    """

    binary: bool
    truth: np.ndarray
    label: np.ndarray
    score: np.ndarray
    label_sd: np.ndarray
    score_sd: np.ndarray
    rho: np.ndarray
    severity_variance: float
    alone: np.ndarray
    alone_sd: np.ndarray
    usable: np.ndarray
    pairs: Comparisons | None = None

    @property
    def samples(self) -> int:
        """Samples that a contrast is made of: rows of each variant, or comparisons of both, which are one."""
        return len(self.label)

    def contrast(self, means: np.ndarray) -> float:
        """Return the difference of two means, or the mean of comparisons, which is one already."""
        return float(means[-1] - means[0]) if self.samples == 2 else float(means[0])

    @property
    def alone_variance(self) -> float:
        """Variance of the judge's own difference times the responses asked about in each variant."""
        return float((self.alone_sd**2 / self.usable).sum())

    @property
    def rho_squared(self) -> float:
        """Squared correlation, averaged over variants by the variance of their labels: what a common split needs."""
        weight = self.label_sd**2
        return float((weight * self.rho**2).sum() / weight.sum())

    def confusion(self, arm: int) -> tuple[float, float, float]:
        """P(label 1), P(score 1 | label 1), P(score 0 | label 0) of a binary law."""
        p, s = float(self.label[arm]), float(self.score[arm])
        both = p * s + float(self.rho[arm] * self.label_sd[arm] * self.score_sd[arm])
        return p, (both / p if p > 0 else 0.0), (1 - (s - both) / (1 - p) if p < 1 else 0.0)


def measurers(scenario: Scenario) -> tuple[Judge, Human]:
    """Return the scenario's judge and people: the one in use, and the fields kept for the others."""
    if isinstance(scenario.evaluator, Hybrid):
        return scenario.evaluator.judge, scenario.evaluator.human
    found: list[Evaluator] = []
    rates = scenario.family == "binary"
    for kind in ("judge", "human"):
        if scenario.evaluator.kind == kind:
            found.append(scenario.evaluator)
            continue
        if kind not in scenario.evaluators:
            problem = f"the scenario has no [evaluators.{kind}]"
            raise InputError(scenario.scenario.name, "evaluators", problem, f"add that table with the {kind}'s numbers")
        where = scenario.scenario.name
        found.append(evaluators.build({"kind": kind}, scenario.evaluators, where, f"evaluators.{kind}", rates=rates))
    judge, human = found
    assert isinstance(judge, Judge)
    assert isinstance(human, Human)
    if scenario.side_by_side:
        check_readers(scenario, judge, human)
    return judge, human


def chosen_variant(scenario: Scenario, name: str | None) -> int:
    """Return the index of a variant by name; by default the one with the largest true effect."""
    names = [variant.name for variant in scenario.variants]
    if name is None:
        return 1 + int(scenario.effects[1:].argmax())
    if name not in names[1:]:
        raise InputError("evaluators", "--variant", f"unknown variant {name!r}", did_you_mean(name, names[1:]))
    return names.index(name)


def pair_law(scenario: Scenario, arm: int, null: bool = False) -> PairLaw:
    """Return the joint law for the control and one variant; see `label_laws.joint`.

    Parameters
    ----------
    null : bool
        Whether the variant gets the control's true quality; bias and noise stay.
    """
    judge, human = measurers(scenario)
    if scenario.side_by_side:
        return _of_comparisons(scenario, comparisons(scenario, judge, human, arm, null), arm, null)
    means = scenario.means[[0, 0 if null else arm]]
    binary = scenario.family == "binary"
    sds = np.sqrt(means * (1 - means)) if binary else scenario.sds[[0, 0 if null else arm]]
    found = joint(judge, human, means, sds, scenario.family)
    own = 0.0
    if found.severity_sd > 0 and not found.shared:
        own = 2 * found.severity_sd**2 / max(found.raters, 1)
    alone = found.score, found.score_sd, np.ones(2)
    if judge.refusals:
        told = judge.measure(means, sds, scenario.family)
        usable = answered(means, sds, judge.refusals, judge.refusal_correlation, binary)
        alone = np.asarray(told.means, float), np.asarray(told.sds, float), usable
    rho, using = found.rho, scenario.evaluator
    if isinstance(using, Hybrid) and using.correction == "isotonic" and not binary:
        rho = np.sqrt(explained(using, means, sds, scenario.family)) / found.label_sd
    return PairLaw(binary, means, found.label, found.score, found.label_sd, found.score_sd, rho, own, *alone)


def _of_comparisons(scenario: Scenario, pairs: Comparisons, arm: int, null: bool) -> PairLaw:
    found = pairs.joint()
    alone, alone_sd = (np.array([one]) for one in pairs.alone_moments())
    truth = np.zeros(1) if null else scenario.means[arm : arm + 1]
    return PairLaw(
        False, truth, found.label, found.score, found.label_sd, found.score_sd, found.rho, 0.0, alone, alone_sd,
        np.array([pairs.usable]), pairs,
    )  # fmt: skip


@dataclass(frozen=True)
class Pace:
    """How fast rows are scored.

    Attributes
    ----------
    labels_per_day, scores_per_day, rows_per_day : float
        What people, the judge and the traffic (both variants) can deliver in a day.
    seconds_per_label, days, cap : float
        Working time of a label with all its raters; planned days; rows per variant, or comparisons, in that time.
    outcome_delay, label_delay, score_delay : int
        Days from a response to its outcome, and from there to its label and to its score.
    """

    labels_per_day: float
    scores_per_day: float
    rows_per_day: float
    seconds_per_label: float
    days: int
    cap: int
    outcome_delay: int = 0
    label_delay: int = 0
    score_delay: int = 0

    def duration(self, labelled: float, judged: float) -> float:
        """Days until the last of `labelled` labels and `judged` scores (over both variants) is in."""
        traffic = max(labelled, judged) / self.rows_per_day
        late = self.outcome_delay + max(self.label_delay if labelled else 0, self.score_delay if judged else 0)
        return max(traffic, labelled / self.labels_per_day, judged / self.scores_per_day) + late


def pace(scenario: Scenario, arm: int, concurrency: int) -> Pace:
    """Return the pace of a scenario's people and judge, the judge with `concurrency` calls at a time."""
    judge, human = measurers(scenario)
    shares = scenario.shares
    daily = scenario.traffic.units_per_day * min(shares[0], shares[arm])
    labels = human.seconds_per_row()
    scores = judge.seconds_per_row() / asked(judge.refusals)
    return Pace(
        human.rows_per_day(),
        86400 * concurrency / scores if scores and not judge.batch else math.inf,
        (1 if scenario.side_by_side else 2) * daily,
        labels,
        scenario.traffic.days,
        max(1, math.floor(daily * scenario.traffic.days)),
        int(scenario.traffic.delay_days),
        int(human.delay_days),
        judge.delay_days,
    )
