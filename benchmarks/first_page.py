"""How long a visitor waits for the first page, in Chromium, with a cold and with a warm browser cache.

Run ``python benchmarks/first_page.py`` on a quiet machine; ``--visits N`` for more visits, of which the quickest
counts. The server is started as ``expsim serve`` does and has had one visitor before anything is measured.

Every time is in milliseconds from the start of the navigation:

paint
    First contentful paint, as the browser reports it.
page
    A readable page: title bar, and the verdict or its skeleton, on screen.
verdict
    The sentence of the verdict is on screen: in the shell that the server's answer carries, or live.
form
    A slider of the form is on screen, attached to the session, and the browser's thread has time for it.
live
    The verdict is the live one, and nothing of the shell is left.
plot
    The first figure holds data and has been drawn.
moved
    How far things that were on screen have been pushed since (cumulative layout shift; 0.1 is "good").
"""

from __future__ import annotations

import argparse
import contextlib
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import BrowserContext, Playwright, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))
from conftest import FLAGS, browser_path  # noqa: E402

STAGES = ("paint", "page", "verdict", "form", "live", "plot")

WATCH = """(() => {
  const seen = window.__seen = {moved: 0}
  const note = (name) => { if (!(name in seen)) seen[name] = Math.round(performance.now()) }
  const deep = (root, selector) => {
    const hit = root.querySelector(selector)
    if (hit) return hit
    for (const one of root.querySelectorAll("*"))
      if (one.shadowRoot) { const found = deep(one.shadowRoot, selector); if (found) return found }
    return null
  }
  const shown = (selector) => { const e = deep(document, selector); return e && e.getBoundingClientRect().height > 4 }
  new PerformanceObserver((list) => {
    for (const one of list.getEntries())
      if (one.name === "first-contentful-paint") seen.paint = Math.round(one.startTime)
  }).observe({type: "paint", buffered: true})
  new PerformanceObserver((list) => { for (const one of list.getEntries()) seen.moved += one.value })
    .observe({type: "layout-shift", buffered: true})
  const drawn = () => {
    for (const doc of window.Bokeh?.documents ?? []) for (const one of doc.all_models)
      if (one.type === "Figure") {
        const view = Bokeh.index.find_one(one)
        if (view?.has_finished() && one.renderers.some((r) => (r.data_source?.get_length() ?? 0) > 0)) return true
      }
    return false
  }
  const look = () => {
    if (!document.body) return
    if (!("page" in seen) && shown(".verdict") && shown("header, #shell > .bar")) note("page")
    if (!("form" in seen) && shown("input[type=range]") && !document.querySelector("#shell > .side")) note("form")
    if (!("live" in seen) && !document.querySelector("#shell") && shown("section.verdict h1")) note("live")
    if (!("verdict" in seen) && shown("section.verdict h1")) note("verdict")
    if (!("plot" in seen) && drawn()) note("plot")
    if (STAGES.every((name) => name in seen)) { clearInterval(timer); seen.all = true }
  }
  const timer = setInterval(look, 25)
})()""".replace("STAGES", str(list(STAGES)))


@contextlib.contextmanager
def served() -> Iterator[str]:
    """Yield the address of a server that has been up long enough to be asked."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "expsim_panel", "serve", "--port", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT)
    try:
        for _ in range(240):
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"http://127.0.0.1:{port}/static/js/bokeh.min.js", timeout=2)
                break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}/app"
    finally:
        server.terminate()
        server.wait(20)


@contextlib.contextmanager
def visitor(play: Playwright, folder: str) -> Iterator[BrowserContext]:
    """Yield a browser whose cache lives in `folder`, as a visitor's does: compiled scripts are kept there too."""
    context = play.chromium.launch_persistent_context(
        folder, executable_path=browser_path(), args=FLAGS, viewport={"width": 1440, "height": 900}
    )
    context.add_init_script(WATCH)
    try:
        yield context
    finally:
        context.close()


def visit(context: BrowserContext, address: str) -> dict[str, float]:
    """Open the page once and return what was seen when."""
    page = context.new_page()
    page.goto(address, wait_until="commit")
    page.wait_for_function("() => window.__seen && window.__seen.all", timeout=60_000)
    page.wait_for_timeout(1500)
    seen: dict[str, float] = page.evaluate("() => window.__seen")
    page.close()
    return seen


def measure(address: str, visits: int) -> dict[str, list[dict[str, float]]]:
    """Return the visits with a cold and those with a warm cache."""
    cold, warm = [], []
    with sync_playwright() as play:
        for _ in range(visits):
            with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, visitor(play, folder) as context:
                cold.append(visit(context, address))
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, visitor(play, folder) as context:
            # Chromium keeps a script's machine code after its second run.
            for number in range(visits + 2):
                seen = visit(context, address)
                if number >= 2:
                    warm.append(seen)
    return {"cold cache": cold, "warm cache": warm}


def main() -> None:
    """Measure and print a table."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--visits", type=int, default=5)
    asked.add_argument("--address", help="a running server instead of one of its own")
    given = asked.parse_args()
    with contextlib.nullcontext(given.address) if given.address else served() as address:
        urllib.request.urlopen(address, timeout=60).read()
        with (
            sync_playwright() as play,
            tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
            visitor(play, folder) as context,
        ):
            visit(context, address)
        found = measure(address, given.visits)
    print(f"{'':12}" + "".join(f"{name:>16}" for name in (*STAGES, "moved")))
    for name, seen in found.items():
        cells = []
        for stage in STAGES:
            times = sorted(one[stage] for one in seen)
            cells.append(f"{times[0]:.0f} ({times[len(times) // 2]:.0f})")
        cells.append(f"{max(one['moved'] for one in seen):.3f}")
        print(f"{name:12}" + "".join(f"{cell:>16}" for cell in cells))
    print("ms: quickest (median) of the visits; moved: the largest")


if __name__ == "__main__":
    main()
