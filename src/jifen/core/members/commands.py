"""What can be asked about members as people. Plain data, like the ledger's commands."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from jifen.core.identity import Identity, MemberReference

LifeStep = Literal["freeze", "unfreeze", "close", "anonymise"]


class ChangeLife(msgspec.Struct, frozen=True, gc=False):
    """A step in the life of a member. What is so already stays so, and is no error."""

    member: int
    step: LifeStep


class DescribePerson(msgspec.Struct, frozen=True, gc=False):
    """Say something of a person. Only what `said` and `fields` name is changed; None takes a value away."""

    member: MemberReference
    said: dict[str, Any] = {}
    fields: dict[str, Any] = {}
    add_tags: tuple[str, ...] = ()
    remove_tags: tuple[str, ...] = ()


class AddIdentities(msgspec.Struct, frozen=True, gc=False):
    """Further identities find the member."""

    member: int
    identities: tuple[Identity, ...]
    verified: bool = False


class RemoveIdentities(msgspec.Struct, frozen=True, gc=False):
    """These identities find the member no more. One must remain."""

    member: int
    identities: tuple[Identity, ...]


class VerifyIdentities(msgspec.Struct, frozen=True, gc=False):
    """It was made sure that these identities are the member's own (a code was sent, a card was seen)."""

    member: int
    identities: tuple[Identity, ...]


class MergeMembers(msgspec.Struct, frozen=True, gc=False):
    """Two members are one person: everything of `absorbed` goes to `member`, who survives."""

    member: int
    absorbed: int


class UndoMerge(msgspec.Struct, frozen=True, gc=False):
    """They are two persons after all. `sequence`: the survivor's transaction of the merge."""

    member: int
    sequence: int


class FoundHousehold(msgspec.Struct, frozen=True, gc=False):
    """A household begins, with `member` as its head: they may spend each other's points together."""

    member: int
    name: str
    others: tuple[int, ...] = ()


class JoinHousehold(msgspec.Struct, frozen=True, gc=False):
    """The member joins the household that `beside` is in."""

    member: int
    beside: int


class LeaveHousehold(msgspec.Struct, frozen=True, gc=False):
    """The member leaves; a head is followed by whoever is a member of the program for longest."""

    member: int


class SpendFromHousehold(msgspec.Struct, frozen=True, gc=False):
    """Spend from the wallets of all in the member's household. `household` is filled in by whoever looked it up."""

    member: int
    wallet: str | None
    points: int
    reference: str | None = None
    household: int = 0


#: Who comes into a household, and who goes.
MembershipCommand = FoundHousehold | JoinHousehold | LeaveHousehold
HouseholdCommand = MembershipCommand | SpendFromHousehold
PersonCommand = ChangeLife | DescribePerson | AddIdentities | RemoveIdentities | VerifyIdentities
