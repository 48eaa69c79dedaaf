"""Rankings played: how often side-by-side votes put the right variant first, and what ignoring prompts does."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from expsim_panel.errors import InputError, shown
from expsim_panel.kernels.streams import EVALUATOR, OUTCOME, generator
from expsim_panel.operating import mean as mean_of
from expsim_panel.operating import proportion
from expsim_panel.ranking import Ints, Likelihood, demand_finite
from expsim_panel.results import Figure
from expsim_panel.rows import Floats

_WHERE = "rank"
MOST_VARIANTS, MOST_REPLICATES, MOST_VOTES = 20, 100_000, 1_000_000
_NODES = 64


@dataclass(frozen=True)
class VotingWorld:
    """How votes come about.

    Attributes
    ----------
    strengths : tuple of float
        True log abilities.
    tie : float
        nu of Davidson's model, 0: no ties.
    position : float
        Log advantage of being shown first.
    judge_bias : tuple of float
        What the judge adds to each log ability; empty: nothing.
    prompts, per_prompt : int
        Prompts, and pairs (at random) compared on each.
    both_orders : bool
        Whether each pair is shown in both orders, two votes.
    prompt_sd : float
        SD of a variant's own ability between prompts, which makes votes on one prompt alike.
    """

    strengths: tuple[float, ...]
    tie: float = 0.0
    position: float = 0.0
    judge_bias: tuple[float, ...] = ()
    prompts: int = 200
    per_prompt: int = 3
    both_orders: bool = False
    prompt_sd: float = 0.0

    def __post_init__(self) -> None:
        arms = len(self.strengths)
        if not 2 <= arms <= MOST_VARIANTS:
            raise InputError(
                _WHERE, "--strengths", f"{arms} variant{'s' * (arms != 1)}", f"give 2 to {MOST_VARIANTS} log strengths"
            )
        if self.judge_bias and len(self.judge_bias) != arms:
            problem = f"{len(self.judge_bias)} biases for {arms} variants"
            raise InputError(_WHERE, "--judge-bias", problem, "give one for each variant")
        for flag, values in (("--strengths", self.strengths), ("--judge-bias", self.judge_bias)):
            for one in values:
                if not (math.isfinite(one) and abs(one) <= 20):
                    raise InputError(_WHERE, flag, f"{shown(one)}", "give log strengths within 20 of 0")
        checks = (
            ("--tie", self.tie, 0.0, 1000.0), ("--position", self.position, -20.0, 20.0),
            ("--prompt-sd", self.prompt_sd, 0.0, 20.0), ("--prompts", self.prompts, 2, MOST_VOTES),
            ("--per-prompt", self.per_prompt, 1, 1000),
        )  # fmt: skip
        for flag, value, low, high in checks:
            if not (math.isfinite(value) and low <= value <= high):
                raise InputError(_WHERE, flag, f"{shown(value)}", f"give {low:g} to {high:,.0f}")
        if self.votes > MOST_VOTES:
            problem = f"{self.votes:,} votes in each ranking"
            raise InputError(_WHERE, "--prompts", problem, f"stay within {MOST_VOTES:,}")

    @property
    def votes(self) -> int:
        """Votes in one ranking."""
        return self.prompts * self.per_prompt * (2 if self.both_orders else 1)

    @property
    def seen(self) -> Floats:
        """Log abilities as the judge sees them."""
        return np.add(self.strengths, self.judge_bias or [0.0] * len(self.strengths), dtype=float)


@dataclass(frozen=True)
class Simulated:
    """One variant over many rankings.

    Attributes
    ----------
    strength : float
        As given.
    target, limit : float
        What endless prompts would estimate from votes of an unbiased judge, and of this one; abilities sum to 0. A
        spread between prompts brings both closer to 0 than the strengths.
    bias : Figure
        Mean estimate less `target`.
    sd, se, se_independent : float
        SD of the estimate over rankings, mean clustered standard error, mean one that ignores prompts.
    coverage, coverage_limit, coverage_independent : Figure
        P(the clustered interval holds `target`; holds `limit`; the one that ignores prompts holds `limit`).
    p_first : Figure
        P(ranked first).
    """

    strength: float
    target: float
    limit: float
    bias: Figure
    sd: float
    se: float
    se_independent: float
    coverage: Figure
    coverage_limit: Figure
    coverage_independent: Figure
    p_first: Figure


@dataclass(frozen=True)
class SimulatedRankings:
    """Many rankings.

    Attributes
    ----------
    world : VotingWorld
        What was played.
    variants : tuple of Simulated
        In the order of the strengths.
    best_right, order_right, agreement : Figure
        P(a truly best variant is ranked first), P(the whole order is right), Kendall's tau of estimates and strengths.
    wrong_finding, wrong_finding_independent : Figure or None
        Share of rankings in which an interval of a pair's difference excludes 0 on the wrong side, or at all where the
        two are equally strong; and with intervals that ignore prompts.
    position : Figure or None
        Mean estimated advantage of the first place; None where it is not fitted.
    unusable : Figure
        Share of rankings with an infinite ability, left out above.
    replicates, seed : int
        As asked for.
    """

    world: VotingWorld
    variants: tuple[Simulated, ...]
    best_right: Figure
    order_right: Figure
    agreement: Figure
    wrong_finding: Figure
    wrong_finding_independent: Figure
    position: Figure | None
    unusable: Figure
    replicates: int
    seed: int


def cells_of(arms: int) -> Ints:
    """Return every ordered pair with every outcome, shape (arms (arms - 1) 3, 3)."""
    made = [(i, j, y) for i in range(arms) for j in range(arms) if i != j for y in (1, 0, -1)]
    return np.array(made, dtype=np.int64)


def chances(difference: Floats, tie: float, position: float) -> Floats:
    """Return P(first wins, tie, second wins) for differences of log ability, shape (..., 3)."""
    up = difference + position
    top = np.maximum(np.maximum(up, 0.0), difference / 2)
    parts = np.stack([np.exp(up - top), tie * np.exp(difference / 2 - top), np.exp(-top)], axis=-1)
    return np.asarray(parts / parts.sum(axis=-1, keepdims=True))


def limit(world: VotingWorld, abilities: Floats, position: bool = True) -> Floats:
    """Return the abilities that endless prompts would estimate: the fit to the expected votes."""
    from scipy.special import roots_hermitenorm

    cells = cells_of(len(abilities))
    pairs = cells[::3]
    nodes, weights = roots_hermitenorm(_NODES)
    spread = math.sqrt(2) * world.prompt_sd * nodes
    gap = (abilities[pairs[:, 0]] - abilities[pairs[:, 1]])[:, None] + spread
    p = (chances(gap, world.tie, world.position) * (weights / weights.sum())[None, :, None]).sum(axis=1).reshape(-1)
    some = p > 0
    design = Likelihood(len(abilities), world.tie > 0, position)
    return np.asarray(design.abilities() @ design.fit(cells[some], p[some]))


def draw(world: VotingWorld, rng: np.random.Generator) -> Floats:
    """Draw one set of votes: counts by prompt and cell, shape (prompts, cells)."""
    arms, n, m = len(world.strengths), world.prompts, world.per_prompt
    ability = world.seen + world.prompt_sd * rng.standard_normal((n, arms))
    i = rng.integers(0, arms, (n, m))
    j = rng.integers(0, arms - 1, (n, m))
    j += j >= i
    if world.both_orders:
        i, j = np.concatenate([i, j], axis=1), np.concatenate([j, i], axis=1)
    row = np.arange(n)[:, None]
    p = chances(ability[row, i] - ability[row, j], world.tie, world.position)
    u = rng.random(i.shape)
    outcome = (u > p[..., 0]).astype(np.int64) + (u > p[..., 0] + p[..., 1])
    at = (i * (arms - 1) + j - (j > i)) * 3 + outcome
    table = np.zeros((n, arms * (arms - 1) * 3))
    np.add.at(table, (row, at), 1.0)
    return table


def fitted(arms: int, cells: Ints, table: Floats, position: bool) -> tuple[Floats, Floats, Floats, float]:
    """Return abilities, their covariance by prompts and by votes, and the place's advantage; `ranking` says how."""
    counts = table.sum(axis=0)
    some = counts > 0
    here, counts, table = cells[some], counts[some], table[:, some]
    demand_finite(tuple(f"variant {k + 1}" for k in range(arms)), here[:, 0], here[:, 1], here[:, 2].astype(float))
    design = Likelihood(arms, bool((here[:, 2] == 0).any()), position)
    theta = design.fit(here, counts)
    scores, information = design.derivatives(theta, here)
    bread = np.linalg.inv((information * counts[:, None, None]).sum(axis=0))
    summed, votes, n = table @ scores, counts.sum(), len(table)
    to = design.abilities() @ bread
    by_prompt = to @ (summed.T @ summed) @ to.T * n / (n - 1)
    by_vote = to @ ((scores * counts[:, None]).T @ scores) @ to.T * votes / (votes - 1)
    return design.abilities() @ theta, by_prompt, by_vote, float(theta[design.place]) if position else 0.0


def simulate(
    world: VotingWorld,
    *,
    replicates: int = 1000,
    seed: int = 1,
    position: bool = True,
    level: float = 0.95,
    progress: Callable[[int, int], None] | None = None,
) -> SimulatedRankings:
    """Draw votes `replicates` times, rank each time, and count how well that went.

    Parameters
    ----------
    position : bool
        Whether the analysis fits an advantage of the first place.
    level : float
        Of the intervals.

    Raises
    ------
    InputError
        Replicates or seed out of range; a world whose abilities no number of votes would tell.
    """
    from scipy.special import stdtrit

    if isinstance(replicates, bool) or not 10 <= replicates <= MOST_REPLICATES:
        raise InputError(_WHERE, "--replicates", f"{shown(replicates)}", f"give 10 to {MOST_REPLICATES:,}")
    if isinstance(seed, bool) or seed < 0:
        raise InputError(_WHERE, "--seed", f"{shown(seed)}", "give 0 or a larger whole number")
    if not 0 < level < 1:
        raise InputError(_WHERE, "--level", f"{shown(level)} is no confidence", "give a number between 0 and 1")
    arms, cells = len(world.strengths), cells_of(len(world.strengths))
    strengths = np.asarray(world.strengths, float)
    found: list[tuple[Floats, Floats, Floats, float]] = []
    for k in range(replicates):
        # An ability without a finite estimate is counted, not hidden.
        with suppress(InputError, np.linalg.LinAlgError):
            found.append(fitted(arms, cells, draw(world, generator(seed, OUTCOME, k, EVALUATOR)), position))
        if progress and (k + 1) % 50 == 0:
            progress(k + 1, replicates)
    unusable = proportion(np.arange(replicates) >= len(found))
    if len(found) < 10:
        problem = f"an ability is infinite in {replicates - len(found)} of {replicates} rankings"
        raise InputError(_WHERE, "--prompts", problem, "give more prompts or votes")
    target, aim = limit(world, strengths, position), limit(world, world.seen, position)
    ability, by_prompt, by_vote = (np.array([one[k] for one in found]) for k in range(3))
    variances = [np.diagonal(c, axis1=1, axis2=2) for c in (by_prompt, by_vote)]
    se, plain = (np.sqrt(np.maximum(v, 0.0)) for v in variances)
    reaches = (float(stdtrit(world.prompts - 1, (1 + level) / 2)), float(stdtrit(world.votes - 1, (1 + level) / 2)))
    top = ability.argmax(axis=1)
    sign = np.sign(strengths[:, None] - strengths[None, :])[np.triu_indices(arms, 1)]
    gap = (ability[:, :, None] - ability[:, None, :])[:, *np.triu_indices(arms, 1)]
    wrong = [_wrong(gap, c, reach, sign) for c, reach in zip((by_prompt, by_vote), reaches, strict=True)]
    variants = tuple(
        Simulated(
            float(strengths[k]), float(target[k]), float(aim[k]), mean_of(ability[:, k] - target[k], spread=False),
            float(ability[:, k].std(ddof=1)), float(se[:, k].mean()), float(plain[:, k].mean()),
            proportion(np.abs(ability[:, k] - target[k]) <= reaches[0] * se[:, k]),
            proportion(np.abs(ability[:, k] - aim[k]) <= reaches[0] * se[:, k]),
            proportion(np.abs(ability[:, k] - aim[k]) <= reaches[1] * plain[:, k]),
            proportion(top == k),
        )
        for k in range(arms)
    )  # fmt: skip
    told = sign != 0
    agree = np.sign(gap) * sign
    pairs = max(int(told.sum()), 1)
    return SimulatedRankings(
        world,
        variants,
        proportion(strengths[top] == strengths.max()),
        proportion((agree[:, told] > 0).all(axis=1)),
        mean_of(agree.sum(axis=1) / pairs, spread=False),
        proportion(wrong[0]),
        proportion(wrong[1]),
        mean_of(np.array([one[3] for one in found]), spread=False) if position else None,
        unusable,
        replicates,
        seed,
    )


def _wrong(gap: Floats, covariance: Floats, reach: float, sign: Floats) -> npt.NDArray[np.bool_]:
    """Tell which rankings find a difference on the wrong side, or one where there is none."""
    i, j = np.triu_indices(covariance.shape[1], 1)
    variance = covariance[:, i, i] + covariance[:, j, j] - 2 * covariance[:, i, j]
    said = np.where(np.abs(gap) > reach * np.sqrt(np.maximum(variance, 0.0)), np.sign(gap), 0.0)
    return np.asarray(((said != 0) & (said != sign)).any(axis=1))


def world_of(strengths: Sequence[float], judge_bias: Sequence[float] = (), **rest: float) -> VotingWorld:
    """Return a world from lists; `rest` as in `VotingWorld`."""
    return VotingWorld(tuple(map(float, strengths)), judge_bias=tuple(map(float, judge_bias)), **rest)  # type: ignore[arg-type]
