from __future__ import annotations

import functools
import re
import shlex

import pytest

from expsim_panel.economics import ledger
from expsim_panel.errors import InputError
from expsim_panel.exports import _reproduce, markdown
from expsim_panel.quantities import money, percent
from expsim_panel.results import Result
from expsim_panel.study import Study

NAMES = ("fixed-horizon", "obrien-fleming", "peek-daily")


@functools.cache
def result(*settings: str, name: str = "hallucination-prompt") -> Result:
    return Study.load(name, settings, NAMES).run(replicates=300, seed=3)


def test_the_verdict_comes_first_and_the_advice_apart() -> None:
    made = result()
    text = markdown.write(made)
    order = [text.index(part) for part in (
        markdown.escape(made.verdict.sentence), "What would change this", "Design advice", "How the strategies compare",
        "What it costs", "How long readers wait", "what is assumed", "How to reproduce",
    )]  # fmt: skip
    assert order == sorted(order)
    assert text.count(markdown.escape(made.advice.sentence)) == 1
    head = text[: text.index("What would change this")]
    assert 1 <= len(re.findall(r"^\* ", head, re.MULTILINE)) <= 3


def test_the_numbers_are_the_result_s() -> None:
    made = result()
    text = markdown.write(made)
    figure = made["obrien-fleming"].figures["power"]
    assert f"{percent(figure.value)} ± {percent(figure.se)} (exact {percent(figure.exact)})" in text
    assert f"One evaluation costs {money(ledger(made.study.scenario).per_row)}." in text
    assert "| current prompt | 1,651 ms | 1,400 ms | 3,600 ms |" in text
    assert re.search(r"\| peek-daily: .* ▲ ", text)
    assert not re.search(r"\| fixed-horizon.* ▲ ", text)
    assert "genai-prices" in text
    assert made.digest in text
    assert made.request.digest in text


def test_another_strategy_s_verdict() -> None:
    text = markdown.write(result(), "peek-daily")
    assert markdown.escape(result()["peek-daily"].verdict.sentence) in text
    assert "## What it costs under peek-daily" in text
    with pytest.raises(InputError, match="did you mean 'peek-daily'"):
        markdown.write(result(), "peek-dayly")


def test_the_same_result_gives_the_same_text() -> None:
    assert markdown.write(result()) == markdown.write(
        Study.load("hallucination-prompt", (), NAMES).run(replicates=300, seed=3)
    )


def test_user_text_stays_text() -> None:
    evil = "a|b `c` <script>alert(1)</script>\n# not a heading\n- [x](http://e.example)"
    made = Study.load("hallucination-prompt", (), NAMES)
    made.scenario.scenario.title = made.scenario.scenario.provenance = made.scenario.scenario.question = evil
    made.scenario.variants[1].name = "<script>| `x` \n# y"
    text = markdown.write(made.run(replicates=100, seed=1))
    # The command repeats the settings inside a fence longer than any backticks in it: shown, never read.
    text, fences = re.subn(r"^(`{3,})sh\n[^\n]*\n\1$", "", text, flags=re.MULTILINE)
    assert fences == 1
    assert "<script" not in text
    assert "\n# not" not in text
    assert "\n# y" not in text
    assert not re.search(r"(?<!\\)\]\(", text)
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    # A pipe of the user must not add a column: every row of a table has as many as its head.
    for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
        assert len(widths) == 1
    assert len(rows) > 10


@pytest.mark.parametrize(
    ("text", "safe"),
    [("# a", r"\# a"), ("- a", r"\- a"), ("1. a", r"1\. a"), ("71.6 %", "71.6 %"), ("+1.2 pp", "+1.2 pp"), ("a\nb", "a b"),
     ("<b>&", "&lt;b&gt;&amp;"), ("---", r"\---"), ("a\\|b", r"a\\\|b")],
)  # fmt: skip
def test_escape(text: str, safe: str) -> None:
    assert markdown.escape(text) == safe


def test_the_command_leads_to_the_same_request() -> None:
    made = result("traffic.days=21", "variants.1.name=it's | new")
    words = shlex.split(_reproduce.command(made))
    assert words[:3] == ["expsim", "run", "hallucination-prompt"]
    taken = {flag: [words[k + 1] for k, word in enumerate(words) if word == flag] for flag in ("--set", "--strategy")}
    again = Study.load(words[2], taken["--set"], taken["--strategy"])
    again.replicates, again.seed = int(words[words.index("--replicates") + 1]), int(words[words.index("--seed") + 1])
    assert again.freeze() == made.request
    plain = Study.load("hallucination-prompt").run(replicates=1, seed=1)
    assert _reproduce.command(plain) == "expsim run hallucination-prompt --replicates 1 --seed 1"


def test_a_study_of_no_library_scenario_is_run_from_its_file() -> None:
    made = result("scenario.name=mine")
    assert _reproduce.command(made) == "expsim run mine.toml --replicates 300 --seed 3"
