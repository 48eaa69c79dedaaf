"""Estimates after a test that may give up in the middle: the sample-mean ordering against plain simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest

from expsim_panel.errors import InputError
from expsim_panel.mean_ordering import medians_by_mean, tails_by_mean
from expsim_panel.sequential import sequential_design
from expsim_panel.stagewise import stagewise_estimate

pytestmark = pytest.mark.arithmetic

N = 200_000
INFORMATION = [0.2, 0.5, 0.7, 1.0]


def wedge():
    found = sequential_design("pocock", information=INFORMATION, futility=[0.2, "none", 0.8], binding=True)
    t, upper = found.information, found.critical_values
    return t, -upper, found.futility_bounds, upper


def walked(drift: float) -> tuple[np.ndarray, np.ndarray]:
    """Return look (from 0) and estimate of simulated experiments: increments drawn, bounds applied one by one."""
    t, lower, inner, upper = wedge()
    draw = np.random.default_rng(20261125)
    steps = np.diff(t, prepend=0.0)
    score = np.cumsum(draw.standard_normal((N, t.size)) * np.sqrt(steps) + drift * steps, axis=1)
    z = score / np.sqrt(t)
    stop = (z >= upper) | (z <= lower) | (np.abs(z) <= inner)
    stop[:, -1] = True
    look = stop.argmax(axis=1)
    return look, score[np.arange(N), look] / t[look]


@pytest.mark.parametrize("drift", [0.0, 1.7, -3.0])
def test_tail_probabilities_are_those_of_simulated_experiments(drift: float) -> None:
    _, seen = walked(drift)
    at = np.quantile(seen, [0.03, 0.2, 0.4, 0.5, 0.6, 0.8, 0.97]) + 1e-9
    exact = tails_by_mean(*wedge(), at, np.full(at.size, drift))
    share = (seen[:, None] >= at).mean(axis=0)
    assert np.all(np.abs(share - exact) <= 4 * np.sqrt(exact * (1 - exact) / N))
    far = np.array([seen.min() - 1.0, seen.max() + 1.0])
    assert tails_by_mean(*wedge(), far, np.full(2, drift)) == pytest.approx([1.0, 0.0], abs=1e-5)


@pytest.mark.parametrize("drift", [0.0, 2.0])
def test_intervals_cover_and_medians_are_unbiased(drift: float) -> None:
    _, seen = walked(drift)
    tail = tails_by_mean(*wedge(), seen[:20_000], np.full(20_000, drift))
    for level in (0.5, 0.9, 0.95):
        assert abs((np.abs(tail - 0.5) < level / 2).mean() - level) <= 3 * math.sqrt(level * (1 - level) / 20_000)
    medians = medians_by_mean(*wedge(), seen)
    assert abs((medians > drift).mean() - 0.5) <= 3 * math.sqrt(0.25 / N)


def test_one_experiment() -> None:
    t, lower, inner, upper = wedge()
    for look, z in ((1, 2.9), (1, 0.1), (3, -0.4), (4, 1.5)):
        made = stagewise_estimate(t, upper, 2, look, z, futility=inner, se=2.0)
        assert made.ordering == "sample mean"
        unit = 2.0 * math.sqrt(t[look - 1])
        ends = np.array([made.low, made.estimate, made.high]) / unit
        tails = tails_by_mean(t, lower, inner, upper, np.full(3, z / math.sqrt(t[look - 1])), ends)
        assert tails == pytest.approx([0.025, 0.5, 0.975], abs=1e-9)
        mirrored = stagewise_estimate(t, upper, 2, look, -z, futility=inner, se=2.0)
        assert (-mirrored.high, -mirrored.estimate) == pytest.approx((made.low, made.estimate), abs=1e-9)
    with pytest.raises(InputError, match="all planned looks"):
        stagewise_estimate(t[:2], upper[:2], 2, 1, 2.9, futility=inner[:2])
    plain = stagewise_estimate(t, upper, 2, 1, 2.9)
    assert plain.ordering == "stage-wise"
