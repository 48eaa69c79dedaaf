"""A judge's fitted law as the fields of ``[evaluators.judge]``."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from expsim_panel.calibration import Calibration
from expsim_panel.judge_calibration import JudgeFacts, JudgeLaw
from expsim_panel.rating_table import Beside


@dataclass(frozen=True)
class FittedJudge:
    """A judge for a scenario.

    Attributes
    ----------
    fields : dict
        Of ``[evaluators.judge]``, as far as the fit knows them.
    told : str
        What they rest on.
    quality_sd, noise_sd : float or None
        Spread of quality and noise of one rating under which judge and people agree as observed; None for rates.
        Where people agree little, the judge's agreement with them says more about quality than their own.
    """

    fields: dict[str, Any]
    told: str
    quality_sd: float | None
    noise_sd: float | None


def fitted_judge(calibration: Calibration, beside: Beside, names: tuple[str, ...]) -> FittedJudge | None:
    """Return the first judge that can be fitted; None where none has scored enough of what people rated.

    Parameters
    ----------
    names : tuple of str
        Control and treatments.
    """
    for name, facts in beside.judges.items():
        binary = calibration.family == "binary"
        found = _binary(calibration, beside, name, names) if binary else _scores(facts, calibration, names)
        if found is None:
            continue
        fields, biases, how = found
        own = [biases[_place(calibration, each)] for each in names]
        shifts = [bias - own[0] for bias in own[1:]]
        fields |= {"differential_bias": shifts[0]} if len(shifts) == 1 else {"biases": shifts}
        fields["suspected_bias_sd"] = facts.bias_sd or float(np.std(own, ddof=1) if len(own) > 2 else abs(shifts[0]))
        fields["profile"] = f"{name}, fitted to {facts.items:,} items of {calibration.source}."
        told = f"The judge is {name}, fitted to {facts.items:,} items that people rated too; {how}"
        if binary or facts.law is None:
            return FittedJudge(fields, told, None, None)
        return FittedJudge(fields, told, facts.law.quality_sd, facts.law.noise_sd)
    return None


def _place(calibration: Calibration, name: str) -> int:
    """Return the place of a variant in the table."""
    return [variant.name for variant in calibration.variants].index(name)


def _scores(
    facts: JudgeFacts, calibration: Calibration, names: tuple[str, ...]
) -> tuple[dict[str, Any], list[float], str] | None:
    """Return the law of a judge of scores, on the people's scale."""
    if facts.law is None or any(each not in facts.bias for each in names):
        return None
    law, how = facts.law, "its coverage and price are assumed."
    if not facts.same_scale:
        law = _rescaled(law, facts, calibration)
        how = "its scores are mapped to the mean and spread of the ratings; its coverage and price are assumed."
    fields = {
        "offset": law.offsets[_place(calibration, names[0])],
        "scale": law.scale,
        "item_sd": law.item_sd,
        "item_variant_sd": law.item_variant_sd,
        "repeat_sd": law.repeat_sd,
    }
    return fields, list(law.offsets), how


def _rescaled(law: JudgeLaw, facts: JudgeFacts, calibration: Calibration) -> JudgeLaw:
    """Map a law of scores on another scale to the ratings' mean and spread."""
    means = np.array([variant.mean for variant in calibration.variants])
    items = np.array([variant.items for variant in calibration.variants], dtype=float)
    middle = float(means @ items / items.sum())
    spread = float(
        np.sqrt(((means - middle) ** 2) @ items / items.sum() + law.quality_sd**2 + law.noise_sd**2 / law.raters)
    )
    factor = spread / facts.sd
    return replace(
        law,
        scale=law.scale * factor,
        offsets=tuple(middle + factor * (offset - facts.mean) for offset in law.offsets),
        item_sd=law.item_sd * factor,
        item_variant_sd=law.item_variant_sd * factor,
        repeat_sd=law.repeat_sd * factor,
    )


def _binary(
    calibration: Calibration, beside: Beside, name: str, names: tuple[str, ...]
) -> tuple[dict[str, Any], list[float], str] | None:
    """Return sensitivity and specificity against the people's ratings, and what remains of each variant's rate."""
    crossed = beside.confusion.get(name, {})
    counts = np.array(crossed.get("counts") or [], dtype=float)
    if counts.shape != (2, 2) or np.any(counts.sum(axis=1) == 0):
        return None
    sensitivity, specificity = counts[1, 1] / counts[1].sum(), counts[0, 0] / counts[0].sum()
    rates = crossed["rates"]
    if sensitivity + specificity <= 1 or any(each not in rates for each in names):
        return None
    expected = {
        each.name: each.mean * sensitivity + (1 - each.mean) * (1 - specificity) for each in calibration.variants
    }
    biases = [rates.get(each.name, expected[each.name]) - expected[each.name] for each in calibration.variants]
    # a rate cannot leave 0 to 1, whatever is true
    first = biases[_place(calibration, names[0])]
    least, most = first - min(1 - specificity, sensitivity), first + min(1 - sensitivity, specificity)
    biases = [float(np.clip(bias, least, most)) for bias in biases]
    how = "against single ratings, whose own errors count as its; its coverage and price are assumed."
    return {"sensitivity": float(sensitivity), "specificity": float(specificity)}, biases, how
