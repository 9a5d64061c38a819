"""The report of members who may be one person: beside other work, page by page, and in bounded memory."""

from __future__ import annotations

import random
import threading
import tracemalloc
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any

import pytest

from jifen.core.members.likeness import Reason, alike_names, score
from jifen.services import duplicates

Row = dict[str, Any]


class Base:
    """A connection to a database in which these members share something."""

    def __init__(self, phones: Sequence[Row] = (), days: Sequence[Row] = (), parted: Sequence[Row] = ()) -> None:
        self._phones = phones
        self._days = days
        self._parted = parted
        #: So many days were never fetched at once.
        self.most_fetched = 0

    async def fetch(self, query: str, *_: object) -> Sequence[Row]:
        """The rows of a query."""
        assert query != duplicates._SQL["same_birthday"]
        return {duplicates._SQL["same_phone"]: self._phones, duplicates._SQL["parted"]: self._parted}.get(query, ())

    async def cursor(self, query: str, *_: object) -> Cursor:
        """A cursor over the days on which several were born."""
        assert query == duplicates._SQL["same_birthday"]
        return Cursor(self, self._days)


class Cursor:
    """Gives rows as they are asked for."""

    def __init__(self, base: Base, rows: Sequence[Row]) -> None:
        self._base = base
        self._rows = list(rows)

    async def fetch(self, number: int) -> list[Row]:
        """The next so many."""
        found, self._rows = self._rows[:number], self._rows[number:]
        self._base.most_fetched = max(self._base.most_fetched, len(found))
        return found


def day(key: str, names: dict[int, str]) -> Row:
    """The people who were born on one day."""
    return {"key": key, "members": list(names), "names": list(names.values())}


async def find(base: Base, **options: Any) -> duplicates.Duplicates:
    """A page of the report."""
    found = await duplicates.find_duplicates(base, **options)  # type: ignore[arg-type]
    assert isinstance(found, duplicates.Duplicates)
    return found


async def test_names_are_compared_beside_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """They may be many, and a worker that compares them answers others meanwhile."""
    threads: list[threading.Thread] = []

    def watched(names: Sequence[str]) -> Iterator[tuple[int, int, Reason]]:
        threads.append(threading.current_thread())
        return alike_names(names)

    monkeypatch.setattr(duplicates, "alike_names", watched)
    found = await find(Base(days=[day("1990-01-01", {1: "Li", 2: "li"})]))
    assert [(each.member_id, each.other_id, each.score) for each in found.duplicates] == [("1", "2", 80)]
    assert threads and threading.main_thread() not in threads


@pytest.mark.parametrize("limit", [1, 7, 1_000])
@pytest.mark.parametrize("percent", [50, 81])
async def test_pages_are_those_of_a_list_of_all_pairs(
    monkeypatch: pytest.MonkeyPatch, limit: int, percent: int
) -> None:
    """However few days are compared and however few pairs are kept at once."""
    monkeypatch.setattr(duplicates, "_DAYS_AT_ONCE", 2)
    monkeypatch.setattr(duplicates, "_LEAST_KEPT", 0)
    dice = random.Random(11)
    names = {member: "".join(dice.choices("王李小明", k=2)) for member in range(1, 61)}
    born = {member: dice.randrange(7) for member in names}
    days = [day(str(each), {member: names[member] for member in names if born[member] == each}) for each in range(7)]
    phones: list[Row] = [{"key": str(each), "members": sorted(dice.sample(list(names), 4))} for each in range(10)]
    parted = {(each["members"][0], each["members"][1]) for each in (*days, *phones)}
    reasons: dict[tuple[int, int], set[Reason]] = {}
    for row in phones:
        for one, other in combinations(row["members"], 2):
            reasons.setdefault((one, other), set()).add("phone")
    for one, other in combinations(names, 2):
        for _, _, reason in alike_names((names[one], names[other])) if born[one] == born[other] else ():
            reasons.setdefault((one, other), set()).add(reason)
    expected = sorted(
        (-points, *pair, sorted(each))
        for pair, each in reasons.items()
        if (points := score(each)) >= percent and pair not in parted
    )
    base = Base(phones, days, [{"one": one, "other": other} for one, other in parted])
    seen: list[tuple[int, int, int, list[Reason]]] = []
    cursor: str | None = None
    while True:
        page = await find(base, percent=percent, limit=limit, cursor=cursor)
        assert page.total == len(expected) and len(page.duplicates) <= limit
        seen += [(-each.score, int(each.member_id), int(each.other_id), each.reasons) for each in page.duplicates]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == expected
    assert base.most_fetched == 2


async def test_many_of_one_name_are_counted_and_not_kept() -> None:
    """Of hundreds of thousands of pairs only those of the page are in memory, and few days at once."""
    size = 300
    days = [
        day(f"1990-01-{number}", dict.fromkeys(range(number * size, (number + 1) * size), "王小明"))
        for number in range(1, 6)
    ]
    base = Base(days=days)
    tracemalloc.start()
    try:
        found = await find(base, limit=10)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (found.total, len(found.duplicates)) == (5 * size * (size - 1) // 2, 10)
    assert peak < 4_000_000
