"""What a surface can show: for each figure the world that is played, where it is read, and plain words."""

from __future__ import annotations

from expsim_panel.scenario import Scenario
from expsim_panel.world_words import words_of

Entry = tuple[str, str, str]
"""World, key of the figure, plain words."""

METRICS: dict[str, Entry] = {
    "power": ("truth", "rejection", "Chance to find the difference"),
    "type1_error": ("null", "rejection", "Chance of a false alarm"),
    "type1_error_unbiased": ("unbiased", "rejection", "Chance of a false alarm, perfect evaluator"),
    "launch": ("truth", "launch", "Chance of a launch"),
    "false_launch": ("null", "launch", "Chance of a false launch"),
    "p_correct": ("truth", "p_correct", "Chance of a correct decision"),
    "p_harmful_launch": ("truth", "p_harmful_launch", "Chance of a harmful launch"),
    "p_suboptimal_launch": ("truth", "p_suboptimal_launch", "Chance to launch a good variant, not the best"),
    "p_missed_win": ("truth", "p_missed_win", "Chance to miss a win"),
    "p_inconclusive": ("truth", "p_inconclusive", "Chance of no decision"),
    "units": ("truth", "units", "Expected units"),
    "exposures": ("truth", "exposures", "Expected responses"),
    "judged": ("truth", "judged", "Expected responses judged"),
    "labelled": ("truth", "labelled", "Expected responses labelled"),
    "rater_hours": ("truth", "rater_hours", "Expected hours of people's work"),
    "days": ("truth", "days", "Expected days to a decision"),
    "waiting_days": ("truth", "waiting_days", "Expected days of waiting for the last score"),
    "cost": ("truth", "cost", "Expected cost of the experiment"),
    "cost_per_correct": ("truth", "cost_per_correct", "Cost per correct decision"),
    "regret": ("truth", "regret", "Expected loss against the best variant, $"),
    "simple_regret": ("truth", "simple_regret", "Expected loss of the choice, $ per response"),
    "traffic_on_worse_arms": ("truth", "traffic_on_worse_arms", "Traffic on worse variants"),
    "exaggeration": ("truth", "exaggeration", "Estimate over truth among launches"),
    "exaggeration_adjusted": ("truth", "exaggeration_adjusted", "The same, adjusted for early stopping"),
    "exaggeration_shrunk": ("truth", "exaggeration_shrunk", "The same, shrunk to the team's prior"),
    "coverage": ("truth", "coverage", "Coverage of the interval"),
    "coverage_adjusted": ("truth", "coverage_adjusted", "Coverage of the adjusted interval"),
}
"""Figures of every study.

``power`` is the chance of a rejection; where no variant is better that is a false alarm.
"""

ADJUSTED = ("exaggeration_adjusted", "exaggeration_shrunk", "coverage_adjusted")
"""Those that are worked out experiment by experiment, by solving the stages, and only when asked for."""

ALL, RAIL = "all", "rail"
"""First parts of the keys of guardrails: ``all.FIGURE``, ``rail.INDEX.ARM.FIGURE``."""

_RAIL: dict[str, Entry] = {
    "p_pass": ("truth", "p_pass", "pass"),
    "p_fail": ("truth", "p_fail", "fail"),
    "p_unknown": ("truth", "p_unknown", "stay unknown"),
    "p_false_alarm": ("null", "not_pass", "not pass, though harmless"),
    "p_false_fail": ("null", "p_fail", "fail, though harmless"),
    "p_pass_at_margin": ("truth", "at_margin", "pass with harm at the margin"),
    "power": ("null", "p_pass", "pass if harmless (its own power)"),
}
"""Figures of one guardrail, see `guardrail_figures`."""

_TOGETHER = {
    "p_pass": "all guardrails pass",
    "p_fail": "any guardrail fails",
    "p_unknown": "a guardrail stays unknown and none fails",
    "p_false_alarm": "not all guardrails pass, though harmless",
    "p_false_fail": "any guardrail fails, though harmless",
    "p_pass_at_margin": "all guardrails pass with harm at the margin",
}

_LAUNCHES: dict[str, Entry] = {
    "held_back": ("truth", f"{ALL}.held_back", "Chance that guardrails hold a winner back"),
    "p_breached_launch": ("truth", f"{ALL}.p_breached_launch", "Chance to launch a breaching variant"),
    "breached_among_launches": ("truth", f"{ALL}.breached_among_launches", "Breaching variants among launches"),
    "breach_exposures": ("truth", f"{ALL}.breach_exposures", "Responses of truly breaching variants"),
}

SHARES = (
    "power", "type1_error", "type1_error_unbiased", "launch", "false_launch", "p_correct", "p_harmful_launch",
    "p_suboptimal_launch", "p_missed_win", "p_inconclusive", "traffic_on_worse_arms", "coverage", "coverage_adjusted",
    "held_back", "p_breached_launch", "breached_among_launches", "p_wrong", "p_keeps_breach",
    *(name for name in _RAIL if name != "power"),
)  # fmt: skip
"""Those that are shares of 1; those of a single guardrail are too; `p_wrong` and `p_keeps_breach` are of bandits."""

MONEY = ("cost", "cost_per_correct", "regret", "simple_regret", "spent")
"""Those in dollars."""

DAYS = ("days", "waiting_days")
RATIOS = (
    "exaggeration", "exaggeration_adjusted", "exaggeration_shrunk", "lost", "blind_regret", "strong_regret",
    "weak_regret",
)  # fmt: skip


def is_share(metric: str) -> bool:
    """Tell whether a metric is a share of 1."""
    return metric in SHARES or metric.startswith("guardrails.")


def of_guardrails(key: str) -> bool:
    """Tell whether a key is read from results of guardrails."""
    return key.partition(".")[0] in (ALL, RAIL)


def metrics_of(scenario: Scenario) -> dict[str, Entry]:
    """Return what a surface of a scenario can show, in the words of its world, with the figures of its guardrails.

    ``p_pass``, ``p_fail``, ``p_unknown``, ``p_false_alarm``, ``p_false_fail`` and ``p_pass_at_margin`` are of all
    guardrails together (pass: all do; fail: any does) and, with several variants, of the best one by its true effect.
    ``guardrails.INDEX.FIGURE`` is one guardrail's; with several variants ``guardrails.INDEX.ARM.FIGURE``. These know
    ``power`` too: the guardrail's own, the chance that a harmless variant passes.
    """
    rails, arms, world_words = scenario.guardrails, len(scenario.variants), words_of(scenario)
    if not rails:
        return {key: (world, figure, world_words.figure(key, usual)) for key, (world, figure, usual) in METRICS.items()}
    made = {**METRICS, **_LAUNCHES}
    for name, (world, figure, _) in _RAIL.items():
        if name != "power":
            made[name] = world, f"{ALL}.{figure}", f"Chance that {_TOGETHER[name]}"
    for index, rail in enumerate(rails):
        for arm in range(1, arms):
            place = f"guardrails.{index}" if arms == 2 else f"guardrails.{index}.{arm}"
            owner = rail.name if arms == 2 else f"{rail.name}, {scenario.variants[arm].name}"
            for name, (world, figure, event) in _RAIL.items():
                made[f"{place}.{name}"] = world, f"{RAIL}.{index}.{arm}.{figure}", f"{owner}: chance to {event}"
    return made
