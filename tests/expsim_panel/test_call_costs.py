"""Money and time of scoring against the price list itself, drawn tokens and drawn seconds."""

import math
from datetime import UTC, datetime

import numpy as np
import pytest
from genai_prices import Usage, calc_price

from expsim_panel.call_costs import Call, TokenLaw, judging_cost, labelling_cost
from expsim_panel.errors import InputError
from expsim_panel.evaluators.human import Human
from expsim_panel.evaluators.judge import Judge
from expsim_panel.prices import AS_OF
from expsim_panel.response_time import ResponseTime

PROMPT = TokenLaw(1330, 1330 * math.exp(0.72 * 1.6448536269514722))  # LMArena pairwise prompts: sigma 0.72
ANSWER = TokenLaw(150, 300)


def listed(model, provider, sent, received, cached=None, when=AS_OF):
    usage = Usage(input_tokens=sent, output_tokens=received, cache_read_tokens=cached)
    return float(calc_price(usage, model_ref=model, provider_id=provider, genai_request_timestamp=when).total_price)


def test_tokens_are_lognormal():
    drawn = PROMPT.draw(np.random.default_rng(1), 400_000)
    assert PROMPT.sigma == pytest.approx(0.72)
    assert drawn.mean() == pytest.approx(PROMPT.mean, rel=4 * drawn.std() / PROMPT.mean / math.sqrt(400_000))
    assert (drawn > PROMPT.p95).mean() == pytest.approx(0.05, abs=4 * math.sqrt(0.0475 / 400_000))
    strata = PROMPT.strata()
    assert strata.mean() == pytest.approx(PROMPT.mean, rel=1e-12)
    wanted = np.sort(drawn).reshape(200, -1).mean(1)
    assert strata[5:-5] == pytest.approx(wanted[5:-5], rel=0.01)
    assert TokenLaw.fixed(7).strata().tolist() == [7]


def test_price_of_fixed_tokens_is_the_list_price():
    call = Call("gpt-4o-mini", "openai", TokenLaw.fixed(1500), TokenLaw.fixed(150))
    assert call.price() == pytest.approx(0.000315)  # the price snapshot of the published realism table
    assert Call("gpt-5-mini", "openai", TokenLaw.fixed(1500), TokenLaw.fixed(150)).price() == pytest.approx(0.000675)
    batch = Call("gpt-4o-mini", "openai", TokenLaw.fixed(1500), TokenLaw.fixed(150), batch=True)
    assert batch.price() == pytest.approx(0.000315 / 2)
    assert "batch" in batch.note()


def test_price_of_random_tokens_is_the_mean_price_of_calls():
    call = Call("gpt-4o-mini", "openai", PROMPT, ANSWER, shared=600, cached=0.8)
    whole = listed("gpt-4o-mini", "openai", 1_000_000, 0), listed("gpt-4o-mini", "openai", 0, 1_000_000)
    hit = listed("gpt-4o-mini", "openai", 1_000_000, 0, 1_000_000)
    linear = PROMPT.mean * whole[0] + ANSWER.mean * whole[1] + 600 * (0.2 * whole[0] + 0.8 * hit)
    assert call.price() == pytest.approx(linear / 1e6, rel=1e-9)
    rng = np.random.default_rng(2)
    sent, received = PROMPT.draw(rng, 2000).round(), ANSWER.draw(rng, 2000).round()
    cached = np.where(rng.random(2000) < 0.8, 600, 0)
    costs = [
        listed("gpt-4o-mini", "openai", int(s) + 600, int(r), int(c) or None)
        for s, r, c in zip(sent, received, cached, strict=True)
    ]
    assert np.mean(costs) == pytest.approx(call.price(), abs=4 * np.std(costs) / math.sqrt(2000))


def test_long_prompts_pay_the_higher_tier():
    """Gemini 2.5 Pro doubles its input price above 200,000 tokens: the mean price is above the price of the mean."""
    law = TokenLaw(120_000, 400_000)
    call = Call("gemini-2.5-pro", "google", law, TokenLaw.fixed(200))
    drawn = law.draw(np.random.default_rng(3), 3000).round()
    costs = [listed("gemini-2.5-pro", "google", int(sent), 200) for sent in drawn]
    assert call.price() == pytest.approx(np.mean(costs), abs=4 * np.std(costs) / math.sqrt(3000))
    assert call.price() > 1.2 * listed("gemini-2.5-pro", "google", round(law.mean), 200)


def test_prices_have_a_date():
    early, late = (
        Call("o3", "openai", TokenLaw.fixed(1000), TokenLaw.fixed(0), when=datetime(year, 3, 1, tzinfo=UTC)).price()
        for year in (2025, 2026)
    )
    assert (early, late) == (pytest.approx(0.01), pytest.approx(0.002))


def test_judging_and_labelling():
    assert judging_cost(0.001, 500, repeats=3, orders=2) == pytest.approx(3.0)
    assert judging_cost(0.001, 500, retried=0.2) == pytest.approx(0.625)
    assert labelling_cost(100, 3, price=0.3, overhead=0.2) == pytest.approx(108)
    assert labelling_cost(60, hourly=30, seconds=120) == pytest.approx(60)
    assert labelling_cost(100, 2, price=1.0, adjudicated=0.1) == pytest.approx(210)


TIMES = [
    ResponseTime(0.25, 0.70, TokenLaw(441, 1538), 44.0),
    ResponseTime(0.4, 1.2, TokenLaw(150, 300), 25.0, slow=0.05, wait_median=5, wait_p95=15),
    ResponseTime(0.5, 0.5, TokenLaw.fixed(100), 50.0, slow=0.3),
]


@pytest.mark.parametrize("law", TIMES)
def test_response_times_are_those_drawn(law):
    n = 400_000
    drawn = law.draw(np.random.default_rng(4), n)
    assert drawn.mean() == pytest.approx(law.mean, abs=4 * law.sd / math.sqrt(n))
    assert drawn.std() == pytest.approx(law.sd, rel=0.05)
    for p in (0.1, 0.5, 0.9, 0.95, 0.99):
        at = law.quantile(p) + 1e-9  # a fixed time is a step: look right of it
        assert (drawn <= at).mean() == pytest.approx(law.cdf(at), abs=4 * math.sqrt(p * (1 - p) / n) + 2e-3)
    for p in (0.8, 0.95):
        assert law.cdf(law.quantile(p)) == pytest.approx(p, abs=5e-3)


def test_slow_mode_is_a_second_mode():
    fast, slow = TIMES[2].quantile(0.5), TIMES[2].quantile(0.9)
    assert fast == pytest.approx(2.5, abs=1e-6)
    assert slow > 2.5 + 4


def test_calendar():
    people = Human(raters=3, hours_per_day=6, days_per_week=5, seconds=120)
    assert 540 / people.rows_per_day() == pytest.approx(1.4)  # a working day's labels
    assert 43_200 / Judge(concurrency=10, seconds=2).rows_per_day() == pytest.approx(0.1)


@pytest.mark.parametrize(
    "call",
    [
        lambda: TokenLaw(0, 10),
        lambda: TokenLaw(10, 5),
        lambda: Call("no-such-model", "openai", TokenLaw.fixed(1), TokenLaw.fixed(1)).price(),
        lambda: Call("gpt-4o", "openai", TokenLaw.fixed(1), TokenLaw.fixed(1), cached=2),
        lambda: Call("gpt-4o", "openai", TokenLaw.fixed(1), TokenLaw.fixed(1), shared=-1),
        lambda: Call("gpt-4o", "openai", TokenLaw.fixed(1), TokenLaw.fixed(1), when=datetime(2026, 1, 1)),
        lambda: judging_cost(1, 1, orders=3),
        lambda: labelling_cost(1),
        lambda: labelling_cost(1, price=1, overhead=-1),
        lambda: ResponseTime(0, 1, TokenLaw.fixed(1), 1),
        lambda: ResponseTime(1, 2, TokenLaw.fixed(1), 0),
        lambda: ResponseTime(1, 2, TokenLaw.fixed(1), 1, slow=2),
        lambda: TIMES[0].quantile(1.0),
    ],
)
def test_wrong_input(call):
    with pytest.raises(InputError):
        call()
