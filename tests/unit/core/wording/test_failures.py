"""Why a rule failed is told in both languages, with the part that failed."""

from __future__ import annotations

import msgspec
import pytest

from jifen.core.rules.document import EarningRule
from jifen.core.wording.failures import failure_in_words
from tests.databases import DEFAULT_PROGRAM
from tests.rating import program_of

RULES = [
    EarningRule("a", "points", fixed=1, when="order.quantity / 0 == 1", lines="line.quantity / 0 == 1"),
    EarningRule("b", "points", formula="order.quantity / 0", audience="member.orders / 0 == 1"),
]
PROGRAM = program_of(msgspec.structs.replace(DEFAULT_PROGRAM, earning=RULES))


@pytest.mark.parametrize(
    ("rule", "source", "zh", "en"),
    [
        ("a", "order.quantity / 0 == 1", "条件", "condition"),
        ("a", "line.quantity / 0 == 1", "商品行条件", "line filter"),
        ("b", "order.quantity / 0", "公式", "formula"),
        ("b", "member.orders / 0 == 1", "人群条件", "audience"),
        # Of a rule that is gone since nothing more is known.
        ("gone", "order.quantity / 0", "条件", "condition"),
    ],
)
def test_the_part_that_failed_is_named(rule: str, source: str, zh: str, en: str) -> None:
    """By its text, as the message quotes it."""
    told = failure_in_words(PROGRAM, rule, f"{source!r}: a number is divided by zero")
    assert told == (f"{zh} {source!r} 中除数为零。", f"a number in the {en} {source!r} is divided by zero.")


def test_each_reason_has_its_words() -> None:
    """What nobody foresaw is told as it is."""
    assert failure_in_words(PROGRAM, "b", "the formula gives -5; an award has 0 to 9 points")[0].startswith(
        "公式得出 -5；"
    )
    missing = failure_in_words(PROGRAM, "b", "'order.quantity / 0': event.data.x is missing")
    assert missing[0] == "公式 'order.quantity / 0' 需要的 event.data.x 缺失。"
    assert failure_in_words(PROGRAM, "b", "something: else") == ("something: else", "something: else")
