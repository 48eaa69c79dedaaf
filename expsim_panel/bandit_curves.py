"""Regret and wrong decisions of bandit policies over any one number of the problem or of a policy."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from expsim_panel.bandit_axes import HORIZON, LEAD, BanditAxis, Setting, bandit_axis, world_of
from expsim_panel.bandit_worlds import BanditWorld
from expsim_panel.bandits import BanditResult, bandit, check_size
from expsim_panel.best_arm import check_means
from expsim_panel.errors import InputError, shown

__all__ = ["HORIZON", "LEAD", "RegretCurve", "levels_of", "parse", "played_at", "regret_over", "row_of"]

Floats = npt.NDArray[np.float64]
MOST = 60
ROWS = ("regret", "regret_se", "low", "high", "wrong", "wrong_se", "usd", "usd_se")
_NUMBER = r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*"


@dataclass(frozen=True)
class RegretCurve:
    """Policies over one axis; see `regret_over`.

    Attributes
    ----------
    path, label : str
        The axis, and its words.
    values : ndarray, shape (levels,)
        Its levels, ascending.
    names : tuple of str
        The policies, as asked for.
    regret, regret_se : ndarray, shape (policies, levels)
        Mean regret, exact where enumeration or a formula gives it (error 0), and its Monte Carlo standard error.
    low, high : ndarray, shape (policies, levels)
        5 and 95 % quantiles of the regret over experiments.
    wrong, wrong_se : ndarray, shape (policies, levels)
        Share of the experiments that do not keep a best arm, and its standard error.
    usd, usd_se : ndarray, shape (policies, levels)
        Mean net value lost in dollars, and its standard error.
    replicates, seed : int
        Experiments a level, and their seed, the same at every level.
    family : str
        ``bernoulli`` or ``gaussian``.
    """

    path: str
    label: str
    values: Floats
    names: tuple[str, ...]
    regret: Floats
    regret_se: Floats
    low: Floats
    high: Floats
    wrong: Floats
    wrong_se: Floats
    usd: Floats
    usd_se: Floats
    replicates: int
    seed: int
    family: str

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object: the axis, and one list per policy and figure."""
        rows = {"regret_usd" + name[3:] if name.startswith("usd") else name: name for name in ROWS}
        policies = [
            {"name": name, **{key: getattr(self, row)[i].tolist() for key, row in rows.items()}}
            for i, name in enumerate(self.names)
        ]
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


def regret_over(
    means: Sequence[float],
    policies: Sequence[str],
    horizon: int,
    path: str,
    values: Sequence[float] | Floats,
    *,
    family: str = "bernoulli",
    replicates: int = 2000,
    seed: int = 1,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    world: BanditWorld | Mapping[str, object] | None = None,
    where: str = "bandit",
) -> RegretCurve:
    """Return what policies lose over one axis, with the same seed at every level.

    Parameters
    ----------
    means, policies, horizon, family, replicates, seed, workers, world
        As for `expsim_panel.bandit`.
    path : str
        As for `bandit_axes.bandit_axis`: ``horizon``, ``lead``, ``means.K``, a number of the world such as ``delay`` or
        ``cost.1``, or ``POLICY.PARAMETER`` such as ``epsilon-greedy.epsilon``, of a policy that is in `policies`.
    values : sequence of float
        Levels, ascending.
    progress : callable, optional
        Called with (levels done, levels).

    Raises
    ------
    InputError
        The path leads nowhere, or a level is out of bounds.
    """
    start = check_means(means, family, where, "means")
    check_size("horizon", horizon, where)
    setting = Setting(tuple(start.tolist()), tuple(policies), int(horizon), world_of(world))
    axis = bandit_axis(setting, path, where)
    levels = levels_of(axis, values)
    asked = [axis.place(setting, float(level)) for level in levels]
    for one in asked:
        check_means(one.means, family, where, path)
        check_size(HORIZON, one.horizon, where)
    sizes = {"family": family, "replicates": replicates, "seed": seed, "workers": workers}
    tables = []
    for done, one in enumerate(asked):
        tables.append(row_of(played_at(one, f"{levels[done]:g}", path, where, sizes)))
        if progress:
            progress(done + 1, len(asked))
    # From (levels, policies, rows) to one table of (policies, levels) per row.
    whole = np.moveaxis(np.array(tables, np.float64), (0, 1, 2), (2, 1, 0))
    return RegretCurve(
        path, axis.label, levels, tuple(one.strip() for one in policies), **dict(zip(ROWS, whole, strict=True)),
        replicates=replicates, seed=seed, family=family,
    )  # fmt: skip


def levels_of(axis: BanditAxis, values: Sequence[float] | Floats) -> Floats:
    """Return the levels of an axis; whole numbers are rounded, and equal ones dropped."""
    levels = np.asarray(values, np.float64)
    return np.unique(np.round(levels)) if axis.whole else levels


def played_at(one: Setting, at: str, path: str, where: str, sizes: Mapping[str, Any]) -> BanditResult:
    """Play one level; an error says at which."""
    try:
        found: BanditResult = bandit(one.means, one.policies, one.horizon, world=dict(one.world) or None, **sizes)
        return found
    except InputError as error:
        raise InputError(where, path, f"at {at}, {error.problem}", error.remedy) from None


def row_of(found: BanditResult) -> list[tuple[float, ...]]:
    """Return the figures of `ROWS` for every policy."""
    made: list[tuple[float, ...]] = []
    for one in found.policies:
        exact, right, marks = one.regret.exact, one.p_best_arm, one.regret.quantiles or {}
        made.append(
            (
                float(one.regret.value or 0.0) if exact is None else exact,
                (one.regret.se or 0.0) if exact is None else 0.0,
                marks.get("0.05", np.nan), marks.get("0.95", np.nan),
                1.0 - (right.value or 0.0), right.se or 0.0,
                one.money.regret.value or 0.0, one.money.regret.se or 0.0,
            )
        )  # fmt: skip
    return made
