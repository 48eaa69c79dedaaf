"""Numbers and choices of a study that mean nothing for its kind of outcome, and those that change nothing in it."""

from __future__ import annotations

from expsim_panel.evaluators.human import Human
from expsim_panel.evaluators.judge import Judge
from expsim_panel.priced_calls import unread
from expsim_panel.scenario import Scenario

_ONLY_SCORES = {
    "sd",
    "offset",
    "scale",
    "item_sd",
    "item_variant_sd",
    "repeat_sd",
    "severity_sd",
    "noise_sd",
    "latent_mean",
    "pile_up",
    "pile_up_at",
    "adjudication_gap",
}
_ONLY_RATES = {"sensitivity", "specificity", "prior_hits", "prior_misses"}
_ONLY_SIDE_BY_SIDE = {
    "position_bias", "orders", "combine", "tie_model", "tie_band", "tie_parameter", "difference_sd",
}  # fmt: skip
_NEVER_SIDE_BY_SIDE = {
    *_ONLY_RATES, "adjudication", "adjudication_gap",
    "sd", "latent_mean", "offset", "item_sd", "severity_sd", "shared_raters", "pile_up", "pile_up_at",
    "drift", "upgrade_shift", "upgrade_day", "refusal_correlation", "range", "thresholds", "draw_levels",
    "paired", "prompt_sd", "topic_sd",
    "zero_share", "log_sd", "interference", "carryover", "ramp", "mismatch", "switchback", "covariate_correlation",
}  # fmt: skip


def meaningless(scenario: Scenario) -> frozenset[str]:
    """Return the names of fields that are not read, or refused, for the scenario's family of outcomes."""
    scored_singly = _ONLY_SCORES if scenario.family == "binary" else _ONLY_RATES
    return misplaced(scenario) if scenario.side_by_side else misplaced(scenario) | scored_singly


def misplaced(scenario: Scenario) -> frozenset[str]:
    """Return the names of fields that only exist side by side, or only where responses are scored singly."""
    return frozenset(_NEVER_SIDE_BY_SIDE if scenario.side_by_side else _ONLY_SIDE_BY_SIDE)


def shock_comes_late(scenario: Scenario) -> bool:
    """Tell whether the outside event begins after the planned end."""
    return scenario.traffic.shock is not None and scenario.traffic.shock.day > scenario.traffic.days


def notes(scenario: Scenario) -> tuple[str, ...]:
    """Return a sentence about everything that the traffic asks for and that its other numbers keep from happening."""
    traffic, said = scenario.traffic, []
    if shock_comes_late(scenario):
        said.append(f"traffic.shock changes nothing here: {idle(scenario, 'traffic.shock.day')}.")
    if traffic.ramp is not None and traffic.ramp.days > traffic.days:
        said.append(
            f"traffic.ramp never reaches the full shares: it takes {traffic.ramp.days} days, and {traffic.days} are "
            "planned."
        )
    if traffic.unit == "request" and traffic.exposures_per_unit > 1:
        said.append(
            f"traffic.exposures_per_unit is {traffic.exposures_per_unit:g}, and traffic.unit = request is one response"
            ": give 1, and the requests as traffic.units_per_day."
        )
        if traffic.icc > 0 and scenario.analysis.unit != "one-response":
            said.append(f"traffic.icc changes nothing here: {idle(scenario, 'traffic.icc')}.")
    return tuple(said)


def idle(scenario: Scenario, path: str) -> str:
    """Return why a number changes no estimate of this study, and what would let it; empty where it may change one."""
    key, traffic = path.rpartition(".")[2], scenario.traffic
    if path.startswith("traffic.shock.") and shock_comes_late(scenario):
        return f"it begins on day {traffic.shock.day}, and {traffic.days} are planned"
    if path == "traffic.icc" and scenario.analysis.unit != "one-response" and traffic.unit == "request":
        return "requests are randomised, one by one"
    if key == "upgrade_day" and not getattr(scenario.evaluator, "upgrade_shift", 0.0):
        return "upgrade_shift is 0"
    if path in ("traffic.icc", "traffic.exposures_per_unit", "traffic.size_variation"):
        if scenario.analysis.unit == "one-response":
            return 'one response of each unit is analysed; set analysis.unit = "unit" or "response"'
    elif path.startswith("evaluator."):
        return _idle_money(scenario, path.removeprefix("evaluator."))
    elif path.startswith(("metric.", "variants.")):
        amounts = scenario.metric.family == "amount"
        if key == "sd" and amounts:
            return "amounts spread by metric.log_sd and metric.zero_share"
        if path == "metric.sd" and scenario.metric.draw_levels:
            return "levels are drawn, and spread by metric.thresholds"
        if path == "metric.sd" and all(variant.sd for variant in scenario.variants):
            return "every variant has a spread of its own, variants.K.sd"
        if key in ("log_sd", "zero_share") and not amounts:
            return "only amounts have it"
        index = path.split(".")[1]
        if path.startswith("variants.") and index.isdecimal() and int(index) < len(scenario.variants):
            variant = scenario.variants[int(index)]
            speed = variant.latency_ms is not None and variant.latency_ms.tokens_per_second is not None
            # Answers that take the time of their tokens are long, whatever they cost.
            return "" if speed and key.startswith("output_tokens") else unread(variant, key)
    return ""


def _idle_money(scenario: Scenario, path: str) -> str:
    """Return why a number of the evaluator changes neither price nor time."""
    one, key = scenario.evaluator, path.rpartition(".")[2]
    for half in path.split(".")[:-1]:
        one = getattr(one, half) if half in ("judge", "human") and one.kind == "hybrid" else one
    if isinstance(one, Judge):
        timed = one.latency_ms is not None
        if one.batch and (key in ("seconds", "concurrency") or path.rpartition(".")[0].endswith("latency_ms")):
            return "a batch takes a day, however many calls it has"
        if timed and key == "seconds":
            return "a call takes what latency_ms says"
        if timed and one.latency_ms.tokens_per_second is not None and key.startswith("output_tokens"):
            return ""
        return unread(one, key)
    if isinstance(one, Human) and key == "overhead" and one.usd_per_label() == 0:
        return "labels are free; give price_per_label or hourly_wage"
    return ""
