"""What a user installs: the archives hold everything, and everything starts from everywhere."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = {"expsim_panel": "expsim_panel", "kernels": "expsim_panel/kernels", "layouts": "expsim_panel/layouts"}


def python(*arguments: str, cwd: Path, path: Path | None = None) -> str:
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    if path is not None:
        environment["PYTHONPATH"] = str(path)
    done = subprocess.run(
        [sys.executable, *arguments], cwd=cwd, env=environment, capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == 0, f"{arguments}: {done.stderr or done.stdout}"
    return done.stdout


@pytest.fixture(params=["checkout", "elsewhere"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A working directory: in the checkout Python finds the sources first, elsewhere what is installed."""
    return ROOT if request.param == "checkout" else tmp_path


def test_the_command_line_starts(place: Path) -> None:
    text = python("-m", "expsim_panel", "--help", cwd=place)
    contract = (ROOT / "docs" / "contract.md").read_text(encoding="utf-8")
    promised = set(re.findall(r"^\| `expsim ([a-z]+)\b[^|]*` \| now \|", contract, flags=re.MULTILINE))
    assert {"list", "run", "calibrate"} <= promised
    assert promised - set(re.findall(r"[a-z]+", text)) == set()


def test_the_mapped_packages_are_found(place: Path) -> None:
    code = "import expsim_panel.kernels.jit, expsim_panel.layouts; print(expsim_panel.kernels.__name__)"
    assert python("-c", code, cwd=place).strip() == "expsim_panel.kernels"


def test_the_console_script_is_declared() -> None:
    scripts = {entry.name: entry.value for entry in metadata.distribution("expsim-panel").entry_points}
    assert scripts == {"expsim": "expsim_panel.__main__:main"}


def sources() -> dict[str, Path]:
    """Return what an installation must hold, by its path there: code, scenarios, the typing marker."""
    return {
        f"{target}/{path.relative_to(ROOT / folder).as_posix()}": path
        for folder, target in FOLDERS.items()
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def setuptools_is_old() -> bool:
    """Tell whether this environment cannot build offline (an isolated build would download setuptools)."""
    return importlib.util.find_spec("setuptools") is None or int(metadata.version("setuptools").split(".")[0]) < 77


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the sdist from a copy of the sources, and the wheel from the sdist: the way of a release."""
    if setuptools_is_old():
        pytest.skip("building without a download needs setuptools 77 or newer in this environment")
    copy = tmp_path_factory.mktemp("copy")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    built = tmp_path_factory.mktemp("built")
    build = "import sys; from setuptools import build_meta; getattr(build_meta, sys.argv[1])(sys.argv[2])"
    python("-c", build, "build_sdist", str(built), cwd=copy)
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        # Early patch releases of 3.11 have no filters, later ones warn without one.
        if hasattr(tarfile, "data_filter"):
            archive.extractall(built, filter="data")
        else:
            archive.extractall(built)
    python("-c", build, "build_wheel", str(built), cwd=built / sdist.name.removesuffix(".tar.gz"))
    (made,) = built.glob("*.whl")
    return made


def test_the_wheel_holds_the_sources_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = {name: archive.read(name) for name in archive.namelist() if ".dist-info/" not in name}
        licences = [name for name in archive.namelist() if name.endswith("licenses/LICENSE")]
    expected = sources()
    assert set(held) == set(expected)
    assert {name for name, path in expected.items() if path.read_bytes() != held[name]} == set()
    assert len(licences) == 1
    assert "expsim_panel/py.typed" in held
    assert "expsim_panel/scenarios/summarization-prompt.toml" in held


def test_the_unpacked_wheel_works_by_itself(wheel: Path, tmp_path: Path) -> None:
    """Elsewhere, before anything installed: the mapping must hold without the checkout."""
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    code = "import expsim_panel, expsim_panel.kernels.jit as jit; print(expsim_panel.__file__, jit.__file__)"
    for printed in python("-c", code, cwd=tmp_path, path=site).split():
        assert Path(printed).is_relative_to(site)
    listed = python("-m", "expsim_panel", "list", "--json", "-", cwd=tmp_path, path=site)
    assert "summarization-prompt" in listed
