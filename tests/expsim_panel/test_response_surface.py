"""Surfaces over any two numbers: against the exact core, against full runs, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest

from expsim_panel import axes, axis_choices, engine, exact
from expsim_panel.__main__ import main
from expsim_panel.economics import ledger
from expsim_panel.errors import InputError
from expsim_panel.exports.surface_html import page
from expsim_panel.plots import response_surface as maps
from expsim_panel.plots._palette import DARK, LIGHT
from expsim_panel.response_surface import METRICS, response_surface
from expsim_panel.study import Study


def study(*settings: str, name: str = "hallucination-prompt") -> Study:
    return Study.load(name, settings)


def made(base: Study, strategy: str, x: str, y: str | None = None, **kw):
    up = axes.parse(base, y, "--y") if y else None
    return response_surface(base, strategy, axes.parse(base, x, "--x"), up, **kw)


@pytest.mark.parametrize("metric", ["power", "type1_error", "days", "cost", "judged"])
def test_exact_cells_are_what_a_study_with_these_settings_calls_exact(metric):
    found = made(study(), "obrien-fleming", "traffic.units_per_day=300:3000:4", "evaluator.sensitivity=0.6:1:3",
                 metric=metric)  # fmt: skip
    assert found.exact
    world, key, _ = METRICS[metric]
    for i, sensitivity in enumerate([0.6, 0.8, 1.0]):
        for j, units in enumerate([300, 1200, 2100, 3000]):
            there = study(f"traffic.units_per_day={units}", f"evaluators.judge.sensitivity={sensitivity}")
            one = next(one for one in there.strategies if one.name == "obrien-fleming")
            wanted = exact.operating(there.scenario, one, world, ledger(there.scenario)).values
            assert found.value[i, j] == pytest.approx(wanted["rows" if key == "judged" else key], rel=1e-12)


def test_the_effect_axis_is_the_best_variants_effect():
    found = made(study(), "fixed-horizon", "effect=0:0.03:4", "traffic.days=7:28:2")
    there = study("variants.1.mean=0.076")  # 0.096 less 0.02
    one = next(one for one in there.strategies if one.name == "fixed-horizon")
    wanted = exact.operating(there.scenario, one, "truth", ledger(there.scenario)).values["rejection"]
    assert found.value[1, 2] == pytest.approx(wanted, rel=1e-12)
    assert np.all(np.diff(found.value, axis=1) > 0)


@pytest.mark.parametrize("metric", ["power", "type1_error", "p_correct", "regret", "days"])
def test_a_simulated_cell_is_the_same_figure_as_a_full_run(metric):
    base = study()
    found = made(base, "thompson", "traffic.units_per_day=500:1000:2", metric=metric, replicates=600)
    assert not found.exact
    assert found.replicates == 600
    full = study("traffic.units_per_day=1000").run(replicates=600)["thompson"]
    figure = full.figures[metric]
    assert found.value[0, 1] == figure.value
    assert found.se[0, 1] == figure.se


def test_simulation_agrees_with_exact_on_one_map():
    x, y = "effect=0:0.03:4", "strategies.obrien-fleming.looks=2:8:2"
    known = made(study(), "obrien-fleming", x, y)
    tried = made(study(), "obrien-fleming", x, y, simulate=True, replicates=4000)
    # Eight cells with common random numbers: four standard errors each.
    assert np.all(np.abs(known.value - tried.value) <= 4 * tried.se)
    assert tried.reason == "asked to simulate"


def test_whole_numbers_stay_whole_and_the_study_stays_as_it_was():
    base = study()
    before = base.freeze()
    axis = axes.parse(base, "traffic.days=10:13:9", "--x")
    assert axis.values.tolist() == [10, 11, 12, 13]
    assert axis.own == 28
    made(base, "fixed-horizon", "traffic.days=10:13:9")
    assert base.freeze() == before


def test_levels_that_contradict_the_study_leave_a_gap_and_say_why():
    found = made(study(), "obrien-fleming", "strategies.obrien-fleming.looks=2:6:5", "traffic.days=4:6:3")
    assert np.isnan(found.value[0, -1])
    assert np.isfinite(found.value[-1, -1])
    assert any("looks" in gap for gap in found.gaps)
    assert None in found.to_json()["value"][0]


def test_coarse_cells_come_first_and_cancel_works():
    base, seen, pictures = study(), [], []
    x, y = axes.parse(base, "effect=0:0.03:10", "--x"), axes.parse(base, "traffic.units_per_day=500:1500:10", "--y")
    response_surface(base, "fixed-horizon", x, y, partial=pictures.append, progress=lambda *at: seen.append(at))
    assert seen == [(k, 100) for k in range(1, 101)]
    first = pictures[0]
    assert first.done == pytest.approx(0.25)
    assert np.isfinite(first.value[::2, ::2]).all()
    assert np.isnan(first.value[1::2]).all()
    with pytest.raises(engine.Cancelled):
        response_surface(base, "thompson", x, y, cancelled=lambda: True)


@pytest.mark.parametrize(
    ("x", "words"),
    [
        ("traffic.units_per_day", "is not PATH=lo:hi:n"),
        ("traffic.units_per_day=1:2", "is not PATH=lo:hi:n"),
        ("traffic.units_per_day=9:1:3", "the lower first"),
        ("traffic.units_per_day=1:nan:3", "is not PATH=lo:hi:n"),
        ("traffic.units_per_day=10:20:1", "give 2 to 200"),
        ("traffic.units_per_day=10:20:999999", "give 2 to 200"),
        ("traffic.unit_per_day=10:20:3", "did you mean 'units_per_day'"),
        ("metric.family=1:2:3", "is not a number"),
        ("variants.7.mean=0:1:3", "give 0 to 1"),
        ("variants.1.mean=1.5:2:3", "is not a rate"),
        ("effect=0:0.5:3", "give up to 0.096"),
        ("strategies.nobody.looks=1:2:2", "unknown strategy"),
        ("evaluators.human.raters=1:2:2", "does not measure here"),
        ("evaluator.sensitivity=0.5:1.5:3", "sensitivity"),
    ],
)
def test_a_bad_axis_gets_one_line(x, words):
    with pytest.raises(InputError, match=words) as caught:
        made(study(), "fixed-horizon", x)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("path", ["evaluators.human.coverage", "evaluator.judge.coverage"])
def test_shares_of_the_halves_of_a_hybrid_are_no_axis(path):
    """A hybrid has its own: theirs are read when it is built, so that a map over them was flat and wrong."""
    both = study("evaluator.kind=hybrid")
    with pytest.raises(InputError, match=r"evaluator\.label_share"):
        made(both, "fixed-horizon", f"{path}=0.1:0.5:2")
    offered = {choice.path for choice in axis_choices.choices(both)}
    assert "evaluator.label_share" in offered
    assert not offered & {"evaluator.human.coverage", "evaluator.judge.coverage"}
    # a run with the people's share set is the map's cell at that share
    over = made(both, "fixed-horizon", "evaluator.label_share=0.15:0.5:2", metric="labelled").value[0]
    assert over[1] / over[0] == pytest.approx(0.5 / 0.15)


def test_bad_questions_get_one_line():
    with pytest.raises(InputError, match="did you mean 'power'"):
        made(study(), "fixed-horizon", "effect=0:0.03:3", metric="powr")
    with pytest.raises(InputError, match="also on the other axis"):
        made(study(), "fixed-horizon", "effect=0:0.03:3", "effect=0:0.02:3")


def test_the_page_holds_every_number_escaped():
    base = study("scenario.title=<script>alert(1)</script>")
    text = page(made(base, "thompson", "effect=0:0.03:3", "traffic.days=7:14:2", replicates=100), base.scenario)
    assert "<script>alert(1)" not in text
    assert text.count("<small>") == 6


def test_a_surface_is_a_holoviews_dataset():
    found = made(study(), "fixed-horizon", "effect=0:0.03:3", "traffic.days=7:14:2")
    data = found.dataset()
    assert [dimension.name for dimension in data.kdims] == ["effect", "traffic.days"]
    np.testing.assert_array_equal(data.dimension_values("power", flat=False), found.value)


@pytest.mark.parametrize("ink", [LIGHT, DARK])
def test_a_difference_of_nothing_has_the_colour_of_the_ground(ink):
    base = study()
    found = made(base, "fixed-horizon", "effect=0:0.03:3", "traffic.units_per_day=500:900:2", minus="bayesian")
    mapper = maps.scale_of(found, ink=ink)
    assert mapper.low == -mapper.high < 0
    assert mapper.palette[len(mapper.palette) // 2].upper() == ink.panel
    # The page knows by the tag which colours follow its mode; what is no difference keeps them.
    assert mapper.tags == ["difference"]
    assert maps.scale_of(made(base, "fixed-horizon", "effect=0:0.03:3"), ink=ink).tags == []
    text = page(found, base.scenario)
    assert DARK.panel.lower() in text.lower()
    assert "color_mapper.tags.includes('difference')" in text


def test_a_wrong_name_to_take_away_is_told_under_its_own_flag(capsys):
    asked = ["surface", "summarization-prompt", "--x", "effect=0:0.1:3"]
    assert main([*asked, "--minus", "nope"]) == 2
    assert capsys.readouterr().err.startswith("--minus [nope.kind]: unknown strategy 'nope'")
    assert main([*asked, "--strategy", "nope", "--minus", "pocock"]) == 2
    assert capsys.readouterr().err.startswith("--strategy [nope.kind]: unknown strategy 'nope'")
