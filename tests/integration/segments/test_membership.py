"""Segments in rules: lists and conditions hold at the moment of each event."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from jifen.core.commands import RecordEvent, RecordOrder, RefundOrder, RegisterMember, SetProfile
from jifen.core.identity import Identity
from jifen.core.members.commands import MergeMembers, UndoMerge
from jifen.core.orders import Order, OrderLine, OrderRefund, ReturnedLine
from jifen.core.program import EarningRule, LocalizedText, ProgramDocument, Ratio
from jifen.core.rules.document import Cap, MemberField
from jifen.core.rules.standing import Profile
from jifen.db.connection import Connection, connect
from jifen.engine.engine import Engine
from jifen.services.segments.catalog import (
    InvalidSegment,
    InvalidSegmentCondition,
    SegmentExists,
    SegmentInUse,
    UnknownSegment,
    change_segment,
    create_segment,
    delete_segment,
    find_segment,
    program_of,
    users_of,
)
from jifen.services.segments.lists import SegmentNotAList, change_list
from jifen.services.segments.previews import preview_segment
from tests.databases import DEFAULT_PROGRAM
from tests.model.ledger import answered, available_now, check_ledger, new_member, publish, submission

NAME = LocalizedText("分群", "Segment")
BASE = EarningRule("base", "points", Ratio(1, 100))
VIP = EarningRule("vip", "points", fixed=1000, when='"vip" in member.segments')
LOYAL = EarningRule("loyal", "points", fixed=7, audience='"loyal" in member.segments')


def program(*rules: EarningRule, **more: object) -> ProgramDocument:
    """The program of the tests with other rules."""
    return msgspec.structs.replace(DEFAULT_PROGRAM, earning=list(rules), **more)


def order(order_id: str, cents: int = 10_000) -> Order:
    """An order of one piece."""
    return Order(order_id, "CNY", [OrderLine("1", 1, cents)])


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[Connection]:
    """A connection beside the engine."""
    connection = await connect(database_url)
    yield connection
    await connection.close()


async def test_lists_hold_from_the_next_event_on(engine: Engine, database_url: str, connection: Connection) -> None:
    """Who is put on a list earns as such with the next order; taken off, no more. A refund rates by what held then."""
    await publish(database_url, program(BASE, VIP))
    vip = await create_segment(connection, "vip", NAME, None, "test")
    ann, bob = await new_member(engine, "ann"), await new_member(engine, "bob")
    change = await change_list(
        connection, vip, [str(ann), "external:ann", "external:nobody", "7"], adds=True, actor="t"
    )
    assert (change.changed, change.unchanged, change.unknown) == (1, 0, ["external:nobody", "7"])
    again = await change_list(connection, vip, ["external:ann"], adds=True, actor="t")
    assert (again.changed, again.unchanged) == (0, 1)
    for number, member in enumerate((ann, bob)):
        answered(await engine.submit(submission(RecordOrder(member, order(f"a{number}")), f"a{number}")))
    assert (await available_now(database_url, ann), await available_now(database_url, bob)) == (1100, 100)
    # What is said of a member does not push aside the lists.
    outcomes = await engine.submit_group(
        [
            submission(SetProfile(ann, Profile(segments=["said"])), "say"),
            submission(RecordOrder(ann, order("a2")), "a2"),
        ]
    )
    trace = answered(outcomes[1]).trace
    assert trace is not None and trace.member is not None and trace.member.segments == ["said", "vip"]
    removed = await change_list(connection, vip, ["external:ann", "external:bob"], adds=False, actor="t")
    assert (removed.changed, removed.unchanged) == (1, 1)
    answered(await engine.submit(submission(RecordOrder(ann, order("a3")), "a3")))
    assert await available_now(database_url, ann) == 2300
    refund = OrderRefund("a0", "r", [ReturnedLine("1", 1)])
    answered(await engine.submit(submission(RefundOrder(ann, refund), "r")))
    assert await available_now(database_url, ann) == 1200
    await check_ledger(database_url)


async def test_lists_move_with_a_merge_and_come_back(engine: Engine, connection: Connection) -> None:
    """The survivor is on the lists of both; undone, each is on their own, but where the shop took the survivor off."""
    names = {"mine": ["ann"], "theirs": ["bob"], "both": ["ann", "bob"], "left": ["bob"]}
    members = [await new_member(engine, name) for name in ("ann", "bob")]
    for segment_id, listed in names.items():
        segment = await create_segment(connection, segment_id, NAME, None, "test")
        await change_list(connection, segment, [f"external:{name}" for name in listed], adds=True, actor="t")

    async def lists() -> list[list[str]]:
        rows = await connection.fetch("SELECT member_id, segment_id FROM segment_members ORDER BY segment_id")
        return [[row["segment_id"] for row in rows if row["member_id"] == member] for member in members]

    assert await lists() == [["both", "mine"], ["both", "left", "theirs"]]
    merged = answered(await engine.submit(submission(MergeMembers(*members), "merge")))
    assert await lists() == [["both", "left", "mine", "theirs"], []]
    left = await find_segment(connection, "left")
    await change_list(connection, left, ["external:bob"], adds=False, actor="t")
    answered(await engine.submit(submission(UndoMerge(members[0], merged.sequence), "undo")))
    assert await lists() == [["both", "mine"], ["both", "theirs"]]


async def test_conditions_hold_as_of_each_event(engine: Engine, database_url: str, connection: Connection) -> None:
    """Within one batch the third order finds two before it: the condition is asked for each event anew."""
    await publish(database_url, program(BASE, LOYAL))
    await create_segment(connection, "loyal", NAME, "member.orders >= 2 && balance.points > 100", "test")
    ann = await new_member(engine, "ann")
    orders = [submission(RecordOrder(ann, order(f"o{number}")), f"o{number}") for number in range(4)]
    outcomes = [answered(each) for each in await engine.submit_group(orders)]
    rules = [[award.rule for award in each.trace.awards] for each in outcomes if each.trace]
    assert rules == [["base"], ["base"], ["base", "loyal"], ["base", "loyal"]]
    await change_segment(connection, "loyal", None, "member.orders >= 100", "test")
    answered(await engine.submit(submission(RecordOrder(ann, order("o4")), "o4")))
    assert await available_now(database_url, ann) == 514
    selected = await find_segment(connection, "loyal")
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        preview = await preview_segment(connection, await program_of(connection), selected, datetime.now(UTC), limit=5)
    assert (preview.count, preview.evaluated_by) == (0, "sql")
    await check_ledger(database_url)


async def test_a_late_order_is_asked_by_its_own_day(engine: Engine, database_url: str, connection: Connection) -> None:
    """`member.days_since_registration` counts to the day of the order, not to today."""
    await publish(database_url, program(BASE, LOYAL), datetime(2026, 1, 1, tzinfo=UTC))
    await create_segment(connection, "loyal", NAME, "member.days_since_registration >= 10", "test")
    registered = datetime.now(UTC) - timedelta(days=20)
    command = RegisterMember((Identity("external", "ann"),))
    ann = answered(await engine.submit(submission(command, "join", registered))).member_id
    early = submission(RecordOrder(ann, order("early")), "early", registered + timedelta(days=3))
    late = submission(RecordOrder(ann, order("late")), "late", registered + timedelta(days=15))
    for each in (early, late):
        answered(await engine.submit(each))
    assert await available_now(database_url, ann) == 100 + 107


async def test_who_joins_is_asked_as_well(engine: Engine, database_url: str, connection: Connection) -> None:
    """A new member, registered by name or by the first order, is in condition segments; and a budget of a welcome rule
    is kept by all registrations together."""
    welcome = EarningRule(
        "welcome",
        "points",
        fixed=10,
        event="member.registered",
        when='"fresh" in member.segments',
        caps=[Cap("points", 25, per="program")],
    )
    first = EarningRule("first", "points", fixed=3, when='"fresh" in member.segments')
    await publish(database_url, program(BASE, welcome, first))
    await create_segment(connection, "fresh", NAME, "member.orders == 0 && balance.points == 0", "test")
    joined = [
        answered(await engine.submit(submission(RegisterMember((Identity("external", name),)), name))).member_id
        for name in ("ann", "bob", "cho", "dan")
    ]
    assert [await available_now(database_url, member) for member in joined] == [10, 10, 5, 0]
    eve = Identity("external", "eve")
    outcome = answered(await engine.submit(submission(RecordOrder(eve, order("e")), "e")))
    assert await available_now(database_url, outcome.member_id) == 103
    checkin = answered(await engine.submit(submission(RecordEvent(eve, "member.checked_in"), "c")))
    assert checkin.trace is not None and checkin.trace.awards == []
    await check_ledger(database_url)


async def test_what_makes_no_sense_is_refused(engine: Engine, database_url: str, connection: Connection) -> None:
    """Each with its own code; a segment that something asks for stays."""
    await publish(database_url, program(BASE, VIP))
    await create_segment(connection, "vip", NAME, None, "test")
    with pytest.raises(SegmentExists):
        await create_segment(connection, "vip", NAME, "true", "test")
    for wrong in ("Vip", "", "a" * 41, "preview", "vip;"):
        with pytest.raises(InvalidSegment):
            await create_segment(connection, wrong, NAME, None, "test")
    with pytest.raises(InvalidSegment):
        await create_segment(connection, "x", LocalizedText("", "x"), None, "test")
    with pytest.raises(InvalidSegmentCondition, match=r"balance\.points"):
        await create_segment(connection, "x", NAME, "balance.point > 3", "test")
    with pytest.raises(InvalidSegmentCondition):
        await create_segment(connection, "x", NAME, "order.total_cents > 3", "test")
    with pytest.raises(InvalidSegment):
        await change_segment(connection, "vip", None, "true", "test")
    conditional = await create_segment(connection, "both", NAME, '"vip" in member.segments', "test")
    with pytest.raises(SegmentNotAList):
        await change_list(connection, conditional, ["1"], adds=True, actor="t")
    assert await users_of(connection, "vip") == ["rule vip of version 2", "segment both"]
    with pytest.raises(SegmentInUse, match="rule vip of version 2"):
        await delete_segment(connection, "vip")
    await publish(database_url, program(BASE))
    await delete_segment(connection, "both")
    ann = await new_member(engine, "ann")
    await change_list(connection, await find_segment(connection, "vip"), [str(ann)], adds=True, actor="t")
    await delete_segment(connection, "vip")
    assert await connection.fetchval("SELECT count(*) FROM segment_members") == 0
    with pytest.raises(UnknownSegment):
        await find_segment(connection, "vip")


async def test_conditions_ask_for_lists_only(engine: Engine, database_url: str, connection: Connection) -> None:
    """A condition sees no segments by condition, its own among them: one that asks for them would find nobody there."""
    await publish(database_url, program(BASE))
    await create_segment(connection, "friends", NAME, None, "test")
    await create_segment(connection, "gold", NAME, "member.orders > 3", "test")
    for asked in ("gold", "mine"):
        with pytest.raises(InvalidSegment, match=f"asks for {asked}, but sees lists only") as refused:
            await create_segment(connection, "mine", NAME, f'"{asked}" in member.segments', "test")
        assert refused.value.details["pointer"] == "/condition" and asked in str(refused.value.message_zh)
    # Lists, and what is not saved as yet, may be asked for; a text beside another fact is no segment.
    fine = 'member.tier == "gold" && ("friends" in member.segments || "later" in member.segments)'
    await create_segment(connection, "mine", NAME, fine, "test")
    with pytest.raises(InvalidSegment, match="asks for mine"):
        await change_segment(connection, "mine", None, '!("mine" in member.segments)', "test")
    with pytest.raises(InvalidSegment, match="condition of mine asks for later") as refused:
        await create_segment(connection, "later", NAME, "true", "test")
    assert refused.value.details["pointer"] == "/condition"
    assert (await find_segment(connection, "mine")).condition == fine
    assert (await create_segment(connection, "later", NAME, None, "test")).kind == "list"


async def test_two_conditions_that_ask_for_each_other_are_not_saved_at_once(
    engine: Engine, database_url: str, connection: Connection
) -> None:
    """Whoever comes second sees what the first has saved, though both began before either had ended."""
    await publish(database_url, program(BASE))
    other = await connect(database_url)
    try:
        for number in range(10):
            one, two = f"one{number}", f"two{number}"
            made = await asyncio.gather(
                create_segment(connection, one, NAME, f'"{two}" in member.segments', "test"),
                create_segment(other, two, NAME, f'"{one}" in member.segments', "test"),
                return_exceptions=True,
            )
            assert sorted(type(each).__name__ for each in made) == ["InvalidSegment", "Segment"]
    finally:
        await other.close()


async def test_a_condition_that_a_later_version_cannot_read_holds_nobody(
    engine: Engine, database_url: str, connection: Connection
) -> None:
    """A field that went with its version: the segment says so where it is asked, and events go on."""
    fields = [MemberField("size", "int")]
    await publish(database_url, program(BASE, LOYAL, fields=fields))
    await create_segment(connection, "loyal", NAME, "member.fields.size == 0", "test")
    ann = await new_member(engine, "ann")
    answered(await engine.submit(submission(RecordOrder(ann, order("1")), "1")))
    await publish(database_url, program(BASE, LOYAL))
    answered(await engine.submit(submission(RecordOrder(ann, order("2")), "2")))
    assert await available_now(database_url, ann) == 207
    with pytest.raises(InvalidSegmentCondition):
        await preview_segment(
            connection,
            await program_of(connection),
            await find_segment(connection, "loyal"),
            datetime.now(UTC),
            limit=1,
        )
