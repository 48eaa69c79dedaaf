"""Ratings in other formats than CSV: JSONL, Parquet, and logs of Inspect and promptfoo.

Everything becomes the bytes of a CSV table with one row for each record, in order, so that one strict
reader judges them all and line `k + 2` of its complaints is record `k + 1`. Formats are told by their
content. No package of Inspect or promptfoo is needed: only their documented files are read.
"""

from __future__ import annotations

import csv
import io
import json
import struct
import zipfile
import zlib
from collections.abc import Iterable
from typing import Any, NamedTuple

from expsim_panel.errors import InputError, shown

COLUMNS = ("item", "prompt", "variant", "rater", "kind", "score", "cost", "seconds")
INSPECT_VALUES = {"C": 1.0, "I": 0.0, "P": 0.5, "N": 0.0}  # correct, incorrect, partial, no answer
MOST_UNPACKED = 512 * 2**20
MOST_TABLE = 256 * 2**20  # characters of a table; a million ratings take 40 million
PARQUET_ROWS = 2_000
ARCHIVE_ERRORS = (
    zipfile.BadZipFile, zlib.error, ValueError, KeyError, OSError, EOFError, RuntimeError, struct.error,
)  # fmt: skip
ZSTANDARD = 93
RESULT = {"provider", "prompt", "score", "namedScores"}  # what a result of promptfoo of any version has
TWICE = "keep the value that is meant"
CALL_FAILED = 2  # promptfoo's failureReason: 0 none, 1 an assertion, 2 an error


class Failed(NamedTuple):
    """Entries of a log that failed and were left out: what they are, why, and which (counted from 1)."""

    what: str
    problem: str
    numbers: list[int]


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
        log = _inspect_archive(data, where)
        return (data, "csv") if log is None else (_table(_inspect_rows(*log, where, failed), COLUMNS), "inspect")
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
            whole = json.loads(text, object_pairs_hook=_keyed)
        return _rows_of(list(enumerate(whole, 1)), where, "record", failed)
    if "eval" in whole and ("samples" in whole or "plan" in whole):
        whole = json.loads(text, object_pairs_hook=_keyed)
        return _table(_inspect_rows(whole, whole.get("samples"), where, failed), COLUMNS), "inspect"
    results = _results(whole)
    if isinstance(results, list):
        results = _results(json.loads(text, object_pairs_hook=_keyed))
        return _table(_promptfoo_rows(results, where, failed), COLUMNS), "promptfoo"
    for key, value in whole.items():
        if isinstance(value, list) and len(value) > 1 and all(isinstance(one, dict) for one in value):
            problem = f"the rows stand inside an object, in its {shown(key)}"
            raise InputError(where, "", problem, "give the list alone, or one object on a line")
    return _rows_of([(1, _strictly(text, whole))], where, "line", failed)


def _results(whole: dict[str, Any]) -> Any:
    """Return the results of promptfoo's file; since version 2 in an object of their own, before at the top."""
    results = whole.get("results")
    return results.get("results") if isinstance(results, dict) else results


class _Twice(dict[str, Any]):
    """An object that has a key twice; JSON keeps the last value silently."""

    key: str


def _keyed(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object of its pairs."""
    made = dict(pairs)
    if len(made) == len(pairs):
        return made
    seen: set[str] = set()
    twice = _Twice(made)
    twice.key = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
    return twice


def _strictly(text: str, row: Any) -> Any:
    """Return the object of a text, as `_Twice` if it has a key twice: only then, or in a text, are there more colons.

    Counting them is far faster than a hook for every object.
    """
    if isinstance(row, dict) and text.count(":") > len(row):
        return json.loads(text, object_pairs_hook=_keyed)
    return row


def _rows_of(rows: list[tuple[int, Any]], where: str, word: str, failed: list[Failed]) -> tuple[bytes, str]:
    """Return a table of objects: ratings, or results as promptfoo writes them one to a line."""
    if rows and all(isinstance(row, dict) and row.keys() >= RESULT for _, row in rows):
        return _table(_promptfoo_rows([row for _, row in rows], where, failed), COLUMNS), "promptfoo"
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
            rows.append((number, _strictly(line, json.loads(line))))
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
        if isinstance(row, _Twice):
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


def _inspect_archive(data: bytes, where: str) -> tuple[Any, Any] | None:
    """Return header and samples of an .eval archive; None if it is some other archive."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
            if not any(name in names for name in ("header.json", "_journal/start.json")):
                return None
            head = json.loads(_unpacked(archive, "header.json" if "header.json" in names else "_journal/start.json"))
            if "summaries.json" in names:  # ids, scores and times without the transcripts
                samples = json.loads(_unpacked(archive, "summaries.json"), object_pairs_hook=_keyed)
            else:
                inner = sorted(name for name in names if name.startswith("samples/"))
                if sum(archive.getinfo(name).file_size for name in inner) > MOST_UNPACKED:
                    raise ValueError(f"its samples unpack to more than {MOST_UNPACKED // 2**20:,} MiB")
                samples = [json.loads(_unpacked(archive, name), object_pairs_hook=_keyed) for name in inner]
        return head, samples
    except ARCHIVE_ERRORS as error:
        raise InputError(
            where, "", f"this Inspect log cannot be read: {shown(str(error))}", "write it again with inspect log dump"
        ) from None


def _unpacked(archive: zipfile.ZipFile, name: str) -> bytes:
    """Return a member; Inspect packs with Zstandard, which Python's zipfile does not know before 3.14."""
    member = archive.getinfo(name)
    if member.file_size > MOST_UNPACKED:
        raise ValueError(f"{name} is too large")
    if member.compress_type != ZSTANDARD:
        return archive.read(name)
    import pyarrow as pa

    file = archive.fp
    assert file is not None
    file.seek(member.header_offset)
    length, more = struct.unpack("<HH", file.read(30)[26:30])
    file.seek(member.header_offset + 30 + length + more)
    packed = pa.py_buffer(file.read(member.compress_size))
    return bytes(pa.input_stream(packed, compression="zstd").read(member.file_size))


def _kind(name: str) -> str:
    return "human" if "human" in name.lower() else "judge"


def _object(value: Any, what: str, where: str) -> dict[str, Any]:
    """Return an object of a log, an empty one for nothing, or one line that says what stands there instead."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InputError(where, "", f"{what} is {shown(value)}, not an object", "export the log again")
    if isinstance(value, _Twice):
        raise InputError(where, value.key, f"{what} has the key {shown(value.key)} twice", TWICE)
    return value


def _list(value: Any, what: str, where: str) -> list[Any]:
    """Return a list of a log, an empty one for nothing, or one line that says what stands there instead."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise InputError(where, "", f"{what} is {shown(value)}, not a list", "export the log again")
    return value


def _inspect_rows(log: Any, samples: Any, where: str, failed: list[Failed]) -> list[dict[str, Any]]:
    """One row for each score of each sample and epoch; the sample is the prompt, the model the variant."""
    run = _object(_object(log, "the log's header", where).get("eval"), "eval", where)
    model = str(run.get("model", "model"))
    rows = []
    without: list[int] = []
    for number, entry in enumerate(_list(samples, "samples", where), 1):
        sample = _object(entry, f"sample {number}", where)
        prompt = str(sample.get("id"))
        place = {
            "item": f"{prompt}#{sample.get('epoch', 1)}",
            "prompt": prompt,
            "variant": model,
        }
        scores = _object(sample.get("scores"), f"scores of sample {number}", where)
        if not scores and sample.get("score") is not None:  # logs of the first version hold one
            scores = {"score": sample["score"]}
        if not scores:
            without.append(number)
        for scorer, score in scores.items():
            what = f"score {shown(scorer)} of sample {number}"
            value = _object(score, what, where).get("value") if isinstance(score, dict) else score
            parts = _object(value, what, where).items() if isinstance(value, dict) else [("", value)]
            for part, number_of in parts:
                name = f"{scorer}/{part}" if part else scorer
                row: dict[str, Any] = place | {"rater": name, "kind": _kind(scorer)}
                row["score"] = INSPECT_VALUES.get(number_of, number_of) if isinstance(number_of, str) else number_of
                row["score"] = int(number_of) if isinstance(number_of, bool) else row["score"]
                rows.append(row | {"seconds": sample.get("total_time")})
    if not rows:
        raise InputError(where, "", "this Inspect log holds no scores", "give the log of a finished evaluation")
    if without:
        failed.append(Failed("samples", f"failed in {where}, without scores: left out", without))
    return rows


def _promptfoo_rows(results: list[Any], where: str, failed: list[Failed]) -> list[dict[str, Any]]:
    """One row for each graded assertion; the provider (and prompt, if several) is the variant."""
    rows = []
    checked = []
    for number, entry in enumerate(results, 1):
        result = _object(entry if entry is not None else "null", f"result {number}", where)
        for key in ("promptIdx", "testIdx"):
            if isinstance(result.get(key), (dict, list)):
                raise InputError(where, key, f"result {number} holds {shown(result[key])}", "export the log again")
        checked.append(result)
    seen: dict[tuple[str, str], int] = {}
    broken: list[int] = []
    for number, (result, variant) in enumerate(zip(checked, _variants(checked), strict=True), 1):
        test = _test(result)
        place = (test, variant)
        seen[place] = seen.get(place, 0) + 1
        item = f"{test}#{seen[place]}"
        grading = _object(result.get("gradingResult"), f"gradingResult of result {number}", where)
        # an assertion that says no is an `error` too, with its grading: no call failed
        if result.get("failureReason") == CALL_FAILED or (result.get("error") and not grading):
            broken.append(number)
            continue
        row = {"item": item, "prompt": test, "variant": variant, "cost": result.get("cost")}
        if isinstance(result.get("latencyMs"), (int, float)):
            row["seconds"] = result["latencyMs"] / 1000
        names: dict[str, int] = {}
        parts = _list(grading.get("componentResults"), f"componentResults of result {number}", where)
        for at, entry in enumerate(parts or [result | {"assertion": {"type": "score"}}], 1):
            part = _object(entry, f"component {at} of result {number}", where)
            assertion = _object(part.get("assertion"), f"assertion {at} of result {number}", where)
            name = str(assertion.get("metric") or assertion.get("type") or "score")
            names[name] = names.get(name, 0) + 1
            name = name if names[name] == 1 else f"{name} {names[name]}"
            kind = _kind(str(assertion.get("type") or name))
            score = part.get("score")
            rows.append(row | {"rater": name, "kind": kind, "score": int(score) if isinstance(score, bool) else score})
    if not rows:
        problem = f"all {len(broken)} results are failed calls" if broken else "this promptfoo file holds no results"
        raise InputError(where, "", problem, "export a finished evaluation as JSON")
    if broken:
        failed.append(Failed("results", f"calls failed in {where}: left out", broken))
    return rows


def _variants(results: list[dict[str, Any]]) -> list[str]:
    """Return the variant of each result: its provider, with the prompt's label where a provider answers several.

    A variant is one pair of provider and prompt, whatever they are called: long prompts that begin alike, or one
    provider twice with other settings, are told apart by the number of their column in promptfoo's table.
    """
    pairs = [(_provider(result), _prompt(result)) for result in results]
    first: dict[tuple[str, str], int] = {}
    for number, pair in enumerate(pairs):
        first.setdefault(pair, number)
    providers = [provider for provider, _ in first]
    named: dict[tuple[str, str], str] = {}
    for column, (pair, number) in enumerate(first.items(), 1):
        name = pair[0]
        prompt, index = results[number].get("prompt"), results[number].get("promptIdx")
        if providers.count(name) > 1:
            label = (prompt.get("label") or prompt.get("display")) if isinstance(prompt, dict) else prompt
            name = f"{name} | {' '.join(str(label or f'prompt {index}').split())}"[:120]
        if name in named.values():
            name = f"{name} (column {index + 1 if isinstance(index, int) else column})"
        named[pair] = name
    return [named[pair] for pair in pairs]


def _test(result: dict[str, Any]) -> str:
    """Return the test case of a result; before version 3 it has no number and is known by its variables."""
    index = result.get("testIdx")
    return str(index) if index is not None else json.dumps(result.get("vars"), sort_keys=True)


def _prompt(result: dict[str, Any]) -> str:
    """Return the prompt of a result, by its number or, before version 3, its template."""
    index, prompt = result.get("promptIdx"), result.get("prompt")
    if index is not None:
        return str(index)
    return str((prompt.get("label") or prompt.get("display")) if isinstance(prompt, dict) else None)


def _provider(result: dict[str, Any]) -> str:
    provider = result.get("provider")
    if isinstance(provider, dict):
        return str(provider.get("label") or provider.get("id") or "provider")
    return str(provider or "provider")
