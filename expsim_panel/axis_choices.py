"""Every number of a study that an axis can be: path, words, and a range worth looking at."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, replace

import param

from expsim_panel import grid
from expsim_panel.arm_axes import ARMS, MOST_ARMS, SHARES
from expsim_panel.errors import InputError
from expsim_panel.guardrail import Guardrail
from expsim_panel.late_arms import late_arms
from expsim_panel.meaningless import idle, misplaced
from expsim_panel.places import EFFECT, UNREAD, put
from expsim_panel.quantities import plain
from expsim_panel.sections import Section
from expsim_panel.study import Study

_TABLES = {
    "traffic": "Traffic",
    "evaluator": "Evaluator",
    "metric": "Metric",
    "economics": "Money",
    "analysis": "Analysis",
    "prior": "Prior",
    "scenario": "Scenario",
}
_LIVE = ("traffic", "analysis")
_OFFLINE = {"offline": "Prompt set"} | {key: words for key, words in _TABLES.items() if key not in _LIVE}


@dataclass(frozen=True)
class Choice:
    """A number of a study.

    Attributes
    ----------
    path : str
        As `axes.axis` reads it.
    words : str
        Label of its Param, and whose it is.
    low, high : float
        A range around the study's own value, within its bounds.
    own : float or None
        The study's own value.
    whole : bool
        Whether it is a count.
    help : str
        Its Param's documentation.
    """

    path: str
    words: str
    low: float
    high: float
    own: float | None
    whole: bool
    help: str


def choices(study: Study) -> list[Choice]:
    """Return every number of a study, the true effect first; words are unique."""
    scenario = study.scenario
    made = []
    try:
        most = float(grid.effect_levels(scenario, 9)[-1])
    except InputError:
        most = 0.0  # the control leaves no room for a better variant
    if most > 0:
        words = "True effect of the best variant"
        own = grid.best_effect(scenario)
        made.append(Choice(EFFECT, words, 0.0, most, own, False, "Others that are better keep their share of it."))
    made += _of_arms(study)
    for i, variant in enumerate(scenario.variants):
        made += _numbers(variant, f"variants.{i}", variant.name)
    # A prompt set stands in the place of live traffic, and says by itself what is independent.
    tables = _TABLES if scenario.offline is None else _OFFLINE
    for key, owner in tables.items():
        made += _numbers(getattr(scenario, key), key, owner)
    for i, rail in enumerate(scenario.guardrails):
        path = f"guardrails.{i}"
        for arm, mean in enumerate(rail.means):
            low, high = sorted((float(mean) / 2, float(mean) * 2)) if mean else (0.0, float(rail.threshold))
            if rail.binary:
                high = min(high, 1.0)
            words = f"True {rail.name} · {scenario.variants[arm].name}"
            made.append(Choice(f"{path}.means.{arm}", words, low, high, float(mean), False, str(rail.param.means.doc)))
        made += _of_guardrail(rail, path)
    for one in study.strategies:
        seen = set()
        for half in (one.policy, one.design):
            for choice in _numbers(half, f"strategies.{one.name}", one.name):
                # A name with a dot would not lead back to its strategy, and of two halves the first is meant.
                if "." not in one.name and choice.path not in seen:
                    seen.add(choice.path)
                    made.append(choice)
    taken: set[str] = set()
    unique = []
    nowhere = misplaced(scenario)
    for choice in made:
        if choice.path.rpartition(".")[2] in nowhere and not choice.path.startswith(("guardrails.", "strategies.")):
            continue
        if choice.path.startswith(("metric.", "variants.", "evaluator.")) and idle(scenario, choice.path):
            continue
        if scenario.evaluator.kind == "hybrid" and choice.path.split(".") in UNREAD:
            continue
        words = choice.words if choice.words not in taken else f"{choice.words} ({choice.path})"
        taken.add(words)
        unique.append(
            Choice(choice.path, words, *(getattr(choice, key) for key in ("low", "high", "own", "whole", "help")))
        )
    return unique


def _of_arms(study: Study) -> Iterator[Choice]:
    """Yield how many arms there are, and how the traffic is split over them."""
    scenario, count = study.scenario, len(study.scenario.variants)
    more = "New arms are like the control; of fewer the best variant stays."
    yield Choice(ARMS, "Number of arms", 2.0, float(min(MOST_ARMS, max(5, 2 * count))), float(count), True, more)
    # Side by side half of the responses are the control's, and who arrives late has no share of their own.
    if scenario.offline is None and not scenario.side_by_side and not late_arms(scenario):
        for arm, (variant, share) in enumerate(zip(scenario.variants, scenario.shares, strict=True)):
            words, high = f"Share of the traffic · {variant.name}", 0.9 if count == 2 else min(0.9, 2 * share)
            told = "The other arms divide the rest as before."
            yield Choice(f"{SHARES}{arm}", words, min(0.1, share / 2), high, float(share), False, told)


def _of_guardrail(rail: Guardrail, path: str) -> Iterator[Choice]:
    """Yield a guardrail's numbers; the margin lies within the threshold, and a rate needs no spread."""
    for choice in _numbers(rail, path, rail.name):
        key = choice.path.rpartition(".")[2]
        if key == "margin":
            most = float(rail.threshold)
            yield replace(choice, low=float(f"{most / 4:.4g}"), high=float(f"{most:.15g}"))
        elif key != "sd" or not rail.binary:
            yield choice


def _numbers(section: Section, path: str, owner: str) -> Iterator[Choice]:
    for key in section.fields():
        value, declared = getattr(section, key), section.param[key]
        if isinstance(value, Section):
            yield from _numbers(value, f"{path}.{key}", f"{owner}, {declared.label}")
        elif isinstance(declared, param.Number) and not isinstance(declared, param.Boolean):
            own = None if value is None else float(value)
            span = _range(declared, own)
            if span is not None and not _refused(section, key, span):
                whole = isinstance(declared, param.Integer)
                yield Choice(f"{path}.{key}", f"{declared.label} · {owner}", *span, own, whole, str(declared.doc))


def _refused(section: Section, key: str, span: tuple[float, float]) -> bool:
    """Tell whether its table has no room for a number by itself, as the first token's time without a speed."""
    if type(section).check is Section.check:
        return False
    for value in span:
        probe = copy.deepcopy(section)
        put(probe, key, value, "axis", "")
        try:
            probe.check("axis")
        except InputError:
            continue
        return False
    return True


def _range(declared: param.Number, own: float | None) -> tuple[float, float] | None:
    """Return half to twice the own value, or else what the Param suggests, inside its bounds; None if there is none."""
    low, high = declared.bounds or (None, None)
    soft = declared.softbounds or (None, None)
    start, end = (own / 2, own * 2) if own else soft
    if own is not None and own < 0:
        start, end = end, start
    start = soft[0] if start is None else start
    end = soft[1] if end is None else end
    if start is None or end is None:
        start, end = 0.0, 1.0
    closed = declared.inclusive_bounds if declared.bounds else (True, True)
    if low is not None:
        start = max(start, low)
        start = start if closed[0] or start > low else start + (end - start) / 20
    if high is not None:
        end = min(end, high)
        end = end if closed[1] or end < high else end - (end - start) / 20
    if isinstance(declared, param.Integer):
        start, end = round(start), round(end)
    start, end = float(f"{start:.4g}"), float(f"{end:.4g}")
    # Rounded beyond a bound that is no round number itself.
    if high is not None and end > high:
        end = float(f"{end - (end - start) / 20:.4g}")
    if low is not None and start < low:
        start = float(f"{start + (end - start) / 20:.4g}")
    return (start, end) if start < end else None


def typed(value: float) -> str:
    """Return a number as a person would type it."""
    return plain(value).replace(",", "") if abs(value) < 1e9 else f"{value:g}"
