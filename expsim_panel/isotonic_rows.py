"""What a hybrid sees of a block where its judge is calibrated by a non-decreasing map: tables of labels by score."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from expsim_panel.hybrid_rows import NO_SUMS, LabelledRows, judged_of, label_law
from expsim_panel.isotonic_law import Scores, ends
from expsim_panel.kernels.hybrid import as_rows
from expsim_panel.kernels.isotonic import CELLS, TABLE, calibrated_mean
from expsim_panel.kernels.isotonic_paths import Ordered, draw_ordered, scored_only
from expsim_panel.row_law import Block, Change, Law, RowKind
from expsim_panel.uneven import RATES, SCORES

if TYPE_CHECKING:
    from expsim_panel.evaluators.hybrid import Hybrid
    from expsim_panel.scenario import Scenario

_BY_REPLICATE = ("low", "high", "barrier", "refused")


@dataclass(frozen=True)
class CalibratedRows(RowKind):
    """The law of labels and of scores whose order counts; attributes as in `kernels.isotonic_paths.Ordered`."""

    law: LabelledRows
    low: np.ndarray
    high: np.ndarray
    pile: float
    pile_at: float
    barrier: np.ndarray
    refuses: bool
    missing: float
    refused: np.ndarray

    additive = True

    def each(self, change: Change) -> Self:
        """Return the same with `change` made to every array by replicate."""
        changed: dict[str, Any] = {name: change(getattr(self, name)) for name in _BY_REPLICATE}
        return replace(self, law=self.law.each(change), **changed)

    def draw(self, law: Law, block: Block) -> np.ndarray | None:
        """Draw a block of labels and scores."""
        _, days, arms = block.sums.shape
        shares = np.zeros(block.rows.shape) if law.uneven is None else np.asarray(law.uneven.shares)
        daily, judged = np.zeros((days, TABLE, CELLS, arms)), judged_of(self.law.per_label, block.rows)
        draw_ordered(
            block.outcome, block.evaluator, self.kernel(), block.rows, judged, shares, law.lag,
            block.sums, block.squares, *block.known, daily,
        )  # fmt: skip
        return daily

    def why_inexact(self, rows: np.ndarray, severity_sd: float) -> str:
        """Return why there are no exact figures."""
        if self.law.family not in (SCORES, RATES):
            return "no exact value: what an isotonic map explains of levels or amounts is known by simulation alone"
        return self.law.why_inexact(rows, severity_sd)

    def scored_only(self, sums: np.ndarray) -> np.ndarray:
        """Return a day's tables, shape (12, 64, arms), as they are before its labels are in."""
        made = np.zeros(sums.shape)
        for a in range(sums.shape[-1]):
            scored_only(np.ascontiguousarray(sums[:, :, a]), made[:, :, a], 1.0)
        return made

    def estimate(self, sums: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return sum and sum of squares of each arm's rows from its table, shape (12, 64, arms)."""
        kernel, found = self.law.kernel(), np.zeros((2, sums.shape[-1]))
        for a in range(sums.shape[-1]):
            table = np.ascontiguousarray(sums[:, :, a])
            labels = float(table[: TABLE // 2 - 1].sum())
            if labels > 0:
                found[:, a] = as_rows(kernel, labels, *calibrated_mean(table))
        return found[0], found[1]

    def kernel(self) -> Ordered:
        """Return the kernel's parameters, with scratch space of their own."""
        arrays = {name: np.require(getattr(self, name), float, ["C", "W"]) for name in _BY_REPLICATE}
        return Ordered(
            law=self.law.kernel(),
            pile=float(self.pile),
            pile_at=float(self.pile_at),
            refuses=bool(self.refuses),
            missing=float(self.missing),
            **arrays,
        )


def calibrated_rows(
    scenario: Scenario, evaluator: Hybrid, means: np.ndarray, sds: np.ndarray, spill: np.ndarray, steps: np.ndarray
) -> CalibratedRows:
    """Return the law of labels and scores in a block; parameters as in `hybrid_rows.label_law`."""
    sds = np.broadcast_to(sds, means.shape)
    low, high = ends(evaluator, means, sds, scenario.family)
    base = label_law(scenario, evaluator, means, sds, spill, steps, NO_SUMS)
    if scenario.family == "binary":
        # Two verdicts, two cells: refusals are in the rates.
        blank = np.zeros(means.shape)
        return CalibratedRows(base, low, high, 0.0, 0.0, blank, False, 0.0, blank)
    law = Scores.of(evaluator.judge, means, sds)
    base = replace(base, offset=law.offset, slope=law.slope, score_noise=np.broadcast_to(law.noise, means.shape))
    return CalibratedRows(base, low, high, law.pile, law.pile_at, law.barrier, law.refuses, law.missing, law.refused)
