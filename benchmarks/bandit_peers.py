"""Pulls per second of processor time, ours beside other packages', in one run: ``python benchmarks/bandit_peers.py``.

Five Bernoulli arms, horizon 2,000. Each peer gets an environment of its own in a temporary folder (``python -m venv``,
``pip install``), because their requirements contradict each other, and drives its own UCB1 and Thompson policies as its
documentation does. Ours runs on one thread before and after every peer; the better time counts for both. A peer that
cannot be installed, or has no such policy, is named with the reason. Fails if a peer is faster than we are.

Names on the command line choose peers: ``python benchmarks/bandit_peers.py pymab coba``. ``--keep FOLDER`` keeps the
environments there for the next run.

Measured on one core of a busy machine (ratio of ours over theirs): SMPyBandits 0.9.7 UCB1 2,647, Thompson 398; pymab
2.0.1 UCB1 422, Thompson 76; mabwiser 2.7.4 UCB1 9,830, Thompson 2,920. rlberry 0.7.3 no longer holds bandit agents;
coba 8.1.0 UCB1 (tuned) 971, no Thompson.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from expsim_panel import bandit

MEANS, HORIZON, OURS = (0.1, 0.3, 0.5, 0.7, 0.9), 2000, 5000
LEAST = 1.0
"""Ratio of our pulls per second over a peer's, below which the run fails."""


@dataclass(frozen=True)
class Peer:
    """A package: what to install, and the script that prints ``{"ucb1": [pulls, seconds, regret], ...}``."""

    requirements: tuple[str, ...]
    script: str


HEAD = """
import json, time
import numpy as np
MEANS, HORIZON = (0.1, 0.3, 0.5, 0.7, 0.9), 2000
done = {}
def play(name, replicates, start, choose, learn):
    best, lost = float("inf"), []
    for turn in range(3):
        began = time.process_time()
        for replicate in range(replicates):
            rng = np.random.default_rng(replicate + 1000 * turn)
            state = start(replicate + 1000 * turn)
            regret = 0.0
            for t in range(HORIZON):
                arm = int(choose(state, t))
                regret += 0.9 - MEANS[arm]
                learn(state, arm, float(rng.random() < MEANS[arm]))
            lost.append(regret)
        best = min(best, time.process_time() - began)
    done[name] = [replicates * HORIZON, best, float(np.mean(lost))]
"""

PEERS = {
    # SciPy 1.14 took a function away that this package imports.
    "SMPyBandits": Peer(
        ("SMPyBandits", "numba", "scipy<1.14", "numpy<2"),
        """
import contextlib, io
with contextlib.redirect_stdout(io.StringIO()):
    from SMPyBandits.Policies import UCB, Thompson
def begin(kind):
    def start(seed):
        np.random.seed(seed)
        policy = kind(5)
        policy.startGame()
        return policy
    return start
for name, kind in (("ucb1", UCB), ("thompson", Thompson)):
    play(name, 5, begin(kind), lambda policy, t: policy.choice(), lambda policy, arm, r: policy.getReward(arm, r))
""",
    ),
    "mabwiser": Peer(
        ("mabwiser",),
        """
from mabwiser.mab import MAB, LearningPolicy
def begin(kind):
    def start(seed):
        policy = MAB(arms=list(range(5)), learning_policy=kind(), seed=seed)
        policy.fit(decisions=list(range(5)), rewards=[0, 0, 1, 1, 1])
        return policy
    return start
for name, kind in (("ucb1", LearningPolicy.UCB1), ("thompson", LearningPolicy.ThompsonSampling)):
    play(name, 1, begin(kind), lambda policy, t: policy.predict(),
         lambda policy, arm, r: policy.partial_fit([arm], [int(r)]))
""",
    ),
    "pymab": Peer(
        ("pymab",),
        """
from pymab import BanditEnvironment, BernoulliReward, Experiment, ExperimentConfig
from pymab.policies import BernoulliThompsonSamplingPolicy, UCBPolicy
for name, policy in (("ucb1", UCBPolicy(n_arms=5)), ("thompson", BernoulliThompsonSamplingPolicy(n_arms=5))):
    best = float("inf")
    for turn in range(3):
        began = time.process_time()
        result = Experiment(
            environment=BanditEnvironment(means=np.array(MEANS), reward_model=BernoulliReward()),
            policies={name: policy}, config=ExperimentConfig(horizon=HORIZON, n_replicates=100, seed=turn),
        ).run()
        best = min(best, time.process_time() - began)
    done[name] = [100 * HORIZON, best, None]
""",
    ),
    # Its bandit agents left the package; this says so if they are not there.
    "rlberry": Peer(
        ("rlberry",),
        """
from rlberry.agents.bandits import IndexAgent, makeBoundedUCBIndex, TSAgent, makeBetaPrior
""",
    ),
    # Its UCB is UCB1-tuned, and it has no Thompson sampling.
    "coba": Peer(
        ("coba", "numpy"),
        """
from coba.learners import BanditUCBLearner
actions = list(range(5))
play("ucb1", 5, lambda seed: BanditUCBLearner(seed=seed), lambda policy, t: policy.predict(None, actions)[0],
     lambda policy, arm, r: policy.learn(None, arm, r, 1.0))
""",
    ),
}


def ours(policy: str) -> float:
    """Return our pulls per second of processor time on one thread."""
    bandit(MEANS, [policy], HORIZON, replicates=10, workers=1)
    best = float("inf")
    for seed in range(3):
        began = time.process_time()
        bandit(MEANS, [policy], HORIZON, replicates=OURS, seed=seed, workers=1)
        best = min(best, time.process_time() - began)
    return OURS * HORIZON / best


def reason(text: str) -> str:
    """Return the last line that says something, short enough for a line."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("WARNING")]
    return (lines[-1] if lines else "no message")[:160]


def installed(folder: Path, peer: Peer) -> Path:
    """Return the interpreter of an environment that holds a peer, made anew unless it is there."""
    python = folder / "bin" / "python"
    if not (folder / "ready").is_file():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, capture_output=True, text=True)
        asked = [str(python), "-m", "pip", "install", "--quiet", *peer.requirements]
        subprocess.run(asked, check=True, capture_output=True, text=True, timeout=900)
        (folder / "ready").touch()
    return python


def measured(folder: Path, peer: Peer) -> dict[str, list[float]]:
    """Return pulls, seconds and mean regret of each policy of a peer.

    Raises
    ------
    RuntimeError
        It cannot be installed or run; the text is the reason in one line.
    """
    try:
        python = installed(folder, peer)
    except subprocess.SubprocessError as error:
        raise RuntimeError(f"does not install: {reason(getattr(error, 'stderr', '') or str(error))}") from None
    script = f"{HEAD}\n{peer.script}\nprint(json.dumps(done))"
    try:
        done = subprocess.run([str(python), "-c", script], capture_output=True, text=True, timeout=900, check=False)
    except subprocess.SubprocessError as error:
        raise RuntimeError(f"does not finish: {reason(str(error))}") from None
    if done.returncode:
        raise RuntimeError(f"does not run: {reason(done.stderr)}")
    found: dict[str, list[float]] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def main() -> int:
    """Measure, print one row per peer and policy, and return 1 if a peer was faster or none could be measured."""
    ask = argparse.ArgumentParser(description="Pulls per second, ours beside other packages'.")
    ask.add_argument("peers", nargs="*", metavar="PEER", help=f"of {', '.join(PEERS)}; all unless given")
    ask.add_argument("--keep", type=Path, help="folder whose environments are used again")
    given = ask.parse_args()
    unknown = [name for name in given.peers if name not in PEERS]
    if unknown:
        ask.error(f"unknown peer {unknown[0]!r}: choose from {', '.join(PEERS)}")
    slower, measured_any = [], False
    print(f"{'peer':<14}{'policy':<10}{'peer, pulls/s':>16}{'ours, pulls/s':>16}{'ratio':>10}{'regret there':>14}")
    with tempfile.TemporaryDirectory() as scratch:
        for name in given.peers or PEERS:
            before = {policy: ours(policy) for policy in ("ucb1", "thompson")}
            try:
                found = measured((given.keep or Path(scratch)) / name, PEERS[name])
            except RuntimeError as error:
                print(f"{name:<14}{error}", flush=True)
                continue
            for policy in ("ucb1", "thompson"):
                if policy not in found:
                    print(f"{name:<14}{policy:<10}{'has none':>16}")
                    continue
                pulls, seconds, regret = found[policy]
                mine, theirs = max(before[policy], ours(policy)), pulls / seconds
                lost = "" if regret is None else f"{regret:.1f}"
                row = f"{name:<14}{policy:<10}{theirs:>16,.0f}{mine:>16,.0f}{mine / theirs:>10,.0f}{lost:>14}"
                print(row, flush=True)
                measured_any = True
                if mine < LEAST * theirs:
                    slower.append(f"{name} {policy}")
    if slower:
        print(f"slower than {', '.join(slower)}")
    return int(bool(slower) or not measured_any)


if __name__ == "__main__":
    sys.exit(main())
