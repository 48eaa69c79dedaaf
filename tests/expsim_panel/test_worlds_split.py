"""Shares that change, effects that spill over, responses that get lost, a covariate that helps."""

import numpy as np
import pytest
from oracles import days_combined
from scipy import stats
from worlds import exact_in, played, tree

from expsim_panel import plan, sample_ratio
from expsim_panel.kernels.worlds import draw_world
from expsim_panel.study import Study

pytestmark = pytest.mark.arithmetic

TRAFFIC = {"units_per_day": 2000, "days": 14}
VARIANTS = [{"name": "A", "mean": 3.0}, {"name": "B", "mean": 3.05}]


def _study(names=("fixed-horizon",), family="normal", **tables):
    traffic = {**TRAFFIC, **tables.pop("traffic", {})}
    if family == "normal":
        tables = {"variants": VARIANTS, **tables}
    return Study.from_tree(tree(family, traffic=traffic, **tables), "split", names=names)


def _three(share, wanted, size=200_000):
    assert abs(share - wanted) <= 3 * np.sqrt(wanted * (1 - wanted) / size), (share, wanted)


def _differences(out):
    return out.sums[:, 1] / out.rows[:, 1] - out.sums[:, 0] / out.rows[:, 0]


@pytest.mark.parametrize("shares", [[0.5, 0.5], [0.9, 0.1]])
def test_interference_shrinks_every_contrast_at_any_share(shares):
    study = _study(traffic={"shares": shares, "interference": 0.3})
    out = played(study, "truth")["fixed-horizon"]
    found = _differences(out)
    assert found.mean() == pytest.approx(0.7 * 0.05, abs=4 * found.std() / np.sqrt(found.size))
    level = out.sums[:, 0] / out.rows[:, 0]
    assert level.mean() == pytest.approx(3 + 0.3 * shares[1] * 0.05, abs=4 * level.std() / np.sqrt(level.size))
    se = np.sqrt(1 / (28_000 * shares[0]) + 1 / (28_000 * shares[1]))
    z = 0.7 * 0.05 / se
    closed = stats.norm.sf(1.959964 - z) + stats.norm.cdf(-1.959964 - z)
    assert exact_in(study, "truth", "fixed-horizon")["rejection"] == pytest.approx(closed, abs=1e-6)
    _three(np.mean(out.code != 0), closed)
    # The truth stays D: the interval that aims at it misses.
    assert np.all(plan.law(study.scenario, "truth", 1, 0, 1).effects == [[0.0, study.scenario.effects[1]]])


def test_a_bandit_meets_interference_too():
    study = _study(["thompson"], traffic={"units_per_day": 400, "interference": 0.5}, variants=[
        {"name": "A", "mean": 3.0}, {"name": "B", "mean": 4.0}])  # fmt: skip
    out = played(study, "truth", 4000)["thompson"]
    # Within every day the contrast is half the truth; nearly all traffic is soon on B and lifts A by 0.5.
    mean = out.sums[:, 1] / out.rows[:, 1]
    share = out.rows[:, 1] / out.rows.sum(axis=1)
    assert np.mean(mean - 3.5 - 0.5 * share) == pytest.approx(0.0, abs=0.02)


def test_carry_over_of_randomised_requests():
    study = _study(traffic={"unit": "request", "carryover": 0.2})
    found = _differences(played(study, "truth", 50_000)["fixed-horizon"])
    assert found.mean() == pytest.approx(0.8 * 0.05, abs=4 * found.std() / np.sqrt(found.size))


def test_a_ramp_grows_day_by_day_and_adds_up():
    study = _study(traffic={"ramp": {"start": 0.2, "days": 5}})
    units = plan.schedule(study.scenario).units
    share = np.diff(units[:, 1], prepend=0) / 2000
    np.testing.assert_allclose(share[:6], [0.1, 0.2, 0.3, 0.4, 0.5, 0.5], atol=0.001)
    assert units[-1].sum() == 28_000


DRIFTING = {"ramp": {"start": 0.2, "days": 10}, "shock": {"day": 6, "days": 9, "size": 0.2}}


@pytest.mark.parametrize("world", ["truth", "null"])
def test_stratified_keeps_its_level_on_a_ramp_and_pooled_does_not(world):
    """MODEL section 4: a level that moves by 0.2 SD while shares go from 10 % to 50 %."""
    for estimator in ("auto", "pooled"):
        study = _study(["fixed-horizon", "pocock"], traffic=DRIFTING, analysis={"estimator": estimator})
        out = played(study, world)
        for name in ("fixed-horizon", "pocock"):
            wanted = exact_in(study, world, name)["rejection"]
            _three(np.mean(out[name].code != 0), wanted)
            if world == "null" and name == "fixed-horizon":
                assert wanted == pytest.approx(0.05, abs=1e-9) if estimator == "auto" else wanted > 0.9
        if world == "truth":
            found = _differences(out["fixed-horizon"])
            bias = found.mean() - 0.05
            error = found.std() / np.sqrt(found.size)
            assert abs(bias) <= 4 * error if estimator == "auto" else bias > 4 * found.std()


def test_stratified_rates_keep_their_level():
    traffic = {"units_per_day": 20_000, "days": 6, "ramp": {"start": 0.2, "days": 5}}
    traffic["shock"] = {"day": 4, "days": 3, "size": 0.03}
    study = _study(["fixed-horizon"], "binary", traffic=traffic)
    out = played(study, "null")["fixed-horizon"]
    _three(np.mean(out.code != 0), 0.05)
    assert np.all(out.sums == np.floor(out.sums))


@pytest.mark.parametrize("family", ["normal", "binary"])
def test_the_stratified_statistic_is_that_of_the_rows(family):
    """Every row drawn, compared within each day, days combined: the same law of the z statistic."""
    traffic = {"units_per_day": 60, "days": 4, "ramp": {"start": 0.4, "days": 3}}
    traffic["shock"] = {"day": 2, "days": 1, "size": 0.4 if family == "normal" else 0.2}
    tables = {"variants": [{"name": "A", "mean": 0.3}, {"name": "B", "mean": 0.4}]}
    study = _study(["fixed-horizon"], family, traffic=traffic, metric={"direction": "increase"}, **tables)
    size = 8000
    law = plan.law(study.scenario, "truth", 1, 0, size)
    rows = plan.schedule(study.scenario).daily_rows
    sums, squares = np.empty((size, 4, 2)), np.empty((size, 4, 2))
    ddof = 1.0 if family == "normal" else 0.0
    assert law.uneven is not None
    made = law.repeated(size)
    kernel_law = made.uneven.rows(made.means, made.sds, 0.0, 0, True)
    one, two = np.random.default_rng(3), np.random.default_rng(4)
    draw_world(one, two, kernel_law, rows, made.uneven.shares, True, ddof, sums, squares)
    n = rows.sum(axis=0)
    mean = sums[:, -1] / n
    variance = (squares[:, -1] / n - mean**2) / (n - ddof)
    fast = (mean[:, 1] - mean[:, 0], variance.sum(axis=1))
    rng = np.random.default_rng(5)
    slow = []
    for _ in range(size):
        days = []
        for t in range(4):
            level = made.means[0] + made.uneven.shift[t]
            arms = [
                level[a] + rng.standard_normal(rows[t, a])
                if family == "normal"
                else (rng.random(rows[t, a]) < level[a]).astype(float)
                for a in range(2)
            ]
            days.append((arms[0], arms[1]))
        slow.append(days_combined(days))
    slow = np.array(slow)
    # Rates are rounded to whole hits: half a hit among a hundred rows is a tenth of the standard error.
    least = 1e-3 if family == "normal" else 1e-6
    assert stats.ks_2samp(fast[0], slow[:, 0]).pvalue > least
    assert fast[0].mean() == pytest.approx(slow[:, 0].mean(), abs=4 * fast[0].std() * np.sqrt(2 / size))
    assert fast[1].mean() == pytest.approx(
        slow[:, 1].mean(), rel=4 * fast[1].std() / fast[1].mean() * np.sqrt(2 / size)
    )


@pytest.mark.parametrize("rho", [0.6, -0.6])
def test_a_covariate_takes_its_share_of_the_variance(rho):
    study = _study(["fixed-horizon", "pocock"], analysis={"covariate_correlation": rho})
    z = 0.05 / np.sqrt(2 * (1 - 0.36) / 14_000)
    closed = stats.norm.sf(1.959964 - z) + stats.norm.cdf(-1.959964 - z)
    assert exact_in(study, "truth", "fixed-horizon")["rejection"] == pytest.approx(closed, abs=1e-6)
    for world in ("truth", "null"):
        out = played(study, world)
        for name in ("fixed-horizon", "pocock"):
            _three(np.mean(out[name].code != 0), exact_in(study, world, name)["rejection"])


def test_lost_responses_bias_the_estimate_and_raise_the_alarm():
    study = _study(traffic={"mismatch": {"lost": 0.05, "worse": 0.6}}, variants=[
        {"name": "A", "mean": 3.0}, {"name": "B", "mean": 3.0}])  # fmt: skip
    out = played(study, "null", 50_000)["fixed-horizon"]
    found = _differences(out)
    # Those who are left are better by 0.05 x 0.6, although nothing is.
    assert found.mean() == pytest.approx(0.03, abs=4 * found.std() / np.sqrt(found.size))
    assert out.rows[0].tolist() == [14_000, 13_300]
    result = study.run(replicates=2000)["fixed-horizon"]
    assert result.figures["type1_error"].value > 0.5
    assert result.figures["type1_error_unbiased"].exact == pytest.approx(0.05)
    ratio = result.verdict.sample_ratio
    statistic, p = stats.chisquare([14_000, 13_300])
    assert ratio.statistic == pytest.approx(statistic)
    assert ratio.p_value == pytest.approx(p)
    assert ratio.alarm
    assert "Sample ratio mismatch: 13,300 units of the first variant where 13,650" in result.verdict.reasons[0]


def test_no_loss_no_alarm():
    result = _study(["fixed-horizon", "thompson"], traffic={"shares": [0.7, 0.3]}).run(replicates=500)
    ratio = result["fixed-horizon"].verdict.sample_ratio
    assert (ratio.statistic, ratio.alarm, ratio.p_alarm) == (0.0, False, 0.001)
    assert result["thompson"].verdict.sample_ratio is None


def test_the_checks_power_is_that_of_random_assignment():
    counts, shares = np.array([10_000.0, 9700.0]), np.array([0.5, 0.5])
    found = sample_ratio.check(counts, shares)
    rng = np.random.default_rng(1)
    drawn = rng.binomial(19_700, 10_000 / 19_700, 20_000)
    p = np.array([stats.chisquare([n, 19_700 - n]).pvalue for n in drawn[:4000]])
    assert found.p_alarm == pytest.approx(np.mean(p < 0.001), abs=4 * np.sqrt(found.p_alarm / 4000))
