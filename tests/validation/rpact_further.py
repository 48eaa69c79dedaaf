"""Our values of reference/rpact_further.csv: designs, power and sizes that the other tables do not have."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from expsim_panel.analytic import GroupSequential
from expsim_panel.sequential import sequential_design


@cache
def design(inputs: str) -> GroupSequential:
    return sequential_design(**json.loads(inputs))


def ours(area: str, inputs: dict[str, Any], output: str) -> float | list[float]:
    found = getattr(design(json.dumps(inputs)), output)
    if output == "futility_bounds":
        return [float(bound) for bound in found[:-1]]
    return found.tolist() if hasattr(found, "tolist") else float(found)
