"""The app in a real browser, driven by role and accessible name."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page

APP = Path(__file__).resolve().parents[2] / "layouts" / "app.py"
PATIENCE = 60_000
DONE = re.compile(r"experiments per strategy and world in")

FIND = """(name) => {
  for (const one of Bokeh.documents[0].all_models) if (one.name === name) return one
}"""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Serve the file as `panel serve` does, on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "panel", "serve", str(APP), "--port", str(port), "--address", "127.0.0.1"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}/app"
    try:
        for _ in range(120):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/static/js/bokeh.min.js", timeout=2)
                break
            except OSError:
                assert server.poll() is None, "the server ended"
                time.sleep(0.25)
        yield url
    finally:
        server.terminate()
        server.wait(60)


def opened(page: Page, address: str) -> None:
    page.goto(address)
    page.get_by_text(DONE).wait_for(timeout=PATIENCE)
    # The painted shell says the same until the live page has taken over.
    page.locator("#shell").wait_for(state="detached", timeout=PATIENCE)


def choose(page: Page, label: str, option: str) -> None:
    page.get_by_role("combobox", name=label).click()
    page.get_by_role("menuitem", name=option, exact=True).click()


def test_a_scenario_an_evaluator_a_run_and_a_verdict(quiet_page: Page, address: str) -> None:
    page = quiet_page
    opened(page, address)
    first = page.get_by_role("heading", level=1).inner_text()
    assert re.search(r"^(Launch|Keep|Collect|Inconclusive)", first)
    assert page.get_by_text("Design advice, before any data").count() == 1
    choose(page, "Scenario", "hallucination-prompt")
    page.get_by_role("heading", level=1).filter(has_text="hallucination rate").wait_for(timeout=PATIENCE)
    choose(page, "Who measures quality", "Human raters")
    page.get_by_text(re.compile("responses labelled from")).wait_for(timeout=PATIENCE)
    page.get_by_text(DONE).wait_for(timeout=PATIENCE)
    page.get_by_role("button", name="Run").click()
    page.get_by_text(DONE).wait_for(timeout=PATIENCE)
    assert "hallucination rate" in page.get_by_role("heading", level=1).inner_text()


def test_a_bad_value_gives_one_line_and_keeps_the_verdict(quiet_page: Page, address: str) -> None:
    page = quiet_page
    opened(page, address)
    before = page.get_by_role("heading", level=1).inner_text()
    seed = page.get_by_role("textbox", name="Seed")
    seed.fill("-3")
    seed.press("Enter")
    alert = page.get_by_role("alert").filter(has_text="seed")
    alert.wait_for(timeout=PATIENCE)
    assert "\n" not in alert.inner_text().strip()
    assert "Traceback" not in page.content()
    assert page.get_by_role("heading", level=1).inner_text() == before


def test_every_view_opens_and_the_report_can_be_taken_away(quiet_page: Page, address: str) -> None:
    page = quiet_page
    opened(page, address)
    for tab, text in (("Compare", "All figures"), ("Surfaces", "How known"), ("Report", "Design advice: which")):
        page.get_by_role("tab", name=tab).click()
        page.get_by_text(re.compile(text)).first.wait_for(timeout=PATIENCE)
    for name, opening in (("Scenario (TOML)", b"schema = 1"), ("Summary (Markdown)", b"#")):
        with page.expect_download(timeout=PATIENCE) as found:
            page.get_by_role("button", name=name).or_(page.get_by_role("link", name=name)).first.click()
        assert Path(found.value.path()).read_bytes().startswith(opening)


def test_a_tapped_cell_brings_its_row(quiet_page: Page, address: str) -> None:
    page = quiet_page
    opened(page, address)
    page.get_by_role("tab", name="Surfaces").click()
    page.get_by_text("How known").wait_for(timeout=PATIENCE)
    read = f"() => {{ const find = {FIND}; return [find('line').data.y, find('chosen').data.bottom].map(v => Array.from(v)) }}"
    where = page.locator("caption").filter(has_text="At a true difference")
    line, cell = page.evaluate(read)
    told = where.inner_text()
    # Near the lower left corner of the frame: little traffic, a small effect.
    where.scroll_into_view_if_needed()
    spot = page.evaluate(
        """() => {
          for (const one of Bokeh.documents[0].all_models) if (one.name === "power-surface") {
            const view = Bokeh.index.find_one(one)
            const box = view.el.getBoundingClientRect(), frame = view.frame.bbox
            return [box.left + frame.left + 0.1 * frame.width, box.top + frame.top + 0.9 * frame.height]
          }
        }"""
    )
    page.mouse.click(*spot)
    where.filter(has_not_text=told).wait_for(timeout=PATIENCE)
    after_line, after_cell = page.evaluate(read)
    assert after_cell != cell
    assert after_line != line


def test_a_map_of_any_two_numbers_and_its_point_used(quiet_page: Page, address: str) -> None:
    page = quiet_page
    opened(page, address)
    page.get_by_role("tab", name="Surfaces").click()
    page.get_by_text("How known").wait_for(timeout=PATIENCE)
    page.get_by_role("button", name="Any two numbers").click()
    up = page.get_by_role("combobox", name="Upwards")
    up.wait_for(timeout=PATIENCE)
    up.click()
    up.fill("planned")
    page.get_by_role("option", name="Planned duration").click()
    page.get_by_role("button", name="Compute map").click()
    told = page.locator("caption").filter(has_text="planned duration")
    told.wait_for(timeout=PATIENCE)
    before = told.inner_text()
    page.get_by_text("Tap a cell for its figures").wait_for(timeout=PATIENCE)
    page.get_by_text("One standard error").scroll_into_view_if_needed()
    page.wait_for_timeout(1000)
    spot = page.evaluate(
        """() => {
          for (const one of Bokeh.documents[0].all_models) if (one.name === "response-surface") {
            const view = Bokeh.index.find_one(one)
            const box = view.el.getBoundingClientRect(), frame = view.frame.bbox
            return [box.left + frame.left + 0.1 * frame.width, box.top + frame.top + 0.95 * frame.height]
          }
        }"""
    )
    page.mouse.click(*spot)
    told.filter(has_not_text=before).wait_for(timeout=PATIENCE)
    page.get_by_role("button", name="Use this point").click()
    page.get_by_text(DONE).wait_for(timeout=PATIENCE)
    assert page.evaluate(f"() => {{ const find = {FIND}; return find('chosen').data.bottom.length }}") == 1
    page.get_by_label("Upwards, to").fill("many")
    page.get_by_role("button", name="Compute map").click()
    page.get_by_role("alert").filter(has_text="is not a number").wait_for(timeout=PATIENCE)
    # The study was moved and is played anew; a server that is stopped meanwhile waits for it.
    page.get_by_role("button", name="Cancel", exact=True).and_(page.locator(":disabled")).wait_for(timeout=PATIENCE)


def test_data_of_ones_own_get_a_verdict_or_one_line(quiet_page: Page, address: str) -> None:
    page = quiet_page
    opened(page, address)
    choose(page, "Scenario", "hallucination-prompt")
    page.get_by_role("heading", level=1).filter(has_text="hallucination rate").wait_for(timeout=PATIENCE)
    page.get_by_role("tab", name="Decide").click()
    field = page.get_by_role("textbox", name="Data of the experiment")
    field.fill("current prompt=1400/14000, grounded prompt=1050/14000")
    field.blur()
    page.get_by_role("button", name="Decide").click()
    said = page.get_by_role("heading", level=2).filter(has_text="Launch grounded prompt")
    said.wait_for(timeout=PATIENCE)
    field.fill("current prompt=1400/14000, <b>x</b>=1/2")
    field.blur()
    page.get_by_role("button", name="Decide").click()
    alert = page.get_by_role("alert").filter(has_text="unknown variant")
    alert.wait_for(timeout=PATIENCE)
    assert "\n" not in alert.inner_text().strip()
    assert "<b>x</b>" in alert.inner_text()


def test_votes_are_ranked_or_one_line_says_why_not(quiet_page: Page, address: str) -> None:
    page = quiet_page
    opened(page, address)
    page.get_by_role("tab", name="Ranking").click()
    page.get_by_role("button", name="Fill in an example").click()
    page.get_by_role("heading", level=2).filter(has_text="is ranked first").wait_for(timeout=PATIENCE)
    page.get_by_role("region", name="Variants, best first").wait_for(timeout=PATIENCE)
    field = page.get_by_role("textbox", name="Votes")
    field.fill("prompt,first,second,winner\n1,<b>x</b>,y,zebra\n")
    field.blur()
    page.get_by_role("button", name="Rank", exact=True).click()
    alert = page.get_by_role("alert").filter(has_text="zebra")
    alert.wait_for(timeout=PATIENCE)
    assert "\n" not in alert.inner_text().strip()
    assert "<b>x</b>" in alert.inner_text()
    # What stood there is gone: a ranking beside an error would be that of other votes.
    assert page.get_by_role("region", name="Variants, best first").count() == 0


def test_ratings_are_measured_drawn_taken_away_and_put_into_the_scenario(quiet_page: Page, address: str) -> None:
    page = quiet_page
    opened(page, address)
    page.get_by_role("tab", name="Your ratings").click()
    page.get_by_role("button", name="Fill in an example").click()
    page.get_by_role("heading", level=2).filter(has_text="look like yours").wait_for(timeout=PATIENCE)
    page.get_by_role("region", name="Whom a judge favours").wait_for(timeout=PATIENCE)
    # A level chosen among the scores shows its pairs alone.
    page.evaluate(
        """() => {
          for (const one of Bokeh.documents[0].all_models)
            if (one.type === 'ColumnDataSource' && one.data.law) one.selected.indices = [0]
        }"""
    )
    # Of 5 by 5 pairs, 9 have the first level.
    page.wait_for_function(
        """() => [...Bokeh.documents[0].all_models].some(
          (one) => one.type === 'ColumnDataSource' && one.data.gap && one.selected.indices.length === 9)""",
        timeout=PATIENCE,
    )
    with page.expect_download(timeout=PATIENCE) as found:
        page.get_by_role("button", name="Scenario (TOML)").or_(page.get_by_role("link", name="Scenario (TOML)")).click()
    assert b"[calibration" in Path(found.value.path()).read_bytes()
    page.get_by_role("button", name="Use this in the scenario").click()
    page.get_by_role("heading", level=1).filter(has_text="new prompt").wait_for(timeout=PATIENCE)
    page.get_by_role("heading", level=1).filter(has_text="rating").wait_for(timeout=PATIENCE)
    field = page.get_by_role("textbox", name="Ratings", exact=True)
    field.fill("item,variant,rater,score\n1,<b>x</b>,a,<i>\n")
    field.blur()
    page.get_by_role("button", name="Measure").click()
    alert = page.get_by_role("alert").filter(has_text="line 2 holds")
    alert.wait_for(timeout=PATIENCE)
    assert "<i>" in alert.inner_text()
    assert page.get_by_role("region", name="Whom a judge favours").count() == 0


@pytest.mark.parametrize("width", [390, 1440])
def test_the_page_never_scrolls_sideways(quiet_page: Page, address: str, width: int) -> None:
    page = quiet_page
    page.set_viewport_size({"width": width, "height": 844})
    opened(page, address)
    for tab in ("Watch", "Compare", "Surfaces", "Your ratings", "Decide", "Ranking", "Report"):
        page.get_by_role("tab", name=tab).click()
        page.wait_for_timeout(800)
        # `main` clips what is too wide, so look at what its content wants and not only at the page.
        assert page.evaluate("() => document.documentElement.scrollWidth") <= width
        box = page.get_by_role("heading", level=1).first.bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= width
    # What is higher than a phone's window must push the tabs down, not lie under them.
    advice = page.get_by_role("heading", name="Design advice, before any data").bounding_box()
    tabs = page.get_by_role("tablist").first.bounding_box()
    assert advice is not None
    assert tabs is not None
    assert advice["y"] + advice["height"] < tabs["y"]


def test_a_link_whose_theme_is_no_text_opens_the_page(address: str) -> None:
    with urllib.request.urlopen(f"{address}?theme=%ff%fe", timeout=60) as answer:
        assert answer.status == 200


def test_a_fold_answers_on_its_whole_head_and_has_a_name(quiet_page: Page, address: str) -> None:
    page = quiet_page
    opened(page, address)
    page.get_by_role("button", name="Variants", exact=True).wait_for(timeout=PATIENCE)
    # Drawn later than the folds on a slow machine, and named a moment after it is drawn.
    page.get_by_role("textbox", name="Simulated experiments, typed").wait_for(timeout=PATIENCE)
    head = page.locator(".MuiCardHeader-root").filter(has_text=re.compile("^Variants$"))
    # Far from the arrow; `click` waits until the head has stopped moving while the first answer is laid out.
    head.click(position={"x": 20, "y": 20})
    page.get_by_text("(control)").wait_for(timeout=PATIENCE)
