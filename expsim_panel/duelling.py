"""Duelling bandits: two arms answer, somebody prefers one; policies that find the arm which beats all others."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from expsim_panel.bandit_blocks import (
    Floats,
    PlayedProblem,
    Runner,
    check_run,
    figure_of,
    read_policies,
    read_rows,
    tail,
)
from expsim_panel.bandit_courses import Course
from expsim_panel.best_arm import divergence
from expsim_panel.errors import InputError, shown
from expsim_panel.kernels.duels import play_duels
from expsim_panel.kernels.streams import OUTCOME, POLICY
from expsim_panel.pairwise import davidson
from expsim_panel.policy import DuelPolicy, Problem
from expsim_panel.policy_names import canonical
from expsim_panel.results import Figure

_WHERE = "duel"
_MOST_ARMS = 100


@dataclass(frozen=True)
class Preferences:
    """Who is preferred to whom.

    Attributes
    ----------
    prefer, ties : ndarray, shape (arms, arms)
        P(i is preferred to j) and P(neither is); together with P(j preferred to i) they sum to 1.
    winner : int
        The Condorcet winner: it beats every other arm more often than not, a tie counting half.
    """

    prefer: Floats
    ties: Floats
    winner: int

    @property
    def scores(self) -> Floats:
        """P(i beats j), a tie counting half; 1/2 on the diagonal."""
        return np.asarray(self.prefer + self.ties / 2.0)

    @property
    def losses(self) -> Floats:
        """What each arm loses against the winner: P(winner beats it) - 1/2."""
        return np.asarray(self.scores[self.winner] - 0.5)


def preferences(matrix: Sequence[Sequence[float]], where: str = _WHERE, key: str = "preferences") -> Preferences:
    """Return preferences from P(i is preferred to j); what two entries lack of 1 is the chance of a tie.

    Raises
    ------
    InputError
        Not square, an entry outside 0..1, two entries that sum to more than 1, or no arm that beats all others.
    """
    prefer = read_rows(matrix, where, key, "[[0.5, 0.6], [0.4, 0.5]]", "arm")
    arms = prefer.shape[0]
    if prefer.shape[1] != arms or not 2 <= arms <= _MOST_ARMS:
        problem = f"{arms} rows of {prefer.shape[1]} numbers"
        raise InputError(where, key, problem, f"give a square table of 2 to {_MOST_ARMS} arms")
    if prefer.min() < 0.0 or prefer.max() > 1.0:
        odd = float(prefer.min() if prefer.min() < 0.0 else prefer.max())
        raise InputError(where, key, f"{odd:g} is no probability", "give numbers from 0 to 1")
    prefer = prefer.copy()
    np.fill_diagonal(prefer, 0.5)
    ties = 1.0 - prefer - prefer.T
    if ties.min() < -1e-9:
        i, j = (int(k) for k in np.unravel_index(int(ties.argmin()), ties.shape))
        problem = f"arms {i + 1} and {j + 1} are preferred to each other with {prefer[i, j] + prefer[j, i]:g} in all"
        raise InputError(where, key, problem, "give P(i over j) and P(j over i) that sum to at most 1")
    ties = np.maximum(ties, 0.0)
    beats = prefer + ties / 2.0 > 0.5 + 1e-12
    winners = np.flatnonzero(beats.sum(axis=1) == arms - 1)
    if winners.size == 0:
        raise InputError(where, key, "no arm beats every other", "give preferences with such an arm (Condorcet winner)")
    return Preferences(prefer, ties, int(winners[0]))


def from_strengths(strengths: Sequence[float], tie: float = 0.0, where: str = _WHERE) -> Preferences:
    """Return preferences from log strengths: Bradley and Terry, or Davidson's model with ties.

    ``win : tie : loss = e^(d) : nu e^(d / 2) : 1`` with d the difference of strengths; see `pairwise.davidson`.
    """
    row = read_rows([strengths], where, "strengths", "1,0.5,0")[0]
    if np.abs(row).max() > 100.0:
        raise InputError(where, "strengths", f"{shown(row.tolist())}", "give log strengths within 100 of 0")
    if not 0.0 <= tie <= 1e6:
        raise InputError(where, "tie", f"{shown(tie)}", "give 0 or more")
    matrix = [[davidson(float(one - other), tie)[0] for other in row] for one in row]
    return preferences(matrix, where, "strengths")


def lower_bound(world: Preferences) -> float:
    """Return the constant C of the bound: mean regret of a consistent policy grows at least as ``C log T``.

    ``sum over losers i of min over j beating i of (loss_i + loss_j) / (2 kl(P(i beats j), 1/2))``; infinite where
    a loser is beaten by nobody with a positive margin cannot happen under a Condorcet winner. Without ties.

    References
    ----------
    J. Komiyama, J. Honda, H. Kashima, H. Nakagawa (2015), "Regret lower bound and optimal algorithm in dueling
    bandit problem", COLT, theorem 1.
    """
    scores, losses = world.scores, world.losses
    total = 0.0
    for i in range(losses.size):
        if i == world.winner:
            continue
        found = [
            (losses[i] + losses[j]) / (2.0 * divergence(float(scores[i, j]), 0.5))
            for j in range(losses.size)
            if scores[i, j] < 0.5
        ]
        total += float(min(found))
    return total


@dataclass(frozen=True)
class DuelPolicyResult:
    """What came out for one policy.

    Attributes
    ----------
    name, policy : str
        As asked for, and in its canonical form.
    regret, strong_regret, weak_regret : Figure
        Sums over duels of the mean, the larger and the smaller loss of the two arms (a loss is P(winner beats
        the arm) - 1/2).
    tail_regret : Figure
        Mean regret of the worst 5 % of the replicates.
    p_best_arm : Figure
        P(the arm with most wins by head-to-head majority is the Condorcet winner).
    duels, duels_se : ndarray, shape (arms,)
        Mean places of each arm, two a duel, and their standard errors.
    courses : mapping of str to Course
        At every checkpoint: ``regret`` (mean loss of the two arms), and ``p_best_arm`` (P(the arm that would be named
        now is the Condorcet winner)).
    final : ndarray, shape (replicates, 3)
        The three regrets of every replicate.
    """

    name: str
    policy: str
    regret: Figure
    strong_regret: Figure
    weak_regret: Figure
    tail_regret: Figure
    p_best_arm: Figure
    duels: Floats
    duels_se: Floats
    courses: Mapping[str, Course]
    final: Floats


@dataclass(frozen=True)
class DuelResult(PlayedProblem[DuelPolicyResult]):
    """Policies on one duelling problem; see `duel`. `lower_bound` is null where duels can end in ties."""

    world: Preferences
    lower_bound: float | None

    def asked(self) -> list[object]:
        """Return the preferences."""
        return [self.world.prefer.tolist(), self.world.ties.tolist()]

    def counted(self, one: DuelPolicyResult) -> Floats:
        """Return the mean places."""
        return one.duels


def duel(
    world: Preferences | Sequence[Sequence[float]],
    policies: Sequence[str | DuelPolicy],
    horizon: int,
    *,
    replicates: int = 1000,
    seed: int = 1,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> DuelResult:
    """Play policies on duels between arms.

    Parameters
    ----------
    world : Preferences or sequence of sequences
        From `preferences` or `from_strengths`, or the matrix of the former.
    policies : sequence of str
        Names such as ``rucb`` or ``double-thompson``.
    horizon : int
        Duels.
    replicates, seed, workers, progress
        As in `bandit`.
    """
    started = time.perf_counter()
    check_run(horizon, replicates, seed, workers, _WHERE)
    made = read_policies(policies, (DuelPolicy,), _WHERE)
    known = world if isinstance(world, Preferences) else preferences(world)
    run = Runner(horizon, replicates, seed, workers, len(made), progress)
    results = tuple(_play(known, one, name, run) for name, one in made)
    bound = lower_bound(known) if known.ties.max() <= 1e-12 and math.isfinite(lower_bound(known)) else None
    spent = time.perf_counter() - started
    return DuelResult(run.horizon, run.replicates, run.seed, results, run.marks, spent, known, bound)


def _play(world: Preferences, policy: DuelPolicy, name: str, run: Runner) -> DuelPolicyResult:
    arms, replicates = world.prefer.shape[0], run.replicates
    places = np.zeros((replicates, arms), np.int64)
    chosen = np.zeros(replicates, np.int64)
    regret = np.zeros((replicates, 3))
    courses = run.courses("regret", "p_best_arm")
    request = policy.request(Problem(arms, run.horizon, True))

    def block(index: int, part: slice) -> None:
        play_duels(
            request,
            run.stream(OUTCOME, index, policy),
            run.stream(POLICY, index, policy),
            world.prefer,
            world.ties,
            world.losses,
            run.marks,
            np.zeros((4, arms)),
            places[part],
            chosen[part],
            regret[part],
            *courses.part(index, part),
        )

    run.play(block)
    return DuelPolicyResult(
        name,
        canonical(policy),
        figure_of(regret[:, 0], quantiles=True),
        figure_of(regret[:, 1], quantiles=True),
        figure_of(regret[:, 2], quantiles=True),
        tail(regret[:, 0]),
        figure_of(chosen == world.winner),
        places.mean(axis=0),
        np.asarray(places.std(axis=0, ddof=1 if replicates > 1 else 0) / math.sqrt(replicates)),
        courses.found(),
        regret,
    )
