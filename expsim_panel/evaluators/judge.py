"""An LLM judge: cheap and fast, with a scale, biases and noise of its own."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import param

from expsim_panel.errors import InputError, shown
from expsim_panel.evaluation import Evaluator, Measurement, evaluators, profile_parameter
from expsim_panel.prices import price, price_note
from expsim_panel.quantities import Count, Factor, Money, Probability, Score, Seconds, Spread, Tokens

if TYPE_CHECKING:
    from expsim_panel.scenario import Scenario


@evaluators.register("judge")
class Judge(Evaluator):
    """An LLM that scores responses.

    Score of a response of quality q in arm a (MODEL section 3): ``offset + scale q + bias[a] + item +
    item x arm + repeat noise``; a binary judge flips the truth with sensitivity and specificity, and
    `differential_bias` shifts the rate of positive scores of every arm but the control.
    """

    kind = "judge"
    summary = "An LLM judge: cheap, fast, possibly partial to one variant"
    rows_word = "judged"
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
    price_override = Money(
        None,
        allow_None=True,
        bounds=(0, None),
        step=0.0001,
        label="Price per judge call",
        doc="Dollars per call, instead of the price list.",
    )
    seconds = Seconds(
        2.0, bounds=(0, None), softbounds=(0, 30), step=0.5, label="Seconds per judge call", doc="Time one call takes."
    )

    concurrency = Count(
        10,
        bounds=(1, 100_000),
        softbounds=(1, 100),
        label="Judge calls at a time",
        doc="Calls that run side by side: with the seconds of a call, how fast responses can be scored.",
    )

    def measure(self, means: np.ndarray, sds: np.ndarray, family: str) -> Measurement:
        """Return the law of a judge's score, unpaired: one scored response per unit.

        Variance ``b^2 s^2 + s_i^2 + s_w^2 + s_r^2 / K`` (MODEL section 3.1); for a binary metric
        ``p Se + (1 - p)(1 - Sp) + bias``.
        """
        tilt = np.zeros(means.shape[-1])
        tilt[1:] = self.differential_bias
        if family == "binary":
            rates = np.clip(means * self.sensitivity + (1 - means) * (1 - self.specificity) + tilt, 0, 1)
            return Measurement(rates, np.sqrt(rates * (1 - rates)))
        noise = self.item_sd**2 + self.item_variant_sd**2 + self.repeat_sd**2 / self.repeats
        return Measurement(self.offset + self.scale * means + tilt, np.sqrt(self.scale**2 * sds**2 + noise))

    def usd_per_row(self) -> float:
        """Price of the calls for one response."""
        return float(self.repeats * self._usd_per_call())

    def seconds_per_row(self) -> float:
        """Seconds of the calls for one response."""
        return float(self.repeats * self.seconds)

    def rows_per_day(self) -> float:
        """Responses that the judge scores in a day, by its calls at a time."""
        seconds = self.seconds_per_row()
        return 86400 * self.concurrency / seconds if seconds else math.inf

    def bias_sd(self) -> float:
        """Return what is known of such judges' partiality."""
        return float(self.suspected_bias_sd)

    def price_note(self) -> str:
        """Say where the price comes from."""
        return price_note(self.model, self.price_override)

    def check_for(self, scenario: Scenario, where: str) -> None:
        """Check that the shifted rates stay rates and that the price is known."""
        self._usd_per_call(where)
        if scenario.family != "binary":
            return
        if self.sensitivity + self.specificity <= 1:
            raise InputError(
                where,
                "evaluator.sensitivity",
                f"sensitivity + specificity = {self.sensitivity + self.specificity:g}",
                "a judge better than a coin needs more than 1",
            )
        for truth in (1 - self.specificity, self.sensitivity):
            if not 0 <= truth + self.differential_bias <= 1:
                raise InputError(
                    where,
                    "evaluator.differential_bias",
                    f"{shown(self.differential_bias)} pushes a rate of {truth:g} out of 0 to 1",
                    "give a smaller shift",
                )

    def _usd_per_call(self, where: str = "judge") -> float:
        """Price one call, naming the file where the model is unknown."""
        tokens = (self.input_tokens, self.output_tokens, 0)
        return price(
            self.model, self.provider, tokens, override=self.price_override, where=where, key="evaluator.model"
        )
