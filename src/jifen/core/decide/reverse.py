"""Taking back: refunds of orders, cancelled spends, adjustments undone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict, Unpack

from jifen.core.calendar import local_day
from jifen.core.commands import CorrectOrder, RefundOrder, ReverseTransaction
from jifen.core.counted import counted
from jifen.core.decide.context import Decision, PastTransaction
from jifen.core.decide.earn import check_room, encode_facts
from jifen.core.decide.offset import give_points_back, points_due
from jifen.core.decide.past_order import order_of, returned_before, returned_now
from jifen.core.decide.rate_again import Again, count_uses, earned_again
from jifen.core.decide.settle import return_pieces
from jifen.core.decide.taking_back import Change, book, difference, everything
from jifen.core.ledger.values import Bucket, Kind, Piece, transaction_id
from jifen.core.orders import Order, OrderLine, OrderRefund, check_order, remaining_lines
from jifen.core.refusal import Refusal
from jifen.core.trace import Dealings


class _About(TypedDict, total=False):
    """What else a refund or correction says."""

    kind: Kind
    corrected: Order | None
    spent: int
    offset_points: int


def refund_order(decision: Decision, command: RefundOrder, earned: PastTransaction) -> Refusal | None:
    """Take back what the order earned beyond what its remaining lines earn.

    The remaining lines are rated by the version of the program that rated the order, so what the member keeps
    depends only on what was returned in all: any order and split of refunds ends at the same number (I-08), unless the
    remaining lines earn more than the order did and others use up a cap meanwhile.
    """
    return _refund(decision, earned, command.refund)


def _refund(decision: Decision, earned: PastTransaction, refund: OrderRefund | None) -> Refusal | None:
    assert earned.facts is not None
    order = order_of(earned)
    before = returned_before(earned)
    returned = returned_now(order, before, refund)
    if isinstance(returned, Refusal):
        return returned
    in_all = {line: before.get(line, 0) + returned.get(line, 0) for line in before | returned}
    remaining = remaining_lines(order, in_all)
    remained = remaining_lines(order, before)
    again = earned_again(decision, earned, (order, remained), (order, remaining))
    facts = None if refund is None else encode_facts(refund)
    spent = _paid(remaining) - _paid(remained)
    points = points_due(earned, order, in_all)
    refusal = _book_again(decision, earned, again, returned, facts, spent=spent, offset_points=points)
    if refusal is None:
        _count_change(decision, earned, spent)
    return refusal


def correct_order(decision: Decision, command: CorrectOrder, earned: PastTransaction) -> Refusal | None:
    """Book the difference between what the order earned and what it earns as it should have been told: by the version
    and the facts of its own time, less what was returned of it meanwhile."""
    if not earned.is_order:
        return Refusal("unknown_order", f"No order {command.correction.order_id!r} was recorded.", "/data/order_id")
    order, was = command.correction.order, order_of(earned)
    if order.currency != was.currency:
        message = f"The order was in {was.currency}; a correction cannot change that."
        return Refusal(
            "currency_mismatch", message, "/data/currency", message_zh=f"订单为 {was.currency}，更正不能改变。"
        )
    refusal = check_order(order)
    if refusal is not None:
        return refusal
    returned = returned_before(earned)
    quantities = {line.line_id: line.quantity for line in order.lines}
    for line, quantity in returned.items():
        if quantities.get(line, 0) < quantity:
            message = (
                f"{counted(quantity, 'pieces')} of line {line!r} came back already; the correction must have as many."
            )
            return Refusal("corrected_below_returned", message, "/data/lines", {"line_id": line, "returned": quantity})
    remaining, remained = remaining_lines(order, returned), remaining_lines(was, returned)
    again = earned_again(decision, earned, (was, remained), (order, remaining))
    spent = _paid(remaining) - _paid(remained)
    names = {"order_id": order.order_id, "correction_id": command.correction.correction_id}
    refusal = _book_again(
        decision, earned, again, {}, encode_facts(names), kind=Kind.CORRECT, corrected=order, spent=spent
    )
    if refusal is None:
        _count_change(decision, earned, spent)
    return refusal


def _paid(lines: list[OrderLine]) -> int:
    return sum(line.paid_cents for line in lines)


def _count_change(decision: Decision, earned: PastTransaction, cents: int) -> None:
    """Count that so much more (or less) was paid for the order."""
    zone = earned.program.zone
    day, happened_on = local_day(earned.occurred_at, zone), local_day(decision.context.occurred_at, zone)
    decision.counters = decision.counters.with_change(day, cents, happened_on)


def _book_again(
    decision: Decision,
    earned: PastTransaction,
    again: Again,
    returned: dict[str, int],
    facts: bytes | None,
    **about: Unpack[_About],
) -> Refusal | None:
    """Book what an order earns more or less than it did, and what of caps it uses more."""
    changes = difference(earned, again.before, again.after)
    refusal = _book_reversal(decision, earned, changes, returned, facts, again=again, **about)
    if refusal is None:
        count_uses(decision, earned, again)
    return refusal


def reverse_transaction(decision: Decision, command: ReverseTransaction, past: PastTransaction) -> Refusal | None:
    """Undo a transaction of any kind that can be undone."""
    if past.kind is Kind.EARN and past.facts is not None and past.is_order:
        return _refund(decision, past, None)
    name = transaction_id(command.member, past.sequence)
    if any(kind is Kind.REVERSE for kind, _ in past.referring):
        return Refusal("already_reversed", f"Transaction {name} was reversed before.")
    if past.trace.dealings is not None and past.trace.dealings.paid_by is not None:
        order = transaction_id(command.member, past.trace.dealings.paid_by)
        message = f"The points of {name} paid for the order of {order}: refund that, and they come back with it."
        zh = f"{name} 的积分抵付了 {order} 的订单；请为该订单退款，积分随之退回。"
        return Refusal("not_reversible", message, None, {"transaction_id": order}, zh)
    if past.kind in (Kind.REDEEM, Kind.STEP):
        return _refuse_redemption(past, command)
    if past.kind in (Kind.SPEND, Kind.CAPTURE):
        return _give_back(decision, past, Bucket.SPENT)
    if past.kind is Kind.CONVERT:
        return _convert_back(decision, past)
    if past.kind is Kind.EARN:
        due: dict[int, int] = {}
        for award in past.trace.awards:
            due[award.wallet] = due.get(award.wallet, 0) + award.points
        return _book_reversal(decision, past, everything(past, due), {}, None)
    if past.kind is Kind.ADJUST:
        wallet, points = past.trace.wallet, past.trace.points
        assert wallet is not None
        assert points is not None
        if points < 0:
            return _give_back(decision, past, Bucket.ADJUSTED)
        return _book_reversal(decision, past, everything(past, {wallet: points}), {}, None)
    return Refusal(
        "not_reversible",
        f"Transaction {name} is a {past.kind.name.lower()}, which cannot be reversed; "
        "orders, spends, captures, adjustments and conversions can.",
        message_zh=f"流水 {name}；可以冲正的有订单、使用、核销、调整和转换。",
    )


def _refuse_redemption(past: PastTransaction, command: ReverseTransaction) -> Refusal:
    """Whatever belongs to a redemption comes back with it, from whoever paid."""
    pooled = None if past.trace.dealings is None else past.trace.dealings.pooled
    zh, what, details = "兑换单", "a redemption", dict[str, object]()
    if pooled is not None or past.kind is Kind.REDEEM:
        owner, redemption = (pooled.spender, pooled.redemption) if pooled else (command.member, past.sequence)
        name = transaction_id(owner, redemption)
        zh, what, details = f"兑换单 {name}", f"redemption {name}", {"redemption_id": name}
    message = f"This belongs to {what}: cancel or return that, and its points come back."
    return Refusal("not_reversible", message, None, details, f"它属于{zh}；请取消或退回该兑换单，积分随之退回。")


def _book_reversal(
    decision: Decision,
    past: PastTransaction,
    changes: Sequence[Change],
    returned: dict[str, int],
    facts: bytes | None,
    *,
    again: Again | None = None,
    kind: Kind = Kind.REVERSE,
    corrected: Order | None = None,
    spent: int = 0,
    offset_points: int = 0,
) -> Refusal | None:
    decision.begin()
    # What comes back comes first, so that what is taken back finds it.
    refunded = give_points_back(decision, past, offset_points, -spent)
    if isinstance(refunded, Refusal):
        return refunded
    taken_back = []
    for change in changes:
        taken = book(decision, past, change)
        if isinstance(taken, Refusal):
            return taken
        taken_back.append(taken)
    decision.end(
        kind,
        decision.context.occurred_at,
        taken_back=taken_back,
        returned=returned,
        corrected=corrected,
        dealings=Dealings(refunded=refunded, add_ons=[*past.ended]) if refunded or past.ended else None,
        used=None if again is None else again.used,
        uses=None if again is None else again.uses,
        capped=None if again is None else [award for award in again.after if award.cuts],
        spent=spent,
        facts=facts,
        refers_to=past.sequence,
        is_answer=True,
        program=past.program,
    )
    if past.kind is Kind.EARN:
        earned = {taken.wallet: -taken.points for taken in taken_back}
        day = local_day(past.occurred_at, past.program.zone)
        decision.counters = decision.counters.in_month(day, cents=spent, earned=earned)
    return None


def _convert_back(decision: Decision, past: PastTransaction) -> Refusal | None:
    """Undo a conversion: what was given returns to its lots, what arrived is taken back. Nothing of that is forgiven,
    or whoever spends what arrived would have both."""
    dealings = past.trace.dealings
    assert dealings is not None and dealings.converted is not None
    wallet, converted = past.trace.wallet, dealings.converted
    assert wallet is not None
    pieces, withheld = pieces_to_return(past, wallet)
    points = sum(piece.amount for piece in pieces)
    if refusal := check_room(decision, wallet, points):
        return refusal
    decision.begin()
    [change] = everything(past, {converted.wallet: converted.got})
    taken = book(decision, past, change, may_forgive=False)
    if isinstance(taken, Refusal):
        return taken
    _return(decision, wallet, Bucket.SPENT, pieces, withheld)
    decision.end(
        Kind.REVERSE,
        decision.context.occurred_at,
        wallet=wallet,
        points=points,
        taken_back=[taken],
        withheld=sum(part for _, part in withheld) or None,
        refers_to=past.sequence,
        is_answer=True,
        program=past.program,
    )
    return None


def _give_back(decision: Decision, past: PastTransaction, source: Bucket) -> Refusal | None:
    """Return what a spend took to the lots of origin.

    Points that a refund forgave because they were spent stay gone now that they are not: else whoever returns the
    goods first and cancels the spend afterwards would keep what the order had earned (I-08).
    """
    wallet = past.trace.wallet
    assert wallet is not None
    pieces, withheld = pieces_to_return(past, wallet)
    points = sum(piece.amount for piece in pieces)
    if refusal := check_room(decision, wallet, points):
        return refusal
    decision.begin()
    _return(decision, wallet, source, pieces, withheld)
    decision.end(
        Kind.REVERSE,
        decision.context.occurred_at,
        wallet=wallet,
        points=points,
        withheld=sum(part for _, part in withheld) or None,
        refers_to=past.sequence,
        is_answer=True,
    )
    return None


def pieces_to_return(past: PastTransaction, wallet: int) -> tuple[list[Piece], list[tuple[int, int]]]:
    """What a transaction took from a wallet, by lot, and what of it stays gone because a refund forgave it."""
    pieces = []
    forgiven = dict(past.forgiven)
    withheld: list[tuple[int, int]] = []
    for movement in past.movements:
        if movement.wallet != wallet:
            continue
        assert movement.terms is not None
        root = past.root_of(movement.lot)
        part = min(movement.amount, forgiven.get(root, 0))
        if part:
            forgiven[root] -= part
            withheld.append((movement.lot, part))
        if part < movement.amount:
            pieces.append(Piece(movement.lot, movement.amount - part, movement.terms))
    return pieces, withheld


def _return(
    decision: Decision, wallet: int, source: Bucket, pieces: list[Piece], withheld: list[tuple[int, int]]
) -> None:
    for lot, part in withheld:
        decision.journal.pass_on(wallet, source, Bucket.REVERSED, lot, part)
    return_pieces(decision, wallet, source, pieces, decision.context.now)
