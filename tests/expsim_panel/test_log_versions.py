"""Shapes of logs that versions of promptfoo and Inspect have written: one evaluation, the same ratings."""

from __future__ import annotations

import json

import numpy as np
import pytest

from expsim_panel.rating_table import read_table

TESTS = 12


def result(test: int, prompt: int, model: str, numbered: bool) -> dict:
    score = (3 * test + prompt + len(model)) % 5 / 4
    graded = [{"score": score, "pass": True, "assertion": {"type": kind}} for kind in ("llm-rubric", "similar")]
    entry = {
        "provider": {"id": model},
        "prompt": {"raw": f"{prompt}: question {test}", ("label" if numbered else "display"): f"template {prompt}"},
        "vars": {"question": f"question {test}"},
        "score": score,
        "namedScores": {},
        "latencyMs": 500,
        "gradingResult": {"score": score, "componentResults": graded},
    }
    return entry | ({"testIdx": test, "promptIdx": prompt} if numbered else {})


def results(numbered: bool, prompts: int = 1) -> list[dict]:
    return [
        result(test, prompt, model, numbered)
        for test in range(TESTS)
        for prompt in range(prompts)
        for model in ("gpt", "claude")
    ]


def shape(name: str, prompts: int) -> str:
    if name == "current":
        return json.dumps({"evalId": "e", "results": {"version": 3, "results": results(True, prompts)}})
    if name == "lines":
        return "".join(json.dumps(entry) + "\n" for entry in results(True, prompts))
    if name == "one list":
        return json.dumps(results(True, prompts))
    if name == "version 2":
        return json.dumps({"results": {"version": 2, "results": results(False, prompts)}, "config": {}})
    return json.dumps({"version": 1, "results": results(False, prompts), "stats": {}})


@pytest.mark.parametrize("prompts", [1, 2, 3])
@pytest.mark.parametrize("name", ["lines", "one list", "version 2", "version 1"])
def test_every_version_of_promptfoo_gives_the_same_ratings(tmp_path, name, prompts):
    read = []
    for each in ("current", name):
        path = tmp_path / f"{each}.json"
        path.write_text(shape(each, prompts), encoding="utf-8")
        ratings, beside = read_table(path)
        assert beside.format == "promptfoo"
        read.append(ratings)
    want, found = read
    # before version 3 tests have no number: they are paired by their variables, not all one prompt
    assert len(found.prompts) == len(want.prompts) == TESTS
    assert len(found.variants) == len(want.variants) == 2 * prompts
    assert np.array_equal(found.score, want.score)
    assert np.array_equal(found.prompt, want.prompt)
    assert np.array_equal(found.variant, want.variant)
    assert np.array_equal(found.item, want.item)


def test_records_of_ratings_that_look_a_little_alike_stay_ratings(tmp_path):
    path = tmp_path / "ratings.jsonl"
    rows = [
        {"item": f"i{i}", "variant": v, "rater": r, "score": (i + r) % 5, "provider": "p", "prompt": f"i{i}"}
        for i in range(12) for v in "ab" for r in (1, 2)
    ]  # fmt: skip
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    ratings, beside = read_table(path)
    assert (beside.format, ratings.rows) == ("jsonl", 48)


def test_inspect_samples_of_the_first_version_hold_one_score(tmp_path):
    samples = [{"id": i, "epoch": 1, "score": {"value": "CI"[i % 2]}} for i in range(12)]
    path = tmp_path / "old.json"
    path.write_text(json.dumps({"version": 1, "eval": {"model": "gpt"}, "samples": samples}), encoding="utf-8")
    ratings, beside = read_table(path)
    assert beside.format == "inspect"
    assert list(ratings.raters) == ["score"]
    assert ratings.score.tolist() == [1.0, 0.0] * 6
