"""Exact operating characteristics of designs that drop variants, from the law of who wins, stays and ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from expsim_panel.dropping_laws import Drops
from expsim_panel.economics import Ledger
from expsim_panel.exact import Exact

if TYPE_CHECKING:
    from expsim_panel.design import Design, Setting
    from expsim_panel.row_law import Law


def operating(design: Design, setting: Setting, law: Law, money: Ledger, guarded: bool) -> Exact | str:
    """Return the exact figures of a design that drops variants, or the reason why there are none.

    Parameters
    ----------
    setting : Setting
        Traffic, as planned.
    law : Law
        Law of the scored rows and true effects; its first replicate counts.
    guarded : bool
        Whether there are guardrails: what they let through is not known exactly, since sizes depend on who is left.
    """
    if not law.plain or law.severity_sd > 0:
        return "no exact value: rows are not independent and alike by variant and day"
    found = design.dropped(setting, law.means[0], law.sds[0])
    if isinstance(found, str) or found is None:
        return found or "no exact value for this stopping rule"
    drops, days, each = found
    units, ended = _served(drops, days, each)
    coverage = float(setting.rows[-1].sum() / setting.units[-1].sum())
    spent = money.costs(units[None], coverage * units[None])
    total = float(units.sum())
    wins = float(drops.wins.sum())
    values = {
        "rejection": wins,
        "launch": wins,
        "power": float(drops.wins[law.effects[0, 1:] > 0].sum()),
        "best": float(drops.wins[int(law.effects[0, 1:].argmax())]),
        "units": total,
        "exposures": total * money.exposures_per_unit,
        "days": float(ended @ days),
        "rows": coverage * total,
        "cost": float(sum(dollars[0] for dollars in spent.values())),
        **{f"cost.{kind}": float(dollars[0]) for kind, dollars in spent.items()},
    }
    if guarded:
        del values["launch"]
    return Exact(values, ends=False)


def _served(drops: Drops, days: np.ndarray, each: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the expected units of every arm, (arms,), and P(it ends) at each look, (looks,).

    Parameters
    ----------
    days : int ndarray, shape (looks,)
        Of the looks, the end among them.
    each : ndarray, shape (looks,)
        Units that an arm in traffic gets until a look since the last one.
    """
    going = 1.0 - np.append(0.0, np.cumsum(drops.ends))
    control = float(going @ each)
    variants = each[0] + each[1:] @ drops.stays
    return np.append(control, variants), np.append(drops.ends, going[-1])
