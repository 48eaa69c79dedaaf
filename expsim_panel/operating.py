"""Operating characteristics: from the outcomes of thousands of experiments to figures with errors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from expsim_panel.economics import Ledger
from expsim_panel.exact import Exact
from expsim_panel.kernels.special import norm_ppf
from expsim_panel.kernels.trials import FUTILE
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

    Without a finding, control is kept when the interval of every variant excludes an effect that matters, or
    when the rule gave up.
    """
    with np.errstate(invalid="ignore"):
        nothing_there = np.all(found.effect + z * found.se < indifference, axis=1)
    chosen = np.where(out.code != 0, out.code, np.where(nothing_there, KEEP, NOTHING))
    return np.where(out.code == FUTILE, KEEP, chosen).astype(int)


def over_arms(values: np.ndarray) -> np.ndarray:
    """Sum over the last axis; NumPy's own `sum` is ten times slower along an axis of a few arms."""
    return np.asarray(np.einsum("...a->...", values))


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


@dataclass(frozen=True)
class Endings:
    """Where each experiment led and what that was worth, arrays (replicates, ...).

    Attributes
    ----------
    found : Estimates
        The estimates at the end.
    chosen : int ndarray
        Decision, see `decisions`.
    effects, value : ndarray, shape (replicates, arms)
        True effects, and net values in dollars per response.
    best, gained : ndarray
        Net value of the best arm, and of what was chosen.
    exposures : ndarray, shape (replicates, arms)
        Responses shown in the experiment.
    spent : dict of ndarray
        Dollars by kind.
    regret : ndarray
        Dollars lost against the best arm from the start, to the horizon.
    """

    found: Estimates
    chosen: np.ndarray
    effects: np.ndarray
    value: np.ndarray
    best: np.ndarray
    gained: np.ndarray
    exposures: np.ndarray
    spent: dict[str, np.ndarray]
    regret: np.ndarray


def endings(scenario: Scenario, one: Strategy, money: Ledger, out: Outcomes, effects: np.ndarray) -> Endings:
    """Follow every experiment from its end to the horizon.

    Parameters
    ----------
    effects : ndarray, shape (replicates, arms) or (1, arms)
        True effects over control, metric units, positive is better.
    """
    size = out.code.size
    found = estimates(out, scenario.family == "binary")
    z = norm_ppf(0.5 + one.design.level() / 2)
    chosen = decisions(out, found, z, scenario.scenario.indifference)
    value = money.net_value(effects)
    best = np.broadcast_to(value.max(axis=1), size)
    effects, value = (np.broadcast_to(each, (size, effects.shape[1])) for each in (effects, value))
    gained = value[np.arange(size), np.maximum(chosen, 0)]
    exposures = out.units * money.exposures_per_unit
    after = np.maximum(money.horizon - over_arms(exposures), 0.0)
    regret = over_arms(exposures * (best[:, None] - value)) + after * (best - gained)
    return Endings(found, chosen, effects, value, best, gained, exposures, money.costs(out.units, out.rows), regret)


def loss(end: Endings) -> Figure:
    """Return the regret plus what scoring cost, dollars per experiment: what the advice minimises."""
    return mean(end.regret + end.spent["judge"] + end.spent["human"])


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
    end = endings(scenario, one, money, out, effects)
    best = end.best
    eps = money.value_per_point * scenario.scenario.indifference
    launched, inconclusive = end.chosen > 0, end.chosen == NOTHING
    right = ~inconclusive & (end.gained >= best - eps)
    harmful = launched & (end.gained < -eps)
    shown = over_arms(end.exposures)
    worse = over_arms(end.exposures * (end.value < best[:, None] - 1e-15))
    total = np.sum(list(end.spent.values()), axis=0)
    rows = over_arms(out.rows.astype(float))
    scored = rows * money.scored_per_row
    judged, labelled = (scored if money.payee == payee else np.zeros(rows.size) for payee in ("judge", "human"))
    exact_scored = known["rows"] * money.scored_per_row if "rows" in known else None
    exact_rows = {payee: exact_scored if money.payee == payee else None for payee in ("judge", "human")}
    return {
        **alarms(out, known),
        "p_correct": proportion(right),
        "p_harmful_launch": proportion(harmful),
        "p_suboptimal_launch": proportion(launched & ~right & ~harmful),
        "p_missed_win": proportion((end.chosen == KEEP) & ~right),
        "p_inconclusive": proportion(inconclusive),
        "units": mean(over_arms(out.units.astype(float)), known.get("units")),
        "exposures": mean(shown, known.get("exposures")),
        "judged": mean(judged, exact_rows["judge"]),
        "labelled": mean(labelled, exact_rows["human"]),
        "rater_hours": mean((rows if money.payee == "human" else 0 * rows) * money.seconds_per_row / 3600),
        "days": mean(out.day.astype(float), known.get("days")),
        "waiting_days": mean(money.waiting_days(out.day, rows)),
        "cost": mean(total, known.get("cost")),
        **{f"cost.{kind}": mean(dollars, known.get(f"cost.{kind}"), False) for kind, dollars in end.spent.items()},
        "cost_per_correct": _ratio(total, right),
        "regret": mean(end.regret),
        "simple_regret": mean(best - end.gained),
        "traffic_on_worse_arms": mean(worse / shown),
        "exaggeration": _exaggeration(end.found, end.chosen, end.effects),
        "coverage": _coverage(end.found, end.effects, norm_ppf(0.5 + one.design.level() / 2)),
    }


def rejected(code: np.ndarray) -> np.ndarray:
    """Tell which experiments reject a hypothesis: giving up rejects none."""
    return np.asarray((code != 0) & (code != FUTILE))


def alarms(out: Outcomes, known: Mapping[str, float]) -> dict[str, Figure]:
    """Return how often the test rejects at all, and how often it rejects for a variant."""
    return {
        "rejection": proportion(rejected(out.code), known.get("rejection")),
        "launch": proportion(out.code > 0, known.get("launch")),
    }


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
