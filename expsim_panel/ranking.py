"""Ranking of several variants from pairwise verdicts: Bradley-Terry-Davidson, intervals clustered by prompt."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from expsim_panel.errors import InputError, shown
from expsim_panel.rows import Floats, codes, column

_WHERE = "ranking"
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Ranking:
    """Abilities of variants on the log scale, summing to zero.

    Attributes
    ----------
    names : tuple of str
        Variants, in the order of the arrays.
    ability : ndarray, shape (variants,)
        Log abilities.
    covariance : ndarray, shape (variants, variants)
        Of the abilities, robust to clusters.
    tie : float
        nu of Davidson's model; 0 where nothing tied.
    position, position_se : float
        Log advantage of being shown first, and its standard error; 0 where it was not fitted.
    clusters : int
        Independent clusters behind the covariance.
    """

    names: tuple[str, ...]
    ability: Floats
    covariance: Floats
    tie: float
    position: float
    position_se: float
    clusters: int

    @property
    def order(self) -> tuple[str, ...]:
        """Variants, best first."""
        return tuple(self.names[i] for i in np.argsort(-self.ability, kind="stable"))

    @property
    def se(self) -> Floats:
        """Standard errors of the abilities."""
        return np.asarray(np.sqrt(np.maximum(np.diag(self.covariance), 0.0)))

    def interval(self, level: float = 0.95) -> Floats:
        """Return intervals of the abilities, shape (variants, 2); t with one less than the clusters."""
        reach = self.reach(level) * self.se
        return np.stack([self.ability - reach, self.ability + reach], axis=1)

    def difference(self, better: str, other: str, level: float = 0.95) -> tuple[float, float, float]:
        """Return the log odds of one variant over another (ties and position apart), and their interval."""
        for name in (better, other):
            if name not in self.names:
                raise InputError(_WHERE, "variant", f"unknown variant {shown(name)}", f"choose from {self.names}")
        a, b = self.names.index(better), self.names.index(other)
        c = self.covariance
        value = float(self.ability[a] - self.ability[b])
        reach = self.reach(level) * math.sqrt(max(c[a, a] + c[b, b] - 2 * c[a, b], 0.0))
        return value, value - reach, value + reach

    def best_probability(self, rng: np.random.Generator, draws: int = 20_000) -> Floats:
        """Return P(each variant is the best) by draws from the normal law of the abilities."""
        drawn = rng.multivariate_normal(self.ability, self.covariance, draws, method="eigh")
        return np.bincount(drawn.argmax(axis=1), minlength=len(self.names)) / draws

    def reach(self, level: float) -> float:
        """Return half the width of an interval in standard errors: t with one less than the clusters."""
        from scipy.special import stdtrit

        if not 0 < level < 1:
            raise InputError(_WHERE, "level", f"{shown(level)} is no confidence", "give a number between 0 and 1")
        return float(stdtrit(self.clusters - 1, (1 + level) / 2))


def bradley_terry_davidson(
    first: Sequence[str],
    second: Sequence[str],
    outcomes: npt.ArrayLike,
    clusters: npt.ArrayLike | None = None,
    *,
    position: bool = True,
) -> Ranking:
    """Fit abilities to verdicts on pairs; maximum likelihood by Newton's method (the likelihood is concave).

    ``first wins : tie : second wins = e^(a_i + g) : nu e^((a_i + a_j) / 2) : e^(a_j)``. Standard errors are those of
    the sandwich: scores are summed within clusters first, so that many verdicts on one prompt count as one.

    Parameters
    ----------
    first, second : sequence of str, shape (n,)
        Variant shown first and second.
    outcomes : array_like of -1, 0 and 1, shape (n,)
        1 the first wins, -1 the second does, 0 tie.
    clusters : array_like, shape (n,), optional
        Prompt of each verdict; none: all differ.
    position : bool
        Whether to fit an advantage g of the first place; needs pairs in both orders.

    Raises
    ------
    InputError
        Wrong lengths or values, or variants that no chain of wins and losses ties together (an ability would be
        infinite).

    References
    ----------
    Davidson (1970), JASA 65, 317-328; Davidson, Beaver (1977), Biometrics 33, 693-702; Ford (1957), American
    Mathematical Monthly 64, 28-33 (existence).
    """
    i, j, y, names = verdicts(first, second, outcomes)
    group = np.arange(len(y)) if clusters is None else codes("clusters", clusters, len(y))
    demand_finite(names, i, j, y)
    design = Likelihood(len(names), bool((y == 0).any()), position)
    cells, at, counts = np.unique(
        np.stack([i, j, y.astype(np.int64)], axis=1), axis=0, return_inverse=True, return_counts=True
    )
    at = at.reshape(-1)
    theta = design.fit(cells, counts.astype(float))
    scores, information = design.derivatives(theta, cells)
    bread = np.linalg.inv((information * counts[:, None, None]).sum(axis=0))
    together = int(group.max()) + 1
    if together < 2:
        raise InputError(_WHERE, "clusters", "all rows are in one cluster", "give at least 2 clusters")
    summed = np.zeros((together, design.size))
    np.add.at(summed, group, scores[at])
    covariance = bread @ (summed.T @ summed) @ bread * together / (together - 1)
    to_ability = design.abilities()
    return Ranking(
        names,
        to_ability @ theta,
        to_ability @ covariance @ to_ability.T,
        float(np.exp(theta[design.tie])) if design.tie is not None else 0.0,
        float(theta[design.place]) if design.place is not None else 0.0,
        math.sqrt(covariance[design.place, design.place]) if design.place is not None else 0.0,
        together,
    )


def verdicts(
    first: Sequence[str], second: Sequence[str], outcomes: npt.ArrayLike
) -> tuple[Ints, Ints, Floats, tuple[str, ...]]:
    """Return verdicts as numbers: variant shown first, second, outcome, and the variants' names.

    Raises
    ------
    InputError
        Wrong lengths or values, or a variant compared with itself.
    """
    y = column("outcomes", outcomes, 2)
    if len(first) != len(y) or len(second) != len(y):
        problem = f"{len(first)} and {len(second)} names for {len(y)} outcomes"
        raise InputError(_WHERE, "first", problem, "give both variants of every verdict")
    if not np.isin(y, (-1.0, 0.0, 1.0)).all():
        row = int(np.flatnonzero(~np.isin(y, (-1.0, 0.0, 1.0)))[0])
        raise InputError(_WHERE, "outcomes", f"row {row + 1} is {y[row]:g}", "give 1, 0 or -1")
    names = tuple(dict.fromkeys([*map(str, first), *map(str, second)]))
    index = {name: k for k, name in enumerate(names)}
    i = np.array([index[str(one)] for one in first], dtype=np.int64)
    j = np.array([index[str(one)] for one in second], dtype=np.int64)
    if (i == j).any():
        row = int(np.flatnonzero(i == j)[0])
        raise InputError(_WHERE, "second", f"row {row + 1} compares {shown(names[i[row]])} with itself", "drop it")
    return i, j, y, names


class Likelihood:
    """Likelihood of Davidson's model.

    Its parameters: abilities of all variants but the first (whose own is 0), log nu, g; the last two as needed.
    """

    def __init__(self, variants: int, ties: bool, position: bool) -> None:
        self.variants = variants
        self.tie = variants - 1 if ties else None
        self.place = variants - 1 + ties if position else None
        self.size = variants - 1 + ties + position

    def abilities(self) -> Floats:
        """Return the matrix from parameters to abilities that sum to zero."""
        raw = np.zeros((self.variants, self.size))
        raw[1:, : self.variants - 1] = np.eye(self.variants - 1)
        return np.asarray(raw - raw.mean(axis=0))

    def features(self, cells: Ints) -> Floats:
        """Return the linear predictors' features, shape (cells, 3, size): second wins, tie, first wins."""
        made = np.zeros((len(cells), 3, self.variants + self.size - (self.variants - 1)))
        rows = np.arange(len(cells))
        made[rows, 2, cells[:, 0]] = 1.0
        made[rows, 0, cells[:, 1]] = 1.0
        made[rows, 1, cells[:, 0]] = made[rows, 1, cells[:, 1]] = 0.5
        if self.tie is not None:
            made[:, 1, self.tie + 1] = 1.0
        if self.place is not None:
            made[:, 2, self.place + 1] = 1.0
        return made[:, :, 1:]

    def derivatives(self, theta: Floats, cells: Ints) -> tuple[Floats, Floats]:
        """Return score and information of one verdict in each cell, shapes (cells, size), (cells, size, size)."""
        x = self.features(cells)
        p = self._probabilities(x @ theta)
        mean = np.einsum("cks,ck->cs", x, p)
        score = x[np.arange(len(cells)), cells[:, 2] + 1] - mean
        information = np.einsum("cks,ckt,ck->cst", x, x, p) - mean[:, :, None] * mean[:, None, :]
        return score, information

    def _probabilities(self, eta: Floats) -> Floats:
        if self.tie is None:
            eta = eta.copy()
            eta[:, 1] = -np.inf
        eta = np.exp(eta - eta.max(axis=1, keepdims=True))
        return np.asarray(eta / eta.sum(axis=1, keepdims=True))

    def loss(self, theta: Floats, cells: Ints, counts: Floats) -> float:
        """Return the negative log likelihood."""
        p = self._probabilities(self.features(cells) @ theta)
        return -float(counts @ np.log(np.maximum(p[np.arange(len(cells)), cells[:, 2] + 1], 1e-300)))

    def fit(self, cells: Ints, counts: Floats) -> Floats:
        """Return the maximum likelihood estimate: Newton steps, halved while they do not help."""
        theta = np.zeros(self.size)
        best = self.loss(theta, cells, counts)
        for _ in range(100):
            score, information = self.derivatives(theta, cells)
            gradient = counts @ score
            hessian = (information * counts[:, None, None]).sum(axis=0)
            if np.linalg.matrix_rank(hessian) < self.size:
                problem = "the advantage of the first place cannot be told from the abilities"
                raise InputError(
                    _WHERE, "position", problem, "show pairs in both orders, or fit none (--position none)"
                )
            step = np.linalg.solve(hessian, gradient)
            for _ in range(40):
                trial = self.loss(theta + step, cells, counts)
                if trial <= best + 1e-12 * abs(best):
                    break
                step = step / 2
            theta, best = theta + step, trial
            if np.abs(step).max() < 1e-10:
                return theta
        remedy = "collect more verdicts, or fit no advantage of the first place (--position none)"
        raise InputError(_WHERE, "outcomes", "the likelihood has no maximum", remedy)


def demand_finite(names: tuple[str, ...], i: Ints, j: Ints, y: Floats) -> None:
    """Raise InputError unless every variant beats (or ties with) every other by some chain: Ford's condition."""
    if not y.any():
        raise InputError(_WHERE, "outcomes", "every verdict is a tie", "collect verdicts that prefer one variant")
    beats = np.eye(len(names), dtype=bool)
    beats[i[y >= 0], j[y >= 0]] = True
    beats[j[y <= 0], i[y <= 0]] = True
    for k in range(len(names)):
        beats |= beats[:, [k]] & beats[[k], :]
    if beats.all():
        return
    apart = ~(beats | beats.T)
    a, b = (int(one[0]) for one in np.nonzero(apart if apart.any() else ~beats))
    if apart.any() and not _linked(len(names), i, j)[a, b]:
        problem = f"{shown(names[a])} and {shown(names[b])} are never compared, not even by way of others"
        raise InputError(_WHERE, "outcomes", problem, "collect verdicts that link them, or rank each group alone")
    problem = f"{shown(names[a])} never beats {shown(names[b])}, not even by way of others"
    raise InputError(_WHERE, "outcomes", problem, "collect more verdicts or drop that variant")


def _linked(variants: int, i: Ints, j: Ints) -> npt.NDArray[np.bool_]:
    """Tell which variants some chain of comparisons links, shape (variants, variants)."""
    linked = np.eye(variants, dtype=bool)
    linked[i, j] = linked[j, i] = True
    for k in range(variants):
        linked |= linked[:, [k]] & linked[[k], :]
    return linked
