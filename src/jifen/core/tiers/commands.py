"""What can be asked about a member's tier."""

from __future__ import annotations

from datetime import datetime

import msgspec

from jifen.core.identity import MemberReference


class GrantTier(msgspec.Struct, frozen=True, gc=False):
    """Give a member a tier, by hand, by invitation or for a payment; no `tier`: take back the one that was given.

    No `tier_set`: the program's first. `valid_until` None: as long as the tier says, else for ever.
    """

    member: MemberReference
    tier: str | None
    tier_set: str | None = None
    valid_until: datetime | None = None
    payment_reference: str | None = None


class RecalculateTiers(msgspec.Struct, frozen=True, gc=False):
    """Work out anew what a member has earned, as a review out of turn: after the tier sets have changed."""

    member: int
