"""Addresses of bandit problems: what every kind's link holds besides its own fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from expsim_panel.policy_names import names_in, read_value

KIND, POLICIES = "problem", "policies"
SIZES = ("horizon", "replicates", "seed")
RESERVED = (KIND, POLICIES, "theme", *SIZES)
"""Parts that are no fields; the theme is the page's own part of an address."""


def address(kind: str, values: Mapping[str, Any], policies: tuple[str, ...], sizes: Mapping[str, Any]) -> str:
    """Return the part of an address that asks for a problem: kind, fields, policies, sizes."""
    parts = {key: "" if one is None else str(one).lower() if isinstance(one, bool) else str(one)
             for key, one in values.items()}  # fmt: skip
    sized = {key: str(sizes[key]) for key in SIZES}
    return "?" + urlencode({KIND: kind, **parts, POLICIES: ",".join(policies), **sized})


def common(parts: Mapping[str, str]) -> dict[str, Any]:
    """Return policies and sizes of a link that has them; what makes no sense is kept, to be named when it is played."""
    made: dict[str, Any] = {key: read_value(parts[key][:40]) for key in SIZES if key in parts}
    if POLICIES in parts:
        made[POLICIES] = tuple(names_in(parts[POLICIES]))
    return made
