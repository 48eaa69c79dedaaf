"""What choosing the law adds to its score: the choice made again on ratings that the score does not see.

The law that is kept is the plainest of the best on the halves that it is scored on, so a lucky one is preferred. On
the first halvings the choice is repeated within the half that a law is fitted to, by halving that half again, and the
law so chosen is compared with the other half. The difference to the law that was kept, on the same halvings, is the
optimism; the score less it is the honest one. Rich laws that were left after the first splits take no part.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from expsim_panel.rating_distances import PARTS, apart, blended, halves_of, pictures, score_of
from expsim_panel.rating_laws import LAWS, PLAIN, chosen_law, fitted_laws
from expsim_panel.rating_models import Sheet
from expsim_panel.rating_tiebreak import play
from expsim_panel.ratings import Floats

PLAYS = 4
HALVINGS = 3
WITHIN = 3  # halvings of a half: by a single one the plain law was kept by luck where it is far worse


@dataclass(frozen=True)
class Nested:
    """The nested check.

    Attributes
    ----------
    score : float
        The honest one: that of the law kept, less `optimism`.
    optimism : float
        By how much the law kept scores better, on the first halvings, than laws chosen without the half that is
        scored; below 0 where the choice within a half fell on better ones.
    halvings : int
        Halvings that took part, each in both directions.
    laws : dict of str to int
        How often each law was chosen within a half.
    """

    score: float
    optimism: float
    halvings: int
    laws: dict[str, int] = field(default_factory=dict)


def chosen_within(sheet: Sheet, seed: int, at: Sequence[int], rich: tuple[str, ...]) -> str:
    """Return the law that a half alone would keep, by halving it again; the plain one where it cannot be halved.

    Parameters
    ----------
    at : sequence of int
        What tells this half from others: its halving and direction.
    """
    floor, total = np.zeros(len(PARTS)), dict[str, Floats]()
    for within in range(WITHIN):
        halves = halves_of(sheet, np.random.default_rng([seed, *at, 1, within]))
        if halves is None:
            return PLAIN
        real = [pictures(half, half.level) for half in halves]
        floor += apart(*real) / WITHIN
        for turn, (seen, other) in enumerate([halves, halves[::-1]]):
            for number, (name, model) in enumerate(fitted_laws(seen, seed, rich).items()):
                rng = np.random.default_rng([seed, *at, 2 + turn, number, within])
                played = blended([pictures(other, play(model, other, rng)) for _ in range(PLAYS)])
                total[name] = total.get(name, np.zeros(len(PARTS))) + apart(played, real[1 - turn]) / (2 * WITHIN)
    return chosen_law({name: score_of(floor, distance) for name, distance in total.items()})


def nested_choice(
    kept: str, score: float, floors: list[Floats], turns: list[list[dict[str, Floats]]], chosen: list[tuple[str, str]]
) -> Nested:
    """Return the nested check.

    Parameters
    ----------
    kept, score
        The law that was kept, and its score on all halvings.
    floors : list of float64 array, shape (PARTS,)
        Of each halving that takes part.
    turns : list of list of dict
        Distances of every law, by halving and direction.
    chosen : list of pair of str
        What the half that was fitted would keep, by halving and direction.
    """
    floor = np.mean(floors, axis=0)
    names = [name for pair in chosen for name in pair]
    flat = [turn for pair in turns for turn in pair]
    own = np.mean([turn[kept] for turn in flat], axis=0)
    other = np.mean([turn[name] for turn, name in zip(flat, names, strict=True)], axis=0)
    optimism = score_of(floor, own) - score_of(floor, other)
    counted = Counter(names)
    return Nested(score - optimism, optimism, len(floors), {name: counted[name] for name in LAWS if counted[name]})
