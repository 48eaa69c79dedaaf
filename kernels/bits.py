"""A generator that lives in registers: SFC64 on four words, with the draws that bandits need per request.

A `numpy.random.Generator` costs a call through a pointer for every draw; at tens of millions of pulls a second
that is most of the time. The stream is NumPy's own SFC64, word for word, so it is seeded from the same
`SeedSequence` and tested against `Generator` draw by draw.

A stream is a uint64 array of shape (4,), changed in place by every draw. With the JIT off the additions wrap
with a warning from NumPy, so interpreted callers wrap them in ``np.errstate(over="ignore")``.
"""

from __future__ import annotations

import math

import numpy as np

from expsim_panel.kernels.jit import inner

_ONE = np.uint64(1)
_THREE = np.uint64(3)
_EIGHT = np.uint64(8)
_NINE = np.uint64(9)
_ELEVEN = np.uint64(11)
_LEFT = np.uint64(24)
_RIGHT = np.uint64(40)
_BYTE = np.uint64(0xFF)
_SIGN = np.uint64(0x100)
_NONE = np.uint64(0)
_MANTISSA = np.uint64(0x000FFFFFFFFFFFFF)
_UNIT = 1.0 / 9007199254740992.0
_TAIL = 3.6541528853610087963519472518


def _ziggurat() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the tables of 256 layers of equal area under exp(-x^2/2): thresholds, widths, heights."""
    scale = 4503599627370496.0
    area = _TAIL * math.exp(-0.5 * _TAIL * _TAIL) + math.sqrt(math.pi / 2) * math.erfc(_TAIL / math.sqrt(2))
    keep, wide, high = np.zeros(256, np.uint64), np.zeros(256), np.zeros(256)
    edge = last = _TAIL
    base = area / math.exp(-0.5 * edge * edge)
    keep[0], wide[0], high[0] = np.uint64(int(edge / base * scale)), base / scale, 1.0
    wide[255], high[255] = edge / scale, math.exp(-0.5 * edge * edge)
    for i in range(254, 0, -1):
        edge = math.sqrt(-2.0 * math.log(area / edge + math.exp(-0.5 * edge * edge)))
        keep[i + 1] = np.uint64(int(edge / last * scale))
        last = edge
        high[i], wide[i] = math.exp(-0.5 * edge * edge), edge / scale
    return keep, wide, high


_KEEP, _WIDE, _HIGH = _ziggurat()


def stream(seed: int, role: int, block: int, lane: int = 0, side: int | None = None) -> np.ndarray:
    """Return the stream of one role in one block, as `streams.generator` returns its generator.

    `side` numbers further streams of the same lane, for experiments that are played side by side.

    Returns
    -------
    uint64 ndarray, shape (4,)
        State of NumPy's SFC64 seeded with the same `SeedSequence`.
    """
    key = (role, block, lane) if side is None else (role, block, lane, side)
    source = np.random.SFC64(np.random.SeedSequence(entropy=seed, spawn_key=key))
    return np.array(source.state["state"]["state"], dtype=np.uint64)


State = tuple[np.uint64, np.uint64, np.uint64, np.uint64]
"""The four words as values: a loop that passes them on keeps them in registers, where an array would be stored
and loaded at every draw (a chain of 20 draws then waits 60 ns for the memory, measured)."""


@inner
def take(bits: np.ndarray) -> State:
    """Return a stream's words; `put` them back after the last draw."""
    return bits[0], bits[1], bits[2], bits[3]


@inner
def put(bits: np.ndarray, state: State) -> None:
    """Store a stream's words."""
    bits[0] = state[0]
    bits[1] = state[1]
    bits[2] = state[2]
    bits[3] = state[3]


@inner
def step(state: State) -> tuple[np.uint64, State]:
    """Return the next 64 random bits and the state after them.

    References
    ----------
    C. Doty-Humphrey, PractRand: sfc64; the same as `numpy.random.SFC64`.
    """
    a, b, c, w = state
    out = a + b + w
    return out, (b ^ (b >> _ELEVEN), c + (c << _THREE), ((c << _LEFT) | (c >> _RIGHT)) + out, w + _ONE)


@inner
def step_uniform(state: State) -> tuple[float, State]:
    """Return a uniform in [0, 1) with 53 bits."""
    out, state = step(state)
    return np.int64(out >> _ELEVEN) * _UNIT, state


@inner
def _normal_edge(state: State, layer: np.int64, rest: np.uint64, x: float) -> tuple[float, State]:
    """Finish the one draw in a hundred that falls outside the rectangles; nan asks for another try."""
    if layer == 0:
        while True:
            u, state = step_uniform(state)
            far = -math.log(1.0 - u) / _TAIL
            u, state = step_uniform(state)
            near = -math.log(1.0 - u)
            if near + near > far * far:
                return (-(_TAIL + far) if (rest >> _EIGHT) & _ONE else _TAIL + far), state
    u, state = step_uniform(state)
    if (_HIGH[layer - 1] - _HIGH[layer]) * u + _HIGH[layer] < math.exp(-0.5 * x * x):
        return x, state
    return math.nan, state


@inner
def normal_of(r: np.uint64, state: State) -> tuple[float, State]:
    """Return the normal that 64 random bits stand for, or nan: try others. The state is for the rare edges."""
    layer = np.int64(r & _BYTE)
    r = r >> _EIGHT
    rest = (r >> _ONE) & _MANTISSA
    x = np.int64(rest) * _WIDE[layer]
    if r & _ONE:
        x = -x
    if rest < _KEEP[layer]:
        return x, state
    return _normal_edge(state, layer, rest, x)


@inner
def proposed_normal(r: np.uint64) -> tuple[float, bool]:
    """Return the normal of `normal_of` without a branch, and whether it lies in a rectangle and so stands."""
    layer = r & _BYTE
    rest = (r >> _NINE) & _MANTISSA
    x = np.int64(rest) * _WIDE[layer]
    x = -x if (r & _SIGN) != _NONE else x
    return x, rest < _KEEP[layer]


@inner
def step_normal(state: State) -> tuple[float, State]:
    """Return a standard normal by the ziggurat of 256 layers.

    References
    ----------
    J. A. Doornik (2005), "An improved ziggurat method to generate normal random samples".
    """
    while True:
        r, state = step(state)
        x, state = normal_of(r, state)
        if x == x:
            return x, state


@inner
def squeezed(x: float, u: float, c: float) -> bool:
    """Tell whether a normal and a uniform surely give a gamma draw, without a logarithm.

    A tighter squeeze than the paper's 1 - 0.0331 x^4, which sends a draw in ten to the logarithms whatever the
    shape: exp(...) >= 1 - c^2 x^4 / 4 for every shape of at least 1 (tested).
    """
    y = c * x
    return (y > -1.0) & (u < 1.0 - 0.25 * (y * y) * (x * x))


@inner
def gamma_of(x: float, u: float, d: float, c: float) -> float:
    """Return the gamma draw that a normal and a uniform propose, or -1: draw two others. See `step_gamma`."""
    v = 1.0 + c * x
    if v <= 0.0:
        return -1.0
    v = v * v * v
    if squeezed(x, u, c) or math.log(u) < 0.5 * x * x + d * (1.0 - v + math.log(v)):
        return d * v
    return -1.0


@inner
def step_gamma(state: State, d: float, c: float) -> tuple[float, State]:
    """Return a gamma draw of shape ``d + 1/3 >= 1``, given ``c = 1 / sqrt(9 d)``.

    Shape and constant are the caller's to keep: they change once per pull of one arm, and cost a root and a
    division that would double the price of the draw.

    References
    ----------
    G. Marsaglia, W. W. Tsang (2000), "A simple method for generating gamma variables", ACM TOMS 26.
    """
    while True:
        x, state = step_normal(state)
        if 1.0 + c * x <= 0.0:
            continue
        u, state = step_uniform(state)
        value = gamma_of(x, u, d, c)
        if value >= 0.0:
            return value, state


@inner
def word(bits: np.ndarray) -> np.uint64:
    """Return the next 64 random bits of a stream."""
    out, state = step(take(bits))
    put(bits, state)
    return out


@inner
def uniform(bits: np.ndarray) -> float:
    """Return a uniform in [0, 1) with 53 bits."""
    u, state = step_uniform(take(bits))
    put(bits, state)
    return u


@inner
def whole(bits: np.ndarray, size: int) -> int:
    """Return a uniform whole number in 0..size-1; its bias is below size / 2^53."""
    return int(uniform(bits) * size)


@inner
def normal(bits: np.ndarray) -> float:
    """Return a standard normal."""
    x, state = step_normal(take(bits))
    put(bits, state)
    return x


@inner
def gamma(bits: np.ndarray, d: float, c: float) -> float:
    """Return a gamma draw; see `step_gamma`."""
    x, state = step_gamma(take(bits), d, c)
    put(bits, state)
    return x


@inner
def beta(bits: np.ndarray, a: float, b: float) -> float:
    """Return a Beta(a, b) draw for a, b >= 1, as the share of one gamma in the sum of two."""
    first, second = a - 1.0 / 3.0, b - 1.0 / 3.0
    x = gamma(bits, first, 1.0 / math.sqrt(9.0 * first))
    y = gamma(bits, second, 1.0 / math.sqrt(9.0 * second))
    return x / (x + y)
