"""Orders come from whatever members come from: workbooks, JSON lines, any encoding, queries; with the same figures."""

from __future__ import annotations

import csv
import gzip
import io
import json
from datetime import datetime
from pathlib import Path

import pytest
from openpyxl import Workbook

from jifen.services.imports import Mapping, load_mapping
from jifen.services.imports.faults import WrongColumns
from jifen.services.imports.mapping import parse_mapping
from jifen.services.imports.querying import URL_VARIABLE, queried
from tests.databases import fetch_sql, run_sql
from tests.integration.checking import assert_sound
from tests.integration.test_import_orders import ORDERS, balances, figures, rejected, run_import
from tests.mariadb import MariaDb, mariadb

__all__ = ["mariadb"]
FIGURES = {
    "lines": 7,
    "orders": 3,
    "members": 2,
    "returns": 2,
    "points_issued": 179,
    "points_reversed": 100,
    "guest_lines": 1,
    "guest_orders": 1,
}
TABLE = """
(order_id varchar(9), occurred_at timestamp, identity varchar(40), line_id varchar(9), sku varchar(9), quantity int,
    paid decimal(9, 2), refund_of varchar(9))
"""
QUERY = "SELECT * FROM old_orders ORDER BY occurred_at, line_id"


def rows() -> list[dict[str, str]]:
    """The rows of the plain file."""
    return list(csv.DictReader(io.StringIO(ORDERS)))


def inserts() -> list[str]:
    """The same as statements for a database of others."""
    values = (", ".join(repr(value) if value else "NULL" for value in row.values()) for row in rows())
    return [f"INSERT INTO old_orders VALUES ({each})" for each in values]  # noqa: S608 - the values stand above


def workbook(file: Path) -> None:
    """Days as days, numbers as numbers, below a title, on the second sheet."""
    book = Workbook()
    sheet = book.create_sheet("订单")
    sheet.append(["一月订单"])
    header = list(rows()[0])
    sheet.append(header)
    for row in rows():
        at = datetime.fromisoformat(row["occurred_at"])
        numbers = {name: float(row[name]) for name in ("quantity", "paid") if row[name]}
        sheet.append([numbers.get(name, at if name == "occurred_at" else row[name]) for name in header])
    book.save(file)


def write(file: Path, kind: str) -> Mapping:
    """The file in one of its kinds, and what it means."""
    mapping = load_mapping("orders")
    if kind == "xlsx":
        workbook(file)
        text = Path(__file__).parents[2].joinpath("src/jifen/mappings/orders.yaml").read_text("utf-8")
        return parse_mapping(f"{text}sheet: 订单\nheader_row: 2\n", "here")
    if kind == "jsonl":
        file.write_text("".join(json.dumps(row) + "\n" for row in rows()), "utf-8")
    elif kind == "gz":
        file.write_bytes(gzip.compress(ORDERS.encode("gb18030")))
    else:
        file.write_text(ORDERS, kind)
    return mapping


@pytest.mark.parametrize("kind", ["xlsx", "jsonl", "gz", "gb18030", "utf-8-sig", "utf-16"])
def test_every_kind_of_file(database_url: str, tmp_path: Path, kind: str) -> None:
    """The same orders, points and refunds; once, in whatever file they come again."""
    file = tmp_path / f"orders.{kind}"
    mapping = write(file, kind)
    rehearsed = run_import(database_url, file, mapping, dry_run=True)
    assert figures(rehearsed) == {**FIGURES, "dry_run": True} | ({"other_sheets": ["Sheet"]} if kind == "xlsx" else {})
    summary = run_import(database_url, file, mapping)
    assert {name: getattr(summary, name) for name in FIGURES} == FIGURES
    assert balances(database_url) == [9, 70]
    again = tmp_path / "again.csv"
    again.write_text(ORDERS, "utf-8")
    assert run_import(database_url, again).duplicates == 5
    assert_sound(database_url)


def test_a_query_of_postgresql(database_url: str, bare_database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rows of another database."""
    run_sql(bare_database_url, f"CREATE TABLE old_orders {TABLE}")
    for statement in inserts():
        run_sql(bare_database_url, statement)
    monkeypatch.setenv(URL_VARIABLE, bare_database_url)
    with queried(QUERY) as file:
        assert figures(run_import(database_url, file)) == FIGURES


def test_a_query_of_mariadb(database_url: str, mariadb: MariaDb, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rows of another database."""
    mariadb.execute("DROP TABLE IF EXISTS crm.old_orders", "USE crm", f"CREATE TABLE old_orders {TABLE}", *inserts())
    monkeypatch.setenv(URL_VARIABLE, mariadb.url())
    with queried(QUERY) as file:
        assert figures(run_import(database_url, file)) == FIGURES


def test_a_dirty_workbook(database_url: str, tmp_path: Path) -> None:
    """Merged orders, full-width digits, amounts with signs, numbers of days, formulas: taken where they are certain,
    and told by line where they are not."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["订单号", "下单时间", "手机号", "商品编码", "数量", "实付金额"])
    for row in (
        ["A1", datetime.fromisoformat("2026-01-05 10:00"), 13912345678, "TEA", 2, "￥1,200.50"],
        [None, None, None, "NUT", 1, 20],
        ["A2", "2026/1/6 9:05", "13912345679.0", "TEA", "１", 19.9],
        ["A3", "2026年1月7日", "1.3912345680E10", "TEA", 1, 30],
        ["B1", "2026/1/8", "1.39E+10", "TEA", 1, 30],
        ["B2", "8/1/2026", 13912345678, "TEA", 1, 30],
        ["B3", 46030, 13912345678, "TEA", 1, 30],
        ["B4", "2026/1/8", 13912345678, "TEA", 1, "1,234"],
        ["B5", "2026/1/8", 13912345678, "TEA", 1.5, 10],
        ["B6", "2026/1/8", 13912345678, "TEA", 1, "=10*2"],
        ["B7", "2026/1/8", 13912345678, "TEA", 1, 10],
        ["B8", "2026/1/8", 13912345678, "TEA", 1, None],
        [],
        ["A4", "2026/1/9", "", "TEA", 1, 10],
    ):
        sheet.append(row)
    for cells in ("A2:A3", "B2:B3", "C2:C3", "F12:F13"):
        sheet.merge_cells(cells)
    book.save(tmp_path / "orders.xlsx")
    mapping = parse_mapping(
        "name: {zh: 单, en: O}\nsource: dirty\ncurrency: CNY\ntime: {zone: Asia/Shanghai}\nmember: {identity: phone}\n"
        "columns: {order_id: 订单号, occurred_at: 下单时间, member: 手机号, sku: 商品编码, quantity: 数量, "
        "paid: 实付金额}",
        "here",
    )
    rejects = tmp_path / "rejects.csv"
    summary = run_import(database_url, tmp_path / "orders.xlsx", mapping, rejects=rejects)
    assert (summary.lines, summary.orders, summary.members, summary.guest_lines) == (13, 3, 3, 1)
    assert (summary.points_issued, summary.rejected_lines) == (1220 + 19 + 30, 8)
    assert rejected(rejects) == [
        ("6", "手机号", "inexact_number"),
        ("7", "下单时间", "invalid_instant"),
        ("8", "下单时间", "invalid_instant"),
        ("9", "实付金额", "invalid_amount"),
        ("10", "数量", "invalid_quantity"),
        ("11", "实付金额", "formula_without_value"),
        ("12", "实付金额", "merged_amount"),
        ("13", "实付金额", "merged_amount"),
    ]
    assert fetch_sql(database_url, "SELECT count(*)::int FROM members")[0][0] == 3


def test_columns_that_stand_there_twice(database_url: str, tmp_path: Path) -> None:
    """Notes may; what is mapped may not, for nobody knows which is meant."""
    file = tmp_path / "orders.csv"
    header, *lines = ORDERS.splitlines()
    file.write_text("\n".join([f"{header},note,note", *(f"{line},x,y" for line in lines)]) + "\n", "utf-8")
    assert run_import(database_url, file).orders == 3
    file.write_text("\n".join([f"{header},paid", *(f"{line},1" for line in lines)]) + "\n", "utf-8")
    with pytest.raises(WrongColumns, match="'paid' stands there twice"):
        run_import(database_url, file)
