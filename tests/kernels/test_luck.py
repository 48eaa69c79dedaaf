"""One set of variates for any numbers of rows: its law, and that of each test which lets a variate pass."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom, chisquare, kstest

from expsim_panel.kernels import luck

ROWS = np.array([[40, 38, 41], [35, 36, 33], [1, 2, 3], [50, 49, 52]])


def lucky(rows, replicates, seed, draw=luck.draw_luck, make=luck.lucky_paths):
    """Paths of normal rows, of the same luck for every table of rows."""
    shape = (*np.shape(rows)[1:], replicates)
    many = int(np.prod(shape))
    variates, bend, doubt, need = np.empty(shape), np.empty(shape), np.empty(many, np.int64), np.empty((many, 2))
    spare = np.empty((64 + many // 8, 2))
    found = draw(np.random.Generator(np.random.SFC64(seed)), variates, bend, doubt, need, spare)
    made = []
    for table in rows:
        mean, variance = np.empty(shape), np.empty(shape)
        make(np.ascontiguousarray(table), variates, bend, doubt[:found], need[:found], spare, mean, variance)
        made.append((mean, variance))
    return made, (bend, doubt[:found], need[:found])


@pytest.mark.arithmetic
def test_lucky_paths_have_the_law_of_normal_rows():
    few = np.cumsum([[1, 2], [1, 3], [2, 40], [3, 2], [30, 1]], axis=0)
    more = np.cumsum([[4, 5], [6, 7], [0, 9], [300, 4], [3, 3]], axis=0)
    replicates, smallest = 20_000, []
    for rows, (mean, variance) in zip((few, more), lucky((few, more), replicates, 11)[0], strict=True):
        assert np.all((variance == -1) == (rows == 1)[:, :, None])
        for t in range(5):
            for a in range(2):
                n = rows[t, a]
                if n > 1:
                    z, chi = mean[t, a] * np.sqrt(n), variance[t, a] * n * (n - 1)
                    smallest += [kstest(z, "norm").pvalue, kstest(chi, "chi2", args=(n - 1,)).pvalue]
                    # Mean and variance of a sample are independent; increments of the sums are, too.
                    assert abs(np.corrcoef(z, chi)[0, 1]) < 4 / np.sqrt(replicates)
        before, after = (mean[t, 1] * rows[t, 1] for t in (1, 2))
        assert abs(np.corrcoef(before, after - before)[0, 1]) < 4 / np.sqrt(replicates)
        assert abs(np.corrcoef(mean[4, 0], mean[4, 1])[0, 1]) < 4 / np.sqrt(replicates)
    # Thirty-eight tests in one, at 1 % together.
    assert len(smallest) == 38
    assert min(smallest) > 0.01 / len(smallest)


@pytest.mark.arithmetic
def test_luck_lets_pass_what_the_published_test_lets_pass():
    """Every gamma variate is that of the test with logarithms, whatever shortcut spared it (Marsaglia and Tsang)."""
    sizes = (3, 4, 7, 20, 100, 3000)
    rows = [np.full((1, 40), n) for n in sizes]
    made, (bend, doubt, need) = lucky(rows, 5000, 3)
    surely = np.ones(bend.size, bool)
    surely[doubt] = False
    x, smaller = bend.ravel(), 0
    for n, (_, variance) in zip(sizes, made, strict=True):
        shape = (n - 1) / 2 - 1 / 3
        v = (1 + x / np.sqrt(9 * shape)) ** 3
        # The first test is passed by u < 1 - 0.0331 x**4: then log u is below this for every shape.
        limit = 0.5 * x[surely] ** 2 + shape * (1 - v[surely] + np.log(v[surely]))
        assert np.all(v[surely] > 0)
        assert np.all(np.log1p(-0.0331 * x[surely] ** 4) <= limit + 1e-11)
        y, cube = x[doubt], v[doubt]
        with np.errstate(invalid="ignore"):
            passes = (cube > 0) & (need[:, 1] < 0.5 * y**2 + shape * (1 - cube + np.log(cube)))
        assert np.all(passes[shape >= need[:, 0]])
        smaller += np.sum(shape < need[:, 0])
        squares = (variance * n * (n - 1)).ravel()
        kept = np.ones(x.size, bool)
        kept[doubt[~passes]] = False
        assert squares[kept] == pytest.approx(2 * shape * v[kept], rel=1e-9)
        assert np.all(squares[~kept] != 2 * shape * v[~kept])
        # What is replaced: fewer than one in twenty, of the shapes that there are.
        assert np.mean(~kept) < 0.05
    assert 0 < smaller < doubt.size * len(sizes)


@pytest.mark.arithmetic
def test_replaced_variates_are_used_once_and_far_fewer_than_there_are():
    rows = np.full((1, 2), 3)
    _, (bend, doubt, need) = lucky([rows], 50_000, 8)
    y = bend.ravel()[doubt]
    cube = (1 + y / np.sqrt(6.0)) ** 3
    with np.errstate(invalid="ignore"):
        fails = ~((cube > 0) & (need[:, 1] < 0.5 * y**2 + 2 / 3 * (1 - cube + np.log(cube))))
    # Published: 0.951 of the variates pass at shape 1, the least that occurs.
    assert fails.sum() / 100_000 == pytest.approx(0.049, abs=4 * np.sqrt(0.049 * 0.951 / 100_000))


def rates_of(rows, rates, replicates, seed, draw=luck.draw_uniforms, make=luck.lucky_rate):
    """Paths of rates, of the same luck for every arm's rate; and what they are made of."""
    looks, arms = rows.shape
    first, second, mean, variance = (np.empty((looks, arms, replicates)) for _ in range(4))
    spare = np.empty((arms, 64 + looks * replicates // 2, 2))
    draw(np.random.Generator(np.random.SFC64(seed)), first, second, spare)
    for a, rate in enumerate(rates):
        make(rows, a, rate, first, second, spare, mean, variance)
    return mean, variance, (first, second, spare)


@pytest.mark.arithmetic
@pytest.mark.parametrize(
    ("sizes", "rates"),
    [
        ([40, 60, 400], (0.3, 0.71)),
        ([3, 0, 25], (0.02, 0.98)),
        ([1000, 5000, 20], (0.5, 0.004)),
        ([21, 100_000, 19], (0.499, 0.0002)),
    ],
)
def test_lucky_rates_have_the_binomial_law(sizes, rates):
    replicates, smallest = 40_000, []
    rows = np.cumsum(np.array([[n, n] for n in sizes]), axis=0)
    mean, variance, _ = rates_of(rows, rates, replicates, 17)
    hits = np.diff(mean * rows[:, :, None], axis=0, prepend=0)
    assert np.all(np.abs(hits - np.round(hits)) < 1e-6)
    for t, n in enumerate(sizes):
        for a, rate in enumerate(rates):
            assert np.all(variance[t, a] == pytest.approx(mean[t, a] * (1 - mean[t, a]) / rows[t, a], abs=1e-15))
            if n == 0:
                assert np.all(hits[t, a] == 0)
                continue
            # Classes of at least 200 expected experiments: chi-square, see any textbook.
            edges = np.unique(binom.ppf(np.linspace(0.005, 0.995, 41), n, rate))
            chances = np.diff(binom.cdf(np.concatenate([[-1], edges, [n]]), n, rate))
            classes = np.searchsorted(edges, np.round(hits[t, a]))
            seen = np.bincount(classes, minlength=edges.size + 1)
            kept = chances * replicates > 20
            rest = [1 - chances[kept].sum()], [replicates - seen[kept].sum()]
            if rest[0][0] * replicates > 20:
                chances, seen = np.append(chances[kept], rest[0]), np.append(seen[kept], rest[1])
            else:
                chances, seen = chances[kept] / chances[kept].sum(), seen[kept]
            if chances.size > 1:
                smallest.append(chisquare(seen, chances * seen.sum()).pvalue)
    assert min(smallest) > 0.01 / 24
    first, last = hits[0], hits[-1]
    assert abs(np.corrcoef(first[0], first[1])[0, 1]) < 4 / np.sqrt(replicates)
    assert abs(np.corrcoef(first[0], last[0])[0, 1]) < 4 / np.sqrt(replicates)


@pytest.mark.arithmetic
def test_lucky_rates_take_what_the_published_algorithm_accepts():
    """Against algorithm BTRS with the mass itself (Hörmann 1993): accepted proposals stay, others are replaced."""
    rows, rates, replicates = np.array([[500, 60]]), (0.2, 0.5), 5000
    mean, _, (first, second, _) = rates_of(rows, rates, replicates, 5)
    for a, (n, p) in enumerate(zip(rows[0], rates, strict=True)):
        sd = np.sqrt(n * p * (1 - p))
        b = 1.15 + 2.53 * sd
        slope, centre = -0.0873 + 0.0248 * b + 0.01 * p, n * p + 0.5
        u, v = first[0, a] - 0.5, second[0, a]
        edge = 0.5 - np.abs(u)
        proposed = np.floor((2 * slope / edge + b) * u + centre)
        density = (2.83 + 5.1 / b) * sd * v / (slope / edge**2 + b)
        mode = np.floor((n + 1) * p)
        accepted = density <= binom.pmf(proposed, n, p) / binom.pmf(mode, n, p)
        # The squeeze accepts without the mass, inside of what the mass accepts.
        assert np.all(accepted[(edge >= 0.07) & (v <= 0.92 - 4.2 / b)])
        assert np.array_equal(np.round(mean[0, a] * n)[accepted], proposed[accepted])
        assert 0.02 < np.mean(~accepted) < 0.25


@pytest.mark.arithmetic
def test_rates_at_the_ends_are_certain():
    rows = np.array([[5, 5, 0], [9, 7, 0]])
    mean, variance, _ = rates_of(rows, (0.0, 1.0, 0.4), 50, 2)
    assert np.all(mean[:, 0] == 0)
    assert np.all(mean[:, 1] == 1)
    assert np.all(variance[:, :2] == 0)
    assert np.all(variance[:, 2] == -1)


def test_compiled_and_interpreted_agree_to_the_bit():
    drawn = []
    for draw, make in (
        (luck.draw_luck, luck.lucky_paths),
        (_plain(luck.draw_luck), _plain(luck.lucky_paths)),
    ):
        (paths_made,), parts = lucky([np.cumsum(ROWS, axis=0)], 40, 3, draw, make)
        drawn.append((*paths_made, *parts))
    for draw, make in ((luck.draw_uniforms, luck.lucky_rate), (_plain(luck.draw_uniforms), _plain(luck.lucky_rate))):
        mean, variance, parts = rates_of(np.cumsum(ROWS, axis=0), (0.3, 0.02, 0.8), 40, 3, draw, make)
        drawn.append((mean, variance, *parts))
    for pair in (drawn[:2], drawn[2:]):
        for one, other in zip(*pair, strict=True):
            assert one.tobytes() == other.tobytes()


def _plain(kernel):
    """The function that was compiled; itself where the JIT is off."""
    return getattr(kernel, "py_func", kernel)
