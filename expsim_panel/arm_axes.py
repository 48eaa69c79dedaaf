"""Two numbers of a study that are not one Param: how many arms there are, and how the traffic is split over them."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from typing import Any

from expsim_panel.errors import InputError

ARMS = "arms"
"""Pseudo path: arms, control included. More of them are like the control; of fewer the best variant stays."""

MOST_ARMS = 10
"""Variants of a scenario at most."""

SHARES = "traffic.shares."
"""Start of the path of an arm's share of the traffic; arms whose share is not asked for divide the rest as before."""

_OF_AN_ARM = re.compile(r"(variants|traffic\.shares|guardrails\.[0-9]+\.means|evaluator\..*)\.0*[1-9][0-9]*(\..*)?")


def names_an_arm(path: str) -> bool:
    """Tell whether a path leads to one of the variants after the control."""
    return _OF_AN_ARM.fullmatch(path) is not None


def split(own: list[float], wanted: Mapping[int, float], where: str) -> list[float]:
    """Return the shares of the traffic when some arms get what is wanted; the others divide the rest as before.

    Parameters
    ----------
    own : list of float
        The shares as they are, which sum to 1.
    wanted : dict
        Share by arm, above 0 and below 1.

    Raises
    ------
    InputError
        Nothing is left for the others, or all are wanted and do not sum to 1.
    """
    left = 1.0 - sum(wanted.values())
    others = sum(share for arm, share in enumerate(own) if arm not in wanted)
    if len(wanted) < len(own) and left <= 0:
        problem = "shares of 1 or more together leave nothing for the other arms"
        raise InputError(where, "traffic.shares", problem, "give less than 1 altogether")
    return [wanted[arm] if arm in wanted else share * left / others for arm, share in enumerate(own)]


def with_arms(tree: Mapping[str, Any], count: int, best: int) -> dict[str, Any]:
    """Return a study's tree with another number of arms.

    Parameters
    ----------
    tree : dict
        Of a study with two arms or more, as `Study.to_tree` gives it.
    count : int
        Arms, control included, 2 to `MOST_ARMS`. New ones are copies of the control: no effect, its price, its speed
        and its guardrails. Fewer are the first ones, the last of them exchanged for the best if that would go.
    best : int
        Index of the best variant.
    """
    made = copy.deepcopy(dict(tree))
    rows = made["variants"]
    kept = list(range(min(count, len(rows))))
    if best not in kept:
        kept[-1] = best
    new = count - len(kept)
    names = {row["name"] for row in rows}
    copies = []
    for k in range(new):
        name = next(name for name in (f"like control {n}" for n in range(k + 1, 99)) if name not in names)
        names.add(name)
        copies.append({**copy.deepcopy(rows[0]), "name": name})
    made["variants"] = [rows[arm] for arm in kept] + copies

    def each(entries: list[Any]) -> list[Any]:
        """Return a list that has an entry for each arm."""
        return [entries[arm] for arm in kept] + [copy.deepcopy(entries[0]) for _ in range(new)] if entries else entries

    for rail in made.get("guardrails", []):
        rail["means"] = each(rail["means"])
    for reader in _tables(made.get("evaluator", {})):
        for key in ("length_sds", "spreads"):
            if reader.get(key):
                reader[key] = each(reader[key])
        if reader.get("biases"):
            # One for each variant after the control; a judge that favours what is new favours the copies so, too.
            favours = [reader["biases"][arm - 1] for arm in kept[1:]]
            reader["biases"] = favours + [sum(favours) / len(favours)] * new
    shares = made["traffic"].get("shares")
    if shares:
        later = [shares[arm] for arm in kept[1:]]
        later += [sum(later) / len(later)] * new
        made["traffic"]["shares"] = [shares[0], *((1 - shares[0]) * share / sum(later) for share in later)]
    return made


def _tables(table: Mapping[str, Any]) -> list[Any]:
    """Return a table and all tables in it."""
    return [table, *(inner for value in table.values() if isinstance(value, dict) for inner in _tables(value))]
