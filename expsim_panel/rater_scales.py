"""Every rater's own thresholds, as far as the ratings show that they differ by more than severity and stretch.

The levels that a rater gives are multinomial with shares that scatter about those of the parametric law as
a Dirichlet distribution of concentration `kappa` [1]_: large if the law says it all. `kappa` maximises the
Dirichlet-multinomial likelihood, and each rater's shares are then the posterior means, so that few ratings
move little and raters that follow the law do not move at all.

References
----------
.. [1] Minka, T. (2000). Estimating a Dirichlet distribution. Technical report, MIT.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import gammaln, ndtr

from expsim_panel.ratings import Codes, Floats

ALIKE = 2e3  # a larger concentration is taken as infinite
GAIN = 2.0  # log likelihood that it must be worth
NEWTON = 12
TINY = 1e-12


def threshold_shifts(
    counts: Floats, variant: Codes, rater: Codes, cuts: Floats, spreads: Floats, raters: int
) -> tuple[Floats, float]:
    """Estimate what is to be added to each rater's thresholds.

    Parameters
    ----------
    counts, cuts : float64 arrays, shape (cells, levels), (cells, levels - 1)
        Ratings of each (variant, rater) pair, and the thresholds of the parametric law for a unit normal score.
    variant, rater : int64 arrays, shape (cells,)
    spreads : float64 array, shape (variants,)
        Factor of each variant's standard deviation.

    Returns
    -------
    shifts : float64 array, shape (raters, levels - 1)
        Zeros where raters are alike.
    kappa : float
        Concentration; infinite where raters are alike.
    """
    levels = counts.shape[1]
    rows = counts.sum(axis=1)
    edged = np.zeros((len(counts), levels + 1))
    edged[:, 1:-1], edged[:, -1] = ndtr(cuts), 1.0
    seen, expected = np.zeros((raters, levels)), np.zeros((raters, levels))
    np.add.at(seen, rater, counts)
    np.add.at(expected, rater, rows[:, None] * np.diff(edged, axis=1))
    size = seen.sum(axis=1)
    some = size > 1
    shares = np.maximum(expected[some] / size[some, None], 1e-6)
    shares /= shares.sum(axis=1, keepdims=True)
    own, of = seen[some], size[some]
    none = np.zeros((raters, levels - 1))
    if len(own) < 2:
        return none, np.inf

    def loss(log_kappa: float) -> float:
        alpha = np.exp(log_kappa) * shares
        total = np.exp(log_kappa)
        within = (gammaln(own + alpha) - gammaln(alpha)).sum()
        return float((gammaln(total + of) - gammaln(total)).sum() - within)

    found = minimize_scalar(loss, bounds=(np.log(2.0), np.log(2 * ALIKE)), method="bounded", options={"xatol": 0.02})
    plain = -float((own * np.log(shares)).sum())
    if found.x > np.log(ALIKE) or loss(found.x) > plain - GAIN:
        return none, np.inf
    kappa = float(np.exp(found.x))
    target = np.zeros((raters, levels - 1))
    target[some] = np.cumsum((own + kappa * shares) / (of + kappa)[:, None], axis=1)[:, :-1] * of[:, None]
    shift = none
    scale = spreads[variant][:, None]
    for _ in range(NEWTON):
        cut = cuts + shift[rater] / scale
        gap, slope = -target, np.full_like(none, TINY)
        np.add.at(gap, rater, rows[:, None] * ndtr(cut))
        np.add.at(slope, rater, rows[:, None] * np.exp(-0.5 * cut**2) / np.sqrt(2 * np.pi) / scale)
        shift = shift - np.where(some[:, None], np.clip(gap / slope, -0.5, 0.5), 0.0)
    return shift, kappa
