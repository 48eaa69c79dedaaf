"""Fixtures for all tests: the browser, and who may run without one."""

from __future__ import annotations

import gc
import os
import shutil
from collections.abc import Generator, Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
# Chromium as root in a container, without its own requests to the vendor's hosts.
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# Files of a minute of processor time and more in a cold environment, longest first.
LONGEST = (
    "test_acceptance",
    "test_several_acceptance",
    "test_several_rules",
    "test_plugins",
    "test_validation",
    "test_parity",
    "test_bandit_oracle",
    "test_bandit_kinds",
    "test_cli",
    "test_bandit_policies",
    "test_offline",
    "test_bandit_worlds",
    "test_adaptive_stopping",
    "test_hybrid",
    "test_bandit_inference",
    "test_recipe",
)
OWN_HOSTS = {"127.0.0.1", "localhost", "::1"}
OWN_SCHEMES = {"about", "blob", "chrome-error", "data", "file"}


def browser_path() -> str | None:
    """Return the first installed browser: the system's own, as Playwright's download needs another network."""
    return next((path for path in map(shutil.which, BROWSERS) if path), None)


def why_no_browser() -> str:
    """Return the reason why browser tests cannot run here; empty if they can."""
    if find_spec("pytest_playwright") is None:
        return "pytest-playwright is not installed: pip install '.[test]'"
    if browser_path() is None:
        return f"no browser found: install one of {', '.join(BROWSERS)}"
    return ""


def is_own(url: str) -> bool:
    """Tell whether `url` stays on this machine."""
    parts = urlsplit(url)
    return parts.scheme in OWN_SCHEMES or parts.hostname in OWN_HOSTS


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Let the garbage collector pass over what stays until the end: all tests, and every module that they import.

    It looked at ten thousand growing tests again and again: a third of the time that it took to collect them (measured).
    Afterwards it looks for what refers to itself less often than Python does, which makes compiling quicker by a
    tenth (measured); arrays of results are no such thing, and go at once.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(20_000, 20, 20)
        gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test that asks for a page as a browser test, and put those last; the longest files come first.

    Playwright's synchronous interface leaves an event loop running in the main thread until the session ends;
    a test that starts a loop of its own (``asyncio.run``) would fail after it. A long file that begins late keeps one
    worker busy while the others have nothing left (``--no-loadscope-reorder``: xdist would sort by number of tests).
    """
    first = {name: place for place, name in enumerate(LONGEST)}
    for item in items:
        if {"page", "quiet_page", "browser"} & set(getattr(item, "fixturenames", ())):
            item.add_marker("browser")
    items.sort(
        key=lambda item: (item.get_closest_marker("browser") is not None, first.get(item.path.stem, len(LONGEST)))
    )


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip browser tests where there is no browser; with ``EXPSIM_REQUIRE_BROWSER=1`` (CI) fail instead."""
    if item.get_closest_marker("browser") is None:
        return
    reason = why_no_browser()
    if reason and os.environ.get("EXPSIM_REQUIRE_BROWSER") == "1":
        pytest.fail(f"EXPSIM_REQUIRE_BROWSER=1, but {reason}", pytrace=False)
    elif reason:
        pytest.skip(reason)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Start the installed browser instead of Playwright's own download."""
    return {**browser_type_launch_args, "executable_path": browser_path(), "args": FLAGS}


@pytest.fixture(scope="session")
def base_url() -> None:
    """Tests name their server themselves.

    Overridden because pytest-playwright 0.10 defines it in a way that pytest 9.2 warns about, and warnings are
    errors here: this needs no filter.
    """


class PageWatch:
    """What a page did that no page of ours may do: uncaught errors, and requests to other hosts."""

    def __init__(self, page: Page) -> None:
        self.problems: list[str] = []
        page.on("pageerror", lambda error: self.problems.append(f"page error: {error}"))
        page.on("request", lambda request: self._address("request", request.url))
        page.on("websocket", lambda socket: self._address("websocket", socket.url))

    def _address(self, what: str, url: str) -> None:
        if not is_own(url):
            self.problems.append(f"{what} to another host: {url[:200]}")


@pytest.fixture
def page_watch(page: Page) -> PageWatch:
    """Watch `page` from before its first request."""
    return PageWatch(page)


@pytest.fixture
def quiet_page(page: Page, page_watch: PageWatch) -> Iterator[Page]:
    """Yield a page; at the end fail if it raised an error or asked another host for anything."""
    yield page
    assert page_watch.problems == []
