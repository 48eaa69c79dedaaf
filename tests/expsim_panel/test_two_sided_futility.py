"""Two-sided futility and beta spending through Python, command line, files and designs: SciPy's normal law decides."""

from __future__ import annotations

import json
from itertools import product
from typing import Any

import numpy as np
import pytest
import tomli_w
from scipy.stats import multivariate_normal
from worlds import tree

from expsim_panel.__main__ import main
from expsim_panel.conditional import conditional_power, predictive_power
from expsim_panel.designs.hwang_shih_decani import HwangShihDeCani
from expsim_panel.errors import InputError
from expsim_panel.plan import setting_of
from expsim_panel.regions import stops
from expsim_panel.sequential import sequential_design
from expsim_panel.size_answers import sample_size
from expsim_panel.stagewise import stagewise_estimate
from expsim_panel.study import Study


def rejection(information: Any, upper: Any, inner: Any, drift: float) -> float:
    """Return P(reject in either direction): rectangles of the joint normal law, over every way to go on."""
    t, total = np.array(information), 0.0
    for k in range(t.size):
        cov = np.sqrt(np.minimum.outer(t[: k + 1], t[: k + 1]) / np.maximum.outer(t[: k + 1], t[: k + 1]))
        law = multivariate_normal(drift * np.sqrt(t[: k + 1]), cov, allow_singular=True, maxpts=30_000, abseps=1e-7)
        ways = [
            [(-upper[j], -inner[j]), (inner[j], upper[j])] if inner[j] > -np.inf else [(-upper[j], upper[j])]
            for j in range(k)
        ]
        for way, end in product(product(*ways), [(-40.0, -upper[k]), (upper[k], 40.0)]):
            low, high = np.array([*way, end]).T
            total += law.cdf(high, lower_limit=low, rng=1)
    return float(total)


CASES: list[dict[str, Any]] = [
    {"kind": "obrien-fleming", "looks": 3, "futility": [0.2, 0.9]},
    {"kind": "pocock", "information": [0.15, 0.8, 1.0], "futility": ["none", 1.2]},
    {"kind": "wang-tsiatis", "parameter": 0.7, "looks": 3, "futility": [0.0, 0.5], "alpha": 0.001},
    {"kind": "haybittle-peto", "looks": 4, "futility": [0.1, 0.4, 0.8]},
    {"kind": "kim-demets", "parameter": 0.5, "looks": 3, "futility": [0.3, "none"]},
    {"kind": "hwang-shih-decani", "parameter": 2.0, "looks": 3, "futility": [0.5, 1.0], "alpha": 0.2},
    {"kind": "lan-demets-obrien-fleming", "looks": 3, "futility_kind": "hwang-shih-decani", "futility_parameter": -2.0},
    {"kind": "hwang-shih-decani", "looks": 3, "futility_kind": "kim-demets", "futility_parameter": 1.0, "alpha": 0.1},
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["kind"])
def test_alpha_and_power_are_those_of_the_joint_normal_law(case: dict[str, Any]) -> None:
    common = {"alpha": 0.05, "sides": 2, "power": 0.8, "effect": 0.25, "sd": 1.0, **case}
    firm = sequential_design(**common, binding=True)
    loose = sequential_design(**common)
    alpha = common["alpha"]
    for one in (firm, loose):
        parts = one.information, one.critical_values, one.futility_bounds
        assert one.type1_error == pytest.approx(rejection(*parts, 0.0), abs=5e-6)
        assert one.power == pytest.approx(rejection(*parts, one.drift), abs=2e-5)
        # A target power counts the effect's own direction; this one both.
        assert -1e-9 <= one.power - 0.8 < 5e-3
        free = stops(one.information, one.critical_values, 2, None, one.drift)
        assert one.power_ignoring_futility == pytest.approx(free[0].sum() + free[2].sum(), abs=1e-12)
    assert firm.type1_error == pytest.approx(alpha, abs=1e-10)
    assert loose.alpha_spent[-1] == pytest.approx(alpha, abs=1e-10)
    assert loose.type1_error < alpha
    assert np.all(firm.critical_values <= loose.critical_values + 1e-9)


def test_beta_is_spent_as_told() -> None:
    for sides in (1, 2):
        made = sequential_design(
            "hwang-shih-decani", 4, 0.05, sides, futility_kind="kim-demets", futility_parameter=2.0, power=0.9,
            effect=0.1, sd=1.0,
        )  # fmt: skip
        drift = made.drift
        # The drift at which the bounds were solved has a power of exactly 0.9, here in either direction.
        lost = stops(made.information, made.critical_values, sides, made.futility_bounds, drift)[1]
        np.testing.assert_allclose(np.cumsum(lost)[:3], 0.1 * (np.arange(1, 4) / 4) ** 2, atol=1e-6)
        assert made.power == pytest.approx(0.9, abs=1e-6)


def test_conditional_and_predictive_power_count_the_wedge() -> None:
    made = sequential_design("pocock", 3, 0.05, 2, futility=[0.4, 1.0], binding=True)
    t, upper, inner = made.information, made.critical_values, made.futility_bounds
    rng, runs = np.random.default_rng(9), 400_000
    z, drift = 1.1, 2.0
    for assumed in (drift, None):
        mean = drift if assumed is not None else z / np.sqrt(t[0]) + rng.standard_normal(runs) / np.sqrt(t[0])
        two = z * np.sqrt(t[0]) + mean * (t[1] - t[0]) + np.sqrt(t[1] - t[0]) * rng.standard_normal(runs)
        three = two + mean * (t[2] - t[1]) + np.sqrt(t[2] - t[1]) * rng.standard_normal(runs)
        z2 = two / np.sqrt(t[1])
        early, idle = np.abs(z2) >= upper[1], np.abs(z2) <= inner[1]
        found = early | (~early & ~idle & (np.abs(three) >= upper[2]))
        exact = (
            conditional_power(t, upper, 2, 1, z, drift, inner) if assumed is not None
            else predictive_power(t, upper, 2, 1, z, futility=inner)
        )  # fmt: skip
        assert exact.power == pytest.approx(found.mean(), abs=4 * np.sqrt(0.25 / runs))
        assert exact.futility == pytest.approx(idle.mean(), abs=4 * np.sqrt(0.25 / runs))


def test_sizes_and_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["exact", "group-sequential", "--kind", "obrien-fleming", "--looks", "3", "--sides", "2"]
    words += ["--futility-bounds", "0.2,0.9", "--binding", "--power", "0.8", "--effect", "0.2", "--sd", "1"]
    assert main([*words, "--json", "-"]) == 0
    told = json.loads(capsys.readouterr().out)
    own = sequential_design(
        "obrien-fleming", 3, 0.05, 2, futility=[0.2, 0.9], binding=True, power=0.8, effect=0.2, sd=1.0
    )
    assert told["futility_bounds"] == [0.2, 0.9]
    assert told["critical_values"] == pytest.approx(own.critical_values.tolist())
    assert told["stop_futility"] == pytest.approx(own.stop_futility.tolist())
    made = sample_size(
        effect=0.2, sd=1.0, kind="obrien-fleming", looks=3, sides=2, futility=[0.2, 0.9], binding=True, power=0.8
    )
    assert made.units_unrounded == pytest.approx(own.units, rel=1e-9)
    assert main(words) == 0
    assert "Give up within" in capsys.readouterr().out


@pytest.mark.parametrize(("fields", "key"), [
    ({"kind": "pocock", "looks": 3, "futility_bounds": [-0.5, 0.0]}, "futility_bounds"),
    ({"kind": "pocock", "looks": 3, "futility_bounds": [0.5, 2.4]}, "futility_bounds"),
    ({"kind": "kim-demets", "futility_kind": "kim-demets", "futility_bounds": [0.1] * 4}, "futility_kind"),
    ({"kind": "kim-demets", "futility_kind": "lan-demets-pocock", "futility_parameter": 2.0}, "futility_parameter"),
    ({"kind": "kim-demets", "futility_parameter": 2.0}, "futility_parameter"),
    ({"kind": "kim-demets", "futility_kind": "kim-demets", "futility_parameter": -2.0}, "futility_parameter"),
    ({"kind": "kim-demets", "futility_kind": "pocock"}, "futility_kind"),
    ({"kind": "kim-demets", "futility_kind": "kim-demets", "beta": 0.7}, "beta"),
    ({"kind": "kim-demets", "futility_kind": "kim-demets", "alpha": 0.5, "beta": 0.5}, "beta"),
    ({"kind": "pocock", "futility_kind": "kim-demets"}, "futility_kind"),
])  # fmt: skip
def test_contradictions_are_one_line_in_a_file_and_by_set(
    fields: dict[str, Any], key: str, tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "world.toml"
    path.write_text(tomli_w.dumps({"schema": 1, **tree(strategies=[fields])}), encoding="utf-8")
    assert main(["check", str(path)]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert f"strategies.0.{key}" in said
    path.write_text(tomli_w.dumps({"schema": 1, **tree(strategies=[{"kind": fields["kind"]}])}), encoding="utf-8")
    changes = [f"--set=strategies.0.{name}={json.dumps(value)}" for name, value in fields.items() if name != "kind"]
    assert main(["run", str(path), "--replicates", "10", *changes]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert f"strategies.0.{key}" in said


def test_contradictions_at_the_param_and_in_python() -> None:
    design = HwangShihDeCani()
    for name, value in (("beta", 0.9), ("futility_kind", "pocock"), ("futility_parameter", 99.0)):
        with pytest.raises(ValueError, match=r"beta|futility"):
            setattr(design, name, value)
    with pytest.raises(InputError, match="all planned looks"):
        stagewise_estimate([0.5, 0.8], [2.2, 2.2], 2, 1, 2.5, futility=[0.3, -np.inf])
    with pytest.raises(InputError, match="two-sided"):
        sequential_design("pocock", 2, futility=[-0.1])


def test_designs_have_the_bounds_of_the_exact_core() -> None:
    strategies = [
        {"kind": "hwang-shih-decani", "name": "one", "sides": 1, "alpha": 0.025, "futility_kind": "kim-demets",
         "futility_parameter": 2.0, "beta": 0.1, "binding": True},
        {"kind": "hwang-shih-decani", "name": "two", "futility_kind": "hwang-shih-decani"},
        {"kind": "obrien-fleming", "name": "listed", "futility_bounds": [0.1, "none", 0.4, 0.6]},
    ]  # fmt: skip
    study = Study.from_tree(tree(strategies=strategies), "test")
    setting = setting_of(study.scenario)
    one, two, listed = (strategy.design.bounds(setting) for strategy in study.strategies)
    own = sequential_design(
        "hwang-shih-decani", 5, 0.025, 1, futility_kind="kim-demets", futility_parameter=2.0, power=0.9, binding=True
    )
    np.testing.assert_allclose(one.upper, own.critical_values, atol=1e-12)
    np.testing.assert_allclose(one.lower[:-1], own.futility_bounds[:-1], atol=1e-12)
    assert one.futility
    assert one.inner is None
    own = sequential_design("hwang-shih-decani", 5, 0.05, 2, futility_kind="hwang-shih-decani", power=0.8)
    np.testing.assert_allclose(two.inner[:-1], own.futility_bounds[:-1], atol=1e-12)
    np.testing.assert_array_equal(two.lower, -two.upper)
    assert not two.futility
    assert [strategy.design.claim(setting) for strategy in study.strategies] == ["exact", "at most", "at most"]
    np.testing.assert_array_equal(listed.inner, [0.1, -np.inf, 0.4, 0.6, -np.inf])


def test_three_arms_give_up_when_every_variant_is_settled() -> None:
    variants = [{"name": "A", "mean": 3.0}, {"name": "B", "mean": 3.0}, {"name": "C", "mean": 2.0}]
    strategies = [{"kind": "pocock", "looks": 5, "futility_bounds": [1.5, 1.5, 1.5, 1.5]}]
    out = Study.from_tree(tree(variants=variants, strategies=strategies), "t").run(replicates=2000, seed=4)
    out = out["pocock"].worlds["truth"]
    # C is worse for certain; B is settled unless its first z passes 1.5.
    assert np.mean((out.code == -2) & (out.day == 1)) == pytest.approx(0.866, abs=0.03)


def test_simulated_surfaces_leave_inner_bounds_to_the_engine() -> None:
    from expsim_panel.surface_simulation import reads_paths

    strategies = [{"kind": "pocock", "futility_bounds": [0.3, 0.3, 0.5, 0.6]}, {"kind": "obrien-fleming"}]
    study = Study.from_tree(tree(strategies=strategies), "test")
    assert [reads_paths(study.scenario, one) for one in study.strategies] == [False, True]
