"""Who could deliver more evidence than is at hand: prices, speed and error of the scenario's judge and people.

Knowledge about the evaluators, from their profiles or a calibration; nothing about the variants' true quality, so
that the verdict may use it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from expsim_panel import plan
from expsim_panel.economics import ledger
from expsim_panel.evaluation import Evaluator, evaluators
from expsim_panel.evaluators.human import Human
from expsim_panel.evaluators.hybrid import Hybrid
from expsim_panel.evaluators.judge import Judge
from expsim_panel.preference import Reader, correlation, together
from expsim_panel.preference_rows import ROWS_PER_COMPARISON, net_of_bias, reader_of
from expsim_panel.scenario import Scenario


@dataclass(frozen=True)
class Supplier:
    """What is known of a judge, or of people.

    Attributes
    ----------
    price : float
        Dollars per row of the analysis.
    noise : float
        Variance of a row beyond quality, metric units squared; 0 for rates.
    scale : float
        Points of score per point of quality.
    sensitivity, specificity : float
        For rates: P(says yes | yes), P(says no | no), repeats and votes included.
    floor : float
        SD of the error in a difference that no number of rows removes: suspected bias, or raters of one's own.
    rows_per_day : float
        What it can score in a day, all variants together.
    delay_days : float
        Days from a response's outcome to its score: people's, and those of a judge's batch.
    """

    price: float
    noise: float
    scale: float
    sensitivity: float
    specificity: float
    floor: float
    rows_per_day: float
    delay_days: float = 0.0


@dataclass(frozen=True)
class Suppliers:
    """Who measured, and who else could.

    Attributes
    ----------
    own : str
        Kind of the evaluator in use.
    judge, human : Supplier or None
        None where the scenario has no numbers for it.
    label_share : float
        Labelled part of what is judged, where the evaluator in use is a hybrid.
    residual : float
        What active labelling leaves of the variance of a label given its score.
    paired : bool
        Whether it compares variants on the same prompts.
    verdicts : tuple of float, or None
        Side by side: variance of a label and of a judge's verdict between equal variants, and their correlation.
    outcome_days : float
        Days from a response to its outcome, which anybody can score only then.
    """

    own: str
    judge: Supplier | None
    human: Supplier | None
    label_share: float = 1.0
    residual: float = 1.0
    paired: bool = False
    verdicts: tuple[float, float, float] | None = None
    outcome_days: float = 0.0


def suppliers(scenario: Scenario) -> Suppliers:
    """Return the scenario's judge and people, the one in use and the ones kept beside it."""
    if scenario.offline is not None:
        return _of_prompts(scenario)
    found: dict[str, Supplier | None] = {}
    readers: dict[str, Reader] = {}
    rates = scenario.family == "binary"
    each = plan.clusters(scenario).scored_per_row
    if scenario.side_by_side:
        each /= ROWS_PER_COMPARISON
    for kind in ("judge", "human"):
        evaluator: Evaluator | None = None
        if scenario.evaluator.kind == kind:
            evaluator = scenario.evaluator
        elif scenario.evaluator.kind == "hybrid":
            evaluator = getattr(scenario.evaluator, kind)
        elif kind in scenario.evaluators:
            where = scenario.scenario.name
            evaluator = evaluators.build({"kind": kind}, scenario.evaluators, where, f"evaluators.{kind}", rates=rates)
        found[kind] = None
        if evaluator is not None and scenario.side_by_side:
            readers[kind] = reader_of(evaluator, 2)[0]
        if isinstance(evaluator, Judge):
            found[kind] = _judge(evaluator, each)
        elif isinstance(evaluator, Human):
            found[kind] = _human(evaluator, each)
    judge, human, using = found["judge"], found["human"], scenario.evaluator
    late = float(scenario.traffic.delay_days)
    if isinstance(using, Hybrid):
        residual = 1.0 if scenario.family == "binary" else using.residual
        shape = float(using.label_share), residual, bool(using.paired)
        return Suppliers("hybrid", judge, human, *shape, outcome_days=late)
    if not scenario.side_by_side:
        return Suppliers(using.kind, judge, human, outcome_days=late)
    if judge is not None and human is not None:
        favour = abs(net_of_bias(scenario, judge.floor, readers["judge"]))
        judge, human = replace(judge, floor=favour), replace(human, floor=0.0)
    return Suppliers(using.kind, judge, human, verdicts=_verdicts(scenario, readers), outcome_days=late)


def _verdicts(scenario: Scenario, readers: dict[str, Reader]) -> tuple[float, float, float] | None:
    """Return variances of a label and of a verdict between equal variants, an arm's part, and their correlation."""
    if len(readers) < 2:
        return None
    human, judge = readers["human"], readers["judge"]
    cells = together(scenario.tie_model, human, judge, (0.0, 0.0))
    own = [float(cells.sum(axis=1) @ human.values**2), float(cells.sum(axis=0) @ judge.values**2)]
    rho = correlation(cells, human.values, judge.values)
    return own[0] / ROWS_PER_COMPARISON, own[1] / ROWS_PER_COMPARISON, rho


def _of_prompts(scenario: Scenario) -> Suppliers:
    """Return who scores a prompt set: more of its prompts are offered, and nobody else's scores."""
    money = ledger(scenario)
    own = Supplier(money.per_row, 0.0, 1.0, 1.0, 1.0, 0.0, money.rows_per_day, money.delay_days)
    kind = scenario.evaluator.kind
    return Suppliers(kind, own if kind == "judge" else None, own if kind in ("human", "hybrid") else None)


def _judge(one: Judge, each: float) -> Supplier:
    return Supplier(
        one.usd_per_row() * each, one.error_variance() / each, float(one.scale), *one.skill(),
        one.bias_sd(), one.rows_per_day() / each, float(one.delay_days),
    )  # fmt: skip


def _human(one: Human, each: float) -> Supplier:
    floor = 0.0 if one.shared_raters else math.sqrt(2 / one.raters) * one.severity_sd
    return Supplier(
        one.usd_per_row() * each, one.label_variance() / each, 1.0, *one.vote(),
        floor, one.rows_per_day() / each, float(one.delay_days),
    )  # fmt: skip


@dataclass(frozen=True)
class RowLaw:
    """Variance of a label and of a judge score, and their correlation, as one experiment's data suggest.

    Attributes
    ----------
    label, score : ndarray
        Variances of a row.
    rho : ndarray
        Correlation, 0 to 1.
    """

    label: np.ndarray
    score: np.ndarray
    rho: np.ndarray


def row_law(who: Suppliers, variance: np.ndarray, rate: np.ndarray, binary: bool) -> RowLaw:
    """Return the law of a label and a score, from the spread that was seen and what is known of the evaluators.

    Scores: quality varies by what is left of the seen variance once the evaluator's own noise is taken off; the
    other evaluator adds its own to that. Rates: the true rate behind the seen one, ``(p + Sp - 1) / J``, then both
    flip it independently.

    Parameters
    ----------
    variance : ndarray
        Of one row of the evaluator in use.
    rate : ndarray
        Share of positive rows, in the direction of the metric's own events; used for rates alone.
    """
    if who.verdicts is not None:
        label, score, rho = (part + 0 * variance for part in who.verdicts)
        return RowLaw(label, score, np.clip(rho, 0.0, 1.0))
    exact = Supplier(0.0, 0.0, 1.0, 1.0, 1.0, 0.0, math.inf)
    judge, human = who.judge or exact, who.human or exact
    own = {"judge": judge, "human": human, "hybrid": human}.get(who.own, exact)
    if binary:
        j = own.sensitivity + own.specificity - 1
        truth = np.clip((rate + own.specificity - 1) / j, 1e-4, 1 - 1e-4)
        said = [truth * one.sensitivity + (1 - truth) * (1 - one.specificity) for one in (human, judge)]
        both = truth * human.sensitivity * judge.sensitivity
        both = both + (1 - truth) * (1 - human.specificity) * (1 - judge.specificity)
        label, score = (p * (1 - p) for p in said)
        covariance = both - said[0] * said[1]
    else:
        square = own.scale**2
        quality = np.maximum(variance - own.noise, 0.0) / square if square else 0 * variance
        if who.own == "hybrid":
            quality = _behind(who, judge, human, variance)
        label, score = quality + human.noise, judge.scale**2 * quality + judge.noise
        if who.own == "human":
            label = np.maximum(label, variance)
        elif who.own == "judge":
            score = np.maximum(score, variance)
        covariance = judge.scale * quality
    spread = np.sqrt(label * score)
    rho = np.divide(covariance, spread, out=np.zeros_like(spread), where=spread > 0)
    return RowLaw(label, score, np.clip(rho, 0.0, 1.0))


def _behind(who: Suppliers, judge: Supplier, human: Supplier, variance: np.ndarray) -> np.ndarray:
    """Return the variance of quality that gives a hybrid this variance per label, by bisection: it grows with it."""

    def per_label(quality: np.ndarray) -> np.ndarray:
        label, score = quality + human.noise, judge.scale**2 * quality + judge.noise
        product = np.maximum(label * score, 1e-300)
        square = (judge.scale * quality) ** 2 / product
        return np.asarray(label * ((1 - square) * who.residual + square * who.label_share))

    low, high = 0.0 * variance, np.maximum(variance, 1e-12) * (1 + 1 / who.label_share) / who.residual
    for _ in range(60):
        half = (low + high) / 2
        above = per_label(half) > variance
        low, high = np.where(above, low, half), np.where(above, half, high)
    return np.asarray((low + high) / 2)
