"""Figures of guardrails and adjusted ones as surfaces: exact cells against full runs, and simulated against exact."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tomli_w
from worlds import tree

from expsim_panel import axes
from expsim_panel.__main__ import main
from expsim_panel.axis_choices import choices
from expsim_panel.errors import InputError
from expsim_panel.response_surface import response_surface
from expsim_panel.study import Study
from expsim_panel.surface_metrics import metrics_of

TICKETS = {"name": "tickets", "family": "binary", "means": [0.05, 0.052], "threshold": 0.015, "margin": 0.012}
LATENCY = {"name": "latency", "unit": "ms", "means": [1700, 1795], "sd": 900, "threshold": 90, "margin": 85}
FIGURES = ("p_pass", "p_fail", "p_unknown", "p_false_alarm", "p_false_fail", "p_pass_at_margin", "power")
LAUNCHES = {
    "launch": "launch", "held_back": "held_back", "p_breached_launch": "p_breached_launch",
    "breach_exposures": "breach_exposures",
}  # fmt: skip


def planned(units=2000, variants=("A", "B"), names=("obrien-fleming",), rails=(TICKETS, LATENCY), **changes):
    means = {"A": 3.0, "B": 3.06, "C": 3.02}
    rails = [{**one, "means": [*one["means"], one["means"][0]][: len(variants)]} for one in rails]
    world = tree(
        traffic={"units_per_day": units, "days": 5}, guardrails=rails,
        variants=[{"name": name, "mean": means[name]} for name in variants], **changes,
    )  # fmt: skip
    return Study.from_tree(world, "test", names=list(names))


def surface(study, metric, x="traffic.units_per_day=1000:2000:2", y=None, **kw):
    up = axes.parse(study, y, "--y") if y else None
    return response_surface(study, study.strategies[0].name, axes.parse(study, x, "--x"), up, metric=metric, **kw)


@pytest.fixture(scope="module")
def full():
    """A full run at the second cell of `surface`."""
    return planned().run(replicates=4000, seed=1)["obrien-fleming"]


@pytest.mark.parametrize("figure", FIGURES)
def test_an_exact_cell_is_the_exact_figure_of_a_full_run(full, figure):
    for index, check in enumerate(full.guarded.checks):
        found = surface(planned(), f"guardrails.{index}.{figure}")
        assert found.exact
        assert found.value[0, 1] == pytest.approx(check.figures[figure].exact, rel=1e-9, abs=1e-12)
        tried = surface(planned(), f"guardrails.{index}.{figure}", simulate=True, replicates=4000)
        assert tried.value[0, 1] == pytest.approx(check.figures[figure].value)
        assert tried.se[0, 1] == pytest.approx(check.figures[figure].se)


@pytest.mark.parametrize("metric", LAUNCHES)
def test_launches_after_the_guardrails(full, metric):
    known, figure = surface(planned(), metric), getattr(full.guarded, LAUNCHES[metric])
    assert known.exact
    assert known.value[0, 1] == pytest.approx(figure.exact, rel=1e-9, abs=1e-12)
    assert abs(figure.value - figure.exact) <= 4 * max(figure.se, 1e-9)
    tried = surface(planned(), metric, simulate=True, replicates=4000)
    assert tried.value[0, 1] == pytest.approx(figure.value)


@pytest.mark.parametrize(
    "metric", ["p_pass", "p_fail", "p_unknown", "p_false_alarm", "p_false_fail", "p_pass_at_margin"]
)
def test_all_guardrails_together_agree_with_simulation(metric):
    # Two cells each, twelve comparisons in all at four standard errors.
    base = planned()
    known = surface(base, metric, y="guardrails.1.means.1=1700:1795:2")
    tried = surface(base, metric, y="guardrails.1.means.1=1700:1795:2", simulate=True, replicates=6000)
    spread = np.sqrt(np.maximum(known.value * (1 - known.value), 1e-4) / 5000)
    assert np.all(np.abs(known.value - tried.value) <= 4 * spread)
    assert "guardrail" in known.words
    if metric in ("p_pass", "p_fail"):
        # More harm: fewer pass, more fail.
        assert np.all((known.value[0] > known.value[1]) == (metric == "p_pass"))


def test_passing_failing_and_unknown_are_everything_and_alarms_the_rest():
    base = planned()
    for place in ("", "guardrails.0.", "guardrails.1."):
        parts = [surface(base, f"{place}{name}").value for name in ("p_pass", "p_fail", "p_unknown")]
        assert np.allclose(sum(parts), 1)
    alarm, own = (surface(base, f"guardrails.0.{name}").value for name in ("p_false_alarm", "power"))
    assert np.allclose(alarm + own, 1)
    alpha = surface(base, "guardrails.1.p_pass_at_margin").value
    assert np.allclose(alpha, 0.05, atol=2e-4)


def test_more_variants_exact_where_the_size_is_fixed_and_simulated_elsewhere():
    fixed = planned(variants="ABC", names=["dunnett"])
    for metric in ("p_pass", "guardrails.0.2.p_pass", "guardrails.1.1.p_fail"):
        known, tried = surface(fixed, metric), surface(fixed, metric, simulate=True, replicates=3000)
        assert known.exact
        assert not tried.exact
        assert np.all(np.abs(known.value - tried.value) <= 4 * tried.se)
    # Of all together the best variant counts, which is B.
    product = np.prod([surface(fixed, f"guardrails.{i}.1.p_pass").value for i in (0, 1)], axis=0)
    assert np.allclose(surface(fixed, "p_pass").value, product)
    assert not surface(fixed, "held_back", replicates=300).exact
    bandit = surface(planned(names=["thompson"]), "guardrails.0.p_pass", replicates=300)
    assert bandit.reason == "no exact value: the allocation adapts to the data"
    assert np.isfinite(bandit.se).all()


@pytest.mark.parametrize("metric", ["coverage_adjusted", "exaggeration_adjusted", "exaggeration_shrunk"])
def test_adjusted_figures_are_those_of_a_full_run(metric):
    base = planned(rails=[TICKETS])
    found = surface(base, metric, "traffic.days=5:6:2", replicates=600)
    wanted = base.run(replicates=600, seed=1)["obrien-fleming"].figures[metric]
    assert (found.value[0, 0], found.se[0, 0]) == (wanted.value, wanted.se)
    if metric == "coverage_adjusted":
        assert np.all(np.abs(found.value - 0.95) <= 4 * np.sqrt(0.95 * 0.05 / 600))
    # Other figures do not pay for solving the stages.
    assert metric not in surface(base, "p_correct", "traffic.days=5:6:2", replicates=100).values


def test_every_metric_offered_can_be_asked_for_and_has_its_words():
    base = planned(units=6000, rails=[TICKETS, {**LATENCY, "means": [1700, 1700]}])
    offered = metrics_of(base.scenario)
    assert len({words for *_, words in offered.values()}) == len(offered)
    for metric in offered:
        found = surface(base, metric, "traffic.days=5:6:2", replicates=200)
        assert found.words == offered[metric][2]
        assert metric in found.values
    assert "p_pass" not in metrics_of(Study.from_tree(tree(), "test").scenario)


def test_a_guardrails_numbers_are_axes():
    base = planned()
    paths = {choice.path for choice in choices(base)}
    assert {"guardrails.0.means.1", "guardrails.1.sd", "guardrails.1.margin", "guardrails.0.alpha"} <= paths
    assert "guardrails.0.sd" not in paths
    found = surface(base, "guardrails.1.p_pass", "guardrails.1.means.1=1650:1900:6", "guardrails.1.margin=20:90:3")
    assert np.all(np.diff(found.value, axis=1) <= 0)
    assert np.all(np.diff(found.value, axis=0) >= 0)
    assert found.x.own == 1795
    for text, words in (("guardrails.0.means.7=0:1:2", "no entry"), ("guardrails.0.margin=0.1:0.5:2", "above")):
        with pytest.raises(InputError, match=words) as caught:
            surface(base, "p_pass", text)
        assert "\n" not in str(caught.value)


def test_the_command_line_takes_them(tmp_path, capsys):
    file = tmp_path / "study.toml"
    world = tree(guardrails=[TICKETS], strategies=[{"kind": "obrien-fleming"}])
    file.write_text(tomli_w.dumps({"schema": 1, **world}), encoding="utf-8")
    words = ["surface", str(file), "--x", "guardrails.0.means.1=0.04:0.07:3", "--json", "-"]
    assert main([*words, "--metric", "guardrails.0.p_pass"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["exact"]
    assert told["words"] == "tickets: chance to pass"
    assert told["value"][0] == sorted(told["value"][0], reverse=True)
    assert main([*words, "--metric", "guardrails.0.p_pas"]) == 2
    assert "did you mean 'guardrails.0.p_pass'" in capsys.readouterr().err
    assert main(["surface", "hallucination-prompt", "--x", "effect=0:0.02:2", "--metric", "guardrails.9.p_pass"]) == 2
