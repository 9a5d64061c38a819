"""What a batch must know before it can decide: read, locked and loaded with as few round trips as possible."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import date, datetime

import msgspec

from jifen.core.calendar import local_day, start_of_day
from jifen.core.commands import (
    AdjustPoints,
    Command,
    CorrectOrder,
    PlaceHold,
    RecordEvent,
    RecordOrder,
    RefundOrder,
    RegisterMember,
    SpendPoints,
    TransferPoints,
    is_ordinary,
)
from jifen.core.decide.bank import saved_name
from jifen.core.decide.limits import limit_names
from jifen.core.draws.commands import DrawPrize
from jifen.core.identity import Identity, find_spelled, spellings
from jifen.core.ledger.values import MemberState
from jifen.core.limits import EARLIEST_INSTANT
from jifen.core.members.commands import MergeMembers, PersonCommand
from jifen.core.program import Program
from jifen.core.redemption.commands import RedeemReward, StepCommand
from jifen.core.rules.document import ORDER_COMPLETED
from jifen.core.rules.facts import CHECKED_IN
from jifen.core.rules.standing import Counters
from jifen.core.segments.membership import SegmentConditions
from jifen.core.wallets.approvals import Approval
from jifen.core.wallets.commands import ConvertPoints, DecideApproval, SavePoints, UnsavePoints
from jifen.db.connection import Connection
from jifen.engine import approvals
from jifen.engine.households import KnownHouseholds, takes_from_household
from jifen.engine.links import Links
from jifen.engine.loading import (
    FoundKey,
    find_identities,
    find_keys,
    load_all_usages_of,
    load_answers,
    load_counters_then,
    load_earned,
    load_everything,
    load_first_lots,
    load_holds,
    load_welcomes,
    lock_accounts,
    lock_shared_usages,
)
from jifen.engine.past import load_moments
from jifen.engine.places import Places
from jifen.engine.programs import ProgramVersions
from jifen.engine.redemptions import PASSING, Redeeming
from jifen.engine.references import Reference, is_late, members_named, needs_order, type_of_event
from jifen.engine.roll import KnownPeople
from jifen.engine.segments import SegmentLibrary
from jifen.engine.standings import count_months
from jifen.engine.submission import Answer, Submission
from jifen.engine.survivors import MembersMoved
from jifen.engine.wanted import Wanted

Key = tuple[bytes, bytes]

#: So many lots of a wallet are loaded for a spend at first; if they do not suffice, all are.
FIRST_LOTS = 8
#: Commands that rules rate.
_RATED = (RecordOrder, RecordEvent, RegisterMember)
#: Commands that take available points.
_TAKING = (SpendPoints, PlaceHold, TransferPoints, AdjustPoints, RedeemReward, ConvertPoints, DrawPrize)
#: Commands that need all lots, or all savings.
_ABOUT_SAVINGS = (SavePoints, UnsavePoints)


#: What rules ask alike for: the events of a type and local day that one version rates (version, type, day), and whether
#: whoever sent them said when they happened.
_Alike = tuple[int, str, date, bool]


class Surroundings:
    """What batches share within an engine: the shards, the versions of the program, fresh member ids."""

    def __init__(self, shards: int, new_member_id: Callable[[Connection], Awaitable[int]]) -> None:
        self.shards = shards
        self.programs = ProgramVersions()
        self.segments = SegmentLibrary()
        #: Of the program in force, as far as a batch has seen: in how many spellings phones are looked up.
        self.phone_region: str | None = None
        self.new_member_id = new_member_id
        self.actor_names = approvals.ActorNames()
        #: The parts of spends from households that were to be cancelled: they never change.
        self.pooled: dict[Reference, tuple[Reference, ...]] = {}


class Gathering:
    """What is known of everything that the commands of a batch name. Filled step by step, in this order: `find_linked`,
    `lock`, `load`; `look_up_keys` where a command may have come before."""

    def __init__(
        self, surroundings: Surroundings, submissions: Sequence[Submission], clock: Callable[[], datetime]
    ) -> None:
        self._surroundings = surroundings
        self._submissions = submissions
        self._clock = clock
        #: When the batch is recorded: after all locks were taken, so that a member's instants never run backwards.
        self.now = EARLIEST_INSTANT
        self.keys: list[list[Key]] = [submission.keys() for submission in submissions]
        self.found_keys: dict[bytes, FoundKey] = {}
        self.identities: dict[Identity, int] = {}
        #: In whose spellings this batch looks phones up.
        self.phone_region = surroundings.phone_region
        #: Whom identities find that led nowhere when the accounts were locked: to be compared with, not to be changed.
        self.late_identities: dict[Identity, int] = {}
        self.states: dict[int, MemberState] = {}
        self.places = Places()
        self.answers: dict[Reference, Answer] = {}
        #: The version in force; None before there is any. `programs` has those that rate late events as well.
        self.program: Program | None = None
        self.programs: dict[int, Program] = {}
        #: What all members together used of the caps that this batch may draw on; locked.
        self.shared_used: dict[str, int] = {}
        self.people = KnownPeople()
        #: What the registrations of members were answered who may be registered once more.
        self.welcomes: dict[int, Answer] = {}
        #: The counters as they are written, of members whose months were counted only now.
        self.uncounted: dict[int, Counters] = {}
        #: The conditions of the segments that rules ask for, by program version.
        self.segments: dict[int, SegmentConditions] = {}
        #: What redemptions need beside; with the stock that they may draw on, locked.
        self.redeeming = Redeeming((each.command for each in submissions), surroundings.shards)
        #: The orders, transactions and merges that commands refer to.
        self.links = Links(
            (each.command for each in submissions), self.redeeming, surroundings.pooled, surroundings.shards
        )
        #: The households that commands are about; everybody in them is locked.
        self.households = KnownHouseholds((each.command for each in submissions), surroundings.shards)
        #: Whom requests that wait for a second person are about; the requests; and what the keys of actors are called.
        self.approval_members: dict[int, int] = {}
        self.approvals: dict[int, Approval] = {}
        self.actor_names: dict[str, str] = {}

    async def find_linked(self, connection: Connection, *, look_for_merged: bool) -> None:
        """Find what must be known before anything is locked: coupons, households, what is referred to, requests."""
        await self.redeeming.find_coupons(connection)
        await self.households.find(connection)
        await self.links.find(connection, look_for_merged=look_for_merged)
        requests = {each.command.approval for each in self._submissions if isinstance(each.command, DecideApproval)}
        if requests:
            self.approval_members = await approvals.find_members(connection, requests)

    async def lock(self, connection: Connection) -> None:
        """Lock all accounts of the members that the batch may change; only then look at the clock."""
        members: set[int] = set(self.approval_members.values())
        identities: set[Identity] = set()
        for submission in self._submissions:
            for named in members_named(submission.command):
                if isinstance(named, int):
                    members.add(named)
                else:
                    identities.update(spellings(named, self.phone_region))
        members |= self.households.members | self.links.members
        version: int | None = None
        if members or identities:
            locked = await lock_accounts(connection, list(members), list(identities), self._surroundings.shards)
            self.states, self.places = locked.states, locked.places
            self.identities, version = locked.identities, locked.version
        await self.links.look_after_merged(connection, self.states, self.identities.values())
        if await self.households.has_moved(connection):
            raise MembersMoved
        self.now = self._clock()
        if version is None:
            version = await connection.fetchval("SELECT max(version) FROM program_versions")
        if version is not None:
            await self._choose_programs(connection, version)

    async def _choose_programs(self, connection: Connection, newest: int) -> None:
        versions = self._surroundings.programs
        await versions.learn(connection, newest)
        late = {each.occurred_at for each in self._submissions if each.occurred_at is not None}
        current = versions.in_force(self.now)
        for version in {current, *(versions.in_force_at(instant, self.now) for instant in late)}:
            self.programs[version] = await versions.get(connection, version)
        self.program = self.programs[current]
        region = self.program.document.phone_region
        if region != self.phone_region:
            # Phones were looked up as an earlier version says.
            self._surroundings.phone_region = region
            raise MembersMoved

    def program_for(self, submission: Submission) -> Program:
        """The version that decides a command: for what rules rate, the one of the time when it happened."""
        assert self.program is not None
        is_one = len(self.programs) == 1
        if is_one or submission.occurred_at is None or not isinstance(submission.command, _RATED):
            return self.program
        return self.programs[self._surroundings.programs.in_force_at(submission.occurred_at, self.now)]

    async def look_up_keys(self, connection: Connection, indexes: Iterable[int]) -> bool:
        """Find out which of these commands were answered before; whether any was.

        Keys must be looked up after locking: the first of two equal commands that race through different workers
        holds the lock until it has committed, so that the second finds its key here and gets the first answer, where
        it would otherwise see the changed balance and be refused.
        """
        digests = [digest for index in indexes for digest, _ in self.keys[index]]
        if not digests:
            return False
        self.found_keys = await find_keys(connection, digests, self._surroundings.shards)
        await self._look_up_owners(connection)
        wanted = {(found.member_id, found.sequence) for found in self.found_keys.values()}
        # A sequence below 0 stands for a request that waits for a second person: its number, negative.
        self.answers = {(member, number): Answer(member, number, True) for member, number in wanted if number <= 0}
        references = [reference for reference in wanted if reference[1] > 0]
        if references:
            self.answers |= await load_answers(connection, references, self._surroundings.shards)
        return bool(self.found_keys)

    async def _look_up_owners(self, connection: Connection) -> None:
        """Look up again the unknown identities of orders that turned out to be known: whoever recorded the order while
        we waited for a lock may have registered the member with it."""
        names = {
            submission.command.member
            for submission, keys in zip(self._submissions, self.keys, strict=True)
            if isinstance(submission.command, RecordOrder) and any(digest in self.found_keys for digest, _ in keys)
        }
        merged = {
            self.found_keys[digest].member_id for keys in self.keys for digest, _ in keys if digest in self.found_keys
        }
        if names:
            await self.links.learn_survivors(connection, merged)
        unknown = [name for name in names if isinstance(name, Identity) and self.find(name) is None]
        if unknown:
            self.late_identities = await find_identities(
                connection, unknown, self._surroundings.shards, self.phone_region
            )

    async def load(self, connection: Connection) -> None:
        """Load what rules ask about, the lots that commands will take from first, and all lots and holds where
        something is due or refers to the past."""
        await self.links.load_add_ons(connection)
        await self.redeeming.load(connection, self.states, self.places)
        self.links.learn_payers(self.redeeming.shared(self.states))
        await self._load_for_rules(connection)
        await self._load_welcomes(connection)
        assert self.program is not None
        self.uncounted = await count_months(connection, self.states, self.program, self._surroundings.shards)
        await self._load_for_wallets(connection)
        await self._load_first_lots(connection)
        everything, holds = self.redeeming.need_everything(self.states), set[int]()
        references = self.redeeming.spending(self.states)
        #: Of these everything that was ever used of caps is needed as well.
        whole: set[int] = set(self.links.absorbed.values()) | {member for member, _ in self.links.absorbed}
        whole |= {survivor for member, _ in references for survivor in self.links.survivors.get(member, ())}
        for command in (*(each.command for each in self._submissions), *self.links.brought):
            if isinstance(command, PASSING):
                holds.update(member for member, _ in self.links.references(command))
                continue
            if needs_order(command):
                # What the order says is enough: its points stay where they are.
                references.update(self.links.references(command))
                everything.update(self.households.involved(command) if takes_from_household(command) else ())
                continue
            for each in self.links.references(command):
                references.add(each)
                everything.update(self.links.with_survivors(each[0]))
            if isinstance(command, MergeMembers):
                whole.update((command.member, command.absorbed))
            if takes_from_household(command):
                everything.update(self.households.involved(command))
            if isinstance(command, _ABOUT_SAVINGS):
                everything.update(self._known_members(command))
        for member, state in self.states.items():
            for account in state.accounts:
                if account.next_change_at <= self.now:
                    everything.add(member)
        whole &= self.states.keys()
        everything |= whole
        everything &= self.states.keys()
        shards = self._surroundings.shards
        if whole:
            await load_all_usages_of(connection, self.states, self.places, whole, shards)
        if everything:
            await load_everything(connection, self.states, self.places, sorted(everything), shards)
        if holds := (holds & self.states.keys()) - everything:
            await load_holds(connection, self.states, sorted(holds), shards)
        if references:
            await self.links.load_past(connection, references, self._surroundings.programs, self.states)

    async def _load_for_rules(self, connection: Connection) -> None:
        """Load profiles, standings and the uses of caps, as far as rules, tiers and rewards ask for them; lock what
        members share."""
        wanted = Wanted()
        asked = any(program.rules_ask for program in self.programs.values())
        if asked or any(type_of_event(each.command) == CHECKED_IN for each in self._submissions):
            alike = self._events_alike()
            for (version, event_type, day, _), members in alike.items():
                wanted.note(self.programs[version], event_type, members, day)
            await self._load_counters_then(connection, alike)
        await self._want_caps_of_past(connection, wanted)
        assert self.program is not None
        if self.redeeming.commands:
            self.redeeming.want_known(wanted, self.program, self.now, self.states, self._known_members)
        if people := self._people_described():
            await self.people.load(connection, people, self._surroundings.shards)
            wanted.note_profiles(people)
        if self.program.tier_sets:
            wanted.standings.update(self.states)
            if self.program.tiers_ask_profiles:
                wanted.note_profiles(self.states)
        shards = self._surroundings.shards
        if wanted.shared:
            self.shared_used = await lock_shared_usages(connection, wanted.shared, shards)
        if self.redeeming.commands:
            await self.redeeming.lock_supplies(connection, self.program, self.states)
        await wanted.load(connection, self.states, self.places, shards)
        if wanted.segments:
            self.segments = await self._surroundings.segments.load(connection, wanted.segments, self.programs)

    def _events_alike(self) -> dict[_Alike, set[int]]:
        """Whose events of this batch are rated alike. Most are of one kind and day."""
        assert self.program is not None
        today = local_day(self.now, self.program.zone)
        alike: dict[_Alike, list[int]] = {}
        for submission in self._submissions:
            event_type = type_of_event(submission.command)
            if event_type is None:
                continue
            program, day, told_at = self.program, today, submission.occurred_at
            if told_at is not None:
                program = self.program_for(submission)
                day = local_day(told_at, program.zone)
            alike.setdefault((program.version, event_type, day, told_at is not None), []).extend(
                self._known_members(submission.command)
            )
        return {key: self.states.keys() & members for key, members in alike.items()}

    async def _want_caps_of_past(self, connection: Connection, wanted: Wanted) -> None:
        """Note the caps under which orders were rated that will be rated again: those of their own time."""
        again = [each.command for each in self._submissions if isinstance(each.command, RefundOrder | CorrectOrder)]
        orders = {order for each in again if (order := self.links.reference(each)) is not None}
        if not orders:
            return
        for member, occurred_at, version in await load_moments(connection, orders, self._surroundings.shards):
            program = await self._surroundings.programs.get(connection, version)
            members = self.states.keys() & self.links.with_survivors(member)
            wanted.note_caps(program, ORDER_COMPLETED, members, local_day(occurred_at, program.zone))

    def _people_described(self) -> set[int]:
        """Whom commands describe, and whom they find."""
        return {
            member
            for submission in self._submissions
            if not is_ordinary(submission.command) and isinstance(submission.command, PersonCommand)
            for member in self._known_members(submission.command)
            if member in self.states
        }

    async def _load_welcomes(self, connection: Connection) -> None:
        """Load what members were answered who are to be registered once more."""
        known = {
            member
            for submission in self._submissions
            if type(submission.command) is RegisterMember
            for member in self._known_members(submission.command)
        }
        if known:
            self.welcomes = await load_welcomes(connection, known, self._surroundings.shards)

    async def _load_counters_then(self, connection: Connection, alike: Mapping[_Alike, set[int]]) -> None:
        """Work out from the transactions what members had ordered by the days of their late events."""
        wanted: dict[int, set[date]] = {}
        for (version, event_type, day, is_told), members in alike.items():
            if is_told:
                program = self.programs[version]
                for member in members:
                    if is_late(event_type, day, program, self.states[member].counters):
                        wanted.setdefault(member, set()).add(day)
        if wanted:
            assert self.program is not None
            await load_counters_then(connection, self.states, wanted, self.program.zone, self._surroundings.shards)

    def as_written(self, member: int) -> MemberState | None:
        """A member as the database has it; None: a new one."""
        state = self.states.get(member)
        if state is None or member not in self.uncounted:
            return state
        return msgspec.structs.replace(state, counters=self.uncounted[member])

    async def _load_for_wallets(self, connection: Connection) -> None:
        """Load what limits of gifts, conversions and savings ask for, and requests that are to be decided."""
        program, shards = self.program, self._surroundings.shards
        assert program is not None
        wanted = Wanted()
        savers: set[int] = set()
        today = local_day(self.now, program.zone)
        for submission in self._submissions:
            command = submission.command
            is_pooled = takes_from_household(command)
            if not (is_pooled or isinstance(command, TransferPoints | ConvertPoints | SavePoints)):
                continue
            members = [member for member in self._known_members(command) if member in self.states]
            names: list[str] = []
            if isinstance(command, TransferPoints) and program.document.gifts is not None:
                names = limit_names((*program.gift_limits, *program.receiver_limits), today)
                wanted.note_profiles(members)
            elif is_pooled:
                names = limit_names(program.household_limits, today)
            elif isinstance(command, ConvertPoints):
                names = limit_names(program.conversion_limits.get(command.conversion, ()), today)
            elif isinstance(command, SavePoints):
                names = [saved_name(today.year)]
                savers.update(members)
            wanted.usages.update((member, name) for member in members for name in names)
        await wanted.load(connection, self.states, self.places, shards)
        bank = program.document.bank
        if savers and bank is not None:
            since = start_of_day(today.replace(month=1, day=1), program.zone)
            wallet = program.wallet_numbers[bank.wallet]
            await load_earned(connection, self.states, savers, wallet, since, shards)
        if self.approval_members:
            self.approvals = await approvals.load_approvals(connection, self.approval_members, shards)
        await self._load_names(connection)

    async def _load_names(self, connection: Connection) -> None:
        """Load what the keys are called of those who decide, and of those who asked or agreed before."""
        actors = {each.actor for each in self._submissions if isinstance(each.command, DecideApproval)}
        if self.redeeming.decides_approvals:
            actors |= self.redeeming.actors(self.states)
            actors |= {each.actor for each in self._submissions if isinstance(each.command, StepCommand | RedeemReward)}
        if actors:
            self.actor_names = await self._surroundings.actor_names.of(connection, actors)

    async def _load_first_lots(self, connection: Connection) -> None:
        wanted: dict[int, int] = {}
        for submission in self._submissions:
            if isinstance(submission.command, _TAKING):
                for member in self._known_members(submission.command):
                    if member in self.states:
                        wanted[member] = wanted.get(member, FIRST_LOTS) + 1
        await load_first_lots(connection, self.states, self.places, wanted, self._surroundings.shards)

    def find(self, identity: Identity) -> int | None:
        """Whom an identity found when the accounts were locked."""
        return find_spelled(identity, self.identities, self.phone_region)

    def _known_members(self, command: Command) -> list[int]:
        return [
            member
            for reference in members_named(command)
            if (member := reference if isinstance(reference, int) else self.find(reference)) is not None
        ]

    async def load_more(self, connection: Connection, members: list[int]) -> None:
        """Load all lots and holds of these members, who turned out to need them."""
        await load_everything(connection, self.states, self.places, members, self._surroundings.shards)
