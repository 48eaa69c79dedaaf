"""A guardrail: a metric that must not get worse, its alarm threshold and its non-inferiority margin."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np
import param

from expsim_panel.errors import InputError, shown
from expsim_panel.quantities import Money, Probability, Quantity, Share, effect, money, points
from expsim_panel.sections import Section

if TYPE_CHECKING:
    from expsim_panel.scenario import Scenario

MOST = 10
"""Guardrails of one scenario; two or three are usual."""


class Harm(Quantity):
    """An amount of harm: positive always means worse, whatever the direction of the metric."""

    noun = "an amount of harm"


@dataclass(frozen=True)
class Rule:
    """What the test of a guardrail needs: nothing of the truth. Hashable.

    Attributes
    ----------
    binary : bool
        Whether a unit's value is 0 or 1.
    sign : float
        +1 where an increase is harm, -1 where a decrease is.
    relative : bool
        Whether threshold and margin are shares of the control's mean.
    threshold, margin : float
        Alarm threshold; harm that must be ruled out to pass. Both positive, margin at most threshold.
    alpha : float
        Level of each of the two one-sided tests.
    """

    binary: bool
    sign: float
    relative: bool
    threshold: float
    margin: float
    alpha: float

    @property
    def z(self) -> float:
        """Normal quantile of the level."""
        # Not the kernels' own quantile: reading a scenario must not load compiled code.
        return -NormalDist().inv_cdf(self.alpha)


class Guardrail(Section):
    """Table ``[[guardrails]]``: a metric that must not get worse, one value per randomised unit."""

    name = param.String("", constant=False, label="Guardrail", doc="What it is called, such as response time.")
    definition = param.String("", label="Definition", doc="Event, denominator and window of the guardrail.")
    unit = param.String("", label="Unit", doc="Unit of the values, such as ms or $; empty for rates and scores.")
    family = param.Selector(
        default="normal",
        objects=["normal", "binary"],
        label="Kind of value",
        doc="Binary: a unit has it or not. Normal: a number, of which means are compared.",
    )
    direction = param.Selector(
        default="decrease", objects=["increase", "decrease"], label="Better means", doc="Whether more is better."
    )
    means = param.List(
        default=[],
        item_type=(int, float),
        label="True means",
        doc="True mean with each variant, control first; assumed, and never shown to the verdict.",
    )
    sd = Quantity(
        None,
        allow_None=True,
        bounds=(0, None),
        inclusive_bounds=(False, True),
        label="Spread between units",
        doc="Standard deviation of one unit's value; not used for binary guardrails.",
    )
    kind = param.Selector(
        default="absolute",
        objects=["absolute", "relative"],
        label="Threshold is",
        doc="Absolute: in the guardrail's own units. Relative: a share of the control's mean, 0.02 for 2 %.",
    )
    threshold = Harm(
        None,
        allow_None=True,
        bounds=(0, None),
        inclusive_bounds=(False, True),
        label="Alarm threshold",
        doc="Harm from which on the guardrail is breached; positive always means worse.",
    )
    margin = Harm(
        None,
        allow_None=True,
        bounds=(0, None),
        inclusive_bounds=(False, True),
        label="Non-inferiority margin",
        doc="Harm that must be ruled out to pass, at most the threshold; unset: the threshold.",
    )
    alpha = Probability(
        0.05,
        bounds=(0.0001, 0.5),
        softbounds=(0.01, 0.2),
        step=0.005,
        label="Level of the test, one-sided",
        doc="Chance to pass a guardrail whose true harm is the margin.",
    )
    coverage = Share(
        1.0,
        bounds=(0, 1),
        inclusive_bounds=(False, True),
        softbounds=(0.01, 1),
        step=0.01,
        label="Share of units measured",
        doc="Part of the units in which the guardrail is measured.",
    )
    penalty = Money(
        0.0,
        bounds=(0, None),
        softbounds=(0, 0.1),
        step=0.001,
        label="Cost of a breach",
        doc="Dollars per response that a truly breached guardrail costs beside what the metric says.",
    )

    @property
    def binary(self) -> bool:
        """Whether a unit's value is 0 or 1."""
        return bool(self.family == "binary")

    @property
    def sign(self) -> float:
        """+1 where an increase is harm, -1 where a decrease is."""
        return 1.0 if self.direction == "decrease" else -1.0

    @property
    def allowed(self) -> float:
        """The margin in force."""
        return float(self.threshold if self.margin is None else self.margin)

    @property
    def rule(self) -> Rule:
        """What the test needs."""
        return Rule(
            self.binary, self.sign, self.kind == "relative", float(self.threshold), self.allowed, float(self.alpha)
        )

    def truth(self, world: str = "truth") -> np.ndarray:
        """Return the true means in a world, shape (arms,): the control's for all where nothing differs."""
        means = np.array(self.means, float)
        return np.full_like(means, means[0]) if world in ("null", "unbiased") else means

    def harmed(self, harm: float) -> float:
        """Return the mean of a variant that does this harm, in the terms of `kind`."""
        base = float(self.means[0])
        return base + self.sign * harm * (base if self.kind == "relative" else 1.0)

    def harms(self, world: str = "truth") -> np.ndarray:
        """Return the true harm of every arm, shape (arms,), in the terms of `kind`."""
        means = self.truth(world)
        gap = self.sign * (means - means[0])
        return np.asarray(gap / means[0] if self.kind == "relative" else gap)

    def breached(self, world: str = "truth") -> np.ndarray:
        """Tell which arms truly breach: harm of at least the threshold, shape (arms,)."""
        return np.asarray(self.harms(world) >= float(self.threshold) * (1 - 1e-9))

    def rows(self, units: Any) -> np.ndarray:
        """Return how many of some units are measured."""
        return rows_of(units, float(self.coverage))

    def told(self, harm: float, signed: bool = True) -> str:
        """Format a harm as the change of the guardrail that it is, with the guardrail's own sign."""
        change = self.sign * harm if signed else abs(harm)
        if self.kind == "relative":
            text = f"{100 * change:{'+' if signed else ''}.1f}"
            return f"{text if float(text) else '0.0'} %"
        if self.binary:
            return effect(change, "binary", signed)
        if self.unit == "$":
            return money(change, signed)
        plus, size = "+" if signed else "", abs(change)
        number = points(change, signed) if size < 10 else f"{change:{plus},.{1 if size < 100 else 0}f}"
        return f"{number} {self.unit}".strip()

    def check(self, where: str, path: str = "") -> None:
        """Check that there are a truth, a spread and a threshold within reach, and that the margin is within it."""
        if len(self.name) > 60 or not any(c.isprintable() and not c.isspace() for c in self.name):
            raise InputError(where, f"{path}.name", f"{shown(self.name)} is not a name", "give 1 to 60 characters")
        if self.threshold is None:
            raise InputError(where, f"{path}.threshold", "is missing", "give the harm that raises the alarm, above 0")
        if self.margin is not None and self.margin > self.threshold:
            problem = f"{self.margin:g} is above the alarm threshold {self.threshold:g}"
            raise InputError(where, f"{path}.margin", problem, f"give above 0 and at most {self.threshold:g}")
        if not self.means:
            raise InputError(where, f"{path}.means", "is missing", "give the true mean of each variant, control first")
        if not self.binary and self.sd is None:
            raise InputError(where, f"{path}.sd", "is missing", "give the spread between units, or write binary")
        base = float(self.means[0])
        if self.binary and not all(0 <= float(mean) <= 1 for mean in self.means):
            wrong = next(mean for mean in self.means if not 0 <= float(mean) <= 1)
            raise InputError(where, f"{path}.means", f"{wrong:g} is not a rate", "give rates from 0 to 1")
        if self.kind == "relative" and base <= 0:
            problem = f"a share of the control's mean {base:g} means nothing"
            raise InputError(where, f"{path}.kind", problem, 'write kind = "absolute", or a mean above 0')
        reached = self.harmed(float(self.threshold))
        if self.binary and not 0 <= reached <= 1:
            problem = f"{self.threshold:g} is out of reach: the rate would be {reached:g}"
            raise InputError(where, f"{path}.threshold", problem, "give a harm that leaves a rate from 0 to 1")


def rows_of(units: Any, coverage: float) -> np.ndarray:
    """Return how many of some units are measured where a share of them is."""
    return np.asarray(np.floor(np.asarray(units, float) * coverage + 0.5))


def check_all(scenario: Scenario, where: str) -> None:
    """Check the guardrails against the variants and each other; raise `InputError`."""
    guardrails = scenario.guardrails
    if len(guardrails) > MOST:
        raise InputError(where, "guardrails", f"{len(guardrails)} guardrails", f"give at most {MOST}")
    names = [one.name for one in guardrails]
    arms = len(scenario.variants)
    for i, one in enumerate(guardrails):
        one.check(where, f"guardrails.{i}")
        if names.index(one.name) != i:
            problem = f"{shown(one.name)} appears twice"
            raise InputError(where, f"guardrails.{i}.name", problem, "give every guardrail its own name")
        if len(one.means) != arms:
            problem = f"{len(one.means)} means for {arms} variants"
            raise InputError(where, f"guardrails.{i}.means", problem, "give one for each, control first")
