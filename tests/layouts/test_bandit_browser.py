"""The bandit page and the static page of a bandit result in a real browser."""

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
from taps import tap_until

from expsim_panel import bandit
from expsim_panel.bandit_problems import play
from expsim_panel.exports.bandit_html import page as static_page
from expsim_panel.exports.problem_html import page as problem_page

if TYPE_CHECKING:
    from playwright.sync_api import Page

APP = Path(__file__).resolve().parents[2] / "layouts" / "app.py"
PATIENCE = 60_000
TAB = "A/B or bandit?"

SPOT = """(name) => {
  for (const source of Bokeh.documents[0].all_models) if (source.name === "frontier" && source.data.said?.length)
    for (const plot of Bokeh.documents[0].all_models) if (plot.title?.text === "Loss and wrong decisions")
      for (const view of Bokeh.index.find(plot)) {
        const box = view.el.getBoundingClientRect(), k = source.data.said.findIndex((one) => one.startsWith(name))
        if (box.width && k >= 0) return [box.left + view.frame.x_scale.compute(source.data.x[k]),
                                         box.top + view.frame.y_scale.compute(source.data.y[k])]
      }
}"""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "panel", "serve", str(APP), "--port", str(port), "--address", "127.0.0.1"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(120):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/static/js/bokeh.min.js", timeout=2)
                break
            except OSError:
                assert server.poll() is None, "the server ended"
                time.sleep(0.25)
        yield f"http://127.0.0.1:{port}/app"
    finally:
        server.terminate()
        server.wait(20)


def opened(page: Page, address: str) -> None:
    page.goto(address)
    page.get_by_text(re.compile("experiments per strategy and world in")).wait_for(timeout=PATIENCE)
    page.locator("#shell").wait_for(state="detached", timeout=PATIENCE)
    page.get_by_role("tab", name=TAB).click()
    page.get_by_role("heading", level=2).filter(has_text="fewer good answers").wait_for(timeout=PATIENCE)


def test_an_answer_a_change_a_price_and_a_bad_value(quiet_page: Page, address: str) -> None:
    page = quiet_page
    opened(page, address)
    assert page.get_by_role("heading", level=2).filter(has_text="than an even split in 5,000 requests").count() == 1
    means = page.get_by_role("textbox", name="Mean of each arm")
    means.fill("0.3, 0.5")
    means.press("Enter")
    page.get_by_text("500 good answers").first.wait_for(timeout=PATIENCE)
    worth = page.get_by_role("textbox", name="Worth of one, $")
    worth.fill("0.5")
    worth.press("Enter")
    said = page.get_by_role("heading", level=2).filter(has_text=re.compile(r"loses \$[0-9.]+ less than an even split"))
    said.wait_for(timeout=PATIENCE)
    before = said.inner_text()
    means.fill("0.3, <b>x</b>")
    means.press("Enter")
    alert = page.get_by_role("alert").filter(has_text="no list of numbers")
    alert.wait_for(timeout=PATIENCE)
    assert "\n" not in alert.inner_text().strip()
    assert "<b>x</b>" in alert.inner_text()
    assert said.inner_text() == before


def test_a_tapped_dot_brings_its_policy(quiet_page: Page, address: str) -> None:
    page = quiet_page
    page.set_viewport_size({"width": 1440, "height": 1800})
    opened(page, address)
    focus = page.get_by_role("combobox", name="Policy in focus")
    focus.filter(has_text="thompson").wait_for(timeout=PATIENCE)
    page.wait_for_function(f"() => ({SPOT})('ucb1')")
    # The folds above the plots push them down; in a window only what is in sight can be tapped.
    focus.evaluate("(one) => one.scrollIntoView({block: 'start'})")
    tap_until(page, lambda: page.evaluate(SPOT, "ucb1"), lambda: "ucb1" in focus.inner_text())


def test_loss_over_a_number(quiet_page: Page, address: str) -> None:
    page = quiet_page
    page.set_viewport_size({"width": 1440, "height": 1800})
    opened(page, address)
    page.get_by_role("button", name="Draw", exact=True).click()
    page.get_by_text("experiments at each level").wait_for(timeout=PATIENCE)
    seen = """() => [...Bokeh.documents[0].all_models].some(
      (one) => one.name === "curve-lines" && one.data.ys.length === 5 && one.data.ys[0].length === 7)"""
    page.wait_for_function(seen)


def test_compare_shows_the_frontier(quiet_page: Page, address: str) -> None:
    page = quiet_page
    opened(page, address)
    page.get_by_role("tab", name="Compare").click()
    page.get_by_text("One dot per strategy").wait_for(timeout=PATIENCE)
    page.wait_for_function(f"() => ({SPOT})('thompson')")


@pytest.mark.parametrize("width", [390, 1440])
def test_the_page_never_scrolls_sideways(quiet_page: Page, address: str, width: int) -> None:
    page = quiet_page
    page.set_viewport_size({"width": width, "height": 844})
    opened(page, address)
    page.wait_for_timeout(800)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width
    said = page.get_by_role("heading", level=2).filter(has_text="fewer good answers")
    # The answer may still be laid out when it appears; what counts is where it comes to stand.
    for _ in range(50):
        box = said.bounding_box()
        if box is not None and box["x"] + box["width"] <= width:
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"the answer stands at {box} in a window of {width}")


def test_the_static_page_switches_policy_and_unit(quiet_page: Page, tmp_path: Path) -> None:
    page = quiet_page
    found = bandit([0.4, 0.5, 0.7], ["even", "ucb1", "thompson"], 400, replicates=100, seed=3)
    path = tmp_path / "bandit.html"
    path.write_text(static_page(found, 0.5), encoding="utf-8")
    page.goto(path.as_uri())
    page.wait_for_function("window.Bokeh && Bokeh.documents.length && Bokeh.documents[0].is_idle")
    read = """(name) => {
      for (const one of Bokeh.documents[0].all_models) if (one.name === name)
        return Object.fromEntries(Object.entries(one.data).map(([key, column]) => [key, Array.from(column)]))
    }"""
    last = page.evaluate(read, "regret-band")["high"][-1]
    assert last == pytest.approx(0.5 * float(found["thompson"].band[2, -1]))
    page.get_by_role("combobox", name="Policy in focus").select_option(label="ucb1")
    assert page.evaluate(read, "regret-band")["high"][-1] == pytest.approx(0.5 * float(found["ucb1"].band[2, -1]))
    page.get_by_role("combobox", name="Loss in").select_option(label="good answers lost")
    assert page.evaluate(read, "regret-band")["high"][-1] == pytest.approx(float(found["ucb1"].band[2, -1]))
    assert page.evaluate(read, "frontier")["x"][0] == pytest.approx(float(found["even"].regret.exact))
    page.get_by_role("combobox", name="Policy in focus").select_option(label="thompson")
    assert page.evaluate(read, "regret-band")["high"][-1] == pytest.approx(float(found["thompson"].band[2, -1]))
    page.set_viewport_size({"width": 390, "height": 844})
    page.wait_for_timeout(500)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390


SIZES = "&horizon=1000&replicates=200"
READ = """(name) => {
  for (const one of Bokeh.documents[0].all_models) if (one.name === name && one.data.high?.length)
    return Object.fromEntries(Object.entries(one.data).map(([key, column]) => [key, Array.from(column)]))
}"""


def test_a_link_a_bad_value_and_another_kind(quiet_page: Page, address: str) -> None:
    page = quiet_page
    page.goto(f"{address}?problem=guardrail{SIZES}")
    said = page.get_by_role("heading", level=2).filter(has_text="by an arm over the limit")
    said.wait_for(timeout=PATIENCE)
    assert page.get_by_role("tab", name=TAB).get_attribute("aria-selected") == "true"
    page.get_by_role("link", name="Link to this problem").wait_for(timeout=PATIENCE)
    before = said.inner_text()
    rates = page.get_by_role("textbox", name="Rate of bad events of each arm")
    rates.fill("0.01, <b>x</b>")
    rates.press("Enter")
    alert = page.get_by_role("alert").filter(has_text="bandit [guardrail]: '0.01, <b>x</b>' is not a list of numbers")
    alert.wait_for(timeout=PATIENCE)
    assert rates.get_attribute("aria-invalid") == "true"
    assert said.inner_text() == before
    rates.fill("0.01, 0.01, 0.01, 0.01")
    rates.press("Enter")
    page.get_by_role("heading", level=2).filter(has_text="in 1,000 requests; an even split").wait_for(timeout=PATIENCE)
    page.get_by_role("combobox", name="Kind of problem").click()
    page.get_by_role("menuitem", name=re.compile("^Duels")).click()
    page.get_by_role("heading", level=2).filter(has_text="names the winner, arm 0").wait_for(timeout=PATIENCE)


def test_on_a_phone_nothing_scrolls_sideways(quiet_page: Page, address: str) -> None:
    page = quiet_page
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{address}?problem=budget{SIZES}")
    said = page.get_by_role("heading", level=2).filter(has_text="good answers for $")
    said.wait_for(timeout=PATIENCE)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
    for _ in range(50):
        box = said.bounding_box()
        if box is not None and box["x"] + box["width"] <= 390:
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"the answer stands at {box} in a window of 390")


@pytest.mark.parametrize("width", [390, 1440])
def test_the_static_page_switches_the_policy_and_fits_its_names(quiet_page: Page, tmp_path: Path, width: int) -> None:
    page = quiet_page
    page.set_viewport_size({"width": width, "height": 844})
    given = {"means": "0.65,0.62,0.72", "guardrail": "0.01,0.01,0.06", "limit": 0.03}
    found = play("metered", given, ["even", "thompson", "guardrailed-thompson"], 500, replicates=100, seed=3)
    path = tmp_path / "problem.html"
    path.write_text(problem_page(found, given), encoding="utf-8")
    page.goto(path.as_uri())
    page.wait_for_function("window.Bokeh && Bokeh.documents.length && Bokeh.documents[0].is_idle")
    focus = page.get_by_role("combobox", name="Policy in focus")
    for name in ("thompson", "guardrailed-thompson"):
        focus.select_option(label=name)
        last = page.evaluate(READ, "regret-band")["high"][-1]
        assert last == pytest.approx(float(found[name].courses["regret"].band[2, -1]))
    page.wait_for_timeout(500)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width
    # Where the longest name ends, in pixels of the figure, by the browser's own measure of text.
    room = page.evaluate("""() => {
      const plot = Bokeh.documents[0].roots().find((one) => one.name === "regret")
      const pen = document.createElement("canvas").getContext("2d")
      pen.font = "12px Helvetica"
      const wide = plot.inner_width, {x, name} = plot.renderers.at(-3).data_source.data
      return [wide, Math.max(...name.map((one, i) => 5 + x[i] / plot.x_range.end * wide + pen.measureText(one).width))]
    }""")
    assert room[1] <= room[0]
