"""What scoring costs: tokens as distributions, list prices with cache, tiers, batch and date, people with overhead."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from expsim_panel.errors import InputError, shown
from expsim_panel.prices import AS_OF, batch_listed, listed

_STRATA = 200
_P95 = 1.6448536269514722


@dataclass(frozen=True)
class TokenLaw:
    """Tokens of a text: lognormal, or fixed where median and 95 % point agree.

    Attributes
    ----------
    median, p95 : float
        Tokens; half of the texts are shorter, one in twenty is longer. 0 for no text at all.
    """

    median: float
    p95: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.p95) and 0 <= self.median <= self.p95 and (self.median > 0 or self.p95 == 0)):
            problem = f"median {shown(self.median)} and 95 % point {shown(self.p95)}"
            raise InputError("tokens", "p95", problem, "give a median above 0 and a 95 % point not below it")

    @classmethod
    def fixed(cls, tokens: float) -> TokenLaw:
        """Return the law of a text that always has so many tokens."""
        return cls(tokens, tokens)

    @classmethod
    def of_mean(cls, mean: float, sd: float) -> TokenLaw:
        """Return the lognormal law with this mean and standard deviation, both 0 or more."""
        if not (math.isfinite(mean) and math.isfinite(sd) and mean >= 0 and sd >= 0 and (mean > 0 or sd == 0)):
            raise InputError("tokens", "sd", f"mean {shown(mean)} and SD {shown(sd)}", "give a mean above 0 with an SD")
        if sd == 0:
            return cls.fixed(mean)
        square = math.log1p((sd / mean) ** 2)
        median = mean * math.exp(-square / 2)
        return cls(median, median * math.exp(_P95 * math.sqrt(square)))

    @property
    def sigma(self) -> float:
        """SD of log tokens."""
        return math.log(self.p95 / self.median) / _P95 if self.median > 0 else 0.0

    @property
    def mean(self) -> float:
        """Mean, ``median exp(sigma^2 / 2)``: what linear prices need."""
        return self.median * math.exp(self.sigma**2 / 2)

    @property
    def variance(self) -> float:
        """Variance, ``mean^2 (exp(sigma^2) - 1)``."""
        return self.mean**2 * math.expm1(self.sigma**2)

    def strata_variances(self, count: int = _STRATA) -> npt.NDArray[np.float64]:
        """Return the variances inside the `strata`."""
        from scipy.special import ndtr, ndtri

        if self.sigma == 0:
            return np.zeros(1)
        edges = ndtri(np.linspace(0, 1, count + 1))
        square = self.mean**2 * math.exp(self.sigma**2) * np.diff(ndtr(edges - 2 * self.sigma)) * count
        return np.asarray(np.maximum(square - self.strata(count) ** 2, 0.0))

    def strata(self, count: int = _STRATA) -> npt.NDArray[np.float64]:
        """Return the means of `count` equally likely strata, shortest first; their mean is exactly `mean`."""
        from scipy.special import ndtr, ndtri

        if self.sigma == 0:
            return np.array([self.median])
        edges = ndtri(np.linspace(0, 1, count + 1))
        return np.asarray(self.mean * np.diff(ndtr(edges - self.sigma)) * count)

    def draw(self, rng: np.random.Generator, size: int) -> npt.NDArray[np.float64]:
        """Draw tokens of `size` texts (not rounded)."""
        return np.asarray(self.median * np.exp(self.sigma * rng.standard_normal(size)))


@dataclass(frozen=True)
class Call:
    """A call of a model, judge or variant.

    Attributes
    ----------
    model, provider : str
        As genai-prices knows them.
    prompt, answer : TokenLaw
        Input tokens that differ from call to call, and output tokens.
    shared : int
        Input tokens that are the same in all calls (instructions, rubric), 0 or more.
    cached : float
        Share of calls whose shared tokens come from the provider's cache, 0 to 1.
    batch : bool
        Whether answers may take a day, at the provider's batch price; see `prices.BATCH_DISCOUNT`.
    when : datetime
        Prices as of that moment.
    """

    model: str
    provider: str
    prompt: TokenLaw
    answer: TokenLaw
    shared: int = 0
    cached: float = 0.0
    batch: bool = False
    when: datetime = field(default=AS_OF)

    def __post_init__(self) -> None:
        if not 0 <= self.cached <= 1:
            raise InputError("call", "cached", f"{shown(self.cached)} is no share", "give 0 to 1")
        if self.shared < 0:
            raise InputError("call", "shared", f"{shown(self.shared)} tokens", "give 0 or more")
        if self.when.tzinfo is None:
            raise InputError("call", "when", f"{self.when} has no time zone", "give one, such as UTC")

    def price(self) -> float:
        """Return the expected dollars of a call.

        The price list counts whole tokens and has tiers by length of the input (a long prompt costs more per
        token), so the mean price is not the price of the mean: it is summed over 200 strata of the prompt.
        """
        return _expected(self)

    def price_sd(self) -> float:
        """Return the standard deviation of the dollars of a call, prompt and answer independent.

        Inside each of the strata of the prompt the price is linear in the prompt, in the answer it is everywhere.
        """
        return _spread(self) if self.varied else 0.0

    @property
    def varied(self) -> bool:
        """Whether calls differ in price."""
        mixed = self.shared > 0 and 0 < self.cached < 1
        return mixed or self.prompt.sigma > 0 or self.answer.sigma > 0

    def note(self) -> str:
        """Say where the price comes from."""
        told = f"{self.model}: list price as of {self.when:%Y-%m-%d} (genai-prices)"
        if not self.batch:
            return told
        known = batch_listed(self.model, self.provider, self.when)
        return f"{told}, as a batch{'' if known else ' at half of it (assumed: the list has no batch price of it)'}"


@lru_cache(maxsize=256)
def _expected(call: Call) -> float:
    answer = call.answer.mean
    total = 0.0
    prompts = call.prompt.strata()
    for share, hit in ((1 - call.cached, 0), (call.cached, call.shared)):
        if share > 0:
            costs = [_fractional(call, tokens + call.shared, answer, hit) for tokens in prompts]
            total += share * math.fsum(costs) / len(costs)
    return total


@lru_cache(maxsize=256)
def _spread(call: Call) -> float:
    answer, own = call.answer.mean, call.answer.variance
    square = 0.0
    prompts = list(zip(call.prompt.strata(), call.prompt.strata_variances(), strict=True))
    for share, hit in ((1 - call.cached, 0), (call.cached, call.shared)):
        for tokens, inside in prompts if share > 0 else ():
            sent = tokens + call.shared
            cost = _fractional(call, sent, answer, hit)
            slope = cost - _fractional(call, max(sent - 1.0, float(hit)), answer, hit)
            each = _fractional(call, sent, answer + 1.0, hit) - cost
            square += share * (cost**2 + slope**2 * inside + each**2 * own) / len(prompts)
    return math.sqrt(max(square - _expected(call) ** 2, 0.0))


def _fractional(call: Call, sent: float, received: float, hit: int) -> float:
    """Price fractions of a token: between the whole numbers around it the price is linear."""
    low, out = math.floor(sent), math.floor(received)
    base = listed(call.model, call.provider, (low, out, hit), call.when, call.batch)
    more = longer = 0.0
    if sent > low:
        more = listed(call.model, call.provider, (low + 1, out, hit), call.when, call.batch) - base
    if received > out:
        longer = listed(call.model, call.provider, (low, out + 1, hit), call.when, call.batch) - base
    return base + (sent - low) * more + (received - out) * longer


def judging_cost(
    price: float,
    items: float = 1.0,
    repeats: int = 1,
    orders: int = 1,
    retried: float = 0.0,
    *,
    judges: int = 1,
    refused: float = 0.0,
) -> float:
    """Return the dollars of judging: items x judges x repeats x orders, and the calls that are paid for nothing.

    Parameters
    ----------
    price : float
        Dollars per call (or its seconds: a call takes them as often).
    items : float
        Responses that get a score.
    repeats : int
        Calls per item and order, 1 or more.
    orders : int
        1, or 2 where a pair is shown in both orders against position bias.
    retried : float
        Share of calls that fail, each repeated until there is an answer; below 1.
    judges : int
        Models in a panel.
    refused : float
        Share of responses that get no score though their calls are paid; below 1.
    """
    if repeats < 1 or orders not in (1, 2) or not 0 <= retried < 1:
        problem = f"{shown(repeats)} repeats, {shown(orders)} orders, {shown(retried)} retried"
        raise InputError("judging cost", "repeats", problem, "give 1 or more repeats, 1 or 2 orders, a share below 1")
    if judges < 1 or not 0 <= refused < 1:
        problem = f"{shown(judges)} judges, {shown(refused)} refused"
        raise InputError("judging cost", "judges", problem, "give 1 or more judges, a share below 1")
    return float(repeats * orders * price * judges / (1 - refused) / (1 - retried) * items)


def labelling_cost(
    items: float = 1.0,
    raters_per_item: float = 1,
    *,
    price: float | None = None,
    hourly: float | None = None,
    seconds: float = 0.0,
    overhead: float = 0.0,
    adjudicated: float = 0.0,
) -> float:
    """Return the dollars of people's labels.

    ``items (raters + adjudicated) p (1 + overhead)`` with p the price of a label or ``hourly seconds / 3600``.

    Parameters
    ----------
    price, hourly : float, optional
        Dollars per label, or wage; exactly one of them.
    seconds : float
        Working time of a label.
    overhead : float
        Platform, training, checks: share on top.
    adjudicated : float
        Share of items that one more person settles, 0 to 1; paid like the others.
    """
    if (price is None) == (hourly is None):
        raise InputError("labelling cost", "price", "a price and a wage, or neither", "give one of the two")
    one = price if price is not None else float(hourly or 0.0) * seconds / 3600
    if raters_per_item < 1 or one < 0 or overhead < 0 or not 0 <= adjudicated <= 1:
        raise InputError("labelling cost", "overhead", "a negative amount or no rater", "give 0 or more")
    return float(one * (raters_per_item + adjudicated) * (1 + overhead) * items)
