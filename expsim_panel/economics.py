"""Money: what responses, scores and waiting cost, what a variant is worth, what more data is worth."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import numpy as np

from expsim_panel import plan
from expsim_panel.clusters import Clusters
from expsim_panel.evaluation import Evaluator
from expsim_panel.offline_laws import by_answer
from expsim_panel.preference_rows import ROWS_PER_COMPARISON
from expsim_panel.priced_calls import BATCH_DAYS
from expsim_panel.scenario import Scenario


@dataclass(frozen=True)
class Ledger:
    """Prices and weights of a scenario: everything about money, nothing about true quality.

    Attributes
    ----------
    generation, waiting : ndarray, shape (arms,)
        Mean dollars per response: for generating it, and for waiting longer than with the control.
    generation_sd : ndarray, shape (arms,)
        Standard deviation of the first between responses; 0 where tokens do not vary.
    per_row : float
        Dollars to score one row of the analysis.
    payee : str
        Who is paid for scoring: ``judge``, ``human``, both (``hybrid``) or nobody (empty).
    shares, responses : dict of float
        By ``judge`` and ``human``: part of `per_row` that each is paid, and responses that each scores per scored
        response of the analysis.
    seconds_per_row : float
        Work to score one row.
    rows_per_day : float
        Rows that can be scored in a day, weekends of people spread evenly; inf where scoring takes no time.
    scored_per_row : float
        Scored responses in a row; side by side, comparisons that are read.
    exposures_per_unit, horizon : float
        Responses per unit; responses over which the decision pays off.
    value_per_point, launch_cost : float
        Dollars per response and point of the metric; one-off dollars.
    live : bool
        Whether users see the responses; those of a prompt set lose nothing by a bad variant and wait for nothing.
    judge_sd : float
        Standard deviation of the dollars that a judge's calls for one row of the analysis cost.
    tick_days, delay_days : float
        Of a prompt set, days that a batch of prompts takes to score, and those that answers, scores and labels come
        late however few they are.
    """

    generation: np.ndarray
    waiting: np.ndarray
    generation_sd: np.ndarray
    per_row: float
    payee: str
    shares: dict[str, float]
    responses: dict[str, float]
    seconds_per_row: float
    rows_per_day: float
    scored_per_row: float
    exposures_per_unit: float
    horizon: float
    value_per_point: float
    launch_cost: float
    live: bool = True
    tick_days: float = 1.0
    delay_days: float = 0.0
    judge_sd: float = 0.0

    def days(self, ticks: Any) -> Any:
        """Days of the calendar that so many ticks take: a day each of live traffic, a batch each of a prompt set."""
        return ticks if self.live else ticks * self.tick_days + self.delay_days

    @property
    def key(self) -> tuple[object, ...]:
        """All of it as a value that can be compared and hashed."""
        values = (getattr(self, each.name) for each in fields(self))
        return tuple(
            value.tobytes()
            if isinstance(value, np.ndarray)
            else tuple(value.items())
            if isinstance(value, dict)
            else value
            for value in values
        )

    @property
    def handicap(self) -> np.ndarray:
        """Dollars per response by which each variant must be better to break even, shape (arms,)."""
        handicap = self.generation - self.generation[0] + self.waiting - self.waiting[0]
        handicap[1:] += self.launch_cost / self.horizon
        return np.asarray(handicap)

    def net_value(self, effects: np.ndarray) -> np.ndarray:
        """Net value of launching each arm, dollars per response: ``w_Q D - dC - w_L dL - launch cost``.

        Parameters
        ----------
        effects : ndarray, shape (..., arms)
            Effects over control, metric units, positive is better.

        References
        ----------
        MODEL section 6; the launch cost is spread over the horizon.
        """
        return np.asarray(self.value_per_point * effects - self.handicap)

    def waiting_days(self, day: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Days from the end of enrolment until the last score is in: none where scoring keeps up.

        Parameters
        ----------
        day, rows : ndarray, shape (...)
            Day on which an experiment ended; rows scored, all arms.
        """
        if not self.live:
            return np.zeros(np.shape(day))
        return np.asarray(np.maximum(rows / self.rows_per_day - day, 0.0))

    def costs(self, units: np.ndarray, rows: np.ndarray) -> dict[str, np.ndarray]:
        """Dollars spent by an experiment, by kind.

        Parameters
        ----------
        units, rows : ndarray, shape (..., arms)
            Units enrolled and rows scored.
        """
        exposures = units * self.exposures_per_unit
        scoring = rows.sum(axis=-1) * self.per_row
        nothing = np.zeros_like(scoring, dtype=float)
        return {
            "generation": exposures @ self.generation,
            **{who: scoring * share if share else nothing for who, share in self.shares.items()},
            "latency": exposures @ self.waiting if self.live else nothing,
        }


class Served(NamedTuple):
    """Of every variant, dollars per response, shape (arms,).

    Attributes
    ----------
    generation, spread : ndarray
        Mean and standard deviation of generating it.
    waiting : ndarray
        Of waiting for it longer than for the control's.
    """

    generation: np.ndarray
    spread: np.ndarray
    waiting: np.ndarray


def served(scenario: Scenario) -> Served:
    """Return what serving each variant costs; depends on the variants and the price of a second alone."""
    generation, spread, waiting = [], [], []
    base = scenario.variants[0].mean_wait()
    for i, variant in enumerate(scenario.variants):
        dollars, sd = variant.price(scenario.scenario.name, f"variants.{i}.model")
        generation.append(dollars)
        spread.append(sd)
        mine = base if i == 0 else variant.mean_wait()
        slower = (mine - base) / 1000 if mine is not None and base is not None else 0.0
        waiting.append(scenario.economics.usd_per_second * max(0.0, slower))
    return Served(np.array(generation), np.array(spread), np.array(waiting))


def ledger(scenario: Scenario, found: Clusters | None = None, serving: Served | None = None) -> Ledger:
    """Return the prices and weights of a scenario.

    Parameters
    ----------
    scenario : Scenario
        Whose money.
    found : Clusters, optional
        Its `plan.clusters`, where the caller has them already.
    serving : Served, optional
        What `served` returns, likewise.

    Raises
    ------
    InputError
        A model that the price list does not know.
    """
    money = scenario.economics
    generation, spread, waiting = serving or served(scenario)
    if scenario.offline is not None:
        return offline_ledger(scenario, generation, waiting, spread)
    traffic, evaluator = scenario.traffic, scenario.evaluator
    planned = traffic.units_per_day * traffic.days
    each = (found or plan.clusters(scenario)).scored_per_row
    # Side by side one reading is of two responses, each a row of its arm.
    readings = each / ROWS_PER_COMPARISON if scenario.side_by_side else each
    paid = evaluator.usd_by_payee()
    return Ledger(
        generation,
        waiting,
        spread,
        evaluator.usd_per_row() * readings,
        evaluator.kind if evaluator.kind in ("judge", "human", "hybrid") else "",
        {who: _part(paid, who, evaluator.usd_per_row()) for who in ("judge", "human")},
        {who: evaluator.responses_per_row().get(who, 0.0) for who in ("judge", "human")},
        evaluator.seconds_per_row() * readings,
        evaluator.rows_per_day() / readings,
        readings,
        float(traffic.exposures_per_unit),
        float(max(money.horizon_units, planned) * traffic.exposures_per_unit),
        float(money.value_per_point),
        float(money.launch_cost),
        judge_sd=_judge_sd(evaluator, paid.get("judge", 0.0) * readings),
    )


def offline_ledger(
    scenario: Scenario, generation: np.ndarray, waiting: np.ndarray, generation_sd: np.ndarray
) -> Ledger:
    """Return prices and pace of a prompt set: nobody waits, and time is what scoring takes."""
    table, evaluator, money = scenario.offline, scenario.evaluator, scenario.economics
    served = scenario.served or scenario.traffic
    m, arms, rows = float(table.samples), len(scenario.variants), plan.rows_per_unit(scenario)
    if scenario.side_by_side:
        # Comparisons: each is a row of two arms.
        arms, rows = arms - 1, rows * ROWS_PER_COMPARISON
    share = float(getattr(evaluator, "label_share", 1.0))
    # Scores of a prompt in one arm, by who gives them: people's labels of scores cover all its answers.
    each = {"judge": m, "human": m if by_answer(scenario) else 1.0}
    paid = {who: usd * (share if who == "judge" else 1.0) for who, usd in evaluator.usd_by_payee().items()}
    of_prompt = {who: usd * each.get(who, 1.0) for who, usd in paid.items()}
    if evaluator.kind == "hybrid":
        of_prompt["human"] *= share
    whole = sum(of_prompt.values())
    scored = {
        who: each[who] * (share if who == "human" else 1.0) / rows
        for who in ("judge", "human")
        if evaluator.kind in (who, "hybrid")
    }
    # Judge and people work beside each other.
    days = 0.0
    for who, one in (
        ("judge", getattr(evaluator, "judge", evaluator)),
        ("human", getattr(evaluator, "human", evaluator)),
    ):
        if who in scored:
            days = max(days, arms * scored[who] * rows / one.rows_per_day())
    seconds = evaluator.seconds_per_row() * scored.get("human", scored.get("judge", 0.0))
    return Ledger(
        generation,
        waiting,
        generation_sd,
        whole / rows,
        evaluator.kind if evaluator.kind in ("judge", "human", "hybrid") else "",
        {who: _part(of_prompt, who, whole) for who in ("judge", "human")},
        {who: scored.get(who, 0.0) for who in ("judge", "human")},
        seconds,
        arms / (days / rows) if days else np.inf,
        1.0,
        m,
        float(max(money.horizon_units, served.units_per_day * served.days) * served.exposures_per_unit),
        float(money.value_per_point),
        float(money.launch_cost),
        False,
        days * int(table.prompts) / table.ticks,
        # Answers first, then scores: batches of the providers follow each other.
        float(getattr(evaluator, "delay_days", 0)) + BATCH_DAYS * any(variant.batch for variant in scenario.variants),
        _judge_sd(evaluator, of_prompt.get("judge", 0.0) / rows),
    )


def _judge_sd(evaluator: Evaluator, paid: float) -> float:
    """Return the standard deviation of what a judge's calls for a row cost, which are `paid` dollars on average.

    That many calls of independent lengths: ``sqrt(paid / price) sd`` of one call.
    """
    judge: Any = getattr(evaluator, "judge", evaluator)
    if evaluator.kind not in ("judge", "hybrid") or not paid:
        return 0.0
    price, sd = judge.price_of_call()
    return float((paid / price) ** 0.5 * sd) if price else 0.0


def _part(paid: dict[str, float], who: str, whole: float) -> float:
    """Return the part of the scoring's price that `who` gets; 1 for a lone scorer, whatever the price."""
    if who not in paid:
        return 0.0
    return 1.0 if len(paid) == 1 or whole == 0 else paid[who] / whole


def unit_loss(z: np.ndarray) -> np.ndarray:
    """Return the unit normal loss ``phi(z) - z Phi(-z)``."""
    from scipy.special import ndtr

    return np.asarray(np.exp(-z * z / 2) / np.sqrt(2 * np.pi) - z * ndtr(-z))


def expected_net_benefit(
    n: np.ndarray, mean: np.ndarray, before: np.ndarray, after: np.ndarray, horizon: np.ndarray, cost: np.ndarray
) -> np.ndarray:
    """Expected net benefit of sampling n more per arm, dollars; arguments broadcast.

    ``ENBS(n) = (E - 2n) EVSI1(n) + n m - 2n max(m, 0) - cost(n)`` with
    ``EVSI1 = s [phi(z) - z Phi(-z)]``, ``z = |m| / s`` and preposterior variance ``s^2 = before - after``.

    Parameters
    ----------
    n : ndarray
        More units per arm.
    mean : ndarray
        Posterior mean of the net value per response, dollars.
    before, after : ndarray
        Posterior variance of the net value per response now, and expected after n more per arm. A
        bias that no data removes stays in `after`: the value of more such data then saturates.
    horizon : ndarray
        Responses that the decision is still about.
    cost : ndarray
        Dollars that the n more per arm cost to evaluate.

    References
    ----------
    MODEL section 6; zero mean and cost give Test & Roll (Feit and Berman 2019, Marketing Science 38).
    """
    s = np.sqrt(np.maximum(before - after, 0.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where(s > 0, np.abs(mean) / s, np.inf)
        evsi = np.where(np.isfinite(z), s * unit_loss(np.where(np.isfinite(z), z, 0.0)), 0.0)
    return np.asarray((horizon - 2 * n) * evsi + n * mean - 2 * n * np.maximum(mean, 0.0) - cost)
