"""Side by side on a fixed prompt set: the law that the kernel draws from, and what is known of it exactly.

A comparison's luck of variance s^2 (`difference_sd`) has a prompt's part s_g^2, a topic's s_tg^2 and the rest of its
own, so that a single comparison is the same as on live traffic, and only what comparisons share differs. With
Davidson's ties the parts are of the luck's normal scale, see `preference_luck`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np

from expsim_panel.evaluators.judge import Judge
from expsim_panel.kernels.prompt_verdicts import BOTH, RANDOM, Luck, PromptVerdicts, draw_prompt_verdicts
from expsim_panel.offline_laws import Components
from expsim_panel.preference import Reader, TieModel, normal_nodes
from expsim_panel.preference_luck import luck_shares, shared_variances
from expsim_panel.preference_rows import chances_of, part_of_control, reader_of
from expsim_panel.prompt_rows import LEVELS, PROMPTS, per_row, stretched, student
from expsim_panel.row_law import Block, Change, Law, RowKind, Stops
from expsim_panel.scenario_offline import Offline

if TYPE_CHECKING:
    from expsim_panel.design import Bounds
    from expsim_panel.evaluation import Evaluator
    from expsim_panel.scenario import Scenario

ORDERS = {"random": RANDOM, "treatment-first": 1, "control-first": -1, "both": BOTH}
NODES = 801
_LEAST = 1e-6
"""Part of the latent SD that a comparison has of its own at least, where formulas divide by it."""


@dataclass(frozen=True)
class PromptPreferences(RowKind):
    """The law of comparisons on a prompt set, and what the analysis believes of it.

    Attributes
    ----------
    law : PromptVerdicts
        What the kernel draws from.
    parts : Components
        Of the first replicate; the control has none.
    level : str
        What is a row.
    """

    law: PromptVerdicts
    parts: Components
    level: str

    @property
    def alike(self) -> bool:
        """Whether the variances hold of all replicates: they hang on the net win rates."""
        return len(self.law.centre) == 1

    def each(self, change: Change) -> Self:
        """Return the same with `change` made to every array by replicate."""
        return replace(self, law=self.law._replace(centre=np.ascontiguousarray(change(self.law.centre))))

    def draw(self, law: Law, block: Block) -> np.ndarray | None:
        """Draw a block of comparisons."""
        prompts = np.asarray(np.round(block.rows[:, 1] * per_row(self.level, self.law)), np.int64)
        draw_prompt_verdicts(block.outcome, self.law, prompts, block.rows, block.sums, block.squares)
        return None

    def why_inexact(self, rows: np.ndarray, severity_sd: float) -> str:
        """Return why there are no exact figures: they are those of many rows."""
        return f"no exact value: a look sees fewer than {PROMPTS} rows" if rows[:, 1].min() < PROMPTS else ""

    def freedom(self, rows: float) -> float | None:
        """Return the degrees of freedom of the variance of independent rows; None where they share something."""
        return None if self.parts.hidden(self.level) else rows - 1.0

    def student(self, planned: Bounds, rows: np.ndarray) -> Bounds | str:
        """Return the bounds with the degrees of freedom of the verdicts' rows."""
        freedom = self.freedom(float(rows[-1, 1]))
        if freedom is None:
            return "no exact value: rows share a prompt or a topic, and degrees of freedom count them as apart"
        return replace(planned, lower=student(planned.lower, freedom), upper=student(planned.upper, freedom))

    def variances(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the true and the believed variance of the first difference at some numbers of rows, shape (looks,)."""
        prompts = np.asarray(rows, float) * per_row(self.level, self.law)
        true = self.parts.of_mean(prompts)[:, 1]
        return true, self.parts.of_row(self.level, prompts)[:, 1] / rows

    def crossing(self, planned: Bounds, difference: float, rows: np.ndarray, severity_sd: float) -> Stops | None:
        """Return where a test ends: rows are many, their mean as good as normal."""
        return stretched(planned, difference, *self.variances(rows[:, 1]), self.freedom(float(rows[-1, 1])))


class Shares(NamedTuple):
    """Where a reading's spread comes from, latent points as a reader sees them, and who reads what is left.

    Attributes
    ----------
    topic, prompt : float
        SD of what all comparisons of a topic, of a prompt, share.
    in_topic, in_prompt : tuple of TieModel and Reader
        The law of a comparison given its topic, given its prompt too.
    """

    topic: float
    prompt: float
    in_topic: tuple[TieModel, Reader]
    in_prompt: tuple[TieModel, Reader]


def shares_of(scenario: Scenario, evaluator: Evaluator) -> Shares:
    """Return what comparisons share (probit); a judge's lasting error is the prompt's, people's their comparison's."""
    table: Offline = scenario.offline
    model, (reader, _) = scenario.tie_model, reader_of(evaluator, 2)
    left, own = model.scale**2 - table.topic_interaction_sd**2, float(table.interaction_sd)
    least = (_LEAST * model.scale) ** 2
    in_topic, in_prompt = (replace(model, scale=float(max(one, least)) ** 0.5) for one in (left, left - own**2))
    lasting = reader.lasting if isinstance(evaluator, Judge) else 0.0
    alone = replace(reader, lasting=0.0) if lasting else reader
    return Shares(
        reader.slope * float(table.topic_interaction_sd), float(np.hypot(reader.slope * own, lasting)),
        (in_topic, reader), (in_prompt, alone),
    )  # fmt: skip


def prompt_parts(scenario: Scenario, evaluator: Evaluator, means: np.ndarray) -> Components:
    """Return the components of a verdict's variance for true net win rates, shape (arms,).

    With ``n(x)`` the expected verdict of what is given: ``topic = Var n(topic)``, ``prompt = Var n(topic and prompt) -
    topic``, ``score`` the rest; integrals over one normal each.
    """
    table: Offline = scenario.offline
    reader, tilt = reader_of(evaluator, means.size)
    values = reader.values
    seen = reader.slope * scenario.tie_model.latent(means[1:]) + tilt
    chances = chances_of(reader, scenario.tie_model, seen)
    whole = chances @ values**2 - (chances @ values) ** 2
    topic, both = _shared(scenario, evaluator, reader, seen)
    alone, own, score = (np.concatenate([[0.0], np.maximum(one, 0.0)]) for one in (topic, both - topic, whole - both))
    return Components(alone, own, score, table.size, int(table.samples))


def _shared(
    scenario: Scenario, evaluator: Evaluator, reader: Reader, seen: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return ``Var n(topic)`` and ``Var n(topic and prompt)``, shape of `seen`."""
    model = scenario.tie_model
    if model.kind != "probit":
        of_prompt = reader.lasting if isinstance(evaluator, Judge) else 0.0
        return shared_variances(reader, model, seen, luck_shares(scenario), of_prompt)
    found, values = shares_of(scenario, evaluator), reader.values
    nodes, weights = normal_nodes(NODES)

    def shared(spread: float, given: tuple[TieModel, Reader]) -> np.ndarray:
        if spread == 0:
            return np.zeros(seen.shape)
        expected = chances_of(given[1], given[0], seen[:, None] + spread * nodes) @ values
        return np.asarray(((expected - (expected @ weights)[:, None]) ** 2) @ weights)

    both = shared(float(np.hypot(found.topic, found.prompt)), found.in_prompt)
    return shared(found.topic, found.in_topic), both


def prompt_law(scenario: Scenario, evaluator: Evaluator, means: np.ndarray) -> PromptVerdicts:
    """Return what the kernel draws from for true net win rates, shape (replicates, arms)."""
    table: Offline = scenario.offline
    reader, tilt = reader_of(evaluator, means.shape[1])
    whole = scenario.tie_model
    centre = np.ascontiguousarray(reader.slope * whole.latent(means[:, 1:]) + tilt)
    if whole.kind == "probit":
        found = shares_of(scenario, evaluator)
        model, alone = found.in_prompt
        leads = (found.topic, found.prompt, float(np.hypot(reader.slope * model.scale, alone.lasting)))
        band, luck = float(model.tie), Luck(0.0, 0.0, 0.0, 0.0, 0.0)
    else:
        lasting = float(reader.lasting)
        leads = (0.0, lasting, 0.0) if isinstance(evaluator, Judge) else (0.0, 0.0, lasting)
        topic, prompt = luck_shares(scenario)
        own = max(1 - topic - prompt, 0.0)
        unit = float(reader.slope * whole.scale)
        band, luck = 0.0, Luck(unit, float(whole.tie), topic**0.5, prompt**0.5, own**0.5)
    return PromptVerdicts(
        LEVELS[table.level], table.size, int(table.samples), centre, *leads, float(reader.noise), band, luck,
        float(reader.position), ORDERS[reader.orders], int(reader.votes), bool(reader.averaged), float(scenario.sign),
        part_of_control(means.shape[1] - 1),
    )  # fmt: skip


def prompt_preferences(scenario: Scenario, evaluator: Evaluator, means: np.ndarray) -> PromptPreferences:
    """Return the law of comparisons for true net win rates, shape (replicates, arms)."""
    law, parts = prompt_law(scenario, evaluator, means), prompt_parts(scenario, evaluator, means[0])
    return PromptPreferences(law, parts, scenario.offline.level)
