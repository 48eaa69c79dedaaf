"""A team's own ratings, measured for one visitor: read, calibrated and turned into a scenario. No widgets.

The ratings live in this object alone and go with it. Reading and fitting run on a thread; what an overtaken or
cancelled one still delivers is dropped by its run number.
"""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import Callable
from typing import Any, NamedTuple

import param

from expsim_panel.calibrate import calibrate, dump_scenario, to_scenario
from expsim_panel.calibrated_scenario import document_of
from expsim_panel.calibration import Calibration
from expsim_panel.engine import Cancelled
from expsim_panel.errors import InputError
from expsim_panel.layouts.computing import POOL, Mailbox
from expsim_panel.rating_table import KIND, Beside, parse_table
from expsim_panel.ratings import Ratings

_LOG = logging.getLogger(__name__)

FLAGS = {
    "--item": "column of the item", "--rater": "column of the rater", "--score": "column of the score",
    "--variant": "column of the variant", "--judge": "columns of judges", "--kind": "column of the kind of rater",
    "--prompt": "column of the prompt", "--also": "the files",
    "--control": "variant in use today", "--treatment": "variants", "--direction": "better is", "--name": "name",
}  # fmt: skip
"""The reader speaks of the command's flags; what they are called on the page."""


class Columns(NamedTuple):
    """Names of the table's columns."""

    item: str = "item"
    variant: str = "variant"
    rater: str = "rater"
    score: str = "score"
    kind: str = "kind"
    judges: tuple[str, ...] = ()


class Measured(NamedTuple):
    """Ratings that were read, and what they say."""

    ratings: Ratings
    beside: Beside
    found: Calibration


class Measuring(param.Parameterized):  # type: ignore[misc]
    """One visitor's ratings and their calibration."""

    measured = param.Parameter(default=None, label="Calibration", doc="The last one finished; none before, or failed.")
    error = param.String(default="", label="Problem", doc="One line on bad input; empty if there is none.")
    words = param.String(default="", label="Progress in words", doc="What is being done, or how it ended.")
    progress = param.Integer(default=0, bounds=(0, 100), label="Progress", doc="Percent of the halvings that began.")
    busy = param.Boolean(default=False, label="Busy", doc="Whether ratings are being measured.")

    def __init__(self) -> None:
        super().__init__(name="measuring")
        self._run, self._stop = 0, threading.Event()

    async def read(self, several: list[tuple[bytes, str]], columns: Columns) -> None:
        """Read files (bytes, each with its name) and measure them."""

        def work(step: Callable[[int, int], None]) -> Measured:
            judges = tuple(dict.fromkeys(columns.judges))
            kind = None if columns.kind in ("", KIND) else columns.kind
            table, beside = parse_table(
                several, columns.item, columns.rater, columns.score, columns.variant, judges, kind
            )
            step(0, 1)
            return Measured(table, beside, calibrate(table, step=step))

        await self._do(work, "Reading the ratings")

    async def against(self, control: str) -> None:
        """Measure the same ratings against another variant."""
        known = self.measured
        if known is None or known.found.control == control:
            return

        def work(step: Callable[[int, int], None]) -> Measured:
            return Measured(known.ratings, known.beside, calibrate(known.ratings, control, step=step))

        await self._do(work, "Measuring again")

    async def _do(self, work: Callable[[Callable[[int, int], None]], Measured], words: str) -> None:
        self._stop.set()
        self._run += 1
        run, stop, box = self._run, threading.Event(), Mailbox()
        self._stop = stop
        self.param.update(error="", words=words, progress=0, busy=True)

        def step(begun: int, of: int) -> None:
            if stop.is_set():
                raise Cancelled
            box.progress(max(begun, box.done), of)

        future = asyncio.get_running_loop().run_in_executor(POOL, work, step)
        # Nobody awaits an overtaken one; its exception must still be collected.
        future.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
        while not future.done():
            await asyncio.wait({future}, timeout=0.05)
            if run != self._run:
                return
            if box.total > 1:
                said = f"Comparing the fitted law with unseen ratings: halving {box.done + 1} of {box.total}"
                self.param.update(words=said, progress=100 * box.done // box.total)
        try:
            self.param.update(measured=future.result(), words="", progress=100, busy=False)
        except Cancelled:
            return
        except InputError as error:
            self._fail(on_page(str(error)))
        except Exception as error:
            # The page must outlive whatever goes wrong in a computation; the log keeps the traceback.
            _LOG.exception("measuring ratings failed")
            line = " ".join(str(error).split())[:200]
            self._fail(f"These ratings could not be measured ({line}); keep the needed columns, or fewer rows")

    def complain(self, line: str) -> None:
        """Say what is wrong before anything is read."""
        self.close()
        self._fail(line)

    def refuse(self) -> None:
        """Say that the browser would not send a file."""
        self.complain("upload: the file is too large; keep the needed columns, or a random sample of items")

    def cancel(self) -> None:
        """Stop measuring; what is on screen stays."""
        if self.busy:
            self.close()
            self.param.update(busy=False, progress=0, words="Cancelled.")

    def close(self) -> None:
        """Stop measuring, as when the visitor leaves."""
        self._run += 1
        self._stop.set()

    def _fail(self, line: str) -> None:
        self.param.update(measured=None, error=line, words="", progress=0, busy=False)

    def scenario(self, direction: str = "increase") -> dict[str, Any]:
        """Return the tree of a scenario file.

        Raises
        ------
        InputError
            Ratings of one variant only, or a table that is no scenario.
        """
        if self.measured is None:
            raise InputError("ratings", "", "there are none", "paste a table, or open a file")
        return to_scenario(self.measured.found, direction=direction, beside=self.measured.beside)

    def toml(self, direction: str = "increase") -> str:
        """Return the scenario file."""
        return dump_scenario(self.scenario(direction))

    def json(self, direction: str = "increase") -> str:
        """Return the same document as `expsim calibrate --json`."""
        assert self.measured is not None
        found = self.measured.found
        tree = self.scenario(direction) if found.treatments else None
        return json.dumps(document_of(found, self.measured.beside, tree), indent=2, allow_nan=False) + "\n"

    def html(self) -> str:
        """Return the page of `expsim calibrate --html`."""
        from expsim_panel.exports.calibration_html import page

        assert self.measured is not None
        return page(self.measured.found, self.measured.beside)


def on_page(problem: str) -> str:
    """Return a line of the reader in the words of the page."""
    for flag, word in FLAGS.items():
        problem = problem.replace(flag, word)
    return problem
