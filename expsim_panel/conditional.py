"""How likely a running sequential test is to end with a finding, given what it has seen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from expsim_panel.boundaries import lower_bounds
from expsim_panel.checked import Floats, check_finite, check_information, check_positive, is_real
from expsim_panel.errors import InputError, shown
from expsim_panel.kernels.wedge import cross_wedge
from expsim_panel.regions import inner_bounds

__all__ = ["Conditional", "conditional_power", "predictive_power"]

WHERE = "exact conditional-power"


@dataclass(frozen=True, eq=False)
class Conditional:
    """Chances from the present look on.

    Attributes
    ----------
    upper, lower : ndarray, shape (K - k,)
        Probability of stopping high, and low, at each look to come; not those of giving up between inner bounds.
    power : float
        Probability of rejecting at a look to come: high, or for a two-sided test in either direction.
    futility : float
        Probability of giving up at a look to come.
    drift : float or None
        Mean of z at information 1 that was assumed; None where it was averaged over.
    """

    upper: Floats
    lower: Floats
    power: float
    futility: float
    drift: float | None


def _rest(
    information: Sequence[float] | Floats, upper: Sequence[float] | Floats, sides: int, look: int, z: float,
    futility: Sequence[float] | Floats | None,
) -> tuple[Floats, Floats, Floats, Floats, Floats, float]:  # fmt: skip
    """Return information, lower, inner and upper bounds of the looks to come for the increments, and their total."""
    fractions = check_information(information, end=False)
    high = np.array(upper, np.float64, ndmin=1)
    if high.shape != fractions.shape or np.any(np.isnan(high)):
        raise InputError(WHERE, "bounds", f"upper is {shown(high.tolist())}", "give one bound for each look")
    if isinstance(sides, bool) or sides not in (1, 2):
        raise InputError(WHERE, "--sides", f"sides is {shown(sides)}", "give 1 or 2")
    given_up = None if futility is None else np.array(futility, np.float64, ndmin=1)
    if given_up is not None and given_up.shape != fractions.shape:
        problem = f"futility bounds are {shown(given_up.tolist())}"
        raise InputError(WHERE, "--futility-bounds", problem, "give one bound for each look")
    low = lower_bounds(high, sides, given_up)
    check_finite("z", z, WHERE)
    if not is_real(look) or look != int(look) or not 1 <= look < fractions.size:
        remedy = f"give a whole number, 1 to {fractions.size - 1}: a look before the last"
        raise InputError(WHERE, "--look", f"look is {shown(look)}", remedy)
    now, later = fractions[look - 1], fractions[look:]
    span = later - now
    root = np.sqrt(span)

    def moved(bounds: Floats) -> Floats:
        return np.asarray((bounds * np.sqrt(later) - z * math.sqrt(now)) / root)

    inner = inner_bounds(sides, given_up)
    width = np.full(high.size, -np.inf) if inner is None else inner
    return (
        span / span[-1], moved(low[look:]), moved(-width[look:]), moved(width[look:]), moved(high[look:]),
        float(span[-1]),
    )  # fmt: skip


def _told(sides: int, stopped: tuple[Floats, Floats, Floats], drift: float | None) -> Conditional:
    lower, inner, upper = stopped
    power = float(upper.sum() + (lower.sum() if sides == 2 else 0.0))
    return Conditional(upper, lower, power, float(inner.sum() if sides == 2 else lower.sum()), drift)


def conditional_power(
    information: Sequence[float] | Floats,
    upper: Sequence[float] | Floats,
    sides: int,
    look: int,
    z: float,
    drift: float | None = None,
    futility: Sequence[float] | Floats | None = None,
) -> Conditional:
    """Return the probability of a finding at a look to come, given z now and the effect.

    Parameters
    ----------
    information, upper : array_like, shape (K,)
        Planned fractions and efficacy bounds of all looks.
    sides : int
        1 or 2.
    look : int
        The present look, 1 to K - 1.
    z : float
        Statistic at that look.
    drift : float, optional
        Assumed mean of z at information 1, ``effect / sd sqrt(units share_0 share_1)``; by default that of the
        present estimate, ``z / sqrt(information)``.
    futility : array_like, shape (K,), optional
        Futility bounds, obeyed, -inf for none: see `regions.stops`.

    Raises
    ------
    InputError
        An argument is out of its range.

    References
    ----------
    .. [1] Lan, Simon, Halperin (1982), Communications in Statistics C 1, 207-219; Proschan, Lan, Wittes (2006),
       "Statistical Monitoring of Clinical Trials", chapter 3.
    """
    spans, low, left, right, high, total = _rest(information, upper, sides, look, z, futility)
    now = float(np.array(information, np.float64)[look - 1])
    assumed = z / math.sqrt(now) if drift is None else drift
    check_finite("drift", assumed, WHERE)
    return _told(sides, cross_wedge(spans, low, left, right, high, assumed * math.sqrt(total)), assumed)


def predictive_power(
    information: Sequence[float] | Floats,
    upper: Sequence[float] | Floats,
    sides: int,
    look: int,
    z: float,
    prior_mean: float = 0.0,
    prior_sd: float | None = None,
    futility: Sequence[float] | Floats | None = None,
) -> Conditional:
    """Return the conditional power averaged over what the data and a prior say of the effect.

    Parameters
    ----------
    prior_mean, prior_sd : float, optional
        Normal prior of the drift; without `prior_sd` it is flat.
    information, upper, sides, look, z, futility
        As in `conditional_power`.

    Notes
    -----
    The posterior of the drift is normal with precision ``I_k + 1 / prior_sd^2``. Exact to 1e-12.

    References
    ----------
    .. [1] Spiegelhalter, Freedman, Blackburn (1986), Controlled Clinical Trials 7, 8-17.
    """
    spans, low, left, right, high, total = _rest(information, upper, sides, look, z, futility)
    now = float(np.array(information, np.float64)[look - 1])
    check_finite("prior-mean", prior_mean, WHERE)
    precision, weighted = now, z * math.sqrt(now)
    if prior_sd is not None:
        check_positive("prior-sd", prior_sd, WHERE)
        precision += prior_sd**-2
        weighted += prior_mean * prior_sd**-2
    # The data to come are a Brownian motion X with a random drift; X / (1 + v s) is one without, on the
    # clock s / (1 + v s), v the variance of the drift: the same recursion answers exactly.
    growth = 1.0 + spans * total / precision
    clock = spans * total / growth
    low, left, right, high = (bound / np.sqrt(growth) for bound in (low, left, right, high))
    stopped = cross_wedge(clock / clock[-1], low, left, right, high, weighted / precision * math.sqrt(clock[-1]))
    return _told(sides, stopped, None)
