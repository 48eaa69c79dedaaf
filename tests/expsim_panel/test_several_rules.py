"""Rules of several variants: against the law of one variant, and against walks judged by each rule's own definition."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import ndtr
from scipy.stats import chi2, norm
from worlds import tree

from expsim_panel import Study, best_looks, exact, plan, several_exact, several_looks
from expsim_panel.best_of_three import Lead
from expsim_panel.designs.promising_zone import _last_days
from expsim_panel.economics import ledger
from expsim_panel.exact import as_seen
from expsim_panel.kernels.arms import LOSS, P_BEST, best_of_normals
from expsim_panel.lift_law import lift_rejects, lift_wins
from expsim_panel.regions import stops_between

PATHS = 200_000
FAMILY = 2 * norm.sf(3)


def study_of(
    strategy, means=(3.0, 3.25, 3.1), shares=(0.4, 0.35, 0.25), days=6, per_day=300, family="normal", sds=None
):
    variants = [{"name": name, "mean": mean} for name, mean in zip("ABCD", means, strict=False)]
    world = tree(family, variants=variants, traffic={"units_per_day": per_day, "days": days, "shares": list(shares)})
    study = Study.from_tree({**world, "strategies": [strategy]}, "test")
    setting, law = plan.setting_of(study.scenario, "truth"), plan.law(study.scenario, "truth", 0, 0, 1)
    if sds is not None:
        law = replace(law, sds=np.array([sds]))
    return study.strategies[0].design, setting, law


def asked_and_won(design, setting, law):
    planned = design.bounds(as_seen(setting, law) if design.bounds_follow_spread else setting)
    return design.contest(planned, setting, law), design.won(planned, setting, law, True)


def walks(setting, law, seed=11):
    """Return sample means by path, day and arm: plain normal walks with known spreads."""
    rng = np.random.default_rng(seed)
    steps = np.diff(setting.rows, axis=0, prepend=0.0)
    draws = rng.standard_normal((PATHS, *steps.shape))
    return np.cumsum(steps * law.means[0] + np.sqrt(steps) * law.sds[0] * draws, axis=1) / setting.rows


def first_decision(days, answers):
    """Return the answer of each path at its first day with one: a > 0 a variant, -1 control, -2 nothing; and the day."""
    code, day = np.zeros(PATHS, int), np.full(PATHS, days[-1])
    for at, answer in zip(days, answers, strict=True):
        new = (code == 0) & (answer != 0)
        code[new], day[new] = answer[new], at
    return code, day


def agree(won, code, day, comparisons=8):
    """Each chance within three standard errors, shared out over the comparisons."""
    limit = norm.isf(FAMILY / 2 / comparisons)
    pairs = [(won.wins[a - 1], code == a) for a in range(1, won.wins.size + 1)] + [(won.low, code == -1)]
    if won.looks is not None:
        days, *parts = won.looks
        stops = np.sum(parts, axis=0)
        pairs += [(parts[1].sum(), code == -2)]
        mean, spread = stops @ days + (1 - stops.sum()) * day.max(), day.std()
        assert abs(day.mean() - mean) <= limit * spread / math.sqrt(PATHS) + 1e-9
    for wanted, hit in pairs:
        error = math.sqrt(max(wanted * (1 - wanted), 1 / PATHS) / PATHS)
        assert abs(hit.mean() - wanted) <= limit * error, (wanted, hit.mean())


def winner(score, passes, low, idle=None):
    """Answer of a look: who ranks highest of those that pass, -1 if all are low, -2 if all are idle."""
    best = np.where(passes, score, -np.inf).argmax(axis=1) + 1
    answer = np.where(passes.any(axis=1), best, np.where(low.all(axis=1), -1, 0))
    return answer if idle is None else np.where((answer == 0) & idle.all(axis=1), -2, answer)


def leads(setting, law, means, day):
    """Return differences to control and their variances on a day, (paths, variants) and (variants,)."""
    each = law.sds[0] ** 2 / setting.rows[day - 1]
    return means[:, day - 1, 1:] - means[:, day - 1, :1], each[1:] + each[0]


SPREADS = (1.0, 1.5, 0.6)
UNLIKE = [{}, {"sds": SPREADS}]
FOUR = {"means": (3.0, 3.25, 3.1, 3.2), "shares": (0.3, 0.3, 0.2, 0.2), "sds": (1.0, 1.5, 0.6, 1.2), "days": 4}
"""Variants alike but for their rows; and with spreads of their own, so that who ranks highest is not who has most z."""


@pytest.mark.arithmetic
@pytest.mark.parametrize("sides", [1, 2])
@pytest.mark.parametrize("world", [*UNLIKE, FOUR])
def test_the_mixture_ratio_is_the_largest_of_those_that_reject(sides, world):
    design, setting, law = study_of({"kind": "msprt", "sides": sides, "tau": 0.15, "alpha": 0.2}, **world)
    means, days = walks(setting, law), design.look_days(setting)
    answers = []
    for day in days:
        d, v = leads(setting, law, means, day)
        ratio = np.sqrt(v / (v + 0.15**2)) * np.exp(0.15**2 * d**2 / (2 * v * (v + 0.15**2)))
        if sides == 1:
            ratio = 2 * ratio * ndtr(d * 0.15 / np.sqrt(v * (v + 0.15**2)))
        reject = ratio > (setting.arms - 1) / 0.2
        answers.append(winner(ratio, reject & (d > 0), reject & (d < 0) & (sides == 2)))
    agree(asked_and_won(design, setting, law)[1], *first_decision(days, answers))


@pytest.mark.arithmetic
@pytest.mark.parametrize("prior", [{}, {"prior": "normal", "prior_mean": 0.05, "prior_sd": 0.15}, {"max_loss": 0.002}])
@pytest.mark.parametrize("world", [*UNLIKE, FOUR])
def test_the_surest_variant_with_little_to_lose(prior, world):
    design, setting, law = study_of({"kind": "bayesian-prior", "confidence": 0.9, "min_days": 1, **prior}, **world)
    precision, centre = design.prior_precision(setting)
    means, days = walks(setting, law), design.look_days(setting)
    answers = []
    for day in days:
        d, v = leads(setting, law, means, day)
        sd = np.sqrt(1 / (1 / v + precision))
        z = sd * (d / v + precision * centre)
        loss = sd * (norm.pdf(z) - np.abs(z) * norm.sf(np.abs(z)))
        passes = (norm.cdf(np.abs(z)) >= 0.9) & (loss <= design.loss_allowed(setting))
        answers.append(winner(z, passes & (z > 0), passes & (z < 0)))
    agree(asked_and_won(design, setting, law)[1], *first_decision(days, answers))


@pytest.mark.arithmetic
@pytest.mark.parametrize("prior", [{}, {"prior": "normal", "prior_mean": 0.05, "prior_sd": 0.3}])
@pytest.mark.parametrize("world", UNLIKE)
def test_all_variants_must_be_within_the_region_of_equivalence(prior, world):
    strategy = {"kind": "rope", "confidence": 0.8, "min_days": 1, "equivalence": 0.14, **prior}
    design, setting, law = study_of(strategy, means=(3.0, 3.05, 3.02), **world)
    precision, centre = design.prior_precision(setting)
    means, days = walks(setting, law), design.look_days(setting)
    answers = []
    for day in days:
        d, v = leads(setting, law, means, day)
        sd = np.sqrt(1 / (1 / v + precision))
        mean = sd**2 * (d / v + precision * centre)
        above, below = norm.sf((0.14 - mean) / sd), norm.cdf((-0.14 - mean) / sd)
        answers.append(winner(above, above >= 0.8, below >= 0.8, 1 - above - below >= 0.8))
    code, day = first_decision(days, answers)
    assert (code == -2).mean() > 0.01
    agree(asked_and_won(design, setting, law)[1], code, day)


@pytest.mark.arithmetic
@pytest.mark.parametrize("rule", [{"looks": 1}, {"confidence": 0.8, "max_loss": 0.01}])
@pytest.mark.parametrize("world", UNLIKE)
def test_the_posterior_of_three_arms(rule, world):
    design, setting, law = study_of({"kind": "bayesian", "confidence": 0.9, "min_days": 1, **rule}, days=3, **world)
    means, days = walks(setting, law), design.look_days(setting)
    x, weight = np.polynomial.legendre.leggauss(32)
    answers = []
    for day in days:
        sds, at = law.sds[0] / np.sqrt(setting.rows[day - 1]), means[:, day - 1]
        answer = np.zeros(PATHS, int)
        for arm, code in enumerate((-1, 1, 2)):
            chance, gain = np.zeros(PATHS), np.zeros(PATHS)
            others = [i for i in range(3) if i != arm]
            low, high = (at - 7 * sds).min(axis=1), (at + 7 * sds).max(axis=1)
            for node, part in zip(x, weight, strict=True):
                t = (low + high) / 2 + (high - low) / 2 * node
                behind = np.prod([ndtr((t - at[:, i]) / sds[i]) for i in others], axis=0)
                z = (t - at[:, arm]) / sds[arm]
                chance += (high - low) / 2 * part * norm.pdf(z) / sds[arm] * behind
                gain += (high - low) / 2 * part * ndtr(z) * (1 - behind)
            chosen = (chance >= design.confidence) & (gain <= design.loss_allowed(setting))
            answer[chosen] = code
        answers.append(answer)
    agree(asked_and_won(design, setting, law)[1], *first_decision(days, answers))


@pytest.mark.arithmetic
@pytest.mark.parametrize("sides", [1, 2])
@pytest.mark.parametrize("world", [{"sds": SPREADS}, FOUR])
def test_one_variance_for_both_arms(sides, world):
    """Pooled and Student's: z of each variant under the common spread; the largest wins."""
    for strategy in ({"kind": "fixed-pooled"}, {"kind": "fixed-t", "variances": "equal"}):
        design, setting, law = study_of({**strategy, "sides": sides, "alpha": 0.3}, **world)
        means, n, v = walks(setting, law)[:, -1], setting.rows[-1], law.sds[0] ** 2
        common = (n[1:] * v[1:] + n[0] * v[0]) / (n[1:] + n[0])
        z = (means[:, 1:] - means[:, :1]) / np.sqrt(common * (1 / n[1:] + 1 / n[0]))
        bound = norm.isf(0.3 / sides / (setting.arms - 1))
        code = winner(z, z > bound, (z < -bound) & (sides == 2))
        won = asked_and_won(design, setting, law)[1]
        agree(won, code, np.full(PATHS, setting.days))
        every = (z > bound).all(axis=1).mean()
        assert abs(every - won.every) <= norm.isf(FAMILY / 16) * math.sqrt(won.every * (1 - won.every) / PATHS)


@pytest.mark.arithmetic
def test_students_variance_of_two_arms_is_one_of_both():
    """Unequal shares of unequal spreads: the closed form under the common variance within arms."""
    strategy = {"kind": "fixed-t", "variances": "equal"}
    variants = [{"name": "A", "mean": 0.20}, {"name": "B", "mean": 0.19}]
    world = tree("binary", variants=variants, traffic={"units_per_day": 2000, "days": 5, "shares": [0.8, 0.2]})
    study = Study.from_tree({**world, "strategies": [strategy]}, "test")
    known = exact.operating(study.scenario, study.strategies[0], "truth", ledger(study.scenario))
    n, p = np.array([8000, 2000]), np.array([0.20, 0.19])
    v = p * (1 - p)
    bound = norm.isf(0.025) * math.sqrt((n @ v) / n.sum() * (1 / n).sum())
    own = math.sqrt((v / n).sum())
    assert known.values["launch"] == pytest.approx(norm.sf((bound - 0.01) / own), abs=1e-9)


@pytest.mark.arithmetic
@pytest.mark.parametrize(("sign", "binary"), [(1, False), (-1, False), (1, True)])
def test_the_largest_logarithmic_lift(sign, binary):
    means = np.array([0.4, 0.43, 0.42]) if binary else sign * np.array([3.0, 3.2, 3.3])
    sds = np.sqrt(means * (1 - means)) if binary else np.array(SPREADS)
    rows = np.array([2000.0, 1500.0, 1000.0]) if binary else np.array([400.0, 350.0, 250.0])
    won = lift_wins(means, sds, rows, 1.4, True, binary, np.array([True, True]))
    at = means + sds / np.sqrt(rows) * np.random.default_rng(5).standard_normal((PATHS, 3))
    relative = (1 - at) / (at * rows) if binary else (sds / at) ** 2 / rows
    z = sign * np.log(at[:, 1:] / at[:, :1]) / np.sqrt(relative[:, 1:] + relative[:, :1])
    agree(won, winner(z, z > 1.4, z < -1.4), np.ones(PATHS))
    # A variant far behind leaves the law of the other one.
    one = lift_wins(
        np.array([3.0, 3.1, 1.5]), np.ones(3), np.full(3, 900.0), 1.8, False, False, np.array([True, False])
    )
    high = lift_rejects(np.array([3.0, 3.1]), np.ones(2), np.full(2, 900.0), 1.8, False)[1]
    assert one.wins == pytest.approx([high, 0.0], abs=1e-10)
    assert one.every == pytest.approx(high, abs=1e-10)


@pytest.mark.arithmetic
@pytest.mark.parametrize("sides", [1, 2])
@pytest.mark.parametrize("world", UNLIKE)
def test_the_promising_zone_follows_the_largest_z(sides, world):
    design, setting, law = study_of({"kind": "promising-zone", "sides": sides, "least": 0.1}, days=12, **world)
    rule, means, rows = design.rule(setting), walks(setting, law), setting.rows
    d, v = leads(setting, law, means, rule.interim + 1)
    first = d / np.sqrt(v)
    best = np.abs(first).max(axis=1) if sides == 2 else np.maximum(first, 0).max(axis=1)
    day = _last_days(rule, rows.sum(axis=1), best)
    each = np.arange(PATHS)
    later = rows[day] - rows[rule.interim]
    second = (rows[day] * means[each, day] - rows[rule.interim] * means[:, rule.interim]) / later
    own = law.sds[0] ** 2 / later
    z = math.sqrt(rule.information) * first + math.sqrt(1 - rule.information) * (
        second[:, 1:] - second[:, :1]
    ) / np.sqrt(own[:, 1:] + own[:, :1])
    code = winner(z, z > rule.critical, (z < -rule.critical) & (sides == 2))
    code = np.where((code == 0) & (day < rule.last), -2, code)
    assert np.unique(day).size >= 4
    agree(design.won(None, setting, law, True), code, day + 1)


@pytest.mark.arithmetic
@pytest.mark.parametrize("means", [(3.0, 3.25, 3.1), (3.0, 3.3, 3.1, 3.2)])
@pytest.mark.parametrize("review", [0.1, 0.5])
def test_the_blinded_spread_of_scores(means, review):
    """The squares of rows within arms are drawn from their chi-square laws, those between arms follow the means."""
    shares = (0.4, 0.35, 0.25) if len(means) == 3 else (0.3, 0.3, 0.2, 0.2)
    strategy = {"kind": "blinded-reestimation", "planned_effect": 0.33, "review_at": review}
    design, setting, law = study_of(strategy, means, shares, days=20, per_day=60)
    rule, at = design.rule(setting), walks(setting, law)
    n = setting.rows[rule.review]
    within = chi2(n.sum() - n.size).rvs(PATHS, random_state=np.random.default_rng(3)) * law.sds[0][0] ** 2
    centre = at[:, rule.review] - (at[:, rule.review] @ n)[:, None] / n.sum()
    needed = rule.per_variance * (within + centre**2 @ n) / (n.sum() - 1)
    arrived = setting.rows.sum(axis=1)
    days = np.arange(rule.review, rule.last + 1)
    enough = arrived[days] >= needed[:, None]
    enough[:, -1] = True
    day = days[enough.argmax(axis=1)]
    each = law.sds[0] ** 2 / setting.rows[day]
    mean = at[np.arange(PATHS), day]
    z = (mean[:, 1:] - mean[:, :1]) / np.sqrt(each[:, 1:] + each[:, :1])
    code = winner(z, z > rule.critical, z < -rule.critical)
    code = np.where((code == 0) & (day < rule.last), -2, code)
    agree(design.won(None, setting, law, True), code, day + 1, 10)


@pytest.mark.arithmetic
@pytest.mark.parametrize("strategy", [
    {"kind": "msprt"}, {"kind": "msprt", "sides": 1}, {"kind": "bayesian-prior", "min_days": 1},
    {"kind": "bayesian-prior", "prior": "normal", "min_days": 1}, {"kind": "rope", "min_days": 1},
    {"kind": "empirical-bernstein", "width": 0.5},
])  # fmt: skip
def test_a_variant_far_behind_leaves_the_law_of_the_other(strategy):
    design, setting, law = study_of(strategy, means=(3.0, 3.2, -37.0), sds=(1.0, 1.3, 1.0))
    asked, won = asked_and_won(design, setting, law)
    rows = setting.rows[asked.days - 1] if asked.rows is None else asked.rows
    variance = (law.sds[0, :2] ** 2 / rows[:, :2]).sum(axis=1)
    low, _, high = stops_between(
        variance[-1] / variance, asked.lower[:, 0], asked.upper[:, 0], None, 0.2 / math.sqrt(variance[-1])
    )
    assert won.wins == pytest.approx([high.sum(), 0.0], abs=2e-8)
    np.testing.assert_allclose(won.looks[3], high, atol=2e-8)
    np.testing.assert_allclose(won.looks[1], low, atol=2e-8)


@pytest.mark.arithmetic
def test_far_behind_leaves_the_promising_zone_of_the_other():
    strategy = {"kind": "promising-zone", "sides": 1, "alpha": 0.05, "least": 0.1}
    design, setting, law = study_of(strategy, means=(3.0, 3.2, -37.0), shares=(0.4, 0.3, 0.3), days=10)
    won = design.won(None, setting, law, True)
    alone = replace(setting, units=setting.units[:, :2], rows=setting.rows[:, :2], sds=setting.sds[:2])
    one = study_of({**strategy, "alpha": 0.025}, days=10)[0]
    ending = one.ending(alone, replace(law, means=law.means[:, :2], sds=law.sds[:, :2], effects=law.effects[:, :2]))
    assert won.looks[0].tolist() == ending.days.tolist()
    np.testing.assert_allclose(won.looks[3], ending.stops[2], atol=1e-7)
    np.testing.assert_allclose(won.looks[2], ending.stops[1], atol=1e-7)


@pytest.mark.arithmetic
def test_leads_are_those_at_which_the_kernel_is_sure():
    for allowed in (math.inf, 0.005, 0.05):
        found = Lead(0.3, 0.4, 0.5, 0.95, allowed)
        for apart in (-30.0, -2.03, -0.31, 0.0, 0.11, 1.5, 20.0):
            lead = float(found(np.array([apart]))[0])
            work = np.array([[lead, 0.0, apart], [0.3, 0.4, 0.5], [0, 0, 0], [0, 0, 0]])
            best_of_normals(work, True)
            short = 0.95 - work[P_BEST, 0], work[LOSS, 0] - allowed
            assert max(short) == pytest.approx(0.0, abs=1e-6)


@pytest.mark.arithmetic
def test_a_finer_grid_changes_nothing_of_three_arms(monkeypatch):
    arms = np.array([0.0, 0.05, 0.03]), np.array(SPREADS), np.cumsum(np.tile([400.0, 300.0, 250.0], (5, 1)), axis=0)
    for rule in ((0.95, math.inf), (0.9, 0.02), (0.6, 0.01)):
        found = best_looks.chosen(*arms, *rule)
        with monkeypatch.context() as finer:
            for name, value in (
                ("_REACH", 7.0),
                ("_DENSE", 2.2),
                ("_AT_LEAST", 14),
                ("_GRADED", 24),
                ("_NOTHING", 1e-12),
            ):
                finer.setattr(best_looks, name, value)
            for ours, theirs in zip(found, best_looks.chosen(*arms, *rule, 1e12), strict=True):
                np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_what_has_no_exact_figures_says_why():
    four = {"means": (3.0, 3.1, 3.2, 3.05), "shares": (0.25, 0.25, 0.25, 0.25)}
    design, setting, law = study_of({"kind": "bayesian"}, **four)
    assert (
        design.won(None, setting, law) == "no exact value: P(best) joins all arms, of which there are more than three"
    )
    design, setting, law = study_of({"kind": "msprt"}, days=60, **four)
    assert asked_and_won(design, setting, law)[1] == several_exact.SLOW
    assert several_looks.QUICK < several_looks.PATIENT
    design, setting, law = study_of({"kind": "fixed-lift"}, means=(0.01, 0.02, 0.015))
    assert "either side of 0" in design.won(None, setting, law)
