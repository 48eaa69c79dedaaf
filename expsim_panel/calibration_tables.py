"""The figures of a calibration as tables of text, the same on the app's page and in the HTML export."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from expsim_panel.calibration import Calibration
from expsim_panel.judge_calibration import Estimate
from expsim_panel.quantities import count, money, percent, plain
from expsim_panel.rating_agreement import PileUp
from expsim_panel.rating_table import Beside
from expsim_panel.realism import PARTS, Realism

WORDS = {
    "marginal": "Scores given",
    "pair": "Two raters of an item",
    "range": "Range within an item",
    "icc": "Agreement (ICC)",
}
"""What each of the four distances of the realism score is about."""

MOST_ROWS = 60
"""Variants (or judges' biases) that are listed; the rest is in the JSON."""
MOST_LEVELS = 11

COEFFICIENTS = {
    "alpha_nominal": ("Krippendorff's alpha, nominal", "any two scores that differ disagree alike"),
    "alpha_ordinal": ("Krippendorff's alpha, ordinal", "by ranks"),
    "alpha_interval": ("Krippendorff's alpha, interval", "by squared distance"),
    "kappa": ("Cohen's kappa", "mean over pairs of raters"),
    "kappa_linear": ("Weighted kappa, linear", "mean over pairs of raters"),
    "kappa_quadratic": ("Weighted kappa, quadratic", "mean over pairs of raters"),
    "pearson": ("Pearson correlation", "mean over pairs of raters"),
    "spearman": ("Spearman correlation", "mean over pairs of raters"),
    "pooled_kappa": ("Pooled kappa (Scott's pi)", "all pairs of ratings of an item, whoever gave them"),
    "pooled_kappa_linear": ("Pooled kappa, linear", "all pairs of ratings of an item, whoever gave them"),
    "pooled_pearson": ("Pooled Pearson correlation", "all pairs of ratings; also kappa with quadratic weights"),
}
"""Agreement coefficients: name, and how it is meant."""


class Table(NamedTuple):
    """A titled table of plain text, first column the row's name; `note` stands below it.

    `worded` says that the last column holds words, not numbers.
    """

    title: str
    head: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    note: str = ""
    worded: bool = False


def tables(found: Calibration, beside: Beside) -> list[Table]:
    """Return every table that has something to say."""
    made = [
        _variants(found), _components(found), _agreement(found, beside), _judges(beside), _bias(beside),
        *(_confusion(name, beside) for name in beside.confusion), _pile_up(beside), _realism(found), _spent(beside),
    ]  # fmt: skip
    return [one for one in made if one.rows]


def told(one: Estimate, signed: bool = False) -> str:
    """Return a number with its interval, or why there is none."""
    if one.value is None:
        return one.reason or "n/a"
    form = "{:+.2f}" if signed else "{:.2f}"
    said = form.format(one.value)
    return said if one.interval is None else f"{said} ({' to '.join(form.format(end) for end in one.interval)})"


def doubts(found: Calibration, beside: Beside) -> list[str]:
    """Return what to know before using the numbers: the calibration's notes, and rows in doubt with their lines."""
    lines = list(found.notes)
    return lines + [doubt.sentence() for doubt in beside.warnings]


def _number(value: float | None, signed: bool = False) -> str:
    return "n/a" if value is None else f"{value:{'+' if signed else ''}.2f}"


def _variants(found: Calibration) -> Table:
    apart = {one.treatment: one for one in found.contrasts}
    rows = []
    named = (found.control, *found.treatments)
    listed = [found.facts(name) for name in named] + [one for one in found.variants if one.name not in named]
    for one in listed[:MOST_ROWS]:
        gap = apart.get(one.name)
        difference = "in use today" if one.name == found.control else "n/a"
        if gap is not None and gap.difference is not None and gap.se is not None:
            difference = f"{gap.difference:+.2f} ± {gap.se:.2f}"
        mean = _number(one.mean) + ("" if one.se is None else f" ± {one.se:.2f}")
        rows.append((one.name, count(one.items), count(one.ratings), mean, _number(one.sd), difference))
    left = len(listed) - len(rows)
    note = "± is the standard error, by prompt; differences are paired by prompt."
    note += f" {count(left)} more variants are in the JSON." if left > 0 else ""
    return Table("Variants", ("Variant", "Items", "Ratings", "Mean", "Spread between items (SD)", "Against control"),
                 rows, note)  # fmt: skip


def _components(found: Calibration) -> Table:
    parts = found.components
    whole = sum(value or 0.0 for value in (parts.item, parts.severity, parts.noise))
    rows = []
    for word, value, key in (
        ("Quality of the item", parts.item, "item"),
        ("of which shared by variants on a prompt", parts.prompt, "prompt"),
        ("Severity of the rater", parts.severity, "severity"),
        ("Noise of one rating", parts.noise, "noise"),
    ):
        if value is None:
            rows.append((word, "n/a", "n/a", "n/a", parts.reasons.get(key, "")))
        else:
            share = percent(value / whole, 0) if whole > 0 else "n/a"
            rows.append((word, f"{value:.3f}", f"{value**0.5:.2f}", share, parts.reasons.get(key, "")))
    head, note = (
        ("Part", "Variance", "SD, points", "Share"),
        "Variance components within variants (Henderson's method 3).",
    )
    if not any(row[-1] for row in rows):
        return Table("What one rating varies by", head, [row[:-1] for row in rows], note)
    return Table("What one rating varies by", (*head, "Note"), rows, note, worded=True)


def _agreement(found: Calibration, beside: Beside) -> Table:
    one, agreed = found.reliability, beside.agreement
    mean = f"ICC(1,k), mean of {one.k:.1f} ratings"
    rows = [
        ("ICC(1), one rating", _number(one.icc1), "severity counts as noise"),
        (mean, _number(one.icc1k), "severity counts as noise"),
        ("ICC(2,1), one rating", _number(one.icc21), "absolute agreement, two-way"),
    ]
    for key, (word, meant) in COEFFICIENTS.items():
        value = getattr(agreed, key)
        about = key.partition("_")[0]
        reason = agreed.reasons.get(about if about in ("alpha", "pooled") else "pairs", "")
        rows.append((word, _number(value), reason if value is None and reason else meant))
    note = f"Over all variants; {count(agreed.pairs)} pairs of raters share ten items or more."
    return Table("How people agree", ("Figure", "Value", "Meaning"), rows, note, worded=True)


def _judges(beside: Beside) -> Table:
    rows = [
        (
            name, count(one.items), count(one.missing), told(one.pearson), told(one.spearman), told(one.rho),
            told(one.rho_one_rater), told(one.rho_difference), _number(one.bias_sd),
        )
        for name, one in beside.judges.items()
    ]  # fmt: skip
    head = ("Judge", "Items", "Missing", "Pearson", "Spearman", "ρ within a variant", "ρ with one rater",
            "ρ of differences", "Bias between variants (SD)")  # fmt: skip
    note = (
        "With the mean of an item's ratings unless it says one rater; 95 % intervals by prompt (jackknife), with "
        "these raters: others would differ by more."
    )
    return Table("Judges beside people", head, rows, note)


def _bias(beside: Beside) -> Table:
    rows = [
        (f"{name}: {variant}", told(one, signed=True), _number(one.se))
        for name, facts in beside.judges.items()
        for variant, one in facts.bias.items()
    ]
    left = len(rows) - MOST_ROWS
    note = "Judge less people, less the same over all variants, in points; 95 % interval."
    rescaled = [name for name, facts in beside.judges.items() if not facts.same_scale]
    if rescaled:
        note += f" On another scale, mapped to that of the ratings: {', '.join(rescaled)}."
    note += f" {count(left)} more are in the JSON." if left > 0 else ""
    return Table("Whom a judge favours", ("Judge: variant", "Differential bias", "SE"), rows[:MOST_ROWS], note)


def _confusion(name: str, beside: Beside) -> Table:
    one = beside.confusion[name]
    values, counts = one["values"], one["counts"]
    title = f"People and judge {name}"
    if values is None or counts is None or len(values) > MOST_LEVELS:
        return Table(title, (), [])
    head = ("People's score", *(f"judge {value:g}" for value in values), "Same")
    rows = []
    for at, (value, row) in enumerate(zip(values, counts, strict=True)):
        whole = sum(row)
        same = percent(row[at] / whole, 0) if whole else "n/a"
        rows.append((f"{value:g}", *(count(cell) for cell in row), same))
    note = "Every rating beside the judge's score of its item, rounded to the scale."
    if "rates" in one:
        shares = ", ".join(f"{kind} {percent(rate, 0)}" for kind, rate in list(one["rates"].items())[:10])
        note += f" Share that the judge gives {values[-1]:g}: {shares}."
    return Table(title, head, rows, note)


def _pile_up(beside: Beside) -> Table:
    def row(name: str, one: PileUp) -> tuple[str, ...]:
        most = f"{plain(one.commonest)}: {percent(one.share, 0)}"
        return name, count(one.values), f"{one.effective:.1f}", most, percent(one.bottom, 0), percent(one.top, 0)

    rows = [row("People", beside.pile_up), *(row(name, one) for name, one in beside.judge_pile_up.items())]
    head = ("Who", "Different scores", "As varied as", "Commonest", "At the lowest", "At the highest")
    return Table(
        "How scores pile up", head, rows, "As varied as: so many scores given equally often (inverse Simpson)."
    )


def _realism(found: Calibration) -> Table:
    seen = found.realism
    rows = [
        (
            "other real ratings" if name == "floor" else name, "" if name == "floor" else percent(seen.scores[name], 0),
            *(f"{each[part]:.3f}" for part in PARTS),
        )
        for name, each in seen.distances.items()
    ]  # fmt: skip
    head = ("Law of ratings", "Realism", *(WORDS[part] for part in PARTS))
    note = (
        f"Distances from unseen ratings, 0 is the same: total variation, of ICC the difference; mean of {seen.splits} "
        f"halvings by prompt of {count(seen.items)} items. Kept, as the plainest within "
        f"2 points of the best: {seen.law}.{nested_told(seen)}"
    )
    return Table("Distances of every law", head, rows, note)


def nested_told(seen: Realism) -> str:
    """Return what choosing the law on what it is scored on adds to its score; empty where none was chosen."""
    if seen.nested is None or seen.score is None:
        return ""
    chosen = ", ".join(f"{name} {times} times" for name, times in seen.nested.laws.items())
    apart = percent(min(seen.nested.score, 1.0), 0)
    return (
        f" Chosen on ratings that the score does not see ({chosen}), laws score {apart}; chosen on those that it sees,"
        f" the one kept scores {percent(seen.score, 0)}."
    )


def _spent(beside: Beside) -> Table:
    rows = []
    for word, unit, spent in (("cost", "$", beside.cost), ("time", "s", beside.seconds)):
        for kind, one in spent.items():
            cells = (one.mean, one.median, one.p05, one.p95)
            said = (money(value) if unit == "$" else f"{value:,.3g} s" for value in cells)
            rows.append((f"A {kind}'s {word}", count(one.count), *said))
    return Table("What a rating costs", ("Of one rating", "Ratings", "Mean", "Median", "5 %", "95 %"), rows)
