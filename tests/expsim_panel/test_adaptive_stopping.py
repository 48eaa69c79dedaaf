"""Any policy with any stopping rule that stays valid under it: type I error, oracles, refusals."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys

import numpy as np
import pytest
from worlds import played, tree

from expsim_panel import strategy
from expsim_panel.design import LEAST_ROWS, designs
from expsim_panel.errors import InputError
from expsim_panel.kernels.streams import BLOCK
from expsim_panel.mixture_bounds import normal_mixture_log
from expsim_panel.operating import rejected
from expsim_panel.plan import setting_of
from expsim_panel.stage import Stage
from expsim_panel.study import Study

REPLICATES = 20_000
ERROR = math.sqrt(0.05 * 0.95 / REPLICATES)
TABLES = ("fixed-horizon", "obrien-fleming", "pocock", "lan-demets-pocock", "sequential-then-fixed")
ANYTIME = ("confidence-sequence", "msprt", "asymptotic-confidence-sequence")
POLICIES = {
    "thompson": {"kind": "thompson", "floor": 0},
    "thompson, floor": {"kind": "thompson", "floor": 0.1},
    "epsilon-greedy": {"kind": "epsilon-greedy", "epsilon": 0.2},
}
WORLDS = {
    "scores": {"traffic": {"units_per_day": 300, "days": 10}},
    "rates": {
        "family": "binary",
        "variants": [{"name": "A", "mean": 0.2}, {"name": "B", "mean": 0.15}],
        "traffic": {"units_per_day": 1000, "days": 10},
    },
}


def study_of(world: dict, policy: dict, rules) -> Study:
    listed = []
    for rule in rules:
        first = {"min_days": 1} if "min_days" in designs.get(rule).fields() else {}
        listed.append({**policy, "name": rule, "stopping": rule, **first})
    return Study.from_tree({**tree(**world), "strategies": listed}, "test")


@pytest.mark.arithmetic
@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("policy", POLICIES)
def test_type_one_error_is_kept_whatever_the_policy_does(world, policy):
    study = study_of(WORLDS[world], POLICIES[policy], [*TABLES, *ANYTIME, "peek-daily"])
    found = {
        name: float(rejected(out.code).mean()) for name, out in played(study, "null", REPLICATES, 20261125).items()
    }
    # The mistake, for comparison: pooled means, looked at every day.
    assert found.pop("peek-daily") > 0.15
    for name, rate in found.items():
        assert rate <= 0.05 + 3 * ERROR, (name, rate)
        if policy != "thompson" and name in ("fixed-horizon", "obrien-fleming"):
            # With traffic for every arm on every day the tables spend their alpha to the full.
            assert rate >= 0.05 - 3.5 * ERROR, (name, rate)


@pytest.mark.arithmetic
def test_a_variant_more_is_still_at_most_alpha():
    three = {"variants": [{"name": name, "mean": 3.0} for name in "ABC"], "traffic": {"units_per_day": 400, "days": 8}}
    study = study_of(three, POLICIES["thompson, floor"], ("obrien-fleming", "confidence-sequence"))
    for name, out in played(study, "null", REPLICATES, 7).items():
        assert float(rejected(out.code).mean()) <= 0.05 + 3 * ERROR, name


def days_of(study: Study, name: str, replicate: int):
    stage = Stage.prepare(study, "truth", 3)
    one = next(one for one in study.strategies if one.name == name)
    out, trace, _ = stage.watch(one, replicate)
    return stage, one, int(out.code[-1]), int(out.day[-1]), np.diff(trace, axis=0, prepend=0.0)


def contrasts(days: np.ndarray, binary: bool, last: int):
    """Yield difference, variance and whether both arms have enough rows, day by day, from rows, sums and squares."""
    within, freedom = np.zeros(2), np.zeros(2)
    for _, n, s, q in days[:last]:
        within += q - s * s / n
        freedom += n - 1
        pooled = within.sum() / freedom.sum()
        own = (within + 20 * pooled) / (freedom + 20)
        if binary:
            own[:] = (within.sum() + 20 * pooled) / (freedom.sum() + 20)
        yield s[1] / n[1] - s[0] / n[0], float(np.sum(own / n)), bool(np.all(n >= LEAST_ROWS))


@pytest.mark.arithmetic
@pytest.mark.parametrize("world", WORLDS)
def test_a_table_stops_where_the_standardised_days_cross_it(world):
    effect = {"scores": {"variants": [{"name": "A", "mean": 3.0}, {"name": "B", "mean": 3.1}]}, "rates": {}}[world]
    study = study_of({**WORLDS[world], **effect}, {"kind": "thompson", "floor": 0.05}, ("obrien-fleming",))
    setting = setting_of(study.scenario)
    bounds = study.strategies[0].design.bounds(setting)
    ended = set()
    for replicate in (*range(12), BLOCK + 1):
        _, _, code, day, days = days_of(study, "obrien-fleming", replicate)
        z, expected = 0.0, (0, setting.days)
        for t, (d, v, enough) in enumerate(contrasts(days, world == "rates", day), 1):
            z += d / math.sqrt(v) * enough
            if t in bounds.days and abs(z / math.sqrt(t)) > bounds.upper[list(bounds.days).index(t)]:
                expected = (1 if z > 0 else -1, t)
        assert (code, day) == expected
        ended.add(expected)
    assert len(ended) > 1


@pytest.mark.arithmetic
def test_a_sequence_stops_where_the_mixture_at_the_collected_information_rejects():
    world = {"variants": [{"name": "A", "mean": 3.0}, {"name": "B", "mean": 3.3}], **WORLDS["scores"]}
    study = study_of(world, {"kind": "thompson", "floor": 0.05}, ("confidence-sequence",))
    setting = setting_of(study.scenario)
    whole = 1.0 / float(np.sum(setting.sds**2 / setting.rows[-1]))
    ended = set()
    for replicate in range(12):
        _, one, code, day, days = days_of(study, "confidence-sequence", replicate)
        total, known, expected = 0.0, 0.0, (0, setting.days)
        for t, (d, v, _) in enumerate(contrasts(days, False, day), 1):
            total, known = total + d / v, known + 1 / v
            reached = normal_mixture_log(total / math.sqrt(whole), known / whole, float(one.design.tightest_at))
            if reached > -math.log(0.05):
                expected = (1 if total > 0 else -1, t)
        assert (code, day) == expected
        ended.add(day)
    assert len(ended) > 1


@pytest.mark.arithmetic
def test_late_outcomes_are_compared_with_those_of_their_own_day():
    late = {"traffic": {"units_per_day": 300, "days": 10, "delay_days": 3}}
    study = study_of(late, POLICIES["thompson, floor"], ("fixed-horizon",))
    for name, out in played(study, "null", REPLICATES, 5).items():
        rate = float(rejected(out.code).mean())
        assert rate <= 0.05 + 3 * ERROR, (name, rate)


@pytest.mark.parametrize("rule", [name for name in designs.names() if designs.get(name).only_fixed])
def test_rules_for_a_fixed_split_are_refused_in_one_line(rule):
    with pytest.raises(InputError, match="follows the data") as caught:
        strategy.build({"kind": "thompson", "stopping": rule}, "here", "strategies.0")
    assert caught.value.key == "strategies.0.stopping"
    assert "\n" not in str(caught.value)
    assert "msprt" in caught.value.remedy
    # At random but even, whatever comes out: nothing follows the data.
    assert strategy.build({"kind": "even", "stopping": rule}, "here", "strategies.0").design.kind == rule


def test_a_hybrid_has_no_independent_days():
    hybrid = {"kind": "hybrid", "label_share": 0.4, "judge": {"item_sd": 0.4}, "human": {"raters": 4}}
    world = tree(evaluator=hybrid, traffic={"units_per_day": 60, "days": 6})
    named = ["thompson(stopping=obrien-fleming)"]
    with pytest.raises(InputError, match="labels of all days"):
        Study.from_tree(world, "test", names=named)
    assert Study.from_tree(world, "test", names=["thompson(stopping=bayesian)"]).strategies[0].policy.kind == "thompson"


def test_a_strategy_can_be_named_with_its_rule():
    made = Study.from_tree(tree(), "test", names=["thompson(stopping=msprt,floor=0.1,tau=0.02)"]).strategies[0]
    assert (made.kind, made.design.kind, made.policy.floor, made.design.tau) == ("thompson", "msprt", 0.1, 0.02)
    assert strategy.build(made.to_tree(), "again", "x").to_tree() == made.to_tree()
    with pytest.raises(InputError, match="mspr"):
        strategy.named("thompson(stopping=mspr)", "--strategy")


SCRIPT = """
import json, sys
from expsim_panel.study import Study
print(Study.from_tree(json.loads(sys.argv[1]), "parity").run(replicates=12, seed=5).digest)
"""


def test_interpreted_rules_give_the_same_bits():
    world = {"variants": [{"name": name, "mean": 3.0} for name in "ABC"], "traffic": {"units_per_day": 90, "days": 6}}
    study = study_of(world, {"kind": "epsilon-greedy", "floor": 0.1}, ("pocock", "msprt"))
    study.strategies.append(strategy.named("thompson(stopping=confidence-sequence,sides=1)", "test"))
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    command = [sys.executable, "-c", SCRIPT, json.dumps(study.to_tree())]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == study.run(replicates=12, seed=5).digest


def test_posteriors_and_single_arm_martingales_play_their_own_rule():
    setting = setting_of(Study.from_tree(tree(), "test").scenario)
    for rule in ("bayesian", "rope", "empirical-bernstein", "peek-daily"):
        one = strategy.build({"kind": "thompson", "stopping": rule}, "here", "x")
        assert type(one.rule(setting)) is type(one.design.rule(setting))
