"""The scenarios by name, in the order in which they run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from time import perf_counter

import msgspec

from bench.drafts import ORDERS_PER_MEMBER, TIER_SET, frequent_history, twenty_rules
from bench.ground import MEMBERS
from bench.history import DUE_LOTS, due_history
from bench.imports import import_members, import_workbook
from bench.loads import (
    BATCH_CONNECTIONS,
    Run,
    load,
    load_faults,
    run_http,
    run_in_process,
    send_load,
    verified,
    verify_timed,
)
from bench.many_rules import many_rules, median_us
from bench.pgbench import run_pgbench
from bench.redeeming import flash_sale, flash_sale_captcha, redeem_any, write_off
from bench.results import Result
from bench.retail import http_retail, http_retail_batch, http_retail_hot_member, http_retail_hot_program
from bench.segments import segment_count
from bench.server import largest_worker_bytes, run_command, serving, serving_bare
from bench.tiers import tier_recalculation
from jifen.analytics.backtest.report import TierSetReport
from jifen.engine.engine import Engine
from jifen.services.time_work import SettleReport, settle_due

LARGE_MEMBERS = 5_000_000
#: After a checkpoint the first change of each page writes the whole page into the log; with millions of members most
#: commands do, until this is over.
LARGE_WARM_UP_SECONDS = 120
VERIFIED_MEMBERS = 500_000
DUE_MEMBERS = 50_000
BACKTEST_MEMBERS = 40_000
MEMORY_TRANSACTIONS = 1_000_000
MEMORY_SECONDS = 1_800
MB = 1_000_000

#: What the file of Online Retail holds (docs/benchmarks.md): the import must find exactly this.
RETAIL = {"orders": 18_536, "members": 4_339, "points_issued": 8_902_670}


def pgbench(run: Run) -> Result:
    """The yardstick: TPC-B of pgbench, scale 20, 16 clients, prepared, through the Unix socket."""
    rate, latency_ms = run_pgbench(run.ground, run.seconds)
    return Result(rate=rate, details={"mean_ms": latency_ms})


def in_process_mixed(run: Run) -> Result:
    """512 callers, one engine, no HTTP: 70 % orders, 30 % spends over 100,000 members."""
    return run_in_process(run, MEMBERS)


def http_mixed(run: Run) -> Result:
    """256 connections: 70 % orders, 30 % spends over 100,000 members."""
    return run_http(run, "mixed")


def http_bare(run: Run) -> Result:
    """The orders of the load generator against a server that does nothing: what the generator itself can reach."""
    with serving_bare(run.log) as port:
        figures = send_load(run, port, "no key", "orders")
    return Result(
        rate=figures.rate,
        unit="requests",
        p50_ms=figures.p50_ms,
        p99_ms=figures.p99_ms,
        faults=load_faults(figures),
        details={"generator_us_per_request": figures.generator_us_per_request},
    )


def http_events_batch(run: Run) -> Result:
    """A hundred orders of five lines a call, over 100,000 members; the rate counts orders."""
    result = run_http(run, "batches", connections=BATCH_CONNECTIONS)
    return msgspec.structs.replace(result, unit="orders")


def http_hot_member(run: Run) -> Result:
    """256 connections, the mixed load, all on one member."""
    return run_http(run, "mixed", hot_members=1)


def http_hot_program(run: Run) -> Result:
    """256 connections, nothing but orders: every command asks the same rule of the same program for points."""
    return run_http(run, "orders")


def rules_100(_: Run) -> Result:
    """An order of ten lines decided by a hundred rules in force, in process; the median."""
    return Result(details={"median_us": median_us(100), "summary": "median of decide()"}, unit="orders")


def rules_1000(_: Run) -> Result:
    """The same by a thousand rules."""
    return Result(details={"median_us": median_us(1_000), "summary": "median of decide()"}, unit="orders")


def rules_check(_: Run) -> Result:
    """The proofs about a program of a hundred rules."""
    # The solver takes memory that no other scenario should be charged with.
    from jifen.analytics.proofs import check_program

    started = perf_counter()
    report = check_program(many_rules(100))
    seconds = perf_counter() - started
    summary = f"{seconds:.1f} s, {len(report.findings)} findings, {len(report.not_proven)} not proven"
    return Result(details={"seconds": seconds, "summary": summary})


def import_orders(run: Run) -> Result:
    """The whole Online Retail file by `jifen import orders`, from the start of the command to its end."""
    if run.orders_file is None:
        return Result(skipped="the Online Retail file is not here; name it with --orders FILE")
    url = run.ground.create("bench_import")
    outcome = run_command("import", "orders", str(run.orders_file), "--mapping", "online-retail", "--url", url)
    summary = outcome.answer
    orders = summary["orders"]
    assert isinstance(orders, int)
    faults = [
        f"{name} is {summary.get(name)}, not {value}" for name, value in RETAIL.items() if summary.get(name) != value
    ]
    result = Result(
        rate=orders / outcome.seconds,
        unit="orders from a file",
        details={"seconds": outcome.seconds, "summary": f"{outcome.seconds:.1f} s"},
        faults=faults,
    )
    return verified(result, run, "bench_import")


def backtest(run: Run) -> Result:
    """`jifen backtest` of twenty rules over 400,000 orders of 40,000 members, the start of the command included."""
    return _backtest(run, twenty_rules())[0]


def backtest_tiers(run: Run) -> Result:
    """The same orders under the same rules and a tier set, in which members rise, fall and earn more for it."""
    result, report = _backtest(run, twenty_rules() + TIER_SET)
    found = msgspec.convert(report["tier_sets"], list[TierSetReport])
    moves = sum(move.draft for each in found for move in each.moves)
    details = {**result.details, "moves": moves, "summary": f"{moves:,} moves between tiers"}
    # Somebody who rises and falls: more than one move a member.
    faults = result.faults if moves > BACKTEST_MEMBERS else [*result.faults, f"members moved {moves} times only"]
    return msgspec.structs.replace(result, details=details, faults=faults)


def _backtest(run: Run, program: str) -> tuple[Result, dict[str, object]]:
    history = frequent_history(datetime.now(UTC))
    url = run.ground.create_seeded("bench_backtest", members=BACKTEST_MEMBERS, history=history)
    draft = run.folder / "draft.yaml"
    draft.write_text(program, "utf-8")
    outcome = run_command("backtest", "--draft", str(draft), "--url", url)
    orders = outcome.answer["orders"]
    assert isinstance(orders, int)
    wanted = BACKTEST_MEMBERS * ORDERS_PER_MEMBER
    faults = [] if orders == wanted else [f"{orders} orders were replayed, not {wanted}"]
    if outcome.exit_code != 0:
        faults.append("the recorded sums are not those of the ledger")
    run.ground.drop("bench_backtest")
    result = Result(
        rate=orders / outcome.seconds, unit="orders replayed", details={"seconds": outcome.seconds}, faults=faults
    )
    return result, outcome.answer


def backtest_retail(run: Run) -> Result:
    """`jifen backtest` over the whole Online Retail file, imported before, under the program it was recorded by."""
    if run.orders_file is None:
        return Result(skipped="the Online Retail file is not here; name it with --orders FILE")
    url = run.ground.create("bench_retail")
    run_command("import", "orders", str(run.orders_file), "--mapping", "online-retail", "--url", url)
    outcome = run_command("backtest", "--draft", "online-retail", "--url", url)
    orders, refused = outcome.answer["orders"], outcome.answer["refused"]
    assert isinstance(orders, int)
    faults = (
        [] if (orders, refused) == (RETAIL["orders"], {}) else [f"{orders} orders were replayed, refused: {refused}"]
    )
    return Result(
        rate=orders / outcome.seconds,
        unit="orders replayed",
        details={"seconds": outcome.seconds, "summary": f"{outcome.seconds:.1f} s"},
        faults=faults,
    )


def expire(run: Run) -> Result:
    """Settle all that is due where 50,000 members have five expired lots each; the rate counts lots."""
    url = run.ground.create_seeded("bench_expire", members=DUE_MEMBERS, history=due_history(datetime.now(UTC)))
    report, seconds = asyncio.run(_settle(url))
    lots = report.lots_expired
    faults = [] if lots == DUE_MEMBERS * DUE_LOTS else [f"{lots} lots expired, not {DUE_MEMBERS * DUE_LOTS}"]
    result = Result(rate=lots / seconds, unit="lots", details={"seconds": seconds}, faults=faults)
    return verified(result, run, "bench_expire")


async def _settle(url: str) -> tuple[SettleReport, float]:
    engine = Engine(url)
    await engine.start()
    started = perf_counter()
    report = await settle_due(engine, url, datetime.now(UTC))
    seconds = perf_counter() - started
    await engine.stop()
    return report, seconds


def verify(run: Run) -> Result:
    """Verify two million movements of 500,000 members; the rate counts movements."""
    run.ground.create_seeded("bench_verify", members=VERIFIED_MEMBERS)
    movements = run.ground.ask("bench_verify", "SELECT count(*) FROM movements")
    assert isinstance(movements, int)
    result, seconds = verify_timed(Result(unit="movements"), run, "bench_verify")
    details = {"seconds": seconds, "movements": movements}
    return msgspec.structs.replace(result, rate=movements / seconds, details=details)


def memory(run: Run) -> Result:
    """The resident memory of the largest worker: fresh, then under load (--large: a million transactions)."""
    url = run.ground.create_seeded("bench_memory")
    most = MEMORY_TRANSACTIONS if run.is_large else 0
    seconds = MEMORY_SECONDS if run.is_large else 2 * run.seconds
    with serving(["--url", url], run.log) as served:
        fresh = largest_worker_bytes(served.pid)
        first = load(served, url, run, "mixed", seconds=run.seconds, name="first")
        warm = largest_worker_bytes(served.pid)
        second = load(served, url, run, "mixed", seconds=seconds, name="second", most=most)
        last = largest_worker_bytes(served.pid)
    accepted = first.accepted_in_all + second.accepted_in_all
    result = Result(
        accepted=accepted,
        faults=load_faults(first) + load_faults(second),
        details={
            "fresh_worker_mb": fresh / MB,
            "warm_worker_mb": warm / MB,
            "largest_worker_mb": last / MB,
            "growth_bytes_per_transaction": (last - warm) / second.accepted_in_all,
            "summary": f"{last / MB:.0f} MB after {accepted:,} transactions",
        },
    )
    return verified(result, run, "bench_memory")


def start(run: Run) -> Result:
    """`jifen serve --demo` on an empty data folder, and once more: until it answers that it is ready."""
    arguments = ["--demo", "--data", str(run.folder / "start")]
    with serving(arguments, run.log) as served:
        first_seconds = served.seconds_to_ready
    with serving(arguments, run.log) as served:
        seconds = served.seconds_to_ready
    summary = f"{seconds:.1f} s, the very first {first_seconds:.1f} s"
    return Result(details={"seconds": seconds, "first_seconds": first_seconds, "summary": summary})


def large(run: Run) -> Result:
    """The mixed loads at 5,000,000 members and 20,000,000 movements, against those at 100,000 members."""
    if not run.is_large:
        return Result(skipped="long: run with --large")
    small = {name: run.results[name].rate or 1.0 for name in ("in_process_mixed", "http_mixed")}
    run.ground.create_seeded("bench_large", members=LARGE_MEMBERS)
    size = run.ground.size("bench_large")
    run.ground.warm("bench_large")
    http = run_http(run, "mixed", members=LARGE_MEMBERS, database="bench_large", warm_up_seconds=LARGE_WARM_UP_SECONDS)
    in_process = run_in_process(run, LARGE_MEMBERS, database="bench_large", warm_up_seconds=LARGE_WARM_UP_SECONDS)
    shares = {
        "in_process_share": (in_process.rate or 0.0) / small["in_process_mixed"],
        "http_share": (http.rate or 0.0) / small["http_mixed"],
    }
    return Result(
        rate=http.rate,
        p50_ms=http.p50_ms,
        p99_ms=http.p99_ms,
        verified=in_process.verified,
        faults=http.faults + in_process.faults,
        details={
            **shares,
            "in_process_rate": in_process.rate,
            "in_process_p99_ms": in_process.p99_ms,
            "database_bytes": size.database_bytes,
            "summary": ", ".join(f"{name} {value:.2f}" for name, value in shares.items()),
        },
    )


SCENARIOS: dict[str, Callable[[Run], Result]] = {
    "pgbench": pgbench,
    "in_process_mixed": in_process_mixed,
    "http_mixed": http_mixed,
    "http_bare": http_bare,
    "http_events_batch": http_events_batch,
    "http_hot_member": http_hot_member,
    "http_hot_program": http_hot_program,
    "http_retail": http_retail,
    "http_retail_batch": http_retail_batch,
    "http_retail_hot_member": http_retail_hot_member,
    "http_retail_hot_program": http_retail_hot_program,
    "redeem_any": redeem_any,
    "write_off": write_off,
    "flash_sale": flash_sale,
    "flash_sale_captcha": flash_sale_captcha,
    "rules_100": rules_100,
    "rules_1000": rules_1000,
    "rules_check": rules_check,
    "import": import_orders,
    "import_members": import_members,
    "import_workbook": import_workbook,
    "segment_count": segment_count,
    "tier_recalculation": tier_recalculation,
    "backtest": backtest,
    "backtest_tiers": backtest_tiers,
    "backtest_retail": backtest_retail,
    "expire": expire,
    "verify": verify,
    "memory": memory,
    "start": start,
    "large": large,
}
#: What runs with --large: the long scenarios and what they are compared with.
LARGE = ("pgbench", "in_process_mixed", "http_mixed", "import_workbook", "memory", "large")
