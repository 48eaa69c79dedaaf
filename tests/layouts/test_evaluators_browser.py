"""The Evaluators page in a real browser."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Page


def _others() -> Any:
    """Return the module with the served app: tests are no package."""
    path = Path(__file__).with_name("test_app_browser.py")
    spec = importlib.util.spec_from_file_location("served_app", path)
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


_APP = _others()
address = _APP.address
PATIENCE = _APP.PATIENCE


def typed(page: Page, text: str) -> None:
    """Type a budget as a person does: the toolkit's number box takes no pasted text, and wants to be left first."""
    budget = page.get_by_role("textbox", name="Budget for scoring")
    budget.blur()
    budget.click()
    page.keyboard.press("Control+a")
    page.keyboard.type(text, delay=20)
    page.keyboard.press("Enter")


def test_a_profile_a_bad_value_and_a_narrow_window(quiet_page: Page, address: str) -> None:
    page = quiet_page
    _APP.opened(page, address)
    page.get_by_role("tab", name="Evaluators").click()
    page.get_by_text(re.compile("Dots: 20,000 simulated")).wait_for(timeout=PATIENCE)
    said = page.get_by_text(re.compile(r"^For \$[0-9,.]+, measure coherence"))
    before = said.inner_text()
    told = page.get_by_text(re.compile("label and score correlate by")).inner_text()
    _APP.choose(page, "Judge: numbers of", "small-llm")
    page.get_by_text(re.compile("label and score correlate by")).filter(has_not_text=told).wait_for(timeout=PATIENCE)
    typed(page, "0.5")
    alert = page.get_by_role("alert").filter(has_text="two labels and scores")
    alert.wait_for(timeout=PATIENCE)
    assert "\n" not in alert.inner_text().strip()
    assert said.count() == 1
    typed(page, "400")
    said.filter(has_text="$400").wait_for(timeout=PATIENCE)
    assert said.inner_text() != before
    page.set_viewport_size({"width": 390, "height": 844})
    page.wait_for_timeout(800)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390


def test_an_unset_number_is_an_empty_box(quiet_page: Page, address: str) -> None:
    page = quiet_page
    page.set_viewport_size({"width": 1440, "height": 2600})
    _APP.opened(page, address)
    page.get_by_role("button", name="Price and time").first.click()
    box = page.get_by_role("textbox", name="Price per judge call, $")
    box.wait_for(timeout=PATIENCE)
    assert (box.input_value(), box.get_attribute("placeholder")) == ("", "not set")
    assert page.get_by_role("textbox", name="Tokens per second").input_value() == ""
    # What is typed is written with its thousands, and what is taken away leaves the box empty again.
    box.click()
    page.keyboard.type("1234.5", delay=20)
    page.keyboard.press("Enter")
    box.blur()
    page.wait_for_function(
        "([box, told]) => box.value === told", arg=[box.element_handle(), "1,234.5"], timeout=PATIENCE
    )
    box.click()
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")
    box.blur()
    page.wait_for_function("([box, told]) => box.value === told", arg=[box.element_handle(), ""], timeout=PATIENCE)
