"""docs/estimators.md says what the estimators do today."""

import re

import pytest
import write_estimators as page

LINES = page.PAGE.read_text(encoding="utf-8").splitlines()


def _near(new, old):
    """Compare cell by cell: another library version may move a coverage by a replicate or two."""
    pairs = zip(re.findall(r"[-+.\d]+|[a-z]+", new), re.findall(r"[-+.\d]+|[a-z]+", old), strict=True)
    return all(a == b or abs(float(a) - float(b)) < 2e-3 for a, b in pairs)


def _found(new):
    cells = " | ".join(new.split(" | ")[:4])
    old = [line for line in LINES if line.startswith(cells)]
    assert len(old) == 1
    return old[0]


def test_lines_are_drawn_anew():
    new = [
        page.score_line(0.6, 9, 500),
        page.score_line(0.9, 99, 100),
        page.rate_line(0.08, 0.75, 0.93, 100),
        page.rate_line(0.3, 0.8, 0.9, 2000),
        page.split_line(0.6, 0.1),
        page.events_line(0.02, 0.75, 0.93, 100),
    ]
    for line in new:
        assert _near(line, _found(line)), line


def test_the_page_has_every_cell():
    rows = len([line for line in LINES if re.match(r"\| [\d.]+ \|", line)])
    scores = len(page.RHOS) * len(page.RATIOS) * len(page.LABELS)
    events, fine = 3 * 4, 1
    assert rows == scores + len(page.RATES) * len(page.LABELS) + len(page.RHOS) * len(page.COSTS) + events + fine


def test_second_order_theory_is_below_nominal_where_skewed():
    assert page.second_order(0.5, 0.5, 0.5, 10**9) == pytest.approx(0.95, abs=1e-6)
    assert 0.949 < page.second_order(0.08, 0.75, 0.93, 2000) < 0.9496


def test_a_changed_line_is_seen():
    assert not _near("| 0.6 | 0.1 | 0.9400 |", "| 0.6 | 0.1 | 0.9430 |")
