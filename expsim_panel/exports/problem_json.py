"""JSON of bandit problems beyond the classic one; names and meanings as in ``docs/contract.md``."""

from __future__ import annotations

import dataclasses
from math import isfinite
from typing import Any

import numpy as np

from expsim_panel.bandit_blocks import PlayedProblem
from expsim_panel.bandit_courses import QUANTILES
from expsim_panel.duelling import DuelResult
from expsim_panel.exports.json import figure
from expsim_panel.metered_bandits import MeteredResult
from expsim_panel.results import Figure
from expsim_panel.segment_bandits import SegmentResult


def policies(found: PlayedProblem[Any]) -> list[dict[str, Any]]:
    """Return the figures of every policy."""
    return [_fields(one) for one in found.policies]


def world(found: PlayedProblem[Any]) -> dict[str, Any]:
    """Return what was played."""
    if isinstance(found, SegmentResult):
        return {
            "family": found.family,
            "segments": found.shares.tolist(),
            "means": found.means.tolist(),
            "features": found.features.tolist(),
            "blind_loss": found.blind_loss,
        }
    if isinstance(found, DuelResult):
        reason = "no bound is known to this program where duels can end in ties" if found.lower_bound is None else None
        return {
            "preferences": found.world.prefer.tolist(),
            "ties": found.world.ties.tolist(),
            "winner": found.world.winner,
            "lower_bound": found.lower_bound,
            "reason": reason,
        }
    assert isinstance(found, MeteredResult)
    place = found.world
    bounded = found.lower_bound is not None
    return {
        "family": place.family,
        "means": (place.means * place.scale + (place.family == "ratings")).tolist(),
        "cost": place.costs.tolist(),
        "unknown_costs": place.unknown_costs,
        "budget": place.budget if isfinite(place.budget) else None,
        "value_per_point": place.value,
        "guardrail": place.risks.tolist(),
        "limit": place.limit,
        "optimum": found.optimum,
        "lower_bound": found.lower_bound,
        "reason": None if bounded else "no bound of the form C log T is known to this program with prices or a limit",
    }


def _fields(one: Any) -> dict[str, Any]:
    """Return the figures and arrays of one policy; regret by replicate is left out."""
    made: dict[str, Any] = {}
    for field in dataclasses.fields(one):
        value = getattr(one, field.name)
        if field.name in ("final", "policy"):
            continue
        if isinstance(value, Figure):
            made[field.name] = figure(value)
        elif field.name == "courses":
            for key, course in value.items():
                made[f"{key}_over_time"] = {
                    "value": course.value.tolist(),
                    "se": course.se.tolist(),
                    "quantiles": {str(q): row.tolist() for q, row in zip(QUANTILES, course.band, strict=True)},
                }
        else:
            made[field.name] = value.tolist() if isinstance(value, np.ndarray) else value
    return made
