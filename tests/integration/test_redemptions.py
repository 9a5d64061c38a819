"""Redemptions in the database: what time ends, what a merge moves, and damage that verify names."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from jifen.core.commands import AdjustPoints, Command, RegisterMember
from jifen.core.identity import Identity
from jifen.core.members.commands import ChangeLife, MergeMembers, UndoMerge
from jifen.core.program import Program, ProgramDocument
from jifen.core.redemption.commands import (
    ApproveRedemption,
    CancelRedemption,
    PayRedemption,
    RedeemReward,
    WriteOffCoupon,
)
from jifen.core.redemption.document import Price
from jifen.core.redemption.quotes import Quote
from jifen.core.refusal import Refusal
from jifen.core.rules.document import LocalizedText
from jifen.core.tiers.commands import GrantTier
from jifen.core.tiers.document import TierLevel, TierSet
from jifen.db.connection import connect
from jifen.db.embedded import EmbeddedAddress
from jifen.engine.engine import Engine
from jifen.engine.submission import Answer, Submission
from jifen.services.stock import add_codes, set_stock
from jifen.services.time_work import settle_due
from jifen.services.verification import verify
from tests.damage import damaged
from tests.databases import (
    BARE,
    DEFAULT_PROGRAM,
    add_program,
    fetch_sql,
    fresh_database,
    name_of,
    running_engine,
)
from tests.redeeming import with_rewards

DOCUMENT = with_rewards(DEFAULT_PROGRAM)
#: What a member used of limits.
USED = """
SELECT each.value::bigint FROM accounts CROSS JOIN LATERAL json_each_text(uses) AS each
WHERE member_id = $1 AND each.value::bigint > 0
"""
_EARLIER = """
UPDATE redemptions SET until = until - $1::interval, content = jsonb_set(content::jsonb, '{until}',
    to_jsonb(to_char(until - $1::interval, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')))::json
WHERE reward = $2 RETURNING sequence
"""


class Desk:
    """An engine with a short word for what is asked of it."""

    def __init__(self, url: str, engine: Engine) -> None:
        self.url = url
        self.engine = engine
        self._count = 0

    async def ask(self, command: Command) -> Answer | Refusal:
        """Any command."""
        self._count += 1
        return await self.engine.submit(Submission(command, "test", str(self._count), b"{}", "test"))

    async def do(self, command: Command) -> Answer:
        """A command that is not refused."""
        answer = await self.ask(command)
        assert isinstance(answer, Answer), answer
        return answer

    async def refused(self, command: Command) -> str:
        """The code with which a command is refused."""
        refusal = await self.ask(command)
        assert isinstance(refusal, Refusal), refusal
        return refusal.code

    async def member(self, name: str, points: int) -> int:
        """A new member with so many points."""
        member = (await self.do(RegisterMember((Identity("external", name),)))).member_id
        if points:
            await self.do(AdjustPoints(member, None, points))
        return member

    async def redeem(self, member: int, reward: str, price: int | None = None) -> int:
        """The number of a redemption."""
        return (await self.do(RedeemReward(member, reward, price=price))).sequence

    async def read(self, query: str, *values: object) -> list[tuple[object, ...]]:
        """Rows of the database."""
        return await asyncio.to_thread(fetch_sql, self.url, query, *values)

    async def states(self, member: int) -> list[object]:
        """How the member's redemptions stand, in order."""
        query = "SELECT state FROM redemptions WHERE member_id = $1 ORDER BY sequence"
        return [row[0] for row in await self.read(query, member)]

    async def codes(self, member: int, number: int) -> list[str]:
        """The codes that a redemption gave."""
        query = "SELECT code FROM coupons WHERE member_id = $1 AND sequence = $2 ORDER BY code"
        return [str(row[0]) for row in await self.read(query, member, number)]

    async def points(self, member: int) -> tuple[object, ...]:
        """Available and held."""
        query = "SELECT available, held FROM accounts WHERE member_id = $1 AND wallet = 1"
        return (await self.read(query, member))[0]

    async def bring_forward(self, by: timedelta, reward: str) -> None:
        """Let redemptions of a reward end earlier."""
        await self.read(_EARLIER, by, reward)

    async def check(self) -> None:
        """Everything follows from the transactions (I-20, I-21)."""
        report = await verify(self.url)
        assert report.findings == []


async def opened(url: str, document: ProgramDocument = DOCUMENT) -> AsyncIterator[Desk]:
    """A desk with stock and codes."""
    await asyncio.to_thread(add_program, url, document)
    connection = await connect(url)
    program = Program(1, document, {wallet.id: number for number, wallet in enumerate(document.wallets, 1)})
    shards = await connection.fetchval("SELECT shards FROM installation")
    for reward in (each.id for each in document.rewards if each.stock == "counted"):
        await set_stock(connection, program, shards, reward, key=reward, actor="test", reason="opening", pieces=5)
    await add_codes(connection, program, shards, "movie", ["M1", "M2"], actor="test", reason="opening")
    await connection.close()
    async with running_engine(url, lanes=2) as engine:
        yield Desk(url, engine)


@pytest.fixture
async def desk(bare_database_url: str) -> AsyncIterator[Desk]:
    """With stock and codes."""
    async for each in opened(bare_database_url):
        yield each


async def run_desk(url: str) -> None:
    """Some of everything."""
    async for desk in opened(url):
        member = await desk.member("ann", 1_000)
        coupon = await desk.redeem(member, "five-yuan")
        await desk.do(WriteOffCoupon((await desk.codes(member, coupon))[0]))
        for reward in ("vase", "movie", "cup"):
            await desk.redeem(member, reward)
        until = datetime.now(UTC) + timedelta(minutes=15)
        quote = Quote(member, "e-book", 1, DOCUMENT.wallets[0].id, 10, 0, 1, until, "q1")
        await desk.do(RedeemReward(member, "e-book", quote=quote))
        cancelled = await desk.redeem(member, "vase")
        await desk.do(CancelRedemption(member, cancelled))
        payer = await desk.member("bob", 20)
        await desk.do(PayRedemption(payer, await desk.redeem(payer, "cup", 1), "P1"))
        await desk.check()


async def test_time_ends_what_nobody_paid_or_decided(desk: Desk) -> None:
    """Each at its own time; points, stock and limits come back, and a second run finds nothing."""
    member = await desk.member("ann", 500)
    for reward, price in (("cup", 1), ("vase", None)):
        await desk.redeem(member, reward, price)
    assert await desk.points(member) == (380, 120)
    now = datetime.now(UTC)
    report = await settle_due(desk.engine, desk.url, now)
    assert report.redemptions_ended == 0
    await desk.bring_forward(timedelta(hours=1), "cup")
    report = await settle_due(desk.engine, desk.url, now)
    assert report.redemptions_ended == 1
    assert await desk.states(member) == ["expired", "waiting_for_approval"]
    await desk.bring_forward(timedelta(hours=25), "vase")
    assert (await settle_due(desk.engine, desk.url, now)).redemptions_ended == 1
    assert (await settle_due(desk.engine, desk.url, now + timedelta(seconds=1))).redemptions_ended == 0
    assert await desk.points(member) == (500, 0)
    assert await desk.read("SELECT sum(taken) FROM stocks WHERE reward <> 'movie'") == [(0,)]
    await desk.check()


async def test_several_redemptions_of_a_member_end_together(desk: Desk) -> None:
    """The first of them books all that is due of the member: each counts as ended, and nobody as failed."""
    ann, bob = await desk.member("ann", 500), await desk.member("bob", 500)
    for member in (ann, ann, bob):
        await desk.redeem(member, "vase")
    await desk.bring_forward(timedelta(hours=25), "vase")
    report = await settle_due(desk.engine, desk.url, datetime.now(UTC))
    assert (report.redemptions_ended, report.failed) == (3, 0)
    assert await desk.states(ann) == ["expired", "expired"]
    await desk.check()


async def test_coupons_of_a_merged_member_are_good(desk: Desk) -> None:
    """Written off by their code, or cancelled: then points and limits go to the survivor."""
    alice, bob = await desk.member("alice", 100), await desk.member("bob", 300)
    first, second = [await desk.redeem(bob, "five-yuan") for _ in range(2)]
    await desk.do(MergeMembers(alice, bob))
    await desk.check()
    await desk.do(WriteOffCoupon((await desk.codes(bob, first))[0]))
    assert await desk.refused(RedeemReward(bob, "five-yuan")) == "member_merged"
    await desk.do(CancelRedemption(bob, second))
    assert await desk.points(alice) == (300, 0)
    assert await desk.points(bob) == (0, 0)
    assert await desk.states(bob) == ["written_off", "cancelled"]
    assert await desk.read(USED, alice) == [(1,)]
    await desk.check()


async def test_a_merge_is_undone_after_a_redemption_of_then_was_cancelled(desk: Desk) -> None:
    """What was given back of limits meanwhile is not taken from the survivor once more."""
    alice, bob = await desk.member("alice", 100), await desk.member("bob", 300)
    first, second = [await desk.redeem(bob, "five-yuan") for _ in range(2)]
    merge = await desk.do(MergeMembers(alice, bob))
    await desk.do(CancelRedemption(bob, first))
    await desk.do(UndoMerge(alice, merge.sequence))
    await desk.check()
    assert (await desk.read(USED, alice), await desk.read(USED, bob)) == ([], [(1,)])
    await desk.do(CancelRedemption(bob, second))
    await desk.check()
    assert (await desk.points(alice), await desk.points(bob)) == ((100, 0), (300, 0))


async def test_what_waits_must_be_decided_before_a_merge(desk: Desk) -> None:
    """Whoever decides knows it by the old number."""
    alice, bob = await desk.member("alice", 100), await desk.member("bob", 100)
    await desk.redeem(bob, "vase")
    assert await desk.refused(MergeMembers(alice, bob)) == "holds_open"


@pytest.fixture(scope="module")
def desk_template(database_server: EmbeddedAddress) -> Iterator[str]:
    """A database in which a desk has been run. Tests copy it."""
    with fresh_database(database_server, BARE) as url:
        asyncio.run(run_desk(url))
        yield name_of(url)


DAMAGES = {
    # I-20: how redemptions stand, and whose codes are, follows from the transactions.
    "a state": ("UPDATE redemptions SET state = 'fulfilled' WHERE reward = 'vase'", {"redemption_state"}),
    "put off": ("UPDATE redemptions SET until = until + interval '1 day'", {"redemption_state"}),
    "a redemption gone": ("DELETE FROM redemptions WHERE reward = 'cup'", {"redemption_missing"}),
    "a redemption of nobody": (
        "INSERT INTO redemptions SELECT shard, member_id, sequence + 1000, last_step, reward, state, requested_at, "
        "until, content FROM redemptions WHERE reward = 'cup'",
        {"redemption_surplus"},
    ),
    "a coupon of somebody else": (
        "UPDATE coupons SET member_id = member_id + 1 WHERE code NOT IN (SELECT code FROM code_pool)",
        {"coupon_owner"},
    ),
    "a coupon gone": ("DELETE FROM coupons WHERE code NOT IN (SELECT code FROM code_pool)", {"coupon_missing"}),
    "a code given to somebody else": ("UPDATE code_pool SET sequence = 99 WHERE code = 'M1'", {"pool_code"}),
    "a code given to nobody": ("UPDATE code_pool SET member_id = 1, sequence = 1 WHERE code = 'M2'", {"pool_code"}),
    # I-21: stock follows from the transactions and from what was set.
    "pieces taken": ("UPDATE stocks SET taken = taken + 1 WHERE reward = 'cup'", {"stock_taken"}),
    # I-07: a quote is redeemed once.
    "a quote free again": (
        r"DELETE FROM keys WHERE digest = substr(sha256('\x71756f74650000'::bytea || 'q1'), 1, 16)",
        {"key_missing"},
    ),
    # I-07: a payment counts once.
    "a payment free again": (
        r"DELETE FROM keys WHERE digest = substr(sha256('\x7061796d656e740000'::bytea || 'P1'), 1, 16)",
        {"key_missing"},
    ),
    "pieces": ("UPDATE stocks SET pieces = pieces + 1 WHERE reward = 'cup'", {"stock_pieces"}),
}


@pytest.mark.parametrize("name", ["nothing", *DAMAGES])
async def test_damage_is_named(database_server: EmbeddedAddress, desk_template: str, name: str) -> None:
    """I-20, I-21: damage comes out under its own name, and no other; a sound desk gives nothing."""
    statement, kinds = DAMAGES.get(name, ("SELECT 1", set()))
    report = await damaged(database_server, desk_template, statement)
    assert set(report.totals) == kinds, report.findings


async def test_a_reward_changed_between_quote_and_confirm(desk: Desk) -> None:
    """The quote holds its price; without one the new price is told; what was retired is told in any case."""
    member = await desk.member("ann", 1_000)
    until = datetime.now(UTC) + timedelta(minutes=15)
    quote = Quote(member, "five-yuan", 1, DOCUMENT.wallets[0].id, 100, 0, 1, until, "this")

    async def publish(**changes: object) -> None:
        rewards = [
            msgspec.structs.replace(each, **changes) if each.id == "five-yuan" else each for each in DOCUMENT.rewards
        ]
        changed = msgspec.structs.replace(DOCUMENT, rewards=rewards)
        await asyncio.to_thread(add_program, desk.url, changed)

    await publish(prices=[Price(150)])
    assert await desk.refused(RedeemReward(member, "five-yuan", expected_points=100)) == "price_changed"
    await desk.do(RedeemReward(member, "five-yuan", quote=quote))
    assert await desk.points(member) == (900, 0)
    assert await desk.refused(RedeemReward(member, "five-yuan", quote=quote)) == "quote_used"
    late = msgspec.structs.replace(quote, until=datetime.now(UTC), nonce="late")
    assert await desk.refused(RedeemReward(member, "five-yuan", quote=late)) == "quote_expired"
    await publish(retired=True)
    other = msgspec.structs.replace(quote, nonce="other")
    assert await desk.refused(RedeemReward(member, "five-yuan", quote=other)) == "reward_retired"
    assert await desk.points(member) == (900, 0)
    # What was given before is as good as ever.
    await desk.do(WriteOffCoupon((await desk.codes(member, 2))[0]))
    await desk.check()


async def test_whoever_is_frozen_or_gone_redeems_nothing(desk: Desk) -> None:
    """Each is told why; a coupon waits until its member is unfrozen, and what waited is given back all the same."""
    member = await desk.member("ann", 500)
    number = await desk.redeem(member, "five-yuan")
    held = await desk.redeem(member, "vase")
    await desk.do(ChangeLife(member, "freeze"))
    assert await desk.refused(RedeemReward(member, "five-yuan")) == "member_frozen"
    assert await desk.refused(ApproveRedemption(member, held)) == "member_frozen"
    await desk.do(CancelRedemption(member, held))
    assert await desk.points(member) == (400, 0)
    (code,) = await desk.codes(member, number)
    assert await desk.refused(WriteOffCoupon(code)) == "member_frozen"
    await desk.do(ChangeLife(member, "unfreeze"))
    await desk.do(WriteOffCoupon(code))
    await desk.do(ChangeLife(member, "close"))
    assert await desk.refused(RedeemReward(member, "five-yuan")) == "member_closed"
    await desk.check()


async def test_what_comes_back_to_whoever_has_gone_is_forfeited(desk: Desk) -> None:
    """A cancelled redemption of a closed member, and one of a member who was merged into another that is closed."""
    owner, twin, survivor = [await desk.member(f"gone {number}", 300) for number in range(3)]
    own, other = await desk.redeem(owner, "five-yuan"), await desk.redeem(twin, "five-yuan")
    await desk.do(MergeMembers(survivor, twin))
    for member in (owner, survivor):
        await desk.do(ChangeLife(member, "close"))
        assert await desk.points(member) == (0, 0)
    for member, redemption in ((owner, own), (twin, other)):
        answer = await desk.do(CancelRedemption(member, redemption))
        assert answer.trace is not None and not any(each.available for each in answer.trace.left)
    for member in (owner, survivor, twin):
        assert await desk.points(member) == (0, 0)
    query = "SELECT member_id, trace -> 'dealings' ->> 'forfeited', (trace ->> 'points')::int FROM transactions"
    forfeited = await desk.read(f"{query} WHERE kind = 9 AND trace -> 'dealings' IS NOT NULL ORDER BY 1, sequence")
    assert [each for each in forfeited if each[0] == owner] == [(owner, "closed", -200), (owner, "came_back", -100)]
    assert [each for each in forfeited if each[0] == survivor] == [
        (survivor, "closed", -500),
        (survivor, "came_back", -100),
    ]
    await desk.check()


async def test_a_payment_pays_for_a_tier_or_a_redemption(bare_database_url: str) -> None:
    """Never for both, whichever came first, also within one batch; `jifen verify` knows the keys of both."""
    plus = TierLevel("plus", LocalizedText(zh="付费会员", en="Plus"), by="paid")
    regular = TierLevel("regular", LocalizedText(zh="普通会员", en="Regular"))
    level = TierSet("level", LocalizedText(zh="等级", en="Level"), [regular, plus])
    rewards = [each for each in DOCUMENT.rewards if each.id in ("cup", "movie")]
    document = msgspec.structs.replace(DOCUMENT, rewards=rewards, tier_sets=[level])
    async for desk in opened(bare_database_url, document):
        members = [await desk.member(name, 20) for name in ("ann", "bob", "cat")]
        ann, bob, cat = members
        cups = [await desk.redeem(member, "cup", 1) for member in members]
        await desk.do(GrantTier(ann, "plus", payment_reference="P1"))
        assert await desk.refused(PayRedemption(ann, cups[0], "P1")) == "payment_used"
        await desk.do(PayRedemption(bob, cups[1], "P2"))
        assert await desk.refused(GrantTier(bob, "plus", payment_reference="P2")) == "payment_used"
        both: list[Command] = [GrantTier(cat, "plus", payment_reference="P3"), PayRedemption(cat, cups[2], "P3")]
        asked = [Submission(each, "test", f"both-{number}", b"{}", "test") for number, each in enumerate(both)]
        outcomes = await desk.engine.submit_group(asked)
        assert [each.code for each in outcomes if isinstance(each, Refusal)] == ["payment_used"]
        await desk.check()
