"""A scenario as a bandit problem: its arms, evaluator, money and days, for the same world played per request."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from expsim_panel import economics
from expsim_panel.quantities import money as usd_words
from expsim_panel.quantities import percent
from expsim_panel.scenario import Scenario


@dataclass(frozen=True)
class ScenarioProblem:
    """What `bandit` needs of a scenario, as the values of a form.

    Attributes
    ----------
    means : list of float
        Arms, oriented so that more is better: rates of good answers, or means in standard deviations of the outcome.
    family : str
        ``bernoulli`` for rates; ``gaussian`` otherwise.
    horizon : int
        Units of the experiment, each a request.
    usd : float or None
        Dollars per unit of reward; None where the scenario gives a point no worth.
    place, arms : mapping, list of mapping
        Values of `bandit_form.BanditPlace` and, by arm, `bandit_form.BanditArm`.
    notes : tuple of str
        What of the scenario is carried over in another form, or not at all.
    """

    means: list[float]
    family: str
    horizon: int
    usd: float | None
    place: dict[str, Any]
    arms: list[dict[str, Any]]
    notes: tuple[str, ...]


def of_scenario(scenario: Scenario) -> ScenarioProblem:
    """Return the bandit problem of a scenario.

    The policies learn once a day, as strategies of a study do, from what the evaluator reports; a request costs what
    its arm's answer, its waiting and its scoring cost; the arm that is kept serves the scenario's horizon. An evaluator
    of scores that reads a share c of the answers gets the noise that leaves a mean the same information: its variance
    over c. One of rates is given the sensitivity and specificity that reproduce what it reports of every arm.
    """
    traffic, evaluator = scenario.traffic, scenario.evaluator
    money = scenario.economics
    true = np.array(scenario.means, dtype=np.float64)
    worth = float(money.value_per_point) or None
    notes: list[str] = []
    share = float(evaluator.row_share)
    arms: list[dict[str, Any]] = [{} for _ in true]
    place: dict[str, Any] = {}
    if scenario.family == "binary":
        family, means = "bernoulli", np.where(scenario.sign > 0, true, 1.0 - true)
        seen = evaluator.measure(true, np.sqrt(true * (1.0 - true)), "binary").means
        ones, none = (
            evaluator.measure(np.full_like(true, end), np.zeros_like(true), "binary").means for end in (1.0, 0.0)
        )
        for k, (p, q) in enumerate(zip(true, np.broadcast_to(seen, true.shape), strict=True)):
            found, right = _rates(float(p), float(q), float(ones[k]), 1.0 - float(none[k]))
            if scenario.sign < 0:
                found, right = right, found
            arms[k] |= {"sensitivity": round(found, 12), "specificity": round(right, 12)}
        if share < 1.0:
            notes.append(f"the evaluator reads {percent(share, 0)} of the answers in the study, all of them here")
    else:
        spread = float(scenario.sds.mean())
        family, means = "gaussian", scenario.sign * true / spread
        law = evaluator.measure(true, scenario.sds, scenario.family)
        off = scenario.sign * (np.broadcast_to(law.means, true.shape) - true) / spread
        for k, bias in enumerate(off):
            if abs(float(bias)) > 1e-12:
                arms[k]["judge_bias"] = round(float(bias), 12)
        variance = float(np.mean(np.square(law.sds))) / (spread * spread * share) - 1.0
        if variance > 1e-12:
            place["judge_noise"] = round(math.sqrt(variance), 9)
        if share < 1.0:
            notes.append(
                f"the evaluator reads {percent(share, 0)} of the answers; its noise here carries the same information"
            )
        worth = None if worth is None else worth * spread
    horizon = int(traffic.units_per_day * traffic.days)
    if traffic.units_per_day > 1:
        place["batch"] = int(traffic.units_per_day)
    delay = int(scenario.delay_days * traffic.units_per_day)
    if delay:
        place["delay"] = min(delay, horizon - 1)
    place["population"] = max(int(money.horizon_units), horizon)
    ledger = economics.ledger(scenario)
    for k in range(true.size):
        one = np.eye(true.size)[k]
        paid = sum(float(part) for part in ledger.costs(one, one * share).values())
        paid = paid / ledger.exposures_per_unit + float(ledger.waiting[k])
        if paid > 0.0:
            arms[k]["cost"] = round(paid, 12)
    if ledger.launch_cost > 0.0:
        notes.append(f"the one-off launch cost, {usd_words(ledger.launch_cost)}, is left out")
    left = [
        name for name in ("seasonality", "novelty", "shock", "ramp", "switchback") if getattr(traffic, name, None)
    ] + [name for name in ("icc", "interference", "carryover") if getattr(traffic, name, 0.0)]
    if left:
        notes.append(f"left out: {', '.join(left)}")
    return ScenarioProblem([float(mean) for mean in means], family, horizon, worth, place, arms, tuple(notes))


def _rates(true: float, seen: float, ones: float, right: float) -> tuple[float, float]:
    """Return sensitivity and specificity with which a rate is seen as it is.

    Those of the evaluator where they give it; a latent evaluator's depend on the rate, and then the one that moves the
    rate the way it is moved.
    """
    if abs(true * ones + (1.0 - true) * (1.0 - right) - seen) < 1e-9:
        return ones, right
    if seen <= true:
        return (seen / true if true > 0.0 else 1.0), 1.0
    return 1.0, 1.0 - (seen - true) / (1.0 - true)
