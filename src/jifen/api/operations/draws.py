"""Drawing from a lottery."""

from __future__ import annotations

from jifen.api.answers import draw_answer
from jifen.api.bodies import Body, DrawAnswer
from jifen.api.operations.base import Operation, member_of
from jifen.api.operations.redemptions import RewardId, SomePoints, TransactionName
from jifen.core.commands import Command
from jifen.core.draws.commands import DrawPrize
from jifen.core.refusal import Refusal
from jifen.services.members import parse_transaction_id

DrawId = RewardId


class DrawBody(Body, frozen=True):
    """Draw once. `ticket`: the redemption of a lottery ticket that pays for it; left out: points do, if the draw has a
    price. `expected_points`: what it should cost, else it is refused."""

    draw: DrawId
    ticket: TransactionName | None = None
    expected_points: SomePoints | None = None


def _draw(name: str, body: DrawBody) -> Command | Refusal:
    member = member_of(name)
    if isinstance(member, Refusal):
        return member
    ticket = None if body.ticket is None else parse_transaction_id(body.ticket)
    if ticket is not None and ticket[0] != member:
        return Refusal("not_a_ticket", f"{body.ticket} is not this member's.", "/ticket")
    return DrawPrize(member, body.draw, None if ticket is None else ticket[1], body.expected_points)


EXAMPLE_DRAWN = {
    "draw": "wheel",
    "round": 1,
    "number": 57,
    "point": 41,
    "total": 1000,
    "attempt": 0,
    "hit": "fifty",
    "prize": "fifty",
    "short": None,
    "is_pity": False,
    "misses": 2,
    "ticket": None,
    "wallet": "points",
    "points": 50,
    "redemption_id": None,
}

OPERATIONS = (
    Operation(
        name="draw_prize",
        path="/v1/members/{member_id}/draws",
        summary="Draw from a lottery",
        summary_zh="抽奖",
        body=DrawBody,
        answer_type=DrawAnswer,
        status=201,
        command=_draw,
        answer=draw_answer,
        codes=(
            "unknown_member",
            "member_frozen",
            "member_closed",
            "member_anonymised",
            "member_merged",
            "unknown_draw",
            "draw_not_open",
            "no_round",
            "not_eligible",
            "limit_reached",
            "ticket_needed",
            "unknown_redemption",
            "not_a_ticket",
            "ticket_used",
            "price_changed",
            "insufficient_points",
            "balance_too_large",
            "amount_too_large",
        ),
        example={"draw": "wheel"},
        example_answer={
            "status": "applied",
            "transaction_id": "100001-8",
            "member_id": "100001",
            "kind": "draw",
            "occurred_at": "2026-11-11T02:03:04.567Z",
            "recorded_at": "2026-11-11T02:03:04.567Z",
            "program_version": 1,
            "balances": {"points": {"available": 1220, "pending": 0, "held": 0, "debt": 0}},
            "wallet": "points",
            "points": 10,
            "drawn": EXAMPLE_DRAWN,
        },
    ),
)
