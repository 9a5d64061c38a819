"""The dry run: the same decisions as the engine's, worked out in memory over what the database holds, without
writing anything and without locking anybody out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import msgspec

from jifen.core.add_ons import BehindAddOns
from jifen.core.commands import AdjustPoints, Command, RecordOrder, RefundOrder
from jifen.core.decide import Context, PastTransaction, decide
from jifen.core.decide.adjust import APPROVAL_NEEDED
from jifen.core.decide.context import Effects, adds_points
from jifen.core.identity import Identity, in_full, shard_of_member
from jifen.core.ledger.values import Account, Bucket, Kind, MemberState, MemberStatus, Transaction
from jifen.core.program import Program
from jifen.core.refusal import Refusal
from jifen.core.trace import decode_trace
from jifen.db.connection import Connection
from jifen.engine.add_ons import end_with_order
from jifen.engine.known import load_known
from jifen.engine.links import Links, Parts
from jifen.engine.loading import (
    FoundKey,
    find_identities,
    find_keys,
    load_all_usages,
    load_everything,
    with_beside,
)
from jifen.engine.places import Places
from jifen.engine.programs import ProgramVersions
from jifen.engine.redemptions import Redeeming, SuppliesAtHand
from jifen.engine.references import check_instant, key_conflict, new_member_state, unknown_member, unknown_order
from jifen.engine.submission import Answer, Outcome, Submission, digest_order
from jifen.engine.survivors import MembersMoved, others_named

_ACCOUNTS = """
SELECT a.member_id, a.wallet, a.available, a.pending, a.held, a.debt, a.last_sequence, a.next_change_at, a.saved,
       a.status, a.counters, a.uses
FROM unnest($1::smallint[], $2::bigint[]) AS wanted (shard, member_id)
JOIN accounts a ON a.shard = wanted.shard AND a.member_id = wanted.member_id
ORDER BY a.member_id, a.wallet
"""


class Rehearsal:
    """Stands in for the engine. Takes orders, refunds and opening balances, one member after another: only the last
    member's state is kept from one group to the next, and those of others whose points came back beside."""

    def __init__(self, connection: Connection, shards: int, program: Program) -> None:
        self._connection = connection
        self._shards = shards
        self._program = program
        self._programs = ProgramVersions()
        self._states: dict[int, MemberState] = {}
        self._members: dict[Identity, int] = {}
        self._done: dict[int, list[Transaction]] = {}
        self._keys: dict[bytes, FoundKey] = {}
        self._past: dict[tuple[int, int], PastTransaction] = {}
        self._behind_add_ons = BehindAddOns({}, {})
        #: Who paid of what was taken with orders, as far as it was learned.
        self._parts: Parts = {}
        #: Whose points moved with orders of others, or with those of whoever they survived.
        self._beside: set[int] = set()
        #: Of merged members whose orders are refunded: who survived, and who survived that one, in turn.
        self._survivors: dict[int, tuple[int, ...]] = {}
        self._next_member = -1
        self._known_programs = {program.version: program}
        #: What all members together used of caps, read once; the rehearsal adds to it.
        self._shared_used: dict[str, int] = {}
        self._is_ready = False

    async def submit_group(self, submissions: Sequence[Submission]) -> list[Outcome]:
        """What the engine would answer."""
        if not self._is_ready:
            await self._get_ready()
        for submission in submissions:
            await self._learn_program(submission.occurred_at)
        named = {_member(submission) for submission in submissions}
        self._forget_all_but(named | {in_full(each, self._program.document.phone_region) for each in named})
        await self._look_up(submissions)
        await self._load_members(named - self._members.keys())
        await self._load_past(submissions)
        now = datetime.now(UTC)
        return [self._decide(submission, now) for submission in submissions]

    # --- what the database knows ---

    async def _get_ready(self) -> None:
        await self._programs.learn(self._connection, self._program.version)
        self._shared_used = dict(await self._connection.fetch("SELECT name, used FROM shared_usages"))
        self._is_ready = True

    async def _learn_program(self, occurred_at: datetime | None) -> None:
        if occurred_at is not None:
            version = self._programs.in_force_at(occurred_at, datetime.now(UTC))
            if version not in self._known_programs:
                self._known_programs[version] = await self._programs.get(self._connection, version)

    def _program_at(self, occurred_at: datetime | None, now: datetime) -> Program:
        if occurred_at is None:
            return self._program
        return self._known_programs.get(self._programs.in_force_at(occurred_at, now), self._program)

    def _forget_all_but(self, identities: set[Identity]) -> None:
        self._members = {identity: number for identity, number in self._members.items() if identity in identities}
        kept = {*self._members.values(), *self._beside}
        self._states = {member: state for member, state in self._states.items() if member in kept}
        self._done = {member: done for member, done in self._done.items() if member in kept}
        self._keys = {digest: found for digest, found in self._keys.items() if found.member_id in kept}
        self._past = {}

    async def _look_up(self, submissions: Sequence[Submission]) -> None:
        keys = [key for submission in submissions for key in submission.keys()]  # noqa: SIM118 - no mapping
        digests = {digest for digest, _ in keys}
        digests |= {
            digest_order(each.command.refund.order_id) for each in submissions if isinstance(each.command, RefundOrder)
        }
        self._keys |= await find_keys(self._connection, list(digests), self._shards)

    async def _load_members(self, identities: set[Identity]) -> None:
        wanted = list(identities)
        found = await find_identities(self._connection, wanted, self._shards, self._program.document.phone_region)
        self._members |= found
        await self._load_states(set(found.values()) - self._beside)

    async def _load_states(self, wanted: Iterable[int]) -> None:
        members = sorted(wanted)
        shards = [shard_of_member(member, self._shards) for member in members]
        accounts: dict[int, list[Account]] = {}
        beside: dict[int, tuple[str | None, str | None]] = {}
        statuses: dict[int, MemberStatus] = {}
        for member_id, *values, status, counters, uses in await self._connection.fetch(_ACCOUNTS, shards, members):
            accounts.setdefault(member_id, []).append(_account(values))
            statuses[member_id] = MemberStatus(status or 0)
            beside.setdefault(member_id, (counters, uses))
        states = {
            member: with_beside(
                MemberState(member, max(each.last_sequence for each in own), tuple(own), status=statuses[member]),
                *beside[member],
            )
            for member, own in accounts.items()
        }
        await load_everything(self._connection, states, Places(), list(states), self._shards)
        await load_known(self._connection, states, Places(), self._shards, profiles=list(states))
        await load_all_usages(self._connection, states, Places(), self._shards)
        self._states |= states

    async def _load_past(self, submissions: Sequence[Submission]) -> None:
        """The orders that are in the database and that refunds of this group refer to, and what was taken with them."""
        refunds: list[Command] = []
        for submission in submissions:
            if isinstance(submission.command, RefundOrder):
                found = self._keys.get(digest_order(submission.command.refund.order_id))
                if found is not None and found.member_id > 0 and not self._rehearsed(found.member_id, found.sequence):
                    refunds.append(submission.command)
        is_found = not refunds
        while not is_found:
            # Where others turn out to have paid for an add-on, or something was taken meanwhile: look again.
            with suppress(MembersMoved):
                await self._follow(refunds)
                is_found = True

    async def _follow(self, refunds: Sequence[Command]) -> None:
        """Load what the refunds refer to, as the engine does. Raises MembersMoved."""
        redeeming = Redeeming((), self._shards)
        links = Links(refunds, redeeming, self._parts, self._shards)
        await links.find(self._connection, look_for_merged=True)
        await self._load_states(links.members - self._states.keys())
        await links.look_after_merged(self._connection, self._states, ())
        self._survivors |= links.survivors
        await links.load_add_ons(self._connection)
        loaded = dict(self._states)
        await redeeming.load(self._connection, loaded, Places())
        for member, state in loaded.items():
            # What was rehearsed upon them stands.
            redemptions = {**state.redemptions, **self._states[member].redemptions}
            self._states[member] = msgspec.structs.replace(self._states[member], redemptions=redemptions)
        links.learn_payers(redeeming.shared(self._states))
        references = {each for command in (*refunds, *links.brought) for each in links.references(command)}
        references |= redeeming.spending(self._states)
        await links.load_past(self._connection, references, self._programs, self._states)
        self._past, self._behind_add_ons = links.past, links.behind_add_ons

    # --- decide ---

    def _decide(self, submission: Submission, now: datetime) -> Outcome:
        keys = submission.keys()
        for position, (digest, payload) in enumerate(keys):
            found = self._keys.get(digest)
            if found is not None and found.payload != payload:
                return key_conflict(submission.command, position, (found.member_id, found.sequence))
            if found is not None:
                return Answer(found.member_id, found.sequence, True)
        occurred_at = submission.occurred_at or now
        refusal = check_instant(submission.occurred_at, now)
        if refusal is not None:
            return refusal
        command, identity = submission.command, _member(submission)
        # Rows may spell the phone of somebody new in several ways.
        full = in_full(identity, self._program.document.phone_region)
        member, past = self._members.get(identity, self._members.get(full)), None
        if isinstance(command, RefundOrder):
            found = self._keys.get(digest_order(command.refund.order_id))
            if found is None:
                return unknown_order(command.refund.order_id)
            owner = found.member_id
            if member != owner and member not in self._survivors.get(owner, ()):
                message = f"The order {command.refund.order_id!r} is not this member's."
                return Refusal("order_of_other_member", message, "/subject")
            # What a merged member earned is taken back there, from the points that the survivor has.
            member, past = owner, self._past_of(owner, found.sequence)
            if past is None or past.kind is not Kind.EARN:
                return unknown_order(command.refund.order_id)
        is_new = member is None
        if member is None:
            if not self._program.document.register_unknown_members:
                return unknown_member(str(identity))
            member = self._next_member
        state = self._states.get(member) or new_member_state(member, self._program)
        others = self._others(command, state)
        context = Context(now, occurred_at, submission.source, submission.key, submission.actor, submission.reason)
        program = self._program_at(submission.occurred_at, now)
        ending = None
        if past is not None and past.add_ons:
            by, supplies = (program, context, self._program), SuppliesAtHand(Redeeming((), self._shards))
            ending = end_with_order(command, past, by, self._states, self._behind_add_ons, supplies)
        if isinstance(ending, Refusal):
            return ending
        if ending is not None:
            state, past = ending.states[member], ending.order
            others = [ending.states[each.member_id] for each in others]
        effects = decide(program, command, context, state, past=past, others=others, shared_used=self._shared_used)
        if isinstance(effects, Refusal) and effects.code == APPROVAL_NEEDED:
            # It would wait for a second person.
            return Answer(member, -1, False)
        if isinstance(effects, Refusal):
            return effects
        if is_new:
            self._members[full] = member
            self._next_member -= 1
        for each in () if ending is None else ending.effects:
            self._beside.update(state.member_id for state in each.states if state.member_id != member)
            self._keep(each)
        if others:
            self._beside |= {member, *(each.member_id for each in others)}
        self._keep(effects)
        assert effects.answer is not None
        for digest, payload in keys:
            self._keys[digest] = FoundKey(payload, member, effects.answer.sequence)
        return Answer(member, effects.answer.sequence, False, effects.trace, effects.answer.kind)

    def _others(self, command: Command, state: MemberState) -> list[MemberState]:
        """Who survived the member, if the command is about the past of somebody merged."""
        named = others_named(command, state, self._states, {}, self._survivors)
        assert not isinstance(named, Refusal), "only merges are refused there"
        return [self._states[each] for each in named]

    def _keep(self, effects: Effects) -> None:
        for name, number in effects.shared_uses.items():
            self._shared_used[name] = self._shared_used.get(name, 0) + number
        self._states |= {state.member_id: state for state in effects.states}
        for transaction in effects.transactions:
            self._done.setdefault(transaction.member_id, []).append(transaction)

    def _rehearsed(self, member: int, sequence: int) -> Transaction | None:
        return next((each for each in self._done.get(member, ()) if each.sequence == sequence), None)

    def _past_of(self, member: int, sequence: int) -> PastTransaction | None:
        """An earlier transaction with everything that was rehearsed upon it."""
        earned = self._rehearsed(member, sequence)
        if earned is None:
            past = self._past.get((member, sequence))
            if past is None:
                return None
        else:
            trace = decode_trace(earned.trace)
            past = PastTransaction(
                sequence,
                earned.kind,
                self._known_programs[earned.program_version],
                earned.occurred_at,
                earned.facts,
                trace,
                earned.movements,
                source=earned.source,
            )
        done = self._done.get(member, [])
        referring = tuple((each.kind, decode_trace(each.trace)) for each in done if each.refers_to == sequence)
        additions = [
            movement
            for each in done
            if each.refers_to == sequence
            for movement in each.movements
            if adds_points(each.sequence, movement)
        ]
        own = {movement.lot for movement in (*past.movements, *past.additions, *additions) if movement.terms}
        expired = dict(past.expired_by_lot)
        for movement in (movement for each in done for movement in each.movements if movement.lot in own):
            change = (movement.target is Bucket.EXPIRED) - (movement.source is Bucket.EXPIRED)
            expired[movement.lot] = expired.get(movement.lot, 0) + change * movement.amount
        return msgspec.structs.replace(
            past,
            referring=past.referring + referring,
            expired_by_lot=expired,
            additions=(*past.additions, *additions),
        )


def _member(submission: Submission) -> Identity:
    command = submission.command
    assert isinstance(command, RecordOrder | RefundOrder | AdjustPoints) and isinstance(command.member, Identity)
    return command.member


def _account(values: Sequence[Any]) -> Account:
    wallet, available, pending, held, debt, last_sequence, next_change_at, saved = values
    return Account(wallet, available, pending, held, debt, last_sequence, next_change_at, saved=saved)
