"""Many comparisons at once: adjusted p-values, and Dunnett's test of several variants against one control.

An adjusted p-value is the smallest level at which its comparison is rejected by the procedure for all of them
together; compare it with alpha.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np

from expsim_panel.checked import Floats, check_error_rate
from expsim_panel.errors import InputError, did_you_mean, shown

WHERE = "multiple comparisons"
Method = Literal["bonferroni", "sidak", "holm", "holm-sidak", "hochberg", "hommel", "bh", "by",
                 "benjamini-hochberg", "benjamini-yekutieli", "fdr"]  # fmt: skip
METHODS: dict[str, str] = {
    "bonferroni": "family-wise error, any dependence",
    "sidak": "family-wise error, independent or normal two-sided tests",
    "holm": "family-wise error, any dependence; never worse than bonferroni",
    "holm-sidak": "family-wise error, independent or normal two-sided tests",
    "hochberg": "family-wise error, independent or positively dependent tests",
    "hommel": "family-wise error, independent or positively dependent tests; never worse than hochberg",
    "bh": "false discovery rate, independent or positively dependent tests (Benjamini-Hochberg)",
    "by": "false discovery rate, any dependence (Benjamini-Yekutieli)",
}
"""Procedures and what each controls, under which dependence."""
_ALSO = {"fdr": "bh", "benjamini-hochberg": "bh", "benjamini-yekutieli": "by"}
"""Other names of the same procedures: that of the strategy, among them."""


def adjusted_p_values(p_values: Sequence[float] | Floats, method: Method = "holm") -> Floats:
    """Return the adjusted p-values, in the order given.

    Parameters
    ----------
    p_values : array_like, shape (m,)
        In [0, 1], m at least 1.
    method : str
        One of `METHODS`, in any case; ``benjamini-hochberg`` and ``fdr`` stand for ``bh``, ``benjamini-yekutieli``
        for ``by``.

    Raises
    ------
    InputError
        An unknown method, or something that is no p-value.

    References
    ----------
    .. [1] Holm (1979), Scandinavian Journal of Statistics 6, 65-70; Hochberg (1988), Biometrika 75, 800-802;
       Hommel (1988), Biometrika 75, 383-386.
    .. [2] Benjamini, Hochberg (1995), JRSS B 57, 289-300; Benjamini, Yekutieli (2001), Annals of Statistics
       29, 1165-1188.
    """
    p = np.array(p_values, dtype=np.float64, ndmin=1)
    if p.ndim != 1 or p.size == 0 or not np.all((p >= 0.0) & (p <= 1.0)):
        raise InputError(WHERE, "p-values", f"p-values are {shown(p.tolist())}", "give numbers from 0 to 1")
    name = str(method).lower()
    name = _ALSO.get(name, name)
    if name not in METHODS:
        raise InputError(WHERE, "method", f"unknown method {shown(method)}", did_you_mean(name, [*METHODS, *_ALSO]))
    order = np.argsort(p, kind="stable")
    ranked, m = p[order], p.size
    rank = np.arange(1, m + 1)
    if name == "bonferroni":
        made = ranked * m
    elif name == "sidak":
        made = _sidak(ranked, np.full(m, float(m)))
    elif name == "holm":
        made = np.maximum.accumulate(ranked * (m - rank + 1))
    elif name == "holm-sidak":
        made = np.maximum.accumulate(_sidak(ranked, np.asarray(m + 1 - rank, dtype=np.float64)))
    elif name == "hommel":
        made = _hommel(ranked)
    else:
        weights = {"hochberg": m - rank + 1.0, "bh": m / rank, "by": m / rank * float(np.sum(1.0 / rank))}
        made = np.minimum.accumulate((ranked * weights[name])[::-1])[::-1]
    adjusted = np.empty(m)
    adjusted[order] = np.minimum(made, 1.0)
    return adjusted


def rejected(p_values: Sequence[float] | Floats, alpha: float = 0.05, method: Method = "holm") -> np.ndarray:
    """Return which comparisons the procedure rejects at level `alpha`, bool array in the order given."""
    check_error_rate(alpha, 2, WHERE)
    return np.asarray(adjusted_p_values(p_values, method) <= alpha)


def _sidak(p: Floats, power: Floats) -> Floats:
    """Return ``1 - (1 - p)^power`` without losing small p."""
    with np.errstate(divide="ignore"):
        return np.asarray(-np.expm1(power * np.log1p(-p)))


def _hommel(ranked: Floats) -> Floats:
    """Return Hommel's adjusted p-values: the largest Simes p-value over the subsets that hold each one.

    For subsets of size k the worst one holds the k - 1 largest others, so that m sizes suffice.
    """
    m = ranked.size
    found = np.zeros(m)
    for size in range(1, m + 1):
        for i in range(m):
            others = np.delete(ranked, i)[m - size :]
            members = np.sort(np.append(others, ranked[i]))
            simes = float(np.min(size * members / np.arange(1, size + 1)))
            found[i] = max(found[i], simes)
    return found


def _rows(treatments: int, allocation: Sequence[float] | None) -> Floats:
    """Return ``sqrt(correlation loading)`` of each treatment: corr(Z_i, Z_j) = loading_i loading_j."""
    if isinstance(treatments, bool) or not isinstance(treatments, int) or not 1 <= treatments <= 100:
        raise InputError(WHERE, "treatments", f"treatments is {shown(treatments)}", "give a whole number, 1 to 100")
    sizes = [1.0] * (treatments + 1) if allocation is None else list(allocation)
    good = len(sizes) == treatments + 1 and all(isinstance(n, int | float) and 0 < n < math.inf for n in sizes)
    if not good:
        remedy = "give control and treatments, one positive number each"
        raise InputError(WHERE, "allocation", f"allocation is {shown(allocation)}", remedy)
    rows = np.array(sizes, dtype=np.float64)
    return np.asarray(np.sqrt(rows[1:] / (rows[1:] + rows[0])))


def dunnett_error(
    critical: float, treatments: int, sides: int = 2, allocation: Sequence[float] | None = None, df: float = math.inf
) -> float:
    """Return P(any |Z_i| > critical) (one side: any Z_i > critical) when no treatment differs from control.

    Given the control's mean the treatments are independent: one integral over it and, with an estimated
    variance, one over its chi law. Error below 1e-10.

    Parameters
    ----------
    critical : float
        Bound on the z or t scale.
    treatments : int
        Number of treatments, 1 to 100.
    sides : int
        1 or 2.
    allocation : sequence of float, optional
        Sizes or shares, control first; equal by default.
    df : float
        Degrees of freedom of the common variance estimate; infinite for a known one.
    """
    loading = _rows(treatments, allocation)
    if isinstance(sides, bool) or sides not in (1, 2):
        raise InputError(WHERE, "--sides", f"sides is {shown(sides)}", "give 1 or 2")
    if not df > 0.0:
        raise InputError(WHERE, "df", f"df is {shown(df)}", "give a number greater than 0")
    if math.isinf(df):
        return 1.0 - float(_all_below(np.array([critical]), loading, sides)[0])
    from scipy.special import gammaln

    # s = sqrt(chi2 / df): a panelled Gauss-Legendre rule over all but 1e-15 of its law.
    from scipy.stats import chi2

    ends = np.sqrt(np.array([chi2.ppf(1e-15, df), chi2.isf(1e-15, df)]) / df)
    nodes, weights = _panels(float(ends[0]), float(ends[1]), 24)
    log_density = 0.5 * df * math.log(df / 2.0) - float(gammaln(df / 2.0)) + math.log(2.0)
    density = np.exp(log_density + (df - 1.0) * np.log(nodes) - 0.5 * df * nodes * nodes)
    return 1.0 - float(np.sum(weights * density * _all_below(critical * nodes, loading, sides)))


def _panels(low: float, high: float, panels: int) -> tuple[Floats, Floats]:
    """Return Gauss-Legendre nodes and weights, 16 on each of `panels` equal panels."""
    x, w = np.polynomial.legendre.leggauss(16)
    half = 0.5 * (high - low) / panels
    middles = low + half * (2 * np.arange(panels) + 1)
    return (middles[:, None] + half * x[None, :]).ravel(), np.tile(half * w, panels)


def _all_below(bounds: Floats, loading: Floats, sides: int) -> Floats:
    """Return P(all Z within the bound) for each bound, with one-factor correlated Z."""
    from scipy.special import ndtr

    nodes, weights = _panels(-8.5, 8.5, 20)
    weights = weights * np.exp(-0.5 * nodes * nodes) / math.sqrt(2.0 * math.pi)
    own = np.sqrt(1.0 - loading * loading)
    inside = np.ones((bounds.size, nodes.size))
    for one, rest in zip(loading, own, strict=True):
        high = ndtr((bounds[:, None] - one * nodes[None, :]) / rest)
        inside *= high - ndtr((-bounds[:, None] - one * nodes[None, :]) / rest) if sides == 2 else high
    return np.asarray(inside @ weights)


def dunnett_critical(
    treatments: int, alpha: float = 0.05, sides: int = 2, allocation: Sequence[float] | None = None,
    df: float = math.inf,
) -> float:  # fmt: skip
    """Return Dunnett's critical value: z bound (t bound with `df`) for every treatment against one control.

    Parameters as in `dunnett_error`; `alpha` is the family-wise level.

    References
    ----------
    .. [1] Dunnett (1955), "A multiple comparison procedure for comparing several treatments with a control",
       JASA 50, 1096-1121; (1964), Biometrics 20, 482-491.
    """
    from scipy.optimize import brentq
    from scipy.stats import norm, t

    check_error_rate(alpha, sides, WHERE)
    _rows(treatments, allocation)
    law = norm() if math.isinf(df) else t(df)
    least = float(law.isf(alpha / sides)) - 1e-6
    most = float(law.isf(alpha / sides / treatments)) + 1e-6

    def excess(critical: float) -> float:
        return dunnett_error(critical, treatments, sides, allocation, df) - alpha

    return float(brentq(excess, least, most, xtol=1e-11))


def dunnett_p_values(
    statistics: Sequence[float] | Floats, sides: int = 2, allocation: Sequence[float] | None = None,
    df: float = math.inf,
) -> Floats:  # fmt: skip
    """Return the single-step adjusted p-value of each treatment's z or t statistic."""
    z = np.array(statistics, dtype=np.float64, ndmin=1)
    seen = np.abs(z) if sides == 2 else z
    return np.array([min(1.0, max(0.0, dunnett_error(float(one), z.size, sides, allocation, df))) for one in seen])
