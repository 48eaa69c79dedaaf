"""Two variants on the same prompts: the law of the differences that a judge and people see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from expsim_panel.errors import InputError

if TYPE_CHECKING:
    from expsim_panel.evaluators.hybrid import Hybrid
    from expsim_panel.scenario import Scenario


@dataclass(frozen=True)
class Differences:
    """Moments of D (labels) and F (scores) on one prompt, arrays (...,).

    Attributes
    ----------
    score : ndarray
        Mean of F.
    label_sd, score_sd, rho : ndarray
        Standard deviations and correlation, rho_D of `measurement_design`.
    """

    score: np.ndarray
    label_sd: np.ndarray
    score_sd: np.ndarray
    rho: np.ndarray

    def per_prompt(self, share: float, correction: str) -> np.ndarray:
        """Return the variance of the corrected difference times its number of labelled prompts."""
        own, other, square = self.label_sd**2, self.score_sd**2, self.rho**2
        if share >= 1:
            return np.asarray(own)
        if correction == "ppi":
            covariance = self.rho * self.label_sd * self.score_sd
            return np.asarray(own + other - 2 * covariance + other * share / (1 - share))
        return np.asarray(own * (1 - square + square * share))


def differences(evaluator: Hybrid, means: np.ndarray, sds: np.ndarray) -> Differences:
    """Return the law of differences for true means and standard deviations, shape (..., 2).

    What variants share on a prompt drops out: its quality s_p, the judge's error on it s_i, the severity of a rater
    who sees both. Left are ``A_a = s_a^2 - s_p^2``: ``Var D = sum A_a + 2 s_e^2 / r``,
    ``Var F = sum b_a^2 A_a + 2 (s_w^2 + s_r^2 / K)``, ``Cov = sum b_a A_a``.
    """
    own = np.maximum(sds**2 - float(evaluator.prompt_sd) ** 2, 0.0)
    offset, slope, noise = evaluator.judge.line(means, sds)
    left = np.maximum(noise**2 - evaluator.judge.shared_error(), 0.0)
    label = np.maximum(np.asarray(evaluator.human.measure(means, sds, "normal").sds) ** 2 - sds**2, 0.0)
    score = offset + slope * means
    label_sd = np.sqrt((own + label).sum(axis=-1))
    score_sd = np.sqrt((slope**2 * own + left).sum(axis=-1))
    spread = label_sd * score_sd
    rho = np.divide((slope * own).sum(axis=-1), spread, out=np.zeros_like(spread), where=spread > 0)
    return Differences(score[..., 1] - score[..., 0], label_sd, score_sd, np.clip(rho, -1, 1))


def check_pairs(evaluator: Hybrid, scenario: Scenario, where: str) -> None:
    """Check that pairs can be had: two variants of scores, on the same prompts every day."""
    traffic, metric = scenario.traffic, scenario.metric
    if len(scenario.variants) != 2 or scenario.family == "binary" or metric.draw_levels or metric.family == "amount":
        problem = "pairs are differences of two variants' scores"
        raise InputError(where, "evaluator.paired", problem, "write false, or compare two variants by scores")
    week = traffic.seasonality
    if (week is not None and week.traffic) or traffic.ramp is not None or traffic.mismatch is not None:
        problem = "the traffic changes from day to day"
        raise InputError(where, "evaluator.paired", problem, "remove ramp, mismatch and seasonal traffic")
    if traffic.units_per_day % 2 or len(set(scenario.shares)) > 1:
        problem = "every prompt is answered by both variants"
        raise InputError(where, "traffic.units_per_day", problem, "give an even number and equal shares")
    if evaluator.prompt_sd > scenario.sds.min():
        problem = f"{evaluator.prompt_sd:g} is more than responses vary ({scenario.sds.min():g})"
        raise InputError(where, "evaluator.prompt_sd", problem, "give a part of metric.sd")
    if not evaluator.human.shared_raters:
        problem = "pairs need a rater who sees both responses"
        raise InputError(where, "evaluator.human.shared_raters", problem, "write true")
    if evaluator.correction not in ("auto", "ppi++", "ppi") or evaluator.labelling != "random":
        problem = "pairs are corrected by PPI++ or PPI, with labels at random"
        raise InputError(where, "evaluator.correction", problem, 'write "auto" and labelling = "random"')
