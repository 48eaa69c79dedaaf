"""Hits among n trials from tables: as many draws as n has binary digits of 1, none of which computes anything.

A batch asks for the same probabilities over and over, with other numbers of trials each time. Binomial(n, p) is the sum
of Binomial(2^k, p) over the digits of n, and each of those is one look into an alias table.
"""

from __future__ import annotations

import numpy as np

from expsim_panel.kernels.bits import State, step_uniform
from expsim_panel.kernels.jit import inner, kernel

_MOST = 1024
"""Counts below this come from tables. From there on a draw by rejection is cheaper."""


@inner
def width_of(trials: int) -> int:
    """Return the columns that tables need for counts of up to `trials`, as far as tables go."""
    size = 2
    while size <= trials and size < _MOST:
        size *= 2
    return 4 * size - 4


@inner
def most_of(table: np.ndarray) -> int:
    """Return how many trials the tables reach."""
    most: int = table.shape[1] // 4
    return most


@kernel
def fill_tables(p: np.ndarray, table: np.ndarray) -> None:
    """Fill a row for each probability.

    Parameters
    ----------
    p : float64 ndarray, shape (rows,)
        Probabilities, 0 to 1.
    table : float64 ndarray, shape (rows, width_of(trials))
        Output. The table of 2^k trials has 2 2^k places from place 2 2^k - 2 on, of two columns each: with the first as
        probability the number of the place is the number of hits, else the second is.

    References
    ----------
    A. J. Walker (1977), "An efficient method for generating discrete random variables with general distributions",
    ACM TOMS 3, 253-256; the tables are made as by M. D. Vose (1991), IEEE Transactions on Software Engineering 17.
    """
    mass = np.zeros(table.shape[1] // 2)
    small = np.zeros(table.shape[1] // 2, np.int64)
    large = np.zeros(table.shape[1] // 2, np.int64)
    for row in range(p.shape[0]):
        rate = min(max(p[row], 0.0), 1.0)
        trials = 1
        while 8 * trials - 4 <= table.shape[1]:
            places = 2 * trials
            first = places - 2
            # From the mode down and up by the ratio of neighbours.
            mode = min(int((trials + 1) * rate), trials)
            for i in range(places):
                mass[i] = 0.0
            mass[mode] = 1.0
            total = 1.0
            for i in range(mode, 0, -1):
                mass[i - 1] = mass[i] * (i * (1.0 - rate)) / ((trials - i + 1) * rate)
                total += mass[i - 1]
            for i in range(mode, trials):
                mass[i + 1] = mass[i] * ((trials - i) * rate) / ((i + 1) * (1.0 - rate))
                total += mass[i + 1]
            few, many = 0, 0
            for i in range(places):
                mass[i] *= places / total
                if mass[i] < 1.0:
                    small[few] = i
                    few += 1
                else:
                    large[many] = i
                    many += 1
            while few > 0 and many > 0:
                few -= 1
                low, high = small[few], large[many - 1]
                table[row, 2 * (first + low)] = mass[low]
                table[row, 2 * (first + low) + 1] = high
                mass[high] -= 1.0 - mass[low]
                if mass[high] < 1.0:
                    many -= 1
                    small[few] = high
                    few += 1
            # What is left has 1 but for rounding.
            for j in range(many):
                table[row, 2 * (first + large[j])] = 1.0
            for j in range(few):
                table[row, 2 * (first + small[j])] = 1.0
            trials *= 2


@inner
def step_tally(state: State, n: int, row: int, table: np.ndarray) -> tuple[int, State]:
    """Return the hits among n trials, 0 to ``most_of(table)``, with the probability of `row`."""
    hits = 0.0
    while n > 0:
        digit = n & -n
        n -= digit
        u, state = step_uniform(state)
        # The first bits of the uniform are the place, the rest decides: both exact, a product with a power of 2.
        x = u * (2.0 * digit)
        place = int(x)
        at = 4 * digit - 4 + 2 * place
        # Read before the choice, which then is no branch: half of them would be mispredicted.
        keep = table[row, at]
        instead = table[row, at + 1]
        hits += float(place) if x - place < keep else instead
    return int(hits), state
