import numpy as np
import pytest
from worlds import tree

from expsim_panel import engine, plan
from expsim_panel.errors import InputError
from expsim_panel.results import ARRAYS
from expsim_panel.study import Study


def _study(names=("fixed-horizon", "obrien-fleming", "bayesian", "thompson"), family="normal", **tables):
    world = tree(family, **{"traffic": {"units_per_day": 200, "days": 10}, **tables})
    return Study.from_tree(world, "test", names=names)


def _fresh(study, **changes):
    engine._CACHE.clear()
    return study.run(**changes)


def test_digest_is_the_same_on_any_number_of_workers():
    study = _study()
    digests = {_fresh(study, replicates=4500, seed=3, workers=n).digest for n in (1, 2, 5)}
    assert len(digests) == 1


def test_another_seed_changes_every_monte_carlo_figure():
    study = _study(family="binary", evaluator={"kind": "judge", "sensitivity": 0.8, "specificity": 0.9})
    one, two = study.run(replicates=3000, seed=1), study.run(replicates=3000, seed=2)
    assert one.digest != two.digest
    for a, b in zip(one.strategies, two.strategies, strict=True):
        for world in a.worlds:
            assert not np.array_equal(a.worlds[world].sums, b.worlds[world].sums)
        assert a.figures["regret"].value != b.figures["regret"].value


def test_more_replicates_only_add_replicates():
    study = _study()
    short, long = study.run(replicates=1500, seed=3), study.run(replicates=3200, seed=3)
    for a, b in zip(short.strategies, long.strategies, strict=True):
        for world in a.worlds:
            for name in ARRAYS:
                np.testing.assert_array_equal(
                    getattr(a.worlds[world], name), getattr(b.worlds[world], name)[:1500], err_msg=f"{a.name}/{world}"
                )


def test_other_strategies_do_not_disturb_a_strategy():
    alone = _study(names=["thompson"]).run(replicates=1200, seed=3)
    together = _study().run(replicates=1200, seed=3)
    for name in ARRAYS:
        wanted = getattr(alone["thompson"].worlds["truth"], name)
        np.testing.assert_array_equal(getattr(together["thompson"].worlds["truth"], name), wanted)


def test_strategies_that_never_stop_see_the_same_data_in_replicate_10000():
    study = _study(names=["fixed-horizon", "obrien-fleming"])
    result = study.run(replicates=10_500, seed=3)
    fixed, sequential = (result[name].worlds["truth"] for name in ("fixed-horizon", "obrien-fleming"))
    ran_through = np.flatnonzero((fixed.day == 10) & (sequential.day == 10))
    later = ran_through[ran_through >= 10_000]
    assert later.size > 50
    np.testing.assert_array_equal(fixed.sums[later], sequential.sums[later])


def test_worlds_share_their_random_numbers():
    result = _study(names=["fixed-horizon"]).run(replicates=500, seed=3)
    truth, null = (result["fixed-horizon"].worlds[world] for world in ("truth", "null"))
    np.testing.assert_array_equal(truth.sums[:, 0], null.sums[:, 0])
    np.testing.assert_allclose(truth.sums[:, 1] - null.sums[:, 1], 1000 * 0.02, rtol=1e-9)


@pytest.mark.parametrize("luck", [0, 7, 1234])
def test_trace_is_the_replicate_it_names(luck):
    study = _study()
    study.luck = luck
    result = study.run(replicates=1500, seed=3)
    for one in result.strategies:
        ended = one.worlds["truth"]
        assert one.trace.day == ended.day[luck]
        assert one.trace.code == ended.code[luck]
        np.testing.assert_array_equal(one.trace.state[-1, 2], ended.sums[luck])
        assert np.all(np.diff(one.trace.state[:, 0].sum(axis=1)) == 200)


def test_traffic_adds_up_whatever_the_shares():
    shares = {"units_per_day": 101, "days": 9, "shares": [0.7, 0.3]}
    study = _study(traffic=shares, evaluator={"kind": "human", "coverage": 0.13, "raters": 20})
    scheduled = plan.schedule(study.scenario)
    assert scheduled.units[-1].tolist() == [round(101 * 9 * 0.7), round(101 * 9 * 0.3)]
    np.testing.assert_array_equal(scheduled.rows, np.floor(0.13 * scheduled.units + 0.5))
    assert scheduled.arrivals.sum() == scheduled.units[-1].sum()


def test_cancelled_runs_stop_and_leave_nothing_behind():
    study = _study()
    request = study.freeze()
    engine._CACHE.clear()
    with pytest.raises(engine.Cancelled):
        engine.run(request, cancelled=lambda: True)
    assert not engine._CACHE


def test_partial_result_is_the_beginning_of_the_whole():
    study = _study()
    engine._CACHE.clear()
    partials, steps = [], []
    request = study.freeze()
    whole = engine.run(request, partial=partials.append, progress=lambda done, total: steps.append((done, total)))
    assert len(partials) == 1
    early = partials[0]
    assert not early.complete
    assert whole.complete
    assert early.replicates == 1000
    sums = whole["fixed-horizon"].worlds["truth"].sums[:1000]
    np.testing.assert_array_equal(early["fixed-horizon"].worlds["truth"].sums, sums)
    assert steps[0] == (0, 20)
    assert steps[-1] == (20, 20)


def test_cached_result_is_returned_at_once():
    study = _study()
    first = study.run(replicates=1000, seed=8)
    assert study.run(replicates=1000, seed=8) is first


def test_a_study_is_frozen_when_it_runs():
    study = _study()
    request = study.freeze()
    study.scenario.variants[1].mean = 4.0
    assert request.study().scenario.variants[1].mean == 3.02
    assert study.freeze().digest != request.digest


def test_contradicting_params_are_refused_when_frozen():
    study = _study()
    study.scenario.traffic.shares = [0.5, 0.6]
    with pytest.raises(InputError, match="sum to"):
        study.freeze()


def test_truthful_evaluator_needs_no_unbiased_twin():
    assert engine.worlds_of(_study()) == ["truth", "null", "prior"]
    assert "unbiased" in engine.worlds_of(_study(evaluator={"kind": "judge", "differential_bias": 0.1}))


def test_the_cache_lets_go_of_large_results(monkeypatch):
    study = Study.from_tree(tree(), "cache", names=["fixed-horizon"])
    engine._CACHE.clear()
    monkeypatch.setattr(engine, "_CACHE_BYTES", 2 * 300 * 3 * 52 + 1)
    for seed in range(4):
        study.run(replicates=300, seed=seed)
    assert 1 <= len(engine._CACHE) <= 2
