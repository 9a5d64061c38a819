"""Two members become one and two again: nothing is lost or doubled, whatever happened before, between and after.

`jifen verify` looks after every step, so every balance, lot, counter and use of a cap follows from the transactions.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import asyncpg
import msgspec
import pytest

from jifen.core.calendar import RollingExpiry
from jifen.core.commands import (
    AdjustPoints,
    CaptureHold,
    Command,
    CorrectOrder,
    PlaceHold,
    RecordEvent,
    RecordOrder,
    RefundOrder,
    RegisterMember,
    ReleaseHold,
    ReverseTransaction,
    SpendPoints,
    TransferPoints,
)
from jifen.core.identity import Identity
from jifen.core.members.commands import DescribePerson, FoundHousehold, MergeMembers, UndoMerge
from jifen.core.orders import Order, OrderCorrection, OrderLine, OrderRefund, ReturnedLine
from jifen.core.program import EarningRule, ProgramDocument, Ratio, RefundPolicy, Wallet
from jifen.core.refusal import Refusal
from jifen.core.rules.document import Cap, LocalizedText
from jifen.core.tiers.commands import GrantTier
from jifen.core.tiers.document import RollingMonths, TierLevel, TierSet
from jifen.engine.engine import Engine
from jifen.engine.submission import Answer, Outcome, Submission
from jifen.services.verification import verify
from tests.databases import DEFAULT_PROGRAM, add_program, running_engine

PROGRAM = msgspec.structs.replace(
    DEFAULT_PROGRAM,
    wallets=[*DEFAULT_PROGRAM.wallets, Wallet("growth", LocalizedText(zh="成长值", en="Growth"))],
    earning=[
        msgspec.structs.replace(
            DEFAULT_PROGRAM.earning[0], caps=[Cap("points", 100_000), Cap("points", 10**9, "program", "year")]
        ),
        EarningRule("growing", "growth", Ratio(points=2, per_cents=100), pending_days=15),
    ],
    tier_sets=[
        TierSet(
            "level",
            LocalizedText(zh="等级", en="Level"),
            [
                TierLevel("regular", LocalizedText(zh="普通", en="Regular")),
                TierLevel("silver", LocalizedText(zh="银卡", en="Silver"), "period.spent_cents >= 20000"),
                TierLevel("gold", LocalizedText(zh="金卡", en="Gold"), "period.earned.growth >= 1500"),
                TierLevel("plus", LocalizedText(zh="付费", en="Plus"), by="paid", valid_months=12),
            ],
            RollingMonths(12),
        )
    ],
)
HAPPENINGS = ["order", "order", "spend", "refund", "refund", "correct", "cancel", "adjust", "visit", "merge", "undo"]
#: (available, pending, held, debt) by wallet, and orders, spent in total.
Standing = tuple[dict[int, tuple[int, int, int, int]], tuple[int, int]]


class Life:
    """An engine with a short word for everything that happens, and what a member has."""

    def __init__(self, url: str, engine: Engine) -> None:
        self.url = url
        self.engine = engine
        self._count = 0

    async def ask(self, command: Command, days_ago: int = 0) -> Outcome:
        """Any command, whatever comes of it."""
        self._count += 1
        at = datetime.now(UTC) - timedelta(days=days_ago) if days_ago else None
        outcome = await self.engine.submit(Submission(command, "test", str(self._count), b"{}", "test", at))
        assert not isinstance(outcome, Refusal) or outcome.code not in ("internal", "database_unavailable")
        return outcome

    async def do(self, command: Command, days_ago: int = 0) -> Answer:
        """A command that is not refused."""
        answer = await self.ask(command, days_ago)
        assert isinstance(answer, Answer), answer
        return answer

    async def refused(self, command: Command) -> Refusal:
        """A command that is refused."""
        refusal = await self.ask(command)
        assert isinstance(refusal, Refusal), refusal
        return refusal

    async def member(self, name: str) -> int:
        """A new member."""
        return (await self.do(RegisterMember((Identity("external", name),)))).member_id

    async def order(self, member: int, name: str, cents: int, days_ago: int = 0) -> Answer:
        """An order of two lines: all but 100 cents, and 100 cents."""
        lines = [OrderLine("1", 4, cents - 100), OrderLine("2", 1, 100)]
        return await self.do(RecordOrder(member, Order(name, "CNY", lines)), days_ago)

    async def refund(self, order: str, quantity: int | None = None) -> Outcome:
        """A refund of some pieces of the first line, or of everything."""
        self._count += 1
        lines = None if quantity is None else [ReturnedLine("1", quantity)]
        return await self.ask(RefundOrder(None, OrderRefund(order, f"R{self._count}", lines)))

    async def standing(self, *members: int) -> list[Standing]:
        """What members have."""
        connection = await asyncpg.connect(self.url)
        try:
            rows = await connection.fetch(
                "SELECT member_id, wallet, available, pending, held, debt, counters FROM accounts ORDER BY wallet"
            )
        finally:
            await connection.close()
        found: list[Standing] = []
        for member in members:
            mine = [row for row in rows if row["member_id"] == member]
            counters = next((msgspec.json.decode(row["counters"]) for row in mine if row["counters"]), [0, 0])
            buckets = {
                each["wallet"]: (each["available"], each["pending"], each["held"], each["debt"]) for each in mine
            }
            found.append((buckets, (counters[0], counters[1])))
        return found

    async def points(self, *members: int) -> list[tuple[int, int, int, int]]:
        """What members have in the first wallet."""
        return [buckets[1] for buckets, _ in await self.standing(*members)]

    async def tiers(self, *members: int) -> list[str]:
        """Where members stand; those who were never moved, at the bottom."""
        connection = await asyncpg.connect(self.url)
        try:
            rows = await connection.fetch("SELECT member_id, tier FROM member_tiers")
        finally:
            await connection.close()
        tiers = {row["member_id"]: row["tier"] for row in rows}
        return [tiers.get(member, "regular") for member in members]

    async def check(self) -> None:
        """Everything follows from the transactions (I-12, I-14, I-15, I-16, I-17, I-18, I-19)."""
        report = await verify(self.url)
        assert report.findings == []


async def lived(url: str, program: ProgramDocument) -> AsyncIterator[Life]:
    """A life under a program."""
    await asyncio.to_thread(add_program, url, program)
    async with running_engine(url, lanes=2) as engine:
        yield Life(url, engine)


@pytest.fixture
async def life(bare_database_url: str) -> AsyncIterator[Life]:
    """With two wallets, pending points and caps."""
    async for each in lived(bare_database_url, PROGRAM):
        yield each


async def test_everything_moves_and_comes_back(life: Life) -> None:
    """Points of all buckets, counters, uses of caps, identities and what is known of the person."""
    alice, bob = await life.member("alice"), await life.member("bob")
    await life.order(alice, "A1", 10_000)
    await life.order(bob, "B1", 30_000, days_ago=20)
    await life.order(bob, "B2", 5_000)
    await life.do(SpendPoints(bob, None, 60))
    await life.do(DescribePerson(bob, {"name": "Bob", "birthday": "1990-05-17"}, add_tags=("tea",)))
    before = await life.standing(alice, bob)
    merge = await life.do(MergeMembers(alice, bob))
    await life.check()
    assert await life.points(alice, bob) == [(390, 0, 0, 0), (0, 0, 0, 0)]
    assert (await life.standing(alice))[0][1] == (3, 45_000)
    # The old number says who survived; the identity finds the survivor.
    refusal = await life.refused(SpendPoints(bob, None, 1))
    assert (refusal.code, refusal.details["into"]) == ("member_merged", str(alice))
    spent = await life.do(SpendPoints(Identity("external", "bob"), None, 90))
    assert spent.member_id == alice
    await life.do(ReverseTransaction(alice, spent.sequence))
    undone = await life.do(UndoMerge(alice, merge.sequence))
    await life.check()
    assert await life.standing(alice, bob) == before
    assert (undone.refers_to, (await life.refused(UndoMerge(alice, merge.sequence))).code) == (
        merge.sequence,
        "merge_undone",
    )
    assert (await life.do(SpendPoints(Identity("external", "bob"), None, 1))).member_id == bob


async def test_refunds_of_a_merged_member_go_to_the_survivor(life: Life) -> None:
    """By the order's name, part by part: the points come from the lots of that order, wherever they are; what was spent
    becomes the survivor's debt; and a cancelled spend of old returns to the survivor (known failures 1, 9, 21)."""
    alice, bob, carol = await life.member("alice"), await life.member("bob"), await life.member("carol")
    await life.order(alice, "A1", 1_000)
    await life.order(bob, "B1", 41_000, days_ago=20)
    spent = await life.do(SpendPoints(bob, None, 10))
    await life.do(MergeMembers(alice, bob))
    refund = await life.refund("B1", 1)
    assert isinstance(refund, Answer)
    assert refund.trace is not None
    taken = refund.trace.taken_back[0]
    assert (refund.member_id, taken.points, taken.from_lot, taken.debt) == (bob, 103, 103, 0)
    await life.check()
    assert await life.points(alice, bob) == [(10 + 410 - 10 - 103, 0, 0, 0), (0, 0, 0, 0)]
    await life.do(ReverseTransaction(bob, spent.sequence))
    await life.check()
    # A survivor may be merged in turn: the way back leads through both.
    await life.do(MergeMembers(carol, alice))
    total = (await life.points(carol))[0][0]
    assert total == 10 + 410 - 103
    await life.do(SpendPoints(carol, None, 300))
    assert isinstance(await life.refund("B1"), Answer)
    await life.check()
    assert await life.points(carol, alice, bob) == [(0, 0, 0, 290), (0, 0, 0, 0), (0, 0, 0, 0)]
    assert (await life.standing(carol))[0][1] == (2, 1_000)
    refusal = await life.refund("B1")
    assert isinstance(refusal, Refusal)
    assert refusal.code == "already_refunded"


async def test_a_refund_at_a_merged_member_takes_from_the_lots_of_the_rules_that_lose(bare_database_url: str) -> None:
    """The gift of a correction waits; what is taken back of it is recalled from the lot that waits, no other."""
    gift = EarningRule("gift", "points", fixed=500, when="order.total_cents >= 10000", pending_days=300)
    program = msgspec.structs.replace(PROGRAM, earning=[PROGRAM.earning[0], gift])
    async for life in lived(bare_database_url, program):
        alice, bob = await life.member("alice"), await life.member("bob")
        await life.order(bob, "B1", 5_000, days_ago=2)
        correction = OrderCorrection("B1", "C1", "CNY", [OrderLine("1", 4, 20_000)])
        await life.do(CorrectOrder(None, correction))
        assert await life.points(bob) == [(200, 500, 0, 0)]
        await life.do(MergeMembers(alice, bob))
        assert await life.points(alice, bob) == [(200, 500, 0, 0), (0, 0, 0, 0)]
        await life.refund("B1", 3)
        await life.check()
        assert await life.points(alice, bob) == [(50, 0, 0, 0), (0, 0, 0, 0)]
        again = OrderCorrection("B1", "C2", "CNY", [OrderLine("1", 4, 48_000)])
        await life.do(CorrectOrder(None, again))
        await life.check()
        assert await life.points(alice, bob) == [(120, 500, 0, 0), (0, 0, 0, 0)]


async def test_tiers_are_parted_with_the_members(life: Life) -> None:
    """A tier that one of them paid for or earned is that one's again; one that only the orders of both reach, nobody's;
    and what the survivor reached by its own stays."""
    alice, bob, carol, dora = [await life.member(name) for name in ("alice", "bob", "carol", "dora")]
    await life.do(GrantTier(bob, "plus", payment_reference="P1"))
    await life.order(carol, "C1", 15_000)
    await life.order(dora, "D1", 25_000)
    assert await life.tiers(alice, bob, carol, dora) == ["regular", "plus", "regular", "silver"]
    first = await life.do(MergeMembers(alice, bob))
    second = await life.do(MergeMembers(carol, dora))
    assert await life.tiers(alice, carol) == ["plus", "silver"]
    # With the 40,000 of both this makes gold (1,500 of growth value), which neither reaches alone.
    await life.order(carol, "C2", 40_000)
    assert await life.tiers(carol) == ["gold"]
    await life.check()
    await life.do(UndoMerge(alice, first.sequence))
    await life.do(UndoMerge(carol, second.sequence))
    await life.check()
    assert await life.tiers(alice, bob, carol, dora) == ["regular", "plus", "silver", "silver"]
    third = await life.do(MergeMembers(carol, bob))
    await life.order(carol, "C3", 25_000)
    await life.do(UndoMerge(carol, third.sequence))
    assert await life.tiers(bob, carol) == ["plus", "gold"]
    await life.order(alice, "A1", 100)
    await life.check()


async def test_debts_of_both_sides(life: Life) -> None:
    """What one owes the other pays; undone at once, both stand as before."""
    for owing, rich in (("alice", "bob"), ("bob", "alice")):
        members = {name: await life.member(f"{name} of {owing}") for name in ("alice", "bob")}
        await life.order(members[owing], f"D{owing}", 10_000, days_ago=20)
        await life.do(SpendPoints(members[owing], None, 70))
        await life.refund(f"D{owing}")
        await life.order(members[rich], f"E{owing}", 5_000)
        before = await life.standing(*members.values())
        merge = await life.do(MergeMembers(members["alice"], members["bob"]))
        await life.check()
        assert (await life.points(members["alice"]))[0] == (0, 0, 0, 20)
        await life.do(UndoMerge(members["alice"], merge.sequence))
        await life.check()
        assert await life.standing(*members.values()) == before


async def test_what_was_spent_meanwhile_stays_spent(life: Life) -> None:
    """By the survivor, who spent it; the rest goes back to the lots it came from."""
    alice, bob = await life.member("alice"), await life.member("bob")
    await life.order(bob, "B1", 10_000)
    await life.order(alice, "A1", 2_000)
    merge = await life.do(MergeMembers(alice, bob))
    await life.do(SpendPoints(alice, None, 100))
    held = await life.do(PlaceHold(alice, None, 5))
    await life.do(UndoMerge(alice, merge.sequence))
    await life.check()
    (mine, theirs) = await life.points(alice, bob)
    assert mine[0] + mine[2] + theirs[0] == 20
    await life.do(CaptureHold(alice, held.sequence))
    await life.check()


async def test_what_cannot_be_merged(life: Life) -> None:
    """Each with its own code; nothing changes."""
    alice, bob = await life.member("alice"), await life.member("bob")
    await life.order(bob, "B1", 10_000)
    held = await life.do(PlaceHold(bob, None, 5))
    assert (await life.refused(MergeMembers(alice, bob))).code == "holds_open"
    await life.do(CaptureHold(bob, held.sequence))
    refusal = await life.refused(MergeMembers(alice, alice))
    assert (refusal.code, refusal.pointer) == ("same_member", "/from")
    refusal = await life.refused(MergeMembers(alice, 5))
    assert (refusal.code, refusal.pointer) == ("unknown_member", "/from")
    assert (await life.refused(UndoMerge(bob, 1))).code == "unknown_merge"
    await life.do(MergeMembers(alice, bob))
    assert (await life.refused(MergeMembers(alice, bob))).code == "member_merged"
    assert (await life.refused(MergeMembers(bob, alice))).code == "member_merged"


async def test_points_in_a_hold_of_the_survivor_are_owed(bare_database_url: str) -> None:
    """A refund that forgives what was spent does not forgive what is only held, whoever holds it (I-08)."""
    program = msgspec.structs.replace(PROGRAM, refunds=RefundPolicy("forgive"))
    async for life in lived(bare_database_url, program):
        alice, bob = await life.member("alice"), await life.member("bob")
        await life.order(bob, "B1", 10_000)
        await life.do(MergeMembers(alice, bob))
        held = await life.do(PlaceHold(alice, None, 70))
        assert isinstance(await life.refund("B1"), Answer)
        assert await life.points(alice) == [(0, 0, 70, 70)]
        await life.do(ReleaseHold(alice, held.sequence))
        await life.check()
        assert await life.points(alice, bob) == [(0, 0, 0, 0), (0, 0, 0, 0)]


async def test_a_hold_of_a_merged_member(life: Life) -> None:
    """Its old number is answered, whatever is asked of it."""
    alice, bob = await life.member("alice"), await life.member("bob")
    await life.order(bob, "B1", 10_000)
    held = await life.do(PlaceHold(bob, None, 70))
    await life.do(ReleaseHold(bob, held.sequence))
    await life.do(MergeMembers(alice, bob))
    assert (await life.refused(CaptureHold(bob, held.sequence))).code == "member_merged"
    assert (await life.refused(ReleaseHold(bob, held.sequence))).code == "hold_closed"
    assert (await life.refused(UndoMerge(bob, 1))).code == "unknown_merge"


async def together(life: Life, *commands: Command) -> list[str]:
    """Commands of one batch: the code of each refusal, or `done`."""
    group = [Submission(command, "test", f"batch {index}", b"{}", "test") for index, command in enumerate(commands)]
    outcomes = await life.engine.submit_group(group)
    await life.check()
    return [outcome.code if isinstance(outcome, Refusal) else "done" for outcome in outcomes]


async def test_a_merge_is_undone_in_the_same_batch(life: Life) -> None:
    """The undoing waits until it can find the merge."""
    alice, bob = await life.member("alice"), await life.member("bob")
    await life.order(bob, "B1", 10_000)
    assert await together(life, MergeMembers(alice, bob), UndoMerge(alice, 1)) == ["done", "done"]
    assert await life.points(alice, bob) == [(0, 0, 0, 0), (100, 0, 0, 0)]


async def test_whoever_is_merged_in_the_same_batch_is_somebody_else(life: Life) -> None:
    """A transfer in the name of who was just merged comes from the survivor."""
    alice, bob = await life.member("alice"), await life.member("bob")
    await life.order(bob, "B1", 10_000)
    transfer = TransferPoints(Identity("external", "bob"), bob, None, 5)
    assert await together(life, MergeMembers(alice, bob), transfer) == ["done", "member_merged"]


async def test_nobody_in_a_household_is_merged_while_another_of_it_waits(life: Life) -> None:
    """A merge that must wait is looked at when its turn has come, not done unseen (I-23)."""
    alice, bob, carol = await life.member("alice"), await life.member("bob"), await life.member("carol")
    await life.order(carol, "C1", 10_000)
    await life.do(FoundHousehold(bob, "home", (carol,)))
    # The capture waits for the next batch, as this one makes the hold; and so does whatever concerns the household.
    commands = (PlaceHold(carol, None, 5), CaptureHold(carol, 2), MergeMembers(alice, bob))
    assert await together(life, *commands) == ["done", "done", "in_household"]


@pytest.mark.parametrize("seed", range(8))
async def test_random_lives(bare_database_url: str, seed: int) -> None:
    """Orders, spends, refunds, cancelled spends, adjustments, merges and their undoing in any order: sums are kept, and
    verify is clean after each step."""
    rng = random.Random(seed)
    policy = rng.choice([RefundPolicy("debt"), RefundPolicy("forgive"), RefundPolicy("refuse")])
    gifts = [
        EarningRule("waiting", "points", fixed=90, when="order.total_cents >= 20000", pending_days=10),
        EarningRule("ending", "points", fixed=30, when="order.total_cents < 20000", expiry=RollingExpiry(1)),
    ]
    program = msgspec.structs.replace(PROGRAM, refunds=policy, earning=[*PROGRAM.earning, *gifts])
    async for life in lived(bare_database_url, program):
        names = ["alice", "bob", "carol"]
        members = [await life.member(name) for name in names]
        orders: list[str] = []
        spends: list[tuple[int, int]] = []
        merges: list[tuple[int, int]] = []
        for step in range(24):
            member = rng.choice(members)
            what = rng.choice(HAPPENINGS)
            if what == "order":
                outcome = await life.ask(
                    RecordOrder(
                        Identity("external", rng.choice(names)),
                        Order(f"O{step}", "CNY", [OrderLine("1", 4, rng.randrange(100, 40_000))]),
                    ),
                    rng.choice([0, 5, 20, 500]),
                )
                orders += [f"O{step}"] if isinstance(outcome, Answer) else []
            elif what == "spend":
                outcome = await life.ask(SpendPoints(member, None, rng.randrange(1, 200)))
                spends += [(outcome.member_id, outcome.sequence)] if isinstance(outcome, Answer) else []
            elif what == "refund" and orders:
                await life.refund(rng.choice(orders), rng.choice([None, 1, 2]))
            elif what == "correct" and orders:
                lines = [OrderLine("1", 4, rng.choice([0, 8_000, 19_900, 20_000, 45_000]))]
                correction = OrderCorrection(rng.choice(orders), f"C{step}", "CNY", lines)
                await life.ask(CorrectOrder(None, correction))
            elif what == "cancel" and spends:
                await life.ask(ReverseTransaction(*rng.choice(spends)))
            elif what == "adjust":
                await life.ask(AdjustPoints(member, None, rng.randrange(-50, 50) or 1))
            elif what == "visit":
                await life.ask(RecordEvent(member, "member.checked_in"), rng.choice([0, 1, 2]))
            elif what == "merge":
                total = await total_of(life, members)
                outcome = await life.ask(MergeMembers(member, rng.choice(members)))
                merges += [(outcome.member_id, outcome.sequence)] if isinstance(outcome, Answer) else []
                assert await total_of(life, members) == total
            elif what == "undo" and merges:
                total = await total_of(life, members)
                await life.ask(UndoMerge(*rng.choice(merges)))
                assert await total_of(life, members) == total
            await life.check()


async def total_of(life: Life, members: list[int]) -> tuple[dict[int, int], int, int]:
    """What members have together less what they owe, by wallet; their orders and what they spent."""
    standing = await life.standing(*members)
    sums: dict[int, int] = {}
    for buckets, _ in standing:
        for wallet, (available, pending, held, debt) in buckets.items():
            sums[wallet] = sums.get(wallet, 0) + available + pending + held - debt
    return sums, sum(orders for _, (orders, _) in standing), sum(spent for _, (_, spent) in standing)
