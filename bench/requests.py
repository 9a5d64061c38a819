"""Requests as bytes: built once, then only the member and the unique key are patched in."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import NamedTuple

import msgspec

from bench.program import CURRENCY, WALLET

EARN_SHARE = 0.7
ORDERS_PER_BATCH = 100
LINES_PER_BATCHED_ORDER = 5
#: A unique key: the name of the run and a number, of the same length for every request.
KEY_DIGITS = 10
_APPLIED = b'"status":"applied"'
_KEY = "@KEY@"
_MEMBER = "@MEMBER@"


class Request(NamedTuple):
    """What is sent, how many commands it holds, and the mark of each in the answer (empty: the status says it)."""

    data: bytes
    commands: int
    mark: bytes


class Template:
    """A text in which members and keys are patched; all members have numbers of the same length."""

    def __init__(self, text: str) -> None:
        pieces = text.replace("%", "%%").replace(_KEY, "%(key)s").replace(_MEMBER, "%(member)d")
        self._format = pieces

    def fill(self, member: int, key: str) -> str:
        """The text for this member with this key."""
        return self._format % {"member": member, "key": key}


class RequestMaker:
    """Makes requests for one server and one run."""

    def __init__(self, host: str, secret: str, first_member: int, members: int, run: str) -> None:
        self._host = host
        self._secret = secret
        self._first_member = first_member
        self._members = members
        self._run = run
        self._number = 0
        self._random = random.Random(run)

    def key(self) -> str:
        """A key never used before, in any run."""
        self._number += 1
        return f"{self._run}-{self._number:0{KEY_DIGITS}d}"

    def member(self) -> int:
        """Any member, all equally likely."""
        return self._first_member + int(self._random.random() * self._members)

    def whole(self, path: str, content_type: str, body: str, headers: str = "") -> str:
        """A request as text, with the length that its body will have."""
        sample = Template(body).fill(self._first_member, f"{self._run}-{0:0{KEY_DIGITS}d}")
        return (
            f"POST {path} HTTP/1.1\r\nhost: {self._host}\r\nauthorization: Bearer {self._secret}\r\n"
            f"content-type: {content_type}\r\n{headers}content-length: {len(sample.encode())}\r\n\r\n{body}"
        )

    def orders(self) -> Iterator[Request]:
        """One event with an order of one to three lines a request."""
        templates = [
            Template(self.whole("/v1/events", "application/cloudevents+json", _event(lines))) for lines in (1, 2, 3)
        ]
        while True:
            for template in templates:
                yield Request(template.fill(self.member(), self.key()).encode(), 1, _APPLIED)

    def spends(self) -> Iterator[Request]:
        """One spend of a few points a request."""
        body = msgspec.json.encode({"wallet": WALLET, "points": 25}).decode()
        text = self.whole(f"/v1/members/{_MEMBER}/spend", "application/json", body, f"idempotency-key: {_KEY}\r\n")
        template = Template(text)
        while True:
            yield Request(template.fill(self.member(), self.key()).encode(), 1, b"")

    def mixed(self) -> Iterator[Request]:
        """70 % orders, 30 % spends."""
        orders, spends = self.orders(), self.spends()
        while True:
            yield next(orders if self._random.random() < EARN_SHARE else spends)

    def batches(self) -> Iterator[Request]:
        """A hundred orders of five lines a request."""
        event = Template(_event(LINES_PER_BATCHED_ORDER))
        length = len(event.fill(self._first_member, f"{self._run}-{0:0{KEY_DIGITS}d}"))
        total = ORDERS_PER_BATCH * (length + 1) + 1
        head = self.whole("/v1/events", "application/cloudevents-batch+json", "x" * total).partition("\r\n\r\n")[0]
        while True:
            events = ",".join(event.fill(self.member(), self.key()) for _ in range(ORDERS_PER_BATCH))
            yield Request(f"{head}\r\n\r\n[{events}]".encode(), ORDERS_PER_BATCH, _APPLIED)


def _event(lines: int) -> str:
    """A completed order as CloudEvent JSON, with places for the member and the key."""
    order = {
        "order_id": _KEY,
        "currency": CURRENCY,
        "lines": [
            {"line_id": str(number), "sku": f"SKU-{number}", "name": "Tea", "quantity": 1, "paid_cents": 1_990 + number}
            for number in range(lines)
        ],
        "channel": "online",
    }
    event = {
        "specversion": "1.0",
        "id": _KEY,
        "source": "bench/shop",
        "type": "order.completed",
        "subject": f"external:{_MEMBER}",
        "data": order,
    }
    return msgspec.json.encode(event).decode()


def requests_for(mix: str, host: str, secret: str, first_member: int, members: int, run: str) -> Iterator[Request]:
    """The endless requests of a mix: `mixed`, `orders` or `batches`."""
    maker = RequestMaker(host, secret, first_member, members, run)
    mixes: dict[str, Callable[[], Iterator[Request]]] = {
        "mixed": maker.mixed,
        "orders": maker.orders,
        "batches": maker.batches,
    }
    return mixes[mix]()
