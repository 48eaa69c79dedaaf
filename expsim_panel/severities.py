"""How far apart shared raters are in an experiment: a spread that the tests see and the difference does not."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from expsim_panel.row_law import Law

_NODES, _ON_A_PIECE = 8, 8
_MANY_RATERS = 300
_LONG = 4000
"""Terms of a mixture of t laws from which on its least degrees of freedom are so many that it is as good as normal."""


class Raters(Protocol):
    """A law of rows that raters score; see `row_law.Law`."""

    @property
    def severity_sd(self) -> float:
        """Standard deviation of severity."""

    @property
    def raters(self) -> int:
        """Raters, or panels of them."""


def severities(law: Raters) -> list[tuple[float, float]]:
    """Return what the raters' severities add to the estimated variance of a row, and the weight of each case.

    The spread of R severities is s_s^2 chi2(R - 1) / R; half a chi-square is a gamma variable, so that a
    Gauss-Laguerre rule averages over it.

    Returns
    -------
    list of (float, float)
        Weights add up to 1; one case without any where raters do not differ.
    """
    if law.severity_sd == 0 or law.raters < 2:
        return [(0.0, 1.0)]
    from scipy.special import roots_genlaguerre, roots_hermitenorm

    shape = (law.raters - 1) / 2
    if law.raters > _MANY_RATERS:
        # The weights of the gamma rule overflow; the gamma law is as good as normal here.
        nodes, weights = roots_hermitenorm(_NODES)
        nodes = shape + np.sqrt(shape) * nodes
    else:
        nodes, weights = roots_genlaguerre(_NODES, shape - 1)
    between = law.severity_sd**2 * 2 * nodes / law.raters
    return list(zip(between.tolist(), (weights / weights.sum()).tolist(), strict=True))


def severities_between(law: Law, kinks: np.ndarray) -> list[tuple[float, float]]:
    """Return the same for what turns sharply at some values: a Gauss-Legendre rule on each piece between them.

    Parameters
    ----------
    kinks : ndarray
        Values of what raters add to the variance.
    """
    if law.severity_sd == 0 or law.raters < 2:
        return [(0.0, 1.0)]
    from scipy.stats import chi

    # Of the root, whose density is smooth from two raters on.
    own = chi(law.raters - 1, scale=law.severity_sd / np.sqrt(law.raters))
    least, most = own.ppf(1e-14), own.isf(1e-14)
    cuts = np.unique(np.clip(np.append(np.sqrt(np.maximum(kinks, 0.0)), [least, own.mean(), most]), least, most))
    half = np.diff(cuts)[:, None] / 2
    node, part = np.polynomial.legendre.leggauss(_ON_A_PIECE)
    root = cuts[:-1, None] + half * (1 + node)
    weights = (half * part * own.pdf(root)).ravel()
    return list(zip((root.ravel() ** 2).tolist(), (weights / weights.sum()).tolist(), strict=True))


def severe_student(
    law: Raters, spread: float, rows: int, freedom: float, shift: float, bounds: tuple[float, float]
) -> tuple[float, float] | None:
    """Return P(low) and P(high) of one t-like test of two arms whose raters differ and are shared, to 1e-9.

    Given the severities the squares about both means are s^2 times a noncentral chi-square, that is one of
    ``freedom + 2 J`` degrees of freedom with J from Poisson; severities make its mean a gamma variable, so that J is
    negative binomial and the test a mixture of noncentral t.

    Parameters
    ----------
    law : Raters
        Severity of the raters, who score as many rows of both arms each.
    spread : float
        Standard deviation s of a row given its rater.
    rows : int
        Rows of an arm.
    freedom : float
        Degrees of freedom of the variance, severity apart: ``2 rows - 2``.
    shift : float
        True difference in true standard errors.
    bounds : (float, float)
        Lower and upper bound of the statistic; -inf for none.

    Returns
    -------
    (float, float) or None
        None where the mixture is too long to be worth it (large samples), or the noncentral t has no digits left.

    References
    ----------
    N. L. Johnson, S. Kotz, N. Balakrishnan (1995), Continuous Univariate Distributions 2, chapter 29.
    """
    from scipy.special import nctdtr
    from scipy.stats import nbinom

    raters = min(law.raters, rows)
    count, weight = np.zeros(1), np.ones(1)
    if raters > 1:
        own = nbinom((raters - 1) / 2, 1 / (1 + 2 * rows * law.severity_sd**2 / (raters * spread**2)))
        first, last = own.ppf([1e-12, 1 - 1e-12])
        if last - first > _LONG:
            return None
        count = np.arange(first, last + 1)
        weight = own.pmf(count)
    degrees = freedom + 2 * count
    scale = np.sqrt(degrees / freedom)
    low = float(weight @ nctdtr(degrees, shift, bounds[0] * scale))
    high = float(weight @ nctdtr(degrees, -shift, -bounds[1] * scale))
    return (low, high) if np.isfinite(low + high) else None
