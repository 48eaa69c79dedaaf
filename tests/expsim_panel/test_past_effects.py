"""A prior fitted from past experiments: against metafor's values, and the same study with the fitted numbers written out."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import norm
from worlds import tree

from expsim_panel.__main__ import main
from expsim_panel.errors import InputError
from expsim_panel.past_effects import fit_prior
from expsim_panel.study import Study

BCG = (
    [-0.8893113339202054, -1.5853886572014306, -1.348073148299693, -1.4415511900213054, -0.2175473222112957,
     -0.786115585818864, -1.6208982235983924, 0.011952333523841173, -0.4694176487381487, -1.3713448034727846,
     -0.33935882833839015, 0.4459134005713783, -0.017313948216879493],
    [0.3255847650039614, 0.19458112139814387, 0.41536796536796533, 0.020010031902247573, 0.05121017216963086,
     0.0069056184559087574, 0.22301724757231517, 0.003961579298182358, 0.05643421046145859, 0.07302479361302891,
     0.01241221397155972, 0.5325058452001528, 0.0714046596839863],
)  # fmt: skip
"""Log risk ratios and variances of the thirteen trials of BCG (Colditz et al. 1994, JAMA 271, 698)."""
WEB = (
    [0.012, -0.004, 0.006, 0.021, -0.011, 0.003, 0.009, 0.0005],
    [se**2 for se in (0.006, 0.005, 0.004, 0.009, 0.007, 0.003, 0.006, 0.002)],
)
# R metafor 3.8-1, rma(y, v, method = "DL" or "ML", control = list(threshold = 1e-12)): b, se, tau2, se.tau2, QE.
METAFOR = [
    (BCG, "dersimonian-laird", -0.714117222073, 0.178742089535, 0.308760262859, 0.229869992505, 152.233008077830),
    (BCG, "maximum-likelihood", -0.711199135474, 0.171896808777, 0.280028137268, 0.144251949383, 152.233008077830),
    (WEB, "dersimonian-laird", 3.36076970764e-3, 2.32060798023e-3, 2.01101967008e-5, 2.22572124290e-5, 15.0945070438),
    (WEB, "maximum-likelihood", 2.52681525722e-3, 1.46413328692e-3, 1.31465681529e-6, 6.22804236498e-6, 15.0945070438),
]


def world(prior: dict, **tables: object) -> dict:
    return {**tree(**tables), "prior": prior}


def pairs(y: list[float], v: list[float]) -> list[list[float]]:
    return [[a, b**0.5] for a, b in zip(y, v, strict=True)]


@pytest.mark.parametrize(("data", "method", "mean", "mean_se", "variance", "variance_se", "q"), METAFOR)
def test_fits_are_those_of_metafor(data, method, mean, mean_se, variance, variance_se, q) -> None:
    found = fit_prior(pairs(*data), method)
    assert found.sd_se is not None
    got = [found.mean, found.mean_se, found.sd**2, 2 * found.sd * found.sd_se, found.q]
    assert got == pytest.approx([mean, mean_se, variance, variance_se, q], rel=2e-5)
    assert found.predictive_sd == pytest.approx((variance + mean_se**2) ** 0.5, rel=2e-5)
    assert found.experiments == len(data[0])


def test_maximum_likelihood_is_the_greatest() -> None:
    draw = np.random.default_rng(7)
    for _ in range(5):
        errors = draw.uniform(0.01, 0.1, 12)
        estimates = draw.normal(0.03, 0.06, 12) + errors * draw.standard_normal(12)

        def lack(at: np.ndarray, y: np.ndarray = estimates, se: np.ndarray = errors) -> float:
            return -float(norm.logpdf(y, at[0], np.hypot(se, at[1])).sum())

        found = fit_prior(np.column_stack([estimates, errors]).tolist(), "maximum-likelihood")
        best = minimize(lack, [0.0, 0.05], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12})
        assert lack(np.array([found.mean, found.sd])) <= best.fun + 1e-9
        assert [found.mean, found.sd] == pytest.approx([best.x[0], abs(best.x[1])], abs=2e-6)


def test_the_moment_fit_finds_the_law_that_drew_the_effects() -> None:
    draw = np.random.default_rng(20261125)
    errors = draw.uniform(0.02, 0.05, 4000)
    estimates = draw.normal(0.01, 0.04, 4000) + errors * draw.standard_normal(4000)
    found = fit_prior(np.column_stack([estimates, errors]).tolist())
    assert found.sd_se is not None
    assert abs(found.mean - 0.01) < 4 * found.mean_se
    assert abs(found.sd - 0.04) < 4 * found.sd_se


def test_estimates_that_agree_have_no_spread() -> None:
    found = fit_prior([[0.1, 1.0], [0.1, 1.0], [0.2, 1.0]], "maximum-likelihood")
    assert (found.sd, found.sd_se, found.i2) == (0.0, None, 0.0)
    with pytest.raises(InputError, match="no spread to fit"):
        Study.from_tree(world({"past": [[0.1, 1.0], [0.1, 1.0]]}), "here")


def test_a_study_with_past_experiments_is_the_study_with_the_fitted_numbers() -> None:
    past = [[0.05, 0.02], [-0.03, 0.02], [0.08, 0.03], [0.01, 0.01]]
    fitted = fit_prior(past)
    rules = ["bayesian-prior", "rope"]
    said = world(
        {"effect_mean": fitted.mean, "effect_sd": fitted.sd},
        strategies=[
            {"kind": kind, "prior": "normal", "prior_mean": fitted.mean, "prior_sd": fitted.sd} for kind in rules
        ],
    )
    told = world({"past": past}, strategies=[{"kind": kind, "prior": "fitted"} for kind in rules])
    one, other = (Study.from_tree(each, "here").run(replicates=400, seed=5) for each in (said, told))
    assert one.digest == other.digest
    assert one["rope"].figures["exaggeration_shrunk"] == other["rope"].figures["exaggeration_shrunk"]
    assert one.advice == other.advice
    back = Study.from_tree(told, "here")
    assert back.to_tree()["prior"]["past"] == past
    assert Study.from_tree(back.to_tree(), "here").freeze().digest == back.freeze().digest
    assert "fit" not in Study.from_tree(said, "here").to_tree()["prior"]


WRONG = [
    ({"past": [[0.1, 0.02]]}, {}, "prior.past"),
    ({"past": [[0.1, 0.02], [0.1, 0.0]]}, {}, "prior.past"),
    ({"past": [[0.1, 0.02], [0.1]]}, {}, "prior.past"),
    ({"past": [0.1, 0.02]}, {}, "prior.past"),
    ({"past": [[0.1, 0.02], [0.1, float("nan")]]}, {}, "prior.past"),
    ({"past": [[0.1, 0.02], [0.3, 0.02]], "effect_sd": 0.1}, {}, "prior.effect_sd"),
    ({"past": [[0.1, 0.02], [0.3, 0.02]], "effect_mean": 0.1}, {}, "prior.effect_mean"),
    ({"past": [[0.1, 0.02], [0.3, 0.02]], "fit": "mle"}, {}, "prior.fit"),
    ({}, {"kind": "rope", "prior": "fitted"}, "strategies.0.prior"),
]


@pytest.mark.parametrize(("prior", "strategy", "key"), WRONG)
def test_contradictions_are_one_line(prior: dict, strategy: dict, key: str) -> None:
    with pytest.raises(InputError) as caught:
        Study.from_tree(world(prior, **({"strategies": [strategy]} if strategy else {})), "here")
    assert caught.value.key == key
    assert "\n" not in str(caught.value)


def test_on_the_command_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "past.csv"
    y, v = BCG
    file.write_text("name,effect,se\n" + "".join(f"t,{a!r},{b**0.5!r}\n" for a, b in zip(y, v, strict=True)))
    assert main(["exact", "prior", "--file", str(file), "--method", "maximum-likelihood", "--json", "-"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["sd"] ** 2 == pytest.approx(0.280028137268, rel=1e-6)
    assert main(["exact", "prior", "--past", "0.3:0.05,-0.1:0.08"]) == 0
    assert "[prior] past = [[0.3, 0.05], [-0.1, 0.08]]" in capsys.readouterr().out
    file.write_text("effect,se\n0.1,low\n")
    for words in (["--file", str(file)], ["--past", "0.1:0.02"], ["--past", "low"], []):
        assert main(["exact", "prior", *words]) == 2
        assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("method", ["dersimonian-laird", "maximum-likelihood"])
@pytest.mark.parametrize("past", ["0:1e-300,1:1e-300", "1e300:1,-1e300:1", "0.1:1e300,0:1e300"])
def test_numbers_beyond_all_bounds_are_one_line(capsys: pytest.CaptureFixture[str], past: str, method: str) -> None:
    assert main(["exact", "prior", "--past", past, "--method", method]) == 2
    assert capsys.readouterr().err.endswith("from 1e-12 to 1e+12\n")


def test_what_to_write_into_a_scenario_is_what_a_scenario_takes(capsys: pytest.CaptureFixture[str]) -> None:
    """The method belongs to the prior, and effects without a spread are none."""
    assert main(["exact", "prior", "--past", "0.3:0.05,-0.1:0.08", "--method", "maximum-likelihood"]) == 0
    assert 'fit = "maximum-likelihood"' in " ".join(capsys.readouterr().out.split())
    assert main(["exact", "prior", "--past", "0.1:0.1,0.1:0.1"]) == 0
    assert "[prior]" not in capsys.readouterr().out
    assert main(["exact", "prior"]) == 2
    assert "no past experiments" in capsys.readouterr().err
