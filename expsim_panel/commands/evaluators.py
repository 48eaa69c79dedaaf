"""`expsim evaluators`: LLM judge, people and both side by side, for the same money and for the same accuracy."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from expsim_panel.commands.targets import STANDARD_OUTPUT, targets

if TYPE_CHECKING:
    from expsim_panel.evaluation_budget import Need, Option, Setting
    from expsim_panel.evaluation_simulation import Comparison, Played
    from expsim_panel.evaluator_answers import Answers
    from expsim_panel.evaluators.judge import Judge
    from expsim_panel.offline_answers import SideBySide
    from expsim_panel.scenario import Scenario
    from expsim_panel.trade_offs import TradeOff

PROMPT_SETS = 4_000
"""Experiments on a prompt set at most: exact values stand beside them."""

_TOO_FEW = "the budget buys fewer than two {} of it"


def evaluators(
    name: Annotated[str, typer.Argument(metavar="NAME|FILE", help="A name of `expsim list`, or a scenario file.")],
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="PATH=VALUE", help="Change the scenario, such as evaluators.judge.repeats=3."),
    ] = None,
    budget: Annotated[
        float | None, typer.Option(help="Dollars for scoring; those of labelling 10 % of the responses unless given.")
    ] = None,
    power: Annotated[float, typer.Option(help="Accuracy to reach: finds the effect with this power.")] = 0.8,
    variant: Annotated[
        str | None, typer.Option(help="Variant compared with the control; the truly best unless given.")
    ] = None,
    concurrency: Annotated[
        int | None, typer.Option(help="Judge calls at a time; the judge's own unless given.")
    ] = None,
    judge: Annotated[
        str | None, typer.Option("--judge", metavar="PROFILE", help="Judge of a profile instead; --set changes it.")
    ] = None,
    people: Annotated[
        str | None, typer.Option("--people", metavar="PROFILE", help="Raters of a profile instead; --set changes them.")
    ] = None,
    replicates: Annotated[int, typer.Option(help="Experiments simulated for each figure.")] = 20_000,
    seed: Annotated[int, typer.Option(help="Same study and seed, same numbers.")] = 1,
    json: Annotated[
        str | None, typer.Option("--json", metavar="FILE or -", help="Write JSON instead; - for standard output.")
    ] = None,
) -> None:
    """Compare an LLM judge, people and both: same budget, same accuracy, and the frontier between them."""
    from expsim_panel import evaluator_profiles, library
    from expsim_panel.commands.screen import dumps, print_json
    from expsim_panel.errors import InputError, did_you_mean, shown
    from expsim_panel.evaluation_laws import measurers
    from expsim_panel.evaluation_simulation import compare
    from expsim_panel.evaluator_advice import played_splits
    from expsim_panel.evaluator_answers import answers, with_evaluators
    from expsim_panel.evaluator_picks import changed, fields_of
    from expsim_panel.scenario import Scenario
    from expsim_panel.wording_evaluators import assumed

    outputs = targets({"--json": json}, (name,))
    tree, where = library.read_tree(name)
    library.override_all(tree, settings or ())
    asked = Scenario.from_tree(tree, where)
    scenario = asked.live
    if judge is not None or people is not None:
        fields = {}
        for flag, kind, profile in (("--judge", "judge", judge), ("--people", "human", people)):
            # In a file a profile may be free text; a flag always means a name.
            known = evaluator_profiles.names(kind)
            if profile is not None and profile not in known:
                remedy = did_you_mean(profile, known)
                raise InputError("expsim evaluators", flag, f"unknown profile {shown(profile)} of a {kind}", remedy)
            own = fields_of(scenario, kind, profile or "")
            fields[kind] = evaluator_profiles.stacked(own, changed(scenario, kind, settings)) if profile else own
        scenario = with_evaluators(scenario, **fields)
    at_a_time = measurers(scenario)[0].concurrency if concurrency is None else concurrency
    found = compare(
        scenario,
        budget,
        power=power,
        variant=variant,
        replicates=replicates,
        seed=seed,
        concurrency=at_a_time,
    )
    prompt_set, refused = None, ""
    if asked.offline is not None:
        # What is asked of a prompt set is answered on its prompts; live traffic stands beside it.
        from expsim_panel.offline_answers import side_by_side

        whole = {**scenario.to_tree(), "offline": asked.offline.to_tree()}
        played = min(replicates, PROMPT_SETS)
        try:
            prompt_set = side_by_side(
                Scenario.from_tree(whole, where), replicates=played, seed=seed, budget=found.budget
            )
        except InputError as error:
            refused = str(error)
    if json is None:
        _print(found, scenario.shown_as, prompt_set, refused, power)
        _print_planning(answers(scenario, found.budget, power), measurers(scenario)[0], scenario.family == "binary")
        _print_chances(found, scenario, variant)
        return
    told = {"scenario": scenario.scenario.name, "replicates": replicates, "seed": seed, **document(found)}
    if prompt_set is not None:
        from expsim_panel.commands.offline import told as row

        told["prompt_set"] = {"prompts": prompt_set.offline["prompts"], "rows": [row(one) for one in prompt_set.equal]}
    elif refused:
        told["prompt_set"] = {"prompts": int(asked.offline.prompts), "rows": [], "reason": refused}
    note = assumed(measurers(scenario)[0], scenario.family == "binary")
    told["assumed"] = [note] if note else []
    told["pareto"] = [
        {"option": name, "variants": None if one is None else one.to_json(), "reason": why}
        for name, one, why in chances(found, scenario, variant)
    ]
    planned = answers(scenario, found.budget, power)
    told.update(planning(planned))
    told["split"]["simulated"] = [asdict(one) for one in played_splits(planned.what, found.budget, replicates, seed)]
    if json == STANDARD_OUTPUT:
        print_json(told)
    else:
        outputs["--json"].write(dumps(told))


def _figures(what: Setting, one: Option, played: Played | None) -> dict[str, Any]:
    """Return an option's closed-form figures, each with the simulated one beside it."""
    usable, samples = math.isfinite(one.se), what.law.samples
    closed = {
        key: getattr(one, key) if usable else None
        for key in ("se", "bias", "rmse", "expected_error", "power", "false_rejection", "p_correct", "cost_per_correct")
    }
    return {
        "name": one.name,
        "labelled": samples * one.rows.labelled,
        "judged": samples * one.rows.judged,
        "cost": one.cost,
        "days": one.days,
        "rater_hours": one.rater_hours,
        **closed,
        "simulated": {key: value.to_json() for key, value in vars(played).items()} if played else None,
        "reason": None if usable else _TOO_FEW.format("comparisons" if what.law.pairs else "rows per variant"),
    }


def _needed(one: Need) -> dict[str, Any]:
    return {**asdict(one), "reason": one.reason or None}


def document(found: Comparison) -> dict[str, Any]:
    """Return the JSON of a comparison; what is out of reach is null, with the reason."""
    from expsim_panel.measurement_design import break_even_n
    from expsim_panel.split import optimal_split

    what = found.setting
    rho = math.sqrt(what.law.rho_squared)
    split = optimal_split(rho, what.cost_human, what.cost_judge, found.budget / what.law.samples)
    suspected = break_even_n(what.law.alone_variance, what.bias_sd)
    return {
        "budget": found.budget,
        "target_error": found.target,
        "effect": what.effect,
        "rho": rho,
        "cost_human": what.cost_human,
        "cost_judge": what.cost_judge,
        "suspected_bias_sd": what.bias_sd,
        "break_even_rows": suspected if math.isfinite(suspected) else None,
        "hybrid_pays": split.hybrid_pays,
        "advised": found.advised.name,
        "options": [_figures(what, one, played) for one, played in found.options],
        "equal_accuracy": [_needed(one) for one in found.needs],
        "frontier": [asdict(point) for point in found.frontier],
    }


def planning(found: Answers) -> dict[str, Any]:
    """Return the JSON of the answers before any data: worth of evidence, launch bar, error floor, repeats, drift."""
    from expsim_panel.calibration import plain
    from expsim_panel.evaluator_advice import launch_bar, to_collect

    worth, samples = found.worth, found.what.law.samples
    best = {kind: {"rows": n, "enbs": net, "pays": net > 0} for kind, (n, net) in worth.best.items()}
    return {
        "error_floor": {"suspected": found.floor.suspected, "true": found.floor.true},
        "split": {"labelled": samples * found.split.labelled, "judged": samples * found.split.judged,
                  "smallest_rho": found.split.smallest_rho, "variance_ratio": found.split.variance_ratio},
        "worth": {
            "evpi": None if worth.reason else worth.evpi,
            "rows": worth.rows.tolist(),
            "evsi": {kind: curve.tolist() for kind, curve in worth.evsi.items()},
            "enbs": {kind: curve.tolist() for kind, curve in worth.enbs.items()},
            "best": best,
            "reason": worth.reason or None,
        },
        "collect": [asdict(one) | {"pays": one.pays} for one in to_collect(found)],
        "launch_rule": plain(asdict(launch_bar(found))),
        "repeats": found.repeats.best,
        "drift": [
            {"points": float(p), "labels": int(n)}
            for p, n in zip(found.drift[0][::6], found.drift[1][::6], strict=True)
        ],
    }  # fmt: skip


def chances(
    found: Comparison, scenario: Scenario, variant: str | None
) -> list[tuple[str, TradeOff | None, str | None]]:
    """Return for each way what an average comparison of it says of quality, cost and latency; None with the reason."""
    from expsim_panel.evaluation_laws import chosen_variant
    from expsim_panel.trade_offs import of_comparison

    what, arm = found.setting, chosen_variant(scenario, variant)
    made: list[tuple[str, TradeOff | None, str | None]] = []
    for one, _ in found.options:
        usable = math.isfinite(one.expected_error) and one.expected_error > 0
        shift = what.effect + one.bias
        made.append((
            one.name,
            of_comparison(scenario, arm, shift, one.expected_error) if usable else None,
            None if usable else _TOO_FEW.format("comparisons" if what.law.pairs else "rows per variant"),
        ))  # fmt: skip
    return made


def _print_chances(found: Comparison, scenario: Scenario, variant: str | None) -> None:
    """Print the chances that the advised way would give each variant."""
    from expsim_panel.commands.screen import bullets, console
    from expsim_panel.quantities import percent

    told = next((one for name, one, _ in chances(found, scenario, variant) if name == found.advised.name), None)
    if told is not None:
        parts = [
            f"{name} {percent(on, 0)} on the frontier, {percent(best, 0)} worth most"
            for name, on, best in zip(told.variants, told.frontier, told.best, strict=True)
        ]
        line = f"Quality, cost and latency, as an average comparison would show them: {'; '.join(parts)}."
        console().print(bullets([line]))


def _print_planning(found: Answers, judge: Judge, rates: bool) -> None:
    """Print the answers before any data, a line each; what is assumed of a profile's judge first."""
    from expsim_panel.commands.screen import bullets, console
    from expsim_panel.wording_evaluators import assumed
    from expsim_panel.wording_evaluators import planning as lines

    note = assumed(judge, rates)
    console().print(bullets([*([note] if note else []), *lines(found)]))


def _print(found: Comparison, family: str, prompt_set: SideBySide | None, refused: str, power: float) -> None:
    """Print both tables and the advice; of a study on a prompt set, what its prompts give first."""
    from rich import box
    from rich.table import Table

    from expsim_panel.commands.screen import bullets, console, heading
    from expsim_panel.quantities import count, days, effect, money, percent
    from expsim_panel.wording_evaluators import NAMES as words

    out, samples = console(), found.setting.law.samples
    pairs = " Labels and scores count comparisons, effects are net win rates." if found.setting.law.pairs else ""
    where = "For"
    if refused:
        where = "On live traffic instead, for"
        out.print(bullets([f"On the prompts: {refused}"]))
    if prompt_set is not None:
        from expsim_panel.commands.offline import table as prompts_table
        from expsim_panel.wording_offline import sentences

        where = "On live traffic instead, for"
        out.print(heading(f"On prompts that all variants answer, {money(prompt_set.budget)} for each"))
        out.print(prompts_table(prompt_set.equal, family))
        out.print(bullets(sentences(prompt_set)))
    out.print(heading(f"{where} {money(found.budget)}"))
    out.print(
        f"Finds it: chance to detect the effect. False: alarms without one. Both: labels correct the judge.{pairs}"
    )
    table = Table(
        "",
        "Labels",
        "Scores",
        "Costs",
        "Days",
        "Bias",
        "Error ±",
        "Finds it",
        "False",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )
    for one, _ in found.options:
        fit = math.isfinite(one.se)
        table.add_row(
            words[one.name],
            count(samples * one.rows.labelled),
            count(samples * one.rows.judged),
            money(one.cost),
            f"{one.days:.1f}",
            effect(one.bias, family) if fit else "n/a",
            effect(one.se, family, signed=False) if fit else "n/a",
            percent(one.power) if fit else "n/a",
            percent(one.false_rejection) if fit else "n/a",
        )
    for column in table.columns:
        column.no_wrap = True
    for column in table.columns[1:]:
        column.justify = "right"
    out.print(table)
    limit = ", whatever the traffic" if where == "For" else ""
    goal = f"{effect(found.target, family, signed=False)}, which finds the effect in {percent(power, 0)}"
    out.print(heading(f"{where} an error of {goal}{limit}"))
    table = Table(
        "", "Costs", "Labels", "Judge scores", "Days", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False
    )
    for need in found.needs:
        amounts = (money(need.budget), count(need.labelled), count(need.judged), days(need.days))
        table.add_row(words[need.name], *(amounts if need.budget is not None else ("out of reach", "", "", "")))
    for column in table.columns[1:]:
        column.justify = "right"
    out.print(table)
    out.print(heading("What more money buys: error ±, bias included"))
    table = Table(
        "", *(words[one.name] for one, _ in found.options), box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False
    )
    for point in found.frontier:
        errors = ("too little" if one is None else effect(one, family, signed=False) for one in point.rmse.values())
        table.add_row(money(point.budget), *errors)
    for column in table.columns[1:]:
        column.justify = "right"
    out.print(table)
    out.print(bullets(advice(found, words, family)))


def advice(found: Comparison, words: dict[str, str], family: str) -> list[str]:
    """Return what to do and why, in sentences."""
    from expsim_panel.quantities import effect

    best = found.advised
    error = effect(best.expected_error, family, False)
    said = f"{words[best.name]}: the smallest expected error at this budget, {error}"
    lines = [f"{said}, with the judge's suspected bias counted in."]
    lines += [f"{words[one.name]}: {one.reason}." for one in found.needs if one.reason]
    return lines
