"""Where the power of a strategy reaches its target, along the units, the days or the effect of a study."""

from __future__ import annotations

import math
from dataclasses import dataclass

from expsim_panel import grid
from expsim_panel.first_enough import Found, first_enough
from expsim_panel.places import EFFECT
from expsim_panel.power_points import NO_EXACT, Meter, Point
from expsim_panel.scenario import Scenario

UNITS, PROMPTS, DAYS = "traffic.units_per_day", "offline.prompts", "traffic.days"

_FEW = 1000
"""Experiments at a point while a simulated answer is looked for coarsely."""
_STEP = 0.15
"""Relative step for the slope of the power, from which the uncertainty of a simulated answer follows."""
_CLOSE = 0.3
"""A simulated size is found to this part of its own uncertainty, which is about 1 / sqrt(experiments) of it."""
_GROWTH = 1.6


@dataclass(frozen=True)
class Reached:
    """Where a search ended.

    Attributes
    ----------
    point, before : Point or None
        The answer, and the nearest smaller step that was tried, which is too low.
    before_level : float
    slope : float or None
        What the answer moves per unit of power; None where exact or undefined.
    reason : str or None
        Why there is no answer.
    peak : Point or None
        Where the power was largest, at `level`.
    level : float
    """

    point: Point | None = None
    before: Point | None = None
    before_level: float = 0.0
    slope: float | None = None
    reason: str | None = None
    peak: Point | None = None
    level: float = 0.0

    def peak_at(self, asked: str) -> float:
        """Return where the power was largest, in what was asked for."""
        return float(sum(self.peak.per_arm)) if asked == "units" and self.peak is not None else self.level


def whole(meter: Meter, path: str, step: int, target: float, low: int, high: int) -> Reached:
    """Search over a whole number of the study, in steps; simulated curves first coarsely, with fewer experiments."""
    words: dict[int, str] = {}

    def height(n: int, replicates: int | None = None) -> float | None:
        found = meter.at({path: float(n * step)}, replicates)
        if isinstance(found, str):
            words[n] = found
            return None
        return found.power

    days = path == DAYS
    if not meter.why:
        # Every day near the answer: weekdays, ramps and looks at whole days let the power rise and fall.
        every, growth, ripple = (90, 1.3, 14) if days else (8, _GROWTH, 12)
        found = first_enough(height, target, low, high, growth=growth, every=every, ripple=ripple)
        short = words.get(found.at - 1, "") if found.at is not None else ""
        if not short.startswith(NO_EXACT):
            return _reached(meter, path, step, found, words)
        # Exact values begin above what may be enough: fewer rows have to be simulated.
        meter.why, high = short, found.at or high
    few = min(_FEW, meter.replicates)
    margin = 1.5 / math.sqrt(few)
    rough = first_enough(
        lambda n: height(n, few), max(target - margin, target / 2), low, high, growth=_GROWTH, every=0, ripple=0,
        coarse=max(1, int(0.1 * low)),
    )  # fmt: skip
    if rough.at is None:
        return _reached(meter, path, step, rough, words)
    close = 1 if days else max(1, int(_CLOSE * rough.at / math.sqrt(meter.replicates)))
    start = max(low, rough.at if rough.before is None else rough.before)
    found = first_enough(height, target, start, high, growth=1.2, every=6, ripple=0, coarse=close)
    return _reached(meter, path, step, found, words)


def _reached(meter: Meter, path: str, step: int, found: Found, words: dict[int, str]) -> Reached:
    if found.at is None:
        what = "days" if path == DAYS else "units"
        most = f"no number of {what} that this study has room for gives this power"
        if found.highest_at is None:
            return Reached(reason=list(words.values())[-1] if words else most)
        end = words.get(found.last + 1) if found.last is not None else None
        level = float(found.highest_at * step)
        peak = meter.at({path: level})
        return Reached(reason=f"{most}: {end}" if end else most, peak=_known(peak), level=level)
    level = float(found.at * step)
    under = 0.0 if found.before is None else float(found.before * step)
    before = _known(meter.at({path: under})) if under else None
    slope = _slope(meter, path, level, step) if meter.why else None
    return Reached(_known(meter.at({path: level})), before, under, slope)


def _known(point: Point | str) -> Point | None:
    return None if isinstance(point, str) else point


def _slope(meter: Meter, path: str, at: float, step: int = 0) -> float | None:
    """Return how far an answer moves per unit of power, by points on both sides; None where that is undefined."""
    reach = float(step * max(1, round(_STEP * at / step))) if step else _STEP * at
    known = []
    for level in (at - reach, at, at + reach):
        point = meter.at({path: level}) if level > 0 else "nothing"
        if isinstance(point, Point):
            known.append((float(sum(point.per_arm)) if path in (UNITS, PROMPTS) else level, point.power))
    if len(known) < 2 or known[0][1] == known[-1][1]:
        return None
    return abs((known[-1][0] - known[0][0]) / (known[-1][1] - known[0][1]))


def effect(meter: Meter, target: float) -> Reached:
    """Search for the smallest effect of the best variant."""
    from scipy.optimize import brentq

    scenario = meter.mover.study.scenario
    most = grid.largest_effect(scenario) * (1 - 1e-9)
    if most <= 0:
        return Reached(reason="the control leaves no room for a better variant")
    spread = float(scenario.sds.max()) or 1.0
    most = min(most, 1e6 * spread)
    few = min(_FEW, meter.replicates) if meter.why else None

    def height(size: float, replicates: int | None = None) -> float:
        found = meter.at({EFFECT: size}, replicates)
        return found.power if isinstance(found, Point) else -1.0

    low, high, peak = 0.0, min(1e-6 * spread, most), (-1.0, 0.0)
    while True:
        now = height(high, few)
        peak = max(peak, (now, high), key=lambda pair: pair[0])
        if now >= target:
            break
        if high >= most:
            last = meter.at({EFFECT: high}, few)
            why = last if isinstance(last, str) else f"no effect up to {most:.6g} has this power"
            return Reached(reason=why, peak=_known(meter.at({EFFECT: peak[1]})), level=peak[1])
        low, high = high, min(_GROWTH * high, most)
    if not meter.why:
        if low > 0:
            high = float(brentq(lambda size: height(size) - target, low, high, xtol=1e-15 * spread, rtol=1e-13))
        return Reached(_known(meter.at({EFFECT: high})))
    # With all experiments the crossing may lie a step away from where few of them have it.
    while height(high) < target and high < most:
        low, high = high, min(_GROWTH * high, most)
    if height(high) < target:
        return Reached(
            reason=f"no effect up to {most:.6g} has this power", peak=_known(meter.at({EFFECT: high})), level=high
        )
    while low > 0 and height(low) >= target:
        low, high = low / _GROWTH, low
    while high - low > 0.5 * _CLOSE / math.sqrt(meter.replicates) * high:
        middle = 0.5 * (low + high)
        low, high = (low, middle) if height(middle) >= target else (middle, high)
    slope = _slope(meter, EFFECT, high)
    return Reached(_known(meter.at({EFFECT: high})), slope=slope)


def settle(meter: Meter, levels: dict[str, float]) -> None:
    """Let the meter simulate where a plan that stays as it is has too few rows for exact values."""
    point = meter.at(levels)
    if isinstance(point, str) and point.startswith(NO_EXACT) and not meter.why:
        meter.why = point


def some_effect(scenario: Scenario) -> float:
    """Return an effect that the study has room for."""
    most = grid.largest_effect(scenario)
    return min(0.1 * (float(scenario.sds.max()) or 1.0), most / 2)


def here(meter: Meter) -> Reached:
    """Return the point at which the study is."""
    point = meter.at({})
    return Reached(reason=point) if isinstance(point, str) else Reached(point)
