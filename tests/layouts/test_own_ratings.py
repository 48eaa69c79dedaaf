"""Your ratings without a browser: pasted and opened tables, good and bad; what they give; nothing written is markup."""

from __future__ import annotations

import asyncio
import json
import tomllib
from types import SimpleNamespace

import pytest

from expsim_panel import calibrate as measuring
from expsim_panel.layouts import measuring as layer
from expsim_panel.layouts.pages.own_ratings import OwnRatings, example
from expsim_panel.layouts.pages.pasted import as_table
from expsim_panel.layouts.session import Session

FEW = 40
"""Prompts: too few for a realism score, whose halvings take the time."""


@pytest.fixture
def own() -> OwnRatings:
    return OwnRatings(Session("summarization-prompt"))


def pasted(own: OwnRatings, text: str) -> str:
    own.data.value = text
    asyncio.run(own._asked(None))
    return str(own.status.object)


def opened(own: OwnRatings, *files: tuple[bytes, str]) -> str:
    own.upload.filename = [name for _, name in files]
    asyncio.run(own._opened(SimpleNamespace(new=[data for data, _ in files])))
    return str(own.status.object)


def is_one_line(answer: str, words: str) -> bool:
    whole = answer.startswith('<p role="alert"><b>') and answer.endswith("</b></p>")
    return whole and answer.count("<") == 4 and "\n" not in answer and words in answer


HEAD = "item,variant,rater,score\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (" \n", "there are none"),
        ("hello", "no rows"),
        ("a,b\n1,2\n", "column of the item"),
        (HEAD + "1,a,x,4\n", "every score is 4"),
        (HEAD + "1,a,x,4\n1,b,x,oops\n", "line 3 holds &#x27;oops&#x27;, not a number"),
        (HEAD + "1,a,x,4\n1,a,x,5\n", "line 3 repeats line 2"),
        (HEAD + "1,a,x,4\n1,<img src=x onerror=alert(1)>,x,<b>\n", "line 3 holds &#x27;&lt;b&gt;&#x27;"),
        (HEAD + ",a,x,4\n1,a,y,5\n", "line 2 has no value"),
        ("\udc80\n", "ratings"),
        ('{"eval": 3, "samples": []}', "not an object"),
    ],
)
def test_what_is_pasted_wrong_is_one_escaped_line(own: OwnRatings, text: str, words: str) -> None:
    assert is_one_line(pasted(own, text), words)
    assert own.measuring.measured is None
    assert not own.take.visible
    assert own.tables.object == ""


@pytest.mark.parametrize("data", [b"\xff\xfe\0", b"PK\x03\x04zzzz", b"PAR1", b"\xe4;\xe4", b"\0", b" "])
def test_what_is_no_table_is_one_line_with_the_files_name(own: OwnRatings, data: bytes) -> None:
    assert is_one_line(opened(own, (data, "<i>.csv")), "&lt;i&gt;.csv")


def test_a_table_is_measured_as_the_command_measures_it(own: OwnRatings) -> None:
    assert "alert" not in pasted(own, example(FEW))
    seen = own.measuring.measured
    want = measuring.calibrate(seen.ratings)
    assert seen.found.to_json() == want.to_json()
    assert (want.rows, want.raters, want.items, tuple(seen.beside.judges)) == (240, 3, 80, ("judge-model",))
    assert "not assessable: 80 items" in own.answer.object
    assert own.picture.objects == []
    for words in (
        "ICC(2,1)", "Krippendorff", "Weighted kappa, quadratic", "Spearman", "ρ of differences", "Differential bias",
        "People and judge judge-model", "How scores pile up", "Severity of the rater", "A human&#x27;s cost",
    ):  # fmt: skip
        assert words in own.tables.object, words
    facts = seen.beside.judges["judge-model"]
    bias = facts.bias["new prompt"]
    assert f"{bias.value:+.2f} ({bias.interval[0]:+.2f} to {bias.interval[1]:+.2f})" in own.tables.object
    document = json.loads(own.measuring.json())
    assert document["calibration"]["judges"]["judge-model"]["rho"]["value"] == facts.rho.value
    assert document["scenario"] == tomllib.loads(own.measuring.toml())
    assert "What the ratings in ratings say" in own.measuring.html()


def test_the_fitted_scenario_becomes_the_one_on_screen(own: OwnRatings, monkeypatch: pytest.MonkeyPatch) -> None:
    pasted(own, example(FEW))
    asyncio.run(own._against(SimpleNamespace(new="new prompt")))
    assert own.measuring.measured.found.control == "new prompt"
    played = []

    async def play(debounce: float | None = None) -> None:
        played.append(debounce)

    monkeypatch.setattr(own.session, "play", play)
    asyncio.run(own._use(None))
    scenario = own.session.study.scenario
    assert [one.name for one in scenario.variants] == ["new prompt", "current prompt"]
    assert scenario.metric.family == "ordinal"
    assert own.session.error == ""
    assert played == [0]


def test_several_logs_are_read_together_and_a_spreadsheets_cells_too(own: OwnRatings) -> None:
    def log(model: str, up: float) -> bytes:
        samples = [
            {"id": k, "epoch": 1, "total_time": 2.0,
             "scores": {"human": {"value": (k * 7 % 5) + 1}, "gpt": {"value": min(5, (k * 3 % 5) + 1 + up)}}}
            for k in range(30)
        ]  # fmt: skip
        return json.dumps({"eval": {"model": model}, "samples": samples}).encode()

    assert "alert" not in opened(own, (log("a", 0), "a.json"), (log("<b>b</b>", 1), "b.json"))
    assert own.measuring.measured.ratings.variants == ("a", "<b>b</b>")
    shown = own.answer.object + own.tables.object
    assert "<b>b</b>" not in shown
    assert "&lt;b&gt;b&lt;/b&gt;" in shown
    assert as_table("item\tscore\n1\ta,b\n") == b'item,score\n1,"a,b"\n'
    assert as_table('{"a": "x\ty"}\n') == b'{"a": "x\ty"}\n'


def test_a_file_that_is_too_large_is_one_line(own: OwnRatings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("expsim_panel.layouts.pages.own_ratings.MAX_BYTES", 100)
    assert is_one_line(opened(own, (b"x" * 60, "a.csv"), (b"x" * 60, "b.csv")), "too large")
    own._message({"status": "error"})
    assert is_one_line(str(own.status.object), "too large")


def test_stopping_keeps_what_is_on_screen_and_ends_the_work(own: OwnRatings, monkeypatch: pytest.MonkeyPatch) -> None:
    pasted(own, example(FEW))
    before, steps = own.measuring.measured, []

    def endless(ratings, control=None, *, step):
        for begun in range(10**6):
            steps.append(begun)
            step(begun, 10**6)
            asyncio.run(asyncio.sleep(0.001))

    monkeypatch.setattr(layer, "calibrate", endless)

    async def visit() -> None:
        work = asyncio.ensure_future(own._measure())
        while len(steps) < 5 or "halving" not in own.measuring.words:
            await asyncio.sleep(0.01)
        assert own.measuring.busy
        assert not own.cancel.disabled
        own.measuring.cancel()
        await work

    asyncio.run(visit())
    assert own.measuring.measured is before
    assert (own.measuring.busy, own.measuring.words) == (False, "Cancelled.")
    assert len(steps) < 10**5


def test_what_breaks_inside_is_one_line_and_the_page_lives(own: OwnRatings, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a <b>")

    monkeypatch.setattr(layer, "calibrate", broken)
    monkeypatch.setattr(layer._LOG, "exception", lambda *_: None)
    assert is_one_line(pasted(own, example(FEW)), "could not be measured (a &lt;b&gt;)")
