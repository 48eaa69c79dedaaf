"""`expsim exact`: answers that need no simulation. Each command has a module of its own."""

from __future__ import annotations

import typer

from expsim_panel.commands import (
    exact_conditional,
    exact_longer,
    exact_measuring,
    exact_peeking,
    exact_prior,
    exact_sequential,
    exact_sizes,
    exact_split,
    exact_worth,
)
from expsim_panel.commands.groups import CONTEXT, Commands, show_help

app = typer.Typer(cls=Commands, help="Exact answers that need no simulation.", context_settings=CONTEXT)


@app.callback(invoke_without_command=True)
def exact(context: typer.Context) -> None:
    """Exact answers that need no simulation."""
    show_help(context)


app.command("group-sequential")(exact_sequential.group_sequential)
app.command("peeking")(exact_peeking.peeking)
app.command("prior")(exact_prior.prior)
app.command("conditional-power")(exact_conditional.conditional_power)
app.command("split")(exact_split.split)
app.command("sample-size")(exact_sizes.sample_size)
app.command("power")(exact_sizes.power)
app.command("mde")(exact_sizes.mde)
app.command("duration")(exact_sizes.duration)
app.command("zero-events")(exact_sizes.zero_events)
app.command("how-much-longer")(exact_longer.how_much_longer)
app.command("break-even")(exact_measuring.break_even)
app.command("replication")(exact_measuring.replication)
app.command("drift-labels")(exact_measuring.drift_labels)
app.command("judge-launch")(exact_measuring.judge_launch)
app.command("value")(exact_worth.value)
app.command("pareto")(exact_worth.pareto)
app.command("response-time")(exact_worth.response_time)
