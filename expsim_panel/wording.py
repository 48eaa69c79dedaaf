"""Sentences: what a verdict and an advice say in plain language. Numbers come in, decisions do not."""

from __future__ import annotations

import math
from dataclasses import dataclass

from expsim_panel.quantities import count, days, effect, money, percent
from expsim_panel.recommend import ACTIONS, COLLECT, KEEP, LAUNCH, Findings, Known
from expsim_panel.results import Figure, Verdict


@dataclass(frozen=True)
class _Case:
    """One experiment's verdict, ready to be put into words."""

    facts: Known
    control: str
    name: str
    shows: str
    upper: float | None
    point: float
    extra: float
    more: int
    price: float | None
    unpaid: bool

    def size(self, value: float, signed: bool = True) -> str:
        """Format an effect of this metric."""
        return effect(value, "binary" if self.facts.binary else "normal", signed)


def verdict(facts: Known, found: Findings, strategy: str, level: float, z: float, metric: str, payee: str) -> Verdict:
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
    """
    action, arm = int(found.action[0]), int(found.arm[0])
    point, se = float(found.effect[0]), float(found.se[0])
    defined = point == point and se == se
    interval = (point - z * se, point + z * se) if defined else None
    distrusted = bool(found.distrusted[0])
    more = int(found.more[0]) if action == COLLECT else 0
    # Human labels have a price of their own, or none that the scenario knows: never the judge's.
    per_unit = facts.label_price if distrusted else facts.money.per_row * facts.coverage
    case = _Case(
        facts,
        facts.names[0],
        facts.names[arm],
        "",
        interval[1] if interval else None,
        point,
        1000 * float(facts.money.handicap[arm]),
        more,
        None if per_unit is None else more * per_unit,
        bool(found.unpaid[0]),
    )
    shows = "too few scored responses for an estimate"
    if interval:
        low, high = sorted(facts.sign * end for end in interval)
        ends = f"{case.size(low)} to {case.size(high)}"
        shows = f"{case.size(facts.sign * point)} {metric} ({percent(level, 0)} interval {ends})"
    case = _Case(**{**case.__dict__, "shows": shows})
    if action == LAUNCH:
        sentence, reasons = _launch(case)
    elif action == KEEP:
        sentence, reasons = _keep(case)
    elif action == COLLECT:
        sentence, reasons = _labels(case) if distrusted else _collect(case)
    else:
        sentence = f"Inconclusive: {case.name} shows {shows}, and at these stakes no more data is worth its price."
        reasons = []
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
    elif case.upper is not None and case.upper < case.facts.indifference:
        least = case.size(case.facts.indifference)
        reason = f"A gain of {least} or more, the smallest that matters, is ruled out."
    elif case.point > 0:
        reason = "Going on would hardly find a gain."
    else:
        reason = f"The data speak for {case.control}."
    return f"Keep {case.control}: {case.name} shows {case.shows}.", [reason]


def _labels(case: _Case) -> tuple[str, list[str]]:
    sentence = f"Collect {count(case.more)} human labels before launching {case.name}."
    bias = case.size(case.facts.suspected_bias, False)
    reasons = [f"Judges like this one favour one variant by {bias} (SD); no number of judged responses removes that."]
    if case.price:
        reasons.append(f"The labels cost about {money(case.price)}.")
    elif case.price is None:
        reasons.append("What they cost is not known: the scenario has no price_per_label in [evaluators.human].")
    return f"{sentence} The judge sees {case.shows}, which its own bias could explain.", reasons


def _collect(case: _Case) -> tuple[str, list[str]]:
    sentence = (
        f"Collect {count(case.more)} more units: {case.name} shows {case.shows}, and more data is worth its price."
    )
    longer = days(-(-case.more // case.facts.units_per_day))
    reason = f"At the present traffic that takes {longer} more"
    return sentence, [f"{reason} and {money(case.price)} for scoring." if case.price else f"{reason}."]


def advice(
    name: str, dropped: list[str], losses: dict[str, Figure], alarms: dict[str, Figure], truthful: bool
) -> tuple[str, tuple[str, ...]]:
    """Put the design advice into words."""
    loss = losses[name]
    cost = f"{money(loss.value)} (± {money(loss.se)}) per experiment"
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
        alarm = percent(alarms[other].value)
        reasons.append(f"Not {other}: where there is no difference, it still raises a false alarm {alarm} of the time.")
    if dropped and not truthful:
        reasons.append("These false alarms assume a perfect evaluator; its own bias comes on top in every strategy.")
    return sentence, tuple(reasons)
