"""Tiers: given by hand, by invitation or for a payment, and taken back."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from jifen.api.bodies import Body, Reference, Status
from jifen.api.operations.base import Operation, member_of, payment_of
from jifen.core.commands import Command
from jifen.core.refusal import Refusal
from jifen.core.tiers.commands import GrantTier
from jifen.core.tiers.document import By
from jifen.engine.submission import Answer
from jifen.services.catalog import Catalog
from jifen.services.instants import Instant, to_utc

TierId = Annotated[str, Meta(min_length=1, max_length=40)]


class Payment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """By what a paid tier was paid."""

    payment_reference: Reference


class GrantTierBody(Body, frozen=True):
    """Give a tier; null takes back the one that was given. No `set`: the program's first. No `valid_until`: as long as
    the tier says, else without end. `paid`: for a tier that is paid for; while it lasts, the next payment prolongs it.
    """

    tier: TierId | None
    set: TierId | None = None
    valid_until: Instant | None = None
    paid: Payment | None = None


class GrantTierAnswer(msgspec.Struct, frozen=True, gc=False):
    """The tier that is in force now (null: none), since when, by what, and until when (null: nothing ends it)."""

    status: Status
    transaction_id: str
    member_id: str
    tier_set: str
    was: str | None
    tier: str | None
    by: By
    since: datetime
    valid_until: datetime | None


def _grant(name: str, body: GrantTierBody) -> Command | Refusal:
    member = member_of(name)
    if isinstance(member, Refusal):
        return member
    until = None if body.valid_until is None else to_utc(body.valid_until, "/valid_until")
    if isinstance(until, Refusal):
        return until
    payment = None if body.paid is None else payment_of(body.paid.payment_reference, "/paid/payment_reference")
    if isinstance(payment, Refusal):
        return payment
    return GrantTier(member, body.tier, body.set, until, payment)


def _answer(_: Catalog, answer: Answer) -> GrantTierAnswer:
    assert answer.trace is not None and answer.trace.tier is not None
    change = answer.trace.tier
    return GrantTierAnswer(
        "duplicate" if answer.duplicate else "applied",
        f"{answer.member_id}-{answer.sequence}",
        str(answer.member_id),
        change.tier_set,
        change.was or None,
        change.tier or None,
        change.standing.by,
        change.standing.since,
        change.standing.valid_until,
    )


OPERATIONS = (
    Operation(
        name="grant_tier",
        path="/v1/members/{member_id}/tier",
        summary="Give a member a tier, or take it back",
        summary_zh="授予或收回会员等级",
        body=GrantTierBody,
        answer_type=GrantTierAnswer,
        command=_grant,
        answer=_answer,
        codes=(
            "unknown_member",
            "unknown_tier_set",
            "unknown_tier",
            "tier_below_earned",
            "tier_given",
            "tier_not_granted",
            "tier_not_paid",
            "payment_used",
            "payment_missing",
            "instant_in_past",
            "instant_too_far",
            "member_closed",
            "member_anonymised",
            "member_merged",
        ),
        example={"tier": "black", "valid_until": "2027-12-31T16:00:00Z", "reason": "invited by the manager"},
        example_answer={
            "status": "applied",
            "transaction_id": "100001-9",
            "member_id": "100001",
            "tier_set": "level",
            "was": "gold",
            "tier": "black",
            "by": "manual",
            "since": "2026-11-11T02:03:04.567Z",
            "valid_until": "2027-12-31T16:00:00Z",
        },
    ),
)
