"""The faster array encoding (jifen.db.arrays) must change nothing but the speed."""

from __future__ import annotations

from jifen.db.connection import connect


async def test_arrays_arrive_as_they_were_sent(database_url: str) -> None:
    """Flat, empty, nested and null-bearing arrays of the types that batches write."""
    connection = await connect(database_url)
    try:
        for type_name, values in (
            ("bigint", [1, -(2**63), None]),
            ("text", ["a", '"}\\,{', "积分", None]),
            ("bytea", [b"\x00\xff", b""]),
            ("boolean", [True, False, None]),
            ("integer", []),
            ("integer", [[1, 2], [3, 4]]),
        ):
            assert await connection.fetchval(f"SELECT $1::{type_name}[]", values) == values
    finally:
        await connection.close()
