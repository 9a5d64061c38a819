"""From rows to the frozen values that decisions are made on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from jifen.core.calendar import local_day, start_of_day
from jifen.core.identity import (
    Identity,
    find_spelled,
    shard_of_digest,
    shard_of_identity,
    shard_of_member,
    shard_of_name,
    spellings,
)
from jifen.core.ledger.values import (
    Account,
    Deposit,
    Hold,
    Kind,
    Lot,
    LotTerms,
    MemberState,
    MemberStatus,
    Piece,
)
from jifen.core.rules.facts import REGISTERED
from jifen.core.rules.standing import NO_COUNTERS, CounterChange, Counters, counters_on
from jifen.core.tiers.standing import Standing
from jifen.core.trace import decode_trace
from jifen.db.connection import Connection
from jifen.db.locking import LOCK_ACCOUNTS, LOCK_SHARED_USAGES
from jifen.db.queries import load_queries
from jifen.engine.marks import STANDINGS
from jifen.engine.places import Places
from jifen.engine.references import Reference
from jifen.engine.submission import Answer
from jifen.engine.uses import decode_uses

_SQL = load_queries("engine")
_NOTHING_LOADED = (datetime.min.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC), -1)
decode_pieces = msgspec.json.Decoder(tuple[Piece, ...]).decode
#: Shards, member ids and sequences.
ReferenceColumns = tuple[list[int], list[int], list[int]]
decode_counters = msgspec.json.Decoder(Counters).decode


class Locked(msgspec.Struct, frozen=True, gc=False):
    """What a batch has locked: what is known of each member from the account rows alone, and whom the identities find.
    Who is missing does not exist. `version` is the current one of the program; None where nothing was found."""

    states: dict[int, MemberState]
    places: Places
    identities: dict[Identity, int]
    version: int | None


async def lock_accounts(connection: Connection, members: list[int], identities: list[Identity], shards: int) -> Locked:
    """Lock all accounts of these members, named by number or identity."""
    rows = await connection.fetch(
        LOCK_ACCOUNTS,
        [shard_of_member(member, shards) for member in members],
        members,
        [shard_of_identity(identity, shards) for identity in identities],
        [identity.kind for identity in identities],
        [identity.value for identity in identities],
    )
    accounts: dict[int, dict[int, Account]] = {}
    found: dict[Identity, int] = {}
    places = Places()
    counters: dict[int, Counters] = {}
    statuses: dict[int, MemberStatus] = {}
    used: dict[int, dict[str, int]] = {}
    for (
        position,
        place,
        member_id,
        wallet,
        available,
        pending,
        held,
        debt,
        last_sequence,
        next_change_at,
        counted,
        status,
        saved,
        uses,
        marked,
        _,
    ) in rows:
        if status:
            statuses[member_id] = MemberStatus(status)
        if counted is not None:
            counters[member_id] = decode_counters(counted)
        if uses is not None:
            used[member_id] = decode_uses(uses)
        if marked:
            places.marks[member_id] = places.marks.get(member_id, 0) | marked
        places.accounts[member_id, wallet] = place
        if position is not None:
            found[identities[position - 1]] = member_id
        # A member who is named in two ways comes twice.
        accounts.setdefault(member_id, {})[wallet] = Account(
            wallet,
            available,
            pending,
            held,
            debt,
            last_sequence,
            next_change_at,
            (),
            _NOTHING_LOADED if available else None,
            is_complete=not (pending or held or saved),
            saved=saved,
        )
    states = {
        member: _state(
            member,
            list(each.values()),
            counters.get(member, NO_COUNTERS),
            statuses.get(member, MemberStatus.ACTIVE),
            used.get(member, {}),
            None if places.marks.get(member, 0) & STANDINGS else {},
        )
        for member, each in accounts.items()
    }
    return Locked(states, places, found, rows[0]["version"] if rows else None)


def _state(
    member_id: int,
    accounts: list[Account],
    counters: Counters,
    status: MemberStatus,
    used: dict[str, int],
    tiers: dict[str, Standing] | None,
) -> MemberState:
    sequence = max(account.last_sequence for account in accounts)
    return MemberState(member_id, sequence, tuple(accounts), counters=counters, used=used, status=status, tiers=tiers)


def with_beside(state: MemberState, counters: str | None, uses: str | None) -> MemberState:
    """A member with what stands on the account of the lowest number besides."""
    return msgspec.structs.replace(
        state,
        counters=NO_COUNTERS if counters is None else decode_counters(counters),
        used={} if uses is None else decode_uses(uses),
    )


async def load_earned(
    connection: Connection,
    states: dict[int, MemberState],
    members: Iterable[int],
    wallet: int,
    since: datetime,
    shards: int,
) -> None:
    """Put into these members' states what they earned in a wallet since an instant, less what was taken back."""
    wanted = list(members)
    keys = ([shard_of_member(member, shards) for member in wanted], wanted)
    earned = dict(await connection.fetch(_SQL["load_earned"], *keys, wallet, since))
    for member in wanted:
        states[member] = msgspec.structs.replace(states[member], earned_this_year=earned.get(member, 0))


async def load_all_usages(connection: Connection, states: dict[int, MemberState], places: Places, shards: int) -> None:
    """Put everything that these members ever used of caps into their states, which have what is on their accounts."""
    keys = ([shard_of_member(member, shards) for member in states], list(states))
    used: dict[int, dict[str, int]] = {}
    for member_id, name, number, place in await connection.fetch(_SQL["load_all_usages"], *keys):
        places.usages[member_id, name] = place
        used.setdefault(member_id, {})[name] = number
    for member_id, numbers in used.items():
        states[member_id] = msgspec.structs.replace(states[member_id], used={**states[member_id].used, **numbers})


async def load_counters_then(
    connection: Connection, states: dict[int, MemberState], wanted: Mapping[int, set[date]], zone: ZoneInfo, shards: int
) -> None:
    """Put the counters as they stood on these local days into the states of these members."""
    rows = await connection.fetch(
        _SQL["load_counter_changes"],
        [shard_of_member(member, shards) for member in wanted],
        list(wanted),
        [start_of_day(max(days) + timedelta(days=1), zone) for days in wanted.values()],
    )
    changes: dict[int, list[CounterChange]] = {}
    for member_id, what, happened_at, at, cents in rows:
        change = CounterChange(what, local_day(happened_at, zone), local_day(at, zone), cents)
        changes.setdefault(member_id, []).append(change)
    for member, days in wanted.items():
        then = {day: counters_on(changes.get(member, ()), day) for day in days}
        states[member] = msgspec.structs.replace(states[member], counters_then=then)


async def lock_shared_usages(connection: Connection, names: set[str], shards: int) -> dict[str, int]:
    """Lock what all members together used of caps, by usage name."""
    wanted = sorted(names)
    keys = ([shard_of_name(name, shards) for name in wanted], wanted)
    rows = await connection.fetch(LOCK_SHARED_USAGES, *keys)
    if len(rows) < len(wanted):
        await connection.execute(_SQL["begin_shared_usages"], *keys)
        rows = await connection.fetch(LOCK_SHARED_USAGES, *keys)
    return dict(rows)


async def find_identities(
    connection: Connection, identities: Iterable[Identity], shards: int, region: str | None
) -> dict[Identity, int]:
    """Whom these identities find in any of their spellings, without locking anything. `region`: the program's, for
    phones."""
    asked = list(identities)
    wanted = list(dict.fromkeys(spelled for identity in asked for spelled in spellings(identity, region)))
    rows = await connection.fetch(
        _SQL["find_identities"],
        [shard_of_identity(identity, shards) for identity in wanted],
        [identity.kind for identity in wanted],
        [identity.value for identity in wanted],
    )
    stored = {Identity(kind, value): member_id for kind, value, member_id in rows}
    return {each: found for each in asked if (found := find_spelled(each, stored, region)) is not None}


async def load_all_usages_of(
    connection: Connection, states: dict[int, MemberState], places: Places, members: Iterable[int], shards: int
) -> None:
    """Put everything that these members ever used of caps into their states."""
    wanted = {member: states[member] for member in members}
    await load_all_usages(connection, wanted, places, shards)
    states |= wanted


class FoundKey(msgspec.Struct, frozen=True, gc=False):
    """A key that was claimed before."""

    payload: bytes
    member_id: int
    sequence: int


async def find_keys(connection: Connection, digests: list[bytes], shards: int) -> dict[bytes, FoundKey]:
    """Those of these keys that were claimed before."""
    rows = await connection.fetch(_SQL["find_keys"], [shard_of_digest(digest, shards) for digest in digests], digests)
    return {digest: FoundKey(payload, member_id, sequence) for digest, payload, member_id, sequence in rows}


async def load_first_lots(
    connection: Connection, states: dict[int, MemberState], places: Places, wanted: dict[int, int], shards: int
) -> None:
    """Put the lots that are spent first into the states of the wanted members: so many of each wallet."""
    columns = [
        (shard_of_member(member, shards), member, account.wallet, most)
        for member, most in wanted.items()
        for account in states[member].accounts
        if account.available
    ]
    if not columns:
        return
    rows = await connection.fetch(_SQL["load_first_lots"], *(list(column) for column in zip(*columns, strict=True)))
    lots: dict[tuple[int, int], list[Lot]] = {}
    for member_id, wallet, lot, place, remaining, earned_at, effective_at, expires_at in rows:
        places.lots[member_id, wallet, False, lot] = place
        lots.setdefault((member_id, wallet), []).append(
            Lot(lot, LotTerms(earned_at, effective_at, expires_at), remaining)
        )
    for member, most in wanted.items():
        state = states[member]
        accounts = tuple(
            _with_first_lots(account, lots.get((member, account.wallet), []), most) if account.available else account
            for account in state.accounts
        )
        states[member] = msgspec.structs.replace(state, accounts=accounts)


def _with_first_lots(account: Account, lots: list[Lot], most: int) -> Account:
    horizon = lots[-1].order if len(lots) == most else None
    return msgspec.structs.replace(account, lots=tuple(lots), horizon=horizon)


async def load_everything(
    connection: Connection, states: dict[int, MemberState], places: Places, members: Iterable[int], shards: int
) -> None:
    """Put all open lots, holds and savings into the states of these members."""
    wanted = list(members)
    keys = ([shard_of_member(member, shards) for member in wanted], wanted)
    available: dict[tuple[int, int], list[Lot]] = {}
    pending: dict[tuple[int, int], list[Lot]] = {}
    for (
        member_id,
        wallet,
        is_pending,
        lot,
        place,
        remaining,
        earned_at,
        effective_at,
        expires_at,
    ) in await connection.fetch(_SQL["load_all_lots"], *keys):
        places.lots[member_id, wallet, is_pending, lot] = place
        (pending if is_pending else available).setdefault((member_id, wallet), []).append(
            Lot(lot, LotTerms(earned_at, effective_at, expires_at), remaining)
        )
    holds = await _holds_of(connection, keys)
    deposits: dict[tuple[int, int], list[Deposit]] = {}
    if any(account.saved for member in wanted for account in states[member].accounts):
        for member_id, sequence, wallet, expires_at, pieces in await connection.fetch(_SQL["load_savings"], *keys):
            deposit = Deposit(sequence, wallet, expires_at, decode_pieces(pieces))
            deposits.setdefault((member_id, wallet), []).append(deposit)
    for member in wanted:
        state = states[member]
        accounts = tuple(
            msgspec.structs.replace(
                account,
                lots=tuple(available.get((member, account.wallet), ())),
                horizon=None,
                pending_lots=tuple(pending.get((member, account.wallet), ())),
                holds=tuple(holds.get((member, account.wallet), ())),
                is_complete=True,
                deposits=tuple(deposits.get((member, account.wallet), ())),
            )
            for account in state.accounts
        )
        states[member] = msgspec.structs.replace(state, accounts=accounts)


async def load_holds(
    connection: Connection, states: dict[int, MemberState], members: Iterable[int], shards: int
) -> None:
    """Put all open holds into the states of these members, and nothing else."""
    wanted = list(members)
    holds = await _holds_of(connection, ([shard_of_member(member, shards) for member in wanted], wanted))
    for member in wanted:
        accounts = tuple(
            msgspec.structs.replace(account, holds=tuple(holds.get((member, account.wallet), ())))
            for account in states[member].accounts
        )
        states[member] = msgspec.structs.replace(states[member], accounts=accounts)


async def _holds_of(connection: Connection, keys: tuple[list[int], list[int]]) -> dict[tuple[int, int], list[Hold]]:
    holds: dict[tuple[int, int], list[Hold]] = {}
    for member_id, sequence, wallet, expires_at, pieces in await connection.fetch(_SQL["load_holds"], *keys):
        holds.setdefault((member_id, wallet), []).append(Hold(sequence, wallet, expires_at, decode_pieces(pieces)))
    return holds


def columns_of(references: Iterable[Reference], shards: int) -> ReferenceColumns:
    """Shards, member ids and sequences, as the statements take them."""
    wanted = list(references)
    return (
        [shard_of_member(member, shards) for member, _ in wanted],
        [member for member, _ in wanted],
        [sequence for _, sequence in wanted],
    )


async def load_answers(connection: Connection, references: Iterable[Reference], shards: int) -> dict[Reference, Answer]:
    """What the commands behind these transactions were answered."""
    rows = await connection.fetch(_SQL["load_transactions"], *columns_of(references, shards))
    return {(row["member_id"], row["sequence"]): _answer(row) for row in rows}


async def load_welcomes(connection: Connection, members: Iterable[int], shards: int) -> dict[int, Answer]:
    """What the registrations of these members were answered, where a rule rewarded them: by their first transaction."""
    keys = columns_of([(member, 1) for member in members], shards)
    rows = await connection.fetch(_SQL["load_transactions"], *keys)
    return {row["member_id"]: _answer(row) for row in rows if _is_welcome(row["facts"])}


def _is_welcome(facts: str | None) -> bool:
    return facts is not None and _decode_event(facts).event == REGISTERED


class _EventName(msgspec.Struct, gc=False):
    """As much of what is kept of an event as says which one it was; orders say nothing."""

    event: str = ""


_decode_event = msgspec.json.Decoder(_EventName).decode


def _answer(row: Any) -> Answer:
    counterpart = (row["counterpart_id"], row["counterpart_sequence"])
    return Answer(
        row["member_id"],
        row["sequence"],
        True,
        decode_trace(row["trace"]),
        Kind(row["kind"]),
        row["program_version"],
        row["occurred_at"],
        row["recorded_at"],
        None if counterpart[0] is None else counterpart,
        row["refers_to"],
    )
