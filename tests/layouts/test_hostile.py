"""Files and words of somebody else: one line, nothing half applied, nothing run, and names that fit."""

from __future__ import annotations

import copy
import tomllib
from importlib.resources import files
from typing import Any

import pytest
import tomli_w
from typer.testing import CliRunner

from expsim_panel.__main__ import app
from expsim_panel.layouts.pages import status
from expsim_panel.layouts.pages.report import _READER
from expsim_panel.layouts.session import Session
from expsim_panel.plots._frame import short
from expsim_panel.plots.effect_over_time import EffectOverTime
from expsim_panel.plots.power_surface import iso_label
from expsim_panel.study import Study
from expsim_panel.surface import power_surface

NASTY: list[Any] = [
    "<script>alert(1)</script>", "{{ 7*7 }}", "\u202egnp", "😀" * 70, "a" * 50_000, "\x00", -1, 2**63, 1e308,
    float("nan"), float("inf"), True, [], {}, [[1]], "",
]  # fmt: skip


def tree() -> dict[str, Any]:
    return tomllib.loads((files("expsim_panel.scenarios") / "hallucination-prompt.toml").read_text("utf-8"))


def test_a_sound_file_that_cannot_be_priced_changes_nothing() -> None:
    session = Session("ranking-diversity")
    before = (session.study, copy.deepcopy(session._draft), session.request, session.rebuilt)
    other = tree()
    other["variants"][1]["model"] = "no-such-model"
    assert not session.upload(tomli_w.dumps(other).encode(), "mine.toml")
    assert "no-such-model" in session.error
    assert (session.study, session._draft, session.request, session.rebuilt) == before
    # The form goes on with the study that is on screen.
    assert session.edit(("traffic", "days"), 20)
    assert session.name_shown == "ranking-diversity"


@pytest.mark.parametrize("path", [
    ("scenario", "name"), ("scenario", "title"), ("metric", "name"), ("metric", "family"), ("variants", 1, "name"),
    ("variants", 1, "mean"), ("variants", 0, "model"), ("traffic",), ("traffic", "shares"), ("evaluator", "kind"),
    ("guardrails", 0, "name"), ("strategies",),
])  # fmt: skip
def test_every_value_of_a_file_is_taken_whole_or_refused_in_one_line(path: tuple[Any, ...]) -> None:
    session = Session("ranking-diversity")
    for value in NASTY:
        made = tree()
        node: Any = made
        for key in path[:-1]:
            node = node[key]
        node[path[-1]] = value
        before = (session.study, copy.deepcopy(session._draft), session.request)
        if session.upload(tomli_w.dumps(made).encode("utf-8"), "mine.toml"):
            assert session.error == ""
        else:
            assert session.error.startswith("mine.toml")
            assert "\n" not in session.error
            assert (session.study, session._draft, session.request) == before


def test_a_title_is_shown_as_text_that_turns_nothing() -> None:
    session = Session("ranking-diversity")
    made = tree()
    made["scenario"]["title"] = "</style><script>x</script> \u202egnp"
    assert session.upload(tomli_w.dumps(made).encode(), "mine.toml")
    shown = status.topic(session)
    assert shown in status.view(session).select(lambda one: "topic" in str(getattr(one, "object", "")))[0].object
    assert "&lt;/style&gt;&lt;script&gt;" in shown
    assert "<script>" not in shown
    assert "\u202e" not in shown


def test_a_report_keeps_its_tables_in_a_frame_and_its_html_as_text() -> None:
    said = _READER.render("| a | b |\n|---|---|\n| <b>1</b> | 2 |\n\n<script>alert(1)</script>")
    assert '<div class="scroll" tabindex="0" role="region" aria-label="Table"><table>' in said
    assert said.count("</table></div>") == 1
    assert "<script>" not in said


def test_long_names_are_cut_beside_lines_and_whole_where_a_pointer_hovers() -> None:
    from expsim_panel.daily import follow

    made = tree()
    made["variants"][1]["name"] = "chain of thought with self critique and three retries"
    result = Study.from_tree(made, "mine").run(replicates=50, seed=1)
    drawn = EffectOverTime()
    seen = follow(result.study.scenario, result.strategies[0])
    drawn.show(seen)
    assert drawn.ends.data["name"] == ["chain of thought wi…"]
    assert made["variants"][1]["name"] in drawn.dots.data["said"][0]
    assert len(drawn.figure.title.text) < 60
    assert short("$$x$$") == "$\u200b$x$\u200b$"


def test_a_label_at_the_right_edge_stands_left_of_its_line() -> None:
    study = Study.load("hallucination-prompt", (), ["fixed-horizon"])
    surface = power_surface(study, "fixed-horizon", effects=8, units=4)
    line = iso_label(surface)
    assert line["align"] == ["right" if line["x"][0] > 0.7 * 100 * surface.effects[-1] else "left"]
    assert {len(column) for column in line.values()} == {1}


def test_ratings_without_a_realism_score_still_make_a_page(tmp_path: Any) -> None:
    path, page = tmp_path / "few.csv", tmp_path / "few.html"
    rows = [f"{i},{v},r{r},human,{1 + (i + r) % 3}" for i in range(6) for v in ("<b>A</b>", "B") for r in range(2)]
    path.write_text("\n".join(["item,variant,rater,kind,score", *rows]), encoding="utf-8")
    found = CliRunner().invoke(app, ["calibrate", str(path), "--html", str(page)])
    assert found.exit_code == 0, found.output
    text = page.read_text(encoding="utf-8")
    assert "&lt;b&gt;A&lt;/b&gt;" in text or "<b>A</b>" not in text
    # Words and tables alone: no script that would look for pictures.
    assert "<script" not in text
    assert "How to reproduce" in text
