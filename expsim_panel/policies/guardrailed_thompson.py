"""Guardrailed Thompson sampling: an arm that probably does harm too often loses its traffic."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from expsim_panel.kernels.bits import beta, normal
from expsim_panel.kernels.metered import meter
from expsim_panel.kernels.requests import UNTRIED, largest, recommend, select
from expsim_panel.kernels.special import betainc
from expsim_panel.policy import BanditPolicy, Problem, policies
from expsim_panel.quantities import Factor, Probability

EVENTS, CLOSED = 0, 1


class GuardrailedThompsonParams(NamedTuple):
    """Family, limit of the rate of bad events, probability that closes an arm, and the rate's beta prior."""

    binary: bool
    limit: float
    level: float
    prior_bad: float
    prior_good: float


@meter.register(GuardrailedThompsonParams)
def _meter(
    params: GuardrailedThompsonParams, arm: int, cost: float, bad: float, t: int, n: np.ndarray, memory: np.ndarray
) -> None:
    """Close the arm while ``P(rate > limit)`` exceeds the level; only its own pulls change that."""
    memory[EVENTS, arm] += bad
    events = memory[EVENTS, arm]
    below = betainc(params.prior_bad + events, params.prior_good + n[arm] - events, params.limit)
    memory[CLOSED, arm] = 1.0 if 1.0 - below > params.level else 0.0


@select.register(GuardrailedThompsonParams)
def _select(
    params: GuardrailedThompsonParams,
    bits: np.ndarray,
    t: int,
    n: np.ndarray,
    s: np.ndarray,
    q: np.ndarray,
    memory: np.ndarray,
    work: np.ndarray,
) -> int:
    arms = n.shape[0]
    closed = 0
    for a in range(arms):
        if memory[CLOSED, a] > 0.0:
            work[0, a] = -math.inf
            closed += 1
        elif params.binary:
            work[0, a] = beta(bits, 1.0 + s[a], 1.0 + n[a] - s[a])
        elif n[a] <= 0.0:
            work[0, a] = UNTRIED
        else:
            work[0, a] = s[a] / n[a] + normal(bits) / math.sqrt(n[a])
    # Somebody has to answer: without an open arm the control, arm 0, does.
    return largest(bits, work) if closed < arms else 0


@recommend.register(GuardrailedThompsonParams)
def _recommend(
    params: GuardrailedThompsonParams, bits: np.ndarray, n: np.ndarray, s: np.ndarray, memory: np.ndarray
) -> int:
    """Keep the open arm with the largest mean, the first of equal ones; the control if none is open."""
    best = -math.inf
    found = 0
    for a in range(n.shape[0]):
        if memory[CLOSED, a] <= 0.0 and n[a] > 0.0 and s[a] / n[a] > best:
            best = s[a] / n[a]
            found = a
    return found


@policies.register("guardrailed-thompson")
class GuardrailedThompson(BanditPolicy):
    """Thompson sampling among the arms whose rate of bad events is not known to be too high.

    After every pull of an arm ``P(rate > limit)`` under the posterior ``Beta(bad + events, good + n - events)`` is
    compared with the level; above it the arm is closed. A closed arm gets no pull, so it stays closed, unless a
    floor or the burn-in sends it requests and they bring the probability down again. Without an open arm the
    control (arm 0) serves. Rates of success have a Beta(1, 1) prior, scores a flat one with untried arms first.

    References
    ----------
    The rule of the name in this project: Thompson (1933) on the arms that a Bayesian safety monitor leaves open;
    P. F. Thall, R. Simon (1994), "Practical Bayesian guidelines for phase IIB clinical trials", Biometrics 50,
    337-349, for stopping when P(rate > limit | data) exceeds a level.
    """

    kind = "guardrailed-thompson"
    summary = "Thompson sampling that closes arms which do harm too often"
    markov = False
    batched = False
    level = Probability(
        0.95,
        bounds=(0.5, 0.9999),
        softbounds=(0.8, 0.99),
        label="Probability that closes an arm",
        doc="An arm is closed while P(its rate of bad events exceeds the limit) is above this.",
    )
    prior_bad = Factor(
        1.0,
        bounds=(0.5, 1e6),
        softbounds=(0.5, 20.0),
        label="Prior bad events",
        doc="Beta prior of the rate: first shape.",
    )
    prior_good = Factor(
        1.0, bounds=(0.5, 1e6), softbounds=(0.5, 1000.0), label="Prior good ones", doc="Beta prior: second shape."
    )

    def request(self, problem: Problem) -> Any:
        """Return the kernel's parameters; without a limit nothing is closed."""
        limit = 1.0 if problem.limit is None else problem.limit
        return GuardrailedThompsonParams(
            problem.binary, limit, float(self.level), float(self.prior_bad), float(self.prior_good)
        )

    def memory(self, problem: Problem) -> tuple[int, int]:
        """Return the shape of bad events and closed arms."""
        return (2, problem.arms)
