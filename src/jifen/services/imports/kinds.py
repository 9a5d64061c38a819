"""What a file is, by its first bytes and not by its name; and what to do about files that are no tables."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final, Literal

from jifen.services.imports.reading import open_bytes, unreadable_file

FileKind = Literal["workbook", "json", "text"]

_WORKBOOK: Final = b"PK"
_LEGACY: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
#: What a workbook under a password keeps itself in, as such files write names.
_ENCRYPTED: Final = "EncryptedPackage".encode("utf-16-le")
#: Mostly among the first or last of a file: no more is looked through.
_LOOKED_THROUGH_BYTES: Final = 4 << 20
_MARKS_AND_SPACE: Final = b"\xef\xbb\xbf\xff\xfe \t\r\n\0"
_LEADING_BYTES: Final = 1024
#: Two zeros stand side by side in UTF-16 as well (`a一`, `退a`); three never do.
_NO_TEXT: Final = b"\0\0\0"
#: A header may begin with a bracket (`[id],[phone]`); what stands in a list of rows is told by what follows.
_JSON_LIST: Final = re.compile(rb"\[\s*(?:[\[{\]]|\Z)")
_SAVE_IT: Final = "open it in Excel and save it as .xlsx"
_SAVE_IT_ZH: Final = "请用 Excel 打开并另存为 .xlsx"


def kind_of(file: Path, called: str | None = None) -> FileKind:
    """What a file is; `called`: what whoever sent it calls it. Raises UnreadableFile where it is no table."""
    with open_bytes(file) as (content, _):
        first = content.read(_LEADING_BYTES)
    fault = _fault(file, first, Path(called or file.name).suffix.lower())
    if fault is not None:
        raise unreadable_file(file, *fault)
    if first.startswith(_WORKBOOK):
        return "workbook"
    return "json" if first.lstrip(_MARKS_AND_SPACE)[:1] == b"{" else "text"


def _fault(file: Path, first: bytes, suffix: str) -> tuple[str, str] | None:
    """What is wrong with it, in Chinese and English; None: nothing."""
    if not first:
        return "是空的；第一行须为列名", "is empty; the first line must name the columns"
    if first.startswith(_LEGACY):
        if _is_encrypted(file):
            return (
                "有密码；请在 Excel 中另存为无密码的 .xlsx",
                "is under a password; save it in Excel as .xlsx without one",
            )
        return f"是旧版 Excel 文件（.xls）；{_SAVE_IT_ZH}", f"is an Excel file of old (.xls); {_SAVE_IT}"
    if first.lstrip(_MARKS_AND_SPACE).startswith((b"<", b"<\0")):
        zh = f"是网页或 XML，不是工作簿，尽管 Excel 能显示它；{_SAVE_IT_ZH}"
        return zh, f"is a web page or XML and no workbook, though Excel shows it as one; {_SAVE_IT}"
    if _JSON_LIST.match(first.lstrip(_MARKS_AND_SPACE).replace(b"\0", b"")):
        return "是 JSON 列表；请写成每行一个对象的 JSON 行", "is a JSON list; write JSON lines, an object on each line"
    if _NO_TEXT in first and not first.startswith(_WORKBOOK):
        return "不是表格：既不是 Excel 工作簿也不是文本", "is no table: neither an Excel workbook nor text"
    if suffix in (".xlsx", ".xlsm") and not first.startswith(_WORKBOOK):
        zh = "叫作 Excel 工作簿却不是；请另存为 .xlsx，文本文件请改名为 .csv"
        return zh, "is no Excel workbook, though it is called one; save it as .xlsx, or call a text file .csv"
    return None


def _is_encrypted(file: Path) -> bool:
    with file.open("rb") as content:
        size = content.seek(0, 2)
        content.seek(0)
        if _ENCRYPTED in content.read(_LOOKED_THROUGH_BYTES):
            return True
        content.seek(max(0, size - _LOOKED_THROUGH_BYTES))
        return _ENCRYPTED in content.read()
