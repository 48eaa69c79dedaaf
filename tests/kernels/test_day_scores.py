"""Estimates by logged shares from sums of days: the same as row by row, and valid where shares follow the data."""

import day_scores as slow
import numpy as np
import pytest

from expsim_panel.kernels import day_scores
from expsim_panel.kernels.jit import kernel

pytestmark = pytest.mark.arithmetic


@kernel
def _play(logged, days, shares, out):
    for t in range(days.shape[0]):
        logged.shares[2] = shares[t]
        day_scores.add_day(t, days[t], logged)
        day_scores.estimates(logged.kept, out[t])


def _logged(arms, traffic, skip=0):
    return day_scores.Logged(
        (), np.zeros((4, arms)), np.zeros((0, 4, arms)), np.concatenate([[0.0], np.cumsum(traffic)]), skip, slow.DECAY,
        np.zeros((4, arms)), np.zeros((3, arms)), np.zeros((day_scores.METHODS, arms - 1, day_scores.KEPT)),
        np.ones(arms - 1), np.zeros((0, 4, arms - 1, 2)), np.zeros((0, 4, arms - 1, 2)),
    )  # fmt: skip


@pytest.mark.parametrize(("arms", "skip", "late"), [(2, 0, 0), (3, 0, 2), (3, 1, 0)])
def test_sums_of_days_give_what_rows_give(arms, skip, late):
    """One arm may come late: it has no share until then, and no earlier rows."""
    rng = np.random.default_rng(11)
    traffic = np.array([30.0, 40.0, 25.0, 50.0, 35.0, 20.0])
    days, sums, shares = [], np.zeros((5, 4, arms)), np.zeros((5, arms))
    for t in range(5):
        p = rng.dirichlet(np.full(arms, 4.0))
        if t < late:
            p[-1] = 0.0
            p /= p.sum()
        which = rng.choice(arms, size=int(traffic[t]), p=p)
        came = 50 + 3.0 * t + which + 2 * rng.standard_normal(which.size)
        days.append((which, came, p))
        shares[t] = p
        for a in range(arms):
            mine = came[which == a]
            sums[t, :, a] = mine.size, mine.size, mine.sum(), (mine**2).sum()
    out = np.zeros((5, 4, arms - 1, 2))
    _play(_logged(arms, traffic, skip), sums, shares, out)
    for t in range(5):
        value, error = slow.estimated(days[: t + 1], traffic, skip)
        np.testing.assert_allclose(out[t, :, :, 0], value, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(out[t, :, :, 1], error, rtol=1e-8, atol=1e-9)


def test_a_level_common_to_all_arms_moves_no_augmented_estimate():
    rng = np.random.default_rng(12)
    traffic, found = np.full(6, 60.0), []
    shares = rng.dirichlet(np.full(3, 5.0), size=6)
    which = [rng.choice(3, size=60, p=p) for p in shares]
    noise = [rng.standard_normal(60) for _ in shares]
    for level in (np.zeros(6), 100 * rng.standard_normal(6)):
        sums = np.zeros((6, 4, 3))
        for t in range(6):
            for a in range(3):
                mine = level[t] + 0.3 * a + noise[t][which[t] == a]
                sums[t, :, a] = mine.size, mine.size, mine.sum(), (mine**2).sum()
        out = np.zeros((6, 4, 2, 2))
        _play(_logged(3, traffic), sums, shares, out)
        found.append(out[-1])
    np.testing.assert_allclose(found[0][1:], found[1][1:], rtol=1e-6)
    assert np.abs(found[0][0] - found[1][0]).min() > 0.1


def test_two_point_weights_are_the_square_root_ones_where_precision_stays():
    rng = np.random.default_rng(13)
    traffic, p = np.array([20.0, 50.0, 30.0]), np.array([0.5, 0.5])
    sums = np.zeros((3, 4, 2))
    for t in range(3):
        for a in range(2):
            mine = rng.standard_normal(int(traffic[t] / 2))
            sums[t, :, a] = mine.size, mine.size, mine.sum(), (mine**2).sum()
    out = np.zeros((3, 4, 1, 2))
    _play(_logged(2, traffic), sums, np.tile(p, (3, 1)), out)
    np.testing.assert_allclose(out[:, day_scores.TWO_POINT], out[:, day_scores.ROOT], rtol=1e-12)


@pytest.mark.parametrize("decay", [0.0, 0.7])
def test_two_point_spending_adds_up_requests(decay):
    """Request by request by the paper's (18) in the bad case: what a day spends is what its requests do."""
    total, left = 200, 1.0
    steps = (np.arange(1, total + 1) ** (1 - decay) - np.arange(total) ** (1 - decay)) if decay else np.ones(total)
    for first in range(50, 90):
        left *= 1 - steps[first] / steps[first:].sum()
    assert day_scores.spend(1.0, 0.0, 50.0, 90.0, 200.0, decay) == pytest.approx(1 - left, rel=1e-9)
    assert day_scores.spend(0.4, 1.0, 50.0, 90.0, 200.0, decay) == pytest.approx(0.4 * 40 / 150)
    assert day_scores.spend(0.4, 0.5, 150.0, 200.0, 200.0, decay) == 0.4
