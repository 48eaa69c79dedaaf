"""Exact operating characteristics of a strategy, where its test and its world have them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np

from expsim_panel import exact_worlds, plan, several_exact
from expsim_panel.design import Bounds, Design, Setting
from expsim_panel.economics import Ledger
from expsim_panel.guardrail_laws import passes_at
from expsim_panel.regions import stops_between
from expsim_panel.remembering import Once, directly
from expsim_panel.row_law import Law, Stops
from expsim_panel.scenario import Scenario
from expsim_panel.severities import severities
from expsim_panel.strategy import Strategy


@dataclass(frozen=True)
class Exact:
    """Exact figures of one strategy in one world, and the law of its end.

    Attributes
    ----------
    values : dict of float
        By the names of the operating characteristics; ``launch`` counts what the guardrails let through.
    units : ndarray, shape (looks + 1, arms)
        Units enrolled where it ends: at each look, or never stopped.
    weights : ndarray, shape (looks + 1,)
        Probability of each end.
    high : ndarray, shape (looks,)
        Probability of stopping for the variant, or for any of several, at each look.
    ends : bool
        Whether the three above say where it ends; not of a design that drops variants, whose sizes hang on who is left.
    """

    values: dict[str, float]
    units: np.ndarray = field(default_factory=lambda: np.zeros((1, 2)))
    weights: np.ndarray = field(default_factory=lambda: np.ones(1))
    high: np.ndarray = field(default_factory=lambda: np.zeros(0))
    ends: bool = True


def operating(
    scenario: Scenario, one: Strategy, world: str, money: Ledger, effect: float | None = None, patient: bool = False
) -> Exact | str:
    """Return the exact figures by the recursion over looks, or the reason why there are none.

    The test statistic is taken at its large-sample law: a z statistic with the true variance of a row
    (rates: the unpooled Wald statistic). At 5,000 rows per arm and look the difference is below the
    simulation error of 200,000 replicates.

    Parameters
    ----------
    effect : float, optional
        Effect of the variant in place of the scenario's, positive is better.
    patient : bool
        Whether one answer may take two seconds (several looks at several variants), not a tenth of one.

    References
    ----------
    P. Armitage, C. K. McPherson, B. C. Rowe (1969), JRSS A 132, 235-244.
    """
    absent = why_not(scenario, one)
    if absent and (len(scenario.variants) == 2 or one.policy.adaptive):
        return absent
    if world == "prior":
        return "no exact value averaged over the design prior"
    if effect is not None:
        scenario = with_effect(scenario, effect)
    if absent:
        return _several(scenario, one, world, money, patient)
    setting, law = plan.setting_of(scenario, world), plan.law(scenario, world, 0, 0, 1)
    if one.design.drops and (one.design.drops_in(setting) or law.uneven is not None):
        from expsim_panel import dropping_exact

        return dropping_exact.operating(one.design, setting, law, money, bool(scenario.guardrails))
    uneven = law.uneven
    absent = exact_worlds.why_no_bounds(one.design, uneven) if uneven is not None else ""
    if absent:
        return absent
    changing = uneven is not None and (uneven.stratified or not uneven.constant) and law.kind.plain
    if uneven is not None and changing:
        planned = exact_worlds.bounds_of(one.design, setting, law, uneven)
    else:
        planned = one.design.bounds(as_seen(setting, law))
    if planned is None:
        found = by_own_law(one, setting, law, money)
        return found if isinstance(found, str) else vetoed(scenario, world, found, {})
    told = as_tested(one.design, planned, setting, law)
    found = told if isinstance(told, str) else stopped(setting, told, law, money)
    return found if isinstance(found, str) else vetoed(scenario, world, found, {})


def _several(scenario: Scenario, one: Strategy, world: str, money: Ledger, patient: bool) -> Exact | str:
    setting, law = plan.setting_of(scenario, world), plan.law(scenario, world, 0, 0, 1)
    if not several_exact.may(one.design):
        return several_exact.UNKNOWN
    planned = one.design.bounds(as_seen(setting, law) if one.design.bounds_follow_spread else setting)
    return several(one.design, planned, setting, law, money, bool(scenario.guardrails), patient)


def several(
    design: Design,
    planned: Bounds | None,
    setting: Setting,
    law: Law,
    money: Ledger,
    guarded: bool,
    patient: bool = False,
) -> Exact | str:
    """Return the exact figures of several variants, or why there are none.

    ``power`` is the chance that a truly better variant is found, ``best`` that the best one is, ``every`` that each
    of the better ones is. `guarded`: with guardrails ``launch`` is left out, since what they let through hangs on
    which variant was found. `patient`: see `operating`.
    """
    if not law.plain or law.severity_sd > 0:
        return "no exact value of several variants where rows are not independent and alike every day"
    if np.any(law.sds[0] <= 0):
        return "no exact value: the outcome does not vary"
    absent = several_exact.few_rows(setting.rows[-1:])
    if absent:
        return absent
    won = design.won(planned, setting, law, patient)
    if isinstance(won, str):
        return won
    end = np.array([setting.days]), np.array([won.low]), np.zeros(1), won.wins.sum(keepdims=True)
    days, low, idle, high = won.looks or end
    # What the rounding of a recursion adds is no chance.
    whole = max(1.0, float((low + idle + high).sum()))
    low, idle, high, wins = low / whole, idle / whole, high / whole, won.wins / whole
    futility = planned is not None and planned.futility
    found = _figures(_taken(setting, days - 1, money), low, idle, high, futility, law.delay, money)
    effects = law.effects[0, 1:]
    found.values["power"] = float(wins[effects > 0].sum())
    found.values["best"] = float(wins[int(effects.argmax())])
    if not np.isnan(won.every):
        found.values["every"] = won.every
    if guarded:
        del found.values["launch"]
    return found


FEW_CELLS = 30
"""Cells of a map for which there is time whatever they need: a tenth of a second each at most."""


def too_slow(design: Design, setting: Setting, cells: float = math.inf) -> str:
    """Return why a map of so many cells has no time for exact figures of a design; empty if it has."""
    if setting.arms == 2 or design.drops or design.decides_once(setting) or cells <= FEW_CELLS:
        return ""
    return f"no exact value on a map of more than {FEW_CELLS} cells: several looks at several variants take too long"


def vetoed(scenario: Scenario, world: str, found: Exact, kept: dict[bytes, np.ndarray]) -> Exact:
    """Return the figures with launches that all guardrails let through; `kept` spares the work at the same looks."""
    if not scenario.guardrails:
        return found
    units = found.units[:-1]
    key = units.tobytes()
    if key not in kept:
        kept[key] = all_pass(scenario, world, units)
    return replace(found, values={**found.values, "launch": float(found.high @ kept[key])})


def all_pass(scenario: Scenario, world: str, units: np.ndarray) -> np.ndarray:
    """Return the exact P(all guardrails of the one variant pass) at some sizes, shape (sizes,).

    Guardrails are independent of each other and of the metric, given the numbers of units.

    Parameters
    ----------
    units : ndarray, shape (sizes, 2)
        Units enrolled of control and variant.
    """
    found = np.ones(len(units))
    for one in scenario.guardrails:
        means = one.truth(world)
        found *= passes_at(one, units, float(means[0]), float(means[1]))
    return found


def as_tested(design: Design, planned: Bounds, setting: Setting, law: Law) -> Bounds | str:
    """Return a design's bounds as they are on the rows there are, or why they are unknown: see `RowKind.student`."""
    return law.kind.student(planned, setting.rows) if design.kind == "fixed-t" else planned


def as_seen(setting: Setting, law: Law) -> Setting:
    """Return the setting with the spread that the data will show, each arm its own, in place of the planned one."""
    between = law.severity_sd**2 * (1 - 1 / max(law.raters, 1))
    return replace(setting, sds=np.sqrt(law.sds[0] ** 2 + between))


def stopped(setting: Setting, planned: Bounds, law: Law, money: Ledger, once: Once = directly) -> Exact | str:
    """Return the exact figures of solved bounds, or the reason why there are none.

    A surface solves the bounds once per traffic: they do not depend on the effect, only the law does.

    Parameters
    ----------
    setting : Setting
        Traffic of two arms.
    planned : Bounds
        The design's bounds in this setting.
    law : Law
        Law of the scored rows; its first replicate counts.
    once : Once
        Spares the work at the same looks.
    """
    if law.severity_sd > 0 and not law.shared:
        return "no exact value: each variant has raters of its own"
    seen = once(_seen, setting, planned)
    if isinstance(seen, str):
        return seen
    planned, looks, rows = seen.planned, seen.looks, seen.rows
    variance = (law.sds[0] ** 2 / rows).sum(axis=1)
    difference = float(law.means[0, 1] - law.means[0, 0])
    if variance[-1] <= 0:
        return "no exact value: the outcome does not vary"
    absent = law.kind.why_inexact(rows, law.severity_sd)
    if absent:
        return absent
    own = law.kind.crossing(planned, difference, rows, law.severity_sd)
    if own is not None:
        low, idle, high = own
    elif law.uneven is None:
        low, idle, high = _crossing(variance, planned, difference, law, rows)
    else:
        absent = exact_worlds.why_not(law, law.uneven)
        if absent:
            return absent
        low, idle, high = exact_worlds.crossing(setting, planned, law, law.uneven)
    return _figures(once(_taken, setting, looks, money), low, idle, high, planned.futility, law.delay, money)


@dataclass(frozen=True)
class _Seen:
    """What a test's looks see: its bounds at those that count, their days from 0, and rows, shape (looks, arms)."""

    planned: Bounds
    looks: np.ndarray
    rows: np.ndarray


def _seen(setting: Setting, planned: Bounds) -> _Seen | str:
    """Return what a test's looks see, or why it has no exact figures."""
    told = _with_news(setting, _with_outcomes(setting, planned))
    if isinstance(told, str):
        return told
    looks = told.days - 1
    rows = setting.rows[looks]
    if np.any(rows < 2):
        return "no exact value: a look sees fewer than two scored responses"
    return _Seen(told, looks, rows)


def _with_outcomes(setting: Setting, planned: Bounds) -> Bounds:
    """Leave out the first looks that have no outcome and cannot stop: where outcomes are late, a rule waits."""
    if setting.rows[planned.days[0] - 1].any():
        return planned
    blind = np.isposinf(planned.upper) & np.isneginf(planned.lower) & (setting.rows[planned.days - 1] == 0).all(axis=1)
    if planned.inner is not None:
        blind &= ~(planned.inner >= 0)
    first = int(np.argmin(blind))
    return planned if first == 0 else _looks(planned, np.arange(first, planned.days.size))


def _with_news(setting: Setting, planned: Bounds) -> Bounds | str:
    """Leave out looks that know no row more than the one before and ask for as much: they stop nothing."""
    rows = setting.rows[planned.days - 1]
    repeated = (rows[1:] == rows[:-1]).all(axis=1)
    if not repeated.any():
        return planned
    stale = np.append(False, repeated)
    upper, lower = planned.upper, planned.lower
    more = np.append(False, (upper[1:] < upper[:-1]) | (lower[1:] > lower[:-1]))
    if np.any(stale & more) or planned.inner is not None:
        return "no exact value: a look knows no response more than the one before, and asks for less"
    return _looks(planned, np.flatnonzero(~stale))


def _looks(planned: Bounds, kept: np.ndarray) -> Bounds:
    inner = None if planned.inner is None else planned.inner[kept]
    return replace(planned, days=planned.days[kept], lower=planned.lower[kept], upper=planned.upper[kept], inner=inner)


def by_own_law(one: Strategy, setting: Setting, law: Law, money: Ledger) -> Exact | str:
    """Return the exact figures of a rule that no bounds on z describe, by its own law; or why there are none."""
    found = one.design.ending(setting, law)
    if isinstance(found, str):
        return found
    return _figures(_taken(setting, found.days - 1, money), *found.stops, False, law.delay, money)


@dataclass(frozen=True)
class _Taken:
    """What a test has taken where it ends: at each look, or at the last day without having stopped; shape (ends,).

    `units` is by arm; `every` and `rows` are of all arms; `cost` is that of all kinds in `kinds`, dollars.
    """

    units: np.ndarray
    every: np.ndarray
    ticks: np.ndarray
    rows: np.ndarray
    cost: np.ndarray
    kinds: dict[str, np.ndarray]


def _taken(setting: Setting, looks: np.ndarray, money: Ledger) -> _Taken:
    """Return what a test has taken that looks on these days (from 0)."""
    at = np.append(looks, setting.days - 1)
    units = (setting.units if setting.enrolled is None else setting.enrolled)[at]
    scored = (setting.rows if setting.scored is None else setting.scored)[at]
    spent = money.costs(units, scored)
    return _Taken(
        units,
        units.sum(axis=1),
        (at + 1).astype(float),
        scored.sum(axis=1),
        np.asarray(sum(spent.values())),
        {f"cost.{kind}": dollars for kind, dollars in spent.items()},
    )


def _figures(
    taken: _Taken, low: np.ndarray, idle: np.ndarray, high: np.ndarray, futility: bool, delay: int, money: Ledger
) -> Exact:
    """Return the figures of a test that ends with these probabilities at its looks."""
    stops = high + idle + low
    weights = np.append(stops, max(0.0, 1.0 - float(stops.sum())))
    launch, units = float(high.sum()), float(weights @ taken.every)
    values = {
        "rejection": launch if futility else float((high + low).sum()),
        "launch": launch,
        "units": units,
        "exposures": units * (money.exposures_per_unit if money.live else 0.0),
        "days": float(money.days(weights @ taken.ticks)) + delay,
        "rows": float(weights @ taken.rows),
        "cost": float(weights @ taken.cost),
        **{kind: float(weights @ dollars) for kind, dollars in taken.kinds.items()},
    }
    return Exact(values, taken.units, weights, high)


def why_not(scenario: Scenario, one: Strategy) -> str:
    """Return the reason why no effect and no traffic of this study has exact figures; empty if some may."""
    if one.design.drops:
        return ""
    if one.policy.adaptive:
        return "no exact value: the allocation adapts to the data"
    if len(scenario.variants) != 2:
        return "no exact value for more than two arms"
    return ""


def with_effect(scenario: Scenario, effect: float) -> Scenario:
    """Return a copy whose best variant has this effect over control, positive is better.

    Other variants that are better than control keep their share of it, so that without any effect none is.
    """
    tree = scenario.to_tree()
    best = 1 + int(scenario.effects[1:].argmax())
    own = float(scenario.effects[best])
    for arm, size in enumerate(scenario.effects):
        if arm == best or size > 0:
            share = 1.0 if arm == best else float(size) / own
            tree["variants"][arm]["mean"] = scenario.mean_at(share * effect)
    tree["metric"].pop("range", None)
    return Scenario.from_tree(tree, scenario.scenario.name)


def _crossing(variance: np.ndarray, planned: Bounds, difference: float, law: Law, rows: np.ndarray) -> Stops:
    """Return P(stop low), P(give up between inner bounds) and P(stop high) at each look.

    Shared raters cancel in the difference but not in the estimated variance, which therefore is too
    large by the spread of the raters' severities; that spread is averaged over its chi-square law.
    """
    information = variance[-1] / variance
    bounds = planned.lower, planned.upper, planned.inner
    if law.severity_sd == 0:
        return stops_between(information, *bounds, difference / math.sqrt(variance[-1]))
    found = np.zeros((3, planned.lower.size))
    for between, weight in severities(law):
        assumed = ((law.sds[0] ** 2 + between) / rows[-1]).sum()
        ratio = float(variance[-1] / assumed)
        found += weight * np.array(stops_between(information, *bounds, difference / float(np.sqrt(assumed)), ratio))
    return found[0], found[1], found[2]
