"""Tokens and response times of a variant: against drawn answers, the price list itself, and convolved quantiles."""

import copy
import math
from datetime import UTC, datetime

import numpy as np
import pytest
from genai_prices import Usage, calc_price
from scipy.stats import lognorm

from expsim_panel import library
from expsim_panel.__main__ import main
from expsim_panel.call_costs import TokenLaw
from expsim_panel.economics import ledger
from expsim_panel.engine import run
from expsim_panel.errors import InputError
from expsim_panel.exports import json as as_json
from expsim_panel.exports import markdown
from expsim_panel.latency import Latency
from expsim_panel.response_times import waits
from expsim_panel.scenario import Scenario
from expsim_panel.study import Study
from expsim_panel.token_spread import mixture_quantiles
from expsim_panel.variants import Variant

STREAMED = {"tokens_per_second": 50, "ttft_median": 400, "ttft_p95": 900, "slow_share": 0.06, "slow_median": 4000, "slow_p95": 9000}  # fmt: skip
MODEL = {"model": "gpt-4o-mini", "provider": "openai", "input_tokens": 900, "output_tokens": 160}


def tree(**variant):
    made = {
        "scenario": {"name": "tokens", "indifference": 0.05},
        "metric": {"family": "normal", "sd": 1.0},
        "variants": [{"name": "A", "mean": 3.0, **MODEL}, {"name": "B", "mean": 3.1, **MODEL, **variant}],
        "traffic": {"units_per_day": 100, "days": 8},
        "economics": {"usd_per_second": 0.01},
        "strategies": [{"kind": "fixed-horizon"}, {"kind": "pocock", "looks": 4}],
    }
    return copy.deepcopy(made)


def played(made, replicates):
    study = Study.from_tree(made, "x")
    study.replicates = replicates
    return study, run(study.freeze(), workers=1)


def test_mean_and_sd_make_a_lognormal():
    law = TokenLaw.of_mean(200, 150)
    own = lognorm(law.sigma, scale=law.median)
    assert (law.mean, math.sqrt(law.variance)) == (pytest.approx(200), pytest.approx(150))
    assert (own.mean(), own.std(), own.ppf(0.95)) == tuple(map(pytest.approx, (200, 150, law.p95)))
    assert (law.strata_variances() + law.strata() ** 2).mean() - 200**2 == pytest.approx(150**2, rel=1e-9)
    assert TokenLaw.of_mean(7, 0).strata().tolist() == [7]


def test_response_time_of_parts_against_drawn_answers():
    variant = Variant.from_tree({"name": "B", **MODEL, "output_tokens_sd": 120, "latency_ms": STREAMED}, "x")
    law, n = variant.response_time(), 400_000
    rng = np.random.default_rng(5)
    sigma = math.sqrt(math.log1p((120 / 160) ** 2))
    tokens = 160 * np.exp(-(sigma**2) / 2 + sigma * rng.standard_normal(n))
    parts = [(400, 900), (4000, 9000)]
    first, wait = (m * np.exp(math.log(p / m) / 1.6448536 * rng.standard_normal(n)) for m, p in parts)
    seconds = (first + wait * (rng.random(n) < 0.06)) / 1000 + tokens / 50
    assert law.mean == pytest.approx(seconds.mean(), abs=4 * seconds.std() / math.sqrt(n))
    for p in (0.05, 0.5, 0.95, 0.99):
        assert (seconds <= law.quantile(p)).mean() == pytest.approx(p, abs=4 * math.sqrt(p * (1 - p) / n) + 5e-4)


def test_whole_law_is_the_lognormal_of_before():
    variant = Variant.from_tree({"name": "B", "latency_ms": {"median": 800, "p95": 2000}}, "x")
    sigma = math.log(2.5) / 1.6448536269514722
    assert variant.mean_wait() == pytest.approx(800 * math.exp(sigma**2 / 2), rel=1e-12)
    assert variant.response_time().quantile(0.95) == pytest.approx(2.0, abs=1e-9)
    assert variant.to_tree()["latency_ms"] == {"median": 800, "p95": 2000}
    assert "output_tokens_sd" not in variant.to_tree()


def test_price_of_varied_tokens_is_that_of_calls():
    variant = Variant.from_tree({"name": "B", "model": "gemini-2.5-pro", "provider": "google", "input_tokens": 160_000,
                                 "cached_tokens": 20_000, "output_tokens": 400, "input_tokens_sd": 90_000,
                                 "output_tokens_sd": 300}, "x")  # fmt: skip
    mean, sd = variant.price("x", "model")
    rng, n = np.random.default_rng(6), 6000
    sent = TokenLaw.of_mean(140_000, 90_000).draw(rng, n).round()
    received = TokenLaw.of_mean(400, 300).draw(rng, n).round()
    when = datetime(2026, 11, 1, tzinfo=UTC)

    def listed(s, r):
        usage = Usage(input_tokens=int(s) + 20_000, output_tokens=int(r), cache_read_tokens=20_000)
        found = calc_price(usage, model_ref="gemini-2.5-pro", provider_id="google", genai_request_timestamp=when)
        return float(found.total_price)

    drawn = np.array([listed(s, r) for s, r in zip(sent, received, strict=True)])
    assert mean == pytest.approx(drawn.mean(), abs=4 * drawn.std() / math.sqrt(n))
    moment = ((drawn - drawn.mean()) ** 2).std() / math.sqrt(n)
    assert sd**2 == pytest.approx(drawn.var(), abs=4 * moment)


def test_costs_of_experiments_spread_with_their_tokens():
    study, result = played(tree(output_tokens_sd=300), 2000)
    found, fixed = result["pocock"], played(tree(), 2000)[1]["pocock"]
    figure, out = found.figures["cost"], found.worlds["truth"]
    rng = np.random.default_rng(8)
    sigma, unit = math.sqrt(math.log1p((300 / 160) ** 2)), ledger(study.scenario).generation
    each = unit[1] / (900 * 0.15 + 160 * 0.6)  # input and output dollars a million tokens: 0.15 and 0.60
    totals = []
    for units in out.units:
        length = 160 * np.exp(-(sigma**2) / 2 + sigma * rng.standard_normal(units[1]))
        totals.append(units[0] * unit[0] + each * (900 * 0.15 * units[1] + 0.6 * length.sum()))
    totals = np.array(totals)
    assert figure.value == pytest.approx(totals.mean(), abs=5 * totals.std() / math.sqrt(totals.size))
    for p in (0.05, 0.5, 0.95):
        spare = 4 * math.sqrt(p * (1 - p) / totals.size)
        low, high = np.quantile(totals, [max(p - spare, 0), p + spare])
        assert low - 1e-4 * totals.mean() <= figure.quantiles[f"{p:g}"] <= high + 1e-4 * totals.mean()
    assert fixed.figures["cost"].value == pytest.approx(figure.value, rel=1e-12)


def test_mixture_quantiles_of_points_and_of_one_normal():
    assert mixture_quantiles(np.array([3.0]), np.array([2.0])) == pytest.approx(
        [3 - 2 * 1.6448536269514722, 3.0, 3 + 2 * 1.6448536269514722], abs=1e-6
    )
    assert mixture_quantiles(np.array([1.0, 1.0, 5.0]), np.zeros(3)) == pytest.approx([1.0, 1.0, 5.0], abs=1e-6)


def test_latency_in_the_document_and_in_the_summary():
    made = tree(output_tokens_sd=100, latency_ms=STREAMED)
    made["variants"][0]["latency_ms"] = {"median": 900, "p95": 1800}
    study, result = played(made, 200)
    told = as_json.document(result)["latency"]
    assert [one["variant"] for one in told] == ["A", "B"]
    means = [one["milliseconds"] for one in told]
    for one, figure, variant in zip(told, means, study.scenario.variants, strict=True):
        assert figure["exact"] == pytest.approx(variant.mean_wait())
        assert abs(figure["value"] - figure["exact"]) < 4 * figure["se"]
        assert figure["quantiles"]["0.95"] == pytest.approx(one["exact_quantiles"]["0.95"], rel=0.05)
    wait = 0.01 * (means[1]["exact"] - means[0]["exact"]) / 1000
    assert ledger(study.scenario).waiting == pytest.approx([0, wait])
    assert "How long readers wait" in markdown.write(result)
    assert waits(study.scenario, 1) == waits(study.scenario, 1)
    assert Scenario.from_tree(study.scenario.to_tree(), "x").to_tree() == study.scenario.to_tree()


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"latency_ms": {"ttft_median": 300}}, "variants.1.latency_ms.ttft_median"),
        ({"latency_ms": {"tokens_per_second": 0}}, "variants.1.latency_ms.tokens_per_second"),
        ({"latency_ms": {"tokens_per_second": 9, "ttft_median": 900, "ttft_p95": 300}}, "variants.1.latency_ms.ttft_p95"),
        ({"latency_ms": {"slow_share": 0.1, "slow_median": 9, "slow_p95": 3}}, "variants.1.latency_ms.slow_p95"),
        ({"latency_ms": {"slow_share": 1.5}}, "variants.1.latency_ms.slow_share"),
        ({"output_tokens": 0, "output_tokens_sd": 5}, "variants.1.output_tokens_sd"),
        ({"cached_tokens": 900, "input_tokens_sd": 5}, "variants.1.input_tokens_sd"),
    ],
)  # fmt: skip
def test_wrong_input(changes, key):
    with pytest.raises(InputError) as caught:
        Study.from_tree(tree(**changes), "x")
    assert caught.value.key == key


def test_library_keeps_its_digests():
    scenario = Scenario.from_tree(library.read_tree("summarization-prompt")[0], "x")
    assert not ledger(scenario).generation_sd.any()
    assert set(scenario.variants[0].latency_ms.to_tree()) == {"median", "p95"}
    assert Latency().to_tree().keys() == {"median", "p95"}


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("input_tokens_sd=-1", "give a standard deviation"),
        ("latency_ms.tokens_per_second=0", "tokens per second above 0"),
    ],
)
def test_wrong_numbers_are_named_by_what_they_are(capsys: pytest.CaptureFixture[str], key: str, said: str) -> None:
    assert main(["run", "summarization-prompt", "--set", f"variants.1.{key}"]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("offline", [False, True])
def test_costs_spread_with_the_tokens_of_judges_calls(offline):
    judge = {"kind": "judge", "model": "gpt-4o-mini", "provider": "openai", "input_tokens": 1000, "output_tokens": 100,
             "output_tokens_sd": 150, "repeats": 2, "coverage": 0.05}  # fmt: skip
    more = {"offline": {"prompts": 60, "batches": 4}} if offline else {}
    changed = {**tree(output_tokens_sd=300 if offline else 0), "evaluator": judge, **more}
    study, result = played(changed, 400)
    found, rng = result["fixed-horizon"].figures, np.random.default_rng(4)
    calls = 2 * int(found["judged"].value)
    sigma = math.sqrt(math.log1p(1.5**2))
    unit = study.scenario.evaluator.usd_per_call() / (1000 * 0.15 + 100 * 0.6)
    length = 100 * np.exp(-(sigma**2) / 2 + sigma * rng.standard_normal((3000, calls)))
    totals = unit * (1000 * 0.15 * calls + 0.6 * length.sum(axis=1))
    assert found["cost.judge"].value == pytest.approx(totals.mean(), rel=0.002)
    ends = found["cost.judge"].quantiles
    width = np.quantile(totals, 0.95) - np.quantile(totals, 0.05)
    assert ends["0.95"] - ends["0.05"] == pytest.approx(width, rel=0.08)
    if offline:
        # Answers to a prompt set are generated, though nobody is shown them.
        assert found["cost.generation"].quantiles["0.95"] > 1.02 * found["cost.generation"].quantiles["0.05"]
