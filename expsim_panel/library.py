"""The scenario library, and how a scenario is found: by name in the library or by file."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path
from typing import Any

from expsim_panel.errors import InputError, did_you_mean, shown
from expsim_panel.evaluator_profiles import OVER
from expsim_panel.scenario import Scenario

MAX_BYTES = 5_000_000
"""A scenario file is a page of text; anything larger is something else."""
MAX_DEPTH = 50
"""Tables and lists inside each other; a scenario needs five."""

_LONG_PATH = re.compile(rf"""(?<![\w"'.-])(?:["'\w-]++[ \t]*+\.[ \t]*+){{{MAX_DEPTH}}}""")


def names() -> list[str]:
    """Return the names of the scenarios that come with the package."""
    here = files("expsim_panel.scenarios")
    return sorted(entry.name.removesuffix(".toml") for entry in here.iterdir() if entry.name.endswith(".toml"))


def read_tree(name_or_path: str) -> tuple[dict[str, Any], str]:
    """Return the TOML tree of a library scenario or a file, and the name to use in errors.

    Raises
    ------
    InputError
        Neither a known name nor a readable TOML file.
    """
    text_name = str(name_or_path)
    if text_name in names():
        source = files("expsim_panel.scenarios") / f"{text_name}.toml"
        return tomllib.loads(source.read_text(encoding="utf-8")), f"{text_name}.toml"
    path = Path(text_name)
    if not (path.suffix == ".toml" or path.exists()):
        remedy = did_you_mean(text_name, names()) + " or give a .toml file"
        raise InputError("scenario", "", f"unknown scenario {shown(text_name)}", remedy)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError(
                path.name, "", f"{path.stat().st_size:,} bytes is no scenario file", "give a TOML file under 5 MB"
            )
        raw = path.read_bytes()
    except OSError as error:
        raise InputError(text_name, "", f"cannot be read ({error.strerror})", "give a readable .toml file") from None
    return parse(raw, path.name), path.name


def parse(raw: bytes, where: str) -> dict[str, Any]:
    """Parse a scenario file's bytes; raise `InputError` with the line of a syntax error."""
    if len(raw) > MAX_BYTES:
        raise InputError(where, "", f"{len(raw):,} bytes is no scenario file", "give a TOML file under 5 MB")
    try:
        text = raw.decode("utf-8-sig")
        if _LONG_PATH.search(text):
            # The time to read such a key grows with the square of its length.
            raise InputError(where, "", f"holds a key of more than {MAX_DEPTH} dotted parts", "flatten it")
        tree = tomllib.loads(text)
    except UnicodeDecodeError:
        raise InputError(where, "", "is not UTF-8 text", "save the scenario as UTF-8") from None
    except InputError:
        raise
    except (ValueError, RecursionError) as error:
        # ValueError: TOMLDecodeError, and what Python says of a number of 5,000 digits.
        said = str(error).partition(";")[0]
        raise InputError(where, "", f"is not valid TOML ({said})", "mend that line") from None
    _check_depth(tree, where, "")
    return tree


def _check_depth(tree: Any, where: str, path: str) -> None:
    """Refuse nesting that copying and printing would not survive."""
    level = [tree]
    for _ in range(MAX_DEPTH):
        inner = [list(one.values()) if isinstance(one, dict) else one for one in level if isinstance(one, (dict, list))]
        level = [value for values in inner for value in values]
        if not level:
            return
    raise InputError(where, path, f"is nested more than {MAX_DEPTH} deep", "flatten it")


def load(name_or_path: str) -> Scenario:
    """Return a scenario of the library or of a file."""
    tree, where = read_tree(name_or_path)
    return Scenario.from_tree(tree, where)


def override_all(tree: dict[str, Any], settings: Iterable[str]) -> None:
    """Apply settings one after the other; a field that stands in place of another takes it out of the tree.

    Where both are set, both stay, and the tree is refused when it is read.
    """
    given = list(settings)
    paths = {setting.partition("=")[0].strip() for setting in given}
    for setting in given:
        override(tree, setting)
    for path in paths:
        *above, key = path.split(".")
        other = ".".join([*above, OVER.get(key, "")])
        if key not in OVER or above[:1] not in (["evaluator"], ["evaluators"]):
            continue
        if any(f"{one}.".startswith(f"{other}.") for one in paths):
            continue
        node: Any = tree
        for part in above:
            node = node[part]
        node.pop(OVER[key], None)


def override(tree: dict[str, Any], setting: str) -> None:
    """Apply one ``PATH=VALUE``, such as ``variants.1.mean=0.93``, to a scenario's tree in place.

    The value is read as TOML (numbers, true, "text", [lists]); anything else is taken as text.

    Raises
    ------
    InputError
        No ``=``, or a path that leads nowhere.
    """
    path, separator, text = setting.partition("=")
    keys = path.strip().split(".")
    if not separator or len(keys) > MAX_DEPTH or not all(re.fullmatch(r"[\w-]+", key) for key in keys):
        raise InputError("--set", shown(setting), "is not PATH=VALUE", "write for example variants.1.mean=0.93")
    try:
        read = tomllib.loads(f"value = {text.strip()}")
        # More than the one value: text with line breaks that happen to look like TOML.
        value: Any = read["value"] if len(read) == 1 else text.strip()
    except (ValueError, RecursionError):
        value = text.strip()
    _check_depth(value, "--set", path)
    node: Any = tree
    for depth, key in enumerate(keys):
        last = depth == len(keys) - 1
        if isinstance(node, list):
            if not re.fullmatch("[0-9]{1,9}", key) or int(key) >= len(node):
                raise InputError("--set", path, f"there is no entry {shown(key)}", f"give 0 to {len(node) - 1}")
            slot: Any = int(key)
        elif isinstance(node, dict):
            slot = key
            if not last:
                node.setdefault(slot, {})
        else:
            raise InputError("--set", path, f"{'.'.join(keys[:depth])} has no keys", "shorten the path")
        if last:
            node[slot] = value
        else:
            node = node[slot]
