"""Returns that name no order find it: the latest earlier one first, over several, and never more than was bought."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from jifen.services.imports import returns
from jifen.services.imports.returns import match_returns
from jifen.services.imports.rows import FileLine
from jifen.services.imports.staging import Staging


@pytest.fixture
def staging(tmp_path: Path) -> Iterator[Staging]:
    """An empty staging database."""
    staging = Staging(tmp_path / "staging.sqlite")
    yield staging
    staging.close()


class Shop:
    """Writes lines into the staging database, as reading a file would."""

    def __init__(self, staging: Staging) -> None:
        self.staging = staging
        self.line = 1

    def add(
        self,
        order_id: str,
        at: int,
        sku: str,
        quantity: int,
        *,
        member: str = "external:1",
        of: str | None = None,
        line_id: str | None = None,
    ) -> None:
        """A line; an order id that begins with C, or one that names its order, is a return."""
        self.line += 1
        is_return = order_id.startswith("C")
        line = FileLine(
            order_id, is_return, member, at, quantity, 100, "GBP", of, line_id, sku, None, None, None, None, None
        )
        assert self.staging.add_line(self.line, line, member)

    def match(self) -> tuple[list[tuple[str, str, int]], list[tuple[int, str]]]:
        """The refunds (order, line, quantity) as booked, and the rejects (line, what is left of what)."""
        self.staging.end_reading()
        match_returns(self.staging)
        booked = self.staging.rows("SELECT order_id, line_id, quantity FROM refunds ORDER BY number").fetchall()
        return booked, [(reject.line, reject.detail) for reject in self.staging.rejects()]


def test_the_latest_earlier_order_comes_first(staging: Staging) -> None:
    """Over several orders if need be; an order of the same instant or later is not earlier."""
    shop = Shop(staging)
    shop.add("1", 10, "A", 2)
    shop.add("2", 20, "A", 3)
    shop.add("3", 30, "A", 9)
    shop.add("C1", 30, "A", 4)
    assert shop.match() == ([("2", "1", 3), ("1", "1", 1)], [])


def test_returns_are_matched_in_order_of_time(staging: Staging) -> None:
    """Not as they stand in the file: the earlier return takes its purchase first."""
    shop = Shop(staging)
    shop.add("1", 10, "A", 1)
    shop.add("2", 20, "A", 1)
    shop.add("C2", 40, "A", 1)
    shop.add("C1", 25, "A", 1)
    assert shop.match() == ([("2", "1", 1), ("1", "1", 1)], [])


def test_what_is_left_over_is_rejected_with_its_quantity(staging: Staging) -> None:
    """The part that matches is refunded; the rest is named."""
    shop = Shop(staging)
    shop.add("1", 10, "A", 2)
    shop.add("C1", 20, "A", 5)
    shop.add("C2", 30, "A", 1)
    assert shop.match() == ([("1", "1", 2)], [(3, "3 / 5"), (4, "1 / 1")])


def test_other_members_and_other_goods_do_not_match(staging: Staging) -> None:
    """The same SKU of somebody else stays bought."""
    shop = Shop(staging)
    shop.add("1", 10, "A", 2, member="external:2")
    shop.add("2", 10, "B", 2)
    shop.add("C1", 20, "A", 1)
    assert shop.match() == ([], [(4, "1 / 1")])


def test_one_sku_twice_in_an_order_is_taken_line_by_line(staging: Staging) -> None:
    """In the order of the file; also where the order's lines are scattered over the file."""
    shop = Shop(staging)
    shop.add("1", 10, "A", 1)
    shop.add("1", 10, "B", 1)
    shop.add("2", 5, "A", 1)
    shop.add("1", 11, "A", 2)
    shop.add("C1", 20, "A", 4)
    assert shop.match() == ([("1", "1", 1), ("1", "3", 2), ("2", "1", 1)], [])


def test_a_return_that_names_its_order_takes_from_that_alone(staging: Staging) -> None:
    """By line id if it has one, else by SKU; an order that is not in the file is left to the ledger."""
    shop = Shop(staging)
    shop.add("1", 10, "A", 2, line_id="x")
    shop.add("2", 20, "A", 2, line_id="y")
    shop.add("C1", 30, "A", 3, of="1", line_id="x")
    shop.add("C2", 30, "A", 1, of="2")
    shop.add("C3", 30, "A", 1, of="earlier", line_id="z")
    shop.add("C4", 30, "A", 1, of="earlier")
    booked, rejected = shop.match()
    assert booked == [("1", "x", 2), ("2", "y", 1), ("earlier", "z", 1)]
    assert rejected == [(4, "1 / 3"), (7, "1 / 1")]


def test_an_order_at_fault_cannot_be_returned(staging: Staging) -> None:
    """It is not imported, so nothing can come back from it; all its lines are rejected."""
    shop = Shop(staging)
    shop.add("1", 10, "A", 2)
    staging.mark_bad("1")
    shop.add("C1", 30, "A", 1)
    booked, rejected = shop.match()
    assert booked == []
    assert [line for line, _ in rejected] == [2, 3]


def test_another_member_in_the_same_order_is_noticed(staging: Staging) -> None:
    """Next to the first line or far from it."""
    line = FileLine("1", False, "external:1", 1, 1, 1, "GBP", None, None, "A", None, None, None, None, None)
    assert staging.add_line(2, line, "external:1")
    assert not staging.add_line(3, line, "external:2")
    assert staging.add_line(4, line._replace(order_id="2"), "external:2")
    assert not staging.add_line(5, line, "external:2")
    assert staging.add_line(6, line, "external:1")


def test_spellings_of_one_phone(tmp_path: Path) -> None:
    """With a region they are one member, who may have one order under several; without, each is somebody. Returns take
    from orders under their own spelling as if there were no others, and only then from those."""
    plain, full = "phone:13800000001", "phone:+8613800000001"
    booked = []
    for region in (None, "CN"):
        with closing(Staging(tmp_path / f"{region}.sqlite", region)) as staging:
            shop = Shop(staging)
            shop.add("1", 10, "A", 4, member=plain)
            shop.add("2", 20, "A", 3, member=full)
            shop.add("C1", 30, "A", 4, member=full)
            shop.add("C2", 40, "A", 3, member=plain)
            booked.append(shop.match())
    assert booked[0] == ([("2", "1", 3), ("1", "1", 3)], [(4, "1 / 4")])
    assert booked[1] == ([("2", "1", 3), ("1", "1", 3), ("1", "1", 1)], [])
    with closing(Staging(tmp_path / "order.sqlite", "CN")) as staging:
        line = FileLine("1", False, plain, 1, 1, 1, "GBP", None, None, "A", None, None, None, None, None)
        assert staging.add_line(2, line, plain) and staging.add_line(3, line, full)
        assert not staging.add_line(4, line, "phone:13800000002")
        shop = Shop(staging)
        shop.add("0", 0, "A", 1, member=plain)
        shop.add("C1", 10, "A", 2, member=plain)
        assert shop.match() == ([("0", "1", 1), ("1", "1", 1)], [])


@pytest.mark.parametrize(
    "query", [returns._PURCHASES, returns._LINES_OF_ORDER, returns._BOOKED, returns._ORDER_IN_FILE]
)
def test_a_return_is_matched_without_reading_the_whole_file(staging: Staging, query: str) -> None:
    """Each return looks up what it needs by index: a file twice as long takes twice as long."""
    staging.end_reading()
    plan = [row[3] for row in staging.rows(f"EXPLAIN QUERY PLAN {query}", [None] * query.count("?"))]
    assert plan and not [step for step in plan if step.startswith("SCAN")]
