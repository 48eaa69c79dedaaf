"""Maps, axes and the form of a study on a prompt set: its size is its prompts, and it has no traffic."""

import asyncio

import numpy as np
import pytest
import tomli_w

from expsim_panel import axes, exact, library
from expsim_panel.axis_choices import choices
from expsim_panel.economics import ledger
from expsim_panel.errors import InputError
from expsim_panel.layouts.pages.sidebar import Sidebar
from expsim_panel.layouts.session import Session
from expsim_panel.mover import Mover
from expsim_panel.response_surface import response_surface
from expsim_panel.study import Study
from expsim_panel.surface import power_curve, power_surface


def test_maps_of_a_prompt_set_are_over_its_prompts():
    tree, where = library.read_tree("summarization-prompt")
    del tree["guardrails"]
    tree["offline"] = {"prompts": 300, "prompt_sd": 0.3, "topics": 30}
    one = Study.from_tree(tree, where, names=["fixed-horizon"])
    made = power_surface(one, "fixed-horizon", effects=3, units=4)
    assert made.exact
    assert made.units.tolist() == [150, 300, 450, 600]
    assert (np.diff(made.values["power"][-1]) > 0).all()
    # The cell of the study's own prompts and effect is the study.
    own = power_curve(one, "fixed-horizon", replicates=10)
    at = np.interp(own.origin.effect, own.line_effects, own.line)
    assert at == pytest.approx(one.run(replicates=10)["fixed-horizon"].figures["power"].exact, abs=2e-3)
    assert own.origin.size(300) == "300 prompts"
    with pytest.raises(InputError, match="a prompt set has no traffic"):
        axes.axis(one, "traffic.days", 7, 28, 3)
    assert not [choice.path for choice in choices(one) if choice.path.startswith("traffic.")]
    assert "offline.prompts" in [choice.path for choice in choices(one)]


def test_every_cell_of_a_map_of_rates_has_the_spread_of_its_own_rates():
    # Right or wrong is said of three answers to a prompt: how alike they are hangs on the rate itself.
    tree = {
        "schema": 1,
        "scenario": {"name": "rates", "indifference": 0.02},
        "metric": {"name": "right", "family": "binary"},
        "variants": [{"name": "a", "mean": 0.7}, {"name": "b", "mean": 0.76}],
        "traffic": {"units_per_day": 500, "days": 7},
        "offline": {"prompts": 120, "samples": 3, "prompt_sd": 0.5, "interaction_sd": 0.3, "analysis": "response"},
        "evaluator": {"kind": "truth"},
    }
    study = Study.from_tree(tree, "rates", names=["fixed-horizon"])
    made = response_surface(study, "fixed-horizon", axes.axis(study, "effect", 0.04, 0.16, 3), metric="power")
    for level, found in zip(made.x.values, made.values["power"].ravel(), strict=True):
        there = Mover(study).to({"effect": float(level)})
        alone = exact.operating(there.scenario, there.strategies[0], "truth", ledger(there.scenario))
        assert found == pytest.approx(alone.values["rejection"], rel=1e-12)


def test_the_form_offers_the_prompt_set_and_no_traffic():
    tree, _ = library.read_tree("summarization-prompt")
    del tree["guardrails"]
    tree["offline"] = {"prompts": 300}

    async def used():
        session = Session("hallucination-prompt")
        form = Sidebar(session)
        assert session.upload(tomli_w.dumps(tree).encode(), "offline.toml")
        assert session.error == ""
        form.parts["traffic"].card.collapsed = False
        known = list(form._fields)
        assert "offline.prompts" in known
        assert "offline.topics" in known
        assert not [path for path in known if path.startswith("traffic.")]
        assert session.edit(("offline", "prompts"), 500)
        assert session.study.scenario.offline.prompts == 500

    # Widgets run their callbacks on the loop of the page; without one the toolkit makes a loop and leaves it open.
    asyncio.run(used())
