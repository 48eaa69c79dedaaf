"""Estimators of a mean label from a few labels and many judge scores, on rows or on sufficient statistics.

The public door to all of them::

    from expsim_panel.estimators import difference, ppi_plus_plus
    new = ppi_plus_plus(labels_b, judge_on_labelled_b, judge_on_the_rest_b)
    old = ppi_plus_plus(labels_a, judge_on_labelled_a, judge_on_the_rest_a)
    low, high = difference(new, old).interval(0.95, "t")

Labels must be drawn at random within each variant, and in **every** variant: labels of one variant say
nothing about the judge's bias on another. Each variant has a weight of its own.
"""

from __future__ import annotations

from collections.abc import Sized
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt

from expsim_panel.confusion_estimators import binary_eif, rogan_gladen, rogan_gladen_difference
from expsim_panel.errors import InputError, shown
from expsim_panel.estimates import Estimate, counted, difference, effective_sample_size, satterthwaite, warned
from expsim_panel.kernels.estimators import mean_of, tuned_weight, weighted_mean
from expsim_panel.row_estimators import clustered, clustered_ppi, crossed_ppi, isotonic
from expsim_panel.rows import column

__all__ = [
    "Estimate",
    "Pairs",
    "binary_eif",
    "clustered",
    "clustered_ppi",
    "crossed_ppi",
    "difference",
    "effective_sample_size",
    "isotonic",
    "judge_only",
    "labels_only",
    "paired_ppi",
    "ppi",
    "ppi_plus_plus",
    "rogan_gladen",
    "rogan_gladen_difference",
]


@dataclass(frozen=True)
class Pairs:
    """Sufficient statistics of labelled rows (label y, judge score f) and of rows with f only.

    Attributes
    ----------
    n, sum_y, sum_f, sum_yy, sum_ff, sum_yf : float
        Labelled rows: number, sums, sums of squares and of products.
    rest, rest_sum, rest_square : float
        Rows with a judge score only.
    origin_y, origin_f : float
        What was subtracted from every y and f before summing (it keeps digits); 0 for plain sums.
    """

    n: float
    sum_y: float
    sum_f: float
    sum_yy: float
    sum_ff: float
    sum_yf: float
    rest: float = 0.0
    rest_sum: float = 0.0
    rest_square: float = 0.0
    origin_y: float = 0.0
    origin_f: float = 0.0

    @classmethod
    def of(cls, labels: npt.ArrayLike, judge: npt.ArrayLike, rest: npt.ArrayLike = ()) -> Self:
        """Sum rows up.

        Parameters
        ----------
        labels, judge : array_like, shape (n,)
            Label and judge score of the labelled rows, n at least 2.
        rest : array_like, shape (N,)
            Judge scores of the other rows.

        Raises
        ------
        InputError
            Not one-dimensional, not finite, or different lengths.
        """
        y, f, far = column("labels", labels, 2), column("judge", judge, 2), column("rest", rest, 0)
        if len(y) != len(f):
            raise InputError("estimators", "judge", f"{len(f)} scores for {len(y)} labels", "give one for each label")
        origin_y, origin_f = float(y.mean()), float(f.mean())
        y, f, far = y - origin_y, f - origin_f, far - origin_f
        far_sums = (float(len(far)), float(far.sum()), float(far @ far))
        squares = (float(y @ y), float(f @ f), float(y @ f))
        return cls(float(len(y)), float(y.sum()), float(f.sum()), *squares, *far_sums, origin_y, origin_f)

    def __add__(self, other: Pairs) -> Pairs:
        """Pool two sets of rows summed about the same origin, such as two days."""
        if (self.origin_y, self.origin_f) != (other.origin_y, other.origin_f):
            raise InputError("estimators", "pairs", "two origins", "add sums about the same origin")
        names = ("n", "sum_y", "sum_f", "sum_yy", "sum_ff", "sum_yf", "rest", "rest_sum", "rest_square")
        return replace(self, **{name: getattr(self, name) + getattr(other, name) for name in names})

    def weight(self, bounds: tuple[float, float] | None = (0.0, 1.0)) -> float:
        """Return the tuned weight of PPI++, kept within `bounds` (none: as it comes)."""
        found = tuned_weight(
            self.n, self.sum_y, self.sum_f, self.sum_ff, self.sum_yf, self.rest, self.rest_sum, self.rest_square
        )
        return found if bounds is None else min(max(found, bounds[0]), bounds[1])

    def labels_only(self) -> Estimate:
        """Return the mean of the labels, which needs no judge."""
        if not self.n >= 2:
            raise InputError("estimators", "labels", f"{self.n:g} labels", "give 2 or more")
        mean, variance = mean_of(self.n, self.sum_y, self.sum_yy)
        small = variance * self.n / (self.n - 1)
        return Estimate(self.origin_y + mean, variance, small, self.n - 1, "labels only", int(self.n))

    def judge_only(self) -> Estimate:
        """Return the mean of all judge scores: precise, and wrong by whatever bias the judge has."""
        rows = self.n + self.rest
        if not rows >= 2:
            raise InputError("estimators", "judge", f"{rows:g} scores", "give 2 or more")
        mean, variance = mean_of(rows, self.sum_f + self.rest_sum, self.sum_ff + self.rest_square)
        note = "the judge's bias is in the estimate, and no number of rows removes it"
        small = variance * rows / (rows - 1)
        return Estimate(self.origin_f + mean, variance, small, rows - 1, "judge only", 0, int(rows), None, (note,))

    def weighted(self, weight: float, method: str, estimated: bool = False) -> Estimate:
        """Return the PPI++ mean at a given weight; `estimated`: the weight came from the same rows."""
        lost = 2 if estimated and weight != 0 else 1
        if not self.n > lost:
            raise InputError("estimators", "labels", f"{self.n:g} labels", f"give {lost + 1} or more")
        value, near, far = weighted_mean(
            self.n, self.sum_y, self.sum_f, self.sum_yy, self.sum_ff, self.sum_yf,
            self.rest, self.rest_sum, self.rest_square, weight,
        )  # fmt: skip
        parts = [(near * self.n / (self.n - lost), self.n - lost)]
        if far > 0:
            parts.append((far * self.rest / (self.rest - 1) if self.rest > 1 else far, max(self.rest - 1, 1)))
        small = sum(variance for variance, _ in parts)
        made = Estimate(
            self.origin_y + value, near + far, small, satterthwaite(parts), method, int(self.n), int(self.rest), weight
        )
        return warned(made)

    def ppi(self) -> Estimate:
        """Return the PPI mean (weight 1)."""
        return self.weighted(1.0, "PPI")

    def ppi_plus_plus(self, weight: float | None = None, bounds: tuple[float, float] | None = (0.0, 1.0)) -> Estimate:
        """Return the PPI++ mean, by the tuned weight unless one is given."""
        return self.weighted(self.weight(bounds) if weight is None else weight, "PPI++", weight is None)


def labels_only(labels: npt.ArrayLike) -> Estimate:
    """Return the mean of labels, shape (n,), n at least 2: unbiased, and dear."""
    y = column("labels", labels, 2)
    return counted(Pairs.of(y, y).labels_only(), y)


def judge_only(judge: npt.ArrayLike) -> Estimate:
    """Return the mean of judge scores, shape (N,), N at least 2: cheap, and biased as the judge is."""
    f = column("judge", judge, 2)
    return Pairs.of(f, f).judge_only()


def ppi(labels: npt.ArrayLike, judge: npt.ArrayLike, rest: npt.ArrayLike) -> Estimate:
    """Return the prediction-powered mean ``mean_N(f) + mean_n(y - f)`` (arXiv:2301.09633).

    Parameters
    ----------
    labels, judge : array_like, shape (n,)
        Label and judge score of the labelled rows.
    rest : array_like, shape (N,)
        Judge scores of the other rows.
    """
    return counted(Pairs.of(labels, judge, rest).ppi(), column("labels", labels, 2))


def ppi_plus_plus(
    labels: npt.ArrayLike,
    judge: npt.ArrayLike,
    rest: npt.ArrayLike,
    *,
    weight: float | None = None,
    bounds: tuple[float, float] | None = (0.0, 1.0),
) -> Estimate:
    """Return the power-tuned prediction-powered mean ``mean_n(y) + L (mean_N f - mean_n f)``.

    With the defaults, value, weight and z interval are those of ppi-python 0.2.3 on the same arrays. A judge
    that compresses the scale wants a weight above 1: ``bounds=None`` gives it, and with it the variance
    that the closed forms promise. The weight comes from the same rows, which for skewed labels leaves a bias of
    order 1/n; `crossed_ppi` has none.

    Parameters
    ----------
    labels, judge : array_like, shape (n,)
        Label and judge score of the labelled rows, n at least 3.
    rest : array_like, shape (N,)
        Judge scores of the other rows.
    weight : float, optional
        L, instead of the tuned one.
    bounds : tuple of float, optional
        The tuned weight is kept between them.

    References
    ----------
    .. [1] Angelopoulos, Duchi, Zrnic (2023), "PPI++", arXiv:2311.01453.
    """
    if weight is not None and not np.isfinite(weight):
        raise InputError("estimators", "weight", f"{shown(weight)} is no weight", "give a finite number, or none")
    return counted(Pairs.of(labels, judge, rest).ppi_plus_plus(weight, bounds), column("labels", labels, 2))


def paired_ppi(
    labels: tuple[npt.ArrayLike, npt.ArrayLike],
    judge: tuple[npt.ArrayLike, npt.ArrayLike],
    rest: tuple[npt.ArrayLike, npt.ArrayLike],
    *,
    bounds: tuple[float, float] | None = (0.0, 1.0),
) -> Estimate:
    """Return treatment less control on the same prompts: PPI++ on the per-prompt differences (D, F).

    What the prompts have in common drops out of both; what counts is `rho_D`, the correlation of the
    differences, which is much lower than that of the scores (MODEL section 3.1).

    Parameters
    ----------
    labels, judge, rest : tuple of two array_like
        (control, treatment), prompt by prompt in the same order.
    """
    pairs = []
    for name, given in (("labels", labels), ("judge", judge), ("rest", rest)):
        try:
            control, treatment = given
        except (TypeError, ValueError):
            problem = f"{len(given) if isinstance(given, Sized) else 1} entries where two columns belong"
            raise InputError("estimators", name, problem, "give (control, treatment)") from None
        old, new = column(name, control, 0), column(name, treatment, 0)
        if len(old) != len(new):
            problem = f"{len(new)} rows of the treatment for {len(old)} of the control"
            raise InputError("estimators", name, problem, "give both for every prompt")
        pairs.append(new - old)
    return ppi_plus_plus(*pairs, bounds=bounds)
