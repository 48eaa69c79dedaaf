"""The comparisons of `evaluation_budget`, played: rows drawn, estimates made, tests taken."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from expsim_panel.errors import InputError, shown
from expsim_panel.evaluation_budget import (
    KINDS,
    LEVEL,
    Need,
    Option,
    Rows,
    Setting,
    correct,
    need,
    option,
    rows_for,
    setting,
    target_error,
)
from expsim_panel.evaluation_laws import PairLaw
from expsim_panel.kernels.pairs import BINARY_COLUMNS, NORMAL_COLUMNS, correct_binary, correct_normal
from expsim_panel.kernels.streams import EVALUATOR, generator
from expsim_panel.results import Figure
from expsim_panel.scenario import Scenario

_COLUMNS = {
    "judge": ("judge", ("judge_variance",)),
    "human": ("labels", ("labels_variance",)),
    "hybrid": ("tuned", ("tuned_labelled", "tuned_rest")),
}
_FREE = (-1e6, 1e6)
FRONTIER = tuple(2.0**k for k in range(-4, 5))
"""Budgets of the frontier, as multiples of the budget in question."""
MAX_REPLICATES = 1_000_000


@dataclass(frozen=True)
class Played:
    """Simulated figures of one option, each with its Monte Carlo error.

    Attributes
    ----------
    se, bias, coverage, power, false_rejection, p_correct : Figure
        As in `Option`; `coverage` is of the 95 % z interval, by the true effect.
    """

    se: Figure
    bias: Figure
    coverage: Figure
    power: Figure
    false_rejection: Figure
    p_correct: Figure


@dataclass(frozen=True)
class Point:
    """One budget of the cost-accuracy frontier.

    Attributes
    ----------
    budget : float
        Dollars.
    rmse, simulated : dict
        Root mean squared error by option, closed form and simulated; None where the budget buys too little.
    simulated_se : dict
        Monte Carlo standard errors of `simulated`.
    """

    budget: float
    rmse: dict[str, float | None]
    simulated: dict[str, float | None]
    simulated_se: dict[str, float | None]


@dataclass(frozen=True)
class Comparison:
    """LLM judge, people and both, side by side.

    Attributes
    ----------
    setting : Setting
        The comparison, priced.
    budget, target : float
        Dollars that each may spend; root mean squared error that each must reach.
    options : tuple of (Option, Played or None)
        At equal budget; None where the budget buys fewer than two rows.
    needs : tuple of Need
        At equal accuracy.
    frontier : tuple of Point
        Error by budget.
    """

    setting: Setting
    budget: float
    target: float
    options: tuple[tuple[Option, Played | None], ...]
    needs: tuple[Need, ...]
    frontier: tuple[Point, ...]

    @property
    def advised(self) -> Option:
        """The option with the smallest expected error at this budget, by what a team can know."""
        return min((one for one, _ in self.options), key=lambda one: one.expected_error)


def estimates(
    law: PairLaw, kind: str, rows: Rows, replicates: int, seed: int, lane: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Draw a comparison `replicates` times; return estimated differences (variant less control) and variances."""
    if law.pairs is not None:
        rng = generator(seed, EVALUATOR, lane, 2 * KINDS.index(kind))
        return law.pairs.estimates(rng, kind, rows.labelled, rows.judged, replicates)
    values, variances = np.zeros(replicates), np.zeros(replicates)
    if kind == "judge":
        n, rest = 2, max(rows.judged - 2, 1)
    elif kind == "human":
        n, rest = rows.labelled, 1
    else:
        n, rest = rows.labelled, max(rows.judged - rows.labelled, 1)
    columns = BINARY_COLUMNS if law.binary else NORMAL_COLUMNS
    value, parts = _COLUMNS[kind]
    for arm in (0, 1):
        if kind == "judge" and law.usable[arm] < 1:
            rest = max(round(rows.judged * float(law.usable[arm])) - 2, 1)
        rng = generator(seed, EVALUATOR, lane, 2 * KINDS.index(kind) + arm)
        out = np.empty((replicates, len(columns)))
        if law.binary:
            p, se, sp = law.confusion(arm)
            if kind == "judge" and law.usable[arm] < 1:
                # Only the scores that there are count, whatever the labels would be.
                se, sp = float(law.alone[arm]), 1 - float(law.alone[arm])
            correct_binary(rng, n, rest, p, se, sp, _FREE, out)
        else:
            score, score_sd = (law.alone, law.alone_sd) if kind == "judge" else (law.score, law.score_sd)
            means = (float(law.label[arm]), float(score[arm]))
            sds = (float(law.label_sd[arm]), float(score_sd[arm]))
            correct_normal(rng, n, rest, means, sds, float(law.rho[arm]), _FREE, out)
        values += (2 * arm - 1) * out[:, columns.index(value)]
        for part in parts:
            variances += out[:, columns.index(part)]
    if law.severity_variance and kind != "judge":
        shift = generator(seed, EVALUATOR, lane, 2 * len(KINDS)).standard_normal(replicates)
        values += math.sqrt(law.severity_variance) * shift
    return values, variances


def play(what: Setting, kind: str, rows: Rows, replicates: int, seed: int) -> Played:
    """Simulate one option in the scenario's world and in its null twin."""
    from scipy.special import ndtri

    z = float(ndtri(1 - LEVEL / 2))
    found, variances = estimates(what.law, kind, rows, replicates, seed, 0)
    found = what.sign * found
    spread = np.sqrt(variances)
    up, down = found > z * spread, found < -z * spread
    covered = np.abs(found - what.effect) <= z * spread
    nothing, small = estimates(what.null, kind, rows, replicates, seed, 1)
    rejected = np.abs(nothing) > z * np.sqrt(small)
    right = ~(up | down)
    if correct(what, 1.0, 0.0) == 1.0:
        right = up
    elif correct(what, 0.0, 1.0) == 1.0:
        right = down
    sd = float(found.std(ddof=1))
    return Played(
        Figure(sd, sd / math.sqrt(2 * replicates)),
        Figure(float(found.mean() - what.effect), sd / math.sqrt(replicates)),
        *(_share(one) for one in (covered, up | down, rejected, right)),
    )


def _share(hits: npt.NDArray[np.bool_]) -> Figure:
    p = float(hits.mean())
    return Figure(p, math.sqrt(p * (1 - p) / len(hits)))


def compare(
    scenario: Scenario,
    budget: float | None = None,
    *,
    power: float = 0.8,
    variant: str | None = None,
    replicates: int = 20_000,
    seed: int = 1,
    concurrency: int = 10,
) -> Comparison:
    """Compare an LLM judge, people and both: same budget, same accuracy, and the frontier between them.

    Parameters
    ----------
    budget : float, optional
        Dollars for scoring; by default those of labelling a tenth of the planned responses.
    power : float
        Sets the accuracy to reach: the standard error that finds the scenario's effect with this power.
    variant : str, optional
        Compared with the control; by default the truly best.
    replicates, seed : int
        Experiments simulated for each figure.
    concurrency : int
        Judge calls at a time.
    """
    if isinstance(replicates, bool) or not 100 <= replicates <= MAX_REPLICATES:
        remedy = f"give 100 to {MAX_REPLICATES:,}"
        raise InputError("evaluators", "--replicates", f"{shown(replicates)} replicates", remedy)
    if isinstance(seed, bool) or seed < 0:
        raise InputError("evaluators", "--seed", f"{shown(seed)}", "give 0 or a larger whole number")
    what = setting(scenario, variant, concurrency)
    spent = what.plan_cost if budget is None else budget
    if not (math.isfinite(spent) and spent >= what.least):
        raise InputError("evaluators", "--budget", f"{shown(spent)} dollars", what.least_words)
    target = target_error(what, power)
    options = []
    for kind in KINDS:
        rows = rows_for(what, kind, spent)
        one = option(what, kind, rows)
        options.append((one, play(what, kind, rows, replicates, seed) if math.isfinite(one.se) else None))
    points = tuple(_point(what, spent * factor, replicates, seed) for factor in FRONTIER)
    return Comparison(what, spent, target, tuple(options), tuple(need(what, kind, target) for kind in KINDS), points)


def _point(what: Setting, budget: float, replicates: int, seed: int) -> Point:
    closed: dict[str, float | None] = {}
    played: dict[str, float | None] = {}
    errors: dict[str, float | None] = {}
    for kind in KINDS:
        rows = rows_for(what, kind, budget)
        one = option(what, kind, rows)
        usable = math.isfinite(one.se)
        closed[kind] = one.rmse if usable else None
        played[kind] = errors[kind] = None
        if usable:
            found, _ = estimates(what.law, kind, rows, replicates, seed, 2)
            square = (what.sign * found - what.effect) ** 2
            played[kind] = rmse = float(np.sqrt(square.mean()))
            errors[kind] = float(square.std()) / (2 * rmse * math.sqrt(replicates)) if rmse else 0.0
    return Point(budget, closed, played, errors)
