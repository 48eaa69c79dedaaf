"""Which pictures a bandit problem beyond the classic one has, and what they show; drawn by the page and the export."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from expsim_panel.bandit_blocks import Floats, PlayedProblem
from expsim_panel.bandit_courses import Course
from expsim_panel.bandit_verdict import counted_in, lost
from expsim_panel.duelling import DuelResult
from expsim_panel.frontier import Point
from expsim_panel.metered_bandits import MeteredPolicyResult, MeteredResult
from expsim_panel.plots import bandit_pulls
from expsim_panel.plots.bandit_regret import unit
from expsim_panel.plots.bandit_traffic import SHADES, Layer, Stack, layers
from expsim_panel.plots.bars import Bar, Shares
from expsim_panel.plots.courses import DOLLARS, PLAIN, Curves, Line, asked_at
from expsim_panel.problem_verdicts import breaking, mean, wins, writer
from expsim_panel.quantities import count, money, percent
from expsim_panel.results import Figure
from expsim_panel.segment_bandits import SegmentResult

BUDGETS = 30
"""Budgets at which the best plan is drawn."""


@dataclass(frozen=True)
class Dots:
    """One dot per policy: loss against something else that should be small."""

    title: str
    x_label: str
    y_label: str
    points: tuple[Point, ...]
    dollars: bool = False


Picture = Curves | Shares | Stack | Dots


def pictures(found: PlayedProblem[Any], chosen: str) -> dict[str, Picture]:
    """Return the pictures by name, with the policy `chosen` in focus where a picture shows one alone."""
    if isinstance(found, SegmentResult):
        return _segments(found, chosen)
    if isinstance(found, DuelResult):
        return _duels(found)
    assert isinstance(found, MeteredResult)
    return _metered(found, chosen)


def how(found: PlayedProblem[Any]) -> str:
    """Say what was simulated, and what lines and bands mean."""
    thing = "duels" if isinstance(found, DuelResult) else "requests"
    played = f"{count(found.replicates)} simulated experiments of {count(found.horizon)} {thing}"
    size = f"{played} per policy, seed {found.seed}. "
    if isinstance(found, SegmentResult):
        means = (
            "Loss: what the best arm of each request's segment would have brought, minus what the arms pulled bring. "
        )
    elif isinstance(found, DuelResult):
        means = "Loss of a duel: P(the winner beats an arm) - 1/2, the mean of the two arms; summed over duels. "
    else:
        assert isinstance(found, MeteredResult)
        plan = "the best arm" + (" within the limit" if found.world.limit is not None else "")
        if math.isfinite(found.world.budget):
            plan = "the best plan that money, requests and limit allow, spread evenly over the requests"
        means = f"Loss: what {plan} would have brought, minus what the arms pulled bring on average. "
    step = "" if isinstance(found, SegmentResult) else " Dashed step: policies that no other beats on both."
    if isinstance(found, MeteredResult) and found.world.limit is None and math.isfinite(found.world.budget):
        step = ""
    band = "Band: nine experiments in ten of the policy in focus, the thick line. Whiskers: simulation error (95 %)."
    return size + means + band + step


def _curves(
    found: PlayedProblem[Any], key: str, title: str, label: str, write: Callable[[float], str], scale: float = 1.0,
    thing: str = "requests", banded: bool = True, **more: Any,
) -> Curves:  # fmt: skip
    """Return a quantity over time, a line per policy."""
    at = found.checkpoints.astype(np.float64)
    lines = []
    for one in found.policies:
        course: Course = one.courses[key]
        said = {}
        for k in asked_at(at.size):
            low, high = (write(float(course.band[row, k])) for row in (0, 2))
            ranged = "" if not banded else f", nine experiments in ten {low} to {high}"
            said[k] = f"{one.name} after {count(at[k])} {thing}: {write(float(course.value[k]))} on average{ranged}"
        band = scale * course.band[[0, 2]] if banded else None
        lines.append(Line(one.name, at, scale * course.value, scale * float(course.se[-1]), band, said))
    return Curves(title, thing.capitalize(), label, lines, float(found.horizon), **more)


def _point(one: Any, wrong: Figure, scale: float, said: str, even: bool) -> Point:
    regret: Figure = one.regret
    return Point(
        one.name, mean(regret), regret.se or 0.0, mean(wrong) / scale, (wrong.se or 0.0) / scale, None, not even,
        f"{one.name}: {said}",
    )  # fmt: skip


def _metered(found: MeteredResult, chosen: str) -> dict[str, Picture]:
    world, write = found.world, writer(found)
    dollars = world.value is not None
    limited, guarded = math.isfinite(world.budget), world.limit is not None
    label = unit(counted_in(world.family, dollars), None)
    form = DOLLARS if dollars else PLAIN
    made: dict[str, Picture] = {
        "regret": _curves(found, "regret", "Lost so far", label, lambda x: f"{write(x)} lost", y_format=form)
    }
    if guarded:
        made["exposures"] = _curves(
            found,
            "breach_exposures",
            "Answered over the limit",
            "Requests over the limit",
            lambda x: f"{count(x)} requests",
        )
    if limited or dollars:
        made["quality"] = _quality(found)
    if limited:
        line = np.array([0.0, float(found.horizon)])
        budget = (line, np.full(2, world.budget), f"Budget {money(world.budget)}")
        made["spent"] = _curves(
            found,
            "spent",
            "Spent so far",
            "Spent, $",
            lambda x: f"{money(x)} spent",
            y_format=DOLLARS,
            reference=budget,
        )
    if guarded:
        points = tuple(
            _point(
                one, one.breach_exposures, float(found.horizon),
                f"{write(mean(one.regret))} lost, {count(mean(one.breach_exposures))} of {count(found.horizon)} "
                "requests answered over the limit", one.name == "even",
            ) for one in found.policies
        )  # fmt: skip
        made["frontier"] = Dots("Loss and harm", label, "Answered over the limit, % of requests", points, dollars)
    elif not limited:
        made["frontier"] = _right_or_wrong(found, label, write, dollars)
    one = next((one for one in found.policies if one.name == chosen), found.policies[0])
    made["traffic"] = Stack(one.name, found.checkpoints, _shares(one), layers(_shown_means(found), breaking(found)))
    return made


def _shown_means(found: MeteredResult) -> Floats:
    """Return what arms are called by: mean rewards, ratings from 1 up; worth where pulls have a price in dollars."""
    world = found.world
    return np.asarray(world.means * world.scale + (world.family == "ratings"))


def _shares(one: MeteredPolicyResult) -> Floats:
    return np.asarray(one.traffic / np.maximum(one.traffic.sum(axis=1), 1e-9)[:, None])


def _right_or_wrong(found: PlayedProblem[Any], label: str, write: Callable[[float], str], dollars: bool) -> Dots:
    points = []
    for one in found.policies:
        right: Figure = one.p_best_arm
        wrong = replace(right, value=1.0 - mean(right))
        said = f"{write(mean(one.regret))} lost, keeps a lesser arm in {percent(1 - mean(right))} of the experiments"
        points.append(_point(one, wrong, 1.0, said, one.name == "even"))
    return Dots("Loss and wrong decisions", label, "Keeps a lesser arm, % of experiments", tuple(points), dollars)


def _quality(found: MeteredResult) -> Curves:
    """Return what was earned against what was spent, below the best plan for every amount of money."""
    world = found.world
    lines, most = [], 0.0
    reward = replace(world, value=None)
    points = "good answers" if world.family == "bernoulli" else "points"
    for one in found.policies:
        spent, earned = one.courses["spent"], one.courses["reward"]
        most = max(most, float(spent.value[-1]))
        said = {
            k: f"{one.name}: {count(float(earned.value[k]))} {points} for {money(float(spent.value[k]))} on average, "
            f"after {count(float(found.checkpoints[k]))} requests"
            for k in asked_at(found.checkpoints.size)
        }
        lines.append(Line(one.name, spent.value, earned.value, float(earned.se[-1]), None, said))
    if math.isfinite(world.budget):
        most = world.budget
    budgets = np.linspace(0.0, most, BUDGETS + 1)[1:]
    best = np.array([replace(reward, budget=float(money_)).optimum(found.horizon) for money_ in budgets])
    x, y = np.concatenate([[0.0], budgets]), np.concatenate([[0.0], best])
    label = {"bernoulli": "Good answers", "ratings": "Rating points above 1"}.get(world.family, "Reward, points")
    return Curves(
        "Quality for money", "Spent so far, $", label, lines, max(most, 1e-9), (x, y, "Most that money can buy"),
        x_format=DOLLARS,
    )  # fmt: skip


def _segments(found: SegmentResult, chosen: str) -> dict[str, Picture]:
    def write(amount: float) -> str:
        return lost(amount, found.family, None)

    label = unit(found.family, None)
    level = np.array([0.0, float(found.horizon)])
    best = found.means == found.means.max(axis=1)[:, None]
    overall = []
    listed = ", ".join(str(k + 1) for k in range(min(found.shares.size, 4))) + (
        ", ..." if found.shares.size > 4 else ""
    )
    for one in found.policies:
        came = one.pulls.sum()
        well = (one.pulls * best).sum(axis=1) / came
        parts = [
            (
                float(part), SHADES[k % len(SHADES)],
                f"{one.name}: {percent(float(part))} of all requests are of segment {k + 1} and get its best arm; "
                f"that is {percent(float(one.right[k]))} of the segment's "
                f"(simulation error ± {percent(float(one.right_se[k]))})",
            ) for k, part in enumerate(well)
        ]  # fmt: skip
        overall.append(Bar(one.name, parts, f"{percent(float(well.sum()), 0)} right"))
    focus = next((one for one in found.policies if one.name == chosen), found.policies[0])
    rows = []
    for k, share in enumerate(found.shares):
        name = f"Segment {k + 1} ({percent(float(share), 0)})"
        rows.append(bandit_pulls.row(name, focus.pulls[k], None, _arms(found.means[k])))
    return {
        "regret": _curves(found, "regret", "Lost so far", label, lambda x: f"{write(x)} lost"),
        "blind": _curves(
            found, "blind_regret", "Against the best single arm", f"{label} (below 0: won)",
            lambda x: f"{write(x)} lost" if x >= 0 else f"{write(-x)} won",
            reference=(level, np.zeros(2), "Best single arm"),
        ),
        "right": Shares("Got their segment's best arm", f"Share of all requests, %; from the left segment {listed}",
            overall,
        ),
        "arms": Shares(f"Who got which arm: {focus.name}", "Share of the segment's requests, %", rows),
    }  # fmt: skip


def _arms(means: Floats) -> list[Layer]:
    """Return the layers of one segment: arms keep their colour in all of them, the best stands first."""
    order = [int(arm) for arm in np.argsort(-means, kind="stable")]
    made = layers(means)
    if len(made) < len(order):
        return made
    return [
        Layer(f"arm {layer.arms[0]}, {layer.name}", SHADES[layer.arms[0] % len(SHADES)], layer.arms) for layer in made
    ]


def _duels(found: DuelResult) -> dict[str, Picture]:
    world = found.world
    rows = []
    scores = world.scores.mean(axis=1)
    scores[world.winner] = 1.0
    drawn = [
        layer._replace(name=f"arm {layer.arms[0]}{' (winner)' if world.winner in layer.arms else ''}")
        if len(layer.arms) == 1 else layer
        for layer in layers(scores)
    ]  # fmt: skip
    for one in found.policies:
        rows.append(bandit_pulls.row(one.name, one.duels, one.duels_se, drawn, "places in duels"))
    label = "Wins given away"
    return {
        "regret": _curves(found, "regret", "Given away so far", label, lambda x: f"{wins(x)} given away",
            thing="duels",
        ),
        "found": _curves(
            found, "p_best_arm", "Would name the winner", "Share of experiments, %",
            lambda x: f"{percent(x)} would name it",
            scale=100.0, thing="duels", banded=False, most=105.0,
        ),
        "frontier": replace(
            _right_or_wrong(found, label, wins, False), y_label="Names another arm, % of experiments"
        ),
        "places": Shares("Who was shown", "Share of all places in duels, %", rows),
    }  # fmt: skip
