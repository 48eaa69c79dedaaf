"""What a call of a model costs, by the fields that variants and judges have in common.

Both name a model, tokens with their spread, what the provider serves from its cache, batch and the day of the prices:
one place turns them into dollars, says where these come from and refuses what contradicts itself.
"""

from __future__ import annotations

from datetime import date
from functools import cache, lru_cache
from typing import Any

import param

from expsim_panel.call_costs import Call, TokenLaw
from expsim_panel.errors import InputError
from expsim_panel.prices import moment
from expsim_panel.quantities import Factor, Share, money
from expsim_panel.sections import Section

MOST_VARIED = 20.0
"""An SD of tokens is at most so many times their mean."""
BATCH_DAYS = 1
"""Days until a batch is answered: what providers promise at most, assumed to be used up."""
LATER = frozenset({"input_tokens_sd", "output_tokens_sd", "cached_tokens", "cached_share", "batch", "price_date"})
"""Keys of a priced call beside its model and mean tokens."""
_FIELDS = (
    "model", "provider", "input_tokens", "output_tokens", "input_tokens_sd", "output_tokens_sd", "cached_tokens",
    "cached_share", "batch", "price_date",
)  # fmt: skip


class TokenSpread(Factor):
    """Standard deviation of a number of tokens."""

    noun = "a standard deviation"


class PriceDate(param.String):  # type: ignore[misc]
    """A day, or a time with its zone, as text; TOML's own dates are read too."""

    @staticmethod
    def read(value: Any) -> Any:
        """Return the text of a date that TOML has read."""
        return value.isoformat() if isinstance(value, date) else value


def spread_parameter(what: str, of: str, least: str, soft: float) -> TokenSpread:
    """Declare the spread of a number of tokens."""
    return TokenSpread(
        0.0,
        bounds=(0, None),
        softbounds=(0, soft),
        step=10,
        label=f"{what}, SD",
        doc=f"Standard deviation between {of} of the {least}; lognormal, 0 for always the same. {what} are then their "
        "mean.",
    )


def cached_share_parameter(of: str) -> Share:
    """Declare how often the cache is hit."""
    return Share(
        1.0,
        step=0.05,
        label="Share served from the cache",
        doc=f"Part of the {of} whose cached input tokens the provider finds in its cache; the others pay for them in "
        "full.",
    )


def batch_parameter(what: str) -> param.Boolean:
    """Declare whether answers may take a day."""
    return param.Boolean(
        False,
        label="Calls go in a batch",
        doc=f"{what} At the provider's batch price; half the list price is assumed where the list has none.",
    )


def date_parameter() -> PriceDate:
    """Declare the day of the prices."""
    return PriceDate(
        "",
        label="Prices as of",
        doc="Day whose list prices count, such as 2026-03-01 (from midnight UTC), or a time with its zone; empty for "
        "those that this version was released with.",
    )


def call_of(section: Section) -> Call:
    """Return the call that a section's fields describe; its model is not looked up."""
    return _call(*_read(section))


def _read(section: Section) -> tuple[Any, ...]:
    """Return the fields that make a price, read without Param's ceremony: maps ask ten times a cell."""
    found = section._param__private.values
    kind: Any = type(section)
    return tuple([found.get(key, default) for key, default in _defaults(kind)])


@cache
def _defaults(kind: Any) -> tuple[tuple[str, Any], ...]:
    return tuple((key, kind.param[key].default) for key in _FIELDS)


@lru_cache(maxsize=1024)
def _call(
    model: str, provider: str, sent: int, received: int, sent_sd: float, received_sd: float, cached: int, share: float,
    batch: bool, day: str,
) -> Call:  # fmt: skip
    own = TokenLaw.of_mean(float(sent - cached), float(sent_sd))
    answer = TokenLaw.of_mean(float(received), float(received_sd))
    hits = float(share) if cached else 0.0
    return Call(model, provider, own, answer, int(cached), hits, bool(batch), moment(day))


@lru_cache(maxsize=1024)
def _moments(*fields: Any) -> tuple[float, float]:
    call = _call(*fields)
    return call.price(), call.price_sd()


def dollars(section: Section, where: str, key: str) -> tuple[float, float]:
    """Return mean and standard deviation of the dollars of a call.

    A price that is given is the whole price, batch or not, and no call differs from it.

    Raises
    ------
    InputError
        A model that the price list does not know.
    """
    given = section.price_override
    if given is not None:
        return float(given), 0.0
    fields = _read(section)
    if not fields[0]:
        return 0.0, 0.0
    try:
        return _moments(*fields)
    except InputError as error:
        raise InputError(where, key if error.key == "model" else error.key, error.problem, error.remedy) from None


def note_of(section: Section) -> str:
    """Say where a price comes from and as of when."""
    if section.price_override is not None:
        return f"{money(section.price_override)} as given"
    return call_of(section).note() if section.model else "free"


def check_call(section: Section, where: str, path: str) -> None:
    """Check that cached tokens are part of the input, that tokens that vary are there, and that a batch has a price.

    Raises
    ------
    InputError
        One line that names the key.
    """
    if section.cached_tokens > section.input_tokens:
        problem = f"{section.cached_tokens} exceeds input_tokens {section.input_tokens}"
        raise InputError(where, f"{path}.cached_tokens", problem, "count cached tokens inside input_tokens")
    for key, mean in (("input", section.input_tokens - section.cached_tokens), ("output", section.output_tokens)):
        spread = getattr(section, f"{key}_tokens_sd")
        if spread > MOST_VARIED * mean:
            problem = f"{spread:g} around a mean of {mean:,} tokens" + (" (not cached)" if key == "input" else "")
            remedy = f"give up to {MOST_VARIED:g} times the mean"
            raise InputError(where, f"{path}.{key}_tokens_sd", problem, remedy)
    if section.batch and not section.model and section.price_override is None:
        problem = "true, and what is free has no batch price"
        raise InputError(where, f"{path}.batch", problem, "name a model or a price_override, or set it to false")
    moment(str(section.price_date), where, f"{path}.price_date")


def unread(section: Section, key: str) -> str:
    """Return why a number of tokens changes no price, and what would let it; empty where it may change one."""
    if key not in LATER | {"input_tokens", "output_tokens"} or key == "batch":
        return ""
    if section.price_override is not None:
        return "the price is given by price_override"
    if not section.model:
        return "without a model it is free; name one"
    if key == "cached_share" and not section.cached_tokens:
        return "no tokens are cached; give cached_tokens"
    return ""
