"""Members with a history, written straight into the tables.

One member's history is decided by the core itself; PostgreSQL then multiplies its rows for all members.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

import msgspec

from jifen.core.commands import Command, RecordOrder
from jifen.core.decide import Context, decide
from jifen.core.identity import Identity, shard_of_digest, shard_of_identity, shard_of_member
from jifen.core.ledger.values import MemberState, Transaction
from jifen.core.program import Program
from jifen.core.refusal import Refusal
from jifen.db.connection import Connection
from jifen.engine.references import new_member_state
from jifen.engine.submission import digest_key

#: Members are numbered from here on, so that their numbers have seven digits at every size.
FIRST_MEMBER = 1_000_001
#: Stands for the member's number in keys and order ids of the history.
MEMBER = "@MEMBER@"
SOURCE = "bench/seed"

_SEEDED_MEMBERS = """
CREATE TEMPORARY TABLE seeded AS
SELECT id AS member_id,
       (mod(div(id::numeric * 11400714819323198485, 4294967296), 2147483648)::bigint % $3::bigint)::smallint AS shard
FROM generate_series($1::bigint, $2::bigint) id
"""
_MEMBERS = """
INSERT INTO members (shard, member_id, registered_at, recorded_at)
SELECT shard, member_id, $1::timestamptz, $1::timestamptz FROM seeded
"""
_IDENTITIES = """
INSERT INTO identities (shard, kind, value, member_id, member_shard)
SELECT (('x' || encode(substr(sha256(convert_to('external:' || member_id, 'UTF8')), 1, 4), 'hex'))::bit(32)::bigint
        % $1::bigint)::smallint, 'external', member_id::text, member_id, shard
FROM seeded
"""
_TRANSACTION = """
INSERT INTO transactions (shard, member_id, sequence, kind, program_version, occurred_at, recorded_at, source, key_id,
                          actor, facts, trace)
SELECT shard, member_id, $1::integer, $2::smallint, $3::integer, $4::timestamptz, $5::timestamptz, $6::text,
       replace($7::text, '@MEMBER@', member_id::text), $8::text,
       replace($9::text, '@MEMBER@', member_id::text)::json, $10::json
FROM seeded
"""
_MOVEMENT = """
INSERT INTO movements (shard, member_id, sequence, position, wallet, from_bucket, to_bucket, lot, amount,
                       earned_at, effective_at, expires_at)
SELECT shard, member_id, $1::integer, $2::integer, $3::smallint, $4::smallint, $5::smallint, $6::bigint, $7::bigint,
       $8::timestamptz, $9::timestamptz, $10::timestamptz
FROM seeded
"""
# The namespace, the source and the key are joined by NUL, as jifen.engine.submission does.
_KEY = """
INSERT INTO keys (shard, digest, payload_digest, member_id, sequence)
SELECT ((get_byte(digest, 0) * 256 + get_byte(digest, 1)) % $5::integer)::smallint,
       digest, '\\x0000000000000000'::bytea, member_id, $4::integer
FROM (
    SELECT member_id, substr(sha256(convert_to($1::text, 'UTF8') || '\\x00'::bytea || convert_to($2::text, 'UTF8')
        || '\\x00'::bytea || convert_to(replace($3::text, '@MEMBER@', member_id::text), 'UTF8')), 1, 16) AS digest
    FROM seeded
) keyed
"""
_ACCOUNT = """
INSERT INTO accounts (shard, member_id, wallet, last_sequence, available, pending, held, debt, next_change_at, counters)
SELECT shard, member_id, $1::smallint, $2::integer, $3::bigint, $4::bigint, 0, $5::bigint, $6::timestamptz, $7::json
FROM seeded
"""
_LOT = """
INSERT INTO lots (shard, member_id, wallet, pending, expires_at, earned_at, lot, effective_at, remaining)
SELECT shard, member_id, $1::smallint, $2::boolean, $3::timestamptz, $4::timestamptz, $5::bigint, $6::timestamptz,
       $7::bigint
FROM seeded
"""
_PRIMARY_KEYS = """
SELECT conrelid::regclass::text AS "table", conname AS name, pg_get_constraintdef(oid) AS definition
FROM pg_constraint WHERE contype = 'p' AND conrelid = ANY ($1::text[]::regclass[])
"""
_OTHER_INDEXES = """
SELECT i.indexrelid::regclass::text AS name, pg_get_indexdef(i.indexrelid) AS definition
FROM pg_index i WHERE NOT i.indisprimary AND i.indrelid = ANY ($1::text[]::regclass[])
"""
_TABLES = ["members", "identities", "accounts", "transactions", "movements", "lots", "keys"]


class Step(msgspec.Struct, frozen=True):
    """One command of the history, and when it happened and was recorded."""

    command: Command
    happened_at: datetime


async def seed_members(
    connection: Connection, program: Program, members: int, history: Sequence[Step], shards: int
) -> None:
    """Write so many members, each with this history and the identity `external:NUMBER`. Needs an owner's connection."""
    transactions, state = _decide_history(program, history)
    async with _without_indexes(connection):
        await connection.execute(_SEEDED_MEMBERS, FIRST_MEMBER, FIRST_MEMBER + members - 1, shards)
        await connection.execute(_MEMBERS, history[0].happened_at)
        await connection.execute(_IDENTITIES, shards)
        for transaction, step in zip(transactions, history, strict=True):
            await _write_transaction(connection, transaction)
            await connection.execute(_KEY, "key", SOURCE, transaction.key, transaction.sequence, shards)
            if isinstance(step.command, RecordOrder):
                order_id = step.command.order.order_id
                await connection.execute(_KEY, "order", "", order_id, transaction.sequence, shards)
        await _write_state(connection, state)
        await connection.execute("DROP TABLE seeded")
    await _check_shards(connection, transactions[0].key, shards)
    await connection.execute(f"SELECT setval('member_ids', {FIRST_MEMBER + members}, false)")
    await connection.execute("VACUUM (ANALYZE)")


async def _check_shards(connection: Connection, key: str, shards: int) -> None:
    """The hashes written in SQL above must be those of the core, or nothing seeded would be found."""
    digest = digest_key("key", SOURCE, key.replace(MEMBER, str(FIRST_MEMBER)))
    found = [
        await connection.fetchval("SELECT shard FROM members WHERE member_id = $1", FIRST_MEMBER),
        await connection.fetchval("SELECT shard FROM identities WHERE member_id = $1", FIRST_MEMBER),
        await connection.fetchval("SELECT shard FROM keys WHERE digest = $1", digest),
    ]
    expected = [
        shard_of_member(FIRST_MEMBER, shards),
        shard_of_identity(Identity("external", str(FIRST_MEMBER)), shards),
        shard_of_digest(digest, shards),
    ]
    assert found == expected, f"seeded shards are {found}, not {expected}"


def _decide_history(program: Program, history: Sequence[Step]) -> tuple[list[Transaction], MemberState]:
    """The history of one member. Every step must be exactly one transaction: time alone may do nothing in between."""
    state = new_member_state(FIRST_MEMBER, program)
    transactions: list[Transaction] = []
    for number, step in enumerate(history, 1):
        context = Context(step.happened_at, step.happened_at, SOURCE, f"{MEMBER}-{number}", "bench")
        effects = decide(program, step.command, context, state)
        if isinstance(effects, Refusal):
            raise AssertionError(f"step {number} of the seeded history is refused: {effects.message}")
        assert len(effects.transactions) == 1
        transactions += effects.transactions
        state = effects.states[0]
    return transactions, state


async def _write_transaction(connection: Connection, transaction: Transaction) -> None:
    facts = transaction.facts
    await connection.execute(
        _TRANSACTION,
        transaction.sequence,
        transaction.kind,
        transaction.program_version,
        transaction.occurred_at,
        transaction.recorded_at,
        transaction.source,
        transaction.key,
        transaction.actor,
        None if facts is None else facts.decode(),
        transaction.trace.decode(),
    )
    for position, each in enumerate(transaction.movements):
        terms = each.terms
        instants = (None, None, None) if terms is None else (terms.earned_at, terms.effective_at, terms.expires_at)
        where = (transaction.sequence, position, each.wallet, each.source, each.target, each.lot, each.amount)
        await connection.execute(_MOVEMENT, *where, *instants)


async def _write_state(connection: Connection, state: MemberState) -> None:
    first = min(account.wallet for account in state.accounts)
    for account in state.accounts:
        assert not account.holds, "seeded histories hold nothing"
        await connection.execute(
            _ACCOUNT,
            account.wallet,
            account.last_sequence,
            account.available,
            account.pending,
            account.debt,
            account.next_change_at,
            msgspec.json.encode(state.counters).decode() if account.wallet == first else None,
        )
        for is_pending, lots in ((False, account.lots), (True, account.pending_lots)):
            for lot in lots:
                terms = lot.terms
                row = (terms.expires_at, terms.earned_at, lot.lot, terms.effective_at, lot.remaining)
                await connection.execute(_LOT, account.wallet, is_pending, *row)


@asynccontextmanager
async def _without_indexes(connection: Connection) -> AsyncIterator[None]:
    """Building an index once over all rows is many times faster than keeping it current row by row."""
    keys = await connection.fetch(_PRIMARY_KEYS, _TABLES)
    indexes = await connection.fetch(_OTHER_INDEXES, _TABLES)
    for index in indexes:
        await connection.execute(f"DROP INDEX {index['name']}")
    for key in keys:
        await connection.execute(f"ALTER TABLE {key['table']} DROP CONSTRAINT {key['name']}")
    yield
    for key in keys:
        await connection.execute(f"ALTER TABLE {key['table']} ADD CONSTRAINT {key['name']} {key['definition']}")
    for index in indexes:
        await connection.execute(index["definition"])
