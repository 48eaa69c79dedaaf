"""A bandit's world as numbers to edit: declarations for forms, and the world that their values make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from expsim_panel.bandit_worlds import MAX_PERIOD, MAX_POPULATION
from expsim_panel.errors import InputError
from expsim_panel.policy import BanditPolicy, Problem, policies
from expsim_panel.policy_names import bandit_names
from expsim_panel.quantities import Count, Factor, Money, Probability
from expsim_panel.sections import Section

FEWEST, MOST = 2, 8
"""Arms that a form has rows for."""


class BanditArm(Section):
    """What one arm is, beyond its mean at the start."""

    mean = Factor(
        0.5, bounds=(-1e6, 1e6), softbounds=(0.0, 1.0), step=0.01, label="Mean", doc="Mean of one reward at the start."
    )
    drift = Factor(
        0.0, bounds=(-1e6, 1e6), softbounds=(-0.3, 0.3), step=0.01, label="Drift",
        doc="Change of the mean over the whole experiment, linear.",
    )  # fmt: skip
    shifted = Factor(
        None, bounds=(-1e6, 1e6), softbounds=(0.0, 1.0), step=0.01, allow_None=True, label="Mean after the shift",
        doc="Mean from the request of the shift on; unset: as before.",
    )  # fmt: skip
    arrives = Count(
        0, bounds=(0, 10**8), softbounds=(0, 10_000), label="Arrives at request", doc="Request from which it is there."
    )
    cost = Money(
        0.0, bounds=(0.0, 1e6), softbounds=(0.0, 1.0), step=0.001, label="Cost per pull",
        doc="Dollars for one answer by this arm.",
    )  # fmt: skip
    judge_bias = Factor(
        0.0, bounds=(-1e6, 1e6), softbounds=(-0.5, 0.5), step=0.01, label="Evaluator's bias",
        doc="Added by the evaluator to each reward of this arm; no sample size removes it.",
    )  # fmt: skip
    sensitivity = Probability(
        1.0, softbounds=(0.5, 1.0), step=0.01, label="Sensitivity", doc="P(a good answer is seen as good)."
    )
    specificity = Probability(
        1.0, softbounds=(0.5, 1.0), step=0.01, label="Specificity", doc="P(a bad answer is seen as bad)."
    )


class BanditPlace(Section):
    """What concerns all arms of a bandit's world."""

    delay = Count(
        0, bounds=(0, 10**8), softbounds=(0, 2000), label="Delay, requests", doc="Requests until a reward is known."
    )
    batch = Count(
        1, bounds=(1, 10**8), softbounds=(1, 1000), label="Batch, requests",
        doc="Requests between two questions to a policy; 1 asks at every request.",
    )  # fmt: skip
    shift_at = Count(
        0, bounds=(0, 10**8), softbounds=(0, 10_000), label="Shift at request",
        doc="Abrupt change: from here on arms have their mean after the shift; 0: none.",
    )  # fmt: skip
    season_amplitude = Factor(
        0.0, bounds=(0.0, 1e6), softbounds=(0.0, 0.3), step=0.01, label="Season, amplitude",
        doc="A sine that moves all arms alike; 0: none.",
    )  # fmt: skip
    season_period = Count(
        500, bounds=(2, MAX_PERIOD), softbounds=(10, 5000), label="Season, period in requests", doc="One full wave."
    )
    judge_noise = Factor(
        0.0, bounds=(0.0, 1e6), softbounds=(0.0, 3.0), step=0.1, label="Evaluator's noise, SD",
        doc="Standard deviation of the evaluator's own noise; one reward has 1.",
    )  # fmt: skip
    population = Count(
        None, bounds=(1, MAX_POPULATION), softbounds=(1000, 1_000_000), allow_None=True, label="Requests in all",
        doc="The arm that was kept serves the rest after the experiment; unset: only the experiment counts.",
    )  # fmt: skip


RATE, SCORE = "bernoulli", "gaussian"
FAMILIES = {"Good or bad answers (a rate)": RATE, "Scores (normal, standard deviation 1)": SCORE}
_NEED_PRICES = ("budgeted-thompson", "budgeted-ucb", "lagrangian", "guardrailed-thompson")
"""They weigh prices or a guardrail, which this world has not: `expsim bandit --budget` or `--guardrail`."""
_OF_FAMILY = {RATE: ("sensitivity", "specificity"), SCORE: ("judge_bias",)}


def arm_keys(family: str, shift: bool) -> list[str]:
    """Return which numbers of an arm matter in a family, with or without a shift."""
    keys = ["mean", *_OF_FAMILY[family], "cost", "drift", "arrives"]
    return [*keys, "shifted"] if shift else keys


def place_keys(family: str) -> list[str]:
    """Return which numbers of the world matter in a family."""
    return [key for key in BanditPlace.fields() if key != "judge_noise" or family == SCORE]


def form_world(
    place: Mapping[str, Any], arms: Sequence[Mapping[str, Any]], means: Sequence[float], family: str, where: str
) -> dict[str, Any]:
    """Return the world that the values of a form make, as `bandit` takes it; empty for the classic problem.

    Parameters
    ----------
    place : mapping
        Values of `BanditPlace` that were changed.
    arms : sequence of mapping
        Values of `BanditArm` by arm; the mean stands in `means`, and arms beyond are left alone.
    means : sequence of float
        Means at the start.
    family : str
        ``bernoulli`` or ``gaussian``: what belongs to the other is not used.

    Raises
    ------
    InputError
        A value that its declaration does not accept, with its place.
    """
    here = BanditPlace()
    for key, value in place.items():
        if key in place_keys(family):
            here.put(key, value, where)
    rows = []
    for k in range(len(means)):
        row = BanditArm()
        for key, value in (arms[k] if k < len(arms) else {}).items():
            if key != "mean":
                row.put(key, value, where, f"arms.{k}")
        rows.append(row)
    made: dict[str, Any] = {}
    if here.delay:
        made["delay"] = here.delay
    if here.batch != 1:
        made["batch"] = here.batch
    if here.season_amplitude:
        made["season"] = (here.season_amplitude, here.season_period)
    if here.shift_at:
        later = [mean if row.shifted is None else row.shifted for row, mean in zip(rows, means, strict=True)]
        if later != list(means):
            made["shift"] = [(here.shift_at, later)]
    if here.population is not None:
        made["population"] = here.population
    if family == SCORE and here.judge_noise:
        made["judge_noise"] = here.judge_noise
    for key, nothing in (("drift", 0.0), ("arrives", 0), ("cost", 0.0)):
        listed = tuple(getattr(row, key) for row in rows)
        if any(value != nothing for value in listed):
            made[key] = listed
    for key in _OF_FAMILY[family]:
        listed = tuple(getattr(row, key) for row in rows)
        if any(value != BanditArm.param[key].default for value in listed):
            made[key] = listed
    return made


def allowed(arms: int, horizon: int, family: str, world: Mapping[str, Any]) -> list[str]:
    """Return the names of the policies that can play in a world with their usual parameters."""
    late = bool(world.get("delay"))
    problem = Problem(arms, horizon, family == RATE, late or world.get("batch", 1) > 1, True)
    found = []
    for name in bandit_names():
        if name in _NEED_PRICES:
            continue
        made: BanditPolicy = policies.get(name)()
        try:
            made.check_arms(problem, "bandit")
        except InputError:
            continue
        if made.delayed or not late:
            found.append(name)
    return found
