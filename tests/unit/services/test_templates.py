"""The templates of trades: each is a right program, gives what a merchant would work out by hand, and is proven."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from jifen.core.rules.facts import MemberFacts
from jifen.services.programs import parse_program, starter_names
from jifen.services.templates import TEMPLATES, TemplateNotWritten, UnknownTemplate, read_template, write_template
from tests.rating import Event, program_of, rate_example

_CHINESE = re.compile(r"[\u4e00-\u9fff]")
_WORD = re.compile(r"[A-Za-z]{2,}")


def lines(*items: tuple[str, int] | tuple[str, int, int], **more: str) -> dict[str, Any]:
    """The data of an order: lines of (category, paid cents) or (category, paid cents, quantity)."""
    return {
        "lines": [
            {"category": item[0], "paid_cents": item[1], "quantity": item[2] if len(item) == 3 else 1} for item in items
        ]
    } | more


def order(when: str, *items: tuple[str, int] | tuple[str, int, int], **more: str) -> dict[str, Any]:
    """An order at a local time."""
    return {"time": f"{when}+08:00", "data": lines(*items, **more)}


def event(kind: str, when: str = "2026-03-04T12:00:00", **data: Any) -> dict[str, Any]:
    """An event beyond orders."""
    return {"type": kind, "time": f"{when}+08:00", "data": data}


#: Template, event, member, awards by rule. 4 March 2026 is a Wednesday, 7 March a Saturday.
#: The sums stand behind the awards; whoever has ordered before has `orders` 1.
OLD: dict[str, Any] = {"orders": 1, "days_since_last_order": 400}
WORKED: list[tuple[str, dict[str, Any], dict[str, Any], dict[str, int]]] = [
    # 128.50 yuan: 128, and the first order's 200.
    ("retail", order("2026-03-04T12:00:00", ("grocery", 12850)), {}, {"base": 128, "first-order": 200}),
    # Gold: beauty and groceries both 1.5 times, not 2.25: 200 x 1.5 + 99.99 x 1.5 = 449.98.
    (
        "retail",
        order("2026-03-04T12:00:00", ("beauty", 20000), ("grocery", 9999)),
        OLD | {"tier": "gold"},
        {"base": 449},
    ),
    # Member day on the 8th: the best of 2 and silver's 1.2.
    ("retail", order("2026-03-08T12:00:00", ("fresh", 5000)), OLD | {"tier": "silver"}, {"base": 100}),
    # Double Eleven: 300, and 300 more.
    (
        "retail",
        order("2026-11-11T00:00:00", ("electronics", 30000)),
        OLD,
        {"base": 300, "double-eleven-extra": 300},
    ),
    ("retail", event("member.checked_in"), {"checkin_streak": 7}, {"check-in": 12}),
    ("retail", event("review.posted", length=20, pictures=1), {}, {"review": 20}),
    # Thursday 15:00: coffee 1.5 times, the seasonal drink twice: 30 x 1.5 + 32 x 2 = 109.
    ("coffee", order("2026-03-05T15:00:00", ("coffee", 3000), ("seasonal", 3200)), OLD, {"base": 109}),
    # Wednesday in the app: twice.
    ("coffee", order("2026-03-04T09:00:00", ("coffee", 2800), channel="app"), OLD, {"base": 56}),
    # Coffee Day, a Thursday at 09:00: 64 yuan, 2 coffees x 5.
    (
        "coffee",
        order("2026-10-01T09:00:00", ("coffee", 5200, 2), ("bakery", 1200)),
        OLD,
        {"base": 64, "coffee-day-cups": 10},
    ),
    # 600 yuan, but 500 beans a day.
    ("coffee", order("2026-03-05T09:00:00", ("beans", 60000)), OLD, {"base": 500}),
    ("coffee", event("member.checked_in"), {"checkin_streak": 6}, {"check-in": 1}),
    # Wednesday lunch of 500 yuan: 1.5 points a yuan x 1.5 = 1,125.
    ("restaurant", order("2026-03-04T12:00:00", ("dishes", 50000), channel="dine_in"), OLD, {"base": 1125}),
    # A delivery of 80 yuan, whatever the tier: 40.
    (
        "restaurant",
        order("2026-03-04T12:00:00", ("dishes", 8000), channel="delivery"),
        OLD | {"tier": "gold"},
        {"delivery": 40},
    ),
    # National Day, Thursday evening: 300 yuan x 1.2, and 100.
    (
        "restaurant",
        order("2026-10-01T19:00:00", ("hotpot", 30000), channel="dine_in"),
        OLD,
        {"base": 360, "golden-week-gift": 100},
    ),
    ("restaurant", event("reservation.kept", guests=10), {}, {"reservation": 100}),
    # Two nights of 600 yuan for gold, dinner of 200: 1,200 x 5 x 1.25 and 200 x 2 x 1.25; two nights.
    (
        "hotel",
        order("2026-03-04T12:00:00", ("room", 120000, 2), ("dining", 20000), channel="front_desk"),
        OLD | {"tier": "gold"},
        {"room": 7500, "dining-spa": 500, "stayed-nights": 2},
    ),
    # The first stay, booked in the app, leaving on Saturday: 500 x 5 x 1.5, 500, 1,000; one night.
    (
        "hotel",
        order("2026-03-07T11:00:00", ("room", 50000), channel="app"),
        {},
        {"room": 3750, "direct": 500, "first-stay": 1000, "stayed-nights": 1},
    ),
    # A congress of 80,000 yuan: at most 50,000 points.
    ("hotel", order("2026-03-04T12:00:00", ("meeting", 8000000), channel="agency"), OLD, {"meeting": 50000}),
    # A room of 400 yuan on Christmas Eve, a Thursday: 2,000 and 800.
    (
        "hotel",
        order("2026-12-24T12:00:00", ("room", 40000), channel="web"),
        OLD,
        {"room": 2000, "winter-extra": 800, "stayed-nights": 1},
    ),
    # Business class of 2,000 yuan for silver: the best of 1.5 and 1.25; a bag of 300: 150.
    (
        "airline",
        order("2026-03-04T12:00:00", ("business", 200000), ("ancillary", 30000)),
        OLD | {"tier": "silver"},
        {"flight": 3000, "ancillary": 150, "tier-miles": 2000},
    ),
    # The first flight of 1,000 yuan.
    (
        "airline",
        order("2026-03-04T12:00:00", ("economy", 100000)),
        {},
        {"flight": 1000, "tier-miles": 1000, "first-flight": 500},
    ),
    # Member day, from the web: twice; tier miles are never multiplied.
    (
        "airline",
        order("2026-03-28T12:00:00", ("economy", 88000), channel="web"),
        OLD,
        {"flight": 1760, "tier-miles": 880},
    ),
    ("airline", event("partner.stayed", nights=3), {}, {"partner-stay": 300}),
    # Dinner on Saturday: five times.
    ("bank", order("2026-03-07T19:00:00", ("dining", 26800)), OLD | {"tier": "platinum"}, {"base": 1340}),
    # 49,000 yuan before, 2,000 now: 1,000 of them beyond 50,000 at a fifth.
    (
        "bank",
        order("2026-03-04T12:00:00", ("online", 200000)),
        OLD | {"spent_cents_year": 4900000},
        {"base": 2000, "year-ladder": 200},
    ),
    # Electricity, first payment: 120 / 5, and 500.
    ("bank", order("2026-03-04T12:00:00", ("utilities", 12000)), {}, {"utilities": 24, "first-payment": 500}),
    ("bank", event("bill.paid", on_time=True, by_direct_debit=True), {}, {"paid-on-time": 100}),
    ("bank", event("bill.paid", on_time=False, by_direct_debit=True), {}, {}),
    # Milk powder of 368 yuan at a half, diapers of 129 for an expecting member at 1.2: 154.8.
    (
        "mother-and-baby",
        order("2026-03-04T12:00:00", ("formula_milk", 36800), ("diapers", 12900)),
        OLD | {"tags": ["expecting"]},
        {"formula-milk": 184, "base": 154},
    ),
    # The baby's month: twice; the first order of 200 yuan.
    (
        "mother-and-baby",
        order("2026-03-04T12:00:00", ("toys", 20000)),
        {"fields": {"baby_birth_month": 3}},
        {"base": 400, "first-order": 200},
    ),
    # Children's Day: the same once more for toys, not for food.
    (
        "mother-and-baby",
        order("2026-06-01T12:00:00", ("toys", 15000), ("food", 5000)),
        OLD,
        {"base": 200, "childrens-day-extra": 150},
    ),
    ("mother-and-baby", event("member.profile_completed"), {}, {"profile": 100}),
    # The first course of 3,980 yuan: 398, and 50.
    ("education", order("2026-03-04T12:00:00", ("course", 398000)), {}, {"tuition": 398, "first-course": 50}),
    # Coming back after 90 days on 1 September: 500 x 1.5, and 500 more; a book of 60 yuan: 12.
    (
        "education",
        order("2026-09-01T12:00:00", ("course", 500000), ("books", 6000)),
        {"orders": 2, "days_since_last_order": 90},
        {"tuition": 750, "back-to-school-extra": 500, "books": 12},
    ),
    ("education", event("homework.graded", score=92), {}, {"homework": 5}),
    ("education", event("referral.converted", role="invitee"), {}, {"referral": 50}),
    ("education", event("member.checked_in"), {"checkin_streak": 100}, {"check-in": 100}),
]


@pytest.mark.parametrize(("template", "happened", "member", "awards"), WORKED)
def test_a_template_gives_what_is_worked_out_by_hand(
    template: str, happened: dict[str, Any], member: dict[str, Any], awards: dict[str, int]
) -> None:
    """Orders and events of the trade, rated by the pipeline itself."""
    program = program_of(parse_program(read_template(template), template))
    rating = rate_example(program, msgspec.convert(happened, Event), msgspec.convert(member, MemberFacts))
    assert {award.rule: award.points for award in rating.awards if award.points} == awards


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_template_is_a_whole_program_of_its_trade(template: str) -> None:
    """Everything that a person reads is there in both languages; what costs money has a value and a bound."""
    assert sum(name == template for name, *_ in WORKED) >= 3
    document = parse_program(read_template(template), template)
    rules = document.earning
    assert len(rules) == 12 if template == "retail" else 8 <= len(rules) <= 14
    named: list[Any] = [
        document,
        *document.wallets,
        *document.campaigns,
        *document.events,
        *document.tier_sets,
        *document.tiers,
        *rules,
    ]
    for each in named:
        assert each.name is not None
        assert _CHINESE.search(each.name.zh)
        assert _WORD.search(each.name.en)
    assert document.wallets[0].value is not None
    assert document.most_reward_percent is not None
    assert document.catalog.categories
    assert len(document.tiers) >= 3
    assert all(campaign.budgets for campaign in document.campaigns)
    events = {rule.event for rule in rules}
    assert "order.completed" in events
    assert events & {"member.registered", "card.activated"}, "nobody is welcomed"
    windows = [each.window for each in document.campaigns] + [each.window for each in rules]
    assert all(window.since is None and window.until is None for window in windows), "it would go stale"


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_template_is_explained_in_chinese_and_in_english(template: str) -> None:
    """A comment, which may go over several lines, says everything in both languages, Chinese first."""
    comments = re.findall(r"(?:^ *#.*\n)+", read_template(template), re.MULTILINE)
    assert len(comments) >= 12
    for comment in comments:
        first = _CHINESE.search(comment)
        assert first, comment
        assert _WORD.search(comment, first.end()), comment


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_template_is_proven(template: str) -> None:
    """`jifen rules check` finds nothing in it and leaves nothing open: no order earns more than the template says."""
    from jifen.analytics.proofs import check_program

    document = parse_program(read_template(template), template)
    report = check_program(document)
    assert (report.findings, report.not_proven) == ([], [])
    assert report.highest_reward_percent is not None
    assert document.most_reward_percent is not None
    assert Decimal(report.highest_reward_percent) <= document.most_reward_percent


def test_templates_are_no_starters() -> None:
    """What is applied by name and what is copied and changed are two things."""
    assert set(starter_names()).isdisjoint(TEMPLATES)
    trades = ["retail", "coffee", "restaurant", "hotel", "airline", "bank", "mother-and-baby", "education"]
    assert list(TEMPLATES) == trades


def test_a_template_is_written_and_never_over_something(tmp_path: Path) -> None:
    """What a merchant changed is not lost by a slip."""
    place = tmp_path / "shop.yaml"
    write_template("coffee", place)
    assert place.read_text("utf-8") == read_template("coffee")
    place.write_text("mine", "utf-8")
    with pytest.raises(TemplateNotWritten, match="--force"):
        write_template("hotel", place)
    assert place.read_text("utf-8") == "mine"
    write_template("hotel", place, overwrite=True)
    assert place.read_text("utf-8") == read_template("hotel")


@pytest.mark.parametrize("overwrite", [False, True])
def test_places_that_cannot_be_written(tmp_path: Path, overwrite: bool) -> None:
    """A folder, a folder that is not there, no name at all: told in one line."""
    for place in (tmp_path, tmp_path / "none" / "shop.yaml", Path("a\0b")):
        with pytest.raises(TemplateNotWritten) as caught:
            write_template("retail", place, overwrite=overwrite)
        assert "\n" not in caught.value.message


def test_an_unknown_template_is_told_with_those_there_are() -> None:
    """And with the one that was probably meant; a path is no name."""
    with pytest.raises(UnknownTemplate, match=r"retail, coffee, .*did you mean coffee\?"):
        read_template("cofee")
    with pytest.raises(UnknownTemplate):
        read_template("../starter")
