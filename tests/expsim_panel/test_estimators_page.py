"""docs/estimators.md says what the estimators do today."""

import math
import re

import isotonic_page
import pytest
import write_estimators as page

LINES = page.PAGE.read_text(encoding="utf-8").splitlines()
START = LINES.index(isotonic_page.TITLE)
END = next(at for at, line in enumerate(LINES) if at > START and line.startswith("## "))
ISOTONIC, OTHERS = LINES[START:END], LINES[:START] + LINES[END:]


def _near(new, old):
    """Compare cell by cell: another library version may move a coverage by a replicate or two."""
    pairs = zip(re.findall(r"[-+.\d]+|[a-z]+", new), re.findall(r"[-+.\d]+|[a-z]+", old), strict=True)
    return all(a == b or abs(float(a) - float(b)) < 2e-3 for a, b in pairs)


def _found(new, lines=OTHERS):
    cells = " | ".join(new.split(" | ")[:4])
    old = [line for line in lines if line.startswith(cells)]
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
    rates, events, fine = len(page.RATES) * len(page.LABELS), 3 * 4, 1
    assert len(_rows(isotonic_page.SCORE_TABLE)) == scores
    assert len(_rows(isotonic_page.RATE_TABLE)) == rates
    assert rows == 2 * scores + 2 * rates + len(page.RHOS) * len(page.COSTS) + events + fine


def _rows(table):
    """Return the numbers of a table about isotonic calibration, row by row, by column."""
    start = ISOTONIC.index(table[0])
    names = [one.strip() for one in table[0].strip("|").split("|")]
    found = []
    for line in ISOTONIC[start + 2 :]:
        if not line.startswith("|"):
            break
        found.append(dict(zip(names, map(float, line.strip("| ").split("|")), strict=True)))
    return found


def test_isotonic_lines_are_drawn_anew():
    reps = page.REPS
    rng = isotonic_page.seed
    new = [
        isotonic_page.score_line(rng(0.9, 99, 100), 0.9, 99, 100, reps),
        isotonic_page.rate_line(rng(0.08, 0.75, 0.93, 100), 0.08, 0.75, 0.93, 100, reps),
        isotonic_page.rate_line(rng(0.3, 0.8, 0.9, 2000), 0.3, 0.8, 0.9, 2000, reps),
    ]
    for line in new:
        assert _near(line, _found(line, ISOTONIC)), line


@pytest.mark.parametrize("table", [isotonic_page.SCORE_TABLE, isotonic_page.RATE_TABLE], ids=["scores", "rates"])
def test_isotonic_is_unbiased_believes_its_error_and_is_nominal_at_2000_labels(table):
    error, nominal = 3 / math.sqrt(page.REPS), 3 * math.sqrt(0.95 * 0.05 / page.REPS)
    kept = [row for row in _rows(table) if row["n"] == 2000]
    assert len(kept) >= 4
    for row in kept:
        assert abs(row["bias"]) <= error, row
        # A variance from 100,000 replicates has 0.45 % of Monte Carlo error.
        assert abs(row["believed"] - 1) <= error * math.sqrt(2), row
        assert abs(row["logit" if row.get("p", 1) < 0.1 else "z"] - 0.95) <= nominal, row


def test_second_order_theory_is_below_nominal_where_skewed():
    assert page.second_order(0.5, 0.5, 0.5, 10**9) == pytest.approx(0.95, abs=1e-6)
    assert 0.949 < page.second_order(0.08, 0.75, 0.93, 2000) < 0.9496


def test_a_changed_line_is_seen():
    assert not _near("| 0.6 | 0.1 | 0.9400 |", "| 0.6 | 0.1 | 0.9430 |")
