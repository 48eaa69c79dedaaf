"""Our value for every row of tests/reference/bandits.csv, by the public API."""

from __future__ import annotations

import math
import re
from functools import cache
from typing import Any

import numpy as np

from expsim_panel import bandit
from expsim_panel.adaptive_inference import METHODS, Coverage, coverage
from expsim_panel.bandits import BanditResult, enumerate_policy
from expsim_panel.best_arm import complexities, divergence, identification, lai_robbins
from expsim_panel.kernels.arms import beta_exceeds
from expsim_panel.kernels.indices import beta_ppf, exploration, kl_upper
from expsim_panel.policy import Problem
from expsim_panel.policy_names import read_policy

NAMES = {
    "thompson_beta11": "thompson",
    "ts": "thompson",
    "uniform": "even",
    "eps_greedy_0.1": "epsilon-greedy(epsilon=0.1)",
    "moss_horizon": "moss",
    "ucb_v": "ucb-v",
    "kl_ucb_c0": "kl-ucb(c=0)",
    "kl_ucb_c3": "kl-ucb(c=3)",
    "explore_then_commit": "explore-then-commit",
    "sequential_halving": "sequential-halving",
}
QUANTILES = {"q05": "0.05", "q50": "0.5", "q95": "0.95"}


def policy_name(inputs: dict[str, Any]) -> str:
    """Return our name of a row's policy."""
    name = NAMES.get(inputs["policy"], inputs["policy"])
    if name == "explore-then-commit":
        return f"{name}(m={inputs['m']})"
    if str(inputs.get("init", "")).startswith("none: untried arms count as mean 0"):
        return "epsilon-greedy(epsilon=0.1,start=none)"
    return name


PULLS = {"kl-ucb": 4_000_000, "thompson": 10_000_000, "bayes-ucb": 4_000_000}
"""Pulls of one policy's simulation: about half a second of processor time each, so that all rows take less than 30."""


def replicates_for(name: str, horizon: int) -> int:
    """Return how many replicates a policy is played, 20,000 at most."""
    return max(200, min(20_000, PULLS.get(name.partition("(")[0], 16_000_000) // horizon))


@cache
def played(means: tuple[float, ...], family: str, name: str, horizon: int) -> BanditResult:
    """Return a simulation with a fixed seed."""
    return bandit(means, [name], horizon, family=family, replicates=replicates_for(name, horizon), seed=3)


@cache
def inferred(means: tuple[float, ...], rule: str = "clip") -> Coverage:
    """Return bias and coverage of every method; the reference clips at its floor."""
    return coverage(means, replicates=4000, seed=11, floor_rule=rule)


def result(inputs: dict[str, Any]) -> Any:
    """Return the policy's result for a row."""
    horizon = inputs.get("horizon", inputs.get("budget"))
    family = inputs.get("arms", "bernoulli")
    return played(tuple(inputs["means"]), family, policy_name(inputs), horizon).policies[0]


def ours(area: str, inputs: dict[str, Any], output: str) -> float:
    """Return our value of one row."""
    if output == "lai_robbins_constant":
        return lai_robbins(inputs["means"], inputs["arms"])
    if output == "bernoulli_kl":
        return divergence(inputs["p"], inputs["q"])
    if output == "kl_ucb_index":
        return float(kl_upper(inputs["mean"], exploration(float(inputs["t"]), float(inputs["c"])) / inputs["n"]))
    if output == "ucb1_index":
        return float(inputs["mean"] + np.sqrt(2 * np.log(inputs["t"]) / inputs["n"]))
    if output == "bayes_ucb_index":
        hits, misses = inputs["prior"]
        a, b = hits + inputs["successes"], misses + inputs["n"] - inputs["successes"]
        return float(beta_ppf(1 - 1 / inputs["t"], float(a), float(b)))
    if output in ("H1_excl_best", "H2"):
        return complexities(inputs["means"])[output == "H2"]
    if output == "optimal_allocation_w*":
        return float(identification(inputs["means"]).shares[inputs["arm"]])
    if output == "characteristic_time_T*":
        return identification(inputs["means"]).time
    if output == "fixed_confidence_lower_bound":
        return identification(inputs["means"]).samples(inputs["delta"])
    if area == "posterior":
        return float(beta_exceeds(*(float(part) for part in (*inputs["A"], *inputs["B"]))))
    if output == "error_probability":
        return 1.0 - result(inputs).p_best_arm.value
    if area == "inference":
        found = inferred(tuple(inputs["means"]))
        table = found.bias if output == "bias" else found.coverage
        return float(table[METHODS.index(inputs["method"]), inputs["arm"]])
    if area == "regret_exact":
        exact = result(inputs).regret.exact
        if exact is None:
            means = np.array(inputs["means"], float)
            problem = Problem(means.size, inputs["horizon"], True)
            chosen, _ = enumerate_policy(read_policy(policy_name(inputs)), problem, means)
            exact = float(np.sum(chosen @ (means.max() - means)))
        return float(exact)
    if output in QUANTILES:
        return float(result(inputs).regret.quantiles[QUANTILES[output]])
    return float(result(inputs).regret.value)


LEVELS = {"q05": 0.05, "q50": 0.5, "q95": 0.95}
ERRORS = 4.0
"""Standard errors allowed, as for means: 99 quantiles all hold with probability 0.99 if both programs are right."""


def printed(source: str, what: str) -> float:
    """Return a number that the source of a Monte Carlo row states: ``N`` or ``SE``."""
    found = re.search(rf"\b{what}=([0-9.]+)", source)
    assert found is not None
    return float(found.group(1).rstrip("."))


def range_of_quantile(row: dict[str, str], inputs: dict[str, Any]) -> tuple[float, float, float]:
    """Return our quantile, and where a reference simulation's own may lie by the sampling error of both.

    A quantile at level p of N experiments is the order statistic whose rank is binomial: the level that it truly has
    errs by sqrt(p (1 - p) / N). With n experiments of ours both errors add up to sqrt(p (1 - p) (1 / n + 1 / N)), and
    the order statistics of ours at p minus and plus four of these are the range: no density has to be estimated, and
    the lattice of the gaps, where many experiments share one value, needs no correction.
    """
    level = LEVELS[row["output"]]
    regret = np.sort(result(inputs).final)
    off = ERRORS * math.sqrt(level * (1 - level) * (1 / regret.size + 1 / printed(row["source"], "N")))
    low = regret[max(0, math.floor((level - off) * regret.size))]
    high = regret[min(regret.size - 1, math.ceil((level + off) * regret.size))]
    return float(np.quantile(regret, level)), float(low), float(high)
