"""Quality, cost and latency at once, from one experiment's data: who is on the frontier, who is best in dollars.

Quality is uncertain, cost and latency are known: with independent normal posteriors of the arms' means (a flat prior;
half the suspected bias variance in every arm) both probabilities are one-dimensional integrals,

    P(a on the frontier) = integral phi_a(q) prod_b Phi_b(q) dq          b: no dearer and no slower than a
    P(a best in dollars) = integral phi_a(q) prod_b Phi_b(q + (h_b - h_a) / w_Q) dq        h: price and waiting

and `pareto` estimates the same from draws.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from expsim_panel.economics import Ledger, ledger
from expsim_panel.operating import estimates
from expsim_panel.results import Outcomes
from expsim_panel.scenario import Scenario

if TYPE_CHECKING:
    from expsim_panel.recommend import Known

_NODES = 4001
_REACH = 8.5
"""Standard deviations each way: the tails beyond hold 1e-17."""


@dataclass(frozen=True)
class TradeOff:
    """What one experiment says of every variant, control first.

    Attributes
    ----------
    variants : tuple of str
        Names.
    quality, quality_sd : tuple of float
        Mean over the control's (positive is better) and SD of the arm's own mean, metric units.
    cost, latency : tuple of float or None
        Dollars and mean seconds per response; None where the scenario gives no latency.
    penalty : tuple of float
        Dollars per response that breaches of guardrails are expected to cost, from the data.
    frontier : tuple of float
        P(no other variant is at least as good, as cheap and as fast, and better in one).
    best : tuple of float
        P(largest net value), by the scenario's dollars per point and per second and the expected penalties.
    """

    variants: tuple[str, ...]
    quality: tuple[float, ...]
    quality_sd: tuple[float, ...]
    cost: tuple[float, ...]
    latency: tuple[float | None, ...]
    penalty: tuple[float, ...]
    frontier: tuple[float, ...]
    best: tuple[float, ...]

    def to_json(self) -> list[dict[str, Any]]:
        """Return one object a variant."""
        keys = ("variant", *list(self.__dict__)[1:])
        return [dict(zip(keys, row, strict=True)) for row in zip(*self.__dict__.values(), strict=True)]


def frontier_probability(mean: np.ndarray, sd: np.ndarray, cost: np.ndarray, latency: np.ndarray) -> np.ndarray:
    """Return P(on the Pareto frontier) of each variant, by quadrature.

    Parameters
    ----------
    mean, sd : ndarray, shape (variants,)
        Normal posteriors of quality, independent; sd above 0.
    cost, latency : ndarray, shape (variants,)
        Known; less is better.
    """
    found = []
    for a in range(mean.size):
        rivals = [b for b in range(mean.size) if b != a and cost[b] <= cost[a] and latency[b] <= latency[a]]
        found.append(_above(mean, sd, a, rivals, np.zeros(mean.size)))
    return np.array(found)


def best_probability(mean: np.ndarray, sd: np.ndarray, handicap: np.ndarray) -> np.ndarray:
    """Return P(largest quality less handicap) of each variant, by quadrature.

    Parameters
    ----------
    handicap : ndarray, shape (variants,)
        What a variant costs per response beyond quality, in metric units.
    """
    size = mean.size
    return np.array(
        [_above(mean, sd, a, [b for b in range(size) if b != a], handicap - handicap[a]) for a in range(size)]
    )


def _above(mean: np.ndarray, sd: np.ndarray, a: int, rivals: list[int], lead: np.ndarray) -> float:
    """Return P(q_a > q_b - lead_b for every rival b): Simpson's rule on the posterior of q_a."""
    from scipy.integrate import simpson
    from scipy.special import ndtr

    z = np.linspace(-_REACH, _REACH, _NODES)
    inside = np.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    for b in rivals:
        inside = inside * ndtr((mean[a] + sd[a] * z + lead[b] - mean[b]) / sd[b])
    return float(min(max(simpson(inside, x=z), 0.0), 1.0))


def of_data(scenario: Scenario, facts: Known, out: Outcomes, risk: np.ndarray) -> TradeOff | None:
    """Return the trade-off that the data of one experiment (entry 0) show; None without a spread in every arm.

    Parameters
    ----------
    risk : ndarray, shape (arms - 1,)
        Dollars per response that breaches of guardrails are expected to cost.
    """
    rows, sums, squares = (part[0].astype(float) for part in (out.rows, out.sums, out.squares))
    if (rows < 2).any():
        return None
    mean = sums / rows
    variance = np.maximum(squares / rows - mean**2, 0.0) / (rows - (0 if facts.counts else 1))
    if (variance <= 0).any():
        return None
    if out.floored:
        # Pooled means are biased where traffic followed the data: differences and their errors by the logged shares.
        found = estimates(out, facts.counts)
        apart, spread = found.effect[0], found.se[0] ** 2 - variance[0]
        if np.isfinite(spread).all():
            mean = np.append(mean[0], mean[0] + apart)
            variance = np.append(variance[0], np.maximum(spread, variance[1:]))
    sd = np.sqrt(variance + facts.suspected_bias**2 / 2)
    return _weighed(scenario, facts.money, np.arange(mean.size), mean, sd, np.append(0.0, risk))


def of_comparison(scenario: Scenario, arm: int, shift: float, error: float) -> TradeOff:
    """Return what an average comparison of the control with one variant will say, before there are data.

    Parameters
    ----------
    arm : int
        The variant.
    shift : float
        Difference that the comparison finds on average, its bias included, metric units, positive is better.
    error : float
        Standard error of the difference, suspected bias counted in, above 0; half of its variance in each arm.
    """
    sd = np.full(2, error / math.sqrt(2))
    return _weighed(scenario, ledger(scenario), np.array([0, arm]), np.array([0.0, shift]), sd, np.zeros(2))


def _weighed(
    scenario: Scenario, money: Ledger, arms: np.ndarray, mean: np.ndarray, sd: np.ndarray, penalty: np.ndarray
) -> TradeOff:
    """Put posteriors of the quality of some variants, control first, beside their cost, latency and penalties."""
    some = [scenario.variants[int(arm)] for arm in arms]
    waits = [None if one is None else one / 1000 for one in (variant.mean_wait() for variant in some)]
    known = [0.0 if wait is None else wait for wait in waits]
    if None in waits:
        known = [0.0] * len(waits)
    cost, weight = money.generation[arms], money.value_per_point
    handicap = (money.handicap[arms] + penalty) / weight if weight > 0 else 0 * cost
    return TradeOff(
        tuple(variant.name for variant in some),
        tuple((mean - mean[0]).tolist()),
        tuple(sd.tolist()),
        tuple(cost.tolist()),
        tuple(waits),
        tuple(penalty.tolist()),
        tuple(frontier_probability(mean, sd, cost, np.array(known)).tolist()),
        tuple(best_probability(mean, sd, handicap).tolist()),
    )


def reweighted(found: TradeOff, value_per_point: float, usd_per_second: float, launch: float = 0.0) -> TradeOff:
    """Return the same with other dollars per point and per second; `launch` is dollars per response.

    `best` changes with the weights; `frontier` knows none.
    """
    cost = np.array(found.cost)
    waits = [0.0 if wait is None else wait for wait in found.latency]
    slower = usd_per_second * np.maximum(0.0, np.array(waits) - waits[0])
    handicap = cost - cost[0] + slower + np.array(found.penalty)
    handicap[1:] += launch
    if value_per_point <= 0:
        best = (handicap == handicap.min()) / float((handicap == handicap.min()).sum())
    else:
        best = best_probability(np.array(found.quality), np.array(found.quality_sd), handicap / value_per_point)
    return replace(found, best=tuple(best.tolist()))
