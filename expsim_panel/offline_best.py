"""The best number of judge calls, raters and answers of a prompt for the money."""

from __future__ import annotations

import math

import numpy as np

from expsim_panel.economics import ledger
from expsim_panel.evaluators.human import Human
from expsim_panel.evaluators.judge import Judge
from expsim_panel.measurement_design import Components, cheapest_replication
from expsim_panel.offline_laws import components
from expsim_panel.preference_prompts import prompt_parts
from expsim_panel.scenario import Scenario

VOTES = range(1, 16, 2)
"""Raters of an answer that are tried: a majority takes an odd number."""


def best_repeats(scenario: Scenario, judge: Judge, human: Human, prompt_cost: float = 0.0) -> dict[str, int]:
    """Return the best number of judge calls of an answer, raters of a prompt and answers to a prompt, for the money.

    Scores: ``K* = sqrt((c_item / c_call) s_r^2 / (b^2 (s_g^2 + s_o^2) + s_w^2))`` for one answer, the same form for
    raters and answers (MODEL section 3.1); a prompt that is not paired adds ``b^2 s_p^2 + s_i^2``. Rates: see
    `best_of_rates`.
    """
    if scenario.side_by_side:
        return best_of_comparisons(scenario, judge, prompt_cost)
    if scenario.family == "binary":
        return best_of_rates(scenario, judge, human, prompt_cost)
    table = scenario.offline
    sample = max(float(np.mean(scenario.sds**2)) - table.given(), 0.0)
    parts = Components(
        prompt=math.sqrt(table.shared()), interaction=math.hypot(table.interaction_sd, table.topic_interaction_sd),
        sample=math.sqrt(sample), severity=float(human.severity_sd), noise=math.sqrt(human.noise_variance()),
        scale=float(judge.scale), item=float(judge.item_sd), item_variant=float(judge.item_variant_sd),
        repeat=float(judge.repeat_sd),
    )  # fmt: skip
    generation = float(np.mean(ledger(scenario).generation))
    call, label = judge.usd_per_row() / judge.repeats, human.usd_per_label()
    paired, made = bool(table.paired), {}
    if call > 0:
        made["judge calls"] = parts.optimal_repeats(generation, call, paired)
    if label > 0:
        made["raters"] = parts.optimal_raters(generation, label, paired)
    if generation + call > 0:
        made["samples"] = parts.optimal_samples(
            prompt_cost, generation + call * judge.repeats, int(judge.repeats), paired
        )
    return made


def best_of_rates(scenario: Scenario, judge: Judge, human: Human, prompt_cost: float = 0.0) -> dict[str, int]:
    """Return the best number of raters of an answer and of answers to a prompt, right or wrong.

    The variance of a difference is ``v_fixed + v_unit / m`` here too, with what answers of one prompt share (and pairs
    do not) as the fixed part: ``m* = sqrt((c_prompt / c_answer) v_unit / v_fixed)``. A majority of r raters has
    ``J_r = Se_r + Sp_r - 1`` in closed form; r minimises the variance of the difference over ``J_r^2``, which is that
    of the truth, times the dollars of an answer. Repeated calls give a verdict again, so none but one are worth money.
    """
    generation, m = float(np.mean(ledger(scenario).generation)), int(scenario.offline.samples)
    made = {}
    if human.usd_per_label() > 0 and not human.adjudication:
        worth = {}
        for votes in VOTES:
            crowd = human.copy(labels_per_item=votes)
            yes, no = crowd.vote()
            fixed, unit = _spread(scenario, crowd)
            price = generation + votes * human.usd_per_label()
            worth[votes] = (fixed + unit / m) / max(yes + no - 1, 1e-12) ** 2 * price
        made["raters"] = min(worth, key=lambda votes: (worth[votes], votes))
    answer = generation + judge.usd_per_row()
    if answer > 0:
        made["samples"] = cheapest_replication(prompt_cost, answer, *_spread(scenario, judge))
    return made


def best_of_comparisons(scenario: Scenario, judge: Judge, prompt_cost: float = 0.0) -> dict[str, int]:
    """Return the best number of comparisons on a prompt by a judge: ``v_fixed + v_unit / m`` of net win rates."""
    best = 1 + int(scenario.effects[1:].argmax())
    parts, each = prompt_parts(scenario, judge, scenario.means), ledger(scenario).generation[[0, best]]
    paid = float(each.sum()) + judge.usd_per_row()
    fixed = float(parts.size * parts.topic[best] + parts.prompt[best])
    return {"samples": cheapest_replication(prompt_cost, paid, fixed, float(parts.score[best]))} if paid > 0 else {}


def _spread(scenario: Scenario, evaluator: Judge | Human) -> tuple[float, float]:
    """Return the variance of a prompt's difference that answers share, and that of a single answer; rates."""
    best = 1 + int(scenario.effects[1:].argmax())
    parts = components(scenario, evaluator, scenario.means, scenario.sds)
    fixed = parts.size * parts.topic + parts.prompt
    return max(float(fixed[0] + fixed[best]), 0.0), max(float(parts.score[0] + parts.score[best]), 0.0)
