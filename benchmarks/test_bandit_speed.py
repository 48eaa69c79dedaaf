"""Pulls per second of bandit policies: 5 arms, horizon 2,000, thread CPU time of one core, times two cores."""

from __future__ import annotations

import time

import numpy as np
import pytest

from expsim_panel.bandits import _Run, checkpoints
from expsim_panel.policy import Problem
from expsim_panel.policy_names import read_policy

MEANS, HORIZON, REPLICATES = np.array([0.1, 0.3, 0.5, 0.7, 0.9]), 2000, 1000


@pytest.mark.parametrize(("name", "least"), [("thompson", 20e6), ("ucb1", 120e6), ("kl-ucb", 10e6)])
def test_pulls_per_second_on_two_cores(name: str, least: float) -> None:
    problem = Problem(MEANS.size, HORIZON, True)
    run = _Run(MEANS, problem, read_policy(name), name, REPLICATES, 1, checkpoints(HORIZON))
    run.block(0)
    best = np.inf
    for _ in range(4):
        started = time.thread_time()
        run.block(0)
        best = min(best, time.thread_time() - started)
    rate = 2 * HORIZON * REPLICATES / best
    print(f"\n{name}: {rate / 1e6:,.1f} million pulls/s on two cores (thread CPU time of one, doubled)")
    assert rate >= least
