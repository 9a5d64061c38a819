"""How scenarios put load on jifen and check afterwards that every answer was true."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

import asyncpg
import msgspec

from bench.ground import MEMBERS, Ground, Size
from bench.load import LoadFigures, LoadSettings
from bench.pieces import run_part
from bench.results import Result
from bench.seeding import FIRST_MEMBER
from bench.server import HOST, Served, serving
from jifen.db.connection import Connection
from jifen.services.keys import create_key
from jifen.services.verification import verify

CALLERS = 512
CONNECTIONS = 256
#: Each request of this mix holds a hundred orders: more connections would only fill the queue.
BATCH_CONNECTIONS = 16
WARM_UP_SECONDS = 3


class Run(msgspec.Struct, frozen=True):
    """What every scenario is given."""

    ground: Ground
    folder: Path
    seconds: int
    is_large: bool
    orders_file: Path | None
    results: dict[str, Result]

    @property
    def log(self) -> Path:
        """Where servers under test write."""
        return self.folder / "serve.log"


class InProcessFigures(msgspec.Struct, frozen=True):
    """What `bench.in_process` answers."""

    rate: float
    p50_ms: float
    p99_ms: float
    accepted_in_all: int
    refused: dict[str, int]
    mean_batch: float
    cpu_share: float
    resident_bytes: int


def run_in_process(
    run: Run, members: int, *, database: str = "bench_in_process", warm_up_seconds: int = WARM_UP_SECONDS
) -> Result:
    """The mixed load straight into an engine. A database that is there already (`members` other than usual) is used."""
    ground = run.ground
    url = ground.create_seeded(database) if members == MEMBERS else ground.url(database)
    before = ground.size(database)
    settings = {
        "url": url,
        "members": members,
        "callers": CALLERS,
        "warm_up_seconds": warm_up_seconds,
        "seconds": run.seconds,
        "run": "in-process",
    }
    figures = msgspec.convert(run_part("bench.in_process", settings), InProcessFigures)
    result = Result(
        rate=figures.rate,
        p50_ms=figures.p50_ms,
        p99_ms=figures.p99_ms,
        accepted=figures.accepted_in_all,
        faults=[f"refused {code}: {count}" for code, count in figures.refused.items()],
        details={
            "mean_batch": figures.mean_batch,
            "process_cpu_share": figures.cpu_share,
            "resident_mb": figures.resident_bytes / 1_000_000,
        },
    )
    return verified(with_growth(result, before, ground.size(database)), run, database)


def run_http(
    run: Run,
    mix: str,
    *,
    connections: int = CONNECTIONS,
    members: int = MEMBERS,
    hot_members: int | None = None,
    database: str = "bench_http",
    warm_up_seconds: int = WARM_UP_SECONDS,
) -> Result:
    """A mix over HTTP. A database that is there already (`members` other than usual) is used."""
    ground = run.ground
    url = ground.create_seeded(database) if members == MEMBERS else ground.url(database)
    before = ground.size(database)
    with serving(["--url", url], run.log) as served:
        figures = load(
            served,
            url,
            run,
            mix,
            connections=connections,
            members=hot_members or members,
            warm_up_seconds=warm_up_seconds,
        )
    result = Result(
        rate=figures.rate,
        offered_rate=figures.offered_rate,
        p50_ms=figures.p50_ms,
        p99_ms=figures.p99_ms,
        accepted=figures.accepted_in_all,
        faults=load_faults(figures),
        details={
            "answers": figures.answers,
            "generator_cpu_share": figures.generator_cpu_share,
            "generator_us_per_request": figures.generator_us_per_request,
        },
    )
    result = with_growth(result, before, ground.size(database))
    return result if members != MEMBERS else verified(result, run, database)


def load(
    served: Served,
    url: str,
    run: Run,
    mix: str,
    *,
    name: str = "only",
    connections: int = CONNECTIONS,
    members: int = MEMBERS,
    warm_up_seconds: float = WARM_UP_SECONDS,
    seconds: float | None = None,
    most: int = 0,
    approver: str = "",
    codes: str = "",
    captcha_secret: str = "",
) -> LoadFigures:
    """Put a mix on a running jifen. `name` keeps the keys of two loads on one database apart."""
    return send_load(
        run,
        served.port,
        asyncio.run(new_key(url)),
        mix,
        name=name,
        connections=connections,
        members=members,
        warm_up_seconds=warm_up_seconds,
        seconds=seconds,
        most=most,
        approver=approver,
        codes=codes,
        captcha_secret=captcha_secret,
    )


def send_load(
    run: Run,
    port: int,
    secret: str,
    mix: str,
    *,
    name: str = "only",
    connections: int = CONNECTIONS,
    members: int = MEMBERS,
    warm_up_seconds: float = WARM_UP_SECONDS,
    seconds: float | None = None,
    most: int = 0,
    approver: str = "",
    codes: str = "",
    captcha_secret: str = "",
) -> LoadFigures:
    """Run the load generator in a process of its own."""
    settings = LoadSettings(
        host=HOST,
        port=port,
        secret=secret,
        mix=mix,
        first_member=FIRST_MEMBER,
        members=members,
        run=f"{mix}-{name}",
        connections=connections,
        warm_up_seconds=warm_up_seconds,
        seconds=seconds or run.seconds,
        most=most,
        approver=approver,
        codes=codes,
        captcha_secret=captcha_secret,
    )
    return msgspec.convert(run_part("bench.load", msgspec.to_builtins(settings)), LoadFigures)


def load_faults(figures: LoadFigures, right: Sequence[str] = ()) -> list[str]:
    """Everything that was not answered as it should. `right`: answers beside those of success."""
    answers = {answer: count for answer, count in figures.answers.items() if answer not in right}
    wrong = {answer: count for answer, count in answers.items() if not (answer.isdigit() and answer[0] == "2")}
    return [f"{answer}: {count}" for answer, count in wrong.items()] + figures.samples_of_failures


def verified(result: Result, run: Run, database: str) -> Result:
    """The result with what `jifen verify` says about the database, which is dropped then."""
    return verify_timed(result, run, database)[0]


def verify_timed(result: Result, run: Run, database: str) -> tuple[Result, float]:
    """The same, and how many seconds verifying took."""
    started = perf_counter()
    report = asyncio.run(verify(run.ground.url(database)))
    seconds = perf_counter() - started
    run.ground.drop(database)
    faults = [f"verify: {kind} {count} times" for kind, count in report.totals.items()]
    faults += [f"verify: {finding.kind} {finding.member_id} {finding.detail}" for finding in report.findings[:3]]
    return msgspec.structs.replace(result, verified=not faults, faults=result.faults + faults), seconds


async def new_key(url: str, roles: Sequence[str] = ()) -> str:
    """The secret of a new API key, named after its roles: keys of one name are one person."""
    connection: Connection = await asyncpg.connect(url)
    try:
        return (await create_key(connection, " ".join(("bench", *roles)), roles)).secret
    finally:
        await connection.close()


def with_growth(result: Result, before: Size, after: Size) -> Result:
    """How many bytes of table and log an accepted transaction took."""
    accepted = result.accepted or 1
    return msgspec.structs.replace(
        result,
        bytes_per_transaction=(after.database_bytes - before.database_bytes) / accepted,
        wal_bytes_per_transaction=(after.log_position_bytes - before.log_position_bytes) / accepted,
    )
