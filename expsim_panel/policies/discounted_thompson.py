"""Discounted Thompson sampling."""

from __future__ import annotations

from typing import Any, NamedTuple

from expsim_panel.policies._recent import Discounted, by_discount, recent_thompson
from expsim_panel.policy import Problem, policies


@recent_thompson
@by_discount
class DiscountThompsonParams(NamedTuple):
    """How far it remembers, and the family of the rewards."""

    gamma: float
    binary: bool


@policies.register("discounted-thompson")
class DiscountedThompson(Discounted):
    """Thompson sampling on successes and failures that fade by gamma per request, on top of a Beta(1, 1) prior.

    Scores: N(s / n, 1 / n) of the faded sums.

    References
    ----------
    V. Raj, S. Kalyani (2017), "Taming non-stationary bandits: a Bayesian approach", arXiv:1707.09727.
    """

    kind = "discounted-thompson"
    summary = "Thompson sampling with a fading memory, for rewards that change"

    def request(self, problem: Problem) -> Any:
        """Return the kernel's parameters."""
        return DiscountThompsonParams(float(self.gamma), problem.binary)
