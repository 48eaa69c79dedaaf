"""`expsim warm`: compile the kernels now, so that no first run has to."""

from __future__ import annotations

import time


def warm() -> None:
    """Compile the kernels ahead of time."""
    from expsim_panel import library, quantities
    from expsim_panel.analytic import equal_information, group_sequential, obrien_fleming_shape
    from expsim_panel.commands.screen import console
    from expsim_panel.sequential import sequential_design
    from expsim_panel.strategy import kinds
    from expsim_panel.study import Study

    started = time.perf_counter()
    # Machine code differs by family and kind of strategy; the library holds both families.
    for name in library.names():
        for kind in kinds():
            Study.load(name, names=[kind]).run(replicates=2, workers=1)
    looks = equal_information(3)
    group_sequential(obrien_fleming_shape(looks), looks, 0.05, 2)
    sequential_design("kim-demets", 3, 0.05, 1, futility_kind="kim-demets", power=0.8, binding=True)
    took = quantities.count(time.perf_counter() - started)
    console().print(f"Compiled {len(kinds())} strategies for {len(library.names())} scenarios in {took} s.")
