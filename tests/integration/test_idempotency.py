"""Every write sent again gives the first answer and no second effect (known failures 26, 33, 34, 38, 40, 69)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import msgspec
import pytest

from jifen.core.commands import (
    AdjustPoints,
    CaptureHold,
    Command,
    PlaceHold,
    RecordOrder,
    RefundOrder,
    RegisterMember,
    ReleaseHold,
    ReverseTransaction,
    SpendPoints,
    TransferPoints,
)
from jifen.core.identity import Identity
from jifen.core.orders import Order, OrderLine, OrderRefund, ReturnedLine
from jifen.engine.engine import Engine
from tests.model.ledger import answered, available_now, check_ledger, count, first_time, new_member, refused, submission

ANN = Identity("external", "ann")


def order(order_id: str, cents: int = 5_000) -> Order:
    """An order of one line, two pieces."""
    return Order(order_id, "CNY", [OrderLine("1", 2, cents)])


def refund(refund_id: str, quantity: int = 1) -> OrderRefund:
    """A refund of the order `first`."""
    return OrderRefund("first", refund_id, [ReturnedLine("1", quantity)])


#: Each makes a command for Ann (100 + 50 points from the order `first`, transaction 2, hold 3), and what is left after.
WRITES: dict[str, tuple[Callable[[int, int], Command], int]] = {
    "order": (lambda ann, _: RecordOrder(ann, order("second")), 190),
    "refund": (lambda ann, _: RefundOrder(ann, refund("r")), 115),
    "spend": (lambda ann, _: SpendPoints(ann, None, 140), 0),
    "hold": (lambda ann, _: PlaceHold(ann, None, 140), 0),
    "capture": (lambda ann, _: CaptureHold(ann, 3), 140),
    "release": (lambda ann, _: ReleaseHold(ann, 3), 150),
    "adjust up": (lambda ann, _: AdjustPoints(ann, None, 7), 147),
    "adjust down": (lambda ann, _: AdjustPoints(ann, None, -140), 0),
    "transfer": (lambda ann, bob: TransferPoints(ann, bob, None, 140), 0),
    "reverse": (lambda ann, _: ReverseTransaction(ann, 2), 90),
}


async def make_ann_and_bob(engine: Engine) -> tuple[int, int]:
    """Ann with two lots and a hold of ten points, Bob with nothing."""
    ann = await new_member(engine, "ann", 100)
    bob = await new_member(engine, "bob")
    answered(await engine.submit(submission(RecordOrder(ann, order("first")), "first")))
    answered(await engine.submit(submission(PlaceHold(ann, None, 10), "hold")))
    return ann, bob


@pytest.mark.parametrize("name", WRITES)
async def test_a_write_sent_again_gives_the_first_answer(engine: Engine, database_url: str, name: str) -> None:
    """In one batch, in a later one, and by another engine; most could not be done twice, and are not refused either."""
    ann, bob = await make_ann_and_bob(engine)
    make, left = WRITES[name]
    once = submission(make(ann, bob), "once")
    together = await engine.submit_group([once, once, once])
    later = await engine.submit(once)
    other = Engine(database_url, lanes=1)
    await other.start()
    elsewhere = await other.submit(once)
    await other.stop()
    assert [answered(each).duplicate for each in (*together, later, elsewhere)] == [False, True, True, True, True]
    assert len({msgspec.json.encode(first_time(each)) for each in (*together, later, elsewhere)}) == 1
    assert await available_now(database_url, ann) == left
    await check_ledger(database_url)


@pytest.mark.parametrize("name", WRITES)
async def test_a_key_used_for_something_else_is_refused(engine: Engine, database_url: str, name: str) -> None:
    """Same key, other payload: in the same batch and later, with the first transaction named."""
    ann, bob = await make_ann_and_bob(engine)
    make, left = WRITES[name]
    once = submission(make(ann, bob), "once")
    other = submission(AdjustPoints(bob, None, 5), "once")
    outcomes = await engine.submit_group([once, other])
    outcomes.append(await engine.submit(other))
    first = answered(outcomes[0])
    for outcome in outcomes[1:]:
        assert refused(outcome) == "key_conflict"
        assert outcome.details["transaction_id"] == f"{first.member_id}-{first.sequence}"  # type: ignore[union-attr]
    assert (await available_now(database_url, ann)) == left
    assert await count(database_url, "SELECT count(*) FROM transactions WHERE key_id = 'once'") == (
        2 if name == "transfer" else 1
    )


async def test_a_key_belongs_to_its_source(engine: Engine) -> None:
    """Two tills may count alike."""
    ann = await new_member(engine, "ann")
    till = submission(AdjustPoints(ann, None, 5), "1")
    other = msgspec.structs.replace(till, source="other till")
    assert [answered(each).duplicate for each in await engine.submit_group([till, other])] == [False, False]


async def test_an_order_told_twice_by_different_events_is_one_order(engine: Engine, database_url: str) -> None:
    """By its own name (known failures 33, 69); with other content it is a conflict."""
    ann = await new_member(engine, "ann")
    told = [submission(RecordOrder(ann, order("o1")), key) for key in ("a", "b", "c")]
    outcomes = [*(await engine.submit_group(told[:2])), await engine.submit(told[2])]
    assert [answered(each).duplicate for each in outcomes] == [False, True, True]
    changed = submission(RecordOrder(ann, order("o1", 5_001)), "d")
    assert refused(await engine.submit(changed)) == "order_conflict"
    assert await available_now(database_url, ann) == 50


async def test_every_key_under_which_an_order_was_told_is_kept(engine: Engine) -> None:
    """However many in one batch: none of them can be used for another order afterwards (I-07)."""
    ann = await new_member(engine, "ann")
    keys = ("a", "b", "c", "d")
    await engine.submit_group([submission(RecordOrder(ann, order("o1")), key) for key in keys])
    again = [await engine.submit(submission(RecordOrder(ann, order(f"other-{key}")), key)) for key in keys]
    assert [refused(each) for each in again] == ["key_conflict"] * 4


async def test_an_order_of_another_member_is_a_conflict(engine: Engine) -> None:
    """The same order cannot be Ann's and Bob's (known failure 76)."""
    ann, bob = await new_member(engine, "ann"), await new_member(engine, "bob")
    answered(await engine.submit(submission(RecordOrder(ann, order("o1")), "a")))
    assert refused(await engine.submit(submission(RecordOrder(bob, order("o1")), "b"))) == "order_conflict"


async def test_a_refund_told_twice_by_different_events_is_one_refund(engine: Engine, database_url: str) -> None:
    """Known failures 11, 40."""
    ann, _ = await make_ann_and_bob(engine)
    told = [submission(RefundOrder(ann, refund("r1")), key) for key in ("a", "b", "c")]
    outcomes = [*(await engine.submit_group(told[:2])), await engine.submit(told[2])]
    assert [answered(each).duplicate for each in outcomes] == [False, True, True]
    changed = submission(RefundOrder(ann, refund("r1", 2)), "d")
    assert refused(await engine.submit(changed)) == "refund_conflict"
    assert await available_now(database_url, ann) == 115


async def test_a_registration_sent_again_finds_the_same_member(engine: Engine, database_url: str) -> None:
    """With the same key it is the first answer; with another it is refused, unless a known member is fine."""
    once = submission(RegisterMember((ANN,)), "once")
    outcomes = [*(await engine.submit_group([once, once])), await engine.submit(once)]
    assert {answered(each).member_id for each in outcomes} == {answered(outcomes[0]).member_id}
    assert [answered(each).duplicate for each in outcomes] == [False, True, True]
    assert refused(await engine.submit(submission(RegisterMember((ANN,)), "twice"))) == "identity_taken"
    fine = answered(await engine.submit(submission(RegisterMember((ANN,), known_is_fine=True), "thrice")))
    assert fine.member_id == answered(outcomes[0]).member_id
    assert await count(database_url, "SELECT count(*) FROM members") == 1


async def test_a_refused_command_may_be_tried_again_with_its_key(engine: Engine) -> None:
    """A refusal is not kept: nothing was done under the key."""
    ann = await new_member(engine, "ann")
    spend = submission(SpendPoints(ann, None, 10), "spend")
    assert refused(await engine.submit(spend)) == "insufficient_points"
    answered(await engine.submit(submission(AdjustPoints(ann, None, 10), "up")))
    assert answered(await engine.submit(spend)).duplicate is False


async def test_the_first_answer_stays_as_it_was(engine: Engine) -> None:
    """Balances in a repeated answer are those after the first time, not those of today."""
    ann = await new_member(engine, "ann", 100)
    spend = submission(SpendPoints(ann, None, 10), "spend")
    first = answered(await engine.submit(spend))
    answered(await engine.submit(submission(AdjustPoints(ann, None, 500), "up")))
    again = first_time(await engine.submit(spend))
    assert again == first
    assert again.trace is not None
    assert again.trace.balances[0].available == 90


async def test_an_instant_is_part_of_what_was_said(engine: Engine) -> None:
    """The caller puts it into the payload, so the same event at another time is another event."""
    ann = await new_member(engine, "ann")
    command = RecordOrder(ann, order("o1"))
    first = submission(command, "e", datetime(2026, 1, 1, tzinfo=UTC), b"on the first")
    second = submission(command, "e", datetime(2026, 1, 2, tzinfo=UTC), b"on the second")
    answered(await engine.submit(first))
    assert refused(await engine.submit(second)) == "key_conflict"
