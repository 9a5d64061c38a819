"""What a file may unpack to: a small archive can hold more than any disk or memory."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Final

from jifen.services.imports.reading import open_bytes, unreadable_file

#: Text packs to a tenth or so; what packs to less than this is no table.
MOST_UNPACKED_TIMES: Final = 32
_SMALLEST_BOUND_BYTES: Final = 64 << 20
#: A row of a table is never as long; without any line break the whole file would have to fit into memory.
LONGEST_LINE_BYTES: Final = 16 << 20
_CHUNK_BYTES: Final = 1 << 20


def check_bounds(file: Path) -> None:
    """Raise UnreadableFile where a file unpacks to absurdly much, or is one endless line."""
    most = max(_SMALLEST_BOUND_BYTES, file.stat().st_size * MOST_UNPACKED_TIMES)
    if file.suffix == ".xlsx":
        _check_workbook(file, most)
    else:
        _check_text(file, most)


def _check_workbook(file: Path, most: int) -> None:
    try:
        with zipfile.ZipFile(file) as archive:
            unpacked = sum(each.file_size for each in archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError):
        en = "is no Excel workbook (.xlsx), or one that was cut off"
        raise unreadable_file(file, "不是完整的 Excel 文件（.xlsx）", en) from None
    if unpacked > most:
        zh, en = f"解压后有 {unpacked:,} 字节", f"unpacks to {unpacked:,} bytes"
        raise unreadable_file(file, f"{zh}，这样大小的表格不会如此", f"{en}, which no table of this size does")


def _check_text(file: Path, most: int) -> None:
    unpacked = line = 0
    with open_bytes(file) as (content, _):
        while chunk := content.read(_CHUNK_BYTES):
            unpacked += len(chunk)
            if unpacked > most:
                zh, en = f"解压后超过 {most:,} 字节", f"unpacks to more than {most:,} bytes"
                raise unreadable_file(file, f"{zh}，这样大小的表格不会如此", f"{en}, which no table of this size does")
            broken = chunk.rfind(b"\n")
            line = line + len(chunk) if broken < 0 else len(chunk) - broken
            if line > LONGEST_LINE_BYTES:
                zh, en = (
                    f"有一行超过 {LONGEST_LINE_BYTES:,} 字节",
                    f"has a line of more than {LONGEST_LINE_BYTES:,} bytes",
                )
                raise unreadable_file(file, zh, en)
