"""Events become commands: what makes two events the same, and what is not an event."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from jifen.core.commands import RecordOrder, RefundOrder, RegisterMember
from jifen.core.identity import Identity
from jifen.core.refusal import Refusal
from jifen.engine.submission import Submission
from jifen.services.events import name_of_event, read_event, split_batch, submission_of_event

ORDER = {
    "specversion": "1.0",
    "id": "1",
    "source": "shop",
    "type": "order.completed",
    "subject": "phone:138 0013-8000",
    "time": "2026-01-01T08:00:00+08:00",
    "data": {"order_id": "7", "currency": "CNY", "lines": [{"line_id": "1", "quantity": 1, "paid_cents": 100}]},
}


def submit(**change: Any) -> Submission | Refusal:
    """The submission of the order with something changed."""
    event = read_event(json.dumps(ORDER | change).encode())
    return event if isinstance(event, Refusal) else submission_of_event(event, "key:1")


def submitted(**change: Any) -> Submission:
    """The same, where it is not refused."""
    submission = submit(**change)
    assert isinstance(submission, Submission)
    return submission


def test_an_order() -> None:
    """Identity in its one spelling, instant in UTC, source and id as the key."""
    submission = submitted()
    assert isinstance(submission.command, RecordOrder)
    assert submission.command.member == Identity("phone", "13800138000")
    assert (submission.source, submission.key, submission.actor) == ("shop", "1", "key:1")
    assert submission.occurred_at == datetime(2026, 1, 1, tzinfo=UTC)


def test_a_refund_and_a_registration() -> None:
    """The subject of a refund is optional; a registration has each identity once."""
    refund = submitted(type="order.refunded", subject=None, data={"order_id": "7", "refund_id": "1"})
    assert refund.command == RefundOrder(None, refund.command.refund)  # type: ignore[union-attr]
    join = submitted(type="member.registered", data={"identities": ["card:9", "phone:13800138000", "card:9"]})
    phone, card = Identity("phone", "13800138000"), Identity("card", "9")
    assert join.command == RegisterMember((phone, card), known_is_fine=True, pointer="/data/person")
    assert isinstance(submit(type="member.registered", subject=None, data={}), Refusal)


@pytest.mark.parametrize(
    "change",
    [
        {"subject": "phone:13800138000"},
        {"time": "2026-01-01T00:00:00Z"},
        {"traceparent": "00-1"},
        {"datacontenttype": "application/json"},
    ],
)
def test_other_spellings_are_the_same_event(change: dict[str, Any]) -> None:
    """A repetition need not be the same to the byte."""
    assert submitted(**change).payload == submitted().payload


@pytest.mark.parametrize(
    "change",
    [
        {"subject": "phone:13800138001"},
        {"time": "2026-01-01T00:00:01Z"},
        {"data": ORDER["data"] | {"order_id": "8"}},  # type: ignore[operator]
        {"data": ORDER["data"] | {"channel": "web"}},  # type: ignore[operator]
    ],
)
def test_other_content_is_another_event(change: dict[str, Any]) -> None:
    """And under the same key it will be a conflict."""
    assert submitted(**change).payload != submitted().payload


def test_batches_are_split_even_where_one_event_cannot_be_decoded() -> None:
    """The others are kept as they were sent."""
    assert split_batch(b'[{"id": 1}, 2]') == [b'{"id": 1}', b"2"]
    parted = split_batch(b'[{"id": "\\ud800"}, {"n": 10000000000000000000001}]')
    assert isinstance(parted, list)
    assert [json.loads(each) for each in parted] == [{"id": "\ud800"}, {"n": 10000000000000000000001}]
    for raw in (b"{}", b"[", b'{"id": "\\ud800"}', b"[" * 100_000, b"[\xff]"):
        assert isinstance(split_batch(raw), Refusal)


def test_the_name_of_what_cannot_be_read() -> None:
    """As far as there is one."""
    assert name_of_event(b'{"id": "1", "source": "shop"}') == ("1", "shop")
    assert name_of_event(b'{"id": 1}') == (None, None)
    assert name_of_event(b"7") == (None, None)
    assert name_of_event(b'{"id": "\\ud800"}') == (None, None)
