"""Logs of Inspect (`inspect-ai`): a row for each score of each sample and epoch.

The package is not needed: archives (.eval) and JSON are read as it documents them.
"""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from typing import Any

from expsim_panel.errors import InputError, shown
from expsim_panel.rating_json import Failed, keyed, kind_of, list_of, object_of

VALUES = {"C": 1.0, "I": 0.0, "P": 0.5, "N": 0.0}  # correct, incorrect, partial, no answer
MOST_UNPACKED = 512 * 2**20
ARCHIVE_ERRORS = (
    zipfile.BadZipFile, zlib.error, ValueError, KeyError, OSError, EOFError, RuntimeError, struct.error,
)  # fmt: skip
ZSTANDARD = 93


def archived(data: bytes, where: str) -> tuple[Any, Any] | None:
    """Return header and samples of an .eval archive; None if it is some other archive, such as a workbook."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
            if not any(name in names for name in ("header.json", "_journal/start.json")):
                return None
            head = json.loads(_unpacked(archive, "header.json" if "header.json" in names else "_journal/start.json"))
            if "summaries.json" in names:  # ids, scores and times without the transcripts
                samples = json.loads(_unpacked(archive, "summaries.json"), object_pairs_hook=keyed)
            else:
                inner = sorted(name for name in names if name.startswith("samples/"))
                if sum(archive.getinfo(name).file_size for name in inner) > MOST_UNPACKED:
                    raise ValueError(f"its samples unpack to more than {MOST_UNPACKED // 2**20:,} MiB")
                samples = [json.loads(_unpacked(archive, name), object_pairs_hook=keyed) for name in inner]
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


def inspect_rows(log: Any, samples: Any, where: str, failed: list[Failed]) -> list[dict[str, Any]]:
    """One row for each score of each sample and epoch; the sample is the prompt, the model the variant."""
    run = object_of(object_of(log, "the log's header", where).get("eval"), "eval", where)
    model = str(run.get("model", "model"))
    rows = []
    without: list[int] = []
    for number, entry in enumerate(list_of(samples, "samples", where), 1):
        sample = object_of(entry, f"sample {number}", where)
        prompt = str(sample.get("id"))
        place = {
            "item": f"{prompt}#{sample.get('epoch', 1)}",
            "prompt": prompt,
            "variant": model,
        }
        scores = object_of(sample.get("scores"), f"scores of sample {number}", where)
        if not scores and sample.get("score") is not None:  # logs of the first version hold one
            scores = {"score": sample["score"]}
        if not scores:
            without.append(number)
        for scorer, score in scores.items():
            what = f"score {shown(scorer)} of sample {number}"
            value = object_of(score, what, where).get("value") if isinstance(score, dict) else score
            parts = object_of(value, what, where).items() if isinstance(value, dict) else [("", value)]
            for part, number_of in parts:
                name = f"{scorer}/{part}" if part else scorer
                row: dict[str, Any] = place | {"rater": name, "kind": kind_of(scorer)}
                row["score"] = VALUES.get(number_of, number_of) if isinstance(number_of, str) else number_of
                row["score"] = int(number_of) if isinstance(number_of, bool) else row["score"]
                rows.append(row | {"seconds": sample.get("total_time")})
    if not rows:
        raise InputError(where, "", "this Inspect log holds no scores", "give the log of a finished evaluation")
    if without:
        failed.append(Failed("samples", f"failed in {where}, without scores: left out", without))
    return rows
