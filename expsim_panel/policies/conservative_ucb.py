"""Conservative UCB: explore only with what the control has earned so far."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from expsim_panel.kernels.jit import inner
from expsim_panel.kernels.requests import UNTRIED, largest, select
from expsim_panel.policy import BanditPolicy, Problem, policies
from expsim_panel.quantities import Probability, Share


class ConservativeUcbParams(NamedTuple):
    """Allowed loss, level, and twice the variance proxy of a reward (1/2 for rewards within 0..1, 2 for normal)."""

    alpha: float
    delta: float
    proxy: float


@inner
def _width(params: ConservativeUcbParams, arms: int, n: float) -> float:
    """Return sqrt(psi(n) / n), psi(n) = 2 sigma^2 log(K n^3 / delta)."""
    return math.sqrt(params.proxy * math.log(arms * n * n * n / params.delta) / n)


@select.register(ConservativeUcbParams)
def _select(
    params: ConservativeUcbParams,
    bits: np.ndarray,
    t: int,
    n: np.ndarray,
    s: np.ndarray,
    q: np.ndarray,
    memory: np.ndarray,
    work: np.ndarray,
) -> int:
    """Ask UCB, and the control instead where the pull might leave less than (1 - alpha) of its reward."""
    arms = n.shape[0]
    for a in range(arms):
        work[0, a] = UNTRIED
        work[1, a] = 0.0
        if n[a] > 0.0:
            width = _width(params, arms, n[a])
            work[0, a] = s[a] / n[a] + width
            work[1, a] = max(0.0, s[a] / n[a] - width)
    wanted = largest(bits, work)
    if wanted == 0:
        return 0
    # What was earned at least, with this pull, less what the control would have: its own pulls cancel.
    left = work[1, wanted]
    for a in range(1, arms):
        left += n[a] * work[1, a]
    owed = n[0] - (1.0 - params.alpha) * (t + 1.0)
    # An untried control has no upper bound: it comes first unless nothing is owed.
    if owed < 0.0 and n[0] <= 0.0:
        return 0
    left += owed * (work[0, 0] if owed < 0.0 else work[1, 0])
    return wanted if left >= 0.0 else 0


@policies.register("conservative-ucb")
class ConservativeUcb(BanditPolicy):
    """UCB that keeps at all times at least ``1 - alpha`` of the reward of always serving the control (arm 0).

    It pulls UCB's choice J if ``sum n_a lower_a + lower_J + (n_0 - (1 - alpha) t) bound_0 >= 0`` (sum over the arms
    but the control; bound_0 its upper bound where the bracket is negative, else its lower one), and the control
    otherwise. Bounds ``mean -+ sqrt(psi / n)`` with ``psi = 2 sigma^2 log(K n^3 / delta)``, the lower one at
    least 0; sigma 1/2 for rewards within 0..1, 1 for normal ones, whose means must not be negative. Untried arms
    have an infinite upper bound, ties at random.

    References
    ----------
    Y. Wu, R. Shariff, T. Lattimore, C. Szepesvári (2016), "Conservative bandits", ICML, algorithm 1, with the
    control's mean unknown (section 3.2).
    """

    kind = "conservative-ucb"
    summary = "UCB that never falls far behind the control"
    markov = False
    batched = False
    alpha = Share(
        0.1,
        bounds=(0.001, 1.0),
        softbounds=(0.01, 0.5),
        label="Allowed loss",
        doc="Share of the control's reward that may be lost.",
    )
    delta = Probability(
        0.05,
        bounds=(1e-6, 0.5),
        label="Probability of breaking it",
        doc="The promise may fail with about this probability.",
    )

    def request(self, problem: Problem) -> Any:
        """Return the kernel's parameters."""
        return ConservativeUcbParams(float(self.alpha), float(self.delta), 0.5 if problem.binary else 2.0)
