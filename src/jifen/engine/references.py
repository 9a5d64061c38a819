"""Whom and what a command names, and the refusals where there is no such thing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any, Final, TypeGuard

from jifen.core.calendar import local_day
from jifen.core.commands import (
    AdjustPoints,
    CaptureHold,
    Command,
    CorrectOrder,
    RecordEvent,
    RecordOrder,
    RefundOrder,
    RegisterMember,
    ReleaseHold,
    ReverseTransaction,
    TransferPoints,
    order_named,
)
from jifen.core.identity import MemberReference
from jifen.core.ledger.values import Account, MemberState, transaction_id
from jifen.core.limits import EARLIEST_INSTANT, MAXIMUM_CLOCK_SKEW
from jifen.core.members.commands import (
    AddIdentities,
    ChangeLife,
    FoundHousehold,
    JoinHousehold,
    MergeMembers,
    UndoMerge,
)
from jifen.core.program import Program
from jifen.core.redemption.commands import PayRedemption, RedeemReward
from jifen.core.refusal import Refusal
from jifen.core.rules.document import ORDER_COMPLETED
from jifen.core.rules.facts import CHECKED_IN, REGISTERED
from jifen.core.rules.standing import NO_COUNTERS, Counters
from jifen.core.wallets.commands import SavePoints
from jifen.engine.submission import payment_named

Reference = tuple[int, int]

_ABOUT_THE_PAST: Final = frozenset({RefundOrder, CorrectOrder, CaptureHold, ReleaseHold, ReverseTransaction, UndoMerge})
#: How the members are read of commands that name others than `member`.
_NAMED: Final[dict[type, Callable[[Any], list[MemberReference]]]] = {
    RegisterMember: lambda command: list(command.identities),
    TransferPoints: lambda command: [command.member, command.to],
    AddIdentities: lambda command: [command.member, *command.identities],
    MergeMembers: lambda command: [command.member, command.absorbed],
    FoundHousehold: lambda command: [command.member, *command.others],
    JoinHousehold: lambda command: [command.member, command.beside],
}


def members_named(command: Command) -> list[MemberReference]:
    """The members that a command names, by number or identity."""
    read = _NAMED.get(type(command))
    if read is not None:
        return read(command)
    assert not isinstance(command, RegisterMember)
    return [] if command.member is None else [command.member]


def who_goes(command: Command) -> int | None:
    """The member who goes with a command: merged into another, closed or anonymised."""
    if isinstance(command, MergeMembers):
        return command.absorbed
    return command.member if isinstance(command, ChangeLife) and command.step in ("close", "anonymise") else None


def type_of_event(command: Command) -> str | None:
    """The type of event that rules rate, where a command tells of one."""
    if isinstance(command, RecordOrder):
        return ORDER_COMPLETED
    if isinstance(command, RegisterMember):
        # Who moves in from another system registered there.
        return None if command.moved_in else REGISTERED
    return command.type if isinstance(command, RecordEvent) else None


def late_day(command: Command, occurred_at: datetime | None, program: Program, counters: Counters) -> date | None:
    """The local day of a late event, see `is_late`; None where it is none."""
    if occurred_at is None or (event_type := type_of_event(command)) is None:
        return None
    day = local_day(occurred_at, program.zone)
    return day if is_late(event_type, day, program, counters) else None


def is_late(event_type: str, day: date, program: Program, counters: Counters) -> bool:
    """Whether it matters for an event of a local day what was known then, as later ones were counted already: its rules
    ask about the member, or it closes the hole before a streak."""
    if event_type == CHECKED_IN and counters.lengthens_streak(day):
        return True
    book = program.books.get(event_type)
    return book is not None and book.needs_member and counters.is_past(day)


def registers_unknown_member(command: Command) -> bool:
    """Whether a command may make the member it names: only what brings points does, and takes none from a hold."""
    if isinstance(command, RecordOrder):
        return command.order.offset is None
    return isinstance(command, RecordEvent) or (isinstance(command, AdjustPoints) and command.points > 0)


def needs_past(command: Command) -> bool:
    """Whether a command refers to an earlier transaction."""
    if isinstance(command, RecordOrder):
        return command.order.offset is not None
    return type(command) in _ABOUT_THE_PAST


def needs_history(command: Command) -> bool:
    """Whether a command asks what the database has of the member: then nothing of this batch may be missing there."""
    return needs_past(command) or needs_order(command) or isinstance(command, SavePoints)


def needs_order(command: Command) -> TypeGuard[RedeemReward]:
    """Whether a command asks for something that is taken with an order."""
    return isinstance(command, RedeemReward) and command.order_id is not None


def gives_order_back(command: Command) -> bool:
    """Whether a command may give an order back, and with it what was taken with the order."""
    return isinstance(command, RefundOrder | CorrectOrder | ReverseTransaction)


def new_member_state(member_id: int, program: Program) -> MemberState:
    """A member without history: an empty account for each wallet of the program, and no tier that was ever reached."""
    accounts = tuple(Account(wallet) for wallet in program.wallet_numbers.values())
    counters = Counters(months=()) if program.counts_months else NO_COUNTERS
    return MemberState(member_id, 0, accounts, counters=counters, tiers={} if program.tier_sets else None)


def check_instant(occurred_at: datetime | None, now: datetime) -> Refusal | None:
    """Refuse an instant at which nothing can have happened. None stands for now."""
    if occurred_at is None or EARLIEST_INSTANT <= occurred_at <= now + MAXIMUM_CLOCK_SKEW:
        return None
    if occurred_at < EARLIEST_INSTANT:
        return Refusal("instant_too_early", f"Nothing can have happened before {EARLIEST_INSTANT.date()}.", "/time")
    return Refusal("instant_in_future", f"{occurred_at.isoformat()} lies in the future: check the clock.", "/time")


def unknown_member(name: str, pointer: str | None = None) -> Refusal:
    """Nobody is found under this number or identity."""
    return Refusal("unknown_member", f"There is no member {name}.", pointer, {"member": name})


def unknown_past(command: Command) -> Refusal:
    """The transaction, hold or order that a command refers to does not exist."""
    order_id = order_named(command)
    if order_id is not None:
        return unknown_order(order_id)
    if isinstance(command, ReverseTransaction):
        return Refusal(
            "unknown_transaction", f"There is no transaction {transaction_id(command.member, command.sequence)}."
        )
    if isinstance(command, UndoMerge):
        return Refusal("unknown_merge", f"There is no merge {transaction_id(command.member, command.sequence)}.")
    if isinstance(command, RecordOrder) and command.order.offset is not None:
        name = command.order.offset.hold_id
        return Refusal("unknown_hold", f"There is no hold {name}.", "/data/offset/hold_id", {"hold_id": name})
    assert isinstance(command, CaptureHold | ReleaseHold)
    return Refusal("unknown_hold", f"There is no hold {transaction_id(command.member, command.hold)}.")


def check_hold_owner(command: Command, member: int) -> Refusal | None:
    """Refuse an order that somebody else's points are to pay for (known failure 76)."""
    if not isinstance(command, RecordOrder) or command.order.offset is None or command.order.offset.hold[0] == member:
        return None
    name = command.order.offset.hold_id
    message = f"The hold {name} is not this member's."
    return Refusal("hold_of_other_member", message, "/data/offset/hold_id", {"hold_id": name})


def unknown_order(order_id: str) -> Refusal:
    """No completed order of this id was recorded."""
    return Refusal("unknown_order", f"No order {order_id!r} was recorded.", "/data/order_id", {"order_id": order_id})


def key_conflict(command: Command, position: int, reference: Reference) -> Refusal:
    """A key that was used before, with another payload. `position` 0: the caller's own, 1: an order's name, a quote,
    a payment."""
    first = transaction_id(*reference) if reference[1] > 0 else f"{reference[0]}"
    details: dict[str, object] = {"transaction_id": first}
    if position == 1 and isinstance(command, RecordOrder):
        message = f"The order {command.order.order_id!r} was recorded before with other content ({first})."
        return Refusal("order_conflict", message, "/data/order_id", details)
    if position == 1 and isinstance(command, RefundOrder):
        message = f"The refund {command.refund.refund_id!r} was recorded before with other content ({first})."
        return Refusal("refund_conflict", message, "/data/refund_id", details)
    if position == 1 and isinstance(command, CorrectOrder):
        name = command.correction.correction_id
        message = f"The correction {name!r} was recorded before with other content ({first})."
        return Refusal("correction_conflict", message, "/data/correction_id", details)
    if position == 1 and isinstance(command, RedeemReward):
        message = f"The quote was redeemed before ({first}); it is good for one redemption. Ask for a new one."
        return Refusal("quote_used", message, "/quote", details)
    if position == 1 and (payment := payment_named(command)) is not None:
        message = f"The payment {payment!r} was counted before ({first}); a payment counts once."
        pointer = "/payment" if isinstance(command, PayRedemption) else "/paid/payment_reference"
        return Refusal("payment_used", message, pointer, details)
    message = f"This key was used before for something else ({first}); use a new one, or repeat exactly what was sent."
    return Refusal("key_conflict", message, None, details)
