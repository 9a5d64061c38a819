"""Points of one wallet become points of another; points that expire soon are saved."""

from __future__ import annotations

import math
from datetime import datetime
from fractions import Fraction
from zoneinfo import ZoneInfo

from jifen.core.calendar import days_later
from jifen.core.program import ProgramDocument
from jifen.core.wallets.document import Bank, Conversion
from tests.model.closed_form import ROUND, slow_expires_at, smallest_step
from tests.model.oracle.lots import Plain, Refused, expiry_of, flow, next_sequence, open_lot, take, take_savings
from tests.model.oracle.points import Points
from tests.model.oracle.world import check_points


class Wallets(Points):
    """The commands about conversion and the points bank."""

    def convert(self, member_id: int, conversion_id: str, points: int, now: datetime) -> int | str:
        """Whole steps, less the fee, into one new lot."""

        def work() -> int:
            self.check_life(member_id, "spend")
            conversion = find_conversion(self.document, conversion_id)
            check_points(points)
            step = step_of_conversion(conversion)
            if points < (conversion.least or step):
                raise Refused("below_least")
            if points % step:
                raise Refused("not_a_whole_step")
            wallet = self.can_take(member_id, conversion.source, points)
            got = arriving(conversion, points)
            if got < 1:
                raise Refused("fee_exceeds_points")
            self.use_limits(member_id, conversion_id, conversion.limits, points, now)
            to = self.wallet(member_id, conversion.target)
            parts = take(wallet, "spent", points)
            flow(wallet, "spent", points)
            flow(to, "issued", -got)
            lot = open_lot(to, got, (now, now, expiry_of(self.document, to["name"], now)))
            facts = {"wallet": wallet, "parts": parts, "place": "spent", "got": to, "lot": lot}
            return next_sequence(self.member(member_id), "convert", version=self.version, **facts)

        return self.attempt([member_id], now, work)

    def save(self, member_id: int, points: int, now: datetime) -> int | str:
        """Points that expire soon are put aside, within a share of what was earned this year."""

        def work() -> int:
            self.check_life(member_id, "spend")
            bank = self._bank()
            check_points(points)
            wallet, member = self.wallet(member_id, bank.wallet), self.member(member_id)
            if points > self.savable(wallet, now):
                raise Refused("not_expiring_soon")
            year = now.astimezone(self.zone).year
            self.use(member_id, ("saved", year), points, share_of(bank, earned_since(member, wallet, year, self.zone)))
            until = slow_expires_at(bank.expiry, now, self.zone)
            parts = take(wallet, "saved", points)
            sequence = next_sequence(member, "save")
            wallet["deposits"].append({"until": until, "parts": parts, "number": sequence})
            return sequence

        return self.attempt([member_id], now, work)

    def unsave(self, member_id: int, points: int, now: datetime) -> int | str:
        """Points come back in new lots, valid as long as the savings would have been."""

        def work() -> int:
            self.check_life(member_id, "spend")
            bank = self._bank()
            check_points(points)
            wallet = self.wallet(member_id, bank.wallet)
            if points > sum(lot["saved"] for lot in wallet["lots"]):
                raise Refused("insufficient_savings")
            for lot, part, until in take_savings(wallet, "moved", points):
                open_lot(wallet, part, (lot["earned"], now, until))
            return next_sequence(self.member(member_id), "unsave")

        return self.attempt([member_id], now, work)

    def savable(self, wallet: Plain, now: datetime) -> int:
        """The free points that expire within the bank's window, and sooner than savings would."""
        bank = self._bank()
        end = min(days_later(now, bank.window_days, self.zone), slow_expires_at(bank.expiry, now, self.zone))
        return sum(lot["free"] for lot in wallet["lots"] if lot["expires"] <= end)

    def _bank(self) -> Bank:
        if self.document.bank is None:
            raise Refused("no_bank")
        return self.document.bank


def find_conversion(document: ProgramDocument, conversion_id: str) -> Conversion:
    """A conversion of the program."""
    for each in document.conversions:
        if each.id == conversion_id:
            return each
    raise Refused("unknown_conversion")


def step_of_conversion(conversion: Conversion) -> int:
    """In which steps points are converted."""
    return conversion.step or smallest_step(conversion.get, conversion.give)


def arriving(conversion: Conversion, points: int) -> int:
    """What points come to."""
    gross = Fraction(points * conversion.get, conversion.give)
    assert gross.denominator == 1
    if conversion.fee_percent is None:
        return int(gross) - conversion.fee_points
    return int(gross) - ROUND[conversion.fee_rounding](gross * Fraction(conversion.fee_percent) / 100)


def earned_since(member: Plain, wallet: Plain, year: int, zone: ZoneInfo) -> int:
    """What events of a calendar year (and later) earned in a wallet, less what was taken back."""
    return sum(
        points
        for when, name, points in member["earned"]
        if name == wallet["name"] and when.astimezone(zone).year >= year
    )


def share_of(bank: Bank, earned: int) -> int:
    """How much of what was earned can be saved."""
    return math.floor(Fraction(bank.share_percent) * max(earned, 0) / 100)
