"""Statements on tables that may begin to fill in a busy hour go by index, whatever statistics say; and how many rows
are read for what happens often."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import pytest

from jifen.core.commands import AdjustPoints, Command
from jifen.core.identity import shard_of_member
from jifen.core.redemption.commands import ApproveRedemption, RejectRedemption
from jifen.db.connection import Connection, connect
from jifen.db.queries import load_queries
from jifen.engine.loading import load_everything
from jifen.engine.submission import Answer, Submission
from tests.integration.test_redemptions import opened

LATE = [
    ("engine", "load_known"),
    ("engine", "load_all_usages"),
    ("engine", "load_holds"),
]


async def plan_of(database_url: str, statement: str) -> str:
    """How a batch's connection runs a statement, whatever its arguments, on tables analysed while empty."""
    arguments = ", ".join(["NULL"] * max(int(number) for number in re.findall(r"\$(\d+)", statement)))
    connection = await connect(database_url, for_batches=True)
    await connection.execute("RESET ROLE")
    await connection.execute("ANALYZE")
    await connection.execute(f"PREPARE looked_at AS {statement}")
    plan = "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN EXECUTE looked_at ({arguments})"))
    await connection.close()
    return plan


@pytest.mark.parametrize(("file", "name"), LATE)
async def test_tables_analysed_while_empty_are_read_by_index(database_url: str, file: str, name: str) -> None:
    """Each member's rows are looked up; the table is not read from end to end."""
    statement = load_queries(file)[name]
    plan = await plan_of(database_url, statement)
    looked_up = re.findall(r"Index Cond: \(\(shard = (wanted\w*)\.shard\) AND \(member_id = \1\.member_id\)", plan)
    assert len(looked_up) == statement.count("unnest("), plan


async def test_what_a_batch_changes_is_found_by_its_place(database_url: str) -> None:
    """Also in tables that were analysed while they were empty: no index is searched."""
    plan = await plan_of(database_url, load_queries("engine")["write_batch"])
    by_place = {table: plan.count(f"Tid Scan on {table} ") for table in ("lots", "accounts", "usages")}
    assert by_place == {"lots": 2, "accounts": 1, "usages": 1}, plan


async def test_what_waits_for_somebody_is_found_among_many_unused_coupons(database_url: str) -> None:
    """Coupons stay approved until they are used: whoever asks what is to be done reads none of them."""
    connection = await connect(database_url)
    await connection.execute("RESET ROLE")
    await connection.execute(
        "INSERT INTO redemptions (shard, member_id, sequence, last_step, reward, state, requested_at, content) "
        "SELECT n % 64, n, 1, 1, CASE WHEN n % 1000 = 0 THEN 'cup' ELSE 'coupon' END, "
        "CASE WHEN n % 2000 = 0 THEN 'fulfilled' ELSE 'approved' END, now() - n * interval '1 second', "
        "json_build_object('fulfilment', CASE WHEN n % 1000 = 0 THEN 'shipping' ELSE 'none' END) "
        "FROM generate_series(1, 20000) AS n"
    )
    await connection.execute("ANALYZE redemptions")
    first = (datetime(1970, 1, 1, tzinfo=UTC), 0, 0)
    last = (datetime(9999, 1, 1, tzinfo=UTC), 0, 0)
    statements = load_queries("redemption_reads")
    states = ["waiting_for_payment", "waiting_for_approval", "approved"]
    try:
        for name, arguments in (
            ("open_redemptions", (states, *first, 50)),
            ("open_redemptions", (["approved"], *first, 50)),
            ("deliveries", (*last, 50)),
        ):
            assert len(await connection.fetch(statements[name], *arguments)) == 10
            assert await rows_read(connection, statements[name], *arguments) <= 40
    finally:
        await connection.close()


async def test_approving_reads_no_lots(bare_database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is bound is spent by its hold, which is one row; of a member who has many lots none is looked at. Rejecting
    gives back to the lots, and loads them."""
    loaded: list[int] = []

    async def load(connection: Connection, states: Any, places: Any, members: Iterable[int], shards: int) -> None:
        loaded.extend(members)
        await load_everything(connection, states, places, members, shards)

    async for desk in opened(bare_database_url):
        member = await desk.member("collector", 200)
        await asyncio.gather(*(desk.do(AdjustPoints(member, None, 1)) for _ in range(300)))
        first, second = await desk.redeem(member, "vase"), await desk.redeem(member, "vase")
        monkeypatch.setattr("jifen.engine.gathering.load_everything", load)
        steps: dict[int, Command] = {first: ApproveRedemption(member, first), second: RejectRedemption(member, second)}
        for number, step in steps.items():
            by = Submission(step, "desk", str(number), b"{}", "clerk", roles=("clerk",))
            assert isinstance(await desk.engine.submit(by), Answer)
            assert loaded == ([] if number == first else [member])
        keys = ([shard_of_member(member, 64)], [member])
        connection = await connect(desk.url)
        statements = load_queries("engine")
        assert await rows_read(connection, statements["load_all_lots"], *keys) >= 300
        assert await rows_read(connection, statements["load_holds"], *keys) <= 4
        await connection.close()
        await desk.check()


async def rows_read(connection: Connection, statement: str, *arguments: object) -> int:
    """How many rows of tables and indexes a statement looks at, kept or not."""
    plan = json.loads(await connection.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", *arguments))
    return sum(
        (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
        for node in nodes_of(plan[0]["Plan"])
        if "Scan" in node["Node Type"]
    )


def nodes_of(plan: dict[str, Any]) -> list[dict[str, Any]]:
    """A plan and all below it."""
    return [plan, *(node for each in plan.get("Plans", []) for node in nodes_of(each))]
