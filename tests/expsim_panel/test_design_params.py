"""Designs that contradict themselves are refused at the Param, in one line, and stay as they were."""

from __future__ import annotations

import copy
import pickle

import pytest

from expsim_panel.design import designs
from expsim_panel.errors import InputError

CONTRADICTIONS = [
    ("pocock", {"looks": 3, "information": [0.5, 1.0]}, "looks is 3 beside a list of 2"),
    ("pocock", {"looks": 3, "sides": 1, "futility_bounds": [3.0, 0.0]}, "futility bound 3 of look 1 is not below"),
    ("pocock", {"looks": 3, "sides": 1, "futility_bounds": [0.0, 0.0, 0.0]}, "give one for each look but the last: 2"),
    ("user-spending", {"alpha_spent": [0.01, 0.06]}, "more than alpha = 0.05"),
    ("user-bounds", {"critical_values": [2.0, 2.0], "futility_bounds": [2.5]}, "is not below its efficacy bound 2"),
    ("user-bounds", {"critical_values": [2.0, 2.0], "looks": 5}, "looks is 5 beside a list of 2"),
    ("obrien-fleming", {"binding": True}, "no futility bounds to bind"),
]


@pytest.mark.parametrize(("kind", "params", "said"), CONTRADICTIONS)
def test_a_contradiction_is_refused_when_a_design_is_made_and_when_it_is_changed(kind, params, said):
    with pytest.raises(InputError, match=said) as refused:
        designs.get(kind)(**params)
    assert "\n" not in str(refused.value)
    one = designs.get(kind)()
    before = one.to_tree()
    with pytest.raises(InputError, match=said):
        one.param.update(**params)
    assert one.to_tree() == before


def test_one_param_after_the_other_and_several_at_once():
    one = designs.get("pocock")(looks=3, sides=1, futility_bounds=[0.0, 0.5])
    with pytest.raises(InputError, match="looks is 4"):
        one.param.update(looks=4, information=[0.3, 0.6, 1.0])
    assert (one.looks, one.information) == (3, None)
    one.param.update(looks=4, futility_bounds=[0.0, 0.2, 0.5])
    assert one.looks == 4
    for other in (copy.deepcopy(one), pickle.loads(pickle.dumps(one))):
        with pytest.raises(InputError, match="for 5 looks"):
            other.looks = 5
        assert other.looks == 4


@pytest.mark.parametrize("kind", designs.names())
def test_every_design_stands_by_its_defaults(kind):
    one = designs.get(kind)()
    again = designs.get(kind).from_tree(one.to_tree(), "again")
    assert again.to_tree() == one.to_tree()
    one._stands()
