"""Variants that arrive later: no traffic before, shares among the others, the same days compared, regret of what is there."""

import day_scores as slow
import numpy as np
import pytest
from scipy import stats

from expsim_panel import engine, operating, plan
from expsim_panel.economics import ledger
from expsim_panel.errors import InputError
from expsim_panel.kernels.day_scores import ROOT
from expsim_panel.kernels.trials import ROWS, SUMS, UNITS
from expsim_panel.study import Study

BASE = ("evaluator.kind=truth", "traffic.days=8", "traffic.units_per_day=120")
LATE = (*BASE, "variants.2.arrives_day=4")
POLICIES = ("thompson(floor=0.1)", "ucb1", "epsilon-greedy(epsilon=0.1)", "even")
GRID = (np.arange(4000) + 0.5) / 4000


def _rates(tmp_path, arrives):
    """Write a scenario of three rates, more is better."""
    file = tmp_path / "rates.toml"
    file.write_text(
        'schema = 1\n[scenario]\nname = "rates"\n[metric]\nname = "thumbs up"\nfamily = "binary"\n'
        + "".join(
            f'[[variants]]\nname = "{name}"\nmean = {mean}\n' + (f"arrives_day = {day}\n" if day else "")
            for name, mean, day in zip("abc", (0.4, 0.45, 0.5), arrives, strict=True)
        )
        + "[traffic]\nunits_per_day = 90\ndays = 7\n[economics]\nvalue_per_point = 2.0\nhorizon_units = 5000\n"
    )
    return str(file)


def _p_best(hits, misses, floor):
    """Return the floored shares of some arms from beta posteriors, by the midpoint rule."""
    below = np.array([stats.beta.cdf(GRID, 1 + s, 1 + f) for s, f in zip(hits, misses, strict=True)])
    share = np.array([
        np.mean(stats.beta.pdf(GRID, 1 + hits[a], 1 + misses[a]) * np.prod(np.delete(below, a, axis=0), axis=0))
        for a in range(hits.size)
    ])  # fmt: skip
    return floor + (1 - hits.size * floor) * share / share.sum()


@pytest.mark.parametrize("policy", POLICIES)
def test_an_arm_gets_traffic_from_its_day_on_and_the_others_have_all_of_it_before(policy):
    study = Study.load("ranking-diversity", LATE, [policy])
    units = study.run(replicates=12, luck=5).strategies[0].trace.state[:, UNITS]
    daily = np.diff(units, axis=0, prepend=0.0)
    np.testing.assert_array_equal(daily.sum(axis=1), np.full(len(daily), 120.0))
    assert (daily[:3, 2] == 0).all()
    assert daily[3, 2] > 0
    assert (daily[0, :2] > 30).all()


def test_before_it_arrives_the_policy_plays_as_if_the_arm_did_not_exist(tmp_path):
    """Rows, shares and estimates of a watched experiment, worked out anew; the two-arm days have a two-arm posterior."""
    result = Study.load(_rates(tmp_path, (0, 0, 3)), names=["thompson(floor=0.05)"]).run(replicates=30, luck=7)
    shown, days = result.strategies[0].trace, []
    daily = np.diff(shown.state, axis=0, prepend=0.0)
    known = np.concatenate([np.zeros((1, 4, 3)), shown.state])
    for t, today in enumerate(daily):
        there = 2 if t < 2 else 3
        n, s = known[t, ROWS, :there], known[t, SUMS, :there]
        p = np.zeros(3)
        p[:there] = _p_best(s, n - s, 0.05)
        which = np.repeat(np.arange(3), today[ROWS].astype(int))
        came = np.concatenate([np.arange(k) < hits for k, hits in zip(today[ROWS], today[SUMS], strict=True)])
        days.append((which, came.astype(float), p))
        value, error = slow.estimated(days, np.full(7, 90.0))
        np.testing.assert_allclose(shown.logged[t, :, :, 0], value, atol=2e-4)
        np.testing.assert_allclose(shown.logged[t, :, :, 1], error, rtol=2e-3)
    assert np.isnan(shown.logged[:2, :, 1]).all()
    assert np.isfinite(shown.logged[2:]).all()


def test_an_arm_that_comes_on_the_first_day_changes_nothing(tmp_path):
    plain, first = (
        Study.load(_rates(tmp_path, arrives), names=["thompson"]).run(replicates=50).digest
        for arrives in ((0, 0, 0), (0, 0, 1))
    )
    assert plain == first


def test_regret_is_against_the_best_that_is_there(tmp_path):
    study = Study.load(_rates(tmp_path, (0, 0, 4)), names=["thompson(floor=0.1)"])
    scenario, money = study.scenario, ledger(study.scenario)
    result = study.run(replicates=20, luck=11)
    one = result.strategies[0]
    out, shown = one.worlds["truth"], one.trace
    end = operating.endings(operating.Played(scenario, one.strategy, money, out, scenario.effects[None]))
    value = money.net_value(scenario.effects[None])[0]
    daily = np.diff(shown.state[:, UNITS], axis=0, prepend=0.0) * money.exposures_per_unit
    lost = sum((daily[t] * (value[: 2 if t < 3 else 3].max() - value)).sum() for t in range(len(daily)))
    kept = value[max(int(end.chosen[11]), 0)]
    lost += (money.horizon - daily.sum()) * (value.max() - kept)
    assert end.regret[11] == pytest.approx(lost)


LEVEL = "traffic.seasonality.level=[-0.3,-0.3,-0.3,0.2,0.2,0.3,0.2]"


@pytest.mark.arithmetic
def test_concurrent_days_are_compared_where_levels_move():
    """No difference, a level that rises as the variant arrives: pooled means are fooled, the same days are not."""
    same = [f"variants.{i}.mean=3.6" for i in range(3)]
    names = ["obrien-fleming(allocation=even)"]
    study = Study.load("ranking-diversity", [*LATE, *same, LEVEL], names)
    out = engine.played(study, "truth", replicates=3000, seed=3)[names[0]]
    valid, naive = operating.by_logged(out.logged, ROOT), operating.naive(out, False)
    stopped = out.day < 4
    assert stopped.mean() < 0.01
    z = valid.effect[~stopped, 1] / valid.se[~stopped, 1]
    error = np.sqrt(0.05 * 0.95 / z.size)
    assert abs(np.mean(np.abs(z) > 1.96) - 0.05) < 4 * error
    assert np.mean(np.abs(naive.effect[~stopped, 1]) > 1.96 * naive.se[~stopped, 1]) > 0.3
    # The design promises alpha over all variants; days without a variant add nothing to it.
    assert (out.code != 0).mean() < 0.05 + 4 * error


def test_standard_strategies_split_evenly_over_those_that_are_there():
    study = Study.load("ranking-diversity", LATE)
    assert {one.policy.kind for one in study.strategies} == {"even", "thompson"}
    assert plan.setting_of(study.scenario).late_arms
    planned = plan.schedule(study.scenario).units
    np.testing.assert_array_equal(planned[[2, 7]], [[180, 180, 0], [380, 380, 200]])


@pytest.mark.parametrize(
    ("settings", "strategy", "hints"),
    [
        (("variants.0.arrives_day=2",), "even", ("variants.0.arrives_day", "control", "from day 1")),
        (("variants.1.arrives_day=9",), "even", ("variants.1.arrives_day", "day 9 of 8", "up to 8")),
        (("variants.1.arrives_day=5",), "even", ("variants.2.arrives_day", "list variants as they arrive")),
        (("variants.2.arrives_day=7", "traffic.delay_days=2"), "even", ("day 7 of 8", "2 days late", "up to 6")),
        (("variants.2.arrives_day=4",), "pocock", ("pocock", "day 4", 'allocation = "even"')),
        (("variants.2.arrives_day=4",), "drop-the-losers", ("drop-the-losers", 'allocation = "even"')),
        (("variants.2.arrives_day=4",), "fixed-t(allocation=even)", ("pooled means", "within days")),
        (("variants.2.arrives_day=4", "traffic.ramp.days=3"), "even", ("traffic.ramp", "remove ramp")),
        (("variants.2.arrives_day=4", "traffic.shares=[0.5,0.25,0.25]"), "even", ("traffic.shares", "even split")),
        (
            ("variants.2.arrives_day=6",),
            "obrien-fleming(allocation=even, looks=4, sides=1, futility_bounds=[0, 0, 0])",
            ("futility look on day 2", "after it"),
        ),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(settings, strategy, hints):
    with pytest.raises(InputError) as told:
        Study.load("ranking-diversity", [*BASE, *settings], [strategy])
    assert "\n" not in str(told.value)
    for hint in hints:
        assert hint in str(told.value)
