"""The best amount of every source of more evidence, and whether any pays: a search over amounts.

What an amount is worth stands in `evidence_market`; both work on thousands of experiments at once.
"""

from __future__ import annotations

import math

import numpy as np

from expsim_panel.evidence_market import Market, Offer, Seen, Source, Stakes

__all__ = ["Offer", "Seen", "Stakes", "any_pays", "offers", "rounded"]

_FINE = 2.0 ** np.array([-0.75, -0.5, -0.25, 0.25, 0.5, 0.75])
"""Around the best power of two: amounts are named to a fifth, and the benefit is flat there."""


def offers(stakes: Stakes, seen: Seen) -> list[Offer]:
    """Return the best amount of every source, for each experiment.

    Parameters
    ----------
    stakes : Stakes
        What is known besides the data.
    seen : Seen
        Data of k experiments.
    """
    market = Market(stakes, seen)
    return [_best(market, name, source, floor) for name, (source, floor) in market.sources().items()]


def _sizes(market: Market, own: bool) -> np.ndarray:
    """Return powers of two up to the most that could be had; at least two of them."""
    most = float(market.horizon.max()) / 2 if own else float(market.units.max())
    low = 5 if own else 3
    return np.asarray(2.0 ** np.arange(low, math.floor(math.log2(max(most, 2.0 ** (low + 1)))) + 1))


def any_pays(stakes: Stakes, seen: Seen, skip: int = 0) -> np.ndarray:
    """Tell for which experiments some source has an ENBS above zero; agrees with `offers`, and is much faster.

    Experiments leave as soon as one amount pays, or where even endless rows would not pay for the smallest amount.
    What is close to paying is looked at as `offers` does.

    Parameters
    ----------
    skip : int
        Leave out so many of the first sources.
    """
    found = np.zeros(seen.effect.size, bool)
    close = np.zeros(seen.effect.size, bool)
    everything = Market(stakes, seen)
    for name in list(everything.sources())[skip:]:
        left = np.flatnonzero(~found)
        if not left.size:
            break
        market = everything.part(left)
        source, floor = market.sources()[name]
        own = name == stakes.who.own
        sizes = _sizes(market, own)
        least = source(sizes[None, :1])
        tried = least.units / 2 * stakes.money.exposures_per_unit * np.abs(market.gain)
        # Cost and what a test forgoes grow with the amount, worth does not beyond the ceiling.
        most = market.ceiling(name, floor) / np.maximum((least.cost + tried)[:, 0], 1e-300) * sizes[0]
        hopeful = most > sizes[0]
        left, most = left[hopeful], most[hopeful]
        # A few experiments tell which amounts to try first.
        few = everything.part(left[:50])
        trial, _ = few.net(few.sources()[name][0](sizes[None, :])) if left.size else (np.zeros((1, sizes.size)), None)
        often = np.bincount(trial.argmax(axis=1), minlength=sizes.size)
        for at in np.argsort(-often, kind="stable"):
            now = most > sizes[at]
            if not now.any():
                continue
            asked = left[now]
            market = everything.part(asked)
            net, value = market.net(market.sources()[name][0](sizes[None, at : at + 1]))
            found[asked[net[:, 0] > 0]] = True
            close[asked[net[:, 0] > -0.15 * value[:, 0]]] = True
            open_still = ~found[left]
            left, most = left[open_still], most[open_still]
    near = np.flatnonzero(close & ~found)
    if near.size:
        best = np.max([one.net_benefit for one in offers(stakes, seen.part(near))[skip:]], axis=0)
        found[near] = best > 0
    return found


def _best(market: Market, name: str, source: Source, floor: float) -> Offer:
    own = name == market.stakes.who.own
    k = np.arange(market.seen.effect.size)
    sizes = _sizes(market, own)
    first, _ = market.net(source(sizes[None, :]))
    start = sizes[first.argmax(axis=1)][:, None]
    around = rounded(2 * np.concatenate([start, start * _FINE], axis=1)) / 2
    # The most that can be had is worth trying too: labels for everything that was scored.
    around = np.concatenate([around, np.floor(market.rows), np.maximum(np.floor(market.units), 1.0)], axis=1)
    if market.stakes.who.own == "hybrid" and not own:
        judged = market.rows / market.stakes.who.label_share
        left = judged - market.rows if name == "human" else market.units - judged
        around = np.concatenate([around, np.maximum(np.floor(left), 1.0)], axis=1)
    found = source(around)
    net, value = market.net(found)
    at = net.argmax(axis=1)

    def pick(table: np.ndarray) -> np.ndarray:
        return np.asarray(table[k, at])

    return Offer(
        name, own, pick(net), pick(value), market.ceiling(name, floor),
        *(pick(part) for part in (found.units, found.labels, found.scores, found.cost, found.days)),
    )  # fmt: skip


def rounded(values: np.ndarray) -> np.ndarray:
    """Round up to two significant digits and an even number: a recommendation is not a measurement."""
    values = np.maximum(np.asarray(values, float), 1.0)
    unit = 10.0 ** np.maximum(np.floor(np.log10(values)) - 1, 0)
    return np.asarray(2 * np.ceil(np.ceil(values / unit - 1e-9) * unit / 2))
