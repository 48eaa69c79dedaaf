"""The joint law of a person's label and a judge's score of one response, and what correcting makes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from expsim_panel.evaluators.human import Human
    from expsim_panel.evaluators.judge import Judge


@dataclass(frozen=True)
class Joint:
    """Moments of label and score; arrays of one shape, (..., arms).

    Attributes
    ----------
    label, score, label_sd, score_sd, covariance : ndarray
        Metric units; severity of raters excluded.
    severity_sd, raters, shared
        Rater severity; see `evaluation.Measurement`.
    """

    label: np.ndarray
    score: np.ndarray
    label_sd: np.ndarray
    score_sd: np.ndarray
    covariance: np.ndarray
    severity_sd: float
    raters: int
    shared: bool

    @property
    def rho(self) -> np.ndarray:
        """Correlation; 0 where one of them does not vary."""
        spread = self.label_sd * self.score_sd
        found = np.divide(self.covariance, spread, out=np.zeros_like(spread), where=spread > 0)
        return np.asarray(np.clip(found, -1, 1))

    def youden(self) -> np.ndarray:
        """Return J = P(score 1 | label 1) + P(score 0 | label 0) - 1; rates only."""
        return np.asarray(self.covariance / (self.label * (1 - self.label)))

    def favour(self) -> float:
        """Return labels of a positive verdict per label of a negative one that cost least error; rates only.

        Neyman's allocation: in proportion to ``sqrt(m (1 - m))``, m the rate of positive labels at that verdict in
        the control, which is what a team can know beforehand.
        """
        spread = [float(np.ravel(np.sqrt(m * (1 - m)))[0]) for m in self.by_verdict()]
        return spread[1] / spread[0] if spread[0] > 0 and spread[1] > 0 else 1.0

    def by_verdict(self) -> tuple[np.ndarray, np.ndarray]:
        """Return P(label 1 | score 0) and P(label 1 | score 1), kept inside 0 to 1."""
        both = self.covariance + self.label * self.score
        with np.errstate(divide="ignore", invalid="ignore"):
            hit = np.where(self.score > 0, both / self.score, 0.0)
            missed = np.where(self.score < 1, (self.label - both) / (1 - self.score), 0.0)
        return np.clip(missed, 0, 1), np.clip(hit, 0, 1)

    def per_label_favoured(self, share: float, favour: float) -> np.ndarray:
        """Return `per_label` of EIF where labels favour one verdict by this ratio.

        ``sum_c p_c^2 m_c (1 - m_c) / a_c + (m1 - m0)^2 p (1 - p) n / T``, a_c the part of the labels at verdict c, at
        most all of its responses.
        """
        p, (low, high) = self.score, self.by_verdict()
        if share >= 1:
            return np.asarray(self.label_sd**2)
        part = p * favour / np.maximum(p * favour + 1 - p, 1e-300)
        fewest, most = 1e-12, 1 - 1e-12
        if share > 0:
            part = np.clip(part, np.maximum(1 - (1 - p) / share, fewest), np.minimum(p / share, most))
        else:
            # Before the first label there are responses enough of both.
            part = np.clip(part, fewest, most)
        within = p**2 * high * (1 - high) / part + (1 - p) ** 2 * low * (1 - low) / (1 - part)
        return np.asarray(within + (high - low) ** 2 * p * (1 - p) * share)

    def per_label(self, share: float, correction: str, residual: float = 1.0) -> np.ndarray:
        """Return the variance of a corrected mean times its number of labels (MODEL section 3.2).

        Parameters
        ----------
        share : float
            Labelled part of the judged responses, n / T.
        correction : str
            ``ppi++`` or ``eif`` (whose variance is the same): ``s^2 [(1 - rho^2) + rho^2 n / T]``; ``ppi``:
            ``Var(y - f) + Var(f) n / N``; ``rogan-gladen``.
        residual : float
            What active labelling leaves of the residual variance, ``s^2 [(1 - rho^2) residual + rho^2 n / T]``.
        """
        own, other = self.label_sd**2, self.score_sd**2
        if share >= 1:
            return np.asarray(own)
        if residual != 1:
            # A label weighed by 1 / P(labelled) varies less about its score, not with it.
            own = own * (self.rho**2 + (1 - self.rho**2) * residual) if correction == "ppi" else own
        if correction == "ppi":
            return np.asarray(own + other - 2 * self.covariance + other * share / (1 - share))
        if correction != "rogan-gladen":
            square = self.rho**2
            return np.asarray(own * ((1 - square) * residual + square * share))
        y, p = self.label, self.score
        both = self.covariance + y * p
        with np.errstate(divide="ignore", invalid="ignore"):
            se, sp = both / y, 1 - (p - both) / (1 - y)
            found = p * (1 - p) * share / (1 - share) + y * se * (1 - se) + (1 - y) * sp * (1 - sp)
            found = found / (se + sp - 1) ** 2
        return np.asarray(np.where(np.isfinite(found), found, own))


def joint(judge: Judge, human: Human, means: np.ndarray, sds: np.ndarray, family: str) -> Joint:
    """Return the joint law for true means and standard deviations, shape (..., arms).

    Scores: ``Cov(label, score) = b s^2``, for what both see of a response is its quality. Rates: the truth is
    flipped independently by both, ``P(1, 1) = p Se_h Se_j + (1 - p)(1 - Sp_h)(1 - Sp_j)``.
    """
    told = human.measure(means, sds, family)
    label, label_sd = np.asarray(told.means, float), np.asarray(told.sds, float)
    if family == "binary":
        yes, no = human.vote()
        hit, false = judge.rates(means)
        score = means * hit + (1 - means) * false
        covariance = means * yes * hit + (1 - means) * (1 - no) * false - label * score
        score_sd = np.sqrt(np.maximum(score * (1 - score), 0.0))
    else:
        offset, slope, noise = judge.line(means, sds)
        score, covariance = offset + slope * means, slope * sds**2
        score_sd = np.sqrt(slope**2 * sds**2 + noise**2)
    return Joint(label, score, label_sd, score_sd, covariance + 0 * label, told.severity_sd, told.raters, told.shared)
