"""Imports under /v1/imports: files that were uploaded, looked through, imported, stopped, deleted."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from jifen.api.drafts import Asked, Call, CheckBody
from jifen.services.imports.mapping import MAXIMUM_MAPPING_BYTES
from jifen.services.imports.proposals import Kind
from jifen.services.uploads import imports
from jifen.services.uploads.meaning import mapping_text
from jifen.services.uploads.storage import storage_of

IMPORTS_PATH: Final = "/v1/imports"
IMPORT_PATH: Final = f"{IMPORTS_PATH}/{{import_id}}"
REJECTS_PATH: Final = f"{IMPORT_PATH}/rejects"


class CheckImportBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Another mapping: the text of its YAML or JSON, for orders also the name of one that ships with jifen; left out:
    the file is looked through again with the one it has."""

    mapping: Annotated[str, Meta(min_length=1, max_length=MAXIMUM_MAPPING_BYTES)] | None = None


class ImportProgress(msgspec.Struct, frozen=True):
    """How far the present step is. `rows_total` is known once the file was looked through."""

    percent: int
    rows_done: int
    rows_total: int


class ImportLine(msgspec.Struct, frozen=True):
    """An import in a list. `checked`: it was looked through and waits for its start (`started_at`, `started_by`);
    `ended_at`: when it was done, stopped or failed. The file is deleted as soon as it
    is imported (`file_deleted_at`), and at `file_kept_until` where nobody imports it."""

    import_id: str
    kind: Kind
    status: imports.Status
    file_name: str
    file_bytes: int
    uploaded_at: datetime
    uploaded_by: str
    file_kept_until: datetime
    file_deleted_at: datetime | None
    started_at: datetime | None
    started_by: str | None
    ended_at: datetime | None
    progress: ImportProgress
    error_code: str | None
    error: str | None


class ImportView(ImportLine, frozen=True):
    """An import. `mapping` is YAML; null: it is being proposed from the header. `report` is what looking through the
    file gave (completeness, repetitions, what would be rejected; nothing was recorded), `result` what importing it did:
    both as `jifen import` gives them with `--json`."""

    mapping: str | None
    mapping_is_proposed: bool
    report: dict[str, Any] | None
    result: dict[str, Any] | None


def line_of(found: imports.Import) -> ImportLine:
    """An import as a list shows it."""
    return ImportLine(
        str(found.id),
        found.kind,
        found.status,
        found.file_name,
        found.file_bytes,
        found.uploaded_at,
        found.uploaded_by,
        found.kept_until,
        found.file_deleted_at,
        found.started_at,
        found.started_by,
        found.ended_at,
        ImportProgress(found.percent, found.rows_done, found.rows_total),
        found.error_code,
        found.error,
    )


def view_of_import(found: imports.Import) -> ImportView:
    """An import as the API shows it."""
    known = msgspec.structs.asdict(line_of(found))
    return ImportView(
        **known,
        mapping=found.mapping,
        mapping_is_proposed=found.is_proposed,
        report=found.report,
        result=found.result,
    )


def number_of(name: str) -> int:
    """The number in a path; 0, which no import has, where it is none."""
    return int(name) if name.isascii() and name.isdigit() and len(name) < 19 else 0


async def _check(asked: Asked) -> ImportView:
    body: CheckImportBody = asked.body
    number = number_of(asked.name)
    mapping = None
    if body.mapping is not None:
        found = await imports.find_import(asked.connection, number)
        mapping = mapping_text(found.kind, body.mapping)
    return view_of_import(await imports.check_import(asked.connection, number, mapping))


async def _start(asked: Asked) -> ImportView:
    return view_of_import(await imports.start_import(asked.connection, number_of(asked.name), asked.actor))


async def _stop(asked: Asked) -> ImportView:
    return view_of_import(await imports.stop_import(asked.connection, number_of(asked.name)))


async def _delete(asked: Asked) -> ImportView:
    storage = storage_of(asked.settings)
    return view_of_import(await imports.delete_file(asked.connection, storage, number_of(asked.name)))


EXAMPLE_LINE: Final[dict[str, Any]] = {
    "import_id": "1",
    "kind": "members",
    "status": "checked",
    "file_name": "members.csv",
    "file_bytes": 734_003,
    "uploaded_at": "2026-11-01T08:00:00Z",
    "uploaded_by": "key:1",
    "file_kept_until": "2026-11-08T08:00:00Z",
    "file_deleted_at": None,
    "started_at": None,
    "started_by": None,
    "ended_at": None,
    "progress": {"percent": 100, "rows_done": 0, "rows_total": 12_000},
    "error_code": None,
    "error": None,
}
EXAMPLE_IMPORT: Final[dict[str, Any]] = EXAMPLE_LINE | {
    "mapping": "name: {zh: 会员, en: Members}\nsource: import:members\ncolumns:\n  identities: {phone: 手机号}\n",
    "mapping_is_proposed": True,
    "report": {
        "rows": 12_000,
        "registered": 0,
        "known": 0,
        "unchanged": 0,
        "repeated": 31,
        "rejected": 4,
        "dry_run": True,
        "columns": [{"column": "手机号", "means": "identity phone", "filled": 11_996, "percent": 99}],
        "seconds": 0.0,
        "members_per_second": 0.0,
    },
    "result": None,
}
_WORKING: Final[dict[str, Any]] = {"progress": {"percent": 0, "rows_done": 0, "rows_total": 0}}

IMPORT_CALLS = (
    Call(
        name="check_import",
        method="POST",
        path=f"{IMPORT_PATH}/check",
        summary="Look an uploaded file through again, with another mapping",
        summary_zh="用另一份列映射重新检查已上传的文件",
        body=CheckImportBody,
        answer_type=ImportView,
        status=202,
        run=_check,
        codes=("unknown_import", "import_running", "import_over", "invalid_mapping"),
        example={"mapping": EXAMPLE_IMPORT["mapping"]},
        example_answer=EXAMPLE_IMPORT | _WORKING | {"status": "checking", "report": None, "mapping_is_proposed": False},
    ),
    Call(
        name="start_import",
        method="POST",
        path=f"{IMPORT_PATH}/start",
        summary="Import a file that was looked through; go on with one that was stopped",
        summary_zh="导入已检查的文件（已停止的从断点继续）",
        body=CheckBody,
        answer_type=ImportView,
        status=202,
        run=_start,
        codes=("unknown_import", "import_running", "import_not_checked", "import_over"),
        example={},
        example_answer=EXAMPLE_IMPORT
        | {"status": "running", "progress": {"percent": 0, "rows_done": 0, "rows_total": 12_000}},
    ),
    Call(
        name="stop_import",
        method="POST",
        path=f"{IMPORT_PATH}/stop",
        summary="Stop an import; what was recorded stays, and one that is over stays as it is",
        summary_zh="停止导入（已入账的保留；已结束的不变）",
        body=CheckBody,
        answer_type=ImportView,
        run=_stop,
        codes=("unknown_import",),
        example={},
        example_answer=EXAMPLE_IMPORT
        | {"status": "stopped", "progress": {"percent": 40, "rows_done": 1_700, "rows_total": 12_000}},
    ),
    Call(
        name="delete_import_file",
        method="DELETE",
        path=IMPORT_PATH,
        summary="Delete an uploaded file and its rejects; what is known of the import stays",
        summary_zh="删除已上传的文件及其未导入行（导入记录保留）",
        body=CheckBody,
        answer_type=ImportView,
        run=_delete,
        codes=("unknown_import", "import_running"),
        example={},
        example_answer=EXAMPLE_IMPORT | {"file_deleted_at": "2026-11-01T09:00:00Z"},
    ),
)
