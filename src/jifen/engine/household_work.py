"""The work of one batch on households: members who come and go, and common spends that are cancelled."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

from jifen.core.commands import ReverseTransaction
from jifen.core.counted import counted
from jifen.core.decide import Context, Effects, decide_pooled_reversal
from jifen.core.identity import shard_of_member
from jifen.core.ledger.values import MemberState, transaction_id
from jifen.core.members.commands import FoundHousehold, JoinHousehold, LeaveHousehold, MembershipCommand
from jifen.core.members.life import act_of, check_life
from jifen.core.program import Program
from jifen.core.refusal import Refusal
from jifen.core.trace import Pooled
from jifen.db.connection import Connection
from jifen.db.queries import load_queries
from jifen.engine.gathering import Gathering
from jifen.engine.households import Household, KnownHouseholds
from jifen.engine.references import unknown_member
from jifen.engine.roll import Change
from jifen.engine.submission import Submission

_SQL = load_queries("households")


class HouseholdWork:
    """What a batch changes of households. Made anew where a batch decides once more."""

    def __init__(self, known: KnownHouseholds) -> None:
        self._known = known
        self._changes: list[HouseholdChange] = []

    async def change(
        self,
        connection: Connection,
        program: Program,
        command: MembershipCommand,
        states: Mapping[int, MemberState],
        by: Submission,
    ) -> list[Change] | Refusal:
        """Let members come and go; the steps to be kept in their logs, or why not."""
        number = await connection.fetchval(_SQL["new_household_id"]) if isinstance(command, FoundHousehold) else 0
        change = change_household(program, self._known, command, states, number)
        if isinstance(change, Refusal):
            return change
        self._changes.append(change)
        details = {"household_id": str(change.household.household_id)}
        return [
            Change(member, kind, states[member].status, by.actor, by.reason, details)
            for members, kind in ((change.came, "household_joined"), (change.went, "household_left"))
            for member in members
        ]

    async def write(self, connection: Connection, shards: int, now: datetime) -> None:
        """Write what the households are from now on; everybody in them is locked."""
        for change in self._changes:
            await write_household(connection, change, shards, now)


def cancel_pooled(
    command: ReverseTransaction,
    pooled: Pooled,
    known: Gathering,
    states: Mapping[int, MemberState],
    waiting: set[int],
    by: tuple[Program, Context],
) -> Effects | Refusal | None:
    """Give everybody in a household back what they paid of a spend, to the survivors of who was merged. None: it waits;
    if one of them must, all do."""
    if (command.member, command.sequence) != (pooled.spender, pooled.sequence):
        name = transaction_id(pooled.spender, pooled.sequence)
        message = f"This was paid for member {pooled.spender}: reverse {name}, and all of it comes back."
        zh = f"它为会员 {pooled.spender} 支付；请冲正 {name}，全部随之退回。"
        return Refusal("not_reversible", message, None, {"transaction_id": name}, zh)
    numbers = [(command.member, command.sequence), *((part.member, part.sequence) for part in pooled.parts)]
    parts = [(number[0], known.links.past[number], known.links.survivors.get(number[0], ())) for number in numbers]
    involved = {each for member, _, survivors in parts for each in (member, *survivors)}
    if involved & waiting or any(states[each] is not known.states.get(each) for each in involved):
        waiting |= involved
        return None
    program, context = by
    return decide_pooled_reversal(program, context, states, parts, known.program)


class HouseholdChange(msgspec.Struct, frozen=True):
    """What a household is from now on: who came, who went, who is its head (None: it has ended)."""

    household: Household
    is_new: bool
    came: tuple[int, ...]
    went: tuple[int, ...]
    head: int | None


def change_household(
    program: Program,
    known: KnownHouseholds,
    command: MembershipCommand,
    states: Mapping[int, MemberState],
    new_id: int,
) -> HouseholdChange | Refusal:
    """What a command makes of a household, or why not. `new_id`: for one that begins."""
    if isinstance(command, LeaveHousehold):
        household = known.of(command.member)
        assert household is not None
        left = known.beside(command.member)
        head = (household.head if household.head in left else left[0]) if left else None
        return HouseholdChange(household, False, (), (command.member,), head)
    if isinstance(command, JoinHousehold):
        household = known.of(command.beside)
        assert household is not None
        change = HouseholdChange(household, False, (command.member,), (), household.head)
    else:
        came = (command.member, *command.others)
        if (refusal := _check_once(came)) is not None:
            return refusal
        change = HouseholdChange(Household(new_id, command.name, command.member, ()), True, came, (), command.member)
    for member in change.came:
        if member not in states:
            return unknown_member(str(member), "/members")
        if refusal := check_life(program, states[member], act_of(command), "/members"):
            return refusal
    size, most = len(change.household.members) + len(change.came), program.document.members.most_in_household
    if size > most:
        message = f"A household has {counted(most, 'members')} at most; this would be {size}."
        return Refusal("household_full", message, None, {"most": most})
    return change


def _check_once(members: tuple[int, ...]) -> Refusal | None:
    """Refuse a list of members, the head first, in which somebody stands twice."""
    twice = next((index for index, member in enumerate(members) if member in members[:index]), None)
    if twice is None:
        return None
    message = f"Member {members[twice]} is named twice: name everybody, the head too, once."
    return Refusal("same_member", message, f"/members/{twice - 1}", {"member_id": str(members[twice])})


async def write_household(connection: Connection, change: HouseholdChange, shards: int, now: datetime) -> None:
    """Write what a household is from now on; everybody in it is locked."""
    number = change.household.household_id
    if change.is_new:
        await connection.execute(_SQL["add_household"], number, change.household.name, change.head, now)
    else:
        head, ended_at = change.head or change.household.head, None if change.head else now
        await connection.execute(_SQL["change_household"], number, head, ended_at)
    for members, household in ((change.came, number), (change.went, None)):
        if members:
            keys = ([shard_of_member(member, shards) for member in members], list(members))
            await connection.execute(_SQL["set_household"], *keys, household)
