"""Programs for tests, made of a few words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

import msgspec

from jifen.core.calendar import Expiry, NeverExpires, RollingExpiry
from jifen.core.orders import Order, OrderLine
from jifen.core.program import (
    EarningRule,
    HoldPolicy,
    LocalizedText,
    Program,
    ProgramDocument,
    Ratio,
    RefundPolicy,
    ReturnPolicy,
    Wallet,
    check_document,
)
from jifen.core.rounding import Rounding
from jifen.core.rules.document import ORDER_COMPLETED
from jifen.core.rules.facts import MemberFacts, RatedEvent
from jifen.core.rules.rate import Award, rate


def make_document(
    *,
    points: int = 1,
    per_cents: int = 100,
    basis: Literal["order", "line"] = "order",
    rounding: Rounding = "floor",
    pending_days: int = 0,
    expiry: Expiry | None = None,
    spent_points: Literal["debt", "forgive", "refuse"] = "debt",
    expired_lots: Literal["expire", "grace", "new_lot"] = "expire",
    grace_days: int = 0,
    hold_minutes: int = 30,
    time_zone: str = "Asia/Shanghai",
    register_unknown_members: bool = True,
) -> ProgramDocument:
    """A program file with two wallets, `points` (which orders earn) and `growth`."""
    document = ProgramDocument(
        name=LocalizedText("积分", "Points"),
        currency="CNY",
        time_zone=time_zone,
        wallets=[
            Wallet("points", LocalizedText("积分", "Points")),
            Wallet("growth", LocalizedText("成长值", "Growth")),
        ],
        earning=[
            EarningRule(
                "base",
                "points",
                Ratio(points, per_cents),
                basis=basis,
                rounding=rounding,
                pending_days=pending_days,
                expiry=expiry or NeverExpires(),
            )
        ],
        register_unknown_members=register_unknown_members,
        refunds=RefundPolicy(spent_points),
        returns=ReturnPolicy(expired_lots, grace_days),
        holds=HoldPolicy(hold_minutes),
    )
    check_document(document)
    return document


def make_document_of_many_terms(spent_points: Literal["debt", "forgive", "refuse"] = "debt") -> ProgramDocument:
    """Points at once by money; a gift that waits for 300 days from 100 yuan; less than 100 yuan earns a comfort that
    soon ends; and from 200 yuan there is more on the first terms."""
    plain = make_document(spent_points=spent_points)
    month = RollingExpiry(1)
    rules = [
        EarningRule("base", "points", Ratio(1, 100)),
        EarningRule("gift", "points", fixed=500, when="order.total_cents >= 10000", pending_days=300),
        EarningRule("comfort", "points", fixed=70, when="order.total_cents < 10000", expiry=month),
        EarningRule("large", "points", fixed=40, when="order.total_cents >= 20000"),
        EarningRule("grown", "growth", fixed=9, when="order.total_cents >= 10000", expiry=month),
    ]
    return msgspec.structs.replace(plain, earning=rules)


def rate_lines(program: Program, lines: Sequence[OrderLine]) -> list[Award]:
    """The awards that a program gives for an order of these lines, now, to somebody of whom nothing is known."""
    order = Order("o", program.document.currency, list(lines))
    event = RatedEvent(ORDER_COMPLETED, datetime(2026, 3, 10, 4, tzinfo=UTC), "test", order, lines)
    return rate(program.books.get(ORDER_COMPLETED), event, MemberFacts(), {}, program.document.coefficients).awards


#: The numbers under which the wallets of these programs are known.
WALLET_NUMBERS = {"points": 1, "growth": 2}


def make_program(document: ProgramDocument | None = None, version: int = 1) -> Program:
    """The program, ready for use."""
    return Program(version, document or make_document(), WALLET_NUMBERS)
