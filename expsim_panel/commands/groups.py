"""How groups of commands behave: a mistyped command gets a suggestion, none at all gets the help."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperGroup

from expsim_panel.errors import InputError, did_you_mean, shown

CONTEXT: dict[str, Any] = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class Commands(TyperGroup):
    """A group that answers an unknown command with the nearest one."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command that `args` starts with; raise `InputError` if there is none."""
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            problem = f"unknown command {shown(args[0])}"
            raise InputError(ctx.command_path, "", problem, did_you_mean(args[0], self.commands))
        return super().resolve_command(ctx, args)


def show_help(context: typer.Context) -> None:
    """Print the help of a group that was called without a command."""
    if context.invoked_subcommand is None:
        # Typer prints with Rich by itself and then has nothing left to return.
        text = context.get_help()
        if text:
            typer.echo(text)
        raise typer.Exit
