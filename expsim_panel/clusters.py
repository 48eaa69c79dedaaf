"""Units with several responses, and periods of a switchback: what a row of the analysis is worth."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from expsim_panel.scenario import Scenario


def design_effect(size: float, icc: float, spread: float = 0.0) -> float:
    """Return how much clustering multiplies the variance of a mean: ``1 + ((1 + cv^2) m - 1) ICC``.

    Parameters
    ----------
    size : float
        Mean number of responses per unit, m.
    icc : float
        Correlation of two responses of a unit.
    spread : float
        Coefficient of variation of the number of responses, cv.

    References
    ----------
    A. Donner, N. Klar (2000), Design and Analysis of Cluster Randomization Trials, section 5; S. M. Kerry,
    J. M. Bland (2001), Statistics in Medicine 20, 377-390, for unequal sizes.
    """
    return 1 + ((1 + spread**2) * size - 1) * icc


@dataclass(frozen=True)
class Clusters:
    """How responses come in clusters, and what the analysis makes of them.

    Attributes
    ----------
    size, spread, icc : float
        Mean responses of a cluster, coefficient of variation of their number, correlation of two of them.
    rows_per_unit : float
        Rows of the analysis per scored unit.
    scored_per_row : float
        Scored responses in a row.
    sd_factor : float
        Standard deviation of a row over that of a response, scores only: rates have rows of one response, as
        many as carry the information of the clustered ones.
    extra : float
        Variance that a response has besides its own: between periods of a switchback.
    hidden : bool
        Whether the analysis takes clustered rows for independent ones.
    """

    size: float
    spread: float
    icc: float
    rows_per_unit: float
    scored_per_row: float
    sd_factor: float
    extra: float
    hidden: bool

    @property
    def effect(self) -> float:
        """Design effect that the analysis does not know of; 1 where it needs none."""
        return design_effect(self.size, self.icc, self.spread) if self.hidden else 1.0


def clusters_of(scenario: Scenario, spread_of_row: float) -> Clusters:
    """Return the clusters of a scenario.

    Parameters
    ----------
    spread_of_row : float
        Standard deviation of one scored response of the control.
    """
    traffic, unit = scenario.traffic, scenario.analysis.unit
    rates = scenario.family == "binary" or scenario.side_by_side
    if traffic.switchback is not None:
        periods, between = traffic.switchback.periods_per_day, traffic.switchback.period_sd**2
        size, spread = traffic.units_per_day * float(scenario.evaluator.coverage) / periods, 0.0
        total = spread_of_row**2 + (0.0 if rates else between)
        icc = min(between / total, 1.0) if total > 0 else 0.0
        extra, each = (0.0 if rates else between), 1.0
    else:
        size, spread = float(traffic.exposures_per_unit), float(traffic.size_variation)
        icc = 0.0 if traffic.unit == "request" else float(traffic.icc)
        extra, each = 0.0, size
        if unit == "one-response":
            return Clusters(size, spread, icc, 1.0, 1.0, 1.0, 0.0, False)
    if unit != "unit":
        return Clusters(size, spread, icc, each, 1.0, 1.0, extra, icc > 0 and size > 1)
    effect = design_effect(size, icc, spread)
    if rates:
        return Clusters(size, spread, icc, each / effect, effect, 1.0, extra, False)
    return Clusters(size, spread, icc, each / size, size, math.sqrt(effect / size), extra, False)
