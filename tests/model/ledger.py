"""Reads a ledger on PostgreSQL as it is written, for comparing; and short words for submissions."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime

import asyncpg
import msgspec

from jifen.core.commands import AdjustPoints, Command, RegisterMember
from jifen.core.identity import Identity
from jifen.core.ledger.values import Bucket, MemberState, Movement
from jifen.core.program import ProgramDocument
from jifen.core.redemption.values import Redemption, decode_redemption
from jifen.core.refusal import Refusal
from jifen.db.connection import Connection, connect
from jifen.engine.engine import Engine
from jifen.engine.loading import load_all_usages_of, load_everything, lock_accounts
from jifen.engine.submission import Answer, Outcome, Submission
from jifen.services.verification import verify

encode = msgspec.json.Encoder(order="deterministic").encode


def submission(
    command: Command, key: str, occurred_at: datetime | None = None, payload: bytes | None = None
) -> Submission:
    """A command under a key; its own content is the payload."""
    said = encode([type(command).__name__, command]) if payload is None else payload
    return Submission(command, "test", key, said, "tester", occurred_at)


def answered(outcome: Outcome) -> Answer:
    """The answer of a command that must not be refused."""
    assert isinstance(outcome, Answer), outcome
    return outcome


def refused(outcome: Outcome) -> str:
    """The code of a refusal."""
    assert isinstance(outcome, Refusal), outcome
    return outcome.code


def first_time(outcome: Outcome) -> Answer:
    """The answer without saying whether it is the first time: repetitions must equal it."""
    return msgspec.structs.replace(answered(outcome), duplicate=False)


async def new_member(engine: Engine, name: str, points: int = 0) -> int:
    """A registered member, with points if asked for."""
    command = RegisterMember((Identity("external", name),))
    member = answered(await engine.submit(submission(command, f"register-{name}"))).member_id
    if points:
        answered(await engine.submit(submission(AdjustPoints(member, None, points), f"start-{name}")))
    return member


async def publish(url: str, document: ProgramDocument, since: datetime | None = None) -> None:
    """Make this the next version of the program, in force since an instant (None: now)."""
    connection = await asyncpg.connect(url)
    try:
        content = encode(document)
        await connection.execute(
            "INSERT INTO program_versions (version, applied_at, applied_by, digest, content, source, effective_at) "
            "SELECT coalesce(max(version), 0) + 1, $1, 'test', $2, $3, '', coalesce($4, now()) FROM program_versions",
            datetime.now(UTC),
            hashlib.sha256(content).digest(),
            content.decode(),
            since,
        )
    finally:
        await connection.close()


async def read_members(connection: Connection, members: Sequence[int]) -> dict[int, MemberState]:
    """Everything the tables say of these members."""
    shards = await connection.fetchval("SELECT shards FROM installation")
    locked = await lock_accounts(connection, sorted(members), [], shards)
    await load_everything(connection, locked.states, locked.places, sorted(locked.states), shards)
    await load_all_usages_of(connection, locked.states, locked.places, members, shards)
    return locked.states


async def read_redemptions(connection: Connection, member: int) -> dict[int, Redemption]:
    """The redemptions of a member, by the transaction that asked for each."""
    rows = await connection.fetch(
        "SELECT sequence, content FROM redemptions WHERE member_id = $1 ORDER BY sequence", member
    )
    return {sequence: decode_redemption(content) for sequence, content in rows}


async def read_stock(connection: Connection) -> dict[str, int]:
    """How many pieces of each reward are taken."""
    return dict(await connection.fetch("SELECT reward, taken FROM stocks"))


async def read_history(connection: Connection, member: int) -> list[tuple[bytes, list[Movement]]]:
    """The traces and movements of a member's transactions, in order."""
    traces = await connection.fetch(
        "SELECT sequence, trace FROM transactions WHERE member_id = $1 ORDER BY sequence", member
    )
    movements: dict[int, list[Movement]] = {}
    for sequence, wallet, source, target, lot, amount in await connection.fetch(
        "SELECT sequence, wallet, from_bucket, to_bucket, lot, amount FROM movements WHERE member_id = $1 "
        "ORDER BY sequence, position",
        member,
    ):
        movement = Movement(wallet, Bucket(source), Bucket(target), lot, amount)
        movements.setdefault(sequence, []).append(movement)
    assert [row[0] for row in traces] == list(range(1, len(traces) + 1)), "sequences have no gap"
    return [(trace.encode(), movements.get(sequence, [])) for sequence, trace in traces]


async def available_now(url: str, member: int) -> int:
    """The available points of a member's first wallet, as written."""
    connection = await connect(url)
    try:
        points: int = await connection.fetchval(
            "SELECT available FROM accounts WHERE member_id = $1 AND wallet = 1", member
        )
    finally:
        await connection.close()
    return points


async def count(url: str, query: str, *values: object) -> int:
    """A number from the database."""
    connection = await connect(url)
    try:
        number: int = await connection.fetchval(query, *values)
    finally:
        await connection.close()
    return number


async def check_ledger(url: str) -> None:
    """`jifen verify` finds nothing."""
    report = await verify(url)
    assert report.is_clean, report.findings
