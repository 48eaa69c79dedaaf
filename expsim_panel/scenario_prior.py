"""Table ``[prior]`` of a scenario: what the team knew about effects before this experiment."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import param

from expsim_panel.errors import InputError
from expsim_panel.past_effects import METHODS, FittedPrior, fit_prior, is_past
from expsim_panel.quantities import LARGEST, Score, Spread
from expsim_panel.sections import Section


class PastEffects(param.List):  # type: ignore[misc]
    """Pairs of an estimate and its standard error, or None; ``"0.01:0.005, 0.03:0.01"`` is read too."""

    noun = "a list of past experiments"

    def __init__(self, **kw: Any):
        super().__init__(None, allow_None=True, **kw)

    def read(self, value: Any) -> Any:
        """Return a value in the one form that is stored: a list of lists; an empty one is none."""
        if isinstance(value, str):
            try:
                value = [[float(part) for part in pair.split(":")] for pair in value.split(",") if pair.strip()]
            except ValueError:
                return value
        if isinstance(value, list | tuple):
            return [list(pair) if isinstance(pair, list | tuple) else pair for pair in value] or None
        return value

    def remedy(self) -> str:
        """Say in words which values are accepted."""
        return "give 2 or more pairs of estimate and standard error, such as [[0.01, 0.005], [0.03, 0.01]]"

    def _validate_value(self, val: Any, allow_None: bool) -> None:
        if val is None:
            return
        if not isinstance(val, list) or not is_past(val) or max(abs(x) for pair in val for x in pair) > LARGEST:
            raise ValueError(f"{val!r} is not {self.noun}")


class Prior(Section):
    """Table ``[prior]``: what the team knew about effects before this experiment, as said or as past ones tell."""

    effect_mean = Score(
        0.0,
        softbounds=(-1, 1),
        step=0.01,
        label="Expected effect",
        doc="Mean of the team's effects, positive is better.",
    )
    effect_sd = Spread(
        None,
        allow_None=True,
        bounds=(0, None),
        inclusive_bounds=(False, True),
        step=0.01,
        label="Spread of effects",
        doc="Standard deviation of the team's effects; unset: the indifference times four.",
    )
    past = PastEffects(
        label="Past experiments",
        doc="Estimate and standard error of each past experiment, in place of expected effect and spread: "
        "0.01:0.005, 0.03:0.01.",
    )
    fit = param.Selector(
        default=METHODS[0],
        objects=list(METHODS),
        label="Past experiments fitted by",
        doc="How the spread of the true effects is told from the errors of their estimates.",
    )

    def check(self, where: str, path: str = "") -> None:
        """Check that the prior is given or fitted, not both; raise `InputError`."""
        if self.past is None:
            return
        for key, given in (("effect_mean", self.effect_mean != 0.0), ("effect_sd", self.effect_sd is not None)):
            if given:
                problem = "past experiments are given too"
                raise InputError(where, f"{path}.{key}", problem, "give past, or effect_mean and effect_sd")
        if self.fitted().sd == 0.0:
            problem = "these experiments differ no more than their errors explain: there is no spread to fit"
            raise InputError(where, f"{path}.past", problem, "give more, or effect_mean and effect_sd instead")

    def to_tree(self) -> dict[str, Any]:
        """Return the tree; how to fit is said only where there is something to fit."""
        tree = super().to_tree()
        if self.past is None:
            tree.pop("fit")
        return tree

    def fitted(self) -> FittedPrior:
        """Return the law that fits the past experiments; they must be there."""
        return _fitted(tuple(map(tuple, self.past)), str(self.fit))

    @property
    def law(self) -> tuple[float, float] | None:
        """Mean and standard deviation of the effects that past experiments fit; None without any."""
        return None if self.past is None else (self.fitted().mean, self.fitted().sd)

    @property
    def mean(self) -> float:
        """Mean of the effects: as given, or as fitted."""
        return float(self.effect_mean) if self.past is None else self.fitted().mean

    @property
    def sd(self) -> float | None:
        """Standard deviation of the effects: as given (None: unset), or as fitted."""
        if self.past is not None:
            return self.fitted().sd
        return None if self.effect_sd is None else float(self.effect_sd)


@lru_cache(maxsize=64)
def _fitted(past: tuple[tuple[float, float], ...], method: str) -> FittedPrior:
    return fit_prior(past, method)
