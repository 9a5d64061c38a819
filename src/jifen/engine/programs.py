"""The versions of the program as an engine sees them."""

from __future__ import annotations

import msgspec

from jifen.core.program import Program, ProgramDocument
from jifen.db.connection import Connection

_decode = msgspec.json.Decoder(ProgramDocument).decode


class ProgramVersions:
    """Versions of the program, read once each: they never change."""

    def __init__(self) -> None:
        self._versions: dict[int, Program] = {}

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
