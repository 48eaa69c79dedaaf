"""Judge and people side by side: labels of a part of the comparisons correct the judge's verdicts on all of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import numpy as np

from expsim_panel.hybrid_rows import CORRECTIONS, judged_of
from expsim_panel.kernels.verdict_pairs import CorrectedVerdicts, draw_corrected_verdicts
from expsim_panel.label_laws import Joint
from expsim_panel.preference import Reader, TieModel, together
from expsim_panel.row_law import Block, Change, Law, RowKind

if TYPE_CHECKING:
    from expsim_panel.evaluators.hybrid import Hybrid

_GRID = 129


@dataclass(frozen=True)
class HybridRows(RowKind):
    """The joint law of labels and verdicts in a block; attributes as in `kernels.verdict_pairs.CorrectedVerdicts`.

    Attributes
    ----------
    per_label : float
        Judged comparisons per labelled one.
    """

    cells: np.ndarray
    labels: np.ndarray
    verdicts: np.ndarray
    part: float
    correction: int
    per_label: float

    additive = True

    def each(self, change: Change) -> Self:
        """Return the same with `change` made to every array by replicate."""
        return replace(self, cells=change(self.cells))

    def draw(self, law: Law, block: Block) -> np.ndarray | None:
        """Draw a block of verdicts and the labels that correct them."""
        judged = judged_of(self.per_label, block.rows)
        draw_corrected_verdicts(block.outcome, self.kernel(), block.rows, judged, block.sums, block.squares)
        return None

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
