"""The door: lines in order of arrival, and what is sold out told from memory while that is true."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jifen.api import door as module
from jifen.api.door import Door, Line, SoldOut, guarded
from jifen.core.program import Program
from jifen.core.redemption.commands import RedeemReward
from jifen.core.redemption.tickets import Ticket, write_ticket
from jifen.core.refusal import Refusal
from jifen.engine.submission import Answer
from tests.databases import DEFAULT_PROGRAM
from tests.redeeming import with_rewards

SECRET = b"s" * 32
DOCUMENT = with_rewards(DEFAULT_PROGRAM)
PROGRAM = Program(1, DOCUMENT, {wallet.id: number for number, wallet in enumerate(DOCUMENT.wallets, 1)})
SOLD_OUT = Refusal("sold_out", "", None, {"left": 0})


def cup(member: int) -> RedeemReward:
    """A member asks for a cup."""
    return RedeemReward(member, "cup")


@dataclass
class Shelf:
    """What looking into the database shows."""

    found: SoldOut | None = None
    looks: int = 0
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def look(self, _: str) -> SoldOut | None:
        """Look once the gate is open."""
        self.looks += 1
        found = self.found
        await self.gate.wait()
        return found


async def settled() -> None:
    """Let tasks run."""
    for _ in range(5):
        await asyncio.sleep(0)


@given(st.integers(1, 4), st.lists(st.integers(0, 30), min_size=1, max_size=40))
def test_nobody_is_served_before_who_came_earlier(limit: int, order: list[int]) -> None:
    """Whoever comes in has no one before them who stands in line, and never are more inside than may be."""
    line, inside = Line(limit), 0
    waiting: set[tuple[int, int]] = set()
    for step, number in enumerate(order):
        if number % 3 == 0 and inside:
            line.leave()
            inside -= 1
        place = (number, 1) if (number, 1) in waiting else (100 + step, 1)
        before = line.come(place, 0.0)
        if before is None:
            inside += 1
            waiting.discard(place)
            assert inside <= limit
        else:
            waiting.add(place)
    for _ in range(inside):
        line.leave()
    served: list[tuple[int, int]] = []
    while waiting:
        for place in sorted(waiting, reverse=True):
            if line.come(place, 0.0) is None:
                served.append(place)
        waiting -= set(served)
        for _ in range(len(served)):
            line.leave()
        assert all(place > done for place in waiting for done in served)
        served.clear()


def test_whoever_is_called_and_does_not_come_stops_nobody() -> None:
    """The next is called after five seconds; the place itself is kept."""
    line = Line(1)
    assert line.come((1, 1), 0.0) is None
    assert (line.come((2, 2), 0.0), line.come((3, 3), 0.0)) == (0, 1)
    line.leave()
    assert line.come((3, 3), 1.0) == 0  # 2 was called
    assert line.come((3, 3), 7.0) is None
    assert line.come((2, 2), 7.0) == 0
    line.leave()
    assert line.come((4, 4), 8.0) == 0  # 2 was called again
    assert line.come((2, 2), 8.0) is None


def test_those_who_do_not_come_again_are_passed_at_once() -> None:
    """They were served by another worker: however many they are, they cost those behind them no time."""
    line = Line(1)
    assert line.come((1, 1), 0.0) is None
    gone = [(10 + number, 1) for number in range(50)]
    assert [line.come(place, 0.0) for place in gone] == list(range(50))
    line.leave()
    late = (100, 1)
    # The first of them was called and has not come; all others were to come until 31 s, and five more.
    assert line.come(late, 1.0) == 49
    assert line.come(late, 40.0) is None
    assert line.come((200, 1), 40.0) == 0


async def test_what_is_sold_out_is_told_from_memory() -> None:
    """But not to whom the reward was given: what they ask may have been answered before."""
    shelf = Shelf(SoldOut(frozenset({7})))
    shelf.gate.set()
    door = Door(shelf.look, 10)
    first = door.come(PROGRAM, cup(1), "k", None, SECRET)
    assert isinstance(first, Line)
    first.leave()
    door.notice(cup(1), "k", SOLD_OUT)
    await settled()
    told = door.come(PROGRAM, cup(2), "k", None, SECRET)
    assert isinstance(told, Refusal)
    assert (told.code, told.details) == ("sold_out", {"left": 0, "requested": 1})
    assert isinstance(door.come(PROGRAM, cup(7), "k", None, SECRET), Line)
    assert shelf.looks == 1


async def test_memory_ends_with_its_time_and_with_new_stock(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is looked at again while people ask; what was seen before a change is not remembered after it."""
    now = 100.0
    monkeypatch.setattr(module, "monotonic", lambda: now)
    shelf = Shelf(SoldOut(frozenset()))
    shelf.gate.set()
    door = Door(shelf.look, 10)
    door.notice(cup(1), "k", SOLD_OUT)
    await settled()
    now += 0.6
    assert isinstance(door.come(PROGRAM, cup(2), "k", None, SECRET), Refusal)
    await settled()
    assert shelf.looks == 2
    now += 0.6
    assert isinstance(door.come(PROGRAM, cup(2), "k", None, SECRET), Refusal)
    await settled()
    shelf.gate.clear()
    now += 1.1
    assert isinstance(door.come(PROGRAM, cup(2), "k", None, SECRET), Line)
    await settled()
    door.forget("cup")
    shelf.gate.set()
    await settled()
    assert isinstance(door.come(PROGRAM, cup(2), "k", None, SECRET), Line)


async def test_a_ticket_keeps_the_place() -> None:
    """It is good for its member and reward alone, and for nobody who made it up."""
    door = Door(Shelf().look, 1)
    inside = door.come(PROGRAM, cup(1), "k", None, SECRET)
    assert isinstance(inside, Line)
    second, third = door.come(PROGRAM, cup(2), "k", None, SECRET), door.come(PROGRAM, cup(3), "k", None, SECRET)
    assert isinstance(second, Refusal)
    assert isinstance(third, Refusal)
    assert (second.code, second.details["before"], third.details["before"]) == ("waiting_in_line", 0, 1)
    inside.leave()
    tickets = [str(each.details["ticket"]).encode() for each in (second, third)]
    again = door.come(PROGRAM, cup(3), "k", tickets[1], SECRET)
    assert isinstance(again, Refusal)
    assert again.details["before"] == 0
    assert again.details["ticket"] == third.details["ticket"]
    assert isinstance(door.come(PROGRAM, cup(2), "k", tickets[0], SECRET), Line)
    for wrong in (tickets[0], b"x", write_ticket(Ticket(3, "vase", 1), SECRET).encode()):
        refusal = door.come(PROGRAM, cup(3), "k", wrong, SECRET)
        assert isinstance(refusal, Refusal)
        assert refusal.code == "invalid_ticket"
    old = write_ticket(Ticket(4, "cup", 1), SECRET).encode()
    late = door.come(PROGRAM, cup(4), "k", old, SECRET)
    assert isinstance(late, Refusal)
    assert late.details["before"] == 1


async def test_who_repeats_what_was_answered_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine has the answer; the same key of another member, and another key, wait. Only the newest are known."""
    monkeypatch.setattr(module, "MAXIMUM_ANSWERED", 2)
    door = Door(Shelf().look, 1)
    for member, key in ((1, "first"), (2, "first"), (1, "second")):
        door.notice(cup(member), key, Answer(member, 1, duplicate=False))
    assert isinstance(door.come(PROGRAM, cup(3), "other", None, SECRET), Line)
    for member, key in ((2, "first"), (1, "second")):
        assert door.come(PROGRAM, cup(member), key, None, SECRET) is None
    for member, key in ((1, "first"), (1, "third"), (3, "second")):
        refusal = door.come(PROGRAM, cup(member), key, None, SECRET)
        assert isinstance(refusal, Refusal)
        assert refusal.code == "waiting_in_line"


@pytest.mark.parametrize("reward", ["five-yuan", "lounge", "old", "nothing"])
def test_there_is_no_door_where_nothing_runs_out_or_nobody_may_know(reward: str) -> None:
    """The engine answers."""
    assert guarded(PROGRAM, reward) is None
    assert guarded(None, "cup") is None
    assert Door(Shelf().look, 1).come(PROGRAM, RedeemReward(1, reward), "k", None, SECRET) is None


def test_more_tickets_than_the_line_is_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those beyond it are not noted, and stand where they belong once they come again."""
    monkeypatch.setattr(module, "_LONGEST_LINE", 1)
    line = Line(1)
    assert line.come((1, 1), 0.0) is None
    assert (line.come((2, 2), 0.0), line.come((3, 3), 0.0), line.come((4, 4), 0.0)) == (0, 1, 1)
    line.leave()
    assert line.come((2, 2), 0.0) is None
    assert line.come((4, 4), 0.0) == 0
    assert line.come((3, 3), 0.0) == 0
