"""A table of real ratings, read strictly: integer-coded arrays or one line that says what is wrong.

A row is one score that one rater gave to one output. Outputs of several variants (systems, prompts,
models) may answer the same prompt; the variant is a column of its own or a part of the item id.
"""

from __future__ import annotations

import hashlib
import re
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import regex

from expsim_panel.errors import InputError, did_you_mean, shown
from expsim_panel.rating_cells import tidied
from expsim_panel.rating_columns import meanings, unfolded
from expsim_panel.rating_prompts import PROMPT, check_prompts, pairs_variants, prompt_column
from expsim_panel.ratings_csv import Places, check_columns, numbers, others, place_of, refuse_blank
from expsim_panel.ratings_csv import frame as read_frame
from expsim_panel.ratings_csv import header as read_header

Codes = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

MAX_BYTES = 256 * 2**20  # an upload of 200 MB passes; the table is held in memory about five times over
MAX_PATTERN = 500  # characters of a pattern
PATIENCE = 5.0  # seconds for all searches of a pattern; an ordinary one takes 3 microseconds an item
PATIENCE_PER_ITEM = 50e-6
MAX_VARIANTS = 200  # more means that the pattern caught the item, not the variant


@dataclass(frozen=True)
class Ratings:
    """Ratings as codes; row `k` says that rater `rater[k]` gave item `item[k]` the score `score[k]`.

    Attributes
    ----------
    prompt, item, variant, rater : int64 arrays, shape (rows,)
        Codes from 0 in order of first appearance. An *item* is one output: one prompt under one variant, or one of
        several there (epochs of an evaluation). Prompts are what is independent: contrasts and errors go by them.
    score : float64 array, shape (rows,)
        Finite scores on the file's own scale.
    prompts, variants, raters : tuple of str
        Names behind the codes (an item has no name of its own).
    items : int
        Number of items.
    source : str
        File name without folders.
    sha256 : str
        Digest of the file's bytes.
    """

    prompt: Codes
    item: Codes
    variant: Codes
    rater: Codes
    score: Floats
    prompts: tuple[str, ...]
    variants: tuple[str, ...]
    raters: tuple[str, ...]
    items: int
    source: str
    sha256: str

    @property
    def rows(self) -> int:
        """Number of ratings."""
        return len(self.score)


def read_ratings(
    path: str | Path,
    item: str = "item",
    rater: str = "rater",
    score: str = "score",
    variant: str = "variant",
    max_bytes: int = MAX_BYTES,
    prompt: str | None = None,
) -> Ratings:
    """Read a CSV file of ratings.

    Parameters
    ----------
    path : str or Path
        A comma-separated UTF-8 file with a header line.
    item, rater, score : str
        Names of columns; `score` may name several with commas between them, one for each rater.
    variant : str
        Name of a column, or else a regular expression with one group, searched in the item id: the group
        is the variant and the rest of the id, with the match removed, is the prompt.
    max_bytes : int
        Larger files are refused before they are read.
    prompt : str, optional
        Column of the prompt that an item answers, where several items of a variant answer one. By default the
        column `prompt`, if there is one that has two variants on a prompt; otherwise the item is the prompt.

    Raises
    ------
    InputError
        On anything that is not a complete, numeric, duplicate-free table of at least two variants.
    """
    return parse_ratings(read_bytes(path, max_bytes), Path(path).name, item, rater, score, variant, max_bytes, prompt)


def read_bytes(path: str | Path, max_bytes: int = MAX_BYTES) -> bytes:
    """Return the bytes of a file that is not too large, or one line that says why not."""
    path = Path(path)
    where = path.name or str(path)
    try:
        if path.is_dir():
            raise InputError(where, "", "this is a directory", "give a CSV file")
        if not path.is_file():
            raise InputError(where, "", "there is no such file", "give the path of a CSV file")
        size = path.stat().st_size
        if size > max_bytes:
            raise _too_large(where, size, max_bytes)
        return path.read_bytes()
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(where, "", f"cannot be read: {reason}", "give a readable CSV file") from None


def parse_ratings(
    data: bytes,
    name: str,
    item: str = "item",
    rater: str = "rater",
    score: str = "score",
    variant: str = "variant",
    max_bytes: int = MAX_BYTES,
    prompt: str | None = None,
) -> Ratings:
    """Read ratings from the bytes of an upload; `read_ratings` says the rest."""
    if len(data) > max_bytes:
        raise _too_large(name, len(data), max_bytes)
    header = read_header(data, name)
    table, numbered = read_frame(data, name, list(dict.fromkeys(header)), coded=True)
    wide = unfolded(table, header, name, rater, score, meanings(item, variant, prompt, None, ()))
    table, header = wide.table, wide.header
    table, _ = tidied(table, (item, rater, variant, prompt or PROMPT), (score,))
    digest = hashlib.sha256(data).hexdigest()
    return ratings_of(table, numbered, header, name, digest, item, rater, score, variant, prompt)


def ratings_of(
    table: pd.DataFrame,
    numbered: bool | Places,
    header: list[str],
    name: str,
    sha256: str,
    item: str = "item",
    rater: str = "rater",
    score: str = "score",
    variant: str = "variant",
    prompt: str | None = None,
) -> Ratings:
    """Return the ratings in a table of text, whose index counts its rows; `read_ratings` says the rest.

    Parameters
    ----------
    numbered : bool or Places
        Whether row `k` stands in line `k + 2` of the file, see `ratings_csv.frame`; or how rows are named.
    header : list of str
        Names of the file's columns, repeated ones as often as they occur.
    """
    wanted = {"--item": item, "--rater": rater, "--score": score}
    check_columns(wanted, header, name)
    pattern = None if variant in header else _pattern(variant, header, name)
    if pattern is None:
        wanted["--variant"] = variant
        check_columns(wanted, header, name)
    frame = table[list(wanted.values())]
    for column in wanted.values():
        refuse_blank(frame[column], column, name, numbered)
    scores = numbers(frame[score], score, name, numbered)
    raters, rater_names = pd.factorize(frame[rater])
    ids, id_names = pd.factorize(frame[item])
    if pattern is None:
        variants, kinds = pd.factorize(frame[variant])
        prompts, stems = ids, id_names
        items = pd.factorize(ids.astype(np.int64) * len(kinds) + variants)[0]
    else:
        rests, groups = _split([str(text) for text in id_names], pattern, variant, name)
        variant_of, kinds = pd.factorize(pd.Series(groups))
        prompt_of, stems = pd.factorize(pd.Series(rests))
        variants, prompts, items = variant_of[ids], prompt_of[ids], ids
    asked = prompt_column(prompt, item, header, name, wanted)
    if asked is not None:
        refuse_blank(table[asked], asked, name, numbered)
        told, names = pd.factorize(table[asked])
        if prompt is not None or pairs_variants(told, variants):
            check_prompts(told, items, table[[item, asked]], name, numbered)
            prompts, stems = told, names
    ratings = Ratings(
        prompt=prompts.astype(np.int64),
        item=items.astype(np.int64),
        variant=variants.astype(np.int64),
        rater=raters.astype(np.int64),
        score=scores,
        prompts=tuple(str(text) for text in stems),
        variants=tuple(str(text) for text in kinds),
        raters=tuple(str(text) for text in rater_names),
        items=int(items.max()) + 1,
        source=name,
        sha256=sha256,
    )
    _check_design(ratings, rater, variant)
    _check_once(ratings, frame, item, numbered)
    return ratings


def _too_large(where: str, size: int, limit: int) -> InputError:
    return InputError(
        where,
        "",
        f"{size / 2**20:,.1f} MiB is above the limit of {limit / 2**20:,.0f} MiB",
        "keep the four needed columns, or a random sample of items with all their ratings",
    )


def _pattern(variant: str, header: list[str], where: str) -> regex.Pattern[str]:
    """Compile a variant that is no column as a regular expression with one group."""
    if len(variant) > MAX_PATTERN:
        problem = f"a pattern of {len(variant):,} characters"
        raise InputError(where, "--variant", problem, f"give a column or a pattern of at most {MAX_PATTERN}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            # Unlike `re`, this one can be told to give up: some patterns need years for one item.
            pattern = regex.compile(variant)
    except (regex.error, ValueError, OverflowError, RecursionError, Warning) as error:
        raise InputError(
            where,
            "--variant",
            f"{shown(variant)} is no column and no valid pattern ({error})",
            "give a column or a pattern with one group such as '_(M[0-9]+)$'",
        ) from None
    if re.escape(variant) == variant:
        remedy = f"{did_you_mean(variant, header)}; items of one system need a column with its name in every row"
        raise InputError(where, "--variant", f"there is no column {shown(variant)}", remedy)
    if pattern.groups != 1:
        raise InputError(
            where,
            "--variant",
            f"{shown(variant)} is no column, and as a pattern it has {pattern.groups} groups instead of one",
            "give a pattern with one group such as '_(M[0-9]+)$', or a column: " + did_you_mean(variant, header),
        )
    return pattern


def _split(ids: list[str], pattern: regex.Pattern[str], text: str, where: str) -> tuple[list[str], list[str]]:
    """Return the prompt and the variant in each item id, within a bounded time."""
    stems, groups = [], []
    missed = ""
    end = time.monotonic() + PATIENCE + PATIENCE_PER_ITEM * len(ids)
    for name in ids:
        try:
            # A timeout of 0 or less would mean none.
            match = pattern.search(name, timeout=max(end - time.monotonic(), 1e-3))
        except TimeoutError:
            problem = f"pattern {shown(text)} takes too long, for example on {shown(name)}"
            remedy = "repeat nothing that is repeated already, and end with $"
            raise InputError(where, "--variant", problem, remedy) from None
        if match is None or not match.group(1):
            missed = missed or name
            continue
        stems.append(name[: match.start()] + name[match.end() :])
        groups.append(match.group(1))
    if len(groups) < len(ids):
        count = "no item" if not groups else f"only {len(groups):,} of {len(ids):,} items"
        raise InputError(
            where,
            "--variant",
            f"pattern {shown(text)} matches {count}, and not {shown(missed)}",
            "give a pattern that finds the variant in every item id",
        )
    if not any(stems):
        raise InputError(where, "--variant", f"pattern {shown(text)} leaves no prompt", "match only the variant's part")
    return stems, groups


def _check_design(ratings: Ratings, rater: str, variant: str) -> None:
    """Refuse tables that cannot be measured: too many variants, raters without a second rating."""
    where, count = ratings.source, len(ratings.variants)
    if count > MAX_VARIANTS:
        raise InputError(
            where,
            "--variant",
            f"{shown(variant)} finds {count:,} variants, above the limit of {MAX_VARIANTS}",
            "give what tells systems apart, not items",
        )
    if len(ratings.raters) == ratings.rows:
        raise InputError(
            where, "--rater", f"no rater in {shown(rater)} rates twice", "give the column that names people"
        )


def _check_once(ratings: Ratings, frame: pd.DataFrame, item: str, numbered: bool | Places) -> None:
    """Refuse a second score of a rater for an item."""
    key = pd.Series(ratings.item * len(ratings.raters) + ratings.rater)
    again = key.duplicated().to_numpy()
    if not again.any():
        return
    row = int(again.argmax())
    first = int((key == key.iloc[row]).to_numpy().argmax())
    who, kind = ratings.raters[ratings.rater[row]], ratings.variants[ratings.variant[row]]
    places = f"{place_of(frame.index[row], numbered)} repeats {place_of(frame.index[first], numbered)}"
    raise InputError(
        ratings.source,
        "",
        f"{places}: rater {shown(who)} scores item {shown(str(frame[item].iloc[row]))} of variant {shown(kind)} twice"
        + others(int(again.sum())),
        "keep one row for each item, variant and rater",
    )
