"""Compiled and interpreted kernels agree to the bit."""

import json
import os
import subprocess
import sys

import pytest
from worlds import tree

from expsim_panel.study import Study

NAMES = ["fixed-horizon", "pocock", "bayesian", "thompson", "msprt", "empirical-bernstein", "rope", "bayesian-prior"]
NAMES += ["fixed-t", "fixed-pooled", "holm", "promising-zone"]
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
    "three arms": {"variants": [{"name": "A", "mean": 3.0}, {"name": "B", "mean": 3.1}, {"name": "C", "mean": 3.2}]},
}


@pytest.mark.parametrize("name", WORLDS)
def test_interpreted_kernels_give_the_same_bits(name):
    world = tree(**{"traffic": {"units_per_day": 60, "days": 6}, **WORLDS[name]})
    # A bandit sends a prompt to one variant only.
    names = [one for one in NAMES if one != "thompson"] if world.get("evaluator", {}).get("paired") else NAMES
    compiled = Study.from_tree(world, "parity", names=names).run(replicates=12, seed=5).digest
    command = [sys.executable, "-c", SCRIPT, json.dumps(world), json.dumps(names)]
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == compiled


BANDIT = """
import sys
from expsim_panel import bandit
print(bandit([0.3, 0.5, 0.6], sys.argv[2].split(), 60, family=sys.argv[1], replicates=12, seed=5, workers=1).digest)
"""
BANDITS = [
    ("bernoulli", "thompson ucb1 ucb1(floor=0.1) kl-ucb(c=3) moss imed bayes-ucb ucb-v epsilon-greedy exp3 cusum-ucb"),
    ("gaussian", "thompson ucb1 kl-ucb imed sequential-halving successive-elimination discounted-thompson"),
]


@pytest.mark.parametrize(("family", "names"), BANDITS)
def test_interpreted_bandits_give_the_same_bits(family, names):
    from expsim_panel import bandit

    asked = [0.3, 0.5, 0.6], names.split(), 60
    compiled = bandit(*asked, family=family, replicates=12, seed=5, workers=1).digest
    command = [sys.executable, "-c", BANDIT, family, names]
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == compiled
