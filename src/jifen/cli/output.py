"""How results leave: JSON and tables on standard output, everything that only accompanies them on standard error."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Final

import msgspec

Progress = Callable[[int, int], None]

UNWATCHED_COLUMNS: Final = 240


def write_line(text: str) -> None:
    """A line of the result."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def write_note(text: str) -> None:
    """A line beside the result, which a program that reads the result need not see."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def write_json(value: object) -> None:
    """The result as one JSON document."""
    write_line(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def write_table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """The result as a table; numbers stand to the right."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for index, heading in enumerate(headings):
        is_number = bool(rows) and all(isinstance(row[index], int) for row in rows)
        table.add_column(heading, justify="right" if is_number else "left", overflow="fold")
    for row in rows:
        # As plain text: a name in brackets is not markup.
        table.add_row(*(Text(_shown(value)) for value in row))
    # Where no person watches, nothing is folded to the width of a screen.
    width = None if sys.stdout.isatty() else UNWATCHED_COLUMNS
    Console(file=sys.stdout, highlight=False, width=width).print(table)


def shown_instant(instant: datetime) -> str:
    """An instant as this machine's clock shows it, with its offset from UTC; it can be given back as an option."""
    return instant.astimezone().isoformat(" ", "seconds")


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "✓" if value else ""
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, datetime):
        return shown_instant(value)
    return "" if value is None else str(value)


@contextmanager
def progress_bar(label: str, *, in_bytes: bool = False) -> Iterator[Progress]:
    """A progress bar on standard error while a person watches there; nothing otherwise."""
    if not sys.stderr.isatty():
        yield _nobody_watches
        return
    from rich import progress as bars
    from rich.console import Console

    counted = bars.DownloadColumn() if in_bytes else bars.MofNCompleteColumn()
    columns = (bars.TextColumn("{task.description}"), bars.BarColumn(), counted, bars.TimeRemainingColumn())
    with bars.Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _nobody_watches(_done: int, _total: int) -> None:
    """There is no terminal."""
