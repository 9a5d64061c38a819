"""Tickets keep a place for their time."""

from __future__ import annotations

from jifen.core.redemption.seals import seal
from jifen.core.redemption.tickets import TICKET_SECONDS, Ticket, read_ticket, write_ticket

SECRET = b"s" * 32
TICKET = Ticket(7, "cup", 1_000_000)


def test_a_ticket_comes_back_whole() -> None:
    """Nothing else passes for one, not even another text of ours."""
    text = write_ticket(TICKET, SECRET)
    assert read_ticket(text, SECRET) == TICKET
    assert read_ticket(text, b"x" * 32) is None
    assert read_ticket(text[:-1], SECRET) is None
    assert read_ticket(seal(b'[7,"cup",1000000]', SECRET, b"quote"), SECRET) is None


def test_its_place_is_kept_for_a_time() -> None:
    """Not before it was given, and not for ever."""
    assert TICKET.keeps_place(TICKET.arrived_us)
    assert TICKET.keeps_place(TICKET.arrived_us + TICKET_SECONDS * 1_000_000)
    assert not TICKET.keeps_place(TICKET.arrived_us + TICKET_SECONDS * 1_000_000 + 1)
    assert not TICKET.keeps_place(TICKET.arrived_us - 1)
