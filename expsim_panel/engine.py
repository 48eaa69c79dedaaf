"""Request -> blocks -> threads -> kernels -> Result: the sole caller of the loops."""

from __future__ import annotations

import hashlib
import math
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any

import numpy as np

from expsim_panel import plan
from expsim_panel.kernels.outcomes import draw_paths
from expsim_panel.kernels.streams import BLOCK, EVALUATOR, OUTCOME, POLICY, generator
from expsim_panel.kernels.trials import WATCH_NOBODY, Recorded, play
from expsim_panel.policy import Supply
from expsim_panel.results import Outcomes, Result, Trace
from expsim_panel.strategy import Strategy
from expsim_panel.study import Request, Study

Progress = Callable[[int, int], None]
Partial = Callable[[Result], None]

_CACHE: OrderedDict[tuple[str, int], Result] = OrderedDict()
_CACHE_SIZE = 8
_CACHE_LOCK = threading.Lock()


class Cancelled(Exception):
    """The caller asked to stop."""


def worlds_of(study: Study) -> list[str]:
    """Return the worlds to simulate; a truthful evaluator needs no unbiased twin of its own."""
    truthful = study.scenario.evaluator.kind == "truth"
    return [world for world in plan.WORLDS if not (truthful and world == "unbiased")]


def run(
    request: Request,
    *,
    workers: int | None = None,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
    partial: Partial | None = None,
    partial_after: int = 1,
) -> Result:
    """Simulate a frozen study.

    Parameters
    ----------
    request : Request
        The study.
    workers : int, optional
        Threads; all cores by default. The result does not depend on it.
    progress : callable, optional
        Called with (blocks done, blocks) from the calling thread.
    cancelled : callable, optional
        Asked between blocks; True raises `Cancelled`.
    partial : callable, optional
        Called once with a Result of the first `partial_after` blocks when there are more than twice as many.

    Returns
    -------
    Result
        Complete, and cached by the request.
    """
    from expsim_panel.report import summarise

    key = (request.digest, request.luck)
    with _CACHE_LOCK:
        if key in _CACHE:
            _CACHE.move_to_end(key)
            if progress:
                progress(1, 1)
            return _CACHE[key]
    started = time.perf_counter()
    study = request.study()
    worlds = worlds_of(study)
    arms = len(study.scenario.variants)
    filled = {
        one.name: {world: Outcomes.empty(request.replicates, arms) for world in worlds} for one in study.strategies
    }
    blocks = math.ceil(request.replicates / BLOCK)
    early = partial_after if partial and blocks > 2 * partial_after else 0
    if progress:
        progress(0, blocks)

    def block(index: int) -> int:
        for world in worlds:
            _play_block(request, study, world, index, {name: made[world] for name, made in filled.items()})
        return index

    traces: dict[str, Trace] = {}

    def result(replicates: int) -> Result:
        some = slice(0, replicates)
        traces.update({one.name: trace(request, study, one) for one in study.strategies if one.name not in traces})
        parts = {name: {world: arrays.part(some) for world, arrays in made.items()} for name, made in filled.items()}
        return summarise(request, study, parts, traces, time.perf_counter() - started)

    done: set[int] = set()
    with ThreadPoolExecutor(max_workers=workers or os.cpu_count() or 1) as pool:
        waiting: set[Future[int]] = {pool.submit(block, index) for index in range(blocks)}
        try:
            while waiting:
                if cancelled and cancelled():
                    raise Cancelled
                finished, waiting = wait(waiting, timeout=0.05, return_when=FIRST_COMPLETED)
                for future in finished:
                    done.add(future.result())
                if progress and finished:
                    progress(len(done), blocks)
                if early and partial and done.issuperset(range(early)) and len(done) < blocks:
                    partial(result(early * BLOCK))
                    early = 0
        finally:
            for future in waiting:
                future.cancel()
    made = result(request.replicates)
    with _CACHE_LOCK:
        _CACHE[key] = made
        while len(_CACHE) > _CACHE_SIZE:
            _CACHE.popitem(last=False)
    return made


def outcomes(
    request: Request, world: str = "truth", *, workers: int = 1, cancelled: Callable[[], bool] | None = None
) -> dict[str, Outcomes]:
    """Play one world alone and return the arrays that `run` would have made of it.

    Curves, surfaces and benchmarks ask for one world at many settings: three quarters of a full run would
    be thrown away.
    """
    study = request.study()
    arms = len(study.scenario.variants)
    filled = {one.name: Outcomes.empty(request.replicates, arms) for one in study.strategies}

    def block(index: int) -> None:
        if cancelled and cancelled():
            raise Cancelled
        _play_block(request, study, world, index, filled)

    with ThreadPoolExecutor(max_workers=workers) as pool:
        list(pool.map(block, range(math.ceil(request.replicates / BLOCK))))
    return filled


def _play_block(
    request: Request, study: Study, world: str, index: int, into: dict[str, Outcomes], watched: int = WATCH_NOBODY
) -> np.ndarray:
    """Play one block of one world for the strategies in `into`; return the watched replicate's days."""
    scenario = study.scenario
    first = index * BLOCK
    # Replicates are drawn one after the other, so the watched one needs those before it and no others.
    size = watched + 1 if watched >= 0 else min(BLOCK, request.replicates - first)
    law = plan.law(scenario, world, request.seed, index, BLOCK)
    traffic = plan.schedule(scenario)
    binary = scenario.family == "binary"
    setting = plan.setting_of(scenario, world)
    trace = np.zeros((setting.days, 4, setting.arms))
    paths: Recorded | None = None
    for one in study.strategies:
        if one.name not in into:
            continue
        if one.policy.adaptive:
            supply = Supply(
                traffic.arrivals,
                plan.evaluator_in(scenario, world).coverage,
                binary,
                law.means,
                law.sds,
                law.severity_sd,
                law.raters,
                law.shared,
            )
            allocation: Any = one.policy.allocation(supply)
            streams = _streams(request.seed, index, 1 + _lane(one))
        else:
            if paths is None:
                paths = _draw(request.seed, index, binary, traffic, law, size)
            allocation = paths
            streams = _streams(request.seed, index, 0)
        if watched >= 0:
            target, some = Outcomes.empty(size, setting.arms), slice(0, size)
        else:
            target, some = into[one.name], slice(first, first + size)
        part = target.part(some)
        play(
            allocation,
            one.design.rule(setting),
            *streams,
            setting.days,
            watched,
            part.code,
            part.day,
            part.units,
            part.rows,
            part.sums,
            part.squares,
            trace,
        )
        if watched >= 0:
            into[one.name] = part
    return trace


def _lane(one: Strategy) -> int:
    """Give a strategy random numbers of its own that depend on nothing but its name."""
    return int.from_bytes(hashlib.sha256(one.name.encode()).digest()[:7], "little")


def _streams(seed: int, block: int, lane: int) -> tuple[np.random.Generator, np.random.Generator, np.random.Generator]:
    """Return the generators of a block by role: outcome, evaluator, policy."""
    outcome, evaluator, policy = (generator(seed, role, block, lane) for role in (OUTCOME, EVALUATOR, POLICY))
    return outcome, evaluator, policy


def _draw(seed: int, index: int, binary: bool, traffic: plan.Schedule, law: plan.Law, size: int) -> Recorded:
    """Draw the paths that every fixed split of this block reads."""
    days, arms = traffic.rows.shape
    sums, squares = np.empty((size, days, arms)), np.empty((size, days, arms))
    daily = np.diff(traffic.rows, axis=0, prepend=0)
    draw_paths(
        generator(seed, OUTCOME, index),
        generator(seed, EVALUATOR, index),
        binary,
        daily,
        law.means[:size],
        law.sds[:size],
        float(law.severity_sd),
        int(law.raters),
        bool(law.shared),
        sums,
        squares,
    )
    return Recorded(traffic.units.astype(float), traffic.rows.astype(float), sums, squares)


def trace(request: Request, study: Study, one: Strategy) -> Trace:
    """Replay one replicate of the scenario's truth and keep its days."""
    index, watched = divmod(request.luck, BLOCK)
    into = {one.name: Outcomes.empty(0, len(study.scenario.variants))}
    days = _play_block(request, study, "truth", index, into, watched)
    ended = into[one.name]
    day = int(ended.day[watched])
    return Trace(request.luck, int(ended.code[watched]), day, days[:day])
