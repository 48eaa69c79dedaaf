"""Results: frozen records of arrays and figures, with their errors and their provenance."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from expsim_panel.kernels.day_scores import METHODS
from expsim_panel.strategy import Strategy
from expsim_panel.study import Request, Study

if TYPE_CHECKING:
    from expsim_panel.evidence import Evidence
    from expsim_panel.guardrail_figures import Guarded
    from expsim_panel.guardrail_tests import Readings
    from expsim_panel.guardrail_verdict import Check
    from expsim_panel.sample_ratio import SampleRatio
    from expsim_panel.standing import Standing
    from expsim_panel.trade_offs import TradeOff

ARRAYS = ("code", "day", "units", "rows", "sums", "squares")
"""Named order of a world's arrays, for the digest."""


SIMULATED = "simulated"
"""How the reason of a figure begins that has no exact value beside it."""


@dataclass(frozen=True)
class Figure:
    """One number of a report.

    Attributes
    ----------
    value : float or None
        The Monte Carlo estimate; None where it is undefined, with a `reason`.
    se : float or None
        Its Monte Carlo standard error.
    exact : float or None
        The exact value of the same quantity, where there is one.
    quantiles : dict or None
        5, 50 and 95 % quantiles over experiments, where the figure is the mean of a distribution.
    reason : str or None
        Why something is undefined; ``simulated: ...`` where that is the exact value only.
    """

    value: float | None
    se: float | None = None
    exact: float | None = None
    quantiles: Mapping[str, float] | None = None
    reason: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object."""
        quantiles = dict(self.quantiles) if self.quantiles else None
        return {"value": self.value, "se": self.se, "exact": self.exact, "quantiles": quantiles, "reason": self.reason}


@dataclass(frozen=True)
class Outcomes:
    """How a strategy's experiments ended in one world; one entry per replicate.

    Attributes
    ----------
    code : int16 ndarray, shape (replicates,)
        0 nothing found, a > 0 stopped for arm a, -1 stopped for control.
    day : int16 ndarray, shape (replicates,)
        Day (from 1) on which it ended.
    units, rows : int32 ndarray, shape (replicates, arms)
        Units enrolled and rows scored.
    sums, squares : float64 ndarray, shape (replicates, arms)
        Sum and sum of squares of the scores, oriented so that more is better.
    logged : float64 ndarray, shape (replicates, 4, arms - 1, 2), or None
        Where a policy's shares follow the data: differences to control and their errors by the shares that were logged,
        see `kernels.day_scores.METHODS`.
    floored : bool
        Whether no share can fall below a floor, so that the logged estimates are valid.
    """

    code: np.ndarray
    day: np.ndarray
    units: np.ndarray
    rows: np.ndarray
    sums: np.ndarray
    squares: np.ndarray
    logged: np.ndarray | None = None
    floored: bool = False

    @classmethod
    def empty(cls, replicates: int, arms: int, logs: bool = False, floored: bool = False) -> Outcomes:
        """Return arrays to be filled; with those of logged shares, and whether these have a floor."""
        return cls(
            np.zeros(replicates, np.int16),
            np.zeros(replicates, np.int16),
            np.zeros((replicates, arms), np.int32),
            np.zeros((replicates, arms), np.int32),
            np.zeros((replicates, arms)),
            np.zeros((replicates, arms)),
            np.zeros((replicates, METHODS, arms - 1, 2)) if logs else None,
            floored,
        )

    @property
    def nbytes(self) -> int:
        """Memory that the arrays take."""
        return int(sum(array.nbytes for _, array in self.arrays()))

    def arrays(self) -> list[tuple[str, np.ndarray]]:
        """Return every array with its name, in the order of the digest."""
        made = [(name, getattr(self, name)) for name in ARRAYS]
        return made if self.logged is None else [*made, ("logged", self.logged)]

    def part(self, which: slice) -> Outcomes:
        """Return a view of some replicates."""
        logged = None if self.logged is None else self.logged[which]
        code, day, units, rows, sums, squares = (getattr(self, name)[which] for name in ARRAYS)
        return Outcomes(code, day, units, rows, sums, squares, logged, self.floored)


@dataclass(frozen=True)
class Verdict:
    """What to do, from the data of one experiment.

    Attributes
    ----------
    action : str
        ``launch``, ``keep``, ``collect`` or ``inconclusive``.
    variant : str or None
        Which variant is meant.
    strategy : str
        The strategy that played.
    estimate : float or None
        Effect of that variant over control, metric units, positive is better.
    interval : tuple of float or None
        Its interval at the design's level.
    more_units, more_cost
        How much more to collect, and its dollars, for ``collect``.
    sentence : str
        One plain sentence.
    reasons : tuple of str
        What carries it, and what would change it.
    sample_ratio : SampleRatio or None
        The check of the units' numbers; None where shares move with the data.
    guardrails : tuple of Check
        Every guardrail of every variant, from the same data.
    evidence : tuple of Evidence
        What more data of each source would be worth; empty without an estimate.
    trade_off : TradeOff or None
        Quality, cost and latency at once, from these data.
    expected_penalty : float
        Dollars per response that breaches of the variant's guardrails are expected to cost, from these data.
    net_value : float or None
        Dollars per response that the variant is estimated to be worth over control: gain, less price and waiting, less
        the expected penalty; None without an estimate.
    standing : Standing or None
        Wins, ties and losses of that variant, where it was compared side by side.
    """

    action: str
    variant: str | None
    strategy: str
    estimate: float | None
    interval: tuple[float, float] | None
    more_units: int | None
    more_cost: float | None
    sentence: str
    reasons: tuple[str, ...]
    sample_ratio: SampleRatio | None = None
    guardrails: tuple[Check, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    trade_off: TradeOff | None = None
    expected_penalty: float = 0.0
    net_value: float | None = None
    standing: Standing | None = None

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object."""
        made = dict(self.__dict__)
        made["evidence"] = [one.to_json() for one in self.evidence]
        made["trade_off"] = self.trade_off.to_json() if self.trade_off else None
        made["sample_ratio"] = self.sample_ratio.to_json() if self.sample_ratio else None
        made["interval"] = list(self.interval) if self.interval else None
        made["reasons"] = list(self.reasons)
        made["guardrails"] = [check.to_json() for check in self.guardrails]
        made["standing"] = self.standing.to_json() if self.standing else None
        return made


@dataclass(frozen=True)
class Trace:
    """One experiment, day by day, as its team would have seen it.

    Attributes
    ----------
    luck : int
        Index of the replicate.
    code, day : int
        How and when it ended.
    state : ndarray, shape (day, 4, arms)
        Units, rows, sums and squares at the end of each day, oriented so that more is better.
    readings : tuple of Readings or None
        What was measured of each guardrail by the end, arrays (arms,); None where one was not measured.
    logged, floored
        As in `Outcomes`, at the end of each day.
    """

    luck: int
    code: int
    day: int
    state: np.ndarray
    readings: tuple[Readings | None, ...] = ()
    logged: np.ndarray | None = None
    floored: bool = False

    def outcomes(self) -> Outcomes:
        """Return what was known at the end of each day, as if each day were an experiment."""
        none = np.zeros(len(self.state), np.int16)
        units, rows, sums, squares = (self.state[:, part] for part in range(4))
        return Outcomes(none, none, units, rows, sums, squares, self.logged, self.floored)


@dataclass(frozen=True)
class StrategyResult:
    """What came out for one strategy.

    Attributes
    ----------
    strategy : Strategy
        The strategy.
    worlds : dict of Outcomes
        Raw arrays by world.
    figures, under_null : dict of Figure
        Operating characteristics under the scenario's truth, and the same figures in the null twin.
    trace : Trace
        One experiment day by day.
    verdict : Verdict
        What that experiment says.
    verdicts : dict
        By action: share of experiments, and how often that wording was right.
    guarded : Guarded or None
        What the guardrails do; None where the scenario has none.
    """

    strategy: Strategy
    worlds: Mapping[str, Outcomes]
    figures: Mapping[str, Figure]
    under_null: Mapping[str, Figure]
    trace: Trace
    verdict: Verdict
    verdicts: Mapping[str, Mapping[str, Figure]]
    guarded: Guarded | None = None

    @property
    def name(self) -> str:
        """The strategy's name."""
        return self.strategy.name


@dataclass(frozen=True)
class Advice:
    """Which strategy to run, from operating characteristics averaged over the design prior.

    Attributes
    ----------
    strategy : str
        Its name.
    sentence : str
        One plain sentence.
    reasons : tuple of str
        Why this one and not the others.
    scores : dict of Figure
        Expected value per strategy under the design prior, dollars.
    """

    strategy: str
    sentence: str
    reasons: tuple[str, ...]
    scores: Mapping[str, Figure]

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object."""
        scores = {name: figure.to_json() for name, figure in self.scores.items()}
        return {"strategy": self.strategy, "sentence": self.sentence, "reasons": list(self.reasons), "scores": scores}


@dataclass(frozen=True)
class Result:
    """Everything that a run says.

    Attributes
    ----------
    request : Request
        The frozen study.
    replicates : int
        Replicates in the arrays: all of the request's, or fewer in a partial result.
    strategies : tuple of StrategyResult
        In the order of the study.
    advice : Advice
        The strategy to run.
    seconds : float
        Time the simulation took.
    """

    request: Request
    replicates: int
    strategies: tuple[StrategyResult, ...]
    advice: Advice
    seconds: float

    @property
    def complete(self) -> bool:
        """Whether all replicates are in."""
        return self.replicates == self.request.replicates

    @property
    def study(self) -> Study:
        """An independent copy of the study."""
        return self.request.study()

    @property
    def verdict(self) -> Verdict:
        """The verdict of the advised strategy's experiment on screen."""
        return self[self.advice.strategy].verdict

    @property
    def digest(self) -> str:
        """SHA-256 of the result arrays, float64 little-endian, in named order."""
        seen = hashlib.sha256()
        for one in self.strategies:
            for world, arrays in one.worlds.items():
                for name, array in arrays.arrays():
                    seen.update(f"{one.name}/{world}/{name}".encode())
                    seen.update(np.ascontiguousarray(array, "<f8").tobytes())
            for world, codes in one.guarded.codes.items() if one.guarded else ():
                seen.update(f"{one.name}/{world}/guardrails".encode())
                seen.update(np.ascontiguousarray(codes, "<f8").tobytes())
        return seen.hexdigest()

    def __getitem__(self, name: str) -> StrategyResult:
        """Return one strategy's result by its name."""
        return next(one for one in self.strategies if one.name == name)
