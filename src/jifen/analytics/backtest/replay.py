"""The replay: what was asked for, once more through the one core, under the draft."""

from __future__ import annotations

from collections.abc import Container, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from jifen.analytics.backtest.asking import command_of
from jifen.analytics.backtest.entries import KINDS, Entry, earning_of, moves_nothing
from jifen.analytics.backtest.kin import Kin
from jifen.analytics.backtest.member_count import MemberCount
from jifen.analytics.backtest.memory import Memory
from jifen.analytics.backtest.past_counters import Changes, counters_by, remember_change
from jifen.analytics.backtest.recorded import decode_recorded
from jifen.analytics.backtest.stage import Stage
from jifen.analytics.backtest.standings import GIVEN, MemberTiers
from jifen.analytics.backtest.transfers import transfer
from jifen.core.calendar import local_day
from jifen.core.commands import RecordEvent, RecordOrder, SettleMember
from jifen.core.decide import Context, Effects, PastTransaction, decide
from jifen.core.decide.draw import book_recorded
from jifen.core.decide.tiers import book_recorded_grant
from jifen.core.ledger.values import Kind, MemberState, MemberStatus
from jifen.core.limits import MAXIMUM_BALANCE
from jifen.core.program import Program
from jifen.core.refusal import Refusal
from jifen.core.rules.facts import MemberFacts
from jifen.core.rules.months import Month, changed, month_of
from jifen.core.rules.rate import Award
from jifen.core.rules.standing import Profile, profile_of
from jifen.core.tiers.commands import RecalculateTiers
from jifen.engine.references import late_day

#: The code of what refers to a transaction that was refused itself.
FOLLOWS_REFUSED: Final = "follows_refused"
_NOTHING: Final[Mapping[str, int]] = {}
# Looked up once: a member of an enumeration costs as much as a call, and these are asked for with every row.
_EARN, _TIER, _MERGE = Kind.EARN, Kind.TIER, Kind.MERGE
#: Of a family everything may be referred to.
_ALL: Final = range(1, 2**31)


class MemberReplay:
    """One member's transactions, one after another."""

    __slots__ = (
        "_changes",
        "_counted",
        "_kin",
        "_memory",
        "_spent_by",
        "_stage",
        "_state",
        "_tiers",
        "own_months",
    )

    def __init__(
        self, stage: Stage, member_id: int, profile: Profile, referred: Container[int] | None, kin: Kin | None = None
    ) -> None:
        """`referred`: the recorded sequences that others refer to; `kin`: the family of who was ever merged."""
        self._stage = stage
        self._kin = kin
        if kin is not None:
            kin.replays[member_id] = self
            referred = _ALL
        #: In a family: what the member did month by month, whoever it counts for.
        self.own_months: tuple[Month, ...] = ()
        self._memory = None if referred is None else Memory(member_id, referred)
        self._state = stage.fresh_state(member_id, profile)
        self._tiers = MemberTiers(stage.tiers) if stage.tiers.are_there else None
        self._counted = MemberCount(stage, member_id)
        #: What moved the counters, for events that come late.
        self._changes: Changes = {}
        #: By which step the points of a redemption that waited were spent.
        self._spent_by: dict[int, int] = {}

    def take(self, row: Any) -> None:
        """Replay one row of the ledger."""
        _, sequence, kind, version, refers_to, occurred_at, recorded_at, source, facts, trace, opened, history_at = row
        stage = self._stage
        stage.sums.rows += 1
        entry = Entry(
            sequence,
            KINDS[kind],
            version,
            refers_to,
            occurred_at,
            recorded_at,
            history_at or recorded_at,
            source,
            facts,
            decode_recorded(trace),
            opened,
        )
        is_before = stage.has_before and stage.period.is_before(occurred_at)
        is_counted = stage.counts_all or not (is_before or stage.period.is_after(occurred_at))
        if self._kin is not None:
            self._kin.count_months()
        if entry.kind is _TIER:
            self._take_tier(entry, is_before=is_before, is_counted=is_counted)
            return
        if entry.kind is _MERGE:
            assert self._kin is not None
            if (met := self._kin.meet(self._state.member_id, entry)) is not None:
                survivor, merge = met
                self._kin.replays[survivor].take_merge(merge, is_before=is_before, is_counted=is_counted)
            return
        if entry.trace.member is not None:
            self._look_at_facts(entry.trace.member)
        program = self._program_for(entry) if is_before else stage.draft
        command = earning_of(entry, self._state.member_id) if entry.kind is _EARN else None
        effects = self._decide(entry, program, command)
        elsewhere: list[Award] | None = None
        if not isinstance(effects, Refusal):
            self._follow(effects)
            if is_counted and command is not None and stage.tiers.matter:
                elsewhere = self._awards_elsewhere(entry, command)
            self._keep(entry, effects, program)
        if is_counted:
            stage.sums.history += history_at is not None
            tiers = None if command is None else self._tiers_at(entry)
            self._counted.count(entry, command, effects, tiers, elsewhere)

    def _take_tier(self, entry: Entry, *, is_before: bool, is_counted: bool) -> None:
        """A change of a tier. What people gave is given again, and a recalculation that was asked for is asked for
        again; all else is decided anew, so that it is only told beside the draft's."""
        change, tiers, stage = entry.trace.tier, self._tiers, self._stage
        assert change is not None
        if tiers is not None:
            tiers.move_as_recorded(change, entry.occurred_at)
        if is_before:
            # What was decided by then stays as it was, whichever version decided it.
            if tiers is not None:
                tiers.take_over(change)
            standings = {**(self._state.tiers or {}), change.tier_set: change.standing}
            self._state = msgspec.structs.replace(self._state, tiers=standings)
            return
        if tiers is None:
            # Neither the draft nor the version in force has tier sets: a past one had.
            return
        context = self._context(entry)
        if change.cause in GIVEN:
            effects = book_recorded_grant(stage.draft, context, self._state, change)
        elif change.cause == "recalculated":
            effects = decide(stage.draft, RecalculateTiers(self._state.member_id), context, self._state)
        else:
            return
        if not isinstance(effects, Refusal):
            self._follow(effects)
            self._keep(entry, effects, stage.draft)
        if is_counted and change.cause == "granted":
            self._counted.count(entry, None, effects)

    def take_merge(self, entry: Entry, *, is_before: bool, is_counted: bool) -> None:
        """Become one with another member, or two again, as this survivor's transaction says."""
        program = self._program_for(entry) if is_before else self._stage.draft
        effects = self._merge(entry, program)
        if not isinstance(effects, Refusal):
            self._follow(effects)
            self._keep(entry, effects, program)
        if is_counted:
            self._counted.count(entry, None, effects)

    def follow_along(self, effects: Effects, state: MemberState) -> None:
        """Follow what was decided on another of the family, and on this member with it."""
        self._state = state
        self._follow(effects)
        self._stage.tally.moved(effects.transactions, state.member_id)
        assert self._memory is not None
        self._memory.note(effects)

    @property
    def state(self) -> MemberState:
        """As the member stands under the draft."""
        return self._state

    @property
    def counts_months(self) -> bool:
        """Whether tiers may ask what was done month by month."""
        return self._stage.counts_months

    def expired_of(self, lot: int) -> int:
        """What of a lot has expired under the draft."""
        assert self._memory is not None
        return self._memory.expired_of(lot)

    def know_months(self, months: tuple[Month, ...]) -> None:
        """Have counters of months again, which a merge leaves uncounted."""
        counters = msgspec.structs.replace(self._state.counters, months=months)
        self._state = msgspec.structs.replace(self._state, counters=counters)

    def close(self) -> None:
        """Do what time has done by the end, and count the member."""
        if self._kin is not None:
            self._kin.count_months()
        stage, state = self._stage, self._state
        end = stage.period.settled_at
        is_due = any(account.next_change_at <= end for account in state.accounts)
        if is_due or _is_reviewed_by(state, end):
            effects = decide(stage.draft, SettleMember(state.member_id), Context(end, end, "", "", ""), state)
            assert isinstance(effects, Effects)
            stage.tally.moved(effects.transactions, state.member_id)
            self._follow(effects)
        if self._tiers is not None:
            self._tiers.close()
        self._counted.close()

    # --- decide ---

    def _program_for(self, entry: Entry) -> Program:
        """The version that decided what lies before the period."""
        if entry.kind is Kind.EARN:
            return self._stage.versions[entry.version]
        return self._stage.program_at(entry.recorded_at)

    def _version_now(self, entry: Entry) -> Program:
        """The version that decides about tiers where it is not the one that decides the rest."""
        stage = self._stage
        if stage.has_before and stage.period.is_before(entry.recorded_at):
            return stage.program_at(entry.recorded_at)
        return stage.draft

    def _look_at_facts(self, facts: MemberFacts) -> None:
        """What was known of the member then, where it was kept; else what is known now."""
        profile = profile_of(facts)
        if facts.tiers:
            # That tier was worked out; what the profile says of one was not kept.
            profile = msgspec.structs.replace(profile, tier=self._state.profile.tier)
        self._state = msgspec.structs.replace(self._state, profile=profile)

    def _context(self, entry: Entry) -> Context:
        dealings = entry.trace.dealings
        approval = None if dealings is None else dealings.approval
        return Context(entry.decided_at, entry.occurred_at, entry.source, "", "", None, approval, is_replay=True)

    def _decide_earning(
        self, entry: Entry, program: Program, earning: RecordOrder | RecordEvent, state: MemberState
    ) -> Effects | Refusal:
        shared = self._shared_used(entry, program)
        state = self._with_counters_then(entry, program, earning, state)
        current = self._version_now(entry)
        return decide(program, earning, self._context(entry), state, shared_used=shared, current=current)

    def _shared_used(self, entry: Entry, program: Program) -> Mapping[str, int]:
        """What all had used of caps."""
        if program is not self._stage.draft:
            # Before the period: by then, of the caps of that time.
            return entry.trace.used
        return self._stage.sums.shared_uses if self._stage.in_order else _NOTHING

    def _decide(self, entry: Entry, program: Program, earning: RecordOrder | RecordEvent | None) -> Effects | Refusal:
        if earning is not None:
            return self._decide_earning(entry, program, earning, self._state)
        context = self._context(entry)
        if entry.kind is Kind.TRANSFER:
            assert entry.trace.wallet is not None
            wallet, in_force = self._stage.draft.wallet_ids[entry.trace.wallet], self._version_now(entry)
            return transfer(entry, program, context, self._state, wallet, in_force)
        if entry.kind is Kind.DRAW:
            trace, drawn = entry.trace, entry.trace.drawn
            assert drawn is not None and trace.wallet is not None and trace.points is not None
            price = (trace.wallet, trace.points)
            won, in_force = (drawn.wallet, drawn.points), self._version_now(entry)
            return book_recorded(program, context, self._state, price, won, in_force)
        past, refers_to = None, self._refers_to(entry)
        if refers_to is not None:
            found = self._past(refers_to)
            if isinstance(found, Refusal):
                return found
            past = found
        state = self._state
        if entry.kind is Kind.SAVE:
            # How much was earned in a year is a matter of that time; what was saved then was allowed.
            state = msgspec.structs.replace(state, earned_this_year=MAXIMUM_BALANCE)
        command = command_of(entry, state.member_id, past, self._stage.draft, self._stage.versions)
        survivors = list[MemberState]()
        if past is not None and state.status is MemberStatus.MERGED:
            assert self._kin is not None
            past, survivors = self._kin.behind(state.member_id, past)
        shared, current = self._shared_used(entry, program), self._version_now(entry)
        return decide(
            program, command, context, state, past=past, others=survivors, shared_used=shared, current=current
        )

    def _merge(self, entry: Entry, program: Program) -> Effects | Refusal:
        kin, side, past, survivor = self._kin, entry.trace.merged, None, self._state.member_id
        assert kin is not None and side is not None
        if entry.refers_to is not None:
            found = self._past(entry.refers_to)
            if isinstance(found, Refusal):
                return found
            past = kin.with_notes(survivor, side.other, found)
        command, others = kin.command_of(survivor, entry, past), [kin.replays[side.other].state]
        context, current = self._context(entry), self._version_now(entry)
        return decide(program, command, context, self._state, past=past, others=others, current=current)

    def _past(self, recorded: int) -> PastTransaction | Refusal:
        """What a transaction of this member came to, which another one refers to."""
        past = None if self._memory is None else self._memory.past(recorded)
        message = f"Transaction {recorded} of this member, which it refers to, was refused."
        return Refusal(FOLLOWS_REFUSED, message) if past is None else past

    def _with_counters_then(
        self, entry: Entry, program: Program, earning: RecordOrder | RecordEvent, state: MemberState
    ) -> MemberState:
        day = late_day(earning, entry.occurred_at, program, state.counters)
        if day is None:
            return state
        then = counters_by(self._changes, day, self._stage.draft.zone)
        return msgspec.structs.replace(state, counters_then={day: then})

    def _refers_to(self, entry: Entry) -> int | None:
        """The transaction whose points this one moves on. Most steps of a redemption move none."""
        if moves_nothing(entry) or entry.refers_to is None:
            return None
        if entry.kind is not Kind.STEP:
            return entry.refers_to
        if entry.trace.step in ("pay", "approve"):
            self._spent_by[entry.refers_to] = entry.sequence
        elif entry.trace.gives_back:
            return self._spent_by.get(entry.refers_to, entry.refers_to)
        return entry.refers_to

    # --- what it came to ---

    def _tiers_at(self, entry: Entry) -> tuple[str, str]:
        """`member.tier` at an event, as recorded and under the draft."""
        facts, tiers, said = entry.trace.member, self._tiers, self._state.profile.tier
        if tiers is None:
            return said, said
        sides = self._stage.tiers
        recorded = facts.tier if facts is not None else sides.first_as_recorded(tiers.as_recorded(None), said)
        return recorded, sides.first_under_draft(tiers.at_answer, said)

    def _awards_elsewhere(self, entry: Entry, earning: RecordOrder | RecordEvent) -> list[Award] | None:
        """What the draft would have given, had the member stood in the tiers in which they really stood; None: the
        same. Asked before the event itself counts anywhere."""
        facts, tiers = entry.trace.member, self._tiers
        assert tiers is not None
        said = self._state.profile.tier if facts is None else facts.tier
        standings = tiers.elsewhere(tiers.as_recorded(facts), said, entry.decided_at)
        if standings is None:
            return None
        there = msgspec.structs.replace(self._state, tiers=standings)
        effects = self._decide_earning(entry, self._stage.draft, earning, there)
        return None if isinstance(effects, Refusal) or effects.trace is None else effects.trace.awards

    def _follow(self, effects: Effects) -> None:
        if self._tiers is not None:
            self._tiers.follow(effects, self._state.member_id)

    def _keep(self, entry: Entry, effects: Effects, program: Program) -> None:
        self._state = effects.states[0]
        self._stage.tally.moved(effects.transactions, self._state.member_id)
        if self._memory is not None:
            self._memory.keep(entry, effects, program)
        if self._kin is not None:
            self._kin.follow(effects)
            self._count_month(entry, effects)
        if self._stage.may_ask:
            remember_change(self._changes, entry, effects)
        shared_uses = self._stage.sums.shared_uses
        for name, number in effects.shared_uses.items():
            shared_uses[name] = shared_uses.get(name, 0) + number

    def _count_month(self, entry: Entry, effects: Effects) -> None:
        """Count what counts in a month, a refund or correction in that of what it is about."""
        trace, at, earned = effects.trace, entry.occurred_at, dict[int, int]()
        if trace is None or entry.kind not in (Kind.EARN, Kind.REVERSE, Kind.CORRECT):
            return
        if entry.kind is not Kind.EARN:
            about = None if entry.refers_to is None else self._past(entry.refers_to)
            if about is None or isinstance(about, Refusal) or about.kind is not Kind.EARN:
                return
            at = about.occurred_at
        for wallet, points in (
            *((award.wallet, award.points) for award in trace.awards),
            *((taken.wallet, -taken.points) for taken in trace.taken_back),
        ):
            earned[wallet] = earned.get(wallet, 0) + points
        month = month_of(local_day(at, self._stage.draft.zone))
        orders = int(entry.kind is Kind.EARN and entry.is_order)
        self.own_months = changed(self.own_months, month, orders=orders, spent_cents=trace.spent, earned=earned)


def _is_reviewed_by(state: MemberState, end: datetime) -> bool:
    """Whether a tier is reviewed, or ends, by an instant."""
    return any((look_at := each.look_at) is not None and look_at <= end for each in (state.tiers or {}).values())
