"""Evaluating a condition, and what can be known of it beforehand."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from jifen.core.conditions import EvaluationFailed
from tests.unit.core.conditions.shop import VOCABULARY, facts, line


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("true", set()),
        ("member.vip && order.total_cents > 5", {"member.vip", "order.total_cents"}),
        ("order.lines.exists(l, l.quantity > order.total_cents)", {"order.lines", "order.total_cents"}),
        ("now.getHours('UTC') == now.hour", {"now", "now.hour"}),
    ],
)
def test_names_are_what_is_read(source: str, names: set[str]) -> None:
    """Other facts may be missing or of any kind."""
    condition = VOCABULARY.compile(source)
    assert condition.names == names
    condition.evaluate({name: value for name, value in facts().items() if name in names} | {"other": object()})


@pytest.mark.parametrize(
    ("source", "discriminators"),
    [
        ("order.channel == 'web'", {"order.channel": {"web"}}),
        ("'web' == order.channel && now.hour in [1, 2]", {"order.channel": {"web"}, "now.hour": {1, 2}}),
        ("now.hour in [1, 2, 3] && now.hour in [2, 3, 4]", {"now.hour": {2, 3}}),
        ("now.hour == 1 && now.hour == 2", {"now.hour": set()}),
        ("order.channel in []", {"order.channel": set()}),
        ("member.vip && member.tier == 'gold'", {"member.vip": {True}, "member.tier": {"gold"}}),
        ("!member.vip", {"member.vip": {False}}),
        ("order.channel == 'a' || order.channel == 'b'", {"order.channel": {"a", "b"}}),
        ("(order.channel == 'a' && member.vip) || order.channel == 'b'", {"order.channel": {"a", "b"}}),
        ("order.channel == 'a' || member.vip", {}),
        ("order.channel != 'a'", {}),
        ("order.channel in ['a', member.tier]", {}),
        ("order.channel == member.tier", {}),
        ("!(order.channel == 'a')", {}),
        ("'a' in member.tags", {}),
        ("member.tags.exists(t, t == 'a')", {}),
        ("order.total_cents >= 100", {}),
    ],
)
def test_discriminators(source: str, discriminators: dict[str, set[object]]) -> None:
    """Outside of these values the condition is false, which an index can use."""
    assert VOCABULARY.compile(source).discriminators == discriminators


def test_a_number_has_no_discriminators() -> None:
    """It is never true."""
    assert VOCABULARY.compile("member.vip ? 1 : 2", "int").discriminators == {}


@pytest.mark.parametrize(
    ("source", "changes"),
    [
        ("1 / order.discount_cents == 1", {}),
        ("order.total_cents + 1 > 0", {"order__total_cents": 2**63 - 1}),
        ("order.total_cents > 0", {"order__total_cents": 2**63}),
        ("order.total_cents > 0", {"order__total_cents": "5"}),
        ("order.total_cents > 0", {"order__total_cents": None}),
        ("order.total_cents > 0", {"order__total_cents": 5.0}),
        ("member.vip", {"member__vip": 1}),
        ("member.vip", {"member__vip": None}),
        ("'a' in member.tags", {"member__tags": ("a",)}),
        ("'a' in member.tags", {"member__tags": ["a", None]}),
        ("member.tags[2] == 'a'", {}),
        ("order.lines.exists(l, l.sku == 'A')", {"order__lines": [{}]}),
        ("order.lines.exists(l, l.quantity > 1)", {"order__lines": [line() | {"quantity": "2"}]}),
        ("order.lines.exists(l, l.quantity > 1)", {"order__lines": [None]}),
        ("order.lines[0].quantity == 2", {"order__lines": []}),
        ("now.getHours() == 1", {"now": datetime(2026, 1, 1)}),  # noqa: DTZ001 - naive on purpose
        ("now.getHours() == 1", {"now": "2026-01-01T00:00:00Z"}),
        ("now > timestamp(order.channel)", {}),
        ("order.channel.matches('^a')", {"order__channel": "a\0b"}),
        ("order.channel.matches('^a')", {"order__channel": "a\ud800"}),
        ("member.tags.exists(t, t.matches('^a'))", {"member__tags": ["a\0b"]}),
        ("order.lines.exists(l, l.sku.matches('^a'))", {"order__lines": [line("a\0b")]}),
        ("order.lines.all(l, order.lines.all(m, l.sku.matches('A')))", {"order__lines": [line()] * 150}),
    ],
)
def test_no_answer(source: str, changes: dict[str, Any]) -> None:
    """A wrong answer would be worse; a naive instant would be taken for the machine's local time."""
    with pytest.raises(EvaluationFailed) as raised:
        VOCABULARY.compile(source).evaluate(facts(**changes))
    assert source in raised.value.message


def test_missing_facts_fail_only_where_they_matter() -> None:
    """CEL's `&&` and `||` need one side when it decides."""
    known = {"member.vip": True}
    with pytest.raises(EvaluationFailed, match=r"order\.channel"):
        VOCABULARY.compile("order.channel == 'a'").evaluate(known)
    assert VOCABULARY.compile("order.channel == 'a' || member.vip").evaluate(known) is True
    assert VOCABULARY.compile("order.channel == 'a' && !member.vip").evaluate(known) is False
    with pytest.raises(EvaluationFailed):
        VOCABULARY.compile("order.channel == 'a' && member.vip").evaluate(known)


def test_a_null_in_a_number_is_no_answer_thousands_of_times() -> None:
    """Reading a null from CEL drops a reference of None: Python 3.11 aborts after some three thousand."""
    condition = VOCABULARY.compile("order.lines[0].quantity", "int")
    wrong = facts(order__lines=[line() | {"quantity": None}])
    for _ in range(8_000):
        with pytest.raises(EvaluationFailed):
            condition.evaluate(wrong)


@pytest.mark.parametrize("value", ["5", True, 5.0, [1]])
def test_a_result_of_another_type_is_no_answer(value: object) -> None:
    """A field of a line is only known to be a number as long as the caller keeps the agreement."""
    condition = VOCABULARY.compile("order.lines[0].quantity", "int")
    with pytest.raises(EvaluationFailed):
        condition.evaluate(facts(order__lines=[line() | {"quantity": value}]))


def test_thousands_of_evaluations_by_cel() -> None:
    """Answers and failures; without leaking into the next one."""
    condition = VOCABULARY.compile("now.getHours('Asia/Shanghai') == 18 && 10 / order.discount_cents == 5")
    assert not condition.is_fast
    for _ in range(4_000):
        assert condition.evaluate(facts(order__discount_cents=2)) is True
        with pytest.raises(EvaluationFailed, match="divided by zero"):
            condition.evaluate(facts())


def test_closures_keep_the_meaning_of_texts_that_cel_cannot_take() -> None:
    """CEL would cut the text at U+0000 and find it equal."""
    condition = VOCABULARY.compile("order.channel == 'a'")
    assert condition.is_fast
    assert condition.evaluate(facts(order__channel="a\0b")) is False


def test_only_the_fields_in_use_reach_cel() -> None:
    """Others may hold whatever they want."""
    condition = VOCABULARY.compile("order.lines.exists(l, l.sku.matches('^A'))")
    assert condition.evaluate(facts(order__lines=[line() | {"name": "\0", "more": object()}])) is True


def test_a_condition_shows_its_source() -> None:
    """For people who debug."""
    assert repr(VOCABULARY.compile("member.vip")) == "Condition('member.vip')"
