"""Rewards that members ask for, as plainly as it can be said: what waits is held, what passed is spent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

from jifen.core.limits import NEVER
from tests.model.closed_form import PlainLine, paid_for, slow_start_of_day
from tests.model.oracle.lots import Plain, Refused, drop, flow, give_back, next_sequence, pass_parts, take
from tests.model.oracle.points import bind
from tests.model.oracle.wallets import Wallets
from tests.model.oracle.world import start_of

PRICES = {"five-yuan": 100, "gift-card": 200, "cup": 100, "vase": 100, "movie": 50, "e-book": 10}
#: What is taken with an order: for how many points, how many with each, and what must be paid for it at least.
ADD_ONS = {"tote": (50, 2, 5_000), "sweet": (5, 1, 0), "lamp": (40, 1, 0)}
#: The cup can be had for fewer points, and money.
CHEAP_CUP = 20
FACES = {"five-yuan": 500, "gift-card": 1_000, "movie": 0, "tote": 0}
LIMITS: dict[str, tuple[int, Literal["day", "month", "lifetime"]]] = {
    "five-yuan": (5, "day"),
    "cup": (1, "lifetime"),
    "vase": (2, "month"),
}
STOCK = {"cup": 2, "vase": 3, "movie": 5}
#: Nothing came of it.
UNDONE = ("rejected", "cancelled", "expired")
HELD = ("waiting_for_payment", "waiting_for_approval")
ROLES = {"tester": ("manager",), "boss": ("manager",), "guest": ("reader",)}
#: From which states a step leads on, and what it is in the life of a member.
ALLOWED = {
    "pay": ("waiting_for_payment",),
    "approve": ("waiting_for_approval",),
    "reject": ("waiting_for_approval",),
    "cancel": ("waiting_for_payment", "waiting_for_approval", "approved"),
    "fulfil": ("approved",),
    "return": ("fulfilled",),
}
ACTS = {"pay": "spend", "approve": "spend", "reject": "release", "fulfil": "release", "cancel": "refund"}


class Rewards(Wallets):
    """The commands about redemptions and their coupons."""

    def redeem(
        self,
        member_id: int,
        reward: str,
        quantity: int,
        *,
        with_cash: bool = False,
        order_id: str | None = None,
        now: datetime,
    ) -> int | str:
        """The order, limits, then stock, then points. It waits for money, or for approval, or it passes at once."""

        def work() -> int:
            self.check_life(member_id, "spend")
            self._check_order(member_id, reward, quantity, order_id)
            price = ADD_ONS[reward][0] if reward in ADD_ONS else PRICES[reward]
            points = quantity * (CHEAP_CUP if with_cash else price)
            counted = {}
            if reward in LIMITS:
                most, period = LIMITS[reward]
                name = (reward, period, start_of(period, now, self.zone))
                counted[name] = quantity
                self.use(member_id, name, quantity, most)
            if quantity > STOCK.get(reward, 10**9) - self.taken(reward):
                raise Refused("sold_out")
            wallet, member = self.can_take(member_id, None, points), self.member(member_id)
            each = {"reward": reward, "quantity": quantity, "state": "held", "until": None, "wallet": wallet}
            each |= {"counted": counted, "left": [], "used": [], "valid_until": NEVER, "hold": None, "parts": None}
            each["order_id"] = order_id
            if with_cash:
                each |= {"state": "waiting_for_payment", "until": now + timedelta(minutes=30)}
            elif reward in ("vase", "lamp"):
                each |= {"state": "waiting_for_approval", "until": now + timedelta(hours=24)}
            if each["state"] in HELD:
                each["hold"] = bind(wallet, points, NEVER)
            else:
                each["parts"] = take(wallet, "spent", points)
                flow(wallet, "spent", points)
                self._grant(each, now)
            sequence = next_sequence(member, "redeem")
            member["redemptions"][sequence] = each
            return sequence

        return self.attempt([member_id], now, work)

    def _check_order(self, member_id: int, reward: str, quantity: int, order_id: str | None) -> None:
        if reward not in ADD_ONS:
            if order_id is not None:
                raise Refused("order_not_needed")
            return
        if order_id is None:
            raise Refused("order_needed")
        order = self.world["orders"].get(order_id)
        if order is None or member_id not in (order["member"], *self.survivors(order["member"])):
            raise Refused("order_not_found")
        if not is_left(order["lines"], order["returned"]):
            raise Refused("order_given_back")
        _, most, from_cents = ADD_ONS[reward]
        if sum(paid_for(order["lines"], order["returned"])) < from_cents:
            raise Refused("order_too_small")
        alike = [each for _, _, each in self._taken_with(order_id) if each["reward"] == reward]
        if quantity + sum(each["quantity"] for each in alike if each["state"] not in UNDONE) > most:
            raise Refused("order_limit_reached")

    def _taken_with(self, order_id: str) -> list[tuple[int, int, Plain]]:
        return [
            (member_id, number, each)
            for member_id, member in sorted(self.world["members"].items())
            for number, each in sorted(member["redemptions"].items())
            if each["order_id"] == order_id
        ]

    def end_add_ons(self, order: Plain, asked: list[tuple[int, int]] | None, now: datetime) -> str | None:
        """Each is cancelled by the member who took it, unless it was delivered or used."""
        order_id = next(name for name, each in self.world["orders"].items() if each is order)
        if not leaves_nothing(order, asked):
            return None
        for member_id, number, each in self._taken_with(order_id):
            if each["state"] in ALLOWED["cancel"] and not any(each["used"]):
                outcome = self.step(member_id, number, "cancel", "tester", now)
                if isinstance(outcome, str):
                    return outcome
        return None

    def step(self, member_id: int, sequence: int, step: str, actor: str, now: datetime) -> int | str:
        """What a step does, or why it is refused."""
        if sequence not in self.member(member_id)["redemptions"]:
            return "unknown_redemption"

        def work() -> int:
            each = self.redemption(member_id, sequence)
            self.check_life(member_id, ACTS.get(step, "refund"))
            if each["state"] not in ALLOWED[step]:
                raise Refused("step_not_allowed")
            if step in ("approve", "reject") and actor != "boss":
                raise Refused("approval_by_requester" if actor == "tester" else "role_missing")
            if step == "fulfil" and each["reward"] in FACES:
                raise Refused("step_not_allowed")
            if step == "cancel" and any(each["used"]):
                raise Refused("coupon_used")
            if step == "fulfil":
                each["state"] = "fulfilled"
            elif step in ("pay", "approve"):
                self._pass(each, now)
            else:
                after = {"reject": "rejected", "cancel": "cancelled", "return": "returned"}[step]
                self._undo_redemption(member_id, each, after, now)
            return next_sequence(self.member(member_id), "step")

        if self.redemption(member_id, sequence)["parts"] and step in ("cancel", "return"):
            return self.about_the_past(member_id, "refund", now, work)
        return self.attempt([member_id], now, work)

    def end_redemptions(self, member_id: int, now: datetime) -> None:
        """Nobody paid or decided in time."""
        self.let_time_pass([member_id], now)
        for each in self.member(member_id)["redemptions"].values():
            if each["until"] is not None and each["until"] <= now:
                next_sequence(self.member(member_id), "step")
                self._undo_redemption(member_id, each, "expired", each["until"])
        self.let_time_pass([member_id], now)

    def write_off(self, member_id: int, sequence: int, index: int, cents: int | None, now: datetime) -> int | str:
        """Once, in parts where it may be."""

        def work() -> int:
            self.check_life(member_id, "use")
            each = self.redemption(member_id, sequence)
            if is_used_up(each, index):
                raise Refused("coupon_used")
            if each["state"] != "approved":
                raise Refused("coupon_void")
            if each["valid_until"] <= now:
                raise Refused("coupon_expired")
            left, has_face = each["left"][index], FACES[each["reward"]] > 0
            if has_face and cents is not None and cents > left:
                raise Refused("coupon_exceeded")
            if has_face and cents is not None and cents < left and each["reward"] != "gift-card":
                raise Refused("coupon_not_partly_usable")
            part = left if has_face and cents is None else cents or 0
            number = next_sequence(self.member(member_id), "step")
            each["used"][index][number] = part
            each["left"][index] = left - part if each["reward"] == "gift-card" else 0
            if all(is_used_up(each, number) for number in range(each["quantity"])):
                each["state"] = "written_off"
            return number

        return self.attempt([member_id], now, work)

    def cancel_write_off(
        self, member_id: int, sequence: int, index: int, named: int | None, now: datetime
    ) -> int | str:
        """The one that is named; it need not be, where there is only one."""

        def work() -> int:
            each = self.redemption(member_id, sequence)
            if each["state"] not in ("approved", "written_off"):
                raise Refused("step_not_allowed")
            used = each["used"][index]
            if named is None and len(used) > 1:
                raise Refused("write_off_needed")
            number = next(iter(used), None) if named is None else named
            if number not in used:
                raise Refused("unknown_write_off")
            part = used.pop(number)
            is_partly = each["reward"] == "gift-card"
            each["left"][index] = each["left"][index] + part if is_partly else FACES[each["reward"]]
            each["state"] = "approved"
            return next_sequence(self.member(member_id), "step")

        return self.attempt([member_id], now, work)

    # --- within ---

    def redemption(self, member_id: int, sequence: int) -> Plain:
        """One redemption."""
        found: Plain = self.member(member_id)["redemptions"][sequence]
        return found

    def taken(self, reward: str) -> int:
        """Pieces of stock; a code that was shown never comes back."""
        return sum(
            each["quantity"]
            for member in self.world["members"].values()
            for each in member["redemptions"].values()
            if each["reward"] == reward
            and (each["state"] not in (*UNDONE, "returned") or (reward == "movie" and each["left"]))
        )

    def view_redemptions(self, member_id: int) -> dict[int, tuple[object, ...]]:
        """How each stands: state, until when it waits, and of each coupon what is left and what was used."""
        return {
            number: (each["state"], each["until"], each["left"], [[*parts.values()] for parts in each["used"]])
            for number, each in self.member(member_id)["redemptions"].items()
        }

    def _pass(self, each: Plain, now: datetime) -> None:
        """What is held is spent."""
        wallet, hold = each["wallet"], each["hold"]
        pass_parts(hold["parts"], "held", "spent")
        flow(wallet, "spent", sum(part for _, part in hold["parts"]))
        drop(wallet["holds"], hold)
        each |= {"hold": None, "parts": hold["parts"]}
        self._grant(each, now)

    def _grant(self, each: Plain, now: datetime) -> None:
        """Coupons are issued; where there is nothing to deliver either, it is done."""
        each |= {"state": "fulfilled" if each["reward"] in ("e-book", "sweet") else "approved", "until": None}
        if each["reward"] in FACES:
            each["left"] = [FACES[each["reward"]]] * each["quantity"]
            each["used"] = [{} for _ in range(each["quantity"])]
        if each["reward"] == "five-yuan":
            day = now.astimezone(self.zone).date() + timedelta(days=31)
            each["valid_until"] = slow_start_of_day(day, self.zone)

    def _undo_redemption(self, member_id: int, each: Plain, after: str, when: datetime) -> None:
        """Points come back, to the lots that they came from. What came to nothing is counted back."""
        wallet = each["wallet"]
        each |= {"state": after, "until": None}
        if after in UNDONE:
            for name, number in each["counted"].items():
                self.use(member_id, name, -number, None)
        if each["hold"] is not None:
            drop(wallet["holds"], each["hold"])
            give_back(self.document, wallet, "held", each["hold"]["parts"], when)
            each["hold"] = None
        else:
            flow(wallet, "spent", -sum(part for _, part in each["parts"]))
            give_back(self.document, wallet, "spent", each["parts"], when)


def is_used_up(each: Plain, index: int) -> bool:
    """Whether nothing of a coupon is left."""
    return bool(each["used"][index]) and each["left"][index] == 0


def is_left(lines: Sequence[PlainLine], returned: Sequence[int]) -> bool:
    """Whether a piece is left that was paid for; of what cost nothing, any piece."""
    was_paid = any(cents for _, cents in lines)
    return any(
        gone < quantity and (cents or not was_paid) for (quantity, cents), gone in zip(lines, returned, strict=True)
    )


def leaves_nothing(order: Plain, asked: list[tuple[int, int]] | None) -> bool:
    """Whether a refund that will not be refused leaves nothing of an order."""
    quantities = [quantity for quantity, _ in order["lines"]]
    if order["returned"] == quantities:
        return False
    returned = list(quantities if asked is None else order["returned"])
    for line, quantity in asked or ():
        if line >= len(returned):
            return False
        returned[line] += quantity
    is_possible = all(gone <= quantity for gone, quantity in zip(returned, quantities, strict=True))
    return is_possible and not is_left(order["lines"], returned)
