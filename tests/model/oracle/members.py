"""Members are frozen, leave, are merged and parted; those of a household spend their points together."""

from __future__ import annotations

from datetime import datetime

from tests.model.oracle.lots import (
    Plain,
    Refused,
    flow,
    forfeit_all,
    in_order,
    next_sequence,
    open_lot,
    pass_parts,
    terms_of,
)
from tests.model.oracle.past import put_back, take_or_owe
from tests.model.oracle.rewards import Rewards
from tests.model.oracle.world import check_points


class Oracle(Rewards):
    """The commands about members, and with them all."""

    # --- life ---

    def freeze(self, member_id: int, *, thaw: bool, now: datetime) -> int | str:
        """A step in life: no transaction."""

        def work() -> int:
            self.check_life(member_id, "describe")
            self.member(member_id)["status"] = "active" if thaw else "frozen"
            return 0

        return self.attempt([member_id], now, work)

    def close(self, member_id: int, now: datetime) -> int | str:
        """Whoever leaves is in no household and has no holds; whoever has left before stays away."""
        if self.member(member_id)["household"] is not None:
            return "in_household"

        def work() -> int:
            self.check_life(member_id, "close")
            member = self.member(member_id)
            if member["status"] != "closed":
                if any(wallet["holds"] for wallet in member["wallets"].values()):
                    raise Refused("holds_open")
                self.forfeit(member_id, "closed", forfeit_all)
                member["status"] = "closed"
            return 0

        return self.attempt([member_id], now, work)

    # --- merges ---

    def merge(self, survivor: int, absorbed: int, now: datetime) -> int | str:
        """Everything of one goes to the other."""

        def work() -> int:
            here, there = self.member(absorbed), self.member(survivor)
            if here["household"] is not None:
                raise Refused("in_household")
            self.check_life(survivor, "merge")
            self.check_life(absorbed, "merge")
            if any(wallet["holds"] for wallet in here["wallets"].values()):
                raise Refused("holds_open")
            uses, here["used"] = here["used"], {}
            for name, number in uses.items():
                there["used"][name] = there["used"].get(name, 0) + number
            moved = self.move_all(here, there)
            here |= {"status": "merged", "into": survivor}
            next_sequence(here, "merged")
            return next_sequence(there, "merge", other=absorbed, is_undone=False, uses=uses, **moved)

        return "same_member" if survivor == absorbed else self.attempt([survivor, absorbed], now, work)

    def undo_merge(self, survivor: int, sequence: int, now: datetime) -> int | str:
        """Of each lot that came, what is left of it goes back; debt is where it was, as far as it is still owed."""
        book = self.member(survivor)["book"]
        if sequence not in book or book[sequence]["kind"] != "merge":
            return "unknown_merge"

        def work() -> int:
            self.check_life(survivor, "undo_merge")
            there = self.member(survivor)
            entry = there["book"][sequence]
            if entry["is_undone"]:
                raise Refused("merge_undone")
            entry["is_undone"] = True
            here = self.member(entry["other"])
            followed = [
                each
                for number, each in there["book"].items()
                if number > sequence and each["kind"] == "follow" and each["other"] == entry["other"]
            ]
            for each in (entry, *followed):
                for origin, lot in each["lots"]:
                    self._return_lot(there, here, origin, lot)
                for name, number in each["uses"].items():
                    there["used"][name] -= number
                    here["used"][name] = here["used"].get(name, 0) + number
            self._part_debts(there, here, entry)
            here |= {"status": "active", "into": None}
            next_sequence(here, "parted")
            return next_sequence(there, "undo_merge")

        return self.attempt([survivor, book[sequence]["other"]], now, work)

    @staticmethod
    def _return_lot(there: Plain, here: Plain, origin: Plain | None, lot: Plain) -> None:
        """What is left of a lot goes back to the one that it stands for; what was saved once, to a new one."""
        wallet = next(each for each in there["wallets"].values() if any(lot is one for one in each["lots"]))
        back = here["wallets"][wallet["name"]]
        for place in ("pending", "free"):
            part = lot[place]
            if not part:
                continue
            pass_parts([(lot, part)], place, "moved")
            flow(wallet, "transit", part)
            if origin is None:
                flow(back, "transit", -part)
                open_lot(back, part, terms_of(lot), pending=place == "pending")
            else:
                put_back(back, origin, part, place)

    @staticmethod
    def _part_debts(there: Plain, here: Plain, entry: Plain) -> None:
        """What one paid for the other comes back; what was taken over is owed again by who owed it."""
        for back, lot, part in entry["repaid"]:
            take_or_owe(there["wallets"][back["name"]], part)
            put_back(back, lot, part)
        for name, owed in entry["owed"].items():
            wallet = there["wallets"][name]
            part = min(owed, wallet["debt"])
            wallet["debt"] -= part
            flow(wallet, "transit", -part)
            if part:
                take_or_owe(here["wallets"][name], part)
        for wallet, lot, part in entry["paid"]:
            take_or_owe(here["wallets"][wallet["name"]], part)
            put_back(wallet, lot, part)

    # --- households ---

    def found(self, head: int, others: list[int], now: datetime) -> int | str:
        """A household begins."""
        members = list(dict.fromkeys((head, *others)))
        return self._come(members, members, now)

    def join(self, member_id: int, beside: int, now: datetime) -> int | str:
        """One more comes into a household."""
        if self.member(member_id)["household"] is not None:
            return "in_household"
        if self.member(beside)["household"] is None:
            return "no_household"
        return self._come([member_id], [*self.household_of(beside), member_id], now)

    def _come(self, members: list[int], everybody: list[int], now: datetime) -> int | str:
        if any(self.member(each)["household"] is not None for each in members):
            return "in_household"
        for each in members:
            if self.member(each)["status"] in ("merged", "closed"):
                return f"member_{self.member(each)['status']}"
        if len(everybody) > self.document.members.most_in_household:
            return "household_full"
        self.world["households"] += 1
        for each in everybody:
            self.member(each)["household"] = self.world["households"]
        return 0

    def leave(self, member_id: int, now: datetime) -> int | str:
        """One goes; the others stay together."""
        if self.member(member_id)["household"] is None:
            return "no_household"
        self.member(member_id)["household"] = None
        return 0

    def household_of(self, member_id: int) -> list[int]:
        """Everybody in a member's household."""
        household = self.member(member_id)["household"]
        if household is None:
            return []
        return sorted(number for number, each in self.world["members"].items() if each["household"] == household)

    def spend_together(self, member_id: int, wallet_name: str | None, points: int, now: datetime) -> int | str:
        """Lots of all in the household are spent soonest-expiring first, of equal ones the spender's, then in turn."""
        if self.member(member_id)["household"] is None:
            return "no_household"
        beside = [each for each in self.household_of(member_id) if each != member_id]
        payers = [member_id, *(each for each in beside if self.member(each)["status"] == "active")]

        def work() -> int:
            self.check_life(member_id, "spend")
            wallets = [self.wallet(each, wallet_name) for each in payers]
            check_points(points)
            lots = [
                (lot["expires"], turn, lot["free"])
                for turn, each in enumerate(wallets)
                for lot in in_order(each["lots"])
            ]
            shares, left = [0] * len(payers), points
            for _, turn, free in sorted(lots, key=lambda lot: lot[:2]):
                part = min(left, free)
                shares[turn] += part
                left -= part
            if left:
                raise Refused("insufficient_points")
            daily = self.document.members.daily_from_household
            from_others = sum(shares[1:])
            if daily is not None and from_others:
                self.use(member_id, ("household", now.astimezone(self.zone).date()), from_others, daily)
            paid = [
                (payer, self.pay(payer, wallet_name, share))
                for payer, share in zip(payers, shares, strict=True)
                if share or payer == member_id
            ]
            for payer, sequence in paid:
                self.member(payer)["book"][sequence]["pooled"] = paid
            return paid[0][1]

        return self.attempt(payers, now, work)

    def reverse_common_spend(self, member_id: int, sequence: int, now: datetime) -> int | str:
        """All get back what they paid, if whoever spent asks for it."""
        paid = self.member(member_id)["book"][sequence]["pooled"]
        if (member_id, sequence) != paid[0]:
            return "not_reversible"
        answer, *others = [self.reverse_entry(payer, number, now) for payer, number in paid]
        # All can give back, or none.
        assert all(isinstance(each, type(answer)) for each in others)
        return answer
