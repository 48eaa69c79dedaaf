"""Bayesian sequential rule: stop when an arm is probably best and little is lost if it is not."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from expsim_panel.design import Bounds, Design, Setting, designs
from expsim_panel.kernels.arms import LOSS, P_BEST, best_of_betas, best_of_normals, load_posterior
from expsim_panel.kernels.special import norm_cdf, norm_pdf, norm_ppf
from expsim_panel.kernels.trials import decide
from expsim_panel.quantities import Count, Days, Probability, Spread

if TYPE_CHECKING:
    from expsim_panel.row_law import Law
    from expsim_panel.several_exact import Won


class Posterior(NamedTuple):
    """Thresholds of the rule, the days it looks, and scratch space."""

    confidence: float
    max_loss: float
    looks: np.ndarray
    binary: bool
    prior_hits: float
    prior_misses: float
    work: np.ndarray


@decide.register(Posterior)
def _posterior(rule: Posterior, day: int, state: np.ndarray) -> int:
    """Stop for the arm whose P(best) and expected loss both pass."""
    if not rule.looks[day]:
        return 0
    work = rule.work
    if not load_posterior(rule.binary, rule.prior_hits, rule.prior_misses, state, work):
        return 0
    if rule.binary:
        # The loss costs more than P(best) and is asked for on few days.
        best_of_betas(work, False)
        if max(work[P_BEST, 0], work[P_BEST, 1]) < rule.confidence and state.shape[1] == 2:
            return 0
        best_of_betas(work, True)
    else:
        best_of_normals(work, True)
    for a in range(state.shape[1]):
        if work[P_BEST, a] >= rule.confidence and work[LOSS, a] <= rule.max_loss:
            return a if a > 0 else -1
    return 0


@designs.register("bayesian")
class Bayesian(Design):
    """Conjugate posteriors of every arm, P(best) and expected loss at every look.

    Scores: flat prior, normal posterior with the estimated variance. Rates: beta posterior. Its type I
    error is no promise: it follows from the thresholds and the number of looks, and is reported.
    """

    kind = "bayesian"
    summary = "Stops when one variant is probably best and little is lost if not"
    error_claim = "none"
    bounds_follow_spread = True
    counts_rates = True
    confidence = Probability(
        0.95,
        bounds=(0.5, 1 - 1e-9),
        softbounds=(0.8, 0.999),
        step=0.005,
        label="Chance to be best",
        doc="Posterior P(best) that an arm needs to win.",
    )
    max_loss = Spread(
        None,
        allow_None=True,
        bounds=(0, None),
        step=0.001,
        label="Expected loss allowed",
        doc="Expected loss of choosing the winner, metric units; unset: the indifference of the scenario.",
    )
    looks = Count(
        None,
        allow_None=True,
        bounds=(1, 366),
        softbounds=(1, 28),
        label="Looks",
        doc="Evenly spaced looks; unset: every day from the first look on.",
    )
    min_days = Days(
        7, bounds=(1, 366), softbounds=(1, 14), label="First look", doc="Day of the first look when looking daily."
    )
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

    def look_days(self, setting: Setting) -> np.ndarray:
        """Return the days (from 1) on which the rule looks."""
        if self.looks is not None:
            return setting.look_days(self.looks)
        return np.arange(min(self.min_days, setting.days), setting.days + 1)

    def loss_allowed(self, setting: Setting) -> float:
        """Return the expected loss allowed; without an indifference, any."""
        if self.max_loss is not None:
            return float(self.max_loss)
        return setting.indifference if setting.indifference > 0 else math.inf

    def rule(self, setting: Setting) -> Posterior:
        """Return the kernel's parameters."""
        looks = np.zeros(setting.days, np.bool_)
        looks[self.look_days(setting) - 1] = True
        return Posterior(
            float(self.confidence),
            self.loss_allowed(setting),
            looks,
            setting.binary,
            float(self.prior_hits),
            float(self.prior_misses),
            np.zeros((4, setting.arms)),
        )

    def remembers(self, setting: Setting, day: int) -> None:
        """Return None: the posterior is of all data until then, calculated anew at every look."""

    def bounds(self, setting: Setting) -> Bounds | None:
        """Return the z bounds the rule comes to for two arms, at the planned spread.

        ``P(best) = Phi(z)`` and ``loss = s [phi(z) - z Phi(-z)]`` both ask for a large z. For rates the
        normal limit of the beta posterior stands in (its error is of order 1 / n), which leaves out the
        prior: with more than the flat one there are no such bounds.
        """
        if setting.arms != 2 or (setting.binary and self.prior_hits + self.prior_misses > 2):
            return None
        days = self.look_days(setting)
        needed, allowed = norm_ppf(self.confidence), self.loss_allowed(setting)
        # No rows yet: an infinite spread, which no loss allows. No spread at all: any z will do.
        with np.errstate(divide="ignore", invalid="ignore"):
            ratios = allowed / np.sqrt((setting.sds**2 / setting.rows[days - 1]).sum(axis=1))
        upper = np.array([max(needed, z_of_loss(float(ratio))) for ratio in ratios])
        return Bounds(days, -upper, upper)

    def decides_once(self, setting: Setting) -> bool:
        """Tell whether it has one look."""
        return bool(self.look_days(setting).tolist() == [setting.days])

    def won(self, planned: Bounds | None, setting: Setting, law: Law, patient: bool = False) -> Won | str:
        """Return what it finds of two variants, see `best_looks`; P(best) of more joins too many arms."""
        from expsim_panel.best_looks import PATIENT, QUICK, chosen
        from expsim_panel.several_exact import SLOW, Won, few_rows

        if setting.arms != 3:
            return "no exact value: P(best) joins all arms, of which there are more than three"
        # As with two arms, the normal limit of the posterior stands in for that of a rate.
        if setting.binary and self.prior_hits + self.prior_misses > 2:
            return "no exact value: a prior that counts"
        days = self.look_days(setting)
        rows = setting.rows[days - 1]
        absent = few_rows(rows)
        if absent:
            return absent
        rule = float(self.confidence), self.loss_allowed(setting)
        found = chosen(law.means[0], law.sds[0], rows, *rule, PATIENT if patient else QUICK)
        if found is None:
            return SLOW
        looks = days, found.control, np.zeros(days.size), found.wins.sum(axis=1)
        return Won(found.wins.sum(axis=0), float(found.control.sum()), math.nan, looks)

    def level(self) -> float:
        """Return the level of the credible interval."""
        return 0.95


def z_of_loss(ratio: float) -> float:
    """Solve ``phi(z) - z Phi(-z) = ratio`` for z; -inf where any z will do."""
    from scipy.optimize import brentq

    if ratio >= 8.0:
        return -math.inf
    if not ratio > 0.0:
        return math.inf
    return float(brentq(lambda z: norm_pdf(z) - z * norm_cdf(-z) - ratio, -8.5, 38.0, xtol=1e-12))
