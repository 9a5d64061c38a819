"""What of a program the demo shop makes use of: whatever the program does not have is left out."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final, NamedTuple

import msgspec

from jifen.core.limits import MAXIMUM_AMOUNT
from jifen.core.program import Program
from jifen.core.redemption.offers import OpenReward
from jifen.db.connection import Connection
from jifen.services.rounds import newest_round, open_round
from jifen.services.stock import set_stock

ACTOR: Final = "jifen:demo"
#: Of each reward so many pieces are delivered for every member, which is more than they can take.
PIECES_FOR_EACH: Final = 5
#: The first delivery is for so many members; every later one doubles what there is.
_FIRST_DELIVERY: Final = 100
#: Members like what they can use at once; of the rest (1) some are slow sellers.
_LIKINGS: Final[dict[str, int]] = {"coupon": 9, "goods": 6, "lottery_ticket": 4}


class Offer(NamedTuple):
    """A reward that anybody may redeem at any time. `points` is its full price; `part_price` the rung that is paid in
    money as well, and its points (None: there is none); `draw` what its tickets are for; `liking` how often members
    choose it, compared with others."""

    reward: str
    points: int
    part_price: tuple[int, int] | None
    is_counted: bool
    draw: str | None
    liking: int


class Shop(msgspec.Struct, frozen=True):
    """What members of the demo shop can do. `offers`: what they redeem, the cheapest first; `reasons`: the codes of
    corrections; `gift_points`: the least and the most that are given at once."""

    offers: tuple[Offer, ...] = ()
    reasons: tuple[str, ...] = ()
    gift_points: tuple[int, int] = (1, MAXIMUM_AMOUNT)

    def reason_code(self, wanted: str) -> str | None:
        """The code of a correction: the one that is meant, if the program has it."""
        if not self.reasons:
            return None
        return wanted if wanted in self.reasons else self.reasons[0]


def shop_of(program: Program) -> Shop:
    """The shop of a program."""
    document = program.document
    tickets: dict[str | None, str] = {
        each.document.ticket: draw
        for draw, each in program.draws.by_id.items()
        # Points that chance gives would make another shop of the same seed.
        if each.document.ticket is not None and not each.document.retired and not _gives_points(program, draw)
    }
    offers = [_offer(program, each, tickets) for each in program.offers.rewards.values()]
    gifts = document.gifts
    return Shop(
        tuple(sorted((each for each in offers if each is not None), key=lambda each: each.points)),
        tuple(each.code for each in document.adjustments.reasons) if document.adjustments else (),
        (gifts.least, gifts.most or MAXIMUM_AMOUNT) if gifts else (1, MAXIMUM_AMOUNT),
    )


def _gives_points(program: Program, draw: str) -> bool:
    return any(prize.points for prize in program.draws.by_id[draw].document.prizes)


def _offer(program: Program, reward: OpenReward, tickets: dict[str | None, str]) -> Offer | None:
    """The reward, unless it is only for some, only at times, only so often or with an order, or runs out by design."""
    document = reward.document
    is_for_all = document.audience is None and not document.hidden and not reward.opened_to
    is_always = document.period == type(document.period)() and not document.limits and document.stock != "codes"
    is_plain = is_for_all and is_always and not document.retired
    wallets = {each.wallet for each in reward.prices}
    full = [each.price.points for each in reward.prices if not each.price.cash_cents]
    if not is_plain or wallets != {program.default_wallet} or not full:
        return None
    draw = tickets.get(document.id)
    if document.kind == "add_on" or (document.kind == "lottery_ticket" and draw is None):
        return None
    parts = [
        (index, each.price.points)
        for index, each in enumerate(reward.prices)
        if each.price.cash_cents and each.price.audience is None
    ]
    return Offer(
        document.id,
        max(full),
        parts[0] if parts else None,
        document.stock == "counted",
        draw,
        _LIKINGS.get(document.kind, 1),
    )


async def furnish(connection: Connection, program: Program, shop: Shop, seed: int, members: int) -> None:
    """Deliver stock for so many members, and publish the hash of a seed for each lottery that never had one. A second
    time changes nothing; more members only add."""
    shards: int = await connection.fetchval("SELECT shards FROM installation")
    counted = [each.reward for each in shop.offers if each.is_counted]
    for delivery in _deliveries(members):
        pieces = PIECES_FOR_EACH * (_FIRST_DELIVERY << max(delivery - 1, 0))
        for reward in counted:
            key, reason = f"demo:{seed}:{delivery}", "开店备货 Stock for the shop"
            await set_stock(connection, program, shards, reward, key=key, actor=ACTOR, reason=reason, add=pieces)
    for draw, each in program.draws.by_id.items():
        if not each.document.retired and await newest_round(connection, shards, draw) is None:
            await open_round(connection, program, shards, draw, actor=ACTOR, now=datetime.now(UTC))


def _deliveries(members: int) -> range:
    """The numbers of the deliveries that are enough for so many members, each as large as all before it."""
    return range(((members - 1) // _FIRST_DELIVERY).bit_length() + 1)
