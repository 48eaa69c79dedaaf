"""From a bandit's world to the numbers of the loop: phases, arms in the order of arrival, what a judge sees."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from expsim_panel.bandit_worlds import BanditWorld
from expsim_panel.best_arm import divergence
from expsim_panel.kernels.request_worlds import RequestLaw

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Law:
    """A bandit's world as the loop takes it, and what the figures need of it.

    Attributes
    ----------
    kernel : RequestLaw
        Parameters of the loop, arms in the order of arrival.
    order : int64 ndarray, shape (arms,)
        The caller's arm at each place of that order.
    seen, sd : ndarray, shape (arms,), and float
        Law of the rewards as seen at first, arms as in `means`.
    gaps : ndarray, shape (arms,)
        Distance of each arm to the best after the last request, in units.
    losses : ndarray, shape (arms,)
        The same in dollars of net value.
    net : ndarray, shape (arms,)
        Net value of a later request with each arm, dollars; the common level at its average.
    """

    kernel: RequestLaw
    order: npt.NDArray[np.int64]
    seen: Floats
    sd: float
    gaps: Floats
    losses: Floats
    net: Floats


def law_of(world: BanditWorld, means: Floats, horizon: int, family: str) -> Law:
    """Return the law of a world; drift is linear from request 0 to the horizon, the season starts at its middle."""
    arms = means.size
    arrives = np.array(world.arrives or (0,) * arms, dtype=np.int64)
    order = np.argsort(arrives, kind="stable")
    offset, gain, sd = evaluation(world, arms, family)
    cost = np.broadcast_to(np.array(world.cost or (0.0,)), (arms,)).astype(np.float64)
    slope = np.array(world.drift or (0.0,) * arms) / horizon
    rows = [(0, means), *((at, np.array(row)) for at, row in world.shift)]
    starts = np.unique([0, *(at for at, _ in rows), *arrives.tolist()]).astype(np.int64)
    phases = np.array([next(row for at, row in reversed(rows) if at <= start) for start in starts])
    ready = np.array([int(np.sum(arrives <= start)) for start in starts], dtype=np.int64)
    amplitude, period = world.season or (0.0, 1)
    level = amplitude * np.sin(2.0 * np.pi * np.arange(period) / period)
    net = world.value_per_point * phases - cost
    there = arrives[None] <= starts[:, None]
    best = np.where(there, phases, -math.inf).max(axis=1, keepdims=True)
    most = np.where(there, net, -math.inf).max(axis=1, keepdims=True)
    kernel = RequestLaw(
        _ordered(phases, order),
        _ordered(best - phases, order),
        _ordered(most - net, order),
        starts,
        ready,
        bool(np.any(slope)),
        _ordered(slope, order),
        np.ascontiguousarray(level),
        _ordered(offset, order),
        _ordered(gain, order),
        float(sd),
        float(world.value_per_point),
        _ordered(cost, order),
    )
    last = phases[-1] + np.array(world.drift or (0.0,) * arms)
    value = world.value_per_point * (last + float(level.mean())) - cost
    return Law(kernel, order, offset + gain * means, sd, last.max() - last, value.max() - value, value)


def evaluation(world: BanditWorld, arms: int, family: str) -> tuple[Floats, Floats, float]:
    """Return offset and gain by arm of the mean reward seen, and the standard deviation of a normal one."""
    if family == "bernoulli":
        sensitivity = np.broadcast_to(np.array(world.sensitivity or (1.0,)), (arms,))
        specificity = np.broadcast_to(np.array(world.specificity or (1.0,)), (arms,))
        return 1.0 - specificity, sensitivity - (1.0 - specificity), 1.0
    bias = np.array(world.judge_bias or (0.0,) * arms)
    return bias, np.ones(arms), math.sqrt(1.0 + world.judge_noise * world.judge_noise)


def lower_bound(world: BanditWorld, means: Floats, law: Law, family: str) -> tuple[float, str | None]:
    """Return the Lai-Robbins constant of what can be seen, or nan and why there is none.

    ``sum gap_a / kl(seen_a, seen_best)``: gaps of the truth, divergences of the rewards as the judge reports them.
    Delay and batches leave less to learn from, so the bound holds there too.
    """
    if world.changing or world.season:
        return math.nan, "the bound is for rewards whose law does not change"
    offset, gain, sd = evaluation(world, means.size, family)
    if np.ptp(offset) > 0.0 or np.ptp(gain) > 0.0 or gain[0] <= 0.0:
        return math.nan, "the evaluator may rank the arms wrongly, so no policy learns which is best"
    best = int(means.argmax())
    total = [
        (means[best] - means[a]) / divergence(float(law.seen[a]), float(law.seen[best]), family, sd)
        for a in range(means.size)
        if means[a] < means[best]
    ]
    return math.fsum(total), None


def _ordered(values: Floats, order: npt.NDArray[np.int64]) -> Floats:
    """Return columns in the order of arrival."""
    return np.ascontiguousarray(values[..., order], dtype=np.float64)
