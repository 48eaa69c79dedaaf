"""How dollars of experiments spread when answers differ in length: quantiles over experiments and their answers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from expsim_panel.economics import Ledger
from expsim_panel.results import Figure

AT = (0.05, 0.5, 0.95)


def mixture_quantiles(centres: np.ndarray, spreads: np.ndarray, at: tuple[float, ...] = AT) -> tuple[float, ...]:
    """Return quantiles of a mixture of normals with equal weights, by bisection.

    Parameters
    ----------
    centres, spreads : ndarray, shape (k,)
        Means and standard deviations; a spread of 0 is a point.
    """
    from scipy.special import ndtr

    # Experiments that stopped at the same look cost the same: few of them differ.
    pairs, counts = np.unique(np.stack([centres, spreads], axis=1), axis=0, return_counts=True)
    middle, width = pairs[:, 0], np.maximum(pairs[:, 1], 1e-12 * (1.0 + np.abs(pairs[:, 0])))
    weights = counts / counts.sum()
    found = []
    for p in at:
        low, high = float((middle - 9 * width).min()), float((middle + 9 * width).max())
        for _ in range(60):
            half = (low + high) / 2
            low, high = (half, high) if float(weights @ ndtr((half - middle) / width)) < p else (low, half)
        found.append((low + high) / 2)
    return tuple(found)


def widened(
    money: Ledger, units: np.ndarray, rows: np.ndarray, dollars: dict[str, np.ndarray], figures: dict[str, Figure]
) -> dict[str, Figure]:
    """Return the figures of cost, generation and judge with the spread of tokens in their quantiles; without it, none.

    An experiment of n responses of an arm costs ``n c +- sqrt(n) s``: a sum of so many independent answers, or calls
    of a judge, is normal. Means are those without spread, for prices are mean prices.

    Parameters
    ----------
    units, rows : ndarray, shape (replicates, arms)
        Units enrolled and rows scored.
    dollars, figures : dict
        Dollars of every experiment, shape (replicates,), and their figures, by name.
    """
    generated = units * money.exposures_per_unit @ money.generation_sd**2
    judged = rows.sum(axis=1) * money.judge_sd**2
    variances = {"cost": generated + judged, "cost.generation": generated, "cost.judge": judged}
    made = {}
    for name, variance in variances.items():
        if not variance.any():
            continue
        found = mixture_quantiles(dollars[name], np.sqrt(variance))
        made[name] = replace(figures[name], quantiles={f"{p:g}": value for p, value in zip(AT, found, strict=True)})
    return made
