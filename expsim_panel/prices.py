"""Token prices from genai-prices, which ships them in its wheel: no network is asked.

Prices change with time, and a study must not: they are taken as of `AS_OF`, which moves only with a
release of this package.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

from expsim_panel.errors import InputError, shown
from expsim_panel.quantities import money

AS_OF = datetime(2026, 11, 1, tzinfo=UTC)


@lru_cache(maxsize=4096)
def _listed(model: str, provider: str, tokens: tuple[int, int, int], when: datetime = AS_OF) -> float:
    """Return the list price of one call in dollars, as of a moment."""
    from genai_prices import Usage, calc_price

    sent, received, cached = tokens
    usage = Usage(input_tokens=sent, output_tokens=received, cache_read_tokens=cached or None)
    found = calc_price(usage, model_ref=model, provider_id=provider or None, genai_request_timestamp=when)
    return float(found.total_price)


def listed(model: str, provider: str, tokens: tuple[int, int, int], when: datetime = AS_OF) -> float:
    """Return the list price of one call in dollars, tiers by length included.

    Parameters
    ----------
    tokens : tuple of int
        Input tokens (cached ones included), output tokens, cached input tokens.
    when : datetime
        Moment of the call, with a time zone: prices change.

    Raises
    ------
    InputError
        The price list does not know the model.
    """
    try:
        return _listed(model, provider, tokens, when)
    except (LookupError, ValueError):
        problem = f"no price known for {shown(model)} of provider {shown(provider)}"
        raise InputError("prices", "model", problem, "give a model id of genai-prices") from None


def price(
    model: str,
    provider: str,
    tokens: tuple[int, int, int],
    *,
    override: float | None = None,
    where: str = "prices",
    key: str = "model",
) -> float:
    """Dollars of one call.

    Parameters
    ----------
    tokens : tuple of int
        Input tokens (cached ones included), output tokens, cached input tokens.
    override : float, optional
        Dollars per call to use instead of the price list.

    Raises
    ------
    InputError
        The price list does not know the model.
    """
    if override is not None:
        return float(override)
    if not model:
        return 0.0
    try:
        return _listed(model, provider, tokens)
    except (LookupError, ValueError):
        problem = f"no price known for {shown(model)} of provider {shown(provider)}"
        raise InputError(where, key, problem, "give a model id of genai-prices, or price_override") from None


def price_note(model: str, override: float | None) -> str:
    """Say where a price comes from and as of when."""
    if override is not None:
        return f"{money(override)} as given"
    return f"{model}: list price as of {AS_OF:%Y-%m-%d} (genai-prices)" if model else "free"
