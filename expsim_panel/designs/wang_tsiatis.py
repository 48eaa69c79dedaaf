"""Wang-Tsiatis group sequential test."""

from __future__ import annotations

import numpy as np

from expsim_panel.boundaries import wang_tsiatis_shape
from expsim_panel.design import designs
from expsim_panel.designs._frequentist import GroupSequential
from expsim_panel.quantities import Factor


@designs.register("wang-tsiatis")
class WangTsiatis(GroupSequential):
    """Bounds ``c t^(Delta - 1/2)``: between O'Brien-Fleming (0) and Pocock (1/2).

    References
    ----------
    S. K. Wang and A. A. Tsiatis (1987), Biometrics 43, 193-199.
    """

    kind = "wang-tsiatis"
    summary = "Planned looks; one number chooses how easily it stops early"
    error_claim = "exact"
    parameter_key = "delta"
    delta = Factor(
        0.25,
        bounds=(-2.0, 2.0),
        softbounds=(0.0, 0.5),
        step=0.05,
        label="Delta",
        doc="0: O'Brien-Fleming, hard early. 0.5: Pocock, the same bound at every look.",
    )

    def shape(self, information: np.ndarray) -> np.ndarray:
        """Return ``t^(Delta - 1/2)``."""
        return wang_tsiatis_shape(information, float(self.delta))
