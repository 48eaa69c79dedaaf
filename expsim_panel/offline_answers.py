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
from expsim_panel.evaluators.human import Human
from expsim_panel.evaluators.judge import Judge
from expsim_panel.measurement_design import Components
from expsim_panel.offline_laws import PromptRows
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
        ``judge`` or ``human``; one of `MODES`.
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
        By evaluator: live responses per variant that say as much as one prompt that both variants answer.
    gain : dict of float
        By evaluator: variance with prompts of their own over that of paired ones.
    best : dict of int
        Best number of ``judge calls`` (K), ``raters`` (r) and ``samples`` (m) of a prompt, for the money.
    assumed : tuple of str
        What the scenario does not say and was assumed.
    offline : dict
        The prompt set.
    """

    rows: tuple[Beside, ...]
    worth: dict[str, float]
    gain: dict[str, float]
    best: dict[str, int]
    assumed: tuple[str, ...]
    offline: dict[str, Any]


def offline_tree(scenario: Scenario, **changes: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return a scenario's tree with a prompt set, and what was assumed; `changes` are keys of ``[offline]``."""
    tree = scenario.to_tree()
    assumed: tuple[str, ...] = ()
    table = dict(tree.get("offline", {}))
    changes = {key: value for key, value in changes.items() if value is not None}
    if not table and not {"prompt_sd", "interaction_sd"} & set(changes):
        whole = 1.0 if scenario.family == "binary" else float(scenario.sds.min())
        table = {"prompt_sd": PROMPT_SHARE**0.5 * whole, "interaction_sd": INTERACTION_SHARE**0.5 * whole}
        parts = percent(PROMPT_SHARE, 0), percent(INTERACTION_SHARE, 0)
        assumed = (f"{parts[0]} of the variance between prompts, {parts[1]} a prompt's in one variant",)
    tree["offline"] = {**table, **changes}
    for key in ("guardrails", "analysis", "strategies"):
        tree.pop(key, None)
    return tree, assumed


def side_by_side(
    scenario: Scenario, *, replicates: int = 20_000, seed: int = 1, prompt_cost: float = 0.0, **changes: Any
) -> SideBySide:
    """Compare judge and people on a prompt set, with the same prompts and with others, and on the live traffic.

    Parameters
    ----------
    replicates, seed : int
        Experiments simulated for each figure.
    prompt_cost : float
        Dollars for writing a prompt: what a further answer to the same prompt saves.
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
    judge, human = measurers(scenario)
    tree, assumed = offline_tree(scenario, **changes)
    where = scenario.scenario.name
    # What is wrong with the prompt set itself is wrong whoever measures.
    Scenario.from_tree({**tree, "evaluator": {"kind": "truth"}}, where)
    rows, worth, gain = [], {}, {}
    for kind, one in zip(KINDS, (judge, human), strict=True):
        found: dict[str, Beside] = {}
        variances: dict[str, float] = {}
        for mode in MODES:
            made = copy.deepcopy(tree)
            made["evaluator"] = one.to_tree()
            if mode == "online":
                del made["offline"]
                if "analysis" in scenario.to_tree():
                    made["analysis"] = scenario.to_tree()["analysis"]
            else:
                made["offline"]["paired"] = mode == "offline"
            found[mode], variances[mode] = _play(made, kind, mode, where, replicates, seed)
        rows += list(found.values())
        if all(math.isfinite(v) and v > 0 for v in variances.values()):
            worth[kind] = variances["online"] / variances["offline"]
            gain[kind] = variances["offline-unpaired"] / variances["offline"]
    example = Scenario.from_tree({**tree, "evaluator": {"kind": "truth"}}, where)
    best = best_repeats(example, judge, human, prompt_cost)
    return SideBySide(tuple(rows), worth, gain, best, assumed, example.offline.to_tree())


def _play(tree: dict[str, Any], kind: str, mode: str, where: str, replicates: int, seed: int) -> tuple[Beside, float]:
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
    if isinstance(law.labelled, PromptRows) and best == 1:
        variance = float(law.labelled.variances(rows[:1])[0][0])
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
        days += float(money.waiting_days(np.array([ticks]), np.array([rows.sum()]))[0])
    bias = float(law.means[0, best] - law.means[0, 0] - law.effects[0, best])
    made = Beside(
        kind, mode, per_variant, math.sqrt(variance), bias,
        figures["truth"], figures["null"], scored * money.responses["judge"], scored * money.responses["human"],
        cost, days,
    )  # fmt: skip
    return made, variance * per_variant


def best_repeats(scenario: Scenario, judge: Judge, human: Human, prompt_cost: float = 0.0) -> dict[str, int]:
    """Return the best number of judge calls of an answer, raters of a prompt and answers to a prompt, for the money.

    ``K* = sqrt((c_item / c_call) s_r^2 / (b^2 (s_g^2 + s_o^2) + s_w^2))`` for one answer, the same form for raters and
    answers (MODEL section 3.1); a prompt that is not paired adds ``b^2 s_p^2 + s_i^2``. Scores only.
    """
    if scenario.family == "binary":
        return {}
    table = scenario.offline
    sample = max(float(np.mean(scenario.sds**2)) - table.given(), 0.0)
    parts = Components(
        prompt=math.sqrt(table.shared()), interaction=math.hypot(table.interaction_sd, table.topic_interaction_sd),
        sample=math.sqrt(sample), severity=float(human.severity_sd), noise=math.sqrt(human.noise_variance()),
        scale=float(judge.scale), item=float(judge.item_sd), item_variant=float(judge.item_variant_sd),
        repeat=float(judge.repeat_sd),
    )  # fmt: skip
    generation = float(np.mean(ledger(scenario).generation))
    call, label = judge.usd_per_row() / judge.repeats, float(human.price_per_label)
    paired, made = bool(table.paired), {}
    if call > 0:
        made["judge calls"] = parts.optimal_repeats(generation, call, paired)
    if label > 0:
        made["raters"] = parts.optimal_raters(generation, label, paired)
    if generation + call > 0:
        made["samples"] = parts.optimal_samples(
            prompt_cost, generation + call * judge.repeats, int(judge.repeats), paired
        )
    return made
