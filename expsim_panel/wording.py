"""Sentences: what a verdict and an advice say in plain language. Numbers come in, decisions do not."""

from __future__ import annotations

import math
from dataclasses import dataclass

from expsim_panel import wording_evidence
from expsim_panel.evidence import Evidence
from expsim_panel.quantities import count, effect, money, percent
from expsim_panel.recommend import ACTIONS, COLLECT, KEEP, LAUNCH, Findings, Known
from expsim_panel.results import Figure, Verdict
from expsim_panel.standing import Standing


@dataclass(frozen=True)
class _Case:
    """One experiment's verdict, ready to be put into words."""

    facts: Known
    control: str
    name: str
    shows: str
    upper: float | None
    point: float
    se: float
    extra: float
    more: int
    price: float | None
    unpaid: bool
    risky: bool
    chosen: Evidence | None
    offered: tuple[Evidence, ...]

    def size(self, value: float, signed: bool = True) -> str:
        """Format an effect of this metric."""
        rate = self.facts.binary or self.facts.side_by_side
        return effect(value, "binary" if rate else "normal", signed)


def verdict(
    facts: Known,
    found: Findings,
    strategy: str,
    level: float,
    z: float,
    metric: str,
    payee: str,
    offered: tuple[Evidence, ...] = (),
    standing: Standing | None = None,
) -> Verdict:
    """Put the verdict of one experiment (entry 0 of `found`) into words.

    Parameters
    ----------
    facts : Known
        Everything known besides the data.
    found : Findings
        The decision and its numbers.
    level, z : float
        Level of the interval and its normal quantile.
    metric, payee : str
        Name of the metric; who was paid for scoring.
    offered : tuple of Evidence
        What more data of each source would be worth.
    standing : Standing, optional
        Wins, ties and losses of that variant, side by side.
    """
    action, arm = int(found.action[0]), int(found.arm[0])
    point, se = float(found.effect[0]), float(found.se[0])
    defined = point == point and se == se
    interval = (point - z * se, point + z * se) if defined else None
    distrusted = bool(found.distrusted[0])
    more = int(found.more[0]) if action == COLLECT else 0
    priced = action == COLLECT and not (distrusted and facts.who.human is None)
    chosen = offered[int(found.source[0])] if priced and offered else None
    case = _Case(
        facts,
        facts.names[0],
        facts.names[arm],
        "",
        interval[1] if interval else None,
        point,
        se,
        1000 * float(facts.money.handicap[arm]),
        more,
        chosen.cost if chosen else None,
        bool(found.unpaid[0]),
        bool(found.risky[0]),
        chosen,
        offered,
    )
    shows = "too few scored responses for an estimate"
    if interval:
        low, high = sorted(facts.sign * end for end in interval)
        ends = f"{case.size(low)} to {case.size(high)}"
        what = f"{metric}, net win rate" if facts.side_by_side else metric
        counted = f"; {standing.words()}" if standing else ""
        shows = f"{case.size(facts.sign * point)} {what} ({percent(level, 0)} interval {ends}{counted})"
    case = _Case(**{**case.__dict__, "shows": shows})
    if action == LAUNCH:
        sentence, reasons = _launch(case)
    elif action == KEEP:
        sentence, reasons = _keep(case)
    elif action == COLLECT:
        sentence, reasons = _labels(case) if distrusted and chosen is None else _collect(case, distrusted)
    elif distrusted:
        sentence = (
            f"Inconclusive: the judge sees {shows} for {case.name}, which its own bias could explain, and at these "
            "stakes labels are not worth their price."
        )
        reasons = [_bar(case), *wording_evidence.compared(offered)]
    else:
        sentence = f"Inconclusive: {case.name} shows {shows}, and at these stakes no more data is worth its price."
        reasons = wording_evidence.compared(offered)
    if found.unconfirmed[0]:
        reasons.insert(
            0,
            f"The rule names {case.name} from pooled means, which moving traffic biases; the estimate that reckons "
            "with it does not exclude zero.",
        )
    if payee == "judge" and facts.suspected_bias and not distrusted and action != KEEP:
        bias = case.size(2 * facts.suspected_bias, False)
        reasons.append(f"Only a judge was asked: up to {bias} of a difference could be its own bias.")
    return Verdict(
        ACTIONS[action],
        case.control if action == KEEP else case.name,
        strategy,
        point if defined else None,
        interval,
        more if action == COLLECT else None,
        case.price if action == COLLECT else None,
        sentence,
        tuple(reasons),
        evidence=offered,
        standing=standing,
    )


def _launch(case: _Case) -> tuple[str, list[str]]:
    worth = money(1000 * case.facts.money.value_per_point * case.point)
    reasons = []
    if case.extra > 0:
        reasons.append(f"It costs {money(case.extra)} more per 1,000 responses; the gain is worth {worth}.")
    elif case.extra < 0:
        reasons.append(f"It also saves {money(-case.extra)} per 1,000 responses.")
    reasons.append("The estimate of a winner is on average a little too high (winner's curse).")
    return f"Launch {case.name}. It shows {case.shows}.", reasons


def _keep(case: _Case) -> tuple[str, list[str]]:
    if case.unpaid:
        reason = f"The gain is real but worth less than its price, {money(case.extra)} per 1,000 responses."
    elif case.risky:
        worth = money(1000 * case.facts.money.value_per_point * case.point - case.extra)
        reason = (
            f"The gain is real, but worth only {worth} per 1,000 responses after its price: less than what breaches "
            "of its guardrails are expected to cost."
        )
    elif case.upper is not None and case.upper < case.facts.indifference:
        least = case.size(case.facts.indifference)
        reason = f"A gain of {least} or more, the smallest that matters, is ruled out."
    elif case.point > 0:
        # Bounds of futility, a test before the horizon and dropped variants all end without a finding.
        reason = "The planned rule has ended without finding a gain."
    else:
        reason = f"The data speak for {case.control}."
    return f"Keep {case.control}: {case.name} shows {case.shows}.", [reason]


def _labels(case: _Case) -> tuple[str, list[str]]:
    """Ask for labels whose price nobody has told."""
    sentence = f"Collect {count(case.more)} human labels before launching {case.name}."
    unknown = "What they cost is not known: the scenario has no [evaluators.human] with a price_per_label."
    if not case.facts.money.live:
        unknown = (
            "Labels are not priced on a prompt set that a judge reads: play it with people, or see expsim offline."
        )
    return f"{sentence} The judge sees {case.shows}, which its own bias could explain.", [_bar(case), unknown]


def _bar(case: _Case) -> str:
    """Say the rule for launching on a judge's word alone, and why (MODEL section 6)."""
    bias = case.facts.suspected_bias
    bar = case.size(2 * math.hypot(case.se, bias), False)
    return (
        f"Judges like this one favour one variant by {case.size(bias, False)} (SD), and no number of judged responses "
        f"removes that: on a judge's word alone launch only beyond {bar}, twice its noise and its likely bias together."
    )


def _collect(case: _Case, distrusted: bool) -> tuple[str, list[str]]:
    """Name what to collect, of whom, for how many dollars and days."""
    assert case.chosen is not None
    what = wording_evidence.request(case.chosen, case.more, case.facts.who.own, case.facts.money.live)
    if case.facts.side_by_side:
        what = what.replace("responses", "comparisons")
    if distrusted:
        why = f"before launching {case.name}. The judge sees {case.shows}, which its own bias could explain."
        sentence, reasons = f"{what} {why}", [_bar(case)]
    else:
        sentence, reasons = f"{what}: {case.name} shows {case.shows}, and more data is worth its price.", []
    return sentence, [
        *reasons,
        wording_evidence.price(case.chosen, case.facts.money.live),
        *wording_evidence.compared(case.offered),
    ]


def advice(
    name: str, dropped: list[str], losses: dict[str, Figure], alarms: dict[str, Figure], seen: dict[str, Figure]
) -> tuple[str, tuple[str, ...]]:
    """Put the design advice into words.

    Parameters
    ----------
    name, dropped : str, list of str
        The advised strategy; those that raise more false alarms than they may.
    losses, alarms, seen : dict of Figure
        By strategy: expected loss; type I error under a perfect evaluator, and under the study's own.
    """
    loss = losses[name]
    # An error has no more decimals than what it is of.
    whole = (loss.value or 0.0) >= 100 and (loss.se or 0.0) >= 1
    error = money(loss.se) if not whole else f"${count(loss.se)}"
    cost = f"{money(loss.value)} (± {error}) per experiment"
    rank = "loses least," if len(losses) > 1 else "loses"
    sentence = f"Run {name}: over the effects this team expects it {rank} {cost}, learning and scoring included."
    reasons = []
    others = [other for other in losses if other != name and other not in dropped]
    if others:
        second = min(others, key=lambda other: losses[other].value or 0.0)
        gap = (losses[second].value or 0.0) - (losses[name].value or 0.0)
        # All strategies play the same worlds, so that the error of the difference is smaller than this.
        near = gap <= 2 * math.hypot(losses[second].se or 0.0, losses[name].se or 0.0)
        level = ": a difference that may be simulation error" if near else ""
        reasons.append(f"Next best: {second} with {money(losses[second].value)}{level}.")
    for other in dropped:
        rate, here = percent(alarms[other].value), percent(seen[other].value)
        with_own = f" ({here} with this evaluator)" if here != rate else ""
        perfect = " even with a perfect evaluator" if with_own else ""
        reasons.append(
            f"Not {other}: where there is no difference, it raises a false alarm in {rate} of experiments"
            f"{perfect}{with_own}."
        )
    fair, own = alarms[name], seen[name]
    apart = 3 * math.hypot(fair.se or 0.0, own.se or 0.0)
    if fair.value is not None and own.value is not None and abs(own.value - fair.value) > apart:
        reasons.append(
            f"The false alarms of {name}: {percent(fair.value)} with a perfect evaluator, "
            f"{percent(own.value)} with this one."
        )
    return sentence, tuple(reasons)
