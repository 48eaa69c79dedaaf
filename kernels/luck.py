"""Paths of any numbers of rows, and of any rates, from one set of variates.

A surface over traffic or days has another number of rows in every cell, and one over a rate another law. What hangs
on these is arithmetic; the variates do not, so they are drawn once (common random numbers). A cell of normal rows
then costs a twentieth, one of rates a quarter of drawing it.
"""

from __future__ import annotations

import math

import numpy as np

from expsim_panel.kernels.draws import FEW, few_hits, hat, many_hits
from expsim_panel.kernels.jit import kernel


@kernel
def draw_luck(
    rng: np.random.Generator, luck: np.ndarray, bend: np.ndarray, doubt: np.ndarray, need: np.ndarray, spare: np.ndarray
) -> int:
    """Draw what the paths of normal rows are made of, whatever the number of rows.

    The sum of n rows is a normal variate times root n, and their squares about the mean are a gamma variate: the
    cube of 1 plus a normal variate over a number that hangs on n, if a uniform variate lets it pass. So one set of
    variates serves cells of all numbers of rows.

    Parameters
    ----------
    rng : Generator
        Stream of the rows.
    luck, bend : float64 ndarray, shape (looks, arms, replicates)
        Output: normal variates of the sums and of the squares.
    doubt : int64 ndarray, shape (looks arms replicates,)
        Output: where in `bend`, read as one line, the uniform variate does not let a gamma variate pass for every n,
        in rising order; as many as are returned.
    need : float64 ndarray, shape (looks arms replicates, 2)
        Output, at the same places: the least shape for which it passes nevertheless, and the logarithm of the
        uniform variate.
    spare : float64 ndarray, shape (spares, 2)
        Output: normal variates and logarithms of uniform ones, in place of those that do not pass.

    Returns
    -------
    int
        Number of doubtful variates.

    References
    ----------
    G. Marsaglia, W. W. Tsang (2000), "A simple method for generating gamma variables", ACM Transactions on
    Mathematical Software 26, 363-372. Their first test does not hang on the shape. The least shape is ours: with
    ``y = |x| / sqrt(9 shape) <= 0.1`` the logarithm that u is held against is at least
    ``-x**4 / (108 shape (1 - y))`` by its power series, and ``log u < u - 1``.
    """
    looks, arms, replicates = luck.shape
    found = 0
    at = 0
    for t in range(looks):
        for a in range(arms):
            for k in range(replicates):
                luck[t, a, k] = rng.standard_normal()
                x = rng.standard_normal()
                bend[t, a, k] = x
                u = 1.0 - rng.random()
                x *= x
                if u >= 1.0 - 0.0331 * x * x:
                    doubt[found] = at
                    need[found, 0] = max(x * x / (97.2 * (1.0 - u)) if u < 1.0 else np.inf, 100.0 / 9.0 * x)
                    need[found, 1] = math.log(u)
                    found += 1
                at += 1
    for k in range(spare.shape[0]):
        spare[k, 0] = rng.standard_normal()
        spare[k, 1] = math.log(1.0 - rng.random())
    return found


@kernel
def lucky_paths(
    rows: np.ndarray,
    luck: np.ndarray,
    bend: np.ndarray,
    doubt: np.ndarray,
    need: np.ndarray,
    spare: np.ndarray,
    mean: np.ndarray,
    variance: np.ndarray,
) -> None:
    """Make of `draw_luck` what `surfaces.read_paths` makes of normal rows with mean 0 and standard deviation 1.

    Parameters
    ----------
    rows : int64 ndarray, shape (looks, arms)
        Cumulative rows.
    luck, bend, doubt, need, spare
        From `draw_luck`, `doubt` and `need` cut to what was found. The spares are used in turn; there are far more
        than are ever needed (and the first again after the last).
    mean, variance : float64 ndarray, shape (looks, arms, replicates)
        Output; -1 for a variance of too few rows.
    """
    looks, arms, replicates = mean.shape
    total, square, chi = np.empty((arms, replicates)), np.empty((arms, replicates)), np.empty(replicates)
    next_doubt, next_spare = 0, 0
    for t in range(looks):
        for a in range(arms):
            seen = float(rows[t, a])
            n = seen - (float(rows[t - 1, a]) if t > 0 else 0.0)
            shape = 0.5 * (n - 1.0) - 1.0 / 3.0
            narrow = 1.0 / math.sqrt(9.0 * shape) if n >= 3.0 else 0.0
            x = bend[t, a]
            if n >= 3.0:
                for k in range(replicates):
                    v = 1.0 + narrow * x[k]
                    chi[k] = 2.0 * shape * (v * v * v)
            elif n == 2.0:
                for k in range(replicates):
                    chi[k] = x[k] * x[k]
            else:
                chi[:] = 0.0
            first = (t * arms + a) * replicates
            while next_doubt < doubt.size and doubt[next_doubt] < first + replicates:
                if n >= 3.0 and shape < need[next_doubt, 0]:
                    k = doubt[next_doubt] - first
                    y, log_u = x[k], need[next_doubt, 1]
                    while True:
                        v = 1.0 + narrow * y
                        if v > 0.0:
                            v = v * v * v
                            if log_u < 0.5 * y * y + shape * (1.0 - v + math.log(v)):
                                break
                        y, log_u = spare[next_spare, 0], spare[next_spare, 1]
                        next_spare = (next_spare + 1) % spare.shape[0]
                    chi[k] = 2.0 * shape * v
                next_doubt += 1
            root, each = math.sqrt(n), 1.0 / n if n > 0.0 else 0.0
            both = 1.0 / seen if seen > 0.0 else 0.0
            freedom = both / (seen - 1.0) if seen > 1.0 else 0.0
            z, so_far, squares, m, v_m = luck[t, a], total[a], square[a], mean[t, a], variance[t, a]
            if t == 0:
                so_far[:] = 0.0
                squares[:] = 0.0
            for k in range(replicates):
                s = root * z[k]
                so_far[k] += s
                squares[k] += s * s * each + chi[k]
                m[k] = so_far[k] * both
                v_m[k] = max(squares[k] - so_far[k] * so_far[k] * both, 0.0) * freedom
            if seen <= 1.0:
                m[:] = 0.0
                v_m[:] = -1.0


@kernel
def draw_uniforms(rng: np.random.Generator, first: np.ndarray, second: np.ndarray, spare: np.ndarray) -> None:
    """Draw what the paths of rates are made of, whatever the rates and the numbers of rows.

    Parameters
    ----------
    rng : Generator
        Stream of the rows.
    first, second : float64 ndarray, shape (looks, arms, replicates)
        Output: the uniform variates that `draws.many_hits` turns into hits.
    spare : float64 ndarray, shape (arms, spares, 2)
        Output: pairs in place of those that it does not accept.
    """
    looks, arms, replicates = first.shape
    for t in range(looks):
        for a in range(arms):
            for k in range(replicates):
                first[t, a, k] = rng.random()
                second[t, a, k] = rng.random()
    for a in range(arms):
        for k in range(spare.shape[1]):
            spare[a, k, 0] = rng.random()
            spare[a, k, 1] = rng.random()


@kernel
def lucky_rate(
    rows: np.ndarray,
    a: int,
    rate: float,
    first: np.ndarray,
    second: np.ndarray,
    spare: np.ndarray,
    mean: np.ndarray,
    variance: np.ndarray,
) -> None:
    """Make of `draw_uniforms` what `surfaces.read_paths` makes of one arm's rows of 0 and 1.

    Parameters
    ----------
    rows : int64 ndarray, shape (looks, arms)
        Cumulative rows.
    a : int
        The arm.
    rate : float
        Its rate; below 0 counts as 0, above 1 as 1.
    first, second, spare
        From `draw_uniforms`. The arm's spares are used in turn; there are far more than are ever needed (and the
        first again after the last).
    mean, variance : float64 ndarray, shape (looks, arms, replicates)
        Output, of this arm alone; -1 for a variance without rows.
    """
    looks, replicates = mean.shape[0], mean.shape[2]
    total, hits = np.zeros(replicates), np.zeros(replicates)
    spares, next_spare, spares_many = spare[a], 0, spare.shape[1]
    q = min(rate, 1.0 - rate)
    for t in range(looks):
        size = float(rows[t, a] - (rows[t - 1, a] if t > 0 else 0))
        u, v = first[t, a], second[t, a]
        if size <= 0.0 or q <= 0.0:
            hits[:] = 0.0
        elif size * q < FEW:
            for k in range(replicates):
                found = few_hits(u[k], size, q)
                while found < 0.0:
                    found = few_hits(spares[next_spare, 0], size, q)
                    next_spare = (next_spare + 1) % spares_many
                hits[k] = found
        else:
            over = hat(size, q)
            _, slope, width, centre, squeeze = over
            # Seven of eight are accepted by what follows, and need no branch.
            for k in range(replicates):
                x = u[k] - 0.5
                hits[k] = math.floor((2.0 * slope / (0.5 - abs(x)) + width) * x + centre)
            for k in range(replicates):
                if v[k] <= squeeze and abs(u[k] - 0.5) <= 0.43:
                    continue
                found = many_hits(u[k], v[k], size, q, over)
                while found < 0.0:
                    found = many_hits(spares[next_spare, 0], spares[next_spare, 1], size, q, over)
                    next_spare = (next_spare + 1) % spares_many
                hits[k] = found
        seen = float(rows[t, a])
        each = 1.0 / seen if seen > 0.0 else 0.0
        m, v_m = mean[t, a], variance[t, a]
        for k in range(replicates):
            total[k] += hits[k] if rate <= 0.5 else size - hits[k]
            m[k] = total[k] * each
            v_m[k] = max(total[k] - total[k] * total[k] * each, 0.0) * each * each if seen > 0.0 else -1.0
