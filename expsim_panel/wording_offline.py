"""Sentences about a prompt set beside the live traffic."""

from __future__ import annotations

from expsim_panel.offline_answers import SideBySide
from expsim_panel.quantities import count, money

WORDS = {"judge": "Judge", "human": "People", "hybrid": "Both"}
BEST = {
    "judge calls": "judge call of an answer",
    "raters": "rater of a prompt",
    "samples": "answer of a variant to a prompt",
}
MODES = {"offline": "same prompts", "offline-unpaired": "own prompts", "online": "live"}


def _some(number: float, word: str) -> str:
    """Return "1 live response", "1.5 live responses"."""
    told = f"{number:.2g}" if number < 100 else count(number)
    first, _, rest = word.partition(" of ")
    return f"{told} {first}{'' if told == '1' else 's'}{' of ' + rest if rest else ''}"


def sentences(found: SideBySide) -> list[str]:
    """Return what the table says, in sentences."""
    lines = []
    for kind, worth in found.worth.items():
        if kind not in found.gain:
            live = _some(worth, "live comparison")
            lines.append(f"{WORDS[kind]}: a prompt says as much as {live}.")
            continue
        live = _some(worth, "live response")
        lines.append(
            f"{WORDS[kind]}: a prompt that both variants answer says as much as {live} of each, "
            f"and as {_some(found.gain[kind], 'prompt')} of their own."
        )
    if found.best:
        said = ", ".join(_some(found.best[key], word) for key, word in BEST.items() if key in found.best)
        lines.append(f"Best for the money on this set: {said}.")
    both = next((one for one in found.equal if one.evaluator == "hybrid" and one.se is not None), None)
    if both is not None:
        judged, labels = _some(both.per_variant, "prompt"), _some(both.labels, "label")
        lines.append(
            f"Both, {money(found.budget)}: {judged} judged, and {labels} on a random part to correct the judge."
        )
    lines += [f"Both: {one.reason}." for one in found.equal if one.reason and one.evaluator == "hybrid"]
    lines += [f"{WORDS[one.evaluator]} on {MODES[one.mode]}: {one.reason}." for one in found.rows if one.reason]
    lines += [f"Assumed: {one}; say it in [offline]." for one in found.assumed]
    return lines
