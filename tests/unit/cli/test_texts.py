"""The wording of the command line."""

from __future__ import annotations

from jifen.cli.texts import Texts, listed


def test_no_full_stop_stands_before_a_semicolon() -> None:
    """Nor at the end of a cell; nothing is nothing in every language."""
    lacks = [("须满足：金卡", "What is needed: the tier is Gold or Plus."), ("还差 20 积分。", "20 points short.")]
    assert listed(Texts("en"), lacks) == "What is needed: the tier is Gold or Plus; 20 points short"
    assert listed(Texts("zh"), lacks) == "须满足：金卡；还差 20 积分"
    assert {listed(Texts(language), []) for language in ("zh", "en", "both")} == {""}
