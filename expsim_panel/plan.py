"""From a study to arrays: the worlds that are simulated and what each strategy does in them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from expsim_panel.design import Setting
from expsim_panel.evaluation import Evaluator
from expsim_panel.kernels.streams import TRUTH, generator
from expsim_panel.scenario import Scenario

WORLDS = ("truth", "null", "unbiased", "prior")
"""truth: as the scenario says. null: the null twin. unbiased: the null twin under a perfect evaluator.
prior: effects drawn from the design prior, for advice."""


@dataclass(frozen=True)
class Schedule:
    """Traffic of a fixed split.

    Attributes
    ----------
    arrivals : int64 ndarray, shape (days,)
        Units arriving each day.
    units, rows : int64 ndarray, shape (days, arms)
        Cumulative units and scored rows.
    """

    arrivals: np.ndarray
    units: np.ndarray
    rows: np.ndarray

    @property
    def daily_rows(self) -> np.ndarray:
        """Scored rows of each day, shape (days, arms)."""
        return np.diff(self.rows, axis=0, prepend=0)


@dataclass(frozen=True)
class Law:
    """Law of the scored rows in a block, oriented so that more is better, and the true effects.

    Attributes
    ----------
    means, sds : ndarray, shape (replicates, arms)
        Law of a row.
    effects : ndarray, shape (replicates, arms)
        True effect of every arm over control, positive is better.
    severity_sd, raters, shared
        Rater severity.
    """

    means: np.ndarray
    sds: np.ndarray
    effects: np.ndarray
    severity_sd: float
    raters: int
    shared: bool

    def repeated(self, size: int) -> Law:
        """Return the law of `size` replicates that all share the first one's truth."""
        return self._over(*(np.tile(array[:1], (size, 1)) for array in (self.means, self.sds, self.effects)))

    def first(self, size: int) -> Law:
        """Return the law of the first `size` replicates."""
        return self._over(self.means[:size], self.sds[:size], self.effects[:size])

    def _over(self, means: np.ndarray, sds: np.ndarray, effects: np.ndarray) -> Law:
        return Law(means, sds, effects, self.severity_sd, self.raters, self.shared)


def schedule(scenario: Scenario) -> Schedule:
    """Spread the traffic over days and arms by rounding cumulative quotas, so that every total comes out right."""
    traffic = scenario.traffic
    total = traffic.units_per_day * np.arange(1, traffic.days + 1)
    edges = np.cumsum([0.0, *scenario.shares])
    edges[-1] = 1.0
    units = np.diff(np.floor(np.outer(total, edges) + 0.5), axis=1).astype(np.int64)
    rows = np.floor(scenario.evaluator.coverage * units + 0.5).astype(np.int64)
    arrivals = np.diff(units.sum(axis=1), prepend=0)
    return Schedule(arrivals, units, rows)


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
        means[:, 1:] = means[:, :1] + scenario.sign * (prior.effect_mean + effect_sd(scenario) * draws)
        if scenario.family == "binary":
            means = np.clip(means, 0.001, 0.999)
    return means


def effect_sd(scenario: Scenario) -> float:
    """Return the spread of the design prior: as given, or else a wide guess named in its doc."""
    given = scenario.prior.effect_sd
    if given is not None:
        return float(given)
    size = float(scenario.scenario.indifference)
    return 4 * size if size > 0 else 0.1 * float(np.mean(scenario.sds))


def law(scenario: Scenario, world: str, seed: int, block: int, size: int) -> Law:
    """Return the law of the scored rows in one block of a world."""
    means = true_means(scenario, world, seed, block, size)
    sds = scenario.sds
    if world in ("null", "unbiased"):
        sds = np.full_like(sds, sds[0])
    measured = evaluator_in(scenario, world).measure(means, np.broadcast_to(sds, means.shape), scenario.family)
    rows = measured.means
    if scenario.sign < 0:
        # Oriented: a rate of bad events becomes the rate of good ones, a score changes its sign.
        rows = 1 - rows if scenario.family == "binary" else -rows
    effects = scenario.sign * (means - means[:, :1])
    return Law(
        np.ascontiguousarray(rows),
        np.ascontiguousarray(measured.sds),
        effects,
        measured.severity_sd,
        measured.raters,
        measured.shared,
    )


def setting_of(scenario: Scenario, world: str = "truth") -> Setting:
    """Return what a design may know when planned: traffic, and the control's spread for every arm."""
    plan = schedule(scenario)
    measured = evaluator_in(scenario, world).measure(scenario.means[None], scenario.sds[None], scenario.family)
    spread = np.sqrt(measured.sds[0] ** 2 + measured.severity_sd**2)
    return Setting(
        plan.units.astype(float),
        plan.rows.astype(float),
        np.full(plan.units.shape[1], spread[0]),
        scenario.family == "binary",
        float(scenario.scenario.indifference),
    )
