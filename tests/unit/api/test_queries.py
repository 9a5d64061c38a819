"""Parameters that a call does not have are told in both languages, with those that it has."""

from __future__ import annotations

from jifen.api.reads import read_query, refuse_query
from jifen.api.reads.base import Query
from jifen.core.refusal import Refusal
from jifen.services.chinese import chinese_of


class Paged(Query, frozen=True):
    """Two parameters."""

    limit: int = 50
    cursor: str | None = None


def test_what_a_call_does_not_have() -> None:
    """By its name, whatever else was said."""
    refusal = read_query(Paged, {"limit": "2", "page": "3"})
    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.details) == ("invalid_parameter", {"parameter": "page"})
    assert refusal.message == "Query parameter 'page': It is not one of this call; known are limit, cursor."
    assert chinese_of(refusal) == "查询参数 page 无效：没有这个参数；可用的有 limit、cursor。"
    found = read_query(Paged, {"limit": "2"})
    assert isinstance(found, Paged) and found.limit == 2


def test_a_call_without_any() -> None:
    """Says so."""
    refusal = refuse_query(b"x=1")
    assert refusal is not None and refuse_query(b"") is None
    assert chinese_of(refusal) == "查询参数 x 无效：没有这个参数；这里不用参数。"
