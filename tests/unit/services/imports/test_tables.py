"""Files with a header: where it stands, what is passed over, and what is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from openpyxl import Workbook

from jifen.services.imports.faults import RowFault
from jifen.services.imports.mapping import FileShape
from jifen.services.imports.marked import MarkedRow
from jifen.services.imports.people.mapping import load_member_mapping
from jifen.services.imports.proposals import propose_mapping
from jifen.services.imports.reading import UnreadableFile
from jifen.services.imports.tables import Table, TableRow, check_marks, check_width


def table(file: Path, sheet: str | None = None, header_row: int | None = None) -> tuple[list[str], list[TableRow]]:
    """Header and rows."""
    with Table(file, FileShape(), sheet, header_row) as read:
        return read.header, list(read.rows())


def titled(file: Path) -> Path:
    """A workbook as people make it for people: a notice first, then a title, names of columns in two rows, notes."""
    book = Workbook()
    assert book.active is not None
    book.active.append(["请勿修改"])
    sheet = book.create_sheet("会员")
    sheet.append(["二〇二四年会员名单"])
    sheet.append(["手机号", "姓名", "联系地址", None])
    sheet.append([None, None, "省", "市"])
    sheet.append([13800000001, "李梅", "浙江", "杭州"])
    for cells in ("A1:D1", "A2:A3", "B2:B3", "C2:D2"):
        sheet.merge_cells(cells)
    book.save(file)
    return file


def test_a_header_below_titles(tmp_path: Path) -> None:
    """Names that were merged over two rows are names in the lower one as well."""
    file = titled(tmp_path / "book.xlsx")
    header, rows = table(file, "会员", 3)
    assert (header, rows) == (["手机号", "姓名", "省", "市"], [(4, ["13800000001", "李梅", "浙江", "杭州"])])
    assert table(file, "会员")[0] == ["二〇二四年会员名单"]
    with pytest.raises(UnreadableFile, match="line 9 must name"):
        table(file, "会员", 9)


def test_the_header_is_found_for_a_proposal(tmp_path: Path) -> None:
    """`--infer` looks for the row that names most, and says which it is; the proposal can be loaded."""
    proposed = propose_mapping("members", titled(tmp_path / "book.xlsx"), sheet="会员")
    assert "header_row: 3\n" in proposed and "sheet: 会员\n" in proposed and "province: 省\n" in proposed
    mapping = tmp_path / "mapping.yaml"
    mapping.write_text(proposed, "utf-8")
    assert load_member_mapping(str(mapping)).header_row == 3
    plain = tmp_path / "plain.csv"
    plain.write_text("导出于今天,\n会员编号,积分\n1,2\n", "utf-8")
    assert "header_row: 2\n" in propose_mapping("balances", plain)
    plain.write_text("会员编号,积分\n1,2\n", "utf-8")
    assert "header_row" not in propose_mapping("balances", plain)


def test_rows_without_anything_are_passed_over(tmp_path: Path) -> None:
    """As Excel writes them at the end of a CSV; line numbers stay those of the file."""
    file = tmp_path / "members.csv"
    file.write_text("a,b\n1,2\n,\n3,\n,\n\n", "utf-8")
    assert table(file) == (["a", "b"], [(2, ["1", "2"]), (4, ["3", ""])])


def test_json_that_is_nested_without_end(tmp_path: Path) -> None:
    """A line that no reader survives is a row at fault, like one that is no JSON."""
    file = tmp_path / "members.jsonl"
    file.write_text('{"a": 1}\n{"a": ' + "[" * 200_000 + "\n", "utf-8")
    assert table(file) == (["a"], [(1, ["1"]), (2, None)])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "xls"),
        (b"PK\x03\x04 none", "no Excel workbook"),
        (b"", "name the columns"),
    ],
)
def test_files_that_are_none(tmp_path: Path, content: bytes, said: str) -> None:
    """The message says what to do."""
    file = tmp_path / "members.xlsx"
    file.write_bytes(content)
    with pytest.raises(UnreadableFile, match=said) as raised:
        table(file)
    assert raised.value.message_zh is not None and raised.value.message_zh.endswith("。")


def test_an_object_within_json_lines_is_no_value(tmp_path: Path) -> None:
    """Nobody's street is called `{'city': ...}`: the row is at fault if that is mapped. Lists are texts."""
    file = tmp_path / "members.jsonl"
    file.write_text(
        '{"phone": "1", "address": {"city": "x"}, "tags": ["a", "b"]}\n{"phone": "2", "tags": [["a"]]}\n{"phone": \n'
    )
    header, rows = table(file)
    assert header == ["phone", "address", "tags"]
    (_, first), (_, second), third = rows
    assert isinstance(first, MarkedRow) and isinstance(second, MarkedRow) and third == (3, None)
    assert (first[2], list(first.faults), list(second.faults)) == ("a,b", [1], [2])
    check_marks(first, {0: "phone", 2: "tags"}, {}, "")
    with pytest.raises(RowFault, match="nested_value"):
        check_marks(first, {0: "phone", 1: "address"}, {}, "")
    with pytest.raises(RowFault, match="malformed_line"):
        check_width(None, 3)
