"""Refusals as problems, in the language that was asked for."""

from __future__ import annotations

import json

import pytest

from jifen.api.problems import language_wished, problem_response
from jifen.core.refusal import Refusal


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("*", "en"),
        ("fr", "en"),
        ("zh", "zh"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("en-GB, en;q=0.9, zh;q=0.8", "en"),
        ("fr, zh-Hant;q=0.2", "zh"),
        ("zh;q=0", "en"),
        ("en;q=0.1, zh;q=0.2", "zh"),
        ("zh;q=much, en", "en"),
        (";;;,,,", "en"),
        ("de," * 1_000 + "zh", "en"),
    ],
)
def test_the_language_that_is_liked_best(header: str, language: str) -> None:
    """As browsers send it; English where neither is named, and no long look at a long header."""
    assert language_wished(header) == language


def test_a_problem_in_chinese() -> None:
    """Title and detail are for people; code, pointer and details stay as they are."""
    refusal = Refusal("insufficient_points", "3 points short.", "/points", {"missing": 3})
    status, headers, content = problem_response(refusal, "zh")
    assert (status, dict(headers)[b"content-language"]) == (409, b"zh")
    assert json.loads(content) == {
        "type": "/docs#error-insufficient_points",
        "title": "积分不足",
        "status": 409,
        "detail": "积分不足，还差 3 积分。",
        "code": "insufficient_points",
        "pointer": "/points",
        "details": {"missing": 3},
    }
    assert json.loads(problem_response(refusal)[2])["detail"] == "3 points short."
