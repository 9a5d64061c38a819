"""Rewards under load: asked for, approved, written off at tills, and few pieces that thousands want at once."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import asyncpg
import msgspec

from bench.load import LoadFigures
from bench.loads import Run, load, load_faults, new_key, verified
from bench.program import FLASH_REWARD, WITH_CAPTCHA, WITH_REWARDS
from bench.publishing import publish
from bench.requests import FLASH_TIMES
from bench.results import Result
from bench.server import serving
from jifen.db.connection import Connection
from jifen.services.catalog import Catalog
from jifen.services.stock import set_stock

FLASH_MEMBERS = 5_000
FLASH_PIECES = 100
#: Requests that a redemption takes where a second person must agree: to ask, and to approve.
REQUESTS_EACH = 2
#: Coupons given before tills write them off: more than they can in the time of a measurement.
COUPONS = 90_000
_LONG_SECONDS = 120


def redeem_any(run: Run) -> Result:
    """Coupons that pass at once: each request is a whole redemption (points held, approved and spent, code issued).
    Beside it such as are asked for and approved by a second key: two requests, each a transaction."""
    database = "bench_redeem"
    url = _with_rewards(run, database)
    clerk = asyncio.run(new_key(url, ("clerk",)))
    with serving(["--url", url], run.log) as served:
        # First, as the generator knows redemptions by the number of the transaction that each member comes to.
        approved = load(served, url, run, "approved", approver=clerk)
        figures = load(served, url, run, "vouchers", name="at-once")
    details: dict[str, object] = {
        "approved_rate": approved.rate / REQUESTS_EACH,
        "approved_transactions_rate": approved.rate,
        "approved_p99_ms": approved.p99_ms,
        "summary": f"with a second person {approved.rate / REQUESTS_EACH:,.0f}/s in {approved.rate:,.0f} requests/s",
    }
    result = _result(figures, "redemptions")
    result = msgspec.structs.replace(result, details=details, faults=result.faults + load_faults(approved))
    return verified(result, run, database)


def write_off(run: Run) -> Result:
    """256 tills write off coupons, each once."""
    database = "bench_write_off"
    url = _with_rewards(run, database)
    codes = run.folder / "codes.txt"
    with serving(["--url", url], run.log) as served:
        given = load(served, url, run, "vouchers", warm_up_seconds=0, seconds=_LONG_SECONDS, most=COUPONS)
        codes.write_text(asyncio.run(_codes(url)), "ascii")
        run.ground.checkpoint()
        figures = load(served, url, run, "write_offs", codes=str(codes))
    result = _result(figures, "transactions")
    used = run.ground.ask(database, "SELECT count(*) FROM redemptions WHERE state = 'written_off'")
    faults = [*result.faults, *load_faults(given)]
    if used != figures.accepted_in_all:
        faults.append(f"{used} coupons are written off, {figures.accepted_in_all} were answered so")
    return verified(msgspec.structs.replace(result, faults=faults), run, database)


def flash_sale(run: Run) -> Result:
    """5,000 members ask 20,000 times for 100 pieces, one each; the rate counts requests, refused ones as well."""
    return _flash(run, "bench_flash", WITH_REWARDS, "flash")


def flash_sale_captcha(run: Run) -> Result:
    """The same where each request brings the solution of a captcha of its own, found before the sale begins."""
    return _flash(run, "bench_flash_captcha", WITH_CAPTCHA, "flash_solved")


def _flash(run: Run, database: str, program: str, mix: str) -> Result:
    url = _with_rewards(run, database, program)
    secret = asyncio.run(_captcha_secret(url))
    with serving(["--url", url], run.log) as served:
        load(served, url, run, "mixed", name="warm", warm_up_seconds=0, seconds=3)
        figures = load(
            served,
            url,
            run,
            mix,
            members=FLASH_MEMBERS,
            warm_up_seconds=0,
            seconds=_LONG_SECONDS,
            captcha_secret=secret,
        )
    result = _result(figures, "requests", right=("409 sold_out", "409 limit_reached"))
    wanted = (FLASH_MEMBERS * FLASH_TIMES, FLASH_PIECES, FLASH_PIECES, FLASH_PIECES)
    members = f"SELECT count(DISTINCT member_id) FROM redemptions WHERE reward = '{FLASH_REWARD}'"  # noqa: S608
    taken = f"SELECT taken FROM stocks WHERE reward = '{FLASH_REWARD}'"  # noqa: S608
    found = (
        sum(figures.answers.values()),
        figures.answers.get("201", 0),
        run.ground.ask(database, members),
        run.ground.ask(database, taken),
    )
    faults = list(result.faults)
    if found != wanted:
        faults.append(f"requests, given, members and taken are {found}, not {wanted}")
    summary = ", ".join(f"{count:,} x {answer}" for answer, count in sorted(figures.answers.items()))
    details: dict[str, object] = {"answers": figures.answers, "summary": summary}
    return verified(msgspec.structs.replace(result, details=details, faults=faults), run, database)


def _result(figures: LoadFigures, unit: str, right: tuple[str, ...] = ()) -> Result:
    return Result(
        rate=figures.rate,
        unit=unit,
        p50_ms=figures.p50_ms,
        p99_ms=figures.p99_ms,
        accepted=figures.accepted_in_all,
        faults=load_faults(figures, right),
    )


def _with_rewards(run: Run, database: str, program: str = WITH_REWARDS) -> str:
    url = run.ground.create_seeded(database)
    asyncio.run(_open(url, program))
    run.ground.checkpoint()
    return url


async def _open(url: str, program: str) -> None:
    """Publish the rewards, and put the few pieces on the shelf."""
    await publish(url, program)
    connection: Connection = await asyncpg.connect(url)
    try:
        catalog = Catalog()
        await catalog.refresh(connection)
        await set_stock(
            connection,
            catalog.current,
            catalog.shards,
            FLASH_REWARD,
            key=str(uuid4()),
            actor="bench",
            reason="flash sale",
            pieces=FLASH_PIECES,
        )
    finally:
        await connection.close()


async def _captcha_secret(url: str) -> str:
    """By which the server signs challenges, as hexadecimal: so that these can be made without finding solutions."""
    connection: Connection = await asyncpg.connect(url)
    try:
        catalog = Catalog()
        await catalog.refresh(connection)
        return catalog.quote_secret.hex()
    finally:
        await connection.close()


async def _codes(url: str) -> str:
    connection: Connection = await asyncpg.connect(url)
    try:
        return "\n".join(row[0] for row in await connection.fetch("SELECT code FROM coupons"))
    finally:
        await connection.close()
