"""Sentences about a prompt set beside the live traffic."""

from __future__ import annotations

from expsim_panel.offline_answers import SideBySide

WORDS = {"judge": "Judge", "human": "People"}
MODES = {"offline": "same prompts", "offline-unpaired": "own prompts", "online": "live"}


def sentences(found: SideBySide) -> list[str]:
    """Return what the table says, in sentences."""
    lines = []
    for kind, gain in found.gain.items():
        lines.append(
            f"{WORDS[kind]}: a prompt that both variants answer says as much as {found.worth[kind]:.2g} live responses "
            f"of each, and as {gain:.2g} prompts of their own."
        )
    if found.best:
        best = found.best
        said = ", ".join(f"{number} {word}" for word, number in best.items())
        lines.append(
            f"Best for the money on this set: {said} (judge calls of an answer, raters and answers of a prompt)."
        )
    lines += [f"{WORDS[one.evaluator]} on {MODES[one.mode]}: {one.reason}." for one in found.rows if one.reason]
    lines += [f"Assumed: {one}; say it in [offline]." for one in found.assumed]
    return lines
