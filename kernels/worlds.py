"""Experiments in worlds that are not plain: the same loop, with days that differ and outcomes that are late."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from expsim_panel.kernels.jit import kernel
from expsim_panel.kernels.measuring import draw_severity
from expsim_panel.kernels.rows import Rows, draw_rows
from expsim_panel.kernels.trials import ROWS, SQUARES, SUMS, UNITS, advance


@kernel
def draw_world(
    outcome: np.random.Generator,
    evaluator: np.random.Generator,
    law: Rows,
    rows: np.ndarray,
    shares: np.ndarray,
    stratified: bool,
    ddof: float,
    sums: np.ndarray,
    squares: np.ndarray,
) -> None:
    """Draw a block of experiments of a fixed split into `sums` and `squares`, cumulative over days.

    Parameters
    ----------
    outcome, evaluator : Generator
        Streams of the rows and of the raters.
    law : Rows
        Law of the rows.
    rows : int64 ndarray, shape (days, arms)
        Scored rows of each day.
    shares : float64 ndarray, shape (days, arms)
        Each arm's share of the day's traffic; a day's total in `rows` weighs the day where `stratified`.
    stratified : bool
        Whether arms are compared within each day and the days then combined: sums and squares are then those
        of as many rows with the combined mean and the combined variance of the mean, so that every test
        that reads them is the stratified one.
    ddof : float
        1 for scores, 0 for rates: how the tests will turn squares into a variance.
    sums, squares : float64 ndarray, shape (replicates, days, arms)
        Output.
    """
    days, arms = rows.shape
    weights = np.zeros(days)
    for t in range(days):
        usable = True
        for a in range(arms):
            weights[t] += rows[t, a]
            if rows[t, a] < 2:
                usable = False
        if not usable:
            weights[t] = 0.0
    for k in range(law.means.shape[0]):
        draw_severity(evaluator, law.severity_sd, law.raters, law.shared, law.severity)
        for a in range(arms):
            total = 0.0
            square = 0.0
            seen = 0
            weight = 0.0
            mean_of_days = 0.0
            variance_of_days = 0.0
            for t in range(days):
                n = rows[t, a]
                mean = law.means[k, a] + law.shift[t, a]
                for b in range(arms):
                    mean += shares[t, b] * law.spill[k, b]
                s, q = draw_rows(law, outcome, t, a, n, mean, law.sds[k, a], seen)
                seen += n
                if not stratified:
                    total += s
                    square += q
                else:
                    if weights[t] > 0.0:
                        weight += weights[t]
                        mean_of_days += weights[t] * s / n
                        variance_of_days += weights[t] * weights[t] * max(q - s * s / n, 0.0) / (n - 1.0) / n
                    if weight > 0.0:
                        total = seen * mean_of_days / weight
                        if ddof == 0.0:
                            # A posterior of a rate counts whole hits.
                            total = math.floor(total + 0.5)
                        square = total * total / seen + variance_of_days / (weight * weight) * seen * (seen - ddof)
                sums[k, t, a] = total
                squares[k, t, a] = square


class World(NamedTuple):
    """An adaptive policy in a world that is not plain.

    The policy divides the traffic and learns from what has arrived; the rows are drawn here, from `law`.

    Attributes
    ----------
    policy : NamedTuple
        The policy's own parameters. The rows that it draws are thrown away, so its law is an empty one.
    law : Rows
        Law of the rows.
    delay, skip : int
        Days until an outcome is known; first days that the analysis leaves out (the policy does not).
    arrived, before : float64 ndarray, shape (4, arms)
        Scratch: what the policy has seen, as in `trials`.
    log : float64 ndarray, shape (days, 4, arms)
        Scratch: units, rows, sums and squares of each day's enrolment.
    whole : float64 ndarray, shape (replicates, 4, arms)
        Output: the experiment with its late outcomes.
    """

    policy: Any
    law: Rows
    delay: int
    skip: int
    arrived: np.ndarray
    before: np.ndarray
    log: np.ndarray
    whole: np.ndarray


@advance.register(World)
def _world(
    allocation: World,
    outcome: np.random.Generator,
    evaluator: np.random.Generator,
    policy: np.random.Generator,
    replicate: int,
    day: int,
    state: np.ndarray,
) -> None:
    """Let the policy enrol the day's units, draw their rows, and let arrive what was enrolled `delay` days ago."""
    law, arrived, before, log = allocation.law, allocation.arrived, allocation.before, allocation.log
    whole = allocation.whole
    arms = state.shape[1]
    if day == 0:
        draw_severity(evaluator, law.severity_sd, law.raters, law.shared, law.severity)
        for i in range(4):
            for a in range(arms):
                arrived[i, a] = 0.0
                whole[replicate, i, a] = 0.0
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
        mean = law.means[replicate, a] + law.shift[day, a] + common
        n = int(log[day, ROWS, a])
        s, q = draw_rows(law, outcome, day, a, n, mean, law.sds[replicate, a], int(whole[replicate, ROWS, a]))
        log[day, SUMS, a] = s
        log[day, SQUARES, a] = q
        state[UNITS, a] += log[day, UNITS, a]
        whole[replicate, UNITS, a] = state[UNITS, a]
        for i in range(4):
            arrived[i, a] = before[i, a] + (log[late, i, a] if late >= 0 else 0.0)
            if i != UNITS and day >= allocation.skip:
                whole[replicate, i, a] += log[day, i, a]
            if i != UNITS and late >= allocation.skip:
                state[i, a] += log[late, i, a]
