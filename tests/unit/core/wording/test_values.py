"""Money, instants and lists as each language writes them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from jifen.core.wording.values import any_of_words, filled, glued, instant_in_words, money_in_words


@pytest.mark.parametrize(
    ("currency", "cents", "zh", "en"),
    [
        ("CNY", 118_050, "1,180.50 元", "CNY 1,180.50"),
        ("CNY", 5, "0.05 元", "CNY 0.05"),
        ("CNY", -1_000_001, "-10,000.01 元", "CNY -10,000.01"),
        ("CNY", 10**15, "10,000,000,000,000.00 元", "CNY 10,000,000,000,000.00"),
        ("JPY", 1_200, "1,200 日元", "JPY 1,200"),
        ("KWD", 1_250, "1.250 KWD", "KWD 1.250"),
    ],
)
def test_money_is_written_exactly(currency: str, cents: int, zh: str, en: str) -> None:
    """From minor units, by whole numbers alone."""
    assert (money_in_words(cents, currency, "zh"), money_in_words(cents, currency, "en")) == (zh, en)


def test_instants_are_written_to_the_minute() -> None:
    """As the clock shows it."""
    local = datetime(2026, 3, 1, 9, 5, tzinfo=UTC)
    assert instant_in_words(local, "zh") == "2026年3月1日 09:05"
    assert instant_in_words(local, "en") == "2026-03-01 09:05"


def test_chinese_and_numbers_keep_a_distance() -> None:
    """A space where they meet, none elsewhere; braces in values stay as they are."""
    assert glued("至少", "3", "笔") == "至少 3 笔"
    assert glued("是", "「a」", "，且") == "是「a」，且"
    assert filled("{subject}是{value}", subject="等级", value="{x}") == "等级是{x}"


@pytest.mark.parametrize(
    ("parts", "zh", "en"),
    [(["A"], "A", "A"), (["A", "B"], "A 或 B", "A or B"), (["A", "B", "C"], "A、B 或 C", "A, B or C")],
)
def test_alternatives(parts: list[str], zh: str, en: str) -> None:
    """The last after an `or`."""
    assert (any_of_words(parts, "zh"), any_of_words(parts, "en")) == (zh, en)
