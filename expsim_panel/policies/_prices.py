"""What the policies that know or learn prices share: the mean price of an arm, in row 0 of the memory."""

from __future__ import annotations

import math
from typing import Any, TypeVar

import numpy as np

from expsim_panel.kernels.jit import inner
from expsim_panel.kernels.metered import meter
from expsim_panel.kernels.requests import recommend
from expsim_panel.policy import BanditPolicy, Problem
from expsim_panel.quantities import Factor

C = TypeVar("C", bound=type)
SPENT = 0


@inner
def price(params: Any, arm: int, n: float, memory: np.ndarray) -> float:
    """Return the known price of an arm, or the mean of those paid."""
    value: float = memory[SPENT, arm] / n if params.unknown else params.costs[arm]
    return value


def _meter(params: Any, arm: int, cost: float, bad: float, t: int, n: np.ndarray, memory: np.ndarray) -> None:
    memory[SPENT, arm] += cost


def _recommend(params: Any, bits: np.ndarray, n: np.ndarray, s: np.ndarray, memory: np.ndarray) -> int:
    """Keep the most reward per dollar, the first of equal ones; what never cost anything is unbeatable."""
    best = -math.inf
    found = 0
    for a in range(n.shape[0]):
        if n[a] > 0.0:
            paid = price(params, a, n[a], memory)
            ratio = s[a] / n[a] / paid if paid > 0.0 else math.inf
            if ratio > best:
                best = ratio
                found = a
    return found


def pays(cls: C) -> C:
    """Let a policy's parameters, which name `costs` and `unknown`, add up prices and keep the best ratio."""
    meter.register(cls)(_meter)
    recommend.register(cls)(_recommend)
    return cls


class Priced(BanditPolicy):
    """A policy that weighs rewards against prices; where pulls have no price, each costs 1."""

    markov = False
    batched = False

    def memory(self, problem: Problem) -> tuple[int, int]:
        """Return the shape of what was paid, by arm."""
        return (1, problem.arms)


class PricedUcb(Priced):
    """Optimism about rewards and prices."""

    c = Factor(
        2.0,
        bounds=(0.0, 1000.0),
        softbounds=(0.1, 4.0),
        label="Exploration factor",
        doc="Factor c in sqrt(c log(t) / n).",
    )


def known(problem: Problem) -> np.ndarray:
    """Return the prices that a policy is told."""
    return np.array(problem.costs or (1.0,) * problem.arms)
