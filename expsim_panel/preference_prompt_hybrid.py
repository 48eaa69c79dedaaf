"""Judge and people side by side on a prompt set: labels of a part of its prompts (topics) correct the judge's verdicts.

A row is a topic's mean net win (a prompt's without topics), once by people and once by the judge.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import numpy as np

from expsim_panel.hybrid_rows import judged_of
from expsim_panel.kernels.prompt_verdict_pairs import CorrectedPrompts, draw_corrected_prompts
from expsim_panel.label_laws import Joint
from expsim_panel.preference import Reader, TieModel, normal_nodes
from expsim_panel.preference_hybrid import cells_of, correction_of, joint_of
from expsim_panel.preference_luck import NODES as LUCK_NODES
from expsim_panel.preference_luck import expected_given, luck_shares
from expsim_panel.preference_prompts import NODES, prompt_law, prompt_parts, shares_of
from expsim_panel.preference_rows import chances_of, reader_of
from expsim_panel.prompt_rows import PROMPTS
from expsim_panel.row_law import Block, Change, Law, RowKind

if TYPE_CHECKING:
    from expsim_panel.design import Bounds
    from expsim_panel.evaluators.human import Human
    from expsim_panel.evaluators.hybrid import Hybrid
    from expsim_panel.scenario import Scenario


@dataclass(frozen=True)
class CorrectedPreferences(RowKind):
    """The law of labelled and judged rows.

    Attributes
    ----------
    law : CorrectedPrompts
        What the kernel draws from.
    per_label : float
        Judged rows per labelled one.
    joint : Joint
        Moments of label and verdict of a row in the first replicate, shape (variants,).
    """

    law: CorrectedPrompts
    per_label: float
    joint: Joint

    @property
    def alike(self) -> bool:
        """Whether the variances hold of all replicates: they hang on the net win rates."""
        return len(self.law.people.centre) == 1

    def each(self, change: Change) -> Self:
        """Return the same with `change` made to every array by replicate."""
        leads = np.ascontiguousarray(change(self.law.people.centre))
        return replace(self, law=self.law._replace(people=self.law.people._replace(centre=leads)))

    def draw(self, law: Law, block: Block) -> np.ndarray | None:
        """Draw a block of rows and the labels that correct them."""
        judged = judged_of(self.per_label, block.rows)
        draw_corrected_prompts(block.outcome, self.law, block.rows, judged, block.sums, block.squares)
        return None

    def why_inexact(self, rows: np.ndarray, severity_sd: float) -> str:
        """Return why there are no exact figures: they are those of many rows."""
        return f"no exact value: a look sees fewer than {PROMPTS} labelled rows" if rows[:, 1].min() < PROMPTS else ""

    def student(self, planned: Bounds, rows: np.ndarray) -> Bounds | str:
        """Return why a corrected mean has no degrees of freedom that are known."""
        return "no exact value: the degrees of freedom of a corrected mean follow from the data"


def joint_of_rows(scenario: Scenario, evaluator: Hybrid, means: np.ndarray) -> Joint:
    """Return the moments of label and verdict of a row for true net win rates, shape (arms,); results (arms - 1,).

    ``Cov = t + (p + e / m) / k`` as each one's variance is: t and p from what both expect given topic and prompt (the
    judge's error on a prompt is its own), e the rest of the covariance of one comparison.
    """
    table, model = scenario.offline, scenario.tie_model
    people, judge = evaluator.human, evaluator.judge
    reader, _ = reader_of(people, means.size)
    other, tilt = reader_of(judge, means.size)
    latent = model.latent(means[1:])
    found = joint_of(cells_of(model, reader, other, tilt, latent), reader.values, other.values)
    topic, both = _shared(scenario, people, (reader, other), latent, tilt)
    rest = found.covariance - both
    covariance = topic + (both - topic + rest / int(table.samples)) / int(table.size)
    label_sd, score_sd = (
        np.sqrt(prompt_parts(scenario, one, means).of_row(table.level, np.array(2.0)))[1:] for one in (people, judge)
    )
    return Joint(found.label, found.score, label_sd, score_sd, covariance, 0.0, 0, True)


def _shared(
    scenario: Scenario, people: Human, readers: tuple[Reader, Reader], latent: np.ndarray, tilt: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the covariances of what people and judge expect given the topic, and given topic and prompt.

    Parameters
    ----------
    readers
        People and judge.
    latent, tilt : float64 arrays, shape (variants,)
        True latent differences, and what the judge adds to its own reading of them.
    """
    table, model, (reader, other) = scenario.offline, scenario.tie_model, readers
    if model.kind != "probit":
        known, weights = normal_nodes(LUCK_NODES)

        def together(share: float) -> np.ndarray:
            label = expected_given(reader, model, latent, share, known)
            score = expected_given(other, model, other.slope * latent + tilt, share, known)
            first, second = (one - (one @ weights)[:, None] for one in (label, score))
            return np.asarray((first * second) @ weights)

        topic, prompt = luck_shares(scenario)
        return together(topic), together(topic + prompt)
    nodes, weights = normal_nodes(NODES)

    def shared(variance: float, given: TieModel) -> np.ndarray:
        quality = latent[:, None] + float(variance) ** 0.5 * nodes

        def gap(one: Reader, seen: np.ndarray) -> np.ndarray:
            expected = chances_of(one, given, seen) @ one.values
            return np.asarray(expected - (expected @ weights)[:, None])

        return np.asarray((gap(reader, quality) * gap(other, other.slope * quality + tilt[:, None])) @ weights)

    parts = shares_of(scenario, people)
    return shared(table.topic_interaction_sd**2, parts.in_topic[0]), shared(table.given(), parts.in_prompt[0])


def corrected_preferences(scenario: Scenario, evaluator: Hybrid, means: np.ndarray) -> CorrectedPreferences:
    """Return the law of labelled and judged rows for true net win rates, shape (replicates, arms)."""
    _, tilt = reader_of(evaluator.judge, means.shape[1])
    people, judge = (prompt_law(scenario, one, means) for one in (evaluator.human, evaluator.judge))
    probit = scenario.tie_model.kind == "probit"
    left = shares_of(scenario, evaluator.human).in_prompt[0].scale if probit else 0.0
    reader, other = (reader_of(one, means.shape[1])[0] for one in (evaluator.human, evaluator.judge))
    people = people._replace(own=float(reader.lasting))
    judge = judge._replace(
        centre=np.ascontiguousarray(np.broadcast_to(tilt, people.centre.shape[1:])[None] + 0 * people.centre[:1]),
        topic=0.0, prompt=float(other.lasting), own=0.0,
    )  # fmt: skip
    law = CorrectedPrompts(people, judge, float(left), float(other.slope), correction_of(evaluator))
    return CorrectedPreferences(law, 1 / float(evaluator.label_share), joint_of_rows(scenario, evaluator, means[0]))
