"""Collect more data? How much, whose labels, for how many dollars and days: the largest ENBS of all sources."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from expsim_panel.errors import InputError, shown
from expsim_panel.quantities import count, days, money
from expsim_panel.value_of_information import Belief


@dataclass(frozen=True)
class Source:
    """A kind of evidence that money buys: judge scores, labels, or labels with judge scores.

    A row is one scored response of one arm; n rows in each of two arms.

    Attributes
    ----------
    name : str
        Such as ``judge``, ``human``, ``hybrid``.
    row_variance : float
        Variance of one row, metric units squared; the difference has ``2 row_variance / n``. For a hybrid the
        variance per label at its optimal split.
    cost_per_row : float
        Dollars per row, for a hybrid per label with its judge scores.
    bias_sd : float
        SD of the differential bias that no number of rows removes; 0 for labels and hybrids.
    rows_per_day : float
        What raters or the judge can score in a day, over both arms; inf for no limit.
    exposures_per_row : float
        Exposures served for each row scored, 1 or more.
    """

    name: str
    row_variance: float
    cost_per_row: float
    bias_sd: float = 0.0
    rows_per_day: float = math.inf
    exposures_per_row: float = 1.0

    def __post_init__(self) -> None:
        least = {"row_variance": 0.0, "cost_per_row": 0.0, "bias_sd": 0.0, "exposures_per_row": 1.0}
        for key, low in least.items():
            if not (math.isfinite(getattr(self, key)) and getattr(self, key) >= low):
                raise InputError(self.name, key, f"{shown(getattr(self, key))}", f"give at least {low:g}")
        if not self.rows_per_day > 0:
            raise InputError(self.name, "rows_per_day", f"{shown(self.rows_per_day)}", "give more than 0")

    def variance(self, n: np.ndarray) -> np.ndarray:
        """Return the variance of the estimated difference with n rows per arm, bias included."""
        return np.asarray(2 * self.row_variance / n + self.bias_sd**2)


@dataclass(frozen=True)
class Stakes:
    """What a point is worth and how much is at stake.

    Attributes
    ----------
    value_per_point : float
        Dollars per exposure and metric point, above 0.
    horizon : float
        Exposures that the decision is about.
    exposures_per_day : float
        Traffic of both arms.
    delay_per_day : float
        Dollars that a day of waiting costs beyond the exposures of the test.
    """

    value_per_point: float
    horizon: float
    exposures_per_day: float = math.inf
    delay_per_day: float = 0.0


@dataclass(frozen=True)
class Collection:
    """The best amount of one source.

    Attributes
    ----------
    source : str
        Its name.
    n : int
        Rows per arm with the largest ENBS; 0 if none is worth it.
    net_benefit, evsi, ceiling : float
        ENBS in dollars; EVSI at n and for endless rows, dollars over the horizon. A biased source has a
        ceiling under the value of perfect information.
    cost, days : float
        Dollars and days that the n rows take.
    """

    source: str
    n: int
    net_benefit: float
    evsi: float
    ceiling: float
    cost: float
    days: float

    @property
    def pays(self) -> bool:
        """Whether collecting is worth its cost: the largest ENBS is above 0."""
        return self.n > 0 and self.net_benefit > 0


@dataclass(frozen=True)
class Advice:
    """Which data to collect, if any, and the same for every source.

    Attributes
    ----------
    best : Collection or None
        The source with the largest ENBS; none where nothing is worth its cost.
    all : tuple of Collection
        In the order of the sources.
    sentence : str
        The answer in words.
    """

    best: Collection | None
    all: tuple[Collection, ...]
    sentence: str


def best_collection(belief: Belief, source: Source, stakes: Stakes) -> Collection:
    """Return the n of one source with the largest ENBS.

    `belief` is in dollars per exposure. ENBS is computed on a logarithmic grid of n up to the horizon, then
    for every n around the best of them.
    """
    square = stakes.value_per_point**2
    if not (math.isfinite(stakes.value_per_point) and stakes.value_per_point > 0 and stakes.horizon > 0):
        raise InputError("stakes", "value_per_point", "no value at stake", "give a value and a horizon above 0")

    def duration(n: np.ndarray) -> np.ndarray:
        longest = np.maximum(2 * n / source.rows_per_day, 2 * n * source.exposures_per_row / stakes.exposures_per_day)
        return np.asarray(longest)

    def net(n: np.ndarray) -> np.ndarray:
        cost = 2 * n * source.cost_per_row + duration(n) * stakes.delay_per_day
        return belief.enbs(n, square * source.variance(n), stakes.horizon, cost, source.exposures_per_row)

    most = max(1.0, stakes.horizon / (2 * source.exposures_per_row))
    grid = np.unique(np.round(np.geomspace(1, most, 400)))
    at = int(net(grid).argmax())
    near = np.unique(np.round(np.linspace(grid[max(at - 1, 0)], grid[min(at + 1, len(grid) - 1)], 4001)))
    values = net(near)
    n, best = float(near[values.argmax()]), float(values.max())
    ceiling = belief.evsi(square * source.bias_sd**2) * stakes.horizon
    if best <= 0:
        return Collection(source.name, 0, 0.0, 0.0, ceiling, 0.0, 0.0)
    worth = belief.evsi(square * float(source.variance(np.array(n)))) * stakes.horizon
    took = float(duration(np.array(n)))
    return Collection(source.name, int(n), best, worth, ceiling, 2 * n * source.cost_per_row, took)


def collect_more(belief: Belief, sources: Sequence[Source], stakes: Stakes) -> Advice:
    """Say whether to collect more data, and if so how much of which.

    Parameters
    ----------
    belief : Belief
        Prior, or posterior after what has been seen, dollars per exposure.
    sources : sequence of Source
        What could be bought, one or more.
    stakes : Stakes
        What the decision is worth.
    """
    if not sources:
        raise InputError("collect more", "sources", "none", "give at least one source of labels")
    every = tuple(best_collection(belief, source, stakes) for source in sources)
    best = max(every, key=lambda one: one.net_benefit)
    if not best.pays:
        return Advice(None, every, "Decide now: no further data is worth what it costs.")
    rows = f"{count(best.n)} more per variant from {best.source}"
    said = f"Collect {rows}: {money(best.cost)} and {days(round(best.days, 1))}, worth {money(best.net_benefit)} net."
    return Advice(best, every, said)
