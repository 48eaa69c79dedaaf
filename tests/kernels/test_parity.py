"""Compiled and interpreted kernels agree to the bit."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from worlds import tree

from expsim_panel.design import designs
from expsim_panel.study import Study

Runs = Callable[..., str]

ANSWER = """
import contextlib, io, json, sys
for line in sys.stdin:
    code, arguments = json.loads(line)
    sys.argv, said = ["-c", *arguments], io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(code, {"__name__": "__main__"})
    print(json.dumps(said.getvalue()), flush=True)
"""
NAMES = ["pocock", "bayesian", "thompson", "msprt", "empirical-bernstein", "rope", "bayesian-prior"]
NAMES += ["fixed-t", "fixed-pooled", "holm", "promising-zone", "drop-the-losers"]
SCRIPT = """
import json, sys
from expsim_panel.study import Study
world, names = json.loads(sys.argv[1]), json.loads(sys.argv[2])
print(Study.from_tree(world, "parity", names=names).run(replicates=12, seed=5).digest)
"""
WORLDS = {
    "scores by people": {
        "family": "normal",
        "evaluator": {"kind": "human", "coverage": 0.3, "severity_sd": 0.3, "noise_sd": 0.5, "raters": 4},
    },
    "rates by a judge": {"family": "binary", "evaluator": {"kind": "judge", "sensitivity": 0.8, "specificity": 0.9}},
    "rates of a crowd": {"family": "binary", "traffic": {"units_per_day": 4000, "days": 6}},
    "late, fading, clustered scores on a ramp": {
        "traffic": {
            "units_per_day": 60,
            "days": 6,
            "delay_days": 1,
            "exposures_per_unit": 3,
            "icc": 0.2,
            "interference": 0.3,
            "novelty": {"size": 0.2, "days": 2},
            "ramp": {"start": 0.4, "days": 3},
        },
        "analysis": {"unit": "response", "skip_days": 1},
    },
    "clustered rates of uneven units": {
        "family": "binary",
        "traffic": {"units_per_day": 90, "days": 6, "exposures_per_unit": 3, "size_variation": 0.5, "icc": 0.2},
        "analysis": {"unit": "response"},
    },
    "scores by a judge and people": {
        "evaluator": {
            "kind": "hybrid",
            "label_share": 0.4,
            "judge": {"item_sd": 0.4, "drift": 0.1, "price_override": 0.01},
            "human": {"severity_sd": 0.3, "noise_sd": 0.5, "raters": 4},
        }
    },
    "scores of the same prompts": {
        "evaluator": {"kind": "hybrid", "label_share": 0.4, "paired": True, "prompt_sd": 0.5, "judge": {"item_sd": 0.4}}
    },
    "rates by a judge and people, late": {
        "family": "binary",
        "traffic": {"units_per_day": 90, "days": 6, "delay_days": 1},
        "evaluator": {
            "kind": "hybrid",
            "label_share": 0.5,
            "judge": {"sensitivity": 0.8, "specificity": 0.9},
            "human": {"sensitivity": 0.95},
        },
    },
    "side by side, late and fading, several samples of a prompt": {
        "metric": {"name": "preference", "family": "pairwise"},
        "variants": [{"name": "A", "mean": 0.0}, {"name": "B", "mean": 0.2}],
        "traffic": {
            "units_per_day": 120,
            "days": 6,
            "delay_days": 1,
            "exposures_per_unit": 3,
            "icc": 0.2,
            "novelty": {"size": 0.2, "days": 2},
        },
        "analysis": {"unit": "response"},
        "evaluator": {"kind": "judge", "position_bias": 0.3, "orders": "both", "repeat_sd": 0.3},
    },
    "side by side by a judge and people": {
        "metric": {"name": "preference", "family": "pairwise", "tie_model": "davidson"},
        "variants": [{"name": "A", "mean": 0.0}, {"name": "B", "mean": 0.2}],
        "evaluator": {
            "kind": "hybrid",
            "label_share": 0.4,
            "judge": {"position_bias": 0.3, "repeat_sd": 0.3, "item_variant_sd": 0.3},
            "human": {"noise_sd": 0.4, "labels_per_item": 3, "combine": "mean", "raters": 20},
        },
    },
    "Davidson's ties on a prompt set": {
        "metric": {"name": "preference", "family": "pairwise", "tie_model": "davidson"},
        "variants": [{"name": "A", "mean": 0.0}, {"name": "B", "mean": 0.2}],
        "offline": {
            "prompts": 24,
            "samples": 2,
            "interaction_sd": 0.5,
            "topics": 12,
            "topic_interaction_sd": 0.3,
            "batches": 6,
        },
        "evaluator": {"kind": "judge", "position_bias": 0.3, "orders": "both", "repeat_sd": 0.3},
    },
    "three arms": {"variants": [{"name": "A", "mean": 3.0}, {"name": "B", "mean": 3.1}, {"name": "C", "mean": 3.2}]},
}


@contextmanager
def process(disable_jit: str) -> Iterator[Runs]:
    """Start one process for all scripts, since importing takes longer than most of them; a script that fails ends it."""
    environment = {**os.environ, "NUMBA_DISABLE_JIT": disable_jit}
    command = [sys.executable, "-c", ANSWER]
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:

        def run(code: str, *arguments: str) -> str:
            child.stdin.write(json.dumps([code, arguments]) + "\n")
            child.stdin.flush()
            said = child.stdout.readline()
            assert said, "the script failed: its error is on standard error"
            return json.loads(said)

        yield run
        child.stdin.close()
        assert child.wait(60) == 0


@pytest.fixture(scope="module")
def interpreted() -> Iterator[Runs]:
    with process("1") as run:
        yield run


@pytest.fixture(scope="module")
def compiled() -> Iterator[Runs]:
    with process("0") as run:
        yield run


def test_one_process_compiles_and_the_other_does_not(interpreted, compiled):
    asked = "from expsim_panel.kernels.trials import play; print(hasattr(play, 'py_func'))"
    assert (interpreted(asked), compiled(asked)) == ("False\n", "True\n")


@pytest.mark.parametrize("name", WORLDS)
def test_interpreted_kernels_give_the_same_bits(name, interpreted):
    world = tree(**{"traffic": {"units_per_day": 60, "days": 6}, **WORLDS[name]})
    # A bandit sends a prompt to one variant only.
    moving = {"thompson", "drop-the-losers"}
    still = world.get("evaluator", {}).get("paired") or world["metric"]["family"] == "pairwise"
    names = [one for one in NAMES if one not in moving] if still else NAMES
    if "traffic" in WORLDS[name]:
        # No more than twelve at a time.
        names = names[1:] if world["metric"]["family"] == "pairwise" else [*names[1:], "fixed-lift"]
    if "ramp" in world["traffic"]:
        # Days are compared apart, which these cannot.
        names = [one for one in names if one not in designs.names() or not designs.get(one)().not_by_day()]
    fast = Study.from_tree(world, "parity", names=names).run(replicates=12, seed=5).digest
    assert interpreted(SCRIPT, json.dumps(world), json.dumps(names)).strip() == fast


BANDIT = """
import sys
from expsim_panel import bandit
print(bandit([0.3, 0.5, 0.6], sys.argv[2].split(), 60, family=sys.argv[1], replicates=12, seed=5, workers=1).digest)
"""
KINDS = """
from expsim_panel.duelling import duel, from_strengths
from expsim_panel.metered_bandits import metered_bandit
from expsim_panel.metered_world import metered_world
from expsim_panel.segment_bandits import segment_bandit
asked = {"replicates": 12, "seed": 5, "workers": 1}
linear = ["lin-ucb", "lin-thompson", "thompson"]
print(segment_bandit([0.6, 0.4], [[0.1, 0.5], [0.4, 0.2]], linear, 60, features=[[1, 0.3], [0.2, 1]], **asked).digest)
print(duel(from_strengths([1, 0.5, 0], 0.3), ["rucb", "double-thompson"], 60, **asked).digest)
priced = ["budgeted-ucb", "budgeted-thompson", "lagrangian"]
for unknown in (False, True):
    world = metered_world([0.3, 0.7], costs=[0.3, 0.8], unknown_costs=unknown, budget=30)
    print(metered_bandit(world, priced, 80, **asked).digest)
world = metered_world(ratings=[[0.2, 0.3, 0.5], [0.4, 0.3, 0.3]], guardrail=[0.1, 0.3], limit=0.15)
careful = ["guardrailed-thompson", "conservative-ucb", "dirichlet-thompson", "thompson", "glr-kl-ucb(every=2)"]
print(metered_bandit(world, careful, 80, **asked).digest)
"""
BANDITS = [
    (
        "bernoulli",
        "thompson ucb1 ucb1(floor=0.1) kl-ucb(c=3) moss imed bayes-ucb ucb-v epsilon-greedy exp3 cusum-ucb glr-kl-ucb",
    ),
    (
        "gaussian",
        "conservative-ucb glr-kl-ucb discounted-ucb thompson ucb1 kl-ucb imed sequential-halving successive-elimination discounted-thompson",
    ),
]


@pytest.mark.parametrize(("family", "names"), BANDITS)
def test_interpreted_bandits_give_the_same_bits(family, names, interpreted):
    from expsim_panel import bandit

    asked = [0.3, 0.5, 0.6], names.split(), 60
    fast = bandit(*asked, family=family, replicates=12, seed=5, workers=1).digest
    assert interpreted(BANDIT, family, names).strip() == fast


WORLDLY = """
import sys
from expsim_panel import bandit
from expsim_panel.bandit_runs import Run
usual, Run.in_batches = Run.in_batches, sys.argv[1] == "sums"
world = {"delay": 5, "batch": 5, "arrives": (0, 9, 0), "cost": 0.1, "shift": [(31, (0.5, 0.4, 0.6))]}
if sys.argv[1] == "requests":
    world |= {"drift": (0.1, 0.0, 0.0), "season": (0.1, 7)}
names = ["thompson(burn_in=2)", "ucb1", "epsilon-greedy(floor=0.1)"]
print(*(bandit([0.3, 0.5, 0.6], names, 60, family=family, replicates=12, seed=5, workers=1, world=world).digest
        for family in ("bernoulli", "gaussian")))
# The process goes on with other tests.
Run.in_batches = usual
"""


@pytest.mark.parametrize("how", ["sums", "requests"])
def test_interpreted_bandit_worlds_give_the_same_bits(how, interpreted, compiled):
    found = compiled(WORLDLY, how)
    assert len(found.split()) == 2
    assert interpreted(WORLDLY, how) == found


def test_interpreted_bandits_of_other_kinds_give_the_same_bits(interpreted, compiled):
    found = compiled(KINDS)
    assert len(found.split()) == 5
    assert interpreted(KINDS) == found


INFERRED = """
import hashlib, json
from expsim_panel.bandit_inference import to_json
from expsim_panel.bandit_problems import play
from expsim_panel.problem_inference import inference_of
sizes = {"replicates": 12, "seed": 5, "workers": 1}
harmful = {"means": "0.3,0.7", "cost": "0.3,0.8", "budget": 20.0, "guardrail": "0.1,0.3", "limit": 0.2}
parted = {"segments": "0.6,0.4", "means": "0.1,0.5;0.4,0.2"}
for kind, given, name in (("metered", harmful, "guardrailed-thompson(floor=0.1,burn_in=2)"),
                          ("segments", parted, "lin-thompson(floor=0.1)")):
    found = play(kind, given, [name], 60, **sizes)
    (one,) = inference_of(found, experiments=4, workers=1)
    print(hashlib.sha256(json.dumps(to_json(one)).encode()).hexdigest(), one.reason)
"""


def test_interpreted_logs_of_bandits_give_the_same_bits(interpreted, compiled):
    found = compiled(INFERRED)
    assert found.count("None") == 2
    assert interpreted(INFERRED) == found
