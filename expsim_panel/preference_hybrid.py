"""Judge and people side by side: labels of a part of the comparisons correct the judge's verdicts on all of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from expsim_panel.hybrid_rows import CORRECTIONS
from expsim_panel.kernels.verdict_pairs import CorrectedVerdicts
from expsim_panel.label_laws import Joint
from expsim_panel.preference import Reader, TieModel, together

if TYPE_CHECKING:
    from expsim_panel.evaluators.hybrid import Hybrid

_GRID = 129


@dataclass(frozen=True)
class HybridRows:
    """The joint law of labels and verdicts in a block; attributes as in `kernels.verdict_pairs.CorrectedVerdicts`.

    Attributes
    ----------
    per_label : float
        Judged comparisons per labelled one.
    drift : ndarray, shape (days,)
        Of the judge's scores; 0, for it moves both responses of a comparison alike.
    """

    cells: np.ndarray
    labels: np.ndarray
    verdicts: np.ndarray
    part: float
    correction: int
    per_label: float
    drift: np.ndarray

    def repeated(self, size: int) -> HybridRows:
        """Return the same for `size` replicates that share the first one's truth."""
        return replace(self, cells=np.broadcast_to(self.cells[:1], (size, *self.cells.shape[1:])))

    def first(self, size: int) -> HybridRows:
        """Return the same for the first `size` replicates."""
        return replace(self, cells=self.cells[:size])

    def judged(self, labelled: np.ndarray) -> np.ndarray:
        """Return the judged comparisons of each day from the labelled ones, shape (days, arms)."""
        total = np.floor(self.per_label * np.cumsum(labelled, axis=0) + 0.5).astype(np.int64)
        return np.asarray(np.maximum(np.diff(total, axis=0, prepend=0), labelled))

    def kernel(self) -> CorrectedVerdicts:
        """Return the kernel's parameters."""
        cells = np.ascontiguousarray(self.cells, float)
        return CorrectedVerdicts(cells, self.labels, self.verdicts, float(self.part), int(self.correction))


def cells_of(model: TieModel, human: Reader, judge: Reader, tilt: np.ndarray, differences: np.ndarray) -> np.ndarray:
    """Return the joint chances of label and verdict, shape (..., variants, labels * verdicts).

    Parameters
    ----------
    tilt : ndarray, shape (variants,)
        What the judge adds to each variant's latent difference.
    differences : ndarray, shape (..., variants)
        Latent differences; of many, chances are read from a spline, whose error is below 1e-6.
    """
    from scipy.interpolate import CubicSpline

    def at(point: float, own: float) -> np.ndarray:
        return together(model, human, judge, (point, judge.slope * point + own)).reshape(-1)

    made = []
    for arm, own in enumerate(tilt):
        column = differences[..., arm]
        points = np.unique(column)
        if points.size > _GRID:
            grid = np.linspace(points[0], points[-1], _GRID)
            found = CubicSpline(grid, np.array([at(float(point), float(own)) for point in grid]))(column)
        else:
            table = np.array([at(float(point), float(own)) for point in points])
            found = table[np.searchsorted(points, column)]
        found = np.clip(found, 0.0, 1.0)
        made.append(found / found.sum(axis=-1, keepdims=True))
    return np.stack(made, axis=-2)


def with_refusals(cells: np.ndarray, verdicts: int, refused: float) -> np.ndarray:
    """Return the joint chances where the judge refuses a share of the comparisons, which count as ties.

    A correction takes any verdict that does not look at the label; between near equals a tie is the mean one.
    """
    if not refused:
        return cells
    table = cells.reshape(*cells.shape[:-1], -1, verdicts)
    told = (1 - refused) * table
    told[..., verdicts // 2] += refused * table.sum(axis=-1)
    return np.asarray(told.reshape(cells.shape))


def joint_of(cells: np.ndarray, labels: np.ndarray, verdicts: np.ndarray) -> Joint:
    """Return the moments of label and verdict from their joint chances, shape (..., labels * verdicts)."""
    y, f = np.repeat(labels, verdicts.size), np.tile(verdicts, labels.size)
    label, score = cells @ y, cells @ f
    label_sd = np.sqrt(np.maximum(cells @ y**2 - label**2, 0.0))
    score_sd = np.sqrt(np.maximum(cells @ f**2 - score**2, 0.0))
    return Joint(label, score, label_sd, score_sd, cells @ (y * f) - label * score, 0.0, 0, True)


def per_label(evaluator: Hybrid, found: Joint) -> np.ndarray:
    """Return the SD of a corrected row: the variance of the corrected mean times its number of labels."""
    return np.asarray(np.sqrt(found.per_label(float(evaluator.label_share), evaluator.method("normal"))))


def correction_of(evaluator: Hybrid) -> int:
    """Return the kernel's number of the correction."""
    return CORRECTIONS[evaluator.method("normal")]
