"""The table ``[evaluators.human.law]``: how people's ratings come about, as a calibration found it."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import param

from expsim_panel.errors import InputError, shown
from expsim_panel.quantities import Factor, Share, Spread
from expsim_panel.sections import Section

MOST_KINDS, MOST_VALUES, MOST_FACTORS, MOST_TASTE, MOST_PLACES = 200, 101, 8, 5, 200
NEARLY = 1e-3
OF_NORMAL = (
    "spreads",
    "loadings",
    "shifts",
    "shares",
    "style",
    "echo",
    "straight",
    "tastes",
    "adjudicated",
    "to_median",
)
"""Fields of a law whose responses are normal on the latent scale."""


class RatingLaw(Section):
    """Ordered probit of a rating, with all that `rating_laws` may add to it.

    A rating is the level ``j`` with ``c[j-1] < z <= c[j]``, `c` the thresholds of the rater's kind and z normal
    around the response's variant; two ratings of a response correlate by the rest of the fields
    (`item_texture.Texture`). With `places`, z is one of them, drawn with the variant's `weights`, plus noise of
    variance 1 (`shaped_ratings`) or of the place's own spread, `noises` (`focused_ratings`).
    """

    name = param.String("", constant=False, label="Law", doc="Name of the law, as in `realism.law` of a calibration.")
    source = param.String("", label="Source", doc="Ratings that the law was fitted to.")
    values = param.List(
        default=[], item_type=(int, float), label="Scores", doc="Score of each level, ascending; 0 and 1 for rates."
    )
    cuts = param.List(
        default=[],
        item_type=list,
        label="Thresholds of raters",
        doc="For each kind of rater its latent thresholds, item and noise having variance 1 and the control mean 0 "
        "(with places: the noise). A study's raters are drawn from these kinds, all alike likely.",
    )
    spreads = param.List(
        default=[],
        item_type=(int, float),
        label="Latent spread of variants",
        doc="Factor on the latent spread of each variant's responses, the control's first; empty: all alike.",
    )
    loadings = param.List(
        default=[],
        item_type=list,
        label="Loadings",
        doc="For each kind of rater what it looks at: loadings on common factors of a response. Their squares sum to "
        "the latent correlation of two such ratings.",
    )
    shifts = param.List(
        default=[0.0], item_type=(int, float), label="Clarity of items", doc="What each class adds to its logit."
    )
    shares = param.List(
        default=[1.0], item_type=(int, float), label="Shares of classes", doc="Part of the items in each class."
    )
    style = Factor(
        0.0, bounds=(0, 3), softbounds=(0, 1), label="Extremes", doc="How much items differ in drawing extreme answers."
    )
    lapse = Share(0.0, bounds=(0, 1), label="Lapses", doc="Part of the ratings that have nothing to do with the item.")
    echo = Share(0.0, bounds=(0, 1), label="Echoes", doc="Part of the ratings that have the noise of an earlier one.")
    straight = Share(0.0, bounds=(0, 1), label="Answered alike", doc="Part of the items that all raters answer alike.")
    tastes = param.List(
        default=[],
        item_type=list,
        label="Tastes",
        doc="How items differ in drawing levels: lists of a number for each level, the logarithm by which one standard "
        "deviation of an item multiplies the levels' chances.",
    )
    places = param.List(
        default=[],
        item_type=(int, float),
        label="Places",
        doc="What a response's effect may be, ascending, noise having variance 1 (or `noises`); empty: effects are "
        "normal.",
    )
    weights = param.List(
        default=[],
        item_type=list,
        label="Weights of places",
        doc="For each variant the part of its responses at each place, the control's first.",
    )
    noises = param.List(
        default=[],
        item_type=(int, float),
        label="Noise at places",
        doc="Standard deviation of the noise at each place, which may then occur several times; empty: 1.",
    )
    adjudicated = param.Boolean(
        False, label="Revised", doc="Whether raters who are more than two levels apart on a response revise."
    )
    to_median = param.Boolean(
        False,
        label="Revised to the median",
        doc="Whether those revise who are further than a level from a response's median, to within a level of it.",
    )
    residual_sd = Spread(
        0.0, bounds=(0, None), label="Spread within a level", doc="Of continuous scores, whose levels are classes."
    )
    severity_sd = Spread(
        0.0,
        bounds=(0, None),
        label="Severity, SD",
        doc="What the law stands for: beside another value it rests.",
    )
    noise_sd = Spread(
        0.0, bounds=(0, None), label="Noise, SD", doc="What the law stands for: beside another value it rests."
    )

    def check(self, where: str, path: str = "") -> None:
        """Check lengths, order and shares."""

        def refuse(key: str, problem: str, remedy: str) -> None:
            raise InputError(where, f"{path}.{key}", problem, remedy)

        levels, kinds = len(self.values), len(self.cuts)
        if not 2 <= levels <= MOST_VALUES or not _ascend(self.values):
            refuse("values", f"{shown(self.values)} are no scores", f"list 2 to {MOST_VALUES}, ascending")
        if not 1 <= kinds <= MOST_KINDS:
            refuse("cuts", f"{kinds} kinds of raters", f"give 1 to {MOST_KINDS}")
        for key, rows in (("cuts", self.cuts), ("loadings", self.loadings)):
            for number, row in enumerate(rows):
                if not all(_finite(one) for one in row):
                    refuse(f"{key}.{number}", f"{shown(row)} is not a list of numbers", "give finite numbers")
        for number, row in enumerate(self.cuts):
            if len(row) != levels - 1 or not _ascend(row):
                refuse(f"cuts.{number}", f"{shown(row)} for {levels} levels", f"give {levels - 1} ascending numbers")
        if self.to_median and not self.adjudicated:
            refuse("to_median", "nobody revises", "write adjudicated = true, or leave it out")
        if self.places or self.weights or self.noises:
            self._check_places(refuse)
            return
        factors = {len(row) for row in self.loadings}
        if len(self.loadings) != kinds or len(factors) != 1 or not 1 <= min(factors) <= MOST_FACTORS:
            problem = f"{len(self.loadings)} lists for {kinds} kinds of raters"
            refuse("loadings", problem, f"give each kind as many numbers, 1 to {MOST_FACTORS}")
        for number, row in enumerate(self.loadings):
            if not 0 < sum(float(one) ** 2 for one in row) < 1:
                refuse(f"loadings.{number}", f"the squares of {shown(row)} sum to 1 or more, or 0", "give others")
        if not all(one > 0 for one in self.spreads):
            refuse("spreads", f"{shown(self.spreads)}", "give numbers above 0")
        if len(self.tastes) > levels:
            refuse("tastes", f"{len(self.tastes)} lists for {levels} levels", "give one a level at most")
        for number, row in enumerate(self.tastes):
            if len(row) != levels or not all(_finite(one) and abs(one) <= MOST_TASTE for one in row):
                problem = f"{shown(row)} for {levels} levels"
                refuse(f"tastes.{number}", problem, f"give {levels} numbers from -{MOST_TASTE} to {MOST_TASTE}")
        whole = sum(self.shares) + float(self.straight)
        if len(self.shares) != len(self.shifts) or min(self.shares, default=-1) < 0 or abs(whole - 1) > NEARLY:
            problem = f"{len(self.shares)} shares of {len(self.shifts)} classes sum to {whole:g} with `straight`"
            refuse("shares", problem, "give one of each class, 1 in all")

    def _check_places(self, refuse: Callable[[str, str, str], None]) -> None:
        """Check places and weights, and that nothing is said that belongs to normal effects."""
        count = len(self.places)
        known = 2 <= count <= MOST_PLACES and all(_finite(one) for one in self.places)
        if not known or not (sorted(self.places) == self.places if self.noises else _ascend(self.places)):
            refuse("places", f"{shown(self.places)} are no places", f"list 2 to {MOST_PLACES}, ascending")
        if self.noises and (len(self.noises) != count or not all(_finite(one) and one > 0 for one in self.noises)):
            refuse("noises", f"{shown(self.noises)} for {count} places", f"give {count} numbers above 0, or none")
        if not self.weights:
            refuse("weights", f"no weights of {count} places", "give a list for each variant")
        for number, row in enumerate(self.weights):
            if len(row) != count or not all(_finite(one) and one >= 0 for one in row) or abs(sum(row) - 1) > NEARLY:
                problem = f"{shown(row)} for {count} places"
                refuse(f"weights.{number}", problem, f"give {count} numbers from 0, 1 in all")
        for key in OF_NORMAL:
            if getattr(self, key) != self.param[key].default:
                refuse(key, "is read where effects are normal, and places are given", "leave one of the two out")

    def key(self) -> str:
        """Return a text that tells laws apart by what is drawn from them."""
        return json.dumps({**self.to_tree(), "source": ""}, sort_keys=True)

    @classmethod
    def from_key(cls, key: str) -> RatingLaw:
        """Return the law of a `key`."""
        return cls.from_tree(json.loads(key), "law")

    def to_tree(self) -> dict[str, Any]:
        """Return the tree; what is at its default and says nothing is left out."""
        tree = super().to_tree()
        return {key: value for key, value in tree.items() if value != self.param[key].default}


def _finite(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value) and abs(value) < 1e6


def _ascend(values: list[float]) -> bool:
    return bool(np.all(np.diff(np.asarray(values, float)) > 0))
