"""The part of bandit pages on what can be inferred after each policy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape

import numpy as np

from expsim_panel.adaptive_inference import METHODS, Coverage
from expsim_panel.bandit_inference import LABELS, LEVEL, METHOD, Inference, valid
from expsim_panel.guarded_decisions import rate_words
from expsim_panel.kernels.special import norm_ppf
from expsim_panel.quantities import percent

LEARNED = "After the experiment: what can honestly be said"


def learned_section(learned: Sequence[Inference]) -> str:
    """Return the section on inference of the page; nothing where there is none."""
    return (
        f'<section class="card" aria-label="{LEARNED}"><h2>{LEARNED}</h2>{learned_words(learned)}</section>'
        if (learned)
        else ""
    )


def learned_words(learned: Sequence[Inference]) -> str:
    """Return the recommendation after one experiment of every policy, and what its estimators are worth, as HTML."""
    told = [one for one in learned if one.coverage is not None]
    lines, body = [], ""
    for one in learned:
        said = f"no valid interval: {one.reason}" if one.recommendation is None else one.recommendation.sentence
        if one.harm is not None:
            said += f" Bad events by arm: {rate_words(one.harm, METHODS.index(METHOD))}."
        lines.append(f"<li><b>{escape(one.policy)}</b> {escape(said)}</li>")
    more = more_columns(told)
    for one in told:
        body += "".join(_learned_row(one, m, more) for m in range(len(METHODS)))
    heads = (*LEARNED_HEADS[:4], *(f"Covers: {word.lower()}" for word, _ in more), *LEARNED_HEADS[4:])
    head = "".join(f"<th scope='col'>{name}</th>" for name in heads)
    table_ = f"<div class='scroll' tabindex='0' role='region' aria-label='Estimators'><table><thead><tr>{head}</tr>"
    table_ += f"</thead><tbody>{body}</tbody></table></div>"
    how = (
        "One experiment of each policy, recommended by the adaptively weighted estimates (Hadad et al. 2021), nominal "
        "90 %, arm 0 the control. Below: what each estimator is worth over many experiments, worst arm shown. After "
        "adaptive allocation the naive mean is biased: an arm that starts unluckily gets little traffic and stays low. "
        "All is held against the true means, so that a bias of the evaluator shows."
    )
    if any(one.harm is not None for one in told):
        how += (
            " An arm is launched only if its rate of bad events is proved within the limit (within), never if it is "
            "proved over it (over); open: neither. An interval is nominal 90 % alone, proofs hold for all arms at once."
        )
    if any(one.inside for one in told):
        how += (
            " The mean of an arm is that of always serving it, over the segments' requests; the naive mean of a policy "
            "that sees segments is the mean of those in which it served the arm."
        )
    return f"<p class='muted small caption'>{how}</p><ul class='said'>{''.join(lines)}</ul>" + (table_ if told else "")


Cell = Callable[[Inference, int], str]


def more_columns(told: Sequence[Inference]) -> list[tuple[str, Cell]]:
    """Return the further quantities that are estimated, and how well a method's intervals cover them at the worst."""
    made: list[tuple[str, Cell]] = []
    if any(one.harm is not None for one in told):
        made.append(("Bad events", lambda one, m: _least(() if one.harm is None else (one.harm.coverage,), m)))
    if any(one.inside for one in told):
        made.append(("In segments", lambda one, m: _least(one.inside, m)))
    return made


def _least(covered: Sequence[Coverage], m: int) -> str:
    return percent(min(float(one.coverage[m].min()) for one in covered)) if covered else "n/a"


LEARNED_HEADS = (
    "Policy, estimator", "Bias of the means", "Covers the means", "Covers the differences", "Recommends a best arm",
    "Recommends a lesser one", "First experiment, differences from arm 0",
)  # fmt: skip


def _learned_row(one: Inference, m: int, more: Sequence[tuple[str, Cell]]) -> str:
    told, name = one.coverage, METHODS[m]
    if told is None or one.right is None or one.wrong is None or one.contrasts is None or one.contrast_errors is None:
        return ""
    at, least, apart = (
        int(np.abs(told.bias[m]).argmax()), int(told.coverage[m].argmin()), int(told.contrast_coverage[m].argmin())
    )  # fmt: skip
    z = float(norm_ppf(0.5 + LEVEL / 2))
    spans = ", ".join(
        f"{a + 1}: {value:+.3g} ({value - z * error:+.3g} to {value + z * error:+.3g})"
        for a, (value, error) in enumerate(zip(one.contrasts[m][:3], one.contrast_errors[m][:3], strict=True))
    )
    rest = ", ..." if one.contrasts.shape[1] > 3 else ""
    word = "" if valid(name, one.policy) else "<small>not valid here</small>"
    first = f"{escape(one.policy)}: " if m == 0 else ""
    cells = (
        f"{told.bias[m, at]:+.2g}<small>± {told.bias_se[m, at]:.1g}</small>",
        f"{percent(float(told.coverage[m, least]))}<small>± {percent(float(told.coverage_se[m, least]))}</small>",
        f"{percent(float(told.contrast_coverage[m, apart]))}"
        f"<small>± {percent(float(told.contrast_coverage_se[m, apart]))}</small>",
        *(cell(one, m) for _, cell in more), percent(float(one.right[m]), 0), percent(float(one.wrong[m]), 0),
        spans + rest,
    )  # fmt: skip
    return f"<tr><th scope='row'>{first}{LABELS[name]}{word}</th>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
