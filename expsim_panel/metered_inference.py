"""Inference after a bandit with prices, a budget, bad events or ratings: arms' mean rewards and rates of bad events."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from expsim_panel.adaptive_inference import METHODS
from expsim_panel.bandit_inference import DECAY, LEVEL, Inference, concluded
from expsim_panel.guarded_decisions import judged
from expsim_panel.kernels.logged_metered import play_logged_metered
from expsim_panel.kernels.streams import EVALUATOR, OUTCOME, POLICY
from expsim_panel.logged_run import LoggedRun
from expsim_panel.metered_bandits import MeteredResult


def after_metered(found: MeteredResult, run: LoggedRun, experiments: int | None) -> Inference:
    """Return what a policy leaves to be inferred.

    Rewards are in their own unit, ratings 1..J. Prices are not part of what is estimated: the recommendation is by the
    mean reward, and with a guardrail only for an arm that is proved within its limit. Under a budget the estimates are
    of the requests before the first that the dearest arm would overspend; `kernels.logged_metered` says why.
    """
    world, policy = found.world, run.policy
    problem = world.problem(found.horizon)
    least, arms = run.least(problem), world.means.size
    reason = run.why_not(problem)
    dearest = float((world.costs > 0.0).max() if world.unknown_costs else world.costs.max())
    if reason is None and dearest > world.budget:
        reason = "the budget does not pay one pull of the dearest arm: no request has a chance for every arm"
    if reason is not None:
        return Inference(run.name, 0, least, reason=reason)
    size = run.size(problem, experiments)
    out, cross = np.zeros((size, len(METHODS), arms, 2)), np.zeros((size, len(METHODS), arms, arms))
    watched = size if world.limit is not None else 0
    harm, harm_cross = np.zeros((watched, *out.shape[1:])), np.zeros((watched, *cross.shape[1:]))
    load = np.zeros((watched, len(METHODS), arms))
    kept, pulls, logged = np.zeros(size, np.int64), np.zeros((size, arms), np.int64), np.zeros(size, np.int64)
    request = policy.request(problem)

    def play(index: int, part: slice) -> None:
        choices = run.stream(POLICY, index)
        play_logged_metered(
            request, run.asked(request, problem, choices, np.zeros(0)), run.stream(OUTCOME, index),
            run.stream(EVALUATOR, index), choices, world.means, world.edges, world.costs, world.unknown_costs,
            world.risks, float(world.budget), found.horizon, int(policy.burn_in), policy.floor_of(arms), DECAY,
            np.zeros(policy.memory(problem)), out[part], cross[part], harm[part], harm_cross[part], load[part],
            kept[part], pulls[part], logged[part],
        )  # fmt: skip

    run.play(size, play)
    if bool(np.isnan(out[..., 0]).all(axis=0).any()):
        return Inference(run.name, 0, least, reason="too few requests: an arm has no pull in any experiment")
    shift = 1.0 if world.family == "ratings" else 0.0
    out[..., 0] = shift + world.scale * out[..., 0]
    out[..., 1] *= world.scale**2
    cross *= world.scale**2
    means = shift + world.scale * world.means
    if world.limit is None:
        return concluded(run.name, least, out, cross, means)
    guard, told = judged(harm, harm_cross, load, world.risks, world.limit, np.asarray(world.safe), LEVEL)
    made = concluded(run.name, least, out, cross, means, guard)
    return made if made.reason else replace(made, harm=told)
