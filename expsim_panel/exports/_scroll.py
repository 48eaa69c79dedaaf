"""A wide table in a frame that scrolls sideways, says so at its edge, and is reached by a keyboard."""

from __future__ import annotations

from html import escape


def scrolls(table: str, label: str) -> str:
    """Return a table of HTML in its frame; `label`, plain text, names it for a screen reader."""
    return f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(label)}">{table}</div>'
