"""The split of a budget against brute force over whole numbers, and at its edges."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expsim_panel.__main__ import main
from expsim_panel.errors import InputError
from expsim_panel.kernels.pairs import NORMAL_COLUMNS, correct_normal
from expsim_panel.split import optimal_split, variance_of


def brute(rho, human, judge, budget):
    """Every whole number of labels, with as many scores as the rest of the budget pays."""
    best = (math.inf, 0, 0)
    n = 1
    while n * (human + judge) <= budget * (1 + 1e-9):
        t = max(math.floor((budget - n * human) / judge * (1 + 1e-9) + 1e-9), n)
        best = min(best, (variance_of(rho, n, t), n, t))
        n += 1
    return best


@pytest.mark.parametrize("rho", [-0.95, -0.4, 0.0, 0.2, 0.5, 0.8, 0.97, 1.0])
@pytest.mark.parametrize("prices", [(1.0, 0.003), (0.3, 0.01), (1.0, 0.5), (0.1, 0.2), (2.0, 2.0)])
@pytest.mark.parametrize("budget", [2.5, 7.0, 40.0, 333.0])
def test_whole_numbers_are_the_best_there_are(rho, prices, budget):
    human, judge = prices
    if budget < human + judge:
        return
    found = optimal_split(rho, human, judge, budget)
    variance, _, _ = brute(rho, human, judge, budget)
    assert variance_of(rho, found.labelled, found.judged) == pytest.approx(variance, rel=1e-12)
    assert found.cost <= budget * (1 + 1e-8)
    assert found.judged >= found.labelled >= 1
    assert found.integer_variance_ratio == pytest.approx(variance * math.floor(budget / human * (1 + 1e-9)))


@given(rho=st.floats(0.01, 0.999), g=st.floats(1e-5, 1.5), human=st.floats(0.01, 100), labels=st.floats(2.6, 3000))
@settings(max_examples=150, deadline=None)
def test_closed_forms_and_threshold(rho, g, human, labels):
    budget, judge = human * labels, human * g
    found = optimal_split(rho, human, judge, budget)
    n, t = found.exact_labelled, found.exact_judged
    assert n * human + t * judge == pytest.approx(budget)
    # The ratio is the variance at the closed-form optimum over labels only, and no split nearby is better.
    here = variance_of(rho, n, t)
    assert found.variance_ratio == pytest.approx(here * budget / human, rel=1e-9)
    for other in (0.9, 0.99, 1.01, 1.1):
        m = n * other
        left = (budget - m * human) / judge
        if left >= m:
            assert variance_of(rho, m, left) >= here * (1 - 1e-12)
    threshold = 4 * g / (1 + g) ** 2
    if abs(rho**2 - threshold) > 1e-9:
        assert found.hybrid_pays == (g < 1 and rho**2 > threshold)
        assert found.hybrid_pays == (found.variance_ratio < 1)
    if found.hybrid_pays:
        assert abs(rho) > found.smallest_rho


def test_textbook_case():
    """rho 0.8, labels at $1, scores at $0.01: T/n = 0.8 sqrt(100 / 0.36) = 13.33, V ratio (0.6 + 0.08)^2."""
    found = optimal_split(0.8, 1.0, 0.01, 1000.0)
    assert found.judged_per_label == pytest.approx(40 / 3)
    assert found.exact_labelled == pytest.approx(1000 / (1 + 0.4 / 3))
    assert found.variance_ratio == pytest.approx(0.4624)
    assert found.hybrid_pays
    assert abs(found.labelled - found.exact_labelled) < 10


def test_simulated_variance_is_the_promised_one():
    """PPI++ at the optimal split, and at splits beside it, on drawn data: the optimum is the optimum."""
    rho, human, judge, budget = 0.7, 1.0, 0.02, 400.0
    found = optimal_split(rho, human, judge, budget)
    spread = {}
    for n in (found.labelled // 2, found.labelled, min(2 * found.labelled, 380)):
        t = int((budget - n * human) / judge)
        out = np.empty((100_000, len(NORMAL_COLUMNS)))
        rng = np.random.Generator(np.random.SFC64(n))
        correct_normal(rng, n, max(t - n, 1), (0.0, 0.0), (1.0, 1.0), rho, (-9.0, 9.0), out)
        spread[n] = out[:, NORMAL_COLUMNS.index("tuned")].var()
    best = spread[found.labelled]
    assert best == min(spread.values())
    # The estimated weight costs a factor of 1 + 1/n.
    tolerance = 4 * math.sqrt(2 / 100_000)
    assert best * budget / human == pytest.approx(found.variance_ratio * (1 + 1 / found.labelled), rel=tolerance)


def test_edges():
    none = optimal_split(0.0, 1.0, 0.1, 100.0)
    assert (none.judged_per_label, none.hybrid_pays, none.variance_ratio) == (1.0, False, pytest.approx(1.1))
    perfect = optimal_split(1.0, 1.0, 0.1, 100.0)
    assert perfect.judged_per_label == math.inf
    assert (perfect.labelled, perfect.judged) == (1, 990)
    assert perfect.variance_ratio == pytest.approx(0.1)
    dear = optimal_split(0.99, 1.0, 1.0, 100.0)
    assert (dear.hybrid_pays, dear.smallest_rho) == (False, None)
    same = optimal_split(-0.8, 1.0, 0.01, 1000.0)
    assert same.variance_ratio == optimal_split(0.8, 1.0, 0.01, 1000.0).variance_ratio
    one = optimal_split(0.5, 1.0, 0.1, 1.1)
    assert (one.labelled, one.judged) == (1, 1)
    large = optimal_split(0.8, 1.0, 1e-4, 5e7)
    assert large.labelled == pytest.approx(large.exact_labelled, rel=1e-3)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((1.2, 1, 0.1, 10), "--rho"),
        ((math.nan, 1, 0.1, 10), "--rho"),
        ((0.5, 0, 0.1, 10), "--cost-human"),
        ((0.5, 1, 0, 10), "free judge"),
        ((0.5, 1, -1, 10), "--cost-judge"),
        ((0.5, 1, 0.1, 1.0), "does not pay one label"),
        ((0.5, 1, 0.1, math.inf), "--budget"),
        ((0.5, 1, 1e-16, 1e6), "more than"),
    ],
)
def test_wrong_input(arguments, said):
    with pytest.raises(InputError, match=said):
        optimal_split(*arguments)


def run(capsys, *arguments):
    status = main(["exact", "split", *arguments])
    return status, *capsys.readouterr()


def test_command(capsys, tmp_path):
    asked = ("--rho", "0.8", "--cost-human", "1", "--cost-judge", "0.01", "--budget", "1000")
    status, out, err = run(capsys, *asked, "--json", "-")
    told = json.loads(out)
    assert (status, err) == (0, "")
    found = optimal_split(0.8, 1, 0.01, 1000)
    assert (told["labelled"], told["judged"]) == (found.labelled, found.judged)
    assert told["variance_ratio"] == pytest.approx(0.4624)
    assert told["hybrid_pays"] is True
    status, out, _ = run(capsys, *asked)
    assert status == 0
    assert "smaller than with labels only" in out
    perfect = ("--rho", "1", "--cost-human", "1", "--cost-judge", "2", "--budget", "1000", "--json", "-")
    told = json.loads(run(capsys, *perfect)[1])
    assert told["judged_per_label"] is None
    assert set(told["reasons"]) == {"judged_per_label", "smallest_rho"}
    status, out, err = run(capsys, "--rho", "2", *asked[2:])
    assert (status, out, err.count("\n")) == (2, "", 1)
