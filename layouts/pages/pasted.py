"""What people paste into a page: text as it comes out of a file or a spreadsheet."""

from __future__ import annotations

import csv
import io


def as_table(text: str) -> bytes:
    """Return pasted text as a file's bytes; cells copied out of a spreadsheet, which come with tabs, become CSV."""
    first = text.strip().partition("\n")[0]
    if "\t" in first and "," not in first and not first.startswith(("{", "[")):
        made = io.StringIO()
        rows = (line.rstrip("\r").split("\t") for line in text.strip("\r\n").split("\n"))
        csv.writer(made, lineterminator="\n").writerows(rows)
        text = made.getvalue()
    return text.encode("utf-8", "replace")
