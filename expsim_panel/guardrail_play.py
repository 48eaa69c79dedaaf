"""Guardrails of simulated experiments: readings at the end of each, drawn from their sufficient statistics.

A guardrail has one value per measured unit and is read once, when the experiment ends. Its readings depend on the
numbers of units then and on nothing else of the experiment, so that they are drawn afterwards, by a role of their own:
what was simulated without guardrails stays as it was. Quantiles at the same normal numbers give every strategy and the
null twin common random numbers.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np

from expsim_panel.guardrail import Guardrail
from expsim_panel.guardrail_costs import expected_penalty
from expsim_panel.guardrail_tests import Readings, classify
from expsim_panel.kernels.quantiles import binomial_quantiles
from expsim_panel.kernels.streams import BLOCK, GUARDRAIL, generator
from expsim_panel.results import Outcomes
from expsim_panel.scenario import Scenario

WORLDS = ("truth", "null", "prior")
"""Worlds in which guardrails are read; in the prior's, too, they are as the scenario says."""

AT_MARGIN = 20 * BLOCK // 4
"""Experiments that are also read at the margin: no decision hangs on it, and a quarter keeps the error small."""

_CHUNK = 20
_PLAIN_DF = 200.0


@dataclass(frozen=True)
class Guards:
    """Results of the guardrails of one strategy in one world.

    Attributes
    ----------
    codes : int8 ndarray, shape (replicates, guardrails, arms - 1)
        See `guardrail_tests`.
    at_margin : int8 ndarray, shape (at most `AT_MARGIN`, guardrails, arms - 1), or None
        Codes had every variant's true harm been the margin; in the truth's world alone.
    breached : bool ndarray, shape (arms,)
        Whether an arm truly breaches any guardrail.
    penalty : ndarray, shape (arms,)
        Dollars per response that its breaches cost.
    risk : ndarray, shape (replicates, arms - 1), or None
        The same as each experiment's own data expect it, for its verdict; in the truth's world alone, and None
        without a penalty.
    """

    codes: np.ndarray
    at_margin: np.ndarray | None
    breached: np.ndarray
    penalty: np.ndarray
    risk: np.ndarray | None = None

    def veto(self, chosen: np.ndarray, keep: int, nothing: int) -> np.ndarray:
        """Return decisions after the guardrails: `keep` where one fails, `nothing` where one is unknown.

        Parameters
        ----------
        chosen : int ndarray, shape (replicates,)
            The rule's decision; an arm above 0 would be launched.
        """
        failed, passed = self.of(chosen)
        launched = chosen > 0
        found = np.where(launched & failed, keep, chosen)
        return np.where(launched & ~failed & ~passed, nothing, found).astype(int)

    def of(self, arm: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Tell of one arm of each experiment whether any guardrail fails, and whether all pass."""
        each, column = np.arange(arm.size), np.maximum(arm, 1) - 1
        failed, passed = np.zeros(arm.size, bool), np.ones(arm.size, bool)
        # One guardrail after the other: NumPy's own `any` along an axis of a few is ten times slower.
        for index in range(self.codes.shape[1]):
            mine = self.codes[each, index, column]
            failed |= mine < 0
            passed &= mine == 1
        return failed, passed


def play(scenario: Scenario, seed: int, worlds: Mapping[str, Mapping[str, Outcomes]]) -> dict[tuple[str, str], Guards]:
    """Read the guardrails of all experiments.

    Parameters
    ----------
    worlds : mapping
        Strategy -> world -> outcomes, replicates from the first on.

    Returns
    -------
    dict
        By (strategy, world), for the worlds in `WORLDS`; empty without guardrails.
    """
    rails = scenario.guardrails
    if not rails:
        return {}
    known = [(name, world, out) for name, made in worlds.items() for world, out in made.items() if world in WORLDS]
    arms, made = len(scenario.variants), {}
    for name, world, out in known:
        codes = np.zeros((out.code.size, len(rails), arms - 1), np.int8)
        at_margin = np.zeros_like(codes[:AT_MARGIN]) if world == "truth" else None
        breached = np.array([one.breached(world) for one in rails])
        penalty = np.array([float(one.penalty) for one in rails]) @ breached
        costly = world == "truth" and any(float(one.penalty) > 0 for one in rails)
        risk = np.zeros((out.code.size, arms - 1)) if costly else None
        made[name, world] = Guards(codes, at_margin, np.asarray(breached.any(axis=0)), penalty, risk)
    size = max((out.code.size for _, _, out in known), default=0)
    with ThreadPoolExecutor(os.cpu_count() or 1 if size > BLOCK else 1) as pool:
        for first in range(0, size, _CHUNK * BLOCK):
            part = slice(first, min(first + _CHUNK * BLOCK, size))
            for index, one in enumerate(rails):
                luck = draws(seed, first // BLOCK, part.stop - part.start, index, arms)
                read = partial(_read, one, index, part, luck)
                # All of them are waited for, and an error in one is raised here.
                list(pool.map(lambda entry, read=read: read(made[entry[:2]], *entry[1:]), known))
    return made


def _read(
    one: Guardrail,
    index: int,
    part: slice,
    luck: tuple[np.ndarray, np.ndarray],
    guards: Guards,
    world: str,
    out: Outcomes,
) -> None:
    """Read one guardrail in some replicates of one strategy in one world, and write the codes."""
    units = out.units[part]
    found = readings(one, units, one.truth(world), *luck)
    guards.codes[part, index] = classify(one.rule, found)
    if guards.risk is not None:
        guards.risk[part] += expected_penalty([one], [found], units.shape[1])
    if guards.at_margin is not None and part.start < AT_MARGIN:
        few = min(part.stop, AT_MARGIN) - part.start
        edge = np.full(units.shape[1], one.harmed(one.allowed))
        edge[0] = one.means[0]
        seen = readings(one, units[:few], edge, *(each[:few] for each in luck))
        guards.at_margin[part.start : part.start + few, index] = classify(one.rule, seen)


def watched(scenario: Scenario, seed: int, replicate: int, units: np.ndarray) -> tuple[Readings, ...]:
    """Return the readings of one replicate of the scenario's truth, one entry per guardrail, arrays (arms,)."""
    block, row = divmod(replicate, BLOCK)
    found = []
    for index, one in enumerate(scenario.guardrails):
        level, spread = (luck[row:] for luck in draws(seed, block, row + 1, index, units.size))
        seen = readings(one, units[None], one.truth(), level, spread)
        found.append(Readings(seen.n[0], seen.mean[0], seen.variance[0]))
    return tuple(found)


def draws(seed: int, block: int, size: int, index: int, arms: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the luck of one guardrail in `size` replicates from a block on: two normal arrays (size, arms)."""
    level, spread = [], []
    for each in range(block, block + -(-size // BLOCK)):
        rng = generator(seed, GUARDRAIL, each, index)
        level.append(rng.standard_normal((BLOCK, arms)))
        spread.append(rng.standard_normal((BLOCK, arms)))
    return np.concatenate(level)[:size], np.concatenate(spread)[:size]


def readings(one: Guardrail, units: np.ndarray, means: np.ndarray, level: np.ndarray, spread: np.ndarray) -> Readings:
    """Turn luck into what is measured: the mean and, for numbers, the spread of each arm's units.

    Parameters
    ----------
    units, level, spread : ndarray, shape (replicates, arms)
        Units enrolled; luck of the mean or count, and of the sample variance.
    means : ndarray, shape (arms,)
        True means.
    """
    n = one.rows(units)
    some = np.maximum(n, 1.0)
    if one.binary:
        counts = np.empty(some.shape)
        binomial_quantiles(some, np.asarray(means, float), level, counts)
        rates = counts / some
        return Readings(n, rates, rates)
    sd = float(one.sd)
    return Readings(n, means + sd / np.sqrt(some) * level, sd**2 * scaled_chi2(np.maximum(n - 1, 1.0), spread))


def scaled_chi2(df: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """Return quantiles of chi-square over its degrees of freedom at ``Phi(normal)``.

    Above 200 by Wilson and Hilferty, within 0.1 %.

    References
    ----------
    E. B. Wilson, M. M. Hilferty (1931), PNAS 17, 684-688.
    """
    from scipy.special import gammaincinv, ndtr

    bent = 2 / (9 * df)
    root = np.maximum(1 - bent + normal * np.sqrt(bent), 0.0)
    found = root * root * root
    few = df <= _PLAIN_DF
    if few.any():
        found[few] = gammaincinv(df[few] / 2, ndtr(normal[few])) / (df[few] / 2)
    return np.asarray(found)
