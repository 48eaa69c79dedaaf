"""The study on screen and the form that edits it: what a visitor typed, and what of it is valid. No widgets.

A change goes through the same door as a file (`Study.from_tree`), so a bad value gives the same line
everywhere and never replaces what is on screen.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import param

from expsim_panel import economics, library
from expsim_panel.errors import InputError
from expsim_panel.evaluator_profiles import INSTEAD
from expsim_panel.study import Request, Study

RUN_KEYS = ("replicates", "seed", "luck")
LISTS = ("information", "critical_values", "alpha_spent", "kept", "drop_below")
"""Keys of a strategy whose list says how many looks there are, in place of a number."""
EVALUATOR_KIND = ("evaluator", "kind")

Path = tuple[str | int, ...]


class Form(param.Parameterized):  # type: ignore[misc]
    """The study a visitor works on; `Session` adds what came out of it."""

    study = param.ClassSelector(class_=Study, label="Study", doc="The last valid study; replaced, never changed.")
    error = param.String(
        default="", label="Problem", doc="One line: what is wrong, where, and what to do; empty if nothing is."
    )
    error_key = param.String(
        default="",
        label="Place of the problem",
        doc="Path of the value that is wrong, such as variants.1.mean; empty where none is.",
    )
    watching = param.String(
        default="", label="Strategy on screen", doc="Strategy whose experiment is watched; empty: the advised one."
    )
    rebuilt = param.Parameter(
        default=("all", 0),
        label="Form",
        doc="Which part of the form has other fields now, and how often that happened.",
    )

    def __init__(self, hold: Callable[[], AbstractContextManager[Any]] = nullcontext) -> None:
        """Start without a study; `open` or `upload` gives one."""
        super().__init__(name="session")
        self._hold = hold
        self._draft: dict[str, Any] = {}
        self._where = ""
        self._aside: dict[Path, Any] = {}
        self._request: Request

    # What is studied

    def open(self, name: str) -> bool:
        """Open a library scenario; tell whether it could be."""
        try:
            tree, where = library.read_tree(name)
        except InputError as error:
            self._complain(error)
            return False
        return self._begin(tree, where)

    def upload(self, raw: bytes, filename: str) -> bool:
        """Open an uploaded scenario file; on a bad one keep everything and say what is wrong."""
        where = " ".join(filename.split())[:80] or "upload"
        try:
            tree = library.parse(raw, where)
        except InputError as error:
            self._complain(error)
            return False
        return self._begin(tree, where)

    def refuse_upload(self) -> None:
        """Say that the browser would not send a file."""
        self._complain(InputError("upload", "", "the file is too large for a scenario", "give a TOML file under 5 MB"))

    def value(self, path: Path) -> Any:
        """Return what the form shows at `path`: the visitor's last input, valid or not."""
        node: Any = self._draft
        for key in path:
            if isinstance(node, dict):
                node = node.get(key)
            elif isinstance(node, list) and isinstance(key, int) and key < len(node):
                node = node[key]
            else:
                return None
        return node

    def edit(self, path: Path, value: Any) -> bool:
        """Put one value into the study; tell whether the study changed.

        A bad value stays in the form with its line in `error`; the study and its result stay as they are.
        """
        if self.value(path) == value and type(self.value(path)) is type(value):
            return False
        if path == EVALUATOR_KIND:
            return self._switch_evaluator(value)
        node: Any = self._draft
        for key in path[:-1]:
            node = node.setdefault(key, {}) if isinstance(node, dict) else node[key]
        paid = self._put_in_place(node, path, value)
        if value is None:
            node.pop(path[-1], None)
        else:
            node[path[-1]] = value
        listed = path[0] == "strategies" and path[-1] in LISTS and value is not None
        for key in ("looks", "keep") if listed else ():
            # What the form had there before was the default, or of the list before.
            node.pop(key, None)
        changed = self._adopt()
        # Labels carry the names, units follow the kind of metric: such a change asks for another form.
        if changed and path[-1] == "name" and path[0] in ("variants", "strategies"):
            self._rebuild(str(path[0]))
        elif changed and paid:
            self._rebuild("evaluator")
        elif changed and path == ("metric", "family"):
            self._rebuild("all")
        elif changed and listed:
            node["looks"] = self.study.strategies[int(path[1])].design.planned_looks()
            self._rebuild("strategies")
        return changed

    def edit_all(self, changes: Mapping[Path, Any]) -> bool:
        """Put several values into the study at once, or none of them; tell whether the study changed."""
        before = copy.deepcopy(self._draft)
        for path, value in changes.items():
            node: Any = self._draft
            for key in path[:-1]:
                node = node.setdefault(key, {}) if isinstance(node, dict) else node[key]
            self._put_in_place(node, path, value)
            node[path[-1]] = value
        if not self._adopt():
            self._draft = before
            return False
        self._rebuild("all")
        return True

    def _put_in_place(self, node: Any, path: Path, value: Any) -> bool:
        """Take away what a value stands in place of, or bring it back where the value is; tell whether it is such."""
        other = INSTEAD.get(str(path[-1])) if path[0] == "evaluator" else None
        if other is None:
            return False
        place = (*path[:-1], other)
        if value is not None:
            if other in node:
                self._aside[place] = node.pop(other)
        elif place in self._aside:
            node[other] = self._aside.pop(place)
        return True

    @property
    def request(self) -> Request:
        """The study on screen, frozen."""
        return self._request

    def add_strategy(self, kind: str) -> bool:
        """Add a strategy of a kind under a name of its own."""
        rows = self._draft["strategies"]
        names = {row.get("name", row["kind"]) for row in rows}
        name = next(n for n in (kind, *(f"{kind} {i}" for i in range(2, 99))) if n not in names)
        rows.append({"kind": kind, "name": name})
        if not self._adopt():
            rows.pop()
            return False
        self._rebuild("strategies")
        return True

    def remove_strategy(self, index: int) -> bool:
        """Remove a strategy; the last one stays."""
        rows = self._draft["strategies"]
        if len(rows) < 2:
            self.error = "Strategies: one strategy is left; add another before you remove it"
            return False
        rows.pop(index)
        changed = self._adopt()
        self._rebuild("strategies")
        return changed

    def draw_another(self) -> None:
        """Put the next simulated experiment on screen."""
        self.edit(("luck",), (self.study.luck + 1) % self.study.replicates)
        self._rebuild("scenario")

    # How a draft becomes a study

    def _begin(self, tree: dict[str, Any], where: str) -> bool:
        """Start over with a scenario tree; on a bad one keep everything."""
        try:
            study = Study.from_tree(tree, where)
        except InputError as error:
            self._complain(error)
            return False
        before = self._draft, self._where
        self._aside = {}
        kept: dict[str, Any] = {key: self._draft[key] for key in RUN_KEYS[:2] if key in self._draft}
        self._draft = {**study.to_tree(), **{key: getattr(study, key) for key in RUN_KEYS}, **kept}
        self._where = where
        with self._hold():
            # A file may be sound and still not be played, as with a model that has no price.
            if not self._adopt():
                self._draft, self._where = before
                return False
            self.watching = ""
            self._rebuild("all")
        return True

    def _adopt(self) -> bool:
        """Make the draft the study if it is valid, otherwise say in one line why it is not."""
        tree = copy.deepcopy(self._draft)
        settings = {key: tree.pop(key) for key in RUN_KEYS}
        try:
            study = Study.from_tree(tree, self._where)
            for key, value in settings.items():
                study.put(key, value, "run")
            _priced(study, self._where)
            self._request = study.freeze()
        except InputError as error:
            self._complain(error)
            return False
        names = [one.name for one in study.strategies]
        with self._hold():
            self.param.update(
                study=study, error="", error_key="", watching=self.watching if self.watching in names else ""
            )
        return True

    def _switch_evaluator(self, kind: str) -> bool:
        """Take the fields of ``[evaluators.KIND]``; keep those of the kind that is left for coming back."""
        before = copy.deepcopy(self._draft)
        left = dict(self._draft["evaluator"])
        self._draft.setdefault("evaluators", {})[left.pop("kind")] = left
        fields = self._draft["evaluators"].get(kind, {})
        self._draft["evaluator"] = {"kind": kind, **fields}
        if not self._adopt():
            self._draft = before
            self._rebuild("evaluator")
            return False
        self._draft["evaluator"] = self.study.scenario.evaluator.to_tree()
        self._rebuild("evaluator")
        return True

    def _complain(self, error: InputError) -> None:
        """Show one line, and which value it is about."""
        self.param.update(error=str(error), error_key=error.key.removeprefix("run."))

    def _rebuild(self, what: str) -> None:
        self.rebuilt = (what, self.rebuilt[1] + 1)


def _priced(study: Study, where: str) -> None:
    """Check that everything has a price; the line names the file that the study came from."""
    try:
        economics.ledger(study.scenario)
    except InputError as error:
        raise InputError(where, error.key, error.problem, error.remedy) from None
