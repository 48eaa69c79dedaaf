"""Every published value of tests/reference/ab_statistics.csv within its tolerance."""

import csv
import json
from pathlib import Path

import pytest
from validation import ab_statistics

FILE = Path(__file__).resolve().parent.parent / "reference" / "ab_statistics.csv"
with FILE.open(encoding="utf-8", newline="") as opened:
    ROWS = list(csv.DictReader(opened))


@pytest.mark.parametrize("row", [pytest.param(row, id=f"{row['id']}-{row['area']}-{row['output']}") for row in ROWS])
def test_published_value(row: dict[str, str]) -> None:
    ours = ab_statistics.ours(row["area"], json.loads(row["inputs"]), row["output"])
    assert abs(ours - float(row["value"])) <= float(row["tolerance"]), (ours, row)
