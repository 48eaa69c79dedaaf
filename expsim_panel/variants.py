"""A variant of a scenario file: its quality, what a response costs and how long it takes.

Tokens of a response are lognormal by their mean and standard deviation. A response time is either a lognormal by its
median and 95 % point, or what it consists of: the first token, the others at a speed, sometimes a wait on top.
"""

from __future__ import annotations

from functools import lru_cache

import param

from expsim_panel.call_costs import Call, TokenLaw
from expsim_panel.errors import InputError
from expsim_panel.prices import price
from expsim_panel.quantities import Days, Factor, Millis, Money, Score, Share, Spread, Tokens
from expsim_panel.response_time import ResponseTime
from expsim_panel.scenario_world import Change
from expsim_panel.sections import Section

MOST_VARIED = 20.0
"""An SD of tokens is at most so many times their mean."""
WIDEST = 10_000
"""A 95 % point is at most so many times its median: beyond, units were mixed up."""


class TokenSpread(Factor):
    """Standard deviation of a number of tokens."""

    noun = "a standard deviation"


class Speed(Factor):
    """Tokens per second."""

    noun = "a number of tokens per second"


class Latency(Section):
    """Table ``latency_ms``: the time a response takes, as a whole or by its parts."""

    median = Millis(
        800.0,
        bounds=(0, None),
        inclusive_bounds=(False, True),
        label="Median latency",
        doc="Half of the responses are faster; read where no tokens per second are given.",
    )
    p95 = Millis(
        2000.0,
        bounds=(0, None),
        inclusive_bounds=(False, True),
        label="95 % latency",
        doc="One response in twenty is slower; read where no tokens per second are given.",
    )
    tokens_per_second = Speed(
        None,
        allow_None=True,
        bounds=(0, 100_000),
        inclusive_bounds=(False, True),
        softbounds=(5, 300),
        step=5,
        label="Tokens per second",
        doc="Speed of a streamed answer. Given, a response takes the time to its first token, then its output tokens "
        "at this speed, and sometimes a wait on top.",
    )
    ttft_median = Millis(
        500.0,
        bounds=(0, None),
        inclusive_bounds=(False, True),
        label="Median time to the first token",
        doc="Half of the responses begin sooner; lognormal, read where tokens per second are given.",
    )
    ttft_p95 = Millis(
        1200.0,
        bounds=(0, None),
        inclusive_bounds=(False, True),
        label="95 % time to the first token",
        doc="One response in twenty begins later; read where tokens per second are given.",
    )
    slow_share = Share(
        0.0,
        step=0.01,
        label="Share of slow responses",
        doc="Responses that wait in a queue or are tried again, on top of the rest.",
    )
    slow_median = Millis(
        5000.0,
        bounds=(0, None),
        inclusive_bounds=(False, True),
        label="Median wait of slow responses",
        doc="Half of the slow responses wait less on top; lognormal.",
    )
    slow_p95 = Millis(
        15000.0,
        bounds=(0, None),
        inclusive_bounds=(False, True),
        label="95 % wait of slow responses",
        doc="One slow response in twenty waits longer on top.",
    )

    def check(self, where: str, path: str = "") -> None:
        """Check that no 95 % point is below its median, none absurdly above it, and that parts have a speed."""
        if self.tokens_per_second is None:
            for key in ("ttft_median", "ttft_p95"):
                if getattr(self, key) != self.param[key].default:
                    problem = "a time to the first token without a speed of the others"
                    raise InputError(where, f"{path}.{key}", problem, "give tokens_per_second too, or median and p95")
        names = [("median", "p95")] if self.tokens_per_second is None else [("ttft_median", "ttft_p95")]
        if self.slow_share > 0:
            names.append(("slow_median", "slow_p95"))
        for low, high in names:
            median, p95 = getattr(self, low), getattr(self, high)
            if p95 < median:
                raise InputError(where, f"{path}.{high}", f"{p95:g} is below the median", f"give {median:g} or more")
            if p95 > WIDEST * median:
                problem = f"{p95:g} is more than 10,000 times the median {median:g}"
                raise InputError(where, f"{path}.{high}", problem, "check the unit: both are milliseconds")

    def to_tree(self) -> dict[str, object]:
        """Return what is read: the whole or its parts, and the slow mode where there is one."""
        tree = super().to_tree()
        unread = {"median", "p95"} if self.tokens_per_second is not None else {"ttft_median", "ttft_p95"}
        if self.slow_share == 0:
            unread |= {"slow_share", "slow_median", "slow_p95"}
        return {key: value for key, value in tree.items() if key not in unread}

    def law(self, tokens: TokenLaw) -> ResponseTime:
        """Return the law of a response time in seconds.

        Parameters
        ----------
        tokens : TokenLaw
            Output tokens; read where there is a speed.
        """
        slow = float(self.slow_share), self.slow_median / 1000, self.slow_p95 / 1000
        if self.tokens_per_second is None:
            # The whole is one lognormal: a first token and no others.
            return ResponseTime(self.median / 1000, self.p95 / 1000, TokenLaw.fixed(0), 1.0, *slow)
        speed = float(self.tokens_per_second)
        return ResponseTime(self.ttft_median / 1000, self.ttft_p95 / 1000, tokens, speed, *slow)


class Variant(Section):
    """Table ``[[variants]]``: one prompt, model or reranker; the first is the control."""

    name = param.String("", constant=False, label="Name", doc="What the variant is called in tables and sentences.")
    mean = Score(
        0.0,
        softbounds=(0, 5),
        step=0.01,
        label="True quality",
        doc="Long-run mean of the metric when this variant serves.",
    )
    sd = Spread(
        None,
        allow_None=True,
        bounds=(0, None),
        inclusive_bounds=(False, True),
        label="Own spread",
        doc="Standard deviation of this variant, where it differs from the metric's.",
    )
    latent_mean = Score(
        None,
        softbounds=(-4, 4),
        allow_None=True,
        label="Latent mean",
        doc="Mean on the scale of the fitted ordered probit.",
    )
    model = param.String("", label="Model", doc="Model id as genai-prices knows it; empty when generation is free.")
    provider = param.String("", label="Provider", doc="Provider id as genai-prices knows it, such as openai.")
    input_tokens = Tokens(
        0,
        bounds=(0, None),
        softbounds=(0, 8000),
        step=50,
        label="Input tokens",
        doc="Tokens sent per response, cached ones included.",
    )
    output_tokens = Tokens(
        0, bounds=(0, None), softbounds=(0, 4000), step=10, label="Output tokens", doc="Tokens received per response."
    )
    input_tokens_sd = TokenSpread(
        0.0,
        bounds=(0, None),
        softbounds=(0, 4000),
        step=10,
        label="Input tokens, SD",
        doc="Standard deviation between responses of the input tokens that are not cached; lognormal, 0 for always "
        "the same. Input tokens are then their mean.",
    )
    output_tokens_sd = TokenSpread(
        0.0,
        bounds=(0, None),
        softbounds=(0, 2000),
        step=10,
        label="Output tokens, SD",
        doc="Standard deviation between responses of the output tokens; lognormal, 0 for always the same. Output "
        "tokens are then their mean.",
    )
    cached_tokens = Tokens(
        0,
        bounds=(0, None),
        softbounds=(0, 8000),
        step=50,
        label="Cached input tokens",
        doc="Part of the input tokens that the provider serves from its cache.",
    )
    price_override = Money(
        None,
        allow_None=True,
        bounds=(0, None),
        step=0.0001,
        label="Price per response",
        doc="Dollars per response, instead of the price list.",
    )
    latency_ms = param.ClassSelector(
        class_=Latency, default=None, allow_None=True, label="Latency", doc="Response time, as a whole or by its parts."
    )
    change = param.ClassSelector(
        class_=Change,
        default=None,
        allow_None=True,
        label="Change of this variant alone",
        doc="A jump or drift that leads to the long-run mean within the planned days.",
    )
    arrives_day = Days(
        None,
        allow_None=True,
        bounds=(1, 366),
        softbounds=(1, 28),
        label="Arrives on day",
        doc="First day with traffic for this variant, where it is later than the experiment; unset: from the start.",
    )

    def check(self, where: str, path: str = "") -> None:
        """Check that cached tokens are part of the input, and that tokens that vary are there."""
        if self.cached_tokens > self.input_tokens:
            problem = f"{self.cached_tokens} exceeds input_tokens {self.input_tokens}"
            raise InputError(where, f"{path}.cached_tokens", problem, "count cached tokens inside input_tokens")
        for key, mean in (("input", self.input_tokens - self.cached_tokens), ("output", self.output_tokens)):
            spread = getattr(self, f"{key}_tokens_sd")
            if spread > MOST_VARIED * mean:
                problem = f"{spread:g} around a mean of {mean:,} tokens" + (" (not cached)" if key == "input" else "")
                remedy = f"give up to {MOST_VARIED:g} times the mean"
                raise InputError(where, f"{path}.{key}_tokens_sd", problem, remedy)

    def to_tree(self) -> dict[str, object]:
        """Return the tree; an SD of 0 is left out, so that older studies keep their digest."""
        tree = super().to_tree()
        return {key: value for key, value in tree.items() if value != 0 or not key.endswith("_tokens_sd")}

    @property
    def varied(self) -> bool:
        """Whether responses differ in their tokens."""
        return bool(self.input_tokens_sd > 0 or self.output_tokens_sd > 0)

    @property
    def answer(self) -> TokenLaw:
        """Law of the output tokens."""
        return TokenLaw.of_mean(float(self.output_tokens), float(self.output_tokens_sd))

    def response_time(self) -> ResponseTime | None:
        """Law of the seconds that a response takes; None where the file does not say."""
        return self.latency_ms.law(self.answer) if self.latency_ms else None

    def mean_wait(self) -> float | None:
        """Mean milliseconds of a response; None where the file does not say."""
        law = self.response_time()
        return None if law is None else 1000 * law.mean

    def price(self, where: str, key: str) -> tuple[float, float]:
        """Return mean and standard deviation of the dollars of a response.

        Raises
        ------
        InputError
            A model that the price list does not know.
        """
        tokens = (self.input_tokens, self.output_tokens, self.cached_tokens)
        mean = price(self.model, self.provider, tokens, override=self.price_override, where=where, key=key)
        if not self.varied or self.price_override is not None or not self.model:
            return mean, 0.0
        sent = TokenLaw.of_mean(float(self.input_tokens - self.cached_tokens), float(self.input_tokens_sd))
        return moments(Call(self.model, self.provider, sent, self.answer, int(self.cached_tokens), 1.0))


@lru_cache(maxsize=256)
def moments(call: Call) -> tuple[float, float]:
    """Return mean and standard deviation of a call's price."""
    return call.price(), call.price_sd()
