"""Rules beside the group-sequential tables, each against an answer of its own."""

import math

import numpy as np
import pytest
from scipy import stats
from worlds import tree

from expsim_panel import engine
from expsim_panel.designs.test_and_roll import test_and_roll_units as roll_units
from expsim_panel.errors import InputError
from expsim_panel.fixed_sample import power_proportions, power_t, power_welch
from expsim_panel.multiplicity import adjusted_p_values, dunnett_critical
from expsim_panel.operating import rejected
from expsim_panel.plan import setting_of
from expsim_panel.study import Study

SE3 = 3.2
"""Standard errors allowed: about 40 comparisons in this file, one fixed seed each."""


def play(strategy: dict, replicates: int = 40_000, world: str = "truth", family: str = "normal", **tables):
    study = Study.from_tree({**tree(family, **tables), "strategies": [strategy]}, "test")
    study.replicates = replicates
    return engine.outcomes(study.freeze(), world)[strategy["kind"]]


def close(share: float, exact: float, size: int) -> None:
    assert abs(share - exact) <= SE3 * math.sqrt(exact * (1 - exact) / size), (share, exact)


@pytest.mark.arithmetic
@pytest.mark.parametrize("variances", ["separate", "equal"])
def test_small_samples_keep_their_level_and_power_with_t(variances: str) -> None:
    tables = {
        "traffic": {"units_per_day": 8, "days": 3, "shares": [0.5, 0.5]},
        "variants": [{"name": "A", "mean": 3.0}, {"name": "B", "mean": 4.0}],
    }
    strategy = {"kind": "fixed-t", "variances": variances}
    n = 200_000
    null, truth = play(strategy, n, "null", **tables), play(strategy, n, **tables)
    assert null.rows[0].tolist() == [12, 12]
    if variances == "equal":
        close(np.mean(null.code != 0), 0.05, n)
        close(np.mean(truth.code != 0), power_t(1.0, 1.0, 12, 12), n)
    else:
        assert np.mean(null.code != 0) == pytest.approx(0.05, abs=0.002)
        assert np.mean(truth.code != 0) == pytest.approx(power_welch(1.0, 1.0, 1.0, 12, 12), abs=0.006)
    normal = play({"kind": "fixed-horizon"}, n, "null", **tables)
    assert np.mean(normal.code != 0) > 0.06


@pytest.mark.arithmetic
def test_pooled_proportions_have_the_textbook_power() -> None:
    tables = {
        "traffic": {"units_per_day": 400, "days": 5, "shares": [0.7, 0.3]},
        "variants": [{"name": "A", "mean": 0.10}, {"name": "B", "mean": 0.06}],
    }
    out = play({"kind": "fixed-pooled"}, 40_000, family="binary", **tables)
    exact = power_proportions(0.90, 0.94, 1400, 600)
    assert np.mean(out.code != 0) == pytest.approx(exact, abs=0.012)
    assert np.mean(out.code != 0) != pytest.approx(
        power_proportions(0.90, 0.94, 1400, 600, variance="unpooled"), abs=0.02
    )
    big = {
        "traffic": {"units_per_day": 8000, "days": 5, "shares": [0.7, 0.3]},
        "variants": [{"name": "A", "mean": 0.10}, {"name": "B", "mean": 0.0918}],
    }
    result = Study.from_tree({**tree("binary", **big), "strategies": [{"kind": "fixed-pooled"}]}, "test").run(
        replicates=1000, seed=4
    )
    power = result["fixed-pooled"].figures["power"].exact
    assert power == pytest.approx(power_proportions(0.9, 0.9082, 28_000, 12_000), abs=1e-9)


@pytest.mark.arithmetic
@pytest.mark.parametrize("direction", ["increase", "decrease"])
def test_the_lift_has_the_law_of_a_logarithmic_ratio(direction: str) -> None:
    better = 3.06 if direction == "increase" else 2.94
    tables = {
        "metric": {"name": "score", "family": "normal", "direction": direction, "sd": 1.0},
        "traffic": {"units_per_day": 2000, "days": 4, "shares": [0.6, 0.4]},
        "variants": [{"name": "A", "mean": 3.0}, {"name": "B", "mean": better}],
    }
    n = 200_000
    null, truth = (play({"kind": "fixed-lift"}, n, world, **tables) for world in ("null", "truth"))
    for out in (null, truth):
        mean = out.sums / out.rows
        variance = (out.squares / out.rows - mean**2) / (out.rows - 1)
        z = np.log(mean[:, 1] / mean[:, 0]) / np.sqrt((variance / mean**2).sum(axis=1)) * np.sign(mean[:, 0])
        expected = np.where(z > 1.959963984540054, 1, np.where(z < -1.959963984540054, -1, 0))
        np.testing.assert_array_equal(np.sign(out.code), expected)
    close(np.mean(null.code != 0), 0.05, n)
    # Delta method at the truth; its next term is of the order of the lift over the square root of the rows.
    drift = abs(np.log(better / 3.0)) / np.sqrt(1 / (4800 * 9.0) + 1 / (3200 * better**2))
    assert np.mean(truth.code > 0) == pytest.approx(stats.norm.sf(1.959963984540054 - drift), abs=0.004)


def test_the_lift_of_means_around_zero_finds_nothing() -> None:
    tables = {"variants": [{"name": "A", "mean": -0.001}, {"name": "B", "mean": 0.5}]}
    out = play({"kind": "fixed-lift"}, 2000, **tables)
    mean = out.sums / out.rows
    assert not np.any(out.code[mean[:, 0] * mean[:, 1] <= 0])


ARMS = [{"name": n, "mean": m} for n, m in (("A", 3.0), ("B", 3.0), ("C", 3.012), ("D", 3.02))]


def scores_z(out) -> np.ndarray:
    mean = out.sums / out.rows
    variance = (out.squares / out.rows - mean**2) / (out.rows - 1)
    return (mean[:, 1:] - mean[:, :1]) / np.sqrt(variance[:, 1:] + variance[:, :1])


@pytest.mark.arithmetic
@pytest.mark.parametrize("sides", [1, 2])
@pytest.mark.parametrize("kind", ["holm", "benjamini-hochberg", "dunnett"])
def test_several_variants_against_plain_numpy(kind: str, sides: int) -> None:
    out = play({"kind": kind, "sides": sides}, 3000, variants=ARMS, traffic={"units_per_day": 40_000})
    z = scores_z(out)
    p = stats.norm.sf(z) if sides == 1 else 2 * stats.norm.sf(np.abs(z))
    for k in range(len(z)):
        if kind == "dunnett":
            won = np.abs(z[k]) > dunnett_critical(3, 0.05, sides)
        else:
            won = adjusted_p_values(p[k], "holm" if kind == "holm" else "bh") <= 0.05
        better = np.where(won & (z[k] > 0), z[k], -np.inf)
        worse = bool(np.all(won & (z[k] < 0))) and sides == 2
        expected = int(better.argmax()) + 1 if np.isfinite(better).any() else (-1 if worse else 0)
        assert out.code[k] == expected


@pytest.mark.arithmetic
def test_family_levels_of_several_variants() -> None:
    """Any wrong rejection on a side: the codes of a one-sided rule show all of them."""
    n, nulls = 200_000, {"variants": [{"name": c, "mean": 3.0} for c in "ABCD"], "traffic": {"units_per_day": 40_000}}
    dunnett = play({"kind": "dunnett", "sides": 1}, n, "null", **nulls)
    close(np.mean(dunnett.code > 0), 0.05, n)
    for kind in ("holm", "benjamini-hochberg", "fixed-horizon"):
        share = np.mean(play({"kind": kind, "sides": 1}, n, "null", **nulls).code > 0)
        assert share <= 0.05 + SE3 * math.sqrt(0.05 * 0.95 / n)
        assert share > 0.04


@pytest.mark.arithmetic
def test_confidence_sequences_may_be_looked_at_as_often_as_one_likes() -> None:
    traffic = {"units_per_day": 2000, "days": 100}
    for kind in ("confidence-sequence", "asymptotic-confidence-sequence", "msprt"):
        for sides in (1, 2):
            out = play({"kind": kind, "sides": sides}, 20_000, "null", traffic=traffic)
            share = np.mean(out.code != 0)
            assert share <= 0.05
            result = Study.from_tree(
                {**tree(traffic=traffic), "strategies": [{"kind": kind, "sides": sides}]}, "t"
            ).run(replicates=20_000, seed=9)
            figure = result[kind].figures["type1_error"]
            assert figure.exact <= 0.05
            assert abs(figure.value - figure.exact) <= SE3 * figure.se
    peeked = play({"kind": "peek-daily"}, 20_000, "null", traffic=traffic)
    assert np.mean(peeked.code != 0) > 0.3


@pytest.mark.arithmetic
def test_peeking_less_often_errs_less_often() -> None:
    shares = {
        every: np.mean(
            play({"kind": "peek-daily", "every": every, "min_days": 2}, 20_000, "null", traffic={"days": 28}).code != 0
        )
        for every in (1, 7, 28)
    }
    assert shares[1] > shares[7] > shares[28] > 0.05
    one = play({"kind": "peek-daily", "every": 7, "min_days": 2}, 200, traffic={"days": 28})
    assert set(one.day) <= {2, 9, 16, 23, 28}


@pytest.mark.parametrize("kind", ["peek-daily", "msprt", "bayesian-prior"])
def test_more_days_between_looks_than_there_are_is_one_line(kind: str) -> None:
    def study(every: int) -> Study:
        return Study.from_tree(tree(traffic={"days": 14}, strategies=[{"kind": kind, "every": every}]), "t")

    with pytest.raises(InputError) as caught:
        study(15)
    assert str(caught.value) == "t [strategies.0.every]: a look every 15 days in 14 days; give at most 14"
    made = study(14)
    looks = made.strategies[0].design.look_days(setting_of(made.scenario))
    assert looks[-1] == 14
    assert looks.size == 2


def test_hybrid_is_a_fixed_test_that_may_stop_early() -> None:
    tables = {"traffic": {"units_per_day": 5000, "days": 20}}
    fixed = Study.from_tree({**tree(**tables), "strategies": [{"kind": "fixed-horizon"}]}, "t").run(
        replicates=1000, seed=1
    )
    hybrid = Study.from_tree({**tree(**tables), "strategies": [{"kind": "sequential-then-fixed"}]}, "t").run(
        replicates=1000, seed=1
    )
    a, b = (r.figures["power"].exact for r in (fixed["fixed-horizon"], hybrid["sequential-then-fixed"]))
    assert a - 0.02 < b < a
    assert hybrid["sequential-then-fixed"].figures["type1_error"].exact == pytest.approx(0.05, abs=1e-9)
    assert hybrid["sequential-then-fixed"].figures["days"].exact < 19.9


def test_msprt_stops_on_the_day_that_its_formula_says() -> None:
    from expsim_panel.always_valid import msprt

    strategy = {"kind": "msprt", "tau": 0.05, "min_days": 3, "every": 2}
    study = Study.from_tree(
        {
            **tree(
                traffic={"units_per_day": 300, "days": 12},
                variants=[{"name": "A", "mean": 3.0}, {"name": "B", "mean": 3.15}],
            ),
            "strategies": [strategy],
        },
        "test",
    )
    for luck in range(10):
        study.luck = luck
        shown = study.run(replicates=10, seed=3)["msprt"].trace
        for day, (_, rows, sums, squares) in enumerate(shown.state, start=1):
            mean = sums / rows
            v = (squares - sums**2 / rows) / (rows - 1) / rows
            found = msprt(float(mean[1] - mean[0]), float(v.sum()), 0.05)
            looks = day in (3, 5, 7, 9, 11, 12)
            assert (looks and found.p_value < 0.05) == (day == shown.day and shown.code != 0)


@pytest.mark.arithmetic
@pytest.mark.parametrize("kind", ["rope", "bayesian-prior"])
@pytest.mark.parametrize("prior", ["flat", "weak", "normal"])
def test_bayesian_rules_against_plain_numpy(kind: str, prior: str) -> None:
    from expsim_panel.bayes_ab import normal_effect

    own = {"equivalence": 0.05} if kind == "rope" else {"max_loss": 0.01}
    strategy = {"kind": kind, "prior": prior, "prior_mean": -0.01, "prior_sd": 0.08, "min_days": 2, **own}
    world = tree(
        traffic={"units_per_day": 600, "days": 10}, variants=[{"name": "A", "mean": 3.0}, {"name": "B", "mean": 3.06}]
    )
    study = Study.from_tree({**world, "strategies": [strategy]}, "test")
    sd = {"flat": math.inf, "weak": 1.0, "normal": 0.08}[prior]
    endings = set()
    for luck in range(25):
        study.luck = luck
        shown = study.run(replicates=25, seed=3)[kind].trace
        for day, (_, rows, sums, squares) in enumerate(shown.state, start=1):
            mean = sums / rows
            se = math.sqrt(float(((squares - sums**2 / rows) / (rows - 1) / rows).sum()))
            found = normal_effect(float(mean[1] - mean[0]), se, -0.01 if prior == "normal" else 0.0, sd)
            if kind == "rope":
                above = stats.norm.sf((0.05 - found.mean) / found.sd)
                below = stats.norm.cdf((-0.05 - found.mean) / found.sd)
                code = 1 if above >= 0.95 else -1 if below >= 0.95 else -2 if 1 - above - below >= 0.95 else 0
            else:
                win, lose = found.chance_to_win, found.risk_choose_b
                code = (
                    1 if win >= 0.95 and lose <= 0.01 else -1 if 1 - win >= 0.95 and found.risk_choose_a <= 0.01 else 0
                )
            expected = code if day >= 2 else 0
            assert (expected != 0) == (day == shown.day and shown.code != 0)
            if expected:
                assert shown.code == expected
        endings.add(shown.code)
    assert len(endings) >= 2


@pytest.mark.arithmetic
def test_a_prior_that_is_right_makes_the_stated_chance_right() -> None:
    """Effects drawn from the analysis prior: of those launched at 95 %, about 95 % or more are better, peeking daily."""
    tables = {"traffic": {"units_per_day": 1000, "days": 30}, "prior": {"effect_mean": 0.0, "effect_sd": 0.02}}
    strategy = {"kind": "bayesian-prior", "prior": "normal", "prior_sd": 0.02, "min_days": 1, "max_loss": 10.0}
    study = Study.from_tree({**tree(**tables), "strategies": [strategy]}, "test")
    study.replicates = 20_000
    request = study.freeze()
    from expsim_panel.report import effects_in

    truths = effects_in(request, study.scenario, "prior", 20_000)[:, 1]
    right = {}
    for prior in ("normal", "flat"):
        study = Study.from_tree({**tree(**tables), "strategies": [{**strategy, "prior": prior}]}, "test")
        study.replicates = 20_000
        out = engine.outcomes(study.freeze(), "prior")["bayesian-prior"]
        won = out.code > 0
        right[prior] = float(np.mean(truths[won] > 0))
    assert right["normal"] >= 0.95 - SE3 * math.sqrt(0.95 * 0.05 / 5000)
    assert right["flat"] < 0.9


@pytest.mark.arithmetic
def test_test_and_roll() -> None:
    # Feit, Berman (2019), website example: 68 % conversion, spread of true means 0.03, 100,000 visitors: 2,284.
    assert roll_units(100_000, math.sqrt(0.68 * 0.32), 0.03) == pytest.approx(2284, abs=1)
    s, sig, population = 1.0, 0.1, 50_000.0
    n = roll_units(population, s, sig)

    def profit(size: float) -> float:
        """Expected maximum posterior mean served to the rest: (E - 2n) sig^2 / sqrt(pi) / sqrt(sig^2 + s^2/n)."""
        return (population - 2 * size) * sig**2 / math.sqrt(math.pi) / math.sqrt(sig**2 + s**2 / size)

    assert all(profit(n) > profit(n * c) for c in (0.9, 0.99, 1.01, 1.1))
    out = play(
        {"kind": "test-and-roll", "population": 50_000, "mean_sd": 0.1},
        4000,
        traffic={"units_per_day": 400, "days": 14},
    )
    day = math.ceil(n / 200)
    assert set(out.day) == {day}
    mean = out.sums / out.rows
    np.testing.assert_array_equal(out.code, np.where(mean[:, 1] > mean[:, 0], 1, -1))


def curtailed(z1: float, t: float, effect: float | None) -> float:
    """Conditional power by simulation of the rest."""
    rng = np.random.default_rng(61)
    drift = z1 / math.sqrt(t) if effect is None else effect
    end = z1 * math.sqrt(t) + drift * (1 - t) + math.sqrt(1 - t) * rng.standard_normal(400_000)
    return float(np.mean(end > stats.norm.isf(0.025)))


def test_curtailment_bounds_are_where_conditional_power_is_the_threshold() -> None:
    from expsim_panel.designs.stochastic_curtailment import StochasticCurtailment
    from expsim_panel.plan import setting_of
    from expsim_panel.scenario import Scenario

    setting = setting_of(Scenario.from_tree(tree(traffic={"days": 10, "units_per_day": 400}), "t"))
    trend = StochasticCurtailment(looks=5, give_up_below=0.2).bounds(setting)
    assert trend.futility
    for k in range(4):
        assert curtailed(trend.lower[k], (k + 1) / 5, None) == pytest.approx(0.2, abs=0.004)
    drift = 0.1 / math.sqrt(2 / 2000)
    plan = StochasticCurtailment(looks=5, give_up_below=0.2, assumed="plan", planned_effect=0.1).bounds(setting)
    assert curtailed(plan.lower[1], 0.4, drift) == pytest.approx(0.2, abs=0.004)
    sure = StochasticCurtailment(looks=5, certainty=0.9).bounds(setting)
    end = sure.upper[2] * math.sqrt(0.6) + math.sqrt(0.4) * np.random.default_rng(3).standard_normal(400_000)
    assert np.mean(end > sure.upper[-1]) == pytest.approx(0.9, abs=0.003)
    out = play(
        {"kind": "stochastic-curtailment", "certainty": 0.9},
        100_000,
        "null",
        traffic={"units_per_day": 4000, "days": 10},
    )
    assert np.mean(rejected(out.code)) <= 0.025
    assert np.mean(out.code == -2) > 0.7


@pytest.mark.arithmetic
def test_empirical_bernstein_needs_no_normality_and_finds_what_is_there() -> None:
    tables = {
        "traffic": {"units_per_day": 2000, "days": 14},
        "variants": [{"name": "A", "mean": 0.5}, {"name": "B", "mean": 0.35}],
    }
    null, truth = (
        play({"kind": "empirical-bernstein"}, 5000, world, "binary", **tables) for world in ("null", "truth")
    )
    assert np.mean(null.code != 0) <= 0.01
    assert np.mean(truth.code > 0) > 0.95
    scores = play(
        {"kind": "empirical-bernstein", "width": 6.0},
        3000,
        variants=[{"name": "A", "mean": 3.0}, {"name": "B", "mean": 3.3}],
        traffic={"units_per_day": 2000, "days": 14},
    )
    assert np.mean(scores.code > 0) > 0.9
    assert scores.day.min() >= 2


@pytest.mark.arithmetic
def test_blinded_size_follows_the_spread_and_keeps_the_level() -> None:
    strategy = {"kind": "blinded-reestimation", "planned_effect": 0.1, "power": 0.9, "review_at": 0.2}
    for sd in (0.7, 1.0):
        tables = {
            "metric": {"sd": sd},
            "traffic": {"units_per_day": 200, "days": 40},
            "variants": [{"name": "A", "mean": 3.0}, {"name": "B", "mean": 3.1}],
        }
        truth = play(strategy, 40_000, **tables)
        needed = (stats.norm.isf(0.025) + stats.norm.ppf(0.9)) ** 2 * 4 * (sd**2 + 0.1**2 / 4) / 0.1**2
        assert truth.units.sum(axis=1).mean() == pytest.approx(math.ceil(needed / 200) * 200, rel=0.03)
        assert np.mean(rejected(truth.code)) == pytest.approx(0.9, abs=0.02)
        null = play(strategy, 40_000, "null", **tables)
        assert abs(np.mean(rejected(null.code)) - 0.05) <= SE3 * math.sqrt(0.05 * 0.95 / 40_000) + 0.001


@pytest.mark.arithmetic
def test_promising_zone_by_quadrature() -> None:
    """Power and expected size by integrating over the interim z; the size is rounded up to whole days there too."""
    days, per_day, effect = 40, 200, 0.1
    tables = {
        "traffic": {"units_per_day": per_day, "days": days},
        "variants": [{"name": "A", "mean": 3.0}, {"name": "B", "mean": 3.0 + effect}],
    }
    strategy = {
        "kind": "promising-zone",
        "planned_share": 0.5,
        "interim_at": 0.5,
        "least": 0.3,
        "aim": 0.9,
        "sides": 1,
        "alpha": 0.025,
    }
    out = play(strategy, 100_000, **tables)
    n1, planned, most = 10 * per_day, 20 * per_day, days * per_day
    t, critical = n1 / planned, stats.norm.isf(0.025)
    at = np.linspace(-7, 9, 160_001)
    shift = effect / math.sqrt(4 / n1)
    weight = stats.norm.pdf(at - shift) * (at[1] - at[0])
    reach = (critical - at * math.sqrt(t)) / math.sqrt(1 - t)
    chance = stats.norm.sf(reach - at / math.sqrt(t) * math.sqrt(1 - t))
    with np.errstate(divide="ignore"):
        wanted = n1 + n1 / at**2 * (reach + stats.norm.ppf(0.9)) ** 2
    size = np.where(
        (chance >= 0.3) & (chance < 0.9),
        np.clip(np.ceil(np.maximum(wanted, planned) / per_day) * per_day, planned, most),
        planned,
    )
    power = np.sum(weight * stats.norm.sf(reach - effect / np.sqrt(4 / (size - n1))))
    close(np.mean(out.code > 0), float(power), 100_000)
    total = out.units.sum(axis=1)
    assert abs(total.mean() - np.sum(weight * size)) <= SE3 * total.std() / math.sqrt(total.size) + 2
    null = play({**strategy, "sides": 2, "alpha": 0.05}, 200_000, "null", **tables)
    close(np.mean(rejected(null.code)), 0.05, 200_000)


@pytest.mark.parametrize(("strategy", "said"), [
    ({"kind": "promising-zone", "least": 0.9, "aim": 0.8}, "aim higher"),
    ({"kind": "msprt", "tau": 0.0}, "tau"),
    ({"kind": "stochastic-curtailment", "sides": 2}, "sides"),
    ({"kind": "confidence-sequence", "tightest_at": 0.0}, "tightest_at"),
    ({"kind": "test-and-roll", "population": 1}, "population"),
    ({"kind": "rope", "prior": "strong"}, "prior"),
])  # fmt: skip
def test_contradictions_are_one_line(strategy: dict, said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        Study.from_tree({**tree(), "strategies": [strategy]}, "test")
    assert "\n" not in str(caught.value)
