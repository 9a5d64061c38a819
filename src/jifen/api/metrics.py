"""Figures for Prometheus. The hot path counts in plain dictionaries; once a second they are handed over."""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Mapping
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, multiprocess

MULTIPROCESS_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
LATENCY_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
BATCH_COMMANDS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
BATCH_SECONDS = LATENCY_SECONDS


class Buckets:
    """A histogram in the making: counts by bucket (the last one is for what is beyond all bounds), and the sum."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, value: float) -> None:
        """Count one observation."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value


class Metrics:
    """What one worker process counts. Not safe for threads: everything happens on the event loop."""

    def __init__(self) -> None:
        self._requests: dict[tuple[str, int], int] = {}
        self._latency: dict[str, Buckets] = {}
        self._refusals: dict[str, int] = {}
        self._rule_failures: dict[str, int] = {}
        self._batch_commands = Buckets(BATCH_COMMANDS)
        self._batch_seconds = Buckets(BATCH_SECONDS)
        self._database_errors = 0
        self._alarms: set[str] = set()
        self._exported = _Exported()

    def request(self, route: str, status: int, seconds: float) -> None:
        """Count an answered request."""
        key = (route, status)
        self._requests[key] = self._requests.get(key, 0) + 1
        latency = self._latency.get(route)
        if latency is None:
            latency = self._latency[route] = Buckets(LATENCY_SECONDS)
        latency.add(seconds)

    def refusal(self, code: str) -> None:
        """Count a refusal: of a request, or of one event of a batch."""
        self._refusals[code] = self._refusals.get(code, 0) + 1

    def rule_failure(self, rule: str) -> None:
        """Count a rule that could not be evaluated for an event, and so gave nothing."""
        self._rule_failures[rule] = self._rule_failures.get(rule, 0) + 1

    def alarms(self, ringing: Mapping[str, bool]) -> None:
        """Say which alarms of the program ring."""
        for alarm in self._alarms - ringing.keys():
            self._exported.alarms.labels(alarm).set(0)
        for alarm, is_ringing in ringing.items():
            self._exported.alarms.labels(alarm).set(is_ringing)
        self._alarms = set(ringing)

    def batch(self, commands: int, seconds: float) -> None:
        """Count a batch that was committed."""
        self._batch_commands.add(commands)
        self._batch_seconds.add(seconds)

    def database_error(self) -> None:
        """Count a failure to reach the database from outside of the engine."""
        self._database_errors += 1

    def flush(self, *, queue_length: int, database_is_up: bool) -> None:
        """Hand over what was counted since the last time."""
        exported = self._exported
        for (route, status), count in self._requests.items():
            exported.requests.labels(route, str(status)).inc(count)
        for route, buckets in self._latency.items():
            exported.latency.labels(route).add_all(buckets)
        for code, count in self._refusals.items():
            exported.refusals.labels(code).inc(count)
        exported.batch_commands.add_all(self._batch_commands)
        exported.batch_seconds.add_all(self._batch_seconds)
        exported.database_errors.inc(self._database_errors)
        exported.queue.set(queue_length)
        exported.database_up.set(database_is_up)
        self._requests.clear()
        self._latency.clear()
        self._refusals.clear()
        for rule, count in self._rule_failures.items():
            exported.rule_failures.labels(rule).inc(count)
        self._rule_failures.clear()
        self._batch_commands = Buckets(BATCH_COMMANDS)
        self._batch_seconds = Buckets(BATCH_SECONDS)
        self._database_errors = 0

    def page(self) -> bytes:
        """All figures, of all worker processes, in the text format of Prometheus."""
        return generate_latest(self._exported.whole)


class _Histogram(Histogram):
    """A histogram that takes many observations at once."""

    def add_all(self, buckets: Buckets) -> None:
        """Add what was counted by bucket."""
        self._sum.inc(buckets.total)
        for bucket, count in zip(self._buckets, buckets.counts, strict=True):
            if count:
                bucket.inc(count)


class _Exported:
    """The same figures as Prometheus' library keeps them."""

    def __init__(self) -> None:
        own = CollectorRegistry()
        self.whole = own
        if MULTIPROCESS_VARIABLE in os.environ:
            self.whole = CollectorRegistry()
            multiprocess.MultiProcessCollector(self.whole)  # type: ignore[no-untyped-call]
        self.requests = Counter("jifen_requests", "Requests answered.", ["route", "status"], registry=own)
        self.rule_failures = Counter(
            "jifen_rule_failures", "Rules that could not be evaluated for an event.", ["rule"], registry=own
        )
        self.refusals = Counter("jifen_refusals", "Commands and requests refused.", ["code"], registry=own)
        self.latency = _Histogram(
            "jifen_request_seconds", "Time to answer a request.", ["route"], registry=own, buckets=LATENCY_SECONDS
        )
        self.batch_commands = _Histogram(
            "jifen_batch_commands", "Commands in one batch.", registry=own, buckets=BATCH_COMMANDS
        )
        self.batch_seconds = _Histogram(
            "jifen_batch_seconds", "Time to decide and commit a batch.", registry=own, buckets=BATCH_SECONDS
        )
        self.database_errors = Counter("jifen_database_errors", "Reads that the database failed.", registry=own)
        self.queue = Gauge(
            "jifen_queue_commands", "Commands that wait for a batch.", registry=own, multiprocess_mode="livesum"
        )
        self.alarms = Gauge(
            "jifen_alarm_ringing",
            "Whether an alarm of the program rings.",
            ["alarm"],
            registry=own,
            multiprocess_mode="livemax",
        )
        self.database_up = Gauge(
            "jifen_database_up", "Whether the database can be reached.", registry=own, multiprocess_mode="livemin"
        )


def forget_dead_workers() -> None:
    """Take the present figures (queue length, database up) of worker processes that are gone out of the sums."""
    folder = os.environ.get(MULTIPROCESS_VARIABLE)
    if folder is None:
        return
    for path in Path(folder).glob("gauge_live*_*.db"):
        pid = path.stem.rpartition("_")[2]
        if pid.isdigit() and not Path("/proc", pid).exists():
            multiprocess.mark_process_dead(int(pid))  # type: ignore[no-untyped-call]
