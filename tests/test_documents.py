"""What the documents show is run."""

import doctest
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("name", ["README.md", "docs/conventions.md"])
def test_examples_in_documents_run(name):
    tried = doctest.testfile(str(ROOT / name), module_relative=False, encoding="utf-8")
    assert tried.attempted > 0
    assert tried.failed == 0


def test_readme_starts_with_the_two_commands():
    lines = [line.strip() for line in (ROOT / "README.md").read_text(encoding="utf-8").splitlines() if line.strip()]
    assert lines[2] == "python -m pip install . && expsim run summarization-prompt"
    assert lines[3] == 'python -m pip install ".[test]" && python -m pytest'
