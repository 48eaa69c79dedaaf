"""The wrong recipes have the type I error that is told of them, by recursion and by simulation."""

import numpy as np
import peer_mistakes_page
import pytest
import reference_cases

from expsim_panel.peer_mistakes import true_error
from expsim_panel.sequential import sequential_design

KNOWN = {
    ("conditional alpha as marginal level", "lan-demets-obrien-fleming"): 0.033,
    ("cumulative alpha as nominal level", "lan-demets-obrien-fleming"): 0.061,
    ("cumulative alpha as nominal level", "lan-demets-pocock"): 0.097,
}
FIFTHS = np.arange(1, 6) / 5


@pytest.mark.parametrize(("recipe", "kind"), KNOWN)
def test_the_wrong_recipes_have_the_error_that_is_told_of_them(recipe, kind):
    exact = true_error(peer_mistakes_page.bounds_of(recipe, kind, 5), FIFTHS, 2)
    assert exact == pytest.approx(KNOWN[recipe, kind], abs=6e-4)


@pytest.mark.parametrize("kind", peer_mistakes_page.SPENDING)
@pytest.mark.parametrize("recipe", ["right", *peer_mistakes_page.RECIPES])
def test_the_engine_sees_the_same(recipe, kind):
    if recipe == "right":
        upper = sequential_design(kind, 5, 0.05, 2, two_sided_spending="overall").critical_values
    else:
        upper = peer_mistakes_page.bounds_of(recipe, kind, 5)
    exact = true_error(upper, FIFTHS, 2)
    if recipe == "right":
        assert exact == pytest.approx(0.05, abs=1e-10)
    error = np.sqrt(exact * (1 - exact) / peer_mistakes_page.REPLICATES)
    assert abs(peer_mistakes_page.simulated()[peer_mistakes_page.name_of(recipe, kind)] - exact) <= 4 * error


def test_the_page_is_up_to_date():
    new = peer_mistakes_page.page().splitlines()
    old = peer_mistakes_page.PAGE.read_text(encoding="utf-8").splitlines()
    changed = [pair for pair in zip(new, old, strict=False) if not reference_cases.same(*pair)]
    assert (changed[:3], len(new)) == ([], len(old)), "write it anew: python tests/write_validation.py"
