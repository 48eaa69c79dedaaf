"""How to get the same numbers again: the command, and what identifies request and result."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from typing import Any

from expsim_panel import library
from expsim_panel._version import VERSION
from expsim_panel.errors import InputError
from expsim_panel.results import Result
from expsim_panel.study import Study


def facts(result: Result) -> list[tuple[str, str]]:
    """Return (what, value) pairs, plain text; no time and no machine in them."""
    request = result.request
    return [
        ("Version", f"expsim_panel {VERSION}"),
        ("Command", command(result)),
        ("Seed", str(request.seed)),
        ("Simulated experiments", f"{result.replicates:,} per strategy and world"),
        ("Request digest", request.digest),
        ("Result digest", result.digest),
    ]


def command(result: Result) -> str:
    """Return the command line that gives this result again.

    A library scenario is named, with the settings that differ; the command is only claimed after it was
    checked to lead to the same request. Any other study is run from its file.
    """
    request = result.request
    name = json.loads(request.document)["scenario"]["name"]
    options = ["--replicates", str(result.replicates), "--seed", str(request.seed)]
    if request.luck:
        options += ["--luck", str(request.luck)]
    settings, names = _differences(request.document, name)
    chosen = [part for setting in settings for part in ("--set", setting)]
    chosen += [part for strategy in names for part in ("--strategy", strategy)]
    if name in library.names() and _leads_to(request.document, name, settings, names):
        return shlex.join(["expsim", "run", name, *chosen, *options])
    return shlex.join(["expsim", "run", f"{name}.toml", *options])


def _differences(document: str, name: str) -> tuple[list[str], list[str]]:
    """Return the settings and strategy names in which a study differs from the library's."""
    if name not in library.names():
        return [], []
    wanted, plain = json.loads(document), Study.load(name).to_tree()
    rows, known = wanted.pop("strategies", []), plain.pop("strategies", [])
    before = dict(_leaves(plain))
    settings = [
        f"{path}={json.dumps(value, ensure_ascii=False)}"
        for path, value in _leaves(wanted)
        if before.get(path, _leaves) != value
    ]
    names = [row["name"] for row in rows]
    return settings, [] if names == [row["name"] for row in known] else names


def _leaves(tree: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from _leaves(value, f"{path}.{key}" if path else str(key))
    elif isinstance(tree, list) and tree and isinstance(tree[0], dict):
        for index, value in enumerate(tree):
            yield from _leaves(value, f"{path}.{index}")
    else:
        yield path, tree


def _leads_to(document: str, name: str, settings: list[str], names: list[str]) -> bool:
    try:
        return Study.load(name, settings, names).freeze().document == document
    except InputError:
        return False
