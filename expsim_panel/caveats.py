"""What a reader of the comparison has to know beside its numbers; plain sentences, made where all exports find them."""

from __future__ import annotations

import numpy as np

from expsim_panel import exact, plan, rated_rows
from expsim_panel.design import Design
from expsim_panel.economics import ledger
from expsim_panel.evaluators.hybrid import Hybrid
from expsim_panel.evaluators.judge import Judge
from expsim_panel.few_events import LEAST_EVENTS, expected_events, true_level
from expsim_panel.logged_shares import moves, why_naive
from expsim_panel.meaningless import notes
from expsim_panel.named_estimator import NAIVE, WEIGHTED, Worth, compared
from expsim_panel.operating import MIN_EVENTS
from expsim_panel.preference_rows import net_of_bias
from expsim_panel.quantities import effect, percent
from expsim_panel.results import Result
from expsim_panel.scenario import Scenario
from expsim_panel.wording_evaluators import assumed

FEW_EVENTS = 20
"""Labels of the rarer kind, yes or no, of a variant under which EIF's error is 5 % too wide or more."""
FEW_LABELS = 50
"""Labels of a variant under which a hybrid is warned about (MODEL section 3.2)."""
_OFF, _BEYOND = 0.003, 5.0
"""From how far, and from how many simulation errors, an exact value of large samples is said to be off."""
_TOLD = 0.02
"""By how much of alpha a table's false alarms have to exceed it to be told."""


def caveats(result: Result) -> tuple[str, ...]:
    """Return the sentences that belong beside the table of strategies, the weightiest first."""
    scenario = result.study.scenario
    found = [_partiality(result, scenario), _suspected(scenario), _repeats(scenario), _corrections(scenario)]
    found += [_second_look(result), _held_back(result)]
    found += [_after_a_bandit(result, scenario), _few_events(result, scenario), _off(result), rated_rows.told(scenario)]
    return (*(sentence for sentence in found if sentence), *notes(scenario))


def _partiality(result: Result, scenario: Scenario) -> str:
    """Say how much of the chance to find the difference is the evaluator's own liking."""
    judge = scenario.evaluator
    if not isinstance(judge, Judge) or judge.largest_bias() == 0:
        return ""
    favour = judge.largest_bias()
    bias = scenario.sign * (net_of_bias(scenario, favour) if scenario.side_by_side else favour)
    one = result[result.advice.strategy]
    arms = [variant.name for variant in scenario.variants]
    most = judge.biases.index(judge.largest_bias()) + 1 if judge.biases else 1
    liked = arms[0] if bias < 0 else arms[most] if len(arms) == 2 or judge.biases else "the new variants"
    start = f"The judge is assumed to favour {liked} by {effect(abs(bias), scenario.shown_as, signed=False)}"
    now = one.figures["power"]
    tree = scenario.to_tree()
    tree["evaluator"] |= {"differential_bias": 0.0, "biases": []}
    fair = Scenario.from_tree(tree, scenario.scenario.name)
    known = exact.operating(fair, one.strategy, "truth", ledger(fair))
    if now.value is None or isinstance(known, str):
        return f"{start}: part of what is found here is that, not quality."
    without = percent(known.values["rejection"])
    return (
        f"{start}: {one.name} finds the difference in {percent(now.value)} of experiments, "
        f"with a judge that favours nobody in {without}."
    )


def _suspected(scenario: Scenario) -> str:
    """Say that the verdict reckons with a bias that nobody has measured."""
    judge = scenario.evaluator
    told = assumed(judge, scenario.family == "binary") if isinstance(judge, Judge) else ""
    return f"{told} The verdict launches nothing that such a bias could explain." if told else ""


def _repeats(scenario: Scenario) -> str:
    """Say that calls are paid which bring nothing: a verdict of yes or no is the same at every call."""
    judge = getattr(scenario.evaluator, "judge", scenario.evaluator)
    if not isinstance(judge, Judge) or judge.repeats == 1 or scenario.family != "binary":
        return ""
    return (
        f"The judge is asked {judge.repeats} times about every response, which is paid and changes nothing: yes or no "
        "is the same at every call here, since only scores have run-to-run noise. Several judges are put to the vote."
    )


def _corrections(scenario: Scenario) -> str:
    """Say where labels are too few to correct a judge, or the correction is a fragile one."""
    evaluator = scenario.evaluator
    if not isinstance(evaluator, Hybrid):
        return ""
    labels = int(plan.schedule(scenario).scored[-1].min())
    if evaluator.correction == "rogan-gladen":
        found = evaluator.joint(scenario.means, scenario.sds, scenario.family).youden()
        return (
            f"Rogan-Gladen divides by J = sensitivity + specificity - 1 ({float(found.min()):.2f} here, measured on "
            "the labels): its error explodes as J nears 0, and EIF is never worse. With J below two standard errors "
            "the labels alone count."
        )
    if labels < FEW_LABELS:
        return (
            f"A variant gets {labels} labels: under {FEW_LABELS} they tell too little about the judge, and "
            "correcting it may be worse than the labels alone."
        )
    if scenario.family != "binary" or evaluator.paired or scenario.offline is not None:
        return ""
    rate = evaluator.joint(scenario.means, scenario.sds, scenario.family).label
    events = float((labels * np.minimum(rate, 1 - rate)).min())
    if events < FEW_EVENTS:
        return (
            f"About {max(events, 0.1):.2g} labels of the rarer kind are expected in a variant: under {FEW_EVENTS} the "
            "correction takes its error for larger than it is, and finds real differences less often."
        )
    return ""


def _few_events(result: Result, scenario: Scenario) -> str:
    """Say where a look at a rate sees so few events that a table has more false alarms than it was solved for."""
    law = None if scenario.delay_days or not scenario.by_counts else plan.law(scenario, "unbiased", 0, 0, 1)
    if law is None or len(scenario.variants) != 2 or law.uneven is not None or scenario.side_by_side:
        return ""
    setting, rate, told = plan.setting_of(scenario, "unbiased"), float(law.means[0, 0]), []
    fewest = LEAST_EVENTS
    for one in result.strategies:
        design = one.strategy.design
        claimed, table = design.nominal_alpha(), type(design).rule is Design.rule
        if claimed is None or not table or one.strategy.policy.adaptive or design.claim(setting) == "none":
            continue
        planned = design.bounds(setting)
        if planned is None:
            continue
        rows = setting.rows[planned.days - 1]
        events = expected_events(rate, rows)
        if not 0 < events < LEAST_EVENTS:
            continue
        level = true_level(rate, rows, planned.lower, planned.upper, planned.futility, planned.inner)
        if level is not None and level > claimed * (1 + _TOLD):
            told.append(
                f"{one.name} raises a false alarm in {percent(level, 2)} of experiments, not {percent(claimed)}"
            )
            fewest = min(fewest, events)
    if not told:
        return ""
    return (
        f"Few events: a look sees as few as {fewest:.0f} of the rarer answer in a variant, and there "
        f"{', '.join(told)} (counted exactly). Plan later looks, or more units."
    )


def _off(result: Result) -> str:
    """Say where simulation shows that an exact value, which is of large samples, is not that of so few responses."""
    told = []
    for one in result.strategies:
        for name, words in (("power", "the chance to detect"), ("type1_error", "false alarms")):
            found = one.figures[name]
            if found.value is None or found.exact is None:
                continue
            if abs(found.value - found.exact) > max(_OFF, _BEYOND * (found.se or 0.0)):
                told.append(f"{words} of {one.name} are {percent(found.value)}, not {percent(found.exact)}")
                break
    if not told:
        return ""
    return (
        f"Few responses: exact values are those of large samples, and off here ({'; '.join(told)}). "
        "The simulated ones count."
    )


def _held_back(result: Result) -> str:
    """Say which strategies find a winner and then cannot launch it, because a guardrail is not yet decided."""
    held = [(one.guarded.held_back.value or 0.0, one.name) for one in result.strategies if one.guarded]
    told = [f"{name} {percent(share, 0)}" for share, name in held if share >= 0.01]
    if not told:
        return ""
    return (
        f"Guardrails hold back winners, because they fail or have too few units to be ruled safe: {', '.join(told)} of "
        "experiments."
    )


def _after_a_bandit(result: Result, scenario: Scenario) -> str:
    """Name the estimator of the strategies that move traffic by what they see, with its bias and coverage."""
    weighted, pooled, reasons = [], [], []
    for one in result.strategies:
        if not moves(scenario, one.strategy):
            continue
        every = compared(one, scenario)
        plain, used = every[0], next(each for each in every if each.used)
        if plain.worst.value is None or used.worst.value is None:
            continue
        naive = f"{effect(plain.worst.value, scenario.shown_as)} on average and covers {_share(plain)}"
        if used is plain:
            pooled.append(f"{one.name} is off by {naive}")
            reasons.append(str(why_naive(scenario, one.strategy)))
        else:
            off = effect(used.worst.value, scenario.shown_as)
            weighted.append(f"{one.name} is off by {off} and covers {_share(used)} (pooled means: {naive})")
    made = []
    if weighted:
        made.append(f"Where traffic follows the data the estimate is the {WEIGHTED}: {', '.join(weighted)}.")
    if pooled:
        left = f"Without a valid one the estimate stays the {NAIVE}, biased where traffic follows the data"
        made.append(f"{left}: {', '.join(pooled)}; {'; '.join(dict.fromkeys(reasons))}.")
    return f"{' '.join(made)} The evaluator's own bias is included." if made else ""


def _share(found: Worth) -> str:
    """Say how often an estimator's intervals hold the truth."""
    return percent(found.coverage.value, 0)


def _second_look(result: Result) -> str:
    """Say where the verdict, which also asks whether the evaluator can be trusted, differs from the rule's answer."""
    one = result[result.advice.strategy]
    launches = float((one.worlds["truth"].code > 0).mean())
    if one.guarded is not None:
        launches = float(one.guarded.launch.value or 0.0)
    said = {action: float(found["share"].value or 0.0) for action, found in one.verdicts.items()}
    if abs(said["launch"] - launches) * result.replicates < MIN_EVENTS or abs(said["launch"] - launches) < 0.01:
        return ""
    shares = sorted(((share, action) for action, share in said.items() if share >= 0.005), reverse=True)
    listed = ", ".join(f"{action} {percent(share, 0)}" for share, action in shares)
    asks = one.worlds["truth"].floored and one.strategy.design.error_claim == "none"
    sure = "the estimate that moving traffic leaves valid, " if asks else ""
    return (
        f"These figures follow the rule's own answer ({one.name} would launch in {percent(launches, 0)}). The verdict "
        f"also weighs {sure}the evaluator's suspected bias, prices and indifference: {listed} of the same experiments."
    )
