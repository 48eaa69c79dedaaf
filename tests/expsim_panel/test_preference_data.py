"""Deciding from wins, ties and losses: counts, tables, words and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from typer.testing import CliRunner

from expsim_panel import observed
from expsim_panel.__main__ import app
from expsim_panel.decide import decide
from expsim_panel.errors import InputError
from expsim_panel.study import Study

NAME = "side-by-side-prompt"


def small(*settings: str) -> Study:
    """Return the scenario without a suspected bias, so that a clear win is launched."""
    return Study.load(
        NAME, ["evaluator.suspected_bias_sd=0", "traffic.units_per_day=120", *settings], ["fixed-horizon"]
    )


def test_counts_are_a_one_sample_z_test() -> None:
    """Estimate and interval of the net win rate, as anyone would compute them from the verdicts."""
    made = decide(small(), observed.from_counts(small().scenario, "new prompt=324/60/216"))
    verdicts = np.repeat([1.0, 0.0, -1.0], [324, 60, 216])
    se = verdicts.std(ddof=1) / np.sqrt(600)
    assert made.verdict.estimate == pytest.approx(0.18, abs=1e-12)
    assert made.verdict.interval == pytest.approx(
        (0.18 - stats.norm.isf(0.025) * se, 0.18 + stats.norm.isf(0.025) * se)
    )
    assert made.verdict.action == "launch"
    assert "wins 54 %, ties 10 %, losses 36 %" in made.verdict.sentence
    assert made.verdict.to_json()["standing"] == {"comparisons": 600, "wins": 0.54, "ties": 0.1, "losses": 0.36}


def test_what_to_collect_is_told_in_comparisons() -> None:
    """A judge that may be partial: labels of what it has read, not of single responses."""
    doubted = Study.load(NAME, names=["fixed-horizon"])
    made = decide(doubted, observed.from_counts(doubted.scenario, "new prompt=1080/200/720"))
    assert made.verdict.action == "collect"
    assert "labels of comparisons that the judge has scored" in made.verdict.sentence


def test_tables_say_the_same_as_counts(tmp_path: Path) -> None:
    """One comparison a row, counts by day, and totals lead to one estimate; in the other direction to its negative."""
    rows = "variant,outcome\n" + "new prompt,win\n" * 30 + "new prompt,Tie\n" * 5 + "new prompt,-1\n" * 15
    days = "variant,wins,ties,losses,day\nnew prompt,10,2,8,1\nnew prompt,20,3,7,2\n"
    want = decide(small(), observed.from_counts(small().scenario, "new prompt=30/5/15"), day=2).verdict
    found = decide(small(), observed.from_csv(small().scenario, rows.encode(), "t"), day=2).verdict
    daily = decide(small(), observed.from_csv(small().scenario, days.encode(), "t")).verdict
    for other in (found, daily):
        assert other.estimate == pytest.approx(want.estimate)
        assert other.interval == pytest.approx(want.interval)
        assert other.standing == want.standing
    less = small("metric.direction=decrease")
    worse = decide(less, observed.from_csv(less.scenario, rows.encode(), "t"), day=2).verdict
    assert worse.estimate == pytest.approx(-want.estimate)
    assert worse.standing == want.standing


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("new prompt=324/60", "WINS/TIES/LOSSES"),
        ("current prompt=1/2/3", "compared with"),
        ("old prompt=1/2/3", "unknown variant"),
        ("new prompt=1/0/0", "at least 2"),
    ],
)
def test_bad_counts_are_one_line(text: str, says: str) -> None:
    """The line names the place and the remedy."""
    with pytest.raises(InputError, match=says):
        observed.from_counts(small().scenario, text)


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("variant,outcome\nnew prompt,won\n", "line 2 holds 'won'"),
        ("variant,value\nnew prompt,1\n", "variant,outcome"),
        ("variant,wins,ties,losses\nnew prompt,-1,2,3\n", "is no count"),
    ],
)
def test_bad_tables_are_one_line(table: str, says: str) -> None:
    """As of counts."""
    with pytest.raises(InputError, match=says):
        observed.from_csv(small().scenario, table.encode(), "t")


def test_the_command_line() -> None:
    """JSON and nothing else on standard output; what drops out of comparisons on a prompt set is refused in one line."""
    ran = CliRunner().invoke(app, ["decide", NAME, "--counts", "new prompt=324/60/216", "--json", "-"])
    assert ran.exit_code == 0
    assert json.loads(ran.stdout)["verdict"]["standing"]["wins"] == 0.54
    refused = CliRunner().invoke(app, ["offline", NAME, "--prompt-sd", "0.3"])
    assert refused.exit_code != 0
    assert "drops out" in str(refused.exception)
    checked = CliRunner().invoke(app, ["check", NAME])
    assert "pairwise" in checked.stdout
