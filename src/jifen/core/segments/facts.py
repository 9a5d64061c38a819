"""What conditions of segments can see: the member, the wallets and the moment; no event."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from jifen.core.conditions import Vocabulary
from jifen.core.conditions.vocabulary import FieldType
from jifen.core.rules.document import MemberField
from jifen.core.rules.facts import (
    EVENT_NAMES,
    MemberFacts,
    Moment,
    Reader,
    member_names,
    moment_facts,
    readers_of,
)

#: Before the id of a wallet: the points of it that a member can spend.
BALANCE: Final = "balance."


def segment_names(
    fields: Iterable[MemberField], wallets: Iterable[str], tier_sets: Iterable[str] = ()
) -> dict[str, FieldType]:
    """Everything that the condition of a segment can name, with its type."""
    names: dict[str, FieldType] = {name: each for name, each in EVENT_NAMES.items() if name.startswith("now")}
    names |= member_names(fields, tier_sets)
    return names | {f"{BALANCE}{wallet}": "int" for wallet in wallets}


class SegmentVocabulary:
    """What the conditions of one program version can name. Treat it as frozen."""

    __slots__ = ("names", "readers", "vocabulary")

    def __init__(self, fields: Iterable[MemberField], wallets: Iterable[str], tier_sets: Iterable[str] = ()) -> None:
        self.names = segment_names(fields, wallets, tier_sets)
        self.vocabulary = Vocabulary(self.names)
        self.readers: dict[str, Reader] = readers_of(self.names, self.names)

    def facts(
        self, names: Iterable[str], member: MemberFacts, moment: Moment, balances: Mapping[str, int]
    ) -> dict[str, Any]:
        """The facts of these names. `balances`: points that can be spent, by wallet; a missing wallet is empty."""
        facts = moment_facts(moment)
        for name in names:
            read = self.readers.get(name)
            if read is not None:
                facts[name] = read(member, moment)
            elif name.startswith(BALANCE):
                facts[name] = balances.get(name.removeprefix(BALANCE), 0)
        return facts
