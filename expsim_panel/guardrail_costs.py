"""What breaches of guardrails are expected to cost: penalties times the chance of a breach, from data alone.

MODEL section 6: ``U_a = w_Q dQ - dC - w_L dL - sum_k pen_k P(guardrail k breached)``, the probability from the readings
of the experiment and a flat prior. The guardrails' true means are never read here.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from expsim_panel.guardrail import Guardrail, Rule
from expsim_panel.guardrail_tests import Readings, standardised
from expsim_panel.kernels.guardrails import FEWEST


def p_breached(rule: Rule, seen: Readings) -> np.ndarray:
    """Return P(true harm is the threshold or more | data) of every arm but the control, flat prior.

    The normal law of the estimate: one less the one-sided p-value of the harm being at least the threshold. nan where
    too few units were measured, or where a share of the control's mean means nothing.

    Returns
    -------
    ndarray, shape (..., arms - 1)
    """
    from scipy.special import ndtr

    with np.errstate(invalid="ignore"):
        found = ndtr(standardised(rule, rule.threshold, seen)[0])
        usable = (seen.n[..., :1] >= FEWEST) & (seen.n[..., 1:] >= FEWEST)
        if rule.relative:
            usable = usable & (seen.mean[..., :1] > 0)
    return np.asarray(np.where(usable, found, np.nan))


def expected_penalty(guardrails: Sequence[Guardrail], seen: Sequence[Readings | None], arms: int) -> np.ndarray:
    """Return the dollars per response that breaches are expected to cost, by variant.

    A guardrail that was not measured, or in too few units, says nothing and adds nothing: a variant with one is not
    launched for that reason alone.

    Parameters
    ----------
    seen : sequence of Readings or None
        By guardrail, arrays (..., arms).

    Returns
    -------
    ndarray, shape (..., arms - 1)
    """
    total = np.zeros(arms - 1)
    for rail, readings in zip(guardrails, seen, strict=False):
        if readings is not None and float(rail.penalty) > 0:
            total = total + float(rail.penalty) * np.nan_to_num(p_breached(rail.rule, readings))
    return np.asarray(total)
