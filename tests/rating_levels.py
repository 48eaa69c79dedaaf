"""Levels of ordinary rating scales, for tests that must not take one for two."""

import numpy as np

STARS = np.arange(1.0, 6.0)
ORDINARY = {
    "yes and no": np.arange(2.0),
    "three": np.arange(3.0),
    "stars": STARS,
    "seven": np.arange(1.0, 8),
    "eleven": np.arange(11.0),
    "half stars": np.arange(0.5, 5.5, 0.5),
    "quarters": np.arange(0, 1.1, 0.25),
    "per cents": np.arange(101.0),
    "tens": np.arange(0.0, 101, 10),
    "fives": np.arange(0.0, 101, 5),
    "quarters of a hundred": np.arange(0.0, 101, 25),
    "finer at the bottom": np.r_[0.0:10, 10:101:10],
    "quarters, then whole": np.r_[0:1:0.25, 1.0:6],
    "doubling": 2.0 ** np.arange(8),
    "by tens": np.array([1.0, 2, 5, 10, 20, 50, 100]),
    "decades": 10.0 ** np.arange(6),
    "Fibonacci": np.array([1.0, 2, 3, 5, 8, 13, 21, 34]),
    "nine and ten of ten": np.array([1.0, 2, 3, 9, 10]),
    "below 0": np.arange(-3.0, 4),
    "counts": np.unique(np.random.default_rng(1).lognormal(3, 1.5, 200).round()),
}
