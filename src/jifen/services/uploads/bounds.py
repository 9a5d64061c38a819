"""What a file may unpack to: a small archive can hold more than any disk or memory."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from jifen.services.imports.reading import open_bytes, unreadable_file
from jifen.services.imports.workbooks import UnfitWorkbook
from jifen.services.imports.workbooks.parts import Parts

#: Text packs to a tenth or so; what packs to less than this is no table.
MOST_UNPACKED_TIMES: Final = 32
_SMALLEST_BOUND_BYTES: Final = 64 << 20
#: A row of a table is never as long; without any line break the whole file would have to fit into memory.
LONGEST_LINE_BYTES: Final = 16 << 20
_CHUNK_BYTES: Final = 1 << 20


def check_bounds(file: Path) -> None:
    """Raise UnreadableFile where a file unpacks to absurdly much, or is one endless line."""
    if file.suffix == ".xlsx":
        _check_workbook(file)
    else:
        _check_text(file, max(_SMALLEST_BOUND_BYTES, file.stat().st_size * MOST_UNPACKED_TIMES))


def _check_workbook(file: Path) -> None:
    try:
        with Parts(file):
            """To open one is to look at what it unpacks to."""
    except UnfitWorkbook as error:
        raise unreadable_file(file, error.zh, error.en) from None


def _check_text(file: Path, most: int) -> None:
    unpacked = line = 0
    with open_bytes(file) as (content, _):
        while chunk := content.read(_CHUNK_BYTES):
            unpacked += len(chunk)
            if unpacked > most:
                zh = f"解压后超过 {most:,} 字节，这么大的表格不会如此"
                raise unreadable_file(
                    file, zh, f"unpacks to more than {most:,} bytes, which no table of this size does"
                )
            broken = chunk.rfind(b"\n")
            line = line + len(chunk) if broken < 0 else len(chunk) - broken
            if line > LONGEST_LINE_BYTES:
                zh = f"有一行超过 {LONGEST_LINE_BYTES:,} 字节"
                raise unreadable_file(file, zh, f"has a line of more than {LONGEST_LINE_BYTES:,} bytes")
