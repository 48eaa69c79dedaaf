"""What a hybrid evaluator sees of a block: the law of labels and scores that the kernel draws from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from expsim_panel import outcomes, timeline
from expsim_panel.kernels.hybrid import EIF, PPI, PPI_PLUS, ROGAN_GLADEN, SUMS_KEPT, N, Scored, as_rows, corrected
from expsim_panel.kernels.hybrid_paths import draw_hybrid
from expsim_panel.kernels.hybrid_worlds import HybridWorld
from expsim_panel.kernels.rows import RATES
from expsim_panel.plain_rows import unobserved
from expsim_panel.row_law import Block, Change, Law, RowKind
from expsim_panel.uneven import Outcome

if TYPE_CHECKING:
    from expsim_panel.evaluators.hybrid import Hybrid
    from expsim_panel.policy import Policy, Supply
    from expsim_panel.scenario import Scenario

DRIFTS = "no exact value: the judge drifts, and labels correct it"
CORRECTIONS = {"ppi++": PPI_PLUS, "ppi": PPI, "eif": EIF, "rogan-gladen": ROGAN_GLADEN}
"""Those that read sums; `isotonic_rows` has rows of its own, of the same law."""
NO_SUMS = -1
"""Stands for a correction in a law whose sums nobody corrects."""
_BY_REPLICATE = ("means", "sds", "spill", "offset", "slope", "score_noise", "label_noise", "hit", "false")


@dataclass(frozen=True)
class LabelledRows(RowKind):
    """The law of labels and scores, without the kernel's scratch space; attributes as in `kernels.hybrid.Scored`."""

    family: int
    means: np.ndarray
    sds: np.ndarray
    spill: np.ndarray
    steps: np.ndarray
    drift: np.ndarray
    offset: np.ndarray
    slope: np.ndarray
    score_noise: np.ndarray
    label_noise: np.ndarray
    hit: np.ndarray
    false: np.ndarray
    yes: float
    no: float
    outcome: Outcome
    correction: int
    origin: float
    sign: float
    residual: float
    uneven: float
    favour: float
    per_label: float
    severity_sd: float
    raters: int
    shared: bool

    additive = True

    def each(self, change: Change) -> Self:
        """Return the same with `change` made to every array by replicate."""
        changed: dict[str, Any] = {name: change(getattr(self, name)) for name in _BY_REPLICATE}
        return replace(self, **changed)

    def draw(self, law: Law, block: Block) -> np.ndarray | None:
        """Draw a block of labels and scores."""
        _, days, arms = block.sums.shape
        shares, stratified = np.zeros(block.rows.shape), False
        if law.uneven is not None:
            shares, stratified = np.asarray(law.uneven.shares), bool(law.uneven.stratified)
        daily, judged = np.zeros((days, SUMS_KEPT, arms)), judged_of(self.per_label, block.rows)
        draw_hybrid(
            block.outcome, block.evaluator, self.kernel(), block.rows, judged, shares, stratified, law.lag,
            block.sums, block.squares, *block.known, daily,
        )  # fmt: skip
        return daily

    def allocation(self, law: Law, policy: Policy, supply: Supply) -> Any:
        """Return the kernel's parameters of an adaptive policy, in a world that draws and corrects its rows."""
        (size, arms), days = law.means.shape, supply.arrivals.size
        return HybridWorld(
            policy.allocation(unobserved(supply)),
            self.kernel(),
            law.delay,
            law.lag,
            law.skip,
            np.zeros((4, arms)),
            np.zeros((4, arms)),
            np.zeros(SUMS_KEPT),
            np.zeros((2, days, 4, arms)),
            np.zeros((days, 4, arms)),
            np.zeros((size, 4, arms)),
            np.zeros((days, SUMS_KEPT, arms)),
            np.zeros((2, SUMS_KEPT, arms)),
        )

    def why_inexact(self, rows: np.ndarray, severity_sd: float) -> str:
        """Return why there are no exact figures."""
        return DRIFTS if self.drift.any() else ""

    def estimate(self, sums: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return sum and sum of squares of each arm's rows from its labels and scores, shape (9, arms)."""
        return _states(self.kernel(), sums)

    def kernel(self) -> Scored:
        """Return the kernel's parameters, with scratch space of their own."""
        arms, out = self.means.shape[1], self.outcome
        # A broadcast array is read-only, which is another type to the compiler: the same loop would be compiled twice.
        names = (*_BY_REPLICATE, "steps", "drift")
        arrays = {name: np.require(getattr(self, name), float, ["C", "W"]) for name in names}
        return Scored(
            family=int(self.family),
            **arrays,
            yes=float(self.yes),
            no=float(self.no),
            values=out.values,
            cuts=out.cuts,
            latent=out.latent,
            implied=out.implied,
            zeros=float(out.zeros),
            sigma=float(out.sigma),
            correction=int(self.correction),
            origin=float(self.origin),
            sign=float(self.sign),
            residual=float(self.residual),
            uneven=float(self.uneven),
            favour=float(self.favour),
            per_label=float(self.per_label),
            severity_sd=float(self.severity_sd),
            raters=int(self.raters),
            shared=bool(self.shared),
            severity=np.zeros((arms, max(int(self.raters), 1))),
            sums=np.zeros((2, SUMS_KEPT, arms)),
        )


def _states(law: Scored, sums: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    found = np.zeros((2, sums.shape[1]))
    for a in range(sums.shape[1]):
        if sums[N, a] > 0:
            found[:, a] = as_rows(law, float(sums[N, a]), *corrected(sums, a, law.correction))
    return found[0], found[1]


def judged_of(per_label: float, labelled: np.ndarray) -> np.ndarray:
    """Return the judged rows of each day from its labelled ones, rounded so that every total comes out right."""
    total = np.floor(per_label * np.cumsum(labelled, axis=0) + 0.5).astype(np.int64)
    return np.asarray(np.maximum(np.diff(total, axis=0, prepend=0), labelled))


def _favour(scenario: Scenario, evaluator: Hybrid) -> float:
    if evaluator.labelling != "active" or scenario.family != "binary":
        return 1.0
    return evaluator.joint(scenario.means[:1], scenario.sds[:1], scenario.family).favour()


def labelled_rows(
    scenario: Scenario, evaluator: Hybrid, means: np.ndarray, sds: np.ndarray, spill: np.ndarray, steps: np.ndarray
) -> LabelledRows:
    """Return the law of labels and scores in a block, to be corrected from their sums; parameters as in `label_law`."""
    correction = CORRECTIONS[evaluator.method(scenario.family)]
    return label_law(scenario, evaluator, means, sds, spill, steps, correction)


def label_law(
    scenario: Scenario,
    evaluator: Hybrid,
    means: np.ndarray,
    sds: np.ndarray,
    spill: np.ndarray,
    steps: np.ndarray,
    correction: int,
) -> LabelledRows:
    """Return the law of labels and scores in a block.

    Parameters
    ----------
    means, sds : ndarray, shape (replicates, arms)
        True law of a response in the absence of spill-over, metric units.
    spill : ndarray, shape (replicates, arms)
        What all true means gain where this arm has all of the traffic.
    steps : ndarray, shape (days, arms)
        What each day adds to the true means.
    correction : int
        One of `CORRECTIONS`, or `NO_SUMS`.
    """
    binary, sign = scenario.family == "binary", scenario.sign
    sds = np.broadcast_to(sds, means.shape)
    found = evaluator.joint(means, sds, scenario.family)
    blank = np.zeros(means.shape)
    family = outcomes.family(scenario.metric)
    law_of = Outcome(np.zeros_like(steps), 1.0, 0.0)
    parts: dict[str, Any] = dict.fromkeys(("offset", "slope", "score_noise", "label_noise", "hit", "false"), blank)
    yes, no = 1.0, 1.0
    if family == RATES:
        parts["hit"], parts["false"] = (np.broadcast_to(one, means.shape) for one in evaluator.judge.rates(means))
        yes, no = evaluator.human.vote()
    else:
        parts["offset"], parts["slope"], parts["score_noise"] = evaluator.judge.line(means, sds)
        parts["label_noise"] = np.sqrt(np.maximum(found.label_sd**2 - sds**2, 0.0))
        if scenario.metric.draw_levels or scenario.metric.family == "amount":
            law_of = outcomes.law(scenario.metric, np.zeros_like(steps), 1.0, 0.0)
    return LabelledRows(
        family,
        means,
        sds,
        spill,
        steps,
        timeline.drift_of(evaluator.judge, scenario.traffic.days),
        **parts,
        yes=yes,
        no=no,
        outcome=law_of,
        correction=correction,
        origin=1.0 if binary and sign < 0 else 0.0,
        sign=sign,
        residual=1.0 if binary else evaluator.residual,
        uneven=0.0 if binary else evaluator.uneven,
        favour=_favour(scenario, evaluator),
        per_label=1 / float(evaluator.label_share),
        severity_sd=found.severity_sd,
        raters=found.raters,
        shared=found.shared,
    )
