"""Studies side by side: simulated against exact, against comparison-by-comparison experiments, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats
from worlds import exact_in, played, tree

from expsim_panel import engine, plan
from expsim_panel.design import designs
from expsim_panel.economics import ledger
from expsim_panel.errors import InputError
from expsim_panel.operating import estimates
from expsim_panel.preference import Reader
from expsim_panel.standing import standing
from expsim_panel.study import Study

pytestmark = pytest.mark.arithmetic

JUDGE = {"kind": "judge", "item_variant_sd": 0.4, "repeat_sd": 0.4, "position_bias": 0.3, "price_override": 0.01}


def side(mean: float = 0.12, **tables: Any) -> dict[str, Any]:
    """Return a scenario side by side; tables as in `worlds.tree`."""
    made = tree(**{
        "metric": {"name": "preference", "family": "pairwise", "tie_band": 0.25},
        "variants": [{"name": "A", "mean": 0.0}, {"name": "B", "mean": mean}],
        "traffic": {"units_per_day": 400, "days": 10},
        "evaluator": JUDGE,
        "prior": {"effect_sd": 0.1},
        **{key: value for key, value in tables.items() if key not in ("metric", "traffic")},
    })  # fmt: skip
    made["traffic"] |= tables.get("traffic", {})
    made["metric"] = {"name": "preference", "family": "pairwise", "tie_band": 0.25, **tables.get("metric", {})}
    return made


def study(names: list[str], mean: float = 0.12, **tables: Any) -> Study:
    """Return a study side by side."""
    return Study.from_tree(side(mean, **tables), "side", names=names)


@pytest.mark.parametrize(("kind", "world"), [("fixed-horizon", "truth"), ("pocock", "truth"), ("pocock", "null")])
@pytest.mark.parametrize(
    "evaluator",
    [
        JUDGE,
        {**JUDGE, "orders": "both"},
        {"kind": "human", "noise_sd": 0.6, "labels_per_item": 3, "raters": 100, "coverage": 1.0},
    ],
)
def test_simulated_rejections_are_the_exact_ones(kind: str, world: str, evaluator: dict[str, Any]) -> None:
    """200,000 experiments of 2,000 comparisons each, within three standard errors and what a t is off a z."""
    made = study([kind], evaluator=evaluator)
    size = 200_000 if evaluator is JUDGE else 20_000
    out = played(made, world, replicates=size)[kind]
    exact = exact_in(made, world, kind)["rejection"]
    found = float((out.code != 0).mean())
    assert found == pytest.approx(exact, abs=3 * np.sqrt(exact * (1 - exact) / size) + 5e-4)


def test_one_sample_z_of_the_verdicts() -> None:
    """The contrast of the arms has the mean of the verdicts and exactly their estimated variance."""
    made = study(["fixed-horizon"])
    out = played(made, "truth", replicates=4)["fixed-horizon"]
    found = estimates(out, False)
    state = np.stack([out.units, out.rows, out.sums, out.squares])[:, 0]
    told = standing(made.scenario, state, 1)
    assert told is not None
    counts = np.array([told.losses, told.ties, told.wins]) * told.comparisons
    np.testing.assert_allclose(counts, np.round(counts), atol=1e-6)
    verdicts = np.repeat([-1.0, 0.0, 1.0], np.round(counts).astype(int))
    assert found.effect[0, 0] == pytest.approx(verdicts.mean(), abs=1e-12)
    assert found.se[0, 0] == pytest.approx(verdicts.std(ddof=1) / np.sqrt(verdicts.size), rel=1e-12)


def test_a_t_test_is_that_of_the_verdicts() -> None:
    """One variant, 12 comparisons: `fixed-t` decides as a one-sample t test with 11 degrees of freedom."""
    made = study(["fixed-t"], mean=0.5, traffic={"units_per_day": 24, "days": 1})
    out, found = played(made, "truth", replicates=300)["fixed-t"], []
    for k in range(300):
        told = standing(made.scenario, np.stack([out.units, out.rows, out.sums, out.squares])[:, k], 1)
        assert told is not None
        counts = np.round(np.array([told.losses, told.ties, told.wins]) * 12).astype(int)
        found.append(stats.ttest_1samp(np.repeat([-1.0, 0.0, 1.0], counts), 0.0).pvalue < 0.05)
    np.testing.assert_array_equal(out.code != 0, found)


def test_comparison_by_comparison() -> None:
    """The slow way: every latent difference, every error and every order is drawn, then a z test of the verdicts."""
    made = study(["fixed-horizon"], traffic={"units_per_day": 80, "days": 5})
    rng, size, n = np.random.default_rng(3), 4000, 200
    true = 0.12 + rng.standard_normal((size, n))
    order = np.where(rng.random((size, n)) < 0.5, 0.3, -0.3)
    noise = np.sqrt(2 * 0.4**2 + 2 * 0.4**2) * rng.standard_normal((size, n))
    verdict = ((true + noise + order > 0.25).astype(float)) - (true + noise + order < -0.25)
    z = verdict.mean(axis=1) / (verdict.std(axis=1, ddof=1) / np.sqrt(n))
    slow = float((np.abs(z) > 1.959964).mean())
    fast = float((played(made, "truth", replicates=20_000)["fixed-horizon"].code != 0).mean())
    assert fast == pytest.approx(slow, abs=3 * np.sqrt(slow * (1 - slow) * (1 / size + 1 / 20_000)))


def test_bias_of_place_and_of_style() -> None:
    """At random and in both orders the first place cancels; in a fixed order it is a bias, and style always is."""
    size = 0.5

    def null(**changes: Any) -> float:
        made = study(["fixed-horizon"], evaluator={**JUDGE, "position_bias": size, **changes})
        return exact_in(made, "null", "fixed-horizon")["rejection"]

    assert null() == pytest.approx(0.05, abs=1e-9)
    assert null(orders="both") == pytest.approx(0.05, abs=1e-9)
    assert null(orders="control-first") > 0.99
    assert null(differential_bias=0.2, orders="both") > 0.5
    assert null(verbosity=0.2, length_sds=[0.0, 1.0]) > 0.5

    def power(**changes: Any) -> float:
        made = study(["fixed-horizon"], evaluator={**JUDGE, **changes})
        return exact_in(made, "truth", "fixed-horizon")["rejection"]

    assert power(position_bias=1.0) < power(position_bias=0.0)


def test_effects_are_net_win_rates() -> None:
    """Truth, indifference and the effect axis speak of P(win) - P(loss) without a judge's error."""
    made = study(["fixed-horizon"]).scenario
    chances = Reader().chances(made.tie_model, 0.12)
    assert made.effects[1] == pytest.approx(chances[2] - chances[0], abs=1e-12)
    assert made.mean_at(float(made.effects[1])) == pytest.approx(0.12, abs=1e-9)
    lower = study(["fixed-horizon"], metric={"direction": "decrease"}).scenario
    assert lower.effects[1] == pytest.approx(-made.effects[1])


def test_both_orders_cost_twice() -> None:
    """A comparison is one reading of two responses; both orders are two readings."""
    one, two = (ledger(study(["fixed-horizon"], evaluator={**JUDGE, "orders": o}).scenario) for o in ("random", "both"))
    rows = np.array([500, 500])
    assert float(one.costs(rows, rows)["judge"]) == pytest.approx(500 * 0.01)
    assert float(two.costs(rows, rows)["judge"]) == pytest.approx(2 * 500 * 0.01)


def test_every_design_with_a_fixed_split_plays() -> None:
    """All of them, and each with its false alarms where it claims them."""
    kinds = [name for name in designs.names() if name not in ("drop-the-losers", "fixed-lift")]
    for start in range(0, len(kinds), 12):
        rows: list[dict[str, Any]] = [{"kind": kind} for kind in kinds[start : start + 12]]
        for row in rows:
            row |= {"user-bounds": {"critical_values": [2.5, 2.0]}, "user-spending": {"alpha_spent": [0.01, 0.05]}}.get(
                row["kind"], {}
            )
        made = Study.from_tree(side(strategies=rows), "side")
        outcomes = engine.played(made, "null", replicates=1000, seed=2)
        for one in made.strategies:
            claimed = one.design.nominal_alpha()
            if claimed is not None and one.design.error_claim != "none":
                rejected = float(((outcomes[one.name].code != 0) & (outcomes[one.name].code != -2)).mean())
                assert rejected < claimed + 4 * np.sqrt(claimed / 1000), one.name


def test_there_is_no_relative_lift_of_a_net_win_rate() -> None:
    """Side by side the control has no mean of its own; the lift's logarithm was 0 in every experiment."""
    with pytest.raises(InputError, match="nothing is a percentage of that; take fixed-horizon"):
        study(["fixed-lift"])


HYBRID = {
    "kind": "hybrid",
    "label_share": 0.25,
    "judge": {**{key: value for key, value in JUDGE.items() if key != "kind"}, "differential_bias": 0.4},
    "human": {"noise_sd": 0.4, "raters": 100},
}


@pytest.mark.parametrize("correction", ["ppi++", "ppi"])
@pytest.mark.parametrize("orders", ["random", "both"])
def test_labels_correct_the_judge_of_comparisons(correction: str, orders: str) -> None:
    """A style bias that a judge alone takes for quality is gone, and the exact error is the simulated one."""
    tables = {**HYBRID, "correction": correction, "judge": {**HYBRID["judge"], "orders": orders}}
    made = study(["fixed-horizon"], evaluator=tables)
    for world, size in (("truth", 20_000), ("null", 20_000)):
        out = played(made, world, replicates=size)["fixed-horizon"]
        exact = exact_in(made, world, "fixed-horizon")["rejection"]
        found = float((out.code != 0).mean())
        assert found == pytest.approx(exact, abs=3 * np.sqrt(exact * (1 - exact) / size) + 2e-3)
        told = estimates(out, False)
        assert told.effect.std() == pytest.approx(told.se.mean(), rel=0.03)
    alone = study(["fixed-horizon"], evaluator={**JUDGE, "differential_bias": 0.4, "orders": orders})
    assert exact_in(alone, "null", "fixed-horizon")["rejection"] > 0.9
    money = ledger(made.scenario)
    assert float(money.costs(np.array([500, 500]), np.array([125, 125]))["judge"]) == pytest.approx(
        500 * 0.01 * (2 if orders == "both" else 1)
    )


def test_several_variants_share_no_rows() -> None:
    """Two variants against one control: each has its own comparisons, estimates are independent."""
    variants = [{"name": "A", "mean": 0.0}, {"name": "B", "mean": 0.1}, {"name": "C", "mean": -0.1}]
    made = study(["fixed-horizon", "bayesian"], variants=variants)
    out = played(made, "truth", replicates=5000)["fixed-horizon"]
    assert out.units[0].tolist() == [2000, 1000, 1000]
    found = estimates(out, False)
    net = plan.law(made.scenario, "truth", 1, 0, 1).means[0, 1:]
    np.testing.assert_allclose(found.effect.mean(axis=0), net, atol=4 * found.se.mean() / np.sqrt(5000))
    np.testing.assert_allclose(found.effect.std(axis=0), found.se.mean(axis=0), rtol=0.05)
    assert abs(np.corrcoef(found.effect.T)[0, 1]) < 0.06


def test_worlds_of_days_and_prompts() -> None:
    """Novelty fades, outcomes come late, comparisons of a prompt are alike: the test that ignores it is off."""
    fading = study(["fixed-horizon"], 0.0, traffic={"novelty": {"size": 0.3, "days": 5}, "delay_days": 2})
    out = played(fading, "null", replicates=2000)["fixed-horizon"]
    assert (out.code != 0).mean() > 0.3
    assert int(out.day[0]) == 12
    crowd = {"exposures_per_unit": 4, "icc": 0.3}
    wrong = study(["fixed-horizon"], traffic=crowd, analysis={"unit": "response"})
    right = study(["fixed-horizon"], traffic=crowd, analysis={"unit": "unit"})
    assert exact_in(wrong, "null", "fixed-horizon")["rejection"] == pytest.approx(
        2 * stats.norm.sf(stats.norm.isf(0.025) / np.sqrt(1.9))
    )
    for made in (wrong, right):
        exact = exact_in(made, "null", "fixed-horizon")["rejection"]
        found = float((played(made, "null", replicates=5000)["fixed-horizon"].code != 0).mean())
        assert found == pytest.approx(exact, abs=3.5 * np.sqrt(exact * (1 - exact) / 5000))


@pytest.mark.parametrize(
    ("tables", "key"),
    [
        ({"traffic": {"ramp": {"start": 0.2, "days": 3}}}, "traffic.ramp"),
        ({"traffic": {"shares": [0.3, 0.7]}}, "traffic.shares"),
        ({"traffic": {"interference": 0.2}}, "traffic.interference"),
        ({"analysis": {"covariate_correlation": 0.3}}, "analysis.covariate_correlation"),
        ({"evaluator": {**JUDGE, "pile_up": 0.2}}, "evaluator.pile_up"),
        ({"evaluator": {**JUDGE, "scale": 0.0}}, "evaluator.scale"),
        ({"evaluator": {**JUDGE, "refusals": 0.1, "refusal_correlation": 0.3}}, "evaluator.refusal_correlation"),
        ({"evaluator": {"kind": "hybrid", "paired": True}}, "evaluator.paired"),
        ({"evaluator": {"kind": "hybrid", "judge": {"pile_up": 0.2}}}, "evaluator.judge.pile_up"),
        ({"metric": {"range": [0.0, 1.0]}}, "metric.range"),
        ({"mean": 30.0}, "variants.1.mean"),
        ({"strategies": [{"kind": "thompson"}]}, "strategies.0"),
    ],
)
def test_what_makes_no_sense_is_one_line(tables: dict[str, Any], key: str) -> None:
    """Each names its key."""
    with pytest.raises(InputError) as caught:
        Study.from_tree(side(**tables), "side")
    assert caught.value.key == key


@pytest.mark.parametrize("changes", [{"position_bias": 0.2}, {"orders": "both"}])
def test_a_judge_of_single_responses_has_no_order(changes: dict[str, Any]) -> None:
    """Keys of comparisons are refused where there are none, and left out of files at their default."""
    with pytest.raises(InputError, match="one by one"):
        Study.from_tree(tree(evaluator={"kind": "judge", **changes}), "scores")
    plain = Study.from_tree(tree(evaluator={"kind": "judge"}), "scores").to_tree()
    assert "orders" not in plain["evaluator"]
    assert "tie_band" not in plain["metric"]
