"""What each estimator is worth where traffic follows the data, as a table that the page and the static page share."""

from __future__ import annotations

from html import escape

from expsim_panel import named_estimator
from expsim_panel.exports._scroll import scrolls
from expsim_panel.results import Result

TITLE = "Estimates where traffic follows the data"


def estimators(result: Result) -> str:
    """Return the table as HTML with what it means; empty without a strategy whose traffic follows the data."""
    estimated = named_estimator.rows(result)
    if not estimated:
        return ""
    head = "".join(
        f'<th scope="col">{escape(name)}</th>' for name in ("Strategy: estimate from", *named_estimator.HEADS[2:])
    )
    body = "".join(
        f'<tr><th scope="row" title="{escape(named_estimator.MEANINGS[label])}">{escape(name)}: {escape(label)}</th>'
        f"{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"
        for name, label, *cells in estimated
    )
    table = (
        f'<table class="figures"><caption>{TITLE}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
    )
    return (
        f'{scrolls(table, TITLE)}<p class="caption muted small">Bias of the worst variant, and how often an interval '
        "holds the truth, ± simulation error. An arm that starts unluckily gets little traffic and stays low, so "
        "pooled means mislead; the others reckon with the shares that each day had.</p>"
    )
