"""Operating characteristics: from the outcomes of thousands of experiments to figures with errors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from expsim_panel import late_arms
from expsim_panel.averages import MIN_EVENTS, blank, mean, over_arms, proportion, proportion_of
from expsim_panel.economics import Ledger
from expsim_panel.estimate_figures import adjusted_figures, covered, exaggeration
from expsim_panel.exact import Exact
from expsim_panel.guardrail_play import Guards
from expsim_panel.kernels.day_scores import ROOT as USED
from expsim_panel.kernels.special import norm_ppf
from expsim_panel.kernels.trials import FUTILE
from expsim_panel.results import Figure, Outcomes
from expsim_panel.scenario import Scenario
from expsim_panel.strategy import Strategy
from expsim_panel.token_spread import widened

__all__ = [
    "KEEP", "MIN_EVENTS", "NOTHING", "Endings", "Estimates", "Experiments", "Played", "alarms", "blank",
    "by_logged", "decisions", "endings", "estimates", "experiments", "figures", "followed", "loss", "mean", "naive",
    "over_arms", "proportion", "proportion_of", "rejected",
]  # fmt: skip

KEEP, NOTHING = -1, 0
_SCORED = (("judged", "judge"), ("labelled", "human"))


@dataclass(frozen=True)
class Estimates:
    """Effect of each variant over control as its team would estimate it, arrays (replicates, arms - 1).

    Attributes
    ----------
    effect, se : ndarray
        Difference of means and its standard error (not corrected for early stopping).
    """

    effect: np.ndarray
    se: np.ndarray


def estimates(out: Outcomes, binary: bool) -> Estimates:
    """Return the estimates at the end of each experiment; nan where an arm has too few rows.

    Where shares follow the data and none can fall below its floor, those by the logged shares; else the naive ones.
    """
    return by_logged(out.logged, USED) if out.logged is not None and out.floored else naive(out, binary)


def by_logged(logged: np.ndarray, method: int) -> Estimates:
    """Return the estimates by logged shares of one method of `kernels.day_scores`."""
    return Estimates(logged[:, method, :, 0], logged[:, method, :, 1])


def naive(out: Outcomes, binary: bool) -> Estimates:
    """Return the differences of pooled means, whatever moved the traffic."""
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


@dataclass(frozen=True)
class Played:
    """Experiments of one strategy in one world, and what is needed to judge them.

    Attributes
    ----------
    scenario : Scenario
        Of the study.
    one : Strategy
        What was played.
    money : Ledger
        The scenario's prices.
    out : Outcomes
        How the experiments ended.
    effects : ndarray, shape (replicates, arms) or (1, arms)
        True effects over control, metric units, positive is better.
    guards : Guards or None
        Results of the guardrails: one that fails keeps the control, one that is unknown leaves the experiment
        inconclusive. An arm that truly breaches is no candidate for the best; serving it loses nothing
        where it is worth more than the best, and its penalties where it has some.
    """

    scenario: Scenario
    one: Strategy
    money: Ledger
    out: Outcomes
    effects: np.ndarray
    guards: Guards | None = None


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


def endings(played: Played) -> Endings:
    """Follow every experiment from its end to the horizon."""
    scenario, out, money = played.scenario, played.out, played.money
    found = estimates(out, scenario.by_counts)
    z = norm_ppf(0.5 + played.one.design.level() / 2)
    chosen = decisions(out, found, z, scenario.scenario.indifference)
    made = followed(money, found, chosen, out.units, out.rows, played.effects, played.guards)
    if not late_arms.late_arms(scenario):
        return made
    return replace(made, regret=late_arms.regret(scenario, money, made.regret, made.value, made.best, played.guards))


def followed(
    money: Ledger,
    found: Estimates,
    chosen: np.ndarray,
    units: np.ndarray,
    rows: np.ndarray,
    effects: np.ndarray,
    guards: Guards | None = None,
) -> Endings:
    """Follow experiments to the horizon from what was decided, and the units and rows that it took, by arm."""
    size = chosen.size
    value = money.net_value(effects)
    best = np.broadcast_to(value.max(axis=1), size)
    if guards is not None:
        chosen = guards.veto(chosen, KEEP, NOTHING)
        value = value - guards.penalty
        best = np.broadcast_to(np.where(guards.breached, -np.inf, value).max(axis=1), size)
    effects, value = (np.broadcast_to(each, (size, effects.shape[1])) for each in (effects, value))
    gained = value[np.arange(size), np.maximum(chosen, 0)]
    # Answers to a prompt set are shown to nobody.
    exposures = units * (money.exposures_per_unit if money.live else 0.0)
    after = np.maximum(money.horizon - over_arms(exposures), 0.0)
    if guards is None or not guards.breached.any():
        regret = over_arms(exposures * (best[:, None] - value)) + after * (best - gained)
    else:
        regret = over_arms(exposures * np.maximum(best[:, None] - value, 0)) + after * np.maximum(best - gained, 0)
    return Endings(found, chosen, effects, value, best, gained, exposures, money.costs(units, rows), regret)


def loss(end: Endings) -> Figure:
    """Return the regret plus what scoring cost, dollars per experiment: what the advice minimises."""
    return mean(end.regret + end.spent["judge"] + end.spent["human"])


def figures(played: Played, exact: Exact | str, whole: bool = True) -> dict[str, Figure]:
    """Return the operating characteristics of one strategy in one world (docs/model.md, section 5).

    Parameters
    ----------
    played : Played
        The experiments.
    exact : Exact or str
        Exact values, or why there are none.
    whole : bool
        False for a partial result, which leaves the stage-wise answers out.
    """
    scenario, money, out, guards = played.scenario, played.money, played.out, played.guards
    known = dict(exact.values) if isinstance(exact, Exact) else {}
    end = endings(played)
    made = experiments(money, end, out.units, out.rows, out.day, scenario.scenario.indifference, guards)
    if "rows" in known:
        scored = known["rows"] * money.scored_per_row
        known |= {name: scored * money.responses[payee] for name, payee in _SCORED if money.responses[payee]}
    plain = {name for name in made.means if name.startswith("cost.")}
    means = {name: mean(values, known.get(name), name not in plain) for name, values in made.means.items()}
    return {
        **alarms(out, known),
        **({"launch": proportion(end.chosen > 0, known.get("launch"))} if guards is not None else {}),
        **{name: proportion(hits) for name, hits in made.shares.items()},
        **means,
        **widened(money, out.units, out.rows, made.means, means),
        "cost_per_correct": _ratio(made.means["cost"], made.shares["p_correct"]),
        "exaggeration": exaggeration(end),
        "coverage": covered(end.found, end.effects, norm_ppf(0.5 + played.one.design.level() / 2)),
        **adjusted_figures(played, end, whole),
    }


@dataclass(frozen=True)
class Experiments:
    """What every experiment adds to the figures, arrays (replicates,) by name of the figure.

    Attributes
    ----------
    shares : dict of bool ndarray
        Classes of outcome.
    means : dict of ndarray
        Amounts whose mean is the figure.
    """

    shares: dict[str, np.ndarray]
    means: dict[str, np.ndarray]


def experiments(
    money: Ledger,
    end: Endings,
    units: np.ndarray,
    rows: np.ndarray,
    day: np.ndarray,
    indifference: float | np.ndarray,
    guards: Guards | None = None,
) -> Experiments:
    """Return what every experiment adds to the figures (MODEL section 5).

    Parameters
    ----------
    end : Endings
        Where the experiments led.
    units, rows, day : ndarray, shapes (replicates, arms) twice and (replicates,)
        What they took.
    indifference : float or ndarray, shape (replicates,)
        Smallest effect that matters, metric units.
    """
    eps = money.value_per_point * indifference
    launched, inconclusive = end.chosen > 0, end.chosen == NOTHING
    harmful = launched & (end.gained < -eps)
    if guards is not None:
        harmful |= launched & guards.breached[np.maximum(end.chosen, 0)]
    right = ~inconclusive & ~harmful & (end.gained >= end.best - eps)
    shown = over_arms(end.exposures)
    worse = over_arms(end.exposures * (end.value < end.best[:, None] - 1e-15))
    read = over_arms(rows.astype(float))
    scored, nothing = read * money.scored_per_row, np.zeros(read.size)
    judged, labelled = (scored * money.responses[payee] for _, payee in _SCORED)
    shares = {
        "p_correct": right,
        "p_harmful_launch": harmful,
        "p_suboptimal_launch": launched & ~right & ~harmful,
        "p_missed_win": (end.chosen == KEEP) & ~right,
        "p_inconclusive": inconclusive,
    }
    means = {
        "units": over_arms(units.astype(float)),
        "exposures": shown,
        "judged": judged,
        "labelled": labelled,
        "rater_hours": (read if money.responses["human"] else nothing) * money.seconds_per_row / 3600,
        "days": money.days(day.astype(float)),
        "waiting_days": money.waiting_days(day, read),
        "calendar_days": money.days(day.astype(float)) + money.waiting_days(day, read),
        "cost": np.sum(list(end.spent.values()), axis=0),
        **{f"cost.{kind}": dollars for kind, dollars in end.spent.items()},
        "regret": end.regret,
        "simple_regret": end.best - end.gained if guards is None else np.maximum(end.best - end.gained, 0),
        "traffic_on_worse_arms": worse / np.maximum(shown, 1e-300),
    }
    return Experiments(shares, means)


def rejected(code: np.ndarray) -> np.ndarray:
    """Tell which experiments reject a hypothesis: giving up rejects none.

    Of several variants a rule ends with the one that it finds better, or for the control where it finds every variant
    worse. One variant found worse ends nothing and counts as nothing.
    """
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
