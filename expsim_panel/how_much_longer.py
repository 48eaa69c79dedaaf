"""How much longer? Chance that a fixed test succeeds at a later size, and the size at which that chance is enough."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from expsim_panel.checked import check_error_rate, check_finite, check_positive, check_power
from expsim_panel.errors import InputError, shown
from expsim_panel.kernels.special import norm_cdf, norm_ppf

WHERE = "exact how-much-longer"


@dataclass(frozen=True)
class Prospect:
    """What more units would bring.

    Attributes
    ----------
    z : float
        Of the data so far.
    significant : bool
        Whether a fixed test at this moment would reject.
    more_for_conditional, more_for_predictive : float or None
        More units, not rounded, for the power aimed at: if the assumed effect is true (the estimate unless one
        is given), and averaged over what the data (and the prior) leave open. None where no size has it.
    conditional, predictive : float or None
        The two powers at `total` units; None without one.
    ceiling : float
        Predictive power with ever more units: the chance that the effect has the better sign.
    """

    z: float
    significant: bool
    more_for_conditional: float | None
    more_for_predictive: float | None
    conditional: float | None
    predictive: float | None
    ceiling: float


def how_much_longer(
    estimate: float, se: float, units: float, *, total: float | None = None, power: float = 0.8, alpha: float = 0.05,
    sides: int = 2, effect: float | None = None, prior_mean: float = 0.0, prior_sd: float = math.inf,
) -> Prospect:  # fmt: skip
    """Return the prospects of a fixed test given its data so far, in the better direction (above 0).

    One test at the end only: looking at this again and again and stopping when it is significant is peeking.

    Parameters
    ----------
    estimate, se : float
        Effect so far, positive is better, and its standard error.
    units : float
        Units so far, over both arms; the error of the estimate falls as ``1 / sqrt(units)``.
    total : float, optional
        Units at which the test is planned: at least `units`.
    power : float
        Aimed at.
    alpha, sides
        Of the final test.
    effect : float, optional
        Assumed from now on for the conditional power; the estimate unless given.
    prior_mean, prior_sd : float
        Normal prior of the effect for the predictive power; flat unless given.

    Raises
    ------
    InputError
        An argument is out of its range.

    References
    ----------
    .. [1] Lan, Wittes (1988), Biometrics 44, 579-585 (conditional power); Spiegelhalter, Freedman, Blackburn
       (1986), Controlled Clinical Trials 7, 8-17 (predictive power).
    """
    check_error_rate(alpha, sides, WHERE)
    check_finite("estimate", estimate, WHERE)
    check_positive("se", se, WHERE)
    check_positive("units", units, WHERE)
    check_power(power, alpha, WHERE)
    check_finite("prior-mean", prior_mean, WHERE)
    check_finite("effect", 0.0 if effect is None else effect, WHERE)
    if not (isinstance(prior_sd, int | float) and prior_sd > 0.0):
        raise InputError(WHERE, "--prior-sd", f"prior-sd is {shown(prior_sd)}", "give more than 0, or leave it out")
    if total is not None:
        check_positive("total", total, WHERE)
        if total < units:
            raise InputError(WHERE, "--total", f"total is {shown(total)}", f"give at least the {units:g} units so far")
    critical = -norm_ppf(alpha / sides)
    assumed = estimate if effect is None else effect
    share = 1.0 / (1.0 + (se / prior_sd) ** 2)
    mean, variance = share * estimate + (1.0 - share) * prior_mean, share * se * se

    def chances(n: float) -> tuple[float, float]:
        """Return conditional and predictive power at n units in all."""
        t = units / n
        # Sum scale: what is there, and what must still come for the final z to pass.
        needed = critical * se * math.sqrt(t) - estimate * t
        left = 1.0 - t
        if left <= 0.0:
            sure = float(estimate > critical * se)
            return sure, sure
        # The new units' mean has variance se^2 t / (1 - t), weighted by 1 - t in the final estimate.
        noise = se * math.sqrt(t * left)
        spread = math.sqrt(noise * noise + left * left * variance)
        return norm_cdf((left * assumed - needed) / noise), norm_cdf((left * mean - needed) / spread)

    at = chances(total) if total is not None else (None, None)
    ceiling = norm_cdf(mean / math.sqrt(variance))
    return Prospect(
        estimate / se, (abs(estimate) if sides == 2 else estimate) > critical * se, _more(0, chances, units, power),
        _more(1, chances, units, power), at[0], at[1], ceiling,
    )  # fmt: skip


def _more(which: int, chances: Callable[[float], tuple[float, float]], units: float, power: float) -> float | None:
    """Return the smallest number of further units whose chance is enough; None where none up to 10^6-fold has."""
    from scipy.optimize import brentq

    if chances(units)[which] >= power:
        return 0.0
    # On a grid fine enough that the chance is monotone between its points: it may fall at first.
    factor, last = 1.0, 1.0
    for step in range(1, 1400):
        factor = 1.01**step if step < 700 else factor * 1.02
        if chances(units * factor)[which] >= power:
            found = brentq(lambda f: chances(units * f)[which] - power, last, factor, xtol=1e-12)
            return float(units * (found - 1.0))
        last = factor
    return None
