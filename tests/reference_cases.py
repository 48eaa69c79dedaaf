"""The reference cases in tests/reference/*.csv, and the page that shows them all beside our values.

A file with the columns of `COLUMNS` holds cases: what was asked (area, inputs as JSON, output), the published
value, the absolute tolerance and the source. `validation/NAME.py` answers those of `reference/NAME.csv`::

    def ours(area: str, inputs: dict, output: str) -> float

or a sequence of floats where `value` holds several numbers with spaces between. Write the page anew with
``python tests/write_validation.py``.
"""

from __future__ import annotations

import csv
import importlib
import json
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import inference_section

ROOT = Path(__file__).resolve().parent.parent
REFERENCE = ROOT / "tests" / "reference"
PAGE = ROOT / "docs" / "validation.md"
COLUMNS = ["id", "area", "inputs", "output", "value", "tolerance", "source"]


@dataclass(frozen=True)
class Case:
    """One row of a reference file; `value` is kept as it was printed."""

    file: str
    id: str
    area: str
    inputs: str
    output: str
    value: str
    tolerance: float
    source: str

    @property
    def values(self) -> list[float]:
        return [float(word) for word in self.value.split()]

    @property
    def decimals(self) -> int:
        """Decimals that show a hundredth of the tolerance."""
        return max(0, 2 - math.floor(math.log10(self.tolerance)))


def files() -> list[str]:
    """Return the names of the files that hold cases."""
    found = []
    for path in sorted(REFERENCE.glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            if next(csv.reader(file)) == COLUMNS:
                found.append(path.stem)
    return found


@cache
def cases(file: str) -> tuple[Case, ...]:
    with (REFERENCE / f"{file}.csv").open(encoding="utf-8", newline="") as opened:
        # A tolerance in words belongs to a Monte Carlo row, whose own test takes it from both sampling errors.
        return tuple(
            Case(file, **{**row, "tolerance": float(row["tolerance"]), "source": " ".join(row["source"].split())})
            for row in csv.DictReader(opened)
            if re.fullmatch(r"[0-9.]+(e-?[0-9]+)?", row["tolerance"])
        )


def answers(file: str) -> Callable[[str, dict[str, Any], str], float | Sequence[float]]:
    return importlib.import_module(f"validation.{file}").ours


@cache
def ours(case: Case) -> tuple[float, ...]:
    """Return our values of a case."""
    found = answers(case.file)(case.area, json.loads(case.inputs), case.output)
    return tuple(float(part) for part in (found if isinstance(found, Sequence) else [found]))


def difference(case: Case) -> float:
    """Return the largest absolute difference; infinite where the numbers of values differ or one is nan."""
    mine = ours(case)
    if len(mine) != len(case.values):
        return math.inf
    gaps = [abs(a - b) for a, b in zip(mine, case.values, strict=True)]
    return math.inf if any(math.isnan(gap) for gap in gaps) else max(gaps)


def cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def told(inputs: str) -> str:
    """Write inputs for people: ``K 5, alpha 0.05``."""
    tree = json.loads(inputs)
    if not isinstance(tree, dict):
        return json.dumps(tree)
    parts = []
    for key, value in tree.items():
        shown = " ".join(map(str, value)) if isinstance(value, list) and value else value
        parts.append(f"{key} {shown if isinstance(shown, str) else json.dumps(shown)}")
    return ", ".join(parts)


def line(case: Case) -> str:
    digits = case.decimals
    mine = " ".join(f"{part:.{digits}f}" for part in ours(case))
    return (
        f"| {case.id} | {cell(told(case.inputs))} | {cell(case.output)} | {mine} | {case.value} "
        f"| {difference(case):.{digits}f} | {case.tolerance:g} |"
    )


HEAD = """# Validation

Every reference case, our value beside the published one. Written by `python tests/write_validation.py` from
`tests/reference/*.csv`; `tests/test_validation.py` computes each case again and fails if one is out of tolerance or if
this page is out of date. Monte Carlo rows, whose tolerance depends on both sampling errors, have tests of their own and
are not listed, but for those on intervals after a bandit at the end. Values are shown to a hundredth of the tolerance,
which is absolute; a case with several values shows the largest difference.
"""


def page() -> str:
    """Return the text of docs/validation.md."""
    parts = [HEAD]
    total = sum(len(cases(file)) for file in files())
    parts.append(f"{total} cases in {len(files())} files.\n")
    parts.append("| File | Area | Cases | Largest difference / tolerance |\n|---|---|---:|---:|")
    for file in files():
        for area in dict.fromkeys(case.area for case in cases(file)):
            some = [case for case in cases(file) if case.area == area]
            worst = max(difference(case) / case.tolerance for case in some)
            parts.append(f"| {file} | {area} | {len(some)} | {worst:.2f} |")
    for file in files():
        for area in dict.fromkeys(case.area for case in cases(file)):
            some = [case for case in cases(file) if case.area == area]
            parts.append(f"\n## {file}: {area}")
            for source in dict.fromkeys(case.source for case in some):
                parts.append(f"\nSource: {cell(source)}\n")
                parts.append("| Case | Inputs | Output | Ours | Theirs | Difference | Tolerance |")
                parts.append("|---|---|---|---:|---:|---:|---:|")
                parts += [line(case) for case in some if case.source == source]
    parts.append(inference_section.section())
    return "\n".join(parts) + "\n"


def same(new: str, old: str) -> bool:
    """Tell whether two lines of the page agree: numbers may differ by one unit of their last decimal.

    Another platform may round a value that lies on the edge the other way.
    """
    if new == old:
        return True
    a, b = new.replace("|", " ").split(), old.replace("|", " ").split()
    return len(a) == len(b) and all(map(_same_word, a, b))


def _same_word(a: str, b: str) -> bool:
    if a == b:
        return True
    try:
        gap = abs(float(a) - float(b))
    except ValueError:
        return False
    decimals = [len(word.partition(".")[2]) for word in (a, b)]
    return decimals[0] == decimals[1] and gap <= 1.01 * 10.0 ** -decimals[0]
