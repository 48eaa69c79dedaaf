"""Several variants at one bound: against SciPy's normal integrals, Dunnett's error, and the engine."""

import io
import math

import numpy as np
import pytest
from rich.console import Console
from scipy.stats import multivariate_normal

from expsim_panel import Study, engine, exact, several_exact, simple_study
from expsim_panel.commands.summary import show
from expsim_panel.contests import everyone
from expsim_panel.design import Bounds
from expsim_panel.economics import ledger
from expsim_panel.multiplicity import dunnett_critical, dunnett_error
from expsim_panel.operating import rejected
from expsim_panel.several_exact import shared


def wins(means, sds, rows, lower, upper):
    planned = Bounds(np.array([1]), np.array([lower]), np.array([upper]))
    return several_exact.wins(shared(means, sds, rows), everyone(planned, means.size - 1))


PROBLEMS = {
    "even": ([0.5, 0.52, 0.55], [0.5, 0.5, 0.5], [1000, 1000, 1000], 2.2),
    "uneven, spreads apart": ([3.0, 3.2, 3.1], [1.0, 2.0, 0.4], [4000, 500, 900], 2.0),
    "a variant that is worse": ([0.0, -0.2, 0.1], [1.0, 1.0, 1.3], [300, 200, 100], 1.6),
    "one far ahead": ([0.0, 0.0, 0.9], [1.0, 1.0, 1.0], [200, 200, 200], 2.4),
}


def by_scipy(means, sds, rows, upper, arm):
    """P(this variant's z is the largest and above the bound): a normal integral over z and its lead."""
    means, variance = np.array(means), np.array(sds) ** 2 / np.array(rows)
    spread = np.sqrt(variance[1:] + variance[0])
    centre = (means[1:] - means[0]) / spread
    law = (np.diag(variance[1:]) + variance[0]) / np.outer(spread, spread)
    # Rows: own z above the bound, then its lead over each other variant, turned so that all have to be below 0.
    turn = [-np.eye(len(centre))[arm]]
    turn += [np.eye(len(centre))[i] - np.eye(len(centre))[arm] for i in range(len(centre)) if i != arm]
    turn = np.array(turn)
    aim = np.append(-upper, np.zeros(len(centre) - 1))
    return multivariate_normal(turn @ centre, turn @ law @ turn.T, seed=7, abseps=1e-9, releps=1e-9).cdf(aim)


@pytest.mark.arithmetic
@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)
def test_two_variants_win_as_often_as_the_normal_law_says(problem):
    found, _ = wins(*(np.array(part, float) for part in problem[:3]), -math.inf, problem[3])
    assert found == pytest.approx([by_scipy(*problem, arm) for arm in (0, 1)], abs=1e-8)


@pytest.mark.arithmetic
def test_more_variants_win_as_often_as_the_normal_law_says():
    problem = ([0.0, 0.1, 0.15, -0.05, 0.2], [1, 1, 2, 1, 0.7], [500, 300, 600, 200, 250], 2.3)
    found, _ = wins(*(np.array(part, float) for part in problem[:3]), -math.inf, problem[3])
    # SciPy integrates more than three dimensions by lattice rules, to about 1e-5.
    assert found == pytest.approx([by_scipy(*problem, arm) for arm in range(4)], abs=5e-5)


@pytest.mark.arithmetic
@pytest.mark.parametrize("rows", [[100, 100, 100], [400, 100, 50, 75], [50] * 9])
def test_without_a_difference_a_win_is_dunnetts_error(rows):
    critical = dunnett_critical(len(rows) - 1, 0.05, 1, rows)
    found, low = wins(np.zeros(len(rows)), np.ones(len(rows)), np.array(rows, float), -math.inf, critical)
    assert found.sum() == pytest.approx(dunnett_error(critical, len(rows) - 1, 1, rows), abs=1e-9)
    assert found.sum() == pytest.approx(0.05, abs=1e-8)
    assert low == 0.0


@pytest.mark.arithmetic
def test_all_are_worse_as_often_as_all_better_in_the_mirror():
    """Two variants: P(both below -c) by inclusion and exclusion of what is above c in the mirror."""
    means, sds, rows = np.array([0.0, 0.1, 0.05]), np.ones(3), np.full(3, 200.0)
    _, low = wins(-means, sds, rows, -1.5, math.inf)
    spread = math.sqrt(2 / 200)
    both = multivariate_normal(-means[1:] / spread, [[1, 0.5], [0.5, 1]], abseps=1e-10).cdf([-1.5, -1.5])
    assert low == pytest.approx(both, abs=1e-8)


@pytest.mark.arithmetic
@pytest.mark.parametrize(("variants", "documented"), [(2, 0.0270), (3, 0.0253), (4, 0.0251)])
def test_a_false_alarm_is_a_variant_found_better_or_all_found_worse(variants, documented):
    """By its definition from SciPy's normal integrals, by draws of z, and in the engine; docs/conventions.md says so."""
    critical, law = dunnett_critical(variants, 0.05, 2), np.full((variants, variants), 0.5) + np.eye(variants) / 2
    below = multivariate_normal(np.zeros(variants), law, seed=7, abseps=1e-7, releps=1e-7)
    # P(every z below -c), and P(some z above c).
    defined = below.cdf(np.full(variants, -critical)) + 1 - below.cdf(np.full(variants, critical))
    assert dunnett_error(critical, variants, 2) == pytest.approx(0.05, abs=1e-9)
    study = simple_study("dunnett", sd=1.0, effects=[0.0] * variants, units_per_day=500 * (variants + 1))
    found = exact.operating(study.scenario, study.strategies[0], "null", ledger(study.scenario), patient=True).values
    assert found["rejection"] == pytest.approx(defined, abs=1e-5)
    assert round(found["rejection"], 4) == documented
    draws = 1_000_000
    rng = np.random.default_rng(20261130)
    z = (rng.standard_normal((draws, variants)) - rng.standard_normal((draws, 1))) / math.sqrt(2)
    share = np.mean((z > critical).any(axis=1) | (z < -critical).all(axis=1))
    assert abs(share - documented) < 4.5 * math.sqrt(0.027 / draws) + 5e-5
    replicates = 40_000
    code = engine.played(study, "null", replicates=replicates, seed=5)["dunnett"].code
    assert abs(rejected(code).mean() - found["rejection"]) < 4.5 * math.sqrt(0.027 / replicates)


def test_with_one_side_dunnett_shows_its_level():
    study = simple_study("dunnett", sd=1.0, effects=[0.0, 0.0], units_per_day=3000, sides=1)
    found = exact.operating(study.scenario, study.strategies[0], "null", ledger(study.scenario), patient=True).values
    assert found["rejection"] == pytest.approx(0.05, abs=1e-8)


def test_a_study_of_several_variants_has_exact_figures_that_it_shows():
    kinds = [{"kind": "fixed-horizon"}, {"kind": "dunnett"}, {"kind": "dunnett", "name": "one side", "sides": 1}]
    study = Study.load("ranking-diversity", ["traffic.units_per_day=300"])
    study = Study.from_tree({**study.scenario.to_tree(), "strategies": kinds}, "test")
    result = study.run(replicates=20_000, seed=11)
    compared = 0
    for one in result.strategies:
        for name in ("power", "rejection", "type1_error", "cost", "units"):
            figure = one.figures.get(name)
            if figure is None or figure.exact is None:
                continue
            compared += 1
            # Fifteen comparisons; estimated variances add a little at this size.
            assert abs(figure.value - figure.exact) <= 4 * figure.se + 1e-9 * abs(figure.exact), (one.name, name)
    assert compared >= 9
    assert isinstance(exact.operating(study.scenario, study.strategies[0], "null", ledger(study.scenario)), exact.Exact)


@pytest.mark.parametrize(
    ("effects", "said"), [([0.2], "a difference where there is none"), ([0.2, 0.1], "all of them")]
)
def test_the_summary_says_what_a_false_alarm_of_several_variants_is(effects, said):
    out = Console(record=True, width=140, file=io.StringIO())
    show(simple_study("dunnett", sd=1.0, effects=effects).run(replicates=200, seed=1), "expsim run", out)
    assert said in out.export_text()
