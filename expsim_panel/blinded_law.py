"""The law of a test whose size follows the blinded spread of the first rows."""

from __future__ import annotations

import math
from functools import reduce

import numpy as np

from expsim_panel import exact_worlds
from expsim_panel.checked import Floats
from expsim_panel.design import Ending, Setting
from expsim_panel.exact_worlds import Moments
from expsim_panel.row_law import Law
from expsim_panel.severities import severities_between
from expsim_panel.stage_integral import beyond
from expsim_panel.uneven import RATES, SCORES

_REACH, _STEEP = 9.0, 4.0
"""Standard deviations that count: of the number of hits at the review, and of a spread around a turn."""


def reestimated_ending(
    setting: Setting, law: Law, review: int, per_variance: float, critical: float, two_sided: bool
) -> Ending | str:
    """Return where a fixed test ends whose size the blinded spread at the review sets, or why that is not known.

    Differences of means are at their large-sample law, the spread is at its own: of normal scores a gamma law within
    arms (chi-square where the arms' spreads are equal; else, and where the mean of a day or a rater differs, with its
    mean and variance), and between arms the square of the difference so far, on which the later test depends; of
    rates a function of the number of hits, whose law is counted.

    Parameters
    ----------
    setting, law
        As in `Design.ending`.
    review : int
        Day of the review, from 0.
    per_variance : float
        Rows of both arms that a unit of variance asks for.
    critical, two_sided
        z bound of the test.

    References
    ----------
    A. L. Gould, W. J. Shih (1992), Communications in Statistics A 21, 2833-2853; M. Kieser, T. Friede (2003),
    Statistics in Medicine 22, 3571-3581: the blinded variance of normal scores is a noncentral chi-square.
    """
    absent = _why_not(setting, law)
    if absent:
        return absent
    if np.any(setting.rows[review] < 2):
        return "no exact value: the review sees fewer than two scored responses"
    made = exact_worlds.moments(setting, law)
    if np.any(made.believed[review] <= 0):
        return "no exact value: the outcome does not vary"
    arrived = setting.rows[review:].sum(axis=1)
    # Ends by a day if the spread asks for no more than there is; on the last one whatever it asks for.
    with np.errstate(over="ignore"):
        most = np.append(arrived[:-1] / per_variance, np.inf)
    sides = (-1, 1) if two_sided else (1,)
    if setting.binary:
        stops = _of_rates(setting, law, made, review, most, critical, sides)
    else:
        stops = np.zeros((3, most.size))
        for between, weight in severities_between(law, _turns(setting, law, review, most)):
            stops += weight * _of_scores(setting, law, made, review, most, critical, sides, between)
    # Without a finding it gives up, but for the last planned day.
    stops[1] = np.maximum(stops[1] - stops[0] - stops[2], 0.0)
    stops[1, -1] = 0.0
    return Ending(np.arange(review + 1, setting.days + 1), (stops[0], stops[1], stops[2]))


def _why_not(setting: Setting, law: Law) -> str:
    """Return why the law of the spread is not known; empty if it is."""
    uneven = law.uneven
    if law.severity_sd > 0 and not law.shared:
        return "no exact value: each variant has raters of its own"
    if not law.kind.plain:
        return "no exact value: the blinded spread is of rows that labels or pairs make"
    if uneven is None:
        return ""
    absent = exact_worlds.why_not(law, uneven)
    if absent:
        return absent
    if uneven.stratified or uneven.icc > 0 or uneven.family not in (SCORES, RATES):
        return "no exact value: the blinded spread of clustered rows, levels or days compared apart"
    if setting.binary and uneven.moves:
        return "no exact value: the blinded spread of rates that move from day to day"
    return ""


def _turns(setting: Setting, law: Law, review: int, most: Floats) -> Floats:
    """Return what raters may add to the variance where the day of the test turns, and around that."""
    n = setting.rows[review]
    total = float(n.sum())
    spread = float(law.sds[0] ** 2 @ n) / total
    at = most[np.isfinite(most)] - spread
    width = _STEEP * (at + spread) * math.sqrt(2 / total)
    return np.concatenate([at - width, at, at + width])


def _of_scores(
    setting: Setting, law: Law, made: Moments, review: int, most: Floats, critical: float, sides: tuple[int, ...],
    between: float,
) -> Floats:  # fmt: skip
    """Return P(found worse), P(ends) and P(found better) on every day from the review on, of normal scores.

    Given the difference at the review the spread within arms is independent of all later differences.
    """
    from scipy.special import gammainc, gammainccinv, gammaincinv

    n, spread = setting.rows[review], law.sds[0] ** 2
    total, lever = float(n.sum()), float(n[0] * n[1] / n.sum())
    apart = made.believed[review] * n - spread + between
    mean = float((spread * (n - 1) + apart * n).sum())
    variance = float((2 * spread**2 * (n - 1) + 4 * spread * apart * n).sum())
    shape, scale = mean**2 / variance, variance / mean
    centre, error = float(made.mean[review]), math.sqrt(float(made.variance[review]))

    def small(x: Floats, least: float, largest: float) -> Floats:
        """P(the spread lies between two values), given the difference at the review."""
        between_arms = lever * (centre + error * x) ** 2
        ends = [
            1.0 if math.isinf(one) else gammainc(shape, np.maximum(one * (total - 1) - between_arms, 0.0) / scale)
            for one in (least, largest)
        ]
        return np.asarray(ends[1] - ends[0])

    # Beyond these the spread does not go, whatever the difference.
    surely = gammaincinv(shape, 1e-17) * scale, gammainccinv(shape, 1e-17) * scale
    surely = surely[0], surely[1] + lever * (abs(centre) + _REACH * error) ** 2
    stops = np.zeros((3, most.size))
    for k, day in enumerate(range(review, setting.days)):
        least = -1.0 if k == 0 else float(most[k - 1])
        largest = float(most[k])
        if largest * (total - 1) < surely[0] or least * (total - 1) > surely[1]:
            continue
        assumed = made.believed[day] + between / setting.rows[day]
        sd = math.sqrt(float(made.variance[day] / assumed.sum()))
        mean_z = float(made.mean[day]) / math.sqrt(float(assumed.sum()))
        along = min(math.sqrt(float(made.time[review] / made.time[day])), 1.0)
        across = math.sqrt(1.0 - along * along)

        def given(x: Floats, least: float = least, largest: float = largest) -> Floats:
            return small(x, least, largest)

        stops[1, k] = beyond(-math.inf, math.inf, -math.inf, 1.0, 1, given)
        for side in sides:
            turn = (side * critical - mean_z) / (sd * along)
            stops[1 + side, k] = beyond(-math.inf, math.inf, turn, across / along, side, given)
    return stops


def _of_rates(
    setting: Setting, law: Law, made: Moments, review: int, most: Floats, critical: float, sides: tuple[int, ...]
) -> Floats:
    """Return P(found worse), P(ends) and P(found better) on every day from the review on, of rates.

    The lumped variance of 0/1 rows follows from the number of hits alone; given that, differences are normal.
    """
    from scipy.special import ndtr

    n, rates = setting.rows[review], law.means[0]
    spread = rates * (1 - rates)
    total = float(n.sum())
    hits, chance = all_hits(n, rates)
    blinded = hits * (total - hits) / (total * (total - 1))
    which = np.searchsorted(most, blinded)
    sd_hits = math.sqrt(float((n * spread).sum()))
    x = (hits - float((n * rates).sum())) / sd_hits
    stops = np.zeros((3, most.size))
    for k, day in enumerate(range(review, setting.days)):
        mine = which == k
        if not mine.any():
            continue
        error = math.sqrt(float(made.variance[day]))
        common = float((np.array([-1.0, 1.0]) * spread * n / setting.rows[day]).sum()) / (sd_hits * error)
        stops[1, k] = chance[mine].sum()
        believed = math.sqrt(float(made.believed[day].sum()))
        for side in sides:
            z = (float(made.mean[day]) - side * critical * believed) / error + common * x[mine]
            stops[1 + side, k] = float(chance[mine] @ ndtr(side * z / math.sqrt(1 - common * common)))
    return stops


def all_hits(n: Floats, rates: Floats) -> tuple[Floats, Floats]:
    """Return numbers of hits of all arms together and their chances, as far as they reach."""
    from scipy.signal import fftconvolve
    from scipy.stats import binom

    start, parts = 0.0, []
    for rows, rate in zip(n, rates, strict=True):
        far = _REACH * math.sqrt(rows * rate * (1 - rate)) + _REACH
        low, high = max(math.floor(rows * rate - far), 0), min(math.ceil(rows * rate + far), int(rows))
        parts.append(binom.pmf(np.arange(low, high + 1), int(rows), rate))
        start += low
    chance = np.maximum(reduce(fftconvolve, parts), 0.0)
    return start + np.arange(chance.size), chance / chance.sum()
