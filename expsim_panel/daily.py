"""One experiment day by day, as its team saw it: estimates, intervals, confidence and money spent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from expsim_panel import plan
from expsim_panel.design import Bounds
from expsim_panel.designs.bayesian import Bayesian
from expsim_panel.economics import ledger
from expsim_panel.kernels.arms import FIRST, P_BEST, SECOND, best_of_betas, best_of_normals
from expsim_panel.kernels.special import norm_ppf
from expsim_panel.kernels.trials import FUTILE
from expsim_panel.operating import Estimates, estimates, naive
from expsim_panel.results import StrategyResult
from expsim_panel.scenario import Scenario
from expsim_panel.world_words import LIVE, of_world, words_of


@dataclass(frozen=True)
class Daily:
    """The days of one experiment.

    Attributes
    ----------
    strategy, metric, family : str
        Who played; what was measured; ``binary`` or ``normal``.
    names : tuple of str
        Variants, control first.
    planned, day, code : int
        Planned days, the day of the end and how it ended (see `Outcomes`).
    level : float
        Level of the intervals.
    indifference : float
        Smallest effect that matters, metric units.
    effect, low, high, z : ndarray, shape (day, arms - 1)
        Estimate of each variant over control, its interval and z statistic; nan while undefined.
    p_best : ndarray, shape (day, arms), or None
        Posterior chance of being best where the rule is Bayesian.
    confidence : float or None
        The P(best) such a rule asks for.
    bounds : Bounds or None
        The z bounds of the looks where the rule is frequentist.
    needed : ndarray, shape (looks up to the end,)
        Effect that the upper bound comes to at each look that took place, from the data's own errors.
    units, rows : ndarray, shape (day, arms)
        Cumulative units and scored responses.
    spent : mapping of ndarray, shape (day,)
        Cumulative dollars by kind.
    tick : str
        What a day is: a ``day`` of live traffic, or a ``batch`` of a prompt set.
    """

    strategy: str
    metric: str
    family: str
    names: tuple[str, ...]
    planned: int
    day: int
    code: int
    level: float
    indifference: float
    effect: np.ndarray
    low: np.ndarray
    high: np.ndarray
    z: np.ndarray
    p_best: np.ndarray | None
    confidence: float | None
    bounds: Bounds | None
    needed: np.ndarray
    units: np.ndarray
    rows: np.ndarray
    spent: Mapping[str, np.ndarray]
    tick: str = "day"

    @property
    def when(self) -> str:
        """When it ended, in words."""
        return of_world(self.tick == LIVE.tick).ended(self.day)

    @property
    def ending(self) -> str:
        """How the experiment ended, in words."""
        if self.code > 0:
            return f"stops {self.when} for {self.names[self.code]}"
        if self.code == FUTILE:
            return f"gives up {self.when}"
        if self.code < 0:
            return f"stops {self.when} for {self.names[0]}"
        return f"ends {self.when} without a finding"


def follow(scenario: Scenario, one: StrategyResult) -> Daily:
    """Return the days of the experiment that a strategy's result has on screen."""
    state = one.trace.state
    units, rows, sums, squares = (state[:, i, :] for i in range(4))
    binary = scenario.by_counts
    seen = one.trace.outcomes()
    found = estimates(seen, binary)
    design = one.strategy.design
    z = norm_ppf(0.5 + design.level() / 2)
    # One response has an estimated error of 0 for a rate: no estimate yet, not a certain one.
    defined = np.isfinite(found.effect) & np.isfinite(found.se) & (found.se > 0)
    effect, se = np.where(defined, found.effect, np.nan), np.where(defined, found.se, np.nan)
    p_best, confidence, bounds, needed = None, None, None, np.empty(0)
    if isinstance(design, Bayesian):
        p_best, confidence = _p_best(design, binary, rows, sums, naive(seen, binary), squares), float(design.confidence)
    else:
        bounds = design.bounds(plan.setting_of(scenario))
        if bounds is not None:
            looked = bounds.days <= one.trace.day - scenario.delay_days
            needed = bounds.upper[looked] * np.nanmax(se[bounds.days[looked] - 1], axis=1)
    money = ledger(scenario)
    return Daily(
        one.name,
        scenario.metric.name,
        scenario.shown_as,
        tuple(variant.name for variant in scenario.variants),
        int(scenario.traffic.days),
        one.trace.day,
        one.trace.code,
        design.level(),
        float(scenario.scenario.indifference),
        effect,
        effect - z * se,
        effect + z * se,
        effect / se,
        p_best,
        confidence,
        bounds,
        needed,
        units,
        rows,
        money.costs(units, rows),
        words_of(scenario).tick,
    )


def _p_best(
    design: Bayesian, binary: bool, rows: np.ndarray, sums: np.ndarray, pooled: Estimates, squares: np.ndarray
) -> np.ndarray:
    """Return the posterior chance of every arm to be best at the end of each day, by the rule's own formulas."""
    days, arms = rows.shape
    table, work = np.full((days, arms), np.nan), np.zeros((4, arms))
    for day in np.flatnonzero((np.isfinite(pooled.effect) & (pooled.se > 0)).all(axis=1)):
        n, total = rows[day], sums[day]
        if binary:
            work[FIRST], work[SECOND] = design.prior_hits + total, design.prior_misses + n - total
            best_of_betas(work, False)
        else:
            work[FIRST] = total / n
            work[SECOND] = np.sqrt(np.maximum(squares[day] - total * total / n, 0.0) / (n - 1) / n)
            best_of_normals(work, False)
        table[day] = work[P_BEST]
    return table
