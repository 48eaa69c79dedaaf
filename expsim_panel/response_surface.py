"""Any two numbers of a study against any operating characteristic: exact where exact exists, else simulated."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from expsim_panel import quantities
from expsim_panel.arm_axes import ARMS, names_an_arm
from expsim_panel.axes import Axis
from expsim_panel.errors import InputError, did_you_mean, shown
from expsim_panel.meaningless import idle
from expsim_panel.mover import Mover
from expsim_panel.study import Study
from expsim_panel.surface_cells import Cancelled, Canvas, Progress, Watch, difference, exactly, simulated
from expsim_panel.surface_metrics import DAYS, METRICS, MONEY, RATIOS, is_share, metrics_of

__all__ = ["METRICS", "MONEY", "ResponseSurface", "is_share", "response_surface", "unsigned", "written"]

ResultSoFar = Callable[["ResponseSurface"], None]


@dataclass(frozen=True)
class ResponseSurface:
    """Figures of one strategy over one or two numbers of a study, or the differences of two strategies'.

    Attributes
    ----------
    strategy, metric : str
        Whose figures, and which of `METRICS` was asked for.
    minus : str or None
        Strategy whose figures are taken away.
    x : Axis
        Across.
    y : Axis or None
        Upwards; None for a curve.
    values : dict of ndarray, shape (y levels or 1, x levels)
        By metric: the one asked for, and what came with it. nan where the levels contradict each other, or where
        the figure is undefined.
    errors : dict of ndarray, same shape, or None
        Monte Carlo standard errors by metric; None for exact values.
    reason : str or None
        Why it is simulated; None where it is exact.
    gaps : tuple of str
        Why cells are empty, each reason once.
    digest : str
        Digest of the request that was varied.
    seed, replicates : int
        Of the simulated cells; replicates are 0 where all is exact.
    notes : tuple of str
        Axes along which the figure does not change, with the reason where one is known.
    done : float
        Share of the cells that are in; below 1 in a picture that is still being refined.
    named : dict of str
        Plain words of the metrics in `values`.
    """

    strategy: str
    metric: str
    minus: str | None
    x: Axis
    y: Axis | None
    values: Mapping[str, np.ndarray]
    errors: Mapping[str, np.ndarray] | None
    reason: str | None
    gaps: tuple[str, ...]
    digest: str
    seed: int
    replicates: int
    notes: tuple[str, ...] = ()
    done: float = 1.0
    named: Mapping[str, str] = field(default_factory=dict)

    @property
    def exact(self) -> bool:
        """Whether the values have no simulation error."""
        return self.errors is None

    @property
    def value(self) -> np.ndarray:
        """The figure that was asked for, shape (y levels or 1, x levels)."""
        return self.values[self.metric]

    @property
    def se(self) -> np.ndarray | None:
        """Its standard error; None for exact values."""
        return None if self.errors is None else self.errors[self.metric]

    @property
    def words(self) -> str:
        """Name the figure in plain words."""
        return self.named.get(self.metric) or METRICS[self.metric][2]

    @property
    def mine(self) -> str:
        """Name the point that the map was made around."""
        return "your study"

    @property
    def whose(self) -> str:
        """Name the strategy, or the two that are compared."""
        return self.strategy if self.minus is None else f"{self.strategy} minus {self.minus}"

    @property
    def results_digest(self) -> str:
        """SHA-256 of values and errors, float64 little-endian: the same on any number of threads."""
        seen = hashlib.sha256()
        for table in (self.value, *([] if self.se is None else [self.se])):
            seen.update(np.ascontiguousarray(table, "<f8").tobytes())
        return seen.hexdigest()

    def showing(self, metric: str) -> ResponseSurface:
        """Return the same surface with another of its metrics in front."""
        return replace(self, metric=metric)

    def nearest(self, x: float, y: float = 0.0) -> tuple[int, int]:
        """Return the indices (y, x) of the cell nearest to a point."""
        up = 0 if self.y is None else int(np.abs(self.y.values - y).argmin())
        return up, int(np.abs(self.x.values - x).argmin())

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object; an empty cell is null, and `gaps` says why."""

        def table(values: np.ndarray) -> list[list[float | None]]:
            return [[float(cell) if np.isfinite(cell) else None for cell in row] for row in values]

        provenance = {
            "request_digest": self.digest,
            "digest": self.results_digest,
            "seed": self.seed,
            "replicates": self.replicates,
        }
        return {
            "strategy": self.strategy,
            "minus": self.minus,
            "metric": self.metric,
            "words": self.words,
            "exact": self.exact,
            "reason": self.reason,
            "x": self.x.to_json(),
            "y": self.y.to_json() if self.y else None,
            "value": table(self.value),
            "se": None if self.se is None else table(self.se),
            "gaps": list(self.gaps),
            "notes": list(self.notes),
            "provenance": provenance,
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
    minus: str | None = None,
    replicates: int = 2000,
    simulate: bool = False,
    fill: bool = True,
    workers: int | None = None,
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
        One of `surface_metrics.metrics_of` the study's scenario.
    minus : str, optional
        Another strategy of the study: the surface is then the difference, `strategy` less `minus`. Where both are
        simulated on a fixed split they see the same experiments, and the error is that of the paired difference.
    replicates : int
        Simulated experiments per cell; every cell gets the same random numbers.
    simulate : bool
        True simulates even where an exact value exists.
    fill : bool
        False leaves cells without an exact value empty where others have one; True simulates them.
    workers : int, optional
        Threads of the simulation; all cores by default. The result does not depend on it.
    progress, cancelled
        Called with (cells done, cells); asked before each, True raises `engine.Cancelled`.
    partial : callable, optional
        Called with what is there after the coarse cells, which come first, and halfway.

    Raises
    ------
    InputError
        Unknown strategy or metric, the same axis twice, or levels of which none can be studied.
    """
    names = [one.name for one in study.strategies]
    for flag, name in (("--strategy", strategy), ("--minus", minus)):
        if name is not None and name not in names:
            raise InputError("surface", flag, f"unknown strategy {shown(name)}", did_you_mean(name, names))
    if minus == strategy:
        raise InputError("surface", "--minus", f"{shown(minus)} less itself is 0", "name another strategy")
    offered = metrics_of(study.scenario)
    if metric not in offered:
        raise InputError("surface", "--metric", *_unknown(study, metric))
    if y is not None and x.path == y.path:
        raise InputError("surface", "--y", f"{y.path} is also on the other axis", "choose another number")
    if y is not None and ARMS in (x.path, y.path):
        for flag, other in (("--x", x.path), ("--y", y.path)):
            if names_an_arm(other):
                problem = f"{other} is of a variant, and {ARMS} changes which there are"
                raise InputError("surface", flag, problem, "vary effect, or what is the control's")
    request = study.freeze()
    mover = Mover(study, tuple(one.path for one in (x, y) if one is not None))
    mover.study.put("replicates", replicates, "surface")
    world, key, _ = offered[metric]
    known = {name: column for name, (where, column, _) in offered.items() if where == world}
    both = [names.index(name) for name in (strategy, minus) if name is not None]
    total = (1 if y is None else y.values.size) * x.values.size

    def picture(canvas: Canvas) -> ResponseSurface:
        values, errors = canvas.tables(known, metric)
        return ResponseSurface(
            strategy, metric, minus, x, y, values, errors, canvas.reason, tuple(canvas.gaps), request.digest,
            request.seed, int(replicates) if errors is not None else 0, _unmoved(study, x, y, values[metric]),
            canvas.done, {name: offered[name][2] for name in values},
        )  # fmt: skip

    show = None if partial is None else lambda canvas: partial(picture(canvas))
    found: list[Canvas | str] = []
    for at in both:
        # The first exact part of a difference is none yet: only what comes after it is reported and shown.
        ask = Watch(None if minus else progress, cancelled, total)
        canvas = Canvas(x, y)
        why = "asked to simulate" if simulate else exactly(canvas, mover, at, world, key, ask, None if minus else show)
        if why is None and minus is not None and canvas.absent:
            # Differences are of two exact values, or of two strategies on the same experiments.
            why = next(iter(canvas.absent.values()))
        found.append(canvas if why is None else why)
    rest = [at for at, part in zip(both, found, strict=True) if isinstance(part, str)]
    canvas = Canvas(x, y, reason="; ".join(dict.fromkeys(part for part in found if isinstance(part, str))) or None)

    exact_parts = [part for part in found if isinstance(part, Canvas)]

    def whole(part: Canvas) -> Canvas:
        """Return what is shown of a part: itself, or the difference that it belongs to."""
        if minus is None or not exact_parts:
            return part
        first, second = (one if isinstance(one, Canvas) else part for one in found)
        return difference(first, second)

    def show_whole(part: Canvas) -> None:
        if partial is not None:
            partial(picture(whole(part)))

    if rest:
        ask = Watch(progress, cancelled, total)
        simulated(canvas, mover, rest, world, key, replicates, workers, ask, show_whole)
    elif minus is not None and progress:
        progress(total, total)
    elif fill and exact_parts[0].absent:
        canvas, ask = exact_parts[0], Watch(progress, cancelled, total)
        left = canvas.simulate_the_rest()
        ask.done = total - len(left)
        simulated(canvas, mover, both, world, key, replicates, workers, ask, show_whole, left)
    canvas = whole(canvas if rest else exact_parts[0])
    if not canvas.filled(key):
        why_not = next(iter(canvas.gaps), "is undefined")
        raise canvas.refused or InputError("surface", metric, why_not, "choose other levels")
    return picture(canvas)


def _unmoved(study: Study, x: Axis, y: Axis | None, values: np.ndarray) -> tuple[str, ...]:
    """Say along which axes a figure is the same to the last digit, which no chance does."""
    notes = []
    for axis, at in ((x, 1), (y, 0)):
        if axis is None or values.shape[at] < 2 or not np.isfinite(values).all() or np.ptp(values, axis=at).any():
            continue
        reason = idle(study.scenario, axis.path)
        notes.append(f"{axis.path} changes nothing here" + (f": {reason}" if reason else ""))
    return tuple(notes)


def _unknown(study: Study, metric: str) -> tuple[str, str]:
    """Return problem and remedy of a metric that there is not."""
    problem = f"unknown metric {shown(metric)}"
    guarded = metric.startswith(("guardrails.", "p_pass", "p_fail", "p_unknown"))
    if guarded and not study.scenario.guardrails:
        return problem, "the scenario has no guardrails: add [[guardrails]] to its file"
    return problem, did_you_mean(metric, metrics_of(study.scenario))


def written(metric: str, value: float, apart: bool = False) -> str:
    """Format a value of a metric, or with `apart` a difference of two, signed; an empty cell is a dash."""
    if not np.isfinite(value):
        return "-"
    text = unsigned(metric, abs(value), apart)
    sign = "+" if apart and value > 0 else "-" if value < 0 else ""
    # What reads as 0 has no sign.
    return sign + text if any(digit in text for digit in "123456789") else text


def unsigned(metric: str, value: float, apart: bool = False) -> str:
    """Format the size of a value or an error; shares that are `apart` are percentage points."""
    if not np.isfinite(value):
        return "-"
    if is_share(metric):
        return (
            f"{100 * value:.{1 if value >= 0.001 or value == 0 else 2}f} {quantities.PP}"
            if apart
            else quantities.percent(value)
        )
    if metric in MONEY:
        return quantities.money(value)
    if metric in DAYS:
        return quantities.days(value)
    return quantities.points(value) if metric in RATIOS else quantities.count(value)
