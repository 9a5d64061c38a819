"""The condition that counts who can have a reward says what deciding on one member says."""

from __future__ import annotations

from itertools import product

import msgspec
import pytest

from jifen.core.conditions.fast import compile_fast
from jifen.core.conditions.syntax import Constant
from jifen.core.program import Program
from jifen.core.redemption.document import Price, Reward
from jifen.core.redemption.offers import Asker
from jifen.core.redemption.reach import audience_of, reach_of
from jifen.core.rules.document import LocalizedText
from jifen.core.rules.facts import MemberFacts, Moment
from jifen.core.tiers.document import Benefits, TierLevel, TierSet
from tests.model.programs import WALLET_NUMBERS, make_document
from tests.unit.core.shop import START

NAME = LocalizedText("名", "Name")
GOLD = 'member.tier == "gold" // the best'
REWARDS = [
    Reward("mug", "goods", NAME, [Price(100)]),
    Reward("lounge", "virtual", NAME, [Price(50)], audience=GOLD),
    Reward("ladder", "virtual", NAME, [Price(300), Price(100, audience=GOLD), Price(20, "growth", audience="true")]),
    Reward("opened", "virtual", NAME, [Price(0)]),
    Reward("both", "virtual", NAME, [Price(10)], audience="member.orders > 1"),
]
TIERS = [
    TierLevel("regular", NAME),
    TierLevel("silver", NAME, by="manual", benefits=Benefits(opened_rewards=["opened", "both"])),
    TierLevel("gold", NAME, by="manual", benefits=Benefits(opened_rewards=["opened"])),
]
PROGRAM = Program(
    1,
    msgspec.structs.replace(make_document(), rewards=REWARDS, tier_sets=[TierSet("level-1", NAME, TIERS)]),
    WALLET_NUMBERS,
)


@pytest.mark.parametrize("name", [each.id for each in REWARDS])
def test_it_says_what_is_decided_one_by_one(name: str) -> None:
    """For every tier, with few and many orders, and points on both sides of every price of both wallets."""
    reward = PROGRAM.offers.rewards[name]
    is_for, can_have = (compile_fast(root) for root in (audience_of(reward), reach_of(reward, PROGRAM.wallet_ids)))
    assert is_for is not None and can_have is not None
    moment = Moment(START, PROGRAM.zone)
    points = (0, 9, 10, 19, 20, 49, 50, 99, 100, 299, 300)
    answers = set()
    for tier, orders, own, growth in product(("regular", "silver", "gold"), (1, 2), points, (0, 19, 20)):
        member = MemberFacts(tier=tier, tiers={"level-1": tier}, orders=orders)
        balances = {"points": own, "growth": growth}
        facts = PROGRAM.segment_vocabulary.facts(PROGRAM.segment_vocabulary.names, member, moment, balances)
        asker = Asker(member, moment)
        rungs = [reward.prices[index] for index in reward.prices_for(asker)]
        expected = any(balances[PROGRAM.wallet_ids[each.wallet]] >= each.price.points for each in rungs)
        assert is_for(facts, None, None) == reward.is_for(asker)
        assert can_have(facts, None, None) == (reward.is_for(asker) and expected)
        answers.add(can_have(facts, None, None))
    assert answers == {True, False}


def test_what_is_for_everybody_asks_nothing() -> None:
    """No name is read for it."""
    assert audience_of(PROGRAM.offers.rewards["mug"]) == Constant("bool", True, 0)
