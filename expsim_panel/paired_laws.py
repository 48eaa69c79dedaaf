"""Variants on the same prompts: the law of the differences from the control that a judge and people see."""

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
    """Moments of D (labels) and F (scores) of each variant less the control on one prompt, arrays (..., arms - 1).

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

    def by_arm(self, share: float, correction: str) -> np.ndarray:
        """Return `per_prompt` as arms stand, (..., arms): the control with half of the smallest, an arm with the rest.

        What is the variance of two arms' difference is then that of the pairs; see
        `kernels.pair_days.write_contrasts`.
        """
        found = self.per_prompt(share, correction)
        half = found.min(axis=-1, keepdims=True) / 2
        return np.concatenate([half, found - half], axis=-1)


@dataclass(frozen=True)
class OwnParts:
    """What label and score of an arm have of their own on a prompt, arrays (..., arms).

    Attributes
    ----------
    score : ndarray
        Mean score.
    label_variance, score_variance, covariance : ndarray
        Without what variants share.
    """

    score: np.ndarray
    label_variance: np.ndarray
    score_variance: np.ndarray
    covariance: np.ndarray

    def differences(self) -> Differences:
        """Return the moments of differences: what is of their own adds up."""
        label_sd, score_sd = (np.sqrt(_added(one)) for one in (self.label_variance, self.score_variance))
        spread = label_sd * score_sd
        rho = np.divide(_added(self.covariance), spread, out=np.zeros_like(spread), where=spread > 0)
        return Differences(self.score[..., 1:] - self.score[..., :1], label_sd, score_sd, np.clip(rho, -1, 1))


def _added(each: np.ndarray) -> np.ndarray:
    return np.asarray(each[..., :1] + each[..., 1:])


def own_parts(evaluator: Hybrid, means: np.ndarray, sds: np.ndarray) -> OwnParts:
    """Return what scores have of their own for true means and standard deviations, shape (..., arms).

    What variants share on a prompt drops out: its quality s_p, the judge's error on it s_i, the severity of a rater
    who sees all. Left are ``A_a = s_a^2 - s_p^2``: ``Var D = sum A_a + 2 s_e^2 / r``,
    ``Var F = sum b_a^2 A_a + 2 (s_w^2 + s_r^2 / K)``, ``Cov = sum b_a A_a``, sums over the two arms of a difference.
    """
    own = np.maximum(sds**2 - float(evaluator.prompt_sd) ** 2, 0.0)
    offset, slope, noise = evaluator.judge.line(means, sds)
    left = np.maximum(noise**2 - evaluator.judge.shared_error(), 0.0)
    label = np.maximum(np.asarray(evaluator.human.measure(means, sds, "normal").sds) ** 2 - sds**2, 0.0)
    return OwnParts(offset + slope * means, own + label, slope**2 * own + left, slope * own)


def differences(evaluator: Hybrid, means: np.ndarray, sds: np.ndarray, family: str) -> Differences:
    """Return the law of differences on live traffic whose prompts all variants answer, shape (..., arms - 1)."""
    if family == "binary":
        return rate_differences(evaluator, means, float(evaluator.prompt_sd), 0.0, 1)
    return own_parts(evaluator, means, np.broadcast_to(sds, means.shape)).differences()


def rate_differences(
    evaluator: Hybrid,
    means: np.ndarray,
    prompt: float,
    own: float,
    repeats: int,
    topic: float = 0.0,
    topic_own: float = 0.0,
    size: int = 1,
) -> Differences:
    """Return the law of differences of rates, m answers to a prompt, from the chances of two answers being right.

    Two answers are right together with ``P_ab``, a bivariate normal whose correlation is what their latent qualities
    share: s_p^2 between variants, ``s_p^2 + s_g^2`` within one. With people's ``L = Se + Sp - 1`` and the judge's
    ``J_a``, both given the truth: labels of two answers have the covariance ``L^2 (P_ab - p_a p_b)``, scores
    ``J_a J_b (...)``, a label and a score ``L J_b (...)``; of one answer ``p (1 - p)`` stands in place of the bracket,
    and a label varies by ``y (1 - y)``. Of a topic's k prompts, answers to different ones are right together with the
    correlation of the topic's parts alone: s_t^2 between variants, ``s_t^2 + s_tg^2`` within one.

    Parameters
    ----------
    means : ndarray, shape (..., arms)
        P(right).
    prompt, own : float
        Latent standard deviations s_p and s_g.
    repeats : int
        Answers m of a variant to a prompt.
    topic, topic_own : float
        Latent standard deviations s_t and s_tg.
    size : int
        Prompts k of a topic; a row is a topic.
    """
    from scipy.special import ndtri

    means = np.clip(np.asarray(means, float), 0.0, 1.0)
    yes, no = evaluator.human.vote()
    hit, false = (np.broadcast_to(one, means.shape) for one in evaluator.judge.rates(means))
    people, judge = yes + no - 1, hit - false
    label, score = means * yes + (1 - means) * (1 - no), means * hit + (1 - means) * false
    cut, one = ndtri(means), means * (1 - means)
    shared = topic**2 + topic_own**2
    alike = together(cut, cut, min(shared + prompt**2 + own**2, 1.0)) - means**2 if repeats > 1 else 0 * means
    product = means[..., :1] * means[..., 1:]
    apart = together(cut[..., :1], cut[..., 1:], topic**2 + prompt**2) - product
    many, others = (repeats - 1) / repeats, (size - 1) / size
    in_topic = together(cut, cut, min(shared, 1.0)) - means**2 if size > 1 else 0 * means
    if size > 1:
        apart = apart / size + others * (together(cut[..., :1], cut[..., 1:], topic**2) - product)

    def contrast(own_of: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        within = (own_of / repeats + many * first * second * alike) / size + others * first * second * in_topic
        across = (first[..., :1] * second[..., 1:] + first[..., 1:] * second[..., :1]) * apart
        return np.asarray(_added(within) - across)

    everyone = np.full(means.shape, people)
    label_variance = np.maximum(contrast(label * (1 - label), everyone, everyone), 0.0)
    score_variance = np.maximum(contrast(score * (1 - score), judge, judge), 0.0)
    covariance = contrast(people * judge * one, everyone, judge)
    spread = np.sqrt(label_variance * score_variance)
    rho = np.divide(covariance, spread, out=np.zeros_like(spread), where=spread > 0)
    gap = score[..., 1:] - score[..., :1]
    return Differences(gap, np.sqrt(label_variance), np.sqrt(score_variance), np.clip(rho, -1, 1))


def together(first: np.ndarray, second: np.ndarray, shared: float) -> np.ndarray:
    """Return P(X < first and Y < second) of standard normals with correlation `shared`, 0 to 1, by Owen's T.

    References
    ----------
    D. B. Owen (1956), "Tables for computing bivariate normal probabilities", Annals of Mathematical Statistics 27,
    1075-1090, equation 3.1.
    """
    from scipy.special import ndtr, owens_t

    first, second = np.broadcast_arrays(np.asarray(first, float), np.asarray(second, float))
    if shared <= 0:
        return np.asarray(ndtr(first) * ndtr(second))
    if shared >= 1:
        return np.asarray(ndtr(np.minimum(first, second)))
    left = np.sqrt(1 - shared**2)
    # At 0 a slope is infinite, with the sign of the other one; the smallest number stands in for it.
    a, b = (np.where(np.abs(one) < 1e-300, 1e-300, np.clip(one, -40.0, 40.0)) for one in (first, second))
    halves = owens_t(a, (b / a - shared) / left) + owens_t(b, (a / b - shared) / left)
    return np.asarray((ndtr(a) + ndtr(b)) / 2 - halves - np.where(a * b < 0, 0.5, 0.0))


def check_pairs(evaluator: Hybrid, scenario: Scenario, where: str) -> None:
    """Check that pairs can be had: scores or rates, on the same prompts every day."""
    traffic, metric, arms = scenario.traffic, scenario.metric, len(scenario.variants)
    if metric.draw_levels or metric.family == "amount":
        problem = f"{'levels' if metric.draw_levels else 'amounts'} have no pairs here"
        raise InputError(where, "evaluator.paired", problem, "write false, or compare scores or rates")
    check_states(scenario, 1, where, "evaluator.paired")
    week = traffic.seasonality
    if (week is not None and week.traffic) or traffic.ramp is not None or traffic.mismatch is not None:
        problem = "the traffic changes from day to day"
        raise InputError(where, "evaluator.paired", problem, "remove ramp, mismatch and seasonal traffic")
    if traffic.units_per_day % arms or len(set(scenario.shares)) > 1:
        who = "both variants" if arms == 2 else f"all {arms} variants"
        much = "an even number" if arms == 2 else f"a multiple of {arms}"
        raise InputError(
            where, "traffic.units_per_day", f"every prompt is answered by {who}", f"give {much} and equal shares"
        )
    most = 1.0 if scenario.family == "binary" else float(scenario.sds.min())
    if evaluator.prompt_sd > most:
        vary = "the latent SD of 1" if scenario.family == "binary" else f"responses vary ({most:g})"
        problem = f"{evaluator.prompt_sd:g} is more than {vary}"
        raise InputError(where, "evaluator.prompt_sd", problem, "give a part of it")
    if not evaluator.human.shared_raters:
        problem = "pairs need a rater who sees both responses"
        raise InputError(where, "evaluator.human.shared_raters", problem, "write true")
    if evaluator.correction not in ("auto", "ppi++", "ppi") or evaluator.labelling != "random":
        problem = "pairs are corrected by PPI++ or PPI, with labels at random"
        raise InputError(where, "evaluator.correction", problem, 'write "auto" and labelling = "random"')


def check_states(scenario: Scenario, repeats: int, where: str, key: str) -> None:
    """Check that what is said of a prompt's answers has few enough states, for rates."""
    # Listing scenarios must not load the compiler.
    from expsim_panel.kernels.pair_rates import STATES

    arms = len(scenario.variants)
    if scenario.family == "binary" and (repeats + 1) ** (2 * arms) > STATES:
        answers = f"{repeats} answers of each" if repeats > 1 else "an answer of each"
        problem = f"{arms} variants with {answers} to a prompt, right or wrong, say too much of one prompt"
        most = int(STATES ** (1 / (2 * arms)) + 1e-9) - 1
        remedy = f"give at most {most} answers" if most >= 1 else "compare at most 6 variants with judge and people"
        raise InputError(where, key, problem, remedy)
