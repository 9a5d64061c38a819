"""Who stands in a file of members twice, or is a member already: the pairs and groups, for a person to look at.

Rows that share an identity become one member, and a row that shares one with a member completes that member. Rows of
similar people, who were born on the same day, become members of their own; they are told in a dry run, before it is too
late to mend the file, and after the import by `jifen members duplicates`. Of identities only the kind is told: the
report is kept longer than the file.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from jifen.core.members.likeness import Reason, alike_names
from jifen.db.connection import Connection
from jifen.db.queries import load_queries
from jifen.services.duplicates import MOST_IN_COMMON
from jifen.services.imports.people.repeats import Repeated
from jifen.services.snapshot import one_moment

#: So many are listed of each kind, the rest is counted; of the lines of a group so many.
MOST_LISTED: Final = 100
MOST_LINES: Final = 20

_SQL: Final = load_queries("duplicates")
_SCHEMA: Final = """
CREATE TABLE shared (number INTEGER NOT NULL, kind TEXT NOT NULL, line INTEGER NOT NULL);
CREATE TABLE people (birthday TEXT NOT NULL, name TEXT NOT NULL, line INTEGER, member INTEGER);
CREATE TABLE known (member INTEGER PRIMARY KEY) WITHOUT ROWID;
"""
#: Rows that share several identities are one group.
_GROUPS: Final = """
WITH groups AS (
    SELECT kind, group_concat(line) AS lines, min(line) AS first
    FROM (SELECT * FROM shared ORDER BY line) GROUP BY number, kind HAVING count(DISTINCT line) > 1
)
SELECT lines, group_concat(DISTINCT kind), count(*) OVER () FROM groups GROUP BY lines ORDER BY first LIMIT ?
"""
_DAYS: Final = """
SELECT birthday, count(*) FROM people GROUP BY birthday HAVING count(*) > 1 AND count(line) > 0 ORDER BY birthday
"""
_OF_A_DAY: Final = "SELECT name, line, member FROM people WHERE birthday = ? ORDER BY line IS NULL, line, member"
_FETCHED: Final = 5_000
_WITH_YEAR: Final = len("1990-05-17")


class FileDuplicate(msgspec.Struct, frozen=True, omit_defaults=True):
    """Rows that are or may be one person (`line_count` where only the first lines are named), or a row and a member who
    are or may be one. `reasons`: the kinds of the identities that they share, or what their names and birthdays say."""

    lines: list[int]
    reasons: list[str]
    member_id: str | None = None
    line_count: int | None = None


class ListedDuplicates(msgspec.Struct, frozen=True):
    """The first of them, and how many there are."""

    total: int = 0
    listed: list[FileDuplicate] = []


class DuplicateReport(msgspec.Struct, frozen=True):
    """`in_file`: rows among each other; `with_members`: rows and those who were members before;
    `birthdays_of_too_many`: days on which so many were born that nobody was compared by them."""

    in_file: ListedDuplicates = ListedDuplicates()
    with_members: ListedDuplicates = ListedDuplicates()
    birthdays_of_too_many: list[str] = []


class Twins:
    """Gathers what is told of duplicates, in a temporary database that goes to disk as it grows. Close it."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", check_same_thread=False)
        self._database.executescript(_SCHEMA)
        self._known: list[FileDuplicate] = []
        self._known_count = 0

    def close(self) -> None:
        """Give the space back."""
        self._database.close()

    def note_repeated(self, line: int, repeated: Iterable[Repeated]) -> None:
        """A row, and those of its identities that stand in several rows."""
        rows = [(number, kind, line) for number, kind in repeated]
        self._database.executemany("INSERT INTO shared VALUES (?, ?, ?)", rows)

    def note_known(self, line: int, member: int, kinds: Iterable[str]) -> None:
        """A row that names somebody who was a member before, by identities of these kinds."""
        self._known_count += 1
        self._database.execute("INSERT OR IGNORE INTO known VALUES (?)", (member,))
        if len(self._known) < MOST_LISTED:
            self._known.append(FileDuplicate([line], sorted(kinds), str(member)))

    @property
    def lists_known(self) -> bool:
        """Whether further rows of members would be named, and not only counted."""
        return len(self._known) < MOST_LISTED

    def note_person(self, line: int, birthday: str, name: str) -> None:
        """A row that says who somebody is, if it says when they were born (with the year)."""
        if name and len(birthday) == _WITH_YEAR:
            self._database.execute("INSERT INTO people VALUES (?, ?, ?, NULL)", (birthday, name, line))

    async def add_members(self, connection: Connection) -> None:
        """Bring in the members with whom the people of the file are to be compared."""
        days = [day for (day,) in self._database.execute("SELECT DISTINCT birthday FROM people")]
        known = {member for (member,) in self._database.execute("SELECT member FROM known")}
        async with one_moment(connection):
            cursor = await connection.cursor(_SQL["born_on"], days)
            while rows := await cursor.fetch(_FETCHED):
                self._database.executemany(
                    "INSERT INTO people VALUES (?, ?, NULL, ?)",
                    [(day, name, member) for member, day, name in rows if member not in known],
                )

    def report(self) -> DuplicateReport:
        """What was found."""
        groups = [
            _group([int(line) for line in lines.split(",")], kinds.split(","), count)
            for lines, kinds, count in self._database.execute(_GROUPS, (MOST_LISTED,))
        ]
        in_file = _Listing(groups[0][1] if groups else 0, [group for group, _ in groups])
        with_members = _Listing(self._known_count, self._known)
        too_many = self._compare(in_file, with_members)
        return DuplicateReport(in_file.ended(), with_members.ended(), too_many)

    def _compare(self, in_file: _Listing, with_members: _Listing) -> list[str]:
        self._database.execute("CREATE INDEX people_by_birthday ON people (birthday)")
        together = self._together()
        too_many = []
        for birthday, count in self._database.execute(_DAYS).fetchall():
            if count > MOST_IN_COMMON:
                too_many.append(birthday)
                continue
            people = self._database.execute(_OF_A_DAY, (birthday,)).fetchall()
            for one, other, reason in alike_names([name for name, _, _ in people]):
                (_, line, _), (_, other_line, member) = people[one], people[other]
                if line is None:
                    continue
                if member is not None:
                    with_members.add([line], reason, str(member))
                elif not together.get(line, frozenset()) & together.get(other_line, frozenset()):
                    in_file.add([line, other_line], reason)
        return too_many[:MOST_LISTED]

    def _together(self) -> dict[int, frozenset[int]]:
        """By line: the identities that it shares with others, of the lines whose names are compared."""
        found: dict[int, set[int]] = {}
        query = "SELECT s.line, s.number FROM shared s JOIN people p ON p.line = s.line"
        for line, number in self._database.execute(query):
            found.setdefault(line, set()).add(number)
        return {line: frozenset(numbers) for line, numbers in found.items()}


class _Listing:
    def __init__(self, total: int, listed: Sequence[FileDuplicate]) -> None:
        self._total = total
        self._listed = list(listed)

    def add(self, lines: list[int], reason: Reason, member_id: str | None = None) -> None:
        self._total += 1
        if len(self._listed) < MOST_LISTED:
            self._listed.append(FileDuplicate(lines, [reason], member_id))

    def ended(self) -> ListedDuplicates:
        return ListedDuplicates(self._total, self._listed)


def _group(lines: list[int], kinds: list[str], total: int) -> tuple[FileDuplicate, int]:
    count = len(lines) if len(lines) > MOST_LINES else None
    return FileDuplicate(lines[:MOST_LINES], sorted(kinds), line_count=count), total
