"""What every evaluator has in common: how it turns true quality into scored rows, money and time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import param

from expsim_panel.errors import InputError, shown
from expsim_panel.evaluator_profiles import RATES, filled, stacked
from expsim_panel.quantities import Share
from expsim_panel.registry import Registry
from expsim_panel.sections import Section

if TYPE_CHECKING:
    from expsim_panel.row_law import RowKind
    from expsim_panel.scenario import Scenario


@dataclass(frozen=True)
class Measurement:
    """The law of one scored row, given the true means.

    Attributes
    ----------
    means, sds : ndarray, shape (..., arms)
        Mean and standard deviation of a row, metric units, rater severity excluded. For a binary metric
        `means` are the rates of positive scores and `sds` follow from them.
    severity_sd : float
        Standard deviation of rater severity; 0 where there is none.
    raters : int
        Raters who share the rows of an arm evenly; 0 where there is no severity.
    shared : bool
        Whether the same raters score every arm (their severity then cancels in a difference).
    """

    means: np.ndarray
    sds: np.ndarray
    severity_sd: float = 0.0
    raters: int = 0
    shared: bool = True


@dataclass(frozen=True)
class FixedSplit:
    """Why an evaluator measures only where no strategy moves traffic.

    Attributes
    ----------
    because : str
        What a strategy that does would do, and why that cannot be; a clause whose subject is the strategy.
    otherwise : str
        What to change of the evaluator to have it.
    """

    because: str
    otherwise: str


class Evaluator(Section):
    """Who measures quality. One file in ``evaluators/`` each, found by its name."""

    kind = ""
    summary = ""
    added: frozenset[str] = frozenset()
    """Keys that came later: left out of a tree at their default, so that older studies keep their digest."""
    rows_word = "measured"
    coverage = Share(
        1.0,
        bounds=(0.0, 1.0),
        inclusive_bounds=(False, True),
        softbounds=(0.05, 1.0),
        step=0.05,
        label="Share of units scored",
        doc="Part of the units whose response is scored; the others are served but not evaluated.",
    )

    def measure(self, means: np.ndarray, sds: np.ndarray, family: str) -> Measurement:
        """Return the law of one scored row for true means and standard deviations.

        Parameters
        ----------
        means, sds : ndarray, shape (..., arms)
            True mean and standard deviation of one response; for ``family="binary"`` the true rates.
        """
        raise LookupError(f"{type(self).__name__} does not say how it measures")

    def rows(
        self, scenario: Scenario, means: np.ndarray, sds: np.ndarray, pull: np.ndarray, steps: np.ndarray
    ) -> RowKind:
        """Return what rows of live traffic are made of: of one measurement each, unless an evaluator says otherwise.

        Parameters
        ----------
        means, sds : ndarray, shape (replicates, arms)
            True law of a response in the absence of spill-over, metric units.
        pull : ndarray, shape (replicates, arms)
            What all true means gain where this arm has all of the traffic.
        steps : ndarray, shape (days, arms)
            What each day adds to the true means.
        """
        from expsim_panel.plain_rows import PlainRows

        return PlainRows()

    @property
    def fixed_split(self) -> FixedSplit | None:
        """Say why this evaluator is for a fixed split only; None where strategies may move traffic."""
        return None

    @property
    def label_lag(self) -> int:
        """Days by which a label is later than a score of the same response; 0 where a row is one measurement."""
        return 0

    def partly_labelled(self, means: np.ndarray, sds: np.ndarray, family: str, part: float) -> np.ndarray:
        """Return the variance of a row, shape of `means`, where all scores are in and `part` of the labels."""
        return np.asarray(self.measure(means, sds, family).sds ** 2)

    def bias_free(self) -> Evaluator:
        """Return a perfect evaluator that scores the same share of units."""
        return evaluators.build({"kind": "truth", "coverage": self.row_share}, {}, "bias_free")

    @classmethod
    def completed(
        cls, tree: dict[str, Any], alternatives: dict[str, dict[str, Any]], where: str, path: str, rates: bool
    ) -> dict[str, Any]:
        """Return `tree` with what this kind takes from the tables of other kinds."""
        return tree

    @property
    def row_share(self) -> float:
        """Part of the units that become a row of the analysis."""
        return float(self.coverage)

    def usd_by_payee(self) -> dict[str, float]:
        """Dollars per row for ``judge`` and ``human``."""
        return {self.kind: self.usd_per_row()}

    def responses_per_row(self) -> dict[str, float]:
        """Responses that ``judge`` and ``human`` score for one row."""
        return {self.kind: 1.0}

    def usd_per_row(self) -> float:
        """Dollars to score one row."""
        return 0.0

    def seconds_per_row(self) -> float:
        """Seconds of work (human or machine) to score one row."""
        return 0.0

    def rows_per_day(self) -> float:
        """Responses that can be scored in a day: by people's hours, or by calls at a time; inf for no limit."""
        return math.inf

    def bias_sd(self) -> float:
        """SD of the differential bias that this kind of evaluator may have, metric units; 0: none suspected.

        Knowledge about the evaluator, not about this experiment's truth: the verdict may use it.
        """
        return 0.0

    def price_note(self) -> str:
        """Say where the price comes from, with its date."""
        return ""

    def check_price(self, where: str, path: str) -> None:
        """Check that the price is known; raise `InputError` with the key under the table `path`."""

    def check_for(self, scenario: Scenario, where: str) -> None:
        """Check the evaluator against the scenario; raise `InputError`."""

    def copy(self, **changes: Any) -> Self:
        """Return an independent evaluator with some keys changed."""
        tree = {key: value for key, value in self.to_tree().items() if key != "kind"}
        return type(self).from_tree(stacked(tree, changes), "copy")

    def to_tree(self) -> dict[str, Any]:
        """Return the tree with the kind in front."""
        tree = super().to_tree()
        for key in self.added:
            if tree.get(key) == self.param[key].default:
                tree.pop(key, None)
        return {"kind": self.kind, **tree}

    def stated(self, beside: dict[str, dict[str, Any]]) -> dict[str, Any]:
        """Return the tree with what it leaves out at its default where a table beside it says otherwise."""
        tree = self.to_tree()
        for key in self.added & set(beside.get(self.kind, {})) - set(tree):
            value = getattr(self, key)
            if value is not None:
                tree[key] = value
        return tree


def over(
    beside: dict[str, Any], tree: dict[str, Any], kind: str, names: tuple[str, str, str], rates: bool
) -> dict[str, Any]:
    """Return a table with both profiles filled in: `tree` on top of the fields kept `beside` it.

    Parameters
    ----------
    names : tuple of str
        The file, and the paths of both tables, for errors.
    """
    where, first, second = names
    made = stacked(filled(beside, kind, where, first, rates), filled(tree, kind, where, second, rates))
    if rates:
        # What is assumed for want of a number gives way to one.
        made |= {key: beside[key] for key in RATES if key in beside and key not in tree}
    return made


class EvaluatorRegistry(Registry[type[Evaluator]]):
    """Evaluators by kind."""

    def build(
        self,
        tree: Any,
        alternatives: dict[str, dict[str, Any]],
        where: str,
        path: str = "evaluator",
        *,
        rates: bool = False,
    ) -> Evaluator:
        """Make the evaluator that `tree` names.

        Fields it leaves out come from the profile it names, then from ``[evaluators.KIND]``, then from that
        table's profile. Of `rates` (a yes/no metric) a profile's points are left to that table, else to
        `evaluator_profiles.RATES`.
        """
        if not isinstance(tree, dict):
            raise InputError(where, path, f"{shown(tree)} is not a table", "write [evaluator] with a kind")
        tree = dict(tree)
        kind = tree.pop("kind", "truth")
        cls = self.get(kind, where, f"{path}.kind")
        beside = alternatives.get(kind, {})
        made = over(beside, tree, kind, (where, f"evaluators.{kind}", path), rates)
        return cls.from_tree(cls.completed(made, alternatives, where, path, rates), where, path)


def as_given(error: InputError, tree: dict[str, Any]) -> InputError:
    """Return an error about the evaluator with the key that the field has, or would have, in a scenario's tree."""
    first, *field = error.key.split(".")
    if first != "evaluator" or not field:
        return error
    kind = tree.get("evaluator", {}).get("kind", "truth")
    for place in (["evaluator", *field], ["evaluators", kind, *field], ["evaluators", *field]):
        node: Any = tree
        for key in place:
            node = node.get(key) if isinstance(node, dict) else None
        if node is not None:
            return InputError(error.where, ".".join(place), error.problem, error.remedy)
    # Nobody wrote it, as where a profile or a default says it: it belongs in the table that the file has.
    tables = tree.get("evaluators", {})
    if isinstance(tables, dict):
        place = ["evaluators", *field] if field[0] in tables and len(field) > 1 else ["evaluators", kind, *field]
        if tables.get(place[1]):
            return InputError(error.where, ".".join(place), error.problem, error.remedy)
    return error


evaluators = EvaluatorRegistry("expsim_panel.evaluators", "evaluator")


def profile_parameter(doc: str) -> param.String:
    """Declare the name of a profile, or the label under which numbers were published or assumed."""
    return param.String("", label="Profile", doc=doc)
