"""The table ``[metric]`` of a scenario file."""

from __future__ import annotations

from typing import Any

import numpy as np
import param

from expsim_panel.errors import InputError
from expsim_panel.quantities import Choice, Factor, Share, Spread
from expsim_panel.sections import Section


class Metric(Section):
    """Table ``[metric]``: what is measured."""

    name = param.String(
        "", constant=False, label="Metric", doc="What the metric is called in sentences, such as helpfulness."
    )
    definition = param.String("", label="Definition", doc="Event, denominator and window of the metric.")
    family = Choice(
        default="normal",
        objects=["normal", "binary", "ordinal", "amount", "pairwise"],
        label="Kind of outcome",
        doc="Binary: yes or no. Normal: a score. Ordinal: levels. Amount: often nothing, otherwise money or counts. "
        "Pairwise: side by side with the control, win, tie or loss.",
    )
    direction = Choice(
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
    tie_model = Choice(
        default="probit",
        objects=["probit", "davidson"],
        label="Model of ties",
        doc="Pairwise. Probit: a tie where the difference is within a band (Glenn-David). Davidson: logistic.",
    )
    tie_band = Spread(
        0.25,
        bounds=(0, None),
        softbounds=(0, 1),
        step=0.05,
        label="Tie band",
        doc="Pairwise, probit: difference in latent quality up to which nobody prefers either; half the band's width.",
    )
    tie_parameter = Factor(
        0.5,
        bounds=(0, None),
        softbounds=(0, 3),
        step=0.05,
        label="Tie parameter",
        doc="Pairwise, Davidson: nu; equal variants tie with probability nu / (2 + nu).",
    )
    difference_sd = Spread(
        1.0,
        bounds=(0, None),
        inclusive_bounds=(False, True),
        softbounds=(0.2, 3),
        step=0.05,
        label="Latent scale",
        doc="Pairwise: spread from prompt to prompt of the difference in latent quality of two responses (SD); with "
        "Davidson's model the latent points of one unit of log odds.",
    )

    @property
    def levels(self) -> np.ndarray:
        """Values of the levels: evenly over the range, 1, 2, ... without one."""
        count = len(self.thresholds) + 1
        low, high = self.range or (1.0, float(count))
        return np.linspace(low, high, count)

    def check(self, where: str, path: str = "") -> None:
        """Check that range and thresholds ascend, and that levels have thresholds."""
        if self.family == "pairwise" and (self.range is not None or self.thresholds):
            key = "thresholds" if self.thresholds else "range"
            problem = "a comparison ends in a win, a tie or a loss"
            raise InputError(where, f"{path}.{key}", problem, "remove it; ties follow from the tie model")
        if self.draw_levels and (self.family != "ordinal" or not self.thresholds):
            problem = "levels need an ordinal metric with thresholds"
            raise InputError(where, f"{path}.draw_levels", problem, 'write family = "ordinal" and thresholds = [...]')
        if self.range is not None and not self.range[0] < self.range[1]:
            raise InputError(where, f"{path}.range", f"{list(self.range)} is empty", "give [low, high] with low < high")
        if list(self.thresholds) != sorted(set(self.thresholds)):
            raise InputError(where, f"{path}.thresholds", "thresholds do not ascend", "list them from low to high")

    def to_tree(self) -> dict[str, Any]:
        """Return the tree; what only preferences read is left out elsewhere: older studies keep their digest."""
        tree = super().to_tree()
        for key in ("tie_model", "tie_band", "tie_parameter", "difference_sd"):
            if self.family != "pairwise" and tree[key] == self.param[key].default:
                del tree[key]
        return tree
