"""Problems as one line for people."""

from __future__ import annotations

from jifen.core.conditions import InvalidCondition, Problem


def test_a_problem_says_where_what_and_what_instead() -> None:
    """Several stand in one line, in order."""
    error = InvalidCondition((Problem(1, 3, "不。", "No."), Problem(2, 1, "没有 x。", "There is no x.", "y")))
    assert error.message == "1:3 No. 2:1 There is no x; did you mean y?"
    assert error.message_zh == "第 1 行第 3 列：不。第 2 行第 1 列：没有 x；是否为 y？"
    assert error.problems[1].suggestion == "y"
