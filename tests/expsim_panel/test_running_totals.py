"""Totals by day and variant against sums over rows, one by one."""

from __future__ import annotations

import numpy as np
import pandas as pd

from expsim_panel.running_totals import running_totals


def test_totals_are_sums_over_the_rows_up_to_each_day():
    rng = np.random.default_rng(1)
    table = pd.DataFrame(
        {
            "day": rng.choice([1.0, 2.0, 5.0, 9.0], 60),
            "variant": rng.choice(["B", "A", "other"], 60),
            "n": rng.integers(0, 9, 60),
            "sum": rng.normal(size=60),
        }
    )
    days = np.arange(1.0, 8.0)
    found = running_totals(table, days, ["A", "B", "never"], ("n", "sum"))
    assert len(found) == 2
    for column, totals in zip(("n", "sum"), found, strict=True):
        assert totals.shape == (7, 3)
        assert totals.flags.c_contiguous
        for at, day in enumerate(days):
            for code, name in enumerate(("A", "B", "never")):
                rows = table[(table["day"] <= day) & (table["variant"] == name)]
                np.testing.assert_allclose(totals[at, code], rows[column].sum(), atol=1e-12)
