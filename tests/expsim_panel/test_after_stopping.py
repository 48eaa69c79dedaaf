"""Estimates after early stopping, and what is still to come: coverage by simulation, powers by quadrature."""

import json
import math

import numpy as np
import pytest
from scipy import integrate, stats
from worlds import tree

from expsim_panel import engine
from expsim_panel.__main__ import main
from expsim_panel.analytic import equal_information
from expsim_panel.errors import InputError
from expsim_panel.how_much_longer import how_much_longer
from expsim_panel.operating import estimates
from expsim_panel.plan import setting_of
from expsim_panel.sequential import sequential_plan
from expsim_panel.stagewise import after_stopping, stagewise_estimate, tail_probability
from expsim_panel.study import Study

DESIGNS = {
    "pocock": {"kind": "pocock", "looks": 5},
    "obrien-fleming": {"kind": "obrien-fleming", "looks": 4},
    "one-sided with futility": {"kind": "pocock", "looks": 5, "sides": 1, "alpha": 0.025, "futility_bounds": [0.0, 0.0, 0.3, 0.5]},
    "peeking": {"kind": "peek-daily"},
}  # fmt: skip


@pytest.mark.arithmetic
@pytest.mark.parametrize("effect", [0.0, 0.02, 0.04])
@pytest.mark.parametrize("name", DESIGNS)
def test_adjusted_intervals_cover_in_the_simulator_and_plain_ones_do_not(name: str, effect: float) -> None:
    """The tail probability under the truth is uniform, so that coverage is that of its central part: 95 %."""
    n = 20_000
    strategy = DESIGNS[name]
    variants = [{"name": "A", "mean": 3.0}, {"name": "B", "mean": 3.0 + effect}]
    world = tree(variants=variants, traffic={"units_per_day": 4000, "days": 10})
    study = Study.from_tree({**world, "strategies": [strategy]}, "test")
    study.replicates = n
    out = engine.outcomes(study.freeze())[strategy["kind"]]
    found = estimates(out, False)
    setting, design = setting_of(study.scenario), study.strategies[0].design
    bounds = design.bounds(setting)
    assert bounds is not None
    days = bounds.days
    information = setting.rows[days - 1, 0] / setting.rows[-1, 0]
    z, se = found.effect[:, 0] / found.se[:, 0], found.se[:, 0]
    # One evaluation decides whether a truth is inside: no need to solve for the ends.
    tails = np.empty(n)
    for look, day in enumerate(days, start=1):
        drift = effect / math.sqrt(2 / setting.rows[-1, 0])
        for k in np.flatnonzero(out.day == day):
            tails[k] = tail_probability(information, bounds.lower, bounds.upper, look, float(z[k]), drift)
    covered = np.mean((tails > 0.025) & (tails < 0.975))
    assert abs(covered - 0.95) <= 3 * math.sqrt(0.95 * 0.05 / n)
    assert abs(np.mean(tails < 0.5) - 0.5) <= 3 * math.sqrt(0.25 / n)
    assert stats.kstest(tails, "uniform").pvalue > 1e-3
    plain = np.mean(np.abs(found.effect[:, 0] - effect) <= 1.959964 * se)
    # How it fails depends on the truth; with a large effect its errors on the two sides make up for each other.
    if (name, effect) in (("peeking", 0.0), ("peeking", 0.02), ("pocock", 0.0)):
        assert plain < 0.95 - 5 * math.sqrt(0.95 * 0.05 / n)
    some = 0
    for k in (0, 1, 2):
        made = after_stopping(design, setting, int(out.day[k]), float(found.effect[k, 0]), float(se[k]), 0.95)
        assert not isinstance(made, str)
        assert (made.low <= effect <= made.high) == bool(0.025 < tails[k] < 0.975)
        assert made.naive == pytest.approx(found.effect[k, 0])
        some += made.low < made.estimate < made.high
    assert some == 3


def test_one_look_needs_no_adjustment() -> None:
    made = stagewise_estimate([1.0], [1.96], 2, 1, 2.3, se=0.5)
    assert (made.estimate, made.low, made.high) == pytest.approx((1.15, 1.15 - 0.98, 1.15 + 0.98), abs=1e-3)
    assert (made.estimate, made.low) == pytest.approx((made.naive, made.naive_low), abs=1e-8)
    assert made.p_value == pytest.approx(stats.norm.sf(2.3))


def test_first_look_estimate_is_plain_and_later_ones_are_pulled_in() -> None:
    planned = sequential_plan("pocock", 5)
    upper = planned.upper()
    first = stagewise_estimate(planned.information, upper, 2, 1, 3.0)
    assert first.estimate == pytest.approx(first.naive, abs=1e-8)
    later = stagewise_estimate(planned.information, upper, 2, 3, 2.5)
    assert later.estimate < later.naive
    assert later.p_value > stats.norm.sf(2.5)
    mirrored = stagewise_estimate(planned.information, upper, 2, 3, -2.5)
    assert (mirrored.estimate, mirrored.high) == pytest.approx((-later.estimate, -later.low), abs=1e-7)


def test_published_interval() -> None:
    # O'Brien-Fleming, five looks, alpha 0.05 two-sided: a p-value at the bound of look k is the alpha spent there.
    planned = sequential_plan("obrien-fleming", 5)
    upper = planned.upper()
    from expsim_panel.analytic import group_sequential, obrien_fleming_shape

    spent = group_sequential(obrien_fleming_shape(equal_information(5)), equal_information(5), 0.05, 2).alpha_spent
    for look in range(1, 6):
        made = stagewise_estimate(planned.information, upper, 2, look, float(upper[look - 1]))
        assert 2 * made.p_value == pytest.approx(spent[look - 1], abs=1e-9)
    # Rejecting at the final bound and an interval at that level touching 0 are one and the same.
    end = stagewise_estimate(planned.information, upper, 2, 5, float(upper[4]))
    assert end.low == pytest.approx(0.0, abs=1e-7)


@pytest.mark.parametrize("call", [
    lambda: stagewise_estimate([0.5, 1], [2.0], 2, 1, 2.0), lambda: stagewise_estimate([0.5, 1], [2, 2], 3, 1, 2.0),
    lambda: stagewise_estimate([0.5, 1], [2, 2], 2, 3, 2.0), lambda: stagewise_estimate([0.5, 1], [2, 2], 2, 1, math.nan),
    lambda: stagewise_estimate([0.5, 1], [2, 2], 2, 1, 2.0, se=0.0), lambda: how_much_longer(0.1, 0.0, 100),
    lambda: how_much_longer(0.1, 0.1, 100, total=50), lambda: how_much_longer(0.1, 0.1, 100, prior_sd=0),
])  # fmt: skip
def test_wrong_input_is_one_line(call) -> None:
    with pytest.raises(InputError) as caught:
        call()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("effect", "prior"), [(None, (0.0, math.inf)), (0.2, (0.05, 0.1))])
def test_powers_by_simulating_the_rest(effect: float | None, prior: tuple[float, float]) -> None:
    estimate, se, n, total = 0.12, 0.09, 500, 1800
    found = how_much_longer(estimate, se, n, total=total, effect=effect, prior_mean=prior[0], prior_sd=prior[1])
    rng, runs = np.random.default_rng(67), 1_000_000
    new_se = se * math.sqrt(n / (total - n))

    def share(truth: np.ndarray | float) -> float:
        new = truth + new_se * rng.standard_normal(runs)
        final = (n * estimate + (total - n) * new) / total
        return float(np.mean(final > 1.959964 * se * math.sqrt(n / total)))

    weight = 0.0 if math.isinf(prior[1]) else prior[1] ** -2
    variance = 1 / (weight + se**-2)
    belief = variance * (estimate / se**2 + weight * prior[0]) + math.sqrt(variance) * rng.standard_normal(runs)
    allowed = 4 * math.sqrt(0.25 / runs)
    assert found.conditional == pytest.approx(share(estimate if effect is None else effect), abs=allowed)
    assert found.predictive == pytest.approx(share(belief), abs=allowed)
    assert found.ceiling == pytest.approx(np.mean(belief > 0), abs=allowed)


def test_more_units_reach_the_power_and_fewer_do_not() -> None:
    found = how_much_longer(0.12, 0.09, 500)
    for which, more in (("conditional", found.more_for_conditional), ("predictive", found.more_for_predictive)):
        assert more is not None
        assert getattr(how_much_longer(0.12, 0.09, 500, total=500 + more), which) == pytest.approx(0.8, abs=1e-9)
        assert getattr(how_much_longer(0.12, 0.09, 500, total=500 + 0.98 * more), which) < 0.8
    hopeless = how_much_longer(-0.1, 0.09, 500)
    assert (hopeless.more_for_conditional, hopeless.more_for_predictive) == (None, None)
    done = how_much_longer(0.3, 0.09, 500)
    assert (done.significant, done.more_for_conditional) == (True, 0.0)
    # Predictive power is the conditional one averaged over the posterior.
    made = how_much_longer(0.12, 0.09, 500, total=2000)
    average = integrate.quad(
        lambda d: how_much_longer(0.12, 0.09, 500, total=2000, effect=d).conditional * stats.norm.pdf(d, 0.12, 0.09),
        -0.6,
        0.9,
    )[0]
    assert made.predictive == pytest.approx(average, abs=1e-7)


def test_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    words = (
        "exact",
        "how-much-longer",
        "--estimate",
        "0.12",
        "--se",
        "0.09",
        "--units",
        "500",
        "--units-per-day",
        "100",
    )
    assert main((*words, "--total", "1800", "--json", "-")) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["days_for_conditional"] == math.ceil(told["more_for_conditional"] / 100)
    assert 0 < told["predictive"] < told["conditional"] < 1
    assert main(words) == 0
    assert "More units" in capsys.readouterr().out
    assert main(("exact", "how-much-longer", "--estimate", "-1", "--se", "0.1", "--units", "5", "--json", "-")) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["more_for_predictive"] is None
    assert told["reasons"]["more_for_predictive"]
