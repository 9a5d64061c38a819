"""The load generator: many keep-alive connections, one process, an epoll loop on raw sockets.

Settings come as JSON on standard input, figures go as JSON to standard output. Each connection sends its next request
as soon as the last one is answered. Requests are built by patching bytes; of an answer only the status line, the
length and the marks of success are looked at.
"""

from __future__ import annotations

import gc
import resource
import select
import socket
import sys
from array import array
from collections import Counter
from collections.abc import Iterator
from time import perf_counter

import msgspec

from bench.pieces import percentile
from bench.requests import Request, RequestMaker, requests_for

DRAIN_SECONDS = 20.0
RECEIVE_BYTES = 262_144
SAMPLES = 3


class LoadSettings(msgspec.Struct, frozen=True):
    """What to send where. `most` accepted commands end the run early (0: only time ends it, or the last request).
    `approver`: the secret of whoever approves; `codes`: a file of coupon codes; `captcha_secret`: what challenges are
    signed with, as hexadecimal."""

    host: str
    port: int
    secret: str
    mix: str
    first_member: int
    members: int
    run: str
    connections: int
    warm_up_seconds: float
    seconds: float
    most: int = 0
    approver: str = ""
    codes: str = ""
    captcha_secret: str = ""


class LoadFigures(msgspec.Struct, frozen=True):
    """What came of it. Rates and latencies are those after the warm-up; rates count commands (orders, spends)."""

    offered_rate: float
    rate: float
    p50_ms: float
    p99_ms: float
    accepted_in_all: int
    answers: dict[str, int]
    samples_of_failures: list[str]
    generator_cpu_share: float
    generator_us_per_request: float


class BadAnswer(Exception):
    """The server sent something that is no HTTP answer with a length."""


class Client:
    """One connection and its request under way."""

    __slots__ = ("buffer", "request", "sent_at", "socket", "unsent")

    def __init__(self, host: str, port: int) -> None:
        self.socket = socket.create_connection((host, port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.buffer = b""
        self.request = Request(b"", 0, b"")
        self.unsent = memoryview(b"")
        self.sent_at = 0.0


def split_answer(buffer: bytes) -> tuple[int, bytes] | None:
    """Status and body of a whole answer; None while some of it is still to come."""
    head_end = buffer.find(b"\r\n\r\n")
    if head_end < 0:
        return None
    head = buffer[:head_end].lower()
    found = head.find(b"content-length:")
    if found < 0 or not head.startswith(b"http/1.1 "):
        raise BadAnswer(head.decode("latin-1"))
    line_end = head.find(b"\r\n", found)
    length = int(head[found + 15 : line_end if line_end > 0 else head_end])
    body = buffer[head_end + 4 :]
    return None if len(body) < length else (int(head[9:12]), body)


class Generator:
    """The loop over all connections."""

    def __init__(self, settings: LoadSettings, requests: Iterator[Request]) -> None:
        self._settings = settings
        self._requests = requests
        self._poll = select.epoll()
        self._clients: dict[int, Client] = {}
        self._latencies_ms = array("d")
        self._answers: Counter[str] = Counter()
        self._samples: list[str] = []
        self._accepted_in_all = 0
        self._accepted = 0
        self._offered = 0
        self._measured_from = 0.0
        self._until = 0.0

    def run(self) -> LoadFigures:
        """Send until the time is over, then wait for what is under way."""
        settings = self._settings
        for _ in range(settings.connections):
            self._connect()
        self._measured_from = perf_counter() + settings.warm_up_seconds
        self._until = self._measured_from + settings.seconds
        for client in list(self._clients.values()):
            self._send_next(client)
        self._loop(self._measured_from)
        cpu_before = _cpu_seconds()
        self._loop(self._until)
        cpu_seconds = _cpu_seconds() - cpu_before
        measured_seconds = min(perf_counter(), self._until) - self._measured_from
        self._until = min(perf_counter(), self._until)
        self._loop(perf_counter() + DRAIN_SECONDS)
        ordered = sorted(self._latencies_ms)
        return LoadFigures(
            self._offered / measured_seconds,
            self._accepted / measured_seconds,
            percentile(ordered, 0.5) if ordered else 0.0,
            percentile(ordered, 0.99) if ordered else 0.0,
            self._accepted_in_all,
            dict(self._answers),
            self._samples,
            cpu_seconds / measured_seconds,
            cpu_seconds / max(1, len(ordered)) * 1_000_000,
        )

    def _loop(self, until: float) -> None:
        most = self._settings.most
        while self._clients and (now := perf_counter()) < until:
            if most and self._accepted_in_all >= most:
                self._until = min(self._until, now)
                if until != self._measured_from:
                    return
            for descriptor, events in self._poll.poll(0.05):
                client = self._clients[descriptor]
                try:
                    if events & select.EPOLLOUT:
                        self._send_rest(client)
                    if events & ~select.EPOLLOUT:
                        self._receive(client)
                except (OSError, BadAnswer) as error:
                    self._lose(client, type(error).__name__)

    def _connect(self) -> None:
        client = Client(self._settings.host, self._settings.port)
        self._clients[client.socket.fileno()] = client
        self._poll.register(client.socket.fileno(), select.EPOLLIN)

    def _lose(self, client: Client, why: str) -> None:
        """A connection broke: note it and open another one."""
        self._answers[why] += 1
        self._close(client)
        if perf_counter() < self._until:
            self._connect()
            self._send_next(next(reversed(self._clients.values())))

    def _close(self, client: Client) -> None:
        del self._clients[client.socket.fileno()]
        self._poll.unregister(client.socket.fileno())
        client.socket.close()

    def _send_next(self, client: Client) -> None:
        request = next(self._requests, None)
        now = perf_counter()
        if request is None:
            self._until = min(self._until, now)
            self._close(client)
            return
        client.request, client.sent_at = request, now
        if now >= self._measured_from:
            self._offered += request.commands
        sent = client.socket.send(request.data)
        if sent < len(request.data):
            client.unsent = memoryview(request.data)[sent:]
            self._poll.modify(client.socket.fileno(), select.EPOLLIN | select.EPOLLOUT)

    def _send_rest(self, client: Client) -> None:
        client.unsent = client.unsent[client.socket.send(client.unsent) :]
        if not client.unsent:
            self._poll.modify(client.socket.fileno(), select.EPOLLIN)

    def _receive(self, client: Client) -> None:
        data = client.socket.recv(RECEIVE_BYTES)
        if not data:
            self._lose(client, "closed")
            return
        client.buffer += data
        answer = split_answer(client.buffer)
        if answer is None:
            return
        client.buffer = b""
        self._record(client, *answer)
        if client.sent_at and perf_counter() < self._until:
            self._send_next(client)
        else:
            self._close(client)

    def _record(self, client: Client, status: int, body: bytes) -> None:
        request = client.request
        now = perf_counter()
        mark = request.mark
        accepted = 0 if not 200 <= status < 300 else body.count(mark) if mark else request.commands
        self._accepted_in_all += accepted
        name = str(status)
        if not accepted and request.refusals:
            code = next((each for each in request.refusals if f'"code":"{each}"'.encode() in body), None)
            if code is not None:
                name, accepted = f"{status} {code}", request.commands
        is_measured = self._measured_from <= now < self._until
        if is_measured:
            self._accepted += accepted
        if accepted == request.commands:
            self._answers[name] += 1
            if is_measured:
                self._latencies_ms.append((now - client.sent_at) * 1000)
            return
        self._answers[f"{status} not applied"] += 1
        if len(self._samples) < SAMPLES:
            self._samples.append(body[:400].decode("utf-8", "replace"))


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    """Read settings, run, answer."""
    settings = msgspec.json.decode(sys.stdin.buffer.read(), type=LoadSettings)
    gc.disable()
    maker = RequestMaker(
        f"{settings.host}:{settings.port}",
        settings.secret,
        settings.first_member,
        settings.members,
        settings.run,
        settings.approver,
        settings.codes,
        settings.captcha_secret,
    )
    figures = Generator(settings, requests_for(maker, settings.mix)).run()
    sys.stdout.buffer.write(msgspec.json.encode(figures))


if __name__ == "__main__":
    main()
