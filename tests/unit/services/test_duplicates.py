"""The report of members who may be one person, beside other work."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from jifen.core.members.likeness import alike_names
from jifen.core.refusal import Refusal
from jifen.services import duplicates


class Base:
    """A connection to a database with two people of one name and birthday, and nothing else."""

    async def fetch(self, query: str, *_: object) -> list[dict[str, Any]]:
        """The rows of a query."""
        is_people = query == duplicates._SQL["same_birthday"]
        return [{"key": "1990-01-01", "members": [1, 2], "names": ["Li", "li"]}] if is_people else []


async def test_names_are_compared_beside_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """They may be millions, and a worker that compares them answers others meanwhile."""
    threads: list[threading.Thread] = []

    def watched(names: Sequence[str]) -> Iterator[tuple[int, int, Any]]:
        threads.append(threading.current_thread())
        return alike_names(names)

    monkeypatch.setattr(duplicates, "alike_names", watched)
    found = await duplicates.find_duplicates(Base())  # type: ignore[arg-type]
    assert not isinstance(found, Refusal)
    assert [(each.member_id, each.other_id, each.score) for each in found.duplicates] == [("1", "2", 80)]
    assert threads and threading.main_thread() not in threads
