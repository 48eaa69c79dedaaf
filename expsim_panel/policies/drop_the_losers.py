"""Even traffic over the control and the variants that are left; a dropped one gets nothing more."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from expsim_panel.design import Design, Setting
from expsim_panel.designs.drop_the_losers import DropTheLosers
from expsim_panel.errors import InputError
from expsim_panel.kernels.contrasts import leave
from expsim_panel.kernels.measuring import binary_rows, draw_severity, normal_rows
from expsim_panel.kernels.trials import ROWS, SQUARES, SUMS, UNITS, advance
from expsim_panel.policy import Policy, Supply, policies


class Dropping(NamedTuple):
    """Variants in traffic on each day or z bounds at its end (whether against the best; -inf: none), the law of the
    rows, and scratch space: who is left (arms,).
    """

    left: np.ndarray
    below: np.ndarray
    by_bound: bool
    best: bool
    arrivals: np.ndarray
    coverage: float
    binary: bool
    means: np.ndarray
    sds: np.ndarray
    raters: int
    severity_sd: float
    shared: bool
    severity: np.ndarray
    alive: np.ndarray


@advance.register(Dropping)
def _dropping(
    allocation: Dropping,
    outcome: np.random.Generator,
    evaluator: np.random.Generator,
    policy: np.random.Generator,
    replicate: int,
    day: int,
    state: np.ndarray,
) -> None:
    """Drop whom the last look drops, then share the day's units evenly and add their scored rows."""
    alive, severity, raters = allocation.alive, allocation.severity, allocation.raters
    arms = state.shape[1]
    if day == 0:
        draw_severity(evaluator, allocation.severity_sd, raters, allocation.shared, severity)
        for a in range(arms):
            alive[a] = 1.0
    left = 0
    for a in range(1, arms):
        if alive[a] > 0.0:
            left += 1
    while left > allocation.left[day]:
        worst = 0
        lowest = 0.0
        for a in range(1, arms):
            if alive[a] > 0.0:
                mean = state[SUMS, a] / state[ROWS, a] if state[ROWS, a] > 0.0 else 0.0
                if worst == 0 or mean < lowest:
                    worst = a
                    lowest = mean
        alive[worst] = 0.0
        left -= 1
    if day > 0 and allocation.below[day - 1] > -math.inf:
        left = leave(state, alive, allocation.below[day - 1], allocation.best, 0.0 if allocation.binary else 1.0)
    # Who leaves below a bound takes the traffic along: the others' sizes stay as planned.
    among = arms if allocation.by_bound else left + 1
    arrived = allocation.arrivals[day]
    share = arrived // among
    extra = arrived - share * among
    # Units that cannot be shared evenly go to the arms in turn.
    turn = day
    for a in range(arms):
        if alive[a] == 0.0:
            turn += 1 if allocation.by_bound else 0
            continue
        state[UNITS, a] += share + (1 if turn % among < extra else 0)
        turn += 1
        seen = int(state[ROWS, a])
        new = int(allocation.coverage * state[UNITS, a] + 0.5) - seen
        if new <= 0:
            continue
        mean = allocation.means[replicate, a]
        if allocation.binary:
            total, square = binary_rows(outcome, new, mean)
        else:
            total, square = normal_rows(outcome, new, mean, allocation.sds[replicate, a], severity, a, raters, seen)
        state[ROWS, a] += new
        state[SUMS, a] += total
        state[SQUARES, a] += square


@policies.register("drop-the-losers")
class DropsLosers(Policy):
    """Carries out what the design of the same name drops."""

    kind = "drop-the-losers"
    summary = "Even traffic over control and the variants that are left"
    stopping = "drop-the-losers"
    follows_data = False
    stopping_fields: dict[str, Any] = {}

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)
        self._design = DropTheLosers()

    def follow(self, design: Design, where: str, path: str) -> None:
        """Take the looks from the design; raise `InputError` where it drops no variant."""
        if not isinstance(design, DropTheLosers):
            problem = f"{design.kind} drops no variant"
            raise InputError(where, f"{path}.stopping", problem, "leave stopping out: it is drop-the-losers")
        self._design = design

    def allocation(self, supply: Supply) -> Dropping:
        """Return the kernel's parameters."""
        arms = supply.means.shape[1]
        arrived = np.cumsum(supply.arrivals).astype(float)[:, None] / arms
        units = np.repeat(arrived, arms, axis=1)
        setting = Setting(units, units, np.ones(arms), supply.binary, 0.0)
        return Dropping(
            self._design.variants_by_day(setting),
            self._design.below_by_day(setting),
            self._design.drop_below is not None,
            self._design.against == "best",
            supply.arrivals,
            float(supply.coverage),
            bool(supply.binary),
            supply.means,
            supply.sds,
            int(supply.raters),
            float(supply.severity_sd),
            bool(supply.shared),
            np.zeros((arms, max(int(supply.raters), 1))),
            np.zeros(arms),
        )
