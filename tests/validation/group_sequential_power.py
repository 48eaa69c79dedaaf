"""Our values of reference/group_sequential_power.csv: power and expected units of named designs."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from expsim_panel.analytic import GroupSequential
from expsim_panel.sequential import sequential_design


@cache
def design(inputs: str) -> GroupSequential:
    given = json.loads(inputs)
    return sequential_design(**given, alpha=0.025, sides=1, sd=1.0 if "effect" in given else None)


def ours(area: str, inputs: dict[str, Any], output: str) -> float:
    return float(getattr(design(json.dumps(inputs)), output))
