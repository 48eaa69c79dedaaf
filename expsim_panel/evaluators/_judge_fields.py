"""What a judge has to say about itself: every number of an LLM judge, with its unit and range."""

from __future__ import annotations

import param

from expsim_panel.evaluation import Evaluator, profile_parameter
from expsim_panel.latency import Latency
from expsim_panel.priced_calls import (
    LATER,
    batch_parameter,
    cached_share_parameter,
    check_call,
    date_parameter,
    spread_parameter,
)
from expsim_panel.quantities import (
    Correlation,
    Count,
    Days,
    Factor,
    Money,
    Part,
    Probability,
    Score,
    Seconds,
    Share,
    Spread,
    Tokens,
)


class JudgeFields(Evaluator):
    """The Params of `judge.Judge`, in the order in which files and forms show them."""

    added = frozenset({
        "upgrade_shift", "upgrade_day", "verbosity", "length_sds", "pile_up", "pile_up_at", "refusals",
        "refusal_correlation", "judges", "error_correlation", "concurrency", "position_bias", "orders",
        "retries", "latency_ms", *LATER,
    })  # fmt: skip
    profile = profile_parameter("Name and source of the judge's numbers; assumptions are named as such.")
    offset = Score(
        0.0,
        softbounds=(-2, 2),
        step=0.05,
        label="Bias on all variants",
        doc="Points added to every score; harmless for a comparison.",
    )
    scale = Factor(
        1.0,
        bounds=(0, 5),
        softbounds=(0.2, 1.5),
        step=0.05,
        label="Scale",
        doc="Points of score per point of quality; below 1 the judge compresses differences.",
    )
    differential_bias = Score(
        0.0,
        softbounds=(-0.5, 0.5),
        step=0.01,
        label="Bias for the new variants",
        doc="Points (or rate) added to every variant but the control; no sample size removes it.",
    )
    biases = param.List(
        default=[],
        item_type=(int, float),
        label="Bias by variant",
        doc="Points (or rate) added to each variant after the control, in order, where a judge likes some more than "
        "others; empty for the bias above on all of them.",
    )
    drift = Score(
        0.0,
        softbounds=(-0.5, 0.5),
        step=0.01,
        label="Drift by the end",
        doc="Points (or rate) that the judge's scores of all variants move by over the planned days, evenly.",
    )
    suspected_bias_sd = Spread(
        0.0,
        bounds=(0, None),
        softbounds=(0, 0.5),
        step=0.01,
        label="Suspected bias, SD",
        doc="What is known of such judges: SD of their differential bias between variants. The verdict uses it.",
    )
    item_sd = Spread(
        0.0,
        bounds=(0, None),
        softbounds=(0, 1.5),
        step=0.05,
        label="Error per response, SD",
        doc="Judge's error on a response that repeating does not remove (s_i).",
    )
    item_variant_sd = Spread(
        0.0,
        bounds=(0, None),
        softbounds=(0, 1.5),
        step=0.05,
        label="Error per response and variant, SD",
        doc="Judge's error specific to a response in one variant (s_w).",
    )
    repeat_sd = Spread(
        0.0,
        bounds=(0, None),
        softbounds=(0, 1.5),
        step=0.05,
        label="Run-to-run noise, SD",
        doc="Noise between repeated calls on the same response (s_r).",
    )
    repeats = Count(
        1, bounds=(1, 50), softbounds=(1, 9), label="Calls per response", doc="Judge calls per response, averaged."
    )
    sensitivity = Probability(
        1.0, step=0.01, label="Sensitivity", doc="P(judge says yes | truly yes); binary metrics only."
    )
    specificity = Probability(
        1.0, step=0.01, label="Specificity", doc="P(judge says no | truly no); binary metrics only."
    )
    upgrade_shift = Score(
        0.0,
        softbounds=(-0.5, 0.5),
        step=0.01,
        label="Silent upgrade shifts scores by",
        doc="Points (or rate) added to all variants from the day on which the provider changes the model unannounced.",
    )
    upgrade_day = Days(
        8, bounds=(1, 366), softbounds=(1, 28), label="Upgrade on day", doc="First day of the new model."
    )
    verbosity = Score(
        0.0,
        softbounds=(-0.5, 0.5),
        step=0.01,
        label="Bias for length",
        doc="Points (or rate) added per SD of response length: longer answers look better to the judge (lambda).",
    )
    length_sds = param.List(
        default=[],
        item_type=(int, float),
        label="Length of each variant's responses",
        doc="Mean length of each variant's responses, in SDs of length, control first; empty where all are alike.",
    )
    pile_up = Share(
        0.0,
        bounds=(0, 1),
        inclusive_bounds=(True, False),
        softbounds=(0, 0.8),
        step=0.05,
        label="Scores on a favourite",
        doc="Part of the scores that are the judge's favourite whatever the response is like; scores only.",
    )
    pile_up_at = Score(4.0, softbounds=(0, 10), step=0.5, label="The favourite score", doc="Where scores pile up.")
    refusals = Share(
        0.0,
        bounds=(0, 1),
        inclusive_bounds=(True, False),
        softbounds=(0, 0.3),
        step=0.01,
        label="Refusals and unparsed scores",
        doc="Part of the control's responses that get no score; the calls are paid all the same.",
    )
    refusal_correlation = Correlation(
        0.0,
        bounds=(-1, 1),
        inclusive_bounds=(False, False),
        step=0.05,
        label="Quality and being scored",
        doc="Correlation of quality with getting a score; above 0 low values are refused, 0 is at random.",
    )
    judges = Count(
        1,
        bounds=(1, 25),
        softbounds=(1, 9),
        label="Judges in the panel",
        doc="Models that score every response: scores are averaged, yes and no are put to the vote.",
    )
    error_correlation = Correlation(
        0.5,
        bounds=(0, 1),
        softbounds=(0, 1),
        step=0.05,
        label="Correlation of their errors",
        doc="Of two judges' errors on a response (for yes and no: of what lies behind them); for panels.",
    )
    position_bias = Score(
        0.0,
        softbounds=(-1, 1),
        step=0.05,
        label="Bias for the first place",
        doc="Latent points that the response shown first gains; side-by-side preference only.",
    )
    orders = param.Selector(
        default="random",
        objects=["random", "treatment-first", "control-first", "both"],
        label="Which response is shown first",
        doc="Random for every comparison, always the same, or both orders at twice the price, where a disagreement is "
        "a tie; side-by-side preference only.",
    )
    model = param.String("", label="Judge model", doc="Model id as genai-prices knows it; empty when judging is free.")
    provider = param.String("", label="Judge provider", doc="Provider id as genai-prices knows it.")
    input_tokens = Tokens(
        0,
        bounds=(0, None),
        softbounds=(0, 8000),
        step=50,
        label="Judge input tokens",
        doc="Tokens per judge call, prompt and response included.",
    )
    output_tokens = Tokens(
        0,
        bounds=(0, None),
        softbounds=(0, 2000),
        step=10,
        label="Judge output tokens",
        doc="Tokens that the judge writes per call.",
    )
    input_tokens_sd = spread_parameter("Judge input tokens", "calls", "input tokens that are not cached", 4000)
    output_tokens_sd = spread_parameter("Judge output tokens", "calls", "output tokens", 2000)
    cached_tokens = Tokens(
        0,
        bounds=(0, None),
        softbounds=(0, 8000),
        step=50,
        label="Judge cached input tokens",
        doc="Part of the judge's input tokens that the provider serves from its cache: the rubric, the same in all "
        "calls.",
    )
    cached_share = cached_share_parameter("calls")
    batch = batch_parameter("Scores come within a day, however many; seconds and calls at a time are not read.")
    price_date = date_parameter()
    price_override = Money(
        None,
        allow_None=True,
        bounds=(0, None),
        step=0.0001,
        label="Price per judge call",
        doc="Dollars per call, instead of the price list.",
    )
    seconds = Seconds(
        2.0,
        bounds=(0, None),
        softbounds=(0, 30),
        step=0.5,
        label="Seconds per judge call",
        doc="Time one call takes; read where no latency_ms says what it consists of.",
    )
    latency_ms = Part(
        class_=Latency,
        default=None,
        allow_None=True,
        label="Latency of a call",
        doc="Time of a judge call as a whole or by its parts, instead of its seconds; its mean says how fast responses "
        "are scored.",
    )
    retries = Share(
        0.0,
        bounds=(0, 1),
        inclusive_bounds=(True, False),
        softbounds=(0, 0.3),
        step=0.01,
        label="Calls made again",
        doc="Part of the calls that fail (rate limit, broken format), are paid and made again until there is an "
        "answer; refusals come on top.",
    )
    concurrency = Count(
        10,
        bounds=(1, 100_000),
        softbounds=(1, 100),
        label="Judge calls at a time",
        doc="Calls that run side by side: with the seconds of a call, how fast responses can be scored.",
    )

    def check(self, where: str, path: str = "") -> None:
        """Check what a call costs against itself."""
        check_call(self, where, path)
