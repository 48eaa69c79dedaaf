"""What every static page of one answer has around its contents: head, heading, sentence, and how to reproduce it."""

from __future__ import annotations

_FRAME = """
{% block title %}{{ title }}{% endblock %}
{% block preamble %}
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
{% endblock %}
{% block postamble %}<style>{{ style }}</style>{% endblock %}
{% block contents %}
<main>
  <h1>{{ heading }}</h1>
  <p class="verdict">{{ sentence }}</p>
  <p class="muted small" style="margin-bottom: 16px">{{ how }}</p>
CONTENTS
  <footer aria-label="How to reproduce">
    <h2 style="font-size:15px">How to reproduce</h2>
    <dl>{{ reproduce }}</dl>
  </footer>
</main>
{% endblock %}
"""


def framed(contents: str) -> str:
    """Return a page's template around its own sections.

    Besides theirs, its variables are `title`, `style`, `heading`, `sentence`, `how` and `reproduce`, escaped already.
    """
    return _FRAME.replace("CONTENTS", contents.strip("\n"))
