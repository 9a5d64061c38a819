"""Marks on account rows (`accounts.marks`): which other tables say something of the member, so that nobody looks there
in vain. They are set on any account of the member and never taken away: whoever is marked may have nothing there."""

from __future__ import annotations

#: `members.profile`.
PROFILE = 1
#: `member_tiers`.
STANDINGS = 2
#: `usages`: periods of caps of which the row has a later one.
EARLIER_USES = 4
#: `usages`: periods of any caps.
OTHER_USES = 8
