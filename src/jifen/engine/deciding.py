"""The commands of a batch, decided one after another in memory."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from jifen.core.calendar import local_day
from jifen.core.commands import (
    AdjustPoints,
    RecordEvent,
    RegisterMember,
    ReverseTransaction,
    SetProfile,
    TransferPoints,
    is_ordinary,
    order_named,
)
from jifen.core.decide import Effects, PastTransaction, decide, follow_steps
from jifen.core.decide.adjust import APPROVAL_NEEDED
from jifen.core.decide.profile import check_said
from jifen.core.identity import Identity, in_full
from jifen.core.ledger.values import Kind, MemberState, MemberStatus
from jifen.core.members.commands import (
    ChangeLife,
    MembershipCommand,
    MergeMembers,
    PersonCommand,
    UndoMerge,
)
from jifen.core.members.life import check_life
from jifen.core.redemption.values import NO_SUPPLIES
from jifen.core.refusal import Refusal
from jifen.core.rules.facts import REGISTERED
from jifen.core.rules.standing import Profile
from jifen.core.wallets.approvals import Approval, check_decision
from jifen.core.wallets.commands import DecideApproval
from jifen.db.connection import Connection
from jifen.engine.add_ons import end_with_order
from jifen.engine.approvals import command_of, new_approval_id
from jifen.engine.decided import Decided
from jifen.engine.gathering import Gathering, Surroundings
from jifen.engine.household_work import cancel_pooled
from jifen.engine.loading import FoundKey
from jifen.engine.moves import merging_of
from jifen.engine.newcomers import newcomer
from jifen.engine.parties import Parties
from jifen.engine.redemptions import is_about_redemption, needs_supplies
from jifen.engine.references import (
    check_hold_owner,
    check_instant,
    needs_history,
    needs_order,
    needs_past,
    type_of_event,
    unknown_past,
)
from jifen.engine.roll import ON_THE_ROLL, Change
from jifen.engine.submission import Answer, Outcome, Submission, context_of


class Deciding:
    """One pass over the commands of a batch, on what was gathered. `outcomes[i]` is None where a command must wait for
    the next batch, because it refers to what this one has just changed."""

    def __init__(
        self,
        surroundings: Surroundings,
        submissions: Sequence[Submission],
        known: Gathering,
        connection: Connection,
        fresh_ids: list[int],
    ) -> None:
        """`fresh_ids`: numbers of members that an earlier pass has fetched; more are added to it."""
        self._surroundings = surroundings
        self._submissions = submissions
        self._known = known
        self._connection = connection
        self.outcomes: list[Outcome | None] = [None] * len(submissions)
        self._decided = Decided(surroundings, known, connection, fresh_ids)
        self._states = self._decided.states
        self._claims = self._decided.claims
        self._directory = self._decided.directory
        self._parties = Parties(known, self._states, self._directory)
        #: What registrations of this batch were answered that rules rewarded, by member.
        self._welcomes: dict[int, Answer] = {}

    async def run(self) -> None:
        """Decide every command in turn. Raises NotLoaded where one needs more than was loaded."""
        for index, submission in enumerate(self._submissions):
            self.outcomes[index] = await self._decide_one(index, submission)

    async def _decide_one(self, index: int, submission: Submission) -> Outcome | None:
        answered = self._claims.answered(index, submission.command, self._directory.is_owner)
        if answered is not None:
            return answered
        refusal = check_instant(submission.occurred_at, self._known.now)
        if refusal is not None:
            return refusal
        command = submission.command
        if isinstance(command, RegisterMember):
            return await self._register(index, submission, command.identities)
        if self._parties.order_is_waiting(command):
            return None
        member = await self._parties.member_of(submission, command)
        if isinstance(member, Refusal):
            return member
        if (refusal := check_hold_owner(command, member)) is not None:
            return refusal
        past = None
        if needs_history(command) and member not in self._parties.waiting:
            if self._parties.changed(member):
                self._parties.waiting.add(member)
            elif needs_order(command):
                past = self._parties.order_beside(command, member)
            elif needs_past(command):
                past = self._known.links.past.get(self._known.links.reference(command) or (0, 0))
                if past is None or (order_named(command) is not None and past.kind is not Kind.EARN):
                    return unknown_past(command)
        receiver = None
        if isinstance(command, TransferPoints):
            found = self._directory.receiver_of(command, member)
            if isinstance(found, Refusal):
                # Whoever was named may be somebody else in the next batch.
                return None if member in self._parties.waiting else found
            receiver = found
            if {member, receiver.member_id} & self._parties.waiting:
                self._parties.waiting |= {member, receiver.member_id}
        if self._parties.changed(member) and self._parties.is_late(submission, member):
            # What it must know of earlier days is worked out from what is written.
            self._parties.waiting.add(member)
        others = self._parties.others_of(command, member)
        if isinstance(others, Refusal):
            return others
        if refusal := self._known.households.check(command, self._parties.waiting):
            return refusal
        pooled = None if past is None or past.trace.dealings is None else past.trace.dealings.pooled
        if pooled is not None and not pooled.redemption and isinstance(command, ReverseTransaction):
            by = (self._known.program_for(submission), context_of(submission, self._known.now))
            effects = cancel_pooled(command, pooled, self._known, self._states, self._parties.waiting, by)
            return self._decided.keep(index, member, effects) if isinstance(effects, Effects) else effects
        if member in self._parties.waiting:
            self._parties.wait_behind(command)
            return None
        if not is_ordinary(command):
            if isinstance(command, SetProfile):
                return self._set_profile(index, member, command.profile)
            if isinstance(command, MembershipCommand):
                return await self._change_household(index, submission, command)
            if isinstance(command, ON_THE_ROLL):
                return self._set_on_roll(index, submission, member, command)
            if is_about_redemption(command):
                asked_by = self._known.redeeming.asked_by(command, member, self._states)
                if isinstance(asked_by, Refusal):
                    return asked_by
                past = self._known.links.past.get(asked_by) if asked_by is not None else None
                if asked_by is not None and (past is None or self._parties.changed(member)):
                    # This batch has just changed what it is about.
                    self._parties.waiting.add(member)
                    return None
            if isinstance(command, DecideApproval):
                return self._decide_approval(index, submission, command, member)
        outcome = self._decide(index, submission, self._states[member], past, receiver, others)
        if isinstance(outcome, Refusal) and outcome.code == APPROVAL_NEEDED and isinstance(command, AdjustPoints):
            return await self._ask(index, submission, command, member)
        if isinstance(outcome, Refusal) and self._directory.was_added_last(member):
            self._directory.forget(member)
        return outcome

    def _decide(
        self,
        index: int,
        submission: Submission,
        state: MemberState,
        past: PastTransaction | None,
        receiver: MemberState | None,
        others: Sequence[MemberState] = (),
        approval: Approval | None = None,
    ) -> Outcome:
        program = self._known.program_for(submission)
        context = context_of(submission, self._known.now, approval, self._known.actor_names)
        command, supplies = submission.command, NO_SUPPLIES
        if not is_ordinary(command):
            command = self._known.households.named(command)
            if needs_supplies(command):
                supplies = self._decided.supplies.supplies(program, command, state)
        by = (program, context, self._known.program)
        ending = None
        if past is not None and past.add_ons:
            behind_add_ons = self._known.links.behind_add_ons
            ending = end_with_order(command, past, by, self._states, behind_add_ons, self._decided.supplies)
        if isinstance(ending, Refusal):
            return ending
        if ending is not None:
            state, past = ending.states[state.member_id], ending.order
            others = [ending.states[each.member_id] for each in others]
        effects = decide(
            program,
            command,
            context,
            state,
            past=past,
            receiver=receiver,
            others=others,
            shared_used=self._decided.shared_used,
            current=self._known.program,
            segments=self._known.segments.get(program.version),
            supplies=supplies,
        )
        self._decided.supplies.take_back(supplies, effects)
        if isinstance(effects, Effects) and effects.shared_steps:
            behind = self._known.links.behind(effects.shared_steps)
            effects = follow_steps(effects, by, self._states, behind)
        if not is_ordinary(command) and (waits := self._known.redeeming.check_going(command, self._states)):
            # Told after what the life of either does not allow, and instead of the points that are held for it.
            return waits if isinstance(effects, Effects) or effects.code == waits.code else effects
        if isinstance(effects, Refusal):
            return effects
        for each in () if ending is None else ending.effects:
            self._decided.book(each)
        answer = self._decided.keep(index, state.member_id, effects)
        if is_ordinary(command):
            return answer
        if isinstance(submission.command, MergeMembers | UndoMerge):
            self._merge(submission, effects)
        if not isinstance(submission.command, ChangeLife):
            return answer
        change = Change(state.member_id, "", state.status, submission.actor, submission.reason)
        self._decided.roll.enter(state, effects.states[0], submission.command, change)
        return self._decided.claim_plain(index, state.member_id)

    async def _change_household(self, index: int, submission: Submission, command: MembershipCommand) -> Outcome:
        """Let members come and go. Whatever else is asked of this household waits for the next batch."""
        assert self._known.program is not None
        changed = await self._decided.households.change(
            self._connection, self._known.program, command, self._states, submission
        )
        if isinstance(changed, Refusal):
            return changed
        self._decided.roll.changes += changed
        self._parties.waiting |= self._known.households.involved(command)
        return self._decided.claim_plain(index, command.member)

    def _merge(self, submission: Submission, effects: Effects) -> None:
        """Keep what a merge, or the undoing of one, is to move beside the points. Whatever else is asked of the two
        waits for the next batch, which finds everything where it is then."""
        merging = merging_of(submission, effects, self._known.now, self._surroundings.shards)
        self._decided.merges.append(merging)
        self._decided.roll.merge(effects.states, undone=bool(merging.undone_sequence), by=submission)
        self._parties.waiting |= {merging.survivor, merging.absorbed}

    async def _ask(self, index: int, submission: Submission, command: AdjustPoints, member: int) -> Answer:
        """Keep what a second person must approve; its number, negative, stands where a transaction's sequence would."""
        policy = self._known.program_for(submission).document.adjustments
        assert policy is not None
        number = await new_approval_id(self._connection)
        self._decided.requests.ask(number, member, command, submission, self._known.now, policy.lapse_days)
        answer = Answer(member, -number, False)
        self._claims.claim(index, answer)
        return answer

    def _decide_approval(self, index: int, submission: Submission, command: DecideApproval, member: int) -> Outcome:
        """Do what was asked for, or let it be; under the lock of the member's accounts, so that it is decided once."""
        request = self._decided.requests.find(command.approval)
        name = self._known.actor_names.get(submission.actor)
        refusal = check_decision(request, submission.actor, name, self._known.now)
        if refusal is not None:
            return refusal
        if not command.is_approved:
            answer = Answer(member, -request.approval_id, False)
            self._claims.claim(index, answer)
            self._decided.requests.decide(request, submission, self._known.now, None)
            return answer
        asked = msgspec.structs.replace(submission, command=command_of(request), reason=request.reason)
        outcome = self._decide(index, asked, self._states[member], None, None, approval=request)
        if isinstance(outcome, Answer):
            self._decided.requests.decide(request, submission, self._known.now, outcome.sequence)
        return outcome

    def _set_profile(self, index: int, member: int, profile: Profile) -> Outcome:
        program = self._known.program
        assert program is not None
        state = self._states[member]
        today = local_day(self._known.now, program.zone)
        refusal = check_life(program, state, "describe") or check_said(program, profile, today)
        if refusal is not None:
            return refusal
        said = msgspec.structs.replace(profile, registered_at=state.profile.registered_at)
        self._states[member] = msgspec.structs.replace(state, profile=said)
        self._decided.roll.profiles[member] = profile
        return self._decided.claim_plain(index, member)

    def _set_on_roll(self, index: int, submission: Submission, member: int, command: PersonCommand) -> Outcome:
        """Change what is known of a person. Moves no points."""
        assert self._known.program is not None
        state, command = self._states[member], self._decided.roll.respelled(command, member, self._known.phone_region)
        owners = {
            identity: owner
            for identity in getattr(command, "identities", ())
            if (owner := self._directory.lookup(identity)) is not None
        }
        by = Change(member, "", state.status, submission.actor, submission.reason)
        after = self._decided.roll.decide(self._known.program, state, command, owners, by, self._known.now)
        if isinstance(after, Refusal):
            return after
        self._states[member] = after
        return self._decided.claim_plain(index, member)

    async def _register(self, index: int, submission: Submission, identities: tuple[Identity, ...]) -> Outcome:
        owners = {self._directory.lookup(identity) for identity in identities}
        taken = sorted(owner for owner in owners if owner is not None)
        if taken:
            command = submission.command
            assert isinstance(command, RegisterMember)
            if command.known_is_fine and owners == set(taken[:1]):
                first = self._welcomes.get(taken[0]) or self._known.welcomes.get(taken[0]) or Answer(taken[0], 0, True)
                self._claims.claim_known(index, FoundKey(b"", taken[0], first.sequence))
                return self._claims.remember(msgspec.structs.replace(first, duplicate=True))
            found = ", ".join(str(member) for member in taken)
            message = f"An identity finds a member already ({found})."
            return Refusal("identity_taken", message, "/identities", {"member_id": found})
        command = submission.command
        assert isinstance(command, RegisterMember) and self._known.program is not None
        program = self._known.program
        known = newcomer(program, command, local_day(self._known.now, program.zone))
        if isinstance(known, Refusal):
            return known
        member = await self._directory.add(identities, submission)
        self._states[member] = msgspec.structs.replace(self._states[member], profile=known.profile)
        outcome: Outcome
        if type_of_event(command) in self._known.program_for(submission).books:
            outcome = self._welcome(index, submission, member, command.channel)
        else:
            outcome = self._decided.claim_plain(index, member)
        if isinstance(outcome, Answer):
            by = Change(member, "", MemberStatus.ACTIVE, submission.actor, submission.reason)
            verified = [in_full(each, self._known.phone_region) for each in command.verified]
            self._decided.roll.introduce(known, verified, by, self._known.now)
        return outcome

    def _welcome(self, index: int, submission: Submission, member: int, channel: str) -> Outcome:
        """Rate the registration itself, in a first transaction of the new member."""
        event = RecordEvent(member, REGISTERED, {"channel": channel})
        welcome = msgspec.structs.replace(submission, command=event)
        outcome = self._decide(index, welcome, self._states[member], None, None)
        if isinstance(outcome, Refusal):
            self._directory.forget(member)
        else:
            self._welcomes[member] = outcome
        return outcome

    async def write(self) -> None:
        """Write everything that was decided, in few statements."""
        await self._decided.write()
