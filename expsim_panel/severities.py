"""How far apart shared raters are in an experiment: a spread that the tests see and the difference does not."""

from __future__ import annotations

import numpy as np

from expsim_panel.row_law import Law

_NODES, _ON_A_PIECE = 8, 8
_MANY_RATERS = 300


def severities(law: Law) -> list[tuple[float, float]]:
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
