"""The dry run of an import of members says what the import then comes to, on random files and a real database."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jifen.core.members.commands import ChangeLife
from jifen.core.rules.document import MemberField
from jifen.engine.engine import Engine
from jifen.engine.submission import Submission
from jifen.services.imports.people import MemberSummary, import_members, load_member_mapping
from jifen.services.imports.people.sending import GROUP
from tests.databases import DEFAULT_PROGRAM, add_program, fetch_sql
from tests.integration.test_import_orders import with_engine

MAPPING = """
name: {zh: 会员, en: Members}
source: import:old
columns:
  identities: {external: id, phone: phone, card: card}
  name: name
  gender: gender
  registered_at: since
  tags: tags
  fields: {size: size}
"""
HEADER = ["id", "phone", "card", "name", "gender", "since", "tags", "size"]
FIELDS = [MemberField("size", "int", schema={"maximum": 50})]
#: Few identities, so that rows meet one another and those who are there already.
ROW = st.tuples(
    st.sampled_from(["", "1", "2", "3", "4", "5"]),
    st.sampled_from(["", "13800000001", "13800000002", "13800000003", "13800000004", "12"]),
    st.sampled_from(["", "C1", "C2", "C3"]),
    st.sampled_from(["", "李梅", "王强"]),
    st.sampled_from(["", "女", "M", "雌"]),
    st.sampled_from(["", "2024-01-02", "2999-01-01", "1900-01-01", "gestern"]),
    st.sampled_from(["", "a,b", ",".join(f"t{number}" for number in range(60)), ",".join(f"u{n}" for n in range(60))]),
    st.sampled_from(["", "40", "60", "x"]),
)
#: What became of the members of the first file.
STEPS = st.lists(st.tuples(st.integers(0, 4), st.sampled_from(["freeze", "close", "anonymise"])), max_size=3)


class Shop:
    """A database, into which files are imported."""

    def __init__(self, url: str, folder: Path) -> None:
        self._url = url
        self._file = folder / "members.csv"
        self._rejects = folder / "rejects.csv"
        mapping = folder / "mapping.yaml"
        mapping.write_text(MAPPING, "utf-8")
        self._mapping = load_member_mapping(str(mapping))

    def write(self, rows: Sequence[tuple[str, ...]]) -> None:
        """The file that is imported next."""
        with self._file.open("w", encoding="utf-8", newline="") as target:
            csv.writer(target).writerows([HEADER, *rows])

    def run(self, *, dry: bool) -> tuple[dict[str, Any], set[tuple[str, str, str]]]:
        """What the import came to, and the rejects."""
        engine_or_none = (lambda engine: None) if dry else (lambda engine: engine)
        summary: MemberSummary = with_engine(
            self._url,
            lambda engine: import_members(
                engine_or_none(engine), self._url, self._file, self._mapping, rejects=self._rejects
            ),
        )
        counts = {
            name: getattr(summary, name)
            for name in ("rows", "registered", "known", "unchanged", "repeated", "rejected", "columns")
        }
        with self._rejects.open(encoding="utf-8", newline="") as source:
            return counts, {(row["line"], row["field"], row["code"]) for row in csv.DictReader(source)}

    def live(self, steps: list[tuple[int, str]]) -> None:
        """Let members freeze, close and be forgotten."""
        members = [row[0] for row in fetch_sql(self._url, "SELECT member_id FROM members ORDER BY member_id")]

        async def take(engine: Engine) -> None:
            for number, (index, step) in enumerate(steps):
                if index < len(members):
                    command = ChangeLife(members[index], step)  # type: ignore[arg-type]
                    await engine.submit(Submission(command, "test", f"{len(members)}:{number}", b"1", "test"))

        with_engine(self._url, take)


@pytest.fixture
def shop(bare_database_url: str, tmp_path: Path) -> Shop:
    """A shop whose members have a size that has a limit."""
    add_program(bare_database_url, msgspec.structs.replace(DEFAULT_PROGRAM, fields=FIELDS))
    return Shop(bare_database_url, tmp_path)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.lists(ROW, max_size=12), STEPS, st.lists(ROW, min_size=1, max_size=25))
def test_a_dry_run_says_what_the_import_comes_to(
    shop: Shop, before: list[tuple[str, ...]], steps: list[tuple[int, str]], rows: list[tuple[str, ...]]
) -> None:
    """Who is known, who would be new, what the ledger refuses and why: the same, and again after it was done."""
    shop.write(before)
    shop.run(dry=False)
    shop.live(steps)
    shop.write(rows)
    rehearsed = shop.run(dry=True)
    assert shop.run(dry=True) == rehearsed
    assert shop.run(dry=False) == rehearsed
    assert shop.run(dry=True) == shop.run(dry=False)


def test_rows_of_one_member_over_many_groups(shop: Shop) -> None:
    """Rows that meet in different groups, and that are put off, are decided in the order of the file both times."""
    rows = [(str(number), "", "", "a", "", "", "", "") for number in range(GROUP + 50)]
    rows += [(str(number), f"139{number:08}", "", "b", "", "", "", "") for number in range(GROUP + 50)]
    rows += [("", f"139{number:08}", "", "c", "", "", "", "60" if number % 2 else "") for number in range(50)]
    shop.write(rows)
    rehearsed, _ = shop.run(dry=True)
    assert (rehearsed["registered"], rehearsed["known"], rehearsed["repeated"], rehearsed["rejected"]) == (
        GROUP + 50,
        0,
        GROUP + 100,
        25,
    )
    assert shop.run(dry=False)[0] == rehearsed
