"""Our values of reference/exact_statistics.csv."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from scipy.optimize import brentq

from expsim_panel import fixed_sample
from expsim_panel.analytic import (
    GroupSequential,
    equal_information,
    group_sequential,
    obrien_fleming_shape,
    operating,
    pocock_shape,
)
from expsim_panel.kernels.special import norm_ppf

SHAPES = {"OBrien-Fleming": obrien_fleming_shape, "Pocock": pocock_shape}


@cache
def design(kind: str, looks: int, alpha: float, sides: int, beta: float | None) -> GroupSequential:
    information = equal_information(looks)
    return group_sequential(SHAPES[kind](information), information, alpha, sides, None if beta is None else 1 - beta)


def sequential(inputs: dict[str, Any], output: str) -> float:
    found = design(inputs["design"], inputs["K"], inputs["alpha"], inputs["sided"], inputs.get("beta"))
    if output.startswith("z_bound"):
        return float(found.critical_values[int(output[8:-1]) - 1])
    names = {
        "inflation_factor": "inflation_factor",
        "ASN_H0_over_nfix": "expected_fraction_null",
        "ASN_half_over_nfix": "expected_fraction_half",
        "ASN_H1_over_nfix": "expected_fraction_alternative",
    }
    return float(getattr(found, names[output]))


def sequential_power(inputs: dict[str, Any], output: str) -> float:
    information = equal_information(inputs["K"])
    shape = SHAPES[inputs["design"]](information)
    units = 2 * inputs["n_per_arm_max"]
    found = group_sequential(
        shape, information, inputs["alpha"], inputs["sided"], None, inputs["effect"], inputs["sd"], units
    )
    return float(getattr(found, {"power": "power", "expected_total_n": "expected_units"}[output]))


def ours(area: str, inputs: dict[str, Any], output: str) -> float:
    if area in ("gs_asn", "gs_boundary", "gs_inflation", "gs_twosided"):
        return sequential(inputs, output)
    if area == "gs_power":
        return sequential_power(inputs, output)
    if area == "peeking":
        upper = np.full(inputs["looks"], -norm_ppf(inputs["nominal_alpha"] / 2))
        p_upper, p_lower, _ = operating(equal_information(inputs["looks"]), -upper, upper, 0.0)
        return p_upper + p_lower
    if area == "power_z":
        n = inputs["n1"]
        return fixed_sample.power_z(inputs["d"], 1.0, n, n * inputs["ratio_n2_n1"])
    if area == "power_prop":
        return fixed_sample.power_proportions(inputs["p2"], inputs["p1"], inputs["n1"], inputs["n1"])
    if area == "ss_t":

        def short(n: float) -> float:
            return fixed_sample.power_t(inputs["d"], 1.0, n, n) - inputs["power"]

        return float(brentq(short, 2, 1e7, xtol=1e-9))
    if area == "ss_rates":
        allocation = (1, inputs.get("allocation_1_to_2", 1))
        return fixed_sample.units_for_proportions(inputs["p2"], inputs["p1"], inputs["power"], allocation=allocation)
    if area == "ss_means":
        allocation = (1, inputs["allocation"])
        return fixed_sample.units_for_means(inputs["effect"], inputs["sd"], inputs["power"], allocation=allocation)
    raise LookupError(area)
