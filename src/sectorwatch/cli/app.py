"""The program's commands put together, and what becomes of errors."""

# No `from __future__ import annotations` here: typer reads them when it runs.
import gc
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated

import typer

from sectorwatch import __version__
from sectorwatch.cli import (
    airspace,
    alerts,
    backtest,
    config,
    demo,
    export,
    gameday,
    keys,
    rebuild,
    replay,
    run,
    simulate,
)
from sectorwatch.cli.console import complain
from sectorwatch.errors import SectorwatchError

__all__ = ["app", "main"]

app = typer.Typer(
    name="sectorwatch",
    help="Know what happens in your airspace, and in the system that watches it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 good, 1 failed, 2 bad usage, 130 interrupted.",
)
app.command("run")(run.run)
app.command("demo")(demo.demo)
app.command("replay")(replay.replay)
app.command("simulate")(simulate.simulate)
app.command("export")(export.export)
app.command("rebuild")(rebuild.rebuild)
app.command("backtest")(backtest.backtest)
app.command("gameday")(gameday.gameday)
app.add_typer(airspace.app, name="airspace")
app.add_typer(keys.app, name="keys")
app.add_typer(alerts.app, name="alerts")
app.add_typer(config.app, name="config")


def _print_version(asked: bool) -> None:
    if asked:
        print(f"sectorwatch {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    _version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_print_version,
            is_eager=True,
            help="Print the version and exit.",
            show_default=False,
        ),
    ] = False,
) -> None:
    """Take the options that stand before a command."""


_SELDOM = (100_000, 20, 50)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and exit: what goes wrong as expected is said in words, with code 1."""
    # Loading modules and airspace makes a million values that stay: looking through them for
    # garbage again and again costs a tenth of the start and finds nothing.
    gc.set_threshold(*_SELDOM)
    try:
        app(None if arguments is None else list(arguments), prog_name="sectorwatch")
    except SectorwatchError as error:
        complain(str(error))
        _leave(1)
    except KeyboardInterrupt:
        _leave(130)
    except BrokenPipeError:
        _leave(1)
    except OSError as error:
        # The disk or the network, at a place that has no better words for it.
        complain(f"{error.filename or 'the system'}: {error.strerror or error}")
        _leave(1)
    except SystemExit as ended:
        _leave(ended.code if isinstance(ended.code, int) else int(ended.code is not None))


def _leave(code: int) -> None:
    """Exit, without a word about a reader of our output that has gone away."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            # What is left in the buffer would be tried again, and complained of, at the end.
            with suppress(OSError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    sys.exit(code)
