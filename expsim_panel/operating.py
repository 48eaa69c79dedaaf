"""Operating characteristics: from the outcomes of thousands of experiments to figures with errors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from expsim_panel import late_arms, plan
from expsim_panel.adjusted import Adjusted, adjusted
from expsim_panel.averages import MIN_EVENTS, blank, mean, over_arms, proportion, proportion_of
from expsim_panel.economics import Ledger
from expsim_panel.exact import Exact
from expsim_panel.guardrail_play import Guards
from expsim_panel.kernels.day_scores import ROOT as USED
from expsim_panel.kernels.special import norm_ppf
from expsim_panel.kernels.trials import FUTILE
from expsim_panel.repeated_intervals import NO_ESTIMATE, held_by_repeated
from expsim_panel.results import Figure, Outcomes
from expsim_panel.scenario import Scenario
from expsim_panel.strategy import Strategy
from expsim_panel.token_spread import widened

__all__ = [
    "ADJUSTED", "KEEP", "LATER", "MIN_EVENTS", "NOTHING", "Endings", "Estimates", "Experiments", "alarms", "blank",
    "by_logged", "decisions", "endings", "estimates", "experiments", "figures", "followed", "loss", "mean", "naive",
    "over_arms", "proportion", "proportion_of", "rejected",
]  # fmt: skip

LATER = "comes with the whole result"
"""Why a partial result, which has to be there at once, leaves a figure out."""

ADJUSTED = 5000
"""Experiments that get a stage-wise interval: tables at every look take most of the time that figures take."""

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


def endings(
    scenario: Scenario, one: Strategy, money: Ledger, out: Outcomes, effects: np.ndarray, guards: Guards | None = None
) -> Endings:
    """Follow every experiment from its end to the horizon.

    Parameters
    ----------
    effects : ndarray, shape (replicates, arms) or (1, arms)
        True effects over control, metric units, positive is better.
    guards : Guards or None
        Results of the guardrails: one that fails keeps the control, one that is unknown leaves the experiment
        inconclusive. An arm that truly breaches is no candidate for the best; serving it loses nothing
        where it is worth more than the best, and its penalties where it has some.
    """
    found = estimates(out, scenario.by_counts)
    z = norm_ppf(0.5 + one.design.level() / 2)
    chosen = decisions(out, found, z, scenario.scenario.indifference)
    made = followed(money, found, chosen, out.units, out.rows, effects, guards)
    if not late_arms.late_arms(scenario):
        return made
    return replace(made, regret=late_arms.regret(scenario, money, made.regret, made.value, made.best, guards))


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


def figures(
    scenario: Scenario, one: Strategy, money: Ledger, out: Outcomes, effects: np.ndarray, exact: Exact | str,
    guards: Guards | None = None,
    whole: bool = True,
) -> dict[str, Figure]:  # fmt: skip
    """Return the operating characteristics of one strategy in one world (MODEL section 5).

    Parameters
    ----------
    out : Outcomes
        How the experiments ended.
    effects : ndarray, shape (replicates, arms) or (1, arms)
        True effects over control, metric units, positive is better.
    exact : Exact or str
        Exact values, or why there are none.
    guards : Guards or None
        Results of the guardrails, see `endings`.
    whole : bool
        False for a partial result, which leaves the stage-wise answers out.
    """
    known = dict(exact.values) if isinstance(exact, Exact) else {}
    end = endings(scenario, one, money, out, effects, guards)
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
        **widened(money, end.exposures, made.means, means),
        "cost_per_correct": _ratio(made.means["cost"], made.shares["p_correct"]),
        "exaggeration": _exaggeration(end.found, end.chosen, end.effects),
        "coverage": covered(end.found, end.effects, norm_ppf(0.5 + one.design.level() / 2)),
        **_adjusted(scenario, one, out, end, whole),
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
    indifference: float,
    guards: Guards | None = None,
) -> Experiments:
    """Return what every experiment adds to the figures (MODEL section 5).

    Parameters
    ----------
    end : Endings
        Where the experiments led.
    units, rows, day : ndarray, shapes (replicates, arms) twice and (replicates,)
        What they took.
    indifference : float
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
    return _over_truth(found.effect[which, chosen[which] - 1], which, chosen, effects)


def _over_truth(estimate: np.ndarray, which: np.ndarray, chosen: np.ndarray, effects: np.ndarray) -> Figure:
    """Return the mean of the estimates of some experiments over the true effect of what was launched."""
    if which.size < MIN_EVENTS:
        return blank(f"fewer than {MIN_EVENTS} launches")
    truth = effects[which, chosen[which]]
    if np.any(truth == 0) or np.ptp(effects, axis=0).max() > 0:
        return blank("defined for one true effect other than zero")
    return mean(estimate / truth, spread=False)


def _adjusted(scenario: Scenario, one: Strategy, out: Outcomes, end: Endings, whole: bool) -> dict[str, Figure]:
    """Return coverage and exaggeration of the stage-wise answers, and exaggeration after shrinking to the prior."""
    which = np.flatnonzero(end.chosen > 0)
    effect, se = end.found.effect, end.found.se
    prior = scenario.prior
    if prior.sd:
        # Selection does not change a posterior: the shrunk estimate needs no correction for it.
        at = which, end.chosen[which] - 1
        share = 1.0 / (1.0 + (se[at] / prior.sd) ** 2)
        shrunk = _over_truth(share * effect[at] + (1.0 - share) * prior.mean, which, end.chosen, end.effects)
    else:
        shrunk = blank("needs prior.effect_sd")
    level = one.design.level()
    absent = "" if whole else LATER
    if one.policy.adaptive:
        absent = "no stage-wise estimate: the allocation adapts to the data"
    elif np.ptp(end.effects, axis=0).max() > 0:
        absent = "no stage-wise estimate: the true effect varies"
    elif scenario.delay_days and len(scenario.variants) > 2:
        absent = "no repeated confidence interval: outcomes come in after the stop"
    if not absent and len(scenario.variants) > 2:
        held = held_by_repeated(one.design, plan.setting_of(scenario), out.day, effect - end.effects[:, 1:], se)
        coverage = blank(held) if isinstance(held, str) else mean(held, spread=False)
        told = {"coverage_adjusted": coverage, "exaggeration_adjusted": blank(NO_ESTIMATE)}
        return {**told, "exaggeration_shrunk": shrunk}
    truth = float(end.effects[0, 1])
    some = slice(0, ADJUSTED)
    chosen = end.chosen[some]
    which = np.flatnonzero(chosen > 0)
    # A ratio to a true effect of 0 is undefined, and the medians are most of the work.
    made: Adjusted | str = absent or adjusted(
        one.design, plan.setting_of(scenario), out.day[some] - scenario.delay_days, effect[some, 0], se[some, 0], truth,
        (chosen > 0) & (truth != 0), out.code[some] if scenario.delay_days else None,
    )  # fmt: skip
    if isinstance(made, str):
        told = {name: blank(made) for name in ("coverage_adjusted", "exaggeration_adjusted")}
    else:
        usable = np.isfinite(made.tail)
        inside = np.abs(made.tail[usable] - 0.5) < level / 2
        few = usable.sum() < MIN_EVENTS
        told = {
            "coverage_adjusted": blank("too few scored responses for an interval") if few else proportion(inside),
            "exaggeration_adjusted": _over_truth(made.estimate[which], which, chosen, end.effects),
        }
    return {**told, "exaggeration_shrunk": shrunk}


def covered(found: Estimates, effects: np.ndarray, z: float) -> Figure:
    """How often the interval of a variant holds its true effect, averaged over variants."""
    with np.errstate(invalid="ignore"):
        inside = np.abs(found.effect - effects[:, 1:]) <= z * found.se
    usable = np.all(np.isfinite(found.se), axis=1)
    if usable.sum() < MIN_EVENTS:
        return blank("too few scored responses for an interval")
    if inside.shape[1] == 1:
        return proportion(inside[usable, 0])
    return mean(inside[usable].mean(axis=1), spread=False)
