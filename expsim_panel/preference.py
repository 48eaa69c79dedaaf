"""Side-by-side preference: from a latent difference to chances of loss, tie and win, as it is and as it is read.

A comparison has a luck z, standard normal, that every reading of it shares. A reader sees ``m = b D + tilt``, D the
latent difference of treatment over control, with errors of its own, and the treatment wins iff ``m`` plus errors is
above ``U(z)``, loses iff it is below ``L(z)``:

    probit     U = band - b s z         L = -band - b s z              Glenn-David for a reader without errors
    davidson   U = b s Q(Phi(-z))       L = -b s Q(Phi(z))             Q inverts P(win) of Davidson's model

so that a reading without errors has the chances of the tie model, and two readings differ by their errors alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_REACH = 8.5
_STEEP = 1e-9
_FITS = 100


@dataclass(frozen=True)
class TieModel:
    """How a latent difference turns into win, tie and loss.

    Attributes
    ----------
    kind : str
        ``probit`` (Glenn-David) or ``davidson``.
    tie : float
        Half width of the tie band in units of latent quality (probit), or nu (Davidson); 0 or more.
    scale : float
        Spread of the difference between two responses to a prompt, latent units: SD (probit), or the unit of the log
        odds (Davidson); above 0.

    References
    ----------
    Glenn, David (1960), Biometrics 16, 86-109; Davidson (1970), JASA 65, 317-328.
    """

    kind: str
    tie: float
    scale: float

    @property
    def luck_sd(self) -> float:
        """SD of a comparison's luck, latent points: of the middle between the thresholds of a win and of a loss."""
        if self.kind == "probit":
            return self.scale
        z, weights = normal_nodes(8001)
        low, high = self.edges(z, 1.0)
        return float(np.sqrt(((low + high) / 2) ** 2 @ weights))

    def net(self, difference: npt.ArrayLike) -> Floats:
        """Return P(win) - P(loss) at latent differences: the effect on the scale of the outcome."""
        m = np.asarray(difference, float)
        return self.win(m) - self.win(-m)

    def latent(self, net: npt.ArrayLike) -> Floats:
        """Return the latent difference of a net win rate strictly between -1 and 1; inverts `net`."""
        wanted = np.asarray(net, float)
        width = 40.0 * self.scale + (abs(self.tie) if self.kind == "probit" else 2 * self.scale * np.log1p(self.tie))
        low, high = np.full(wanted.shape, -width), np.full(wanted.shape, width)
        for _ in range(100):
            middle = (low + high) / 2
            small = self.net(middle) < wanted
            low, high = np.where(small, middle, low), np.where(small, high, middle)
        return np.asarray((low + high) / 2)

    def win(self, m: Floats, slope: float = 1.0, noise: float = 0.0) -> Floats:
        """Return P(win) where a reader of slope `slope` sees m, with normal errors of SD `noise`; P(loss) is at -m."""
        from scipy.special import expit, ndtr

        own = slope * self.scale
        if self.kind == "probit":
            return np.asarray(ndtr((m - self.tie) / np.hypot(own, noise)))
        if noise == 0:
            # 1 / (1 + nu e^(-x/2) + e^-x), without overflow.
            x = np.asarray(m) / own
            half = expit(x / 2)
            return np.asarray(half**2 / (half**2 + (1 - half) ** 2 + self.tie * half * (1 - half)))
        nodes, weights = normal_nodes(801)
        return np.asarray(self.win(np.asarray(m)[..., None] + noise * nodes, slope) @ weights)

    def edges(self, z: Floats, slope: float) -> tuple[Floats, Floats]:
        """Return L(z) and U(z), see the module."""
        if self.kind == "probit":
            return -self.tie - slope * self.scale * z, self.tie - slope * self.scale * z
        return -slope * self.scale * self._inverse(z), slope * self.scale * self._inverse(-z)

    def _inverse(self, z: Floats) -> Floats:
        """Return the x at which Davidson's P(win) is Phi(z): ``t^2 + nu t + 1 = 1 / p``, ``x = -2 log t``."""
        from scipy.special import log_ndtr

        odds = np.exp(log_ndtr(-z) - log_ndtr(z))
        # The root in the form that does not cancel where the odds are small.
        root = 2 * odds / (self.tie + np.sqrt(self.tie**2 + 4 * odds))
        return np.asarray(-2 * np.log(root))


@dataclass(frozen=True)
class Reader:
    """How a judge or a panel of people reads a comparison.

    Attributes
    ----------
    slope : float
        Points of what is seen per point of latent quality, above 0.
    lasting, noise : float
        SD of the error that all readings of a comparison share, and of that of one reading.
    position : float
        What the response shown first gains.
    orders : str
        ``random``, ``treatment-first``, ``control-first``, or ``both``: read twice, a disagreement is a tie.
    votes : int
        Independent readings of a comparison (in one order), put together.
    averaged : bool
        Whether votes are averaged; otherwise more than half of them make a win or a loss, and all else is a tie.
    """

    slope: float = 1.0
    lasting: float = 0.0
    noise: float = 0.0
    position: float = 0.0
    orders: str = "random"
    votes: int = 1
    averaged: bool = False

    @property
    def values(self) -> Floats:
        """Outcomes in ascending order: -1, 0, 1, or the means that votes can have."""
        steps = self.votes if self.averaged else 1
        return np.arange(-steps, steps + 1) / steps

    def chances(self, model: TieModel, seen: npt.ArrayLike) -> Floats:
        """Return the chances of all `values`, shape (..., values).

        Parameters
        ----------
        seen : array_like, shape (...)
            m, the latent difference as it is seen, order and errors apart.
        """
        m = np.asarray(seen, float)
        if self.orders != "both" and self.votes == 1:
            shifts = {"treatment-first": (1.0,), "control-first": (-1.0,)}.get(self.orders, (1.0, -1.0))
            error = float(np.hypot(self.lasting, self.noise))
            found = [self._alone(model, m + self.position * one, error) for one in shifts]
            return np.asarray(sum(found) / len(found))
        if self.noise > _STEEP * model.scale:
            return self._over_luck(model, m)
        # All readings in one order agree; in both orders those against the response shown first decide.
        made = self._alone(model, m, self.lasting, -abs(self.position) if self.orders == "both" else 0.0)
        whole = np.zeros((*m.shape, len(self.values)))
        whole[..., [0, len(self.values) // 2, -1]] = made
        return whole

    def _alone(self, model: TieModel, m: Floats, error: float, shift: float = 0.0) -> Floats:
        """Return the chances of one reading; `shift` favours whoever is ahead."""
        return three(model.win(m + shift, self.slope, error), model.win(-m + shift, self.slope, error))

    def _over_luck(self, model: TieModel, m: Floats) -> Floats:
        """Average what several readings come to over the luck and the lasting error that they share."""
        own, errors = self.slope * model.scale, (np.zeros(1), np.ones(1))
        # Steep where a reading's own noise is small: the grid follows.
        fine = int(np.clip(4 * 2 * _REACH * float(np.hypot(own, self.lasting)) / self.noise, 801, 40_001)) | 1
        z, weights = normal_nodes(fine)
        low, high = model.edges(z, self.slope)
        if self.lasting and model.kind == "probit":
            # Luck and lasting error are both normal: one variable.
            low, high = (np.sign(edge) * model.tie - np.hypot(own, self.lasting) * z for edge in (-1, 1))
        elif self.lasting:
            errors = normal_nodes(41)
        made = np.zeros((m.size, len(self.values)))
        for i, one in enumerate(m.reshape(-1)):
            for error, weight in zip(*errors, strict=True):
                made[i] += weight * (weights @ self.given(one + self.lasting * error, low, high))
        return made.reshape(*m.shape, -1)

    def by_luck(self, model: TieModel, seen: float, z: Floats) -> Floats:
        """Return the chances of all `values` for comparisons of luck z, shape (len(z), values); errors averaged."""
        low, high = model.edges(z, self.slope)
        if self.orders == "both" or self.votes > 1:
            sharp = replace(self, noise=max(self.noise, _STEEP * model.scale))
            nodes, weights = normal_nodes(41) if self.lasting else (np.zeros(1), np.ones(1))
            each = [sharp.given(seen + self.lasting * error, low, high) for error in nodes]
            return np.asarray(np.tensordot(weights, np.array(each), 1))
        alone = Reader(noise=max(float(np.hypot(self.lasting, self.noise)), _STEEP * model.scale))
        shifts = {"treatment-first": (1.0,), "control-first": (-1.0,)}.get(self.orders, (1.0, -1.0))
        return np.asarray(sum(alone.given(seen + self.position * one, low, high) for one in shifts) / len(shifts))

    def given(self, seen: float | Floats, low: Floats, high: Floats) -> Floats:
        """Return the chances of all `values` for given L and U of a comparison, by the noise of readings alone.

        Parameters
        ----------
        seen : float or ndarray
            m with the lasting error.
        low, high : ndarray, shape (...)
            L and U.
        """
        from scipy.special import bdtrc, ndtr

        if self.orders == "both":
            first, second = (seen + g for g in (self.position, -self.position))
            win = ndtr((first - high) / self.noise) * ndtr((second - high) / self.noise)
            return three(win, ndtr((low - first) / self.noise) * ndtr((low - second) / self.noise))
        win, loss = ndtr((seen - high) / self.noise), ndtr((low - seen) / self.noise)
        if not self.averaged:
            half = self.votes // 2
            return three(bdtrc(half, self.votes, win), bdtrc(half, self.votes, loss))
        made, tie = np.ones((*win.shape, 1)), np.maximum(1 - win - loss, 0.0)
        for _ in range(self.votes):
            wider = np.zeros((*win.shape, made.shape[-1] + 2))
            for at, chance in enumerate((loss, tie, win)):
                wider[..., at : at + made.shape[-1]] += made * chance[..., None]
            made = wider
        return made


def together(model: TieModel, one: Reader, other: Reader, seen: tuple[float, float]) -> Floats:
    """Return the joint chances of two readers' outcomes of one comparison, shape (values, other's values).

    Parameters
    ----------
    seen : tuple of float
        m of each; they share the comparison's luck, and nothing else.
    """
    z, weights = normal_nodes(8001)
    first, second = one.by_luck(model, seen[0], z), other.by_luck(model, seen[1], z)
    return _with_margins(
        np.asarray((first * weights[:, None]).T @ second), one.chances(model, seen[0]), other.chances(model, seen[1])
    )


def _with_margins(cells: Floats, rows: Floats, columns: Floats) -> Floats:
    """Return joint chances moved to their exact margins, in proportion.

    Readers without noise decide by a step of the luck, which falls between two points of any grid: without this the
    mean outcome is off by half a point's weight, 5e-4. How often both find one thing stays as near as that.

    References
    ----------
    W. E. Deming, F. F. Stephan (1940), Annals of Mathematical Statistics 11, 427-444.
    """
    for _ in range(_FITS):
        before = cells
        for axis, margin in ((1, rows), (0, columns)):
            total = cells.sum(axis=axis, keepdims=True)
            wanted = np.expand_dims(margin, axis)
            cells = cells * np.divide(wanted, total, out=np.zeros_like(total), where=total > 0)
        if np.abs(cells - before).max() < 1e-14:
            break
    return cells


def correlation(cells: Floats, one: Floats, other: Floats) -> float:
    """Return the correlation of two outcomes with these values from their joint chances; 0 where one does not vary."""
    first, second = cells.sum(axis=1), cells.sum(axis=0)
    covariance = one @ cells @ other - (first @ one) * (second @ other)
    spread = (first @ one**2 - (first @ one) ** 2) * (second @ other**2 - (second @ other) ** 2)
    return float(covariance / np.sqrt(spread)) if spread > 0 else 0.0


def three(win: Floats, loss: Floats) -> Floats:
    """Return the chances of loss, tie and win along a new last axis."""
    return np.stack([loss, np.maximum(1 - win - loss, 0.0), win], axis=-1)


def normal_nodes(count: int) -> tuple[Floats, Floats]:
    """Return points and weights that average a smooth function over a standard normal; exact to rounding."""
    z = np.linspace(-_REACH, _REACH, count)
    weights = np.exp(-z * z / 2)
    return z, weights / weights.sum()
