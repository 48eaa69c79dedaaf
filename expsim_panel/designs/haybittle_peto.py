"""Haybittle-Peto group sequential test."""

from __future__ import annotations

import numpy as np

from expsim_panel.boundaries import haybittle_peto_bounds
from expsim_panel.design import designs
from expsim_panel.designs._frequentist import GroupSequential
from expsim_panel.quantities import Factor


@designs.register("haybittle-peto")
class HaybittlePeto(GroupSequential):
    """One high bound at every interim look; the last bound makes the level exactly alpha.

    References
    ----------
    J. L. Haybittle (1971), British Journal of Radiology 44, 793-797; R. Peto et al. (1976), British
    Journal of Cancer 34, 585-612.
    """

    kind = "haybittle-peto"
    summary = "Planned looks; early only beyond three standard errors"
    error_claim = "exact"
    parameter_key = "interim_bound"
    may_contradict = True
    interim_bound = Factor(
        3.0,
        bounds=(0.5, 12.0),
        softbounds=(2.5, 4.0),
        step=0.1,
        label="Interim bound",
        doc="z bound of every look but the last.",
    )

    def efficacy(
        self, information: np.ndarray, alpha: float, sides: int, futility: np.ndarray | None = None
    ) -> np.ndarray:
        """Return the interim bound and the last one."""
        return haybittle_peto_bounds(information, alpha, sides, float(self.interim_bound), futility)
