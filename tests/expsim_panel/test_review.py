"""What a hostile review found: numbers that were wrong, and input that got past the single line."""

from __future__ import annotations

from pathlib import Path

import pytest

from expsim_panel import exact, library, wording
from expsim_panel.__main__ import main
from expsim_panel.economics import ledger
from expsim_panel.errors import InputError
from expsim_panel.exports import markdown
from expsim_panel.exports._strategies import carrying
from expsim_panel.printed import clean
from expsim_panel.results import Figure
from expsim_panel.study import Study
from expsim_panel.surface import power_surface

BASE = """
scenario = {name = "t", indifference = 0.05}
metric = {name = "score", sd = 1.0}
traffic = {units_per_day = 1000, days = 14}
variants = [{name = "A", mean = 3.0}, {name = "B", mean = 3.1}]
"""
RATES = ('metric.family="binary"', "variants.0.mean=0.5", "variants.1.mean=0.52", "scenario.indifference=0.01")


def study(*settings: str, names: tuple[str, ...] = ()) -> Study:
    tree = library.parse(BASE.encode(), "t.toml")
    for setting in settings:
        library.override(tree, setting)
    return Study.from_tree(tree, "t.toml", names=names)


def near(figure: Figure) -> bool:
    assert figure.value is not None
    assert figure.se is not None
    assert figure.exact is not None
    return abs(figure.value - figure.exact) < 4 * figure.se + 0.004


def test_bayesian_loss_is_exact_with_the_spread_of_the_data() -> None:
    rule = 'strategies=[{kind="bayesian"}]'
    made = study(rule, "variants.1.sd=3.0", "scenario.indifference=0.0001")
    found = made.run(replicates=4000)["bayesian"]
    assert near(found.figures["power"])
    assert near(found.figures["type1_error"])
    surface = power_surface(made, "bayesian", effects=3, units=4)
    i, j = surface.nearest(0.1, 1000)
    told = exact.operating(made.scenario, made.strategies[0], "truth", ledger(made.scenario), surface.effects[i])
    assert isinstance(told, exact.Exact)
    assert surface.units[j] == 1000
    assert surface.values["power"][i, j] == pytest.approx(told.values["rejection"], abs=1e-12)


def test_no_exact_value_where_an_informative_prior_moves_the_rule() -> None:
    flat = study(*RATES, 'strategies=[{kind="bayesian"}]').run(replicates=2000)["bayesian"]
    assert near(flat.figures["power"])
    strong = study(*RATES, 'strategies=[{kind="bayesian", prior_hits=5000, prior_misses=5000}]')
    assert strong.run(replicates=10)["bayesian"].figures["power"].exact is None


@pytest.mark.parametrize("raters", [280, 300, 301, 1000])
def test_exact_power_with_many_raters(raters: int) -> None:
    made = study(
        f'evaluator={{kind="human", coverage=0.5, severity_sd=1.0, raters={raters}}}', names=("fixed-horizon",)
    )
    told = exact.operating(made.scenario, made.strategies[0], "truth", ledger(made.scenario))
    assert isinstance(told, exact.Exact)
    # The estimated variance is too large by about the severities' own.
    assumed = (2 * (1 + 1 - 1 / raters) / 3500) ** 0.5
    true = (2 / 3500) ** 0.5
    from scipy.stats import norm

    power = norm.sf((1.959964 * assumed - 0.1) / true) + norm.cdf((-1.959964 * assumed - 0.1) / true)
    assert told.values["rejection"] == pytest.approx(power, abs=2e-3)


@pytest.mark.parametrize("settings", [("variants.1.mean=2.8",), (*RATES, "variants.1.mean=0.4")])
def test_a_difference_in_the_metric_has_the_sign_of_the_metric(settings: tuple[str, ...]) -> None:
    result = study('metric.direction="decrease"', *settings, names=("fixed-horizon",)).run(replicates=100)
    told = dict(carrying(result))
    low, high = told["95 % interval"].split(" to ")
    assert told["difference in score"].startswith("-")
    assert low.startswith("-")
    assert high.startswith("-")
    assert float(low.split()[0]) < float(high.split()[0])
    for text in (told["difference in score"], low, high):
        assert text in result.verdict.sentence
    assert result.verdict.estimate is not None
    assert result.verdict.estimate > 0


def test_human_labels_are_never_priced_as_judge_calls() -> None:
    judge = 'evaluator={kind="judge", price_override=0.001, suspected_bias_sd=0.5}'
    verdict = study(judge, "variants.1.mean=3.3", names=("fixed-horizon",)).run(replicates=2).verdict
    assert verdict.action == "collect"
    assert verdict.more_units
    assert verdict.more_cost is None
    assert not any("The labels cost" in reason for reason in verdict.reasons)
    people = "evaluators.human={price_per_label=2.0}"
    priced = study(judge, people, "variants.1.mean=3.3", names=("fixed-horizon",)).run(replicates=2).verdict
    assert priced.more_cost == pytest.approx(2 * priced.more_units)  # type: ignore[operator]


def test_a_curve_without_effect_has_no_better_variant() -> None:
    three = study('variants=[{name="A", mean=3.0}, {name="B", mean=3.2}, {name="C", mean=3.1}, {name="D", mean=2.9}]')
    assert exact.with_effect(three.scenario, 0.0).effects.tolist() == pytest.approx([0, 0, 0, -0.1])
    assert exact.with_effect(three.scenario, 0.2).effects.tolist() == pytest.approx([0, 0.2, 0.1, -0.1])


@pytest.mark.parametrize(
    ("setting", "key"),
    [
        (f"variants.1.mean={10**400}", "variants.1.mean"),
        ("variants.1.mean=1e308", "variants.1.mean"),
        ("metric.sd=1e308", "metric.sd"),
        ("metric.sd=1e-320", "metric.sd"),
        ("prior.effect_sd=1e-200", "prior.effect_sd"),
        ("variants.0.latency_ms={median=1e-9, p95=1e12}", "variants.0.latency_ms.p95"),
        (f"economics.horizon_units={10**400}", "economics.horizon_units"),
        (f"traffic.shares=[{10**400}, 1]", "traffic.shares"),
        (f"metric.range=[0, {10**400}]", "metric.range"),
        (f"traffic.days=0x{'F' * 6000}", "traffic.days]: a number of thousands of digits is out of bounds"),
        (f"calibration.x=0x{'F' * 6000}", "calibration"),
        ("metric.range=[1]", "give a list of 2 numbers"),
        ('traffic.shares=["a", 0.5]', "give a list of numbers"),
        ('strategies=[{kind="pocock", sides=true}]', "strategies.0.sides"),
        ('strategies=[{kind="pocock", sides=2.0}]', "strategies.0.sides"),
        ("variants.1.name=\u200b", "variants.1.name"),
        (f"scenario.name={'a' * 101}", "scenario.name"),
        ("traffic.units_per_day=100000000", "traffic.units_per_day"),
        ('evaluator.kind=["x"]', "evaluator.kind"),
        ('strategies=[{kind="pocock", allocation=["split"]}]', "strategies.0.allocation"),
        ("calibration.when=2024-01-01", "calibration"),
        ("calibration.x=nan", "calibration"),
        ("variants.\u00b2.mean=1", "variants.\u00b2.mean"),
        ("calibration.x=" + "[" * 60 + "]" * 60, "calibration.x"),
        ("calibration" + ".a" * 2000 + "=1", ""),
    ],
)
def test_hostile_values_get_one_line(setting: str, key: str) -> None:
    with pytest.raises(InputError) as caught:
        study(setting, *(["traffic.days=366"] if "100000000" in setting else []))
    assert key in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    "line",
    [
        "x = " + "9" * 5000,
        "calibration.x" + ".a" * 1500 + " = 1",
        "calibration.x" + " . 'a'" * 300_000 + " = 1",
        "[calibration" + ".a" * 300_000 + "]",
    ],
)
@pytest.mark.timeout(20)
def test_hostile_files_get_one_line(line: str) -> None:
    with pytest.raises(InputError, match=r"t\.toml"):
        library.parse(f"{line}\n{BASE}".encode(), "t.toml")


def test_a_name_too_long_for_a_file_is_wrong_input(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "t.toml"
    file.write_text(BASE, encoding="utf-8")
    assert main(["run", str(file), "--replicates", "2", "--json", str(tmp_path / ("a" * 300))]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_setting_with_line_breaks_is_one_text() -> None:
    assert study("scenario.title=3\nx=4").scenario.scenario.title == "3\nx=4"


def test_printed_text_drives_no_terminal() -> None:
    assert "\u202e" not in clean("a\u202eb")
    assert clean("\x1b[31mé") == "\ufffd[31mé"
    assert "\x1b" not in markdown.escape("a\x1b[31mb")
    assert "\u202e" not in markdown.escape("a\u202eb")


def test_a_bound_is_said_once() -> None:
    with pytest.raises(InputError, match=r"from 1 to 366$"):
        study(f"traffic.days={10**13}")


def test_long_words_with_dots_are_read_quickly() -> None:
    text = f'{BASE}\n[calibration]\nx = "{"a" * 2_000_000} {"a.b " * 200_000}"'
    assert "calibration" in library.parse(text.encode(), "t.toml")


def test_advice_says_no_more_than_the_simulation_shows() -> None:
    losses = {"a": Figure(100.0, 3.0), "b": Figure(104.0, 3.0), "c": Figure(150.0, 3.0)}
    alarms = {name: Figure(0.3, 0.01) for name in losses}
    sentence, reasons = wording.advice("a", [], losses, alarms, alarms)
    assert "loses least, $100" in sentence
    assert reasons == ("Next best: b with $104: a difference that may be simulation error.",)
    seen = {**alarms, "a": Figure(0.4, 0.01), "b": Figure(0.5, 0.01)}
    reasons = wording.advice("a", ["b"], losses, alarms, seen)[1]
    assert reasons[0] == "Next best: c with $150."
    assert "30.0 % of experiments even with a perfect evaluator (50.0 % with this evaluator)" in reasons[1]
    assert reasons[2] == "The false alarms of a: 30.0 % with a perfect evaluator, 40.0 % with this one."
    sentence, reasons = wording.advice("a", [], {"a": losses["a"]}, alarms, alarms)
    assert "it loses $100" in sentence
    assert reasons == ()


@pytest.mark.parametrize("setting", ["evaluator.coverage=1e-6", "metric.sd=1e-12"])
@pytest.mark.parametrize("indifference", [0, 0.01])
def test_no_rows_and_no_spread_warn_nobody(setting: str, indifference: float) -> None:
    study(setting, f"scenario.indifference={indifference}", names=("bayesian", "pocock")).run(replicates=2)


def test_a_map_of_a_rate_of_nothing() -> None:
    rates = ('metric.family="binary"', "variants.0.mean=0", "variants.1.mean=0")
    surface = power_surface(study(*rates, names=("pocock",)), "pocock", effects=3, units=2, replicates=10)
    assert surface.effects.tolist() == [0, 0.5]


@pytest.mark.parametrize("name", ["..", ".x", "-x", "٣", "a b", ""])
def test_a_slug_is_a_file_name_everywhere(name: str) -> None:
    with pytest.raises(InputError, match="is not a slug"):
        study(f'scenario.name="{name}"')


def test_strategies_left_out_are_checked_too() -> None:
    tree, where = library.read_tree("hallucination-prompt")
    tree["strategies"] = [{"kind": "pocock", "looks": 29}]
    with pytest.raises(InputError, match="29 looks in 28 days"):
        Study.from_tree(tree, where, names=["fixed-horizon"])
