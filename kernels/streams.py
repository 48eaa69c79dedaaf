"""Random generators that depend on (seed, role, block) and on nothing else."""

from __future__ import annotations

import numpy as np

BLOCK = 1000
"""Replicates per block: the unit of work, of progress and of reproducibility."""

OUTCOME, EVALUATOR, POLICY, TRUTH, GUARDRAIL = 0, 1, 2, 3, 4
"""Roles. Apart, so that changing the evaluator or a policy leaves everybody's outcomes as they were."""


def generator(seed: int, role: int, block: int, lane: int = 0) -> np.random.Generator:
    """Return the generator of one role in one block of replicates.

    Parameters
    ----------
    seed : int
        The study's seed, 0 or greater.
    role : int
        `OUTCOME`, `EVALUATOR`, `POLICY`, `TRUTH` or `GUARDRAIL`.
    block : int
        Index of the block of `BLOCK` replicates.
    lane : int
        Strategies that draw for themselves (adaptive ones) take a lane each, so that adding or
        removing a strategy leaves the others' numbers as they were.

    References
    ----------
    `numpy.random.SeedSequence` with ``spawn_key``: streams are independent by construction.
    """
    sequence = np.random.SeedSequence(entropy=seed, spawn_key=(role, block, lane))
    return np.random.Generator(np.random.SFC64(sequence))
