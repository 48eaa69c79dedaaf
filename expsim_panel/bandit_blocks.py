"""What the bandit problems beyond the classic one share: checked sizes, blocks on threads, figures, digests."""

from __future__ import annotations

import hashlib
import json
import math
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from expsim_panel.bandit_courses import Course, Courses
from expsim_panel.bandits import MAX_WORK, check_size, checkpoints
from expsim_panel.errors import InputError, shown
from expsim_panel.kernels.bits import stream
from expsim_panel.kernels.streams import BLOCK
from expsim_panel.policy import Policy
from expsim_panel.policy_names import canonical, read_kind
from expsim_panel.results import Figure

Floats = npt.NDArray[np.float64]
P = TypeVar("P", bound=Policy)


class PlayedPolicy(Protocol):
    """What the result of one policy holds at least."""

    @property
    def name(self) -> str:
        """Name as asked for."""

    @property
    def policy(self) -> str:
        """Name in its canonical form."""

    @property
    def regret(self) -> Figure:
        """Regret at the end."""

    @property
    def courses(self) -> Mapping[str, Course]:
        """Quantities at every checkpoint, by name; `regret` is one of them."""

    @property
    def final(self) -> Floats:
        """Regret of every replicate."""


R = TypeVar("R", bound=PlayedPolicy)


@dataclass(frozen=True)
class PlayedProblem(ABC, Generic[R]):
    """Policies on one problem.

    Attributes
    ----------
    horizon, replicates, seed : int
        Requests, experiments, seed.
    policies : tuple
        Result of each policy, in the order asked for.
    checkpoints : ndarray
        Numbers of requests at which curves stand.
    seconds : float
        Time it took.
    """

    horizon: int
    replicates: int
    seed: int
    policies: tuple[R, ...]
    checkpoints: npt.NDArray[np.int64]
    seconds: float

    @abstractmethod
    def asked(self) -> list[object]:
        """Return what the world is made of, for the digest of the request."""

    @abstractmethod
    def counted(self, one: R) -> Floats:
        """Return the mean pulls of a policy, for the digest of the result."""

    def __getitem__(self, name: str) -> R:
        """Return the result of the policy called `name`."""
        return next(one for one in self.policies if one.name == name)

    @property
    def request_digest(self) -> str:
        """SHA-256 of the problem, the policies, replicates and seed."""
        names = [one.policy for one in self.policies]
        asked = [*self.asked(), names, self.horizon, self.replicates, self.seed]
        return hashlib.sha256(json.dumps(asked).encode()).hexdigest()

    @property
    def digest(self) -> str:
        """SHA-256 of the regret of every replicate and the mean pulls, as little-endian float64."""
        seen = hashlib.sha256()
        for one in self.policies:
            for array in (one.final, self.counted(one)):
                seen.update(np.ascontiguousarray(array, dtype="<f8").tobytes())
        return seen.hexdigest()


class Runner:
    """Plays blocks of replicates on threads, with streams that depend on seed, role, block and policy alone."""

    def __init__(
        self,
        horizon: int,
        replicates: int,
        seed: int,
        workers: int | None,
        policies: int,
        progress: Callable[[int, int], None] | None,
    ) -> None:
        self.horizon, self.replicates, self.seed = int(horizon), int(replicates), int(seed)
        self.workers, self.progress = workers, progress
        self.marks = checkpoints(self.horizon)
        self.blocks = math.ceil(self.replicates / BLOCK)
        self.done, self.total = 0, self.blocks * policies

    def stream(self, role: int, index: int, policy: Policy | None = None) -> npt.NDArray[np.uint64]:
        """Return a block's stream of a role: of one policy, or common to all of them."""
        return stream(self.seed, role, index) if policy is None else stream(self.seed, role, index, lane_of(policy))

    def courses(self, *names: str) -> Courses:
        """Return room for quantities over time."""
        return Courses(names, self.replicates, self.blocks, self.marks.size)

    def play(self, block: Callable[[int, slice], None]) -> None:
        """Call `block` with every block's index and its replicates; results do not depend on the threads."""

        def one(index: int) -> None:
            with np.errstate(over="ignore"):
                block(index, slice(index * BLOCK, (index + 1) * BLOCK))

        with ThreadPoolExecutor(max_workers=self.workers or os.cpu_count() or 1) as pool:
            for _ in pool.map(one, range(self.blocks)):
                self.done += 1
                if self.progress:
                    self.progress(self.done, self.total)


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
