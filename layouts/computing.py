"""What a session computes on threads: exact figures, another experiment, and the mailbox between the threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from expsim_panel import economics, engine, exact, library, report
from expsim_panel.results import Result
from expsim_panel.study import Request

PREFERRED = "summarization-prompt"

# Threads that wait for the engine, which has threads of its own; shared because they hold no state.
POOL = ThreadPoolExecutor(max_workers=8, thread_name_prefix="expsim-session")


def default_scenario() -> str:
    """Return the scenario that a new session opens with."""
    names = library.names()
    return PREFERRED if PREFERRED in names else names[0]


class Mailbox:
    """What the computing thread leaves for the event loop to collect."""

    def __init__(self) -> None:
        self.done, self.total = 0, 0
        self.partial: Result | None = None

    def progress(self, done: int, total: int) -> None:
        """Note how many blocks are finished."""
        self.done, self.total = done, total

    def leave(self, result: Result) -> None:
        """Leave a partial result."""
        self.partial = result


def exact_figures(request: Request) -> dict[str, exact.Exact | str]:
    """Return per strategy the exact figures under the scenario's truth, or why there are none: milliseconds."""
    study = request.shared()
    money = economics.ledger(study.scenario)
    return {one.name: exact.operating(study.scenario, one, "truth", money) for one in study.strategies}


def watch_another(result: Result, request: Request) -> Result:
    """Return the same result with another experiment on screen: nothing is simulated twice."""
    study = request.shared()
    traces = {one.name: engine.trace(request, study, one) for one in study.strategies}
    worlds = {one.name: dict(one.worlds) for one in result.strategies}
    return report.summarise(request, study, worlds, traces, result.seconds, {})


def played(result: Result) -> str:
    """Say what was simulated and how long that took."""
    seconds = f"{result.seconds:.1f} s" if result.seconds >= 0.05 else "no time"
    return f"{result.replicates:,} experiments per strategy and world in {seconds}"
