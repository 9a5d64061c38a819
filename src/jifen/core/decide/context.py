"""What a decision is made with, and the one shape in which it is worked out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from datetime import date, datetime
from typing import Any, Final, TypedDict, Unpack

import msgspec

from jifen.core.calendar import days_later, expires_at, local_day, start_of_day
from jifen.core.draws.values import Drawn
from jifen.core.ledger.journal import Journal
from jifen.core.ledger.values import (
    LOTS_PER_TRANSACTION,
    Bucket,
    Kind,
    LotTerms,
    MemberState,
    Movement,
    Transaction,
)
from jifen.core.orders import Order
from jifen.core.program import Program
from jifen.core.redemption.machine import Move, Step
from jifen.core.redemption.values import NO_SUPPLIES, Redemption, Supplies
from jifen.core.refusal import Refusal
from jifen.core.rules.facts import MemberFacts, Moment
from jifen.core.rules.rate import Award
from jifen.core.rules.standing import Counters, facts_of
from jifen.core.segments.membership import SegmentConditions, with_more
from jifen.core.tiers.moves import tier_in_force
from jifen.core.tiers.standing import Standing, TierChange
from jifen.core.trace import Dealings, EndedAddOn, Merged, TakenBack, Trace, encode_trace


class Context(msgspec.Struct, frozen=True, gc=False):
    """Where a command comes from. `now` is when it is recorded; `source` and `key` make it unique for ever; `roles` are
    those of whoever sent it. `approval` is the request that a second person approved, `asked_by` who had made it.
    `names` is what the keys of actors are called, as far as somebody's decision asks for it. `is_replay`: nothing will
    be written, so that what the answering transaction would keep of itself as JSON is not made."""

    now: datetime
    occurred_at: datetime
    source: str
    key: str
    actor: str
    reason: str | None = None
    approval: int | None = None
    asked_by: str | None = None
    roles: tuple[str, ...] = ()
    names: Mapping[str, str] = {}
    is_replay: bool = False

    def is_by(self, actor: str) -> bool:
        """Whether the same person acted before as `actor`: a second key of the same name is the same person's."""
        name = self.names.get(self.actor)
        return actor == self.actor or (name is not None and name == self.names.get(actor))


class PastTransaction(msgspec.Struct, frozen=True, gc=False):
    """A transaction of earlier times, as a refund, reversal, capture or release needs it.

    `movements` carry the terms of their lots, also where they did not open them. `expired_by_lot` says how many
    points of the lots that it opened have expired so far (without those that an earlier refund took back from there).
    `program` is the version that decided it. `forgiven` belongs to what took points: by the sequence that opened a lot
    it took from, the points that refunds forgave because they were spent, less what cancelled spends gave up for that.
    `origins`, where its member was merged: for each survivor in turn, which lot there holds the points of which lot of
    the one before. `notes`, of a merge: what passed between the two since.

    `additions`, of an event: the movements with which corrections and refunds that gave more opened lots for it. They
    are its own as those that it opened itself, also for what has expired and what was forgiven: `roots` says, by the
    sequence that opened lots for another transaction, which one that was.

    `add_ons`, of an order: what was taken with it, whoever did (by member and sequence); `ended`: what becomes of that
    with the command that gives the order back.
    """

    sequence: int
    kind: Kind
    program: Program
    occurred_at: datetime
    facts: bytes | None
    trace: Trace
    movements: tuple[Movement, ...]
    referring: tuple[tuple[Kind, Trace], ...] = ()
    expired_by_lot: dict[int, int] = {}
    forgiven: dict[int, int] = {}
    source: str = ""
    origins: tuple[Mapping[int, int], ...] = ()
    notes: tuple[Merged, ...] = ()
    additions: tuple[Movement, ...] = ()
    roots: Mapping[int, int] = {}
    member_id: int = 0
    add_ons: Mapping[tuple[int, int], Redemption] = {}
    ended: tuple[EndedAddOn, ...] = ()

    def root_of(self, lot: int) -> int:
        """The sequence of the event whose points are in a lot."""
        opened = lot // LOTS_PER_TRANSACTION
        return self.roots.get(opened, opened)

    @property
    def is_order(self) -> bool:
        """Whether the facts are those of an order."""
        return self.facts is not None and not self.facts.startswith(b'{"event":')


def adds_points(sequence: int, movement: Movement) -> bool:
    """Whether a movement of a correction or refund opened a lot: it gave more than before."""
    is_opening = movement.lot // LOTS_PER_TRANSACTION == sequence
    return movement.source is Bucket.REVERSED and movement.terms is not None and is_opening


class Effects(msgspec.Struct, frozen=True, gc=False):
    """What a decision does: transactions in order, the new states, which transaction answers the command, what it uses
    of the caps that all members share, by usage name, how many pieces of stock it takes, by reward, and what others who
    pay for redemptions must follow."""

    transactions: tuple[Transaction, ...]
    states: tuple[MemberState, ...]
    answer: Transaction | None
    trace: Trace | None
    shared_uses: Mapping[str, int] = {}
    taken: Mapping[str, int] = {}
    shared_steps: Sequence[SharedStep] = ()


class SharedStep(msgspec.Struct, frozen=True, gc=False):
    """What became of the points of a redemption that others of a household pay for; theirs must follow.

    `sequence` is the transaction of whoever asked for it, `redemption_sequence` the one that had asked. `at` is when
    it counts from; `is_asked`: somebody asked for the step, it is not the work of time.
    """

    member: int
    sequence: int
    redemption_sequence: int
    redemption: Redemption
    step: Step
    move: Move
    at: datetime
    is_asked: bool


class About(TypedDict, total=False):
    """What only some kinds of transaction say of themselves, see Trace."""

    tier: TierChange
    orders: int
    merged: Merged
    taken: dict[str, int]
    step: Step
    redemption: Redemption
    drawn: Drawn


_NONE: Final = frozenset[str]()


class Decision:
    """One decision on one member while it is being worked out."""

    __slots__ = (
        "answer",
        "bound_above",
        "codes_used",
        "context",
        "counters",
        "current",
        "journal",
        "program",
        "raised",
        "redemptions",
        "segments",
        "shared_steps",
        "shared_used",
        "shared_uses",
        "state",
        "status",
        "supplies",
        "taken",
        "tiers",
        "trace",
        "transactions",
        "used_above",
        "uses",
    )

    def __init__(
        self,
        program: Program,
        context: Context,
        state: MemberState,
        shared_used: Mapping[str, int] = {},
        current: Program | None = None,
        segments: SegmentConditions | None = None,
        supplies: Supplies = NO_SUPPLIES,
    ) -> None:
        self.program = program
        self.segments = segments
        #: The version in force now, which decides about tiers; `program` is that of the time of an event.
        self.current = current or program
        #: Where the member stands, by tier set; None: nothing is decided about tiers.
        self.tiers: Mapping[str, Standing] | None = state.tiers
        #: The tier sets in which a rise was looked for on all that can be known.
        self.raised: frozenset[str] = _NONE
        self.shared_used = shared_used
        self.counters: Counters = state.counters
        self.status = state.status
        #: Points that whoever survived the member has in holds and savings, less what is owed there, by wallet.
        self.bound_above: Mapping[int, int] = {}
        #: What whoever survived the member has used of caps, the member's own part among it.
        self.used_above: Mapping[str, int] = {}
        #: What this decision uses of the member's caps, and of those that all share.
        self.uses: dict[str, int] = {}
        self.shared_uses: dict[str, int] = {}
        #: Stock and codes to draw on, and how many pieces this decision takes.
        self.supplies = supplies
        self.taken: dict[str, int] = {}
        self.codes_used = 0
        #: What others who pay for these redemptions must follow.
        self.shared_steps: list[SharedStep] = []
        #: The redemptions that this decision made or changed.
        self.redemptions: dict[int, Redemption] = {}
        self.context = context
        self.state = state
        self.journal = Journal(state)
        self.transactions: list[Transaction] = []
        self.answer: Transaction | None = None
        self.trace: Trace | None = None

    def begin(self) -> None:
        """Start the next transaction of the member."""
        self.journal.begin()

    def end(
        self,
        kind: Kind,
        occurred_at: datetime,
        *,
        wallet: int | None = None,
        points: int | None = None,
        awards: list[Award] | None = None,
        taken_back: list[TakenBack] | None = None,
        returned: dict[str, int] | None = None,
        until: datetime | None = None,
        reference: str | None = None,
        withheld: int | None = None,
        member: MemberFacts | None = None,
        used: dict[str, int] | None = None,
        failed: dict[str, str] | None = None,
        corrected: Order | None = None,
        uses: dict[str, int] | None = None,
        dealings: Dealings | None = None,
        capped: list[Award] | None = None,
        spent: int = 0,
        facts: bytes | None = None,
        refers_to: int | None = None,
        counterpart: tuple[int, int] | None = None,
        is_answer: bool = False,
        is_asked: bool = False,
        program: Program | None = None,
        **about: Unpack[About],
    ) -> None:
        """Close the transaction and keep it. `is_answer`: it is what the command asked for, and has its key;
        `is_asked`: the command asked for it besides; neither: time did it.

        `program` is the version that decided it where that is not the current one (refunds).
        """
        movements, balances = self.journal.end(wallet or self.program.default_wallet)
        trace = Trace(
            balances,
            awards or [],
            wallet,
            points,
            taken_back or [],
            returned or {},
            until,
            reference,
            withheld,
            member,
            used or {},
            failed or {},
            corrected,
            uses or {},
            dealings,
            capped=capped or [],
            spent=spent,
            **about,
        )
        context = self.context
        transaction = Transaction(
            self.state.member_id,
            self.journal.sequence,
            kind,
            (program or self.program).version,
            occurred_at,
            context.now,
            context.source if is_answer else TIME_SOURCE,
            context.key if is_answer else "",
            context.actor if is_answer or is_asked else TIME_SOURCE,
            movements,
            b"" if is_answer and context.is_replay else encode_trace(trace),
            facts,
            context.reason if is_answer or is_asked else None,
            refers_to,
            counterpart,
        )
        self.transactions.append(transaction)
        if is_answer:
            self.answer = transaction
            self.trace = trace

    def effects(self) -> Effects:
        """Everything that was decided."""
        self._tell_what_is_left()
        state = self.state
        changes: dict[str, Any] = {}
        if self.counters is not state.counters:
            changes["counters"] = self.counters
        if self.uses:
            used = changes["used"] = dict(state.used)
            for name, number in self.uses.items():
                used[name] = used.get(name, 0) + number
                assert used[name] >= 0  # I-14
        if self.status is not state.status:
            changes["status"] = self.status
        if self.tiers is not state.tiers:
            changes["tiers"] = self.tiers
        if self.redemptions:
            changes["redemptions"] = {**state.redemptions, **self.redemptions}
        return Effects(
            tuple(self.transactions),
            (self.journal.close(**changes),),
            self.answer,
            self.trace,
            self.shared_uses,
            self.taken,
            tuple(self.shared_steps),
        )

    def _tell_what_is_left(self) -> None:
        """Let the answer tell the balances after everything that was booked behind it: what an order captured, what of
        a hold was freed, what expired as it came back."""
        answer, trace = self.answer, self.trace
        if answer is None or trace is None or self.transactions[-1] is answer:
            return
        place = answer.sequence - self.transactions[0].sequence
        assert self.transactions[place] is answer
        moved = [each.wallet for later in self.transactions[place + 1 :] for each in later.movements]
        wallets = dict.fromkeys([*(each.wallet for each in trace.balances), *moved])
        left = [self.journal.look(wallet).balances for wallet in wallets]
        if left == trace.balances:
            return
        self.trace = msgspec.structs.replace(trace, after_all=left)
        told = b"" if self.context.is_replay else encode_trace(self.trace)
        self.answer = msgspec.structs.replace(answer, trace=told)
        self.transactions[place] = self.answer

    def fresh_codes(self, number: int) -> tuple[str, ...]:
        """Codes that nobody has yet, each once."""
        codes = self.supplies.codes[self.codes_used : self.codes_used + number]
        self.codes_used += number
        return codes

    def member_facts(self, day: date, counters: Counters, *, with_registration: bool = True) -> MemberFacts:
        """What rules see of the member on a local day, with these counters. The first tier set says which tier."""
        profile, sets = self.state.profile, self.program.tier_sets
        if self.tiers is None or not sets:
            return facts_of(profile, counters, day, with_registration=with_registration)
        tiers = {each.id: tier_in_force(each, self.tiers.get(each.id)) for each in sets}
        return facts_of(profile, counters, day, tiers[sets[0].id], tiers, with_registration=with_registration)

    def with_segments(self, member: MemberFacts, asked: Set[str], instant: datetime) -> MemberFacts:
        """What is known of the member with the saved segments: the lists, and of those asked for by name each whose
        condition is true just before whatever happens now is counted."""
        segments = with_more(member.segments, self.state.lists)
        member = msgspec.structs.replace(member, segments=segments)
        if self.segments is None:
            return member
        moment = Moment(instant, self.program.zone)
        numbers = self.program.wallet_numbers
        balances = {wallet: self.journal.look(number).available for wallet, number in numbers.items()}
        found = self.segments.found(asked, member, moment, balances)
        return msgspec.structs.replace(member, segments=with_more(segments, found)) if found else member

    def wallet_number(self, wallet: str | None) -> int | Refusal:
        """The number of a wallet named in a command; none named: the program's first."""
        if wallet is None:
            return self.program.default_wallet
        number = self.program.wallet_numbers.get(wallet)
        if number is None:
            known = self.program.wallet_numbers
            message = f"There is no wallet {wallet!r}; the program has {', '.join(known)}."
            return Refusal("unknown_wallet", message, "/wallet", message_zh=f"{wallet!r}；有 {'、'.join(known)}。")
        return number

    def spendable_wallet(self, wallet: str | None) -> int | Refusal:
        """The number of a wallet whose points can leave it other than by time or refund."""
        number = self.wallet_number(wallet)
        if isinstance(number, int) and number in self.program.qualifying:
            name = self.program.wallet_ids[number]
            message = f"Points of the wallet {name!r} count for tiers; they cannot be spent, held, converted or given."
            return Refusal("wallet_not_spendable", message, "/wallet", {"wallet": name})
        return number

    def expiry_of(self, wallet: int, earned_at: datetime) -> datetime:
        """When points that no rule awarded expire in this wallet, if earned at an instant."""
        return expires_at(self.program.expiry_of_wallet[wallet], earned_at, self.program.zone)

    def new_terms(self, wallet: int, earned_at: datetime) -> LotTerms:
        """Terms of points that are valid at once and expire as this wallet's points do."""
        return LotTerms(earned_at, earned_at, self.expiry_of(wallet, earned_at))

    def end_of_grace(self, returned_at: datetime) -> datetime:
        """The end of the local day on which the program's days of grace run out."""
        zone = self.program.zone
        day = local_day(days_later(returned_at, self.program.document.returns.grace_days + 1, zone), zone)
        return start_of_day(day, zone)


#: Source of what has no key of its own, and actor of what time does by itself.
TIME_SOURCE = "jifen:time"
