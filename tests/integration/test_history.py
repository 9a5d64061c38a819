"""What is told of transactions adds up to what a member has."""

from __future__ import annotations

import asyncio
from collections import Counter

import asyncpg

from jifen.services.catalog import Catalog
from jifen.services.history import (
    TransactionDetail,
    TransactionPage,
    TransactionView,
    decode_cursor,
    find_transaction,
    transactions_page,
)
from jifen.services.members import parse_transaction_id
from jifen.services.snapshot import one_moment
from tests.databases import add_program
from tests.integration.lives import RICH, live_on

#: What each member has in each wallet, by its id.
HAS = """
SELECT a.member_id, w.id, a.available + a.pending + a.held + a.saved - a.debt
FROM accounts a JOIN wallets w ON w.number = a.wallet
"""
PAGE = 7


async def history(connection: asyncpg.Connection, catalog: Catalog, member: int) -> list[TransactionView]:
    """All that happened to a member, page by page."""
    found: list[TransactionView] = []
    before: int | None = None
    while True:
        page = await transactions_page(connection, catalog, member, before=before, limit=PAGE, kind=None)
        assert isinstance(page, TransactionPage)
        found += page.transactions
        if page.next_cursor is None:
            return found
        cursor = decode_cursor(page.next_cursor)
        assert isinstance(cursor, int)
        before = cursor


async def test_changes_add_up(bare_database_url: str) -> None:
    """Of members who did everything: wallet by wallet what changed is what is there, and one transaction says of itself
    what the list says of it."""
    await asyncio.to_thread(add_program, bare_database_url, RICH)
    await asyncio.to_thread(live_on, bare_database_url, 25)
    connection, catalog = await asyncpg.connect(bare_database_url), Catalog()
    kinds: Counter[str] = Counter()
    try:
        await catalog.refresh(connection)
        async with one_moment(connection):
            rows = await connection.fetch(HAS)
            for member in {row["member_id"] for row in rows}:
                told: Counter[str] = Counter()
                for each in await history(connection, catalog, member):
                    told.update(each.changes)
                    kinds.update([each.kind] if each.changes else [])
                    number = parse_transaction_id(each.transaction_id)
                    assert number is not None
                    detail = await find_transaction(connection, catalog, *number)
                    assert isinstance(detail, TransactionDetail)
                    assert detail.changes == each.changes
                assert told == Counter({wallet: points for of, wallet, points in rows if of == member})
    finally:
        await connection.close()
    moving = {"earn", "spend", "capture", "expire", "reverse", "correct", "adjust", "transfer"}
    assert moving <= kinds.keys()
    assert kinds.keys().isdisjoint({"hold", "release", "hold_expire", "mature", "save", "unsave", "tier"})
