"""What a team's past experiments say about the effects that are usual: an empirical-Bayes prior.

Each past experiment has an estimate and its standard error, ``estimate_i ~ N(effect_i, se_i^2)``, and the true effects
come from one law, ``effect_i ~ N(mean, sd^2)``. The fitted law is the prior of the next experiment of the same kind.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from expsim_panel.errors import InputError, shown
from expsim_panel.look_lists import is_number
from expsim_panel.quantities import LARGEST

__all__ = ["METHODS", "FittedPrior", "fit_prior", "is_past", "read_past"]

WHERE = "prior from past experiments"
METHODS = ("dersimonian-laird", "maximum-likelihood")
MOST = 10_000
"""Past experiments."""
_GRID = 400


@dataclass(frozen=True)
class FittedPrior:
    """The law of effects that past experiments come from.

    Attributes
    ----------
    mean, mean_se : float
        Mean of the effects, and its standard error given the spread.
    sd : float
        Standard deviation of the effects: 0 where the estimates differ no more than their errors explain.
    sd_se : float or None
        Standard error of `sd` (delta method from that of the variance); None at 0.
    predictive_sd : float
        Spread of a new effect that also holds the error of the mean, ``sqrt(sd^2 + mean_se^2)``.
    q, p_value : float
        Cochran's statistic of equal effects and its chi-square p-value.
    i2 : float
        Share of the variation between estimates that is not error, 0 to 1, from Cochran's statistic.
    experiments : int
        Their number.
    method : str
        ``dersimonian-laird`` or ``maximum-likelihood``.
    """

    mean: float
    mean_se: float
    sd: float
    sd_se: float | None
    predictive_sd: float
    q: float
    p_value: float
    i2: float
    experiments: int
    method: str


def is_past(value: Any) -> bool:
    """Tell whether `value` is a list of pairs (estimate, standard error above 0), two of them or more."""
    if not isinstance(value, list | tuple) or not 2 <= len(value) <= MOST:
        return False
    return all(
        isinstance(pair, list | tuple) and len(pair) == 2 and all(map(is_number, pair)) and pair[1] > 0
        for pair in value
    )


def fit_prior(past: Sequence[Sequence[float]], method: str = METHODS[0]) -> FittedPrior:
    """Return the normal law of effects that fits past experiments.

    Parameters
    ----------
    past : sequence of (float, float)
        Estimate, positive is better, and standard error of each; 2 to 10,000.
    method : str
        ``dersimonian-laird``: the variance from the moments of Cochran's Q. ``maximum-likelihood``: the greatest of the
        marginal likelihood ``estimate_i ~ N(mean, sd^2 + se_i^2)``, its error from the expected information.

    Raises
    ------
    InputError
        Fewer than two pairs, a standard error that is not above 0, or numbers that are out of bounds.

    References
    ----------
    .. [1] R. DerSimonian, N. Laird (1986), Controlled Clinical Trials 7, 177-188.
    .. [2] B. Efron, C. Morris (1975), JASA 70, 311-319: the prior that the data themselves fit.
    .. [3] W. Viechtbauer (2005), Journal of Educational and Behavioral Statistics 30, 261-293: maximum likelihood.
    """
    pairs = [list(pair) if isinstance(pair, Sequence | np.ndarray) else pair for pair in past]
    if not is_past(pairs):
        remedy = "give 2 or more pairs of an estimate and its standard error, such as [[0.01, 0.005], [0.03, 0.01]]"
        raise InputError(WHERE, "past", f"{shown(pairs)} is no list of past experiments", remedy)
    if not all(abs(effect) <= LARGEST and 1 / LARGEST <= error <= LARGEST for effect, error in pairs):
        remedy = f"give estimates within {LARGEST:g} of 0 and standard errors from {1 / LARGEST:g} to {LARGEST:g}"
        raise InputError(WHERE, "past", "numbers are out of bounds", remedy)
    if method not in METHODS:
        raise InputError(WHERE, "method", f"unknown method {shown(method)}", f"choose from {', '.join(METHODS)}")
    from scipy.stats import chi2

    estimates, errors = np.array(pairs, np.float64).T
    fixed = errors**-2
    centre = float(fixed @ estimates / fixed.sum())
    q = float(fixed @ (estimates - centre) ** 2)
    freedom = estimates.size - 1
    if method == METHODS[0]:
        variance = max(0.0, (q - freedom) / float(fixed.sum() - fixed @ fixed / fixed.sum()))
        weights = 1.0 / (errors**2 + variance)
        variance_se = _moment_error(fixed, variance)
    else:
        variance = _likeliest(estimates, errors)
        weights = 1.0 / (errors**2 + variance)
        variance_se = math.sqrt(2.0 / float(weights @ weights))
    mean, mean_se = float(weights @ estimates / weights.sum()), float(weights.sum()) ** -0.5
    sd = math.sqrt(variance)
    return FittedPrior(
        mean, mean_se, sd, variance_se / (2.0 * sd) if sd > 0.0 else None, math.sqrt(variance + mean_se**2), q,
        float(chi2.sf(q, freedom)), max(0.0, 1.0 - freedom / q) if q > 0.0 else 0.0, estimates.size, method,
    )  # fmt: skip


def _moment_error(w: np.ndarray, variance: float) -> float:
    """Return the standard error of the moment estimator, from the variance of Q (Biggerstaff, Tweedie 1997)."""
    one, two, three = (float((w**k).sum()) for k in (1, 2, 3))
    scale = one - two / one
    of_q = (
        2.0 * (w.size - 1) + 4.0 * scale * variance + 2.0 * (two - 2.0 * three / one + (two / one) ** 2) * variance**2
    )
    return math.sqrt(of_q) / scale


def _likeliest(estimates: np.ndarray, errors: np.ndarray) -> float:
    """Return the variance between effects of greatest likelihood, the mean profiled out."""
    from scipy.optimize import minimize_scalar

    def lack(variance: float) -> float:
        weights = 1.0 / (errors**2 + variance)
        off = estimates - weights @ estimates / weights.sum()
        return float(weights @ (off * off) - np.log(weights).sum())

    # The likelihood may have several hills: a grid on the square root finds the highest.
    most = float(np.ptp(estimates)) + 1e-300
    grid = np.linspace(0.0, most, _GRID) ** 2
    at = int(np.argmin([lack(variance) for variance in grid]))
    low, high = grid[max(at - 1, 0)], grid[min(at + 1, _GRID - 1)]
    found = float(
        minimize_scalar(lack, bounds=(low, high), method="bounded", options={"xatol": 1e-13 * max(high, 1e-300)}).x
    )
    return found if lack(found) < lack(0.0) else 0.0


def read_past(path: str) -> list[list[float]]:
    """Return the pairs of a CSV file with the columns ``effect`` and ``se``; raise `InputError` naming the line."""
    import csv

    pairs: list[list[float]] = []
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            if not {"effect", "se"} <= set(rows.fieldnames or ()):
                raise InputError(path, "", "no columns effect and se", "name them in the first line: effect,se")
            for line, row in enumerate(rows, start=2):
                try:
                    pairs.append([float(row["effect"] or ""), float(row["se"] or "")])
                except ValueError:
                    said = f"{row['effect']},{row['se']}"
                    raise InputError(
                        path, f"line {line}", f"{shown(said)} is no pair of numbers", "give both"
                    ) from None
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "is no text file"
        raise InputError(path, "", str(reason), "give a CSV file with the columns effect and se") from None
    return pairs
