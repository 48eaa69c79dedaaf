"""What a hybrid sees of prompts that all variants answer: the law of differences that the kernels draw from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from expsim_panel import timeline
from expsim_panel.hybrid_rows import CORRECTIONS, judged_of
from expsim_panel.kernels.hybrid import SUMS_KEPT
from expsim_panel.kernels.hybrid_pairs import PairedDifferences, draw_paired, write_pair
from expsim_panel.kernels.pair_contrasts import BASE, ArmPairs, draw_arm_pairs, write_contrasts
from expsim_panel.kernels.pair_rates import PairedRates, draw_paired_rates
from expsim_panel.paired_laws import OwnParts, own_parts

if TYPE_CHECKING:
    from expsim_panel.evaluators.hybrid import Hybrid
    from expsim_panel.scenario import Scenario

Law = PairedDifferences | ArmPairs | PairedRates
_BY_REPLICATE: dict[type, tuple[str, ...]] = {
    PairedDifferences: ("control", "label", "score", "control_sd", "label_sd", "score_sd", "rho"),
    ArmPairs: ("label", "score", "label_sd", "score_sd", "rho", "control_sd"),
    PairedRates: ("means", "spill", "hit", "false"),
}


@dataclass(frozen=True)
class PairedRows:
    """The law of differences on the same prompts.

    Attributes
    ----------
    law : PairedDifferences, ArmPairs or PairedRates
        What the kernel draws from: two variants' scores, several variants' scores, rates.
    per_label : float
        Judged prompts per labelled one.
    drift : ndarray, shape (days,)
        Of the judge; zeros for scores, where it drops out.
    by_look
        As in `LabelledRows`.
    """

    law: Law
    per_label: float
    drift: np.ndarray
    by_look: np.ndarray | None = None

    def repeated(self, size: int) -> PairedRows:
        """Return the same for `size` replicates that share the first one's truth."""
        return self._each(lambda one: np.repeat(one[:1], size, axis=0))

    def first(self, size: int) -> PairedRows:
        """Return the same for the first `size` replicates."""
        return self._each(lambda one: one[:size])

    def _each(self, change: Any) -> PairedRows:
        changed: dict[str, Any] = {name: change(getattr(self.law, name)) for name in _BY_REPLICATE[type(self.law)]}
        return replace(self, law=self.law._replace(**changed))

    def judged(self, labelled: np.ndarray) -> np.ndarray:
        """Return the judged prompts of each day from its labelled ones, shape (days, arms)."""
        return judged_of(self.per_label, labelled)

    def draw(
        self,
        outcome: np.random.Generator,
        asked: tuple[np.ndarray, np.ndarray, int],
        sums: np.ndarray,
        squares: np.ndarray,
        known: tuple[np.ndarray, np.ndarray],
        daily: np.ndarray,
    ) -> None:
        """Draw a block; `asked` are labelled and judged prompts of each day and the days that labels are later."""
        law = self.law
        if isinstance(law, PairedDifferences):
            draw_paired(outcome, law, *asked, sums, squares, *known, daily)
        elif isinstance(law, ArmPairs):
            draw_arm_pairs(outcome, law, *asked, sums, squares, *known, daily)
        else:
            draw_paired_rates(outcome, law, *asked, sums, squares, *known, daily)

    def estimate(self, sums: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return sum and sum of squares of all arms' rows from differences and control, shape (10, arms - 1)."""
        found, law = np.zeros((2, sums.shape[1] + 1)), self.law
        kept, base = np.ascontiguousarray(sums[:SUMS_KEPT]), float(sums[BASE, 0])
        if isinstance(law, PairedDifferences):
            write_pair(law, kept, base, found[0], found[1])
        else:
            origin = law.origin if isinstance(law, PairedRates) else 0.0
            write_contrasts(law.sign, origin, law.correction, kept, base, found[0], found[1])
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
    scenario: Scenario, evaluator: Hybrid, means: np.ndarray, sds: np.ndarray, steps: np.ndarray, parts: OwnParts
) -> PairedRows:
    """Return the law of differences of scores from what every arm has of its own."""
    slope = float(evaluator.judge.line(means[:1], sds[:1])[1][0, 0])
    own = np.asarray(evaluator.human.measure(means, sds, "normal").sds)[:, 0]
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
