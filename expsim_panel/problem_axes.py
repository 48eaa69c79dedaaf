"""Bandit problems beyond the classic one as problems whose numbers can be varied.

The numbers are those of the forms (`problem_forms`): fields, entries of lists (``means.0``, ``cost.1``) and of tables
(``means.SEGMENT.ARM``, ``ratings.ARM.RATING``, ``preferences.ARM.OTHER``), within the bounds of their declarations. A
cell is the same text with another number in it, so that `bandit_problems.play` gives what the command line would.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import param

from expsim_panel.bandit_axes import LEAD_WORDS
from expsim_panel.bandit_problems import DUELS, METERED, SEGMENTS, play, read_table
from expsim_panel.bandit_verdict import WINS, counted_in
from expsim_panel.bandits import check_size
from expsim_panel.duelling import DuelResult
from expsim_panel.errors import InputError, shown
from expsim_panel.metered_bandits import MeteredResult
from expsim_panel.policy import Policy
from expsim_panel.problem_forms import FORMS, Entries, Numbers, ProblemForm
from expsim_panel.segment_bandits import SegmentResult
from expsim_panel.varied import (
    HORIZON,
    LEAD,
    LOST,
    USD,
    WRONG,
    BanditAxis,
    Cell,
    Varied,
    ends_of,
    mean_of,
    raised,
    wrong_of,
)

Rows = list[list[float]]
_LEADS = ("means", "strengths")
_FIRST = {"ratings": 1}
"""Where entries of a row are counted from, other than 0: ratings are 1, 2, ..., J."""


@dataclass(frozen=True)
class ProblemSetting(Varied):
    """A problem as it is asked for.

    Attributes
    ----------
    kind : str
        ``segments``, ``duels`` or ``metered`` (prices, budgets, guardrails, ratings).
    given : mapping
        Values by the names of the flags of `expsim bandit`, as for `bandit_problems.play`.
    """

    kind: str = METERED
    given: Mapping[str, Any] = field(default_factory=dict)

    @property
    def forms(self) -> list[type[ProblemForm]]:
        """The forms that declare this kind's fields."""
        return [form for form in FORMS.values() if form.plays == self.kind]

    @property
    def kinds(self) -> tuple[type[Policy], ...]:  # type: ignore[override]
        """What policies play."""
        return self.forms[0].kinds

    @property
    def thing(self) -> str:  # type: ignore[override]
        """What is counted by the horizon."""
        return self.forms[0].thing

    @property
    def even(self) -> str:  # type: ignore[override]
        """Name of the even split."""
        return "even-pairs" if self.kind == DUELS else "even"

    @property
    def counted(self) -> str:
        """What losses are counted in; see `bandit_verdict.lost`."""
        if self.kind == DUELS:
            return WINS
        family = "ratings" if self.given.get("ratings") is not None else self.given.get("family") or "bernoulli"
        return counted_in(family, self.kind == METERED and self.given.get("value_per_point") is not None)

    @property
    def arms(self) -> int:
        """How many arms there are."""
        key = next(key for key in ("ratings", "means", "preferences", "strengths") if self.given.get(key) is not None)
        rows = self.rows(key)
        return len(rows) if key in ("ratings", "preferences") else len(rows[0])

    def declared(self, key: str) -> param.Parameter | None:
        """Return the declaration of a field; None where this kind has none of the name."""
        return next((form.param[key] for form in self.forms if key in form.fields()), None)

    def rows(self, key: str) -> Rows:
        """Return a list or table that was given."""
        return read_table(self.given[key], key)

    def put(self, key: str, value: Any) -> ProblemSetting:
        """Return the problem with one value changed; rows are written as a person would."""
        if isinstance(value, list):
            value = ";".join(",".join(map(repr, row)) for row in value)
        return replace(self, given={**self.given, key: value})

    def own_axis(self, path: str, where: str) -> BanditAxis | None:
        """Return the axis of a field, of an entry of a list or table, or of the best arm's lead."""
        if path == LEAD:
            return self._lead(where)
        head, *keys = path.split(".")
        key = head.replace("-", "_")
        declared = self.declared(key)
        if declared is None:
            return None
        if isinstance(declared, Numbers):
            if self.given.get(key) is None:
                raise InputError(where, path, f"the problem has no {head}", f"give --{head.replace('_', '-')} too")
            return self._entry(path, key, keys, declared, where)
        if keys or not _number(declared):
            return None
        if key == "limit" and self.given.get("guardrail") is None:
            raise InputError(where, path, "the problem has no guardrail", "give --guardrail and --limit too")
        form = next(form for form in self.forms if key in form.fields())

        def place(one: ProblemSetting, level: float) -> ProblemSetting:
            form().put(key, level, where)
            return one.put(key, level)

        return BanditAxis(path, str(declared.label), False, place)

    def own_axes(self) -> dict[str, str]:
        """Return every axis of the problem: words and path."""
        made: dict[str, str] = {}
        lead = next((key for key in _LEADS if self._leads(key)), None)
        if lead is not None:
            made[LEAD_WORDS] = LEAD
        for form in self.forms:
            for key in form.fields():
                declared = form.param[key]
                if isinstance(declared, Numbers):
                    if self.given.get(key) is not None:
                        made |= {words: path for path, words in self._entries(key, declared)}
                elif _number(declared) and (key in self.given or key == "value_per_point"):
                    made[str(declared.label)] = key
        return made

    def own_range(self, path: str) -> tuple[float, float] | None:
        """Return a range that fits an axis, to begin with: the usual ends of its declaration."""
        if path == LEAD:
            # Duels need an arm that beats every other: strengths that tie have none.
            return (0.0, 0.3) if self._leads("means") else (0.1, 1.0)
        declared = self.declared(path.split(".")[0].replace("-", "_"))
        if declared is None:
            return None
        if not isinstance(declared, Numbers):
            low, high = ends_of(declared)
            own = self.value_at(path) or 0.0
            # Money of any size: what is usual anywhere says little about this problem.
            return (own / 4, 4 * own) if own > 0.0 and 0.0 < 100 * low <= high else (low, high)
        low, high = ends_of(Entries.param[declared.each])
        normal = self.given.get("family") == "gaussian" and declared.each in ("mean", "segment_mean")
        return (-1.0, 1.0) if normal else (low, high)

    def value_at(self, path: str) -> float | None:
        """Return the problem's own value of a number; None where it has no single one."""
        if path == HORIZON:
            return float(self.horizon)
        head, *keys = path.split(".")
        found = self.given.get(head.replace("-", "_"))
        if isinstance(found, str) and keys:
            rows = self.rows(head.replace("-", "_"))
            row = rows[int(keys[0])] if len(keys) == 2 else rows[0]
            return row[int(keys[-1]) - _FIRST.get(head, 0)]
        return float(found) if isinstance(found, int | float) else None

    def check(self, path: str, where: str) -> None:
        """Raise `InputError` where the requests are out of bounds; all else is checked where it is put."""
        check_size(HORIZON, self.horizon, where)

    def play(self, replicates: int, seed: int, workers: int | None) -> Cell:
        """Play the problem."""
        sizes: dict[str, Any] = {"replicates": replicates, "seed": seed, "workers": workers}
        found = play(self.kind, self.given, self.policies, self.horizon, **sizes)
        made = found.policies
        figures = {LOST: tuple(mean_of(one.regret) for one in made)}
        if isinstance(found, MeteredResult):
            world = found.world
            if world.value is not None:
                figures[USD] = figures[LOST]
            figures[WRONG] = tuple(wrong_of(one.p_best_arm) for one in made)
            if world.limit is not None:
                figures["breach_exposures"] = tuple(mean_of(one.breach_exposures) for one in made)
                figures["p_keeps_breach"] = tuple(mean_of(one.keeps_breach) for one in made)
            if self.given.get("budget") is not None:
                figures |= {key: tuple(mean_of(getattr(one, key)) for one in made) for key in ("spent", "requests")}
        elif isinstance(found, SegmentResult):
            figures["blind_regret"] = tuple(mean_of(one.blind_regret) for one in made)
        elif isinstance(found, DuelResult):
            figures[WRONG] = tuple(wrong_of(one.p_best_arm) for one in made)
            for key in ("strong_regret", "weak_regret"):
                figures[key] = tuple(mean_of(getattr(one, key)) for one in made)
        marks = [one.regret.quantiles or {} for one in made]
        low, high = (tuple(float(one.get(key, 0.0)) for one in marks) for key in ("0.05", "0.95"))
        return Cell(found.request_digest, figures, low, high)

    def _leads(self, key: str) -> bool:
        """Tell whether one list of arms has a best one."""
        if self.kind == SEGMENTS or self.given.get(key) is None:
            return False
        row = self.rows(key)[0]
        return len(row) > 1 and max(row) > min(row)

    def _lead(self, where: str) -> BanditAxis:
        key = next((key for key in _LEADS if self._leads(key)), None)
        if key is None:
            raise InputError(where, LEAD, "no arm leads by one number", "vary one number of one arm")

        def place(one: ProblemSetting, level: float) -> ProblemSetting:
            return one.put(key, [raised(one.rows(key)[0], level)])

        return BanditAxis(LEAD, LEAD_WORDS, False, place)

    def _entries(self, key: str, declared: Numbers) -> list[tuple[str, str]]:
        """Return path and words of every entry of a list or table."""
        rows, label, first = self.rows(key), str(Entries.param[declared.each].label), _FIRST.get(key, 0)
        if not _table(declared):
            return [(f"{key}.{k}", label.format(k)) for k in range(len(rows[0]))]
        return [
            (f"{key}.{i}.{j + first}", label.format(i, j + first))
            for i, row in enumerate(rows)
            for j in range(len(row))
            if not (declared.each == "preference" and i == j)
        ]

    def _entry(self, path: str, key: str, keys: list[str], declared: Numbers, where: str) -> BanditAxis:
        known = dict(self._entries(key, declared))
        name = ".".join([key, *(str(int(part)) if re.fullmatch("[0-9]{1,3}", part) else part for part in keys)])
        if name not in known:
            some = list(known)
            problem = f"there is no entry {shown('.'.join(keys))}" if keys else "is a list"
            raise InputError(where, path, problem, f"give {some[0]} to {some[-1]}")
        at = [int(part) for part in name.split(".")[1:]]
        i, j = (at[0], at[1] - _FIRST.get(key, 0)) if len(at) == 2 else (0, at[0])
        change = _CHANGES.get(declared.each, _alone)

        def place(one: ProblemSetting, level: float) -> ProblemSetting:
            try:
                Entries().put(declared.each, level, where)
            except InputError as error:
                raise InputError(where, path, error.problem, error.remedy) from None
            rows = one.rows(key)
            change(rows, i, j, level)
            return one.put(key, rows)

        return BanditAxis(path, known[name], False, place)


def _number(declared: param.Parameter) -> bool:
    return isinstance(declared, param.Number) and not isinstance(declared, param.Boolean)


def _table(declared: Numbers) -> bool:
    return "{1}" in str(Entries.param[declared.each].label)


def _alone(rows: Rows, i: int, j: int, level: float) -> None:
    rows[i][j] = level


def _in_proportion(rows: Rows, i: int, j: int, level: float) -> None:
    """Make one entry this share of its row, which sums to 1; the others keep their proportions."""
    rest = sum(rows[i]) - rows[i][j]
    others = len(rows[i]) - 1
    rows[i] = [
        level if k == j else (1.0 - level) * (value / rest if rest > 0.0 else 1.0 / max(others, 1))
        for k, value in enumerate(rows[i])
    ]


def _with_its_counterpart(rows: Rows, i: int, j: int, level: float) -> None:
    """Change who of two is preferred, and leave their ties; a level beyond what the ties leave is refused later."""
    both = rows[i][j] + rows[j][i]
    rows[i][j], rows[j][i] = level, both - level


_CHANGES: dict[str, Callable[[Rows, int, int, float], None]] = {
    "share": _in_proportion, "chance": _in_proportion, "preference": _with_its_counterpart,
}  # fmt: skip
