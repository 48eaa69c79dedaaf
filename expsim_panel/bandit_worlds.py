"""What may happen to a bandit beyond the classic problem: delay, batches, change, a judge, costs, late arms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from expsim_panel.checked import is_real
from expsim_panel.errors import InputError, did_you_mean, shown

Floats = npt.NDArray[np.float64]

MAX_PERIOD, MAX_SHIFTS, MAX_POPULATION = 1_000_000, 1000, 10**15
_LARGEST = 1e6


@dataclass(frozen=True)
class BanditWorld:
    """A world for `bandit`; the default is the classic problem. Requests are counted from 0, arms as in `means`.

    Attributes
    ----------
    delay : int
        Requests until a reward is known, less than the horizon: before request t those before ``t - delay`` are.
    batch : int
        Requests between two questions to the policy, which then learns what has become known.
    shift : sequence of (int, sequence of float)
        Abrupt changes: from this request on these are the means.
    drift : sequence of float, shape (arms,)
        Change of each mean over the whole horizon, linear, on top of the shifts.
    season : (float, int), optional
        Amplitude and period in requests of a sine that moves all arms alike.
    judge_bias : sequence of float, shape (arms,)
        Normal rewards: what the evaluator adds to each arm's reward.
    judge_noise : float
        Normal rewards: standard deviation of the evaluator's own noise.
    sensitivity, specificity : sequence of float, shape (1,) or (arms,)
        0/1 rewards: P(seen as 1 | 1), P(seen as 0 | 0), for all arms or by arm.
    arrives : sequence of int, shape (arms,)
        Request from which on each arm can be chosen; at least one is there from request 0.
    cost : sequence of float, shape (1,) or (arms,)
        Dollars per pull.
    value_per_point : float
        Dollars per unit of true reward.
    population : int, optional
        Requests in all, at least the horizon: after it the arm that the policy keeps serves the rest.
    """

    delay: int = 0
    batch: int = 1
    shift: tuple[tuple[int, tuple[float, ...]], ...] = ()
    drift: tuple[float, ...] = ()
    season: tuple[float, int] | None = None
    judge_bias: tuple[float, ...] = ()
    judge_noise: float = 0.0
    sensitivity: tuple[float, ...] = ()
    specificity: tuple[float, ...] = ()
    arrives: tuple[int, ...] = ()
    cost: tuple[float, ...] = ()
    value_per_point: float = 1.0
    population: int | None = None

    @property
    def plain(self) -> bool:
        """Whether the classic loop plays it: only the reckoning afterwards may differ."""
        reckoning = {"value_per_point": 1.0, "population": None}
        return BanditWorld(**{**self.tree(), **reckoning}) == BanditWorld()

    @property
    def changing(self) -> bool:
        """Whether the best arm at hand may depend on the request."""
        return bool(self.shift) or any(self.drift) or any(self.arrives)

    @property
    def judged(self) -> bool:
        """Whether rewards seen differ in law from the true ones."""
        return bool(any(self.judge_bias) or self.judge_noise or self.sensitivity or self.specificity)

    def tree(self) -> dict[str, Any]:
        """Return what differs from the classic problem, by name."""
        return {key: value for key, value in asdict(self).items() if value != getattr(BanditWorld, key)}


def read_world(
    given: BanditWorld | Mapping[str, object] | None, means: Floats, horizon: int, family: str, where: str = "bandit"
) -> BanditWorld:
    """Return a world whose parts fit the problem.

    Raises
    ------
    InputError
        Unknown name, wrong length, a value out of bounds, a success rate that leaves 0 to 1.
    """
    names = [one.name for one in fields(BanditWorld)]
    if isinstance(given, BanditWorld):
        given = {name: getattr(given, name) for name in names}
    if given is not None and not isinstance(given, Mapping):
        raise InputError(where, "world", f"{shown(given)} is no world", "give for example {'delay': 100}")
    asked = dict(given or {})
    for key in asked:
        if key not in names:
            raise InputError(where, str(key), f"unknown key {shown(key)}", did_you_mean(str(key), names))
    arms = means.size
    read = _Reader(asked, where)
    population = asked.get("population")
    made = BanditWorld(
        delay=read.whole("delay", 0, 0, horizon - 1, "a whole number below the horizon"),
        batch=read.whole("batch", 1, 1, horizon, "a whole number from 1 to the horizon"),
        shift=_shifts(read, asked.get("shift"), arms, horizon),
        drift=read.numbers("drift", arms),
        season=_season(read, asked.get("season")),
        judge_bias=read.numbers("judge_bias", arms),
        judge_noise=read.number("judge_noise", 0.0, 0.0),
        sensitivity=read.numbers("sensitivity", arms, True, 0.0, 1.0),
        specificity=read.numbers("specificity", arms, True, 0.0, 1.0),
        arrives=_arrivals(read, arms, horizon),
        cost=read.numbers("cost", arms, True, 0.0),
        value_per_point=read.number("value_per_point", 1.0, None),
        population=None
        if population is None
        else read.whole("population", horizon, horizon, MAX_POPULATION, "a whole number, at least the horizon"),
    )
    _check_judge(made, family, where)
    if family == "bernoulli":
        _check_rates(made, means, horizon, where)
    return made


class _Reader:
    """The parts of a world, with an `InputError` that names the key."""

    def __init__(self, asked: Mapping[str, object], where: str) -> None:
        self.asked, self.where = asked, where

    def fail(self, key: str, problem: str, remedy: str) -> InputError:
        return InputError(self.where, key, problem, remedy)

    def whole(self, key: str, default: int, least: int, most: int, remedy: str) -> int:
        value = self.asked.get(key, default)
        if not is_real(value) or int(value) != value or not least <= int(value) <= most:  # type: ignore[call-overload]
            raise self.fail(key, f"{key.replace('_', ' ')} is {shown(value)}", f"give {remedy}")
        return int(value)  # type: ignore[call-overload, no-any-return]

    def number(self, key: str, default: float, least: float | None) -> float:
        value = self.asked.get(key, default)
        if not is_real(value) or abs(float(value)) > _LARGEST or (least is not None and float(value) < least):  # type: ignore[arg-type]
            words = "a finite number" if least is None else f"a finite number of at least {least:g}"
            raise self.fail(key, f"{key.replace('_', ' ')} is {shown(value)}", f"give {words}")
        return float(value)  # type: ignore[arg-type]

    def numbers(
        self, key: str, arms: int, one: bool = False, least: float | None = None, most: float | None = None
    ) -> tuple[float, ...]:
        return self.row(key, self.asked.get(key, ()), arms, one, least, most)

    def row(
        self, key: str, value: object, arms: int, one: bool, least: float | None, most: float | None
    ) -> tuple[float, ...]:
        if value is None or (isinstance(value, Sequence) and not value):
            return ()
        listed = [value] if is_real(value) else value
        words = key.replace("_", " ")
        if isinstance(listed, str) or not isinstance(listed, Sequence | np.ndarray):
            raise self.fail(key, f"{words} is {shown(value)}", "give numbers such as 0.1,0.2")
        if not all(is_real(part) and abs(part) <= _LARGEST for part in listed):
            raise self.fail(key, f"{words} is {shown(value)}", "give finite numbers")
        if len(listed) != arms and not (one and len(listed) == 1):
            count = f"{len(listed)} number{'s' if len(listed) != 1 else ''} for {arms} arms"
            raise self.fail(key, count, f"give {'one number for all arms or ' if one else ''}one for each arm")
        found = tuple(float(part) for part in listed)
        for part in found:
            if (least is not None and part < least) or (most is not None and part > most):
                bounds = f"from {least:g} to {most:g}" if most is not None else f"of at least {least:g}"
                raise self.fail(key, f"{words} holds {part:g}", f"give numbers {bounds}")
        return found


def _shifts(read: _Reader, given: object, arms: int, horizon: int) -> tuple[tuple[int, tuple[float, ...]], ...]:
    if given is None or (isinstance(given, Sequence) and not given):
        return ()
    how = "give pairs of a request and the means from it on, such as (1000, (0.5, 0.3))"
    if isinstance(given, str) or not isinstance(given, Sequence):
        raise read.fail("shift", f"{shown(given)} is no list of shifts", how)
    if len(given) == 2 and is_real(given[0]) and not is_real(given[1]):
        given = [given]
    if len(given) > MAX_SHIFTS:
        raise read.fail("shift", f"{len(given)} shifts", f"give at most {MAX_SHIFTS}")
    found: list[tuple[int, tuple[float, ...]]] = []
    for one in given:
        if isinstance(one, str) or not isinstance(one, Sequence) or len(one) != 2:
            raise read.fail("shift", f"{shown(one)} is no shift", how)
        at, row = one
        if not is_real(at) or int(at) != at or not 1 <= at < horizon:
            raise read.fail("shift", f"a shift at {shown(at)}", "give a whole number from 1, below the horizon")
        if found and at <= found[-1][0]:
            raise read.fail("shift", f"a shift at {int(at)} after one at {found[-1][0]}", "give shifts in order")
        values = read.row("shift", row, arms, False, None, None)
        if not values:
            raise read.fail("shift", f"no means at {int(at)}", how)
        found.append((int(at), values))
    return tuple(found)


def _season(read: _Reader, given: object) -> tuple[float, int] | None:
    if given is None:
        return None
    how = f"give an amplitude and a period of 2 to {MAX_PERIOD:,} requests, such as 0.2:500"
    if isinstance(given, str) or not isinstance(given, Sequence) or len(given) != 2 or not all(map(is_real, given)):
        raise read.fail("season", f"season is {shown(given)}", how)
    amplitude, period = given
    if not 0.0 <= amplitude <= _LARGEST or int(period) != period or not 2 <= period <= MAX_PERIOD:
        raise read.fail("season", f"season is {shown(given)}", how)
    return (float(amplitude), int(period)) if amplitude else None


def _arrivals(read: _Reader, arms: int, horizon: int) -> tuple[int, ...]:
    values = read.numbers("arrives", arms)
    if any(part != int(part) or not 0 <= part < horizon for part in values):
        raise read.fail("arrives", f"arrives is {shown(values)}", "give whole numbers from 0, below the horizon")
    if values and min(values) > 0.0:
        raise read.fail("arrives", f"arrives is {shown(values)}", "give at least one arm that is there from request 0")
    return tuple(int(part) for part in values) if any(values) else ()


def _check_judge(made: BanditWorld, family: str, where: str) -> None:
    if family == "bernoulli":
        for key in ("judge_bias", "judge_noise"):
            if getattr(made, key):
                problem = f"{key.replace('_', ' ')} with rewards of 0 and 1"
                raise InputError(where, key, problem, "give sensitivity and specificity, or the family gaussian")
        return
    for key in ("sensitivity", "specificity"):
        if getattr(made, key):
            problem = f"{key} with normal rewards"
            raise InputError(where, key, problem, "give judge_bias and judge_noise, or the family bernoulli")


def _check_rates(made: BanditWorld, means: Floats, horizon: int, where: str) -> None:
    """Refuse success rates that leave 0 to 1 at some request at which their arm is there."""
    arms = means.size
    amplitude, period = made.season or (0.0, 2)
    level = amplitude * np.sin(2.0 * np.pi * np.arange(period) / period)
    drift = np.array(made.drift or (0.0,) * arms)
    arrives = np.array(made.arrives or (0,) * arms)
    rows = [(0, tuple(means.tolist())), *made.shift]
    for i, (start, row) in enumerate(rows):
        end = rows[i + 1][0] if i + 1 < len(rows) else horizon
        for a in range(arms):
            for t in (max(start, int(arrives[a])), end - 1):
                if t >= end:
                    continue
                mean = row[a] + drift[a] * t / horizon
                low, high = mean + float(level.min()), mean + float(level.max())
                if low < -1e-12 or high > 1.0 + 1e-12:
                    key = "season" if amplitude else ("drift" if drift[a] else "shift")
                    problem = f"arm {a + 1} has a success rate of {high if high > 1.0 else low:.4g} near request {t:,}"
                    raise InputError(where, key, problem, "keep every success rate from 0 to 1")
