"""Regret and wrong decisions of bandit policies over any one number of the problem or of a policy."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import param

from expsim_panel.bandit_worlds import BanditWorld
from expsim_panel.bandits import bandit, check_size
from expsim_panel.best_arm import check_means
from expsim_panel.errors import InputError, did_you_mean, shown
from expsim_panel.policy import BanditPolicy
from expsim_panel.policy_names import canonical, read_policy

Floats = npt.NDArray[np.float64]
MOST = 60
HORIZON, LEAD = "horizon", "lead"
"""Axes beside ``means.0``, ``means.1``, ... and ``POLICY.PARAMETER``: requests; lead of the best arm over the next."""
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
    replicates: int
    seed: int
    family: str

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object: the axis, and one list per policy and figure."""
        rows = ("regret", "regret_se", "low", "high", "wrong", "wrong_se")
        policies = [
            {"name": name, **{row: getattr(self, row)[i].tolist() for row in rows}} for i, name in enumerate(self.names)
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
        ``horizon``; ``lead`` (the best arm's mean over the next one's); ``means.K`` (arm K, counted from 0); or
        ``POLICY.PARAMETER`` such as ``epsilon-greedy.epsilon``, of a policy that is in `policies`.
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
    levels = np.asarray(values, np.float64)
    check_size("horizon", horizon, where)
    place, label = _setter(start, list(policies), path, where)
    if path == HORIZON or label.startswith("#"):
        levels, label = np.unique(np.round(levels)), label.removeprefix("#")
    asked = [place(start, list(policies), int(horizon), float(level)) for level in levels]
    for arms, _, requests in asked:
        check_means(arms, family, where, path)
        check_size(HORIZON, requests, where)
    rows: dict[str, list[list[float]]] = {}
    for done, (arms, names, requests) in enumerate(asked):
        try:
            found = bandit(
                arms, names, requests, family=family, replicates=replicates, seed=seed, workers=workers, world=world
            )
        except InputError as error:
            raise InputError(where, path, f"at {levels[done]:g}, {error.problem}", error.remedy) from None
        table = []
        for one in found.policies:
            exact, right, marks = one.regret.exact, one.p_best_arm, one.regret.quantiles or {}
            table.append(
                (
                    float(one.regret.value or 0.0) if exact is None else exact,
                    (one.regret.se or 0.0) if exact is None else 0.0,
                    marks.get("0.05", np.nan), marks.get("0.95", np.nan),
                    1.0 - (right.value or 0.0), right.se or 0.0,
                )
            )  # fmt: skip
        for key, column in zip(
            ("regret", "regret_se", "low", "high", "wrong", "wrong_se"), zip(*table, strict=True), strict=True
        ):
            rows.setdefault(key, []).append(list(column))
        if progress:
            progress(done + 1, len(asked))
    return RegretCurve(
        path, label, levels, tuple(one.strip() for one in policies),
        **{key: np.array(table, np.float64).T for key, table in rows.items()},
        replicates=replicates, seed=seed, family=family,
    )  # fmt: skip


Place = Callable[[Floats, list[str], int, float], tuple[list[float], list[str], int]]


def _setter(means: Floats, names: list[str], path: str, where: str) -> tuple[Place, str]:
    """Return what puts a level into the problem, and the axis' words (# in front: whole numbers only)."""
    if path == HORIZON:
        return lambda arms, policies, horizon, level: (
            arms.tolist(),
            policies,
            int(level),
        ), "Requests in one experiment"
    if path == LEAD:
        if means.size < 2 or np.ptp(means) == 0.0:
            raise InputError(where, path, "no arm leads", "give different means, or vary means.0")
        return _lead, "Lead of the best arm over the next"
    head, _, key = path.partition(".")
    if head == "means":
        if not re.fullmatch("[0-9]{1,3}", key) or int(key) >= means.size:
            raise InputError(where, path, f"there is no arm {shown(key)}", f"give means.0 to means.{means.size - 1}")
        at = int(key)

        def one_mean(
            arms: Floats, policies: list[str], horizon: int, level: float
        ) -> tuple[list[float], list[str], int]:
            return [level if k == at else float(mean) for k, mean in enumerate(arms)], policies, horizon

        return one_mean, f"Mean of arm {at}"
    made = [read_policy(name, where, "policy") for name in names]
    kinds = [one.kind for one in made]
    if not key or head not in kinds:
        known = [HORIZON, LEAD, *(f"means.{k}" for k in range(means.size)), *_paths(made)]
        raise InputError(where, path, "is no axis of this problem", did_you_mean(path, known))
    one = made[kinds.index(head)]
    declared = one.param[key] if key in one.fields() else None
    if not isinstance(declared, param.Number) or isinstance(declared, param.Boolean):
        raise InputError(where, path, f"{head} has no number {shown(key)}", did_you_mean(path, _paths(made)))
    whole = isinstance(declared, param.Integer)

    def one_parameter(
        arms: Floats, policies: list[str], horizon: int, level: float
    ) -> tuple[list[float], list[str], int]:
        changed = read_policy(policies[kinds.index(head)], where, "policy")
        changed.put(key, int(level) if whole else level, where, f"policy {head}")
        # Two policies of one kind would be the same at some level, and the order must stay.
        return (
            arms.tolist(),
            [canonical(changed) if k == kinds.index(head) else n for k, n in enumerate(policies)],
            horizon,
        )

    return one_parameter, ("#" if whole else "") + f"{declared.label} of {head}"


def _lead(arms: Floats, policies: list[str], horizon: int, level: float) -> tuple[list[float], list[str], int]:
    best = int(np.argmax(arms))
    others = np.delete(arms, best)
    moved = arms.copy()
    moved[best] = others.max() + level
    return moved.tolist(), policies, horizon


def _paths(made: list[BanditPolicy]) -> list[str]:
    return [f"{one.kind}.{key}" for one in made for key in one.fields() if isinstance(one.param[key], param.Number)]
