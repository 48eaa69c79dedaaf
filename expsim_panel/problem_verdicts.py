"""The answer of a bandit problem beyond the classic one, in words: harm, budgets, segments, duels."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from expsim_panel.bandit_blocks import PlayedProblem
from expsim_panel.bandit_verdict import EVEN, SURE, WINS, BanditVerdict, counted_in, lost
from expsim_panel.duelling import DuelResult
from expsim_panel.metered_bandits import MeteredPolicyResult, MeteredResult
from expsim_panel.quantities import count, money, percent
from expsim_panel.results import Figure
from expsim_panel.segment_bandits import SegmentResult


@dataclass(frozen=True)
class ProblemVerdict(BanditVerdict):
    """The answer; `word` names what to use, beside the icon."""

    word: str


def verdict(found: PlayedProblem[Any]) -> ProblemVerdict:
    """Return which policy to prefer and why."""
    if isinstance(found, SegmentResult):
        return _segments(found)
    if isinstance(found, DuelResult):
        return _duels(found)
    assert isinstance(found, MeteredResult)
    return _guarded(found) if breaking(found).any() else _priced(found)


def breaking(found: MeteredResult) -> np.ndarray:
    """Return which arms' true rates of bad events are over the limit."""
    limit = math.inf if found.world.limit is None else found.world.limit
    return np.asarray(found.world.risks > limit)


def writer(found: MeteredResult) -> Callable[[float], str]:
    """Return how amounts of worth are written: dollars of net value, good answers or points."""
    family = counted_in(found.world.family, found.world.value is not None)
    return lambda amount: lost(amount, family, None)


def span(figure: Figure, write: Callable[[float], str]) -> str:
    """Return the range of nine experiments in ten in words; nothing where it was not kept."""
    marks = figure.quantiles
    if not marks:
        return ""
    low, high = (write(marks[key]).split(" ")[0] for key in ("0.05", "0.95"))
    return f"; nine experiments in ten between {low} and {high}"


def mean(figure: Figure) -> float:
    """Return a figure's mean."""
    return float(figure.value or 0.0)


def _apart(less: Figure, more: Figure) -> bool:
    """Tell whether one mean is below another beyond the error of the simulation."""
    gap = mean(more) - mean(less)
    error = math.hypot(*(math.inf if one.se is None else one.se for one in (less, more)))
    return gap > SURE * error + 1e-9 * max(1.0, abs(mean(more)))


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]


def _even(found: MeteredResult) -> MeteredPolicyResult | None:
    return next((one for one in found.policies if one.name == EVEN), None)


def _guarded(found: MeteredResult) -> ProblemVerdict:
    """Answer where an arm does harm: fewest requests over the limit, of those alike the least loss."""
    write, even = writer(found), _even(found)
    least = min(found.policies, key=lambda one: mean(one.breach_exposures))
    alike = [one for one in found.policies if not _apart(least.breach_exposures, one.breach_exposures)]
    best = min(alike, key=lambda one: mean(one.regret))
    hit, total = mean(best.breach_exposures), found.horizon
    clear = best.name != EVEN and (even is None or _apart(best.breach_exposures, even.breach_exposures))
    beside = "" if even is None or best is even else f" (an even split {count(mean(even.breach_exposures))})"
    regret = mean(best.regret)
    worth = f"loses {write(regret)} against" if regret >= 0 else f"gains {write(-regret)} on"
    rival = "plan" if math.isfinite(found.world.budget) else "arm"
    sentence = (
        f"{_capital(best.name)} answers {count(hit)} of {count(total)} requests by an arm over the limit{beside}, and "
        f"{worth} the best {rival} that keeps it."
    )
    numbers = [
        (count(hit), f"requests answered over the limit{span(best.breach_exposures, count)}"),
        (write(abs(regret)), f"{'lost' if regret >= 0 else 'gained'} against the best {rival} within the limit"),
        (percent(mean(best.keeps_breach)), "of its experiments end with an arm over the limit"),
    ]
    notes = []
    greedy = max(found.policies, key=lambda one: mean(one.breach_exposures))
    if greedy is not best and mean(greedy.breach_exposures) > 2 * hit:
        notes.append(
            f"{_capital(greedy.name)} sends {count(mean(greedy.breach_exposures))} requests over the limit"
            + (f", more than an even split: {_reason(found)}" if even is not None and greedy is not even else "")
            + "."
        )
    behind = mean(best.behind_control)
    if behind >= 0.0005:
        notes.append(
            f"While it learns, its rewards fall up to {percent(behind)} behind always serving arm 0 (mean of the "
            "largest lack)."
        )
    if not found.world.safe.any() or breaking(found).all():
        notes.append("Every arm is over the limit; somebody has to answer, so the control counts as allowed.")
    notes.append(
        "A rarer kind of harm takes longer to see: a lower limit, a higher certainty before an arm is closed or a "
        "vaguer prior all mean more requests over the limit."
    )
    return ProblemVerdict(best.name, clear, sentence, tuple(numbers), tuple(notes), _word(best.name, clear))


def _reason(found: MeteredResult) -> str:
    over = breaking(found)
    better = found.world.worth[over].max() > found.world.worth[~over].max() if not over.all() else False
    return "the arm that does harm earns most" if better else "it does not look at bad events"


def _priced(found: MeteredResult) -> ProblemVerdict:
    """Answer for prices, budgets and ratings: the least loss against the best plan."""
    write, even, world = writer(found), _even(found), found.world
    best = min(found.policies, key=lambda one: mean(one.regret))
    clear = best.name != EVEN and (even is None or _apart(best.regret, even.regret))
    earned = found.optimum - mean(best.regret)
    limited = math.isfinite(world.budget)
    part = f", {percent(earned / found.optimum, 0)} of what the best plan could" if found.optimum > 0 else ""
    against = ""
    if even is not None and best is not even:
        verb = "nets" if world.value is not None else "earns"
        against = f"; an even split {verb} {write(found.optimum - mean(even.regret))}"
    paid = f" for {money(mean(best.spent))}" if limited or world.value is not None else ""
    if world.value is not None:
        sentence = f"{_capital(best.name)} nets {write(earned)} after paying {money(mean(best.spent))}{part}{against}."
    elif limited:
        sentence = f"{_capital(best.name)} earns {write(earned)}{paid}{part}{against}."
    else:
        beside = "" if even is None or best is even else f"; an even split {write(mean(even.regret)).split(' ')[0]}"
        sentence = f"{_capital(best.name)} loses {write(mean(best.regret))} in {count(found.horizon)} requests{beside}."
    plan = "the best plan" if limited else "the best arm"
    numbers = [(write(mean(best.regret)), f"lost against {plan}{span(best.regret, write)}")]
    if limited or world.value is not None:
        numbers.append((money(mean(best.spent)), "spent" + (f" of {money(world.budget)}" if limited else "")))
    numbers.append((count(mean(best.requests)), f"of {count(found.horizon)} requests answered"))
    if not limited:
        numbers[-1] = (percent(mean(best.p_best_arm)), f"of the experiments of {best.name} end with the best arm")
    notes = []
    if limited and mean(best.requests) < 0.995 * found.horizon:
        notes.append(
            f"Its money lasts for {count(mean(best.requests))} of {count(found.horizon)} requests on average; the rest "
            "gets no answer."
        )
    if even is not None and limited and mean(even.requests) < found.horizon:
        notes.append(f"An even split can pay for {count(mean(even.requests))} requests.")
    tail = mean(best.tail_regret)
    notes.append(f"In the worst twentieth of its experiments it loses {write(tail)} on average.")
    if world.unknown_costs:
        notes.append("Prices are learned too: each answer costs $1 or nothing.")
    if world.limit is not None:
        notes.append("No arm is over the limit here.")
    if limited:
        notes.append("The best plan knows every mean and price, and may mix two arms to use up money and requests.")
    return ProblemVerdict(best.name, clear, sentence, tuple(numbers[:3]), tuple(notes), _word(best.name, clear))


def _segments(found: SegmentResult) -> ProblemVerdict:
    """Answer for segments: what knowing them wins over the best single arm."""

    def write(amount: float) -> str:
        return lost(amount, found.family, None)

    best = min(found.policies, key=lambda one: mean(one.regret))
    gain, error = -mean(best.blind_regret), best.blind_regret.se
    most = found.blind_loss * found.horizon
    clear = best.sees_context and error is not None and gain > SURE * error
    if most <= 1e-9 * found.horizon:
        sentence = "One arm is best in every segment: knowing the segment can win nothing here."
    elif clear:
        sentence = (
            f"{_capital(best.name)} wins {write(gain)} over always serving the best single arm in "
            f"{count(found.horizon)} requests: it learns which prompts need which arm."
        )
    else:
        sentence = (
            f"No policy wins clearly over always serving the best single arm in {count(found.horizon)} requests; "
            f"knowing every mean would win {write(most)}."
        )
    numbers = [
        (write(mean(best.regret)), f"lost against each segment's best arm by {best.name}{span(best.regret, write)}"),
        (write(abs(gain)), f"{'won over' if gain >= 0 else 'lost against'} the best single arm"),
        (write(most), "is the most that knowing the segment can win"),
    ]
    notes = []
    place = int(best.right.argmin())
    notes.append(
        f"{_capital(best.name)} is right least often in segment {place + 1}, {percent(float(found.shares[place]), 0)} "
        f"of the requests: {percent(float(best.right[place]), 0)} of them get the segment's best arm."
    )
    blind = [one.name for one in found.policies if not one.sees_context]
    if blind:
        verb = "does" if len(blind) == 1 else "do"
        notes.append(
            f"{_capital(' and '.join(blind))} {verb} not see the segment: the best they can find is one arm for all."
        )
    notes.append(
        "Rarer segments learn more slowly; more segments, or contexts that are not linear in the reward, cost more."
    )
    return ProblemVerdict(
        best.name, clear, sentence, tuple(numbers), tuple(notes),
        _capital(best.name) if clear else "One arm for all",
    )  # fmt: skip


def _duels(found: DuelResult) -> ProblemVerdict:
    """Answer for duels: who names the winner, and what it gives away."""
    best = min(found.policies, key=lambda one: mean(one.regret))
    others = [one for one in found.policies if one is not best]
    clear = bool(others) and all(_apart(best.regret, one.regret) for one in others)
    right = mean(best.p_best_arm)
    sentence = (
        f"{_capital(best.name)} names the winner, arm {found.world.winner}, in {percent(right, 0)} of the experiments "
        f"of {count(found.horizon)} duels, and gives away {wins(mean(best.regret))} on the way"
        + (f" ({others[0].name} {wins(mean(others[0].regret)).split(' ')[0]})." if len(others) == 1 else ".")
    )
    numbers = [
        (wins(mean(best.regret)), f"given away by {best.name}{span(best.regret, wins)}"),
        (percent(right), "of its experiments name the arm that beats all others"),
    ]
    scores = found.world.scores[found.world.winner].copy()
    scores[found.world.winner] = np.inf
    rival = int(scores.argmin())
    numbers.append((percent(float(scores[rival])), f"is the winner's chance against its closest rival, arm {rival}"))
    notes = [
        "A win given away: a duel between arms that the winner would beat with P costs P - 1/2, the mean of the two.",
        f"In the worst twentieth of its experiments {best.name} gives away {wins(mean(best.tail_regret))} on average.",
    ]
    if found.world.ties.max() > 1e-12:
        notes.append("A tie counts as half a win of each.")
    notes.append("The closer the rival, the more duels it takes; more arms mean more pairs to rule out.")
    word = _capital(best.name) if clear else "No clear difference"
    return ProblemVerdict(best.name, clear, sentence, tuple(numbers), tuple(notes), word)


def wins(amount: float) -> str:
    """Write an amount of Condorcet regret."""
    return lost(amount, WINS, None)


def _word(name: str, clear: bool) -> str:
    return _capital(name) if clear else "Even split"
