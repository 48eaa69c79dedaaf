"""What changes from day to day: traffic, shares, levels, effects."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from expsim_panel.scenario_world import fading

if TYPE_CHECKING:
    from expsim_panel.evaluation import Evaluator
    from expsim_panel.scenario import Scenario


def weights(scenario: Scenario) -> np.ndarray:
    """Return each day's traffic over the mean day's, shape (days,)."""
    days, week = scenario.traffic.days, scenario.traffic.seasonality
    if week is None or not week.traffic:
        return np.ones(days)
    sizes = np.resize(np.asarray(week.traffic, float), days)
    return np.asarray(sizes * days / sizes.sum())


def arrivals(scenario: Scenario) -> np.ndarray:
    """Return the first day (from 0) on which each variant gets traffic, shape (arms,)."""
    return np.array([(one.arrives_day or 1) - 1 for one in scenario.variants], dtype=np.int64)


def late_arms(scenario: Scenario) -> bool:
    """Tell whether a variant arrives after the experiment has begun."""
    return any((one.arrives_day or 1) > 1 for one in scenario.variants)


def shares(scenario: Scenario) -> np.ndarray:
    """Return the shares of each day, shape (days, arms): of those that are there, final ones or on the way there."""
    days, ramp = scenario.traffic.days, scenario.traffic.ramp
    made = np.tile(scenario.shares, (days, 1))
    if late_arms(scenario):
        made *= arrivals(scenario) <= np.arange(days)[:, None]
        made /= made.sum(axis=1, keepdims=True)
    if ramp is not None:
        steps = max(ramp.days - 1, 1)
        part = ramp.start + (1 - ramp.start) * np.minimum(np.arange(days) / steps, 1.0)
        if ramp.days == 1:
            part = np.ones(days)
        made[:, 1:] *= part[:, None]
        made[:, 0] = 1 - made[:, 1:].sum(axis=1)
    return made


def stratified(scenario: Scenario) -> bool:
    """Tell whether variants are compared within each day."""
    wanted = scenario.analysis.estimator
    return bool(wanted == "stratified" or (wanted == "auto" and scenario.traffic.ramp is not None))


def clock(scenario: Scenario, rows: np.ndarray) -> np.ndarray:
    """Return the time on which z moves like a random walk where shares change, by the end of each day, shape (days,).

    Two looks' z have the correlation ``sqrt(t_1 / t_2)``. Pooled means: the information ``1 / (1/n0 + 1/n1)``. Days
    compared apart and combined with their traffic w as weights: ``sum w^2 (1/n0 + 1/n1)``, since it is the weighted
    sum that has independent increments. With constant shares both grow with the rows; on a ramp, which gives new
    variants less than in the end, neither does. Of several variants the mean one counts.

    Parameters
    ----------
    rows : ndarray, shape (days, arms)
        Rows known by the end of each day.

    References
    ----------
    C. Jennison, B. W. Turnbull (2000), Group Sequential Methods, section 3.1.
    """
    rows = rows.astype(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        if not stratified(scenario):
            return np.asarray(1.0 / (1.0 / rows[:, :1] + 1.0 / rows[:, 1:]).mean(axis=1))
        daily = np.diff(rows, axis=0, prepend=0.0)
        used = np.all(daily >= 2, axis=1)
        weight = np.where(used, daily.sum(axis=1), 0.0)
        of_day = np.where(used, (1.0 / daily[:, :1] + 1.0 / daily[:, 1:]).mean(axis=1), 0.0)
    return np.asarray(np.cumsum(weight**2 * of_day))


def transient(scenario: Scenario) -> bool:
    """Tell whether something passes: what the twin without bias leaves out."""
    traffic = scenario.traffic
    drift = float(getattr(scenario.evaluator, "drift", 0.0)) or float(getattr(scenario.evaluator, "upgrade_shift", 0.0))
    return bool(
        (traffic.novelty is not None and traffic.novelty.size != 0)
        or (traffic.shock is not None and traffic.shock.size != 0)
        or drift != 0
        or any(one.change is not None and (one.change.jump or one.change.drift) for one in scenario.variants)
    )


def shift(scenario: Scenario, world: str) -> np.ndarray:
    """Return what each day adds to the true means, shape (days, arms), metric units.

    ``effect_a(t) = D_inf + D_nov exp(-t / tau)`` at the middle of the day; weekday and shock are common to all
    arms. A variant's own change leads to its mean: ``-jump`` until its day, and ``-drift`` times what is left of the
    plan. The null twin keeps all of it, the unbiased one the weekdays only.
    """
    traffic = scenario.traffic
    days = np.arange(traffic.days)
    made = np.zeros((traffic.days, len(scenario.variants)))
    week = traffic.seasonality
    if week is not None and week.level:
        made += np.resize(np.asarray(week.level, float), traffic.days)[:, None]
    if world == "unbiased":
        return made
    shock, novelty = traffic.shock, traffic.novelty
    if shock is not None:
        made[(days >= shock.day - 1) & (days < shock.day - 1 + shock.days)] += shock.size
    if novelty is not None:
        made[:, 1:] += scenario.sign * novelty.size * np.array(fading(traffic.days, novelty.days))[:, None]
    for a, variant in enumerate(scenario.variants):
        if variant.change is not None:
            made[: variant.change.day - 1, a] -= variant.change.jump
            made[:, a] -= variant.change.drift * (1.0 - (days + 0.5) / traffic.days)
    return made


def drift(scenario: Scenario, world: str) -> np.ndarray:
    """Return what each day adds to the evaluator's scores, shape (days,): in the end its whole drift."""
    days = scenario.traffic.days
    return np.zeros(days) if world == "unbiased" else drift_of(scenario.evaluator, days)


def drift_of(evaluator: Evaluator, days: int) -> np.ndarray:
    """Return what each day adds to an evaluator's scores, shape (days,): an even drift, a step at a silent upgrade."""
    size = float(getattr(evaluator, "drift", 0.0))
    made = np.asarray(size * (np.arange(days) + 0.5) / days)
    step = float(getattr(evaluator, "upgrade_shift", 0.0))
    if step:
        made[int(evaluator.upgrade_day) - 1 :] += step
    return made


def spill(scenario: Scenario) -> float:
    """Return the part of an effect that is everybody's: interference and carry-over, ``1 - (1 - phi)(1 - kappa)``.

    In a switchback all units of a period are on one variant, so that only the carry-over from the period before
    is left.
    """
    traffic = scenario.traffic
    if traffic.switchback is not None:
        return float(traffic.switchback.carryover)
    return float(1 - (1 - traffic.interference) * (1 - traffic.carryover))
