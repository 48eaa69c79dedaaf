"""From a study to arrays: the worlds that are simulated and what each strategy does in them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from expsim_panel import offline_plan, outcomes, rated_rows, timeline
from expsim_panel.clusters import Clusters, clusters_of
from expsim_panel.daily_change import days_of, uneven_days
from expsim_panel.design import Setting
from expsim_panel.evaluation import Evaluator
from expsim_panel.kernels.streams import TRUTH, generator
from expsim_panel.offline_laws import rows_per_prompt
from expsim_panel.preference_rows import arm_sds, planned_sd, preference
from expsim_panel.remembering import Once, directly
from expsim_panel.row_law import Law
from expsim_panel.scenario import Scenario
from expsim_panel.uneven import RATED

WORLDS = ("truth", "null", "unbiased", "prior")
"""truth: as the scenario says. null: the null twin. unbiased: the null twin under a perfect evaluator and
without anything that passes. prior: effects drawn from the design prior, for advice."""


@dataclass(frozen=True)
class Schedule:
    """Traffic of a fixed split.

    Attributes
    ----------
    arrivals : int64 ndarray, shape (days,)
        Units arriving each day.
    units, scored : int64 ndarray, shape (days, arms)
        Units enrolled by the end of each day, and the rows of the analysis that come of them.
    rows, informed : int64 ndarray, shape (days, arms)
        Rows that are known by then, and the units that they come from: fewer where outcomes are late.
    """

    arrivals: np.ndarray
    units: np.ndarray
    scored: np.ndarray
    rows: np.ndarray
    informed: np.ndarray

    @property
    def daily_rows(self) -> np.ndarray:
        """Rows of each day's enrolment, shape (days, arms)."""
        return np.diff(self.scored, axis=0, prepend=0)


def schedule(scenario: Scenario, found: Clusters | None = None) -> Schedule:
    """Spread the traffic over days and arms by rounding cumulative quotas, so that every total comes out right.

    Parameters
    ----------
    found : Clusters, optional
        The scenario's `clusters`, where the caller has them already; the same below.
    """
    if scenario.offline is not None:
        units, rows = offline_plan.batches(scenario)
        return Schedule(np.diff(units.sum(axis=1), prepend=0), units, rows, rows, units)
    traffic, analysis = scenario.traffic, scenario.analysis
    week = traffic.seasonality
    if traffic.ramp is None and (week is None or not week.traffic) and not timeline.late_arms(scenario):
        total = traffic.units_per_day * np.arange(1, traffic.days + 1)
        edges = np.cumsum([0.0, *scenario.shares])
        edges[-1] = 1.0
        quotas = total[:, None] * edges
    else:
        edges = np.cumsum(np.insert(timeline.shares(scenario), 0, 0.0, axis=1), axis=1)
        edges[:, -1] = 1.0
        quotas = np.cumsum(traffic.units_per_day * timeline.weights(scenario)[:, None] * edges, axis=0)
    whole = np.floor(quotas + 0.5).astype(np.int64)
    units = whole[:, 1:] - whole[:, :-1]
    if scenario.side_by_side:
        units[:, 0] = units[:, 1:].sum(axis=1)
    arrivals = np.diff(units.sum(axis=1), prepend=0)
    counted = units
    if analysis.skip_days:
        counted = np.maximum(units - units[analysis.skip_days - 1], 0)
    rows = np.floor(rows_per_unit(scenario, found) * counted + 0.5).astype(np.int64)
    if scenario.side_by_side:
        rows[:, 0] = rows[:, 1:].sum(axis=1)
    if traffic.mismatch is not None and traffic.mismatch.lost > 0:
        rows[:, 1:] = np.floor((1 - traffic.mismatch.lost) * rows[:, 1:] + 0.5)
    return Schedule(arrivals, units, rows, late(rows, scenario.delay_days), late(counted, scenario.delay_days))


def late(values: np.ndarray, delay: int) -> np.ndarray:
    """Return what is known each day of values by day of enrolment (first axis): nothing for the first `delay` days."""
    if delay == 0:
        return values
    return np.concatenate([np.zeros_like(values[:delay]), values[:-delay]])


def rows_per_unit(scenario: Scenario, found: Clusters | None = None) -> float:
    """Return the rows of the analysis per unit enrolled."""
    if scenario.offline is not None:
        return rows_per_prompt(scenario)
    coverage = float(scenario.evaluator.row_share)
    if scenario.traffic.switchback is not None and scenario.analysis.unit != "unit":
        return coverage
    return coverage * (found or clusters(scenario)).rows_per_unit


def clusters(scenario: Scenario, world: str = "truth", once: Once = directly) -> Clusters:
    """Return the clusters of the scored responses."""
    return once(clusters_of, scenario, 1.0 if scenario.side_by_side else once(_control, scenario, world)[0])


def _control(scenario: Scenario, world: str) -> tuple[float, float]:
    """Return the standard deviation of a scored response of the control, and that of rater severity."""
    measured = evaluator_in(scenario, world).measure(scenario.means[None], scenario.sds[None], scenario.family)
    return float(measured.sds[0, 0]), float(measured.severity_sd)


def evaluator_in(scenario: Scenario, world: str) -> Evaluator:
    """Return who measures in a world."""
    evaluator: Evaluator = scenario.evaluator
    return evaluator.bias_free() if world == "unbiased" else evaluator


def true_means(scenario: Scenario, world: str, seed: int, block: int, size: int) -> np.ndarray:
    """Return the true means, shape (size, arms).

    The design prior draws each variant's effect from N(effect_mean, effect_sd); rates are kept inside
    0.001 to 0.999.
    """
    means = np.tile(scenario.means, (size, 1))
    if world in ("null", "unbiased"):
        means[:] = means[:, :1]
    elif world == "prior":
        prior = scenario.prior
        draws = generator(seed, TRUTH, block).standard_normal((size, means.shape[1] - 1))
        means[:, 1:] = means[:, :1] + scenario.sign * (prior.mean + effect_sd(scenario) * draws)
        table = rated_rows.rated(scenario, scenario.evaluator)
        if scenario.family == "binary":
            means = np.clip(means, 0.001, 0.999)
        elif table is not None:
            means = np.clip(means, *table.limits)
        else:
            means = np.clip(means, *outcomes.limits(scenario.metric))
    return means


def effect_sd(scenario: Scenario) -> float:
    """Return the spread of the design prior: as given, or else a wide guess named in its doc."""
    given = scenario.prior.sd
    if given is not None:
        return float(given)
    size = float(scenario.scenario.indifference)
    return 4 * size if size > 0 else 0.1 * float(np.mean(scenario.sds))


def law(scenario: Scenario, world: str, seed: int, block: int, size: int) -> Law:
    """Return the law of the scored rows in one block of a world."""
    sds = scenario.sds
    if world in ("null", "unbiased"):
        sds = np.full_like(sds, sds[0])
    return law_of(scenario, world, true_means(scenario, world, seed, block, size), sds)


def law_of(
    scenario: Scenario,
    world: str,
    means: np.ndarray,
    sds: np.ndarray,
    found: Clusters | None = None,
    once: Once = directly,
) -> Law:
    """Return the law of the scored rows for true means and standard deviations of a response, shape (size, arms).

    Parameters
    ----------
    once : Once
        `Memory.once` where a study is moved and asked again and again; the same below.
    """
    if scenario.offline is not None:
        return _offline_law(scenario, world, means, sds)
    found = found or clusters(scenario, world, once)
    if scenario.side_by_side:
        made = preference(scenario, world, evaluator_in(scenario, world), means, found)
        effects = scenario.sign * (means - means[:, :1])
        return Law(made.means, made.sds, effects, 0.0, 0, True, made.rows, made.uneven)
    gaps = means - means[:, :1]
    evaluator = once(evaluator_in, scenario, world)
    days = once(days_of, scenario, world, evaluator)
    shown = means if days.spill == 0 else means[:, :1] + (1 - days.spill) * gaps
    sds = sds if sds.shape == shown.shape else np.broadcast_to(sds, shown.shape)
    measured = evaluator.measure(shown, sds, scenario.family)
    pull = days.spill * gaps
    uneven = uneven_days(scenario, world, evaluator, days, shown, pull, found)
    if uneven is not None and uneven.lag > 0:
        uneven = replace(uneven, by_look=_by_look(scenario, evaluator, shown[:1], sds[:1]))
    raters = evaluator.panels if uneven is not None and uneven.family == RATED else measured.raters
    return Law(
        np.ascontiguousarray(oriented(scenario, measured.means)),
        np.ascontiguousarray(_row_sds(scenario, measured.sds, found)),
        scenario.sign * gaps,
        measured.severity_sd,
        raters,
        measured.shared,
        evaluator.rows(scenario, shown, sds, pull, days.steps),
        uneven,
    )


def _offline_law(scenario: Scenario, world: str, means: np.ndarray, sds: np.ndarray) -> Law:
    """Return the law of rows on a prompt set."""
    made = offline_plan.parts(scenario, evaluator_in(scenario, world), means, sds)
    effects = scenario.sign * (means - means[:, :1])
    return Law(made.means, made.sds, effects, made.severity_sd, made.raters, made.shared, made.rows)


def _by_look(scenario: Scenario, evaluator: Evaluator, means: np.ndarray, sds: np.ndarray) -> np.ndarray:
    """Return the variance of a corrected mean times its labels at the end of each day, labels later than scores."""
    plan_of = schedule(scenario)
    due = late(plan_of.scored, scenario.delay_days - scenario.evaluator.label_lag)[:, 0]
    parts = np.where(due > 0, plan_of.rows[:, 0] / np.maximum(due, 1), 1.0)
    return np.stack([evaluator.partly_labelled(means, sds, scenario.family, float(part))[0] for part in parts])


def oriented(scenario: Scenario, rows: np.ndarray) -> np.ndarray:
    """Turn means of rows so that more is better: a bad rate into the good one, a score into its negative."""
    if scenario.sign > 0:
        return rows
    return 1 - rows if scenario.family == "binary" else -rows


def _row_sds(scenario: Scenario, sds: np.ndarray, found: Clusters) -> np.ndarray:
    """Return the spread of a row of the analysis from that of a scored response."""
    rho = float(scenario.analysis.covariate_correlation)
    if rho == 0 and found.extra == 0 and found.sd_factor == 1:
        return sds
    return np.asarray(np.sqrt((1 - rho**2) * sds**2 + found.extra) * found.sd_factor)


def setting_of(
    scenario: Scenario, world: str = "truth", found: Clusters | None = None, once: Once = directly
) -> Setting:
    """Return what a design may know when planned: traffic, and the control's spread for every arm."""
    timetable = once(_timetable, scenario, found)
    if scenario.offline is not None or scenario.side_by_side:
        return replace(timetable, sds=once(_spread_of_pairs, scenario, world))
    sd, severity_sd = once(_control, scenario, world)
    in_world = found if found and world != "unbiased" else once(clusters_of, scenario, sd)
    row = float(_row_sds(scenario, np.array([sd]), in_world)[0])
    return replace(timetable, sds=np.full(timetable.arms, math.sqrt(row**2 + severity_sd**2)))


def _timetable(scenario: Scenario, found: Clusters | None) -> Setting:
    """Return what a design may know but for the spread."""
    plan = schedule(scenario, found)
    rows = plan.rows.astype(float)
    return Setting(
        plan.informed.astype(float),
        rows,
        np.empty(0),
        scenario.by_counts,
        float(scenario.scenario.indifference),
        plan.units.astype(float),
        rows if plan.scored is plan.rows else plan.scored.astype(float),
        scenario.prior.law,
        timeline.late_arms(scenario),
        None if scenario.traffic.ramp is None else timeline.clock(scenario, plan.rows),
    )


def _spread_of_pairs(scenario: Scenario, world: str) -> np.ndarray:
    """Return the spread of a row on a prompt set or side by side that a plan assumes, shape (arms,)."""
    if scenario.offline is not None:
        alike = np.full_like(scenario.means, scenario.means[0])[None]
        known = _offline_law(scenario, world, alike, np.full_like(scenario.sds, scenario.sds[0]))
        return np.asarray(np.sqrt(known.sds[0] ** 2 + known.severity_sd**2))
    return arm_sds(scenario, np.full(len(scenario.variants) - 1, planned_sd(scenario, evaluator_in(scenario, world))))


def passing(scenario: Scenario) -> bool:
    """Tell whether the null twin has something that its unbiased version leaves out, the evaluator apart."""
    lost = scenario.traffic.mismatch
    return timeline.transient(scenario) or (lost is not None and lost.lost * lost.worse != 0)
