"""Ratings that are broken or meant to do harm: one line that names the place, and never a crash or a full memory."""

from __future__ import annotations

import io
import json
import zipfile

import pytest
from typer.testing import CliRunner

from expsim_panel import inspect_logs, rating_sources
from expsim_panel.__main__ import app
from expsim_panel.errors import InputError
from expsim_panel.rating_sources import as_csv
from expsim_panel.rating_table import read_table

SAMPLE = {"id": 1, "epoch": 1, "scores": {"accuracy": {"value": "C"}}}
RESULT = {"testIdx": 0, "promptIdx": 0, "provider": "a", "score": 1}


def inspect(samples, header={"model": "m"}):  # noqa: B006
    return json.dumps({"eval": header, "samples": samples}).encode()


def promptfoo(*results):
    return json.dumps({"results": {"results": list(results)}}).encode()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (inspect([SAMPLE], [1]), "eval is [1], not an object"),
        (inspect({"a": 1}), "samples is {'a': 1}, not a list"),
        (inspect([SAMPLE, "x"]), "sample 2 is 'x', not an object"),
        (inspect([SAMPLE, {"id": 2, "scores": [1]}]), "scores of sample 2 is [1], not an object"),
        (inspect(None), "holds no scores"),
        (promptfoo(RESULT, None), "result 2 is 'null', not an object"),
        (promptfoo(RESULT | {"promptIdx": [1]}), "promptIdx]: result 1 holds [1]"),
        (promptfoo(RESULT | {"testIdx": {"a": 1}}), "testIdx]: result 1 holds {'a': 1}"),
        (promptfoo(RESULT, RESULT | {"gradingResult": "x"}), "gradingResult of result 2 is 'x', not an object"),
        (promptfoo(RESULT | {"gradingResult": {"componentResults": {"a": 1}}}), "componentResults of result 1 is"),
        (promptfoo(RESULT | {"gradingResult": {"componentResults": ["x"]}}), "component 1 of result 1 is 'x'"),
        (
            promptfoo(RESULT | {"gradingResult": {"componentResults": [{"assertion": "x", "score": 1}]}}),
            "assertion 1 of result 1 is 'x'",
        ),
        (promptfoo(), "holds no results"),
        (b'{"item": "a", "score": 1}\n{"item": "\\ud800", "score": 2}\n', "line 2 holds half of a character"),
        (b"[" * 100_000, "line 1 is not JSON"),
        (b"PAR1" + bytes(100) + b"PAR1", "this Parquet file cannot be read"),
        (b"PK\x03\x04" + bytes(100), "this Inspect log cannot be read"),
    ],
)
def test_broken_logs_are_one_line_that_names_the_place(data, said):
    with pytest.raises(InputError) as caught:
        as_csv(data, "log.json")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_prompt_may_be_text_and_a_verdict_yes_or_no():
    rows = [RESULT | {"promptIdx": k, "prompt": "be brief", "score": k == 0} for k in range(2)]
    table, form = as_csv(promptfoo(*rows), "eval.json")
    assert form == "promptfoo"
    lines = table.decode().splitlines()
    assert lines[1].startswith("0#1,0,a | be brief,score,judge,1,")
    assert lines[2].startswith("0#1,0,a | be brief (column 2),score,judge,0,")


def test_archives_that_unpack_to_more_than_memory_are_refused_before_they_are_unpacked(monkeypatch):
    monkeypatch.setattr(inspect_logs, "MOST_UNPACKED", 50_000)
    for members, said in (
        ({"header.json": b" " * 60_000}, "header.json is too large"),
        ({"header.json": b"{}", **{f"samples/{k}.json": b" " * 20_000 for k in range(3)}}, "unpack to more than"),
    ):
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        assert len(packed.getvalue()) < 5_000
        with pytest.raises(InputError, match=said):
            as_csv(packed.getvalue(), "log.eval")


def test_a_parquet_file_that_unpacks_to_more_than_memory_is_given_up_on_the_way(monkeypatch):
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    monkeypatch.setattr(rating_sources, "MOST_TABLE", 3_000_000)
    rows, read = 40_000, []
    columns = {"item": ["x" * 1_000] * rows, "variant": ["A"] * rows, "rater": ["r"] * rows, "score": [1] * rows}
    packed = io.BytesIO()
    pq.write_table(pa.table(columns), packed)
    assert len(packed.getvalue()) < 20_000
    batches = pq.ParquetFile.iter_batches

    def counted(self, **options):
        for batch in batches(self, **options):
            read.append(batch.num_rows)
            yield batch

    monkeypatch.setattr(pq.ParquetFile, "iter_batches", counted)
    with pytest.raises(InputError, match="unpacks to more than"):
        as_csv(packed.getvalue(), "big.parquet")
    assert sum(read) < rows / 4
    small = io.BytesIO()
    pq.write_table(pa.table({"item": ["a", "b"], "score": [1.5, None]}), small)
    assert as_csv(small.getvalue(), "t.parquet") == (b"item,score\na,1.5\nb,\n", "parquet")
    none = io.BytesIO()
    pq.write_table(pa.table({"item": pa.array([], pa.string()), "score": pa.array([], pa.int64())}), none)
    assert as_csv(none.getvalue(), "t.parquet")[0] == b"item,score\n"


def test_costs_of_no_ordinary_size_are_refused(tmp_path):
    path = tmp_path / "r.csv"
    rows = "".join(
        f"i{i},{v},r{r},{(i + r) % 5},{'1e308' if i == 3 else 1}\n" for i in range(9) for v in "AB" for r in (1, 2)
    )
    path.write_text("item,variant,rater,score,cost\n" + rows)
    with pytest.raises(InputError, match=r"cost\]: line 14 holds 1e\+308; give at most 1e\+09"):
        read_table(path)


def test_names_that_a_browser_or_a_sheet_would_run_are_text_on_the_page_of_few_ratings(tmp_path):
    """Too few items for a realism score: the page has no drawings, and used not to be made at all."""
    table, page = tmp_path / "r.csv", tmp_path / "page.html"
    kinds = ("<script>alert(1)</script>", "=cmd|' /C calc'!A0")
    rows = "".join(
        f"<img src=x onerror=alert(2)>{i},{v},r{r},{1 + (i + r) % 5}\n"
        for i in range(20)
        for v in kinds
        for r in (1, 2, 3)
    )
    table.write_text("item,variant,rater,score\n" + rows)
    run = CliRunner().invoke(app, ["calibrate", str(table), "--html", str(page), "-o", str(tmp_path / "s.toml")])
    assert run.exit_code == 0, run.output
    assert "looks like a spreadsheet formula" in " ".join(run.output.split())
    made = page.read_text()
    assert "not assessable" in made
    assert "<script>alert(1)" not in made
    assert "<img src=x" not in made
