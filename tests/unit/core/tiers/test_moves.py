"""How members rise and fall; and an oracle of plain days that must agree over any life."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from jifen.core.tiers.document import CalendarYear, Downgrade
from jifen.core.tiers.moves import end_grant, join, part, recalculate, review, rise, stand, tier_in_force
from jifen.core.tiers.standing import Joined
from tests.unit.core.shop import ALICE, Shop
from tests.unit.core.tiers.club import ZONE, club, opened, spent, tier_set
from tests.unit.core.tiers.oracle import Life, Step, expected

SET = opened(tier_set(CalendarYear()))
NOW = datetime(2026, 3, 10, 12, tzinfo=ZONE)
DAY = date(2026, 3, 10)


def test_the_highest_tier_is_reached() -> None:
    """Never downwards, and not a second time."""
    change = rise(SET, None, spent(DAY, (202603, 500_000)), NOW)
    assert change is not None and (change.was, change.tier) == ("regular", "gold")
    assert rise(SET, change.standing, spent(DAY, (202603, 500_000)), NOW) is None
    assert rise(SET, change.standing, spent(DAY, (202603, 100_000)), NOW) is None
    assert rise(SET, None, spent(DAY, (202512, 500_000)), NOW) is None


def test_what_is_given_stands_above_what_is_earned() -> None:
    """Until it ends; what is earned meanwhile counts."""
    given_black = stand(SET, None, NOW, granted="black")
    assert (given_black.tier, given_black.by, given_black.valid_until) == ("black", "manual", None)
    risen = rise(SET, given_black, spent(DAY, (202603, 500_000)), NOW)
    assert risen is not None and (risen.was, risen.tier, risen.standing.since) == ("black", "black", NOW)
    ended = end_grant(SET, risen.standing, NOW + timedelta(days=1))
    assert (ended.tier, ended.standing.since) == ("gold", NOW + timedelta(days=1))
    assert (tier_in_force(SET, None), tier_in_force(SET, ended.standing)) == ("regular", "gold")


def test_reviews_and_recalculations() -> None:
    """A review always has an outcome; a recalculation notes only what differs."""
    change = rise(SET, None, spent(DAY, (202603, 500_000)), NOW)
    assert change is not None
    end = datetime(2027, 1, 1, tzinfo=ZONE)
    kept = review(SET, change.standing, spent(date(2026, 12, 31), (202603, 500_000)), end)
    assert kept is not None and (kept.tier, kept.cause) == ("gold", "kept")
    assert recalculate(SET, kept.standing, spent(date(2027, 1, 1), (202603, 500_000)), end) is None
    never = opened(tier_set(CalendarYear(), Downgrade("never")))
    unplanned = recalculate(never, kept.standing, spent(date(2027, 1, 1)), end)
    assert unplanned is not None and (unplanned.tier, unplanned.standing.review_at) == ("gold", None)


def test_what_was_given_goes_with_the_member_who_brought_it() -> None:
    """As far as it is as it came; what it had replaced is there again, unless that has ended."""
    later, end = NOW + timedelta(days=30), NOW + timedelta(days=90)
    here = stand(SET, None, NOW, granted="black", granted_until=end)
    there = stand(SET, None, NOW, granted="plus", granted_by="paid", granted_until=NOW + timedelta(days=200))
    brought = join(SET, here, there, NOW)
    assert brought is not None and brought.tier == "plus"
    both, alone = Joined(here, there), spent(DAY)
    parted = part(SET, brought.standing, both, msgspec.structs.replace(alone, at=later), NOW)
    assert parted is not None
    assert (parted.was, parted.tier, parted.cause, parted.standing) == ("plus", "black", "parted", here)
    # The survivor's own has ended by then; or the other one's has.
    parted = part(SET, brought.standing, both, msgspec.structs.replace(alone, at=end), NOW)
    assert parted is not None and (parted.tier, parted.standing.granted) == ("regular", "")
    lasting = Joined(msgspec.structs.replace(here, granted_until=None), there)
    over = end_grant(SET, brought.standing, NOW + timedelta(days=200))
    parted = part(SET, over.standing, lasting, msgspec.structs.replace(alone, at=NOW + timedelta(days=201)), NOW)
    assert parted is not None and (parted.tier, parted.standing.granted_until) == ("black", None)
    # Prolonged, replaced or taken back since: somebody decided that.
    for changes in ({"granted_until": None}, {"granted": "black"}, {"granted": "", "granted_until": None}):
        since = stand(SET, brought.standing, later, **changes)
        assert part(SET, since, both, msgspec.structs.replace(alone, at=later), NOW) is None


def test_what_was_earned_together_goes_and_what_one_earned_alone_stays() -> None:
    """Also what was reached after the merge, where the survivor's own counters do not suffice for it."""
    later = datetime(2026, 5, 1, tzinfo=ZONE)
    gold = rise(SET, None, spent(DAY, (202602, 500_000)), NOW - timedelta(days=9))
    silver = rise(SET, None, spent(DAY, (202601, 100_000)), NOW - timedelta(days=40))
    assert gold is not None and silver is not None
    brought = join(SET, silver.standing, gold.standing, NOW)
    assert brought is not None and brought.tier == "gold"
    alone = msgspec.structs.replace(spent(date(2026, 5, 1), (202601, 100_000)), at=later)
    both = Joined(silver.standing, gold.standing)
    parted = part(SET, brought.standing, both, alone, NOW)
    assert parted is not None and (parted.tier, parted.standing) == ("silver", silver.standing)
    reached = rise(SET, silver.standing, spent(DAY, (202603, 500_000)), NOW + timedelta(days=1))
    assert reached is not None
    parted = part(SET, reached.standing, Joined(silver.standing), alone, NOW)
    assert parted is not None and parted.standing == silver.standing
    own = msgspec.structs.replace(spent(date(2026, 5, 1), (202601, 100_000), (202603, 400_000)), at=later)
    assert part(SET, reached.standing, Joined(silver.standing), own, NOW) is None
    assert part(SET, silver.standing, Joined(silver.standing), alone, NOW) is None


STEPS = st.lists(
    st.builds(
        Step,
        days=st.sampled_from([0, 1, 20, 31, 90, 200, 365]),
        kind=st.sampled_from(["order", "order", "order", "late", "refund", "settle"]),
        cents=st.sampled_from([1, 40_000, 99_999, 100_000, 400_000, 500_000]),
        late_days=st.sampled_from([1, 40, 300, 500]),
    ),
    max_size=14,
)
LIVES = st.builds(
    Life,
    months=st.sampled_from([None, 1, 3, 12]),
    policy=st.sampled_from(["never", "to_earned", "one_step"]),
    monthly_day=st.sampled_from([None, 1, 31]),
    grace_days=st.sampled_from([0, 0, 10, 45]),
    start=st.sampled_from([date(2024, 2, 29), date(2026, 12, 31), date(2026, 3, 10)]),
    steps=STEPS,
)


@settings(max_examples=300, deadline=None)
@given(LIVES)
def test_any_life_is_as_the_oracle_says(life: Life) -> None:
    """Orders, late ones, refunds and reviews in any order: after each the tier is the one that plain counting gives
    (I-17, I-18)."""
    document = tier_set(life.period, Downgrade(life.policy, life.review, life.monthly_day or 1, life.grace_days))
    shop = Shop(club(document), start=datetime(*life.start.timetuple()[:3], 12, tzinfo=ZONE))
    found = []
    for number, step in enumerate(life.steps):
        shop.later(days=step.days)
        match step.kind:
            case "order":
                shop.earn(f"o{number}", (1, step.cents))
            case "late":
                shop.earn(f"o{number}", (1, step.cents), at=shop.now - timedelta(days=step.late_days))
            case "refund":
                left = [name for name in shop.shell.orders if name not in life.refunded]
                if left:
                    life.refunded.append(left[0])
                    shop.refund(left[0])
                else:
                    shop.settle()
            case "settle":
                shop.settle()
        tiers = shop.shell.states[ALICE].tiers
        assert tiers is not None
        found.append(tier_in_force(opened(document), tiers.get("level")))
    assert found == expected(msgspec.structs.replace(life, refunded=[]))
