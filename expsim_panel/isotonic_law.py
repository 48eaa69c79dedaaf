"""What isotonic calibration sees of a judge: the law of its scores' order, and how much of a label they explain."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from expsim_panel.judge_laws import judged_quality
from expsim_panel.row_estimators import isotonic_fit

if TYPE_CHECKING:
    from expsim_panel.evaluators.hybrid import Hybrid
    from expsim_panel.evaluators.judge import Judge

_NODES = 96


@dataclass(frozen=True)
class Scores:
    """The law of scores given quality; arrays (..., arms).

    Attributes
    ----------
    offset, slope, noise : ndarray
        A score before favourite scores and refusals is ``offset + slope q + noise e``.
    pile, pile_at : float
        A random share of the scores is the favourite one.
    barrier : ndarray
        Refused where ``barrier + missing (q - mean) / sd + sqrt(1 - missing^2) e <= 0``; see `judged_quality`.
    refuses : bool
        Whether any response is refused.
    missing : float
        Correlation of quality and being scored.
    refused : ndarray
        The mean score, which a refused response counts as.
    """

    offset: np.ndarray
    slope: np.ndarray
    noise: np.ndarray
    pile: float
    pile_at: float
    barrier: np.ndarray
    refuses: bool
    missing: float
    refused: np.ndarray

    @classmethod
    def of(cls, judge: Judge, means: np.ndarray, sds: np.ndarray) -> Scores:
        """Return the law of a judge's scores for true means and standard deviations."""
        from scipy.special import ndtri

        sds = np.broadcast_to(sds, means.shape)
        offset, slope, noise = judge.copy(pile_up=0.0, refusals=0.0).line(means, sds)
        share, missing = float(judge.refusals), float(judge.refusal_correlation)
        seen = judged_quality(means, sds, share, missing)[0]
        pile, at = float(judge.pile_up), float(judge.pile_up_at)
        barrier = np.full(means.shape, math.inf)
        if share > 0:
            safe = np.where(sds > 0, sds, 1.0)
            barrier = float(ndtri(1 - share)) + missing * (means - means[..., :1]) / safe
        refused = (1 - pile) * (offset + slope * seen) + pile * at
        return cls(offset, slope + 0 * means, noise, pile, at, barrier, share > 0, missing, refused + 0 * means)


def ends(evaluator: Hybrid, means: np.ndarray, sds: np.ndarray, family: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends of the cells that scores are rounded to, shape of `means`: see `kernels.isotonic.REACH`."""
    from expsim_panel.kernels.isotonic import REACH

    found = evaluator.joint(means, np.broadcast_to(sds, means.shape), family)
    return found.score - REACH * found.score_sd, found.score + REACH * found.score_sd


def explained(evaluator: Hybrid, means: np.ndarray, sds: np.ndarray, family: str) -> np.ndarray:
    """Return the variance of the best non-decreasing map from a score to a label, shape of `means`.

    ``rho^2 s_y^2`` where the regression on the score is a rising line; more where favourite scores or refusals bend it.
    Rates: of two verdicts, 0 where the judge is no better than a coin. Scores: quality is taken for normal.
    """
    found = evaluator.joint(means, np.broadcast_to(sds, means.shape), family)
    rising = np.where(found.covariance > 0, found.rho**2 * found.label_sd**2, 0.0)
    if family == "binary":
        return np.asarray(rising)
    law = Scores.of(evaluator.judge, means, sds)
    low, high = ends(evaluator, means, sds, family)
    columns = [means, np.broadcast_to(sds, means.shape), law.offset, law.slope, law.noise, law.barrier, law.refused]
    entries = np.stack([np.ravel(np.broadcast_to(one, means.shape)) for one in (*columns, low, high)], axis=1)
    kinds, at = np.unique(entries, axis=0, return_inverse=True)
    values = np.array([_explained(law, *(float(x) for x in row)) for row in kinds])
    return np.asarray(values[at.ravel()].reshape(means.shape))


@cache
def _quality_nodes() -> tuple[np.ndarray, np.ndarray]:
    """Return nodes and weights of a standard normal: they cost more to find than everything that is done with them."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(_NODES)
    weights = weights / weights.sum()
    nodes.setflags(write=False)
    weights.setflags(write=False)
    return nodes, weights


def _explained(
    law: Scores, mean: float, sd: float, offset: float, slope: float, noise: float, barrier: float, refused: float,
    low: float, high: float,
) -> float:  # fmt: skip
    """Return `explained` of one arm: quality in nodes, scores in the cells that they are rounded to."""
    from scipy.special import ndtr

    from expsim_panel.kernels.isotonic import STEPS

    if not (sd > 0 and high > low):
        return 0.0
    nodes, weights = _quality_nodes()
    edges = low + (high - low) * np.arange(1, STEPS) / STEPS
    shared = [at for at, some in ((law.pile_at, law.pile > 0), (refused, law.refuses)) if some]
    edges = np.sort(np.append(edges, shared))
    place = np.concatenate([[low - 1], edges]) + 1e-12 * (high - low)
    up_to = ndtr((edges - offset - slope * (mean + sd * nodes[:, None])) / max(noise, 1e-9 * sd))
    chances = np.diff(up_to, axis=1, prepend=0.0, append=1.0)
    if law.pile > 0:
        chances *= 1 - law.pile
        chances, place = np.column_stack([chances, np.full(len(nodes), law.pile)]), np.append(place, law.pile_at)
    if law.refuses:
        free = math.sqrt(1 - law.missing**2)
        scored = ndtr((barrier + law.missing * nodes) / max(free, 1e-9))
        chances *= scored[:, None]
        chances, place = np.column_stack([chances, 1 - scored]), np.append(place, refused)
    order = np.argsort(place)
    mass, sums = weights @ chances[:, order], (weights * nodes) @ chances[:, order]
    used = mass > 1e-15
    mass, sums = mass[used], sums[used]
    level = isotonic_fit(np.arange(len(mass), dtype=float), sums / mass, mass)[1]
    centre = float(mass @ level) / float(mass.sum())
    return float(sd * sd * (mass @ (level - centre) ** 2))
