"""The law of the blinded size: against noncentral chi-squares, counted hits, a slow integral, and the engine."""

import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import binom, chi2, ncx2, norm
from worlds import exact_in, played, tree

from expsim_panel import Study, exact
from expsim_panel.blinded_law import reestimated_ending
from expsim_panel.design import Setting
from expsim_panel.economics import ledger
from expsim_panel.needed import effect_needed, units_needed
from expsim_panel.operating import rejected
from expsim_panel.plain_rows import PlainRows
from expsim_panel.row_law import Law


def world(means, sds, rows, binary=False) -> tuple[Setting, Law]:
    """Return a setting and a law of two arms."""
    means, sds, rows = np.array([means], float), np.array([sds], float), np.array(rows, float)
    law = Law(means, sds, means - means[:, :1], 0.0, 0, True, PlainRows())
    return Setting(rows, rows, sds[0], binary, 0.1), law


@pytest.mark.arithmetic
@pytest.mark.parametrize(("effect", "shares"), [(0.0, (0.5, 0.5)), (0.3, (0.5, 0.5)), (-0.2, (0.7, 0.3))])
def test_of_normal_scores_days_are_those_of_a_noncentral_chi_square(effect, shares):
    rows = np.outer(40.0 * np.arange(1, 13), shares)
    setting, law = world([0.0, effect], [1.2, 1.2], rows)
    per_variance = 200.0
    found = reestimated_ending(setting, law, 2, per_variance, 1.96, True)
    total, lever = rows[2].sum(), rows[2].prod() / rows[2].sum()
    arrived = rows.sum(axis=1)
    # Kieser, Friede (2003): (N - 1) times the lumped variance over the variance is a noncentral chi-square.
    by = ncx2(total - 1, lever * effect**2 / 1.44).cdf(arrived[2:-1] / per_variance * (total - 1) / 1.44) if effect \
        else chi2(total - 1).cdf(arrived[2:-1] / per_variance * (total - 1) / 1.44)  # fmt: skip
    chance = np.diff(np.append(0.0, by))
    low, idle, high = found.stops
    assert (low + idle + high)[:-1] == pytest.approx(chance, abs=1e-9)
    assert found.days.tolist() == list(range(3, 13))
    assert chance.max() > 0.2


@pytest.mark.arithmetic
@pytest.mark.parametrize("effect", [0.0, 0.3])
def test_of_normal_scores_the_answer_hangs_on_the_difference_at_the_review(effect):
    """Each day by SciPy's adaptive integral over the difference at the review."""
    rows = np.outer(40.0 * np.arange(1, 13), [0.5, 0.5])
    setting, law = world([0.0, effect], [1.2, 1.2], rows)
    low, _, high = reestimated_ending(setting, law, 2, 200.0, 1.96, True).stops
    total, arrived = rows[2].sum(), rows.sum(axis=1)
    error = math.sqrt(2 * 1.44 / rows[2, 0])

    def of_day(k: int, side: int) -> float:
        d = k + 2
        t = arrived[2] / arrived[d]
        drift = effect / math.sqrt(2 * 1.44 / rows[d, 0])
        least = arrived[d - 1] / 200.0 if k else 0.0
        most = arrived[d] / 200.0 if d < 11 else math.inf

        def at(x: float) -> float:
            between = total / 4 * (effect + error * x) ** 2
            inside = [chi2.cdf(max(s * (total - 1) - between, 0.0) / 1.44, total - 2) for s in (least, most)]
            z = side * (drift + math.sqrt(t) * x) - 1.96
            over = float(z > 0) if t == 1 else norm.cdf(z / math.sqrt(1 - t))
            return norm.pdf(x) * (inside[1] - inside[0]) * over

        turn = [(side * 1.96 - drift) / math.sqrt(t)]
        return quad(at, -9, 9, points=turn, limit=400, epsabs=1e-12)[0]

    for k in (0, 3, 4, 5, 9):
        assert high[k] == pytest.approx(of_day(k, 1), abs=1e-9)
        assert low[k] == pytest.approx(of_day(k, -1), abs=1e-9)


@pytest.mark.arithmetic
def test_of_rates_days_are_counted():
    rows = np.outer(np.arange(1.0, 13), [30.0, 20.0])
    rates = 0.2, 0.35
    setting, law = world(rates, [math.sqrt(p * (1 - p)) for p in rates], rows, binary=True)
    per_variance = 1500.0
    low, idle, high = reestimated_ending(setting, law, 2, per_variance, 1.96, True).stops
    first, second = np.arange(91), np.arange(61)
    chance = np.outer(binom.pmf(first, 90, 0.2), binom.pmf(second, 60, 0.35))
    hits = first[:, None] + second
    needed = per_variance * hits * (1 - hits / 150) / 149
    arrived = rows.sum(axis=1)
    on_day = [chance[needed <= arrived[d]].sum() for d in range(2, 11)]
    assert (low + idle + high)[:-1] == pytest.approx(np.diff(np.append(0.0, on_day)), abs=1e-12)


@pytest.mark.arithmetic
def test_where_every_spread_asks_for_all_days_it_is_the_fixed_test():
    blinded = {"kind": "blinded-reestimation", "planned_effect": 1e-6}
    # Hits have no normal law: with 10,000 of them that is a billionth of a chance.
    for family, near in (("normal", 1e-12), ("binary", 5e-9)):
        study = Study.from_tree({**tree(family), "strategies": [blinded, {"kind": "fixed-horizon"}]}, "test")
        for truth in ("truth", "null"):
            mine, fixed = (exact_in(study, truth, name) for name in ("blinded-reestimation", "fixed-horizon"))
            assert mine == pytest.approx(fixed, rel=near)


STRATEGY = {"kind": "blinded-reestimation", "planned_effect": 0.05}
APART = [{"name": "A", "mean": 3.0}, {"name": "B", "mean": 3.05, "sd": 1.5}]
MANY = {"units_per_day": 600, "days": 35}
WORLDS = {
    "scores": {"variants": [{"name": "A", "mean": 3.0}, {"name": "B", "mean": 3.05}], "traffic": MANY},
    "spreads apart, uneven split": {"variants": APART, "traffic": {**MANY, "shares": [0.7, 0.3]}},
    "late outcomes, weekdays": {
        "traffic": {**MANY, "delay_days": 2, "seasonality": {"traffic": [1, 1, 1, 1, 1, 0.5, 0.25]}}
    },
    "moving level": {"traffic": {**MANY, "seasonality": {"level": [0.3, 0, 0, 0, 0, -0.4, -0.4]}}},
    "raters": {
        "traffic": {"units_per_day": 4000, "days": 20},
        "evaluator": {
            "kind": "human", "coverage": 0.6, "raters": 8, "severity_sd": 0.4, "noise_sd": 0.6, "seconds": 1.0,
        },
    },
    "rates": {"family": "binary", "traffic": {"units_per_day": 5000, "days": 20}, "planned_effect": 0.0055},
    "rates, uneven split": {
        "family": "binary", "traffic": {"units_per_day": 2500, "days": 60, "shares": [0.7, 0.3]},
        "planned_effect": 0.0055,
    },
}  # fmt: skip


@pytest.mark.arithmetic
@pytest.mark.parametrize("name", WORLDS)
def test_it_ends_as_the_engine_does(name):
    tables = dict(WORLDS[name])
    strategy = {**STRATEGY, "planned_effect": tables.pop("planned_effect", 0.05)}
    study = Study.from_tree({**tree(**tables), "strategies": [strategy]}, "test")
    varied = False
    for truth in ("truth", "null"):
        out, known = played(study, truth, seed=20261130)[strategy["kind"]], exact_in(study, truth, strategy["kind"])
        varied |= np.unique(out.day).size > 1
        seen = {"rejection": rejected(out.code), "launch": out.code > 0, "units": out.units.sum(axis=1)}
        for figure, each in seen.items():
            # 42 comparisons: all of them fail by chance as rarely as one does at 3 standard errors.
            error = each.std() / math.sqrt(each.size)
            assert abs(each.mean() - known[figure]) <= norm.isf(norm.sf(3) / 42) * error, (truth, figure)
    assert varied


@pytest.mark.arithmetic
def test_the_level_in_large_samples_and_what_is_left_of_it_in_small_ones():
    """The difference at the review moves the spread by 1 / N: what it adds to the level vanishes with N."""
    off = []
    for units in (100, 1000, 10_000):
        size = {"units_per_day": units, "days": 50}
        strategy = {"kind": "blinded-reestimation", "planned_effect": 0.1 * math.sqrt(100 / units)}
        study = Study.from_tree({**tree(traffic=size), "strategies": [strategy]}, "test")
        off.append(abs(exact_in(study, "null", "blinded-reestimation")["rejection"] - 0.05))
    assert off[0] < 1e-4
    assert off[2] < off[1] < off[0]
    assert off[2] < 2e-6


def test_size_and_effect_are_solved_and_not_simulated():
    study = Study.from_tree({**tree(traffic={"units_per_day": 4000, "days": 10}), "strategies": [STRATEGY]}, "test")
    needed = units_needed(study, "blinded-reestimation", 0.5)
    assert needed.method == "exact"
    assert effect_needed(study, "blinded-reestimation").method == "exact"


def test_what_has_no_law_says_why():
    cases = {
        "labels": {"evaluator": {"kind": "hybrid", "judge": {"scale": 0.8}, "human": {"noise_sd": 0.5}}},
        "clustered": {
            "traffic": {"exposures_per_unit": 14, "icc": 0.3, "units_per_day": 2000}, "analysis": {"unit": "response"},
        },
        "move from day to day": {
            "family": "binary", "traffic": {"days": 7, "seasonality": {"level": [0.01, 0, 0, 0, 0, 0, 0]}},
        },
    }  # fmt: skip
    for said, tables in cases.items():
        study = Study.from_tree({**tree(**tables), "strategies": [STRATEGY]}, "test")
        found = exact.operating(study.scenario, study.strategies[0], "truth", ledger(study.scenario))
        assert isinstance(found, str)
        assert found.startswith("no exact value")
        assert said in found
