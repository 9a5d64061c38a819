"""What clients were told, and the proof that the database says the same."""

from __future__ import annotations

import random
from collections.abc import Iterator

from jifen.core.ledger.values import transaction_id
from jifen.db.connection import connect
from tests.model.ledger import check_ledger


class Evidence:
    """Acknowledged keys with the transaction that each was given, and refused keys."""

    def __init__(self) -> None:
        self.acknowledged: dict[str, str] = {}
        self.refused: dict[str, str] = {}

    def acknowledge(self, key: str, transaction: str) -> None:
        """A client was told that its command was done. If it asks again it must be told the same."""
        assert self.acknowledged.setdefault(key, transaction) == transaction
        assert key not in self.refused

    def refuse(self, key: str, code: str) -> None:
        """A client was told that its command was not done; it does not ask again."""
        assert key not in self.acknowledged
        self.refused[key] = code

    async def check(self, url: str, source: str) -> None:
        """Every acknowledged command is there exactly once, nothing else is, and `jifen verify` is clean."""
        connection = await connect(url)
        try:
            rows = await connection.fetch(
                "SELECT key_id, member_id, sequence FROM transactions WHERE source = $1", source
            )
        finally:
            await connection.close()
        written: dict[str, list[str]] = {}
        for key, member_id, sequence in rows:
            written.setdefault(key, []).append(transaction_id(member_id, sequence))
        assert written == {key: [transaction] for key, transaction in self.acknowledged.items()}
        await check_ledger(url)


def amounts(seed: int, count: int) -> Iterator[tuple[str, int]]:
    """Keys and signed points: more comes in than goes out, and some of what goes out is not there."""
    chance = random.Random(seed)
    for number in range(count):
        yield f"{seed}-{number}", chance.choice([5, 3, 8, -2, -6, -400])
