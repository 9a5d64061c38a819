"""Points come, go, and come back: orders and refunds, spends, holds, corrections, gifts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from fractions import Fraction
from typing import NamedTuple

from jifen.core.calendar import days_later
from jifen.core.limits import MAXIMUM_HOLD
from jifen.core.program import EarningRule
from jifen.core.wallets.document import OffsetPolicy
from tests.model.closed_form import PlainLine, paid_for, points_kept, share_by_remainders, smallest_step
from tests.model.oracle.lots import (
    Part,
    Plain,
    Refused,
    drop,
    expiry_of,
    flow,
    give_back,
    next_sequence,
    open_lot,
    pass_parts,
    split,
    take,
    terms_of,
)
from tests.model.oracle.past import Past
from tests.model.oracle.world import check_points, copied


class PaidWith(NamedTuple):
    """What of an order was paid with points: those of a hold, and the money that they stand for."""

    owner: int
    hold: int
    points: int
    cents: int


class Points(Past):
    """The commands about points."""

    def earn(
        self,
        member_id: int,
        order_id: str,
        lines: list[PlainLine],
        occurred_at: datetime,
        now: datetime,
        paid_with: PaidWith | None = None,
    ) -> int | str:
        """An order of lines, part of it paid with points of a hold perhaps."""

        def work() -> int:
            self.check_life(member_id, "earn")
            paid = None if paid_with is None else self._pays(member_id, lines, paid_with)
            sequence = self._earn(member_id, order_id, lines, occurred_at, now)
            if paid_with is not None and paid is not None:
                self.world["orders"][order_id]["offset"] = {"parts": paid, "given": 0}
                self._capture(member_id, paid_with.hold, paid, rest=True, now=now, paid_by=sequence)
            return sequence

        if paid_with is not None and paid_with.owner != member_id:
            return "hold_of_other_member"
        if paid_with is not None and paid_with.hold not in self.member(member_id)["book"]:
            return "unknown_hold"
        return self.attempt([member_id], now, work)

    def _earn(self, member_id: int, order_id: str, lines: list[PlainLine], occurred_at: datetime, now: datetime) -> int:
        document, member = self.document, self.member(member_id)
        rule = document.earning[0]
        order = {"member": member_id, "lines": lines, "returned": [0] * len(lines), "lot": None, "offset": None}
        order["version"] = self.version
        self.world["orders"][order_id] = order
        sequence = next_sequence(member, "earn", order=order)
        points = points_kept(rule, lines, [0] * len(lines))
        if points:
            wallet = self.wallet(member_id, rule.wallet)
            effective = days_later(occurred_at, rule.pending_days, self.zone)
            expires = expiry_of(document, rule.wallet, occurred_at)
            if expires <= effective and rule.pending_days:
                # Never before they begin.
                expires = expiry_of(document, rule.wallet, effective)
            terms = (occurred_at, effective, expires)
            flow(wallet, "issued", -points)
            member["earned"].append((occurred_at, rule.wallet, points))
            order["lot"] = open_lot(wallet, points, terms, pending=effective > now)
        return sequence

    def _pays(self, member_id: int, lines: list[PlainLine], said: PaidWith) -> list[Part]:
        """The points that pay for an order, by the terms of the time when they were held."""
        hold = self.open_hold(member_id, said.hold)
        policy = self.documents[self.member(member_id)["book"][said.hold]["version"]].offset
        if policy is None:
            raise Refused("offset_not_allowed")
        parts, _ = split(hold["parts"], said.points)
        if said.points > sum(part for _, part in hold["parts"]):
            raise Refused("hold_exceeded")
        step = step_of_offset(policy)
        if said.points % step or said.points < (policy.least_points or step):
            raise Refused("not_a_whole_step")
        if Fraction(said.points * policy.cents, policy.points) != said.cents:
            raise Refused("offset_mismatch")
        total = sum(cents for _, cents in lines) + said.cents
        if said.cents > Fraction(policy.most_percent) * total / 100:
            raise Refused("offset_too_large")
        return parts

    # --- refunds ---

    def refund(self, order_id: str, asked: list[tuple[int, int]] | None, now: datetime) -> int | str:
        """A refund of lines (from 0) and quantities; None: of all that is left."""
        order = self.world["orders"].get(order_id)
        if order is None:
            return "unknown_order"

        def about() -> Plain:
            found: Plain = self.world["orders"][order_id]
            return found

        return self._refund(order["member"], about, asked, now)

    def _refund(
        self, member_id: int, about: Callable[[], Plain], asked: list[tuple[int, int]] | None, now: datetime
    ) -> int | str:
        before = copied(self.world)
        refusal = self.end_add_ons(about(), asked, now)
        if refusal is not None:
            self.world = before
            return refusal

        def origins() -> dict[str, list[Plain]]:
            order = about()
            return {} if order["lot"] is None else {self.rule_of(order).wallet: [order["lot"]]}

        outcome = self.about_the_past(
            member_id, "refund", now, lambda: self._take_order_back(member_id, about(), asked, now), origins
        )
        if isinstance(outcome, str):
            self.world = before
        return outcome

    def end_add_ons(self, order: Plain, asked: list[tuple[int, int]] | None, now: datetime) -> str | None:
        """End what was taken with an order, if this refund leaves nothing of it; or why that cannot be."""
        raise NotImplementedError

    def _take_order_back(self, member_id: int, order: Plain, asked: list[tuple[int, int]] | None, now: datetime) -> int:
        rule = self.rule_of(order)
        wallet, member = self.wallet(member_id, rule.wallet), self.member(member_id)
        paid = sum(paid_for(order["lines"], order["returned"]))
        due = order_due(rule, order, asked)
        self.paid_change += sum(paid_for(order["lines"], order["returned"])) - paid
        before = wallet["flows"].get("reversed", 0)
        self._give_offset_back(wallet, order, now)
        if due:
            policy = self.documents[order["version"]].refunds.spent_points
            self.take_back(member_id, wallet, order["lot"], due, policy)
        member["earned"].append((now, rule.wallet, before - wallet["flows"].get("reversed", 0)))
        return next_sequence(member, "reverse")

    def rule_of(self, order: Plain) -> EarningRule:
        """The rule that rated an order."""
        return self.documents[order["version"]].earning[0]

    def _give_offset_back(self, wallet: Plain, order: Plain, now: datetime) -> None:
        """Of the points that paid for what was returned the member gets the exact share, the last that were taken
        first. What a refund had forgiven of them stays gone."""
        if order["offset"] is None:
            return
        parts, given = order["offset"]["parts"], order["offset"]["given"]
        points = sum(part for _, part in parts)
        shares = share_by_remainders(points, [cents for _, cents in order["lines"]])
        kept = [
            share * (quantity - gone) // quantity
            for share, (quantity, _), gone in zip(shares, order["lines"], order["returned"], strict=True)
        ]
        due = max(points - sum(kept) - given, 0)
        _, not_given = split(parts[::-1], given)
        order["offset"]["given"] += due
        give_back_now, _ = split(not_given, due)
        flow(wallet, "spent", -due)
        give_back(self.document, wallet, "spent", give_back_now, now)

    # --- spends and holds ---

    def spend(self, member_id: int, wallet_name: str | None, points: int, now: datetime) -> int | str:
        """A direct spend."""

        def work() -> int:
            self.check_life(member_id, "spend")
            self.can_take(member_id, wallet_name, points)
            return self.pay(member_id, wallet_name, points)

        return self.attempt([member_id], now, work)

    def pay(self, member_id: int, wallet_name: str | None, points: int) -> int:
        """Take points for good; how they can be given back stands in the book."""
        wallet = self.wallet(member_id, wallet_name)
        parts = take(wallet, "spent", points)
        flow(wallet, "spent", points)
        return next_sequence(self.member(member_id), "spend", wallet=wallet, parts=parts, place="spent")

    def hold(self, member_id: int, points: int, ends: datetime | None, now: datetime) -> int | str:
        """Bind points."""

        def work() -> int:
            self.check_life(member_id, "spend")
            wallet = self.can_take(member_id, None, points)
            until = ends or now + timedelta(minutes=self.document.holds.minutes)
            if until <= now:
                raise Refused("instant_in_past")
            if until > now + MAXIMUM_HOLD:
                raise Refused("instant_too_far")
            hold = bind(wallet, points, until)
            return next_sequence(self.member(member_id), "hold", wallet=wallet, hold=hold, version=self.version)

        return self.attempt([member_id], now, work)

    def capture(self, member_id: int, sequence: int, points: int | None, rest: bool, now: datetime) -> int | str:
        """Spend held points, in the order of their lots."""
        if sequence not in self.member(member_id)["book"]:
            return "unknown_hold"

        def work() -> int:
            self.check_life(member_id, "spend")
            hold = self.open_hold(member_id, sequence)
            held = sum(part for _, part in hold["parts"])
            wanted = held if points is None else points
            check_points(wanted)
            if wanted > held:
                raise Refused("hold_exceeded")
            parts, _ = split(hold["parts"], wanted)
            return self._capture(member_id, sequence, parts, rest=rest, now=now)

        return self.attempt([member_id], now, work)

    def _capture(
        self, member_id: int, sequence: int, parts: list[Part], *, rest: bool, now: datetime, paid_by: int | None = None
    ) -> int:
        """Spend the first parts of a hold. `paid_by`: the order that they pay for, with which alone they come back."""
        member = self.member(member_id)
        wallet, hold = member["book"][sequence]["wallet"], member["book"][sequence]["hold"]
        points = sum(part for _, part in parts)
        _, hold["parts"] = split(hold["parts"], points)
        pass_parts(parts, "held", "spent")
        flow(wallet, "spent", points)
        captured = next_sequence(member, "capture", wallet=wallet, parts=parts, place="spent", paid_by=paid_by)
        if not hold["parts"]:
            drop(wallet["holds"], hold)
        elif rest:
            self._free(member_id, sequence, now)
        return captured

    def release(self, member_id: int, sequence: int, now: datetime) -> int | str:
        """Free a hold."""
        if sequence not in self.member(member_id)["book"]:
            return "unknown_hold"

        def work() -> int:
            self.open_hold(member_id, sequence)
            return self._free(member_id, sequence, now)

        return self.about_the_past(member_id, "release", now, work)

    def open_hold(self, member_id: int, sequence: int) -> Plain:
        """A hold of which something is left."""
        entry = self.member(member_id)["book"][sequence]
        if entry["kind"] != "hold":
            raise Refused("unknown_hold")
        if not any(each is entry["hold"] for each in entry["wallet"]["holds"]):
            raise Refused("hold_closed")
        hold: Plain = entry["hold"]
        return hold

    def _free(self, member_id: int, sequence: int, now: datetime) -> int:
        member = self.member(member_id)
        wallet, hold = member["book"][sequence]["wallet"], member["book"][sequence]["hold"]
        drop(wallet["holds"], hold)
        give_back(self.document, wallet, "held", hold["parts"], now)
        return next_sequence(member, "release")

    # --- corrections and gifts ---

    def adjust(
        self, member_id: int, wallet_name: str | None, points: int, expires: datetime | None, now: datetime
    ) -> int | str:
        """Correct a balance."""

        def work() -> int:
            self.check_life(member_id, "adjust")
            wallet, member = self.wallet(member_id, wallet_name), self.member(member_id)
            check_points(abs(points))
            if points < 0:
                if expires is not None:
                    raise Refused("expiry_not_applicable")
                self.can_take(member_id, wallet_name, -points)
                flow(wallet, "adjusted", -points)
                parts = take(wallet, "adjusted", -points)
                return next_sequence(member, "adjust_down", wallet=wallet, parts=parts, place="adjusted")
            if expires is not None and expires <= now:
                raise Refused("instant_in_past")
            flow(wallet, "adjusted", -points)
            terms = (now, now, expires or expiry_of(self.document, wallet["name"], now))
            lot = open_lot(wallet, points, terms)
            return next_sequence(member, "adjust_up", wallet=wallet, lot=lot, points=points, version=self.version)

        return self.attempt([member_id], now, work)

    def transfer(self, giver: int, taker: int, points: int, now: datetime) -> int | str:
        """Points change hands and keep their terms, within what the program allows as gifts."""

        def work() -> int:
            self.check_life(giver, "send")
            self.check_life(taker, "receive")
            check_points(points)
            gifts = self.document.gifts
            if gifts is not None:
                if points < gifts.least:
                    raise Refused("below_least")
                if gifts.most is not None and points > gifts.most:
                    raise Refused("above_most")
                for each, days in ((giver, gifts.cooling_days), (taker, gifts.receiver_cooling_days)):
                    if now < self.member(each)["registered_at"] + timedelta(days=days):
                        raise Refused("cooling_down")
            wallet, there = self.can_take(giver, None, points), self.wallet(taker, None)
            if gifts is not None:
                self.use_limits(giver, "giver", gifts.limits, points, now)
                self.use_limits(taker, "receiver", gifts.receiver_limits, points, now)
            parts = take(wallet, "moved", points)
            flow(wallet, "transit", points)
            flow(there, "transit", -points)
            for lot, part in parts:
                open_lot(there, part, terms_of(lot))
            next_sequence(self.member(taker), "transfer")
            return next_sequence(self.member(giver), "transfer")

        return "same_member" if giver == taker else self.attempt([giver, taker], now, work)

    # --- undoing ---

    def reverse(self, member_id: int, sequence: int, now: datetime) -> int | str:
        """Undo what one transaction did."""
        entry = self.member(member_id)["book"].get(sequence)
        if entry is None:
            return "unknown_transaction"
        if "pooled" in entry:
            return self.reverse_common_spend(member_id, sequence, now)
        if entry["kind"] == "earn":
            return self._refund(member_id, lambda: self._entry(member_id, sequence)["order"], None, now)
        return self.reverse_entry(member_id, sequence, now)

    def reverse_common_spend(self, member_id: int, sequence: int, now: datetime) -> int | str:
        """Undo what one transaction of a common spend did."""
        raise NotImplementedError

    def reverse_entry(self, member_id: int, sequence: int, now: datetime) -> int | str:
        """Undo a transaction that is no order."""

        def origins() -> dict[str, list[Plain]]:
            entry = self._entry(member_id, sequence)
            if entry["kind"] == "adjust_up":
                return {entry["wallet"]["name"]: [entry["lot"]]}
            return {entry["got"]["name"]: [entry["lot"]]} if entry["kind"] == "convert" else {}

        return self.about_the_past(
            member_id, "refund", now, lambda: self._undo(member_id, self._entry(member_id, sequence), now), origins
        )

    def _entry(self, member_id: int, sequence: int) -> Plain:
        entry: Plain = self.member(member_id)["book"][sequence]
        return entry

    def _undo(self, member_id: int, entry: Plain, now: datetime) -> int:
        if entry["is_reversed"]:
            raise Refused("already_reversed")
        if entry.get("paid_by") is not None or entry["kind"] not in REVERSIBLE:
            raise Refused("not_reversible")
        entry["is_reversed"] = True
        if entry["kind"] == "adjust_up":
            policy = self.documents[entry["version"]].refunds.spent_points
            self.take_back(member_id, entry["wallet"], entry["lot"], entry["points"], policy)
        if entry["kind"] == "convert":
            # Nothing of what arrived is forgiven, or whoever spends it would have both.
            policy = self.documents[entry["version"]].refunds.spent_points
            points = entry["lot"]["issued"]
            self.take_back(member_id, entry["got"], entry["lot"], points, policy, may_forgive=False)
        if "parts" in entry:
            flow(entry["wallet"], entry["place"], -sum(part for _, part in entry["parts"]))
            give_back(self.document, entry["wallet"], entry["place"], entry["parts"], now)
        return next_sequence(self.member(member_id), "reverse")


REVERSIBLE = ("spend", "capture", "adjust_up", "adjust_down", "forfeit", "convert")


def bind(wallet: Plain, points: int, until: datetime) -> Plain:
    """Hold points."""
    hold = {"ends": until, "parts": take(wallet, "held", points)}
    wallet["holds"].append(hold)
    return hold


def step_of_offset(policy: OffsetPolicy) -> int:
    """In which steps points pay."""
    return policy.step_points or smallest_step(policy.cents, policy.points)


def order_due(rule: EarningRule, order: Plain, asked: list[tuple[int, int]] | None) -> int:
    """How many points a refund takes back; counts the pieces as returned."""
    lines: list[PlainLine] = order["lines"]
    left = [quantity - gone for (quantity, _), gone in zip(lines, order["returned"], strict=True)]
    if not any(left):
        raise Refused("already_refunded")
    before = points_kept(rule, lines, order["returned"])
    for line, quantity in asked or list(enumerate(left)):
        if not 0 <= line < len(lines):
            raise Refused("unknown_line")
        order["returned"][line] += quantity
        if order["returned"][line] > lines[line][0]:
            raise Refused("returned_too_much")
    return before - points_kept(rule, lines, order["returned"])
