"""Boundary crossing in worlds that are not plain: effects that change, late outcomes, hidden clusters."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from expsim_panel import plan
from expsim_panel.design import Bounds, Design, Setting
from expsim_panel.kernels.crossing import cross
from expsim_panel.kernels.wedge import cross_wedge
from expsim_panel.row_law import Law, Stops
from expsim_panel.uneven import AMOUNTS, RATED, RATES, VERDICTS, Uneven


def why_not(law: Law, uneven: Uneven) -> str:
    """Return the reason why such a world has no exact figures; empty if it has."""
    if uneven.family == VERDICTS and not uneven.constant:
        return "no exact value: the preference changes from day to day"
    if not law.kind.plain and (uneven.stratified or not uneven.constant):
        return "no exact value: a hybrid's correction in a world that changes from day to day"
    if uneven.family == RATED:
        return "no exact value: ratings are drawn rater by rater from the law that calibration kept"
    if law.severity_sd > 0:
        return "no exact value: raters' severity in a world that is not plain"
    if uneven.family == AMOUNTS:
        return "no exact value: amounts are far from normal"
    if uneven.family == RATES and not uneven.stratified and uneven.moves and uneven.ramps:
        return "no exact value: rates and shares change from day to day"
    return ""


def why_no_bounds(design: Design, uneven: Uneven) -> str:
    """Return the reason why a design has no bounds on z in such a world; empty if it has."""
    if design.counts_rates and uneven.stratified and uneven.family == RATES:
        return "no exact value: the rule counts the hits of all days, which are compared apart"
    return ""


def follows_data(design: Design) -> bool:
    """Tell whether the rule's bounds on z depend on the spread that the data show, not the planned one."""
    return design.bounds_follow_spread and type(design).rule is not Design.rule


def bounds_of(design: Design, setting: Setting, law: Law, uneven: Uneven) -> Bounds | None:
    """Return the bounds on z that a design comes to in a world that changes from day to day."""
    if not follows_data(design):
        return design.bounds(setting)
    believed = _moments(setting, law, uneven).believed
    # A spread and numbers of rows which together say what the data will, at every look.
    sds = np.sqrt(believed[-1] * setting.rows[-1])
    with np.errstate(divide="ignore", invalid="ignore"):
        rows = np.where(believed > 0, sds**2 / believed, 0.0)
    return design.bounds(replace(setting, sds=sds, rows=rows))


class Moments(NamedTuple):
    """Mean and variance of the estimate by the end of each day, what each arm's mean is believed to vary, and time.

    Attributes
    ----------
    mean, variance, time : ndarray, shape (days,)
        Of the difference; two looks have the correlation ``sqrt(time_1 / time_2)``.
    believed : ndarray, shape (days, 2)
        Mean of the estimated variance of each arm's mean.
    """

    mean: np.ndarray
    variance: np.ndarray
    believed: np.ndarray
    time: np.ndarray


def moments(setting: Setting, law: Law) -> Moments:
    """Return the moments of the estimate by day in any world, nan before there is one; see `why_not`.

    Of rows between two days alone: give the setting those rows.
    """
    if law.uneven is not None:
        return _moments(setting, law, law.uneven)
    with np.errstate(divide="ignore", invalid="ignore"):
        believed = law.sds[0] ** 2 / setting.rows
        variance = believed.sum(axis=1)
        difference = np.full(setting.days, float(law.means[0, 1] - law.means[0, 0]))
        return Moments(difference, variance, believed, 1 / variance)


def _moments(setting: Setting, law: Law, uneven: Uneven) -> Moments:
    """Return the moments of the estimate by day, nan before there is one.

    The joint law of the looks is the canonical one: of pooled means of rows with one variance because the covariance
    of two looks is the variance at the later one; of stratified means, and of pooled ones with constant shares,
    because ``N_k`` times the estimate has independent increments.

    References
    ----------
    C. Jennison, B. W. Turnbull (2000), Group Sequential Methods, sections 3.1 and 19.1.
    """
    rows = np.diff(setting.rows, axis=0, prepend=0.0)
    means = law.means[0] + uneven.shift + (uneven.shares @ uneven.spill[0])[:, None]
    means = plan.late(means, uneven.delay)
    spread = np.broadcast_to(law.sds[0] ** 2, means.shape)
    by_day = uneven.family == RATES and uneven.moves
    if by_day:
        spread = means * (1 - means)
    if uneven.by_look is not None:
        # Labels are later than scores: what a label is worth changes from look to look.
        spread = uneven.by_look
    with np.errstate(divide="ignore", invalid="ignore"):
        if uneven.stratified:
            used = np.all(rows >= 2, axis=1)[:, None]
            weight = np.where(used, rows.sum(axis=1, keepdims=True), 0.0)
            total = np.cumsum(weight, axis=0)
            each = np.cumsum(np.where(used, weight**2 * spread / rows, 0.0), axis=0)
            mean = np.cumsum(weight[:, 0] * (means[:, 1] - means[:, 0])) / total[:, 0]
            believed = each / total**2
            return Moments(mean, believed.sum(axis=1) * uneven.effect, believed, each.sum(axis=1))
        count = np.cumsum(rows, axis=0)
        average = np.cumsum(rows * means, axis=0) / count
        between = np.maximum(np.cumsum(rows * means**2, axis=0) / count - average**2, 0.0)
        within = np.cumsum(rows * spread, axis=0) / count if by_day else spread
        variance = (within * uneven.effect / count).sum(axis=1)
        time = count.sum(axis=1) ** 2 * variance if by_day else 1 / variance
        return Moments(average[:, 1] - average[:, 0], variance, (within + between) / count, time)


def crossing(setting: Setting, planned: Bounds, law: Law, uneven: Uneven) -> Stops:
    """Return P(stop low), P(give up between inner bounds) and P(stop high) at each look, for two arms.

    The estimate at look k has a mean ``m_k`` and a variance ``V_k``; the analysis believes ``A_k``. It stops
    high when ``estimate >= u_k sqrt(A_k)``, that is when a standard normal Z_k exceeds
    ``u_k sqrt(A_k / V_k) - m_k / sqrt(V_k)``. The Z_k have the canonical joint law, see `_moments`: the recursion
    holds with these bounds and no drift.
    """
    looks = planned.days - 1
    made = _moments(setting, law, uneven)
    mean, variance, time = made.mean[looks], made.variance[looks], made.time[looks]
    stretch, drift = np.sqrt(made.believed[looks].sum(axis=1) / variance), mean / np.sqrt(variance)
    low, high = planned.lower * stretch - drift, planned.upper * stretch - drift
    if planned.inner is None:
        found = cross(time / time[-1], low, high, 0.0)
        return found[0], np.zeros(found[0].size), found[1]
    width = planned.inner * stretch
    every: Stops = cross_wedge(time / time[-1], low, -width - drift, width - drift, high, 0.0)
    return every
