"""Parts of ``[traffic]`` and ``[analysis]``: what makes an experiment's world less plain than a textbook's."""

from __future__ import annotations

import math

import param

from expsim_panel.errors import InputError
from expsim_panel.quantities import Choice, Correlation, Count, Days, Duration, Score, Share
from expsim_panel.sections import Section


class Seasonality(Section):
    """Table ``[traffic.seasonality]``: a week that repeats, the same for all variants."""

    traffic = param.List(
        default=[],
        item_type=(int, float),
        label="Traffic by weekday",
        doc="Seven relative sizes, from the first day of the experiment on; empty for equal days.",
    )
    level = param.List(
        default=[],
        item_type=(int, float),
        label="Metric by weekday",
        doc="Seven points added to every variant, from the first day on; empty for equal days.",
    )

    def check(self, where: str, path: str = "") -> None:
        """Check that there are seven of each, and that some day has traffic."""
        for key in ("traffic", "level"):
            values = getattr(self, key)
            if values and len(values) != 7:
                raise InputError(where, f"{path}.{key}", f"{len(values)} weekdays", "give seven numbers, or none")
        if self.traffic and min(self.traffic) <= 0:
            problem = f"{min(self.traffic):g} is not positive"
            raise InputError(where, f"{path}.traffic", problem, "give positive relative sizes")


class Novelty(Section):
    """Table ``[traffic.novelty]``: what the new variants gain or lose at first, fading over the days."""

    size = Score(
        0.0,
        softbounds=(-0.5, 0.5),
        step=0.01,
        label="Novelty at the start",
        doc="Extra effect of the new variants on day 0, positive is better; negative while users learn.",
    )
    days = Duration(
        7.0,
        bounds=(0, None),
        inclusive_bounds=(False, True),
        softbounds=(1, 60),
        step=1,
        label="Novelty fades over",
        doc="Days after which a factor 1/e of it is left.",
    )


class Shock(Section):
    """Table ``[traffic.shock]``: an event outside the experiment that moves all variants for some days."""

    day = Days(1, bounds=(1, 366), softbounds=(1, 28), label="Shock begins on day", doc="First day of the event.")
    days = Days(1, bounds=(1, 366), softbounds=(1, 14), label="Shock lasts", doc="Length of the event.")
    size = Score(0.0, softbounds=(-1, 1), step=0.05, label="Size of the shock", doc="Points added to every variant.")


class Change(Section):
    """Table ``change`` of a variant: it was another one at first. Its `mean` is what it is in the end."""

    day = Days(
        1, bounds=(1, 366), softbounds=(1, 28), label="Jumps on day", doc="First day with the mean after the jump."
    )
    jump = Score(
        0.0,
        softbounds=(-1, 1),
        step=0.05,
        label="Size of the jump",
        doc="Points that its mean gains on that day: before it lies lower by this.",
    )
    drift = Score(
        0.0,
        softbounds=(-1, 1),
        step=0.05,
        label="Drift over the plan",
        doc="Points that its mean gains evenly over the planned days.",
    )


class Ramp(Section):
    """Table ``[traffic.ramp]``: new variants start with a part of their share, which grows day by day."""

    start = Share(
        0.2,
        bounds=(0, 1),
        inclusive_bounds=(False, True),
        softbounds=(0.05, 1),
        step=0.05,
        label="Ramp starts at",
        doc="Part of their final share that new variants have on the first day; the control has the rest.",
    )
    days = Days(7, bounds=(1, 366), softbounds=(1, 28), label="Ramp takes", doc="Day on which the shares are final.")


class Mismatch(Section):
    """Table ``[traffic.mismatch]``: responses of the new variants that get lost: a sample-ratio mismatch."""

    lost = Share(
        0.0,
        bounds=(0, 1),
        inclusive_bounds=(True, False),
        softbounds=(0, 0.1),
        step=0.005,
        label="Responses lost",
        doc="Part of the new variants' responses that are served but missing from the analysis.",
    )
    worse = Score(
        0.0,
        softbounds=(0, 2),
        step=0.05,
        label="Lost ones are worse by",
        doc="Points by which lost responses are worse than the others: what makes the loss a bias.",
    )


class Switchback(Section):
    """Table ``[traffic.switchback]``: whole periods of time are assigned, all traffic to one variant at a time."""

    periods_per_day = Count(
        4, bounds=(1, 288), softbounds=(1, 24), label="Periods per day", doc="How often the variant may change."
    )
    period_sd = Score(
        0.0,
        bounds=(0, None),
        softbounds=(0, 1),
        step=0.01,
        label="Spread between periods, SD",
        doc="How much the mean of a period moves for reasons of its own.",
    )
    carryover = Share(
        0.0,
        softbounds=(0, 0.5),
        step=0.05,
        label="Part of a period under the last variant",
        doc="Part of each period in which the variant of the one before still works.",
    )


class Analysis(Section):
    """Table ``[analysis]``: how the team turns what it measured into an estimate."""

    unit = Choice(
        default="one-response",
        objects=["one-response", "unit", "response"],
        label="A row of the analysis is",
        doc="One scored response of each unit; a unit with all its responses; or each response as if it stood alone.",
    )
    estimator = Choice(
        default="auto",
        objects=["auto", "pooled", "stratified"],
        label="Estimator",
        doc="Pooled: one mean per variant. Stratified: compared within each day. Auto: stratified where shares change.",
    )
    skip_days = Days(
        0,
        bounds=(0, 365),
        softbounds=(0, 21),
        label="First days left out",
        doc="Days at the start whose outcomes the analysis ignores, to let novelty fade.",
    )
    covariate_correlation = Correlation(
        0.0,
        bounds=(-1, 1),
        inclusive_bounds=(False, False),
        softbounds=(0, 0.9),
        step=0.05,
        label="Correlation with a pre-period covariate",
        doc="CUPED: the variance of a score falls by the square of it; 0 for no adjustment.",
    )


def fading(days: int, tau: float) -> list[float]:
    """Return what is left of a novelty at the middle of each day, ``exp(-t / tau)``."""
    return [math.exp(-(day + 0.5) / tau) for day in range(days)]
