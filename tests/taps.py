"""Taps on a plot that may still be moving: a page that is being laid out takes the place from under the pointer."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page


def tap_until(page: Page, place: Callable[[], list[float]], done: Callable[[], bool], seconds: float = 60) -> None:
    """Tap where the point is now, and again every few seconds as a person would, until something has happened."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        page.mouse.click(*place())
        for _ in range(30):
            if done():
                return
            page.wait_for_timeout(100)
    raise AssertionError(f"nothing happened within {seconds:g} s")
