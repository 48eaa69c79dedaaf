"""Variates that all cells of a map read: drawn once for as many blocks as are kept, whoever asks first."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from expsim_panel.kernels.luck import draw_luck, draw_uniforms
from expsim_panel.kernels.lucky_cells import Normals, Uniforms
from expsim_panel.kernels.streams import BLOCK, OUTCOME, generator

MOST_NUMBERS = 1_000_000
"""Numbers of paths in blocks that are drawn and played together, some 30 MB: 100,000 experiments of five looks at two
arms. More than that come piece by piece, and are drawn anew for other cells."""


def pieces(replicates: int, looks: int, arms: int) -> Iterator[tuple[int, int, int]]:
    """Yield experiments in pieces of equal blocks: the first block, how many, and experiments of each."""
    whole, rest = divmod(replicates, BLOCK)
    most = max(1, MOST_NUMBERS // (BLOCK * looks * arms))
    for first in range(0, whole, most):
        yield first, min(most, whole - first), BLOCK
    if rest:
        yield whole, 1, rest


@lru_cache(maxsize=2)
def normals(seed: int, piece: tuple[int, int, int], looks: int, arms: int) -> Normals:
    """Return the variates of normal rows in a piece; whoever gets them leaves them as they are."""
    first, blocks, size = piece
    shape, many = (blocks, looks, arms, size), looks * arms * size
    luck, bend = np.empty(shape), np.empty(shape)
    doubt, need = np.empty(many, np.int64), np.empty((many, 2))
    # One variate in twenty is replaced at most, by two numbers of rows in three: an eighth is never used up.
    spare = np.empty((blocks, 64 + many // 8, 2))
    kept = []
    for b in range(blocks):
        found = draw_luck(generator(seed, OUTCOME, first + b), luck[b], bend[b], doubt, need, spare[b])
        kept.append((doubt[:found].copy(), need[:found].copy()))
    most = max(len(one) for one, _ in kept)
    doubts, needs = np.zeros((blocks, most), np.int64), np.zeros((blocks, most, 2))
    for b, (one, other) in enumerate(kept):
        doubts[b, : len(one)], needs[b, : len(one)] = one, other
    return Normals(luck, bend, np.array([len(one) for one, _ in kept]), doubts, needs, spare)


@lru_cache(maxsize=2)
def uniforms(seed: int, piece: tuple[int, int, int], looks: int, arms: int) -> Uniforms:
    """Return the variates of rows of 0 and 1 in a piece; whoever gets them leaves them as they are."""
    first, blocks, size = piece
    made = Uniforms(
        np.empty((blocks, looks, arms, size)),
        np.empty((blocks, looks, arms, size)),
        # One pair in four is not accepted at most, nor is one in four of the spares: half are never used up.
        np.empty((blocks, arms, 64 + looks * size // 2, 2)),
    )
    for b in range(blocks):
        draw_uniforms(generator(seed, OUTCOME, first + b), made.first[b], made.second[b], made.spare[b])
    return made
