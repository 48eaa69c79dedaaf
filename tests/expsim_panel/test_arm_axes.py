"""The number of arms and the split of the traffic as axes: against studies that are written out, and known optima."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from expsim_panel import axes, library
from expsim_panel.arm_axes import ARMS, names_an_arm, split, with_arms
from expsim_panel.axis_choices import choices
from expsim_panel.errors import InputError
from expsim_panel.plots import response_surface as maps
from expsim_panel.response_surface import ResponseSurface, response_surface
from expsim_panel.study import Study

TREE = {
    "scenario": {"name": "arms", "indifference": 0.05},
    "metric": {"name": "score", "family": "normal", "sd": 1.0},
    "variants": [
        {"name": "A", "mean": 3.0},
        {"name": "B", "mean": 3.05},
        {"name": "C", "mean": 3.12},
    ],
    "traffic": {"units_per_day": 300, "days": 10},
    "guardrails": [
        {"name": "time", "unit": "ms", "family": "normal", "means": [900.0, 910.0, 920.0], "sd": 300.0,
         "direction": "decrease", "kind": "absolute", "threshold": 60.0}
    ],
    "strategies": [{"kind": "fixed-horizon"}, {"kind": "obrien-fleming", "looks": 2}],
}  # fmt: skip


def study(**changes) -> Study:
    return Study.from_tree({**copy.deepcopy(TREE), **changes}, "arms")


def surface(of: Study, strategy: str, x: str, y: str | None = None, **kw) -> ResponseSurface:
    up = axes.parse(of, y, "--y") if y else None
    return response_surface(of, strategy, axes.parse(of, x, "--x"), up, **kw)


def test_a_split_leaves_the_others_in_proportion():
    assert split([0.5, 0.3, 0.2], {0: 0.75}, "w") == pytest.approx([0.75, 0.15, 0.1])
    assert split([0.5, 0.3, 0.2], {0: 0.4, 2: 0.5}, "w") == pytest.approx([0.4, 0.1, 0.5])
    assert split([0.5, 0.5], {0: 0.4, 1: 0.6}, "w") == [0.4, 0.6]
    with pytest.raises(InputError, match="leave nothing for the other arms"):
        split([0.5, 0.3, 0.2], {0: 0.4, 2: 0.6}, "w")


@pytest.mark.parametrize("count", [2, 3, 5, 10])
@pytest.mark.parametrize("name", library.names())
def test_every_scenario_can_have_more_and_fewer_arms(name, count):
    own = Study.load(name)
    best = 1 + int(own.scenario.effects[1:].argmax())
    tree = with_arms(own.scenario.to_tree(), count, best)
    tree["strategies"] = [{"kind": "fixed-horizon"}]
    made = Study.from_tree(tree, name).scenario
    assert len(made.variants) == count
    assert made.effects.max() == pytest.approx(own.scenario.effects.max())
    assert sum(made.shares) == pytest.approx(1)
    assert np.all(made.effects[len(own.scenario.variants) :] == 0)
    assert with_arms(own.scenario.to_tree(), len(own.scenario.variants), best) == own.scenario.to_tree()


def test_the_best_variant_stays_and_every_list_follows():
    evaluator = {"kind": "judge", "biases": [0.02, 0.06], "length_sds": [0.0, 0.1, 0.2]}
    tree = study(evaluator=evaluator, traffic={**TREE["traffic"], "shares": [0.5, 0.3, 0.2]}).to_tree()
    fewer = with_arms(tree, 2, 2)
    assert [row["name"] for row in fewer["variants"]] == ["A", "C"]
    assert fewer["guardrails"][0]["means"] == [900.0, 920.0]
    assert fewer["traffic"]["shares"] == [0.5, 0.5]
    assert (fewer["evaluator"]["biases"], fewer["evaluator"]["length_sds"]) == ([0.06], [0.0, 0.2])
    more = with_arms(tree, 5, 2)
    assert [row["mean"] for row in more["variants"]] == [3.0, 3.05, 3.12, 3.0, 3.0]
    assert more["traffic"]["shares"] == pytest.approx([0.5, 0.15, 0.1, 0.125, 0.125])
    assert more["evaluator"]["biases"] == pytest.approx([0.02, 0.06, 0.04, 0.04])
    assert Study.from_tree(more, "more").scenario.shares == pytest.approx(more["traffic"]["shares"])


@pytest.mark.parametrize("strategy", ["fixed-horizon", "obrien-fleming"])
def test_a_cell_is_the_study_written_out(strategy):
    own = study()
    made = surface(own, strategy, "traffic.shares.0=0.2:0.6:3", "arms=2:4:3", metric="power")
    assert made.y.own == 3
    assert made.x.own == pytest.approx(1 / 3)
    rows = [TREE["variants"][0], TREE["variants"][2], TREE["variants"][1], {"name": "D", "mean": 3.0}]
    for i, count in enumerate((2, 3, 4)):
        for j, share in enumerate((0.2, 0.4, 0.6)):
            shares = [share] + [(1 - share) / (count - 1)] * (count - 1)
            rail = {**TREE["guardrails"][0], "means": [900.0, 920.0, 910.0, 900.0][:count]}
            there = study(variants=rows[:count], guardrails=[rail], traffic={**TREE["traffic"], "shares": shares})
            known = surface(there, strategy, "traffic.days=9:10:2", metric="power")
            if made.exact and known.exact:
                assert made.value[i, j] == pytest.approx(known.value[0, 1], abs=1e-9)
            else:
                error = np.hypot(
                    made.se[i, j] if made.se is not None else 0, known.se[0, 1] if known.se is not None else 0
                )
                # Nine cells of two designs, at 1 % together; exact values are of large samples.
                assert abs(made.value[i, j] - known.value[0, 1]) < 3.5 * error + 0.002


def test_the_controls_best_share_grows_with_the_root_of_the_number_of_variants():
    """Dunnett (1955): many variants against one control want ``n_0 / n_a = sqrt(k)``, close to the most power."""
    own = study(guardrails=[], traffic={"units_per_day": 3000, "days": 10}, metric={**TREE["metric"], "sd": 2.0})
    made = surface(own, "fixed-horizon", "traffic.shares.0=0.1:0.7:61", "arms=2:5:4", metric="power")
    assert made.exact
    for i, variants in enumerate((1, 2, 3, 4)):
        best = made.x.values[made.value[i].argmax()]
        assert best == pytest.approx(np.sqrt(variants) / (variants + np.sqrt(variants)), abs=0.035)
    # Variants that are like the control take traffic and a share of the error: power only falls.
    assert np.all(np.diff(made.value, axis=0) < 0)


def test_simulated_cells_agree_with_the_exact_ones():
    own = study(guardrails=[])
    known, tried = (
        surface(own, "fixed-horizon", "traffic.shares.0=0.2:0.6:3", "arms=2:4:3", **kw)
        for kw in ({}, {"simulate": True, "replicates": 20_000})
    )
    assert known.exact
    # Nine cells at 1 % together; 400 rows of an arm and more put large samples within 0.003.
    assert np.all(np.abs(known.value - tried.value) < 3.3 * tried.se + 0.003)


def test_an_effect_moves_with_the_arms():
    own = study()
    made = surface(own, "fixed-horizon", "effect=0:0.24:3", "arms=2:4:3")
    for i, count in enumerate((2, 3, 4)):
        alone = Study.from_tree(with_arms(own.to_tree(), count, 2), "alone")
        assert made.value[i] == pytest.approx(surface(alone, "fixed-horizon", "effect=0:0.24:3").value[0], abs=1e-12)


def test_contradictions_get_one_line():
    own = study()
    for text, said in (
        ("arms=1:4:3", "1 to 4 arms; give 2 to 10"),
        ("arms=2:11:3", "2 to 11 arms; give 2 to 10"),
        ("traffic.shares.3=0.1:0.5:3", "there is no entry '3'; give 0 to 2"),
        ("traffic.shares.0=0:0.5:3", "0 to 0.5 are no shares; give shares above 0 and below 1"),
        ("arm=2:4:3", "did you mean 'arms'"),
    ):
        with pytest.raises(InputError, match=said):
            axes.parse(own, text, "--x")
    for other in ("variants.1.mean=3:3.2:2", "traffic.shares.1=0.2:0.4:2", "guardrails.0.means.2=900:1000:2"):
        assert names_an_arm(other.split("=")[0])
        with pytest.raises(InputError, match=r"is of a variant, and arms changes which there are"):
            surface(own, "fixed-horizon", other, "arms=2:4:3")
    assert not names_an_arm("variants.0.mean")
    made = surface(own, "fixed-horizon", "traffic.shares.0=0.2:0.8:4", "traffic.shares.1=0.1:0.9:3")
    assert made.gaps == ("shares of 1 or more together leave nothing for the other arms (traffic.shares)",)
    assert np.isnan(made.value).sum() == 6
    assert ARMS == "arms"


def test_arms_are_drawn_at_whole_numbers():
    plot, _ = maps.draw(surface(study(), "fixed-horizon", "traffic.shares.0=0.2:0.6:3", "arms=2:4:3"))
    assert plot.yaxis[0].ticker.ticks == [2, 3, 4]
    # Shares are no whole numbers, and many levels would run into each other.
    assert not hasattr(plot.xaxis[0].ticker, "ticks")
    plot, _ = maps.draw(surface(study(), "fixed-horizon", "arms=2:10:9"))
    assert not hasattr(plot.xaxis[0].ticker, "ticks")


def test_a_table_that_the_study_leaves_out_has_its_defaults():
    own = study(guardrails=[])
    made = surface(own, "fixed-horizon", "traffic.novelty.size=0:0.1:2", "effect=0:0.1:2")
    assert own.scenario.traffic.novelty is None
    spelled = study(guardrails=[], traffic={**TREE["traffic"], "novelty": {"size": 0.1}})
    assert spelled.scenario.traffic.novelty is not None
    known = surface(spelled, "fixed-horizon", "effect=0:0.1:2")
    assert made.x.own is not None
    assert made.value[:, 1] == pytest.approx(known.value[0], abs=1e-12)
    with pytest.raises(InputError, match="unknown key 'sizes'; did you mean 'size'"):
        axes.parse(own, "traffic.novelty.sizes=0:0.1:2", "--x")


def test_a_hybrids_judge_is_found_by_each_of_its_names():
    hybrid = Study.load("hallucination-prompt", ["evaluator.kind=hybrid"], ["fixed-horizon"])
    found = [
        surface(hybrid, "fixed-horizon", f"{path}.sensitivity=0.6:0.9:3").value
        for path in ("evaluator.judge", "evaluators.judge", "evaluators.hybrid.judge")
    ]
    assert np.ptp(found[0]) > 0
    assert np.array_equal(found[0], found[1])
    assert np.array_equal(found[0], found[2])
    with pytest.raises(InputError, match=r"'truth' does not measure here; write evaluators\.judge, evaluators\.human"):
        axes.parse(hybrid, "evaluators.truth.sensitivity=0.6:0.9:3", "--x")


def test_a_number_that_changes_nothing_says_so_and_why():
    own = study(guardrails=[])
    made = surface(own, "fixed-horizon", "traffic.icc=0:0.3:3", "effect=0:0.1:2")
    assert made.notes == (
        'traffic.icc changes nothing here: one response of each unit is analysed; set analysis.unit = "unit" or '
        '"response"',
    )
    assert made.to_json()["notes"] == list(made.notes)
    by_unit = study(guardrails=[], analysis={"unit": "unit"}, traffic={**TREE["traffic"], "exposures_per_unit": 3})
    assert surface(by_unit, "fixed-horizon", "traffic.icc=0:0.3:3").notes == ()
    spreads = study(guardrails=[], variants=[{**row, "sd": 1.0} for row in TREE["variants"]])
    said = surface(spreads, "fixed-horizon", "metric.sd=0.5:2:3").notes
    assert said == ("metric.sd changes nothing here: every variant has a spread of its own, variants.K.sd",)
    assert not {"metric.log_sd", "metric.zero_share", "metric.sd"} & {one.path for one in choices(spreads)}
