"""The verdict for one experiment that was already run: its data, the design that was planned, nothing of the truth."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from expsim_panel import decision_details, plan, report, sample_ratio
from expsim_panel.decision_adjusted import Ended, saw_every_look
from expsim_panel.decision_details import Details
from expsim_panel.decision_looks import played_fixed, replay
from expsim_panel.economics import ledger
from expsim_panel.errors import InputError, did_you_mean, shown
from expsim_panel.guardrail_tests import Readings
from expsim_panel.guardrail_verdict import alarms
from expsim_panel.kernels.trials import FUTILE, UNITS
from expsim_panel.lift_doubts import no_lift
from expsim_panel.observed import Observed
from expsim_panel.results import Trace, Verdict
from expsim_panel.sample_ratio import SampleRatio
from expsim_panel.scenario import Scenario
from expsim_panel.stagewise import Stagewise
from expsim_panel.strategy import Strategy
from expsim_panel.study import Study
from expsim_panel.world_words import words_of

NO_LUCK = 0


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
    end : int
        Day of the look that ended it, else the last day that a look could see; the data in `trace` may be later, where
        outcomes are.
    settled_on : int or None
        Day on which the last outcome of those who started by the end is due; None while the experiment runs.
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
    end: int
    settled_on: int | None
    next_look: int | None
    split: SampleRatio
    details: Details
    notes: tuple[str, ...]

    @property
    def split_p(self) -> float:
        """p-value of the chi-square test of the planned split."""
        return self.split.p_value

    @property
    def ended_on(self) -> int | None:
        """Day of the look at which the rule ended it."""
        return self.end if self.stopped else None

    @property
    def late_words(self) -> str:
        """Say what is in of the outcomes that are late; empty where none are, or the experiment still runs."""
        if self.settled_on is None or self.settled_on <= self.trace.day == self.end:
            return ""
        if self.trace.day < self.settled_on:
            return f"still coming in until day {self.settled_on}"
        return f"all in by day {self.settled_on}, of those who started by day {self.end}"

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object."""
        return {
            "verdict": self.verdict.to_json(),
            "day": self.day,
            "planned_days": self.planned,
            "ended_on": self.ended_on,
            "stopped": self.stopped,
            "settled_on": self.settled_on,
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
        Day after which totals were taken; for totals without it, the planned day that has as many units. After the
        last planned day only late outcomes come in.

    Raises
    ------
    InputError
        Unknown strategy, traffic that is no fixed split, a day out of range, or totals of a design that goes by what
        an earlier look found.
    """
    one = _planned(study, strategy)
    scenario, notes = study.scenario, list(seen.notes)
    planned, late, clock = int(scenario.traffic.days), scenario.delay_days, words_of(scenario)
    state = seen.state(scenario)
    if seen.daily:
        if day is not None:
            raise InputError("--day", "", "the data have days of their own", "leave it out")
        days = seen.days
    else:
        at = day if day is not None else _day_of(study, seen)
        if not 1 <= at <= planned + late:
            remedy = f"give 1 to the planned {planned}"
            remedy += f", up to {planned + late} while late outcomes come in" if late else ""
            raise InputError("--day", "", f"{at} is out of bounds", remedy)
        if day is None:
            notes.append(_guessed(study, seen, at))
        if at > planned:
            notes.append(
                f"These totals hold outcomes that came in after the last look, {clock.ended(planned)}, which did not "
                "see them; results by day show what it saw."
            )
        days = np.array([at])
    played = replay(scenario, one, seen, state, days)
    code, end = played.code, played.end
    last, stopped = int(days[-1]), code != 0
    over = stopped or last >= planned
    # Outcomes of starts by the end come in for as many days as they are late; later ones are of later starts.
    until = min(last, end + late) if over else last
    if code and until < last:
        notes.append(f"The rule ended the experiment {clock.ended(end)}; what came {_later(late, until)} is left out.")
    if over and until < end + late and seen.daily:
        notes.append(
            f"Outcomes of those who started by day {end} come in until day {end + late}; these data end on day "
            f"{until}. Decide once more then: the figure will have all of them."
        )
    kept = days <= until
    readings, unchecked = _guardrails(scenario, seen, until)
    notes += unchecked
    state = state[kept]
    if seen.daily:
        # Whoever was enrolled after the end is no part of it.
        state[end:, UNITS] = state[end - 1, UNITS]
    trace = Trace(NO_LUCK, code, until, state, readings)
    split = sample_ratio.check(_arrived(scenario, seen), np.asarray(scenario.shares))
    skewed = split.alarm and not one.policy.adaptive
    if skewed:
        notes.insert(
            0, f"The split is not the planned one (p = {split.p_value:.1e}): find out why before you trust anything."
        )
    looks = _looks(study, one)
    coming = played.next_look(scenario, one, state[-1])
    verdict = report.verdict_of(scenario, one, trace, None if one.policy.adaptive else split)
    stands = Ended(end, until - end, over, seen.daily)
    details = decision_details.details(scenario, one, trace, stands)
    blind = not saw_every_look(one, plan.setting_of(scenario), trace, stands)
    if blind and isinstance(details.adjusted, Stagewise) and looks and looks[0] < end:
        notes.append("The adjusted figure takes the earlier looks as made and passed; results by day would show it.")
    variants = len(scenario.variants) - 1
    if over and code in (0, FUTILE) and variants > 1 and verdict.interval and not _holds_zero(verdict.interval):
        notes.append(f"An interval is of one variant alone; the planned rule judges all {variants} and found nothing.")
    notes += [said for said in (no_lift(scenario, one.design, state[-1]),) if said]
    if skewed:
        verdict = _distrusted(verdict)
    elif not over:
        enrolled = seen.enrolled or not late
        verdict = _go_on(study, verdict, trace, coming or planned, enrolled)
    return Decision(
        verdict, trace, last, planned, stopped, end, end + late if over else None,
        coming, split, details, tuple(notes),
    )  # fmt: skip


def _holds_zero(interval: tuple[float, float]) -> bool:
    return interval[0] <= 0.0 <= interval[1]


def _later(late: int, until: int) -> str:
    """Say which data are left out."""
    return f"after day {until}, when the last outcome of those who started by then was due," if late else "later"


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


def _go_on(study: Study, verdict: Verdict, trace: Trace, look: int, enrolled: bool) -> Verdict:
    """Say that the plan goes on: without a crossed bound nothing is concluded before the next look.

    Where outcomes are late and only they were counted (not `enrolled`), the plan says how many units there are by now.
    """
    scenario = study.scenario
    planned = plan.schedule(scenario).units.sum(axis=1)
    by_now = trace.state[-1, UNITS].sum() if enrolled else planned[trace.day - 1]
    more = max(int(planned[look - 1] - by_now), 0)
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
    played_fixed(study.scenario, found, list(study.strategies))
    return found


def _looks(study: Study, one: Strategy) -> list[int]:
    bounds = one.design.bounds(plan.setting_of(study.scenario))
    return [] if bounds is None else [int(day) for day in bounds.days]


def _day_of(study: Study, seen: Observed) -> int:
    """Return the planned day that has at least so many units; where outcomes are late, so many of them."""
    have, total = _by_day(study, seen)
    return min(int(np.searchsorted(have, total - 0.5)) + 1, int(have.size))


def _by_day(study: Study, seen: Observed) -> tuple[np.ndarray, float]:
    """Return how many there are by each day of the plan, and in the totals: units, or outcomes where they are late."""
    planned, late = plan.schedule(study.scenario), study.scenario.delay_days
    if not late:
        return planned.units.sum(axis=1), float(seen.units[-1].sum())
    # What is under way at the end comes in over the days that it is late.
    return np.concatenate([planned.rows, planned.scored[-late:]]).sum(axis=1), float(seen.rows[-1].sum())


def _guessed(study: Study, seen: Observed, day: int) -> str:
    """Say which day totals were taken for."""
    have, total = _by_day(study, seen)
    clock = words_of(study.scenario)
    what = "outcomes in" if study.scenario.delay_days else f"{clock.unit}s"
    if total > 1.1 * have[-1]:
        return (
            f"Taken as the data of {clock.tick} {day}, the last one: the plan has no more than {have[-1]:,.0f} {what}."
        )
    return f"Taken as the data of {clock.tick} {day}: the plan has about as many {what} by then."
