"""Request -> blocks -> threads -> kernels -> Result: the sole caller of the loops."""

from __future__ import annotations

import math
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Container, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from expsim_panel import guardrail_play, plan
from expsim_panel.exact import Exact
from expsim_panel.kernels.streams import BLOCK
from expsim_panel.logged_shares import empty
from expsim_panel.results import Outcomes, Result, Trace, Verdict
from expsim_panel.stage import Stage
from expsim_panel.strategy import Strategy
from expsim_panel.study import Request, Study

Progress = Callable[[int, int], None]
Partial = Callable[[Result], None]

_CACHE: OrderedDict[tuple[str, int], Result] = OrderedDict()
_CACHE_SIZE, _CACHE_BYTES = 8, 512 * 2**20
_CACHE_LOCK = threading.Lock()


class Cancelled(Exception):
    """The caller asked to stop."""


def worlds_of(study: Study) -> list[str]:
    """Return the worlds to simulate; where nothing is biased and nothing passes, the null twin is the unbiased one."""
    truthful = study.scenario.evaluator.kind == "truth" and not plan.passing(study.scenario)
    return [world for world in plan.WORLDS if not (truthful and world == "unbiased")]


def run(
    request: Request,
    *,
    workers: int | None = None,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
    partial: Partial | None = None,
    partial_after: int = 1,
    exact: Mapping[str, Exact | str] | None = None,
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
    exact : mapping, optional
        Exact figures of strategies under the study's truth, where the caller has worked them out already.

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
    study = request.shared()
    worlds = worlds_of(study)
    scenario, size = study.scenario, request.replicates
    filled = {one.name: {world: empty(scenario, one, size) for world in worlds} for one in study.strategies}
    stages = {world: Stage.prepare(study, world, request.seed) for world in worlds}
    blocks = math.ceil(request.replicates / BLOCK)
    early = partial_after if partial and blocks > 2 * partial_after else 0
    if progress:
        progress(0, blocks)

    def play(index: int, some: Iterable[str]) -> int:
        part = slice(index * BLOCK, (index + 1) * BLOCK)
        for world in some:
            stages[world].play(index, {name: made[world].part(part) for name, made in filled.items()})
        return index

    # Made for the partial result, good for the whole one too.
    traces: dict[str, Trace] = {}
    verdicts: dict[str, Verdict] = {}
    known: dict[tuple[str, str], Exact | str] = {(name, "truth"): found for name, found in (exact or {}).items()}

    def result(replicates: int) -> Result:
        some = slice(0, replicates)
        if not traces:
            traces.update({one.name: _watch(stages["truth"], request.luck, one) for one in study.strategies})
        parts = {name: {world: arrays.part(some) for world, arrays in made.items()} for name, made in filled.items()}
        return summarise(request, study, parts, traces, time.perf_counter() - started, known, verdicts)

    threads = workers or os.cpu_count() or 1
    # A partial result must be there at once: its blocks are played a world at a time, so that all threads help, and
    # until it is out one thread stays idle, so that it is not made on a busy machine.
    free, stopped = threading.Semaphore(threads - 1 if early else threads), threading.Event()

    def later(index: int) -> int:
        with free:
            return index if stopped.is_set() else play(index, stages)

    parts = [(index, (world,)) for index in range(early) for world in stages]
    missing = dict.fromkeys(range(early), len(stages)) | dict.fromkeys(range(early, blocks), 1)
    with ThreadPoolExecutor(max_workers=threads) as pool:
        waiting: set[Future[int]] = {pool.submit(play, *part) for part in parts}
        waiting |= {pool.submit(later, index) for index in range(early, blocks)}
        try:
            while waiting:
                if cancelled and cancelled():
                    raise Cancelled
                finished, waiting = wait(waiting, timeout=0.05, return_when=FIRST_COMPLETED)
                for future in finished:
                    missing[future.result()] -= 1
                done = sum(not left for left in missing.values())
                if progress and finished:
                    progress(done, blocks)
                if early and partial and not any(missing[index] for index in range(early)):
                    if done < blocks:
                        partial(result(early * BLOCK))
                    early = 0
                    free.release()
        finally:
            stopped.set()
            free.release()
            for future in waiting:
                future.cancel()
    made = result(request.replicates)
    _remember(key, made)
    return made


def _remember(key: tuple[str, int], made: Result) -> None:
    """Keep a result for the next time, the latest first to stay; a server must not fill up with large ones."""

    def held() -> int:
        return sum(
            arrays.nbytes for kept in _CACHE.values() for one in kept.strategies for arrays in one.worlds.values()
        )

    with _CACHE_LOCK:
        _CACHE[key] = made
        while len(_CACHE) > _CACHE_SIZE or (_CACHE and held() > _CACHE_BYTES):
            _CACHE.popitem(last=False)


def outcomes(
    request: Request, world: str = "truth", *, workers: int = 1, cancelled: Callable[[], bool] | None = None
) -> dict[str, Outcomes]:
    """Play one world alone and return the arrays that `run` would have made of it.

    Curves, surfaces and benchmarks ask for one world at many settings: three quarters of a full run would
    be thrown away.
    """
    return played(
        request.study(), world, replicates=request.replicates, seed=request.seed, workers=workers, cancelled=cancelled
    )


def played(
    study: Study,
    world: str,
    *,
    replicates: int,
    seed: int,
    names: Container[str] | None = None,
    workers: int = 1,
    cancelled: Callable[[], bool] | None = None,
) -> dict[str, Outcomes]:
    """Play one world of a valid study that nobody changes meanwhile; `names` leaves the other strategies out."""
    wanted = [one for one in study.strategies if names is None or one.name in names]
    filled = {one.name: empty(study.scenario, one, replicates) for one in wanted}
    stage = Stage.prepare(study, world, seed)

    def block(index: int) -> None:
        if cancelled and cancelled():
            raise Cancelled
        part = slice(index * BLOCK, (index + 1) * BLOCK)
        stage.play(index, {name: made.part(part) for name, made in filled.items()})

    with ThreadPoolExecutor(max_workers=workers) as pool:
        list(pool.map(block, range(math.ceil(replicates / BLOCK))))
    return filled


def trace(request: Request, study: Study, one: Strategy) -> Trace:
    """Replay one replicate of the scenario's truth and keep its days."""
    return _watch(Stage.prepare(study, "truth", request.seed), request.luck, one)


def _watch(stage: Stage, luck: int, one: Strategy) -> Trace:
    ended, days, path = stage.watch(one, luck)
    day = int(ended.day[-1])
    readings = guardrail_play.watched(stage.study.scenario, stage.seed, luck, ended.units[-1])
    logged = None if path is None else path[:day]
    return Trace(luck, int(ended.code[-1]), day, days[:day], readings, logged, ended.floored)
