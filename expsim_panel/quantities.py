"""Param types that know their unit, and the one formatter for money, percent, time and counts.

Widgets, tables and sentences all follow these types: a bound, a unit or a number of digits stands in
the declaration of a parameter and nowhere else.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import param

LARGEST = 1e12
"""Numbers beyond this belong to no experiment; their squares and products would leave the range of a float."""
SMALLEST = 1e-12
"""The same for what must be above 0, such as a standard deviation."""


def _refuse_astronomic(value: Any, bounds: Any) -> None:
    """Raise ValueError where a number without an upper bound of its own is larger than `LARGEST`."""
    ended = bounds is not None and bounds[1] is not None
    if isinstance(value, (int, float)) and not ended and math.inf > abs(value) > LARGEST:
        raise ValueError(f"{value!r} is beyond {LARGEST:g}")


class Plainly:
    """A Param whose value is read as it was set: what a surface does a thousand times a cell.

    Param itself asks whether a number is a generator of numbers, which none is here, and looks its own slots up twice.
    """

    if TYPE_CHECKING:

        def __get__(self, owner: Any, kind: Any = None) -> Any: ...
        def __set__(self, owner: Any, value: Any) -> None: ...

    else:

        def __get__(self, owner, kind=None):
            """Return the value that an instance has, or the default."""
            slot = object.__getattribute__
            if owner is None:
                return super().__get__(owner, kind)
            values, name = owner._param__private.values, slot(self, "name")
            return values[name] if name in values else slot(self, "default")


class Part(Plainly, param.ClassSelector):  # type: ignore[misc]
    """A table within a table."""


class Parts(Plainly, param.List):  # type: ignore[misc]
    """Tables of one kind."""


class Choice(Plainly, param.Selector):  # type: ignore[misc]
    """One of some words."""


class Quantity(Plainly, param.Number):  # type: ignore[misc]
    """A finite real number with a unit."""

    unit = ""
    noun = "a number"
    log_scale = False

    if TYPE_CHECKING:

        def __get__(self, owner: Any, kind: Any = None) -> Any: ...
        def __set__(self, owner: Any, value: Any) -> None: ...

    def _validate_value(self, val: Any, allow_None: bool) -> None:
        if isinstance(val, bool):
            raise ValueError(f"{val!r} is not {self.noun}")
        super()._validate_value(val, allow_None)
        _refuse_astronomic(val, self.bounds)
        if self.bounds and self.bounds[0] == 0 and not self.inclusive_bounds[0] and val is not None and val < SMALLEST:
            raise ValueError(f"{val!r} is below {SMALLEST:g}")
        if val is not None and not math.isfinite(val):
            raise ValueError(f"{val!r} is not a finite number")

    def remedy(self) -> str:
        """Say in words which values are accepted."""
        low, high = self.bounds or (None, None)
        low_open, high_open = (not inside for inside in self.inclusive_bounds)
        if low is not None and high is not None:
            if high_open and not low_open:
                return f"give {self.noun} of at least {plain(low)} and below {plain(high)}"
            if low_open or high_open:
                return f"give {self.noun} above {plain(low)} and {'below' if high_open else 'up to'} {plain(high)}"
            return f"give {self.noun} from {plain(low)} to {plain(high)}"
        if low is not None:
            return f"give {self.noun} {'above' if low_open else 'of at least'} {plain(low)}"
        return f"give {self.noun}"


class Score(Quantity):
    """A value on the metric's own scale, in points."""

    unit = "points"


class Spread(Score):
    """A standard deviation on the metric's scale, in points."""

    noun = "a standard deviation"


class Probability(Quantity):
    """A probability or rate, 0 to 1, shown in percent."""

    unit = "%"
    noun = "a probability"

    def __init__(self, default: float | None = 0.5, *, bounds: tuple[float, float] = (0.0, 1.0), **kw: Any):
        super().__init__(default, bounds=bounds, **kw)


class Share(Probability):
    """A part of a whole, 0 to 1, shown in percent."""

    noun = "a share"


class Factor(Quantity):
    """A pure number that multiplies."""

    noun = "a factor"


class Correlation(Quantity):
    """A correlation, -1 to 1."""

    noun = "a correlation"


class Duration(Quantity):
    """A time in days that need not be whole."""

    unit = "days"
    noun = "a number of days"


class Money(Quantity):
    """US dollars."""

    unit = "$"
    noun = "an amount in dollars"


class Millis(Quantity):
    """Milliseconds."""

    unit = "ms"
    noun = "a time in milliseconds"


class Seconds(Quantity):
    """Seconds."""

    unit = "s"
    noun = "a time in seconds"


class Hours(Quantity):
    """Hours."""

    unit = "h"
    noun = "a time in hours"


class Count(Plainly, param.Integer):  # type: ignore[misc]
    """A whole number of things."""

    unit = ""
    noun = "a whole number"
    log_scale = False

    if TYPE_CHECKING:

        def __get__(self, owner: Any, kind: Any = None) -> Any: ...
        def __set__(self, owner: Any, value: Any) -> None: ...

    def _validate_value(self, val: Any, allow_None: bool) -> None:
        if isinstance(val, bool):
            raise ValueError(f"{val!r} is not a whole number")
        super()._validate_value(val, allow_None)
        _refuse_astronomic(val, self.bounds)

    remedy = Quantity.remedy


class GivenCount(Count):
    """A whole number that knows whether anybody gave it: beside a list that says the same, a default says nothing."""

    if not TYPE_CHECKING:

        def __set__(self, owner: Any, value: Any) -> None:
            if owner is None:
                super().__set__(owner, value)
                return
            # Marked first: who watches the number asks whether it was given.
            before = given(owner)
            give_back(owner, before | {self.name})
            try:
                super().__set__(owner, value)
            except ValueError:
                give_back(owner, before)
                raise


def was_given(owner: Any, name: str) -> bool:
    """Tell whether a `GivenCount` of an object was set, be it to its default."""
    return name in vars(owner).get(_GIVEN, ())


def given(owner: Any) -> frozenset[str]:
    """Return the names of all that were."""
    return frozenset(vars(owner).get(_GIVEN, ()))


def give_back(owner: Any, names: frozenset[str]) -> None:
    """Let only these have been set."""
    vars(owner)[_GIVEN] = set(names)


_GIVEN = "_given_counts"


class Days(Count):
    """A whole number of days."""

    unit = "days"
    noun = "a whole number of days"


class Units(Count):
    """A whole number of randomised units."""

    unit = "units"
    log_scale = True


class Tokens(Count):
    """A whole number of tokens."""

    unit = "tokens"


def plain(value: float) -> str:
    """Format a bound: thousands separated, no exponent for whole numbers."""
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.0f}" if value.is_integer() else f"{value:g}"


def money(value: float | None, signed: bool = False) -> str:
    """Format dollars: cents below $100, and a small cost is never rounded to zero."""
    if value is None:
        return "n/a"
    sign = "-" if value < 0 else "+" if signed else ""
    size = abs(value)
    if size == 0:
        return "$0"
    if size >= 1e6:
        return f"{sign}${size / 1e6:,.2f}M"
    if size >= 99.995:
        return f"{sign}${size:,.0f}"
    if size >= 1:
        return f"{sign}${size:,.2f}"
    digits = min(max(2, 1 - math.floor(math.log10(size))), 9)
    return f"{sign}${max(size, 1e-9):.{digits}f}"


def percent(value: float | None, digits: int = 1) -> str:
    """Format a probability in percent; values that would read 0 or 100 but are not say so."""
    if value is None:
        return "n/a"
    smallest = 10.0**-digits / 2
    if 0 < value * 100 < smallest:
        return f"<{10.0**-digits:g} %"
    if 0 < (1 - value) * 100 < smallest:
        return f">{100 - 10.0**-digits:g} %"
    return f"{100 * value:.{digits}f} %"


def count(value: float | None) -> str:
    """Format a number of things with thousands separators."""
    return "n/a" if value is None else f"{value:,.0f}"


def millis(value: float | None) -> str:
    """Format a latency in milliseconds, in seconds from 10 s on."""
    if value is None:
        return "n/a"
    return f"{value / 1000:.1f} s" if value >= 10_000 else f"{value:,.0f} ms"


def days(value: float | None) -> str:
    """Format a duration in days; what would read 0 days in hours or minutes."""
    if value is None:
        return "n/a"
    if 0 < value < 0.05:
        minutes = 1440 * value
        return f"{minutes / 60:.2g} h" if minutes >= 60 else f"{minutes:.0f} min" if minutes >= 1 else "<1 min"
    text = f"{value:,.1f}".removesuffix(".0")
    return f"{text} day{'' if text == '1' else 's'}"


def span(ticks: int, tick: str) -> str:
    """Say how long: in days of live traffic, or in batches of a prompt set."""
    return f"{ticks} {tick}{'' if ticks == 1 else 'es' if tick == 'batch' else 's'}"


def clock(longest: float) -> tuple[float, str]:
    """Return the unit of an axis of time and its factor, by the longest time shown, in days."""
    if longest >= 2:
        return 1.0, "Days"
    return (24.0, "Hours") if longest >= 2 / 24 else (1440.0, "Minutes")


PERCENTAGE_POINTS, PP = "percentage points", "pp"
"""Unit of a difference of rates: as a word beside axes and in sentences, as a sign after a number and in labels."""


def effect_unit(binary: bool) -> tuple[float, str]:
    """Return the factor from an effect to what an axis shows, and the unit of that: of a rate, or of a score."""
    return (100.0, PERCENTAGE_POINTS) if binary else (1.0, "points")


def points(value: float | None, signed: bool = False) -> str:
    """Format a score or an effect: two decimals, up to four where the value is small."""
    if value is None:
        return "n/a"
    small = 0 < abs(value) < 0.1
    digits = min(1 - math.floor(math.log10(abs(value))), 4) if small else 2
    text = f"{value:{'+' if signed else ''}.{digits}f}"
    return text if float(text) else "0.00"


def effect(value: float | None, family: str, signed: bool = True) -> str:
    """Format an effect: percentage points for a binary metric, points otherwise."""
    if value is None:
        return "n/a"
    if family == "binary":
        return f"{100 * value:{'+' if signed else ''}.2f} {PP}"
    return points(value, signed)
