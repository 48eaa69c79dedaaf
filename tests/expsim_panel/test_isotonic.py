"""Isotonic calibration in a study: against scipy, against users one by one, against its closed variance and PPI++."""

import math

import numpy as np
import pytest
from scipy.optimize import isotonic_regression
from worlds import exact_in, played, tree

from expsim_panel import plan
from expsim_panel.errors import InputError
from expsim_panel.estimators import isotonic
from expsim_panel.evaluation import evaluators
from expsim_panel.evaluation_budget import Rows, variance_of_difference
from expsim_panel.evaluation_laws import pair_law
from expsim_panel.hybrid_rows import CORRECTIONS, NO_SUMS, labelled_rows
from expsim_panel.isotonic_law import explained
from expsim_panel.kernels.isotonic import CELLS, FOLDS, TABLE, calibrated_mean, monotone
from expsim_panel.operating import estimates, rejected
from expsim_panel.scenario import Scenario
from expsim_panel.study import Study

pytestmark = pytest.mark.arithmetic

JUDGE = {"scale": 0.8, "offset": 0.3, "differential_bias": 0.05, "item_sd": 0.4, "price_override": 0.01}
JUDGE |= {"sensitivity": 0.85, "specificity": 0.9}
HUMAN = {"noise_sd": 0.5, "price_per_label": 1.0, "raters": 1000, "seconds": 2.0}
PILE = {"pile_up": 0.4, "pile_up_at": 3.3}
REFUSALS = {"refusals": 0.2, "refusal_correlation": 0.6}
NAMES = [{"kind": "fixed-horizon"}]


def _study(family="normal", judge=(), human=(), correction="isotonic", strategies=NAMES, shift=None, **tables):
    own = {"kind": "hybrid", "label_share": 0.2, "correction": correction, **tables.pop("evaluator", {})}
    parts = {"judge": {**JUDGE, **dict(judge)}, "human": {**HUMAN, **dict(human)}}
    means = shift or {"normal": (3.0, 3.03), "binary": (0.10, 0.09)}[family]
    made = tree(family, evaluators=parts, evaluator=own, **tables)
    made["variants"] = [{"name": name, "mean": mean} for name, mean in zip("AB", means, strict=True)]
    return Study.from_tree({**made, "strategies": strategies}, "test")


def _table(y, cells, far):
    table = np.zeros((TABLE, CELLS))
    for i, (label, b) in enumerate(zip(y, cells, strict=True)):
        table[i % FOLDS, b] += 1
        table[FOLDS + i % FOLDS, b] += label
        table[TABLE - 1, i % FOLDS] += label * label
    np.add.at(table[TABLE - 2], far, 1.0)
    return table


def test_pools_as_scipy_does():
    rng = np.random.default_rng(1)
    for _ in range(200):
        count = rng.integers(0, 4, CELLS).astype(float)
        count[rng.integers(CELLS)] += 1
        total = count * np.where(rng.random(CELLS) < 0.5, rng.integers(0, 3, CELLS), rng.normal(size=CELLS))
        level, used = np.empty(CELLS), count > 0
        monotone(count, total, level)
        wanted = isotonic_regression(total[used] / count[used], weights=count[used]).x
        at = np.arange(CELLS)
        np.testing.assert_allclose(level, np.interp(at, at[used], wanted), atol=1e-12)
        assert np.all(np.diff(level) >= -1e-12)


@pytest.mark.parametrize(("n", "rest"), [(20, 2), (31, 50), (200, 900), (3000, 300)])
def test_a_table_says_what_its_rows_say(n, rest):
    rng = np.random.default_rng(n)
    q = rng.standard_normal(n + rest)
    y, f = q + 0.5 * rng.standard_normal(n + rest), np.exp(q)
    cells = np.minimum(f * 8, CELLS - 1).astype(int)
    found = isotonic(y[:n], cells[:n], cells[n:], folds=FOLDS)
    made = calibrated_mean(_table(y[:n], cells[:n], cells[n:]))
    assert made == pytest.approx((found.value, found.small_variance), rel=1e-9, abs=1e-12)


def test_few_labels_stand_alone():
    y = np.arange(19) % 4.0
    found = calibrated_mean(_table(y, np.arange(19), np.arange(50)))
    assert found == pytest.approx((y.mean(), y.var(ddof=1) / 19), rel=1e-12)


@pytest.mark.parametrize(
    ("family", "judge", "share"),
    [
        ("normal", {}, 0.1),
        ("normal", {"item_sd": 1.5}, 0.5),
        ("normal", {"item_sd": 0.05, **PILE}, 0.1),
        ("normal", REFUSALS, 0.1),
        ("normal", {**REFUSALS, **PILE, "pile_up_at": 4.0}, 0.3),
        ("binary", {}, 0.1),
        ("binary", {"sensitivity": 0.6, "specificity": 0.7}, 0.5),
    ],
)
def test_unbiased_covering_and_as_precise_as_the_closed_form_at_2000_labels(family, judge, share):
    size = 10_000
    traffic = {"units_per_day": round(4000 / share), "days": 1}
    study = _study(family, judge, evaluator={"label_share": share}, traffic=traffic)
    out = played(study, "truth", size)["fixed-horizon"]
    assert np.all(out.rows == 2000)
    found = estimates(out, False)
    effect, se = found.effect[:, 0], found.se[:, 0]
    law = plan.law(study.scenario, "truth", 1, 0, 1)
    true = float(law.means[0, 1] - law.means[0, 0])
    sd = math.sqrt(float((law.sds[0] ** 2).sum()) / 2000)
    assert abs(effect.mean() - true) <= 3 * sd / math.sqrt(size)
    # A map from 1,600 labels is not yet the best one: that costs up to 1 % of the error.
    assert effect.std() == pytest.approx(sd, rel=3 / math.sqrt(2 * size) + 0.01)
    assert se.mean() == pytest.approx(effect.std(), rel=3 / math.sqrt(2 * size) + 0.002)
    covered = np.mean(np.abs(effect - true) <= 1.959964 * se)
    assert abs(covered - 0.95) <= 3 * math.sqrt(0.95 * 0.05 / size)


def _precision(judge, correction, family="normal", **how):
    traffic = {"units_per_day": 20_000, "days": 1}
    study = _study(family, judge, {"noise_sd": 0.2}, correction, traffic=traffic, **how)
    return float(estimates(played(study, "null", 10_000)["fixed-horizon"], False).effect.std())


def test_better_than_a_line_where_scores_pile_up_and_as_good_where_they_do_not():
    error = 3 / math.sqrt(2 * 10_000) * math.sqrt(2)
    flat = {"item_sd": 0.1, **PILE}
    study = _study(judge=flat, human={"noise_sd": 0.2})
    kinds = {name: study.scenario.evaluator.copy(correction=name) for name in ("isotonic", "ppi++")}
    closed = {name: float(one.per_label(np.array([[3.0]]), np.array([[1.0]]), "normal", 0.2)[0, 0])
              for name, one in kinds.items()}  # fmt: skip
    wanted = math.sqrt(closed["isotonic"] / closed["ppi++"])
    assert wanted < 0.96
    ratio = _precision(flat, "isotonic") / _precision(flat, "ppi++")
    assert ratio == pytest.approx(wanted, abs=error + 0.01)
    assert abs(_precision({}, "isotonic") / _precision({}, "ppi++") - 1) <= error + 0.02
    rates = _precision({}, "isotonic", "binary") / _precision({}, "eif", "binary")
    assert abs(rates - 1) <= error + 0.002


@pytest.mark.parametrize("judge", [{}, PILE, {"item_sd": 0.1, **REFUSALS, **PILE}])
def test_what_scores_explain_is_what_scipy_fits_to_many_rows(judge):
    study = _study(judge=judge)
    scenario, n = study.scenario, 400_000
    means, sds = np.array([[3.0, 3.4]]), np.array([[1.0, 1.0]])
    closed = explained(scenario.evaluator, means, sds, "normal")[0]
    rng, own = np.random.default_rng(5), {**JUDGE, **judge}
    for arm in (0, 1):
        z = rng.standard_normal(n)
        q = means[0, arm] + z
        tilt = own["differential_bias"] * arm
        f = own["offset"] + own["scale"] * q + tilt + own["item_sd"] * rng.standard_normal(n)
        if "pile_up" in judge:
            f = np.where(rng.random(n) < own["pile_up"], own["pile_up_at"], f)
        if "refusals" in judge:
            barrier = 0.8416212 + 0.6 * (means[0, arm] - 3.0)
            lost = barrier + 0.6 * z + 0.8 * rng.standard_normal(n) <= 0
            f = np.where(lost, f[~lost].mean(), f)
        order = np.argsort(f, kind="stable")
        _, at = np.unique(f[order], return_inverse=True)
        count = np.bincount(at)
        fitted = isotonic_regression(np.bincount(at, q[order]) / count, weights=count).x
        # A fit to its own rows explains a little too much; 64 cells lose about 0.1 %.
        assert closed[arm] == pytest.approx(float(np.cov(fitted[at], q[order])[0, 1]), rel=0.01), arm


@pytest.mark.parametrize("family", ["normal", "binary"])
def test_study_and_comparison_agree(family):
    judge = PILE if family == "normal" else {}
    study = _study(family, judge, traffic={"units_per_day": 5000, "days": 2})
    two = pair_law(study.scenario, 1)
    law = plan.law(study.scenario, "truth", 1, 0, 1)
    ours = float((law.sds[0] ** 2).sum()) / 1000
    assert ours == pytest.approx(variance_of_difference(two, "hybrid", Rows(1000, 5000)), rel=1e-9)
    line = pair_law(_study(family, judge, correction="auto").scenario, 1)
    if family == "binary":
        np.testing.assert_array_equal(two.rho, line.rho)
    else:
        assert np.all(two.rho > line.rho)


def _users(rng, scenario, days, n, rest):
    """Return difference and error of one experiment, user by user, estimated from the rows."""
    judge, people = scenario.evaluator.judge, scenario.evaluator.human
    raters = people.severity_sd * rng.standard_normal(people.raters)
    values, variances = [], []
    for arm, mean in enumerate(scenario.means):
        q = rng.normal(mean, scenario.metric.sd, days * (n + rest))
        f = judge.offset + judge.scale * q + judge.differential_bias * arm + judge.item_sd * rng.standard_normal(len(q))
        day = np.repeat(np.arange(days), n + rest)
        f = np.where(rng.random(len(q)) < judge.pile_up, judge.pile_up_at, f) + judge.drift * (day + 0.5) / days
        labelled = np.tile(np.arange(n + rest) < n, days)
        y = q[labelled] + people.noise_sd * rng.standard_normal(days * n)
        y += raters[np.arange(days * n) % people.raters]
        found = isotonic(y, f[labelled], f[~labelled], folds=FOLDS)
        values.append(found.value)
        variances.append(found.small_variance)
    return values[1] - values[0], math.sqrt(sum(variances))


def test_agrees_with_users_drawn_one_by_one():
    people = {"raters": 4, "severity_sd": 0.4, "seconds": 1.0}
    study = _study(judge={"drift": 0.1, **PILE}, human=people, traffic={"units_per_day": 200, "days": 4})
    out = played(study, "truth", 20_000)["fixed-horizon"]
    found = estimates(out, False)
    effect, se = found.effect[:, 0], found.se[:, 0]
    rng, size = np.random.default_rng(8), 2000
    slow = np.array([_users(rng, study.scenario, 4, 20, 80) for _ in range(size)])
    error = math.hypot(slow[:, 0].std() / math.sqrt(size), effect.std() / math.sqrt(len(effect)))
    assert abs(slow[:, 0].mean() - effect.mean()) <= 3 * error
    # Their scores are not rounded to cells, which with 80 labels is a little more to learn from.
    assert slow[:, 0].std() == pytest.approx(effect.std(), rel=3 / math.sqrt(2 * size) + 0.01)
    assert slow[:, 1].mean() == pytest.approx(se.mean(), rel=0.015)
    hits, share = np.abs(slow[:, 0] / slow[:, 1]) > 1.959964, rejected(out.code).mean()
    assert abs(hits.mean() - share) <= 3 * math.sqrt(share * (1 - share) / size) + 0.003


@pytest.mark.parametrize("family", ["normal", "binary"])
def test_simulated_is_exact_where_rules_look_early(family):
    rules = [{"kind": "fixed-horizon"}, {"kind": "pocock", "looks": 3}]
    study = _study(family, PILE if family == "normal" else {}, strategies=rules, human={"raters": 1000},
                   traffic={"units_per_day": 10_000, "days": 6})  # fmt: skip
    for name, one in played(study, "truth", 6000).items():
        wanted, found = exact_in(study, "truth", name)["rejection"], rejected(one.code).mean()
        assert abs(found - wanted) <= 3 * math.sqrt(found * (1 - found) / 6000) + 0.006, name


@pytest.mark.parametrize("family", ["ordinal", "amount"])
def test_levels_and_amounts_are_unbiased_and_say_why_they_are_not_exact(family):
    metric = {"name": "revenue", "family": "amount", "zero_share": 0.6, "log_sd": 0.5}
    if family == "ordinal":
        metric = {"name": "h", "family": "ordinal", "thresholds": [-1.4, -0.6, 0.2, 1.0], "range": [1, 5]}
        metric["draw_levels"] = True
    made = _study(human={"raters": 5, "severity_sd": 0.3, "seconds": 0.2}).to_tree()
    made["metric"], made["traffic"] = metric, {"units_per_day": 10_000, "days": 2}
    study = Study.from_tree(made, "test")
    found = estimates(played(study, "truth", 3000)["fixed-horizon"], False)
    effect, se = found.effect[:, 0], found.se[:, 0]
    assert abs(effect.mean() - 0.03) <= 3 * effect.std() / math.sqrt(3000)
    # What raters differ by in severity is in the estimated error, and drops out of the difference.
    assert effect.std() <= se.mean() * (1 + 3 / math.sqrt(6000))
    with pytest.raises(AssertionError, match="is known by simulation alone"):
        exact_in(study, "truth", "fixed-horizon")


def test_scores_count_before_their_labels_are_in():
    rules = [{"kind": "fixed-horizon"}, {"kind": "pocock", "looks": 2}]
    study = _study(human={"delay_days": 2}, strategies=rules, traffic={"units_per_day": 4000, "days": 6})
    for name, one in played(study, "truth", 8000).items():
        wanted, found = exact_in(study, "truth", name)["rejection"], rejected(one.code).mean()
        assert abs(found - wanted) <= 3 * math.sqrt(found * (1 - found) / 8000) + 0.008, name
    trace = study.run(replicates=50)["fixed-horizon"].trace
    rows, sums = trace.state[:, 1], trace.state[:, 2]
    assert trace.state.shape[0] == 8
    mean = sums[-3:] / rows[-3:]
    # The last day's figure has all labels, those before it all scores.
    assert np.all(np.abs(np.diff(mean, axis=0)) < 0.2)


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"evaluator": {"labelling": "active"}}, "evaluator.correction"),
        ({"evaluator": {"paired": True}, "traffic": {"units_per_day": 1000}}, "evaluator.correction"),
        ({"analysis": {"estimator": "stratified"}}, "analysis.estimator"),
        ({"strategies": [{"kind": "thompson"}]}, "strategies.0"),
    ],
)
def test_what_it_is_not_for_is_said_in_one_line(change, key):
    with pytest.raises(InputError) as caught:
        _study(**change)
    assert caught.value.key == key
    assert "\n" not in str(caught.value)
    assert "sotonic" in str(caught.value) or "PPI++" in str(caught.value)


@pytest.mark.parametrize(
    ("own", "said", "remedy"),
    [
        ({}, "thompson moves traffic, and isotonic calibration is for a fixed split", 'correction = "auto"'),
        (
            {"correction": "auto", "paired": True},
            "thompson sends a prompt to one variant, and paired prompts go to both",
            "evaluator.paired = false",
        ),
    ],
)
def test_an_evaluator_says_itself_that_it_needs_a_fixed_split(own, said, remedy):
    made = _study(evaluator=own, human={"seconds": 2.0}).scenario
    told = made.evaluator.fixed_split
    assert said.endswith(told.because)
    assert told.otherwise.endswith(remedy)
    tree_ = {**made.to_tree(), "strategies": [{"kind": "thompson"}]}
    with pytest.raises(InputError) as caught:
        Study.from_tree(tree_, "test")
    assert caught.value.key == "strategies.0"
    assert said in caught.value.problem
    assert remedy in caught.value.remedy
    # Whoever lists no strategy gets those that the evaluator allows.
    del tree_["strategies"]
    standard = Study.from_tree(tree_, "test").strategies
    assert standard
    assert not [one.name for one in standard if one.policy.adaptive]


@pytest.mark.parametrize("kind", ["truth", "judge", "human", "hybrid"])
def test_other_evaluators_let_traffic_move(kind):
    evaluator = evaluators.get(kind, "test", "kind")()
    assert evaluator.fixed_split is None


def test_a_law_of_labels_names_its_correction():
    study = _study()
    scenario, means = study.scenario, np.array([[3.0, 3.03]])
    made = scenario.evaluator.rows(scenario, means, np.ones((1, 2)), np.zeros((1, 2)), np.zeros((14, 2)))
    assert made.law.correction == NO_SUMS
    assert NO_SUMS not in CORRECTIONS.values()
    with pytest.raises(KeyError, match="isotonic"):
        labelled_rows(scenario, scenario.evaluator, means, np.ones((1, 2)), np.zeros((1, 2)), np.zeros((14, 2)))


def test_warm_compiles_its_kernels(monkeypatch):
    from expsim_panel import isotonic_rows
    from expsim_panel.commands import warm

    called, own = set(), []
    for name, one in vars(isotonic_rows).items():
        if str(getattr(one, "__module__", "")).startswith("expsim_panel.kernels.isotonic") and hasattr(one, "py_func"):
            own.append(name)
            monkeypatch.setattr(isotonic_rows, name, lambda *args, _as=name, _to=one: (called.add(_as), _to(*args))[1])
    for study in warm.calibrated():
        study.run(replicates=2, workers=1)
    assert set(own) == called == {"calibrated_mean", "draw_ordered", "scored_only"}


def test_standard_strategies_have_a_fixed_split():
    made = _study().scenario.to_tree()
    study = Study.from_tree({key: value for key, value in made.items() if key != "strategies"}, "test")
    assert study.strategies
    assert not [one.name for one in study.strategies if one.policy.adaptive]
    again = Scenario.from_tree(study.scenario.to_tree(), "test")
    assert again.evaluator.correction == "isotonic"
