"""Requests as bytes: built once, then only the member and the unique key are patched in."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from secrets import randbelow
from typing import NamedTuple

import altcha
import msgspec

from bench.program import APPROVED_REWARD, CURRENCY, FLASH_REWARD, VOUCHER, WALLET
from jifen.services.captcha import TRIES, Errand, challenge_solved_by

EARN_SHARE = 0.7
ORDERS_PER_BATCH = 100
LINES_PER_BATCHED_ORDER = 5
#: A unique key: the name of the run and a number, of the same length for every request.
KEY_DIGITS = 10
#: So many requests lie between asking and approving: far more than are under way at once.
APPROVED_LATER = 2_000
#: What seeded members have done is four transactions; what they ask for first is the fifth.
FIRST_SEQUENCE = 5
FLASH_TIMES = 4
_APPROVED = b'"state":"approved"'
_APPLIED = b'"status":"applied"'
_KEY = "@KEY@"
_MEMBER = "@MEMBER@"
_CODE = "@CODE@"
_SOLUTION = "@SOLUTION@"
_FLASH_REFUSALS = ("sold_out", "limit_reached")


class Request(NamedTuple):
    """What is sent, how many commands it holds, the mark of each in the answer (empty: the status says it), and the
    codes of refusals that are right answers as well."""

    data: bytes
    commands: int
    mark: bytes
    refusals: tuple[str, ...] = ()


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

    def __init__(
        self,
        host: str,
        secret: str,
        first_member: int,
        members: int,
        run: str,
        approver: str = "",
        codes: str = "",
        captcha_secret: str = "",
    ) -> None:
        self._host = host
        self._secret = secret
        self._approver = approver
        self._codes = codes
        self._captcha_secret = bytes.fromhex(captcha_secret)
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

    def everybody(self) -> list[int]:
        """All members once, in no order."""
        members = list(range(self._first_member, self._first_member + self._members))
        self._random.shuffle(members)
        return members

    def whole(self, path: str, content_type: str, body: str, headers: str = "", secret: str | None = None) -> str:
        """A request as text, with the length that its body will have."""
        sample = Template(body).fill(self._first_member, f"{self._run}-{0:0{KEY_DIGITS}d}")
        return (
            f"POST {path} HTTP/1.1\r\nhost: {self._host}\r\nauthorization: Bearer {secret or self._secret}\r\n"
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

    def operation(self, path: str, body: object, secret: str | None = None, headers: str = "") -> Template:
        """A write operation with a key of its own."""
        text = msgspec.json.encode(body).decode()
        return Template(self.whole(path, "application/json", text, f"idempotency-key: {_KEY}\r\n{headers}", secret))

    def vouchers(self) -> Iterator[Request]:
        """Every member asks once for a coupon that is given at once."""
        return self.redemptions_of(self.everybody(), VOUCHER)

    def approved(self) -> Iterator[Request]:
        """Every member asks once for a reward that somebody must approve, which happens once that was answered."""
        path = f"/v1/redemptions/{_MEMBER}-{FIRST_SEQUENCE}/approve"
        approval = self.operation(path, {}, self._approver)
        asked: deque[int] = deque()
        members = self.everybody()
        for member, request in zip(members, self.redemptions_of(members, APPROVED_REWARD), strict=True):
            yield request
            asked.append(member)
            if len(asked) > APPROVED_LATER:
                yield Request(approval.fill(asked.popleft(), self.key()).encode(), 1, _APPROVED)

    def redemptions_of(self, members: list[int], reward: str) -> Iterator[Request]:
        """These members ask for a reward, in this order."""
        template = self.operation(f"/v1/members/{_MEMBER}/redemptions", {"reward": reward})
        for member in members:
            yield Request(template.fill(member, self.key()).encode(), 1, b"")

    def write_offs(self) -> Iterator[Request]:
        """Every code of a file is written off at a till."""
        codes = Path(self._codes).read_text("ascii").split()
        self._random.shuffle(codes)
        template = self.operation(f"/v1/coupons/{_CODE}/write-off", {"store": "S1"})
        for code in codes:
            yield Request(template.fill(0, self.key()).replace(_CODE, code).encode(), 1, b"")

    def flash(self) -> Iterator[Request]:
        """Every member asks four times for the same few pieces, each time as something new."""
        for request in self.redemptions_of(self._flash_crowd(), FLASH_REWARD):
            yield request._replace(refusals=_FLASH_REFUSALS)

    def flash_solved(self) -> Iterator[Request]:
        """The same with a captcha solved for each, all of them before the first is sent."""
        headers = f"jifen-captcha: {_SOLUTION}\r\n"
        template = self.operation(f"/v1/members/{_MEMBER}/redemptions", {"reward": FLASH_REWARD}, headers=headers)
        requests = []
        for member in self._flash_crowd():
            key = self.key()
            solution = _solution(Errand(member, FLASH_REWARD, key), self._captcha_secret)
            text = template.fill(member, key).replace(_SOLUTION, solution)
            requests.append(Request(text.encode(), 1, b"", _FLASH_REFUSALS))
        return iter(requests)

    def _flash_crowd(self) -> list[int]:
        return [member for _ in range(FLASH_TIMES) for member in self.everybody()]


def _solution(errand: Errand, secret: bytes) -> str:
    """What a browser would have found: to look for twenty thousand numbers as well would take it a quarter of an hour,
    so each challenge is made for a number that is known."""
    number = randbelow(TRIES["easy"])
    made = challenge_solved_by(number, errand, secret, datetime.now(UTC))
    challenge = altcha.Challenge.from_dict(msgspec.to_builtins(made))
    solution = altcha.solve_challenge(challenge, counter_start=number)
    assert solution is not None
    return altcha.Payload(challenge, solution).to_base64()


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


def requests_for(maker: RequestMaker, mix: str) -> Iterator[Request]:
    """The requests of a mix; those of `mixed`, `orders` and `batches` never end."""
    mixes: dict[str, Callable[[], Iterator[Request]]] = {
        "mixed": maker.mixed,
        "orders": maker.orders,
        "batches": maker.batches,
        "vouchers": maker.vouchers,
        "approved": maker.approved,
        "write_offs": maker.write_offs,
        "flash": maker.flash,
        "flash_solved": maker.flash_solved,
    }
    return mixes[mix]()
