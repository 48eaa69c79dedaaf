"""JSON of bandit problems beyond the classic one; names and meanings as in ``docs/contract.md``."""

from __future__ import annotations

import dataclasses
from math import isfinite
from typing import Any

import numpy as np

from expsim_panel._version import VERSION
from expsim_panel.bandit_blocks import PlayedProblem
from expsim_panel.bandit_courses import QUANTILES
from expsim_panel.duelling import DuelResult
from expsim_panel.exports.json import SCHEMA, environment, figure
from expsim_panel.metered_bandits import MeteredResult
from expsim_panel.results import Figure
from expsim_panel.segment_bandits import SegmentResult


def document(found: PlayedProblem[Any]) -> dict[str, Any]:
    """Return the JSON of a result."""
    return {
        "provenance": {
            "version": VERSION,
            "schema": SCHEMA,
            "seed": found.seed,
            "replicates": found.replicates,
            "request_digest": found.request_digest,
            "digest": found.digest,
            "environment": environment(found.seconds),
        },
        "horizon": found.horizon,
        "checkpoints": found.checkpoints.tolist(),
        **_world(found),
        "policies": [_fields(one) for one in found.policies],
    }


def _world(found: PlayedProblem[Any]) -> dict[str, Any]:
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
    world = found.world
    bounded = found.lower_bound is not None
    return {
        "family": world.family,
        "means": (world.means * world.scale + (world.family == "ratings")).tolist(),
        "cost": world.costs.tolist(),
        "unknown_costs": world.unknown_costs,
        "budget": world.budget if isfinite(world.budget) else None,
        "value_per_point": world.value,
        "guardrail": world.risks.tolist(),
        "limit": world.limit,
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
