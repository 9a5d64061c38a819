"""The values of the ledger. All frozen; instants are UTC; points are whole numbers; wallets are numbers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from enum import IntEnum

import msgspec

from jifen.core.limits import NEVER
from jifen.core.redemption.values import Redemption
from jifen.core.rules.standing import NO_COUNTERS, NO_PROFILE, Counters, Profile
from jifen.core.tiers.standing import Standing

#: A lot's number names the movement that opened it: LOTS_PER_TRANSACTION * sequence + position.
LOTS_PER_TRANSACTION = 2**20
NO_LOT = 0


class Bucket(IntEnum):
    """Where points stand. The first group belongs to the member, the second is the program's side."""

    PENDING = 1
    AVAILABLE = 2
    HELD = 3
    SAVED = 4
    DEBT = 5

    ISSUED = 10
    SPENT = 11
    EXPIRED = 12
    REVERSED = 13
    ADJUSTED = 14
    TRANSIT = 15


class Kind(IntEnum):
    """Kinds of transaction."""

    EARN = 1
    SPEND = 2
    HOLD = 3
    CAPTURE = 4
    RELEASE = 5
    HOLD_EXPIRE = 6
    EXPIRE = 7
    REVERSE = 8
    ADJUST = 9
    TRANSFER = 10
    MATURE = 11
    CORRECT = 12
    REDEEM = 13
    STEP = 14
    CONVERT = 15
    SAVE = 16
    UNSAVE = 17
    TIER = 18
    MERGE = 19
    DRAW = 20


class MemberStatus(IntEnum):
    """Where a member stands in life (jifen.core.members.life says what each allows)."""

    ACTIVE = 0
    FROZEN = 1
    CLOSED = 2
    ANONYMISED = 3
    MERGED = 4


class LotTerms(msgspec.Struct, frozen=True, gc=False):
    """When points were earned, from when they can be spent, and until when (exclusive)."""

    earned_at: datetime
    effective_at: datetime
    expires_at: datetime


class Lot(msgspec.Struct, frozen=True, gc=False):
    """Points from one award with their own terms, and what remains of them (without what is held)."""

    lot: int
    terms: LotTerms
    remaining: int

    @property
    def order(self) -> tuple[datetime, datetime, int]:
        """Lots are spent in this order: soonest-expiring first, then oldest, then as opened."""
        return (self.terms.expires_at, self.terms.earned_at, self.lot)


class Piece(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Points of one lot, with the lot's terms: what a hold or a spend took."""

    lot: int
    amount: int
    terms: LotTerms


class Hold(msgspec.Struct, frozen=True, gc=False):
    """Points bound for a later capture. `sequence` is that of the transaction which placed it."""

    sequence: int
    wallet: int
    expires_at: datetime
    pieces: tuple[Piece, ...]

    @property
    def remaining(self) -> int:
        """Points that are still bound."""
        return sum(piece.amount for piece in self.pieces)


class Deposit(msgspec.Struct, frozen=True, gc=False):
    """Points put into savings, with the lots they are of. `sequence` is that of the transaction which put them there.

    All of it expires at `expires_at`, whatever the lots said.
    """

    sequence: int
    wallet: int
    expires_at: datetime
    pieces: tuple[Piece, ...]

    @property
    def remaining(self) -> int:
        """Points that are still saved."""
        return sum(piece.amount for piece in self.pieces)

    @property
    def order(self) -> tuple[datetime, int]:
        """Savings are taken in this order: what expires first, then as saved."""
        return (self.expires_at, self.sequence)


class Movement(msgspec.Struct, frozen=True, gc=False):
    """Points moved from one bucket to another: a debit and a credit in one. `terms` only where it opens a lot."""

    wallet: int
    source: Bucket
    target: Bucket
    lot: int
    amount: int
    terms: LotTerms | None = None


class Balances(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True, gc=False):
    """What the buckets of a wallet hold. As JSON `saved` is left out where it is 0."""

    wallet: int
    available: int
    pending: int
    held: int
    debt: int
    saved: int = 0


class Account(msgspec.Struct, frozen=True, gc=False):
    """One wallet of one member, as far as it was loaded.

    `lots` are the available lots in spending order; behind `horizon` (None: nothing is missing) there may be more
    that were not loaded. `is_complete` says whether all `pending_lots`, `holds` and `deposits` are there, or just
    those that were added since.
    `next_change_at` is not later than the next instant at which a lot matures or expires, a hold ends, or savings
    expire.
    """

    wallet: int
    available: int = 0
    pending: int = 0
    held: int = 0
    debt: int = 0
    last_sequence: int = 0
    next_change_at: datetime = NEVER
    lots: tuple[Lot, ...] = ()
    horizon: tuple[datetime, datetime, int] | None = None
    pending_lots: tuple[Lot, ...] = ()
    holds: tuple[Hold, ...] = ()
    is_complete: bool = True
    saved: int = 0
    deposits: tuple[Deposit, ...] = ()

    @property
    def balances(self) -> Balances:
        """The buckets alone."""
        return Balances(self.wallet, self.available, self.pending, self.held, self.debt, self.saved)


class MemberState(msgspec.Struct, frozen=True, gc=False):
    """Everything a decision may need to know of one member, as locked. `sequence` is its last transaction's; `used`
    what the member used of caps, by usage name, as far as it was loaded. `merged_into`: the survivor of a merged
    member, where a refusal may have to name it. `counters_then`: the counters as they stood on earlier local days, for
    the late events that are to be decided. `tiers`: where the member stands, by tier set (None: not loaded, so nothing
    is decided about tiers). `lists`: the segments on whose lists the member is, where rules ask for segments.
    `redemptions`: what was redeemed, by the sequence of the transaction that asked for it, as far as it was loaded.
    `earned_this_year`: what was earned in the calendar year in the wallet of the points bank, less what was taken back
    in it (None: not loaded)."""

    member_id: int
    sequence: int
    accounts: tuple[Account, ...]
    profile: Profile = NO_PROFILE
    counters: Counters = NO_COUNTERS
    used: Mapping[str, int] = {}
    status: MemberStatus = MemberStatus.ACTIVE
    merged_into: int = 0
    counters_then: Mapping[date, Counters] = {}
    tiers: Mapping[str, Standing] | None = None
    lists: tuple[str, ...] = ()
    redemptions: Mapping[int, Redemption] = {}
    earned_this_year: int | None = None


class Transaction(msgspec.Struct, frozen=True, gc=False):
    """All movements of one command on one member; `sequence` counts 1, 2, 3 ... for each member without gaps.

    `facts` and `trace` are JSON: what came in, and what was decided and why (with the balances after).
    """

    member_id: int
    sequence: int
    kind: Kind
    program_version: int
    occurred_at: datetime
    recorded_at: datetime
    source: str
    key: str
    actor: str
    movements: tuple[Movement, ...]
    trace: bytes
    facts: bytes | None = None
    reason: str | None = None
    refers_to: int | None = None
    counterpart: tuple[int, int] | None = None


def transaction_id(member_id: int, sequence: int) -> str:
    """How a transaction is named outside: `member-sequence`."""
    return f"{member_id}-{sequence}"
