"""Ratings in other formats than CSV: JSONL, Parquet, and logs of Inspect and promptfoo.

Everything becomes the bytes of a CSV table with one row for each record, in order, so that one strict
reader judges them all and line `k + 2` of its complaints is record `k + 1`. Formats are told by their
content. No package of Inspect or promptfoo is needed: only their documented files are read.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from typing import Any

from expsim_panel.errors import InputError, shown
from expsim_panel.inspect_logs import archived, inspect_rows
from expsim_panel.promptfoo_results import RESULT, promptfoo_rows, results_of
from expsim_panel.rating_json import TWICE, Failed, Twice, keyed, strictly

COLUMNS = ("item", "prompt", "variant", "rater", "kind", "score", "cost", "seconds")
MOST_TABLE = 256 * 2**20  # characters of a table; a million ratings take 40 million
PARQUET_ROWS = 2_000


def as_csv(data: bytes, where: str, failed: list[Failed] | None = None) -> tuple[bytes, str]:
    """Return a CSV table and the format that it came in: csv, parquet, jsonl, inspect or promptfoo.

    Parameters
    ----------
    failed : list, optional
        Receives what a log holds of failed samples or calls: they are no ratings.
    """
    failed = [] if failed is None else failed
    start = data.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    if data[:4] == b"PAR1":
        return _parquet(data, where), "parquet"
    if data[:4] == b"PK\x03\x04":
        log = archived(data, where)
        return (data, "csv") if log is None else (_table(inspect_rows(*log, where, failed), COLUMNS), "inspect")
    if start not in (b"{", b"["):
        return data, "csv"
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(where, "", f"line {line} is not UTF-8 text", "save the file as UTF-8") from None
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        return _rows_of(_lines(text, where), where, "line", failed)
    if isinstance(whole, list):
        if text.count(":") > sum(len(row) for row in whole if isinstance(row, dict)):
            whole = json.loads(text, object_pairs_hook=keyed)
        return _rows_of(list(enumerate(whole, 1)), where, "record", failed)
    if "eval" in whole and ("samples" in whole or "plan" in whole):
        whole = json.loads(text, object_pairs_hook=keyed)
        return _table(inspect_rows(whole, whole.get("samples"), where, failed), COLUMNS), "inspect"
    results = results_of(whole)
    if isinstance(results, list):
        results = results_of(json.loads(text, object_pairs_hook=keyed))
        return _table(promptfoo_rows(results, where, failed), COLUMNS), "promptfoo"
    for key, value in whole.items():
        if isinstance(value, list) and len(value) > 1 and all(isinstance(one, dict) for one in value):
            problem = f"the rows stand inside an object, in its {shown(key)}"
            raise InputError(where, "", problem, "give the list alone, or one object on a line")
    return _rows_of([(1, strictly(text, whole))], where, "line", failed)


def _rows_of(rows: list[tuple[int, Any]], where: str, word: str, failed: list[Failed]) -> tuple[bytes, str]:
    """Return a table of objects: ratings, or results as promptfoo writes them one to a line."""
    if rows and all(isinstance(row, dict) and row.keys() >= RESULT for _, row in rows):
        return _table(promptfoo_rows([row for _, row in rows], where, failed), COLUMNS), "promptfoo"
    return _records(rows, where, word), "jsonl"


def _table(rows: Iterable[dict[str, Any]], columns: Iterable[str]) -> bytes:
    out = io.StringIO(newline="")
    names = list(columns)
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(names)
    for row in rows:
        writer.writerow(["" if row.get(name) is None else row[name] for name in names])
    return out.getvalue().encode()


def _lines(text: str, where: str) -> list[tuple[int, Any]]:
    """Return the object of each line that holds something, with the line's number."""
    rows: list[tuple[int, Any]] = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            rows.append((number, strictly(line, json.loads(line))))
        except (ValueError, RecursionError):
            raise InputError(where, "", f"line {number} is not JSON", "give one JSON object on each line") from None
    return rows


def _records(rows: list[tuple[int, Any]], where: str, word: str) -> bytes:
    names: dict[str, None] = {}
    words: dict[str, list[dict[str, Any]]] = {}  # rows where a name holds true or false
    others: set[str] = set()  # names that hold anything else
    for number, row in rows:
        if not isinstance(row, dict):
            problem = f"{word} {number} is {shown(row)}, not an object"
            raise InputError(where, "", problem, 'give objects such as {"item": "a", "rater": "b", "score": 4}')
        if isinstance(row, Twice):
            problem = f"{word} {number} has the key {shown(row.key)} twice"
            raise InputError(where, row.key, problem, TWICE)
        for key, value in row.items():
            names.setdefault(key)
            if isinstance(value, bool):
                words.setdefault(key, []).append(row)
                continue
            if value is not None:
                others.add(key)
            if isinstance(value, (dict, list)):
                row[key] = json.dumps(value)
    for key, told in words.items():
        for row in told:  # among scores of 1 to 5 a single true is no 1: it is refused as the word that it is
            row[key] = int(row[key]) if key not in others else str(row[key]).lower()
    try:
        return _table((row for _, row in rows), names)
    except UnicodeEncodeError as error:  # an escape such as \ud800, half of a character
        number = error.object.count("\n", 0, error.start)
        problem = f"{word} {rows[min(number, len(rows)) - 1][0]} holds half of a character"
        raise InputError(where, "", problem, "save the file as UTF-8") from None


def _parquet(data: bytes, where: str) -> bytes:
    """Return the table as CSV, a few rows at a time: a small file may unpack to any size."""
    try:
        import pyarrow.parquet as pq
    except ImportError:
        raise InputError(where, "", "reading Parquet needs pyarrow", "install pyarrow, or save it as CSV") from None
    out = io.StringIO()
    try:
        file = pq.ParquetFile(io.BytesIO(data))
        for number, batch in enumerate(file.iter_batches(batch_size=PARQUET_ROWS)):
            # columns that pandas kept as its index are columns of the file like the others
            batch.to_pandas(ignore_metadata=True).to_csv(out, index=False, header=number == 0, lineterminator="\n")
            if out.tell() > MOST_TABLE:
                break
        if out.tell() == 0:
            out.write(",".join(file.schema_arrow.names) + "\n")
    except Exception as error:
        reason = shown(str(error))
        raise InputError(
            where, "", f"this Parquet file cannot be read: {reason}", "write it again, or as CSV"
        ) from None
    if out.tell() > MOST_TABLE:
        problem = f"this Parquet file unpacks to more than {MOST_TABLE // 2**20:,} MiB"
        raise InputError(where, "", problem, "keep the columns that are needed, or a random sample of items")
    return out.getvalue().encode()
