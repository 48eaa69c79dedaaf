"""Results of promptfoo, of every version: a row for each graded assertion."""

from __future__ import annotations

import json
from typing import Any

from expsim_panel.errors import InputError, shown
from expsim_panel.rating_json import Failed, kind_of, list_of, object_of

RESULT = {"provider", "prompt", "score", "namedScores"}  # what a result of any version has
CALL_FAILED = 2  # failureReason: 0 none, 1 an assertion, 2 an error


def results_of(whole: dict[str, Any]) -> Any:
    """Return the results of promptfoo's file; since version 2 in an object of their own, before at the top."""
    results = whole.get("results")
    return results.get("results") if isinstance(results, dict) else results


def promptfoo_rows(results: list[Any], where: str, failed: list[Failed]) -> list[dict[str, Any]]:
    """One row for each graded assertion; the provider (and prompt, if several) is the variant."""
    rows = []
    checked = []
    for number, entry in enumerate(results, 1):
        result = object_of(entry if entry is not None else "null", f"result {number}", where)
        for key in ("promptIdx", "testIdx"):
            if isinstance(result.get(key), (dict, list)):
                raise InputError(where, key, f"result {number} holds {shown(result[key])}", "export the log again")
        checked.append(result)
    seen: dict[tuple[str, str], int] = {}
    broken: list[int] = []
    for number, (result, variant) in enumerate(zip(checked, _variants(checked), strict=True), 1):
        test = _test(result)
        place = (test, variant)
        seen[place] = seen.get(place, 0) + 1
        item = f"{test}#{seen[place]}"
        grading = object_of(result.get("gradingResult"), f"gradingResult of result {number}", where)
        # an assertion that says no is an `error` too, with its grading: no call failed
        if result.get("failureReason") == CALL_FAILED or (result.get("error") and not grading):
            broken.append(number)
            continue
        row = {"item": item, "prompt": test, "variant": variant, "cost": result.get("cost")}
        if isinstance(result.get("latencyMs"), (int, float)):
            row["seconds"] = result["latencyMs"] / 1000
        names: dict[str, int] = {}
        parts = list_of(grading.get("componentResults"), f"componentResults of result {number}", where)
        for at, entry in enumerate(parts or [result | {"assertion": {"type": "score"}}], 1):
            part = object_of(entry, f"component {at} of result {number}", where)
            assertion = object_of(part.get("assertion"), f"assertion {at} of result {number}", where)
            name = str(assertion.get("metric") or assertion.get("type") or "score")
            names[name] = names.get(name, 0) + 1
            name = name if names[name] == 1 else f"{name} {names[name]}"
            kind = kind_of(str(assertion.get("type") or name))
            score = part.get("score")
            rows.append(row | {"rater": name, "kind": kind, "score": int(score) if isinstance(score, bool) else score})
    if not rows:
        problem = f"all {len(broken)} results are failed calls" if broken else "this promptfoo file holds no results"
        raise InputError(where, "", problem, "export a finished evaluation as JSON")
    if broken:
        failed.append(Failed("results", f"calls failed in {where}: left out", broken))
    return rows


def _variants(results: list[dict[str, Any]]) -> list[str]:
    """Return the variant of each result: its provider, with the prompt's label where a provider answers several.

    A variant is one pair of provider and prompt, whatever they are called: long prompts that begin alike, or one
    provider twice with other settings, are told apart by the number of their column in promptfoo's table.
    """
    pairs = [(_provider(result), _prompt(result)) for result in results]
    first: dict[tuple[str, str], int] = {}
    for number, pair in enumerate(pairs):
        first.setdefault(pair, number)
    providers = [provider for provider, _ in first]
    named: dict[tuple[str, str], str] = {}
    for column, (pair, number) in enumerate(first.items(), 1):
        name = pair[0]
        prompt, index = results[number].get("prompt"), results[number].get("promptIdx")
        if providers.count(name) > 1:
            label = (prompt.get("label") or prompt.get("display")) if isinstance(prompt, dict) else prompt
            name = f"{name} | {' '.join(str(label or f'prompt {index}').split())}"[:120]
        if name in named.values():
            name = f"{name} (column {index + 1 if isinstance(index, int) else column})"
        named[pair] = name
    return [named[pair] for pair in pairs]


def _test(result: dict[str, Any]) -> str:
    """Return the test case of a result; before version 3 it has no number and is known by its variables."""
    index = result.get("testIdx")
    return str(index) if index is not None else json.dumps(result.get("vars"), sort_keys=True)


def _prompt(result: dict[str, Any]) -> str:
    """Return the prompt of a result, by its number or, before version 3, its template."""
    index, prompt = result.get("promptIdx"), result.get("prompt")
    if index is not None:
        return str(index)
    return str((prompt.get("label") or prompt.get("display")) if isinstance(prompt, dict) else None)


def _provider(result: dict[str, Any]) -> str:
    provider = result.get("provider")
    if isinstance(provider, dict):
        return str(provider.get("label") or provider.get("id") or "provider")
    return str(provider or "provider")
