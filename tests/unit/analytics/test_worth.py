"""Points are worth what the dearest voucher gives for them: proofs look for the loop-hole that a member would take."""

from __future__ import annotations

from typing import Any

import msgspec

from jifen.analytics.proofs import check_program
from jifen.analytics.proofs.worth import worth_of
from jifen.core.program import Program, ProgramDocument, check_document
from tests.unit.analytics.test_proofs import BASE, PLAIN, kinds

NAME = {"zh": "券", "en": "Voucher"}


def program_of(cents: int, **more: Any) -> Program:
    """A point a yuan, 100 points are worth a yuan, 5 % are allowed; and a voucher of so many cents for 100 points."""
    voucher = {
        "id": "voucher",
        "kind": "coupon",
        "name": NAME,
        "prices": [{"points": 100}],
        "coupon": {"face": "fixed", "cents": cents},
    }
    content = PLAIN | {"earning": [BASE], "most_reward_percent": 5, "rewards": [voucher | more]}
    document = msgspec.convert(content, ProgramDocument)
    check_document(document)
    return Program(1, document, {"points": 1})


def test_a_voucher_that_is_too_dear_is_found() -> None:
    """5 yuan for 100 points are 5 %, 5.01 are more; a voucher worth an order's points breeds points."""
    assert kinds(check_program(program_of(500).document)) == []
    assert kinds(check_program(program_of(501).document)) == [("rate_exceeded", ["base"])]
    assert kinds(check_program(program_of(10_000).document)) == [
        ("rate_exceeded", ["base"]),
        ("gaining_loop", ["base"]),
    ]


def test_what_counts() -> None:
    """Not what is retired, costs money on top, or has no amount; paying with points does."""
    assert worth_of(program_of(50)) == {"points": (100, 100)}
    assert worth_of(program_of(900)) == {"points": (100, 900)}
    assert worth_of(program_of(900, retired=True)) == {"points": (100, 100)}
    assert worth_of(program_of(900, prices=[{"points": 100, "cash_cents": 1}])) == {"points": (100, 100)}
    program = program_of(50)
    document = msgspec.convert(
        msgspec.to_builtins(program.document) | {"offset": {"wallet": "points", "points": 10, "cents": 20}},
        ProgramDocument,
    )
    assert worth_of(Program(1, document, {"points": 1})) == {"points": (10, 20)}
