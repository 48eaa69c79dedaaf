"""The page Ranking without a browser: what it says of votes, and that text stays text."""

from __future__ import annotations

from expsim_panel.layouts.pages import ranking
from expsim_panel.ranking_answers import standings
from expsim_panel.ranking_votes import votes_of


def test_the_example_is_ranked_by_the_same_figures_as_the_command():
    read = votes_of(ranking.example().encode(), "votes")
    found = standings(read.first, read.second, read.outcomes, read.items)
    assert (found.verdicts, found.clusters) == (450, 150)
    said, tables = ranking.told(found, False), ranking.tables(found)
    best = found.variants[0]
    assert f"{best.name} is ranked first" in said
    assert f"1. {best.name}" in tables
    for one in found.variants:
        assert f"{one.ability:+.3f}" in tables
    assert tables.count("<tr>") == 2 + 4 + 6
    # The true best two are 0.15 apart: one of them is first.
    assert best.name in ("larger model", "prompt with examples")


def test_names_are_escaped_and_the_first_told_apart():
    lines = ["prompt,first,second,winner"]
    for k in range(60):
        winner = "tie" if k % 9 == 0 else "second" if k % 5 == 0 else "first"
        pair = ("<img src=x>", "b & c") if k % 2 else ("b & c", "<img src=x>")
        lines.append(
            f"{k},{pair[0]},{pair[1]},{winner if k % 2 else {'first': 'second', 'second': 'first'}.get(winner, winner)}"
        )
    read = votes_of("\n".join(lines).encode(), "votes")
    found = standings(read.first, read.second, read.outcomes, read.items)
    made = ranking.told(found, True) + ranking.tables(found)
    assert "<img" not in made
    assert "&lt;img src=x&gt; is ranked first" in made
    assert "Told apart" in made
