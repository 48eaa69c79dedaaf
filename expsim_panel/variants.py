"""A variant of a scenario file: its quality, what a response costs and how long it takes.

Tokens of a response are lognormal by their mean and standard deviation. A response time is either a lognormal by its
median and 95 % point, or what it consists of: the first token, the others at a speed, sometimes a wait on top.
"""

from __future__ import annotations

import param

from expsim_panel.call_costs import TokenLaw
from expsim_panel.latency import Latency
from expsim_panel.priced_calls import (
    LATER,
    batch_parameter,
    cached_share_parameter,
    check_call,
    date_parameter,
    dollars,
    spread_parameter,
)
from expsim_panel.quantities import Days, Money, Score, Spread, Tokens
from expsim_panel.response_time import ResponseTime
from expsim_panel.scenario_world import Change
from expsim_panel.sections import Section


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
    input_tokens_sd = spread_parameter("Input tokens", "responses", "input tokens that are not cached", 4000)
    output_tokens_sd = spread_parameter("Output tokens", "responses", "output tokens", 2000)
    cached_tokens = Tokens(
        0,
        bounds=(0, None),
        softbounds=(0, 8000),
        step=50,
        label="Cached input tokens",
        doc="Part of the input tokens that the provider serves from its cache.",
    )
    cached_share = cached_share_parameter("responses")
    batch = batch_parameter("Answers come within a day, for a prompt set: users would not wait so long.")
    price_date = date_parameter()
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
        """Check what a response costs against itself."""
        check_call(self, where, path)

    def to_tree(self) -> dict[str, object]:
        """Return the tree; what came later is left out at its default, so that older studies keep their digest."""
        tree, later = super().to_tree(), LATER - {"cached_tokens"}
        return {key: value for key, value in tree.items() if key not in later or value != self.param[key].default}

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
        return dollars(self, where, key)
