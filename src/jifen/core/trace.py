"""The decision trace of a transaction: what was decided and why, kept for ever with it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

import msgspec

from jifen.core.draws.values import Drawn
from jifen.core.ledger.values import Balances, LotTerms, Piece
from jifen.core.orders import Order
from jifen.core.redemption.machine import Move, Step
from jifen.core.redemption.values import Redemption
from jifen.core.rules.facts import MemberFacts
from jifen.core.rules.rate import Award
from jifen.core.rules.standing import NO_COUNTERS, Counters
from jifen.core.tiers.standing import Joined, TierChange


class TakenBack(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """How a refund, reversal or correction took back points of one wallet, and gave some.

    They came `from_lot` (what was left of the lots of origin), from what had `expired` of those lots, from
    `other_lots`, and the rest became `debt` or was `forgiven`. `given` are in new lots, on the terms of the rules that
    earn more than before. `points` is the sum of what was taken less what was given, negative where that is more.
    """

    wallet: int
    points: int
    from_lot: int = 0
    expired: int = 0
    other_lots: int = 0
    debt: int = 0
    forgiven: int = 0
    given: int = 0


class MovedLot(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A lot of a merged member (`origin`; 0: savings), and the lot of the survivor that has its points from then on."""

    wallet: int
    origin: int
    lot: int
    amount: int


class Settled(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Points of a lot that paid the debt of the other member as two became one."""

    wallet: int
    lot: int
    amount: int
    terms: LotTerms


class Merged(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What passed between a merged member and the survivor, on the survivor's transaction.

    `step`: `merge`, what came with it; `follow`, what a later refund or cancelled spend of the merged member came to;
    `recall`, what went there so that it could be taken back; `undo`. `paid`: the survivor's points that paid the
    other's debt; `repaid`: the other way round (lots of the merged member); `owed`: debt that was taken over, by
    wallet. `counters`: the merged member's, `before`: the survivor's until then; `changed`: money by local day, and
    `uses` of limits, that followed. `stood`: where both stood in tier sets before, and `at`: when they became one.
    """

    other: int
    step: Literal["merge", "follow", "recall", "undo"]
    lots: list[MovedLot] = []
    paid: list[Settled] = []
    repaid: list[Settled] = []
    owed: dict[int, int] = {}
    counters: Counters = NO_COUNTERS
    before: Counters = NO_COUNTERS
    changed: list[tuple[date, int]] = []
    uses: dict[str, int] = {}
    stood: dict[str, Joined] = {}
    at: datetime | None = None


class Converted(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What a conversion came to: `gross` points of the other wallet, less the `fee` (of the same) `got` there."""

    conversion: str
    wallet: int
    gross: int
    fee: int
    got: int


class PaidOffset(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What of an order was paid with points: from which hold, by which capture, from which lots in turn."""

    hold: int
    capture: int
    wallet: int
    points: int
    cents: int
    pieces: list[Piece]


class RefundedShares(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What a refund of an order that was partly paid with points gives back: points, less what earlier refunds had
    forgiven of them (`withheld`), and the money that the shop pays."""

    wallet: int
    points: int
    cash_cents: int
    withheld: int = 0


class PooledPart(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What one of a household paid of a spend, by which transaction."""

    member: int
    sequence: int
    points: int


class Pooled(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A spend from the wallets of a household. The spender's transaction has the whole sum (`points`) and what the
    others paid; theirs name the spender's (I-23). `redemption`: the spender's transaction that asked for the `reward`
    that is paid for (0: for none). `move`: what became of the points of one of the others by a later step of it."""

    household: int
    spender: int
    sequence: int
    points: int
    parts: list[PooledPart] = []
    redemption: int = 0
    reward: str = ""
    move: Move | None = None


class EndedAddOn(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """An add-on whose order was given back: the redemption (`member`, `sequence`), what it had cost, and the money that
    is owed back. `is_kept`: it had been delivered or used, so that it stays."""

    member: int
    sequence: int
    reward: str
    wallet: int
    points: int
    refund_cents: int = 0
    is_kept: bool = False


#: Why the points of a member who has left are forfeited: with closing itself, or as they came back later.
Forfeit = Literal["closed", "came_back"]


class Dealings(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What a transaction says of conversions, corrections and orders paid with points.

    `reason_code` and `approval` (with who `asked` for it) belong to corrections by hand; `paid_by` on a capture is the
    order's own transaction; `forfeited` says that points were taken because the member has left. `add_ons`, where an
    order was given back: what became of those taken with it; `ended_with`, of such an add-on: the order's id.
    """

    converted: Converted | None = None
    reason_code: str | None = None
    approval: int | None = None
    asked_by: str | None = None
    offset: PaidOffset | None = None
    paid_by: int | None = None
    refunded: RefundedShares | None = None
    pooled: Pooled | None = None
    forfeited: Forfeit | None = None
    add_ons: list[EndedAddOn] = []
    ended_with: str | None = None


class Trace(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Why a transaction moved what it moved. Written once as JSON; fields are only ever added.

    `balances` are those after the transaction, of the wallets it touched; `after_all`, where it answers a command for
    which more was booked behind it: those after that, too, of all wallets that were touched. `points` is the command's
    own figure (signed for adjustments), `returned` what a refund returned by line, `until` when a hold ends,
    `withheld` what a cancelled spend did not give back because a refund had forgiven it. `member` and `used` are what
    the rules saw of the member and of caps, as far as they asked; `failed` the rules that could not be evaluated, with
    the reason.
    `corrected` is what an order says from a correction on. `uses` is what the awards used of caps, and `spent` the
    money (minor units, signed) by which what the member spent in all changed: counters follow from these (I-14, I-15).
    `tier` is the change of a tier. `orders` came or went with a merge, `merged` says what passed between the two.
    `redemption` is how a redemption stands after the transaction, `step` what was done to it (None: it was asked for),
    `taken` the pieces of stock that this took, by reward, signed (I-20, I-21).
    `drawn` is what came of drawing once (I-24).
    `capped`, of a refund or correction: what the order earns now of rules that a cap cut.
    `spent` stays the last: `jifen verify` looks for it at the end.
    """

    balances: list[Balances]
    awards: list[Award] = []
    wallet: int | None = None
    points: int | None = None
    taken_back: list[TakenBack] = []
    returned: dict[str, int] = {}
    until: datetime | None = None
    reference: str | None = None
    withheld: int | None = None
    member: MemberFacts | None = None
    used: dict[str, int] = {}
    failed: dict[str, str] = {}
    corrected: Order | None = None
    uses: dict[str, int] = {}
    dealings: Dealings | None = None
    after_all: list[Balances] = []
    capped: list[Award] = []
    spent: int = 0
    tier: TierChange | None = None
    orders: int = 0
    merged: Merged | None = None
    taken: dict[str, int] = {}
    step: Step | None = None
    redemption: Redemption | None = None
    drawn: Drawn | None = None

    @property
    def left(self) -> list[Balances]:
        """The balances that a command left that this answers."""
        return self.after_all or self.balances


_encode = msgspec.json.Encoder().encode
decode_trace = msgspec.json.Decoder(Trace).decode


def encode_trace(trace: Trace) -> bytes:
    """A trace as JSON. Balances have five numbers, and a sixth only where something is saved: `jifen verify` compares
    them as text, and arrays are written whole."""
    encoded = _encode(trace)
    if not trace.balances:
        return encoded
    end = encoded.index(b"]]") + 1
    return encoded[:end].replace(b",0]", b"]") + encoded[end:]
