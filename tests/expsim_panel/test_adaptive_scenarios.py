"""Over the shipped scenarios the adaptively weighted intervals cover, and the naive ones fall short."""

import adaptive_scenarios as played
import numpy as np
import pytest

from expsim_panel.adaptive_inference import METHODS

pytestmark = pytest.mark.arithmetic

NAIVE, WEIGHTED = METHODS.index("sample_mean"), [METHODS.index(name) for name in ("aipw_sqrt_e", "aipw_twopoint")]


@pytest.mark.parametrize("name", played.NAMES)
def test_weighted_intervals_cover_within_three_points(name):
    _, _, rate, _ = played.coverage(name)
    assert np.all(np.abs(rate[WEIGHTED] - played.NOMINAL) <= 0.03)


@pytest.mark.parametrize("name", played.NAMES)
def test_the_naive_mean_is_too_low_and_its_intervals_fall_short(name):
    bias, bias_se, rate, _ = played.coverage(name)
    arm = int(np.argmin(bias[NAIVE] / bias_se[NAIVE]))
    assert bias[NAIVE, arm] < -8 * bias_se[NAIVE, arm]
    assert rate[NAIVE].min() < played.NOMINAL
    # The even weights are free of that bias: what is left is within four standard errors of nothing.
    even = METHODS.index("aipw_uniform")
    assert np.all(np.abs(bias[even]) <= 4 * bias_se[even])


@pytest.mark.parametrize("name", played.NAMES)
def test_the_played_laws_have_the_scenarios_means(name):
    scenario = played.Study.load(name).scenario
    rng = np.random.default_rng(3)
    for arm, variant in enumerate(scenario.variants):
        drawn = played.drawn(rng, scenario, arm, 100_000)
        error = drawn.std() / np.sqrt(drawn.size)
        assert abs(drawn.mean() - played.truth(scenario, arm)) <= 4 * error
        own = variant.mean if scenario.sign > 0 or scenario.metric.family != "binary" else 1 - variant.mean
        own *= 1 if scenario.metric.family == "binary" else scenario.sign
        # The shipped scenario rounds its thresholds.
        assert played.truth(scenario, arm) == pytest.approx(own, abs=2e-4)
