"""The cells of a curve or surface: one effect at one traffic, exact or simulated."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping

import numpy as np

from expsim_panel import engine, exact, operating, plan
from expsim_panel.economics import ledger
from expsim_panel.results import Figure
from expsim_panel.scenario import Scenario
from expsim_panel.strategy import Strategy
from expsim_panel.study import Study

Progress = Callable[[int, int], None]
Cancelled = Callable[[], bool]

METRICS: Mapping[str, str] = {
    "power": "Chance to find the difference",
    "days": "Expected days to a decision",
    "cost": "Expected cost of the experiment",
}
"""What a curve or surface can show, in plain words.

``power`` is the chance that the experiment rejects "no difference": at an effect of 0 it is the chance of
a false alarm. With two arms both directions count (as in the report), with more a finding for a variant.
"""

_EXACT = {"power": "rejection", "days": "days", "cost": "cost"}


class Watch:
    """Counts cells; reports them, and stops when asked to."""

    def __init__(self, progress: Progress | None, cancelled: Cancelled | None, total: int) -> None:
        self.progress, self.cancelled, self.total, self.done = progress, cancelled, total, 0

    def check(self) -> None:
        """Stop if the caller wants it."""
        if self.cancelled and self.cancelled():
            raise engine.Cancelled

    def step(self, cells: int = 1) -> None:
        """Count cells as done."""
        self.done += cells
        if self.progress:
            self.progress(self.done, self.total)


def exact_cells(
    rows: list[Scenario], one: Strategy, effects: np.ndarray, ask: Watch
) -> tuple[dict[str, np.ndarray] | None, str | None]:
    """Return the exact figures by metric, shape (effects, rows), nan in rows without; or None and the reason.

    Bounds are solved once a row, unless they follow the spread of the data, and laws drawn up once an effect.
    """
    reason = exact.why_not(rows[0], one)
    if reason:
        return None, reason
    laws = functools.cache(lambda effect: plan.law(exact.with_effect(rows[0], effect), "truth", 0, 0, 1))
    tables = {key: np.full((effects.size, len(rows)), np.nan) for key in METRICS}
    absent: str | None = None
    for j, scenario in enumerate(rows):
        setting, money = plan.setting_of(scenario), ledger(scenario)
        planned = one.design.bounds(setting)
        if planned is None:
            return None, "no exact value for this stopping rule"
        for i, effect in enumerate(effects):
            ask.check()
            law = laws(float(effect))
            if one.design.bounds_follow_spread:
                planned = one.design.bounds(exact.as_seen(setting, law)) or planned
            cell = exact.stopped(setting, planned, law, money)
            if isinstance(cell, str):
                absent = cell
                ask.step(effects.size - i)
                break
            for key, name in _EXACT.items():
                tables[key][i, j] = cell.values[name]
            ask.step()
    # A traffic too small for this design is left out; a design without exact figures has none at all.
    if absent and not np.isfinite(tables["days"]).all(axis=0).any():
        return None, absent
    return tables, None


def with_scenario(base: Study, scenario: Scenario) -> Study:
    """Return a study of another scenario with the same strategies, replicates and seed."""
    made = Study(scenario=scenario, strategies=base.strategies)
    made.replicates, made.seed = base.replicates, base.seed
    return made


def simulated(base: Study, one: Strategy, effect: float, ask: Watch) -> dict[str, Figure]:
    """Play one cell; the same seed gives every cell the same random numbers."""
    ask.check()
    study = with_scenario(base, exact.with_effect(base.scenario, effect))
    out = engine.outcomes(study.freeze(), cancelled=ask.cancelled)[one.name]
    money = ledger(study.scenario)
    hits = operating.rejected(out.code) if len(study.scenario.variants) == 2 else out.code > 0
    spent = sum(money.costs(out.units, out.rows).values(), np.zeros(out.code.size))
    ask.step()
    return {
        "power": operating.proportion(hits),
        "days": operating.mean(out.day.astype(float), spread=False),
        "cost": operating.mean(spent, spread=False),
    }
