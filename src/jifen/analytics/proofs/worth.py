"""What points are worth at best: what the program says they cost, or what vouchers and the checkout give for them."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from jifen.core.program import Program

#: So many points are worth so many cents.
Worth = tuple[int, int]


def worth_of(program: Program) -> dict[str, Worth]:
    """By wallet, the best that its points buy: a member who looks for the loop-hole takes the dearest voucher.

    Vouchers for an amount and without money on top count, and paying with points; goods have no price here.
    """
    found = dict(program.values)
    for wallet, points, cents in _bought(program):
        known = found.get(wallet)
        if points and (known is None or Fraction(cents, points) > Fraction(known[1], known[0])):
            found[wallet] = (points, cents)
    return found


def _bought(program: Program) -> Iterator[tuple[str, int, int]]:
    document = program.document
    for reward in document.rewards:
        if reward.retired or reward.coupon is None or reward.coupon.face != "fixed":
            continue
        for price in reward.prices:
            if not price.cash_cents:
                yield price.wallet or document.wallets[0].id, price.points, reward.coupon.cents
    if document.offset is not None:
        yield document.offset.wallet, document.offset.points, document.offset.cents
