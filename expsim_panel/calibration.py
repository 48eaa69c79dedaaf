"""The record of a calibration: what was measured in a table of ratings, in what units."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from expsim_panel.components import Components, Reliability
from expsim_panel.ordered_probit import OrderedProbit
from expsim_panel.realism import Realism
from expsim_panel.shaped_ratings import Shape
from expsim_panel.structured_ratings import Structure

MOST_NAMED = 60  # raters whose own parameters are kept


@dataclass(frozen=True)
class VariantFacts:
    """One variant's ratings.

    Attributes
    ----------
    mean, se : float
        Mean rating and its standard error clustered by item (rater severity is not in it), in points.
    item_mean_sd : float or None
        Standard deviation of item means: true quality plus what raters leave after averaging.
    sd : float or None
        Standard deviation of true quality between items: the item component alone.
    histogram : tuple of int
        Ratings per level (per bin of `Calibration.levels` for a continuous score).
    """

    name: str
    items: int
    ratings: int
    mean: float
    se: float | None
    item_mean_sd: float | None
    sd: float | None
    histogram: tuple[int, ...]


@dataclass(frozen=True)
class Contrast:
    """A treatment against the control, on the prompts that both answered.

    Attributes
    ----------
    difference, se : float or None
        Mean of paired differences of item means, treatment minus control, and its standard error.
    correlation : float or None
        Correlation of the two variants' item means over prompts.
    """

    treatment: str
    prompts: int
    difference: float | None
    se: float | None
    correlation: float | None


@dataclass(frozen=True)
class Calibration:
    """All that was measured; see the parts for units.

    Attributes
    ----------
    family : str
        ``binary`` (two values), ``ordinal`` (at most 11 integer levels) or ``normal``.
    levels : tuple of float
        Values of the levels; for ``normal`` the edges of the histogram's bins.
    components, chosen : Components
        Variance components within variants: over the whole table, and over control and treatments.
    reliability : Reliability
        Over all variants together, as publications report it.
    probit : OrderedProbit
        The law named in `realism.law`, fitted to the whole table, `variants` in order. Where raters revised, it is
        the law before they did.
    structure : Structure or None
        What the law has besides, if it is one of `rating_laws.RICH` or ``-tasted``.
    shape : Shape or None
        What stands in place of the law's normal effects, thresholds and raters, if it is ``-shaped``.
    classes : tuple of tuple of float, or None
        The levels of that law for ``normal``: mean score of each class, and the edges between them (scores with few
        values: the values). None where levels are scores.
    within_sd : float
        Standard deviation of scores within these classes; 0 where levels are scores.
    prompt_share : float
        Part of the item variance that variants share on a prompt.
    notes : tuple of str
        What the reader must know before using the numbers.
    """

    source: str
    sha256: str
    rows: int
    items: int
    prompts: int
    raters: int
    family: str
    levels: tuple[float, ...]
    control: str
    treatments: tuple[str, ...]
    variants: tuple[VariantFacts, ...]
    contrasts: tuple[Contrast, ...]
    components: Components
    chosen: Components
    reliability: Reliability
    probit: OrderedProbit
    structure: Structure | None
    shape: Shape | None
    classes: tuple[tuple[float, ...], tuple[float, ...]] | None
    within_sd: float
    prompt_share: float
    realism: Realism
    notes: tuple[str, ...]

    def facts(self, name: str) -> VariantFacts:
        """Return the facts of a variant."""
        return next(variant for variant in self.variants if variant.name == name)

    def to_json(self) -> dict[str, Any]:
        """Return plain Python values without nan; arrays of single raters only if they are few."""
        tree = asdict(self)
        for key in ("components", "chosen"):
            del tree[key]["rater_effects"]
        if self.raters > MOST_NAMED:
            for key in ("severities", "severity_errors", "stretches"):
                del tree["probit"][key]
            if self.structure is not None:
                del tree["structure"]["shifts"], tree["structure"]["texture"]["loadings"]
            if self.shape is not None:
                del tree["shape"]["severities"], tree["shape"]["severity_errors"]
        if self.shape is not None and len(self.variants) > MOST_NAMED:
            del tree["shape"]["weights"]
        if self.classes is not None:
            tree["classes"] = {"values": self.classes[0], "edges": self.classes[1]}
        return dict(plain(tree))


def levels_of(found: Calibration) -> tuple[float, ...]:
    """Return the scores behind the levels of the realism score; of a continuous score, the number of its class."""
    assert found.realism.real is not None
    classes = len(found.realism.real.marginal)
    return found.levels if len(found.levels) == classes else tuple(float(k + 1) for k in range(classes))


def plain(value: Any) -> Any:
    """Turn arrays and tuples into lists, NumPy numbers into Python's, and nan into None."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, np.generic):
        return plain(value.item())
    return None if isinstance(value, float) and not np.isfinite(value) else value
