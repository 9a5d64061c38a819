"""Orders that are partly paid with points: the hold is captured with the order, and refunds give points back.

Lines say what was paid in money, so points never earn points (known failures 66, 67, 77).
"""

from __future__ import annotations

from jifen.core.commands import RecordOrder
from jifen.core.counted import counted
from jifen.core.decide.context import Decision, PastTransaction
from jifen.core.decide.earn import check_room, record_order
from jifen.core.decide.hold import capture_from, open_hold
from jifen.core.decide.settle import return_pieces
from jifen.core.ledger.values import Bucket, Hold, Piece, transaction_id
from jifen.core.orders import Order
from jifen.core.refusal import Refusal
from jifen.core.rounding import divide
from jifen.core.shares import share_out
from jifen.core.trace import Dealings, PaidOffset, RefundedShares
from jifen.core.wallets.document import OffsetPolicy
from jifen.core.wording.values import money_said


def record_paid_order(decision: Decision, command: RecordOrder, placed: PastTransaction) -> Refusal | None:
    """Record the order, and spend the held points that paid part of it. What else the hold bound is freed."""
    order = command.order
    said = order.offset
    assert said is not None
    hold = open_hold(decision, placed)
    if isinstance(hold, Refusal):
        return hold
    name = transaction_id(decision.journal.member_id, hold.sequence)
    if refusal := _check_offset(placed, hold, name, order):
        return refusal
    # The capture follows in the next transaction; the order's own says what it takes, for refunds years later.
    paid = PaidOffset(
        hold.sequence,
        decision.journal.sequence + 2,
        hold.wallet,
        said.points,
        said.cents,
        _first_pieces(hold, said.points),
    )
    refusal = record_order(decision, command, Dealings(offset=paid))
    if refusal is None:
        dealings = Dealings(paid_by=decision.journal.sequence)
        capture_from(decision, hold, said.points, release_rest=True, dealings=dealings)
    return refusal


def _check_offset(placed: PastTransaction, hold: Hold, name: str, order: Order) -> Refusal | None:
    """The rate of the time when the points were held counts: a quote stays true as long as its hold."""
    policy, said = placed.program.document.offset, order.offset
    assert said is not None
    if policy is None or placed.program.wallet_numbers[policy.wallet] != hold.wallet:
        message = f"The points of the hold {name} cannot pay for orders: the program knows no such way of paying."
        return Refusal("offset_not_allowed", message, "/data/offset")
    if said.points > hold.remaining:
        return Refusal(
            "hold_exceeded",
            f"{counted(said.points, 'points')} to be used, {hold.remaining:,} held.",
            "/data/offset/points",
            {"requested": said.points, "held": hold.remaining},
        )
    if said.points % policy.step or said.points < policy.least:
        message = f"Points pay in steps of {policy.step}, at least {policy.least}; {said.points} do not fit."
        details: dict[str, object] = {"step": policy.step, "least": policy.least}
        zh = f"抵扣的步长为 {policy.step} 积分，至少 {policy.least}，而这里是 {said.points}。"
        return Refusal("not_a_whole_step", message, "/data/offset/points", details, zh)
    cents = value_of(policy, said.points)
    currency = placed.program.document.currency
    right, told = money_said(cents, currency), money_said(said.cents, currency)
    if said.cents != cents:
        return Refusal(
            "offset_mismatch",
            f"{right[1]} is what {counted(said.points, 'points')} can pay, not {told[1]}.",
            "/data/offset/cents",
            {"points": said.points, "cents": cents},
            f"{said.points} 积分抵 {right[0]}，而不是 {told[0]}；请重新报价。",
        )
    most = most_cents(policy, sum(line.paid_cents for line in order.lines) + cents)
    if cents > most:
        bound = money_said(most, currency)
        message = f"Points may pay {bound[1]} of this order at most, not {right[1]}."
        zh = f"积分最多可抵 {bound[0]}，这里是 {right[0]}。"
        return Refusal("offset_too_large", message, "/data/offset/cents", {"most_cents": most, "cents": cents}, zh)
    return None


def value_of(policy: OffsetPolicy, points: int) -> int:
    """What whole steps of points pay, in minor units: there is no remainder."""
    cents, remainder = divmod(points * policy.cents, policy.points)
    assert remainder == 0, "steps pay whole cents"
    return cents


def most_cents(policy: OffsetPolicy, total_cents: int) -> int:
    """How much of a total points may pay, rounded down."""
    numerator, denominator = policy.most_percent.as_integer_ratio()
    return total_cents * numerator // (100 * denominator)


def usable_points(policy: OffsetPolicy, total_cents: int, available: int) -> int:
    """How many of the available points can pay for an order of this total; 0 where the least does not fit."""
    by_total = most_cents(policy, total_cents) * policy.points // policy.cents
    points = min(available, by_total) // policy.step * policy.step
    return points if points >= policy.least else 0


def _first_pieces(hold: Hold, points: int) -> list[Piece]:
    pieces = []
    for piece in hold.pieces:
        part = min(points, piece.amount)
        if part:
            pieces.append(Piece(piece.lot, part, piece.terms))
        points -= part
    return pieces


# --- refunds ---


def points_due(earned: PastTransaction, order: Order, returned: dict[str, int]) -> int:
    """How many of the points that paid for an order are due to the member, now that so much was returned in all.

    The points are shared out to the lines by what was paid for each; of a line's share so much stays as of its pieces.
    It depends on what was returned in all alone, so every split of refunds ends at the same sum (I-17).
    """
    paid = _paid_offset(earned)
    if paid is None:
        return 0
    shares = share_out(paid.points, [line.paid_cents for line in order.lines])
    kept = 0
    for line, share in zip(order.lines, shares, strict=True):
        left = line.quantity - returned.get(line.line_id, 0)
        kept += divide(share * left, line.quantity, "floor")
    return max(paid.points - kept - _given_before(earned), 0)


def give_points_back(
    decision: Decision, earned: PastTransaction, points: int, cash_cents: int
) -> RefundedShares | Refusal | None:
    """Return points that paid for an order to their lots, the last that were taken first, within the transaction that
    was begun. Points that a refund had forgiven as spent stay gone (as for cancelled spends)."""
    paid = _paid_offset(earned)
    if paid is None:
        return None
    forgiven = dict(earned.forgiven)
    back: list[Piece] = []
    withheld = 0
    for piece in _last_pieces(paid.pieces, _given_before(earned), points):
        root = earned.root_of(piece.lot)
        gone = min(piece.amount, forgiven.get(root, 0))
        if gone:
            forgiven[root] -= gone
            withheld += gone
            decision.journal.pass_on(paid.wallet, Bucket.SPENT, Bucket.REVERSED, piece.lot, gone)
        if gone < piece.amount:
            back.append(Piece(piece.lot, piece.amount - gone, piece.terms))
    if refusal := check_room(decision, paid.wallet, points):
        return refusal
    return_pieces(decision, paid.wallet, Bucket.SPENT, back, decision.context.now)
    return RefundedShares(paid.wallet, points - withheld, cash_cents, withheld)


def _paid_offset(earned: PastTransaction) -> PaidOffset | None:
    return None if earned.trace.dealings is None else earned.trace.dealings.offset


def _given_before(earned: PastTransaction) -> int:
    """What earlier refunds gave back, or would have but for what had been forgiven."""
    shares = [
        trace.dealings.refunded
        for _, trace in earned.referring
        if trace.dealings is not None and trace.dealings.refunded is not None
    ]
    return sum(each.points + each.withheld for each in shares)


def _last_pieces(pieces: list[Piece], skipped: int, points: int) -> list[Piece]:
    found = []
    for piece in reversed(pieces):
        gone = min(skipped, piece.amount)
        part = min(points, piece.amount - gone)
        if part:
            found.append(Piece(piece.lot, part, piece.terms))
        skipped -= gone
        points -= part
    return found
