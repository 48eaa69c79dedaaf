"""Pairwise preference of two variants: win, tie, loss; models of ties; position bias and both orders."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from expsim_panel.errors import InputError, shown
from expsim_panel.estimates import Estimate
from expsim_panel.row_estimators import clustered
from expsim_panel.rows import column

_WHERE = "pairwise"


def glenn_david(difference: float, tie_band: float, position: float = 0.0) -> tuple[float, float, float]:
    """Return P(win), P(tie), P(loss) of the treatment by the probit model with a tie band.

    ``win = Phi(d + position - band)``, ``loss = Phi(-d - position - band)``: the felt difference is Normal(d, 1),
    and within the band nobody prefers either.

    Parameters
    ----------
    difference : float
        Latent quality difference d, in SDs of one felt difference.
    tie_band : float
        Half width of the band, 0 or more.
    position : float
        Advantage of being shown first, if the treatment is; negative if it is second.

    References
    ----------
    Glenn, David (1960), Ties in paired-comparison experiments, Biometrics 16, 86-109.
    """
    from scipy.special import ndtr

    if not tie_band >= 0:
        raise InputError(_WHERE, "tie_band", f"{shown(tie_band)}", "give 0 or more")
    d = difference + position
    win, loss = float(ndtr(d - tie_band)), float(ndtr(-d - tie_band))
    return win, max(0.0, 1 - win - loss), loss


def davidson(difference: float, tie: float, position: float = 0.0) -> tuple[float, float, float]:
    """Return P(win), P(tie), P(loss) of the treatment by the logistic model with ties.

    ``win : tie : loss = e^(d + g) : nu e^(d / 2) : 1`` with the control's ability at 0.

    Parameters
    ----------
    difference : float
        Log ability of treatment over control, d.
    tie : float
        nu, 0 or more; equal variants tie with probability nu / (2 + nu).
    position : float
        Log advantage g of being shown first, if the treatment is; negative if it is second.

    References
    ----------
    Davidson (1970), JASA 65, 317-328; Davidson, Beaver (1977), Biometrics 33, 693-702 (order effects).
    """
    if not tie >= 0:
        raise InputError(_WHERE, "tie", f"{shown(tie)}", "give 0 or more")
    # Shown second, the advantage is the control's.
    up, down = difference + max(position, 0.0), max(-position, 0.0)
    top = max(up, down, difference / 2)
    win, loss, even = math.exp(up - top), math.exp(down - top), tie * math.exp(difference / 2 - top)
    total = win + loss + even
    return win / total, even / total, loss / total


@dataclass(frozen=True)
class Latent:
    """A latent difference and tie band estimated from wins, ties and losses.

    Attributes
    ----------
    difference, difference_se : float
        d of `glenn_david` and its standard error.
    tie_band : float
        Half width of the tie band.
    """

    difference: float
    difference_se: float
    tie_band: float


def latent_difference(wins: float, ties: float, losses: float) -> Latent:
    """Fit `glenn_david` to the counts of one comparison; maximum likelihood, in closed form.

    ``d = (z_w - z_l) / 2``, ``band = -(z_w + z_l) / 2`` with z the normal quantiles of the observed rates; standard
    error by the delta method for multinomial rates.
    """
    from scipy.special import ndtri

    n = wins + ties + losses
    if min(wins, losses) <= 0 or ties < 0:
        problem = f"{wins:g} wins, {ties:g} ties, {losses:g} losses"
        raise InputError(_WHERE, "losses", problem, "collect until there are wins and losses")
    w, l = wins / n, losses / n  # noqa: E741
    zw, zl = float(ndtri(w)), float(ndtri(l))
    dw, dl = (math.sqrt(2 * math.pi) * math.exp(z * z / 2) for z in (zw, zl))
    variance = (dw * dw * w * (1 - w) + dl * dl * l * (1 - l) + 2 * dw * dl * w * l) / (4 * n)
    return Latent((zw - zl) / 2, math.sqrt(variance), -(zw + zl) / 2)


def net_preference(outcomes: npt.ArrayLike, clusters: npt.ArrayLike | None = None) -> Estimate:
    """Return P(win) - P(loss), with an interval clustered by prompt.

    Parameters
    ----------
    outcomes : array_like of -1, 0 and 1, shape (n,)
        Loss, tie, win of the treatment.
    clusters : array_like, shape (n,), optional
        Prompt of each row; several verdicts on one prompt are one piece of evidence. None: all differ.
    """
    x = column("outcomes", outcomes, 2)
    if not np.isin(x, (-1.0, 0.0, 1.0)).all():
        row = int(np.flatnonzero(~np.isin(x, (-1.0, 0.0, 1.0)))[0])
        raise InputError(_WHERE, "outcomes", f"row {row + 1} is {x[row]:g}", "give -1 (loss), 0 (tie) or 1 (win)")
    return clustered(x, np.arange(len(x)) if clusters is None else clusters)


@dataclass(frozen=True)
class BothOrders:
    """A comparison in which every pair was shown in both orders.

    Attributes
    ----------
    preference : Estimate
        Net preference, the two orders of a pair averaged: an advantage of the first place, equal for both,
        drops out.
    position_bias : Estimate
        Half the difference between the orders: how far the first place moves the net preference.
    consistency : float
        Share of pairs with the same verdict in both orders.
    first_order : Estimate
        Net preference from the first order alone, as biased as the judge is.
    """

    preference: Estimate
    position_bias: Estimate
    consistency: float
    first_order: Estimate


def both_orders(
    treatment_first: npt.ArrayLike, treatment_second: npt.ArrayLike, clusters: npt.ArrayLike | None = None
) -> BothOrders:
    """Compare two variants judged in both orders (it costs twice).

    Parameters
    ----------
    treatment_first, treatment_second : array_like of -1, 0 and 1, shape (n,)
        Verdict for the treatment when it was shown first, and second; row by row the same pair.
    clusters : array_like, shape (n,), optional
        Prompt of each pair.
    """
    one = net_preference(treatment_first, clusters)
    a, b = column("treatment_first", treatment_first, 2), column("treatment_second", treatment_second, 2)
    net_preference(b)
    if len(a) != len(b):
        raise InputError(_WHERE, "treatment_second", f"{len(b)} verdicts for {len(a)} pairs", "judge every pair twice")
    group = np.arange(len(a)) if clusters is None else clusters
    return BothOrders(clustered((a + b) / 2, group), clustered((a - b) / 2, group), float((a == b).mean()), one)
