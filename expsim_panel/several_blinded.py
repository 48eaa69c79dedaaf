"""The law of a test of several variants whose size follows the blinded spread of the first rows."""

from __future__ import annotations

import math

import numpy as np

from expsim_panel.blinded_law import all_hits
from expsim_panel.checked import Floats
from expsim_panel.contests import at_the_end
from expsim_panel.design import Setting
from expsim_panel.row_law import Law
from expsim_panel.several_exact import ALONG, REACH, Shared, Won, few_rows, legendre, wins
from expsim_panel.several_stages import Stage, later_wins

MOST_VARIANTS = 3
_NEVER = 1e-12
"""Chance below which a day is left out."""
_BEND = 40
"""Nodes over the number of hits for each unit of its part in a z, beside nine."""


def reestimated_wins(
    setting: Setting, law: Law, review: int, per_variance: float, critical: float, two_sided: bool
) -> Won | str:
    """Return what the test finds, see `blinded_law.reestimated_ending`; or why that is not known.

    Of scores the spread between arms is a square of all leads at the review, on which the later test depends; within
    arms it is a gamma law. Of rates the spread follows from the number of hits; given that all leads are normal.
    """
    variants = setting.arms - 1
    if variants > MOST_VARIANTS:
        return f"no exact value of more than {MOST_VARIANTS} variants"
    absent = few_rows(setting.rows[review:])
    if absent:
        return absent
    arrived = setting.rows[review:].sum(axis=1)
    with np.errstate(over="ignore"):
        most = np.append(arrived[:-1] / per_variance, np.inf)
    law_by_day = _of_rates if setting.binary else _of_scores
    found = law_by_day(setting, law, review, most, critical, two_sided)
    if found is None:
        return "no exact value: rates so far apart that the number of hits tells who leads"
    each, low, here = found
    high = each.sum(axis=1)
    # Without a finding it gives up, but for the last planned day.
    idle = np.maximum(here - low - high, 0.0)
    idle[-1] = 0.0
    days = np.arange(review + 1, setting.days + 1)
    return Won(each.sum(axis=0), float(low.sum()), math.nan, (days, low, idle, high))


def _of_scores(
    setting: Setting, law: Law, review: int, most: Floats, critical: float, two_sided: bool
) -> tuple[Floats, Floats, Floats]:
    """Return P(each variant is found), P(all are worse) and P(tested) by day from the review on."""
    from scipy.special import gammainc

    n, spread = setting.rows[review], law.sds[0] ** 2
    total = float(n.sum())
    mean, variance = float((spread * (n - 1)).sum()), float((2 * spread**2 * (n - 1)).sum())
    shape, scale = mean**2 / variance, variance / mean
    first = Stage(law.means[0], law.sds[0], n)
    each, low, here = np.zeros((most.size, n.size - 1)), np.zeros(most.size), np.zeros(most.size)

    def up_to(limit: float, z: list[Floats]) -> Floats:
        if math.isinf(limit):
            return np.ones(1)
        leads = [one * apart for one, apart in zip(z, first.spread.tolist(), strict=True)]
        squares = sum(rows * lead**2 for rows, lead in zip(n[1:].tolist(), leads, strict=True))
        common = sum(rows * lead for rows, lead in zip(n[1:].tolist(), leads, strict=True))
        between = squares - common**2 / total
        return np.asarray(gammainc(shape, np.maximum(limit * (total - 1) - between, 0.0) / scale))

    for k, day in enumerate(range(review, setting.days)):
        least, largest = float(most[k - 1]) if k else -math.inf, float(most[k])
        # Rows of all arms vary at least as much as those within arms, up to rounding.
        if math.isfinite(largest) and gammainc(shape, largest * (total - 1) / scale) < _NEVER:
            continue

        def share(z: list[Floats], least: float = least, largest: float = largest) -> Floats:
            return up_to(largest, z) - (up_to(least, z) if least > 0 else 0.0)

        later = Stage(law.means[0], law.sds[0], setting.rows[day])
        time = total / float(setting.rows[day].sum())
        each[k], low[k], here[k] = later_wins(first, later, time, critical, two_sided, share)
        if here[: k + 1].sum() > 1 - _NEVER:
            break
    return each, low, here


def _of_rates(
    setting: Setting, law: Law, review: int, most: Floats, critical: float, two_sided: bool
) -> tuple[Floats, Floats, Floats] | None:
    """Return the same of rates: by the number of hits, given which the z have one part in common with each other."""
    n, rates = setting.rows[review], law.means[0]
    spread = law.sds[0] ** 2
    total = float(n.sum())
    hits, chance = all_hits(n, rates)
    which = np.searchsorted(most, hits * (total - hits) / (total * (total - 1)))
    sd = math.sqrt(float(n @ spread))
    x = (hits - float(n @ rates)) / sd
    variants = n.size - 1
    each, low, here = np.zeros((most.size, variants)), np.zeros(most.size), np.zeros(most.size)
    for k, day in enumerate(range(review, setting.days)):
        mine = (which == k) & (chance > 0)
        here[k] = chance[mine].sum()
        if here[k] < _NEVER:
            continue
        stage = Stage(rates, law.sds[0], setting.rows[day])
        part = n * spread / setting.rows[day] / sd
        asked = at_the_end(setting, critical, 2 if two_sided else 1, np.ones(variants))
        known = (part[1:] - part[0]) / stage.spread
        split = _split(stage, known)
        if split is None:
            return None
        common, own = split
        # All change smoothly with the number of hits: known at a few, and by a polynomial between them.
        ends = float(x[mine].min()), float(x[mine].max())
        nodes = 9 + math.ceil(_BEND * float(np.abs(known).max()))
        u = np.cos(np.pi * (np.arange(nodes) + 0.5) / nodes)
        at = (ends[0] + ends[1]) / 2 + (ends[1] - ends[0]) / 2 * u
        values = [_given(stage.drift + known * one, common, own) for one in at.tolist()]
        table = np.array([[*found, below] for found, below in (wins(one, asked) for one in values)])
        fitted = np.polynomial.chebyshev.chebfit(u, table, nodes - 1)
        middle = np.zeros(x[mine].size) if ends[0] == ends[1] else (2 * x[mine] - sum(ends)) / (ends[1] - ends[0])
        summed = np.polynomial.chebyshev.chebval(middle, fitted) @ chance[mine]
        each[k], low[k] = summed[:-1], summed[-1]
    return each, low, here


def _split(stage: Stage, known: Floats) -> tuple[Floats, Floats] | None:
    """Return the part that each z has of what is common to all, and its own, given the number of hits."""
    size = known.size
    left = np.outer(stage.common, stage.common) - np.outer(known, known)
    if np.any(left <= 0):
        return None
    if size == 2:
        common = stage.common * math.sqrt(left[0, 1] / (stage.common[0] * stage.common[1]))
    else:
        common = np.sqrt([left[a, a - 1] * left[a, a - 2] / left[a - 1, a - 2] for a in range(size)])
    own = 1 - known**2 - common**2
    return (common, np.sqrt(own)) if np.all(own > 0) else None


def _given(drift: Floats, common: Floats, own: Floats) -> Shared:
    c, weight = legendre(ALONG)
    c = REACH * c
    weight = REACH * weight * np.exp(-0.5 * c * c) / math.sqrt(2 * math.pi)
    return Shared(weight, drift[:, None] - common[:, None] * c, own)
