"""Coupons at the till: written off once, in parts where they may be, and back where that was a mistake."""

from __future__ import annotations

import msgspec

from jifen.core.decide.context import Decision
from jifen.core.decide.redeem import advance
from jifen.core.decide.steps import check_step, current, end_step
from jifen.core.ledger.values import transaction_id
from jifen.core.program import locally
from jifen.core.redemption.commands import CancelWriteOff, WriteOffCoupon
from jifen.core.redemption.machine import Step
from jifen.core.redemption.values import Coupon, CouponUse, Redemption
from jifen.core.refusal import Refusal
from jifen.core.wording.values import money_said


def write_off_coupon(decision: Decision, command: WriteOffCoupon) -> Refusal | None:
    """Use a coupon, all of it or a part. Whoever comes second finds it used."""
    sequence, coupon = _find(decision, command.code)
    redemption = current(decision, sequence)
    if refusal := _check_usable(decision, redemption, coupon):
        return refusal
    cents = _cents(coupon, command.amount_cents, decision.program.document.currency)
    if isinstance(cents, Refusal):
        return cents
    decision.begin()
    context = decision.context
    use = CouponUse(
        decision.journal.sequence, cents, command.store, command.order_id, context.occurred_at, context.actor
    )
    rest = coupon.remaining_cents - cents if coupon.is_partly_usable else 0
    after = _with(redemption, msgspec.structs.replace(coupon, remaining_cents=rest, uses=(*coupon.uses, use)))
    step: Step = "write_off" if all(each.is_used_up for each in after.coupons) else "use"
    end_step(decision, sequence, step, advance(after, step))
    return None


def cancel_write_off(decision: Decision, command: CancelWriteOff) -> Refusal | None:
    """The coupon can be used again as before."""
    sequence, coupon = _find(decision, command.code)
    redemption = current(decision, sequence)
    if refusal := check_step(decision, sequence, "cancel_write_off"):
        return refusal
    use = _use_meant(decision, coupon, command.write_off)
    if isinstance(use, Refusal):
        return use
    rest = coupon.remaining_cents + use.cents if coupon.is_partly_usable else coupon.cents
    uses = tuple(each for each in coupon.uses if each is not use)
    decision.begin()
    after = _with(redemption, msgspec.structs.replace(coupon, remaining_cents=rest, uses=uses))
    end_step(decision, sequence, "cancel_write_off", advance(after, "cancel_write_off"))
    return None


def _find(decision: Decision, code: str) -> tuple[int, Coupon]:
    """The redemption that a code was issued in, and the coupon; whoever decides has loaded it."""
    return next(
        (sequence, coupon)
        for sequence in decision.state.redemptions
        for coupon in current(decision, sequence).coupons
        if coupon.code == code
    )


def _use_meant(decision: Decision, coupon: Coupon, name: str | None) -> CouponUse | Refusal:
    """The write-off that a transaction booked. It must be named where there are several: which one was a mistake,
    nobody but the caller knows."""
    uses = {transaction_id(decision.journal.member_id, each.sequence): each for each in coupon.uses}
    if name is None and len(uses) > 1:
        known = ", ".join(uses)
        message = f"The coupon was written off {len(uses)} times ({known}): say in `write_off` which is undone."
        return Refusal("write_off_needed", message, "/write_off", {"write_offs": list(uses)})
    found = next(iter(uses.values()), None) if name is None else uses.get(name)
    return found or Refusal("unknown_write_off", "The coupon was not written off, or not by that transaction.")


def _with(redemption: Redemption, coupon: Coupon) -> Redemption:
    coupons = tuple(coupon if each.code == coupon.code else each for each in redemption.coupons)
    return msgspec.structs.replace(redemption, coupons=coupons)


def _check_usable(decision: Decision, redemption: Redemption, coupon: Coupon) -> Refusal | None:
    if coupon.is_used_up:
        last = transaction_id(decision.journal.member_id, coupon.uses[-1].sequence)
        details: dict[str, object] = {"write_off": last, "store": coupon.uses[-1].store}
        return Refusal("coupon_used", f"The coupon was written off before ({last}).", None, details)
    if redemption.state != "approved":
        state = redemption.state
        message = f"The coupon is void: its redemption was {state.replace('_', ' ')}."
        return Refusal("coupon_void", message, None, {"state": state})
    if coupon.until is not None and coupon.until <= decision.context.now:
        until = locally(decision.program, coupon.until)
        details = {"until": coupon.until.isoformat(), "until_locally": until}
        return Refusal("coupon_expired", f"The coupon was valid until {until}.", None, details)
    return None


def _cents(coupon: Coupon, amount: int | None, currency: str) -> int | Refusal:
    """How much of the face value is used; of a coupon without one: what it took off, as the till says."""
    if coupon.face != "fixed":
        return amount or 0
    if amount is None:
        return coupon.remaining_cents
    if amount > coupon.remaining_cents:
        asked, left = money_said(amount, currency), money_said(coupon.remaining_cents, currency)
        return Refusal(
            "coupon_exceeded",
            f"{asked[1]} were to be written off and {left[1]} are left.",
            "/amount_cents",
            {"remaining_cents": coupon.remaining_cents},
            f"要核销 {asked[0]}，只剩 {left[0]}。",
        )
    if amount < coupon.remaining_cents and not coupon.is_partly_usable:
        # The rest would be lost, and nobody told.
        zh, en = money_said(coupon.remaining_cents, currency)
        return Refusal(
            "coupon_not_partly_usable",
            f"The coupon of {en} is used as a whole: leave the amount out.",
            "/amount_cents",
            {"remaining_cents": coupon.remaining_cents},
            f"面额为 {zh}，请省略金额。",
        )
    return amount
