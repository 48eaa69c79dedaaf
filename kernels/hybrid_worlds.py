"""Adaptive policies that learn from a hybrid: traffic by the corrected means of what has arrived."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from expsim_panel.kernels.hybrid import (
    SUMS_KEPT,
    N,
    Scored,
    add,
    as_rows,
    corrected,
    draw_day,
    label_in,
    score_only,
    start,
)
from expsim_panel.kernels.jit import inner
from expsim_panel.kernels.trials import ROWS, SQUARES, SUMS, UNITS, advance


class HybridWorld(NamedTuple):
    """A policy in the world of a hybrid evaluator; it sees the rows that `hybrid.as_rows` makes.

    Attributes
    ----------
    policy : NamedTuple
        The policy's own parameters. The rows that it draws are thrown away, so its law is an empty one.
    law : Scored
        Law of label and score.
    delay, lag, skip : int
        Days until a label is known; by how many of them it is later than the score; first days that the analysis
        leaves out (the policy does not).
    arrived, before : float64 ndarray, shape (4, arms)
        Scratch: what the policy has seen, as in `trials`.
    today : float64 ndarray, shape (9,)
        Scratch: sums of one day and arm.
    past : float64 ndarray, shape (2, days, 4, arms)
        Scratch: the rows after each day's enrolment, of all days and of those that are analysed.
    log : float64 ndarray, shape (days, 4, arms)
        Scratch: what each day's enrolment adds to the rows that are analysed.
    whole : float64 ndarray, shape (replicates, 4, arms)
        Output: the experiment with its late outcomes.
    daily : float64 ndarray, shape (days, 9, arms)
        Output: the sums of each day's enrolment of the last replicate.
    ahead : float64 ndarray, shape (2, 9, arms)
        Scratch: sums of what is known where labels are late, of all days and of those that are analysed.
    """

    policy: Any
    law: Scored
    delay: int
    lag: int
    skip: int
    arrived: np.ndarray
    before: np.ndarray
    today: np.ndarray
    past: np.ndarray
    log: np.ndarray
    whole: np.ndarray
    daily: np.ndarray
    ahead: np.ndarray


@advance.register(HybridWorld)
def _hybrid_world(
    allocation: HybridWorld,
    outcome: np.random.Generator,
    evaluator: np.random.Generator,
    policy: np.random.Generator,
    replicate: int,
    day: int,
    state: np.ndarray,
) -> None:
    """Let the policy enrol the day's units, draw and correct their rows, and let arrive what is `delay` days old."""
    law, arrived, before, past = allocation.law, allocation.arrived, allocation.before, allocation.past
    log, whole, today = allocation.log, allocation.whole, allocation.today
    arms = state.shape[1]
    if day == 0:
        start(law, evaluator)
        for j in range(2):
            for i in range(SUMS_KEPT):
                for a in range(arms):
                    allocation.ahead[j, i, a] = 0.0
        for i in range(4):
            for a in range(arms):
                arrived[i, a] = 0.0
    for i in range(4):
        for a in range(arms):
            before[i, a] = arrived[i, a]
    advance(allocation.policy, outcome, evaluator, policy, replicate, day, arrived)
    enrolled = 0.0
    common = 0.0
    for a in range(arms):
        log[day, UNITS, a] = arrived[UNITS, a] - before[UNITS, a]
        log[day, ROWS, a] = arrived[ROWS, a] - before[ROWS, a]
        enrolled += log[day, UNITS, a]
        common += log[day, UNITS, a] * law.spill[replicate, a]
    if enrolled > 0.0:
        common /= enrolled
    late = day - allocation.delay
    for a in range(arms):
        n = int(log[day, ROWS, a])
        seen = past[0, day - 1, ROWS, a] if day > 0 else 0.0
        judged = int(law.per_label * (seen + n) + 0.5) - int(law.per_label * seen + 0.5)
        mean = law.means[replicate, a] + law.steps[day, a] + common
        draw_day(law, outcome, replicate, day, a, n, max(judged - n, 0), mean, int(seen), today)
        for i in range(SUMS_KEPT):
            allocation.daily[day, i, a] = today[i]
        state[UNITS, a] += log[day, UNITS, a]
        for j in range(2):
            rows = past[j, day - 1, ROWS, a] if day > 0 else 0.0
            if j == 0 or day >= allocation.skip:
                add(law.sums[j], a, today)
                rows += n
            total = 0.0
            square = 0.0
            if rows > 0.0:
                value, variance = corrected(law.sums[j], a, law.correction)
                total, square = as_rows(law, rows, value, variance)
            past[j, day, UNITS, a] = state[UNITS, a]
            past[j, day, ROWS, a] = rows
            past[j, day, SUMS, a] = total
            past[j, day, SQUARES, a] = square
        for i in range(4):
            log[day, i, a] = past[1, day, i, a] - (past[1, day - 1, i, a] if day > 0 else 0.0)
            whole[replicate, i, a] = past[1, day, i, a]
            # Units too: the policy's rows follow the units that it has seen.
            arrived[i, a] = past[0, late, i, a] if late >= 0 else 0.0
            if i != UNITS:
                state[i, a] = past[1, late, i, a] if late >= 0 else 0.0
        if allocation.lag > 0:
            _known(allocation, day, a, state)


@inner
def _known(allocation: HybridWorld, day: int, a: int, state: np.ndarray) -> None:
    """Put into `arrived` and `state` what scores and labels tell together where labels are later than scores."""
    law, daily = allocation.law, allocation.daily
    scored, labelled = day - allocation.delay + allocation.lag, day - allocation.delay
    for j in range(2):
        first = allocation.skip if j == 1 else 0
        ahead = allocation.ahead[j]
        if scored >= first:
            score_only(ahead, a, daily, scored)
        if labelled >= first:
            label_in(ahead, a, daily, labelled)
        total = 0.0
        square = 0.0
        if ahead[N, a] > 0.0:
            value, variance = corrected(ahead, a, law.correction)
            total, square = as_rows(law, ahead[N, a], value, variance)
        if j == 0:
            allocation.arrived[SUMS, a] = total
            allocation.arrived[SQUARES, a] = square
        else:
            state[SUMS, a] = total
            state[SQUARES, a] = square
