"""Right or wrong by topic: what judge and people say of all variants' answers, drawn answer by answer.

A topic makes the answers to all its prompts better or worse together, a prompt those of all variants: what is said of
one topic has too many states for a table.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from expsim_panel.kernels.hybrid import FF, REST, REST_F, REST_FF, YF, YY, F, N, Y
from expsim_panel.kernels.jit import inner, kernel
from expsim_panel.kernels.pair_days import BASE, BOOK, close_day
from expsim_panel.kernels.pair_rates import SMALLEST
from expsim_panel.kernels.special import norm_cdf


class TopicRates(NamedTuple):
    """The law of labels and verdicts on one topic.

    An answer of arm a is right iff ``cut + topic t + topic_own u + prompt z + own g + noise e > 0``: t of the topic, u
    of the topic in this arm, z of the prompt, g of the prompt in this arm, e of the answer. Both who say so flip the
    truth, independently.

    Attributes
    ----------
    cut : float64 ndarray, shape (replicates, arms)
        Latent thresholds, whose upper tails are the rates.
    hit, false : float64 ndarray, shape (replicates, arms)
        P(judge says right | right), P(judge says right | wrong).
    yes, no : float
        P(people say right | right), P(people say wrong | wrong).
    size, repeats : int
        Prompts of a topic; answers of an arm to one prompt. A label and a score of the topic are means over all.
    topic, topic_own, prompt, own : float
        Standard deviations; their squares sum to at most 1, which is all.
    correction : int
    sign, origin : float
        A rate p counts as ``origin + sign p``.
    """

    cut: np.ndarray
    hit: np.ndarray
    false: np.ndarray
    yes: float
    no: float
    size: int
    repeats: int
    topic: float
    topic_own: float
    prompt: float
    own: float
    correction: int
    sign: float
    origin: float


@inner
def _shared(rng: np.random.Generator, together: float, apart: float, onto: np.ndarray) -> None:
    """Add to every arm what all share and what each has of its own."""
    both = together * rng.standard_normal() if together > 0.0 else 0.0
    for a in range(onto.shape[0]):
        onto[a] += both
        if apart > 0.0:
            onto[a] += apart * rng.standard_normal()


@kernel
def draw_topic_rates(
    outcome: np.random.Generator,
    law: TopicRates,
    labelled: np.ndarray,
    judged: np.ndarray,
    lag: int,
    sums: np.ndarray,
    squares: np.ndarray,
    known_sums: np.ndarray,
    known_squares: np.ndarray,
    daily: np.ndarray,
) -> None:
    """Draw a block of experiments into `sums` and `squares`; parameters as in `pair_contrasts.draw_arm_pairs`.

    A row is a topic.
    """
    arms, each = law.cut.shape[1], law.size * law.repeats
    given = law.topic * law.topic + law.topic_own * law.topic_own + law.prompt * law.prompt + law.own * law.own
    noise = math.sqrt(max(1.0 - given, SMALLEST))
    base, quality = np.zeros(arms), np.zeros(arms)
    labels, scores = np.zeros(arms), np.zeros(arms)
    kept, ahead = np.zeros((BOOK, arms - 1)), np.zeros((BOOK, arms - 1))
    for k in range(law.cut.shape[0]):
        kept[:] = 0.0
        ahead[:] = 0.0
        for t in range(labelled.shape[0]):
            daily[t] = 0.0
            for i in range(judged[t]):
                by_people = i < labelled[t]
                base[:] = law.cut[k]
                _shared(outcome, law.topic, law.topic_own, base)
                labels[:] = 0.0
                scores[:] = 0.0
                for _p in range(law.size):
                    quality[:] = base
                    _shared(outcome, law.prompt, law.own, quality)
                    for a in range(arms):
                        chance = norm_cdf(quality[a] / noise)
                        for _s in range(law.repeats):
                            right = outcome.random() < chance
                            scores[a] += outcome.random() < (law.hit[k, a] if right else law.false[k, a])
                            if by_people:
                                labels[a] += outcome.random() < (law.yes if right else 1.0 - law.no)
                for a in range(1, arms):
                    f = (scores[a] - scores[0]) / each
                    if by_people:
                        d = (labels[a] - labels[0]) / each
                        daily[t, Y, a - 1] += d
                        daily[t, F, a - 1] += f
                        daily[t, YY, a - 1] += d * d
                        daily[t, FF, a - 1] += f * f
                        daily[t, YF, a - 1] += d * f
                    else:
                        daily[t, REST_F, a - 1] += f
                        daily[t, REST_FF, a - 1] += f * f
                if by_people:
                    daily[t, BASE, :] += labels[0] / each
            daily[t, N, :] = labelled[t]
            daily[t, REST, :] = judged[t] - labelled[t]
            into = sums[k, t], squares[k, t], known_sums[k, t], known_squares[k, t]
            close_day(law.sign, law.origin, law.correction, kept, ahead, daily, t, lag, *into)
