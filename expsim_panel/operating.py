"""Operating characteristics: from the outcomes of thousands of experiments to figures with errors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from expsim_panel.economics import Ledger
from expsim_panel.exact import Exact
from expsim_panel.kernels.special import norm_ppf
from expsim_panel.results import Figure, Outcomes
from expsim_panel.scenario import Scenario
from expsim_panel.strategy import Strategy

MIN_EVENTS = 30
"""Conditional figures on fewer events than this are left blank."""

KEEP, NOTHING = -1, 0


@dataclass(frozen=True)
class Estimates:
    """Effect of each variant over control as its team would estimate it, arrays (replicates, arms - 1).

    Attributes
    ----------
    effect, se : ndarray
        Difference of means and its standard error (naive; not corrected for early stopping).
    """

    effect: np.ndarray
    se: np.ndarray


def estimates(out: Outcomes, binary: bool) -> Estimates:
    """Return the naive estimates at the end of each experiment; nan where an arm has too few rows."""
    rows = out.rows.astype(float)
    ddof = 0.0 if binary else 1.0
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = out.sums / rows
        variance = np.maximum(out.squares / rows - mean**2, 0.0) / (rows - ddof)
        variance = np.where(rows > ddof, variance, np.nan)
        return Estimates(mean[:, 1:] - mean[:, :1], np.sqrt(variance[:, 1:] + variance[:, :1]))


def decisions(out: Outcomes, found: Estimates, z: float, indifference: float) -> np.ndarray:
    """Return the arm each experiment leads to: a > 0 launch, `KEEP`, or `NOTHING` (inconclusive).

    Without a finding, control is kept when the interval of every variant excludes an effect that matters.
    """
    with np.errstate(invalid="ignore"):
        nothing_there = np.all(found.effect + z * found.se < indifference, axis=1)
    return np.where(out.code != 0, out.code, np.where(nothing_there, KEEP, NOTHING)).astype(int)


def proportion(hits: np.ndarray, exact: float | None = None) -> Figure:
    """Return a proportion with its binomial standard error (never 0: at 0 or 1 of the Laplace estimate)."""
    size = hits.size
    share = float(hits.mean())
    safe = share if 0 < share < 1 else (float(hits.sum()) + 1) / (size + 2)
    return Figure(share, float(np.sqrt(safe * (1 - safe) / size)), exact)


def mean(values: np.ndarray, exact: float | None = None, spread: bool = True) -> Figure:
    """Return a mean with its standard error and, if `spread`, the quantiles over experiments."""
    quantiles = None
    if spread:
        low, middle, high = np.quantile(values, (0.05, 0.5, 0.95))
        quantiles = {"0.05": float(low), "0.5": float(middle), "0.95": float(high)}
    error = float(values.std(ddof=1) / np.sqrt(values.size)) if values.size > 1 else None
    reason = None if values.size > 1 else "one replicate has no standard error"
    return Figure(float(values.mean()), error, exact, quantiles, reason)


def blank(reason: str) -> Figure:
    """Return an undefined figure."""
    return Figure(None, reason=reason)


def figures(
    scenario: Scenario, one: Strategy, money: Ledger, out: Outcomes, effects: np.ndarray, exact: Exact | str
) -> dict[str, Figure]:
    """Return the operating characteristics of one strategy in one world (MODEL section 5).

    Parameters
    ----------
    out : Outcomes
        How the experiments ended.
    effects : ndarray, shape (replicates, arms) or (1, arms)
        True effects over control, metric units, positive is better.
    exact : Exact or str
        Exact values, or why there are none.
    """
    known = exact.values if isinstance(exact, Exact) else {}
    size = out.code.size
    found = estimates(out, scenario.family == "binary")
    z = norm_ppf(0.5 + one.design.level() / 2)
    effects = np.broadcast_to(effects, (size, effects.shape[1]))
    chosen = decisions(out, found, z, scenario.scenario.indifference)
    value = money.net_value(effects)
    best = value.max(axis=1)
    arm = np.maximum(chosen, 0)
    gained = value[np.arange(size), arm]
    eps = money.value_per_point * scenario.scenario.indifference
    launched, inconclusive = chosen > 0, chosen == NOTHING
    right = ~inconclusive & (gained >= best - eps)
    harmful = launched & (gained < -eps)
    exposures = out.units * money.exposures_per_unit
    spent = money.costs(out.units, out.rows)
    total = sum(spent.values(), np.zeros(size))
    after = np.maximum(money.horizon - exposures.sum(axis=1), 0.0)
    regret = (exposures * (best[:, None] - value)).sum(axis=1) + after * (best - gained)
    rows = out.rows.sum(axis=1).astype(float)
    judged = rows if money.payee == "judge" else np.zeros(size)
    labelled = rows if money.payee == "human" else np.zeros(size)
    made = {
        "rejection": proportion(out.code != 0, known.get("rejection")),
        "launch": proportion(launched, known.get("launch")),
        "p_correct": proportion(right),
        "p_harmful_launch": proportion(harmful),
        "p_suboptimal_launch": proportion(launched & ~right & ~harmful),
        "p_missed_win": proportion((chosen == KEEP) & ~right),
        "p_inconclusive": proportion(inconclusive),
        "units": mean(out.units.sum(axis=1).astype(float), known.get("units")),
        "exposures": mean(exposures.sum(axis=1), known.get("exposures")),
        "judged": mean(judged, known.get("rows", 0.0) if money.payee == "judge" and known else None),
        "labelled": mean(labelled, known.get("rows", 0.0) if money.payee == "human" and known else None),
        "rater_hours": mean(labelled * money.seconds_per_row / 3600),
        "days": mean(out.day.astype(float), known.get("days")),
        "cost": mean(total, known.get("cost")),
        **{f"cost.{kind}": mean(dollars, known.get(f"cost.{kind}"), False) for kind, dollars in spent.items()},
        "cost_per_correct": _ratio(total, right),
        "regret": mean(regret),
        "loss": mean(regret + spent["judge"] + spent["human"]),
        "simple_regret": mean(best - gained),
        "traffic_on_worse_arms": mean(
            (exposures * (value < best[:, None] - 1e-15)).sum(axis=1) / exposures.sum(axis=1)
        ),
        "exaggeration": _exaggeration(found, chosen, effects),
        "coverage": _coverage(found, effects, z),
    }
    return made


def _ratio(cost: np.ndarray, right: np.ndarray) -> Figure:
    """Cost per correct decision, E[cost] / P(correct), with its delta-method error."""
    if right.sum() < MIN_EVENTS:
        return blank(f"fewer than {MIN_EVENTS} correct decisions")
    share = float(right.mean())
    ratio = float(cost.mean()) / share
    return Figure(ratio, float((cost - ratio * right).std(ddof=1) / (share * np.sqrt(cost.size))))


def _exaggeration(found: Estimates, chosen: np.ndarray, effects: np.ndarray) -> Figure:
    """Estimate over truth among launches: the winner's curse (type M error)."""
    which = np.flatnonzero(chosen > 0)
    if which.size < MIN_EVENTS:
        return blank(f"fewer than {MIN_EVENTS} launches")
    truth = effects[which, chosen[which]]
    if np.any(truth == 0) or np.ptp(effects, axis=0).max() > 0:
        return blank("defined for one true effect other than zero")
    return mean(found.effect[which, chosen[which] - 1] / truth, spread=False)


def _coverage(found: Estimates, effects: np.ndarray, z: float) -> Figure:
    """How often the interval of a variant holds its true effect, averaged over variants."""
    with np.errstate(invalid="ignore"):
        inside = np.abs(found.effect - effects[:, 1:]) <= z * found.se
    usable = np.all(np.isfinite(found.se), axis=1)
    if usable.sum() < MIN_EVENTS:
        return blank("too few scored responses for an interval")
    if inside.shape[1] == 1:
        return proportion(inside[usable, 0])
    return mean(inside[usable].mean(axis=1), spread=False)
