"""Sample-ratio mismatch: do the counts of units per arm fit the split that was planned?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from expsim_panel.errors import InputError, shown

WHERE = "sample-ratio check"


@dataclass(frozen=True)
class SampleRatio:
    """Outcome of the check.

    Attributes
    ----------
    p_value : float
        Of the chi-square test of fit.
    chi_square : float
        Its statistic, ``sum (observed - expected)^2 / expected``.
    df : int
        Arms less 1.
    expected : tuple of float
        Expected counts.
    mismatch : bool
        Whether ``p_value < threshold``: then do not trust the experiment.
    """

    p_value: float
    chi_square: float
    df: int
    expected: tuple[float, ...]
    mismatch: bool


def _shares(counts: Sequence[float], expected: Sequence[float] | None) -> list[float]:
    if len(counts) < 2 or not all(isinstance(n, int | float) and 0 <= n < math.inf for n in counts):
        raise InputError(WHERE, "counts", f"counts are {shown(counts)}", "give the units of at least two arms")
    shares = [1.0] * len(counts) if expected is None else list(expected)
    if len(shares) != len(counts) or not all(isinstance(s, int | float) and 0 < s < math.inf for s in shares):
        raise InputError(WHERE, "expected", f"expected is {shown(expected)}", "give one positive share an arm")
    total = math.fsum(shares)
    return [s / total for s in shares]


def sample_ratio_check(
    counts: Sequence[float], expected: Sequence[float] | None = None, threshold: float = 0.001
) -> SampleRatio:
    """Return the chi-square test of observed counts against the planned split.

    Parameters
    ----------
    counts : sequence of float, shape (arms,)
        Units seen in each arm.
    expected : sequence of float, optional
        Planned shares or ratio, any positive numbers; equal by default.
    threshold : float
        Mismatch below this p-value. 0.001: the check is made often and a false alarm stops an experiment.

    References
    ----------
    .. [1] Fabijan et al. (2019), "Diagnosing sample ratio mismatch in online controlled experiments", KDD.
    """
    from scipy.special import chdtrc

    shares = _shares(counts, expected)
    total = math.fsum(counts)
    if total <= 0.0:
        raise InputError(WHERE, "counts", "no unit was seen", "give the units of at least two arms")
    if not 0.0 < threshold < 1.0:
        raise InputError(WHERE, "threshold", f"threshold is {shown(threshold)}", "give a number within 0 and 1")
    fitted = tuple(total * share for share in shares)
    statistic = math.fsum((n - e) ** 2 / e for n, e in zip(counts, fitted, strict=True))
    p_value = float(chdtrc(len(shares) - 1, statistic))
    return SampleRatio(p_value, statistic, len(shares) - 1, fitted, p_value < threshold)


def sequential_sample_ratio(
    counts: Sequence[float], expected: Sequence[float] | None = None, concentration: float = 10_000.0
) -> float:
    """Return the always-valid p-value of a sample-ratio mismatch at this moment (``min(1, 1 / Bayes factor)``).

    Multinomial likelihood mixed over a Dirichlet law centred at the planned shares: may be looked at after
    every unit; the smallest of the values so far is the p-value.

    Parameters
    ----------
    counts, expected
        As in `sample_ratio_check`.
    concentration : float
        Sum of the Dirichlet's parameters: the larger, the smaller the mismatches it looks for.

    References
    ----------
    .. [1] Lindon, Malek (2022), "Anytime-valid inference for multinomial count data", NeurIPS.
    """
    shares = _shares(counts, expected)
    if not 0.0 < concentration < math.inf:
        raise InputError(WHERE, "concentration", f"concentration is {shown(concentration)}", "give a number above 0")
    total = math.fsum(counts)
    log_bayes = math.lgamma(concentration) - math.lgamma(concentration + total)
    for n, share in zip(counts, shares, strict=True):
        own = concentration * share
        log_bayes += math.lgamma(own + n) - math.lgamma(own) - n * math.log(share)
    return math.exp(min(0.0, -log_bayes))
