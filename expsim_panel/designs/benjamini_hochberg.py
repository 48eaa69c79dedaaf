"""Several variants at the end by the Benjamini-Hochberg procedure."""

from __future__ import annotations

from expsim_panel.design import designs
from expsim_panel.designs._steps import BENJAMINI_HOCHBERG, StepWise


@designs.register("benjamini-hochberg")
class BenjaminiHochberg(StepWise):
    """The largest k whose k-th smallest p is at most ``k alpha / m``: false discovery rate at most alpha.

    Variants that share a control are positively dependent, so that without any difference the chance of a
    rejection is at most alpha too; with some variants truly better more false winners may come along.

    References
    ----------
    Y. Benjamini, Y. Hochberg (1995), JRSS B 57, 289-300.
    """

    kind = "benjamini-hochberg"
    summary = "Several variants at the end: few false ones among the winners"
    error_claim = "exact"
    procedure = BENJAMINI_HOCHBERG
