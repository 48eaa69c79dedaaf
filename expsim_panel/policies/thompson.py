"""Thompson sampling, updated once a day."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from expsim_panel.kernels.arms import P_BEST, best_of_betas, best_of_normals, load_posterior, multinomial
from expsim_panel.kernels.measuring import binary_rows, draw_severity, normal_rows
from expsim_panel.kernels.trials import ROWS, SQUARES, SUMS, UNITS, advance
from expsim_panel.policy import Policy, Supply, policies
from expsim_panel.quantities import Count


class DailyThompson(NamedTuple):
    """Arrivals, law of the rows, prior, and scratch space."""

    arrivals: np.ndarray
    coverage: float
    binary: bool
    means: np.ndarray
    sds: np.ndarray
    severity_sd: float
    raters: int
    shared: bool
    prior_hits: float
    prior_misses: float
    severity: np.ndarray
    work: np.ndarray
    today: np.ndarray


@advance.register(DailyThompson)
def _thompson(
    allocation: DailyThompson,
    outcome: np.random.Generator,
    evaluator: np.random.Generator,
    policy: np.random.Generator,
    replicate: int,
    day: int,
    state: np.ndarray,
) -> None:
    """Split the day's units by a multinomial draw in P(best), then add their scored rows."""
    work, severity, today = allocation.work, allocation.severity, allocation.today
    arms, raters = state.shape[1], allocation.raters
    if day == 0:
        draw_severity(evaluator, allocation.severity_sd, raters, allocation.shared, severity)
    if not load_posterior(allocation.binary, allocation.prior_hits, allocation.prior_misses, state, work):
        # A flat prior knows nothing of an arm before its second row: split evenly until then.
        for a in range(arms):
            work[P_BEST, a] = 1.0 / arms
    elif allocation.binary:
        best_of_betas(work, False)
    else:
        best_of_normals(work, False)
    multinomial(policy, allocation.arrivals[day], work, P_BEST, today)
    for a in range(arms):
        state[UNITS, a] += today[a]
        seen = int(state[ROWS, a])
        new = int(allocation.coverage * state[UNITS, a] + 0.5) - seen
        if new <= 0:
            continue
        mean = allocation.means[replicate, a]
        if allocation.binary:
            s, q = binary_rows(outcome, new, mean)
        else:
            s, q = normal_rows(outcome, new, mean, allocation.sds[replicate, a], severity, a, raters, seen)
        state[ROWS, a] += new
        state[SUMS, a] += s
        state[SQUARES, a] += q


@policies.register("thompson")
class Thompson(Policy):
    """Give each arm the share of tomorrow's traffic that it has of being best.

    The posterior is updated once a day, so a day's traffic is multinomial in P(best). Scores have a flat
    prior and rates a beta prior.

    References
    ----------
    W. R. Thompson (1933), Biometrika 25, 285-294. S. L. Scott (2010), Applied Stochastic Models in
    Business and Industry 26, 639-658, for P(best) and batches.
    """

    kind = "thompson"
    summary = "Moves traffic every day to what looks best (bandit)"
    prior_hits = Count(
        1,
        bounds=(1, 1_000_000),
        softbounds=(1, 100),
        label="Prior successes",
        doc="Beta prior of a rate: successes seen before, plus one.",
    )
    prior_misses = Count(
        1,
        bounds=(1, 1_000_000),
        softbounds=(1, 100),
        label="Prior failures",
        doc="Beta prior of a rate: failures seen before, plus one.",
    )

    def allocation(self, supply: Supply) -> DailyThompson:
        """Return the kernel's parameters."""
        arms = supply.means.shape[1]
        return DailyThompson(
            supply.arrivals,
            float(supply.coverage),
            supply.binary,
            supply.means,
            supply.sds,
            float(supply.severity_sd),
            int(supply.raters),
            supply.shared,
            float(self.prior_hits),
            float(self.prior_misses),
            np.zeros((arms, max(supply.raters, 1))),
            np.zeros((4, arms)),
            np.zeros(arms, np.int64),
        )
