"""A large Excel workbook, written as Excel writes it: texts in a list of their own, days as numbers."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from random import Random
from typing import Final

_MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006/relationships"
_HEADER: Final = ("会员编号", "手机号", "姓名", "性别", "生日", "注册时间", "标签", "城市", "备注")
#: Texts that many rows share: the header, then these.
_SHARED: Final = (*_HEADER, "女", "男", "茶友，老客", *(f"城市{each}" for each in range(20)))
_NOTE_BYTES: Final = 140
_FIRST_DAY, _LAST_DAY = 16_438, 38_717
_BYTES_AT_ONCE: Final = 1 << 20


def write_members(file: Path, members: int) -> None:
    """A workbook of so many members in nine columns, 230 bytes of file for each."""
    parts: dict[str, Iterable[str]] = {
        "_rels/.rels": [_references({"book": ("officeDocument", "xl/workbook.xml")})],
        "xl/workbook.xml": [
            f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>'
            '<sheet name="会员" sheetId="1" r:id="sheet"/></sheets></workbook>'
        ],
        "xl/_rels/workbook.xml.rels": [
            _references(
                {
                    "sheet": ("worksheet", "worksheets/sheet1.xml"),
                    "texts": ("sharedStrings", "sharedStrings.xml"),
                    "styles": ("styles", "styles.xml"),
                }
            )
        ],
        "xl/styles.xml": [
            f'<styleSheet xmlns="{_MAIN}"><cellXfs count="3"><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="22"/>'
            "</cellXfs></styleSheet>"
        ],
        "xl/sharedStrings.xml": chain([f'<sst xmlns="{_MAIN}">'], _texts(members), ["</sst>"]),
        "xl/worksheets/sheet1.xml": chain(
            [f'<worksheet xmlns="{_MAIN}"><sheetData>'], _rows(members), ["</sheetData></worksheet>"]
        ),
    }
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in parts.items():
            _write(archive, name, content)


def _texts(members: int) -> Iterable[str]:
    yield from (f"<si><t>{each}</t></si>" for each in _SHARED)
    random = Random(1)
    for number in range(members):
        note = random.randbytes(_NOTE_BYTES).hex()
        yield f"<si><t>M{number}</t></si><si><t>会员{number}</t></si><si><t>{note}</t></si>"


def _rows(members: int) -> Iterable[str]:
    yield f'<row r="1">{"".join(_text(column, 1, number) for number, column in enumerate("ABCDEFGHI"))}</row>'
    random = Random(2)
    for number in range(members):
        row, own = number + 2, len(_SHARED) + 3 * number
        yield (
            f'<row r="{row}" spans="1:9">{_text("A", row, own)}<c r="B{row}"><v>{13_900_000_000 + number}</v></c>'
            f"{_text('C', row, own + 1)}{_text('D', row, 9 + number % 2)}"
            f'<c r="E{row}" s="1"><v>{random.randint(_FIRST_DAY, _LAST_DAY)}</v></c>'
            f'<c r="F{row}" s="2"><v>{44_256 + number % 300}.4166666666667</v></c>'
            f"{_text('G', row, 11)}{_text('H', row, 12 + number % 20)}{_text('I', row, own + 2)}</row>"
        )


def _text(column: str, row: int, number: int) -> str:
    return f'<c r="{column}{row}" t="s"><v>{number}</v></c>'


def _references(targets: dict[str, tuple[str, str]]) -> str:
    items = "".join(
        f'<Relationship Id="{name}" Type="{_OFFICE}/{kind}" Target="{part}"/>' for name, (kind, part) in targets.items()
    )
    return f'<Relationships xmlns="{_PACKAGE}">{items}</Relationships>'


def _write(archive: zipfile.ZipFile, name: str, content: Iterable[str]) -> None:
    """Write a part in pieces that are worth a call."""
    with archive.open(name, "w") as part:
        pieces, size = [], 0
        for piece in content:
            pieces.append(piece)
            size += len(piece)
            if size >= _BYTES_AT_ONCE:
                part.write("".join(pieces).encode())
                pieces, size = [], 0
        part.write("".join(pieces).encode())
