"""Constants that could only fail are found when the condition is written."""

from __future__ import annotations

import re

import pytest

from jifen.core.conditions import InvalidCondition, Problem
from tests.unit.core.conditions.shop import VOCABULARY, facts


@pytest.mark.parametrize(
    ("source", "column", "fault", "suggestion"),
    [
        ('order.channel.matches("[")', 23, "missing ]: [", None),
        ('order.channel.matches("(?=a)")', 23, "invalid perl operator: (?=", None),
        ("order.channel.matches(member.tier)", 29, "must stand in the condition", None),
        ('now >= timestamp("2026-01-01")', 18, "is no instant", None),
        ('now >= timestamp("2026-02-30T00:00:00Z")', 18, "is no instant", None),
        ('now - now > duration("1d")', 22, "is no duration", None),
        ('int("five") == 5', 5, "is no whole number", None),
        ('now.getHours("Asia/Shangai") > 1', 14, "is no time zone", '"Asia/Shanghai"'),
        ('now.getHours("/etc/passwd") > 1', 14, "is no time zone", None),
        ('now.getDayOfWeek("") > 1', 18, "is no time zone", None),
        ("now.getHours(order.channel) > 1", 19, "must stand in the condition", None),
    ],
)
def test_wrong_constants(source: str, column: int, fault: str, suggestion: str | None) -> None:
    """The message points at the constant."""
    with pytest.raises(InvalidCondition) as raised:
        VOCABULARY.compile(source)
    (problem,) = raised.value.problems
    assert fault in problem.message
    assert re.search("[\u4e00-\u9fff]", problem.message_zh)
    assert problem == Problem(1, column, problem.message_zh, problem.message, suggestion)


@pytest.mark.parametrize(
    "pattern",
    ["*a", "(a", "[a", "a)", r"\\q", "a\\\\", "[z-a]", "a**", "a{1001}", "a{2,1}", "(?=a)", r"\\pX"],
)
def test_wrong_patterns_are_told_in_chinese(pattern: str) -> None:
    """Not a word of RE2's stays English; only parts of the pattern are quoted."""
    with pytest.raises(InvalidCondition) as raised:
        VOCABULARY.compile(f'order.channel.matches("{pattern}")')
    told = raised.value.problems[0].message_zh.removeprefix("这不是正则表达式：")
    assert not re.search("[A-Za-z]{3}", told)
    assert not told.startswith("请按")


@pytest.mark.parametrize(
    "source",
    [
        'order.channel.matches("^st.*e$")',
        'matches(order.channel, "")',
        'now >= timestamp("2026-11-11T00:00:00.5+08:00")',
        'now - now < duration("1h30m")',
        'now.getHours("+08:00") == 18',
        "now.getHours() == 10",
        'int("-5") == -5',
    ],
)
def test_right_constants(source: str) -> None:
    """Each of these is true on the eleventh of November."""
    assert VOCABULARY.compile(source).evaluate(facts()) is True


def test_a_text_from_outside_may_still_be_no_instant() -> None:
    """Only constants can be checked beforehand."""
    VOCABULARY.compile("now >= timestamp(order.channel)")
