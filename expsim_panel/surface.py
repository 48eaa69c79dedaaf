"""Power curves and power surfaces: what a strategy does over true effects and over traffic."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from expsim_panel import exact, grid, plan, quantities
from expsim_panel.axes import Axis
from expsim_panel.economics import ledger
from expsim_panel.errors import InputError, did_you_mean, shown
from expsim_panel.places import EFFECT
from expsim_panel.response_surface import METRICS as EVERY
from expsim_panel.response_surface import ResponseSurface, response_surface
from expsim_panel.scenario import Scenario
from expsim_panel.strategy import Strategy
from expsim_panel.study import Request, Study
from expsim_panel.surface_cells import Cancelled, Progress
from expsim_panel.surface_simulation import reads_paths
from expsim_panel.world_words import WorldWords, of_world

__all__ = ["METRICS", "Origin", "PowerCurve", "PowerSurface", "power_curve", "power_surface"]

METRICS: Mapping[str, str] = {name: EVERY[name][2] for name in ("power", "days", "cost")}
"""What a power curve or surface can show, in plain words; `response_surface` knows more.

``power`` is the chance that the experiment rejects "no difference": at an effect of 0 it is the chance of
a false alarm. With two arms both directions count (as in the report), with more a finding for a variant that is
better.
"""

UNITS, PROMPTS = "traffic.units_per_day", "offline.prompts"

_COARSE = 9, 7


@dataclass(frozen=True)
class Origin:
    """Where a curve or surface comes from, and the words its axes need.

    Attributes
    ----------
    strategy : str
        Name of the strategy.
    digest : str
        Digest of the request whose study was varied.
    seed, replicates : int
        Of the simulated values.
    quantity, family : str
        Name of the scenario's metric; ``binary`` or ``normal``.
    unit : str
        What is randomised.
    effect : float
        The scenario's own effect, positive is better.
    units, days : int
        The scenario's own units per day (prompts of a prompt set) and planned days.
    live : bool
        Whether there is traffic that comes day by day, or a set of prompts.
    """

    strategy: str
    digest: str
    seed: int
    replicates: int
    quantity: str
    family: str
    unit: str
    effect: float
    units: int
    days: int
    live: bool = True

    @property
    def across(self) -> str:
        """What the axis of sizes counts."""
        return f"{self.unit.capitalize()}s per day, all variants" if self.live else "Prompts"

    @property
    def words(self) -> WorldWords:
        """Words of the world that was varied."""
        return of_world(self.live)

    @property
    def titles(self) -> dict[str, str]:
        """What each of `METRICS` is called in this world."""
        return {metric: self.words.figure(metric, usual) for metric, usual in METRICS.items()}

    def size(self, units: float) -> str:
        """Say one size in words: of each day's traffic, or of the prompt set."""
        return f"{quantities.count(units)} {self.unit}s a day" if self.live else f"{quantities.count(units)} prompts"


@dataclass(frozen=True)
class PowerCurve:
    """A figure over the true effect, at the scenario's own traffic.

    Attributes
    ----------
    origin : Origin
        Where it comes from.
    metric : str
        One of `METRICS`.
    effects : ndarray, shape (points,)
        True effects that were simulated, metric units, positive is better; empty without simulation.
    value, se : ndarray, shape (points,)
        Simulated figure and its Monte Carlo standard error.
    line_effects : ndarray, shape (line,)
        Effects of the exact line.
    line : ndarray, shape (line,), or None
        Exact figure; None where there is none.
    reason : str or None
        Why there is no exact line.
    """

    origin: Origin
    metric: str
    effects: np.ndarray
    value: np.ndarray
    se: np.ndarray
    line_effects: np.ndarray
    line: np.ndarray | None
    reason: str | None


@dataclass(frozen=True)
class PowerSurface(ResponseSurface):
    """The response surface over true effect (`y`) and units per day (`x`): arrays have the axes (effect, units).

    Attributes
    ----------
    origin : Origin
        Where it comes from, and the words of its axes.
    """

    origin: Origin = field(kw_only=True)

    @property
    def effects(self) -> np.ndarray:
        """True effects, metric units, positive is better, ascending in equal steps."""
        return np.zeros(1) if self.y is None else self.y.values

    @property
    def units(self) -> np.ndarray:
        """Units per day, ascending."""
        return self.x.values.astype(int)

    def dataset(self) -> Any:
        """Return a `holoviews.Dataset` with the dimensions effect and units_per_day and one value per metric.

        For notebooks: ``surface.dataset().to(hv.Image, ["effect", "units_per_day"], "power")``. HoloViews is
        imported here and not with the package, because its import takes half a second.
        """
        import holoviews as hv

        tables = [np.asarray(table).T for table in self.values.values()]
        return hv.Dataset((self.effects, self.units, *tables), ["effect", "units_per_day"], list(self.values))

    def nearest(self, x: float, y: float = 0.0) -> tuple[int, int]:
        """Return the indices of the cell nearest to an effect (`x`, across in the picture) and a traffic (`y`)."""
        return super().nearest(y, x)


def power_curve(
    study: Study,
    strategy_name: str,
    *,
    metric: str = "power",
    effects: Sequence[float] | np.ndarray | None = None,
    simulate: bool = True,
    replicates: int = 2000,
    points: int = 9,
    progress: Progress | None = None,
    cancelled: Cancelled | None = None,
) -> PowerCurve:
    """Return a figure over the true effect of the variants: simulated points and, where one exists, the exact line.

    Parameters
    ----------
    study : Study
        Scenario and strategies; not changed.
    strategy_name : str
        Which strategy.
    metric : str
        One of `METRICS`.
    effects : array_like, optional
        Effects to simulate, positive is better; by default `points` round levels from 0.
    simulate : bool
        False leaves the simulated points out.
    replicates, points : int
        Simulated experiments per point; number of points.
    progress, cancelled
        Called with (done, total) after each point; asked before each, True raises `engine.Cancelled`.

    Raises
    ------
    InputError
        Unknown strategy or metric, or effects that the scenario has no room for.
    """
    request, base, one = _begin(study, strategy_name, metric, replicates)
    scenario = base.scenario
    levels = grid.effect_levels(scenario, max(2, points)) if effects is None else _effects(effects, scenario)
    line_effects = np.linspace(levels[0], levels[-1], 60)
    total = 60 + (levels.size if simulate else 0)

    def after(done: int) -> Progress | None:
        return None if progress is None else lambda more, _: progress(done + more, total)

    line, reason = None, _no_exact(scenario, one)
    if reason is None:
        axis = _effect_axis(scenario, line_effects)
        known = response_surface(base, one.name, axis, metric=metric, progress=after(0), cancelled=cancelled)
        line, reason = (known.value[0], None) if known.exact else (None, known.reason)
    value = se = np.empty(0)
    if simulate:
        tried = response_surface(
            base, one.name, _effect_axis(scenario, levels), metric=metric, replicates=replicates, simulate=True,
            progress=after(60), cancelled=cancelled,
        )  # fmt: skip
        value, se = tried.value[0], np.asarray(tried.se)[0]
    return PowerCurve(
        _origin(request, scenario, one, replicates), metric, levels if simulate else np.empty(0), value, se,
        line_effects, line, reason,
    )  # fmt: skip


def power_surface(
    study: Study,
    strategy_name: str,
    *,
    metric: str = "power",
    effects: int = 25,
    units: int = 20,
    progress: Progress | None = None,
    cancelled: Cancelled | None = None,
    replicates: int = 1000,
) -> PowerSurface:
    """Return the figures over true effect and units per day: exact where they exist, else simulated and coarser.

    Parameters
    ----------
    study, strategy_name, metric, progress, cancelled
        As in `power_curve`; the planned days stay as they are.
    effects, units : int
        Levels of each axis; at most 9 x 7 where every cell needs the general engine.
    replicates : int
        Simulated experiments per cell, with common random numbers.

    Raises
    ------
    InputError
        Unknown strategy or metric.
    """
    request, base, one = _begin(study, strategy_name, metric, replicates)
    scenario = base.scenario
    # The general engine takes a hundred times as long for a cell as reading paths does.
    fine = _no_exact(scenario, one) is None or reads_paths(scenario, one)
    most = (effects, units) if fine else (min(effects, _COARSE[0]), min(units, _COARSE[1]))
    up = _effect_axis(scenario, grid.effect_levels(scenario, max(2, most[0])))
    levels = grid.unit_levels(scenario, max(2, most[1])).astype(float)
    path, label, unit = (UNITS, "Units per day", "units") if scenario.offline is None else (PROMPTS, "Prompts", "")
    across = Axis(path, levels, label, unit, float(grid.own_size(scenario)))
    made = response_surface(
        base, one.name, across, up, metric=metric, replicates=replicates, fill=False, progress=progress,
        cancelled=cancelled,
    )  # fmt: skip
    # A traffic too small for this design is left out.
    whole = np.isfinite(made.values["days"]).all(axis=0)
    kept = whole if whole.any() else np.ones_like(whole)
    parts = {each.name: getattr(made, each.name) for each in fields(ResponseSurface)}
    parts["x"] = Axis(path, levels[kept], across.label, across.unit, across.own)
    parts["values"] = {key: made.values[key][:, kept] for key in METRICS}
    parts["errors"] = None if made.errors is None else {key: made.errors[key][:, kept] for key in METRICS}
    return PowerSurface(**parts, origin=_origin(request, scenario, one, replicates))


def _no_exact(scenario: Scenario, one: Strategy) -> str | None:
    """Return why the strategy has no exact figures here, at the largest traffic worth showing; None if it has."""
    largest = grid.with_units(scenario, int(grid.unit_levels(scenario, 2)[-1]))
    found = exact.operating(largest, one, "truth", ledger(largest))
    return found if isinstance(found, str) else exact.too_slow(one.design, plan.setting_of(largest)) or None


def _effect_axis(scenario: Scenario, levels: np.ndarray) -> Axis:
    return Axis(EFFECT, levels, "True effect of the best variant", "", grid.best_effect(scenario))


def _begin(study: Study, name: str, metric: str, replicates: int) -> tuple[Request, Study, Strategy]:
    """Freeze the caller's study, and return a copy with one strategy."""
    request = study.freeze()
    base = request.study()
    known = [one.name for one in base.strategies]
    if name not in known:
        raise InputError("power", "strategy", f"unknown strategy {shown(name)}", did_you_mean(name, known))
    if metric not in METRICS:
        raise InputError("power", "metric", f"unknown metric {shown(metric)}", did_you_mean(metric, METRICS))
    base.strategies = [base.strategies[known.index(name)]]
    base.put("replicates", replicates, "power")
    return request, base, base.strategies[0]


def _origin(request: Request, scenario: Scenario, one: Strategy, replicates: int) -> Origin:
    traffic, live = scenario.traffic, scenario.offline is None
    return Origin(
        one.name, request.digest, request.seed, replicates, scenario.metric.name, scenario.shown_as, traffic.unit,
        grid.best_effect(scenario), grid.own_size(scenario),
        int(traffic.days) if live else max(1, math.ceil(ledger(scenario).days(int(traffic.days)))), live,
    )  # fmt: skip


def _effects(given: Sequence[float] | np.ndarray, scenario: Scenario) -> np.ndarray:
    """Check effects that the caller asks for."""
    levels = np.unique(np.asarray(given, float))
    most = grid.largest_effect(scenario)
    if levels.size < 2 or not np.isfinite(levels).all() or levels[-1] > most:
        raise InputError(
            "power",
            "effects",
            f"effects are {shown(levels.tolist())}",
            f"give two or more finite numbers up to {most:g}",
        )
    return levels
