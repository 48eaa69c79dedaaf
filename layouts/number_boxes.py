"""Number boxes that may be empty: the toolkit's own send 0 to the browser where there is no number."""

from __future__ import annotations

from typing import Any

import panel_material_ui as pmu
from bokeh.models import CustomJSTickFormatter


class _Unset:
    """What both boxes do: properties that are None are left to their defaults by the toolkit, which is 0 of a value."""

    value: Any

    def _get_properties(self, doc: Any) -> dict[str, Any]:
        made: dict[str, Any] = super()._get_properties(doc)  # type: ignore[misc]
        if self.value is None:
            made["data"].value = None
        return made


def unset_or_number(digits: int, thousands: bool) -> CustomJSTickFormatter:
    """Return how a number box writes its value: empty where there is none.

    Without a format the toolkit takes one of its own, and that writes 0 for no number.

    Parameters
    ----------
    digits : int
        Decimals at most.
    thousands : bool
        Whether commas part them.
    """
    grouped = "true" if thousands else "false"
    return CustomJSTickFormatter(
        code=f"return tick == null || Number.isNaN(tick) ? '' : "
        f"tick.toLocaleString('en-US', {{maximumFractionDigits: {digits}, useGrouping: {grouped}}})"
    )


class IntBox(_Unset, pmu.IntInput):  # type: ignore[misc]
    """A whole number, or none; with commas between thousands unless a `format` says otherwise."""

    def __init__(self, **params: Any) -> None:
        super().__init__(**{"format": unset_or_number(0, True), **params})


class FloatBox(_Unset, pmu.FloatInput):  # type: ignore[misc]
    """A number, or none; with commas between thousands and up to eight decimals unless a `format` says otherwise."""

    def __init__(self, **params: Any) -> None:
        super().__init__(**{"format": unset_or_number(8, True), **params})
