"""Where the rows of a file of balances are put together to lots: a temporary SQLite database.

A lot is all that a member has in a wallet until one instant, whatever identities the rows name the member by. That is
what makes it unique, not the file or the line: a file that was mended, saved anew or put in another order brings every
lot once. What came with other points before is refused. Of a member with a row at fault nothing is taken, as the lot
would come with other points later.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple

import msgspec

from jifen.core.identity import Identity
from jifen.services.imports.people.duplicates import MOST_LINES

#: What the keys of opening balances begin with.
KEY: Final = "balance:"
_SCHEMA: Final = """
PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -48000; PRAGMA temp_store = FILE;
CREATE TABLE rows (line INTEGER PRIMARY KEY, member TEXT NOT NULL, wallet TEXT NOT NULL, until TEXT NOT NULL,
    points INTEGER NOT NULL);
CREATE TABLE faults (member TEXT PRIMARY KEY, line INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE owners (member TEXT PRIMARY KEY, owner TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE lots (number INTEGER PRIMARY KEY, owner TEXT NOT NULL, member TEXT NOT NULL, wallet TEXT NOT NULL,
    until TEXT NOT NULL, points INTEGER NOT NULL, first INTEGER NOT NULL);
CREATE INDEX rows_of_lots ON rows (member, wallet, until);
CREATE INDEX members_of_owners ON owners (owner);
"""
#: Of `member` that of the first row: SQLite takes it from the row with the least line.
_GATHER: Final = """
INSERT INTO lots (owner, member, wallet, until, points, first)
SELECT o.owner, r.member, r.wallet, r.until, sum(r.points), min(r.line) FROM rows r JOIN owners o ON o.member = r.member
WHERE o.owner NOT IN (SELECT o.owner FROM faults f JOIN owners o ON o.member = f.member)
GROUP BY o.owner, r.wallet, r.until ORDER BY min(r.line)
"""
_INCOMPLETE: Final = """
SELECT r.line, r.wallet, r.points, f.line FROM rows r JOIN owners o ON o.member = r.member
JOIN (SELECT o.owner, min(f.line) AS line FROM faults f JOIN owners o ON o.member = f.member GROUP BY o.owner) f
    ON f.owner = o.owner
ORDER BY r.line
"""
_MEMBERS: Final = """
SELECT member FROM (SELECT member FROM rows UNION SELECT member FROM faults) WHERE member > ? ORDER BY member LIMIT ?
"""
_LINES: Final = """
SELECT r.line FROM owners o JOIN rows r ON r.member = o.member WHERE o.owner = ? AND r.wallet = ? AND r.until = ?
ORDER BY r.line
"""
_ADDED: Final = """
SELECT l.wallet, l.points, group_concat(r.line), min(r.points) = max(r.points), count(*) OVER ()
FROM lots l JOIN owners o ON o.owner = l.owner
JOIN (SELECT * FROM rows ORDER BY line) r ON r.member = o.member AND r.wallet = l.wallet AND r.until = l.until
GROUP BY l.number HAVING count(*) > 1 ORDER BY l.number LIMIT ?
"""
_PAGE: Final = "SELECT number, owner, member, wallet, until, points FROM lots WHERE number > ? ORDER BY number LIMIT ?"


class LotRow(NamedTuple):
    """All that a member has in a wallet until one instant (empty: as long as earned points last). `owner` is the number
    of the member, or the identity of one who is not known; `member` the identity that the first row names."""

    number: int
    owner: str
    member: str
    wallet: str
    until: str
    points: int

    @property
    def member_id(self) -> int | None:
        """The number of the member, if it was known when the rows were put together."""
        return int(self.owner) if self.owner.isdigit() else None

    @property
    def key(self) -> str:
        """What makes it unique for ever, within its source."""
        return key_of(self.wallet, self.until, self.member)

    @property
    def identity(self) -> Identity:
        """Whose it is."""
        return Identity.of(self.member)

    @property
    def expires_at(self) -> datetime | None:
        """When it expires; None: as earned points would."""
        return datetime.fromisoformat(self.until) if self.until else None


class AddedRows(msgspec.Struct, frozen=True, omit_defaults=True):
    """Rows of one member, wallet and expiry, which become one lot of so many points. `alike`: each has as many, so that
    one may have been copied. `line_count`: where only the first lines are named."""

    lines: list[int]
    wallet: str
    points: int
    alike: bool = False
    line_count: int | None = None


def key_of(wallet: str, until: str, identity: str) -> str:
    """The key of a lot under one of the identities of its member."""
    return f"{KEY}{wallet}:{until}:{identity}"


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

    def members(self, size: int) -> Iterator[list[Identity]]:
        """Whom the rows name, group by group."""
        after = ""
        while page := [member for (member,) in self._database.execute(_MEMBERS, (after, size))]:
            after = page[-1]
            yield [Identity.of(member) for member in page]

    def own(self, owners: Mapping[Identity, str]) -> None:
        """Who these identities are: members by number, or themselves in full. Said of all before they are gathered."""
        rows = [(str(identity), owner) for identity, owner in owners.items()]
        self._database.executemany("INSERT INTO owners VALUES (?, ?)", rows)

    def gather(self) -> None:
        """Put the rows together, once all were read and it is known whose they are."""
        self._database.execute(_GATHER)
        self._database.execute("CREATE INDEX lots_of_owners ON lots (owner)")

    def incomplete(self) -> Iterator[tuple[int, str, int, int]]:
        """Rows of members of whom another is at fault: line, wallet, points, and the line at fault."""
        return iter(self._database.execute(_INCOMPLETE).fetchall())

    def has(self, lot: LotRow, until: str) -> bool:
        """Whether the file has a lot like this one until another instant."""
        query = "SELECT 1 FROM lots WHERE owner = ? AND wallet = ? AND until = ?"
        return self._database.execute(query, (lot.owner, lot.wallet, until)).fetchone() is not None

    def added(self, most_listed: int) -> Iterator[tuple[AddedRows, int]]:
        """Rows that were added to one lot, the first of them; and how many such lots there are."""
        for wallet, points, lines, is_same, total in self._database.execute(_ADDED, (most_listed,)):
            numbers = sorted(map(int, lines.split(",")))
            count = len(numbers) if len(numbers) > MOST_LINES else None
            yield AddedRows(numbers[:MOST_LINES], wallet, points, bool(is_same), count), total

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
        return [line for (line,) in self._database.execute(_LINES, (lot.owner, lot.wallet, lot.until))]
