"""Human raters: fair, slow, dear, and each with a severity of their own."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from expsim_panel.call_costs import labelling_cost
from expsim_panel.errors import InputError
from expsim_panel.evaluation import Measurement, evaluators
from expsim_panel.evaluators._human_fields import HumanFields
from expsim_panel.judge_laws import majority, unanimous, wide_range
from expsim_panel.quantities import money, percent

if TYPE_CHECKING:
    from expsim_panel.rating_law_tables import LawTable
    from expsim_panel.scenario import Scenario


@evaluators.register("human")
class Human(HumanFields):
    """People who label responses.

    Label of a response of quality q (MODEL section 3): ``q + severity[rater] + noise``; a binary label
    flips the truth with sensitivity and specificity, and several labels per response are put to the vote.
    """

    kind = "human"
    summary = "Human raters: unbiased between variants, slow and paid by the label"
    rows_word = "labelled"

    def law_rests(self, family: str) -> str:
        """Return why the fitted law of ratings is not read; empty if it is, or if there is none."""
        if self.law is None:
            return ""
        changed = [key for key in ("severity_sd", "noise_sd") if getattr(self, key) != getattr(self.law, key)]
        changed += [key for key in ("fatigue", "adjudication", "error_correlation") if getattr(self, key)]
        changed += [key for key in ("sensitivity", "specificity") if family == "binary" and getattr(self, key) != 1]
        if changed:
            return f"{' and '.join(changed)} {'are' if len(changed) > 1 else 'is'} not as fitted"
        return "the metric is of another kind" if family not in ("binary", "ordinal", "normal") else ""

    def ratings_table(self, family: str) -> LawTable | None:
        """Return the chances of a response's rating under the fitted law; None where there is none or it rests."""
        if self.law is None or self.law_rests(family):
            return None
        from expsim_panel.rating_law_tables import law_table

        return law_table(self.law, int(self.labels_per_item), family == "binary")

    @property
    def panels(self) -> int:
        """Groups of raters who label a response together."""
        return int(self.raters) // int(self.labels_per_item)

    def measure(self, means: np.ndarray, sds: np.ndarray, family: str) -> Measurement:
        """Return the law of one response's label (mean or majority of ``labels_per_item``).

        Variance given the raters ``s^2 + s_e^2 / r``; severity of raters is drawn once per experiment.
        Labels fall evenly on a rater's day: noise that grows from s_e to ``s_e (1 + g)`` has the mean variance
        ``s_e^2 (1 + g + g^2 / 3)``. A majority of r raters has the tail of a binomial, or of a crossed probit.
        """
        if family == "binary":
            yes, no = self.vote()
            rates = np.clip(means * yes + (1 - means) * (1 - no), 0, 1)
            return Measurement(rates, np.sqrt(rates * (1 - rates)))
        table = self.ratings_table(family)
        if table is not None:
            shape = np.broadcast_shapes(np.shape(means), np.shape(sds))
            means = np.broadcast_to(means, shape)
            severity = math.sqrt(table.at(0, float(means.reshape(-1, shape[-1])[0, 0]), table.between))
            return Measurement(means, table.spread(means), severity, self.panels if severity else 0, self.shared_raters)
        spread = np.sqrt(sds**2 + self.label_variance()) + 0 * means
        # Raters work in fixed panels of labels_per_item: R / r panels whose mean severity has variance
        # s_s^2 / r, so that the mean over all raters keeps its variance s_s^2 / R.
        severity = self.severity_sd / math.sqrt(self.labels_per_item)
        return Measurement(means, spread, severity, self.panels if severity else 0, self.shared_raters)

    def vote(self) -> tuple[float, float]:
        """Return sensitivity and specificity of the vote on one response."""
        found = []
        for rate in self._skill():
            right, apart = self._agreement(rate)
            found.append(right + apart * rate if self.adjudication else right)
        return found[0], found[1]

    def _agreement(self, rate: float) -> tuple[float, float]:
        """Return P(the labels of a response are right) and P(they disagree); in adjudication, right means all are."""
        votes, shared = int(self.labels_per_item), float(self.error_correlation)
        if not self.adjudication:
            return majority(rate, votes, shared), 0.0
        every, none = unanimous(rate, votes, shared), unanimous(1 - rate, votes, shared)
        return every, 1 - every - none

    def _skill(self) -> tuple[float, float]:
        """Return sensitivity and specificity of a label at a random time of the day."""
        lost = float(self.fatigue) / 2
        first, second = (float(rate) - (float(rate) - 0.5) * lost for rate in (self.sensitivity, self.specificity))
        return first, second

    def noise_variance(self) -> float:
        """Return the mean variance of a label's noise over a day."""
        own, grown = float(self.noise_sd**2), float(self.fatigue)
        return own * (1 + grown + grown**2 / 3) if grown else own

    def apart(self) -> float:
        """Return P(a response's scores lie further apart than the gap): severity and noise of normal labels."""
        spread = math.sqrt(self.noise_variance() + float(self.severity_sd) ** 2)
        return wide_range(float(self.adjudication_gap or 0.0), spread, int(self.labels_per_item))

    def _mean_inverse(self) -> float:
        """Return the mean of one over the labels of a response, which its mean's noise variance shrinks by.

        Range and mean of normal labels are independent: who is adjudicated has no other mean.
        """
        votes = int(self.labels_per_item)
        if not self.adjudication:
            return 1 / votes
        wide = self.apart()
        return (1 - wide) / votes + wide / (votes + 1)

    def label_variance(self) -> float:
        """Return the noise variance of the mean label of a response."""
        return self.noise_variance() * self._mean_inverse()

    def adjudicated(self) -> float:
        """Return the part of the responses that one more person labels; of yes and no, on an even mix of truths."""
        if not self.adjudication:
            return 0.0
        if self.adjudication_gap is not None:
            return self.apart()
        return sum(self._agreement(rate)[1] for rate in self._skill()) / 2

    def labels_per_response(self) -> float:
        """Labels bought per response, adjudicators' included."""
        return float(self.labels_per_item) + self.adjudicated()

    def usd_per_label(self) -> float:
        """Dollars for one label, overhead included."""
        return self._dollars(1)

    def usd_per_row(self) -> float:
        """Dollars for the labels of one response, overhead included."""
        return self._dollars(float(self.labels_per_item), self.adjudicated())

    def _dollars(self, raters: float, adjudicated: float = 0.0) -> float:
        return labelling_cost(
            raters_per_item=raters,
            adjudicated=adjudicated,
            price=self.price_per_label if self.hourly_wage is None else None,
            hourly=self.hourly_wage,
            seconds=float(self.seconds),
            overhead=float(self.overhead),
        )

    def seconds_per_row(self) -> float:
        """Working seconds for the labels of one response."""
        return float(self.seconds * self.labels_per_response())

    def rows_per_day(self) -> float:
        """Responses that the raters label in a day of the calendar, their weekends spread evenly."""
        seconds = self.seconds_per_row()
        hours = self.raters * self.hours_per_day * self.days_per_week / 7
        return hours * 3600 / seconds if seconds else math.inf

    def price_note(self) -> str:
        """Say what a label costs, and what of."""
        if self.hourly_wage is None and not self.overhead:
            return f"{money(self.price_per_label)} and {self.seconds:g} s per label, as given"
        paid = f"{money(self.price_per_label)} a label"
        if self.hourly_wage is not None:
            paid = f"{money(self.hourly_wage)} an hour"
        more = f" and {percent(float(self.overhead))} overhead" if self.overhead else ""
        return f"{money(self.usd_per_label())} and {self.seconds:g} s per label: {paid}{more}, as given"

    def check_for(self, scenario: Scenario, where: str) -> None:
        """Check that the raters can keep up with the traffic and that votes cannot tie."""
        labels = scenario.traffic.units_per_day * self.coverage * self.labels_per_response()
        if scenario.side_by_side:
            labels /= 2
        hours = labels * self.seconds / 3600
        if scenario.offline is None and hours > self.raters * self.hours_per_day:
            supply = f"{self.raters} raters x {self.hours_per_day:g} h"
            problem = f"{labels:,.0f} labels a day are {hours:,.1f} h of work for {supply}"
            raise InputError(where, "evaluator.coverage", problem, "lower coverage or labels_per_item, or add raters")
        if self.labels_per_item > self.raters:
            raise InputError(
                where,
                "evaluator.labels_per_item",
                f"{self.labels_per_item} labels from {self.raters} raters",
                "add raters or buy fewer labels per response",
            )
        self._check_adjudication(scenario, where)
        if scenario.family == "binary":
            if self.fatigue > 1:
                raise InputError(where, "evaluator.fatigue", f"{self.fatigue:g} of a rater's skill", "give at most 1")
            if self.labels_per_item % 2 == 0 and not self.adjudication:
                raise InputError(
                    where, "evaluator.labels_per_item", f"{self.labels_per_item} votes can tie", "give an odd number"
                )
            if self.sensitivity + self.specificity <= 1:
                raise InputError(
                    where,
                    "evaluator.sensitivity",
                    "sensitivity + specificity is not above 1",
                    "raters better than a coin need more than 1",
                )

    def _check_adjudication(self, scenario: Scenario, where: str) -> None:
        """Check that there is somebody to disagree with, and that scores say what disagreement is."""
        binary, gap = scenario.family == "binary", self.adjudication_gap
        if gap is not None and (binary or not self.adjudication):
            problem = "yes and no have no gap" if binary else f"a gap of {gap:g} points that nobody adjudicates"
            remedy = "leave it out" if binary else "leave it out, or write adjudication = true"
            raise InputError(where, "evaluator.adjudication_gap", problem, remedy)
        if not self.adjudication:
            return
        if scenario.side_by_side:
            problem = "verdicts on two responses side by side are averaged, whether they agree or not"
            raise InputError(where, "evaluator.adjudication", problem, "set it to false")
        if self.labels_per_item < 2:
            problem = "one label has nobody to disagree with"
            raise InputError(where, "evaluator.adjudication", problem, "buy 2 labels per response, or set it to false")
        if not binary and gap is None:
            problem = "scores are adjudicated where they lie too far apart"
            raise InputError(
                where, "evaluator.adjudication", problem, "give adjudication_gap in points, or set it to false"
            )
