"""From a source to a condition of the wanted result."""

from __future__ import annotations

import pytest

from jifen.core.conditions import InvalidCondition, Problem, Vocabulary
from tests.unit.core.conditions.shop import NAMES, VOCABULARY, facts


def test_names_of_every_type_can_be_read() -> None:
    """A name may be the beginning of another."""
    source = (
        "order.total_cents > 0 && order.channel != '' && size(order.lines) == 2 && 'student' in member.tags"
        " && member.vip && now > timestamp(0) && now.hour == 18"
    )
    condition = VOCABULARY.compile(source)
    assert condition.evaluate(facts()) is True
    assert condition.source == source
    assert condition.result == "bool"


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("order.total_cents / 100", 60),
        ("member.vip ? 2 : 1", 2),
        ("size(member.tags) + 1", 3),
        ('now.getHours("Asia/Shanghai")', 18),
        ("order.lines[0].quantity", 2),
    ],
)
def test_a_number_can_be_wanted(source: str, value: int) -> None:
    """Of the exact type int."""
    found = VOCABULARY.compile(source, "int").evaluate(facts())
    assert (found, type(found)) == (value, int)


@pytest.mark.parametrize(
    ("source", "result", "zh", "message"),
    [
        (
            "order.total_cents",
            "bool",
            "结果须为真假值，这里是数字。",
            "This must give true or false, but gives a number.",
        ),
        ("member.vip", "int", "结果须为数字，这里是真假值。", "This must give a number, but gives true or false."),
        ("member.tier", "bool", "结果须为真假值，这里是文本。", "This must give true or false, but gives a text."),
    ],
)
def test_another_result_is_refused(source: str, result: str, zh: str, message: str) -> None:
    """At the beginning of the source."""
    with pytest.raises(InvalidCondition) as raised:
        VOCABULARY.compile(source, result)  # type: ignore[arg-type] # literals from a table
    assert raised.value.problems == (Problem(1, 1, zh, message),)


def test_a_vocabulary_keeps_its_names() -> None:
    """Whatever becomes of the mapping it was made from."""
    names = dict(NAMES)
    vocabulary = Vocabulary(names)
    names.clear()
    assert vocabulary.names == NAMES
    vocabulary.compile("member.vip")


def test_an_empty_vocabulary_has_constants() -> None:
    """`true` means always."""
    assert Vocabulary({}).compile("true").evaluate({}) is True


def test_thousands_of_compilations() -> None:
    """Good ones and bad ones; CEL's reading of results must not use up Python's None."""
    for number in range(1_500):
        VOCABULARY.compile(f"now.hour == {number}")
        with pytest.raises(InvalidCondition):
            VOCABULARY.compile(f"now.hour == '{number}'")
