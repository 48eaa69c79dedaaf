"""Number boxes of the bandit pages in a real browser: an emptied one stays empty, where the toolkit shows 0."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page


def _others() -> Any:
    """Return the browser test of the page, whose server and way in are used here too."""
    path = Path(__file__).with_name("test_bandit_browser.py")
    spec = importlib.util.spec_from_file_location("bandit_browser", path)
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


_APP = _others()
address = _APP.address
PATIENCE = _APP.PATIENCE


def emptied(page: Page, box: Locator) -> None:
    box.click()
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")
    page.keyboard.press("Enter")
    box.blur()


@pytest.mark.parametrize(
    ("name", "typed", "written"), [("Requests", "3000", "3,000"), ("Seed of the bandits", "7000", "7000")]
)
def test_an_emptied_box_is_empty_and_asks_for_a_number(
    quiet_page: Page, address: str, name: str, typed: str, written: str
) -> None:
    page = quiet_page
    page.set_viewport_size({"width": 1440, "height": 2600})
    _APP.opened(page, address)
    box = page.get_by_role("textbox", name=name, exact=True)
    emptied(page, box)
    page.get_by_role("alert").filter(has_text="give a whole number").wait_for(timeout=PATIENCE)
    assert box.input_value() == ""
    box.click()
    page.keyboard.type(typed, delay=20)
    page.keyboard.press("Enter")
    page.get_by_role("alert").filter(has_text="give a whole number").wait_for(state="detached", timeout=PATIENCE)
    assert box.input_value() == written
