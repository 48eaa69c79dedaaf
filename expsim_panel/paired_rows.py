"""What a hybrid sees of prompts that all variants answer: the law of differences that the kernels draw from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from expsim_panel import timeline
from expsim_panel.hybrid_rows import CORRECTIONS, DRIFTS, judged_of
from expsim_panel.kernels.hybrid_pairs import PairedDifferences, draw_paired
from expsim_panel.kernels.pair_contrasts import ArmPairs, draw_arm_pairs
from expsim_panel.kernels.pair_days import BOOK, write_contrasts
from expsim_panel.kernels.pair_rates import PairedRates, draw_paired_rates
from expsim_panel.kernels.topic_rates import TopicRates, draw_topic_rates
from expsim_panel.paired_laws import OwnParts, own_parts
from expsim_panel.row_law import Block, Change, Law, RowKind

if TYPE_CHECKING:
    from expsim_panel.evaluators.hybrid import Hybrid
    from expsim_panel.scenario import Scenario

Pairs = PairedDifferences | ArmPairs | PairedRates | TopicRates
_BY_REPLICATE: dict[type, tuple[str, ...]] = {
    PairedDifferences: ("control", "label", "score", "control_sd", "label_sd", "score_sd", "rho"),
    ArmPairs: ("label", "score", "label_sd", "score_sd", "rho", "control_sd"),
    PairedRates: ("means", "spill", "hit", "false"),
    TopicRates: ("cut", "hit", "false"),
}


@dataclass(frozen=True)
class PairedRows(RowKind):
    """The law of differences on the same prompts.

    Attributes
    ----------
    law : PairedDifferences, ArmPairs, PairedRates or TopicRates
        What the kernel draws from: two variants' scores, several variants' scores, rates, rates by topic.
    per_label : float
        Judged prompts per labelled one.
    drift : ndarray, shape (days,)
        Of the judge; zeros for scores, where it drops out.
    """

    law: Pairs
    per_label: float
    drift: np.ndarray

    def each(self, change: Change) -> Self:
        """Return the same with `change` made to every array by replicate."""
        changed: dict[str, Any] = {name: change(getattr(self.law, name)) for name in _BY_REPLICATE[type(self.law)]}
        return replace(self, law=self.law._replace(**changed))

    def draw(self, law: Law, block: Block) -> np.ndarray | None:
        """Draw a block of labelled and judged prompts."""
        _, days, arms = block.sums.shape
        # All variants answer the same prompts: the control's numbers are everybody's.
        prompts, judged = block.rows[:, 0].copy(), judged_of(self.per_label, block.rows)[:, 0].copy()
        daily = np.zeros((days, BOOK, arms - 1))
        into = block.sums, block.squares, *block.known, daily
        pairs = self.law
        if isinstance(pairs, PairedDifferences):
            draw_paired(block.outcome, pairs, prompts, judged, law.lag, *into)
        elif isinstance(pairs, ArmPairs):
            draw_arm_pairs(block.outcome, pairs, prompts, judged, law.lag, *into)
        elif isinstance(pairs, TopicRates):
            draw_topic_rates(block.outcome, pairs, prompts, judged, law.lag, *into)
        else:
            draw_paired_rates(block.outcome, pairs, prompts, judged, law.lag, *into)
        return daily

    def why_inexact(self, rows: np.ndarray, severity_sd: float) -> str:
        """Return why there are no exact figures."""
        return DRIFTS if self.drift.any() else ""

    def estimate(self, sums: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return sum and sum of squares of all arms' rows from differences and control, shape (10, arms - 1)."""
        found, law = np.zeros((2, sums.shape[1] + 1)), self.law
        origin = law.origin if isinstance(law, PairedRates | TopicRates) else 0.0
        write_contrasts(law.sign, origin, law.correction, np.ascontiguousarray(sums), found[0], found[1])
        return found[0], found[1]


def paired_rows(
    scenario: Scenario, evaluator: Hybrid, means: np.ndarray, sds: np.ndarray, pull: np.ndarray, steps: np.ndarray
) -> PairedRows:
    """Return the law of differences in a block; parameters as in `labelled_rows`, pull for its `spill`.

    Of scores drift and spill-over drop out; rates keep them, for their spread hangs on their level.
    """
    if scenario.family == "binary":
        common = np.repeat(pull.mean(axis=1, keepdims=True), means.shape[1], axis=1)
        drift = timeline.drift_of(evaluator.judge, scenario.traffic.days)
        return rate_rows(scenario, evaluator, means, common, steps, drift, (float(evaluator.prompt_sd), 0.0, 1))
    sds = np.broadcast_to(sds, means.shape)
    return score_rows(scenario, evaluator, means, sds, steps, own_parts(evaluator, means, sds))


def score_rows(
    scenario: Scenario, evaluator: Hybrid, means: np.ndarray, sds: np.ndarray, steps: np.ndarray, parts: OwnParts,
    control_sd: np.ndarray | None = None,
) -> PairedRows:  # fmt: skip
    """Return the law of differences of scores from what every arm has of its own.

    Parameters
    ----------
    control_sd : ndarray, shape (replicates,), optional
        Standard deviation of the control's label of a row; that of a response unless given.
    """
    slope = float(evaluator.judge.line(means[:1], sds[:1])[1][0, 0])
    own = np.asarray(evaluator.human.measure(means, sds, "normal").sds)[:, 0] if control_sd is None else control_sd
    correction, sign = CORRECTIONS[evaluator.method("normal")], float(scenario.sign)
    per_label, drift = 1 / float(evaluator.label_share), np.zeros(len(steps))
    if means.shape[1] == 2:
        found = parts.differences()
        gap = np.ascontiguousarray(steps[:, 1] - steps[:, 0])
        moments = (found.score, own[:, None], found.label_sd, found.score_sd, found.rho)
        score, own, label, spread, rho = (np.ascontiguousarray(one[:, 0], float) for one in moments)
        gaps = np.ascontiguousarray(means[:, 0]), np.ascontiguousarray(means[:, 1] - means[:, 0]), score
        pair = PairedDifferences(*gaps, gap, slope * gap, own, label, spread, rho, correction, sign)
        return PairedRows(pair, per_label, drift)
    label_sd, score_sd = np.sqrt(parts.label_variance), np.sqrt(parts.score_variance)
    spread = label_sd * score_sd
    rho = np.clip(np.divide(parts.covariance, spread, out=np.zeros_like(spread), where=spread > 0), -1, 1)
    label, score, steps, by_judge, label_sd, score_sd, rho, own = (
        np.ascontiguousarray(one, float)
        for one in (means, parts.score, steps, slope * steps, label_sd, score_sd, rho, own)
    )
    law = ArmPairs(label, score, steps, by_judge, label_sd, score_sd, rho, own, correction, sign)
    return PairedRows(law, per_label, drift)


def rate_rows(
    scenario: Scenario,
    evaluator: Hybrid,
    means: np.ndarray,
    pull: np.ndarray,
    steps: np.ndarray,
    drift: np.ndarray,
    prompt: tuple[float, float, int],
) -> PairedRows:
    """Return the law of what is said of prompts, right or wrong.

    Parameters
    ----------
    pull : ndarray, shape (replicates, arms)
        What every arm's rate gains.
    prompt : tuple
        Latent s_p and s_g, and the answers to a prompt.
    """
    yes, no = evaluator.human.vote()
    hit, false = (np.broadcast_to(one, means.shape) for one in evaluator.judge.rates(means))
    means, pull, hit, false, steps, drift = (
        np.ascontiguousarray(one, float) for one in (means, pull, hit, false, steps, drift)
    )
    s_p, s_g, repeats = prompt
    correction, sign = CORRECTIONS[evaluator.method("normal")], float(scenario.sign)
    origin = 1.0 if sign < 0 else 0.0
    law = PairedRates(
        means, pull, hit, false, steps, drift, float(yes), float(no), repeats, s_p, s_g, correction, sign, origin
    )
    return PairedRows(law, 1 / float(evaluator.label_share), drift)


def topic_rate_rows(scenario: Scenario, evaluator: Hybrid, means: np.ndarray) -> PairedRows:
    """Return the law of what is said of topics, right or wrong, for true rates, shape (replicates, arms)."""
    from scipy.special import ndtri

    table = scenario.offline
    yes, no = evaluator.human.vote()
    hit, false = (np.broadcast_to(one, means.shape) for one in evaluator.judge.rates(means))
    cut = np.clip(ndtri(np.clip(means, 0.0, 1.0)), -40.0, 40.0)
    cut, hit, false = (np.ascontiguousarray(one, float) for one in (cut, hit, false))
    topic, topic_own, size = table.of_topics()
    prompt, own = float(table.prompt_sd), float(table.interaction_sd)
    correction, sign = CORRECTIONS[evaluator.method("normal")], float(scenario.sign)
    law = TopicRates(
        cut, hit, false, float(yes), float(no), size, int(table.samples), topic, topic_own, prompt, own, correction,
        sign, 1.0 if sign < 0 else 0.0,
    )  # fmt: skip
    return PairedRows(law, 1 / float(evaluator.label_share), np.zeros(int(table.ticks)))
