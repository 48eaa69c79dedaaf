"""Pocock group sequential test."""

from __future__ import annotations

from expsim_panel.design import designs
from expsim_panel.designs._frequentist import GroupSequential


@designs.register("pocock")
class Pocock(GroupSequential):
    """The same bound at every look: stops early more often, needs more at the end.

    References
    ----------
    S. J. Pocock (1977), Biometrika 64, 191-199.
    """

    kind = "pocock"
    summary = "Planned looks with one bound; stops early more often"
    error_claim = "exact"
