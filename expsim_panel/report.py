"""Assemble a Result: figures of every world, verdicts, advice."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np

from expsim_panel import (
    exact,
    guardrail_costs,
    guardrail_figures,
    guardrail_play,
    guardrail_verdict,
    operating,
    plan,
    recommend,
    sample_ratio,
    trade_offs,
    wording,
    wording_evidence,
)
from expsim_panel.economics import Ledger, ledger
from expsim_panel.estimate_figures import LATER
from expsim_panel.evidence import Evidence, of_one
from expsim_panel.kernels.special import norm_ppf
from expsim_panel.kernels.streams import BLOCK
from expsim_panel.results import SIMULATED, Advice, Figure, Outcomes, Result, StrategyResult, Trace, Verdict
from expsim_panel.scenario import Scenario
from expsim_panel.standing import standing
from expsim_panel.strategy import Strategy
from expsim_panel.study import Request, Study

ORDER = (
    "power", "type1_error", "type1_error_unbiased", "false_launch", "p_correct", "p_harmful_launch",
    "p_suboptimal_launch", "p_missed_win", "p_inconclusive", "units", "exposures", "judged", "labelled",
    "rater_hours", "days", "waiting_days", "calendar_days", "cost", "cost.generation", "cost.judge", "cost.human",
    "cost.latency", "cost_per_correct", "regret", "simple_regret", "traffic_on_worse_arms", "exaggeration", "coverage",
    "exaggeration_adjusted", "exaggeration_shrunk", "coverage_adjusted",
)  # fmt: skip
"""Order of the operating characteristics in tables and files."""


def summarise(
    request: Request,
    study: Study,
    worlds: dict[str, dict[str, Outcomes]],
    traces: dict[str, Trace],
    seconds: float,
    known: dict[tuple[str, str], exact.Exact | str],
    verdicts: dict[str, Verdict] | None = None,
) -> Result:
    """Return the Result of the outcomes in `worlds` (strategy -> world -> arrays).

    `known` holds exact figures by (strategy, world) that are known already; it may be empty. A partial result makes
    no others. `verdicts` keeps those of the traces for the whole result.
    """
    scenario = study.scenario
    money = ledger(scenario)
    facts = recommend.known(scenario)
    whole = all(out.code.size == request.replicates for made in worlds.values() for out in made.values())
    some = next(iter(worlds.values()))
    rails = guardrail_play.play(scenario, request.seed, worlds)
    truths = {world: effects_in(request, scenario, world, out.code.size) for world, out in some.items()}

    said = {} if verdicts is None else verdicts

    def reported(one: Strategy) -> tuple[StrategyResult, Figure]:
        mine = worlds[one.name]
        by_world = {}
        for world, out in mine.items():
            played = operating.Played(scenario, one, money, out, truths[world], rails.get((one.name, world)))
            by_world[world] = _world(played, world, known, whole)
        guards = {world: rails[one.name, world] for world in ("truth", "null") if rails}
        shown = traces[one.name]
        if one.name not in said:
            said[one.name] = verdict_of(scenario, one, shown, facts=facts)
        found = _strategy(scenario, one, mine, by_world, shown, said[one.name], facts, money, guards, known, whole)
        return found, by_world["prior"]["loss"]

    # NumPy and the kernels let go of the interpreter; no figure depends on another strategy's. What a partial result
    # takes is mostly Python, and blocks are played meanwhile.
    with ThreadPoolExecutor(min(os.cpu_count() or 1, len(study.strategies)) if whole else 1) as pool:
        made = list(pool.map(reported, study.strategies))
    done = [found for found, _ in made]
    losses = {found.name: loss for found, loss in made}
    alarms = {one.name: one.figures["type1_error_unbiased"] for one in done}
    names = [one.name for one in done]
    claims = [one.strategy.design.nominal_alpha() for one in done]
    name, dropped = recommend.choose(names, [losses[n] for n in names], [alarms[n] for n in names], claims)
    seen = {one.name: one.figures["type1_error"] for one in done}
    sentence, reasons = wording.advice(name, dropped, losses, alarms, seen)
    replicates = done[0].worlds["truth"].code.size
    return Result(request, replicates, tuple(done), Advice(name, sentence, reasons, losses), seconds)


def effects_in(request: Request, scenario: Scenario, world: str, size: int) -> np.ndarray:
    """Return the true effects, shape (1 or size, arms): one row where all replicates share the truth."""
    if world != "prior":
        return plan.law(scenario, world, request.seed, 0, 1).effects
    blocks = [plan.law(scenario, world, request.seed, i, BLOCK).effects for i in range(-(-size // BLOCK))]
    return np.concatenate(blocks)[:size]


def _world(
    played: operating.Played, world: str, kept: dict[tuple[str, str], exact.Exact | str], whole: bool
) -> dict[str, Figure]:
    """Return the figures that the report needs of a world: all of them for the truth and its null twin."""
    if world == "prior":
        return {"loss": operating.loss(operating.endings(played))}
    key = (played.one.name, world)
    known = kept.get(key, LATER)
    if whole and key not in kept:
        known = kept[key] = exact.operating(played.scenario, played.one, world, played.money)
    if world == "unbiased":
        return operating.alarms(played.out, known.values if isinstance(known, exact.Exact) else {})
    return operating.figures(played, known, whole)


def _strategy(
    scenario: Scenario,
    one: Strategy,
    mine: dict[str, Outcomes],
    by_world: dict[str, dict[str, Figure]],
    shown: Trace,
    verdict: Verdict,
    facts: recommend.Known,
    money: Ledger,
    guards: dict[str, guardrail_play.Guards],
    known: dict[tuple[str, str], exact.Exact | str],
    whole: bool,
) -> StrategyResult:
    truth, null = by_world["truth"], by_world["null"]
    alarms = {
        "type1_error": null["rejection"],
        "type1_error_unbiased": by_world.get("unbiased", null)["rejection"],
        "false_launch": null["launch"],
    }
    power = truth["rejection"] if scenario.effects.max() > 0 else operating.blank("no variant is truly better")
    if power.value is not None and len(scenario.variants) > 2:
        code = mine["truth"].code
        law = known.get((one.name, "truth"))
        better = law.values.get("power") if isinstance(law, exact.Exact) else None
        power = operating.proportion((code > 0) & (scenario.effects[np.maximum(code, 0)] > 0), better)
    absent = operating.blank("in the null twin no variant is truly better")
    guarded = None
    if guards:
        laws = {world: known[one.name, world] if whole else LATER for world in guards}
        guarded = guardrail_figures.summarise(scenario, one, money, mine, guards, laws)
    why = {world: known.get((one.name, world)) for world in ("truth", "null")}
    return StrategyResult(
        one,
        mine,
        _simulated(_ordered({**truth, "power": power, **alarms}), why["truth"]),
        _simulated(_ordered({**null, "power": absent, **alarms}), why["null"]),
        shown,
        verdict,
        _wordings(scenario, facts, one, mine["truth"], money, guards.get("truth")),
        guarded,
    )


def _simulated(found: dict[str, Figure], known: exact.Exact | str | None) -> dict[str, Figure]:
    """Let figures without an exact value say that they are simulated, and why."""
    why = known if isinstance(known, str) else "no exact value of this figure"
    return {
        name: replace(one, reason=f"{SIMULATED}: {why}")
        if one.exact is None and one.value is not None and one.reason is None
        else one
        for name, one in found.items()
    }


_SIMULATED = object()
"""The split of a simulated experiment, which its trace gives."""


def verdict_of(
    scenario: Scenario,
    one: Strategy,
    shown: Trace,
    ratio: object | None = _SIMULATED,
    facts: recommend.Known | None = None,
) -> Verdict:
    """Return what one experiment says, from its data and what is known besides: never from the truth.

    Parameters
    ----------
    ratio : SampleRatio or None, optional
        The check of the split where the data know it better than the trace does.
    facts : Known, optional
        What is known besides the data, where it has been gathered already.
    """
    facts, level = facts or recommend.known(scenario), one.design.level()
    out = recommend.of_trace(shown)
    risk = guardrail_costs.expected_penalty(scenario.guardrails, shown.readings, len(facts.names))
    promised = one.design.error_claim != "none"
    found = recommend.judge(facts, level, out, risk=risk[None], promised=promised)
    offered: tuple[Evidence, ...] = ()
    if np.isfinite(found.effect[0]) and np.isfinite(found.se[0]):
        seen = operating.estimates(out, facts.counts)
        offered = of_one(recommend.evidence(facts, seen, out, found.arm, np.array([0]), found.risk))
    z = norm_ppf(0.5 + level / 2)
    fares = standing(scenario, shown.state[-1], int(found.arm[0])) if scenario.side_by_side else None
    said = wording.verdict(facts, found, one.name, level, z, scenario.metric.name, facts.money.payee, offered, fares)
    if ratio is _SIMULATED:
        ratio = sample_ratio.of_trace(scenario, one, shown)
    assert ratio is None or isinstance(ratio, sample_ratio.SampleRatio)
    checks = guardrail_verdict.checks(scenario.guardrails, facts.names, shown.readings)
    arm = facts.names[int(found.arm[0])]
    # Where control stays for another reason, what a launch would cost explains nothing.
    costs = guardrail_verdict.expected_costs(checks, arm)
    at_risk = (costs,) if costs and (said.action != "keep" or found.risky[0]) else ()
    # Where nothing was measured at all, the verdict is of the metric alone, and its caller says so.
    if any(each is not None for each in shown.readings):
        said = guardrail_verdict.joint(
            said, checks, arm, shown.code > 0, facts, scenario.guardrails, bool(found.risky[0])
        )
    else:
        said = replace(said, guardrails=checks)
    warnings = (ratio.warning(),) if ratio is not None and ratio.alarm else ()
    spread = trade_offs.of_data(scenario, facts, out, risk)
    together = (wording_evidence.trade_off(spread),) if spread is not None else ()
    reasons = (*warnings, *said.reasons, *at_risk, *together)
    worth = None
    if np.isfinite(found.effect[0]):
        gain = facts.money.value_per_point * found.effect[0] - facts.money.handicap[found.arm[0]]
        worth = float(gain - found.risk[0])
    return replace(
        said, reasons=reasons, sample_ratio=ratio, trade_off=spread, expected_penalty=float(found.risk[0]),
        net_value=worth,
    )  # fmt: skip


def _ordered(found: dict[str, Figure]) -> dict[str, Figure]:
    return {name: found[name] for name in ORDER}


def _wordings(
    scenario: Scenario, facts: recommend.Known, one: Strategy, out: Outcomes, money: Ledger,
    guards: guardrail_play.Guards | None = None,
) -> dict[str, dict[str, Figure]]:  # fmt: skip
    """Give every replicate its verdict; report each wording's share and how often it was right."""
    risk = guards.risk if guards is not None else None
    level, promised = one.design.level(), one.design.error_claim != "none"
    found = recommend.judge(facts, level, out, amounts=False, risk=risk, promised=promised)
    value = money.net_value(scenario.effects)
    eps = money.value_per_point * scenario.scenario.indifference
    said, allowed = found.action, np.ones(value.size, bool)
    if guards is not None:
        codes = guards.codes[np.arange(said.size), :, found.arm - 1]
        kinds = {name: index for index, name in enumerate(recommend.ACTIONS)}
        said = guardrail_verdict.worded(said, out.code > 0, codes, kinds, value.size, found.risky)
        value, allowed = value - guards.penalty, ~guards.breached
    launched = said == recommend.LAUNCH
    gained = np.where(launched, value[found.arm], 0.0)
    right = (gained >= value[allowed].max() - eps) & ~(launched & ~allowed[found.arm])
    table = {}
    for index, action in enumerate(recommend.ACTIONS):
        given = said == index
        share = operating.proportion(given)
        if index not in (recommend.LAUNCH, recommend.KEEP):
            correct = operating.blank("names no arm, so it is neither right nor wrong")
        elif given.sum() < operating.MIN_EVENTS:
            correct = operating.blank(f"fewer than {operating.MIN_EVENTS} such verdicts")
        else:
            correct = operating.proportion(right[given])
        table[action] = {"share": share, "right": correct}
    return table
