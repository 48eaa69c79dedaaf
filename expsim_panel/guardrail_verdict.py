"""Guardrails in a verdict: what each says of one experiment's data, and the joint decision with the metric.

Only readings and rules come in; the guardrails' true means are never read here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from expsim_panel.guardrail import Guardrail
from expsim_panel.guardrail_costs import p_breached
from expsim_panel.guardrail_tests import Readings, classify, estimate, interval, standardised, words
from expsim_panel.kernels.guardrails import FAIL, PASS, STUCK, UNKNOWN
from expsim_panel.proportions import zero_events_bound
from expsim_panel.quantities import count, money, percent
from expsim_panel.recommend import Known
from expsim_panel.results import Verdict


@dataclass(frozen=True)
class Check:
    """One guardrail of one variant in one experiment.

    Attributes
    ----------
    name, variant : str
        Whose.
    result : str
        ``pass``, ``fail`` or ``unknown``.
    estimate : float or None
        Harm, positive is worse: in the guardrail's units, or as a share of the control's mean.
    interval : tuple of float or None
        Its two one-sided bounds, each at the guardrail's level.
    p_breached : float or None
        Chance that the true harm is the threshold or more, from the data and a flat prior.
    expected_penalty : float or None
        That times the guardrail's penalty, dollars per response.
    threshold, margin : float
        As planned.
    more_units : int or None
        Units over all arms after which it would be decided at this estimate; None where it is decided or none would.
    sentence : str
        One plain sentence.
    code : int
        As in `guardrail_tests`.
    """

    name: str
    variant: str
    result: str
    estimate: float | None
    interval: tuple[float, float] | None
    p_breached: float | None
    expected_penalty: float | None
    threshold: float
    margin: float
    more_units: int | None
    sentence: str
    code: int

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object."""
        made = {**self.__dict__, "interval": list(self.interval) if self.interval else None}
        del made["code"]
        return made


def checks(
    guardrails: Sequence[Guardrail], variants: Sequence[str], seen: Sequence[Readings | None]
) -> tuple[Check, ...]:
    """Return what every guardrail says of every variant.

    Parameters
    ----------
    variants : sequence of str
        Names, control first.
    seen : sequence of Readings or None
        By guardrail, arrays (arms,); None, or missing, where it was not measured.
    """
    given = [*seen, *[None] * (len(guardrails) - len(seen))]
    return tuple(
        _check(rail, variants[arm], arm, found)
        for rail, found in zip(guardrails, given, strict=True)
        for arm in range(1, len(variants))
    )


def _check(rail: Guardrail, variant: str, arm: int, seen: Readings | None) -> Check:
    rule = rail.rule
    if seen is None:
        sentence = f"{rail.name}: unknown for {variant}, it was not measured."
        return Check(
            rail.name, variant, "unknown", None, None, None, None, rule.threshold, rule.margin, None, sentence, UNKNOWN
        )
    pair = Readings(*(values[[0, arm]] for values in (seen.n, seen.mean, seen.variance)))
    code = int(classify(rule, pair)[0])
    found = float(estimate(rule, pair.mean[0], pair.mean[1]))
    ends = interval(rule, pair)
    point = found if ends is not None and math.isfinite(found) else None
    more = _more(rail, pair, code, float(seen.n.sum()))
    chance = float(p_breached(rule, pair)[0])
    breach = chance if math.isfinite(chance) else None
    return Check(
        rail.name,
        variant,
        words(code),
        point,
        ends,
        breach,
        None if breach is None else float(rail.penalty) * breach,
        rule.threshold,
        rule.margin,
        more,
        _sentence(rail, variant, pair, code, point, ends, more),
        code,
    )


def _more(rail: Guardrail, pair: Readings, code: int, measured: float) -> int | None:
    """Return the units, all arms by the split so far, after which this estimate would decide."""
    if code != UNKNOWN:
        return None
    rule = rail.rule
    z, quantile = standardised(rule, rule.margin, pair)
    if not z[0] < 0:
        # At or above the alarm, but not yet told from no harm.
        z, quantile = standardised(rule, 0.0, pair)
    if not (math.isfinite(z[0]) and z[0] != 0):
        return None
    growth = max((float(quantile[0]) / float(z[0])) ** 2 - 1, 0.0)
    more = max(measured / float(rail.coverage) * growth, 1.0)
    if more > 1e12:
        return None
    unit = 10.0 ** max(math.floor(math.log10(more)) - 1, 0)
    return int(math.ceil(more / unit - 1e-9) * unit)


def _sentence(
    rail: Guardrail, variant: str, pair: Readings, code: int, point: float | None, ends: tuple[float, float] | None,
    more: int | None,
) -> str:  # fmt: skip
    alarm, margin = rail.told(float(rail.threshold)), rail.told(rail.allowed)
    if point is None or ends is None:
        return f"{rail.name}: unknown for {variant}, too few units were measured."
    shows = f"{variant} shows {seen_change(rail, point, ends)}"
    head = f"{rail.name}: {words(code)}"
    if code == PASS:
        said = f"{head}. {shows}; {margin} or worse is ruled out."
    elif code == FAIL:
        said = f"{head}. {shows}; the alarm is at {alarm}."
    elif code == STUCK:
        said = f"{head}. {shows}, between the margin {margin} and the alarm {alarm}: more units would hardly decide."
    else:
        needed = f" About {count(more)} more units would decide it, if the estimate stays." if more else ""
        said = f"{head}. {shows}; {margin} is not ruled out.{needed}"
    return said + _nothing_seen(rail, variant, pair)


def seen_change(rail: Guardrail, point: float, ends: tuple[float, float]) -> str:
    """Write an estimate and its interval as changes of the guardrail."""
    low, high = sorted(ends, key=lambda harm: rail.sign * harm)
    level = percent(1 - 2 * float(rail.alpha), 0)
    return f"{rail.told(point)} ({level} interval {rail.told(low)} to {rail.told(high)})"


def _nothing_seen(rail: Guardrail, variant: str, pair: Readings) -> str:
    """Say what no bad event in n units still allows."""
    if not rail.binary:
        return ""
    n = float(pair.n[1])
    bad = float(pair.mean[1]) if rail.sign > 0 else 1 - float(pair.mean[1])
    if bad > 0:
        return ""
    bound = zero_events_bound(n, float(rail.alpha))[1]
    return f" No bad event in {count(n)} units of {variant} still allows a rate of {percent(bound, 2)} (about 3/n)."


def joint(
    verdict: Verdict, found: Sequence[Check], arm: str, won: bool, facts: Known, guardrails: Sequence[Guardrail],
    risky: bool = False,
) -> Verdict:  # fmt: skip
    """Return the verdict after the guardrails of the variant that it is about.

    A variant that fails one is not launched: the control stays, and no other variant takes its place, because the
    test that was won was this one's. With one that is unknown the answer is to collect more, or inconclusive where
    more of the same would not decide.

    Parameters
    ----------
    verdict : Verdict
        Of the metric alone.
    found : sequence of Check
        All checks; none: nothing changes.
    arm : str
        The variant that is meant: launched, or the most promising one.
    won : bool
        Whether the design's own test was won by it.
    risky : bool
        Whether nothing but expected breaches keeps it from being launched. While a guardrail is unknown more units may
        still settle that, and are asked for; where they would not, the control stays.
    """
    verdict = replace(verdict, guardrails=tuple(found))
    mine = [one for one in found if one.variant == arm]
    control, shows = facts.names[0], verdict.sentence.partition(" shows ")[2].partition(", and ")[0].rstrip(".")
    would = f"It shows {shows}." if shows else ""
    failing = [one for one in mine if one.code == FAIL]
    if failing and (verdict.action != "keep" or risky) and (won or len(facts.names) == 2):
        rail = _named(guardrails, failing[0].name)
        what = seen_change(rail, failing[0].estimate or 0.0, failing[0].interval or (0.0, 0.0))
        alarm = rail.told(float(rail.threshold))
        reasons = [f"On the metric alone {arm} would be {_else(verdict)}. {would}".strip()]
        if len(facts.names) > 2:
            reasons.append("No other variant takes its place: the test that was won was this one's.")
        return replace(
            verdict, action="keep", variant=control, more_units=None, more_cost=None, reasons=tuple(reasons),
            sentence=f"Keep {control}: {arm} fails the guardrail {rail.name} with {what}; the alarm is at {alarm}.",
        )  # fmt: skip
    open_ones = [one for one in mine if one.code in (UNKNOWN, STUCK)]
    if open_ones and (verdict.action == "launch" or (risky and all(one.code == UNKNOWN for one in open_ones))):
        return _undecided(verdict, open_ones, arm, would, facts)
    return verdict


def expected_costs(found: Sequence[Check], arm: str) -> str:
    """Say what breaches by one variant are expected to cost, from its data; empty where that is nothing."""
    parts = [one for one in found if one.variant == arm and one.expected_penalty and one.p_breached]
    if not parts:
        return ""
    each = "; ".join(
        f"{one.name}: {money(1000 * (one.expected_penalty or 0.0))} at a {percent(one.p_breached)} chance of a breach"
        for one in parts
    )
    total = money(1000 * sum(one.expected_penalty or 0.0 for one in parts))
    return f"Counted against {arm}: breaches are expected to cost {total} per 1,000 responses ({each})."


def alarms(verdict: Verdict) -> tuple[str, ...]:
    """Say of a running experiment which guardrails fail already; unlike the metric they are read at any time."""
    return tuple(
        f"Stop {one.variant} now or find out why: {one.sentence} While it fails, nothing in the metric launches it."
        for one in verdict.guardrails
        if one.code == FAIL
    )


def _else(verdict: Verdict) -> str:
    told = {"launch": "launched", "collect": "worth more data", "keep": "launched"}
    return told.get(verdict.action, "undecided")


def _named(guardrails: Sequence[Guardrail], name: str) -> Guardrail:
    return next(one for one in guardrails if one.name == name)


def _undecided(verdict: Verdict, found: Sequence[Check], arm: str, would: str, facts: Known) -> Verdict:
    names = ", ".join(one.name for one in found)
    rails = f"guardrail{'s' if len(found) > 1 else ''} {names}"
    reasons = tuple(one.sentence for one in found)
    won = f"{arm} wins on the metric. {would}".strip()
    stuck = next((one for one in found if one.code == STUCK), None)
    if stuck is not None:
        said = f"Inconclusive: {arm} wins on the metric, but its guardrail {stuck.name} is undecided and would stay so."
        return replace(verdict, action="inconclusive", variant=arm, sentence=said, reasons=(won, *reasons))
    sizes = [one.more_units for one in found]
    more = max((size for size in sizes if size), default=None) if all(sizes) else None
    price = more * facts.coverage * facts.money.per_row if more else None
    much = f"about {count(more)} more units" if more else "more units"
    verb = "are" if len(found) > 1 else "is"
    said = f"Collect {much} before launching {arm}: the {rails} {verb} not decided yet."
    if all(one.estimate is None for one in found):
        said = f"Measure {names} before launching {arm}: a guardrail without data is unknown, and unknown is not safe."
    if price:
        won += f" Scoring these units costs about {money(price)}."
    return replace(
        verdict, action="collect", variant=arm, more_units=more, more_cost=price, sentence=said,
        reasons=(won, *reasons),
    )  # fmt: skip


def worded(
    action: np.ndarray, won: np.ndarray, codes: np.ndarray, kinds: dict[str, int], arms: int, risky: np.ndarray
) -> np.ndarray:
    """Return the actions of many verdicts after their guardrails, as `joint` gives them one by one.

    Parameters
    ----------
    action : int ndarray, shape (replicates,)
        Of the metric alone.
    won : bool ndarray, shape (replicates,)
        Whether the design's own test was won.
    codes : int8 ndarray, shape (replicates, guardrails)
        Results of the variant that is meant.
    kinds : dict of int
        Number of each action by its name.
    arms : int
        Variants, control included.
    risky : bool ndarray, shape (replicates,)
        As in `joint`.
    """
    failed = (codes == FAIL).any(axis=1) & (won | (arms == 2))
    launched = action == kinds["launch"]
    stuck, unknown = (codes == STUCK).any(axis=1), (codes == UNKNOWN).any(axis=1)
    found = np.where((launched | (risky & ~stuck)) & unknown, kinds["collect"], action)
    found = np.where(launched & stuck, kinds["inconclusive"], found)
    return np.where(failed, kinds["keep"], found)
