"""Adaptive experiments on the shipped scenarios, logged, and what each estimator of an arm's mean is worth there.

Played in plain NumPy, apart from the package's own loops: Thompson sampling a day at a time for two weeks, a tenth of
the scenario's traffic, propensities floored at ``t^-0.7 / K`` and logged. Estimates and their variances come from
`expsim_panel.adaptive_inference.estimates`, as for anybody's own log.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy import stats

from expsim_panel.adaptive_inference import METHODS, estimates
from expsim_panel.scenario import Scenario
from expsim_panel.study import Study

NAMES = ("hallucination-prompt", "ranking-diversity", "summarization-prompt")
DAYS, REPLICATES, DRAWS, SEED, DECAY, SHARE = 14, 1500, 400, 20261124, 0.7, 10
NOMINAL = 0.9


def drawn(rng: np.random.Generator, scenario: Scenario, arm: int, size: int) -> np.ndarray:
    """Return true scores of one arm, more is better."""
    variant = scenario.variants[arm]
    if scenario.metric.family == "binary":
        return (rng.random(size) < (variant.mean if scenario.sign > 0 else 1 - variant.mean)).astype(float)
    if scenario.metric.family == "ordinal":
        latent = variant.latent_mean + rng.standard_normal(size)
        return 1.0 + np.searchsorted(np.asarray(scenario.metric.thresholds), latent)
    return scenario.sign * variant.mean + float(scenario.sds[arm]) * rng.standard_normal(size)


def truth(scenario: Scenario, arm: int) -> float:
    """Return the mean of `drawn`, exactly."""
    variant = scenario.variants[arm]
    if scenario.metric.family == "binary":
        return float(variant.mean if scenario.sign > 0 else 1 - variant.mean)
    if scenario.metric.family == "ordinal":
        return float(1.0 + stats.norm.sf(np.asarray(scenario.metric.thresholds) - variant.latent_mean).sum())
    return float(scenario.sign * variant.mean)


@cache
def found(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return errors and variances, shape (replicates, methods, arms)."""
    scenario = Study.load(name).scenario
    rng = np.random.default_rng(SEED)
    arms, batch = len(scenario.variants), scenario.traffic.units_per_day // SHARE
    out = np.zeros((REPLICATES, len(METHODS), arms, 2))
    for r in range(REPLICATES):
        n, s, q = (np.zeros(arms) for _ in range(3))
        which, came, chance = [], [], []
        for day in range(DAYS):
            share = np.full(arms, 1 / arms)
            if day:
                mean = s / np.maximum(n, 1.0)
                # A flat prior and the spread over all arms so far; its posterior needs no more than two rows of an arm.
                sd = np.sqrt(max(q.sum() / n.sum() - (s.sum() / n.sum()) ** 2, 1e-12) / np.maximum(n, 1.0))
                leads = np.argmax(mean + sd * rng.standard_normal((DRAWS, arms)), axis=1)
                share = np.bincount(leads, minlength=arms) / DRAWS
            floor = min(1.0, (day * batch + 1) ** -DECAY) / arms
            p = floor + (1 - arms * floor) * share
            pulled = rng.choice(arms, size=batch, p=p)
            scores = np.zeros(batch)
            for arm in range(arms):
                mine = pulled == arm
                scores[mine] = drawn(rng, scenario, arm, int(mine.sum()))
                n[arm] += mine.sum()
                s[arm] += scores[mine].sum()
                q[arm] += (scores[mine] ** 2).sum()
            which.append(pulled)
            came.append(scores)
            chance.append(np.broadcast_to(p, (batch, arms)))
        out[r] = estimates(np.concatenate(which), np.concatenate(came), np.concatenate(chance), DECAY)
    true = np.array([truth(scenario, arm) for arm in range(arms)])
    return out[..., 0] - true, out[..., 1]


@cache
def coverage(name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return bias, its standard error, coverage and its standard error, shape (methods, arms)."""
    off, variance = found(name)
    inside = np.abs(off) <= stats.norm.ppf(0.5 + NOMINAL / 2) * np.sqrt(variance)
    rate = inside.mean(axis=0)
    return (
        np.nanmean(off, axis=0),
        np.nanstd(off, axis=0) / np.sqrt(len(off)),
        rate,
        np.sqrt(rate * (1 - rate) / len(off)),
    )
