"""Importing files of orders into a real database: exact, once, resumable, and rehearsed without a trace."""

from __future__ import annotations

import asyncio
import csv
import gzip
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from jifen.core.commands import RecordOrder
from jifen.core.identity import Identity
from jifen.core.orders import Order, OrderLine
from jifen.engine.engine import Engine, QueueFull
from jifen.engine.submission import Outcome, Submission
from jifen.services.imports import ImportSummary, Mapping, import_orders, load_mapping
from jifen.services.imports.faults import WrongColumns
from jifen.services.imports.mapping import ReturnsByPrefix
from jifen.services.imports.reading import UnreadableFile
from jifen.services.imports.recording import ImportInterrupted
from jifen.services.imports.rejects import RejectsNotWritten
from jifen.services.imports.run import NothingToImportInto, OtherCurrency
from jifen.services.imports.staging import Staging
from jifen.services.imports.tables import Table
from jifen.services.programs import parse_program, read_program_text
from jifen.services.verification import verify
from tests.databases import add_program, fetch_sql, running_engine

HEADER = "order_id,occurred_at,identity,line_id,sku,quantity,paid,refund_of\n"
ORDERS = HEADER + (
    "1,2026-01-05 10:00,phone:13800000001,a,TEA,2,100.50,\n"
    "1,2026-01-05 10:00,phone:13800000001,b,NUT,1,20.00,\n"
    "2,2026-01-06 10:00,phone:13800000002,a,TEA,3,9.99,\n"
    "3,2026-01-07 10:00,,a,TEA,3,9.99,\n"
    "R1,2026-01-08 10:00,phone:13800000001,a,TEA,-1,,1\n"
    "4,2026-01-09 10:00,phone:13800000001,a,TEA,1,50,\n"
    "R4,2026-01-10 10:00,phone:13800000001,a,TEA,1,,4\n"
)
ONLINE_RETAIL = Path(__file__).resolve().parents[3] / "shared/data/online_retail.csv.gz"


def with_engine(url: str, work: Callable[[Engine], Coroutine[Any, Any, Any]]) -> Any:
    """Do some work with a started engine."""

    async def run() -> Any:
        async with running_engine(url) as engine:
            return await work(engine)

    return asyncio.run(run())


def run_import(url: str, file: Path, mapping: Mapping | None = None, **options: Any) -> ImportSummary:
    """Import a file with the plain mapping unless told otherwise."""
    mapping = mapping or load_mapping("orders")
    summary: ImportSummary = with_engine(url, lambda engine: import_orders(engine, url, file, mapping, **options))
    return summary


def figures(summary: ImportSummary) -> dict[str, int]:
    """The figures of a summary that are not nought, without how long it took."""
    return {name: value for name, value in msgspec.to_builtins(summary).items() if value and name != "seconds"}


def clean(url: str) -> bool:
    """Whether `jifen verify` finds nothing."""
    return not asyncio.run(verify(url)).findings


def rejected(path: Path) -> list[tuple[str, str, str]]:
    """Line, field and code of each row of a rejects file."""
    with path.open(encoding="utf-8", newline="") as file:
        return [(row["line"], row["field"], row["code"]) for row in csv.DictReader(file)]


def balances(url: str) -> list[int]:
    """The available points of all members, in order of size."""
    return [row[0] for row in fetch_sql(url, "SELECT available FROM accounts ORDER BY 1")]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A small file of orders: three orders of two members, a guest, and two returns."""
    path = tmp_path / "orders.csv"
    path.write_text(ORDERS, "utf-8")
    return path


def test_a_file_is_imported_once(database_url: str, file: Path) -> None:
    """Known failures 31, 38, 69: the same file again, also under another name and packed, gives nothing more."""
    first = run_import(database_url, file)
    assert figures(first) == {
        "lines": 7,
        "orders": 3,
        "members": 2,
        "returns": 2,
        "points_issued": 120 + 9 + 50,
        "points_reversed": 50 + 50,
        "guest_lines": 1,
        "guest_orders": 1,
    }
    packed = file.with_name("again.csv.gz")
    packed.write_bytes(gzip.compress(file.read_bytes()))
    again = run_import(database_url, packed)
    assert (again.duplicates, again.points_issued, again.points_reversed) == (5, 0, 0)
    assert balances(database_url) == [9, 70]
    assert clean(database_url)


def test_an_order_and_its_return_in_one_group(database_url: str, tmp_path: Path) -> None:
    """Order, return, order, return of one member, close together: each return finds its order."""
    lines = [
        f"{each},2026-01-05 10:{each:02},phone:1380000{member:04},a,TEA,2,10,\n"
        f"R{each},2026-01-05 10:{each:02},phone:1380000{member:04},a,TEA,1,,{each}\n"
        for member in range(3)
        for each in range(member * 10, member * 10 + 6)
    ]
    path = tmp_path / "orders.csv"
    path.write_text(HEADER + "".join(lines), "utf-8")
    summary = run_import(database_url, path)
    assert (summary.orders, summary.returns, summary.refused) == (18, 18, 0)
    assert balances(database_url) == [30, 30, 30]


def test_a_dry_run_says_the_same_and_writes_nothing(database_url: str, file: Path) -> None:
    """Preview and booking agree (known failure 75), on an empty database and on one that knows some of it."""
    tables = "SELECT (SELECT count(*) FROM transactions), (SELECT count(*) FROM members), (SELECT count(*) FROM keys)"
    rehearsed = run_import(database_url, file, dry_run=True)
    assert fetch_sql(database_url, tables) == [(0, 0, 0)]
    done = run_import(database_url, file)
    assert figures(rehearsed) == figures(done) | {"dry_run": True}
    more = ORDERS + (
        "5,2026-02-01 10:00,phone:13800000002,a,TEA,2,30,\n"
        "R5,2026-02-02 10:00,phone:13800000002,a,TEA,1,,2\n"
        "R6,2026-02-02 10:00,phone:13800000001,a,TEA,1,,2\n"
        "R7,2026-02-03 10:00,phone:13800000002,a,TEA,1,,5\n"
    )
    file.write_text(more.replace("2,9.99", "2,9.90"), "utf-8")
    before = fetch_sql(database_url, tables)
    rehearsed = run_import(database_url, file, dry_run=True)
    assert fetch_sql(database_url, tables) == before
    assert figures(rehearsed) == figures(run_import(database_url, file)) | {"dry_run": True}
    assert rehearsed.duplicates == 5
    assert rehearsed.rejected_lines == 1


def test_a_line_at_fault_rejects_its_order(database_url: str, tmp_path: Path) -> None:
    """Imported without the line, the order could not be mended later; other orders go through. Mended, it follows."""
    path, rejects = tmp_path / "orders.csv", tmp_path / "rejects.csv"
    path.write_text(ORDERS.replace("NUT,1,20.00", "NUT,1,20.00 yuan") + "9,2026-01-01\n", "utf-8")
    summary = run_import(database_url, path, rejects=rejects)
    assert (summary.orders, summary.points_issued, summary.rejected_lines) == (2, 59, 4)
    assert rejected(rejects) == [
        ("2", "", "order_incomplete"),
        ("3", "paid", "invalid_amount"),
        ("6", "quantity", "unmatched_return"),
        ("9", "", "wrong_column_count"),
    ]
    with rejects.open(encoding="utf-8", newline="") as written:
        row = list(csv.DictReader(written))[1]
    assert "20.00 yuan" in row["row"] and "20.00 yuan" in row["reason_zh"] and "20.00 yuan" in row["reason_en"]
    path.write_text(ORDERS, "utf-8")
    mended = run_import(database_url, path, rejects=rejects)
    assert (mended.orders, mended.points_issued, mended.duplicates, mended.rejected_lines) == (3, 120, 3, 0)
    assert rejected(rejects) == []
    assert clean(database_url)


def test_a_return_stays_where_it_was_booked(database_url: str, tmp_path: Path) -> None:
    """Known failures 1, 31: a file that was mended, or has grown, has purchases that a return would have been matched
    to had they been there before; it is not given back once more. What it could not give back then, it does now."""
    path = tmp_path / "orders.csv"
    mapping = msgspec.structs.replace(load_mapping("orders"), returns=ReturnsByPrefix("R"))
    member = "phone:13800000001"
    lines = (
        f"1,2026-01-01 10:00,{member},a,TEA,2,20,\n"
        f"2,2026-01-05 10:00,{member},a,TEA,2,20 yuan,\n"
        f"R1,2026-01-10 10:00,{member},a,TEA,-1,,\n"
        f"R2,2026-01-11 10:00,{member},a,TEA,-1,,\n"
        f"R2,2026-01-11 10:00,{member},b,TEA,-1,,\n"
    )
    path.write_text(HEADER + lines, "utf-8")
    first = run_import(database_url, path, mapping)
    assert (first.orders, first.returns, first.points_issued, first.points_reversed) == (1, 2, 20, 20)
    path.write_text(HEADER + lines.replace("20 yuan", "20"), "utf-8")
    rehearsed, mended = (run_import(database_url, path, mapping, dry_run=is_dry) for is_dry in (True, False))
    assert figures(rehearsed) == figures(mended) | {"dry_run": True}
    assert (mended.orders, mended.returns, mended.duplicates, mended.refused) == (2, 3, 3, 0)
    assert (mended.points_issued, mended.points_reversed) == (20, 10)
    assert balances(database_url) == [10]
    grown = HEADER + lines.replace("20 yuan", "20") + f"3,2026-01-09 10:00,{member},a,TEA,1,10,\n"
    path.write_text(grown, "utf-8")
    again = run_import(database_url, path, mapping)
    assert (again.duplicates, again.points_issued, again.points_reversed, again.refused) == (5, 10, 0, 0)
    assert balances(database_url) == [20]
    assert clean(database_url)


def test_what_the_ledger_refuses_is_reported(database_url: str, tmp_path: Path) -> None:
    """An order of the future, one with other content than before, a line twice: none of it counts as imported."""
    path, rejects = tmp_path / "orders.csv", tmp_path / "rejects.csv"
    path.write_text(ORDERS, "utf-8")
    run_import(database_url, path)
    text = HEADER + (
        "2,2026-01-06 10:00,phone:13800000002,a,TEA,3,99.99,\n"
        "7,2999-01-06 10:00,phone:13800000003,a,TEA,3,9.99,\n"
        "8,2026-01-06 10:00,phone:13800000004,a,TEA,3,9.99,\n"
        "8,2026-01-06 10:00,phone:13800000004,a,TEA,3,9.99,\n"
        "R9,2026-01-06 10:00,phone:13800000004,a,TEA,3,,nowhere\n"
    )
    path.write_text(text, "utf-8")
    rehearsed = run_import(database_url, path, rejects=rejects, dry_run=True)
    expected = {(line, code) for line, _, code in rejected(rejects)}
    summary = run_import(database_url, path, rejects=rejects)
    assert figures(rehearsed) == figures(summary) | {"dry_run": True}
    assert (summary.orders, summary.members, summary.refused, summary.rejected_lines) == (0, 0, 4, 0)
    found = {(line, code) for line, _, code in rejected(rejects)}
    assert found == expected
    assert {code for _, code in found} == {"key_conflict", "instant_in_future", "duplicate_line", "unknown_order"}
    assert balances(database_url) == [9, 70]


def test_thousands_of_lines_in_one_order_are_refused_as_a_whole(database_url: str, tmp_path: Path) -> None:
    """Never a silent cut at the limit of 1,000 lines."""
    path = tmp_path / "orders.csv"
    lines = [f"1,2026-01-05 10:00,phone:13800000001,{each},TEA,1,10,\n" for each in range(1_001)]
    path.write_text(HEADER + "".join(lines), "utf-8")
    rejects = tmp_path / "rejects.csv"
    summary = run_import(database_url, path, rejects=rejects)
    assert (summary.orders, summary.rejected_lines) == (0, 1_001)
    assert {code for _, _, code in rejected(rejects)} == {"too_many_lines"}


class Stumbling:
    """An engine whose process dies (or whose queue is full) at the second group."""

    def __init__(self, engine: Engine, error: Exception, times: int) -> None:
        self.engine = engine
        self.error = error
        self.groups = 0
        self.times = times

    async def submit_group(self, submissions: Sequence[Submission]) -> list[Outcome]:
        """Hand on the first group."""
        self.groups += 1
        if 1 < self.groups <= 1 + self.times:
            raise self.error
        return await self.engine.submit_group(submissions)


def test_an_import_that_died_goes_on(database_url: str, file: Path) -> None:
    """Known failures 33, 34: what was recorded before is a duplicate, the rest is new, the sum is the same."""

    async def stumble(engine: Engine) -> None:
        stumbling = Stumbling(engine, ConnectionResetError(), 1_000)
        await import_orders(stumbling, database_url, file, load_mapping("orders"))

    with pytest.raises(ConnectionResetError):
        with_engine(database_url, stumble)
    half = fetch_sql(database_url, "SELECT count(*) FROM transactions")[0][0]
    assert 0 < half < 5
    rest = run_import(database_url, file)
    assert (rest.duplicates, rest.orders, rest.returns) == (half, 3, 2)
    assert balances(database_url) == [9, 70]
    assert clean(database_url)


def test_an_import_that_is_stopped_waits_for_its_thread(
    database_url: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The temporary database stays open until nothing is at it any more: SQLite brings the process down otherwise."""
    begun, may_end = threading.Event(), threading.Event()
    seen: list[int] = []

    def match(staging: Staging) -> None:
        begun.set()
        assert may_end.wait(60)
        seen.append(staging.figure("SELECT count(*) FROM orders"))

    monkeypatch.setattr("jifen.services.imports.run.match_returns", match)

    async def stop() -> None:
        importing = asyncio.create_task(import_orders(None, database_url, file, load_mapping("orders")))
        await asyncio.to_thread(begun.wait, 60)
        for _ in range(3):
            # However often it is asked for.
            importing.cancel()
            await asyncio.sleep(0)
        assert not importing.done()
        may_end.set()
        with pytest.raises(asyncio.CancelledError):
            await importing

    asyncio.run(stop())
    assert seen == [5]


def test_an_import_that_is_stopped_stops_its_thread(
    database_url: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever presses Ctrl-C while a large file is read does not wait until all of it was."""
    begun, may_go_on = threading.Event(), threading.Event()

    def rows(_table: Table, tell: Callable[[int], None]) -> Iterator[tuple[int, list[str] | None]]:
        while True:
            tell(0)
            begun.set()
            may_go_on.wait(60)
            yield 2, None

    monkeypatch.setattr(Table, "rows", rows)

    async def stop() -> None:
        importing = asyncio.create_task(import_orders(None, database_url, file, load_mapping("orders")))
        await asyncio.to_thread(begun.wait, 60)
        importing.cancel()
        await asyncio.sleep(0)
        may_go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await importing

    asyncio.run(stop())


def test_a_busy_engine_is_waited_for(database_url: str, file: Path) -> None:
    """A full queue is no reason to give up."""

    async def busy(engine: Engine) -> ImportSummary:
        return await import_orders(Stumbling(engine, QueueFull("busy"), 2), database_url, file, load_mapping("orders"))

    assert with_engine(database_url, busy).orders == 3


def test_a_lost_database_interrupts(database_url: str, file: Path) -> None:
    """The message says that running it again goes on."""
    with pytest.raises(ImportInterrupted, match="again"):
        with_engine(database_url, lambda engine: import_orders(Away(), database_url, file, load_mapping("orders")))


class Away:
    """What an engine answers when its database is gone."""

    async def submit_group(self, submissions: Sequence[Submission]) -> list[Outcome]:
        """Uncertain, for every command."""
        from jifen.core.refusal import Refusal

        return [Refusal("database_unavailable", "The database cannot be reached.")] * len(submissions)


def test_orders_known_by_event_are_duplicates(database_url: str, file: Path) -> None:
    """Known failure 69: an order that came by event first is still one order when the file brings it again."""
    lines = [OrderLine("a", 3, 999, "TEA")]
    order = Order("2", "CNY", lines)
    at = datetime(2026, 1, 6, 2, tzinfo=UTC)

    async def tell(engine: Engine) -> Outcome:
        command = RecordOrder(Identity("phone", "13800000002"), order)
        return await engine.submit(Submission(command, "shop", "event-1", b"{}", "test", at))

    with_engine(database_url, tell)
    summary = run_import(database_url, file)
    assert (summary.duplicates, summary.points_issued) == (1, 170)
    assert balances(database_url) == [9, 70]


def test_wrong_files_change_nothing(database_url: str, tmp_path: Path) -> None:
    """Empty, of another shape, cut off, or with nowhere to write the rejects: told before anything is recorded."""
    path = tmp_path / "orders.csv"
    with pytest.raises(UnreadableFile, match="cannot be opened"):
        run_import(database_url, path)
    path.write_text("", "utf-8")
    with pytest.raises(UnreadableFile, match="is empty"):
        run_import(database_url, path)
    path.write_text("a,b\n1,2\n", "utf-8")
    with pytest.raises(WrongColumns):
        run_import(database_url, path)
    path.write_bytes(gzip.compress(ORDERS.encode() * 100)[:-10])
    with pytest.raises(UnreadableFile, match="cut off"):
        run_import(database_url, path)
    path.write_text(ORDERS, "utf-8")
    with pytest.raises(RejectsNotWritten):
        run_import(database_url, path, rejects=tmp_path / "none" / "rejects.csv")
    assert fetch_sql(database_url, "SELECT count(*) FROM transactions") == [(0,)]


def test_the_program_must_be_there_and_fit(database_url: str, bare_database_url: str, file: Path) -> None:
    """Better one clear line than every order refused."""
    with pytest.raises(NothingToImportInto):
        run_import(bare_database_url, file)
    with pytest.raises(OtherCurrency, match=r"GBP.*CNY"):
        run_import(database_url, file, load_mapping("online-retail"))


@pytest.mark.skipif(not ONLINE_RETAIL.exists(), reason=f"the data set is not there: {ONLINE_RETAIL.name}")
def test_the_whole_online_retail_file(bare_database_url: str, tmp_path: Path) -> None:
    """Half a million real lines: the known figures, nothing refused, a clean ledger, nothing more the second time."""
    add_program(bare_database_url, parse_program(read_program_text("online-retail")))
    mapping, rejects = load_mapping("online-retail"), tmp_path / "rejects.csv"
    told: list[int] = []
    summary = run_import(
        bare_database_url, ONLINE_RETAIL, mapping, rejects=rejects, progress=lambda done, total: told.append(done)
    )
    assert figures(summary) == {
        "lines": 541_909,
        "orders": 18_536,
        "members": 4_339,
        "returns": 3_848,
        "points_issued": 8_902_670,
        "points_reversed": 515_370,
        "guest_lines": 135_080,
        "guest_orders": 3_528,
        "rejected_lines": 1_391,
    }
    assert told == sorted(told)
    assert {code for _, _, code in rejected(rejects)} == {"unmatched_return"}
    assert sum(balances(bare_database_url)) == 8_902_670 - 515_370
    assert clean(bare_database_url)
    again = run_import(bare_database_url, ONLINE_RETAIL, mapping)
    assert (again.duplicates, again.points_issued, again.points_reversed) == (18_536 + 3_848, 0, 0)
    assert again.orders == summary.orders
