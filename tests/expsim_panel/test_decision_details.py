"""Beside the verdict on real data: the estimate after stopping early, and how much longer."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from expsim_panel.__main__ import main
from expsim_panel.decide import decide
from expsim_panel.how_much_longer import how_much_longer
from expsim_panel.observed import from_counts, from_csv
from expsim_panel.plan import setting_of
from expsim_panel.stagewise import stagewise_estimate
from expsim_panel.study import Study

NAMES = ("current prompt", "grounded prompt")


def seen(one: int, two: int, rows: int, *settings: str, kind: str = "pocock"):
    """Return the decision on counts of the hallucination scenario, and its study."""
    study = Study.load("hallucination-prompt", settings, (kind,))
    return decide(study, from_counts(study.scenario, f"{NAMES[0]}={one}/{rows},{NAMES[1]}={two}/{rows}")), study


def test_after_an_early_stop_the_stage_wise_estimate_stands_beside_the_plain_one() -> None:
    made, study = seen(620, 480, 6000)
    assert (made.stopped, made.trace.day) == (True, 12)
    p = np.array([620, 480]) / 6000
    se = math.sqrt((p * (1 - p) / 6000).sum())
    setting, design = setting_of(study.scenario), study.strategies[0].design
    bounds = design.bounds(setting)
    single = stagewise_estimate(
        setting.information(bounds.days), bounds.upper, 2, 2, float(p[0] - p[1]) / se, se=se, level=design.level()
    )
    adjusted = made.details.adjusted
    assert adjusted is not None
    assert (adjusted.estimate, adjusted.low, adjusted.high) == pytest.approx((single.estimate, single.low, single.high))
    assert adjusted.estimate < adjusted.naive == pytest.approx(p[0] - p[1])
    told = made.to_json()
    assert told["adjusted"]["p_value"] == pytest.approx(2 * single.p_value)
    assert told["adjusted"]["ordering"] == "stage-wise"
    assert told["how_much_longer"] is None
    assert "ended" in told["reasons"]["how_much_longer"]
    # The prior of the scenario pulls the estimate in.
    prior = study.scenario.prior
    share = 1 / (1 + (se / prior.effect_sd) ** 2)
    assert told["shrunk"] == pytest.approx(share * (p[0] - p[1]) + (1 - share) * prior.effect_mean)
    assert any("the plain figure" in line for line in made.details.lines)


def test_totals_that_no_earlier_look_would_have_let_pass_are_not_adjusted() -> None:
    made, _ = seen(1400, 1150, 14000)
    assert made.stopped
    assert made.details.adjusted is None
    assert "earlier look" in made.details.reasons["adjusted"]
    assert not any("earlier looks" in note for note in made.notes)


def test_results_by_day_need_no_note() -> None:
    study = Study.load("hallucination-prompt", (), ("pocock",))
    lines = ["day,variant,rows,hits"]
    for day in range(1, 13):
        lines += [f"{day},{NAMES[0]},500,{52 if day > 6 else 48}", f"{day},{NAMES[1]},500,{36 if day > 6 else 44}"]
    made = decide(study, from_csv(study.scenario, "\n".join(lines).encode(), "d.csv"))
    assert made.details.adjusted is not None
    assert not any("earlier looks" in note for note in made.notes)


def test_chances_of_a_running_fixed_test_are_the_closed_forms() -> None:
    made, study = seen(600, 560, 4000, kind="fixed-horizon")
    longer = made.details.longer
    assert longer is not None
    p = np.array([600, 560]) / 4000
    se = math.sqrt((p * (1 - p) / 4000).sum())
    prior = study.scenario.prior
    total = float(setting_of(study.scenario).units[-1].sum())
    closed = how_much_longer(
        float(p[0] - p[1]), se, 8000, total=total, prior_mean=prior.effect_mean, prior_sd=prior.effect_sd
    )
    assert longer.conditional_power == pytest.approx(closed.conditional, abs=1e-9)
    assert longer.predictive_power == pytest.approx(closed.predictive, abs=1e-9)
    assert longer.more_units == pytest.approx(closed.more_for_conditional)
    assert longer.more_days == math.ceil(closed.more_for_conditional / study.scenario.traffic.units_per_day)
    assert made.to_json()["adjusted"] is None


def test_chances_of_a_running_sequential_test_by_the_multivariate_normal_law() -> None:
    made, study = seen(600, 560, 4000, kind="obrien-fleming")
    setting = setting_of(study.scenario)
    bounds = study.strategies[0].design.bounds(setting)
    assert bounds is not None
    p = np.array([600, 560]) / 4000
    z = float(p[0] - p[1]) / math.sqrt((p * (1 - p) / 4000).sum())
    ahead = bounds.days > 8
    t = np.append(setting.information(np.array([8])), setting.information(bounds.days[ahead]))
    drift, span = z / math.sqrt(t[0]), t[1:] - t[0]
    # Score at each look to come, from here on.
    law = multivariate_normal(z * math.sqrt(t[0]) + drift * span, np.minimum.outer(span, span), maxpts=200_000)
    ends = bounds.upper[ahead] * np.sqrt(t[1:])
    low = bounds.lower[ahead] * np.sqrt(t[1:])
    chance = 0.0
    for k in range(span.size):
        part = multivariate_normal(law.mean[: k + 1], law.cov[: k + 1, : k + 1], maxpts=200_000, abseps=1e-8)
        top = np.append(ends[:k], 1e3)
        chance += part.cdf(top, lower_limit=np.append(low[:k], ends[k]), rng=3)
    assert made.details.longer is not None
    assert made.details.longer.conditional_power == pytest.approx(chance, abs=1e-5)


def test_at_the_planned_end_going_on_is_a_new_experiment() -> None:
    made, _ = seen(1400, 1350, 14000)
    assert not made.stopped
    longer = made.details.longer
    assert longer is not None
    assert (longer.conditional_power, longer.predictive_power) == (None, None)
    assert any("new experiment" in line for line in made.details.lines)
    assert made.details.adjusted is not None
    hopeless, _ = seen(1350, 1400, 14000)
    assert hopeless.details.longer is not None
    assert hopeless.details.longer.more_units is None
    assert any("no number of further units" in line for line in hopeless.details.lines)


def test_adaptive_and_many_armed_designs_say_why_there_is_nothing_to_adjust() -> None:
    made, _ = seen(620, 480, 6000, kind="drop-the-losers")
    assert made.details.adjusted is None
    assert "adapts" in made.details.reasons["adjusted"]
    json.dumps(made.to_json(), allow_nan=False)


def test_one_check_of_the_split() -> None:
    made, _ = seen(1400, 1250, 14000)
    assert made.verdict.sample_ratio is made.split
    study = Study.load("hallucination-prompt", (), ("fixed-horizon",))
    skewed = decide(study, from_counts(study.scenario, f"{NAMES[0]}=1400/14000,{NAMES[1]}=1250/13000"))
    assert skewed.split.alarm
    assert skewed.verdict.sample_ratio is skewed.split


def test_the_command_line_shows_it(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["decide", "hallucination-prompt", "--counts", f"{NAMES[0]}=600/4000,{NAMES[1]}=560/4000"]
    assert main([*words, "--strategy", "obrien-fleming"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "by the planned end" in said
    assert main([*words, "--strategy", "obrien-fleming", "--json", "-"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert 0 < told["how_much_longer"]["predictive_power"] < told["how_much_longer"]["conditional_power"] < 1


def test_the_ordering_is_said_where_a_two_sided_test_may_give_up_in_the_middle() -> None:
    study = Study.load("summarization-prompt", (), ("pocock(looks=3,sides=2,futility_bounds=[0.2,0.5])",))
    made = decide(study, from_counts(study.scenario, "current prompt=3.8/1/840,new prompt=3.9/1/840"))
    told = made.to_json()["adjusted"]
    assert told["ordering"] == "sample mean"
    assert told["interval"][0] < told["estimate"] < told["interval"][1]


@pytest.mark.parametrize("late", [0, 3])
def test_totals_with_late_outcomes_have_no_stage_wise_figure(late: int, tmp_path: Path) -> None:
    """The look that stops an experiment sees fewer outcomes than its totals: the ordering of looks does not apply."""
    out = tmp_path / "said.json"
    counts = "current prompt=1200/14000,grounded prompt=1110/14000"
    words = ["decide", "hallucination-prompt", "--strategy", "obrien-fleming", "--counts", counts, "--day", "28"]
    status = main([*words, "--set", f"traffic.delay_days={late}", "--json", str(out)])
    assert status == 0
    said = json.loads(out.read_text())
    assert (said["adjusted"] is None) == bool(late)
    if late:
        assert "late" in json.dumps(said)
