"""Step-wise tests of several variants: against SciPy's normal integrals, Dunnett's error, plain draws, the engine."""

import math

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

from expsim_panel import Study
from expsim_panel.multiplicity import dunnett_error, rejected
from expsim_panel.step_law import StepTest, step_wins

ALPHA = 0.1


def rule(kind: str, variants: int, sides: int) -> StepTest:
    at = np.arange(1, variants + 1)
    levels = ALPHA * (at / variants if kind == "bh" else 1 / (variants - at + 1))
    return StepTest(norm.isf(levels / sides), kind == "bh", sides == 2)


def over(centre, first: float, second: float, signs=(1, 1)) -> float:
    """P(signs z > bounds) of two variants that share their control evenly."""
    signs = np.array(signs)
    law = np.array([[1, 0.5], [0.5, 1]]) * np.outer(signs, signs)
    return float(multivariate_normal(-signs * np.array(centre), law).cdf([-first, -second]))


@pytest.mark.arithmetic
@pytest.mark.parametrize("sides", [1, 2])
@pytest.mark.parametrize("means", [(0.0, 0.0), (0.08, 0.05), (0.1, -0.1)])
def test_two_variants_by_rectangles(means, sides):
    centre = np.array(means) / math.sqrt(2 / 1000)
    arms = np.array([0.0, *means]), np.ones(3), np.full(3, 1000.0)
    better = np.array([True, True])
    holm, bh = (step_wins(*arms, rule(kind, 2, sides), better) for kind in ("holm", "bh"))
    first, second = norm.isf(ALPHA / 2 / sides), norm.isf(ALPHA / sides)
    both = over(centre, first, second) + over(centre, second, first) - over(centre, first, first)
    assert holm.every == pytest.approx(both, abs=1e-9)
    assert bh.every == pytest.approx(over(centre, second, second), abs=1e-9)
    any_over = sum(norm.sf(first - centre)) - over(centre, first, first)
    # Holm: a variant between the bounds wins where the other lost beyond the first one.
    lost = [over(centre, second, first, (1, -1)) - over(centre, first, first, (1, -1))]
    lost += [over(centre, first, second, (-1, 1)) - over(centre, first, first, (-1, 1))]
    assert holm.wins.sum() == pytest.approx(any_over + (sum(lost) if sides == 2 else 0.0), abs=1e-9)
    # Benjamini-Hochberg: that, both between the bounds, or one and a loss beyond the second.
    middle = over(centre, second, second) - over(centre, first, second) - over(centre, second, first)
    middle += over(centre, first, first)
    apart = [over(centre, second, second, (1, -1)) - over(centre, first, second, (1, -1))]
    apart += [over(centre, second, second, (-1, 1)) - over(centre, second, first, (-1, 1))]
    assert bh.wins.sum() == pytest.approx(any_over + middle + (sum(apart) if sides == 2 else 0.0), abs=1e-9)
    worse = [over(-centre, one, two) for one, two in ((first, second), (second, first), (first, first))]
    assert holm.low == pytest.approx((worse[0] + worse[1] - worse[2]) if sides == 2 else 0.0, abs=1e-9)
    assert bh.low == pytest.approx(over(-centre, second, second) if sides == 2 else 0.0, abs=1e-9)


@pytest.mark.arithmetic
@pytest.mark.parametrize("rows", [[100, 100, 100], [400, 100, 50, 75], [50] * 7])
def test_without_a_difference_one_sided_holm_has_dunnetts_error_at_bonferronis_bound(rows):
    variants = len(rows) - 1
    arms = np.zeros(variants + 1), np.ones(variants + 1), np.array(rows, float)
    found = step_wins(*arms, rule("holm", variants, 1), np.zeros(variants, bool))
    assert found.wins.sum() == pytest.approx(dunnett_error(norm.isf(ALPHA / variants), variants, 1, rows), abs=1e-9)
    assert math.isnan(found.every)
    # The false discovery rate is at most alpha for variants that share a control (Benjamini, Yekutieli 2001).
    found = step_wins(*arms, rule("bh", variants, 1), np.zeros(variants, bool))
    assert ALPHA / 2 < found.wins.sum() <= ALPHA


MANY = {
    "four, uneven": ([0, 0.1, -0.15, 0.05, -0.1], [1, 1, 1.5, 0.8, 1], [800, 500, 700, 600, 400]),
    "six": ([0, 0.05, 0.08, 0.0, 0, 0.1, -0.05], [1] * 7, [700] * 7),
    "all worse": ([0, -0.1, -0.15, -0.12], [1] * 4, [1000] * 4),
}


def by_procedure(p: np.ndarray, kind: str) -> np.ndarray:
    """Return what is rejected, rank by rank."""
    order, size, variants = np.argsort(p, axis=1), *p.shape
    taken, going = np.zeros(p.shape, bool), np.ones(size, bool)
    for i in range(variants):
        # Down: as long as the next is small enough. Up: from the other end, until one is.
        at = i if kind == "holm" else variants - 1 - i
        which = order[:, at]
        own = p[np.arange(size), which]
        if kind == "holm":
            going &= own <= ALPHA / (variants - i)
            taken[np.arange(size), which] = going
        else:
            going &= own > ALPHA * (at + 1) / variants
            taken[np.arange(size), which] = ~going
    return taken


@pytest.mark.arithmetic
@pytest.mark.parametrize("sides", [1, 2])
@pytest.mark.parametrize("kind", ["holm", "bh"])
@pytest.mark.parametrize("problem", MANY)
def test_more_variants_by_draws(problem, kind, sides):
    """By adjusted p-values of 100,000 draws, procedure by procedure."""
    means, sds, rows = (np.array(part, float) for part in MANY[problem])
    better = means[1:] > 0
    found = step_wins(means, sds, rows, rule(kind, better.size, sides), better)
    size = 100_000
    draws = means + np.random.default_rng(20261130).standard_normal((size, means.size)) * sds / np.sqrt(rows)
    variance = sds**2 / rows
    z = (draws[:, 1:] - draws[:, :1]) / np.sqrt(variance[1:] + variance[0])
    p = 2 * norm.sf(np.abs(z)) if sides == 2 else norm.sf(z)
    taken = by_procedure(p, kind)
    assert taken[:200].tolist() == [rejected(each, ALPHA, kind).tolist() for each in p[:200]]
    gain = taken & (z > 0)
    winner = np.where(gain.any(axis=1), np.where(gain, z, -np.inf).argmax(axis=1), -1)
    seen = [(np.mean(winner == j), found.wins[j]) for j in range(better.size)]
    seen.append((np.mean(taken.all(axis=1) & (z < 0).all(axis=1)), found.low))
    if better.any():
        seen.append((np.mean(gain[:, better].all(axis=1)), found.every))
    for share, chance in seen:
        # At most 84 comparisons; what is expected less than once may happen a few times.
        assert abs(share - chance) <= 4.2 * math.sqrt(chance * (1 - chance) / size) + 3 / size, (share, chance)


def test_a_study_shows_them_and_plays_them():
    kinds = [
        {"kind": kind, "name": f"{kind}, {sides}", "sides": sides}
        for kind in ("holm", "benjamini-hochberg")
        for sides in (1, 2)
    ]
    study = Study.load("ranking-diversity", ["traffic.units_per_day=300"])
    study = Study.from_tree({**study.scenario.to_tree(), "strategies": kinds}, "test")
    compared = 0
    for one in study.run(replicates=20_000, seed=11).strategies:
        for name in ("power", "type1_error", "cost", "units"):
            figure = one.figures[name]
            assert figure.exact is not None, (one.name, name)
            compared += 1
            assert abs(figure.value - figure.exact) <= 4 * figure.se + 1e-9 * abs(figure.exact), (one.name, name)
    assert compared == 16


def test_too_many_variants_are_played():
    study = Study.load("ranking-diversity")
    tree = study.scenario.to_tree()
    arms = [{"name": f"V{i}", "mean": tree["variants"][0]["mean"] + 0.01 * i} for i in range(10)]
    tree |= {"variants": arms, "strategies": [{"kind": "holm"}]}
    tree["traffic"].pop("shares", None)
    tree.pop("guardrails", None)
    one = Study.from_tree(tree, "test").run(replicates=1000, seed=3).strategies[0]
    assert one.figures["power"].exact is None
