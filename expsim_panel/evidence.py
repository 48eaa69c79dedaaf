"""What one experiment's team could collect, source by source, in plain numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from expsim_panel.further_evidence import Offer


@dataclass(frozen=True)
class Evidence:
    """What one experiment's team could collect from one source, at the amount with the largest ENBS.

    Attributes
    ----------
    source, own
        As in `Offer`.
    units, labels, scores : int
        New units, human labels and judge scores, all variants together.
    cost, days : float or None
        Dollars for scoring, days until the last of it is in; None where none is to be had.
    net_benefit, value, ceiling : float or None
        Dollars, as in `Offer`.
    reason : str or None
        Why nothing is to be had.
    """

    source: str
    own: bool
    units: int
    labels: int
    scores: int
    cost: float | None
    days: float | None
    net_benefit: float | None
    value: float | None
    ceiling: float | None
    reason: str | None = None

    @property
    def pays(self) -> bool:
        """Whether collecting is worth its cost."""
        return self.net_benefit is not None and self.net_benefit > 0

    def to_json(self) -> dict[str, object]:
        """Return a JSON object."""
        return {**self.__dict__, "pays": self.pays}


def of_one(offered: list[Offer]) -> tuple[Evidence, ...]:
    """Return the offers of a single experiment as plain numbers."""
    found = []
    for one in offered:
        net, ceiling = float(one.net_benefit[0]), float(one.ceiling[0])
        if not math.isfinite(net):
            why = "no responses are left to score" if not one.own else "the horizon is over before it is in"
            found.append(Evidence(one.source, one.own, 0, 0, 0, None, None, None, None, ceiling, why))
            continue
        units, labels, scores = (int(part[0]) for part in (one.units, one.labels, one.scores))
        cost, days, value = (float(part[0]) for part in (one.cost, one.days, one.value))
        found.append(Evidence(one.source, one.own, units, labels, scores, cost, days, net, value, ceiling))
    return tuple(found)
