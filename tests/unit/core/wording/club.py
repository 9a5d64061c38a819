"""A program with names for everything that conditions can name, for the tests of words."""

from __future__ import annotations

from typing import Final

import msgspec

from jifen.core.conditions import Condition, Vocabulary
from jifen.core.conditions.fields import LINE_FIELDS, FieldType
from jifen.core.program import Program
from jifen.core.redemption.document import Price, Reward
from jifen.core.redemption.offers import REDEMPTION_NAMES
from jifen.core.rules.document import ORDER_COMPLETED, Choice, EventType, LocalizedText, MemberField
from jifen.core.rules.facts import BUILT_IN_EVENTS, names_for
from jifen.core.segments.facts import segment_names
from jifen.core.tiers.document import TierLevel, TierSet
from jifen.core.tiers.sets import tier_names
from tests.model.programs import WALLET_NUMBERS, make_document

_LEVELS: Final = TierSet(
    "level",
    LocalizedText("会员等级", "Level"),
    [
        TierLevel("regular", LocalizedText("普通会员", "Regular")),
        TierLevel("gold", LocalizedText("金卡", "Gold"), "total.orders >= 9"),
        TierLevel("black", LocalizedText("黑卡", "Black"), "total.orders >= 99"),
    ],
)
_FIELDS: Final = [
    MemberField("company", "bool", LocalizedText("企业客户", "Company")),
    MemberField(
        "fav-tea",
        "string",
        LocalizedText("最爱的茶", "Favourite tea"),
        choices=[Choice("oolong", LocalizedText("乌龙", "Oolong")), Choice("green")],
    ),
    MemberField("children", "int"),
]
_STAY: Final = EventType(
    "stay.ended",
    {
        "properties": {
            "nights": {"type": "integer"},
            "length": {"type": "integer"},
            "paid_cents": {"type": "integer"},
            "late": {"type": "boolean"},
        }
    },
    LocalizedText("退房", "Stay"),
)
_DOCUMENT: Final = msgspec.structs.replace(
    make_document(),
    tier_sets=[_LEVELS],
    fields=_FIELDS,
    events=[_STAY],
    rewards=[Reward("spa", "service", LocalizedText("水疗", "Spa"), [Price(10)])],
)
CLUB: Final = Program(1, _DOCUMENT, WALLET_NUMBERS)


def all_names() -> dict[str, FieldType]:
    """Every name that any vocabulary of the program has."""
    sets = ["level"]
    names = segment_names(_FIELDS, WALLET_NUMBERS, sets) | tier_names(WALLET_NUMBERS, _FIELDS) | REDEMPTION_NAMES
    for event in (ORDER_COMPLETED, *BUILT_IN_EVENTS, "stay.ended"):
        names |= names_for(event, _FIELDS, [_STAY], sets)
    return names | {f"line.{name}": each for name, each in LINE_FIELDS.items()}


VOCABULARY: Final = Vocabulary(all_names())


def compiled(source: str) -> Condition:
    """A condition over all names."""
    return VOCABULARY.compile(source)
