"""The tables of a scenario file: about, metric, variants, traffic, money, prior."""

from __future__ import annotations

import math

import numpy as np
import param

from expsim_panel.errors import InputError
from expsim_panel.quantities import Days, Factor, Millis, Money, Score, Share, Spread, Tokens, Units
from expsim_panel.scenario_world import Change, Mismatch, Novelty, Ramp, Seasonality, Shock, Switchback
from expsim_panel.sections import Section

MAX_UNITS = 2_000_000_000
"""Units of one experiment, over all arms and days."""


class About(Section):
    """Table ``[scenario]``: what the experiment is about."""

    name = param.String(
        "", constant=False, label="Name", doc="Name in lists and on the command line: letters, digits and hyphens."
    )
    title = param.String("", label="Title", doc="One line for lists and headings.")
    question = param.String("", label="Question", doc="What the team has to decide.")
    persona = param.String("", label="For whom", doc="Who would run this experiment.")
    provenance = param.String("", label="Where the numbers come from", doc="Sources; assumptions named as such.")
    indifference = Score(
        0.0,
        bounds=(0, None),
        label="Smallest difference that matters",
        doc="Differences below this are treated as none, in the metric's units.",
    )


class Metric(Section):
    """Table ``[metric]``: what is measured."""

    name = param.String(
        "", constant=False, label="Metric", doc="What the metric is called in sentences, such as helpfulness."
    )
    definition = param.String("", label="Definition", doc="Event, denominator and window of the metric.")
    family = param.Selector(
        default="normal",
        objects=["normal", "binary", "ordinal", "amount"],
        label="Kind of outcome",
        doc="Binary: yes or no. Normal: a score. Ordinal: levels. Amount: often nothing, otherwise money or counts.",
    )
    direction = param.Selector(
        default="increase", objects=["increase", "decrease"], label="Better means", doc="Whether more is better."
    )
    sd = Spread(
        1.0,
        bounds=(0, None),
        inclusive_bounds=(False, True),
        softbounds=(0.1, 3.0),
        step=0.05,
        label="Spread of quality between responses",
        doc="Standard deviation of one response's true quality within a variant; not used for binary metrics.",
    )
    range = param.NumericTuple(
        default=None, length=2, allow_None=True, label="Range", doc="Lowest and highest possible score."
    )
    thresholds = param.List(
        default=[], item_type=(int, float), label="Thresholds", doc="Latent cut points of an ordered probit, ascending."
    )
    draw_levels = param.Boolean(
        False,
        label="Draw level by level",
        doc="Ordinal: every outcome is one of the levels of the thresholds, with the spread that follows; otherwise "
        "outcomes are drawn by mean and spread.",
    )
    zero_share = Share(
        0.0,
        bounds=(0, 1),
        inclusive_bounds=(True, False),
        softbounds=(0, 0.99),
        step=0.01,
        label="Share of zeros",
        doc="Amount: part of the responses that bring nothing.",
    )
    log_sd = Factor(
        1.0,
        bounds=(0, 3),
        inclusive_bounds=(False, True),
        softbounds=(0.2, 2),
        step=0.05,
        label="Spread of log amounts",
        doc="Amount: standard deviation of the logarithm of the amounts above zero.",
    )

    @property
    def levels(self) -> np.ndarray:
        """Values of the levels: evenly over the range, 1, 2, ... without one."""
        count = len(self.thresholds) + 1
        low, high = self.range or (1.0, float(count))
        return np.linspace(low, high, count)

    def check(self, where: str, path: str = "") -> None:
        """Check that range and thresholds ascend, and that levels have thresholds."""
        if self.draw_levels and (self.family != "ordinal" or not self.thresholds):
            problem = "levels need an ordinal metric with thresholds"
            raise InputError(where, f"{path}.draw_levels", problem, 'write family = "ordinal" and thresholds = [...]')
        if self.range is not None and not self.range[0] < self.range[1]:
            raise InputError(where, f"{path}.range", f"{list(self.range)} is empty", "give [low, high] with low < high")
        if list(self.thresholds) != sorted(set(self.thresholds)):
            raise InputError(where, f"{path}.thresholds", "thresholds do not ascend", "list them from low to high")


class Latency(Section):
    """Table ``latency_ms``: a lognormal response time."""

    median = Millis(
        800.0,
        bounds=(0, None),
        inclusive_bounds=(False, True),
        label="Median latency",
        doc="Half of the responses are faster.",
    )
    p95 = Millis(
        2000.0,
        bounds=(0, None),
        inclusive_bounds=(False, True),
        label="95 % latency",
        doc="One response in twenty is slower.",
    )

    def check(self, where: str, path: str = "") -> None:
        """Check that the 95 % point is not below the median."""
        if self.p95 < self.median:
            raise InputError(where, f"{path}.p95", f"{self.p95:g} is below the median", f"give {self.median:g} or more")
        if self.p95 > 10_000 * self.median:
            problem = f"{self.p95:g} is more than 10,000 times the median {self.median:g}"
            raise InputError(where, f"{path}.p95", problem, "check the unit: both are milliseconds")

    @property
    def sigma(self) -> float:
        """Standard deviation of log latency."""
        return math.log(self.p95 / self.median) / 1.6448536269514722

    @property
    def mean(self) -> float:
        """Mean latency in milliseconds, ``median * exp(sigma^2 / 2)``."""
        return float(self.median * math.exp(self.sigma**2 / 2))


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
        class_=Latency, default=None, allow_None=True, label="Latency", doc="Response time: median and 95 % point."
    )
    change = param.ClassSelector(
        class_=Change,
        default=None,
        allow_None=True,
        label="Change of this variant alone",
        doc="A jump or drift that leads to the long-run mean within the planned days.",
    )

    def check(self, where: str, path: str = "") -> None:
        """Check that cached tokens are part of the input."""
        if self.cached_tokens > self.input_tokens:
            raise InputError(
                where,
                f"{path}.cached_tokens",
                f"{self.cached_tokens} exceeds input_tokens {self.input_tokens}",
                "count cached tokens inside input_tokens",
            )


class Traffic(Section):
    """Table ``[traffic]``: who sees the experiment and for how long."""

    units_per_day = Units(
        400,
        bounds=(2, 100_000_000),
        softbounds=(50, 20_000),
        step=50,
        label="Units per day",
        doc="Users (or sessions, ...) that enter the experiment each day, over all arms.",
    )
    days = Days(
        28,
        bounds=(1, 366),
        softbounds=(7, 56),
        label="Planned duration",
        doc="Days until the experiment ends at the latest.",
    )
    shares = param.List(
        default=[],
        item_type=(int, float),
        label="Traffic shares",
        doc="Share of each variant, in order; empty for an even split.",
    )
    unit = param.Selector(
        default="user",
        objects=["user", "session", "account", "device", "request"],
        label="Randomisation unit",
        doc="What is assigned to a variant.",
    )
    exposures_per_unit = Factor(
        1.0,
        bounds=(1, None),
        softbounds=(1, 20),
        step=0.5,
        label="Responses per unit",
        doc="Responses each unit sees; all are paid for, one of them is evaluated unless [analysis] says otherwise.",
    )
    size_variation = Factor(
        0.0,
        bounds=(0, 10),
        softbounds=(0, 2),
        step=0.1,
        label="Variation of responses per unit",
        doc="Coefficient of variation of the number of responses between units.",
    )
    icc = Share(
        0.0,
        softbounds=(0, 0.5),
        step=0.01,
        label="Similarity within a unit (ICC)",
        doc="Correlation of two scored responses of the same unit, on the observed scale.",
    )
    delay_days = Days(
        0,
        bounds=(0, 365),
        softbounds=(0, 14),
        label="Outcomes are late by",
        doc="Days between a response and its score; what is under way at a stop still joins the estimate.",
    )
    interference = Share(
        0.0,
        bounds=(0, 1),
        inclusive_bounds=(True, False),
        softbounds=(0, 0.5),
        step=0.05,
        label="Interference between units",
        doc="Part of an effect that spills over to everyone: every comparison then shows (1 - this) of the truth.",
    )
    carryover = Share(
        0.0,
        bounds=(0, 1),
        inclusive_bounds=(True, False),
        softbounds=(0, 0.5),
        step=0.05,
        label="Carry-over between requests",
        doc="Part of a request's effect that is due to the request before; only where requests are randomised.",
    )
    seasonality = param.ClassSelector(
        class_=Seasonality, default=None, allow_None=True, label="Seasonality", doc="A week that repeats."
    )
    novelty = param.ClassSelector(
        class_=Novelty, default=None, allow_None=True, label="Novelty", doc="An effect that fades."
    )
    shock = param.ClassSelector(class_=Shock, default=None, allow_None=True, label="Shock", doc="An outside event.")
    ramp = param.ClassSelector(class_=Ramp, default=None, allow_None=True, label="Ramp", doc="Shares that grow.")
    mismatch = param.ClassSelector(
        class_=Mismatch, default=None, allow_None=True, label="Mismatch", doc="Responses that get lost."
    )
    switchback = param.ClassSelector(
        class_=Switchback, default=None, allow_None=True, label="Switchback", doc="Periods of time are assigned."
    )

    def check(self, where: str, path: str = "") -> None:
        """Check that the whole traffic can be counted: the arrays of a run hold 32 bits a unit."""
        total = self.units_per_day * self.days
        if total > MAX_UNITS:
            problem = f"{self.units_per_day:,} units a day for {self.days} days are {total:,}"
            raise InputError(where, f"{path}.units_per_day", problem, f"stay within {MAX_UNITS:,} in all")
        if self.delay_days >= self.days:
            problem = f"{self.delay_days} days in an experiment of {self.days}"
            raise InputError(where, f"{path}.delay_days", problem, f"give at most {self.days - 1}")
        if self.carryover > 0 and self.unit != "request":
            problem = f"requests are not what is randomised (unit is {self.unit})"
            raise InputError(where, f"{path}.carryover", problem, 'write unit = "request", or remove carryover')


class Economics(Section):
    """Table ``[economics]``: what quality, money and waiting are worth."""

    value_per_point = Money(
        1.0,
        bounds=(0, None),
        inclusive_bounds=(False, True),
        softbounds=(0.001, 1),
        step=0.001,
        label="Worth of one point",
        doc="Dollars that one metric point (or a rate of 100 %) is worth per response.",
    )
    usd_per_second = Money(
        0.0,
        bounds=(0, None),
        softbounds=(0, 0.1),
        step=0.0005,
        label="Cost of one second of waiting",
        doc="Dollars lost per response and second of latency beyond the control's.",
    )
    horizon_units = Units(
        100_000,
        bounds=(1, None),
        softbounds=(1000, 10_000_000),
        label="Rollout horizon",
        doc="Units over which the decision pays off, the experiment's included.",
    )
    launch_cost = Money(
        0.0,
        bounds=(0, None),
        softbounds=(0, 50_000),
        step=100,
        label="Launch cost",
        doc="One-off dollars to launch a variant.",
    )


class Prior(Section):
    """Table ``[prior]``: what the team knew about effects before this experiment."""

    effect_mean = Score(
        0.0,
        softbounds=(-1, 1),
        step=0.01,
        label="Expected effect",
        doc="Mean of the team's effects, positive is better.",
    )
    effect_sd = Spread(
        None,
        allow_None=True,
        bounds=(0, None),
        inclusive_bounds=(False, True),
        step=0.01,
        label="Spread of effects",
        doc="Standard deviation of the team's effects; unset: the indifference times four.",
    )
