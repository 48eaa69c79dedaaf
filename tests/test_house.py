"""House rules that no tool checks: who imports whom, sizes, bans, parameters that explain themselves."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import pkgutil
import re
import statistics
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import param
import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

import expsim_panel

ROOT = Path(__file__).resolve().parent.parent
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LAYERS = ("kernels", "expsim_panel", "layouts")
STDLIB = sys.stdlib_module_names


def source_files(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def imports(path: Path) -> Iterator[str]:
    """Yield the dotted name of everything that `path` imports, at any depth of the file.

    ``from a import b`` yields ``a.b``: `b` may be a module. ``import_module("a.b")`` counts as well.
    """
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{'.' * node.level}{node.module or ''}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in {"import_module", "__import__"} and isinstance(node.args[0].value, str):
                yield node.args[0].value


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def layer_breach(layer: str, file: str, name: str) -> bool:
    """Tell whether a file of `layer` must not import `name`."""
    top = name.split(".")[0]
    if layer == "kernels":
        if within(name, "expsim_panel"):
            return not within(name, "expsim_panel.kernels")
        return not (
            top in STDLIB or top in {"numpy", "numba", "llvmlite"} or (top == "platformdirs" and file == "jit.py")
        )
    if layer == "expsim_panel":
        return top in {"panel", "panel_material_ui"} or within(name, "expsim_panel.layouts")
    return within(name, "expsim_panel.kernels") or top == "numba"


@pytest.mark.parametrize("layer", LAYERS)
def test_imports_go_one_way(layer: str) -> None:
    files = source_files(layer)
    assert files
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in files
        for name in imports(path)
        if layer_breach(layer, path.name, name)
    ]
    assert not wrong


@pytest.mark.parametrize(
    ("layer", "code", "wrong"),
    [
        ("kernels", "import scipy.special", True),
        ("kernels", "import math\nimport numpy as np", False),
        ("kernels", "from expsim_panel import study", True),
        ("kernels", "from expsim_panel.kernels import jit", False),
        ("kernels", "import platformdirs", True),
        ("expsim_panel", "def f():\n    import panel as pn", True),
        ("expsim_panel", "from expsim_panel import layouts", True),
        ("expsim_panel", "from importlib import import_module\nimport_module('panel')", True),
        ("expsim_panel", "from expsim_panel.kernels.trials import run", False),
        ("layouts", "from expsim_panel import kernels", True),
        ("layouts", "import panel as pn\nfrom expsim_panel import Study", False),
    ],
)
def test_the_import_check_sees(layer: str, code: str, wrong: bool, tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text(code)
    assert any(layer_breach(layer, path.name, name) for name in imports(path)) is wrong


def test_the_package_list_is_the_folders() -> None:
    mapped = PROJECT["tool"]["setuptools"]["package-dir"]
    found = set()
    for layer in LAYERS:
        name = next((name for name, folder in mapped.items() if folder == layer), layer)
        for init in (ROOT / layer).rglob("__init__.py"):
            found.add(".".join([name, *init.parent.relative_to(ROOT / layer).parts]))
        # A folder of modules without an __init__.py would work in a checkout and be missing once installed.
        bare = [path for path in source_files(layer) if not (path.parent / "__init__.py").is_file()]
        assert not bare
    listed = PROJECT["tool"]["setuptools"]["packages"]
    assert listed == sorted(listed)
    assert set(listed) == found


def test_files_are_short() -> None:
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for path in source_files(*LAYERS, "benchmarks")
    }
    assert {name: length for name, length in lengths.items() if length > 400} == {}
    # The many files of a docstring alone would hide long ones in the median.
    assert statistics.median(length for length in lengths.values() if length > 10) <= 150


def test_no_file_is_a_drawer() -> None:
    assert not [path for path in source_files(*LAYERS, "tests") if path.stem in {"utils", "util", "helpers", "misc"}]


def banned(path: Path) -> Iterator[str]:
    """Yield what `path` does that only kernels/jit.py may decide, or nobody may do."""
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.keyword) and node.arg in {"parallel", "fastmath"}:
            if not (isinstance(node.value, ast.Constant) and node.value.value is False):
                yield f"{node.arg}="
        elif isinstance(node, ast.Attribute) and ast.unparse(node) in {"np.random.seed", "numpy.random.seed"}:
            yield "np.random.seed"
        elif isinstance(node, ast.Attribute) and ast.unparse(node.value) in {"numba", "nb"}:
            if node.attr in {"njit", "jit", "vectorize", "guvectorize", "prange"}:
                yield f"numba.{node.attr}"
        elif isinstance(node, ast.ImportFrom) and within(node.module or "", "numba"):
            compiling = {"njit", "jit", "vectorize", "guvectorize", "prange", "CPUDispatcher"}
            names = {alias.name for alias in node.names} & compiling
            yield from (f"numba.{name}" for name in names)


def test_only_jit_compiles_and_nobody_reseeds() -> None:
    allowed = {ROOT / "kernels" / "jit.py": {"numba.CPUDispatcher"}}
    wrong = {
        str(path.relative_to(ROOT)): found
        for path in source_files(*LAYERS, "benchmarks", "tests")
        if (found := set(banned(path)) - allowed.get(path, set()))
    }
    assert wrong == {}
    assert set(banned(ROOT / "kernels" / "jit.py")) == {"numba.CPUDispatcher"}


@pytest.mark.parametrize(
    "code",
    [
        "f(parallel=True)",
        "f(fastmath=flag)",
        "import numpy as np\nnp.random.seed(1)",
        "from numba import njit",
        "from numba.core.registry import CPUDispatcher",
        "numba.jit(f)",
    ],
)
def test_the_ban_sees(code: str, tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text(code)
    assert list(banned(path))


def project_texts() -> Iterator[tuple[str, str]]:
    """Yield name and text of the project's own files: no environments, caches, or build results."""
    skipped = {"__pycache__", "build", "dist", "node_modules", "test-results"}
    folders = [ROOT]
    while folders:
        folder = folders.pop()
        for path in sorted(folder.iterdir()):
            hidden = path.name.startswith(".") and path.name not in {".ci", ".github", ".gitignore"}
            if hidden or path.name in skipped or path.name.endswith(".egg-info"):
                continue
            if path.is_dir():
                if not (path / "pyvenv.cfg").is_file():
                    folders.append(path)
            elif path.suffix in {"", ".py", ".toml", ".md", ".txt", ".cfg", ".yml", ".yaml", ".json", ".sh", ".csv"}:
                yield str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")


def test_no_addresses_of_a_machine() -> None:
    """A package index or a path of somebody's machine in a file works for that somebody only."""
    pattern = re.compile(
        r"--(?:extra-)?index-url|--find-links|--trusted-host|/simple/?\b|PIP_INDEX|"
        r"(?<![\w.])/(?:work|root|home|Users)/|(?<![\w.])/tmp/v\b|\.\./shared"
    )
    own = str(Path(__file__).resolve().relative_to(ROOT))
    texts = dict(project_texts())
    assert {"pyproject.toml", "constraints.txt", str(Path(".ci/run")), own} <= set(texts)
    hits = {
        name: lines
        for name, text in texts.items()
        if name != own and (lines := [line for line in text.splitlines() if pattern.search(line)])
    }
    assert hits == {}


BLOCKED = """
import sys

class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"panel", "panel_material_ui"}:
            raise ImportError(f"{name} is blocked in this test")

sys.meta_path.insert(0, Block())
sys.argv = ["expsim", *sys.argv[1:]]
from expsim_panel.__main__ import main
sys.exit(main())
"""


def without_panel(*arguments: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_scenarios_are_listed_without_panel() -> None:
    stems = {path.stem for path in (ROOT / "expsim_panel" / "scenarios").glob("*.toml")}
    assert "summarization-prompt" in stems
    listed = json.dumps(without_panel("list", "--json", "-"))
    assert {stem for stem in stems if f'"{stem}"' not in listed} == set()


def test_a_study_runs_without_panel() -> None:
    result = without_panel("run", "summarization-prompt", "--replicates", "50", "--json", "-")
    assert result["provenance"]["replicates"] == 50
    assert len(result["strategies"]) >= 5


@pytest.mark.parametrize("folder", ["kernels", "layouts"])
def test_a_second_copy_is_refused(folder: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", f"import {folder}"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert f"ImportError: import expsim_panel.{folder}, not {folder}" in done.stderr


def parameterized_classes() -> list[type[param.Parameterized]]:
    """Return every Parameterized class of the installed packages (by the list: in a checkout the package's path
    also holds the root, and walking that would import second copies)."""
    found: set[type[param.Parameterized]] = set()
    for package_name in PROJECT["tool"]["setuptools"]["packages"]:
        package = importlib.import_module(package_name)
        modules = [package]
        for entry in pkgutil.iter_modules([str(Path(str(package.__file__)).parent)]):
            if not entry.ispkg and entry.name != "__main__":
                modules.append(importlib.import_module(f"{package_name}.{entry.name}"))
        for module in modules:
            for _, thing in inspect.getmembers(module, inspect.isclass):
                if issubclass(thing, param.Parameterized) and thing.__module__ == module.__name__:
                    found.add(thing)
    return sorted(found, key=lambda cls: (cls.__module__, cls.__qualname__))


def unexplained(cls: type[param.Parameterized]) -> Iterator[str]:
    """Yield what is missing in the declarations of `cls`: a person reads label and doc beside the widget."""
    for name, declared in cls.param.objects("existing").items():
        if name == "name" or name.startswith("_"):
            continue
        if declared.owner.__module__.startswith(("panel.", "panel_material_ui.")):
            continue  # of a widget that is changed here, and declared by the toolkit
        where = f"{cls.__module__}.{cls.__qualname__}.{name}"
        if not (declared.doc or "").strip():
            yield f"{where} has no doc"
        # Param makes labels up ("Icc", "Usd per second"), so ask for one that somebody wrote.
        if not declared._label:
            yield f"{where} has no label"
        ends = (*(getattr(declared, "bounds", None) or ()), *(getattr(declared, "softbounds", None) or ()))
        if isinstance(declared, param.Number) and all(end is None for end in ends):
            yield f"{where} has no bounds"


def test_every_parameter_explains_itself() -> None:
    classes = parameterized_classes()
    assert len(classes) >= 10
    assert [line for cls in classes for line in unexplained(cls)] == []


def test_the_parameter_check_sees() -> None:
    class Bare(param.Parameterized):
        number = param.Number(1.0)
        told = param.Number(1.0, bounds=(0, None), label="Told", doc="What it is.")

    assert [line.split(".")[-1] for line in unexplained(Bare)] == [
        "number has no doc",
        "number has no label",
        "number has no bounds",
    ]


def test_one_version() -> None:
    assert metadata.version("expsim-panel") == expsim_panel.__version__
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## [{expsim_panel.__version__}]" in changelog


def requirements(*extras: str) -> dict[str, SpecifierSet]:
    lines: list[str] = list(PROJECT["project"]["dependencies"])
    for extra in extras:
        lines += PROJECT["project"]["optional-dependencies"][extra]
    wanted = [Requirement(line) for line in lines]
    return {canonicalize_name(one.name): one.specifier for one in wanted if one.name != PROJECT["project"]["name"]}


@pytest.mark.parametrize(
    ("file", "extras"), [("constraints.txt", ("test", "bench", "dev")), ("constraints-3.12.txt", ("test",))]
)
def test_constraints_are_pins_inside_the_ranges(file: str, extras: tuple[str, ...]) -> None:
    lines = (ROOT / file).read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if not line.startswith("#"))
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+|\.[a-z0-9]+)*", name) for name in pins)
    assert list(pins) == sorted(pins)
    wanted = requirements(*extras)
    assert set(wanted) - set(pins) == set()
    assert {name: pins[name] for name, allowed in wanted.items() if pins[name] not in allowed} == {}


def test_every_dependency_has_a_reason() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = text.split("## Dependencies and their reasons")[1].split("\n## ")[0]
    told = {canonicalize_name(name) for name in re.findall(r"^\| `([^`]+)` \|", section, flags=re.MULTILINE)}
    build = {canonicalize_name(Requirement(line).name) for line in PROJECT["build-system"]["requires"]}
    assert told == set(requirements("test", "bench", "dev")) | build
