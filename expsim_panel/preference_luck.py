"""Comparisons whose luck is known in part: what Davidson's model expects of a prompt, of a topic.

A comparison's luck z is standard normal (`expsim_panel.preference`), ``z = sqrt(w_t) z_topic + sqrt(w_p) z_prompt +
sqrt(1 - w_t - w_p) z_own``, so that a comparison alone has the chances of the tie model whatever the shares are. The
share of a spread of `interaction_sd` latent points is its square over the variance of the luck in latent points, that
of the middle of both thresholds, ``(L(z) + U(z)) / 2``: without ties a logistic variable, and s z for the probit.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from expsim_panel.preference import Floats, Reader, TieModel, normal_nodes

if TYPE_CHECKING:
    from expsim_panel.scenario import Scenario

NODES = 201
ERRORS = 41
_STEEP, _SHARP = 1e-9, 2e-3
"""Errors below these parts of the luck are as good as none: of several readings, of one."""
_LEAST = 1e-12
"""Share of the luck that a comparison has of its own at least, where formulas divide by it."""


def luck_shares(scenario: Scenario) -> tuple[float, float]:
    """Return the shares of a comparison's luck that are its topic's and its prompt's."""
    table, whole = scenario.offline, scenario.tie_model.luck_sd**2
    return float(table.topic_interaction_sd**2 / whole), float(table.interaction_sd**2 / whole)


def expected_given(reader: Reader, model: TieModel, seen: Floats, share: float, known: Floats) -> Floats:
    """Return the expected verdict of comparisons, a share of whose luck is known.

    Parameters
    ----------
    seen : float64 array, shape (...)
        Latent differences as they are seen, order and errors apart.
    share : float
        Share of the luck that is known, 0 to 1.
    known : float64 array, shape (n,)
        Its standard normal values.

    Returns
    -------
    float64 array, shape (..., n)
        Over the rest of the luck, the reader's lasting error and the noise of all its readings.
    """
    alone = reader.votes == 1 and reader.orders != "both"
    own = float(np.hypot(reader.slope * model.scale, reader.lasting))
    error = float(np.hypot(reader.lasting, reader.noise)) if alone else reader.noise
    if error <= (_SHARP if alone else _STEEP) * own:
        return _by_threshold(reader, model, np.asarray(seen, float), share, known, alone)
    # the outcome over a grid of the luck, which all readings share, then averaged over what is not known of it
    z = normal_nodes(int(np.clip(68 * own / error, 4001, 40_001)) | 1)[0]
    left = float(np.sqrt(max(1 - share, _LEAST)))
    middle = np.sqrt(share) * np.asarray(known, float)[:, None]
    found = [reader.by_luck(model, float(one), z) @ reader.values for one in np.asarray(seen, float).reshape(-1)]
    if left < 4 * (z[1] - z[0]):
        made = [np.interp(middle[:, 0], z, one) for one in found]
    else:
        part = np.exp(-0.5 * ((z - middle) / left) ** 2)
        made = [(part @ one) / part.sum(axis=1) for one in found]
    return np.array(made).reshape(*np.shape(seen), len(known))


def _by_threshold(reader: Reader, model: TieModel, seen: Floats, share: float, known: Floats, alone: bool) -> Floats:
    """Return the expected verdict where a win is a luck above a threshold, ``P(win) = Phi(-threshold)``.

    So it is with one reading, and where all readings agree for want of noise.
    """
    from scipy.special import ndtr, ndtri

    left = float(np.sqrt(max(1 - share, _LEAST)))
    middle = np.sqrt(share) * np.asarray(known, float)
    error = float(np.hypot(reader.lasting, reader.noise if alone else 0.0))
    errors, weights = normal_nodes(NODES) if error > 0 else (np.zeros(1), np.ones(1))
    shifts = {"treatment-first": (1.0,), "control-first": (-1.0,)}.get(reader.orders, (1.0, -1.0))
    if not alone:
        shifts = (0.0,)
    against = abs(reader.position) if reader.orders == "both" else 0.0  # both orders: whoever is ahead must win last
    total = np.zeros((*seen.shape, len(middle)))
    for shift in shifts:
        for node, weight in zip(errors, weights, strict=True):
            ahead = seen + error * node + shift * reader.position
            win, loss = (ndtri(model.win(one - against, reader.slope))[..., None] for one in (ahead, -ahead))
            total += weight * (ndtr((win + middle) / left) - ndtr((loss - middle) / left))
    return total / len(shifts)


def shared_variances(
    reader: Reader, model: TieModel, seen: Floats, shares: tuple[float, float], of_prompt: float
) -> tuple[Floats, Floats]:
    """Return the variances of what is expected given the topic, and given topic and prompt; shape of `seen`.

    Parameters
    ----------
    shares : tuple of float
        See `luck_shares`.
    of_prompt : float
        SD of the reader's lasting error where it is the prompt's (a judge's), otherwise 0.
    """
    known, weights = normal_nodes(NODES)

    def variance(values: Floats, weight: Floats) -> Floats:
        middle = values @ weight
        return np.asarray((values - middle[..., None]) ** 2 @ weight)

    topic = variance(expected_given(reader, model, seen, shares[0], known), weights)
    rest = reader
    nodes, of = np.zeros(1), np.ones(1)
    if of_prompt > 0:
        rest = replace(reader, lasting=0.0)
        nodes, of = normal_nodes(ERRORS)
    each = [expected_given(rest, model, seen + of_prompt * one, sum(shares), known) for one in nodes]
    joint = np.concatenate(each, axis=-1)
    return topic, variance(joint, np.concatenate([one * weights for one in of]))
