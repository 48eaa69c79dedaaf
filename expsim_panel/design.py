"""What every stopping rule has in common; one file in ``designs/`` each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import param

from expsim_panel.errors import InputError
from expsim_panel.kernels.strata import SCRATCH, DailyTable
from expsim_panel.kernels.tables import Table
from expsim_panel.kernels.trials import FOR_CONTROL, FUTILE
from expsim_panel.quantities import give_back, given
from expsim_panel.registry import Registry
from expsim_panel.rule_memory import writes
from expsim_panel.sections import Section

if TYPE_CHECKING:
    from expsim_panel.contests import Contest
    from expsim_panel.row_law import Law, Stops
    from expsim_panel.several_exact import Won

LEAST_ROWS = 10.0
"""Scored rows that both arms need on a day for it to count in a table on a bandit's traffic: fewer have no normal
law, and planned weights cannot make them lighter."""


@dataclass(frozen=True)
class Setting:
    """What a design may know when it is planned: never the truth.

    Attributes
    ----------
    units, rows : float ndarray, shape (days, arms)
        Units enrolled and rows scored by the end of each day, as planned for a fixed split.
    sds : ndarray, shape (arms,)
        Standard deviation of a scored row that the plan assumes (the control's, for every arm).
    binary : bool
        Whether rows are 0/1.
    indifference : float
        Smallest effect that matters, metric units.
    enrolled, scored : float ndarray, shape (days, arms), or None
        Where outcomes are late, units enrolled by the end of each day and the rows that they will come to;
        `units` and `rows` are then those whose outcomes are known. None: nothing is late.
    past : (float, float) or None
        Mean and standard deviation of the effects that the team's past experiments fit, where they are given.
    late_arms : bool
        Whether a variant arrives later, so that pooled rows are not of the same days.
    clock : float ndarray, shape (days,), or None
        Where the shares of the traffic change, the time on which z moves like a random walk, by the end of each day
        and on any scale. None: it is the units.
    """

    units: np.ndarray
    rows: np.ndarray
    sds: np.ndarray
    binary: bool
    indifference: float
    enrolled: np.ndarray | None = None
    scored: np.ndarray | None = None
    past: tuple[float, float] | None = None
    late_arms: bool = False
    clock: np.ndarray | None = None

    @property
    def days(self) -> int:
        """Planned length."""
        return int(self.units.shape[0])

    @property
    def arms(self) -> int:
        """Number of arms."""
        return int(self.units.shape[1])

    @property
    def ddof(self) -> float:
        """Degrees of freedom that a variance estimate loses."""
        return 0.0 if self.binary else 1.0

    def look_days(self, looks: int) -> np.ndarray:
        """Day (from 1) of each look: ``ceil(k days / K)``; looks before any outcome are left out."""
        days = -(np.arange(-1, -looks - 1, -1) * self.days // looks)
        return np.asarray(days[self.units[days - 1].any(axis=1)])

    def information(self, look_days: np.ndarray) -> np.ndarray:
        """Information fraction of each look: units arrived over units planned."""
        arrived = self.units.sum(axis=1) if self.clock is None else self.clock
        return np.asarray(arrived[look_days - 1] / arrived[-1])


@dataclass(frozen=True)
class Bounds:
    """Bounds of the z statistic at each look; ``inf`` where a look cannot stop on that side.

    Attributes
    ----------
    days : int ndarray, shape (looks,)
        Day (from 1) at whose end the look happens.
    lower, upper : ndarray, shape (looks,)
        Bounds on the z scale.
    futility : bool
        Whether stopping low gives up without a finding; otherwise it finds the control better.
    inner : ndarray, shape (looks,), or None
        Half width around z = 0 within which a two-sided test gives up; -inf: a look without.
    """

    days: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    futility: bool = False
    inner: np.ndarray | None = None

    def table(self, setting: Setting) -> Table:
        """Spread the bounds over the days, for the kernel."""
        lower, upper, inner = (np.full(setting.days, bound) for bound in (-np.inf, np.inf, -np.inf))
        lower[self.days - 1], upper[self.days - 1] = self.lower, self.upper
        if self.inner is not None:
            inner[self.days - 1] = self.inner
        below = FUTILE if self.futility else FOR_CONTROL
        return Table(lower, upper, inner, setting.ddof, below, np.zeros(setting.arms))

    def daily(self, setting: Setting) -> DailyTable:
        """Return the table for traffic that follows the data: days weighed by the information planned for them."""
        planned = self.table(setting)
        part = np.sqrt(np.diff(setting.information(np.arange(1, setting.days + 1)), prepend=0.0))
        work = np.zeros((SCRATCH, setting.arms))
        return DailyTable(
            planned.lower, planned.upper, planned.inner, planned.below, part, LEAST_ROWS, setting.binary, work
        )


class Ending(NamedTuple):
    """Where a rule ends that has a law of its own.

    Attributes
    ----------
    days : int ndarray, shape (ends,)
        Day (from 1) at whose end it may stop.
    stops : Stops
        P(finds the control better), P(gives up) and P(finds the variant better) on each of them; it goes on to the
        last planned day otherwise.
    """

    days: np.ndarray
    stops: Stops


class Remembered(NamedTuple):
    """What a rule keeps from an earlier look.

    Attributes
    ----------
    day : int
        Day (from 1) whose data it needs.
    what : str
        What it makes of them, as half a sentence; ``{when}`` stands for "on day 7".
    """

    day: int
    what: str


_EVERY_DAY = 1000.0 * np.arange(1, 367)[:, None] * np.ones(2)
ROOM = Setting(_EVERY_DAY, _EVERY_DAY, np.ones(2), False, 0.0)
"""A year of two arms with a thousand rows each a day."""


class Design(Section):
    """A stopping rule. Subclasses declare their Params and `bounds` (or `rule`)."""

    kind = ""
    summary = ""
    error_claim = "none"
    """What the design promises of its type I error: ``exact``, ``at most`` or ``none``."""
    bounds_follow_spread = False
    """Whether `bounds` depends on the setting's `sds`: an exact value then asks with those of the data."""

    drops = False
    """Whether it drops variants on its way; then `dropped` gives its law."""

    needs_allocation = ""
    """Name of the policy that has to divide the traffic; empty: any."""
    only_fixed = ""
    """Why the rule does not hold where traffic follows the data; empty: it does."""

    several_days = False
    """Whether it decides in the middle of its days when to end: one day leaves it nothing to decide."""

    of_lifts = False
    """Whether it compares means by their ratio, for which the control's has to be above 0."""

    counts_rates = False
    """Whether of rates it reads how many hits and rows there are, not the variance that their days add up to."""

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)
        self._by_door = False
        if params:
            self._stands()
        self._given = given(self)
        self.param.watch(self._changed, self.fields(), onlychanged=False)

    def put(self, key: str, value: Any, where: str, path: str = "") -> None:
        """Set one key as a file does, which is checked as a whole when all of it is there."""
        with self.unchecked():
            super().put(key, value, where, path)

    @contextmanager
    def unchecked(self) -> Iterator[None]:
        """Leave it to the caller to check the whole when all of it is there."""
        self._by_door = True
        try:
            yield
        finally:
            self._by_door, self._given = False, given(self)

    def _changed(self, *events: param.parameterized.Event) -> None:
        """Refuse a Param that contradicts the others: `InputError`, and all are as they were."""
        if self._by_door:
            return
        try:
            self._stands()
        except InputError:
            with param.parameterized.discard_events(self):
                for event in events:
                    setattr(self, event.name, event.old)
            give_back(self, self._given)
            raise
        self._given = given(self)

    def _stands(self) -> None:
        """Check the design against itself: against traffic that has room for any number of looks."""
        self.check_for(ROOM, type(self).__name__, self.kind or "design")

    def not_by_day(self) -> str:
        """Return why the rule cannot compare variants within each day; empty: it can."""
        return ""

    def times_looks(self, setting: Setting) -> bool:
        """Tell whether its error rate hangs on how much of what a look knows the looks before knew."""
        return False

    def bounds(self, setting: Setting) -> Bounds | None:
        """Return the z bounds that the design comes to; None where it has no such form."""
        return None

    def look_days(self, setting: Setting) -> np.ndarray:
        """Return the days (from 1) on which it looks; by default those of `bounds`, or else the last planned one."""
        planned = self.bounds(setting)
        return np.array([setting.days]) if planned is None else planned.days

    def next_look(self, setting: Setting, day: int, rule: Any, rows: float) -> int | None:
        """Return the day of the first look after a day on which the experiment goes on; None after the last.

        Parameters
        ----------
        day : int
            From 1.
        rule : NamedTuple
            The kernel's parameters as they are then, with what they keep from the looks before.
        rows : float
            Scored rows of all arms by then, which may be others than planned.
        """
        coming = self.look_days(setting)
        coming = coming[coming > day]
        return int(coming[0]) if coming.size else None

    def remembers(self, setting: Setting, day: int) -> Remembered | None:
        """Return what a look on `day` (from 1) goes by besides the data of that day; None: nothing.

        Totals cannot be judged where there is something. By default that is so for a kernel of its own that writes
        into its parameters; a design whose kernel only calculates there returns None.
        """
        if day == 1 or type(self).rule is Design.rule or not writes(self.rule(setting), setting):
            return None
        return Remembered(day - 1, "its rule goes by what it saw at earlier looks")

    def drops_in(self, setting: Setting) -> bool:
        """Tell whether it is more than a test on an even split in this setting."""
        return self.drops

    def dropped(self, setting: Setting, means: np.ndarray, sds: np.ndarray) -> Any:
        """Return the law of the variants that leave, or why there is none.

        Returns
        -------
        tuple of (Drops, ndarray, ndarray), or str, or None
            The law; days of the looks; units that an arm in traffic gets between looks. See `dropping_laws`.
        """
        return None

    def rule(self, setting: Setting) -> Any:
        """Return the kernel's parameters, a NamedTuple; by default the table of `bounds`."""
        planned = self.bounds(setting)
        if planned is None:
            raise LookupError(f"{type(self).__name__} has neither bounds nor a rule")
        return planned.table(setting)

    def adaptive_rule(self, setting: Setting) -> Any:
        """Return the kernel's parameters where traffic follows the data; by default those of a fixed split.

        That holds for a posterior, to which it does not matter why a row was taken, and for sums of one arm's
        rows, which stay a martingale. A test of the difference of two pooled means needs another form.
        """
        return self.rule(setting)

    def ending(self, setting: Setting, law: Law) -> Ending | str:
        """Return where a rule ends that no bounds on z describe, by its own law; or why that is not known.

        Parameters
        ----------
        setting : Setting
            Traffic of two arms, as planned.
        law : Law
            Law of the scored rows; its first replicate counts.
        """
        return "no exact value for this stopping rule"

    def contest(self, planned: Bounds | None, setting: Setting, law: Law) -> Contest | None:
        """Return what it asks of every one of several variants' z, in large samples; None where that is no such rule.

        Parameters
        ----------
        planned : Bounds or None
            Of `bounds`, in this setting.
        setting, law
            As in `ending`, of three arms or more; spreads are positive.
        """
        from expsim_panel.contests import everyone

        return None if planned is None or type(self).rule is not Design.rule else everyone(planned, setting.arms - 1)

    def won(self, planned: Bounds | None, setting: Setting, law: Law, patient: bool = False) -> Won | str:
        """Return what it finds among several variants, or why that is not known.

        Parameters
        ----------
        planned, setting, law
            As in `contest`.
        patient : bool
            Whether there is time for more than a tenth of a second.
        """
        from expsim_panel.several_exact import UNKNOWN, by_contest

        asked = self.contest(planned, setting, law)
        return UNKNOWN if asked is None else by_contest(asked, setting, law, patient)

    def decides_once(self, setting: Setting) -> bool:
        """Tell whether it decides at one look on the last day: then several variants take no time."""
        from expsim_panel.several_exact import one_look

        planned = self.bounds(setting)
        return planned is not None and one_look(planned, setting)

    def found_for(self, z: np.ndarray, setting: Setting) -> np.ndarray | None:
        """Tell for which variants each test at the end finds a gain; None: the rule ends with one finding only.

        Parameters
        ----------
        z : ndarray, shape (tests, variants)
            z statistics against the control, positive is better.

        Returns
        -------
        bool ndarray, same shape, or None
        """
        from expsim_panel.several_exact import one_look

        planned = self.bounds(setting) if type(self).rule is Design.rule else None
        return np.asarray(z >= planned.upper[-1]) if planned is not None and one_look(planned, setting) else None

    def level(self) -> float:
        """Return the confidence level of the interval shown with an estimate."""
        return 0.95

    def claim(self, setting: Setting) -> str:
        """Return the claim in a setting: alpha shared out over several variants is an upper bound only."""
        return "at most" if self.error_claim == "exact" and setting.arms > 2 else self.error_claim

    def nominal_alpha(self) -> float | None:
        """Return the type I error that the design claims; None where it claims none."""
        return None

    def check_for(self, setting: Setting, where: str, path: str) -> None:
        """Check the design against the traffic; raise `InputError`."""
        looks = getattr(self, "looks", None)
        if looks is not None and looks > setting.days:
            raise InputError(
                where, f"{path}.looks", f"{looks} looks in {setting.days} days", "plan at most one look a day"
            )


designs = Registry[type[Design]]("expsim_panel.designs", "design")
