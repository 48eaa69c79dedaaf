"""`expsim exact sample-size`, `power`, `mde`, `duration` and `zero-events`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from expsim_panel.commands.number_lists import bounds_or_none, numbers
from expsim_panel.commands.targets import STANDARD_OUTPUT, Target, targets

if TYPE_CHECKING:
    from expsim_panel.size_answers import SizeAnswer

Family = Annotated[str, typer.Option(help="means, proportions, or ratio (a mean over a mean, by the delta method).")]
Test = Annotated[
    str | None,
    typer.Option(
        help="means: z, t, welch, lift. proportions: pooled, unpooled, score, arcsine, control-variance, exact, lift."
    ),
]
Effect = Annotated[float | None, typer.Option(help="True difference, treatment less control.")]
Lift = Annotated[float | None, typer.Option(help="True difference relative to --base, instead.")]
Base = Annotated[float | None, typer.Option(help="The control's rate, or its mean.")]
Sd = Annotated[float | None, typer.Option(help="Standard deviation of one exposure (means).")]
SdTreatment = Annotated[float | None, typer.Option(help="The treatment's, where it differs (z, welch, lift).")]
NumeratorMean = Annotated[float | None, typer.Option(help="Ratio: mean numerator of a unit.")]
DenominatorMean = Annotated[float | None, typer.Option(help="Ratio: mean denominator of a unit.")]
NumeratorSd = Annotated[float | None, typer.Option(help="Ratio: standard deviation of the numerator.")]
DenominatorSd = Annotated[float | None, typer.Option(help="Ratio: standard deviation of the denominator.")]
Correlation = Annotated[float, typer.Option(help="Ratio: correlation of the two over units.")]
Alpha = Annotated[
    float | None, typer.Option(help="Type I error rate, all sides and looks together; 0.05, or the kind's own.")
]
Sides = Annotated[int | None, typer.Option(help="2, or 1 for the better direction only (1 with a margin).")]
Allocation = Annotated[str, typer.Option(help="Ratio control:treatment, or a part for every arm.")]
Margin = Annotated[float, typer.Option(help="Non-inferiority margin: so much worse is still fine.")]
Direction = Annotated[
    str | None, typer.Option(help="increase or decrease is better; by the sign of the effect unless given.")
]
Directions = Annotated[str | None, typer.Option(help="Two-sided power counts the effect's direction (effect) or both.")]
ClusterSize = Annotated[float, typer.Option(help="Exposures per randomised unit.")]
Icc = Annotated[float, typer.Option(help="Intraclass correlation of a unit's exposures.")]
ClusterCv = Annotated[float, typer.Option(help="Coefficient of variation of the exposures per unit.")]
Cuped = Annotated[float, typer.Option(help="Correlation with a covariate from before the experiment.")]
Kind = Annotated[
    str, typer.Option(help="Any strategy of `expsim list`, also with its parameters: pocock, msprt, 'msprt(tau=0.1)'.")
]
Looks = Annotated[int | None, typer.Option(help="Planned analyses of a sequential kind; of a daily one its days.")]
Information = Annotated[str | None, typer.Option(help="Information fraction of each look, such as 0.2,0.5,1.")]
Parameter = Annotated[float | None, typer.Option(help="Of the kind, as in exact group-sequential.")]
Futility = Annotated[str | None, typer.Option(help="z bound of each look but the last: 0,none,0.5.")]
Binding = Annotated[bool, typer.Option("--binding", help="Futility will be obeyed for certain.")]
PerDay = Annotated[float | None, typer.Option(help="Units that arrive each day: gives days.")]
Gap = Annotated[float, typer.Option(help="Days between two experiments, for experiments per quarter.")]
Power = Annotated[float, typer.Option(help="Chance to detect the effect.")]
Units = Annotated[float | None, typer.Option(help="Randomised units over all arms (at most, if sequential).")]
Effects = Annotated[
    str | None, typer.Option(metavar="D,D,...", help="True difference of each of several variants, instead.")
]
Days = Annotated[
    int | None, typer.Option(help="Planned days; 14 for kinds that look every day or set their length on the way.")
]
ScenarioFile = Annotated[
    str | None, typer.Option("--scenario", metavar="NAME|FILE", help="A scenario instead of a simple world.")
]
StrategyName = Annotated[
    str | None,
    typer.Option("--strategy", metavar="NAME", help="Of the scenario or of `expsim list`; its first unless given."),
]
Settings = Annotated[
    list[str] | None, typer.Option("--set", metavar="PATH=VALUE", help="Change a value of the scenario; repeatable.")
]
Finds = Annotated[str | None, typer.Option(help="Several variants: any better one, the best, or all better ones.")]
Replicates = Annotated[int | None, typer.Option(help="Experiments where it must be simulated; 4,000 unless given.")]
Seed = Annotated[int | None, typer.Option(help="Of a simulation; 1 unless given.")]
Simulate = Annotated[bool, typer.Option("--simulate", help="Simulate even where an exact value exists.")]
Json = Annotated[
    str | None, typer.Option("--json", metavar="FILE or -", help="Write JSON instead; - for standard output.")
]


def sample_size(
    family: Family = "means", test: Test = None, effect: Effect = None, lift: Lift = None, base: Base = None,
    sd: Sd = None, sd_treatment: SdTreatment = None, numerator_mean: NumeratorMean = None,
    denominator_mean: DenominatorMean = None, numerator_sd: NumeratorSd = None,
    denominator_sd: DenominatorSd = None, correlation: Correlation = 0.0, power: Power = 0.8, alpha: Alpha = None,
    sides: Sides = None, allocation: Allocation = "1:1", margin: Margin = 0.0, direction: Direction = None,
    directions: Directions = None, cluster_size: ClusterSize = 1.0, icc: Icc = 0.0, cluster_cv: ClusterCv = 0.0,
    cuped_correlation: Cuped = 0.0, kind: Kind = "fixed-horizon", looks: Looks = None,
    information: Information = None, parameter: Parameter = None, futility_bounds: Futility = None,
    binding: Binding = False, units_per_day: PerDay = None, gap_days: Gap = 0.0, scenario: ScenarioFile = None,
    strategy: StrategyName = None, settings: Settings = None, effects: Effects = None, days: Days = None,
    finds: Finds = None, replicates: Replicates = None, seed: Seed = None, simulate: Simulate = False,
    json: Json = None,
) -> None:  # fmt: skip
    """Units that a test needs to find an effect with a given power."""
    given = dict(locals())
    from expsim_panel import size_answers
    from expsim_panel.commands import exact_needed

    outputs = targets({"--json": given.pop("json")})
    if exact_needed.is_general(given):
        return exact_needed.tell("units", "exact sample-size", given, json, outputs)
    _tell(size_answers.sample_size(**_read(given, "exact sample-size")), json, outputs)


def power(
    units: Units = None, family: Family = "means", test: Test = None, effect: Effect = None, lift: Lift = None,
    base: Base = None, sd: Sd = None, sd_treatment: SdTreatment = None, numerator_mean: NumeratorMean = None,
    denominator_mean: DenominatorMean = None, numerator_sd: NumeratorSd = None,
    denominator_sd: DenominatorSd = None, correlation: Correlation = 0.0, alpha: Alpha = None, sides: Sides = None,
    allocation: Allocation = "1:1", margin: Margin = 0.0, direction: Direction = None, directions: Directions = None,
    cluster_size: ClusterSize = 1.0, icc: Icc = 0.0, cluster_cv: ClusterCv = 0.0, cuped_correlation: Cuped = 0.0,
    kind: Kind = "fixed-horizon", looks: Looks = None, information: Information = None, parameter: Parameter = None,
    futility_bounds: Futility = None, binding: Binding = False, units_per_day: PerDay = None, gap_days: Gap = 0.0,
    scenario: ScenarioFile = None,
    strategy: StrategyName = None, settings: Settings = None, effects: Effects = None, days: Days = None,
    finds: Finds = None, replicates: Replicates = None, seed: Seed = None, simulate: Simulate = False,
    json: Json = None,
) -> None:  # fmt: skip
    """Chance that a test of a given size finds an effect."""
    given = dict(locals())
    from expsim_panel import size_answers
    from expsim_panel.commands import exact_needed

    outputs = targets({"--json": given.pop("json")})
    if exact_needed.is_general(given):
        return exact_needed.tell("power", "exact power", given, json, outputs)
    _tell(size_answers.power(**_read(given, "exact power")), json, outputs)


def mde(
    units: Units = None, family: Family = "means", test: Test = None, base: Base = None, sd: Sd = None,
    sd_treatment: SdTreatment = None, numerator_mean: NumeratorMean = None,
    denominator_mean: DenominatorMean = None, numerator_sd: NumeratorSd = None,
    denominator_sd: DenominatorSd = None, correlation: Correlation = 0.0, power: Power = 0.8, alpha: Alpha = None,
    sides: Sides = None, allocation: Allocation = "1:1", margin: Margin = 0.0, direction: Direction = None,
    directions: Directions = None, cluster_size: ClusterSize = 1.0, icc: Icc = 0.0, cluster_cv: ClusterCv = 0.0,
    cuped_correlation: Cuped = 0.0, kind: Kind = "fixed-horizon", looks: Looks = None,
    information: Information = None, parameter: Parameter = None, futility_bounds: Futility = None,
    binding: Binding = False, units_per_day: PerDay = None, gap_days: Gap = 0.0, scenario: ScenarioFile = None,
    strategy: StrategyName = None, settings: Settings = None, effects: Effects = None, days: Days = None,
    finds: Finds = None, replicates: Replicates = None, seed: Seed = None, simulate: Simulate = False,
    json: Json = None,
) -> None:  # fmt: skip
    """Smallest effect that a test of a given size finds with a given power."""
    given = dict(locals())
    from expsim_panel import size_answers
    from expsim_panel.commands import exact_needed

    outputs = targets({"--json": given.pop("json")})
    if exact_needed.is_general(given):
        return exact_needed.tell("effect", "exact mde", given, json, outputs)
    _tell(size_answers.mde(**_read(given, "exact mde")), json, outputs)


def duration(
    family: Family = "means", effect: Effect = None, lift: Lift = None, base: Base = None, sd: Sd = None,
    sd_treatment: SdTreatment = None, power: Power = 0.8, alpha: Alpha = None, sides: Sides = None,
    allocation: Allocation = "1:1", direction: Direction = None, directions: Directions = None,
    cluster_size: ClusterSize = 1.0, icc: Icc = 0.0, cluster_cv: ClusterCv = 0.0, cuped_correlation: Cuped = 0.0,
    kind: Kind = "fixed-horizon", looks: Looks = None, information: Information = None, parameter: Parameter = None,
    futility_bounds: Futility = None, binding: Binding = False, units_per_day: PerDay = None, gap_days: Gap = 0.0,
    scenario: ScenarioFile = None, strategy: StrategyName = None, settings: Settings = None, effects: Effects = None,
    finds: Finds = None, replicates: Replicates = None, seed: Seed = None, simulate: Simulate = False,
    json: Json = None,
) -> None:  # fmt: skip
    """Days that a strategy needs at its traffic to find an effect with a given power."""
    given = dict(locals())
    from expsim_panel.commands import exact_needed

    outputs = targets({"--json": given.pop("json")})
    exact_needed.tell("days", "exact duration", given, json, outputs)


_GENERAL = ("scenario", "strategy", "settings", "effects", "days", "finds", "replicates", "seed", "simulate")


def _read(given: dict[str, Any], where: str) -> dict[str, Any]:
    """Turn the lists of a command line into numbers."""
    from expsim_panel.errors import InputError

    read = {key: value for key, value in given.items() if key not in _GENERAL}
    if read["alpha"] is None:
        read["alpha"] = 0.05
    if "units" in read and read["units"] is None:
        raise InputError(where, "--units", "units is missing", "give the units over both arms")
    read["allocation"] = numbers("--allocation", read["allocation"], ":", "1:1", where)
    if read["information"] is not None:
        read["information"] = numbers("--information", read["information"], ",", "0.2,0.5,1", where)
    text = read.pop("futility_bounds")
    if text is None and read["binding"]:
        raise InputError(where, "--binding", "no futility bounds to bind", "give --futility-bounds")
    read["futility"] = None if text is None else bounds_or_none("--futility-bounds", text, where)
    return read


_SEQUENTIAL = ("inflation_factor", "critical_values", "expected_units", "expected_units_null")


def document(found: SizeAnswer) -> dict[str, Any]:
    """Return the JSON of an answer; what was not asked for is null, with the reason."""
    told = asdict(found)
    reasons = {}
    for key, value in told.items():
        if value is not None:
            continue
        if key in _SEQUENTIAL:
            fixed = found.critical_values is None
            reasons[key] = "one look: a fixed test" if fixed else "the power is not above alpha and below 1"
        elif key == "lift":
            reasons[key] = "needs --base other than 0"
        elif key == "expected_days" and found.days is not None:
            reasons[key] = "one look: it takes all of its days"
        else:
            reasons[key] = "needs --units-per-day"
    return {**told, "reasons": reasons}


def _tell(found: SizeAnswer, json: str | None, outputs: dict[str, Target]) -> None:
    from expsim_panel.commands.screen import console, dumps, facts, print_json
    from expsim_panel.quantities import count, days, percent

    told = document(found)
    if json == STANDARD_OUTPUT:
        print_json(told)
        return
    if outputs:
        outputs["--json"].write(dumps(told))
        return
    most = " at most" if found.critical_values is not None else ""
    lift = "" if found.lift is None else f" ({100 * found.lift:+.3g} % of the control)"
    lines = [
        ("Effect", f"{found.effect:+.6g}{lift}"),
        ("Chance to detect", percent(found.power, 2)),
        (
            f"Units{most}",
            f"{count(found.units)} ({count(found.per_arm[0])} control, {count(found.per_arm[1])} treatment)",
        ),
    ]
    if found.exposures != found.units:
        lines.append((f"Exposures{most}", count(found.exposures)))
    if found.variance_factor != 1.0:
        lines.append(("Variance", f"{found.variance_factor:.4g} times that of independent exposures"))
    if found.expected_units is not None:
        lines.append(
            ("Expected units", f"{count(found.expected_units)}; {count(found.expected_units_null)} without an effect")
        )
    if found.days is not None:
        lines.append((f"Days{most}", days(found.days)))
        if found.expected_days is not None:
            lines.append(("Expected days", days(found.expected_days)))
        lines.append(("Experiments per quarter", f"{found.experiments_per_quarter:.1f}"))
    lines.append(("Convention", f"{found.test} test, {found.sides}-sided, power counts {found.directions}"))
    console().print(facts(lines))


def zero_events(
    units: Annotated[float | None, typer.Option(help="Units without a bad event.")] = None,
    rate: Annotated[float | None, typer.Option(help="Instead: a rate to rule out.")] = None,
    alpha: Annotated[float, typer.Option(help="1 less the confidence.")] = 0.05,
    json: Json = None,
) -> None:
    """What no bad event among n units still allows, or the n that rules a rate out."""
    import math

    from expsim_panel.commands.screen import console, dumps, facts, print_json
    from expsim_panel.errors import InputError
    from expsim_panel.proportions import trials_without_event, zero_events_bound
    from expsim_panel.quantities import count, percent

    outputs = targets({"--json": json})
    if (units is None) == (rate is None):
        raise InputError("exact zero-events", "--units", "units and rate", "give one of them")
    n = trials_without_event(rate, alpha) if rate is not None else units
    assert n is not None
    exact, rule = zero_events_bound(n, alpha)
    told = {
        "units": math.ceil(n - 1e-9), "units_unrounded": n, "alpha": alpha, "rate_upper": exact,
        "rate_upper_rule_of_three": rule,
    }  # fmt: skip
    if json == STANDARD_OUTPUT:
        print_json(told)
    elif outputs:
        outputs["--json"].write(dumps(told))
    else:
        lines = [
            ("Units without an event", count(told["units"])),
            (f"Rate still possible at {percent(1 - alpha)}", percent(exact, 4)),
            ("By the rule of three", percent(rule, 4)),
        ]
        console().print(facts(lines))
