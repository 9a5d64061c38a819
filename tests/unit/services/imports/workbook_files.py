"""Workbooks for tests, written part by part: what Excel and other programs write, and what nobody should."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_MAIN: Final = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_OFFICE: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE: Final = 'xmlns="http://schemas.openxmlformats.org/package/2006/relationships"'
#: Style 1 is a day that is built in, 2 one that Excel in Chinese has built in, 3 one of its own, 4 a span of time.
STYLES: Final = (
    f'<styleSheet {_MAIN}><numFmts count="2"><numFmt numFmtId="164" formatCode="yyyy&quot;年&quot;m&quot;月&quot;"/>'
    '<numFmt numFmtId="165" formatCode="[h]:mm"/></numFmts><cellXfs count="5"><xf numFmtId="0"/><xf numFmtId="14"/>'
    '<xf numFmtId="31"/><xf numFmtId="164"/><xf numFmtId="165"/></cellXfs></styleSheet>'
)


def write_workbook(
    file: Path,
    rows: str,
    *,
    texts: str = "",
    after: str = "",
    book: str = "",
    sheets: str = '<sheet name="一" sheetId="1" r:id="r1"/>',
    more: Mapping[str, str | bytes] | None = None,
) -> Path:
    """A workbook with the rows of its first sheet as XML; `after` stands behind them, `texts` in the list of texts."""
    parts: dict[str, str | bytes] = {
        "_rels/.rels": _references({"r1": ("officeDocument", "xl/workbook.xml")}),
        "xl/workbook.xml": f'<workbook {_MAIN} xmlns:r="{_OFFICE}">{book}<sheets>{sheets}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": _references(
            {
                "r1": ("worksheet", "worksheets/sheet1.xml"),
                "r2": ("worksheet", "/xl/worksheets/sheet2.xml"),
                "r3": ("chartsheet", "chartsheets/sheet1.xml"),
                "r4": ("styles", "styles.xml"),
                "r5": ("sharedStrings", "sharedStrings.xml"),
            }
        ),
        "xl/styles.xml": STYLES,
        "xl/sharedStrings.xml": f"<sst {_MAIN}>{texts}</sst>",
        "xl/worksheets/sheet1.xml": sheet_of(rows, after),
        "xl/worksheets/sheet2.xml": sheet_of('<row r="1"><c r="A1"><v>2</v></c></row>'),
        **(more or {}),
    }
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return file


def sheet_of(rows: str, after: str = "") -> str:
    """The XML of a sheet."""
    return f"<worksheet {_MAIN}><sheetData>{rows}</sheetData>{after}</worksheet>"


def _references(targets: Mapping[str, tuple[str, str]]) -> str:
    items = "".join(
        f'<Relationship Id="{name}" Type="{_OFFICE}/{kind}" Target="{part}"/>' for name, (kind, part) in targets.items()
    )
    return f"<Relationships {_PACKAGE}>{items}</Relationships>"
