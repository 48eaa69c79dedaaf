"""Our values of reference/group_sequential_designs.csv: bounds and characteristics of named designs."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from expsim_panel.analytic import GroupSequential
from expsim_panel.sequential import sequential_design


@cache
def design(inputs: str) -> GroupSequential:
    return sequential_design(**json.loads(inputs), power=0.8)


def ours(area: str, inputs: dict[str, Any], output: str) -> float | list[float]:
    found = getattr(design(json.dumps(inputs)), output)
    return found.tolist() if hasattr(found, "tolist") else float(found)
