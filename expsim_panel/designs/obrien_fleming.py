"""O'Brien-Fleming group sequential test."""

from __future__ import annotations

import numpy as np

from expsim_panel.design import designs
from expsim_panel.designs._frequentist import GroupSequential


@designs.register("obrien-fleming")
class OBrienFleming(GroupSequential):
    """Bounds ``c / sqrt(t)``: hardly ever early, almost the fixed test at the end.

    References
    ----------
    P. C. O'Brien and T. R. Fleming (1979), Biometrics 35, 549-556.
    """

    kind = "obrien-fleming"
    summary = "Planned looks; stops early only on strong evidence"
    error_claim = "exact"

    def shape(self, information: np.ndarray) -> np.ndarray:
        """Return ``1 / sqrt(t)``."""
        return np.asarray(1 / np.sqrt(information))
