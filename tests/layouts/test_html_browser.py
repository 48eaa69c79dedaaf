"""The static page in a browser, from a file, without a server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from taps import tap_until

from expsim_panel.exports import html
from expsim_panel.study import Study
from expsim_panel.surface import power_surface

if TYPE_CHECKING:
    from playwright.sync_api import Page

NAMES = ("obrien-fleming", "thompson")


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    study = Study.load("hallucination-prompt", (), NAMES)
    study.scenario.variants[1].name = "<img src=x onerror=alert(1)> $$x$$"
    result = study.run(replicates=200, seed=1)
    surfaces = [power_surface(study, name, replicates=100, effects=12, units=10) for name in NAMES]
    path: Path = tmp_path_factory.mktemp("export") / "surface.html"
    path.write_text(html.page(result, surfaces), encoding="utf-8")
    return path.as_uri()


@pytest.fixture
def opened(quiet_page: Page, address: str) -> Iterator[Page]:
    said: list[str] = []
    quiet_page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    quiet_page.goto(address)
    quiet_page.wait_for_function("window.Bokeh && Bokeh.documents.length && Bokeh.documents[0].is_idle")
    yield quiet_page
    assert said == []


def source(page: Page, name: str) -> dict[str, list[Any]]:
    code = """name => {
        const seen = Bokeh.documents[0].all_models ?? Bokeh.documents[0]._all_models.values();
        for (const model of seen) if (model.name === name && model.data)
            return Object.fromEntries(Object.entries(model.data).map(([key, column]) => [key, Array.from(column)]));
    }"""
    found: dict[str, list[Any]] = page.evaluate(code, name)
    return found


def test_a_tap_moves_curve_and_figures(opened: Page) -> None:
    before, says = source(opened, "line"), opened.locator("#says").inner_text()
    centre = """() => {
        const view = Bokeh.index.find_one_by_id(Bokeh.documents[0].get_model_by_name('map').id);
        const box = view.el.getBoundingClientRect(), inner = view.canvas_view.el.getBoundingClientRect();
        const frame = view.frame.bbox;
        return [inner.x + frame.left + frame.width * 0.93, inner.y + frame.top + frame.height * 0.06];
    }"""
    # The title alone would leave the map below the window.
    opened.evaluate("document.getElementById('map-title').scrollIntoView({block: 'start'})")
    tap_until(opened, lambda: opened.evaluate(centre), lambda: opened.locator("#says").inner_text() != says)
    after = source(opened, "line")
    assert after["y"] != before["y"]
    chosen = source(opened, "chosen")
    assert chosen["top"][0] > source(opened, "own")["y"][0]
    assert source(opened, "here")["x"][0] == pytest.approx((chosen["left"][0] + chosen["right"][0]) / 2)


def test_every_choice_has_a_name_and_works_by_keyboard(opened: Page) -> None:
    before = source(opened, "line")
    traffic = opened.get_by_role("combobox", name="Traffic", exact=True)
    traffic.focus()
    opened.keyboard.press("ArrowDown")
    assert source(opened, "line")["y"] != before["y"]
    opened.get_by_role("combobox", name="Show", exact=True).select_option(label="Expected cost of the experiment")
    assert max(source(opened, "line")["y"]) > 1
    assert "Expected cost" in opened.locator("#map-title").inner_text()
    opened.get_by_role("combobox", name="True improvement", exact=True).select_option(label="none")
    assert source(opened, "here")["x"] == [0]
    assert "without any difference" in opened.locator("#label-power").inner_text()


def test_another_strategy_brings_its_own_cells(opened: Page) -> None:
    before = source(opened, "cells")
    plan = opened.locator("#value-days").inner_text()
    opened.get_by_role("combobox", name="Strategy", exact=True).select_option(label="thompson")
    after = source(opened, "cells")
    assert len(after["value"]) != len(before["value"])
    points = source(opened, "points")
    assert len(points["x"]) > 3
    assert all(low <= high for low, high in zip(points["low"], points["high"], strict=True))
    assert source(opened, "line")["x"] == []
    opened.get_by_role("combobox", name="Strategy", exact=True).select_option(label="obrien-fleming")
    assert source(opened, "cells")["value"] == pytest.approx(before["value"], abs=1e-6)
    assert opened.locator("#value-days").inner_text() == plan


def test_nothing_of_the_user_s_text_is_run(opened: Page) -> None:
    assert opened.locator("img").count() == 0


@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_never_scrolls_sideways(opened: Page, width: int) -> None:
    opened.set_viewport_size({"width": width, "height": 844})
    opened.wait_for_timeout(200)
    assert opened.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
