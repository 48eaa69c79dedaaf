"""A bandit's world with prices, a budget, bad events or ratings; what could at best be earned in it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from expsim_panel.bandit_blocks import Floats, read_rows
from expsim_panel.best_arm import check_means, lai_robbins
from expsim_panel.errors import InputError, shown
from expsim_panel.policy import Problem

_WHERE = "bandit"


@dataclass(frozen=True)
class MeteredWorld:
    """Rewards, prices, bad events; build it with `metered_world`.

    Attributes
    ----------
    family : str
        ``bernoulli``, ``gaussian`` (standard deviation 1) or ``ratings``.
    means : ndarray, shape (arms,)
        Mean reward as the policies see it: ratings are brought from 1..J to 0..1.
    edges : ndarray, shape (arms, levels - 1)
        P(reward is at most level k); no columns for normal rewards.
    costs : ndarray, shape (arms,)
        Price of a pull, or the chance that it costs 1.
    unknown_costs : bool
        Whether prices are 0/1 draws that policies have to learn.
    budget : float
        What all pulls may cost; infinite without one.
    value : float or None
        Worth of one unit of reward (one rating point) in the unit of cost; None: reward alone counts.
    risks : ndarray, shape (arms,)
        Chance of a bad event.
    limit : float or None
        Largest rate of bad events that is allowed.
    scale : float
        Rewards in their own unit per unit that policies see: J - 1 for ratings.
    """

    family: str
    means: Floats
    edges: Floats
    costs: Floats
    unknown_costs: bool
    budget: float
    value: float | None
    risks: Floats
    limit: float | None
    scale: float

    @property
    def worth(self) -> Floats:
        """Mean worth of a pull: reward in its own unit, or its value less its price."""
        reward = self.means * self.scale
        return reward if self.value is None else self.value * reward - self.costs

    @property
    def safe(self) -> Any:
        """Which arms keep the limit; the control alone where none does, for somebody has to answer."""
        kept = self.risks <= (math.inf if self.limit is None else self.limit)
        return kept if kept.any() else np.arange(self.means.size) == 0

    def alone(self, horizon: int) -> Floats:
        """Return the worth per request of serving each safe arm alone, as long as the budget lasts."""
        with np.errstate(divide="ignore"):
            served = np.minimum(horizon, np.where(self.costs > 0.0, self.budget / self.costs, np.inf))
        # An arm that breaks the limit is worth nothing, whatever it earns.
        return np.asarray(np.where(self.safe, self.worth * served / horizon, min(0.0, float(self.worth.min()))))

    def optimum(self, horizon: int) -> float:
        """Return the most that can be expected from requests and budget, with safe arms and known means.

        Without a budget every request is served by the best arm. With one it is the linear programme ``max sum
        x_a worth_a`` with ``sum x_a <= horizon``, ``sum x_a cost_a <= budget``.

        References
        ----------
        A. Badanidiyuru, R. Kleinberg, A. Slivkins (2013), "Bandits with knapsacks", FOCS, section 3.
        """
        worth, costs = self.worth[self.safe], self.costs[self.safe]
        if math.isinf(self.budget):
            return float(horizon * worth.max())
        from scipy.optimize import linprog

        found = linprog(-worth, A_ub=[np.ones(worth.size), costs], b_ub=[horizon, self.budget], method="highs")
        return float(-found.fun)

    def lower_bound(self) -> float | None:
        """Return the constant of ``C log T`` for the plain problem; None with prices or a limit."""
        if self.value is not None or self.limit is not None or math.isfinite(self.budget):
            return None
        if self.family != "ratings":
            return lai_robbins(self.means, self.family)
        return self.scale * burnetas_katehakis(np.diff(self.edges, prepend=0.0, append=1.0))

    def problem(self, horizon: int) -> Problem:
        """Return what a policy may know."""
        return Problem(
            self.means.size,
            horizon,
            self.family != "gaussian",
            levels=self.edges.shape[1] + 1,
            costs=() if self.unknown_costs else tuple(float(cost) for cost in self.costs),
            unknown_costs=self.unknown_costs,
            budget=self.budget,
            value=None if self.value is None else self.value * self.scale,
            limit=self.limit,
        )

    def tree(self) -> list[Any]:
        """Return what tells two worlds apart."""
        budget = None if math.isinf(self.budget) else self.budget
        rows = [self.means.tolist(), self.edges.tolist(), self.costs.tolist(), self.risks.tolist()]
        return [self.family, *rows, self.unknown_costs, budget, self.value, self.limit, self.scale]


def divergence_to(law: Floats, mean: float) -> float:
    """Return K_inf(law, mean): least divergence of a law on the same levels 0..1 with a larger mean.

    ``max over 0 <= l <= 1 of sum p_k log(1 - l (x_k - mean) / (1 - mean))``; kl for two levels.

    References
    ----------
    J. Honda, A. Takemura (2010), "An asymptotically optimal bandit algorithm for bounded support models", COLT,
    theorem 5 (the dual form).
    """
    from scipy.optimize import minimize_scalar

    if mean >= 1.0:
        return math.inf
    levels = np.linspace(0.0, 1.0, law.size)
    if law @ levels >= mean:
        return 0.0
    here = law > 0.0
    slopes = (levels[here] - mean) / (1.0 - mean)

    def minus(part: float) -> float:
        return -float(law[here] @ np.log(np.maximum(1.0 - part * slopes, 1e-300)))

    found = minimize_scalar(minus, bounds=(0.0, 1.0), method="bounded", options={"xatol": 1e-12})
    return max(-float(found.fun), -minus(1.0))


def burnetas_katehakis(laws: Floats) -> float:
    """Return the constant C of the bound ``C log T`` for laws on equal levels 0..1, shape (arms, levels).

    References
    ----------
    A. Burnetas, M. Katehakis (1996), "Optimal adaptive policies for sequential allocation problems", Advances in
    Applied Mathematics 17, 122-142.
    """
    means = laws @ np.linspace(0.0, 1.0, laws.shape[1])
    best = float(means.max())
    gaps = [(best - float(m), divergence_to(law, best)) for law, m in zip(laws, means, strict=True) if m < best - 1e-12]
    return math.fsum(gap / far for gap, far in gaps)


def metered_world(
    means: Sequence[float] | None = None,
    *,
    family: str = "bernoulli",
    ratings: Sequence[Sequence[float]] | None = None,
    costs: Sequence[float] | None = None,
    unknown_costs: bool = False,
    budget: float | None = None,
    value: float | None = None,
    guardrail: Sequence[float] | None = None,
    limit: float | None = None,
) -> MeteredWorld:
    """Return a world, checked.

    Parameters
    ----------
    means : sequence of float
        Mean reward of each arm; leave out with `ratings`.
    family : str
        ``bernoulli``, or ``gaussian`` with standard deviation 1.
    ratings : sequence of sequences
        For every arm the chances of the ratings 1, 2, ..., J; each row is brought to sum 1.
    costs : sequence of float
        Price of a pull of each arm (1 without), or with `unknown_costs` the chance that it costs 1.
    budget : float
        What all pulls together may cost, above 0.
    value : float
        Worth of one unit of reward: regret is then in the unit of costs.
    guardrail : sequence of float
        Chance that a pull of the arm is a bad event.
    limit : float
        Largest rate of bad events that is allowed, above 0 and below 1.

    Raises
    ------
    InputError
        Numbers that do not fit each other or are out of bounds, such as a budget of 0.
    """
    scale = 1.0
    if ratings is not None:
        if means is not None:
            raise InputError(_WHERE, "means", "means and ratings", "give one of them")
        laws = read_rows(ratings, _WHERE, "ratings", "[[0.2, 0.3, 0.5], [0.1, 0.3, 0.6]]", "arm")
        if laws.shape[1] < 2 or laws.shape[1] > 100:
            raise InputError(_WHERE, "ratings", f"{laws.shape[1]} levels", "give the chances of 2 to 100 ratings")
        if laws.min() < 0.0 or laws.sum(axis=1).min() <= 0.0:
            raise InputError(_WHERE, "ratings", f"{shown(ratings)} are no chances", "give numbers of at least 0")
        laws = laws / laws.sum(axis=1)[:, None]
        family, scale = "ratings", laws.shape[1] - 1.0
        values = check_means(laws @ np.linspace(0.0, 1.0, laws.shape[1]), "bernoulli", _WHERE, "ratings")
        edges = np.cumsum(laws, axis=1)[:, :-1]
    else:
        values = check_means([] if means is None else means, family, _WHERE, "means")
        edges = 1.0 - values[:, None] if family == "bernoulli" else np.zeros((values.size, 0))
    prices = np.ones(values.size) if costs is None else _by_arm(costs, values.size, "costs", unknown_costs)
    if budget is not None and not 0.0 < budget < math.inf:
        raise InputError(_WHERE, "budget", f"a budget of {shown(budget)}", "give an amount above 0")
    if value is not None and not 0.0 < value < 1e9:
        raise InputError(_WHERE, "value", f"a value of {shown(value)}", "give an amount above 0")
    if unknown_costs and costs is None:
        raise InputError(_WHERE, "unknown_costs", "no costs", "give the chance that a pull of each arm costs 1")
    if (limit is None) != (guardrail is None):
        key, other = ("guardrail", "limit") if guardrail is None else ("limit", "guardrail")
        raise InputError(_WHERE, key, f"{other} without {key}", "give the rates of bad events and their limit together")
    if limit is not None and not 0.0 < limit < 1.0:
        raise InputError(_WHERE, "limit", f"a limit of {shown(limit)}", "give a rate above 0 and below 1")
    risks = np.zeros(values.size) if guardrail is None else _by_arm(guardrail, values.size, "guardrail", True)
    return MeteredWorld(
        family, values, edges, prices, bool(unknown_costs), math.inf if budget is None else float(budget), value, risks,
        limit, scale,
    )  # fmt: skip


def _by_arm(numbers: object, arms: int, key: str, rates: bool) -> Floats:
    """Return one number for every arm: a rate, or an amount above 0."""
    row: Floats = read_rows([numbers], _WHERE, key, "0.01,0.05")[0]
    if row.size != arms:
        raise InputError(_WHERE, key, f"{row.size} numbers for {arms} arms", "give one for every arm")
    if rates and (row.min() < 0.0 or row.max() > 1.0):
        raise InputError(_WHERE, key, f"{shown(row.tolist())} are no rates", "give numbers from 0 to 1")
    if not rates and row.min() <= 0.0:
        raise InputError(_WHERE, key, f"{float(row.min()):g} is no price", "give amounts above 0")
    return row
