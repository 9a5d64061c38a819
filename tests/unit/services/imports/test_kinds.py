"""Files that are no tables are told as what they are, with what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from jifen.services.imports.kinds import kind_of
from jifen.services.imports.reading import UnreadableFile

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)
NO_TABLES = {
    "empty": (b"", "is empty"),
    "xls": (OLE, "Excel file of old"),
    "encrypted": (OLE + "EncryptedPackage".encode("utf-16-le") + bytes(100), "under a password"),
    "encrypted at the end": (OLE + bytes(5 << 20) + "EncryptedPackage".encode("utf-16-le"), "under a password"),
    "html": (b"\r\n<html><table><tr><td>1", "web page"),
    "html in utf-16": ("<html>".encode("utf-16"), "web page"),
    "xml": (b'\xef\xbb\xbf<?xml version="1.0"?><Workbook/>', "web page or XML"),
    "list": (b'[{"a": 1}]', "JSON lines"),
    "text": (b"phone,name\n1,2\n", "no Excel workbook"),
    "noughts": (bytes(200), "neither an Excel workbook nor text"),
    "garbage": (bytes(range(256)), "no Excel workbook"),
}


@pytest.mark.parametrize("name", NO_TABLES)
def test_no_tables(tmp_path: Path, name: str) -> None:
    """Named .xlsx, whatever they are."""
    content, said = NO_TABLES[name]
    file = tmp_path / "members.xlsx"
    file.write_bytes(content)
    with pytest.raises(UnreadableFile, match=said):
        kind_of(file)


def test_tables(tmp_path: Path) -> None:
    """By what is in them; text may be called .xls, as many systems do."""
    file = tmp_path / "members.xls"
    for content, kind in (
        (b"PK\x03\x04", "workbook"),
        (b'\n {"a": 1}', "json"),
        (b"a\tb\n", "text"),
        (b"[id],[phone]\n", "text"),
        # Two zeros side by side, in either order of bytes.
        ("订单号\t退款\t金额\n".encode("utf-16-le"), "text"),
        ("\ufeff李一,138\n".encode("utf-16-be"), "text"),
    ):
        file.write_bytes(content)
        assert kind_of(file) == kind
    with pytest.raises(UnreadableFile, match="no Excel workbook"):
        kind_of(file, "members.XLSX")
