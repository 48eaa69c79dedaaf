"""Spending functions: how much of an error rate may be used up by a given information fraction."""

from __future__ import annotations

import math

import numpy as np

from expsim_panel.checked import Floats
from expsim_panel.kernels.special import norm_cdf, norm_ppf

__all__ = ["hwang_shih_decani", "kim_demets", "lan_demets_obrien_fleming", "lan_demets_pocock"]


def lan_demets_obrien_fleming(information: Floats, alpha: float) -> Floats:
    """Return ``2 - 2 Phi(z(1 - alpha/2) / sqrt(t))``: O'Brien-Fleming-like (Lan, DeMets 1983).

    Parameters
    ----------
    information : ndarray, shape (K,)
        Fractions in (0, 1]; 1 spends all of `alpha`.
    alpha : float
        Error rate in (0, 1).
    """
    critical = -norm_ppf(alpha / 2)
    return np.array([2 * norm_cdf(-critical / math.sqrt(t)) for t in information])


def lan_demets_pocock(information: Floats, alpha: float) -> Floats:
    """Return ``alpha ln(1 + (e - 1) t)``: Pocock-like (Lan, DeMets 1983). Arguments as above."""
    return np.asarray(alpha * np.log1p((math.e - 1) * information))


def kim_demets(information: Floats, alpha: float, gamma: float) -> Floats:
    """Return ``alpha t^gamma``, gamma > 0 (Kim, DeMets 1987): 1 is linear, 3 is near O'Brien-Fleming."""
    return np.asarray(alpha * information**gamma)


def hwang_shih_decani(information: Floats, alpha: float, gamma: float) -> Floats:
    """Return ``alpha (1 - exp(-gamma t)) / (1 - exp(-gamma))`` (Hwang, Shih, DeCani 1990).

    gamma = -4 is near O'Brien-Fleming, 1 near Pocock, 0 is linear.
    """
    if abs(gamma) < 1e-12:
        return np.asarray(alpha * information)
    if gamma > 0:
        return np.asarray(alpha * np.expm1(-gamma * information) / math.expm1(-gamma))
    # For a large negative gamma both exponentials overflow; their ratio does not.
    size = -gamma
    return np.asarray(alpha * np.exp(size * (information - 1)) * -np.expm1(-size * information) / -math.expm1(-size))
