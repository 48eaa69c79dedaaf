"""The looks of an experiment that was already run: what a rule must have seen, what it answers, when it looks next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from expsim_panel import plan
from expsim_panel.decision_adjusted import columns
from expsim_panel.errors import InputError, shown
from expsim_panel.kernels.trials import ROWS
from expsim_panel.kernels.trials import decide as rule_decides
from expsim_panel.observed import Observed
from expsim_panel.scenario import Scenario
from expsim_panel.strategy import Strategy
from expsim_panel.world_words import words_of

__all__ = ["Replayed", "played_fixed", "replay"]


@dataclass(frozen=True)
class Replayed:
    """What a rule said of the data.

    Attributes
    ----------
    code, end : int
        Its answer, and the day (from 1) of its end, else the last day of data that a look could see.
    rule : NamedTuple
        The kernel's parameters, with what it keeps from look to look.
    """

    code: int
    end: int
    rule: Any

    def next_look(self, scenario: Scenario, one: Strategy, state: np.ndarray) -> int | None:
        """Return the day of the next look; None where the rule has ended, or the last one was made.

        Parameters
        ----------
        state : ndarray, shape (4, arms)
            The data on the day `end`.
        """
        setting = plan.setting_of(scenario)
        if self.code or self.end >= setting.days:
            return None
        found = one.design.next_look(setting, self.end, self.rule, float(state[ROWS].sum()))
        return setting.days if found is None else found


def played_fixed(scenario: Scenario, one: Strategy, others: list[Strategy]) -> None:
    """Refuse whatever is no fixed split from the first day on; raise `InputError`.

    What a strategy that moves its traffic would have done depends on the shares of every day, and data of an
    experiment hold none. A variant that arrives later is compared with the control of its own days alone.
    """
    if one.policy.follows_data:
        fixed = [each.name for each in others if not each.policy.follows_data]
        problem = f"{shown(one.name)} moves the traffic by what it sees, and data of an experiment hold no shares"
        remedy = f"choose from {', '.join(fixed)}" if fixed else "choose a design with a fixed split, as fixed-horizon"
        raise InputError("--strategy", "", problem, remedy)
    for index, variant in enumerate(scenario.variants):
        first = variant.arrives_day or 1
        if first > 1:
            problem = (
                f"{shown(variant.name)} arrives on day {first}, and data of an experiment are read as a fixed split"
            )
            remedy = (
                "give the days since then as days 1, 2, ..., and set arrives_day to 1 and traffic.days to their number"
            )
            raise InputError(scenario.scenario.name, f"variants.{index}.arrives_day", problem, remedy)


def replay(scenario: Scenario, one: Strategy, seen: Observed, state: np.ndarray, days: np.ndarray) -> Replayed:
    """Let the rule look at the data day by day.

    After the last planned day it looks no more: what comes in then are late outcomes. Totals of such a day it sees as
    those of the last look.

    Parameters
    ----------
    state : ndarray, shape (days, 4, arms)
        The data by the end of each of `days`, oriented so that more is better.
    days : int ndarray, shape (days,)
        Days from 1; one for totals.

    Raises
    ------
    InputError
        The rule goes by what an earlier look found, and the data do not show that look.
    """
    setting = plan.setting_of(scenario)
    if not seen.daily:
        days = np.minimum(days, setting.days)
    _saw_what_counts(scenario, one, seen, state, min(int(days[-1]), setting.days))
    rule = one.design.rule(setting)
    for index, day in enumerate(days[days <= setting.days]):
        answer = int(rule_decides(rule, int(day) - 1, np.ascontiguousarray(state[index])))
        if answer:
            return Replayed(answer, int(day), rule)
    return Replayed(0, min(int(days[-1]), setting.days), rule)


def _saw_what_counts(scenario: Scenario, one: Strategy, seen: Observed, state: np.ndarray, day: int) -> None:
    """Refuse data without the look that a verdict on `day` goes by."""
    setting, clock = plan.setting_of(scenario), words_of(scenario)
    needed = one.design.remembers(setting, day)
    # Before any outcome is due there is nothing to remember.
    if needed is None or not setting.rows[needed.day - 1].any():
        return
    if seen.daily and state[needed.day - 1, ROWS].any():
        return
    why = needed.what.format(when=clock.ended(needed.day))
    first = int(np.flatnonzero(state[:, ROWS].any(axis=1))[0]) + 1
    without = f"the first ones are of {clock.tick} {first}" if seen.daily else "totals do not show that"
    raise InputError(
        seen.source, "day" if seen.source_has_columns else "",
        f"{one.name} needs results by {clock.tick}: {why}, and {without}",
        f"give a table with the columns day,{columns(scenario)}, each outcome on the {clock.tick} it came in",
    )  # fmt: skip
