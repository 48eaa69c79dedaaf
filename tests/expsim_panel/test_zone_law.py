"""The law of the promising zone: against SciPy's bivariate normal law, its level, and the engine in other worlds."""

import math
from itertools import pairwise
from statistics import NormalDist

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm
from worlds import exact_in, played, tree

from expsim_panel import Study, exact, plan
from expsim_panel.axes import Axis
from expsim_panel.economics import ledger
from expsim_panel.needed import effect_needed, units_needed
from expsim_panel.operating import rejected
from expsim_panel.places import EFFECT
from expsim_panel.surface import response_surface

RULES = [
    {},
    {"sides": 1, "alpha": 0.025, "least": 0.0, "aim": 0.9, "planned_share": 0.3},
    {"planned_share": 0.3, "interim_at": 0.2, "least": 0.05, "aim": 0.95},
    {"planned_share": 1.0, "interim_at": 0.9},
    {"least": 0.01, "aim": 0.02, "planned_share": 0.5},
    {"sides": 1, "alpha": 0.3, "least": 0.4, "aim": 0.45, "planned_share": 0.4},
]


def study_of(rule, **tables):
    return Study.from_tree({**tree(**tables), "strategies": [{"kind": "promising-zone", **rule}]}, "test")


def below(h: float, k: float, rho: float) -> float:
    """P(X <= h, Y <= k), standard normal with correlation `rho`."""
    return float(multivariate_normal([0, 0], [[1, rho], [rho, 1]]).cdf([np.clip(h, -38, 38), np.clip(k, -38, 38)]))


def by_pieces(design, rows: np.ndarray, per_row: float, effect: float) -> tuple[dict[int, float], float, float]:
    """P(it ends on a day), P(found better) and P(found worse), by bisecting for every z at which the day changes.

    `rows` are of both arms by day; the spread of a row is `per_row`.
    """
    days = rows.size
    planned = min(max(math.ceil(design.planned_share * days), 2), days)
    interim = max(min(math.ceil(design.interim_at * planned), planned - 1), 1)
    t, n1 = rows[interim - 1] / rows[planned - 1], rows[interim - 1]
    critical = norm.isf(design.alpha / design.sides)

    quantile = NormalDist().inv_cdf(design.aim)

    def day_of(z: float) -> int:
        best = abs(z) if design.sides == 2 else max(z, 0.0)
        chance = NormalDist().cdf((best / math.sqrt(t) - critical) / math.sqrt(1 - t))
        needed = rows[planned - 1]
        if design.least <= chance < design.aim:
            reach = (critical - best * math.sqrt(t)) / math.sqrt(1 - t) + quantile
            needed = max(needed, n1 * (1 + (reach / best) ** 2) if best > 0 else math.inf)
        return next((d for d in range(planned, days) if rows[d - 1] >= needed * (1 - 1e-12)), days)

    def changes(low: float, high: float) -> list[float]:
        # A step may hold several changes: halves are searched until nothing is left between two of them.
        if day_of(low) == day_of(high):
            return []
        if high - low < 1e-13:
            return [high]
        middle = (low + high) / 2
        return changes(low, middle) + changes(middle, high)

    grid = (np.linspace(-9, 9, 1801) + 1e-7).tolist()
    inner = [edge for low, high in pairwise(grid) for edge in changes(low, high)]
    edges, at = [-math.inf, *inner], [day_of(grid[0]), *(day_of(edge) for edge in inner)]
    edges.append(math.inf)
    spread = per_row * 2  # standard error of the difference of two halves of N rows: spread / sqrt(N)
    m1 = effect / spread * math.sqrt(n1)
    ends: dict[int, float] = {}
    found = {1: 0.0, -1: 0.0}
    for low, high, day in zip(edges[:-1], edges[1:], at, strict=True):
        ends[day] = ends.get(day, 0.0) + norm.cdf(high - m1) - norm.cdf(low - m1)
        m2 = effect / spread * math.sqrt(rows[day - 1] - n1)
        mean = math.sqrt(t) * m1 + math.sqrt(1 - t) * m2
        for side in (1, -1) if design.sides == 2 else (1,):
            # side * combination > critical, jointly with the interim z.
            k = side * mean - critical
            over = below(high - m1, k, -side * math.sqrt(t)) - below(low - m1, k, -side * math.sqrt(t))
            found[side] += over
    return ends, found[1], found[-1]


@pytest.mark.arithmetic
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("effect", [0.0, 0.012, -0.02])
def test_every_figure_follows_from_bivariate_normal_chances(rule, effect):
    study = study_of(
        rule, variants=[{"name": "A", "mean": 3.0}, {"name": "B", "mean": 3.0 + effect}],
        traffic={"units_per_day": 4000, "days": 17},
    )  # fmt: skip
    rows = plan.setting_of(study.scenario).rows.sum(axis=1)
    ends, better, worse = by_pieces(study.strategies[0].design, rows, 1.0, effect)
    found = exact.operating(study.scenario, study.strategies[0], "truth", ledger(study.scenario))
    assert isinstance(found, exact.Exact)
    assert found.values["launch"] == pytest.approx(better, abs=1e-10)
    assert found.values["rejection"] == pytest.approx(better + worse, abs=1e-10)
    assert found.values["days"] == pytest.approx(sum(day * share for day, share in ends.items()), abs=1e-9)
    assert found.values["units"] == pytest.approx(sum(rows[d - 1] * share for d, share in ends.items()), rel=1e-11)
    if effect == 0:
        assert found.values["rejection"] == pytest.approx(study.strategies[0].design.alpha, abs=1e-11)


OTHERS = {
    "novelty": {"traffic": {"days": 14, "novelty": {"size": 0.02, "days": 2.0}}},
    "late outcomes, weekdays": {
        "traffic": {"days": 14, "delay_days": 2, "seasonality": {"traffic": [1, 1, 1, 1, 1, 0.5, 0.25]}}
    },
    "ramp, pooled": {"traffic": {"days": 14, "ramp": {"start": 0.2, "days": 5}}, "analysis": {"estimator": "pooled"}},
    "raters": {
        "evaluator": {
            "kind": "human", "coverage": 0.6, "raters": 8, "severity_sd": 0.4, "noise_sd": 0.6, "seconds": 1.0,
        },
    },
    "labels correct a judge": {
        "evaluator": {
            "kind": "hybrid", "judge": {"scale": 0.8, "offset": 0.3, "item_sd": 0.4}, "human": {"noise_sd": 0.5},
        },
        "traffic": {"days": 10},
    },
    "side by side": {
        "metric": {"family": "pairwise"}, "variants": [{"name": "A", "mean": 0.0}, {"name": "B", "mean": 0.01}],
    },
}  # fmt: skip


@pytest.mark.arithmetic
@pytest.mark.parametrize("world", OTHERS)
def test_it_ends_in_other_worlds_as_the_engine_does(world):
    study = study_of({}, **OTHERS[world])
    for truth in ("truth", "null"):
        out, known = played(study, truth)["promising-zone"], exact_in(study, truth, "promising-zone")
        seen = {"rejection": rejected(out.code), "launch": out.code > 0, "units": out.units.sum(axis=1)}
        for name, each in seen.items():
            # 36 comparisons: all of them fail by chance as rarely as one does at 3 standard errors.
            error = each.std() / math.sqrt(each.size)
            assert abs(each.mean() - known[name]) <= norm.isf(norm.sf(3) / 36) * error, (truth, name)


def test_size_effect_and_surface_are_solved_and_not_simulated():
    study = study_of({}, traffic={"units_per_day": 4000, "days": 10})
    needed = units_needed(study, "promising-zone")
    assert needed.method == "exact"
    assert needed.power is not None
    assert needed.power >= 0.8 > needed.power_before
    smallest = effect_needed(study, "promising-zone")
    assert smallest.method == "exact"
    assert smallest.power == pytest.approx(0.8, abs=1e-9)
    made = response_surface(study, "promising-zone", Axis(EFFECT, np.array([0.0, 0.02, 0.04]), "effect", "", 0.02))
    assert made.errors is None


def test_what_has_no_law_says_why():
    labels = {**OTHERS["labels correct a judge"]["evaluator"], "human": {"noise_sd": 0.5, "delay_days": 1}}
    study = study_of({}, evaluator=labels, traffic={"days": 10})
    found = exact.operating(study.scenario, study.strategies[0], "truth", ledger(study.scenario))
    assert found == "no exact value: labels of the first stage come in the second"
    late = study_of({}, traffic={"units_per_day": 1000, "days": 4, "delay_days": 3})
    found = exact.operating(late.scenario, late.strategies[0], "truth", ledger(late.scenario))
    assert found == "no exact value: the interim look sees no scored response"
