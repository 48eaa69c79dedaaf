"""Side by side on a prompt set that a judge reads and people label in part: rows of both, drawn and corrected."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from expsim_panel.kernels.hybrid import FF, REST, REST_F, REST_FF, SUMS_KEPT, YF, YY, F, N, Y, corrected
from expsim_panel.kernels.jit import kernel
from expsim_panel.kernels.prompt_verdicts import PromptVerdicts, add_lead, verdict
from expsim_panel.kernels.verdicts import share_variance


class CorrectedPrompts(NamedTuple):
    """The law of what people and a judge say of the same comparisons.

    Attributes
    ----------
    people : PromptVerdicts
        With the true leads as `centre`, what topics and prompts give them, and people's errors on a comparison.
    judge : PromptVerdicts
        With what the judge adds to a lead as `centre`, shape (1, arms - 1), and its errors on a prompt.
    luck, slope : float
        SD of a comparison's own part of the lead (0 with Davidson's ties, whose luck is `people.luck`, read by the
        judge on the scale of `judge.luck`); points that the judge sees per point.
    correction : int
        `hybrid.PPI_PLUS` or `hybrid.PPI`.
    """

    people: PromptVerdicts
    judge: PromptVerdicts
    luck: float
    slope: float
    correction: int


@kernel
def draw_corrected_prompts(
    outcome: np.random.Generator,
    law: CorrectedPrompts,
    rows: np.ndarray,
    judged: np.ndarray,
    sums: np.ndarray,
    squares: np.ndarray,
) -> None:
    """Draw a block of experiments into `sums` and `squares`, corrected as they stand after each batch.

    Parameters
    ----------
    rows, judged : int64 ndarray, shape (batches, arms)
        Topics (prompts, where there are none) of each batch that people label, and that the judge reads, the labelled
        ones among them; every variant has as many.
    sums, squares : float64 ndarray, shape (replicates, batches, arms)
        Output: of as many rows as have labels, with the corrected mean and its variance.
    """
    batches, arms = rows.shape
    people, judge = law.people, law.judge
    base, lead, own = np.zeros(arms - 1), np.zeros(arms - 1), np.zeros(arms - 1)
    shared, z = np.zeros((2, arms - 1)), 0.0
    said, scored = np.zeros(arms - 1), np.zeros(arms - 1)
    kept, seen = np.zeros((SUMS_KEPT, arms - 1)), np.zeros(arms)
    each = people.size * people.repeats
    for k in range(people.centre.shape[0]):
        kept[:] = 0.0
        seen[:] = 0.0
        for t in range(batches):
            for i in range(judged[t, 1]):
                labelled = i < rows[t, 1]
                said[:] = 0.0
                scored[:] = 0.0
                base[:] = people.centre[k]
                add_lead(outcome, people.topic, base)
                shared[0] = 0.0
                add_lead(outcome, people.luck.topic, shared[0])
                for _ in range(people.size):
                    lead[:] = base
                    add_lead(outcome, people.prompt, lead)
                    shared[1] = shared[0]
                    add_lead(outcome, people.luck.prompt, shared[1])
                    own[:] = judge.centre[0]
                    add_lead(outcome, judge.prompt, own)
                    for c in range(arms - 1):
                        for _ in range(people.repeats):
                            draw = outcome.standard_normal()
                            quality = lead[c] + law.luck * draw
                            z = shared[1, c] + people.luck.own * draw
                            scored[c] += verdict(outcome, judge, law.slope * quality + own[c], z)
                            if labelled:
                                said[c] += verdict(outcome, people, quality, z)
                for c in range(arms - 1):
                    f = judge.sign * scored[c] / each
                    if labelled:
                        y = people.sign * said[c] / each
                        kept[N, c] += 1.0
                        kept[Y, c] += y
                        kept[F, c] += f
                        kept[YY, c] += y * y
                        kept[FF, c] += f * f
                        kept[YF, c] += y * f
                    else:
                        kept[REST, c] += 1.0
                        kept[REST_F, c] += f
                        kept[REST_FF, c] += f * f
            for a in range(arms):
                seen[a] += rows[t, a]
                sums[k, t, a] = 0.0
                squares[k, t, a] = 0.0
            for c in range(arms - 1):
                n = kept[N, c]
                if n > 0.0:
                    value, variance = corrected(kept, c, law.correction)
                    sums[k, t, c + 1] = n * value
                    squares[k, t, c + 1] = n * value * value + variance * n * (n - 1.0)
            share_variance(people.part, seen, sums[k, t], squares[k, t])
