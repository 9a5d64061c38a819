"""What can be asked of a lottery."""

from __future__ import annotations

import msgspec


class DrawPrize(msgspec.Struct, frozen=True, gc=False):
    """A member draws once. Paid with a lottery ticket (the number of its redemption), else with points, if the draw has
    a price; `expected_points`: what it should cost, or it is refused."""

    member: int
    draw: str
    ticket: int | None = None
    expected_points: int | None = None
