"""Several responses per unit: the right unit of analysis keeps its level, the wrong one shows its true one."""

import numpy as np
import pytest
from scipy import stats
from worlds import exact_in, played, tree

from expsim_panel.clusters import clusters_of, design_effect
from expsim_panel.economics import ledger
from expsim_panel.errors import InputError
from expsim_panel.study import Study

pytestmark = pytest.mark.arithmetic

RETURNING = {"units_per_day": 1400, "days": 4, "exposures_per_unit": 14, "icc": 0.3}
LOOKS = [{"kind": "fixed-horizon"}, {"kind": "obrien-fleming", "looks": 4}]


def _study(family="normal", unit="response", **traffic):
    world = tree(family, traffic={**RETURNING, **traffic}, analysis={"unit": unit}, strategies=LOOKS)
    return Study.from_tree(world, "units")


def _three(share, wanted, size):
    assert abs(share - wanted) <= 3 * np.sqrt(wanted * (1 - wanted) / size), (share, wanted)


def test_design_effect_by_hand():
    assert design_effect(14, 0.3) == pytest.approx(1 + 13 * 0.3)
    assert design_effect(10, 0.1, 0.5) == pytest.approx(1 + (1.25 * 10 - 1) * 0.1)
    assert design_effect(1, 0.7) == 1


def test_fourteen_returning_days_treated_as_new_reject_a_true_null_in_37_of_100():
    """MODEL section 1: 0.374 by simulation; 2 Phi(-z / sqrt(4.9)) = 0.3759."""
    study = _study()
    closed = 2 * stats.norm.cdf(-stats.norm.isf(0.025) / np.sqrt(4.9))
    assert closed == pytest.approx(0.374, abs=0.0025)
    assert exact_in(study, "null", "fixed-horizon")["rejection"] == pytest.approx(closed, abs=1e-12)
    out = played(study, "null")
    for name in ("fixed-horizon", "obrien-fleming"):
        wanted = exact_in(study, "null", name)["rejection"]
        _three(np.mean(out[name].code != 0), wanted, 200_000)


@pytest.mark.parametrize("world", ["null", "truth"])
@pytest.mark.parametrize("family", ["normal", "binary"])
@pytest.mark.parametrize("unit", ["unit", "response"])
def test_both_units_against_their_exact_values(family, unit, world):
    # Rates: 5,000 rows per arm and look, below which the unpooled Wald statistic has an error of its own.
    study = _study(family, unit, size_variation=0.8, **({"units_per_day": 10_000} if family == "binary" else {}))
    out = played(study, world, 100_000)
    for name in ("fixed-horizon", "obrien-fleming"):
        exact = exact_in(study, world, name)
        _three(np.mean(out[name].code != 0), exact["rejection"], 100_000)
        if world == "null" and unit == "unit":
            assert exact["rejection"] == pytest.approx(0.05, abs=1e-9)
        if world == "null" and unit == "response":
            effect = design_effect(14, 0.3, 0.8)
            assert effect == pytest.approx(1 + (1.64 * 14 - 1) * 0.3)
            closed = 2 * stats.norm.cdf(-stats.norm.isf(0.025) / np.sqrt(effect))
            if name == "fixed-horizon":
                assert exact["rejection"] == pytest.approx(closed, abs=1e-12)


def test_requests_that_are_randomised_have_no_penalty():
    study = _study(unit="response", **{"exposures_per_unit": 14})
    world = study.scenario.to_tree()
    world["traffic"]["unit"] = "request"
    alone = Study.from_tree({**world, "strategies": LOOKS}, "requests")
    assert exact_in(alone, "null", "fixed-horizon")["rejection"] == pytest.approx(0.05, abs=1e-9)


def test_rows_and_money_follow_the_unit_of_analysis():
    judge = {"kind": "judge", "price_override": 0.01, "coverage": 0.5}
    for family in ("normal", "binary"):
        for unit, each in (("one-response", 1), ("unit", 14), ("response", 14)):
            world = tree(family, traffic=RETURNING, analysis={"unit": unit}, evaluator=judge)
            study = Study.from_tree(world, "money", names=["fixed-horizon"])
            result = study.run(replicates=50)["fixed-horizon"].figures
            scored = 0.5 * 1400 * 4 * each
            assert result["judged"].value == pytest.approx(scored, rel=1e-3)
            assert result["judged"].exact == pytest.approx(scored, rel=1e-3)
            assert result["cost.judge"].value == pytest.approx(0.01 * scored, rel=1e-3)
            assert ledger(study.scenario).per_row == pytest.approx(
                0.01 * clusters_of(study.scenario, float(study.scenario.sds[0])).scored_per_row
            )


def test_bandits_meet_the_same_clusters():
    """Thompson sampling with nearly no evidence splits evenly: its counts then have the design effect too."""
    for family, variance in (("normal", 1.0), ("binary", 0.1 * 0.9)):
        world = tree(family, traffic={**RETURNING, "days": 1}, analysis={"unit": "response"})
        study = Study.from_tree(world, "bandit", names=["thompson"])
        out = played(study, "null", 20_000)["thompson"]
        standard = (out.sums - out.rows * out.sums.sum() / out.rows.sum()) / np.sqrt(out.rows * variance)
        spread = np.mean(standard**2)
        assert abs(spread - 4.9) <= 4 * 4.9 * np.sqrt(2 / standard.size)


SWITCH = {"units_per_day": 960, "days": 28, "switchback": {"periods_per_day": 24, "period_sd": 0.2}}


@pytest.mark.parametrize("unit", ["unit", "response"])
def test_switchback_is_a_test_of_periods(unit):
    """672 periods of 40 responses: analysed as such the level holds, as single responses the design effect shows."""
    world = tree(traffic=SWITCH, analysis={"unit": unit}, strategies=LOOKS[:1])
    study = Study.from_tree(world, "switchback")
    out = played(study, "null", 100_000)["fixed-horizon"]
    icc = 0.04 / 1.04
    effect = 1.0 if unit == "unit" else design_effect(40, icc)
    closed = 2 * stats.norm.cdf(-stats.norm.isf(0.025) / np.sqrt(effect))
    assert exact_in(study, "null", "fixed-horizon")["rejection"] == pytest.approx(closed, abs=1e-9)
    if unit == "unit":
        assert out.rows.sum(axis=1).max() == 672
        # 336 periods an arm: the estimated variance of the z test costs a little, as Student's t says.
        closed = 2 * stats.t.sf(stats.norm.isf(0.025), 670)
    _three(np.mean(out.code != 0), closed, 100_000)


def test_switchback_is_free_of_interference_but_not_of_carry_over():
    world = tree(
        traffic={**SWITCH, "interference": 0.4, "switchback": {**SWITCH["switchback"], "carryover": 0.1}},
        analysis={"unit": "unit"},
        strategies=LOOKS[:1],
        variants=[{"name": "A", "mean": 3.0}, {"name": "B", "mean": 3.06}],
    )
    study = Study.from_tree(world, "switchback")
    out = played(study, "truth", 20_000)["fixed-horizon"]
    effect = out.sums[:, 1] / out.rows[:, 1] - out.sums[:, 0] / out.rows[:, 0]
    assert effect.mean() == pytest.approx(0.9 * 0.06, abs=4 * effect.std() / np.sqrt(effect.size))
    se = np.sqrt(2 * (0.04 + 1 / 40) / 336)
    assert effect.std() == pytest.approx(se, rel=4 / np.sqrt(2 * effect.size))


@pytest.mark.parametrize(
    ("traffic", "key"),
    [
        ({"carryover": 0.1}, "traffic.carryover"),
        ({"icc": 1.2}, "traffic.icc"),
        ({"size_variation": -1}, "traffic.size_variation"),
        ({"switchback": {"periods_per_day": 1}, "days": 2}, "traffic.switchback.periods_per_day"),
        ({"switchback": {}, "ramp": {}}, "traffic.switchback"),
    ],
)
def test_contradictions_are_refused(traffic, key):
    with pytest.raises(InputError) as caught:
        _study(**traffic)
    assert caught.value.key == key


def test_periods_are_a_number_of_their_own_not_of_days():
    with pytest.raises(InputError, match=r"0 is out of bounds; give a whole number from 1 to 288"):
        _study(switchback={"periods_per_day": 0})
