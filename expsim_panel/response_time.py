"""Latency of a streamed answer: first token, the others at a speed, sometimes a wait."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from expsim_panel.call_costs import TokenLaw
from expsim_panel.errors import InputError, shown

_P95 = 1.6448536269514722


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
        """Return P(T <= seconds), summed over strata of the length (and of the wait)."""
        return float(self.cdf_at(np.array([seconds], float))[0])

    def cdf_at(self, seconds: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return `cdf` at several times, shape (n,)."""
        fast, delayed = np.zeros(len(seconds)), np.zeros(len(seconds))
        streamed = self.tokens.strata() / self.speed
        waits = self._wait.strata() if self.slow else np.zeros(1)
        for at, one in enumerate(seconds):
            left = one - streamed
            fast[at] = _below(self._first, left).mean()
            if self.slow:
                delayed[at] = _below(self._first, left[:, None] - waits[None, :]).mean()
        return np.asarray((1 - self.slow) * fast + self.slow * delayed)

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


def _below(law: TokenLaw, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return P(lognormal <= values), 0 below 0."""
    from scipy.special import ndtr

    if law.sigma == 0:
        return np.asarray(values >= law.median, dtype=np.float64)
    inside = np.log(np.maximum(values, 1e-300) / law.median) / law.sigma
    return np.where(values > 0, ndtr(inside), 0.0)
