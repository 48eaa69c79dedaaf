"""What sessions of all bandit problems do alike: play in steps, and draw what policies lose over one or two numbers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import param

from expsim_panel.bandit_curves import RegretCurve, curve_over, parse
from expsim_panel.bandit_surface import RegretSurface, surface_over
from expsim_panel.errors import InputError
from expsim_panel.layouts.playing import Playing, steps
from expsim_panel.quantities import count
from expsim_panel.varied import HORIZON, Varied

CURVE_REPLICATES, MAP_REPLICATES = 500, 200
CURVE_PULLS, MAP_PULLS = 800_000_000, 1_600_000_000
"""Requests of a whole curve and of a whole map at most, so that a page stays quick."""


class Varying(Playing):
    """A problem that is played in steps, its result, and the same policies over one or two of its numbers."""

    surface = param.ClassSelector(
        class_=RegretSurface, allow_None=True, default=None, label="Map", doc="The same policies over two numbers."
    )
    curve = param.ClassSelector(
        class_=RegretCurve, allow_None=True, default=None, label="Curve", doc="The same policies over one number."
    )
    dollars = param.Boolean(default=False, label="In dollars", doc="Whether losses are shown in dollars.")

    @property
    def usd(self) -> float | None:
        """What amounts are multiplied by, if they are to be shown in dollars."""
        return None

    @property
    def net(self) -> bool:
        """Whether dollars are net value, which is more than rewards times a price."""
        return False

    def setting(self) -> Varied:
        """Return the problem as it is asked for; `InputError` where it is wrong."""
        raise LookupError("a kind of session says what its problem is")

    def sizes(self) -> tuple[int, int]:
        """Return experiments and seed that are asked for."""
        raise LookupError("a kind of session says its sizes")

    async def _stepwise(
        self,
        run: int,
        asked: dict[str, Any],
        first_pulls: int,
        play: Callable[[dict[str, Any], Callable[[int, int], None]], Any],
        done: Callable[[Any], str],
        **cleared: Any,
    ) -> Any:
        """Play a first picture from few experiments, then all of them; return the whole result, None if overtaken."""
        await asyncio.sleep(self._debounce)
        first = max(20, first_pulls // (asked["horizon"] * len(asked["policies"])))
        sizes = steps(first, asked["replicates"])
        found = None
        for step, size in enumerate(sizes):
            words = f"Playing {count(size)} experiments per policy" + ("" if step else ", a first picture")
            self._show(run, busy=True, words=words)
            last = step == len(sizes) - 1
            found = await self._work(run, partial(play, {**asked, "replicates": size}))
            if found is None:
                return None
            said = done(found) if last else f"First picture, of {count(size)} experiments; more are being played"
            self._show(
                run, result=found, curve=None, surface=None, error="", wrong="", words=said, busy=not last, **cleared
            )
        return found

    async def draw_over(self, text: str) -> None:
        """Compute the curve over ``PATH=lo:hi:n``."""
        await self._draw([text], CURVE_REPLICATES, CURVE_PULLS)

    async def draw_map(self, across: str, up: str) -> None:
        """Compute the map over two ``PATH=lo:hi:n``."""
        await self._draw([across, up], MAP_REPLICATES, MAP_PULLS)

    async def _draw(self, texts: list[str], replicates: int, most: int) -> None:
        run = self._stop()
        try:
            problem = self.setting()
            axes = [parse(text, "over") for text in texts]
            asked, seed = self.sizes()
            size = min(asked, replicates)
            longest = max([float(levels[-1]) for path, levels in axes if path == HORIZON] or [problem.horizon])
            cells = 1
            for _, levels in axes:
                cells *= levels.size
            pulls = max(longest, 1.0) * size * len(problem.policies) * cells
            if pulls > most:
                what = " and ".join(path for path, _ in axes)
                remedy = "give fewer levels, policies or requests"
                raise InputError("over", what, f"{count(pulls)} requests in all", remedy)
        except InputError as error:
            self.refuse(error)
            return
        sizes: dict[str, Any] = {"replicates": size, "seed": seed}
        if len(axes) == 1:
            (path, values), (where, at) = axes[0], (f"at {cells} levels of {axes[0][0]}", "at each level")
            self._show(run, busy=True, words=f"Playing {count(size)} experiments {where}")
            made: Any = await self._work(run, lambda stop: curve_over(problem, path, values, progress=stop, **sizes))
        else:
            where, at = f"in each of {cells} cells", "in each cell"
            self._show(run, busy=True, words=f"Playing {count(size)} experiments {where}")
            made = await self._work(run, lambda stop: surface_over(problem, *axes, progress=stop, **sizes))
        if made is not None:
            name = "curve" if len(axes) == 1 else "surface"
            self._show(run, error="", wrong="", words=f"{count(size)} experiments {at}", busy=False, **{name: made})
