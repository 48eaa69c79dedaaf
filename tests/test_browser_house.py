"""The fixture that watches pages must itself notice: a blind one would pass everything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser


def test_a_page_of_our_own_is_quiet(quiet_page: Page) -> None:
    quiet_page.goto("data:text/html,<title>own</title><script>fetch('data:,x')</script>")
    assert quiet_page.title() == "own"


def test_page_errors_are_noticed(page: Page, page_watch: Any) -> None:
    page.goto("data:text/html,<script>setTimeout(() => { throw new Error('broken') })</script>")
    page.wait_for_timeout(100)
    assert [problem for problem in page_watch.problems if "broken" in problem]


def test_requests_to_other_hosts_are_noticed(page: Page, page_watch: Any) -> None:
    # A reserved name that resolves nowhere (RFC 2606): the request is seen, and nothing leaves the machine.
    page.goto("data:text/html,<img src='http://font-host.invalid/a.png'>")
    page.wait_for_timeout(100)
    assert page_watch.problems == ["request to another host: http://font-host.invalid/a.png"]
