"""Every reference case within its tolerance, and the page that shows them up to date."""

from typing import Any

import pytest
import reference_cases
from reference_cases import Case

CASES = [case for file in reference_cases.files() for case in reference_cases.cases(file)]


def listed(case: Case) -> Any:
    """Return the case as a parameter: published figures of bandits are played, the others are closed forms."""
    marks = pytest.mark.arithmetic if case.file == "bandits" else ()
    return pytest.param(case, id=f"{case.file}-{case.id}-{case.output}", marks=marks)


@pytest.mark.parametrize("case", [listed(case) for case in CASES])
def test_reference_case(case: Case) -> None:
    assert reference_cases.difference(case) <= case.tolerance, (reference_cases.ours(case), case)


@pytest.mark.parametrize("file", reference_cases.files())
def test_cases_are_told_apart_and_have_a_source(file: str) -> None:
    some = reference_cases.cases(file)
    assert len({(case.id, case.output) for case in some}) == len(some)
    assert all(case.source and case.tolerance > 0 for case in some)


@pytest.mark.arithmetic
def test_the_page_is_up_to_date() -> None:
    new = reference_cases.page().splitlines()
    old = reference_cases.PAGE.read_text(encoding="utf-8").splitlines()
    changed = [pair for pair in zip(new, old, strict=False) if not reference_cases.same(*pair)]
    assert (changed[:3], len(new)) == ([], len(old)), "write it anew: python tests/write_validation.py"


def test_the_page_check_sees() -> None:
    row = "| 7 | K 5 | power | 0.80012 | 0.8001 | 0.00002 | 1e-3 |"
    assert reference_cases.same(row, row.replace("0.80012", "0.80013"))
    assert not reference_cases.same(row, row.replace("0.80012", "0.80014"))
    assert not reference_cases.same(row, row.replace("power", "size"))
    assert not reference_cases.same(row, row.replace("K 5", "K 7"))


def test_a_wrong_value_is_seen() -> None:
    right = CASES[0]
    first, *rest = right.value.split()
    wrong = Case(**{**right.__dict__, "value": " ".join([str(float(first) + 2 * right.tolerance), *rest])})
    assert reference_cases.difference(right) <= right.tolerance < reference_cases.difference(wrong)
    more = Case(**{**right.__dict__, "value": f"{right.value} 1"})
    assert reference_cases.difference(more) > 1e9
