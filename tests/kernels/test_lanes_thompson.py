"""Thompson sampling in lanes against the law of its draws, and against the loop of one experiment after the other."""

import numpy as np
import pytest
from scipy import stats

from expsim_panel.bandit_runs import checkpoints
from expsim_panel.kernels import bits, lanes_thompson
from expsim_panel.kernels.jit import kernel
from expsim_panel.kernels.lanes import LANES, lane_streams
from expsim_panel.kernels.requests import play_requests
from expsim_panel.kernels.streams import OUTCOME, POLICY
from expsim_panel.policies.thompson import Thompson, ThompsonParams
from expsim_panel.policy import Problem
from expsim_panel.policy_names import read_policy

pytestmark = pytest.mark.arithmetic

ROUNDS = 10_000


@kernel
def _fill(choices, shape, out):
    d = np.full(LANES, shape - 1.0 / 3.0)
    c = 1.0 / np.sqrt(9.0 * d)
    words, flags = np.zeros(LANES, np.uint64), np.zeros(LANES, np.int64)
    u, value = np.zeros(LANES), np.zeros(LANES)
    state = bits.take(choices[4 * LANES :])
    settled = 0
    for i in range(out.shape[0]):
        settled += LANES - lanes_thompson._propose(choices, np.uint64(0), d, c, words, u, value, flags)
        for lane in range(LANES):
            if flags[lane] > 0:
                value[lane], state = lanes_thompson._settle(state, words[lane], u[lane], d[lane], c[lane])
            out[i, lane] = value[lane]
    return settled


def gammas(shape, seed=3, rounds=ROUNDS):
    out = np.zeros((rounds, LANES))
    with np.errstate(over="ignore"):
        settled = _fill(lane_streams(seed, POLICY, 0, 0), shape, out)
    return out, settled / out.size


@pytest.mark.parametrize("shape", [1.0, 2.0, 20.0, 4000.0])
def test_draws_of_all_lanes_have_the_gamma_law(shape):
    values, settled = gammas(shape)
    flat = values.ravel()
    assert stats.kstest(flat, stats.gamma(shape).cdf).pvalue > 1e-3
    # Tails apart: they are where a wrong edge of the ziggurat would show, and where KS is blind.
    for q in (1e-4, 1e-3, 0.01):
        for share in (np.mean(flat < stats.gamma(shape).ppf(q)), np.mean(flat > stats.gamma(shape).isf(q))):
            assert abs(share - q) <= 4 * np.sqrt(q / flat.size)
    assert abs(flat.mean() - shape) <= 4 * np.sqrt(shape / flat.size)
    assert abs(np.mean((flat - shape) ** 2) - shape) <= 4 * np.sqrt((2 * shape**2 + 6 * shape) / flat.size)
    # Few are left for later, or nothing is won; and some are, or the edges were never tried.
    assert 0.8 < settled < 0.995


def test_lanes_and_rounds_are_independent():
    values, _ = gammas(3.0)
    across = np.corrcoef(values.T)[np.triu_indices(LANES, 1)]
    assert np.abs(across).max() <= 4.5 / np.sqrt(ROUNDS)
    within = [np.corrcoef(values[:-1, i], values[1:, i])[0, 1] for i in range(LANES)]
    assert np.abs(within).max() <= 4 / np.sqrt(ROUNDS)
    u = stats.gamma(3.0).cdf(values)
    joint = np.histogram2d(u[:, 0], u[:, 1], bins=8, range=[[0, 1], [0, 1]])[0]
    assert stats.chisquare(joint.ravel()).pvalue > 1e-4


def test_a_settled_draw_is_the_one_of_the_lanes_own_stream():
    with np.errstate(over="ignore"):
        for lane in (0, 7, 31):
            values, _ = gammas(50.0, seed=9, rounds=1)
            own = bits.stream(9, POLICY, 0, 0, lane)
            assert values[0, lane] == pytest.approx(bits.gamma(own, 50.0 - 1 / 3, 1 / np.sqrt(9 * (50.0 - 1 / 3))))


def played(means, hits, misses, replicates, in_lanes, seed=1, horizon=400):
    marks = checkpoints(horizon)
    arms = len(means)
    means = np.array(means)
    pulls, chosen = np.zeros((replicates, arms), np.int64), np.zeros(replicates, np.int64)
    regret, path = np.zeros(replicates), np.zeros((replicates, marks.size))
    traffic = np.zeros((marks.size, arms + 2))
    out = (marks, pulls, chosen, regret, path, traffic)
    with np.errstate(over="ignore"):
        if in_lanes:
            rewards, choices = (lane_streams(seed, role, 0, 0) for role in (OUTCOME, POLICY))
            lanes_thompson.play_thompson(hits, misses, rewards, choices, means, means.max() - means, *out)
        else:
            params = ThompsonParams(True, False, hits, misses)
            rewards, choices = (bits.stream(seed, role, 0) for role in (OUTCOME, POLICY))
            play_requests(
                params, rewards, choices, True, means[None], np.zeros(1, np.int64), horizon, 0, np.zeros(arms),
                marks, np.zeros((4, arms)), pulls, chosen, regret, path, traffic,
            )  # fmt: skip
    return pulls, chosen, regret, path, traffic


@pytest.mark.parametrize(
    ("means", "hits", "misses"), [((0.2, 0.5), 1.0, 1.0), ((0.1, 0.3, 0.5, 0.7, 0.9), 1.0, 1.0), ((0.4, 0.5), 5.0, 2.0)]
)
def test_it_plays_the_law_of_one_experiment_after_the_other(means, hits, misses):
    size = 6000
    ours = played(means, hits, misses, size, True)
    theirs = played(means, hits, misses, size, False, seed=2)
    assert np.all(ours[0].sum(axis=1) == 400)
    for mine, other in zip(ours[0].T, theirs[0].T, strict=True):
        error = np.sqrt((mine.var() + other.var()) / size)
        assert abs(mine.mean() - other.mean()) <= 4 * error
        # Pulls, not regret: equal numbers of pulls give sums of gaps that differ in the last digit.
        assert stats.ks_2samp(mine, other).pvalue > 1e-3
    best = len(means) - 1
    p = np.mean(theirs[1] == best)
    assert abs(np.mean(ours[1] == best) - p) <= 4 * np.sqrt(2 * max(p * (1 - p), 1e-4) / size)
    # The sums over time are those of the replicates.
    np.testing.assert_allclose(ours[4][-1], [*ours[0].sum(axis=0), ours[2].sum(), (ours[2] ** 2).sum()])
    np.testing.assert_allclose(ours[3][:, -1], ours[2])
    np.testing.assert_allclose(ours[3].sum(axis=0), ours[4][:, len(means)])


def test_a_part_of_a_block_is_its_beginning():
    whole, part = (played((0.3, 0.6), 1.0, 1.0, size, True) for size in (100, 45))
    np.testing.assert_array_equal(whole[2][:45], part[2])
    np.testing.assert_array_equal(whole[1][:45], part[1])


def test_only_thompson_itself_on_rates_is_played_in_lanes():
    rates, scores = Problem(3, 100, True), Problem(3, 100, False)
    assert Thompson().lanes(rates) is not None
    for name in ("thompson(floor=0.1)", "thompson(burn_in=2)", "top-two-thompson", "exploration-sampling"):
        assert read_policy(name).lanes(rates) is None
    assert Thompson().lanes(scores) is None
