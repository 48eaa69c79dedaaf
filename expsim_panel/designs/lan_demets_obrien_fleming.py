"""Lan-DeMets alpha spending, O'Brien-Fleming type."""

from __future__ import annotations

import numpy as np

from expsim_panel.design import designs
from expsim_panel.designs._spending import Spending
from expsim_panel.spending import lan_demets_obrien_fleming


@designs.register("lan-demets-obrien-fleming")
class LanDeMetsOBrienFleming(Spending):
    """Spends ``2 - 2 Phi(z(1 - alpha/2) / sqrt(t))``: hardly anything early.

    References
    ----------
    K. K. G. Lan and D. L. DeMets (1983), Biometrika 70, 659-663.
    """

    kind = "lan-demets-obrien-fleming"
    summary = "Looks at any time; stops early only on strong evidence"
    error_claim = "exact"

    def spending(self, information: np.ndarray, alpha: float) -> np.ndarray:
        """Return the cumulative part of `alpha`."""
        return lan_demets_obrien_fleming(information, alpha)
