"""What would it take: the units, days or effect at which a strategy of a study has its power, for every strategy."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from expsim_panel import grid, needed_search, plan
from expsim_panel.checked import is_real
from expsim_panel.errors import InputError, shown
from expsim_panel.needed_search import DAYS, PROMPTS, UNITS, Reached
from expsim_panel.places import EFFECT
from expsim_panel.power_points import DIRECTIONS, FINDS, Meter
from expsim_panel.study import Study

__all__ = ["Needed", "days_needed", "effect_needed", "power_reached", "units_needed"]

WHERE = "what it takes"
MOST_DAYS = 366
_MOST_UNITS = 100_000_000
_ANYWHERE = 0.5


@dataclass(frozen=True)
class Needed:
    """What a strategy needs for a power, and how that is known.

    Attributes
    ----------
    asked : str
        ``units``, ``days``, ``effect`` or ``power``.
    strategy, kind : str
        Its name in the study, and its kind.
    target : float or None
        The power asked for.
    finds, directions : str
        What counts as found, see `power_points`.
    method : str
        ``exact`` or ``simulated``.
    why_simulated : str or None
        Why there is no exact value.
    units, units_per_day, days : int or None
        Planned at the answer: units over all arms. `units_per_day` is None for a prompt set.
    per_arm : tuple of int or None
        Planned units of each arm, the control first.
    effect : float or None
        True effect of the best variant, positive is better, in the metric's units; others keep their share of it.
    lift : float or None
        The same relative to the control's mean.
    power, se : float or None
        At the answer; `se` is the Monte Carlo standard error, None where exact.
    uncertainty : float or None
        Standard error of the answer itself that follows from `se` (in days, units, or points of effect).
    wrong : float or None
        Chance of a wrong finding there: for a variant that is not better, or for the control.
    expected_units, expected_days : float or None
        Means at the end, which a rule that stops early does not use up.
    before : float or None
        The next smaller number of units or days (simulated: the nearest one tried), with `power_before` < target.
    power_before : float or None
    reason : str or None
        Why nothing gives this power; then `largest_power` is what can be reached, at `largest_at`.
    largest_power, largest_at : float or None
    replicates, seed : int or None
        Of a simulated answer.
    """

    asked: str
    strategy: str
    kind: str
    target: float | None
    finds: str
    directions: str
    method: str
    why_simulated: str | None
    units: int | None = None
    units_per_day: int | None = None
    days: int | None = None
    per_arm: tuple[int, ...] | None = None
    effect: float | None = None
    lift: float | None = None
    power: float | None = None
    se: float | None = None
    uncertainty: float | None = None
    wrong: float | None = None
    expected_units: float | None = None
    expected_days: float | None = None
    before: float | None = None
    power_before: float | None = None
    reason: str | None = None
    largest_power: float | None = None
    largest_at: float | None = None
    replicates: int | None = None
    seed: int | None = None

    @property
    def value(self) -> float | None:
        """What was asked for; None where nothing gives it."""
        found: float | None = getattr(self, self.asked)
        return found

    @property
    def convention(self) -> str:
        """Say what the power counts."""
        if self.directions == "both":
            return DIRECTIONS["both"]
        alone = self.per_arm is not None and len(self.per_arm) == 2
        return "a finding for the variant, which is truly better" if alone else FINDS[self.finds]

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object; what is null has its reason in `reasons`."""
        told = {one.name: getattr(self, one.name) for one in fields(self)}
        told["per_arm"] = None if self.per_arm is None else list(self.per_arm)
        exact = "exact: no simulation error" if self.method == "exact" else "undefined"
        why = {
            "why_simulated": "exact", "se": exact, "uncertainty": exact, "replicates": exact, "seed": exact,
            "lift": "the control's mean is 0", "units_per_day": "a prompt set has no days",
            "target": "the power is what was asked for",
        }  # fmt: skip
        if self.reason is None:
            solved = self.asked in ("units", "days")
            first = "the smallest that this study has room for" if self.method == "exact" else "closer than it can tell"
            why |= dict.fromkeys(("before", "power_before"), first if solved else "an effect and a power have no steps")
            why |= dict.fromkeys(("reason", "largest_power", "largest_at"), "the power is reached")
        reasons = {key: why.get(key, self.reason or "undefined") for key, value in told.items() if value is None}
        return {**told, "value": self.value, "convention": self.convention, "reasons": reasons}


def units_needed(study: Study, strategy: str, power: float = 0.8, **how: Any) -> Needed:
    """Return the smallest number of units at which a strategy of a study has its power, its days as they are.

    Units arrive evenly over the planned days, so that their number is a multiple of the days (of a prompt set: of its
    topics). The answer is the smallest such number with at least that power, and the next smaller one is below it.

    Parameters
    ----------
    study : Study
        Not changed; its traffic is the one that is varied.
    strategy : str
        Name of one of its strategies.
    power : float
        Asked for, in (0, 1).
    finds : str
        With several variants: ``any`` (a variant that is truly better is found), ``best`` or ``all``.
    directions : str
        ``effect`` counts findings for a better variant, ``both`` every rejection (two arms).
    replicates : int
        Experiments where it must be simulated (4,000), with the same random numbers at every size.
    simulate : bool
        True simulates even where an exact value exists.
    workers : int
        Threads of a simulation; the answer does not depend on it.
    cancelled : callable
        Asked before each step; True raises `engine.Cancelled`.

    Returns
    -------
    Needed
        `method` says whether it is exact or simulated; `reason` why no number of units is enough.

    Raises
    ------
    InputError
        Unknown strategy or word, a power out of range, or no variant is better than the control.
    """
    meter, target = _begin(study, strategy, power, how)
    offline = study.scenario.offline
    path, step = (UNITS, 1) if offline is None else (PROMPTS, int(offline.topics or 1))
    low, high = -(-2 // step), _MOST_UNITS // step
    return _answer(meter, "units", target, needed_search.whole(meter, path, step, target, low, high))


def days_needed(study: Study, strategy: str, power: float = 0.8, **how: Any) -> Needed:
    """Return the smallest number of planned days at which a strategy of a study has its power, its traffic as it is.

    Arguments as in `units_needed`. At most 366 days; every day near the answer is tried, because weekdays, ramps and
    looks at whole days let the power rise and fall from day to day.

    Raises
    ------
    InputError
        As there, and for a prompt set, which has no days.
    """
    meter, target = _begin(study, strategy, power, how)
    if study.scenario.offline is not None:
        raise InputError(WHERE, "days", "a prompt set has no days", "ask for units: the prompts of each variant")
    return _answer(meter, "days", target, needed_search.whole(meter, DAYS, 1, target, 1, MOST_DAYS))


def effect_needed(study: Study, strategy: str, power: float = 0.8, **how: Any) -> Needed:
    """Return the smallest true effect of the best variant that a strategy finds with its power, the plan as it is.

    Arguments as in `units_needed`. Other variants that are better keep their share of the best one's effect.

    Raises
    ------
    InputError
        As there; the study's own effect may be anything.
    """
    meter, target = _begin(study, strategy, power, how, needs_effect=False)
    needed_search.settle(meter, {EFFECT: needed_search.some_effect(study.scenario)})
    return _answer(meter, "effect", target, needed_search.effect(meter, target))


def power_reached(study: Study, strategy: str, **how: Any) -> Needed:
    """Return the power of a strategy in a study as it stands; keywords as in `units_needed`.

    Raises
    ------
    InputError
        As there.
    """
    meter, _ = _begin(study, strategy, _ANYWHERE, how)
    needed_search.settle(meter, {})
    return _answer(meter, "power", None, needed_search.here(meter))


def _begin(
    study: Study, strategy: str, power: float, how: dict[str, Any], needs_effect: bool = True
) -> tuple[Meter, float]:
    if not is_real(power) or not 0 < power < 1:
        raise InputError(WHERE, "--power", f"power is {shown(power)}", "give a number between 0 and 1")
    meter = Meter(study, strategy, **how)
    _check_lift(meter)
    if needs_effect and grid.best_effect(study.scenario) <= 0:
        problem = "no variant is better than the control: there is nothing to find"
        raise InputError(WHERE, "variants", problem, "make a variant better, or ask for the effect (mde)")
    return meter, float(power)


def _check_lift(meter: Meter) -> None:
    """Refuse a test of a lift where the control has none: no size would find anything."""
    scenario = meter.mover.study.scenario
    base = float(scenario.variants[0].mean)
    # Of a rate that should fall the lift is that of its complement.
    if meter.strategy.design.of_lifts and (base <= 0 or plan.oriented(scenario, scenario.means[:1])[0] == 0):
        problem = f"a lift of a control at {base:g}"
        remedy = "choose another strategy" if base > 0 else "a lift needs a control above 0"
        raise InputError(WHERE, "variants.0.mean", problem, remedy)


def _answer(meter: Meter, asked: str, target: float | None, reached: Reached) -> Needed:
    simulated = bool(meter.why)
    told: dict[str, Any] = {"replicates": meter.replicates, "seed": meter.seed} if simulated else {}
    point, peak = reached.point, reached.peak
    if point is None:
        told |= {"reason": reached.reason}
        if peak is not None:
            told |= {"largest_power": peak.power, "largest_at": reached.peak_at(asked)}
    else:
        # The meter's study is at the answer.
        scenario = meter.mover.study.scenario
        effect, base, before = grid.best_effect(scenario), abs(float(scenario.means[0])), reached.before
        told |= {
            "units": sum(point.per_arm), "per_arm": point.per_arm, "effect": effect, "power": point.power,
            "lift": effect / base if base and not scenario.side_by_side else None,
            "wrong": point.wrong, "expected_units": point.expected_units, "expected_days": point.expected_days,
        }  # fmt: skip
        if scenario.offline is None:
            told |= {"units_per_day": int(scenario.traffic.units_per_day), "days": int(scenario.traffic.days)}
        if simulated:
            told |= {"se": point.se, "uncertainty": None if reached.slope is None else reached.slope * point.se}
        if before is not None:
            smaller = float(sum(before.per_arm)) if asked == "units" else reached.before_level
            told |= {"before": smaller, "power_before": before.power}
    return Needed(
        asked, meter.strategy.name, meter.strategy.kind, target, meter.finds, meter.directions,
        "simulated" if simulated else "exact", meter.why or None, **told,
    )  # fmt: skip
