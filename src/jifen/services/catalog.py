"""What every answer needs and what rarely changes: the shards, the wallets by number, the program."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec

from jifen.core.ledger.values import Balances
from jifen.core.program import Program
from jifen.core.refusal import Refusal
from jifen.db.connection import Connection
from jifen.db.queries import load_queries
from jifen.engine.programs import ProgramVersions

_SQL = load_queries("reads")
_decode_wallets = msgspec.json.Decoder(dict[int, str], strict=False).decode


class WalletBalances(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What the buckets of a wallet hold, in points. Available points can be spent now; `saved` ones stand in the points
    bank (left out: none)."""

    available: int
    pending: int
    held: int
    debt: int
    saved: int = 0


class Catalog:
    """The shards, wallets and program of a database, read again every few seconds. Wallet numbers never change."""

    def __init__(self) -> None:
        self.shards = 0
        self.version: int | None = None
        self.wallet_ids: dict[int, str] = {}
        #: What quotes are signed with.
        self.quote_secret = b""
        self.programs = ProgramVersions()
        #: The version in force, ready for use; None before the first is applied.
        self.current: Program | None = None

    async def refresh(self, connection: Connection) -> None:
        """Read it anew."""
        # By our clock, as everything that asks which version is in force.
        row = await connection.fetchrow(_SQL["catalog"], datetime.now(UTC))
        self.shards, self.version = row["shards"], row["version"]
        self.wallet_ids = _decode_wallets(row["wallets"])
        self.quote_secret = row["quote_secret"]
        if self.version is not None:
            self.current = await self.programs.get(connection, self.version)

    async def program(self, connection: Connection, version: int | None = None) -> Program | None:
        """A version of the program, else the current one; None before the first is applied."""
        wanted = version or self.version
        return None if wanted is None else await self.programs.get(connection, wanted)

    @property
    def phone_region(self) -> str | None:
        """The region in whose spellings phones are looked up."""
        return None if self.current is None else self.current.document.phone_region

    def balances(self, told: Iterable[Balances]) -> dict[str, WalletBalances]:
        """The balances that a trace tells, by wallet id. Raises KeyError for a wallet newer than the last refresh."""
        names = self.wallet_ids
        return {
            names[each.wallet]: WalletBalances(each.available, each.pending, each.held, each.debt, each.saved)
            for each in told
        }


NO_PROGRAM = Refusal("no_program", "There is no program yet: apply one with `jifen program apply FILE`.")
