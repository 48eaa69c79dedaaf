"""Quantities over time in the bandit problems beyond the classic one: mean, error and spread at every checkpoint."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from expsim_panel.kernels.streams import BLOCK

Floats = npt.NDArray[np.float64]

KEPT = 2 * BLOCK
"""Replicates whose quantities are kept at every checkpoint, for the quantiles: memory does not grow with the others."""
QUANTILES = (0.05, 0.5, 0.95)


@dataclass(frozen=True)
class Course:
    """One quantity over time.

    Attributes
    ----------
    value, se : ndarray, shape (checkpoints,)
        Mean over replicates, and its standard error.
    band : ndarray, shape (3, checkpoints)
        5, 50 and 95 % quantiles, of the first 2,000 replicates.
    """

    value: Floats
    se: Floats
    band: Floats


class Courses:
    """Room for quantities over time, filled block by block by `kernels.courses.note`."""

    def __init__(self, names: tuple[str, ...], replicates: int, blocks: int, marks: int) -> None:
        self.names, self.replicates = names, replicates
        self.course = np.zeros((min(replicates, KEPT), marks, len(names)))
        self.sums = np.zeros((blocks, marks, len(names), 2))

    def part(self, index: int, part: slice) -> tuple[Floats, Floats]:
        """Return a block's room: for its replicates that are kept, and for the sums over all of them."""
        return self.course[part], self.sums[index]

    def found(self) -> dict[str, Course]:
        """Return every quantity by name."""
        sums = self.sums.sum(axis=0)
        mean = sums[..., 0] / self.replicates
        spread = np.maximum(sums[..., 1] / self.replicates - mean * mean, 0.0) / max(self.replicates - 1, 1)
        marks = np.quantile(self.course, QUANTILES, axis=0)
        return {
            name: Course(mean[:, k], np.sqrt(spread[:, k]), np.asarray(marks[:, :, k]))
            for k, name in enumerate(self.names)
        }
