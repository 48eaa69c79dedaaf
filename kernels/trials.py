"""THE loop: what arrives today, what is known now, stop or go on; replicate by replicate.

How units are allocated and when to stop are *types* (see `jit.generic`): a policy and a design each
bring a NamedTuple of numbers and a compiled body, and one loop plays every pair of them.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from expsim_panel.kernels.jit import generic, kernel

WATCH_NOBODY = -1

FOR_CONTROL, FUTILE = -1, -2
"""Answers of a stopping rule that end an experiment without a winning variant: control was found better, or
going on would hardly find anything, which rejects no hypothesis.
"""


UNITS, ROWS, SUMS, SQUARES = 0, 1, 2, 3
"""Rows of the state of one experiment, a float64 array of shape (4, arms): units enrolled, rows scored,
sum and sum of squares of the scores. Scores are oriented so that more is better.
"""


@generic
def advance(
    allocation: Any,
    outcome: np.random.Generator,
    evaluator: np.random.Generator,
    policy: np.random.Generator,
    replicate: int,
    day: int,
    state: np.ndarray,
) -> None:
    """Enrol the units of `day` and add their scored rows to `state`, in place; generators by role."""


@generic
def decide(rule: Any, day: int, state: np.ndarray) -> int:
    """Return 0 to go on, a > 0 to stop in favour of arm a, `FOR_CONTROL` to stop in favour of
    control, `FUTILE` to give up.

    Called after every day, the last one included; 0 there means that nothing was found.
    """
    raise TypeError(f"no stopping rule is registered for {type(rule).__name__}")


class Recorded(NamedTuple):
    """A fixed split, whose paths were drawn beforehand by `outcomes.draw_paths`."""

    units: np.ndarray
    rows: np.ndarray
    sums: np.ndarray
    squares: np.ndarray


@advance.register(Recorded)
def _recorded(
    allocation: Recorded,
    outcome: np.random.Generator,
    evaluator: np.random.Generator,
    policy: np.random.Generator,
    replicate: int,
    day: int,
    state: np.ndarray,
) -> None:
    for a in range(state.shape[1]):
        state[UNITS, a] = allocation.units[day, a]
        state[ROWS, a] = allocation.rows[day, a]
        state[SUMS, a] = allocation.sums[replicate, day, a]
        state[SQUARES, a] = allocation.squares[replicate, day, a]


@kernel
def play(
    allocation: Any,
    rule: Any,
    outcome: np.random.Generator,
    evaluator: np.random.Generator,
    policy: np.random.Generator,
    days: int,
    watched: int,
    code: np.ndarray,
    day: np.ndarray,
    units: np.ndarray,
    rows: np.ndarray,
    sums: np.ndarray,
    squares: np.ndarray,
    trace: np.ndarray,
) -> None:
    """Play one strategy through a block of experiments.

    Parameters
    ----------
    allocation, rule : NamedTuple
        Parameters of a policy and of a stopping rule; their types choose the compiled bodies.
    outcome, evaluator, policy : Generator
        Generators of the block, by role.
    days : int
        Planned length.
    watched : int
        Replicate whose days are recorded in `trace`, or `WATCH_NOBODY`.
    code, day : ndarray, shape (replicates,)
        Output: the rule's answer and the day (from 1) on which the experiment ended.
    units, rows, sums, squares : ndarray, shape (replicates, arms)
        Output: the state at the end.
    trace : float64 ndarray, shape (days, 4, arms)
        Output: units, rows, sums, squares of the watched replicate; zero after it stopped.
    """
    arms = units.shape[1]
    state = np.zeros((4, arms))
    for k in range(code.shape[0]):
        for i in range(4):
            for a in range(arms):
                state[i, a] = 0.0
        answer = 0
        last = days
        for t in range(days):
            advance(allocation, outcome, evaluator, policy, k, t, state)
            if k == watched:
                for i in range(4):
                    for a in range(arms):
                        trace[t, i, a] = state[i, a]
            answer = decide(rule, t, state)
            if answer != 0:
                last = t + 1
                break
        code[k] = answer
        day[k] = last
        for a in range(arms):
            units[k, a] = state[UNITS, a]
            rows[k, a] = state[ROWS, a]
            sums[k, a] = state[SUMS, a]
            squares[k, a] = state[SQUARES, a]
