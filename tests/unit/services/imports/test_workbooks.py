"""Workbooks as Excel and other programs write them, and as nobody should: values, merges, sheets, limits."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest
from openpyxl import Workbook as Written
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from jifen.services.imports.marked import MarkedRow
from jifen.services.imports.workbooks import UnfitWorkbook, Workbook, parts, workbook
from tests.unit.services.imports.workbook_files import sheet_of, write_workbook


def rows_of(file: Path, sheet: str | None = None) -> list[tuple[int, list[str]]]:
    """All rows of a workbook."""
    book = Workbook(file, sheet)
    try:
        return list(book.rows())
    finally:
        book.close()


def first_row(tmp_path: Path, cells: str, *, texts: str = "", book: str = "") -> list[str]:
    """The values of one row."""
    file = write_workbook(tmp_path / "book.xlsx", f'<row r="1">{cells}</row>', texts=texts, book=book)
    [(_, values)] = rows_of(file)
    return values


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("<c><v>13800000001</v></c>", "13800000001"),
        ("<c><v>1.3800000001E10</v></c>", "13800000001"),
        ("<c><v>1.38E+10</v></c>", "13800000000"),
        ("<c><v>6222020200112230</v></c>", "6.22202020011223E+15"),
        ("<c><v>6.2220202001122304E15</v></c>", "6.22202020011223E+15"),
        ("<c><v>0.30000000000000004</v></c>", "0.3"),
        ("<c><v>-12.50</v></c>", "-12.5"),
        ('<c t="b"><v>1</v></c>', "true"),
        ('<c t="str"><f>A1&amp;B1</f><v> 茶 </v></c>', "茶"),
        ('<c t="inlineStr"><is><r><t>龙</t></r><r><t>井</t></r><rPh sb="0" eb="1"><t>lóng</t></rPh></is></c>', "龙井"),
        ('<c t="s"><v>1</v></c>', "1.38E+10"),
        ('<c t="s"><v>2</v></c>', "茶\n酒"),
        ('<c t="d"><v>2024-01-02</v></c>', "2024-01-02"),
        ('<c s="1"><v>45293</v></c>', "2024-01-02"),
        ('<c s="2"><v>45293.4375</v></c>', "2024-01-02 10:30:00"),
        ('<c s="3"><v>1</v></c>', "1900-01-01"),
        ('<c s="3"><v>61</v></c>', "1900-03-01"),
        ('<c s="1"><v>0.4375</v></c>', "10:30:00"),
        ('<c s="4"><v>1.5</v></c>', "1 day, 12:00:00"),
    ],
)
def test_what_a_cell_says(tmp_path: Path, cell: str, text: str) -> None:
    """Numbers exactly as far as Excel knows them, however they are spelled; days by their format; texts whole."""
    texts = "<si><t>x</t></si><si><t>1.38E+10</t></si><si><r><t>茶_x000A_</t></r><r><t>酒</t></r></si>"
    assert first_row(tmp_path, cell, texts=texts) == [text]


@pytest.mark.parametrize(
    ("cell", "fault"),
    [
        ("<c><f>1+1</f></c>", ("formula_without_value", "")),
        ("<c><f>1+1</f><v></v></c>", ("formula_without_value", "")),
        ('<c t="e"><f>VLOOKUP(A1,B:B,1,0)</f><v>#N/A</v></c>', ("cell_error", "#N/A")),
        ('<c s="1"><v>-5000000</v></c>', ("cell_error", "-5000000")),
        ("<c><v>zehn</v></c>", ("cell_error", "zehn")),
    ],
)
def test_cells_without_a_value_are_marked(tmp_path: Path, cell: str, fault: tuple[str, str]) -> None:
    """Nothing is taken as empty that is not; an empty text that a formula gives is one."""
    row = first_row(tmp_path, f'<c><v>1</v></c>{cell}<c t="str"><f>""</f><v></v></c>')
    assert isinstance(row, MarkedRow)
    assert (row[0], row.faults) == ("1", {1: fault})


def test_both_date_systems(tmp_path: Path) -> None:
    """Excel for the Mac counted days from 1904."""
    day = '<c s="1"><v>43831</v></c>'
    assert first_row(tmp_path, day) == ["2020-01-01"]
    assert first_row(tmp_path, day, book='<workbookPr date1904="1"/>') == ["2024-01-02"]
    book = Written()
    book.epoch = CALENDAR_MAC_1904
    assert book.active is not None
    book.active.append([date(1990, 5, 17)])
    book.save(tmp_path / "mac.xlsx")
    assert rows_of(tmp_path / "mac.xlsx") == [(1, ["1990-05-17"])]


def test_merged_cells_mean_every_row(tmp_path: Path) -> None:
    """Over rows: all of them, names of columns as well; over columns: the first. Rows that are empty stay so."""
    book = Written()
    sheet = book.active
    assert sheet is not None
    for row in (
        ["手机号", "地址", None, "积分"],
        [None, "省", "市", None],
        [138, "浙江", "杭州", 7],
        [None, "上海", "上海", None],
        [None] * 4,
        [139, "北京", None, 8],
    ):
        sheet.append(row)
    for cells in ("A1:A2", "B1:C1", "D1:D2", "A3:A5", "D3:D4", "B6:C6"):
        sheet.merge_cells(cells)
    file = tmp_path / "book.xlsx"
    book.save(file)
    rows = rows_of(file)
    assert [values for _, values in rows] == [
        ["手机号", "地址", "", "积分"],
        ["手机号", "省", "市", "积分"],
        ["138", "浙江", "杭州", "7"],
        ["138", "上海", "上海", "7"],
        ["139", "北京", "", "8"],
    ]
    assert [number for number, _ in rows] == [1, 2, 3, 4, 6]
    third = rows[2][1]
    assert isinstance(third, MarkedRow) and third.merged == {0, 3}


def test_a_fault_is_meant_for_every_row_of_a_merge(tmp_path: Path) -> None:
    """A formula without a value, merged over two rows, spoils both."""
    rows = '<row r="1"><c r="A1"><f>1</f></c><c r="B1"><v>1</v></c></row><row r="2"><c r="B2"><v>2</v></c></row>'
    file = write_workbook(
        tmp_path / "book.xlsx", rows, after='<mergeCells count="1"><mergeCell ref="A1:A2"/></mergeCells>'
    )
    for _, values in rows_of(file):
        assert isinstance(values, MarkedRow) and values.faults == {0: ("formula_without_value", "")}


def test_which_sheet_is_read(tmp_path: Path) -> None:
    """The named one, else the first that can be seen; sheets of charts are none."""
    sheets = (
        '<sheet name="图" sheetId="3" r:id="r3"/><sheet name="旧" state="hidden" sheetId="1" r:id="r1"/>'
        '<sheet name="新" sheetId="2" r:id="r2"/>'
    )
    file = write_workbook(tmp_path / "book.xlsx", '<row><c t="b"><v>0</v></c></row>', sheets=sheets)
    assert rows_of(file) == [(1, ["2"])]
    assert rows_of(file, "旧") == [(1, ["false"])]
    book = Workbook(file, "旧")
    assert (book.sheet, book.others) == ("旧", ["新"])
    with pytest.raises(UnfitWorkbook, match="there is 旧, 新"):
        Workbook(file, "图")


def test_hidden_and_empty_rows(tmp_path: Path) -> None:
    """Rows that a filter hides are read and counted; those that only have a format are nothing."""
    rows = (
        '<row r="1" hidden="1"><c r="B1"><v>1</v></c></row><row r="2"><c r="A2" s="1"/></row>'
        '<row r="9" hidden="1"/><row r="10"><c r="A10" t="str"><v> </v></c></row>'
    )
    book = Workbook(write_workbook(tmp_path / "book.xlsx", rows))
    assert list(book.rows()) == [(1, ["", "1"])]
    assert book.hidden == 1
    book.close()


def test_names_with_a_prefix(tmp_path: Path) -> None:
    """Some programs write every element with a prefix."""
    sheet = (
        '<x:worksheet xmlns:x="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><x:sheetData>'
        '<x:row r="1"><x:c r="A1"><x:v>7</x:v></x:c></x:row><x:row r="2"><x:c r="B2"><x:v>8</x:v></x:c></x:row>'
        '</x:sheetData><x:mergeCells><x:mergeCell ref="A1:A2"/></x:mergeCells></x:worksheet>'
    )
    file = write_workbook(tmp_path / "book.xlsx", "", more={"xl/worksheets/sheet1.xml": sheet})
    assert [values for _, values in rows_of(file)] == [["7"], ["7", "8"]]


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    """A small file that would come to gigabytes: by its ratio, or by all of its parts together."""
    file = tmp_path / "bomb.xlsx"
    write_workbook(file, "", more={"xl/worksheets/sheet1.xml": b"<worksheet>" + b" " * (80 << 20)})
    assert file.stat().st_size < 200_000
    with pytest.raises(UnfitWorkbook, match="packed like no real workbook"):
        Workbook(file)


def test_the_size_of_all_parts_is_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where each of them alone looks like a real one."""
    file = write_workbook(tmp_path / "book.xlsx", '<row r="1"><c r="A1"><v>1</v></c></row>')
    monkeypatch.setattr(parts, "MAXIMUM_UNPACKED_BYTES", 1_000)
    with pytest.raises(UnfitWorkbook, match="save its sheets as CSV"):
        Workbook(file)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("xl/worksheets/sheet1.xml", "<worksheet><sheetData><row>", "damaged"),
        ("xl/worksheets/sheet1.xml", '<!DOCTYPE x [<!ENTITY a "aa">]><x>&a;</x>', "document type"),
        ("xl/workbook.xml", '<!DOCTYPE x [<!ENTITY a "aa">]><x>&a;</x>', "document type"),
        ("xl/workbook.xml", "<workbook/>", "no sheet"),
        ("xl/styles.xml", "<styleSheet>", "damaged"),
        ("xl/styles.xml", "<styleSheet>" + "<a b='1'/>" * 2_000_000, "too much"),
        ("xl/worksheets/sheet1.xml", sheet_of('<row r="1"><c t="s"><v>5</v></c></row>'), "text '5'"),
        ("xl/worksheets/sheet1.xml", sheet_of('<row r="1"><c r="XFE1"><v>5</v></c></row>'), "16384 columns"),
        ("xl/worksheets/sheet1.xml", sheet_of('<row r="1048577"/>'), "1048576"),
        ("xl/worksheets/sheet1.xml", sheet_of('<row r="one"/>'), "damaged"),
        ("xl/worksheets/sheet1.xml", sheet_of(f'<row><c t="str"><v>{"x" * 140_000}</v></c></row>'), "one cell"),
        ("xl/sharedStrings.xml", f"<sst><si><t>{'x' * 140_000}</t></si></sst>", "longer"),
    ],
)
def test_what_is_no_workbook_is_told(tmp_path: Path, name: str, content: str, said: str) -> None:
    """Damaged, beyond Excel's own limits, or made to do harm."""
    file = write_workbook(tmp_path / "book.xlsx", "", more={name: content})
    with pytest.raises(UnfitWorkbook, match=said):
        rows_of(file)


def test_an_archive_that_is_cut_off(tmp_path: Path) -> None:
    """Half a download, and one with a bit turned."""
    file = write_workbook(tmp_path / "book.xlsx", '<row r="1"><c r="A1"><v>1</v></c></row>' * 500)
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])
    with pytest.raises(UnfitWorkbook, match="no Excel workbook"):
        rows_of(file)
    with zipfile.ZipFile(write_workbook(file, '<row r="1"><c r="A1"><v>1</v></c></row>' * 500)) as archive:
        place = archive.getinfo("xl/worksheets/sheet1.xml").header_offset
    spoilt = bytearray(file.read_bytes())
    spoilt[place + 80] ^= 0xFF
    file.write_bytes(bytes(spoilt))
    with pytest.raises(UnfitWorkbook, match="damaged"):
        rows_of(file)


def test_the_list_of_parts_is_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file may be nothing but a list of parts, each of which takes memory before any is unpacked."""
    file = write_workbook(tmp_path / "book.xlsx", "", more={f"xl/media/{each}": "" for each in range(2_000)})
    assert rows_of(file) == []
    monkeypatch.setattr(parts, "MAXIMUM_LIST_BYTES", 100_000)
    with pytest.raises(UnfitWorkbook, match="more parts") as refused:
        Workbook(file)
    assert refused.value.zh == "含有的部件过多"


def test_one_text_for_many_cells_is_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long text that stands there once may be named by every cell: what a row, and what all of them come to, has an
    end."""
    texts, cell = f"<si><t>{'x' * 130_000}</t></si>", '<c t="s"><v>0</v></c>'
    wide = write_workbook(tmp_path / "wide.xlsx", f"<row>{cell * 200}</row>", texts=texts)
    with pytest.raises(UnfitWorkbook, match="characters in row 1"):
        rows_of(wide)
    long = write_workbook(tmp_path / "long.xlsx", f"<row>{cell}</row>" * 20, texts=texts)
    assert len(rows_of(long)) == 20
    monkeypatch.setattr(workbook, "MAXIMUM_UNPACKED_BYTES", 2 << 20)
    with pytest.raises(UnfitWorkbook, match="in all its rows"):
        rows_of(long)


def test_rows_are_the_same_when_they_are_read_again(tmp_path: Path) -> None:
    """From the file the first time, then from what was kept of it: with their marks, and without the file. Whoever
    wants the first row alone keeps nothing."""
    rows = (
        '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" s="1"><v>45293</v></c></row>'
        '<row r="3" hidden="1"><c r="A3"><f>1</f></c><c r="B3" t="e"><v>#N/A</v></c></row>'
        '<row r="4"><c r="B4"><v>4</v></c></row>'
    )
    after = '<mergeCells><mergeCell ref="B3:B4"/></mergeCells>'
    file = write_workbook(tmp_path / "book.xlsx", rows, texts="<si><t>茶_xD800_&#10;\u2028</t></si>", after=after)

    def seen(book: Workbook) -> list[object]:
        return [(each, getattr(row, "faults", None), getattr(row, "merged", None)) for each, row in all_of(book)]

    def all_of(book: Workbook) -> list[tuple[tuple[int, list[str]], list[str]]]:
        return [((number, list(row)), row) for number, row in book.rows()]

    book = Workbook(file)
    with closing(book):
        assert next(iter(book.rows()))[0] == 1
        first = seen(book)
        assert first[0] == ((1, ["茶?", "2024-01-02"]), None, None)
        assert first[2] == ((4, ["", ""]), {1: ("cell_error", "#N/A")}, frozenset({1}))
        file.unlink()
        assert seen(book) == first == seen(book)
        assert book.hidden == 1


_PEAK = """
import resource, sys
from pathlib import Path
from jifen.services.imports.mapping import FileShape
from jifen.services.imports.tables import Table
with Table(Path(sys.argv[1]), FileShape()) as table:
    for _ in range(2):
        rows = sum(len(values) == 4 for _, values in table.rows())
print(rows, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def peak_of(file: Path) -> tuple[int, int]:
    """How many rows a process of its own reads, twice, and the most memory that it takes, in KB."""
    done = subprocess.run([sys.executable, "-c", _PEAK, str(file)], capture_output=True, text=True, check=True)
    rows, peak = done.stdout.split()
    return int(rows), int(peak)


def test_memory_does_not_grow_with_the_rows(tmp_path: Path) -> None:
    """Sixteen times as many rows, each with texts of its own: a few bytes for each, where their cells come to five
    hundred."""
    peaks = {}
    for count in (5_000, 80_000):
        rows = "".join(
            f'<row><c t="s"><v>{2 * each}</v></c><c t="s"><v>{2 * each + 1}</v></c><c><v>{each}</v></c>'
            f'<c t="inlineStr"><is><t>{each:0150}</t></is></c></row>'
            for each in range(count + 1)
        )
        texts = "".join(f"<si><t>M{each}</t></si><si><t>{each:0150}</t></si>" for each in range(count + 1))
        found, peaks[count] = peak_of(write_workbook(tmp_path / f"{count}.xlsx", rows, texts=texts))
        assert found == count
    assert peaks[80_000] - peaks[5_000] < 12_000, peaks
