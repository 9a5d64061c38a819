"""Lists that come page by page."""

from __future__ import annotations

from typing import Annotated

import typer

Limit = Annotated[int, typer.Option("--limit", min=1, max=200, help="最多列出 / So many.")]
Cursor = Annotated[
    str | None,
    typer.Option("--cursor", help="从上一页继续 / From where the page before ended.", show_default=False),
]
