"""Samples and calls that failed are no ratings: left out, counted and named."""

from __future__ import annotations

import json

import pytest

from expsim_panel.errors import InputError
from expsim_panel.rating_faults import faults
from expsim_panel.rating_table import parse_table


def inspect(model: str, failing: tuple[int, ...]) -> tuple[bytes, str]:
    samples = [
        {"id": k, "epoch": 1, "scores": None, "error": {"message": "boom"}}
        if k in failing
        else {"id": k, "epoch": 1, "scores": {f"human-{r}": {"value": (k + r) % 3} for r in range(2)}}
        for k in range(12)
    ]
    return json.dumps({"eval": {"model": model}, "plan": {}, "samples": samples}).encode(), f"{model}.json"


def result(test: int, provider: str, **more: object) -> dict[str, object]:
    parts = [{"score": (test + r) % 3, "assertion": {"type": "human", "metric": f"human-{r}"}} for r in range(2)]
    base = {"testIdx": test, "promptIdx": 0, "provider": provider, "gradingResult": {"componentResults": parts}}
    return base | more


def promptfoo(*results: dict[str, object]) -> tuple[bytes, str]:
    return json.dumps({"results": {"results": list(results)}}).encode(), "out.json"


def test_failed_samples_of_inspect_are_counted_by_log():
    ratings, beside = parse_table([inspect("a", (3, 4)), inspect("b", (7,))])
    assert ratings.rows == 2 * (10 + 11)
    first, second = beside.warnings
    assert (first.column, first.count, first.lines) == ("samples", 2, (4, 5))
    assert first.problem == "failed in a.json, without scores: left out"
    assert (second.count, second.lines) == (1, (8,))
    assert parse_table([inspect("a", ()), inspect("b", ())])[1].warnings == ()


def test_failed_calls_of_promptfoo_are_no_ratings_of_zero():
    results = [result(t, p) for t in range(10) for p in "ab"]
    for number in (0, 5):
        results[number] |= {"error": "429", "score": 0, "gradingResult": None}
    results[7] |= {"failureReason": 2, "error": "timeout"}
    ratings, beside = parse_table([promptfoo(*results)])
    assert set(ratings.raters) == {"human-0", "human-1"}
    assert ratings.rows == 2 * 17
    (doubt,) = beside.warnings
    assert (doubt.column, doubt.count, doubt.lines) == ("results", 3, (1, 6, 8))
    assert faults([promptfoo(*results)]) == ()


def test_an_assertion_that_says_no_is_a_rating_although_promptfoo_calls_it_an_error():
    results = [result(t, p, error="Expected output to be good", failureReason=1) for t in range(10) for p in "ab"]
    ratings, beside = parse_table([promptfoo(*results)])
    assert (ratings.rows, beside.warnings) == (40, ())


def test_a_repeat_keeps_its_number_where_one_before_it_failed():
    """Otherwise repeats of two variants would be paired by chance; they are items of one prompt."""
    results = [result(t, p) for _ in range(2) for t in range(10) for p in "ab"]
    results[0] |= {"error": "429", "gradingResult": None}
    ratings, _ = parse_table([promptfoo(*results)])
    assert (len(ratings.prompts), ratings.items) == (10, 39)


def test_nothing_but_failed_calls_is_one_line():
    with pytest.raises(InputError, match="all 3 results are failed calls"):
        parse_table([promptfoo(*[result(t, "a", error="429", gradingResult=None) for t in range(3)])])
