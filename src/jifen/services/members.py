"""Members and their balances, as they stand now or stood at an instant."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec

from jifen.core.commands import SettleMember
from jifen.core.decide import Context, decide
from jifen.core.identity import Identity, shard_of_member
from jifen.core.ledger.values import Account, Bucket, Deposit, Hold, Lot, LotTerms, MemberState, Piece
from jifen.core.limits import NEVER
from jifen.core.members.person import NOBODY_KNOWN, Address, Person, missing_fields
from jifen.core.program import MemberPolicy, Program
from jifen.core.refusal import Refusal
from jifen.core.rules.standing import NO_PROFILE, Profile
from jifen.core.trace import decode_trace
from jifen.db.connection import Connection
from jifen.db.queries import load_queries
from jifen.engine.loading import find_identities, load_everything
from jifen.engine.places import Places
from jifen.services.catalog import NO_PROGRAM, Catalog
from jifen.services.tiers.standings import TierView, tiers_of

_SQL = load_queries("reads")
_MEMBER_ID = re.compile(r"[1-9][0-9]{0,18}")
_TRANSACTION_ID = re.compile(r"([1-9][0-9]{0,18})-([1-9][0-9]{0,9})")
_decode_profile = msgspec.json.Decoder(Profile).decode
_decode_person = msgspec.json.Decoder(Person).decode
LARGEST_MEMBER_ID = 2**63 - 1
LARGEST_SEQUENCE = 2**31 - 1
READER = "jifen:read"


class IdentityView(msgspec.Struct, frozen=True):
    """An identity (`kind:value`), and when and by whom it was verified; null: not yet. `added_at` null: with the
    registration."""

    identity: str
    added_at: datetime | None
    verified_at: datetime | None
    verified_by: str | None


class PersonView(msgspec.Struct, frozen=True):
    """What is known of a person. `missing_fields`: what the program requires and nobody has said yet."""

    name: str
    gender: str
    birthday: str | None
    channel: str
    language: str
    address: Address
    tier: str
    tags: list[str]
    fields: dict[str, bool | int | str]
    missing_fields: list[str]


class MemberView(msgspec.Struct, frozen=True, omit_defaults=True):
    """A member, and the identities that find them (`kind:value`). `merged_into`: who survived, of a merged member.
    `last_active_at`: when the last transaction was recorded that time did not make by itself; `is_dormant`: that is
    longer ago than the program's `members.dormant_days`."""

    member_id: str
    status: str
    registered_at: datetime
    recorded_at: datetime
    identities: list[str]
    identity_states: list[IdentityView]
    person: PersonView
    last_active_at: datetime | None = None
    is_dormant: bool = False
    merged_into: str | None = None
    household_id: str | None = None
    tiers: list[TierView] = []


class MemberChange(msgspec.Struct, frozen=True, omit_defaults=True):
    """A step in the life of a member: what, who did it, and why. `status`: the member's after it."""

    kind: str
    status: str
    recorded_at: datetime
    actor: str
    reason: str | None = None
    details: dict[str, Any] | None = None


class MemberChanges(msgspec.Struct, frozen=True):
    """What became of a member beside the points, newest first; the last hundred."""

    changes: list[MemberChange]


class MemberList(msgspec.Struct, frozen=True):
    """The members that were found."""

    members: list[MemberView]


class ExpiringPoints(msgspec.Struct, frozen=True):
    """Points (available or pending) that end at an instant if they are not spent before."""

    expires_at: datetime
    points: int


class WalletView(msgspec.Struct, frozen=True, omit_defaults=True):
    """The buckets of a wallet, in points, and when how many of them expire, soonest first; the same of what is saved
    in the points bank (left out: nothing)."""

    available: int
    pending: int
    held: int
    debt: int
    next_expiries: list[ExpiringPoints]
    saved: int = 0
    saved_expiries: list[ExpiringPoints] = []


class BalancesView(msgspec.Struct, frozen=True):
    """What a member has in each wallet, as of an instant."""

    member_id: str
    as_of: datetime
    balances: dict[str, WalletView]


def parse_member_id(text: str) -> int | None:
    """A member's number, or None where no member can have it."""
    number = int(text) if _MEMBER_ID.fullmatch(text) else 0
    return number if 0 < number <= LARGEST_MEMBER_ID else None


def parse_transaction_id(text: str) -> tuple[int, int] | None:
    """Member and sequence of a transaction or hold, or None where there can be none."""
    found = _TRANSACTION_ID.fullmatch(text)
    if found is None:
        return None
    member_id, sequence = int(found.group(1)), int(found.group(2))
    return (member_id, sequence) if member_id <= LARGEST_MEMBER_ID and sequence <= LARGEST_SEQUENCE else None


def unknown_member(name: str) -> Refusal:
    """Nobody has this number."""
    return Refusal("unknown_member", f"There is no member {name[:40]!r}.")


async def find_member(connection: Connection, catalog: Catalog, member_id: int) -> MemberView | None:
    """A member by number."""
    row = await connection.fetchrow(_SQL["member"], shard_of_member(member_id, catalog.shards), member_id)
    if row is None:
        return None
    program = await catalog.program(connection)
    rows = await connection.fetch(_SQL["identities"], member_id)
    last = await connection.fetchval(_SQL["last_activity"], shard_of_member(member_id, catalog.shards), member_id)
    asked_at: datetime = row["asked_at"]
    tiers = await _tiers(connection, catalog, program, member_id, asked_at)
    dormant_days = MemberPolicy().dormant_days if program is None else program.document.members.dormant_days
    return MemberView(
        str(member_id),
        row["status"],
        row["registered_at"],
        row["recorded_at"],
        [f"{each['kind']}:{each['value']}" for each in rows],
        [
            IdentityView(f"{each['kind']}:{each['value']}", each["added_at"], each["verified_at"], each["verified_by"])
            for each in rows
        ],
        _person_view(program, row["profile"], row["person"], tiers),
        last,
        (asked_at - (last or row["registered_at"])).days >= dormant_days,
        None if row["merged_into"] is None else str(row["merged_into"]),
        None if row["household_id"] is None else str(row["household_id"]),
        tiers,
    )


async def _tiers(
    connection: Connection, catalog: Catalog, program: Program | None, member_id: int, now: datetime
) -> list[TierView]:
    if program is None or not program.tier_sets:
        return []
    return await tiers_of(connection, catalog, program, member_id, now) or []


def _person_view(
    program: Program | None, profile_json: str | None, person_json: str | None, tiers: list[TierView]
) -> PersonView:
    profile = NO_PROFILE if profile_json is None else _decode_profile(profile_json)
    person = NOBODY_KNOWN if person_json is None else _decode_person(person_json)
    return PersonView(
        person.name,
        person.gender,
        profile.birthday,
        profile.channel,
        person.language,
        person.address,
        profile.tier if not tiers else tiers[0].tier or "",
        profile.tags,
        profile.fields,
        [] if program is None else missing_fields(program, profile),
    )


async def changes_of(connection: Connection, catalog: Catalog, member_id: int) -> MemberChanges | Refusal:
    """What became of a member beside the points."""
    shard = shard_of_member(member_id, catalog.shards)
    rows = await connection.fetch(_SQL["member_changes"], shard, member_id)
    if not rows and await find_member(connection, catalog, member_id) is None:
        return unknown_member(str(member_id))
    return MemberChanges(
        [
            MemberChange(
                row["kind"],
                row["status"],
                row["recorded_at"],
                row["actor"],
                row["reason"],
                None if row["details"] is None else msgspec.json.decode(row["details"]),
            )
            for row in rows
        ]
    )


async def find_by_identity(connection: Connection, catalog: Catalog, identity: Identity) -> MemberView | None:
    """The member that an identity finds."""
    found = await find_identities(connection, [identity], catalog.shards, catalog.phone_region)
    return await find_member(connection, catalog, found[identity]) if found else None


async def balances_now(
    connection: Connection, catalog: Catalog, member_id: int, now: datetime
) -> BalancesView | Refusal:
    """What a member has at this moment, also where nothing has booked yet what time has done. Needs a snapshot."""
    program = await catalog.program(connection)
    if program is None:
        return NO_PROGRAM
    state = await settled_state(connection, catalog, program, member_id, now)
    return unknown_member(str(member_id)) if state is None else _view(program, state, now)


async def balances_at(
    connection: Connection, catalog: Catalog, member_id: int, instant: datetime, now: datetime
) -> BalancesView | Refusal:
    """What a member had at an earlier instant: all movements recorded by then, replayed, and what time had done.

    It is the answer that `balances_now` gave at that instant. Needs a snapshot.
    """
    if instant > now:
        return Refusal("instant_in_future", "`as_of` must not lie in the future.", None, {"parameter": "as_of"})
    program = await catalog.program(connection, await connection.fetchval(_SQL["version_at"], instant))
    if program is None:
        return NO_PROGRAM
    if await find_member(connection, catalog, member_id) is None:
        return unknown_member(str(member_id))
    state = await _replay(connection, catalog, member_id, instant)
    return _view(program, _settle(program, state, instant), instant)


async def settled_state(
    connection: Connection, catalog: Catalog, program: Program, member_id: int, now: datetime
) -> MemberState | None:
    """A member's accounts, lots and holds with everything booked in memory that is due by now; nothing is written."""
    rows = await connection.fetch(_SQL["accounts"], shard_of_member(member_id, catalog.shards), member_id)
    if not rows:
        return None
    accounts = tuple(Account(**{column: row[column] for column in _ACCOUNT_COLUMNS}) for row in rows)
    states = {member_id: MemberState(member_id, max(each.last_sequence for each in accounts), accounts)}
    await load_everything(connection, states, Places(), [member_id], catalog.shards)
    return _settle(program, states[member_id], now)


_ACCOUNT_COLUMNS = ("wallet", "available", "pending", "held", "debt", "last_sequence", "next_change_at", "saved")


def _settle(program: Program, state: MemberState, now: datetime) -> MemberState:
    effects = decide(program, SettleMember(state.member_id), Context(now, now, READER, "", READER), state)
    assert not isinstance(effects, Refusal)
    return effects.states[0]


def _view(program: Program, state: MemberState, as_of: datetime) -> BalancesView:
    accounts = {account.wallet: account for account in state.accounts}
    balances = {}
    for wallet, number in program.wallet_numbers.items():
        account = accounts.get(number) or Account(number)
        balances[wallet] = WalletView(
            account.available,
            account.pending,
            account.held,
            account.debt,
            _expiries((lot.terms.expires_at, lot.remaining) for lot in (*account.lots, *account.pending_lots)),
            account.saved,
            _expiries((each.expires_at, each.remaining) for each in account.deposits),
        )
    return BalancesView(str(state.member_id), as_of, balances)


def _expiries(parts: Iterable[tuple[datetime, int]]) -> list[ExpiringPoints]:
    points: dict[datetime, int] = {}
    for expires_at, part in parts:
        if expires_at < NEVER:
            points[expires_at] = points.get(expires_at, 0) + part
    return [ExpiringPoints(instant, points[instant]) for instant in sorted(points)]


async def _replay(connection: Connection, catalog: Catalog, member_id: int, instant: datetime) -> MemberState:
    """The state that the movements recorded by an instant add up to."""
    shard = shard_of_member(member_id, catalog.shards)
    sequence: int = await connection.fetchval(_SQL["last_sequence_at"], shard, member_id, instant)
    key = (shard, member_id, sequence)
    available: dict[int, list[Lot]] = {}
    pending: dict[int, list[Lot]] = {}
    for row in await connection.fetch(_SQL["lots_at"], *key):
        terms = LotTerms(row["earned_at"], row["effective_at"], row["expires_at"])
        for lots, remaining in ((available, row["available"]), (pending, row["pending"])):
            if remaining:
                lots.setdefault(row["wallet"], []).append(Lot(row["lot"], terms, remaining))
    holds = await _replay_holds(connection, key)
    debts = {row["wallet"]: row["debt"] for row in await connection.fetch(_SQL["debts_at"], *key)}
    deposits = await _replay_savings(connection, key)
    accounts = []
    for wallet in sorted({*available, *pending, *holds, *debts, *deposits}):
        account = Account(
            wallet,
            sum(lot.remaining for lot in available.get(wallet, ())),
            sum(lot.remaining for lot in pending.get(wallet, ())),
            sum(hold.remaining for hold in holds.get(wallet, ())),
            debts.get(wallet, 0),
            sequence,
            # Not known, so time is asked to look at every lot and hold.
            datetime.min.replace(tzinfo=instant.tzinfo),
            tuple(available.get(wallet, ())),
            None,
            tuple(pending.get(wallet, ())),
            tuple(holds.get(wallet, ())),
            saved=sum(each.remaining for each in deposits.get(wallet, ())),
            deposits=tuple(deposits.get(wallet, ())),
        )
        accounts.append(account)
    return MemberState(member_id, sequence, tuple(accounts))


async def _replay_holds(connection: Connection, key: tuple[int, int, int]) -> dict[int, list[Hold]]:
    found: dict[int, list[Hold]] = {}
    for row in await connection.fetch(_SQL["holds_at"], *key):
        piece = Piece(row["lot"], row["amount"], LotTerms(row["earned_at"], row["effective_at"], row["expires_at"]))
        holds = found.setdefault(row["wallet"], [])
        if holds and holds[-1].sequence == row["sequence"]:
            holds[-1] = msgspec.structs.replace(holds[-1], pieces=(*holds[-1].pieces, piece))
        else:
            until = decode_trace(row["trace"]).until
            assert until is not None
            holds.append(Hold(row["sequence"], row["wallet"], until, (piece,)))
    return found


async def _replay_savings(connection: Connection, key: tuple[int, int, int]) -> dict[int, list[Deposit]]:
    """What was saved, by wallet: of each lot what was put aside, less what was taken, what expires first first."""
    found: dict[int, list[Deposit]] = {}
    for row in await connection.fetch(_SQL["savings_at"], *key):
        wallet, deposits = row["wallet"], found.setdefault(row["wallet"], [])
        if row["to_bucket"] != Bucket.SAVED:
            found[wallet] = _without(deposits, row["lot"], row["amount"])
            continue
        piece = Piece(row["lot"], row["amount"], LotTerms(row["earned_at"], row["effective_at"], row["expires_at"]))
        if deposits and deposits[-1].sequence == row["sequence"]:
            deposits[-1] = msgspec.structs.replace(deposits[-1], pieces=(*deposits[-1].pieces, piece))
        else:
            until = decode_trace(row["trace"]).until
            assert until is not None
            deposits.append(Deposit(row["sequence"], wallet, until, (piece,)))
    return {wallet: deposits for wallet, deposits in found.items() if deposits}


def _without(deposits: list[Deposit], lot: int, amount: int) -> list[Deposit]:
    """Savings after so many points of a lot were taken from them."""
    kept: dict[int, Deposit] = {}
    for deposit in sorted(deposits, key=lambda each: each.order):
        pieces = []
        for piece in deposit.pieces:
            part = min(amount, piece.amount) if piece.lot == lot else 0
            amount -= part
            if part < piece.amount:
                pieces.append(Piece(piece.lot, piece.amount - part, piece.terms))
        kept[deposit.sequence] = msgspec.structs.replace(deposit, pieces=tuple(pieces))
    return [kept[each.sequence] for each in deposits if kept[each.sequence].pieces]
