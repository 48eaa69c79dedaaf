"""Stop when an asymptotic confidence sequence excludes no difference."""

from __future__ import annotations

import numpy as np

from expsim_panel.always_valid import asymptotic_half_width, asymptotic_rho
from expsim_panel.design import Bounds, Setting, designs
from expsim_panel.designs._monitoring import Monitored
from expsim_panel.quantities import Units


@designs.register("asymptotic-confidence-sequence")
class AsymptoticConfidenceSequence(Monitored):
    """Asymptotic confidence sequence of a difference: the estimated variance, and a size to be tightest at.

    Counts scored responses of both arms, as the experimentation platforms that ship it do. A few hundred
    responses belong before the first look: the guarantee is one of large samples.

    References
    ----------
    I. Waudby-Smith, D. Arbour, R. Sinha, E. Kennedy, A. Ramdas (2024), Annals of Statistics 52, 2613-2640.
    """

    kind = "asymptotic-confidence-sequence"
    summary = "Look whenever you like: the sequential interval of experimentation platforms"
    error_claim = "at most"
    tuning_units = Units(
        None,
        allow_None=True,
        bounds=(1, None),
        softbounds=(100, 100_000),
        label="Tightest at",
        doc="Scored responses of both arms at which the interval is shortest; unset: half of the planned ones.",
    )

    def bounds(self, setting: Setting) -> Bounds:
        """Return the boundary on the z scale at every look, by the scored responses planned until then."""
        days = self.look_days(setting)
        # Two arms' responses count; with several variants all have about the same number.
        seen = setting.rows[days - 1].sum(axis=1) * 2 / setting.arms
        tuned = float(seen[-1]) / 2 if self.tuning_units is None else float(self.tuning_units)
        alpha, sides = self.shared_alpha(setting), int(self.sides)
        rho = asymptotic_rho(max(tuned, 1.0), alpha)
        upper = [asymptotic_half_width(max(float(n), 1.0), 1.0, rho, alpha, sides) * np.sqrt(max(n, 1.0)) for n in seen]
        return self.both_ways(days, np.array(upper, dtype=float))
