"""Several items of a variant on one prompt (epochs, repeats): prompts are what is independent, in every error."""

from __future__ import annotations

import io
import json

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2

from expsim_panel.__main__ import main
from expsim_panel.calibrate import calibrate
from expsim_panel.errors import InputError
from expsim_panel.judge_calibration import judge_facts
from expsim_panel.rating_faults import faults
from expsim_panel.rating_sources import as_csv
from expsim_panel.rating_table import parse_table, read_table
from expsim_panel.ratings import Ratings, parse_ratings

EPOCHS = 5


def epochs(prompts: int = 40, seed: int = 1, effect: float = 0.0) -> pd.DataFrame:
    """Two variants, each answering every prompt five times, two raters, a judge; the effect varies by prompt."""
    rng = np.random.default_rng(seed)
    own = rng.normal(0, 0.6, (prompts, 2)) + rng.normal(3, 0.4, prompts)[:, None]
    own[:, 1] += effect
    rows = []
    for p in range(prompts):
        for e in range(EPOCHS):
            for v in range(2):
                quality = own[p, v] + rng.normal(0, 0.3)
                judge = quality + rng.normal(0, 0.4)
                for r in range(2):
                    rows.append((f"p{p}#{e}", f"p{p}", "AB"[v], f"r{r}", quality + rng.normal(0, 0.5), judge))
    return pd.DataFrame(rows, columns=["item", "prompt", "variant", "rater", "score", "gpt"])


def csv(table: pd.DataFrame) -> bytes:
    return table.to_csv(index=False).encode()


def logs(table: pd.DataFrame) -> list[tuple[bytes, str]]:
    """Return an Inspect log of each variant."""
    made = []
    for name, own in table.groupby("variant"):
        samples = [
            {"id": str(item).split("#")[0], "epoch": int(str(item).split("#")[1]),
             "scores": {f"human-{one.rater}": {"value": one.score} for one in rows.itertuples()}}
            for item, rows in own.groupby("item", sort=False)
        ]  # fmt: skip
        made.append((json.dumps({"eval": {"model": name}, "samples": samples}).encode(), f"{name}.json"))
    return made


def test_epochs_of_a_log_are_no_prompts_of_their_own():
    table = epochs()
    ratings, _ = parse_table(logs(table))
    (contrast,) = calibrate(ratings, splits=1).contrasts
    means = table.groupby(["prompt", "variant"], sort=False)["score"].mean().unstack()
    gap = means["B"] - means["A"]
    assert (len(ratings.prompts), ratings.items, contrast.prompts) == (40, 400, 40)
    assert contrast.difference == pytest.approx(gap.mean(), rel=1e-12)
    assert contrast.se == pytest.approx(gap.std(ddof=1) / np.sqrt(40), rel=1e-12)


def test_the_error_of_a_contrast_is_that_of_many_such_evaluations():
    """A hundred and fifty tables of one law: the mean of the squared errors told is the variance of the differences."""
    found = [calibrate_contrast(epochs(seed=seed)) for seed in range(150)]
    spread, told = np.var([one for one, _ in found], ddof=1), np.mean([se**2 for _, se in found])
    low, high = chi2.ppf([0.0005, 0.9995], 149) / 149
    assert low < spread / told < high
    # as prompts of their own the epochs would have told a variance far below
    plain = [calibrate_contrast(epochs(seed=seed).assign(prompt=lambda t: t["item"])) for seed in range(20)]
    assert np.mean([se**2 for _, se in plain]) < 0.4 * told


def calibrate_contrast(table: pd.DataFrame) -> tuple[float, float]:
    from expsim_panel.calibrate import _contrast

    one = _contrast(parse_ratings(csv(table.drop(columns="gpt")), "t.csv"), "A", "B")
    assert one.difference is not None
    assert one.se is not None
    return one.difference, one.se


def test_a_variants_own_error_is_clustered_by_prompt():
    """The sandwich of an intercept, summed over prompts in a plain loop."""
    table = epochs(seed=3)
    found = calibrate(parse_ratings(csv(table), "t.csv"), splits=1).facts("A")
    own = table[table["variant"] == "A"]
    total = 0.0
    for _, rows in own.groupby("prompt"):
        total += (rows["score"] - own["score"].mean()).sum() ** 2
    assert found.se == pytest.approx(np.sqrt(total * 40 / 39) / len(own), rel=1e-12)
    assert (found.items, found.ratings) == (200, 400)


def test_a_judges_differences_are_between_variants_not_between_epochs():
    """The pairs listed one by one, of different variants on the same prompt."""
    table = epochs(seed=4)
    ratings, beside = parse_table([(csv(table), "t.csv")], judges=("gpt",))
    items = table.groupby(["item", "prompt", "variant"], sort=False, as_index=False).agg(
        h=("score", "mean"), f=("gpt", "first")
    )
    for name in "hf":
        items[name] -= items.groupby("variant")[name].transform("mean")
    hh = ff = hf = 0.0
    for _, rows in items.groupby("prompt"):
        for a in rows[rows["variant"] == "A"].itertuples():
            for b in rows[rows["variant"] == "B"].itertuples():
                hh, ff, hf = hh + (a.h - b.h) ** 2, ff + (a.f - b.f) ** 2, hf + (a.h - b.h) * (a.f - b.f)
    assert beside.judges["gpt"].rho_difference.value == pytest.approx(hf / np.sqrt(hh * ff), rel=1e-9)
    one = ratings.variant == 0
    from dataclasses import replace

    kinds, item = np.unique(ratings.item[one], return_inverse=True)
    alone = replace(
        ratings, prompt=ratings.prompt[one], item=item.astype(np.int64), variant=ratings.variant[one],
        rater=ratings.rater[one], score=ratings.score[one], items=len(kinds),
    )  # fmt: skip
    from expsim_panel.components import variance_components

    facts = judge_facts("gpt", alone, np.arange(len(kinds)), np.arange(len(kinds)) * 1.0, variance_components(alone))
    assert facts.rho_difference.reason == "no prompt has two variants"


def test_judges_rows_find_their_items_beside_prompts():
    table = epochs(seed=5)
    rows = table.drop_duplicates(["item", "variant"]).assign(rater="gpt", kind="judge")
    rows["score"] = rows["gpt"]
    both = pd.concat([table.assign(kind="human"), rows]).drop(columns="gpt")
    _, long = parse_table([(csv(both), "t.csv")])
    _, wide = parse_table([(csv(table), "t.csv")], judges=("gpt",))
    assert long.judges["gpt"].items == 400
    assert long.judges["gpt"].rho == wide.judges["gpt"].rho


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_a_column_of_prompts_counts_in_every_format(form):
    table = epochs(10).rename(columns={"prompt": "question"})
    if form == "parquet":
        pytest.importorskip("pyarrow")
        out = io.BytesIO()
        table.to_parquet(out)
        data = out.getvalue()
    else:
        data = csv(table) if form == "csv" else table.to_json(orient="records", lines=True).encode()
    assert len(parse_table([(data, f"t.{form}")], prompt="question")[0].prompts) == 10
    assert len(parse_table([(data, f"t.{form}")])[0].prompts) == 50


def test_promptfoos_repeats_are_of_one_test():
    rows = [
        {"testIdx": t, "promptIdx": 0, "provider": p, "gradingResult": {"componentResults": [
            {"score": (t + r) % 3, "assertion": {"type": "human"}}]}}
        for r in range(4) for t in range(6) for p in ("a", "b")
    ]  # fmt: skip
    text = json.dumps({"results": {"results": rows}}).encode()
    assert as_csv(text, "t.json")[0].splitlines()[1].startswith(b"0#1,0,a,")
    ratings, _ = parse_table([(text, "t.json")])
    assert (len(ratings.prompts), ratings.items) == (6, 48)


def test_a_column_that_tells_variants_apart_is_no_prompt_unless_it_is_named():
    table = epochs(10)
    table["prompt"] = "system prompt " + table["variant"]
    ratings, beside = parse_table([(csv(table), "t.csv")])
    assert len(ratings.prompts) == 50
    (doubt,) = beside.warnings
    assert (doubt.column, doubt.count) == ("prompt", len(table))
    assert "not used" in doubt.problem
    assert len(parse_table([(csv(table), "t.csv")], prompt="prompt")[0].prompts) == 2
    # of another use it is no prompt either
    assert len(parse_ratings(csv(table.drop(columns="variant")), "t.csv", variant="prompt").prompts) == 50


def test_an_item_of_two_prompts_is_refused_with_both_lines():
    table = epochs(10)
    table.loc[5, "prompt"] = "p9"
    with pytest.raises(InputError) as caught:
        parse_table([(csv(table), "t.csv")])
    assert "line 7 gives item 'p0#1' the prompt 'p9', line 6 'p0'" in str(caught.value)
    assert "--prompt item" in str(caught.value)
    assert len(parse_table([(csv(table), "t.csv")], prompt="item")[0].prompts) == 50
    (fault,) = faults([(csv(table), "t.csv")])
    assert fault.column == "prompt"
    with pytest.raises(InputError, match="there is no column 'promt'"):
        parse_table([(csv(table), "t.csv")], prompt="promt")


def test_a_misspelt_kind_is_refused_as_a_misspelt_score_is(tmp_path, capsys):
    path = tmp_path / "t.csv"
    path.write_bytes(csv(epochs(10).assign(kind="human")))
    with pytest.raises(InputError, match="there is no column 'kindd'") as caught:
        read_table(path, kind="kindd")
    assert caught.value.key == "--kind"
    assert main(["calibrate", str(path), "--kind", "kindd"]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "t.csv [--kind]: there is no column 'kindd'; did you mean" in line
    assert [fault.column for fault in faults([(path.read_bytes(), "t.csv")], kind="kindd")] == ["--kind"]
    read_table(path)


def test_the_item_component_of_epochs_is_unbiased_on_few_prompts():
    """Six prompts of five epochs, quality of variance 1 shared and 0.25 of each epoch: the mean of 1,000 tables."""
    from expsim_panel.components import variance_components

    rng, found = np.random.default_rng(8), []
    prompts, raters = 6, 2
    prompt, epoch, variant, rater = (axis.ravel() for axis in np.indices((prompts, EPOCHS, 2, raters)))
    item = (prompt * EPOCHS + epoch) * 2 + variant
    names = tuple(map(str, range(prompts)))
    for _ in range(1000):
        quality = rng.normal(0, 1, (prompts, 1, 2)) + rng.normal(0, 0.5, (prompts, EPOCHS, 2))
        severe = rng.normal(0, 0.4, raters)
        score = quality[prompt, epoch, variant] + severe[rater] + rng.normal(0, 0.6, len(item))
        table = Ratings(
            prompt, item, variant, rater, score, names, ("A", "B"), ("x", "y"), prompts * EPOCHS * 2, "m.csv", "0"
        )
        parts = variance_components(table)
        found.append((parts.item, parts.noise))
    values = np.array(found)
    error = values.std(axis=0, ddof=1) / np.sqrt(len(values))
    assert np.all(np.abs(values.mean(axis=0) - [1.25, 0.36]) < 4 * error)
    assert error[0] < 0.02
