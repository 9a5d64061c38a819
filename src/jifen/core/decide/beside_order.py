"""Add-ons are taken with an order of one's own: whether an order carries one, or what would be needed."""

from __future__ import annotations

from jifen.core.decide.context import PastTransaction
from jifen.core.decide.past_order import order_of, returned_before, stands
from jifen.core.orders import remaining_lines
from jifen.core.redemption.commands import RedeemReward
from jifen.core.redemption.document import Reward, terms_of_add_on
from jifen.core.redemption.machine import UNDONE
from jifen.core.refusal import Refusal
from jifen.core.wording.values import money_said

_POINTER = "/order_id"


def check_order_beside(
    reward: Reward, command: RedeemReward, earned: PastTransaction | None, currency: str
) -> Refusal | None:
    """Refuse an add-on without an order that carries it, and an order beside anything else. `earned`: the order that
    the command names; None: there is none, or it is not this member's, which is nobody else's business. `currency`:
    that of the program, for the words."""
    order_id, name = command.order_id, reward.name.en
    terms = terms_of_add_on(reward)
    if terms is None:
        message = f"{name} is no add-on: leave `order_id` out."
        return Refusal("order_not_needed", message, _POINTER) if order_id is not None else None
    if order_id is None:
        return Refusal("order_needed", f"{name} is taken with an order: say which one with `order_id`.", _POINTER)
    details: dict[str, object] = {"order_id": order_id}
    if earned is None or not earned.is_order:
        message = f"This member has no order {order_id!r}; record it first."
        return Refusal("order_not_found", message, _POINTER, details)
    order, returned = order_of(earned), returned_before(earned)
    if not stands(earned, order, returned):
        message = f"The order {order_id!r} was given back; take {name} with another."
        return Refusal("order_given_back", message, _POINTER, details)
    paid_cents = sum(line.paid_cents for line in remaining_lines(order, returned))
    if paid_cents < terms.from_cents:
        missing = terms.from_cents - paid_cents
        least, paid, short = (money_said(cents, currency) for cents in (terms.from_cents, paid_cents, missing))
        message = f"{name} is for orders of {least[1]} or more; {paid[1]} was paid for {order_id!r}: {short[1]} short."
        zh = f"订单满 {least[0]}可换购；订单 {order_id} 实付 {paid[0]}，还差 {short[0]}。"
        details |= {"from_cents": terms.from_cents, "paid_cents": paid_cents, "missing_cents": missing}
        return Refusal("order_too_small", message, _POINTER, details, zh)
    return _check_most(reward, terms.most, command, earned)


def _check_most(reward: Reward, most: int, command: RedeemReward, earned: PastTransaction) -> Refusal | None:
    """What came to nothing does not count; what was returned does, so that nobody takes and returns without end."""
    taken = sum(
        each.quantity for each in earned.add_ons.values() if each.reward == reward.id and each.state not in UNDONE
    )
    if taken + command.quantity <= most:
        return None
    return Refusal(
        "order_limit_reached",
        f"With one order {most} of {reward.name.en} can be taken; with {command.order_id!r} {taken} were.",
        "/quantity",
        {"order_id": command.order_id, "most": most, "taken": taken, "requested": command.quantity},
    )
