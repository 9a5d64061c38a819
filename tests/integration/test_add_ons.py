"""Add-ons in the database: taken with an order of one's own, and ended with it, once, whoever is at it at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest

from jifen.analytics.backtest.run import run_backtest
from jifen.core.commands import AdjustPoints, Command, CorrectOrder, RecordOrder, RefundOrder, ReverseTransaction
from jifen.core.members.commands import FoundHousehold, MergeMembers, UndoMerge
from jifen.core.orders import Order, OrderCorrection, OrderLine, OrderRefund, ReturnedLine
from jifen.core.program import RefundPolicy
from jifen.core.redemption.commands import (
    ApproveRedemption,
    CancelRedemption,
    FulfilRedemption,
    PayRedemption,
    RedeemReward,
    WriteOffCoupon,
)
from jifen.core.refusal import Refusal
from jifen.core.trace import EndedAddOn
from jifen.db.connection import connect
from jifen.db.embedded import EmbeddedAddress
from jifen.db.queries import load_queries
from jifen.engine.submission import Answer, Submission
from jifen.services.verification import verify
from tests.add_ons import with_add_ons
from tests.damage import do_damage
from tests.databases import DEFAULT_PROGRAM
from tests.integration.test_backtest import assert_same
from tests.integration.test_redemptions import Desk, opened

DOCUMENT = with_add_ons(DEFAULT_PROGRAM)
SHIPPED = {"carrier": "SF", "number": "1"}


class Shop(Desk):
    """A desk that records orders, too."""

    async def order(self, member: int, order_id: str, *cents: int) -> int:
        """An order with a line of two pieces for each amount; the number of its transaction."""
        lines = [OrderLine(str(number), 2, each) for number, each in enumerate(cents or (10_000,), 1)]
        return (await self.do(RecordOrder(member, Order(order_id, "CNY", lines)))).sequence

    async def refund(self, order_id: str, lines: dict[str, int] | None = None, refund_id: str = "r") -> Answer:
        """Of some lines, or of everything that is left."""
        named = None if lines is None else [ReturnedLine(*each) for each in lines.items()]
        return await self.do(RefundOrder(None, OrderRefund(order_id, refund_id, named)))

    async def take(self, member: int, reward: str, order_id: str, price: int | None = None) -> int:
        """The number of an add-on."""
        return (await self.do(RedeemReward(member, reward, price=price, order_id=order_id))).sequence

    async def correct(self, order_id: str, *cents: int) -> Answer:
        """The order should have said this."""
        lines = [OrderLine(str(number), 2, each) for number, each in enumerate(cents, 1)]
        return await self.do(CorrectOrder(None, OrderCorrection(order_id, str(cents), "CNY", lines)))

    async def taken(self, reward: str) -> object:
        """Pieces of its stock."""
        return (await self.read("SELECT taken FROM stocks WHERE reward = $1", reward))[0][0]


def ended(answer: Answer) -> list[EndedAddOn]:
    """What a refund tells of add-ons."""
    assert answer.trace is not None
    return [] if answer.trace.dealings is None else answer.trace.dealings.add_ons


@pytest.fixture
async def shop(bare_database_url: str) -> AsyncIterator[Shop]:
    """With stock."""
    async for desk in opened(bare_database_url, DOCUMENT):
        yield Shop(desk.url, desk.engine)


async def test_every_refusal_says_what_would_be_needed(shop: Shop) -> None:
    """No order, nobody's, somebody else's, too small, taken already, given back, and an order beside no add-on."""
    ann, bob = await shop.member("ann", 1_000), await shop.member("bob", 0)
    await shop.order(ann, "A1")
    await shop.order(bob, "B1")
    await shop.order(ann, "A2", 4_999)

    async def refusal(reward: str, order_id: str | None, quantity: int = 1) -> Refusal:
        found = await shop.ask(RedeemReward(ann, reward, quantity, order_id=order_id))
        assert isinstance(found, Refusal), found
        return found

    assert (await refusal("sweet", None)).code == "order_needed"
    assert (await refusal("sweet", "nowhere")).code == "order_not_found"
    assert (await refusal("e-book", "A1")).code == "order_not_needed"
    others, unknown = await refusal("sweet", "B1"), await refusal("sweet", "B2")
    assert (others.code, others.message) == ("order_not_found", unknown.message.replace("B2", "B1"))
    small = await refusal("tote", "A2")
    assert (small.code, small.details["missing_cents"]) == ("order_too_small", 1)
    assert (await refusal("tote", "A1", 3)).code == "order_limit_reached"
    await shop.take(ann, "tote", "A1")
    await shop.take(ann, "tote", "A1")
    assert (await refusal("tote", "A1")).details == {"order_id": "A1", "most": 2, "taken": 2, "requested": 1}
    await shop.take(ann, "sweet", "A1")
    assert (await refusal("sweet", "A1")).code == "order_limit_reached"
    # Another order is another matter.
    await shop.take(ann, "sweet", "A2")
    await shop.refund("A2")
    await shop.refund("A1", {"1": 2})
    for order_id in ("A1", "A2"):
        assert (await refusal("sweet", order_id)).code == "order_given_back"
    await shop.check()


async def test_limits_and_stock_hold_as_for_any_reward(shop: Shop) -> None:
    """Five mugs a day, whatever the orders; five in stock; and points must be there."""
    ann, bob = await shop.member("ann", 360), await shop.member("bob", 60)
    for number in range(6):
        await shop.order(ann, f"A{number}", 0)
    for number in range(4):
        await shop.take(ann, "mug", f"A{number}", 1)
    await shop.order(bob, "B", 0)
    await shop.take(bob, "mug", "B", 1)
    assert await shop.refused(RedeemReward(ann, "mug", order_id="A4")) == "sold_out"
    await shop.refund("B")
    await shop.take(ann, "mug", "A4", 1)
    assert await shop.refused(RedeemReward(ann, "mug", order_id="A5")) == "limit_reached"
    await shop.refund("A4")
    assert await shop.points(ann) == (120, 0)
    await shop.do(AdjustPoints(ann, None, -120))
    assert await shop.refused(RedeemReward(ann, "mug", price=1, order_id="A5")) == "insufficient_points"
    await shop.check()


async def test_a_whole_refund_ends_what_was_not_delivered(shop: Shop) -> None:
    """Points return to their lots, money that was paid is owed back, stock and limits are free again; what was
    delivered or used stays; all of it is told."""
    ann = await shop.member("ann", 300)
    await shop.order(ann, "A")
    paid = await shop.take(ann, "mug", "A")
    await shop.do(PayRedemption(ann, paid, "wx"))
    used, unused = await shop.take(ann, "tote", "A"), await shop.take(ann, "tote", "A")
    await shop.do(WriteOffCoupon((await shop.codes(ann, used))[0]))
    held, sweet = await shop.take(ann, "lamp", "A"), await shop.take(ann, "sweet", "A")
    assert await shop.points(ann) == (400 - 30 - 50 - 50 - 40 - 5, 40)
    answer = await shop.refund("A")
    assert ended(answer) == [
        EndedAddOn(ann, paid, "mug", 1, 30, 990),
        EndedAddOn(ann, used, "tote", 1, 50, is_kept=True),
        EndedAddOn(ann, unused, "tote", 1, 50),
        EndedAddOn(ann, held, "lamp", 1, 40),
        EndedAddOn(ann, sweet, "sweet", 1, 5, is_kept=True),
    ]
    assert await shop.states(ann) == ["cancelled", "written_off", "cancelled", "cancelled", "fulfilled"]
    assert await shop.points(ann) == (300 - 50 - 5, 0)
    assert answer.trace is not None
    assert answer.trace.left[0].available == 245
    assert await shop.taken("mug") == 0
    code = (await shop.codes(ann, unused))[0]
    assert await shop.refused(WriteOffCoupon(code)) == "coupon_void"
    query = (
        "SELECT trace -> 'dealings' ->> 'ended_with', actor FROM transactions WHERE kind = 14 AND trace ->> 'step' = $1"
    )
    assert await shop.read(query, "cancel") == [("A", "test")] * 3
    # Told again, nothing more happens.
    assert (await shop.ask(CancelRedemption(ann, paid))).__class__ is Refusal
    await shop.check()


async def test_a_part_refund_leaves_it(shop: Shop) -> None:
    """Until the last piece that was paid for comes back; a piece that cost nothing carries no add-on."""
    ann = await shop.member("ann", 100)
    await shop.order(ann, "A", 10_000, 0)
    await shop.take(ann, "mug", "A", 1)
    assert ended(await shop.refund("A", {"1": 1}, "r1")) == []
    assert await shop.states(ann) == ["approved"]
    assert [each.reward for each in ended(await shop.refund("A", {"1": 1}, "r2"))] == ["mug"]
    assert ended(await shop.refund("A", None, "r3")) == []
    assert await shop.points(ann) == (100, 0)
    await shop.check()


async def test_points_of_the_order_that_paid_for_its_add_on(shop: Shop) -> None:
    """They come back before they are taken back: nothing is owed, nothing forgiven, nothing refused."""
    ann = await shop.member("ann", 0)
    order = await shop.order(ann, "A", 6_000)
    await shop.take(ann, "mug", "A", 1)
    assert await shop.points(ann) == (0, 0)
    answer = await shop.do(ReverseTransaction(ann, order))
    assert answer.trace is not None
    (taken,) = answer.trace.taken_back
    assert (taken.from_lot, taken.debt, taken.forgiven) == (60, 0, 0)
    assert [each.is_kept for each in ended(answer)] == [False]
    assert await shop.points(ann) == (0, 0)
    await shop.check()


@pytest.mark.parametrize("policy", ["debt", "forgive", "refuse"])
async def test_under_every_policy(bare_database_url: str, policy: str) -> None:
    """What the order earned and the add-on cost is no gain under any policy for spent points."""
    refunds = msgspec.convert({"spent_points": policy}, RefundPolicy)
    document = msgspec.structs.replace(DOCUMENT, refunds=refunds)
    async for desk in opened(bare_database_url, document):
        shop = Shop(desk.url, desk.engine)
        ann = await shop.member("ann", 0)
        await shop.order(ann, "A", 6_000)
        await shop.take(ann, "mug", "A", 1)
        await shop.refund("A")
        await shop.do(AdjustPoints(ann, None, 7))
        assert await shop.points(ann) == (7, 0)
        await shop.check()


async def test_a_correction_to_nothing_gives_the_order_back(shop: Shop) -> None:
    """So that nothing was paid after all. Corrected again, the order carries add-ons anew."""
    ann = await shop.member("ann", 100)
    await shop.order(ann, "A")
    await shop.take(ann, "mug", "A", 1)
    assert ended(await shop.correct("A", 5_000)) == []
    assert [each.reward for each in ended(await shop.correct("A", 0))] == ["mug"]
    assert await shop.states(ann) == ["cancelled"]
    assert await shop.refused(RedeemReward(ann, "mug", order_id="A")) == "order_given_back"
    await shop.correct("A", 9_000)
    await shop.take(ann, "mug", "A", 1)
    assert await shop.points(ann) == (130, 0)
    await shop.check()


async def test_a_refused_refund_ends_nothing(shop: Shop) -> None:
    """All or nothing."""
    ann = await shop.member("ann", 100)
    await shop.order(ann, "A")
    await shop.take(ann, "mug", "A", 1)
    lines = [ReturnedLine("1", 2), ReturnedLine("2", 1)]
    assert await shop.refused(RefundOrder(None, OrderRefund("A", "r", lines))) == "unknown_line"
    assert await shop.states(ann) == ["approved"]
    await shop.check()


async def test_an_order_that_came_with_a_merge(shop: Shop) -> None:
    """Whoever survived takes add-ons with it; its refund ends those, and the ones that the merged member had taken."""
    ann, bob, eve = [await shop.member(name, 100) for name in ("ann", "bob", "eve")]
    await shop.order(bob, "B", 6_000)
    first = await shop.take(bob, "tote", "B")
    await shop.do(MergeMembers(ann, bob))
    second = await shop.take(ann, "tote", "B")
    await shop.do(MergeMembers(eve, ann))
    assert await shop.refused(RedeemReward(eve, "tote", order_id="B")) == "order_limit_reached"
    third = await shop.take(eve, "mug", "B", 1)
    assert await shop.points(eve) == (300 + 60 - 160, 0)
    answer = await shop.refund("B")
    assert sorted((each.member, each.sequence) for each in ended(answer)) == sorted(
        [(bob, first), (ann, second), (eve, third)]
    )
    assert [await shop.points(each) for each in (ann, bob, eve)] == [(0, 0), (0, 0), (300, 0)]
    await shop.check()


async def test_points_of_a_merged_members_order_that_paid_for_its_add_on(shop: Shop) -> None:
    """They come back to the lot that they came from, wherever that has gone meanwhile, and are taken from there."""
    ann, bob = await shop.member("ann", 0), await shop.member("bob", 0)
    await shop.order(bob, "B", 6_000)
    await shop.take(bob, "mug", "B", 1)
    await shop.do(MergeMembers(ann, bob))
    answer = await shop.refund("B")
    assert answer.trace is not None
    (taken,) = answer.trace.taken_back
    assert (taken.from_lot, taken.other_lots, taken.debt) == (60, 0, 0)
    assert (await shop.points(ann), await shop.points(bob)) == ((0, 0), (0, 0))
    await shop.check()


async def test_a_merge_that_was_undone(shop: Shop) -> None:
    """The order is its member's again with what it carries: what the other took meanwhile counts, and ends with it."""
    ann, bob = await shop.member("ann", 100), await shop.member("bob", 100)
    await shop.order(bob, "B")
    merge = await shop.do(MergeMembers(ann, bob))
    await shop.take(ann, "mug", "B", 1)
    await shop.do(UndoMerge(ann, merge.sequence))
    assert await shop.refused(RedeemReward(ann, "sweet", order_id="B")) == "order_not_found"
    assert await shop.refused(RedeemReward(bob, "mug", order_id="B")) == "order_limit_reached"
    assert [each.member for each in ended(await shop.refund("B"))] == [ann]
    assert await shop.states(ann) == ["cancelled"]
    assert await shop.points(ann) == (100, 0)
    await shop.check()


async def test_an_add_on_that_the_household_paid_for(shop: Shop) -> None:
    """Everybody gets their part back, also somebody who had to be found first."""
    ann, bob = await shop.member("ann", 0), await shop.member("bob", 100)
    await shop.do(FoundHousehold(ann, "Li", (bob,)))
    await shop.order(ann, "A", 0)
    for reward in ("mug", "lamp"):
        command = RedeemReward(ann, reward, price=1 if reward == "mug" else None, from_household=True, order_id="A")
        await shop.do(command)
    assert await shop.points(bob) == (0, 40)
    assert len(ended(await shop.refund("A"))) == 2
    assert (await shop.points(ann), await shop.points(bob)) == ((0, 0), (100, 0))
    await shop.check()


async def test_in_one_batch(shop: Shop) -> None:
    """Whatever comes together is done in turn: the order, an add-on, one too many, the refund, one too late."""
    ann = await shop.member("ann", 100)
    order = Order("A", "CNY", [OrderLine("1", 1, 5_000)])
    take = RedeemReward(ann, "mug", price=1, order_id="A")
    refund = RefundOrder(None, OrderRefund("A", "r"))
    commands: list[Command] = [RecordOrder(ann, order), take, take, refund, take]
    asked = [
        Submission(command, "test", f"batch {number}", b"{}", "test", line="A")
        for number, command in enumerate(commands)
    ]
    outcomes = await asyncio.gather(*(shop.engine.submit(each) for each in asked))
    codes = [each.code if isinstance(each, Refusal) else "done" for each in outcomes]
    assert codes == ["done", "done", "order_limit_reached", "done", "order_given_back"]
    assert await shop.points(ann) == (100, 0)
    # And again: the first answers.
    again = await asyncio.gather(*(shop.engine.submit(each) for each in asked))
    assert [each.duplicate for each in again if isinstance(each, Answer)] == [True] * 3
    await shop.check()


async def test_many_take_with_one_order_at_once(shop: Shop) -> None:
    """The survivor and both lanes at it: as many as the order carries."""
    ann, bob = await shop.member("ann", 1_000), await shop.member("bob", 0)
    await shop.order(bob, "B")
    await shop.do(MergeMembers(ann, bob))
    outcomes = await asyncio.gather(*(shop.ask(RedeemReward(ann, "tote", order_id="B")) for _ in range(20)))
    assert sum(isinstance(each, Answer) for each in outcomes) == 2
    assert {each.code for each in outcomes if isinstance(each, Refusal)} == {"order_limit_reached"}
    assert await shop.points(ann) == (1_000, 0)
    await shop.check()


async def test_a_refund_against_the_till(shop: Shop) -> None:
    """The coupon is used, or void; never both, never neither; and an add-on is taken, or there is no order for it."""
    for number in range(12):
        ann = await shop.member(f"ann {number}", 200)
        order_id = f"A{number}"
        await shop.order(ann, order_id)
        redemption = await shop.take(ann, "tote", order_id)
        code = (await shop.codes(ann, redemption))[0]
        refund, used, more, paid = await asyncio.gather(
            shop.ask(RefundOrder(None, OrderRefund(order_id, "r"))),
            shop.ask(WriteOffCoupon(code)),
            shop.ask(RedeemReward(ann, "tote", order_id=order_id)),
            shop.ask(RedeemReward(ann, "mug", order_id=order_id)),
        )
        assert isinstance(refund, Answer)
        kept = {each.sequence: each.is_kept for each in ended(refund)}
        assert kept.pop(redemption) is isinstance(used, Answer)
        if isinstance(used, Refusal):
            assert used.code == "coupon_void"
        # Whatever was taken before the refund ended with it.
        assert kept.keys() == {each.sequence for each in (more, paid) if isinstance(each, Answer)}
        assert not any(kept.values())
        assert await shop.points(ann) == (150 if isinstance(used, Answer) else 200, 0)
    await shop.check()


async def test_a_refund_against_approval_and_delivery(shop: Shop) -> None:
    """What passes just before ends all the same; what was delivered stays."""
    for number in range(12):
        ann = await shop.member(f"ann {number}", 100)
        order_id = f"A{number}"
        await shop.order(ann, order_id)
        lamp, mug = await shop.take(ann, "lamp", order_id), await shop.take(ann, "mug", order_id, 1)
        submission = Submission(ApproveRedemption(ann, lamp), "test", f"{ann}", b"{}", "boss", roles=("clerk",))
        refund, approved, delivered = await asyncio.gather(
            shop.ask(RefundOrder(None, OrderRefund(order_id, "r"))),
            shop.engine.submit(submission),
            shop.ask(FulfilRedemption(ann, mug, SHIPPED)),
        )
        assert isinstance(refund, Answer)
        assert {each.sequence: each.is_kept for each in ended(refund)} == {
            lamp: False,
            mug: isinstance(delivered, Answer),
        }
        assert isinstance(approved, Answer) or approved.code == "step_not_allowed"
        states = ["cancelled", "fulfilled" if isinstance(delivered, Answer) else "cancelled"]
        assert await shop.states(ann) == states
        assert await shop.points(ann) == (40 if isinstance(delivered, Answer) else 100, 0)
    await shop.check()


DAMAGES = {
    "an order of nobody": "UPDATE redemptions SET content = replace(content::text, '-2\"', '-9\"')::json",
    "an order that is none": 'UPDATE transactions SET facts = \'{"event":"x"}\' WHERE kind = 1',
    "nobody says that it ended": "UPDATE transactions SET trace = replace(trace::text, 'ended_with', 'was_with')::json",
    "told, and it stayed": "DELETE FROM transactions WHERE kind = 14",
}


@pytest.mark.parametrize("name", ["nothing", *DAMAGES])
async def test_damage_is_named(shop: Shop, database_server: EmbeddedAddress, name: str) -> None:
    """I-26: an add-on that ended with its order, and the order that says so, name each other."""
    ann = await shop.member("ann", 100)
    await shop.order(ann, "A")
    for reward in ("sweet", "lamp"):
        await shop.take(ann, reward, "A")
    await shop.refund("A")
    await shop.check()
    statement = DAMAGES.get(name, "SELECT 1")
    await asyncio.to_thread(do_damage, database_server, shop.url, statement)
    report = await verify(shop.url)
    assert ("add_on_broken" in report.totals) is (name != "nothing")


async def test_a_backtest_finds_the_same_points(shop: Shop) -> None:
    """Under the recorded program add-ons and what ended them are replayed as they were."""
    ann, bob = await shop.member("ann", 100), await shop.member("bob", 100)
    for member, order_id in ((ann, "A"), (bob, "B"), (ann, "C")):
        await shop.order(member, order_id, 6_000)
        for reward in ("tote", "sweet", "lamp"):
            await shop.take(member, reward, order_id)
    await shop.refund("A")
    await shop.refund("B", {"1": 1})
    await shop.refund("B", None, "rest")
    report = await run_backtest(shop.url, DOCUMENT, since=None, until=None, workers=1)
    assert_same(report)
    assert report.kinds["step"] >= 4


async def test_what_was_taken_with_an_order_is_found_by_its_index(shop: Shop) -> None:
    """However many redemptions there are, those with an order are few."""
    query = load_queries("engine")["add_ons_of_orders"]
    connection = await connect(shop.url)
    try:
        await connection.execute("SET enable_seqscan = off")
        plan = "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN {query}", ["100001-2"]))
    finally:
        await connection.close()
    assert "redemptions_of_order" in plan
    assert "Index Cond" in plan
