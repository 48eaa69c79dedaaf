"""Two recipes for sequential bounds that are wrong, and the type I error that they really have.

For comparison and warning only: nothing in this package uses these bounds for a decision.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from expsim_panel.analytic import operating
from expsim_panel.boundaries import lower_bounds
from expsim_panel.checked import Floats
from expsim_panel.kernels.special import norm_ppf

__all__ = ["conditional_as_marginal", "cumulative_as_nominal", "nominal_bounds", "true_error"]


def conditional_as_marginal(spent: Sequence[float] | Floats) -> Floats:
    """Return the nominal levels of the first mistake.

    The alpha that a spending function gives to look k, divided by what is left, is the probability of rejecting
    at k *if the test is still going on*. The mistake takes it for the probability over all paths, as if looks
    were independent. Bounds come out too high: power is lost.

    Parameters
    ----------
    spent : array_like, shape (K,)
        Cumulative alpha, both sides together.
    """
    total = np.asarray(spent, np.float64)
    before = np.append(0.0, total[:-1])
    return np.asarray((total - before) / (1.0 - before))


def cumulative_as_nominal(spent: Sequence[float] | Floats) -> Floats:
    """Return the nominal levels of the second mistake: the cumulative alpha, used afresh at every look.

    What was spent at earlier looks is spent again. Bounds come out too low: false alarms.
    """
    return np.asarray(spent, np.float64)


def nominal_bounds(levels: Sequence[float] | Floats, sides: int) -> Floats:
    """Return the z bounds of tests at nominal levels, each as if it were alone."""
    return np.array([-norm_ppf(float(level) / sides) for level in np.asarray(levels, np.float64)])


def true_error(upper: Floats, information: Sequence[float] | Floats, sides: int) -> float:
    """Return the probability of crossing bounds under no effect, by recursion."""
    p_upper, p_lower, _ = operating(information, lower_bounds(upper, sides), upper, 0.0)
    return p_upper + p_lower
