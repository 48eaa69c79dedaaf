"""Whether a stopping rule keeps something from one look to the next: found by playing it, whoever wrote it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from expsim_panel.kernels.trials import decide

if TYPE_CHECKING:
    from expsim_panel.design import Setting


def writes(rule: Any, setting: Setting) -> bool:
    """Tell whether a rule writes into an array of its parameters, which is the only place where it can keep anything.

    Some rules only calculate there; which of them remember nothing their designs have to say.

    Parameters
    ----------
    rule : NamedTuple
        The kernel's parameters, fresh; its arrays are as it left them afterwards.
    setting : Setting
        Its planned traffic is played, day by day and without a difference.
    """
    arrays = [field for field in rule if isinstance(field, np.ndarray)]
    before = [field.tobytes() for field in arrays]
    middle = 0.5
    for day, rows in enumerate(setting.rows if arrays else ()):
        sums = middle * rows
        squares = sums if setting.binary else rows * (setting.sds**2 + middle**2)
        decide(rule, day, np.ascontiguousarray(np.stack([setting.units[day], rows, sums, squares]), np.float64))
    return any(field.tobytes() != was for field, was in zip(arrays, before, strict=True))
