"""Where a file's lines wait between reading and recording: a temporary SQLite database.

Orders may be scattered over a file, returns must be matched to purchases long before them, and files may be far
larger than memory: so lines go to disk once, and come back order by order, in order of time.

A member may be named by a phone in several spellings. `members` has the one in full; of orders, `identity` is that of
the first line, and `spelling` the same unless its lines have several.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from jifen.core.identity import Identity, in_full
from jifen.core.limits import MAXIMUM_LINES
from jifen.services.imports.rejects import TABLE as REJECTS
from jifen.services.imports.rejects import Reject
from jifen.services.imports.rows import FileLine

_CHUNK = 5_000
_SCHEMA = """
PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -48000; PRAGMA temp_store = FILE;
CREATE TABLE members (number INTEGER PRIMARY KEY, identity TEXT NOT NULL UNIQUE);
CREATE TABLE orders (
    number INTEGER PRIMARY KEY, is_return INTEGER NOT NULL, order_id TEXT NOT NULL, member INTEGER NOT NULL,
    occurred_at_us INTEGER NOT NULL, first_line INTEGER NOT NULL, line_count INTEGER NOT NULL, currency TEXT NOT NULL,
    identity TEXT NOT NULL, spelling TEXT, channel TEXT, store_id TEXT, is_bad INTEGER NOT NULL DEFAULT 0,
    UNIQUE (is_return, order_id)
);
CREATE TABLE lines (
    order_number INTEGER, position INTEGER, member INTEGER NOT NULL, line INTEGER NOT NULL, line_id TEXT NOT NULL,
    quantity INTEGER NOT NULL, paid_cents INTEGER NOT NULL, sku TEXT, name TEXT, category TEXT, brand TEXT,
    refund_of TEXT, returned INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (order_number, position)
) WITHOUT ROWID;
CREATE TABLE refunds (
    number INTEGER PRIMARY KEY, return_number INTEGER NOT NULL, order_id TEXT NOT NULL, line_id TEXT NOT NULL,
    quantity INTEGER NOT NULL
);
CREATE TABLE booked (
    return_id TEXT NOT NULL, order_id TEXT NOT NULL, line_id TEXT NOT NULL, quantity INTEGER NOT NULL,
    PRIMARY KEY (return_id, order_id, line_id)
) WITHOUT ROWID;
CREATE TABLE bad_orders (order_id TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE guest_orders (order_id TEXT PRIMARY KEY) WITHOUT ROWID;
"""
_AFTER_READING = """
INSERT OR IGNORE INTO bad_orders SELECT order_id FROM orders WHERE line_count > {limit};
UPDATE orders SET is_bad = 1 WHERE order_id IN (SELECT order_id FROM bad_orders);
INSERT INTO rejects
    SELECT l.line, CASE WHEN o.line_count > {limit} THEN 'order_id' ELSE '' END,
           CASE WHEN o.line_count > {limit} THEN 'too_many_lines' ELSE 'order_incomplete' END, o.line_count, '', ''
    FROM orders o JOIN lines l ON l.order_number = o.number WHERE o.is_bad;
CREATE INDEX lines_by_sku ON lines (member, sku);
"""


class _Current:
    """The order whose lines are being read. `identity`: as its first line has it; `in_full`: as `members` has it."""

    __slots__ = ("identity", "in_full", "line_count", "member", "number")

    def __init__(self, number: int, member: int, identity: str, in_full: str, line_count: int) -> None:
        self.number = number
        self.member = member
        self.identity = identity
        self.in_full = in_full
        self.line_count = line_count


class Staging:
    """The temporary database of one import. Used by one thread at a time. `phone_region`: the program's."""

    def __init__(self, path: Path, phone_region: str | None = None) -> None:
        self._phone_region = phone_region
        self.database = sqlite3.connect(path, check_same_thread=False)
        # The first change opens the one transaction that lasts to the end: the file is thrown away, whatever happens.
        self.database.executescript(_SCHEMA + REJECTS)
        self._waiting: list[tuple[object, ...]] = []
        self._name: tuple[bool, str] | None = None
        self._current = _Current(0, 0, "", "", 0)
        self._last_guest: str | None = None
        self.guest_lines = 0

    def close(self) -> None:
        """Give the file back."""
        self.database.close()

    # --- reading ---

    def add_guest(self, line: FileLine) -> None:
        """Count a row without a member; `guest_orders` counts their orders, not their returns."""
        self.guest_lines += 1
        if not line.is_return and line.order_id != self._last_guest:
            self._last_guest = line.order_id
            self.database.execute("INSERT OR IGNORE INTO guest_orders VALUES (?)", (line.order_id,))

    def add_line(self, line_number: int, line: FileLine, identity: str) -> bool:
        """Keep a line. False: its order began with another member, so it cannot be the same order."""
        name = (line.is_return, line.order_id)
        if name != self._name:
            self._leave_order()
            self._current = self._enter_order(line_number, line, identity)
            self._name = name
        current = self._current
        if identity != current.identity:
            if self._in_full(identity) != current.in_full:
                return False
            self.database.execute("UPDATE orders SET spelling = NULL WHERE number = ?", (current.number,))
        current.line_count += 1
        self._waiting.append(
            (
                current.number,
                current.line_count,
                current.member,
                line_number,
                line.line_id or ("" if line.is_return else str(current.line_count)),
                line.quantity,
                line.paid_cents,
                line.sku,
                line.name,
                line.category,
                line.brand,
                line.refund_of,
            )
        )
        if len(self._waiting) >= _CHUNK:
            self._flush()
        return True

    def mark_bad(self, order_id: str) -> None:
        """An order with a line at fault is not imported at all: imported without it, it could not be mended later."""
        self.database.execute("INSERT OR IGNORE INTO bad_orders VALUES (?)", (order_id,))

    def end_reading(self) -> None:
        """Settle what can be known only at the end: orders at fault, and the ways to find lines."""
        self._leave_order()
        self._flush()
        for statement in _AFTER_READING.format(limit=MAXIMUM_LINES).split(";"):
            self.database.execute(statement)

    def _enter_order(self, line_number: int, line: FileLine, identity: str) -> _Current:
        found = self.database.execute(
            "SELECT o.number, o.member, o.identity, m.identity, o.line_count"
            " FROM orders o JOIN members m ON m.number = o.member WHERE o.is_return = ? AND o.order_id = ?",
            (line.is_return, line.order_id),
        ).fetchone()
        if found is not None:
            return _Current(*found)
        full = self._in_full(identity)
        member = self._member_number(full)
        row = (line.is_return, line.order_id, member, line.occurred_at_us, line_number, line.currency)
        number = self.database.execute(
            "INSERT INTO orders (is_return, order_id, member, occurred_at_us, first_line, line_count, currency,"
            " identity, spelling, channel, store_id) VALUES (?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?)",
            (*row, identity, identity, line.channel, line.store_id),
        ).lastrowid
        assert number is not None
        return _Current(number, member, identity, full, 0)

    def _leave_order(self) -> None:
        if self._name is not None:
            self.database.execute(
                "UPDATE orders SET line_count = ? WHERE number = ?", (self._current.line_count, self._current.number)
            )

    def _in_full(self, identity: str) -> str:
        return str(in_full(Identity.of(identity), self._phone_region))

    def _member_number(self, identity: str) -> int:
        found = self.database.execute("SELECT number FROM members WHERE identity = ?", (identity,)).fetchone()
        if found is not None:
            return int(found[0])
        number = self.database.execute("INSERT INTO members (identity) VALUES (?)", (identity,)).lastrowid
        assert number is not None
        return number

    def _flush(self) -> None:
        self.database.executemany(
            "INSERT INTO lines (order_number, position, member, line, line_id, quantity, paid_cents, sku, name,"
            " category, brand, refund_of) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            self._waiting,
        )
        self._waiting = []

    # --- rejects and figures ---

    def reject(self, reject: Reject) -> None:
        """Keep why a line was not taken."""
        self.database.execute("INSERT INTO rejects VALUES (?, ?, ?, ?, ?, ?)", msgspec.structs.astuple(reject))

    def rejects(self) -> Iterator[Reject]:
        """All that was not taken, by line."""
        rows = self.database.execute("SELECT * FROM rejects ORDER BY line, rowid")
        return (Reject(line, field, code, str(detail), *said) for line, field, code, detail, *said in rows)

    def rejected_lines(self) -> int:
        """How many lines of the file were not taken."""
        return self.figure("SELECT count(DISTINCT line) FROM rejects")

    def figure(self, query: str) -> int:
        """The one number that a query gives."""
        return int(self.database.execute(query).fetchone()[0])

    def rows(self, query: str, values: Iterable[object] = ()) -> sqlite3.Cursor:
        """The rows of a query, as they are read."""
        return self.database.execute(query, tuple(values))

    def change(self, query: str, rows: Iterable[tuple[Any, ...]]) -> None:
        """Run a statement for each of these rows."""
        self.database.executemany(query, rows)
