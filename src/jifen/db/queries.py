"""SQL as source: named, documented blocks in the files beside this module.

A block begins with `-- name: NAME` and runs to the next one; what follows `--` after that is its documentation.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


@cache
def load_queries(file: str) -> dict[str, str]:
    """All blocks of `db/sql/FILE.sql` by name."""
    text = files("jifen.db").joinpath("sql", f"{file}.sql").read_text(encoding="utf-8")
    parts = _NAME.split(text)
    return {name: body.strip() for name, body in zip(parts[1::2], parts[2::2], strict=True)}
