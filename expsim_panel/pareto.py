"""Quality, cost and latency at once: who is on the Pareto frontier, who is best in dollars, over posterior draws."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from expsim_panel.errors import InputError

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Weights:
    """Dollars per exposure.

    Attributes
    ----------
    quality : float
        Per metric point (more is better), w_Q.
    latency : float
        Per second slower than the control beyond `slack`, w_L.
    slack : float
        Seconds slower that cost nothing.
    penalty : float
        Per breached guardrail.
    """

    quality: float
    latency: float = 0.0
    slack: float = 0.0
    penalty: float = 0.0


def _draws(quality: npt.ArrayLike, cost: npt.ArrayLike, latency: npt.ArrayLike) -> tuple[Floats, Floats, Floats]:
    made = [np.asarray(one, dtype=np.float64) for one in (quality, cost, latency)]
    shape = np.broadcast_shapes(*(one.shape for one in made))
    if len(shape) != 2 or shape[1] < 2 or not all(np.isfinite(one).all() for one in made):
        raise InputError("pareto", "draws", f"shape {shape}", "give finite draws of shape (draws, variants)")
    q, c, t = (np.broadcast_to(one, shape) for one in made)
    return q, c, t


def pareto_probability(quality: npt.ArrayLike, cost: npt.ArrayLike, latency: npt.ArrayLike) -> Floats:
    """Return for each variant the probability that no other is at least as good in all three and better in one.

    Parameters
    ----------
    quality, cost, latency : array_like, shape (draws, variants) or broadcastable to it
        Joint draws; more quality, less cost and less latency are better.
    """
    q, c, t = _draws(quality, cost, latency)
    draws, arms = q.shape
    on = np.ones((draws, arms), dtype=bool)
    for a in range(arms):
        for b in range(arms):
            if a != b:
                as_good = (q[:, b] >= q[:, a]) & (c[:, b] <= c[:, a]) & (t[:, b] <= t[:, a])
                better = (q[:, b] > q[:, a]) | (c[:, b] < c[:, a]) | (t[:, b] < t[:, a])
                on[:, a] &= ~(as_good & better)
    return np.asarray(on.mean(axis=0))


def utility(
    quality: npt.ArrayLike,
    cost: npt.ArrayLike,
    latency: npt.ArrayLike,
    weights: Weights,
    breaches: npt.ArrayLike = 0.0,
) -> Floats:
    """Return the net value of each variant over the first, dollars per exposure, shape (draws, variants).

    ``w_Q dQ - dC - w_L max(0, dL - slack) - penalty x guardrails breached`` (MODEL section 6); latency in seconds,
    cost in dollars per exposure, `breaches` the number of guardrails breached in each draw (0 for the control).
    """
    q, c, t = _draws(quality, cost, latency)
    value = weights.quality * (q - q[:, :1]) - (c - c[:, :1])
    value = value - weights.latency * np.maximum(0.0, t - t[:, :1] - weights.slack)
    value = value - weights.penalty * np.broadcast_to(np.asarray(breaches, dtype=np.float64), q.shape)
    value[:, 0] = 0.0
    return np.asarray(value)


def best_probability(values: npt.ArrayLike) -> Floats:
    """Return P(each variant has the largest net value), ties shared evenly; values of shape (draws, variants)."""
    v = np.asarray(values, dtype=np.float64)
    top = v == v.max(axis=1, keepdims=True)
    return np.asarray((top / top.sum(axis=1, keepdims=True)).mean(axis=0))
