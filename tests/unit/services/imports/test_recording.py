"""Events go to the engine in groups that need no second batch, and never change places within a member."""

from __future__ import annotations

import random

from jifen.core.commands import RecordOrder, RefundOrder
from jifen.core.identity import Identity
from jifen.core.orders import Order, OrderLine, OrderRefund
from jifen.engine.submission import Submission
from jifen.services.imports.orders import ImportEvent
from jifen.services.imports.recording import GROUP_SIZE, in_groups


def event(number: int, member: int, is_refund: bool) -> ImportEvent:
    """An order, or a refund, of a member."""
    identity = Identity("external", str(member))
    command: RecordOrder | RefundOrder
    if is_refund:
        command = RefundOrder(identity, OrderRefund("1", str(number)))
    else:
        command = RecordOrder(identity, Order(str(number), "CNY", [OrderLine("1", 1, 100)]))
    return ImportEvent(Submission(command, "test", str(number), b"", "test"), number, number, member, is_refund)


def test_groups_keep_every_members_order() -> None:
    """Random streams, from calm to one member returning all the time: all events, each member's in order, no refund
    behind another event of its member within a group."""
    chance = random.Random(1)
    for members in (1, 3, 50, 2_000):
        events = [event(number, chance.randrange(members), chance.random() < 0.4) for number in range(1_500)]
        groups = list(in_groups(iter(events)))
        assert all(0 < len(group) <= GROUP_SIZE for group in groups)
        flat = [each for group in groups for each in group]
        assert sorted(each.number for each in flat) == list(range(1_500))
        for member in {each.member for each in events}:
            own = [each.number for each in flat if each.member == member]
            assert own == sorted(own)
        for group in groups:
            before: set[int] = set()
            for each in group:
                assert not (each.is_refund and each.member in before)
                before.add(each.member)


def test_calm_streams_make_full_groups() -> None:
    """Orders alone are never put off."""
    groups = list(in_groups(event(number, number % 7, False) for number in range(GROUP_SIZE * 3 + 5)))
    assert [len(group) for group in groups] == [GROUP_SIZE, GROUP_SIZE, GROUP_SIZE, 5]
    assert list(in_groups(iter([]))) == []
