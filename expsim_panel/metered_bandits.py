"""Bandits whose pulls also cost something, can do harm, or are rated: budgets, guardrails, ratings 1..J."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from expsim_panel.bandit_blocks import (
    Counter,
    Floats,
    blocks_of,
    check_run,
    digest_of,
    figure_of,
    lane_of,
    play_blocks,
    read_policies,
    request_digest_of,
    tail,
)
from expsim_panel.bandits import checkpoints
from expsim_panel.kernels.bits import stream
from expsim_panel.kernels.metered import play_metered
from expsim_panel.kernels.streams import EVALUATOR, OUTCOME, POLICY
from expsim_panel.metered_world import MeteredWorld
from expsim_panel.policy import BanditPolicy
from expsim_panel.policy_names import canonical
from expsim_panel.results import Figure

_WHERE = "bandit"


@dataclass(frozen=True)
class MeteredPolicyResult:
    """What came out for one policy.

    Attributes
    ----------
    name, policy : str
        As asked for, and in its canonical form.
    regret : Figure
        `MeteredWorld.optimum` less the mean worth of the arms that were pulled. Below 0 where a policy gained by
        arms that break the limit.
    simple_regret, p_best_arm : Figure
        Worth per request lost by serving the kept arm alone; P(the kept arm is the best one).
    tail_regret : Figure
        Mean regret of the worst 5 % of the replicates.
    requests, spent : Figure
        Pulls that were paid for, and what they cost.
    bad_events, breach_exposures : Figure
        Bad events; requests answered by arms whose true rate of them is above the limit.
    behind_control : Figure
        How far the mean rewards were ever behind always serving arm 0, as a share of the latter.
    pulls, pulls_se : ndarray, shape (arms,)
        Mean pulls of each arm, and their standard errors.
    traffic : ndarray, shape (checkpoints, arms)
        Mean pulls of each arm so far.
    final : ndarray, shape (replicates,)
        Regret of every replicate.
    """

    name: str
    policy: str
    regret: Figure
    simple_regret: Figure
    p_best_arm: Figure
    tail_regret: Figure
    requests: Figure
    spent: Figure
    bad_events: Figure
    breach_exposures: Figure
    behind_control: Figure
    pulls: Floats
    pulls_se: Floats
    traffic: Floats
    final: Floats


@dataclass(frozen=True)
class MeteredResult:
    """Policies in one world; see `metered_bandit`. `lower_bound` is None where no theorem gives one."""

    world: MeteredWorld
    horizon: int
    replicates: int
    seed: int
    optimum: float
    lower_bound: float | None
    policies: tuple[MeteredPolicyResult, ...]
    checkpoints: npt.NDArray[np.int64]
    seconds: float

    def __getitem__(self, name: str) -> MeteredPolicyResult:
        """Return the result of the policy called `name`."""
        return next(one for one in self.policies if one.name == name)

    @property
    def request_digest(self) -> str:
        """SHA-256 of the world, the policies, replicates and seed."""
        names = [one.policy for one in self.policies]
        return request_digest_of([self.world.tree(), names, self.horizon, self.replicates, self.seed])

    @property
    def digest(self) -> str:
        """SHA-256 of the regret of every replicate and the mean pulls."""
        return digest_of([array for one in self.policies for array in (one.final, one.pulls)])


def metered_bandit(
    world: MeteredWorld,
    policies: Sequence[str | BanditPolicy],
    horizon: int,
    *,
    replicates: int = 2000,
    seed: int = 1,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> MeteredResult:
    """Play policies on requests with prices, bad events or ratings.

    Parameters
    ----------
    world : MeteredWorld
        Rewards, prices, budget, guardrail; see `metered_world.metered_world`.
    policies : sequence of str
        Any policy per request. Those without a sense of prices or harm show what it is worth.
    horizon : int
        Most requests; a budget may end the experiment before.
    replicates, seed, workers, progress
        As in `bandit`.

    Raises
    ------
    InputError
        An unknown policy or parameter, a size out of bounds, a policy that does not fit the rewards.
    """
    started = time.perf_counter()
    check_run(horizon, replicates, seed, workers, _WHERE)
    made = read_policies(policies, (BanditPolicy,), _WHERE)
    problem = world.problem(int(horizon))
    for _, one in made:
        one.check_arms(problem, _WHERE, f"policy {one.kind}")
    marks = checkpoints(int(horizon))
    count = Counter(blocks_of(replicates) * len(made), progress)
    results = tuple(_play(world, one, name, int(replicates), int(seed), marks, workers, count) for name, one in made)
    return MeteredResult(
        world, int(horizon), int(replicates), int(seed), world.optimum(int(horizon)), world.lower_bound(), results,
        marks, time.perf_counter() - started,
    )  # fmt: skip


def _play(
    world: MeteredWorld,
    policy: BanditPolicy,
    name: str,
    replicates: int,
    seed: int,
    marks: npt.NDArray[np.int64],
    workers: int | None,
    count: Callable[[], None],
) -> MeteredPolicyResult:
    arms, horizon = world.means.size, int(marks[-1])
    problem = world.problem(horizon)
    pulls = np.zeros((replicates, arms), np.int64)
    chosen = np.zeros(replicates, np.int64)
    spent, harm, behind = np.zeros(replicates), np.zeros(replicates), np.zeros(replicates)
    traffic = np.zeros((blocks_of(replicates), marks.size, arms))
    lane = lane_of(policy)
    request, memory = policy.request(problem), policy.memory(problem)

    def block(index: int, part: slice) -> None:
        play_metered(
            request,
            stream(seed, OUTCOME, index, lane),
            stream(seed, EVALUATOR, index, lane),
            stream(seed, POLICY, index, lane),
            world.means,
            world.edges,
            world.costs,
            world.unknown_costs,
            world.risks,
            float(world.budget),
            int(policy.burn_in),
            float(policy.floor),
            marks,
            np.zeros(memory),
            pulls[part],
            chosen[part],
            spent[part],
            harm[part],
            behind[part],
            traffic[index],
        )

    play_blocks(block, replicates, workers, count)
    regret = world.optimum(horizon) - pulls @ world.worth
    alone = world.alone(horizon)
    lost = alone.max() - alone[chosen]
    breaking = world.risks > (math.inf if world.limit is None else world.limit)
    return MeteredPolicyResult(
        name,
        canonical(policy),
        figure_of(regret, quantiles=True),
        figure_of(lost),
        figure_of(lost == 0.0),
        tail(regret),
        figure_of(pulls.sum(axis=1)),
        figure_of(spent),
        figure_of(harm),
        figure_of(pulls[:, breaking].sum(axis=1), quantiles=True),
        figure_of(behind, quantiles=True),
        pulls.mean(axis=0),
        np.asarray(pulls.std(axis=0, ddof=1 if replicates > 1 else 0) / math.sqrt(replicates)),
        traffic.sum(axis=0) / replicates,
        regret,
    )
