"""Boundary crossing in worlds that are not plain: effects that change, late outcomes, hidden clusters."""

from __future__ import annotations

import numpy as np

from expsim_panel import plan
from expsim_panel.design import Bounds, Setting
from expsim_panel.hybrid_rows import LabelledRows
from expsim_panel.kernels.crossing import cross
from expsim_panel.kernels.wedge import cross_wedge
from expsim_panel.paired_rows import PairedRows
from expsim_panel.uneven import AMOUNTS, RATES, VERDICTS, Uneven


def why_not(law: plan.Law, uneven: Uneven, follows_spread: bool) -> str:
    """Return the reason why such a world has no exact figures; empty if it has."""
    if uneven.family == VERDICTS and not uneven.constant:
        return "no exact value: the preference changes from day to day"
    if law.labelled is not None and (uneven.stratified or not uneven.constant):
        return "no exact value: a hybrid's correction in a world that changes from day to day"
    if law.severity_sd > 0:
        return "no exact value: raters' severity in a world that is not plain"
    if uneven.family == AMOUNTS:
        return "no exact value: amounts are far from normal"
    if uneven.family == RATES and not uneven.constant:
        return "no exact value: the rates change from day to day"
    if follows_spread and (uneven.stratified or not uneven.constant):
        return "no exact value: this rule follows the spread of data that change from day to day"
    return ""


def crossing(
    setting: Setting, planned: Bounds, law: plan.Law, uneven: Uneven
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return P(stop low), P(give up between inner bounds) and P(stop high) at each look, for two arms.

    The estimate at look k has a mean ``m_k`` and a variance ``V_k``; the analysis believes ``A_k``. It stops
    high when ``estimate >= u_k sqrt(A_k)``, that is when a standard normal Z_k exceeds
    ``u_k sqrt(A_k / V_k) - m_k / sqrt(V_k)``. The Z_k have the canonical joint law: pooled means because the
    covariance of two looks is the variance at the later one; stratified ones because ``N_k`` times the
    estimate has independent increments. So the recursion holds with these bounds and no drift.

    References
    ----------
    C. Jennison, B. W. Turnbull (2000), Group Sequential Methods, sections 3.1 and 19.1.
    """
    rows = np.diff(setting.rows, axis=0, prepend=0.0)
    means = law.means[0] + uneven.shift + (uneven.shares @ uneven.spill[0])[:, None]
    means = plan.late(means, uneven.delay)
    spread = law.sds[0] ** 2
    if isinstance(law.labelled, LabelledRows | PairedRows) and law.labelled.by_look is not None:
        # Labels are later than scores: what a label is worth changes from look to look.
        spread = law.labelled.by_look
    with np.errstate(divide="ignore", invalid="ignore"):
        if uneven.stratified:
            used = np.all(rows >= 2, axis=1)
            weight = np.where(used, rows.sum(axis=1), 0.0)
            total = np.cumsum(weight)
            of_day = np.where(used, (spread / rows).sum(axis=1), 0.0)
            time = np.cumsum(weight**2 * of_day)
            mean = np.cumsum(weight * (means[:, 1] - means[:, 0])) / total
            believed = time / total**2
            variance = believed * uneven.effect
        else:
            count = np.cumsum(rows, axis=0)
            average = np.cumsum(rows * means, axis=0) / count
            between = np.maximum(np.cumsum(rows * means**2, axis=0) / count - average**2, 0.0)
            mean = average[:, 1] - average[:, 0]
            variance = (spread * uneven.effect / count).sum(axis=1)
            believed = ((spread + between) / count).sum(axis=1)
            time = 1 / variance
    looks = planned.days - 1
    mean, variance, believed, time = (array[looks] for array in (mean, variance, believed, time))
    stretch, drift = np.sqrt(believed / variance), mean / np.sqrt(variance)
    low, high = planned.lower * stretch - drift, planned.upper * stretch - drift
    if planned.inner is None:
        found = cross(time / time[-1], low, high, 0.0)
        return found[0], np.zeros(found[0].size), found[1]
    width = planned.inner * stretch
    every: tuple[np.ndarray, np.ndarray, np.ndarray] = cross_wedge(
        time / time[-1], low, -width - drift, width - drift, high, 0.0
    )
    return every
