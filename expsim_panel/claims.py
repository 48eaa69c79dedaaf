"""What a strategy promises of its type I error in a scenario: its design's claim, and what the world leaves of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from expsim_panel import plan
from expsim_panel.design import Setting
from expsim_panel.row_law import Law
from expsim_panel.scenario import Scenario
from expsim_panel.strategy import Strategy
from expsim_panel.uneven import AMOUNTS, RATES

_SAME = 1e-12


@dataclass(frozen=True)
class Claim:
    """A claim.

    Attributes
    ----------
    kind : str
        ``exact``, ``at most`` or ``none``: of the chance to find a difference where the variants are equally good.
    why : str
        What the world takes away from the design's own claim; empty: nothing.
    """

    kind: str
    why: str = ""


def claim(scenario: Scenario, one: Strategy, world: str = "null") -> Claim:
    """Return what holds of a strategy's type I error, in large samples.

    Parameters
    ----------
    world : {'null', 'unbiased'}
        Without a true difference: as it is, or under a perfect evaluator and without anything that passes.

    Notes
    -----
    What breaks a claim shows in the law of the rows: arms that differ, rows that depend on each other, confounded
    shares. What only widens the estimated spread leaves an upper bound.

    Of several variants at two sides the claim is of a rejection of any of them, in either direction. What a run reports
    lies below it: a variant found worse counts only where every variant is (`operating.rejected`).
    """
    setting, law = plan.setting_of(scenario, world), plan.law(scenario, world, 0, 0, 1)
    claimed = one.design.claim(setting)
    if claimed == "none":
        return Claim("none")
    broken = _broken(one, setting, law)
    if broken:
        return Claim("none", broken)
    wider = _wider(one, law)
    return Claim("at most", wider) if wider and claimed == "exact" else Claim(claimed)


def _broken(one: Strategy, setting: Setting, law: Law) -> str:
    """Return what makes false alarms more frequent than any test of these rows says; empty: nothing."""
    if np.ptp(law.means[0]) > _SAME:
        return "the evaluator favours a variant"
    if law.severity_sd > 0 and not law.shared:
        return "each variant has raters of its own, and they differ"
    uneven = law.uneven
    if uneven is None:
        return ""
    if np.ptp(uneven.shift, axis=1).max() > _SAME:
        return "a difference passes, or is made by what gets lost"
    if uneven.icc > 0:
        return "rows of one unit are taken for independent ones"
    even = one.policy.adaptive
    if uneven.ramps and uneven.moves and not uneven.stratified and not even:
        return "the level moves while shares change, and days are pooled"
    if uneven.ramps and not even and setting.arms > 2:
        variants = uneven.shares[:, 1:]
        if one.design.claim(setting) == "exact":
            return "shares change, and with them what comparisons with one control have in common"
        if np.ptp(variants, axis=1).max() > _SAME and one.design.times_looks(setting):
            return "shares change, and looks know other parts of one comparison than of another"
    if uneven.family == RATES and uneven.moves and one.design.times_looks(setting):
        return "a moving rate changes the spread of the days, so that looks know other parts than planned"
    if uneven.family == AMOUNTS and np.ptp(setting.rows[-1]) > 0.01 * setting.rows[-1].max():
        return "amounts are skew, and variants of unequal size do not cancel that"
    return ""


def _wider(one: Strategy, law: Law) -> str:
    """Return what makes the estimated spread too large and false alarms rarer; empty: nothing."""
    if law.severity_sd > 0:
        return "raters' severity is in the estimated spread, and cancels in the difference"
    uneven = law.uneven
    if uneven is None:
        return ""
    if uneven.moves and (not uneven.stratified or one.policy.adaptive):
        return "the level moves from day to day, which widens the estimated spread"
    if uneven.family == AMOUNTS:
        # Student's statistic of a symmetric heavy-tailed law rejects less often (B. Efron, 1969, JASA 64, 1278-1302).
        return "amounts have heavy tails, which z of equal groups answers with fewer false alarms"
    return ""
