"""Where the rows that a batch may change lie in their tables."""

from __future__ import annotations

#: PostgreSQL's `ctid`: block and offset.
Place = tuple[int, int]


class Places:
    """The places of accounts, lots, redemptions and uses of caps as they were loaded. Only who holds the lock on a
    member's accounts changes them, so each is still there when the batch is written, and is found without descending an
    index again."""

    __slots__ = ("accounts", "lots", "marks", "redemptions", "usages")

    def __init__(self) -> None:
        #: By member and wallet.
        self.accounts: dict[tuple[int, int], Place] = {}
        #: By member, wallet, whether the points are pending, and the lot.
        self.lots: dict[tuple[int, int, bool, int], Place] = {}
        #: By member and sequence.
        self.redemptions: dict[tuple[int, int], Place] = {}
        #: By member and name. What was asked for and has no place is on the account row, or nowhere.
        self.usages: dict[tuple[int, str], Place] = {}
        #: Where else something is known of members (jifen.engine.marks); of the others, nowhere.
        self.marks: dict[int, int] = {}
