"""Params of Bayesian rules that hold a belief about the effect itself."""

from __future__ import annotations

import numpy as np
import param

from expsim_panel.design import Design, Setting
from expsim_panel.designs._monitoring import check_every
from expsim_panel.errors import InputError
from expsim_panel.quantities import Days, Probability, Score, Spread


class Belief(Design):
    """A normal posterior of each variant's effect over control, under a flat or normal prior."""

    confidence = Probability(
        0.95,
        bounds=(0.5, 1 - 1e-9),
        softbounds=(0.8, 0.999),
        step=0.005,
        label="Posterior chance asked for",
        doc="Posterior probability at which the rule stops.",
    )
    equivalence = Spread(
        None,
        allow_None=True,
        bounds=(0, None),
        step=0.001,
        label="Practically the same",
        doc="Effects of at most this size count as none, metric units; unset: the indifference of the scenario.",
    )
    prior = param.Selector(
        default="flat",
        objects=["flat", "weak", "normal", "fitted"],
        label="Prior",
        doc="flat: only the data. weak: mean 0, spread of one response. normal: prior mean and prior spread. fitted: "
        "what the scenario's past experiments tell.",
    )
    prior_mean = Score(
        0.0,
        bounds=(None, None),
        softbounds=(-1, 1),
        step=0.01,
        label="Prior mean",
        doc="Of the effect, positive is better.",
    )
    prior_sd = Spread(
        0.1,
        bounds=(0, None),
        inclusive_bounds=(False, True),
        step=0.01,
        label="Prior spread",
        doc="Standard deviation of the effects that are usual, metric units.",
    )
    min_days = Days(7, bounds=(1, 366), softbounds=(1, 14), label="First look", doc="Day of the first look.")
    every = Days(1, bounds=(1, 366), softbounds=(1, 7), label="Days between looks", doc="1 looks every day.")

    def look_days(self, setting: Setting) -> np.ndarray:
        """Return the days (from 1) on which the rule looks; the last planned day is one of them."""
        days = np.arange(min(int(self.min_days), setting.days), setting.days + 1, int(self.every))
        return days if days[-1] == setting.days else np.append(days, setting.days)

    def looked_at(self, setting: Setting) -> np.ndarray:
        """Return a flag for every planned day, bool array (days,)."""
        flags = np.zeros(setting.days, np.bool_)
        flags[self.look_days(setting) - 1] = True
        return flags

    def margin(self, setting: Setting) -> float:
        """Return the half width of the region of practical equivalence."""
        return float(setting.indifference if self.equivalence is None else self.equivalence)

    def prior_precision(self, setting: Setting) -> tuple[float, float]:
        """Return precision (0 for the flat prior) and mean of the prior."""
        if self.prior == "flat":
            return 0.0, 0.0
        if self.prior == "weak":
            return float(setting.sds[0]) ** -2, 0.0
        if self.prior == "fitted":
            if setting.past is None:
                raise LookupError("no past experiments to fit a prior to")
            mean, sd = setting.past
            return sd**-2, mean
        return float(self.prior_sd) ** -2, float(self.prior_mean)

    def check_for(self, setting: Setting, where: str, path: str) -> None:
        """Check the design against the traffic and what is known; raise `InputError`."""
        super().check_for(setting, where, path)
        check_every(int(self.every), setting, where, path)
        if self.prior == "fitted" and setting.past is None:
            problem, remedy = "there are no past experiments to fit", "give prior.past, or another prior"
            raise InputError(where, f"{path}.prior", problem, remedy)
