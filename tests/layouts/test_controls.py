"""Widgets follow the declarations: every Param has one, with its label, unit, bounds and help."""

from __future__ import annotations

import asyncio
from typing import Any

import param
import pytest

from expsim_panel.design import designs
from expsim_panel.evaluation import evaluators
from expsim_panel.latency import Latency
from expsim_panel.layouts.controls import fields, shape
from expsim_panel.layouts.pages.sidebar import Sidebar
from expsim_panel.layouts.session import Session
from expsim_panel.policy import policies
from expsim_panel.scenario_metric import Metric
from expsim_panel.scenario_prior import Prior
from expsim_panel.scenario_tables import About, Economics, Traffic
from expsim_panel.sections import Section
from expsim_panel.variants import Variant

SECTIONS = [About, Economics, Latency, Metric, Prior, Traffic, Variant]
PLUGINS = [*evaluators.all().values(), *designs.all().values(), *policies.all().values()]


async def ignore(path: Any, value: Any) -> None:
    """Take no change."""


def leaves(cls: type[Section]) -> int:
    count = 0
    for key in cls.fields():
        declared = cls.param[key]
        inner = declared.class_ if isinstance(declared, param.ClassSelector) else None
        if isinstance(inner, type) and issubclass(inner, Section):
            count += leaves(inner)
        elif not isinstance(declared, (param.ClassSelector, param.Dict)):
            count += 1
    return count


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("cls", [*SECTIONS, *PLUGINS], ids=lambda cls: cls.__name__)
def test_every_param_has_a_widget(cls: type[Section], binary: bool) -> None:
    made = fields(cls(), ("here",), lambda path: None, ignore, binary=binary)
    assert len(made) == leaves(cls)
    labels = [field.widget.label for field in made]
    assert len(set(labels)) == len(labels)
    for field in made:
        assert field.widget.label
        told = getattr(field.widget, "helper_text", "") or field.widget.description
        assert told == field.help != ""


@pytest.mark.parametrize("cls", [*SECTIONS, *PLUGINS], ids=lambda cls: cls.__name__)
def test_widgets_have_the_bounds_of_their_params(cls: type[Section]) -> None:
    for field in fields(cls(), (), lambda path: None, ignore, binary=False):
        if len(field.path) > 1 or not isinstance(cls.param[field.path[0]], param.Number):
            continue
        declared = cls.param[field.path[0]]
        factor = shape(declared, False).factor
        ends = [None if end is None else pytest.approx(end * factor) for end in declared.bounds or (None, None)]
        slides = hasattr(field.widget, "fixed_start")
        names = ("fixed_start", "fixed_end") if slides else ("start", "end")
        assert [getattr(field.widget, name) for name in names] == ends


def test_percent_and_points_turn_back_exactly() -> None:
    declared = evaluators.get("judge").param["sensitivity"]
    form = shape(declared, True)
    assert form.unit == "%"
    assert [form.meant(form.shown(value)) for value in (0.07, 0.29, 0.57, 1.0)] == [0.07, 0.29, 0.57, 1.0]
    mean = shape(Variant.param["mean"], True)
    assert (mean.shown(0.096), mean.meant(9.6)) == (9.6, 0.096)
    assert shape(Variant.param["mean"], False).shown(3.6) == 3.6


def test_a_widget_changes_the_session_and_an_emptied_one_complains() -> None:
    changes: list[Any] = []

    async def note(path: Any, value: Any) -> None:
        changes.append((path, value))

    made = {field.path: field for field in fields(Variant(name="B"), ("v",), lambda path: None, note, binary=True)}

    async def move() -> None:
        made[("v", "mean")].widget.value = 12.5
        made[("v", "mean")].widget.value = None
        made[("v", "price_override")].widget.value = 0.25
        made[("v", "price_override")].widget.value = None
        await asyncio.sleep(0.01)

    asyncio.run(move())
    assert changes == [
        (("v", "mean"), 0.125),
        (("v", "mean"), ""),
        (("v", "price_override"), 0.25),
        (("v", "price_override"), None),
    ]


@pytest.mark.parametrize("name", ["hallucination-prompt", "ranking-diversity"])
def test_labels_of_the_whole_form_are_unique(name: str) -> None:
    side = Sidebar(Session(name))

    def open_all(objects: list[Any]) -> None:
        for thing in objects:
            if hasattr(thing, "collapsed"):
                thing.collapsed = False
                open_all(thing.objects)

    open_all(side.cards)
    labels: list[str] = []

    def collect(objects: list[Any]) -> None:
        for thing in objects:
            if hasattr(thing, "collapsed"):
                collect(thing.objects)
            elif getattr(thing, "label", ""):
                labels.append(thing.label)

    collect(side.cards)
    assert len(labels) > 60
    assert sorted({label for label in labels if labels.count(label) > 1}) == []


def test_an_error_shows_at_its_widget() -> None:
    session = Session("hallucination-prompt")
    side = Sidebar(session)
    side.parts["variants"].card.collapsed = False
    path = ("variants", 1, "mean")
    field = side._fields["variants.1.mean"]
    assert not session.edit(path, 3.0)
    assert field.complaining
    assert session.edit(path, 0.05)
    assert not field.complaining


def test_a_list_of_looks_in_the_form_takes_the_place_of_the_number() -> None:
    from expsim_panel.layouts.form import Form

    form = Form()
    form.open("summarization-prompt")
    at = next(i for i, one in enumerate(form.study.strategies) if one.kind == "obrien-fleming")
    path = ("strategies", at)
    assert form.edit((*path, "looks"), 4)
    assert form.edit((*path, "information"), [0.3, 0.6, 1.0]), form.error
    assert form.value((*path, "looks")) == 3
    assert form.study.strategies[at].design.planned_looks() == 3
    assert not form.edit((*path, "looks"), 5)
    assert "give 3 or leave it out" in form.error
    assert form.edit((*path, "information"), [0.5, 1.0]), form.error
    assert form.edit((*path, "information"), None)
    assert form.study.strategies[at].design.planned_looks() == 2
