"""Imports that were asked for over HTTP."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from jifen.api.imports import (
    EXAMPLE_IMPORT,
    EXAMPLE_LINE,
    IMPORT_PATH,
    IMPORTS_PATH,
    ImportLine,
    ImportView,
    line_of,
    number_of,
    view_of_import,
)
from jifen.api.reads.base import Asked, Query, Read
from jifen.core.refusal import Refusal, refusal_from
from jifen.services.uploads.imports import LARGEST_NUMBER, UnknownImport, find_import, list_imports


class ImportsQuery(Query, frozen=True):
    """How many imports at most, and the cursor of the page before."""

    limit: Annotated[int, Meta(ge=1, le=200)] = 50
    cursor: Annotated[str, Meta(pattern="^[1-9][0-9]{0,17}$")] | None = None


class ImportsPage(msgspec.Struct, frozen=True):
    """Imports, the newest first."""

    imports: list[ImportLine]
    next_cursor: str | None


async def _imports(asked: Asked) -> ImportsPage:
    query: ImportsQuery = asked.query
    before = LARGEST_NUMBER if query.cursor is None else int(query.cursor)
    found = await list_imports(asked.connection, before=before, limit=query.limit + 1)
    page = found[: query.limit]
    return ImportsPage([line_of(each) for each in page], str(page[-1].id) if len(found) > len(page) else None)


async def _import(asked: Asked) -> ImportView | Refusal:
    try:
        return view_of_import(await find_import(asked.connection, number_of(asked.name)))
    except UnknownImport as error:
        return refusal_from(error)


READS = (
    Read(
        name="list_imports",
        path=IMPORTS_PATH,
        summary="The files that were uploaded to be imported",
        summary_zh="已上传的导入文件列表",
        query=ImportsQuery,
        answer_type=ImportsPage,
        run=_imports,
        example_answer={"imports": [EXAMPLE_LINE], "next_cursor": None},
    ),
    Read(
        name="get_import",
        path=IMPORT_PATH,
        summary="An import: its mapping, the report on the file, how far it is, what it did",
        summary_zh="导入的列映射、检查报告、进度与结果",
        answer_type=ImportView,
        run=_import,
        codes=("unknown_import",),
        example_answer=EXAMPLE_IMPORT,
    ),
)
