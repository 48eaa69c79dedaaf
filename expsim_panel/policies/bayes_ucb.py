"""Bayes-UCB: the largest posterior quantile, at 1 - 1/t."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from expsim_panel.kernels.bits import uniform
from expsim_panel.kernels.indices import beta_ppf, beta_ppf_from
from expsim_panel.kernels.jit import inner
from expsim_panel.kernels.requests import by_index, select, update
from expsim_panel.kernels.special import norm_ppf
from expsim_panel.policy import BanditPolicy, Problem, policies
from expsim_panel.quantities import Count, Factor

BOUND, UNTIL = 0, 1


class BayesUcbParams(NamedTuple):
    """Power of the log horizon (as a factor), family and prior."""

    discount: float
    binary: bool
    prior_hits: float
    prior_misses: float


@inner
def _quantile(params: BayesUcbParams, t: float, n: float, s: float) -> float:
    tail = params.discount / t
    if params.binary:
        return beta_ppf(1.0 - tail, params.prior_hits + s, params.prior_misses + n - s)
    return s / n - norm_ppf(tail) / math.sqrt(n)


@inner
def _again(params: BayesUcbParams, t: float, n: float, s: float, last: float) -> float:
    """Return the index from a value near it."""
    if params.binary and 0.0 < last < 1.0:
        return beta_ppf_from(1.0 - params.discount / t, params.prior_hits + s, params.prior_misses + n - s, last)
    return _quantile(params, t, n, s)


@by_index(BayesUcbParams)
def _index(
    params: BayesUcbParams, arm: int, t: int, n: np.ndarray, s: np.ndarray, q: np.ndarray, memory: np.ndarray
) -> float:
    return _quantile(params, float(t), n[arm], s[arm])


@update.register(BayesUcbParams)
def _update(
    params: BayesUcbParams,
    arm: int,
    pulls: float,
    reward: float,
    t: int,
    n: np.ndarray,
    s: np.ndarray,
    memory: np.ndarray,
) -> None:
    """Forget the bound of the arm that changed."""
    memory[UNTIL, arm] = 0.0


@select.register(BayesUcbParams)
def _select(
    params: BayesUcbParams,
    bits: np.ndarray,
    t: int,
    n: np.ndarray,
    s: np.ndarray,
    q: np.ndarray,
    memory: np.ndarray,
    work: np.ndarray,
) -> int:
    """Keep for every arm the quantile at a later time, an upper bound until then; solve only where it may matter."""
    arms = n.shape[0]
    untried = 0
    found = 0
    for a in range(arms):
        if n[a] <= 0.0:
            untried += 1
            if uniform(bits) * untried < 1.0:
                found = a
    if untried > 0:
        return found
    for a in range(arms):
        if memory[UNTIL, a] < t:
            memory[UNTIL, a] = math.floor(1.0 + 1.05 * t)
            memory[BOUND, a] = _again(params, memory[UNTIL, a], n[a], s[a], memory[BOUND, a]) + 1e-11
        if memory[BOUND, a] > memory[BOUND, found]:
            found = a
    first = found
    best = _again(params, float(t), n[first], s[first], memory[BOUND, first])
    ties = 1
    for a in range(arms):
        if a == first or memory[BOUND, a] < best:
            continue
        same = n[a] == n[found] and s[a] == s[found]
        value = best if same else _again(params, float(t), n[a], s[a], memory[BOUND, a])
        if value > best:
            best = value
            found = a
            ties = 1
        elif value == best:
            ties += 1
            if uniform(bits) * ties < 1.0:
                found = a
    return found


@policies.register("bayes-ucb")
class BayesUcb(BanditPolicy):
    """Pull the largest posterior quantile of order ``1 - 1 / (t (log T)^c)``, t the completed pulls.

    Rates have a beta prior, scores a flat one. Untried arms first, ties at random.

    References
    ----------
    E. Kaufmann, O. Cappé, A. Garivier (2012), "On Bayesian upper confidence bounds for bandit problems",
    AISTATS; c = 5 in its analysis, c = 0 in its experiments.
    """

    kind = "bayes-ucb"
    summary = "The largest posterior quantile (Bayes-UCB)"
    c = Factor(
        0.0,
        bounds=(0.0, 20.0),
        softbounds=(0.0, 5.0),
        label="Power of the log horizon",
        doc="Extra exploration; 5 in the proof, 0 in practice.",
    )
    prior_hits = Count(
        1, bounds=(1, 1_000_000), softbounds=(1, 100), label="Prior successes", doc="Beta prior of a rate: alpha."
    )
    prior_misses = Count(
        1, bounds=(1, 1_000_000), softbounds=(1, 100), label="Prior failures", doc="Beta prior of a rate: beta."
    )

    def request(self, problem: Problem) -> Any:
        """Return the kernel's parameters."""
        longest = max(math.log(problem.horizon), 1.0)
        discount = math.exp(-float(self.c) * math.log(longest))
        return BayesUcbParams(discount, problem.binary, float(self.prior_hits), float(self.prior_misses))

    def memory(self, problem: Problem) -> tuple[int, int]:
        """Return the shape of bounds and their last times by arm."""
        return (2, problem.arms)
