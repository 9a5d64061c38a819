"""From decisions about redemptions to rows: one round trip, where a batch has any."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from jifen.core.identity import shard_of_digest, shard_of_member, shard_of_name
from jifen.core.ledger.values import Kind, MemberState, Transaction
from jifen.core.redemption.codes import digest_code
from jifen.core.redemption.values import Stock, encode_redemption
from jifen.db.connection import Connection
from jifen.db.queries import load_queries
from jifen.engine.places import Places
from jifen.engine.redemptions import pool_changes
from jifen.engine.writing import Columns, check_changed

_SQL = load_queries("engine")
_ABOUT: Final = (Kind.REDEEM, Kind.STEP)


class RedemptionRows:
    """All rows about redemptions that one batch writes."""

    def __init__(self, shards: int, places: Places, transactions: Iterable[Transaction]) -> None:
        self._shards = shards
        self._places = places
        #: The last transaction of the batch about each redemption.
        self._last: dict[tuple[int, int], int] = {}
        for each in transactions:
            if each.kind in _ABOUT:
                self._last[each.member_id, each.refers_to or each.sequence] = each.sequence
        self._new = Columns(9)
        self._changed = Columns(7)
        self._coupons = Columns(5)
        self._pool: dict[tuple[str, str], tuple[int, int] | None] = {}
        self._stocks = Columns(3)

    @property
    def is_empty(self) -> bool:
        """Whether no command of the batch was about a redemption."""
        return not self._last

    def add_state(self, before: MemberState, after: MemberState) -> None:
        """The difference between the redemptions that were loaded and what was decided."""
        if after.redemptions is before.redemptions:
            return
        member = after.member_id
        shard = shard_of_member(member, self._shards)
        for sequence, redemption in after.redemptions.items():
            was = before.redemptions.get(sequence)
            if redemption is was:
                continue
            last = self._last[member, sequence]
            content = encode_redemption(redemption).decode()
            state, until = redemption.state, redemption.until
            if was is None:
                self._new.rows.append(
                    (shard, member, sequence, last, redemption.reward, state, redemption.requested_at, until, content)
                )
            else:
                found_at = self._places.redemptions[member, sequence]
                self._changed.rows.append((found_at, member, sequence, last, state, until, content))
            for coupon in redemption.coupons[len(was.coupons) if was else 0 :]:
                digest = digest_code(coupon.code)
                place = shard_of_digest(digest, self._shards)
                self._coupons.rows.append((place, digest, coupon.code, member, sequence))

        for reward, code, owner in pool_changes(before, after):
            if owner is None:
                # Unless another redemption of the same batch has taken it since.
                self._pool.setdefault((reward, code), None)
            else:
                self._pool[reward, code] = (member, owner)

    def add_stocks(self, before: Mapping[str, Stock], after: Mapping[str, Stock]) -> None:
        """How many pieces are taken now, where that has changed."""
        for reward, stock in after.items():
            if stock.taken != before[reward].taken:
                self._stocks.rows.append((shard_of_name(reward, self._shards), reward, stock.taken))

    async def write(self, connection: Connection) -> None:
        """Write everything. Raises LostUpdateError where something that was locked is no longer there."""
        pool = Columns(5)
        for (reward, code), owner in self._pool.items():
            pool.rows.append((shard_of_name(reward, self._shards), reward, code, *(owner or (None, None))))
        parts = (self._new, self._coupons, pool, self._stocks, self._changed)
        changed = await connection.fetchval(
            _SQL["write_redemptions"], *(array for part in parts for array in part.arrays())
        )
        check_changed(changed, sum(len(part.rows) for part in parts))
