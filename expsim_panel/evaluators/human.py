"""Human raters: fair, slow, dear, and each with a severity of their own."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import param

from expsim_panel.errors import InputError
from expsim_panel.evaluation import Evaluator, Measurement, evaluators, profile_parameter
from expsim_panel.quantities import Count, Hours, Money, Probability, Seconds, Share, Spread, money

if TYPE_CHECKING:
    from expsim_panel.scenario import Scenario


@evaluators.register("human")
class Human(Evaluator):
    """People who label responses.

    Label of a response of quality q (MODEL section 3): ``q + severity[rater] + noise``; a binary label
    flips the truth with sensitivity and specificity, and several labels per response are put to the vote.
    """

    kind = "human"
    summary = "Human raters: unbiased between variants, slow and paid by the label"
    rows_word = "labelled"
    profile = profile_parameter("Name and source of the raters' numbers; assumptions are named as such.")
    coverage = Share(
        0.1,
        bounds=(0, 1),
        inclusive_bounds=(False, True),
        softbounds=(0.01, 1),
        step=0.01,
        label="Share of units labelled",
        doc="Part of the units whose response people label.",
    )
    raters = Count(10, bounds=(1, 1000), softbounds=(2, 50), label="Raters", doc="People who share the labels evenly.")
    shared_raters = param.Boolean(
        True,
        label="Every rater sees all variants",
        doc="If not, each variant has raters of its own, and their severity does not cancel.",
    )
    labels_per_item = Count(
        1,
        bounds=(1, 25),
        softbounds=(1, 9),
        label="Labels per response",
        doc="Labels bought per response: averaged, or put to the vote for a binary metric.",
    )
    severity_sd = Spread(
        0.0,
        bounds=(0, None),
        softbounds=(0, 1),
        step=0.05,
        label="Severity between raters, SD",
        doc="How much raters differ in strictness (s_s).",
    )
    noise_sd = Spread(
        0.0,
        bounds=(0, None),
        softbounds=(0, 1.5),
        step=0.05,
        label="Noise of one label, SD",
        doc="Noise of a single label beyond quality and severity (s_e).",
    )
    sensitivity = Probability(
        1.0, step=0.01, label="Sensitivity", doc="P(rater says yes | truly yes); binary metrics only."
    )
    specificity = Probability(
        1.0, step=0.01, label="Specificity", doc="P(rater says no | truly no); binary metrics only."
    )
    price_per_label = Money(
        0.3,
        bounds=(0, None),
        softbounds=(0, 5),
        step=0.05,
        label="Price per label",
        doc="Dollars for one label, overhead included.",
    )
    seconds = Seconds(
        36.8, bounds=(0, None), softbounds=(1, 600), step=1, label="Seconds per label", doc="Working time of one label."
    )
    hours_per_day = Hours(
        6.0,
        bounds=(0, 24),
        inclusive_bounds=(False, True),
        step=0.5,
        label="Hours per rater and day",
        doc="Labelling time that one rater can give in a day.",
    )

    days_per_week = Count(
        7,
        bounds=(1, 7),
        softbounds=(1, 7),
        label="Working days a week",
        doc="Days on which raters label; where they cannot keep up, the answer waits for the last label.",
    )

    def measure(self, means: np.ndarray, sds: np.ndarray, family: str) -> Measurement:
        """Return the law of one response's label (mean or majority of ``labels_per_item``).

        Variance given the raters ``s^2 + s_e^2 / r``; severity of raters is drawn once per experiment.
        A majority of r raters, independent given the truth, has the binomial tail of Se and Sp.
        """
        if family == "binary":
            yes = majority(self.sensitivity, self.labels_per_item)
            no = majority(self.specificity, self.labels_per_item)
            rates = np.clip(means * yes + (1 - means) * (1 - no), 0, 1)
            return Measurement(rates, np.sqrt(rates * (1 - rates)))
        spread = np.sqrt(sds**2 + self.noise_sd**2 / self.labels_per_item) + 0 * means
        # Raters work in fixed panels of labels_per_item: R / r panels whose mean severity has variance
        # s_s^2 / r, so that the mean over all raters keeps its variance s_s^2 / R.
        severity = self.severity_sd / math.sqrt(self.labels_per_item)
        panels = self.raters // self.labels_per_item if severity else 0
        return Measurement(means, spread, severity, panels, self.shared_raters)

    def usd_per_row(self) -> float:
        """Dollars for the labels of one response."""
        return float(self.price_per_label * self.labels_per_item)

    def seconds_per_row(self) -> float:
        """Working seconds for the labels of one response."""
        return float(self.seconds * self.labels_per_item)

    def rows_per_day(self) -> float:
        """Responses that the raters label in a day of the calendar, their weekends spread evenly."""
        seconds = self.seconds_per_row()
        hours = self.raters * self.hours_per_day * self.days_per_week / 7
        return hours * 3600 / seconds if seconds else math.inf

    def price_note(self) -> str:
        """Say what a label costs."""
        return f"{money(self.price_per_label)} and {self.seconds:g} s per label, as given"

    def check_for(self, scenario: Scenario, where: str) -> None:
        """Check that the raters can keep up with the traffic and that votes cannot tie."""
        labels = scenario.traffic.units_per_day * self.coverage * self.labels_per_item
        hours = labels * self.seconds / 3600
        if hours > self.raters * self.hours_per_day:
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
        if scenario.family == "binary":
            if self.labels_per_item % 2 == 0:
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


def majority(correct: float, votes: int) -> float:
    """Probability that most of `votes` independent raters are right when each is with probability `correct`."""
    need = votes // 2 + 1
    return math.fsum(math.comb(votes, k) * correct**k * (1 - correct) ** (votes - k) for k in range(need, votes + 1))
