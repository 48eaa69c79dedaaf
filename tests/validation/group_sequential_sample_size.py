"""Our values of reference/group_sequential_sample_size.csv: the maximum size that gives a power."""

from __future__ import annotations

from typing import Any

from expsim_panel.sequential import sequential_design


def ours(area: str, inputs: dict[str, Any], output: str) -> float:
    sd = 1.0 if "effect" in inputs else None
    found = sequential_design("obrien-fleming", **inputs, alpha=0.025, sides=1, power=0.8, sd=sd)
    return float(getattr(found, output))
