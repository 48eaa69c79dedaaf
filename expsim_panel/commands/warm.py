"""`expsim warm`: compile the kernels now, so that no first run has to."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from expsim_panel.study import Study

UNEVEN = {
    "scenario": {"name": "warm"},
    "metric": {"name": "score", "family": "normal", "sd": 1.0},
    "variants": [{"name": "A", "mean": 0.0}, {"name": "B", "mean": 0.1}],
    "traffic": {"units_per_day": 40, "days": 5, "delay_days": 1, "novelty": {"size": 0.1, "days": 2}},
}
"""Days that differ and outcomes that are late: one compiled loop serves every such world and family of outcomes."""


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
        # Side by side only the drawing of verdicts is new: what stops an experiment reads sums as anywhere.
        for kind in ["fixed-horizon"] if library.load(name).side_by_side else kinds():
            Study.load(name, names=[kind]).run(replicates=2, workers=1)
    for study in uneven():
        study.run(replicates=2, workers=1)
    for study in calibrated():
        study.run(replicates=2, workers=1)
    bandits = per_request()
    surfaces()
    ratings()
    looks = equal_information(3)
    group_sequential(obrien_fleming_shape(looks), looks, 0.05, 2)
    sequential_design("kim-demets", 3, 0.05, 1, futility_kind="kim-demets", power=0.8, binding=True)
    took = quantities.count(time.perf_counter() - started)
    console().print(
        f"Compiled {len(kinds())} strategies for {len(library.names())} scenarios and for worlds that are not plain, "
        f"and {bandits} policies per request, in {took} s."
    )


def uneven() -> list[Study]:
    """Return studies of a world that is not plain: a fixed split, and every policy that adapts."""
    from expsim_panel.strategy import build, kinds
    from expsim_panel.study import Study

    # Every fixed split reads paths drawn beforehand, by the same code as in a plain world.
    adaptive = [kind for kind in kinds() if build({"kind": kind}, "warm", kind).policy.adaptive]
    return [Study.from_tree(UNEVEN, "warm", names=[kind]) for kind in ("fixed-horizon", *adaptive)]


def calibrated() -> list[Study]:
    """Return a study whose judge is calibrated by an isotonic map, of labels that are later than scores."""
    from expsim_panel.study import Study

    people = {"noise_sd": 0.5, "price_per_label": 1.0, "delay_days": 2, "raters": 4}
    own = {"kind": "hybrid", "correction": "isotonic", "label_share": 0.5, "human": people}
    # The judge's price is of no concern here.
    own["judge"] = {"price_override": 0.01}
    return [Study.from_tree({**UNEVEN, "evaluator": own}, "warm", names=["fixed-horizon"])]


def request_policies() -> list[str]:
    """Return the names of the policies that choose request by request."""
    from expsim_panel.policy import policies

    return [name for name in policies.names() if name != "split"]


def per_request() -> int:
    """Play every policy that chooses request by request, in both families; return how many there are."""
    from expsim_panel.bandits import bandit

    names = request_policies()
    for family in ("bernoulli", "gaussian"):
        for name in names:
            bandit([0.2, 0.6], family=family, policies=[f"{name}(m=2)" if name == "explore-then-commit" else name],
                   horizon=40, replicates=2, workers=1)  # fmt: skip
    return len(names)


def surfaces() -> None:
    """Simulate small surfaces, of one strategy and of the difference of two, of scores and of rates."""
    from expsim_panel import axes, places
    from expsim_panel.response_surface import response_surface
    from expsim_panel.study import Study

    for name in ("summarization-prompt", "hallucination-prompt"):
        study = Study.load(name, names=["fixed-horizon", "obrien-fleming"])
        x = axes.axis(study, places.EFFECT, 0.0, 0.01, 2)
        for minus in (None, "obrien-fleming"):
            response_surface(study, "fixed-horizon", x, minus=minus, simulate=True, replicates=2, workers=1)


def ratings() -> None:
    """Measure a small table of people's ratings, just large enough for a realism score: it fits all laws."""
    import tempfile
    from pathlib import Path

    from expsim_panel.calibrate import calibrate
    from expsim_panel.rating_table import read_table

    rows = [
        f"{item},{'AB'[item % 2]},{rater},{1 + (item + rater * (item % 3)) % 5}"
        for item in range(200)
        for rater in range(3)
    ]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "warm.csv"
        path.write_text("\n".join(["item,variant,rater,score", *rows]), encoding="utf-8")
        calibrate(read_table(path)[0], splits=1)
