"""What is inlined: one body for kernels, another machine code for Python, never confused on disk."""

import os
import subprocess
import sys

import numpy as np
import pytest
from numba import float64
from numba.core import config

from expsim_panel.kernels.arms import row_variance
from expsim_panel.kernels.jit import _OwnNames
from expsim_panel.kernels.trials import decide

COUNT = """
from numba.core import event
found = []
class Count(event.Listener):
    def on_start(self, one):
        found.append(one.data["dispatcher"])
    def on_end(self, one):
        pass
event.register("numba:compile", Count())
from expsim_panel import bandit
bandit([0.3, 0.6], ["ucb1"], 20, replicates=10, workers=1)
print(len(found))
"""


@pytest.mark.skipif(config.DISABLE_JIT, reason="nothing is compiled")
def test_machine_code_for_python_has_a_name_of_its_own():
    assert row_variance(4.0, 8.0, 20.0, 1.0) == row_variance.py_func(4.0, 8.0, 20.0, 1.0) == 4.0 / 3.0
    # Numba's index of a function's machine code tells types apart, not flags.
    inlined, alone = row_variance, row_variance.alone
    assert inlined._cache._impl.filename_base != alone._cache._impl.filename_base
    assert inlined.targetoptions["no_cpython_wrapper"]
    assert not alone.targetoptions["no_cpython_wrapper"]
    assert alone.signatures == [(float64, float64, float64, float64)]


@pytest.mark.skipif(config.DISABLE_JIT, reason="nothing is compiled")
def test_what_is_inlined_has_a_body_for_callers_and_no_machine_code():
    signature = (float64, float64, float64, float64)
    row_variance.compile(signature)
    made = row_variance.overloads[signature]
    # Also where it was read from disk: what an earlier process left has a body.
    bodies = [one.name for one in made.library._get_module_for_linking().functions if not one.is_declaration]
    assert made.fndesc.llvm_func_name in bodies
    assert list(made.library.get_defined_functions()) == []


def test_two_processes_that_save_at_once_never_mix_their_machine_code(tmp_path, monkeypatch):
    one, other = (_OwnNames(str(tmp_path), "kernel", "stamp") for _ in range(2))
    # Both have read the index before either wrote it.
    for file in (one, other):
        monkeypatch.setattr(file, "_load_index", dict)
    one.save("one", 1)
    other.save("other", 2)
    fresh = _OwnNames(str(tmp_path), "kernel", "stamp")
    assert (fresh.load("one"), fresh.load("other")) == (None, 2)
    fresh.save("one", 1)
    fresh.save("other", 3)
    assert (fresh.load("one"), fresh.load("other")) == (1, 3)


@pytest.mark.skipif(config.DISABLE_JIT, reason="nothing is compiled")
def test_every_kernel_saves_so():
    assert isinstance(row_variance._cache._cache_file, _OwnNames)
    assert isinstance(row_variance.alone._cache._cache_file, _OwnNames)


def test_a_type_without_a_body_is_refused():
    with pytest.raises(KeyError):
        decide((1.0,), 0, np.zeros((4, 2)))


def test_a_second_process_compiles_nothing():
    # The first fills the cache where no test before it has.
    counts = [
        int(
            subprocess.run(
                [sys.executable, "-c", COUNT], env=dict(os.environ), capture_output=True, text=True, check=True
            ).stdout
        )
        for _ in range(2)
    ]
    assert counts[1] == 0
