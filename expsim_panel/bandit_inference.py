"""What can honestly be said after each bandit of a result: estimators of the arms, and the recommendation by them.

Every propensity is known while a policy plays, so the same experiment is estimated five ways; the sample mean, biased
after adaptive allocation, stands beside those that reckon with it.
"""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from expsim_panel.adaptive_contrasts import VALID, Recommendation, recommended
from expsim_panel.adaptive_inference import METHODS, Coverage, listed, summarise
from expsim_panel.bandit_law import law_of
from expsim_panel.bandits import BanditResult
from expsim_panel.errors import InputError, shown
from expsim_panel.guarded_decisions import Guard, Harm, each_z, guarded, harm_json
from expsim_panel.kernels.bits import stream
from expsim_panel.kernels.logged import play_logged
from expsim_panel.kernels.special import norm_ppf
from expsim_panel.kernels.streams import OUTCOME, POLICY
from expsim_panel.policy import BanditPolicy, Policy, Problem
from expsim_panel.policy_names import canonical, read_kind, read_policy

Floats = npt.NDArray[np.float64]

LEVEL, CONTROL, EVEN = 0.9, 0, "even"
DECAY = 0.0
"""Of the floors that the two-point weights assume: those of a policy are constant, and its bad case is then the
good one, so that both weights are the same; `adaptive_inference.coverage` plays decaying floors."""
LABELS = dict(
    zip(
        METHODS,
        ("Naive mean", "IPW", "AIPW", "Weighted AIPW, square root", "Weighted AIPW, two-point"),
        strict=True,
    )
)
"""Names of the methods for people."""
METHOD = "aipw_twopoint"
"""The one that recommends."""
LEAST, MOST = 60, 1000
"""Experiments that are played for bias and coverage, unless their number is given."""
_BUDGET, _SLOW, _LONGEST, _CELLS = 1.2e7, 60.0, 1.5e5, 3e7
_PART, _SIDE = 25, 11


@dataclass(frozen=True)
class Inference:
    """Estimates after one policy.

    Attributes
    ----------
    policy : str
        Its name as asked for.
    experiments : int
        Experiments behind bias, coverage and decisions; 0 where there is no inference.
    least : float
        Propensity that no arm falls below.
    coverage : Coverage or None
        Bias and coverage of every method against the true means.
    right, wrong, undecided : ndarray, shape (5,)
        Share of the experiments in which a method's recommendation serves a best arm (launched, or the control kept as
        proved best), a lesser one, or asks for more data.
    estimates, errors : ndarray, shape (5, arms)
        The first experiment: estimates and their standard errors.
    contrasts, contrast_errors : ndarray, shape (5, arms - 1)
        Its differences of the other arms from the control, and their standard errors.
    recommendation : Recommendation or None
        What its two-point estimates recommend.
    reason : str or None
        Why there is none of this.
    harm : Harm or None
        Where there is a guardrail, the same of the arms' rates of bad events.
    inside : tuple of Coverage
        Where requests come from segments, bias and coverage of the arms' means inside each.
    inside_estimates, inside_errors : ndarray, shape (segments, 5, arms), or None
        Estimates of them after the first experiment, and their standard errors; nan where a segment sent no request.
    """

    policy: str
    experiments: int
    least: float
    coverage: Coverage | None = None
    right: Floats | None = None
    wrong: Floats | None = None
    undecided: Floats | None = None
    estimates: Floats | None = None
    errors: Floats | None = None
    contrasts: Floats | None = None
    contrast_errors: Floats | None = None
    recommendation: Recommendation | None = None
    reason: str | None = None
    harm: Harm | None = None
    inside: tuple[Coverage, ...] = ()
    inside_estimates: Floats | None = None
    inside_errors: Floats | None = None


def inference(
    found: BanditResult,
    *,
    experiments: int | None = None,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Inference, ...]:
    """Return what each policy of a result leaves to be inferred, in the same world.

    Parameters
    ----------
    found : BanditResult
        Policies on one problem.
    experiments : int, optional
        Experiments to measure bias and coverage by, 2 to 100,000; as many as a second or two allow, unless given.
    workers : int, optional
        Threads; the figures do not depend on it.
    progress : callable, optional
        Called with (policies done, policies); may raise to stop.

    Raises
    ------
    InputError
        A number of experiments out of bounds.
    """
    check_experiments(experiments)
    made = []
    with ThreadPoolExecutor(max_workers=workers or os.cpu_count() or 1) as pool:
        for done, one in enumerate(found.policies):
            made.append(_one(found, one.name, read_policy(one.policy), experiments, pool))
            if progress:
                progress(done + 1, len(found.policies))
    return tuple(made)


def check_experiments(experiments: int | None) -> None:
    """Raise `InputError` where a number of experiments is out of bounds."""
    if experiments is not None and (
        isinstance(experiments, bool) or not isinstance(experiments, int) or not 2 <= experiments <= 100_000
    ):
        problem = f"{shown(experiments)} experiments for the estimators"
        raise InputError("bandit", "inference", problem, "give a whole number from 2 to 100,000, or 0 for none")


def why_not(found: BanditResult, policy: BanditPolicy) -> str | None:
    """Return why nothing can honestly be inferred after a policy in the world of a result; None where it can."""
    world = found.world
    if world.changing:
        return "the arms' means change or arms arrive late: there is no one mean to estimate"
    if world.season is not None:
        return "a season moves the level while shares change: differences of arms are confounded with time"
    problem = _problem(found)
    return None if policy.least_share(problem) > 0.0 else no_floor(policy, found.means.size)


def no_floor(policy: Policy, arms: int) -> str:
    """Return what is said of a policy whose probabilities have no floor."""
    example = min(0.05, 0.5 / arms)
    return f"its probabilities can fall to nothing; give it a floor, as {policy.kind}(floor={example:.2g})"


def _problem(found: BanditResult) -> Problem:
    late = found.world.batch > 1 or found.world.delay > 0
    return Problem(found.means.size, found.horizon, found.family == "bernoulli", late, True)


def _one(
    found: BanditResult, name: str, policy: BanditPolicy, experiments: int | None, pool: ThreadPoolExecutor
) -> Inference:
    reason = why_not(found, policy)
    problem = _problem(found)
    least = policy.least_share(problem)
    arms, horizon, world = found.means.size, found.horizon, found.world
    slow = _SLOW if policy.slow_shares and arms > 2 else 1.0
    price = arms * horizon + slow * arms * horizon / world.batch
    size = experiments or int(min(max(_BUDGET / price, LEAST), MOST))
    if reason is None and (arms * horizon > _CELLS or (experiments is None and price > _LONGEST * 20)):
        reason = (
            f"{horizon:,} requests are too many to log; ask for fewer requests, larger batches or fewer experiments"
        )
    if reason is not None:
        return Inference(name, 0, least, reason=reason)
    law = law_of(world, found.means, horizon, found.family)
    key = int.from_bytes(hashlib.sha256(canonical(policy).encode()).digest()[:7], "little")
    out = np.zeros((size, len(METHODS), arms, 2))
    cross = np.zeros((size, len(METHODS), arms, arms))
    kept, pulls = np.zeros(size, np.int64), np.zeros((size, arms), np.int64)

    def block(index: int) -> None:
        part = slice(index * _PART, min((index + 1) * _PART, size))
        rewards, choices = (stream(found.seed, role, index, key, _SIDE) for role in (OUTCOME, POLICY))
        with np.errstate(over="ignore"):
            play_logged(
                policy.request(problem), rewards, choices, problem.binary, law.seen, law.sd, horizon,
                int(policy.burn_in), policy.floor_of(arms), world.delay, world.batch, DECAY,
                np.zeros(policy.memory(problem)), out[part], cross[part], kept[part], pulls[part],
            )  # fmt: skip

    list(pool.map(block, range(math.ceil(size / _PART))))
    return concluded(name, least, out, cross, found.means)


def concluded(
    name: str, least: float, out: Floats, cross: Floats, means: Floats, guard: Guard | None = None
) -> Inference:
    """Return what the estimates of many experiments come to.

    Parameters
    ----------
    name : str
        The policy, as asked for.
    least : float
        Propensity that no arm falls below.
    out, cross, means
        As for `adaptive_inference.summarise`.
    guard : Guard, optional
        What each experiment proves of the arms' rates of bad events.
    """
    right, wrong, undecided = decisions(out, cross, means, guard)
    contrasts, errors = differences(out, cross)
    try:
        verdict = recommended(out[0], cross[0], METHOD, CONTROL, 1.0 - LEVEL)
    except InputError as error:
        return Inference(name, 0, least, reason=error.problem)
    if guard is not None:
        verdict = guarded(verdict, guard, METHODS.index(METHOD), 1.0 - LEVEL)
    return Inference(
        name, out.shape[0], least, summarise(out, cross, means, LEVEL), right, wrong, undecided,
        out[0, :, :, 0], np.sqrt(out[0, :, :, 1]), contrasts[0], errors[0], verdict,
    )  # fmt: skip


def differences(out: Floats, cross: Floats) -> tuple[Floats, Floats]:
    """Return the differences of the arms from arm 0 and their standard errors, shape (replicates, 5, arms - 1)."""
    own = np.diagonal(cross, axis1=2, axis2=3)
    spread = own[..., 1:] + own[..., :1] - 2.0 * cross[..., 0, 1:]
    return out[..., 1:, 0] - out[..., :1, 0], np.sqrt(np.maximum(spread, 0.0))


def decisions(out: Floats, cross: Floats, means: Floats, guard: Guard | None = None) -> tuple[Floats, Floats, Floats]:
    """Return by method how often the recommendation is right, wrong, or that more is to be collected.

    Every arm against the control, intervals that hold together (Bonferroni): launch the largest estimate of those
    proved better; keep the control where all are proved worse. Serving an arm of the largest true mean is right. With a
    guardrail an arm has to be proved within the limit too, one proved over it is out like one proved worse, and the
    largest mean is that of the arms that keep it; see `guarded_decisions`.
    """
    apart, error = differences(out, cross)
    z = each_z(means.size, 1.0 - LEVEL)
    low, high = apart - z * error, apart + z * error
    better, worse, good = low > 0.0, high < 0.0, means == means.max()
    if guard is not None:
        better, worse = better & guard.within[..., 1:], worse | guard.over[..., 1:]
        good = guard.allowed & (means == means[guard.allowed].max())
    best = np.argmax(np.where(better, apart, -np.inf), axis=2) + 1
    launch = np.any(better, axis=2)
    keep = ~launch & np.all(worse, axis=2)
    served = good[np.where(launch, best, CONTROL)]
    decided = launch | keep
    return (decided & served).mean(axis=0), (decided & ~served).mean(axis=0), (~decided).mean(axis=0)


def valid(method: str, policy: str) -> bool:
    """Tell whether a method's intervals hold after a policy; after an even split every one's do."""
    return method in VALID or read_kind(policy, (Policy,), "bandit", "policy").kind == EVEN


def to_json(one: Inference) -> dict[str, Any]:
    """Return the JSON of a policy's inference: ``inference``, or null with ``inference_reason``."""
    if one.coverage is None or one.recommendation is None:
        return {"inference": None, "inference_reason": one.reason}
    told, arms = one.coverage, range(1, one.coverage.bias.shape[1])
    rows = (one.right, one.wrong, one.undecided, one.estimates, one.errors, one.contrasts, one.contrast_errors)
    right, wrong, undecided, estimates, errors, contrasts, spread = (np.asarray(row) for row in rows)
    half = _z() * spread

    methods = []
    for m, name in enumerate(METHODS):
        methods.append(
            {
                "name": name, "label": LABELS[name], "valid": valid(name, one.policy),
                "bias": listed(told.bias[m]), "bias_se": listed(told.bias_se[m]),
                "coverage": listed(told.coverage[m]), "coverage_se": listed(told.coverage_se[m]),
                "contrasts": {
                    "bias": listed(told.contrast_bias[m]), "bias_se": listed(told.contrast_bias_se[m]),
                    "coverage": listed(told.contrast_coverage[m]), "coverage_se": listed(told.contrast_coverage_se[m]),
                },
                "decisions": {"right": float(right[m]), "wrong": float(wrong[m]), "undecided": float(undecided[m])},
                "one_experiment": {
                    "estimates": listed(estimates[m]), "se": listed(errors[m]),
                    "contrasts": [
                        {
                            "arm": a, "control": CONTROL, "estimate": listed(contrasts[m])[a - 1],
                            "se": listed(spread[m])[a - 1],
                            "interval": listed(contrasts[m, a - 1] + half[m, a - 1] * np.array([-1.0, 1.0])),
                        }
                        for a in arms
                    ],
                },
            }
        )  # fmt: skip
    said = one.recommendation
    made = {
        "inference": {
            "experiments": one.experiments, "level": LEVEL, "least_propensity": one.least, "methods": methods,
            "verdict": {
                "action": said.action, "arm": said.arm, "method": METHOD, "sentence": said.sentence,
                "contrasts": [
                    {"arm": c.treatment, "estimate": c.estimate, "se": c.se, "interval": list(c.interval)}
                    for c in said.contrasts
                ],
            },
        }
    }  # fmt: skip
    if one.harm is not None:
        made["inference"]["bad_events"] = harm_json(one.harm)
    if one.inside_estimates is not None and one.inside_errors is not None:
        made["inference"]["segments"] = [
            [
                {
                    "name": name, "bias": listed(inside.bias[m]), "bias_se": listed(inside.bias_se[m]),
                    "coverage": listed(inside.coverage[m]), "coverage_se": listed(inside.coverage_se[m]),
                    "estimates": listed(one.inside_estimates[k, m]), "se": listed(one.inside_errors[k, m]),
                }
                for m, name in enumerate(METHODS)
            ]
            for k, inside in enumerate(one.inside)
        ]  # fmt: skip
    return made


def _z() -> float:
    return float(norm_ppf(0.5 + LEVEL / 2.0))
