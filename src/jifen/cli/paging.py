"""Lists that come page by page."""

from __future__ import annotations

from typing import Annotated

import typer

from jifen.cli.invocation import Invocation
from jifen.cli.output import write_note

Limit = Annotated[int, typer.Option("--limit", min=1, max=200, help="最多列出 / So many.")]
Cursor = Annotated[
    str | None,
    typer.Option("--cursor", help="从上一页继续 / From where the page before ended.", show_default=False),
]


def note_more(invocation: Invocation, cursor: str | None) -> None:
    """Tell people where a list goes on, if it does."""
    if cursor is not None:
        write_note(invocation.say(f"还有更多：--cursor {cursor}", f"There are more: --cursor {cursor}"))
