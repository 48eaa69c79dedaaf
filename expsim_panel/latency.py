"""How long an answer takes, as a whole or by its parts: of a variant's responses, and of a judge's calls."""

from __future__ import annotations

from expsim_panel.call_costs import TokenLaw
from expsim_panel.errors import InputError
from expsim_panel.quantities import Factor, Millis, Share
from expsim_panel.response_time import ResponseTime
from expsim_panel.sections import Section

WIDEST = 10_000
"""A 95 % point is at most so many times its median: beyond, units were mixed up."""


class Speed(Factor):
    """Tokens per second."""

    noun = "a number of tokens per second"


class Latency(Section):
    """Table ``latency_ms``: the time a response takes, as a whole or by its parts."""

    median = Millis(
        800.0,
        bounds=(0, None),
        inclusive_bounds=(False, True),
        label="Median latency",
        doc="Half of the responses are faster; read where no tokens per second are given.",
    )
    p95 = Millis(
        2000.0,
        bounds=(0, None),
        inclusive_bounds=(False, True),
        label="95 % latency",
        doc="One response in twenty is slower; read where no tokens per second are given.",
    )
    tokens_per_second = Speed(
        None,
        allow_None=True,
        bounds=(0, 100_000),
        inclusive_bounds=(False, True),
        softbounds=(5, 300),
        step=5,
        label="Tokens per second",
        doc="Speed of a streamed answer. Given, a response takes the time to its first token, then its output tokens "
        "at this speed, and sometimes a wait on top.",
    )
    ttft_median = Millis(
        500.0,
        bounds=(0, None),
        inclusive_bounds=(False, True),
        label="Median time to the first token",
        doc="Half of the responses begin sooner; lognormal, read where tokens per second are given.",
    )
    ttft_p95 = Millis(
        1200.0,
        bounds=(0, None),
        inclusive_bounds=(False, True),
        label="95 % time to the first token",
        doc="One response in twenty begins later; read where tokens per second are given.",
    )
    slow_share = Share(
        0.0,
        step=0.01,
        label="Share of slow responses",
        doc="Responses that wait in a queue or are tried again, on top of the rest.",
    )
    slow_median = Millis(
        5000.0,
        bounds=(0, None),
        inclusive_bounds=(False, True),
        label="Median wait of slow responses",
        doc="Half of the slow responses wait less on top; lognormal.",
    )
    slow_p95 = Millis(
        15000.0,
        bounds=(0, None),
        inclusive_bounds=(False, True),
        label="95 % wait of slow responses",
        doc="One slow response in twenty waits longer on top.",
    )

    def check(self, where: str, path: str = "") -> None:
        """Check that no 95 % point is below its median, none absurdly above it, and that parts have a speed."""
        if self.tokens_per_second is None:
            for key in ("ttft_median", "ttft_p95"):
                if getattr(self, key) != self.param[key].default:
                    problem = "a time to the first token without a speed of the others"
                    raise InputError(where, f"{path}.{key}", problem, "give tokens_per_second too, or median and p95")
        names = [("median", "p95")] if self.tokens_per_second is None else [("ttft_median", "ttft_p95")]
        if self.slow_share > 0:
            names.append(("slow_median", "slow_p95"))
        for low, high in names:
            median, p95 = getattr(self, low), getattr(self, high)
            if p95 < median:
                raise InputError(where, f"{path}.{high}", f"{p95:g} is below the median", f"give {median:g} or more")
            if p95 > WIDEST * median:
                problem = f"{p95:g} is more than 10,000 times the median {median:g}"
                raise InputError(where, f"{path}.{high}", problem, "check the unit: both are milliseconds")

    def to_tree(self) -> dict[str, object]:
        """Return what is read: the whole or its parts, and the slow mode where there is one."""
        tree = super().to_tree()
        unread = {"median", "p95"} if self.tokens_per_second is not None else {"ttft_median", "ttft_p95"}
        if self.slow_share == 0:
            unread |= {"slow_share", "slow_median", "slow_p95"}
        return {key: value for key, value in tree.items() if key not in unread}

    def law(self, tokens: TokenLaw) -> ResponseTime:
        """Return the law of a response time in seconds.

        Parameters
        ----------
        tokens : TokenLaw
            Output tokens; read where there is a speed.
        """
        slow = float(self.slow_share), self.slow_median / 1000, self.slow_p95 / 1000
        if self.tokens_per_second is None:
            # The whole is one lognormal: a first token and no others.
            return ResponseTime(self.median / 1000, self.p95 / 1000, TokenLaw.fixed(0), 1.0, *slow)
        speed = float(self.tokens_per_second)
        return ResponseTime(self.ttft_median / 1000, self.ttft_p95 / 1000, tokens, speed, *slow)
