"""Which effects and which traffic a curve or a surface shows: round levels around the scenario's own point."""

from __future__ import annotations

import math

import numpy as np

from expsim_panel import plan
from expsim_panel.errors import InputError
from expsim_panel.kernels.special import norm_ppf
from expsim_panel.preference_rows import seen_of
from expsim_panel.scenario import Scenario

_STEPS = (1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)


def best_effect(scenario: Scenario) -> float:
    """Return the scenario's own point: the largest true effect of a variant, positive is better."""
    return float(scenario.effects[1:].max())


def round_up(value: float) -> float:
    """Return the smallest round number that is not below a positive value."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in _STEPS if step * power >= value * (1 - 1e-9))


def largest_effect(scenario: Scenario) -> float:
    """Return the largest effect that the metric's range leaves room for above the control."""
    if scenario.side_by_side:
        return 0.999
    control = float(scenario.means[0])
    low, high = (0.0, 1.0) if scenario.family == "binary" else scenario.metric.range or (-math.inf, math.inf)
    return float(high - control if scenario.sign > 0 else control - low)


def interesting_effect(scenario: Scenario) -> float:
    """Return an effect at which the interesting part of a power curve is over.

    Twice the scenario's own effect, but no more than half again the effect that a single two-sided 5 %
    test of the planned size finds in 99 of 100 experiments, and never short of the own effect.
    """
    setting = plan.setting_of(scenario)
    spread = math.sqrt(float((setting.sds[:2] ** 2 / np.maximum(setting.rows[-1, :2], 1)).sum()))
    found = (norm_ppf(0.975) + norm_ppf(0.99)) * spread / _sensitivity(scenario)
    own = best_effect(scenario)
    reach = max(1.2 * own, min(2 * own, 1.5 * found)) if own > 0 else 1.5 * found
    # A rate of 0 or 1 has no spread: then any effect is found, and all of them are shown.
    return float(min(reach, largest_effect(scenario)) or largest_effect(scenario))


def _sensitivity(scenario: Scenario) -> float:
    """Points of score that the evaluator shows per point of quality; at least a twentieth."""
    probe = min(0.01, largest_effect(scenario))
    means = np.tile(scenario.means[0], (2, scenario.means.size))
    means[1, 1:] += scenario.sign * probe
    # Two worlds, one evaluator: what it adds to every variant cancels.
    if scenario.side_by_side:
        seen = seen_of(scenario, scenario.evaluator, means)[:, 1]
        return max(0.05, abs(float(seen[1] - seen[0])) / probe)
    seen = scenario.evaluator.measure(means, np.broadcast_to(scenario.sds, means.shape), scenario.family).means[:, 1]
    return max(0.05, abs(float(seen[1] - seen[0])) / probe) if probe > 0 else 1.0


def effect_levels(scenario: Scenario, levels: int) -> np.ndarray:
    """Return ascending effects from 0 in round steps, positive is better, shape (at most levels,).

    Raises
    ------
    InputError
        The control leaves no room for a better variant.
    """
    most = largest_effect(scenario) * (1 - 1e-9)
    if most <= 0:
        raise InputError(
            "power",
            "variants.0.mean",
            f"{scenario.means[0]:g} leaves no room for a better variant",
            "give a worse control",
        )
    step = round_up(interesting_effect(scenario) / (levels - 1))
    made = step * np.arange(levels)
    if made[1] > most:
        return np.linspace(0.0, most, levels)
    return np.asarray(made[made <= most])


def unit_levels(scenario: Scenario, levels: int) -> np.ndarray:
    """Return ascending units per day (prompts of a set) around the scenario's own; shape (at most levels,).

    The own size is among them, and the first two fifths lie at or below it. Traffic that the evaluator cannot keep up
    with, or that leaves an arm without units, is left out, and so are sets that do not divide into the topics.
    """
    own = own_size(scenario)
    step = int(scenario.offline.topics or 1) if scenario.offline is not None else 1
    below = max(1, round(0.4 * levels))
    made = np.unique(np.maximum(2, step * np.floor(own / step * np.arange(1, levels + 1) / below + 0.5)).astype(int))
    return np.array([units for units in made if _possible(scenario, int(units))], int)


def own_size(scenario: Scenario) -> int:
    """Return the scenario's units per day, or the prompts of its set."""
    return int(scenario.traffic.units_per_day if scenario.offline is None else scenario.offline.prompts)


def with_units(scenario: Scenario, units: int) -> Scenario:
    """Return a copy with this many units per day, or prompts of a set."""
    tree = scenario.to_tree()
    table, key = ("traffic", "units_per_day") if scenario.offline is None else ("offline", "prompts")
    tree[table][key] = int(units)
    return Scenario.from_tree(tree, scenario.scenario.name)


def _possible(scenario: Scenario, units: int) -> bool:
    try:
        with_units(scenario, units)
    except InputError:
        return False
    return True
