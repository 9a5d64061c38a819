"""Members and their orders, and how anything is done to them: all of it, or nothing."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from jifen.core.program import ProgramDocument
from tests.model.closed_form import NEVER
from tests.model.oracle.lots import (
    WALLETS,
    Part,
    Plain,
    Refused,
    available,
    check_lots,
    flow,
    forfeit_what_came,
    new_member,
    next_sequence,
    pass_time,
    view_of,
)

MOST = 10**15
#: What cannot be done to a frozen member, and what can still be done to who has left or was merged.
FROZEN_MAY_NOT = ("spend", "send", "use", "merge")
CLOSED_MAY = ("refund", "release", "time", "close", "undo_merge")
MERGED_MAY = ("refund", "release", "time", "use")


class World:
    """Everything there is. A command gives the sequence of its transaction (0: it is none), or the code of its
    refusal."""

    def __init__(self, document: ProgramDocument) -> None:
        self.documents = [document]
        self.now = NEVER
        self.world: Plain = {"members": {}, "orders": {}, "households": 0}

    @property
    def document(self) -> ProgramDocument:
        """The version in force."""
        return self.documents[-1]

    @property
    def version(self) -> int:
        """Its number, from 0."""
        return len(self.documents) - 1

    @property
    def zone(self) -> ZoneInfo:
        """The program's time zone."""
        return ZoneInfo(self.document.time_zone)

    def publish(self, document: ProgramDocument) -> None:
        """A new version takes over."""
        self.documents.append(document)

    def add_member(self, member_id: int, registered_at: datetime | None = None) -> None:
        """A member without history."""
        self.world["members"][member_id] = new_member(member_id, registered_at)

    def attempt(self, members: list[int], now: datetime, work: Callable[[], int]) -> int | str:
        """Do it, or leave everything as it was."""
        before = copied(self.world)
        self.now = now
        gone = [each for each in members if self.member(each)["status"] == "closed"]
        try:
            self.let_time_pass(members, now)
            sequence = work()
        except Refused as refusal:
            self.world = before
            return refusal.code
        self.let_time_pass(members, now)
        for each in gone:
            self.forfeit(each, "came_back", forfeit_what_came)
        for member in self.world["members"].values():
            assert all(number >= 0 for number in member["used"].values())
            for wallet in member["wallets"].values():
                check_lots(wallet)
                wallet["came"] = []
        return sequence

    def forfeit(self, member_id: int, why: str, take_from: Callable[[Plain], list[Part]]) -> None:
        """Points of who has left, or leaves, go where the program says so: a transaction for each wallet."""
        if self.document.members.closed_points == "keep":
            return
        member = self.member(member_id)
        for wallet in member["wallets"].values():
            if parts := take_from(wallet):
                flow(wallet, "adjusted", sum(part for _, part in parts))
                next_sequence(member, "forfeit", wallet=wallet, parts=parts, place="adjusted", why=why)

    def let_time_pass(self, members: list[int], now: datetime) -> None:
        """Write down what time has done to these."""
        for each in members:
            pass_time(self.document, self.member(each), now)

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
        member = copied(self.member(member_id))
        pass_time(self.document, member, now)
        return {name: view_of(wallet) for name, wallet in member["wallets"].items()} | {
            "sequence": member["sequence"],
            "status": member["status"],
            "used": sorted(number for number in member["used"].values() if number),
        }

    def settle(self, member_id: int, now: datetime) -> None:
        """Write down what time has done."""
        self.let_time_pass([member_id], now)

    # --- refusals ---

    def check_life(self, member_id: int, act: str) -> None:
        """What the state of a member does not allow is refused."""
        status = self.member(member_id)["status"]
        if status == "merged" and act not in MERGED_MAY:
            raise Refused("member_merged")
        if status == "closed" and act not in CLOSED_MAY:
            raise Refused("member_closed")
        earns_nothing = act in ("earn", "receive") and self.document.members.frozen == "refuse"
        if status == "frozen" and (act in FROZEN_MAY_NOT or earns_nothing):
            raise Refused("member_frozen")

    def can_take(self, member_id: int, wallet_name: str | None, points: int) -> Plain:
        """The wallet, if there are so many points in it."""
        wallet = self.wallet(member_id, wallet_name)
        check_points(points)
        if points > available(wallet):
            raise Refused("insufficient_points")
        return wallet

    def use(self, member_id: int, name: Any, number: int, most: int | None) -> None:
        """Use so much of what a member may; names of uses are whatever tells them apart."""
        used = self.member(member_id)["used"]
        if most is not None and used.get(name, 0) + number > most:
            raise Refused("limit_reached")
        used[name] = used.get(name, 0) + number

    def use_limits(self, member_id: int, whose: str, limits: Any, points: int, now: datetime) -> None:
        """Use what a move of points uses of limits."""
        for limit in limits:
            name = (whose, limit.limit, limit.period, start_of(limit.period, now, self.zone))
            self.use(member_id, name, points if limit.limit == "points" else 1, limit.most)


def start_of(period: str, now: datetime, zone: ZoneInfo) -> str:
    """Which day, month or year of the program's calendar it is."""
    local = now.astimezone(zone)
    return local.strftime({"day": "%Y-%m-%d", "week": "%G-%V", "month": "%Y-%m", "year": "%Y", "lifetime": ""}[period])


def check_points(points: int) -> None:
    """Points that a command can mean."""
    if not 1 <= points <= MOST:
        raise Refused("invalid_points")


def copied(plain: Plain) -> Plain:
    """The same once more: lots that are one stay one. (Pickling is the quickest way to copy deeply.)"""
    again: Plain = pickle.loads(pickle.dumps(plain, pickle.HIGHEST_PROTOCOL))  # noqa: S301 - it is our own
    return again
