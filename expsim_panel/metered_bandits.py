"""Bandits whose pulls also cost something, can do harm, or are rated: budgets, guardrails, ratings 1..J."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from expsim_panel.bandit_blocks import Floats, PlayedProblem, Runner, check_run, figure_of, read_policies, tail
from expsim_panel.bandit_courses import Course
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
    keeps_breach : Figure
        P(the kept arm's true rate of bad events is above the limit).
    pulls, pulls_se : ndarray, shape (arms,)
        Mean pulls of each arm, and their standard errors.
    traffic : ndarray, shape (checkpoints, arms)
        Mean pulls of each arm so far.
    courses : mapping of str to Course
        At every checkpoint: ``regret`` (what the best plan, spread evenly over the horizon, has earned by then, less
        the mean worth so far), ``spent``, ``breach_exposures``, ``reward`` (mean reward so far, in its own unit).
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
    keeps_breach: Figure
    pulls: Floats
    pulls_se: Floats
    traffic: Floats
    courses: Mapping[str, Course]
    final: Floats


@dataclass(frozen=True)
class MeteredResult(PlayedProblem[MeteredPolicyResult]):
    """Policies in one world; see `metered_bandit`. `lower_bound` is None where no theorem gives one."""

    world: MeteredWorld
    optimum: float
    lower_bound: float | None

    def asked(self) -> list[object]:
        """Return the world."""
        return [self.world.tree()]

    def counted(self, one: MeteredPolicyResult) -> Floats:
        """Return the mean pulls."""
        return one.pulls


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
    run = Runner(horizon, replicates, seed, workers, len(made), progress)
    results = tuple(_play(world, one, name, run) for name, one in made)
    ends = (world.optimum(run.horizon), world.lower_bound())
    spent = time.perf_counter() - started
    return MeteredResult(run.horizon, run.replicates, run.seed, results, run.marks, spent, world, *ends)


def _play(world: MeteredWorld, policy: BanditPolicy, name: str, run: Runner) -> MeteredPolicyResult:
    arms, horizon, replicates = world.means.size, run.horizon, run.replicates
    problem = world.problem(horizon)
    pulls = np.zeros((replicates, arms), np.int64)
    chosen = np.zeros(replicates, np.int64)
    spent, harm, behind = np.zeros(replicates), np.zeros(replicates), np.zeros(replicates)
    traffic = np.zeros((run.blocks, run.marks.size, arms))
    request, memory = policy.request(problem), policy.memory(problem)
    breaking = world.risks > (math.inf if world.limit is None else world.limit)
    worth = np.column_stack([world.worth, breaking, world.means * world.scale]).astype(np.float64)
    pace = world.optimum(horizon) * run.marks / horizon
    courses = run.courses("regret", "spent", "breach_exposures", "reward")

    def block(index: int, part: slice) -> None:
        play_metered(
            request,
            run.stream(OUTCOME, index, policy),
            run.stream(EVALUATOR, index, policy),
            run.stream(POLICY, index, policy),
            world.means,
            world.edges,
            world.costs,
            world.unknown_costs,
            world.risks,
            float(world.budget),
            int(policy.burn_in),
            policy.floor_of(arms),
            run.marks,
            np.zeros(memory),
            pulls[part],
            chosen[part],
            spent[part],
            harm[part],
            behind[part],
            traffic[index],
            worth,
            pace,
            *courses.part(index, part),
        )

    run.play(block)
    regret = world.optimum(horizon) - pulls @ world.worth
    alone = world.alone(horizon)
    lost = alone.max() - alone[chosen]
    return MeteredPolicyResult(
        name,
        canonical(policy),
        figure_of(regret, quantiles=True),
        figure_of(lost),
        figure_of(lost == 0.0),
        tail(regret),
        figure_of(pulls.sum(axis=1)),
        figure_of(spent, quantiles=True),
        figure_of(harm),
        figure_of(pulls[:, breaking].sum(axis=1), quantiles=True),
        figure_of(behind, quantiles=True),
        figure_of(breaking[chosen]),
        pulls.mean(axis=0),
        np.asarray(pulls.std(axis=0, ddof=1 if replicates > 1 else 0) / math.sqrt(replicates)),
        traffic.sum(axis=0) / replicates,
        courses.found(),
        regret,
    )
