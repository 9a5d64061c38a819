"""Who would move if a draft of the tier sets were published: counted, and listed page by page."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import ClassVar, Final

import msgspec

from jifen.core.errors import JifenError
from jifen.core.program import Program, ProgramDocument
from jifen.core.tiers.standing import Cause
from jifen.db.connection import Connection
from jifen.services.tiers.population import pages

MAXIMUM_LISTED: Final = 1_000


class InvalidPreviewCursor(JifenError):
    """A place in a list of movers that no preview has given."""

    code: ClassVar[str] = "invalid_field"


class Moves(msgspec.Struct, frozen=True):
    """How many members go from one tier of a set to another; empty: none at all."""

    tier_set: str
    was: str
    tier: str
    members: int


class Mover(msgspec.Struct, frozen=True):
    """A member who would move, by which condition, and on what facts."""

    member_id: str
    tier_set: str
    was: str
    tier: str
    cause: Cause
    condition: str | None
    facts: dict[str, bool | int | str]


class Preview(msgspec.Struct, frozen=True):
    """Who would move. `members` were looked at, `unsettled` of them have reviews or points due that count only when
    they are booked. `movers` are those behind the place that was asked for; `next` is the place of the rest."""

    members: int
    moving: int
    unsettled: int
    moves: list[Moves]
    movers: list[Mover]
    next: str | None


async def preview_tiers(
    connection: Connection, document: ProgramDocument, now: datetime, *, limit: int = 100, after: str | None = None
) -> Preview:
    """Work out for every member what the recalculation after publishing would change. Writes nothing. Needs a snapshot
    to be exact to an instant.

    Raises:
        InvalidPreviewCursor: `after` is no place that a preview has given.
    """
    place = _place(after)
    shards = await connection.fetchval("SELECT shards FROM installation")
    program = await _draft(connection, document)
    counted: Counter[tuple[str, str, str]] = Counter()
    movers: list[Mover] = []
    members = moving = unsettled = 0
    last, following = place, None
    async for page in pages(connection, program, shards):
        members += len(page.people)
        for person in page.people:
            unsettled += person.is_due(now)
            changes = [each for each in person.changes(program, now) if each.was != each.tier]
            if not changes:
                continue
            moving += 1
            counted.update((each.tier_set, each.was, each.tier) for each in changes)
            here = (page.shard, person.member_id)
            if here <= place:
                continue
            if len(movers) < limit:
                last = here
                movers += [
                    Mover(
                        str(person.member_id),
                        each.tier_set,
                        each.was,
                        each.tier,
                        each.cause,
                        each.condition,
                        each.facts,
                    )
                    for each in changes
                ]
            else:
                following = f"{last[0]}-{last[1]}"
    moves = [Moves(*key, number) for key, number in sorted(counted.items())]
    return Preview(members, moving, unsettled, moves, movers, following)


async def _draft(connection: Connection, document: ProgramDocument) -> Program:
    """The draft, ready for use: wallets that it adds have no members yet, so that any free number will do."""
    numbers = {row["id"]: row["number"] for row in await connection.fetch("SELECT id, number FROM wallets")}
    for wallet in document.wallets:
        numbers.setdefault(wallet.id, max(numbers.values(), default=0) + 1)
    return Program(0, document, numbers)


def _place(after: str | None) -> tuple[int, int]:
    if after is None:
        return (-1, 0)
    shard, _, member = after.partition("-")
    if not all(each.isascii() and each.isdigit() and len(each) < 20 for each in (shard, member)):
        raise InvalidPreviewCursor("`after` is no place in a preview: send the `next` of the page before.")
    return (int(shard), int(member))
