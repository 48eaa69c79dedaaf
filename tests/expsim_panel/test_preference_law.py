"""Judge, people and both on comparisons: against comparisons drawn one by one, and against studies of the same world."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from scipy.stats import norm
from worlds import played, tree

from expsim_panel import plan
from expsim_panel.__main__ import main
from expsim_panel.errors import InputError
from expsim_panel.estimators import ppi_plus_plus
from expsim_panel.evaluation_budget import (
    Rows,
    mean_difference,
    need,
    option,
    rows_for,
    setting,
    variance_of_difference,
)
from expsim_panel.evaluation_laws import PairLaw, pair_law
from expsim_panel.evaluation_simulation import compare, estimates
from expsim_panel.evaluator_answers import answers
from expsim_panel.operating import estimates as estimated
from expsim_panel.scenario import Scenario
from expsim_panel.study import Study

JUDGE = {"scale": 0.8, "item_variant_sd": 0.4, "repeat_sd": 0.3, "position_bias": 0.3, "differential_bias": 0.05,
         "suspected_bias_sd": 0.1, "price_override": 0.01, "seconds": 1.0}  # fmt: skip
HUMAN = {"noise_sd": 0.5, "price_per_label": 0.5, "raters": 200, "seconds": 20.0}


def world(kind: str = "judge", judge: Any = (), human: Any = (), **tables: Any) -> dict[str, Any]:
    """Return a scenario side by side whose judge and people are both known."""
    parts = {"judge": {**JUDGE, **dict(judge)}, "human": {**HUMAN, "coverage": 0.2, **dict(human)}}
    own = {"kind": kind, **({"label_share": 0.2} if kind == "hybrid" else {})}
    metric = {"name": "preference", "family": "pairwise", "tie_band": 0.25, **tables.pop("metric", {})}
    variants = tables.pop("variants", [{"name": "A", "mean": 0.0}, {"name": "B", "mean": 0.12}])
    traffic = {"units_per_day": 2000, "days": 4, **tables.pop("traffic", {})}
    made = tree(variants=variants, traffic=traffic, evaluators=parts, prior={"effect_sd": 0.1}, **tables)
    made["metric"], made["evaluator"] = metric, own
    return made


def scenario(*args: Any, **tables: Any) -> Scenario:
    """Return that scenario, built."""
    return Scenario.from_tree(world(*args, **tables), "test")


def drawn(law: Scenario, orders: str, votes: int, refused: float, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return labels, verdicts and whether the judge answered, one comparison after the other."""
    rng = np.random.default_rng(5)
    true = 0.12 + rng.standard_normal(n)
    own = JUDGE["scale"] * true + JUDGE["differential_bias"] + math.sqrt(2) * 0.4 * rng.standard_normal(n)

    def said(seen: np.ndarray) -> np.ndarray:
        return (seen > 0.25).astype(float) - (seen < -0.25)

    def read(place: np.ndarray | float) -> np.ndarray:
        return said(own + place + math.sqrt(2) * 0.3 * rng.standard_normal(n))

    if orders == "both":
        first, second = read(0.3), read(-0.3)
        verdict = np.where(first == second, first, 0.0)
    else:
        verdict = read(np.where(rng.random(n) < 0.5, 0.3, -0.3))
    labels = said(true[:, None] + math.sqrt(2) * 0.5 * rng.standard_normal((n, votes)))
    wins, losses = (labels > 0).sum(axis=1), (labels < 0).sum(axis=1)
    label = (2 * wins > votes).astype(float) - (2 * losses > votes)
    usable = rng.random(n) >= refused
    return label, np.where(usable, verdict, 0.0), usable


@pytest.mark.parametrize(("orders", "votes", "refused"), [("random", 1, 0.0), ("both", 3, 0.0), ("both", 1, 0.3)])
def test_moments_are_those_of_comparisons(orders: str, votes: int, refused: float) -> None:
    made = scenario(judge={"orders": orders, "refusals": refused}, human={"labels_per_item": votes})
    law, n = pair_law(made, 1), 400_000
    label, verdict, usable = drawn(made, orders, votes, refused, n)
    assert law.label[0] == pytest.approx(label.mean(), abs=4 / math.sqrt(n))
    assert law.score[0] == pytest.approx(verdict.mean(), abs=4 / math.sqrt(n))
    assert law.label_sd[0] == pytest.approx(label.std(), rel=0.005)
    assert law.score_sd[0] == pytest.approx(verdict.std(), rel=0.005)
    assert law.rho[0] == pytest.approx(np.corrcoef(label, verdict)[0, 1], abs=4 / math.sqrt(n))
    assert law.alone[0] == pytest.approx(verdict[usable].mean(), abs=4 / math.sqrt(n))
    assert law.alone_sd[0] == pytest.approx(verdict[usable].std(), rel=0.005)
    assert law.usable[0] == pytest.approx(1 - refused)
    # Labels correct the verdicts as the rows say.
    size, few, many = 1000, 100, 400
    slow = [ppi_plus_plus(*parts, bounds=None) for parts in (
        (label[at : at + few], verdict[at : at + few], verdict[at + few : at + many])
        for at in range(0, size * many, many)
    )]  # fmt: skip
    values, variances = estimates(law, "hybrid", Rows(few, many), 4000, 1, 0)
    error = values.std() * math.sqrt(1 / size + 1 / 4000)
    assert values.mean() == pytest.approx(np.mean([one.value for one in slow]), abs=4 * error)
    assert values.std() == pytest.approx(np.std([one.value for one in slow]), rel=4 / math.sqrt(2 * size))
    assert variances.mean() == pytest.approx(np.mean([one.small_variance for one in slow]), rel=0.02)


@pytest.mark.parametrize("tables", [
    {"judge": {"orders": "both"}},
    {"judge": {"refusals": 0.3}, "metric": {"direction": "decrease"}},
    {"metric": {"tie_model": "davidson", "tie_parameter": 0.7, "tie_band": 0.0}, "human": {"labels_per_item": 3}},
    {"variants": [{"name": name, "mean": mean} for name, mean in (("A", 0.1), ("B", 0.0), ("C", 0.25))]},
], ids=["both orders", "refusals", "davidson", "three"])  # fmt: skip
def test_each_kind_is_the_study_of_that_kind(tables: dict[str, Any]) -> None:
    """Mean, error and power of the closed forms at a study's own counts, in that study and in its null twin."""
    base = scenario(**tables)
    what, arm = setting(base), 1 + int(base.effects[1:].argmax())
    for kind in ("judge", "human", "hybrid"):
        study = Study.from_tree(world(kind, **tables), "test", names=["fixed-horizon"])
        for null in (False, True):
            out, size = played(study, "null" if null else "truth", 10_000)["fixed-horizon"], 10_000
            effect = estimated(out, False).effect[:, arm - 1]
            n = int(out.rows[0, arm])
            asked = round(n / (1 - study.scenario.evaluator.refusals)) if kind == "judge" else 5 * n
            rows = Rows(0 if kind == "judge" else n, 0 if kind == "human" else asked)
            law = what.null if null else what.law
            sd = math.sqrt(variance_of_difference(law, kind, rows))
            told = plan.law(study.scenario, "null" if null else "truth", 1, 0, 1)
            split = out.rows[0, [0, arm]]
            assert (told.sds[0, [0, arm]] ** 2 / split).sum() == pytest.approx(sd**2, rel=2e-3), kind
            assert effect.mean() == pytest.approx(mean_difference(what, law, kind), abs=4 * sd / math.sqrt(size)), kind
            assert effect.std() == pytest.approx(sd, rel=4 / math.sqrt(2 * size) + 2 / n), kind
            one = option(what, kind, rows)
            if len(base.variants) == 2:
                chance = one.false_rejection if null else one.power
                found = float((out.code != 0).mean())
                assert found == pytest.approx(chance, abs=4 * math.sqrt(chance * (1 - chance) / size) + 0.004), kind


def test_both_orders_cost_twice_and_a_comparison_is_paid_once() -> None:
    one, two = setting(scenario()), setting(scenario(judge={"orders": "both"}))
    assert two.cost_judge == pytest.approx(2 * one.cost_judge)
    assert one.law.samples == 1
    assert one.pace.cap == 4000
    rows = rows_for(one, "human", 100.0)
    assert rows == Rows(200, 0)
    assert option(one, "human", rows).cost == pytest.approx(100.0)
    assert option(one, "human", rows).days == pytest.approx(0.2)
    # The suspicion is of latent points; what it makes of equal variants is a net win rate.
    spread = math.sqrt(0.8**2 + 2 * 0.4**2 + 2 * 0.3**2)
    wanted = np.mean([norm.cdf((m - 0.25) / spread) - norm.cdf((-m - 0.25) / spread) for m in (0.4, -0.2)])
    assert one.bias_sd == pytest.approx(float(wanted), rel=1e-9)
    assert need(one, "judge", 0.5 * one.bias_sd).budget is None


def test_repeats_by_hand() -> None:
    """One reading in a random order: the chances of a probit with all its errors, and their slope."""
    found = answers(scenario(judge={"position_bias": 0.0}), 200.0).repeats
    assert set(found.loss) == {"judge calls", "raters"}
    counts = np.arange(1, 13)
    spread = np.sqrt(0.8**2 + 2 * 0.4**2 + 2 * 0.3**2 / counts)
    variance, slope = 2 * norm.cdf(-0.25 / spread), 0.8 * 2 * norm.pdf(0.25 / spread) / spread
    cost = variance / slope**2 * (counts * 0.01)
    np.testing.assert_allclose(found.loss["judge calls"], cost / cost.min(), rtol=1e-3)
    assert found.best["judge calls"] == counts[cost.argmin()]


def test_no_label_and_no_judge_are_gains_of_the_hybrid() -> None:
    made = scenario(judge={"orders": "both"})
    found = compare(made, 200.0, replicates=4000)
    one: PairLaw = found.setting.law
    assert [each.name for each, _ in found.options] == ["judge", "human", "hybrid"]
    judge, human, hybrid = (each for each, _ in found.options)
    assert hybrid.se < human.se
    assert judge.bias == pytest.approx(float(one.alone[0]) - made.effects[1])
    for kind in ("judge", "human", "hybrid"):
        errors = [point.rmse[kind] for point in found.frontier if point.rmse[kind] is not None]
        assert errors == sorted(errors, reverse=True)


def test_the_command_counts_comparisons(capsys: pytest.CaptureFixture[str]) -> None:
    main(["evaluators", "side-by-side-prompt", "--budget", "60", "--replicates", "200", "--json", "-"])
    told = json.loads(capsys.readouterr().out)
    human = told["options"][1]
    assert human["labelled"] == 200
    assert human["cost"] == pytest.approx(60.0)
    assert told["split"]["labelled"] * told["cost_human"] < 60
    main(["evaluators", "side-by-side-prompt", "--replicates", "200"])
    assert "count comparisons" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(("part", "change", "key"), [
    ("judge", {"scale": 0.0}, "evaluators.judge.scale"),
    ("judge", {"pile_up": 0.2}, "evaluators.judge.pile_up"),
    ("human", {"adjudication": True, "labels_per_item": 2}, "evaluators.human.adjudication"),
    ("human", {"labels_per_item": 3, "raters": 2}, "evaluators.human.labels_per_item"),
])  # fmt: skip
def test_a_judge_not_in_use_is_checked_too(part: str, change: dict[str, Any], key: str) -> None:
    made = scenario("truth", **{part: change})
    with pytest.raises(InputError) as caught:
        setting(made)
    assert caught.value.key == key
