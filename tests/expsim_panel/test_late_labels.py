"""Labels later than judge scores: against users one by one, against closed variances, and in a trace."""

import math

import numpy as np
import pytest
from worlds import exact_in, played, tree

from expsim_panel.estimators import binary_eif, ppi_plus_plus
from expsim_panel.operating import estimates, rejected
from expsim_panel.study import Study

pytestmark = pytest.mark.arithmetic

JUDGE = {"scale": 0.8, "item_sd": 0.4, "price_override": 0.01, "sensitivity": 0.85, "specificity": 0.9}
HUMAN = {"noise_sd": 0.5, "price_per_label": 1.0, "raters": 1000, "seconds": 5.0, "delay_days": 2}
Z = 2.0


def _study(family="normal", strategies=None, daily=100, days=8, late=0, shift=(3.0, 3.3), label_share=0.4, **evaluator):
    made = tree(family, evaluators={"judge": JUDGE, "human": HUMAN}, evaluator={
        "kind": "hybrid", "coverage": 1.0, "label_share": label_share, **evaluator})  # fmt: skip
    made["traffic"] = {"units_per_day": daily, "days": days, "delay_days": late}
    made["metric"]["direction"] = "increase"
    made["variants"] = [{"name": name, "mean": mean} for name, mean in zip("AB", shift, strict=True)]
    made["strategies"] = strategies or [{"kind": "user-bounds", "critical_values": [Z, Z]}]
    return Study.from_tree(made, "test")


def _by_users(family, replicates, late, shift, seed=3):
    """Play user by user: at day 4 and 8 compare what is known, with an estimator that takes arrays of people."""
    rng = np.random.default_rng(seed)
    each, per_day, labels = 8 * 50, 50, 20
    day = np.repeat(np.arange(1, 9), per_day)
    labelled = np.tile(np.arange(per_day) < labels, 8)
    stops = []
    for _ in range(replicates):
        arms = []
        for mean in shift:
            if family == "normal":
                q = mean + rng.standard_normal(each)
                y, f = q + 0.5 * rng.standard_normal(each), 0.8 * q + 0.4 * rng.standard_normal(each)
            else:
                y = (rng.random(each) < mean).astype(float)
                f = (rng.random(each) < np.where(y == 1, 0.85, 0.1)).astype(float)
            arms.append((y, f))
        found = 0
        for look in (4, 8):
            told = []
            for y, f in arms:
                scored = day <= look - late
                known = labelled & (day <= look - late - 2)
                rest = scored & ~known
                one = (
                    ppi_plus_plus(y[known], f[known], f[rest], bounds=None)
                    if family == "normal"
                    else binary_eif(y[known], f[known], f[rest])
                )
                told.append((one.value, one.small_variance if family == "normal" else one.variance))
            if (told[1][0] - told[0][0]) / math.sqrt(told[0][1] + told[1][1]) >= Z:
                found = look
                break
        stops.append(found)
    return np.array(stops)


@pytest.mark.parametrize(("family", "late", "shift"), [
    ("normal", 0, (3.0, 3.15)), ("normal", 1, (3.0, 3.15)), ("binary", 0, (0.5, 0.58)),
])  # fmt: skip
def test_a_look_uses_all_scores_and_the_labels_that_are_in(family, late, shift):
    users = _by_users(family, 4000, late, shift)
    study = _study(family, late=late, shift=shift)
    out = next(iter(played(study, "truth", 40_000).values()))
    ended = np.where(out.code > 0, out.day - 2 - late, 0)
    for day in (4, 8):
        one, two = (users == day).mean(), (ended == day).mean()
        error = math.sqrt(one * (1 - one) / 4000 + two * (1 - two) / 40_000)
        assert abs(one - two) <= 3.5 * error, day
    # When all labels are in, the estimate is the one of everything: 160 labels and 400 scores.
    full = _study(family, late=late, shift=shift, strategies=[{"kind": "fixed-horizon"}])
    late_out = next(iter(played(full, "truth", 20_000).values()))
    assert np.all(late_out.rows == 160)
    assert np.all(late_out.day == 8 + 2 + late)


def test_scores_that_are_in_say_something_before_their_labels():
    """Delaying the judge too would look with fewer scores, and the exact figures would be others."""
    study = _study(daily=2000, strategies=[{"kind": "obrien-fleming", "looks": 2}, {"kind": "fixed-horizon"}])
    for name, out in played(study, "truth", 100_000).items():
        wanted = exact_in(study, "truth", name)
        found = rejected(out.code).mean()
        assert abs(found - wanted["rejection"]) <= 3.5 * math.sqrt(found * (1 - found) / 100_000) + 1e-3, name


def test_pairs_wait_for_labels_only():
    names = [{"kind": "pocock", "looks": 2}]
    shape = {"paired": True, "prompt_sd": 0.5}
    study = _study(daily=2000, shift=(3.0, 3.04), strategies=names, **shape)
    out = played(study, "truth", 60_000)["pocock"]
    wanted = exact_in(study, "truth", "pocock")
    found = rejected(out.code).mean()
    assert abs(found - wanted["rejection"]) <= 3.5 * math.sqrt(found * (1 - found) / 60_000) + 1e-3
    one = study.run(replicates=20)["pocock"]
    assert one.trace.state[-1, 2] == pytest.approx(one.worlds["truth"].sums[0])


@pytest.mark.parametrize("kind", ["fixed-horizon", "even"])
def test_the_trace_ends_with_everything_and_is_never_short_of_a_label(kind):
    rows = [{"kind": "even", "stopping": "fixed-horizon"}] if kind == "even" else [{"kind": kind}]
    study = _study(strategies=rows, late=1)
    one = next(iter(study.run(replicates=40).strategies))
    state, out = one.trace.state, one.worlds["truth"]
    assert state.shape[0] == 8 + 3
    # Labels in: 20 a day and arm from day 4 on; all 160 on day 11, and the estimate is the final one.
    assert state[:, 1, 0] == pytest.approx([max(0, min(8, day - 3)) * 20 for day in range(1, 12)], abs=2)
    assert state[-1, 2] == pytest.approx(out.sums[0])
    assert state[-1, 3] == pytest.approx(out.squares[0])
    means = state[3:, 2] / state[3:, 1]
    assert np.isfinite(means).all()


def test_a_policy_learns_from_scores_before_their_labels():
    """With one split, learning or not, the estimate when everything is in has the spread of the fixed split."""
    rows = [{"kind": "even", "stopping": "fixed-horizon"}, {"kind": "fixed-horizon"}]
    study = _study(daily=400, strategies=rows)
    one, two = (estimates(out, False) for out in played(study, "truth", 10_000).values())
    error = math.hypot(one.effect.std(), two.effect.std()) / 100
    assert abs(one.effect.mean() - two.effect.mean()) <= 3.5 * error
    assert one.se.mean() == pytest.approx(two.se.mean(), rel=0.01)
    codes = [rejected(out.code).mean() for out in played(study, "truth", 10_000).values()]
    assert codes[0] == pytest.approx(codes[1], abs=4 * math.sqrt(0.5 / 10_000))
