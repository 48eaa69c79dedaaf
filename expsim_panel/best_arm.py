"""How hard a bandit problem is: lower bounds on regret, and samples needed to name the best arm."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import optimize, stats

from expsim_panel.errors import InputError, shown
from expsim_panel.kernels.indices import bernoulli_kl

Floats = npt.NDArray[np.float64]
FAMILIES = ("bernoulli", "gaussian")
MAX_ARMS = 1000
_LARGEST = 1e6
_LEAST, _MOST = 25.0, 18.0


def check_means(means: object, family: str, where: str = "bandit", key: str = "means") -> Floats:
    """Return means as an array of at least two arms; `InputError` where they are none of the family."""
    if family not in FAMILIES:
        from expsim_panel.errors import did_you_mean

        problem = f"unknown family {shown(family)}"
        raise InputError(where, key.replace("means", "family"), problem, did_you_mean(str(family), FAMILIES))
    try:
        values = np.array(means, dtype=np.float64, ndmin=1)
    except (TypeError, ValueError):
        raise InputError(where, key, f"{shown(means)} is no list of numbers", "give for example 0.1,0.9") from None
    if values.ndim != 1 or values.size < 2:
        raise InputError(where, key, f"{values.size} arm", "give the means of at least two arms, such as 0.1,0.9")
    if values.size > MAX_ARMS:
        raise InputError(where, key, f"{values.size} arms", f"give at most {MAX_ARMS}")
    if not np.isfinite(values).all() or np.abs(values).max() > _LARGEST:
        raise InputError(where, key, f"{shown(values.tolist())} are not all finite numbers", "give finite numbers")
    if family == "bernoulli" and (values.min() < 0.0 or values.max() > 1.0):
        odd = float(values.min() if values.min() < 0.0 else values.max())
        raise InputError(where, key, f"{odd:g} is no success rate", "give numbers from 0 to 1, or another family")
    return values


def divergence(p: float, q: float, family: str = "bernoulli", sd: float = 1.0) -> float:
    """Return kl(p, q): Bernoulli rates, or means of normal laws with standard deviation `sd`."""
    return float(bernoulli_kl(p, q)) if family == "bernoulli" else (p - q) ** 2 / (2.0 * sd * sd)


def _deviations(sd: float | Sequence[float], arms: int) -> Floats:
    """Return the standard deviation of each arm's normal rewards."""
    values = np.array(sd, dtype=np.float64, ndmin=1)
    if values.shape not in ((1,), (arms,)):
        remedy = f"give one, or one for each of the {arms} arms"
        raise InputError("best arm", "sd", f"{values.size} standard deviations", remedy)
    if not np.isfinite(values).all() or values.min() <= 0.0:
        raise InputError("best arm", "sd", f"sd is {shown(values.tolist())}", "give finite numbers above 0")
    return np.broadcast_to(values, (arms,))


def lai_robbins(means: object, family: str = "bernoulli", sd: float | Sequence[float] = 1.0) -> float:
    """Return the constant C of the bound: regret of a consistent policy grows at least as ``C log T``.

    ``sum of gap_a / kl(mu_a, mu_best)`` over the arms with a gap, for normal rewards ``2 sd_a^2 / gap_a``, with known
    `sd`, one for all arms or one for each. An asymptotic slope, not a floor: small horizons lie below it.

    References
    ----------
    T. L. Lai, H. Robbins (1985), "Asymptotically efficient adaptive allocation rules", Advances in Applied
    Mathematics 6, 4-22.
    """
    values = check_means(means, family)
    best = float(values.max())
    pairs = zip(values.tolist(), _deviations(sd, values.size).tolist(), strict=True)
    return math.fsum((best - mu) / divergence(mu, best, family, one) for mu, one in pairs if mu < best)


def complexities(means: object, family: str = "bernoulli") -> tuple[float, float]:
    """Return H1, the sum of gap^-2 over the arms but the best, and H2 = max over i >= 2 of i gap_(i)^-2.

    References
    ----------
    J.-Y. Audibert, S. Bubeck, R. Munos (2010), "Best arm identification in multi-armed bandits", COLT.
    Z. Karnin, T. Koren, O. Somekh (2013), "Almost optimal exploration in multi-armed bandits", ICML.
    """
    values = check_means(means, family)
    gaps = np.sort(values.max() - values)[1:]
    _check_unique(gaps[0], values)
    return float(np.sum(gaps**-2.0)), float(max((i + 2) / gap**2 for i, gap in enumerate(gaps)))


def _check_unique(gap: float, values: Floats) -> None:
    if gap <= 0.0:
        raise InputError("best arm", "means", f"{shown(values.tolist())} have no single best", "make one the best")


@dataclass(frozen=True)
class Identification:
    """What it takes to name the best arm with confidence 1 - delta.

    Attributes
    ----------
    time : float
        T*, the characteristic time: at least ``T* kl(delta, 1 - delta)`` samples are needed on average.
    shares : ndarray, shape (arms,)
        w*, the optimal share of samples of each arm.
    """

    time: float
    shares: Floats

    def samples(self, delta: float) -> float:
        """Return the lower bound on the expected number of samples at error probability `delta`."""
        if not 0.0 < delta < 1.0:
            raise InputError("best arm", "delta", f"delta is {shown(delta)}", "give a number between 0 and 1")
        return self.time * float(bernoulli_kl(delta, 1.0 - delta))


def identification(means: object, family: str = "bernoulli", sd: float | Sequence[float] = 1.0) -> Identification:
    """Return T* and w* of fixed-confidence best-arm identification.

    ``1 / T* = max_w min_{a != 1} [w_1 kl(mu_1, m_a) + w_a kl(mu_a, m_a)]`` with m_a the mean of the two arms
    weighted by w (by w / sd^2 for normal rewards, whose `sd` is one for all arms or one for each). At the optimum all
    these costs are equal; with x_a = w_a / w_1 and ``g_a(x) = kl(mu_1, m) + x kl(mu_a, m)`` one solves
    ``sum_a kl(mu_1, m_a) / kl(mu_a, m_a) = 1`` over the common value y of ``g_a(x_a)``.

    Raises
    ------
    InputError
        Means without a single best.

    References
    ----------
    A. Garivier, E. Kaufmann (2016), "Optimal best arm identification with fixed confidence", COLT, lemma 3 and
    theorem 5.
    """
    values = check_means(means, family)
    sds = _deviations(sd, values.size) if family == "gaussian" else np.ones(values.size)
    lead = int(values.argmax())
    others = list(zip(np.delete(values, lead).tolist(), np.delete(sds, lead).tolist(), strict=True))
    top, own_sd = float(values[lead]), float(sds[lead])
    _check_unique(top - max(mu for mu, _ in others), values)

    def mixed(x: float, mu: float, sd: float) -> tuple[float, float]:
        weight = x * (own_sd / sd) ** 2
        m = (top + weight * mu) / (1.0 + weight)
        return divergence(top, m, family, own_sd), divergence(mu, m, family, sd)

    def cost(log_x: float, mu: float, sd: float) -> float:
        x = math.exp(log_x)
        own, theirs = mixed(x, mu, sd)
        return own + x * theirs

    def ratio(y: float, mu: float, sd: float) -> float:
        """Return log x with g(x) = y, for x from e^-25 to e^18: beyond, kl of nearly equal means is rounding."""
        if y <= cost(-_LEAST, mu, sd):
            return -_LEAST
        if y >= cost(_MOST, mu, sd):
            return _MOST
        return float(optimize.brentq(lambda z: cost(z, mu, sd) - y, -_LEAST, _MOST, xtol=1e-14, rtol=1e-14))

    def balance(y: float) -> float:
        total = 0.0
        for other in others:
            own, theirs = mixed(math.exp(ratio(y, *other)), *other)
            total += own / theirs if theirs > 1e-300 else 1e300
        return total - 1.0

    # g_a rises from 0 to kl(mu_1, mu_a): the common value stays below the smallest of these.
    most = min(divergence(top, mu, family, own_sd) for mu, _ in others)
    if not math.isfinite(most):
        most = min(cost(_MOST, *other) for other in others)
    y = float(optimize.brentq(balance, most * 1e-12, most * (1.0 - 1e-12), xtol=most * 1e-15, rtol=1e-14))
    x = np.insert(np.array([math.exp(ratio(y, *other)) for other in others]), lead, 1.0)
    total = float(np.sum(x))
    return Identification(total / y, x / total)


def lead_probabilities(means: Floats, m: int, binary: bool) -> Floats:
    """Return each arm's probability to have the largest mean of m rewards, ties shared evenly; exact.

    Bernoulli arms by their binomial laws, normal arms (standard deviation 1) by quadrature to about 1e-12.
    """
    arms = means.size
    if not binary:
        if arms == 2:
            lead = stats.norm.cdf((means - means[::-1]) * math.sqrt(m / 2.0))
            return np.asarray(lead, dtype=np.float64)
        sd = 1.0 / math.sqrt(m)
        nodes, weights = np.polynomial.legendre.leggauss(40)
        edges = np.unique(np.concatenate([mu + sd * np.linspace(-9.0, 9.0, 13) for mu in means]))
        half = np.diff(edges) / 2
        x = (edges[:-1] + half)[:, None] + half[:, None] * nodes
        mass = (half[:, None] * weights).ravel()
        below = stats.norm.cdf((x.ravel()[None] - means[:, None]) / sd)
        density = stats.norm.pdf((x.ravel()[None] - means[:, None]) / sd) / sd
        return np.array([np.sum(mass * density[a] * np.delete(below, a, 0).prod(axis=0)) for a in range(arms)])
    hits = np.arange(m + 1)
    at = stats.binom.pmf(hits[None], m, means[:, None])
    below = stats.binom.cdf(hits[None] - 1, m, means[:, None])
    found = np.zeros(arms)
    for a in range(arms):
        # Law of how many of the others tie with a at this value, all others being below.
        ties = np.zeros((arms, m + 1))
        ties[0] = 1.0
        for b in range(arms):
            if b != a:
                ties[1:] = ties[1:] * below[b] + ties[:-1] * at[b]
                ties[0] *= below[b]
        found[a] = np.sum(at[a] * (ties / (1.0 + np.arange(arms))[:, None]).sum(axis=0))
    return found
