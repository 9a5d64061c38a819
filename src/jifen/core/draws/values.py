"""The values of a lottery. All frozen."""

from __future__ import annotations

from typing import Literal

import msgspec

#: Why what was hit is not given: its stock or that of its reward, its number for a day or for a member, the money.
Shortage = Literal["sold_out", "daily", "per_member", "budget"]


class Round(msgspec.Struct, frozen=True, gc=False):
    """An open round of a draw: its number, the seed (secret until it is revealed), and how often it was drawn."""

    number: int
    seed: bytes
    drawn: int


class Drawn(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What came of drawing once: draw `number` of a round came to `point` of `total`, where the prize `hit` stands, and
    `prize` was given.

    They differ where what was hit could not be given (`short`), or after too many misses in a row (`is_pity`).
    `misses`: how many there had been. `attempt`: numbers that were thrown away before. `ticket`: the redemption that
    paid. What was won: `points` of a `wallet`, or a `redemption` (its transaction).
    """

    draw: str
    round: int
    number: int
    total: int
    point: int
    hit: str
    prize: str
    attempt: int = 0
    short: Shortage | None = None
    is_pity: bool = False
    misses: int = 0
    ticket: int = 0
    wallet: int = 0
    points: int = 0
    redemption: int = 0
