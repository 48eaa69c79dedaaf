"""What clusters cost: the design effect of units that come in groups, and what the wrong unit does to a test."""

from __future__ import annotations

import math
from collections.abc import Sequence

from expsim_panel.checked import check_error_rate, check_finite, check_positive
from expsim_panel.errors import InputError, shown
from expsim_panel.kernels.special import norm_cdf, norm_ppf

WHERE = "design effect"


def design_effect(mean_cluster_size: float, icc: float, cv: float = 0.0) -> float:
    """Return the design effect ``1 + ((1 + cv^2) m - 1) ICC``: variance over that of independent exposures.

    Parameters
    ----------
    mean_cluster_size : float
        Exposures per randomised unit on average, m, at least 1.
    icc : float
        Intraclass correlation of two exposures of a unit, on the scale of the observed outcome; 0 to 1.
    cv : float
        Coefficient of variation of the cluster sizes, at least 0.

    References
    ----------
    .. [1] Kish (1965), "Survey Sampling", for equal clusters; Eldridge, Ashby, Kerry (2006), International
       Journal of Epidemiology 35, 1292-1300, for unequal ones.
    """
    check_finite("cluster-size", mean_cluster_size, WHERE)
    check_finite("icc", icc, WHERE)
    check_finite("cv", cv, WHERE)
    if mean_cluster_size < 1.0:
        raise InputError(WHERE, "--cluster-size", f"cluster size is {shown(mean_cluster_size)}", "give at least 1")
    if not 0.0 <= icc <= 1.0:
        raise InputError(WHERE, "--icc", f"icc is {shown(icc)}", "give a number from 0 to 1")
    if cv < 0.0:
        raise InputError(WHERE, "--cv", f"cv is {shown(cv)}", "give at least 0")
    return 1.0 + ((1.0 + cv * cv) * mean_cluster_size - 1.0) * icc


def cluster_size_variation(sizes: Sequence[float]) -> tuple[float, float]:
    """Return mean and coefficient of variation (standard deviation by n over mean) of cluster sizes."""
    if not sizes or not all(isinstance(n, int | float) and n > 0 for n in sizes):
        raise InputError(WHERE, "sizes", f"sizes are {shown(sizes)}", "give one positive size a cluster")
    mean = math.fsum(sizes) / len(sizes)
    return mean, math.sqrt(math.fsum((n - mean) ** 2 for n in sizes) / len(sizes)) / mean


def effective_sample_size(exposures: float, mean_cluster_size: float, icc: float, cv: float = 0.0) -> float:
    """Return the independent exposures that carry as much information as `exposures` clustered ones."""
    check_positive("exposures", exposures, WHERE)
    return exposures / design_effect(mean_cluster_size, icc, cv)


def type1_error_at_wrong_unit(deff: float, alpha: float = 0.05, sides: int = 2) -> float:
    """Return the true type I error of a z test that ignores a design effect: its z has variance `deff`."""
    check_positive("design-effect", deff, WHERE)
    check_error_rate(alpha, sides, WHERE)
    return sides * norm_cdf(norm_ppf(alpha / sides) / math.sqrt(deff))
