"""The law of a streamed answer's seconds against adaptive quadrature, tails included."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from expsim_panel.call_costs import TokenLaw
from expsim_panel.response_time import ResponseTime

LAWS = {
    "usual": ResponseTime(0.4, 1.2, TokenLaw(200, 600), 60, 0.03, 4, 15),
    "no wait": ResponseTime(0.4, 1.2, TokenLaw(200, 600), 60),
    "short answers": ResponseTime(2.0, 9.0, TokenLaw(20, 25), 60),
    "first token at once": ResponseTime(0.4, 0.4, TokenLaw(200, 600), 60, 0.03, 4, 15),
    "fixed answers": ResponseTime(0.4, 0.4, TokenLaw(200, 200), 60, 0.03, 4, 15),
    "fixed wait": ResponseTime(0.4, 1.2, TokenLaw(200, 600), 60, 0.1, 5, 5),
}


def below(median: float, p95: float, seconds: float) -> float:
    sigma = math.log(p95 / median) / norm.ppf(0.95)
    if seconds <= 0:
        return 0.0
    return float(norm.cdf(math.log(seconds / median) / sigma)) if sigma else float(seconds >= median)


def over(median: float, p95: float, of, seconds: float) -> float:
    """Integrate `of(seconds - X)` over a lognormal X."""
    sigma = math.log(p95 / median) / norm.ppf(0.95)
    if sigma == 0:
        return of(seconds - median)
    last = math.log(seconds / median) / sigma  # beyond it nothing is below
    ends = (-9.0, min(last, 9.0))
    found = quad(lambda z: norm.pdf(z) * of(seconds - median * math.exp(sigma * z)), *ends, epsabs=1e-6, limit=200)
    return float(found[0])


def oracle(law: ResponseTime, seconds: float) -> float:
    stream = (law.tokens.median / law.speed, law.tokens.p95 / law.speed)

    def without(left: float) -> float:
        if left <= 0:
            return 0.0
        return over(law.ttft_median, law.ttft_p95, lambda rest: below(*stream, rest), left)

    late = over(law.wait_median, law.wait_p95, without, seconds) if law.slow else 0.0
    return (1 - law.slow) * without(seconds) + law.slow * late


@pytest.mark.parametrize("p", [0.5, 0.99])
@pytest.mark.parametrize("name", LAWS)
def test_quantiles_are_where_quadrature_says(name: str, p: float) -> None:
    law = LAWS[name]
    at = law.quantile(p)
    if name == "fixed answers" and p < 0.97:  # nobody waits: a step
        assert at == pytest.approx(0.4 + 200 / 60, abs=1e-9)
        return
    assert oracle(law, at) == pytest.approx(p, abs=3e-6)


def test_the_tail_agrees_with_draws() -> None:
    law = LAWS["usual"]
    drawn = law.draw(np.random.default_rng(5), 4_000_000)
    for p in (0.95, 0.99, 0.999):
        assert (drawn <= law.quantile(p)).mean() == pytest.approx(p, abs=3 * math.sqrt(p * (1 - p) / len(drawn)))
