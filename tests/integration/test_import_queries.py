"""Rows of a MySQL or MariaDB database, read from a real server."""

from __future__ import annotations

import csv
import os
import threading
import time
from pathlib import Path

import pytest

from jifen.services.imports.mysql import place_of
from jifen.services.imports.querying import URL_VARIABLE, QueryFailed, QueryInterrupted, queried
from tests.databases import fetch_sql
from tests.integration.test_import_members import run_import
from tests.mariadb import PASSWORD, MariaDb, mariadb, running

__all__ = ["mariadb"]
#: A customer of every kind of column that an old shop has.
TABLE = """
CREATE TABLE customers (id INT PRIMARY KEY, phone BIGINT, name VARCHAR(50), sex TINYINT(1), vip BIT(1), flags BIT(10),
    birthday DATE, joined DATETIME, points DECIMAL(30, 4), note TEXT, level ENUM('a', 'b'), tags JSON, photo BLOB)
"""
ROWS = r"""
INSERT INTO customers VALUES
(1, 13800000001, '李梅🍵', 1, b'1', b'1000000001', '1990-05-17', '2024-01-02 10:30:00', 12345678901234567890.1230,
 '茶,"酒"\n水', 'a', '{"a": 1}', 'x'),
(2, 13800000002, NULL, 0, b'0', NULL, '0000-00-00', '0000-00-00 00:00:00', NULL, '', NULL, NULL, NULL)
"""


@pytest.fixture
def crm(mariadb: MariaDb, monkeypatch: pytest.MonkeyPatch) -> MariaDb:
    """A database with two customers, which `--query` reads."""
    mariadb.execute("SET sql_mode = ''", "DROP TABLE IF EXISTS crm.customers", "USE crm", TABLE, ROWS)
    monkeypatch.setenv(URL_VARIABLE, mariadb.url())
    return mariadb


def rows_of(query: str) -> list[list[str]]:
    """The rows of a query, the header first."""
    with queried(query) as file, file.open(encoding="utf-8", newline="") as source:
        return list(csv.reader(source))


@pytest.mark.usefixtures("crm")
def test_every_kind_of_value() -> None:
    """Decimals keep all their digits, bits are numbers, days that are none and NULL are empty, texts are whole."""
    header, first, second = rows_of("SELECT * FROM customers ORDER BY id;")
    assert header[:3] == ["id", "phone", "name"]
    assert first == [
        "1",
        "13800000001",
        "李梅🍵",
        "1",
        "1",
        "513",
        "1990-05-17",
        "2024-01-02 10:30:00",
        "12345678901234567890.1230",
        '茶,"酒"\n水',
        "a",
        '{"a": 1}',
        "x",
    ]
    assert second == ["2", "13800000002", "", "0", "0", *[""] * 8]


@pytest.mark.usefixtures("crm")
def test_members_of_a_query(database_url: str, tmp_path: Path) -> None:
    """From the server into the ledger; the same rows again are the same import."""
    mapping = tmp_path / "mapping.yaml"
    mapping.write_text(
        "name: {zh: 会员, en: Members}\nsource: import:crm\ncolumns:\n"
        "  {identities: {phone: phone}, name: name, gender: sex, birthday: birthday, registered_at: joined}\n"
        "values: {sex: {'1': female, '0': male}}\n",
        "utf-8",
    )
    for registered, known in ((2, 0), (0, 2)):
        with queried("SELECT * FROM customers ORDER BY id") as file:
            summary = run_import(database_url, file, mapping)
        assert (summary.registered, summary.known, summary.rejected) == (registered, known, 0)
    assert fetch_sql(database_url, "SELECT person->>'name', person->>'gender' FROM members ORDER BY 1") == [
        ("李梅🍵", "female"),
        (None, "male"),
    ]


@pytest.mark.usefixtures("crm")
@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SELECT nothing FROM customers", "nothing"),
        ("SELECT 1 FROM nowhere", "nowhere"),
        ("SELEKT 1", "syntax"),
        ("UPDATE customers SET sex = 1", "READ ONLY"),
        ("DROP TABLE customers", "READ ONLY"),
        ("DO 1", "no rows"),
        ("SELECT 1; DROP TABLE customers", "syntax"),
        ("SELECT UNHEX('FF') AS hash", "HEX"),
    ],
)
def test_what_is_no_query(query: str, said: str) -> None:
    """Told in one sentence; nothing can be changed."""
    with pytest.raises(QueryFailed, match=said), queried(query):
        pass


def test_addresses_at_fault(crm: MariaDb, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong password, nobody there, a parameter that is none: never with the password."""
    for url, said in (
        (crm.url(password="wr0ng"), "Access denied"),
        (f"mysql://reader:wr0ng@127.0.0.1:{1}/crm", "connect"),
        (crm.url(password="wr0ng") + "&sslmode=require", "sslmode"),
        ("mysql://reader:wr0ng@127.0.0.1:port/crm", "port"),
        ("sqlite:///wr0ng", "mariadb://"),
    ):
        monkeypatch.setenv(URL_VARIABLE, url)
        with pytest.raises(QueryFailed, match=said) as failure, queried("SELECT 1"):
            pass
        assert "wr0ng" not in failure.value.message
    monkeypatch.setenv(URL_VARIABLE, crm.url(scheme="mariadb"))
    assert rows_of("SELECT 1 AS a") == [["a"], ["1"]]
    assert PASSWORD not in repr(place_of(crm.url())) and place_of(crm.url()).password == PASSWORD.encode()


@pytest.mark.usefixtures("crm")
def test_a_query_that_takes_too_long() -> None:
    """It is stopped by the server."""
    with pytest.raises(QueryInterrupted, match="1 seconds"), queried("SELECT SLEEP(30)", limit_seconds=1):
        pass


def test_a_server_that_goes_away(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """In the middle of the rows: none is imported, and the same query brings them all once it is back."""
    many = "SELECT a.seq, REPEAT('茶', 500) AS text FROM seq_1_to_3000000 a"
    with running() as server:
        monkeypatch.setenv(URL_VARIABLE, server.url())
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        killer = threading.Thread(target=_kill_while_copying, args=(server, tmp_path))
        killer.start()
        with pytest.raises(QueryInterrupted, match="same import"), queried(many):
            pass
        killer.join(60)
        assert not list(tmp_path.iterdir())
        server.start()
        assert len(rows_of(many.replace("3000000", "3000"))) == 3_001


def _kill_while_copying(server: MariaDb, folder: Path) -> None:
    until = time.monotonic() + 30
    while sum(file.stat().st_size for file in folder.glob("*/query.csv")) < 1_000_000 and time.monotonic() < until:
        time.sleep(0.01)
    server.stop(at_once=True)


def test_memory_stays_bounded(mariadb: MariaDb, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows go to the file as they come."""
    monkeypatch.setenv(URL_VARIABLE, mariadb.url())
    before = _resident_bytes()
    with queried("SELECT seq, REPEAT('x', 1000) AS text FROM seq_1_to_60000") as file:
        assert file.stat().st_size > 60_000_000
    assert _resident_bytes() - before < 20_000_000


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
