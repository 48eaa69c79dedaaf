"""An LLM judge beside people on the same items: correlation, bias by variant, pile-up, and a law that has them.

With `y` the mean of an item's human ratings and `f` the judge's score (the mean of its calls), model as in
docs/model.md, "Measurement":

    y = q + noise / r        f = offset[v] + b q + item (shared by variants on a prompt) + item x variant

Correlations of differences pool all pairs of variants on a prompt. Standard errors are delete-a-group
jackknives over prompts [1]_, so they hold however scores cluster within prompts; intervals use Student's t,
for correlations on Fisher's scale.

References
----------
.. [1] Kott, P. S. (2001). The delete-a-group jackknife. Journal of Official Statistics 17, 521-526.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from expsim_panel.components import Components
from expsim_panel.rating_agreement import mid_ranks
from expsim_panel.ratings import Codes, Floats, Ratings
from expsim_panel.recoding import coded_anew

GROUPS = 60
FEWEST_PROMPTS = 10
SAME_SCALE = 0.98  # share of scores within the range of the ratings
LEVEL = 0.95


@dataclass(frozen=True)
class Estimate:
    """A number with its standard error and 95 % interval; `value` None with a `reason` where undefined."""

    value: float | None
    se: float | None = None
    interval: tuple[float, float] | None = None
    reason: str = ""


@dataclass(frozen=True)
class JudgeLaw:
    """Parameters of docs/model.md, "Measurement", in points: what a simulated judge needs.

    Attributes
    ----------
    scale : float
        `b`, points of judge score per point of quality.
    offsets : tuple of float
        `offset[v]`, by variant of the table.
    quality_sd, prompt_sd : float
        SD of quality between the items of a variant, and of the part of it that variants share on a prompt.
    noise_sd : float
        SD of one human rating around quality.
    item_sd, item_variant_sd, repeat_sd : float
        `s_i`, `s_w`, `s_r` of the judge. Without repeated calls `s_r` is part of `s_w`.
    raters : float
        Human ratings per item.
    rho, rho_difference : float
        What follows for the mean of an item's ratings: the law's own, to be compared with the observed ones.
    """

    scale: float
    offsets: tuple[float, ...]
    quality_sd: float
    prompt_sd: float
    noise_sd: float
    item_sd: float
    item_variant_sd: float
    repeat_sd: float
    raters: float
    rho: float
    rho_difference: float | None

    def simulate(self, prompt: Codes, variant: Codes, means: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """Draw human means and judge scores of items of `variant` on `prompt`; `means` by variant."""
        shared = rng.standard_normal((int(prompt.max()) + 1, 2))[prompt]
        own = rng.standard_normal((len(prompt), 3))
        rest = np.sqrt(max(self.quality_sd**2 - self.prompt_sd**2, 0.0))
        q = means[variant] + self.prompt_sd * shared[:, 0] + rest * own[:, 0]
        y = q + self.noise_sd / np.sqrt(self.raters) * own[:, 1]
        f = np.asarray(self.offsets)[variant] + self.scale * q + self.item_sd * shared[:, 1]
        return y, f + np.hypot(self.item_variant_sd, self.repeat_sd) * own[:, 2]


@dataclass(frozen=True)
class JudgeFacts:
    """What one judge's scores say.

    Attributes
    ----------
    name : str
    items, missing, calls : int
        Items with ratings and a score; items with ratings whose score is missing; scores in all.
    missing_by_variant : dict of str to int
    mean, sd : float
        Of scores of items.
    pearson, spearman : Estimate
        With the mean of an item's human ratings, over all variants.
    rho, rho_one_rater : Estimate
        Within variants, with the mean of the ratings and with a single rating, whichever rater gives it: what
        an experiment on one arm sees, and what control variates live on.
    rho_difference, rho_difference_one_rater : Estimate
        Of differences between variants on the same prompt; of single ratings by raters drawn for each.
    bias : dict of str to Estimate
        Mean of `f - y` of each variant less the average over variants: differential bias in points.
    bias_sd : float or None
        SD of the differential bias between variants, its sampling error removed.
    same_scale : bool
        Whether the judge's scores lie within the scale of the ratings; otherwise `bias` is of scores mapped
        to the ratings' mean and SD.
    law : JudgeLaw or None
    """

    name: str
    items: int
    missing: int
    calls: int
    missing_by_variant: dict[str, int]
    mean: float
    sd: float
    pearson: Estimate
    spearman: Estimate
    rho: Estimate
    rho_one_rater: Estimate
    rho_difference: Estimate
    rho_difference_one_rater: Estimate
    bias: dict[str, Estimate]
    bias_sd: float | None
    same_scale: bool
    law: JudgeLaw | None


def judge_facts(
    name: str, ratings: Ratings, item: Codes, score: Floats, components: Components, item_se: float | None = None
) -> JudgeFacts:
    """Compare one judge with the ratings.

    Parameters
    ----------
    ratings : Ratings
        Human ratings.
    item : int64 array, shape (calls,)
        Item code of each call, in the codes of `ratings`.
    score : float64 array, shape (calls,)
        Finite scores; calls without one are left out.
    components : Components
        Of `ratings`, within variants.
    item_se : float, optional
        Standard error of `components.item`; without it the item component is taken as known.
    """
    size = np.bincount(ratings.item, minlength=ratings.items).astype(float)
    human = np.bincount(ratings.item, ratings.score, minlength=ratings.items) / np.maximum(size, 1)
    calls = np.bincount(item, minlength=ratings.items).astype(float)
    judged = np.bincount(item, score, minlength=ratings.items) / np.maximum(calls, 1)
    prompt, variant = (np.zeros(ratings.items, dtype=np.int64) for _ in range(2))
    prompt[ratings.item], variant[ratings.item] = ratings.prompt, ratings.variant
    kinds = len(ratings.variants)
    lost = np.bincount(variant[calls == 0], minlength=kinds)
    keep = np.flatnonzero(calls > 0)
    rows = _Rows(prompt[keep], variant[keep], human[keep], judged[keep], kinds)
    raters = 1 / float(np.mean(1 / size[keep])) if len(keep) else 1.0
    repeat = _repeat_variance(item, score, judged, calls)
    low, high = float(ratings.score.min()), float(ratings.score.max())
    inside = (judged[keep] >= low) & (judged[keep] <= high)
    same = bool(len(keep)) and float(inside.mean()) >= SAME_SCALE
    # What a mean of r ratings averages out, exactly so for r raters drawn from those of the table, all of them too.
    alone = ((components.noise or 0.0) + (components.severity or 0.0)) * (1 - 1 / raters)
    bias, bias_sd = rows.bias(ratings.variants, same)
    per_call = float(np.mean(1 / calls[keep])) if len(keep) else 1.0
    return JudgeFacts(
        name=name,
        items=len(keep),
        missing=int((calls == 0).sum()),
        calls=len(item),
        missing_by_variant={ratings.variants[k]: int(n) for k, n in enumerate(lost) if n},
        mean=float(rows.judge.mean()) if len(keep) else 0.0,
        sd=float(rows.judge.std(ddof=1)) if len(keep) > 1 else 0.0,
        pearson=rows.correlation(rows.human, rows.judge),
        spearman=rows.correlation(mid_ranks(rows.human), mid_ranks(rows.judge)) if len(keep) else _none("no item"),
        rho=rows.correlation(rows.h, rows.f),
        rho_one_rater=rows.correlation(rows.h, rows.f, alone),
        rho_difference=rows.paired(),
        rho_difference_one_rater=rows.paired(alone),
        bias=bias,
        bias_sd=bias_sd,
        same_scale=same,
        law=_law(rows, components, raters, repeat, per_call, item_se),
    )


class _Rows:
    """Items with both scores, and their residuals from variant means."""

    def __init__(self, prompt: Codes, variant: Codes, human: Floats, judge: Floats, kinds: int) -> None:
        self.variant, self.human, self.judge, self.kinds = variant, human, judge, kinds
        self.prompt = np.unique(prompt, return_inverse=True)[1].astype(np.int64) if len(prompt) else prompt
        self.prompts = int(self.prompt.max()) + 1 if len(prompt) else 0
        self.groups = min(GROUPS, self.prompts)
        self.group = self.prompt % max(self.groups, 1)
        size = np.maximum(np.bincount(variant, minlength=kinds), 1)
        self.h = human - (np.bincount(variant, human, minlength=kinds) / size)[variant]
        self.f = judge - (np.bincount(variant, judge, minlength=kinds) / size)[variant]

    def without(self, values: Floats) -> Floats:
        """Return column sums without each group of prompts, and with all; shape (groups + 1, columns)."""
        sums = np.stack([np.bincount(self.group, column, minlength=self.groups) for column in values.T], axis=1)
        return np.vstack([sums.sum(axis=0) - sums, sums.sum(axis=0)])

    def estimate(self, values: Floats, fisher: bool = False) -> Estimate:
        """Turn replicates of the jackknife, the whole sample last, into an estimate."""
        if self.prompts < FEWEST_PROMPTS:
            return Estimate(
                float(values[-1]) if np.isfinite(values[-1]) else None, reason="too few prompts for an error"
            )
        if not np.all(np.isfinite(values)):
            return _none("a score does not vary")
        value, turned = float(values[-1]), np.arctanh(np.clip(values, -0.999999, 0.999999)) if fisher else values
        factor = (self.groups - 1) / self.groups
        se = float(np.sqrt(factor * ((values[:-1] - values[:-1].mean()) ** 2).sum()))
        spread = float(np.sqrt(factor * ((turned[:-1] - turned[:-1].mean()) ** 2).sum()))
        reach = float(stdtrit(self.groups - 1, 0.5 + LEVEL / 2)) * spread
        ends = (float(turned[-1]) - reach, float(turned[-1]) + reach)
        return Estimate(value, se, (float(np.tanh(ends[0])), float(np.tanh(ends[1]))) if fisher else ends)

    def correlation(self, a: Floats, b: Floats, more: float = 0.0) -> Estimate:
        """Return the correlation of two columns; `more` is added to the variance of the first."""
        if len(a) < 3:
            return _none("fewer than three items have both scores")
        # sums over prompts of one; centring once keeps the products small
        a, b = a - a.mean(), b - b.mean()
        n, sa, sb, aa, bb, ab = self.without(np.stack([np.ones_like(a), a, b, a * a, b * b, a * b], axis=1)).T
        with np.errstate(invalid="ignore", divide="ignore"):
            top = ab / n - sa * sb / n**2
            return self.estimate(top / np.sqrt((aa / n - (sa / n) ** 2 + more) * (bb / n - (sb / n) ** 2)), True)

    def products(self) -> Floats:
        """Return sums over pairs of variants on a prompt of (1, dh dh, df df, dh df), by prompt."""

        def pairs(code: Codes, size: int) -> list[Floats]:
            count = np.bincount(code, minlength=size).astype(float)
            sums = {name: np.bincount(code, own, minlength=size) for name, own in (("h", self.h), ("f", self.f))}
            found = [count * (count - 1) / 2]
            for a, b, first, second in (
                (self.h, self.h, "h", "h"), (self.f, self.f, "f", "f"), (self.h, self.f, "h", "f"),
            ):  # fmt: skip
                found.append(count * np.bincount(code, a * b, minlength=size) - sums[first] * sums[second])
            return found

        every = pairs(self.prompt, self.prompts)
        cells, cell = coded_anew(self.prompt * self.kinds + self.variant)
        if len(cells) < len(self.prompt):  # several items of a variant on a prompt are no pair of variants
            owner = cells // self.kinds
            inner = pairs(cell, len(cells))
            every = [a - np.bincount(owner, b, minlength=self.prompts) for a, b in zip(every, inner, strict=True)]
        return np.stack(every, axis=1)

    def paired(self, more: float = 0.0) -> Estimate:
        """Return the correlation of differences between variants; `more` is noise added to each rating's mean."""
        table = self.products()
        if not table[:, 0].any():
            return _none("no prompt has two variants")
        group = np.arange(self.prompts) % self.groups
        sums = np.stack([np.bincount(group, column, minlength=self.groups) for column in table.T], axis=1)
        n, hh, ff, hf = np.vstack([sums.sum(axis=0) - sums, sums.sum(axis=0)]).T
        with np.errstate(invalid="ignore", divide="ignore"):
            return self.estimate(hf / np.sqrt((hh + 2 * more * n) * ff), True)

    def bias(self, names: tuple[str, ...], same: bool) -> tuple[dict[str, Estimate], float | None]:
        """Return the differential bias of each variant and its SD between variants."""
        if not len(self.judge):
            return {}, None
        judge = self.judge
        if not same and judge.std() > 0:
            judge = self.human.mean() + (judge - judge.mean()) * self.human.std() / judge.std()
        gap = judge - self.human
        hot = np.zeros((len(gap), self.kinds))
        hot[np.arange(len(gap)), self.variant] = 1.0
        counts, sums = self.without(hot), self.without(hot * gap[:, None])
        here = np.flatnonzero(counts[-1] > 0)
        with np.errstate(invalid="ignore", divide="ignore"):
            means = sums[:, here] / counts[:, here]
        means = means - means.mean(axis=1, keepdims=True)
        found = {names[k]: self.estimate(means[:, at]) for at, k in enumerate(here)}
        errors = [one.se for one in found.values()]
        if len(here) < 3 or any(error is None for error in errors):
            return found, None
        noise = float(np.mean([error**2 for error in errors if error is not None])) * len(here) / (len(here) - 1)
        return found, float(np.sqrt(max(float(means[-1].var(ddof=1)) - noise, 0.0)))


def _none(reason: str) -> Estimate:
    return Estimate(None, reason=reason)


def _repeat_variance(item: Codes, score: Floats, mean: Floats, calls: Floats) -> float | None:
    """Return the variance between repeated calls on an item, None without repeats."""
    spare = float((calls[calls > 1] - 1).sum())
    return float(((score - mean[item]) ** 2).sum()) / spare if spare > 0 else None


def _law(
    rows: _Rows, parts: Components, raters: float, repeat: float | None, per_call: float, item_se: float | None
) -> JudgeLaw | None:
    """Fit the law by moments within variants.

    Scale `b` and quality variance are told apart by the ratings' reliability alone: their product is the
    covariance. Of the variances that ratings cannot tell apart (two standard errors), the one that brings
    `b` nearest to 1 is taken.
    """
    if len(rows.h) < 3 or parts.item is None or rows.f.std() == 0 or rows.h.std() == 0:
        return None
    spare = max(len(rows.h) - len(np.unique(rows.variant)), 1)
    var_h, var_f = float(rows.h @ rows.h) / spare, float(rows.f @ rows.f) / spare
    cov = max(float(rows.h @ rows.f) / spare, 0.0)
    reach = 2 * (item_se or 0.0)
    low = min(max(parts.item - reach, cov**2 / var_f, 1e-9), var_h)
    quality = float(np.clip(cov, low, min(max(parts.item + reach, low), var_h)))
    b = cov / quality
    n, _, ff, hf = rows.products().sum(axis=0)
    own, rho_d = quality, None
    judge_own = max(var_f - b**2 * quality, 0.0)
    if n > 0:
        # of one variant on a prompt: half of the variance of a difference
        half_f, half = ff / n / 2, hf / n / 2
        own = float(np.clip(half / b if b > 0 else 0.0, 0.0, min(quality, half_f / b**2 if b > 0 else quality)))
        judge_own = float(np.clip(half_f - b**2 * own, 0.0, max(var_f - b**2 * quality, 0.0)))
        noise = max(var_h - quality, 0.0)
        rho_d = float(b * own / np.sqrt(max((own + noise) * (b**2 * own + judge_own), 1e-300)))
    shared = max(var_f - b**2 * quality - judge_own, 0.0)
    again = min(repeat * per_call, judge_own) if repeat is not None else 0.0
    size = np.maximum(np.bincount(rows.variant, minlength=rows.kinds), 1)
    level_f = np.bincount(rows.variant, rows.judge, minlength=rows.kinds) / size
    level_h = np.bincount(rows.variant, rows.human, minlength=rows.kinds) / size
    return JudgeLaw(
        scale=b,
        offsets=tuple(map(float, level_f - b * level_h)),
        quality_sd=quality**0.5,
        prompt_sd=max(quality - own, 0.0) ** 0.5,
        noise_sd=(max(var_h - quality, 0.0) * raters) ** 0.5,
        item_sd=shared**0.5,
        item_variant_sd=(judge_own - again) ** 0.5,
        repeat_sd=again**0.5,
        raters=raters,
        rho=float(cov / np.sqrt(var_h * var_f)),
        rho_difference=rho_d,
    )
