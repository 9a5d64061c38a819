"""The commands of the oracle, each in its simplest form."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from jifen.core.calendar import days_later
from jifen.core.program import ProgramDocument
from tests.model.closed_form import PlainLine, points_kept
from tests.model.oracle import (
    WALLETS,
    Plain,
    Refused,
    available,
    check_lots,
    expiry_of,
    flow,
    give_back,
    new_member,
    next_sequence,
    open_lot,
    order_due,
    pass_time,
    take,
    take_back,
)

MOST = 10**15


class Oracle:
    """Members and orders. A command gives the sequence of its transaction, or the code of its refusal."""

    def __init__(self, document: ProgramDocument) -> None:
        self.document = document
        self.world: Plain = {"members": {}, "orders": {}}

    def add_member(self, member_id: int) -> None:
        """A member without history."""
        self.world["members"][member_id] = new_member()

    def attempt(self, members: list[int], now: datetime, work: Callable[[], int]) -> int | str:
        """Do it, or leave everything as it was."""
        before = copy.deepcopy(self.world)
        try:
            for each in members:
                pass_time(self.document, self.world["members"][each], now)
            sequence = work()
        except Refused as refusal:
            self.world = before
            return refusal.code
        for each in members:
            pass_time(self.document, self.world["members"][each], now)
        for member in self.world["members"].values():
            for wallet in member["wallets"].values():
                check_lots(wallet)
        return sequence

    def member(self, member_id: int) -> Plain:
        """Everything about a member."""
        found: Plain = self.world["members"][member_id]
        return found

    def wallet(self, member_id: int, name: str | None) -> Plain:
        """One wallet of a member."""
        if (name or "points") not in WALLETS:
            raise Refused("unknown_wallet")
        found: Plain = self.member(member_id)["wallets"][name or "points"]
        return found

    def view(self, member_id: int, now: datetime) -> dict[str, Any]:
        """What the member has now, without writing anything down."""
        member = copy.deepcopy(self.member(member_id))
        pass_time(self.document, member, now)
        return {name: view_of(wallet) for name, wallet in member["wallets"].items()} | {"sequence": member["sequence"]}

    # --- commands ---

    def earn(
        self, member_id: int, order_id: str, lines: list[PlainLine], occurred_at: datetime, now: datetime
    ) -> int | str:
        """An order of lines."""

        def work() -> int:
            document, member = self.document, self.member(member_id)
            rule = document.earning[0]
            order = {"member": member_id, "lines": lines, "returned": [0] * len(lines), "rule": rule, "lot": None}
            order["policy"] = document.refunds.spent_points
            self.world["orders"][order_id] = order
            sequence = next_sequence(member, "earn", order=order)
            points = points_kept(rule, lines, [0] * len(lines))
            if points:
                wallet = self.wallet(member_id, rule.wallet)
                effective = days_later(occurred_at, rule.pending_days, zone_of(document))
                terms = (occurred_at, effective, expiry_of(document, rule.wallet, occurred_at))
                flow(wallet, "issued", -points)
                order["lot"] = open_lot(wallet, points, terms, now)
            return sequence

        return self.attempt([member_id], now, work)

    def refund(self, order_id: str, asked: list[tuple[int, int]] | None, now: datetime) -> int | str:
        """A refund of lines (from 0) and quantities; None: of all that is left."""
        order = self.world["orders"].get(order_id)
        if order is None:
            return "unknown_order"
        member_id: int = order["member"]
        return self.attempt([member_id], now, lambda: self._refund(member_id, self.world["orders"][order_id], asked))

    def _refund(self, member_id: int, order: Plain, asked: list[tuple[int, int]] | None) -> int:
        due = order_due(order, asked)
        if due:
            take_back(self.wallet(member_id, order["rule"].wallet), order["lot"], due, order["policy"])
        return next_sequence(self.member(member_id), "reverse")

    def spend(self, member_id: int, wallet_name: str | None, points: int, now: datetime) -> int | str:
        """A direct spend."""

        def work() -> int:
            wallet = self._can_take(member_id, wallet_name, points)
            parts = take(wallet, "spent", points)
            flow(wallet, "spent", points)
            return next_sequence(self.member(member_id), "spend", wallet=wallet, parts=parts, place="spent")

        return self.attempt([member_id], now, work)

    def hold(self, member_id: int, points: int, ends: datetime | None, now: datetime) -> int | str:
        """Bind points."""

        def work() -> int:
            wallet = self._can_take(member_id, None, points)
            until = ends or now + timedelta(minutes=self.document.holds.minutes)
            if until <= now:
                raise Refused("instant_in_past")
            if until > now + timedelta(days=366):
                raise Refused("instant_too_far")
            hold = {"ends": until, "parts": take(wallet, "held", points)}
            wallet["holds"].append(hold)
            return next_sequence(self.member(member_id), "hold", wallet=wallet, hold=hold)

        return self.attempt([member_id], now, work)

    def capture(self, member_id: int, sequence: int, points: int | None, rest: bool, now: datetime) -> int | str:
        """Spend held points, in the order of their lots."""

        def work() -> int:
            wallet, hold = self._open_hold(member_id, sequence)
            bound = sum(part for _, part in hold["parts"])
            wanted = bound if points is None else points
            check_points(wanted)
            if wanted > bound:
                raise Refused("hold_exceeded")
            parts = split(hold, wanted)
            for lot, part in parts:
                lot["held"] -= part
                lot["spent"] += part
            flow(wallet, "spent", wanted)
            captured = next_sequence(self.member(member_id), "capture", wallet=wallet, parts=parts, place="spent")
            if not hold["parts"]:
                wallet["holds"].remove(hold)
            elif rest:
                self._free(member_id, wallet, hold, now)
            return captured

        return self.attempt([member_id], now, work)

    def release(self, member_id: int, sequence: int, now: datetime) -> int | str:
        """Free a hold."""
        return self.attempt([member_id], now, lambda: self._free(member_id, *self._open_hold(member_id, sequence), now))

    def adjust(
        self, member_id: int, wallet_name: str | None, points: int, expires: datetime | None, now: datetime
    ) -> int | str:
        """Correct a balance."""

        def work() -> int:
            wallet, member = self.wallet(member_id, wallet_name), self.member(member_id)
            check_points(abs(points))
            if points < 0:
                if expires is not None:
                    raise Refused("expiry_not_applicable")
                self._can_take(member_id, wallet_name, -points)
                flow(wallet, "adjusted", -points)
                parts = take(wallet, "adjusted", -points)
                return next_sequence(member, "adjust_down", wallet=wallet, parts=parts, place="adjusted")
            if expires is not None and expires <= now:
                raise Refused("instant_in_past")
            flow(wallet, "adjusted", -points)
            terms = (now, now, expires or expiry_of(self.document, wallet_name or "points", now))
            policy = self.document.refunds.spent_points
            lot = open_lot(wallet, points, terms, None)
            return next_sequence(member, "adjust_up", wallet=wallet, lot=lot, points=points, policy=policy)

        return self.attempt([member_id], now, work)

    def transfer(self, giver: int, taker: int, points: int, now: datetime) -> int | str:
        """Points change hands and keep their terms."""

        def work() -> int:
            wallet, there = self._can_take(giver, None, points), self.wallet(taker, None)
            parts = take(wallet, "given", points)
            flow(wallet, "transit", points)
            flow(there, "transit", -points)
            for lot, part in parts:
                open_lot(there, part, (lot["earned"], lot["effective"], lot["expires"]), None)
            next_sequence(self.member(taker), "transfer")
            return next_sequence(self.member(giver), "transfer")

        return "same_member" if giver == taker else self.attempt([giver, taker], now, work)

    def reverse(self, member_id: int, sequence: int, now: datetime) -> int | str:
        """Undo what one transaction did."""
        if sequence not in self.member(member_id)["book"]:
            return "unknown_transaction"

        def work() -> int:
            entry = self.member(member_id)["book"][sequence]
            if entry["kind"] == "earn":
                return self._refund(member_id, entry["order"], None)
            if entry["is_reversed"]:
                raise Refused("already_reversed")
            entry["is_reversed"] = True
            if entry["kind"] == "adjust_up":
                take_back(entry["wallet"], entry["lot"], entry["points"], entry["policy"])
            elif "parts" in entry:
                flow(entry["wallet"], entry["place"], -sum(part for _, part in entry["parts"]))
                give_back(self.document, entry["wallet"], entry["place"], entry["parts"], now)
            else:
                raise Refused("not_reversible")
            return next_sequence(self.member(member_id), "reverse")

        return self.attempt([member_id], now, work)

    def settle(self, member_id: int, now: datetime) -> None:
        """Write down what time has done."""
        pass_time(self.document, self.member(member_id), now)

    # --- within ---

    def _can_take(self, member_id: int, wallet_name: str | None, points: int) -> Plain:
        wallet = self.wallet(member_id, wallet_name)
        check_points(points)
        if points > available(wallet):
            raise Refused("insufficient_points")
        return wallet

    def _open_hold(self, member_id: int, sequence: int) -> tuple[Plain, Plain]:
        entry = self.member(member_id)["book"].get(sequence)
        if entry is None or entry["kind"] != "hold":
            raise Refused("unknown_hold")
        if not any(each is entry["hold"] for each in entry["wallet"]["holds"]):
            raise Refused("hold_closed")
        return entry["wallet"], entry["hold"]

    def _free(self, member_id: int, wallet: Plain, hold: Plain, now: datetime) -> int:
        wallet["holds"].remove(hold)
        sequence = next_sequence(self.member(member_id), "release")
        give_back(self.document, wallet, "held", hold["parts"], now)
        return sequence


def check_points(points: int) -> None:
    """Points that a command can mean."""
    if not 1 <= points <= MOST:
        raise Refused("invalid_points")


def zone_of(document: ProgramDocument) -> ZoneInfo:
    """The program's time zone."""
    return ZoneInfo(document.time_zone)


def split(hold: Plain, points: int) -> list[tuple[Plain, int]]:
    """Take so many points off a hold, first lots first."""
    taken, kept = [], []
    for lot, part in hold["parts"]:
        first = min(points, part)
        points -= first
        if first:
            taken.append((lot, first))
        if part > first:
            kept.append((lot, part - first))
    hold["parts"] = kept
    return taken


def view_of(wallet: Plain) -> dict[str, Any]:
    """Buckets, lots in spending order, open holds, and what went to the program's side."""
    lots = sorted(wallet["lots"], key=lambda each: (each["expires"], each["earned"], each["number"]))

    def shown(place: str) -> list[tuple[int, datetime, datetime, datetime]]:
        return [(lot[place], lot["earned"], lot["effective"], lot["expires"]) for lot in lots if lot[place]]

    return {
        "available": available(wallet),
        "pending": sum(lot["pending"] for lot in lots),
        "held": sum(lot["held"] for lot in lots),
        "debt": wallet["debt"],
        "free_lots": shown("free"),
        "pending_lots": shown("pending"),
        "holds": [(sum(part for _, part in each["parts"]), each["ends"]) for each in wallet["holds"]],
        "flows": {bucket: points for bucket, points in wallet["flows"].items() if points},
    }
