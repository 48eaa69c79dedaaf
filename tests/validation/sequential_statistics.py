"""Our values of reference/sequential_statistics.csv."""

from __future__ import annotations

import json
import math
from functools import cache
from typing import Any

import numpy as np

from expsim_panel import spending
from expsim_panel.analytic import GroupSequential
from expsim_panel.conditional_power import conditional_power
from expsim_panel.peeking import peeking
from expsim_panel.peer_mistakes import cumulative_as_nominal, nominal_bounds, true_error
from expsim_panel.sequential import sequential_design

KINDS = {
    "OBrien-Fleming": "obrien-fleming",
    "Pocock": "pocock",
    "Haybittle-Peto": "haybittle-peto",
    "Wang-Tsiatis": "wang-tsiatis",
    "Lan-DeMets OBF-type spending": "lan-demets-obrien-fleming",
    "Lan-DeMets Pocock-type spending": "lan-demets-pocock",
    "Hwang-Shih-DeCani": "hwang-shih-decani",
    "HSD": "hwang-shih-decani",
    "Kim-DeMets": "kim-demets",
}
NAMES = {
    "inflation_factor": "inflation_factor",
    "ASN_H0_over_nfix": "expected_fraction_null",
    "ASN_half_over_nfix": "expected_fraction_half",
    "ASN_H1_over_nfix": "expected_fraction_alternative",
    "power": "power",
    "expected_total_n": "expected_units",
    "n_total_unrounded": "units",
}


def named(text: str) -> tuple[str, float | None]:
    """Split ``Hwang-Shih-DeCani gamma=-4`` into kind and parameter."""
    words = [word for word in text.split() if "=" not in word and word != "binding"]
    numbers = [float(word.split("=")[1]) for word in text.split() if "=" in word]
    return KINDS[" ".join(words)], numbers[0] if numbers else None


@cache
def design(text: str) -> GroupSequential:
    inputs = json.loads(text)
    given: dict[str, Any] = {"alpha": inputs["alpha"], "sides": inputs.get("sided", 1)}
    given["information"] = inputs["info"] if isinstance(inputs.get("info"), list) else None
    given["looks"] = None if given["information"] else inputs["K"]
    given["power"] = 1 - inputs["beta"] if "beta" in inputs else None
    kind, given["parameter"] = named(inputs["design"] if "design" in inputs else inputs["efficacy"])
    for key in ("delta", "const"):
        given["parameter"] = inputs.get(key, given["parameter"])
    if "futility" in inputs:
        given["futility_kind"], given["futility_parameter"] = named(inputs["futility"])
        given["binding"] = inputs["futility"].endswith("binding") and "non-binding" not in inputs["futility"]
    if "effect" in inputs:
        given |= {"effect": inputs["effect"], "sd": inputs["sd"], "units": 2 * inputs["n_per_arm_max"]}
    return sequential_design(kind, **given)


def spent(inputs: dict[str, Any]) -> float:
    at, alpha = np.array([inputs["t"]]), inputs["alpha"]
    functions = {
        "LD-OBF": lambda: spending.lan_demets_obrien_fleming(at, alpha),
        "LD-Pocock": lambda: spending.lan_demets_pocock(at, alpha),
        "HSD": lambda: spending.hwang_shih_decani(at, alpha, inputs["gamma"]),
        "KimDeMets": lambda: spending.kim_demets(at, alpha, inputs["rho"]),
    }
    return float(functions[inputs["fn"]]()[0])


def misused(inputs: dict[str, Any]) -> float:
    information = np.arange(1, inputs["looks"] + 1) / inputs["looks"]
    total = {
        "obf": spending.lan_demets_obrien_fleming(information, 0.05),
        "pocock": spending.lan_demets_pocock(information, 0.05),
        "linear": spending.kim_demets(information, 0.05, 1.0),
    }[inputs["spending"]]
    return true_error(nominal_bounds(cumulative_as_nominal(total), 2), information, 2)


def conditional(inputs: dict[str, Any]) -> float:
    # gsDesign's defaults: Hwang-Shih-DeCani -4, alpha 0.025 on each side, power 0.9; n.fix is inflated.
    assert inputs["design"] == "gsDesign(k=3,test.type=2,n.fix=800)"
    plan = sequential_design("hwang-shih-decani", 3, 0.05, 2, power=0.9)
    assert plan.inflation_factor is not None
    drift = inputs["theta"] * math.sqrt(800 * plan.inflation_factor)
    found = conditional_power(plan.information, plan.critical_values, 2, inputs["look"], inputs["z"], drift)
    return float(found.upper.sum())


def ours(area: str, inputs: dict[str, Any], output: str) -> float:
    if area == "spending":
        return spent(inputs)
    if area == "peeking":
        return peeking(inputs["looks"], inputs["nominal_alpha"], inputs["sided"]).type1_error
    if area == "misuse":
        return misused(inputs)
    if area == "cond_power":
        return conditional(inputs)
    if area == "ss_noninf":
        given = {key: inputs[key] for key in ("alpha", "power", "sd", "margin")}
        found = sequential_design("fixed-horizon", 1, sides=inputs["sided"], effect=inputs["true_effect"], **given)
        return float(found.units or math.nan)
    found = design(json.dumps(inputs))
    if "[" in output:
        name, _, look = output.rstrip("]").partition("[")
        bounds = {"z_bound": found.critical_values, "z_upper": found.critical_values, "z_lower": found.futility_bounds}
        return float(bounds[name][int(look) - 1])
    return float(getattr(found, NAMES[output]))
