"""Tickets: the place in line of a member who came while too many waited, as a text that only jifen can have written."""

from __future__ import annotations

from typing import Final

import msgspec

from jifen.core.redemption.seals import seal, unseal

#: So long after the arrival a ticket keeps its place; later its holder stands at the end.
TICKET_SECONDS: Final = 3_600
_PURPOSE: Final = b"ticket"


class Ticket(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A member came for a reward at an instant (microseconds since 1970)."""

    member_id: int
    reward: str
    arrived_us: int

    def keeps_place(self, now_us: int) -> bool:
        """Whether it still says where its holder stands."""
        return 0 <= now_us - self.arrived_us <= TICKET_SECONDS * 1_000_000


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Ticket).decode


def write_ticket(ticket: Ticket, secret: bytes) -> str:
    """The ticket as a sealed text."""
    return seal(_encode(ticket), secret, _PURPOSE)


def read_ticket(text: str, secret: bytes) -> Ticket | None:
    """The ticket behind a text; None: it is none of ours."""
    content = unseal(text, secret, _PURPOSE)
    return None if content is None else _decode(content)
