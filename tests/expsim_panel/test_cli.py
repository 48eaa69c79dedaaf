"""The command line: every promise of docs/contract.md, in process where a process adds nothing."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from expsim_panel import Study, __version__, sequential
from expsim_panel.__main__ import main
from expsim_panel.commands import serve
from expsim_panel.commands.targets import Target

SCENARIO = files("expsim_panel.scenarios").joinpath("hallucination-prompt.toml").read_text(encoding="utf-8")
FAST = ("--strategy", "fixed-horizon", "--replicates", "500")
RUN = ("run", "hallucination-prompt", *FAST)
DESIGN = ("exact", "group-sequential", "--kind", "pocock")


@dataclass(frozen=True)
class Done:
    status: int
    out: str
    err: str


@pytest.fixture
def expsim(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run the command line in this process, as wide as asked for, and return what it left."""

    def call(*arguments: str, width: int = 80) -> Done:
        monkeypatch.setenv("COLUMNS", str(width))
        capfd.readouterr()
        status = main(arguments)
        captured = capfd.readouterr()
        return Done(status, captured.out, captured.err)

    return call


def process(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "expsim_panel", *arguments]
    return subprocess.run(words, capture_output=True, text=True, timeout=100, check=False, **options)


def test_version_and_help(expsim: Any) -> None:
    assert expsim("--version").out == f"expsim-panel {__version__}\n"
    for arguments in ((), ("--help",), ("-h",)):
        done = expsim(*arguments)
        assert (done.status, done.err) == (0, "")
        assert {"list", "run", "exact", "calibrate", "check", "warm", "serve"} <= set(re.findall(r"[a-z]+", done.out))
    assert "group-sequential" in expsim("exact").out


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], ["list"], ["list", "--json", "-"], ["run", "--help"], ["nonsense"]]
)
def test_light_commands_import_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys\nfrom expsim_panel.__main__ import main\n"
        f"main({arguments!r})\n"
        "heavy = {'numba', 'scipy', 'panel', 'bokeh', 'holoviews', 'pandas', 'genai_prices'} & set(sys.modules)\n"
        "sys.exit(f'HEAVY {sorted(heavy)}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert "HEAVY" not in done.stderr
    assert done.returncode == 0, done.stderr


def test_list_shows_what_there_is(expsim: Any) -> None:
    done = expsim("list", width=120)
    found = json.loads(expsim("list", "--json", "-").out)
    names = [row["name"] for row in found["scenarios"]]
    assert {"hallucination-prompt", "ranking-diversity", "summarization-prompt"} <= set(names)
    assert {"fixed-horizon", "obrien-fleming", "pocock", "bayesian", "thompson", "peek-daily"} <= set(
        found["strategies"]
    )
    assert "split" not in found["strategies"]
    assert {"truth", "judge", "human"} <= set(found["evaluators"])
    for word in (*names, *found["strategies"], *found["evaluators"], found["scenarios"][0]["title"]):
        assert word in done.out


def test_list_agrees_with_the_strategies_that_run(expsim: Any) -> None:
    from expsim_panel.strategy import kinds

    assert json.loads(expsim("list", "--json", "-").out)["strategies"] == kinds()


def toml(change: Sequence[tuple[str, str]]) -> str:
    text = SCENARIO
    for old, new in change:
        assert old in text
        text = text.replace(old, new, 1)
    return text


BAD_FILES: dict[str, tuple[bytes, str]] = {
    "unknown key": (toml([("units_per_day", "units_per_dya")]).encode(), "did you mean 'units_per_day'?"),
    "unknown table": (toml([("[traffic]", "[trafic]")]).encode(), "did you mean 'traffic'?"),
    "wrong type": (toml([("days = 28", 'days = "28"')]).encode(), "[traffic.days]"),
    "nan": (toml([("mean = 0.096", "mean = nan")]).encode(), "[variants.0.mean]"),
    "infinity": (toml([("mean = 0.096", "mean = inf")]).encode(), "[variants.0.mean]"),
    "out of bounds": (toml([("days = 28", "days = 0")]).encode(), "[traffic.days]"),
    "no rate": (toml([("mean = 0.096", "mean = 1.096")]).encode(), "[variants.0.mean]"),
    "shares": (toml([("days = 28", "days = 28\nshares = [0.5, 0.6]")]).encode(), "make them sum to 1"),
    "share count": (toml([("days = 28", "days = 28\nshares = [1.0]")]).encode(), "[traffic.shares]"),
    "unknown kind": (toml([('kind = "judge"', 'kind = "jugde"')]).encode(), "did you mean 'judge'?"),
    "unknown model": (toml([('model = "gpt-4o-mini"', 'model = "gpt-minus-one"')]).encode(), "gpt-minus-one"),
    "strategy": (SCENARIO.encode() + b'\n[[strategies]]\nkind = "pokock"\n', "did you mean 'pocock'?"),
    "strategy key": (SCENARIO.encode() + b'\n[[strategies]]\nkind = "pocock"\nloks = 3\n', "did you mean 'looks'?"),
    "too many looks": (SCENARIO.encode() + b'\n[[strategies]]\nkind = "pocock"\nlooks = 99\n', "[strategies.0.looks]"),
    "malformed": (b"[scenario\nname = 1", "is not valid TOML"),
    "binary": (bytes(range(256)), "is not UTF-8"),
    "empty": (b"", "table is missing"),
    "schema": (toml([("schema = 1", "schema = 2")]).encode(), "write schema = 1"),
    "planned": (SCENARIO.encode() + b"\n[spec]\nwindow = 3\n", "not simulated in this version"),
}


@pytest.mark.parametrize("case", BAD_FILES)
@pytest.mark.parametrize("command", ["check", "run"])
def test_a_bad_file_gets_one_line(expsim: Any, tmp_path: Path, command: str, case: str) -> None:
    content, hint = BAD_FILES[case]
    path = tmp_path / "mine.toml"
    path.write_bytes(content)
    output = tmp_path / "out.json"
    done = expsim(command, str(path), *(("--json", str(output), "--replicates", "10") if command == "run" else ()))
    refused(done, hint)
    assert "mine.toml" in done.err or case == "unknown model"
    assert sorted(tmp_path.iterdir()) == [path]


def refused(done: Done, *hints: str) -> None:
    assert done.status == 2, done
    assert done.out == ""
    assert done.err.endswith("\n")
    assert done.err.count("\n") == 1, done.err
    assert not set(done.err) & set("╭│╰\x1b"), done.err
    assert "Traceback" not in done.err
    for hint in hints:
        assert hint in done.err


BAD_ARGUMENTS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "unknown command": (("rnu",), ("'rnu'", "did you mean 'run'?")),
    "unknown sub-command": (("exact", "groupsequential"), ("did you mean 'group-sequential'?",)),
    "unknown option": ((*RUN, "--replicate", "3"), ("'--replicate'", "did you mean '--replicates'?")),
    "unknown option of all": (("--verison",), ("did you mean '--version'?",)),
    "missing argument": (("run",), ("NAME", "expsim run --help")),
    "missing option": (("exact", "group-sequential"), ("--kind",)),
    "missing value": (("run", "hallucination-prompt", "--json"), ("--json",)),
    "extra argument": ((*RUN, "more"), ("more",)),
    "unknown scenario": (("run", "halucination-prompt"), ("did you mean 'hallucination-prompt'?",)),
    "no such file": (("check", "nowhere.toml"), ("nowhere.toml", "cannot be read")),
    "a directory": (("check", "."), ("Is a directory",)),
    "a long name": (("check", "x" * 5000), ("cannot be read",)),
    "replicates text": (
        ("run", "hallucination-prompt", "--replicates", "many"),
        ("--replicates", "'many'", "a whole number"),
    ),
    "replicates fraction": (("run", "hallucination-prompt", "--replicates=1.5"), ("--replicates", "'1.5'")),
    "replicates negative": (("run", "hallucination-prompt", "--replicates", "-5"), ("replicates", "-5", "from 1")),
    "replicates beyond memory": (
        ("run", "hallucination-prompt", "--replicates", "2000000"),
        ("[replicates]", "2,000,000 experiments of 5 strategies need 2.6 GB", "give at most 1,620,000"),
    ),
    "replicates zero": (("run", "hallucination-prompt", "--replicates", "0"), ("replicates", "from 1")),
    "seed negative": ((*RUN, "--seed", "-1"), ("seed", "-1")),
    "luck negative": ((*RUN, "--luck", "-1"), ("luck", "-1")),
    "workers": ((*RUN, "--workers", "0"), ("--workers", "from 1")),
    "set key": ((*RUN, "--set", "variants.1.meen=1"), ("variants.1.meen", "did you mean 'mean'?")),
    "set index": ((*RUN, "--set", "variants.7.mean=1"), ("variants.7.mean", "give 0 to 1")),
    "set syntax": ((*RUN, "--set", "variants"), ("--set", "PATH=VALUE")),
    "set type": ((*RUN, "--set", "variants.1.mean=high"), ("variants.1.mean", "'high'")),
    "set nan": ((*RUN, "--set", "variants.1.mean=nan"), ("variants.1.mean", "finite")),
    "set bounds": ((*RUN, "--set", "traffic.days=1000"), ("traffic.days", "366")),
    "set deep": ((*RUN, "--set", "traffic.days.more=1"), ("traffic.days.more", "shorten the path")),
    "strategy": (("run", "hallucination-prompt", "--strategy", "bayesan"), ("--strategy", "did you mean 'bayesian'?")),
    "strategy twice": ((*RUN, "--strategy", "fixed-horizon"), ("appears twice",)),
    "json folder": ((*RUN, "--json", "nowhere/out.json"), ("nowhere/out.json", "--json", "cannot be written")),
    "html is a folder": ((*RUN, "--html", "."), ("--html", "directory")),
    "html to the pipe": ((*RUN, "--html", "-"), ("--html", "no file")),
    "report empty": ((*RUN, "--report", ""), ("--report",)),
    "kind": ((*DESIGN[:3], "pokock", "--looks", "3"), ("--kind", "did you mean 'pocock'?")),
    "kind without shape": ((*DESIGN[:3], "peek-daily"), ("--kind", "choose from fixed-horizon, haybittle-peto, ")),
    "looks out of order": ((*DESIGN, "--information", "0.5,0.2,1"), ("--information",)),
    "futility above efficacy": (
        (*DESIGN, "--looks", "2", "--sides", "1", "--futility-bounds", "4"),
        ("--futility-bounds", "not below its efficacy bound"),
    ),
    "nothing to bind": ((*DESIGN, "--binding"), ("--binding",)),
    "final without looks": ((*DESIGN, "--final"), ("--final", "--observed")),
    "alpha spent above alpha": (
        (*DESIGN[:3], "user-spending", "--looks", "2", "--alpha-spent", "0.01,0.06"),
        ("--alpha-spent", "more than alpha"),
    ),
    "peeking without looks": (("exact", "peeking"), ("--looks",)),
    "conditional look": (
        ("exact", "conditional-power", "--kind", "pocock", "--look", "9", "--z", "1"),
        ("--look", "9"),
    ),
    "looks zero": ((*DESIGN, "--looks", "0"), ("--looks", "0")),
    "looks and fractions": (
        (*DESIGN, "--looks", "3", "--information", "0.5,1"),
        ("--information", "2 fractions for 3 looks"),
    ),
    "looks of one look": ((*DESIGN[:3], "fixed-horizon", "--looks", "3"), ("--looks", "fixed-horizon")),
    "alpha 2": ((*DESIGN, "--alpha", "2"), ("--alpha", "2.0")),
    "alpha nan": ((*DESIGN, "--alpha", "nan"), ("--alpha", "nan")),
    "alpha text": ((*DESIGN, "--alpha", "five"), ("--alpha", "'five'", "a number")),
    "sides": ((*DESIGN, "--sides", "3"), ("--sides", "give 1 or 2")),
    "information order": ((*DESIGN, "--information", "0.5,0.2,1"), ("--information", "more information than the last")),
    "information end": ((*DESIGN, "--information", "0.2,0.5"), ("--information", "last look must be at 1")),
    "information negative": ((*DESIGN, "--information=-1,0.5,1"), ("--information", "greater than 0")),
    "information text": ((*DESIGN, "--information", "half,1"), ("--information", "'half,1'")),
    "power": ((*DESIGN, "--power", "0.01"), ("--power", "above alpha")),
    "effect alone": ((*DESIGN, "--effect", "0.2"), ("--sd", "together")),
    "sd": ((*DESIGN, "--effect", "0.2", "--sd", "0", "--units", "100"), ("--sd", "greater than 0")),
    "allocation": (
        (*DESIGN, "--effect", "1", "--sd", "1", "--units", "9", "--allocation", "0:1"),
        ("--allocation", "positive"),
    ),
    "allocation text": ((*DESIGN, "--allocation", "half"), ("--allocation", "'half'")),
    "ratings": (("calibrate", "nowhere.csv"), ("nowhere.csv", "no such file")),
    "ratings direction": (
        ("calibrate", "nowhere.csv", "--direction", "incraese"),
        ("--direction", "did you mean 'increase'?"),
    ),
    "port": (("serve", "--port", "70000"), ("--port", "70000")),
    "address": (("serve", "--address", "nowhere.invalid"), ("--address", "nowhere.invalid")),
}


@pytest.mark.parametrize("case", BAD_ARGUMENTS)
def test_bad_arguments_get_one_line(expsim: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    arguments, hints = BAD_ARGUMENTS[case]
    monkeypatch.chdir(tmp_path)
    refused(expsim(*arguments), *hints)
    assert list(tmp_path.iterdir()) == []


def test_a_file_cannot_drive_the_terminal(expsim: Any, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        toml([('title = "', 'title = "[red]\\u001b[2J'), ('name = "current prompt"', 'name = "[b]now[/b]"')])
    )
    for done in (expsim("check", str(path)), expsim("run", str(path), *FAST)):
        assert done.status == 0
        assert "\x1b" not in done.out
        assert "[red]" in done.out
        assert "[b]now[/b]" in done.out
    path.write_text("'\\u001b[2J' = 1\n\"a\\u001b\" = 1")
    refused(expsim("check", str(path)))


def test_check_says_what_it_found(expsim: Any) -> None:
    done = expsim("check", "hallucination-prompt", width=120)
    assert (done.status, done.err) == (0, "")
    assert 3 <= len(done.out.splitlines()) <= 8
    for part in ("hallucination rate", "+1.50 pp", "1,000 users a day for 28 days", "judge", "thompson"):
        assert part in done.out


@pytest.mark.parametrize("width", [80, 120])
def test_run_prints_both_answers_apart(expsim: Any, width: int) -> None:
    done = expsim("run", "hallucination-prompt", "--replicates", "500", "--seed", "3", width=width)
    assert (done.status, done.err) == (0, "")
    lines = done.out.splitlines()
    assert max(map(len, lines)) <= width
    assert "\x1b" not in done.out
    result = Study.load("hallucination-prompt").run(replicates=500, seed=3)
    flat = " ".join(done.out.split())
    for text in (
        "A system prompt against hallucinations",
        "as of 2026-",
        "1.50 pp of hallucination rate",
        "Simulated 500",
    ):
        assert text in flat
    rows = {one.name: next(line for line in lines if line.strip().startswith(one.name)) for one in result.strategies}
    for one in result.strategies:
        assert f"{one.figures['p_correct'].value:.1%}".replace("%", " %") in rows[one.name]
        assert f"{one.figures['power'].value:.1%}".replace("%", " %") + " ± " in rows[one.name]
    assert f"exact {result['fixed-horizon'].figures['power'].exact:.1%}".replace("%", " %") in flat
    advice, verdict = flat.split("What this one experiment says")
    assert result.advice.sentence in advice.split("What to run")[1]
    assert result.verdict.sentence in verdict
    assert result.verdict.sentence not in advice
    for reason in result.verdict.reasons:
        assert reason in " ".join(re.sub(r"^ - ", "", line) for line in verdict.split("\n"))
    assert "expsim run hallucination-prompt --replicates 500 --seed 3" in lines
    assert result.digest[:12] in lines[-1]


def test_a_figure_that_is_undefined_says_why(expsim: Any) -> None:
    done = expsim(*RUN, "--set", "variants.1.mean=0.096")
    assert done.status == 0
    assert "grounded prompt equals current prompt" in done.out
    assert re.search(r"^n/a +no variant is truly better", done.out, flags=re.MULTILINE)


def test_the_printed_command_gives_the_same_again(expsim: Any) -> None:
    given = (*RUN, "--set", 'scenario.title="a b"', "--luck", "7", "--seed", "5")
    first = expsim(*given)
    command = next(line for line in first.out.splitlines() if line.startswith("expsim run"))
    again = expsim(*shlex.split(command)[1:])
    assert again.out.splitlines()[-1] == first.out.splitlines()[-1]
    assert "experiment 7" in again.out


def test_files_are_written_whole(expsim: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = SimpleNamespace(write=lambda result: f"page of {result.digest}")
    for name in ("html", "markdown"):
        monkeypatch.setitem(sys.modules, f"expsim_panel.exports.{name}", fake)
    paths = {flag: tmp_path / f"out{flag}" for flag in ("--json", "--html", "--report")}
    done = expsim(*RUN, *(word for flag, path in paths.items() for word in (flag, str(path))))
    assert done.status == 0
    digest = json.loads(paths["--json"].read_text())["provenance"]["digest"]
    assert paths["--html"].read_text() == paths["--report"].read_text() == f"page of {digest}"
    assert sorted(tmp_path.iterdir()) == sorted(paths.values())
    assert all(f"Wrote {path}" in done.out for path in paths.values())


def test_a_failing_export_leaves_no_file(expsim: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> str:
        raise RuntimeError("no\nsuch luck")

    monkeypatch.setitem(sys.modules, "expsim_panel.exports.html", SimpleNamespace(write=fail))
    kept = tmp_path / "kept.html"
    kept.write_text("before")
    done = expsim(*RUN, "--json", str(tmp_path / "new.json"), "--html", str(kept))
    assert (done.status, done.out) == (1, "")
    assert done.err == "the computation failed: RuntimeError: no such luck; EXPSIM_TRACEBACK=1 shows where\n"
    assert kept.read_text() == "before"
    assert list(tmp_path.iterdir()) == [kept]


def test_outputs_are_checked_before_the_simulation(
    expsim: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("simulated although the output cannot be written")

    monkeypatch.setattr("expsim_panel.engine.run", never)
    refused(expsim(*RUN, "--json", str(tmp_path / "no" / "x.json")), "--json")
    refused(expsim(*RUN, "--report", str(tmp_path / "x"), "--html", str(tmp_path / "x")), "is also the file of")
    mine = tmp_path / "mine.toml"
    mine.write_text(SCENARIO)
    refused(expsim("run", str(mine), "--json", str(mine)), "would overwrite the input")
    assert mine.read_text() == SCENARIO


def test_a_target_is_never_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "page.html"
    path.write_text("before")
    path.chmod(0o640)
    link = tmp_path / "link.html"
    link.symlink_to(path)
    target = Target("--html", str(link))
    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        with pytest.raises(ValueError, match="No space left on device"):
            target.write("after")
    assert path.read_text() == "before"
    target.write("after ±")
    assert path.read_text(encoding="utf-8") == "after ±"
    assert path.stat().st_mode & 0o777 == 0o640
    assert link.is_symlink()
    assert sorted(tmp_path.iterdir()) == [link, path]


def test_a_device_is_written_to_and_stays(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    Target("--json", str(pipe)).write("text")
    assert os.read(reader, 10) == b"text"
    os.close(reader)
    assert pipe.is_fifo()


def test_exact_group_sequential(expsim: Any) -> None:
    words = ("exact", "group-sequential", "--kind", "obrien-fleming", "--looks", "2", "--alpha", "0.05", "--sides", "2")
    found = json.loads(expsim(*words, "--json", "-").out)
    # Jennison and Turnbull (2000), table 2.3: C_B(2, 0.05) = 1.977 and table 2.4: R_B(2, 0.05, 0.2) = 1.008.
    assert found["critical_values"] == pytest.approx([1.977 * 2**0.5, 1.977], abs=2e-3)
    assert found["alpha_spent"][-1] == pytest.approx(0.05, abs=1e-9)
    for key, needs in (("inflation_factor", "--power"), ("power", "--effect"), ("expected_units", "--effect")):
        assert found[key] is None
        assert needs in found["reasons"][key]
    sized = ("--power", "0.8", "--effect", "-0.2", "--sd", "1", "--units", "800", "--allocation", "1:3")
    found = json.loads(expsim(*words, *sized, "--json", "-").out)
    assert found["inflation_factor"] == pytest.approx(1.008, abs=1e-3)
    assert found["drift"] == pytest.approx(-0.2 * (800 * 0.25 * 0.75) ** 0.5)
    assert 0.6 < found["power"] < 0.8
    assert 400 < found["expected_units"] < 800
    assert set(found["reasons"]) == {"futility_bounds"}
    shown = expsim(*words, *sized)
    assert (shown.status, shown.err) == (0, "")
    assert "2.7965" in shown.out


def test_exact_futility_and_observed_looks(expsim: Any) -> None:
    words = ("exact", "group-sequential", "--kind", "kim-demets", "--parameter", "2", "--looks", "3", "--sides", "1")
    more = (
        "--alpha",
        "0.025",
        "--futility-bounds",
        "none,0",
        "--binding",
        "--observed",
        "0.3,0.6,1.1",
        "--power",
        "0.8",
    )
    found = json.loads(expsim(*words, *more, "--effect", "0.1", "--sd", "1", "--json", "-").out)
    assert found["futility_bounds"] == [None, 0.0]
    assert found["alpha_spent"][-1] == pytest.approx(0.025, abs=1e-10)
    assert found["power"] == pytest.approx(0.8, abs=1e-9)
    assert found["observed"]["alpha_spent"] == pytest.approx([0.025 * 0.3**2, 0.025 * 0.6**2, 0.025])
    assert len(found["stop_futility"]) == 3
    shown = expsim(*words, *more)
    assert (shown.status, shown.err) == (0, "")
    assert "At the looks as they happened" in shown.out
    both = ("--alpha", "0.025", "--futility-kind", "hwang-shih-decani", "--futility-parameter", "-2", "--power", "0.9")
    assert len(json.loads(expsim(*words, *both, "--json", "-").out)["futility_bounds"]) == 2


def test_exact_peeking_and_conditional_power(expsim: Any) -> None:
    found = json.loads(
        expsim("exact", "peeking", "--looks", "10", "--alpha", "0.05", "--sides", "2", "--json", "-").out
    )
    assert found["type1_error"] == pytest.approx(0.1933565962, abs=1e-8)
    cadence = json.loads(expsim("exact", "peeking", "--days", "14", "--every", "7", "--json", "-").out)
    assert cadence["type1_error"] == pytest.approx(0.0831178034, abs=1e-8)
    words = (
        "exact",
        "conditional-power",
        "--kind",
        "hwang-shih-decani",
        "--looks",
        "3",
        "--look",
        "1",
        "--z",
        "0.943317",
    )
    # gsDesign(k=3, test.type=2, n.fix=800) at theta = 0.05733214; East 6.5 says 0.3306859.
    inflation = sequential.sequential_design("hwang-shih-decani", 3, power=0.9).inflation_factor
    drift = str(0.05733214 * (800 * float(inflation or 0)) ** 0.5)
    found = json.loads(expsim(*words, "--drift", drift, "--json", "-").out)
    assert found["conditional_power_upper"] == pytest.approx(0.3306859, abs=1e-6)
    assert 0 < found["conditional_power_under_null"] < found["predictive_power"] < 1
    assert expsim(*words, "--effect", "0.1", "--sd", "1", "--units", "1000").status == 0
    assert expsim("exact", "peeking", "--looks", "3").status == 0


def test_exact_kinds_have_a_shape() -> None:
    assert set(sequential.kinds()) >= {"fixed-horizon", "obrien-fleming", "pocock"}
    assert not {"peek-daily", "bayesian"} & set(sequential.kinds())


def test_exact_defaults(expsim: Any, tmp_path: Path) -> None:
    path = tmp_path / "design.json"
    assert expsim("exact", "group-sequential", "--kind", "fixed-horizon", "--json", str(path)).out == ""
    assert json.loads(path.read_text())["critical_values"] == pytest.approx([1.959964], abs=1e-6)
    found = json.loads(expsim(*DESIGN, "--information", "0.2,0.5,1", "--sides", "1", "--json", "-").out)
    assert found["information"] == [0.2, 0.5, 1.0]
    assert len(set(found["critical_values"])) == 1


def ratings(path: Path) -> Path:
    """Write ratings of 30 items by 3 raters in two variants; b is better by one point."""
    rows = ["doc,who,mark"]
    for item in range(30):
        for kind in ("a", "b"):
            for rater in range(3):
                mark = 1 + (item * 7 + rater * 3 + item * rater) % 3 + (kind == "b")
                rows.append(f"{item}_{kind},r{rater},{mark}")
    path.write_text("\n".join(rows))
    return path


def test_calibrate_writes_a_scenario_that_runs(expsim: Any, tmp_path: Path) -> None:
    table, made = ratings(tmp_path / "table.csv"), tmp_path / "made.toml"
    columns = ("--item", "doc", "--rater", "who", "--score", "mark", "--variant", "_([ab])$")
    words = ("calibrate", str(table), *columns, "--control", "a", "--treatment", "b", "--name", "ours")
    done = expsim(*words, "-o", str(made))
    assert (done.status, done.err) == (0, "")
    for text in ("180 ratings of 60 items by 3 raters", "Control", "Treatment", "not assessable", f"Wrote {made}"):
        assert text in done.out
    study = Study.load(str(made))
    assert study.scenario.scenario.name == "ours"
    assert study.scenario.effects[1] == pytest.approx(1.0)
    assert expsim("run", str(made), *FAST).status == 0
    found = json.loads(expsim(*words, "--direction", "decrease", "--json", "-").out)
    assert found["scenario"]["metric"]["direction"] == "decrease"
    assert found["calibration"]["contrasts"][0]["difference"] == pytest.approx(1.0)
    refused(expsim(*words, "--treatment", "c"), "--treatment", "'c'")
    refused(expsim(*words[:-2], "--name", "not a slug"), "--name")
    refused(expsim(*words, "-o", str(table)), "would overwrite the input")
    done = expsim("calibrate", str(table))
    # One line says what to mend first; every kind of fault is listed where results are printed.
    refused(Done(done.status, "", done.err), "--item", "3 kinds of fault")
    listed = [line.split(":")[0].strip() for line in done.out.splitlines() if line.startswith(" - ")]
    assert listed == ["- --item", "- --rater", "- --score"]


def test_warm_compiles(expsim: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from expsim_panel.commands import warm
    from expsim_panel.strategy import build, kinds

    # All of them are known to it; a test plays some, as each adaptive one takes seconds to compile.
    worlds, policies = warm.uneven(), warm.request_policies()
    adaptive = {kind for kind in kinds() if build({"kind": kind}, "test", kind).policy.adaptive}
    assert {one.name for study in worlds for one in study.strategies} == {"fixed-horizon", *adaptive}
    assert {"ucb1", "thompson", "cusum-ucb", "explore-then-commit"} <= set(policies)
    monkeypatch.setattr(warm, "uneven", lambda: worlds[:2])
    monkeypatch.setattr(warm, "request_policies", lambda: ["explore-then-commit", "ucb1"])
    done = expsim("warm")
    assert (done.status, done.err) == (0, "")
    said = " ".join(done.out.split())
    assert re.search(r"Compiled \d+ strategies for \d+ scenarios and for worlds that are not plain", said)
    assert re.search(r"and 2 policies per request, in [\d,]+ s", said)


def test_warm_calls_all_that_calibration_compiles(monkeypatch: pytest.MonkeyPatch) -> None:
    from expsim_panel import (
        components,
        item_agreement,
        item_texture,
        latent_correlation,
        ordered_probit,
        rating_distances,
        rating_models,
    )
    from expsim_panel.commands import warm

    called = set()

    def noted(kernel: Any) -> Any:
        def call(*args: Any) -> Any:
            called.add(kernel)
            return kernel(*args)

        return call

    own = [
        components,
        item_agreement,
        item_texture,
        latent_correlation,
        ordered_probit,
        rating_distances,
        rating_models,
    ]
    found = {}
    for module in own:
        for name, one in vars(module).items():
            if str(getattr(one, "__module__", "")).startswith("expsim_panel.kernels.") and callable(one):
                found[module, name] = one
    assert len(found) > 10
    for (module, name), one in found.items():
        monkeypatch.setattr(module, name, noted(one))
    warm.ratings()
    assert called == set(found.values())


def test_json_to_the_pipe_is_pure() -> None:
    done = process(*RUN, "--json", "-", env={**os.environ, "FORCE_COLOR": "1", "PYTHONWARNINGS": "error"})
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("{\n")
    assert json.loads(done.stdout)["provenance"]["replicates"] == 500


def test_the_progress_bar_goes_to_a_terminal_only() -> None:
    master, slave = pty.openpty()
    words = [sys.executable, "-m", "expsim_panel", *RUN, "--json", "-"]
    environment = {**os.environ, "TERM": "xterm"}
    drawn = ""

    def read() -> None:
        # A terminal holds 4 KB: on a slow machine the bar draws more than that, and would wait for a reader.
        nonlocal drawn
        parts = []
        with contextlib.suppress(OSError):
            while part := os.read(master, 4096):
                parts.append(part)
        drawn = b"".join(parts).decode()

    reader = threading.Thread(target=read)
    reader.start()
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=slave, env=environment, timeout=100, check=False)
    os.close(slave)
    reader.join(20)
    os.close(master)
    assert done.returncode == 0
    assert "Simulating 500 experiments" in drawn
    assert json.loads(done.stdout)["provenance"]["seed"] == 1


def test_a_reader_that_leaves_is_no_error() -> None:
    code = f"{sys.executable} -m expsim_panel list --json - | true; {sys.executable} -m expsim_panel list | true"
    done = subprocess.run(["sh", "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_console_without_unicode() -> None:
    done = process(*RUN, env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert (done.returncode, done.stderr) == (0, "")
    assert "%" in done.stdout


def interruptible(words: list[str], stderr: int) -> subprocess.Popen[str]:
    """Start a child that Ctrl-C reaches, also where the tests run behind ``nohup ... &``, which ignores it for all children."""

    def heed() -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=stderr, text=True, preexec_fn=heed)


def test_interrupt_ends_quietly() -> None:
    words = [
        sys.executable,
        "-m",
        "expsim_panel",
        "run",
        "ranking-diversity",
        "--replicates",
        "1000000",
        "--workers",
        "1",
    ]
    # Machine code first: a compiler in the middle of its work answers no signal. And the time that the start takes:
    # an interrupt during the imports may end up in a callback that swallows it.
    subprocess.run([*words, "--replicates", "10"], check=True, capture_output=True, timeout=280)
    warm = time.monotonic()
    subprocess.run([*words, "--replicates", "10"], check=True, capture_output=True, timeout=280)
    startup = time.monotonic() - warm
    child = interruptible(words, stderr=subprocess.PIPE)
    try:
        time.sleep(2 + 1.5 * startup)
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=60)
    finally:
        child.kill()
    assert (child.returncode, out, err) == (130, "", "")


def test_serve_refuses_a_taken_port(expsim: Any) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused(expsim("serve", "--port", str(port)), "--port", str(port), "cannot be used")


def test_the_app_is_found_without_panel(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(serve, "find_spec", lambda name: SimpleNamespace(submodule_search_locations=[str(tmp_path)]))
    with pytest.raises(FileNotFoundError, match="not installed"):
        serve.app_file()
    (tmp_path / "app.py").touch()
    assert serve.app_file() == tmp_path / "app.py"
    code = (
        "import sys; from importlib.util import find_spec; spec = find_spec('expsim_panel.layouts')\n"
        "assert spec.submodule_search_locations and 'panel' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_serve_starts_panel_as_a_child(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "app_file", lambda: Path("layouts/app.py"))
    words = serve.command(5007, "0.0.0.0", True, ["example.org"])
    assert words[:5] == [sys.executable, "-m", "panel", "serve", "layouts/app.py"]
    assert words[5:9] == ["--port", "5007", "--address", "0.0.0.0"]
    assert words[9:] == ["--setup", str(Path("layouts/ready.py")), "--allow-websocket-origin", "example.org", "--show"]


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_serve_hands_signals_on(number: signal.Signals, status: int) -> None:
    # A group of its own: a terminal's Ctrl-C must reach the server once, through us.
    server = "import os, time; print(os.getpid() == os.getpgid(0), flush=True); time.sleep(60)"
    code = f"import sys; from expsim_panel.commands.serve import supervise; sys.exit(supervise([sys.executable, '-c', {server!r}]))"
    parent = interruptible([sys.executable, "-c", code], stderr=subprocess.DEVNULL)
    assert parent.stdout is not None
    assert parent.stdout.readline() == "True\n"
    parent.send_signal(number)
    # The pipe only ends when the child, which inherited it, has gone as well.
    assert parent.communicate(timeout=20)[0] == ""
    assert parent.returncode == status


def test_serve_returns_the_servers_status() -> None:
    assert serve.supervise([sys.executable, "-c", "raise SystemExit(3)"]) == 3
