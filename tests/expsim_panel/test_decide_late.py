"""Real data whose outcomes are late, or of several variants: the figures are those of the engine's own record."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from worlds import tree

from expsim_panel import engine, operating
from expsim_panel.__main__ import main
from expsim_panel.adjusted import adjusted
from expsim_panel.decide import Decision, decide
from expsim_panel.decision_adjusted import Repeated
from expsim_panel.design import designs
from expsim_panel.errors import InputError
from expsim_panel.layouts.pages.decide import told
from expsim_panel.observed import Observed, from_counts, from_csv
from expsim_panel.overrun import overrun
from expsim_panel.plan import setting_of
from expsim_panel.repeated_intervals import half_widths
from expsim_panel.results import Trace
from expsim_panel.stagewise import Stagewise, after_stopping
from expsim_panel.study import Study

REPLICATES = 40
DELAY = 2
RULES = [
    {"kind": "pocock"},
    {"kind": "obrien-fleming", "looks": 4},
    {"kind": "hwang-shih-decani", "sides": 1, "alpha": 0.025, "futility_bounds": [0.0, 0.2, 0.5, 0.5]},
    {"kind": "fixed-horizon"},
]


def world(variants: int, effect: float, delay: int, rules: list[dict[str, object]] = RULES) -> Study:
    """Return a study of noisy scores, with the effect in its last variant."""
    names = [{"name": name, "mean": 3.0} for name in "ABC"[:variants]]
    names[-1]["mean"] = 3.0 + effect
    traffic = {"units_per_day": 1200, "days": 10, "delay_days": delay}
    study = Study.from_tree({**tree(variants=names, traffic=traffic), "strategies": rules}, "test")
    study.replicates, study.seed = REPLICATES, 20261130
    return study


def table(study: Study, state: np.ndarray) -> bytes:
    """Write what a team would have: units, rows and sums of each day, a day being that on which outcomes came in."""
    lines = ["day,variant,units,rows,sum,squares"]
    for day, parts in enumerate(np.diff(state, axis=0, prepend=0), start=1):
        for arm, variant in enumerate(study.scenario.variants):
            units, rows, total, squares = (repr(float(value)) for value in parts[:, arm])
            lines.append(f"{day},{variant.name},{units},{rows},{total},{squares}")
    return "\n".join(lines).encode()


def traces(study: Study, name: str) -> list[Trace]:
    """Return the engine's record of every replicate, day by day."""
    found = next(one for one in study.strategies if one.name == name)
    return [engine.trace(replace(study.freeze(), luck=luck), study, found) for luck in range(REPLICATES)]


def asked(study: Study, name: str, state: np.ndarray) -> Decision:
    return decide(study, from_csv(study.scenario, table(study, state), "data.csv"), name)


@pytest.mark.parametrize("name", [str(rule["kind"]) for rule in RULES])
def test_a_simulated_experiment_with_late_outcomes_gets_its_own_figures(name: str) -> None:
    study = world(2, 0.06, DELAY)
    one = next(one for one in study.strategies if one.name == name)
    out, setting = engine.outcomes(study.freeze())[name], setting_of(study.scenario)
    found = operating.estimates(out, False)
    effect, se = found.effect[:, 0], found.se[:, 0]
    all_of_them = np.ones(REPLICATES, bool)
    record = adjusted(one.design, setting, out.day - DELAY, effect, se, 0.06, all_of_them, out.code)
    order = overrun(one.design, setting)
    assert not isinstance(record, str)
    assert not isinstance(order, str)
    days, ordering = order
    stops = set()
    for luck, shown in enumerate(traces(study, name)[:12]):
        made = asked(study, name, shown.state)
        told_ = made.details.adjusted
        assert isinstance(told_, Stagewise), made.details.reasons
        assert (made.trace.code, made.end, made.trace.day) == (out.code[luck], out.day[luck] - DELAY, out.day[luck])
        assert made.settled_on == made.trace.day
        assert told_.naive == pytest.approx(effect[luck], abs=1e-9)
        assert told_.estimate == pytest.approx(record.estimate[luck], abs=1e-9)
        # The interval holds the truth where the engine says so, and its ends have the tails of its level.
        half = one.design.level() / 2
        assert (told_.low <= 0.06 <= told_.high) == (abs(record.tail[luck] - 0.5) <= half)
        look = int(np.flatnonzero(days == made.end)[0])
        side = -1 if made.trace.code < 0 and look < days.size - 1 else 1
        scale = se[luck] * math.sqrt(ordering.final[look])
        ends = np.array([told_.low, told_.high]) / scale
        tails = ordering.tails(look, side, np.full(2, effect[luck] / se[luck]), ends)
        np.testing.assert_allclose(tails, [0.5 - half, 0.5 + half], atol=1e-9)
        stops.add((made.end, side))
    assert len(stops) > 1 or name == "fixed-horizon"
    if name == "fixed-horizon":
        assert "none could have ended it" in made.details.lines[0]
        assert told_.estimate == pytest.approx(told_.naive, abs=1e-9)


def test_the_verdict_with_late_outcomes_is_the_engines() -> None:
    study = world(2, 0.06, DELAY)
    for luck in (0, 1, 2):
        study.luck = luck
        result = study.run(replicates=REPLICATES)["pocock"]
        made = asked(study, "pocock", result.trace.state)
        assert made.verdict.action == result.verdict.action
        assert made.verdict.estimate == pytest.approx(result.verdict.estimate, rel=1e-9)
        assert made.verdict.interval == pytest.approx(result.verdict.interval, rel=1e-9)


@pytest.mark.parametrize("name", designs.names())
def test_every_design_ends_real_data_as_it_ended_the_simulated_ones(name: str) -> None:
    study = world(3, 0.07, DELAY, [{"kind": name}])
    one = study.strategies[0]
    for luck in (0, 1):
        shown = engine.trace(replace(study.freeze(), luck=luck), study, one)
        made = asked(study, name, shown.state)
        assert (made.trace.code, made.trace.day) == (shown.code, shown.day)
        np.testing.assert_allclose(made.trace.state, shown.state, rtol=1e-12, atol=1e-9)
        said = json.loads(json.dumps(made.to_json(), allow_nan=False))
        assert said["adjusted"] is not None or said["reasons"]["adjusted"]


def stopped_early(study: Study, name: str = "pocock") -> Trace:
    return next(one for one in traces(study, name) if one.code > 0 and one.day < 8)


def test_before_the_late_outcomes_are_in_the_figure_is_that_of_the_look() -> None:
    study = world(2, 0.06, DELAY)
    shown = stopped_early(study)
    end = shown.day - DELAY
    at_once, later, whole = (asked(study, "pocock", shown.state[: end + waited]) for waited in (0, 1, DELAY))
    for made, settled in ((at_once, False), (later, False), (whole, True)):
        assert (made.end, made.settled_on) == (end, end + DELAY)
        assert any("Decide once more" in note for note in made.notes) != settled
        assert isinstance(made.details.adjusted, Stagewise)
        assert ("all in by" in made.late_words) == settled
        assert ("still coming in" in told(study, made, False)) != settled
        assert made.details.adjusted.low < made.details.adjusted.estimate < made.details.adjusted.high
    # The ordering counts just the outcomes that are in by then.
    for waited in range(DELAY + 1):
        order = overrun(study.strategies[0].design, setting_of(study.scenario), DELAY - waited)
        assert not isinstance(order, str)
        look = int(np.flatnonzero(order[0] == end)[0])
        rows = shown.state[[end - 1, end + waited - 1], 1, 0]
        assert order[1].final[look] / order[1].t[look] == pytest.approx(rows[1] / rows[0])
    # With nothing after the look it is the ordering of the looks alone.
    one, at = study.strategies[0].design, at_once.details.adjusted
    plain = after_stopping(
        one, setting_of(study.scenario), end, at.naive, (at.naive_high - at.naive) / 1.959963984540054
    )
    assert not isinstance(plain, str)
    assert (at.estimate, at.low, at.high) == pytest.approx((plain.estimate, plain.low, plain.high), abs=1e-9)
    assert any("of outcomes that came in after" in line for line in whole.details.lines)


def test_days_after_the_plan_hold_late_outcomes_and_nothing_else() -> None:
    study = world(2, 0.0, DELAY)
    shown = next(one for one in traces(study, "obrien-fleming") if one.code == 0)
    assert shown.state.shape[0] == 10 + DELAY
    made = asked(study, "obrien-fleming", shown.state)
    assert (made.day, made.planned, made.end, made.stopped) == (12, 10, 10, False)
    assert isinstance(made.details.adjusted, Stagewise)
    longer = np.concatenate([shown.state, shown.state[-1:] + 1])
    with pytest.raises(InputError, match=r"\[day\]: days run from 1 to 13; .* 10, and to 12 for outcomes"):
        asked(study, "obrien-fleming", longer)
    prompt = world(2, 0.0, 0)
    with pytest.raises(InputError, match=r"or set traffic\.delay_days"):
        asked(prompt, "pocock", shown.state)


def test_whoever_started_after_the_stop_is_left_out() -> None:
    """A team that did not stop enrolling: what came in for as long as outcomes are late was of earlier starts."""
    study = world(2, 0.06, DELAY)
    shown = stopped_early(study)
    more = shown.state[-1] + (shown.state[-1] - shown.state[-2]) * np.arange(1, 3)[:, None, None]
    went_on = np.concatenate([shown.state, more])
    went_on[shown.day - DELAY :, 0] += 600 * np.arange(1, DELAY + 3)[:, None]
    made, want = asked(study, "pocock", went_on), asked(study, "pocock", shown.state)
    np.testing.assert_allclose(made.trace.state, want.trace.state)
    assert made.details.adjusted == want.details.adjusted
    assert any("what came after day" in note for note in made.notes)


def test_two_days_are_enough_for_late_outcomes() -> None:
    """What was in at the look, and what came in after it: the looks before are taken as made."""
    study = world(2, 0.06, DELAY)
    shown = next(one for one in traces(study, "pocock") if one.code > 0 and 6 < one.day < 12)
    end = shown.day - DELAY
    lines = ["day,variant,rows,sum,squares"]
    for day, part in ((end, shown.state[end - 1]), (shown.day, shown.state[-1] - shown.state[end - 1])):
        for arm, variant in enumerate(study.scenario.variants):
            lines.append(f"{day},{variant.name}," + ",".join(repr(float(value)) for value in part[1:, arm]))
    made = decide(study, from_csv(study.scenario, "\n".join(lines).encode(), "d.csv"), "pocock")
    want = asked(study, "pocock", shown.state)
    assert (made.end, made.trace.code) == (want.end, want.trace.code)
    assert made.details.adjusted.estimate == pytest.approx(want.details.adjusted.estimate, abs=1e-9)
    assert any("takes the earlier looks as made" in note for note in made.notes)


def test_totals_with_late_outcomes_say_what_is_needed(capsys: pytest.CaptureFixture[str]) -> None:
    counts = "current prompt=1400/14000,grounded prompt=1200/14000"
    words = ["decide", "hallucination-prompt", "--strategy", "obrien-fleming", "--set", "traffic.delay_days=3"]
    assert main([*words, "--counts", counts, "--json", "-"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["day"], said["planned_days"], said["adjusted"]) == (31, 28, None)
    assert "day,variant,rows,hits" in said["reasons"]["adjusted"]
    assert any("outcomes in by then" in note for note in said["notes"])
    assert any("after the last look" in note for note in said["notes"])
    assert main([*words, "--counts", counts, "--day", "31"]) == 0
    assert "Late outcomes all in by day 31" in " ".join(capsys.readouterr().out.split())
    assert main([*words, "--counts", counts, "--day", "32"]) == 2
    assert "up to 31 while late outcomes come in" in capsys.readouterr().err


@pytest.mark.parametrize("delay", [0, DELAY])
def test_several_variants_get_the_repeated_intervals_of_the_engine(delay: int) -> None:
    study = world(3, 0.08, delay, RULES[:2])
    for one in study.strategies:
        reach = half_widths(one.design, setting_of(study.scenario))
        assert not isinstance(reach, str)
        out = engine.outcomes(study.freeze())[one.name]
        found = operating.estimates(out, False)
        for luck, shown in enumerate(traces(study, one.name)[:8]):
            made = asked(study, one.name, shown.state)
            told_ = made.details.adjusted
            assert isinstance(told_, Repeated), made.details.reasons
            assert made.end == told_.day == out.day[luck] - delay
            if delay == 0:
                width = reach[out.day[luck] - 1] * found.se[luck]
                np.testing.assert_allclose(told_.low, found.effect[luck] - width, atol=1e-9)
                np.testing.assert_allclose(told_.high, found.effect[luck] + width, atol=1e-9)
            else:
                # Of what the look saw: what came in later is not covered by its bound.
                at_look = asked(study, one.name, shown.state[: made.end]).details.adjusted
                assert isinstance(at_look, Repeated)
                np.testing.assert_allclose(told_.low, at_look.low)
            line = made.details.lines[0]
            assert line.startswith("Counting all planned looks, the 95 % intervals")
            assert ("saw" in line) == bool(delay)
            assert line in told(study, made, False)
            said = made.to_json()["adjusted"]
            assert (said["estimate"], said["ordering"]) == (None, "repeated intervals")
            assert list(said["variants"]) == ["B", "C"]
            json.dumps(made.to_json(), allow_nan=False)
            assert "no estimate of their own" in made.details.reasons["adjusted.estimate"]


def test_at_a_look_that_lets_it_go_on_repeated_intervals_hold_too() -> None:
    study = world(3, 0.0, 0, RULES[:2])
    shown = next(one for one in traces(study, "pocock") if one.code == 0)
    made = asked(study, "pocock", shown.state[:4])
    assert (made.stopped, made.next_look) == (False, 6)
    assert isinstance(made.details.adjusted, Repeated)
    between = asked(study, "pocock", shown.state[:5])
    assert between.details.adjusted is None
    assert "day 5 is no look" in between.details.reasons["adjusted"]


def test_totals_of_several_variants_have_repeated_intervals_too() -> None:
    study = world(3, 0.0, 0, RULES[:2])
    made = decide(study, from_counts(study.scenario, "A=3.0/1/1600,B=3.01/1/1600,C=3.02/1/1600"), "pocock", 4)
    told_ = made.details.adjusted
    assert isinstance(told_, Repeated)
    bound = half_widths(study.strategies[0].design, setting_of(study.scenario))[3]
    assert told_.high[1] - told_.estimate[1] == pytest.approx(bound * math.sqrt(2 / 1600), rel=1e-3)


def test_units_of_late_outcomes_may_be_fewer_on_a_day_but_not_in_all() -> None:
    study = world(2, 0.0, DELAY)
    scenario = study.scenario
    lines = ["day,variant,units,rows,sum,squares"]
    for day, units, rows in ((1, 600, 0), (2, 600, 0), (3, 100, 600)):
        lines += [f"{day},{name},{units},{rows},{3 * rows},{10 * rows}" for name in "AB"]
    seen: Observed = from_csv(scenario, "\n".join(lines).encode(), "d.csv")
    assert seen.enrolled
    made = decide(study, seen, "pocock")
    assert made.verdict.more_units == 4 * 1200 - 2600
    lines[-1] = "3,B,100,1400,4200,14000"
    with pytest.raises(InputError, match="fewer units than scored responses"):
        from_csv(scenario, "\n".join(lines).encode(), "d.csv")
    # Without the column only those whose outcomes are in were counted: the plan says how many there are.
    without = [",".join(part for i, part in enumerate(line.split(",")) if i != 2) for line in lines[:-1]]
    without.append("3,B,600,1800,6000")
    made = decide(study, from_csv(scenario, "\n".join(without).encode(), "d.csv"), "pocock")
    assert made.verdict.more_units == 1200
