"""What the write operations take and give, as JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from jifen.api.problems import Problem
from jifen.core.limits import MAXIMUM_AMOUNT, MAXIMUM_IDENTITIES, MAXIMUM_REASON, MAXIMUM_TEXT
from jifen.services.add_ons import EndedAddOnView
from jifen.services.catalog import WalletBalances
from jifen.services.drawn import DrawnView
from jifen.services.events import Identities, IdentityText
from jifen.services.history import KindName
from jifen.services.instants import Instant
from jifen.services.persons import NOBODY, FieldValue, Name, Names, NewPerson
from jifen.services.redemptions import RedemptionView

Points = Annotated[int, Meta(ge=1, le=MAXIMUM_AMOUNT)]
SignedPoints = Annotated[int, Meta(ge=-MAXIMUM_AMOUNT, le=MAXIMUM_AMOUNT)]
WalletId = Annotated[str, Meta(min_length=1, max_length=40)]
MemberId = Annotated[str, Meta(pattern="^[1-9][0-9]{0,18}$")]
Reason = Annotated[str, Meta(min_length=1, max_length=MAXIMUM_REASON)]
Reference = Annotated[str, Meta(min_length=1, max_length=MAXIMUM_TEXT)]
Status = Literal["applied", "duplicate"]


class Body(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True, gc=False):
    """What every write may say: why it is done, for the people who read it later."""

    reason: Reason | None = None


class RegisterMemberBody(Body, frozen=True):
    """A new member, found by these identities (`kind:value`; phone, email, openid, unionid, card, external), with what
    is known of the person. `verified`: those of the identities that were made sure to be the member's own."""

    identities: Annotated[list[IdentityText], Meta(min_length=1, max_length=MAXIMUM_IDENTITIES)]
    verified: Identities = []
    person: NewPerson = NOBODY


class ProfileBody(Body, frozen=True):
    """What rules may know of a member; what is left out is forgotten. `birthday`: YYYY-MM-DD or MM-DD;
    `birthday_window_from`: the first of the days that the member picked; `fields`: those that the program declares."""

    tier: Name = ""
    tags: Names = []
    segments: Names = []
    channel: Name = ""
    birthday: Annotated[str, Meta(pattern="^([0-9]{4}-)?[0-9]{2}-[0-9]{2}$")] | None = None
    birthday_window_from: Annotated[str, Meta(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}$")] | None = None
    birthday_window_days: Annotated[int, Meta(ge=1, le=366)] = 30
    fields: Annotated[dict[str, FieldValue], Meta(max_length=100)] = {}


class SpendBody(Body, frozen=True):
    """Take available points, soonest-expiring first. No wallet: the program's first. `reference`: yours, free text.
    `from`: `household` takes from the wallets of all in the member's household, all or nothing."""

    points: Points
    wallet: WalletId | None = None
    reference: Reference | None = None
    from_: Literal["member", "household"] = msgspec.field(name="from", default="member")


class AdjustBody(Body, frozen=True):
    """Correct a balance: up (positive points, which may get an own expiry) or down (negative points).

    `reason_code`: one of those that the program declares, if it does. Above the program's limit the answer is 202: it
    waits for a second person."""

    points: SignedPoints
    wallet: WalletId | None = None
    expires_at: Instant | None = None
    reason_code: WalletId | None = None


class TransferBody(Body, frozen=True):
    """Move available points to another member (`to`: a member's number, or an identity as kind:value)."""

    to: Annotated[str, Meta(min_length=1, max_length=MAXIMUM_TEXT + 16)]
    points: Points
    wallet: WalletId | None = None


class ConvertBody(Body, frozen=True):
    """Turn so many points into those of another wallet, as this conversion of the program says. Only whole steps."""

    conversion: WalletId
    points: Points


class SavingsBody(Body, frozen=True):
    """So many points into savings, or out of them."""

    points: Points


class DecisionBody(Body, frozen=True):
    """Why it is decided so."""


class HoldBody(Body, frozen=True):
    """Bind available points for a later capture. No `expires_at`: as long as the program says."""

    member_id: MemberId
    points: Points
    wallet: WalletId | None = None
    expires_at: Instant | None = None
    reference: Reference | None = None


class CaptureBody(Body, frozen=True):
    """Spend held points: so many (none said: all that remain). `release_rest` frees what then remains."""

    points: Points | None = None
    release_rest: bool = False


class ReleaseBody(Body, frozen=True):
    """Free all that remains of a hold."""


class ReverseBody(Body, frozen=True):
    """Undo a transaction: refund an order, cancel a spend or a capture, take an adjustment or a conversion back."""


class AwardResult(msgspec.Struct, frozen=True, gc=False):
    """Points that a rule gave."""

    rule: str
    wallet: str
    points: int


class RefundResult(msgspec.Struct, frozen=True, gc=False):
    """What a refund of an order that was partly paid with points gives back: points, which the member has now, and
    money, which the shop pays."""

    wallet: str
    points: int
    cash_cents: int


class ConvertedResult(msgspec.Struct, frozen=True, gc=False):
    """What a conversion came to: `gross` points of the other wallet, less the `fee` of them: `got`."""

    conversion: str
    wallet: str
    gross: int
    fee: int
    got: int


class EventResult(msgspec.Struct, frozen=True, gc=False):
    """What became of one event. `balances` are those after it and all that was booked with it, of the wallets that were
    touched; `refund` is there where an order that points paid part of was refunded, `add_ons` where something had been
    taken with an order that was given back."""

    id: str | None
    source: str | None
    status: Literal["applied", "duplicate", "refused"]
    transaction_id: str | None
    member_id: str | None
    awards: list[AwardResult]
    balances: dict[str, WalletBalances]
    error: Problem | None
    refund: RefundResult | UnsetType = UNSET
    add_ons: list[EndedAddOnView] | UnsetType = UNSET


class EventResults(msgspec.Struct, frozen=True, gc=False):
    """What became of the events of a batch, in their order."""

    results: list[EventResult]


class MemberAnswer(msgspec.Struct, frozen=True, gc=False):
    """The member that a registration made. `duplicate`: the same call was answered before."""

    status: Status
    member_id: str


class HouseholdResult(msgspec.Struct, frozen=True, gc=False):
    """A spend, or a redemption, from the wallets of a household: how many points in all, and the transactions of the
    others who paid."""

    household_id: str
    points: int
    transaction_ids: list[str]


class TransactionAnswer(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """The transaction that a call made. `duplicate`: the same call was answered before, and this is that answer again.

    `balances` are those after it and all that was booked with it, of the wallets that were touched; `refers_to` is what
    it reverses, captures or releases; `counterpart` the other side of a transfer, `converted` what a conversion
    came to, `refund` what comes back of an order that points paid part of, `approval_id` the request that was approved,
    `household` who paid of a common spend, `add_ons` what became of what had been taken with an order that this gave
    back.
    """

    status: Status
    transaction_id: str
    member_id: str
    kind: KindName
    occurred_at: datetime
    recorded_at: datetime
    program_version: int
    balances: dict[str, WalletBalances]
    wallet: str | None = None
    points: int | None = None
    refers_to: str | None = None
    counterpart: str | None = None
    converted: ConvertedResult | None = None
    refund: RefundResult | None = None
    approval_id: str | None = None
    household: HouseholdResult | None = None
    add_ons: list[EndedAddOnView] = []


class ApprovalAnswer(msgspec.Struct, frozen=True, gc=False):
    """A request that waits for a second person, or that was rejected."""

    status: Status
    approval_id: str
    member_id: str
    state: Literal["waiting", "rejected"]


class HoldAnswer(TransactionAnswer, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """The hold that a call placed, and until when it binds points."""

    hold_id: str
    expires_at: datetime


class DrawAnswer(TransactionAnswer, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """The transaction that drawing made; `points` is what it cost, and `drawn` what came of it."""

    drawn: DrawnView


class RedemptionAnswer(TransactionAnswer, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """The transaction that a call about a redemption made, and how the redemption stood right after it."""

    redemption: RedemptionView
