"""A completed order earns points."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec

from jifen.core.calendar import RollingExpiry
from jifen.core.commands import RecordEvent
from jifen.core.ledger.values import Account, Bucket, Kind, MemberState
from jifen.core.limits import MAXIMUM_AMOUNT, MAXIMUM_BALANCE
from jifen.core.orders import Order
from jifen.core.program import EarningRule, Ratio
from jifen.core.rules.document import Cap
from jifen.core.trace import decode_trace
from tests.model.programs import make_document
from tests.unit.core.shop import ALICE, BOB, START, Shop, refused


def test_an_order_opens_a_lot() -> None:
    """Movement, lot, balances, trace and the facts that a refund needs later."""
    shop = Shop()
    earned = shop.done(shop.earn("o1", (1, 1250), (2, 800)))
    assert earned.kind is Kind.EARN
    trace = decode_trace(earned.trace)
    assert [(award.rule, award.points, award.rated_cents) for award in trace.awards] == [("base", 20, 2050)]
    assert trace.balances[0].available == 20
    assert earned.facts is not None
    assert msgspec.json.decode(earned.facts, type=Order).order_id == "o1"
    assert shop.buckets() == (20, 0, 0, 0)


def test_an_order_without_points_is_recorded() -> None:
    """So that the order is known, counts its sequence, and can be refunded (known failure 68)."""
    shop = Shop()
    earned = shop.done(shop.earn("o1", (1, 99)))
    assert earned.movements == ()
    assert shop.account().last_sequence == 1
    assert shop.done(shop.refund("o1")).movements == ()


def test_only_what_was_paid_is_rated() -> None:
    """A line that a voucher or points paid for earns nothing, and takes nothing from others (known failures 66, 67)."""
    shop = Shop()
    earned = shop.done(shop.earn("o1", (1, 10_000), (3, 0)))
    assert decode_trace(earned.trace).awards[0].rated_cents == 10_000
    assert shop.buckets() == (100, 0, 0, 0)


def test_an_amount_below_a_point_opens_no_empty_lot() -> None:
    """No lot of zero points stands in the way of later spends (known failure 62)."""
    shop = Shop(make_document(per_cents=10_000))
    shop.earn("o1", (1, 9_999))
    shop.earn("o2", (1, 10_000))
    assert [points for points, _ in shop.lots()] == [1]
    assert shop.buckets() == (1, 0, 0, 0)


def test_a_voided_line_keeps_no_points() -> None:
    """Points of a line that was taken back whole go back whole (known failure 19)."""
    shop = Shop(make_document(basis="line"))
    shop.earn("o1", (2, 10_150), (1, 5_050))
    shop.done(shop.refund("o1", (1, 2)))
    assert shop.buckets() == (50, 0, 0, 0)


def test_points_wait_for_the_return_period() -> None:
    """Pending points cannot be spent; they become available on time (known failure 82)."""
    shop = Shop(make_document(pending_days=14))
    shop.earn("o1", (1, 10_000))
    assert shop.buckets() == (0, 100, 0, 0)
    assert refused(shop.spend(1)) == "insufficient_points"
    shop.later(days=14, minutes=-1)
    assert shop.buckets() == (0, 100, 0, 0)
    shop.later(minutes=1)
    assert shop.buckets() == (100, 0, 0, 0)


def test_a_late_order_gives_what_it_would_have_given() -> None:
    """Pending period and expiry count from when it happened."""
    shop = Shop(make_document(pending_days=14, expiry=RollingExpiry(1)))
    shop.earn("late", (1, 10_000), at=START - timedelta(days=20))
    assert shop.buckets() == (100, 0, 0, 0)
    assert shop.lots() == [(100, datetime(2026, 3, 18, 16, 0, tzinfo=UTC))]


def test_an_order_so_late_that_its_points_have_expired() -> None:
    """They are issued and expire in the same breath, when they would have (known failures 42, 46)."""
    shop = Shop(make_document(expiry=RollingExpiry(1)))
    shop.earn("very late", (1, 10_000), at=START - timedelta(days=90))
    assert shop.buckets() == (0, 0, 0, 0)
    earn, expire = shop.shell.transactions[ALICE]
    assert (earn.kind, expire.kind) == (Kind.EARN, Kind.EXPIRE)
    assert expire.occurred_at < START
    assert shop.moved(Bucket.AVAILABLE, Bucket.EXPIRED) == 100


def test_another_currency_is_refused() -> None:
    """Points for a foreign amount would be wrong by the rate."""
    shop = Shop()
    assert refused(shop.earn("o1", (1, 100), currency="USD")) == "currency_mismatch"
    assert shop.shell.transactions[ALICE] == []


def test_more_points_than_an_account_holds_are_refused() -> None:
    """A clear refusal, nothing overflows, and nothing changes."""
    shop = Shop(make_document(points=10**9, per_cents=1))
    assert refused(shop.earn("o1", (1, 10**7))) == "amount_too_large"
    shop.done(shop.earn("o2", (1, 10**6)))
    assert shop.buckets() == (MAXIMUM_AMOUNT, 0, 0, 0)
    nearly_full = Account(1, available=MAXIMUM_BALANCE - MAXIMUM_AMOUNT + 1)
    shop.shell.states[BOB] = MemberState(BOB, 0, (nearly_full,))
    assert refused(shop.earn("o3", (1, 10**6), member=BOB)) == "balance_too_large"


def test_debt_is_paid_by_the_next_order() -> None:
    """And the lot keeps only the rest."""
    shop = Shop()
    shop.earn("o1", (1, 10_000))
    shop.spend(100)
    shop.refund("o1")
    assert shop.buckets() == (0, 0, 0, 100)
    shop.earn("o2", (1, 15_000))
    assert shop.buckets() == (50, 0, 0, 0)
    assert [remaining for remaining, _ in shop.lots()] == [50]


def checked_in(shop: Shop, days: int) -> int:
    """What a check-in gives that happened so many days after the start."""
    done = shop.done(shop.do(RecordEvent(ALICE, "member.checked_in"), at=START + timedelta(days=days)))
    return sum(award.points for award in decode_trace(done.trace).awards)


def test_a_late_check_in_reaches_no_milestone_again() -> None:
    """A streak of three pays 100 on its third day; check-ins of other days that arrive later count in what streak there
    was on their day (F4)."""
    document = msgspec.structs.replace(
        make_document(),
        earning=[
            EarningRule(
                "check-in",
                "points",
                event="member.checked_in",
                formula="member.checkin_streak % 3 == 0 ? 100 : member.checkin_streak",
                caps=[Cap("count", 1, period="day")],
            )
        ],
    )
    shop = Shop(document, START + timedelta(days=30))
    assert [checked_in(shop, days) for days in (10, 11, 12)] == [1, 2, 100]
    assert checked_in(shop, 12) == 0
    assert [checked_in(shop, days) for days in (1, 5, 9)] == [1, 1, 1]
    # The ninth goes before the tenth: five days in a row.
    assert [checked_in(shop, days) for days in (13, 15)] == [5, 1]


def test_an_order_after_a_broken_streak_sees_none() -> None:
    """A streak lives until the end of the day after its last check-in."""
    bonus = EarningRule("bonus", "points", fixed=7, when="member.checkin_streak >= 2")
    shop = Shop(msgspec.structs.replace(make_document(), earning=[bonus]))
    for days in (0, 1):
        shop.do(RecordEvent(ALICE, "member.checked_in"), at=START + timedelta(days=days))
    shop.later(days=2)
    shop.earn("o1", (1, 100))
    assert shop.buckets() == (7, 0, 0, 0)
    shop.later(days=1)
    shop.earn("o2", (1, 100))
    assert shop.buckets() == (7, 0, 0, 0)


def test_an_event_is_recorded_where_no_rule_rewards_it() -> None:
    """So that its key is taken, and rules that come later do not reward it (known failure 69)."""
    shop = Shop()
    done = shop.done(shop.do(RecordEvent(ALICE, "review.posted", {"sku": "A"})))
    assert (done.kind, done.movements) == (Kind.EARN, ())
    assert done.facts is not None and b"review.posted" in done.facts


def test_points_go_to_whom_the_event_is_about() -> None:
    """Whoever is named in the data gets nothing by it (known failures 76, 88)."""
    rule = EarningRule("referral", "points", event="referral.converted", fixed=500)
    shop = Shop(msgspec.structs.replace(make_document(), earning=[rule]))
    shop.done(shop.do(RecordEvent(ALICE, "referral.converted", {"role": "inviter", "other_member": str(BOB)})))
    assert (shop.buckets(ALICE), shop.buckets(BOB)) == ((500, 0, 0, 0), (0, 0, 0, 0))


def test_a_referral_is_paid_by_what_the_friend_bought() -> None:
    """A rule can ask for the order; without one nothing is given, however often it is tried (known failure 87)."""
    rule = EarningRule(
        "referral", "points", event="referral.converted", fixed=500, when='event.data.order_id != ""',
        caps=[Cap("count", 1, period="month")],
    )  # fmt: skip
    shop = Shop(msgspec.structs.replace(make_document(), earning=[rule]))
    for order_id in ("", "", "A-1", "A-2"):
        shop.done(shop.do(RecordEvent(ALICE, "referral.converted", {"order_id": order_id})))
    assert shop.buckets() == (500, 0, 0, 0)


def test_paying_an_old_order_again_earns_nothing_more() -> None:
    """Points are for completed orders: money that moves later without an order is no event that earns (known
    failure 68), and what an order earned is what it gives back (known failure 73)."""
    shop = Shop()
    shop.earn("o1", (1, 10_000))
    shop.later(days=40)
    shop.settle()
    assert shop.buckets() == (100, 0, 0, 0)
    shop.done(shop.refund("o1"))
    assert shop.buckets() == (0, 0, 0, 0)


def test_uses_of_caps_are_kept_where_they_belong() -> None:
    """The member's with the member, those that all share beside them; a late order uses the period of its own day."""
    caps = [Cap("points", 150, period="day"), Cap("points", 180, per="program", period="lifetime")]
    rule = EarningRule("base", "points", Ratio(1, 100), caps=caps)
    shop = Shop(msgspec.structs.replace(make_document(), earning=[rule]))
    shop.earn("o1", (1, 10_000))
    shop.earn("o2", (1, 10_000), member=BOB)
    shop.earn("o3", (1, 10_000), at=START - timedelta(days=1))
    assert (shop.buckets(ALICE), shop.buckets(BOB)) == ((100, 0, 0, 0), (80, 0, 0, 0))
    assert shop.shell.states[ALICE].used == {"rule:base/points/member/day/2026-03-10": 100}
    assert shop.shell.states[BOB].used == {"rule:base/points/member/day/2026-03-10": 80}
    assert shop.shell.shared_used == {"rule:base/points/program/lifetime": 180}
