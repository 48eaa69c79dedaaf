"""Reading columns of a CSV file strictly: every defect is one line that names the place and the value."""

from __future__ import annotations

import csv
import io
import itertools
import re
import warnings
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from expsim_panel.errors import InputError, did_you_mean, shown

MAX_COLUMNS = 2000  # wider tables hold something else, and take pandas minutes
MARKS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}
THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?")
NOTHING = ("n/a", "na", "none", "null", "nil", "missing", "-", "--", "?")
DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")
LOOKED_AT = 1000  # lines in which a decimal comma is looked for
MISSING = "write the score, or delete the row if it is missing"
MAX_SCORE = 1e9  # sums of squares stay exact enough far beyond any rating scale


@dataclass(frozen=True)
class Places:
    """How the rows of one or more files, read as one table, are named.

    Attributes
    ----------
    files : tuple of str
    starts : tuple of int
        Index of the first row of each, ascending from 0.
    numbered : tuple of bool
        Whether row `k` of it stands in its line `k + 2`, see `frame`; else rows are counted.
    """

    files: tuple[str, ...]
    starts: tuple[int, ...]
    numbered: tuple[bool, ...]

    def number(self, row: int) -> int:
        """Return the line of a row in its file, or its number where rows are counted."""
        at = bisect_right(self.starts, row) - 1
        return row - self.starts[at] + (2 if self.numbered[at] else 1)

    def name(self, row: int) -> str:
        """Name a row as a person finds it; the first file is the one that a message is about."""
        at = bisect_right(self.starts, row) - 1
        own = place_of(row - self.starts[at], self.numbered[at])
        return own if at == 0 else f"{own} of {self.files[at]}"


@dataclass(frozen=True)
class Lines:
    """Some rows of a table, and how they are named."""

    rows: npt.NDArray[np.int64]
    places: Places

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, which: Any) -> Lines:
        return Lines(self.rows[which], self.places)

    def name(self, at: int) -> str:
        """Name one of them."""
        return self.places.name(int(self.rows[at]))


def header(data: bytes, where: str) -> list[str]:
    """Return the column names after refusing what is no text table at all."""
    if not data.strip():
        raise InputError(where, "", "the file is empty", "give a CSV file with a header and rows")
    if data[:4] in (b"PK\x03\x04", b"\xd0\xcf\x11\xe0"):
        raise InputError(where, "", "this is a workbook or an archive", "save the sheet as CSV UTF-8")
    if data[:2] == b"\x1f\x8b":
        raise InputError(where, "", "this file is compressed (gzip)", "unpack it, and give the file inside")
    if b"\0" in data:
        raise InputError(where, "", "this is binary data, or text in UTF-16", "give a CSV file in UTF-8")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(where, "", f"line {line} is not UTF-8 text", "save the table as CSV UTF-8") from None
    if "\r" in text and "\n" not in text:
        raise InputError(where, "", "lines end with carriage returns alone", "save the table as CSV UTF-8")
    start = text.lstrip("\r\n")
    try:
        names = next(csv.reader([start.split("\n", 1)[0].rstrip("\r")], strict=True))
    except (csv.Error, StopIteration):
        raise InputError(where, "", "the header line cannot be read", "give column names in line 1") from None
    _check_mark(text, names, where)
    if len(names) > MAX_COLUMNS:
        problem = f"{len(names):,} columns are above the limit of {MAX_COLUMNS:,}"
        raise InputError(where, "", problem, "keep the four needed columns")
    if '"' in text:
        _check_quotes(text, where)
    return [name.strip() for name in names]


def _check_mark(text: str, names: list[str], where: str) -> None:
    """Refuse cells that something else than commas separates, as where numbers have decimal commas."""
    mark = next((one for one in MARKS if one in names[0]), None) if len(names) == 1 else None
    if mark is None:
        return
    problem = f"cells are separated by {MARKS[mark]}, not by commas"
    for number, line in enumerate(itertools.islice(io.StringIO(text), LOOKED_AT), start=1):
        found = next((cell for cell in line.split(mark) if DECIMAL_COMMA.fullmatch(cell.strip().strip('"'))), None)
        if found is not None:
            problem += f", and numbers have decimal commas ({shown(found.strip())} in line {number})"
            remedy = "save it as CSV with commas between cells and points in numbers"
            raise InputError(where, "", problem, remedy)
    raise InputError(where, "", problem, "save it as CSV with commas")


def _check_quotes(text: str, where: str) -> None:
    """Refuse stray quotes: pandas reads on after them and swallows the rows up to the next one."""
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for _ in lines:
            pass
    except csv.Error as error:
        problem = f"malformed CSV: {error} in line {lines.line_num}"
        raise InputError(where, "", problem, "close every quote, and double those inside a text") from None


def check_columns(wanted: dict[str, str], header: list[str], where: str) -> None:
    """Refuse flags that name no column, an ambiguous one, or the same one twice."""
    for flag, column in wanted.items():
        if column not in header:
            alike = next((name for name in header if " " in name and _joined(name) == _joined(column)), None)
            remedy = did_you_mean(column, header) if alike is None else f'write {flag} "{alike}"'
            raise InputError(where, flag, f"there is no column {shown(column)}", remedy)
        if header.count(column) > 1:
            raise InputError(where, flag, f"column {shown(column)} occurs twice", "rename one of them")
    seen: dict[str, str] = {}
    for flag, column in wanted.items():
        if column in seen:
            raise InputError(where, flag, f"column {shown(column)} is also {seen[column]}", "give different columns")
        seen[column] = flag


def _joined(name: str) -> str:
    """Return a name without what people put between its words."""
    return re.sub(r"[\s_-]+", "", name).lower()


def frame(data: bytes, where: str, columns: list[str], coded: bool = False) -> tuple[pd.DataFrame, bool]:
    """Return the wanted columns as text, and whether row `k` stands in line `k + 2` of the file.

    `coded`: as categories of text. A million ratings have few different cells, and each is then read once.
    """
    lines = data.count(b"\n") + (not data.endswith(b"\n"))
    options: dict[str, Any] = {
        "dtype": object if coded else str,
        "keep_default_na": False,
        "na_filter": False,
        "skip_blank_lines": False,
        "index_col": False,
        "encoding": "utf-8-sig",
        "engine": "c",
    }
    try:
        with warnings.catch_warnings():
            # pandas only warns when every row is longer than the header, and would drop the surplus
            warnings.simplefilter("error")
            # all columns, although few are wanted: `usecols` would let rows of any length pass
            table = pd.read_csv(io.BytesIO(data.lstrip(b"\r\n")), **options)
    except (pd.errors.ParserError, pd.errors.ParserWarning, ValueError) as error:
        text = " ".join(str(error).split()).removeprefix("Error tokenizing data. C error: ")
        text = "rows have more fields than the header" if isinstance(error, Warning) else text
        raise InputError(where, "", f"malformed CSV: {text}", "give every line as many fields") from None
    table.columns = pd.Index([str(name).strip() for name in table.columns])
    table = table.loc[:, ~table.columns.duplicated()]
    numbered = len(table) + 1 == lines and not data.startswith((b"\r", b"\n"))
    table = table[columns]
    if coded:
        table = pd.DataFrame({name: _coded(table[name]) for name in table.columns}, index=table.index)
    blank = np.logical_and.reduce([(table[name] == "").to_numpy() for name in table.columns])
    table = table[~blank] if blank.any() else table
    if not len(table):
        raise InputError(where, "", "there is a header but no rows", "give rows below the header")
    return table, numbered


def _coded(column: pd.Series[str]) -> pd.Categorical:
    """Return text as categories in order of first appearance; `read_csv` itself would make numbers of them."""
    codes, texts = pd.factorize(column.to_numpy())
    return pd.Categorical.from_codes(codes, categories=pd.Index(texts, dtype="str"), validate=False)


def place_of(frame_index: Any, numbered: bool | Places) -> str:
    """Name a row as a person finds it: by line, or by row when quoted line breaks shift the lines."""
    if isinstance(numbered, Places):
        return numbered.name(int(frame_index))
    return f"line {int(frame_index) + 2}" if numbered else f"data row {int(frame_index) + 1}"


def refuse_blank(column: pd.Series[str], name: str, where: str, numbered: bool | Places) -> None:
    """Refuse a column with an empty cell."""
    blank = (column == "").to_numpy()
    if blank.any():
        place = place_of(column.index[int(blank.argmax())], numbered)
        problem = f"{place} has no value{others(int(blank.sum()))}"
        raise InputError(where, name, problem, "complete the row or delete it")


def others(count: int) -> str:
    """Say that `count` rows, of which the first is named, have the same defect."""
    return f", and {count - 1:,} more" if count > 1 else ""


def floats(column: pd.Series[str]) -> npt.NDArray[np.float64]:
    """Return text as floats, nan for what is no number; of categories, each text is read once."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        texts = pd.Series(column.cat.categories)
        return np.asarray(floats(texts)[column.cat.codes.to_numpy()])
    return np.asarray(pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan))


def among(column: pd.Series[str], words: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Return which cells hold one of some lower-case words, whatever their case and the spaces around them."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        texts = pd.Series(column.cat.categories)
        return np.asarray(among(texts, words)[column.cat.codes.to_numpy()])
    return np.asarray(column.str.strip().str.lower().isin(words).to_numpy(dtype=bool))


def beginning(column: pd.Series[str], marks: tuple[str, ...]) -> npt.NDArray[np.bool_]:
    """Return which cells begin with one of some marks."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return np.asarray(beginning(pd.Series(column.cat.categories), marks)[column.cat.codes.to_numpy()])
    return np.array([text.startswith(marks) for text in column.tolist()], dtype=bool)


def plainly(text: str, otherwise: str, missing: str = MISSING) -> str:
    """Return what to write in the place of a text that is no number."""
    said = text.strip()
    if re.fullmatch(r"[+-]?\d{1,3},\d{3}", said):  # of both, the wrong one is a thousand times the right one
        return f"write {said.replace(',', '')} if the comma parts thousands, {said.replace(',', '.')} if decimals"
    if THOUSANDS.fullmatch(said):
        return "leave out the commas between thousands"
    if DECIMAL_COMMA.fullmatch(said):
        return "write a point for the decimal comma"
    if said.endswith("%"):
        return "leave out the per cent sign"
    return missing if said.lower() in NOTHING else otherwise


def numbers(column: pd.Series[str], name: str, where: str, numbered: bool | Places) -> npt.NDArray[np.float64]:
    """Return the column as finite floats."""
    values = floats(column)
    bad = ~(np.abs(values) <= MAX_SCORE)
    if bad.any():
        row = int(bad.argmax())
        text, place = str(column.iloc[row]), place_of(column.index[row], numbered)
        plain = "give plain numbers, 0 and 1 for no and yes"
        problem = f"{place} holds {shown(text)}, not a number"
        if text.strip().lower().lstrip("+-") in ("nan", "inf", "infinity") or not np.isnan(values[row]):
            problem = f"{place} holds {shown(text)}, not a finite number of ordinary size"
            plain = MISSING if np.isnan(values[row]) or np.isinf(values[row]) else f"give at most {MAX_SCORE:g}"
        problem += others(int(bad.sum()))
        raise InputError(where, name, problem, plainly(text, plain))
    if values.min() == values.max():
        raise InputError(where, name, f"every score is {values[0]:g}", "give ratings that differ")
    return values
