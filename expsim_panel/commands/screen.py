"""What the commands share when they print: consoles, headings, lists, JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from expsim_panel.printed import clean

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table


def console(stderr: bool = False) -> Console:
    """Return a console that interprets nothing in the text it is given."""
    from rich.console import Console

    return Console(stderr=stderr, highlight=False, markup=False, emoji=False)


def heading(text: str) -> RenderableType:
    """Return a heading across the page."""
    from rich.rule import Rule
    from rich.text import Text

    return Rule(Text(text, style="bold"), align="left", style="dim")


def bullets(lines: Iterable[str]) -> Table:
    """Return a list with hanging indents."""
    from rich.table import Table

    grid = Table.grid(padding=(0, 1))
    for line in lines:
        grid.add_row(" -", clean(line))
    return grid


def facts(rows: Iterable[tuple[str, str]]) -> Table:
    """Return labels with their texts, labels in a column of their own."""
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column()
    for label, text in rows:
        grid.add_row(Text(label, style="dim"), clean(text))
    return grid


def dumps(document: dict[str, Any]) -> str:
    """Return JSON text; plain ASCII, so that every pipe and every console carries it unharmed."""
    return json.dumps(document, indent=2, allow_nan=False) + "\n"


def print_json(document: dict[str, Any]) -> None:
    """Print a document, and nothing else, on standard output."""
    sys.stdout.write(dumps(document))
