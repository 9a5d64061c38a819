"""What the ledger holds of opening balances, by member: whatever identity a file named the member by.

The key of an opening balance names wallet, expiry and the identity of the file that brought it first. So that another
file, which knows the same member by a card and not by the phone, does not bring the same balance again, the lots that
were booked are looked up by member, those of merged members included; and keys that wait for a second person by the
identities that find the member.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from jifen.core.identity import Identity, shard_of_member, spellings
from jifen.core.ledger.values import Bucket, Kind
from jifen.db.connection import Connection
from jifen.db.queries import load_queries
from jifen.engine.loading import find_keys
from jifen.engine.submission import digest_key, digest_payload
from jifen.services.imports.people.lots import KEY, LotRow, key_of

_PEOPLE: Final = load_queries("people")
_ABSORBED: Final = """
SELECT g.member_id, g.from_id
FROM unnest($1::smallint[], $2::bigint[]) AS wanted (shard, member_id)
JOIN merges g ON g.shard = wanted.shard AND g.member_id = wanted.member_id
WHERE g.undone_at IS NULL
"""
_BOOKED: Final = """
SELECT t.member_id, t.source, t.key_id, sum(m.amount)::bigint
FROM unnest($1::smallint[], $2::bigint[]) AS wanted (shard, member_id)
JOIN transactions t ON t.shard = wanted.shard AND t.member_id = wanted.member_id
JOIN movements m ON m.shard = t.shard AND m.member_id = t.member_id AND m.sequence = t.sequence
WHERE t.kind = $3 AND starts_with(t.key_id, $4) AND m.from_bucket = $5
GROUP BY t.member_id, t.source, t.key_id
"""
_KEY: Final = re.compile(
    re.escape(KEY) + r"([^:]*):((?:[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+\+00:00)?):([a-z]+:.+)", re.DOTALL
)


#: A lot: member, wallet and expiry.
Place = tuple[int, str, str]


class Standing(msgspec.Struct, frozen=True):
    """What stands of a lot already. `booked`: points, of these `own` under the identity that the file names; `waits`
    for a second person; `differs`: it is there with other points."""

    booked: int = 0
    own: int = 0
    waits: bool = False
    differs: bool = False

    def counted(self, points: int) -> int:
        """The booked points that a lot of so many is compared with: those under its own key, if they are the same."""
        return self.own if self.own == points else self.booked


class Opening:
    """Looks up opening balances of one source."""

    def __init__(self, connection: Connection, source: str, shards: int, phone_region: str | None) -> None:
        self._connection = connection
        self._source = source
        self._shards = shards
        self._phone_region = phone_region
        #: What other sources have booked of the lots that were looked up last: by lot the points of each source.
        self._elsewhere: dict[Place, dict[str, int]] = {}
        #: What this source has booked of these members, by member and wallet: the points until each instant.
        self._expiries: dict[tuple[int, str], dict[str, int]] = {}

    async def standings(self, lots: Sequence[LotRow]) -> dict[int, Standing]:
        """What stands of these lots already, by their number; a lot of which nothing stands is left out."""
        members = sorted({lot.member_id for lot in lots if lot.member_id is not None})
        booked = await self._booked(members)
        found: dict[int, Standing] = {}
        for lot in lots:
            own = booked.get((lot.member_id, lot.wallet, lot.until)) if lot.member_id is not None else None
            if own is not None:
                standing = Standing(sum(own.values()), own.get(lot.member, 0))
                is_same = standing.counted(lot.points) == lot.points
                found[lot.number] = msgspec.structs.replace(standing, differs=not is_same)
        rest = [lot for lot in lots if lot.number not in found]
        return found | await self._claimed(rest)

    def source_elsewhere(self, lot: LotRow) -> str | None:
        """Another source that has brought the very same lot, with as many points; of those that were looked up last."""
        found = self._elsewhere.get((lot.member_id or 0, lot.wallet, lot.until), {})
        return next((source for source, points in sorted(found.items()) if points == lot.points), None)

    def other_expiries(self, lot: LotRow) -> list[str]:
        """Until when this source has booked as many points for the member, beside the expiry of the lot."""
        found = self._expiries.get((lot.member_id or 0, lot.wallet), {})
        return [until for until, points in found.items() if until != lot.until and points == lot.points]

    async def _booked(self, members: Sequence[int]) -> dict[Place, dict[str, int]]:
        """By lot: the points that were booked, by the identity of the key."""
        booked: dict[Place, dict[str, int]] = {}
        self._elsewhere, self._expiries = {}, {}
        if not members:
            return booked
        owners = await self._with_absorbed(members)
        arguments = (int(Kind.ADJUST), KEY, int(Bucket.ADJUSTED))
        for member, source, key, points in await self._connection.fetch(_BOOKED, *self._places(owners), *arguments):
            if (named := _KEY.fullmatch(key)) is None:
                continue
            wallet, until, identity = named.groups()
            is_ours = source == self._source
            lot = (booked if is_ours else self._elsewhere).setdefault((owners[member], wallet, until), {})
            name = identity if is_ours else source
            lot[name] = lot.get(name, 0) + points
            if is_ours:
                expiries = self._expiries.setdefault((owners[member], wallet), {})
                expiries[until] = expiries.get(until, 0) + points
        return booked

    async def _with_absorbed(self, members: Sequence[int]) -> dict[int, int]:
        """Who has these members' lots: themselves, and those who were merged into them, in turn."""
        owners = {member: member for member in members}
        newest: list[int] = list(members)
        while newest:
            found = await self._connection.fetch(_ABSORBED, *self._places(newest))
            owners |= {absorbed: owners[survivor] for survivor, absorbed in found}
            newest = [absorbed for _, absorbed in found]
        return owners

    def _places(self, members: Iterable[int]) -> tuple[list[int], list[int]]:
        wanted = list(members)
        return [shard_of_member(member, self._shards) for member in wanted], wanted

    async def _claimed(self, lots: Sequence[LotRow]) -> dict[int, Standing]:
        """Keys that were used for these lots, under any identity of the member, where nothing is booked: they wait for
        a second person, or their points are with somebody else, to whom the identity belonged."""
        identities = await self._identities(lots)
        wanted: dict[bytes, tuple[LotRow, bytes]] = {}
        for lot in lots:
            for identity in self._spelled({lot.member, *identities.get(lot.member_id or 0, ())}):
                digest = digest_key("key", self._source, key_of(lot.wallet, lot.until, identity))
                wanted[digest] = (lot, digest_payload(payload_of(lot, identity)))
        found: dict[int, Standing] = {}
        if not wanted:
            return found
        for digest, key in (await find_keys(self._connection, list(wanted), self._shards)).items():
            lot, payload = wanted[digest]
            is_same = key.payload == payload
            points = lot.points if is_same and key.sequence > 0 else 0
            found[lot.number] = Standing(points, points, waits=key.sequence < 0, differs=not is_same)
        return found

    def _spelled(self, identities: Iterable[str]) -> set[str]:
        """These identities in every spelling that a file may have had."""
        return {str(each) for text in identities for each in spellings(Identity.of(text), self._phone_region)}

    async def _identities(self, lots: Iterable[LotRow]) -> dict[int, list[str]]:
        members = sorted({lot.member_id for lot in lots if lot.member_id is not None})
        identities: dict[int, list[str]] = {}
        if members:
            for member, kind, value, _ in await self._connection.fetch(_PEOPLE["load_identities"], members):
                identities.setdefault(member, []).append(str(Identity(kind, value)))
        return identities


def payload_of(lot: LotRow, identity: str) -> bytes:
    """What is said of a lot under the key of this identity."""
    return msgspec.json.encode([identity, lot.wallet, lot.until, lot.points])
