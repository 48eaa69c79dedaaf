"""Figures of guardrails in the cells of a surface: exact by the law of where a design ends, or counted.

Keys are those of `surface_metrics`: ``rail.INDEX.ARM.FIGURE`` and ``all.FIGURE``.
"""

from __future__ import annotations

from math import prod

import numpy as np

from expsim_panel import operating
from expsim_panel.economics import Ledger
from expsim_panel.exact import Exact
from expsim_panel.guardrail import Guardrail
from expsim_panel.guardrail_figures import Ends
from expsim_panel.guardrail_laws import chances, p_pass
from expsim_panel.guardrail_play import Guards
from expsim_panel.kernels.guardrails import FAIL, PASS
from expsim_panel.results import Figure, Outcomes
from expsim_panel.scenario import Scenario
from expsim_panel.surface_metrics import ALL, RAIL

FIGURES = ("p_pass", "p_fail", "p_unknown", "not_pass", "at_margin")


def exact_value(
    scenario: Scenario, world: str, key: str, ends: Ends, found: Exact | str, money: Ledger
) -> float | None:
    """Return the exact figure; None where this one has none.

    Parameters
    ----------
    ends : tuple
        Units at which the strategy ends, (ends, arms), and their probabilities.
    found : Exact or str
        Its exact figures after the guardrails' veto, or why there are none.
    """
    units, weights = ends
    figure = key.rpartition(".")[2]
    if figure == "breach_exposures":
        return float(weights @ (units @ breached(scenario, world))) * money.exposures_per_unit
    if figure in ("held_back", "p_breached_launch", "breached_among_launches"):
        if isinstance(found, str):
            return None
        launched, truly = found.values["launch"], float(breached(scenario, world)[1])
        held = float(found.high.sum()) - launched
        return {"held_back": held, "p_breached_launch": truly * launched, "breached_among_launches": truly}[figure]
    rails, arm = _whose(scenario, key)
    total = 0.0
    for row, weight in zip(units[:, [0, arm]], weights, strict=True):
        each = [_chances(rail, world, figure, arm, row) for rail in rails]
        passed, unharmed = prod(one[0] for one in each), prod(1 - one[1] for one in each)
        if figure in ("p_pass", "at_margin"):
            value = passed
        elif figure == "not_pass":
            value = 1 - passed
        else:
            value = 1 - unharmed if figure == "p_fail" else unharmed - passed
        total += float(weight) * value
    return min(max(total, 0.0), 1.0)


def breached(scenario: Scenario, world: str) -> np.ndarray:
    """Tell which arms truly breach any guardrail, shape (arms,)."""
    return np.asarray(np.any([one.breached(world) for one in scenario.guardrails], axis=0))


def _whose(scenario: Scenario, key: str) -> tuple[list[Guardrail], int]:
    """Return the guardrails and the arm that a key means."""
    parts = key.split(".")
    if parts[0] == RAIL:
        return [scenario.guardrails[int(parts[1])]], int(parts[2])
    return scenario.guardrails, 1 + int(scenario.effects[1:].argmax())


def _chances(rail: Guardrail, world: str, figure: str, arm: int, units: np.ndarray) -> tuple[float, float]:
    """Return P(pass) and P(fail) at some units of control and arm; P(fail) only where it is needed."""
    n0, na = (float(n) for n in rail.rows(units))
    means = rail.truth(world)
    mean = rail.harmed(rail.allowed) if figure == "at_margin" else float(means[arm])
    if figure in ("p_fail", "p_unknown"):
        return chances(rail, n0, na, float(means[0]), mean)
    return p_pass(rail, n0, na, float(means[0]), mean), 0.0


def counted(scenario: Scenario, world: str, out: Outcomes, guards: Guards, money: Ledger) -> dict[str, Figure]:
    """Return all figures of the guardrails in a world, by key, with their errors.

    Parameters
    ----------
    out : Outcomes
        How the experiments ended.
    guards : Guards
        Their guardrails' results.
    """
    made: dict[str, Figure] = {}
    codes, edge = guards.codes, guards.at_margin
    best = _whose(scenario, ALL)[1]
    for place in (ALL, *(f"{RAIL}.{i}.{arm}" for i in range(codes.shape[1]) for arm in range(1, codes.shape[2] + 1))):
        parts = place.split(".")
        rows = slice(None) if place == ALL else slice(int(parts[1]), int(parts[1]) + 1)
        arm = best if place == ALL else int(parts[2])
        mine = codes[:, rows, arm - 1]
        passed, failed = (mine == PASS).all(axis=1), (mine == FAIL).any(axis=1)
        hits = (passed, failed, ~passed & ~failed, ~passed)
        made |= {f"{place}.{name}": operating.proportion(found) for name, found in zip(FIGURES, hits, strict=False)}
        if edge is not None:
            made[f"{place}.at_margin"] = operating.proportion((edge[:, rows, arm - 1] == PASS).all(axis=1))
    won = out.code > 0
    launched = guards.veto(np.where(won, out.code, 0), operating.KEEP, operating.NOTHING) > 0
    bad = launched & guards.breached[np.where(launched, out.code, 0)]
    shown = operating.over_arms(out.units * guards.breached) * money.exposures_per_unit
    few = launched.sum() < operating.MIN_EVENTS
    made |= {
        f"{ALL}.held_back": operating.proportion(won & ~launched),
        f"{ALL}.p_breached_launch": operating.proportion(bad),
        f"{ALL}.breached_among_launches": operating.blank(f"fewer than {operating.MIN_EVENTS} launches")
        if few
        else operating.proportion(bad[launched]),
        f"{ALL}.breach_exposures": operating.mean(shown, spread=False),
    }
    return made
