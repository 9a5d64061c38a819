"""What waits for a second person, as a batch reads and writes it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec

from jifen.core.commands import AdjustPoints
from jifen.core.identity import shard_of_member
from jifen.core.refusal import Refusal
from jifen.core.wallets.approvals import Approval
from jifen.db.connection import Connection
from jifen.db.queries import load_queries
from jifen.engine.submission import Submission

_SQL = load_queries("approvals")
_decode_adjust = msgspec.json.Decoder(AdjustPoints).decode
_encode = msgspec.json.Encoder().encode


class Requests:
    """The requests of a batch: those that were loaded, with what the batch adds and decides."""

    def __init__(self, known: Mapping[int, Approval]) -> None:
        self._known = dict(known)
        self._new: list[Approval] = []
        self._decided: list[Approval] = []

    def find(self, approval_id: int) -> Approval:
        """A request as it stands; it was loaded."""
        return self._known[approval_id]

    def ask(
        self,
        approval_id: int,
        member: int,
        command: AdjustPoints,
        submission: Submission,
        now: datetime,
        lapse_days: int,
    ) -> None:
        """Keep a command until somebody else has decided it."""
        said = _encode(msgspec.structs.replace(command, member=member))
        lapses_at = now + timedelta(days=lapse_days)
        actor, reason = submission.actor, submission.reason
        self._new.append(Approval(approval_id, member, "adjust", said, actor, now, lapses_at, reason))

    def decide(self, request: Approval, submission: Submission, now: datetime, sequence: int | None) -> None:
        """Write down who decided it. `sequence`: of the transaction that approving made; None: it was rejected."""
        decided = msgspec.structs.replace(
            request,
            state="rejected" if sequence is None else "approved",
            decided_by=submission.actor,
            decided_at=now,
            decision_reason=submission.reason,
            sequence=sequence,
        )
        self._known[request.approval_id] = decided
        self._decided.append(decided)

    async def write(self, connection: Connection, shards: int) -> None:
        """Write what was added and decided. The accounts of the members are locked."""
        if self._new:
            rows = [_columns(each, shards) for each in self._new]
            await connection.execute(_SQL["add_approvals"], *(list(column) for column in zip(*rows, strict=True)))
        for each in self._decided:
            written = await connection.fetchval(
                _SQL["decide_approval"],
                shard_of_member(each.member_id, shards),
                each.approval_id,
                each.state,
                each.decided_by,
                each.decided_at,
                each.decision_reason,
                each.sequence,
            )
            assert written == each.approval_id, "what was locked and waiting still is"


def _columns(request: Approval, shards: int) -> tuple[Any, ...]:
    return (
        shard_of_member(request.member_id, shards),
        request.approval_id,
        request.member_id,
        request.kind,
        request.command.decode(),
        request.reason,
        request.asked_by,
        request.asked_at,
        request.lapses_at,
    )


def command_of(approval: Approval) -> AdjustPoints:
    """What is done when it is approved."""
    return _decode_adjust(approval.command)


def unknown_approval(approval_id: int) -> Refusal:
    """There is no such request."""
    return Refusal("unknown_approval", f"There is no request {approval_id}.")


async def new_approval_id(connection: Connection) -> int:
    """A number for the next request."""
    number: int = await connection.fetchval("SELECT nextval('approval_ids')")
    return number


async def find_members(connection: Connection, approvals: Collection[int]) -> dict[int, int]:
    """Whom these requests are about, which never changes."""
    return dict(await connection.fetch(_SQL["members_of_approvals"], list(approvals)))


async def load_approvals(connection: Connection, members: dict[int, int], shards: int) -> dict[int, Approval]:
    """These requests as they stand, by number (`members`: whom each is about, whose accounts are locked)."""
    keys = ([shard_of_member(member, shards) for member in members.values()], list(members))
    return {row["approval_id"]: approval_of(row) for row in await connection.fetch(_SQL["load_approvals"], *keys)}


class ActorNames:
    """What keys are called. That never changes, so each is looked up once."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    async def of(self, connection: Connection, actors: Collection[str]) -> dict[str, str]:
        """What the keys of these actors are called; who acts without a key has no name."""
        unknown = [each for each in actors if each not in self._known and each.startswith("key:")]
        if unknown:
            self._known.update(await connection.fetch(_SQL["names_of_actors"], unknown))
        return {each: self._known[each] for each in actors if each in self._known}


def approval_of(row: Any) -> Approval:
    """From a row."""
    return Approval(
        row["approval_id"],
        row["member_id"],
        row["kind"],
        row["command"].encode(),
        row["asked_by"],
        row["asked_at"],
        row["lapses_at"],
        row["reason"],
        row["state"],
        row["decided_by"],
        row["decided_at"],
        row["decision_reason"],
        row["sequence"],
        row["asked_by_name"],
    )
