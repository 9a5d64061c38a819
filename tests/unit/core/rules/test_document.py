"""The shape of rules as their author writes them."""

from __future__ import annotations

import msgspec
import pytest

from jifen.core.rules.document import EarningRule, Fixed, Ratio, Window


def test_a_rule_says_what_it_awards() -> None:
    """One kind each; the check of a program refuses none and several."""
    assert EarningRule("r", "points", Ratio(1, 100)).awards == ["ratio"]
    assert EarningRule("r", "points", fixed=Fixed(5, "unit")).awards == ["fixed"]
    assert EarningRule("r", "points", Ratio(1, 100), formula="1").awards == ["ratio", "formula"]
    assert EarningRule("r", "points").awards == []


def test_words_of_the_file() -> None:
    """`from` and `to` as people write them; points alone are fixed points; a factor is exact, as number or text."""
    text = {
        "id": "double",
        "wallet": "points",
        "coefficient": {"times": 1.1},
        "window": {"from": "2026-11-11", "to": "2026-11-12"},
    }
    rule = msgspec.convert(text, EarningRule)
    assert rule.window == Window("2026-11-11", "2026-11-12")
    assert rule.coefficient is not None and str(rule.coefficient.times) == "1.1"
    again = msgspec.json.decode(msgspec.json.encode(rule), type=EarningRule)
    assert again == rule
    assert msgspec.convert({"id": "r", "wallet": "w", "fixed": 5}, EarningRule).fixed == 5


@pytest.mark.parametrize("wrong", [{"since": "2026-11-11"}, {"weekdays": ["monday"]}, {"hours": "10:00-12:00"}])
def test_other_words_are_refused(wrong: dict[str, object]) -> None:
    """Nothing is ignored silently."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(wrong, Window)
