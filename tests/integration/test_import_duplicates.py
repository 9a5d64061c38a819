"""Who stands in a file of members twice, or was a member before, is listed: in the dry run and by the import."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from jifen.services.imports.people import MemberSummary, import_members, load_member_mapping
from jifen.services.imports.people import duplicates as listing
from tests.databases import fetch_sql
from tests.integration.test_import_orders import with_engine

MAPPING = """
name: {zh: 会员, en: Members}
source: import:old
columns:
  identities: {external: id, phone: phone}
  name: name
  birthday: born
"""


class Shop:
    """A database, and files that are imported into it."""

    def __init__(self, url: str, folder: Path) -> None:
        self._url = url
        self._folder = folder
        (folder / "mapping.yaml").write_text(MAPPING, "utf-8")
        self._mapping = load_member_mapping(str(folder / "mapping.yaml"))

    def run(self, *rows: str, dry: bool = False) -> MemberSummary:
        """Import rows of id, phone, name and birthday."""
        file = self._folder / "members.csv"
        file.write_text("id,phone,name,born\n" + "".join(f"{row}\n" for row in rows), "utf-8")
        summary: MemberSummary = with_engine(
            self._url,
            lambda engine: import_members(None if dry else engine, self._url, file, self._mapping),
        )
        return summary

    def member(self, identity: str) -> str:
        """The number of a member."""
        query = "SELECT member_id::text FROM identities WHERE kind || ':' || value = $1"
        return str(fetch_sql(self._url, query.replace("$1", f"'{identity}'"))[0][0])


@pytest.fixture
def shop(database_url: str, tmp_path: Path) -> Shop:
    """An empty shop."""
    return Shop(database_url, tmp_path)


def told(found: Any) -> tuple[int, Sequence[Any]]:
    """How many there are, and those that are listed."""
    return found.total, [msgspec.to_builtins(each) for each in found.listed]


def test_rows_among_each_other(shop: Shop) -> None:
    """Rows that share identities, and (in a dry run) people of one birthday with similar names. Rows that are one
    person already are not told as similar."""
    rows = (
        "1,13800000001,李梅,1990-05-17",
        "2,13800000002,张小三,1985-02-28",
        "1,13800000001,李梅,1990-05-17",
        "3,13800000002,王强,",
        "4,13800000004,张晓三,1985/02/28",
        "5,13800000005,张小三,1985-03-01",
        "6,13800000006,张小三,02-28",
        "7,13800000007,li MEI,1990-05-17",
        "8,13800000008,Mei Li,1990年5月17日",
    )
    identities = [
        {"lines": [2, 4], "reasons": ["external", "phone"]},
        {"lines": [3, 5], "reasons": ["phone"]},
    ]
    similar = [
        {"lines": [3, 6], "reasons": ["similar_name_and_birthday"]},
        {"lines": [9, 10], "reasons": ["name_and_birthday"]},
    ]
    rehearsed = shop.run(*rows, dry=True).duplicates
    assert told(rehearsed.in_file) == (4, [*identities, *similar])
    assert told(rehearsed.with_members) == (0, [])
    done = shop.run(*rows).duplicates
    assert (told(done.in_file), told(done.with_members)) == ((2, identities), (0, []))


def test_rows_and_members(shop: Shop) -> None:
    """By which identities a row finds a member, and whom it resembles; nobody is told of himself."""
    shop.run("1,13800000001,李小梅,1990-05-17", "2,13800000002,王强,1985-02-28", "3,13800000003,赵六,1990-05-17")
    rows = (
        "1,13900000001,李小梅,1990-05-17",
        "2,13800000002,王强,1985-02-28",
        "9,13900000009,李晓梅,1990-05-17",
        "8,13900000008,王强,1985-02-28",
        "7,13900000007,钱七,1990-05-17",
    )
    one, two = shop.member("external:1"), shop.member("external:2")
    known = [
        {"lines": [2], "reasons": ["external"], "member_id": one},
        {"lines": [3], "reasons": ["external", "phone"], "member_id": two},
    ]
    rehearsed = shop.run(*rows, dry=True).duplicates
    by_line = sorted(told(rehearsed.with_members)[1], key=lambda each: each["lines"])
    assert (rehearsed.with_members.total, by_line) == (2, known)
    # The rows that complete these members resemble others: told once, as rows of the file.
    assert told(rehearsed.in_file) == (
        2,
        [
            {"lines": [3, 5], "reasons": ["name_and_birthday"]},
            {"lines": [2, 4], "reasons": ["similar_name_and_birthday"]},
        ],
    )
    rehearsed = shop.run(rows[2], rows[3], dry=True).duplicates
    assert told(rehearsed.with_members) == (
        2,
        [
            {"lines": [3], "reasons": ["name_and_birthday"], "member_id": two},
            {"lines": [2], "reasons": ["similar_name_and_birthday"], "member_id": one},
        ],
    )
    done = shop.run(*rows).duplicates
    assert (done.with_members.total, sorted(told(done.with_members)[1], key=lambda each: each["lines"])) == (2, known)


def test_the_lists_have_an_end(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest is counted; days on which too many were born are named."""
    monkeypatch.setattr(listing, "MOST_LISTED", 2)
    monkeypatch.setattr(listing, "MOST_LINES", 3)
    monkeypatch.setattr(listing, "MOST_IN_COMMON", 4)
    rows = [f"{number % 3},,,1990-01-01" for number in range(12)]
    rows += [f"b{number},,李{number},1900-01-01" for number in range(5)]
    found = shop.run(*rows, dry=True).duplicates
    assert told(found.in_file) == (
        3,
        [
            {"lines": [2, 5, 8], "reasons": ["external"], "line_count": 4},
            {"lines": [3, 6, 9], "reasons": ["external"], "line_count": 4},
        ],
    )
    assert found.birthdays_of_too_many == ["1900-01-01"]
    shop.run(*rows)
    again = shop.run(*rows, dry=True).duplicates.with_members
    assert (again.total, len(again.listed)) == (8, 2)
