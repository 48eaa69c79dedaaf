from __future__ import annotations

import functools
import json
import re
from html import unescape

import numpy as np
import pytest

from expsim_panel import engine
from expsim_panel.exports import html
from expsim_panel.named_estimator import LABELS, rows
from expsim_panel.plots import power_curve as curves
from expsim_panel.plots import power_surface as maps
from expsim_panel.results import Result
from expsim_panel.study import Study
from expsim_panel.surface import METRICS, PowerSurface, power_surface

NAMES = ("obrien-fleming", "thompson")
EVIL = "<script>alert(1)</script>$$x$$"


@functools.cache
def result() -> Result:
    study = Study.load("hallucination-prompt", (), NAMES)
    study.scenario.variants[1].name = EVIL
    study.scenario.scenario.title = f"{{{{ 7 * 7 }}}} {EVIL}"
    return study.run(replicates=200, seed=1)


@functools.cache
def surfaces() -> tuple[PowerSurface, ...]:
    return tuple(power_surface(result().study, name, effects=6, units=5, replicates=100) for name in NAMES)


@functools.cache
def page() -> str:
    return html.page(result(), surfaces())


def test_one_file_that_fetches_nothing() -> None:
    # As in the app: Panel's model classes are registered with Bokeh, and their scripts must stay out.
    import panel_material_ui  # noqa: F401

    page.cache_clear()
    assert len(page()) < 4_000_000
    outside = re.sub(r"<script[^>]*>.*?</script>", "", page(), flags=re.DOTALL)
    assert not re.findall(r"<script[^>]*\bsrc=", page())
    assert not re.findall(r"""\b(?:src|href|action|data)\s*=\s*["']?(?:https?:)?//""", outside)
    assert "@import" not in outside
    assert [link for link in re.findall(r"<link\b[^>]*>", page()) if 'href="data:,"' not in link] == []
    assert outside.count("<html") == 1
    assert "MathJax" not in page()[-300_000:]


def test_user_text_is_escaped() -> None:
    assert "<script>alert(1)" not in page()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page()
    assert "{{ 7 * 7 }}" in page()
    title = re.search(r"<title>(.*?)</title>", page(), re.DOTALL)
    assert title is not None
    assert unescape(title[1]).strip().startswith("{{ 7 * 7 }} <script>alert(1)</script>$$x$$")


def test_verdict_advice_and_reproduction_are_there() -> None:
    text = unescape(page())
    for part in (result().verdict.sentence, result().advice.sentence, result().digest, result().request.digest):
        assert part in text


def test_what_each_estimator_is_worth_is_there() -> None:
    """The same table as on the page: every estimator with bias, coverage and errors; the naive one is not valid."""
    text, told = unescape(page()), rows(result())
    assert [row[1] for row in told] == list(LABELS.values())
    for name, label, used, off, held in told:
        assert f"{name}: {label}</th><td>{used}</td><td>{off}</td><td>{held}</td>" in text
    assert [row[2] for row in told].count("yes") == 1
    assert told[0][2] == "not valid"


def test_the_data_hold_no_nan() -> None:
    found = re.search(r'<script type="application/json"[^>]*>(.*?)</script>', page(), re.DOTALL)
    assert found is not None
    text = unescape(found[1])
    assert '"type":"number","value":"nan"' not in text
    json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} in the document"))


@pytest.mark.parametrize("index", range(len(NAMES)))
def test_the_cube_is_the_surface(index: int) -> None:
    surface = surfaces()[index]
    made = html._cube(surface)
    for metric in METRICS:
        column = made["cube"].data[metric]
        assert column.dtype == np.float32
        assert np.array_equal(column.reshape(surface.values[metric].shape), surface.values[metric].astype(np.float32))
    assert (made["errors"] is None) == surface.exact
    assert len(made["unit_texts"]) == surface.units.size
    assert made["effects"] == pytest.approx(surface.effects * 100)
    assert len(made["reach"]) == surface.units.size


def test_the_80_percent_line_lies_where_power_is_80_percent() -> None:
    fine = power_surface(result().study, "obrien-fleming")
    line = maps.iso(fine)
    assert len(line["x"]) >= 10
    for x, y in zip(line["x"], line["y"], strict=True):
        column = fine.values["power"][:, list(fine.units).index(y)]
        assert np.interp(x / 100, fine.effects, column) == pytest.approx(0.8)


def test_the_curve_of_a_row_is_the_row() -> None:
    exact, simulated = surfaces()
    shape = curves.of_row(exact, 2, "days")
    assert np.array_equal(shape.line["y"], exact.values["days"][:, 2])
    assert len(shape.points["x"]) == 0
    points = curves.of_row(simulated, 1, "power").points
    assert np.array_equal(points["y"], simulated.values["power"][:, 1])
    assert all(low <= y <= high for low, y, high in zip(points["low"], points["y"], points["high"], strict=True))


def test_progress_and_cancel_reach_the_surfaces() -> None:
    seen: list[int] = []
    with pytest.raises(engine.Cancelled):
        html.write(
            result(),
            ["obrien-fleming"],
            progress=lambda done, total: seen.append(done),
            cancelled=lambda: len(seen) > 20,
        )
    assert len(seen) == 21
    assert seen == sorted(seen)
