"""The first page: what the server's answer holds before any script has run, and how the live page takes over."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from expsim_panel.layouts import opening, shell
from expsim_panel.layouts.opening import Shelf
from expsim_panel.layouts.pages import verdict
from expsim_panel.layouts.session import Session

if TYPE_CHECKING:
    from playwright.sync_api import Page

LAYOUTS = Path(__file__).resolve().parents[2] / "layouts"


def small(session: Session) -> Session:
    session.edit(("replicates",), 200)
    return session


def test_an_opening_fits_only_its_own_request() -> None:
    shelf, session = Shelf(), small(Session())
    request = session.study.freeze()
    assert shelf.take(request) is None
    made = shelf.prepare(request).result(60)
    assert shelf.prepare(request).result(60) is made
    found = shelf.take(request)
    assert found is not None
    assert found.result.complete
    assert set(found.exact) == {one.name for one in session.study.strategies}
    assert shelf.take(replace(request, seed=request.seed + 1)) is None
    assert shelf.take(replace(request, luck=request.luck + 1)) is None
    found.exact.clear()
    again = shelf.take(request)
    assert again is not None
    assert again.exact


def test_a_failed_opening_is_no_opening_and_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(request: object) -> None:
        raise ValueError("no")

    shelf, request = Shelf(), small(Session()).study.freeze()
    with monkeypatch.context() as broken:
        broken.setattr(opening, "_compute", fail)
        assert isinstance(shelf.prepare(request).exception(60), ValueError)
        assert shelf.take(request) is None
    assert shelf.prepare(request).result(60).result.complete


def test_two_sessions_start_with_the_same_result_and_part_company(monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = Shelf()
    monkeypatch.setattr("expsim_panel.layouts.session.SHELF", shelf)
    one, two = small(Session()), small(Session())
    assert not one.start()
    assert one.status == "ready"
    shelf.prepare(one.study.freeze()).result(60)
    assert one.start()
    assert two.start()
    assert one.result is two.result
    assert one.status == "done"
    assert one.fresh
    one.edit(("scenario", "indifference"), 0.2)
    assert not one.fresh
    assert two.fresh
    assert one.study is not two.study


def test_what_the_shell_is_given_is_escaped() -> None:
    made = shell.variables("<b>x</b>", "<p>head</p>", 'a"</script><script>', True, True)
    assert made["title"] == "&lt;b&gt;x&lt;/b&gt;"
    assert "</script" not in made["script"]
    assert '"' not in made["bundle"]
    assert made["state"] == "closed"
    assert "<p>head</p>" in made["head"]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Serve as `expsim serve` does."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "expsim_panel", "serve", "--port", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=LAYOUTS.parent)
    url = f"http://127.0.0.1:{port}/app"
    try:
        wait_for(url, server)
        yield url
    finally:
        server.terminate()
        server.wait(20)


def wait_for(url: str, server: subprocess.Popen[bytes]) -> str:
    """Ask until the answer holds the prepared verdict, and return it."""
    for _ in range(240):
        try:
            with urllib.request.urlopen(url, timeout=30) as answer:
                text = answer.read().decode()
            if '<section class="verdict"' in text:
                return str(text)
        except OSError:
            assert server.poll() is None, "the server ended"
        time.sleep(0.25)
    raise AssertionError("the opening study was never prepared")


def test_the_answer_holds_the_verdict_before_any_script(address: str) -> None:
    with urllib.request.urlopen(address, timeout=30) as answer:
        text = answer.read().decode()
    head, scripts = text.split('id="shell"')[1].split("<script", 1)
    assert 'aria-busy="true"' in head
    assert "<h1>" in head
    assert "data-root-id" in scripts
    assert "http://" not in text.replace("http://www.w3.org", "")
    assert "<script" not in text.split('id="shell"')[0].split("</title>")[1]


def test_a_bad_name_in_the_head_stays_text() -> None:
    session = small(Session())
    session.edit(("variants", 1, "name"), "<img src=x onerror=alert(1)>")
    assert "<img" not in verdict.text(session)


@pytest.mark.parametrize(("width", "query"), [(1440, ""), (1440, "?theme=dark"), (390, "")])
def test_the_live_page_takes_over_where_the_shell_stood(quiet_page: Page, address: str, width: int, query: str) -> None:
    page = quiet_page
    page.set_viewport_size({"width": width, "height": 844})
    # Keep where the shell's sentence stood: by the time a test can ask, the shell may be gone.
    page.add_init_script(
        """document.addEventListener("DOMContentLoaded", () => {
          const box = (e) => { const b = e.getBoundingClientRect(); return [b.x, b.y, b.width, b.height] }
          for (const e of document.querySelectorAll("#shell *")) {
            const h1 = e.shadowRoot?.querySelector("h1")
            if (h1) window.__stood = [h1.innerText, ...box(h1)]
          }
        })"""
    )
    page.goto(address + query)
    page.wait_for_function("() => !document.querySelector('#shell')", timeout=60_000)
    heading = page.get_by_role("heading", level=1)
    heading.wait_for()
    assert heading.count() == 1
    stood = page.evaluate("() => window.__stood")
    box = heading.bounding_box()
    assert box is not None
    assert heading.inner_text() == stood[0]
    assert [box["x"], box["y"], box["width"], box["height"]] == pytest.approx(stood[1:], abs=4)
    if width > 700:
        assert page.get_by_role("slider").first.is_visible()


def test_without_scripts_the_page_still_says_its_verdict(address: str, browser: object) -> None:
    context = browser.new_context(java_script_enabled=False)  # type: ignore[attr-defined]
    page = context.new_page()
    page.goto(address)
    assert page.get_by_role("heading", level=1).inner_text()
    context.close()


def test_a_view_asked_for_before_the_figures_are_there_is_the_first_view(quiet_page: Page, address: str) -> None:
    page = quiet_page
    page.goto(address)
    page.get_by_role("tab", name="Surfaces").click()
    page.get_by_text("How known").wait_for(timeout=60_000)
    page.get_by_role("tab", name="Watch").click()
    page.get_by_role("button", name="Another experiment").wait_for(timeout=60_000)


def test_the_first_stop_of_the_keyboard_skips_the_form(quiet_page: Page, address: str) -> None:
    page = quiet_page
    page.goto(address)
    page.wait_for_function("() => !document.querySelector('#shell')", timeout=60_000)
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip the form")
    assert skip.evaluate("one => one === document.activeElement && one.getBoundingClientRect().top >= 0")
    page.keyboard.press("Enter")
    assert page.get_by_role("tab", name="Watch").evaluate("one => one.matches(':focus')")
