"""Our value of every row of tests/reference/ppi_python.csv, through the public API."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from expsim_panel.estimators import ppi_plus_plus


@cache
def _arrays() -> dict[str, dict[str, list[float]]]:
    here = Path(__file__).resolve().parent.parent / "reference" / "ppi_python_arrays.json"
    read: dict[str, dict[str, list[float]]] = json.loads(here.read_text(encoding="utf-8"))
    return read


def ours(area: str, inputs: dict[str, Any], output: str) -> float:
    """Return the PPI++ estimate, or an end of its 95 % z interval, on the named arrays."""
    found = ppi_plus_plus(**_arrays()[inputs["arrays"]], weight=inputs["weight"])
    low, high = found.interval(0.95)
    return {"value": found.value, "low": low, "high": high}[output]
