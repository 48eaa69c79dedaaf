"""What policies lose over any two numbers of a bandit problem, and where a bandit is level with the A/B test."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from expsim_panel.axes import Axis
from expsim_panel.bandit_axes import BanditAxis, Setting, bandit_axis, world_of
from expsim_panel.bandit_curves import levels_of, played_at, row_of
from expsim_panel.bandit_worlds import BanditWorld
from expsim_panel.bandits import check_size
from expsim_panel.best_arm import check_means
from expsim_panel.errors import InputError
from expsim_panel.response_surface import ResponseSurface

Floats = npt.NDArray[np.float64]
EVEN = "even"
LOST, USD, WRONG = "lost", "regret", "p_wrong"
"""Figures of a map: regret in units of reward, in dollars of net value, share of wrong decisions."""
FIGURES = {LOST: "Lost while learning", USD: "Lost while learning, $", WRONG: "Keeps a lesser arm"}
_ROWS = {LOST: (0, 1), USD: (6, 7), WRONG: (4, 5)}
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
    """Policies over two axes; see `regret_surface`.

    Attributes
    ----------
    x, y : Axis
        Across and upwards.
    names : tuple of str
        The policies, as asked for.
    figures, errors : dict of ndarray, shape (policies, y levels, x levels)
        By name of `FIGURES`: means and their simulation errors (0 where exact).
    replicates, seed : int
        Experiments a cell, and their seed, the same in every cell.
    family : str
        ``bernoulli`` or ``gaussian``.
    digest : str
        Of the problem at the first cell.
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

    @property
    def bandit(self) -> str:
        """The policy that is shown first: of the others than the even split the one that loses least over the map."""
        order = np.argsort(self.figures[LOST].mean(axis=(1, 2)), kind="stable")
        return next((self.names[k] for k in order if self.names[k] != EVEN), self.names[0])

    def shown(self, policy: str, figure: str = LOST, minus: str | None = None) -> BanditMap:
        """Return the map of one policy, or of its difference from another, played apart from it."""
        values, errors = {}, {}
        at = self.names.index(policy)
        for key in FIGURES:
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
        keys = {"regret": LOST, "regret_usd": USD, "wrong": WRONG}
        made: dict[str, Any] = {
            "x": self.x.to_json(), "y": self.y.to_json(), "replicates": self.replicates, "seed": self.seed,
            "policies": [
                {"name": name}
                | {key: self.figures[own][i].tolist() for key, own in keys.items()}
                | {f"{key}_se": self.errors[own][i].tolist() for key, own in keys.items()}
                for i, name in enumerate(self.names)
            ],
        }  # fmt: skip
        if EVEN not in self.names:
            return made | {"minus_even": None, "reason": "no even split was played; add the policy even"}
        made["minus_even"] = []
        for name in self.names:
            if name != EVEN:
                less = self.shown(name, LOST, EVEN)
                made["minus_even"].append(
                    {
                        "name": name,
                        **{key: less.values[own].tolist() for key, own in keys.items()},
                        **{f"{key}_se": (less.errors or {})[own].tolist() for key, own in keys.items()},
                        "zero_contour": contour(less),
                    }
                )
        return made


def contour(made: ResponseSurface) -> list[list[list[float]]]:
    """Return the lines on which a map is 0, each as a list of points (x, y)."""
    from expsim_panel.plots.response_surface import iso

    lines = iso(made)
    return [np.stack([x, y], axis=1).tolist() for x, y in zip(lines["xs"], lines["ys"], strict=True)]


def regret_surface(
    means: Sequence[float],
    policies: Sequence[str],
    horizon: int,
    x: tuple[str, Sequence[float] | Floats],
    y: tuple[str, Sequence[float] | Floats],
    *,
    family: str = "bernoulli",
    replicates: int = 500,
    seed: int = 1,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    world: BanditWorld | Mapping[str, object] | None = None,
    where: str = "bandit",
) -> RegretSurface:
    """Return what policies lose over two axes, with the same seed in every cell.

    Parameters
    ----------
    means, policies, horizon, family, replicates, seed, workers, world
        As for `expsim_panel.bandit`.
    x, y : (str, sequence of float)
        Path as for `bandit_axes.bandit_axis`, and levels, ascending.
    progress : callable, optional
        Called with (cells done, cells); may raise to stop.

    Raises
    ------
    InputError
        A path leads nowhere, both are the same, a level is out of bounds, or there are too many cells.
    """
    start = check_means(means, family, where, "means")
    check_size("horizon", horizon, where)
    setting = Setting(tuple(start.tolist()), tuple(policies), int(horizon), world_of(world))
    across, up = bandit_axis(setting, x[0], where), bandit_axis(setting, y[0], where)
    if x[0] == y[0]:
        raise InputError(where, y[0], "is also on the other axis", "give two different numbers")
    wide, high = levels_of(across, x[1]), levels_of(up, y[1])
    cells = [(j, i) for j in range(high.size) for i in range(wide.size)]
    if len(cells) > MOST_CELLS:
        raise InputError(where, y[0], f"{len(cells)} cells", f"give fewer levels, at most {MOST_CELLS} cells")
    asked = [up.place(across.place(setting, float(wide[i])), float(high[j])) for j, i in cells]
    for one in asked:
        check_means(one.means, family, where, x[0])
        check_size("horizon", one.horizon, where)
    if sum(float(one.horizon) for one in asked) * replicates * len(setting.policies) > MOST_PULLS:
        raise InputError(where, x[0], "too many requests in all", "give fewer levels, experiments or requests")
    sizes = {"family": family, "replicates": replicates, "seed": seed, "workers": workers}
    table, digest = np.zeros((high.size, wide.size, len(setting.policies), 8)), ""
    for done, ((j, i), one) in enumerate(zip(cells, asked, strict=True)):
        found = played_at(one, f"{x[0]} {wide[i]:g} and {y[0]} {high[j]:g}", f"{x[0]} and {y[0]}", where, sizes)
        digest = digest or found.request_digest
        table[j, i] = row_of(found)
        if progress:
            progress(done + 1, len(cells))
    figures, errors = (
        {key: np.ascontiguousarray(np.moveaxis(table[..., rows[k]], 2, 0)) for key, rows in _ROWS.items()}
        for k in (0, 1)
    )
    names = tuple(one.strip() for one in policies)
    return RegretSurface(
        _axis(across, wide, setting), _axis(up, high, setting), names, figures, errors, int(replicates), int(seed),
        family, digest,
    )  # fmt: skip


def _axis(one: BanditAxis, levels: Floats, setting: Setting) -> Axis:
    """Return levels with their words; the problem's own value where it has one number of that name."""
    head, _, key = one.path.partition(".")
    own: float | None = None
    if one.path == "horizon":
        own = float(setting.horizon)
    elif head == "means":
        own = float(setting.means[int(key)])
    elif isinstance(setting.world.get(one.path.replace("-", "_")), int | float):
        own = float(setting.world[one.path.replace("-", "_")])
    return Axis(one.path, levels, one.label, "", own)
