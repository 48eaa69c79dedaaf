"""Judge and people on the same prompts, rates and several variants: against rows drawn one by one and closed forms."""

import json
import math

import numpy as np
import pytest
from scipy import stats
from worlds import exact_in

from expsim_panel import engine, plan
from expsim_panel.errors import InputError
from expsim_panel.estimates import Estimate
from expsim_panel.estimators import paired_ppi
from expsim_panel.evaluators.hybrid import Hybrid
from expsim_panel.kernels import hybrid, pair_contrasts, pair_days, pair_rates, topic_rates
from expsim_panel.operating import estimates
from expsim_panel.paired_laws import rate_differences, together
from expsim_panel.study import Study

pytestmark = pytest.mark.arithmetic

JUDGE = {"item_sd": 0.4, "item_variant_sd": 0.3, "repeat_sd": 0.2, "scale": 0.8, "differential_bias": 0.05}
VERDICTS = {"sensitivity": 0.85, "specificity": 0.8, "differential_bias": 0.03, "price_override": 0.01}
PEOPLE = {"sensitivity": 0.95, "specificity": 0.9, "price_per_label": 0.4}
RATES, SCORES = (0.7, 0.74, 0.78), (3.0, 3.05, 2.9)


def tree(means, family="normal", per_day=None, days=1, share=0.25, **changes):
    """Return a scenario whose variants all answer the same prompts."""
    arms = len(means)
    judge, human = (VERDICTS, PEOPLE) if family == "binary" else (JUDGE, {"noise_sd": 0.5, "price_per_label": 0.4})
    human = {"raters": 200, **human}
    own = {"kind": "hybrid", "label_share": share, "judge": judge, "human": {**human, **changes.pop("human", {})}}
    offline = changes.pop("offline", None)
    if offline is None:
        own |= {"paired": True, "prompt_sd": 0.6}
    made = {
        "schema": 1,
        "scenario": {"name": "pairs", "indifference": 0.02},
        "metric": {"name": "good", "family": family, "direction": changes.pop("direction", "increase")},
        "variants": [{"name": chr(97 + i), "mean": mean} for i, mean in enumerate(means)],
        "traffic": {"units_per_day": arms * (per_day or 160), "days": days, **changes.pop("traffic", {})},
        "evaluator": own,
    }
    if family == "normal":
        made["metric"]["sd"] = 1.0
    if offline is not None:
        made["offline"] = offline
    return {**made, **changes}


def played(case, replicates, names=("fixed-horizon",), world="truth", seed=3):
    """Play a study; return it with what its strategies end with."""
    names = ["holm" if len(case["variants"]) > 2 and one == "fixed-horizon" else one for one in names]
    study = Study.from_tree(json.loads(json.dumps(case)), "test", names=names)
    return study, engine.played(study, world, replicates=replicates, seed=seed)


def answers(g, study, prompts):
    """Draw labels and scores prompt by prompt and answer by answer, shape (prompts, arms)."""
    scenario = study.scenario
    table, evaluator, binary = scenario.offline, scenario.evaluator, scenario.family == "binary"
    m = int(table.samples) if table else 1
    s_p = float(table.prompt_sd if table else evaluator.prompt_sd)
    s_g = float(table.interaction_sd) if table else 0.0
    judge, human, means = evaluator.judge, evaluator.human, scenario.means
    left = math.sqrt(1 - (table.given() if table else s_p**2))
    prompt, item = s_p * g.normal(size=(prompts, 1)), g.normal(size=(prompts, 1))
    own, own_item = s_g * g.normal(size=(prompts, len(means))), g.normal(size=(prompts, len(means)))
    if table and table.topics:
        # A topic's prompts stand one after the other.
        size = int(table.size)
        prompt = prompt + np.repeat(table.topic_sd * g.normal(size=(prompts // size, 1)), size, axis=0)
        own = own + np.repeat(table.topic_interaction_sd * g.normal(size=(prompts // size, len(means))), size, axis=0)
    labels, scores = np.zeros((2, prompts, len(means)))
    for _ in range(m):
        sample = left * g.normal(size=own.shape)
        if binary:
            right = stats.norm.ppf(means) + prompt + own + sample > 0
            bias = judge.differential_bias * (np.arange(len(means)) > 0)
            hit, false = np.minimum(judge.sensitivity + bias, 1), np.minimum(1 - judge.specificity + bias, 1)
            labels += (g.random(own.shape) < np.where(right, human.sensitivity, 1 - human.specificity)) / m
            scores += (g.random(own.shape) < np.where(right, hit, false)) / m
        else:
            q = means + prompt + own + sample
            labels += q / m
            scores += (judge.scale * q + judge.repeat_sd * g.normal(size=own.shape)) / m
    if not binary:
        labels += human.noise_sd * g.normal(size=own.shape)
        scores += judge.item_sd * item + judge.item_variant_sd * own_item
        scores += judge.differential_bias * (np.arange(len(means)) > 0)
    return labels, scores


PROMPTS = {"prompts": 160, "prompt_sd": 0.5, "interaction_sd": 0.4, "samples": 2, "batches": 4}
TOPICS = {**PROMPTS, "prompts": 640, "topics": 160, "topic_sd": 0.3, "topic_interaction_sd": 0.3}
CASES = {
    "rates": tree(RATES[:2], "binary"),
    "rates, three variants": tree(RATES, "binary"),
    "scores, three variants": tree(SCORES),
    "prompt set, rates": tree(RATES[:2], "binary", offline=PROMPTS),
    "prompt set, rates, three variants": tree(RATES, "binary", offline={**PROMPTS, "samples": 1}),
    "prompt set, scores, three variants": tree(SCORES, offline=PROMPTS),
    "topics, scores": tree(SCORES[:2], offline=TOPICS),
    "topics, scores, three variants": tree(SCORES, offline=TOPICS),
    "topics, rates": tree(RATES[:2], "binary", offline=TOPICS),
    "topics, rates, three variants": tree(RATES, "binary", offline={**TOPICS, "samples": 4}),
    "topics, rates that should fall": tree(RATES[:2], "binary", offline=TOPICS, direction="decrease"),
}


def by_hand(case, replicates):
    """Return corrected differences and their errors from rows drawn one by one, shape (replicates, arms - 1)."""
    study = Study.from_tree(json.loads(json.dumps(case)), "test", names=["holm"])
    g = np.random.default_rng(4)
    values, errors = [], []
    for _ in range(replicates):
        size = int(study.scenario.offline.size) if study.scenario.offline else 1
        labels, scores = (
            one.reshape(160, size, -1).mean(axis=1) for one in answers(g, study, 160 * size)
        )  # fmt: skip
        row: list[Estimate] = []
        for a in range(1, labels.shape[1]):
            parts = ((one[:, 0], one[:, a]) for one in (labels[:40], scores[:40], scores[40:]))
            row.append(paired_ppi(*parts, bounds=None))
        values.append([study.scenario.sign * one.value for one in row])
        errors.append([math.sqrt(one.small_variance) for one in row])
    return np.array(values), np.array(errors)


@pytest.mark.parametrize("name", CASES)
def test_corrected_differences_are_those_of_rows_drawn_one_by_one(name):
    case = CASES[name]
    _, out = played(case, 20_000)
    out = next(iter(out.values()))
    found = estimates(out, False)
    values, errors = by_hand(case, 1500)
    np.testing.assert_array_equal(out.rows, 40)
    assert values.std(axis=0) == pytest.approx(found.effect.std(axis=0), rel=4 / math.sqrt(3000))
    gap = np.abs(values.mean(axis=0) - found.effect.mean(axis=0))
    assert (gap <= 4 * values.std(axis=0) / math.sqrt(1500)).all()
    assert errors.mean(axis=0) == pytest.approx(found.se.mean(axis=0), rel=0.015)
    if values.shape[1] > 1:
        # Contrasts share the control.
        mine, theirs = (np.corrcoef(one.T)[0, 1] for one in (found.effect, values))
        assert mine == pytest.approx(theirs, abs=4 / math.sqrt(1500))


@pytest.mark.parametrize("name", [name for name in CASES if not name.startswith("topics, rates")])
@pytest.mark.parametrize("correction", ["ppi++", "ppi"])
def test_variances_are_those_of_the_closed_form(name, correction):
    case = json.loads(json.dumps(CASES[name]))
    case["evaluator"]["correction"] = correction
    prompts, share = 8000, case["evaluator"]["label_share"]
    if "offline" in case:
        case["offline"]["prompts"] = prompts * (4 if "topics" in case["offline"] else 1)
        case["offline"] |= {"topics": prompts} if "topics" in case["offline"] else {}
    case["traffic"]["units_per_day"] = prompts * len(case["variants"])
    study, out = played(case, 6000)
    out = next(iter(out.values()))
    found, law = estimates(out, False), plan.law(study.scenario, "truth", 0, 0, 1)
    each = (law.sds[0, 0] ** 2 + law.sds[0, 1:] ** 2) / (prompts * share)
    assert found.effect.var(axis=0) == pytest.approx(each, rel=4 * math.sqrt(2 / 6000) + 0.004)
    assert (found.se**2).mean(axis=0) == pytest.approx(each, rel=0.01)
    truth = study.scenario.sign * (law.means[0, 1:] - law.means[0, 0])
    assert (np.abs(found.effect.mean(axis=0) - truth) <= 4 * np.sqrt(each / 6000)).all()


@pytest.mark.parametrize("name", list(CASES)[:3])
def test_two_thousand_labels_cover(name):
    # Fixed before looking: 3 Monte Carlo errors of a nominal 95 % at 100,000 replicates is 0.0021.
    case = {**json.loads(json.dumps(CASES[name]))}
    case["traffic"]["units_per_day"] = 8000 * len(case["variants"])
    study, out = played(case, 100_000)
    found, law = estimates(next(iter(out.values())), False), plan.law(study.scenario, "truth", 0, 0, 1)
    truth = law.means[0, 1:] - law.means[0, 0]
    covered = (np.abs(found.effect - truth) <= stats.norm.ppf(0.975) * found.se).mean(axis=0)
    assert covered == pytest.approx(0.95, abs=3 * math.sqrt(0.95 * 0.05 / 100_000))


@pytest.mark.parametrize("name", [name for name in CASES if name.startswith("topics, rates")])
def test_topics_of_rates_have_the_moments_of_owens_closed_form(name):
    """A hundred thousand topics, drawn answer by answer: labels, verdicts and both together."""
    case, count = CASES[name], 100_000
    scenario = Study.from_tree(json.loads(json.dumps(case)), "t", names=["holm"]).scenario
    law, arms = plan.law(scenario, "truth", 1, 0, 1).kind.law, len(scenario.variants)
    table, evaluator = scenario.offline, scenario.evaluator
    told = rate_differences(
        evaluator, scenario.means, table.prompt_sd, table.interaction_sd, table.samples, *table.of_topics()
    )
    into, daily = [np.zeros((1, 1, arms)) for _ in range(4)], np.zeros((1, pair_days.BOOK, arms - 1))
    rng = np.random.Generator(np.random.SFC64(9))
    topic_rates.draw_topic_rates(rng, law, np.array([count]), np.array([count]), 0, *into, daily)
    y, f, yy, ff, yf = (daily[0, at] / count for at in (hybrid.Y, hybrid.F, hybrid.YY, hybrid.FF, hybrid.YF))
    label, verdict = yy - y**2, ff - f**2
    people = 0.95 + 0.9 - 1
    gap = people * (scenario.means[1:] - scenario.means[0])
    assert (np.abs(y - gap) <= 4 * told.label_sd / math.sqrt(count)).all()
    assert (np.abs(f - told.score) <= 4 * told.score_sd / math.sqrt(count)).all()
    # means over eight answers and more are as good as normal: a variance has the relative error sqrt(2 / n)
    assert label == pytest.approx(told.label_sd**2, rel=4 * math.sqrt(2 / count))
    assert verdict == pytest.approx(told.score_sd**2, rel=4 * math.sqrt(2 / count))
    rho = (yf - y * f) / np.sqrt(label * verdict)
    assert rho == pytest.approx(told.rho, abs=4 / math.sqrt(count))
    base = daily[0, pair_days.BASE, 0] / count
    mean = scenario.means[0] * 0.95 + (1 - scenario.means[0]) * 0.1
    assert base == pytest.approx(mean, abs=4 * 0.5 / math.sqrt(count))


def test_a_topic_of_one_prompt_is_a_prompt():
    """Its parts and the prompt's add up, in the closed form and in the states of one prompt."""
    cells, evaluator = states((0.7, 0.74, 0.5), 0.5, 0.4, 2)
    assert cells.size
    means = np.array((0.7, 0.74, 0.5))
    whole = rate_differences(evaluator, means, 0.5, 0.4, 2)
    parts = rate_differences(evaluator, means, 0.3, 0.0, 2, 0.4, 0.4, 1)
    for name in ("score", "label_sd", "score_sd", "rho"):
        np.testing.assert_allclose(getattr(parts, name), getattr(whole, name), rtol=1e-12)


def test_estimates_of_topics_of_rates_are_the_planned_ones():
    case = json.loads(json.dumps(CASES["topics, rates"]))
    case["offline"] |= {"prompts": 4000, "topics": 1000}
    study, out = played(case, 3000)
    found, law = estimates(next(iter(out.values())), False), plan.law(study.scenario, "truth", 0, 0, 1)
    each = (law.sds[0, 0] ** 2 + law.sds[0, 1:] ** 2) / 250
    assert found.effect.var(axis=0) == pytest.approx(each, rel=4 * math.sqrt(2 / 3000) + 0.01)
    assert (found.se**2).mean(axis=0) == pytest.approx(each, rel=0.01)
    truth = law.means[0, 1:] - law.means[0, 0]
    assert (np.abs(found.effect.mean(axis=0) - truth) <= 4 * np.sqrt(each / 3000)).all()
    chance = exact_in(study, "truth", "fixed-horizon")["rejection"]
    assert (next(iter(out.values())).code != 0).mean() == pytest.approx(
        chance, abs=3 * math.sqrt(chance * (1 - chance) / 3000) + 0.01
    )


def states(means, prompt, own, repeats):
    """Return the chances of every state of one prompt, shape (m + 1, m + 1) by arm, and the evaluator."""
    arms = len(means)
    case = tree(means, "binary", offline={"prompts": 100, "prompt_sd": prompt, "interaction_sd": own,
                                          "samples": repeats})  # fmt: skip
    scenario = Study.from_tree(json.loads(json.dumps(case)), "t", names=["holm"]).scenario
    law = plan.law(scenario, "truth", 0, 0, 1).kind.law
    cells = np.zeros((repeats + 1) ** (2 * arms))
    assert pair_rates.prompt_states(law, 0, 0, cells) == cells.size
    return cells.reshape((repeats + 1,) * (2 * arms)), scenario.evaluator


@pytest.mark.parametrize(
    ("means", "prompt", "own", "repeats"),
    [
        ((0.7, 0.8), 0.6, 0.0, 1),
        ((0.08, 0.05), 0.9, 0.3, 3),
        ((0.7, 0.74, 0.5), 0.5, 0.4, 2),
        ((0.5, 0.6), 0.99, 0.0, 1),
    ],
)
def test_states_have_the_moments_of_owens_closed_form(means, prompt, own, repeats):
    cells, evaluator = states(means, prompt, own, repeats)
    assert cells.sum() == pytest.approx(1, abs=1e-12)
    assert isinstance(evaluator, Hybrid)
    told = rate_differences(evaluator, np.array(means), prompt, own, repeats)
    grid = np.meshgrid(*[np.arange(repeats + 1) / repeats] * cells.ndim, indexing="ij")
    for a in range(1, len(means)):
        d, f = grid[2 * a] - grid[0], grid[2 * a + 1] - grid[1]
        d_mean, f_mean = (cells * d).sum(), (cells * f).sum()
        assert f_mean == pytest.approx(told.score[a - 1], abs=1e-10)
        assert d_mean == pytest.approx((means[a] - means[0]) * (0.95 + 0.9 - 1), abs=1e-10)
        assert (cells * d * d).sum() - d_mean**2 == pytest.approx(told.label_sd[a - 1] ** 2, abs=1e-9)
        assert (cells * f * f).sum() - f_mean**2 == pytest.approx(told.score_sd[a - 1] ** 2, abs=1e-9)
        covariance = told.rho[a - 1] * told.label_sd[a - 1] * told.score_sd[a - 1]
        assert (cells * d * f).sum() - d_mean * f_mean == pytest.approx(covariance, abs=1e-9)


def test_owens_t_is_the_bivariate_normal():
    points = [(-1.2, 0.4, 0.3), (0.0, 0.0, 0.5), (0.0, 1.3, 0.9), (2.0, -2.0, 0.7), (-0.5, -0.5, 0.99), (1.0, 0.0, 0.2)]
    for x, y, r in points:
        wanted = stats.multivariate_normal(cov=[[1, r], [r, 1]]).cdf([x, y])
        assert together(np.array(x), np.array(y), r) == pytest.approx(wanted, abs=1e-7)
    assert together(np.array(0.3), np.array(-0.2), 0.0) == pytest.approx(stats.norm.cdf(0.3) * stats.norm.cdf(-0.2))
    assert together(np.array(0.3), np.array(-0.2), 1.0) == pytest.approx(stats.norm.cdf(-0.2))


@pytest.mark.parametrize(
    "case",
    [
        tree((0.7, 0.72), "binary", per_day=1600, days=5),
        tree((3.0, 3.03), offline={**TOPICS, "prompts": 32_000, "topics": 8000, "batches": 5}),
    ],
    ids=["rates", "topics, scores"],
)
def test_exact_figures_are_those_of_the_simulation(case):
    # 200,000 replicates of 2,000 labels (labelled topics): z tests of a difference under a hybrid.
    study, out = played(case, 200_000, ("fixed-horizon", "pocock"))
    for name, one in out.items():
        wanted = exact_in(study, "truth", name)["rejection"]
        assert (one.code != 0).mean() == pytest.approx(
            wanted, abs=3 * math.sqrt(wanted * (1 - wanted) / 200_000) + 8e-4
        )


def test_late_labels_and_a_rate_that_should_fall():
    case = tree((0.2, 0.2), "binary", per_day=400, days=5, direction="decrease", human={"delay_days": 2})
    study, out = played(case, 4000, ("fixed-horizon", "obrien-fleming"), "null")
    for one in out.values():
        assert (one.code != 0).mean() == pytest.approx(0.05, abs=4 * math.sqrt(0.05 * 0.95 / 4000))
    mean = (out["fixed-horizon"].sums / out["fixed-horizon"].rows).mean(axis=0)
    assert mean == pytest.approx([1 - (0.2 * 0.95 + 0.8 * 0.1)] * 2, abs=0.003)
    assert study.run(replicates=200)["obrien-fleming"].trace.state.shape[0] == 7


def test_interpreted_rows_are_the_same_to_the_bit():
    if not hasattr(pair_rates.draw_paired_rates, "py_func"):
        pytest.skip("nothing is compiled here")
    for name, function in (("rates, three variants", pair_rates.draw_paired_rates),
                           ("topics, rates, three variants", topic_rates.draw_topic_rates),
                           ("scores, three variants", pair_contrasts.draw_arm_pairs)):  # fmt: skip
        scenario = Study.from_tree(json.loads(json.dumps(CASES[name])), "t", names=["holm"]).scenario
        law = plan.law(scenario, "truth", 1, 0, 1).repeated(3).kind.law
        made = []
        for one in (function, function.py_func):
            out = [np.zeros((3, 2, 3)) for _ in range(4)]
            daily = np.zeros((2, 10, 2))
            asked = np.array([3, 20]), np.array([9, 60]), 1
            if hasattr(law, "steps"):
                law = law._replace(steps=np.zeros((2, 3)), drift=np.zeros(2))
            elif hasattr(law, "label_steps"):
                law = law._replace(label_steps=np.zeros((2, 3)), score_steps=np.zeros((2, 3)))
            one(np.random.Generator(np.random.SFC64(1)), law, *asked, *out, daily)
            made.append([*out, daily])
        assert all((a == b).all() for a, b in zip(*made, strict=True))


@pytest.mark.parametrize(
    ("case", "key"),
    [
        (tree(RATES, traffic={"units_per_day": 100}), "traffic.units_per_day"),
        (tree((0.5,) * 7, "binary"), "evaluator.paired"),
        (tree(RATES, "binary", offline={**PROMPTS, "samples": 4}), "offline.samples"),
        (tree(SCORES[:2], offline={**TOPICS, "analysis": "prompt"}), "offline.analysis"),
        (tree(SCORES[:2], offline={**PROMPTS, "paired": False}), "offline.paired"),
        (tree(SCORES[:2], metric={"name": "m", "family": "amount", "sd": 1.0, "zero_share": 0.5}), "evaluator.paired"),
    ],
)
def test_what_cannot_be_paired_is_one_line(case, key):
    with pytest.raises(InputError) as caught:
        Study.from_tree(json.loads(json.dumps(case)), "t", names=["fixed-horizon"])
    assert caught.value.key == key
    assert "\n" not in str(caught.value)


def test_rates_of_three_variants_equal_ppi_python():
    # ppi-python 0.2.3, ppi_mean_pointestimate and ppi_mean_ci(alpha=0.05) on these differences, made in its own venv.
    i, a = np.arange(240)[:, None], np.arange(3)
    y = ((i * i + 7 * i + i * a + 2 * a) % 11 < 6 + (a > 0)).astype(float)
    f = np.where((3 * i * i + 5 * i + 11 * a) % 7 < 5 + (a > 1), y, 1 - y)
    wanted = {
        1: (0.20370943721586457, 0.060828437565113386, 0.3465904368666157),
        2: (0.11442557317869351, -0.03242390327335207, 0.2612750496307391),
    }
    kept, sums, squares = np.zeros((pair_days.BOOK, 2)), np.zeros(3), np.zeros(3)
    for v, told in wanted.items():
        found = paired_ppi((y[:60, 0], y[:60, v]), (f[:60, 0], f[:60, v]), (f[60:, 0], f[60:, v]))
        assert (found.value, *found.interval(0.95)) == pytest.approx(told, abs=1e-9)
        d, s = y[:60, v] - y[:60, 0], f[:60, v] - f[:60, 0]
        far = f[60:, v] - f[60:, 0]
        kept[:, v - 1] = [60, d.sum(), s.sum(), d @ d, s @ s, d @ s, 180, far.sum(), far @ far, y[:60, 0].sum()]
    # The kernel corrects all variants at once, in the sums that a rule reads.
    pair_days.write_contrasts(1.0, 0.0, 0, kept, sums, squares)
    for v, told in wanted.items():
        assert (sums[v] - sums[0]) / 60 == pytest.approx(told[0], abs=1e-9)
