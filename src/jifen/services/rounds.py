"""Rounds of lotteries: a seed is made and its hash published; when it is revealed, nobody draws from it any more."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any, ClassVar

import msgspec

from jifen.core.decide.context import TIME_SOURCE
from jifen.core.draws.chance import SEED_BYTES
from jifen.core.errors import JifenError
from jifen.core.identity import shard_of_name
from jifen.core.program import Program
from jifen.db.connection import Connection
from jifen.db.queries import load_queries

_SQL = load_queries("draws")


class UnknownDraw(JifenError):
    """There is no such draw, or it is retired."""

    code: ClassVar[str] = "unknown_draw"


class RoundOpen(JifenError):
    """A round is open already; it is revealed before another begins."""

    code: ClassVar[str] = "round_open"


class UnknownRound(JifenError):
    """There is no such round, or none is open."""

    code: ClassVar[str] = "unknown_round"


class RoundView(msgspec.Struct, frozen=True):
    """A round. `commitment` is the SHA-256 of its seed; the `seed` is null until it is revealed (both
    hexadecimal); `drawn`: how often was drawn."""

    draw: str
    round: int
    commitment: str
    opened_at: datetime
    drawn: int
    revealed_at: datetime | None
    seed: str | None


async def open_round(
    connection: Connection, program: Program | None, shards: int, draw_id: str, *, actor: str, now: datetime
) -> RoundView:
    """Make a seed that nobody knows, and publish its hash: from now on it can be drawn from.

    Raises:
        UnknownDraw, RoundOpen
    """
    draw = None if program is None else program.draws.by_id.get(draw_id)
    if draw is None or draw.document.retired:
        raise UnknownDraw(f"There is no draw {draw_id[:40]!r}, or it is retired.", draw=draw_id[:40])
    shard = shard_of_name(draw_id, shards)
    seed = secrets.token_bytes(SEED_BYTES)
    row = await connection.fetchrow(_SQL["open_round"], shard, draw_id, seed, now, actor)
    if row is None:
        raise RoundOpen(f"A round of {draw_id!r} is open: reveal its seed before the next begins.", draw=draw_id)
    return view_of_round(row)


async def newest_round(connection: Connection, shards: int, draw_id: str) -> RoundView | None:
    """The last round of a draw, open or revealed; None: it never had one."""
    row = await connection.fetchrow(_SQL["round"], shard_of_name(draw_id, shards), draw_id, None)
    return None if row is None else view_of_round(row)


async def reveal_round(
    connection: Connection, shards: int, draw_id: str, number: int | None, *, actor: str, now: datetime
) -> RoundView:
    """Reveal the seed of a round (None: of the open one), which ends it. One that was revealed before stays as it is.

    Raises:
        UnknownRound
    """
    shard = shard_of_name(draw_id, shards)
    row = await connection.fetchrow(_SQL["reveal_round"], shard, draw_id, number, now, actor)
    if row is None and number is not None:
        row = await connection.fetchrow(_SQL["round"], shard, draw_id, number)
    if row is None:
        which = "is open" if number is None else f"has the number {number}"
        raise UnknownRound(f"No round of {draw_id[:40]!r} {which}.", draw=draw_id[:40])
    return view_of_round(row)


async def reveal_ended(connection: Connection, program: Program | None, now: datetime) -> int:
    """Reveal the seeds of all lotteries whose period is over, or that the program has no longer; how many they were."""
    shards = await connection.fetchval("SELECT shards FROM installation")
    revealed = 0
    for row in await connection.fetch(_SQL["open_rounds"]):
        draw = None if program is None else program.draws.by_id.get(row["draw"])
        if draw is None or (draw.window.until is not None and draw.window.until <= now):
            await reveal_round(connection, shards, row["draw"], row["round"], actor=TIME_SOURCE, now=now)
            revealed += 1
    return revealed


def view_of_round(row: Any) -> RoundView:
    """A round as the database has it, as the outside sees it."""
    seed = row["seed"]
    return RoundView(
        row["draw"],
        row["round"],
        row["commitment"].hex(),
        row["opened_at"],
        row["drawn"],
        row["revealed_at"],
        None if seed is None else seed.hex(),
    )
