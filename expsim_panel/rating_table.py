"""A table of people's ratings with what stands beside them: judges, costs, seconds, and doubts about rows."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from expsim_panel.components import Components, variance_components
from expsim_panel.errors import InputError, did_you_mean, shown
from expsim_panel.judge_calibration import JudgeFacts, judge_facts
from expsim_panel.rating_agreement import Agreement, PileUp, agreement_of, distinct, pile_up
from expsim_panel.rating_cells import SPACES, tidied
from expsim_panel.rating_columns import meanings, unfolded
from expsim_panel.rating_doubts import (
    MOST_LEVELS,
    Warned,
    code_doubts,
    formulas,
    judge_doubts,
    left_out,
    scales,
    warned,
)
from expsim_panel.rating_files import texts_of, together
from expsim_panel.rating_json import Failed
from expsim_panel.rating_names import names_alike
from expsim_panel.rating_prompts import PROMPT
from expsim_panel.ratings import Codes, Floats, Ratings, ratings_of, read_bytes
from expsim_panel.ratings_csv import MAX_SCORE, Lines, among, floats, plainly
from expsim_panel.ratings_csv import frame as read_frame
from expsim_panel.recoding import counted

HUMAN = ("human", "person", "people", "crowd", "expert", "annotator")
UNPARSED = (0.0, -1.0)
EMPTY = ("", "nan", "null", "none", "na")
KIND = "kind"
JUDGE = ("judge", "llm", "model", "ai", "auto")


@dataclass(frozen=True)
class Spent:
    """Distribution of what one rating cost, in dollars or seconds; lognormal parameters of the positive ones."""

    count: int
    total: float
    mean: float
    median: float
    p05: float
    p95: float
    log_mean: float | None
    log_sd: float | None


@dataclass(frozen=True)
class Beside:
    """What `calibrate` reports beside the ratings' own facts.

    Attributes
    ----------
    format : str
        ``csv``, ``jsonl``, ``parquet``, ``inspect`` or ``promptfoo``.
    agreement : Agreement
        Of the people.
    pile_up : PileUp
        Of their scores.
    judges : dict of str to JudgeFacts
    judge_pile_up : dict of str to PileUp
    confusion : dict of str to dict
        For each judge: ``values`` of the ratings' scale and ``counts[human][judge]``, every rating paired
        with the judge's score, rounded to the scale; for two values also ``rates``, the judge's share of the
        higher one by variant.
    cost, seconds : dict of str to Spent
        By kind of rater.
    warnings : tuple of Warned
    """

    format: str
    agreement: Agreement
    pile_up: PileUp
    judges: dict[str, JudgeFacts] = field(default_factory=dict)
    judge_pile_up: dict[str, PileUp] = field(default_factory=dict)
    confusion: dict[str, dict[str, Any]] = field(default_factory=dict)
    cost: dict[str, Spent] = field(default_factory=dict)
    seconds: dict[str, Spent] = field(default_factory=dict)
    warnings: tuple[Warned, ...] = ()


def read_table(
    path: str | Path,
    item: str = "item",
    rater: str = "rater",
    score: str = "score",
    variant: str = "variant",
    judges: tuple[str, ...] = (),
    kind: str | None = None,
    prompt: str | None = None,
    also: tuple[str, ...] = (),
) -> tuple[Ratings, Beside]:
    """Read ratings of people and scores of judges.

    Parameters
    ----------
    item, rater, score, variant : str
        As in `ratings.read_ratings`; `score` may name several columns, one for each rater, with commas between them.
    judges : tuple of str
        Columns with a judge's score of the row's item. Empty cells are missing scores; so are
        the few scores of 0 or -1 where people's scale begins above (unparsed verdicts), which a warning says.
    kind : str, optional
        Column that says ``human`` or ``judge`` of each row; by default `kind`, if there is one.
    prompt : str, optional
        As in `ratings.read_ratings`.
    also : tuple of str
        More files of the same columns, such as the logs of other variants.
    """
    several = [(read_bytes(name), Path(name).name) for name in (path, *also)]
    return parse_table(several, item, rater, score, variant, judges, kind, prompt)


def parse_table(
    several: Sequence[tuple[bytes, str]],
    item: str = "item",
    rater: str = "rater",
    score: str = "score",
    variant: str = "variant",
    judges: tuple[str, ...] = (),
    kind: str | None = None,
    prompt: str | None = None,
) -> tuple[Ratings, Beside]:
    """Read ratings from the bytes of one or more uploads, each with its name; `read_table` says the rest."""
    failed: list[Failed] = []
    texts, form = texts_of(several, failed)
    _, where, header = texts[0]
    for name in judges:
        if name not in header:
            raise InputError(where, "--judge", f"there is no column {shown(name)}", did_you_mean(name, header))
        for flag, column in {"--item": item, "--rater": rater, "--score": score, "--variant": variant}.items():
            if name == column:
                problem = f"column {shown(name)} is also {flag}"
                raise InputError(where, "--judge", problem, "give a column with a judge's scores")
    kind = kind_column(kind, header, where)
    names = list(dict.fromkeys(header))
    read = [read_frame(data, name, names, coded=True) for data, name, _ in texts]
    table, named = together(read, [name for _, name in several])
    wide = unfolded(table, header, where, rater, score, meanings(item, variant, prompt, kind, judges))
    table, header = wide.table, wide.header
    lines = Lines(table.index.to_numpy(), named)
    table, spaced = tidied(table, (item, rater, variant, prompt or PROMPT), (score, *judges))
    by_judge = _is_judge(table, kind, where, lines)
    people = table[~by_judge] if by_judge.any() and not by_judge.all() else table
    digest = hashlib.sha256(b"".join(raw for raw, _ in several)).hexdigest()
    ratings = ratings_of(people, named, header, where, digest, item, rater, score, variant, prompt)
    warnings = [left_out(one.what, one.problem, one.numbers) for one in failed]
    warnings += [warned(name, SPACES, lines[rows]) for name, rows in spaced.items()]
    if len(wide.empty):
        warnings.append(warned(score, "empty cells: the rater gave no score", Lines(wide.empty, named)))
    warnings += [warned(name, "of several scores in a row, and so of none: not read", lines) for name in wide.unread]
    warnings += formulas(table, [item, rater, variant, kind], lines)
    people_at = np.flatnonzero(~by_judge) if not by_judge.all() else np.arange(len(table))
    warnings += names_alike(ratings, (variant if variant in header else item, rater, item), lines[people_at])
    warnings += scales(ratings, score, lines[people_at]) + code_doubts(ratings.score, score, lines[people_at])
    if PROMPT in header and prompt is None and variant != PROMPT and not set(ratings.prompts) <= set(people[PROMPT]):
        warnings.append(warned(PROMPT, "no prompt has two variants: not used, --prompt names it", lines[people_at]))
    if by_judge.all():
        warnings.append(warned(kind, "no rating by a person: the judges are taken as the raters", lines))
    parts = variance_components(ratings)
    low, high = float(ratings.score.min()), float(ratings.score.max())
    scores: dict[str, tuple[Codes, Floats]] = {}
    places: dict[str, tuple[str, Lines]] = {}
    for name in judges:
        values = _numbers(table[name].iloc[people_at], name, where, lines[people_at])
        zero = np.isin(values, UNPARSED) & (low > 0)
        others = values[np.isfinite(values) & ~zero]
        # few, and all others on the people's scale: codes of unparsed verdicts, not scores of another scale
        if zero.any() and len(others) > 9 * zero.sum() and others.max() <= high:
            problem = "0 or -1 is outside of the scale: taken as unparsed, missing"
            warnings.append(warned(name, problem, lines[people_at][zero]))
            values = np.where(zero, np.nan, values)
        present = np.isfinite(values)
        each, said = ratings.item[present], values[present]
        kinds, code = distinct(said)
        first = ~pd.Series(each * len(kinds) + code).duplicated().to_numpy()
        scores[name] = (each[first], said[first])
        places[name] = (name, lines[people_at][present][first])
    if by_judge.any() and not by_judge.all():
        own = _judge_rows(
            table[by_judge], people, ratings, (item, rater, score, variant), where, lines[by_judge], warnings
        )
        scores |= {name: (each, said) for name, (each, said, _) in own.items()}
        places |= {name: (score, at) for name, (_, _, at) in own.items()}
    mean = np.bincount(ratings.item, ratings.score) / np.bincount(ratings.item)
    for name, (column, at) in places.items():
        warnings += judge_doubts(name, scores[name][1], mean[scores[name][0]], high, column, at, where)
    error = _item_error(ratings, parts)
    facts = {name: judge_facts(name, ratings, *both, parts, error) for name, both in scores.items()}
    spent_by_judge = by_judge & ~by_judge.all()
    return ratings, Beside(
        format=form,
        agreement=agreement_of(ratings),
        pile_up=pile_up(ratings.score),
        judges=facts,
        judge_pile_up={name: pile_up(both[1]) for name, both in scores.items() if len(both[1])},
        confusion={name: _confusion(ratings, *both) for name, both in scores.items() if len(both[1])},
        cost=_spent(table, "cost", spent_by_judge, where, lines),
        seconds=_spent(table, "seconds", spent_by_judge, where, lines),
        warnings=tuple(warnings),
    )


def kind_column(kind: str | None, header: list[str], where: str) -> str:
    """Return the column that says human or judge; one that was named must be there."""
    if kind is not None and kind not in header:
        raise InputError(where, "--kind", f"there is no column {shown(kind)}", did_you_mean(kind, header))
    return KIND if kind is None else kind


def _is_judge(table: pd.DataFrame, kind: str, where: str, lines: Lines) -> np.ndarray:
    """Return which rows are a judge's."""
    if kind not in table.columns:
        return np.zeros(len(table), dtype=bool)
    found = among(table[kind], JUDGE)
    odd = np.flatnonzero(~(found | among(table[kind], HUMAN)))
    if len(odd):
        problem = f"{lines.name(odd[0])} holds {shown(table[kind].iloc[odd[0]])}"
        raise InputError(
            where, kind, problem + (f", and {len(odd) - 1} more" if len(odd) > 1 else ""), "write human or judge"
        )
    return found


def _numbers(column: pd.Series[str], name: str, where: str, lines: Lines) -> Floats:
    """Return numbers, nan for empty cells."""
    values = floats(column)
    empty = among(column, EMPTY)
    bad = np.flatnonzero(~empty & ~np.isfinite(values))
    if len(bad):
        problem = f"{lines.name(bad[0])} holds {shown(column.iloc[bad[0]])}, not a number"
        more = f", and {len(bad) - 1} more" if len(bad) > 1 else ""
        told = "give plain numbers, or leave missing cells empty"
        raise InputError(where, name, problem + more, plainly(str(column.iloc[bad[0]]), told, told))
    return np.where(empty, np.nan, values)


def _judge_rows(
    table: pd.DataFrame,
    people: pd.DataFrame,
    ratings: Ratings,
    columns: tuple[str, str, str, str],
    where: str,
    lines: Lines,
    warnings: list[Warned],
) -> dict[str, tuple[Codes, Floats, Lines]]:
    """Return items, scores and lines of judges that have rows of their own, by judge."""
    item, rater, score, variant = columns
    if variant not in table.columns:
        problem = "judges' rows need a column of the variant"
        raise InputError(where, "--variant", problem, "give its name, or a judge's column with --judge")
    first = np.unique(ratings.item, return_index=True)[1]
    names = (people[name].iloc[first] for name in (item, variant))
    known = {pair: number for number, pair in enumerate(zip(*names, strict=True))}
    code = np.array([known.get(pair, -1) for pair in zip(table[item], table[variant], strict=True)], dtype=np.int64)
    values = _numbers(table[score], score, where, lines)
    for problem, rows in (("no person rated this item", code < 0), ("judge's score is missing", ~np.isfinite(values))):
        if rows.any():
            warnings.append(warned(score, problem + ": set aside", lines[rows]))
    good = (code >= 0) & np.isfinite(values)
    by = table[rater].to_numpy()
    found = {}
    for name in pd.unique(by):
        mine = good & (by == name)
        found[str(name)] = (code[mine], values[mine], lines[mine])
    return found


def _item_error(ratings: Ratings, parts: Components) -> float:
    """Return the standard error of the item component of a nearly balanced table: two mean squares."""
    size = np.bincount(ratings.item, minlength=ratings.items)
    spare, k = ratings.rows - ratings.items, float(size.mean())
    if spare <= 0:
        return 0.0
    within = parts.noise or 0.0
    between = within + k * (parts.item or 0.0)
    # items of one variant on one prompt are alike: what is independent is counted
    cells = len(counted(ratings.prompt * len(ratings.variants) + ratings.variant)[0])
    freedom = max(cells - len(ratings.variants), 1)
    return float(np.sqrt(2 * between**2 / freedom + 2 * within**2 / spare)) / k


def _confusion(ratings: Ratings, item: Codes, score: Floats) -> dict[str, Any]:
    """Cross every rating with the judge's score of its item, rounded to the people's scale."""
    values = np.unique(ratings.score)
    if len(values) > MOST_LEVELS:
        return {"values": None, "counts": None, "reason": f"{len(values)} different scores"}
    calls = np.bincount(item, minlength=ratings.items)
    mean = np.bincount(item, score, minlength=ratings.items) / np.maximum(calls, 1)
    edges = (values[1:] + values[:-1]) / 2
    keep = calls[ratings.item] > 0
    said = np.searchsorted(edges, mean[ratings.item[keep]])
    held = np.searchsorted(values, ratings.score[keep])
    counts = np.bincount(held * len(values) + said, minlength=len(values) ** 2).reshape(len(values), -1)
    made: dict[str, Any] = {"values": values.tolist(), "counts": counts.tolist()}
    if len(values) == 2:
        of = ratings.variant[keep]
        yes, size = np.bincount(of, said), np.bincount(of)
        made["rates"] = {ratings.variants[code]: float(yes[code] / size[code]) for code in np.flatnonzero(size)}
    return made


def _spent(table: pd.DataFrame, name: str, by_judge: np.ndarray, where: str, lines: Lines) -> dict[str, Spent]:
    if name not in table.columns:
        return {}
    values = _numbers(table[name], name, where, lines)
    if (values < 0).any():
        at = int((values < 0).argmax())
        raise InputError(
            where, name, f"{lines.name(at)} holds {values[at]:g}, below 0", "give what it took, or nothing"
        )
    if (values > MAX_SCORE).any():
        at = int((values > MAX_SCORE).argmax())
        raise InputError(where, name, f"{lines.name(at)} holds {values[at]:g}", f"give at most {MAX_SCORE:g}")
    found = {}
    for kind, of in (("human", ~by_judge), ("judge", by_judge)):
        mine = values[of & np.isfinite(values)]
        if len(mine):
            logs = np.log(mine[mine > 0])
            ends = np.quantile(mine, [0.5, 0.05, 0.95])
            spread = (float(logs.mean()), float(logs.std(ddof=1))) if len(logs) > 1 else (None, None)
            found[kind] = Spent(len(mine), float(mine.sum()), float(mine.mean()), *map(float, ends), *spread)
    return found
