"""Who may have which reward, at which price, and when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec

from jifen.core.decide.redeem import check_eligible
from jifen.core.program import Program
from jifen.core.redemption.document import Price, Reward
from jifen.core.redemption.offers import Asker, limit_names
from jifen.core.rules.document import LocalizedText, Window
from jifen.core.rules.facts import MemberFacts, Moment
from jifen.core.tiers.document import Benefits, TierLevel, TierSet
from tests.model.programs import WALLET_NUMBERS, make_document
from tests.redeeming import with_rewards

NAME = LocalizedText("名", "Name")
NOW = datetime(2026, 3, 10, 4, 0, tzinfo=UTC)
PROGRAM = Program(1, with_rewards(make_document()), WALLET_NUMBERS)
CLUB = Program(
    1,
    msgspec.structs.replace(
        make_document(),
        rewards=[
            Reward("lounge", "virtual", NAME, [Price(10)]),
            Reward("secret", "virtual", NAME, [Price(10)], hidden=True),
            Reward("soon", "virtual", NAME, [Price(10)], period=Window(since="2026-03-11")),
        ],
        tier_sets=[
            TierSet(
                "level",
                NAME,
                [
                    TierLevel("regular", NAME),
                    TierLevel(
                        "gold",
                        NAME,
                        "total.orders >= 9",
                        benefits=Benefits(early_access_hours=24, opened_rewards=["lounge", "secret"]),
                    ),
                ],
            )
        ],
    ),
    WALLET_NUMBERS,
)


def asker(tier: str = "", now: datetime = NOW) -> Asker:
    """A member of a tier."""
    return Asker(MemberFacts(tier=tier, tiers={"level": tier}), Moment(now, PROGRAM.zone))


def test_prices_are_for_whom_they_say() -> None:
    """The first for everybody, the second for gold."""
    reward = PROGRAM.offers.rewards["five-yuan"]
    assert reward.prices_for(asker()) == [0]
    assert reward.prices_for(asker("gold")) == [0, 1]


def test_by_default_the_cheapest_that_is_paid_alike() -> None:
    """Gold pays the price for gold; nobody pays money, or from another wallet, who did not say so."""
    reward = PROGRAM.offers.rewards["five-yuan"]
    assert [reward.default_price(asker(tier)) for tier in ("", "gold")] == [0, 1]
    cup = PROGRAM.offers.rewards["cup"]
    assert [each.price.points for each in cup.prices] == [100, 20]
    assert cup.default_price(asker("gold")) == 0


def test_tiers_open_rewards() -> None:
    """Whoever has no such tier does not even see them."""
    for each in ("lounge", "secret"):
        reward = CLUB.offers.rewards[each]
        assert [reward.is_for(asker(tier)) for tier in ("", "regular", "gold")] == [False, False, True]
        assert not reward.is_shown_to(asker("regular"))
    assert CLUB.offers.rewards["soon"].is_shown_to(asker())


def test_some_come_early() -> None:
    """By the hours of their tier, not a second more."""
    offers, reward = CLUB.offers, CLUB.offers.rewards["soon"]
    opens_at = reward.opens_at
    assert opens_at is not None
    early = offers.early_for(asker("gold"))
    assert (early, offers.early_for(asker("regular"))) == (timedelta(hours=24), timedelta())
    day_before = opens_at - timedelta(hours=24)
    assert [reward.is_open(day_before, each) for each in (early, timedelta())] == [True, False]
    assert not reward.is_open(day_before - timedelta(seconds=1), early)
    assert reward.is_open(opens_at)


def test_who_comes_early_is_told_when_that_is() -> None:
    """Not when everybody may; the same instant by the clocks of the program."""
    reward = CLUB.offers.rewards["soon"]
    told = [check_eligible(CLUB, reward, asker(tier, NOW - timedelta(days=2))) for tier in ("gold", "regular")]
    assert [None if each is None else each.details["opens_at"] for each in told] == [
        "2026-03-09T16:00:00+00:00",
        "2026-03-10T16:00:00+00:00",
    ]


def test_flows_are_chosen_by_name_or_condition() -> None:
    """The reward's own first."""
    about = {f"redemption.{name}": 0 for name in ("points", "cash_cents", "quantity")}
    about |= {"redemption.reward": "x", "redemption.kind": "goods"}  # type: ignore[dict-item]
    offers = PROGRAM.offers
    vase, book = offers.rewards["vase"].document, offers.rewards["e-book"].document
    named = offers.flow_for(vase, asker(), about)
    assert named is not None and named.id == "two-eyes"
    assert offers.flow_for(book, asker(), about) is None
    dear = offers.flow_for(book, asker(), about | {"redemption.points": 3_000})
    assert dear is not None and dear.id == "dear"


def test_limits_count_by_local_period() -> None:
    """Under a name of its own for each period."""
    day = NOW.date()
    assert limit_names(PROGRAM.offers.rewards["five-yuan"].document, day) == {"reward/five-yuan/day/2026-03-10": 5}
    assert limit_names(PROGRAM.offers.rewards["cup"].document, day) == {"reward/cup/lifetime": 1}
    assert limit_names(PROGRAM.offers.rewards["vase"].document, day) == {"reward/vase/month/2026-03-01": 2}
