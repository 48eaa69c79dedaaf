"""One analysis at the end."""

from __future__ import annotations

from expsim_panel.design import designs
from expsim_panel.designs._frequentist import Frequentist


@designs.register("fixed-horizon")
class FixedHorizon(Frequentist):
    """Wait until the planned end, test once (Welch's z for scores, unpooled Wald z for rates)."""

    kind = "fixed-horizon"
    summary = "Wait until the end, test once"
    error_claim = "exact"
