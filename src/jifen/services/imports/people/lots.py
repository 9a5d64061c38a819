"""Where the rows of a file of balances are put together to lots: a temporary SQLite database.

A lot is all that a member has in a wallet until one instant, and that is what its key says, not the file or the line:
a file that was mended, saved anew or put in another order brings every lot once. What came with other points before
is refused by its key. Of a member with a row at fault nothing is taken, as the lot would come with other points later.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple

from jifen.core.identity import Identity

#: What the keys of opening balances begin with.
KEY: Final = "balance:"
_SCHEMA: Final = """
PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -48000; PRAGMA temp_store = FILE;
CREATE TABLE rows (line INTEGER PRIMARY KEY, member TEXT NOT NULL, wallet TEXT NOT NULL, until TEXT NOT NULL,
    points INTEGER NOT NULL);
CREATE TABLE faults (member TEXT PRIMARY KEY, line INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE lots (number INTEGER PRIMARY KEY, member TEXT NOT NULL, wallet TEXT NOT NULL, until TEXT NOT NULL,
    points INTEGER NOT NULL, key TEXT NOT NULL UNIQUE, booked INTEGER NOT NULL DEFAULT 0);
CREATE INDEX rows_of_lots ON rows (member, wallet, until);
"""
_GATHER: Final = """
INSERT INTO lots (member, wallet, until, points, key)
SELECT member, wallet, until, sum(points), ? || wallet || ':' || until || ':' || member FROM rows
WHERE member NOT IN (SELECT member FROM faults) GROUP BY member, wallet, until ORDER BY min(line)
"""
_INCOMPLETE: Final = """
SELECT r.line, r.wallet, r.points, f.line FROM rows r JOIN faults f ON f.member = r.member ORDER BY r.line
"""
_PAGE: Final = "SELECT number, member, wallet, until, points, key FROM lots WHERE number > ? ORDER BY number LIMIT ?"


class LotRow(NamedTuple):
    """All that a member has in a wallet until one instant (empty: as long as earned points last)."""

    number: int
    member: str
    wallet: str
    until: str
    points: int
    #: What makes it unique for ever, within its source.
    key: str

    @property
    def identity(self) -> Identity:
        """Whose it is."""
        kind, _, value = self.member.partition(":")
        return Identity(kind, value)

    @property
    def expires_at(self) -> datetime | None:
        """When it expires; None: as earned points would."""
        return datetime.fromisoformat(self.until) if self.until else None


class Lots:
    """The temporary database of one import."""

    def __init__(self, folder: Path) -> None:
        self._database = sqlite3.connect(folder / "lots.sqlite", check_same_thread=False)
        self._database.executescript(_SCHEMA)

    def __enter__(self) -> Lots:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.close()

    def add(self, line: int, member: Identity, wallet: str, until: datetime | None, points: int) -> None:
        """Keep a row."""
        instant = "" if until is None else until.isoformat()
        self._database.execute("INSERT INTO rows VALUES (?, ?, ?, ?, ?)", (line, str(member), wallet, instant, points))

    def mark_fault(self, member: Identity, line: int) -> None:
        """A row of this member is at fault."""
        self._database.execute("INSERT OR IGNORE INTO faults VALUES (?, ?)", (str(member), line))

    def gather(self) -> None:
        """Put the rows together, once all were read."""
        self._database.execute(_GATHER, (KEY,))

    def incomplete(self) -> Iterator[tuple[int, str, int, int]]:
        """Rows of members of whom another is at fault: line, wallet, points, and the line at fault."""
        return iter(self._database.execute(_INCOMPLETE).fetchall())

    @property
    def count(self) -> int:
        """How many lots there are, numbered from 1 without gaps."""
        count: int = self._database.execute("SELECT count(*) FROM lots").fetchone()[0]
        return count

    def pages(self, size: int) -> Iterator[list[LotRow]]:
        """The lots, group by group."""
        after = 0
        while page := [LotRow(*values) for values in self._database.execute(_PAGE, (after, size))]:
            after = page[-1].number
            yield page

    def lines_of(self, lot: LotRow) -> list[int]:
        """The lines of the file that a lot comes from."""
        query = "SELECT line FROM rows WHERE member = ? AND wallet = ? AND until = ? ORDER BY line"
        return [line for (line,) in self._database.execute(query, (lot.member, lot.wallet, lot.until))]

    def booked(self, key: str, points: int) -> None:
        """The ledger has booked points under this key, which may be that of another file's lot."""
        self._database.execute("UPDATE lots SET booked = booked + ? WHERE key = ?", (points, key))

    def booked_by_wallet(self) -> dict[str, int]:
        """What the ledger has booked of this file's lots."""
        return dict(self._database.execute("SELECT wallet, sum(booked) FROM lots GROUP BY wallet").fetchall())
