"""Importing members into a real database: nobody who moves in is welcomed with points."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest
from openpyxl import Workbook

from jifen.core.commands import RegisterMember
from jifen.core.identity import Identity
from jifen.core.members.commands import DescribePerson
from jifen.engine.submission import Submission
from jifen.services.chinese import chinese_of
from jifen.services.imports.people import (
    BalanceSummary,
    MemberSummary,
    import_balances,
    import_members,
    load_balance_mapping,
    load_member_mapping,
)
from jifen.services.imports.querying import URL_VARIABLE, QueryFailed, QueryInterrupted, queried
from jifen.services.imports.recording import Progress
from jifen.services.programs import parse_program
from jifen.services.templates import read_template
from tests.databases import DEFAULT_PROGRAM, add_program, fetch_sql
from tests.integration.test_import_orders import rejected, with_engine

BALANCES = """
name: {zh: 余额, en: Balances}
source: import:old
columns: {identities: {phone: 手机号}, points: 积分}
register: true
"""
MAPPING = """
name: {zh: 会员, en: Members}
source: import:old
columns:
  identities: {phone: 手机号}
  name: 姓名
"""


def run_import(url: str, file: Path, mapping: Path) -> MemberSummary:
    """Import the members of a file."""
    meant = load_member_mapping(str(mapping))
    summary: MemberSummary = with_engine(url, lambda engine: import_members(engine, url, file, meant))
    return summary


def test_who_moves_in_is_not_welcomed(database_url: str, tmp_path: Path) -> None:
    """Known failure 84: a million members of long standing must not bring a million welcome gifts."""
    add_program(database_url, parse_program(read_template("retail")))
    file, mapping = tmp_path / "members.csv", tmp_path / "mapping.yaml"
    file.write_text("手机号,姓名\n13800000001,李梅\n13800000002,王强\n", "utf-8")
    mapping.write_text(MAPPING, "utf-8")
    summary = run_import(database_url, file, mapping)
    assert (summary.registered, summary.rejected) == (2, 0)
    assert fetch_sql(database_url, "SELECT count(*) FROM transactions")[0][0] == 0
    newcomer = Submission(RegisterMember((Identity("phone", "13800000003"),)), "test", "1", b"1", "test")
    with_engine(database_url, lambda engine: engine.submit(newcomer))
    assert fetch_sql(database_url, "SELECT count(*) FROM transactions")[0][0] == 1


def test_a_mended_mapping_is_another_import(database_url: str, tmp_path: Path) -> None:
    """The same file read by a mended mapping is not refused as something else under the same key."""
    file, mapping = tmp_path / "members.csv", tmp_path / "mapping.yaml"
    file.write_text("手机号,姓名\n13800000001,李梅\n", "utf-8")
    for text in (MAPPING.replace("  name: 姓名\n", "  city: 姓名\n"), MAPPING):
        mapping.write_text(text, "utf-8")
        assert run_import(database_url, file, mapping).rejected == 0
    assert fetch_sql(database_url, "SELECT person->>'name' FROM members")[0][0] == "李梅"


def test_the_same_file_again_takes_nothing_back(database_url: str, tmp_path: Path) -> None:
    """What was said of members since the import stays; a row that does not fit registers nobody by halves."""
    file, mapping = tmp_path / "members.csv", tmp_path / "mapping.yaml"
    tags = ",".join(f"t{number}" for number in range(101))
    file.write_text(f'手机号,姓名,标签\n13800000001,李梅,\n13800000002,王强,"{tags}"\n13800000003,,\n', "utf-8")
    mapping.write_text(MAPPING.replace("  name: 姓名\n", "  name: 姓名\n  tags: 标签\n"), "utf-8")
    first = run_import(database_url, file, mapping)
    assert (first.registered, first.rejected) == (2, 1)
    member = fetch_sql(database_url, "SELECT member_id FROM members WHERE person->>'name' = '李梅'")[0][0]
    said = Submission(DescribePerson(member, {"name": "李小梅"}), "test", "1", b"1", "test")
    with_engine(database_url, lambda engine: engine.submit(said))
    again = run_import(database_url, file, mapping)
    assert (again.registered, again.known, again.unchanged, again.rejected) == (0, 2, 2, 1)
    names = fetch_sql(database_url, "SELECT person->>'name' FROM members ORDER BY 1 NULLS LAST")
    assert names == [("李小梅",), (None,)]


def test_a_region_between_two_runs_takes_nothing_back(database_url: str, tmp_path: Path) -> None:
    """Two spellings that were two members when the file came: what was said since of the second stays, too."""
    file, mapping = tmp_path / "members.csv", tmp_path / "mapping.yaml"
    file.write_text("手机号,姓名\n13800000001,李梅\n+8613800000001,王强\n", "utf-8")
    mapping.write_text(MAPPING, "utf-8")
    assert run_import(database_url, file, mapping).registered == 2
    member = fetch_sql(database_url, "SELECT member_id FROM members WHERE person->>'name' = '王强'")[0][0]
    said = Submission(DescribePerson(member, {"name": "王小强"}), "test", "1", b"1", "test")
    with_engine(database_url, lambda engine: engine.submit(said))
    add_program(database_url, msgspec.structs.replace(DEFAULT_PROGRAM, phone_region="CN"))
    meant = load_member_mapping(str(mapping))
    tried = asyncio.run(import_members(None, database_url, file, meant))
    for again in (tried, run_import(database_url, file, mapping)):
        assert (again.registered, again.known, again.unchanged, again.repeated, again.rejected) == (0, 1, 2, 1, 0)
    names = fetch_sql(database_url, "SELECT person->>'name' FROM members ORDER BY 1")
    assert names == [("李梅",), ("王小强",)]


def test_numbers_as_spreadsheets_write_them(database_url: str, tmp_path: Path) -> None:
    """Full-width digits, `.0` and country codes are one spelling; a number that lost its digits is nobody's."""
    file, mapping, rejects = tmp_path / "members.csv", tmp_path / "mapping.yaml", tmp_path / "rejects.csv"
    phones = [
        "１３８００００００01",
        "13800000002.0",
        "+86 138-0000-0003",
        "008613800000004",
        "8613800000005",
        "1.38E+10",
    ]
    file.write_text("手机号,姓名\n" + "".join(f"{phone},某\n" for phone in phones), "utf-8")
    mapping.write_text(MAPPING + 'phone_country: "86"\n', "utf-8")
    meant = load_member_mapping(str(mapping))
    with_engine(database_url, lambda engine: import_members(engine, database_url, file, meant, rejects=rejects))
    found = [row[0] for row in fetch_sql(database_url, "SELECT value FROM identities ORDER BY 1")]
    assert found == [f"1380000000{each}" for each in range(1, 6)]
    assert rejected(rejects) == [("7", "手机号", "inexact_number")]


def test_a_program_with_a_region_knows_every_spelling(database_url: str, tmp_path: Path) -> None:
    """Rows that spell one phone in several ways are about one member, known or new, when tried and when done."""
    add_program(database_url, msgspec.structs.replace(DEFAULT_PROGRAM, phone_region="CN"))
    known = Submission(RegisterMember((Identity("phone", "13800000001"),)), "test", "1", b"1", "test")
    with_engine(database_url, lambda engine: engine.submit(known))
    file, mapping = tmp_path / "members.csv", tmp_path / "mapping.yaml"
    file.write_text("手机号,姓名\n8613800000001,李梅\n+86 138 0000 0002,王\n13800000002,王强\n", "utf-8")
    mapping.write_text(MAPPING, "utf-8")
    meant = load_member_mapping(str(mapping))
    tried = asyncio.run(import_members(None, database_url, file, meant))
    done = run_import(database_url, file, mapping)
    for summary in (tried, done):
        assert (summary.registered, summary.known, summary.repeated, summary.rejected) == (1, 1, 1, 0)
    names = "SELECT i.value, m.person->>'name' FROM identities i JOIN members m USING (member_id) ORDER BY 1"
    assert fetch_sql(database_url, names) == [("+8613800000001", "李梅"), ("+8613800000002", "王强")]


def test_balances_tell_how_far_they_are(database_url: str, tmp_path: Path) -> None:
    """Reading first, then lot by lot; whoever watches can end the import, and what was booked stays."""
    file, mapping = tmp_path / "balances.csv", tmp_path / "mapping.yaml"
    file.write_text("手机号,积分\n" + "".join(f"1390000{number:04},5\n" for number in range(1_000)), "utf-8")
    mapping.write_text(BALANCES, "utf-8")
    meant = load_balance_mapping(str(mapping))
    told: list[int] = []

    def watch(done: int, total: int) -> None:
        told.append(done)
        if done > 600:
            raise InterruptedError

    def run(progress: Progress) -> BalanceSummary:
        summary: BalanceSummary = with_engine(
            database_url, lambda engine: import_balances(engine, database_url, file, meant, progress=progress)
        )
        return summary

    with pytest.raises(InterruptedError):
        run(watch)
    assert told[-1] == 300 + 700 * 800 // 1_000
    summary = run(lambda done, total: told.append(done))
    assert (summary.booked, summary.unchanged, summary.agrees) == (200, 800, True)
    assert told[-1] == 1_000


def test_long_numbers_of_a_workbook_are_spoilt(database_url: str, tmp_path: Path) -> None:
    """A card of sixteen digits in a cell of numbers has lost its last one; as text it is whole."""
    file, mapping, rejects = tmp_path / "members.xlsx", tmp_path / "mapping.yaml", tmp_path / "rejects.csv"
    book = Workbook()
    assert book.active is not None
    for row in (["卡号", "姓名"], [6222020200112230, "数"], ["6222020200112233", "文"], [622202020011223, "短"]):
        book.active.append(row)
    book.save(file)
    mapping.write_text(MAPPING.replace("phone: 手机号", "card: 卡号"), "utf-8")
    meant = load_member_mapping(str(mapping))
    with_engine(database_url, lambda engine: import_members(engine, database_url, file, meant, rejects=rejects))
    found = [row[0] for row in fetch_sql(database_url, "SELECT value FROM identities ORDER BY length(value)")]
    assert found == ["622202020011223", "6222020200112233"]
    assert rejected(rejects) == [("2", "卡号", "inexact_number")]


def test_the_rows_of_a_query(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database of PostgreSQL can be read, and not written to; what is wrong is one sentence without the password."""
    monkeypatch.setenv(URL_VARIABLE, database_url)
    with queried("SELECT 1 AS a, '茶,酒' AS b, NULL AS c;") as file:
        assert file.read_text("utf-8") == 'a,b,c\n1,"茶,酒",\n'
    insert = "INSERT INTO wallets VALUES (9, 'x') RETURNING 1"
    with pytest.raises(QueryFailed, match="read-only") as refused, queried(insert):
        pass
    assert chinese_of(refused.value).startswith("查询未能执行：数据库的回答是“cannot execute INSERT")
    with pytest.raises(QueryInterrupted, match="1 seconds"), queried("SELECT pg_sleep(30)", limit_seconds=1):
        pass
    monkeypatch.setenv(URL_VARIABLE, "")
    with pytest.raises(QueryFailed, match=URL_VARIABLE) as unnamed, queried("SELECT 1"):
        pass
    assert unnamed.value.message_zh is not None and "请把" in unnamed.value.message_zh


def test_registrations_of_long_ago(database_url: str, tmp_path: Path) -> None:
    """By the clocks of their day, which were an hour ahead in that summer; what lies before all clocks is rejected."""
    file, mapping, rejects = tmp_path / "members.csv", tmp_path / "mapping.yaml", tmp_path / "rejects.csv"
    told = ("1986-07-01 10:00:00.25", "1985-07-01 10:00:00", "1969-12-31 10:00:00", "0001-01-01 00:00:00")
    lines = ["手机号,注册时间", *(f"1380000000{number},{text}" for number, text in enumerate(told))]
    file.write_text("\n".join(lines) + "\n", "utf-8")
    mapping.write_text(MAPPING.replace("name: 姓名", "registered_at: 注册时间"), "utf-8")
    meant = load_member_mapping(str(mapping))
    summary: MemberSummary = with_engine(
        database_url, lambda engine: import_members(engine, database_url, file, meant, rejects=rejects)
    )
    assert (summary.registered, summary.rejected) == (2, 2)
    found = fetch_sql(database_url, "SELECT registered_at AT TIME ZONE 'UTC' FROM members ORDER BY registered_at")
    assert [str(at) for (at,) in found] == ["1985-07-01 02:00:00", "1986-07-01 01:00:00.250000"]
    assert [(line, code) for line, _, code in rejected(rejects)] == [
        ("4", "instant_too_early"),
        ("5", "instant_too_early"),
    ]
