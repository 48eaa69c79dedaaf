"""Reading ratings: what is accepted, and one line for everything else."""

import time

import numpy as np
import pytest

from expsim_panel.errors import InputError
from expsim_panel.ratings import MAX_VARIANTS, parse_ratings, read_ratings

HEAD = b"item,rater,score,variant\n"
GOOD = HEAD + b"p1,ann,1,A\np1,bob,2,A\np1,ann,3,B\np2,bob,4,B\n"


def test_a_variant_column_keeps_the_item_id_as_the_prompt():
    ratings = parse_ratings(GOOD, "good.csv")
    assert ratings.prompts == ("p1", "p2")
    assert ratings.variants == ("A", "B")
    assert ratings.raters == ("ann", "bob")
    assert ratings.items == 3  # p1 under A, p1 under B, p2 under B
    np.testing.assert_array_equal(ratings.item, [0, 0, 1, 2])
    np.testing.assert_array_equal(ratings.prompt, [0, 0, 0, 1])
    np.testing.assert_array_equal(ratings.score, [1.0, 2.0, 3.0, 4.0])
    assert ratings.rows == 4


def test_a_pattern_takes_the_variant_out_of_the_item_id(tmp_path):
    path = tmp_path / "ids.csv"
    path.write_bytes(b"id,who,points\ndoc-1_M1,a,1\ndoc-1_M2,a,2\ndoc-2_M2,a,5\n")
    ratings = read_ratings(path, item="id", rater="who", score="points", variant=r"_(M\d+)$")
    assert ratings.prompts == ("doc-1", "doc-2")
    assert ratings.variants == ("M1", "M2")
    assert ratings.source == "ids.csv"
    assert len(ratings.sha256) == 64


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbf" + GOOD,
        GOOD.replace(b"\n", b"\r\n"),
        GOOD + b"\n\n",
        GOOD.replace(b"item,rater,score,variant", b'"item",rater,score,variant'),
        GOOD.replace(b"\n", b",x\n").replace(b"variant,x", b"variant,comment"),
    ],
    ids=["byte-order-mark", "windows-lines", "blank-lines-at-the-end", "quotes", "more-columns"],
)
def test_harmless_differences_do_not_matter(data):
    ratings = parse_ratings(data, "same.csv")
    np.testing.assert_array_equal(ratings.score, [1.0, 2.0, 3.0, 4.0])
    assert ratings.variants == ("A", "B")


MANY = HEAD + b"".join(b"p%d,ann,%d,v%d\n" % (k, k % 2, k) for k in range(MAX_VARIANTS + 1))
BAD = {
    "empty": (b"", {}, "is empty"),
    "blank": (b"\n \n", {}, "is empty"),
    "header-only": (HEAD, {}, "no rows"),
    "header-and-blank-lines": (HEAD + b"\n\n", {}, "no rows"),
    "workbook": (b"PK\x03\x04rubbish", {}, "workbook"),
    "binary": (bytes(range(256)), {}, "binary"),
    "utf-16": ("item,rater".encode("utf-16"), {}, "UTF-16"),
    "latin-1": (GOOD + b"caf\xe9,ann,1,A\n", {}, "line 6 is not UTF-8"),
    "a-longer-row": (GOOD + b"p3,ann,1,A,surplus\n", {}, "malformed"),
    "all-rows-longer": (HEAD + b"p,a,1,A,x\nq,a,2,B,x\n", {}, "more fields than the header"),
    "a-shorter-row": (GOOD + b"p3,ann\n", {}, "[score]: line 6 has no value"),
    "open-quote": (GOOD + b'"p3,ann,1,A\n', {}, "malformed"),
    "semicolons": (GOOD.replace(b",", b";"), {}, "separated by semicolons, not by commas; save it as CSV with commas"),
    "decimal commas": (
        b"\nitem;variant;rater;score\np1;A;ann;4\np1;A;bob;3,5\n",
        {},
        "numbers have decimal commas ('3,5' in line 4); save it as CSV with commas between cells and points in numbers",
    ),
    "quoted decimal comma": (GOOD + b'p3,ann,"3,5",A\n', {}, "write a point for the decimal comma"),
    "missing-column": (GOOD, {"score": "scores"}, "did you mean 'score'?"),
    "twice-in-header": (b"item,rater,score,score,variant\np,a,1,1,A\n", {}, "occurs twice"),
    "one-column-two-roles": (GOOD, {"item": "score"}, "is also --item"),
    "text-score": (GOOD + b"p3,ann,good,A\n", {}, "[score]: line 6 holds 'good'"),
    "text-score-after-a-line-break": (HEAD + b'"p\n1",a,1,A\np2,a,x,B\n', {}, "data row 2 holds 'x'"),
    "nan": (GOOD + b"p3,ann,NaN,A\n", {}, "line 6 holds 'NaN', not a finite"),
    "infinity": (GOOD + b"p3,ann,-inf,A\n", {}, "line 6 holds '-inf', not a finite"),
    "huge": (GOOD + b"p3,ann,1e300,A\n", {}, "not a finite number of ordinary size"),
    "no-score": (GOOD + b"p3,ann,,A\n", {}, "line 6 has no value"),
    "no-rater": (GOOD + b"p3,,1,A\n", {}, "[rater]: line 6"),
    "constant": (HEAD + b"p,a,3,A\np,a,3,B\n", {}, "every score is 3"),
    "same-rating-twice": (GOOD + b"p1,ann,5,A\n", {}, "rater 'ann' scores item 'p1' of variant 'A' twice"),
    "many-variants": (MANY, {}, "above the limit"),
    "raters-are-row-numbers": (HEAD + b"p,r1,3,A\np,r2,4,B\n", {}, "no rater in 'rater' rates twice"),
    "no-such-column-or-pattern": (GOOD, {"variant": "variants"}, "did you mean 'variant'?"),
    "invalid-pattern": (GOOD, {"variant": "_(M"}, "no valid pattern"),
    "pattern-without-group": (GOOD, {"variant": r"\d+$"}, "0 groups"),
    "pattern-with-two-groups": (GOOD, {"variant": r"(p)(\d)"}, "2 groups"),
    "pattern-with-an-unknown-escape": (GOOD, {"variant": r"\q(b)"}, "no valid pattern"),
    "pattern-nested-too-deep": (GOOD, {"variant": "(?:" * 80 + "(b)" + ")*" * 80}, "matches no item"),
    "pattern-too-long": (GOOD, {"variant": "p" * 500 + "(b)"}, "a pattern of 503 characters"),
    "pattern-matches-nothing": (GOOD, {"variant": "_(M)"}, "matches no item"),
    "pattern-matches-some": (GOOD, {"variant": "p(1)"}, "only 1 of 2 items, and not 'p2'"),
    "pattern-takes-all": (GOOD, {"variant": "^(.*)$"}, "leaves no prompt"),
    "text-after-a-quote": (GOOD + b'"p3,ann,1,A\n"p4,ann,2,B\n', {}, "malformed CSV: ',' expected after '\"'"),
    "open-quote-in-the-header": (b'"' + GOOD, {}, "the header line cannot be read"),
    "many-columns": (HEAD.strip() + b",x" * 20_000 + b"\n", {}, "20,004 columns"),
    "too-large": (GOOD, {"max_bytes": 10}, "above the limit"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_tables_give_one_line(name):
    data, flags, words = BAD[name]
    with pytest.raises(InputError) as caught:
        parse_ratings(data, "table.csv", **flags)
    line = str(caught.value)
    assert words in line
    assert "\n" not in line
    assert line.startswith("table.csv")
    assert "; " in line  # a remedy follows


@pytest.mark.parametrize("path", ["nowhere.csv", "folder", "a\0b", "x" * 5000])
def test_bad_paths_give_one_line(tmp_path, path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError) as caught:
        read_ratings(f"{tmp_path}/{path}")
    assert "\n" not in str(caught.value)


def test_a_large_file_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "large.csv"
    with path.open("wb") as file:
        file.truncate(300 * 2**20)  # sparse: takes no space
    with pytest.raises(InputError, match=r"300\.0 MiB is above the limit of 256 MiB"):
        read_ratings(path)


@pytest.mark.parametrize("pattern", ["((?:a+)+)$", "((?:a|aa)+)$", "(?:(?:a{1,99}){1,99}){1,99}(b)"])
def test_a_pattern_that_explodes_is_given_up(monkeypatch, pattern):
    monkeypatch.setattr("expsim_panel.ratings.PATIENCE", 0.2)
    started = time.monotonic()
    with pytest.raises(InputError, match=r"--variant.*takes too long, for example on 'aaa") as caught:
        parse_ratings(HEAD + b"a" * 5000 + b"!,ann,1,A\nb,ann,2,B\n", "t.csv", variant=pattern)
    assert "\n" not in str(caught.value)
    assert time.monotonic() - started < 5


def test_all_items_share_the_time_of_a_pattern(monkeypatch):
    """Each id takes some 20 ms, a tenth of the time allowed; all of them together take far too long."""
    monkeypatch.setattr("expsim_panel.ratings.PATIENCE", 0.2)
    table = HEAD + b"".join(b"%d%s!,ann,%d,A\n" % (k, b"a" * 22, k % 2) for k in range(300))
    started = time.monotonic()
    with pytest.raises(InputError, match="takes too long"):
        parse_ratings(table, "t.csv", variant="((?:a|aa)+)$")
    assert time.monotonic() - started < 5
