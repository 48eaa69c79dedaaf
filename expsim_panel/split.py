"""How to split a labelling budget between people and an LLM judge.

Every labelled item is also judged, so that the budget pays ``n c_h + T c_f``: n labels, T judge scores (the n
labelled items among them). With the tuned weight of PPI++ the variance of a mean is
``s^2 [(1 - rho^2) / n + rho^2 / T]``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from expsim_panel.errors import InputError, shown

_WHERE = "exact split"
_MOST = 1e15
_SLACK = 1e-9
"""A budget of 0.3 pays three labels at 0.1, whatever binary fractions say."""


@dataclass(frozen=True)
class Split:
    """The best hybrid of labels and judge scores for a budget.

    Attributes
    ----------
    labelled, judged : int
        Whole labels and judge scores (labelled items included) with the smallest variance that the budget pays.
    exact_labelled, exact_judged : float
        The same without the demand for whole numbers; `exact_judged` counts labelled items too.
    judged_per_label : float
        Closed form ``T / n``; inf for a judge that is never wrong about order (``|rho| = 1``).
    variance_ratio : float
        Closed form: variance of the hybrid over that of labels only, for the same budget.
    hybrid_pays : bool
        Closed form: ``g < 1 and rho^2 > 4 g / (1 + g)^2``, ``g = c_f / c_h``.
    integer_variance_ratio : float
        The same ratio for whole numbers on both sides; inf-free.
    labels_only : int
        Labels that the budget buys without a judge.
    cost : float
        Dollars that the whole numbers cost.
    smallest_rho : float or None
        Correlation above which the hybrid pays at these prices; none where the judge costs as much as people.
    """

    labelled: int
    judged: int
    exact_labelled: float
    exact_judged: float
    judged_per_label: float
    variance_ratio: float
    hybrid_pays: bool
    integer_variance_ratio: float
    labels_only: int
    cost: float
    smallest_rho: float | None

    @property
    def pays_in_integers(self) -> bool:
        """Whether the whole numbers beat labels only; with a tiny budget this can differ from the closed form."""
        return self.integer_variance_ratio < 1


def variance_of(rho: float, labelled: float, judged: float) -> float:
    """Return the variance of the PPI++ mean over that of one label: ``(1 - rho^2) / n + rho^2 / T``.

    Parameters
    ----------
    rho : float
        Correlation of label and judge score.
    labelled, judged : float
        n > 0 labels and T >= n judge scores, the labelled items among them.
    """
    return (1 - rho * rho) / labelled + rho * rho / judged


def optimal_split(rho: float, cost_human: float, cost_judge: float, budget: float) -> Split:
    """Return the split with the smallest variance.

    ``T / n = max(1, |rho| sqrt(c_h / (c_f (1 - rho^2))))``, ``n = B / (c_h + c_f T / n)`` (MODEL section 3.2), and
    whole numbers by search over all that can be better than the nearest ones.

    Parameters
    ----------
    rho : float
        Correlation of a label as bought (all its raters) and a judge score, -1 to 1.
    cost_human, cost_judge : float
        Dollars per label and per judge score, above 0.
    budget : float
        Dollars; at least one label with its score.

    Raises
    ------
    InputError
        A number outside its range, or a budget that buys no labelled item.
    """
    _check(rho, cost_human, cost_judge, budget)
    g = cost_judge / cost_human
    square = rho * rho
    apart = 1 - square
    ratio = max(1.0, abs(rho) / math.sqrt(g * apart)) if apart > 0 else math.inf
    exact_n = budget / (cost_human + cost_judge * ratio) if math.isfinite(ratio) else 0.0
    exact_t = exact_n * ratio if math.isfinite(ratio) else budget / cost_judge
    # Where every item would get a label, the score on it is paid for nothing.
    variance_ratio = 1 + g if ratio == 1.0 else (math.sqrt(apart) + abs(rho) * math.sqrt(g)) ** 2
    threshold = 2 * math.sqrt(g) / (1 + g) if g < 1 else None
    n, t = _whole(rho, cost_human, cost_judge, budget, exact_n)
    alone = math.floor(budget / cost_human * (1 + _SLACK))
    return Split(
        labelled=n,
        judged=t,
        exact_labelled=exact_n,
        exact_judged=exact_t,
        judged_per_label=ratio,
        variance_ratio=variance_ratio,
        hybrid_pays=threshold is not None and abs(rho) > threshold,
        integer_variance_ratio=variance_of(rho, n, t) * alone,
        labels_only=alone,
        cost=n * cost_human + t * cost_judge,
        smallest_rho=threshold,
    )


def _whole(rho: float, cost_human: float, cost_judge: float, budget: float, near: float) -> tuple[int, int]:
    """Return the best whole numbers: without rounding the variance is convex in n, so few can be better."""
    most = max(1, math.floor(budget / (cost_human + cost_judge) * (1 + _SLACK)))

    def affordable(n: np.ndarray) -> np.ndarray:
        left = np.floor((budget - n * cost_human) / cost_judge * (1 + _SLACK) + _SLACK)
        return np.asarray(np.maximum(left, n))

    def smooth(n: float) -> float:
        return variance_of(rho, n, max((budget - n * cost_human) / cost_judge, n) * (1 + 2 * _SLACK) + 2 * _SLACK)

    start = min(max(round(near), 1), most)
    around = np.unique(np.clip(np.arange(start - 2, start + 3), 1, most)).astype(float)
    nearest = variance_of_many(rho, around, affordable(around))
    best = float(nearest.min())
    # From the best of these the set of candidates reaches to where even unrounded scores would be worse.
    low = high = int(around[nearest.argmin()])
    step = 1
    while low > 1 and smooth(low) <= best:
        low, step = max(1, low - step), step * 2
    step = 1
    while high < most and smooth(high) <= best:
        high, step = min(most, high + step), step * 2
    n = np.arange(low, high + 1, dtype=float)
    t = affordable(n)
    at = int(variance_of_many(rho, n, t).argmin())
    return int(n[at]), int(t[at])


def variance_of_many(rho: float, labelled: np.ndarray, judged: np.ndarray) -> np.ndarray:
    """Return `variance_of` elementwise."""
    return np.asarray((1 - rho * rho) / labelled + rho * rho / judged)


def _check(rho: float, cost_human: float, cost_judge: float, budget: float) -> None:
    if not (math.isfinite(rho) and -1 <= rho <= 1):
        raise InputError(_WHERE, "--rho", f"rho is {shown(rho)}", "give a correlation from -1 to 1")
    for key, value in (("--cost-human", cost_human), ("--cost-judge", cost_judge), ("--budget", budget)):
        if not (math.isfinite(value) and value > 0):
            remedy = "give dollars above 0"
            if key == "--cost-judge" and value == 0:
                remedy += "; with a free judge score everything, no split is needed"
            raise InputError(_WHERE, key, f"{key[2:].replace('-', ' ')} is {shown(value)}", remedy)
    if budget / cost_judge > _MOST or budget / cost_human > _MOST:
        problem = f"{shown(budget)} buys more than {_MOST:g} scores"
        raise InputError(_WHERE, "--budget", problem, "give a smaller budget or higher prices")
    if budget * (1 + _SLACK) < cost_human + cost_judge:
        problem = f"{shown(budget)} does not pay one label and its score ({cost_human + cost_judge:g})"
        raise InputError(_WHERE, "--budget", problem, "give a larger budget")
