"""Contextual bandits: policies that see a prompt's segment or features, and what that is worth to them."""

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
from expsim_panel.best_arm import check_means
from expsim_panel.errors import InputError, shown
from expsim_panel.kernels.contextual import play_segments
from expsim_panel.kernels.streams import OUTCOME, POLICY, TRUTH
from expsim_panel.policy import BanditPolicy, Policy, Problem, SegmentPolicy
from expsim_panel.policy_names import canonical
from expsim_panel.results import Figure

_MOST = 64
"""Longest context: work and memory grow with its square."""


@dataclass(frozen=True)
class SegmentResultOfPolicy:
    """What came out for one policy.

    Attributes
    ----------
    name, policy : str
        As asked for, and in its canonical form.
    sees_context : bool
        Whether it is told the segment's features; the others show what that is worth.
    regret : Figure
        Against the best arm of every request's segment.
    blind_regret : Figure
        Against always serving the arm that is best over all segments; below 0 is gained by the context.
    tail_regret : Figure
        Mean regret of the worst 5 % of the replicates.
    right : ndarray, shape (segments,)
        Share of a segment's requests that went to a best arm of the segment.
    right_se : ndarray, shape (segments,)
        Its standard error (of the ratio of the mean numbers of requests).
    pulls : ndarray, shape (segments, arms)
        Mean pulls.
    courses : mapping of str to Course
        ``regret`` and ``blind_regret`` at every checkpoint.
    final : ndarray, shape (replicates,)
        Regret of every replicate.
    """

    name: str
    policy: str
    sees_context: bool
    regret: Figure
    blind_regret: Figure
    tail_regret: Figure
    right: Floats
    right_se: Floats
    pulls: Floats
    courses: Mapping[str, Course]
    final: Floats


@dataclass(frozen=True)
class SegmentResult(PlayedProblem[SegmentResultOfPolicy]):
    """Policies on one contextual problem; see `segment_bandit`.

    Attributes
    ----------
    shares : ndarray, shape (segments,)
        Frequencies of the segments.
    means : ndarray, shape (segments, arms)
        Mean rewards.
    features : ndarray, shape (segments, width)
        What a policy sees.
    blind_loss : float
        What the best single arm loses per request against the best arm of every segment.
    """

    shares: Floats
    means: Floats
    features: Floats
    family: str
    blind_loss: float

    def asked(self) -> list[object]:
        """Return segments, means, contexts and family."""
        return [self.shares.tolist(), self.means.tolist(), self.features.tolist(), self.family]

    def counted(self, one: SegmentResultOfPolicy) -> Floats:
        """Return the mean pulls."""
        return one.pulls


def segment_bandit(
    segments: Sequence[float],
    means: Sequence[Sequence[float]],
    policies: Sequence[str | SegmentPolicy | BanditPolicy],
    horizon: int,
    *,
    features: Sequence[Sequence[float]] | None = None,
    family: str = "bernoulli",
    replicates: int = 2000,
    seed: int = 1,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> SegmentResult:
    """Play policies on requests that belong to segments, whose best arms may differ.

    Parameters
    ----------
    segments : sequence of float
        How often each segment comes; brought to sum 1.
    means : sequence of sequences
        Mean reward by segment and arm.
    policies : sequence of str
        Names such as ``lin-ucb``, or ``thompson``, which does not see the context.
    horizon : int
        Requests.
    features : sequence of sequences, optional
        The context of each segment, all of the same length; one-hot without. Linear policies are misspecified
        where the means are not linear in them.
    family : str
        ``bernoulli``, or ``gaussian`` with standard deviation 1.
    replicates, seed, workers, progress
        As in `bandit`.

    Raises
    ------
    InputError
        Shares, means or contexts that do not fit each other, an unknown policy.
    """
    started = time.perf_counter()
    where = "segment bandit"
    check_run(horizon, replicates, seed, workers, where)
    shares = _shares(segments, where)
    table = read_rows(means, where, "means", "[[0.1, 0.5], [0.4, 0.2]]", "segment")
    if table.shape[0] != shares.size:
        problem = f"means of {table.shape[0]} segments, shares of {shares.size}"
        raise InputError(where, "means", problem, "give a row of means for every segment")
    for row in table:
        check_means(row, family, where, "means")
    seen = np.eye(shares.size)
    if features is not None:
        seen = read_rows(features, where, "features", "[[1, 0], [0, 1]]", "the context of segment")
    if seen.shape[0] != shares.size:
        problem = f"contexts of {seen.shape[0]} segments, shares of {shares.size}"
        raise InputError(where, "features", problem, "give one context for every segment")
    if seen.shape[1] > _MOST:
        raise InputError(where, "features", f"a context of {seen.shape[1]} numbers", f"give at most {_MOST}")
    made = read_policies(policies, KINDS, where)
    problem_ = Problem(table.shape[1], int(horizon), family == "bernoulli", width=seen.shape[1])
    for _, one in made:
        assert isinstance(one, SegmentPolicy | BanditPolicy)
        one.check_arms(problem_, where, f"policy {one.kind}")
    runner = Runner(horizon, replicates, seed, workers, len(made), progress)
    run = _Run(shares, table, seen, problem_, runner)
    results = tuple(run.play(name, one) for name, one in made)
    best = float(shares @ table.max(axis=1))
    blind = best - float((shares @ table).max())
    counted = (runner.horizon, runner.replicates, runner.seed, results, runner.marks, time.perf_counter() - started)
    return SegmentResult(*counted, shares, table, seen, family, blind)


KINDS: tuple[type[Policy], ...] = (SegmentPolicy, BanditPolicy)
"""Policies that can play: those that see the context, and those that do not."""


def _shares(segments: object, where: str) -> Floats:
    """Return frequencies that sum to 1."""
    row = read_rows(
        [segments] if isinstance(segments, Sequence | np.ndarray) else segments, where, "segments", "0.6,0.4"
    )
    if row.shape[1] < 2:
        raise InputError(where, "segments", "one segment", "give two at least, or leave segments out")
    if row.min() < 0.0 or row.sum() <= 0.0:
        raise InputError(
            where, "segments", f"{shown(row[0].tolist())} are no frequencies", "give numbers of at least 0"
        )
    return np.asarray(row[0] / row.sum())


class _Run:
    """Everything about the problem that does not depend on the policy."""

    def __init__(self, shares: Floats, means: Floats, features: Floats, problem: Problem, runner: Runner) -> None:
        self.shares, self.means, self.features, self.problem, self.runner = shares, means, features, problem, runner

    def play(self, name: str, policy: Policy) -> SegmentResultOfPolicy:
        """Play one policy."""
        assert isinstance(policy, SegmentPolicy | BanditPolicy)
        segments, arms = self.means.shape
        run, replicates = self.runner, self.runner.replicates
        pulls = np.zeros((replicates, segments, arms), np.int64)
        regret = np.zeros(replicates)
        courses = run.courses("regret", "blind_regret")
        alone = int(np.argmax(self.shares @ self.means))
        edges = np.cumsum(self.shares)[:-1]
        request, memory = policy.request(self.problem), policy.memory(self.problem)

        def block(index: int, part: slice) -> None:
            # Arrivals are everybody's: policies are compared on the same requests.
            play_segments(
                request,
                run.stream(OUTCOME, index, policy),
                run.stream(TRUTH, index),
                run.stream(POLICY, index, policy),
                self.problem.binary,
                self.means,
                edges,
                self.features,
                int(policy.burn_in),
                policy.floor_of(arms),
                run.marks,
                np.zeros(memory),
                pulls[part],
                regret[part],
                alone,
                *courses.part(index, part),
            )

        run.play(block)
        best = self.means == self.means.max(axis=1)[:, None]
        single = self.means[:, alone]
        came = pulls.sum(axis=2)
        blind = came @ single - np.einsum("rsa,sa->r", pulls, self.means)
        well = (pulls * best).sum(axis=2)
        right = well.sum(axis=0) / np.maximum(came.sum(axis=0), 1)
        # The number of requests of a segment varies too: the error of a ratio of means.
        spread = (well - right * came).std(axis=0, ddof=1 if replicates > 1 else 0) / math.sqrt(replicates)
        return SegmentResultOfPolicy(
            name,
            canonical(policy),
            isinstance(policy, SegmentPolicy),
            figure_of(regret, quantiles=True),
            figure_of(blind, quantiles=True),
            tail(regret),
            right,
            spread / np.maximum(came.mean(axis=0), 1e-9),
            pulls.mean(axis=0),
            courses.found(),
            regret,
        )
