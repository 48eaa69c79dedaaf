"""The numbers that an axis can be: every one of them makes an axis, and a map."""

from __future__ import annotations

import numpy as np
import pytest

from expsim_panel import axes, library, places
from expsim_panel.axis_choices import choices, typed
from expsim_panel.response_surface import response_surface
from expsim_panel.study import Study


@pytest.mark.parametrize("name", library.names())
def test_every_number_offered_is_an_axis_within_its_bounds(name):
    study = Study.load(name)
    offered = choices(study)
    assert len({choice.path for choice in offered}) == len({choice.words for choice in offered}) == len(offered)
    assert offered[0].path == places.EFFECT
    assert {"traffic.units_per_day", "traffic.icc", "variants.1.mean", "strategies.obrien-fleming.looks"} <= {
        choice.path for choice in offered
    }
    for choice in offered:
        made = axes.axis(study, choice.path, choice.low, choice.high, 3)
        assert made.own == choice.own
        assert float(typed(choice.low)) == choice.low
        assert choice.help


def test_every_number_offered_can_be_looked_at():
    study = Study.load("summarization-prompt", names=["obrien-fleming"])
    for choice in choices(study):
        x = axes.axis(study, choice.path, choice.low, choice.high, 2)
        made = response_surface(study, "obrien-fleming", x, metric="power", replicates=50)
        assert np.isfinite(made.value).any(), choice.path


def test_a_strategys_name_with_a_dot_is_not_offered_and_no_name_gets_lost():
    study = Study.from_tree(
        {
            "scenario": {"name": "names"},
            "metric": {"name": "m", "family": "binary"},
            "variants": [{"name": "same", "mean": 1.0}, {"name": "Same words", "mean": 1.0}],
            "strategies": [{"kind": "pocock", "name": "v1.5"}, {"kind": "pocock", "name": "<b>"}],
        },
        "names",
    )
    paths = [choice.path for choice in choices(study)]
    assert "strategies.<b>.looks" in paths
    assert not any("v1.5" in path for path in paths)
    # A perfect control leaves no room for an effect.
    assert places.EFFECT not in paths
