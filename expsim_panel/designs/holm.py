"""Several variants at the end by Holm's step-down procedure."""

from __future__ import annotations

from expsim_panel.design import designs
from expsim_panel.designs._steps import HOLM, StepWise


@designs.register("holm")
class Holm(StepWise):
    """Smallest p against alpha / m, the next against alpha / (m - 1), and so on: family-wise error at most alpha.

    References
    ----------
    S. Holm (1979), Scandinavian Journal of Statistics 6, 65-70.
    """

    kind = "holm"
    summary = "Several variants at the end: no false winner among all of them"
    error_claim = "exact"
    procedure = HOLM
