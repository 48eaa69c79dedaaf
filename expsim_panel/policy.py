"""What every allocation policy has in common; one file in ``policies/`` each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from expsim_panel.registry import Registry
from expsim_panel.sections import Section


@dataclass(frozen=True)
class Supply:
    """What a policy that draws for itself needs: arrivals and the law of the scored rows in one block.

    Attributes
    ----------
    arrivals : int64 ndarray, shape (days,)
        Units that arrive each day, over all arms.
    coverage : float
        Share of units whose response is scored.
    binary : bool
        Whether rows are 0/1.
    means, sds : float64 ndarray, shape (replicates, arms)
        Law of a row, oriented so that more is better.
    severity_sd, raters, shared
        Rater severity; see `kernels.measuring.draw_severity`.
    """

    arrivals: np.ndarray
    coverage: float
    binary: bool
    means: np.ndarray
    sds: np.ndarray
    severity_sd: float
    raters: int
    shared: bool


class Policy(Section):
    """An allocation policy. Adaptive ones return their kernel parameters from `allocation`."""

    kind = ""
    summary = ""
    adaptive = True
    stopping = "bayesian"
    """Design that decides when the policy is named without one."""
    stopping_fields: dict[str, Any] = {"looks": 1}
    """Fields of that design."""

    def allocation(self, supply: Supply) -> Any:
        """Return the kernel's parameters, a NamedTuple registered with `kernels.trials.advance`."""
        raise LookupError(f"{type(self).__name__} does not say how it allocates")


policies = Registry[type[Policy]]("expsim_panel.policies", "policy")
