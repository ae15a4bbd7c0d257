"""What a command prints: answers on standard output, words for people on standard error.

Nothing that came from outside may steer the terminal, nor be taken for markup.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import orjson
from rich import box
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["complain", "print_json", "print_table", "printable", "progress_bar", "say"]

# A pipe has no width; wide enough that no path or sentence is folded there.
_PIPE_COLUMNS = 400


def printable(text: str) -> str:
    r"""`text` as it may go to a terminal: control characters but line ends replaced.

    >>> printable("a\x1b[31mb")
    'a�[31mb'
    """
    return "".join(char if char.isprintable() or char == "\n" else "\ufffd" for char in text)


def print_json(value: Any) -> None:
    """Print `value` as JSON on standard output, indented by two."""
    sys.stdout.write(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode() + "\n")


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table on standard output; columns whose cells are all numbers stand to the right."""
    cells = [[_cell(value) for value in row] for row in rows]
    numbers = [
        bool(cells) and all(_is_number(row[column]) for row in cells)
        for column in range(len(columns))
    ]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for name, is_number in zip(columns, numbers, strict=True):
        table.add_column(name, justify="right" if is_number else "left", overflow="fold")
    for row in cells:
        table.add_row(*(Text(cell) for cell in row))
    console = _console(sys.stdout)
    if title:
        # Not the table's own, which is folded where the table is narrow.
        console.print(Text(printable(title), style="bold"))
    console.print(table)
    console.print()


def say(text: str) -> None:
    """Tell the person something that is not the answer, on standard error."""
    sys.stderr.write(printable(text) + "\n")
    sys.stderr.flush()


def complain(text: str) -> None:
    """Tell the person what is wrong, on standard error."""
    say(f"sectorwatch: {text}")


def progress_bar(*extra: str, sized: bool = True) -> Progress:
    """A progress bar on standard error; it is not drawn where that is no terminal.

    `extra` are fields of the task shown behind it. Without `sized` nobody knows how much is to
    come: something turns, to show that it goes on.
    """
    columns: list[ProgressColumn] = [TextColumn("{task.description}", markup=False)]
    if sized:
        columns += [BarColumn(), TextColumn("{task.percentage:>3.0f}%"), TimeRemainingColumn()]
    else:
        columns += [SpinnerColumn(), TimeElapsedColumn()]
    columns += [TextColumn(f"{{task.fields[{name}]}}", markup=False) for name in extra]
    console = _console(sys.stderr)
    return Progress(*columns, console=console, disable=not console.is_terminal, transient=True)


def _console(file: Any) -> Console:
    is_terminal = file.isatty()
    return Console(
        file=file,
        width=None if is_terminal else _PIPE_COLUMNS,
        no_color=None if is_terminal and "NO_COLOR" not in os.environ else True,
        highlight=False,
        markup=False,
        emoji=False,
    )


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.1f}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return printable(str(value))


def _is_number(cell: str) -> bool:
    return bool(cell) and cell.replace(",", "").replace(".", "", 1).lstrip("-").isdecimal()
