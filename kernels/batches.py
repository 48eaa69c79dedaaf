"""Any bandit policy a day's traffic at a time: shares from what was seen up to yesterday, then scored rows."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from expsim_panel.kernels.arms import P_BEST, multinomial
from expsim_panel.kernels.jit import inner
from expsim_panel.kernels.measuring import binary_rows, draw_severity, normal_rows
from expsim_panel.kernels.requests import begin, mix, shares, update
from expsim_panel.kernels.trials import ROWS, SQUARES, SUMS, UNITS, advance


class Batched(NamedTuple):
    """A policy's parameters, arrivals, law of the rows, floors and burn-in, and scratch space.

    `ready`, shape (arms,): first day of each arm, ascending. `work`, shape (4, arms), has the day's shares in row
    `arms.P_BEST`; `flat` is the policy's own scratch space, as many of its columns as there are arms.
    """

    policy: Any
    arrivals: np.ndarray
    coverage: float
    binary: bool
    means: np.ndarray
    sds: np.ndarray
    severity_sd: float
    raters: int
    shared: bool
    floors: np.ndarray
    burn_in: int
    standardise: bool
    memory: np.ndarray
    ready: np.ndarray
    severity: np.ndarray
    work: np.ndarray
    flat: np.ndarray
    today: np.ndarray
    n: np.ndarray
    s: np.ndarray
    q: np.ndarray


def batched(
    policy: Any,
    arrivals: np.ndarray,
    coverage: float,
    binary: bool,
    means: np.ndarray,
    sds: np.ndarray,
    severity_sd: float,
    raters: int,
    shared: bool,
    floors: np.ndarray,
    burn_in: int,
    standardise: bool,
    memory: np.ndarray,
    ready: np.ndarray | None = None,
) -> Batched:
    """Return the parameters of `advance`, with scratch space of its own for every block."""
    arms = means.shape[1]
    return Batched(
        policy,
        arrivals,
        float(coverage),
        bool(binary),
        means,
        sds,
        float(severity_sd),
        int(raters),
        bool(shared),
        floors,
        int(burn_in),
        bool(standardise),
        memory,
        np.zeros(arms, np.int64) if ready is None else ready,
        np.zeros((arms, max(raters, 1))),
        np.zeros((4, arms)),
        np.zeros(4 * arms),
        np.zeros(arms, np.int64),
        np.zeros(arms),
        np.zeros(arms),
        np.zeros(arms),
    )


@inner
def _seen(standardise: bool, state: np.ndarray, n: np.ndarray, s: np.ndarray, q: np.ndarray) -> bool:
    """Copy what was seen; scores to be standardised become multiples of their pooled standard deviation.

    False where there is no such deviation yet: fewer than two rows of an arm, or no spread.
    """
    total = 0.0
    rows = 0.0
    within = 0.0
    freedom = 0.0
    for a in range(n.shape[0]):
        n[a] = state[ROWS, a]
        s[a] = state[SUMS, a]
        q[a] = state[SQUARES, a]
        rows += n[a]
        total += s[a]
        if n[a] > 1.0:
            within += q[a] - s[a] * s[a] / n[a]
            freedom += n[a] - 1.0
    if not standardise:
        return True
    if freedom <= 0.0 or within <= 0.0:
        return False
    centre = total / rows
    sd = math.sqrt(within / freedom)
    for a in range(n.shape[0]):
        q[a] = (q[a] - 2.0 * centre * s[a] + n[a] * centre * centre) / (sd * sd)
        s[a] = (s[a] - n[a] * centre) / sd
    return True


@advance.register(Batched)
def _advance(
    allocation: Batched,
    outcome: np.random.Generator,
    evaluator: np.random.Generator,
    policy: np.random.Generator,
    replicate: int,
    day: int,
    state: np.ndarray,
) -> None:
    """Split the day's units by a multinomial draw in the policy's shares, then add their scored rows.

    The policy knows of no arm that is not there yet.
    """
    work, severity, today, memory = allocation.work, allocation.severity, allocation.today, allocation.memory
    arms, raters = state.shape[1], allocation.raters
    there = 1
    while there < arms and allocation.ready[there] <= day:
        there += 1
    n, s, q = allocation.n[:there], allocation.s[:there], allocation.q[:there]
    mine = allocation.flat[: 4 * there].reshape((4, there))
    if day == 0:
        draw_severity(evaluator, allocation.severity_sd, raters, allocation.shared, severity)
        for i in range(memory.shape[0]):
            for j in range(memory.shape[1]):
                memory[i, j] = 0.0
        begin(allocation.policy, memory)
    ready = _seen(allocation.standardise, state, n, s, q)
    t = 0
    for a in range(there):
        t += int(n[a])
        if n[a] < allocation.burn_in:
            ready = False
    if ready:
        shares(allocation.policy, t, n, s, q, memory, mine)
        mix(allocation.floors[:there], mine)
    for a in range(arms):
        work[P_BEST, a] = 0.0
        if a < there:
            work[P_BEST, a] = mine[P_BEST, a] if ready else 1.0 / there
    multinomial(policy, allocation.arrivals[day], work, P_BEST, today)
    for a in range(arms):
        state[UNITS, a] += today[a]
        seen = int(state[ROWS, a])
        new = int(allocation.coverage * state[UNITS, a] + 0.5) - seen
        if new <= 0:
            continue
        mean = allocation.means[replicate, a]
        if allocation.binary:
            total, square = binary_rows(outcome, new, mean)
        else:
            total, square = normal_rows(outcome, new, mean, allocation.sds[replicate, a], severity, a, raters, seen)
        state[ROWS, a] += new
        state[SUMS, a] += total
        state[SQUARES, a] += square
    if _seen(allocation.standardise, state, n, s, q):
        t = 0
        for a in range(there):
            t += int(n[a])
        for a in range(there):
            update(allocation.policy, a, n[a], s[a], t, n, s, memory)
