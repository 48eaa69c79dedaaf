"""A crossed probit fitted to DICES predicts how often one rater agrees with the crowd, which it was not fitted to.

DICES-350, Aroyo et al. 2023 (CC BY 4.0): 123 raters answered Yes (safe), No (unsafe) or Unsure on each of 350
conversations. Kept here are aggregates only: the parameters that `ProbitModel.fitted` returns for those ratings
(thresholds, spread of items and of raters; latent variance 1), and the observed share of ratings that equal the most
frequent answer of their item. The fit sees the marginal distribution, raters' means and the covariance within items.
"""

import numpy as np
import pytest

from expsim_panel.item_agreement import Agreement
from expsim_panel.ordered_probit import OrderedProbit
from expsim_panel.rating_models import ProbitModel, Sheet
from expsim_panel.ratings import Ratings

ITEMS, RATERS = 350, 123
FITS = {
    # answers in order: thresholds, item SD, severity SD, noise SD, observed agreement with the crowd
    "no-or-not": ((-0.26535586,), 0.51916690, 0.58998471, 0.61837187, 0.7074),
    "yes-unsure-no": ((-0.42730425, -0.26635308), 0.52123143, 0.58121562, 0.62490495, 0.6892),
}


@pytest.mark.parametrize("coding", FITS)
def test_one_rater_against_the_crowd_within_two_points(coding):
    thresholds, item_sd, severity_sd, noise_sd, observed = FITS[coding]
    rng = np.random.default_rng(20261124)
    item, rater = np.repeat(np.arange(ITEMS), RATERS), np.tile(np.arange(RATERS), ITEMS)
    names = tuple(map(str, range(ITEMS)))
    levels = np.arange(len(thresholds) + 1.0)
    found = []
    for _ in range(40):
        severities = severity_sd * rng.standard_normal(RATERS)
        law = OrderedProbit(
            np.array(thresholds), np.zeros(1), severities, np.zeros(RATERS), np.ones(RATERS), np.ones(1),
            item_sd, severity_sd, noise_sd, Agreement.common(item_sd**2 / (item_sd**2 + noise_sd**2)),
        )  # fmt: skip
        ratings = Ratings(
            item, item, 0 * item, rater, levels[item % len(levels)], names, ("A",), names[:RATERS], ITEMS, "d", ""
        )
        answer = ProbitModel(law, 0.0).simulate(Sheet.of_levels(ratings, levels), rng).reshape(ITEMS, RATERS)
        crowd = np.stack([(answer == level).sum(axis=1) for level in range(len(levels))], axis=1).argmax(axis=1)
        found.append((answer == crowd[:, None]).mean())
    error = np.std(found, ddof=1) / np.sqrt(len(found))
    assert error < 0.004
    assert abs(np.mean(found) - observed) < 0.02
