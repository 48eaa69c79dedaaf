"""Params of rules that are looked at every day, or every few days."""

from __future__ import annotations

import math

import numpy as np

from expsim_panel.design import Bounds, Setting
from expsim_panel.designs._frequentist import Frequentist
from expsim_panel.errors import InputError
from expsim_panel.kernels.strata import SCRATCH, DailyRatio
from expsim_panel.quantities import Days


def check_every(every: int, setting: Setting, where: str, path: str) -> None:
    """Refuse days between looks that the experiment does not have; as many as it has leave the look at the end."""
    if every > setting.days:
        problem = f"a look every {every} days in {setting.days} days"
        raise InputError(where, f"{path}.every", problem, f"give at most {setting.days}")


class Monitored(Frequentist):
    """A rule with an error rate, looked at on every `every`-th day from the first look on, and at the end."""

    min_days = Days(1, bounds=(1, 366), softbounds=(1, 14), label="First look", doc="Day of the first look.")
    every = Days(1, bounds=(1, 366), softbounds=(1, 7), label="Days between looks", doc="1 looks every day.")

    def look_days(self, setting: Setting) -> np.ndarray:
        """Return the days (from 1) on which the rule looks and has an outcome; the last planned day is one of them."""
        days = np.arange(min(int(self.min_days), setting.days), setting.days + 1, int(self.every))
        days = days if days[-1] == setting.days else np.append(days, setting.days)
        return np.asarray(days[setting.units[days - 1].sum(axis=1) > 0])

    def looked_at(self, setting: Setting) -> np.ndarray:
        """Return a flag for every planned day, bool array (days,)."""
        flags = np.zeros(setting.days, np.bool_)
        flags[self.look_days(setting) - 1] = True
        return flags

    def shared_alpha(self, setting: Setting) -> float:
        """Return the error rate of one variant against control: alpha shared out over the variants."""
        return float(self.alpha) / (setting.arms - 1)

    def daily_ratio(self, setting: Setting, mixture: float) -> DailyRatio:
        """Return a mixture ratio for traffic that follows the data; `mixture`: variance of the effects mixed over."""
        threshold, work = -math.log(self.shared_alpha(setting)), np.zeros((SCRATCH, setting.arms))
        return DailyRatio(float(mixture), threshold, self.sides == 2, self.looked_at(setting), setting.binary, work)

    def check_for(self, setting: Setting, where: str, path: str) -> None:
        """Check the looks against the traffic; raise `InputError`."""
        super().check_for(setting, where, path)
        check_every(int(self.every), setting, where, path)

    def both_ways(self, days: np.ndarray, upper: np.ndarray) -> Bounds:
        """Return bounds that mirror the upper ones where the rule has two sides."""
        return Bounds(days, -upper if self.sides == 2 else np.full_like(upper, -np.inf), upper)
