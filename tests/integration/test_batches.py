"""Within one batch: order, neighbours, and what must wait for the next."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Literal

import asyncpg
import msgspec
import pytest

from jifen.core.calendar import RollingExpiry
from jifen.core.commands import (
    AdjustPoints,
    CaptureHold,
    CorrectOrder,
    PlaceHold,
    RecordOrder,
    RefundOrder,
    RegisterMember,
    ReleaseHold,
    ReverseTransaction,
    SettleMember,
    SpendPoints,
    TransferPoints,
)
from jifen.core.identity import Identity, shard_of_member
from jifen.core.orders import Order, OrderCorrection, OrderLine, OrderRefund
from jifen.core.program import RefundPolicy
from jifen.engine.engine import Engine
from jifen.engine.submission import Submission
from tests.databases import DEFAULT_PROGRAM
from tests.model.ledger import (
    answered,
    available_now,
    check_ledger,
    count,
    new_member,
    publish,
    read_history,
    refused,
    submission,
)


def order(order_id: str, cents: int = 10_000) -> Order:
    """An order of one piece."""
    return Order(order_id, "CNY", [OrderLine("1", 1, cents)])


async def test_commands_of_a_group_are_done_in_order(engine: Engine, database_url: str) -> None:
    """Each sees what those before it did, also where it refers to what was just written."""
    ann, bob = await new_member(engine, "ann"), await new_member(engine, "bob")
    outcomes = await engine.submit_group(
        [
            submission(SpendPoints(ann, None, 1), "too early"),
            submission(RecordOrder(ann, order("o1")), "o1"),
            submission(SpendPoints(ann, None, 30), "spend"),
            submission(RefundOrder(None, OrderRefund("o1", "r1")), "refund"),
            submission(RecordOrder(ann, order("o2")), "o2"),
            submission(ReverseTransaction(ann, 2), "cancel"),
            submission(PlaceHold(ann, None, 60), "hold"),
            submission(CaptureHold(ann, 6, 50), "capture"),
            submission(ReleaseHold(ann, 6), "release"),
            submission(TransferPoints(ann, bob, None, 50), "give"),
        ]
    )
    assert refused(outcomes[0]) == "insufficient_points"
    assert [answered(each).sequence for each in outcomes[1:]] == list(range(1, 10))
    assert (await available_now(database_url, ann), await available_now(database_url, bob)) == (0, 50)
    await check_ledger(database_url)


async def test_whoever_receives_points_waits_for_whoever_gives_them(engine: Engine, database_url: str) -> None:
    """A transfer that must wait for the next batch makes what its receiver does afterwards wait too."""
    ann, bob = await new_member(engine, "ann"), await new_member(engine, "bob")
    outcomes = await engine.submit_group(
        [
            submission(RecordOrder(ann, order("o1")), "o1"),
            submission(SpendPoints(ann, None, 100), "spend"),
            submission(ReverseTransaction(ann, 2), "cancel"),
            submission(TransferPoints(ann, bob, None, 100), "give"),
            submission(SpendPoints(bob, None, 100), "spend what was given"),
        ]
    )
    assert [answered(each).sequence for each in outcomes] == [1, 2, 3, 4, 2]
    assert (await available_now(database_url, ann), await available_now(database_url, bob)) == (0, 0)


async def test_forgiven_points_do_not_come_back_with_a_cancelled_spend(engine: Engine, database_url: str) -> None:
    """What a refund forgave, and what was withheld for it, is found again in the tables."""
    await publish(database_url, msgspec.structs.replace(DEFAULT_PROGRAM, refunds=RefundPolicy("forgive")))
    ann = await new_member(engine, "ann")
    outcomes = await engine.submit_group(
        [
            submission(RecordOrder(ann, order("o1")), "o1"),
            submission(SpendPoints(ann, None, 60), "spend 1"),
            submission(PlaceHold(ann, None, 40), "hold"),
            submission(CaptureHold(ann, 3, None), "capture"),
            submission(RefundOrder(None, OrderRefund("o1", "r1")), "refund"),
            submission(ReverseTransaction(ann, 2), "cancel 1"),
            submission(ReverseTransaction(ann, 4), "cancel 2"),
        ]
    )
    traces = [answered(each).trace for each in outcomes[4:]]
    assert [trace.taken_back[0].forgiven for trace in traces[:1] if trace] == [100]
    assert [(trace.points, trace.withheld) for trace in traces[1:] if trace] == [(0, 60), (0, 40)]
    assert await available_now(database_url, ann) == 0
    await check_ledger(database_url)


@pytest.mark.parametrize("policy", ["debt", "forgive", "refuse"])
async def test_points_of_a_correction_go_with_the_order(
    engine: Engine, database_url: str, policy: Literal["debt", "forgive", "refuse"]
) -> None:
    """The lots that a correction opened are found again: taken first, counted where they expired, forgiven once."""
    earning = msgspec.structs.replace(DEFAULT_PROGRAM.earning[0], expiry=RollingExpiry(1))
    program = msgspec.structs.replace(DEFAULT_PROGRAM, refunds=RefundPolicy(policy), earning=[earning])
    await publish(database_url, program)
    long_ago = datetime.now(UTC) - timedelta(days=90)
    ann, bob, eve = [await new_member(engine, name) for name in ("ann", "bob", "eve")]
    for member, at in ((ann, None), (bob, long_ago), (eve, None)):
        name = f"o{member}"
        for command, key in (
            (RecordOrder(member, order(name)), "order"),
            (CorrectOrder(None, OrderCorrection(name, "c1", "CNY", order(name, 100_000).lines)), "up"),
            (RecordOrder(member, order(f"other-{name}", 50_000)), "other"),
        ):
            answered(await engine.submit(submission(command, f"{name} {key}", at if key != "other" else None)))
    spent = answered(await engine.submit(submission(SpendPoints(eve, None, 1_200), "eve spends")))
    outcomes = [
        await engine.submit(submission(RefundOrder(None, OrderRefund(f"o{member}", "r1")), f"refund {member}"))
        for member in (ann, bob, eve)
    ]
    assert [await available_now(database_url, member) for member in (ann, bob)] == [500, 500]
    taken = [answered(each).trace.taken_back[0] for each in outcomes[:2]]  # type: ignore[union-attr]
    assert [(each.from_lot, each.expired, each.other_lots, each.forgiven) for each in taken] == [
        (1_000, 0, 0, 0),
        (0, 1_000, 0, 0),
    ]
    if policy == "refuse":
        assert refused(outcomes[2]) == "points_already_spent"
    answered(await engine.submit(submission(ReverseTransaction(eve, spent.sequence), "eve cancels")))
    assert await available_now(database_url, eve) == (1_500 if policy == "refuse" else 500)
    await check_ledger(database_url)


async def test_a_refusal_refuses_one_command(engine: Engine, database_url: str) -> None:
    """Its neighbours on the same member and on others are done."""
    ann, bob = await new_member(engine, "ann", 10), await new_member(engine, "bob", 10)
    outcomes = await engine.submit_group(
        [
            submission(SpendPoints(ann, None, 4), "1"),
            submission(SpendPoints(ann, None, 7), "2"),
            submission(SpendPoints(ann, "coins", 1), "3"),
            submission(SpendPoints(bob, None, 10), "4"),
            submission(SpendPoints(999, None, 1), "5"),
            submission(SpendPoints(Identity("external", "nobody"), None, 1), "6"),
            submission(SpendPoints(ann, None, 6), "7"),
        ]
    )
    codes = [refused(outcomes[index]) for index in (1, 2, 4, 5)]
    assert codes == ["insufficient_points", "unknown_wallet", "unknown_member", "unknown_member"]
    assert [answered(outcomes[index]).sequence for index in (0, 3, 6)] == [2, 2, 3]
    assert (await available_now(database_url, ann), await available_now(database_url, bob)) == (0, 0)


async def test_an_unknown_identity_is_registered_by_what_brings_points(engine: Engine, database_url: str) -> None:
    """Once for a whole batch; what takes points registers nobody."""
    carol = Identity("phone", "+8613800138000")
    outcomes = await engine.submit_group(
        [
            submission(SpendPoints(carol, None, 1), "1"),
            submission(RecordOrder(carol, Order("o0", "USD", order("o0").lines)), "2"),
            submission(RecordOrder(carol, order("o1")), "3"),
            submission(AdjustPoints(carol, None, 5), "4"),
            submission(SpendPoints(carol, None, 105), "5"),
        ]
    )
    assert [refused(each) for each in outcomes[:2]] == ["unknown_member", "currency_mismatch"]
    assert len({answered(each).member_id for each in outcomes[2:]}) == 1
    assert await count(database_url, "SELECT count(*) FROM members") == 1
    assert await count(database_url, "SELECT count(*) FROM identities") == 1


async def test_a_refused_first_order_leaves_no_member_behind(engine: Engine, database_url: str) -> None:
    """Not even its identity; another registration in the same batch may have it."""
    dora = Identity("email", "dora@example.org")
    refused_order = submission(RecordOrder(dora, Order("o0", "USD", order("o0").lines)), "1")
    assert refused(await engine.submit(refused_order)) == "currency_mismatch"
    assert await count(database_url, "SELECT count(*) FROM members") == 0
    outcomes = await engine.submit_group([refused_order, submission(RegisterMember((dora,)), "2"), refused_order])
    assert refused(outcomes[0]) == refused(outcomes[2]) == "currency_mismatch"
    assert answered(outcomes[1]).sequence == 0
    assert await count(database_url, "SELECT count(*) FROM members") == 1
    await check_ledger(database_url)


async def test_what_a_past_command_refers_to_must_exist(engine: Engine) -> None:
    """Each with its own code."""
    ann, bob = await new_member(engine, "ann", 10), await new_member(engine, "bob")
    answered(await engine.submit(submission(RecordOrder(ann, order("o1")), "o1")))
    outcomes = await engine.submit_group(
        [
            submission(RefundOrder(None, OrderRefund("o9", "r1")), "1"),
            submission(RefundOrder(bob, OrderRefund("o1", "r1")), "2"),
            submission(CaptureHold(ann, 99), "3"),
            submission(ReleaseHold(ann, 1), "4"),
            submission(ReverseTransaction(ann, 99), "5"),
            submission(ReverseTransaction(999, 1), "6"),
            submission(TransferPoints(ann, ann, None, 1), "7"),
            submission(TransferPoints(ann, 999, None, 1), "8"),
            submission(CaptureHold(999, 1), "9"),
            submission(ReleaseHold(999, 1), "10"),
        ]
    )
    assert [refused(each) for each in outcomes] == [
        "unknown_order",
        "order_of_other_member",
        "unknown_hold",
        "unknown_hold",
        "unknown_transaction",
        # Nobody was asked for, so it is not the member who is unknown.
        "unknown_transaction",
        "same_member",
        "unknown_member",
        "unknown_hold",
        "unknown_hold",
    ]


async def test_instants_have_limits(engine: Engine) -> None:
    """A clock that runs ahead a little is fine; the far future and the time before time are not."""
    ann = await new_member(engine, "ann")
    now = datetime.now(UTC)
    instants = [now + timedelta(days=1), datetime(1969, 12, 31, tzinfo=UTC), now + timedelta(minutes=1)]
    outcomes = await engine.submit_group(
        [submission(RecordOrder(ann, order(f"o{number}")), f"o{number}", at) for number, at in enumerate(instants)]
    )
    assert [refused(each) for each in outcomes[:2]] == ["instant_in_future", "instant_too_early"]
    assert answered(outcomes[2]).sequence == 1


async def test_settling_in_any_batch_books_what_is_due(database_url: str) -> None:
    """With a clock moved by hand; settling again does nothing, and a batch without need writes nothing."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    engine = Engine(database_url, lanes=1, clock=lambda: now)
    await engine.start()
    ann = await new_member(engine, "ann")
    adjust = AdjustPoints(ann, None, 10, now + timedelta(days=1))
    answered(await engine.submit(submission(adjust, "1")))
    settle = Submission(SettleMember(ann), "jifen:time", "", b"", "jifen:time", has_key=False)
    for days, sequence in ((0, 1), (2, 2), (3, 2)):
        now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=days)
        assert answered(await engine.submit(settle)).sequence == sequence
    await engine.stop()
    assert await available_now(database_url, ann) == 0
    await check_ledger(database_url)


async def test_more_lots_than_are_loaded_at_first_are_spent_in_order(database_url: str, engine: Engine) -> None:
    """A spend over many lots loads the rest and decides again (known failure 55)."""
    ann = await new_member(engine, "ann")
    soon = datetime.now(UTC).replace(microsecond=0) + timedelta(days=2)
    await engine.submit_group(
        [submission(AdjustPoints(ann, None, 1, soon + timedelta(hours=97 * n % 50)), f"lot {n}") for n in range(50)]
    )
    spends = [submission(SpendPoints(ann, None, points), f"spend {points}") for points in (3, 30, 9)]
    for each in await engine.submit_group(spends):
        answered(each)
    assert (
        await count(database_url, "SELECT count(*) FROM lots WHERE expires_at >= $1", soon + timedelta(hours=42))
        == await available_now(database_url, ann)
        == 8
    )
    await check_ledger(database_url)


async def corrupt(admin_url: str, statement: str, *values: object) -> None:
    """Do to the database what jifen never does."""
    connection = await asyncpg.connect(admin_url)
    try:
        await connection.execute(statement, *values)
    finally:
        await connection.close()


STRAY_LOT = (
    "INSERT INTO lots (shard, member_id, wallet, pending, expires_at, earned_at, lot, effective_at, remaining) "
    "VALUES ($1, $2, 1, false, $3, $4, 1048576, $4, 1)"
)


@pytest.mark.parametrize("damage", ["missing lot", "missing lots", "stray lot", "unfit text", "stray transaction"])
async def test_a_command_that_cannot_be_done_spares_its_neighbours(
    engine: Engine, database_url: str, admin_url: str, damage: str
) -> None:
    """Whatever is wrong with one member's rows or one command's text: the others of its batch are done, it is not."""
    ann, bob = await new_member(engine, "ann"), await new_member(engine, "bob", 100)
    poison = submission(AdjustPoints(ann, None, 10), "poison")
    shard = shard_of_member(ann, 64)
    match damage:
        case "missing lot" | "missing lots":
            answered(await engine.submit(submission(AdjustPoints(ann, None, 50), "start")))
            await corrupt(admin_url, "DELETE FROM lots WHERE member_id = $1", ann)
            poison = submission(SpendPoints(ann, None, 50 if damage == "missing lots" else 1), "poison")
        case "stray lot":
            # The very row that the command would write: a unique violation that trying again does not mend.
            expires_at = datetime.now(UTC) + timedelta(days=5)
            poison = submission(AdjustPoints(ann, None, 10, expires_at), "poison", datetime(2026, 1, 2, tzinfo=UTC))
            await corrupt(admin_url, STRAY_LOT, shard, ann, expires_at, datetime(2026, 1, 2, tzinfo=UTC))
        case "stray transaction":
            await corrupt(
                admin_url,
                "INSERT INTO transactions (shard, member_id, sequence, kind, program_version, occurred_at, "
                "recorded_at, source, key_id, actor, trace) "
                "VALUES ($1, $2, 1, 9, 1, now(), now(), '', '', '', '{}')",
                shard,
                ann,
            )
        case "unfit text":
            poison = Submission(AdjustPoints(ann, None, 10), "test", "poison", b"", "half \ud800 a pair")
    neighbours = [submission(SpendPoints(bob, None, 10), f"spend {number}") for number in range(4)]
    outcomes = await engine.submit_group([*neighbours[:2], poison, *neighbours[2:]])
    assert refused(outcomes.pop(2)) == "internal"
    assert [answered(each).sequence for each in outcomes] == [2, 3, 4, 5]
    assert await available_now(database_url, bob) == 60


async def test_histories_have_no_gaps(engine: Engine, database_url: str) -> None:
    """Also where a transaction moves nothing."""
    ann = await new_member(engine, "ann")
    await engine.submit_group([submission(RecordOrder(ann, order(f"o{n}", 50)), f"o{n}") for n in range(5)])
    from jifen.db.connection import connect

    connection = await connect(database_url)
    try:
        assert len(await read_history(connection, ann)) == 5
    finally:
        await connection.close()
