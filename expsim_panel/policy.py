"""What every allocation policy has in common; one file in ``policies/`` each."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from expsim_panel.errors import InputError
from expsim_panel.look_lists import Floors
from expsim_panel.quantities import Count, Share
from expsim_panel.registry import Registry
from expsim_panel.sections import Section


@dataclass(frozen=True)
class Problem:
    """What a bandit policy may know of the problem before the first request.

    Attributes
    ----------
    arms : int
        Number of arms.
    horizon : int
        Number of requests.
    binary : bool
        Bernoulli rewards; otherwise normal ones with standard deviation 1 (in batches: standardised).
    batched : bool
        Whether it is asked once a day or once per batch, or learns rewards late, instead of knowing every reward
        before the next request.
    unit_sd : bool
        Whether scores in batches have standard deviation 1 as they come, and are not standardised.
    levels : int
        Rewards that are ratings of so many levels, brought to 0..1; 2 is the Bernoulli problem.
    costs : tuple of float
        Price of a pull of each arm, where known; empty: every pull costs 1, or prices are 0/1 and unknown.
    unknown_costs : bool
        Whether prices are 0/1 draws that have to be learned.
    budget : float
        What all pulls together may cost.
    value : float or None
        Worth of a reward of 1 in units of cost, where cost counts against reward.
    limit : float or None
        Largest rate of bad events that is allowed.
    width : int
        Length of a context.
    """

    arms: int
    horizon: int
    binary: bool
    batched: bool = False
    unit_sd: bool = False
    levels: int = 2
    costs: tuple[float, ...] = ()
    unknown_costs: bool = False
    budget: float = math.inf
    value: float | None = None
    limit: float | None = None
    width: int = 0
    study: bool = False


STUDY_FLOOR = 0.02
"""Least share of every arm in a study where none is set.

Without one, intervals of 95 % from logged shares held the truth in 0.90 to 0.97 of experiments and estimates were up to
five times as far off; with it in 0.94 to 0.96 (measured at 200,000 experiments; `docs/conventions.md`).
"""


@dataclass(frozen=True)
class Supply:
    """What a policy that draws for itself needs: arrivals and the law of the scored rows in one block.

    Attributes
    ----------
    arrivals : int64 ndarray, shape (days,)
        Units that arrive each day, over all arms.
    coverage : float
        Share of units whose response is scored.
    binary : bool
        Whether rows are 0/1.
    means, sds : float64 ndarray, shape (replicates, arms)
        Law of a row, oriented so that more is better.
    severity_sd, raters, shared
        Rater severity; see `kernels.measuring.draw_severity`.
    ready : int64 ndarray, shape (arms,), or None
        First day (from 0) on which each arm gets traffic, ascending; None: all from the start.
    """

    arrivals: np.ndarray
    coverage: float
    binary: bool
    means: np.ndarray
    sds: np.ndarray
    severity_sd: float
    raters: int
    shared: bool
    ready: np.ndarray | None = None


class Policy(Section):
    """An allocation policy. Adaptive ones return their kernel parameters from `allocation`."""

    kind = ""
    summary = ""
    adaptive = True
    stopping = "bayesian"
    """Design that decides when the policy is named without one."""
    stopping_fields: dict[str, Any] = {"looks": 1}
    """Fields of that design."""

    follows_data = True
    """Whether shares follow from outcomes in a way that its design does not reckon with: then the design's
    `adaptive_rule` decides."""

    batched = True
    """Whether `expsim run` can play it, a day's traffic at a time."""

    def allocation(self, supply: Supply) -> Any:
        """Return the kernel's parameters, a NamedTuple registered with `kernels.trials.advance`."""
        raise LookupError(f"{type(self).__name__} does not say how it allocates")

    def follow(self, design: Any, where: str, path: str) -> None:
        """Learn which design it plays with; raise `InputError` where the two do not go together."""


class Floored(Policy):
    """A policy that may have to leave every arm some traffic, and whose first pulls may be even."""

    floor = Share(
        None,
        bounds=(0.0, 0.5),
        softbounds=(0.0, 0.2),
        step=0.01,
        allow_None=True,
        label="Least share of every arm",
        doc="Probability f that every arm keeps: p = f + (1 - arms f) w. At most 1 / arms. "
        f"Unset: none per request; in a study {STUDY_FLOOR:g} where traffic follows the data (at most half of 1 / "
        "arms), so that its estimates are valid.",
    )
    floors = Floors(
        label="Least share by arm",
        doc="Probability f_a that each arm keeps, in place of one for all: p_a = f_a + (1 - sum f) w_a.",
    )
    burn_in = Count(
        0,
        bounds=(0, 1_000_000),
        softbounds=(0, 500),
        label="Burn-in per arm",
        doc="Rewards of every arm before the policy is asked; traffic is even until then.",
    )

    @property
    def has_floor(self) -> bool:
        """Whether some arm keeps traffic whatever the policy says."""
        return bool(self.floor or any(self.floors or ()))

    def explores(self) -> bool:
        """Tell whether every arm keeps traffic by the policy itself, without a floor."""
        return not self.follows_data

    def floor_of(self, arms: int, study: bool = False) -> np.ndarray:
        """Return the least probability of each arm, shape (arms,); in a study that of `STUDY_FLOOR` if none is set."""
        if self.floors:
            return np.array(self.floors, dtype=np.float64)
        unset = min(STUDY_FLOOR, 0.5 / arms) if study and not self.explores() else 0.0
        return np.full(arms, unset if self.floor is None else self.floor, dtype=np.float64)

    def put(self, key: str, value: Any, where: str, path: str = "") -> None:
        """Set one key; a list of floors may be called floor too."""
        super().put("floors" if key == "floor" and isinstance(value, list | tuple) else key, value, where, path)

    def check_arms(self, problem: Problem, where: str, key: str = "") -> None:
        """Raise `InputError` where a parameter does not fit the number of arms or the horizon."""
        path = f"{key}.floor" if key else "floor"
        if self.floors is not None:
            listed = ", ".join(f"{value:g}" for value in self.floors)
            if self.floor:
                raise InputError(where, path, f"floor {self.floor:g} beside floors {listed}", "give one of them")
            if len(self.floors) != problem.arms:
                remedy = f"give one for each of the {problem.arms} arms"
                raise InputError(where, f"{path}s", f"{len(self.floors)} floors ({listed})", remedy)
            if math.fsum(self.floors) > 1.0 + 1e-12:
                problem_ = f"floors {listed} sum to {math.fsum(self.floors):g}"
                raise InputError(where, f"{path}s", problem_, "give floors that sum to at most 1")
        if self.floor is not None and self.floor * problem.arms > 1.0:
            remedy = f"give at most 1 / {problem.arms} for {problem.arms} arms"
            raise InputError(where, path, f"a floor of {self.floor:g} for every arm", remedy)


class BanditPolicy(Floored):
    """A policy that chooses an arm for every request, or shares of traffic for every day."""

    markov = True
    """Whether its probabilities depend on pulls and sums alone, so that exact regret can be enumerated."""
    slow_shares = False
    """Whether its probabilities for three arms or more take a numerical integral."""
    delayed = True
    """Whether it can learn a reward after it has chosen for later requests."""
    standardise = True
    """Whether scores in batches are brought to standard deviation 1 first (pooled, as estimated so far)."""

    def request(self, problem: Problem) -> Any:
        """Return the parameters of the policy's compiled bodies; see `kernels.requests`."""
        raise LookupError(f"{type(self).__name__} does not say how it chooses")

    def shown_by_pulls(self, floored: bool) -> bool:
        """Tell whether pulls and sums alone give its probabilities, where floors also choose arms if `floored`."""
        return self.markov

    def memory(self, problem: Problem) -> tuple[int, int]:
        """Return the shape of what the policy keeps beyond pulls and sums."""
        return (1, problem.arms)

    def least_share(self, problem: Problem) -> float:
        """Return the propensity that no arm falls below at any request; 0 where it may vanish, or is not known."""
        return float(self.floor_of(problem.arms, problem.study).min()) if self.batched else 0.0

    def lanes(self, problem: Problem) -> Callable[..., None] | None:
        """Return the loop that plays 32 experiments side by side, which is faster, where there is one; None otherwise.

        It takes rewards and choices (`kernels.lanes.lane_streams`), means as seen, gaps, checkpoints, and then the
        outputs of `kernels.requests.play_requests`.
        """
        return None

    def expected_pulls(self, problem: Problem, means: np.ndarray) -> np.ndarray | None:
        """Return the expected pulls of every arm where a formula gives them; None otherwise."""
        return None

    def allocation(self, supply: Supply) -> Any:
        """Return the parameters of the daily form: shares by what was seen up to yesterday."""
        from expsim_panel.kernels.batches import batched

        problem = Problem(supply.means.shape[1], int(supply.arrivals.sum()), supply.binary, True, study=True)
        self.check_arms(problem, self.kind)
        return batched(
            self.request(problem),
            supply.arrivals,
            supply.coverage,
            supply.binary,
            supply.means,
            supply.sds,
            supply.severity_sd,
            supply.raters,
            supply.shared,
            self.floor_of(problem.arms, study=True),
            int(self.burn_in),
            self.standardise and not supply.binary,
            np.zeros(self.memory(problem)),
            supply.ready,
        )


class SegmentPolicy(Floored):
    """A policy that sees a context (the prompt's segment or features) before it chooses an arm.

    Its compiled body is `kernels.contextual.pick`, and `learn` what it does with a reward.
    """

    batched = False

    def request(self, problem: Problem) -> Any:
        """Return the parameters of the policy's compiled bodies."""
        raise LookupError(f"{type(self).__name__} does not say how it chooses")

    def memory(self, problem: Problem) -> tuple[int, int]:
        """Return the shape of what the policy keeps."""
        raise LookupError(f"{type(self).__name__} does not say what it keeps")


class DuelPolicy(Policy):
    """A policy that chooses two arms, learns which of them was preferred, and keeps a matrix of wins.

    Its compiled body is `kernels.duels.pair`.
    """

    batched = False

    def request(self, problem: Problem) -> Any:
        """Return the parameters of the policy's compiled body."""
        raise LookupError(f"{type(self).__name__} does not say how it chooses")


policies = Registry[type[Policy]]("expsim_panel.policies", "policy")
