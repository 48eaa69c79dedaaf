"""Power curves and power surfaces: what a strategy does over true effects and over traffic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from expsim_panel import exact, grid
from expsim_panel.cells import METRICS, Cancelled, Progress, Watch, exact_cells, simulated, with_scenario
from expsim_panel.errors import InputError, did_you_mean, shown
from expsim_panel.scenario import Scenario
from expsim_panel.strategy import Strategy
from expsim_panel.study import Request, Study

__all__ = ["METRICS", "Origin", "PowerCurve", "PowerSurface", "power_curve", "power_surface"]

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
        The scenario's own units per day and planned days.
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
class PowerSurface:
    """Figures over true effect and traffic; axes (effect, units per day).

    Attributes
    ----------
    origin : Origin
        Where it comes from.
    metric : str
        The one that was asked for, of `METRICS`; all of them are here.
    effects : ndarray, shape (effects,)
        True effects, metric units, positive is better, ascending in equal steps.
    units : ndarray, shape (units,)
        Units per day, ascending.
    values : dict of ndarray, shape (effects, units)
        By metric.
    errors : dict of ndarray, shape (effects, units), or None
        Monte Carlo standard errors by metric; None for an exact surface.
    reason : str or None
        Why it is simulated; None for an exact surface.
    """

    origin: Origin
    metric: str
    effects: np.ndarray
    units: np.ndarray
    values: Mapping[str, np.ndarray]
    errors: Mapping[str, np.ndarray] | None
    reason: str | None

    @property
    def exact(self) -> bool:
        """Whether the values have no simulation error."""
        return self.errors is None

    @property
    def value(self) -> np.ndarray:
        """The figure that was asked for, shape (effects, units)."""
        return self.values[self.metric]

    @property
    def se(self) -> np.ndarray | None:
        """Its standard error; None for an exact surface."""
        return None if self.errors is None else self.errors[self.metric]

    def dataset(self) -> Any:
        """Return a `holoviews.Dataset` with the dimensions effect and units_per_day and one value per metric.

        For notebooks: ``surface.dataset().to(hv.Image, ["effect", "units_per_day"], "power")``. HoloViews is
        imported here and not with the package, because its import takes half a second.
        """
        import holoviews as hv

        tables = [np.asarray(table).T for table in self.values.values()]
        return hv.Dataset((self.effects, self.units, *tables), ["effect", "units_per_day"], list(self.values))

    def nearest(self, effect: float, units: float) -> tuple[int, int]:
        """Return the indices of the cell nearest to a point."""
        return int(np.abs(self.effects - effect).argmin()), int(np.abs(self.units - units).argmin())


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
    ask = Watch(progress, cancelled, total)
    known, reason = exact_cells([scenario], one, line_effects, ask)
    found = [simulated(base, one, effect, ask) for effect in levels] if simulate else []
    return PowerCurve(
        _origin(request, scenario, one, replicates),
        metric,
        levels if simulate else np.empty(0),
        np.array([row[metric].value for row in found], float),
        np.array([row[metric].se for row in found], float),
        line_effects,
        None if known is None else known[metric][:, 0],
        reason,
    )


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
        Levels of each axis; a simulated surface has at most 9 x 7.
    replicates : int
        Simulated experiments per cell, with common random numbers.

    Raises
    ------
    InputError
        Unknown strategy or metric.
    """
    request, base, one = _begin(study, strategy_name, metric, replicates)
    scenario = base.scenario
    origin = _origin(request, scenario, one, replicates)
    reason: str | None = exact.why_not(scenario, one)
    if not reason:
        levels, traffic = grid.effect_levels(scenario, max(2, effects)), grid.unit_levels(scenario, max(2, units))
        rows = [grid.with_units(scenario, int(count)) for count in traffic]
        known, reason = exact_cells(rows, one, levels, Watch(progress, cancelled, levels.size * traffic.size))
        if known is not None:
            kept = np.isfinite(known["days"]).all(axis=0)
            return PowerSurface(
                origin, metric, levels, traffic[kept], {key: table[:, kept] for key, table in known.items()}, None, None
            )
    levels = grid.effect_levels(scenario, max(2, min(effects, _COARSE[0])))
    traffic = grid.unit_levels(scenario, max(2, min(units, _COARSE[1])))
    ask = Watch(progress, cancelled, levels.size * traffic.size)
    values = {key: np.empty((levels.size, traffic.size)) for key in METRICS}
    errors = {key: np.empty((levels.size, traffic.size)) for key in METRICS}
    for j, count in enumerate(traffic):
        here = with_scenario(base, grid.with_units(scenario, int(count)))
        for i, effect in enumerate(levels):
            for key, figure in simulated(here, one, float(effect), ask).items():
                values[key][i, j], errors[key][i, j] = figure.value, figure.se
    return PowerSurface(origin, metric, levels, traffic, values, errors, reason)


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
    traffic = scenario.traffic
    return Origin(
        one.name, request.digest, request.seed, replicates, scenario.metric.name, scenario.family, traffic.unit,
        grid.best_effect(scenario), int(traffic.units_per_day), int(traffic.days),
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
