"""What concerns the past: taken back where the points are now, also where the member was merged since."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from jifen.core.program import ProgramDocument
from tests.model.oracle.lots import (
    Part,
    Plain,
    arrive,
    available,
    bound,
    flow,
    in_order,
    next_sequence,
    open_lot,
    pass_parts,
    take,
    take_back,
    terms_of,
)
from tests.model.oracle.world import World, copied

#: The lots of a member that a command is about, by wallet.
Origins = Callable[[], dict[str, list[Plain]]]
#: Points from the lots of origin and from others, by wallet.
Taken = dict[str, tuple[int, int]]
#: A wallet, a place, a lot of that wallet, and so many of its points.
Waiting = tuple[str, str, Plain, int]
ALL = 10**18


def nothing() -> dict[str, list[Plain]]:
    """A command that takes nothing back."""
    return {}


class Past(World):
    """Takes points back, and lets them come down from survivors and go up to them."""

    def __init__(self, document: ProgramDocument) -> None:
        super().__init__(document)
        self._taken: Taken = {}
        #: By how much a refund changed what was paid.
        self.paid_change = 0

    def survivors(self, member_id: int) -> list[int]:
        """Who survived a merged member, and who survived that one, in turn."""
        into = self.member(member_id)["into"]
        return [] if into is None else [into, *self.survivors(into)]

    def take_back(
        self,
        member_id: int,
        wallet: Plain,
        origin: Plain | None,
        points: int,
        policy: str,
        *,
        may_forgive: bool = True,
    ) -> None:
        """Take points back from a member, or from who survived."""
        survivors = self.survivors(member_id)
        above = [self.wallet(each, wallet["name"]) for each in survivors]
        owed_above = sum(bound(each) - each["debt"] for each in above)
        self._taken[wallet["name"]] = take_back(
            wallet,
            origin,
            points,
            policy,
            heirs=[] if origin is None else heirs_of(origin, survivors),
            bound_above=owed_above,
            may_forgive=may_forgive,
        )

    def about_the_past(
        self, member_id: int, act: str, now: datetime, work: Callable[[], int], origins: Origins = nothing
    ) -> int | str:
        """Do something about a transaction of earlier times. Of a merged member: what must be taken back comes down
        from the survivors first, and whatever comes of it goes up to them. Trying it with everything tells what that
        is."""
        survivors = self.survivors(member_id)

        def attempt() -> int:
            self.check_life(member_id, act)
            if not survivors:
                return work()
            before = copied(self.world)
            self._taken = {}
            self._recall(member_id, dict.fromkeys(origins(), (ALL, ALL)), origins)
            work()
            self.world = before
            self._recall(member_id, self._taken, origins)
            self.paid_change = 0
            sequence = work()
            self.let_time_pass([member_id], now)
            for lower, upper in zip([member_id, *survivors], survivors, strict=False):
                self._follow(lower, upper)
            return sequence

        return self.attempt([member_id, *survivors], now, attempt)

    # --- down and up ---

    def _recall(self, member_id: int, wanted: Taken, origins: Origins) -> None:
        """Bring points of the last survivor down: those of the lots in question, and others."""
        survivors = self.survivors(member_id)
        parts: list[Waiting] = []
        for name, (from_own, from_others) in wanted.items():
            heirs = [heir for origin in origins()[name] for heir in heirs_of(origin, survivors)]
            lots = in_order(self.wallet(survivors[-1], name)["lots"])
            own = [lot for lot in lots if any(lot is heir for heir in heirs)]
            others = [lot for lot in lots if not any(lot is heir for heir in heirs)]
            own_places = [("pending", lot) for lot in own] + [("free", lot) for lot in own]
            parts += cut(name, own_places, from_own) + cut(name, [("free", lot) for lot in others], from_others)
        if parts:
            chain = [member_id, *survivors]
            for hop in range(len(survivors), 0, -1):
                parts = self._send_down(chain[hop], chain[hop - 1], parts)

    def _send_down(self, upper: int, lower: int, parts: list[Waiting]) -> list[Waiting]:
        """Points return to the lots that theirs stand for; others get new ones."""
        arrived = []
        for name, place, lot, part in parts:
            here, there = self.wallet(upper, name), self.wallet(lower, name)
            pass_parts([(lot, part)], place, "moved")
            flow(here, "transit", part)
            flow(there, "transit", -part)
            origin = lot["stands_for"]
            if origin is None or origin["owner"] != lower:
                origin = open_lot(there, part, terms_of(lot), pending=place == "pending")
            else:
                pass_parts([(origin, part)], "moved", place)
            arrived.append((name, place, origin, part))
        next_sequence(self.member(upper), "recall")
        next_sequence(self.member(lower), "recall")
        return arrived

    def _follow(self, lower: int, upper: int) -> None:
        """Whatever is at a merged member goes up to the survivor."""
        here, there = self.member(lower), self.member(upper)
        uses = {name: number for name, number in here["used"].items() if number}
        is_empty = not any(
            available(wallet) or wallet["debt"] or any(lot["pending"] for lot in wallet["lots"])
            for wallet in here["wallets"].values()
        )
        if is_empty and not uses and not self.paid_change:
            return
        for name, number in uses.items():
            there["used"][name] = there["used"].get(name, 0) + number
        here["used"] = {}
        moved = self.move_all(here, there)
        next_sequence(here, "went_up")
        next_sequence(there, "follow", other=lower, uses=uses, **moved)

    def move_all(self, here: Plain, there: Plain) -> Plain:
        """Everything that one has goes to the other: lots with their terms, what is saved as lots that live as long as
        the savings would have, and debt, which the other pays as far as there is something to pay with."""
        moved: Plain = {"lots": [], "repaid": [], "paid": [], "owed": {}}
        for name, wallet in here["wallets"].items():
            to = there["wallets"][name]
            for place in ("pending", "free"):
                for lot in in_order(wallet["lots"]):
                    if lot[place]:
                        self._move(wallet, to, [(lot, lot[place])], place, moved)
            for deposit in sorted(wallet["deposits"], key=lambda each: (each["until"], each["number"])):
                for lot, part in deposit["parts"]:
                    pass_parts([(lot, part)], "saved", "moved")
                    flow(wallet, "transit", part)
                    flow(to, "transit", -part)
                    terms = (lot["earned"], self.now, deposit["until"])
                    moved["lots"].append((None, open_lot(to, part, terms)))
            wallet["deposits"] = []
            debt = wallet["debt"]
            if debt:
                wallet["debt"] = 0
                flow(wallet, "transit", -debt)
                parts = take_or_owe(to, debt)
                moved["paid"] += [(to, lot, part) for lot, part in parts]
                rest = debt - sum(part for _, part in parts)
                if rest:
                    moved["owed"][name] = rest
        return moved

    def _move(self, wallet: Plain, to: Plain, parts: list[Part], place: str, moved: Plain) -> None:
        for lot, part in parts:
            pass_parts([(lot, part)], place, "moved")
            flow(wallet, "transit", part)
            flow(to, "transit", -part)
            arrived = open_lot(to, part, terms_of(lot), pending=place == "pending", stands_for=lot)
            moved["lots"].append((lot, arrived))
            if arrived["repaid"]:
                moved["repaid"].append((wallet, lot, arrived["repaid"]))


def cut(wallet: str, places: list[tuple[str, Plain]], points: int) -> list[Waiting]:
    """The first so many points in these places."""
    taken = []
    for place, lot in places:
        part = min(points, lot[place])
        points -= part
        if part:
            taken.append((wallet, place, lot, part))
    return taken


def take_or_owe(wallet: Plain, points: int) -> list[Part]:
    """Give points away; what is not there is owed."""
    there = min(points, available(wallet))
    parts = take(wallet, "moved", there) if there else []
    wallet["debt"] += points - there
    flow(wallet, "transit", points)
    return parts


def put_back(wallet: Plain, lot: Plain, points: int, place: str = "free") -> None:
    """Points that had moved return to their lot."""
    lot["moved"] -= points
    flow(wallet, "transit", -points)
    arrive(wallet, lot, points, pending=place == "pending")


def heirs_of(lot: Plain, survivors: Iterable[int]) -> list[Plain]:
    """The lots of survivors in turn that stand for a lot."""
    heirs, last = [], [lot]
    for survivor in survivors:
        last = [heir for each in last for heir in each["heirs"] if heir["owner"] == survivor]
        heirs += last
    return heirs
