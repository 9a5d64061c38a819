"""The door to rewards of which there are only so many, where thousands may come at once.

Who comes while nothing is left is told so from memory. Who comes while too many wait already gets a ticket, and keeps
the place with it. Neither touches the database. Who repeats what this worker answered passes.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections.abc import Awaitable, Callable
from contextlib import suppress
from time import monotonic, time_ns
from typing import Final

import msgspec

from jifen.core.program import Program
from jifen.core.redemption.commands import RedeemReward
from jifen.core.redemption.document import Reward
from jifen.core.redemption.tickets import TICKET_SECONDS, Ticket, read_ticket, write_ticket
from jifen.core.refusal import Refusal
from jifen.engine.submission import Answer, Outcome

#: So long it is remembered that nothing is left; where people keep asking, it is looked at again before.
REMEMBERED_SECONDS: Final = 1.0
_LOOK_AGAIN_SECONDS: Final = 0.5
#: Where more members have had the reward, nothing is remembered.
MAXIMUM_OWNERS: Final = 10_000
#: So many answers are known to be given, the newest ones: many times those who are served at once.
MAXIMUM_ANSWERED: Final = 10_000
#: Whoever was called must come within so many seconds, or the next in line is called.
_CALL_SECONDS: Final = 5.0
#: So many stand in line; the tickets of others are as good once they come with them.
_LONGEST_LINE: Final = 100_000
_LONGEST_WAIT_SECONDS: Final = 30
_INVALID_TICKET: Final = Refusal("invalid_ticket", "This is no ticket of ours for this member and reward.")

#: When somebody came, and who.
Place = tuple[int, int]


class SoldOut(msgspec.Struct, frozen=True):
    """Nothing was left, and these members had the reward: what they ask may have been answered before."""

    owners: frozenset[int]


#: Looks into the database whether anything is left of a reward; None: yes, or nothing can be remembered.
Look = Callable[[str], Awaitable[SoldOut | None]]


class Line:
    """Who waits for one reward: the engine is given `limit` at a time, the others are called in order of arrival."""

    __slots__ = ("_called", "_due", "_inside", "_limit", "_waiting")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._inside = 0
        self._waiting: list[Place] = []
        self._called: dict[Place, float] = {}
        #: When those who wait were told to come again.
        self._due: dict[Place, float] = {}

    def come(self, place: Place, now: float) -> int | None:
        """Come in: None. Else how many are before this place, which is kept."""
        self._call(now)
        if self._called.pop(place, None) is None:
            before = bisect_left(self._waiting, place)
            if before or not self._has_room:
                is_known = before < len(self._waiting) and self._waiting[before] == place
                if not is_known and len(self._waiting) < _LONGEST_LINE:
                    self._waiting.insert(before, place)
                    is_known = True
                if is_known:
                    self._due[place] = now + self.seconds_until(before)
                return before
        self._inside += 1
        return None

    def seconds_until(self, before: int) -> int:
        """In how many seconds somebody with so many before them is to come again."""
        return min(1 + before // self._limit, _LONGEST_WAIT_SECONDS)

    def leave(self) -> None:
        """Somebody was answered."""
        self._inside -= 1

    def end(self) -> None:
        """There is nothing to wait for any more."""
        self._waiting.clear()
        self._called.clear()
        self._due.clear()

    @property
    def _has_room(self) -> bool:
        return self._inside + len(self._called) < self._limit

    def _call(self, now: float) -> None:
        """Call who is next, as far as there is room; whoever was called and does not come loses the room, not the
        place. Whoever was to come again and did not is not called: served by another worker, or gone."""
        while self._called and now - next(iter(self._called.values())) > _CALL_SECONDS:
            del self._called[next(iter(self._called))]
        room = self._limit - self._inside - len(self._called)
        passed = 0
        while room > 0 and passed < len(self._waiting):
            place = self._waiting[passed]
            passed += 1
            if now - self._due.pop(place) <= _CALL_SECONDS:
                self._called[place] = now
                room -= 1
        del self._waiting[:passed]


class Door:
    """The lines, and what is known to be sold out, of one worker."""

    def __init__(self, look: Look, limit: int) -> None:
        self._look = look
        self._limit = limit
        #: Members and keys of redemptions that came about, the oldest first.
        self._answered: dict[tuple[int, str], None] = {}
        self._lines: dict[str, Line] = {}
        self._sold_out: dict[str, tuple[float, SoldOut]] = {}
        self._looking: dict[str, asyncio.Task[None]] = {}
        #: Counts how often stock changed, so that what was seen before is not remembered after.
        self._changes = 0

    def turn_away(self, program: Program | None, command: RedeemReward) -> Refusal | None:
        """Refuse whoever comes while it is known that nothing is left."""
        reward = guarded(program, command.reward)
        known = None if reward is None else self._known(reward.id)
        if reward is None or known is None or command.member in known.owners:
            return None
        return sold_out(reward, command.quantity)

    def come(
        self, program: Program | None, command: RedeemReward, key: str, ticket: bytes | None, secret: bytes
    ) -> Line | Refusal | None:
        """The line that the command has come in by and must leave; a refusal; None: there is no door to this reward, or
        the redemption came about before and takes nothing from those who wait."""
        reward, member = guarded(program, command.reward), command.member
        if reward is None or not isinstance(member, int) or (member, key) in self._answered:
            return None
        if refusal := self.turn_away(program, command):
            return refusal
        now_us = time_ns() // 1_000
        arrived_us = now_us
        if ticket is not None:
            read = read_ticket(ticket.decode("latin-1"), secret)
            if read is None or (read.member_id, read.reward) != (member, reward.id):
                return _INVALID_TICKET
            if read.keeps_place(now_us):
                arrived_us = read.arrived_us
        line = self._lines.get(reward.id)
        if line is None:
            line = self._lines[reward.id] = Line(self._limit)
        before = line.come((arrived_us, member), monotonic())
        if before is None:
            return line
        return waiting(Ticket(member, reward.id, arrived_us), before, line.seconds_until(before), secret)

    def notice(self, command: RedeemReward, key: str, outcome: Outcome) -> None:
        """Learn from what the engine answered."""
        if isinstance(outcome, Answer):
            if isinstance(command.member, int):
                self._answered[command.member, key] = None
            if len(self._answered) > MAXIMUM_ANSWERED:
                del self._answered[next(iter(self._answered))]
        elif outcome.code == "sold_out" and outcome.details.get("left") == 0:
            self._look_at(command.reward)

    def notice_step(self, outcome: Outcome) -> None:
        """Learn from anything else that was answered: a redemption that came to nothing gives its pieces back."""
        if (self._sold_out or self._looking) and isinstance(outcome, Answer) and outcome.trace is not None:
            redemption = outcome.trace.redemption
            if redemption is not None:
                self.forget(redemption.reward)

    def forget(self, reward: str) -> None:
        """Stock of the reward may have come back."""
        self._changes += 1
        self._sold_out.pop(reward, None)

    def _known(self, reward: str) -> SoldOut | None:
        found = self._sold_out.get(reward)
        if found is None:
            return None
        age = monotonic() - found[0]
        if age > _LOOK_AGAIN_SECONDS:
            self._look_at(reward)
        if age <= REMEMBERED_SECONDS:
            return found[1]
        del self._sold_out[reward]
        return None

    def _look_at(self, reward: str) -> None:
        if reward not in self._looking:
            self._looking[reward] = asyncio.create_task(self._see(reward))

    async def _see(self, reward: str) -> None:
        begun, changes = monotonic(), self._changes
        found = None
        try:
            # Not to know is no failure: the engine knows.
            with suppress(Exception):
                found = await self._look(reward)
        finally:
            del self._looking[reward]
        if found is None or changes != self._changes:
            self._sold_out.pop(reward, None)
            return
        self._sold_out[reward] = (begun, found)
        if reward in self._lines:
            self._lines[reward].end()


def guarded(program: Program | None, reward_id: str) -> Reward | None:
    """The reward, if there is a door to it: stock is counted, and everybody may know that it is there."""
    found = None if program is None else program.offers.rewards.get(reward_id)
    if found is None or found.opened_to:
        return None
    reward = found.document
    return None if reward.stock == "none" or reward.hidden or reward.retired else reward


def sold_out(reward: Reward, requested: int) -> Refusal:
    """What the engine would answer."""
    return Refusal("sold_out", f"{reward.name.en} is sold out.", "/quantity", {"left": 0, "requested": requested})


def waiting(ticket: Ticket, before: int, seconds: int, secret: bytes) -> Refusal:
    """Nothing was done; come again with the ticket in so many seconds."""
    others = f"{before:,} came earlier and wait as well" if before else "You are next"
    return Refusal(
        "waiting_in_line",
        f"{others}. Send it again in {seconds} s with the header Jifen-Ticket; the place "
        f"is kept for {TICKET_SECONDS // 60} minutes.",
        None,
        {"ticket": write_ticket(ticket, secret), "before": before, "retry_after_seconds": seconds},
    )
