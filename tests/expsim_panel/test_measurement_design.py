"""Closed forms of measuring against simulated rows, brute force, and MODEL's stated figures."""

import math

import numpy as np
import pytest

from expsim_panel.errors import InputError
from expsim_panel.measurement_design import (
    Components,
    break_even_n,
    cheapest_replication,
    exact_replication,
    false_rejection,
    judge_bias,
    labels_to_detect_drift,
    noise_inflation,
)

WORLD = Components(
    prompt=0.7, interaction=0.3, sample=0.5, unit=0.4, severity=0.35, noise=0.6, scale=0.8, item=0.5, item_variant=0.4,
    repeat=0.3,
)  # fmt: skip


def rows(seed, n, m, repeats, paired, raters=1, online=False):
    """Draw labels and scores of two variants by the model's equations, row by row: (2, replicates, n, m)."""
    g = np.random.default_rng(seed)
    reps = 4000
    w = WORLD

    def normal(sd, *shape):
        return sd * g.standard_normal(shape)

    prompt, item = normal(w.prompt, 1, reps, n, 1), normal(w.item, 1, reps, n, 1)
    if not paired:
        prompt, item = normal(w.prompt, 2, reps, n, 1), normal(w.item, 2, reps, n, 1)
    q = prompt + normal(w.interaction, 2, reps, n, 1) + normal(w.sample, 2, reps, n, m)
    if online:
        q = q + normal(w.unit, 2, reps, n, 1)
    f = w.scale * q + item + normal(w.item_variant, 2, reps, n, 1)
    f = f + normal(w.repeat, 2, reps, n, m, repeats).mean(-1)
    h = q + normal(w.noise, 2, reps, n, m, raters).mean(-1)
    return h, f


@pytest.mark.parametrize("paired", [False, True])
@pytest.mark.parametrize("online", [False, True])
def test_variances_are_those_of_rows(paired, online):
    n, m, repeats = 6, 2, 3
    h, f = rows(1 + paired + 2 * online, n, m, repeats, paired, online=online)
    difference = (f[1] - f[0]).mean((1, 2))
    exact = WORLD.judge_difference(n, m, repeats, paired, online)
    assert difference.var() == pytest.approx(exact, rel=4 * math.sqrt(2 / 4000))
    if not online:
        people = (h[1] - h[0]).mean((1, 2))
        # One label on each of the m outputs is noise s_e / sqrt(m): the formula's r counts labels per prompt.
        exact = WORLD.human_difference(n, m, raters_per_item=m, paired=paired)
        assert people.var() == pytest.approx(exact, rel=4 * math.sqrt(2 / 4000))


def test_severity_of_own_raters_never_averages_out():
    assert WORLD.human_difference(10**9, raters=5) == pytest.approx(2 * 0.35**2 / 5, rel=1e-6)
    assert WORLD.human_difference(10**9) < 1e-8


def test_correlations_are_those_of_rows():
    h, f = rows(9, 8, 1, 1, True)
    h = h + 0.35 * np.random.default_rng(10).standard_normal(h.shape)  # a rater of one's own for every label
    n = h[0].size
    bare = Components(**{**vars(WORLD), "unit": 0.0})
    level = np.corrcoef(h[0].ravel(), f[0].ravel())[0, 1]
    assert level == pytest.approx(bare.correlation(), abs=4 / math.sqrt(n))
    difference = np.corrcoef((h[1] - h[0]).ravel(), (f[1] - f[0]).ravel())[0, 1]
    assert difference == pytest.approx(WORLD.difference_correlation(same_rater=False), abs=4 / math.sqrt(n))
    assert WORLD.difference_correlation() < WORLD.correlation()
    a = 0.3**2 + 0.5**2
    written = 0.8 * a / math.sqrt((a + 0.36) * (0.64 * a + 0.16 + 0.09 / 4))
    assert WORLD.difference_correlation(repeats=4) == pytest.approx(written)


def test_pairing_gains_one_over_one_minus_the_correlation():
    unpaired, paired = WORLD.judge_difference(1), WORLD.judge_difference(1, paired=True)
    shared = 0.64 * 0.49 + 0.25
    assert unpaired / paired == pytest.approx(1 / (1 - shared / (unpaired / 2)))


@pytest.mark.parametrize("costs", [(0.01, 0.002), (0.2, 0.002), (0.0, 1.0), (5.0, 0.001)])
@pytest.mark.parametrize("variances", [(0.3, 0.3), (0.05, 0.9), (0.5, 0.0), (0.0, 0.4)])
def test_repeats_are_the_best_by_brute_force(costs, variances):
    def loss(k):
        return (variances[0] + variances[1] / k) * (costs[0] + k * costs[1])

    best = cheapest_replication(*costs, *variances)
    assert loss(best) == pytest.approx(min(loss(k) for k in range(1, 1001)))


def test_optimal_repeats_of_model():
    """K* = sqrt((c_item / c_call) s_r^2 / (b^2 (s_g^2 + s_o^2) + s_w^2))."""
    fixed = 0.64 * 0.34 + 0.16
    exact = math.sqrt(40 * 0.09 / fixed)
    assert exact_replication(0.04, 0.001, fixed, 0.09) == pytest.approx(exact)
    assert WORLD.optimal_repeats(0.04, 0.001) in (math.floor(exact), math.ceil(exact))
    assert WORLD.optimal_repeats(0.04, 0.001, paired=False) <= WORLD.optimal_repeats(0.04, 0.001)
    assert WORLD.optimal_raters(0.01, 0.3) == 1
    assert WORLD.optimal_raters(3.0, 0.1) > 1
    assert WORLD.optimal_samples(0.5, 0.003) > WORLD.optimal_samples(0.005, 0.003)


@pytest.mark.parametrize(("ratio", "stated"), [(0.25, 0.08), (1, 0.17), (4, 0.52), (16, 0.98)])
def test_error_floor(ratio, stated):
    assert round(false_rejection(ratio), 2) == stated
    variance, bias = WORLD.judge_difference(1), 0.1
    n = ratio * break_even_n(variance, bias)
    z = bias / math.sqrt(variance / n) + np.random.default_rng(3).standard_normal(200_000)
    assert (np.abs(z) > 1.959964).mean() == pytest.approx(false_rejection(ratio), abs=4 * 0.5 / math.sqrt(200_000))


def test_bias():
    assert judge_bias(0.2, 0.8, 0.05, 0.1, 0.5) == pytest.approx(-0.04 + 0.05 + 0.05)
    assert break_even_n(1.0, 0.0) == math.inf
    assert false_rejection(0.0) == pytest.approx(0.05)


def test_noise_inflation():
    assert round(noise_inflation(0.08, 0.75, 0.93), 2) == 3.20
    assert noise_inflation(0.3, 1.0, 1.0) == pytest.approx(1.0)
    assert noise_inflation(0.3, 0.5, 0.5) == math.inf


def test_labels_to_detect_drift():
    n = labels_to_detect_drift(0.2, 0.9)
    assert n == math.ceil(((1.959964 + 0.841621) * 0.9 / 0.2) ** 2)
    z = np.random.default_rng(4).standard_normal((100_000,)) + 0.2 / (0.9 / math.sqrt(n))
    assert (np.abs(z) > 1.959964).mean() == pytest.approx(0.8, abs=0.01)
    assert labels_to_detect_drift(0.2, 0.9, baseline=2 * n) == pytest.approx(2 * n, rel=0.02)
    assert labels_to_detect_drift(0.2, 0.9, baseline=n / 2) is None
    assert labels_to_detect_drift(-0.2, 0.9, sides=1) < n


@pytest.mark.parametrize(
    "call",
    [
        lambda: Components(noise=-1),
        lambda: Components(scale=math.nan),
        lambda: noise_inflation(0.0, 0.5, 0.9),
        lambda: noise_inflation(0.2, 1.5, 0.9),
        lambda: cheapest_replication(1, 0, 1, 1),
        lambda: labels_to_detect_drift(0, 1),
        lambda: labels_to_detect_drift(0.1, 0),
        lambda: false_rejection(-1),
        lambda: Components(sample=0.0).difference_correlation(),
    ],
)
def test_wrong_input(call):
    with pytest.raises(InputError):
        call()
