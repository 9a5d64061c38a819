"""Everything that can be asked of the ledger. A command is plain data; `decide` answers it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, TypeGuard, get_args

import msgspec

from jifen.core.draws.commands import DrawPrize
from jifen.core.identity import Identity, MemberReference
from jifen.core.members.commands import HouseholdCommand, MergeMembers, PersonCommand, UndoMerge
from jifen.core.orders import Order, OrderCorrection, OrderRefund
from jifen.core.redemption.commands import RedeemReward, RedemptionCommand
from jifen.core.rules.standing import Profile
from jifen.core.tiers.commands import GrantTier, RecalculateTiers
from jifen.core.wallets.commands import WalletCommand


class RegisterMember(msgspec.Struct, frozen=True, gc=False):
    """Make a member that these identities find (event `member.registered`, `POST /v1/members`).

    `known_is_fine`: if they all find one member already, that is the answer, not a refusal. `channel`: by which way.
    `moved_in`: a member of long standing who comes from another system; nobody is welcomed with points a second time.
    `verified`: of the identities those that were made sure to be the member's own. `said`, `fields` and `tags`: what is
    known of the person, as `DescribePerson` has it; `pointer`: where the caller said so.
    """

    identities: tuple[Identity, ...]
    known_is_fine: bool = False
    channel: str = ""
    moved_in: bool = False
    verified: tuple[Identity, ...] = ()
    said: dict[str, Any] = {}
    fields: dict[str, Any] = {}
    tags: tuple[str, ...] = ()
    pointer: str = ""


class RecordOrder(msgspec.Struct, frozen=True, gc=False):
    """A completed order earns points (event `order.completed`)."""

    member: MemberReference
    order: Order


class RecordEvent(msgspec.Struct, frozen=True, gc=False):
    """A member did something besides buying (events such as `member.checked_in`): rules may reward it. Conditions
    can read the plain properties of `data` (boolean, integer, string)."""

    member: MemberReference
    type: str
    data: dict[str, Any] = {}


class SetProfile(msgspec.Struct, frozen=True, gc=False):
    """Say anew what rules may know of a member. Moves no points and is no transaction."""

    member: MemberReference
    profile: Profile


class RefundOrder(msgspec.Struct, frozen=True, gc=False):
    """An order, or part of it, was refunded (event `order.refunded`). `member`, if given, must own the order."""

    member: MemberReference | None
    refund: OrderRefund


class CorrectOrder(msgspec.Struct, frozen=True, gc=False):
    """A recorded order should have said something else (event `order.corrected`). `member`, if given, must own it."""

    member: MemberReference | None
    correction: OrderCorrection


class SpendPoints(msgspec.Struct, frozen=True, gc=False):
    """Take available points for good."""

    member: MemberReference
    wallet: str | None
    points: int
    reference: str | None = None


class PlaceHold(msgspec.Struct, frozen=True, gc=False):
    """Bind available points until captured, released or `expires_at` (None: as the program says)."""

    member: MemberReference
    wallet: str | None
    points: int
    expires_at: datetime | None = None
    reference: str | None = None


class CaptureHold(msgspec.Struct, frozen=True, gc=False):
    """Spend held points: `points` of them (None: all that remain). `release_rest` frees what then remains."""

    member: int
    hold: int
    points: int | None = None
    release_rest: bool = False


class ReleaseHold(msgspec.Struct, frozen=True, gc=False):
    """Free all that remains of a hold."""

    member: int
    hold: int


class AdjustPoints(msgspec.Struct, frozen=True, gc=False):
    """Correct a balance by hand, up or down. A lot that opens expires at `expires_at`, or as earned points would.

    `reason_code` is one of those that the program declares.
    """

    member: MemberReference
    wallet: str | None
    points: int
    expires_at: datetime | None = None
    reason_code: str | None = None


class TransferPoints(msgspec.Struct, frozen=True, gc=False):
    """Move available points to another member; they keep their terms."""

    member: MemberReference
    to: MemberReference
    wallet: str | None
    points: int


class ReverseTransaction(msgspec.Struct, frozen=True, gc=False):
    """Undo a transaction: refund an earn, cancel a spend or capture, take an adjustment back."""

    member: int
    sequence: int


class SettleMember(msgspec.Struct, frozen=True, gc=False):
    """Book what time has done by now: pending lots matured, lots expired, holds ended."""

    member: int


Command = (
    RegisterMember
    | RecordOrder
    | RecordEvent
    | SetProfile
    | RefundOrder
    | CorrectOrder
    | SpendPoints
    | PlaceHold
    | CaptureHold
    | ReleaseHold
    | AdjustPoints
    | TransferPoints
    | ReverseTransaction
    | SettleMember
    | PersonCommand
    | MergeMembers
    | HouseholdCommand
    | UndoMerge
    | GrantTier
    | RecalculateTiers
    | RedemptionCommand
    | WalletCommand
    | DrawPrize
)


#: Commands about the points of one member as they stand: no past, no redemption, nobody else. Nearly all are of these,
#: so that a look at the type spares asking what else a command may be.
OrdinaryCommand = RecordOrder | RecordEvent | SpendPoints | PlaceHold | AdjustPoints | SettleMember
_ORDINARY: Final = frozenset(get_args(OrdinaryCommand))


def is_ordinary(command: Command) -> TypeGuard[OrdinaryCommand]:
    """Whether a command is about the points of one member as they stand (an order that a hold pays for is more)."""
    return type(command) in _ORDINARY


def order_named(command: Command) -> str | None:
    """The order that a refund or a correction is about."""
    if isinstance(command, RefundOrder):
        return command.refund.order_id
    return command.correction.order_id if isinstance(command, CorrectOrder) else None


def order_sought(command: Command) -> str | None:
    """The order that must be found for a command: the one it is about, or the one that an add-on is taken with."""
    return command.order_id if isinstance(command, RedeemReward) else order_named(command)
