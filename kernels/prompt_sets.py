"""Variants on a fixed set of prompts: rows drawn prompt by prompt, analysed by topic, prompt or single score."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from expsim_panel.kernels.jit import kernel
from expsim_panel.kernels.measuring import draw_severity
from expsim_panel.kernels.special import norm_cdf

TOPIC, PROMPT, RESPONSE = 0, 1, 2
CONTROL = 1e-6
"""Part of a pair's variance that stands in the control: a rule that divides by it must find more than 0."""


class PromptSet(NamedTuple):
    """The law of scores on a prompt set; standard deviations are of the observed score, for rates of the latent one.

    Attributes
    ----------
    binary : bool
        Whether an answer is right or wrong.
    paired : bool
        Whether all arms answer the same prompts.
    level : int
        `TOPIC`, `PROMPT` or `RESPONSE`: what is a row.
    size, repeats : int
        Prompts of a topic; scores of a prompt in an arm.
    centre : float64 ndarray, shape (replicates, arms)
        Mean score; for rates the latent threshold, whose upper tail is the rate.
    hit, false : float64 ndarray, shape (replicates, arms)
        For rates: P(said to be right | right), P(said to be right | wrong).
    topic, prompt : float
        What all arms share on a topic and on a prompt.
    topic_own : float
        What an arm has of its own on a topic.
    own, noise : float64 ndarray, shape (replicates, arms)
        Of its own on a prompt; of a single score.
    severity_sd, raters, shared
        See `measuring.draw_severity`; prompts go round the raters.
    sign, origin : float
        A score y counts as ``origin + sign y``.
    """

    binary: bool
    paired: bool
    level: int
    size: int
    repeats: int
    centre: np.ndarray
    hit: np.ndarray
    false: np.ndarray
    topic: float
    prompt: float
    topic_own: float
    own: np.ndarray
    noise: np.ndarray
    severity_sd: float
    raters: int
    shared: bool
    sign: float
    origin: float


@kernel
def draw_prompts(
    outcome: np.random.Generator,
    evaluator: np.random.Generator,
    law: PromptSet,
    prompts: np.ndarray,
    sums: np.ndarray,
    squares: np.ndarray,
) -> None:
    """Draw a block of experiments into `sums` and `squares`, as they stand after each batch.

    Of paired rows the variance of an arm's difference from the control stands in that arm, hardly any in the control:
    what a rule reads is the difference with its error, and a t test counts one degree of freedom less than the rows.
    With more arms the control gets half of the smallest of these variances, for rules that draw a mean of every arm.

    Parameters
    ----------
    prompts : int64 ndarray, shape (batches,)
        Prompts of each batch, whole topics.
    sums, squares : float64 ndarray, shape (replicates, batches, arms)
        Output.
    """
    arms = law.centre.shape[1]
    severity = np.zeros((arms, max(law.raters, 1)))
    # Sum and square of a row, shape (2, arms); of all rows so far: sum, square (paired: of the difference).
    row, total = np.zeros(arms), np.zeros((3, arms))
    score, base, common = np.zeros(arms), np.zeros(arms), np.zeros(arms)
    for k in range(law.centre.shape[0]):
        draw_severity(evaluator, law.severity_sd, law.raters, law.shared, severity)
        total[:] = 0.0
        rows = 0
        seen = 0
        for t in range(prompts.shape[0]):
            for i in range(prompts[t]):
                if i % law.size == 0:
                    both = law.topic * outcome.standard_normal() if law.topic > 0.0 else 0.0
                    for a in range(arms):
                        if not law.paired and a > 0 and law.topic > 0.0:
                            both = law.topic * outcome.standard_normal()
                        base[a] = both
                        if law.topic_own > 0.0:
                            base[a] += law.topic_own * outcome.standard_normal()
                    row[:] = 0.0
                alike = law.prompt * outcome.standard_normal() if law.prompt > 0.0 else 0.0
                for a in range(arms):
                    if not law.paired and a > 0 and law.prompt > 0.0:
                        alike = law.prompt * outcome.standard_normal()
                    common[a] = base[a] + alike + law.centre[k, a]
                    if law.binary:
                        common[a] += law.own[k, a] * outcome.standard_normal() if law.own[k, a] > 0.0 else 0.0
                    elif law.raters > 0:
                        common[a] += severity[a, seen % law.raters]
                if law.level != TOPIC:
                    row[:] = 0.0
                draws = law.repeats if law.binary or law.level == RESPONSE else 1
                for a in range(arms):
                    score[a] = 0.0
                    if not law.binary and draws > 1 and law.own[k, a] > 0.0:
                        common[a] += law.own[k, a] * outcome.standard_normal()
                for _s in range(draws):
                    for a in range(arms):
                        if law.binary:
                            if law.noise[k, a] > 0.0:
                                p = norm_cdf(common[a] / law.noise[k, a])
                            else:
                                p = 1.0 if common[a] > 0.0 else 0.0
                            p = p * law.hit[k, a] + (1.0 - p) * law.false[k, a]
                            y = 1.0 if outcome.random() < p else 0.0
                        elif draws > 1:
                            y = common[a] + law.noise[k, a] * outcome.standard_normal()
                        else:
                            spread = law.own[k, a] * law.own[k, a] + law.noise[k, a] * law.noise[k, a] / law.repeats
                            y = common[a] + math.sqrt(spread) * outcome.standard_normal()
                        score[a] = y
                        row[a] += y / draws
                    if law.level == RESPONSE:
                        rows += 1
                        _add(law.paired, score, total)
                seen += 1
                if law.level == PROMPT:
                    rows += 1
                    _add(law.paired, row, total)
                elif law.level == TOPIC and i % law.size == law.size - 1:
                    rows += 1
                    for a in range(arms):
                        row[a] /= law.size
                    _add(law.paired, row, total)
            _stand(law, rows, total, sums[k, t], squares[k, t])


@kernel
def _add(paired: bool, row: np.ndarray, total: np.ndarray) -> None:
    """Add a row to the sums: of scores, of what is compared, of its squares."""
    for a in range(row.shape[0]):
        seen = row[a] - row[0] if paired else row[a]
        total[0, a] += row[a]
        total[1, a] += seen
        total[2, a] += seen * seen


@kernel
def _stand(law: PromptSet, rows: int, total: np.ndarray, sums: np.ndarray, squares: np.ndarray) -> None:
    """Write the sums of all rows so far as a rule reads them."""
    n = float(rows)
    least = math.inf
    for a in range(sums.shape[0]):
        sums[a] = 0.0
        squares[a] = 0.0
        if rows == 0:
            continue
        left = max(total[2, a] - total[1, a] * total[1, a] / n, 0.0)
        sums[a] = law.origin * n + law.sign * total[0, a]
        squares[a] = left
        if a > 0 and left < least:
            least = left
    if rows == 0:
        return
    for a in range(sums.shape[0]):
        if law.paired:
            part = least * (0.5 if sums.shape[0] > 2 else CONTROL)
            squares[a] = part if a == 0 else squares[a] - part
        squares[a] += sums[a] * sums[a] / n
