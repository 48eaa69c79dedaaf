"""What is worked out once for many cells: never for a cell that could tell, whatever number moves."""

from __future__ import annotations

import copy
import pickle
from dataclasses import dataclass, fields, is_dataclass, replace

import numpy as np
import pytest

from expsim_panel import axes, axis_choices, exact, places
from expsim_panel.economics import ledger
from expsim_panel.errors import InputError
from expsim_panel.mover import Mover, moves_truth
from expsim_panel.remembering import _MOST, Memory, directly
from expsim_panel.response_surface import response_surface
from expsim_panel.study import Study
from expsim_panel.surface_rows import Row, rows

SCORES = {
    "scenario": {"name": "scores", "indifference": 0.01},
    "metric": {"name": "score", "family": "normal", "sd": 1.0},
    "variants": [{"name": "A", "mean": 3.0}, {"name": "B", "mean": 3.05}],
    "traffic": {"units_per_day": 900, "days": 12, "exposures_per_unit": 2, "icc": 0.1, "size_variation": 0.3},
    "strategies": [{"kind": "obrien-fleming", "looks": 3}, {"kind": "bayesian"}, {"kind": "fixed-t"}],
}
RATES = {
    **SCORES,
    "scenario": {"name": "rates"},
    "metric": {"name": "hit", "family": "binary"},
    "variants": [{"name": "A", "mean": 0.3}, {"name": "B", "mean": 0.32}],
    "evaluator": {"kind": "judge", "sensitivity": 0.9, "specificity": 0.8},
}
WORLDS = {
    "scores": SCORES,
    "rates": RATES,
    "ramp": {**SCORES, "traffic": {**SCORES["traffic"], "ramp": {"days": 4, "start": 0.2}, "delay_days": 2},
             "strategies": SCORES["strategies"][:1]},
    "novelty": {**SCORES, "traffic": {**SCORES["traffic"], "novelty": {"size": 0.05, "days": 3}},
                "analysis": {"skip_days": 1, "covariate_correlation": 0.4}},
    "switchback": {**SCORES, "traffic": {"units_per_day": 900, "days": 12,
                   "switchback": {"periods_per_day": 6, "period_sd": 0.1, "carryover": 0.1}}},
    "raters": {**SCORES, "evaluator": {"kind": "human"}},
    "guarded": {**SCORES, "guardrails": [{"name": "errors", "family": "binary", "threshold": 0.02, "margin": 0.01,
                                          "means": [0.05, 0.051]}]},
    "three": {**SCORES, "variants": [*SCORES["variants"], {"name": "C", "mean": 3.08}],
              "strategies": [{"kind": "obrien-fleming", "looks": 3}, {"kind": "holm"}, {"kind": "drop-the-losers"}]},
    "prompts": {**SCORES, "traffic": {}, "offline": {"prompts": 300}, "strategies": [{"kind": "fixed-t"}]},
    "pairs": {**SCORES, "traffic": {"units_per_day": 900, "days": 12}, "metric": {"name": "win", "family": "pairwise"},
              "variants": [{"name": "A", "mean": 0.0}, {"name": "B", "mean": 0.1}],
              "strategies": [{"kind": "fixed-horizon"}]},
}  # fmt: skip


def same(one: object, other: object) -> bool:
    """Tell whether two results are equal to the last bit, arrays and tables of numbers included."""
    if isinstance(one, np.ndarray):
        return isinstance(other, np.ndarray) and one.shape == other.shape and one.tobytes() == other.tobytes()
    if is_dataclass(one):
        return is_dataclass(other) and all(
            same(getattr(one, part.name), getattr(other, part.name)) for part in fields(one)
        )
    if isinstance(one, dict):
        return isinstance(other, dict) and list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, tuple):
        return isinstance(other, tuple) and len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and (type(one).__module__ != "builtins" or one == other or one != one)


def pairs(study: Study):
    """Yield axes of all numbers of a study, each across and upwards, a few levels each."""
    known = [one for one in axis_choices.choices(study) if not moves_truth(one.path) or one.path == places.EFFECT]
    for k, one in enumerate(known):
        other = known[(7 * k + 3) % len(known)]
        if other.path != one.path:
            yield (
                axes.axis(study, one.path, one.low, one.high, 2),
                axes.axis(study, other.path, other.low, other.high, 2),
            )


def told(row: Row, cell: tuple[int, int]) -> object:
    """Return what a row says of one of its cells."""
    if cell in row.refused:
        return str(row.refused[cell])
    law = row.law.one(row.cells.index(cell)) if row.law is not None else None
    # Of two laws the kind of rows is a class, and a strategy's rule follows from the setting.
    return (row.setting, row.money, *(() if law is None else (law.means, law.sds, law.effects, law.severity_sd)))


def cells_of(mover: Mover, x: axes.Axis, y: axes.Axis, cells: list[tuple[int, int]], world: str):
    """Return what is known of every cell, or why it is refused."""
    made = {}
    for row in rows(mover, x, y, cells, world):
        if isinstance(row, Row):
            made |= {cell: told(row, cell) for cell in row.cells}
        else:
            made[row[0]] = str(row[1])
    return made


@pytest.mark.parametrize("name", WORLDS)
def test_a_cell_of_a_map_knows_what_a_fresh_study_moved_there_knows(name):
    study = Study.from_tree(WORLDS[name], "test")
    refused = 0
    for k, (x, y) in enumerate(pairs(study)):
        world = ("truth", "null", "unbiased")[k % 3]
        cells = [(i, j) for i in range(y.values.size) for j in range(x.values.size)]
        mapped = cells_of(Mover(study), x, y, cells, world)
        assert sorted(mapped) == sorted(cells)
        for cell in cells:
            fresh = Mover(study)
            fresh._once = directly
            alone = cells_of(fresh, x, y, [cell], world)[cell]
            # A cell by itself may be plain, and have a law, where those of its row are not.
            known = slice(min(len(mapped[cell]), len(alone)))
            assert same(mapped[cell][known], alone[known]), (x.path, y.path, cell)
            assert isinstance(mapped[cell], str) == isinstance(alone, str)
            refused += isinstance(alone, str)
    # Every study here has levels that contradict each other or the rest.
    assert refused > 0


@pytest.mark.parametrize("name", ["scores", "rates", "ramp", "novelty", "switchback", "raters", "guarded", "prompts"])
def test_exact_cells_are_those_of_a_study_read_from_its_own_document(name):
    study = Study.from_tree(WORLDS[name], "test")
    one = study.strategies[0].name
    checked = 0
    for x, y in list(pairs(study))[::3]:
        try:
            made = response_surface(study, one, x, y, metric="cost", replicates=20)
        except InputError:
            continue  # not a level can be studied
        if not made.exact:
            continue
        for i, j in np.ndindex(made.value.shape):
            try:
                there = Mover(study).to({x.path: float(x.values[j]), y.path: float(y.values[i])})
            except InputError:
                assert np.isnan(made.value[i, j])
                continue
            try:
                there = there.freeze().study()
            except InputError:
                continue  # what a table refuses by itself, such as a spread around no tokens, a map does not ask it
            found = exact.operating(there.scenario, there.strategies[0], "truth", ledger(there.scenario))
            if isinstance(found, str):
                assert np.isnan(made.value[i, j])
                continue
            for metric, key in (("cost", "cost"), ("power", "rejection"), ("days", "days")):
                assert made.values[metric][i, j] == pytest.approx(found.values[key], rel=1e-10, abs=1e-13)
            checked += 1
    assert checked >= 6


@dataclass(frozen=True)
class Given:
    """Some of what a part may read."""

    size: float
    table: np.ndarray


class Parts:
    """Pieces of work that count how often they are done."""

    def __init__(self) -> None:
        self.study = Study.from_tree(SCORES, "test")
        self.traffic, self.metric = self.study.scenario.traffic, self.study.scenario.metric
        self.once, self.done = Memory(self.study).once, 0

    def days(self, factor: float = 1.0) -> float:
        self.done += 1
        return factor * self.traffic.days

    def clustered(self, given: object = None) -> float:
        """Read the correlation only of responses that come in clusters."""
        self.done += 1
        size = self.traffic.exposures_per_unit
        return size if size == 1 else size * self.traffic.icc

    def outer(self) -> float:
        return 10 * self.once(self.days)

    def of(self, given: Given) -> float:
        self.done += 1
        return given.size

    def refusing(self) -> None:
        self.done += 1
        if self.traffic.days > 20:
            raise InputError("test", "traffic.days", "too many", "give fewer")

    def moving(self) -> None:
        self.metric.sd = 5.0


def test_work_is_done_again_only_where_a_number_that_it_reads_is_another():
    parts = Parts()
    assert [parts.once(parts.days), parts.once(parts.days)] == [12, 12]
    assert parts.done == 1
    parts.metric.sd = 2.0  # moves for the first time: all is forgotten, since nobody noted who reads it
    assert [parts.once(parts.days), parts.done] == [12, 2]
    parts.metric.sd = 3.0
    assert [parts.once(parts.days), parts.done] == [12, 2]
    parts.traffic.days = 14
    assert [parts.once(parts.days), parts.done] == [14, 3]
    parts.traffic.days = 15
    assert [parts.once(parts.days), parts.done] == [15, 4]
    parts.traffic.days = 14
    assert [parts.once(parts.days), parts.done] == [14, 4]
    assert [parts.once(parts.days, 2.0), parts.once(parts.days, 3.0), parts.once(parts.days, 2.0)] == [28, 42, 28]
    assert parts.done == 6


def test_what_is_read_next_may_hang_on_what_was_read_before():
    parts = Parts()
    parts.traffic.exposures_per_unit, parts.traffic.icc = 1, 0.2
    found = []
    for size, icc in ((1, 0.2), (1, 0.3), (2, 0.3), (2, 0.4), (2, 0.3), (1, 0.5), (3, 0.5)):
        parts.traffic.exposures_per_unit, parts.traffic.icc = size, icc
        found.append(parts.once(parts.clustered))
    assert found == [1, 1, 0.6, 0.8, 0.6, 1, 1.5]
    assert parts.done == 4


def test_a_part_of_a_part_is_read_by_the_whole():
    parts = Parts()
    parts.traffic.days = 13
    assert [parts.once(parts.days), parts.once(parts.outer), parts.once(parts.outer)] == [13, 130, 130]
    parts.traffic.days = 14
    assert [parts.once(parts.outer), parts.once(parts.days), parts.done] == [140, 14, 2]


def test_arguments_count_by_what_is_read_of_them():
    parts = Parts()
    one = Given(1.0, np.zeros(2))
    assert [parts.once(parts.of, one), parts.once(parts.of, replace(one, table=np.ones(2)))] == [1, 1]
    assert parts.done == 1
    assert [parts.once(parts.of, replace(one, size=2.0)), parts.done] == [2, 2]
    # An array is the same object or another one; nothing is not a table of numbers.
    parts.traffic.exposures_per_unit = 1
    kept = np.zeros(2)
    for given, times in ((kept, 3), (kept, 3), (np.zeros(2), 4), (None, 5), (one, 6), (None, 6)):
        parts.once(parts.clustered, given)
        assert parts.done == times
    assert parts.once(lambda given: given, one) is one
    halves = parts.once(lambda given: replace(given, size=given.size / 2), one)
    assert halves == replace(one, size=0.5) or halves.size == 0.5


def test_refusals_are_remembered_and_the_newest_results_kept():
    parts = Parts()
    for days, times in ((21, 1), (21, 1), (15, 2), (21, 2)):
        parts.traffic.days = days
        if days > 20:
            with pytest.raises(InputError, match="too many"):
                parts.once(parts.refusing)
        else:
            parts.once(parts.refusing)
        assert parts.done == times
    parts = Parts()
    assert [parts.once(parts.days), parts.once(parts.days), parts.done] == [12, 12, 1]
    parts.traffic.days = 1  # the first move, with which all is forgotten
    assert [parts.once(parts.days), parts.once(parts.days), parts.done] == [1, 1, 2]
    parts.done = 1
    for _ in range(2):
        for days in range(1, _MOST + 2):
            parts.traffic.days = days
            assert parts.once(parts.days) == days
    assert parts.done == 2 * (_MOST + 1)
    parts.once(parts.days)
    assert parts.done == 2 * (_MOST + 1)


def test_what_nobody_asks_for_again_is_not_remembered_for_ever():
    parts = Parts()
    for days in range(1, _MOST + 1):
        parts.traffic.days = days
        assert parts.once(parts.days) == days
    assert parts.done == _MOST
    assert [parts.once(parts.days), parts.once(parts.outer), parts.once(parts.outer)] == [_MOST, *[10 * _MOST] * 2]
    assert parts.done == _MOST + 2
    # What asks for it is done anew all the same where its number is another.
    parts.traffic.days = 9
    assert [parts.once(parts.days), parts.once(parts.outer)] == [9, 90]


def test_lists_count_by_their_values():
    study = Study.from_tree(WORLDS["guarded"], "test")
    rail = study.scenario.guardrails[0]
    once, seen = Memory(study).once, []

    def harm() -> float:
        seen.append(1)
        return float(rail.means[1] - rail.means[0])

    for level in (0.06, 0.07, 0.06, 0.07):
        rail.means = [0.05, level]
        assert once(harm) == level - 0.05
    assert len(seen) == 2


def test_remembered_work_must_not_move_the_study():
    parts = Parts()
    with pytest.raises(RuntimeError, match="must not move"):
        parts.once(parts.moving)
    assert [parts.once(parts.days), parts.traffic.days] == [12, 12]


def test_copies_of_a_watched_study_are_studies_of_their_own():
    parts = Parts()
    parts.traffic.days = 15
    for other in (copy.deepcopy(parts.traffic), pickle.loads(pickle.dumps(parts.traffic))):
        other.days = 16
        assert type(other._param__private.values) is dict
        assert [parts.traffic.days, other.days, other.units_per_day] == [15, 16, 900]
