"""A prompt set as the engine plays it: batches in place of days, and the law of rows in place of live traffic's."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from expsim_panel.evaluators.hybrid import Hybrid
from expsim_panel.offline_laws import hybrid_parts, rows_per_prompt, severity, topic_sd
from expsim_panel.paired_laws import rate_differences
from expsim_panel.paired_rows import PairedRows, rate_rows, score_rows, topic_rate_rows
from expsim_panel.preference_hybrid import per_label
from expsim_panel.preference_prompt_hybrid import CorrectedPreferences, corrected_preferences
from expsim_panel.preference_prompts import PromptPreferences, prompt_preferences
from expsim_panel.preference_rows import arm_sds, seen_of
from expsim_panel.prompt_rows import PromptRows, prompt_rows

if TYPE_CHECKING:
    from expsim_panel.evaluation import Evaluator
    from expsim_panel.scenario import Scenario


class Parts(NamedTuple):
    """What a `Law` needs: means and spreads of rows, oriented; severity of raters; the law to draw from."""

    means: np.ndarray
    sds: np.ndarray
    severity_sd: float
    raters: int
    shared: bool
    rows: PromptRows | PairedRows | PromptPreferences | CorrectedPreferences


def batches(scenario: Scenario) -> tuple[np.ndarray, np.ndarray]:
    """Return units and rows by the end of each batch, int64 of shape (batches, arms): whole topics in each batch.

    A unit is a prompt in one arm; side by side the control has one in every comparison.
    """
    table = scenario.offline
    groups = np.floor(table.groups * np.arange(1, table.ticks + 1) / table.ticks + 0.5).astype(np.int64)
    units = np.repeat(groups[:, None] * table.size, len(scenario.variants), axis=1)
    rows = np.floor(rows_per_prompt(scenario) * units + 0.5).astype(np.int64)
    if scenario.side_by_side:
        # The control answers beside each of them.
        for one in (units, rows):
            one[:, 0] = one[:, 1:].sum(axis=1)
    return units, rows


def parts(scenario: Scenario, evaluator: Evaluator, means: np.ndarray, sds: np.ndarray) -> Parts:
    """Return the law of rows for true means and standard deviations of a response, shape (replicates, arms)."""
    sds, blank = np.broadcast_to(sds, means.shape), np.zeros(means.shape)
    if scenario.side_by_side:
        return _compared_parts(scenario, evaluator, means)
    if isinstance(evaluator, Hybrid):
        return _labelled_parts(scenario, evaluator, means, sds)
    rows = prompt_rows(scenario, evaluator, means, sds)
    seen = evaluator.measure(means, sds, scenario.family).means
    spread = np.sqrt(rows.parts.of_row(rows.level, np.array(float(scenario.offline.prompts)))) + blank
    return Parts(_oriented(scenario, seen), spread, *severity(scenario, evaluator), rows)


def _compared_parts(scenario: Scenario, evaluator: Evaluator, means: np.ndarray) -> Parts:
    """Return the same of net win rates, where every row is of comparisons with the control."""
    rows: PromptPreferences | CorrectedPreferences
    if isinstance(evaluator, Hybrid):
        rows = corrected_preferences(scenario, evaluator, means)
        spread = per_label(evaluator, rows.joint)
    else:
        rows = prompt_preferences(scenario, evaluator, means)
        spread = np.sqrt(rows.parts.of_row(rows.level, np.array(float(scenario.offline.prompts))))[1:]
    sds = arm_sds(scenario, spread + np.zeros((len(means), 1)))
    return Parts(scenario.sign * seen_of(scenario, evaluator, means), sds, 0.0, 0, True, rows)


def _labelled_parts(scenario: Scenario, evaluator: Hybrid, means: np.ndarray, sds: np.ndarray) -> Parts:
    """Return the same where people label a part of the prompts that a judge scores."""
    table, blank = scenario.offline, np.zeros(means.shape)
    steps = np.zeros((table.ticks, means.shape[1]))
    if scenario.family == "binary":
        spread = float(table.prompt_sd), float(table.interaction_sd), int(table.samples)
        if table.topics:
            rows = topic_rate_rows(scenario, evaluator, means)
        else:
            rows = rate_rows(scenario, evaluator, means, blank, steps, np.zeros(table.ticks), spread)
        seen = evaluator.human.measure(means, sds, "binary").means
        found = rate_differences(evaluator, means, *spread, *table.of_topics())
    else:
        parts_of = hybrid_parts(scenario, evaluator, means, sds)
        own = topic_sd(scenario, parts_of) if table.topics else None
        rows = score_rows(scenario, evaluator, means, sds, steps, parts_of, own)
        seen, found = means, parts_of.differences()
    each = found.by_arm(float(evaluator.label_share), evaluator.method("normal"))
    return Parts(_oriented(scenario, seen), np.sqrt(each) + blank, 0.0, 0, True, rows)


def _oriented(scenario: Scenario, rows: np.ndarray) -> np.ndarray:
    """Turn means of rows so that more is better."""
    if scenario.sign > 0:
        return np.ascontiguousarray(rows)
    return np.ascontiguousarray(1 - rows if scenario.family == "binary" else -rows)
