"""Damage done to a ledger behind jifen's back, and what `jifen verify` says of it."""

from __future__ import annotations

import asyncio

from jifen.db.embedded import EmbeddedAddress
from jifen.services.verification import VerifyReport, verify
from tests.databases import fresh_database, name_of, run_sql, with_database


def do_damage(server: EmbeddedAddress, url: str, *statements: str) -> None:
    """Run statements on a database as the superuser, with no trigger and no key in the way."""
    admin = with_database(server.admin_url, name_of(url))
    run_sql(admin, "; ".join(["SET session_replication_role = replica", *statements]))


async def damaged(server: EmbeddedAddress, template: str, *statements: str) -> VerifyReport:
    """What verify says of a copy of this database after these statements."""

    def find() -> VerifyReport:
        with fresh_database(server, template) as url:
            do_damage(server, url, *statements)
            return asyncio.run(verify(url))

    return await asyncio.to_thread(find)
