"""Rates from yes/no judges: the efficient estimator, and Rogan-Gladen with its warnings."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy.typing as npt

from expsim_panel.errors import InputError, shown
from expsim_panel.estimates import Estimate, counted, satterthwaite, warned
from expsim_panel.kernels import estimators as kernel
from expsim_panel.rows import column

ROGAN_GLADEN_WARNING = (
    "Rogan-Gladen holds only if the judge's sensitivity and specificity are the same in every variant and in the "
    "validation set; a judge partial to one variant breaks it without a sign"
)


@dataclass(frozen=True)
class Validation:
    """A judge's sensitivity and specificity as measured on labelled rows.

    Attributes
    ----------
    sensitivity, specificity : float
        Rates, 0 to 1.
    positives, negatives : float
        Truly positive and truly negative validated rows, m1 and m0, 1 or more.
    """

    sensitivity: float
    specificity: float
    positives: float
    negatives: float

    def __post_init__(self) -> None:
        for name in ("sensitivity", "specificity"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError("rogan_gladen", name, f"{shown(getattr(self, name))} is no rate", "give 0 to 1")
        for name in ("positives", "negatives"):
            if not getattr(self, name) >= 1:
                raise InputError("rogan_gladen", name, f"{shown(getattr(self, name))} rows", "validate at least 1")

    @classmethod
    def of(cls, labels: npt.ArrayLike, judge: npt.ArrayLike) -> Validation:
        """Measure a judge on labelled rows, both 0 or 1, shape (n,)."""
        y, f = column("labels", labels, 1, binary=True), column("judge", judge, 1, binary=True)
        if len(y) != len(f):
            raise InputError("rogan_gladen", "judge", f"{len(f)} scores for {len(y)} labels", "give one for each")
        yes, no = float(y.sum()), float(len(y) - y.sum())
        if not (yes and no):
            problem = f"{yes:g} positive and {no:g} negative labels"
            raise InputError("rogan_gladen", "labels", problem, "validate on both kinds")
        return cls(float(y @ f) / yes, float((1 - y) @ (1 - f)) / no, yes, no)

    @property
    def youden(self) -> float:
        """``J = Se + Sp - 1``: what the judge leaves of a difference."""
        return self.sensitivity + self.specificity - 1

    @property
    def errors(self) -> tuple[float, float]:
        """Variances of the measured Se and Sp."""
        up = self.sensitivity * (1 - self.sensitivity) / self.positives
        return up, self.specificity * (1 - self.specificity) / self.negatives

    def demand_certainty(self) -> None:
        """Raise `InputError` if J is not at least two of its standard errors above 0."""
        error = math.sqrt(sum(self.errors))
        if self.youden <= 0 or self.youden < 2 * error:
            problem = f"J = Se + Sp - 1 = {self.youden:.3g} is under two of its standard errors ({error:.3g})"
            raise InputError("rogan_gladen", "J", problem, "validate more rows, or use labels only or PPI++")


def binary_eif(labels: npt.ArrayLike, judge: npt.ArrayLike, rest: npt.ArrayLike) -> Estimate:
    """Return the efficient estimate of a rate from 0/1 labels and a 0/1 judge.

    ``th = (1 - p) m0 + p m1`` (see `expsim_panel.kernels.estimators.binary_eif`); labels only where the judge gave
    all labelled rows the same score.

    Parameters
    ----------
    labels, judge : array_like of 0 and 1, shape (n,)
        Label and judge score of the labelled rows, n at least 2.
    rest : array_like of 0 and 1, shape (N,)
        Judge scores of the other rows.
    """
    y, f = column("labels", labels, 2, binary=True), column("judge", judge, 2, binary=True)
    far = column("rest", rest, 0, binary=True)
    if len(y) != len(f):
        raise InputError("binary_eif", "judge", f"{len(f)} scores for {len(y)} labels", "give one for each label")
    made = binary_eif_counts(
        float(len(f) - f.sum()), float(y @ (1 - f)), float(f.sum()), float(y @ f), float(len(far)), float(far.sum())
    )
    return counted(made, y)


def binary_eif_counts(
    negatives: float, hits_negative: float, positives: float, hits_positive: float, rest: float, rest_positive: float
) -> Estimate:
    """Return the same from counts; see `expsim_panel.kernels.estimators.binary_eif`.

    The z and t intervals have the variance with shrunken rates, which a few events make too wide; the interval on log
    odds has the unshrunken one, `kernels.estimators.plain_eif_variance`, where both verdicts have two labels.
    """
    value, variance = kernel.binary_eif(negatives, hits_negative, positives, hits_positive, rest, rest_positive)
    n = negatives + positives
    notes: tuple[str, ...] = ()
    if negatives < 1 or positives < 1:
        notes = ("the judge gave every labelled row the same score: labels only",)
    df = max(n - 2, 1.0)
    plain = kernel.plain_eif_variance(negatives, hits_negative, positives, hits_positive, rest, rest_positive)
    fits = plain if plain > 0 else None
    made = Estimate(value, variance, variance, df, "EIF", int(n), int(rest), None, notes, rate_variance=fits)
    return warned(made)


def rogan_gladen(rate: float, rows: float, validation: Validation) -> Estimate:
    """Return a rate corrected for the judge's errors, clipped to 0..1. Offered, never the default.

    Parameters
    ----------
    rate, rows : float
        Judge's rate among N rows, independent of the validation.
    validation : Validation
        Measured sensitivity and specificity.

    Raises
    ------
    InputError
        J is under two of its standard errors.

    References
    ----------
    Rogan, Gladen (1978), American Journal of Epidemiology 107, 71-76.
    """
    _check_rate(rate, rows)
    validation.demand_certainty()
    value, variance, _ = kernel.rogan_gladen(
        rate, rows, validation.sensitivity, validation.positives, validation.specificity, validation.negatives
    )
    up, down = validation.errors
    j2 = validation.youden**2
    parts = [
        (rate * (1 - rate) / rows / j2, rows - 1),
        (value * value * up / j2, validation.positives - 1),
        ((1 - value) ** 2 * down / j2, validation.negatives - 1),
    ]
    return _told(min(max(value, 0.0), 1.0), variance, parts, validation, rows)


def rogan_gladen_difference(
    treatment: tuple[float, float], control: tuple[float, float], validation: Validation
) -> Estimate:
    """Return treatment less control, both corrected with one validation, clipped to -1..1.

    Variance ``[sum_a p_a (1 - p_a) / N_a + (th1 - th0)^2 (Se (1 - Se) / m1 + Sp (1 - Sp) / m0)] / J^2``: the shared
    error of Se and Sp mostly cancels.

    Parameters
    ----------
    treatment, control : tuple of float
        Judge's rate and number of rows.
    """
    validation.demand_certainty()
    for rate, rows in (treatment, control):
        _check_rate(rate, rows)
    j = validation.youden
    value = (treatment[0] - control[0]) / j
    up, down = validation.errors
    parts = [(rate * (1 - rate) / rows / j**2, rows - 1) for rate, rows in (treatment, control)]
    parts += [(value**2 * up / j**2, validation.positives - 1), (value**2 * down / j**2, validation.negatives - 1)]
    variance = math.fsum(part for part, _ in parts)
    return _told(min(max(value, -1.0), 1.0), variance, parts, validation, treatment[1] + control[1])


def _told(
    value: float, variance: float, parts: list[tuple[float, float]], validation: Validation, rows: float
) -> Estimate:
    labels = int(validation.positives + validation.negatives)
    df = satterthwaite([(part, max(df, 1.0)) for part, df in parts])
    return Estimate(value, variance, variance, df, "Rogan-Gladen", labels, int(rows), None, (ROGAN_GLADEN_WARNING,))


def _check_rate(rate: float, rows: float) -> None:
    if not 0 <= rate <= 1:
        raise InputError("rogan_gladen", "rate", f"{shown(rate)} is no rate", "give 0 to 1")
    if not rows >= 1:
        raise InputError("rogan_gladen", "rows", f"{shown(rows)} rows", "give 1 or more")
