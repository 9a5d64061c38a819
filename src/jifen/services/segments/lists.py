"""Lists of segments: who is put on them and taken off, by number or by identity."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar, Final

import msgspec

from jifen.core.errors import JifenError
from jifen.core.identity import Identity, parse_identity, shard_of_member
from jifen.core.refusal import Refusal
from jifen.db.connection import Connection
from jifen.db.queries import load_queries
from jifen.engine.loading import find_identities
from jifen.services.catalog import Catalog
from jifen.services.imports.mapping import FileShape
from jifen.services.imports.reading import find_encoding, read_rows
from jifen.services.members import parse_member_id
from jifen.services.segments.catalog import Segment

_SQL = load_queries("segments")
#: So many names are looked up at once.
CHUNK: Final = 1_000


class SegmentNotAList(JifenError):
    """A segment with a condition has no list: the condition says who belongs to it."""

    code: ClassVar[str] = "segment_not_a_list"


class ListChange(msgspec.Struct, frozen=True):
    """What putting members on a list, or taking them off, came to. `unchanged`: they were on it already, or were not;
    `unknown`: names of no member, as they were given."""

    changed: int
    unchanged: int
    unknown: list[str]


async def change_list(
    connection: Connection, segment: Segment, names: Sequence[str], *, adds: bool, actor: str
) -> ListChange:
    """Put members on the list of a segment, or take them off. Names are numbers or identities (`kind:value`); a member
    who is named twice counts once. Raises SegmentNotAList."""
    if segment.kind != "list":
        message = f"{segment.segment_id} has a condition, which says who belongs to it; lists are segments without one."
        raise SegmentNotAList(message, segment_id=segment.segment_id)
    catalog = Catalog()
    await catalog.refresh(connection)
    shards = catalog.shards
    members: dict[int, None] = {}
    unknown: list[str] = []
    for start in range(0, len(names), CHUNK):
        await _look_up(connection, names[start : start + CHUNK], catalog, members, unknown)
    wanted = list(members)
    keys = ([shard_of_member(member, shards) for member in wanted], wanted)
    if adds:
        changed: int = await connection.fetchval(
            _SQL["add_members"], segment.segment_id, *keys, datetime.now(UTC), actor
        )
    else:
        changed = await connection.fetchval(_SQL["remove_members"], segment.segment_id, *keys)
    return ListChange(changed, len(wanted) - changed, unknown)


async def _look_up(
    connection: Connection,
    names: Sequence[str],
    catalog: Catalog,
    members: dict[int, None],
    unknown: list[str],
) -> None:
    shards = catalog.shards
    numbers = {name: number for name in names if (number := parse_member_id(name)) is not None}
    wanted = list(numbers.values())
    rows = await connection.fetch(_SQL["known_members"], [shard_of_member(member, shards) for member in wanted], wanted)
    known = {row["member_id"] for row in rows}
    identities = {
        name: identity
        for name in names
        if name not in numbers and not isinstance(identity := parse_identity(name), Refusal)
    }
    found = await find_identities(connection, set(identities.values()), shards, catalog.phone_region)
    for name in names:
        member = _member_of(name, numbers, identities, found)
        if member is None or (name in numbers and member not in known):
            unknown.append(name)
        else:
            members[member] = None


def _member_of(
    name: str, numbers: dict[str, int], identities: dict[str, Identity], found: dict[Identity, int]
) -> int | None:
    if name in numbers:
        return numbers[name]
    identity = identities.get(name)
    return None if identity is None else found.get(identity)


def read_names_file(path: Path) -> list[str]:
    """The names in a file: one a line, of which the first column counts. Empty lines and those that begin with # are
    left out. In whatever encoding spreadsheets write, as for imports.

    Raises:
        UnreadableFile: it cannot be opened, or is no text.
    """
    shape = FileShape()
    encoding = find_encoding(path, shape.encoding)
    rows = (fields for _, fields in read_rows(path, shape, encoding) if fields)
    firsts = (fields[0].partition("\t")[0].strip() for fields in rows)
    return [name for name in firsts if name and not name.startswith("#")]
