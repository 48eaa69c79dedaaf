"""Variance components and reliability of a table of ratings, by the analysis of variance.

Model of a score of prompt `p` under variant `a` by rater `r`:

    y = mu[a] + prompt[p] + own[a,p] + severity[r] + noise

with fixed variant means and independent random terms of variances `s_p^2, s_g^2, s_s^2, s_e^2`. An
*item* is one output, so its variance is `s_p^2 + s_g^2`.

The layout may be unbalanced: the estimators are Henderson's method 3 (fitting constants) for noise and
severity, and the expectation of the between-items sum of squares for items. On a balanced layout all
are the textbook two-way estimators. They are unbiased, need no normality, and may come out negative,
which is then reported as 0.

References
----------
.. [1] Henderson, C. R. (1953). Estimation of variance and covariance components. Biometrics 9, 226-252.
.. [2] Searle, Casella, McCulloch (1992). Variance Components, chapter 5. Wiley.
.. [3] Shrout, Fleiss (1979). Intraclass correlations. Psychological Bulletin 86, 420-428.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from expsim_panel.kernels.rating_items import connected_sets, item_sums, shared_items
from expsim_panel.ratings import Codes, Floats, Ratings
from expsim_panel.recoding import coded_anew, counted

DENSE_RATERS = 400  # above this the raters' normal equations are solved by conjugate gradients


@dataclass(frozen=True)
class Components:
    """Variances of one rating's parts, in squared points; None where the layout cannot tell.

    Attributes
    ----------
    item : float or None
        `s_p^2 + s_g^2` between items (of one variant, or of all if `by_variant` was off).
    severity : float or None
        `s_s^2` between raters. None if no two raters' scores can be compared.
    noise : float or None
        `s_e^2`; where `severity` is None it contains the severity.
    prompt : float or None
        `s_p^2`, the part of `item` that variants share on a prompt. None without shared prompts.
    total : float
        Variance of a rating around its group's mean.
    rater_effects : float64 array, shape (raters,)
        Least-squares severity of each rater in points, mean 0 over ratings; zeros if `severity` is None.
    reasons : dict
        Why a component is None or was set to 0.
    """

    item: float | None
    severity: float | None
    noise: float | None
    prompt: float | None
    total: float
    rater_effects: Floats
    reasons: dict[str, str]


@dataclass(frozen=True)
class Reliability:
    """Intraclass correlations; None where no item has two raters.

    Attributes
    ----------
    icc1 : float or None
        ICC(1): one random rater, one-way (severity counts as noise).
    icc1k : float or None
        ICC(1,k): the mean of `k` raters.
    icc21 : float or None
        ICC(2,1): one random rater, absolute agreement, two-way.
    k : float
        Effective number of ratings per item, `(N - sum n_i^2 / N) / (I - 1)`.
    within_item_sd : float or None
        Square root of the mean square within items, in points.
    """

    icc1: float | None
    icc1k: float | None
    icc21: float | None
    k: float
    within_item_sd: float | None


def one_way(score: Floats, item: Codes, items: int) -> tuple[float, float, float]:
    """Return between and within mean squares (nan without degrees of freedom) and the effective `k`."""
    size, total, square = item_sums(score, item, items, score.mean())
    between = float((total**2 / np.maximum(size, 1)).sum())
    within = float(square.sum()) - between
    rows, groups = len(score), int(np.count_nonzero(size))
    k = (rows - float((size**2).sum()) / rows) / (groups - 1) if groups > 1 else float("nan")
    msb = between / (groups - 1) if groups > 1 else float("nan")
    msw = max(within, 0.0) / (rows - groups) if rows > groups else float("nan")
    return msb, msw, k


def reliability(ratings: Ratings, components: Components) -> Reliability:
    """Compute the intraclass correlations; `components` must be those over all variants together."""
    msb, msw, k = one_way(ratings.score, ratings.item, ratings.items)
    if not np.isfinite(msw) or not np.isfinite(msb) or msb + msw <= 0:
        return Reliability(None, None, None, k if np.isfinite(k) else 1.0, None)
    item = (msb - msw) / k
    icc21 = None
    if components.item is not None and components.severity is not None and components.noise is not None:
        whole = components.item + components.severity + components.noise
        icc21 = components.item / whole if whole > 0 else None
    return Reliability(
        icc1=float(item / (item + msw)),
        icc1k=float((msb - msw) / msb) if msb > 0 else None,
        icc21=icc21,
        k=float(k),
        within_item_sd=float(np.sqrt(msw)),
    )


def variance_components(ratings: Ratings, by_variant: bool = True) -> Components:
    """Estimate the components.

    Parameters
    ----------
    by_variant : bool
        True: means are fixed by variant, so `item` is the variance between the items *of one variant*.
        False: one mean, so `item` contains the differences between variants (published ICCs do).
    """
    group = ratings.variant if by_variant else np.zeros_like(ratings.variant)
    groups = int(group.max()) + 1
    rows, items, raters = ratings.rows, ratings.items, len(ratings.raters)
    size_group = np.bincount(group, minlength=groups)
    y = ratings.score - (np.bincount(group, ratings.score, minlength=groups) / size_group)[group]
    size = np.bincount(ratings.item, minlength=items).astype(float)
    mean_item = np.bincount(ratings.item, y, minlength=items) / size
    reasons: dict[str, str] = {}
    total = float(y @ y) / max(rows - groups, 1)
    effects = np.zeros(raters)
    if rows == items:
        reasons["item"] = reasons["noise"] = reasons["severity"] = "no item has two ratings"
        reasons["prompt"] = "items cannot be told from noise"
        return Components(None, None, None, None, total, effects, reasons)

    shared = _shared(ratings) if raters <= DENSE_RATERS else None
    # an item hangs together with its raters: the pieces of the raters are those of the table
    pieces = len(np.unique(connected_sets(shared))) if shared is not None else _pieces(ratings)
    spare = rows - (items + raters - pieces)  # degrees of freedom of noise
    gain = rows - items - 0.0  # trace of Z'MZ for raters, M = projection off items
    severity: float | None = None
    residual = y - mean_item[ratings.item]
    within = float(residual @ residual)
    if spare > 0 and raters > pieces:
        effects = _rater_effects(ratings, residual, size, raters, shared)
        left = residual - effects[ratings.rater]
        left -= (np.bincount(ratings.item, left, minlength=items) / size)[ratings.item]
        noise = float(left @ left) / spare
        severity = (within - float(left @ left) - noise * (raters - pieces)) / gain
    else:
        reasons["severity"] = "no two raters share enough items to tell severity from noise"
        noise = within / (rows - items)
    between = float((size * mean_item**2).sum())
    per_group = np.bincount(group, weights=size[ratings.item], minlength=groups) / size_group
    freedom = items - groups
    item: float | None = None
    if freedom > 0:
        common = 0.0
        if severity is not None:
            pair, count = counted(group * raters + ratings.rater, groups * raters)
            common = items - float((count.astype(float) ** 2 / size_group[pair // raters]).sum())
        left_over, weight = between - noise * freedom - (severity or 0.0) * common, rows - float(per_group.sum())
        item = left_over / weight
        own = _within_cells(ratings, y, size, size_group[group].astype(float), noise, severity or 0.0)
        if own is not None and weight > own[1]:
            # items of one variant on one prompt (epochs) are alike: means of the variant vary by what they share
            item = (left_over - own[0] * weight) / (weight - own[1]) + own[0]
    else:
        reasons["item"] = "one item per variant"
    prompt = None
    if not by_variant:
        reasons["prompt"] = "estimated within variants only"
    else:
        prompt = _prompt_variance(ratings, y - effects[ratings.rater], size, reasons)
    for name, value in (("item", item), ("severity", severity), ("prompt", prompt)):
        if value is not None and value < 0:
            reasons[name] = f"estimate {value:.3g} is below 0 and was set to 0"
    item, severity, prompt = (None if v is None else max(v, 0.0) for v in (item, severity, prompt))
    if prompt is not None and item is not None and prompt > item:
        reasons["prompt"] = f"estimate {prompt:.3g} exceeds the item variance and was cut to it"
        prompt = item
    return Components(item, severity, noise, prompt, total, effects, reasons)


def _within_cells(
    ratings: Ratings, y: Floats, size: Floats, whole: Floats, noise: float, severity: float
) -> tuple[float, float] | None:
    """Return the variance between items of one variant on one prompt, and how their likeness weighs in a mean.

    Parameters
    ----------
    y : float64 array, shape (rows,)
        Scores.
    size : float64 array, shape (items,)
        Ratings of each item.
    whole : float64 array, shape (rows,)
        Ratings that the mean was taken of, which was subtracted from each.
    noise, severity : float
        Variances of a rating and between raters.

    Returns
    -------
    tuple or None
        None where every item has a prompt and variant of its own.
    """
    kinds = len(ratings.variants)
    of_row = coded_anew(ratings.prompt * kinds + ratings.variant)[1]
    cells = int(of_row.max()) + 1
    if cells == ratings.items:
        return None
    cell, total = np.zeros(ratings.items, dtype=np.int64), np.ones(ratings.items)
    cell[ratings.item], total[ratings.item] = of_row, whole
    many = np.bincount(cell, size, minlength=cells)
    mean = np.bincount(ratings.item, y, minlength=ratings.items) / size
    centre = np.bincount(of_row, y, minlength=cells) / many
    between = float((size * (mean - centre[cell]) ** 2).sum())
    raters = len(ratings.raters)
    pair, count = counted(of_row * raters + ratings.rater, cells * raters)
    common = ratings.items - float((count.astype(float) ** 2 / many[pair // raters]).sum())
    spare = ratings.rows - float((size**2 / many[cell]).sum())
    alike = float((size * (many[cell] - size) / total).sum())
    return max((between - noise * (ratings.items - cells) - severity * common) / spare, 0.0), alike


def _pieces(ratings: Ratings) -> int:
    """Return the number of connected sets of items and raters, where raters are very many."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components  # takes a tenth of a second to import

    nodes = ratings.items + len(ratings.raters)
    ends = (ratings.item, ratings.rater + ratings.items)
    graph = coo_array((np.ones(ratings.rows, dtype=np.int8), ends), shape=(nodes, nodes)).tocsr()
    return int(connected_components(graph, directed=False)[0])


def _shared(ratings: Ratings) -> Floats:
    """Return for every two raters the sum of 1 / (ratings of the item) over the items that both have rated."""
    order = np.argsort(ratings.item, kind="stable")
    start = np.concatenate([[0], np.cumsum(np.bincount(ratings.item, minlength=ratings.items))])
    return shared_items(start, ratings.rater[order], len(ratings.raters))


def _rater_effects(ratings: Ratings, residual: Floats, size: Floats, raters: int, shared: Floats | None) -> Floats:
    """Solve least squares for raters with items swept out; the solution has mean 0 over ratings."""
    load = np.bincount(ratings.rater, minlength=raters).astype(float)
    right = np.bincount(ratings.rater, residual, minlength=raters)
    if shared is not None:
        matrix = np.diag(load) - shared
        # each connected set of raters leaves its own level open: the one that sums to 0, as least squares has it
        of = connected_sets(shared)
        together = of[:, None] == of
        effects = np.linalg.solve(matrix + together * (load.mean() / raters * len(np.unique(of))), right)
    else:
        from scipy.sparse import csr_array
        from scipy.sparse.linalg import LinearOperator, cg

        shape = (ratings.items, raters)
        cells = csr_array((np.ones(ratings.rows), (ratings.item, ratings.rater)), shape=shape)
        turned = cells.T.tocsr()

        def times(vector: Floats) -> Floats:
            return np.asarray(load * vector - turned @ ((cells @ vector) / size))

        operator = LinearOperator((raters, raters), matvec=times, dtype=np.float64)
        start = LinearOperator((raters, raters), matvec=lambda v: v / np.maximum(load, 1), dtype=np.float64)
        effects, _ = cg(operator, right, rtol=1e-8, maxiter=200, M=start)
    return np.asarray(effects - effects @ load / load.sum())


def _prompt_variance(ratings: Ratings, y: Floats, size: Floats, reasons: dict[str, str]) -> float | None:
    """Return the mean product of two variants' item means on a prompt: the covariance they share."""
    mean = np.bincount(ratings.item, y, minlength=ratings.items) / size
    prompt = np.zeros(ratings.items, dtype=np.int64)
    variant = np.zeros(ratings.items, dtype=np.int64)
    prompt[ratings.item], variant[ratings.item] = ratings.prompt, ratings.variant
    kinds = np.bincount(variant)
    mean = mean - (np.bincount(variant, mean) / kinds)[variant]
    pair, at = coded_anew(prompt * len(kinds) + variant)
    cell = np.bincount(at, mean) / np.bincount(at)  # several items of a variant on a prompt: their mean
    owner = pair // len(kinds)
    count = np.bincount(owner).astype(float)
    sums, squares = np.bincount(owner, cell), np.bincount(owner, cell**2)
    pairs = float((count * (count - 1)).sum())
    several = int((count > 1).sum())
    if several < 2:
        reasons["prompt"] = "fewer than two prompts are shared by variants"
        return None
    # each variant's mean was estimated from the same items: one degree of freedom is spent
    return float((sums**2 - squares).sum()) / pairs * several / (several - 1)
