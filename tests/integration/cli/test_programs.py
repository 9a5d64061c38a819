"""Versions of the program in a real database (`services/programs.py`): numbered, never changed, never contradictory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from jifen.core.commands import RecordOrder
from jifen.core.identity import Identity
from jifen.core.orders import Order, OrderLine
from jifen.core.program import InvalidProgram
from jifen.db.connection import Connection, connect
from jifen.engine.submission import Answer, Submission
from jifen.services.programs import (
    AppliedProgram,
    ProgramChangeRefused,
    UnknownProgramVersion,
    apply_program,
    current_program,
    program_version,
    program_versions,
    read_program_text,
)
from tests.databases import running_engine

STARTER = read_program_text("starter")
SECOND_WALLET = STARTER.replace("earning:", "  - id: partner\n    name: {zh: 伙伴积分, en: Partner points}\nearning:")


@pytest_asyncio.fixture
async def connection(bare_database_url: str) -> AsyncIterator[Connection]:
    """A connection in the application's role to a database without a program."""
    connection = await connect(bare_database_url)
    try:
        yield connection
    finally:
        await connection.close()


async def record_order(url: str, program_wallet_currency: str = "CNY") -> Answer:
    """One order of a new member, through the engine."""
    async with running_engine(url, lanes=1) as engine:
        order = Order("1", program_wallet_currency, [OrderLine("1", 1, 10_000)])
        command = RecordOrder(Identity("external", "1"), order)
        answer = await engine.submit(Submission(command, "test", "1", b"1", "test"))
    assert isinstance(answer, Answer)
    return answer


async def test_a_database_begins_without_a_program(connection: Connection) -> None:
    """Asking is no error; showing one is."""
    assert await current_program(connection) is None
    assert await program_versions(connection) == []
    with pytest.raises(UnknownProgramVersion, match="jifen program apply"):
        await program_version(connection)


async def test_versions_are_numbered_and_going_back_makes_a_new_one(connection: Connection) -> None:
    """What counts is the newest version: the same as before it is a change again."""
    changed = STARTER.replace("pending_days: 0", "pending_days: 7")
    texts = [STARTER, STARTER, f"# another comment\n{STARTER}", changed, STARTER]
    applied = [await apply_program(connection, text, "test") for text in texts]
    assert applied == [
        AppliedProgram(1, True),
        AppliedProgram(1, False),
        AppliedProgram(1, False),
        AppliedProgram(2, True),
        AppliedProgram(3, True),
    ]
    assert (await program_version(connection, 2)).source == changed
    program = await current_program(connection)
    assert program is not None
    assert program.version == 3


async def test_wallets_are_added_but_do_not_disappear(connection: Connection) -> None:
    """A wallet keeps its number for ever; without it, points that members hold would be nowhere."""
    await apply_program(connection, STARTER, "test")
    await apply_program(connection, SECOND_WALLET, "test")
    program = await current_program(connection)
    assert program is not None
    assert program.wallet_numbers == {"points": 1, "partner": 2}
    with pytest.raises(ProgramChangeRefused, match=r"\$\.wallets lacks partner"):
        await apply_program(connection, STARTER, "test")


async def test_a_member_from_before_can_use_a_wallet_that_came_later(
    connection: Connection, bare_database_url: str
) -> None:
    """The account is made when it is first needed."""
    await apply_program(connection, STARTER, "test")
    first = await record_order(bare_database_url)
    moved = SECOND_WALLET.replace("wallet: points", "wallet: partner")
    await apply_program(connection, moved, "test")
    async with running_engine(bare_database_url, lanes=1) as engine:
        order = Order("2", "CNY", [OrderLine("1", 1, 500)])
        answer = await engine.submit(Submission(RecordOrder(first.member_id, order), "test", "2", b"2", "test"))
    assert isinstance(answer, Answer)
    balances = await connection.fetch("SELECT wallet, available FROM balances ORDER BY wallet DESC")
    assert [tuple(row) for row in balances] == [("points", 100), ("partner", 5)]


@pytest.mark.parametrize(
    ("good", "bad"), [("currency: CNY", "currency: EUR"), ("time_zone: Asia/Shanghai", "time_zone: Asia/Tokyo")]
)
async def test_currency_and_time_zone_are_fixed_once_there_are_members(
    connection: Connection, bare_database_url: str, good: str, bad: str
) -> None:
    """Before the first member a slip can still be mended."""
    changed = STARTER.replace(good, bad)
    await apply_program(connection, changed, "test")
    assert (await apply_program(connection, STARTER, "test")).version == 2
    await record_order(bare_database_url)
    with pytest.raises(ProgramChangeRefused, match=r"cannot change once there are members"):
        await apply_program(connection, changed, "test")
    assert len(await program_versions(connection)) == 2


async def test_a_wrong_file_changes_nothing(connection: Connection) -> None:
    """And says what it is called."""
    with pytest.raises(InvalidProgram, match=r"^shop\.yaml, line 4: \$\.currency"):
        await apply_program(connection, STARTER.replace("CNY", "yuan"), "test", "shop.yaml")
    assert await program_versions(connection) == []


async def test_two_who_apply_at_once_make_two_versions(bare_database_url: str) -> None:
    """No version is lost or made twice, and the same file from many hands makes one (I-02)."""

    async def apply(text: str) -> AppliedProgram:
        connection = await connect(bare_database_url)
        try:
            return await apply_program(connection, text, "test")
        finally:
            await connection.close()

    same = await asyncio.gather(*(apply(STARTER) for _ in range(4)))
    assert sorted(each.version for each in same) == [1, 1, 1, 1]
    assert sum(each.is_new for each in same) == 1
    texts = [STARTER.replace("pending_days: 0", f"pending_days: {days}") for days in (1, 2, 3)]
    versions = await asyncio.gather(*(apply(text) for text in texts))
    assert sorted(each.version for each in versions) == [2, 3, 4]
