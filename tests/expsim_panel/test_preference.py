"""The law of side-by-side verdicts, against the library's tie models, SciPy's integrals and an obvious simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, stats

from expsim_panel.pairwise import davidson, glenn_david
from expsim_panel.preference import Reader, TieModel, correlation, together

MODELS = [TieModel("probit", 0.3, 1.0), TieModel("probit", 0.0, 0.7), TieModel("davidson", 0.8, 1.3)]
READERS = [
    Reader(0.8, 0.5, 0.6, 0.4, "random"),
    Reader(1.0, 0.0, 0.3, -0.5, "treatment-first"),
    Reader(0.8, 0.5, 0.6, 0.4, "both"),
    Reader(1.0, 0.4, 0.0, 0.4, "both"),
    Reader(1.0, 0.0, 0.7, votes=3),
    Reader(1.0, 0.3, 0.7, votes=4, averaged=True),
    Reader(1.0, 0.3, 0.0, votes=3, averaged=True),
]


def simulated(model: TieModel, reader: Reader, seen: float, n: int, rng: np.random.Generator) -> np.ndarray:
    """Read n comparisons one by one and return the share of every outcome."""
    low, high = model.edges(rng.standard_normal(n), reader.slope)
    lasting = reader.lasting * rng.standard_normal(n)

    def read(first: np.ndarray | float) -> np.ndarray:
        at = seen + lasting + first * reader.position + reader.noise * rng.standard_normal(n)
        return (at > high).astype(int) - (at < low).astype(int)

    if reader.orders == "both":
        one, two = read(1.0), read(-1.0)
        verdict: np.ndarray = np.where(one == two, one, 0)
    elif reader.votes > 1:
        votes = np.array([read(0.0) for _ in range(reader.votes)])
        wins, losses = ((votes == side).sum(axis=0) for side in (1, -1))
        most = np.where(2 * wins > reader.votes, 1, np.where(2 * losses > reader.votes, -1, 0))
        verdict = votes.mean(axis=0) if reader.averaged else most
    else:
        fixed = {"treatment-first": 1.0, "control-first": -1.0}.get(reader.orders)
        verdict = read(np.where(rng.random(n) < 0.5, 1.0, -1.0) if fixed is None else fixed)
    return np.array([np.isclose(verdict, value).mean() for value in reader.values])


@pytest.mark.parametrize("difference", [-1.4, 0.0, 0.6])
@pytest.mark.parametrize(("kind", "tie", "scale"), [("probit", 0.3, 1.0), ("probit", 0.2, 2.5), ("davidson", 0.8, 1.3)])
def test_a_reading_without_errors_has_the_chances_of_the_tie_model(
    kind: str, tie: float, scale: float, difference: float
) -> None:
    """Glenn-David in SDs of the difference, Davidson in units of log odds."""
    win, even, loss = (glenn_david if kind == "probit" else davidson)(
        difference / scale, tie / scale if kind == "probit" else tie
    )
    found = Reader().chances(TieModel(kind, tie, scale), difference)
    np.testing.assert_allclose(found, [loss, even, win], atol=1e-12)


@pytest.mark.parametrize("model", MODELS)
def test_a_net_win_rate_and_its_latent_difference_are_inverse(model: TieModel) -> None:
    """From one half of a percent to nearly all wins."""
    nets = np.array([-0.999, -0.3, -0.005, 0.0, 0.2, 0.95, 0.9999])
    np.testing.assert_allclose(model.net(model.latent(nets)), nets, atol=1e-11)
    np.testing.assert_allclose(model.latent(0.0), 0.0, atol=1e-12)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("reader", READERS)
def test_simulated_readings_have_these_chances(model: TieModel, reader: Reader) -> None:
    """200,000 comparisons read one by one, errors, orders and votes drawn as they are told."""
    n = 200_000
    for seen in (0.5, -0.2):
        chances = reader.chances(model, seen)
        assert chances.sum() == pytest.approx(1.0, abs=1e-12)
        share = simulated(model, reader, seen, n, np.random.default_rng(5))
        error = np.sqrt(np.maximum(chances * (1 - chances), 1e-9) / n)
        assert np.abs((share - chances) / error).max() < 4.0


def test_readings_agree_with_an_integral_of_scipy() -> None:
    """Both orders of a noisy probit judge: the shared part is one normal variable."""
    model, reader = TieModel("probit", 0.25, 1.1), Reader(0.9, 0.4, 0.35, 0.3, "both")
    spread = np.hypot(0.9 * 1.1, 0.4)

    def both(x: float) -> float:
        each = [stats.norm.cdf((x + g - 0.25) / 0.35) for g in (0.3, -0.3)]
        return float(each[0] * each[1] * stats.norm.pdf(x, 0.2, spread))

    wins = integrate.quad(both, -8, 8, epsabs=1e-12)[0]
    assert reader.chances(model, 0.2)[2] == pytest.approx(wins, abs=1e-10)


@pytest.mark.parametrize("model", MODELS)
def test_position_bias_cancels_in_both_orders_and_at_random_but_not_in_a_fixed_one(model: TieModel) -> None:
    """Between equal variants: no net preference where orders are balanced, the judge's own where they are not."""
    for orders in ("random", "both"):
        found = Reader(1.0, 0.2, 0.3, 0.5, orders).chances(model, 0.0)
        assert found @ np.array([-1, 0, 1]) == pytest.approx(0.0, abs=1e-12)
    fixed = Reader(1.0, 0.2, 0.3, 0.5, "treatment-first").chances(model, 0.0)
    assert fixed @ np.array([-1, 0, 1]) > 0.1
    # Style bias is no matter of order: both orders agree on it.
    tilted = Reader(1.0, 0.2, 0.3, 0.5, "both").chances(model, 0.4)
    assert tilted @ np.array([-1, 0, 1]) > 0.1
    # An order at random costs decisiveness: the same true difference shows as a smaller net preference.
    plain, mixed = (Reader(1.0, 0.2, 0.3, g, "random").chances(model, 0.4) for g in (0.0, 0.9))
    assert mixed[2] - mixed[0] < plain[2] - plain[0]


def test_votes_have_the_mean_of_one_and_less_variance() -> None:
    """Averaged labels keep the net preference of a single label; five of them vary less."""
    model = TieModel("probit", 0.3, 1.0)
    one, five = Reader(noise=0.9), Reader(noise=0.9, votes=5, averaged=True)
    mean, second = ([float(r.chances(model, 0.3) @ r.values**k) for r in (one, five)] for k in (1, 2))
    assert mean[0] == pytest.approx(mean[1], abs=1e-9)
    assert second[1] < second[0]


@pytest.mark.parametrize("model", MODELS)
def test_two_readers_of_a_comparison_share_its_luck(model: TieModel) -> None:
    """Joint chances have the readers' own as margins, and agree with two readings simulated side by side."""
    one, other = Reader(noise=0.5, votes=3), Reader(0.8, 0.5, 0.6, 0.4, "both")
    cells = together(model, one, other, (0.3, 0.1))
    np.testing.assert_allclose(cells.sum(axis=1), one.chances(model, 0.3), atol=1e-6)
    np.testing.assert_allclose(cells.sum(axis=0), other.chances(model, 0.1), atol=1e-6)
    rng, n = np.random.default_rng(8), 100_000
    low, high = model.edges(rng.standard_normal(n), 1.0)
    plain = Reader(noise=0.5)
    seen = [0.3 + 0.5 * rng.standard_normal(n) for _ in range(2)]
    verdicts = [(at > high).astype(float) - (at < low) for at in seen]
    cells = together(model, plain, plain, (0.3, 0.3))
    found = float(np.corrcoef(*verdicts)[0, 1])
    assert correlation(cells, plain.values, plain.values) == pytest.approx(found, abs=0.012)


@pytest.mark.parametrize("model", MODELS)
def test_readers_without_noise_keep_their_own_chances(model: TieModel) -> None:
    """They decide by steps of the luck, which a grid rounds: what one finds alone is exact, agreement to its weight."""
    sure, biased = Reader(), Reader(position=0.2, orders="both")
    for seen in (0.0, 0.013, 0.4):
        for other in (sure, biased):
            cells = together(model, sure, other, (seen, seen))
            np.testing.assert_allclose(cells.sum(axis=1), sure.chances(model, seen), atol=1e-6)
            np.testing.assert_allclose(cells.sum(axis=0), other.chances(model, seen), atol=1e-6)
        same = together(model, sure, sure, (seen, seen))
        np.testing.assert_allclose(same, np.diag(sure.chances(model, seen)), atol=5e-4)
