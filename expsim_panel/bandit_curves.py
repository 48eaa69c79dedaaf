"""Regret and wrong decisions of bandit policies over any one number of the problem or of a policy."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from expsim_panel.bandit_axes import setting_of
from expsim_panel.bandit_worlds import BanditWorld
from expsim_panel.errors import InputError, shown
from expsim_panel.varied import HORIZON, LEAD, LOST, USD, WRONG, BanditAxis, Cell, Varied

__all__ = [
    "HORIZON", "LEAD", "RegretCurve", "curve_over", "levels_of", "parse", "played_at", "regret_over", "tables",
]  # fmt: skip

Floats = npt.NDArray[np.float64]
MOST = 60
NAMES = {LOST: "regret", USD: "regret_usd", WRONG: "wrong"}
"""What figures are called in JSON; the others by their own name."""
_NUMBER = r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*"


@dataclass(frozen=True)
class RegretCurve:
    """Policies over one axis; see `curve_over`.

    Attributes
    ----------
    path, label : str
        The axis, and its words.
    values : ndarray, shape (levels,)
        Its levels, ascending.
    names : tuple of str
        The policies, as asked for.
    figures, errors : mapping of str to ndarray, shape (policies, levels)
        By a name of `varied.FIGURES`, first what is lost: means, exact where enumeration or a formula gives them (error
        0), and their Monte Carlo standard errors.
    low, high : ndarray, shape (policies, levels)
        5 and 95 % quantiles of what is lost over experiments.
    replicates, seed : int
        Experiments a level, and their seed, the same at every level.
    family : str
        What losses are counted in; see `bandit_verdict.lost`.
    """

    path: str
    label: str
    values: Floats
    names: tuple[str, ...]
    figures: Mapping[str, Floats]
    errors: Mapping[str, Floats]
    low: Floats
    high: Floats
    replicates: int
    seed: int
    family: str

    @property
    def regret(self) -> Floats:
        """Mean of what is lost, shape (policies, levels)."""
        return self.figures[LOST]

    @property
    def regret_se(self) -> Floats:
        """Its simulation error."""
        return self.errors[LOST]

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object: the axis, and one list per policy and figure."""
        policies = []
        for i, name in enumerate(self.names):
            made: dict[str, Any] = {"name": name}
            for key, table in self.figures.items():
                called = NAMES.get(key, key)
                made[called], made[f"{called}_se"] = table[i].tolist(), self.errors[key][i].tolist()
            policies.append({**made, "low": self.low[i].tolist(), "high": self.high[i].tolist()})
        return {"path": self.path, "label": self.label, "values": self.values.tolist(), "policies": policies}


def parse(text: str, flag: str = "--over") -> tuple[str, Floats]:
    """Read ``PATH=lo:hi:n``; `InputError` where it is not of that form."""
    path, separator, span = text.partition("=")
    parts = span.split(":")
    if not separator or len(parts) != 3 or not all(re.fullmatch(_NUMBER, part) for part in parts[:2]):
        raise InputError(flag, shown(text), "is not PATH=lo:hi:n", "write for example horizon=100:10000:7")
    low, high = float(parts[0]), float(parts[1])
    if not re.fullmatch(r"\s*[0-9]{1,6}\s*", parts[2]) or not 2 <= int(parts[2]) <= MOST:
        raise InputError(flag, shown(text), f"{shown(parts[2])} is no number of levels", f"give 2 to {MOST}")
    if not (np.isfinite(low) and np.isfinite(high) and low < high):
        problem = f"{shown(low)} to {shown(high)} is no range"
        raise InputError(flag, shown(text), problem, "give two finite numbers, the lower first")
    return path.strip(), np.linspace(low, high, int(parts[2]))


def curve_over(
    problem: Varied,
    path: str,
    values: Sequence[float] | Floats,
    *,
    replicates: int = 2000,
    seed: int = 1,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    where: str = "bandit",
) -> RegretCurve:
    """Return what policies lose over one number of any kind of problem, with the same seed at every level.

    Parameters
    ----------
    problem : Varied
        A `bandit_axes.Setting`, or a `problem_axes.ProblemSetting` for guardrails, budgets, segments, duels, ratings.
    path : str
        ``horizon``, ``lead``, a number of the problem such as ``means.0``, or ``POLICY.PARAMETER`` of a policy that
        plays; `Varied.axes` lists them.
    values : sequence of float
        Levels, ascending.
    replicates, seed, workers : int
        As for `expsim_panel.bandit`, at every level.
    progress : callable, optional
        Called with (levels done, levels).

    Raises
    ------
    InputError
        The path leads nowhere, or a level is out of bounds.
    """
    axis = problem.axis(path, where)
    levels = levels_of(axis, values)
    asked = [axis.place(problem, float(level)) for level in levels]
    for one in asked:
        one.check(path, where)
    cells = []
    for level, one in zip(levels, asked, strict=True):
        cells.append(played_at(one, f"{level:g}", path, where, replicates, seed, workers))
        if progress:
            progress(len(cells), len(asked))
    figures, errors = tables(cells, (len(cells),))
    low, high = (np.array([getattr(cell, end) for cell in cells], np.float64).T for end in ("low", "high"))
    names = tuple(one.strip() for one in problem.policies)
    return RegretCurve(
        path, axis.label, levels, names, figures, errors, low, high, int(replicates), int(seed), problem.counted
    )


def regret_over(
    means: Sequence[float],
    policies: Sequence[str],
    horizon: int,
    path: str,
    values: Sequence[float] | Floats,
    *,
    family: str = "bernoulli",
    world: BanditWorld | Mapping[str, object] | None = None,
    where: str = "bandit",
    **sizes: Any,
) -> RegretCurve:
    """Return the curve of a classic problem: `curve_over`, with the problem as for `expsim_panel.bandit`."""
    return curve_over(setting_of(means, policies, horizon, family, world, where), path, values, where=where, **sizes)


def levels_of(axis: BanditAxis, values: Sequence[float] | Floats) -> Floats:
    """Return the levels of an axis; whole numbers are rounded, and equal ones dropped."""
    levels = np.asarray(values, np.float64)
    return np.unique(np.round(levels)) if axis.whole else levels


def played_at(one: Varied, at: str, path: str, where: str, replicates: int, seed: int, workers: int | None) -> Cell:
    """Play one level; an error says at which."""
    try:
        return one.play(replicates, seed, workers)
    except InputError as error:
        raise InputError(where, path, f"at {at}, {error.problem}", error.remedy) from None


def tables(cells: Sequence[Cell], shape: tuple[int, ...]) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """Return figures and their errors by name, of shape (policies, *shape) each."""
    made: tuple[dict[str, Floats], dict[str, Floats]] = {}, {}
    for key in cells[0].figures:
        # From (cells, policies, 2) to value and error of (policies, cells).
        both = np.moveaxis(np.array([cell.figures[key] for cell in cells], np.float64), (0, 1, 2), (2, 1, 0))
        for k in (0, 1):
            made[k][key] = np.ascontiguousarray(both[k]).reshape(both.shape[1], *shape)
    return made
