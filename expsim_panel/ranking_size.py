"""How many comparisons tell the best-ranked two apart."""

from __future__ import annotations

import math
from dataclasses import dataclass

from expsim_panel.errors import InputError, shown
from expsim_panel.ranking_answers import Standings

POWER = 0.8
MOST = 1e9


@dataclass(frozen=True)
class Separation:
    """What it takes to tell the first from the second, if the truth is what was seen.

    Attributes
    ----------
    separated : bool
        Whether the interval of their difference leaves 0 out already.
    prompts, verdicts : int or None
        In all, those at hand among them; None where the two look alike.
    power : float
        Chance that the interval then leaves 0 out on this side.
    difference : float
        Log odds of the first against the second.
    """

    separated: bool
    prompts: int | None
    verdicts: int | None
    power: float
    difference: float


def separation(found: Standings, power: float = POWER) -> Separation:
    """Return the prompts, and verdicts collected as so far, with which the best two are told apart.

    A prompt's variance stays as it is, so that n prompts give the error ``se sqrt(C / n)``, C the prompts at hand:
    ``n = C (se (z_(1 - alpha/2) + z_power) / d)^2``, which takes the difference d as seen for the true one. The best
    of many looks better than it is, and the number is then too small.

    Parameters
    ----------
    power : float
        Strictly between 0 and 1.
    """
    from scipy.special import ndtri, stdtrit

    if not 0 < power < 1:
        raise InputError("rank", "power", f"{shown(power)} is no chance", "give a number between 0 and 1")
    pair = found.pairs[0]
    reach = float(stdtrit(found.clusters - 1, (1 + found.level) / 2))
    se = (pair.interval[1] - pair.difference) / reach
    separated = pair.interval[0] > 0
    if pair.difference <= 0:
        return Separation(separated, None, None, power, pair.difference)
    needed = found.clusters * (se * float(ndtri((1 + found.level) / 2) + ndtri(power)) / pair.difference) ** 2
    if needed > MOST:
        return Separation(separated, None, None, power, pair.difference)
    prompts = max(math.ceil(needed - 1e-9), 2)
    return Separation(separated, prompts, math.ceil(prompts * found.verdicts / found.clusters), power, pair.difference)


def said(found: Standings, told: Separation) -> str:
    """Return the answer as a sentence; names as they came."""
    from expsim_panel.quantities import count, percent

    first, second = (one.name for one in found.variants[:2])
    if told.separated:
        return f"{first} and {second} are told apart: the interval of their difference leaves 0 out."
    if told.prompts is None or told.verdicts is None:
        return f"{first} and {second} look alike: no number of comparisons is worth asking for."
    if told.prompts <= found.clusters:
        return (
            f"{first} and {second} are not told apart, by bad luck: a difference like the one seen is found "
            f"on so many prompts in {percent(told.power, 0)} or more."
        )
    return (
        f"To tell {first} from {second} in {percent(told.power, 0)} of such studies, collect about "
        f"{count(told.verdicts - found.verdicts)} more votes like these, on "
        f"{count(told.prompts - found.clusters)} more prompts, if the difference is as large as it looks."
    )
