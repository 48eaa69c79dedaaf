"""Latency of a streamed answer: first token, the others at a speed, sometimes a wait."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from expsim_panel.call_costs import TokenLaw
from expsim_panel.errors import InputError, shown

REACH = 8.0  # standard normal; beyond it nothing is left
NODES, WAITS = 321, 2001  # values of what is summed over; of the wait, which is read from a table
POINTS, FAR = 4001, 8.0  # times of that table, and the logarithm of their reach


@dataclass(frozen=True)
class ResponseTime:
    """Seconds until an answer is complete: first token, then tokens at a speed, sometimes a slow mode.

    ``T = TTFT + tokens / speed (+ wait)``: TTFT is lognormal; with probability `slow` a lognormal wait (queue, retry
    after a rate limit) comes on top, the second mode that one lognormal cannot have. All parts are independent.

    Attributes
    ----------
    ttft_median, ttft_p95 : float
        Seconds to the first token.
    tokens : TokenLaw
        Length of the answer.
    speed : float
        Tokens per second, above 0.
    slow : float
        Share of calls in the slow mode, 0 to 1.
    wait_median, wait_p95 : float
        Extra seconds there.
    """

    ttft_median: float
    ttft_p95: float
    tokens: TokenLaw
    speed: float
    slow: float = 0.0
    wait_median: float = 5.0
    wait_p95: float = 15.0

    def __post_init__(self) -> None:
        for name in ("ttft", "wait"):
            median, high = getattr(self, f"{name}_median"), getattr(self, f"{name}_p95")
            if not (0 < median <= high and math.isfinite(high)):
                problem = f"median {shown(median)} and 95 % point {shown(high)}"
                raise InputError("response time", f"{name}_p95", problem, "give 0 < median <= 95 % point")
        if not (math.isfinite(self.speed) and self.speed > 0):
            raise InputError("response time", "speed", f"{shown(self.speed)}", "give tokens per second above 0")
        if not 0 <= self.slow <= 1:
            raise InputError("response time", "slow", f"{shown(self.slow)} is no share", "give 0 to 1")

    @property
    def _first(self) -> TokenLaw:
        return TokenLaw(self.ttft_median, self.ttft_p95)

    @property
    def _wait(self) -> TokenLaw:
        return TokenLaw(self.wait_median, self.wait_p95)

    @property
    def mean(self) -> float:
        """Mean seconds, in closed form."""
        return self._first.mean + self.tokens.mean / self.speed + self.slow * self._wait.mean

    @property
    def sd(self) -> float:
        """Standard deviation in seconds, in closed form."""

        def square(law: TokenLaw) -> float:
            return law.mean**2 * math.exp(law.sigma**2)

        variance = square(self._first) - self._first.mean**2
        variance += (square(self.tokens) - self.tokens.mean**2) / self.speed**2
        variance += self.slow * square(self._wait) - (self.slow * self._wait.mean) ** 2
        return math.sqrt(max(variance, 0.0))

    def cdf(self, seconds: float) -> float:
        """Return P(T <= seconds)."""
        return float(self.cdf_at(np.array([seconds], float))[0])

    def cdf_at(self, seconds: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return `cdf` at several times, shape (n,)."""
        made = (1 - self.slow) * self._undelayed(seconds)
        if not self.slow:
            return np.asarray(made)
        waits, weights = _nodes(self._wait, WAITS)
        if self._wait.sigma == 0 or self.tokens.sigma == self._first.sigma == 0:
            fixed = self.ttft_median + self.tokens.median / self.speed
            late = self._undelayed(seconds - waits[0]) if self._wait.sigma == 0 else _below(self._wait, seconds - fixed)
            return np.asarray(made + self.slow * late)
        times, below = _table(self)
        left = seconds[:, None] - waits
        return np.asarray(made + self.slow * np.interp(left, times, below, left=0.0, right=1.0) @ weights)

    def _undelayed(self, seconds: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return P(TTFT + tokens / speed <= seconds), summed over the part that varies less: the other smooths it."""
        stream = TokenLaw(self.tokens.median / self.speed, self.tokens.p95 / self.speed)
        narrow, wide = sorted((self._first, stream), key=lambda law: law.variance)
        nodes, weights = _nodes(narrow, NODES)
        return np.asarray(_below(wide, seconds[:, None] - nodes) @ weights)

    def quantile(self, p: float) -> float:
        """Return the seconds that a share p of the answers takes at most, by bisection."""
        if not 0 < p < 1:
            raise InputError("response time", "p", f"{shown(p)} is no share", "give a number between 0 and 1")
        low, high = 0.0, self.mean + self.sd
        while self.cdf(high) < p:
            high *= 2
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if self.cdf(middle) < p else (low, middle)
        return (low + high) / 2

    def draw(self, rng: np.random.Generator, size: int) -> npt.NDArray[np.float64]:
        """Draw the seconds of `size` answers."""
        waits = np.where(rng.random(size) < self.slow, self._wait.draw(rng, size), 0.0)
        return np.asarray(self._first.draw(rng, size) + self.tokens.draw(rng, size) / self.speed + waits)


@lru_cache(maxsize=64)
def _table(law: ResponseTime) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return times and P(no later, without a wait), close enough to interpolate."""
    middle = law.ttft_median + law.tokens.median / law.speed
    times = middle * np.exp(np.linspace(-FAR, FAR, POINTS))
    return times, law._undelayed(times)


def _nodes(law: TokenLaw, count: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return values of a lognormal and their weights: the trapezoid of a normal density is as good as exact."""
    if law.sigma == 0:
        return np.array([law.median]), np.ones(1)
    z = np.linspace(-REACH, REACH, count)
    weights = np.exp(-(z**2) / 2)
    return law.median * np.exp(law.sigma * z), weights / weights.sum()


def _below(law: TokenLaw, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return P(lognormal <= values), 0 below 0."""
    from scipy.special import ndtr

    if law.sigma == 0:
        return np.asarray(values >= law.median, dtype=np.float64)
    inside = np.log(np.maximum(values, 1e-300) / law.median) / law.sigma
    return np.where(values > 0, ndtr(inside), 0.0)
