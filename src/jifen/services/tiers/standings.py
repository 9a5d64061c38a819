"""The tiers of one member: what is in force, what is missing for the next one, and how it came about."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import msgspec

from jifen.core.calendar import local_day
from jifen.core.identity import shard_of_member
from jifen.core.ledger.values import Kind, transaction_id
from jifen.core.program import Program
from jifen.core.refusal import Refusal
from jifen.core.rules.document import LocalizedText
from jifen.core.tiers.document import Benefits, By
from jifen.core.tiers.missing import shortfalls
from jifen.core.tiers.sets import NO_RANK, OpenTier, OpenTierSet
from jifen.core.tiers.situations import situation_of
from jifen.core.tiers.standing import Cause, Standing
from jifen.core.trace import decode_trace
from jifen.db.connection import Connection
from jifen.db.queries import load_queries
from jifen.services.catalog import NO_PROGRAM, Catalog
from jifen.services.explanations.tiers import shortfall_words
from jifen.services.explanations.words import Words
from jifen.services.tiers.population import Person, read_person

_LARGEST_SEQUENCE: Final = 2**31 - 1
_SQL: Final = load_queries("tiers")


class Missing(msgspec.Struct, frozen=True):
    """One fact that alone would bring the next tier: what it is, the least that suffices, and the difference."""

    fact: str
    now: int
    needed: int
    short: int


class NextTier(msgspec.Struct, frozen=True):
    """The next tier that can be earned, its condition, and what is missing: each way by itself, and in words. No way:
    several things are short at once."""

    tier: str
    name: LocalizedText
    condition: str
    missing: list[Missing]
    words: LocalizedText


class TierView(msgspec.Struct, frozen=True):
    """Where a member stands in a set. `tier` null: none. `valid_until` null: nothing ends it; `in_grace`: the last
    review did not find it earned. `earned` is the tier below one that was given."""

    tier_set: str
    name: LocalizedText
    tier: str | None
    tier_name: LocalizedText | None
    since: datetime | None
    by: By
    valid_until: datetime | None
    in_grace: bool
    earned: str | None
    benefits: Benefits | None
    next: NextTier | None


class TierChangeView(msgspec.Struct, frozen=True):
    """A change of a tier (null: none): why, by which condition on what facts, by whom."""

    transaction_id: str
    tier_set: str
    was: str | None
    tier: str | None
    cause: Cause
    occurred_at: datetime
    recorded_at: datetime
    valid_until: datetime | None
    condition: str | None
    facts: dict[str, bool | int | str]
    actor: str
    reason: str | None
    payment_reference: str | None


class MemberTiers(msgspec.Struct, frozen=True):
    """A member's tiers in all sets of the program, and how they came about, the newest change first."""

    member_id: str
    tiers: list[TierView]
    changes: list[TierChangeView]
    next_cursor: str | None


async def member_tiers(
    connection: Connection,
    catalog: Catalog,
    member_id: int,
    now: datetime,
    *,
    limit: int = 50,
    before: int | None = None,
) -> MemberTiers | Refusal:
    """What a member has, and the newest changes (before a transaction). Reviews that are due and not booked yet count
    with the next command or time work. Needs a snapshot."""
    program = await catalog.program(connection)
    if program is None:
        return NO_PROGRAM
    views = await tiers_of(connection, catalog, program, member_id, now)
    if views is None:
        return Refusal("unknown_member", f"There is no member {str(member_id)!r}.")
    key = (shard_of_member(member_id, catalog.shards), member_id)
    rows = await connection.fetch(
        _SQL["changes_of_member"], *key, int(Kind.TIER), before or _LARGEST_SEQUENCE, limit + 1
    )
    changes = [_change(member_id, row) for row in rows[:limit]]
    following = str(rows[limit - 1]["sequence"]) if len(rows) > limit else None
    return MemberTiers(str(member_id), views, changes, following)


async def tiers_of(
    connection: Connection, catalog: Catalog, program: Program, member_id: int, now: datetime
) -> list[TierView] | None:
    """Where a member stands in all sets; None: there is no such member."""
    person = await read_person(connection, program, catalog.shards, member_id)
    return None if person is None else [_view(program, tier_set, person, now) for tier_set in program.tier_sets]


def _view(program: Program, tier_set: OpenTierSet, person: Person, now: datetime) -> TierView:
    standing = person.standings.get(tier_set.id)
    at_first = Standing(tier_set.base, now, earned=tier_set.base)
    found = standing or at_first
    rank = tier_set.rank_of(found.tier)
    level = None if rank == NO_RANK else tier_set.tiers[rank].document
    return TierView(
        tier_set.id,
        tier_set.document.name,
        found.tier or None,
        None if level is None else level.name,
        None if standing is None else standing.since,
        found.by,
        found.valid_until,
        found.grace_from is not None,
        found.earned or None,
        None if level is None else level.benefits,
        _next(program, tier_set, found, person, now),
    )


def _next(
    program: Program, tier_set: OpenTierSet, standing: Standing, person: Person, now: datetime
) -> NextTier | None:
    rank = max(tier_set.rank_of(standing.tier), tier_set.rank_of(standing.earned))
    above: list[OpenTier] = [each for each in tier_set.tiers[rank + 1 :] if each.qualify is not None]
    if not above:
        return None
    tier, day = above[0], local_day(now, tier_set.zone)
    assert tier.qualify is not None
    situation = situation_of(tier_set, person.state.profile, person.state.counters, person.balances, now, day)
    facts = tier_set.facts(situation)
    found = shortfalls(tier.qualify, facts)
    words = LocalizedText(
        zh=shortfall_words(Words("zh", program), tier.document, found, tier.qualify),
        en=shortfall_words(Words("en", program), tier.document, found, tier.qualify),
    )
    missing = [Missing(each.fact, each.now, each.needed, each.short) for each in found]
    return NextTier(tier.id, tier.document.name, tier.qualify.source, missing, words)


def _change(member_id: int, row: Any) -> TierChangeView:
    trace = decode_trace(row["trace"])
    change = trace.tier
    assert change is not None
    return TierChangeView(
        transaction_id(member_id, row["sequence"]),
        change.tier_set,
        change.was or None,
        change.tier or None,
        change.cause,
        row["occurred_at"],
        row["recorded_at"],
        change.standing.valid_until,
        change.condition,
        change.facts,
        row["actor"],
        row["reason"],
        trace.reference,
    )
