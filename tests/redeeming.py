"""A program with rewards of every kind, for tests."""

from __future__ import annotations

from typing import Any, Final

import altcha
import msgspec

from jifen.core.program import Program, ProgramDocument
from jifen.core.redemption.document import ApprovalFlow, Reward
from tests.databases import DEFAULT_PROGRAM

REWARDS: Final[list[dict[str, Any]]] = [
    {
        "id": "five-yuan",
        "kind": "coupon",
        "name": {"zh": "5 元券", "en": "5 yuan off"},
        "prices": [{"points": 100}, {"points": 80, "for": 'member.tier == "gold"'}],
        "limits": [{"most": 5, "period": "day"}],
        "coupon": {"face": "fixed", "cents": 500, "valid_days": 30},
        "category": "vouchers",
        "pictures": ["https://shop.example/5.png"],
    },
    {
        "id": "gift-card",
        "kind": "coupon",
        "name": {"zh": "礼品卡", "en": "Gift card"},
        "prices": [{"points": 200}],
        "coupon": {"face": "fixed", "cents": 1_000, "is_partly_usable": True},
    },
    {
        "id": "cup",
        "kind": "goods",
        "name": {"zh": "杯子", "en": "Cup"},
        "prices": [{"points": 100}, {"points": 20, "cash_cents": 990}],
        "stock": "counted",
        "fulfilment": "shipping",
        "limits": [{"most": 1, "period": "lifetime"}],
    },
    {
        "id": "vase",
        "kind": "goods",
        "name": {"zh": "花瓶", "en": "Vase"},
        "prices": [{"points": 100}],
        "stock": "counted",
        "fulfilment": "shipping",
        "limits": [{"most": 2, "period": "month"}],
        "approval": "two-eyes",
    },
    {
        "id": "movie",
        "kind": "coupon",
        "name": {"zh": "电影票", "en": "Cinema ticket"},
        "prices": [{"points": 50}],
        "stock": "codes",
        "coupon": {"face": "voucher"},
    },
    {
        "id": "lounge",
        "kind": "virtual",
        "name": {"zh": "贵宾厅", "en": "Lounge"},
        "prices": [{"points": 10}],
        "for": 'member.tier == "gold"',
        "hidden": True,
    },
    {
        "id": "e-book",
        "kind": "virtual",
        "name": {"zh": "电子书", "en": "E-book"},
        "prices": [{"points": 10}],
    },
    {
        "id": "spa",
        "kind": "service",
        "name": {"zh": "水疗", "en": "Spa"},
        "prices": [{"points": 5_000}],
        "fulfilment": "booking",
        "for": 'member.tier == "gold"',
    },
    {"id": "old", "kind": "donation", "name": {"zh": "旧", "en": "Old"}, "prices": [{"points": 1}], "retired": True},
    {
        "id": "later",
        "kind": "donation",
        "name": {"zh": "以后", "en": "Later"},
        "prices": [{"points": 1}],
        "period": {"from": "2999-01-01"},
    },
]
APPROVALS: Final[list[dict[str, Any]]] = [
    {"id": "two-eyes", "steps": [{"roles": ["clerk", "manager"], "hours": 24}]},
    {
        "id": "dear",
        "when": "redemption.points >= 3000",
        "steps": [
            {"roles": ["clerk"], "hours": 1, "on_timeout": "approve"},
            {"roles": ["manager", "finance"], "needs": "all"},
        ],
        "delegations": [{"role": "manager", "to": "deputy"}],
    },
]
CATALOG: Final = {
    "tiers": [
        {"id": "silver", "name": {"zh": "银卡", "en": "Silver"}},
        {"id": "gold", "name": {"zh": "金卡", "en": "Gold"}},
    ]
}


def with_rewards(document: ProgramDocument) -> ProgramDocument:
    """The program with all of these rewards and approval flows."""
    plain = msgspec.to_builtins(document) | {"catalog": CATALOG}
    return msgspec.structs.replace(
        msgspec.convert(plain, ProgramDocument),
        rewards=msgspec.convert(REWARDS, list[Reward]),
        approvals=msgspec.convert(APPROVALS, list[ApprovalFlow]),
    )


def with_captcha(document: ProgramDocument) -> ProgramDocument:
    """The same program, where the cup (of which there are so many) and the e-book ask for a captcha."""
    asking = ("cup", "e-book", "old")
    rewards = [
        msgspec.structs.replace(each, captcha="easy") if each.id in asking else each
        for each in with_rewards(document).rewards
    ]
    return msgspec.structs.replace(with_rewards(document), rewards=rewards)


def program_with_captcha() -> Program:
    """Version 1 of it."""
    document = with_captcha(DEFAULT_PROGRAM)
    return Program(1, document, {wallet.id: number for number, wallet in enumerate(document.wallets, 1)})


def solved(challenge: Any) -> str:
    """The solution of a challenge, found by trying, in the form in which ALTCHA's widget gives it."""
    asked = altcha.Challenge.from_dict(msgspec.to_builtins(challenge))
    solution = altcha.solve_challenge(asked)
    assert solution is not None
    return altcha.Payload(asked, solution).to_base64()
