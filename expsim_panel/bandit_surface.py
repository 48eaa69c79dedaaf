"""What policies lose over any two numbers of a bandit problem, and where a bandit is level with the A/B test."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from expsim_panel.axes import Axis
from expsim_panel.bandit_axes import setting_of
from expsim_panel.bandit_curves import NAMES, levels_of, played_at, tables
from expsim_panel.bandit_worlds import BanditWorld
from expsim_panel.errors import InputError
from expsim_panel.response_surface import ResponseSurface
from expsim_panel.varied import EVENS, FIGURES, LOST, USD, WRONG, Varied

__all__ = ["EVENS", "LOST", "USD", "WRONG", "BanditMap", "RegretSurface", "contour", "regret_surface", "surface_over"]

Floats = npt.NDArray[np.float64]
MOST_CELLS, MOST_PULLS = 1600, 4e10
"""Cells of a map, and pulls of all together."""


class BanditMap(ResponseSurface):
    """One figure of one policy, or of a policy less the even split, as the maps of studies are drawn."""

    @property
    def words(self) -> str:
        """Name the figure in plain words."""
        return FIGURES[self.metric]

    @property
    def mine(self) -> str:
        """Name the point that the map was made around."""
        return "your problem"


@dataclass(frozen=True)
class RegretSurface:
    """Policies over two axes; see `surface_over`.

    Attributes
    ----------
    x, y : Axis
        Across and upwards.
    names : tuple of str
        The policies, as asked for.
    figures, errors : dict of ndarray, shape (policies, y levels, x levels)
        By name of `varied.FIGURES`, first what is lost: means and their simulation errors (0 where exact).
    replicates, seed : int
        Experiments a cell, and their seed, the same in every cell.
    family : str
        What losses are counted in; see `bandit_verdict.lost`.
    digest : str
        Of the problem at the first cell.
    even : str
        Name of the even split of this kind of problem.
    """

    x: Axis
    y: Axis
    names: tuple[str, ...]
    figures: Mapping[str, Floats]
    errors: Mapping[str, Floats]
    replicates: int
    seed: int
    family: str
    digest: str
    even: str = EVENS[0]

    @property
    def bandit(self) -> str:
        """The policy that is shown first: of the others than the even split the best over the map.

        The one that loses least; where arms may do harm, the one that does least of it.
        """
        first = self.figures.get("breach_exposures", self.figures[LOST])
        order = np.argsort(first.mean(axis=(1, 2)), kind="stable")
        return next((self.names[k] for k in order if self.names[k] not in EVENS), self.names[0])

    def minus(self, policy: str) -> str | None:
        """Return the even split that a policy is compared with; None where it is one, or none was played."""
        return next((name for name in self.names if name in EVENS and policy not in EVENS), None)

    def shown(self, policy: str, figure: str = LOST, minus: str | None = None) -> BanditMap:
        """Return the map of one policy, or of its difference from another, played apart from it."""
        values, errors = {}, {}
        at = self.names.index(policy)
        for key in self.figures:
            values[key], errors[key] = self.figures[key][at], self.errors[key][at]
            if minus is not None:
                other = self.names.index(minus)
                values[key] = values[key] - self.figures[key][other]
                errors[key] = np.hypot(errors[key], self.errors[key][other])
        return BanditMap(
            policy, figure, minus, self.x, self.y, values, errors, "bandits are simulated", (), self.digest, self.seed,
            self.replicates,
        )  # fmt: skip

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object: axes, tables by policy (rows upwards), and each policy less the even split."""

        def listed(values: Mapping[str, Floats], errors: Mapping[str, Floats]) -> dict[str, Any]:
            made: dict[str, Any] = {}
            for key, table in values.items():
                called = NAMES.get(key, key)
                made |= {called: table.tolist(), f"{called}_se": errors[key].tolist()}
            return made

        made: dict[str, Any] = {
            "x": self.x.to_json(), "y": self.y.to_json(), "replicates": self.replicates, "seed": self.seed,
            "policies": [],
        }  # fmt: skip
        for name in self.names:
            own = self.shown(name)
            made["policies"].append({"name": name, **listed(own.values, own.errors or {})})
        if not set(EVENS) & set(self.names):
            return made | {"minus_even": None, "reason": f"no even split was played; add the policy {self.even}"}
        made["minus_even"] = []
        for name in self.names:
            less = self.shown(name, LOST, self.minus(name))
            if less.minus is not None:
                row = listed(less.values, less.errors or {})
                made["minus_even"].append({"name": name, **row, "zero_contour": contour(less)})
        return made


def contour(made: ResponseSurface) -> list[list[list[float]]]:
    """Return the lines on which a map is 0, each as a list of points (x, y)."""
    from expsim_panel.plots.response_surface import iso

    lines = iso(made)
    return [np.stack([x, y], axis=1).tolist() for x, y in zip(lines["xs"], lines["ys"], strict=True)]


def surface_over(
    problem: Varied,
    x: tuple[str, Sequence[float] | Floats],
    y: tuple[str, Sequence[float] | Floats],
    *,
    replicates: int = 500,
    seed: int = 1,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    where: str = "bandit",
) -> RegretSurface:
    """Return what policies lose over two numbers of any kind of problem, with the same seed in every cell.

    Parameters
    ----------
    problem : Varied
        As for `bandit_curves.curve_over`.
    x, y : (str, sequence of float)
        Path and levels, ascending, across and upwards.
    replicates, seed, workers : int
        As for `expsim_panel.bandit`, in every cell.
    progress : callable, optional
        Called with (cells done, cells); may raise to stop.

    Raises
    ------
    InputError
        A path leads nowhere, both are the same, a level is out of bounds, or there are too many cells.
    """
    across, up = problem.axis(x[0], where), problem.axis(y[0], where)
    if x[0] == y[0]:
        raise InputError(where, y[0], "is also on the other axis", "give two different numbers")
    wide, high = levels_of(across, x[1]), levels_of(up, y[1])
    places = [(float(low), float(level)) for level in high for low in wide]
    if len(places) > MOST_CELLS:
        raise InputError(where, y[0], f"{len(places)} cells", f"give fewer levels, at most {MOST_CELLS} cells")
    asked = [up.place(across.place(problem, low), level) for low, level in places]
    for one in asked:
        one.check(x[0], where)
    if sum(float(one.horizon) for one in asked) * replicates * len(problem.policies) > MOST_PULLS:
        raise InputError(where, x[0], "too many requests in all", "give fewer levels, experiments or requests")
    cells = []
    for (low, level), one in zip(places, asked, strict=True):
        at, path = f"{x[0]} {low:g} and {y[0]} {level:g}", f"{x[0]} and {y[0]}"
        cells.append(played_at(one, at, path, where, replicates, seed, workers))
        if progress:
            progress(len(cells), len(asked))
    figures, errors = tables(cells, (high.size, wide.size))
    first, second = (
        Axis(one.path, levels, one.label, "", problem.value_at(one.path))
        for one, levels in ((across, wide), (up, high))
    )
    names = tuple(one.strip() for one in problem.policies)
    return RegretSurface(
        first,
        second,
        names,
        figures,
        errors,
        int(replicates),
        int(seed),
        problem.counted,
        cells[0].digest,
        problem.even,
    )


def regret_surface(
    means: Sequence[float],
    policies: Sequence[str],
    horizon: int,
    x: tuple[str, Sequence[float] | Floats],
    y: tuple[str, Sequence[float] | Floats],
    *,
    family: str = "bernoulli",
    world: BanditWorld | Mapping[str, object] | None = None,
    where: str = "bandit",
    **sizes: Any,
) -> RegretSurface:
    """Return the map of a classic problem: `surface_over`, with the problem as for `expsim_panel.bandit`."""
    return surface_over(setting_of(means, policies, horizon, family, world, where), x, y, where=where, **sizes)
