"""What a bandit with a guardrail proves of its arms' rates of bad events, and the recommendation that waits for it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from expsim_panel.adaptive_contrasts import Recommendation
from expsim_panel.adaptive_inference import METHODS, Coverage, listed, summarise
from expsim_panel.kernels.special import norm_ppf
from expsim_panel.quantities import percent

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Guard:
    """What each experiment proves by each method.

    Attributes
    ----------
    within, over : bool ndarray, shape (replicates, 5, arms)
        The arm's rate of bad events is proved to be within the limit; over it.
    allowed : bool ndarray, shape (arms,)
        Which arms truly keep the limit.
    """

    within: npt.NDArray[np.bool_]
    over: npt.NDArray[np.bool_]
    allowed: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Harm:
    """Estimates of the rates of bad events.

    Attributes
    ----------
    limit : float
        Largest rate that is allowed.
    coverage : Coverage
        Bias and coverage of every method against the true rates.
    estimates, low, high : ndarray, shape (5, arms)
        The first experiment: estimates and their intervals.
    within, over : bool ndarray, shape (5, arms)
        What the first experiment proves; see `Guard`.
    """

    limit: float
    coverage: Coverage
    estimates: Floats
    low: Floats
    high: Floats
    within: npt.NDArray[np.bool_]
    over: npt.NDArray[np.bool_]


def each_z(arms: int, alpha: float) -> float:
    """Return the normal quantile of intervals of the arms but the control that hold together (Bonferroni)."""
    return float(norm_ppf(1.0 - alpha / (2.0 * (arms - 1))))


def judged(
    out: Floats, cross: Floats, load: Floats, risks: Floats, limit: float, allowed: npt.NDArray[np.bool_], level: float
) -> tuple[Guard, Harm]:
    """Return what estimates of the rates prove, and what they are worth.

    Few events make an estimated error too small, and none makes it 0. So errors are those of the rate that is asked
    about, ``r (1 - r) load``: an interval holds every r that the estimate is within z of them from, and an arm is
    within the limit, or over it, where its estimate is z of the limit's errors below, or above.

    Parameters
    ----------
    out, cross, risks
        As for `adaptive_inference.summarise`, of the bad events.
    load : ndarray, shape (replicates, 5, arms)
        See `kernels.logged_metered.note_loads`.
    limit : float
        Largest rate that is allowed.
    allowed : ndarray, shape (arms,)
        Which arms truly keep it.
    level : float
        Of the intervals that hold together over the arms but the control.
    """
    # A weighted estimate may fall below 0, which no rate is.
    rate, z = np.clip(out[..., 0], 0.0, 1.0), float(norm_ppf(0.5 + level / 2.0))
    reach = each_z(risks.size, 1.0 - level) * np.sqrt(limit * (1.0 - limit) * load)
    within, over = rate + reach <= limit, rate - reach > limit
    held = (np.abs(rate - risks) <= z * np.sqrt(risks * (1.0 - risks) * load)).mean(axis=0)
    spread = np.sqrt(held * (1.0 - held) / rate.shape[0])
    told = replace(summarise(out, cross, risks, level), coverage=held, coverage_se=spread)
    low, high = score_interval(rate[0], load[0], z)
    return Guard(within, over, allowed), Harm(limit, told, out[0, :, :, 0], low, high, within[0], over[0])


def score_interval(rate: Floats, load: Floats, z: float) -> tuple[Floats, Floats]:
    """Return the rates r with ``|rate - r| <= z sqrt(r (1 - r) load)``.

    References
    ----------
    E. B. Wilson (1927), "Probable inference, the law of succession, and statistical inference", JASA 22, 209-212, with
    1 / load in place of the number of trials.
    """
    with np.errstate(invalid="ignore"):
        wide = z * z * load
        middle = (rate + wide / 2.0) / (1.0 + wide)
        half = z * np.sqrt(load * rate * (1.0 - rate) + wide * load / 4.0) / (1.0 + wide)
    return middle - half, middle + half


def guarded(said: Recommendation, guard: Guard, method: int, alpha: float) -> Recommendation:
    """Return the recommendation of the first experiment when arms have to be proved within the limit as well.

    Launching needs two proofs of one arm, each at its own level; keeping the control needs one of two of every other
    arm, each one-sided at half the level of an interval: together no more than alpha.
    """
    within, over = guard.within[0, method], guard.over[0, method]
    level = f"{100 * (1 - alpha):g} %"
    better = [one for one in said.contrasts if one.interval[0] > 0.0]
    fit = [one for one in better if within[one.treatment]]
    if fit:
        best = max(fit, key=lambda one: one.estimate)
        words = (
            f"Launch: arm {best.treatment} is better than the control by {best.estimate:.3g} ({level} interval "
            f"{best.interval[0]:.3g} to {best.interval[1]:.3g}), and its rate of bad events is proved within the limit."
        )
        return replace(said, action="launch", arm=best.treatment, sentence=words)
    if all(one.interval[1] < 0.0 or over[one.treatment] for one in said.contrasts):
        words = f"Keep the control: every other arm is worse or over the limit of bad events at {level}."
        return replace(said, action="keep", arm=0, sentence=words)
    open_ = [one for one in better if not over[one.treatment]]
    words = f"Collect more: no arm is proved better and within the limit of bad events at {level}."
    if open_:
        best = max(open_, key=lambda one: one.estimate)
        words = (
            f"Collect more: arm {best.treatment} is better than the control by {best.estimate:.3g}, but its rate of "
            f"bad events is not proved within the limit at {level}."
        )
    return replace(said, action="collect", arm=0, sentence=words)


def harm_json(harm: Harm) -> dict[str, Any]:
    """Return the JSON of the rates of bad events: ``inference.bad_events``."""
    told = harm.coverage
    return {
        "limit": harm.limit,
        "methods": [
            {
                "name": name,
                "bias": listed(told.bias[m]),
                "bias_se": listed(told.bias_se[m]),
                "coverage": listed(told.coverage[m]),
                "coverage_se": listed(told.coverage_se[m]),
                "estimates": listed(harm.estimates[m]),
                "low": listed(harm.low[m]),
                "high": listed(harm.high[m]),
                "within_limit": [_proof(*pair) for pair in zip(harm.within[m], harm.over[m], strict=True)],
            }
            for m, name in enumerate(METHODS)
        ],
    }


def _proof(within: bool, over: bool) -> bool | None:
    """Return what is proved of an arm: True within the limit, False over it, None neither."""
    return True if within else False if over else None


def rate_words(harm: Harm, method: int) -> str:
    """Return the rates of the first experiment in words, arm by arm."""
    parts = []
    for a, rate in enumerate(harm.estimates[method]):
        proof = _proof(harm.within[method, a], harm.over[method, a])
        word = {True: "within", False: "over", None: "open"}[proof]
        ends = (harm.low[method, a], harm.high[method, a])
        parts.append(f"{a}: {percent(float(rate))} ({percent(ends[0])} to {percent(ends[1])}; {word})")
    return ", ".join(parts)
