"""An estimated mean with its variance, its intervals, and differences of two of them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from expsim_panel.errors import InputError, shown

FEW_LABELS = 50
"""Under so many labels per arm the tuned weight is too uncertain to help: 10 labels at rho 0.3 do harm."""
FEW_EVENTS = 200
"""Labels of the rarer kind, yes or no, under which a symmetric interval of a rate misleads: with 160 of 2,000 the z
interval of PPI++ covers 0.948 (docs/estimators.md)."""
KINDS = ("z", "t", "logit", "auto")


@dataclass(frozen=True)
class Estimate:
    """A mean (or a difference of means) in the label's units.

    Attributes
    ----------
    value : float
        The estimate.
    variance : float
        Its large-sample variance (divisor n), which the z interval uses.
    small_variance : float
        The same with divisors n - 1 (n - 2 where a weight was estimated), for the t and logit intervals.
    df : float
        Degrees of freedom (Satterthwaite); inf where no variance was estimated.
    method : str
        The estimator's name.
    labels, judged : int
        Rows with a label, rows with a judge score only.
    weight : float or None
        Weight of the judge in PPI++, where there is one.
    notes : tuple of str
        What a reader must know, such as too few labels.
    events : float or None
        Labels of the rarer kind, of a rate from labels that are yes or no.
    rate_variance : float or None
        Variance for the interval on log odds, where another one than `small_variance` is right.
    """

    value: float
    variance: float
    small_variance: float
    df: float
    method: str
    labels: int
    judged: int = 0
    weight: float | None = None
    notes: tuple[str, ...] = field(default=())
    events: float | None = None
    rate_variance: float | None = None

    @property
    def se(self) -> float:
        """Standard error."""
        return math.sqrt(self.variance)

    def interval(self, level: float = 0.95, kind: str = "z") -> tuple[float, float]:
        """Return a confidence interval.

        Parameters
        ----------
        level : float
            Confidence, strictly between 0 and 1.
        kind : str
            ``z``: normal, nominal from some 2,000 labels on (0.937 for 0.95 at 100). ``t``: better below.
            ``logit``: for rates, symmetric in log odds, never outside 0..1. ``auto``: logit for a rate with under
            `FEW_EVENTS` labels of the rarer kind, t else.

        Raises
        ------
        InputError
            Unknown kind, level out of range, or a logit interval of what is no rate.
        """
        from scipy.special import ndtri, stdtrit

        if not 0 < level < 1:
            raise InputError("interval", "level", f"{shown(level)} is no confidence", "give a number between 0 and 1")
        if kind not in KINDS:
            raise InputError("interval", "kind", f"unknown kind {shown(kind)}", f"choose from {', '.join(KINDS)}")
        if kind == "auto":
            kind = "logit" if self.events is not None and self.events < FEW_EVENTS and 0 < self.value < 1 else "t"
        tail = (1 + level) / 2
        if kind == "z":
            half = float(ndtri(tail)) * self.se
            return self.value - half, self.value + half
        quantile = float(stdtrit(self.df, tail)) if math.isfinite(self.df) else float(ndtri(tail))
        spread = math.sqrt(self.small_variance)
        if kind == "t":
            return self.value - quantile * spread, self.value + quantile * spread
        if not 0 < self.value < 1:
            problem = f"{self.value:g} is not strictly between 0 and 1"
            raise InputError("interval", "kind", problem, "use kind='t', or the rule of three for no events")
        centre = math.log(self.value / (1 - self.value))
        if self.rate_variance is not None:
            spread = math.sqrt(self.rate_variance)
        half = quantile * spread / (self.value * (1 - self.value))
        return 1 / (1 + math.exp(half - centre)), 1 / (1 + math.exp(-half - centre))


def difference(treatment: Estimate, control: Estimate) -> Estimate:
    """Return treatment less control of two independent estimates (unpaired designs).

    Variances add; degrees of freedom by Satterthwaite (1946), Biometrics Bulletin 2, 110-114.
    """
    small = treatment.small_variance + control.small_variance
    parts = [(one.small_variance, one.df) for one in (treatment, control)]
    notes = tuple(dict.fromkeys(treatment.notes + control.notes))
    return Estimate(
        treatment.value - control.value,
        treatment.variance + control.variance,
        small,
        satterthwaite(parts),
        treatment.method,
        treatment.labels + control.labels,
        treatment.judged + control.judged,
        None,
        notes,
    )


def satterthwaite(parts: list[tuple[float, float]]) -> float:
    """Return the degrees of freedom of a sum of estimated variances, from (variance, df) of each."""
    total = math.fsum(variance for variance, _ in parts)
    squares = math.fsum(variance * variance / df for variance, df in parts if math.isfinite(df) and df > 0)
    if squares == 0:
        return max((df for _, df in parts), default=math.inf)
    return total * total / squares


def warned(estimate: Estimate) -> Estimate:
    """Return the estimate with the note about few labels, where it applies."""
    if estimate.labels >= FEW_LABELS:
        return estimate
    note = f"{estimate.labels} labels: under {FEW_LABELS} per variant correcting may do more harm than good"
    return replace(estimate, notes=(*estimate.notes, note))


def counted(estimate: Estimate, labels: npt.NDArray[np.float64]) -> Estimate:
    """Return the estimate with the labels of the rarer kind, where they are yes or no, and the note if they are few."""
    if not np.isin(labels, (0.0, 1.0)).all():
        return estimate
    events = float(min(labels.sum(), len(labels) - labels.sum()))
    if events >= FEW_EVENTS:
        return replace(estimate, events=events)
    note = f"{events:g} labels of the rarer kind: under {FEW_EVENTS} take interval(kind='auto'), which is on log odds"
    return replace(estimate, events=events, notes=(*estimate.notes, note))


def effective_sample_size(labels: float, judged: float, rho: float) -> float:
    """Return how many labels alone would be as precise as `labels` with `judged` more judge scores.

    ``n (n + N) / (n + (1 - rho^2) N)`` at the optimal weight (MODEL section 3.2).

    Parameters
    ----------
    labels, judged : float
        n, 1 or more; N, 0 or more.
    rho : float
        Correlation of label and judge score, -1 to 1.
    """
    if not labels >= 1 or not judged >= 0:
        problem = f"{shown(labels)} labels and {shown(judged)} judge scores"
        raise InputError("effective_sample_size", "labels", problem, "give at least 1 label and 0 scores")
    if not -1 <= rho <= 1:
        raise InputError("effective_sample_size", "rho", f"{shown(rho)} is no correlation", "give -1 to 1")
    return labels * (labels + judged) / (labels + (1 - rho * rho) * judged)
