"""Hwang-Shih-DeCani alpha spending: an exponential of the information."""

from __future__ import annotations

import numpy as np

from expsim_panel.design import designs
from expsim_panel.designs._spending import Spending
from expsim_panel.quantities import Factor
from expsim_panel.spending import hwang_shih_decani


@designs.register("hwang-shih-decani")
class HwangShihDeCani(Spending):
    """Spends ``alpha (1 - exp(-gamma t)) / (1 - exp(-gamma))``.

    References
    ----------
    I. K. Hwang, W. J. Shih and J. S. DeCani (1990), Statistics in Medicine 9, 1439-1445.
    """

    kind = "hwang-shih-decani"
    summary = "Looks at any time; one number chooses how fast alpha is spent"
    error_claim = "exact"
    parameter_key = "gamma"
    gamma = Factor(
        -4.0,
        bounds=(-40.0, 40.0),
        softbounds=(-8.0, 2.0),
        step=0.5,
        label="Gamma",
        doc="-4: near O'Brien-Fleming, little early. 0: evenly. 1: near Pocock.",
    )

    def spending(self, information: np.ndarray, alpha: float) -> np.ndarray:
        """Return the cumulative part of `alpha`."""
        return hwang_shih_decani(information, alpha, float(self.gamma))
