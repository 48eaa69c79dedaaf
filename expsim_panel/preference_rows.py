"""A study side by side: who reads a comparison how, and the law of verdicts that the kernel draws from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import numpy as np

from expsim_panel import timeline
from expsim_panel.clusters import Clusters
from expsim_panel.evaluators.human import Human
from expsim_panel.evaluators.hybrid import Hybrid
from expsim_panel.evaluators.judge import Judge
from expsim_panel.judge_laws import panel_factor
from expsim_panel.kernels.verdicts import Verdicts, draw_verdicts
from expsim_panel.preference import Reader, TieModel
from expsim_panel.preference_hybrid import HybridRows, cells_of, correction_of, joint_of, per_label, with_refusals
from expsim_panel.row_law import Block, Change, Law, RowKind
from expsim_panel.uneven import VERDICTS, Uneven

if TYPE_CHECKING:
    from expsim_panel.evaluation import Evaluator
    from expsim_panel.scenario import Scenario

ROWS_PER_COMPARISON = 2
"""A comparison is a row of its variant and of the control: counts of rows and units are counts of responses."""

_FEW = 256
"""Differences that are worked out one by one; more are read from a spline through so many of them."""


def part_of_control(variants: int) -> float:
    """Return the part of a verdict's variance that the control's arm carries, see `kernels.verdicts`.

    One millionth beside one variant, so that a t test has the degrees of freedom of its verdicts, n - 1, as on paired
    prompts (rules need some). Beside several, whose verdicts share nothing, a hundredth: rules that ask which arm is
    best must know the control's 0 well.
    """
    return 1e-6 if variants == 1 else 0.01


@dataclass(frozen=True)
class PreferenceRows(RowKind):
    """The law of verdicts in a block; attributes as in `kernels.verdicts.Verdicts`."""

    chances: np.ndarray
    values: np.ndarray
    part: float
    icc: float
    size: float
    spread: float

    additive = True

    def each(self, change: Change) -> Self:
        """Return the same with `change` made to every array by replicate."""
        return replace(self, chances=change(self.chances))

    def draw(self, law: Law, block: Block) -> np.ndarray | None:
        """Draw a block of verdicts."""
        draw_verdicts(block.outcome, self.kernel(), block.rows, block.sums, block.squares)
        return None

    def kernel(self) -> Verdicts:
        """Return the kernel's parameters."""
        chances = np.ascontiguousarray(self.chances, float)
        return Verdicts(chances, self.values, float(self.part), float(self.icc), float(self.size), float(self.spread))


@dataclass(frozen=True)
class Preference:
    """What a block draws from, oriented so that more is better.

    Attributes
    ----------
    means, sds : ndarray, shape (replicates, arms)
        Of a row in each arm; the control's mean is 0, and the sum of the arms' variances of the mean is that of the
        verdicts' mean.
    uneven : Uneven or None
        Delay, left-out days, hidden clusters, days that differ.
    rows : PreferenceRows or HybridRows
        Chances of the verdicts.
    """

    means: np.ndarray
    sds: np.ndarray
    uneven: Uneven | None
    rows: PreferenceRows | HybridRows


def reader_of(evaluator: Evaluator, arms: int) -> tuple[Reader, np.ndarray]:
    """Return how an evaluator reads comparisons, and what it adds to each variant's latent difference, (arms - 1,).

    What both responses share cancels: a judge's offset, drift and error on the prompt, a rater's severity. What each
    has of its own counts twice: ``2 (s_w^2 + s_r^2 / K)`` of a judge, ``2 s_e^2`` of a label.
    """
    if isinstance(evaluator, Hybrid):
        # What labels correct has the labels' mean, whatever the judge is like.
        evaluator = evaluator.human
    if isinstance(evaluator, Judge):
        panel = panel_factor(evaluator.judges, evaluator.error_correlation)
        lasting = np.sqrt(2 * evaluator.item_variant_sd**2 * panel)
        noise = np.sqrt(2 * evaluator.repeat_sd**2 / evaluator.repeats * panel)
        tilt = evaluator.tilt(np.zeros(arms))
        reader = Reader(
            float(evaluator.scale), float(lasting), float(noise), float(evaluator.position_bias), str(evaluator.orders)
        )
        return reader, tilt[1:] - tilt[0]
    if isinstance(evaluator, Human):
        own, shared = 2 * evaluator.noise_variance(), float(evaluator.error_correlation)
        votes, averaged = int(evaluator.labels_per_item), evaluator.combine == "mean"
        reader = Reader(
            1.0, float(np.sqrt(own * shared)), float(np.sqrt(own * (1 - shared))), votes=votes, averaged=averaged
        )
        return reader, np.zeros(arms - 1)
    return Reader(), np.zeros(arms - 1)


def net_of_bias(scenario: Scenario, bias: float, reader: Reader | None = None) -> float:
    """Return the net win rate that a judge sees between equal variants when it favours one by `bias` latent points.

    The scenario's own evaluator reads, unless another `reader` does.
    """
    reader = reader or reader_of(scenario.evaluator, 2)[0]
    tilted, level = reader.chances(scenario.tie_model, np.array([bias, 0.0])) @ reader.values
    return float(tilted - level)


def planned_sd(scenario: Scenario, evaluator: Evaluator) -> float:
    """Return the standard deviation of a verdict between equal variants: what a plan may know."""
    reader, _ = reader_of(evaluator, 2)
    if isinstance(evaluator, Hybrid):
        judge, _ = reader_of(evaluator.judge, 2)
        cells = cells_of(scenario.tie_model, reader, judge, np.zeros(1), np.zeros(1))
        cells = with_refusals(cells, judge.values.size, float(evaluator.judge.refusals))
        return float(per_label(evaluator, joint_of(cells, reader.values, judge.values))[0])
    return float(np.sqrt(reader.chances(scenario.tie_model, np.array(0.0)) @ reader.values**2))


def arm_sds(scenario: Scenario, sds: np.ndarray) -> np.ndarray:
    """Return the arms' standard deviations of a row, (..., arms), from those of the variants' verdicts."""
    shares = np.asarray(scenario.shares)
    control = part_of_control(sds.shape[-1]) * sds.min(axis=-1, keepdims=True) ** 2
    return np.asarray(np.sqrt(np.concatenate([control, sds**2 - control * shares[1:] / shares[0]], axis=-1)))


def seen_of(scenario: Scenario, evaluator: Evaluator, means: np.ndarray) -> np.ndarray:
    """Return the net win rates that an evaluator shows for true ones, shapes (..., arms); the control's are 0."""
    reader, tilt = reader_of(evaluator, means.shape[-1])
    seen = reader.slope * scenario.tie_model.latent(means[..., 1:]) + tilt
    found = chances_of(reader, scenario.tie_model, seen) @ reader.values
    return np.concatenate([np.zeros((*found.shape[:-1], 1)), found], axis=-1)


def preference(scenario: Scenario, world: str, evaluator: Evaluator, means: np.ndarray, found: Clusters) -> Preference:
    """Return the law of verdicts in a block.

    Parameters
    ----------
    means : ndarray, shape (replicates, arms)
        True net win rates over the control, whose own are 0.
    found : Clusters
        Comparisons that share a prompt.
    """
    traffic, analysis, model = scenario.traffic, scenario.analysis, scenario.tie_model
    reader, tilt = reader_of(evaluator, means.shape[1])
    latent = model.latent(means[:, 1:])
    steps = timeline.shift(scenario, world)
    steps = steps[:, 1:] - steps[:, :1]
    values = scenario.sign * reader.values

    def told(differences: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        chances = chances_of(reader, model, reader.slope * differences + tilt)
        return chances, chances @ values

    chances, centre = told(latent[:, None, :])
    spread = np.sqrt(np.maximum(chances @ values**2 - centre**2, 0.0))[:, 0]
    shift = np.zeros((traffic.days, means.shape[1]))
    if steps.any():
        long_run = centre
        chances, daily = told(latent[:, None, :] + steps)
        shift[:, 1:] = daily[0] - long_run[0]
    icc = found.icc if found.hidden else 0.0
    uneven = None
    if steps.any() or found.hidden or scenario.delay_days or analysis.skip_days:
        uneven = Uneven(
            VERDICTS, shift, np.zeros(means.shape), icc, found.size, found.spread, found.effect,
            timeline.shares(scenario), int(scenario.delay_days), int(analysis.skip_days), False,
        )  # fmt: skip
    part = part_of_control(means.shape[1] - 1)
    rows: PreferenceRows | HybridRows
    if isinstance(evaluator, Hybrid):
        judge, own = reader_of(evaluator.judge, means.shape[1])
        refused = float(evaluator.judge.refusals)

        def both(differences: np.ndarray) -> np.ndarray:
            cells = cells_of(model, reader, judge, own, differences)
            return with_refusals(cells, judge.values.size, refused)

        daily_cells = both(latent[:, None, :] + (steps if steps.any() else 0.0))
        long_run_cells = both(latent) if steps.any() else daily_cells[:, 0]
        spread = per_label(evaluator, joint_of(long_run_cells, reader.values, judge.values))
        rows = HybridRows(
            daily_cells, values, scenario.sign * judge.values, part, correction_of(evaluator),
            1 / float(evaluator.label_share),
        )  # fmt: skip
    else:
        rows = PreferenceRows(chances, values, part, icc, found.size, found.spread)
    rates = np.concatenate([np.zeros((len(means), 1)), told(latent)[1]], axis=1)
    return Preference(rates, arm_sds(scenario, spread), uneven, rows)


def chances_of(reader: Reader, model: TieModel, seen: np.ndarray) -> np.ndarray:
    """Return the reader's chances; of many differences from a spline, whose error is below 1e-8."""
    if seen.size <= _FEW or (reader.orders != "both" and reader.votes == 1):
        return reader.chances(model, seen)
    from scipy.interpolate import CubicSpline

    low, high = float(seen.min()), float(seen.max())
    at = np.linspace(low, max(high, low + 1e-6), _FEW)
    found = np.clip(CubicSpline(at, reader.chances(model, at))(seen), 0.0, 1.0)
    return np.asarray(found / found.sum(axis=-1, keepdims=True))
