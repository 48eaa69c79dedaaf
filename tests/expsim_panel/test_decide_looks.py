"""What designs remember of their looks: totals that do not show it are refused, and the next look is the rule's own."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from worlds import tree

from expsim_panel import engine
from expsim_panel.__main__ import main
from expsim_panel.decide import Decision, decide
from expsim_panel.design import Design, Setting, designs
from expsim_panel.designs.bayesian import Bayesian
from expsim_panel.designs.fixed_lift import FixedLift
from expsim_panel.designs.promising_zone import PromisingZone
from expsim_panel.errors import InputError
from expsim_panel.kernels.trials import decide as rule_decides
from expsim_panel.observed import from_counts, from_csv
from expsim_panel.plan import setting_of
from expsim_panel.policy import policies
from expsim_panel.results import Trace
from expsim_panel.rule_memory import writes
from expsim_panel.strategy import kinds
from expsim_panel.study import Study

LUCKS = 12
DAYS = 10
VARIANTS = [{"name": "A", "mean": 3.0}, {"name": "B", "mean": 3.06}, {"name": "C", "mean": 3.03}]
REMEMBER = {"promising-zone", "blinded-reestimation", "empirical-bernstein", "drop-the-losers", "test-and-roll"}
"""Those that go by an earlier look, as their papers have them; the tests below find them out by playing, too."""


def world(kind: str | dict[str, Any], arms: int = 2) -> Study:
    """Return a study of noisy scores with one strategy."""
    one = kind if isinstance(kind, dict) else {"kind": kind}
    traffic = {"units_per_day": 1200, "days": DAYS}
    study = Study.from_tree({**tree(variants=VARIANTS[:arms], traffic=traffic), "strategies": [one]}, "test")
    study.replicates, study.seed = LUCKS, 20261130
    return study


def traces(study: Study, lucks: int) -> list[Trace]:
    """Return the engine's record of the first replicates."""
    return [engine.trace(replace(study.freeze(), luck=luck), study, study.strategies[0]) for luck in range(lucks)]


def by_day(study: Study, state: np.ndarray) -> bytes:
    """Write results by day."""
    lines = ["day,variant,units,rows,sum,squares"]
    for day, parts in enumerate(np.diff(state, axis=0, prepend=0), start=1):
        for arm, variant in enumerate(study.scenario.variants):
            lines.append(f"{day},{variant.name},{','.join(repr(float(value)) for value in parts[:, arm])}")
    return "\n".join(lines).encode()


def totals(study: Study, state: np.ndarray) -> bytes:
    """Write what a team has that kept no days."""
    lines = ["variant,units,rows,sum,squares"]
    for arm, variant in enumerate(study.scenario.variants):
        lines.append(f"{variant.name},{','.join(repr(float(value)) for value in state[-1][:, arm])}")
    return "\n".join(lines).encode()


def asked(study: Study, data: bytes, day: int | None = None) -> Decision:
    return decide(study, from_csv(study.scenario, data, "results.csv"), day=day)


@pytest.mark.parametrize("arms", [2, 3])
@pytest.mark.parametrize("kind", designs.names())
def test_totals_have_the_verdict_of_the_days_or_are_refused(kind: str, arms: int) -> None:
    study = world(kind, arms)
    one, setting, refused = study.strategies[0], setting_of(study.scenario), 0
    # Data may go on after the one look of a rule: the totals on the last day are of more than it saw.
    later = traces(world("fixed-horizon", arms), 1) if kind == "test-and-roll" else []
    for trace in [*traces(study, 6), *later]:
        daily = asked(study, by_day(study, trace.state))
        try:
            made = asked(study, totals(study, trace.state), trace.day)
        except InputError as error:
            refused += 1
            said = str(error)
            assert said.startswith(f"results.csv [day]: {kind} needs results by day: ")
            assert "give a table with the columns day,variant,rows,sum,squares" in said
            assert "\n" not in said
            assert one.design.remembers(setting, trace.day) is not None
            continue
        assert (made.trace.code, made.end) == (daily.trace.code, daily.end)
        assert made.verdict.action == daily.verdict.action
        assert made.next_look == daily.next_look
    # Nothing is dropped of one variant without a bound: its totals say all there is.
    remembers = kind in REMEMBER and not (kind == "drop-the-losers" and arms == 2)
    assert (refused > 0) == remembers, refused


@pytest.mark.parametrize("kind", designs.names())
def test_totals_of_every_day_are_judged_as_its_days_or_refused(kind: str) -> None:
    study = world(kind)
    for trace in traces(study, 2):
        for day in range(1, trace.day + 1, 2):
            daily = asked(study, by_day(study, trace.state[:day]))
            try:
                made = asked(study, totals(study, trace.state[:day]), day)
            except InputError:
                assert kind in REMEMBER
                continue
            assert (made.trace.code, made.next_look) == (daily.trace.code, daily.next_look), day
            assert made.verdict.more_units == daily.verdict.more_units


@pytest.mark.parametrize("kind", designs.names())
def test_a_design_whose_kernel_writes_says_whether_it_remembers(kind: str) -> None:
    study = world(kind, 3)
    one, setting = study.strategies[0].design, setting_of(study.scenario)
    if type(one).rule is not Design.rule and writes(one.rule(setting), setting):
        assert type(one).remembers is not Design.remembers
    found = {day: one.remembers(setting, day) for day in range(1, DAYS + 1)}
    assert (found[DAYS] is not None) == (kind in REMEMBER - {"test-and-roll"}) or kind == "test-and-roll"
    assert all(each is None or each.day < day for day, each in found.items())


class Forgot(PromisingZone):
    """As somebody else might write it, who says nothing of what it remembers."""

    remembers = Design.remembers


class Calculates(Bayesian):
    """Writes, and does not say that it remembers nothing."""

    remembers = Design.remembers  # type: ignore[assignment]


def test_a_plug_in_that_says_nothing_is_found_out_by_playing_it() -> None:
    setting = setting_of(world("promising-zone").scenario)
    for one in (Forgot(), Calculates()):
        found = one.remembers(setting, DAYS)
        assert found is not None
        assert found.day == DAYS - 1
        assert one.remembers(setting, 1) is None
    assert FixedLift().remembers(setting, DAYS) is None
    study = world("promising-zone")
    study.strategies[0] = replace(study.strategies[0], design=Forgot())
    with pytest.raises(InputError, match="needs results by day: its rule goes by what it saw at earlier looks"):
        asked(study, totals(study, traces(study, 1)[0].state), DAYS)


def test_a_table_of_one_late_day_is_totals_too() -> None:
    study = world("promising-zone")
    state = np.zeros((DAYS, 4, 2))
    state[-1] = traces(study, 1)[0].state[-1]
    lines = by_day(study, state).decode().splitlines()
    data = "\n".join([lines[0], *lines[-2:]]).encode()
    with pytest.raises(InputError, match=r"its interim look on day 3 fixes .* the first ones are of day 10"):
        asked(study, data)


def test_counts_and_totals_are_refused_in_one_line(capsys: pytest.CaptureFixture[str], tmp_path: Any) -> None:
    counts = "current prompt=4/1.1/840,new prompt=4.117/1.1/840"
    ask = ["decide", "summarization-prompt", "--strategy", "promising-zone", "--day", "14"]
    assert main([*ask, "--counts", counts]) == 2
    said = capsys.readouterr().err
    assert "--counts: promising-zone needs results by day: its interim look on day 7 fixes how long it runs" in said
    assert said.count("\n") == 1
    file = tmp_path / "t.csv"
    file.write_text("variant,rows,sum,squares\ncurrent prompt,840,3360,14266\nnew prompt,840,3458.28,15063.738760\n")
    assert main([*ask, "--data", str(file)]) == 2
    said = capsys.readouterr().err
    assert "t.csv [day]: promising-zone" in said
    assert said.count("\n") == 1
    # By day 7 nothing has been fixed yet.
    assert main([*ask[:-1], "6", "--counts", "current prompt=4/1.1/360,new prompt=4.1/1.1/360", "--json", "-"]) == 0
    assert json.loads(capsys.readouterr().out)["next_look"] == 7


def played(one: Design, setting: Setting, state: np.ndarray, push: float) -> int | None:
    """Return the first day on which the rule may end, where after these data every row is `push` better."""
    rule, last = one.rule(setting), state[-1]
    for day in range(1, setting.days + 1):
        if day <= state.shape[0]:
            now = state[day - 1]
        else:
            now = last.copy()
            rows = setting.rows[day - 1] - setting.rows[state.shape[0] - 1]
            each = np.array([3.0, 3.0 + push])
            now[:2] += rows
            now[2] += rows * each
            now[3] += rows * (each**2 + 1.0)
        if rule_decides(rule, day - 1, np.ascontiguousarray(now)):
            return day
    return None


ADAPTIVE_SIZE = {"promising-zone", "blinded-reestimation"}


@pytest.mark.parametrize("kind", designs.names())
def test_the_next_look_is_the_first_day_that_can_end_it(kind: str) -> None:
    study = world(kind)
    one, setting = study.strategies[0].design, setting_of(study.scenario)
    per_day = float(study.scenario.traffic.units_per_day)
    for trace in traces(study, 2):
        for day in range(1, trace.day, 2):
            made = asked(study, by_day(study, trace.state[:day]))
            look = made.next_look
            assert look is not None
            assert day < look <= trace.day or trace.code == 0
            assert made.verdict.more_units == pytest.approx(per_day * (look - day))
            assert made.verdict.sentence.startswith(f"Go on to day {look}, ")
            assert made.to_json()["next_look"] == look
            if kind in ADAPTIVE_SIZE | {"empirical-bernstein", "drop-the-losers"}:
                continue
            # Whatever comes, good or bad, nothing ends it before; and something can on that day.
            ends = [played(one, setting, trace.state[:day], push) for push in (-3.0, 3.0)]
            assert min(end for end in ends if end is not None) == look, (day, ends)
        if trace.day == DAYS:
            assert asked(study, by_day(study, trace.state)).next_look is None


@pytest.mark.parametrize("kind", sorted(ADAPTIVE_SIZE))
def test_once_the_size_is_fixed_the_next_look_is_where_it_ends(kind: str) -> None:
    study = world({"kind": kind, **({"planned_effect": 0.06} if kind == "blinded-reestimation" else {})})
    one, setting = study.strategies[0].design, setting_of(study.scenario)
    fixed = one.next_look(setting, 0, one.rule(setting), 0.0)
    assert fixed == 3
    ends = set()
    for trace in traces(study, LUCKS):
        for day in range(1, trace.day):
            look = asked(study, by_day(study, trace.state[:day])).next_look
            assert look == (fixed if day < fixed else trace.day), (day, trace.day)
        ends.add(trace.day)
    # A spread of 3,600 rows is much the same in every experiment, an interim result is not.
    assert len(ends) > 1 if kind == "promising-zone" else ends == {8}


@pytest.mark.parametrize(("kind", "looks"), [("empirical-bernstein", 8), ("fixed-lift", 10), ("drop-the-losers", 10)])
def test_designs_without_bounds_name_their_next_look(kind: str, looks: int) -> None:
    study = world(kind, 3)
    one, setting = study.strategies[0].design, setting_of(study.scenario)
    rule = one.rule(setting)
    assert one.next_look(setting, 7, rule, 0.0) == looks
    assert one.next_look(setting, DAYS, rule, 0.0) is None
    if kind == "drop-the-losers":
        assert one.next_look(setting, 4, rule, 0.0) == 5


MOVES = [name for name in policies.names() if name in kinds() and policies.get(name).follows_data]


@pytest.mark.parametrize("kind", MOVES)
def test_traffic_that_follows_the_data_is_refused(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    asked_for = ["decide", "hallucination-prompt", "--strategy", kind]
    status = main([*asked_for, "--counts", "current prompt=96/1000,grounded prompt=81/1000"])
    said = capsys.readouterr().err
    assert status == 2
    assert said.count("\n") == 1
    assert "moves the traffic by what it sees" in said
    assert "fixed-horizon" in said


def test_the_line_names_those_that_can_be_judged() -> None:
    study = Study.load("hallucination-prompt")
    counts = from_counts(study.scenario, "current prompt=96/1000,grounded prompt=81/1000")
    with pytest.raises(InputError, match="choose from fixed-horizon, obrien-fleming, bayesian, peek-daily"):
        decide(study, counts, "thompson")
    even = Study.load("hallucination-prompt", (), ("pocock(allocation=even)",))
    assert decide(even, counts).verdict.action


def test_a_variant_that_arrives_later_is_no_fixed_split() -> None:
    variants = [*VARIANTS[:2], {**VARIANTS[2], "arrives_day": 4}]
    tables = tree(variants=variants, traffic={"units_per_day": 1200, "days": DAYS})
    study = Study.from_tree({**tables, "strategies": [{"kind": "pocock", "allocation": "even"}]}, "test")
    counts = from_counts(study.scenario, "A=3/1/900,B=3/1/900,C=3/1/500")
    with pytest.raises(InputError, match=r"\[variants\.2\.arrives_day\]: 'C' arrives on day 4, .* fixed split"):
        decide(study, counts)


def test_a_test_before_the_horizon_that_finds_nothing_does_not_say_that_going_on_is_vain() -> None:
    """The promising zone ends at its planned size where the first look was poor; more data could still find a gain."""
    study = world("promising-zone")
    lines = ["day,variant,rows,sum,squares"]
    for day in range(1, 6):
        # No difference by the interim look, a large one after it: z of both stages together stays below its bound.
        for variant, mean in (("A", 3.0), ("B", 3.0 if day < 4 else 3.06)):
            lines.append(f"{day},{variant},600,{600 * mean!r},{600 * (mean * mean + 1.0)!r}")
    found = decide(study, from_csv(study.scenario, "\n".join(lines).encode(), "results.csv"))
    assert found.stopped
    assert found.verdict.action == "keep"
    assert found.verdict.estimate is not None
    assert found.verdict.estimate > 0
    assert found.verdict.reasons[0] == "The planned rule has ended without finding a gain."


@pytest.mark.parametrize(("third", "told"), [(3.058, True), (3.070, False), (3.010, False)])
def test_an_interval_of_one_variant_that_excludes_nothing_found_is_explained(third, told) -> None:
    """z of 2.05 is beyond 1.96, which the interval has, and not beyond 2.21, which Dunnett's test of two has."""
    study = world("dunnett", arms=3)
    per_arm = 2500
    counts = f"A=3.0/1.0/{per_arm},B=3.0/1.0/{per_arm},C={third}/1.0/{per_arm}"
    found = decide(study, from_counts(study.scenario, counts), day=DAYS)
    low = found.verdict.interval[0] if found.verdict.interval else np.nan
    assert (low > 0.0) == (third > 3.05)
    assert (found.verdict.action == "launch") == (third == 3.070)
    said = [note for note in found.notes if note.startswith("An interval is of one variant alone")]
    assert bool(said) == told
