"""Futility bounds that spend the error of the second kind, solved together with the efficacy bounds."""

from __future__ import annotations

import numpy as np

from expsim_panel.checked import WHERE, Floats, check_information, check_power
from expsim_panel.errors import InputError
from expsim_panel.kernels.special import norm_ppf
from expsim_panel.kernels.spending import spend, spend_both
from expsim_panel.kernels.wedge_spending import spend_inside

__all__ = ["beta_spending_bounds"]


def beta_spending_bounds(
    spent: Floats, lost: Floats, information: Floats, binding: bool, sides: int = 1
) -> tuple[Floats, Floats, float]:
    """Return efficacy and futility bounds of a test that meet at the last look.

    Parameters
    ----------
    spent, lost : ndarray, shape (K,)
        Cumulative errors of the first kind (no effect) and of the second kind (under the effect that the
        test is powered for), not decreasing; the last ones are alpha and 1 - power.
    information : ndarray, shape (K,)
        Fractions, ending at 1.
    binding : bool
        Whether alpha is kept only if the futility bounds are obeyed, which lowers the efficacy bounds.
    sides : int
        1, or 2: it gives up within the futility bounds of z = 0, and rejects in either direction.

    Returns
    -------
    upper, lower : ndarray, shape (K,)
        z bounds, -inf for a look that loses nothing; `lower` ends with -inf: the last look decides by its
        efficacy bound alone.
    drift : float
        Mean of z at the last look under the effect, which gives the power.

    Raises
    ------
    InputError
        No effect lets the bounds meet.

    References
    ----------
    .. [1] Pampallona, Tsiatis, Kim (2001), Drug Information Journal 35, 1113-1121.
    .. [2] Jennison, Turnbull (2000), "Group Sequential Methods", section 7.3.
    """
    from scipy.optimize import brentq

    fractions = check_information(information, end=True)
    alpha, beta = float(spent[-1]), float(lost[-1])
    check_power(1.0 - beta, alpha)
    increments, losses = np.diff(spent, prepend=0.0), np.diff(lost, prepend=0.0)
    nowhere = np.full(fractions.size, -np.inf)
    fixed = spend(fractions, increments, nowhere, sides)
    both = spend_both if sides == 1 else spend_inside

    def gap(drift: float) -> float:
        """Return by how much the last lower bound passes the last upper one."""
        upper, lower = both(fractions, increments, losses, drift, fixed, binding)
        # Bounds that meet before the last look ask for a smaller effect.
        if not np.isfinite(lower[-1]) or not np.isfinite(upper[-1]):
            return -100.0 if lower[-1] == -np.inf else 100.0
        return float(lower[-1] - upper[-1])

    least = norm_ppf(1.0 - beta) - norm_ppf(alpha / sides)
    low, high = least - 1e-3, least + 1.0
    while gap(low) > 0.0 and low > -50.0:
        # A two-sided test loses the same under an effect of either sign.
        low -= 1.0 if sides == 1 or low > 1.0 else 0.9 * low
        if sides == 2 and low < 1e-6:
            break
    while gap(high) < 0.0 and high < 50.0:
        high += 1.0
    if gap(low) > 0.0 or gap(high) < 0.0:
        raise InputError(WHERE, "--futility-kind", "the bounds never meet", "spend less beta early")
    drift = float(brentq(gap, low, high, xtol=1e-13, rtol=1e-14))
    upper, lower = both(fractions, increments, losses, drift, fixed, binding)
    if abs(lower[-1] - upper[-1]) > 1e-6:
        raise InputError(WHERE, "--futility-kind", "the bounds meet before the last look", "spend less beta early")
    lower[-1] = -np.inf
    if sides == 2:
        lower[lower <= 0.0] = -np.inf
    return np.asarray(upper), np.asarray(lower), drift
