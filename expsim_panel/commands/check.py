"""`expsim check`: is this scenario file right, and what does it say?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from expsim_panel.study import Study


def load(name: str, settings: list[str] | None = None, strategies: list[str] | None = None) -> Study:
    """Load a study; what the file system says about the name is wrong input as well."""
    from expsim_panel.errors import InputError, shown
    from expsim_panel.study import Study

    try:
        return Study.load(name, settings or (), strategies or ())
    except OSError as error:
        raise InputError(
            shown(name), "", f"cannot be read ({error.strerror})", "give a name of `expsim list` or a .toml file"
        ) from None


def found(study: Study) -> list[tuple[str, str]]:
    """Say what a scenario holds, in labelled lines."""
    from expsim_panel.meaningless import notes
    from expsim_panel.quantities import count, days, effect, percent
    from expsim_panel.scenario_offline import told_traffic

    scenario = study.scenario
    traffic, metric = scenario.traffic, scenario.metric
    better = "more" if metric.direction == "increase" else "less"
    control = scenario.variants[0].name
    gains = [
        f"{variant.name} {effect(gain, scenario.shown_as)}"
        for variant, gain in zip(scenario.variants[1:], scenario.effects[1:], strict=True)
    ]
    shares = ", ".join(percent(share, 0) for share in scenario.shares)
    return [
        ("Metric", f"{metric.name} ({metric.family}), {better} is better"),
        ("True gain", f"{', '.join(gains)} over {control}; positive is better"),
        ("Prompt set", told_traffic(scenario))
        if scenario.offline is not None
        else (
            "Traffic",
            f"{count(traffic.units_per_day)} {traffic.unit}s a day for {days(traffic.days)}, split {shares}",
        ),
        ("Evaluator", told_evaluator(study)),
        *([("Guardrails", told_guardrails(study))] if scenario.guardrails else []),
        ("Strategies", ", ".join(one.name for one in study.strategies)),
        *(("Note", note) for note in notes(scenario)),
    ]


def told_guardrails(study: Study) -> str:
    """Say what may not get worse, and how sure the plan can be that it does not."""
    from expsim_panel.guardrail_laws import own_power
    from expsim_panel.guardrail_tables import limits
    from expsim_panel.plan import schedule
    from expsim_panel.quantities import percent

    units = schedule(study.scenario).units[-1]
    return "; ".join(
        f"{one.name} ({limits(one)}; own power {percent(own_power(one, *one.rows(units[[0, 1]])))})"
        for one in study.scenario.guardrails
    )


def told_evaluator(study: Study) -> str:
    """Say who measures."""
    evaluator = study.scenario.evaluator
    profile = getattr(evaluator, "profile", "")
    return f"{evaluator.kind}: {profile or evaluator.summary}"


def check(
    name: Annotated[str, typer.Argument(metavar="FILE|NAME", help="A scenario file, or a name of `expsim list`.")],
) -> None:
    """Check a scenario file and say what it holds."""
    from expsim_panel.commands.screen import console, facts
    from expsim_panel.economics import ledger
    from expsim_panel.quantities import money as dollars

    study = load(name)
    # Freezing and pricing find what only shows when the parts meet, such as a model without a price.
    study.freeze()
    money = ledger(study.scenario)
    out = console()
    told = dict(found(study))
    if money.payee:
        told["Evaluator"] += f"; {dollars(money.per_row)} an evaluation"
    out.print(facts([("Valid", f"{study.scenario.scenario.name}: {study.scenario.scenario.title}"), *told.items()]))
