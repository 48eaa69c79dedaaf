"""Param object -> widgets, by quantity type: label, unit, bounds, step and help come from the declaration.

A widget shows what a person types (percent, dollars); the study holds shares of 1. The factor between the
two stands in `Shape` and nowhere else.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import panel_material_ui as pmu
import param

from expsim_panel.evaluation import Evaluator
from expsim_panel.layouts.form import Path
from expsim_panel.layouts.number_boxes import FloatBox, IntBox, unset_or_number
from expsim_panel.look_lists import NONE
from expsim_panel.quantities import PERCENTAGE_POINTS, PP, Probability, Score
from expsim_panel.sections import Section

COMPACT = {
    # Boxes of one width at the right: their numbers stand below each other, whatever the length of a label.
    "& .MuiFormControl-root > .MuiBox-root:first-of-type, & > .MuiBox-root:first-of-type": {
        "display": "flex",
        "justifyContent": "space-between",
        "width": "100%",
        "alignItems": "flex-end",
    },
    "& .MuiFormLabel-root": {"fontSize": "13px", "lineHeight": 1.25, "flex": "1 1 auto", "maxWidth": "none"},
    "& .MuiFormLabel-root + .MuiBox-root": {"flex": "none"},
    "& .MuiTextField-root": {"width": "104px", "flex": "none", "margin": 0},
    "& .MuiInputBase-input": {"fontSize": "14px", "padding": "1px 0"},
    "& .MuiSlider-root": {"padding": "8px 0"},
}
"""A slider with its box in two lines of a narrow column."""

Change = Callable[[Path, Any], Awaitable[None]]
Value = Callable[[Path], Any]


@dataclass(frozen=True)
class Shape:
    """How a number is shown: unit in the label, factor to the study's value, bounds and step as shown."""

    unit: str
    factor: float
    low: Any
    high: Any
    soft: tuple[Any, Any] | None
    step: float
    whole: bool

    def shown(self, value: Any) -> Any:
        """Turn the study's value into the widget's."""
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            return None
        return value if self.whole else round(value * self.factor, 10)

    def meant(self, value: Any) -> Any:
        """Turn the widget's value into the study's."""
        if value is None:
            return None
        if self.whole:
            return int(value) if float(value).is_integer() else float(value)
        return float(f"{value / self.factor:.12g}")


def shape(declared: param.Number, binary: bool) -> Shape:
    """Return how a declared number is shown; points of a rate are percentage points."""
    unit, factor = getattr(declared, "unit", ""), 1.0
    if isinstance(declared, Probability):
        factor = 100.0
    elif isinstance(declared, Score) and binary:
        unit, factor = PP, 100.0
    whole = isinstance(declared, param.Integer)

    def end(value: float | None) -> Any:
        # A browser counts exactly up to 2^53: a wider bound is no bound there; the study checks it.
        if value is None or abs(value) > 2**53:
            return None
        return int(value) if whole else round(value * factor, 10)

    low, high = map(end, declared.bounds or (None, None))
    ends = declared.softbounds or declared.bounds or (None, None)
    soft = None if None in ends or declared.default is None else (end(ends[0]), end(ends[1]))
    if declared.step is not None:
        step = declared.step * factor
    elif whole:
        step = 1
    else:
        step = 1.0 if factor == 100 else 50.0 if unit == "ms" else 0.1
    return Shape(unit, factor, low, high, soft, int(step) if whole else round(step, 10), whole)


def label_of(declared: param.Parameter, owner: str, binary: bool) -> str:
    """Return label and unit, and whose value it is where several things have one."""
    unit = shape(declared, binary).unit if isinstance(declared, param.Number) else ""
    text = (
        f"{declared.label}, {unit}" if unit and not str(declared.label).lower().endswith(unit) else str(declared.label)
    )
    return f"{text} · {owner}" if owner else text


def plain(path: Path) -> str:
    """Return a path as error lines write it."""
    return ".".join(str(key) for key in path)


@dataclass(frozen=True)
class Field:
    """One widget and the place of its value."""

    path: Path
    widget: Any
    help: str

    @property
    def complaining(self) -> bool:
        """Whether the widget shows a problem."""
        return bool(getattr(self.widget, "error_state", self.widget.color == "error"))

    def complain(self, line: str) -> None:
        """Show a problem at the widget, or with an empty line take it back."""
        if hasattr(self.widget, "error_state"):
            self.widget.param.update(error_state=bool(line), helper_text=line or self.help)
        else:
            self.widget.color = "error" if line else "primary"


def fields(
    section: Section,
    path: Path,
    value: Value,
    change: Change,
    *,
    binary: bool,
    owner: str = "",
    skip: tuple[str, ...] = (),
    typed: tuple[str, ...] = (),
) -> list[Field]:
    """Return a field for every key of a section, nested sections included.

    Parameters
    ----------
    section : Section
        Where the declarations are read.
    path : tuple
        Place of the section in the scenario tree.
    value, change : callable
        Read and write one value of the session.
    binary : bool
        Whether the metric is a rate.
    owner : str
        Variant or strategy, to tell apart the labels of several.
    skip : tuple of str
        Keys that the page shows in another way.
    typed : tuple of str
        Numbers that are names rather than sizes, as a seed is: typed, with no slider.
    """
    made: list[Field] = []
    for key in section.fields():
        declared, at = section.param[key], (*path, key)
        if key in skip:
            continue
        inner = declared.class_ if isinstance(declared, param.ClassSelector) else None
        if isinstance(inner, type) and issubclass(inner, Section):
            nested = getattr(section, key) or inner()
            # Both halves of a hybrid have a sensitivity: their labels say whose.
            whose = str(declared.label) if issubclass(inner, Evaluator) else owner
            made += fields(nested, at, value, change, binary=binary, owner=whose)
        elif not isinstance(declared, (param.ClassSelector, param.Dict)):
            start = value(at)
            if start is None and value(path) is not None:
                start = getattr(section, key)
            made.append(_field(declared, at, start, change, binary, owner, key not in typed))
    return made


def _field(
    declared: param.Parameter, path: Path, start: Any, change: Change, binary: bool, owner: str, slide: bool
) -> Field:
    help_text = " ".join(str(declared.doc).split())
    if isinstance(declared, param.Number) and shape(declared, binary).unit == PP:
        # A label has room for the sign alone; what it means stands beneath.
        help_text += f" In {PERCENTAGE_POINTS} ({PP})."
    widget, read, watched = _widget(declared, start, label_of(declared, owner, binary), help_text, binary, slide)

    async def changed(event: Any) -> None:
        await change(path, read(event.new))

    widget.param.watch(changed, watched)
    return Field(path, widget, help_text)


def _widget(
    declared: param.Parameter, start: Any, label: str, help_text: str, binary: bool, slide: bool
) -> tuple[Any, Callable[[Any], Any], str]:
    """Return the widget of a declaration, how to read it, and which of its values to watch."""
    common = {"label": label, "size": "small", "sizing_mode": "stretch_width", "margin": (7, 0)}
    if isinstance(declared, param.Boolean):
        return pmu.Switch(value=bool(start), description=help_text, **common), bool, "value"
    typed = {**common, "helper_text": help_text}
    if isinstance(declared, param.Selector):
        options = list(declared.objects)
        return (
            pmu.Select(options=options, value=start if start in options else declared.default, **typed),
            lambda v: v,
            "value",
        )
    if isinstance(declared, param.Number):
        return _number(declared, start, common, typed, binary, slide)
    if isinstance(declared, (param.List, param.NumericTuple)):
        text = ", ".join(map(_item, start or ()))
        return pmu.TextInput(value=text, placeholder="not set", **typed), _numbers, "value"
    return pmu.TextInput(value=start or "", max_length=2000, **typed), str, "value"


def _number(
    declared: param.Number, start: Any, common: dict[str, Any], typed: dict[str, Any], binary: bool, slide: bool
) -> tuple[Any, Callable[[Any], Any], str]:
    """Return a slider where the declaration has a usual range, otherwise an input that may be left unset."""
    form = shape(declared, binary)
    shown = form.shown(start)
    if slide and form.soft is not None and shown is not None:
        low, high = form.soft
        made = pmu.EditableIntSlider if form.whole else pmu.EditableFloatSlider
        slider = made(
            value=shown,
            start=min(low, shown),
            end=max(high, shown),
            step=form.step,
            fixed_start=form.low,
            fixed_end=form.high,
            description=typed["helper_text"],
            sx=COMPACT,
            format="0,0" if form.whole else "0,0.[000000]",
            **common,
        )
        return slider, form.meant, "value"
    made = IntBox if form.whole else FloatBox
    # A seed is a name: it has no thousands.
    written = unset_or_number(0 if form.whole else 6, slide)
    box = made(
        value=shown, start=form.low, end=form.high, step=form.step, placeholder="not set", format=written, **typed
    )
    # An emptied input of a value that must be there is an error of its own, not the default in disguise.
    empty = None if declared.allow_None else ""
    return box, lambda v: empty if v is None else form.meant(v), "value"


def _item(item: Any) -> str:
    """Write one item of a list: a number, a word, or a pair as 0.01:0.005."""
    if isinstance(item, list | tuple):
        return ":".join(map(_item, item))
    return item if isinstance(item, str) else f"{item:.12g}"


def _numbers(text: str) -> Any:
    """Read a list of numbers; what is no number is passed on for the error line to quote."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    try:
        return [part if part == NONE else float(part) for part in parts] or None
    except ValueError:
        return text
