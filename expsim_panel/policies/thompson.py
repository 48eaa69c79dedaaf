"""Thompson sampling, per request or once a day."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from expsim_panel.kernels.arms import FIRST, P_BEST, SECOND, best_of_betas, best_of_normals, row_variance
from expsim_panel.kernels.best_of_many import p_best_of_betas
from expsim_panel.kernels.bits import normal, put, step_gamma, take, uniform
from expsim_panel.kernels.jit import inner
from expsim_panel.kernels.lanes_thompson import play_thompson
from expsim_panel.kernels.requests import begin, select, shares, update
from expsim_panel.policy import BanditPolicy, Problem, policies
from expsim_panel.quantities import Count


class ThompsonParams(NamedTuple):
    """Family and prior; `estimated`: scores of unknown variance, which batches can bring."""

    binary: bool
    estimated: bool
    prior_hits: float
    prior_misses: float


@inner
def fill_posterior(params: ThompsonParams, n: np.ndarray, s: np.ndarray, q: np.ndarray, work: np.ndarray) -> bool:
    """Fill the posterior's parameters; tell whether all are proper."""
    for a in range(n.shape[0]):
        if params.binary:
            work[FIRST, a] = params.prior_hits + s[a]
            work[SECOND, a] = params.prior_misses + n[a] - s[a]
        else:
            v = row_variance(n[a], s[a], q[a], 1.0) if params.estimated else 1.0
            if v <= 0.0 or n[a] <= 0.0:
                return False
            work[FIRST, a] = s[a] / n[a]
            work[SECOND, a] = math.sqrt(v / n[a])
    return True


@inner
def untried_scores(params: ThompsonParams, n: np.ndarray) -> bool:
    """Tell whether an arm has no reward yet and no proper prior: it comes first, whatever is made of the draws."""
    least = 1.0
    for a in range(n.shape[0]):
        least = min(least, n[a])
    return not params.binary and least <= 0.0


@shares.register(ThompsonParams)
def _shares(
    params: ThompsonParams, t: int, n: np.ndarray, s: np.ndarray, q: np.ndarray, memory: np.ndarray, work: np.ndarray
) -> None:
    """Give every arm its probability of being best."""
    arms = n.shape[0]
    if fill_posterior(params, n, s, q, work):
        if params.binary and arms > 2:
            p_best_of_betas(work)
        elif params.binary:
            best_of_betas(work, False)
        else:
            best_of_normals(work, False)
        return
    untried = 0.0
    for a in range(arms):
        if n[a] <= 0.0:
            untried += 1.0
    # A flat prior knows nothing of an arm before its first row (its second, where the variance is unknown):
    # split evenly until then.
    even = params.estimated or untried == 0.0
    for a in range(arms):
        if even:
            work[P_BEST, a] = 1.0 / arms
        else:
            work[P_BEST, a] = 1.0 / untried if n[a] <= 0.0 else 0.0


@inner
def _keep(shape: float, arm: int, row: int, memory: np.ndarray) -> None:
    """Keep the two constants of a gamma draw of this shape."""
    d = shape - 1.0 / 3.0
    memory[row, arm] = d
    memory[row + 1, arm] = 1.0 / math.sqrt(9.0 * d)


@begin.register(ThompsonParams)
def _begin(params: ThompsonParams, memory: np.ndarray) -> None:
    for a in range(memory.shape[1]):
        _keep(params.prior_hits, a, 0, memory)
        _keep(params.prior_misses, a, 2, memory)


@update.register(ThompsonParams)
def _update(
    params: ThompsonParams,
    arm: int,
    pulls: float,
    reward: float,
    t: int,
    n: np.ndarray,
    s: np.ndarray,
    memory: np.ndarray,
) -> None:
    if params.binary and pulls == 1.0 and reward * (1.0 - reward) == 0.0:
        # One reward of 0 or 1 changes one of the two shapes; a rating between them changes both.
        hit = reward > 0.5
        row = 0 if hit else 2
        _keep(params.prior_hits + s[arm] if hit else params.prior_misses + n[arm] - s[arm], arm, row, memory)
    elif params.binary:
        _keep(params.prior_hits + s[arm], arm, 0, memory)
        _keep(params.prior_misses + n[arm] - s[arm], arm, 2, memory)
    else:
        memory[0, arm] = s[arm] / n[arm]
        memory[1, arm] = 1.0 / math.sqrt(n[arm])


@select.register(ThompsonParams)
def _select(
    params: ThompsonParams,
    bits: np.ndarray,
    t: int,
    n: np.ndarray,
    s: np.ndarray,
    q: np.ndarray,
    memory: np.ndarray,
    work: np.ndarray,
) -> int:
    """Draw a mean for every arm from its posterior and pull the largest; betas are compared without a division."""
    arms = n.shape[0]
    found = 0
    if params.binary:
        state = take(bits)
        top, state = step_gamma(state, memory[0, 0], memory[1, 0])
        rest, state = step_gamma(state, memory[2, 0], memory[3, 0])
        for a in range(1, arms):
            x, state = step_gamma(state, memory[0, a], memory[1, a])
            y, state = step_gamma(state, memory[2, a], memory[3, a])
            # x / (x + y) > top / (top + rest)
            more = x * rest > top * y
            found = a if more else found
            top = x if more else top
            rest = y if more else rest
        put(bits, state)
        return found
    best = -math.inf
    untried = 0
    for a in range(arms):
        if n[a] <= 0.0:
            untried += 1
            if uniform(bits) * untried < 1.0:
                found = a
        elif untried == 0:
            value = memory[0, a] + memory[1, a] * normal(bits)
            if value > best:
                best = value
                found = a
    return found


@policies.register("thompson")
class Thompson(BanditPolicy):
    """Pull each arm with its probability of being best.

    Per request: a draw from every posterior, the largest is pulled. Daily: the posterior is updated once a
    day, so a day's traffic is multinomial in P(best). Rates have a beta prior; scores have a flat one, which
    asks for untried arms first, with standard deviation 1 per request and the estimated one in batches.

    References
    ----------
    W. R. Thompson (1933), Biometrika 25, 285-294. S. L. Scott (2010), Applied Stochastic Models in
    Business and Industry 26, 639-658, for P(best) and batches.
    """

    kind = "thompson"
    summary = "Moves traffic every day to what looks best (bandit)"
    standardise = False
    slow_shares = True
    prior_hits = Count(
        1,
        bounds=(1, 1_000_000),
        softbounds=(1, 100),
        label="Prior successes",
        doc="Beta prior of a rate: successes seen before, plus one.",
    )
    prior_misses = Count(
        1,
        bounds=(1, 1_000_000),
        softbounds=(1, 100),
        label="Prior failures",
        doc="Beta prior of a rate: failures seen before, plus one.",
    )

    def request(self, problem: Problem) -> Any:
        """Return the kernel's parameters."""
        estimated = problem.batched and not problem.binary and not problem.unit_sd
        return ThompsonParams(problem.binary, estimated, float(self.prior_hits), float(self.prior_misses))

    def memory(self, problem: Problem) -> tuple[int, int]:
        """Return the shape of the constants of two gamma draws by arm."""
        return (4, problem.arms)

    def lanes(self, problem: Problem) -> Callable[..., None] | None:
        """Return the loop of many lanes where nothing but the policy itself chooses, on Bernoulli rewards."""
        params = self.request(problem)
        # By the type, which chooses the compiled body: policies derived from this one have bodies of their own.
        if type(params) is not ThompsonParams or not problem.binary or self.has_floor or self.burn_in:
            return None
        return partial(play_thompson, params.prior_hits, params.prior_misses)
