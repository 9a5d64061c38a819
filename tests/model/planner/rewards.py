"""Conversions, savings and rewards."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from jifen.core.commands import AdjustPoints
from jifen.core.ledger.values import transaction_id
from jifen.core.redemption.commands import (
    ApproveRedemption,
    CancelRedemption,
    CancelWriteOff,
    FulfilRedemption,
    PayRedemption,
    RedeemReward,
    RejectRedemption,
    ReturnRedemption,
    StepCommand,
    WriteOffCoupon,
)
from jifen.core.wallets.commands import ConvertPoints, SavePoints, UnsavePoints
from tests.model.oracle.lots import Plain
from tests.model.oracle.rewards import ADD_ONS, HELD, PRICES, is_left
from tests.model.oracle.wallets import find_conversion, step_of_conversion
from tests.model.planner.base import Planned
from tests.model.planner.points import PointsPlans


class RewardPlans(PointsPlans):
    """Plans about wallets and rewards."""

    # --- wallets ---

    def _convert(self, member: int, first: int, second: int, third: int) -> Planned:
        name, wallet = [("to-growth", "points"), ("to-points", "growth")][second % 2]
        member = self._whoever(member, third, lambda each: self.oracle.view(each, self.now)[wallet]["available"] > 50)
        points = self._some_points(member, third, wallet)
        if first % 7:
            conversion = find_conversion(self.oracle.document, name)
            points = max(points - points % step_of_conversion(conversion), conversion.least_points)
            points = conversion.least_points if first % 4 == 1 else points
        name = "to-nowhere" if first % 29 == 0 else name
        expected = self.oracle.convert(member, name, points, self.now)
        return Planned(ConvertPoints(member, name, points), member, expected)

    def _save(self, member: int, first: int, second: int, third: int) -> list[Planned]:
        """Savings of points that expire soon; where nobody has any, of some that are given now."""
        planned = []
        if not any(map(self._savable, self.members)):
            until = self.now + timedelta(days=1 + third % 20)
            expected = self.oracle.adjust(member, None, 1 + second % 900, until, self.now)
            planned.append(Planned(AdjustPoints(member, None, 1 + second % 900, until), member, expected))
        member = self._whoever(member, third, self._savable)
        points = 1 + third % (self._savable(member) // (1 + second % 3) + 1) if first % 2 else 1 + third % 40
        expected = self.oracle.save(member, points, self.now)
        return [*planned, Planned(SavePoints(member, points), member, expected)]

    def _savable(self, member: int) -> int:
        if self.oracle.document.bank is None:
            return 0
        return self.oracle.savable(self.oracle.wallet(member, "points"), self.now)

    def _unsave(self, member: int, first: int, second: int, third: int) -> list[Planned]:
        has_saved = [each for each in self.members if self.oracle.wallet(each, "points")["deposits"]]
        planned = [] if has_saved else self._save(member, first, second, third)
        member = self._whoever(member, second, lambda each: self.oracle.wallet(each, "points")["deposits"])
        saved = self.oracle.view(member, self.now)["points"]["saved"]
        points = 1 + third % (saved + 1)
        expected = self.oracle.unsave(member, points, self.now)
        return [*planned, Planned(UnsavePoints(member, points), member, expected)]

    # --- rewards ---

    def _redeem(self, member: int, first: int, second: int, third: int) -> Planned:
        member = self._whoever(member, third, lambda each: self._can_spend(each, 200))
        reward = list(PRICES)[second % len(PRICES)]
        return self._ask_for(member, reward, 1 + third % 3, with_cash=reward == "cup" and first % 2 == 0)

    def _ask_for(self, member: int, reward: str, quantity: int, *, with_cash: bool) -> Planned:
        expected = self.oracle.redeem(member, reward, quantity, with_cash=with_cash, now=self.now)
        return Planned(RedeemReward(member, reward, quantity, 1 if with_cash else None), member, expected)

    def _take_along(self, member: int, first: int, second: int, third: int) -> list[Planned]:
        """An add-on with an order that somebody has; now and then with somebody else's, with none, or beside none."""
        planned = []
        known = self.oracle.world["orders"]
        open_orders = [name for name, order in known.items() if is_left(order["lines"], order["returned"])]
        if not open_orders or first % 4 == 0:
            planned.append(self._earn(member, 1, second, third))
            open_orders = [name for name, _ in self.orders[-1:]]
        order_id = open_orders[-1 - second % min(len(open_orders), 6)] if first % 11 else self.orders[0][0]
        if order_id in known and second % 13:
            owner = known[order_id]["member"]
            member = [owner, *self.oracle.survivors(owner)][-1]
        reward, quantity = list(ADD_ONS)[third % len(ADD_ONS)], 1 + (third % 7 == 0)
        reward = "e-book" if third % 41 == 0 else reward
        named = None if third % 37 == 0 else order_id
        expected = self.oracle.redeem(member, reward, quantity, order_id=named, now=self.now)
        return [*planned, Planned(RedeemReward(member, reward, quantity, order_id=named), member, expected)]

    def _step(
        self, member: int, step: str, number: int, actor: str, wanted: tuple[str, ...], reward: str
    ) -> list[Planned]:
        """A step of a redemption that stands as wanted, or of any, or now and then of none. Where none stands so, this
        reward is asked for first."""

        def fitting(each: int) -> list[int]:
            redemptions = self.oracle.member(each)["redemptions"]
            return [
                sequence
                for sequence, redemption in redemptions.items()
                if redemption["state"] in wanted and (step != "fulfil" or not redemption["left"])
            ]

        planned = []
        if not any(map(fitting, self.members)):
            asker = self._whoever(member, number, lambda each: self._can_spend(each, 200))
            planned.append(self._ask_for(asker, reward, 1, with_cash=step == "pay"))
        member = self._whoever(member, number // 17, fitting)
        sequences = fitting(member) or list(self.oracle.member(member)["redemptions"])
        sequence = sequences[number % len(sequences)] if sequences and number % 17 else 1 + number % 40
        expected = self.oracle.step(member, sequence, step, actor, self.now)
        self._payments += step == "pay"
        commands: dict[str, StepCommand] = {
            "pay": PayRedemption(member, sequence, f"wx-{self._payments}"),
            "approve": ApproveRedemption(member, sequence),
            "reject": RejectRedemption(member, sequence),
            "cancel": CancelRedemption(member, sequence),
            "fulfil": FulfilRedemption(member, sequence, {"carrier": "SF", "number": "1"}),
            "return": ReturnRedemption(member, sequence),
        }
        return [*planned, Planned(commands[step], member, expected, actor=actor)]

    def _decide(self, member: int, first: int, second: int, third: int) -> list[Planned]:
        actor = ["boss", "boss", "boss", "tester", "guest"][third % 5]
        return self._step(
            member, "reject" if first % 4 == 0 else "approve", second, actor, ("waiting_for_approval",), "vase"
        )

    def _pay(self, member: int, first: int, second: int, third: int) -> list[Planned]:
        return self._step(member, "pay", second, "tester", ("waiting_for_payment",), "cup")

    def _fulfil(self, member: int, first: int, second: int, third: int) -> list[Planned]:
        return self._step(member, "fulfil", second, "tester", ("approved",), "cup")

    def _give_up(self, member: int, first: int, second: int, third: int) -> list[Planned]:
        if first % 2:
            return self._step(member, "return", second, "tester", ("fulfilled",), "e-book")
        return self._step(member, "cancel", second, "tester", ("approved", *HELD) if first % 4 else HELD, "vase")

    def _coupon(self, member: int, number: int, fits: Callable[[Plain], object]) -> tuple[int, int] | None:
        """A coupon of a member: of a redemption that fits, or of any."""
        redemptions = self.oracle.member(member)["redemptions"]
        with_coupons = [sequence for sequence, each in redemptions.items() if each["left"]]
        with_coupons = [sequence for sequence in with_coupons if fits(redemptions[sequence])] or with_coupons
        if not with_coupons:
            return None
        sequence = with_coupons[-1 - number % len(with_coupons)]
        return sequence, (number // 7) % len(redemptions[sequence]["left"])

    def _write_off(self, member: int, first: int, second: int, third: int) -> Planned | None:
        """All or a part of a coupon; every other time of one of which a part was used."""

        def fits(each: Plain) -> bool:
            return second % 2 == 0 or (any(each["used"]) and each["state"] == "approved")

        member = self._whoever(member, first, lambda each: self._coupon(each, second, fits))
        coupon = self._coupon(member, second, fits)
        if coupon is None:
            return None
        cents = None if third % 3 == 0 else 100 * (1 + third % 9)
        expected = self.oracle.write_off(member, *coupon, cents, self.now)
        return Planned(WriteOffCoupon("", cents), member, expected, coupon=coupon)

    def _cancel_write_off(self, member: int, first: int, second: int, third: int) -> Planned | None:
        """A write-off that is named, or the only one; now and then one that there is not."""

        def fits(each: Plain) -> bool:
            return max(map(len, each["used"])) > second % 2

        member = self._whoever(member, first, lambda each: self._coupon(each, second, fits))
        coupon = self._coupon(member, second, fits)
        if coupon is None:
            return None
        redemption, index = coupon
        known = list(self.oracle.member(member)["redemptions"][redemption]["used"][index])
        named = None if third % 2 else ([*known, 1][third // 2 % (len(known) + 1)])
        expected = self.oracle.cancel_write_off(member, redemption, index, named, self.now)
        name = None if named is None else transaction_id(member, named)
        return Planned(CancelWriteOff("", name), member, expected, coupon=coupon)
