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
from collections.abc import Iterable
from typing import Any

from expsim_panel.errors import InputError, shown

COLUMNS = ("item", "variant", "rater", "kind", "score", "cost", "seconds")
INSPECT_VALUES = {"C": 1.0, "I": 0.0, "P": 0.5, "N": 0.0}  # correct, incorrect, partial, no answer
MOST_UNPACKED = 512 * 2**20
ZSTANDARD = 93


def as_csv(data: bytes, where: str) -> tuple[bytes, str]:
    """Return a CSV table and the format that it came in: csv, parquet, jsonl, inspect or promptfoo."""
    start = data.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    if data[:4] == b"PAR1":
        return _parquet(data, where), "parquet"
    if data[:4] == b"PK\x03\x04":
        log = _inspect_archive(data, where)
        return (data, "csv") if log is None else (_table(_inspect_rows(*log, where), COLUMNS), "inspect")
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
        return _jsonl(text, where), "jsonl"
    if isinstance(whole, list):
        return _records(list(enumerate(whole, 1)), where, "record"), "jsonl"
    if "eval" in whole and ("samples" in whole or "plan" in whole):
        return _table(_inspect_rows(whole, whole.get("samples") or [], where), COLUMNS), "inspect"
    results = whole.get("results")
    if isinstance(results, dict) and isinstance(results.get("results"), list):
        return _table(_promptfoo_rows(results["results"], where), COLUMNS), "promptfoo"
    return _records([(1, whole)], where, "line"), "jsonl"


def _table(rows: Iterable[dict[str, Any]], columns: Iterable[str]) -> bytes:
    out = io.StringIO(newline="")
    names = list(columns)
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(names)
    for row in rows:
        writer.writerow(["" if row.get(name) is None else row[name] for name in names])
    return out.getvalue().encode()


def _jsonl(text: str, where: str) -> bytes:
    rows: list[tuple[int, Any]] = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            rows.append((number, json.loads(line)))
        except (ValueError, RecursionError):
            raise InputError(where, "", f"line {number} is not JSON", "give one JSON object on each line") from None
    return _records(rows, where, "line")


def _records(rows: list[tuple[int, Any]], where: str, word: str) -> bytes:
    names: dict[str, None] = {}
    for number, row in rows:
        if not isinstance(row, dict):
            problem = f"{word} {number} is {shown(row)}, not an object"
            raise InputError(where, "", problem, 'give objects such as {"item": "a", "rater": "b", "score": 4}')
        for key, value in row.items():
            names.setdefault(key)
            if isinstance(value, bool):
                row[key] = int(value)
            elif isinstance(value, (dict, list)):
                row[key] = json.dumps(value)
    return _table((row for _, row in rows), names)


def _parquet(data: bytes, where: str) -> bytes:
    try:
        import pandas as pd

        table = pd.read_parquet(io.BytesIO(data))
        text = table.to_csv(index=False, lineterminator="\n")
    except ImportError:
        raise InputError(where, "", "reading Parquet needs pyarrow", "install pyarrow, or save it as CSV") from None
    except Exception as error:
        reason = shown(str(error))
        raise InputError(
            where, "", f"this Parquet file cannot be read: {reason}", "write it again, or as CSV"
        ) from None
    return str(text).encode()


def _inspect_archive(data: bytes, where: str) -> tuple[dict[str, Any], list[Any]] | None:
    """Return header and samples of an .eval archive; None if it is some other archive."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
            if not any(name in names for name in ("header.json", "_journal/start.json")):
                return None
            head = json.loads(_unpacked(archive, "header.json" if "header.json" in names else "_journal/start.json"))
            if "summaries.json" in names:  # ids, scores and times without the transcripts
                samples = json.loads(_unpacked(archive, "summaries.json"))
            else:
                inner = sorted(name for name in names if name.startswith("samples/"))
                samples = [json.loads(_unpacked(archive, name)) for name in inner]
        return head, samples
    except (zipfile.BadZipFile, ValueError, KeyError, OSError, struct.error, NotImplementedError) as error:
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


def _inspect_rows(log: dict[str, Any], samples: list[Any], where: str) -> list[dict[str, Any]]:
    """One row for each score of each sample and epoch; the model is the variant, the scorer the rater."""
    model = str(log.get("eval", {}).get("model", "model"))
    rows = []
    for sample in samples:
        item = f"{sample.get('id')}#{sample.get('epoch', 1)}"
        for scorer, score in (sample.get("scores") or {}).items():
            value = score.get("value") if isinstance(score, dict) else score
            parts = value.items() if isinstance(value, dict) else [("", value)]
            for part, number in parts:
                name = f"{scorer}/{part}" if part else scorer
                row: dict[str, Any] = {"item": item, "variant": model, "rater": name, "kind": _kind(scorer)}
                row["score"] = INSPECT_VALUES.get(number, number) if isinstance(number, str) else number
                row["score"] = int(number) if isinstance(number, bool) else row["score"]
                rows.append(row | {"seconds": sample.get("total_time")})
    if not rows:
        raise InputError(where, "", "this Inspect log holds no scores", "give the log of a finished evaluation")
    return rows


def _promptfoo_rows(results: list[Any], where: str) -> list[dict[str, Any]]:
    """One row for each graded assertion; the provider (and prompt, if several) is the variant."""
    rows = []
    prompts = {result.get("promptIdx") for result in results if isinstance(result, dict)}
    providers = {str(_provider(result)) for result in results if isinstance(result, dict)}
    seen: dict[tuple[Any, str], int] = {}
    for result in results:
        if not isinstance(result, dict):
            raise InputError(where, "", f"a result is {shown(result)}, not an object", "export it again as JSON")
        variant = _provider(result)
        if len(prompts) > len(providers):
            label = (result.get("prompt") or {}).get("label") or f"prompt {result.get('promptIdx')}"
            variant = f"{variant} | {label}"[:120]
        place = (result.get("testIdx"), variant)
        seen[place] = seen.get(place, 0) + 1
        item = f"{result.get('testIdx')}#{seen[place]}"
        grading = result.get("gradingResult") or {}
        row = {"item": item, "variant": variant, "cost": result.get("cost")}
        if isinstance(result.get("latencyMs"), (int, float)):
            row["seconds"] = result["latencyMs"] / 1000
        names: dict[str, int] = {}
        for part in grading.get("componentResults") or [result | {"assertion": {"type": "score"}}]:
            assertion = part.get("assertion") or {}
            name = str(assertion.get("metric") or assertion.get("type") or "score")
            names[name] = names.get(name, 0) + 1
            name = name if names[name] == 1 else f"{name} {names[name]}"
            kind = _kind(str(assertion.get("type") or name))
            rows.append(row | {"rater": name, "kind": kind, "score": part.get("score")})
    if not rows:
        raise InputError(where, "", "this promptfoo file holds no results", "export a finished evaluation as JSON")
    return rows


def _provider(result: dict[str, Any]) -> str:
    provider = result.get("provider")
    if isinstance(provider, dict):
        return str(provider.get("label") or provider.get("id") or "provider")
    return str(provider or "provider")
