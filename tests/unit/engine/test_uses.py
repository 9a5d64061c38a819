"""Where uses of caps lie (jifen.engine.uses): what is not looked for is not there, whatever was used when."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from jifen.core.rules.caps import split_usage_name
from jifen.engine.uses import MOST_ON_ROW, may_be_in_table, parted

_STARTS = ["", "/2026-01-01", "/2026-02-01", "/2026-02-02", "/2026-11-27"]


@given(st.lists(st.tuples(st.integers(0, 15), st.sampled_from(_STARTS), st.integers(0, 9)), max_size=60))
def test_every_use_is_found_where_it_lies(written: list[tuple[int, str, int]]) -> None:
    """As the engine does it: look on the row, in the table only where it may be; write what is new to the row."""
    row: dict[str, int] = {}
    table: dict[str, int] = {}
    expected: dict[str, int] = {}
    marks = 0
    for cap, start, number in written:
        name = f"rule:{cap}/points/member/period{start}"
        expected[name] = expected.get(name, 0) + number
        if name in row:
            row[name] += number
        elif may_be_in_table(name, row, marks) and name in table:
            table[name] += number
        else:
            row, gone, more = parted({**row, name: number})
            assert not gone.keys() & table.keys()
            table |= gone
            marks |= more
        assert {**row, **table} == expected
        assert len(row) + len(table) == len(expected)
        assert len(row) <= MOST_ON_ROW
        assert bool(table) == bool(marks)


def test_names_are_split_at_the_first_day_of_the_period() -> None:
    """Caps that never begin anew have none, nor what is no cap."""
    assert split_usage_name("rule:base/points/member/day/2026-11-27") == ("rule:base/points/member/day", "2026-11-27")
    assert split_usage_name("rule:base/points/member/lifetime") == ("rule:base/points/member/lifetime", "")
    assert split_usage_name("draw:wheel/misses") == ("draw:wheel/misses", "")


def test_a_period_that_begins_is_not_looked_for() -> None:
    """A member who comes day after day: the days that are over lie in the table, today's is on the row or nowhere."""
    row, gone, marks = parted({"c/day/2026-11-26": 5, "c/day/2026-11-27": 7})
    assert (row, gone) == ({"c/day/2026-11-27": 7}, {"c/day/2026-11-26": 5})
    assert not may_be_in_table("c/day/2026-11-28", row, marks)
    assert may_be_in_table("c/day/2026-11-25", row, marks)
    assert not may_be_in_table("other/day/2026-11-25", row, marks)
