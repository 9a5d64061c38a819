"""What a program calls its things, in the language of whoever reads a table; JSON has their ids."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from jifen.cli.asking import read
from jifen.cli.invocation import Invocation
from jifen.cli.texts import Texts
from jifen.core.counted import of_number
from jifen.core.refusal import Refusal

if TYPE_CHECKING:
    from jifen.core.program import ProgramDocument
    from jifen.core.rules.document import LocalizedText
    from jifen.db.connection import Connection
    from jifen.services.catalog import Catalog

T = TypeVar("T")


class Names:
    """The names in a program. What it does not have, or no longer, is called by its id."""

    def __init__(self, document: ProgramDocument | None, say: Texts) -> None:
        self._say = say
        self._currency = "" if document is None else document.currency
        self._names: dict[tuple[str, ...], LocalizedText] = {}
        if document is None:
            return
        self._names |= {("wallet", each.id): each.name for each in document.wallets}
        self._names |= {("reward", each.id): each.name for each in document.rewards}
        self._names |= {("draw", each.id): each.name for each in document.draws}
        self._names |= {("prize", each.id, one.id): one.name for each in document.draws for one in each.prizes}
        self._names |= {("tier_set", each.id): each.name for each in document.tier_sets}
        self._names |= {("tier", each.id, one.id): one.name for each in document.tier_sets for one in each.tiers}

    def wallet(self, wallet: str) -> str:
        """A wallet."""
        return self._name("wallet", wallet)

    def points(self, points: int, wallet: str) -> str:
        """So many points of a wallet."""
        name = self._names.get(("wallet", wallet))
        called = wallet if name is None else self._say(name.zh, of_number(points, name.en))
        return f"{points:,} {called}"

    def money(self, cents: int) -> str:
        """An amount in the program's currency, with as many digits as that has."""
        from jifen.core.wording.values import money_said

        return self._say(*money_said(cents, self._currency))

    def reward(self, reward: str) -> str:
        """A reward."""
        return self._name("reward", reward)

    def draw(self, draw: str) -> str:
        """A lottery."""
        return self._name("draw", draw)

    def prize(self, draw: str, prize: str) -> str:
        """What can be drawn in a lottery."""
        return self._name("prize", draw, prize)

    def tier_set(self, tier_set: str) -> str:
        """A set of tiers."""
        return self._name("tier_set", tier_set)

    def tier(self, tier_set: str, tier: str | None) -> str:
        """A tier of a set; empty or None: none."""
        return self._name("tier", tier_set, tier) if tier else self._say("无", "none")

    def _name(self, *key: str) -> str:
        name = self._names.get(key)
        return key[-1] if name is None else self._say(name.zh, name.en)


def names_in(invocation: Invocation, catalog: Catalog) -> Names:
    """The names in the program that a catalog knows."""
    return Names(None if catalog.current is None else catalog.current.document, invocation.say)


def read_named(
    invocation: Invocation, work: Callable[[Connection, Catalog], Awaitable[T | Refusal]]
) -> tuple[T, Names]:
    """What `work` reads, and the names of the program in force, in one snapshot. Raises Refused."""

    async def read_both(connection: Connection, catalog: Catalog) -> tuple[T, Names] | Refusal:
        found = await work(connection, catalog)
        if isinstance(found, Refusal):
            return found
        return found, names_in(invocation, catalog)

    return read(invocation, read_both)
