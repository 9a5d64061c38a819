"""Rules in the engine: what they ask about is loaded, what they use of caps is kept, and each event meets the version
of its own time."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import asyncpg
import msgspec
import pytest

from jifen.core.commands import CorrectOrder, RecordEvent, RecordOrder, RefundOrder, RegisterMember, SetProfile
from jifen.core.identity import Identity
from jifen.core.members.commands import DescribePerson
from jifen.core.orders import Order, OrderCorrection, OrderLine, OrderRefund, ReturnedLine
from jifen.core.program import EarningRule, ProgramDocument, Ratio, WalletValue
from jifen.core.rules.document import Cap, Catalog, Coefficient, EventType, LocalizedText, MemberField, Tier
from jifen.core.rules.standing import Profile
from jifen.core.trace import Trace
from jifen.engine.engine import Engine
from jifen.engine.submission import Answer, Submission
from tests.databases import DEFAULT_PROGRAM, running_engine
from tests.model.ledger import (
    answered,
    available_now,
    check_ledger,
    count,
    first_time,
    new_member,
    publish,
    refused,
    submission,
)


def order(order_id: str, cents: int = 10_000) -> Order:
    """An order of one piece."""
    return Order(order_id, "CNY", [OrderLine("1", 1, cents)])


def program(*rules: EarningRule, **more: object) -> ProgramDocument:
    """The program of the tests with other rules."""
    return msgspec.structs.replace(DEFAULT_PROGRAM, earning=list(rules), **more)


def at(command: RecordOrder | RecordEvent | RefundOrder, key: str, instant: datetime) -> Submission:
    """A command about something that happened at an instant."""
    return msgspec.structs.replace(submission(command, key), occurred_at=instant)


def trace_of(answer: Answer) -> Trace:
    """The trace of an answer that has one."""
    assert answer.trace is not None
    return answer.trace


@pytest.fixture
async def other(database_url: str) -> AsyncIterator[Engine]:
    """A second engine on the same database."""
    async with running_engine(database_url, lanes=2) as engine:
        yield engine


BASE = EarningRule("base", "points", Ratio(1, 100))


async def test_profile_and_counters_reach_the_conditions(engine: Engine, database_url: str) -> None:
    """A tier set before, in the same batch as well; the first order and what was spent since."""
    await publish(
        database_url,
        program(
            BASE,
            EarningRule("gold", "points", coefficient=Coefficient(Decimal(2)), audience='member.tier == "gold"'),
            EarningRule("first", "points", fixed=50, when="member.is_first_order"),
            EarningRule("loyal", "points", fixed=7, when="member.spent_cents_total >= 10000"),
        ),
    )
    ann = await new_member(engine, "ann")
    outcomes = await engine.submit_group(
        [
            submission(RecordOrder(ann, order("o1")), "1"),
            submission(SetProfile(ann, Profile(tier="gold")), "2"),
            submission(RecordOrder(ann, order("o2")), "3"),
        ]
    )
    assert answered(outcomes[1]).sequence == 0
    assert await available_now(database_url, ann) == 100 + 50 + 200 + 7
    answered(await engine.submit(submission(RecordOrder(ann, order("o3")), "4")))
    assert await available_now(database_url, ann) == 357 + 207
    again = answered(await engine.submit(submission(SetProfile(ann, Profile(tier="gold")), "2")))
    assert again.duplicate
    await check_ledger(database_url)


async def test_the_last_word_on_a_profile_counts(engine: Engine, database_url: str) -> None:
    """Whoever says it: in one batch the later of two commands is what is kept."""
    await publish(database_url, program(BASE, fields=[MemberField("size", "string", LocalizedText("尺码", "Size"))]))
    ann = await new_member(engine, "ann")
    described = DescribePerson(ann, {}, {"size": "S"}, add_tags=("tea",))
    outcomes = await engine.submit_group(
        [
            submission(described, "1"),
            submission(SetProfile(ann, Profile(tags=["coffee"], fields={"size": "L"})), "2"),
        ]
    )
    assert [answered(each).duplicate for each in outcomes] == [False, False]
    last = """SELECT count(*) FROM members WHERE profile::jsonb = '{"tags": ["coffee"], "fields": {"size": "L"}}'"""
    assert await count(database_url, last) == 1
    await check_ledger(database_url)


async def test_a_wrong_profile_is_refused(engine: Engine, database_url: str) -> None:
    """A tier or field that the program does not know, and days that do not exist."""
    gold = Tier("gold", LocalizedText("金", "Gold"))
    await publish(database_url, program(BASE, catalog=Catalog(tiers=[gold]), fields=[MemberField("size", "int")]))
    ann = await new_member(engine, "ann")
    wrong = [
        (Profile(tier="golf"), "unknown_tier"),
        (Profile(birthday="02-30"), "invalid_field"),
        (Profile(birthday_window_from="2026-02-29"), "invalid_field"),
        (Profile(fields={"shoe": 1}), "unknown_field"),
        (Profile(fields={"size": "large"}), "invalid_field"),
    ]
    for number, (profile, code) in enumerate(wrong):
        assert refused(await engine.submit(submission(SetProfile(ann, profile), f"{number}"))) == code
    assert refused(await engine.submit(submission(SetProfile(4711, Profile()), "x"))) == "unknown_member"
    assert await count(database_url, "SELECT count(profile) FROM members") == 0


async def test_a_registration_is_welcomed(engine: Engine, database_url: str) -> None:
    """In a first transaction; told again it gives the same answer and nothing more."""
    await publish(database_url, program(BASE, EarningRule("welcome", "points", fixed=20, event="member.registered")))
    join = submission(RegisterMember((Identity("phone", "13800138000"),)), "join")
    first = answered(await engine.submit(join))
    assert first.sequence == 1 and first.trace is not None and first.trace.awards[0].points == 20
    again = answered(await engine.submit(join))
    assert (again.duplicate, again.member_id, again.sequence) == (True, first.member_id, 1)
    assert await available_now(database_url, first.member_id) == 20
    await check_ledger(database_url)


async def test_a_second_registration_is_answered_with_the_first(engine: Engine, database_url: str) -> None:
    """By the transaction that welcomed the member: in one batch, later, and when that is told again. Who was made by an
    order, or before there was a rule, was never welcomed: there is no such transaction."""
    early = answered(await engine.submit(join("external:early", "early")))
    await publish(database_url, program(BASE, EarningRule("welcome", "points", fixed=20, event="member.registered")))
    together = await engine.submit_group([join("external:ann", key) for key in ("a", "b", "c")])
    later = [await engine.submit(join("external:ann", key)) for key in ("d", "d", "b")]
    first = answered(together[0])
    assert (first.duplicate, first.sequence) == (False, 1)
    for again in map(answered, (*together[1:], *later)):
        assert again.duplicate
        assert first_time(again) == first_time(first)
    await engine.submit(submission(RecordOrder(Identity("external", "bob"), order("o1")), "o1"))
    for name in ("external:bob", "external:early"):
        known = answered(await engine.submit(join(name, f"again {name}")))
        assert (known.duplicate, known.sequence, known.trace) == (True, 0, None)
    assert early.sequence == 0
    await check_ledger(database_url)


def join(name: str, key: str) -> Submission:
    """Somebody joins, as an event tells it."""
    kind, _, value = name.partition(":")
    return submission(RegisterMember((Identity(kind, value),), known_is_fine=True), key)


async def test_check_ins_make_a_streak(engine: Engine, database_url: str) -> None:
    """Day by day, once a day; a gap begins anew."""
    await publish(
        database_url,
        program(
            BASE,
            EarningRule("daily", "points", fixed=1, event="member.checked_in", caps=[Cap("count", 1, period="day")]),
            EarningRule(
                "third",
                "points",
                fixed=10,
                event="member.checked_in",
                when="member.checkin_streak == 3",
                caps=[Cap("count", 1, period="day")],
            ),
        ),
    )
    ann = await new_member(engine, "ann")
    start = datetime.now(UTC) - timedelta(days=20)
    for number, day in enumerate([0, 0, 1, 2, 2, 4, 5]):
        event = RecordEvent(ann, "member.checked_in")
        answered(await engine.submit(at(event, f"{number}", start + timedelta(days=day, seconds=number))))
    assert await available_now(database_url, ann) == 5 + 10
    await check_ledger(database_url)


@pytest.mark.parametrize(
    ("limit", "most", "total"), [("points", 450, 450), ("count", 7, 700), ("cost_cents", 450, 450)]
)
async def test_a_shared_budget_is_never_passed(
    engine: Engine, other: Engine, database_url: str, limit: str, most: int, total: int
) -> None:
    """A hundred writers on two engines, each with a member of its own: not one unit too many (I-14)."""
    wallet = msgspec.structs.replace(DEFAULT_PROGRAM.wallets[0], value=WalletValue(1, 1))
    rule = msgspec.structs.replace(BASE, caps=[Cap(limit, most, per="program", period="day")])  # type: ignore[arg-type]
    await publish(database_url, program(rule, wallets=[wallet]))
    members = [await new_member(engine, f"m{number}") for number in range(100)]
    outcomes = await asyncio.gather(
        *(
            (engine, other)[number % 2].submit(submission(RecordOrder(member, order(f"o{number}")), f"{number}"))
            for number, member in enumerate(members)
        )
    )
    awards = [award.points for each in outcomes for award in trace_of(answered(each)).awards]
    assert sum(awards) == total
    assert await count(database_url, "SELECT sum(available)::bigint FROM accounts") == total
    assert await count(database_url, "SELECT used FROM shared_usages") == most
    await check_ledger(database_url)


async def test_a_member_cap_is_never_passed(engine: Engine, other: Engine, database_url: str) -> None:
    """One member, many orders at once through two engines; the cap of the next month is a new one."""
    rule = msgspec.structs.replace(BASE, caps=[Cap("points", 250, period="month")])
    await publish(database_url, program(rule))
    ann = await new_member(engine, "ann")
    now = datetime.now(UTC)
    await asyncio.gather(
        *((engine, other)[n % 2].submit(at(RecordOrder(ann, order(f"o{n}")), f"{n}", now)) for n in range(40))
    )
    assert await available_now(database_url, ann) == 250
    answered(await engine.submit(at(RecordOrder(ann, order("early")), "early", now - timedelta(days=40))))
    assert await available_now(database_url, ann) == 350
    await check_ledger(database_url)


async def test_refunds_know_the_caps_of_their_time(engine: Engine, database_url: str) -> None:
    """What a cap cut stays cut when part of the order returns, and the room is not given back."""
    rule = msgspec.structs.replace(BASE, caps=[Cap("points", 150, period="lifetime")])
    await publish(database_url, program(rule))
    ann = await new_member(engine, "ann")
    lines = [OrderLine("1", 10, 10_000)]
    await engine.submit(submission(RecordOrder(ann, order("o1")), "1"))
    await engine.submit(submission(RecordOrder(ann, Order("o2", "CNY", lines)), "2"))
    assert await available_now(database_url, ann) == 150
    refund = OrderRefund("o2", "r1", [ReturnedLine("1", 3)])
    await engine.submit(submission(RefundOrder(None, refund), "3"))
    assert await available_now(database_url, ann) == 150
    await engine.submit(submission(RefundOrder(None, OrderRefund("o2", "r2", [ReturnedLine("1", 4)])), "4"))
    assert await available_now(database_url, ann) == 100 + 30
    await engine.submit(submission(RecordOrder(ann, order("o3")), "5"))
    assert await available_now(database_url, ann) == 130
    await check_ledger(database_url)


async def test_a_late_event_meets_the_version_of_its_time(engine: Engine, database_url: str) -> None:
    """And what happened before any version held is rated by the one in force."""
    await publish(database_url, program(msgspec.structs.replace(BASE, ratio=Ratio(3, 100))))
    connection = await asyncpg.connect(database_url)
    try:
        first, second = await connection.fetch("SELECT effective_at FROM program_versions ORDER BY version")
    finally:
        await connection.close()
    between = first["effective_at"] + (second["effective_at"] - first["effective_at"]) / 2
    ann = await new_member(engine, "ann")
    old = answered(await engine.submit(at(RecordOrder(ann, order("o1")), "1", between)))
    new = answered(await engine.submit(submission(RecordOrder(ann, order("o2")), "2")))
    ancient = answered(await engine.submit(at(RecordOrder(ann, order("o3")), "3", datetime(2020, 1, 1, tzinfo=UTC))))
    assert [each.program_version for each in (old, new, ancient)] == [1, 2, 2]
    assert [trace_of(each).awards[0].points for each in (old, new, ancient)] == [100, 300, 300]


FIRST = msgspec.structs.replace(BASE, id="first", ratio=None, fixed=500, audience="member.is_first_order")
RICH = msgspec.structs.replace(
    BASE,
    id="rich",
    ratio=None,
    fixed=7,
    audience="member.spent_cents_total >= 30000 && member.days_since_last_order < 9",
)
STREAK = EarningRule("streak", "points", fixed=1, event="member.checked_in", when="member.checkin_streak == 2")


def day_of(number: int) -> datetime:
    """Noon of a day of November in Shanghai."""
    return datetime(2026, 11, number, 4, tzinfo=UTC)


def rules_of(answer: Answer) -> list[str]:
    """The rules that gave something."""
    return sorted(award.rule for award in trace_of(answer).awards if award.points)


async def test_late_orders_meet_the_member_of_their_own_day(engine: Engine, database_url: str) -> None:
    """What was ordered and refunded later is not known yet: the first order is the one that happened first, whenever it
    comes; and a batch that brings both knows it as well."""
    await publish(database_url, program(BASE, FIRST, RICH, STREAK), since=day_of(1))
    ann = await new_member(engine, "ann")
    on_time = answered(await engine.submit(at(RecordOrder(ann, order("o20", 20_000)), "20", day_of(20))))
    assert rules_of(on_time) == ["base", "first"]
    late = answered(await engine.submit(at(RecordOrder(ann, order("o10", 10_000)), "10", day_of(10))))
    assert rules_of(late) == ["base", "first"]
    facts = trace_of(late).member
    assert facts is not None and (facts.orders, facts.spent_cents_total, facts.days_since_last_order) == (0, 0, -1)
    # What came late counts for what comes later.
    after = answered(await engine.submit(at(RecordOrder(ann, order("o21", 1_000)), "21", day_of(21))))
    assert rules_of(after) == ["base", "rich"]
    # A refund of the 22nd is not known on the 21st, and is on the 23rd.
    answered(await engine.submit(at(RefundOrder(None, OrderRefund("o20", "r", [])), "r", day_of(22))))
    seen = [
        trace_of(
            answered(await engine.submit(at(RecordOrder(ann, order(f"again-{day}", 1_000)), f"{day}b", day_of(day))))
        )
        for day in (24, 21, 23)
    ]
    assert [each.member.spent_cents_total for each in seen if each.member] == [11_000, 31_000, 12_000]
    bob = await new_member(engine, "bob")
    group = [at(RecordOrder(bob, order(f"b{day}", 10_000)), f"b{day}", day_of(day)) for day in (8, 6, 7, 5)]
    told = [trace_of(answered(each)).member for each in await engine.submit_group(group)]
    assert [each.orders for each in told if each] == [0, 0, 1, 0]
    await check_ledger(database_url)


async def test_an_order_is_late_behind_a_refund_alone(engine: Engine, database_url: str) -> None:
    """Nothing was ordered since, but what came back a day later had not come back yet; and the same by a correction."""
    await publish(database_url, program(BASE, FIRST, RICH), since=day_of(1))
    ann = await new_member(engine, "ann")
    answered(await engine.submit(at(RecordOrder(ann, order("o10", 40_000)), "10", day_of(10))))
    answered(await engine.submit(at(RefundOrder(None, OrderRefund("o10", "r")), "r", day_of(15))))
    behind = answered(await engine.submit(at(RecordOrder(ann, order("o12", 1_000)), "12", day_of(12))))
    assert rules_of(behind) == ["base", "rich"]
    dearer = OrderCorrection("o12", "c", "CNY", [OrderLine("1", 1, 90_000)])
    correction = msgspec.structs.replace(submission(CorrectOrder(None, dearer), "c"), occurred_at=day_of(18))
    answered(await engine.submit(correction))
    seen = [
        answered(await engine.submit(at(RecordOrder(ann, order(f"o{day}", 1_000)), f"{day}", day_of(day))))
        for day in (16, 19)
    ]
    spent = [facts.spent_cents_total for each in seen if (facts := trace_of(each).member) is not None]
    assert spent == [1_000, 91_000]
    await check_ledger(database_url)


async def test_a_late_check_in_belongs_to_the_streak_of_its_day(engine: Engine, database_url: str) -> None:
    """The day between two others makes the second of a streak."""
    await publish(database_url, program(BASE, STREAK), since=day_of(1))
    ann = await new_member(engine, "ann")
    given = [
        rules_of(answered(await engine.submit(at(RecordEvent(ann, "member.checked_in", {}), f"c{day}", day_of(day)))))
        for day in (10, 12, 11, 11)
    ]
    assert given == [[], [], ["streak"], ["streak"]]


def milestone(day: int) -> EarningRule:
    """Points for a day in a row, once."""
    when = f"member.checkin_streak == {day}"
    return EarningRule(f"day-{day}", "points", fixed=1, event="member.checked_in", when=when)


@pytest.mark.parametrize("is_one_batch", [False, True])
async def test_a_late_check_in_joins_two_streaks(engine: Engine, database_url: str, is_one_batch: bool) -> None:
    """The hole is closed by the day itself: it sees the days before it, and later ones go on from all of them; in
    whatever batches they come."""
    await publish(database_url, program(BASE, *(milestone(day) for day in range(1, 10))), since=day_of(1))
    ann = await new_member(engine, "ann")
    days = [10, 11, 13, 14, 12, 15, 16, 9, 8, 17]
    group = [at(RecordEvent(ann, "member.checked_in", {}), f"c{day}", day_of(day)) for day in days]
    if is_one_batch:
        answers = [answered(each) for each in await engine.submit_group(group)]
    else:
        answers = [answered(await engine.submit(each)) for each in group]
    reached = [rules_of(each) for each in answers]
    assert reached == [[f"day-{each}"] if each < 10 else [] for each in (1, 2, 1, 2, 3, 6, 7, 1, 1, 10)]
    # Eight and nine in a row are reached by nobody: the days that made them had come before.
    await check_ledger(database_url)


async def test_a_hole_is_closed_where_no_rule_asks(engine: Engine, database_url: str) -> None:
    """For a version that asks later."""
    await publish(database_url, program(BASE), since=day_of(1))
    ann = await new_member(engine, "ann")
    for day in (10, 12, 11):
        answered(await engine.submit(at(RecordEvent(ann, "member.checked_in", {}), f"c{day}", day_of(day))))
    await publish(database_url, program(BASE, milestone(4)), since=day_of(13))
    last = answered(await engine.submit(at(RecordEvent(ann, "member.checked_in", {}), "c13", day_of(13))))
    assert rules_of(last) == ["day-4"]


async def test_a_version_of_the_future_waits(engine: Engine, database_url: str) -> None:
    """Until its instant has come."""
    document = msgspec.json.encode(program(msgspec.structs.replace(BASE, ratio=Ratio(3, 100))))
    soon = datetime.now(UTC) + timedelta(seconds=2)
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute(
            "INSERT INTO program_versions (version, applied_at, effective_at, applied_by, digest, content, source) "
            "VALUES (2, now(), $1, 'test', $2, $3, '')",
            soon,
            hashlib.sha256(document).digest(),
            document.decode(),
        )
    finally:
        await connection.close()
    ann = await new_member(engine, "ann")
    before = answered(await engine.submit(submission(RecordOrder(ann, order("o1")), "1")))
    await asyncio.sleep(2.2)
    after = answered(await engine.submit(submission(RecordOrder(ann, order("o2")), "2")))
    assert (before.program_version, after.program_version) == (1, 2)


async def test_a_correction_books_the_difference(engine: Engine, database_url: str) -> None:
    """Up and down, by the rules of the order's own time, and refunds go on from there (B15)."""
    ann = await new_member(engine, "ann")
    await engine.submit(submission(RecordOrder(ann, order("o1")), "1"))
    await publish(database_url, program(msgspec.structs.replace(BASE, ratio=Ratio(9, 100))))

    async def correct(name: str, *lines: OrderLine) -> int:
        command = CorrectOrder(None, OrderCorrection("o1", name, "CNY", list(lines)))
        answered(await engine.submit(submission(command, name)))
        return await available_now(database_url, ann)

    assert await correct("c1", OrderLine("1", 2, 15_000)) == 150
    assert await correct("c2", OrderLine("1", 2, 8_000)) == 80
    answered(await engine.submit(submission(RefundOrder(None, OrderRefund("o1", "r1", [ReturnedLine("1", 1)])), "r")))
    assert await available_now(database_url, ann) == 40
    below = CorrectOrder(None, OrderCorrection("o1", "c3", "CNY", [OrderLine("2", 2, 8_000)]))
    assert refused(await engine.submit(submission(below, "c3"))) == "corrected_below_returned"
    assert await correct("c4", OrderLine("1", 2, 20_000)) == 100
    unknown = CorrectOrder(None, OrderCorrection("o9", "c1", "CNY", [OrderLine("1", 1, 1)]))
    assert refused(await engine.submit(submission(unknown, "c5"))) == "unknown_order"
    other_content = CorrectOrder(None, OrderCorrection("o1", "c1", "CNY", [OrderLine("1", 1, 1)]))
    assert refused(await engine.submit(submission(other_content, "c6"))) == "correction_conflict"
    await check_ledger(database_url)


async def test_declared_events_are_rated_by_their_data(engine: Engine, database_url: str) -> None:
    """Through the core; what a condition asks for and the event lacks fails that rule alone, and says so."""
    schema = {"type": "object", "properties": {"minutes": {"type": "integer"}}}
    await publish(
        database_url,
        program(
            BASE,
            EarningRule("visit", "points", fixed=3, event="visit.recorded"),
            EarningRule("long", "points", fixed=5, event="visit.recorded", when="event.data.minutes >= 30"),
            events=[EventType("visit.recorded", schema)],
        ),
    )
    ann = await new_member(engine, "ann")
    long = answered(await engine.submit(submission(RecordEvent(ann, "visit.recorded", {"minutes": 45}), "1")))
    bare = answered(await engine.submit(submission(RecordEvent(ann, "visit.recorded", {}), "2")))
    assert long.trace is not None and bare.trace is not None
    assert (sum(each.points for each in long.trace.awards), long.trace.failed) == (8, {})
    assert sum(each.points for each in bare.trace.awards) == 3 and set(bare.trace.failed) == {"long"}
    await check_ledger(database_url)
