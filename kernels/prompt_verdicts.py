"""Side by side on a fixed prompt set: comparisons drawn prompt by prompt and reading by reading.

What a topic and a prompt give to a variant's lead over the control holds for all comparisons there; a comparison adds
the luck of its two answers, and every reading of it an error of its own. See `expsim_panel.preference`.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from expsim_panel.kernels.jit import inner, kernel
from expsim_panel.kernels.prompt_sets import PROMPT, TOPIC
from expsim_panel.kernels.special import norm_cdf
from expsim_panel.kernels.verdicts import share_variance

RANDOM, BOTH = 0, 2
"""Orders; 1 and -1 show the variant, or the control, first."""
_FAR = 30.0


class Luck(NamedTuple):
    """Davidson's ties: a comparison's luck z moves the thresholds of a win and of a loss, not the lead.

    Attributes
    ----------
    unit, tie : float
        Points as seen of one unit of log odds, and nu; `unit` 0: leads within the band are ties.
    topic, prompt, own : float
        Parts of the luck, whose squares sum to 1; several variants share half of the first two variances.
    """

    unit: float
    tie: float
    topic: float
    prompt: float
    own: float


class PromptVerdicts(NamedTuple):
    """The law of comparisons on a prompt set; standard deviations are of the lead as it is seen.

    Attributes
    ----------
    level : int
        `prompt_sets.TOPIC`, `PROMPT` or `RESPONSE` (a comparison): what is a row.
    size, repeats : int
        Prompts of a topic; comparisons of a variant on a prompt.
    centre : float64 ndarray, shape (replicates, arms - 1)
        Lead of each variant as it is seen.
    topic, prompt, own, noise : float
        Of a topic, of a prompt, of a comparison, of a reading. With several variants half of the variance of the first
        two is the control's, and theirs alike.
    band : float
        Leads up to this, on either side, are ties.
    luck : Luck
        In place of the band, and of the luck in the leads.
    position, order : float, int
        What the answer shown first gains; `RANDOM`, 1, -1 or `BOTH`: read twice, a disagreement is a tie.
    votes, averaged : int, bool
        Readings in one order: averaged, or more than half of them decide and all else is a tie.
    sign, part : float
        A verdict v counts as ``sign v``; the control's part of the variance, see `verdicts.share_variance`.
    """

    level: int
    size: int
    repeats: int
    centre: np.ndarray
    topic: float
    prompt: float
    own: float
    noise: float
    band: float
    luck: Luck
    position: float
    order: int
    votes: int
    averaged: bool
    sign: float
    part: float


@inner
def davidson_edge(z: float, tie: float) -> float:
    """Return the log odds at which P(win) is Phi(z): ``t^2 + nu t + 1 = 1 / p``, ``x = -2 log t``; see `preference`."""
    z = min(max(z, -_FAR), _FAR)
    odds = norm_cdf(-z) / norm_cdf(z)
    return -2.0 * math.log(2.0 * odds / (tie + math.sqrt(tie * tie + 4.0 * odds)))


@inner
def _reading(rng: np.random.Generator, law: PromptVerdicts, lead: float, shift: float, low: float, high: float) -> int:
    """Return 1, 0 or -1 of one reading: above `high`, between, below `low`."""
    seen = lead + shift
    if law.noise > 0.0:
        seen += law.noise * rng.standard_normal()
    if seen > high:
        return 1
    return -1 if seen < low else 0


@inner
def verdict(rng: np.random.Generator, law: PromptVerdicts, lead: float, z: float) -> float:
    """Return what the readings of one comparison of luck z come to."""
    if law.own > 0.0:
        lead += law.own * rng.standard_normal()
    low = -law.band
    high = law.band
    if law.luck.unit > 0.0:
        low = -law.luck.unit * davidson_edge(z, law.luck.tie)
        high = law.luck.unit * davidson_edge(-z, law.luck.tie)
    if law.order == BOTH:
        first = _reading(rng, law, lead, law.position, low, high)
        return float(first) if first == _reading(rng, law, lead, -law.position, low, high) else 0.0
    if law.votes == 1:
        shift = law.position * law.order
        if law.order == RANDOM and law.position != 0.0:
            shift = law.position if rng.random() < 0.5 else -law.position
        return float(_reading(rng, law, lead, shift, low, high))
    won = 0
    lost = 0
    for _ in range(law.votes):
        one = _reading(rng, law, lead, 0.0, low, high)
        won += one == 1
        lost += one == -1
    if law.averaged:
        return (won - lost) / law.votes
    if 2 * won > law.votes:
        return 1.0
    return -1.0 if 2 * lost > law.votes else 0.0


@inner
def add_lead(rng: np.random.Generator, sd: float, onto: np.ndarray) -> None:
    """Add to every variant's lead, or luck, what a topic or prompt gives it; several share what is the control's."""
    if sd <= 0.0:
        return
    shared = 0.0
    if onto.shape[0] > 1:
        sd *= math.sqrt(0.5)
        shared = sd * rng.standard_normal()
    for c in range(onto.shape[0]):
        onto[c] += shared + sd * rng.standard_normal()


@kernel
def draw_prompt_verdicts(
    outcome: np.random.Generator,
    law: PromptVerdicts,
    prompts: np.ndarray,
    rows: np.ndarray,
    sums: np.ndarray,
    squares: np.ndarray,
) -> None:
    """Draw a block of experiments into `sums` and `squares`, as they stand after each batch.

    Parameters
    ----------
    prompts : int64 ndarray, shape (batches,)
        Prompts of each batch, whole topics.
    rows : int64 ndarray, shape (batches, arms)
        Rows of each batch; the control's are those of all variants.
    sums, squares : float64 ndarray, shape (replicates, batches, arms)
        Output, with the variance shared by `share_variance`.
    """
    batches, arms = rows.shape
    base, lead, row = np.zeros(arms - 1), np.zeros(arms - 1), np.zeros(arms - 1)
    luck, z = np.zeros((2, arms - 1)), 0.0
    seen, kept = np.zeros(arms), np.zeros((2, arms))
    total, square = np.zeros(arms), np.zeros(arms)
    each = law.repeats * law.size if law.level == TOPIC else law.repeats
    for k in range(law.centre.shape[0]):
        seen[:] = 0.0
        kept[:] = 0.0
        for t in range(batches):
            for i in range(prompts[t]):
                if i % law.size == 0:
                    base[:] = law.centre[k]
                    add_lead(outcome, law.topic, base)
                    luck[0] = 0.0
                    add_lead(outcome, law.luck.topic, luck[0])
                    row[:] = 0.0
                lead[:] = base
                add_lead(outcome, law.prompt, lead)
                luck[1] = luck[0]
                add_lead(outcome, law.luck.prompt, luck[1])
                if law.level != TOPIC:
                    row[:] = 0.0
                for c in range(arms - 1):
                    for _ in range(law.repeats):
                        if law.luck.unit > 0.0:
                            z = luck[1, c] + law.luck.own * outcome.standard_normal()
                        value = law.sign * verdict(outcome, law, lead[c], z)
                        if law.level == TOPIC or law.level == PROMPT:
                            row[c] += value
                        else:
                            kept[0, c + 1] += value
                            kept[1, c + 1] += value * value
                if law.level == PROMPT or (law.level == TOPIC and (i + 1) % law.size == 0):
                    for c in range(arms - 1):
                        value = row[c] / each
                        kept[0, c + 1] += value
                        kept[1, c + 1] += value * value
            for a in range(arms):
                seen[a] += rows[t, a]
                total[a] = kept[0, a]
                square[a] = kept[1, a]
            share_variance(law.part, seen, total, square)
            for a in range(arms):
                sums[k, t, a] = total[a]
                squares[k, t, a] = square[a]
