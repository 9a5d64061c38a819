"""Files that spell one phone in several ways, for a program with a region: what they bring is one member's, once."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest

from jifen.core.members.commands import MergeMembers
from jifen.core.wallets.document import Adjustments
from jifen.engine.submission import Submission
from jifen.services.imports import ImportSummary, import_orders, load_mapping
from jifen.services.imports.mapping import parse_mapping
from jifen.services.imports.people import BalanceSummary, import_balances
from jifen.services.imports.people.mapping import BalanceColumns, BalanceMapping
from tests.databases import DEFAULT_PROGRAM, add_program, fetch_sql
from tests.integration.checking import assert_sound
from tests.integration.test_import_orders import HEADER, balances, figures, run_import, with_engine

IN_CHINA = msgspec.structs.replace(DEFAULT_PROGRAM, phone_region="CN")
PLAIN, FULL, DIALLED = "phone:13800000001", "phone:+86 138 0000 0001", "phone:008613800000001"
TILL = """
name: {zh: 订单, en: Orders}
source: import:till
currency: CNY
time: {zone: Asia/Shanghai}
member: {identity: phone}
columns: {order_id: id, occurred_at: at, member: member, sku: sku, quantity: quantity, paid: paid}
returns: {by: prefix, prefix: C}
"""
BALANCES = BalanceMapping(
    DEFAULT_PROGRAM.name, "import:old", BalanceColumns({"phone": "phone"}, "points"), register=True
)


def orders(folder: Path, *rows: str) -> Path:
    """A file of orders."""
    file = folder / "orders.csv"
    file.write_text(HEADER + "".join(f"{row}\n" for row in rows), "utf-8")
    return file


def rehearsed(url: str, file: Path) -> ImportSummary:
    """An import, after a dry run that said the same of it."""
    mapping = load_mapping("orders")
    tried = asyncio.run(import_orders(None, url, file, mapping))
    done = run_import(url, file, rejects=file.with_name("rejects.csv"))
    assert figures(tried) == figures(done) | {"dry_run": True}
    return done


def balances_of(url: str, folder: Path, *rows: str, mapping: BalanceMapping = BALANCES) -> BalanceSummary:
    """An import of balances, after a dry run that said the same of it."""
    file = folder / "balances.csv"
    file.write_text("phone,points\n" + "".join(f"{row}\n" for row in rows), "utf-8")
    tried = asyncio.run(import_balances(None, url, file, mapping))
    done: BalanceSummary = with_engine(url, lambda engine: import_balances(engine, url, file, mapping))
    for name in ("booked", "unchanged", "waiting", "rejected", "repeated"):
        assert getattr(tried, name) == getattr(done, name)
    return done


def test_orders_of_three_spellings_are_one_members(database_url: str, tmp_path: Path) -> None:
    """Also lines of one order, and a return under another spelling than its order; a second run changes nothing."""
    add_program(database_url, IN_CHINA)
    file = orders(
        tmp_path,
        f"1,2026-01-05 10:00,{PLAIN},a,TEA,2,100,",
        f"1,2026-01-05 10:00,{FULL},b,NUT,1,20,",
        f"2,2026-01-06 10:00,{FULL},a,TEA,1,30,",
        "3,2026-01-06 11:00,phone:13800000002,a,TEA,1,7,",
        f"4,2026-01-07 10:00,{DIALLED},a,TEA,1,40,",
        f"R1,2026-01-08 10:00,{DIALLED},a,TEA,1,,1",
    )
    first = rehearsed(database_url, file)
    assert (first.orders, first.members, first.returns, first.rejected_lines) == (4, 2, 1, 0)
    assert balances(database_url) == [7, 140]
    assert fetch_sql(database_url, "SELECT value FROM identities ORDER BY 1") == [
        ("+8613800000001",),
        ("+8613800000002",),
    ]
    again = rehearsed(database_url, file)
    assert (again.duplicates, again.points_issued, again.points_reversed, again.rejected_lines) == (5, 0, 0, 0)
    assert balances(database_url) == [7, 140]
    assert_sound(database_url)


def test_a_region_between_two_runs_changes_nothing(database_url: str, tmp_path: Path) -> None:
    """Who was three members before the program had a region stays so, with what each of them gave back; nor is that
    given back a second time once they are merged."""
    file = tmp_path / "orders.csv"
    file.write_text(
        "id,at,member,sku,quantity,paid\n"
        "1,2026-01-05 10:00,13800000001,TEA,1,10\n"
        "2,2026-01-06 10:00,+8613800000001,TEA,1,20\n"
        "3,2026-01-07 10:00,008613800000001,TEA,1,40\n"
        "C1,2026-01-08 10:00,13800000001,TEA,1,\n"
        "C2,2026-01-09 10:00,13800000001,NUT,1,\n",
        "utf-8",
    )
    mapping = parse_mapping(TILL, "till")
    first = run_import(database_url, file, mapping)
    assert (first.orders, first.members, first.returns, first.rejected_lines) == (3, 3, 1, 1)
    assert balances(database_url) == [0, 20, 40]
    add_program(database_url, IN_CHINA)
    assert unchanged(run_import(database_url, file, mapping))
    assert balances(database_url) == [0, 20, 40]
    one, *others = [row[0] for row in fetch_sql(database_url, "SELECT member_id FROM members ORDER BY 1")]
    merges = [Submission(MergeMembers(one, other), "test", f"{other}", b"1", "test") for other in others]
    with_engine(database_url, lambda engine: engine.submit_group(merges))
    assert unchanged(run_import(database_url, file, mapping))
    assert sum(balances(database_url)) == 60
    assert_sound(database_url)


def unchanged(summary: ImportSummary) -> bool:
    """Whether a run found all that it could take, and nothing new."""
    told = (summary.orders, summary.returns, summary.duplicates, summary.refused, summary.rejected_lines)
    return told == (3, 1, 4, 0, 1) and not (summary.points_issued or summary.points_reversed)


def test_returns_find_purchases_under_another_spelling(database_url: str, tmp_path: Path) -> None:
    """What a member's own spelling leaves over comes from the orders of the others."""
    add_program(database_url, IN_CHINA)
    file = tmp_path / "orders.csv"
    file.write_text(
        "id,at,member,sku,quantity,paid\n"
        "1,2026-01-05 10:00,13800000001,TEA,2,10\n"
        "2,2026-01-06 10:00,+8613800000001,TEA,1,20\n"
        "C1,2026-01-08 10:00,8613800000001,TEA,2,\n"
        "C2,2026-01-09 10:00,13800000001,TEA,1,\n",
        "utf-8",
    )
    mapping = parse_mapping(TILL, "till")
    first = run_import(database_url, file, mapping)
    assert (first.orders, first.members, first.returns, first.rejected_lines, first.refused) == (2, 1, 3, 0, 0)
    assert balances(database_url) == [0]
    again = run_import(database_url, file, mapping)
    assert (again.duplicates, again.points_reversed, again.refused) == (5, 0, 0)
    assert_sound(database_url)


def test_balances_of_two_spellings_are_one_lot(database_url: str, tmp_path: Path) -> None:
    """Of somebody new; in whichever spelling the file comes again, nothing is booked twice."""
    add_program(database_url, IN_CHINA)
    rows = ["13800000001,100", "+86 138 0000 0001,50", "13800000002,7"]
    first = balances_of(database_url, tmp_path, *rows)
    assert (first.booked, first.rejected, first.repeated.total, first.agrees) == (2, 0, 1, True)
    assert balances(database_url) == [7, 150]
    for again in (rows, ["008613800000001,150", "8613800000002,7"]):
        summary = balances_of(database_url, tmp_path, *again)
        assert (summary.booked, summary.unchanged, summary.rejected, summary.agrees) == (0, 2, 0, True)
    assert balances(database_url) == [7, 150]
    assert_sound(database_url)


@pytest.mark.parametrize("region", [None, "CN"])
def test_balances_that_wait_are_one_lot_in_every_spelling(
    bare_database_url: str, tmp_path: Path, region: str | None
) -> None:
    """Approved twice, the points would be there twice: also where the program had no region when the first came."""
    limited = msgspec.structs.replace(DEFAULT_PROGRAM, adjustments=Adjustments(limit_points=1_000))
    add_program(bare_database_url, msgspec.structs.replace(limited, phone_region=region))
    assert balances_of(bare_database_url, tmp_path, "13800000001,5000").waiting == 1
    add_program(bare_database_url, msgspec.structs.replace(limited, phone_region="CN"))
    for spelled in ("13800000001", "+8613800000001", "8613800000001"):
        summary = balances_of(bare_database_url, tmp_path, f"{spelled},5000")
        assert (summary.waiting, summary.booked, summary.agrees) == (1, 0, True)
    assert fetch_sql(bare_database_url, "SELECT count(*) FROM approvals") == [(1,)]
