"""Any two numbers of a study against any operating characteristic: exact where exact exists, else simulated."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from expsim_panel import engine, exact, operating, plan, quantities
from expsim_panel.axes import Axis, Mover
from expsim_panel.cells import Cancelled, Progress, Watch
from expsim_panel.economics import ledger
from expsim_panel.errors import InputError, did_you_mean, shown
from expsim_panel.results import Figure
from expsim_panel.study import Study

ResultSoFar = Callable[["ResponseSurface"], None]

METRICS: dict[str, tuple[str, str, str]] = {
    "power": ("truth", "rejection", "Chance to find the difference"),
    "type1_error": ("null", "rejection", "Chance of a false alarm"),
    "type1_error_unbiased": ("unbiased", "rejection", "Chance of a false alarm, perfect evaluator"),
    "false_launch": ("null", "launch", "Chance of a false launch"),
    "p_correct": ("truth", "p_correct", "Chance of a correct decision"),
    "p_harmful_launch": ("truth", "p_harmful_launch", "Chance of a harmful launch"),
    "p_missed_win": ("truth", "p_missed_win", "Chance to miss a win"),
    "p_inconclusive": ("truth", "p_inconclusive", "Chance of no decision"),
    "units": ("truth", "units", "Expected units"),
    "exposures": ("truth", "exposures", "Expected responses"),
    "judged": ("truth", "judged", "Expected responses judged"),
    "labelled": ("truth", "labelled", "Expected responses labelled"),
    "days": ("truth", "days", "Expected days to a decision"),
    "cost": ("truth", "cost", "Expected cost of the experiment"),
    "cost_per_correct": ("truth", "cost_per_correct", "Cost per correct decision"),
    "regret": ("truth", "regret", "Expected loss against the best variant, $"),
    "simple_regret": ("truth", "simple_regret", "Expected loss of the choice, $ per response"),
    "traffic_on_worse_arms": ("truth", "traffic_on_worse_arms", "Traffic on worse variants"),
    "exaggeration": ("truth", "exaggeration", "Estimate over truth among launches"),
    "coverage": ("truth", "coverage", "Coverage of the interval"),
}
"""What a surface can show: world that is played, figure read from it, plain words.

``power`` is the chance of a rejection; where no variant is better that is a false alarm.
"""

SHARES = (
    "power", "type1_error", "type1_error_unbiased", "false_launch", "p_correct", "p_harmful_launch", "p_missed_win",
    "p_inconclusive", "traffic_on_worse_arms", "coverage",
)  # fmt: skip
"""Those that are shares of 1."""


@dataclass(frozen=True)
class ResponseSurface:
    """One figure of one strategy over one or two numbers of a study.

    Attributes
    ----------
    strategy, metric : str
        Whose figure, and which of `METRICS`.
    x : Axis
        Across.
    y : Axis or None
        Upwards; None for a curve.
    value : ndarray, shape (y levels or 1, x levels)
        nan where the levels contradict each other, or where the figure is undefined.
    se : ndarray, same shape, or None
        Monte Carlo standard error; None for exact values.
    reason : str or None
        Why it is simulated; None where it is exact.
    gaps : tuple of str
        Why cells are empty, each reason once.
    digest : str
        Digest of the request that was varied.
    seed, replicates : int
        Of the simulated cells; replicates are 0 where all is exact.
    done : float
        Share of the cells that are in; below 1 in a picture that is still being refined.
    """

    strategy: str
    metric: str
    x: Axis
    y: Axis | None
    value: np.ndarray
    se: np.ndarray | None
    reason: str | None
    gaps: tuple[str, ...]
    digest: str
    seed: int
    replicates: int
    done: float = 1.0

    @property
    def exact(self) -> bool:
        """Whether the values have no simulation error."""
        return self.se is None

    @property
    def words(self) -> str:
        """Name the figure in plain words."""
        return METRICS[self.metric][2]

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object; an empty cell is null, and `gaps` says why."""

        def table(values: np.ndarray) -> list[list[float | None]]:
            return [[float(cell) if np.isfinite(cell) else None for cell in row] for row in values]

        return {
            "strategy": self.strategy,
            "metric": self.metric,
            "words": self.words,
            "exact": self.exact,
            "reason": self.reason,
            "x": self.x.to_json(),
            "y": self.y.to_json() if self.y else None,
            "value": table(self.value),
            "se": None if self.se is None else table(self.se),
            "gaps": list(self.gaps),
            "provenance": {"request_digest": self.digest, "seed": self.seed, "replicates": self.replicates},
        }

    def dataset(self) -> Any:
        """Return a `holoviews.Dataset` with the axes as dimensions; imported here, as it takes half a second."""
        import holoviews as hv

        values = [self.metric] if self.se is None else [self.metric, "se"]
        tables = [self.value] if self.se is None else [self.value, self.se]
        if self.y is None:
            return hv.Dataset((self.x.values, *(table[0] for table in tables)), [self.x.path], values)
        return hv.Dataset((self.x.values, self.y.values, *tables), [self.x.path, self.y.path], values)


def response_surface(
    study: Study,
    strategy: str,
    x: Axis,
    y: Axis | None = None,
    *,
    metric: str = "power",
    replicates: int = 2000,
    simulate: bool = False,
    workers: int = 1,
    progress: Progress | None = None,
    cancelled: Cancelled | None = None,
    partial: ResultSoFar | None = None,
) -> ResponseSurface:
    """Return a figure over one or two numbers of a study.

    Parameters
    ----------
    study : Study
        Not changed.
    strategy : str
        Name of one of its strategies.
    x, y : Axis
        From `axes.axis` or `axes.parse`.
    metric : str
        One of `METRICS`.
    replicates : int
        Simulated experiments per cell; every cell gets the same random numbers.
    simulate : bool
        True simulates even where an exact value exists.
    workers : int
        Threads of the simulation.
    progress, cancelled
        Called with (cells done, cells); asked before each, True raises `engine.Cancelled`.
    partial : callable, optional
        Called with what is there after the coarse cells, which come first.

    Raises
    ------
    InputError
        Unknown strategy or metric, the same axis twice, or levels of which none can be studied.
    """
    names = [one.name for one in study.strategies]
    if strategy not in names:
        raise InputError("surface", "--strategy", f"unknown strategy {shown(strategy)}", did_you_mean(strategy, names))
    if metric not in METRICS:
        raise InputError("surface", "--metric", f"unknown metric {shown(metric)}", did_you_mean(metric, METRICS))
    if y is not None and x.path == y.path:
        raise InputError("surface", "--y", f"{y.path} is also on the other axis", "choose another number")
    request = study.freeze()
    mover, at = Mover(study), names.index(strategy)
    mover.study.put("replicates", replicates, "surface")

    def picture(canvas: _Canvas) -> ResponseSurface:
        simulated = canvas.reason is not None
        return ResponseSurface(
            strategy, metric, x, y, canvas.value.copy(), canvas.se.copy() if simulated else None, canvas.reason,
            tuple(canvas.gaps), request.digest, request.seed, int(replicates) if simulated else 0, canvas.done,
        )  # fmt: skip

    show = None if partial is None else lambda canvas: partial(picture(canvas))
    canvas = _Canvas(x, y, None)
    ask = Watch(progress, cancelled, canvas.value.size)
    reason = "asked to simulate" if simulate else canvas.fill(mover, _exact_cell(at, metric), ask, show)
    if reason is not None:
        canvas = _Canvas(x, y, reason)
        ask = Watch(progress, cancelled, canvas.value.size)
        canvas.fill(mover, _simulated_cell(at, metric, workers, ask), ask, show)
    if not np.isfinite(canvas.value).any():
        why = next(iter(canvas.gaps), "is undefined")
        raise canvas.refused or InputError("surface", metric, why, "choose other levels")
    return picture(canvas)


Cell = Callable[[Study], Figure | str]
"""The figure of a study, or why this one has none."""


class _NoExact(Exception):
    """No study on these axes has an exact value of the metric."""


class _Canvas:
    """The cells of a surface while they are being filled."""

    def __init__(self, x: Axis, y: Axis | None, reason: str | None) -> None:
        self.x, self.y, self.reason = x, y, reason
        shape = (1 if y is None else y.values.size, x.values.size)
        self.value, self.se = np.full(shape, np.nan), np.full(shape, np.nan)
        self.gaps: dict[str, None] = {}
        self.refused: InputError | None = None
        self.done = 0.0

    def fill(self, mover: Mover, cell: Cell, ask: Watch, show: Callable[[_Canvas], None] | None) -> str | None:
        """Fill the cells, coarse ones first; return why there are no exact values, where that turns out."""
        order = list(_order(*self.value.shape))
        for count, (i, j) in enumerate(order, start=1):
            ask.check()
            levels = {self.x.path: float(self.x.values[j])}
            if self.y is not None:
                levels[self.y.path] = float(self.y.values[i])
            try:
                self._put(i, j, cell(mover.to(levels)))
            except InputError as error:
                self.refused = error
                self.gaps[f"{error.problem} ({error.key})" if error.key else error.problem] = None
            except _NoExact as none:
                return str(none)
            ask.step()
            self.done = count / len(order)
            if show and count in (_coarse(*self.value.shape), len(order) // 2):
                show(self)
        # Not one cell has an exact value: simulation may still have one for each.
        nothing = self.reason is None and self.refused is None and not np.isfinite(self.value).any()
        return next(iter(self.gaps), None) if nothing else None

    def _put(self, i: int, j: int, figure: Figure | str) -> None:
        if isinstance(figure, str):
            self.gaps[figure] = None
        elif figure.value is None:
            self.gaps[figure.reason or "undefined"] = None
        else:
            self.value[i, j] = figure.value
            self.se[i, j] = np.nan if figure.se is None else figure.se


def _stride(up: int, across: int) -> tuple[int, int]:
    return max(1, up // 5), max(1, across // 5)


def _coarse(up: int, across: int) -> int:
    down, right = _stride(up, across)
    return len(range(0, up, down)) * len(range(0, across, right))


def _order(up: int, across: int) -> Iterator[tuple[int, int]]:
    """Yield every cell once: a coarse lattice first, then the rest row by row."""
    down, right = _stride(up, across)
    for i in range(0, up, down):
        for j in range(0, across, right):
            yield i, j
    for i in range(up):
        for j in range(across):
            if i % down or j % right:
                yield i, j


def _exact_cell(at: int, metric: str) -> Cell:
    world, key, _ = METRICS[metric]
    names = {"rejection", "launch", "units", "exposures", "days", "cost", "judged", "labelled"}

    def cell(study: Study) -> Figure | str:
        scenario, one = study.scenario, study.strategies[at]
        if key not in names:
            raise _NoExact("no exact value of this figure")
        absent = exact.why_not(scenario, one)
        if absent:
            raise _NoExact(absent)
        money = ledger(scenario)
        found = exact.operating(scenario, one, world, money)
        if isinstance(found, str):
            return found
        if key in ("judged", "labelled"):
            return Figure(found.values["rows"] * money.responses[{"judged": "judge", "labelled": "human"}[key]])
        return Figure(found.values[key])

    return cell


def _simulated_cell(at: int, metric: str, workers: int, ask: Watch) -> Cell:
    world, key, _ = METRICS[metric]

    def cell(study: Study) -> Figure | str:
        strategies = study.strategies
        study.strategies = [strategies[at]]
        try:
            request = study.freeze()
        finally:
            study.strategies = strategies
        scenario, one = study.scenario, strategies[at]
        played = "null" if world == "unbiased" and scenario.evaluator.kind == "truth" else world
        out = engine.outcomes(request, played, workers=workers, cancelled=ask.cancelled)[one.name]
        if key in ("rejection", "launch"):
            if world == "truth" and len(scenario.variants) > 2:
                return operating.proportion((out.code > 0) & (scenario.effects[np.maximum(out.code, 0)] > 0))
            return operating.alarms(out, {})[key]
        effects = plan.law(scenario, world, request.seed, 0, 1).effects
        return operating.figures(scenario, one, ledger(scenario), out, effects, "simulated")[key]

    return cell


def written(metric: str, value: float) -> str:
    """Format a value of a metric; an empty cell is a dash."""
    if not np.isfinite(value):
        return "-"
    if metric in SHARES:
        return quantities.percent(value)
    if metric in ("cost", "cost_per_correct", "regret", "simple_regret"):
        return quantities.money(value)
    if metric == "days":
        return quantities.days(value)
    return quantities.points(value) if metric == "exaggeration" else quantities.count(value)
