"""Honest inference after a bandit with prices, a budget, bad events, ratings or segments; one door for every kind."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from expsim_panel.bandit_blocks import PlayedProblem
from expsim_panel.bandit_inference import Inference, check_experiments, inference
from expsim_panel.bandit_problems import DUELS, NOT_INFERRED
from expsim_panel.bandits import BanditResult
from expsim_panel.errors import InputError
from expsim_panel.logged_run import LoggedRun
from expsim_panel.metered_bandits import MeteredResult
from expsim_panel.metered_inference import after_metered
from expsim_panel.policy import BanditPolicy, SegmentPolicy
from expsim_panel.policy_names import read_kind
from expsim_panel.segment_bandits import KINDS, SegmentResult
from expsim_panel.segment_inference import after_segments


def inference_of(
    found: BanditResult | PlayedProblem[Any],
    *,
    experiments: int | None = None,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Inference, ...]:
    """Return what each policy of a result of any kind of problem leaves to be inferred, in the same world.

    Prices and budgets, guardrails, ratings: each arm's mean reward in its own unit (ratings 1..J), with a guardrail its
    rate of bad events too. Segments: each arm's mean over all requests if it served them all, and inside every segment.

    Parameters
    ----------
    found : BanditResult or PlayedProblem
        Policies on one problem.
    experiments, workers, progress
        As in `bandit_inference.inference`.

    Raises
    ------
    InputError
        A number of experiments out of bounds; duels, whose arms have no means.
    """
    if isinstance(found, BanditResult):
        return inference(found, experiments=experiments, workers=workers, progress=progress)
    if not isinstance(found, MeteredResult | SegmentResult):
        raise InputError("bandit", "inference", NOT_INFERRED[DUELS], "leave it out, or give 0")
    check_experiments(experiments)
    made = []
    with ThreadPoolExecutor(max_workers=workers or os.cpu_count() or 1) as pool:
        listed: list[tuple[str, str]] = [(one.name, one.policy) for one in found.policies]
        for done, (name, canonical) in enumerate(listed):
            policy = read_kind(canonical, KINDS, "bandit", "policy")
            assert isinstance(policy, SegmentPolicy | BanditPolicy)
            run = LoggedRun(found.seed, name, policy, pool)
            if isinstance(found, MeteredResult):
                made.append(after_metered(found, run, experiments))
            else:
                made.append(after_segments(found, run, experiments))
            if progress:
                progress(done + 1, len(found.policies))
    return tuple(made)
