"""What a law of scored rows has besides mean and spread in a world that is not plain."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from expsim_panel.kernels.rows import AMOUNTS, LEVELS, RATED, RATES, SCORES, VERDICTS, Rows

__all__ = ["AMOUNTS", "LEVELS", "RATED", "RATES", "SCORES", "VERDICTS", "Outcome", "Uneven"]


def _none() -> np.ndarray:
    return np.zeros(1)


@dataclass(frozen=True)
class Outcome:
    """The true outcome behind a score, where its law is not normal.

    Attributes
    ----------
    offset : ndarray, shape (days, arms)
        What the evaluator adds to a score.
    scale, noise : float
        Points of score per point of outcome; standard deviation of the score's noise.
    values, cuts, latent, implied : ndarray
        Levels; see `kernels.rows.Rows`.
    zeros, sigma : float
        Amounts; see `kernels.rows.Rows`.
    table, centre : ndarray
        Ratings; see `kernels.rows.Rows`.
    """

    offset: np.ndarray
    scale: float
    noise: float
    values: np.ndarray = field(default_factory=_none)
    cuts: np.ndarray = field(default_factory=_none)
    latent: np.ndarray = field(default_factory=_none)
    implied: np.ndarray = field(default_factory=_none)
    zeros: float = 0.0
    sigma: float = 0.0
    table: np.ndarray = field(default_factory=lambda: np.zeros((1, 1, 1, 1)))
    centre: np.ndarray = field(default_factory=lambda: np.zeros((1, 1)))


@dataclass(frozen=True)
class Uneven:
    """A world's days, clusters and outcomes.

    Attributes
    ----------
    family : int
        `SCORES`, `RATES`, `LEVELS`, `AMOUNTS` or `RATED`.
    shift : ndarray, shape (days, arms)
        What each day adds to the mean of a scored row, oriented.
    spill : ndarray, shape (replicates, arms)
        What all means gain, oriented, where an arm has all of the traffic.
    icc, size, spread : float
        Clusters that the analysis takes for independent rows; `icc` 0: none.
    effect : float
        Their design effect.
    shares : ndarray, shape (days, arms)
        Each arm's share of a day's traffic.
    delay, skip : int
        Days until an outcome is known; first days that the analysis leaves out.
    lag : int
        By how many of these days a label is later than a judge's score of the same response; hybrids only.
    stratified : bool
        Whether variants are compared within each day.
    base : ndarray, shape (replicates, arms), or None
        Levels, amounts and ratings: mean of the true outcome, not oriented, in the absence of `spill`.
    steps : ndarray, shape (days, arms), or None
        The same: what each day adds to it.
    pull : ndarray, shape (replicates, arms), or None
        The same: `spill` on that scale.
    outcome : Outcome or None
        Their law.
    by_look : ndarray, shape (days, arms), or None
        Variance of a corrected mean times its labels at the end of each day, where labels are later than scores.
    """

    family: int
    shift: np.ndarray
    spill: np.ndarray
    icc: float
    size: float
    spread: float
    effect: float
    shares: np.ndarray
    delay: int
    skip: int
    stratified: bool
    base: np.ndarray | None = None
    steps: np.ndarray | None = None
    pull: np.ndarray | None = None
    outcome: Outcome | None = None
    lag: int = 0
    by_look: np.ndarray | None = None

    @property
    def ramps(self) -> bool:
        """Whether the shares of the traffic change."""
        return bool(np.ptp(self.shares, axis=0).max() > 0)

    @property
    def moves(self) -> bool:
        """Whether some mean changes from day to day."""
        return bool(np.ptp(self.shift, axis=0).max() > 0 or (self.ramps and self.spill.any()))

    @property
    def constant(self) -> bool:
        """Whether every day is like every other, late and left-out ones apart."""
        return not self.ramps and not self.moves

    def each(self, change: Callable[[np.ndarray], np.ndarray]) -> Uneven:
        """Return the same with `change` made to every array by replicate."""
        arrays = {name: getattr(self, name) for name in ("spill", "base", "pull")}
        changed: dict[str, Any] = {name: change(array) for name, array in arrays.items() if array is not None}
        return replace(self, **changed)

    def rows(self, means: np.ndarray, sds: np.ndarray, severity_sd: float, raters: int, shared: bool) -> Rows:
        """Return the kernel's parameters for the scored rows' `means` and `sds`, shape (replicates, arms)."""
        out = self.outcome or Outcome(np.zeros_like(self.shift), 1.0, 0.0)
        if self.base is None or self.steps is None or self.pull is None:
            base, steps, pull = means, self.shift, self.spill
        else:
            base, steps, pull = self.base, self.steps, self.pull
        return Rows(
            int(self.family),
            np.ascontiguousarray(base, float),
            np.ascontiguousarray(sds, float),
            np.ascontiguousarray(steps, float),
            np.ascontiguousarray(pull, float),
            float(self.icc),
            float(self.size),
            float(self.spread),
            np.ascontiguousarray(out.offset),
            float(out.scale),
            float(out.noise),
            out.values,
            out.cuts,
            out.latent,
            out.implied,
            float(out.zeros),
            float(out.sigma),
            # of rated rows: the standard normals that say who rates
            1.0 if self.family == RATED else float(severity_sd),
            int(raters),
            bool(shared),
            np.zeros((self.shift.shape[1], max(int(raters), 1))),
            out.table,
            out.centre,
        )
