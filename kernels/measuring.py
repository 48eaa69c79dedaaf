"""Scored rows of one day and arm, as sufficient statistics: exact, whatever the number of rows.

Rows of one arm and day are independent with a common law, so every test sees them only through their
number, sum and sum of squares, which are drawn directly (Cochran's theorem; MODEL section 2).
"""

from __future__ import annotations

import math

import numpy as np

from expsim_panel.kernels.draws import binomial
from expsim_panel.kernels.jit import inner, kernel


@inner
def normal_rows(
    rng: np.random.Generator,
    rows: int,
    mean: float,
    sd: float,
    severity: np.ndarray,
    arm: int,
    raters: int,
    first: int,
) -> tuple[float, float]:
    """Return sum and sum of squares of `rows` normal rows, scored by raters in turn.

    Row i is ``N(mean + severity[arm, (first + i) mod raters], sd^2)``. The sum is normal; the sum of squares
    about the mean is sd^2 times a chi-square with ``rows - 1`` degrees of freedom, non-central where
    raters differ, with noncentrality ``sum n_r (severity_r - mean severity)^2 / sd^2``.

    Parameters
    ----------
    rows : int
        Number of rows, 0 or more.
    mean, sd : float
        Law of a row, severity apart.
    severity : ndarray, shape (arms, >= raters)
        Severity of each rater; not read when `raters` is 0.
    arm : int
        Whose raters.
    first : int
        Rater of the first row.
    """
    if rows == 0:
        return 0.0, 0.0
    shift = 0.0
    between = 0.0
    if raters > 0:
        each = rows // raters
        left = rows - each * raters
        square = 0.0
        for r in range(raters):
            turn = r - first % raters
            if turn < 0:
                turn += raters
            n_r = each + (1 if turn < left else 0)
            shift += n_r * severity[arm, r]
            square += n_r * severity[arm, r] * severity[arm, r]
        between = square - shift * shift / rows
        if between < 0.0:
            between = 0.0
    total = rows * mean + shift + sd * math.sqrt(rows) * rng.standard_normal()
    within = 0.0
    if rows > 1:
        if between > 0.0:
            # Non-central chi-square: the noncentrality sits in one of the squared normals.
            lead = sd * rng.standard_normal() + math.sqrt(between)
            within = lead * lead
            if rows > 2:
                within += sd * sd * rng.chisquare(rows - 2.0)
        else:
            within = sd * sd * rng.chisquare(rows - 1.0)
    return total, within + total * total / rows


@inner
def binary_rows(rng: np.random.Generator, rows: int, rate: float) -> tuple[float, float]:
    """Return the number of positive rows, twice: a 0/1 row is its own square."""
    hits = float(binomial(rng, rows, rate))
    return hits, hits


@kernel
def draw_severity(rng: np.random.Generator, sd: float, raters: int, shared: bool, out: np.ndarray) -> None:
    """Draw the severity of every rater into `out`, shape (arms, raters); one set for all arms if `shared`."""
    if raters == 0:
        return
    for a in range(out.shape[0]):
        for r in range(raters):
            out[a, r] = out[0, r] if shared and a > 0 else sd * rng.standard_normal()
