"""Wrong recipes for group-sequential bounds that peers ship, and the type I error they really have.

To show, not to follow: `docs/validation.md` and the tests replay them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np

from expsim_panel.checked import Floats, check_error_rate, check_information, equal_information
from expsim_panel.errors import InputError, did_you_mean, shown
from expsim_panel.kernels.crossing import cross
from expsim_panel.kernels.special import norm_cdf, norm_ppf

WHERE = "misuse"
Spending = Literal["obf", "pocock", "linear"]


def spent(information: Sequence[float] | Floats, alpha: float, spending: Spending) -> Floats:
    """Return the two-sided alpha spent by each information fraction.

    ``obf``: ``2 - 2 Phi(z_(alpha/2) / sqrt(t))``; ``pocock``: ``alpha ln(1 + (e - 1) t)`` (Lan, DeMets 1983,
    Biometrika 70, 659-663); ``linear``: ``alpha t``.
    """
    check_error_rate(alpha, 2, WHERE)
    t = check_information(information, end=False)
    if spending == "obf":
        z = -norm_ppf(alpha / 2)
        return np.array([2.0 * norm_cdf(-z / math.sqrt(one)) for one in t])
    if spending == "pocock":
        return np.asarray(alpha * np.log1p((math.e - 1.0) * t))
    if spending == "linear":
        return np.asarray(alpha * t)
    known = ("obf", "pocock", "linear")
    raise InputError(WHERE, "spending", f"unknown spending {shown(spending)}", did_you_mean(str(spending), known))


def type1_error_of_levels(levels: Sequence[float] | Floats, information: Sequence[float] | Floats) -> float:
    """Return the true type I error of testing at nominal two-sided `levels` at each look, whatever they claim.

    Parameters
    ----------
    levels : array_like, shape (K,)
        Nominal two-sided level of each look, in (0, 1).
    information : array_like, shape (K,)
        Information fractions.
    """
    t = check_information(information, end=False)
    nominal = np.array(levels, dtype=np.float64, ndmin=1)
    if nominal.shape != t.shape or not np.all((nominal > 0.0) & (nominal < 1.0)):
        raise InputError(
            WHERE, "levels", f"levels are {shown(nominal.tolist())}", "give one level a look, within 0 and 1"
        )
    upper = np.array([-norm_ppf(level / 2) for level in nominal])
    below, above = cross(t, -upper, upper, 0.0)
    return float(below.sum() + above.sum())


def cumulative_as_nominal(looks: int, alpha: float = 0.05, spending: Spending = "obf") -> float:
    """Return the type I error of using the alpha spent *so far* as the level of each look."""
    information = equal_information(looks)
    return type1_error_of_levels(spent(information, alpha, spending), information)


def conditional_as_marginal(looks: int, alpha: float = 0.05, spending: Spending = "obf") -> float:
    """Return the type I error of turning the alpha spent *at this look* into a bound as if it were the only look.

    The increment of the spending function is a probability given that no look before rejected; used as a
    nominal level it ignores what the earlier looks have taken away: the test is needlessly conservative.
    """
    information = equal_information(looks)
    return type1_error_of_levels(np.diff(spent(information, alpha, spending), prepend=0.0), information)


def fixed_level_at_every_look(looks: int, alpha: float = 0.05) -> float:
    """Return the type I error of peeking: testing `looks` times at the fixed test's level."""
    return type1_error_of_levels(np.full(looks, alpha), equal_information(looks))
