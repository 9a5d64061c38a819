"""Two members become one, and two again: points keep their lots' terms, and nothing is lost or doubled.

Everything of the merged member goes to the survivor, in a pair of transactions like a transfer. What later concerns the
merged member's own past (a refund of its order, a cancelled spend) is decided on the merged member, as its transactions
and lots are what it is about: the points that must be taken back are recalled from the survivor first, and whatever
comes of it follows there. So the rules of refunds know nothing of merges.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date

import msgspec

from jifen.core.calendar import local_day
from jifen.core.decide.context import Context, Decision, Effects, PastTransaction
from jifen.core.decide.earn import check_debt, check_room
from jifen.core.decide.finish import finish
from jifen.core.decide.settle import settle
from jifen.core.decide.tiers import join_tiers, look_at_tiers, part_tiers
from jifen.core.ledger.journal import NotLoaded
from jifen.core.ledger.values import Bucket, Kind, Lot, LotTerms, MemberState, MemberStatus, Piece
from jifen.core.members.closing import refuse_open_holds
from jifen.core.members.commands import MergeMembers, UndoMerge
from jifen.core.members.counting import join_counters, part_counters, part_months, uncounted
from jifen.core.members.life import check_life
from jifen.core.program import Program
from jifen.core.refusal import Refusal
from jifen.core.rules.standing import NO_COUNTERS
from jifen.core.trace import Merged, MovedLot, Settled

Apply = Callable[[Decision, PastTransaction], Refusal | None]
#: By wallet and lot, how many points are taken back.
Needs = dict[tuple[int, int], int]


def decide_merge(survivor: Decision, absorbed: Decision, command: MergeMembers) -> Effects | Refusal:
    """Move everything of one member to the other. Holds are not moved: whoever placed them knows them by the old
    number, so they are captured or released first."""
    if refusal := check_life(absorbed.program, absorbed.state, "merge", "/from"):
        return refusal
    for decision in (survivor, absorbed):
        look_at_tiers(decision)
        settle(decision)
    if refusal := refuse_open_holds(absorbed):
        return refusal
    for account in absorbed.state.accounts:
        draft = absorbed.journal.look(account.wallet)
        points = draft.available + draft.pending + draft.saved
        if refusal := check_room(survivor, account.wallet, points) or check_debt(survivor, account.wallet, draft.debt):
            return refusal
    stood = join_tiers(survivor, absorbed)
    before, moved = uncounted(survivor.counters), uncounted(absorbed.counters)
    survivor.counters, absorbed.counters = join_counters(before, moved), NO_COUNTERS
    uses = {name: used for name, used in absorbed.state.used.items() if used}
    survivor.uses, absorbed.uses = uses, {name: -used for name, used in uses.items()}
    note = Merged(
        command.absorbed,
        "merge",
        counters=moved,
        before=before,
        stood=stood,
        at=survivor.context.now if stood else None,
    )
    _move_all(absorbed, survivor, note, is_answer=True, uses=uses)
    absorbed.status = MemberStatus.MERGED
    return _effects(survivor, survivor, absorbed)


def decide_undo(survivor: Decision, merged: Decision, command: UndoMerge, past: PastTransaction) -> Effects | Refusal:
    """Give back what came with the merge, as far as it is still there.

    Of each lot that came: what is left of it. What was spent or has expired meanwhile stays so, at the survivor, who
    did it. Debt that one paid for the other in the merge is undone; what happened afterwards stays where it happened.
    """
    note = past.trace.merged
    if past.kind is not Kind.MERGE or note is None or note.step != "merge":
        name = f"{command.member}-{command.sequence}"
        return Refusal("unknown_merge", f"Transaction {name} is no merge of two members.", None, {"merge_id": name})
    if any(kind is Kind.MERGE for kind, _ in past.referring):
        return Refusal("merge_undone", "This merge was undone before.")
    look_at_tiers(survivor)
    settle(survivor)
    lots = [*note.lots, *(lot for each in past.notes if each.step == "follow" for lot in each.lots)]
    survivor.begin()
    merged.begin()
    for moved in lots:
        _return_lot(survivor, merged, moved)
    _part_debts(survivor, merged, note)
    counters = note.counters
    # When it changed was not noted: no later than today.
    today = local_day(survivor.context.now, survivor.program.zone)
    for each in past.notes:
        for day, cents in each.changed:
            counters = counters.with_change(day, cents, today)
    months = part_months(survivor.counters.months, merged.counters.months)
    survivor.counters = part_counters(survivor.counters, note.before, counters, months)
    merged.counters = counters
    came = _sum_of_uses([past.trace.uses, *(each.uses for each in past.notes)])
    # Misses in a row that the survivor has ended since are over.
    here = survivor.state.used
    uses = {name: left for name, used in came.items() if (left := min(used, here.get(name, 0)))}
    survivor.uses, merged.uses = {name: -used for name, used in uses.items()}, uses
    _end_pair(
        merged,
        survivor,
        Merged(merged.journal.member_id, "undo"),
        is_answer=True,
        orders=-counters.orders,
        spent=-counters.spent_total,
        uses=survivor.uses,
        refers_to=past.sequence,
    )
    merged.status = MemberStatus.ACTIVE
    part_tiers(survivor, note.stood, note.at)
    return _effects(survivor, survivor, merged)


def _sum_of_uses(parts: Sequence[Mapping[str, int]]) -> dict[str, int]:
    """What came with a merge and what of it was given back since: what is still used of limits."""
    uses: dict[str, int] = {}
    for part in parts:
        for name, used in part.items():
            uses[name] = uses.get(name, 0) + used
    return {name: used for name, used in uses.items() if used}


def decide_for_merged(
    by: tuple[Program, Context, Program | None],
    states: Sequence[MemberState],
    past: PastTransaction,
    apply: Apply,
    shared_used: Mapping[str, int] = {},
) -> Effects | Refusal:
    """Decide what concerns the past of a merged member. `states`: the member's, and those of the survivors in turn.

    What must be recalled is found by trying it with everything there is; then just that is recalled.
    """
    trial = _Chain(by, states, past, shared_used)
    outcome = trial.run(apply, None)
    if isinstance(outcome, Refusal) or outcome.answer is None:
        return outcome
    needs: Needs = {}
    for each in outcome.answer.movements:
        if each.source in (Bucket.AVAILABLE, Bucket.PENDING) and each.target is Bucket.REVERSED:
            needs[each.wallet, each.lot] = needs.get((each.wallet, each.lot), 0) + each.amount
    return _Chain(by, states, past, shared_used).run(apply, needs)


class _Waiting(msgspec.Struct, frozen=True, gc=False):
    """Points of a lot that are to be sent somewhere; `pending`: they are not valid yet."""

    wallet: int
    lot: Lot
    pending: bool


def _cut(lots: Sequence[_Waiting], points: int) -> list[_Waiting]:
    """The first so many points of these lots."""
    taken = []
    for each in lots:
        part = min(points, each.lot.remaining)
        if part:
            taken.append(_Waiting(each.wallet, Lot(each.lot.lot, each.lot.terms, part), each.pending))
        points -= part
    return taken


class _Chain:
    """A merged member and the survivors, each of the next, while something of its past is decided."""

    def __init__(
        self,
        by: tuple[Program, Context, Program | None],
        states: Sequence[MemberState],
        past: PastTransaction,
        shared_used: Mapping[str, int],
    ) -> None:
        program, context, current = by
        self._decisions = [Decision(program, context, state, shared_used, current) for state in states]
        self._past = past

    def run(self, apply: Apply, needs: Needs | None) -> Effects | Refusal:
        """Recall, decide, let follow. `needs`: what will be taken back of which lots; None: that is not known yet."""
        first, *survivors = self._decisions
        for decision in self._decisions:
            settle(decision)
        self._recall(needs)
        first.bound_above = self._bound()
        first.used_above = self._decisions[-1].state.used
        refusal = apply(first, self._past_by_now())
        if refusal is not None:
            return refusal
        occurred_at = first.context.occurred_at
        settle(first, not_before=occurred_at)
        cents = first.counters.spent_total
        day = local_day(self._past.occurred_at, self._past.program.zone)
        for lower, upper in zip(self._decisions, survivors, strict=False):
            _follow(lower, upper, day, cents)
        settle(survivors[-1], not_before=occurred_at)
        return _effects(first, *self._decisions)

    def _bound(self) -> dict[int, int]:
        """What is in holds and savings of the last survivor, less what is owed there, by wallet: it is not spent."""
        top = self._decisions[-1]
        drafts = [top.journal.look(account.wallet) for account in top.state.accounts]
        return {draft.wallet: draft.held + draft.saved - draft.debt for draft in drafts}

    def _past_by_now(self) -> PastTransaction:
        """The transaction in question, with what has expired of its lots at the last survivor in this very decision."""
        expired = dict(self._past.expired_by_lot)
        for transaction in self._decisions[-1].transactions:
            for movement in transaction.movements:
                origin = self._origin(movement.lot)
                if movement.target is Bucket.EXPIRED and origin:
                    expired[origin] = expired.get(origin, 0) + movement.amount
        return msgspec.structs.replace(self._past, expired_by_lot=expired)

    def _recall(self, needs: Needs | None) -> None:
        """Bring points from the last survivor down to the merged member: those of the lots in question, and others."""
        opening = (*self._past.movements, *self._past.additions)
        in_question = {each.lot for each in opening if each.terms is not None}
        wanted: list[_Waiting] = []
        for wallet in sorted({each.wallet for each in self._past.movements}):
            waiting = self._lots_of(wallet)
            origins = {each.lot.lot: self._origin(each.lot.lot) for each in waiting}
            own = [each for each in waiting if origins[each.lot.lot] in in_question]
            others = [each for each in waiting if origins[each.lot.lot] not in in_question and not each.pending]
            if needs is None:
                wanted += [*own, *others]
                continue
            for lot in sorted(in_question):
                wanted += _cut([each for each in own if origins[each.lot.lot] == lot], needs.get((wallet, lot), 0))
            from_others = [
                points for (place, lot), points in needs.items() if place == wallet and lot not in in_question
            ]
            wanted += _cut(others, sum(from_others))
        if not wanted:
            return
        for hop in range(len(self._decisions) - 1, 0, -1):
            wanted = _send_down(self._decisions[hop], self._decisions[hop - 1], wanted, self._past.origins[hop - 1])

    def _lots_of(self, wallet: int) -> list[_Waiting]:
        """The lots of the last survivor, pending ones first."""
        top = self._decisions[-1]
        draft = top.journal.look(wallet)
        if not draft.is_complete or draft.horizon is not None:
            raise NotLoaded(top.journal.member_id)
        waiting = [_Waiting(wallet, lot, True) for lot in draft.pending_lots]
        return waiting + [_Waiting(wallet, lot, False) for lot in draft.lots]

    def _origin(self, lot: int) -> int:
        """The lot of the merged member whose points are in a lot of the last survivor; 0: none."""
        for origins in reversed(self._past.origins):
            lot = origins.get(lot, 0)
        return lot


def _send_down(
    upper: Decision, lower: Decision, wanted: Sequence[_Waiting], origins: Mapping[int, int]
) -> list[_Waiting]:
    """Return points to the lots they came from, and give others new ones; where they are then."""
    upper.begin()
    lower.begin()
    moved: list[MovedLot] = []
    arrived: list[_Waiting] = []
    for each in wanted:
        wallet, lot = each.wallet, each.lot
        taken = upper.journal.take_from_lot(wallet, Bucket.TRANSIT, lot.lot, lot.remaining)
        assert taken == lot.remaining
        number = origins.get(lot.lot)
        if not number:
            number = lower.journal.open_lot(wallet, Bucket.TRANSIT, taken, lot.terms, pending=each.pending)
        else:
            _put_back(lower, wallet, Piece(number, taken, lot.terms), pending=each.pending)
            moved.append(MovedLot(wallet, number, lot.lot, taken))
        arrived.append(_Waiting(wallet, Lot(number, lot.terms, taken), each.pending))
    _end_pair(lower, upper, Merged(lower.journal.member_id, "recall", moved))
    return arrived


def _follow(lower: Decision, upper: Decision, day: date, cents: int) -> None:
    """Whatever is at a merged member goes on to the survivor."""
    drafts = [lower.journal.look(account.wallet) for account in lower.state.accounts]
    uses = {name: used for name, used in lower.uses.items() if used}
    if not cents and not uses and not any(each.available or each.pending or each.saved or each.debt for each in drafts):
        return
    if cents:
        changed_on = lower.counters.last_change_on or day
        upper.counters, lower.counters = uncounted(upper.counters).with_change(day, cents, changed_on), NO_COUNTERS
    # What a returned redemption gives back of its limits is the survivor's.
    lower.uses, upper.uses = {}, {name: upper.uses.get(name, 0) + used for name, used in uses.items()}
    note = Merged(lower.journal.member_id, "follow", changed=[(day, cents)] if cents else [], uses=uses)
    _move_all(lower, upper, note, spent=cents, uses=uses)


def _move_all(
    source: Decision,
    target: Decision,
    note: Merged,
    *,
    is_answer: bool = False,
    uses: dict[str, int] | None = None,
    spent: int | None = None,
) -> None:
    """Move all lots and all debt, wallet by wallet. Lots keep their terms and pay what the target owes; what the source
    owes is paid by the target, or owed by it."""
    here, there = source.journal, target.journal
    source.begin()
    target.begin()
    lots: list[MovedLot] = []
    paid: list[Settled] = []
    repaid: list[Settled] = []
    owed: dict[int, int] = {}
    for account in source.state.accounts:
        wallet = account.wallet
        draft = here.look(wallet)
        if not draft.is_complete or draft.horizon is not None:
            raise NotLoaded(here.member_id)
        for pending, lot in [*((True, lot) for lot in draft.pending_lots), *((False, lot) for lot in draft.lots)]:
            here.take_from_lot(wallet, Bucket.TRANSIT, lot.lot, lot.remaining)
            debt = there.look(wallet).debt
            number = there.open_lot(wallet, Bucket.TRANSIT, lot.remaining, lot.terms, pending=pending)
            lots.append(MovedLot(wallet, lot.lot, number, lot.remaining))
            if settled := debt - there.look(wallet).debt:
                repaid.append(Settled(wallet, lot.lot, settled, lot.terms))
        lots += _move_savings(source, target, wallet)
        if debt := draft.debt:
            here.let_off(wallet, Bucket.TRANSIT, debt)
            pieces = there.take_or_owe(wallet, Bucket.TRANSIT, debt)
            paid += [Settled(wallet, piece.lot, piece.amount, piece.terms) for piece in pieces]
            if rest := debt - sum(piece.amount for piece in pieces):
                owed[wallet] = rest
    note = msgspec.structs.replace(note, lots=lots, paid=paid, repaid=repaid, owed=owed)
    _end_pair(
        source,
        target,
        note,
        is_answer=is_answer,
        orders=note.counters.orders,
        spent=note.counters.spent_total if spent is None else spent,
        uses=uses,
    )


def _move_savings(source: Decision, target: Decision, wallet: int) -> list[MovedLot]:
    """Savings come out of the bank: into new lots of the survivor that expire as the savings would have."""
    moved = []
    saved = source.journal.look(wallet).saved
    for piece, until in source.journal.take_from_savings(wallet, Bucket.TRANSIT, saved) if saved else ():
        terms = LotTerms(piece.terms.earned_at, source.context.now, until)
        number = target.journal.open_lot(wallet, Bucket.TRANSIT, piece.amount, terms, pending=False)
        moved.append(MovedLot(wallet, 0, number, piece.amount))
    return moved


def _end_pair(
    source: Decision,
    target: Decision,
    note: Merged,
    *,
    is_answer: bool = False,
    orders: int = 0,
    spent: int = 0,
    uses: dict[str, int] | None = None,
    refers_to: int | None = None,
) -> None:
    """Close the transactions of both sides, which name each other; `orders`, `spent` and `uses` came to the target."""
    occurred_at = target.context.occurred_at
    here, there = source.journal, target.journal
    source.end(
        Kind.MERGE,
        occurred_at,
        orders=-orders,
        spent=-spent,
        uses={name: -used for name, used in (uses or {}).items()},
        counterpart=(there.member_id, there.sequence),
        is_asked=True,
    )
    target.end(
        Kind.MERGE,
        occurred_at,
        orders=orders,
        spent=spent,
        uses=dict(uses or {}),
        merged=note,
        counterpart=(here.member_id, here.sequence),
        refers_to=refers_to,
        is_answer=is_answer,
        is_asked=True,
    )


def _put_back(decision: Decision, wallet: int, piece: Piece, *, pending: bool) -> None:
    put = decision.journal.put_back_pending if pending else decision.journal.put_back
    put(wallet, Bucket.TRANSIT, piece)


def _return_lot(survivor: Decision, merged: Decision, moved: MovedLot) -> None:
    """What is left of a lot that came goes back to the lot it came from."""
    draft = survivor.journal.look(moved.wallet)
    for pending, lots in ((True, draft.pending_lots), (False, draft.lots)):
        for lot in lots:
            if lot.lot == moved.lot:
                survivor.journal.take_from_lot(moved.wallet, Bucket.TRANSIT, lot.lot, lot.remaining)
                if not moved.origin:
                    merged.journal.open_lot(moved.wallet, Bucket.TRANSIT, lot.remaining, lot.terms, pending=pending)
                    return
                _put_back(merged, moved.wallet, Piece(moved.origin, lot.remaining, lot.terms), pending=pending)
                return


def _part_debts(survivor: Decision, merged: Decision, note: Merged) -> None:
    """What one paid for the other in the merge is given back; debt that was taken over goes back as far as it is
    still owed."""
    for each in note.repaid:
        survivor.journal.take_or_owe(each.wallet, Bucket.TRANSIT, each.amount)
        merged.journal.put_back(each.wallet, Bucket.TRANSIT, Piece(each.lot, each.amount, each.terms))
    for wallet, owed in note.owed.items():
        back = min(owed, survivor.journal.look(wallet).debt)
        if back:
            survivor.journal.let_off(wallet, Bucket.TRANSIT, back)
            merged.journal.take_or_owe(wallet, Bucket.TRANSIT, back)
    for each in note.paid:
        merged.journal.take_or_owe(each.wallet, Bucket.TRANSIT, each.amount)
        survivor.journal.put_back(each.wallet, Bucket.TRANSIT, Piece(each.lot, each.amount, each.terms))


def _effects(answering: Decision, *decisions: Decision) -> Effects:
    """Everything that was decided on several members, in one."""
    for decision in decisions:
        finish(decision)
    parts = [decision.effects() for decision in decisions]
    return Effects(
        tuple(transaction for part in parts for transaction in part.transactions),
        tuple(state for part in parts for state in part.states),
        answering.answer,
        answering.trace,
        answering.shared_uses,
        taken={reward: pieces for part in parts for reward, pieces in part.taken.items()},
        shared_steps=[step for part in parts for step in part.shared_steps],
    )
