"""Lan-DeMets alpha spending, Pocock type."""

from __future__ import annotations

import numpy as np

from expsim_panel.design import designs
from expsim_panel.designs._spending import Spending
from expsim_panel.spending import lan_demets_pocock


@designs.register("lan-demets-pocock")
class LanDeMetsPocock(Spending):
    """Spends ``alpha ln(1 + (e - 1) t)``: nearly the same bound at every look.

    References
    ----------
    K. K. G. Lan and D. L. DeMets (1983), Biometrika 70, 659-663.
    """

    kind = "lan-demets-pocock"
    summary = "Looks at any time; stops early more often"
    error_claim = "exact"

    def spending(self, information: np.ndarray, alpha: float) -> np.ndarray:
        """Return the cumulative part of `alpha`."""
        return lan_demets_pocock(information, alpha)
