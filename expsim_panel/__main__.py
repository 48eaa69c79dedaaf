"""The command line: `expsim`, or `python -m expsim_panel`.

Exit status: 0 done, 1 the computation failed, 2 the input was wrong (one line on standard error). Nothing
heavy is imported here or at the top of a command's module: help and `list` must not wait for Numba.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from expsim_panel._version import VERSION
from expsim_panel.commands import (
    bandit,
    calibrate,
    check,
    decide,
    evaluators,
    exact,
    listing,
    offline,
    rank,
    run,
    serve,
    surface,
    warm,
)
from expsim_panel.commands.groups import CONTEXT, Commands, show_help
from expsim_panel.commands.usage import USAGE_ERROR, one_line
from expsim_panel.errors import InputError
from expsim_panel.printed import clean

DONE, FAILED, WRONG_INPUT, INTERRUPTED = 0, 1, 2, 130

app = typer.Typer(
    name="expsim",
    cls=Commands,
    help="Simulate a GenAI experiment before you pay for it.",
    epilog="Start with: expsim run summarization-prompt",
    context_settings=CONTEXT,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"expsim-panel {VERSION}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def expsim(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Simulate a GenAI experiment before you pay for it."""
    show_help(context)


app.command("list")(listing.list_scenarios)
app.command("run")(run.run)
app.command("decide")(decide.decide)
app.command("surface")(surface.surface)
app.command("evaluators")(evaluators.evaluators)
app.add_typer(exact.app, name="exact")
app.command("bandit")(bandit.bandit)
app.command("offline")(offline.offline)
app.command("rank")(rank.rank)
app.command("calibrate")(calibrate.calibrate)
app.command("check")(check.check)
app.command("warm")(warm.warm)
app.command("serve")(serve.serve)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status.

    Parameters
    ----------
    arguments : sequence of str, optional
        Instead of ``sys.argv[1:]``.
    """
    for stream in (sys.stdout, sys.stderr):
        # A terminal without UTF-8 should show a question mark for "±" instead of failing.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    given = sys.argv[1:] if arguments is None else list(arguments)
    try:
        returned: Any = typer.main.get_command(app).main(args=given, prog_name="expsim", standalone_mode=False)
        sys.stdout.flush()
    except InputError as error:
        return _complain(str(error), WRONG_INPUT)
    except USAGE_ERROR as error:
        return _complain(one_line(error, given), WRONG_INPUT)
    except SystemExit as left:
        # Typer and Rich leave this way, quietly, when the reader of a pipe has gone.
        return left.code if isinstance(left.code, int) else DONE
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except BrokenPipeError:
        # Nobody reads: let the interpreter's own flush at exit go nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except Exception as error:
        if os.environ.get("EXPSIM_TRACEBACK"):
            raise
        what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        return _complain(f"the computation failed: {what}; EXPSIM_TRACEBACK=1 shows where", FAILED)
    return returned if isinstance(returned, int) else DONE


def _complain(line: str, status: int) -> int:
    """Print one line on standard error and return `status`."""
    print(clean(line), file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
