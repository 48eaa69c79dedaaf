"""What an evaluator sees of a fixed prompt set: components of variance, what an analysis makes of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from expsim_panel.evaluators.human import Human
from expsim_panel.evaluators.hybrid import Hybrid
from expsim_panel.evaluators.judge import Judge
from expsim_panel.judge_laws import panel_factor
from expsim_panel.paired_laws import OwnParts
from expsim_panel.scenario_offline import Offline

if TYPE_CHECKING:
    from expsim_panel.evaluation import Evaluator
    from expsim_panel.scenario import Scenario


@dataclass(frozen=True)
class Spreads:
    """Standard deviations of a score on a prompt set, observed ones; for rates those of the latent quality.

    Attributes
    ----------
    topic, prompt, topic_own : float
        Shared by all arms on a topic, on a prompt; an arm's own on a topic.
    own, noise : ndarray, shape (..., arms)
        An arm's own on a prompt; of one score.
    repeats : int
        Scores of a prompt in an arm.
    """

    topic: float
    prompt: float
    topic_own: float
    own: np.ndarray
    noise: np.ndarray
    repeats: int


def by_answer(scenario: Scenario) -> bool:
    """Tell whether people label every answer (comparison), not a prompt's answers together."""
    return bool(scenario.family == "binary" or scenario.side_by_side)


def scores_per_prompt(evaluator: Evaluator, table: Offline, each: bool) -> int:
    """Return the scores of a prompt in one arm: a judge's of every answer, people's labels of all its answers.

    A label of a score is of a prompt's m answers together (MODEL section 3.1: ``s_o^2 / m + s_e^2 / r``); right or
    wrong is said of every answer, and who wins of every comparison.

    Parameters
    ----------
    each : bool
        Whether people say something of every answer, see `by_answer`.
    """
    if isinstance(evaluator, Human) and not each:
        return int(evaluator.labels_per_item)
    return int(table.samples)


def spreads(scenario: Scenario, evaluator: Evaluator, sds: np.ndarray) -> Spreads:
    """Return the spreads for true standard deviations of a response, shape (..., arms); a judge, people or truth."""
    table: Offline = scenario.offline
    m = int(table.samples)
    if scenario.family == "binary":
        left = max(1.0 - table.given(), 0.0)
        own = np.full(sds.shape, float(table.interaction_sd))
        return Spreads(
            float(table.topic_sd), float(table.prompt_sd), float(table.topic_interaction_sd), own,
            np.full(sds.shape, left**0.5), m,
        )  # fmt: skip
    sample = np.maximum(sds**2 - table.given(), 0.0)
    slope, item, mixed, repeat = 1.0, 0.0, 0.0, 0.0
    own, noise = table.interaction_sd**2 + 0 * sample, sample
    if isinstance(evaluator, Judge):
        slope, many = float(evaluator.scale), panel_factor(int(evaluator.judges), float(evaluator.error_correlation))
        many = 1.0 if evaluator.judges == 1 else many
        item, mixed = many * evaluator.item_sd**2, many * evaluator.item_variant_sd**2
        repeat = many * evaluator.repeat_sd**2 / evaluator.repeats
        own, noise = slope**2 * own + mixed, slope**2 * sample + repeat
    elif isinstance(scenario.evaluator, Human):
        # A perfect evaluator in people's place says the same of a prompt's answers as often as they do.
        own, noise = own + sample / m, 0 * sample
        if isinstance(evaluator, Human):
            noise = noise + evaluator.noise_variance()
    size = abs(slope)
    return Spreads(
        size * float(table.topic_sd),
        float(slope**2 * table.prompt_sd**2 + item) ** 0.5,
        size * float(table.topic_interaction_sd),
        np.sqrt(own),
        np.sqrt(noise),
        scores_per_prompt(scenario.evaluator, table, False),
    )


@dataclass(frozen=True)
class Components:
    """Variance of what is compared, by arm, shape (arms,); the variance of a difference is the sum of its arms'.

    Attributes
    ----------
    topic, prompt, score : ndarray
        Of a topic's mean, of a prompt's within its topic, of a single score within its prompt.
    size, repeats : int
        Prompts of a topic, scores of a prompt.
    """

    topic: np.ndarray
    prompt: np.ndarray
    score: np.ndarray
    size: int
    repeats: int

    def of_mean(self, prompts: np.ndarray) -> np.ndarray:
        """Return the variance of the mean of `prompts` prompts, shape (..., arms)."""
        n = np.asarray(prompts, float)[..., None]
        return np.asarray((self.size * self.topic + self.prompt + self.score / self.repeats) / n)

    def of_row(self, level: str, prompts: np.ndarray) -> np.ndarray:
        """Return the expected sample variance of a row, shape (..., arms): what the analysis believes in.

        Rows of one topic (prompt) differ less among each other than rows do, which the sample variance feels by
        ``(size - 1) / (n - 1)``.
        """
        n = np.asarray(prompts, float)[..., None]
        if level == "topic":
            return np.asarray(self.topic + (self.prompt + self.score / self.repeats) / self.size + 0 * n)
        m = 1 if level == "prompt" else self.repeats
        rows = np.maximum(n * m - 1, 1)
        own = self.score / self.repeats if level == "prompt" else self.score
        topic = self.topic * (1 - (self.size * m - 1) / rows)
        return np.asarray(topic + self.prompt * (1 - (m - 1) / rows) + own)

    def hidden(self, level: str) -> bool:
        """Tell whether rows at this level share something that their analysis does not know of."""
        within = level == "response" and self.repeats > 1 and self.prompt.any()
        return bool((level != "topic" and self.topic.any()) or within)


def both_right(first: np.ndarray, second: np.ndarray, shared: float) -> np.ndarray:
    """Return P(X < first and Y < second) of standard normals with correlation `shared`, 0 to 1; arrays of one shape."""
    from scipy.special import ndtr

    first, second = np.asarray(first, float), np.asarray(second, float)
    if shared <= 0:
        return np.asarray(ndtr(first) * ndtr(second))
    if shared >= 1:
        return np.asarray(ndtr(np.minimum(first, second)))
    g = np.linspace(-8.5, 8.5, 4001)
    weight = np.exp(-g * g / 2)
    left = (1 - shared) ** 0.5
    p = ndtr((first[..., None] - shared**0.5 * g) / left) * ndtr((second[..., None] - shared**0.5 * g) / left)
    return np.asarray((p * weight).sum(axis=-1) / weight.sum())


def components(scenario: Scenario, evaluator: Evaluator, means: np.ndarray, sds: np.ndarray) -> Components:
    """Return the components for true means and standard deviations, shape (arms,).

    Pairs: what all arms share drops out. Rates: an answer is right iff a latent normal is below its threshold, and
    said to be so with P(said | truth); two answers' covariance is ``J_a J_b`` times that of the truth.
    """
    table: Offline = scenario.offline
    found = spreads(scenario, evaluator, sds)
    if scenario.family != "binary":
        share = 0.0 if table.paired else 1.0
        topic = share * found.topic**2 + found.topic_own**2 + 0 * found.own
        return Components(topic, share * found.prompt**2 + found.own**2, found.noise**2, table.size, found.repeats)
    from scipy.special import ndtri

    hit, false = said(evaluator, means)
    rate, worth, cut = means * hit + (1 - means) * false, hit - false, ndtri(means)
    t, p = found.topic**2, found.prompt**2
    t_own, p_own = found.topic_own**2, float(np.ravel(table.interaction_sd**2)[0])

    def shared(a: np.ndarray, b: np.ndarray, correlation: float) -> np.ndarray:
        return np.asarray(worth[a] * worth[b] * (both_right(cut[a], cut[b], correlation) - means[a] * means[b]))

    arms = np.arange(means.size)
    on_prompt, on_topic = shared(arms, arms, t + t_own + p + p_own), shared(arms, arms, t + t_own)
    single = rate * (1 - rate)
    score = single - on_prompt
    if table.paired:
        # The control is halved with the first variant, and every other one gets the rest of its own pair.
        other = np.where(arms == 0, 1, 0)
        on_prompt = on_prompt - shared(arms, other, t + p)
        on_topic = on_topic - shared(arms, other, t)
    return Components(
        np.maximum(on_topic, 0.0), np.maximum(on_prompt - on_topic, 0.0), score, table.size, found.repeats
    )


def said(evaluator: Evaluator, means: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return P(said to be right | right) and P(said to be right | wrong), shape of `means`."""
    if isinstance(evaluator, Judge):
        return evaluator.rates(means)
    yes, no = evaluator.vote() if isinstance(evaluator, Human) else (1.0, 1.0)
    return np.full(means.shape, yes), np.full(means.shape, 1 - no)


def severity(scenario: Scenario, evaluator: Evaluator) -> tuple[float, int, bool]:
    """Return SD, number and sharing of rater severity as it reaches a comparison; none where it cancels."""
    if not isinstance(evaluator, Human) or scenario.family == "binary" or not evaluator.severity_sd:
        return 0.0, 0, True
    if evaluator.shared_raters and scenario.offline.paired:
        return 0.0, 0, True
    told = evaluator.measure(np.zeros(2), np.zeros(2), "normal")
    return float(told.severity_sd), int(told.raters), bool(told.shared)


def rows_per_prompt(scenario: Scenario) -> float:
    """Return the rows of the analysis per prompt and arm."""
    table, evaluator = scenario.offline, scenario.evaluator
    if isinstance(evaluator, Hybrid):
        # People label all prompts of a part of the topics, where there are topics.
        return float(evaluator.label_share) / int(table.size)
    if table.level == "topic":
        return 1 / int(table.size)
    return 1.0 if table.level == "prompt" else float(scores_per_prompt(evaluator, table, by_answer(scenario)))


def hybrid_parts(scenario: Scenario, evaluator: Hybrid, means: np.ndarray, sds: np.ndarray) -> OwnParts:
    """Return what a hybrid's labels and scores of a variant have of their own on one row; see `OwnParts`.

    A row is a topic's mean over its k prompts (a prompt, k = 1, where there are no topics):
    ``Var D = sum A_a + 2 s_e^2 / (r k)``, ``Var F = sum b^2 A_a + 2 (s_w^2 + s_r^2 / (m K)) / k``,
    ``Cov = sum b A_a`` with ``A_a = s_tg^2 + (s_g^2 + s_o^2 / m) / k``, sums over the two arms of a difference. What
    arms share on a topic or a prompt drops out.
    """
    table: Offline = scenario.offline
    judge, human = evaluator.judge, evaluator.human
    m, k = int(table.samples), int(table.size)
    own = table.interaction_sd**2 + np.maximum(sds**2 - table.given(), 0.0) / m
    own = table.topic_interaction_sd**2 + own / k
    slope = float(judge.scale)
    many = 1.0 if judge.judges == 1 else panel_factor(int(judge.judges), float(judge.error_correlation))
    left = many * (judge.item_variant_sd**2 + judge.repeat_sd**2 / (m * judge.repeats))
    score = judge.line(means, sds)[0] + slope * means
    noise = human.noise_variance() / human.labels_per_item
    return OwnParts(score, own + noise / k, slope**2 * own + left / k, slope * own)


def topic_sd(scenario: Scenario, parts: OwnParts) -> np.ndarray:
    """Return the standard deviation of the control's label of a topic as it is, shape (replicates,)."""
    table: Offline = scenario.offline
    shared = table.topic_sd**2 + table.prompt_sd**2 / int(table.size)
    return np.asarray(np.sqrt(parts.label_variance[:, 0] + shared))
