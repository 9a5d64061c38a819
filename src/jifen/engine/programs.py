"""The versions of the program as an engine sees them, and which of them holds when."""

from __future__ import annotations

from datetime import datetime

import msgspec

from jifen.core.program import Program, ProgramDocument
from jifen.db.connection import Connection

_decode = msgspec.json.Decoder(ProgramDocument).decode
_STARTS = "SELECT version, effective_at FROM program_versions ORDER BY version"


class ProgramVersions:
    """Versions of the program, read once each: they never change. A worker learns of a new one with the next batch."""

    def __init__(self) -> None:
        self._versions: dict[int, Program] = {}
        #: From when each version holds, until a later one does; in the order of versions.
        self._starts: list[tuple[int, datetime]] = []

    async def get(self, connection: Connection, version: int) -> Program:
        """A version by its number. Raises LookupError where there is none."""
        program = self._versions.get(version)
        if program is None:
            content = await connection.fetchval("SELECT content FROM program_versions WHERE version = $1", version)
            if content is None:
                raise LookupError(f"there is no program version {version}")
            wallets = await connection.fetch("SELECT id, number FROM wallets")
            numbers = {row["id"]: row["number"] for row in wallets}
            program = self._versions[version] = Program(version, _decode(content), numbers)
        return program

    async def learn(self, connection: Connection, newest: int) -> None:
        """Read from when versions hold, up to this one, where that is not known yet."""
        if not self._starts or self._starts[-1][0] < newest:
            self._starts = [(row["version"], row["effective_at"]) for row in await connection.fetch(_STARTS)]

    def in_force(self, now: datetime) -> int:
        """The version that holds now: the newest that has begun. Before any has: the first."""
        return max((version for version, start in self._starts if start <= now), default=self._starts[0][0])

    def in_force_at(self, instant: datetime, now: datetime) -> int:
        """The version that rates what happened at an instant: the newest that had begun by then. What happened before
        any version held is rated as if it happened now; and so is what happens a little ahead (clocks differ), as a
        version that has not begun may still be withdrawn."""
        began = [version for version, start in self._starts if start <= min(instant, now)]
        return max(began) if began else self.in_force(now)
