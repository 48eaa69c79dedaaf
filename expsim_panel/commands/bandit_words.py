"""What `expsim bandit` prints below its table: curves, maps, and what can be inferred after each policy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from expsim_panel.bandit_curves import RegretCurve
    from expsim_panel.bandit_inference import Inference
    from expsim_panel.bandit_surface import RegretSurface

_ACROSS, _UP = 7, 9
"""Levels that a terminal holds; the JSON has all."""


def print_over(curve: RegretCurve) -> None:
    """Print regret by level."""
    import numpy as np
    from rich import box
    from rich.table import Table

    from expsim_panel.commands.screen import console, heading
    from expsim_panel.varied import FIGURES, LOST, told

    some = np.unique(np.linspace(0, curve.values.size - 1, min(curve.values.size, _ACROSS)).round().astype(int))
    out = console()
    for key in told(curve.figures):
        table = Table("Policy", *(f"{curve.values[k]:.4g}" for k in some), box=box.SIMPLE_HEAD, pad_edge=False)
        for column in table.columns[1:]:
            column.justify = "right"
        for name, row in zip(curve.names, curve.figures[key], strict=True):
            table.add_row(name, *(f"{row[k]:.4g}" for k in some))
        words = "Regret" if key == LOST else FIGURES[key]
        out.print(heading(f"{words} over {curve.path}: {curve.label}"))
        out.print(table)


def print_map(made: RegretSurface) -> None:
    """Print the regret of the best bandit less that of the even split, or its own without one."""
    import numpy as np
    from rich import box
    from rich.table import Table

    from expsim_panel.commands.screen import console, facts, heading
    from expsim_panel.varied import FIGURES, LOST, told

    out = console()
    across = np.unique(np.linspace(0, made.x.values.size - 1, min(made.x.values.size, _ACROSS)).round().astype(int))
    up = np.unique(np.linspace(0, made.y.values.size - 1, min(made.y.values.size, _UP)).round().astype(int))
    for key in told(made.figures):
        shown = made.shown(made.bandit, key, made.minus(made.bandit))
        table = Table(made.y.path, *(f"{made.x.values[k]:.4g}" for k in across), box=box.SIMPLE_HEAD, pad_edge=False)
        for column in table.columns[1:]:
            column.justify = "right"
        sign = "+" if shown.minus else ""
        for j in up[::-1]:
            table.add_row(f"{made.y.values[j]:.4g}", *(f"{shown.value[j, i]:{sign}.4g}" for i in across))
        words = "regret" if key == LOST else FIGURES[key].lower()
        out.print(heading(f"{shown.whose}: {words}, {made.x.path} across"))
        out.print(table)
        if key == LOST and shown.minus:
            better = float(np.mean(shown.value < 0.0))
            words = f"below 0 the bandit loses less: {100 * better:.0f} % of the map; the JSON has the contour of 0"
            out.print(facts([("Sign", words)]))


def print_inference(learned: Sequence[Inference]) -> None:
    """Print bias and coverage of the naive and the valid estimators, and the first experiment's recommendation."""
    import numpy as np
    from rich import box
    from rich.table import Table

    from expsim_panel.adaptive_inference import METHODS
    from expsim_panel.bandit_inference import LABELS, METHOD, valid
    from expsim_panel.commands.screen import console, facts, heading
    from expsim_panel.exports._bandit_inference import more_columns
    from expsim_panel.quantities import percent

    told = [one for one in learned if one.coverage is not None]
    if not learned:
        return
    out = console()
    out.print(heading("After the experiment: estimators at nominal 90 %"))
    if told:
        more = more_columns(told)
        heads = ("Policy", "Estimator", "Bias", "Covers", "Differences", "Wrong", *(word for word, _ in more))
        table = Table(*heads, box=box.SIMPLE_HEAD, pad_edge=False)
        for column in table.columns[2:]:
            column.justify = "right"
        for one in told:
            for m, name in enumerate(METHODS):
                if one.coverage is None or one.wrong is None or name not in ("sample_mean", METHOD):
                    continue
                bias = one.coverage.bias[m]
                table.add_row(
                    one.policy if m == 0 else "",
                    ("Weighted AIPW" if name == METHOD else LABELS[name]) + ("" if valid(name, one.policy) else "*"),
                    f"{bias[int(np.abs(bias).argmax())]:+.2g}",
                    percent(float(one.coverage.coverage[m].min())),
                    percent(float(one.coverage.contrast_coverage[m].min())),
                    percent(float(one.wrong[m])),
                    *(cell(one, m) for _, cell in more),
                )
        out.print(table)
    lines = [
        (
            one.policy if len(one.policy) <= 24 else f"{one.policy[:23]}\u2026",
            one.reason or (one.recommendation.sentence if one.recommendation else ""),
        )
        for one in learned
    ]
    words = (
        "Bias, Covers, Differences: the largest and the lowest, over arms. Wrong: recommends a lesser arm. *: biased."
    )
    if told and more:
        words += " Bad events, In segments: lowest coverage of the rates of bad events, of the means by segment."
    how = f"one experiment of each policy, by {LABELS[METHOD]}; the JSON has all five estimators."
    out.print(facts([*lines, ("Recommended", how), ("Columns", words)]))
