"""The explanation of a transaction: read with what it refers to, and told to an operator or a member."""

from __future__ import annotations

from typing import Any

import msgspec

from jifen.core.identity import shard_of_member
from jifen.core.ledger.values import Bucket, Kind, LotTerms, transaction_id
from jifen.core.refusal import Refusal
from jifen.core.trace import decode_trace
from jifen.core.wording.values import Locale
from jifen.db.connection import Connection
from jifen.db.queries import load_queries
from jifen.services.catalog import Catalog
from jifen.services.explanations.common import Telling
from jifen.services.explanations.drawing import tell_drawing
from jifen.services.explanations.earning import rules_for_member, tell_earning, told_again
from jifen.services.explanations.merging import tell_merging
from jifen.services.explanations.moving import tell_moving
from jifen.services.explanations.outcomes import RuleWords, rule_name, told_rules
from jifen.services.explanations.redeeming import tell_redeeming
from jifen.services.explanations.taking_back import tell_taking_back
from jifen.services.explanations.tiers import tell_tier
from jifen.services.explanations.told import Moved, Told, rate_again
from jifen.services.explanations.words import Reader, Words

_SQL = load_queries("reads")


class FailedRule(msgspec.Struct, frozen=True):
    """A rule that could not be worked out when the event was rated, and so gave nothing."""

    rule: str
    name: str
    words: str


class Explanation(msgspec.Struct, frozen=True):
    """A transaction in words. `rules`: for operators every rule on such events, also those that gave nothing, rated
    again on the facts that were kept; for members those that gave points. `is_reproduced`: whether rating again came
    to what was booked; null where nothing was rated again. `failed`: rules that could not be worked out (operators)."""

    transaction_id: str
    locale: Locale
    reader: Reader
    title: str
    lines: list[str]
    rules: list[RuleWords]
    failed: list[FailedRule]
    is_reproduced: bool | None


def explain(told: Told, locale: Locale, reader: Reader) -> Explanation:
    """Tell a transaction. Depends on nothing but what was kept of it."""
    words = Words(locale, told.program, reader)
    telling = _tell(words, told)
    name = transaction_id(told.member_id, told.sequence)
    if reader == "member":
        rules = rules_for_member(words, told.trace.awards)
        return Explanation(name, locale, reader, telling.title, telling.lines, rules, [], None)
    again = rate_again(told)
    failed = [
        FailedRule(rule, rule_name(words, rule), words.say("outcome_failed", message=words.failure(rule, message)))
        for rule, message in told.trace.failed.items()
    ]
    return Explanation(
        name,
        locale,
        reader,
        telling.title,
        telling.lines + told_again(words, again),
        [] if again is None else told_rules(words, again.rating),
        failed,
        None if again is None else again.is_same,
    )


def _tell(words: Words, told: Told) -> Telling:
    if told.kind is Kind.EARN:
        return tell_earning(words, told)
    if told.kind in (Kind.REVERSE, Kind.CORRECT):
        return tell_taking_back(words, told)
    if told.kind is Kind.MERGE:
        return tell_merging(words, told)
    if told.kind is Kind.TIER:
        return tell_tier(words, told)
    if told.kind in (Kind.REDEEM, Kind.STEP):
        return tell_redeeming(words, told)
    if told.kind is Kind.DRAW:
        return tell_drawing(words, told)
    return tell_moving(words, told)


async def explain_transaction(
    connection: Connection, catalog: Catalog, member_id: int, sequence: int, *, locale: Locale, reader: Reader
) -> Explanation | Refusal:
    """Explain a transaction of the ledger. Needs a snapshot."""
    told = await _read(connection, catalog, member_id, sequence)
    if told is None:
        return Refusal("unknown_transaction", f"There is no transaction {transaction_id(member_id, sequence)}.")
    return explain(told, locale, reader)


async def _read(connection: Connection, catalog: Catalog, member_id: int, sequence: int) -> Told | None:
    key = (shard_of_member(member_id, catalog.shards), member_id, sequence)
    row = await connection.fetchrow(_SQL["transaction"], *key)
    if row is None:
        return None
    movements = await connection.fetch(_SQL["movements"], *key)
    told = await _told(connection, catalog, member_id, row, tuple(_moved(each) for each in movements))
    if told.kind is Kind.MERGE and told.counterpart is not None:
        there, sequence_there = told.counterpart
        opposite = await connection.fetchrow(
            _SQL["transaction"], shard_of_member(there, catalog.shards), there, sequence_there
        )
        told = msgspec.structs.replace(told, opposite=decode_trace(opposite["trace"]))
    if row["refers_to"] is None:
        return told
    key = (key[0], member_id, row["refers_to"])
    origin = await connection.fetchrow(_SQL["transaction"], *key)
    referring = await connection.fetch(_SQL["referring"], *key)
    return msgspec.structs.replace(
        told,
        origin=await _told(connection, catalog, member_id, origin),
        earlier=tuple(decode_trace(each["trace"]) for each in referring if each["sequence"] < sequence),
    )


async def _told(
    connection: Connection, catalog: Catalog, member_id: int, row: Any, movements: tuple[Moved, ...] = ()
) -> Told:
    program = await catalog.program(connection, row["program_version"])
    assert program is not None
    there = row["counterpart_id"]
    return Told(
        member_id=member_id,
        sequence=row["sequence"],
        kind=Kind(row["kind"]),
        program=program,
        occurred_at=row["occurred_at"],
        recorded_at=row["recorded_at"],
        source=row["source"],
        key=row["key_id"],
        actor=row["actor"],
        trace=decode_trace(row["trace"]),
        facts=None if row["facts"] is None else row["facts"].encode(),
        reason=row["reason"],
        movements=movements,
        counterpart=None if there is None else (there, row["counterpart_sequence"]),
    )


def _moved(row: Any) -> Moved:
    terms = LotTerms(row["earned_at"], row["effective_at"], row["expires_at"]) if row["lot"] else None
    return Moved(
        row["position"],
        row["wallet"],
        Bucket(row["from_bucket"]),
        Bucket(row["to_bucket"]),
        row["lot"],
        row["amount"],
        terms,
    )
