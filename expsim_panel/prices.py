"""Token prices from genai-prices, which ships them in its wheel: no network is asked.

Prices change with time, and a study must not: they are taken as of `AS_OF`, which moves only with a
release of this package, or as of the day that a study names.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from difflib import get_close_matches
from functools import lru_cache

from expsim_panel.errors import InputError, shown

AS_OF = datetime(2026, 11, 1, tzinfo=UTC)
FIRST, LAST = datetime(2025, 1, 1, tzinfo=UTC), datetime(2027, 12, 31, tzinfo=UTC)
"""Days that a study may name: the list records changes from 22 May 2025 to 1 January 2027, and gives what held before
the first of a model's and after the last; further off that says nothing."""
ANY_MODEL = "give a model id of genai-prices, or price_override"
BATCH_DISCOUNT = 0.5
"""Assumed of a batch where the list has no batch price of the model: what most providers took off in November 2026."""


@lru_cache(maxsize=4096)
def _listed(model: str, provider: str, tokens: tuple[int, int, int], when: datetime, batch: bool) -> float:
    """Return the list price of one call in dollars, as of a moment."""
    from genai_prices import Usage, calc_price

    sent, received, cached = tokens
    usage = Usage(input_tokens=sent, output_tokens=received, cache_read_tokens=cached or None)
    found = calc_price(usage, model_ref=model, provider_id=provider or None, genai_request_timestamp=when)
    if not batch:
        return float(found.total_price)
    reduced = calc_price(
        usage,
        model_ref=model,
        provider_id=provider or None,
        genai_request_timestamp=when,
        price_context={"processing": "batch"},
    )
    if reduced.model_price == found.model_price:
        return float(found.total_price) * (1 - BATCH_DISCOUNT)
    return float(reduced.total_price)


@lru_cache(maxsize=256)
def batch_listed(model: str, provider: str, when: datetime) -> bool:
    """Tell whether the list has batch prices of a model; `BATCH_DISCOUNT` is assumed where it has none."""
    from genai_prices import Usage, calc_price

    found = [
        calc_price(
            Usage(input_tokens=1, output_tokens=1),
            model_ref=model,
            provider_id=provider or None,
            genai_request_timestamp=when,
            price_context=context,
        ).model_price
        for context in (None, {"processing": "batch"})
    ]
    return bool(found[0] != found[1])


def listed(
    model: str, provider: str, tokens: tuple[int, int, int], when: datetime = AS_OF, batch: bool = False
) -> float:
    """Return the list price of one call in dollars, tiers by length included.

    Parameters
    ----------
    tokens : tuple of int
        Input tokens (cached ones included), output tokens, cached input tokens.
    when : datetime
        Moment of the call, with a time zone: prices change.
    batch : bool
        Whether the answer may take a day.

    Raises
    ------
    InputError
        The price list does not know the model.
    """
    try:
        return _listed(model, provider, tokens, when, batch)
    except (LookupError, ValueError):
        problem = f"no price known for {shown(model)} of provider {shown(provider)}"
        raise InputError("prices", "model", problem, _remedy(model, provider, when)) from None


def _remedy(model: str, provider: str, when: datetime) -> str:
    """Say whose model it is, or which one may be meant."""
    from genai_prices.data import providers

    models = {one.id: [each.id for each in one.models] for one in providers}
    try:
        whose = _owner(model, when)
    except (LookupError, ValueError):
        whose = ""
    if whose and whose != provider:
        return f'write provider = "{whose}", or price_override'
    if provider in models:
        near = get_close_matches(model, models[provider], n=3, cutoff=0.5)
        return f"did you mean {' or '.join(map(shown, near))}? Otherwise price_override" if near else ANY_MODEL
    near = get_close_matches(provider, models, n=1)
    return f"did you mean provider {shown(near[0])}? Otherwise price_override" if near else ANY_MODEL


def _owner(model: str, when: datetime) -> str:
    """Return the provider that the list takes a model for where none is named."""
    from genai_prices import Usage, calc_price

    found = calc_price(Usage(input_tokens=1, output_tokens=1), model_ref=model, genai_request_timestamp=when)
    return str(found.provider.id)


def moment(text: str, where: str = "prices", key: str = "price_date") -> datetime:
    """Return the moment that a date or a time with its zone names; `AS_OF` for an empty text.

    A day begins at midnight UTC: a few prices depend on the time of the day.

    Raises
    ------
    InputError
        No date, a time without a zone, or a day that the list says nothing of.
    """
    if not text:
        return AS_OF
    remedy = "write a day such as 2026-03-01, or a time with its zone such as 2026-03-01T12:00:00Z"
    try:
        day = date.fromisoformat(text)
        found = datetime(day.year, day.month, day.day, tzinfo=UTC)
    except ValueError:
        try:
            found = datetime.fromisoformat(text)
        except ValueError:
            raise InputError(where, key, f"{shown(text)} is no date", remedy) from None
    if found.tzinfo is None:
        raise InputError(where, key, f"{shown(text)} has no time zone", remedy)
    if not FIRST <= found <= LAST:
        problem = f"{shown(text)} is {'before' if found < FIRST else 'after'} what the price list knows"
        raise InputError(where, key, problem, f"give a day from {FIRST:%Y-%m-%d} to {LAST:%Y-%m-%d}")
    return found
