"""Offline, then online: the same comparison on a fixed prompt set and on live traffic, side by side."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from expsim_panel import engine, exact, plan
from expsim_panel.economics import ledger
from expsim_panel.errors import InputError, shown
from expsim_panel.evaluation_laws import measurers
from expsim_panel.offline_best import best_repeats
from expsim_panel.operating import proportion
from expsim_panel.quantities import percent
from expsim_panel.results import Figure
from expsim_panel.scenario import Scenario
from expsim_panel.study import Study

MODES = ("offline", "offline-unpaired", "online")
KINDS = ("judge", "human")
PROMPT_SHARE, INTERACTION_SHARE = 0.3, 0.2
"""Parts of the variance of a response that are assumed to be a prompt's, and a prompt's in one variant."""


@dataclass(frozen=True)
class Beside:
    """One way to measure in one mode, tested once at the end.

    Attributes
    ----------
    evaluator, mode : str
        ``judge``, ``human`` or ``hybrid``; one of `MODES`.
    per_variant : float
        Prompts, or live responses scored, of each variant.
    se, bias : float or None
        Standard error of the difference and its bias here, metric units, positive is better.
    power, type1_error : Figure
        Of the two-sided 5 % test, with the scenario's effect and without any; simulated, with the exact value.
    scores, labels, cost, days : float
        Over all variants; dollars with those of generating answers that nobody is shown.
    reason : str
        Why there is nothing.
    """

    evaluator: str
    mode: str
    per_variant: float
    se: float | None
    bias: float | None
    power: Figure
    type1_error: Figure
    scores: float
    labels: float
    cost: float
    days: float
    reason: str = ""


@dataclass(frozen=True)
class SideBySide:
    """Both modes by evaluator.

    Attributes
    ----------
    rows : tuple of Beside
        By evaluator and mode.
    worth : dict of float
        By evaluator: live responses per variant (side by side: comparisons) that say as much as one prompt that both
        variants answer.
    gain : dict of float
        By evaluator: variance with prompts of their own over that of paired ones; nothing side by side.
    best : dict of int
        Best number of ``judge calls`` (K, of scores), ``raters`` (r) and ``samples`` (m) of a prompt, for the money.
    assumed : tuple of str
        What the scenario does not say and was assumed.
    offline : dict
        The prompt set.
    budget : float
        Dollars for the same prompts in both variants, what writing them costs included.
    equal : tuple of Beside
        Judge, people and both, each on as many prompts as that buys; cost with that of writing prompts.
    """

    rows: tuple[Beside, ...]
    worth: dict[str, float]
    gain: dict[str, float]
    best: dict[str, int]
    assumed: tuple[str, ...]
    offline: dict[str, Any]
    budget: float = 0.0
    equal: tuple[Beside, ...] = ()


def offline_tree(scenario: Scenario, **changes: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return a scenario's tree with a prompt set, and what was assumed; `changes` are keys of ``[offline]``."""
    tree = scenario.to_tree()
    assumed: tuple[str, ...] = ()
    table = dict(tree.get("offline", {}))
    changes = {key: value for key, value in changes.items() if value is not None}
    if not table and not {"prompt_sd", "interaction_sd"} & set(changes):
        whole = 1.0 if scenario.family == "binary" else float(scenario.sds.min())
        parts = percent(PROMPT_SHARE, 0), percent(INTERACTION_SHARE, 0)
        assumed = (f"{parts[0]} of the variance between prompts, {parts[1]} a prompt's in one variant",)
        table = {"prompt_sd": PROMPT_SHARE**0.5 * whole, "interaction_sd": INTERACTION_SHARE**0.5 * whole}
        if scenario.side_by_side:
            table = {"interaction_sd": PROMPT_SHARE**0.5 * scenario.tie_model.luck_sd}
            assumed = (f"{parts[0]} of the variance of a difference is the prompt's",)
    tree["offline"] = {**table, **changes}
    for key in ("guardrails", "analysis", "strategies"):
        tree.pop(key, None)
    return tree, assumed


def side_by_side(
    scenario: Scenario,
    *,
    replicates: int = 20_000,
    seed: int = 1,
    prompt_cost: float = 0.0,
    budget: float | None = None,
    **changes: Any,
) -> SideBySide:
    """Compare judge and people on a prompt set, with the same prompts and with others, and on the live traffic.

    Parameters
    ----------
    replicates, seed : int
        Experiments simulated for each figure.
    prompt_cost : float
        Dollars for writing a prompt: what a further answer to the same prompt saves.
    budget : float, optional
        Dollars with which judge, people and both are compared; by default what people cost on this set.
    **changes
        Keys of ``[offline]``, such as ``prompts=300``; without that table its spreads are assumed.

    Raises
    ------
    InputError
        No judge or no people in the scenario, or what a prompt set cannot have.
    """
    if isinstance(replicates, bool) or not 100 <= replicates <= 1_000_000:
        raise InputError("offline", "--replicates", f"{shown(replicates)} replicates", "give 100 to 1,000,000")
    if isinstance(seed, bool) or seed < 0:
        raise InputError("offline", "--seed", f"{shown(seed)}", "give 0 or a larger whole number")
    if not (math.isfinite(prompt_cost) and prompt_cost >= 0):
        raise InputError("offline", "--prompt-cost", f"{shown(prompt_cost)} dollars", "give 0 or more")
    if budget is not None and not (math.isfinite(budget) and budget > 0):
        raise InputError("offline", "--budget", f"{shown(budget)} dollars", "give dollars above 0")
    judge, human = measurers(scenario)
    tree, assumed = offline_tree(scenario, **changes)
    where = scenario.scenario.name
    # What is wrong with the prompt set itself is wrong whoever measures.
    Scenario.from_tree({**tree, "evaluator": {"kind": "truth"}}, where)
    rows, worth, gain = [], {}, {}
    for kind, one in zip(KINDS, (judge, human), strict=True):
        found: dict[str, Beside] = {}
        variances: dict[str, float] = {}
        # A comparison is on one prompt: there are no prompts of a variant's own.
        for mode in [mode for mode in MODES if mode != "offline-unpaired" or not scenario.side_by_side]:
            made = copy.deepcopy(tree)
            made["evaluator"] = one.to_tree()
            if mode == "online":
                del made["offline"]
                if "analysis" in scenario.to_tree():
                    made["analysis"] = scenario.to_tree()["analysis"]
            else:
                made["offline"]["paired"] = mode == "offline"
            found[mode], variances[mode] = play(made, kind, mode, where, replicates, seed)
        rows += list(found.values())
        if all(math.isfinite(v) and v > 0 for v in variances.values()):
            worth[kind] = variances["online"] / variances["offline"]
            if "offline-unpaired" in variances:
                gain[kind] = variances["offline-unpaired"] / variances["offline"]
    example = Scenario.from_tree({**tree, "evaluator": {"kind": "truth"}}, where)
    best = best_repeats(example, judge, human, prompt_cost)
    people = next(one for one in rows if one.evaluator == "human" and one.mode == "offline")
    money = budget or people.cost + prompt_cost * int(example.offline.prompts)
    from expsim_panel.offline_budget import at_equal_budget

    equal = at_equal_budget(tree, judge, human, money, prompt_cost, where, replicates, seed) if money > 0 else ()
    return SideBySide(tuple(rows), worth, gain, best, assumed, example.offline.to_tree(), money, equal)


def play(tree: dict[str, Any], kind: str, mode: str, where: str, replicates: int, seed: int) -> tuple[Beside, float]:
    """Return one row, and the variance of the difference times what each variant has."""
    nothing = Figure(None, reason="not played")
    try:
        study = Study.from_tree(tree, where, names=["fixed-horizon"])
    except InputError as error:
        reason = f"{error.key}: {error.problem}"
        return Beside(kind, mode, 0.0, None, None, nothing, nothing, 0.0, 0.0, 0.0, 0.0, reason), math.nan
    scenario, money = study.scenario, ledger(study.scenario)
    law, planned = plan.law(scenario, "truth", 0, 0, 1), plan.schedule(scenario)
    best = 1 + int(scenario.effects[1:].argmax())
    figures = {}
    one = study.strategies[0]
    found = engine.played(study, "truth", replicates=replicates, seed=seed)[one.name]
    null = engine.played(study, "null", replicates=replicates, seed=seed)[one.name]
    for world, out in (("truth", found), ("null", null)):
        known = exact.operating(scenario, one, world, money)
        value = known.values["rejection"] if isinstance(known, exact.Exact) else None
        figures[world] = proportion(out.code != 0, value)
    rows = planned.scored[-1].astype(float)
    own = law.kind.variances(rows[:1])
    if own is not None and best == 1:
        variance = float(own[0][0])
    else:
        variance = float((law.sds[0, [0, best]] ** 2 / rows[[0, best]]).sum())
    if law.severity_sd and not law.shared:
        variance += 2 * law.severity_sd**2 / max(law.raters, 1)
    units = planned.units[-1:].astype(float)
    per_variant = float(units[0, best]) if scenario.offline is not None else float(rows[best])
    scored = float(rows.sum()) * money.scored_per_row
    spent = money.costs(units, rows[None])
    cost = float(sum(v[0] for name, v in spent.items() if scenario.offline is not None or name in ("judge", "human")))
    ticks = len(planned.arrivals)
    days = float(money.days(float(ticks)))
    if scenario.offline is None:
        days += float(money.waiting_days(np.array([ticks]), np.array([rows.sum()]))[0]) + scenario.delay_days
    bias = float(law.means[0, best] - law.means[0, 0] - law.effects[0, best])
    made = Beside(
        kind, mode, per_variant, math.sqrt(variance), bias,
        figures["truth"], figures["null"], scored * money.responses["judge"], scored * money.responses["human"],
        cost, days,
    )  # fmt: skip
    return made, variance * per_variant
