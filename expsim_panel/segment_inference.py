"""Inference after a contextual bandit: each arm's mean over the segments' requests, and inside every segment."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from expsim_panel.adaptive_inference import METHODS, summarise
from expsim_panel.bandit_inference import DECAY, LEVEL, Inference, concluded
from expsim_panel.kernels.logged_segments import play_logged_segments
from expsim_panel.kernels.streams import OUTCOME, POLICY, TRUTH
from expsim_panel.logged_run import LoggedRun
from expsim_panel.policy import Problem
from expsim_panel.segment_bandits import SegmentResult

Floats = npt.NDArray[np.float64]
NAIVE = METHODS.index("sample_mean")


def after_segments(found: SegmentResult, run: LoggedRun, experiments: int | None) -> Inference:
    """Return what a policy leaves to be inferred: the mean of always serving an arm, and its mean in each segment.

    The sample mean over all requests is the naive one: of a policy that sees segments it is the mean of the segments
    in which the arm was served. The recommendation is for one arm for all.
    """
    policy = run.policy
    segments, arms = found.means.shape
    binary = found.family == "bernoulli"
    problem = Problem(arms, found.horizon, binary, width=found.features.shape[1])
    least, reason = run.least(problem), run.why_not(problem, segments)
    if reason is not None:
        return Inference(run.name, 0, least, reason=reason)
    size = run.size(problem, experiments)
    inside, cross = (np.zeros((size, segments, len(METHODS), arms, last)) for last in (2, arms))
    pooled, pulls = np.zeros((size, arms, 2)), np.zeros((size, segments, arms), np.int64)
    request, edges = policy.request(problem), np.cumsum(found.shares)[:-1]

    def play(index: int, part: slice) -> None:
        choices, x = run.stream(POLICY, index), np.zeros(found.features.shape[1])
        play_logged_segments(
            request, run.asked(request, problem, choices, x), run.stream(OUTCOME, index), run.stream(TRUTH, index),
            choices, binary, found.means, edges, found.features, found.horizon, int(policy.burn_in),
            policy.floor_of(arms), DECAY, x, np.zeros(policy.memory(problem)), inside[part], cross[part], pooled[part],
            pulls[part],
        )  # fmt: skip

    run.play(size, play)
    came = pulls.sum(axis=2)
    if bool(np.isnan(pooled[..., 0]).all(axis=0).any()):
        return Inference(run.name, 0, least, reason="too few requests: an arm has no pull in any experiment")
    out, both = over_all(inside, cross, pooled, came)
    made = concluded(run.name, least, out, both, found.shares @ found.means)
    if made.reason:
        return made
    # A segment that sent no request has no estimate.
    inside[came == 0] = np.nan
    if bool(np.isnan(inside[..., 0]).all(axis=0).any()):
        return made
    told = tuple(summarise(inside[:, k], cross[:, k], found.means[k], LEVEL) for k in range(segments))
    return replace(made, inside=told, inside_estimates=inside[0, ..., 0], inside_errors=np.sqrt(inside[0, ..., 1]))


def over_all(inside: Floats, cross: Floats, pooled: Floats, came: npt.NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Return estimates of the arms' means over all requests, and their covariances.

    With p_k the share of the requests that came from segment k and m_ka the estimate inside it: ``sum p_k m_ka``,
    with covariances ``sum p_k^2 C_k,ab + (sum p_k m_ka m_kb - m_a m_b) / T``, the second part for the segments that
    happened to come. For even weights these are the estimates from all requests at once. The naive row is the sample
    mean over all requests of the arm.

    Parameters
    ----------
    inside, cross : ndarray, shape (replicates, segments, 5, arms, 2) and (replicates, segments, 5, arms, arms)
        Output of `kernels.logged_segments`.
    pooled : ndarray, shape (replicates, arms, 2)
        Sample means and their variances.
    came : ndarray, shape (replicates, segments)
        Requests by segment.

    Returns
    -------
    tuple of ndarray, shape (replicates, 5, arms, 2) and (replicates, 5, arms, arms)

    References
    ----------
    R. Zhan, V. Hadad, D. A. Hirshberg, S. Athey (2021), "Off-policy evaluation via adaptive weighting with data from
    contextual bandits", KDD: weights that depend on the context are to be normalised context by context.
    """
    total = came.sum(axis=1)[:, None, None, None]
    part = (came / came.sum(axis=1, keepdims=True))[:, :, None, None]
    means = inside[..., 0]
    whole = (part * means).sum(axis=1)
    spread = np.einsum("rkma,rkmb->rmab", part * means, means) - whole[..., :, None] * whole[..., None, :]
    both = (part[..., None] ** 2 * cross).sum(axis=1) + spread / total
    out = np.stack([whole, np.diagonal(both, axis1=2, axis2=3)], axis=-1)
    out[:, NAIVE] = pooled
    both[:, NAIVE] = np.eye(whole.shape[2]) * pooled[:, :, None, 1]
    return out, both
