"""The classic bandit problem, without a scenario: policies per request, their regret, exact where exact exists."""

from __future__ import annotations

import hashlib
import json
import math
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from expsim_panel.best_arm import check_means, lai_robbins
from expsim_panel.errors import InputError, shown
from expsim_panel.kernels.bits import stream
from expsim_panel.kernels.enumeration import enumerate_pulls
from expsim_panel.kernels.lanes import lane_streams, play_ucb1
from expsim_panel.kernels.requests import play_requests
from expsim_panel.kernels.streams import BLOCK, OUTCOME, POLICY
from expsim_panel.policy import BanditPolicy, Problem
from expsim_panel.policy_names import canonical, read_policy
from expsim_panel.results import Figure

Floats = npt.NDArray[np.float64]

MAX_HORIZON, MAX_REPLICATES, MAX_WORK = 100_000_000, 2_000_000, 1e12
CHECKPOINTS = 200
PATHS = 10 * BLOCK
"""Replicates whose regret is kept at every checkpoint, for the bands over time."""
_STATES, _CELLS = 2_000_000, 20_000_000
_STATES_BY_QUADRATURE = 20_000
_SIZES = {"horizon": MAX_HORIZON, "replicates": MAX_REPLICATES, "workers": 1024}


@dataclass(frozen=True)
class PolicyResult:
    """What came out for one policy.

    Attributes
    ----------
    name : str
        The policy as it was asked for, with its parameters.
    policy : str
        The same in its canonical form: parameters that differ from their defaults, in order.
    regret : Figure
        Pseudo-regret at the horizon: the sum of the gaps of the arms that were pulled.
    simple_regret : Figure
        Gap of the arm that the policy would keep.
    p_best_arm : Figure
        P(it keeps a best arm).
    tail_regret : Figure
        Mean regret of the worst 5 % of the replicates.
    pulls, pulls_se : ndarray, shape (arms,)
        Mean pulls of each arm, and their standard errors.
    regret_over_time, regret_se : ndarray, shape (checkpoints,)
        Mean regret at every checkpoint, and its standard error.
    band : ndarray, shape (3, checkpoints)
        5, 50 and 95 % quantiles of the regret, of the first 10,000 replicates.
    traffic : ndarray, shape (checkpoints, arms)
        Share of the requests so far that went to each arm.
    final : ndarray, shape (replicates,)
        Regret of every replicate.
    """

    name: str
    policy: str
    regret: Figure
    simple_regret: Figure
    p_best_arm: Figure
    tail_regret: Figure
    pulls: Floats
    pulls_se: Floats
    regret_over_time: Floats
    regret_se: Floats
    band: Floats
    traffic: Floats
    final: Floats


@dataclass(frozen=True)
class BanditResult:
    """Policies on one bandit problem; see `bandit`.

    Attributes
    ----------
    means : ndarray, shape (arms,)
        Mean rewards.
    family : str
        ``bernoulli`` or ``gaussian`` (standard deviation 1).
    horizon, replicates, seed : int
        Requests, experiments, seed.
    policies : tuple of PolicyResult
        In the order asked for.
    lai_robbins : float
        The constant C of the asymptotic lower bound ``C log T``.
    checkpoints : ndarray
        Numbers of requests at which `regret_over_time`, `band` and `traffic` stand.
    seconds : float
        Time it took.
    """

    means: Floats
    family: str
    horizon: int
    replicates: int
    seed: int
    policies: tuple[PolicyResult, ...]
    lai_robbins: float
    checkpoints: npt.NDArray[np.int64]
    seconds: float

    def __getitem__(self, name: str) -> PolicyResult:
        """Return the result of the policy called `name`."""
        return next(one for one in self.policies if one.name == name)

    @property
    def request_digest(self) -> str:
        """SHA-256 of the problem, the policies, replicates and seed."""
        asked = [self.means.tolist(), self.family, self.horizon, [one.policy for one in self.policies]]
        return hashlib.sha256(f"{json.dumps(asked)}|{self.replicates}|{self.seed}".encode()).hexdigest()

    @property
    def digest(self) -> str:
        """SHA-256 of the regret of every replicate and the mean pulls, policy by policy, little-endian float64."""
        seen = hashlib.sha256()
        for one in self.policies:
            seen.update(np.ascontiguousarray(one.final, dtype="<f8").tobytes())
            seen.update(np.ascontiguousarray(one.pulls, dtype="<f8").tobytes())
        return seen.hexdigest()


def bandit(
    means: Sequence[float],
    policies: Sequence[str | BanditPolicy],
    horizon: int,
    *,
    family: str = "bernoulli",
    replicates: int = 10_000,
    seed: int = 1,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> BanditResult:
    """Play policies on a bandit problem, one request after the other.

    Parameters
    ----------
    means : sequence of float
        Mean reward of each arm, two arms at least.
    policies : sequence of str
        Names such as ``ucb1`` or ``kl-ucb(c=3)``.
    horizon : int
        Requests in one experiment.
    family : str
        ``bernoulli``, or ``gaussian`` with standard deviation 1.
    replicates, seed : int
        Experiments for each policy, and their seed.
    workers : int, optional
        Threads; all cores by default. The result does not depend on it, nor on which other policies play.
    progress : callable, optional
        Called with (blocks done, blocks).

    Returns
    -------
    BanditResult
        With `exact` figures where enumeration or a formula gives them.

    Raises
    ------
    InputError
        Fewer than two arms, an unknown policy or parameter, a size out of bounds.
    """
    started = time.perf_counter()
    where = "bandit"
    values = check_means(means, family, where, "means")
    sizes = {"horizon": horizon, "replicates": replicates, "workers": 1 if workers is None else workers}
    for key, size in sizes.items():
        check_size(key, size, where)
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= seed < 2**63:
        raise InputError(where, "seed", f"seed is {shown(seed)}", "give a whole number, 0 or more")
    if isinstance(policies, str) or not policies:
        raise InputError(where, "policies", f"{shown(policies)} is no list of policies", "give for example ['ucb1']")
    if float(horizon) * replicates > MAX_WORK:
        problem = f"{horizon:,} requests times {replicates:,} replicates"
        raise InputError(where, "replicates", problem, f"give at most {MAX_WORK:,.0f} pulls for each policy")
    made = [read_policy(one, where, "policy") if isinstance(one, str) else one for one in policies]
    # Shown as asked for; "kl-ucb(c=0)" and "kl-ucb" are the same policy and get the same numbers.
    names = [one.strip() if isinstance(one, str) else canonical(one) for one in policies]
    same = [canonical(one) for one in made]
    for i, name in enumerate(same):
        if name in same[:i]:
            raise InputError(where, "policy", f"{names[i]} stands twice", "give each policy once")
    problem_ = Problem(values.size, int(horizon), family == "bernoulli")
    for one in made:
        one.check_arms(problem_, where, f"policy {one.kind}")
    marks = checkpoints(int(horizon))
    blocks = math.ceil(replicates / BLOCK)
    done = 0
    results = []
    with ThreadPoolExecutor(max_workers=workers or os.cpu_count() or 1) as pool:
        for name, one in zip(names, made, strict=True):
            run = _Run(values, problem_, one, name, int(replicates), int(seed), marks)
            for _ in pool.map(run.block, range(blocks)):
                done += 1
                if progress:
                    progress(done, blocks * len(made))
            results.append(run.result())
    bound = lai_robbins(values, family)
    return BanditResult(
        values, family, int(horizon), int(replicates), int(seed), tuple(results), bound, marks,
        time.perf_counter() - started,
    )  # fmt: skip


def check_size(key: str, size: object, where: str) -> None:
    """Raise InputError unless `size` is a whole number from 1 to the most that `key` may be."""
    most = _SIZES[key]
    if isinstance(size, bool) or not isinstance(size, int | np.integer) or not 1 <= size <= most:
        raise InputError(where, key, f"{key} is {shown(size)}", f"give a whole number from 1 to {most:,}")


def checkpoints(horizon: int) -> npt.NDArray[np.int64]:
    """Return about 200 numbers of requests from 1 to the horizon: half spaced evenly, half by ratio."""
    even = np.linspace(0, horizon, CHECKPOINTS // 2 + 1)[1:]
    ratio = np.geomspace(1, horizon, CHECKPOINTS // 2)
    return np.unique(np.clip(np.rint(np.concatenate([even, ratio])), 1, horizon).astype(np.int64))


class _Run:
    """One policy's blocks: arrays to fill, and the figures of them."""

    def __init__(
        self,
        means: Floats,
        problem: Problem,
        policy: BanditPolicy,
        name: str,
        replicates: int,
        seed: int,
        marks: npt.NDArray[np.int64],
    ) -> None:
        arms = means.size
        self.means, self.problem, self.policy, self.name, self.seed = means, problem, policy, name, seed
        self.lane = int.from_bytes(hashlib.sha256(canonical(policy).encode()).digest()[:7], "little")
        self.marks = marks
        self.pulls = np.zeros((replicates, arms), np.int64)
        self.chosen = np.zeros(replicates, np.int64)
        self.regret = np.zeros(replicates)
        self.paths = np.zeros((min(replicates, PATHS), marks.size))
        self.traffic = np.zeros((math.ceil(replicates / BLOCK), marks.size, arms + 2))

    def block(self, index: int) -> None:
        """Play one block of replicates; it depends on the seed, the policy's name and the index alone."""
        part = slice(index * BLOCK, (index + 1) * BLOCK)
        arrays = (self.pulls[part], self.chosen[part], self.regret[part], self.paths[part], self.traffic[index])
        factor = self.policy.lanes(self.problem)
        with np.errstate(over="ignore"):
            if factor is not None:
                rewards = lane_streams(self.seed, OUTCOME, index, self.lane)
                choices = lane_streams(self.seed, POLICY, index, self.lane)
                play_ucb1(factor, rewards, choices, self.means, self.marks, *arrays)
                return
            rewards = stream(self.seed, OUTCOME, index, self.lane)
            choices = stream(self.seed, POLICY, index, self.lane)
            play_requests(
                self.policy.request(self.problem),
                rewards,
                choices,
                self.problem.binary,
                self.means[None],
                np.zeros(1, np.int64),
                self.problem.horizon,
                int(self.policy.burn_in),
                float(self.policy.floor),
                self.marks,
                np.zeros(self.policy.memory(self.problem)),
                *arrays,
            )

    def result(self) -> PolicyResult:
        """Return the figures, with exact ones where they can be had."""
        size = self.regret.size
        gaps = self.means.max() - self.means
        exact = exact_figures(self.policy, self.problem, self.means)
        sums = np.sum(self.traffic, axis=0)
        mean = sums[:, -2] / size
        spread = np.maximum(sums[:, -1] / size - mean * mean, 0.0) / max(size - 1, 1)
        worst = np.sort(self.regret)[-max(1, math.ceil(0.05 * size)) :]
        best = (gaps[self.chosen] == 0.0).astype(np.float64)
        return PolicyResult(
            self.name,
            canonical(self.policy),
            _figure(self.regret, exact.get("regret"), quantiles=True),
            _figure(gaps[self.chosen], exact.get("simple_regret")),
            _figure(best, exact.get("p_best_arm")),
            _figure(worst, None),
            np.asarray(self.pulls.mean(axis=0)),
            np.asarray(self.pulls.std(axis=0, ddof=1 if size > 1 else 0) / math.sqrt(size)),
            mean,
            np.sqrt(spread),
            np.quantile(self.paths, [0.05, 0.5, 0.95], axis=0),
            sums[:, :-2] / size / self.marks[:, None],
            self.regret,
        )


def _figure(values: Floats, exact: float | None, quantiles: bool = False) -> Figure:
    """Return a mean over replicates; one replicate has no standard error."""
    marks = None
    if quantiles:
        low, middle, high = np.quantile(values, [0.05, 0.5, 0.95])
        marks = {"0.05": float(low), "0.5": float(middle), "0.95": float(high)}
    if values.size < 2:
        return Figure(float(values.mean()), None, exact, marks, "one replicate has no standard error")
    return Figure(float(values.mean()), float(values.std(ddof=1) / math.sqrt(values.size)), exact, marks)


def exact_figures(policy: BanditPolicy, problem: Problem, means: Floats) -> dict[str, float]:
    """Return exact expectations by formula or by enumeration; empty where neither is at hand.

    Enumeration asks for 0/1 rewards, a policy whose probabilities depend on pulls and successes alone, and at
    most two million states in all: horizon 80 for two arms, 16 for three.
    """
    gaps = means.max() - means
    pulls = policy.expected_pulls(problem, means)
    found = {} if pulls is None else {"regret": float(np.sum(gaps * pulls))}
    if not problem.binary or not policy.markov or not _enumerable(policy, problem):
        return found
    chosen, kept = enumerate_policy(policy, problem, means)
    found["regret"] = float(np.sum(gaps * chosen.sum(axis=0)))
    found["simple_regret"] = float(np.sum(gaps * kept))
    found["p_best_arm"] = float(np.sum(kept[gaps == 0.0]))
    return found


def _enumerable(policy: BanditPolicy, problem: Problem) -> bool:
    if problem.horizon > 1000 or problem.arms > 10:
        return False
    states = math.comb(problem.horizon + 2 * problem.arms, 2 * problem.arms)
    cells = (problem.horizon + 1) ** (2 * problem.arms - 1)
    most = _STATES_BY_QUADRATURE if policy.slow_shares and problem.arms > 2 else _STATES
    return states <= most and cells <= _CELLS


def enumerate_policy(policy: BanditPolicy, problem: Problem, means: Floats) -> tuple[Floats, Floats]:
    """Return exact probabilities under 0/1 rewards: each request's arm, and the arm that leads at the end.

    Returns
    -------
    ndarray, shape (horizon, arms)
        P(request t pulls arm a).
    ndarray, shape (arms,)
        P(arm a has the largest observed mean at the end), ties shared evenly.
    """
    chosen = np.zeros((problem.horizon, problem.arms))
    kept = np.zeros(problem.arms)
    memory = np.zeros(policy.memory(problem))
    rates = np.ascontiguousarray(means, dtype=np.float64)
    parameters = (int(policy.burn_in), float(policy.floor), memory)
    enumerate_pulls(policy.request(problem), rates, problem.horizon, *parameters, chosen, kept)
    return chosen, kept


def regret_curve(policy: BanditPolicy, problem: Problem, means: Floats) -> Any:
    """Return the exact expected regret after 1, 2, ... requests, by enumeration; shape (horizon,)."""
    chosen, _ = enumerate_policy(policy, problem, means)
    return np.cumsum(chosen @ (means.max() - means))
