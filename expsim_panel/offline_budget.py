"""A prompt set for a budget: judge, people and both, each on as many prompts as the money buys."""

from __future__ import annotations

import copy
import math
from dataclasses import replace
from typing import Any

from expsim_panel.economics import ledger
from expsim_panel.errors import InputError
from expsim_panel.evaluation import Evaluator
from expsim_panel.evaluators.human import Human
from expsim_panel.evaluators.hybrid import Hybrid
from expsim_panel.evaluators.judge import Judge
from expsim_panel.label_laws import Joint
from expsim_panel.offline_answers import Beside, play
from expsim_panel.offline_laws import hybrid_parts, rows_per_prompt
from expsim_panel.paired_laws import Differences, rate_differences
from expsim_panel.preference_prompt_hybrid import joint_of_rows
from expsim_panel.quantities import money as dollars
from expsim_panel.results import Figure
from expsim_panel.scenario import Scenario
from expsim_panel.split import optimal_split

FEWEST, MOST = 4, 100_000
"""Prompts of a set."""
DRAWN = 10_000_000
"""Prompts that are drawn one by one for a figure: of large sets fewer experiments are played, and the exact value
stands beside them."""


def at_equal_budget(
    tree: dict[str, Any], judge: Judge, human: Human, budget: float, prompt_cost: float, where: str, replicates: int,
    seed: int,
) -> tuple[Beside, ...]:  # fmt: skip
    """Return judge, people and both on prompts that all variants answer, for the same dollars.

    Writing a prompt, its answers and their scores (labels) are paid. A hybrid takes the optimal split of MODEL section
    3.2 at rho_D, the correlation of the differences of label and score, in which a judged prompt costs its answers too.

    Parameters
    ----------
    tree : dict
        Scenario with ``[offline]``; its prompts do not count, nor whether they are paired.
    budget, prompt_cost : float
        Dollars.
    """
    made = []
    whole = copy.deepcopy(tree)
    whole["offline"]["paired"] = True
    for kind, one in (("judge", judge), ("human", human), ("hybrid", Hybrid(judge=judge, human=human))):
        try:
            sized, prompts = _sized(whole, kind, one, budget, prompt_cost, where)
        except InputError as error:
            nothing = Figure(None, reason="not played")
            reason = f"{error.key}: {error.problem}" if error.key else error.problem
            made.append(Beside(kind, "offline", 0.0, None, None, nothing, nothing, 0.0, 0.0, 0.0, 0.0, reason))
            continue
        often = replicates if kind == "hybrid" else max(min(replicates, DRAWN // prompts), 100)
        row, _ = play(sized, kind, "offline", where, often, seed)
        made.append(replace(row, cost=row.cost + prompt_cost * row.per_variant))
    return tuple(made)


def _sized(
    tree: dict[str, Any], kind: str, one: Evaluator, budget: float, prompt_cost: float, where: str
) -> tuple[dict[str, Any], int]:
    """Return the scenario with what the budget buys, and its prompts."""
    sized = copy.deepcopy(tree)
    sized["evaluator"] = one.to_tree()
    if isinstance(one, Hybrid):
        sized["evaluator"] = {**sized["evaluator"], "label_share": 1.0, "paired": False}
    scenario = Scenario.from_tree(sized, where)
    generated, judged, labelled = _per_prompt(scenario)
    labels = 0
    each = prompt_cost + generated + judged + (labelled if kind == "human" else 0.0)
    if not isinstance(one, Hybrid):
        prompts = MOST if each <= 0 else min(math.floor(budget / each + 1e-9), MOST)
        _demand(prompts, FEWEST, budget, "prompts")
    else:
        rho = abs(float(_differences(scenario).rho[int(scenario.effects[1:].argmax())]))
        if not (each > 0 and labelled > 0):
            raise InputError(where, "", "labels or judged prompts cost nothing: there is nothing to split", "")
        _demand(math.floor(budget / (each + labelled)), FEWEST, budget, "labelled prompts")
        found = optimal_split(rho, labelled, each, budget)
        prompts, labels = found.judged, found.labelled
        if prompts > MOST:
            prompts, labels = MOST, min(math.floor((budget - MOST * each) / labelled), MOST)
        _demand(labels, FEWEST * int(scenario.offline.size), budget, "labels")
        sized["evaluator"]["label_share"] = labels / prompts
    table = sized["offline"]
    topics = int(table.get("topics", 0))
    if topics:
        # As many prompts of a topic, in as many topics as there are whole ones.
        size = scenario.offline.size
        table["topics"] = max(prompts // size, 2)
        prompts = table["topics"] * size
        if isinstance(one, Hybrid):
            sized["evaluator"]["label_share"] = min(labels // size / table["topics"], 1.0)
    table["prompts"] = prompts
    if int(table.get("batches", 0)):
        table["batches"] = min(int(table["batches"]), int(table.get("topics", 0)) or prompts)
    return sized, prompts


def _demand(number: int, least: int, budget: float, what: str) -> None:
    if number < least:
        raise InputError("", "", f"{dollars(budget)} buys fewer than {least} {what}", "")


def _per_prompt(scenario: Scenario) -> tuple[float, float, float]:
    """Return dollars per prompt, all variants: answers, judge's scores, labels."""
    money, m, arms = ledger(scenario), int(scenario.offline.samples), scenario.answers
    # A hybrid labels every prompt here, so that a row is a prompt.
    per_prompt = money.per_row * rows_per_prompt(scenario)
    shares = money.shares
    # Side by side the control answers beside each of the others.
    beside = (arms - len(scenario.variants)) * float(money.generation[0])
    generated = m * (float(money.generation.sum()) + beside)
    return generated, arms * per_prompt * shares["judge"], arms * per_prompt * shares["human"]


def _differences(scenario: Scenario) -> Differences | Joint:
    """Return the law of the differences of label and score on one prompt; side by side of net wins."""
    table, evaluator = scenario.offline, scenario.evaluator
    if scenario.side_by_side:
        return joint_of_rows(scenario, evaluator, scenario.means)
    if scenario.family == "binary":
        spread = float(table.prompt_sd), float(table.interaction_sd), int(table.samples)
        return rate_differences(evaluator, scenario.means, *spread, *table.of_topics())
    return hybrid_parts(scenario, evaluator, scenario.means, scenario.sds).differences()
