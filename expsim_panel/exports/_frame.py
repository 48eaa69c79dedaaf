"""What every static page has around its contents: its head, heading, sentence, and how to reproduce it."""

from __future__ import annotations

HEAD = """
{% block title %}{{ title }}{% endblock %}
{% block preamble %}
<meta name="viewport" content="width=device-width, initial-scale=1">
{% if description %}<meta name="description" content="{{ description }}">
{% endif %}<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
{% endblock %}
"""
"""Title and head of every page; `description` is left out where a page has none."""

FOOT = """
  <footer aria-label="How to reproduce">
    <h2 style="font-size:15px">How to reproduce</h2>
    <dl>{{ reproduce }}</dl>
  </footer>
</main>
{% endblock %}
"""
"""How to reproduce what a page shows, and its end."""

_FRAME = """{% block postamble %}<style>{{ style }}</style>{% endblock %}
{% block contents %}
<main>
  <h1>{{ heading }}</h1>
  <p class="verdict">{{ sentence }}</p>
  <p class="muted small" style="margin-bottom: 16px">{{ how }}</p>
CONTENTS"""


def framed(contents: str) -> str:
    """Return a page's template around its own sections.

    Besides theirs, its variables are `title`, `style`, `heading`, `sentence`, `how` and `reproduce`, escaped already.
    """
    return HEAD + _FRAME.replace("CONTENTS", contents.strip("\n")) + FOOT
