"""What the guardrails do to a strategy: how often each passes, fails or stays unknown, and what they hold back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from expsim_panel import operating, plan
from expsim_panel.economics import Ledger
from expsim_panel.exact import Exact
from expsim_panel.guardrail import Guardrail
from expsim_panel.guardrail_laws import chances_at, own_power, passes_at, units_needed
from expsim_panel.guardrail_play import Guards
from expsim_panel.kernels.guardrails import FAIL, PASS
from expsim_panel.results import Figure, Outcomes
from expsim_panel.scenario import Scenario
from expsim_panel.strategy import Strategy

NAMES = ("p_pass", "p_fail", "p_unknown", "p_false_alarm", "p_false_fail", "p_pass_at_margin", "power")
"""Order of the figures of a guardrail in tables and files."""


@dataclass(frozen=True)
class Watched:
    """One guardrail of one variant, over all experiments of a strategy.

    Attributes
    ----------
    name, variant : str
        Whose.
    harm : float
        True harm, positive is worse: in the guardrail's units, or as a share of the control's mean.
    breached : bool
        Whether that is the threshold or more.
    figures : dict of Figure
        ``p_pass``, ``p_fail``, ``p_unknown`` under the truth; ``p_false_alarm`` (fail or unknown) and
        ``p_false_fail`` in the null twin, where every variant is harmless; ``p_pass_at_margin`` had the
        true harm been the margin; ``power``, the chance that a harmless variant passes.
    planned_power : float
        Exact power at the planned end.
    units_needed : int or None
        Units of each arm, split evenly, for 80 % power; None: no size gives it.
    """

    name: str
    variant: str
    harm: float
    breached: bool
    figures: Mapping[str, Figure]
    planned_power: float
    units_needed: int | None

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object."""
        made = {**self.__dict__, **{name: self.figures[name].to_json() for name in NAMES}}
        del made["figures"]
        return made


@dataclass(frozen=True)
class Guarded:
    """What the guardrails of a scenario do to one strategy.

    Attributes
    ----------
    checks : tuple of Watched
        By guardrail and variant.
    launch : Figure
        P(launch): a variant wins and all of its guardrails pass.
    held_back : Figure
        P(a variant wins, and a guardrail that fails or is unknown keeps it from being launched).
    p_breached_launch : Figure
        P(launch of a variant that truly breaches a guardrail).
    breached_among_launches : Figure
        The same among launches; blank under 30 of them.
    breach_exposures : Figure
        Responses of the experiment that came from truly breaching variants.
    codes : dict of int8 ndarray
        Results by world, for the digest.
    """

    checks: tuple[Watched, ...]
    launch: Figure
    held_back: Figure
    p_breached_launch: Figure
    breached_among_launches: Figure
    breach_exposures: Figure
    codes: Mapping[str, np.ndarray]

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object."""
        names = ("launch", "held_back", "p_breached_launch", "breached_among_launches", "breach_exposures")
        return {
            **{name: getattr(self, name).to_json() for name in names},
            "checks": [one.to_json() for one in self.checks],
        }


def summarise(
    scenario: Scenario, one: Strategy, money: Ledger, out: Mapping[str, Outcomes], guards: Mapping[str, Guards],
    known: Mapping[str, Exact | str],
) -> Guarded:  # fmt: skip
    """Return the figures of all guardrails of a strategy.

    Parameters
    ----------
    out, guards, known : mapping
        By world: how experiments ended, results of the guardrails, exact values; truth and null are read.
    """
    truth = guards["truth"]
    ended = out["truth"]
    won = ended.code > 0
    launched = truth.veto(np.where(won, ended.code, 0), operating.KEEP, operating.NOTHING) > 0
    breached = launched & truth.breached[np.where(launched, ended.code, 0)]
    exact = known["truth"]
    if launched.sum() < operating.MIN_EVENTS:
        among = operating.blank(f"fewer than {operating.MIN_EVENTS} launches")
    else:
        among = operating.proportion(breached[launched])
    values = exact.values if isinstance(exact, Exact) else {}
    let = values.get("launch")
    beaten = float(exact.high.sum()) - let if isinstance(exact, Exact) and let is not None else None
    shown = operating.over_arms(ended.units * truth.breached) * money.exposures_per_unit
    ends = {world: ends_of(scenario, one, known[world]) for world in ("truth", "null")}
    names = [variant.name for variant in scenario.variants]
    planned = plan.schedule(scenario).units[-1]
    checks = [
        _watched(rail, index, arm, names[arm], guards, ends, planned)
        for index, rail in enumerate(scenario.guardrails)
        for arm in range(1, len(names))
    ]
    return Guarded(
        tuple(checks),
        operating.proportion(launched, let),
        operating.proportion(won & ~launched, beaten),
        operating.proportion(breached, (let if truth.breached[1] else 0.0) if let is not None else None),
        among,
        operating.mean(shown, _breaching(exact, truth, money)),
        {world: made.codes for world, made in guards.items()},
    )


def _breaching(known: Exact | str, guards: Guards, money: Ledger) -> float | None:
    """Return the expected responses of breaching variants, where the law of the end is known."""
    if isinstance(known, str) or not known.ends:
        return None
    return float(known.weights @ (known.units @ guards.breached)) * money.exposures_per_unit


Ends = tuple[np.ndarray, np.ndarray]


def ends_of(scenario: Scenario, one: Strategy, known: Exact | str) -> Ends | str:
    """Return the sizes at which a strategy ends, units (ends, arms), and their probabilities; or why not."""
    if isinstance(known, Exact):
        if not known.ends:
            return "no exact value: sizes depend on which variants are left"
        return known.units, known.weights
    if one.policy.adaptive:
        return known
    setting = plan.setting_of(scenario)
    planned = one.design.bounds(setting)
    if planned is not None and planned.days.tolist() == [setting.days]:
        # Whatever it finds, it ends with all of its units.
        enrolled = setting.units if setting.enrolled is None else setting.enrolled
        return enrolled[-1:], np.ones(1)
    return known


def _watched(
    rail: Guardrail, index: int, arm: int, variant: str, guards: Mapping[str, Guards], ends: Mapping[str, Ends | str],
    planned: np.ndarray,
) -> Watched:  # fmt: skip
    codes, null = guards["truth"].codes[:, index, arm - 1], guards["null"].codes[:, index, arm - 1]
    at_margin = guards["truth"].at_margin
    means = rail.means

    def law(world: str, mean: float) -> tuple[float, float] | None:
        known = ends[world]
        if isinstance(known, str):
            return None
        units, weights = known
        passed, failed = weights @ chances_at(rail, units[:, [0, arm]], float(means[0]), mean)
        return float(passed), float(failed)

    def at_edge() -> float | None:
        known = ends["truth"]
        if isinstance(known, str):
            return None
        units, weights = known
        return float(weights @ passes_at(rail, units[:, [0, arm]], float(means[0]), rail.harmed(rail.allowed)))

    def share(hits: np.ndarray, exact: float | None) -> Figure:
        return operating.proportion(hits, exact)

    here, harmless = law("truth", float(means[arm])), law("null", float(means[0]))
    edge = at_edge()
    made = {
        "p_pass": share(codes == PASS, here and here[0]),
        "p_fail": share(codes == FAIL, here and here[1]),
        "p_unknown": share((codes != PASS) & (codes != FAIL), None if here is None else 1 - here[0] - here[1]),
        "p_false_alarm": share(null != PASS, None if harmless is None else 1 - harmless[0]),
        "p_false_fail": share(null == FAIL, harmless and harmless[1]),
        "p_pass_at_margin": operating.blank("not played")
        if at_margin is None
        else share(at_margin[:, index, arm - 1] == PASS, edge),
        "power": share(null == PASS, harmless and harmless[0]),
    }
    return Watched(
        rail.name,
        variant,
        float(rail.harms()[arm]),
        bool(rail.breached()[arm]),
        made,
        own_power(rail, *rail.rows(planned[[0, arm]])),
        units_needed(rail),
    )
