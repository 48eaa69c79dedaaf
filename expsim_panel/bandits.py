"""The bandit problem without a scenario: policies per request or in batches, their regret, exact where exact exists."""

from __future__ import annotations

import math
import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from expsim_panel.bandit_exact import enumerate_policy, exact_figures
from expsim_panel.bandit_law import lower_bound
from expsim_panel.bandit_results import BanditResult, Money, PolicyResult
from expsim_panel.bandit_runs import PATHS, Run, checkpoints
from expsim_panel.bandit_worlds import BanditWorld, read_world
from expsim_panel.best_arm import check_means, lai_robbins
from expsim_panel.errors import InputError, shown
from expsim_panel.kernels.streams import BLOCK
from expsim_panel.policy import BanditPolicy, Problem
from expsim_panel.policy_names import canonical, read_policy

__all__ = [
    "BLOCK",
    "PATHS",
    "BanditResult",
    "BanditWorld",
    "Money",
    "PolicyResult",
    "bandit",
    "check_size",
    "checkpoints",
    "enumerate_policy",
    "exact_figures",
    "progressive",
]

Floats = npt.NDArray[np.float64]
_Run = Run

MAX_HORIZON, MAX_REPLICATES, MAX_WORK = 100_000_000, 2_000_000, 1e12
FIRST_PICTURE = 200
"""Replicates of the first partial result."""
_PAUSE = 0.3
"""Seconds between later ones, at least."""
_SIZES = {"horizon": MAX_HORIZON, "replicates": MAX_REPLICATES, "workers": 1024}


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
    world: BanditWorld | Mapping[str, object] | None = None,
    partial: Callable[[BanditResult], None] | None = None,
) -> BanditResult:
    """Play policies on a bandit problem, one request or one batch after the other.

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
    world : BanditWorld or mapping, optional
        What differs from the classic problem, such as ``{"delay": 100, "batch": 50}``; see `BanditWorld`.
    partial : callable, optional
        Called with results on the way, as `progressive` gives them.

    Returns
    -------
    BanditResult
        With `exact` figures where enumeration or a formula gives them.

    Raises
    ------
    InputError
        Fewer than two arms, an unknown policy or parameter, a size out of bounds, a world that does not fit.
    """
    last: BanditResult | None = None
    asked = {"family": family, "replicates": replicates, "seed": seed, "workers": workers, "world": world}
    for found in _play(means, policies, horizon, **asked, progress=progress, on_the_way=partial is not None):  # type: ignore[arg-type]
        last = found
        if partial and not found.complete:
            partial(found)
    if last is None:
        raise LookupError("a run without a result")
    return last


def progressive(
    means: Sequence[float],
    policies: Sequence[str | BanditPolicy],
    horizon: int,
    *,
    family: str = "bernoulli",
    replicates: int = 10_000,
    seed: int = 1,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    world: BanditWorld | Mapping[str, object] | None = None,
) -> Iterator[BanditResult]:
    """Yield results on the way, the first after 200 replicates of every policy, and at last what `bandit` returns.

    A partial result holds the first replicates of the whole one, has no `exact` figures, and says how many
    `replicates` it has; `complete` is False. Closing the generator stops the work.
    """
    asked = {"family": family, "replicates": replicates, "seed": seed, "workers": workers, "world": world}
    return _play(means, policies, horizon, **asked, progress=progress, on_the_way=True)  # type: ignore[arg-type]


def _play(
    means: Sequence[float],
    policies: Sequence[str | BanditPolicy],
    horizon: int,
    *,
    family: str,
    replicates: int,
    seed: int,
    workers: int | None,
    world: BanditWorld | Mapping[str, object] | None,
    progress: Callable[[int, int], None] | None,
    on_the_way: bool,
) -> Iterator[BanditResult]:
    started = time.perf_counter()
    where = "bandit"
    values = check_means(means, family, where, "means")
    sizes = {"horizon": horizon, "replicates": replicates, "workers": 1 if workers is None else workers}
    for key, size in sizes.items():
        check_size(key, size, where)
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= seed < 2**63:
        raise InputError(where, "seed", f"seed is {shown(seed)}", "give a whole number, 0 or more")
    if float(horizon) * replicates > MAX_WORK:
        problem = f"{horizon:,} requests times {replicates:,} replicates"
        raise InputError(where, "replicates", problem, f"give at most {MAX_WORK:,.0f} pulls for each policy")
    place = read_world(world, values, int(horizon), family, where)
    problem_ = Problem(values.size, int(horizon), family == "bernoulli", place.batch > 1 or place.delay > 0, True)
    marks = checkpoints(int(horizon), place.batch)
    runs = [
        Run(values, problem_, one, name, int(replicates), int(seed), marks, place)
        for name, one in _read_policies(policies, problem_, place, where)
    ]

    def found(size: int | None = None) -> BanditResult:
        bound, reason = lower_bound(place, values, runs[0].law, family)
        if place.plain:
            bound = lai_robbins(values, family)
        number = int(replicates) if size is None else size
        parts = tuple(run.result(size) for run in runs)
        spent = time.perf_counter() - started
        return BanditResult(
            values, family, int(horizon), number, int(seed), parts, bound, marks, spent, place, reason, size is None
        )

    blocks = math.ceil(replicates / BLOCK)
    with ThreadPoolExecutor(max_workers=workers or os.cpu_count() or 1) as pool:
        if on_the_way and replicates > FIRST_PICTURE:
            list(pool.map(lambda run: run.block(0, FIRST_PICTURE), runs))
            yield found(FIRST_PICTURE)
        shown_at = time.perf_counter()
        under_way = deque(pool.submit(run.block, index) for index in range(blocks) for run in runs)
        done = 0
        try:
            while under_way:
                under_way.popleft().result()
                done += 1
                if progress:
                    progress(done, blocks * len(runs))
                size = done // len(runs) * BLOCK
                whole = done % len(runs) == 0 and size < replicates
                if on_the_way and whole and time.perf_counter() - shown_at > _PAUSE:
                    yield found(size)
                    shown_at = time.perf_counter()
        finally:
            for one in under_way:
                one.cancel()
    yield found()


def _read_policies(
    policies: Sequence[str | BanditPolicy], problem: Problem, world: BanditWorld, where: str
) -> list[tuple[str, BanditPolicy]]:
    """Return each policy with the name it is shown by.

    "kl-ucb(c=0)" and "kl-ucb" are the same policy and would get the same numbers.
    """
    if isinstance(policies, str) or not policies:
        raise InputError(where, "policies", f"{shown(policies)} is no list of policies", "give for example ['ucb1']")
    made = [read_policy(one, where, "policy") if isinstance(one, str) else one for one in policies]
    names = [one.strip() if isinstance(one, str) else canonical(one) for one in policies]
    same = [canonical(one) for one in made]
    for i, name in enumerate(same):
        if name in same[:i]:
            raise InputError(where, "policy", f"{names[i]} stands twice", "give each policy once")
    for one in made:
        one.check_arms(problem, where, f"policy {one.kind}")
        if world.delay and not one.delayed:
            problem_ = f"{one.kind} weighs a reward by the probability of its own request, which a delay forgets"
            raise InputError(where, "delay", problem_, "give no delay, or another policy")
    return list(zip(names, made, strict=True))


def check_size(key: str, size: object, where: str) -> None:
    """Raise InputError unless `size` is a whole number from 1 to the most that `key` may be."""
    most = _SIZES[key]
    if isinstance(size, bool) or not isinstance(size, int | np.integer) or not 1 <= size <= most:
        raise InputError(where, key, f"{key} is {shown(size)}", f"give a whole number from 1 to {most:,}")
