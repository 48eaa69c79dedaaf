"""The verdict for one experiment that was already run: its data, the design that was planned, nothing of the truth."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from expsim_panel import decision_details, plan, report, sample_ratio
from expsim_panel.decision_details import Details
from expsim_panel.economics import ledger
from expsim_panel.errors import InputError, did_you_mean, shown
from expsim_panel.guardrail_tests import Readings
from expsim_panel.guardrail_verdict import alarms
from expsim_panel.kernels.trials import decide as rule_decides
from expsim_panel.observed import Observed
from expsim_panel.results import Trace, Verdict
from expsim_panel.sample_ratio import SampleRatio
from expsim_panel.scenario import Scenario
from expsim_panel.strategy import Strategy
from expsim_panel.study import Study
from expsim_panel.world_words import words_of

NO_LUCK = 0
SKEWED = sample_ratio.ALPHA
"""A p-value of the split below this says that assignment itself went wrong."""


@dataclass(frozen=True)
class Decision:
    """What the data of one experiment say.

    Attributes
    ----------
    verdict : Verdict
        As for a simulated experiment.
    trace : Trace
        The data as the rule saw them, up to its end.
    day, planned : int
        Day of the last data, and the planned length.
    stopped : bool
        Whether the rule has ended the experiment.
    next_look : int or None
        Day of the next planned look; None after the last one, or where the rule ended.
    split : SampleRatio
        Check of the planned split.
    details : Details
        The estimate adjusted for stopping early, and how much longer.
    notes : tuple of str
        What the reader has to know: a skewed split, data after the end, a day that was guessed.
    """

    verdict: Verdict
    trace: Trace
    day: int
    planned: int
    stopped: bool
    next_look: int | None
    split: SampleRatio
    details: Details
    notes: tuple[str, ...]

    @property
    def split_p(self) -> float:
        """p-value of the chi-square test of the planned split."""
        return self.split.p_value

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object."""
        return {
            "verdict": self.verdict.to_json(),
            "day": self.day,
            "planned_days": self.planned,
            "ended_on": self.trace.day if self.stopped else None,
            "stopped": self.stopped,
            "next_look": self.next_look,
            "sample_ratio": {"p_value": self.split_p, "mismatch": self.split.alarm},
            **self.details.to_json(),
            "notes": list(self.notes),
        }


def decide(study: Study, seen: Observed, strategy: str | None = None, day: int | None = None) -> Decision:
    """Return the verdict on the data of one experiment.

    Parameters
    ----------
    study : Study
        Scenario (names, prices, prior, evaluator) and planned strategies; its true means are not used.
    seen : Observed
        The data.
    strategy : str, optional
        Which strategy was planned; the study's first by default.
    day : int, optional
        Day after which totals were taken; for totals without it, the planned day that has as many units.

    Raises
    ------
    InputError
        Unknown strategy, one that allocates adaptively, or a day out of range.
    """
    one = _planned(study, strategy)
    scenario, notes = study.scenario, []
    planned, clock = int(scenario.traffic.days), words_of(scenario)
    state = seen.state(scenario)
    if seen.daily:
        if day is not None:
            raise InputError("--day", "", "the data have days of their own", "leave --day out")
        days = seen.days
    else:
        at = day if day is not None else _day_of(study, float(seen.units[-1].sum()))
        if not 1 <= at <= planned:
            raise InputError("--day", "", f"{at} is out of bounds", f"give 1 to the planned {planned}")
        if day is None:
            notes.append(f"Taken as the data of {clock.tick} {at}: the plan has about as many {clock.unit}s then.")
        days = np.array([at])
    code, end = _replay(study, one, state, days)
    last = int(days[-1])
    if code and end < last:
        notes.append(f"The rule ended the experiment {clock.ended(end)}; what came later is left out.")
    kept = days <= end
    readings, unchecked = _guardrails(scenario, seen, end)
    notes += unchecked
    trace = Trace(NO_LUCK, code, end, state[kept], readings)
    split = sample_ratio.check(_arrived(scenario, seen), np.asarray(scenario.shares))
    skewed = split.alarm and not one.policy.adaptive
    if skewed:
        notes.insert(
            0, f"The split is not the planned one (p = {split.p_value:.1e}): find out why before you trust anything."
        )
    looks = _looks(study, one)
    coming = [look for look in looks if look > last]
    stopped = code != 0
    verdict = report.verdict_of(scenario, one, trace, None if one.policy.adaptive else split)
    details = decision_details.details(scenario, one, trace, min(end, last), stopped or last >= planned, seen.daily)
    if not seen.daily and details.adjusted is not None and looks and looks[0] < last:
        notes.append("The adjusted figure takes the earlier looks as made and passed; results by day would show it.")
    if skewed:
        verdict = _distrusted(verdict)
    elif not stopped and last < planned:
        verdict = _go_on(study, verdict, trace, coming[0] if coming else planned)
    return Decision(
        verdict, trace, last, planned, stopped,
        None if stopped or not coming else coming[0], split, details, tuple(notes),
    )  # fmt: skip


def _arrived(scenario: Scenario, seen: Observed) -> np.ndarray:
    """Return what the split is checked by: the units, or where only scored rows were counted as many as these show.

    Units worked out from a scored share would make every chance difference of rows look so many times as certain.
    """
    if seen.counted:
        return np.asarray(seen.units[-1])
    return np.asarray(seen.rows[-1] / max(float(plan.clusters(scenario).rows_per_unit), 1.0))


def _guardrails(scenario: Scenario, seen: Observed, day: int) -> tuple[tuple[Readings | None, ...], list[str]]:
    """Return the readings of all guardrails by the end, and what has to be said where none was measured.

    Without any, the verdict is of the metric alone and says so; with some, those without data are unknown.
    """
    rails = scenario.guardrails
    if rails and not seen.guardrails:
        names = ", ".join(one.name for one in rails)
        return (), [f"Guardrails were not checked, this verdict is of the metric alone: give data of {names}."]
    given = (seen.guardrails.get(one.name) for one in rails)
    return tuple(one.readings(day if seen.daily else None) if one else None for one in given), []


def _distrusted(verdict: Verdict) -> Verdict:
    """Take the action back: an assignment that went wrong can have made any difference."""
    sentence = (
        "Do not decide: units did not arrive in the planned shares, so that something else than chance sorted them."
    )
    return replace(
        verdict, action="inconclusive", more_units=None, more_cost=None, sentence=sentence,
        reasons=("If the cause is found to be harmless, change traffic.shares to what was meant and ask again.",),
    )  # fmt: skip


def _go_on(study: Study, verdict: Verdict, trace: Trace, look: int) -> Verdict:
    """Say that the plan goes on: without a crossed bound nothing is concluded before the next look."""
    scenario = study.scenario
    planned = plan.schedule(scenario).units[look - 1].sum()
    more = max(int(planned - trace.state[-1, 0].sum()), 0)
    price = more * scenario.evaluator.row_share * ledger(scenario).per_row
    shows = verdict.sentence.partition(" shows ")[2].partition(", and ")[0].rstrip(".")
    so_far = f" So far {verdict.variant} shows {shows}." if shows and verdict.action != "keep" else ""
    return replace(
        verdict, action="collect", more_units=more, more_cost=price,
        sentence=f"Go on to {words_of(scenario).tick} {look}, the next planned look: no bound is crossed.{so_far}",
        reasons=(*alarms(verdict), "Deciding between the planned looks is what raises false alarms."),
    )  # fmt: skip


def _planned(study: Study, name: str | None) -> Strategy:
    names = [one.name for one in study.strategies]
    if name is not None and name not in names:
        raise InputError("--strategy", "", f"unknown strategy {shown(name)}", did_you_mean(name, names))
    found: Strategy = study.strategies[names.index(name) if name is not None else 0]
    return found


def _replay(study: Study, one: Strategy, state: np.ndarray, days: np.ndarray) -> tuple[int, int]:
    """Let the rule look at the data day by day; return its answer and the day (from 1) of its end."""
    setting = plan.setting_of(study.scenario)
    rule = one.design.rule(setting)
    for index, day in enumerate(days):
        answer = int(rule_decides(rule, int(day) - 1, np.ascontiguousarray(state[index])))
        if answer:
            return answer, int(day)
    return 0, int(days[-1])


def _looks(study: Study, one: Strategy) -> list[int]:
    bounds = one.design.bounds(plan.setting_of(study.scenario))
    return [] if bounds is None else [int(day) for day in bounds.days]


def _day_of(study: Study, units: float) -> int:
    """Return the planned day that has at least so many units."""
    arrived = plan.schedule(study.scenario).units.sum(axis=1)
    return int(min(np.searchsorted(arrived, units - 0.5) + 1, arrived.size))
