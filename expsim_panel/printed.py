"""Text of a file or a flag as it may be printed: on one line, and driving nothing."""

from __future__ import annotations

import unicodedata

_TURNS = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
"""They turn the direction of text, and with it what a line seems to say."""


def clean(text: object) -> str:
    """Return text on one line without control characters: a file's text must not drive a terminal."""
    words = " ".join(str(text).split())
    return "".join(
        "\N{REPLACEMENT CHARACTER}" if unicodedata.category(letter) in ("Cc", "Cs") or letter in _TURNS else letter
        for letter in words
    )
