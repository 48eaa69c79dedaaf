"""Closed forms of measuring: variances, correlation of differences, repeats, the error floor of a biased judge.

Symbols and formulas: MODEL section 3.1. All standard deviations are on the metric's scale.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from expsim_panel.errors import InputError, shown


@dataclass(frozen=True)
class Components:
    """Standard deviations of truth and of measurement, on the metric's scale; 0 or more.

    Attributes
    ----------
    prompt, interaction, sample, unit : float
        True quality: between prompts (s_p), prompt by variant (s_g), output samples of a prompt (s_o), users (s_u).
    severity, noise : float
        People: between raters (s_s), of one label (s_e).
    scale : float
        Points of judge score per point of quality (b).
    item, item_variant, repeat : float
        Judge: error on an item shared by variants (s_i), of its own in each variant (s_w), between repeats (s_r).
    """

    prompt: float = 0.0
    interaction: float = 0.0
    sample: float = 1.0
    unit: float = 0.0
    severity: float = 0.0
    noise: float = 0.0
    scale: float = 1.0
    item: float = 0.0
    item_variant: float = 0.0
    repeat: float = 0.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not (math.isfinite(value) and (value >= 0 or name == "scale")):
                raise InputError("components", name, f"{shown(value)} is no spread", "give 0 or more")

    def judge_difference(
        self, n: float, samples: int = 1, repeats: int = 1, paired: bool = False, online: bool = False
    ) -> float:
        """Return the variance of a judge's difference of two variants with n prompts (units) each.

        Unpaired ``2 [b^2 (s_p^2 + s_g^2 + s_o^2 / m) + s_i^2 + s_w^2 + s_r^2 / (m K)] / n``, online plus
        ``b^2 s_u^2``; paired (the same prompts) drops s_p and s_i.

        Parameters
        ----------
        n : float
            Prompts (offline) or units (online) per variant.
        samples, repeats : int
            Outputs per prompt (m), judge calls per output (K).
        """
        square = self.scale**2
        own = square * (self.interaction**2 + self.sample**2 / samples) + self.item_variant**2
        own += self.repeat**2 / (samples * repeats)
        if not paired:
            own += square * self.prompt**2 + self.item**2
        if online:
            own += square * self.unit**2
        return 2 * own / n

    def human_difference(
        self, n: float, samples: int = 1, raters_per_item: int = 1, raters: int | None = None, paired: bool = False
    ) -> float:
        """Return the variance of people's difference of two variants with n prompts each.

        ``2 [s_p^2 + s_g^2 + s_o^2 / m + s_e^2 / r] / n + 2 s_s^2 / R``; paired drops s_p.

        Parameters
        ----------
        raters : int, optional
            R raters for each variant, their own; none: the same balanced raters score both, and severity cancels.
        """
        own = self.interaction**2 + self.sample**2 / samples + self.noise**2 / raters_per_item
        if not paired:
            own += self.prompt**2
        return 2 * own / n + (2 * self.severity**2 / raters if raters else 0.0)

    def correlation(self, repeats: int = 1) -> float:
        """Return rho: correlation of one rater's label and the judge's score over items of one variant."""
        quality = self.unit**2 + self.prompt**2 + self.interaction**2 + self.sample**2
        label = quality + self.noise**2 + self.severity**2
        score = self.scale**2 * quality + self.item**2 + self.item_variant**2 + self.repeat**2 / repeats
        return self.scale * quality / math.sqrt(label * score)

    def difference_correlation(self, repeats: int = 1, same_rater: bool = True) -> float:
        """Return rho_D: correlation of the label and score *differences* of two variants on the same prompts.

        ``b A / sqrt((A + s_e^2 [+ s_s^2]) (b^2 A + s_w^2 + s_r^2 / K))``, ``A = s_g^2 + s_o^2``; severity counts when
        different raters score the two variants. What paired PPI++ gains depends on it, and it is much lower than
        rho, because what two variants share has gone.
        """
        a = self.interaction**2 + self.sample**2
        label = a + self.noise**2 + (0.0 if same_rater else self.severity**2)
        score = self.scale**2 * a + self.item_variant**2 + self.repeat**2 / repeats
        if label == 0 or score == 0:
            raise InputError("components", "sample", "differences do not vary", "give a spread of outputs")
        return self.scale * a / math.sqrt(label * score)

    def optimal_repeats(self, item_cost: float, call_cost: float, paired: bool = True) -> int:
        """Return the judge calls per output with the smallest variance per dollar (one output per prompt)."""
        fixed = self.scale**2 * (self.interaction**2 + self.sample**2) + self.item_variant**2
        if not paired:
            fixed += self.scale**2 * self.prompt**2 + self.item**2
        return cheapest_replication(item_cost, call_cost, fixed, self.repeat**2)

    def optimal_raters(self, item_cost: float, label_cost: float, paired: bool = True) -> int:
        """Return the raters per item with the smallest variance per dollar; mostly 1: spread labels over items."""
        fixed = self.interaction**2 + self.sample**2 + (0.0 if paired else self.prompt**2)
        return cheapest_replication(item_cost, label_cost, fixed, self.noise**2)

    def optimal_samples(self, prompt_cost: float, sample_cost: float, repeats: int = 1, paired: bool = True) -> int:
        """Return the outputs per prompt with the smallest variance of a judge's difference per dollar.

        Parameters
        ----------
        prompt_cost, sample_cost : float
            Dollars per prompt, and per output with its judge calls.
        """
        square = self.scale**2
        fixed = square * self.interaction**2 + self.item_variant**2
        if not paired:
            fixed += square * self.prompt**2 + self.item**2
        return cheapest_replication(prompt_cost, sample_cost, fixed, square * self.sample**2 + self.repeat**2 / repeats)


def exact_replication(fixed_cost: float, unit_cost: float, fixed_variance: float, unit_variance: float) -> float:
    """Return ``K* = sqrt((c_fixed / c_unit) v_unit / v_fixed)``, at least 1; inf where nothing else varies.

    Minimises ``(v_fixed + v_unit / K) (c_fixed + K c_unit)``, the variance times the cost.
    """
    for key, value in (
        ("fixed_cost", fixed_cost),
        ("fixed_variance", fixed_variance),
        ("unit_variance", unit_variance),
    ):
        if not (math.isfinite(value) and value >= 0):
            raise InputError("replication", key, f"{shown(value)}", "give 0 or more")
    if not (math.isfinite(unit_cost) and unit_cost > 0):
        raise InputError("replication", "unit_cost", f"{shown(unit_cost)}", "give dollars above 0")
    if unit_variance == 0 or fixed_cost == 0:
        return 1.0
    if fixed_variance == 0:
        return math.inf
    return max(1.0, math.sqrt(fixed_cost / unit_cost * unit_variance / fixed_variance))


def cheapest_replication(
    fixed_cost: float, unit_cost: float, fixed_variance: float, unit_variance: float, most: int = 1000
) -> int:
    """Return the whole number of repeats with the smallest variance times cost, 1 to `most`."""
    best = exact_replication(fixed_cost, unit_cost, fixed_variance, unit_variance)
    if best >= most:
        return most
    candidates = (math.floor(best), math.ceil(best))
    return min(candidates, key=lambda k: (fixed_variance + unit_variance / k) * (fixed_cost + k * unit_cost))


def judge_bias(
    effect: float, scale: float = 1.0, differential_bias: float = 0.0, verbosity: float = 0.0, length_gap: float = 0.0
) -> float:
    """Return the bias of a judge-only difference, ``(b - 1) D + d(beta) + lambda d(zlen)``, in points."""
    return (scale - 1) * effect + differential_bias + verbosity * length_gap


def break_even_n(row_variance: float, bias: float) -> float:
    """Return n per variant at which a judge-only comparison's bias equals its standard error.

    Parameters
    ----------
    row_variance : float
        Variance of the difference times n (such as ``Components.judge_difference(1)``).
    bias : float
        Points; 0 gives inf.
    """
    return math.inf if bias == 0 else row_variance / bias**2


def false_rejection(ratio: float, alpha: float = 0.05) -> float:
    """Return P(a judge-only two-sided test rejects a true null) at n = ratio n*: noncentrality ``sqrt(ratio)``.

    0.08, 0.17, 0.52, 0.98 at a ratio of 1/4, 1, 4, 16: no sample size removes a bias, it makes it certain.
    """
    from scipy.special import ndtr, ndtri

    if not ratio >= 0:
        raise InputError("false_rejection", "ratio", f"{shown(ratio)}", "give 0 or more")
    z, shift = float(ndtri(1 - alpha / 2)), math.sqrt(ratio)
    return float(ndtr(shift - z) + ndtr(-shift - z))


def noise_inflation(prevalence: float, sensitivity: float, specificity: float) -> float:
    """Return the factor by which a noisy yes/no judge, equally good in all arms, multiplies the sample size.

    ``pt (1 - pt) / [p (1 - p) J^2]``, ``pt = p Se + (1 - p)(1 - Sp)``, ``J = Se + Sp - 1``; 3.20 for p = 0.08, Se 0.75,
    Sp 0.93 (not 1 / J^2 = 2.16).
    """
    for key, value in (("prevalence", prevalence), ("sensitivity", sensitivity), ("specificity", specificity)):
        if not 0 <= value <= 1:
            raise InputError("noise_inflation", key, f"{shown(value)} is no rate", "give 0 to 1")
    if prevalence in (0, 1):
        raise InputError("noise_inflation", "prevalence", f"{shown(prevalence)} does not vary", "give a rate between")
    j = sensitivity + specificity - 1
    if j == 0:
        return math.inf
    pt = prevalence * sensitivity + (1 - prevalence) * (1 - specificity)
    return pt * (1 - pt) / (prevalence * (1 - prevalence) * j * j)


def labels_to_detect_drift(
    drift: float,
    residual_sd: float,
    *,
    alpha: float = 0.05,
    power: float = 0.8,
    sides: int = 2,
    baseline: float = math.inf,
) -> int | None:
    """Return the fresh labels needed to see that a judge has drifted, or None if the baseline is too small.

    What drifts is the mean of (label - score); fresh labels are compared with `baseline` earlier ones by a z test:
    ``1 / n + 1 / m = (drift / (sd (z_alpha + z_power)))^2``.

    Parameters
    ----------
    drift : float
        Points that the judge moved, not 0.
    residual_sd : float
        SD of label minus score on one item, ``sqrt(s_y^2 + s_f^2 - 2 rho s_y s_f)``.
    baseline : float
        Labels behind the earlier mean; inf if it is known.
    """
    from scipy.special import ndtri

    if drift == 0 or not math.isfinite(drift):
        raise InputError("labels_to_detect_drift", "drift", f"{shown(drift)}", "give points other than 0")
    if not residual_sd > 0:
        raise InputError("labels_to_detect_drift", "residual_sd", f"{shown(residual_sd)}", "give a spread above 0")
    for key, share in (("alpha", alpha), ("power", power)):
        if not 0 < share < 1:
            raise InputError("labels_to_detect_drift", key, f"{shown(share)}", "give a number between 0 and 1")
    if sides not in (1, 2):
        raise InputError("labels_to_detect_drift", "sides", f"{shown(sides)}", "give 1 or 2")
    reach = float(ndtri(1 - alpha / sides) + ndtri(power))
    room = (drift / (residual_sd * reach)) ** 2 - 1 / baseline
    return math.ceil(1 / room - 1e-9) if room > 0 else None
