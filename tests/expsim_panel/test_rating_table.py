"""Judges beside people, other formats, and rows in doubt."""

import io
import json
import zipfile

import numpy as np
import pandas as pd
import pytest

from expsim_panel.components import variance_components
from expsim_panel.errors import InputError
from expsim_panel.judge_calibration import judge_facts
from expsim_panel.rating_sources import as_csv
from expsim_panel.rating_table import parse_table, read_table

BIAS = np.array([-0.3, 0.0, 0.3])


def made(prompts=600, seed=1):
    """Three variants, three raters, a judge of known bias with errors on prompt and on item."""
    rng = np.random.default_rng(seed)
    shared, common = rng.normal(0, 0.5, prompts), rng.normal(0, 0.4, prompts)
    rows = []
    for p in range(prompts):
        for v in range(3):
            q = 3 + 0.2 * v + shared[p] + rng.normal(0, 0.6)
            judge = q + BIAS[v] + common[p] + rng.normal(0, 0.5)
            for r in range(3):
                rows.append((f"p{p}", "ABC"[v], f"r{r}", q + rng.normal(0, 0.8), judge))
    return pd.DataFrame(rows, columns=["item", "variant", "rater", "score", "gpt"])


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    path = tmp_path_factory.mktemp("ratings") / "made.csv"
    made().to_csv(path, index=False)
    return read_table(path, judges=("gpt",))


@pytest.mark.parametrize("each", [3, 8])
def test_a_single_rating_has_the_severity_of_its_rater(each):
    """Three of eight raters on an item, or all eight; against single ratings of the table, picked at random."""
    rng = np.random.default_rng(3)
    severity = np.linspace(-1.2, 1.2, 8)
    rows = []
    for p in range(900):
        shared = rng.normal(0, 0.5)
        for v in "ab":
            q = 3 + shared + rng.normal(0, 0.7)
            judge = q + rng.normal(0, 0.5)
            rows += [
                (f"p{p}", v, f"r{r}", q + severity[r] + rng.normal(0, 0.6), judge)
                for r in rng.choice(8, each, replace=False)
            ]
    table = pd.DataFrame(rows, columns=["item", "variant", "rater", "score", "gpt"])
    picked = np.array([
        one.groupby("variant")[["score", "gpt"]].corr().iloc[[0, 2], 1].mean()
        for seed in range(20)
        for one in [table.groupby(["item", "variant"], sort=False).sample(1, random_state=seed)]
    ])  # fmt: skip
    pairs = [
        table.groupby(["item", "variant"], sort=False)
        .sample(1, random_state=seed)
        .pivot(index="item", columns="variant")
        for seed in range(20)
    ]
    differences = [np.corrcoef(one.score.a - one.score.b, one.gpt.a - one.gpt.b)[0, 1] for one in pairs]
    facts = parse_table([(table.to_csv(index=False).encode(), "made.csv")], judges=("gpt",))[1].judges["gpt"]
    # the same items, so what is left is the picking's error, a fraction of the sampling error
    assert facts.rho_one_rater.value == pytest.approx(picked.mean(), abs=4 * picked.std() / 20**0.5)
    spread = np.std(differences) / 20**0.5
    assert facts.rho_difference_one_rater.value == pytest.approx(np.mean(differences), abs=4 * spread)
    # severity of these raters is most of what they disagree on
    assert facts.rho.value > facts.rho_one_rater.value + 0.1


def test_correlations_and_bias_are_the_ones_of_the_law_that_made_them(both):
    facts = both[1].judges["gpt"]
    quality, noise = 0.25 + 0.36, 0.64 / 3
    want = {
        "rho": quality / np.sqrt((quality + noise) * (quality + 0.16 + 0.25)),
        "rho_one_rater": quality / np.sqrt((quality + 0.64) * (quality + 0.41)),
        # docs/model.md: rho_D = b A / sqrt((A + s_e^2)(b^2 A + s_w^2)), A = s_g^2
        "rho_difference": 0.36 / np.sqrt((0.36 + noise) * (0.36 + 0.25)),
        "rho_difference_one_rater": 0.36 / np.sqrt((0.36 + 0.64) * (0.36 + 0.25)),
    }
    for name, value in want.items():
        found = getattr(facts, name)
        assert abs(found.value - value) < 4 * found.se, name
        assert found.interval[0] < found.value < found.interval[1]
    for name, value in zip("ABC", BIAS, strict=True):
        found = facts.bias[name]
        assert abs(found.value - value) < 4 * found.se
        assert 0.01 < found.se < 0.06
    assert facts.bias_sd == pytest.approx(0.3, abs=0.06)


def test_the_fitted_law_reproduces_what_was_estimated_within_its_intervals(both):
    ratings, beside = both
    facts = beside.judges["gpt"]
    assert facts.law.rho == pytest.approx(facts.rho.value, abs=1e-9)
    assert facts.law.scale == pytest.approx(1, abs=0.15)
    prompt, variant = (np.zeros(ratings.items, dtype=np.int64) for _ in range(2))
    prompt[ratings.item], variant[ratings.item] = ratings.prompt, ratings.variant
    size = np.bincount(ratings.variant)
    means = np.bincount(ratings.variant, ratings.score) / size
    y, f = facts.law.simulate(prompt, variant, means, np.random.default_rng(3))
    from dataclasses import replace

    rater = np.zeros(ratings.items, dtype=np.int64)
    again = replace(
        ratings, prompt=prompt, item=np.arange(ratings.items), variant=variant, rater=rater, score=y, raters=("m",)
    )
    found = judge_facts("gpt", again, np.arange(ratings.items), f, variance_components(ratings))
    for name in ("rho", "rho_difference", "pearson"):
        low, high = getattr(facts, name).interval
        assert low < getattr(found, name).value < high
    for name, estimate in facts.bias.items():
        assert abs(found.bias[name].value - estimate.value) < 4 * np.sqrt(2) * estimate.se


def test_a_correlation_is_numpys(both):
    beside = both[1]
    table = made()
    items = table.groupby(["item", "variant"]).agg(y=("score", "mean"), f=("gpt", "first"))
    assert beside.judges["gpt"].pearson.value == pytest.approx(np.corrcoef(items.y, items.f)[0, 1], rel=1e-9)


def test_judges_with_rows_of_their_own_say_the_same(both, tmp_path):
    table = made()
    people = table.drop(columns="gpt").assign(kind="human", cost=0.3, seconds=30.0)
    judge = table.drop_duplicates(["item", "variant"]).assign(rater="gpt", kind="judge", cost=0.001, seconds=2.0)
    judge["score"] = judge["gpt"]
    path = tmp_path / "long.csv"
    pd.concat([people, judge.drop(columns="gpt")]).to_csv(path, index=False)
    _, beside = read_table(path)
    assert beside.judges["gpt"].rho == both[1].judges["gpt"].rho
    assert beside.cost["judge"].mean == pytest.approx(0.001)
    assert beside.seconds["human"].median == 30
    assert beside.seconds["human"].log_sd == pytest.approx(0, abs=1e-9)


def test_peoples_rows_keep_their_lines_beside_judges_and_blank_lines(tmp_path):
    lines = ["item,variant,rater,kind,score", "a,A,x,human,1", "", "a,A,gpt,judge,2", "a,B,x,human,2", "a,A,x,human,3"]
    path = tmp_path / "lines.csv"
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(InputError, match="line 6 repeats line 2: rater 'x' scores item 'a' of variant 'A' twice"):
        read_table(path)


@pytest.mark.parametrize("form", ["jsonl", "parquet", "array"])
def test_other_formats_give_the_same_ratings(both, tmp_path, form):
    table, path = made(), tmp_path / "table"
    if form == "parquet":
        pytest.importorskip("pyarrow")
        table.to_parquet(path)
    else:
        table.to_json(path, orient="records", lines=form == "jsonl", double_precision=15)
    ratings, beside = read_table(path, judges=("gpt",))
    assert beside.format == ("parquet" if form == "parquet" else "jsonl")
    np.testing.assert_allclose(ratings.score, both[0].score, rtol=1e-12)
    np.testing.assert_array_equal(ratings.item, both[0].item)


def inspect_log(model):
    samples = [
        {"id": k, "epoch": 1, "total_time": 1.5, "scores": {"qa": {"value": "CIPN"[k]}, "human": {"value": k + 1}}}
        for k in range(4)
    ]
    return {"version": 2, "status": "success", "eval": {"model": model}, "plan": {}, "samples": samples}


def test_an_inspect_log_is_read_as_json_and_as_archive():
    log = inspect_log("openai/a")
    plain, form = as_csv(json.dumps(log).encode(), "log.json")
    assert form == "inspect"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("header.json", json.dumps({"eval": log["eval"], "plan": {}}))
        archive.writestr("summaries.json", json.dumps(log["samples"]))
    assert as_csv(packed.getvalue(), "log.eval") == (plain, "inspect")
    table = pd.read_csv(io.BytesIO(plain))
    assert table[table.rater == "qa"].score.tolist() == [1.0, 0.0, 0.5, 0.0]
    assert set(table.kind) == {"human", "judge"}
    assert table.item[0] == "0#1"
    assert table.variant[0] == "openai/a"


def test_a_promptfoo_file_gives_a_row_for_each_assertion():
    def result(test, provider, score, human):
        parts = [
            {"score": score, "assertion": {"type": "llm-rubric"}},
            {"score": human, "assertion": {"type": "human"}},
        ]
        base = {"testIdx": test, "promptIdx": 0, "provider": {"id": provider}, "latencyMs": 900, "cost": 0.002}
        return base | {"gradingResult": {"pass": True, "score": 1, "componentResults": parts}}

    rows = [result(t, p, 0.5, 1) for t in range(2) for p in ("a", "b")]
    text, form = as_csv(json.dumps({"evalId": "e", "results": {"version": 3, "results": rows}}).encode(), "out.json")
    assert form == "promptfoo"
    table = pd.read_csv(io.BytesIO(text))
    assert table.rater.tolist()[:2] == ["llm-rubric", "human"]
    assert table.kind.tolist()[:2] == ["judge", "human"]
    assert table.seconds[0] == 0.9
    assert table.variant.tolist()[:4] == ["a", "a", "b", "b"]


def test_unparsed_verdicts_and_formulas_are_kept_in_a_warning(tmp_path):
    table = made(40)
    table["score"] = table["score"].clip(1, 5).round()
    table["gpt"] = table["gpt"].clip(1, 5).round()
    table.loc[3:5, "gpt"] = 0
    table.loc[table.item == "p7", "item"] = "=cmd|' /C calc'!A0"
    path = tmp_path / "doubts.csv"
    table.to_csv(path, index=False)
    _, beside = read_table(path, judges=("gpt",))
    first, second = beside.warnings
    assert (first.column, first.count, first.lines[0]) == ("item", 9, 65)
    assert (second.column, second.lines) == ("gpt", (5, 6, 7))
    assert beside.judges["gpt"].missing == 1


BAD = {
    "judge": (b"item,rater,score,variant\np,a,1,A\n", {"judges": ("gpt",)}, "--judge"),
    "text": (b"item,rater,score,variant,g\np,a,1,A,x\np,b,2,A,\np,a,2,B,\n", {"judges": ("g",)}, "line 2 holds 'x'"),
    "kind": (b"item,rater,score,variant,kind\np,a,1,A,robot\n", {}, "human or judge"),
    "jsonl": (b'{"item": 1}\n{"item"\n', {}, "line 2 is not JSON"),
    "jsonl-key-twice": (
        b'{"item": "a:b", "score": 1}\n{"item": "a", "score": 2, "score" :3}\n',
        {},
        "[score]: line 2 has the key 'score' twice; keep the value that is meant",
    ),
    "one-line-key-twice": (b'{"item": "a", "score": 2, "item": "b"}', {}, "line 1 has the key 'item' twice"),
    "array-key-twice": (
        b'[{"item": "a", "score": 2}, {"item": "b:c", "score": 2, "score": 3}]',
        {},
        "record 2 has the key 'score' twice",
    ),
    "number": (b'{"item": 1}\n7\n', {}, "line 2 is 7, not an object"),
    "cost": (b"item,rater,score,variant,cost\np,a,1,A,-1\np,b,2,A,1\np,a,2,B,1\n", {}, "below 0"),
    "parquet": (b"PAR1rubbish", {}, "cannot be read"),
    "log": (json.dumps({"eval": {}, "samples": []}).encode(), {}, "no scores"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_tables_give_one_line(tmp_path, name):
    data, flags, words = BAD[name]
    path = tmp_path / "bad"
    path.write_bytes(data)
    with pytest.raises(InputError) as caught:
        read_table(path, **flags)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def crowd_and_judge(seed):
    """Return a table of 12 raters, 3 of them on each of 3 answers to 60 prompts, with a judge, and what is true of it.

    Severity is that of the raters there are: of one of them, and of the mean of three (drawn without putting back).
    """
    rng = np.random.default_rng(seed)
    raters, k, prompts, slope, bias = 12, 3, 60, 0.8, np.array([0.0, 0.25, -0.1])
    severe = 0.8 * rng.normal(size=raters)
    rows = []
    for i in range(prompts):
        shared, item = 0.8 * rng.normal(), 0.3 * rng.normal()
        for v in range(3):
            quality = 5 + shared + 0.5 * rng.normal()
            judge = slope * quality + bias[v] + item + 0.5 * rng.normal()
            for r in rng.choice(raters, k, replace=False):
                rows.append(f"p{i},v{v},r{r},{quality + severe[r] + 0.6 * rng.normal():.9f},{judge:.9f}")
    spread = severe.var(ddof=1)
    truth = {}
    for name, own, judged in (("rho", 0.89, 0.34), ("rho_difference", 0.25, 0.25)):
        for end, noise in (
            ("", (spread * (1 - k / raters) + 0.36) / k),
            ("_one_rater", spread * (1 - 1 / raters) + 0.36),
        ):
            truth[name + end] = slope * own / np.sqrt((own + noise) * (slope**2 * own + judged))
    return ("item,variant,rater,score,gpt\n" + "\n".join(rows)).encode(), truth, bias - bias.mean()


def test_intervals_of_judges_hold_what_is_true_of_these_raters():
    hits, away, size = {}, {}, 120
    for seed in range(size):
        data, truth, bias = crowd_and_judge(seed)
        _, beside = parse_table([(data, "t.csv")], judges=("gpt",))
        facts = beside.judges["gpt"]
        told = {name: (getattr(facts, name), value) for name, value in truth.items()}
        told["bias"] = (facts.bias["v1"], bias[1])
        for name, (found, value) in told.items():
            low, high = found.interval
            hits[name] = hits.get(name, 0) + (low <= value <= high)
            away.setdefault(name, []).append(found.value - value)
    for name, count in hits.items():
        assert count / size > 0.95 - 3 * np.sqrt(0.95 * 0.05 / size), name
        assert abs(np.mean(away[name])) < 4 * np.std(away[name]) / np.sqrt(size), name
