"""What a study side by side may not ask for, each in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from expsim_panel.errors import InputError
from expsim_panel.evaluators.hybrid import Hybrid
from expsim_panel.evaluators.judge import Judge

if TYPE_CHECKING:
    from expsim_panel.evaluators.human import Human
    from expsim_panel.scenario import Scenario
    from expsim_panel.strategy import Strategy

_ONE_VARIANT = {
    "dunnett": "Dunnett's bound is for variants that share their control's rows",
    "fixed-pooled": "a pooled variance is for variants that share their control's rows",
}
"""Designs that several variants side by side cannot have: their comparisons share nothing."""

FAR = 0.9999
"""Net win rates beyond this, on either side, are no experiment."""


def check_evaluator(scenario: Scenario, where: str) -> None:
    """Refuse what only a comparison has where responses are scored one by one."""
    evaluator = scenario.evaluator
    if scenario.side_by_side:
        return
    parts = {"evaluator": evaluator}
    parts |= {f"evaluator.{key}": getattr(evaluator, key) for key in ("judge", "human") if hasattr(evaluator, key)}
    for path, one in parts.items():
        for key, none in (("position_bias", 0), ("orders", "random"), ("combine", "majority")):
            if getattr(one, key, none) != none:
                problem = "responses are scored one by one, not side by side"
                raise InputError(where, f"{path}.{key}", problem, 'remove it, or write metric.family = "pairwise"')


def check_side_by_side(scenario: Scenario, where: str) -> None:
    """Check that comparisons can be had, read and told as this version draws them; raise `InputError`."""
    traffic, analysis, shares = scenario.traffic, scenario.analysis, scenario.shares
    wrong = [
        ("traffic.ramp", traffic.ramp is not None, "every prompt is answered by variant and control", "remove it"),
        ("traffic.mismatch", traffic.mismatch is not None, "a lost response loses its comparison", "remove it"),
        ("traffic.switchback", traffic.switchback is not None, "both variants answer every prompt", "remove it"),
        ("traffic.interference", traffic.interference > 0, "prompts do not meet each other", "set it to 0"),
        ("traffic.carryover", traffic.carryover > 0, "prompts do not meet each other", "set it to 0"),
        ("traffic.shares", abs(shares[0] - 0.5) > 1e-9, f"control has {shares[0]:g}, and a part in every comparison",
         "give it 0.5"),
        ("analysis.estimator", analysis.estimator == "stratified", "variants are compared within each prompt",
         'write "auto"'),
        ("analysis.covariate_correlation", analysis.covariate_correlation != 0, "verdicts are counted, without a "
         "covariate", "set it to 0"),
    ]  # fmt: skip
    for i, (variant, net) in enumerate(zip(scenario.variants, scenario.means, strict=True)):
        wrong.append((f"variants.{i}.sd", variant.sd is not None, "the spread of a verdict follows from its chances",
                      "remove it"))  # fmt: skip
        wrong.append((f"variants.{i}.mean", abs(net) > FAR, f"{variant.mean:g} wins or loses against the control every "
                      "time", "give a latent quality nearer to the control's"))  # fmt: skip
    for key, bad, problem, remedy in wrong + _of_evaluator(scenario):
        if bad:
            raise InputError(where, key, problem, remedy)


def rows_are_comparisons(scenario: Scenario) -> bool:
    """Tell whether a row of the analysis is one comparison, not the mean of several on a prompt or topic."""
    table = scenario.offline
    return table is None or table.level == "response" or (table.level == "prompt" and table.samples == 1)


def check_prompts(scenario: Scenario, where: str) -> None:
    """Check that comparisons can be played on the scenario's prompt set; raise `InputError`."""
    table = scenario.offline
    drops = "both answers of a comparison have it: it drops out"
    difference = "is what a {} gives to the difference"
    wrong = [
        ("offline.paired", not table.paired, "a comparison is on one prompt already", "set it to true"),
        ("offline.prompt_sd", table.prompt_sd > 0, drops, f"set it to 0; interaction_sd {difference.format('prompt')}"),
        ("offline.topic_sd", table.topic_sd > 0, drops,
         f"set it to 0; topic_interaction_sd {difference.format('topic')}"),
    ]  # fmt: skip
    for key, bad, problem, remedy in wrong:
        if bad:
            raise InputError(where, key, problem, remedy)


def _of_evaluator(scenario: Scenario) -> list[tuple[str, bool, str, str]]:
    """Return what this evaluator cannot do side by side."""
    one = scenario.evaluator
    if isinstance(one, Judge):
        return of_verdicts(one, "evaluator")
    if isinstance(one, Hybrid):
        return [
            *of_verdicts(one.judge, "evaluator.judge"),
            ("evaluator.paired", bool(one.paired), "every comparison is on one prompt already", "write false"),
            ("evaluator.labelling", one.labelling != "random", "labels of comparisons are drawn at random",
             'write "random"'),
        ]  # fmt: skip
    return []


def of_verdicts(one: Judge, path: str) -> list[tuple[str, bool, str, str]]:
    """Return what this judge cannot do side by side."""
    missing = one.refusals > 0 and one.refusal_correlation != 0
    return [
        (f"{path}.scale", one.scale <= 0, "the judge sees no difference at all", "give a scale above 0"),
        (f"{path}.pile_up", one.pile_up > 0, "a verdict has no favourite score", "set it to 0"),
        (f"{path}.refusal_correlation", missing, "a refused comparison is lost whichever response is better",
         "set it to 0"),
    ]  # fmt: skip


def of_people(one: Human, path: str) -> list[tuple[str, bool, str, str]]:
    """Return what these people cannot do side by side."""
    few = one.labels_per_item > one.raters
    return [
        (f"{path}.adjudication", bool(one.adjudication), "verdicts on two responses side by side are averaged, whether "
         "they agree or not", "set it to false"),
        (f"{path}.labels_per_item", few, f"{one.labels_per_item} labels from {one.raters} raters", "add raters"),
    ]  # fmt: skip


def check_strategy(scenario: Scenario, one: Strategy, where: str, path: str) -> None:
    """Check that a strategy can play comparisons: every prompt goes to both, and variants share no rows."""
    if one.policy.adaptive:
        problem = f"{one.name} moves traffic between variants, and a comparison is half the control's"
        raise InputError(where, path, problem, "remove it, or take a strategy with a fixed split")
    if one.design.kind == "fixed-lift":
        problem = "side by side the control's net win rate is 0, and nothing is a percentage of that"
        raise InputError(where, path, problem, "take fixed-horizon")
    if len(scenario.variants) > 2 and one.design.kind in _ONE_VARIANT:
        raise InputError(where, path, f"{_ONE_VARIANT[one.design.kind]}", "take holm, or compare one variant")
