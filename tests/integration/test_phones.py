"""Phones of a program with a region: all spellings find one member, and nobody who was found before is lost."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from jifen.core.commands import Command, RecordOrder, RegisterMember, TransferPoints
from jifen.core.identity import Identity
from jifen.core.members.commands import AddIdentities, RemoveIdentities, VerifyIdentities
from jifen.core.orders import Order, OrderLine
from jifen.core.program import check_document
from jifen.core.rules.document import LocalizedText
from jifen.core.rules.faults import InvalidProgram
from jifen.db.connection import connect
from jifen.engine.engine import Engine
from jifen.engine.submission import Answer
from jifen.services.catalog import Catalog
from jifen.services.members import MemberView, find_by_identity, find_member
from jifen.services.segments.catalog import create_segment
from jifen.services.segments.lists import change_list
from tests.databases import DEFAULT_PROGRAM, running_engine
from tests.model.ledger import answered, available_now, check_ledger, count, publish, refused, submission

IN_CHINA = msgspec.structs.replace(DEFAULT_PROGRAM, phone_region="CN")
PLAIN, FULL, WITH_CODE, DIALLED = "13900000001", "+8613900000001", "8613900000001", "008613900000001"


def phone(value: str) -> Identity:
    """A phone as it is written."""
    return Identity("phone", value)


async def do(engine: Engine, command: Command, key: str) -> Answer:
    """What a command that must work does."""
    return answered(await engine.submit(submission(command, key)))


def order(name: str, order_id: str) -> RecordOrder:
    """A hundred yuan by whoever has this phone."""
    return RecordOrder(phone(name), Order(order_id, "CNY", [OrderLine("1", 1, 10_000)]))


async def view(url: str, wanted: Identity | int) -> MemberView | None:
    """A member as reads show it."""
    connection = await connect(url)
    try:
        catalog = Catalog()
        await catalog.refresh(connection)
        if isinstance(wanted, int):
            return await find_member(connection, catalog, wanted)
        return await find_by_identity(connection, catalog, wanted)
    finally:
        await connection.close()


async def identities(url: str, member: int) -> list[str]:
    """What finds a member."""
    found = await view(url, member)
    assert found is not None
    return found.identities


async def test_every_spelling_finds_the_one_member(engine: Engine, database_url: str) -> None:
    """Stored in full; in one batch and in several, by commands and by reads."""
    await publish(database_url, IN_CHINA)
    together = [submission(order(name, name), name) for name in (PLAIN, FULL, WITH_CODE)]
    members = {answered(each).member_id for each in await engine.submit_group(together)}
    members.add((await do(engine, order(DIALLED, "later"), "later")).member_id)
    join = RegisterMember((phone(FULL), phone(PLAIN)), known_is_fine=True)
    members.add((await do(engine, join, "join")).member_id)
    (member,) = members
    assert refused(await engine.submit(submission(RegisterMember((phone(WITH_CODE),)), "again"))) == "identity_taken"
    assert await identities(database_url, member) == [f"phone:{FULL}"]
    for name in (PLAIN, FULL, WITH_CODE, DIALLED):
        found = await view(database_url, phone(name))
        assert found is not None and int(found.member_id) == member
    assert await view(database_url, phone("13900000002")) is None
    assert await available_now(database_url, member) == 400
    await check_ledger(database_url)


async def test_who_was_found_before_is_found(engine: Engine, database_url: str) -> None:
    """A program gets a region later: what was stored in any spelling is found in any, by an engine that was running."""
    plain = (await do(engine, order(PLAIN, "1"), "1")).member_id
    coded = (await do(engine, RegisterMember((phone("8613900000002"),)), "2")).member_id
    assert await view(database_url, phone(FULL)) is None
    await publish(database_url, IN_CHINA)
    assert (await do(engine, order(FULL, "3"), "3")).member_id == plain
    assert (await do(engine, order("13900000002", "4"), "4")).member_id == coded
    again = await do(engine, order(PLAIN, "1"), "1")
    assert (again.duplicate, again.member_id) == (True, plain)
    given = await do(engine, TransferPoints(plain, phone("+8613900000002"), None, 50), "gift")
    assert given.counterpart is not None and given.counterpart[0] == coded
    assert await identities(database_url, plain) == [f"phone:{PLAIN}"]
    found = await view(database_url, phone(FULL))
    assert found is not None and int(found.member_id) == plain
    await check_ledger(database_url)


async def test_nobody_is_merged(engine: Engine, database_url: str) -> None:
    """Two spellings that were two members: each goes on finding its own, and none can be taken."""
    plain = (await do(engine, order(PLAIN, "1"), "1")).member_id
    full = (await do(engine, order(FULL, "2"), "2")).member_id
    assert plain != full
    await publish(database_url, IN_CHINA)
    owners = [
        (await do(engine, order(name, f"to-{name}"), f"to-{name}")).member_id for name in (PLAIN, FULL, WITH_CODE)
    ]
    assert owners == [plain, full, full]
    for name in (PLAIN, WITH_CODE):
        assert refused(await engine.submit(submission(RegisterMember((phone(name),)), f"x{name}"))) == "identity_taken"
    assert [await available_now(database_url, each) for each in (plain, full)] == [200, 300]
    await check_ledger(database_url)


async def test_identities_by_any_spelling(engine: Engine, database_url: str) -> None:
    """Added, verified and removed as the member has them, whichever way they are written."""
    old = (await do(engine, RegisterMember((phone(PLAIN), Identity("card", "1"))), "1")).member_id
    await publish(database_url, IN_CHINA)
    await do(engine, AddIdentities(old, (phone(WITH_CODE), phone("13900000003"))), "add")
    assert await identities(database_url, old) == ["card:1", "phone:+8613900000003", f"phone:{PLAIN}"]
    await do(engine, VerifyIdentities(old, (phone(FULL), phone("008613900000003"))), "verify")
    verified = "SELECT count(*) FROM identities WHERE kind = 'phone' AND verified_at IS NOT NULL"
    assert await count(database_url, verified) == 2
    new = RegisterMember((phone("13900000004"),), verified=(phone("13900000004"),))
    other = (await do(engine, new, "new")).member_id
    assert await count(database_url, verified) == 3
    assert await identities(database_url, other) == ["phone:+8613900000004"]
    assert refused(await engine.submit(submission(AddIdentities(other, (phone(FULL),)), "taken"))) == "identity_taken"
    await do(engine, RemoveIdentities(old, (phone(DIALLED),)), "remove")
    assert await identities(database_url, old) == ["card:1", "phone:+8613900000003"]
    assert (await do(engine, order(PLAIN, "o"), "o")).member_id not in (old, other)


async def test_what_is_let_go_is_free_in_every_spelling(engine: Engine, database_url: str) -> None:
    """Within one batch, too."""
    old = (await do(engine, RegisterMember((phone(PLAIN), Identity("card", "1"))), "1")).member_id
    await publish(database_url, IN_CHINA)
    batch = [
        submission(RemoveIdentities(old, (phone(FULL),)), "remove"),
        submission(RegisterMember((phone(WITH_CODE),)), "join"),
        submission(order(PLAIN, "o"), "o"),
    ]
    _, joined, ordered = map(answered, await engine.submit_group(batch))
    assert joined.member_id == ordered.member_id != old
    assert await identities(database_url, joined.member_id) == [f"phone:{FULL}"]


async def test_two_engines_at_once(engine: Engine, database_url: str) -> None:
    """Each told of somebody new in its own spelling: one member."""
    await publish(database_url, IN_CHINA)
    async with running_engine(database_url, lanes=2) as other:
        for number in range(10):
            plain = f"1390001{number:04}"
            both = await asyncio.gather(
                engine.submit(submission(order(plain, f"a{number}"), f"a{number}")),
                other.submit(submission(order(f"+86{plain}", f"b{number}"), f"b{number}")),
            )
            assert len({answered(each).member_id for each in both}) == 1
    assert await count(database_url, "SELECT count(*) FROM members") == 10
    await check_ledger(database_url)


async def test_lists_of_segments_take_any_spelling(engine: Engine, database_url: str) -> None:
    """Two names of one member are one."""
    await do(engine, order(PLAIN, "1"), "1")
    await publish(database_url, IN_CHINA)
    connection = await connect(database_url)
    try:
        name = LocalizedText("贵宾", "VIPs")
        segment = await create_segment(connection, "vips", name, None, "test")
        change = await change_list(connection, segment, [f"phone:{FULL}", f"phone:{PLAIN}"], adds=True, actor="test")
    finally:
        await connection.close()
    assert (change.changed, change.unknown) == (1, [])


@pytest.mark.parametrize("region", ["China", "cn", "XX", ""])
def test_a_region_is_one_that_exists(region: str) -> None:
    """Told with the field."""
    with pytest.raises(InvalidProgram, match=r"\$\.phone_region is"):
        check_document(msgspec.structs.replace(DEFAULT_PROGRAM, phone_region=region))
