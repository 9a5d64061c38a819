"""A segment counted by SQL holds exactly the members of whom CEL says that the condition is true."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from random import Random

import asyncpg
import msgspec
import pytest

from jifen.core.conditions import InvalidCondition
from jifen.core.conditions.sql import Fragment
from jifen.core.program import LocalizedText, Program, Wallet
from jifen.core.segments.membership import belongs
from jifen.core.tiers.document import TierLevel, TierSet
from jifen.core.tiers.standing import Standing
from jifen.db.connection import Connection, connect
from jifen.services.segments.candidates import Candidate, candidates
from jifen.services.segments.columns import MEMBERS
from jifen.services.segments.selection import Selection, count, page, select_condition
from tests.databases import DEFAULT_PROGRAM
from tests.integration.segments.conditions import (
    EDGES,
    FIELDS,
    LISTS,
    Conditions,
    random_counters,
    random_profile,
)

MEMBERS_MADE = 160
CONDITIONS = 500
DOCUMENT = msgspec.structs.replace(
    DEFAULT_PROGRAM,
    fields=FIELDS,
    wallets=[*DEFAULT_PROGRAM.wallets, Wallet("growth", LocalizedText("成长值", "Growth"))],
)
NAME = LocalizedText("等级", "Level")
TIERED = msgspec.structs.replace(
    DOCUMENT,
    tier_sets=[
        TierSet("level", NAME, [TierLevel("a", NAME), TierLevel("gold", NAME, "total.orders >= 5")]),
        TierSet("club", NAME, [TierLevel("茶", NAME, by="manual")]),
    ],
)
#: The tier is said of members, or worked out by the program.
PROGRAMS = [Program(1, document, {"points": 1, "growth": 2}) for document in (DOCUMENT, TIERED)]
#: A 28 February without a 29th: who was born on that has birthday. The local day is already the next month's first
#: for nobody, but the hour matters for members registered around midnight.
INSTANTS = [datetime(2026, 2, 28, 3, 30, tzinfo=UTC), datetime(2028, 2, 29, 16, 30, tzinfo=UTC)]


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[Connection]:
    """A connection to a database in which members can be put."""
    connection = await connect(database_url)
    yield connection
    await connection.close()


async def fill(admin_url: str, random: Random, now: datetime) -> None:
    """Put random members into the tables, with what no command would ever write, too."""
    encode = msgspec.json.encode
    day = now.astimezone(PROGRAMS[0].zone).date()
    owner = await asyncpg.connect(admin_url)
    try:
        for member in range(1, MEMBERS_MADE + 1):
            registered_at = now - timedelta(hours=random.choice([0, 1, 5, 30, 2400, 20_000]))
            profile, counters = random_profile(random, day), random_counters(random, day)
            said = None if profile is None else encode(profile).decode()
            await owner.execute(
                "INSERT INTO members (shard, member_id, registered_at, recorded_at, profile)"
                " VALUES ($1, $2, $3, $3, $4)",
                member % 4,
                member,
                registered_at,
                said,
            )
            for wallet in (1, 2) if random.random() < 0.6 else (1,):
                counted = encode(counters).decode() if wallet == 1 and counters is not None else None
                await owner.execute(
                    "INSERT INTO accounts (shard, member_id, wallet, last_sequence, available, pending, held, debt,"
                    " next_change_at, counters) VALUES ($1, $2, $3, 0, $4, 0, 0, 0, '9999-01-01', $5)",
                    member % 4,
                    member,
                    wallet,
                    random.choice([each for each in EDGES if each >= 0]),
                    counted,
                )
            for tier_set in random.sample(["level", "club", "gone"], random.choice([0, 1, 2])):
                standing = Standing(random.choice(["", "a", "gold", "茶"]), now)
                await owner.execute(
                    "INSERT INTO member_tiers (shard, member_id, tier_set, tier, since, came_by, standing)"
                    " VALUES ($1, $2, $3, $4, now(), 'earned', $5)",
                    member % 4,
                    member,
                    tier_set,
                    standing.tier,
                    encode(standing).decode(),
                )
            for segment in random.sample(LISTS, random.choice([0, 0, 1, 2])):
                await owner.execute(
                    "INSERT INTO segment_members VALUES ($1, $2, $3, now(), 'test')", member % 4, member, segment
                )
    finally:
        await owner.close()


async def everybody(connection: Connection, selection: Selection) -> list[Candidate]:
    """All members with their facts."""
    day = selection.moment.local.date()
    chunks = candidates(connection, Fragment(MEMBERS), Fragment("true"), selection.program, day)
    return [each async for chunk in chunks for each in chunk]


@pytest.mark.parametrize("seed", range(len(INSTANTS)))
async def test_sql_finds_whom_cel_finds(connection: Connection, admin_url: str, seed: int) -> None:
    """Random conditions over random members: nulls, missing fields, overflow, division by zero, other types than
    declared, months and years that are over. Where SQL leaves something out, nobody is lost."""
    random, now, program = Random(seed), INSTANTS[seed], PROGRAMS[seed]
    await fill(admin_url, random, now)
    writer = Conditions(random)
    whole = hits = failed = 0
    members: list[Candidate] = []
    for _ in range(CONDITIONS):
        try:
            condition = program.segment_vocabulary.vocabulary.compile(writer.truth(random.randint(1, 4)))
        except InvalidCondition:
            continue
        selection = select_condition(program, condition, now)
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            members = members or await everybody(connection, selection)
            expected = []
            for each in members:
                facts = program.segment_vocabulary.facts(condition.names, each.facts, selection.moment, each.balances)
                if belongs(condition, facts):
                    expected.append((each.shard, each.member_id))
            found = await page(connection, selection, limit=MEMBERS_MADE)
            assert found == expected, condition.source
            assert await count(connection, selection) == len(expected), condition.source
            if len(expected) > 1:
                assert await page(connection, selection, after=expected[0], limit=5) == expected[1:6]
        whole += selection.evaluated_by == "sql"
        hits += len(expected)
        failed += len(expected) == 0
    # The comparison means something: most conditions are SQL as a whole, and many find somebody.
    assert whole > CONDITIONS * 0.6
    assert hits > CONDITIONS
    assert failed < CONDITIONS * 0.7
