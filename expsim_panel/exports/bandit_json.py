"""JSON of bandits: the classic problem, and what the documents of all kinds have; names as in ``docs/contract.md``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from expsim_panel._version import VERSION
from expsim_panel.bandit_blocks import PlayedProblem
from expsim_panel.bandit_curves import RegretCurve
from expsim_panel.bandit_inference import Inference, to_json
from expsim_panel.bandit_results import Money
from expsim_panel.bandit_surface import RegretSurface
from expsim_panel.bandits import BanditResult
from expsim_panel.exports import problem_json
from expsim_panel.exports.json import SCHEMA, environment, figure

QUANTILES = ("0.05", "0.5", "0.95")


def document(
    found: BanditResult | PlayedProblem[Any],
    learned: Sequence[Inference] = (),
    over: RegretCurve | RegretSurface | None = None,
) -> dict[str, Any]:
    """Return the JSON of a result of any kind of problem.

    Parameters
    ----------
    found : BanditResult or PlayedProblem
        Policies on one problem.
    learned : sequence of Inference, optional
        What each policy leaves to be inferred.
    over : RegretCurve or RegretSurface, optional
        The same policies over one or two numbers.
    """
    rows = _classic(found) if isinstance(found, BanditResult) else problem_json.policies(found)
    made = {
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
        **(_plain(found) if isinstance(found, BanditResult) else problem_json.world(found)),
        "policies": [{**row, **(to_json(learned[place]) if learned else {})} for place, row in enumerate(rows)],
    }
    return made if over is None else {**made, "over": over.to_json()}


def _plain(found: BanditResult) -> dict[str, Any]:
    return {
        "means": found.means.tolist(),
        "family": found.family,
        "world": found.world.tree(),
        "lai_robbins": None if found.lai_robbins_reason else found.lai_robbins,
        "lai_robbins_reason": found.lai_robbins_reason,
    }


def _classic(found: BanditResult) -> list[dict[str, Any]]:
    return [
        {
            "name": one.name,
            "regret": figure(one.regret),
            "simple_regret": figure(one.simple_regret),
            "p_best_arm": figure(one.p_best_arm),
            "tail_regret": figure(one.tail_regret),
            "pulls": one.pulls.tolist(),
            "pulls_se": one.pulls_se.tolist(),
            "regret_over_time": {
                "value": one.regret_over_time.tolist(),
                "se": one.regret_se.tolist(),
                "quantiles": {key: row.tolist() for key, row in zip(QUANTILES, one.band, strict=True)},
            },
            "traffic": one.traffic.tolist(),
            **_money(one.money),
        }
        for one in found.policies
    ]


def _money(found: Money) -> dict[str, Any]:
    """Return the JSON of a policy's reckoning in dollars."""
    made = {
        "regret_usd": figure(found.regret),
        "tail_regret_usd": figure(found.tail_regret),
        "simple_regret_usd": figure(found.simple_regret),
        "cost": figure(found.cost),
        "value": figure(found.earned),
        "regret_usd_over_time": {
            "value": found.over_time.tolist(),
            "se": found.se.tolist(),
            "quantiles": {key: row.tolist() for key, row in zip(QUANTILES, found.band, strict=True)},
        },
    }
    if found.total_value is not None and found.total_regret is not None:
        made["total_value"] = figure(found.total_value)
        made["total_regret_usd"] = figure(found.total_regret)
    return made
