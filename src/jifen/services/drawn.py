"""What came of drawing once, as the outside sees it."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from jifen.core.draws.values import Drawn, Shortage
from jifen.core.ledger.values import transaction_id


class DrawnView(msgspec.Struct, frozen=True):
    """A draw: number `number` of a round came to `point` (from 0, below `total`), where the prize `hit` stands; `prize`
    was given.

    They differ where what was hit could not be given (`short` says why), or after too many misses in a row (`is_pity`;
    `misses`: how many there had been). What was won: `points` of a `wallet`, or a redemption.
    """

    draw: str
    round: int
    number: int
    point: int
    total: int
    attempt: int
    hit: str
    prize: str
    short: Shortage | None
    is_pity: bool
    misses: int
    ticket: str | None
    wallet: str | None
    points: int
    redemption_id: str | None


def view_of_drawn(member_id: int, drawn: Drawn, names: Mapping[int, str]) -> DrawnView:
    """With wallets by id. Raises KeyError for a wallet newer than `names`."""
    return DrawnView(
        drawn.draw,
        drawn.round,
        drawn.number,
        drawn.point,
        drawn.total,
        drawn.attempt,
        drawn.hit,
        drawn.prize,
        drawn.short,
        drawn.is_pity,
        drawn.misses,
        transaction_id(member_id, drawn.ticket) if drawn.ticket else None,
        names[drawn.wallet] if drawn.wallet else None,
        drawn.points,
        transaction_id(member_id, drawn.redemption) if drawn.redemption else None,
    )
