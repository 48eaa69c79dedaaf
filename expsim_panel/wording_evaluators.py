"""Sentences about LLM judge, people and both, before any data: for the Evaluators page and `expsim evaluators`."""

from __future__ import annotations

import math

from expsim_panel.evaluator_advice import launch_bar, to_collect
from expsim_panel.evaluator_answers import Answers
from expsim_panel.evaluator_profiles import RATES, is_name
from expsim_panel.evaluators.judge import Judge
from expsim_panel.quantities import count, days, effect, money, percent
from expsim_panel.split import optimal_split

NAMES = {"judge": "LLM judge", "human": "People", "hybrid": "Both"}


def took(value: float | None) -> str:
    """Return days to the digit that matters."""
    return "n/a" if value is None else days(round(value, 1) if value >= 0.05 else value)


def assumed(judge: Judge, rates: bool) -> str:
    """Say what stands in for a profile's suspected bias of a yes/no metric; empty where the scenario says it."""
    rate = RATES["suspected_bias_sd"]
    if not (rates and is_name(judge.profile) and judge.suspected_bias_sd == rate):
        return ""
    return (
        f"Assumed: a suspected bias of {effect(rate, 'binary', False)} (SD) of one judge; the profile's is in points "
        "of a 1-5 scale. Give evaluators.judge.suspected_bias_sd if you know yours."
    )


def suspected(found: Answers) -> str:
    """Say which bias such judges are suspected of, and how many scores make it the larger part of the error."""
    what, even = found.what, found.floor.break_even
    if what.bias_sd <= 0:
        return "No bias is suspected of this judge: only noise limits it."
    reached = f", reached at {count(even)} scores {found.each}" if math.isfinite(even) else ""
    favours = f"A judge like this favours one variant by {effect(what.bias_sd, found.family, False)} (SD)"
    return f"{favours}: an error floor{reached}."


def both_pay(found: Answers) -> str:
    """Say whether asking both pays, and why; empty where no correlation makes it pay."""
    threshold = found.split.smallest_rho
    if threshold is None:
        return ""
    pays = "pays" if found.split.hybrid_pays else "does not pay"
    return (
        f"Asking both {pays}: label and score correlate by {found.rho:.2f}, and at these prices it pays from "
        f"{threshold:.2f}."
    )


def split(found: Answers, rho: float, ratio: float) -> str:
    """Say the best split at a correlation and a price of a score in labels, people's price as it is.

    Raises
    ------
    InputError
        A correlation or a price out of range.
    """
    human = found.what.cost_human
    best = optimal_split(rho, human, ratio * human, found.budget / found.samples)
    at = f"At a correlation of {rho:.2f}, with {1 / ratio:,.4g} scores for a label's price"
    if not best.hybrid_pays:
        return f"{at}, asking both does not pay: buy {count(found.samples * best.labels_only)} labels."
    said = (
        f"{at}: {count(found.samples * best.labelled)} labels and {count(found.samples * best.judged)} scores. The "
        f"variance is {percent(1 - best.variance_ratio, 0)} smaller than with "
        f"{count(found.samples * best.labels_only)} labels alone."
    )
    if best.judged > found.what.pace.cap:
        unit = "comparisons" if found.what.law.pairs else "responses"
        said += f" The planned traffic has {count(found.samples * found.what.pace.cap)} {unit} to score."
    return said


def worth(found: Answers) -> str:
    """Say what to collect before deciding, for how much and in how long; and where a judge's worth ends."""
    ranked = to_collect(found)
    if not ranked:
        return f"No value of evidence: {found.worth.reason}."
    best = ranked[0]
    if best.pays:
        amounts = ((best.labelled, "labels"), (best.judged, "judge scores"))
        rows = " and ".join(f"{count(n)} {word}" for n, word in amounts if n)
        said = (
            f"Collect {rows}: {money(best.cost)} and {took(best.days)}, worth {money(best.enbs)} more than deciding "
            "now, scoring and the test paid."
        )
    else:
        said = "Decide now: no amount of evidence is worth what it costs."
    most, curve = found.worth.evpi, found.worth.evsi["judge"]
    if found.what.bias_sd > 0 and most > 0:
        said += (
            f" A judge's scores alone are never worth more than {money(float(curve[-1]))} of the {money(most)} that "
            "perfect knowledge is worth: its suspected bias stays, however many there are."
        )
    return said


def worth_by_way(found: Answers) -> str:
    """Say what each way is worth at its best amount, beside perfect knowledge; empty where nothing is at stake."""
    if found.worth.reason:
        return ""
    parts = []
    for kind, (n, net) in found.worth.best.items():
        if net <= 0:
            parts.append(f"{NAMES[kind]}: no amount pays")
            continue
        value = float(found.worth.evsi[kind][int(found.worth.enbs[kind].argmax())])
        rows = f"{count(n)} {'scores' if kind == 'judge' else 'labels'} {found.each}"
        parts.append(f"{NAMES[kind]} {money(value)}, net {money(net)} ({rows})")
    known = f"Perfect knowledge is worth {money(found.worth.evpi)} (EVPI)"
    return f"{known}; evidence at its best amount (EVSI, net ENBS): {'; '.join(parts)}."


def launch(found: Answers) -> str:
    """Say when a judge alone may decide, at this budget."""
    rule, family = launch_bar(found), found.family
    if not math.isfinite(rule.bar):
        return "The budget buys fewer than two scores of a variant."
    said = (
        f"Launch on a judge's word alone only if it finds more than {effect(rule.bar, family, False)}: twice "
        f"its noise ({effect(rule.se, family, False)}) and the bias such judges are suspected of "
        f"({effect(rule.bias_sd, family, False)}) together."
    )
    if rule.bias_sd > 0:
        said += f" No number of scores brings this below {effect(rule.floor, family, False)}."
    if math.isfinite(rule.labels_bar):
        said += f" With labels in both variants, for the same money: {effect(rule.labels_bar, family, False)}."
    return said + (
        f" In this scenario {percent(rule.launches)} of judge-only experiments would launch, and "
        f"{percent(rule.launches_null)} if there were no effect."
    )


def repeated(found: Answers) -> str:
    """Say how often to repeat what is repeated, for least error at the money; empty where all is free."""
    best = [f"{what} {n}" for what, n in found.repeats.best.items()]
    return f"Repeats with the least error for the money: {', '.join(best)}." if best else ""


def drift(found: Answers) -> str:
    """Say how many fresh labels notice a judge that moves by a little, and by more."""
    points, labels = found.drift
    parts = [
        f"{count(float(labels[at]))} labels notice {effect(float(points[at]), found.family, False)}"
        for at in (12, 30, 48)
        if math.isfinite(float(labels[at]))
    ]
    return f"Drift of the judge (80 % power): {', '.join(parts)}." if parts else ""


def right_decisions(found: Answers) -> str:
    """Say what a correct decision costs in each way: the cost divided by its chance."""
    parts = []
    for one in found.options:
        if math.isfinite(one.se) and one.cost_per_correct is not None:
            parts.append(f"{NAMES[one.name]} {money(one.cost_per_correct)} (right in {percent(one.p_correct)})")
    return f"A correct decision costs: {', '.join(parts)}." if parts else ""


def planning(found: Answers) -> list[str]:
    """Return every answer before any data, a line each."""
    price = found.what.cost_judge / found.what.cost_human
    lines = [
        suspected(found), right_decisions(found), both_pay(found), split(found, found.rho, price), repeated(found),
        worth(found), worth_by_way(found), launch(found), drift(found),
    ]  # fmt: skip
    return [line for line in lines if line]
