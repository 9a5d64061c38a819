"""Lotteries in the database: numbers without gaps, the last prize in a race, seeds that end a round, and verify."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from jifen.analytics.backtest.run import run_backtest
from jifen.core.commands import SetProfile
from jifen.core.draws.chance import pick
from jifen.core.draws.commands import DrawPrize
from jifen.core.draws.values import Drawn
from jifen.core.members.commands import MergeMembers, UndoMerge
from jifen.core.program import Program, ProgramDocument
from jifen.core.redemption.commands import RedeemReward
from jifen.core.refusal import Refusal
from jifen.core.rules.standing import Profile
from jifen.db.connection import Connection, connect
from jifen.engine.engine import Engine
from jifen.engine.submission import Answer, Submission
from jifen.services.catalog import Catalog
from jifen.services.draws import Proof, prove
from jifen.services.rounds import RoundOpen, UnknownDraw, UnknownRound, open_round, reveal_round
from jifen.services.stock import set_stock
from jifen.services.time_work import settle_due
from jifen.services.verification import verify
from tests.databases import DEFAULT_PROGRAM, add_program, run_sql, running_engine
from tests.drawing import LAST, WHEEL, changed, with_draws
from tests.integration.test_redemptions import Desk

FAIR = changed(WHEEL, vase={"weight": 1}, voucher={"weight": 1}, fifty={"weight": 1}, thanks={"weight": 1})
DRAWS = (FAIR | {"pity": {"after": 2, "prize": "fifty"}, "budget_cents": 100_000}, LAST)


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Connection]:
    """A connection in the role of the application."""
    connection = await connect(url)
    try:
        yield connection
    finally:
        await connection.close()


class Hall(Desk):
    """A desk at which lotteries are drawn from."""

    program: Program
    shards: int

    async def open(self, draw: str) -> str:
        """Open a round; the commitment."""
        async with connected(self.url) as connection:
            now = datetime.now(UTC)
            return (await open_round(connection, self.program, self.shards, draw, actor="test", now=now)).commitment

    async def reveal(self, draw: str, number: int | None = None) -> bytes:
        """Reveal the seed of a round."""
        async with connected(self.url) as connection:
            now = datetime.now(UTC)
            found = await reveal_round(connection, self.shards, draw, number, actor="test", now=now)
        assert found.seed is not None
        return bytes.fromhex(found.seed)

    async def draw(self, member: int, draw: str = "wheel", ticket: int | None = None) -> Drawn:
        """Draw once."""
        return drawn_by(await self.do(DrawPrize(member, draw, ticket)))

    async def proof(self, draw: str, **asked: Any) -> Proof:
        """The proof of a round."""
        async with connected(self.url) as connection:
            catalog = Catalog()
            await catalog.refresh(connection)
            found = await prove(connection, catalog, draw, **asked)
        assert isinstance(found, Proof), found
        return found


def drawn_by(outcome: Answer | Refusal) -> Drawn:
    """What came of drawing."""
    assert isinstance(outcome, Answer), outcome
    assert outcome.trace is not None and outcome.trace.drawn is not None
    return outcome.trace.drawn


async def opened(url: str, document: ProgramDocument) -> AsyncIterator[Hall]:
    """A hall with stock; no round is open yet."""
    await asyncio.to_thread(add_program, url, document)
    program = Program(1, document, {wallet.id: number for number, wallet in enumerate(document.wallets, 1)})
    async with connected(url) as connection:
        shards = await connection.fetchval("SELECT shards FROM installation")
        await set_stock(connection, program, shards, "vase", key="vase", actor="test", reason="opening", pieces=3)
    async with running_engine(url, lanes=2) as engine:
        hall = Hall(url, engine)
        hall.program, hall.shards = program, shards
        yield hall


@pytest.fixture
async def hall(bare_database_url: str) -> AsyncIterator[Hall]:
    """With the wheel and the last one."""
    async for each in opened(bare_database_url, with_draws(DEFAULT_PROGRAM, *DRAWS)):
        yield each


async def test_a_round_from_the_hash_to_the_proof(hall: Hall) -> None:
    """I-24: what was published before fits the seed, and everybody can work out what was drawn from it."""
    member, other = await hall.member("ann", 5_000), await hall.member("bob", 5_000)
    assert await hall.refused(DrawPrize(member, "wheel")) == "no_round"
    commitment = await hall.open("wheel")
    with pytest.raises(RoundOpen):
        await hall.open("wheel")
    drawn = [await hall.draw(each) for each in (member, other) * 30]
    assert [each.number for each in drawn] == list(range(1, 61))
    before = await hall.proof("wheel")
    assert (before.round.seed, before.round.commitment, before.round.drawn) == (None, commitment, 60)
    assert {each.is_right for each in before.drawn} == {None}
    seed = await hall.reveal("wheel")
    assert await hall.reveal("wheel", 1) == seed
    assert [pick(seed, number, 4).point for number in range(1, 61)] == [each.point for each in drawn]
    proof = await hall.proof("wheel")
    assert {each.is_right for each in proof.drawn} == {True} and proof.drawn[0].transaction_id is None
    mine = await hall.proof("wheel", member_id=member, limit=20)
    assert mine.next_cursor == "39" and mine.drawn[0].transaction_id is not None
    assert len((await hall.proof("wheel", member_id=member, after=39)).drawn) == 10
    assert await hall.refused(DrawPrize(member, "wheel")) == "no_round"
    assert await hall.open("wheel") != commitment
    assert (await hall.draw(member)).round == 2
    await hall.check()


async def test_what_does_not_exist(hall: Hall) -> None:
    """Draws, rounds."""
    with pytest.raises(UnknownDraw):
        await hall.open("wheels")
    with pytest.raises(UnknownRound):
        await hall.reveal("wheel")
    with pytest.raises(UnknownRound):
        await hall.reveal("wheel", 7)


async def test_the_last_prize_is_given_once(hall: Hall) -> None:
    """Forty members at once, over two lanes: one gets it, no number is missing or twice (I-14, I-24)."""
    await hall.open("last")
    members = [await hall.member(f"m{each}", 1) for each in range(40)]
    outcomes = await asyncio.gather(*(hall.ask(DrawPrize(member, "last")) for member in members))
    drawn = [drawn_by(each) for each in outcomes]
    assert Counter(each.prize for each in drawn) == {"phone": 1, "nothing": 39}
    assert {each.short for each in drawn if each.prize == "nothing"} == {"sold_out"}
    assert sorted(each.number for each in drawn) == list(range(1, 41))
    assert next(each for each in drawn if each.prize == "phone").number == 1
    assert await hall.refused(DrawPrize(members[0], "last")) == "limit_reached"
    await hall.check()


async def test_the_same_key_draws_once(hall: Hall) -> None:
    """I-07: whoever repeats a call gets the first answer; nobody draws again until it suits them."""
    await hall.open("wheel")
    member = await hall.member("ann", 1_000)
    once = Submission(DrawPrize(member, "wheel"), "app", "k", b"{}", "app")
    answers = await asyncio.gather(*(hall.engine.submit(once) for _ in range(8)), hall.engine.submit(once))
    assert len({drawn_by(each).number for each in answers}) == 1
    assert await hall.read("SELECT drawn FROM draw_rounds") == [(1,)]
    await hall.check()


async def test_stock_of_rewards_over_two_engines(hall: Hall) -> None:
    """Three vases, two engines and a shop that sells them beside: never more than there were (I-21)."""
    await hall.open("wheel")
    other = Engine(hall.url, lanes=2)
    await other.start()
    members = [await hall.member(f"m{each}", 2_000) for each in range(12)]

    async def go(index: int, member: int) -> list[Answer | Refusal]:
        engine = (hall.engine, other)[index % 2]
        found = []
        for turn in range(8):
            command = RedeemReward(member, "vase") if turn == 4 else DrawPrize(member, "wheel")
            found.append(await engine.submit(Submission(command, "race", f"{member}-{turn}", b"{}", "race")))
        return found

    try:
        outcomes = [each for group in await asyncio.gather(*map(go, range(12), members)) for each in group]
    finally:
        await other.stop()
    answers = [each for each in outcomes if isinstance(each, Answer)]
    drawn = [each.trace.drawn for each in answers if each.trace is not None and each.trace.drawn is not None]
    vases = sum(each.prize == "vase" for each in drawn) + len(answers) - len(drawn)
    assert vases == 3 and len(drawn) == 84
    assert sorted(each.number for each in drawn) == list(range(1, 85))
    await hall.check()


async def test_tickets_in_one_batch(hall: Hall) -> None:
    """Redeemed and used as fast as they can be; each piece draws once."""
    await hall.open("wheel")
    member = await hall.member("ann", 100)
    ticket = (await hall.do(RedeemReward(member, "spin", 3))).sequence
    outcomes = await asyncio.gather(*(hall.ask(DrawPrize(member, "wheel", ticket)) for _ in range(5)))
    codes = sorted(each.code for each in outcomes if isinstance(each, Refusal))
    assert codes == ["ticket_used", "ticket_used"]
    assert await hall.refused(DrawPrize(member, "wheel", 999)) == "unknown_redemption"
    assert (await hall.states(member))[0] == "written_off"
    await hall.check()


async def test_a_merge_brings_misses_and_limits_along(hall: Hall) -> None:
    """Who was merged does not draw any more, and the survivor is counted with what both drew (I-14)."""
    await hall.open("last")
    member, other = await hall.member("ann", 100), await hall.member("bob", 100)
    await hall.draw(other, "last")
    await hall.do(MergeMembers(member, other))
    assert await hall.refused(DrawPrize(other, "last")) == "member_merged"
    assert await hall.refused(DrawPrize(member, "last")) == "limit_reached"
    await hall.check()


async def test_misses_that_the_survivor_ended_stay_ended(bare_database_url: str) -> None:
    """A merge brings misses in a row along; the survivor is consoled for them, and then the merge is undone."""
    prizes = [
        {"id": "nothing", "name": {"zh": "无", "en": "Nothing"}, "weight": 1},
        {"id": "comfort", "name": {"zh": "安慰奖", "en": "Comfort"}, "weight": 0, "points": 10},
    ]
    hopeless = {"id": "hopeless", "name": {"zh": "无望", "en": "Hopeless"}, "prizes": prizes, "otherwise": "nothing"}
    hopeless |= {"pity": {"after": 2, "prize": "comfort"}, "price": {"points": 1}}
    async for hall in opened(bare_database_url, with_draws(DEFAULT_PROGRAM, hopeless)):
        await hall.open("hopeless")
        ann, bob = await hall.member("ann", 100), await hall.member("bob", 100)
        assert [(await hall.draw(bob, "hopeless")).is_pity for _ in range(2)] == [False, False]
        merge = await hall.do(MergeMembers(ann, bob))
        assert (await hall.draw(ann, "hopeless")).is_pity
        await hall.do(UndoMerge(ann, merge.sequence))
        assert [(await hall.draw(bob, "hopeless")).is_pity for _ in range(3)] == [False, False, True]
        await hall.check()


async def test_a_seed_is_revealed_when_all_is_over(bare_database_url: str) -> None:
    """Time does it where nobody has, once."""
    yesterday = (datetime.now(UTC) + timedelta(hours=8) - timedelta(days=1)).date().isoformat()
    document = with_draws(DEFAULT_PROGRAM, FAIR | {"period": {"to": yesterday}}, LAST)
    async for hall in opened(bare_database_url, document):
        member = await hall.member("ann", 100)
        await hall.open("wheel")
        await hall.open("last")
        assert await hall.refused(DrawPrize(member, "wheel")) == "draw_not_open"
        assert (await settle_due(hall.engine, hall.url, datetime.now(UTC))).rounds_revealed == 1
        assert (await settle_due(hall.engine, hall.url, datetime.now(UTC))).rounds_revealed == 0
        rows = await hall.read("SELECT draw, revealed_by FROM draw_rounds ORDER BY draw")
        assert rows == [("last", None), ("wheel", "jifen:time")]
        await hall.check()


async def test_the_application_may_not_touch_a_seed(hall: Hall) -> None:
    """I-02: neither the seed nor who drew which number can be changed."""
    await hall.open("wheel")
    await hall.draw(await hall.member("ann", 100))
    async with connected(hall.url) as connection:
        for statement in (
            "UPDATE draw_rounds SET seed = sha256('x'), commitment = sha256(sha256('x'))",
            "DELETE FROM draw_rounds",
            "UPDATE drawn_numbers SET number = 2",
            "DELETE FROM drawn_numbers",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)


DAMAGES = {
    "number forgotten": ("DELETE FROM drawn_numbers WHERE number = 2", {"draw_missing"}),
    "number of nobody": (
        "INSERT INTO drawn_numbers SELECT shard, draw, round, 999, member_shard, member_id, sequence "
        "FROM drawn_numbers WHERE number = 1",
        {"draw_surplus"},
    ),
    "number of another": ("UPDATE drawn_numbers SET sequence = sequence + 100 WHERE number = 3", {"draw_owner"}),
    "counted wrongly": ("UPDATE draw_rounds SET drawn = drawn + 1", {"draw_round"}),
    "another seed": ("UPDATE draw_rounds SET seed = sha256('x'), commitment = sha256(sha256('x'))", {"draw_chance"}),
    "another point": (
        "UPDATE transactions SET trace = replace(trace::text, concat('\"point\":', trace #>> '{drawn,point}', ','), "
        "concat('\"point\":', ((trace #>> '{drawn,point}')::integer + 1) % 4, ','))::json WHERE kind = 20",
        {"draw_chance"},
    ),
    "another prize": (
        "UPDATE transactions SET trace = replace(trace::text, concat('\"prize\":\"', trace #>> '{drawn,prize}', '\"'), "
        '\'"prize":"vase"\')::json WHERE kind = 20',
        {"draw_chance"},
    ),
    "used by nobody": (
        "UPDATE shared_usages SET used = used + 1 WHERE name = 'draw:wheel/cost_cents/program/lifetime'",
        {"cap_usage"},
    ),
    "a miss forgotten": (
        "UPDATE accounts SET uses = jsonb_set(uses::jsonb, '{draw:wheel/misses}', '99')::json",
        {"cap_usage"},
    ),
}


@pytest.mark.parametrize("name", DAMAGES)
async def test_damage_is_named(bare_database_url: str, name: str) -> None:
    """I-24, I-14: under its own name, and no other."""
    statement, kinds = DAMAGES[name]
    async for hall in opened(bare_database_url, with_draws(DEFAULT_PROGRAM, *DRAWS)):
        await hall.open("wheel")
        member = await hall.member("ann", 1_000)
        for _ in range(12):
            await hall.draw(member)
        await hall.check()
    disable = "ALTER TABLE {0} DISABLE TRIGGER USER"
    tables = [disable.format(each) for each in ("transactions", "drawn_numbers")]
    await asyncio.to_thread(run_sql, bare_database_url, *tables, statement)
    report = await verify(bare_database_url)
    assert set(report.totals) == kinds, report.findings


async def test_the_backtest_replays_what_was_drawn(hall: Hall) -> None:
    """Prices and prizes are those that were recorded, also where the draft has no lottery any more."""
    await hall.open("wheel")
    member = await hall.member("ann", 1_000)
    ticket = (await hall.do(RedeemReward(member, "spin", 2))).sequence
    for turn in range(30):
        await hall.draw(member, ticket=ticket if turn < 2 else None)
    for draft in (hall.program.document, DEFAULT_PROGRAM):
        report = await run_backtest(hall.url, draft, since=None, until=None, workers=1)
        assert report.kinds["draw"] == 30 and report.refused == {}
        assert report.wallets[0].outstanding.difference == 0
        assert all(check.fits for check in report.checks), report.checks


async def test_who_may_draw_is_looked_up(bare_database_url: str) -> None:
    """Tier and segments of the member as the database has them, also where they have just changed."""
    for_some = FAIR | {"for": "member.tier == 'gold' || 'vip' in member.segments"}
    async for hall in opened(bare_database_url, with_draws(DEFAULT_PROGRAM, for_some)):
        await hall.open("wheel")
        ann, bob = await hall.member("ann", 100), await hall.member("bob", 100)
        assert await hall.refused(DrawPrize(ann, "wheel")) == "not_eligible"
        await hall.do(SetProfile(ann, Profile(tier="gold")))
        await hall.do(SetProfile(bob, Profile(segments=["vip"])))
        assert [(await hall.draw(each)).number for each in (ann, bob)] == [1, 2]
        await hall.check()
