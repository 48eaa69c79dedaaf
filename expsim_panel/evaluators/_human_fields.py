"""What people who label have to say about themselves: every number of human raters, with its unit and range."""

from __future__ import annotations

from typing import Any, Self

import param

from expsim_panel.errors import InputError, shown
from expsim_panel.evaluation import Evaluator, profile_parameter
from expsim_panel.evaluator_profiles import INSTEAD
from expsim_panel.quantities import (
    Correlation,
    Count,
    Days,
    Factor,
    Hours,
    Money,
    Part,
    Probability,
    Score,
    Seconds,
    Share,
    Spread,
)
from expsim_panel.rating_law import RatingLaw


class HumanFields(Evaluator):
    """The Params of `human.Human`, in the order in which files and forms show them."""

    added = frozenset({
        "fatigue", "adjudication", "error_correlation", "delay_days", "days_per_week", "adjudication_gap", "combine",
        "law", "hourly_wage", "overhead",
    })  # fmt: skip
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
        allow_None=True,
        bounds=(0, None),
        softbounds=(0, 5),
        step=0.05,
        label="Price per label",
        doc="Dollars for one label; unset where an hourly wage is given.",
    )
    hourly_wage = Money(
        None,
        allow_None=True,
        bounds=(0, None),
        softbounds=(5, 100),
        step=1,
        label="Hourly wage",
        doc="Dollars for an hour of labelling, instead of a price per label: a label costs its seconds of it.",
    )
    overhead = Share(
        0.0,
        bounds=(0, 10),
        softbounds=(0, 1),
        step=0.05,
        label="Overhead on labels",
        doc="Platform, training and checks: part of the price of the labels that comes on top.",
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

    fatigue = Factor(
        0.0,
        bounds=(0, 10),
        softbounds=(0, 2),
        step=0.1,
        label="Fatigue over a day",
        doc="By how much a label's noise SD grows from the first to the last label of a rater's day, as a part of it; "
        "for yes and no, the part of what raters know beyond a coin that is lost by then (at most 1).",
    )
    adjudication = param.Boolean(
        False,
        label="Disagreements are adjudicated",
        doc="Where the labels of a response disagree, one more person labels it: decides on yes or no, and is averaged "
        "in where scores lie further apart than the gap.",
    )
    adjudication_gap = Score(
        None,
        allow_None=True,
        bounds=(0, None),
        softbounds=(0, 4),
        step=0.5,
        label="Gap that is adjudicated",
        doc="Points between the highest and the lowest label of a response beyond which one more is averaged in; "
        "scores only, and needed where they are adjudicated.",
    )
    error_correlation = Correlation(
        0.0,
        bounds=(0, 1),
        softbounds=(0, 0.8),
        step=0.05,
        label="Correlation of raters' errors",
        doc="Of what lies behind two raters' errors on the same response; read where several vote.",
    )
    delay_days = Days(
        0,
        bounds=(0, 365),
        softbounds=(0, 14),
        label="Labels take",
        doc="Days from a response to its label, on top of the time its outcome takes.",
    )
    combine = param.Selector(
        default="majority",
        objects=["majority", "mean"],
        label="Labels of a comparison are",
        doc="Put to the vote (more than half of them make a win or a loss), or averaged; side-by-side preference only.",
    )
    days_per_week = Count(
        7,
        bounds=(1, 7),
        softbounds=(1, 7),
        label="Working days a week",
        doc="Days on which raters label; where they cannot keep up, the answer waits for the last label.",
    )

    law = Part(
        class_=RatingLaw,
        default=None,
        allow_None=True,
        label="Law of ratings",
        doc="How ratings come about, as a calibration found it. It rests where severity, noise, fatigue, adjudication, "
        "errors, sensitivity or specificity are not those that it was fitted with.",
    )

    @classmethod
    def from_tree(cls, tree: Any, where: str, path: str = "") -> Self:
        """Build the object; labels have a price, or an hour has a wage."""
        given = {key for key in INSTEAD if tree.get(key) is not None} if isinstance(tree, dict) else set()
        if len(given) > 1:
            problem = f"{shown(tree['hourly_wage'])} an hour beside {shown(tree['price_per_label'])} a label"
            raise InputError(where, f"{path}.hourly_wage", problem, "give one of them, and leave out the other")
        return super().from_tree(tree, where, path)

    def put(self, key: str, value: Any, where: str, path: str = "") -> None:
        """Set one key; a wage takes the place of a price, and the other way round."""
        super().put(key, value, where, path)
        if key in INSTEAD and value is not None:
            setattr(self, INSTEAD[key], None)

    def check(self, where: str, path: str = "") -> None:
        """Check that labels are paid somehow, and that what is paid by the hour takes time."""
        if self.hourly_wage is None and self.price_per_label is None:
            raise InputError(where, f"{path}.price_per_label", "no price and no wage", "give one of them, 0 for free")
        if self.hourly_wage and not self.seconds:
            problem = "0, and an hourly wage pays for time"
            raise InputError(where, f"{path}.seconds", problem, "give the seconds of a label, or a price_per_label")
