"""Names of policies with parameters in brackets, such as ``kl-ucb(c=3)``."""

from __future__ import annotations

import re
from typing import Any, TypeVar

from expsim_panel.errors import InputError, did_you_mean, shown
from expsim_panel.policy import BanditPolicy, DuelPolicy, Policy, SegmentPolicy, policies

P = TypeVar("P", bound=Policy)
_COMMA = re.compile(r",(?![^\[]*\])")
"""A comma outside square brackets."""
_OPEN = re.compile(r",(?![^()]*\))")
"""A comma outside brackets."""
_FORM = re.compile(r"\s*([A-Za-z0-9_-]+)\s*(?:\((.*)\))?\s*", re.S)
_NEEDS = {
    SegmentPolicy: "it needs segments: expsim bandit --segments, or segment_bandit",
    DuelPolicy: "it needs preferences: expsim bandit --preferences or --strengths, or duel",
}
_HOW = "write it as name or name(parameter=value), such as kl-ucb(c=3)"


def bandit_names(*kinds: type[Policy]) -> list[str]:
    """Return the names of the policies of these kinds; without any, of those that choose per request."""
    return [name for name in policies.names() if issubclass(policies.get(name), kinds or BanditPolicy)]


def names_in(text: str) -> list[str]:
    """Return the policies of a typed list; commas inside brackets do not part them."""
    return [part.strip() for part in _OPEN.split(text[:2000]) if part.strip()]


def read_value(text: str) -> Any:
    """Read a number, true, false, or else a word."""
    if text in ("true", "false"):
        return text == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def read_fields(text: str, where: str, key: str) -> tuple[str, dict[str, Any]]:
    """Return the name and the parameters of ``name`` or ``name(parameter=value, ...)``.

    A value is a number, true, false, a word, or a list of such in square brackets.

    Raises
    ------
    InputError
        Malformed brackets, or a parameter that stands twice.
    """
    match = _FORM.fullmatch(text)
    if match is None:
        raise InputError(where, key, f"{shown(text)} is no policy", _HOW)
    name, inside = match.group(1), match.group(2)
    found: dict[str, Any] = {}
    for part in _COMMA.split(inside) if inside and inside.strip() else []:
        field, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or not field or not value:
            raise InputError(where, key, f"{shown(part.strip())} in {shown(text)} is no parameter=value", _HOW)
        if field in found:
            raise InputError(where, key, f"{field} stands twice in {shown(text)}", "give it once")
        if value.startswith("[") and value.endswith("]"):
            inner = value[1:-1].strip()
            found[field] = [read_value(one.strip()) for one in inner.split(",")] if inner else []
        else:
            found[field] = read_value(value)
    return name, found


def read_policy(text: object, where: str = "expsim bandit", key: str = "--policy") -> BanditPolicy:
    """Return the policy per request that a name with parameters means; see `read_kind`."""
    return read_kind(text, (BanditPolicy,), where, key)


def read_kind(text: object, kinds: tuple[type[P], ...], where: str, key: str) -> P:
    """Return the policy of one of these kinds that a name with parameters means.

    Parameters
    ----------
    text : str
        ``name`` or ``name(parameter=value, ...)``.

    Raises
    ------
    InputError
        Unknown name or parameter (with a suggestion), malformed brackets, a value out of bounds, a policy for
        another problem.
    """
    if not isinstance(text, str):
        raise InputError(where, key, f"{shown(text)} is no policy", _HOW)
    name, fields = read_fields(text, where, key)
    if name not in policies.names():
        raise InputError(where, key, f"unknown policy {shown(name)}", did_you_mean(name, bandit_names(*kinds)))
    made: Any = policies.get(name)()
    if not isinstance(made, kinds):
        needs = [words for kind, words in _NEEDS.items() if isinstance(made, kind)]
        other = (
            "the even split per request is called even" if name == "split" else did_you_mean("", bandit_names(*kinds))
        )
        raise InputError(where, key, f"{name} is no bandit policy here", needs[0] if needs else other)
    for field, value in fields.items():
        if isinstance(made, DuelPolicy) and field in ("floor", "floors", "burn_in"):
            problem = f"{field} of {name}: a duel shows two arms at once, and it is not known which the floor is for"
            raise InputError(where, f"{key} {name}.{field}", problem, "leave it out")
        made.put(field, value, where, f"{key} {name}")
    return made


def canonical(policy: Policy) -> str:
    """Return the name with the parameters that differ from their defaults, in the order of their names."""
    changed = {key: value for key, value in policy.to_tree().items() if value != policy.param[key].default}
    inside = ",".join(f"{key}={_shown(value)}" for key, value in sorted(changed.items()))
    return f"{policy.kind}({inside})" if inside else policy.kind


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"[{','.join(map(_shown, value))}]"
    return f"{value!r}" if isinstance(value, int | float) else str(value)
