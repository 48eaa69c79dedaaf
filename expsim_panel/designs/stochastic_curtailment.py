"""Stop when the end of a fixed test is foreseeable: conditional power too low, or success as good as certain."""

from __future__ import annotations

import math

import numpy as np
import param

from expsim_panel.design import Bounds, Setting, designs
from expsim_panel.designs._frequentist import GroupSequential
from expsim_panel.kernels.special import norm_ppf
from expsim_panel.quantities import Probability, Spread


@designs.register("stochastic-curtailment")
class StochasticCurtailment(GroupSequential):
    """A one-sided fixed test that gives up at a look when its conditional power is low.

    It may also stop for success when, even without any effect from now on, the final test would succeed with
    probability `certainty`; the final level is then ``alpha certainty``, so that the error stays at most alpha.

    References
    ----------
    K. K. G. Lan, R. Simon, M. Halperin (1982), Communications in Statistics C 1, 207-219.
    """

    kind = "stochastic-curtailment"
    summary = "A fixed test that gives up early when it would hardly find anything"
    error_claim = "at most"
    bounds_follow_spread = True
    alpha = Probability(
        0.025,
        bounds=(1e-6, 0.5),
        softbounds=(0.01, 0.2),
        step=0.005,
        label="False alarm rate allowed",
        doc="Type I error rate of the one-sided test.",
    )
    sides = param.Selector(default=1, objects=[1], label="Sides", doc="1: looks for better variants only.")
    give_up_below = Probability(
        0.1,
        bounds=(0, 0.99),
        softbounds=(0.05, 0.5),
        step=0.05,
        label="Give up below",
        doc="Conditional power at or below which a look gives up; 0 never does.",
    )
    assumed = param.Selector(
        default="trend",
        objects=["trend", "plan"],
        label="From now on",
        doc="trend: the effect is as estimated so far. plan: it is the planned effect.",
    )
    planned_effect = Spread(
        None,
        allow_None=True,
        bounds=(0, None),
        step=0.001,
        label="Planned effect",
        doc="Effect assumed from now on under plan, metric units; unset: the indifference of the scenario.",
    )
    certainty = Probability(
        None,
        allow_None=True,
        bounds=(0.5, 1 - 1e-6),
        softbounds=(0.8, 0.99),
        step=0.01,
        label="Succeed at certainty",
        doc="Conditional power without any effect from now on at which a look succeeds; unset: never early.",
    )

    def bounds(self, setting: Setting) -> Bounds:
        """Return what the conditional powers come to on the z scale of each look."""
        days = self.look_days(setting)
        information = setting.information(days)
        level = float(self.alpha) / (setting.arms - 1) * (float(self.certainty) if self.certainty is not None else 1.0)
        critical = -norm_ppf(level)
        lower, upper = np.full(days.size, -np.inf), np.full(days.size, np.inf)
        upper[-1] = critical
        early, root = information[:-1], np.sqrt(information[:-1])
        left = 1 - early
        if self.give_up_below > 0:
            reach = critical + norm_ppf(self.give_up_below) * np.sqrt(left)
            # Trend: the drift is z / sqrt(t), so that z sqrt(t) grows to z / sqrt(t) by the end.
            ahead = self._drift(setting) * left if self.assumed == "plan" else 0.0
            lower[:-1] = (reach - ahead) / root if self.assumed == "plan" else reach * root
        if self.certainty is not None:
            upper[:-1] = (critical + norm_ppf(self.certainty) * np.sqrt(left)) / root
        lower[:-1] = np.minimum(lower[:-1], upper[:-1])
        return Bounds(days, lower, upper, futility=True)

    def _drift(self, setting: Setting) -> float:
        """Return the mean of z at the end under the planned effect."""
        effect = setting.indifference if self.planned_effect is None else float(self.planned_effect)
        variance = float((setting.sds**2 / np.maximum(setting.rows[-1], 1.0))[[0, -1]].sum())
        return effect / math.sqrt(variance) if variance > 0 else 0.0
