"""Cells of a surface that differ in nothing but the truth: what they have in common is worked out once.

Traffic, prices, bounds and the control's spread do not depend on how good a variant is. Reading them from a
study costs ten times what a cell's own answer costs.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from expsim_panel import exact, guardrail_surfaces, outcomes, plan, several_exact
from expsim_panel.axes import Axis
from expsim_panel.design import Design, Setting
from expsim_panel.economics import Ledger, Served, ledger, served
from expsim_panel.errors import InputError
from expsim_panel.guardrail_figures import ends_of
from expsim_panel.mover import Mover, moves_truth, truth
from expsim_panel.remembering import Once
from expsim_panel.results import Figure
from expsim_panel.row_law import Law
from expsim_panel.study import Study
from expsim_panel.uneven import RATES, SCORES

Cell = tuple[int, int]

EXACT = ("rejection", "launch", "units", "exposures", "days", "cost", "judged", "labelled")
"""Figures that an exact answer may have."""


class NoExact(Exception):
    """No study on these axes has an exact value of the metric."""


@dataclass(frozen=True)
class Row:
    """Some cells of a surface.

    Attributes
    ----------
    cells : tuple of (int, int)
        Indices of y and x.
    levels : tuple of dict
        Value by path, of every cell.
    study : Study
        Moved to what the cells have in common; valid until the next row is asked for.
    setting : Setting
        What the designs know.
    money : Ledger
        Prices.
    law : Law or None
        Law of the scored rows, one replicate per cell; None where the cells' worlds are not plain.
    refused : dict
        Why a cell contradicts the study.
    once : Once
        The mover's.
    """

    cells: tuple[Cell, ...]
    levels: tuple[dict[str, float], ...]
    study: Study
    setting: Setting
    money: Ledger
    law: Law | None
    refused: dict[Cell, InputError]
    once: Once


def rows(
    mover: Mover, x: Axis, y: Axis | None, cells: list[Cell], world: str
) -> Iterator[Row | tuple[Cell, InputError]]:
    """Yield the cells in rows as large as possible, and those that contradict the study with the reason."""
    groups: dict[tuple[tuple[str, float], ...], list[tuple[Cell, dict[str, float]]]] = {}
    traffic = [one.path for one in (x, y) if one is not None and not moves_truth(one.path)]
    for i, j in cells:
        levels = {x.path: float(x.values[j])}
        if y is not None:
            levels[y.path] = float(y.values[i])
        common = tuple((path, levels[path]) for path in traffic)
        groups.setdefault(common, []).append(((i, j), levels))
    for common, members in groups.items():
        try:
            study = mover.to(dict(common), checked=False)
            own = [{path: levels[path] for path in levels if path not in traffic} for _, levels in members]
            whole = _row(mover, study, members, own, world, mover.once(served, study.scenario))
        except InputError as error:
            if len(members) == 1 and len(common) == len(members[0][1]):
                yield members[0][0], error
                continue
            whole = None
        if whole is not None:
            yield whole
            continue
        # Contradictions and worlds that are not plain may come and go with the truth: one cell at a time.
        for cell, levels in members:
            try:
                study = mover.to(levels)
                setting = plan.setting_of(study.scenario, world, once=mover.once)
                money = mover.once(ledger, study.scenario)
            except InputError as error:
                yield cell, error
            else:
                yield Row((cell,), (levels,), study, setting, money, None, {}, mover.once)


def _row(
    mover: Mover,
    study: Study,
    members: list[tuple[Cell, dict[str, float]]],
    own: list[dict[str, float]],
    world: str,
    serving: Served,
) -> Row | None:
    """Return the row of a world whose cells share all but means and spreads, at levels of their `own`; else None."""
    scenario, once = study.scenario, mover.once
    if outcomes.family(scenario.metric) not in (SCORES, RATES) or world == "prior":
        return None
    means, refused = mover.truths(own)
    found = plan.clusters(scenario, once=once)
    setting = plan.setting_of(scenario, world, found, once)
    for i, one in enumerate(study.strategies):
        once(one.design.check_for, setting, "surface", f"strategies.{i}")
    mean, spread = once(truth, scenario)
    if refused:
        means[list(refused)] = mean
    if world in ("null", "unbiased"):
        means[:] = means[:, :1]
    sds = np.broadcast_to(spread, means.shape)
    if scenario.family == "binary":
        sds = np.sqrt(means * (1 - means))
    elif world in ("null", "unbiased"):
        sds = np.broadcast_to(spread[0], means.shape)
    law = plan.law_of(scenario, world, means, sds, found if world != "unbiased" else None, once)
    if law.uneven is not None or not law.kind.alike:
        return None
    cells, levels = (tuple(part) for part in zip(*members, strict=True))
    return Row(
        cells,
        levels,
        study,
        setting,
        once(ledger, scenario, found, serving),
        law,
        {cells[i]: why for i, why in refused.items()},
        once,
    )


def exact_figures(
    row: Row, at: int, world: str, launches: bool = True, rail: str = "", cells: float = math.inf
) -> Iterator[tuple[Cell, dict[str, Figure] | str]]:
    """Yield every cell's exact figures by name, or why this one has none.

    Parameters
    ----------
    launches : bool
        Whether launches are asked for: what guardrails let through takes longer than all other figures.
    rail : str
        Key of a figure of the guardrails that is asked for, see `surface_metrics`; empty without one.
    cells : float
        Cells of the whole map: few may take longer each.

    Raises
    ------
    NoExact
        The strategy has none anywhere.
    """
    one, scenario = row.study.strategies[at], row.study.scenario
    absent = exact.why_not(scenario, one)
    several = len(scenario.variants) > 2 and not one.policy.adaptive and several_exact.may(one.design)
    if absent and (rail or not several or (launches and scenario.guardrails)):
        # What always ends with all of its units has exact guardrails with several variants too.
        ends = ends_of(scenario, one, absent) if rail else absent
        value = None if isinstance(ends, str) else _of_guardrails(row, world, rail, ends, absent)
        if value is None:
            raise NoExact(absent)
        yield from ((cell, {rail: Figure(value)}) for cell in row.cells if cell not in row.refused)
        return
    drops = one.design.drops and (row.law is None or one.design.drops_in(row.setting))
    planned = None if row.law is None or drops else row.once(one.design.bounds, row.setting)
    own_law = type(one.design).ending is not Design.ending
    if row.law is not None and planned is None and not drops and not own_law and not several:
        raise NoExact("no exact value for this stopping rule")
    slow = exact.too_slow(one.design, row.setting, cells) if absent else ""
    if slow:
        raise NoExact(slow)
    passing: dict[bytes, np.ndarray] = {}
    for index, cell in enumerate(row.cells):
        if cell in row.refused:
            continue
        found: exact.Exact | str
        if drops:
            found = _dropping(row, index, one.design, world)
        elif row.law is None:
            found = _of_several(exact.operating(scenario, one, world, row.money), world)
        else:
            law = row.law.one(index)
            if one.design.bounds_follow_spread:
                planned = one.design.bounds(exact.as_seen(row.setting, law)) or planned
            if absent:
                made = exact.several(one.design, planned, row.setting, law, row.money, bool(scenario.guardrails))
                found = _of_several(made, world)
            elif planned is None:
                found = exact.by_own_law(one, row.setting, law, row.money)
            else:
                told = exact.as_tested(one.design, planned, row.setting, law)
                found = told if isinstance(told, str) else exact.stopped(row.setting, told, law, row.money, row.once)
            if launches and not absent and isinstance(found, exact.Exact):
                found = exact.vetoed(scenario, world, found, passing)
        if isinstance(found, str):
            yield cell, found
            continue
        scored = found.values["rows"] * row.money.scored_per_row
        for name, payee in (("judged", "judge"), ("labelled", "human")):
            found.values[name] = scored * row.money.responses[payee]
        if rail and found.ends:
            value = _of_guardrails(row, world, rail, (found.units, found.weights), found)
            found.values[rail] = np.nan if value is None else value
        kept = [
            name for name in EXACT if name in found.values and (name != "launch" or launches or not scenario.guardrails)
        ]
        yield cell, {name: Figure(found.values[name]) for name in [*kept, *([rail] if rail in found.values else [])]}


def _dropping(row: Row, index: int, design: Design, world: str) -> exact.Exact | str:
    """Return the exact figures of a cell of a design that drops variants."""
    from expsim_panel import dropping_exact

    if row.law is None:
        return "no exact value: the world is not plain"
    law, scenario = row.law.one(index), row.study.scenario
    return _of_several(
        dropping_exact.operating(design, row.setting, law, row.money, bool(scenario.guardrails)),
        world if len(scenario.variants) > 2 else "",
    )


def _of_several(found: exact.Exact | str, world: str) -> exact.Exact | str:
    """With several variants power is of a better one."""
    if isinstance(found, exact.Exact) and world == "truth" and "power" in found.values:
        found.values["rejection"] = found.values["power"]
    return found


def _of_guardrails(
    row: Row, world: str, rail: str, ends: tuple[np.ndarray, np.ndarray], found: exact.Exact | str
) -> float | None:
    return guardrail_surfaces.exact_value(row.study.scenario, world, rail, ends, found, row.money)
