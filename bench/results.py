"""What a scenario came to, the bars it is held against, and how both are shown and kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median

import msgspec


class Result(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The figures of one scenario. `rate` is accepted work a second, counted in `unit`; `offered_rate` what was asked.

    `faults` are things that must not be, such as findings of `jifen verify` or commands that were not applied. `beside`
    is the rate of the yardstick around this scenario: the mean of its last measurement before and the one right after,
    or of the turns between those of the scenario.
    """

    rate: float | None = None
    unit: str = "transactions"
    offered_rate: float | None = None
    p50_ms: float | None = None
    p99_ms: float | None = None
    bytes_per_transaction: float | None = None
    wal_bytes_per_transaction: float | None = None
    accepted: int | None = None
    verified: bool | None = None
    details: dict[str, object] = {}
    faults: list[str] = []
    skipped: str | None = None
    beside: dict[str, float] = {}
    ratio_to_pgbench: float | None = None
    bars: dict[str, bool] = {}


Results = Mapping[str, Result]
Check = Callable[[Result], bool | None]


def _times(other: str, least: float) -> tuple[str, Check]:
    """At least so many times the rate of another scenario; undecided where that one did not run."""

    def check(result: Result) -> bool | None:
        rate = result.beside.get(other)
        return None if rate is None or result.rate is None else result.rate >= least * rate

    return f">= {least:g} x {other}", check


def _rate(least: float) -> tuple[str, Check]:
    return f">= {least:,.0f}/s", lambda result: None if result.rate is None else result.rate >= least


def _p99(most_ms: float) -> tuple[str, Check]:
    return f"p99 < {most_ms:g} ms", lambda result: None if result.p99_ms is None else result.p99_ms < most_ms


def _detail(name: str, text: str, most: float) -> tuple[str, Check]:
    def check(result: Result) -> bool | None:
        value = result.details.get(name)
        return value < most if isinstance(value, int | float) else None

    return text, check


def _at_least(name: str, text: str, least: float) -> tuple[str, Check]:
    def check(result: Result) -> bool | None:
        value = result.details.get(name)
        return value >= least if isinstance(value, int | float) else None

    return text, check


def _large(result: Result) -> bool | None:
    shares = [result.details.get("in_process_share"), result.details.get("http_share")]
    return all(isinstance(share, float) and share >= 0.8 for share in shares)


YARDSTICK = "pgbench"
#: What scenarios are held against. The speed of a machine with neighbours moves within minutes, so each is measured
#: again right after a scenario that is held against it, and what stands around that one counts.
HELD_AGAINST: dict[str, str] = {
    **dict.fromkeys(("in_process_mixed", "http_mixed", "http_events_batch"), YARDSTICK),
    **dict.fromkeys(("http_hot_member", "http_hot_program", "redeem_any", "write_off", "flash_sale"), "http_mixed"),
}
#: The same load under one rule, which scenarios under the retail template measure in turns with their own.
ONE_RULE = "one rule"

BARS: dict[str, list[tuple[str, Check]]] = {
    "in_process_mixed": [_times(YARDSTICK, 3)],
    "http_mixed": [_times(YARDSTICK, 1.8), _rate(3_000), _p99(100)],
    "http_events_batch": [_times(YARDSTICK, 3.5)],
    "http_hot_member": [_times("http_mixed", 0.7)],
    "http_hot_program": [_times("http_mixed", 0.7)],
    "http_retail": [_times(ONE_RULE, 0.8)],
    "http_retail_batch": [_times(ONE_RULE, 0.8)],
    "http_retail_hot_member": [_times(ONE_RULE, 0.8)],
    "http_retail_hot_program": [_times(ONE_RULE, 0.8)],
    "redeem_any": [_times("http_mixed", 0.5)],
    "write_off": [_times("http_mixed", 0.7)],
    "flash_sale": [_times("http_mixed", 0.8)],
    "rules_100": [_detail("median_us", "<= 200 us", 200)],
    "rules_1000": [_detail("median_us", "<= 1 ms", 1_000)],
    "rules_check": [_detail("seconds", "< 15 s", 15)],
    "import": [_detail("seconds", "<= 30 s", 30)],
    "import_members": [_rate(5_000)],
    "import_workbook": [_rate(5_000), _detail("peak_mb", "< 250 MB", 250)],
    "segment_count": [_detail("seconds", "< 2 s", 2)],
    "tier_recalculation": [
        ("nobody moves >= 20,000/s", _rate(20_000)[1]),
        _at_least("moved_rate", "everybody moves >= 20,000/s", 20_000),
    ],
    "backtest": [_rate(20_000)],
    "backtest_retail": [_detail("seconds", "< 10 s", 10)],
    "expire": [_rate(20_000)],
    "verify": [_rate(200_000)],
    "memory": [_detail("largest_worker_mb", "< 250 MB", 250)],
    "start": [_detail("seconds", "< 5 s", 5)],
    "large": [(">= 0.8 of the rates at 100,000 members", _large)],
}


def last_rate(yardstick: Result) -> float | None:
    """What the yardstick came to when it was measured last."""
    samples = yardstick.details.get("samples")
    return samples[-1] if isinstance(samples, list) else yardstick.rate


def with_sample(yardstick: Result, again: Result) -> Result:
    """The yardstick with one more measurement: its rate is the median of all, and a fault of any is its own."""
    if yardstick.rate is None or again.rate is None:
        return yardstick
    known = yardstick.details.get("samples")
    samples = [*(known if isinstance(known, list) else [yardstick.rate]), again.rate]
    details = {**yardstick.details, "samples": samples}
    return msgspec.structs.replace(
        yardstick, rate=median(samples), details=details, faults=yardstick.faults + again.faults
    )


def held_beside(result: Result, name: str, before: Result, after: Result) -> Result:
    """The result with what its yardstick `name` came to before and after it."""
    rates = [rate for rate in (last_rate(before), after.rate) if rate is not None]
    return msgspec.structs.replace(result, beside={name: sum(rates) / len(rates)} if rates else {})


def judged(name: str, result: Result, results: Results) -> Result:
    """The result with its ratio to the yardstick and with the bars that can be decided."""
    yardstick = results.get(YARDSTICK)
    ratio = None
    if (
        yardstick is not None
        and yardstick.rate
        and result.rate is not None
        and result.unit in ("transactions", "orders")
    ):
        ratio = round(result.rate / yardstick.rate, 2)
    bars = {text: met for text, check in BARS.get(name, []) if (met := check(result)) is not None}
    return msgspec.structs.replace(result, ratio_to_pgbench=ratio, bars={} if result.skipped else bars)


HEADINGS = ("scenario", "rate/s", "x pgbench", "p50 ms", "p99 ms", "verify", "bar", "")


def row(name: str, result: Result) -> tuple[str, ...]:
    """One line of the table."""
    bars = ", ".join(f"{text} {'ok' if met else 'UNDER'}" for text, met in result.bars.items())
    note = result.skipped or "; ".join(result.faults) or str(result.details.get("summary", ""))
    verified = {None: "", True: "clean", False: "FINDINGS"}[result.verified]
    return (
        name,
        "" if result.rate is None else f"{result.rate:,.0f}",
        "" if result.ratio_to_pgbench is None else f"{result.ratio_to_pgbench:.2f}",
        "" if result.p50_ms is None else f"{result.p50_ms:.1f}",
        "" if result.p99_ms is None else f"{result.p99_ms:.1f}",
        verified,
        bars,
        note if len(note) < 100 else note[:97] + "...",
    )


def print_row(cells: tuple[str, ...]) -> None:
    """Print one line of the table."""
    widths = (25, 10, 10, 8, 8, 9, 48, 0)
    print("".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip(), flush=True)


def write_results(path: Path, machine: dict[str, object], results: Results) -> None:
    """Keep the figures as JSON."""
    path.parent.mkdir(exist_ok=True)
    text = msgspec.json.encode({"machine": machine, "scenarios": rounded(msgspec.to_builtins(results))})
    path.write_bytes(msgspec.json.format(text, indent=2) + b"\n")


def rounded(value: object) -> object:
    """Three digits behind the point are more than a benchmark knows."""
    if isinstance(value, float):
        return round(value, 3)
    if isinstance(value, dict):
        return {name: rounded(each) for name, each in value.items()}
    return [rounded(each) for each in value] if isinstance(value, list) else value
