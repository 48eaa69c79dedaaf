"""The law of a test of two stages whose second one is as long as the first one's z asks for."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from expsim_panel import exact_worlds
from expsim_panel.checked import Floats
from expsim_panel.design import Ending, Setting
from expsim_panel.row_law import Law
from expsim_panel.severities import severities
from expsim_panel.stage_integral import beyond


def combined_ending(
    setting: Setting, law: Law, interim: int, information: float, critical: float, two_sided: bool,
    length: Callable[[Floats], np.ndarray], kinks: Floats,
) -> Ending | str:  # fmt: skip
    """Return where an inverse-normal combination of two stages ends, or why that is not known.

    Given the length of the second stage both z are independent and normal: one integral over the first, on pieces
    within which the length does not change, error below 1e-10.

    Parameters
    ----------
    setting, law
        As in `Design.ending`.
    interim : int
        Day of the interim look, from 0.
    information : float
        Squared weight of the first stage's z, in (0, 1).
    critical, two_sided
        z bound of the combination.
    length : callable
        Last day, from 0, of every interim z; constant between kinks.
    kinks : ndarray
        Interim z at which the length may change.

    References
    ----------
    L. Cui, H. M. J. Hung, S.-J. Wang (1999), Biometrics 55, 853-857.
    """
    absent = _why_not(law)
    if absent:
        return absent
    first = exact_worlds.moments(setting, law)
    later = np.maximum(setting.rows - setting.rows[interim], 0.0)
    second = exact_worlds.moments(Setting(later, later, setting.sds, setting.binary, setting.indifference), law)
    edges = np.unique(kinks[np.isfinite(kinks)])
    middles = np.concatenate([edges[:1] - 1.0, (edges[1:] + edges[:-1]) / 2, edges[-1:] + 1.0])
    days = np.asarray(length(middles), int)
    edges = np.concatenate([[-np.inf], edges, [np.inf]])
    used = np.unique(days)
    if np.any(setting.rows[interim] < 2) or np.any(later[used] < 2):
        return "no exact value: a stage sees fewer than two scored responses"
    if first.variance[interim] <= 0:
        return "no exact value: the outcome does not vary"
    absent = law.kind.why_inexact(setting.rows[np.append(interim, used)], law.severity_sd)
    if absent:
        return absent
    stops = np.zeros((3, used.size))
    share = math.sqrt(information), math.sqrt(1.0 - information)
    for between, weight in severities(law):
        own = [float((first.believed[interim] + between / setting.rows[interim]).sum())]
        own += [float((second.believed[day] + between / later[day]).sum()) for day in used]
        mean = np.append(first.mean[interim], second.mean[used]) / np.sqrt(own)
        sd = np.sqrt(np.append(first.variance[interim], second.variance[used]) / own)
        for low, high, day in zip(edges[:-1], edges[1:], days, strict=True):
            at = int(np.searchsorted(used, day)) + 1
            stops[:, at - 1] += weight * _piece(low, high, share, critical, two_sided, mean[[0, at]], sd[[0, at]])
    # Without a finding it ends on its last day all the same; on the last planned one that is no decision to stop.
    stops[1] = np.where(used < setting.days - 1, stops[1] - stops[0] - stops[2], 0.0)
    return Ending(used + 1, (stops[0], np.maximum(stops[1], 0.0), stops[2]))


def _why_not(law: Law) -> str:
    if law.severity_sd > 0 and not law.shared:
        return "no exact value: each variant has raters of its own"
    if not law.kind.additive:
        return "no exact value: what a second stage adds is not independent of the first"
    if law.uneven is None:
        return ""
    if law.uneven.by_look is not None:
        return "no exact value: labels of the first stage come in the second"
    return exact_worlds.why_not(law, law.uneven)


def _piece(
    low: float, high: float, share: tuple[float, float], critical: float, two_sided: bool, mean: Floats, sd: Floats
) -> Floats:
    """Return P(found worse), P(here) and P(found better) where the interim z lies between `low` and `high`."""
    from scipy.special import ndtr

    # In standard deviations of the interim z.
    start, stop = (float(edge - mean[0]) / float(sd[0]) for edge in (low, high))
    here = float(ndtr(stop) - ndtr(start)) if start < 0 else float(ndtr(-start) - ndtr(-stop))
    found = [0.0, here, 0.0]
    steep = share[1] * float(sd[1]) / (share[0] * float(sd[0]))
    for side in (-1, 1) if two_sided else (1,):
        # Where the first stage alone is at the bound the chance turns, over a width of `steep`.
        turn = ((side * critical - share[1] * float(mean[1])) / share[0] - float(mean[0])) / float(sd[0])
        found[1 + side] = beyond(start, stop, turn, steep, side)
    return np.array(found)
