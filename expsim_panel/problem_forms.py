"""Kinds of bandit problem as forms: declarations that widgets, links and error lines follow."""

from __future__ import annotations

from typing import Any, ClassVar

import param

from expsim_panel.bandit_form import FAMILIES
from expsim_panel.bandit_problems import DUELS, METERED, SEGMENTS
from expsim_panel.errors import InputError
from expsim_panel.policy import BanditPolicy, DuelPolicy, Policy, SegmentPolicy
from expsim_panel.policy_names import bandit_names
from expsim_panel.quantities import Factor, Money, Probability
from expsim_panel.sections import Section

MOST_TEXT = 2000


class Entries(Section):
    """One number of a list or table: its bounds, and its words with places for arm and row."""

    mean = Factor(0.5, bounds=(-1e6, 1e6), softbounds=(0.1, 0.9), label="Mean of arm {}", doc="Mean reward.")
    segment_mean = Factor(
        0.5, bounds=(-1e6, 1e6), softbounds=(0.1, 0.9), label="Mean of arm {1} in segment {0}", doc="Mean reward."
    )
    risk = Probability(0.01, softbounds=(0.0, 0.1), label="Rate of bad events of arm {}", doc="Share of its answers.")
    price = Money(
        1.0, bounds=(0.0, 1e9), inclusive_bounds=(False, True), softbounds=(0.001, 0.05),
        label="Price of an answer of arm {}, $", doc="Dollars per answer.",
    )  # fmt: skip
    share = Probability(
        0.5, softbounds=(0.05, 0.9), label="Share of segment {}",
        doc="Of all requests; the other segments keep their proportions.",
    )  # fmt: skip
    feature = Factor(
        0.0, bounds=(-1e6, 1e6), softbounds=(-1.0, 1.0), label="Number {1} of the context of segment {0}",
        doc="What a policy sees.",
    )  # fmt: skip
    strength = Factor(
        0.0, bounds=(-100.0, 100.0), softbounds=(-1.0, 1.5), label="Log strength of arm {}", doc="As Bradley and Terry."
    )
    preference = Probability(
        0.5, softbounds=(0.3, 0.7), label="P(arm {0} is preferred to arm {1})",
        doc="Ties between the two stay as frequent as they are.",
    )  # fmt: skip
    chance = Probability(
        0.2, softbounds=(0.05, 0.8), label="Chance that arm {0} is rated {1}",
        doc="Its other ratings keep their proportions.",
    )  # fmt: skip


class Numbers(param.String):  # type: ignore[misc]
    """Numbers as a person types them: commas between, semicolons between rows; read when they are played.

    `each`: the field of `Entries` that one of them is.
    """

    # Param copies what stands in slots, and nothing else.
    __slots__ = ("each",)

    def __init__(self, default: str = "", each: str = "mean", **kw: Any) -> None:
        super().__init__(default, regex=rf"(?s)^.{{0,{MOST_TEXT}}}$", **kw)
        self.each = each


def _family() -> param.Selector:
    return param.Selector(default="bernoulli", objects=FAMILIES, label="Rewards", doc="What one answer brings.")


class ProblemForm(Section):
    """One kind of problem: its fields have the names of the flags of `expsim bandit`."""

    title: ClassVar[str] = ""
    hint: ClassVar[str] = ""
    plays: ClassVar[str] = METERED
    thing: ClassVar[str] = "Requests"
    usual: ClassVar[tuple[str, ...]] = ()
    """Policies at first."""
    horizon: ClassVar[int] = 5000
    kinds: ClassVar[tuple[type[Policy], ...]] = (BanditPolicy,)

    def given(self) -> dict[str, Any]:
        """Return what `bandit_problems.play` takes; what was left empty is left out."""
        made = {key: getattr(self, key) for key in self.fields()}
        made = {key: value.strip() if isinstance(value, str) else value for key, value in made.items()}
        return {key: value for key, value in made.items() if value not in (None, "")}

    def names(self) -> list[str]:
        """Return the policies on offer."""
        return bandit_names(*self.kinds)

    def need(self, key: str, where: str) -> None:
        """Raise `InputError` where a field is empty that has to be filled."""
        if not getattr(self, key).strip():
            raise InputError(where, key, "it is empty", f"write for example {self.param[key].default}")


class Guardrail(ProblemForm):
    """Arms that may do harm."""

    title = "Guardrail: an arm may do harm"
    hint = (
        "Each answer may also be a bad event, such as a leak or a toxic reply. An arm whose true rate of them is over "
        "the limit should lose its traffic soon: how many people does it reach before, and is it kept in the end?"
    )
    usual = ("even", "thompson", "guardrailed-thompson", "conservative-ucb")
    family = _family()
    means = Numbers("0.65, 0.62, 0.68, 0.72", label="Mean of each arm", doc="Mean reward by arm; arm 0 is the control.")
    guardrail = Numbers(
        "0.01, 0.01, 0.015, 0.06",
        "risk",
        label="Rate of bad events of each arm",
        doc="Share of its answers, 0 to 1, by arm.",
    )
    limit = Factor(
        0.03, bounds=(0.0, 1.0), inclusive_bounds=(False, False), softbounds=(0.001, 0.2), step=0.005,
        label="Largest rate allowed", doc="An arm with a higher true rate of bad events is over the limit; 0 to 1.",
    )  # fmt: skip


class Budget(ProblemForm):
    """Prices, and money that ends."""

    title = "Prices and a budget"
    hint = (
        "Each answer costs money, by arm. The experiment ends when the next answer cannot be paid, or after the "
        "requests. With a worth of one, quality is weighed against its cost. Who gets the most for the money?"
    )
    usual = ("even", "thompson", "budgeted-ucb", "budgeted-thompson", "lagrangian")
    family = _family()
    means = Numbers("0.55, 0.66, 0.72", label="Mean of each arm", doc="Mean reward by arm.")
    cost = Numbers(
        "0.006, 0.008, 0.02", "price", label="Price of an answer, $", doc="Dollars per answer, by arm, above 0."
    )
    unknown_costs = param.Boolean(
        False,
        label="Prices are chances",
        doc="Each price is the chance, 0 to 1, that an answer costs $1; to be learned.",
    )
    budget = Money(
        25.0, bounds=(0.0, 1e9), inclusive_bounds=(False, True), softbounds=(1.0, 1000.0), step=5.0, allow_None=True,
        label="Budget", doc="What all answers together may cost; empty: no end.",
    )  # fmt: skip
    value_per_point = Money(
        None, bounds=(0.0, 1e9), inclusive_bounds=(False, False), softbounds=(0.01, 10.0), step=0.01, allow_None=True,
        label="Value per point, $",
        doc="Dollars for one good answer, or one point: losses are then net value; empty: reward.",
    )  # fmt: skip


class Segments(ProblemForm):
    """Prompts of several kinds, whose best arms differ."""

    title = "Prompt segments: the best arm differs"
    hint = (
        "Requests come from segments, such as languages or tasks, and each may have another best arm. A contextual "
        "bandit sees the segment; the others look for one arm for all. What does seeing it win?"
    )
    plays = SEGMENTS
    usual = ("even", "thompson", "lin-ucb", "lin-thompson")
    kinds = (SegmentPolicy, BanditPolicy)
    family = _family()
    segments = Numbers(
        "0.5, 0.3, 0.2", "share", label="How often each segment comes", doc="Shares, or numbers in proportion."
    )
    means = Numbers(
        "0.60, 0.70, 0.62; 0.65, 0.55, 0.70; 0.50, 0.52, 0.64", "segment_mean", label="Means, a row per segment",
        doc="Mean reward by arm; semicolons between the segments.",
    )  # fmt: skip
    features = Numbers(
        "",
        "feature",
        label="Context of each segment",
        doc="What a policy sees, a row of numbers per segment; empty: which segment it is.",
    )


class Duels(ProblemForm):
    """Pairwise preferences."""

    title = "Duels: which of two answers is preferred"
    hint = (
        "Two arms answer each request, and a judge or a reader prefers one. The policy chooses the pairs, and looks "
        "for the arm that beats every other more often than not (the Condorcet winner)."
    )
    plays = DUELS
    thing = "Duels"
    usual = ("even-pairs", "rucb", "double-thompson")
    horizon = 3000
    kinds = (DuelPolicy,)
    strengths = Numbers(
        "0.6, 0.3, 0.1, 0",
        "strength",
        label="Log strength of each arm",
        doc="P(i beats j) = 1 / (1 + exp(s_j - s_i)), as Bradley and Terry.",
    )
    tie = Factor(
        0.0, bounds=(0.0, 1e6), softbounds=(0.0, 2.0), step=0.1, label="Ties (Davidson's nu)",
        doc="Equal arms tie with nu / (2 + nu); 0: never.",
    )  # fmt: skip
    preferences = Numbers(
        "",
        "preference",
        label="Or a table of preferences",
        doc="P(row's arm is preferred to column's), semicolons between rows; in place of strengths.",
    )

    def given(self) -> dict[str, Any]:
        """Return strengths and ties, or the table in their place."""
        made = super().given()
        if "preferences" in made:
            return {"preferences": made["preferences"]}
        return {key: value for key, value in made.items() if key != "tie" or value}


class Ratings(ProblemForm):
    """Ratings on a scale."""

    title = "Ratings 1, 2, 3, ..."
    hint = (
        "Each answer is rated. The chances of every rating, by arm, tell more than a mean: Dirichlet Thompson learns "
        "them all, the others the mean alone."
    )
    usual = ("even", "thompson", "dirichlet-thompson", "ucb1")
    ratings = Numbers(
        "0.1, 0.2, 0.3, 0.4; 0.05, 0.2, 0.3, 0.45; 0.1, 0.1, 0.2, 0.6", "chance",
        label="Chances of the ratings 1, 2, ...",
        doc="A row per arm, semicolons between; each row is brought to sum 1.",
    )  # fmt: skip


FORMS: dict[str, type[ProblemForm]] = {
    "guardrail": Guardrail, "budget": Budget, "segments": Segments, "duels": Duels, "ratings": Ratings,
}  # fmt: skip
NEEDED = ("means", "guardrail", "cost", "segments", "ratings")
"""Fields that may not be empty, where a form has them; duels have strengths or preferences."""


def read_form(kind: str, values: dict[str, Any], where: str) -> ProblemForm:
    """Return a form with the values that were typed.

    Raises
    ------
    InputError
        An unknown kind or key, a value that its declaration does not accept, or an empty field that is needed.
    """
    if kind not in FORMS:
        raise InputError(where, "problem", f"unknown kind {kind[:60]!r}", f"choose from {', '.join(FORMS)}")
    made = FORMS[kind]()
    for key, value in values.items():
        made.put(key, value, where)
    for key in made.fields():
        if key in NEEDED:
            made.need(key, where)
    if isinstance(made, Duels) and not made.preferences.strip():
        made.need("strengths", where)
    return made
