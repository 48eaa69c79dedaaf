"""The two answers: a verdict from the data of one experiment, and advice from operating characteristics.

`Known` holds everything a team knows besides its data; there is no true mean in it, so a verdict cannot
depend on the truth.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from expsim_panel import plan
from expsim_panel.economics import Ledger, ledger
from expsim_panel.further_evidence import Offer, Seen, Stakes, any_pays, offers, rounded
from expsim_panel.kernels.special import norm_ppf
from expsim_panel.kernels.trials import FUTILE
from expsim_panel.operating import Estimates, estimates
from expsim_panel.preference_rows import net_of_bias
from expsim_panel.results import Figure, Outcomes, Trace
from expsim_panel.scenario import Scenario
from expsim_panel.suppliers import Suppliers, suppliers

INCONCLUSIVE, LAUNCH, KEEP, COLLECT = 0, 1, 2, 3
ACTIONS = ("inconclusive", "launch", "keep", "collect")


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
    who : Suppliers
        Who measures and who else could: prices, speed and error of judge and people.
    label_price : float or None
        Dollars per human label where the scenario knows it.
    sign : float
        -1 where less of the metric is better: effects are positive for better, sentences speak of the metric.
    side_by_side : bool
        Whether effects are net win rates.
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
    who: Suppliers
    label_price: float | None
    sign: float
    side_by_side: bool = False


def known(scenario: Scenario) -> Known:
    """Return what the team knows besides its data."""
    prior = scenario.prior
    who = suppliers(scenario)
    return Known(
        tuple(variant.name for variant in scenario.variants),
        scenario.family == "binary",
        scenario.by_counts,
        float(scenario.scenario.indifference),
        # Of the metric's own scale: side by side a judge's liking is latent, and its effect a net win rate.
        net_of_bias(scenario, scenario.evaluator.bias_sd()) if scenario.side_by_side else scenario.evaluator.bias_sd(),
        (prior.mean, prior.sd) if prior.sd else None,
        plan.rows_per_unit(scenario),
        ledger(scenario),
        int((scenario.served or scenario.traffic).units_per_day),
        who,
        who.human.price if who.human is not None else None,
        scenario.sign,
        scenario.side_by_side,
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
        For `COLLECT`: what is to be collected over all arms: units of the evaluator in use, labels, or judge scores.
    source : int ndarray
        For `COLLECT`: which of the sources of `evidence`; 0 is the evaluator in use.
    distrusted : bool ndarray
        Whether the evaluator's suspected bias could explain the finding.
    unpaid : bool ndarray
        Whether the finding does not pay for its price.
    risky : bool ndarray
        Whether it pays for its price, but not for the breaches of guardrails that are to be expected too.
    risk : ndarray
        Dollars per response that breaches of its guardrails are expected to cost.
    unconfirmed : bool ndarray
        Whether the rule found a winner that the estimate by logged shares does not confirm.
    """

    action: np.ndarray
    arm: np.ndarray
    effect: np.ndarray
    se: np.ndarray
    more: np.ndarray
    source: np.ndarray
    distrusted: np.ndarray
    unpaid: np.ndarray
    risky: np.ndarray
    risk: np.ndarray
    unconfirmed: np.ndarray


def judge(
    facts: Known,
    level: float,
    out: Outcomes,
    amounts: bool = True,
    risk: np.ndarray | None = None,
    promised: bool = True,
) -> Findings:
    """Give every experiment its verdict (MODEL sections 4 and 6).

    A variant that won is launched unless the evaluator's suspected differential bias could explain the
    finding, ``|estimate| <= 2 sqrt(SE^2 + SD(bias)^2)`` (then: collect human labels if their largest ENBS is above
    zero, else inconclusive), or the gain does not pay for the variant's price and for the breaches of guardrails that
    its data let expect (then: keep). Without a winner: keep
    control when the interval excludes an effect that matters; collect iff some source of data has an ENBS above zero;
    else inconclusive. Where shares followed the data and are logged with a floor, effect and interval are those that
    stay valid there; a finding of a rule that promises nothing on such traffic then counts only if they confirm it.

    Parameters
    ----------
    facts : Known
        Everything known besides the data.
    level : float
        Level of the interval.
    out : Outcomes
        The data: how each experiment ended.
    amounts : bool
        Whether to find what to collect for `COLLECT`; without it `more` and `source` stay 0, and thousands of
        experiments are judged in a tenth of the time.
    risk : ndarray, shape (replicates, arms - 1), optional
        Dollars per response that breaches are expected to cost, see `guardrail_costs.expected_penalty`.
    promised : bool
        Whether the rule keeps an error rate on its traffic.
    """
    found = estimates(out, facts.counts)
    effect_all = np.where(np.isfinite(found.effect), found.effect, -np.inf)
    arm = np.where(out.code > 0, out.code, effect_all.argmax(axis=1) + 1).astype(int)
    pick = (np.arange(arm.size), arm - 1)
    effect, se = found.effect[pick], found.se[pick]
    expected = np.zeros(arm.size) if risk is None else risk[pick]
    z = norm_ppf(0.5 + level / 2)
    bias = facts.suspected_bias
    usable = np.isfinite(effect) & np.isfinite(se)
    won, lost = out.code > 0, out.code < 0
    unconfirmed = np.zeros(arm.size, bool)
    if out.floored and not promised:
        with np.errstate(invalid="ignore"):
            unconfirmed = won & ~(effect > z * se)
            ruled_out = np.all(found.effect + z * found.se < max(facts.indifference, 0.0), axis=1)
        won, lost = won & ~unconfirmed, lost & ((out.code == FUTILE) | ruled_out)
    with np.errstate(invalid="ignore"):
        distrusted = won & (bias > 0) & (np.abs(effect) <= 2 * np.sqrt(se**2 + bias**2))
        net = facts.money.value_per_point * effect - facts.money.handicap[arm]
        unpaid = won & ~distrusted & (net < 0)
        risky = won & ~distrusted & ~unpaid & (net < expected)
        small = ~won & np.all(found.effect + z * found.se < facts.indifference, axis=1)
    more, source = np.zeros(arm.size, int), np.zeros(arm.size, int)
    open_ones = ~won & ~lost & ~small & usable
    action = np.full(arm.size, INCONCLUSIVE)
    for asked, trusted in ((open_ones, True), (distrusted, False)):
        if not asked.any():
            continue
        if not amounts:
            pays = any_pays(
                *_market(facts, found, out, arm, np.flatnonzero(asked), expected), 0 if trusted else _biased(facts)
            )
            action[asked] = np.where(pays, COLLECT, INCONCLUSIVE)
            continue
        size, best = _worthwhile(facts, found, out, arm, np.flatnonzero(asked), trusted, expected)
        more[asked], source[asked] = size, best
        action[asked] = np.where(size > 0, COLLECT, INCONCLUSIVE)
    if distrusted.any() and facts.who.human is None:
        more[distrusted] = _labels_needed(found, se, effect, out)[distrusted]
        action[distrusted] = COLLECT
    action[lost | small | unpaid | risky] = KEEP
    action[won & ~unpaid & ~risky & ~distrusted] = LAUNCH
    return Findings(action, arm, effect, se, more, source, distrusted, unpaid, risky, expected, unconfirmed)


def evidence(
    facts: Known, found: Estimates, out: Outcomes, arm: np.ndarray, which: np.ndarray, risk: np.ndarray
) -> list[Offer]:
    """Return what every source of more data is worth, for the experiments `which` (indices); risk: as in `Findings`."""
    return offers(*_market(facts, found, out, arm, which, risk))


def _market(
    facts: Known, found: Estimates, out: Outcomes, arm: np.ndarray, which: np.ndarray, risk: np.ndarray
) -> tuple[Stakes, Seen]:
    """Return what the value of more data depends on: what is known, and what the experiments `which` have seen.

    The value of more data is that of the metric's; what guardrails are expected to cost stays as it is.
    """
    arm = arm[which]
    pick = (which, arm - 1)
    pair = (which[:, None], np.stack([np.zeros_like(arm), arm], axis=1))
    rows, units, sums = (part[pair].astype(float) for part in (out.rows, out.units, out.sums))
    good = sums.sum(axis=1) / np.maximum(rows.sum(axis=1), 1.0)
    seen = Seen(
        found.effect[pick],
        found.se[pick],
        rows.mean(axis=1),
        units.mean(axis=1),
        out.units[which].sum(axis=1) * facts.money.exposures_per_unit,
        facts.money.handicap[arm] + risk[which],
        good if facts.sign > 0 else 1 - good,
    )
    stakes = Stakes(
        facts.money, facts.prior, facts.suspected_bias, facts.coverage, facts.units_per_day, facts.binary, facts.who
    )
    return stakes, seen


def _biased(facts: Known) -> int:
    """Return how many of the first sources cannot settle a finding that bias could explain: a judge's own."""
    return int(facts.who.own == "judge" and facts.who.human is not None)


def _worthwhile(
    facts: Known, found: Estimates, out: Outcomes, arm: np.ndarray, which: np.ndarray, trusted: bool, risk: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return how much more to collect (all arms; 0: nothing is worth its cost) and of which source.

    Where the judge's bias could explain the finding (not `trusted`), more of its scores cannot settle the matter, and
    only sources with labels count.
    """
    offered = evidence(facts, found, out, arm, which, risk)
    net = np.stack([one.net_benefit for one in offered])
    if not trusted:
        net[: _biased(facts)] = -np.inf
    best = net.argmax(axis=0)
    amount = np.stack([one.units if one.own else np.where(one.labels > 0, one.labels, one.scores) for one in offered])
    column = np.arange(which.size)
    return np.where(net[best, column] > 0, amount[best, column], 0).astype(int), best


def _labels_needed(found: Estimates, se: np.ndarray, effect: np.ndarray, out: Outcomes) -> np.ndarray:
    """Return the human labels (all arms) after which an effect of this size would be 2.8 standard errors.

    2.8 = 1.96 + 0.84: 80 % power at the two-sided 5 % level. The spread of a label is taken to be the
    spread of the scores at hand, of which `se` is the standard error.
    """
    pairs = out.rows.sum(axis=1) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        per_arm = pairs * (2.8 * se / np.abs(effect)) ** 2
    return rounded(np.where(np.isfinite(per_arm), 2 * per_arm, 0.0)).astype(int)


def of_trace(shown: Trace) -> Outcomes:
    """Return one watched experiment as data for `judge`."""
    last = shown.state[-1]
    whole = last[:2].astype(np.int64)
    logged = None if shown.logged is None else shown.logged[-1:]
    return Outcomes(
        np.array([shown.code]), np.array([shown.day]), whole[:1], whole[1:2], last[2:3].copy(), last[3:4].copy(),
        logged, shown.floored,
    )  # fmt: skip


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
