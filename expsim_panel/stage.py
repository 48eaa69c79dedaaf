"""One world of a study, ready to be played block by block: everything that no block changes is made once."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from expsim_panel import plan, timeline
from expsim_panel.design import Setting
from expsim_panel.kernels.hybrid_worlds import HybridWorld
from expsim_panel.kernels.streams import BLOCK, EVALUATOR, OUTCOME, POLICY, generator
from expsim_panel.kernels.trials import ROWS, SQUARES, SUMS, UNITS, WATCH_NOBODY, Recorded, play
from expsim_panel.kernels.worlds import World
from expsim_panel.logged_shares import empty, log
from expsim_panel.policy import Supply
from expsim_panel.results import Outcomes
from expsim_panel.row_law import Block, Law, RowKind
from expsim_panel.strategy import Strategy
from expsim_panel.study import Study

Streams = tuple[np.random.Generator, np.random.Generator, np.random.Generator]

_UNUSED = generator(0, POLICY, 0)


@dataclass(frozen=True)
class Paths:
    """What every fixed split of a block reads.

    Attributes
    ----------
    whole : Recorded
        Experiments by day of enrolment, with everything that comes of it.
    known : Recorded
        The same with the labels that are not late; `whole` where none is later than a score.
    daily : ndarray or None
        A hybrid's sums of each day of the last replicate.
    """

    whole: Recorded
    known: Recorded
    daily: np.ndarray | None


@dataclass(frozen=True)
class Stage:
    """A world and the strategies that play in it.

    Attributes
    ----------
    study : Study
        The study; not changed while the stage is used.
    world : str
        One of `plan.WORLDS`.
    seed : int
        Seed of the study.
    setting : Setting
        What the designs know.
    traffic : plan.Schedule
        Traffic of the fixed split.
    common : Law or None
        The law shared by all replicates; None where each draws its own truth.
    rules : dict
        Kernel parameters of each strategy's stopping rule, by name.
    """

    study: Study
    world: str
    seed: int
    setting: Setting
    traffic: plan.Schedule
    common: Law | None
    rules: dict[str, Any]

    @classmethod
    def prepare(cls, study: Study, world: str, seed: int) -> Stage:
        """Return the stage of one world."""
        scenario = study.scenario
        setting = plan.setting_of(scenario, world)
        rules = {one.name: one.rule(setting) for one in study.strategies}
        common = None if world == "prior" else plan.law(scenario, world, seed, 0, 1)
        return cls(study, world, seed, setting, plan.schedule(scenario), common, rules)

    def law(self, block: int, size: int) -> Law:
        """Return the law of the rows in the first `size` replicates of a block."""
        if self.common is not None:
            return self.common.repeated(size)
        return plan.law(self.study.scenario, self.world, self.seed, block, BLOCK).first(size)

    def play(self, block: int, into: dict[str, Outcomes]) -> None:
        """Play one block; `into` holds by strategy the arrays of the block's replicates, to be filled."""
        size = next(iter(into.values())).code.size
        law = self.law(block, size)
        paths: Paths | None = None
        for one in self.study.strategies:
            if one.name in into:
                if not one.policy.adaptive and paths is None:
                    paths = self._draw(block, law)
                self._play_one(one, block, law, paths, into[one.name])

    def watch(self, one: Strategy, replicate: int) -> tuple[Outcomes, np.ndarray, np.ndarray | None]:
        """Replay one replicate of a strategy; return the block up to it, its days and what they were estimated at.

        Shapes (days, 4, arms) and (days, 4, arms - 1, 2), None where no shares are logged; see `Trace`.
        """
        block, watched = divmod(replicate, BLOCK)
        # Replicates are drawn one after the other, so the watched one needs those before it and no others.
        law = self.law(block, watched + 1)
        out = empty(self.study.scenario, one, watched + 1)
        paths = None if one.policy.adaptive else self._draw(block, law)
        return out, *self._play_one(one, block, law, paths, out, watched)

    def _play_one(
        self,
        one: Strategy,
        block: int,
        law: Law,
        paths: Paths | None,
        out: Outcomes,
        watched: int = WATCH_NOBODY,
    ) -> tuple[np.ndarray, np.ndarray | None]:
        # Adaptive strategies draw for themselves, in a lane that depends on nothing but their name. Recorded
        # paths are not drawn from, and making generators would take longer than playing a short experiment.
        adaptive = one.policy.adaptive
        streams = self._streams(block, _lane(one.name)) if adaptive else (_UNUSED, _UNUSED, _UNUSED)
        paths = None if adaptive else paths
        whole: Any = paths.whole if paths is not None else None
        if adaptive:
            whole = law.kind.allocation(law, one.policy, self._supply(law))
        delay, lag = law.delay, law.lag
        trace = np.zeros((self.setting.days + delay, 4, self.setting.arms))
        rule = _own_scratch(self.rules[one.name])
        arrays = (out.code, out.day, out.units, out.rows, out.sums, out.squares)
        known = _as_known(paths, delay, lag) if delay and paths is not None else whole
        path: np.ndarray | None = None
        if out.logged is not None:
            # The days of one experiment are kept where somebody watches.
            path = np.full((self.setting.days if watched >= 0 else 0, *out.logged.shape[1:]), np.nan)
            known = log(whole, self.traffic.arrivals, law.skip, out.logged, path)
        play(known, rule, *streams, self.setting.days, watched, *arrays, trace)
        if delay:
            _settle(whole, delay, out, trace)
        if lag and watched >= 0:
            daily = whole.daily[whole.skip :] if paths is None else paths.daily
            if daily is not None:
                _relabel(law.kind, daily, delay, lag, int(out.day[-1]), trace)
        if path is not None and delay:
            path = np.concatenate([np.full((delay, *path.shape[1:]), np.nan), path])
        return trace, path

    def _streams(self, block: int, lane: int) -> Streams:
        """Return the generators of a block by role: outcome, evaluator, policy."""
        outcome, evaluator, policy = (generator(self.seed, role, block, lane) for role in (OUTCOME, EVALUATOR, POLICY))
        return outcome, evaluator, policy

    def _supply(self, law: Law) -> Supply:
        return Supply(
            self.traffic.arrivals,
            plan.rows_per_unit(self.study.scenario),
            self.setting.binary,
            law.means,
            law.sds,
            float(law.severity_sd),
            int(law.raters),
            bool(law.shared),
            timeline.arrivals(self.study.scenario),
        )

    def _draw(self, block: int, law: Law) -> Paths:
        """Draw the paths that every fixed split of this block reads."""
        shape = (law.means.shape[0], self.setting.days, self.setting.arms)
        sums, squares = np.empty(shape), np.empty(shape)
        known = (np.zeros(shape), np.zeros(shape)) if law.lag else (sums, squares)
        streams = generator(self.seed, OUTCOME, block), generator(self.seed, EVALUATOR, block)
        setting = self.setting
        into = Block(*streams, self.traffic.daily_rows, setting.binary, setting.ddof, sums, squares, known)
        daily = law.kind.draw(law, into)
        whole = Recorded(self.traffic.units.astype(float), self.traffic.scored.astype(float), sums, squares)
        return Paths(whole, whole._replace(sums=known[0], squares=known[1]), daily)


def _as_known(paths: Paths, delay: int, lag: int) -> Recorded:
    """Return what is known each day: units at once, rows `delay` days later, scores `lag` days before these."""
    early = delay - lag
    sums, squares = (np.swapaxes(plan.late(np.swapaxes(array, 0, 1), early), 0, 1) for array in paths.known[2:])
    return Recorded(paths.whole.units, plan.late(paths.whole.rows, delay), sums.copy(), squares.copy())


def _relabel(kind: RowKind, daily: np.ndarray, delay: int, lag: int, end: int, trace: np.ndarray) -> None:
    """Write into a trace what is known each day after enrolment has stopped: first all scores, then the labels.

    Parameters
    ----------
    daily : ndarray, shape (days, ..., arms)
        Sums of each day that is analysed, as `kind` keeps them; the days before are left out, and the last day has
        index -1.
    end : int
        Day on which the last label is in.
    """
    before = trace.shape[0] - delay - daily.shape[0]
    stop = end - delay
    for day in range(stop, end):
        sums = np.zeros(daily.shape[1:])
        for s in range(min(stop - 1, day - delay + lag) - before + 1):
            sums += daily[s] if s + before <= day - delay else kind.scored_only(daily[s])
        trace[day, SUMS], trace[day, SQUARES] = kind.estimate(sums)


def _settle(whole: Any, delay: int, out: Outcomes, trace: np.ndarray) -> None:
    """Let outcomes under way at the stop join the final figures, `delay` days later, in place.

    The trace belongs to the last replicate; where nobody watched, nobody reads it.
    """
    stop = int(out.day[-1])
    if isinstance(whole, (World, HybridWorld)):
        out.rows[:], out.sums[:], out.squares[:] = (whole.whole[:, i] for i in (ROWS, SUMS, SQUARES))
        log = whole.log.copy()
        log[: whole.skip] = 0.0
        late = np.cumsum(log, axis=0)
    else:
        each, ended = np.arange(out.day.size), out.day.astype(int) - 1
        out.rows[:], out.sums[:], out.squares[:] = (
            whole.rows[ended],
            whole.sums[each, ended],
            whole.squares[each, ended],
        )
        late = np.stack([whole.units, whole.rows, whole.sums[-1], whole.squares[-1]], axis=1)
    for day in range(stop, stop + delay):
        trace[day] = late[day - delay] if day >= delay else 0.0
        trace[day, UNITS] = trace[stop - 1, UNITS]
    out.day[:] += delay


def _lane(name: str) -> int:
    """Turn a strategy's name into a stream of its own."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:7], "little")


def _own_scratch(rule: Any) -> Any:
    """Copy a rule's arrays: threads share the rule, and some rules write into their scratch space."""
    return type(rule)(*(value.copy() if isinstance(value, np.ndarray) else value for value in rule))
