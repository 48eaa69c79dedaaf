"""Every pair of arms equally often: the A/B test among duels."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from expsim_panel.kernels.bits import whole
from expsim_panel.kernels.duels import pair
from expsim_panel.policy import DuelPolicy, Problem, policies


class EvenPairsParams(NamedTuple):
    """It needs to know nothing; a tuple without fields would not be a type of its own."""

    arms: int


@pair.register(EvenPairsParams)
def _pair(
    params: EvenPairsParams,
    bits: np.ndarray,
    t: int,
    wins: np.ndarray,
    memory: np.ndarray,
    work: np.ndarray,
    chosen: np.ndarray,
) -> None:
    first = whole(bits, params.arms)
    other = whole(bits, params.arms - 1)
    chosen[0] = first
    chosen[1] = other + int(other >= first)


@policies.register("even-pairs")
class EvenPairs(DuelPolicy):
    """Let two different arms meet at random, every pair with the same chance, whatever comes out."""

    kind = "even-pairs"
    summary = "Every pair equally often, whatever comes out"

    def request(self, problem: Problem) -> Any:
        """Return the kernel's parameters."""
        return EvenPairsParams(problem.arms)
