"""Is more evidence worth what it costs, and whose? The largest expected net benefit over amounts and sources.

For thousands of experiments at once, each from its own data, the analysis prior and what is known of the evaluators;
the truth does not enter. Derivations: ``docs/model.md``, section 6.

At hand is a difference F with sampling variance v and a suspected bias, ``F ~ N(D + beta, v)``. Each source adds to
the precision of D:

* more rows of the evaluator in use: v shrinks, ``Var(beta)`` stays, so that a judge's scores saturate;
* labels beside a judge (or scores beside labels): another estimate of D, independent of the first;
* a hybrid in use: more labels of responses that are judged, or more scores, by its own variance
  ``v_y [(1 - rho^2) / n + rho^2 / T]`` per arm;
* both: n labels of responses among T that a judge has scored give the tuned estimate Y' with variance
  ``v_y [(1 - rho^2) / n + rho^2 / T]`` per arm and covariance ``rho sqrt(v_y v_f) / T`` with F; together they have the
  precision ``(V1 + V2 - 2 C) / (V1 V2 - C^2)``.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from expsim_panel.economics import Ledger, unit_loss
from expsim_panel.suppliers import RowLaw, Supplier, Suppliers, row_law


@dataclass(frozen=True)
class Seen:
    """What k experiments have brought, for control and one variant each; arrays (k,).

    Attributes
    ----------
    effect, se : ndarray
        Estimate, metric units, positive is better.
    rows, units : ndarray
        Scored rows and units per arm, the mean of the two arms.
    spent : ndarray
        Exposures so far, all arms.
    handicap : ndarray
        Dollars per exposure by which the variant must be better.
    rate : ndarray
        Share of positive rows, for rates; in the direction of the metric's own events.
    """

    effect: np.ndarray
    se: np.ndarray
    rows: np.ndarray
    units: np.ndarray
    spent: np.ndarray
    handicap: np.ndarray
    rate: np.ndarray

    def part(self, which: np.ndarray) -> Seen:
        """Return some of the experiments."""
        return Seen(*(value[which] for value in self.__dict__.values()))


@dataclass(frozen=True)
class Stakes:
    """What the team knows besides data: money, prior, traffic.

    Attributes
    ----------
    money : Ledger
        Prices and weights.
    prior : tuple of float, or None
        Mean and SD of effects; None for a flat prior.
    bias : float
        SD of the suspected bias of the evaluator in use.
    coverage : float
        Rows per unit of the evaluator in use.
    units_per_day : int
        Traffic.
    binary : bool
        Whether rows are 0 or 1.
    who : Suppliers
        Who measured and who else could.
    """

    money: Ledger
    prior: tuple[float, float] | None
    bias: float
    coverage: float
    units_per_day: int
    binary: bool
    who: Suppliers


@dataclass(frozen=True)
class Offer:
    """The best amount of one source for k experiments; arrays (k,).

    Attributes
    ----------
    source : str
        ``judge``, ``human``, ``hybrid``, or the kind of the evaluator in use.
    own : bool
        Whether it is the evaluator in use, on new traffic; otherwise responses that were shown are scored.
    net_benefit, value, ceiling : ndarray
        Dollars: largest ENBS; EVSI over what is left of the horizon there; the same for endless rows.
    units, labels, scores : ndarray
        New units, human labels and judge scores, all variants together.
    cost, days : ndarray
        Dollars for scoring; days until the last of it is in.
    """

    source: str
    own: bool
    net_benefit: np.ndarray
    value: np.ndarray
    ceiling: np.ndarray
    units: np.ndarray
    labels: np.ndarray
    scores: np.ndarray
    cost: np.ndarray
    days: np.ndarray


@dataclass(frozen=True)
class Amounts:
    """What n rows of a source mean: precision of D afterwards, and what they take; arrays (k, sizes)."""

    precision: np.ndarray
    units: np.ndarray
    labels: np.ndarray
    scores: np.ndarray
    cost: np.ndarray
    days: np.ndarray
    possible: np.ndarray


Source = Callable[[np.ndarray], Amounts]


class Market:
    """The sources that k experiments can buy from."""

    def __init__(self, stakes: Stakes, seen: Seen) -> None:
        self.stakes, self.seen = stakes, seen
        self.v = np.maximum(seen.se, 1e-12)[:, None] ** 2
        self.rows, self.units = np.maximum(seen.rows, 1.0)[:, None], seen.units[:, None]
        prior = stakes.prior
        self.prior_mean, self.prior_precision = (prior[0], prior[1] ** -2) if prior else (0.0, 0.0)
        at_hand = 1 / (self.v + stakes.bias**2)
        self.before = self.prior_precision + at_hand
        mean = (self.prior_precision * self.prior_mean + seen.effect[:, None] * at_hand) / self.before
        self.gain = stakes.money.value_per_point * mean - seen.handicap[:, None]
        self.horizon = np.maximum(stakes.money.horizon - seen.spent, 0.0)[:, None]
        law = row_law(stakes.who, seen.se**2 * self.rows[:, 0] / 2, seen.rate, stakes.binary)
        self.law = RowLaw(*(np.asarray(part)[:, None] for part in (law.label, law.score, law.rho)))

    def part(self, which: np.ndarray) -> Market:
        """Return the market of some of the experiments."""
        made = copy.copy(self)
        made.seen = self.seen.part(which)
        for name in ("v", "rows", "units", "before", "gain", "horizon"):
            setattr(made, name, getattr(self, name)[which])
        made.law = RowLaw(*(part[which] for part in (self.law.label, self.law.score, self.law.rho)))
        return made

    def sources(self) -> dict[str, tuple[Source, float]]:
        """Return the sources by name, each with the SD of what no rows of it remove."""
        who, own = self.stakes.who, self.stakes.who.own
        found: dict[str, tuple[Source, float]] = {own: (self._more, self.stakes.bias)}
        if who.judge is None or who.human is None or own == "truth" or who.paired:
            return found
        if own == "hybrid":
            found["human"] = (self._topped(who.human, True), who.human.floor)
            found["judge"] = (self._topped(who.judge, False), who.human.floor)
            return found
        other = who.human if own == "judge" else who.judge
        found["human" if own == "judge" else "judge"] = (self._beside(other), other.floor)
        found["hybrid"] = (self._both(who.judge, who.human), who.human.floor)
        return found

    def _more(self, n: np.ndarray) -> Amounts:
        """More units for the evaluator in use, n units per arm."""
        stakes, rows = self.stakes, n * self.stakes.coverage
        sampling = self.v * self.rows / (self.rows + rows)
        precision = self.prior_precision + 1 / (sampling + stakes.bias**2)
        # A hybrid's pace is that of its people.
        who = stakes.who
        mine = {"judge": who.judge, "human": who.human, "hybrid": who.human}.get(who.own)
        speed = mine.rows_per_day if mine else math.inf
        # Prompts do not arrive, and their answers are made for nothing else.
        live = stakes.money.live
        days = np.maximum(2 * n / stakes.units_per_day if live else 0.0 * n, 2 * rows / speed)
        days = days + who.outcome_days + (mine.delay_days if mine else 0.0)
        cost = 2 * rows * stakes.money.per_row
        if not live:
            cost = cost + 2 * n * stakes.money.exposures_per_unit * float(stakes.money.generation.mean())
        nothing, scored = 0 * rows, 2 * rows * stakes.money.scored_per_row
        labels, scores = (scored * stakes.money.responses[kind] for kind in ("human", "judge"))
        possible = 2 * n * stakes.money.exposures_per_unit <= self.horizon
        return Amounts(precision, 2 * n + nothing, labels, scores, cost, days + nothing, possible)

    def _beside(self, other: Supplier) -> Source:
        """Rows of the other evaluator on responses that were shown and not yet scored, n per arm."""
        labelled = self.stakes.who.own == "judge"
        variance = self.law.label if labelled else self.law.score

        def amounts(n: np.ndarray) -> Amounts:
            precision = self.before + 1 / (2 * variance / n + other.floor**2)
            nothing, scored = 0 * precision, 2 * n * self.stakes.money.scored_per_row
            labels, scores = (scored, 0.0) if labelled else (0.0, scored)
            left = np.maximum(self.units - self.rows, 0.0)
            return Amounts(
                precision, nothing, labels + nothing, scores + nothing, 2 * n * other.price + nothing,
                2 * n / other.rows_per_day + other.delay_days + nothing, n <= left,
            )  # fmt: skip

        return amounts

    def _both(self, judge: Supplier, human: Supplier) -> Source:
        """Labels for n responses that the judge scores too; or scores for n, the labelled ones among them."""
        labelled = self.stakes.who.own == "judge"
        law, bias = self.law, self.stakes.bias

        def amounts(n: np.ndarray) -> Amounts:
            here, new = self.rows + 0 * n, n + 0 * self.rows
            labels, scores = (new, np.maximum(new, here)) if labelled else (here, new)
            square = law.rho**2
            tuned = 2 * law.label * ((1 - square) / labels + square / scores) + human.floor**2
            if labelled:
                plain = self.v * self.rows / scores + bias**2
                shared = 2 * law.rho * np.sqrt(law.label * law.score) / scores
                both = np.maximum(tuned * plain - shared**2, 1e-300)
                precision = self.prior_precision + np.maximum((tuned + plain - 2 * shared) / both, 1 / plain)
                more_labels, more_scores, possible = new, scores - here, n <= self.units
            else:
                precision = self.prior_precision + np.maximum(1 / tuned, 1 / (self.v + bias**2))
                more_labels, more_scores, possible = 0 * new, new, (n >= self.rows) & (n <= self.units)
            each = self.stakes.money.scored_per_row
            days = np.maximum(2 * more_labels / human.rows_per_day, 2 * more_scores / judge.rows_per_day)
            days = days + (max(human.delay_days, judge.delay_days) if labelled else judge.delay_days)
            cost = 2 * (more_labels * human.price + more_scores * judge.price)
            return Amounts(
                precision, 0 * precision, 2 * more_labels * each, 2 * more_scores * each, cost, days, possible
            )

        return amounts

    def _topped(self, one: Supplier, labelled: bool) -> Source:
        """More labels of responses that the judge has scored, or scores of responses that it has not, n per arm.

        The variance at hand shrinks as ``(1 - rho^2) / labels + rho^2 / scores`` does.
        """
        who, square = self.stakes.who, self.law.rho**2
        have, judged = self.rows, self.rows / who.label_share

        def amounts(n: np.ndarray) -> Amounts:
            labels, scores = (have + n, judged + 0 * n) if labelled else (have + 0 * n, judged + n)
            left = self.units - judged if not labelled else judged - have

            def spread(a: np.ndarray, b: np.ndarray) -> np.ndarray:
                return np.asarray((1 - square) * who.residual / a + square / np.maximum(a, b))

            shrunk = self.v * spread(labels, scores) / spread(have, judged)
            precision = self.prior_precision + 1 / np.maximum(shrunk + one.floor**2 * labelled, 1e-300)
            nothing, scored = 0 * precision, 2 * n * self.stakes.money.scored_per_row
            told = (scored, 0.0) if labelled else (0.0, scored)
            return Amounts(
                precision, nothing, told[0] + nothing, told[1] + nothing, 2 * n * one.price + nothing,
                2 * n / one.rows_per_day + one.delay_days + nothing, n <= np.maximum(left, 0.0),
            )  # fmt: skip

        return amounts

    def net(self, found: Amounts) -> tuple[np.ndarray, np.ndarray]:
        """Return ENBS and EVSI per exposure, dollars.

        ``(E - S) EVSI + V m - S max(m, 0) - cost``: until the decision S exposures are served, V of them by the
        variant. In a test S = 2 n and V = n; while shown responses are scored the traffic stays with the control.
        """
        money = self.stakes.money
        tried = found.units / 2 * money.exposures_per_unit if money.live else 0.0 * found.units
        served = np.maximum(2 * tried, found.days * self.stakes.units_per_day * money.exposures_per_unit)
        worth = self._worth(found.precision)
        after = self.horizon - served
        net = after * worth + tried * self.gain - served * np.maximum(self.gain, 0.0) - found.cost
        return np.where(found.possible & (after >= 0), net, -np.inf), np.maximum(after, 0.0) * worth

    def _worth(self, precision: np.ndarray) -> np.ndarray:
        """Return EVSI per exposure once D is known with this precision."""
        s = self.stakes.money.value_per_point * np.sqrt(np.maximum(1 / self.before - 1 / precision, 0.0))
        z = np.abs(self.gain) / np.maximum(s, 1e-300)
        return np.asarray(s * unit_loss(np.minimum(z, 40.0)))

    def ceiling(self, source: str, floor: float) -> np.ndarray:
        """Return EVSI over the horizon for endless rows of a source, dollars."""
        own = source == self.stakes.who.own
        if self.stakes.who.own == "hybrid" and not own:
            most = self.sources()[source][0](np.full((1, 1), 1e15)).precision
            return np.asarray(self.horizon * self._worth(np.maximum(most, self.before)))[:, 0]
        endless = np.inf if floor == 0 else floor**-2
        precision = (self.prior_precision if own else self.before) + endless
        return np.asarray(self.horizon * self._worth(np.maximum(precision, self.before)))[:, 0]
