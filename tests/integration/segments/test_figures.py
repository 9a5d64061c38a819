"""Rewards counted by SQL, many at once: as many members as deciding one by one lets have them."""

from __future__ import annotations

from datetime import timedelta
from random import Random

import msgspec
import pytest

from jifen.core.conditions import InvalidCondition, Vocabulary
from jifen.core.errors import JifenError
from jifen.core.program import LocalizedText, Program
from jifen.core.redemption.document import Price, Reward
from jifen.core.redemption.offers import Asker, OpenReward
from jifen.core.redemption.reach import reach_of
from jifen.core.rules.facts import Moment
from jifen.core.segments.membership import SegmentConditions, with_more
from jifen.db.connection import Connection
from jifen.services.segments.candidates import Candidate
from jifen.services.segments.figures import Figures, Reach, Uncountable
from jifen.services.segments.selection import select_condition
from tests.integration.segments.conditions import LISTS, Conditions
from tests.integration.segments.test_sql import INSTANTS, PROGRAMS, connection, everybody, fill

__all__ = ["connection"]

REWARDS = 250
NAME = LocalizedText("名", "Name")


def random_rewards(random: Random, program: Program) -> dict[str, OpenReward]:
    """Rewards with random conditions, prices and, where there are tiers, tiers that open them."""
    names = {name: each for name, each in program.segment_vocabulary.names.items() if not name.startswith("balance.")}
    vocabulary, writer = Vocabulary(names), Conditions(random)
    rewards: dict[str, OpenReward] = {}
    while len(rewards) < REWARDS:
        prices = [
            Price(
                random.choice([0, 1, 3, 100, 2**40]),
                random.choice(["points", "growth"]),
                audience=writer.truth(2) if random.random() < 0.4 else None,
            )
            for _ in range(random.choice([1, 1, 2, 3]))
        ]
        audience = random.choice(
            [None, writer.truth(2), *(f'{each} "{name}" in member.segments' for each in ("", "!") for name in LISTS)]
        )
        opened = frozenset(
            random.sample([("level", "gold"), ("club", "茶"), ("level", "a")], random.choice([0, 0, 1, 2]))
        )
        document = Reward(f"r{len(rewards)}", "virtual", NAME, prices, audience=audience)
        try:
            rewards[document.id] = OpenReward(
                document,
                program.wallet_numbers,
                vocabulary,
                names,
                program.zone,
                "$",
                opened if program.tier_sets else frozenset(),
            )
        except (InvalidCondition, JifenError):
            # It asks for points, which conditions of rewards do not know.
            continue
    return rewards


@pytest.mark.parametrize("seed", range(len(INSTANTS)))
async def test_sql_counts_whom_the_core_lets_have_it(connection: Connection, admin_url: str, seed: int) -> None:
    """Random rewards over random members, with saved segments in their conditions: of whom the condition of a segment
    fails, it is not true, and then its negation is."""
    random, now, program = Random(seed), INSTANTS[seed], PROGRAMS[seed]
    await fill(admin_url, random, now)
    compile_condition = program.segment_vocabulary.vocabulary.compile
    segments = {
        "vip": compile_condition("100 / member.orders > 20 || balance.points > 100"),
        "tea-club": compile_condition('"vip" in member.segments && member.orders > 0'),
    }
    asked = SegmentConditions(program.segment_vocabulary, segments)
    rewards = random_rewards(random, program)
    conditions = {name: reach_of(reward, program.wallet_ids) for name, reward in rewards.items()}
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        selection = select_condition(program, compile_condition("true"), now)
        members = await everybody(connection, selection)
        found = await Figures(connection, program, now, segments).reach(conditions, now - timedelta(days=90))
    counted = [name for name, each in found.items() if isinstance(each, Reach)]
    hits = 0
    for name in counted:
        reward = rewards[name]
        expected = sum(_can_have(program, reward, each, asked, selection.moment) for each in members)
        assert found[name] == Reach(expected, 0), (reward.document, expected)
        hits += expected
    # The comparison means something.
    assert len(counted) > REWARDS * 0.6
    assert hits > REWARDS
    assert all(each.what for each in found.values() if isinstance(each, Uncountable))


def _can_have(
    program: Program, reward: OpenReward, member: Candidate, asked: SegmentConditions, moment: Moment
) -> bool:
    segments = asked.found(set(LISTS), member.facts, moment, member.balances)
    facts = msgspec.structs.replace(member.facts, segments=with_more(member.facts.segments, segments))
    asker = Asker(facts, moment)
    rungs = [reward.prices[index] for index in reward.prices_for(asker)] if reward.is_for(asker) else []
    return any(member.balances.get(program.wallet_ids[each.wallet], 0) >= each.price.points for each in rungs)
