"""Who is best, and how sure that is: ranks with intervals, pairs, and a bootstrap by prompt, from verdicts on pairs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from expsim_panel.errors import InputError, shown
from expsim_panel.kernels.streams import EVALUATOR, generator
from expsim_panel.ranking import Ints, Likelihood, Ranking, bradley_terry_davidson, demand_finite, verdicts
from expsim_panel.rows import Floats, codes

_WHERE = "rank"
DRAWS = 20_000
MOST_BOOTSTRAP = 20_000
MOST_VARIANTS = 100
MIN_USABLE = 20


@dataclass(frozen=True)
class Standing:
    """One variant among the others.

    Attributes
    ----------
    name : str
        Variant.
    ability, se, se_independent : float
        Log ability (all sum to 0), its standard error clustered by prompt, and the one that takes verdicts for
        independent.
    interval, bootstrap : tuple of float, or None
        Interval of the ability, t with one less than the clusters; percentiles over resampled prompts.
    rank : int
        Place by ability, 1 is best.
    rank_interval : tuple of int
        Places that it holds with the level's confidence.
    p_rank : ndarray, shape (variants,)
        P(it holds each place).
    wins, ties, losses : int
        Verdicts.
    """

    name: str
    ability: float
    se: float
    se_independent: float
    interval: tuple[float, float]
    bootstrap: tuple[float, float] | None
    rank: int
    rank_interval: tuple[int, int]
    p_rank: Floats
    wins: int
    ties: int
    losses: int


@dataclass(frozen=True)
class Pair:
    """Two variants: log odds of the better-ranked one, their interval, P(it is better), verdicts between the two."""

    better: str
    other: str
    difference: float
    interval: tuple[float, float]
    p_better: float
    wins: int
    ties: int
    losses: int


@dataclass(frozen=True)
class Standings:
    """A ranking.

    Attributes
    ----------
    variants : tuple of Standing
        Best first.
    pairs : tuple of Pair
        Every two of them, by rank.
    tie : float
        nu of Davidson's model.
    position, position_se : float or None
        Log advantage of being shown first; None where it was not fitted.
    position_interval : tuple of float, or None
        Its interval.
    position_reason : str
        Why it was not fitted.
    verdicts, clusters : int
        Rows, and the prompts behind them.
    level : float
        Of all intervals.
    resampled, unusable : int
        Bootstrap samples, and those in which an ability would be infinite.
    """

    variants: tuple[Standing, ...]
    pairs: tuple[Pair, ...]
    tie: float
    position: float | None
    position_se: float | None
    position_interval: tuple[float, float] | None
    position_reason: str
    verdicts: int
    clusters: int
    level: float
    resampled: int
    unusable: int


def standings(
    first: Sequence[str],
    second: Sequence[str],
    outcomes: npt.ArrayLike,
    clusters: npt.ArrayLike | None = None,
    *,
    position: bool | None = None,
    level: float = 0.95,
    bootstrap: int = 0,
    seed: int = 1,
) -> Standings:
    """Rank variants by Bradley and Terry's model with Davidson's ties, errors clustered by prompt.

    Parameters
    ----------
    first, second, outcomes, clusters
        As in `ranking.bradley_terry_davidson`.
    position : bool, optional
        Whether to fit an advantage of the first place; by default where some pair was shown in both orders.
    level : float
        Of the intervals.
    bootstrap : int
        Resamples of whole prompts; 0: none.
    seed : int
        Of the draws behind P(rank), and of the bootstrap.

    Raises
    ------
    InputError
        As in `bradley_terry_davidson`; a level, bootstrap or seed out of range.
    """
    if not (isinstance(bootstrap, int) and not isinstance(bootstrap, bool) and 0 <= bootstrap <= MOST_BOOTSTRAP):
        raise InputError(_WHERE, "bootstrap", f"{shown(bootstrap)} resamples", f"give 0 to {MOST_BOOTSTRAP:,}")
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise InputError(_WHERE, "seed", f"{shown(seed)}", "give 0 or a larger whole number")
    i, j, y, names = verdicts(first, second, outcomes)
    if len(names) > MOST_VARIANTS:
        raise InputError(_WHERE, "variants", f"{len(names)} variants", f"rank at most {MOST_VARIANTS} at a time")
    reason = ""
    if position is None:
        position = _both_orders(i, j)
        reason = "" if position else "no pair was shown in both orders"
    elif not position:
        reason = "not asked for"
    try:
        found = bradley_terry_davidson(first, second, outcomes, clusters, position=position)
    except InputError as error:
        if not position or error.key != "position":
            raise
        position, reason = False, error.problem
        found = bradley_terry_davidson(first, second, outcomes, clusters, position=False)
    plain = bradley_terry_davidson(first, second, outcomes, position=position)
    interval = found.interval(level)
    place = rank_probabilities(found, generator(seed, EVALUATOR, 0))
    resampled: Floats | None = None
    if bootstrap:
        group = np.arange(len(y)) if clusters is None else codes("clusters", clusters, len(y))
        resampled = bootstrapped(names, (i, j, y), group, position, bootstrap, generator(seed, EVALUATOR, 1))
        if len(resampled) < MIN_USABLE:
            problem = f"an ability is infinite in {bootstrap - len(resampled)} of {bootstrap} samples of prompts"
            raise InputError(_WHERE, "bootstrap", problem, "collect more verdicts, or go without a bootstrap")
    tail = (1 - level) / 2
    made = []
    for rank, k in enumerate(np.argsort(-found.ability, kind="stable"), 1):
        low, high = _places(place[k], level)
        ends = None
        if resampled is not None:
            ends = (float(np.quantile(resampled[:, k], tail)), float(np.quantile(resampled[:, k], 1 - tail)))
        wins, losses = _won(i, j, y, k, None), _won(i, j, -y, k, None)
        ties = int(((y == 0) & ((i == k) | (j == k))).sum())
        made.append(
            Standing(
                names[k], float(found.ability[k]), float(found.se[k]), float(plain.se[k]),
                (float(interval[k, 0]), float(interval[k, 1])), ends, rank, (low, high), place[k],
                wins, ties, losses,
            )
        )  # fmt: skip
    reach = found.reach(level) * found.position_se
    return Standings(
        tuple(made),
        _pairs(found, [one.name for one in made], (i, j, y), level),
        found.tie,
        found.position if position else None,
        found.position_se if position else None,
        (found.position - reach, found.position + reach) if position else None,
        reason,
        len(y),
        found.clusters,
        level,
        bootstrap,
        0 if resampled is None else bootstrap - len(resampled),
    )


def rank_probabilities(found: Ranking, rng: np.random.Generator, draws: int = DRAWS) -> Floats:
    """Return P(variant k holds place r), shape (variants, variants), by draws from the t law of the abilities."""
    drawn = rng.multivariate_normal(np.zeros(len(found.names)), found.covariance, draws, method="eigh")
    df = found.clusters - 1
    drawn *= np.sqrt(df / rng.chisquare(df, draws))[:, None]
    order = np.argsort(-(found.ability + drawn), axis=1)
    return np.stack([(order == k).mean(axis=0) for k in range(len(found.names))])


def _places(p: Floats, level: float) -> tuple[int, int]:
    """Return the first and last place of an interval with equal tails."""
    up, tail = np.cumsum(p), (1 - level) / 2
    return int(np.searchsorted(up, tail, side="right")) + 1, min(int(np.searchsorted(up, 1 - tail)) + 1, len(p))


def _both_orders(i: Ints, j: Ints) -> bool:
    shown_pairs = set(zip(i.tolist(), j.tolist(), strict=True))
    return any((b, a) in shown_pairs for a, b in shown_pairs)


def _won(i: Ints, j: Ints, y: Floats, k: int, other: int | None) -> int:
    """Return verdicts that variant k won, against `other` or all."""
    ahead = (i == k) & (y > 0) & ((j == other) if other is not None else True)
    behind = (j == k) & (y < 0) & ((i == other) if other is not None else True)
    return int(ahead.sum() + behind.sum())


def _pairs(found: Ranking, order: list[str], data: tuple[Ints, Ints, Floats], level: float) -> tuple[Pair, ...]:
    from scipy.special import stdtr

    i, j, y = data
    made = []
    for at, better in enumerate(order):
        for other in order[at + 1 :]:
            value, low, high = found.difference(better, other, level)
            a, b = found.names.index(better), found.names.index(other)
            se = (high - value) / found.reach(level)
            p = float(stdtr(found.clusters - 1, value / se)) if se > 0 else 1.0
            ties = int(((y == 0) & (((i == a) & (j == b)) | ((i == b) & (j == a)))).sum())
            made.append(Pair(better, other, value, (low, high), p, _won(i, j, y, a, b), ties, _won(i, j, y, b, a)))
    return tuple(made)


def bootstrapped(
    names: tuple[str, ...],
    data: tuple[Ints, Ints, Floats],
    group: Ints,
    position: bool,
    resamples: int,
    rng: np.random.Generator,
) -> Floats:
    """Return abilities in samples of whole prompts with replacement, shape (usable samples, variants)."""
    i, j, y = data
    cells, at = np.unique(np.stack([i, j, y.astype(np.int64)], axis=1), axis=0, return_inverse=True)
    together = int(group.max()) + 1
    table = np.zeros((together, len(cells)))
    np.add.at(table, (group, at.reshape(-1)), 1.0)
    made = []
    for _ in range(resamples):
        counts = np.bincount(rng.integers(0, together, together), minlength=together) @ table
        some = counts > 0
        here = cells[some]
        try:
            demand_finite(names, here[:, 0], here[:, 1], here[:, 2].astype(float))
            design = Likelihood(len(names), bool((here[:, 2] == 0).any()), position)
            made.append(design.abilities() @ design.fit(here, counts[some]))
        except InputError:
            continue
    return np.array(made).reshape(-1, len(names))


def odds(difference: float) -> float:
    """Return P(win) of a difference in ability among verdicts that prefer one variant, places apart."""
    return 1 / (1 + math.exp(-difference))


def signed(ability: float) -> str:
    """Return an ability to three decimals with its sign; what rounds to zero has a plus."""
    return f"{round(ability, 3) + 0.0:+.3f}"
