"""A program with lotteries, for tests."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from jifen.core.draws.document import Draw
from jifen.core.program import ProgramDocument
from jifen.core.redemption.document import Reward
from tests.redeeming import with_rewards

TICKET: Final = {
    "id": "spin",
    "kind": "lottery_ticket",
    "name": {"zh": "抽奖券", "en": "Spin"},
    "prices": [{"points": 5}],
}
WHEEL: Final[dict[str, Any]] = {
    "id": "wheel",
    "name": {"zh": "大转盘", "en": "Wheel"},
    "price": {"points": 10},
    "ticket": "spin",
    "prizes": [
        {"id": "vase", "name": {"zh": "花瓶", "en": "Vase"}, "weight": 1, "reward": "vase", "cost_cents": 5_000},
        {"id": "voucher", "name": {"zh": "券", "en": "Voucher"}, "weight": 9, "reward": "five-yuan", "cost_cents": 500},
        {"id": "fifty", "name": {"zh": "50 积分", "en": "50 points"}, "weight": 90, "points": 50, "cost_cents": 50},
        {"id": "thanks", "name": {"zh": "谢谢参与", "en": "Thanks"}, "weight": 900},
    ],
    "otherwise": "thanks",
}
#: A draw of one prize of which there is one, as good as surely.
LAST: Final[dict[str, Any]] = {
    "id": "last",
    "name": {"zh": "最后一件", "en": "The last one"},
    "prizes": [
        {"id": "phone", "name": {"zh": "手机", "en": "Phone"}, "weight": 1, "points": 1_000, "stock": 1},
        {"id": "nothing", "name": {"zh": "无", "en": "Nothing"}, "weight": 0},
    ],
    "otherwise": "nothing",
    "limits": [{"most": 1, "period": "lifetime"}],
}
SEED: Final = bytes(range(32))


def with_draws(document: ProgramDocument, *draws: dict[str, Any]) -> ProgramDocument:
    """The program with rewards of every kind, a lottery ticket, and these draws (none: the wheel and the last one)."""
    rewarding = with_rewards(document)
    rewards = [*rewarding.rewards, msgspec.convert(TICKET, Reward)]
    found = msgspec.convert(list(draws) or [WHEEL, LAST], list[Draw])
    return msgspec.structs.replace(rewarding, rewards=rewards, draws=found)


def changed(draw: dict[str, Any], **prizes: dict[str, Any]) -> dict[str, Any]:
    """The draw with some fields of some prizes changed."""
    return draw | {"prizes": [each | prizes.get(each["id"], {}) for each in draw["prizes"]]}
