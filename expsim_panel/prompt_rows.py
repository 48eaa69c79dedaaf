"""Rows on a fixed prompt set: the law that the kernel draws from, and what is known of it exactly."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from expsim_panel.evaluators.judge import Judge
from expsim_panel.kernels.prompt_sets import PROMPT, RESPONSE, TOPIC, PromptSet, draw_prompts
from expsim_panel.offline_laws import Components, components, said, severity, spreads
from expsim_panel.regions import stops_between
from expsim_panel.row_law import Block, Change, Law, RowKind, Stops
from expsim_panel.scenario_offline import Offline
from expsim_panel.severities import severe_student, severities

if TYPE_CHECKING:
    from expsim_panel.design import Bounds
    from expsim_panel.evaluation import Evaluator
    from expsim_panel.kernels.prompt_verdicts import PromptVerdicts
    from expsim_panel.scenario import Scenario

PROMPTS = 100
"""Rows of a prompt set from which on an estimated variance passes for a known one, where no t law helps."""

LEVELS = {"topic": TOPIC, "prompt": PROMPT, "response": RESPONSE}
_BY_REPLICATE = ("centre", "hit", "false", "own", "noise")


@dataclass(frozen=True)
class PromptRows(RowKind):
    """The law of rows on a prompt set, and what the analysis believes of it.

    Attributes
    ----------
    law : PromptSet
        What the kernel draws from.
    parts : Components
        Of the first replicate.
    level : str
        What is a row.
    """

    law: PromptSet
    parts: Components
    level: str

    @property
    def alike(self) -> bool:
        """Whether the variances hold of all replicates: those of rates hang on the rates."""
        return not self.law.binary or len(self.law.centre) == 1

    def each(self, change: Change) -> Self:
        """Return the same with `change` made to every array by replicate."""
        changed: dict[str, Any] = {name: change(getattr(self.law, name)) for name in _BY_REPLICATE}
        return replace(self, law=self.law._replace(**changed))

    def draw(self, law: Law, block: Block) -> np.ndarray | None:
        """Draw a block; every arm has the rows of the control."""
        prompts = np.asarray(np.round(block.rows[:, 0] * per_row(self.level, self.law)), np.int64)
        draw_prompts(block.outcome, block.evaluator, self.law, prompts, block.sums, block.squares)
        return None

    def why_inexact(self, rows: np.ndarray, severity_sd: float) -> str:
        """Return why there are no exact figures."""
        if rows.min() < PROMPTS and (len(rows) > 1 or self.freedom(rows[0, 0]) is None):
            return f"no exact value: a look sees fewer than {PROMPTS} rows"
        if severity_sd > 0 and self.level != "prompt":
            return "no exact value: raters' severity in rows other than prompts"
        return ""

    def student(self, planned: Bounds, rows: np.ndarray) -> Bounds | str:
        """Return the bounds with the degrees of freedom of pairs; planned ones are of two samples."""
        freedom = self.freedom(rows[-1, 0])
        if freedom is None or not self.law.paired:
            return "no exact value: the degrees of freedom follow from the data"
        return replace(planned, lower=student(planned.lower, freedom), upper=student(planned.upper, freedom))

    def variances(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the true and the believed variance of the first difference at some numbers of rows, shape (looks,)."""
        prompts = np.asarray(rows, float) * per_row(self.level, self.law)
        true = self.parts.of_mean(prompts)[:, :2].sum(axis=1)
        return true, (self.parts.of_row(self.level, prompts)[:, :2] / rows[:, None]).sum(axis=1)

    def crossing(self, planned: Bounds, difference: float, rows: np.ndarray, severity_sd: float) -> Stops | None:
        """Return where a test ends; severity of shared raters is in the estimated variance alone."""
        true, believed = self.variances(rows[:, 0])
        freedom = self.freedom(rows[-1, 0])
        if severity_sd == 0:
            return stretched(planned, difference, true, believed, freedom)
        if len(rows) == 1 and freedom is not None and planned.inner is None:
            n, shift = int(rows[0, 0]), difference / float(np.sqrt(true[0]))
            ends = float(planned.lower[0]), float(planned.upper[0])
            found = severe_student(self.law, float(np.sqrt(true[0] * n / 2)), n, freedom, shift, ends)
            if found is not None:
                return np.array([found[0]]), np.zeros(1), np.array([found[1]])
        made = np.zeros((3, len(rows)))
        for between, weight in severities(self.law):
            seen = believed + 2 * between / rows[:, 0]
            made += weight * np.array(stretched(planned, difference, true, seen, None))
        return made[0], made[1], made[2]

    def freedom(self, rows: float) -> float | None:
        """Return the degrees of freedom of the variance of normal, independent rows; None where it has no such law.

        The mean of a topic's answers is near enough to normal where they are right or wrong.
        """
        sums = self.parts.of_mean(np.array([rows]))[0]
        hidden = self.parts.hidden(self.level)
        if (
            (self.law.binary and self.level != "topic")
            or hidden
            or (not self.law.paired and abs(sums[0] - sums[1]) > 1e-12 * sums[0])
        ):
            return None
        return float(rows - 1 if self.law.paired else 2 * rows - 2)


def student(bounds: np.ndarray, freedom: float) -> np.ndarray:
    """Return the t quantiles at the levels of normal ones."""
    from scipy.special import ndtr, stdtrit

    found = np.where(np.isfinite(bounds), stdtrit(freedom, ndtr(np.where(np.isfinite(bounds), bounds, 0.0))), bounds)
    return np.asarray(found)


def stretched(
    planned: Bounds, difference: float, true: np.ndarray, believed: np.ndarray, freedom: float | None
) -> Stops:
    """Return where a test of normal estimates ends whose variances may not be those that the analysis believes in.

    One look at independent rows is a noncentral t. Otherwise an estimate with true variance V that is taken for A is
    over a bound u when a standard normal is over ``u sqrt(A / V)``; batches are independent: the recursion holds.

    Parameters
    ----------
    true, believed : ndarray, shape (looks,)
        V and A.
    freedom : float or None
        Degrees of freedom of the estimated variance, where it has such a law.
    """
    if len(true) == 1 and freedom is not None:
        from scipy.special import nctdtr

        shift, inner = difference / float(np.sqrt(true[0])), planned.inner
        low = float(nctdtr(freedom, shift, planned.lower[0]))
        high = float(nctdtr(freedom, -shift, -planned.upper[0]))
        # Far from 0 the noncentral t has no digits left, and is as good as normal at so many degrees of freedom.
        if (inner is None or inner[0] <= 0) and np.isfinite(low + high):
            return np.array([low]), np.zeros(1), np.array([high])
    stretch = np.sqrt(believed / true)
    inner = None if planned.inner is None else planned.inner * stretch
    bounds = planned.lower * stretch, planned.upper * stretch, inner
    return stops_between(true[-1] / true, *bounds, difference / float(np.sqrt(true[-1])))


def per_row(level: str, law: PromptSet | PromptVerdicts) -> float:
    """Return the prompts of a row."""
    return {"topic": float(law.size), "prompt": 1.0, "response": 1 / law.repeats}[level]


def prompt_rows(scenario: Scenario, evaluator: Evaluator, means: np.ndarray, sds: np.ndarray) -> PromptRows:
    """Return the law of rows for true means and standard deviations, shape (replicates, arms)."""
    table: Offline = scenario.offline
    binary, sign = scenario.family == "binary", scenario.sign
    sds = np.broadcast_to(sds, means.shape)
    found = spreads(scenario, evaluator, sds)
    ones, centre = np.ones(means.shape), means
    hit, false = ones, 0 * ones
    if binary:
        from scipy.special import ndtri

        hit, false = (np.broadcast_to(one, means.shape) for one in said(evaluator, means))
        centre = np.clip(ndtri(means), -40.0, 40.0)
    elif isinstance(evaluator, Judge):
        offset, slope, _ = evaluator.line(means, sds)
        centre = offset + slope * means
    spread, raters, alike = severity(scenario, evaluator)
    centre, hit, false, own, noise = (
        np.ascontiguousarray(one, float) for one in (centre, hit, false, found.own, found.noise)
    )
    law = PromptSet(
        binary, bool(table.paired), LEVELS[table.level], table.size, found.repeats, centre, hit, false, found.topic,
        found.prompt, found.topic_own, own, noise, spread, raters, alike, float(sign),
        1.0 if binary and sign < 0 else 0.0,
    )  # fmt: skip
    return PromptRows(law, components(scenario, evaluator, means[0], sds[0]), table.level)
