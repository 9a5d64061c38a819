"""Who would move if a draft of the tier sets were published: counted, and listed page by page."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import ClassVar, Final

import msgspec

from jifen.core.errors import JifenError
from jifen.core.program import Program, ProgramDocument
from jifen.core.tiers.standing import Cause, TierChange
from jifen.db.connection import Connection
from jifen.services.snapshot import one_moment
from jifen.services.tiers.population import Person, pages

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
    """A member who would move to `tier`, by which condition, and on what facts: at once, or (`cause` is `grace`) when
    days of grace are over, at `falls_at`, if nothing changes until then."""

    member_id: str
    tier_set: str
    was: str
    tier: str
    cause: Cause
    condition: str | None
    facts: dict[str, bool | int | str]
    falls_at: datetime | None


class Preview(msgspec.Struct, frozen=True):
    """Who would move. `members` who have not left were looked at, `unsettled` of them have reviews or points due that
    count only when they are booked; `moving` and `moves` count everybody who moves at once, `in_grace` and `falls`
    those who are given days of grace and fall afterwards. Pages behind the first only list: there these are null.
    `movers` begin behind the place that was asked for; `next` is the place of the rest."""

    members: int | None
    moving: int | None
    in_grace: int | None
    unsettled: int | None
    moves: list[Moves] | None
    falls: list[Moves] | None
    movers: list[Mover]
    next: str | None


async def preview_tiers(
    connection: Connection, document: ProgramDocument, now: datetime, *, limit: int = 100, after: str | None = None
) -> Preview:
    """Work out for every member what the recalculation after publishing would change, as things stood at one moment.
    Writes nothing. Behind a place only so many are looked at as it takes to fill the list.

    Raises:
        InvalidPreviewCursor: `after` is no place that a preview has given.
    """
    place = None if after is None else _place(after)
    async with one_moment(connection):
        shards = await connection.fetchval("SELECT shards FROM installation")
        program = await _draft(connection, document)
        listing = _Listing(limit)
        async for page in pages(connection, program, shards, *(place or (0, 0))):
            for person in page.people:
                listing.look_at(page.shard, person, program, now)
            if place is not None and listing.next is not None:
                break
    return listing.preview(is_counted=place is None)


class _Listing:
    """Movers, counted and listed as they come by."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._moves: Counter[tuple[str, str, str]] = Counter()
        self._falls: Counter[tuple[str, str, str]] = Counter()
        self._movers: list[Mover] = []
        self._members = self._moving = self._in_grace = self._unsettled = self._listed = 0
        self._last = "0-0"
        self.next: str | None = None

    def look_at(self, shard: int, person: Person, program: Program, now: datetime) -> None:
        """Take in one more member."""
        self._members += 1
        self._unsettled += person.is_due(now)
        changes = [(each, tier) for each, tier in person.foreseen(program, now) if each.was != tier]
        if not changes:
            return
        falling = [(each.tier_set, each.was, tier) for each, tier in changes if each.cause == "grace"]
        moving = [(each.tier_set, each.was, tier) for each, tier in changes if each.cause != "grace"]
        self._moving += bool(moving)
        self._in_grace += bool(falling)
        self._moves.update(moving)
        self._falls.update(falling)
        if self._listed < self._limit:
            self._listed += 1
            self._last = f"{shard}-{person.state.member_id}"
            self._movers += [_mover(person, *each) for each in changes]
        elif self.next is None:
            self.next = self._last

    def preview(self, *, is_counted: bool) -> Preview:
        """What was found."""
        if not is_counted:
            return Preview(None, None, None, None, None, None, self._movers, self.next)
        moves, falls = (
            [Moves(*key, number) for key, number in sorted(counted.items())] for counted in (self._moves, self._falls)
        )
        return Preview(
            self._members, self._moving, self._in_grace, self._unsettled, moves, falls, self._movers, self.next
        )


def _mover(person: Person, change: TierChange, tier: str) -> Mover:
    return Mover(
        str(person.state.member_id),
        change.tier_set,
        change.was,
        tier,
        change.cause,
        change.condition,
        change.facts,
        change.standing.review_at if change.cause == "grace" else None,
    )


async def _draft(connection: Connection, document: ProgramDocument) -> Program:
    """The draft, ready for use: wallets that it adds have no members yet, so that any free number will do."""
    numbers = {row["id"]: row["number"] for row in await connection.fetch("SELECT id, number FROM wallets")}
    for wallet in document.wallets:
        numbers.setdefault(wallet.id, max(numbers.values(), default=0) + 1)
    return Program(0, document, numbers)


def _place(after: str) -> tuple[int, int]:
    shard, _, member = after.partition("-")
    # Of 18 digits: any number of these fits into what the database counts with.
    if not all(each.isascii() and each.isdigit() and len(each) < 19 for each in (shard, member)):
        raise InvalidPreviewCursor(
            "`after` is no place in a preview: send the `next` of the page before.",
            message_zh="after 不是预览中的位置；请用上一页的 next。",
        )
    return (int(shard), int(member))
