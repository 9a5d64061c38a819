"""Rules are found without asking each, and no rule is overlooked."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jifen.core.orders import Order, OrderLine
from jifen.core.program import EarningRule, ProgramDocument, Ratio
from jifen.core.rules.document import ORDER_COMPLETED, Cap, Coefficient, Window
from jifen.core.rules.facts import MemberFacts, RatedEvent
from jifen.core.rules.rate import rate
from tests.model.programs import make_document, make_program

NOW = datetime(2026, 11, 11, 4, tzinfo=UTC)
CONDITIONS = st.sampled_from(
    [
        None,
        'order.channel == "app"',
        'order.channel in ["app", "web"] && order.total_cents >= 500',
        '"vip" in member.tags',
        '"vip" in member.tags && "tea" in member.tags',
        "member.orders == 3",
        "member.is_first_order",
        "!member.is_first_order",
        'member.tier == "gold" || member.tier == "silver"',
        "now.weekday == 3",
    ]
)
LINES = st.sampled_from(
    [
        *(None, 'line.sku == "A"', 'line.category in ["tea", "cup"]', 'line.brand == "B" && line.quantity > 1'),
        *('line.category == ""', 'line.sku in ["", "A"]'),
    ]
)
WINDOWS = st.sampled_from(
    [Window(), Window("2026-11-11", "2026-11-11"), Window(weekdays=["thu"]), Window(hours=["13:00-14:00"])]
)
TEXTS = st.sampled_from([None, "", "A", "B", "tea", "cup"])
ORDER_LINES = st.builds(OrderLine, st.just("1"), st.integers(1, 3), st.integers(0, 900), TEXTS, TEXTS, TEXTS, TEXTS)


@st.composite
def rules(draw: st.DrawFn) -> list[EarningRule]:
    """A handful of rules of all sorts."""
    made = []
    for number in range(draw(st.integers(1, 6))):
        award = draw(st.sampled_from(["ratio", "fixed", "coefficient"]))
        made.append(
            EarningRule(
                f"r{number}",
                "points",
                Ratio(1, 10) if award == "ratio" else None,
                fixed=7 if award == "fixed" else None,
                coefficient=Coefficient(Decimal("1.5")) if award == "coefficient" else None,
                when=draw(CONDITIONS),
                lines=draw(LINES),
                window=draw(WINDOWS),
                priority=draw(st.integers(0, 2)),
            )
        )
    return made


MEMBERS = st.builds(
    MemberFacts,
    tier=st.sampled_from(["", "gold", "silver"]),
    tags=st.lists(st.sampled_from(["vip", "tea", "x"]), unique=True),
    orders=st.integers(0, 4),
)


@given(rules(), st.lists(ORDER_LINES, min_size=1, max_size=4), st.sampled_from([None, "app", "web", "pos"]), MEMBERS)
def test_the_index_changes_nothing(
    made: list[EarningRule], lines: list[OrderLine], channel: str | None, member: MemberFacts
) -> None:
    """Asking only the candidates gives what asking every rule gives; nor does the order in the file matter."""
    book = make_program(msgspec.structs.replace(make_document(), earning=made)).books[ORDER_COMPLETED]
    event = RatedEvent(ORDER_COMPLETED, NOW, "test", Order("o", "CNY", lines, channel), lines)
    quick, thorough = rate(book, event, member, {}), rate(book, event, member, {}, with_all_verdicts=True)
    assert (quick.awards, quick.uses) == (thorough.awards, thorough.uses)
    turned = make_program(msgspec.structs.replace(make_document(), earning=made[::-1])).books[ORDER_COMPLETED]
    assert rate(turned, event, member, {}).awards == quick.awards


def with_rule(rule: EarningRule) -> ProgramDocument:
    """A program of one rule."""
    return msgspec.structs.replace(make_document(), earning=[rule])


def test_caps_of_a_day() -> None:
    """Those of rules whose window excludes the day need not be known."""
    caps = [Cap("points", 5, period="day"), Cap("count", 1, period="event"), Cap("points", 9, "program", "month")]
    rule = EarningRule("r", "points", fixed=1, caps=caps, window=Window("2026-11-11", "2026-11-11"))
    book = make_program(with_rule(rule)).books[ORDER_COMPLETED]
    assert book.caps_on(NOW.date()) == {
        "rule:r/points/member/day/2026-11-11": False,
        "rule:r/points/program/month/2026-11-01": True,
    }
    assert book.caps_on(datetime(2026, 11, 12, tzinfo=UTC).date()) == {}


def test_days_with_the_same_rules_are_one() -> None:
    """However many days a backtest goes through, rules are sorted once for each set of them."""
    rule = EarningRule("r", "points", fixed=1, window=Window(days_of_month=[8]))
    book = make_program(with_rule(rule)).books[ORDER_COMPLETED]
    days = [book.on_day(date(2026, month, day)) for month in range(1, 13) for day in range(1, 29)]
    assert len({id(each) for each in days}) == 2
    assert [rule.id for rule in book.on_day(date(2026, 5, 8)).always] == ["r"]
    assert book.on_day(date(2026, 5, 9)).always == []


def test_only_what_rules_ask_about_is_needed() -> None:
    """A plain ratio needs nothing of the member."""
    assert not make_program().books[ORDER_COMPLETED].needs_member
    asking = EarningRule("r", "points", fixed=1, audience='member.tier == "gold"')
    assert make_program(with_rule(asking)).books[ORDER_COMPLETED].needs_member


@pytest.mark.parametrize(
    ("when", "asked"),
    [
        ('"vip" in member.segments', {"vip"}),
        ('member.tier == "gold"', set()),
        ('member.tier == "gold" && member.channel in ["app", "web"] && "vip" in member.segments', {"vip"}),
        ('member.segments.exists(each, each == "vip" || each in ["a", "b"])', {"vip", "a", "b"}),
        ('(member.is_first_order ? "new" : "old") in member.segments', {"new", "old"}),
        ('(("vip" in member.segments) ? "app" : "web") == order.channel', {"vip", "app", "web"}),
        ('[member.tier, "gold"].exists(each, each in member.segments)', {"gold"}),
        ('order.lines.exists(each, each.category == "tea") && "vip" in member.segments', {"vip"}),
    ],
)
def test_segments_asked_for_by_name(when: str, asked: set[str]) -> None:
    """Every text that may name a segment, and none that another fact is compared with."""
    rule = EarningRule("r", "points", fixed=1, when=when)
    book = make_program(msgspec.structs.replace(make_document(), earning=[rule])).books[ORDER_COMPLETED]
    assert book.rules[0].segments == asked
