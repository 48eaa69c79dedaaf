import numpy as np
import pytest
from oracles import best_by_quadrature
from scipy import stats

from expsim_panel.kernels import arms

pytestmark = pytest.mark.arithmetic


def _both(function, first, second):
    work = np.zeros((4, len(first)))
    work[arms.FIRST], work[arms.SECOND] = first, second
    function(work)
    return work[arms.P_BEST], work[arms.LOSS]


def _betas(work):
    arms.best_of_betas(work, True)


def _normals(work):
    arms.best_of_normals(work, True)


@pytest.mark.parametrize(
    ("mean", "sd"),
    [
        ([0.0, 0.1], [0.1, 0.2]),
        ([0.0, 0.01, 0.02], [0.01, 0.011, 0.012]),
        ([0.0, 0.1, 0.3, 0.2], [0.1, 0.02, 0.5, 0.2]),
        ([0.0, 0.0, 0.0, 0.0, 0.0], [1.0, 3.0, 1.0, 2.0, 20.0]),
        ([0.0, 5.0, 9.0], [0.1, 0.1, 0.1]),
    ],
)
def test_best_of_normals_equals_quadrature(mean, sd):
    p_best, loss = _both(_normals, mean, sd)
    wanted, lost = best_by_quadrature([stats.norm(m, s) for m, s in zip(mean, sd, strict=True)])
    np.testing.assert_allclose(p_best, wanted, atol=2e-9)
    np.testing.assert_allclose(loss, lost, atol=2e-8)
    assert p_best.sum() == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("z", [-9.0, -0.3, 0.0, 2.0, 9.0])
def test_p_best_alone_is_the_same_as_with_its_loss(z):
    alone, both = np.array([[0.0, z], [0.6, 0.8], [0, 0], [0, 0]]), np.array([[0.0, z], [0.6, 0.8], [0, 0], [0, 0]])
    arms.best_of_normals(alone, False)
    arms.best_of_normals(both, True)
    np.testing.assert_allclose(alone[arms.P_BEST], both[arms.P_BEST], atol=1e-15)


@pytest.mark.parametrize(
    ("alpha", "beta"),
    [
        ([1, 1], [1, 1]),
        ([3, 4], [5, 6]),
        ([2, 1], [60, 50]),
        ([90, 100], [900, 905]),
        ([521, 500], [21, 20]),
        ([40, 10], [2001, 2000]),
        ([3100, 3000], [30010, 30000]),
        ([1600, 1700], [1601, 1605]),
        ([76, 90], [1000, 1010]),
        ([80, 76], [77, 95]),
        ([151, 170], [2000, 2010]),
        ([155, 160], [190, 151]),
        ([152, 210], [900, 905]),
        ([2, 3, 1], [30, 40, 50]),
        ([100, 110, 95], [900, 905, 890]),
    ],
)
def test_best_of_betas_equals_quadrature(alpha, beta):
    p_best, loss = _both(_betas, alpha, beta)
    wanted, lost = best_by_quadrature([stats.beta(a, b) for a, b in zip(alpha, beta, strict=True)])
    # Above 75 counts everywhere the expansion stands in, whose docstring claims 1e-6.
    tolerance = 1e-6 if min(*alpha, *beta) > 75 else 2e-9
    np.testing.assert_allclose(p_best, wanted, atol=tolerance)
    np.testing.assert_allclose(loss, lost, atol=tolerance * 1e-2 + 2e-9)


def test_beta_exceeds_far_apart_is_certain():
    assert arms.beta_exceeds(9000.0, 1000.0, 1000.0, 9000.0) == 1.0
    assert arms.beta_exceeds(1000.0, 9000.0, 9000.0, 1000.0) == 0.0


def test_contrast_z_is_welch():
    rng = np.random.default_rng(3)
    control, treatment = rng.normal(3, 1, 40), rng.normal(3.2, 1.5, 55)
    state = np.array(
        [
            [40, 55],
            [40, 55],
            [control.sum(), treatment.sum()],
            [(control**2).sum(), (treatment**2).sum()],
        ],
        float,
    )
    wanted = stats.ttest_ind(treatment, control, equal_var=False).statistic
    assert arms.contrast_z(state, 1, 1.0) == pytest.approx(wanted, rel=1e-12)


def test_contrast_z_is_zero_while_undefined():
    assert arms.contrast_z(np.zeros((4, 2)), 1, 1.0) == 0.0
    same = np.array([[5, 5], [5, 5], [5, 5], [5, 5]], float)
    assert arms.contrast_z(same, 1, 0.0) == 0.0


def test_multinomial_has_the_right_moments():
    rng = np.random.default_rng(5)
    shares = np.array([0.5, 0.0, 0.3, 0.2])
    out = np.zeros(4, np.int64)
    draws = []
    for _ in range(20_000):
        arms.multinomial(rng, 37, shares[None], 0, out)
        draws.append(out.copy())
    drawn = np.array(draws)
    assert np.all(drawn.sum(axis=1) == 37)
    error = np.sqrt(37 * shares * (1 - shares) / len(draws))
    assert np.all(np.abs(drawn.mean(axis=0) - 37 * shares) <= 4 * error)
    covariance = np.cov(drawn.T)[0, 2]
    assert covariance == pytest.approx(-37 * 0.5 * 0.3, rel=0.05)
