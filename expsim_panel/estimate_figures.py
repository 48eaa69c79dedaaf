"""What estimates at the end are worth: coverage and exaggeration, and both once more with early stops allowed for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from expsim_panel import plan
from expsim_panel.adjusted import Adjusted, adjusted
from expsim_panel.averages import MIN_EVENTS, blank, mean, proportion
from expsim_panel.repeated_intervals import NO_ESTIMATE, held_by_repeated
from expsim_panel.results import Figure

if TYPE_CHECKING:
    from expsim_panel.operating import Endings, Estimates, Played

LATER = "comes with the whole result"
"""Why a partial result, which has to be there at once, leaves a figure out."""

ADJUSTED = 5000
"""Experiments that get a stage-wise interval: tables at every look take most of the time that figures take."""


def exaggeration(end: Endings) -> Figure:
    """Estimate over truth among launches: the winner's curse (type M error)."""
    which = np.flatnonzero(end.chosen > 0)
    return _over_truth(end.found.effect[which, end.chosen[which] - 1], which, end.chosen, end.effects)


def _over_truth(estimate: np.ndarray, which: np.ndarray, chosen: np.ndarray, effects: np.ndarray) -> Figure:
    """Return the mean of the estimates of some experiments over the true effect of what was launched."""
    if which.size < MIN_EVENTS:
        return blank(f"fewer than {MIN_EVENTS} launches")
    truth = effects[which, chosen[which]]
    if np.any(truth == 0) or np.ptp(effects, axis=0).max() > 0:
        return blank("defined for one true effect other than zero")
    return mean(estimate / truth, spread=False)


def adjusted_figures(played: Played, end: Endings, whole: bool) -> dict[str, Figure]:
    """Return coverage and exaggeration of the stage-wise answers, and exaggeration after shrinking to the prior."""
    scenario, one, out = played.scenario, played.one, played.out
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
