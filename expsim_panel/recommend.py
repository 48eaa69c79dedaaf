"""The two answers: a verdict from the data of one experiment, and advice from operating characteristics.

`Known` holds everything a team knows besides its data; there is no true mean in it, so a verdict cannot
depend on the truth.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from expsim_panel import plan
from expsim_panel.economics import Ledger, expected_net_benefit, ledger
from expsim_panel.kernels.special import norm_ppf
from expsim_panel.operating import Estimates, estimates
from expsim_panel.results import Figure, Outcomes, Trace
from expsim_panel.scenario import Scenario

INCONCLUSIVE, LAUNCH, KEEP, COLLECT = 0, 1, 2, 3
ACTIONS = ("inconclusive", "launch", "keep", "collect")
_SIZES = 2.0 ** np.arange(5, 24)


@dataclass(frozen=True)
class Known:
    """What the team knows without looking at its data: prices, weights, prior and its evaluator's record.

    Attributes
    ----------
    names : tuple of str
        Variants, control first.
    binary : bool
        Whether the metric is a rate.
    counts : bool
        Whether rows are 0/1.
    indifference : float
        Smallest effect that matters, metric units.
    suspected_bias : float
        SD of the evaluator's differential bias, metric units.
    prior : tuple of float, or None
        Mean and SD of the team's effects, as the analysis prior of the value of more data.
    coverage : float
        Rows of the analysis per unit.
    money : Ledger
        Prices and weights.
    units_per_day : int
        Traffic.
    label_price : float or None
        Dollars per human label where the scenario knows it.
    sign : float
        -1 where less of the metric is better: effects are positive for better, sentences speak of the metric.
    """

    names: tuple[str, ...]
    binary: bool
    counts: bool
    indifference: float
    suspected_bias: float
    prior: tuple[float, float] | None
    coverage: float
    money: Ledger
    units_per_day: int
    label_price: float | None
    sign: float


def known(scenario: Scenario) -> Known:
    """Return what the team knows besides its data."""
    prior = scenario.prior
    people = scenario.evaluators.get("human", {})
    return Known(
        tuple(variant.name for variant in scenario.variants),
        scenario.family == "binary",
        scenario.by_counts,
        float(scenario.scenario.indifference),
        scenario.evaluator.bias_sd(),
        (float(prior.effect_mean), float(prior.effect_sd)) if prior.effect_sd else None,
        plan.rows_per_unit(scenario),
        ledger(scenario),
        int(scenario.traffic.units_per_day),
        people.get("price_per_label"),
        scenario.sign,
    )


@dataclass(frozen=True)
class Findings:
    """Verdicts of many experiments, arrays (replicates,).

    Attributes
    ----------
    action : int ndarray
        Index into `ACTIONS`.
    arm : int ndarray
        The variant that is meant: launched, or the most promising one.
    effect, se : ndarray
        Its estimate.
    more : int ndarray
        For `COLLECT`: more units over all arms, or more human labels where a judge is not to be trusted.
    distrusted : bool ndarray
        Whether the evaluator's suspected bias could explain the finding.
    unpaid : bool ndarray
        Whether the finding does not pay for its price.
    """

    action: np.ndarray
    arm: np.ndarray
    effect: np.ndarray
    se: np.ndarray
    more: np.ndarray
    distrusted: np.ndarray
    unpaid: np.ndarray


def judge(facts: Known, level: float, out: Outcomes) -> Findings:
    """Give every experiment its verdict (MODEL sections 4 and 6).

    A variant that won is launched unless the evaluator's suspected differential bias could explain the
    finding, ``|estimate| <= 2 sqrt(SE^2 + SD(bias)^2)`` (then: collect human labels), or the gain does
    not pay for the variant's price (then: keep). Without a winner: keep control when the interval
    excludes an effect that matters; collect when more data is worth more than it costs; else
    inconclusive.

    Parameters
    ----------
    facts : Known
        Everything known besides the data.
    level : float
        Level of the interval.
    out : Outcomes
        The data: how each experiment ended.
    """
    found = estimates(out, facts.counts)
    effect_all = np.where(np.isfinite(found.effect), found.effect, -np.inf)
    arm = np.where(out.code > 0, out.code, effect_all.argmax(axis=1) + 1).astype(int)
    pick = (np.arange(arm.size), arm - 1)
    effect, se = found.effect[pick], found.se[pick]
    z = norm_ppf(0.5 + level / 2)
    bias = facts.suspected_bias
    usable = np.isfinite(effect) & np.isfinite(se)
    won, lost = out.code > 0, out.code < 0
    with np.errstate(invalid="ignore"):
        distrusted = won & (bias > 0) & (np.abs(effect) <= 2 * np.sqrt(se**2 + bias**2))
        unpaid = won & ~distrusted & (facts.money.value_per_point * effect < facts.money.handicap[arm])
        small = ~won & np.all(found.effect + z * found.se < facts.indifference, axis=1)
    more = np.zeros(arm.size, int)
    open_ones = ~won & ~lost & ~small & usable
    more[open_ones] = _worthwhile(
        facts, effect[open_ones], se[open_ones], arm[open_ones], out.units[open_ones], out.rows[open_ones]
    )
    if distrusted.any():
        more[distrusted] = _labels_needed(found, se, effect, out)[distrusted]
    action = np.full(arm.size, INCONCLUSIVE)
    action[open_ones & (more > 0)] = COLLECT
    action[lost | small | unpaid] = KEEP
    action[won & ~unpaid] = LAUNCH
    action[distrusted] = COLLECT
    return Findings(action, arm, effect, se, more, distrusted, unpaid)


def _worthwhile(
    facts: Known, effect: np.ndarray, se: np.ndarray, arm: np.ndarray, units: np.ndarray, rows: np.ndarray
) -> np.ndarray:
    """Return how many more units (all arms) maximise the expected net benefit of sampling; 0: none does."""
    if effect.size == 0:
        return np.zeros(0, int)
    weight = facts.money.value_per_point
    prior_mean, prior_precision = 0.0, 0.0
    if facts.prior is not None:
        prior_mean, prior_precision = facts.prior[0], facts.prior[1] ** -2

    def posterior(sampling: np.ndarray) -> np.ndarray:
        return np.asarray(1 / (prior_precision + 1 / (sampling + facts.suspected_bias**2)))

    sampling = np.maximum(se, 1e-12)[:, None] ** 2
    before = posterior(sampling)
    mean = before * (prior_precision * prior_mean + effect[:, None] / (sampling + facts.suspected_bias**2))
    size = _SIZES[None, :]
    now = rows.sum(axis=1)[:, None] / 2.0
    after = posterior(sampling * now / (now + size * facts.coverage))
    spent = units.sum(axis=1)[:, None] * facts.money.exposures_per_unit
    horizon = np.maximum(facts.money.horizon - spent, 0.0)
    responses = size * facts.money.exposures_per_unit
    cost = 2 * size * facts.coverage * facts.money.per_row
    value = weight * mean - facts.money.handicap[arm][:, None]
    benefit = expected_net_benefit(responses, value, weight**2 * before, weight**2 * after, horizon, cost)
    benefit = np.where(2 * responses <= horizon, benefit, -np.inf)
    best = benefit.argmax(axis=1)
    worth = benefit[np.arange(best.size), best] > 0
    return np.where(worth, _round_up(2 * _SIZES[best]), 0).astype(int)


def _labels_needed(found: Estimates, se: np.ndarray, effect: np.ndarray, out: Outcomes) -> np.ndarray:
    """Return the human labels (all arms) after which an effect of this size would be 2.8 standard errors.

    2.8 = 1.96 + 0.84: 80 % power at the two-sided 5 % level. The spread of a label is taken to be the
    spread of the scores at hand, of which `se` is the standard error.
    """
    pairs = out.rows.sum(axis=1) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        per_arm = pairs * (2.8 * se / np.abs(effect)) ** 2
    return _round_up(np.where(np.isfinite(per_arm), 2 * per_arm, 0.0)).astype(int)


def _round_up(values: np.ndarray) -> np.ndarray:
    """Round up to two significant digits: a recommendation is not a measurement."""
    values = np.maximum(np.asarray(values, float), 1.0)
    unit = 10.0 ** np.maximum(np.floor(np.log10(values)) - 1, 0)
    return np.asarray(np.ceil(values / unit - 1e-9) * unit)


def of_trace(shown: Trace) -> Outcomes:
    """Return one watched experiment as data for `judge`."""
    last = shown.state[-1]
    whole = last[:2].astype(np.int64)
    return Outcomes(
        np.array([shown.code]), np.array([shown.day]), whole[:1], whole[1:2], last[2:3].copy(), last[3:4].copy()
    )


def choose(
    names: list[str], losses: list[Figure], alarms: list[Figure], claims: list[float | None]
) -> tuple[str, list[str]]:
    """Return the strategy with the smallest expected loss among those that keep their promise.

    A strategy is out when, with a perfect evaluator and no difference, it raises more false alarms than
    it claims (5 % where it claims nothing) by more than three standard errors.

    Parameters
    ----------
    losses : list of Figure
        Expected loss of each, dollars, averaged over the design prior.
    alarms : list of Figure
        Type I error under a perfect evaluator.
    claims : list of float or None
        Type I error that each claims.

    Returns
    -------
    name : str
    dropped : list of str
        Names left out for their false alarms.
    """
    dropped = []
    for name, alarm, claim in zip(names, alarms, claims, strict=True):
        limit = 0.05 if claim is None else claim
        if alarm.value is not None and alarm.value > limit + 3 * (alarm.se or 0.0):
            dropped.append(name)
    left = [i for i, name in enumerate(names) if name not in dropped] or list(range(len(names)))
    best = min(left, key=lambda i: losses[i].value or 0.0)
    return names[best], dropped
