"""Labels where they tell most: more of the responses of which the judge is unsure, weighed by 1 / P(labelled)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from expsim_panel.errors import InputError, shown
from expsim_panel.estimates import Estimate, warned
from expsim_panel.rows import Floats, column

_WHERE = "active labelling"


def labelling_probabilities(uncertainty: npt.ArrayLike, share: float, uniform: float = 0.1) -> Floats:
    """Return P(labelled) of every response: in proportion to the judge's uncertainty, mixed with the same for all.

    The variance of `active_ppi` is smallest where P is in proportion to the SD of label given score; `uniform` of
    the labels are spread evenly, so that a wrong uncertainty cannot make a weight explode.

    Parameters
    ----------
    uncertainty : array_like, shape (T,)
        SD of a label given the score, up to a factor; 0 or more, not all 0.
    share : float
        Mean of the probabilities, above 0 and up to 1; those that would exceed 1 are 1 and the others share the rest.
    uniform : float
        0 to 1.

    References
    ----------
    Zrnic, Candes (2024), "Active statistical inference", ICML, arXiv:2403.03208; the optimum is Neyman's (1934).
    """
    u = column("uncertainty", uncertainty, 1)
    for key, value in (("share", share), ("uniform", uniform)):
        if not 0 <= value <= 1 or (key == "share" and value == 0):
            raise InputError(_WHERE, key, shown(value), "give a part of 1")
    if u.min() < 0 or u.max() == 0:
        raise InputError(_WHERE, "uncertainty", "negative, or 0 everywhere", "give SDs of 0 or more")
    made = (1 - uniform) * u / u.mean() + uniform
    sure = np.zeros(len(u), bool)
    for _ in range(len(u)):
        left = share * len(u) - sure.sum()
        total = made[~sure].sum()
        if total == 0:
            break
        scaled = np.where(sure, 1.0, made * left / total)
        if scaled.max() <= 1 + 1e-12:
            return np.asarray(np.minimum(scaled, 1.0))
        sure |= scaled >= 1
        if sure.all():
            break
    return np.where(sure, 1.0, share)


def active_ppi(
    labels: npt.ArrayLike,
    judge: npt.ArrayLike,
    probabilities: npt.ArrayLike,
    rest: npt.ArrayLike,
    *,
    weight: float | None = None,
) -> Estimate:
    """Return the mean label from labels drawn with known, unequal probabilities, and judge scores of all responses.

    ``th = L mean_T(f) + sum (y - L f) / P / sum 1 / P`` over the labelled: by the tuned L, or at a given one. With
    ``z = L (f - mean f) + labelled (r - mean r) / P``, r = y - L f, its variance is ``mean(z^2) / T``.

    Parameters
    ----------
    labels, judge, probabilities : array_like, shape (n,)
        Label, judge score and P(labelled) of the labelled responses, n at least 3; every response is labelled or not
        independently of the others.
    rest : array_like, shape (N,)
        Judge scores of the others.
    weight : float, optional
        L; by default the weighted regression of labels on scores, which has the smallest variance.

    References
    ----------
    Zrnic, Candes (2024), arXiv:2403.03208; Hajek (1971) for the ratio.
    """
    y, f, p = column("labels", labels, 3), column("judge", judge, 3), column("probabilities", probabilities, 3)
    far = column("rest", rest, 0)
    if not len(y) == len(f) == len(p):
        problem = f"{len(f)} scores and {len(p)} probabilities for {len(y)} labels"
        raise InputError(_WHERE, "labels", problem, "give one of each")
    if p.min() <= 0 or p.max() > 1:
        raise InputError(_WHERE, "probabilities", shown(float(p.min() if p.min() <= 0 else p.max())), "give 0 to 1")
    inverse = 1 / p
    share = inverse / inverse.sum()
    if weight is None:
        # Minimises the variance of z: labels count by 1 / P^2, scores of all responses by 1.
        square = inverse**2
        total = len(y) + len(far)
        middle = float((f.sum() + far.sum()) / total)
        own_y, own_f = y - share @ y, f - share @ f
        spread = float(((f - middle) ** 2).sum() + ((far - middle) ** 2).sum())
        cross = float((inverse * own_f * (f - middle)).sum())
        wanted = float((square * own_y * own_f).sum()) - float((inverse * own_y * (f - middle)).sum())
        curve = float((square * own_f * own_f).sum()) - 2 * cross + spread
        weight = wanted / curve if curve > 1e-14 * (spread + 1e-300) else 0.0
    total = len(y) + len(far)
    residual = y - weight * f
    centre, middle = float(share @ residual), float((f.sum() + far.sum()) / total)
    near = weight * (f - middle) + (residual - centre) * inverse
    others = weight * (far - middle)
    variance = float(near @ near + others @ others) / total**2
    small = variance * len(y) / (len(y) - 2)
    value = weight * middle + centre
    return warned(Estimate(value, variance, small, len(y) - 2.0, "active PPI++", len(y), len(far), weight))
