"""What makes a world's days differ: effects that come and go, drift, spill-over, clusters, outcomes that are late."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from expsim_panel import outcomes, rated_rows, timeline
from expsim_panel.clusters import Clusters
from expsim_panel.evaluation import Evaluator
from expsim_panel.rating_law_tables import LawTable
from expsim_panel.scenario import Scenario
from expsim_panel.uneven import AMOUNTS, LEVELS, RATED, Uneven


@dataclass(frozen=True)
class Days:
    """What the days of a world are like, however good the variants are.

    Attributes
    ----------
    spill : float
        Part of an effect that is everybody's.
    steps : ndarray, shape (days, arms)
        What each day adds to the true means of what is analysed.
    drift : ndarray, shape (days,)
        What it adds to the evaluator's scores.
    stratified : bool
        Whether variants are compared within each day.
    table : LawTable or None
        What rated rows are drawn from.
    family : int
        The kernel's family of the rows.
    differ : bool
        Whether any of this makes the world not plain.
    """

    spill: float
    steps: np.ndarray
    drift: np.ndarray
    stratified: bool
    table: LawTable | None
    family: int
    differ: bool


def days_of(scenario: Scenario, world: str, evaluator: Evaluator) -> Days:
    """Return what the days of a world are like."""
    traffic = scenario.traffic
    steps, drift = daily_steps(scenario, world), timeline.drift(scenario, world)
    stratified = timeline.stratified(scenario)
    table = rated_rows.rated(scenario, evaluator)
    family = RATED if table is not None else outcomes.family(scenario.metric)
    differ = bool(
        family in (LEVELS, AMOUNTS, RATED) or steps.any() or drift.any() or stratified or scenario.delay_days
        or scenario.analysis.skip_days or traffic.ramp is not None
    )  # fmt: skip
    return Days(timeline.spill(scenario), steps, drift, stratified, table, family, differ)


def uneven_days(
    scenario: Scenario,
    world: str,
    evaluator: Evaluator,
    days: Days,
    shown: np.ndarray,
    pull: np.ndarray,
    found: Clusters,
) -> Uneven | None:
    """Return what makes this world not plain, or None.

    Parameters
    ----------
    days : Days
        Of this world.
    shown : ndarray, shape (size, arms)
        True means in the absence of spill-over.
    pull : ndarray, shape (size, arms)
        What every arm's true mean gains where an arm has all of the traffic.
    """
    if not (days.differ or found.hidden or pull.any()):
        return None
    steps, drift, table, family = days.steps, days.drift, days.table, days.family
    slope = _slope(evaluator, scenario)
    sign = scenario.sign
    behind: dict[str, Any] = {}
    if table is not None:
        law_of = rated_rows.outcome(scenario, table, len(steps), world in ("null", "unbiased"))
        behind = {"base": shown, "steps": steps, "pull": pull, "outcome": law_of}
    elif family in (LEVELS, AMOUNTS):
        none = np.zeros((1, shown.shape[1]))
        bare = evaluator.measure(none, none, scenario.family)
        offset = sign * (np.broadcast_to(bare.means, steps.shape) + drift[:, None])
        law_of = outcomes.law(scenario.metric, offset, sign * slope, float(bare.sds.max()))
        behind = {"base": shown, "steps": steps, "pull": pull, "outcome": law_of}
    return Uneven(
        family,
        sign * (slope * steps + drift[:, None]),
        sign * slope * pull,
        found.icc if found.hidden else 0.0,
        found.size,
        found.spread,
        found.effect,
        timeline.shares(scenario),
        int(scenario.delay_days),
        int(scenario.analysis.skip_days),
        days.stratified,
        # Days that are corrected apart wait for their own labels, whatever the judge has said.
        lag=0 if days.stratified else evaluator.label_lag,
        **behind,
    )


def daily_steps(scenario: Scenario, world: str) -> np.ndarray:
    """Return what each day adds to the true means of what is analysed, shape (days, arms)."""
    steps, lost = timeline.shift(scenario, world), scenario.traffic.mismatch
    if lost is not None and world != "unbiased":
        # What is left is better than the whole by what the lost part was worse.
        steps[:, 1:] += scenario.sign * lost.lost * lost.worse
    return steps


def _slope(evaluator: Evaluator, scenario: Scenario) -> float:
    """Return the points of score per point of quality: every evaluator is linear in the mean."""
    arms = len(scenario.variants)
    at = np.array([[0.25] * arms, [0.75] * arms])
    seen = evaluator.measure(at, np.ones_like(at), scenario.family).means[:, 0]
    return float(2 * (seen[1] - seen[0]))
