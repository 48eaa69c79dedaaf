"""An LLM judge: cheap and fast, with a scale, biases and noise of its own."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from expsim_panel.call_costs import judging_cost
from expsim_panel.errors import InputError, shown
from expsim_panel.evaluation import Measurement, evaluators
from expsim_panel.evaluators._judge_fields import JudgeFields
from expsim_panel.judge_laws import judged_quality, judged_rates, majority, panel_factor, piled_up
from expsim_panel.priced_calls import BATCH_DAYS, call_of, dollars, note_of
from expsim_panel.quantities import LARGEST, percent

if TYPE_CHECKING:
    from expsim_panel.scenario import Scenario


@evaluators.register("judge")
class Judge(JudgeFields):
    """An LLM that scores responses.

    Score of a response of quality q in arm a (MODEL section 3): ``offset + scale q + bias[a] + item +
    item x arm + repeat noise``; a binary judge flips the truth with sensitivity and specificity, and
    `differential_bias` shifts the rate of positive scores of every arm but the control.
    """

    kind = "judge"
    summary = "An LLM judge: cheap, fast, possibly partial to one variant"
    rows_word = "judged"

    def measure(self, means: np.ndarray, sds: np.ndarray, family: str) -> Measurement:
        """Return the law of a judge's score, unpaired: one scored response per unit, refused ones left out.

        Variance ``b^2 s^2 + s_i^2 + s_w^2 + s_r^2 / K`` (MODEL section 3.1); for a binary metric
        ``p Se + (1 - p)(1 - Sp) + bias``. What panels, refusals and pile-up make of it: `judge_laws`.
        """
        if family == "binary":
            one, none = judged_rates(means, self.refusals, self.refusal_correlation)
            seen = means if self.refusals == 0 else means * one / (means * one + (1 - means) * none)
            hit, false = self._verdicts(means)
            if self.judges == 1:
                # Summed in the order of earlier versions: results keep their last digit.
                rates = seen * self.sensitivity + (1 - seen) * (1 - self.specificity) + self.tilt(means)
            else:
                rates = seen * hit + (1 - seen) * false
            rates = np.clip(rates, 0, 1)
            return Measurement(rates, np.sqrt(rates * (1 - rates)))
        seen, spread, _ = judged_quality(means, sds, self.refusals, self.refusal_correlation)
        if self.pile_up == 0:
            centre = self.offset + self.scale * seen + self.tilt(means)
            return Measurement(centre, np.sqrt(self.scale**2 * spread**2 + self.error_variance()))
        offset, slope, noise = self._scores(seen, spread)
        return Measurement(offset + slope * seen, np.sqrt(slope**2 * spread**2 + noise**2))

    def rates(self, means: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return P(score 1 | truth 1) and P(score 1 | truth 0), shape of `means`; a refusal counts as 0."""
        one, none = judged_rates(means, self.refusals, self.refusal_correlation)
        hit, false = self._verdicts(means)
        return one * hit, none * false

    def line(self, means: np.ndarray, sds: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return offset, slope and noise of a score against quality, shape of `means`; scores only.

        A refusal counts as the mean score: then ``Cov(q, f) = P b Var(q | scored)`` and ``Var f = P Var(f | scored)``.
        """
        seen, spread, share = judged_quality(means, sds, self.refusals, self.refusal_correlation)
        offset, slope, noise = self._scores(seen, spread)
        if self.refusals == 0:
            return offset, slope, noise
        centre, whole = offset + slope * seen, share * (slope**2 * spread**2 + noise**2)
        slope = share * slope * spread**2 / np.where(sds > 0, sds, 1.0) ** 2
        return centre - slope * means, slope, np.sqrt(np.maximum(whole - slope**2 * sds**2, 0.0))

    def _verdicts(self, means: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return P(positive verdict | truth 1) and P(positive verdict | truth 0), shape of `means`."""
        tilt = self.tilt(means)
        found = self.sensitivity + tilt, 1 - self.specificity + tilt
        if self.judges == 1:
            return found
        hit, false = (self._vote(one) for one in found)
        return hit, false

    def skill(self) -> tuple[float, float]:
        """Return sensitivity and specificity of a verdict, the panel's where there are several judges."""
        hit, clear = self._vote(np.array([self.sensitivity, self.specificity], float))
        return float(hit), float(clear)

    def _vote(self, rates: np.ndarray) -> np.ndarray:
        """Return the panel's rate of positive verdicts from that of one judge; every replicate has the same."""
        arms = rates.shape[-1]
        first = np.clip(rates.reshape(-1, arms)[0], 0.0, 1.0)
        found = [majority(float(rate), int(self.judges), float(self.error_correlation)) for rate in first]
        return np.broadcast_to(np.array(found), rates.shape)

    def _scores(self, means: np.ndarray, sds: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return offset, slope and noise of the scores of responses that get one."""
        offset = self.offset + self.tilt(means)
        noise = math.sqrt(self.error_variance()) + 0 * offset
        return piled_up(offset, self.scale + 0 * offset, noise, means, sds, self.pile_up, self.pile_up_at)

    def shared_error(self) -> float:
        """Return the variance of a judge's error that two variants share on the same prompt."""
        own = float(self.item_sd) ** 2
        return own if self.judges == 1 else own * panel_factor(self.judges, self.error_correlation)

    def error_variance(self) -> float:
        """Return the variance of a score given quality, before pile-up; of the panel's mean where there are several."""
        own = self.item_sd**2 + self.item_variant_sd**2 + self.repeat_sd**2 / self.repeats
        return float(own if self.judges == 1 else own * panel_factor(self.judges, self.error_correlation))

    def tilt(self, means: np.ndarray) -> np.ndarray:
        """Return what every arm's scores gain for reasons other than quality, shape of `means`."""
        tilt = np.zeros(np.shape(means))
        tilt[..., 1:] = self.biases or self.differential_bias
        if self.verbosity and self.length_sds:
            tilt += self.verbosity * np.asarray(self.length_sds, float)
        return tilt

    @property
    def row_share(self) -> float:
        """Part of the units that get a score: refused ones do not."""
        return float(self.coverage) * (1 - float(self.refusals)) if self.refusals else float(self.coverage)

    def usd_per_row(self) -> float:
        """Price of the calls for one score, those that failed or were refused included."""
        return self._for_one(self.usd_per_call())

    def seconds_per_row(self) -> float:
        """Seconds of the calls for one response."""
        return self._for_one(self.call_seconds())

    def _for_one(self, each: float) -> float:
        """Return what one score takes where a call takes `each`, dollars or seconds; both orders take twice."""
        return judging_cost(
            each,
            repeats=int(self.repeats),
            orders=2 if self.orders == "both" else 1,
            retried=float(self.retries),
            judges=int(self.judges),
            refused=float(self.refusals),
        )

    def call_seconds(self) -> float:
        """Mean seconds of a call: as given, or by the parts of its latency."""
        return float(self.seconds) if self.latency_ms is None else self.latency_ms.law(call_of(self).answer).mean

    @property
    def delay_days(self) -> int:
        """Days until a score is in: a batch takes one."""
        return BATCH_DAYS if self.batch else 0

    def largest_bias(self) -> float:
        """Return the differential bias of the variant that the judge is most partial to or against."""
        return float(max(self.biases or [self.differential_bias], key=abs))

    def rows_per_day(self) -> float:
        """Responses that the judge scores in a day, by its calls at a time; a batch takes any number."""
        seconds = self.seconds_per_row()
        return 86400 * self.concurrency / seconds if seconds and not self.batch else math.inf

    def bias_sd(self) -> float:
        """Return what is known of such judges' partiality; a panel's is that of a mean with correlated errors."""
        return float(self.suspected_bias_sd) * math.sqrt(panel_factor(self.judges, self.error_correlation))

    def price_note(self) -> str:
        """Say where the price comes from."""
        again = f"; {percent(float(self.retries))} of the calls are paid and made again" if self.retries else ""
        return f"{note_of(self)}{again}"

    def check_for(self, scenario: Scenario, where: str) -> None:
        """Check that the shifted rates stay rates and that the price is known."""
        self.check_price(where, "evaluator")
        self._check_biases(scenario, where)
        self._check_extras(scenario, where)
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
            tilt = self.tilt(np.zeros(len(scenario.variants)))
            if truth + tilt.min() < 0 or truth + tilt.max() > 1:
                key = "verbosity" if self.verbosity else "biases" if self.biases else "differential_bias"
                worst = tilt.min() if truth + tilt.min() < 0 else tilt.max()
                problem = f"{shown(float(worst))} pushes a rate of {truth:g} out of 0 to 1"
                raise InputError(where, f"evaluator.{key}", problem, "give a smaller shift")
            # Imported here: the world's days import evaluators.
            from expsim_panel.timeline import drift_of

            moved = drift_of(self, int(scenario.traffic.days))
            if truth + tilt.min() + moved.min() < 0 or truth + tilt.max() + moved.max() > 1:
                key = "drift" if self.drift else "upgrade_shift"
                problem = f"{getattr(self, key):g} pushes a rate of {truth:g} out of 0 to 1 by the end"
                raise InputError(where, f"evaluator.{key}", problem, "give a smaller drift")

    def _check_biases(self, scenario: Scenario, where: str) -> None:
        """Check that every variant after the control has a bias, where they are given one by one."""
        later = len(scenario.variants) - 1
        if self.biases and len(self.biases) != later:
            problem, key = f"{len(self.biases)} numbers for {later} variants after the control", "evaluator.biases"
            raise InputError(where, key, problem, "give one for each of them in order, or none")
        for bias in self.biases:
            if not math.isfinite(bias) or abs(bias) > LARGEST:
                raise InputError(where, "evaluator.biases", f"{shown(bias)} is no number of points", "give numbers")

    def _check_extras(self, scenario: Scenario, where: str) -> None:
        """Check lengths, panel and pile-up against the scenario."""
        arms, binary = len(scenario.variants), scenario.family == "binary"
        if self.length_sds and len(self.length_sds) != arms:
            problem = f"{len(self.length_sds)} lengths for {arms} variants"
            raise InputError(where, "evaluator.length_sds", problem, "give one for each, the control's first")
        if binary and self.judges % 2 == 0:
            raise InputError(where, "evaluator.judges", f"{self.judges} votes can tie", "give an odd number")
        if binary and self.pile_up > 0:
            raise InputError(where, "evaluator.pile_up", "a rate has no favourite score", "set it to 0")
        if self.upgrade_shift and self.upgrade_day > scenario.traffic.days:
            problem = f"day {self.upgrade_day} of {scenario.traffic.days}"
            raise InputError(where, "evaluator.upgrade_day", problem, "give a planned day, or upgrade_shift = 0")

    def check_price(self, where: str, path: str) -> None:
        """Check that the price list knows the model, or that a price is given."""
        self.usd_per_call(where, f"{path}.model")

    def usd_per_call(self, where: str = "judge", key: str = "model") -> float:
        """Return the mean dollars of a call, naming the file where the model is unknown."""
        return self.price_of_call(where, key)[0]

    def price_of_call(self, where: str = "judge", key: str = "model") -> tuple[float, float]:
        """Return mean and standard deviation of the dollars of a call; the same `where`."""
        return dollars(self, where, key)
