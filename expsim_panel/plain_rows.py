"""Rows with a mean and a spread by arm, drawn as sufficient statistics of a day."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from expsim_panel.kernels.outcomes import draw_paths
from expsim_panel.kernels.worlds import World, draw_world
from expsim_panel.row_law import Block, Change, Law, RowKind

if TYPE_CHECKING:
    from expsim_panel.policy import Policy, Supply


class PlainRows(RowKind):
    """Rows that what the evaluator measures describes: no labels that correct scores, no pairs."""

    plain = True
    additive = True

    def each(self, change: Change) -> Self:
        """Return the same: there is no array by replicate beside the law's own."""
        return self

    def draw(self, law: Law, block: Block) -> np.ndarray | None:
        """Draw a block, day by day where days differ."""
        streams, into = (block.outcome, block.evaluator), (block.sums, block.squares)
        spread, raters, shared = float(law.severity_sd), int(law.raters), bool(law.shared)
        if law.uneven is None:
            draw_paths(*streams, block.binary, block.rows, law.means, law.sds, spread, raters, shared, *into)
        else:
            rows, stratified = law.uneven.rows(law.means, law.sds, spread, raters, shared), law.uneven.stratified
            draw_world(*streams, rows, block.rows, law.uneven.shares, stratified, block.ddof, *into)
        return None

    def allocation(self, law: Law, policy: Policy, supply: Supply) -> Any:
        """Return the kernel's parameters of an adaptive policy, in a world of its own where days differ."""
        if law.uneven is None:
            return policy.allocation(supply)
        (size, arms), days = law.means.shape, supply.arrivals.size
        return World(
            policy.allocation(unobserved(supply)),
            law.uneven.rows(law.means, law.sds, law.severity_sd, law.raters, law.shared),
            law.delay,
            law.skip,
            np.zeros((4, arms)),
            np.zeros((4, arms)),
            np.zeros((days, 4, arms)),
            np.zeros((size, 4, arms)),
        )


def unobserved(supply: Supply) -> Supply:
    """Return the supply of a policy whose rows a world draws: it draws empty ones."""
    blank = np.zeros(supply.means.shape)
    return replace(supply, means=blank, sds=blank, severity_sd=0.0, raters=0, shared=True)
