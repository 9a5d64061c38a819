"""What the orders of a batch carry: add-ons that end with them, and how many of one there are already."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import partial

import msgspec

from jifen.core.add_ons import BehindAddOns, Ending, end_add_ons
from jifen.core.commands import Command
from jifen.core.decide import Context, PastTransaction
from jifen.core.decide.past_order import gives_back_all
from jifen.core.ledger.values import MemberState, transaction_id
from jifen.core.program import Program
from jifen.core.redemption.commands import CancelRedemption
from jifen.core.redemption.values import Redemption, decode_redemption
from jifen.core.refusal import Refusal
from jifen.db.connection import Connection
from jifen.db.queries import load_queries
from jifen.engine.redemptions import SuppliesAtHand
from jifen.engine.references import Reference, gives_order_back
from jifen.engine.survivors import MembersMoved

_SQL = load_queries("engine")


class AddOns:
    """The add-ons of orders, found before anything is locked (so that their members are locked as well), and looked at
    again when everything is: whoever takes one more holds the lock on the member of the order."""

    def __init__(self) -> None:
        self._found: dict[Reference, dict[Reference, Redemption]] = {}
        #: Of the orders that may be given back: the cancellations that this brings with it.
        self._ending: dict[Reference, list[CancelRedemption]] = {}

    async def find(self, connection: Connection, orders: Collection[Reference]) -> list[CancelRedemption]:
        """The cancellations that giving these orders back may bring with it."""
        for order, redemptions in (await _load(connection, orders)).items():
            self._ending[order] = [CancelRedemption(*reference) for reference in redemptions]
        return [each for cancellations in self._ending.values() for each in cancellations]

    async def load(self, connection: Connection, orders: Collection[Reference], ending: Collection[Reference]) -> None:
        """Load what was taken with these orders. Raises MembersMoved where `ending` ones have got more meanwhile."""
        self._found = await _load(connection, orders)
        for order in ending:
            known = {(each.member, each.redemption) for each in self.ending_with(order)}
            if known != self._found.get(order, {}).keys():
                raise MembersMoved

    def ending_with(self, order: Reference | None) -> list[CancelRedemption]:
        """The cancellations that giving an order back may bring with it."""
        return [] if order is None else self._ending.get(order, [])

    def put_into(self, past: dict[Reference, PastTransaction]) -> None:
        """Let the orders say what was taken with them."""
        for order, redemptions in self._found.items():
            if order in past:
                past[order] = msgspec.structs.replace(past[order], add_ons=redemptions)


def end_with_order(
    command: Command,
    past: PastTransaction,
    by: tuple[Program, Context, Program | None],
    states: Mapping[int, MemberState],
    behind: BehindAddOns,
    supplies: SuppliesAtHand,
) -> Ending | Refusal | None:
    """What ends with an order that carries add-ons, if the command gives it back."""
    if not gives_order_back(command) or not gives_back_all(command, past):
        return None
    place = (past.member_id, past.sequence)
    return end_add_ons(by, states, place, past, behind, partial(supplies.supplies, by[0]))


async def _load(connection: Connection, orders: Iterable[Reference]) -> dict[Reference, dict[Reference, Redemption]]:
    names = {transaction_id(*order): order for order in orders}
    found: dict[Reference, dict[Reference, Redemption]] = {}
    if not names:
        return found
    for name, member, sequence, content in await connection.fetch(_SQL["add_ons_of_orders"], list(names)):
        found.setdefault(names[name], {})[member, sequence] = decode_redemption(content)
    return found
