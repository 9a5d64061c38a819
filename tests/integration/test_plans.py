"""Statements on tables that may begin to fill in a busy hour go by index, whatever statistics say."""

from __future__ import annotations

import re

import pytest

from jifen.db.connection import connect
from jifen.db.queries import load_queries

LATE = [
    ("engine", "load_usages"),
    ("engine", "load_all_usages"),
    ("engine", "load_holds"),
    ("engine", "load_lists"),
    ("tiers", "load_tiers"),
]


@pytest.mark.parametrize(("file", "name"), LATE)
async def test_tables_analysed_while_empty_are_read_by_index(database_url: str, file: str, name: str) -> None:
    """Each member's rows are looked up; the table is not read from end to end."""
    statement = load_queries(file)[name]
    arguments = ", ".join(["NULL"] * max(int(number) for number in re.findall(r"\$(\d+)", statement)))
    connection = await connect(database_url, for_batches=True)
    await connection.execute("RESET ROLE")
    await connection.execute("ANALYZE")
    await connection.execute(f"PREPARE looked_at AS {statement}")
    plan = "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN EXECUTE looked_at ({arguments})"))
    await connection.close()
    assert "Index Cond: ((shard = wanted.shard) AND (member_id = wanted.member_id)" in plan
