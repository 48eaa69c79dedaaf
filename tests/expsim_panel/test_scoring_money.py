"""What judging and labelling cost, and how long they take: against calls that are drawn and sums done by hand."""

import json
import math

import numpy as np
import pytest
import tomli_w
from genai_prices import Usage, calc_price
from typer.testing import CliRunner
from worlds import tree

from expsim_panel import library
from expsim_panel.__main__ import app
from expsim_panel.axes import parse
from expsim_panel.call_costs import TokenLaw, judging_cost, labelling_cost
from expsim_panel.economics import ledger
from expsim_panel.errors import InputError
from expsim_panel.evaluation_laws import pace
from expsim_panel.evaluators.human import Human
from expsim_panel.evaluators.judge import Judge
from expsim_panel.meaningless import idle
from expsim_panel.prices import AS_OF, moment
from expsim_panel.response_surface import response_surface
from expsim_panel.scenario import Scenario
from expsim_panel.study import Study

GEMINI = {"model": "gemini-2.5-pro", "provider": "google"}
MINI = {"model": "gpt-4o-mini", "provider": "openai", "input_tokens": 1500, "output_tokens": 150}


def listed(one, sent, received, cached=0, batch=False, when=AS_OF):
    usage = Usage(input_tokens=sent, output_tokens=received, cache_read_tokens=cached or None)
    found = calc_price(
        usage,
        model_ref=one["model"],
        provider_id=one["provider"],
        genai_request_timestamp=when,
        price_context={"processing": "batch"} if batch else None,
    )
    return float(found.total_price)


def scenario(evaluator, variants=None, **tables):
    made = tree(evaluator=evaluator, **tables)
    for row, more in zip(made["variants"], variants or [], strict=False):
        row |= more
    return Scenario.from_tree(made, "x")


@pytest.mark.parametrize("batch", [False, True])
def test_a_judge_costs_the_mean_of_drawn_calls(batch):
    """Prompts around the tier of 200,000 tokens, a cached rubric in six calls of ten, a call in ten made again."""
    fields = {"input_tokens": 170_000, "input_tokens_sd": 90_000, "output_tokens": 300, "output_tokens_sd": 200}
    judge = Judge.from_tree(
        {**GEMINI, **fields, "cached_tokens": 20_000, "cached_share": 0.6, "retries": 0.1, "repeats": 2, "judges": 3,
         "refusals": 0.05, "batch": batch}, "x"
    )  # fmt: skip
    rng, n = np.random.default_rng(1), 6000
    sigma = math.sqrt(math.log1p((90_000 / 150_000) ** 2))
    sent = rng.lognormal(math.log(150_000) - sigma**2 / 2, sigma, n).round()
    spread = math.sqrt(math.log1p((200 / 300) ** 2))
    received = rng.lognormal(math.log(300) - spread**2 / 2, spread, n).round()
    hits = np.where(rng.random(n) < 0.6, 20_000, 0)
    costs = np.array([
        listed(GEMINI, int(s) + 20_000, int(r), int(c), batch) for s, r, c in zip(sent, received, hits, strict=True)
    ])  # fmt: skip
    error = costs.std() / math.sqrt(n)
    assert judge.usd_per_call() == pytest.approx(costs.mean(), abs=4 * error)
    # The price of mean tokens is another one, far outside the error.
    plain = listed(GEMINI, 170_000, 300, 12_000, batch)
    assert judge.usd_per_call() > plain + 20 * error
    again = rng.geometric(0.9, (40_000, 6)).sum(1).mean() / 6
    assert judge.usd_per_row() == pytest.approx(judge.usd_per_call() * 6 * again / 0.95, rel=0.005)
    assert judge.usd_per_row() == pytest.approx(judge.usd_per_call() * 2 * 3 / 0.95 / 0.9, rel=1e-12)


def test_a_batch_costs_what_the_list_says_and_half_where_it_says_nothing():
    batch = Judge.from_tree({**MINI, "cached_tokens": 1000, "batch": True}, "x")
    # Cached tokens of this model are no cheaper in a batch: half of everything would be wrong.
    assert batch.usd_per_call() == pytest.approx((500 * 0.075 + 1000 * 0.075 + 150 * 0.3) / 1e6, rel=1e-9)
    assert batch.price_note() == "gpt-4o-mini: list price as of 2026-11-01 (genai-prices), as a batch"
    other = {"model": "mistral-large-latest", "provider": "mistral"}
    assert listed(other, 1000, 100) == listed(other, 1000, 100, batch=True)
    assumed = Judge.from_tree({**other, "input_tokens": 1000, "output_tokens": 100, "batch": True}, "x")
    assert assumed.usd_per_call() == pytest.approx(listed(other, 1000, 100) / 2, rel=1e-12)
    assert assumed.price_note().endswith("as a batch at half of it (assumed: the list has no batch price of it)")


def test_a_price_is_that_of_its_day():
    o3 = {"model": "o3", "provider": "openai", "input_tokens": 1000}
    early, late = (Judge.from_tree({**o3, "price_date": day}, "x") for day in ("2025-03-01", "2026-03-01T12:00:00Z"))
    assert (early.usd_per_call(), late.usd_per_call()) == (pytest.approx(0.01), pytest.approx(0.002))
    assert "as of 2025-03-01" in early.price_note()
    assert moment("") == AS_OF
    made = scenario({"kind": "truth"}, [{**o3, "price_date": "2025-03-01"}, o3])
    assert ledger(made).generation == pytest.approx([0.01, 0.002])
    # TOML has dates of its own.
    assert library.parse(b"[evaluator]\nprice_date = 2025-03-01", "x")
    again = Judge.from_tree(library.parse(b"price_date = 2025-03-01", "x"), "x")
    assert again.price_date == "2025-03-01"


def test_seconds_of_a_call_are_the_mean_of_its_parts():
    latency = {"tokens_per_second": 60, "ttft_median": 900, "ttft_p95": 2500, "slow_share": 0.05}
    judge = Judge.from_tree(
        {**MINI, "output_tokens_sd": 80, "latency_ms": latency, "retries": 0.2, "concurrency": 7, "repeats": 2}, "x"
    )
    rng, n = np.random.default_rng(2), 400_000
    first = rng.lognormal(math.log(0.9), math.log(2.5 / 0.9) / 1.6448536, n)
    answer = TokenLaw.of_mean(150, 80).draw(rng, n) / 60
    wait = np.where(rng.random(n) < 0.05, rng.lognormal(math.log(5), math.log(3) / 1.6448536, n), 0.0)
    drawn = first + answer + wait
    assert judge.call_seconds() == pytest.approx(drawn.mean(), abs=4 * drawn.std() / math.sqrt(n))
    assert judge.seconds_per_row() == pytest.approx(2 * judge.call_seconds() / 0.8, rel=1e-12)
    assert judge.rows_per_day() == pytest.approx(86400 * 7 * 0.8 / 2 / judge.call_seconds(), rel=1e-12)
    whole = Judge.from_tree({"latency_ms": {"median": 3000, "p95": 3000}}, "x")
    assert whole.call_seconds() == pytest.approx(3.0)
    assert Judge.from_tree({"seconds": 4.0}, "x").call_seconds() == 4.0


def test_scores_of_a_batch_come_a_day_later():
    plain, batch = (scenario({"kind": "judge", **MINI, "batch": on}) for on in (False, True))
    assert (plain.delay_days, batch.delay_days) == (0, 1)
    assert batch.evaluator.rows_per_day() == math.inf
    people = {"human": {"delay_days": 3, "price_per_label": 1}}
    for days, lag in ((3, 2), (0, 0)):
        both = scenario({"kind": "hybrid", "judge": {**MINI, "batch": True}, "human": {"delay_days": days}})
        assert (both.delay_days, both.evaluator.label_lag) == (max(days, 1), lag)
    tables = {"judge": {**MINI, "seconds": 600, "concurrency": 1}, **people}
    slow = scenario({"kind": "truth"}, evaluators=tables)
    quick = scenario({"kind": "truth"}, evaluators={**tables, "judge": {**tables["judge"], "batch": True}})
    judged = 2000.0
    assert pace(slow, 1, 1).duration(0, judged) == pytest.approx(judged * 600 / 86400)
    arrived = judged / pace(quick, 1, 1).rows_per_day
    assert pace(quick, 1, 1).duration(0, judged) == pytest.approx(arrived + 1)
    assert pace(quick, 1, 1).duration(10, judged) == pytest.approx(
        max(arrived, 10 / pace(quick, 1, 1).labels_per_day) + 3
    )


def test_a_prompt_set_waits_for_batches_of_answers_and_of_scores():
    def made(answers, scores):
        evaluator = {"kind": "judge", **MINI, "batch": scores, "seconds": 2.0}
        variants = [{**MINI, "batch": answers}, MINI]
        return scenario(evaluator, variants, offline={"prompts": 100, "batches": 4})

    days = [ledger(made(*each)).delay_days for each in ((False, False), (True, False), (True, True))]
    assert days == [0, 1, 2]
    money = ledger(made(True, True))
    own = {"model": "gpt-4o-mini", "provider": "openai"}
    assert money.generation == pytest.approx([listed(own, 1500, 150, batch=True), listed(own, 1500, 150)])
    assert made(True, True).live.variants[0].batch is False


def test_labels_by_hand():
    """3 of 5 dollars an hour, 40 s a label, a quarter overhead, three raters and one more for a known part."""
    human = Human.from_tree({"hourly_wage": 18, "seconds": 40, "overhead": 0.25, "labels_per_item": 3}, "x")
    assert human.usd_per_label() == pytest.approx(18 * 40 / 3600 * 1.25, rel=1e-12)
    assert human.usd_per_row() == pytest.approx(0.75, rel=1e-12)
    assert human.price_note() == "$0.25 and 40 s per label: $18.00 an hour and 25.0 % overhead, as given"
    rates = {"sensitivity": 0.9, "specificity": 0.7, "adjudication": True, "labels_per_item": 2}
    votes = Human.from_tree({"hourly_wage": 18, "seconds": 40, "overhead": 0.25, **rates}, "x")
    # Two people disagree in 2 x 0.9 x 0.1 of true cases and 2 x 0.7 x 0.3 of the others.
    disagree = (0.18 + 0.42) / 2
    assert votes.usd_per_row() == pytest.approx((2 + disagree) * 0.25, rel=1e-12)
    assert votes.usd_per_row() == pytest.approx(
        labelling_cost(1, 2, hourly=18, seconds=40, overhead=0.25, adjudicated=disagree), rel=1e-12
    )
    scores = {"noise_sd": 0.8, "severity_sd": 0.6, "adjudication": True, "adjudication_gap": 1.5, "labels_per_item": 2}
    people = Human.from_tree({"price_per_label": 2.0, "overhead": 0.1, **scores}, "x")
    drawn = np.random.default_rng(3).standard_normal((400_000, 2))
    apart = np.mean(np.abs(drawn[:, 0] - drawn[:, 1]) > 1.5)
    error = math.sqrt(apart * (1 - apart) / 400_000)
    assert people.usd_per_row() == pytest.approx((2 + apart) * 2.2, abs=4 * error * 2.2)


def test_retries_are_a_geometric_series():
    paid = sum(0.2**k for k in range(60))
    assert judging_cost(0.01, 100, retried=0.2) == pytest.approx(0.01 * 100 * paid, rel=1e-12)
    assert judging_cost(0.01, 10, 3, 2, 0.2, judges=5, refused=0.5) == pytest.approx(0.01 * 10 * 6 * 5 * 2 * 1.25)


SETTINGS = [
    (
        ["evaluator.kind=judge", "evaluator.cached_tokens=1000", "evaluator.cached_share=0.9", "evaluator.retries=0.1",
         "evaluator.batch=true", "evaluator.repeats=2", "evaluator.output_tokens_sd=60"],
        "judge", "judged",
        # gpt-4o-mini as a batch: 0.075 in, cached 0.075, 0.30 out, dollars for a million tokens.
        2 / 0.9 * (500 * 0.075 + 1000 * 0.075 + 150 * 0.3) / 1e6,
    ),
    (
        ["evaluator.kind=judge", "evaluator.cached_tokens=1000", "evaluator.cached_share=0.9", "evaluator.retries=0.1"],
        "judge", "judged",
        1 / 0.9 * (500 * 0.15 + 100 * 0.15 + 900 * 0.075 + 150 * 0.6) / 1e6,
    ),
    (
        ["evaluator.kind=human", "evaluator.hourly_wage=36", "evaluator.overhead=0.2", "evaluator.seconds=150"],
        "human", "labelled",
        36 * 150 / 3600 * 1.2,
    ),
]  # fmt: skip


@pytest.mark.parametrize(("settings", "who", "rows", "price"), SETTINGS)
def test_a_run_pays_what_the_settings_say(settings, who, rows, price):
    chosen = [part for one in settings for part in ("--set", one)]
    run = ["run", "summarization-prompt", "--replicates", "60", "--strategy", "fixed-horizon", *chosen, "--json", "-"]
    told = CliRunner().invoke(app, run)
    assert told.exit_code == 0, told.output
    figures = json.loads(told.stdout)["strategies"][0]["operating_characteristics"]
    assert figures[rows]["value"] > 0
    assert figures["cost"]["breakdown"][who]["value"] == pytest.approx(figures[rows]["value"] * price, rel=1e-9)


def test_a_wage_takes_the_place_of_a_price_and_back():
    tables = {"human": {"profile": "crowd"}}
    made = scenario({"kind": "human", "hourly_wage": 20}, evaluators=tables)
    assert (made.evaluator.price_per_label, made.evaluator.hourly_wage) == (None, 20)
    again = Scenario.from_tree(made.to_tree(), "x")
    assert again.evaluator.to_tree() == made.evaluator.to_tree()
    other = scenario({"kind": "human", "price_per_label": 2}, evaluators={"human": {"hourly_wage": 20}})
    assert (other.evaluator.price_per_label, other.evaluator.hourly_wage) == (2, None)
    assert Scenario.from_tree(other.to_tree(), "x").evaluator.hourly_wage is None
    half = scenario({"kind": "hybrid", "judge": MINI, "human": {"hourly_wage": 20}}, evaluators=tables)
    assert half.evaluator.usd_by_payee()["human"] == pytest.approx(20 * 36.8 / 3600)
    study = Study.load("summarization-prompt", ["evaluator.kind=human", "evaluators.human.hourly_wage=18"])
    assert study.scenario.evaluator.usd_per_label() == pytest.approx(18 * 120 / 3600)
    assert made.evaluator.copy(price_per_label=1.0).hourly_wage is None


def test_seconds_that_are_given_go_before_the_parts_of_a_profile():
    parts = scenario({"kind": "judge", "profile": "timed-llm"}).evaluator
    assert parts.latency_ms is not None
    assert Scenario.from_tree(tree(evaluator=parts.to_tree()), "x").evaluator.to_tree() == parts.to_tree()
    plain = scenario({"kind": "judge", "profile": "timed-llm", "seconds": 9.0}).evaluator
    assert plain.call_seconds() == 9.0
    beside = scenario({"kind": "judge", "seconds": 9.0}, evaluators={"judge": {"profile": "timed-llm"}})
    assert Scenario.from_tree(beside.to_tree(), "x").evaluator.call_seconds() == 9.0
    told = ["evaluator.kind=judge", "evaluator.latency_ms.median=3000", "evaluator.latency_ms.p95=3000"]
    assert Study.load("summarization-prompt", told).scenario.evaluator.call_seconds() == pytest.approx(3.0)


@pytest.mark.parametrize(
    ("evaluator", "key", "said"),
    [
        ({"kind": "human", "hourly_wage": 20, "price_per_label": 1}, "hourly_wage", "20 an hour beside 1 a label"),
        ({"kind": "human", "hourly_wage": 20, "seconds": 0}, "seconds", "an hourly wage pays for time"),
        ({"kind": "human", "overhead": -0.1}, "overhead", "-0.1"),
        ({"kind": "judge", "batch": True}, "batch", "what is free has no batch price"),
        ({"kind": "judge", **MINI, "cached_tokens": 1501}, "cached_tokens", "1501 exceeds input_tokens 1500"),
        ({"kind": "judge", **MINI, "cached_tokens": 1500, "input_tokens_sd": 5}, "input_tokens_sd", "a mean of 0"),
        ({"kind": "judge", **MINI, "price_date": "2026-03-01T10:00"}, "price_date", "no time zone"),
        ({"kind": "judge", **MINI, "price_date": "1999-01-01"}, "price_date", "before what the price list knows"),
        ({"kind": "judge", **MINI, "price_date": "2031-01-01"}, "price_date", "after what the price list knows"),
        ({"kind": "judge", **MINI, "price_date": "soon"}, "price_date", "no date"),
        ({"kind": "judge", **MINI, "model": "gpt-99"}, "model", "no price known for 'gpt-99'"),
        ({"kind": "judge", **MINI, "batch": True, "model": "gpt-99"}, "model", "no price known for 'gpt-99'"),
        ({"kind": "judge", **MINI, "model": "gpt-4o-mni"}, "model", "did you mean 'gpt-4o-mini'"),
        ({"kind": "judge", **MINI, "model": "claude-sonnet-4-5"}, "model", 'write provider = "anthropic", or price'),
        ({"kind": "judge", **MINI, "provider": "opnai"}, "model", 'write provider = "openai"'),
        ({"kind": "judge", **MINI, "provider": "opnai", "model": "zz"}, "model", "did you mean provider 'openai'"),
        ({"kind": "judge", **MINI, "provider": "qqq", "model": "zz"}, "model", "give a model id of genai-prices"),
        ({"kind": "judge", "retries": 1.0}, "retries", "out of bounds"),
        ({"kind": "judge", "latency_ms": {"ttft_p95": 50}}, "latency_ms.ttft_p95", "without a speed"),
        ({"kind": "judge", "latency_ms": {"median": 500, "p95": 50}}, "latency_ms.p95", "below the median"),
    ],
)
def test_contradictions_are_one_line(evaluator, key, said):
    with pytest.raises(InputError) as caught:
        ledger(scenario(evaluator))
    assert (caught.value.where, caught.value.key) == ("x", f"evaluator.{key}")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    kind = evaluator["kind"]
    beside = {kind: {name: value for name, value in evaluator.items() if name != "kind"}}
    with pytest.raises(InputError) as caught:
        ledger(scenario({"kind": kind}, evaluators=beside))
    assert caught.value.key in (f"evaluators.{kind}.{key}", f"evaluator.{key}")


def test_users_do_not_wait_for_a_batch():
    with pytest.raises(InputError, match=r"\[variants\.1\.batch\]: true, and users would wait a day"):
        scenario({"kind": "truth"}, [{}, {**MINI, "batch": True}])


def test_what_is_not_given_is_not_written():
    for kind, later in (("judge", "retries latency_ms cached_tokens cached_share batch price_date input_tokens_sd"),
                        ("human", "hourly_wage overhead")):  # fmt: skip
        written = scenario({"kind": kind}).to_tree()["evaluator"]
        assert not set(later.split()) & set(written)
    written = scenario({"kind": "truth"}).to_tree()["variants"][0]
    assert not {"cached_share", "batch", "price_date", "input_tokens_sd"} & set(written)
    told = {"kind": "judge", **MINI, "cached_tokens": 10, "cached_share": 0.5, "batch": True, "retries": 0.1,
            "price_date": "2026-03-01", "latency_ms": {"tokens_per_second": 40.0}}  # fmt: skip
    made = scenario(told)
    assert Scenario.from_tree(made.to_tree(), "x").evaluator.to_tree() == made.evaluator.to_tree()


def test_maps_follow_money():
    own = Study.load("summarization-prompt", ["evaluator.kind=judge"])

    def costs(path, study=own):
        made = response_surface(study, "fixed-horizon", parse(study, path, "--x"), metric="cost", replicates=200)
        return made.values["cost"][0], made.notes

    cached, notes = costs("evaluator.cached_tokens=0:1000:3")
    # Half a price for the cached part of the input; what is not scoring stays.
    rows = float(ledger(own.scenario).per_row)
    assert rows == pytest.approx((1500 * 0.15 + 150 * 0.6) / 1e6)
    assert np.diff(cached) == pytest.approx(np.diff(cached)[:1].repeat(2), rel=1e-9)
    assert cached[2] < cached[0]
    assert notes == ()
    people = Study.load("summarization-prompt", ["evaluator.kind=human"])
    paid, _ = costs("evaluator.overhead=0:1:3", people)
    label = people.scenario.evaluator.usd_per_label()
    wages, _ = costs("evaluator.hourly_wage=20:60:3", people)
    seconds = float(people.scenario.evaluator.seconds)
    assert (wages[2] - wages[0]) / (paid[2] - paid[0]) == pytest.approx(40 * seconds / 3600 / label, rel=1e-9)
    free = Study.load("summarization-prompt", ["evaluator.kind=judge", "evaluator.price_override=0.01"])
    same, notes = costs("evaluator.input_tokens_sd=0:500:3", free)
    assert np.ptp(same) == 0
    assert notes == ("evaluator.input_tokens_sd changes nothing here: the price is given by price_override",)


@pytest.mark.parametrize(
    ("evaluator", "path", "said"),
    [
        ({"kind": "judge"}, "output_tokens_sd", "without a model"),
        ({"kind": "judge", **MINI}, "cached_share", "no tokens are cached"),
        ({"kind": "judge", **MINI}, "output_tokens_sd", ""),
        ({"kind": "judge", **MINI, "latency_ms": {"median": 500.0}}, "seconds", "latency_ms"),
        ({"kind": "judge", **MINI, "batch": True}, "concurrency", "a batch takes a day"),
        ({"kind": "judge", **MINI, "batch": True, "latency_ms": {}}, "latency_ms.median", "a batch takes a day"),
        ({"kind": "human", "price_per_label": 0.0}, "overhead", "labels are free"),
        ({"kind": "human"}, "overhead", ""),
        ({"kind": "hybrid"}, "judge.input_tokens", "without a model"),
        ({"kind": "hybrid", "human": {"price_per_label": 0.0}}, "human.overhead", "labels are free"),
    ],
)
def test_what_changes_nothing_says_why(evaluator, path, said):
    found = idle(scenario(evaluator), f"evaluator.{path}")
    assert said in found
    assert bool(said) == bool(found)


def test_check_says_what_an_evaluation_costs(tmp_path):
    made = library.read_tree("summarization-prompt")[0]
    made["evaluator"] = {"kind": "human", "hourly_wage": 36.0, "overhead": 0.25, "seconds": 100.0}
    # What the file keeps for people beside it is a price: the wage on top takes its place.
    assert made["evaluators"]["human"]["price_per_label"] == 1.0
    path = tmp_path / "wage.toml"
    path.write_text(tomli_w.dumps(made), encoding="utf-8")
    told = CliRunner().invoke(app, ["check", str(path)])
    assert told.exit_code == 0, told.output
    assert "; $1.25 an evaluation" in " ".join(told.stdout.split())
    made["evaluator"]["price_per_label"] = 2.0
    path.write_text(tomli_w.dumps(made), encoding="utf-8")
    told = CliRunner().invoke(app, ["check", str(path)])
    assert told.exit_code != 0


@pytest.mark.parametrize("key", ["retries", "refusals", "pile_up"])
def test_a_remedy_does_not_forbid_the_default(key):
    with pytest.raises(InputError) as refused:
        Judge.from_tree({key: 1.0}, "test")
    assert "give a share of at least 0 and below 1" in str(refused.value)
    assert getattr(Judge.from_tree({key: 0.0}, "test"), key) == 0
