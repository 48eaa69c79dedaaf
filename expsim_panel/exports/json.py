"""The JSON document of a run: names and meanings as in ``docs/contract.md``."""

from __future__ import annotations

import json
import math
import platform
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import numpy as np

from expsim_panel._version import VERSION
from expsim_panel.caveats import caveats
from expsim_panel.economics import Ledger, ledger
from expsim_panel.kernels.special import norm_ppf
from expsim_panel.kernels.trials import FUTILE
from expsim_panel.named_estimator import named
from expsim_panel.operating import estimates
from expsim_panel.response_times import waits
from expsim_panel.results import Figure, Result, StrategyResult
from expsim_panel.scenario import Scenario

SCHEMA = 1
BREAKDOWN = ("generation", "judge", "human", "latency")
_NOT_FINITE = "not a finite number"


def write(result: Result) -> str:
    """Return the document as text; the same run gives the same text, `environment.seconds` apart."""
    return json.dumps(document(result), indent=2, allow_nan=False) + "\n"


def document(result: Result) -> dict[str, Any]:
    """Return a run as plain values: no nan, no infinity; what is undefined is None with a reason."""
    study = result.study
    scenario = study.scenario
    money = ledger(scenario)
    made = {
        "provenance": provenance(result),
        "scenario": study.to_tree(),
        "strategies": [_strategy(one, scenario, money) for one in result.strategies],
        "advice": {**result.advice.to_json(), **_size(result, scenario)},
        "verdict": result.verdict.to_json(),
        "notes": list(caveats(result)),
        "latency": [one.to_json() for one in waits(scenario, result.request.seed)],
    }
    return dict(_plain(made))


def provenance(result: Result) -> dict[str, Any]:
    """Return what is needed to get the same numbers again, and the digests that prove it."""
    return {
        "version": VERSION,
        "schema": SCHEMA,
        "seed": result.request.seed,
        "replicates": result.replicates,
        "request_digest": result.request.digest,
        "digest": result.digest,
        "environment": environment(result.seconds),
    }


def environment(seconds: float) -> dict[str, Any]:
    """Return the versions and the machine that made a result, and how long it took."""
    return {
        "python": platform.python_version(),
        **{name: version(name) for name in ("numpy", "numba", "scipy")},
        "platform": platform.system(),
        "machine": platform.machine(),
        "seconds": round(seconds, 3),
    }


def _size(result: Result, scenario: Scenario) -> dict[str, Any]:
    """Return the size of the advised strategy: what to plan for, and what it takes on average."""
    advised = result[result.advice.strategy].figures
    planned = scenario.traffic.units_per_day * scenario.traffic.days
    return {
        "units": planned,
        "days": scenario.traffic.days,
        "expected_units": figure(advised["units"]),
        "expected_days": figure(advised["days"]),
    }


def _strategy(one: StrategyResult, scenario: Scenario, money: Ledger) -> dict[str, Any]:
    return {
        "name": one.name,
        "kind": one.strategy.kind,
        "operating_characteristics": characteristics(one.figures),
        "under_null": characteristics(one.under_null),
        "estimator": named(one, scenario),
        "guardrails": one.guarded.to_json() if one.guarded else None,
        "verdict": one.verdict.to_json(),
        "verdicts": {
            action: {name: figure(value) for name, value in figures.items()} for action, figures in one.verdicts.items()
        },
        "trace": trace(one, scenario, money),
    }


def figure(found: Figure) -> dict[str, Any]:
    """Return one figure; a value that is not finite becomes None with a reason."""
    made = found.to_json()
    for key in ("value", "se", "exact"):
        if made[key] is not None and not math.isfinite(made[key]):
            made[key], made["reason"] = None, made["reason"] or _NOT_FINITE
    if made["value"] is None:
        made["reason"] = made["reason"] or _NOT_FINITE
    return made


def characteristics(found: Mapping[str, Figure]) -> dict[str, Any]:
    """Return operating characteristics; the parts of the cost stand inside it as its breakdown."""
    made = {name: figure(value) for name, value in found.items() if "." not in name}
    made["cost"]["breakdown"] = {part: figure(found[f"cost.{part}"]) for part in BREAKDOWN}
    return made


def trace(one: StrategyResult, scenario: Scenario, money: Ledger) -> dict[str, Any]:
    """Return one experiment day by day.

    Lists by arm follow `arms`; lists of contrasts follow `contrasts`, each variant against control,
    signed so that positive is better. `mean` is on the metric's own scale, `cost` the dollars so far.
    """
    shown = one.trace
    names = [variant.name for variant in scenario.variants]
    level = one.strategy.design.level()
    units, rows, sums = (shown.state[:, part] for part in range(3))
    found = estimates(shown.outcomes(), scenario.by_counts)
    spent = sum(money.costs(units, rows).values(), np.zeros(len(units)))
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = sums / rows
        z = found.effect / found.se
    if scenario.sign < 0:
        # The engine counts what is good: turn rates of good events and negated scores back.
        mean = 1 - mean if scenario.family == "binary" else -mean
    reach = norm_ppf(0.5 + level / 2) * found.se
    days = []
    for day in range(len(units)):
        row = {
            "day": day + 1,
            "units": units[day].astype(int),
            "rows": rows[day].astype(int),
            "mean": mean[day],
            "estimate": found.effect[day],
            "se": found.se[day],
            "interval": np.stack([found.effect[day] - reach[day], found.effect[day] + reach[day]], axis=1),
            "z": z[day],
            "cost": spent[day],
        }
        undefined = not all(np.isfinite(row[key]).all() for key in ("mean", "se", "z"))
        days.append({**row, "reason": "too few scored responses, or no spread among them" if undefined else None})
    return {
        "luck": shown.luck,
        "code": shown.code,
        "decision": _decision(shown.code, names),
        "day": shown.day,
        "level": level,
        "arms": names,
        "contrasts": names[1:],
        "days": days,
    }


def _decision(code: int, names: list[str]) -> str:
    """Say what a strategy's own rule came to."""
    if code == 0:
        return "no difference found"
    if code == FUTILE:
        return "gave up: a difference is unlikely to be found"
    return f"{names[code]} found better" if code > 0 else f"{names[0]} found better"


def _plain(value: Any) -> Any:
    """Turn arrays and NumPy numbers into Python's, and what is not finite into None."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, np.generic):
        return _plain(value.item())
    return None if isinstance(value, float) and not math.isfinite(value) else value
