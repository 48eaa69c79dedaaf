"""The law of the scored rows in a block, and what every kind of rows knows how to do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

from expsim_panel.uneven import Uneven

if TYPE_CHECKING:
    from expsim_panel.design import Bounds
    from expsim_panel.policy import Policy, Supply

Change = Callable[[np.ndarray], np.ndarray]
"""What is done to every array whose first axis is the replicates."""

Stops = tuple[np.ndarray, np.ndarray, np.ndarray]
"""P(stop low), P(give up between inner bounds) and P(stop high) at each look."""


class Block(NamedTuple):
    """Experiments of a fixed split that a kind of rows draws.

    Attributes
    ----------
    outcome, evaluator : Generator
        Streams of the rows, and of who measures them.
    rows : int64 ndarray, shape (days, arms)
        Scored rows of each day.
    binary : bool
        Whether rows are 0/1.
    ddof : float
        1 for scores, 0 for rates: how the tests turn squares into a variance.
    sums, squares : float64 ndarray, shape (replicates, days, arms)
        Output, cumulative over days.
    known : tuple of two float64 ndarray
        Output: the same with the labels that are not late; the same arrays where none is later than a score.
    """

    outcome: np.random.Generator
    evaluator: np.random.Generator
    rows: np.ndarray
    binary: bool
    ddof: float
    sums: np.ndarray
    squares: np.ndarray
    known: tuple[np.ndarray, np.ndarray]


class RowKind(ABC):
    """What rows of the analysis are made of. One file each; what a kind does not say holds of it as said here."""

    plain = False
    """Whether rows are drawn from a mean and a spread by arm and day, independent of each other given these."""

    additive = False
    """Whether rows between two looks are independent of those before, and what is kept of them adds up: then the
    difference of their means alone has the spread that the law says."""

    @property
    def alike(self) -> bool:
        """Whether what is known exactly of these rows, their law's means and spreads apart, holds of all replicates."""
        return True

    @abstractmethod
    def each(self, change: Change) -> Self:
        """Return the same with `change` made to every array by replicate."""

    @abstractmethod
    def draw(self, law: Law, block: Block) -> np.ndarray | None:
        """Draw a block; return the sums of each day of its last replicate where labels correct scores."""

    def allocation(self, law: Law, policy: Policy, supply: Supply) -> Any:
        """Return the kernel's parameters of an adaptive policy that learns from such rows."""
        raise LookupError(f"no policy learns from {type(self).__name__}")

    def scored_only(self, sums: np.ndarray) -> np.ndarray:
        """Return the sums of a day as they are before its labels are in: all of its rows count as scored ones."""
        from expsim_panel.kernels.hybrid import FF, REST, REST_F, REST_FF, F, N

        made = np.zeros(sums.shape)
        for rest, row in ((REST, N), (REST_F, F), (REST_FF, FF)):
            made[rest] = sums[row] + sums[rest]
        return made

    def estimate(self, sums: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return sum and sum of squares of each arm's rows from the sums of days that `draw` returns."""
        raise LookupError(f"{type(self).__name__} has no sums of days")

    def why_inexact(self, rows: np.ndarray, severity_sd: float) -> str:
        """Return why looks at these rows, shape (looks, arms), have no exact figures; empty if they may have."""
        return ""

    def student(self, planned: Bounds, rows: np.ndarray) -> Bounds | str:
        """Return the bounds of a t test planned for independent rows as they are on these; or why they are unknown."""
        return planned

    def variances(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
        """Return the true and the believed variance of the first difference at some numbers of rows, shape (looks,).

        None where they follow from the law's spread and the numbers of rows.
        """
        return None

    def crossing(self, planned: Bounds, difference: float, rows: np.ndarray, severity_sd: float) -> Stops | None:
        """Return where a test ends; None where that follows from the law's spread and days.

        Parameters
        ----------
        planned : Bounds
            On z.
        difference : float
            Of the two arms' means.
        rows : ndarray, shape (looks, arms)
            Rows by each look.
        """
        return None


@dataclass(frozen=True)
class Law:
    """Law of the scored rows in a block, oriented so that more is better, and the true effects.

    Attributes
    ----------
    means, sds : ndarray, shape (replicates, arms)
        Law of a row.
    effects : ndarray, shape (replicates, arms)
        True effect of every arm over control, positive is better.
    severity_sd, raters, shared
        Rater severity.
    kind : RowKind
        What rows are made of.
    uneven : Uneven or None
        What makes days differ; None where rows are independent and alike every day.
    """

    means: np.ndarray
    sds: np.ndarray
    effects: np.ndarray
    severity_sd: float
    raters: int
    shared: bool
    kind: RowKind
    uneven: Uneven | None = None

    @property
    def plain(self) -> bool:
        """Whether rows are independent and alike every day, with a mean and a spread by arm."""
        return self.uneven is None and self.kind.plain

    @property
    def delay(self) -> int:
        """Days until an outcome is known."""
        return 0 if self.uneven is None else int(self.uneven.delay)

    @property
    def lag(self) -> int:
        """By how many of these days a label is later than a score."""
        return 0 if self.uneven is None else int(self.uneven.lag)

    @property
    def skip(self) -> int:
        """First days that the analysis leaves out."""
        return 0 if self.uneven is None else int(self.uneven.skip)

    def repeated(self, size: int) -> Law:
        """Return the law of `size` replicates that all share the first one's truth."""
        return self._each(lambda array: np.repeat(array[:1], size, axis=0))

    def first(self, size: int) -> Law:
        """Return the law of the first `size` replicates."""
        return self._each(lambda array: array[:size])

    def one(self, index: int) -> Law:
        """Return the law of the rows of one replicate, where days are alike, and the replicates' `kind` too."""
        if len(self.means) == 1 and self.uneven is None:
            return self
        which = slice(index, index + 1)
        return replace(self, means=self.means[which], sds=self.sds[which], effects=self.effects[which], uneven=None)

    def _each(self, change: Change) -> Law:
        return replace(
            self,
            means=change(self.means),
            sds=change(self.sds),
            effects=change(self.effects),
            kind=self.kind.each(change),
            uneven=None if self.uneven is None else self.uneven.each(change),
        )
