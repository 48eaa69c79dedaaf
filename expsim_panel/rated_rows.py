"""Studies whose rows are people's ratings as a calibration's law has them: when they can be, and the law of a block."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from expsim_panel.evaluators.human import Human
from expsim_panel.evaluators.hybrid import Hybrid
from expsim_panel.uneven import Outcome

if TYPE_CHECKING:
    from expsim_panel.evaluation import Evaluator
    from expsim_panel.rating_law_tables import LawTable
    from expsim_panel.scenario import Scenario


def people(scenario: Scenario) -> Human | None:
    """Return the people of the scenario's evaluator, if there are any."""
    evaluator = scenario.evaluator
    found = evaluator.human if isinstance(evaluator, Hybrid) else evaluator
    return found if isinstance(found, Human) else None


def by_moments(scenario: Scenario) -> str:
    """Return why rows have mean and spread of the fitted law only; empty where they are drawn from it."""
    if isinstance(scenario.evaluator, Hybrid):
        return "a judge is corrected by them"
    if scenario.offline is not None:
        return "the study is on a prompt set"
    if scenario.metric.draw_levels:
        return "the metric's own levels are drawn"
    if scenario.analysis.unit != "one-response" or scenario.traffic.switchback is not None:
        return "units or periods are averaged"
    if scenario.analysis.covariate_correlation != 0:
        return "a covariate is taken out"
    return ""


def rated(scenario: Scenario, evaluator: Evaluator) -> LawTable | None:
    """Return the table that the rows of a study are drawn from; None where they are drawn by mean and spread."""
    if not isinstance(evaluator, Human) or by_moments(scenario):
        return None
    return evaluator.ratings_table(scenario.family)


def outcome(scenario: Scenario, table: LawTable, days: int, alike: bool) -> Outcome:
    """Return the law of ratings, oriented so that more is better.

    Parameters
    ----------
    alike : bool
        Whether every variant has the spread of the control, as in the null twin.
    """
    arms = len(scenario.variants)
    which = np.zeros(arms, dtype=np.int64) if alike else np.minimum(np.arange(arms), len(table.centre) - 1)
    origin = 1.0 if scenario.family == "binary" and scenario.sign < 0 else 0.0
    return Outcome(
        np.zeros((days, arms)),
        1.0,
        table.residual,
        values=np.ascontiguousarray(origin + scenario.sign * table.values),
        table=np.ascontiguousarray(table.table[which]),
        centre=np.ascontiguousarray(table.centre[which]),
    )


def told(scenario: Scenario) -> str:
    """Return the sentence that says how a study's ratings are drawn; empty without a fitted law."""
    found = people(scenario)
    if found is None or found.law is None:
        return ""
    name, rests = str(found.law.name), found.law_rests(scenario.family)
    if rests:
        return f"The law of ratings that calibration kept ({name}) rests: {rests}. Ratings are normal around quality."
    why = by_moments(scenario)
    if why:
        return (
            f"Ratings have the means and spreads of the law that calibration kept ({name}), and a normal shape:"
            f" {why}. That moves chances by under one percentage point from fifty labels of a variant on."
        )
    return f"Ratings are drawn, rater by rater, from the law that calibration kept ({name})."
