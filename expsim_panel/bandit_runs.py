"""One policy's part of a bandit problem: its blocks of replicates, and the figures of those that were played."""

from __future__ import annotations

import hashlib
import math

import numpy as np
import numpy.typing as npt

from expsim_panel.bandit_exact import exact_figures
from expsim_panel.bandit_law import Law, law_of
from expsim_panel.bandit_results import Money, PolicyResult
from expsim_panel.bandit_worlds import BanditWorld
from expsim_panel.kernels.bits import stream
from expsim_panel.kernels.lanes import lane_streams
from expsim_panel.kernels.request_batches import play_batches
from expsim_panel.kernels.request_worlds import play_world
from expsim_panel.kernels.requests import play_requests
from expsim_panel.kernels.streams import BLOCK, OUTCOME, POLICY
from expsim_panel.policy import BanditPolicy, Problem
from expsim_panel.policy_names import canonical
from expsim_panel.results import Figure

Floats = npt.NDArray[np.float64]

CHECKPOINTS = 200
PATHS = 10 * BLOCK
"""Replicates whose regret is kept at every checkpoint, for the bands over time."""
_WORTH_IT, _WORTH_QUADRATURE = 8, 250
"""Batches from which on one question per batch is faster than one per request."""


def checkpoints(horizon: int, batch: int = 1) -> npt.NDArray[np.int64]:
    """Return about 200 ends of batches from 1 to the horizon, half spaced evenly, half by ratio."""
    even = np.linspace(0, horizon, CHECKPOINTS // 2 + 1)[1:]
    ratio = np.geomspace(1, horizon, CHECKPOINTS // 2)
    whole = np.rint(np.concatenate([even, ratio])).astype(np.int64)
    return np.unique(np.clip(-(-whole // batch) * batch, 1, horizon))


class Run:
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
        world: BanditWorld | None = None,
    ) -> None:
        arms = means.size
        self.means, self.problem, self.policy, self.name, self.seed = means, problem, policy, name, seed
        self.lane = int.from_bytes(hashlib.sha256(canonical(policy).encode()).digest()[:7], "little")
        self.marks = marks
        self.world = world or BanditWorld()
        family = "bernoulli" if problem.binary else "gaussian"
        self.law: Law = law_of(self.world, means, problem.horizon, family)
        self.exact: dict[str, float] | None = None
        paths = min(replicates, PATHS)
        self.pulls = np.zeros((replicates, arms), np.int64)
        self.chosen = np.zeros(replicates, np.int64)
        self.regret = np.zeros(replicates)
        self.money = np.zeros((replicates, 2))
        self.paths = np.zeros((paths, marks.size))
        self.dollars = np.zeros((paths if any(self.world.cost) else 0, marks.size))
        self.traffic = np.zeros((math.ceil(replicates / BLOCK), marks.size, arms + 4))

    @property
    def steady(self) -> bool:
        """Whether rewards are independent with one law per arm, and known at once: the classic problem, or a
        judge's view of it."""
        world = self.world
        return world.delay == 0 and world.batch == 1 and not (world.changing or world.season)

    @property
    def in_batches(self) -> bool:
        """Whether one question per batch and sums of rewards give the law of this world, and sooner."""
        world, policy = self.world, self.policy
        worth = _WORTH_QUADRATURE if policy.slow_shares and self.means.size > 2 else _WORTH_IT
        still = not any(world.drift) and world.season is None and world.delay % world.batch == 0
        return policy.batched and still and world.batch >= worth

    def block(self, index: int, size: int = BLOCK) -> None:
        """Play the first `size` replicates of one block; it depends on the seed, the policy and the index alone."""
        part = slice(index * BLOCK, index * BLOCK + size)
        with np.errstate(over="ignore"):
            if self.steady and not any(self.world.cost) and self._steadily(index, part):
                return
            self._worldly(index, part)

    def _steadily(self, index: int, part: slice) -> bool:
        """Play the classic loops; False where they do not know the world."""
        arms = self.means.size
        traffic = np.zeros((self.marks.size, arms + 2))
        arrays = (self.pulls[part], self.chosen[part], self.regret[part], self.paths[part], traffic)
        side_by_side = self.policy.lanes(self.problem)
        if side_by_side is not None:
            rewards, choices = (lane_streams(self.seed, role, index, self.lane) for role in (OUTCOME, POLICY))
            gaps = self.means.max() - self.means
            side_by_side(rewards, choices, self.law.seen, gaps, self.marks, *arrays)
        elif self.world.judged:
            return False
        else:
            rewards, choices = (stream(self.seed, role, index, self.lane) for role in (OUTCOME, POLICY))
            play_requests(
                self.policy.request(self.problem),
                rewards,
                choices,
                self.problem.binary,
                self.means[None],
                np.zeros(1, np.int64),
                self.problem.horizon,
                int(self.policy.burn_in),
                self.policy.floor_of(arms),
                self.marks,
                np.zeros(self.policy.memory(self.problem)),
                *arrays,
            )
        value = self.world.value_per_point
        self.money[part, 0] = value * self.regret[part]
        self.money[part, 1] = value * (self.pulls[part] @ self.means)
        self.traffic[index, :, : arms + 2] = traffic
        self.traffic[index, :, arms + 2] = value * traffic[:, arms]
        self.traffic[index, :, arms + 3] = value * value * traffic[:, arms + 1]
        return True

    def _worldly(self, index: int, part: slice) -> None:
        world, problem, order = self.world, self.problem, self.law.order
        pulls, chosen = np.zeros_like(self.pulls[part]), np.zeros_like(self.chosen[part])
        traffic = np.zeros(self.traffic.shape[1:])
        memory = np.zeros(self.policy.memory(problem))
        choices = stream(self.seed, POLICY, index, self.lane)
        params, law = self.policy.request(problem), self.law.kernel
        floors = np.ascontiguousarray(self.policy.floor_of(order.size)[order])
        asked = (problem.binary, problem.horizon, int(self.policy.burn_in), floors)
        out = (pulls, chosen, self.regret[part], self.money[part], self.paths[part], self.dollars[part], traffic)
        rewards = stream(self.seed, OUTCOME, index, self.lane)
        if self.in_batches:
            late = world.delay // world.batch
            play_batches(params, law, rewards, choices, *asked, late, world.batch, self.marks, memory, *out)
        else:
            in_turn = world.batch == 1 or not self.policy.batched
            play_world(
                params, law, rewards, choices, *asked, world.delay, world.batch, in_turn, self.marks, memory, *out
            )
        # The loop has the arms in the order of their arrival.
        self.pulls[part][:, order] = pulls
        self.chosen[part] = order[chosen]
        arms = order.size
        self.traffic[index][:, order] = traffic[:, :arms]
        self.traffic[index][:, arms:] = traffic[:, arms:]

    def result(self, size: int | None = None) -> PolicyResult:
        """Return the figures of the first `size` replicates, all by default, with exact ones where they can be had."""
        complete = size is None
        size = self.regret.size if size is None else size
        if complete and self.exact is None:
            self.exact = self._exact()
        exact = self.exact or {}
        regret, pulls, chosen = self.regret[:size], self.pulls[:size], self.chosen[:size]
        arms = self.means.size
        sums = np.sum(self.traffic[: math.ceil(size / BLOCK)], axis=0)
        mean, spread = _mean_and_error(sums[:, arms], sums[:, arms + 1], size)
        gaps = self.law.gaps
        best = (gaps[chosen] == 0.0).astype(np.float64)
        return PolicyResult(
            self.name,
            canonical(self.policy),
            figure_of(regret, exact.get("regret"), quantiles=True),
            figure_of(gaps[chosen], exact.get("simple_regret")),
            figure_of(best, exact.get("p_best_arm")),
            figure_of(_worst(regret), None),
            np.asarray(pulls.mean(axis=0)),
            np.asarray(pulls.std(axis=0, ddof=1 if size > 1 else 0) / math.sqrt(size)),
            mean,
            spread,
            np.quantile(self.paths[:size], [0.05, 0.5, 0.95], axis=0),
            sums[:, :arms] / size / self.marks[:, None],
            regret,
            self._money(size, sums),
        )

    def _money(self, size: int, sums: Floats) -> Money:
        world, law = self.world, self.law
        arms = self.means.size
        lost, earned = self.money[:size, 0], self.money[:size, 1]
        total = regret = None
        if world.population is not None:
            rest = float(world.population - self.problem.horizon)
            chosen = self.chosen[:size]
            total = figure_of(earned + rest * law.net[chosen], None, quantiles=True)
            regret = figure_of(lost + rest * law.losses[chosen], None, quantiles=True)
        mean, spread = _mean_and_error(sums[:, arms + 2], sums[:, arms + 3], size)
        paths = self.dollars[:size] if self.dollars.size else world.value_per_point * self.paths[:size]
        cost = np.broadcast_to(np.array(world.cost or (0.0,)), (arms,))
        return Money(
            figure_of(lost, None, quantiles=True),
            figure_of(_worst(lost), None),
            figure_of(self.pulls[:size] @ cost, None),
            figure_of(earned, None),
            total,
            regret,
            mean,
            spread,
            np.quantile(paths, [0.05, 0.5, 0.95], axis=0),
            lost,
            figure_of(law.losses[self.chosen[:size]], None),
        )

    def _exact(self) -> dict[str, float]:
        """Return exact figures: of the classic problem, or of what a judge makes of it, by the gaps of the truth."""
        return (
            exact_figures(self.policy, self.problem, self.law.seen / self.law.sd, self.law.gaps) if self.steady else {}
        )


def figure_of(values: Floats, exact: float | None, quantiles: bool = False) -> Figure:
    """Return a mean over replicates; one replicate has no standard error."""
    marks = None
    if quantiles:
        low, middle, high = np.quantile(values, [0.05, 0.5, 0.95])
        marks = {"0.05": float(low), "0.5": float(middle), "0.95": float(high)}
    if values.size < 2:
        return Figure(float(values.mean()), None, exact, marks, "one replicate has no standard error")
    return Figure(float(values.mean()), float(values.std(ddof=1) / math.sqrt(values.size)), exact, marks)


def _worst(values: Floats) -> Floats:
    """Return the largest 5 %, one at least."""
    return np.sort(values)[-max(1, math.ceil(0.05 * values.size)) :]


def _mean_and_error(total: Floats, squares: Floats, size: int) -> tuple[Floats, Floats]:
    """Return mean and standard error from sums over replicates."""
    mean = total / size
    return mean, np.sqrt(np.maximum(squares / size - mean * mean, 0.0) / max(size - 1, 1))
