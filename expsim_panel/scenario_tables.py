"""The tables of a scenario file: about, traffic, money, prior; metric and variants have files of their own."""

from __future__ import annotations

import param

from expsim_panel.errors import InputError
from expsim_panel.quantities import Choice, Days, Factor, Money, Part, Parts, Score, Share, Units
from expsim_panel.scenario_world import Mismatch, Novelty, Ramp, Seasonality, Shock, Switchback
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
    shares = Parts(
        default=[],
        item_type=(int, float),
        label="Traffic shares",
        doc="Share of each variant, in order; empty for an even split.",
    )
    unit = Choice(
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
    seasonality = Part(
        class_=Seasonality, default=None, allow_None=True, label="Seasonality", doc="A week that repeats."
    )
    novelty = Part(class_=Novelty, default=None, allow_None=True, label="Novelty", doc="An effect that fades.")
    shock = Part(class_=Shock, default=None, allow_None=True, label="Shock", doc="An outside event.")
    ramp = Part(class_=Ramp, default=None, allow_None=True, label="Ramp", doc="Shares that grow.")
    mismatch = Part(class_=Mismatch, default=None, allow_None=True, label="Mismatch", doc="Responses that get lost.")
    switchback = Part(
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
