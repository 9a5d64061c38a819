"""The later steps of a redemption: paid, approved or refused, delivered, cancelled, returned; and what time does."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Final

import msgspec

from jifen.core.commands import Command
from jifen.core.decide.bound import Returning, release_bound, spend_bound
from jifen.core.decide.context import TIME_SOURCE, Decision, PastTransaction, SharedStep
from jifen.core.decide.grant import grant
from jifen.core.decide.redeem import advance, ask_approval
from jifen.core.ledger.values import Kind, transaction_id
from jifen.core.redemption.agreeing import open_roles, roles_of, with_agreement
from jifen.core.redemption.commands import (
    ApproveRedemption,
    CancelRedemption,
    FulfilRedemption,
    PayRedemption,
    RejectRedemption,
    ReturnRedemption,
    SettleRedemption,
    StepCommand,
)
from jifen.core.redemption.machine import HELD, UNDONE, Move, Step, next_state, steps_from
from jifen.core.redemption.values import Agreement, Redemption
from jifen.core.refusal import Refusal
from jifen.core.trace import Dealings

#: Steps that somebody asks for; the others follow from them, or from time.
_ASKED: Final[frozenset[Step]] = frozenset(
    {"pay", "approve", "reject", "cancel", "fulfil", "write_off", "cancel_write_off", "return"}
)


def settle_redemptions(decision: Decision, command: Command) -> None:
    """Book what time has done by now to the redemptions that were loaded; to those for which others pay only where the
    command is about them, for only then these are there, too."""
    about = command.redemption if isinstance(command, StepCommand) else getattr(command, "ticket", None)
    for sequence in sorted(decision.state.redemptions):
        if current(decision, sequence).payers and sequence != about:
            continue
        while (until := current(decision, sequence).until) is not None and until <= decision.context.now:
            _time_out(decision, sequence, until)


def settle_redemption(_decision: Decision, _command: SettleRedemption) -> Refusal | None:
    """Nothing is left to do: what was due was booked before any command is looked at."""
    return None


def current(decision: Decision, sequence: int) -> Redemption:
    """A redemption as it stands within this decision."""
    return decision.redemptions.get(sequence) or decision.state.redemptions[sequence]


def pay_redemption(decision: Decision, command: PayRedemption) -> Refusal | None:
    """The money part came: on to approval, or through."""
    redemption = current(decision, command.redemption)
    if refusal := check_step(decision, command.redemption, "pay"):
        return refusal
    decision.begin()
    paid = msgspec.structs.replace(advance(redemption, "pay"), payment=command.payment, until=None)
    points = 0
    if paid.approval is not None:
        paid = ask_approval(paid, decision.context.now)
    else:
        paid, points = _pass(decision, command.redemption, paid, "pass")
    move: Move | None = None if paid.state in HELD else "spend"
    _end(decision, command.redemption, "pay", paid, points, move=move, reference=command.payment)
    return None


def approve_redemption(decision: Decision, command: ApproveRedemption) -> Refusal | None:
    """One more who agrees; the last one lets the redemption pass, and its points are spent."""
    if refusal := check_step(decision, command.redemption, "approve"):
        return refusal
    redemption = current(decision, command.redemption)
    roles = _roles_to_agree(decision, redemption)
    if isinstance(roles, Refusal):
        return roles
    decision.begin()
    approval = redemption.approval
    assert approval is not None
    now = decision.context.now
    agreement = Agreement(approval.step, roles[0], decision.context.actor, now, decision.journal.sequence, roles)
    _agree(decision, command.redemption, redemption, agreement, now)
    return None


def reject_redemption(decision: Decision, command: RejectRedemption) -> Refusal | None:
    """Somebody with a role of the present step refuses."""
    if refusal := check_step(decision, command.redemption, "reject"):
        return refusal
    redemption = current(decision, command.redemption)
    roles = _roles_to_agree(decision, redemption)
    if isinstance(roles, Refusal):
        return roles
    decision.begin()
    _undo_held(decision, command.redemption, redemption, "reject", decision.context.now)
    return None


def fulfil_redemption(decision: Decision, command: FulfilRedemption) -> Refusal | None:
    """It was shipped, booked or delivered. A coupon is delivered by its code and fulfilled by using it."""
    redemption = current(decision, command.redemption)
    if refusal := check_step(decision, command.redemption, "fulfil"):
        return refusal
    if _is_ticket(decision, redemption):
        return _not_allowed(decision, redemption, "fulfil", "A lottery ticket is used by drawing")
    if redemption.terms is not None:
        why = "A coupon is delivered by its code; it is written off where it is used"
        return _not_allowed(decision, redemption, "fulfil", why)
    missing = [name for name in _NEEDED.get(redemption.fulfilment, ()) if not command.delivery.get(name)]
    if missing:
        return Refusal(
            "delivery_incomplete",
            f"To fulfil by {redemption.fulfilment} say {' and '.join(missing)}.",
            f"/delivery/{missing[0]}",
            {"missing": missing},
        )
    if redemption.fulfilment == "booking" and (refusal := _check_booked(command.delivery["at"])):
        return refusal
    decision.begin()
    fulfilled = msgspec.structs.replace(advance(redemption, "fulfil"), delivery=dict(command.delivery))
    _end(decision, command.redemption, "fulfil", fulfilled, 0)
    return None


_Booked = Annotated[datetime, msgspec.Meta(tz=True)]
#: What must be told of a delivery.
_NEEDED: dict[str, tuple[str, ...]] = {"shipping": ("carrier", "number"), "booking": ("at",), "digital": ("content",)}


def _check_booked(at: str) -> Refusal | None:
    """Refuse a booking of which nobody could say when it is: free text, or an instant without its offset from UTC."""
    try:
        msgspec.convert(at, _Booked)
    except msgspec.ValidationError:
        like = "2026-12-01T10:00:00+08:00"
        message = f"{at[:40]!r} is no instant of RFC 3339 with its offset from UTC, such as {like}."
        zh = f"预约时间 {at[:40]!r} 须为带时区的 RFC 3339 时间，例如 {like}。"
        return Refusal("invalid_field", message, "/delivery/at", message_zh=zh)
    return None


def cancel_redemption(decision: Decision, command: CancelRedemption, past: PastTransaction | None) -> Refusal | None:
    """End it before anything was delivered or used; the points return to the lots they came from."""
    sequence = command.redemption
    redemption = current(decision, sequence)
    if refusal := check_step(decision, sequence, "cancel"):
        return refusal
    if any(coupon.uses for coupon in redemption.coupons):
        return Refusal("coupon_used", "A coupon of it was used; cancel the write-off first.")
    if redemption.used:
        details: dict[str, object] = {"used": redemption.used, "tickets": redemption.quantity}
        return Refusal("ticket_used", "A ticket of it was drawn with.", None, details)
    dealings = None if command.order_id is None else Dealings(ended_with=command.order_id)
    if redemption.state in HELD:
        decision.begin()
        _undo_held(decision, sequence, redemption, "cancel", decision.context.now, dealings=dealings)
        return None
    return _give_back(decision, sequence, redemption, "cancel", past, dealings)


def return_redemption(decision: Decision, command: ReturnRedemption, past: PastTransaction | None) -> Refusal | None:
    """What was delivered came back; the points return to the lots they came from."""
    if refusal := check_step(decision, command.redemption, "return"):
        return refusal
    return _give_back(decision, command.redemption, current(decision, command.redemption), "return", past)


def check_step(decision: Decision, sequence: int, step: Step) -> Refusal | None:
    """Refuse a step that the table does not allow, saying which it does."""
    redemption = current(decision, sequence)
    if next_state(redemption.state, step) is not None:
        return None
    name = transaction_id(decision.journal.member_id, sequence)
    why = f"Redemption {name} is {redemption.state.replace('_', ' ')}, so that {step!r} is not possible"
    return _not_allowed(decision, redemption, step, why)


def _not_allowed(decision: Decision, redemption: Redemption, step: Step, why: str) -> Refusal:
    allowed = _steps_to_ask_for(decision, redemption)
    hint = f"; possible are {', '.join(allowed)}." if allowed else "; nothing more can be done to it."
    return Refusal("step_not_allowed", why + hint, None, {"state": redemption.state, "step": step, "allowed": allowed})


def _steps_to_ask_for(decision: Decision, redemption: Redemption) -> list[Step]:
    """What the table allows and this redemption knows: coupons are written off, tickets drawn with, the rest is
    delivered; what was used is not cancelled before that is undone."""
    is_coupon = redemption.terms is not None
    is_used = redemption.used > 0 or any(coupon.uses for coupon in redemption.coupons)
    unknown: set[Step] = set() if is_coupon else {"write_off", "cancel_write_off"}
    if is_coupon or _is_ticket(decision, redemption):
        unknown.add("fulfil")
    unknown.add("cancel" if is_used else "cancel_write_off")
    return [step for step in steps_from(redemption.state) if step in _ASKED and step not in unknown]


def _is_ticket(decision: Decision, redemption: Redemption) -> bool:
    return redemption.reward in decision.program.draws.tickets


# --- approval ---


def _roles_to_agree(decision: Decision, redemption: Redemption) -> tuple[str, ...] | Refusal:
    """The roles of the present step in which the caller may decide; one of them is open."""
    context, approval = decision.context, redemption.approval
    assert approval is not None
    if context.is_by(redemption.requested_by):
        message = "Whoever asked for a redemption cannot decide on it, also not with another key of the same name."
        return Refusal("approval_by_requester", message)
    if any(context.is_by(each.actor) for each in approval.agreements):
        return Refusal("already_agreed", "You have agreed to this redemption before; somebody else must decide now.")
    found, roles = roles_of(approval, context.roles), open_roles(approval)
    if not set(found).isdisjoint(roles):
        return found
    wanted = " or ".join(roles)
    return Refusal(
        "role_missing",
        f"Step {approval.step + 1} of {approval.flow} is decided by {wanted}.",
        None,
        {"roles": roles, "your_roles": list(context.roles)},
    )


def _agree(
    decision: Decision,
    sequence: int,
    redemption: Redemption,
    agreement: Agreement,
    at: datetime,
    *,
    is_asked: bool = True,
) -> None:
    approval = redemption.approval
    assert approval is not None
    approval = with_agreement(approval, agreement)
    step = approval.steps[approval.step]
    is_complete = step.needs == "any" or not open_roles(approval) or not is_asked
    if is_complete and approval.step + 1 == len(approval.steps):
        approved = msgspec.structs.replace(redemption, approval=approval, until=None)
        approved, points = _pass(decision, sequence, approved, "approve")
        _end(decision, sequence, "approve", approved, points, move="spend", at=at, is_asked=is_asked)
        return
    until = redemption.until
    if is_complete:
        approval = msgspec.structs.replace(approval, step=approval.step + 1)
        hours = approval.steps[approval.step].hours
        until = None if hours is None else at + timedelta(hours=hours)
    agreed = msgspec.structs.replace(advance(redemption, "agree"), approval=approval, until=until)
    _end(decision, sequence, "agree", agreed, 0, at=at, is_asked=is_asked)


def _time_out(decision: Decision, sequence: int, until: datetime) -> None:
    """Nobody paid or decided in time."""
    redemption = current(decision, sequence)
    approval = redemption.approval
    decision.begin()
    is_asked_for = redemption.state == "waiting_for_approval"
    if is_asked_for and approval is not None and approval.steps[approval.step].on_timeout == "approve":
        agreement = Agreement(approval.step, "", TIME_SOURCE, until, decision.journal.sequence)
        _agree(decision, sequence, redemption, agreement, until, is_asked=False)
        return
    _undo_held(decision, sequence, redemption, "expire", until, is_asked=False)


# --- points ---


def _pass(decision: Decision, sequence: int, redemption: Redemption, step: Step) -> tuple[Redemption, int]:
    """Spend what is held, and give what it is for. Within the transaction that has begun."""
    passed, points = advance(redemption, step), redemption.own_points
    if points:
        spend_bound(decision, redemption.wallet, sequence)
    if redemption.points:
        passed = msgspec.structs.replace(passed, spent_by=decision.journal.sequence)
    return grant(decision, passed), points


def _undo_held(
    decision: Decision,
    sequence: int,
    redemption: Redemption,
    step: Step,
    at: datetime,
    *,
    is_asked: bool = True,
    dealings: Dealings | None = None,
) -> None:
    """Release what is held, and count back what it used. Within the transaction that has begun."""
    points = redemption.own_points
    if points:
        release_bound(decision, redemption.wallet, sequence, at)
    after = advance(redemption, step)
    _end(decision, sequence, step, after, points, move="release", at=at, is_asked=is_asked, dealings=dealings)


def _give_back(
    decision: Decision,
    sequence: int,
    redemption: Redemption,
    step: Step,
    past: PastTransaction | None,
    dealings: Dealings | None = None,
) -> Refusal | None:
    """Return what was spent to the lots of origin, just as a cancelled spend does."""
    points, withheld = 0, 0
    if redemption.own_points:
        assert past is not None and past.sequence == sequence
        returning = Returning(past, redemption.wallet)
        if refusal := returning.check(decision):
            return refusal
        points, withheld = returning.points, returning.withheld
        decision.begin()
        returning.book(decision)
    else:
        decision.begin()
    after = advance(redemption, step)
    _end(decision, sequence, step, after, points, move="return", withheld=withheld or None, dealings=dealings)
    return None


def _end(
    decision: Decision,
    sequence: int,
    step: Step,
    redemption: Redemption,
    points: int,
    *,
    move: Move | None = None,
    at: datetime | None = None,
    is_asked: bool = True,
    withheld: int | None = None,
    dealings: Dealings | None = None,
    reference: str | None = None,
) -> None:
    """Close the transaction of a step: what came to nothing is counted back. `move`: what became of the points. `at`:
    from when it counts; what somebody asked for happened when they say. `reference`: the payment."""
    redemption, uses, taken = _counted_back(redemption, step)
    for name, number in uses.items():
        decision.uses[name] = decision.uses.get(name, 0) + number
    for reward, pieces in taken.items():
        decision.taken[reward] = decision.taken.get(reward, 0) + pieces
    decision.redemptions[sequence] = redemption
    at = at or decision.context.occurred_at
    if move is not None and redemption.payers:
        here = decision.journal
        shared = SharedStep(here.member_id, here.sequence, sequence, redemption, step, move, at, is_asked)
        decision.shared_steps.append(shared)
    decision.end(
        Kind.STEP,
        decision.context.occurred_at if is_asked else at,
        wallet=redemption.wallet,
        points=points,
        reference=reference,
        withheld=withheld,
        uses=uses,
        dealings=dealings,
        taken=taken,
        step=step,
        redemption=redemption,
        refers_to=sequence,
        is_answer=is_asked,
    )


def end_step(decision: Decision, sequence: int, step: Step, redemption: Redemption) -> None:
    """Close the transaction of a step that moved no points."""
    _end(decision, sequence, step, redemption, 0)


def _counted_back(redemption: Redemption, step: Step) -> tuple[Redemption, dict[str, int], dict[str, int]]:
    """What is undone gives back what it used of limits, and its stock; what is returned gives back its stock alone,
    so that nobody takes and returns without end. A code that was shown is no stock any more."""
    is_undone = redemption.state in UNDONE
    if not (is_undone or step == "return"):
        return redemption, {}, {}
    changes: dict[str, Any] = {"until": None, "reserved": ()}
    uses: dict[str, int] = {}
    taken: dict[str, int] = {}
    if is_undone:
        uses = {name: -number for name, number in redemption.counted.items()}
        changes["counted"] = {}
    if redemption.taken and not (redemption.is_from_pool and redemption.coupons):
        taken = {redemption.reward: -redemption.taken}
        changes["taken"] = 0
    if redemption.payment is not None:
        changes["refund_cents"] = redemption.cash_cents
    return msgspec.structs.replace(redemption, **changes), uses, taken
