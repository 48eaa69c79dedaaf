"""Words for what a study is played on: live traffic that comes day by day, or a fixed set of prompts in batches.

A row of the analysis, the clock and the size of a study are called differently in the two. Every page, export and
command takes the words from here, so that a study on a prompt set nowhere speaks of visitors.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from expsim_panel.quantities import count

if TYPE_CHECKING:
    from expsim_panel.scenario import Scenario

METRIC_WORDS: Mapping[str, str] = {
    "units": "Expected prompts answered, all variants together",
    "exposures": "Expected responses to live users (none here)",
    "days": "Expected time to the last score",
    "waiting_days": "Expected waiting for the last score (none here)",
    "traffic_on_worse_arms": "Share of answers by worse variants",
}
"""Figures of surfaces that are called otherwise on a prompt set."""


@dataclass(frozen=True)
class WorldWords:
    """Words of one kind of world.

    Attributes
    ----------
    live : bool
        Whether it is live traffic.
    source, inputs : str
        What the study is played on, and the heading of its inputs.
    size : str
        What is varied where a study is made larger, as a label.
    growing : str
        The same inside a sentence.
    unit, units, units_short : str
        What is randomised, for a sentence; as the head of a figure, and of a narrow column.
    tick, ticks, on : str
        A step of the clock that strategies look at, as a word, the head of an axis, and after "ended".
    time, time_short, until : str
        Heads of figures of calendar time.
    worse : str
        Head of the share that worse variants got.
    figures : mapping of str to str
        Figures of surfaces that are called otherwise than on live traffic.
    """

    live: bool
    source: str
    inputs: str
    size: str
    growing: str
    unit: str
    units: str
    units_short: str
    tick: str
    ticks: str
    on: str
    time: str
    time_short: str
    until: str
    worse: str
    figures: Mapping[str, str] = field(default_factory=dict)

    def ended(self, number: int) -> str:
        """Say when: "on day 5", "after batch 5"."""
        return f"{self.on} {self.tick} {number}"

    def more(self, units: float, variants: int) -> str:
        """Say how many more: "2,000 more units", or prompts that every variant answers, "1,000 more prompts"."""
        each = units if self.live else units / variants
        return f"{count(math.ceil(each - 1e-9))} more {self.unit}s"

    def figure(self, key: str, usual: str) -> str:
        """Return what a figure of a surface is called, given its usual words."""
        return self.figures.get(key, usual)


LIVE = WorldWords(
    live=True,
    source="Traffic",
    inputs="Traffic and money",
    size="Traffic",
    growing="traffic",
    unit="unit",
    units="Units",
    units_short="Units",
    tick="day",
    ticks="Days",
    on="on",
    time="Days",
    time_short="Days",
    until="Days to the end",
    worse="Traffic on worse variants",
)
"""Live traffic."""

PROMPTS = WorldWords(
    live=False,
    source="Prompt set",
    inputs="Prompts and money",
    size="Prompts",
    growing="prompts",
    unit="prompt",
    units="Prompts answered, all variants together",
    units_short="Answered",
    tick="batch",
    ticks="Batches",
    on="after",
    time="Time",
    time_short="Time",
    until="Time to the last score",
    worse="Answers by worse variants",
    figures=METRIC_WORDS,
)
"""A fixed prompt set."""


def of_world(live: bool) -> WorldWords:
    """Return the words for live traffic, or for a prompt set."""
    return LIVE if live else PROMPTS


def words_of(scenario: Scenario) -> WorldWords:
    """Return the words of a scenario's world."""
    return of_world(scenario.offline is None)
