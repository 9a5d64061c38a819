"""Trying an event (`services/trying.py`): the live rules, no effect, and refusals that name the field."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from jifen.core.program import InvalidProgram
from jifen.core.refusal import Refusal
from jifen.core.rules.facts import MemberFacts
from jifen.services.chinese import chinese_of
from jifen.services.programs import read_program_text
from jifen.services.trial_files import InvalidTrial, TrialFileUnreadable, read_member_file, try_files
from jifen.services.trying import Trial, draft_program, try_event
from tests.unit.services.explanations.scenes import PROGRAM

#: Words of one language that stand where those of the other should.
ENGLISH = re.compile("[a-z]{2,} [a-z]{2,} [a-z]{2,}")
NOW = datetime(2026, 11, 11, 2, 0, tzinfo=UTC)
LINE = {"line_id": "1", "quantity": 2, "paid_cents": 118_050}
DRAFT = draft_program(
    PROGRAM + "fields:\n  - {id: vip, type: bool}\ncatalog:\n  tiers: [{id: gold, name: {zh: 金卡, en: Gold}}]\n"
)


def event(event_type: str = "order.completed", **changes: Any) -> dict[str, Any]:
    """An event without a subject: nobody need be named to try rules."""
    data = {"order_id": "1", "currency": "CNY", "lines": [LINE]} if event_type == "order.completed" else {}
    return {"specversion": "1.0", "id": "1", "source": "shop", "type": event_type, "data": data} | changes


def tried(body: dict[str, Any], **more: Any) -> Trial | Refusal:
    """The trial of an event."""
    return try_event(DRAFT, msgspec.json.encode(body), now=NOW, **more)


def answered(body: dict[str, Any], **more: Any) -> Trial:
    """The trial of an event that is not refused."""
    trial = tried(body, **more)
    assert isinstance(trial, Trial), trial
    return trial


def test_an_order_is_tried_with_its_full_trace() -> None:
    """Awards, sums by wallet, and every rule with words in both languages; version null stands for a draft."""
    trial = answered(event())
    assert trial.program_version is None
    assert trial.at == NOW
    assert trial.totals == {"points": 2_461, "growth": 118}
    assert [(each.rule, each.points) for each in trial.awards] == [
        ("base", 2_361),
        ("first-gift", 100),
        ("growth", 118),
    ]
    outcomes = {each.rule: each.outcome for each in trial.trace}
    assert outcomes == {
        "base": "awarded",
        "first-gift": "awarded",
        "growth": "awarded",
        "double": "multiplied",
        "any-gift": "group",
        "gold-gift": "audience",
        "night": "outside_window",
        "tea": "no_line",
    }
    words = {each.rule: each.words for each in trial.trace}
    assert words["double"].zh == "符合：相应积分乘以 2。"
    assert words["gold-gift"].en == "Not for this member; it needs: the tier is Gold."
    assert {each.rule: each.detail for each in trial.trace}["any-gift"] == "first-gift"


def test_the_instant_given_goes_before_the_event_s_own() -> None:
    """And the event's own before now; the next campaign may be tried today."""
    own = event(time="2026-11-12T10:00:00+08:00")
    assert answered(own).totals["points"] == 1_280
    later = answered(own, at=datetime(2031, 11, 11, 3, tzinfo=UTC))
    assert (later.totals["points"], later.at.year) == (2_461, 2031)


def test_what_is_known_of_the_member_counts() -> None:
    """As conditions see it."""
    gold = MemberFacts(tier="gold", orders=3)
    assert [each.rule for each in answered(event(), member=gold).awards] == ["any-gift", "base", "gold-gift", "growth"][
        1:
    ]


def test_a_whole_number_with_a_point_is_an_integer_in_the_fields_of_a_member(tmp_path: Path) -> None:
    """As for members that are recorded; what is not whole, or may be another number, is refused by its name."""
    text = PROGRAM.replace("member.is_first_order", "member.fields.children == 2")
    program = draft_program(text + "fields:\n  - {id: children, type: int}\n")
    good, member = tmp_path / "event.json", tmp_path / "member.yaml"
    good.write_bytes(msgspec.json.encode(event()))
    member.write_text("fields: {children: 2.0}\n", "utf-8")
    trial = try_files(program, good, member, at=None, now=NOW)
    assert "first-gift" in [each.rule for each in trial.awards]
    for children in ("2.5", "1.0e+300", "9223372036854775808", "true"):
        member.write_text(f"fields: {{children: {children}}}\n", "utf-8")
        with pytest.raises(InvalidTrial, match=r"member\.yaml: /fields/children ") as refused:
            try_files(program, good, member, at=None, now=NOW)
        assert refused.value.message_zh is not None and not ENGLISH.search(refused.value.message_zh)


def test_what_was_used_before_counts() -> None:
    """By the names under which traces count caps; a name that no cap has is refused."""
    name = "rule:base/points/member/month/2026-11-01"
    trial = answered(event(), used={name: 2_900})
    assert trial.totals["points"] == 200
    assert {each.rule: each.detail for each in trial.trace}["base"] == "rule:base/points/member/month"
    refused = tried(event(), used={"rule:base/points/member/month": 1})
    assert isinstance(refused, Refusal)
    assert (refused.code, refused.pointer) == ("invalid_field", "/used/rule:base~1points~1member~1month")
    assert name in refused.message and not ENGLISH.search(chinese_of(refused))
    too_much = tried(event(), used={name: 2**63})
    assert isinstance(too_much, Refusal)
    assert too_much.code == "invalid_field" and not ENGLISH.search(chinese_of(too_much))


def test_events_beyond_orders() -> None:
    """A check-in counts in its own streak; a registration needs no identity; a type without rules earns nothing."""
    assert answered(event("member.checked_in")).totals == {"points": 2}
    assert answered(event("content.shared"), member=MemberFacts(checkin_streak=3)).totals == {"points": 5}
    registered = answered(event("member.registered"))
    assert (registered.awards, registered.trace) == ([], [])
    failed = answered(event("content.shared"), member=MemberFacts(checkin_streak=1))
    assert (failed.trace[0].outcome, failed.totals) == ("failed", {})


def test_the_first_check_in_has_a_streak_of_one() -> None:
    """As it would have live."""
    text = PROGRAM.replace(
        "event: member.checked_in\n    fixed: 2", "event: member.checked_in\n    formula: member.checkin_streak * 7"
    )
    program = draft_program(text)
    trial = try_event(program, msgspec.json.encode(event("member.checked_in")), now=NOW)
    assert isinstance(trial, Trial)
    assert trial.totals == {"points": 7}


@pytest.mark.parametrize("kind", ["order.refunded", "order.corrected"])
def test_refunds_and_corrections_are_refused_clearly(kind: str) -> None:
    """They rate what remains of an order that was recorded."""
    data = {"order_id": "1", "refund_id": "r"} if kind == "order.refunded" else {
        "order_id": "1", "correction_id": "c", "currency": "CNY", "lines": [LINE]
    }  # fmt: skip
    refused = tried(event(kind, data=data))
    assert isinstance(refused, Refusal)
    assert (refused.code, refused.pointer) == ("event_not_tried", "/event/type")


@pytest.mark.parametrize(
    ("changes", "code", "pointer"),
    [
        ({"type": "nothing.happened", "data": {}}, "unknown_event_type", "/event/type"),
        ({"source": "jifen:time"}, "reserved_source", "/event/source"),
        ({"subject": "13800138000"}, "invalid_identity", "/event/subject"),
        ({"time": "1969-01-01T00:00:00Z"}, "instant_too_early", "/event/time"),
        ({"time": "9999-12-31T00:00:00Z"}, "instant_too_far", "/event/time"),
        ({"time": "yesterday"}, "invalid_field", "/event/time"),
        ({"data": {"order_id": "1", "currency": "USD", "lines": [LINE]}}, "currency_mismatch", "/event/data/currency"),
        ({"data": {"order_id": "1", "currency": "CNY", "lines": [LINE, LINE]}}, "duplicate_line", "/event/data/lines"),
        ({"data": {"order_id": "1", "currency": "CNY", "lines": []}}, "invalid_field", "/event/data/lines"),
        ({"data": {"currency": "CNY", "lines": [LINE]}}, "missing_field", "/event/data/order_id"),
    ],
)
def test_a_bad_event_is_refused_as_live(changes: dict[str, Any], code: str, pointer: str) -> None:
    """With the same codes, and pointers below /event."""
    refused = tried(event(**changes))
    assert isinstance(refused, Refusal)
    assert (refused.code, refused.pointer) == (code, pointer)
    assert not ENGLISH.search(chinese_of(refused))


@pytest.mark.parametrize(
    ("facts", "code", "pointer"),
    [
        (MemberFacts(birthday="02-30"), "invalid_field", "/member/birthday"),
        (MemberFacts(birthday="W01-1"), "invalid_field", "/member/birthday"),
        (MemberFacts(birthday_window_from="2026-W01-1"), "invalid_field", "/member/birthday_window_from"),
        (MemberFacts(birthday_window_days=0), "invalid_field", "/member/birthday_window_days"),
        (MemberFacts(registered_at=datetime(2026, 1, 1)), "invalid_field", "/member/registered_at"),  # noqa: DTZ001
        (MemberFacts(registered_at=datetime(1, 1, 1, tzinfo=UTC)), "instant_too_early", "/member/registered_at"),
        (MemberFacts(orders=-1), "invalid_field", "/member/orders"),
        (MemberFacts(spent_cents_year=2**63), "invalid_field", "/member/spent_cents_year"),
        (MemberFacts(days_since_last_order=-2), "invalid_field", "/member/days_since_last_order"),
        (MemberFacts(tier="platinum"), "unknown_tier", "/member/tier"),
        (MemberFacts(fields={"age": 1}), "unknown_field", "/member/fields/age"),
        (MemberFacts(fields={"vip": 1}), "invalid_field", "/member/fields/vip"),
        (MemberFacts(fields={"vip": 2**63}), "invalid_field", "/member/fields/vip"),
    ],
)
def test_facts_that_no_member_has_are_refused(facts: MemberFacts, code: str, pointer: str) -> None:
    """Rather than failing somewhere in a rule."""
    refused = tried(event(), member=facts)
    assert isinstance(refused, Refusal)
    assert (refused.code, refused.pointer) == (code, pointer)
    assert not ENGLISH.search(chinese_of(refused))


TIERS = """
tier_sets:
  - id: level
    name: {zh: 等级, en: Level}
    tiers:
      - {id: plain, name: {zh: 普通, en: Plain}}
      - {id: gold, name: {zh: 金卡, en: Gold}, qualify: total.orders >= 9, benefits: {coefficient: 2}}
  - id: tea
    name: {zh: 茶友, en: Tea}
    tiers: [{id: friend, name: {zh: 茶友, en: Friend}, by: manual, benefits: {coefficient: 3}}]
"""


@pytest.mark.parametrize(
    ("facts", "named"),
    [
        (MemberFacts(), []),
        (MemberFacts(tier="plain"), []),
        (MemberFacts(tier="gold"), ["tier:level:gold"]),
        (MemberFacts(tiers={"level": "gold"}), ["tier:level:gold"]),
        (MemberFacts(tiers={"tea": "friend"}), ["tier:tea:friend"]),
        (MemberFacts(tier="gold", tiers={"level": "gold", "tea": "friend"}), ["tier:level:gold", "tier:tea:friend"]),
    ],
)
def test_a_tier_is_tried_by_either_name(facts: MemberFacts, named: list[str]) -> None:
    """The first set's by `tier` as well; nobody lacks the tier that everybody has."""
    trial = try_event(draft_program(PROGRAM + TIERS), msgspec.json.encode(event()), facts, now=NOW)
    assert isinstance(trial, Trial), trial
    used = {each.rule: each.outcome for each in trial.trace if each.rule.startswith("tier:")}
    assert [name for name, outcome in used.items() if outcome == "multiplied"] == named, used


@pytest.mark.parametrize(
    ("facts", "code", "pointer"),
    [
        (MemberFacts(tiers={"level": "black"}), "unknown_tier", "/member/tiers/level"),
        (MemberFacts(tiers={"car": "gold"}), "unknown_tier_set", "/member/tiers/car"),
        (MemberFacts(tier="plain", tiers={"level": "gold"}), "invalid_field", "/member/tier"),
    ],
)
def test_tiers_that_nobody_can_have(facts: MemberFacts, code: str, pointer: str) -> None:
    """Two answers to one question among them."""
    refused = try_event(draft_program(PROGRAM + TIERS), msgspec.json.encode(event()), facts, now=NOW)
    assert isinstance(refused, Refusal)
    assert (refused.code, refused.pointer) == (code, pointer)
    assert not ENGLISH.search(chinese_of(refused))


def test_a_window_at_the_end_of_the_calendar_is_no_fault() -> None:
    """It reaches past the last day there is."""
    text = PROGRAM.replace("when: member.is_first_order", "when: member.in_birthday_window")
    facts = MemberFacts(birthday_window_from="9999-12-31", birthday_window_days=366)
    trial = try_event(draft_program(text), msgspec.json.encode(event()), facts, now=NOW)
    assert isinstance(trial, Trial)
    assert {each.rule: each.outcome for each in trial.trace}["first-gift"] == "condition"


def test_points_beyond_the_limit_are_refused_as_live() -> None:
    """An award that no account could hold."""
    program = draft_program(PROGRAM.replace("fixed: 100", "fixed: 1000000").replace("points: 1, per_cents: 100}", "points: 1000000, per_cents: 1}").replace("      - {limit: points, most: 3000, period: month}\n", "      - {limit: count, most: 9, period: month}\n"))  # fmt: skip  # noqa: E501
    big = event(data={"order_id": "1", "currency": "CNY", "lines": [LINE | {"paid_cents": 10**15}]})
    refused = try_event(program, msgspec.json.encode(big), now=NOW)
    assert isinstance(refused, Refusal)
    assert (refused.code, refused.pointer) == ("amount_too_large", "/event/data")


def test_the_programs_that_come_with_jifen_can_be_tried() -> None:
    """Each gives something for an order."""
    for name in ("starter", "demo"):
        trial = try_event(draft_program(read_program_text(name)), msgspec.json.encode(event()), now=NOW)
        assert isinstance(trial, Trial)
        assert trial.totals["points"] > 0


def test_a_wrong_draft_names_field_and_line() -> None:
    """As applying it would."""
    with pytest.raises(
        InvalidProgram, match=r"^draft\.yaml, line \d+, column \d+: \$\.earning\[\d+\]\.when is wrong: "
    ):
        draft_program(PROGRAM.replace("member.is_first_order", "member.is_frist_order"), "draft.yaml")


# --- files ---


def test_a_member_file_is_json_or_yaml(tmp_path: Path) -> None:
    """The same facts either way."""
    as_json, as_yaml = tmp_path / "member.json", tmp_path / "member.yaml"
    as_json.write_text('{"tier": "gold", "birthday": "11-11", "registered_at": "2026-01-01T00:00:00Z"}', "utf-8")
    as_yaml.write_text("tier: gold\nbirthday: 11-11\nregistered_at: 2026-01-01T00:00:00Z\n", "utf-8")
    assert read_member_file(as_json) == read_member_file(as_yaml)
    assert read_member_file(as_json).tier == "gold"


def test_wrong_files_are_named_with_the_field(tmp_path: Path) -> None:
    """Which file, where in it, and what is wrong."""
    good, member, bad = tmp_path / "event.json", tmp_path / "member.yaml", tmp_path / "bad.json"
    good.write_bytes(msgspec.json.encode(event()))
    bad.write_bytes(msgspec.json.encode(event(time="yesterday")))
    with pytest.raises(InvalidTrial, match=r"bad\.json: /time "):
        try_files(DRAFT, bad, None, at=None, now=NOW)
    member.write_text("tier: gold\nage: 7\n", "utf-8")
    with pytest.raises(InvalidTrial, match=r"member\.yaml, line 2: \$\.age is no field"):
        try_files(DRAFT, good, member, at=None, now=NOW)
    member.write_text("orders: -1\n", "utf-8")
    with pytest.raises(InvalidTrial, match=r"member\.yaml: /orders orders must lie between"):
        try_files(DRAFT, good, member, at=None, now=NOW)
    member.write_bytes(b"tier: \xff\n")
    bad.write_bytes(b" " * 1_000_001)
    for wrong, facts, en, zh in (
        (good, member, "is not UTF-8 text", "不是 UTF-8 文本"),
        (tmp_path / "no-such-file.json", None, "There is no file", "没有文件"),
        (tmp_path, None, "cannot be read", "它是文件夹"),
        (bad, None, "is longer than", "超过 1,000,000 字节"),
    ):
        with pytest.raises(TrialFileUnreadable, match=en) as told:
            try_files(DRAFT, wrong, facts, at=None, now=NOW)
        assert zh in str(told.value.message_zh)


PLAIN_FILE = """
name: {zh: 店, en: Shop}
currency: CNY
time_zone: Asia/Shanghai
wallets:
  - {id: points, name: {zh: 积分, en: Points}}
earning:
  - {id: base, wallet: points, ratio: {points: 1, per_cents: 100}}
"""


@pytest.mark.parametrize(
    "asked",
    [
        'when: "order.lines.all(a, order.lines.all(b, a.sku == b.sku))"',
        'lines: "order.lines.all(a, a.sku == line.sku)"',
    ],
)
def test_an_order_too_large_for_a_condition_is_told(asked: str) -> None:
    """Lines compared with each other: a rule that would hold up everybody fails instead, and the others go on."""
    program = draft_program(f"{PLAIN_FILE}  - {{id: alike, wallet: points, fixed: 1, {asked}}}")
    lines = [{"line_id": str(number), "sku": "A", "quantity": 1, "paid_cents": 100} for number in range(1_000)]
    about = {"specversion": "1.0", "id": "1", "source": "shop", "type": "order.completed"}
    event = msgspec.json.encode(about | {"data": {"order_id": "1", "currency": "CNY", "lines": lines}})
    trial = try_event(program, event, now=NOW)
    assert isinstance(trial, Trial)
    told = {each.rule: each for each in trial.trace}
    assert (trial.totals, told["alike"].outcome) == ({"points": 1_000}, "failed")
    assert "10,000" in told["alike"].words.zh and "10,000" in told["alike"].words.en
