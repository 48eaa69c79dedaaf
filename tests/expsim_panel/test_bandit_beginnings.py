"""The table of first pulls in docs/model.md: it names every policy, and the policies do what it says."""

import re
from pathlib import Path

import numpy as np
import pytest

from expsim_panel import bandit
from expsim_panel.policy import BanditPolicy, DuelPolicy, SegmentPolicy
from expsim_panel.policy_names import bandit_names

MODEL = Path(__file__).parents[2] / "docs" / "model.md"


def documented():
    """Return what the table says of first pulls, by policy."""
    table = MODEL.read_text(encoding="utf-8").split("| Policy | First pulls | Ties |")[1].split("\n\n")[0]
    rows = [line.split("|")[1:4] for line in table.splitlines()[2:]]
    found = [(name, first.strip()) for names, first, _ in rows for name in re.findall(r"`([a-z0-9-]+)`", names)]
    assert len(found) == len(dict(found))
    return dict(found)


FIRST = documented()


def test_every_policy_is_in_the_table():
    assert sorted(FIRST) == bandit_names(BanditPolicy, SegmentPolicy, DuelPolicy)


@pytest.mark.parametrize("name", bandit_names())
def test_first_pulls_are_as_documented(name):
    """Four pulls lose 1.1 only if they go to four arms: no other four of these gaps add up to it."""
    asked = f"{name}(window=4)" if "window" in name else name
    lost = bandit([0.9, 0.8, 0.6, 0.2], [asked], 4, replicates=300, seed=5).policies[0].final
    once = np.abs(lost - 1.1) < 1e-9
    assert once.all() == FIRST[name].startswith("each arm once")
