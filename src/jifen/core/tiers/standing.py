"""Where a member stands in a tier set, and what a change of it was."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from jifen.core.tiers.document import By

#: Why a standing changed: reached by an event; found by a review, or kept for a while in spite of it; kept by it;
#: given, taken back, or over; worked out anew for a changed program; brought by a member who was merged, and gone with
#: that member when the merge was undone.
Cause = Literal[
    "earned", "review", "grace", "kept", "granted", "withdrawn", "ended", "recalculated", "merged", "parted"
]


class Standing(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Where a member stands in a set: the tier in force, and the two ways that lead to it.

    `tier` is the higher of `earned` and `granted`; `valid_until` when that one is reviewed or ends (None: never).
    `confirmed_at` is when it was last found earned, `review_at` when it is looked at next; `grace_from`: that look
    decides what the one before put off, over everything from this month (`202601`) on.
    Who was never moved has no standing, and the lowest tier if that is everybody's.
    """

    tier: str
    since: datetime
    by: By = "earned"
    valid_until: datetime | None = None
    earned: str = ""
    earned_since: datetime | None = None
    confirmed_at: datetime | None = None
    review_at: datetime | None = None
    grace_from: int | None = None
    granted: str = ""
    granted_by: By = "manual"
    granted_until: datetime | None = None

    @property
    def look_at(self) -> datetime | None:
        """When time changes something next, if it does."""
        instants = [each for each in (self.review_at, self.granted_until) if each is not None]
        return min(instants, default=None)


class Joined(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Where the survivor of a merge (`here`) and the merged member (`there`) stood in a set just before it."""

    here: Standing | None = None
    there: Standing | None = None


class TierChange(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What a transaction of kind `tier` decided: `was` and `tier` are those in force before and after, `condition` the
    one that decided it on these `facts`, `standing` what is so from then on."""

    tier_set: str
    was: str
    tier: str
    cause: Cause
    standing: Standing
    condition: str | None = None
    facts: dict[str, bool | int | str] = {}
