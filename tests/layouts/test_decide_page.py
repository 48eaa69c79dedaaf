"""The page that decides, without a browser: pasted and opened data, good and bad; nothing a person wrote is markup."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import numpy as np
import pytest
import tomli_w

from expsim_panel.layouts.pages.decide import Deciding, counts_of, read
from expsim_panel.layouts.session import Session
from expsim_panel.library import read_tree
from expsim_panel.study import Study

A, B = "current prompt", "grounded prompt"
H = "variant,rows,hits\n"
COUNTS = f"{A}=96/1000,{B}=81/1000"


@pytest.fixture
def deciding() -> Deciding:
    return Deciding(Session("hallucination-prompt"))


def pasted(deciding: Deciding, text: str, day: str = "") -> str:
    """Paste, press the button, and return what the page answers."""
    deciding.data.value, deciding.day.value = text, day
    asyncio.run(deciding._asked(None))
    return str(deciding.answer.object)


def opened(deciding: Deciding, data: bytes, name: str = "results.csv") -> str:
    deciding.upload.filename = name
    asyncio.run(deciding._opened(SimpleNamespace(new=data)))
    return str(deciding.answer.object)


def is_one_line(answer: str, words: str) -> bool:
    whole = answer.startswith('<p role="alert"><b>') and answer.endswith("</b></p>")
    return whole and answer.count("<") == 4 and "\n" not in answer and words in answer


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("  \n ", "paste counts or a table"),
        ("hello", "columns are"),
        ("/", "is not NAME=HITS/ROWS"),
        (f"{A}=-1/10,{B}=1/10", "is not NAME=HITS/ROWS"),
        (f"{A}=nan/10,{B}=1/10", "is not NAME=HITS/ROWS"),
        (f"{A}=9.6%, {B}=8.1%", "is not NAME=HITS/ROWS"),
        (f"{A}=11/10, {B}=1/10", "11 hits of 10 rows"),
        (f"{A}=1/10,{A}=2/10", "given twice"),
        ("<script>alert(1)</script>=1/10,b=1/10", "&lt;script&gt;"),
        (f"{A}=1/10,<img src=x onerror=alert(1)>=1/10", "&lt;img"),
        (H + f"<img src=x>,1000,96\n{B},1000,81", "&lt;img"),
        ("variant,<b>rows</b>,hits\n", "&lt;b&gt;rows"),
        (H + f"{A},inf,96\n{B},1000,81", "line 2 holds"),
        ("day," + H + f"29,{A},1000,96\n1,{B},1000,81", "traffic.delay_days"),
        (f"{COUNTS}\nrefusal rate: x", "is not NAME=HITS/UNITS"),
        (f"refusal rate: {A}=1/10,{B}=1/10", "only of guardrails"),
        ("\udc80=1/10,\udc81=1/10", "unknown variant"),
        (f"{A}\0=1/10,{B}=1/10", "unknown variant"),
    ],
)
def test_what_is_pasted_wrong_is_one_escaped_line(deciding: Deciding, text: str, words: str) -> None:
    assert is_one_line(pasted(deciding, text), words)


@pytest.mark.parametrize("day", ["x", "-1", "0", "99", "1.5", "１", "9999999", "<b>"])
def test_a_day_that_is_none_is_one_line_under_the_boxs_own_name(deciding: Deciding, day: str) -> None:
    answer = pasted(deciding, COUNTS, day)
    assert is_one_line(answer, "Day of the totals")
    assert "--day" not in answer


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b" ", "the file is empty"),
        (H.encode() + b"caf\xe9,1,1\n", "line 2 is not UTF-8"),
        (b"PK\x03\x04", "workbook"),
        ((H + f"{A},10,1\n").encode("utf-16"), "UTF-16"),
        ((H + f"{A},10,11\n{B},10,1\n").encode(), "11 hits of 10 rows"),
    ],
)
def test_what_is_opened_wrong_is_one_line_with_its_name(deciding: Deciding, data: bytes, words: str) -> None:
    answer = opened(deciding, data, "<b>x</b>\n.csv")
    assert is_one_line(answer, words)
    assert "&lt;b&gt;x&lt;/b&gt; .csv" in answer


def test_counts_lines_and_cells_of_a_spreadsheet_say_the_same(deciding: Deciding) -> None:
    said = pasted(deciding, COUNTS)
    assert 'class="verdict"' in said
    for text in (
        f"{A}=96/1000,\r\n{B}=81/1000,\r\n",
        H + f"{A},1000,96\n{B},1000,81",
        f"variant\trows\thits\r\n{A}\t1000\t96\r\n{B}\t1000\t81\r\n",
    ):
        assert pasted(deciding, text) == said
    assert opened(deciding, (H + f"{A},1000,96\n{B},1000,81").encode()) == said


def test_names_in_a_scenario_are_escaped(deciding: Deciding) -> None:
    tree, _ = read_tree("hallucination-prompt")
    tree["variants"][1]["name"] = "<i>new</i>"
    assert deciding.session.upload(tomli_w.dumps(tree).encode(), "x.toml"), deciding.session.error
    answer = pasted(deciding, f"{A}=1400/14000, <i>new</i>=1000/14000")
    assert "&lt;i&gt;new&lt;/i&gt;" in answer
    assert "<i>" not in answer


@pytest.mark.parametrize("name", ["hallucination-prompt", "summarization-prompt", "side-by-side-prompt"])
def test_the_experiment_on_screen_comes_back_out_of_the_counts_that_are_filled_in(name: str) -> None:
    session = Session(name)
    assert session.edit(("replicates",), 50)
    session.result = session.study.run(replicates=50, seed=1, workers=1)
    deciding = Deciding(session)
    asyncio.run(deciding._filled(None))
    one = session.result[session.shown_strategy]
    seen = read(session.study, str(deciding.data.value), None).state(session.study.scenario)[-1]
    np.testing.assert_allclose(seen[1:], one.trace.state[-1][1:], rtol=1e-4, atol=1e-3)
    assert 'class="verdict"' in str(deciding.answer.object)


@pytest.mark.parametrize("scenario", ["hallucination-prompt", "summarization-prompt", "side-by-side-prompt"])
def test_a_design_that_remembers_its_interim_look_is_filled_in_by_day(scenario: str) -> None:
    study = Study.load(scenario, (), ("promising-zone",))
    session = Session(scenario)
    session.study = study
    session.result = study.run(replicates=20, seed=1, workers=1)
    deciding = Deciding(session)
    one = session.result["promising-zone"]
    asyncio.run(deciding._filled(None))
    assert str(deciding.data.value).startswith("day,variant,")
    assert 'class="verdict"' in str(deciding.answer.object), deciding.answer.object
    seen = read(study, str(deciding.data.value), None).state(study.scenario)
    np.testing.assert_allclose(seen[:, 1:], one.trace.state[:, 1:], rtol=1e-4, atol=1e-3)
    # Its totals are refused in one line.
    answer = pasted(deciding, counts_of(study.scenario, one.trace.state[-1]), str(one.trace.day))
    assert is_one_line(answer, "promising-zone needs results by day")


def test_traffic_that_follows_the_data_is_refused_under_the_boxs_own_name(deciding: Deciding) -> None:
    deciding.strategy.value = "thompson"
    answer = pasted(deciding, COUNTS)
    assert is_one_line(answer, "Design that was planned")
    assert "choose from fixed-horizon" in answer
