"""Commands about a member's wallets: converting, saving, and deciding what waits for a second person."""

from __future__ import annotations

import msgspec

from jifen.core.identity import MemberReference


class ConvertPoints(msgspec.Struct, frozen=True, gc=False):
    """Turn available points of one wallet into points of another, as the program's conversion says. `points` are those
    that are given."""

    member: MemberReference
    conversion: str
    points: int


class SavePoints(msgspec.Struct, frozen=True, gc=False):
    """Put points that expire soon into savings, which expire later."""

    member: MemberReference
    points: int


class UnsavePoints(msgspec.Struct, frozen=True, gc=False):
    """Take points out of savings: they can be spent again, until the savings would have expired."""

    member: MemberReference
    points: int


class DecideApproval(msgspec.Struct, frozen=True, gc=False):
    """Approve what waits for a second person, so that it is done, or reject it. Whose member it is about is known from
    the request."""

    approval: int
    is_approved: bool
    member: None = None


WalletCommand = ConvertPoints | SavePoints | UnsavePoints | DecideApproval
