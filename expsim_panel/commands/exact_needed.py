"""What any strategy needs, in a scenario or a simple world: `expsim exact sample-size`, `power`, `mde`, `duration`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from expsim_panel.commands.number_lists import bounds_or_none, numbers
from expsim_panel.commands.targets import STANDARD_OUTPUT, Target
from expsim_panel.errors import InputError, asked_by, shown

if TYPE_CHECKING:
    from expsim_panel.needed import Needed
    from expsim_panel.study import Study

_PLAIN = {
    "family": "means", "allocation": "1:1", "margin": 0.0, "correlation": 0.0, "cluster_size": 1.0, "icc": 0.0,
    "cluster_cv": 0.0, "cuped_correlation": 0.0, "kind": "fixed-horizon", "binding": False,
}  # fmt: skip
_ALWAYS = (
    "power", "units", "directions", "gap_days", "scenario", "strategy", "settings", "finds", "replicates", "seed",
    "simulate",
)  # fmt: skip
"""Flags that go with a scenario."""
_CLOSED = ("test", "margin", "numerator_mean", "denominator_mean", "numerator_sd", "denominator_sd", "correlation")
"""Flags that only the closed forms know."""


def is_general(given: dict[str, Any]) -> bool:
    """Tell whether the closed forms of fixed and group-sequential tests do not answer this."""
    from expsim_panel import sequential

    asked = ("scenario", "strategy", "settings", "effects", "days", "finds", "replicates", "seed", "simulate")
    return any(given[key] for key in asked) or given["kind"] not in ("fixed-horizon", *sequential.kinds())


def tell(asked: str, where: str, given: dict[str, Any], json: str | None, outputs: dict[str, Target]) -> None:
    """Solve and print.

    Parameters
    ----------
    asked : str
        ``units``, ``days``, ``effect`` or ``power``.
    given : dict
        Of the command line.
    """
    from expsim_panel import needed
    from expsim_panel.commands.screen import dumps, print_json, progress

    study, asked = _study(asked, where, given)
    name = study.strategies[0].name
    how = {key: given[key] for key in ("finds", "directions", "replicates") if given.get(key) is not None}
    if given["seed"] is not None:
        study.put("seed", given["seed"], where)
    how["simulate"] = given["simulate"]
    with progress(f"Solving {name}"), asked_by(where):
        if asked == "power":
            found = needed.power_reached(study, name, **how)
        else:
            solve = {"units": needed.units_needed, "days": needed.days_needed, "effect": needed.effect_needed}[asked]
            found = solve(study, name, given["power"], **how)
    told = found.to_json() | _speed(found, given)
    if json == STANDARD_OUTPUT:
        print_json(told)
    elif outputs:
        outputs["--json"].write(dumps(told))
    else:
        _show(found, told)


def _speed(found: Needed, given: dict[str, Any]) -> dict[str, Any]:
    from expsim_panel.size_answers import QUARTER

    timed = given["scenario"] is not None or given["units_per_day"] is not None
    if found.expected_days is None or not timed or found.days is None:
        return {"experiments_per_quarter": None}
    return {"experiments_per_quarter": QUARTER / (found.expected_days + given["gap_days"])}


def _study(asked: str, where: str, given: dict[str, Any]) -> tuple[Study, str]:
    """Return the study that is asked about, and what is asked for."""
    if given["scenario"] is None:
        return _simple(asked, where, given)
    from expsim_panel.commands.check import load

    for key, value in given.items():
        if key not in _ALWAYS and value != _PLAIN.get(key):
            flag = f"--{key.replace('_', '-')}"
            raise InputError(where, flag, f"{flag} beside --scenario", "leave it out; --set changes the scenario")
    settings = list(given["settings"] or ())
    study = load(given["scenario"], settings, [given["strategy"]] if given["strategy"] else None)
    units = given.get("units")
    if units is None:
        return study, asked
    if study.scenario.offline is not None:
        raise InputError(where, "--units", "a prompt set", "write --set offline.prompts=N")
    settings.append(f"traffic.units_per_day={_per_day(units, int(study.scenario.traffic.days), where)}")
    return load(given["scenario"], settings, [given["strategy"]] if given["strategy"] else None), asked


def _per_day(units: float, days: int, where: str) -> int:
    """Return the units a day that come to at least these units."""
    if not math.isfinite(units) or units < 2:
        raise InputError(where, "--units", f"units is {shown(units)}", "give 2 or more")
    return max(2, math.ceil(units / days - 1e-9))


def _simple(asked: str, where: str, given: dict[str, Any]) -> tuple[Study, str]:
    from expsim_panel.simple_world import simple_study

    for key in ("strategy", "settings"):
        if given[key]:
            flag = "--set" if key == "settings" else "--strategy"
            raise InputError(where, flag, f"{flag} without a scenario", "give --scenario, or --kind for a simple world")
    for key in _CLOSED:
        if given.get(key, _PLAIN.get(key)) != _PLAIN.get(key):
            flag = f"--{key.replace('_', '-')}"
            remedy = "leave it out, or take a fixed or group-sequential kind without --days, --effects and --finds"
            raise InputError(where, flag, f"only closed forms know {flag}", remedy)
    effects = _effects(asked, where, given)
    text, arms = given["allocation"], len(effects) + 1
    allocation = None if text == "1:1" else numbers("--allocation", text, ":", "1:1", where)
    information = given["information"]
    if information is not None:
        information = numbers("--information", information, ",", "0.2,0.5,1", where)
    futility = given["futility_bounds"]
    if futility is not None:
        futility = bounds_or_none("--futility-bounds", futility, where)
    days, per_day = given.get("days"), given["units_per_day"]
    if per_day is not None and (per_day != int(per_day) or per_day < 2):
        raise InputError(where, "--units-per-day", f"{shown(per_day)} units a day", "give a whole number, 2 or more")
    if asked == "days" and per_day is None:
        raise InputError(where, "--units-per-day", "units-per-day is missing", "say how many units arrive each day")
    if asked == "units" and per_day is not None and days is None:
        asked = "days"
    plain = {
        key: given[key]
        for key in (
            "family", "base", "sd", "sd_treatment", "direction", "cluster_size", "icc", "cluster_cv",
            "cuped_correlation", "looks", "alpha", "sides", "parameter",
        )
    }  # fmt: skip
    plain |= {"information": information, "futility_bounds": futility, "binding": given["binding"] or None}

    def made(each: int | None, length: int | None) -> Study:
        return simple_study(
            given["kind"], effects=effects, allocation=allocation, units_per_day=each, days=length, where=where, **plain
        )

    units = given.get("units")
    if asked in ("power", "effect"):
        if units is not None and per_day is not None and days is None:
            days = max(1, math.ceil(units / per_day - 1e-9))
            units = None
        if units is None and (per_day is None or days is None):
            raise InputError(where, "--units", "units is missing", f"give the units over all {arms} arms")
    # The number of days follows from the kind; then traffic is what gives the units.
    length = int(made(None, days).scenario.traffic.days)
    each = None if per_day is None else int(per_day)
    if units is not None:
        each = _per_day(units, length, where)
    return made(each, length if asked != "days" else days), asked


def _effects(asked: str, where: str, given: dict[str, Any]) -> list[float]:
    """Return the true difference of every variant, metric units."""
    told = [key for key in ("effect", "effects", "lift") if given.get(key) is not None]
    if len(told) > 1:
        raise InputError(where, f"--{told[1]}", " and ".join(told), "give one of them")
    if asked == "effect":
        if told and told != ["effects"]:
            raise InputError(where, f"--{told[0]}", "the effect is what is asked for", f"leave --{told[0]} out")
        ratio = numbers("--effects", given["effects"], ",", "1,0.5,0", where) if told else [0.0]
        return [_finite(size, "--effects", where) for size in ratio]
    if not told:
        raise InputError(where, "--effect", "effect is missing", "give --effect, --effects, or --lift with --base")
    if told == ["effects"]:
        return [
            _finite(size, "--effects", where) for size in numbers("--effects", given["effects"], ",", "0.02,0", where)
        ]
    if told == ["lift"]:
        if given["base"] is None:
            raise InputError(where, "--base", "base is missing", "a lift needs the control's mean or rate")
        return [_finite(given["lift"] * given["base"], "--lift", where)]
    return [_finite(given["effect"], "--effect", where)]


def _finite(value: float, flag: str, where: str) -> float:
    if not math.isfinite(value):
        raise InputError(where, flag, f"{shown(value)} is no effect", "give finite numbers")
    return float(value)


def _show(found: Needed, told: dict[str, Any]) -> None:
    from expsim_panel.commands.screen import console, facts
    from expsim_panel.quantities import count, days, percent

    lines = [("Strategy", found.strategy)]
    if found.reason is not None:
        lines.append((found.asked.capitalize(), f"none: {found.reason}"))
        if found.largest_power is not None and found.largest_at is not None:
            where = "" if found.asked == "power" else f", at {found.largest_at:.6g}"
            lines.append(("Largest chance", f"{percent(found.largest_power, 2)}{where}"))
    else:
        assert found.power is not None
        assert found.per_arm is not None
        assert found.expected_units is not None
        error = "" if found.se is None else f" \u00b1 {percent(found.se, 2)}"
        spread = "" if found.uncertainty is None else f" \u00b1 {found.uncertainty:.3g}"
        own = {asked: spread if asked == found.asked else "" for asked in ("units", "days", "effect")}
        lift = "" if found.lift is None else f" ({100 * found.lift:+.3g} % of the control)"
        lines += [
            ("Effect", f"{found.effect:+.6g}{own['effect']}{lift}"),
            ("Chance to detect", f"{percent(found.power, 2)}{error}"),
            ("Units planned", f"{count(found.units)}{own['units']} ({', '.join(count(n) for n in found.per_arm)})"),
        ]
        if found.days is not None:
            lines.append(("Days planned", f"{days(found.days)}{own['days']}, {count(found.units_per_day)} units a day"))
        mean = "" if found.days is None or found.expected_days is None else f", {days(found.expected_days)}"
        lines.append(("Expected", f"{count(found.expected_units)} units{mean}"))
        if found.before is not None and found.power_before is not None:
            less = days(found.before) if found.asked == "days" else f"{count(found.before)} units"
            lines.append(("One step less", f"{less}: {percent(found.power_before, 2)}"))
        if told["experiments_per_quarter"] is not None:
            lines.append(("Experiments per quarter", f"{told['experiments_per_quarter']:.1f}"))
    lines.append(("Counts", found.convention))
    how = (
        "exact"
        if found.method == "exact"
        else f"simulated, {count(found.replicates)} experiments ({found.why_simulated})"
    )
    lines.append(("How", how))
    console().print(facts(lines))
