"""What a bandit problem gives: figures of every policy, over replicates and over time."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from expsim_panel.bandit_worlds import BanditWorld
from expsim_panel.results import Figure

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Money:
    """The reckoning in dollars of net value: `value_per_point` times the true reward, less the cost of the pull.

    Attributes
    ----------
    regret : Figure
        Net value lost against the best arm at hand, up to the horizon.
    tail_regret : Figure
        Its mean over the worst 5 % of the replicates.
    cost : Figure
        Dollars paid for pulls.
    earned : Figure
        Net value of the requests up to the horizon.
    total_value, total_regret : Figure or None
        Net value, and loss against the best arm, of all requests of the population: the policy's own up to the
        horizon, then the arm it keeps, at the means after the last request. None without a population.
    over_time, se : ndarray, shape (checkpoints,)
        Mean regret in dollars at every checkpoint, and its standard error.
    band : ndarray, shape (3, checkpoints)
        5, 50 and 95 % quantiles of it, of the first 10,000 replicates.
    final : ndarray, shape (replicates,)
        Regret in dollars of every replicate.
    simple_regret : Figure
        Net value per request by which the arm that is kept falls short of the best, after the last request.
    """

    regret: Figure
    tail_regret: Figure
    cost: Figure
    earned: Figure
    total_value: Figure | None
    total_regret: Figure | None
    over_time: Floats
    se: Floats
    band: Floats
    final: Floats
    simple_regret: Figure


@dataclass(frozen=True)
class PolicyResult:
    """What came out for one policy.

    Attributes
    ----------
    name : str
        The policy as it was asked for, with its parameters.
    policy : str
        The same in its canonical form: parameters that differ from their defaults, in order.
    regret : Figure
        Pseudo-regret at the horizon: the sum of the gaps of the arms that were pulled, in true rewards, each to
        the best arm at hand at that request.
    simple_regret : Figure
        Gap of the arm that the policy would keep, at the means after the last request.
    p_best_arm : Figure
        P(it keeps a best arm).
    tail_regret : Figure
        Mean regret of the worst 5 % of the replicates.
    pulls, pulls_se : ndarray, shape (arms,)
        Mean pulls of each arm, and their standard errors.
    regret_over_time, regret_se : ndarray, shape (checkpoints,)
        Mean regret at every checkpoint, and its standard error.
    band : ndarray, shape (3, checkpoints)
        5, 50 and 95 % quantiles of the regret, of the first 10,000 replicates.
    traffic : ndarray, shape (checkpoints, arms)
        Share of the requests so far that went to each arm.
    final : ndarray, shape (replicates,)
        Regret of every replicate.
    money : Money
        The same in dollars.
    """

    name: str
    policy: str
    regret: Figure
    simple_regret: Figure
    p_best_arm: Figure
    tail_regret: Figure
    pulls: Floats
    pulls_se: Floats
    regret_over_time: Floats
    regret_se: Floats
    band: Floats
    traffic: Floats
    final: Floats
    money: Money


@dataclass(frozen=True)
class BanditResult:
    """Policies on one bandit problem; see `bandit`.

    Attributes
    ----------
    means : ndarray, shape (arms,)
        Mean rewards.
    family : str
        ``bernoulli`` or ``gaussian`` (standard deviation 1).
    horizon, replicates, seed : int
        Requests, experiments (those played so far in a partial result), seed.
    policies : tuple of PolicyResult
        In the order asked for.
    lai_robbins : float
        The constant C of the asymptotic lower bound ``C log T``; nan where a world has none.
    checkpoints : ndarray
        Numbers of requests at which `regret_over_time`, `band` and `traffic` stand.
    seconds : float
        Time it took.
    world : BanditWorld
        What differs from the classic problem.
    lai_robbins_reason : str or None
        Why there is no such constant.
    complete : bool
        False for a partial result, on the way to the full number of replicates.
    """

    means: Floats
    family: str
    horizon: int
    replicates: int
    seed: int
    policies: tuple[PolicyResult, ...]
    lai_robbins: float
    checkpoints: npt.NDArray[np.int64]
    seconds: float
    world: BanditWorld = field(default_factory=BanditWorld)
    lai_robbins_reason: str | None = None
    complete: bool = True

    def __getitem__(self, name: str) -> PolicyResult:
        """Return the result of the policy called `name`."""
        return next(one for one in self.policies if one.name == name)

    @property
    def best(self) -> npt.NDArray[np.bool_]:
        """Which arms are best after the last request, in units of reward; shape (arms,)."""
        last = np.array(self.world.shift[-1][1]) if self.world.shift else self.means
        last = last + np.array(self.world.drift or (0.0,) * self.means.size)
        return np.asarray(last == last.max())

    @property
    def request_digest(self) -> str:
        """SHA-256 of the problem, the policies, replicates and seed."""
        asked = [self.means.tolist(), self.family, self.horizon, [one.policy for one in self.policies]]
        if self.world != BanditWorld():
            asked.append(self.world.tree())
        return hashlib.sha256(f"{json.dumps(asked)}|{self.replicates}|{self.seed}".encode()).hexdigest()

    @property
    def digest(self) -> str:
        """SHA-256 of the regret of every replicate and the mean pulls, policy by policy, little-endian float64.

        Where the world reckons in dollars of its own, their regret follows each policy's pulls.
        """
        seen = hashlib.sha256()
        for one in self.policies:
            seen.update(np.ascontiguousarray(one.final, dtype="<f8").tobytes())
            seen.update(np.ascontiguousarray(one.pulls, dtype="<f8").tobytes())
            if self.world != BanditWorld():
                seen.update(np.ascontiguousarray(one.money.final, dtype="<f8").tobytes())
        return seen.hexdigest()


def in_dollars(found: BanditResult) -> BanditResult:
    """Return the same result with losses in dollars of net value, costs of the pulls taken off.

    Regret, its tail, its course and the simple regret are those of `Money`; exact figures and the bound, which know no
    costs, are left out. Share of right choices and traffic stay: they are of the reward.
    """
    parts = tuple(
        replace(
            one, regret=one.money.regret, simple_regret=one.money.simple_regret, tail_regret=one.money.tail_regret,
            regret_over_time=one.money.over_time, regret_se=one.money.se, band=one.money.band, final=one.money.final,
        ) for one in found.policies
    )  # fmt: skip
    reason = found.lai_robbins_reason or "the bound is for rewards, not for dollars of net value"
    return replace(found, policies=parts, lai_robbins=float("nan"), lai_robbins_reason=reason)
