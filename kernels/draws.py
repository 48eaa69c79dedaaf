"""Draws that the hot loops need faster than a `Generator`'s own methods give them."""

from __future__ import annotations

import math

import numpy as np

from expsim_panel.kernels.jit import inner

FEW = 10.0
"""Expected hits up to which they are counted up."""
_MOST = 100.0
_NEAR = 15.0
# ln k! - [ln sqrt(2 pi) + (k + 1/2) ln(k + 1) - (k + 1)] for k = 0..9, by its definition.
_TAIL = np.array([math.lgamma(k + 1) - (0.5 * math.log(2 * math.pi) + (k + 0.5) * math.log(k + 1) - k - 1)
                  for k in range(10)])  # fmt: skip


@inner
def _stirling_tail(k: float) -> float:
    """Return what Stirling's formula for ln k! leaves out; error below 1e-10 of it from k = 10 on."""
    if k < 10.0:
        tail: float = _TAIL[int(k)]
        return tail
    square = (k + 1.0) * (k + 1.0)
    return (1.0 / 12.0 - (1.0 / 360.0 - 1.0 / 1260.0 / square) / square) / (k + 1.0)


@inner
def few_hits(u: float, size: float, q: float) -> float:
    """Invert the distribution function at u from 0 upwards; q is at most one half and ``size q`` small.

    Below 0 where rounding left a remainder of 1e-16 that no mass takes up: draw again.
    """
    # P(no hit) is at least 1 - size q: mostly the answer is known before that power is taken.
    if u < 1.0 - size * q:
        return 0.0
    odds = q / (1.0 - q)
    mass = math.exp(size * math.log1p(-q))
    hits = 0.0
    while u >= mass:
        u -= mass
        hits += 1.0
        mass *= odds * (size - hits + 1.0) / hits
        if hits > _MOST:
            break
    return hits if hits <= _MOST and hits <= size else -1.0


@inner
def _below_mass(v: float, hits: float, mode: float, size: float, odds: float) -> bool:
    """Tell whether v is at most P(hits) / P(mode)."""
    over = 1.0
    under = 1.0
    if abs(hits - mode) <= _NEAR:
        # The ratio of neighbours, multiplied up; numerator and denominator apart save the divisions.
        at = mode
        while at < hits:
            at += 1.0
            over *= odds * (size - at + 1.0)
            under *= at
        while at > hits:
            over *= at
            under *= odds * (size - at + 1.0)
            at -= 1.0
        return v * under <= over
    if v <= 0.0:
        return True
    bound = (
        (mode + 0.5) * math.log((mode + 1.0) / (odds * (size - mode + 1.0)))
        + (size + 1.0) * math.log((size - mode + 1.0) / (size - hits + 1.0))
        + (hits + 0.5) * math.log(odds * (size - hits + 1.0) / (hits + 1.0))
        + _stirling_tail(mode)
        + _stirling_tail(size - mode)
        - _stirling_tail(hits)
        - _stirling_tail(size - hits)
    )
    return math.log(v) <= bound


@inner
def hat(size: float, q: float) -> tuple[float, float, float, float, float]:
    """Return what `many_hits` needs of a law with ``size q >= 10``, q at most one half: its setup is one root."""
    sd = math.sqrt(size * q * (1.0 - q))
    b = 1.15 + 2.53 * sd
    return sd, -0.0873 + 0.0248 * b + 0.01 * q, b, size * q + 0.5, 0.92 - 4.2 / b


@inner
def many_hits(u: float, v: float, size: float, q: float, over: tuple[float, float, float, float, float]) -> float:
    """Return the hits that two uniforms propose, or a number below 0: draw two new ones.

    Parameters
    ----------
    u, v : float
        Uniforms in [0, 1).
    size, q : float
        Trials and probability; `over` is their `hat`.

    References
    ----------
    W. Hörmann (1993), "The generation of binomial random variates", Journal of Statistical Computation
    and Simulation 46, 101-110, algorithms BTRS and, for the
    ratio near the mode, BTRD.
    """
    sd, a, b, centre, squeeze = over
    u -= 0.5
    edge = 0.5 - abs(u)
    if edge <= 0.0:
        return -1.0
    hits = float(math.floor((2.0 * a / edge + b) * u + centre))
    if edge >= 0.07 and v <= squeeze:
        return hits
    if hits < 0.0 or hits > size:
        return -1.0
    v *= (2.83 + 5.1 / b) * sd / (a / (edge * edge) + b)
    mode = float(math.floor((size + 1.0) * q))
    return hits if _below_mass(v, hits, mode, size, q / (1.0 - q)) else -1.0


@inner
def binomial(rng: np.random.Generator, n: int, p: float) -> int:
    """Draw from Binomial(n, p), exactly, in a time that does not grow with n.

    Transformed rejection with squeeze: a uniform is stretched into a hat over the law, and seven of eight
    proposals are accepted without evaluating it. Its setup is a square root, which matters here: nearly
    every draw has parameters of its own, and the setup of NumPy's BTPE then costs more than its draw
    (20 ns against 85 ns, measured). Few expected hits are counted up by inversion instead.

    Parameters
    ----------
    n : int
        Trials, 0 or more.
    p : float
        Probability; below 0 counts as 0, above 1 as 1.

    References
    ----------
    See `many_hits`. `counts.step_binomial` draws the same from a stream in registers.
    """
    if n <= 0 or p <= 0.0:
        return 0
    if p >= 1.0:
        return n
    q = p if p <= 0.5 else 1.0 - p
    size = float(n)
    hits = -1.0
    if size * q < FEW:
        while hits < 0.0:
            hits = few_hits(rng.random(), size, q)
    else:
        over = hat(size, q)
        while hits < 0.0:
            u = rng.random()
            v = rng.random()
            hits = many_hits(u, v, size, q, over)
    return int(hits) if p <= 0.5 else n - int(hits)
