"""Orders and spends straight into an engine of this process; settings on standard input, figures on standard output."""

from __future__ import annotations

import asyncio
import random
import resource
import sys
from array import array
from collections import Counter
from time import perf_counter

import msgspec
import uvloop

from bench.pieces import percentile
from bench.program import CURRENCY, WALLET
from bench.seeding import FIRST_MEMBER
from jifen.core.commands import RecordOrder, SpendPoints
from jifen.core.identity import Identity
from jifen.core.orders import Order, OrderLine
from jifen.core.refusal import Refusal
from jifen.engine.collector import calm_collector
from jifen.engine.engine import Engine
from jifen.engine.submission import Submission

EARN_SHARE = 0.7
_encode = msgspec.json.Encoder().encode


class Settings(msgspec.Struct, frozen=True):
    """What to run."""

    url: str
    members: int
    callers: int
    warm_up_seconds: float
    seconds: float
    run: str


class Recorder:
    """What was answered, and how fast, once the warm-up is over."""

    def __init__(self, measured_from: float, until: float) -> None:
        self.measured_from = measured_from
        self.until = until
        self.accepted_in_all = 0
        self.refused: Counter[str] = Counter()
        self.latencies_ms = array("d")

    def record(self, started: float, finished: float) -> None:
        """Note one accepted command."""
        self.accepted_in_all += 1
        if self.measured_from <= finished < self.until:
            self.latencies_ms.append((finished - started) * 1000)


class Commands:
    """An endless supply of commands: 70 % orders of one to three lines, 30 % spends, over all members."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._random = random.Random(settings.run)
        self._number = 0

    def next(self) -> Submission:
        """The next one, never seen before."""
        self._number += 1
        key = f"{self._settings.run}-{self._number}"
        member = FIRST_MEMBER + self._random.randrange(self._settings.members)
        if self._random.random() < EARN_SHARE:
            order = Order(key, CURRENCY, _LINES[self._number % 3], channel="store")
            command = RecordOrder(Identity("external", str(member)), order)
            return Submission(command, "bench/in-process", key, _encode([member, order]), "bench")
        spend = SpendPoints(member, WALLET, 1 + self._number % 50)
        return Submission(spend, "bench/in-process", key, _encode(spend), "bench")


_LINES = [
    [OrderLine(str(number), 1, 1_990 + 1_000 * number, sku=f"SKU-{number}", name="Tea") for number in range(lines)]
    for lines in (1, 2, 3)
]


async def call(engine: Engine, commands: Commands, recorder: Recorder) -> None:
    """One caller: the next command as soon as the last one is answered."""
    while (started := perf_counter()) < recorder.until:
        outcome = await engine.submit(commands.next())
        if isinstance(outcome, Refusal):
            recorder.refused[outcome.code] += 1
        else:
            recorder.record(started, perf_counter())


async def run(settings: Settings) -> dict[str, object]:
    """Start an engine, load it, stop it; the figures."""
    batch_sizes = array("i")
    engine = Engine(settings.url, observe_batch=lambda size, seconds: batch_sizes.append(size))
    await engine.start()
    calm_collector()
    start = perf_counter() + settings.warm_up_seconds
    recorder = Recorder(start, start + settings.seconds)
    commands = Commands(settings)
    await asyncio.gather(*(call(engine, commands, recorder) for _ in range(settings.callers)))
    await engine.stop()
    ordered = sorted(recorder.latencies_ms)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "rate": len(ordered) / settings.seconds,
        "p50_ms": percentile(ordered, 0.5),
        "p99_ms": percentile(ordered, 0.99),
        "accepted_in_all": recorder.accepted_in_all,
        "refused": dict(recorder.refused),
        "mean_batch": sum(batch_sizes) / len(batch_sizes),
        "cpu_share": (usage.ru_utime + usage.ru_stime) / (settings.seconds + settings.warm_up_seconds),
        "resident_bytes": usage.ru_maxrss * 1024,
    }


def main() -> None:
    """Read settings, run, answer."""
    settings = msgspec.json.decode(sys.stdin.buffer.read(), type=Settings)
    sys.stdout.buffer.write(msgspec.json.encode(uvloop.run(run(settings))))


if __name__ == "__main__":
    main()
