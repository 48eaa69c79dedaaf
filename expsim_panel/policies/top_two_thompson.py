"""Top-two Thompson sampling: half of the traffic to the leader, half to its challenger."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from expsim_panel.kernels.bits import uniform
from expsim_panel.kernels.jit import inner
from expsim_panel.kernels.requests import begin, select, shares, update
from expsim_panel.policies.thompson import Thompson, ThompsonParams, fill_posterior, untried_scores
from expsim_panel.policy import Problem, policies
from expsim_panel.quantities import Share

_TRIES = 1000


class TopTwoParams(NamedTuple):
    """Thompson sampling, and the share of the leader."""

    thompson: ThompsonParams
    beta: float


@begin.register(TopTwoParams)
def _begin(params: TopTwoParams, memory: np.ndarray) -> None:
    begin(params.thompson, memory)


@update.register(TopTwoParams)
def _update(
    params: TopTwoParams,
    arm: int,
    pulls: float,
    reward: float,
    t: int,
    n: np.ndarray,
    s: np.ndarray,
    memory: np.ndarray,
) -> None:
    update(params.thompson, arm, pulls, reward, t, n, s, memory)


@inner
def second_best(lead: int, n: np.ndarray, s: np.ndarray) -> int:
    """Return the best observed mean beside the leader, counting two prior rewards of 0 and 1."""
    found = -1
    for a in range(n.shape[0]):
        if a != lead and (found < 0 or (s[a] + 1.0) * (n[found] + 2.0) > (s[found] + 1.0) * (n[a] + 2.0)):
            found = a
    return found


@shares.register(TopTwoParams)
def _shares(
    params: TopTwoParams, t: int, n: np.ndarray, s: np.ndarray, q: np.ndarray, memory: np.ndarray, work: np.ndarray
) -> None:
    """With p = P(best): ``p_a (beta + (1 - beta) sum over b != a of p_b / (1 - p_b))``."""
    arms = n.shape[0]
    proper = fill_posterior(params.thompson, n, s, q, work)
    shares(params.thompson, t, n, s, q, memory, work)
    if not proper:
        return
    if arms == 2:
        p = work[2, 0]
        work[2, 0] = params.beta * p + (1.0 - params.beta) * work[2, 1]
        work[2, 1] = 1.0 - work[2, 0]
        return
    for a in range(arms):
        if work[2, a] >= 1.0 - 1e-15:
            other = second_best(a, n, s)
            for b in range(arms):
                work[2, b] = 0.0
            work[2, a] = params.beta
            work[2, other] = 1.0 - params.beta
            return
    total = 0.0
    for a in range(arms):
        total += work[2, a] / (1.0 - work[2, a])
    for a in range(arms):
        p = work[2, a]
        work[2, a] = p * (params.beta + (1.0 - params.beta) * (total - p / (1.0 - p)))


@select.register(TopTwoParams)
def _select(
    params: TopTwoParams,
    bits: np.ndarray,
    t: int,
    n: np.ndarray,
    s: np.ndarray,
    q: np.ndarray,
    memory: np.ndarray,
    work: np.ndarray,
) -> int:
    """Draw the leader; with probability 1 - beta draw again until another arm leads."""
    lead: int = select(params.thompson, bits, t, n, s, q, memory, work)
    if untried_scores(params.thompson, n) or uniform(bits) < params.beta:
        return lead
    if n.shape[0] == 2:
        return 1 - lead
    for _ in range(_TRIES):
        other: int = select(params.thompson, bits, t, n, s, q, memory, work)
        if other != lead:
            return other
    return second_best(lead, n, s)


@policies.register("top-two-thompson")
class TopTwoThompson(Thompson):
    """Pull the arm that a posterior draw puts first, or (with probability 1 - beta) one that another draw does.

    The challenger is drawn again at most 1,000 times; after that it is the best mean beside the leader.

    References
    ----------
    D. Russo (2020), "Simple Bayesian algorithms for best-arm identification", Operations Research 68,
    1625-1647, algorithm TTTS.
    """

    kind = "top-two-thompson"
    summary = "Traffic to the leader and its challenger, to find the best sooner"
    beta = Share(
        0.5, bounds=(0.01, 1.0), step=0.01, label="Share of the leader", doc="The rest goes to its challenger."
    )

    def request(self, problem: Problem) -> Any:
        """Return the kernel's parameters."""
        return TopTwoParams(super().request(problem), float(self.beta))
