"""Standardised effect sizes: what one unit of effect means on a scale without units."""

from __future__ import annotations

import math

from expsim_panel.checked import check_finite, check_positive
from expsim_panel.errors import InputError, shown

WHERE = "effect size"


def cohen_h(p_treatment: float, p_control: float) -> float:
    """Return Cohen's h, ``2 asin(sqrt(p1)) - 2 asin(sqrt(p0))``: a difference of rates with variance near 1/n.

    References
    ----------
    .. [1] Cohen (1988), "Statistical Power Analysis for the Behavioral Sciences", section 6.2.
    """
    for key, value in (("p-treatment", p_treatment), ("p-control", p_control)):
        check_finite(key, value, WHERE)
        if not 0.0 <= value <= 1.0:
            raise InputError(WHERE, f"--{key}", f"{key} is {shown(value)}", "give a probability, 0 to 1")
    return 2.0 * (math.asin(math.sqrt(p_treatment)) - math.asin(math.sqrt(p_control)))


def rate_at_h(h: float, p_control: float) -> float:
    """Return the treatment's rate at Cohen's `h` over a control rate; InputError where no rate is that far."""
    check_finite("h", h, WHERE)
    angle = math.asin(math.sqrt(p_control)) + h / 2.0
    if not 0.0 <= angle <= math.pi / 2.0:
        raise InputError(WHERE, "--h", f"h is {shown(h)}", f"no rate is that far from {p_control:g}")
    return math.sin(angle) ** 2


def cohen_d(
    effect: float, sd_control: float, sd_treatment: float, n_control: float = 1, n_treatment: float = 1
) -> float:
    """Return Cohen's d: the difference over the pooled standard deviation.

    Weights ``n - 1`` where both sizes are above 1, equal ones otherwise.
    """
    check_finite("effect", effect, WHERE)
    check_positive("sd-control", sd_control, WHERE)
    check_positive("sd-treatment", sd_treatment, WHERE)
    w0, w1 = (n_control - 1.0, n_treatment - 1.0) if n_control > 1 and n_treatment > 1 else (1.0, 1.0)
    return effect / math.sqrt((w0 * sd_control**2 + w1 * sd_treatment**2) / (w0 + w1))


def hedges_g(effect: float, sd_control: float, sd_treatment: float, n_control: float, n_treatment: float) -> float:
    """Return Hedges' g: Cohen's d times its exact small-sample correction (Hedges 1981)."""
    check_positive("n-control", n_control, WHERE)
    check_positive("n-treatment", n_treatment, WHERE)
    df = n_control + n_treatment - 2.0
    if not df > 1.0:
        raise InputError(WHERE, "--n-control", f"{df:g} degrees of freedom", "give more than three observations")
    correction = math.exp(math.lgamma(df / 2.0) - math.lgamma((df - 1.0) / 2.0)) / math.sqrt(df / 2.0)
    return correction * cohen_d(effect, sd_control, sd_treatment, n_control, n_treatment)
