"""Households in a batch: found before anything is locked, locked as a whole, changed under these locks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, TypeGuard

import msgspec

from jifen.core.commands import Command
from jifen.core.decide import PastTransaction
from jifen.core.identity import shard_of_member
from jifen.core.members.commands import (
    ChangeLife,
    FoundHousehold,
    JoinHousehold,
    LeaveHousehold,
    MergeMembers,
    SpendFromHousehold,
)
from jifen.core.redemption.commands import RedeemReward
from jifen.core.refusal import Refusal
from jifen.db.connection import Connection
from jifen.db.queries import load_queries
from jifen.engine.references import Reference, who_goes

_SQL = load_queries("households")
#: Of so many spends from households it is kept in memory who paid for them.
MOST_POOLED: Final = 10_000


class Household(msgspec.Struct, frozen=True):
    """Members who spend their points together. Nobody is in two."""

    household_id: int
    name: str
    head: int
    members: tuple[int, ...]


#: Commands to which somebody's household may matter.
_ABOUT_HOUSEHOLDS: Final = frozenset(
    {FoundHousehold, JoinHousehold, LeaveHousehold, SpendFromHousehold, RedeemReward, MergeMembers, ChangeLife}
)


def takes_from_household(command: Command) -> TypeGuard[SpendFromHousehold | RedeemReward]:
    """Whether a command takes points of all in the member's household."""
    return isinstance(command, SpendFromHousehold) or (isinstance(command, RedeemReward) and command.from_household)


def asked_about(command: Command) -> tuple[int, ...]:
    """Whose household matters to a command: whoever is in one cannot go before leaving it."""
    if type(command) not in _ABOUT_HOUSEHOLDS:
        return ()
    if isinstance(command, FoundHousehold):
        return (command.member, *command.others)
    if isinstance(command, JoinHousehold):
        return (command.member, command.beside)
    if isinstance(command, LeaveHousehold) or takes_from_household(command):
        assert isinstance(command.member, int)
        return (command.member,)
    going = who_goes(command)
    return () if going is None else (going,)


class KnownHouseholds:
    """The households that the commands of a batch are about."""

    def __init__(self, commands: Iterable[Command], shards: int) -> None:
        self._asked = {member for command in commands for member in asked_about(command)}
        self._shards = shards
        self._by_member: dict[int, Household] = {}

    async def find(self, connection: Connection) -> None:
        """Find them, if any command is about one."""
        if self._asked:
            self._by_member = await self._look(connection)

    async def has_moved(self, connection: Connection) -> bool:
        """Whether, now that everybody is locked, they are others than those that were found."""
        return bool(self._asked) and self._by_member != await self._look(connection)

    async def _look(self, connection: Connection) -> dict[int, Household]:
        wanted = sorted(self._asked)
        shards = [shard_of_member(member, self._shards) for member in wanted]
        found: dict[int, Household] = {}
        for row in await connection.fetch(_SQL["households_around"], shards, wanted):
            household = Household(row["household_id"], row["name"], row["head_id"], tuple(row["members"]))
            found |= dict.fromkeys(household.members, household)
        return found

    @property
    def members(self) -> set[int]:
        """Everybody in these households: all are locked."""
        return set(self._by_member)

    def of(self, member: int) -> Household | None:
        """The household that a member is in."""
        return self._by_member.get(member)

    def beside(self, member: int) -> list[int]:
        """Who else is in the member's household."""
        household = self._by_member.get(member)
        return [] if household is None else [each for each in household.members if each != member]

    def involved(self, command: Command) -> set[int]:
        """Everybody whom a change of these households concerns."""
        asked = asked_about(command)
        # In a merge the survivor as well, who would not wait otherwise.
        also = {command.member} if isinstance(command, MergeMembers) else set()
        return also.union(asked, *(self.beside(member) for member in asked))

    def named(self, command: Command) -> Command:
        """The command, with the household that the member is in where it takes from that."""
        if not takes_from_household(command):
            return command
        assert isinstance(command.member, int)
        return msgspec.structs.replace(command, household=self._by_member[command.member].household_id)

    def check(self, command: Command, waiting: set[int]) -> Refusal | None:
        """Refuse what needs a household where there is none, and the other way round. If one of those concerned is
        waiting for the next batch, all do: it finds the household as it is then."""
        if not asked_about(command):
            return None
        involved = self.involved(command)
        if involved & waiting:
            waiting |= involved
            return None
        if isinstance(command, LeaveHousehold) or takes_from_household(command):
            assert isinstance(command.member, int)
            return None if self.of(command.member) else no_household(command.member)
        if isinstance(command, FoundHousehold):
            pointers = ["/head", *(f"/members/{index}" for index in range(len(command.others)))]
            return next(filter(None, map(self._check_free, asked_about(command), pointers)), None)
        if isinstance(command, JoinHousehold):
            missing = None if self.of(command.beside) else no_household(command.beside, "/with")
            return self._check_free(command.member, None) or missing
        if isinstance(command, MergeMembers):
            return self._check_free(command.absorbed, "/from")
        assert isinstance(command, ChangeLife)
        return self._check_free(command.member, None)

    def _check_free(self, member: int, pointer: str | None) -> Refusal | None:
        household = self.of(member)
        if household is None:
            return None
        message = f"Member {member} is in household {household.household_id}; it must be left first."
        details: dict[str, object] = {"member_id": str(member), "household_id": str(household.household_id)}
        return Refusal("in_household", message, pointer, details)


def no_household(member: int, pointer: str | None = None) -> Refusal:
    """The member is in none."""
    return Refusal("no_household", f"Member {member} is in no household.", pointer, {"member_id": str(member)})


def learn_of_parts(
    past: Mapping[Reference, PastTransaction],
    locked: Mapping[Reference, tuple[Reference, ...]],
    known: dict[Reference, tuple[Reference, ...]],
) -> bool:
    """Keep who paid for spends from households that are to be cancelled; whether they were not `locked` yet."""
    is_new = False
    for reference, transaction in past.items():
        pooled = None if transaction.trace.dealings is None else transaction.trace.dealings.pooled
        # The parts of a redemption are learned from the redemption itself.
        if pooled is not None and pooled.parts and not pooled.redemption and reference not in locked:
            keep_parts(known, reference, ((part.member, part.sequence) for part in pooled.parts))
            is_new = True
    return is_new


def keep_parts(known: dict[Reference, tuple[Reference, ...]], reference: Reference, parts: Iterable[Reference]) -> None:
    """Keep who paid a part of something: that never changes."""
    if len(known) >= MOST_POOLED:
        known.clear()
    known[reference] = tuple(parts)
