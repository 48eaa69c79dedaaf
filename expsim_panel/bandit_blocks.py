"""What the bandit problems beyond the classic one share: checked sizes, blocks on threads, figures, digests."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from expsim_panel.bandits import MAX_WORK, check_size
from expsim_panel.errors import InputError, shown
from expsim_panel.kernels.streams import BLOCK
from expsim_panel.policy import Policy
from expsim_panel.policy_names import canonical, read_kind
from expsim_panel.results import Figure

Floats = npt.NDArray[np.float64]
P = TypeVar("P", bound=Policy)


def check_run(horizon: int, replicates: int, seed: int, workers: int | None, where: str) -> None:
    """Raise `InputError` unless sizes and seed are whole numbers within bounds."""
    for key, size in (("horizon", horizon), ("replicates", replicates), ("workers", 1 if workers is None else workers)):
        check_size(key, size, where)
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= seed < 2**63:
        raise InputError(where, "seed", f"seed is {shown(seed)}", "give a whole number, 0 or more")
    if float(horizon) * replicates > MAX_WORK:
        problem = f"{horizon:,} requests times {replicates:,} replicates"
        raise InputError(where, "replicates", problem, f"give at most {MAX_WORK:,.0f} for each policy")


def read_policies(asked: Sequence[str | P], kinds: tuple[type[P], ...], where: str) -> list[tuple[str, P]]:
    """Return the policies with the names they were asked for; each once."""
    if isinstance(asked, str) or not asked:
        raise InputError(where, "policies", f"{shown(asked)} is no list of policies", "give for example ['thompson']")
    made: list[tuple[str, P]] = []
    for one in asked:
        policy = read_kind(one, kinds, where, "policy") if isinstance(one, str) else one
        name = one.strip() if isinstance(one, str) else canonical(one)
        if canonical(policy) in [canonical(other) for _, other in made]:
            raise InputError(where, "policy", f"{name} stands twice", "give each policy once")
        made.append((name, policy))
    return made


def read_rows(rows: object, where: str, key: str, example: str, same: str = "") -> Floats:
    """Return a matrix of finite numbers; rows of different lengths are named. `same`: what a row is."""
    try:
        listed = [[float(value) for value in row] for row in rows]  # type: ignore[attr-defined]
    except (TypeError, ValueError):
        raise InputError(where, key, f"{shown(rows)} is no table of numbers", f"give for example {example}") from None
    if not listed or not listed[0]:
        raise InputError(where, key, "no numbers", f"give for example {example}")
    for k, row in enumerate(listed):
        if len(row) != len(listed[0]):
            problem = f"{same or 'row'} {k + 1} has {len(row)} numbers, the first has {len(listed[0])}"
            raise InputError(where, key, problem, "give rows of the same length")
    table = np.array(listed)
    if not np.isfinite(table).all() or np.abs(table).max() > 1e9:
        raise InputError(where, key, f"{shown(listed)} are not all finite numbers", "give finite numbers")
    return table


def lane_of(policy: Policy) -> int:
    """Return the number of a policy's streams: by its name and parameters, not by its place in the list."""
    return int.from_bytes(hashlib.sha256(canonical(policy).encode()).digest()[:7], "little")


def play_blocks(
    play: Callable[[int, slice], None],
    replicates: int,
    workers: int | None,
    done: Callable[[], None],
) -> None:
    """Call `play` with every block's index and its replicates, on threads; results do not depend on them."""

    def one(index: int) -> None:
        with np.errstate(over="ignore"):
            play(index, slice(index * BLOCK, (index + 1) * BLOCK))

    with ThreadPoolExecutor(max_workers=workers or os.cpu_count() or 1) as pool:
        for _ in pool.map(one, range(blocks_of(replicates))):
            done()


def blocks_of(replicates: int) -> int:
    """Return the number of blocks."""
    return math.ceil(replicates / BLOCK)


class Counter:
    """Counts blocks for a progress bar."""

    def __init__(self, total: int, progress: Callable[[int, int], None] | None) -> None:
        self.done, self.total, self.progress = 0, total, progress

    def __call__(self) -> None:
        """Count one block."""
        self.done += 1
        if self.progress:
            self.progress(self.done, self.total)


def figure_of(values: npt.ArrayLike, quantiles: bool = False) -> Figure:
    """Return a mean over replicates; one replicate has no standard error."""
    x = np.asarray(values, dtype=np.float64)
    marks = None
    if quantiles:
        low, middle, high = np.quantile(x, [0.05, 0.5, 0.95])
        marks = {"0.05": float(low), "0.5": float(middle), "0.95": float(high)}
    if x.size < 2:
        return Figure(float(x.mean()), None, None, marks, "one replicate has no standard error")
    return Figure(float(x.mean()), float(x.std(ddof=1) / math.sqrt(x.size)), None, marks)


def tail(values: Floats) -> Figure:
    """Return the mean of the worst 5 % of the replicates."""
    return figure_of(np.sort(values)[-max(1, math.ceil(0.05 * values.size)) :])


def curve(path: Floats, replicates: int) -> tuple[Floats, Floats]:
    """Return mean and standard error at every checkpoint, of sums and sums of squares over replicates."""
    mean = path[:, 0] / replicates
    spread = np.maximum(path[:, 1] / replicates - mean * mean, 0.0) / max(replicates - 1, 1)
    return mean, np.sqrt(spread)


def digest_of(arrays: Sequence[npt.NDArray[Any]]) -> str:
    """Return the SHA-256 of arrays as little-endian float64."""
    seen = hashlib.sha256()
    for array in arrays:
        seen.update(np.ascontiguousarray(array, dtype="<f8").tobytes())
    return seen.hexdigest()


def request_digest_of(asked: object) -> str:
    """Return the SHA-256 of what was asked for."""
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()
